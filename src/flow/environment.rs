//! Assembling from environment variables: one pass over all of them, every fault at once.

use crate::device::DevicePolicy;
use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::flags::Flags;
use crate::flow::Auth;
use crate::flow::AuthBuilder;
use crate::keys::Keyring;
use crate::store::MemoryStore;

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

const STORE: &str = "SEGUE_STORE";
const ORIGINS: &str = "SEGUE_TRUSTED_ORIGINS";
const SECRET: &str = "JWT_SECRET";
const STORE_DEFAULT: &str = "sqlite:segue.db";

impl Auth {
    /// The system that the environment describes; what `AuthLayer::dual()` uses when nothing was
    /// installed.
    ///
    /// Reads `SEGUE_STORE` (default `sqlite:segue.db`), `SEGUE_KEYS` or `SEGUE_KEYS_FILE` (for an
    /// embedded store: a key file beside it, made on first run), the flags, the legacy verifier
    /// (`JWT_SECRET`, `JWT_PUBLIC_KEY_FILE`, `JWT_JWKS_FILE` and what goes with them),
    /// `SEGUE_TRUSTED_PROXIES`, `SEGUE_FORWARDED_HEADER` and `SEGUE_TRUSTED_ORIGINS`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault of all of them.
    pub fn from_env() -> Result<Self, ConfigError> {
        AuthBuilder::from_env()?.build()
    }
}

impl AuthBuilder {
    /// A builder filled from the environment, to be completed in code.
    ///
    /// # Errors
    ///
    /// As [`Auth::from_env`].
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(&|name| std::env::var(name).ok())
    }

    /// The same with the variables from `lookup`. An empty value counts as
    /// unset, except that of `JWT_SECRET`, which is a fault.
    ///
    /// # Errors
    ///
    /// As [`Auth::from_env`].
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        // An empty secret is a mistake worth stopping for: taken for unset, it would refuse everybody.
        let counts = |name: &str, value: &String| !value.is_empty() || name == SECRET;
        let lookup = &|name: &str| lookup(name).filter(|value| counts(name, value));
        let mut faults = Vec::new();
        let mut builder = Self::default();
        if let Some(flags) = take(Flags::from_lookup(lookup), &mut faults) {
            builder = builder.flags(flags);
        }
        if let Some(devices) = take(DevicePolicy::from_lookup(lookup), &mut faults) {
            builder = builder.devices(devices);
        }
        for origin in lookup(ORIGINS).iter().flat_map(|list| list.split(',')) {
            builder = builder.trusted_origin(origin.trim());
        }
        let url = lookup(STORE).unwrap_or_else(|| STORE_DEFAULT.to_owned());
        if let Some((filled, keys)) = take(with_store(builder, &url, lookup), &mut faults) {
            builder = with_legacy(filled, keys.as_ref(), lookup, &mut faults);
            if let Some(keys) = keys {
                builder = builder.keys(keys);
            }
        } else {
            builder = with_legacy(Self::default(), None, lookup, &mut faults);
        }
        ConfigError::check(faults)?;
        Ok(builder)
    }
}

/// The store that the address names, and the keys that go with it; `None` for keys made up by the
/// builder.
fn with_store(
    builder: AuthBuilder,
    url: &str,
    lookup: Lookup<'_>,
) -> Result<(AuthBuilder, Option<Keyring>), ConfigError> {
    match url.split_once(':') {
        Some(("memory", "")) => {
            Ok((builder.store(MemoryStore::new()), Keyring::from_lookup(lookup)?))
        }
        #[cfg(feature = "sqlite")]
        Some(("sqlite", path)) if !path.is_empty() => {
            let path = std::path::Path::new(path);
            let beside = path.with_added_extension("keys");
            let keys = Keyring::from_lookup_or_create(lookup, &beside)?;
            Ok((builder.store(crate::store::SqliteStore::open(path)), Some(keys)))
        }
        _ => Err(ConfigFault::new(STORE, redacted(url), STORES).into()),
    }
}

#[cfg(feature = "sqlite")]
const STORES: &str = "sqlite:PATH or memory:";
#[cfg(not(feature = "sqlite"))]
const STORES: &str = "memory: (this build lacks the feature `sqlite`)";

/// The scheme only: the rest of an address may hold a password.
fn redacted(url: &str) -> String {
    match url.split_once(':') {
        Some((scheme, _)) => format!("{scheme}:…"),
        None => "…".to_owned(),
    }
}

#[cfg(feature = "jwt")]
fn with_legacy(
    builder: AuthBuilder,
    keys: Option<&Keyring>,
    lookup: Lookup<'_>,
    faults: &mut Vec<ConfigFault>,
) -> AuthBuilder {
    let secret = lookup(SECRET);
    if let (Some(keys), Some(secret)) = (keys, secret)
        && keys.equals_secret(secret.as_bytes())
    {
        faults.push(ConfigFault::advise(
            "SEGUE_KEYS",
            "a key is the same as JWT_SECRET; whoever knows the old secret could make sessions",
        ));
    }
    match take(crate::verify::JwtVerifier::from_env(lookup), faults).flatten() {
        Some(verifier) => builder.legacy(verifier),
        None => builder,
    }
}

#[cfg(not(feature = "jwt"))]
fn with_legacy(
    builder: AuthBuilder,
    _keys: Option<&Keyring>,
    _lookup: Lookup<'_>,
    _faults: &mut Vec<ConfigFault>,
) -> AuthBuilder {
    builder
}

fn take<T>(result: Result<T, ConfigError>, faults: &mut Vec<ConfigFault>) -> Option<T> {
    result.map_err(|error| faults.extend(error.into_faults())).ok()
}

#[cfg(all(test, feature = "jwt"))]
mod tests {
    use super::*;

    /// An empty secret stops the start: taken for unset, it would refuse everybody's old tokens.
    #[test]
    fn an_empty_secret_is_a_fault() {
        let set = |secret: &'static str| {
            AuthBuilder::from_lookup(&move |name| match name {
                "JWT_SECRET" => Some(secret.to_owned()),
                "SEGUE_STORE" => Some("memory:".to_owned()),
                _ => None,
            })
        };
        let error = set("").unwrap_err();
        assert_eq!(error.faults()[0].setting(), "JWT_SECRET");
        assert!(set("a secret of at least 32 bytes is fine").is_ok());
    }
}

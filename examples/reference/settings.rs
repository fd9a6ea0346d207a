//! The variables of this app, on top of those that every app with segue has.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use segue::AuthBuilder;
use segue::ConfigError;
use segue::ConfigFault;
use segue::SessionPolicy;
use tempfile::TempDir;

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

const STORE: &str = "SEGUE_STORE";
const SECRET: &str = "JWT_SECRET";

/// What the environment says.
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) old: OldTokens,
    pub(crate) store: String,
    /// Where the demo users are kept: in the database of the sessions, if that is SQLite.
    pub(crate) users_file: PathBuf,
    /// Removed with everything in it when the app ends.
    _folder: TempDir,
}

/// How the old app's tokens are made.
#[derive(Clone)]
pub(crate) struct OldTokens {
    pub(crate) secret: String,
    pub(crate) secret_is_made_up: bool,
    /// The claim with the user's id.
    pub(crate) user_claim: String,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
}

impl Settings {
    /// Reads all variables.
    ///
    /// # Errors
    ///
    /// Every fault of all of them at once.
    pub(crate) fn from_lookup(lookup: Lookup<'_>) -> Result<(Self, AuthBuilder), ConfigError> {
        let lookup = &|name: &str| lookup(name).filter(|value| !value.is_empty());
        let folder = tempfile::Builder::new().prefix("segue-reference-").tempdir();
        let folder = folder.map_err(|error| ConfigFault::advise("TMPDIR", error.to_string()))?;
        let own = folder.path().join("segue.db");
        let store = lookup(STORE).unwrap_or_else(|| format!("sqlite:{}", own.display()));
        let old = OldTokens::from_lookup(lookup)?;
        let overlaid = |name: &str| match name {
            STORE => Some(store.clone()),
            SECRET => Some(old.secret.clone()),
            _ => lookup(name),
        };
        let mut faults = Vec::new();
        let port = number("PORT", 3000, 0..=65_535, lookup, &mut faults);
        let access = number("SEGUE_ACCESS_SECONDS", 600, 1..=86_400, lookup, &mut faults);
        let builder = AuthBuilder::from_lookup(&overlaid);
        let builder = builder.map_err(|error| faults.extend(error.into_faults())).ok();
        ConfigError::check(faults)?;
        let settings = Self {
            port: u16::try_from(port).unwrap_or_default(),
            old,
            users_file: store.strip_prefix("sqlite:").map_or(own, PathBuf::from),
            store,
            _folder: folder,
        };
        Ok((settings, builder.unwrap_or_default().policy(policy(Duration::from_secs(access)))))
    }
}

impl OldTokens {
    fn from_lookup(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let first = |name| Some(lookup(name)?.split(',').next()?.trim().to_owned());
        let secret = lookup(SECRET);
        Ok(Self {
            secret_is_made_up: secret.is_none(),
            secret: secret.map_or_else(random_secret, Ok)?,
            user_claim: first("JWT_USER_CLAIM").unwrap_or_else(|| "id".to_owned()),
            issuer: first("JWT_ISSUER"),
            audience: first("JWT_AUDIENCE"),
        })
    }
}

fn random_secret() -> Result<String, ConfigError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| ConfigFault::advise("random bytes", error.to_string()))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// Tokens that live for seconds are renewed in the last quarter of them.
fn policy(access_life: Duration) -> SessionPolicy {
    let policy = SessionPolicy::default();
    let renew_before = policy.renew_before.min(access_life / 4);
    SessionPolicy { access_life, renew_before, ..policy }
}

fn number(
    name: &str,
    default: u64,
    allowed: RangeInclusive<u64>,
    lookup: Lookup<'_>,
    faults: &mut Vec<ConfigFault>,
) -> u64 {
    let Some(text) = lookup(name) else { return default };
    match text.parse() {
        Ok(number) if allowed.contains(&number) => number,
        _ => {
            let allowed = format!("a number from {} to {}", allowed.start(), allowed.end());
            faults.push(ConfigFault::new(name, text, allowed));
            default
        }
    }
}

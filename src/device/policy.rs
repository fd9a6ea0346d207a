//! What is taken from a request about its client, and which proxies are believed.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use http::HeaderMap;
use http::HeaderValue;
use http::header::ACCEPT_LANGUAGE;
use http::header::USER_AGENT;

use super::address::client_address;
use super::agent::Agent;
use super::agent::device_name;
use super::forwarded::ForwardedHeader;
use super::proxies;
use super::proxies::TrustedProxies;
use super::record::Device;
use super::record::Fingerprint;
use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::keys::KeyVersion;
use crate::keys::Keyring;

const FORWARDED_SETTING: &str = "SEGUE_FORWARDED_HEADER";
const LANGUAGE_BYTES_MAX: usize = 64;

/// Which proxies are believed, and by which header. By default none, so that the peer counts.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use segue::{DevicePolicy, ForwardedHeader, TrustedProxies};
///
/// let policy = DevicePolicy::default()
///     .with_proxies(TrustedProxies::parse("10.0.0.0/8")?)
///     .with_forwarded_header(ForwardedHeader::Forwarded);
/// let mut headers = HeaderMap::new();
/// headers.insert("forwarded", HeaderValue::from_static("for=198.51.100.7"));
/// let client = policy.client(&headers, "10.0.0.1".parse().ok());
/// assert_eq!(client.address(), "198.51.100.7".parse().ok());
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DevicePolicy {
    proxies: TrustedProxies,
    header: ForwardedHeader,
}

impl DevicePolicy {
    /// The policy of the variables `SEGUE_TRUSTED_PROXIES` (addresses and networks, none by
    /// default) and `SEGUE_FORWARDED_HEADER` (`x-forwarded-for`, the default, or `forwarded`).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every value that can't be used.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut policy = Self::default();
        let mut faults = Vec::new();
        match lookup(proxies::SETTING).map(|text| TrustedProxies::parse(&text)) {
            Some(Ok(proxies)) => policy.proxies = proxies,
            Some(Err(error)) => faults.extend(error.into_faults()),
            None => {}
        }
        if let Some(text) = lookup(FORWARDED_SETTING) {
            match ForwardedHeader::parse(&text) {
                Some(header) => policy.header = header,
                None => {
                    let allowed = "x-forwarded-for or forwarded";
                    faults.push(ConfigFault::new(FORWARDED_SETTING, text, allowed));
                }
            }
        }
        ConfigError::check(faults)?;
        Ok(policy)
    }

    /// The proxies whose forwarded header is believed.
    #[must_use]
    pub fn with_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// The header the proxies write. Default: `X-Forwarded-For`.
    #[must_use]
    pub const fn with_forwarded_header(mut self, header: ForwardedHeader) -> Self {
        self.header = header;
        self
    }

    /// What a request tells about its client; `peer` is the other end of its connection.
    #[must_use]
    pub fn client(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> ClientInfo {
        ClientInfo {
            address: client_address(peer, headers, &self.proxies, self.header),
            user_agent: headers.get(USER_AGENT).cloned(),
            language: headers.get(ACCEPT_LANGUAGE).cloned(),
        }
    }
}

/// What a request tells about its client. Cheap to make and to clone: names and fingerprints are
/// worked out when they are asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientInfo {
    address: Option<IpAddr>,
    user_agent: Option<HeaderValue>,
    language: Option<HeaderValue>,
}

impl ClientInfo {
    /// The client's address, by the rules of [`client_address`].
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// A short name of the device, by the rules of [`device_name`].
    #[must_use]
    pub fn device_name(&self) -> String {
        device_name(&text_of(self.user_agent.as_ref()))
    }

    /// The keyed digest of what stays the same in this browser's requests: its family and system
    /// without versions, and the first language it asks for.
    ///
    /// The address is no part of it, and neither are client hints: browsers leave those out of
    /// WebSocket handshakes, where the same device would look like another one. `None` without the
    /// key of that version. The version must be one that outlives rotations, or every device would
    /// look like another one after each.
    #[must_use]
    pub fn fingerprint(&self, ring: &Keyring, version: KeyVersion) -> Option<Fingerprint> {
        let Agent { family, system } = Agent::of(&text_of(self.user_agent.as_ref()));
        let language = primary_language(&text_of(self.language.as_ref()));
        let [family, system] = [family, system].map(Option::unwrap_or_default);
        let parts = [family.as_str(), &system, &language];
        let lengths = parts.map(|part| u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        let code = ring.derived(version)?.fingerprint.code(&[
            &lengths[0],
            parts[0].as_bytes(),
            &lengths[1],
            parts[1].as_bytes(),
            &lengths[2],
            parts[2].as_bytes(),
        ]);
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&code[..16]);
        Some(Fingerprint::from_bytes(fingerprint))
    }

    /// What the session row keeps. `fingerprinting` is the ring and key version for the
    /// fingerprint, or `None` where devices are not compared.
    #[must_use]
    pub fn device(&self, fingerprinting: Option<(&Keyring, KeyVersion)>) -> Device {
        Device {
            name: Some(self.device_name().into()),
            address: self.address,
            fingerprint: fingerprinting.and_then(|(ring, key)| self.fingerprint(ring, key)),
        }
    }

    /// A number that is the same for the same raw headers, at a fraction of a fingerprint's cost.
    ///
    /// A cache that has compared a device keeps it with the verdict, and compares anew only when it
    /// changes. The seed is secret to the process, so nobody can prepare headers that collide.
    #[must_use]
    pub(crate) fn headers_hash(&self, seed: &RandomState) -> u64 {
        let headers = [&self.user_agent, &self.language];
        seed.hash_one(headers.map(|value| value.as_ref().map(HeaderValue::as_bytes)))
    }
}

/// The header as text; bytes that are none become replacement characters.
fn text_of(value: Option<&HeaderValue>) -> Cow<'_, str> {
    value.map_or_else(Default::default, |value| String::from_utf8_lossy(value.as_bytes()))
}

/// The first language of `Accept-Language`, without region and weight: `en` of `en-GB, de;q=0.5`.
fn primary_language(text: &str) -> String {
    let first = text.split([',', ';', '-', '_']).next().unwrap_or_default().trim();
    let end = first.floor_char_boundary(LANGUAGE_BYTES_MAX);
    first[..end].to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each header counts, and their borders do; other headers and the address do not.
    #[test]
    fn the_hash_follows_the_headers() {
        let seed = RandomState::default();
        let hash = |agent: Option<&'static str>, language: Option<&'static str>| {
            let value = |text: Option<&'static str>| text.map(HeaderValue::from_static);
            let (user_agent, language) = (value(agent), value(language));
            ClientInfo { address: None, user_agent, language }.headers_hash(&seed)
        };
        let hashes = [
            hash(Some("ab"), Some("c")),
            hash(Some("a"), Some("bc")),
            hash(Some("abc"), None),
            hash(None, Some("abc")),
            hash(Some("abc"), Some("")),
        ];
        assert_eq!(hashes[0], hash(Some("ab"), Some("c")));
        for (index, one) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(one), "{index}");
        }
    }
}

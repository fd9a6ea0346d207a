//! What a session row keeps about its device, and how two devices differ.

use std::fmt;
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use ipnet::IpNet;
use ipnet::Ipv4Net;
use ipnet::Ipv6Net;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error;

/// A device as a session row keeps it: for the user's list, and for comparison at use.
///
/// Everything is optional: with `SESSION_TRACKING=false` nothing is recorded. Stores keep the parts
/// in columns of their own or the whole as JSON.
///
/// ```
/// use segue::Device;
///
/// let mut device = Device::default();
/// device.name = Some("Firefox on Linux".into());
/// device.address = "192.0.2.7".parse().ok();
/// let stored = r#"{"name":"Firefox on Linux","address":"192.0.2.7"}"#;
/// assert_eq!(serde_json::to_string(&device)?, stored);
/// assert_eq!(serde_json::from_str::<Device>(stored)?, device);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate build it from their rows")]
pub struct Device {
    /// A short name for people, such as "Firefox on Linux".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// The client's address. Its network is compared apart from the fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// A keyed digest of stable request headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
}

impl Device {
    /// The network of the address.
    #[must_use]
    pub fn network(&self) -> Option<AddressPrefix> {
        self.address.map(AddressPrefix::of)
    }

    /// How the device seen now differs from this one, which was stored.
    ///
    /// What is unknown on either side does not differ: a session from before fingerprinting was
    /// switched on is no stranger.
    #[must_use]
    pub fn compare(&self, seen: &Self) -> DeviceChange {
        DeviceChange {
            fingerprint: differ(self.fingerprint, seen.fingerprint),
            network: differ(self.network(), seen.network()),
        }
    }
}

fn differ<T: PartialEq>(stored: Option<T>, seen: Option<T>) -> bool {
    matches!((stored, seen), (Some(stored), Some(seen)) if stored != seen)
}

/// What differs between the device a session was opened on and the one that uses it now.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct DeviceChange {
    /// Another browser, system or language. Enforcing means refusing this.
    pub fingerprint: bool,
    /// Another network: reported only, since phones change theirs on every journey.
    pub network: bool,
}

impl DeviceChange {
    /// Whether anything differs.
    #[must_use]
    pub const fn any(self) -> bool {
        self.fingerprint || self.network
    }
}

/// A keyed digest of what stays the same in the requests of one browser; tells nothing about them
/// to whoever lacks the key.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Takes back what a store wrote.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// What a store writes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| D::Error::custom("a fingerprint has 32 hexadecimal digits"))
    }
}

/// The network an address belongs to, roughly: the first 24 bits of IPv4, the first 48 of IPv6.
///
/// Within it providers move their customers around; outside it the client has probably moved.
///
/// ```
/// use segue::AddressPrefix;
///
/// let home = AddressPrefix::of("192.0.2.7".parse().unwrap());
/// assert_eq!(home, AddressPrefix::of("::ffff:192.0.2.200".parse().unwrap()));
/// assert_eq!(home.to_string(), "192.0.2.0/24");
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct AddressPrefix(IpNet);

impl AddressPrefix {
    const IPV4_BITS: u8 = 24;
    const IPV6_BITS: u8 = 48;

    /// The network of this address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => Ipv4Net::new_assert(address, Self::IPV4_BITS).trunc().into(),
            IpAddr::V6(address) => Ipv6Net::new_assert(address, Self::IPV6_BITS).trunc().into(),
        })
    }
}

impl fmt::Display for AddressPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AddressPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AddressPrefix({})", self.0)
    }
}

impl Serialize for AddressPrefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

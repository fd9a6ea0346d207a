//! The networks of trusted proxies.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use ipnet::Ipv4Net;

use crate::error::ConfigError;
use crate::error::ConfigFault;

pub(super) const SETTING: &str = "SEGUE_TRUSTED_PROXIES";

/// The networks whose machines may say on whose behalf they forward a request. Empty by default.
///
/// List every proxy and load balancer that stands in front of the app, and nothing else: whoever
/// is in the list can claim any client address. Cloning is cheap.
///
/// ```
/// use segue::TrustedProxies;
///
/// let proxies = TrustedProxies::parse("10.0.0.0/8, 2001:db8::1")?;
/// assert!(proxies.contains("10.1.2.3".parse().unwrap()));
/// assert!(proxies.contains("::ffff:10.1.2.3".parse().unwrap()));
/// assert!(!proxies.contains("192.0.2.7".parse().unwrap()));
/// assert!(TrustedProxies::parse("0.0.0.0/0").is_err());
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// The most networks a list holds.
    pub const NETWORKS_MAX: usize = 256;

    /// No proxy is trusted: forwarded headers are never looked at.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads addresses and networks in CIDR notation, separated by commas or white space.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every entry that is neither, that spans the whole address space (every
    /// client could then claim any address), and when there are more than
    /// [`TrustedProxies::NETWORKS_MAX`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let entries = text.split([',', ' ', '\t', '\r', '\n']).filter(|entry| !entry.is_empty());
        let mut networks = Vec::new();
        let mut faults = Vec::new();
        for entry in entries.take(Self::NETWORKS_MAX + 1) {
            match network_of(entry) {
                Some(network) if network.prefix_len() > 0 => networks.push(network),
                Some(_) => faults.push(ConfigFault::new(
                    SETTING,
                    entry,
                    "the networks of your proxies; this one trusts every client",
                )),
                None => faults.push(ConfigFault::new(
                    SETTING,
                    entry,
                    "addresses and networks, such as 10.0.0.0/8, 2001:db8::1",
                )),
            }
        }
        if networks.len() > Self::NETWORKS_MAX {
            let advice = format!("more than {} networks; combine them", Self::NETWORKS_MAX);
            faults.push(ConfigFault::advise(SETTING, advice));
        }
        ConfigError::check(faults)?;
        Ok(Self(networks.into()))
    }

    /// Whether the address belongs to a trusted proxy. IPv4 addresses mapped into IPv6 count as
    /// the IPv4 addresses they are.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether no proxy is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn network_of(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().ok()?,
    };
    // Addresses are compared as IPv4 where they are mapped, so such networks must be too.
    match (network, network.addr().to_canonical()) {
        (IpNet::V6(mapped), IpAddr::V4(address)) => {
            let prefix = mapped.prefix_len().checked_sub(96)?;
            Ipv4Net::new(address, prefix).ok().map(IpNet::V4)
        }
        _ => Some(network),
    }
}

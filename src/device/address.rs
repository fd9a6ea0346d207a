//! The client's address behind proxies: the first one, from our side, that no trusted proxy has.

use std::net::IpAddr;

use http::HeaderMap;

use super::forwarded::ForwardedHeader;
use super::proxies::TrustedProxies;

// Real chains have two or three.
const HOPS_MAX: usize = 32;

/// The address of the client that sent the request.
///
/// `peer` is the other end of the connection. Only if that is a trusted proxy, `header` is looked
/// at: all its fields, from the last entry back to the first, since every proxy appends the address
/// it received the request from. Trusted addresses are passed over; the first one that is not
/// trusted is the client. The walk ends at an entry that is no address (`unknown`, an obfuscated
/// name, garbage) and after 32 entries; the address before it counts then, which is that of a proxy.
///
/// So a client can write into the header what it likes: its own entries stand behind the one that
/// our proxy wrote, and are never reached. IPv4 addresses mapped into IPv6 are returned as IPv4.
/// Without a peer (a Unix socket) there is nobody to trust, and no address.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use segue::{ForwardedHeader, TrustedProxies, client_address};
///
/// let proxies = TrustedProxies::parse("10.0.0.0/8")?;
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.9, 198.51.100.7, 10.0.0.2"));
///
/// let header = ForwardedHeader::XForwardedFor;
/// let behind = client_address("10.0.0.1".parse().ok(), &headers, &proxies, header);
/// assert_eq!(behind, "198.51.100.7".parse().ok());
///
/// let direct = client_address("192.0.2.1".parse().ok(), &headers, &proxies, header);
/// assert_eq!(direct, "192.0.2.1".parse().ok());
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[must_use]
pub fn client_address(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    proxies: &TrustedProxies,
    header: ForwardedHeader,
) -> Option<IpAddr> {
    let mut client = peer?.to_canonical();
    if !proxies.contains(client) {
        return Some(client);
    }
    let fields = headers.get_all(header.name()).iter().rev();
    let hops = fields.flat_map(|field| header.hops(field).into_iter().rev());
    for hop in hops.take(HOPS_MAX) {
        match hop {
            None => break,
            Some(address) => client = address,
        }
        if !proxies.contains(client) {
            break;
        }
    }
    Some(client)
}

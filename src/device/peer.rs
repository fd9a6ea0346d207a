//! The other end of the connection, as whoever accepted it left it in the request's extensions.

use std::net::IpAddr;
use std::net::SocketAddr;

use http::Extensions;

/// The other end of a request's connection, for servers other than axum's.
///
/// Put it into the request's extensions where the connection is accepted. Under axum nothing is
/// needed but `into_make_service_with_connect_info::<SocketAddr>()`. Without either, a request has
/// no address, and forwarded headers are not believed, since nobody vouches for them.
///
/// ```
/// use segue::PeerAddress;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(PeerAddress("192.0.2.7:4711".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a plain wrapper that apps construct")]
pub struct PeerAddress(pub SocketAddr);

/// The peer's address, if whoever accepted the connection left it.
pub(crate) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let own = extensions.get::<PeerAddress>().map(|peer| peer.0.ip());
    #[cfg(feature = "axum")]
    let own = own.or_else(|| {
        let info = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
        info.map(|info| info.0.ip())
    });
    own
}

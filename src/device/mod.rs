//! Devices: where a session was opened and is used from, as far as that can be known.
//!
//! | file | what it is for |
//! |---|---|
//! | `policy.rs` | what is taken from a request, and which proxies are believed |
//! | `address.rs` | the client's address behind proxies |
//! | `forwarded.rs` | the two forwarded header fields, read strictly |
//! | `proxies.rs` | the networks of trusted proxies |
//! | `agent.rs` | user agents turned into short names |
//! | `peer.rs` | the other end of the connection |
//! | `record.rs` | what a session row keeps, and how two of them differ |

mod address;
mod agent;
mod forwarded;
mod peer;
mod policy;
mod proxies;
mod record;

pub use address::client_address;
pub use agent::device_name;
pub use forwarded::ForwardedHeader;
pub use peer::PeerAddress;
pub(crate) use peer::peer;
pub use policy::ClientInfo;
pub use policy::DevicePolicy;
pub use proxies::TrustedProxies;
pub use record::AddressPrefix;
pub use record::Device;
pub use record::DeviceChange;
pub use record::Fingerprint;

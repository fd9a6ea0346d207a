//! The text of tokens: made, taken apart and authenticated without asking any store.
//!
//! | file | what it is for |
//! |---|---|
//! | `secret.rs` | the two secrets of a session, one following from the other |
//! | `access.rs` | access tokens, `sga_…` |
//! | `refresh.rs` | refresh tokens, `sgr_…` |
//! | `exchange.rs` | the secret of the session that a legacy token is traded for |
//! | `codec.rs` | fixed-length base64url, canonical forms only |
//! | `text.rs` | issued text: wiped on drop, never printed |
//!
//! | | access token | refresh token |
//! |---|---|---|
//! | key version | 4 bytes, big-endian | 4 bytes, big-endian |
//! | secret | 16 bytes, follows from the refresh secret | 16 bytes, random |
//! | generation | 8 bytes, big-endian | 8 bytes, big-endian |
//! | expiry | 6 bytes, big-endian, milliseconds of the Unix epoch | none: the session row decides |
//! | HMAC-SHA-256 over prefix and the above | 32 bytes | 32 bytes |
//! | text: prefix and unpadded base64url | 92 characters | 84 characters |

mod access;
mod codec;
mod exchange;
mod refresh;
mod secret;
mod text;

pub(crate) use access::ACCESS_LENGTH_BYTES;
pub(crate) use access::RawAccess;
pub(crate) use access::VerifiedAccess;
pub(crate) use access::decode_access;
pub(crate) use access::is_access_shape;
pub(crate) use access::mint_access;
pub(crate) use exchange::exchange_secret;
pub(crate) use refresh::VerifiedRefresh;
pub(crate) use refresh::decode_refresh;
pub(crate) use refresh::is_refresh_shape;
pub(crate) use refresh::mint_refresh;
#[cfg(feature = "_fuzz")]
pub(crate) use secret::AccessSecret;
pub(crate) use secret::SessionSecret;
pub use text::AccessToken;
pub use text::RefreshToken;

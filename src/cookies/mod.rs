//! The two cookies of a browser: how they are named, set, cleared and found.
//!
//! | file | what it is for |
//! |---|---|
//! | `policy.rs` | [`CookiePolicy`]: names and attributes, and the `Set-Cookie` values |
//! | `stale.rs` | [`StaleCookie`]: cookies of earlier set-ups that are cleared along with ours |
//! | `read.rs` | finding cookies by name in a request, strictly |

mod policy;
mod read;
mod stale;
#[cfg(test)]
mod tests;

pub use policy::CookiePolicy;
pub(crate) use read::Found;
pub(crate) use read::find_cookies;
pub(crate) use read::for_each_cookie;
pub use stale::StaleCookie;

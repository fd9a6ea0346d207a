//! What axum handlers take as arguments, and how ours become responses (feature `axum`).
//!
//! | argument | what a handler gets | what the client gets otherwise |
//! |---|---|---|
//! | [`Principal`] | who makes the request | 500 where no layer covers the route |
//! | `Option<Principal>` | the same, or `None` behind [`AuthLayer::optional`] | 500 where no layer covers the route |
//! | [`CurrentSession`] | the session that makes the request | 403 `session_required` for a legacy token |
//! | [`Scoped<S>`] | a principal that holds the scope `S` | 403 `insufficient_scope`, the scope named |
//! | [`Fresh<SECONDS>`] | a principal that proved who it is not longer ago | 403 `fresh_authentication_required` |
//! | [`RequestContext`] | what a login wants to know of its request | |
//! | [`SameOrigin`] | evidence that a browser's request comes from this site | 403 `cross_origin` |
//!
//! | file | what it is for |
//! |---|---|
//! | `principal.rs` | [`Principal`] and `Option<Principal>` |
//! | `session.rs` | [`CurrentSession`] |
//! | `scoped.rs` | [`Scope`], [`Scoped`] |
//! | `fresh.rs` | [`Fresh`] |
//! | `request.rs` | [`RequestContext`], [`SameOrigin`] |
//! | `rejection.rs` | [`AuthRejection`], and errors as responses |
//! | `answer.rs` | logins and token pairs as responses: JSON or cookies, never both |
//!
//! [`AuthLayer::optional`]: crate::AuthLayer::optional
//! [`Principal`]: crate::Principal
//! [`RequestContext`]: crate::RequestContext

mod answer;
mod fresh;
mod principal;
mod rejection;
mod request;
mod scoped;
mod session;

pub use answer::InCookies;
pub use fresh::Fresh;
pub use rejection::AuthRejection;
pub use request::SameOrigin;
pub use scoped::Scope;
pub use scoped::Scoped;
pub use session::CurrentSession;

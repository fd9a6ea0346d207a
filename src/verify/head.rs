//! What authentication looks at in a request, and what it answers.

use std::pin::Pin;

use http::Extensions;
use http::HeaderMap;
use http::Method;
use http::Request;
use http::Uri;

use crate::error::AuthError;
use crate::principal::Principal;
use crate::time::Timestamp;

/// The parts of a request that decide; its body never does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestHead<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    pub(crate) fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

    pub(crate) fn of_parts(parts: &'a http::request::Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            extensions: &parts.extensions,
        }
    }
}

/// Which credentials a layer accepts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Ways {
    #[default]
    Dual,
    Legacy,
    Sessions,
}

impl Ways {
    pub(crate) const fn sessions(self) -> bool {
        matches!(self, Self::Dual | Self::Sessions)
    }

    pub(crate) const fn legacy(self) -> bool {
        matches!(self, Self::Dual | Self::Legacy)
    }
}

/// An answer now, or after a store was asked.
pub(crate) enum Authentication {
    Ready(Outcome),
    Pending(Pin<Box<dyn Future<Output = Outcome> + Send>>),
}

/// The answer.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Result<Principal, AuthError>,
    /// Whether the credential that decided came in a cookie.
    pub(crate) by_cookie: bool,
    pub(crate) effects: Effects,
}

/// What the response has to carry because of the answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Effects {
    pub(crate) clear_access: bool,
    pub(crate) clear_refresh: bool,
    pub(crate) legacy: Option<LegacyNotice>,
}

/// The request was answered by a legacy token: say so (RFC 9745, RFC 8594).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct LegacyNotice {
    /// The cut-over, if one is set.
    pub(crate) sunset: Option<Timestamp>,
}

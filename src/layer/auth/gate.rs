//! What a verdict means: the request goes on with a principal, as nobody, or not at all.

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::Response;

use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flow::Auth;
use crate::layer::body::ResponseBody;
use crate::layer::refusal::announce_end;
use crate::layer::refusal::append_unless_set;
use crate::layer::refusal::clear_cookies;
use crate::layer::refusal::refuse;
use crate::principal::Anonymous;
use crate::principal::Principal;
use crate::problem::Unstyled;
use crate::verify::head::Authentication;
use crate::verify::head::Effects;
use crate::verify::head::LegacyNotice;
use crate::verify::head::Outcome;
use crate::verify::head::RequestHead;
use crate::verify::head::Ways;

/// The settings of one applied layer.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(super) auth: Auth,
    pub(super) ways: Ways,
    pub(super) optional: bool,
}

/// What becomes of a request.
pub(super) enum Admission {
    Passed(Marks),
    Refused(Response<Bytes>),
}

/// What the response of a request that was let through has to carry. Mostly nothing.
#[derive(Debug, Default)]
pub(super) struct Marks {
    notice: Option<LegacyNotice>,
    cookies: Option<Box<HeaderMap>>,
    style: Option<Auth>,
}

impl Gate {
    pub(super) fn ask<B>(&self, request: &Request<B>) -> Authentication {
        self.auth.judge(&RequestHead::of(request), self.ways)
    }

    /// Writes the verdict into the request, or the refusal that is sent instead.
    pub(super) fn admit<B>(&self, outcome: Outcome, request: &mut Request<B>) -> Admission {
        let Outcome { verdict, by_cookie, effects } = outcome;
        match verdict {
            Ok(principal) => {
                let extensions = request.extensions_mut();
                extensions.remove::<Anonymous>();
                extensions.insert(principal);
            }
            Err(error) if self.optional && is_absent(error, by_cookie, &effects) => {
                let extensions = request.extensions_mut();
                extensions.remove::<Principal>();
                extensions.insert(Anonymous::new());
            }
            Err(error) => {
                let response = refuse(&self.auth, request.headers(), error, &effects);
                return Admission::Refused(response);
            }
        }
        Admission::Passed(self.marks(&effects))
    }

    fn marks(&self, effects: &Effects) -> Marks {
        let cookies = (effects.clear_access || effects.clear_refresh).then(|| {
            let mut headers = HeaderMap::new();
            clear_cookies(&self.auth, effects, &mut headers);
            Box::new(headers)
        });
        let style = self.auth.problems().is_custom().then(|| self.auth.clone());
        Marks { notice: effects.legacy, cookies, style }
    }
}

impl Marks {
    /// The response to send: the inner one, or its refusal as the app writes refusals.
    pub(super) fn apply<R>(&mut self, mut response: Response<R>) -> Response<ResponseBody<R>> {
        let unstyled = match &self.style {
            Some(auth) => response.extensions_mut().remove().map(|unstyled| (auth, unstyled)),
            None => None,
        };
        let mut response = match unstyled {
            Some((auth, Unstyled(problem))) => {
                auth.problems().response(&problem).map(ResponseBody::own)
            }
            None => ResponseBody::wrap(response),
        };
        self.write(response.headers_mut());
        response
    }

    fn write(&mut self, response: &mut HeaderMap) {
        if let Some(notice) = self.notice {
            announce_end(notice, response);
        }
        if let Some(cookies) = self.cookies.take() {
            append_unless_set(&cookies, response);
        }
    }
}

/// Whether the request counts as one without a credential.
///
/// A refused session cookie is recognised by being cleared: a legacy cookie is not ours to clear,
/// so it would be refused again and again as something the client can't help, and stays an error.
fn is_absent(error: AuthError, by_cookie: bool, effects: &Effects) -> bool {
    match error.kind() {
        AuthErrorKind::MissingCredential => true,
        AuthErrorKind::TokenExpired
        | AuthErrorKind::SessionExpired
        | AuthErrorKind::SessionRevoked
        | AuthErrorKind::RefreshReused => by_cookie && effects.clear_access,
        _ => false,
    }
}

//! What a browser needs beside the tokens: cookies, and the question where a request comes from.

use std::time::Duration;

use http::HeaderMap;
use http::request::Parts;

use crate::error::AuthError;
use crate::flow::Auth;
use crate::flow::Login;
use crate::flow::TokenPair;
use crate::principal::Principal;
use crate::verify::RequestHead;

impl Auth {
    /// Adds the cookies of a pair to a response, the legacy one included where the
    /// [`CookiePolicy`](crate::CookiePolicy) names it, and `Cache-Control: no-store`.
    ///
    /// The body of that response must not hold the tokens: a script could read them there.
    pub fn set_cookies(&self, pair: &TokenPair, response: &mut HeaderMap) {
        let access = (&pair.access, pair.expires_in);
        self.cookies().set(access, (&pair.refresh, pair.session_expires_in), response);
        if let Some(token) = pair.legacy_token() {
            self.cookies().set_legacy(token, pair.session_expires_in, response);
        }
    }

    /// Adds the legacy cookie of a login without a session.
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "the responses are axum's"))]
    pub(crate) fn set_legacy_cookie(&self, login: &Login, response: &mut HeaderMap) {
        if let Some(token) = login.legacy_token() {
            self.cookies().set_legacy(token, self.core().policy.absolute, response);
        }
    }

    /// Whether a request may be answered with cookies, or have been sent with them: anything but a
    /// read needs evidence that a page of this site made it (`Sec-Fetch-Site`, else `Origin`), or of
    /// a trusted origin. The layers ask this of every request that a cookie authenticates; a login
    /// that hands out cookies should too.
    ///
    /// # Errors
    ///
    /// `cross_origin`.
    pub fn same_origin(&self, parts: &Parts) -> Result<(), AuthError> {
        Ok(self.check_origin(&RequestHead::of_parts(parts))?)
    }

    /// Whether the user proved who they are at most so long ago. A legacy token without `iat` is
    /// never fresh, and neither is one from the future.
    ///
    /// Nor is a session that was kept while all others were signed out ([`LogoutScope::Others`]):
    /// its instant of authentication was moved for that, and nobody proved anything then.
    ///
    /// [`LogoutScope::Others`]: crate::LogoutScope::Others
    #[must_use]
    pub fn is_fresh(&self, who: &Principal, span: Duration) -> bool {
        let now = self.clock().now();
        let moved = |at| who.session_facts().is_some_and(|facts| at > facts.created_at);
        who.authenticated_at().is_some_and(|at| at <= now && now.since(at) <= span && !moved(at))
    }
}

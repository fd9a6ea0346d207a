//! What a request tells an operation: its device, and the session it presents.

use http::request::Parts;

use crate::device::Device;
use crate::flow::Auth;
use crate::id::SessionKey;
use crate::token::decode_access;
use crate::token::decode_refresh;
use crate::verify::RequestHead;
use crate::verify::devices;
use crate::verify::lift;

/// What login, refresh and exchange want to know of the request they answer: the device, for the
/// user's list and for comparison, and the session presented with it, which a login replaces.
///
/// [`RequestContext::default`] is the context of no request: no device is recorded, nothing is
/// replaced.
#[derive(Clone, Debug, Default)]
pub struct RequestContext {
    pub(crate) device: Option<Device>,
    pub(crate) presented: Option<SessionKey>,
}

impl Auth {
    /// Reads the context of a request.
    ///
    /// Only credentials with a genuine MAC count as presented, so a planted or forged cookie
    /// can't make a login end somebody else's session.
    ///
    /// ```
    /// # async fn example(auth: segue::Auth, parts: http::request::Parts) -> Result<(), segue::AuthError> {
    /// // after the password was checked:
    /// let login = auth.login(42_u64).context(auth.context(&parts)).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn context(&self, parts: &Parts) -> RequestContext {
        self.context_of(&RequestHead::of_parts(parts))
    }

    pub(crate) fn context_of(&self, head: &RequestHead<'_>) -> RequestContext {
        let core = self.core();
        let flags = core.flags.snapshot();
        RequestContext {
            device: devices::seen(core, head, &flags),
            presented: self.presented_session(head),
        }
    }

    /// The session whose genuine access or refresh token the request carries, expired or not.
    pub(crate) fn presented_session(&self, head: &RequestHead<'_>) -> Option<SessionKey> {
        let core = self.core();
        let keys = core.keys.load();
        let presented = lift(head.headers, head.uri, &core.lift).ok()?;
        let by_access = [presented.bearer, presented.access_cookie].into_iter().flatten();
        let by_access = by_access
            .filter_map(|text| decode_access(text).ok()?.verify(&keys).ok())
            .map(|verified| verified.session_key())
            .next();
        by_access.or_else(|| {
            let raw = decode_refresh(presented.refresh_cookie?).ok()?;
            Some(raw.verify(&keys).ok()?.session_key())
        })
    }
}

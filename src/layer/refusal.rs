//! What the layers write themselves: the refusal, and the header fields that an answer carries.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::header::SET_COOKIE;

use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::flow::Auth;
use crate::problem::Problem;
use crate::problem::ProblemRenderer;
use crate::problem::is_grpc;
use crate::time::Timestamp;
use crate::verify::head::Effects;
use crate::verify::head::LegacyNotice;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The response to a request that is refused: for gRPC as gRPC, otherwise a problem document.
pub(crate) fn refuse(
    auth: &Auth,
    request: &HeaderMap,
    error: AuthError,
    effects: &Effects,
) -> Response<Bytes> {
    let problem = Problem::from(error);
    let mut response = if is_grpc(request) {
        ProblemRenderer::grpc_response(&problem)
    } else {
        auth.problems().response(&problem)
    };
    if error.kind() == AuthErrorKind::InvalidRequest {
        auth.cookies().clear_unreadable(request, response.headers_mut());
    }
    // Whoever can't be judged now may be judged well in a second: nothing is taken from them.
    if error.status() != 503 {
        clear_cookies(auth, effects, response.headers_mut());
    }
    response
}

/// Adds what removes the cookies that the answer found dead.
pub(crate) fn clear_cookies(auth: &Auth, effects: &Effects, response: &mut HeaderMap) {
    if effects.clear_access || effects.clear_refresh {
        auth.cookies().clear(effects.clear_access, effects.clear_refresh, response);
    }
}

/// Adds cookies to a response, except those that the app has just set itself: a login behind the
/// layer must not lose what it handed out.
pub(crate) fn append_unless_set(cookies: &HeaderMap, response: &mut HeaderMap) {
    let wanted = cookies.get_all(SET_COOKIE).iter();
    let wanted: Vec<_> =
        wanted.filter(|cookie| !sets_cookie(response, cookie_name(cookie))).collect();
    for cookie in wanted {
        response.append(SET_COOKIE, cookie.clone());
    }
}

/// Whether the response sets or clears the cookie of this name.
pub(crate) fn sets_cookie(response: &HeaderMap, name: &[u8]) -> bool {
    response.get_all(SET_COOKIE).iter().any(|cookie| cookie_name(cookie) == name)
}

fn cookie_name(cookie: &HeaderValue) -> &[u8] {
    cookie.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default()
}

/// Tells a client that its kind of token goes away: `Deprecation` (RFC 9745) and, where the
/// cut-over is known, `Sunset` (RFC 8594).
///
/// `Deprecation` names the epoch. The field demands a date, none is known, and one that was read
/// from a clock would differ from node to node.
pub(crate) fn announce_end(notice: LegacyNotice, response: &mut HeaderMap) {
    response.insert(DEPRECATION, HeaderValue::from_static("@0"));
    if let Some(date) = notice.sunset.and_then(http_date) {
        response.insert(SUNSET, date);
    }
}

/// RFC 9110, section 5.6.7.
fn http_date(instant: Timestamp) -> Option<HeaderValue> {
    let instant = jiff::Timestamp::from_second(instant.as_unix_seconds()).ok()?;
    let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&instant);
    HeaderValue::try_from(text.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    /// Whatever else is known of a request: with a 503 nothing is taken from the client.
    #[test]
    fn a_503_takes_nothing() {
        let auth = Auth::builder().store(MemoryStore::new()).build().unwrap();
        let dead = Effects { clear_access: true, clear_refresh: true, legacy: None };
        for kind in AuthErrorKind::ALL {
            let response = refuse(&auth, &HeaderMap::new(), kind.into(), &dead);
            let clears = sets_cookie(response.headers(), auth.cookies().access_name().as_bytes());
            assert_eq!(clears, kind.status() != 503, "{kind:?}");
        }
    }

    /// The two fields as their documents write them.
    #[test]
    fn the_end_is_announced() {
        let mut headers = HeaderMap::new();
        let sunset = Some(Timestamp::from_unix_seconds(1_800_000_000));
        announce_end(LegacyNotice { sunset }, &mut headers);
        assert_eq!(headers[DEPRECATION], "@0");
        assert_eq!(headers[SUNSET], "Fri, 15 Jan 2027 08:00:00 GMT");

        let mut headers = HeaderMap::new();
        announce_end(LegacyNotice { sunset: Some(Timestamp::MAX) }, &mut headers);
        announce_end(LegacyNotice { sunset: None }, &mut headers);
        assert!(!headers.contains_key(SUNSET));
    }
}

//! The same refusal for gRPC: HTTP 200, an empty body, and the status in the headers.

use http::HeaderMap;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::document::Problem;

/// Whether the request speaks gRPC. gRPC-Web does not count: its clients read the HTTP status.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    const ESSENCE: &[u8] = b"application/grpc";
    let Some(kind) = headers.get(CONTENT_TYPE) else { return false };
    let bytes = kind.as_bytes();
    let essence = bytes.get(..ESSENCE.len());
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case(ESSENCE))
        && matches!(bytes.get(ESSENCE.len()), None | Some(b'+' | b';' | b' '))
}

/// Writes the status as a response without messages carries it ("Trailers-Only").
pub(super) fn write_status(problem: &Problem, headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(code(problem.status().as_u16())));
    headers.insert("grpc-message", message(problem));
    if let Some(wait) = problem.error().retry_after() {
        headers.insert("grpc-retry-pushback-ms", HeaderValue::from(wait.as_secs() * 1000));
    }
}

fn code(status: u16) -> u16 {
    match status {
        400 | 413 | 415 => 3,
        403 => 7,
        404 => 5,
        429 => 8,
        500 => 13,
        503 => 14,
        _ => 16,
    }
}

/// The code in front of the sentence, since gRPC has no member for it.
fn message(problem: &Problem) -> HeaderValue {
    let text = format!("{}: {}", problem.code(), problem.detail());
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(problem.code()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::AuthErrorKind;

    /// Every status of the table has its gRPC counterpart.
    #[test]
    fn codes() {
        let table = [
            (AuthErrorKind::MissingCredential, "16"),
            (AuthErrorKind::InvalidRequest, "3"),
            (AuthErrorKind::InsufficientScope, "7"),
            (AuthErrorKind::NotFound, "5"),
            (AuthErrorKind::TooManyRequests, "8"),
            (AuthErrorKind::LayerMissing, "13"),
            (AuthErrorKind::StoreUnavailable, "14"),
        ];
        for (kind, status) in table {
            let mut headers = HeaderMap::new();
            write_status(&Problem::from(kind), &mut headers);
            assert_eq!(headers["grpc-status"], status, "{kind:?}");
            let waits = headers.contains_key("grpc-retry-pushback-ms");
            assert_eq!(waits, matches!(kind.status().as_u16(), 429 | 503), "{kind:?}");
        }
    }

    /// `grpc-message` is percent-encoded; no sentence of the table needs it.
    #[test]
    fn messages_need_no_encoding() {
        for kind in AuthErrorKind::ALL {
            let text = message(&Problem::from(kind));
            let plain = |byte: &u8| matches!(byte, 0x20..=0x7e) && *byte != b'%';
            assert!(text.as_bytes().iter().all(plain), "{kind:?}");
            assert!(text.len() > kind.code().len(), "{kind:?}");
        }
    }

    /// Only gRPC itself is answered as gRPC.
    #[test]
    fn detection() {
        let table = [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("Application/gRPC; charset=x", true),
            ("application/grpc-web+proto", false),
            ("application/grpcx", false),
            ("application/json", false),
        ];
        for (kind, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(is_grpc(&headers), expected, "{kind}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }
}

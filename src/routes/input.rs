//! Bodies and parameters: bounded, JSON or nothing, read before anything is decided.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::Body;
use axum::extract::Request;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body::Body as _;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::AuthErrorKind;
use crate::id::SessionId;
use crate::store::PageAfter;
use crate::time::Timestamp;

/// No body of these routes is longer: a token has at most 4 KiB, the rest is names.
const BODY_LENGTH_BYTES_MAX: usize = 8 * 1024;

/// The head of a request and what its body says; no body says nothing.
///
/// The content type is looked at even if there is no body: a form of another site can send one
/// without asking, JSON it can't.
///
/// # Errors
///
/// `unsupported_media_type`, `content_too_large`, `invalid_input`.
pub(super) async fn read<T: DeserializeOwned + Default>(
    request: Request,
) -> Result<(Parts, T), (Parts, AuthErrorKind)> {
    let (parts, body) = request.into_parts();
    match read_body(&parts.headers, body).await {
        Ok(input) => Ok((parts, input)),
        Err(kind) => Err((parts, kind)),
    }
}

async fn read_body<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, AuthErrorKind> {
    let typed = headers.contains_key(CONTENT_TYPE);
    if typed && !is_json(headers) {
        return Err(AuthErrorKind::UnsupportedMediaType);
    }
    let bytes = collect(body).await?;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    if !typed {
        return Err(AuthErrorKind::UnsupportedMediaType);
    }
    serde_json::from_slice(&bytes).map_err(|_| AuthErrorKind::InvalidInput)
}

/// It may hold tokens, so it is wiped.
async fn collect(mut body: Body) -> Result<Zeroizing<Vec<u8>>, AuthErrorKind> {
    // Reserved at once: growing would leave copies behind that nobody wipes.
    let room = if body.is_end_stream() { 0 } else { BODY_LENGTH_BYTES_MAX };
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame.map_err(|_| AuthErrorKind::InvalidInput)?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > BODY_LENGTH_BYTES_MAX {
            return Err(AuthErrorKind::ContentTooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let essence = essence.trim_ascii().to_ascii_lowercase();
    essence == b"application/json"
        || (essence.starts_with(b"application/") && essence.ends_with(b"+json"))
}

/// Where a list goes on, as `?after=` says it: microseconds and id of the last session listed.
///
/// # Errors
///
/// `invalid_input` for anything but what [`write_cursor`] wrote.
pub(super) fn read_cursor(text: &str) -> Result<PageAfter, AuthErrorKind> {
    let cursor = || {
        let (micros, id) = text.split_once('.')?;
        let created_at = Timestamp::from_unix_micros(micros.parse().ok()?);
        Some(PageAfter { created_at, id: id.parse::<SessionId>().ok()? })
    };
    cursor().ok_or(AuthErrorKind::InvalidInput)
}

pub(super) fn write_cursor(after: PageAfter) -> String {
    format!("{}.{}", after.created_at.as_unix_micros(), after.id)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Only one JSON content type is one; what a form can send never is.
    #[test]
    fn content_types() {
        let table: [(&[&str], bool); 10] = [
            (&["application/json"], true),
            (&["Application/JSON ; charset=utf-8"], true),
            (&["application/merge-patch+json"], true),
            (&["application/x-www-form-urlencoded"], false),
            (&["multipart/form-data; boundary=json"], false),
            (&["text/plain"], false),
            (&["text/plain; application/json"], false),
            (&["text/json+json"], false),
            (&[""], false),
            (&["application/json", "text/plain"], false),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_TYPE, HeaderValue::from_static(value));
            }
            assert_eq!(is_json(&headers), expected, "{values:?}");
        }
    }

    /// A cursor comes back as it was written; anything else is refused.
    #[test]
    fn cursors() {
        let id = SessionId::from_bytes([7; 16]);
        let after = PageAfter { created_at: Timestamp::from_unix_micros(-5), id };
        assert_eq!(read_cursor(&write_cursor(after)), Ok(after));
        for bad in [
            "",
            ".",
            "5",
            "5.",
            "x.00",
            "5.07070707070707070707070707070707x",
            "99999999999999999999.07070707070707070707070707070707",
        ] {
            assert_eq!(read_cursor(bad), Err(AuthErrorKind::InvalidInput), "{bad}");
        }
    }

    /// A body is taken up to the bound and not a byte further.
    #[tokio::test]
    async fn bodies_are_bounded() {
        let fits = collect(Body::from(vec![b' '; BODY_LENGTH_BYTES_MAX])).await;
        assert_eq!(fits.map(|bytes| bytes.len()), Ok(BODY_LENGTH_BYTES_MAX));
        let more = collect(Body::from(vec![b' '; BODY_LENGTH_BYTES_MAX + 1])).await;
        assert_eq!(more.map(|bytes| bytes.len()), Err(AuthErrorKind::ContentTooLarge));
    }
}

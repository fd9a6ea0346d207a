//! The grammar of credentials in a header field: one scheme, one token, nothing else.

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

use crate::error::AuthErrorKind;
use crate::token::ACCESS_LENGTH_BYTES;
use crate::token::is_access_shape;
use crate::verify::legacy::Scheme;

/// A credential is not longer than this; what is longer is refused before anything looks at it.
pub(crate) const CREDENTIAL_LENGTH_BYTES_MAX: usize = 16 * 1024;

/// The field's value, if it was sent once.
pub(super) fn only_value<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, AuthErrorKind> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (first, None) => Ok(first),
        _ => Err(AuthErrorKind::InvalidRequest),
    }
}

/// The token behind `Bearer`, in any case (RFC 9110, section 11.1).
pub(super) fn bearer_token(value: &[u8]) -> Result<Option<&str>, AuthErrorKind> {
    if let Some(text) = own_access_token(value) {
        return Ok(Some(text));
    }
    let (word, rest) = split_scheme(value);
    if word.eq_ignore_ascii_case(b"bearer") {
        return token(rest).map(Some);
    }
    // Two credentials that something on the way joined into one list.
    if lists_a_bearer(value) { Err(AuthErrorKind::InvalidRequest) } else { Ok(None) }
}

/// The commonest field by far, `Bearer sga_…` at its exact length: what follows the prefix is
/// looked at by the decoder, byte by byte, and need not be looked at twice.
fn own_access_token(value: &[u8]) -> Option<&str> {
    let token = value.strip_prefix(b"Bearer ")?;
    let text = std::str::from_utf8(token).ok()?;
    (text.len() == ACCESS_LENGTH_BYTES && is_access_shape(text)).then_some(text)
}

/// The word and what follows its spaces. A tab or a control character never separates the two.
pub(super) fn split_scheme(value: &[u8]) -> (&[u8], Option<&[u8]>) {
    let end = |byte: &u8| !byte.is_ascii_graphic() || *byte == b',';
    match value.iter().position(end) {
        None => (value, None),
        Some(at) => {
            let (word, rest) = value.split_at(at);
            let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
            (word, if spaces == 0 { Some(&[]) } else { rest.get(spaces..) })
        }
    }
}

fn lists_a_bearer(value: &[u8]) -> bool {
    let is_bearer = |part: &[u8]| {
        let (word, rest) = split_scheme(part.trim_ascii());
        rest.is_some() && word.eq_ignore_ascii_case(b"bearer")
    };
    value.split(|byte| *byte == b',').skip(1).any(is_bearer)
}

/// Exactly one token68 (RFC 9110, section 11.2), and the few other characters that tokens of the
/// systems being replaced have: `|` in Sanctum's, `%` and `:` in encoded ones.
pub(super) fn token(text: Option<&[u8]>) -> Result<&str, AuthErrorKind> {
    let text = text.unwrap_or_default();
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = text.get(..text.len() - padding).unwrap_or_default();
    let fits = !body.is_empty() && text.len() <= CREDENTIAL_LENGTH_BYTES_MAX;
    if !fits || !body.iter().all(|byte| TOKEN_BYTES[usize::from(*byte)]) {
        return Err(AuthErrorKind::InvalidRequest);
    }
    std::str::from_utf8(text).map_err(|_| AuthErrorKind::InvalidRequest)
}

/// A table, since it is asked for every byte of every token.
static TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'|' | b'%' | b':');
        byte += 1;
    }
    table
};

pub(super) fn is_scheme_of(word: &[u8], schemes: &[Scheme]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| schemes.iter().any(|scheme| scheme.matches(word)))
}

//! Fixed-length base64url: one text for one value, and no allocation for what is refused.

use data_encoding::BASE64URL_NOPAD;

/// The bytes behind `prefix`, if the rest is their one canonical text.
///
/// `N` is a multiple of three, so the last character has no spare bits and no second text exists.
pub(super) fn decode<const N: usize>(prefix: &str, text: &str) -> Option<[u8; N]> {
    const { assert!(N.is_multiple_of(3)) };
    let encoded = text.strip_prefix(prefix)?;
    if encoded.len() != N / 3 * 4 {
        return None;
    }
    let mut bytes = [0; N];
    BASE64URL_NOPAD.decode_mut(encoded.as_bytes(), &mut bytes).ok()?;
    Some(bytes)
}

/// The text of `bytes` behind `prefix`, written at full size at once, so that no copy is left behind.
pub(super) fn encode(prefix: &str, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(prefix.len() + BASE64URL_NOPAD.encode_len(bytes.len()));
    text.push_str(prefix);
    BASE64URL_NOPAD.encode_append(bytes, &mut text);
    text
}

/// The `M` bytes that begin at `start`.
pub(super) fn field<const M: usize>(bytes: &[u8], start: usize) -> [u8; M] {
    let mut field = [0; M];
    field.copy_from_slice(&bytes[start..start + M]);
    field
}

//! Finding cookies by exact name, without allocation and without trusting the rest of the field.

use http::HeaderMap;
use http::header::COOKIE;

/// A value of ours is not longer; browsers cut off at a quarter of it.
const VALUE_LENGTH_BYTES_MAX: usize = 16 * 1024;

/// What a request holds under one cookie name.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Found<'a> {
    /// Nothing, or an empty value: a cookie that was cleared.
    #[default]
    Absent,
    /// Two different values: the request has no single meaning.
    Conflict,
    /// One value, however often it was sent. Its bytes are not checked.
    One(&'a [u8]),
}

/// Looks up each name. Other cookies may hold anything: they belong to the app.
///
/// Names are compared byte by byte: browsers treat the prefix `__Host-` in any case as their
/// promise, but only the exact spelling is a name we set.
pub(crate) fn find_cookies<'a, const N: usize>(
    headers: &'a HeaderMap,
    names: [&str; N],
) -> [Found<'a>; N] {
    let mut found = [Found::Absent; N];
    for_each_cookie(headers, |name, value| {
        for (slot, wanted) in found.iter_mut().zip(names) {
            if name == wanted.as_bytes() {
                *slot = slot.and(value);
            }
        }
    });
    found
}

/// Calls `visit` with name and value of every cookie pair (RFC 6265, section 4.2.1).
///
/// HTTP/2 may split the field into several (RFC 9113, section 8.2.3).
pub(crate) fn for_each_cookie<'a>(
    headers: &'a HeaderMap,
    mut visit: impl FnMut(&'a [u8], &'a [u8]),
) {
    for field in headers.get_all(COOKIE) {
        for pair in field.as_bytes().split(|byte| *byte == b';') {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                visit(name.trim_ascii(), value.trim_ascii());
            }
        }
    }
}

impl<'a> Found<'a> {
    /// The value as text, unless it is absent, ambiguous, or holds bytes that no token has.
    pub(crate) fn text(self) -> Option<&'a str> {
        let Self::One(value) = self else { return None };
        let printable =
            value.len() <= VALUE_LENGTH_BYTES_MAX && value.iter().all(u8::is_ascii_graphic);
        std::str::from_utf8(value).ok().filter(|_| printable)
    }

    /// Whether something is there that is not text.
    pub(crate) fn is_unreadable(self) -> bool {
        matches!(self, Self::One(_)) && self.text().is_none()
    }

    fn and(self, value: &'a [u8]) -> Self {
        match self {
            _ if value.is_empty() => self,
            Self::Absent => Self::One(value),
            Self::One(known) if known == value => self,
            Self::One(_) | Self::Conflict => Self::Conflict,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn look(fields: &[&'static [u8]]) -> [Found<'static>; 2] {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_bytes(field).unwrap());
        }
        let headers: &'static HeaderMap = Box::leak(Box::new(headers));
        find_cookies(headers, ["__Host-a", "__Host-b"])
    }

    /// The shapes of a cookie field, and what is found in each.
    #[test]
    fn shapes() {
        use Found::Absent;
        use Found::Conflict;
        use Found::One;
        let table: [(&[&'static [u8]], [Found<'_>; 2]); 11] = [
            (&[], [Absent, Absent]),
            (&[b"__Host-a=1; __Host-b=2"], [One(b"1"), One(b"2")]),
            (&[b"__Host-a=1", b"__Host-b=2"], [One(b"1"), One(b"2")]),
            (&[b"__Host-a=1;__Host-a=1"], [One(b"1"), Absent]),
            (&[b"__Host-a=1; __Host-a=2"], [Conflict, Absent]),
            (&[b"__Host-a=1; __Host-a=2; __Host-a=1"], [Conflict, Absent]),
            (&[b"__Host-a=1", b"__Host-a=2"], [Conflict, Absent]),
            (&[b"__Host-a=; __Host-b"], [Absent, Absent]),
            (&[b"a=1; __host-a=2; x__Host-a=3"], [Absent, Absent]),
            (&[b"theme=\xe4;;=; __Host-a=x=y"], [One(b"x=y"), Absent]),
            (&[b"__Host-a=\xff"], [One(b"\xff"), Absent]),
        ];
        for (fields, expected) in table {
            assert_eq!(look(fields), expected, "{fields:?}");
        }
    }

    /// Scenario 61: a plain cookie, which a sibling host can plant, is not read where the
    /// prefixed name is in use.
    #[test]
    fn scenario_61_the_plain_name_is_ignored() {
        let mut headers = HeaderMap::new();
        headers.insert(
            COOKIE,
            HeaderValue::from_static("segue_access=planted; __Host-segue_access=ours"),
        );
        let policy = crate::cookies::CookiePolicy::default();
        assert_eq!(find_cookies(&headers, [policy.access_name()]), [Found::One(b"ours")]);
    }
}

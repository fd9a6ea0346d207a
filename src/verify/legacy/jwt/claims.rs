//! Single claims: instants, audiences, user ids, and where in the token they stand.

use std::time::Duration;

use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

use crate::time::Timestamp;

/// The largest instant and user number that every JSON reader understands alike: 2^53 - 1.
const EXACT_INTEGER_MAX: u64 = (1 << 53) - 1;

/// The longest `jti`, in bytes.
const JTI_LENGTH_BYTES_MAX: usize = 255;

/// Where a claim stands: a name at the top, or a JSON pointer (RFC 6901) that starts with `/`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum ClaimPath {
    Name(String),
    Pointer(String),
}

impl ClaimPath {
    pub(super) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.starts_with('/') { Self::Pointer(text) } else { Self::Name(text) }
    }

    pub(super) fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        match self {
            Self::Name(name) => claims.get(name),
            Self::Pointer(pointer) => {
                let (first, rest) = match pointer[1..].split_once('/') {
                    Some((first, rest)) => (first, Some(rest)),
                    None => (&pointer[1..], None),
                };
                let value = claims.get(&first.replace("~1", "/").replace("~0", "~"))?;
                rest.map_or(Some(value), |rest| value.pointer(&format!("/{rest}")))
            }
        }
    }
}

/// Which JSON types a user id may have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum UserIdKind {
    /// A string, or an integer from 0 to 2^53 - 1, which counts as its decimal text.
    #[default]
    Any,
    /// An integer, or a string that is one: no sign, no leading zero, no space, ASCII digits. For
    /// apps whose user table has numbers, where `"42"` and `42` are the same user.
    Decimal,
    /// An integer.
    Integer,
    /// A string.
    String,
}

/// The text of a user id, or a refusal. Booleans, fractions, arrays and objects are never ids: some
/// of the old systems read `true` as user 1.
pub(super) fn user_id(value: &Value, kind: UserIdKind) -> Option<String> {
    match (value, kind) {
        (Value::String(text), UserIdKind::Any | UserIdKind::String) => Some(text.clone()),
        (Value::String(text), UserIdKind::Decimal) if is_decimal(text) => Some(text.clone()),
        (Value::Number(number), UserIdKind::Any | UserIdKind::Decimal | UserIdKind::Integer) => {
            exact_integer(number).map(|number| number.to_string())
        }
        _ => None,
    }
}

fn is_decimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
        && text.parse::<i64>().is_ok()
}

fn exact_integer(number: &Number) -> Option<u64> {
    number.as_u64().filter(|number| *number <= EXACT_INTEGER_MAX)
}

/// A claim that is an instant (RFC 7519, section 2: NumericDate). Absent is `Ok(None)`; anything but
/// a finite number within the exact range is a refusal.
pub(super) fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, ()> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => numeric_date(number).map(Some).ok_or(()),
        Some(_) => Err(()),
    }
}

fn numeric_date(number: &Number) -> Option<Timestamp> {
    if let Some(seconds) = number.as_i64() {
        let exact = seconds.unsigned_abs() <= EXACT_INTEGER_MAX;
        return exact.then(|| Timestamp::from_unix_seconds(seconds));
    }
    // Fractions: `Date.now() / 1000 + 3600` is common.
    let seconds = number.as_f64().filter(|seconds| seconds.is_finite())?;
    let span = Duration::try_from_secs_f64(seconds.abs()).ok()?;
    if span.as_secs() > EXACT_INTEGER_MAX {
        return None;
    }
    let epoch = Timestamp::EPOCH;
    Some(if seconds < 0.0 { epoch.saturating_sub(span) } else { epoch.saturating_add(span) })
}

/// The `jti`. Absent is `Ok(None)`; blank, overlong or not a string is a refusal, because such a
/// token could not be named in the blacklist.
pub(super) fn jti(claims: &Map<String, Value>, numbers: bool) -> Result<Option<Box<str>>, ()> {
    match claims.get("jti") {
        None => Ok(None),
        Some(Value::String(jti)) if is_name(jti) => Ok(Some(jti.as_str().into())),
        Some(Value::Number(jti)) if numbers => match exact_integer(jti) {
            Some(jti) => Ok(Some(jti.to_string().into())),
            None => Err(()),
        },
        Some(_) => Err(()),
    }
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= JTI_LENGTH_BYTES_MAX
}

/// Whether a claim that is demanded says something: null, blank text and empty lists do not.
pub(super) fn is_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Whether one audience of the token is accepted. A list that holds anything but strings is not an
/// audience.
pub(super) fn has_audience(
    aud: Option<&Value>,
    lists: bool,
    accepted: &dyn Fn(&str) -> bool,
) -> bool {
    match aud {
        Some(Value::String(one)) => accepted(one),
        Some(Value::Array(all)) if lists => {
            all.iter().all(Value::is_string) && all.iter().filter_map(Value::as_str).any(accepted)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(value: &Value) -> Result<Option<Timestamp>, ()> {
        instant(json!({ "exp": value }).as_object().unwrap(), "exp")
    }

    /// Instants are finite numbers, to the microsecond, and never wrap.
    #[test]
    fn instants() {
        assert_eq!(
            at(&json!(1_800_000_000)),
            Ok(Some(Timestamp::from_unix_seconds(1_800_000_000)))
        );
        let half = Timestamp::from_unix_micros(1_800_000_000_500_000);
        assert_eq!(at(&json!(1_800_000_000.5)), Ok(Some(half)));
        assert_eq!(at(&json!(1e3)), Ok(Some(Timestamp::from_unix_seconds(1000))));
        assert_eq!(at(&json!(-1)), Ok(Some(Timestamp::from_unix_seconds(-1))));
        assert_eq!(at(&json!(-1.5)), Ok(Some(Timestamp::from_unix_micros(-1_500_000))));
        assert_eq!(at(&json!(0)), Ok(Some(Timestamp::EPOCH)));
        let milliseconds = Timestamp::from_unix_seconds(4_102_444_800_000);
        assert_eq!(at(&json!(4_102_444_800_000_u64)), Ok(Some(milliseconds)));
        for bad in [
            json!(null),
            json!("1800000000"),
            json!(true),
            json!([1]),
            json!({}),
            json!(1e300),
            json!(-1e300),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1_u64 << 53),
        ] {
            assert_eq!(at(&bad), Err(()), "{bad}");
        }
        assert_eq!(instant(&Map::new(), "exp"), Ok(None));
    }

    /// A user id is read as the issuer meant it, or not at all.
    #[test]
    fn user_ids() {
        use UserIdKind as Kind;
        let rows = [
            (json!("42"), Some("42"), Some("42"), None, Some("42")),
            (json!(42), Some("42"), Some("42"), Some("42"), None),
            (json!(0), Some("0"), Some("0"), Some("0"), None),
            (
                json!((1_u64 << 53) - 1),
                Some("9007199254740991"),
                Some("9007199254740991"),
                Some("9007199254740991"),
                None,
            ),
            (json!(1_u64 << 53), None, None, None, None),
            (json!("a|b"), Some("a|b"), None, None, Some("a|b")),
            (json!("042"), Some("042"), None, None, Some("042")),
            (json!("+42"), Some("+42"), None, None, Some("+42")),
            (json!("４２"), Some("４２"), None, None, Some("４２")),
            (json!("4_2"), Some("4_2"), None, None, Some("4_2")),
            (json!(-1), None, None, None, None),
            (json!(42.0), None, None, None, None),
            (json!(true), None, None, None, None),
            (json!([42]), None, None, None, None),
            (json!({"id": 42}), None, None, None, None),
            (json!(null), None, None, None, None),
        ];
        for (value, any, decimal, integer, string) in rows {
            let read = |kind| user_id(&value, kind);
            assert_eq!(read(Kind::Any).as_deref(), any, "{value}");
            assert_eq!(read(Kind::Decimal).as_deref(), decimal, "{value}");
            assert_eq!(read(Kind::Integer).as_deref(), integer, "{value}");
            assert_eq!(read(Kind::String).as_deref(), string, "{value}");
        }
    }

    /// Names are names even with slashes in them; pointers walk.
    #[test]
    fn paths() {
        let claims = json!({"sub": 1, "a/b": 2, "user": {"id": 3, "~": [4]}, "u": "x"});
        let claims = claims.as_object().unwrap();
        let find = |path: &str| ClaimPath::new(path).find(claims).cloned();
        assert_eq!(find("sub"), Some(json!(1)));
        assert_eq!(find("a/b"), Some(json!(2)));
        assert_eq!(find("/a~1b"), Some(json!(2)));
        assert_eq!(find("/user/id"), Some(json!(3)));
        assert_eq!(find("/user/~0/0"), Some(json!(4)));
        assert_eq!(find("/u/id"), None);
        assert_eq!(find("user.id"), None);
        assert_eq!(find("/"), None);
    }
}

//! JSON read strictly: objects only, no name twice, bounded depth, nothing after the end.

use std::fmt;

use serde::de::DeserializeSeed;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

/// How many levels of arrays and objects may be nested inside the outermost object.
pub(super) const JSON_DEPTH_LEVELS_MAX: usize = 64;

/// Reads one JSON object, or refuses.
///
/// Two parsers must not read two different tokens out of the same bytes, so a name that occurs
/// twice is refused (RFC 7519, section 4, allows it). Bytes that are not UTF-8, lone surrogates
/// and numbers out of range are refused by the reader beneath.
pub(super) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let strict = Strict { levels_left: JSON_DEPTH_LEVELS_MAX + 1 };
    let value = strict.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Strict {
    levels_left: usize,
}

// What serde_json shows instead of a number when any crate of the program switches its feature
// `arbitrary_precision` on.
const NUMBER_AS_TEXT: &str = "$serde_json::private::Number";

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self { levels_left }),
            None => Err(E::custom("nested too deeply")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if name == NUMBER_AS_TEXT {
                let text: String = members.next_value()?;
                return serde_json::from_str(&text).map(Value::Number).map_err(A::Error::custom);
            }
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name occurs twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exactly one object, read as everybody else reads it, or nothing.
    #[test]
    fn objects_only() {
        for bad in [
            "",
            "null",
            "1",
            "\"a\"",
            "[]",
            "{}{}",
            "{} x",
            "{\"a\":1,}",
            "{'a':1}",
            "{a:1}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":1e400}",
            "{\"a\":01}",
            "{\"a\":1}/* c */",
            "\u{feff}{}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":1,\"\\u0061\":2}",
            "{\"a\":\"\\ud800\"}",
            "{\"o\":{\"a\":1,\"a\":1}}",
            "{\"a\":\"\u{1}\"}",
        ] {
            assert_eq!(object(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), None);
        assert_eq!(object(b"{\0\"\0a\0\"\0:\0\x31\0}\0"), None);
        assert_eq!(object(b" { } \n"), Some(Map::new()));
        let plain = br#"{"a":[1,-1,1.5,true,null,"x",{"b":{}}],"n":18446744073709551615}"#;
        assert_eq!(object(plain).map(Value::Object), serde_json::from_slice(plain).ok());
    }

    /// Depth is bounded, and what is beyond is refused instead of overflowing the stack.
    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| {
            object(format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels)).as_bytes())
        };
        assert!(nested(JSON_DEPTH_LEVELS_MAX).is_some());
        assert!(nested(JSON_DEPTH_LEVELS_MAX + 1).is_none());
        assert!(nested(100_000).is_none());
    }
}

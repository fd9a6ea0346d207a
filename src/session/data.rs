//! Application data on the session: a JSON object, bounded, shared instead of copied.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::Serializer;
use serde_json::Map;
use serde_json::Value;

/// What the application keeps on a session: a JSON object of at most
/// [`SessionData::LENGTH_BYTES_MAX`] when written out.
///
/// Meant for small facts that every request needs, such as the chosen tenant. It travels with the
/// cached session, so reading it costs no store call.
///
/// ```
/// use segue::SessionData;
///
/// let data = SessionData::new(serde_json::json!({"tenant": "north"}))?;
/// assert_eq!(data.get("tenant").and_then(|t| t.as_str()), Some("north"));
/// # Ok::<(), segue::DataTooLarge>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct SessionData(Option<Arc<Map<String, Value>>>);

impl SessionData {
    /// The longest data that is taken, in bytes of its JSON text.
    pub const LENGTH_BYTES_MAX: usize = 16 * 1024;

    /// Takes a JSON object; `null` counts as an empty one.
    ///
    /// # Errors
    ///
    /// [`DataTooLarge`] if it is longer than the bound, or not an object.
    pub fn new(data: Value) -> Result<Self, DataTooLarge> {
        let object = match data {
            Value::Null => return Ok(Self(None)),
            Value::Object(object) => object,
            _ => return Err(DataTooLarge),
        };
        let length = serde_json::to_vec(&object).map_or(usize::MAX, |text| text.len());
        if length > Self::LENGTH_BYTES_MAX {
            return Err(DataTooLarge);
        }
        Ok(Self((!object.is_empty()).then(|| Arc::new(object))))
    }

    /// The value of one member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.get(name)
    }

    /// Whether nothing is kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The data as a JSON value, to be changed and put back.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.as_deref().cloned().unwrap_or_default())
    }

    /// What a store writes: the JSON text, or nothing when there is no data.
    #[must_use]
    pub fn to_json(&self) -> Option<String> {
        self.0.as_ref().and_then(|object| serde_json::to_string(object.as_ref()).ok())
    }

    /// Takes back what a store wrote.
    ///
    /// # Errors
    ///
    /// [`DataTooLarge`] if the text is not a JSON object within the bound.
    pub fn from_json(text: Option<&str>) -> Result<Self, DataTooLarge> {
        text.map_or(Ok(Self(None)), |text| {
            serde_json::from_str(text).map_err(|_| DataTooLarge).and_then(Self::new)
        })
    }
}

impl fmt::Debug for SessionData {
    /// Names the members only: their values are the application's, and may be private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().flat_map(|object| object.keys())).finish()
    }
}

impl Serialize for SessionData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(object) => object.serialize(serializer),
            None => Map::<String, Value>::new().serialize(serializer),
        }
    }
}

/// The data is not a JSON object of at most [`SessionData::LENGTH_BYTES_MAX`] bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DataTooLarge;

impl fmt::Display for DataTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "session data is a JSON object of at most {} bytes",
            SessionData::LENGTH_BYTES_MAX
        )
    }
}

impl std::error::Error for DataTooLarge {}

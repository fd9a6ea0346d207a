//! Scopes: what a credential permits, as RFC 6749 writes it.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::Serializer;

/// A set of scopes, sorted and without repetition; empty by default.
///
/// A scope is one or more printable ASCII characters except space, `"` and `\` (RFC 6749,
/// section 3.3). Comparison is exact and case-sensitive; there are no wildcards.
///
/// ```
/// use segue::Scopes;
///
/// let scopes: Scopes = "orders:write orders:read".parse()?;
/// assert!(scopes.contains("orders:read"));
/// assert!(!scopes.contains("orders"));
/// assert_eq!(scopes.to_string(), "orders:read orders:write");
/// # Ok::<(), segue::InvalidScope>(())
/// ```
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct Scopes(Option<Arc<str>>);

impl Scopes {
    /// The longest set that is taken, in bytes, separators included.
    pub const LENGTH_BYTES_MAX: usize = 2048;

    /// No scope at all.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// The set of these scopes.
    ///
    /// # Errors
    ///
    /// [`InvalidScope`] if one of them is not a scope, or all together are too long.
    pub fn new<T: AsRef<str>>(scopes: impl IntoIterator<Item = T>) -> Result<Self, InvalidScope> {
        let scopes: Vec<T> = scopes.into_iter().collect();
        let mut names: Vec<&str> = scopes.iter().map(AsRef::as_ref).collect();
        if !names.iter().all(|name| is_scope(name)) {
            return Err(InvalidScope);
        }
        names.sort_unstable();
        names.dedup();
        let text = names.join(" ");
        match text.len() {
            0 => Ok(Self(None)),
            1..=Self::LENGTH_BYTES_MAX => Ok(Self(Some(text.into()))),
            _ => Err(InvalidScope),
        }
    }

    /// Whether this scope is in the set.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|name| name == scope)
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.as_deref().into_iter().flat_map(|text| text.split(' '))
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

fn is_scope(name: &str) -> bool {
    let printable = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !name.is_empty() && name.bytes().all(printable)
}

impl std::str::FromStr for Scopes {
    type Err = InvalidScope;

    /// Reads scopes separated by single or several spaces.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text.split(' ').filter(|name| !name.is_empty()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or_default())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The text is not a scope, or the set is longer than [`Scopes::LENGTH_BYTES_MAX`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidScope;

impl fmt::Display for InvalidScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scope has printable ASCII characters without space, quote and backslash")
    }
}

impl std::error::Error for InvalidScope {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Order and repetition do not matter, case does, and nothing is a wildcard.
    #[test]
    fn sets_compare_as_sets() {
        let set: Scopes = "b a  a".parse().unwrap();
        assert_eq!(set, Scopes::new(["a", "b"]).unwrap());
        assert!(!set.contains("A") && !set.contains("") && !set.contains("*"));
        assert!(Scopes::new(["*"]).unwrap().contains("*"));
        assert_eq!("".parse(), Ok(Scopes::none()));
    }

    /// What RFC 6749 excludes is refused.
    #[test]
    fn bad_names_are_refused() {
        for bad in ["a b", "", "a\"b", "a\\b", "ä", "a\n", "\u{7f}"] {
            assert_eq!(Scopes::new([bad]), Err(InvalidScope), "{bad:?}");
        }
        assert_eq!(Scopes::new(["x".repeat(Scopes::LENGTH_BYTES_MAX + 1)]), Err(InvalidScope));
    }
}

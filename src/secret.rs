//! Bytes that must not leak: wiped on drop, compared in constant time, never printed.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::error::EntropyError;

/// A fixed number of secret bytes.
///
/// It has no `Display`, no `Serialize`, and a `Debug` that prints nothing of it. `==` is not
/// offered; [`Secret::matches`] takes the same time wherever the bytes differ.
#[derive(Clone)]
pub(crate) struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    pub(crate) const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Fresh bytes from the operating system's generator.
    pub(crate) fn random() -> Result<Self, EntropyError> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).map_err(|_| EntropyError)?;
        Ok(Self(bytes))
    }

    /// The bytes, for the one computation that needs them.
    pub(crate) const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    pub(crate) fn matches(&self, other: &[u8; N]) -> bool {
        self.0.ct_eq(other).into()
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Secret text or bytes of any length, such as a legacy signing secret read from a variable.
#[cfg(feature = "jwt")]
#[derive(Clone)]
pub(crate) struct SecretBytes(Vec<u8>);

#[cfg(feature = "jwt")]
impl SecretBytes {
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(feature = "jwt")]
impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(feature = "jwt")]
impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// Secret text, such as a legacy token on its way to the client.
#[derive(Clone)]
pub(crate) struct SecretText(String);

impl SecretText {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Debug output holds nothing of the bytes.
    #[test]
    fn debug_is_silent() {
        assert_eq!(format!("{:?}", Secret::new(*b"hunter22")), "Secret(..)");
        #[cfg(feature = "jwt")]
        assert_eq!(format!("{:?}", SecretBytes::new(b"hunter22".to_vec())), "SecretBytes(..)");
    }

    /// Two draws differ, and comparison tells them apart.
    #[test]
    fn random_bytes_differ() {
        let (a, b) = (Secret::<16>::random().unwrap(), Secret::<16>::random().unwrap());
        assert!(a.matches(a.expose()));
        assert!(!a.matches(b.expose()));
    }
}

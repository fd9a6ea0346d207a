//! Where a source's tokens arrive: header, schemes, cookies. Never the URL or the body.

use http::HeaderName;
use http::header::AUTHORIZATION;

use crate::error::ConfigError;
use crate::error::ConfigFault;

/// Where the tokens of one legacy source arrive.
///
/// The default is what RFC 6750 describes: `Authorization: Bearer`, the scheme in any case. Older
/// apps also use other schemes (`JWT`, `Token`), a header of their own without a scheme
/// (`x-access-token`), or a cookie. Query parameters and bodies are not offered: a token in a URL
/// ends in logs and in `Referer`.
///
/// ```
/// use segue::Transport;
///
/// let express = Transport::bearer().with_cookie("token")?;
/// let django = Transport::exact_scheme("JWT")?;
/// let bare = Transport::bare_header("x-access-token")?;
/// assert!(express.schemes()[0].matches("bearer"));
/// assert!(!django.schemes()[0].matches("jwt"));
/// assert!(bare.schemes().is_empty());
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transport {
    header: Option<HeaderName>,
    schemes: Vec<Scheme>,
    cookies: Vec<Box<str>>,
}

/// The word before the token in the header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scheme {
    name: Box<str>,
    exact_case: bool,
}

impl Scheme {
    /// The scheme as it is configured.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether only this spelling counts. RFC 9110 compares schemes in any case; some of the old
    /// systems did not.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exact_case
    }

    /// Whether the word is this scheme.
    #[must_use]
    pub fn matches(&self, word: &str) -> bool {
        if self.exact_case { *self.name == *word } else { self.name.eq_ignore_ascii_case(word) }
    }
}

impl Transport {
    /// `Authorization: Bearer`, in any case.
    #[must_use]
    pub fn bearer() -> Self {
        let scheme = Scheme { name: "Bearer".into(), exact_case: false };
        Self { header: Some(AUTHORIZATION), schemes: vec![scheme], cookies: Vec::new() }
    }

    /// `Authorization` with this scheme in any case.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not a token in the sense of RFC 9110.
    pub fn scheme(name: &str) -> Result<Self, ConfigError> {
        let scheme = Scheme { name: token(name, "scheme")?, exact_case: false };
        Ok(Self { schemes: vec![scheme], ..Self::bearer() })
    }

    /// `Authorization` with this scheme in exactly this spelling.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not a token in the sense of RFC 9110.
    pub fn exact_scheme(name: &str) -> Result<Self, ConfigError> {
        let scheme = Scheme { name: token(name, "scheme")?, exact_case: true };
        Ok(Self { schemes: vec![scheme], ..Self::bearer() })
    }

    /// A header whose whole value is the token.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not the name of a header.
    pub fn bare_header(name: &str) -> Result<Self, ConfigError> {
        Ok(Self { header: Some(header(name)?), schemes: Vec::new(), cookies: Vec::new() })
    }

    /// A cookie and nothing else.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not the name of a cookie.
    pub fn cookie(name: &str) -> Result<Self, ConfigError> {
        Self { header: None, schemes: Vec::new(), cookies: Vec::new() }.with_cookie(name)
    }

    /// The same schemes in another header.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not the name of a header.
    pub fn with_header(mut self, name: &str) -> Result<Self, ConfigError> {
        self.header = Some(header(name)?);
        Ok(self)
    }

    /// One more scheme, in any case.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not a token in the sense of RFC 9110.
    pub fn with_scheme(mut self, name: &str) -> Result<Self, ConfigError> {
        self.schemes.push(Scheme { name: token(name, "scheme")?, exact_case: false });
        Ok(self)
    }

    /// One more cookie, asked after the header and after the cookies named before.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not the name of a cookie.
    pub fn with_cookie(mut self, name: &str) -> Result<Self, ConfigError> {
        self.cookies.push(token(name, "cookie name")?);
        Ok(self)
    }

    /// The header, unless only cookies count.
    #[must_use]
    pub fn header(&self) -> Option<&HeaderName> {
        self.header.as_ref()
    }

    /// The schemes; none means that the header's whole value is the token.
    #[must_use]
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    /// The names of the cookies, in the order in which they are asked.
    #[must_use]
    pub fn cookies(&self) -> &[Box<str>] {
        &self.cookies
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self::bearer()
    }
}

fn header(name: &str) -> Result<HeaderName, ConfigError> {
    HeaderName::try_from(name)
        .map_err(|_| ConfigFault::new("header", name, "the name of a header field").into())
}

/// RFC 9110, section 5.6.2.
fn token(text: &str, what: &str) -> Result<Box<str>, ConfigError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.is_empty() && text.bytes().all(allowed) {
        return Ok(text.into());
    }
    Err(ConfigFault::new(what, text, "letters, digits and !#$%&'*+-.^_`|~").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that could split a header or a cookie are refused.
    #[test]
    fn names_are_tokens() {
        for bad in ["", "a b", "a;b", "a=b", "a\r\nb", "ä"] {
            assert!(Transport::cookie(bad).is_err(), "{bad:?}");
            assert!(Transport::scheme(bad).is_err(), "{bad:?}");
            assert!(Transport::bare_header(bad).is_err(), "{bad:?}");
        }
    }

    /// The default follows RFC 6750, with the scheme in any case.
    #[test]
    fn the_default_is_bearer() {
        let transport = Transport::default();
        assert_eq!(transport.header(), Some(&AUTHORIZATION));
        assert!(transport.schemes()[0].matches("BEARER"));
        assert!(!transport.schemes()[0].matches("Bearer "));
        assert!(transport.cookies().is_empty());
    }
}

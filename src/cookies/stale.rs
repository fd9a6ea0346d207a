//! Cookies of earlier set-ups: never read, cleared where ours are.

use cookie::Cookie;
use cookie::CookieBuilder;
use http::HeaderValue;

use crate::error::ConfigError;
use crate::error::ConfigFault;

/// A cookie under an old name, domain or path that is cleared along with ours.
///
/// A browser keeps cookies of the same name apart by domain and path. After a change of any of
/// them it goes on sending the old one, and a server that clears only the new one leaves the user
/// in a loop of refusals.
///
/// ```
/// use segue::{CookiePolicy, StaleCookie};
///
/// let before = StaleCookie::new("sid")?.with_domain("example.com")?.with_path("/app")?;
/// let policy = CookiePolicy::default().with_stale(before);
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StaleCookie {
    name: String,
    domain: Option<String>,
    path: String,
}

impl StaleCookie {
    /// The cookie of this name, set for this host alone, at path `/`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not the name of a cookie.
    pub fn new(name: &str) -> Result<Self, ConfigError> {
        Ok(Self { name: token(name, "cookie name")?, domain: None, path: "/".to_owned() })
    }

    /// It was set with this `Domain`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not a domain.
    pub fn with_domain(mut self, domain: &str) -> Result<Self, ConfigError> {
        self.domain = Some(self::domain(domain)?);
        Ok(self)
    }

    /// It was set with this `Path`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] unless it begins with `/` and holds printable ASCII without `;`.
    pub fn with_path(mut self, path: &str) -> Result<Self, ConfigError> {
        let plain = |byte: u8| matches!(byte, 0x21..=0x7e) && byte != b';';
        if !path.starts_with('/') || !path.bytes().all(plain) {
            let allowed = "a path that begins with / and has no spaces and no ;";
            return Err(ConfigFault::new("cookie path", path, allowed).into());
        }
        path.clone_into(&mut self.path);
        Ok(self)
    }

    /// `Set-Cookie` that removes it.
    pub(crate) fn clear(&self) -> Option<HeaderValue> {
        let mut cookie = removal(&self.name, &self.path);
        if let Some(domain) = &self.domain {
            cookie = cookie.domain(domain.as_str());
        }
        if self.name.starts_with("__") {
            cookie = cookie.secure(true);
        }
        HeaderValue::try_from(cookie.build().to_string()).ok()
    }
}

/// A cookie without a value that has ended: `Max-Age` for browsers, `Expires` for older clients.
pub(super) fn removal<'a>(name: &'a str, path: &'a str) -> CookieBuilder<'a> {
    let mut cookie = Cookie::build((name, "")).path(path).http_only(true).build();
    cookie.make_removal();
    cookie.into()
}

/// RFC 9110, section 5.6.2, which RFC 6265 takes for cookie names.
pub(super) fn token(text: &str, what: &str) -> Result<String, ConfigError> {
    const LENGTH_BYTES_MAX: usize = 64;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.is_empty() && text.len() <= LENGTH_BYTES_MAX && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err(ConfigFault::new(what, text, "1 to 64 letters, digits and !#$%&'*+-.^_`|~").into())
}

pub(super) fn domain(text: &str) -> Result<String, ConfigError> {
    let bare = text.strip_prefix('.').unwrap_or(text).to_ascii_lowercase();
    let label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(allowed)
    };
    if bare.len() <= 253 && bare.split('.').all(label) {
        return Ok(bare);
    }
    let allowed = "a host name in ASCII, such as example.com (IDN in punycode)";
    Err(ConfigFault::new("cookie domain", text, allowed).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is cleared carries the scope it was set with, or the browser keeps it.
    #[test]
    fn clearing_names_the_scope() {
        let stale = StaleCookie::new("sid").unwrap().with_domain(".Example.com").unwrap();
        let text = stale.with_path("/app").unwrap().clear().unwrap();
        let text = text.to_str().unwrap();
        assert!(text.starts_with("sid=; "), "{text}");
        for part in ["Domain=example.com", "Path=/app", "Max-Age=0", "Expires="] {
            assert!(text.contains(part), "{text}");
        }
    }

    /// Nothing that could add an attribute or a header gets into one.
    #[test]
    fn injection_is_refused() {
        for bad in ["", "a b", "a;b", "a=b", "a\r\nb", "\u{e4}"] {
            assert!(StaleCookie::new(bad).is_err(), "{bad:?}");
            let good = StaleCookie::new("sid").unwrap();
            assert!(good.clone().with_path(bad).is_err(), "{bad:?}");
            assert!(good.with_domain(bad).is_err(), "{bad:?}");
        }
    }
}

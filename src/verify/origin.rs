//! Same-origin evidence for cookies: who may spend them on requests that change something.

use http::HeaderMap;
use http::HeaderName;
use http::Method;
use http::Uri;
use http::header::HOST;
use http::header::ORIGIN;
use http::header::UPGRADE;

use crate::error::AuthErrorKind;
use crate::error::ConfigError;
use crate::error::ConfigFault;

/// Whose requests may use the cookies: the same origin's, and those of origins named here.
#[derive(Clone, Debug, Default)]
pub(crate) struct OriginRule(Vec<Box<str>>);

impl OriginRule {
    /// Trusted origins as a browser sends them: `https://app.example.com`, with a port unless it is the
    /// scheme's own.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with one fault for each text that no browser would ever send.
    pub(crate) fn new<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, ConfigError> {
        let mut known = Vec::new();
        let mut faults = Vec::new();
        for text in origins {
            match canonical(text) {
                Some(origin) => known.push(origin.into_boxed_str()),
                None => faults.push(ConfigFault::new(
                    "trusted origin",
                    text,
                    "scheme://host[:port] with http or https, in ASCII, without path or final /",
                )),
            }
        }
        ConfigError::check(faults)?;
        Ok(Self(known))
    }

    /// Whether credentials from cookies may be used for this request.
    ///
    /// The rule is that of Go's `http.CrossOriginProtection` and of tower-http's `csrf`, with two
    /// differences: upgrades need evidence as unsafe methods do, for a WebSocket opened by another
    /// site is the user's session in its hands; and where there is no evidence at all the cookie
    /// is refused. A request from outside a browser has no business with cookies, it has a header.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::CrossOrigin`].
    pub(crate) fn check(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), AuthErrorKind> {
        const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
        if !needs_evidence(method, headers) {
            return Ok(());
        }
        let origin = single(headers, &ORIGIN)?;
        if origin.is_some_and(|origin| self.trusts(origin)) {
            return Ok(());
        }
        match (single(headers, &SITE)?, origin) {
            (Some(b"same-origin" | b"none"), _) => Ok(()),
            (None, Some(origin)) if is_own(origin, uri, headers) => Ok(()),
            _ => Err(AuthErrorKind::CrossOrigin),
        }
    }

    fn trusts(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|known| known.as_bytes() == origin)
    }
}

/// Extended CONNECT (RFC 8441) is an unsafe method; an HTTP/1.1 upgrade hides behind a GET.
fn needs_evidence(method: &Method, headers: &HeaderMap) -> bool {
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    !safe || headers.contains_key(UPGRADE)
}

/// The field's only value. Two of them are no evidence, but the work of something in between.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a [u8]>, AuthErrorKind> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(http::HeaderValue::as_bytes).filter(|value| !value.is_empty());
    if values.next().is_some() { Err(AuthErrorKind::CrossOrigin) } else { Ok(first) }
}

/// Whether the origin is where the request was sent: host and port agree.
///
/// Schemes are compared in one direction only. Behind a proxy that ends TLS the request says
/// `http` while the browser says `https`; the reverse is a page from a plain connection, which
/// anybody on the network can write.
fn is_own(origin: &[u8], uri: &Uri, headers: &HeaderMap) -> bool {
    let Some((scheme, authority)) = split_origin(origin) else { return false };
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => single(headers, &HOST).ok().flatten(),
    };
    let downgraded = uri.scheme_str() == Some("https") && scheme == Scheme::Http;
    let bare = |text| scheme.without_default_port(text);
    !downgraded && host.is_some_and(|host| bare(host).eq_ignore_ascii_case(bare(authority)))
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn without_default_port(self, authority: &[u8]) -> &[u8] {
        let port: &[u8] = match self {
            Self::Http => b":80",
            Self::Https => b":443",
        };
        authority.strip_suffix(port).unwrap_or(authority)
    }
}

/// `null`, other schemes and anything with a path, a user or a comma are not origins of a site.
fn split_origin(origin: &[u8]) -> Option<(Scheme, &[u8])> {
    let (scheme, rest) = match origin.strip_prefix(b"https://") {
        Some(rest) => (Scheme::Https, rest),
        None => (Scheme::Http, origin.strip_prefix(b"http://")?),
    };
    let host = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~[]:".contains(byte);
    (!rest.is_empty() && rest.iter().all(host)).then_some((scheme, rest))
}

fn canonical(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (scheme, authority) = split_origin(lower.as_bytes())?;
    let uri: Uri = lower.parse().ok()?;
    let host_is_there = uri.host().is_some_and(|host| !host.is_empty());
    let authority = std::str::from_utf8(scheme.without_default_port(authority)).ok()?;
    let name = if scheme == Scheme::Http { "http" } else { "https" };
    host_is_there.then(|| format!("{name}://{authority}"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn judge(method: &str, uri: &str, fields: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let rule = OriginRule::new(["https://admin.example.com"]).unwrap();
        rule.check(&method, &uri.parse().unwrap(), &headers).is_ok()
    }

    const SITE: &str = "sec-fetch-site";
    const HOME: (&str, &str) = ("host", "example.com");

    /// Every way in which a browser, an old browser, a script or an attacker may present cookies.
    #[test]
    fn attack_48_decision_table() {
        type Fields = &'static [(&'static str, &'static str)];
        let table: [(&str, &str, Fields, bool); 29] = [
            // Reading needs no evidence, whoever asks.
            ("GET", "/", &[HOME, (SITE, "cross-site")], true),
            ("HEAD", "/", &[HOME], true),
            ("OPTIONS", "/", &[HOME], true),
            // Fetch Metadata decides where it is sent.
            ("POST", "/", &[HOME, (SITE, "same-origin")], true),
            ("POST", "/", &[HOME, (SITE, "none")], true),
            ("POST", "/", &[HOME, (SITE, "same-site")], false),
            ("POST", "/", &[HOME, (SITE, "cross-site")], false),
            ("POST", "/", &[HOME, (SITE, "cross-site"), ("origin", "https://example.com")], false),
            ("POST", "/", &[HOME, (SITE, "Same-Origin")], false),
            ("POST", "/", &[HOME, (SITE, "same-origin"), (SITE, "cross-site")], false),
            // Otherwise the origin must be the host.
            ("DELETE", "/", &[HOME, ("origin", "https://example.com")], true),
            ("PUT", "/", &[HOME, (SITE, ""), ("origin", "https://example.com")], true),
            ("POST", "/", &[HOME, ("origin", "https://example.com.evil.test")], false),
            ("POST", "/", &[HOME, ("origin", "https://example.com:8443")], false),
            ("POST", "/", &[HOME, ("origin", "https://evil.test")], false),
            ("POST", "/", &[HOME, ("origin", "null")], false),
            ("POST", "/", &[("origin", "https://example.com")], false),
            ("POST", "/", &[("host", "example.com:443"), ("origin", "https://example.com")], true),
            ("POST", "/", &[("host", "example.com:80"), ("origin", "https://example.com")], false),
            ("POST", "/", &[("host", "[::1]:3000"), ("origin", "http://[::1]:3000")], true),
            // HTTP/2: the authority is in the target, and so is the scheme.
            ("POST", "https://example.com/", &[("origin", "https://example.com")], true),
            ("POST", "https://example.com/", &[("origin", "http://example.com")], false),
            ("POST", "http://example.com/", &[("origin", "https://example.com")], true),
            // A trusted origin may, even across sites.
            (
                "POST",
                "/",
                &[HOME, (SITE, "same-site"), ("origin", "https://admin.example.com")],
                true,
            ),
            // No evidence, no cookie.
            ("POST", "/", &[HOME], false),
            // Upgrades are not reads.
            ("GET", "/ws", &[HOME, ("upgrade", "websocket")], false),
            (
                "GET",
                "/ws",
                &[HOME, ("upgrade", "websocket"), ("origin", "https://evil.test")],
                false,
            ),
            (
                "GET",
                "/ws",
                &[HOME, ("upgrade", "websocket"), ("origin", "https://example.com")],
                true,
            ),
            ("CONNECT", "https://example.com/ws", &[("origin", "https://evil.test")], false),
        ];
        for (method, uri, fields, allowed) in table {
            assert_eq!(judge(method, uri, fields), allowed, "{method} {uri} {fields:?}");
        }
    }

    /// What no browser sends is a fault at start-up, not a silent mismatch; spelling is mended.
    #[test]
    fn trusted_origins_are_checked() {
        let rule = OriginRule::new(["HTTPS://Example.COM:443", "http://a.test:8080"]).unwrap();
        assert!(rule.trusts(b"https://example.com"));
        assert!(rule.trusts(b"http://a.test:8080"));
        let bad = [
            "example.com",
            "https://",
            "https://a/",
            "https://a/b",
            "ftp://a",
            "null",
            "https://\u{fc}.de",
            "https://a#b",
            "https://u@a",
            "https://:1",
        ];
        let faults = OriginRule::new(bad).unwrap_err();
        assert_eq!(faults.faults().len(), bad.len(), "{faults}");
    }
}

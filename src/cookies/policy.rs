//! Names and attributes of the access and the refresh cookie, and their `Set-Cookie` values.

use std::time::Duration;

use cookie::Cookie;
use cookie::CookieBuilder;
use cookie::SameSite;
use http::HeaderMap;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use http::header::SET_COOKIE;

use super::read::Found;
use super::read::find_cookies;
use super::stale::StaleCookie;
use super::stale::domain;
use super::stale::removal;
use super::stale::token;
use crate::error::ConfigError;
use crate::token::AccessToken;
use crate::token::RefreshToken;

/// How the tokens of a browser are kept: two cookies, out of reach of scripts.
///
/// Default: `__Host-segue_access` and `__Host-segue_refresh`, `Secure`, `HttpOnly`, `Path=/`,
/// `SameSite=Lax`, no `Domain`. The prefix makes browsers refuse the cookie from anywhere but
/// this host over HTTPS, so a sibling subdomain can't plant one ("cookie tossing"); the same name
/// without its prefix is never read. Both cookies live at `/`, because the prefix demands it.
/// `Max-Age` is what remains of the token's life; the server goes by the token, never by the cookie.
///
/// ```
/// use segue::CookiePolicy;
///
/// let policy = CookiePolicy::default().with_base_name("shop")?.with_strict_same_site();
/// assert_eq!(policy.access_name(), "__Host-shop_access");
/// # Ok::<(), segue::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CookiePolicy {
    base: String,
    access: String,
    refresh: String,
    domain: Option<String>,
    strict: bool,
    insecure: bool,
    stale: Vec<StaleCookie>,
    legacy: Option<String>,
}

impl CookiePolicy {
    /// No cookie lives longer than this: 400 days, where browsers cut off.
    pub const LIFE_MAX: Duration = Duration::from_secs(400 * 24 * 60 * 60);

    /// Name and value together; browsers drop what is longer.
    pub const LENGTH_BYTES_MAX: usize = 4096;

    /// Other names: `BASE_access` and `BASE_refresh`, behind the prefix. Default: `segue`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it can't be part of a cookie's name.
    pub fn with_base_name(mut self, base: &str) -> Result<Self, ConfigError> {
        self.base = token(base, "cookie base name")?;
        Ok(self.renamed())
    }

    /// One login for this domain and all its subdomains.
    ///
    /// The names then begin with `__Secure-`, because browsers refuse `__Host-` with a `Domain`.
    /// Every subdomain can now read *and plant* the cookies: use it only where all of them are as
    /// trusted as this one.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not a domain.
    pub fn with_domain(mut self, name: &str) -> Result<Self, ConfigError> {
        self.domain = Some(domain(name)?);
        Ok(self.renamed())
    }

    /// `SameSite=Strict`: the cookies stay at home even when a user follows a link from another
    /// site, who then looks logged out on the first page.
    #[must_use]
    pub fn with_strict_same_site(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Clears this cookie too, wherever ours are cleared. At most a handful make sense.
    #[must_use]
    pub fn with_stale(mut self, stale: StaleCookie) -> Self {
        self.stale.push(stale);
        self
    }

    /// Plain names without `Secure`, for development over HTTP on another machine.
    ///
    /// Anybody on the network can then read the tokens. Browsers treat `localhost` as secure, so
    /// development there does not need it.
    #[must_use]
    pub fn danger_insecure_for_development(mut self) -> Self {
        self.insecure = true;
        self.renamed()
    }

    /// Dual issue for browsers: the cookie in which the old system kept its token.
    ///
    /// Wherever the cookies of a pair are set, the legacy token issued beside it is set under this
    /// name, so that a browser still has it when sessions are switched off. Only a logout clears it.
    /// The legacy source must look for it there (`Transport::with_cookie`).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it can't be the name of a cookie.
    pub fn with_legacy_cookie(mut self, name: &str) -> Result<Self, ConfigError> {
        self.legacy = Some(token(name, "cookie name")?);
        Ok(self)
    }

    /// The name of the cookie with the access token.
    #[must_use]
    pub fn access_name(&self) -> &str {
        &self.access
    }

    /// The name of the cookie with the refresh token.
    #[must_use]
    pub fn refresh_name(&self) -> &str {
        &self.refresh
    }

    /// Adds both cookies to a response, and `Cache-Control: no-store`, which replaces what is there:
    /// a response that carries tokens must not be kept by anybody.
    ///
    /// The spans are what remains of the lives of the two tokens.
    pub fn set(
        &self,
        access: (&AccessToken, Duration),
        refresh: (&RefreshToken, Duration),
        headers: &mut HeaderMap,
    ) {
        append(headers, self.cookie(&self.access, access.0.expose(), access.1));
        append(headers, self.cookie(&self.refresh, refresh.0.expose(), refresh.1));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }

    /// Adds the legacy cookie, if the policy names one.
    pub(crate) fn set_legacy(&self, token: &str, life: Duration, headers: &mut HeaderMap) {
        if let Some(name) = &self.legacy {
            append(headers, self.cookie(name, token, life));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }

    /// Adds what removes both cookies, and the legacy one, under every scope that may hold one:
    /// for a logout.
    pub fn clear_both(&self, headers: &mut HeaderMap) {
        self.clear(true, true, headers);
        if let Some(name) = &self.legacy {
            append(headers, value(self.scoped(removal(name, "/"))));
            self.clear_host_only(name, headers);
        }
    }

    /// Adds what removes the chosen cookies, under every scope that may hold one.
    pub(crate) fn clear(&self, access: bool, refresh: bool, headers: &mut HeaderMap) {
        let chosen = [(access, &self.access), (refresh, &self.refresh)];
        for (_, name) in chosen.into_iter().filter(|(wanted, _)| *wanted) {
            append(headers, value(self.scoped(removal(name, "/"))));
            self.clear_host_only(name, headers);
        }
        if access || refresh {
            self.clear_stale(headers);
        }
    }

    /// Adds what ends an unreadable request: cookies that hold no text, and those that stand beside
    /// ours under the same name in another scope. Otherwise every further request, the login
    /// included, would be just as unreadable.
    pub(crate) fn clear_unreadable(&self, request: &HeaderMap, response: &mut HeaderMap) {
        let names = [self.access.as_str(), self.refresh.as_str()];
        let mut conflict = false;
        for (name, found) in names.iter().zip(find_cookies(request, names)) {
            if found == Found::Conflict {
                conflict = true;
                self.clear_host_only(name, response);
            } else if found.is_unreadable() {
                append(response, value(self.scoped(removal(name, "/"))));
            }
        }
        if conflict {
            self.clear_stale(response);
        }
    }

    /// With a `Domain`, an older cookie of this host alone may stand beside ours.
    fn clear_host_only(&self, name: &str, headers: &mut HeaderMap) {
        if self.domain.is_some() {
            append(headers, value(removal(name, "/").secure(!self.insecure)));
        }
    }

    fn clear_stale(&self, headers: &mut HeaderMap) {
        for stale in &self.stale {
            append(headers, stale.clear());
        }
    }

    /// `None` for what no cookie can hold.
    pub(super) fn cookie(&self, name: &str, token: &str, life: Duration) -> Option<HeaderValue> {
        // RFC 6265, section 4.1.1: cookie-octet.
        let octet =
            |byte: u8| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
        let fits = name.len() + token.len() <= Self::LENGTH_BYTES_MAX;
        if token.is_empty() || !fits || !token.bytes().all(octet) {
            return None;
        }
        let seconds = life.min(Self::LIFE_MAX).as_secs();
        let life = cookie::time::Duration::seconds(i64::try_from(seconds).unwrap_or(0));
        value(self.scoped(Cookie::build((name, token)).path("/").max_age(life)))
    }

    fn scoped<'a>(&'a self, cookie: CookieBuilder<'a>) -> CookieBuilder<'a> {
        let same_site = if self.strict { SameSite::Strict } else { SameSite::Lax };
        let cookie = cookie.http_only(true).same_site(same_site).secure(!self.insecure);
        match &self.domain {
            Some(domain) => cookie.domain(domain.as_str()),
            None => cookie,
        }
    }

    fn renamed(mut self) -> Self {
        let prefix = match (self.insecure, &self.domain) {
            (true, _) => "",
            (false, Some(_)) => "__Secure-",
            (false, None) => "__Host-",
        };
        self.access = format!("{prefix}{}_access", self.base);
        self.refresh = format!("{prefix}{}_refresh", self.base);
        self
    }
}

impl Default for CookiePolicy {
    fn default() -> Self {
        let policy = Self {
            base: "segue".to_owned(),
            access: String::new(),
            refresh: String::new(),
            domain: None,
            strict: false,
            insecure: false,
            stale: Vec::new(),
            legacy: None,
        };
        policy.renamed()
    }
}

fn value(cookie: CookieBuilder<'_>) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(cookie.build().to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn append(headers: &mut HeaderMap, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.append(SET_COOKIE, value);
    }
}

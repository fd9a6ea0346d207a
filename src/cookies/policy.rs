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

    /// Adds what removes both cookies, under every scope that may hold one: for a logout.
    pub fn clear_both(&self, headers: &mut HeaderMap) {
        self.clear(true, true, headers);
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
    fn cookie(&self, name: &str, token: &str, life: Duration) -> Option<HeaderValue> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn set_access(policy: &CookiePolicy, token: &str, life: Duration) -> Option<HeaderValue> {
        policy.cookie(policy.access_name(), token, life)
    }

    fn set_refresh(policy: &CookiePolicy, token: &str, life: Duration) -> Option<HeaderValue> {
        policy.cookie(policy.refresh_name(), token, life)
    }

    fn attributes(value: &HeaderValue) -> Cookie<'static> {
        Cookie::parse(value.to_str().unwrap().to_owned()).unwrap()
    }

    fn cleared(policy: &CookiePolicy) -> Vec<Cookie<'static>> {
        let mut headers = HeaderMap::new();
        policy.clear(true, true, &mut headers);
        headers.get_all(SET_COOKIE).iter().map(attributes).collect()
    }

    /// The default is what `__Host-` demands, out of reach of scripts, and not printed by Debug.
    #[test]
    fn the_default_is_strict() {
        let value = set_access(&CookiePolicy::default(), "sga_x", HOUR).unwrap();
        let cookie = attributes(&value);
        assert_eq!(cookie.name_value(), ("__Host-segue_access", "sga_x"));
        assert_eq!((cookie.secure(), cookie.http_only()), (Some(true), Some(true)));
        assert_eq!((cookie.path(), cookie.domain()), (Some("/"), None));
        assert_eq!(cookie.same_site(), Some(SameSite::Lax));
        assert_eq!(cookie.max_age().unwrap().whole_seconds(), 3600);
        assert!(!format!("{value:?}").contains("sga_x"));
    }

    /// A domain and the prefix exclude each other, so the prefix changes.
    #[test]
    fn a_domain_changes_the_prefix() {
        let policy = CookiePolicy::default().with_domain("example.com").unwrap();
        let policy = policy.with_base_name("shop").unwrap().with_strict_same_site();
        assert_eq!(policy.refresh_name(), "__Secure-shop_refresh");
        let cookie = attributes(&set_refresh(&policy, "sgr_x", HOUR).unwrap());
        assert_eq!(cookie.domain(), Some("example.com"));
        assert_eq!(cookie.same_site(), Some(SameSite::Strict));
    }

    /// Without `Secure` there is no prefix that promises it.
    #[test]
    fn insecure_is_plain() {
        let policy = CookiePolicy::default().danger_insecure_for_development();
        assert_eq!(policy.access_name(), "segue_access");
        assert_ne!(attributes(&set_access(&policy, "x", HOUR).unwrap()).secure(), Some(true));
    }

    /// No cookie outlives 400 days, exceeds 4096 bytes, or holds what would end it.
    #[test]
    fn cookies_are_bounded() {
        let policy = CookiePolicy::default();
        let cookie = attributes(&set_access(&policy, "x", Duration::MAX).unwrap());
        assert_eq!(cookie.max_age().unwrap().whole_days(), 400);
        let room = CookiePolicy::LENGTH_BYTES_MAX - policy.access_name().len();
        assert!(set_access(&policy, &"x".repeat(room), HOUR).is_some());
        assert!(set_access(&policy, &"x".repeat(room + 1), HOUR).is_none());
        for bad in ["", "a;b", "a b", "a\"b", "a\\b", "a,b", "a\r\nb"] {
            assert!(set_access(&policy, bad, HOUR).is_none(), "{bad:?}");
        }
    }

    /// Clearing repeats the scope that setting used.
    #[test]
    fn clearing_matches_setting() {
        let cookies = cleared(&CookiePolicy::default());
        let names: Vec<_> = cookies.iter().map(Cookie::name).collect();
        assert_eq!(names, ["__Host-segue_access", "__Host-segue_refresh"]);
        for cookie in &cookies {
            assert_eq!((cookie.value(), cookie.secure()), ("", Some(true)));
            assert_eq!((cookie.path(), cookie.domain()), (Some("/"), None));
            assert!(cookie.max_age().unwrap().is_zero());
        }
    }

    /// Scenario 59: the stale cookie is cleared on its own scope and on ours.
    #[test]
    fn scenario_59_both_scopes_are_cleared() {
        let policy = CookiePolicy::default().with_domain("example.com").unwrap();
        let policy = policy.with_stale(StaleCookie::new("sid").unwrap());
        let scopes: Vec<_> = cleared(&policy)
            .iter()
            .map(|cookie| (cookie.name().to_owned(), cookie.domain().is_some()))
            .collect();
        let (access, refresh) = ("__Secure-segue_access", "__Secure-segue_refresh");
        let expected = [(access, true), (access, false), (refresh, true), (refresh, false)];
        for (name, domain) in expected {
            assert!(scopes.contains(&(name.to_owned(), domain)), "{name} {domain}");
        }
        assert!(scopes.contains(&("sid".to_owned(), false)));
    }

    /// Scenario 59: two cookies of one name make a request ambiguous; the one that is not ours
    /// goes, ours stays, and nothing is cleared where there is no conflict.
    #[test]
    fn scenario_59_duplicates_end() {
        let policy = CookiePolicy::default().with_domain("example.com").unwrap();
        let mut request = HeaderMap::new();
        let text = "__Secure-segue_access=a; __Secure-segue_access=b";
        request.insert(http::header::COOKIE, HeaderValue::from_static(text));
        let mut response = HeaderMap::new();
        policy.clear_unreadable(&request, &mut response);
        let cookies: Vec<_> = response.get_all(SET_COOKIE).iter().map(attributes).collect();
        assert_eq!(cookies.len(), 1);
        assert_eq!((cookies[0].name(), cookies[0].domain()), ("__Secure-segue_access", None));

        let mut response = HeaderMap::new();
        let text = b"__Secure-segue_access=a; __Secure-segue_refresh=\xff";
        request.insert(http::header::COOKIE, HeaderValue::from_bytes(text).unwrap());
        policy.clear_unreadable(&request, &mut response);
        let cookies: Vec<_> = response.get_all(SET_COOKIE).iter().map(attributes).collect();
        assert_eq!(cookies.len(), 1);
        assert_eq!(cookies[0].name_value(), ("__Secure-segue_refresh", ""));
    }
}

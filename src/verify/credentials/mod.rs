//! Lifts the credentials out of a request: at most one of a kind, or the request has no meaning.

mod header;
#[cfg(test)]
mod tests;

use http::HeaderMap;
use http::HeaderValue;
use http::Uri;
use http::header::AUTHORIZATION;
use http::header::COOKIE;

use self::header::bearer_token;
use self::header::is_scheme_of;
use self::header::only_value;
use self::header::split_scheme;
use self::header::token;
use crate::cookies::CookiePolicy;
use crate::cookies::Found;
use crate::cookies::find_cookies;
use crate::cookies::for_each_cookie;
use crate::error::AuthErrorKind;
use crate::token::is_access_shape;
use crate::token::is_refresh_shape;
use crate::verify::legacy::Transport;

/// All cookies of a request together. Browsers and servers stop far earlier.
pub(crate) const COOKIES_LENGTH_BYTES_MAX: usize = 256 * 1024;

/// Where credentials may stand in a request.
#[derive(Clone, Debug)]
pub(crate) struct LiftRules {
    access_cookie: String,
    refresh_cookie: String,
    legacy: Vec<Transport>,
}

impl LiftRules {
    /// Ours, and the transports of the legacy sources in the order of the sources.
    pub(crate) fn new<'a>(
        cookies: &CookiePolicy,
        legacy: impl IntoIterator<Item = &'a Transport>,
    ) -> Self {
        Self {
            access_cookie: cookies.access_name().to_owned(),
            refresh_cookie: cookies.refresh_name().to_owned(),
            legacy: legacy.into_iter().cloned().collect(),
        }
    }
}

/// The credentials of one request, borrowed from it. None of them has been judged yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presented<'a> {
    /// The token of `Authorization: Bearer`.
    pub(crate) bearer: Option<&'a str>,
    /// The value of the access cookie.
    pub(crate) access_cookie: Option<&'a str>,
    /// The value of the refresh cookie, which authenticates nothing by itself.
    pub(crate) refresh_cookie: Option<&'a str>,
    legacy: LegacyPresented<'a>,
}

/// What each legacy source finds in the place it looks at: at most one text a source.
///
/// The first needs no allocation, and mostly there is no other.
#[derive(Clone, Debug, Default)]
struct LegacyPresented<'a> {
    first: Option<Candidate<'a>>,
    more: Vec<Candidate<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate<'a> {
    source: usize,
    token: &'a str,
    from_cookie: bool,
}

impl<'a> Presented<'a> {
    /// What stands where legacy tokens stand: index of the source and text, in the order of the
    /// sources. A text may be meant for another of them.
    pub(crate) fn legacy(&self) -> impl Iterator<Item = (usize, &'a str)> + use<'_, 'a> {
        self.legacy.iter().map(|candidate| (candidate.source, candidate.token))
    }

    /// The sources whose tokens came in cookies.
    pub(crate) fn cookie_sources(&self) -> CookieSources {
        let of_cookies = self.legacy.iter().filter(|candidate| candidate.from_cookie);
        CookieSources(of_cookies.fold(0, |all, found| all | CookieSources::bit(found.source)))
    }

    /// Whether any credential came in a cookie.
    pub(crate) fn any_cookie(&self) -> bool {
        self.access_cookie.is_some()
            || self.refresh_cookie.is_some()
            || self.legacy.iter().any(|candidate| candidate.from_cookie)
    }
}

/// Which legacy sources found their token in a cookie: a set small enough to keep while a store is
/// asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CookieSources(u64);

impl CookieSources {
    pub(crate) const fn contains(self, source: usize) -> bool {
        self.0 & Self::bit(source) != 0
    }

    // From the 64th source on they share a bit, and evidence is asked for once too often.
    const fn bit(source: usize) -> u64 {
        1 << if source < 63 { source } else { 63 }
    }
}

impl<'a> LegacyPresented<'a> {
    fn push(&mut self, candidate: Candidate<'a>) {
        match self.first {
            None => self.first = Some(candidate),
            Some(_) => self.more.push(candidate),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Candidate<'a>> {
        self.first.iter().chain(&self.more)
    }
}

/// Finds the credentials of a request. No I/O, and no allocation on ordinary requests.
///
/// A scheme that nobody here knows (`Basic`, `Digest`) is no credential: it may be meant for
/// something else on the way. What is known must be well formed.
///
/// # Errors
///
/// [`AuthErrorKind::InvalidRequest`] for more than one `Authorization` field, a list in it, a
/// token that is missing, overlong or holds characters no token has, a token in the query, and
/// two cookies of ours with one name and different values.
pub(crate) fn lift<'a>(
    headers: &'a HeaderMap,
    uri: &Uri,
    rules: &LiftRules,
) -> Result<Presented<'a>, AuthErrorKind> {
    refuse_token_in_query(uri)?;
    let authorization = only_value(headers, &AUTHORIZATION)?;
    let bearer = match authorization {
        Some(value) => bearer_token(value.as_bytes())?,
        None => None,
    };
    let mut presented = Presented { bearer, ..Presented::default() };
    if headers.contains_key(COOKIE) {
        lift_cookies(headers, rules, &mut presented)?;
    }
    for (source, transport) in rules.legacy.iter().enumerate() {
        if let Some((token, from_cookie)) = lift_legacy(headers, transport, bearer)? {
            presented.legacy.push(Candidate { source, token, from_cookie });
        }
    }
    Ok(presented)
}

/// RFC 6750, section 2.3, and our own tokens under any name: a URL ends in logs and in `Referer`.
fn refuse_token_in_query(uri: &Uri) -> Result<(), AuthErrorKind> {
    let Some(query) = uri.query() else { return Ok(()) };
    let found = query.split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        name == "access_token" || is_ours(value)
    });
    if found { Err(AuthErrorKind::InvalidRequest) } else { Ok(()) }
}

/// Long enough that no user name or search term is mistaken for one.
fn is_ours(value: &str) -> bool {
    const LENGTH_BYTES_MIN: usize = 64;
    value.len() >= LENGTH_BYTES_MIN && (is_access_shape(value) || is_refresh_shape(value))
}

fn lift_cookies<'a>(
    headers: &'a HeaderMap,
    rules: &LiftRules,
    presented: &mut Presented<'a>,
) -> Result<(), AuthErrorKind> {
    let length: usize = headers.get_all(COOKIE).iter().map(HeaderValue::len).sum();
    if length > COOKIES_LENGTH_BYTES_MAX {
        return Err(AuthErrorKind::InvalidRequest);
    }
    let names = [rules.access_cookie.as_str(), rules.refresh_cookie.as_str()];
    let [access, refresh] = find_cookies(headers, names);
    presented.access_cookie = cookie_token(access)?;
    presented.refresh_cookie = cookie_token(refresh)?;
    Ok(())
}

fn cookie_token(found: Found<'_>) -> Result<Option<&str>, AuthErrorKind> {
    match found {
        Found::Absent => Ok(None),
        Found::Conflict => Err(AuthErrorKind::InvalidRequest),
        Found::One(_) => found.text().map(Some).ok_or(AuthErrorKind::InvalidRequest),
    }
}

/// What stands where this source looks: its header first, then its cookies in their order.
fn lift_legacy<'a>(
    headers: &'a HeaderMap,
    transport: &Transport,
    bearer: Option<&'a str>,
) -> Result<Option<(&'a str, bool)>, AuthErrorKind> {
    if let Some(token) = lift_legacy_header(headers, transport, bearer)? {
        return Ok(Some((token, false)));
    }
    let found = transport.cookies().iter().find_map(|name| legacy_cookie(headers, name));
    Ok(found.map(|token| (token, true)))
}

fn lift_legacy_header<'a>(
    headers: &'a HeaderMap,
    transport: &Transport,
    bearer: Option<&'a str>,
) -> Result<Option<&'a str>, AuthErrorKind> {
    let Some(name) = transport.header() else { return Ok(None) };
    if name == AUTHORIZATION && bearer.is_some_and(is_claimed) {
        return Ok(None);
    }
    let Some(value) = only_value(headers, name)? else { return Ok(None) };
    let (word, rest) = split_scheme(value.as_bytes());
    let text = if transport.schemes().is_empty() {
        // `Authorization` without a scheme, next to which there may be the usual form.
        if name == AUTHORIZATION && rest.is_some() {
            return Ok(None);
        }
        token(Some(value.as_bytes()))?
    } else if is_scheme_of(word, transport.schemes()) {
        match bearer {
            Some(bearer) if name == AUTHORIZATION => bearer,
            _ => token(rest)?,
        }
    } else {
        return Ok(None);
    };
    Ok(Some(text).filter(|text| !is_claimed(text)))
}

/// A token of ours is nobody else's to judge: a refusal of it must be final.
fn is_claimed(text: &str) -> bool {
    is_access_shape(text) || is_refresh_shape(text)
}

/// The first cookie of that name, as Node and PHP read them (browsers send longer paths first). A
/// value that no token can have belongs to somebody else.
fn legacy_cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let mut found = None;
    for_each_cookie(headers, |name, value| {
        if found.is_none() && name == wanted.as_bytes() {
            found = Some(value);
        }
    });
    let value = found?;
    let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    token(Some(quoted.unwrap_or(value))).ok().filter(|text| !is_claimed(text))
}

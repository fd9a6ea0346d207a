//! The attributes of every `Set-Cookie`, and what clearing has to repeat.

use std::time::Duration;

use cookie::Cookie;
use cookie::SameSite;
use http::HeaderMap;
use http::HeaderValue;
use http::header::SET_COOKIE;

use super::CookiePolicy;
use super::StaleCookie;

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

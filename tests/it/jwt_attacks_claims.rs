//! Attacks through the claims of a genuine token, each named after its number.

use std::time::Duration;

use jsonwebtoken::Algorithm as Library;
use segue::Algorithm;
use segue::AuthErrorKind;
use segue::JwtKey;
use segue::JwtVerifier;
use segue::JwtVerifierBuilder;
use segue::LegacyLimits;
use segue::LegacyVerifier;
use segue::SourceLimits;
use segue::Timestamp;
use segue::UserId;
use segue::UserIdKind;
use segue::guard;

use crate::forge::CLAIMS;
use crate::forge::HS256;
use crate::forge::NOW;
use crate::forge::NOW_SECONDS;
use crate::forge::RSA;
use crate::forge::SECRET;
use crate::forge::accepts;
use crate::forge::builder;
use crate::forge::judge;
use crate::forge::refuses;
use crate::forge::signed;
use crate::forge::user;
use crate::forge::verifier;
use crate::forge::with_claims;

fn honest() -> JwtVerifierBuilder {
    builder(&[Algorithm::HS256], JwtKey::secret(SECRET))
}

fn build(builder: JwtVerifierBuilder) -> JwtVerifier {
    builder.build().unwrap()
}

/// The claims of user 42 with one more, or another, given as JSON text.
fn extra(member: &str) -> String {
    with_claims(format!(r#"{{"sub":"42","iat":1799999940,"exp":1800003600,{member}}}"#))
}

/// `exp` is a finite number within reach, or the token is refused; nothing overflows.
#[test]
fn attack_46_exp() {
    let with_exp = |exp: &str| with_claims(format!(r#"{{"sub":"42","exp":{exp}}}"#));
    for exp in ["1800000000.5", "1800000001", "1.8e10", "4102444800000", "9007199254740991"] {
        accepts(&verifier(), &with_exp(exp));
    }
    for exp in ["0", "-1", "1", "1.5", "1e3", "-1e15", "1799999999.999", "1800000000"] {
        let refusal = judge(&verifier(), &with_exp(exp)).err();
        assert_eq!(refusal, Some(AuthErrorKind::TokenExpired), "{exp}");
    }
    for exp in [
        "null",
        r#""1800003600""#,
        r#""never""#,
        "true",
        "[1800003600]",
        "{}",
        "1e308",
        "1e400",
        "-1e308",
        "9007199254740993",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
    ] {
        refuses(&verifier(), &with_exp(exp));
    }
    let missing = with_claims(r#"{"sub":"42","iat":1799999940}"#);
    refuses(&verifier(), &missing);
    accepts(&build(honest().allow_missing_exp()), &missing);
    refuses(&build(honest().allow_missing_exp()), &with_exp("null"));
}

/// `nbf` and `iat` are instants; one that is yet to come or missing is not passed over.
#[test]
fn attack_47_nbf_and_iat() {
    accepts(&verifier(), &extra(&format!(r#""nbf":{NOW_SECONDS}"#)));
    for nbf in ["1800000001", "1800000000.001", "4102444800", "null", r#""0""#, "true", "1e400"] {
        refuses(&verifier(), &extra(&format!(r#""nbf":{nbf}"#)));
    }
    let with_iat = |iat: &str| with_claims(format!(r#"{{"sub":"42","exp":1800003600{iat}}}"#));
    for iat in ["null", r#""1799999940""#, "true", "[]", "1e400"] {
        refuses(&verifier(), &with_iat(&format!(r#","iat":{iat}"#)));
    }
    let careless = build(honest().ignore_malformed_iat());
    let token = judge(&careless, &with_iat(r#","iat":"1799999940""#)).unwrap();
    assert_eq!(token.issued_at(), None);
    let rails = |token: &str| {
        let token = judge(&verifier(), token).unwrap();
        guard(&token, verifier().limits(), &LegacyLimits::default(), NOW)
    };
    assert_eq!(rails(&with_iat(r#","iat":1799999940"#)), Ok(()));
    assert_eq!(rails(&with_iat("")), Err(AuthErrorKind::TokenTooOld));
    assert_eq!(rails(&with_iat(r#","iat":1800000001"#)), Err(AuthErrorKind::TokenTooOld));
    assert_eq!(rails(&with_iat(r#","iat":1700000000"#)), Err(AuthErrorKind::TokenTooOld));
    refuses(&build(honest().refuse_future_iat()), &with_iat(r#","iat":1800000001"#));
    let young = build(honest().max_age(Duration::from_secs(60)));
    accepts(&young, &with_iat(r#","iat":1799999941"#));
    let refusal = judge(&young, &with_iat(r#","iat":1799999940"#)).err();
    assert_eq!(refusal, Some(AuthErrorKind::TokenExpired));
    refuses(&young, &with_iat(""));
}

/// A token can't end before it begins, nor live longer than its source allows.
#[test]
fn attack_48_lifetime() {
    let with =
        |iat: i64, exp: i64| with_claims(format!(r#"{{"sub":"42","iat":{iat},"exp":{exp}}}"#));
    refuses(&verifier(), &with(NOW_SECONDS + 20, NOW_SECONDS + 10));
    let capped = build(honest().lifetime_max(Duration::from_secs(3600)));
    accepts(&capped, &with(NOW_SECONDS, NOW_SECONDS + 3600));
    refuses(&capped, &with(NOW_SECONDS, NOW_SECONDS + 3601));
    // An end in milliseconds is a life of millennia.
    refuses(&capped, &with(NOW_SECONDS, 4_102_444_800_000));
}

/// Leeway moves a boundary once, by itself, and never beyond what is allowed.
#[test]
fn attack_49_leeway() {
    let lax = build(honest().leeway(Duration::from_secs(10)));
    let with_exp = |exp: i64| with_claims(format!(r#"{{"sub":"42","exp":{exp}}}"#));
    accepts(&lax, &with_exp(NOW_SECONDS - 9));
    for exp in [NOW_SECONDS - 10, NOW_SECONDS - 11] {
        assert_eq!(judge(&lax, &with_exp(exp)).err(), Some(AuthErrorKind::TokenExpired));
    }
    let with_nbf = |nbf: i64| extra(&format!(r#""nbf":{nbf}"#));
    accepts(&lax, &with_nbf(NOW_SECONDS + 10));
    refuses(&lax, &with_nbf(NOW_SECONDS + 11));
    accepts(&lax, &with_exp((1 << 53) - 1));
    let token = with_exp(NOW_SECONDS + 1);
    for (now, good) in [(0, true), (i64::MAX, false), (i64::MIN, true)] {
        let verdict = lax.verify(&token, Timestamp::from_unix_micros(now));
        assert_eq!(verdict.is_ok(), good, "{now}");
    }
    assert!(honest().leeway(SourceLimits::LEEWAY_MAX).build().is_ok());
    assert!(honest().leeway(SourceLimits::LEEWAY_MAX + Duration::from_secs(1)).build().is_err());
}

/// The audience is one of ours, whole and exact, alone or in a list of strings.
#[test]
fn attack_50_audience() {
    let ours = build(honest().audience("web").audience("mobile"));
    let aud = |value: &str| extra(&format!(r#""aud":{value}"#));
    for good in [r#""web""#, r#""mobile""#, r#"["web"]"#, r#"["other","mobile"]"#] {
        accepts(&ours, &aud(good));
    }
    for bad in [
        r#""""#,
        "[]",
        "null",
        "1",
        "true",
        r#""WEB""#,
        r#""we""#,
        r#""webs""#,
        r#"" web""#,
        r#""web,mobile""#,
        r#"["we","b"]"#,
        r#"[["web"]]"#,
        r#"["web",1]"#,
        r#"{"web":true}"#,
        r#"{"0":"web"}"#,
    ] {
        refuses(&ours, &aud(bad));
    }
    refuses(&ours, &with_claims(CLAIMS));
    let pattern = build(honest().audience_where(|_| true));
    refuses(&pattern, &with_claims(CLAIMS));
    accepts(&pattern, &aud(r#""anything""#));
    refuses(&build(honest().audience("web").refuse_audience_lists()), &aud(r#"["web"]"#));
    let none = build(honest().refuse_audience());
    accepts(&none, &aud("null"));
    accepts(&none, &with_claims(CLAIMS));
    refuses(&none, &aud(r#""web""#));
}

/// The issuer is one of ours, exactly.
#[test]
fn attack_51_issuer() {
    let ours = build(honest().issuer("https://old.example/").issuer("b"));
    let iss = |value: &str| extra(&format!(r#""iss":{value}"#));
    accepts(&ours, &iss(r#""https://old.example/""#));
    accepts(&ours, &iss(r#""b""#));
    for bad in [
        r#""https://old.example""#,
        r#""https://OLD.example/""#,
        r#""https://old.example/x""#,
        r#""https://old.exampl\u0435/""#,
        r#""http://old.example/""#,
        r#"["b"]"#,
        "null",
        r#""""#,
        r#""evil b""#,
    ] {
        refuses(&ours, &iss(bad));
    }
    refuses(&ours, &with_claims(CLAIMS));
}

/// A user id is a plain one of the kind the app uses, and says the same to everybody.
#[test]
fn attack_52_subject() {
    let sub = |value: &str| with_claims(format!(r#"{{"sub":{value},"exp":1800003600}}"#));
    for bad in [
        r#""""#,
        r#"" ""#,
        r#"" 42""#,
        r#""42\n""#,
        r#""4\u00002""#,
        "null",
        "true",
        "42.0",
        "4.2e1",
        "-42",
        "[42]",
        r#"{"$ne":null}"#,
        "9007199254740992",
        "1180591620717411303424",
    ] {
        refuses(&verifier(), &sub(bad));
    }
    refuses(&verifier(), &sub(&format!("\"{}\"", "u".repeat(256))));
    let numbers = build(honest().user_id_kind(UserIdKind::Decimal));
    accepts(&numbers, &sub("42"));
    accepts(&numbers, &sub(r#""42""#));
    for bad in
        [r#""042""#, r#""+42""#, r#""4_2""#, r#""４２""#, r#""42abc""#, r#""-1""#, r#""1e1""#]
    {
        refuses(&numbers, &sub(bad));
    }
    // A bad claim is not passed over for the next one.
    refuses(&verifier(), &with_claims(r#"{"sub":null,"id":42,"exp":1800003600}"#));
    accepts(&verifier(), &with_claims(r#"{"id":42,"exp":1800003600}"#));
    let other = build(honest().map_user(|id| UserId::new(format!("partner:{id}")).ok()));
    assert_eq!(user(&other, &with_claims(CLAIMS)).as_deref(), Some("partner:42"));
    let closed = build(honest().map_user(|_| None));
    refuses(&closed, &with_claims(CLAIMS));
}

/// A token id can be named in the blacklist, or the token is refused.
#[test]
fn attack_53_jti() {
    for bad in ["1", "null", "true", "[]", r#"["a"]"#, r#""""#, r#"" ""#] {
        refuses(&verifier(), &extra(&format!(r#""jti":{bad}"#)));
    }
    refuses(&verifier(), &extra(&format!(r#""jti":"{}""#, "j".repeat(256))));
    refuses(&verifier(), &extra(&format!(r#""jti":"{}""#, "j".repeat(1 << 20))));
    refuses(&verifier(), &extra(r#""jti":"a","jti":"b""#));
    let token = judge(&verifier(), &extra(r#""jti":"a1""#)).unwrap();
    assert_eq!(token.jti(), Some("a1"));
    refuses(&build(honest().require_claims(["jti"])), &with_claims(CLAIMS));
    let numeric = build(honest().allow_numeric_jti());
    assert_eq!(judge(&numeric, &extra(r#""jti":5"#)).unwrap().jti(), Some("5"));
    refuses(&numeric, &extra(r#""jti":5.5"#));
}

/// A demanded claim has the demanded value of the demanded type, not one that looks like it.
#[test]
fn attack_54_privilege_types() {
    let admins = build(honest().require_value("admin", [true]));
    accepts(&admins, &extra(r#""admin":true"#));
    for bad in [r#""true""#, r#""false""#, "1", "[true]", "null", "{}"] {
        refuses(&admins, &extra(&format!(r#""admin":{bad}"#)));
    }
    let token = judge(&verifier(), &extra(r#""admin":"false","roles":"admin""#)).unwrap();
    assert!(token.claims()["admin"].is_string(), "types reach the app as they are");
}

/// A token for another purpose, made with the same key, is not an access token.
#[test]
fn attack_55_cross_jwt() {
    let django = build(honest().token_type("token_type", "access").require_claims(["jti"]));
    accepts(&django, &extra(r#""token_type":"access","jti":"a""#));
    for other in ["refresh", "sliding", "ACCESS", "reset", ""] {
        refuses(&django, &extra(&format!(r#""token_type":"{other}","jti":"a""#)));
    }
    refuses(&django, &extra(r#""jti":"a""#));
    refuses(&django, &extra(r#""token_type":["access"],"jti":"a""#));
    let scoped = build(honest().require_value("/ctx/scp", ["user", "admin"]));
    accepts(&scoped, &extra(r#""ctx":{"scp":"user"}"#));
    refuses(&scoped, &extra(r#""ctx":{"scp":"guest"}"#));
    refuses(&scoped, &extra(r#""ctx":"user""#));
}

/// A key of another environment or issuer opens nothing here.
#[test]
fn attack_56_key_of_another_place() {
    let staging = b"the secret of staging, also 32 bytes or longer";
    refuses(&verifier(), &signed(Library::HS256, staging, HS256, CLAIMS));
    let rsa = signed(Library::RS256, RSA.as_bytes(), r#"{"alg":"RS256"}"#, CLAIMS);
    refuses(&verifier(), &rsa);
}

/// Everything that revocation goes by comes with the token: who, since when, under which names.
#[test]
fn attack_57_59_what_revocation_needs() {
    let token = judge(&verifier(), &extra(r#""jti":"a1""#)).unwrap();
    assert_eq!(token.user().as_str(), "42");
    assert_eq!(token.issued_at(), Some(Timestamp::from_unix_seconds(1_799_999_940)));
    assert_eq!(token.expires_at(), Some(Timestamp::from_unix_seconds(1_800_003_600)));
    assert_eq!(token.source().as_str(), "jwt");
    let another = judge(&verifier(), &extra(r#""jti":"a2""#)).unwrap();
    assert_ne!(token.id(), another.id());
}

/// The session a token was issued beside is read only where it is one of ours.
#[test]
fn attack_58_sid() {
    let sid = "00112233445566778899aabbccddeeff";
    let token = judge(&verifier(), &extra(&format!(r#""sid":"{sid}""#))).unwrap();
    assert_eq!(token.sid().map(|sid| sid.to_string()).as_deref(), Some(sid));
    for foreign in [r#""abc""#, "1", "null", r#""00112233445566778899AABBCCDDEEFF""#] {
        let token = judge(&verifier(), &extra(&format!(r#""sid":{foreign}"#))).unwrap();
        assert_eq!(token.sid(), None);
    }
}

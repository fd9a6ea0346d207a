//! How each old system is described to the verifier: the recipes of the fixture test.

use std::time::Duration;

use segue::Algorithm;
use segue::JwtKey;
use segue::JwtVerifier;
use segue::JwtVerifierBuilder;
use segue::LegacyToken;
use segue::Transport;
use segue::UserId;
use segue::UserIdKind;
use serde_json::Value;

use crate::legacy_fixtures::Setup;

/// The strings in a value that is one, or a list of them.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The listed algorithms, or all: a key is used with those of its kind in any case.
fn algorithms(value: &Value) -> Vec<Algorithm> {
    match value {
        Value::Null => Algorithm::ALL.to_vec(),
        listed => strings(listed).iter().filter_map(|name| name.parse().ok()).collect(),
    }
}

fn key(case: &Value, fixtures: &Value) -> JwtKey {
    let value = case["key"]["value"].as_str().unwrap_or_default();
    match case["key"]["kind"].as_str().unwrap() {
        "hmac-utf8" => JwtKey::secret(value),
        "hmac-base64" => JwtKey::secret_base64(value),
        "spki-pem" | "x509-pem" => JwtKey::pem(value),
        "jwks" => JwtKey::jwks(fixtures["jwks"].to_string()),
        other => panic!("key of kind {other}"),
    }
}

/// What all of them have in common: `typ` was never looked at, `iat` was optional, secrets short.
fn source(listed: &Value, key: JwtKey) -> JwtVerifierBuilder {
    JwtVerifier::builder("old")
        .algorithms(algorithms(listed))
        .key(key)
        .danger_allow_weak_secret()
        .ignore_typ()
        .allow_missing_iat()
}

fn seconds(value: &Value) -> Duration {
    Duration::from_secs(value.as_u64().unwrap_or(0))
}

/// Longer than any token lives, shorter than an end in milliseconds.
const MILLENNIUM: Duration = Duration::from_secs(1000 * 366 * 86_400);

fn any_user(_: &LegacyToken) -> bool {
    true
}

/// The token in `Authorization`, or in another header as its whole value.
fn lift(transport: &Transport, header: &str, further_words: bool) -> Option<String> {
    let mut words = header.split_ascii_whitespace();
    if let Some(scheme) = transport.schemes().first() {
        words.next().filter(|word| scheme.matches(word))?;
    }
    let token = words.next()?;
    (further_words || words.next().is_none()).then(|| token.to_owned())
}

fn with_issuer_and_audience(mut builder: JwtVerifierBuilder, config: &Value) -> JwtVerifierBuilder {
    for issuer in strings(&config["issuer"]) {
        builder = builder.issuer(issuer);
    }
    for audience in strings(&config["audience"]) {
        builder = builder.audience(audience);
    }
    match config["audience"]["regex"].as_str() {
        Some(".") => builder.audience_where(|audience| !audience.is_empty()),
        Some(pattern) => {
            let prefix = pattern.strip_prefix('^').expect("only prefixes").to_owned();
            builder.audience_where(move |audience| audience.starts_with(&prefix))
        }
        None => builder,
    }
}

fn npm_source(case: &Value, fixtures: &Value, options: &Value) -> JwtVerifierBuilder {
    let config = &case["config"];
    let builder = source(&config["algorithms"], key(case, fixtures)).allow_missing_exp();
    let mut builder =
        with_issuer_and_audience(builder, config).leeway(seconds(&options["clockTolerance"]));
    for (option, claim) in [("subject", "sub"), ("nonce", "nonce"), ("jwtid", "jti")] {
        if let Some(value) = config[option].as_str() {
            builder = builder.require_value(claim, [value]);
        }
    }
    if options["maxAge"].is_number() {
        builder = builder.max_age(seconds(&options["maxAge"]));
    }
    builder
}

pub fn npm(fixtures: &Value, case: &Value) -> Setup {
    let builder = npm_source(case, fixtures, &case["config"]);
    Setup {
        builder: builder.user_claims([case["user_id_pointer"].as_str().unwrap()]),
        token: case["token"].as_str().map(str::to_owned),
        app: Box::new(any_user),
    }
}

/// The app's own extractors; those that look into query and body stay with the app.
fn passport_token(request: &Value, extractor: &str) -> Option<String> {
    let header = |name: &str| request["headers"][name].as_str();
    let query = || {
        let mut tokens =
            request["query"].as_str()?.split('&').filter_map(|pair| pair.strip_prefix("token="));
        let token = tokens.next()?.to_owned();
        tokens.next().is_none().then_some(token)
    };
    let bearer = || lift(&Transport::bearer(), header("authorization")?, true);
    let body = || request["body"]["token"].as_str().map(str::to_owned);
    let cookie = || {
        let named = |pair: &str| {
            let (name, value) = pair.trim().split_once('=')?;
            ["jwt", "token", "access_token"].contains(&name).then(|| value.to_owned())
        };
        header("cookie")?.split(';').find_map(named)
    };
    match extractor {
        "bearer" => bearer(),
        "query" => query(),
        "body" => body(),
        "chain" => bearer().or_else(query).or_else(body).or_else(cookie),
        name if name.contains("cookie") => cookie(),
        name if name.starts_with("header") => lift(
            &Transport::bare_header("x-access-token").unwrap(),
            header("x-access-token")?,
            false,
        ),
        name if name.contains("jwt") || name.contains("scheme") => {
            lift(&Transport::scheme("JWT").unwrap(), header("authorization")?, true)
        }
        other => panic!("extractor {other}"),
    }
}

pub fn passport(fixtures: &Value, case: &Value) -> Setup {
    let options = &case["config"]["jsonWebTokenOptions"];
    let builder = npm_source(case, fixtures, options);
    Setup {
        builder: builder.user_claims([case["user_id_claim"].as_str().unwrap()]),
        token: passport_token(&case["request"], case["extractor"].as_str().unwrap()),
        app: Box::new(any_user),
    }
}

pub fn django(_: &Value, case: &Value) -> Setup {
    let config = &case["config"];
    let algorithm = config["algorithm"].as_str().unwrap_or("HS256");
    let key = match case["key"]["verifying"].as_str() {
        Some(pem) => JwtKey::pem(pem),
        None => JwtKey::secret(case["key"]["signing"].as_str().unwrap()),
    };
    let kind = match case["kind"].as_str().unwrap() {
        "access" if config["sliding"] == true => "sliding",
        kind => kind,
    };
    let claim = config["USER_ID_CLAIM"].as_str().unwrap_or("user_id");
    let builder = source(&Value::from(vec![algorithm]), key)
        .leeway(seconds(&config["leeway"]))
        .token_type("token_type", kind)
        .require_claims(["jti"])
        .refuse_future_iat()
        // Python has no year 10000.
        .lifetime_max(MILLENNIUM)
        .user_claims([claim])
        .user_id_kind(if claim == "sub" { UserIdKind::String } else { UserIdKind::Decimal })
        .map_user(|id| UserId::new(id).ok().filter(|id| ["42", "1"].contains(&id.as_str())));
    let mut builder = with_issuer_and_audience(builder, config);
    if config["CHECK_REVOKE_TOKEN"] == true {
        builder = builder.require_claims(["hash_password"]);
    }
    let token = match case["authorization_header"].as_str() {
        Some(header) => lift(&Transport::exact_scheme("Bearer").unwrap(), header, false),
        None if kind == "refresh" => case["token"].as_str().map(str::to_owned),
        None => None,
    };
    // Access tokens are never looked up in Django's blacklist.
    let blacklist = if kind == "access" { Vec::new() } else { strings(&case["blacklist"]) };
    let app = move |token: &LegacyToken| {
        !token.jti().is_some_and(|jti| blacklist.iter().any(|listed| listed == jti))
    };
    Setup { builder, token, app: Box::new(app) }
}

pub fn devise(_: &Value, case: &Value) -> Setup {
    let config = case["config"].clone();
    let algorithm = config["algorithm"].as_str().unwrap_or("HS256");
    let key = match config["decoding_pem"].as_str() {
        Some(pem) => JwtKey::pem(pem),
        None => JwtKey::secret(config["secret"].as_str().unwrap()),
    };
    let mut builder = source(&Value::from(vec![algorithm]), key)
        .allow_missing_exp()
        .ignore_malformed_iat()
        .require_claims(["jti"])
        .require_value("scp", [config["scope"].as_str().unwrap_or("user")])
        .user_claims(["sub"])
        .user_id_kind(UserIdKind::Decimal)
        .map_user(|id| UserId::new(id).ok().filter(|id| ["42", "1"].contains(&id.as_str())));
    if let Some(previous) = config["rotation_secret"].as_str() {
        builder = builder.key(JwtKey::secret(previous));
    }
    builder = match config["aud_header"].as_str() {
        Some(audience) => builder.audience(audience).refuse_audience_lists(),
        None => builder.refuse_audience(),
    };
    for issuer in strings(&config["issuer"]) {
        builder = builder.issuer(issuer);
    }
    let header = case["authorization_header"].as_str();
    Setup {
        builder,
        token: header
            .and_then(|header| lift(&Transport::exact_scheme("Bearer").unwrap(), header, true)),
        app: Box::new(move |token| devise_revocation(&config, token)),
    }
}

/// The app's table of sign-outs, in the three shapes it can have.
fn devise_revocation(config: &Value, token: &LegacyToken) -> bool {
    let jti = token.jti().unwrap_or_default();
    let aud = token.claims().get("aud").unwrap_or(&Value::Null);
    match config["strategy"].as_str() {
        Some("jti") => token.user().as_str() == "42" && jti == "jti-of-user-42",
        Some("deny") => !strings(&config["denied"]).iter().any(|denied| denied == jti),
        Some("allow") => config["allowed"].as_array().unwrap().iter().any(|row| {
            let user = row.get("user_id").map_or("42".to_owned(), Value::to_string);
            row["jti"] == jti && &row["aud"] == aud && user == token.user().as_str()
        }),
        _ => true,
    }
}

fn hosted(fixtures: &Value, case: &Value) -> Setup {
    let config = &case["config"];
    let builder = source(&config["algorithms"], key(case, fixtures))
        .leeway(seconds(&config["clock_tolerance_s"]))
        .user_claims(["sub"])
        .user_id_kind(UserIdKind::String);
    Setup {
        builder: with_issuer_and_audience(builder, config),
        token: case["token"].as_str().map(str::to_owned),
        app: Box::new(any_user),
    }
}

pub fn firebase(fixtures: &Value, case: &Value) -> Setup {
    let setup = hosted(fixtures, case);
    let builder = setup
        .builder
        .ignore_malformed_iat()
        .require_kid()
        .refuse_audience_lists()
        .user_id_chars_max(128);
    Setup { builder, ..setup }
}

pub fn auth0(fixtures: &Value, case: &Value) -> Setup {
    hosted(fixtures, case)
}

pub fn supabase(fixtures: &Value, case: &Value) -> Setup {
    hosted(fixtures, case)
}

//! What the real libraries issued and answered, read from the directory in `SEGUE_LEGACY_FIXTURES`.
//!
//! Each case becomes a verifier configured as the old app was, and must be judged as `expected`
//! says, with the same user.

use std::fs;
use std::path::PathBuf;

use segue::JwtVerifier;
use segue::JwtVerifierBuilder;
use segue::LegacyToken;
use segue::LegacyVerifier;
use segue::Timestamp;
use serde_json::Value;

use crate::legacy_fixture_systems as systems;

/// Any clock gives the same answer where a case does not name one.
const NOW_SECONDS_DEFAULT: i64 = 1_800_000_000;

/// How one case is set up: the verifier, what the app's transport lifts out of the request, and
/// what the app's own tables say about a verified token.
pub struct Setup {
    pub builder: JwtVerifierBuilder,
    pub token: Option<String>,
    pub app: Box<dyn Fn(&LegacyToken) -> bool>,
}

fn directory() -> Option<PathBuf> {
    let directory = std::env::var_os("SEGUE_LEGACY_FIXTURES").map(PathBuf::from);
    if directory.is_none() {
        println!("SEGUE_LEGACY_FIXTURES is not set: the legacy fixtures are skipped");
    }
    directory
}

/// The user that is let in, or `None`.
fn judge(setup: Setup, now: Timestamp) -> Option<String> {
    let verifier: JwtVerifier = setup.builder.build().ok()?;
    let token = setup.token?;
    let verdict = verifier.verify(&token, now).ok()?;
    assert!(verifier.recognises(&token), "{token}");
    (setup.app)(&verdict).then(|| verdict.user().to_string())
}

fn run(system: &str, set_up: fn(&Value, &Value) -> Setup) {
    let Some(directory) = directory() else { return };
    let file = directory.join(format!("{system}.json"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    let fixtures: Value = serde_json::from_str(&text).unwrap();
    let (mut checked, mut wrong) = (0, Vec::new());
    for case in fixtures["cases"].as_array().unwrap() {
        let now = case["now"].as_i64().unwrap_or(NOW_SECONDS_DEFAULT);
        let user = judge(set_up(&fixtures, case), Timestamp::from_unix_seconds(now));
        let named = case["expected_user_id"].as_str();
        let right = match case["expected"].as_str().unwrap() {
            "accept" => user.is_some() && user.as_deref() == named,
            "reject" => user.is_none(),
            "either" => user.is_none() || user.as_deref() == named,
            other => panic!("expected {other}"),
        };
        checked += 1;
        if !right {
            wrong.push(format!(
                "{}: expected {} {named:?}, got {user:?} ({})",
                case["id"], case["expected"], case["reason"]
            ));
        }
    }
    println!("{system}: {checked} cases checked");
    assert!(wrong.is_empty(), "{system}\n{}", wrong.join("\n"));
}

/// npm `jsonwebtoken` 9 and 8.
#[test]
fn npm_jsonwebtoken() {
    run("npm-jsonwebtoken", systems::npm);
}

/// `passport-jwt`.
#[test]
fn passport_jwt() {
    run("passport-jwt", systems::passport);
}

/// Django `simplejwt`.
#[test]
fn django_simplejwt() {
    run("django-simplejwt", systems::django);
}

/// Devise with `devise-jwt`.
#[test]
fn devise_jwt() {
    run("devise-jwt", systems::devise);
}

/// Firebase id tokens.
#[test]
fn firebase_id_token() {
    run("firebase-id-token", systems::firebase);
}

/// Auth0 access tokens.
#[test]
fn auth0_access_token() {
    run("auth0-access-token", systems::auth0);
}

/// Supabase with the project's secret.
#[test]
fn supabase_hs256() {
    run("supabase-hs256", systems::supabase);
}

/// Supabase with signing keys.
#[test]
fn supabase_es256() {
    run("supabase-es256", systems::supabase);
}

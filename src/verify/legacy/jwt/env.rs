//! The legacy source described by variables, every fault named by its variable.

use std::time::Duration;

use super::JwtVerifier;
use super::JwtVerifierBuilder;
use super::algorithm::Algorithm;
use super::material::JwtKey;
use crate::error::ConfigError;
use crate::error::ConfigFault;
use crate::id::SourceName;
use crate::verify::legacy::limits::SourceLimits;

const VARIABLES: [&str; 8] = [
    "JWT_SECRET",
    "JWT_PUBLIC_KEY_FILE",
    "JWT_JWKS_FILE",
    "JWT_ISSUER",
    "JWT_AUDIENCE",
    "JWT_USER_CLAIM",
    "JWT_LEEWAY",
    "JWT_DANGER_ALLOW_WEAK_SECRET",
];

/// `None` if nothing is set. A variable that is set but empty is set: an empty secret is a fault,
/// not the absence of a legacy system.
pub(super) fn verifier(
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<JwtVerifier>, ConfigError> {
    if VARIABLES.iter().all(|name| lookup(name).is_none()) {
        return Ok(None);
    }
    let mut faults = Vec::new();
    let mut builder = keys(JwtVerifier::builder(SourceName::default().as_str()), lookup);
    if builder.keys.is_empty() {
        let advice = "JWT variables are set, but none that holds a key; set JWT_SECRET, \
                      JWT_PUBLIC_KEY_FILE or JWT_JWKS_FILE";
        return Err(ConfigFault::advise("JWT_SECRET", advice).into());
    }
    for issuer in list("JWT_ISSUER", lookup, &mut faults) {
        builder = builder.issuer(issuer);
    }
    for audience in list("JWT_AUDIENCE", lookup, &mut faults) {
        builder = builder.audience(audience);
    }
    let claims = list("JWT_USER_CLAIM", lookup, &mut faults);
    if !claims.is_empty() {
        builder = builder.user_claims(claims);
    }
    if let Some(leeway) = leeway(lookup, &mut faults) {
        builder = builder.leeway(leeway);
    }
    if allow_weak_secret(lookup, &mut faults) {
        builder = builder.danger_allow_weak_secret();
    }
    builder.faults.extend(faults);
    builder.build().map(Some)
}

fn keys(
    mut builder: JwtVerifierBuilder,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> JwtVerifierBuilder {
    if let Some(secret) = lookup("JWT_SECRET") {
        builder = builder.key(JwtKey::secret(secret).named_by("JWT_SECRET"));
    }
    if let Some(path) = lookup("JWT_PUBLIC_KEY_FILE") {
        builder = builder.key(JwtKey::pem_file(path).named_by("JWT_PUBLIC_KEY_FILE"));
    }
    if let Some(path) = lookup("JWT_JWKS_FILE") {
        builder = builder.key(JwtKey::jwks_file(path).named_by("JWT_JWKS_FILE"));
    }
    // Each key is used with the algorithms of its own family alone.
    builder.algorithms(Algorithm::ALL)
}

fn list(
    name: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    faults: &mut Vec<ConfigFault>,
) -> Vec<String> {
    let Some(text) = lookup(name) else { return Vec::new() };
    let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
    if items.iter().any(String::is_empty) {
        faults.push(ConfigFault::new(name, text, "one value, or several with commas"));
        return Vec::new();
    }
    items
}

fn leeway(
    lookup: &dyn Fn(&str) -> Option<String>,
    faults: &mut Vec<ConfigFault>,
) -> Option<Duration> {
    let text = lookup("JWT_LEEWAY")?;
    let span = match text.trim().parse::<u32>() {
        Ok(seconds) => Some(Duration::from_secs(seconds.into())),
        Err(_) => humantime::parse_duration(text.trim()).ok(),
    };
    let span = span.filter(|span| *span <= SourceLimits::LEEWAY_MAX);
    if span.is_none() {
        faults.push(ConfigFault::new("JWT_LEEWAY", text, "a duration from 0s to 5m"));
    }
    span
}

fn allow_weak_secret(
    lookup: &dyn Fn(&str) -> Option<String>,
    faults: &mut Vec<ConfigFault>,
) -> bool {
    const NAME: &str = "JWT_DANGER_ALLOW_WEAK_SECRET";
    match lookup(NAME).as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            faults.push(ConfigFault::new(NAME, other, "true or false"));
            false
        }
    }
}

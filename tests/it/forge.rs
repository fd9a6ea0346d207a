//! Makes tokens of any kind, honest or not, with the test keys.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::Algorithm as Library;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::crypto::sign;
use segue::Algorithm;
use segue::AuthErrorKind;
use segue::JwtKey;
use segue::JwtVerifier;
use segue::JwtVerifierBuilder;
use segue::LegacyToken;
use segue::LegacyVerifier;
use segue::Timestamp;

/// The instant at which every forged token is judged, in Unix seconds.
pub const NOW_SECONDS: i64 = 1_800_000_000;
pub const NOW: Timestamp = Timestamp::from_unix_seconds(NOW_SECONDS);

/// The secret of the honest issuer.
pub const SECRET: &str = "an HMAC secret for tests, 32 bytes long at least";

/// Claims that are in order: user 42, issued a minute ago, good for an hour.
pub const CLAIMS: &str = r#"{"sub":"42","iat":1799999940,"exp":1800003600}"#;

pub const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

pub const RSA: &str = include_str!("../fixtures/keys/rsa.pem");
pub const RSA_PUBLIC: &str = include_str!("../fixtures/keys/rsa.pub.pem");
pub const RSA_OTHER: &str = include_str!("../fixtures/keys/rsa_other.pem");
pub const P256: &str = include_str!("../fixtures/keys/p256.pem");
pub const P256_PUBLIC: &str = include_str!("../fixtures/keys/p256.pub.pem");
pub const ED25519: &str = include_str!("../fixtures/keys/ed25519.pem");
pub const ED25519_PUBLIC: &str = include_str!("../fixtures/keys/ed25519.pub.pem");
pub const JWKS: &str = include_str!("../fixtures/jwks.json");

pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(bytes.as_ref())
}

/// A token over exactly these header and payload bytes, signed with what the algorithm calls for.
pub fn signed(algorithm: Library, key: &[u8], header: &str, payload: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", base64(header), base64(payload));
    let key = match algorithm {
        Library::HS256 | Library::HS384 | Library::HS512 => EncodingKey::from_secret(key),
        Library::ES256 | Library::ES384 => EncodingKey::from_ec_pem(key).unwrap(),
        Library::EdDSA => EncodingKey::from_ed_pem(key).unwrap(),
        _ => EncodingKey::from_rsa_pem(key).unwrap(),
    };
    let signature = sign(input.as_bytes(), &key, algorithm).unwrap();
    format!("{input}.{signature}")
}

/// A token of the honest issuer with these header and payload bytes.
pub fn hs256(header: &str, payload: impl AsRef<[u8]>) -> String {
    signed(Library::HS256, SECRET.as_bytes(), header, payload)
}

/// A token of the honest issuer with these claims.
pub fn with_claims(payload: impl AsRef<[u8]>) -> String {
    hs256(HS256, payload)
}

/// A token of the honest issuer with this header.
pub fn with_header(header: &str) -> String {
    hs256(header, CLAIMS)
}

/// The same input under another signature.
pub fn with_signature(token: &str, signature: impl AsRef<[u8]>) -> String {
    let (input, _) = token.rsplit_once('.').unwrap();
    format!("{input}.{}", base64(signature))
}

pub fn signature(token: &str) -> Vec<u8> {
    let (_, signature) = token.rsplit_once('.').unwrap();
    BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap()
}

/// The verifier of the honest issuer, at its defaults.
pub fn verifier() -> JwtVerifier {
    JwtVerifier::hs256(SECRET).unwrap()
}

pub fn builder(algorithms: &[Algorithm], key: JwtKey) -> JwtVerifierBuilder {
    JwtVerifier::builder("test").algorithms(algorithms.iter().copied()).key(key)
}

pub fn judge(verifier: &JwtVerifier, token: &str) -> Result<LegacyToken, AuthErrorKind> {
    verifier.verify(token, NOW)
}

/// Whom the verifier lets in.
pub fn user(verifier: &JwtVerifier, token: &str) -> Option<String> {
    judge(verifier, token).ok().map(|token| token.user().to_string())
}

/// The token is let in, as user 42.
#[track_caller]
pub fn accepts(verifier: &JwtVerifier, token: &str) {
    assert_eq!(user(verifier, token).as_deref(), Some("42"), "{token}");
}

/// The token is refused, and nothing is said about why.
#[track_caller]
pub fn refuses(verifier: &JwtVerifier, token: &str) {
    let shown: String = token.chars().take(200).collect();
    assert_eq!(judge(verifier, token).err(), Some(AuthErrorKind::InvalidToken), "{shown}");
}

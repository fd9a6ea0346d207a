//! Legacy tokens of every algorithm, signed with keys made for this run.

use std::sync::LazyLock;
use std::time::SystemTime;

use jsonwebtoken::Algorithm;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use rcgen::KeyPair;
use rcgen::SignatureAlgorithm;
use serde::Deserialize;
use serde::Serialize;

pub const SECRET: &str = "a secret of this benchmark alone, 42 bytes";

#[derive(Clone, Deserialize, Serialize)]
pub struct Claims {
    pub sub: String,
    pub iat: u64,
    pub exp: u64,
    pub jti: String,
}

/// One algorithm with the keys of this run.
pub struct Issuer {
    pub algorithm: Algorithm,
    /// The public key in PEM; of HS256, the secret.
    pub public: String,
    signing: EncodingKey,
    pub verifying: DecodingKey,
}

pub static HS256: LazyLock<Issuer> = LazyLock::new(|| Issuer {
    algorithm: Algorithm::HS256,
    public: SECRET.to_owned(),
    signing: EncodingKey::from_secret(SECRET.as_bytes()),
    verifying: DecodingKey::from_secret(SECRET.as_bytes()),
});

pub static RS256: LazyLock<Issuer> = LazyLock::new(|| {
    asymmetric(
        Algorithm::RS256,
        &rcgen::PKCS_RSA_SHA256,
        EncodingKey::from_rsa_pem,
        DecodingKey::from_rsa_pem,
    )
});

pub static ES256: LazyLock<Issuer> = LazyLock::new(|| {
    asymmetric(
        Algorithm::ES256,
        &rcgen::PKCS_ECDSA_P256_SHA256,
        EncodingKey::from_ec_pem,
        DecodingKey::from_ec_pem,
    )
});

pub static EDDSA: LazyLock<Issuer> = LazyLock::new(|| {
    asymmetric(
        Algorithm::EdDSA,
        &rcgen::PKCS_ED25519,
        EncodingKey::from_ed_pem,
        DecodingKey::from_ed_pem,
    )
});

fn asymmetric(
    algorithm: Algorithm,
    keys: &'static SignatureAlgorithm,
    signing: fn(&[u8]) -> jsonwebtoken::errors::Result<EncodingKey>,
    verifying: fn(&[u8]) -> jsonwebtoken::errors::Result<DecodingKey>,
) -> Issuer {
    let pair = KeyPair::generate_for(keys).expect("a key");
    let (private, public) = (pair.serialize_pem(), pair.public_key_pem());
    Issuer {
        algorithm,
        signing: signing(private.as_bytes()).expect("a signing key"),
        verifying: verifying(public.as_bytes()).expect("a verifying key"),
        public,
    }
}

impl Issuer {
    /// A token for user 42, good for an hour; `number` makes it another one.
    pub fn token(&self, number: u32) -> String {
        let now = seconds_now();
        self.sign(&Claims {
            sub: "42".to_owned(),
            iat: now,
            exp: now + 3600,
            jti: format!("{number:016x}"),
        })
    }

    pub fn sign(&self, claims: &Claims) -> String {
        let header = Header::new(self.algorithm);
        jsonwebtoken::encode(&header, claims, &self.signing).expect("a token")
    }
}

pub fn seconds_now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs()
}

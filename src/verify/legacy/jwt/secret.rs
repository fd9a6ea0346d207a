//! Which HMAC secrets are refused before anybody guesses them.

use super::der;
use crate::secret::SecretBytes;

/// The shortest secret that is taken without being told to, in bytes: the size of the smallest
/// hash (RFC 7518, section 3.2).
pub(super) const SECRET_LENGTH_BYTES_MIN: usize = 32;

/// Secrets that stand in tutorials, templates and word lists.
const PLACEHOLDERS: [&str; 40] = [
    "123456",
    "12345678",
    "a-string-secret-at-least-256-bits-long",
    "admin",
    "api-secret",
    "change-me",
    "change_me",
    "changeit",
    "changeme",
    "changethis",
    "default",
    "dev",
    "development",
    "example",
    "example_key",
    "jwt",
    "jwt-secret",
    "jwt_secret",
    "jwt_secret_key",
    "jwtsecret",
    "key",
    "keyboard cat",
    "mysecret",
    "mysecretkey",
    "my-secret-key",
    "my_secret_key",
    "password",
    "private",
    "qwerty",
    "s3cr3t",
    "secret",
    "secret-key",
    "secret_key",
    "secretkey",
    "shhhh",
    "shhhhh",
    "supersecret",
    "test",
    "token",
    "your-256-bit-secret",
];

/// Longer placeholders, of which the ends vary.
const PLACEHOLDER_STARTS: [&str; 8] = [
    "change-this",
    "changethis",
    "please-change",
    "put-your",
    "replace-me",
    "replaceme",
    "your-secret",
    "your_secret",
];

/// Says what is wrong with a secret, and what to do about it.
///
/// A bad secret is one that a stranger can find: whoever has it mints tokens of any user. Public
/// keys are refused because whoever reads the key (it is public) could mint tokens with it.
pub(super) fn fault(secret: &SecretBytes, allow_short: bool) -> Option<String> {
    let bytes = secret.expose();
    let text = String::from_utf8_lossy(bytes);
    let plain = text.trim().to_ascii_lowercase();
    if plain.is_empty() && bytes.iter().all(u8::is_ascii_whitespace) {
        return Some("the secret is empty; set the one the old tokens are signed with".to_owned());
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Some("the secret is all zeros; set the one the old tokens are signed with".into());
    }
    if is_public_key(bytes, &plain) {
        return Some("this is a public key, not a secret; give it as PEM or JWKS".to_owned());
    }
    let known = PLACEHOLDERS.contains(&plain.as_str())
        || PLACEHOLDER_STARTS.iter().any(|start| plain.starts_with(start));
    if known {
        return Some(
            "this secret is in every word list, so anybody can make tokens; sign with a random \
             one (`openssl rand -base64 48`) first"
                .to_owned(),
        );
    }
    (bytes.len() < SECRET_LENGTH_BYTES_MIN && !allow_short).then(|| {
        format!(
            "the secret has {} bytes, {SECRET_LENGTH_BYTES_MIN} are the least that withstands \
             guessing; rotate it, or allow it until the cut-over with \
             danger_allow_weak_secret() or JWT_DANGER_ALLOW_WEAK_SECRET=true",
            bytes.len()
        )
    })
}

fn is_public_key(bytes: &[u8], plain: &str) -> bool {
    plain.starts_with("-----begin")
        || (plain.starts_with('{') && plain.contains("\"kty\""))
        || der::is_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(secret: &[u8], allow_short: bool) -> bool {
        fault(&SecretBytes::new(secret.to_vec()), allow_short).is_some()
    }

    /// Secrets that can be found are refused even where short ones are allowed.
    #[test]
    fn guessable_secrets() {
        for secret in [
            "",
            " ",
            "\n",
            "\0\0\0\0",
            "secret",
            "SECRET\n",
            "changeme",
            "your-256-bit-secret",
            "keyboard cat",
            "Your-Secret-Key-Here-0123456789-0123456789",
            "-----BEGIN PUBLIC KEY",
            "{ \"kty\": \"RSA\" }",
        ] {
            assert!(is_refused(secret.as_bytes(), true), "{secret:?}");
        }
        assert!(is_refused(&[0; 64], true));
    }

    /// Short secrets need a word, and nothing of them is in the message.
    #[test]
    fn short_secrets() {
        assert!(is_refused(b"0123456789abcdef0123456789abcde", false));
        assert!(!is_refused(b"0123456789abcdef0123456789abcdef", false));
        assert!(!is_refused(b"x", true));
        let message = fault(&SecretBytes::new(b"hunter22".to_vec()), false).unwrap();
        assert!(!message.contains("hunter22"), "{message}");
    }
}

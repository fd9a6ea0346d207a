//! What a refusal says: `type`, `title`, `status`, `detail` and a stable `code`.

use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;

use http::HeaderValue;
use http::StatusCode;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;

use crate::error::AuthError;
use crate::error::AuthErrorKind;
use crate::error::Challenge;

/// One refusal as a problem document (RFC 9457).
///
/// Every member is a constant of the reason, so that nothing of the request, and no secret, can
/// be reflected in it. `type` is `urn:segue:problem:` and the code: it names the reason for good,
/// wherever the documentation lives.
///
/// ```
/// use segue::{AuthErrorKind, Problem};
///
/// let problem = Problem::from(AuthErrorKind::SessionRevoked);
/// assert_eq!(problem.type_uri(), "urn:segue:problem:session_revoked");
/// assert_eq!(problem.title(), "Session revoked");
/// assert_eq!(problem.status(), 401);
/// ```
#[derive(Clone, Debug)]
pub struct Problem {
    error: AuthError,
    scope: Option<Arc<str>>,
}

impl Problem {
    /// The refusal that misses this scope, which `WWW-Authenticate` then names (RFC 6750,
    /// section 3), so that a client knows what to ask for.
    ///
    /// Text that is no scope (RFC 6749, appendix A.4) is not taken over.
    #[must_use]
    pub fn insufficient_scope(scope: &str) -> Self {
        let printable = |byte: u8| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\');
        let scope = (!scope.is_empty() && scope.bytes().all(printable)).then(|| scope.into());
        Self { error: AuthErrorKind::InsufficientScope.into(), scope }
    }

    /// The refusal itself.
    #[must_use]
    pub const fn error(&self) -> AuthError {
        self.error
    }

    /// The member `type`: a name for the reason that never changes.
    #[must_use]
    pub fn type_uri(&self) -> &'static str {
        &self.facts().type_uri
    }

    /// The member `title`: the code in words.
    #[must_use]
    pub fn title(&self) -> &'static str {
        &self.facts().title
    }

    /// The member `status`, the same as the response's.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.error.status()
    }

    /// The member `detail`: one sentence for the person at the other end.
    #[must_use]
    pub const fn detail(&self) -> &'static str {
        self.error.kind().detail()
    }

    /// The member `code`: stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.error.code()
    }

    /// The scope that was missing, where that is the reason.
    #[must_use]
    pub fn required_scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The document as JSON.
    pub(crate) fn json(&self) -> &'static str {
        &self.facts().json
    }

    /// What `WWW-Authenticate` says, if the reason asks for it.
    pub(crate) fn challenge(&self, realm: Option<&str>) -> Option<HeaderValue> {
        if realm.is_none() && self.scope.is_none() {
            return self.facts().challenge.clone();
        }
        challenge(self.error.kind(), realm, self.required_scope())
    }

    fn facts(&self) -> &'static Facts {
        let kind = self.error.kind();
        let index = AuthErrorKind::ALL.binary_search(&kind).unwrap_or_default();
        &FACTS[index]
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        Self { error, scope: None }
    }
}

impl From<AuthErrorKind> for Problem {
    fn from(kind: AuthErrorKind) -> Self {
        Self::from(AuthError::from(kind))
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("type", self.type_uri())?;
        map.serialize_entry("title", self.title())?;
        map.serialize_entry("status", &self.status().as_u16())?;
        map.serialize_entry("detail", self.detail())?;
        map.serialize_entry("code", self.code())?;
        map.end()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail())
    }
}

/// Everything about a reason that is written on the wire, made once: refusing garbage must cost
/// less than serving a request.
struct Facts {
    type_uri: String,
    title: String,
    json: String,
    challenge: Option<HeaderValue>,
}

static FACTS: LazyLock<[Facts; AuthErrorKind::ALL.len()]> =
    LazyLock::new(|| AuthErrorKind::ALL.map(Facts::of));

impl Facts {
    fn of(kind: AuthErrorKind) -> Self {
        let type_uri = format!("urn:segue:problem:{}", kind.code());
        let title = title(kind.code());
        let json = serde_json::json!({
            "type": type_uri,
            "title": title,
            "status": kind.status().as_u16(),
            "detail": kind.detail(),
            "code": kind.code(),
        });
        Self { type_uri, title, json: json.to_string(), challenge: challenge(kind, None, None) }
    }
}

fn title(code: &str) -> String {
    let mut words = code.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

fn challenge(kind: AuthErrorKind, realm: Option<&str>, scope: Option<&str>) -> Option<HeaderValue> {
    let error = match kind.challenge() {
        Challenge::None => return None,
        Challenge::Bare => None,
        Challenge::Error(code) => Some(code),
    };
    let parameters = [
        realm.map(|realm| format!(r#"realm="{realm}""#)),
        error.map(|code| format!(r#"error="{code}""#)),
        error.map(|_| format!(r#"error_description="{}""#, kind.detail())),
        scope.map(|scope| format!(r#"scope="{scope}""#)),
    ];
    let parameters: Vec<String> = parameters.into_iter().flatten().collect();
    let text = if parameters.is_empty() {
        "Bearer".to_owned()
    } else {
        format!("Bearer {}", parameters.join(", "))
    };
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The prepared document of every reason is the one that serialising it gives, and its status
    /// is the response's.
    #[test]
    fn documents_agree_with_the_table() {
        for kind in AuthErrorKind::ALL {
            let problem = Problem::from(kind);
            let prepared: serde_json::Value = serde_json::from_str(problem.json()).unwrap();
            assert_eq!(prepared, serde_json::to_value(&problem).unwrap());
            assert_eq!(prepared["code"], kind.code());
            assert_eq!(prepared["status"], kind.status().as_u16());
            assert_eq!(prepared["type"], format!("urn:segue:problem:{}", kind.code()));
        }
    }

    /// A challenge never leaves the characters that RFC 6750 allows, so that no detail can end it.
    #[test]
    fn challenges_are_well_formed() {
        for kind in AuthErrorKind::ALL {
            let Some(header) = Problem::from(kind).challenge(None) else { continue };
            let text = header.to_str().unwrap();
            assert!(text.starts_with("Bearer"), "{text}");
            assert_eq!(text.matches('"').count() % 4, 0, "{text}");
            assert!(!text.contains('\\'), "{text}");
        }
        assert_eq!(
            Problem::from(AuthErrorKind::MissingCredential).challenge(None).unwrap(),
            "Bearer"
        );
    }

    /// The missing scope is named; text that could end the quoted string is not.
    #[test]
    fn scope_and_realm() {
        let challenge = Problem::insufficient_scope("admin").challenge(Some("app")).unwrap();
        let text = challenge.to_str().unwrap();
        assert!(text.starts_with(r#"Bearer realm="app", error="insufficient_scope""#), "{text}");
        assert!(text.ends_with(r#"scope="admin""#), "{text}");
        assert_eq!(Problem::insufficient_scope("a\", x=\"").required_scope(), None);
    }
}

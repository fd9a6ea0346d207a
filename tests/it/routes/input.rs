//! Bad bodies: the same answer on every route that takes one.

use serde_json::json;

use super::harness::Call;
use super::harness::world;

const ROUTES: [&str; 4] = ["/auth/refresh", "/auth/logout", "/auth/logout-all", "/auth/exchange"];

/// What is not JSON, or not the right JSON, is refused as a problem, without a panic.
#[tokio::test]
async fn bodies_are_strict() {
    let world = world();
    let tokens = world.login(42).await;
    let json = "application/json";
    let table: [(&str, &[u8], (u16, &str)); 12] = [
        (json, b"{", (400, "invalid_input")),
        (json, b"[]x", (400, "invalid_input")),
        (json, b"{}{}", (400, "invalid_input")),
        (json, b"\"text\"", (400, "invalid_input")),
        (json, b"\xff\xfe{\0}\0", (400, "invalid_input")),
        (
            json,
            br#"{"refresh_token":1,"keep_current":"yes","delivery":"pigeon"}"#,
            (400, "invalid_input"),
        ),
        (json, br#"{"refresh_token":[],"keep_current":1,"token":{}}"#, (400, "invalid_input")),
        ("", b"{}", (415, "unsupported_media_type")),
        ("text/plain", b"{}", (415, "unsupported_media_type")),
        ("text/plain", b"", (415, "unsupported_media_type")),
        ("application/x-www-form-urlencoded", b"refresh_token=x", (415, "unsupported_media_type")),
        (json, &[b' '; 8193], (413, "content_too_large")),
    ];
    for route in ROUTES {
        for (content_type, body, refusal) in table {
            let mut call = Call::post(route).bearer(&tokens.access).raw(body.to_vec());
            if !content_type.is_empty() {
                call = call.header("content-type", content_type);
            }
            let answer = world.send(call).await;
            let body = String::from_utf8_lossy(&body[..body.len().min(20)]).into_owned();
            assert_eq!(answer.refusal(), refusal, "{route} {content_type} {body}");
        }
    }
    assert_eq!(world.me(&tokens.access).await, "42 by session", "nothing happened");
}

/// JSON nested deeper than anybody needs is refused, not followed.
#[tokio::test]
async fn attack_43_deep_nesting() {
    let world = world();
    let deep = "[".repeat(8000);
    let call = Call::post("/auth/refresh").header("content-type", "application/json").raw(deep);
    assert_eq!(world.send(call).await.refusal(), (400, "invalid_input"));
}

/// Members nobody knows are ignored, so that clients may send what other servers want.
#[tokio::test]
async fn unknown_members_are_ignored() {
    let world = world();
    let tokens = world.login(42).await;
    let body = json!({
        "grant_type": "refresh_token",
        "refresh_token": tokens.refresh,
        "nested": { "deep": [null, 1e308, "\u{0}"] },
    });
    let call = Call::post("/auth/refresh").json(body);
    assert_eq!(world.send(call).await.status, 200);
}

/// Two bearer tokens, and a list of them, have no meaning on any route (requirement 50).
#[tokio::test]
async fn attack_60_one_credential_only() {
    let world = world();
    let tokens = world.login(42).await;
    for route in ROUTES {
        let two = Call::post(route).bearer(&tokens.access).bearer(&tokens.access);
        let list = Call::post(route)
            .header("authorization", &format!("Bearer {0}, Bearer {0}", tokens.access));
        for call in [two, list] {
            assert_eq!(world.send(call).await.refusal(), (400, "invalid_request"), "{route}");
        }
    }
}

/// Wrong methods find nothing to do; what is guarded says nothing of them to strangers.
#[tokio::test]
async fn wrong_methods() {
    let world = world();
    for route in ROUTES {
        assert!(matches!(world.send(Call::get(route)).await.status, 401 | 405), "{route}");
    }
    let tokens = world.login(42).await;
    let call = Call::delete("/auth/sessions").bearer(&tokens.access);
    assert_eq!(world.send(call).await.status, 405);
}

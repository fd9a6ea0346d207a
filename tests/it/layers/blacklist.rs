//! `BlacklistLayer` alone, in front of authentication that is not ours.

use segue::BlacklistLayer;
use segue::RevokeReason;
use segue::StoreErrorKind;
use segue::UserId;
use segue::store::Fault;
use tower::service_fn;
use tower_layer::Layer;

use super::support::Answer;
use super::support::World;
use super::support::bearer;
use super::support::get;
use super::support::send;
use super::support::who;

async fn ask(world: &World, token: Option<&str>) -> Answer {
    let service = BlacklistLayer::new().with(&world.auth).layer(service_fn(who));
    send(&service, token.map_or_else(|| get(&[]), bearer)).await
}

/// A JWT as another system would make it; nobody here has its key.
fn foreign(claims: &str) -> String {
    let encode = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    format!("{}.{}.c2lnbmF0dXJl", encode(r#"{"alg":"HS256"}"#), encode(claims))
}

/// What is not revoked is not its business, and gets no principal from it.
#[tokio::test]
async fn everything_else_passes() {
    let world = World::new();
    let tokens = world.login(7).await;
    let foreign = foreign(r#"{"sub":"9","jti":"a","iat":1800000000}"#);
    for token in [None, Some("garbage"), Some(&*foreign), Some(&*tokens.access), Some("sga_x")] {
        let answer = ask(&world, token).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "unauthenticated"), "{token:?}");
    }
}

/// Revoked by token, by user, or as a session: refused with a problem document.
#[tokio::test]
async fn revoked_tokens_end_here() {
    let world = World::new();
    let one = foreign(r#"{"sub":"9","jti":"a","iat":1799999999}"#);
    let other = foreign(r#"{"sub":"8","jti":"b","iat":1799999999}"#);
    let until = world.clock.now().saturating_add(std::time::Duration::from_secs(3600));
    world.auth.blacklist_jti("jwt", "a", until).await.unwrap();
    let answer = ask(&world, Some(&one)).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_revoked"));
    assert_eq!(ask(&world, Some(&other)).await.status, 200);

    world.auth.revoke_user(&UserId::from(8)).await.unwrap();
    assert_eq!(ask(&world, Some(&other)).await.code(), "token_revoked");

    let tokens = world.login(7).await;
    assert_eq!(ask(&world, Some(&tokens.access)).await.status, 200);
    let id = world.auth.sessions(&UserId::from(7), None).await.unwrap().sessions[0].id;
    world.auth.revoke_session(&UserId::from(7), id, RevokeReason::Logout).await.unwrap();
    assert_eq!(ask(&world, Some(&tokens.access)).await.code(), "session_revoked");
}

/// Tokens of a format that only a configured verifier understands are refused too.
#[tokio::test]
async fn revoked_tokens_of_a_known_source() {
    let world = World::dual();
    world.auth.blacklist_token("old_alice").await.unwrap();
    assert_eq!(ask(&world, Some("old_alice")).await.code(), "token_revoked");
    assert_eq!(ask(&world, Some("old_bob")).await.status, 200);
}

/// A request that can be read in two ways can't slip a revoked token past it.
#[tokio::test]
async fn ambiguous_requests_are_refused() {
    let world = World::new();
    let service = BlacklistLayer::new().with(&world.auth).layer(service_fn(who));
    let request = get(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
    assert_eq!(send(&service, request).await.status, 400);
}

/// If the store must be asked and can't be, the answer is "later", not "yes".
#[tokio::test]
async fn store_down() {
    let world = World::new();
    world.store.inject(Fault::Fail(StoreErrorKind::Unavailable));
    let token = foreign(r#"{"sub":"9","jti":"a","iat":1799999999}"#);
    let answer = ask(&world, Some(&token)).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "store_unavailable"));
    assert_ne!(answer.header("retry-after"), "");
}

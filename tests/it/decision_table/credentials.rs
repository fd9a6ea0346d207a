//! Makes the credentials of the decision table: the texts, and what has become of them.

use segue::RevokeReason;
use segue::TokenPair;
use segue::UserId;

use super::Credential;
use super::Credential::L;
use super::Credential::Opaque;
use super::Credential::S;
use super::Legacy;
use super::Legacy::*;
use super::OTHER_USER;
use super::Session;
use super::Session::*;
use super::USER;
use crate::harness::Claims;
use crate::harness::DAY;
use crate::harness::MINUTE;
use crate::harness::Node;
use crate::harness::World;

/// The texts, in the order of the credentials. Sessions first: making them moves the clock.
pub(super) async fn make(world: &World, maker: &Node, credentials: &[Credential]) -> Vec<String> {
    let mut texts = vec![String::new(); credentials.len()];
    for live in [false, true] {
        for (text, credential) in texts.iter_mut().zip(credentials) {
            if let S(session, _) = credential
                && (*session == Live) == live
            {
                *text = make_session(world, maker, *session).await;
            }
        }
    }
    for (text, credential) in texts.iter_mut().zip(credentials) {
        match credential {
            S(..) => {}
            L(legacy, _) => *text = make_legacy(world, maker, *legacy).await,
            Opaque => *text = "1a2b3c4d5e6f".to_owned(),
        }
    }
    texts
}

async fn make_session(world: &World, maker: &Node, session: Session) -> String {
    let foreign = match session {
        UnknownKey => World::with_keys_of_version(7),
        _ => World::with_keys(world.keys.clone()),
    };
    if matches!(session, UnknownKey | MissingRow) {
        let pair = foreign.node().await.login(USER).await;
        return pair.access.expose().to_owned();
    }
    let pair = maker.login(USER).await;
    let user = UserId::new(USER).unwrap();
    let access = pair.access.expose().to_owned();
    match session {
        Expired => world.clock.advance(10 * MINUTE),
        Idle => world.clock.advance(30 * MINUTE),
        Absolute => return keep_alive_to_the_end(world, maker, pair).await,
        Revoked => {
            let reason = RevokeReason::DeviceList;
            maker.auth.revoke_session(&user, pair.session_id, reason).await.unwrap();
        }
        Reused => {
            let next = maker.refresh(pair.refresh.expose()).await.unwrap();
            maker.refresh(next.refresh.expose()).await.unwrap();
            maker.refresh(pair.refresh.expose()).await.unwrap_err();
        }
        WrongMac => return spoil(&access),
        Garbage => return "sga_garbage".to_owned(),
        Refresh => return pair.refresh.expose().to_owned(),
        Live | UnknownKey | MissingRow => {}
    }
    access
}

async fn keep_alive_to_the_end(world: &World, maker: &Node, pair: TokenPair) -> String {
    let mut pair = pair;
    for _ in 0..3 {
        maker.pass(15 * MINUTE).await;
        pair = maker.refresh(pair.refresh.expose()).await.unwrap();
    }
    world.clock.advance(15 * MINUTE);
    pair.access.expose().to_owned()
}

/// Another last character: still canonical, no longer genuine.
fn spoil(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "A" { "B" } else { "A" })
}

async fn make_legacy(world: &World, maker: &Node, legacy: Legacy) -> String {
    let now = world.clock.now();
    let claims = Claims::of(USER, now);
    let user = UserId::new(USER).unwrap();
    match legacy {
        Good => claims.sign(),
        Other => Claims::of(OTHER_USER, now).sign(),
        PastEnd => {
            claims.with("exp", now.as_unix_seconds()).with("iat", now.as_unix_seconds() - 60).sign()
        }
        Forged => claims.sign_with("another secret that nobody here was ever told"),
        NoJwt => "a.b.c".to_owned(),
        ListedByJti => {
            let until = now.saturating_add(8 * DAY);
            maker.auth.blacklist_jti("main", "token-1", until).await.unwrap();
            claims.with("jti", "token-1").sign()
        }
        ListedByHash => {
            let token = claims.sign();
            maker.auth.blacklist_token(&token).await.unwrap();
            token
        }
        ListedBySid => {
            let pair = maker.login(USER).await;
            let token = pair.legacy_token().unwrap().to_owned();
            let reason = RevokeReason::DeviceList;
            maker.auth.revoke_session(&user, pair.session_id, reason).await.unwrap();
            token
        }
        BeforeUser => {
            maker.auth.revoke_user(&user).await.unwrap();
            claims.sign()
        }
        BeforeAll => {
            maker.auth.revoke_everything().await.unwrap();
            claims.sign()
        }
        TooOld => claims.with("iat", now.saturating_sub(31 * DAY).as_unix_seconds()).sign(),
        NoIat => claims.without("iat").sign(),
        NoExp => claims.without("exp").sign(),
    }
}

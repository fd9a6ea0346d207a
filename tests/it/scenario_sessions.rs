//! Scenarios of a session's life: its ends, its signs of life, its data, the list, the sweeper.

use segue::AuthErrorKind;
use segue::RevokeReason;
use segue::Scopes;
use segue::SessionData;
use segue::SessionPolicy;
use segue::UserId;
use segue::store::Fault;
use serde_json::json;

use crate::harness::Ask;
use crate::harness::DAY;
use crate::harness::HOUR;
use crate::harness::MINUTE;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::either;

fn alice() -> UserId {
    UserId::new("alice").unwrap()
}

/// Half an hour idle, two hours in all.
fn short() -> SessionPolicy {
    SessionPolicy { idle: 30 * MINUTE, absolute: 2 * HOUR, ..SessionPolicy::default() }
}

either! {
    /// Unused for the idle time: over, for the token and for the refresh; used, it goes on.
    an_idle_session_is_over, world => {
        let node = world.node_with(|builder| builder.policy(short())).await;
        let (idle, used) = (node.login("alice").await, node.login("bob").await);
        node.pass(9 * MINUTE).await;
        assert_eq!(node.bearer(used.access.expose()).await.verdict(), "200 session");
        node.auth.flush().await.unwrap();
        node.pass(21 * MINUTE).await;
        let refused = node.refresh(idle.refresh.expose()).await.unwrap_err();
        assert_eq!(refused, AuthErrorKind::SessionExpired);
        node.refresh(used.refresh.expose()).await.unwrap();
        assert!(node.auth.sessions(&alice(), None).await.unwrap().sessions.is_empty());
    }
}

either! {
    /// However busy, at its absolute end a session is over; no refresh moves it, and no access
    /// token outlives it.
    the_absolute_end_stays, world => {
        let node = world.node_with(|builder| builder.policy(short())).await;
        let mut pair = node.login("alice").await;
        let end = node.store.row("alice").await.expires_at;
        for _ in 0..7 {
            node.pass(16 * MINUTE).await;
            pair = node.refresh(pair.refresh.expose()).await.unwrap();
            assert_eq!(node.store.row("alice").await.expires_at, end);
        }
        assert_eq!(pair.expires_in, 8 * MINUTE);
        node.pass(8 * MINUTE).await;
        assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "401 token_expired");
        let refused = node.refresh(pair.refresh.expose()).await.unwrap_err();
        assert_eq!(refused, AuthErrorKind::SessionExpired);
    }
}

either! {
    /// Signs of life: at most one write per session and interval, never one per request, never for
    /// a revoked session.
    signs_of_life_are_rare, world => {
        let node = world.node().await;
        let pair = node.login("alice").await;
        for _ in 0..3 {
            node.pass(MINUTE).await;
            for _ in 0..20 {
                assert_eq!(node.bearer(pair.access.expose()).await.status, 200);
            }
            node.auth.flush().await.unwrap();
            assert_eq!(node.store.row("alice").await.last_seen_at, world.clock.now());
        }
        assert_eq!(node.store.calls("touch sessions"), 3);
    }
}

either! {
    /// A sign of life that was collected before a revocation elsewhere, and written after it,
    /// brings nothing back.
    a_late_sign_of_life_resurrects_nothing, world => {
        let (node, other) = (world.node().await, world.node().await);
        let pair = node.login("alice").await;
        node.pass(MINUTE).await;
        assert_eq!(node.bearer(pair.access.expose()).await.status, 200);
        let reason = RevokeReason::DeviceList;
        other.auth.revoke_session(&alice(), pair.session_id, reason).await.unwrap();
        let before = node.store.row("alice").await;
        node.auth.flush().await.unwrap();
        assert_eq!(node.store.row("alice").await, before);
        assert!(before.revoked.is_some());
    }
}

either! {
    /// With `SESSION_TRACKING=false` sessions work and nothing is written for a use.
    nothing_is_tracked_when_tracking_is_off, world => {
        let node = world.node().await;
        node.flags("SESSION_TRACKING=false");
        let ask = Ask::post().header("user-agent", "Firefox/130.0").peer("192.0.2.1:1");
        let login = node.auth.login(alice()).context(node.auth.context(&ask.parts())).await;
        let pair = login.unwrap().pair.unwrap();
        let before = node.store.row("alice").await;
        assert_eq!((before.device.name.clone(), before.device.address), (None, None));
        node.pass(5 * MINUTE).await;
        assert_eq!(node.bearer(pair.access.expose()).await.status, 200);
        node.auth.flush().await.unwrap();
        assert_eq!(node.store.row("alice").await, before);
        assert_eq!(node.store.calls("touch sessions"), 0);
    }
}

either! {
    /// One session more than the cap: the oldest goes, whoever logs in where, also all at once.
    scenario_41_the_cap_ends_the_oldest, world => {
        let policy = SessionPolicy { sessions_per_user_max: 3, ..SessionPolicy::default() };
        let node = world.node_with(|builder| builder.policy(policy.clone())).await;
        let other = world.node_with(|builder| builder.policy(policy)).await;
        let mut pairs = Vec::new();
        for index in 0..5 {
            let node = if index % 2 == 0 { &node } else { &other };
            pairs.push(node.login("alice").await);
            world.clock.advance(SECOND);
        }
        node.settle().await;
        for (index, pair) in pairs.iter().enumerate() {
            let wanted = if index < 2 { "401 session_revoked" } else { "200 session" };
            assert_eq!(node.bearer(pair.access.expose()).await.verdict(), wanted, "{index}");
        }
        let mut logins = tokio::task::JoinSet::new();
        for index in 0..12 {
            let node = if index % 2 == 0 { node.clone() } else { other.clone() };
            logins.spawn(async move { node.login("bob").await });
        }
        logins.join_all().await;
        let live = node.store.rows("bob").await;
        assert_eq!(live.iter().filter(|row| row.revoked.is_none()).count(), 3);
    }
}

either! {
    /// A session planted before the login is worth nothing after it, and the browser gets another.
    a_login_replaces_the_presented_session, world => {
        let node = world.node().await;
        let planted = node.login("mallory").await;
        let untouched = node.login("mallory").await;
        let request = Ask::post().access_cookie(planted.access.expose());
        let context = node.auth.context(&request.parts());
        let pair = node.auth.login(alice()).context(context).await.unwrap().pair.unwrap();
        assert_ne!(pair.session_id, planted.session_id);
        let verdict = node.bearer(planted.access.expose()).await.verdict();
        assert_eq!(verdict, "401 session_revoked");
        assert_eq!(node.bearer(untouched.access.expose()).await.verdict(), "200 session");
        // A forged cookie ends nobody's session.
        let (rest, last) = pair.access.expose().split_at(pair.access.expose().len() - 1);
        let forged = format!("{rest}{}", if last == "A" { "B" } else { "A" });
        let request = Ask::post().access_cookie(&forged);
        node.auth.login(alice()).context(node.auth.context(&request.parts())).await.unwrap();
        assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
    }
}

either! {
    /// Changes of a session's data from many places at once: none is lost, and the other node sees
    /// them as it hears of them.
    no_update_is_lost, world => {
        let (node, other) = (world.node().await, world.node().await);
        let pair = node.login("alice").await;
        assert_eq!(other.bearer(pair.access.expose()).await.status, 200);
        for round in 0..8 {
            let change = |name: String| {
                move |data: &SessionData| {
                    let mut data = data.to_value();
                    data[&name] = true.into();
                    SessionData::new(data).unwrap()
                }
            };
            let (user, id) = (alice(), pair.session_id);
            let (one, two, three) = tokio::join!(
                node.auth.update_data(&user, id, change(format!("a{round}"))),
                other.auth.update_data(&user, id, change(format!("b{round}"))),
                node.auth.update_data(&user, id, change(format!("c{round}"))),
            );
            one.and(two).and(three).unwrap();
        }
        let data = node.store.row("alice").await.data.to_value();
        assert_eq!(data.as_object().unwrap().len(), 24);
        node.auth.set_scopes(&alice(), pair.session_id, "a:read".parse().unwrap()).await.unwrap();
        other.settle().await;
        let seen = other.bearer(pair.access.expose()).await.principal.unwrap();
        assert!(seen.scopes().contains("a:read"));
    }
}

either! {
    /// Somebody else's session, and one that does not exist, are not found; a revoked one is gone.
    sessions_are_their_owners_business, world => {
        let node = world.node().await;
        let pair = node.login("alice").await;
        let mallory = UserId::new("mallory").unwrap();
        let not_found = AuthErrorKind::NotFound;
        let reason = RevokeReason::DeviceList;
        let stolen = node.auth.revoke_session(&mallory, pair.session_id, reason).await;
        assert_eq!(stolen.unwrap_err().kind(), not_found);
        let scopes = node.auth.set_scopes(&mallory, pair.session_id, Scopes::none()).await;
        assert_eq!(scopes.unwrap_err().kind(), not_found);
        assert!(node.auth.sessions(&mallory, None).await.unwrap().sessions.is_empty());
        assert_eq!(node.bearer(pair.access.expose()).await.verdict(), "200 session");
        node.auth.revoke_session(&alice(), pair.session_id, reason).await.unwrap();
        let late = node.auth.set_scopes(&alice(), pair.session_id, Scopes::none()).await;
        assert_eq!(late.unwrap_err().kind(), AuthErrorKind::SessionRevoked);
    }
}

either! {
    /// The list shows live sessions only, newest first, a page at a time.
    the_list_is_paged, world => {
        let policy = SessionPolicy { sessions_per_user_max: 300, ..SessionPolicy::default() };
        let node = world.node_with(|builder| builder.policy(policy)).await;
        let mut ids = Vec::new();
        for _ in 0..130 {
            ids.push(node.login("alice").await.session_id);
            world.clock.advance(SECOND);
        }
        let reason = RevokeReason::DeviceList;
        node.auth.revoke_session(&alice(), ids.remove(5), reason).await.unwrap();
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let page = node.auth.sessions(&alice(), after).await.unwrap();
            assert!(page.sessions.len() <= 100);
            listed.extend(page.sessions.iter().map(|session| session.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        ids.reverse();
        assert_eq!(listed, ids);
    }
}

either! {
    /// The sweeper deletes what nobody needs, and nothing else: not the row of an exchanged session
    /// whose legacy token still lives, not the blacklist entry of a token that still lives.
    the_sweeper_deletes_the_dead_only, world => {
        let policy = SessionPolicy { absolute: DAY, ..SessionPolicy::default() };
        let node = world.node_with(|builder| builder.policy(policy)).await;
        let killed = node.legacy_token("carol");
        node.auth.blacklist_token(&killed).await.unwrap();
        node.login("alice").await;
        let legacy = node.legacy_token("bob");
        let exchanged = node.exchange(&legacy, None).await.unwrap();
        let bob = UserId::new("bob").unwrap();
        let reason = RevokeReason::Logout;
        node.auth.revoke_session(&bob, exchanged.session_id, reason).await.unwrap();
        node.pass(2 * DAY).await;
        node.auth.sweep().await.unwrap();
        assert!(node.store.rows("alice").await.is_empty());
        assert_eq!(node.store.rows("bob").await.len(), 1);
        let fresh = world.node().await;
        assert_eq!(fresh.bearer(&killed).await.verdict(), "401 token_revoked");
        assert_eq!(fresh.bearer(&legacy).await.verdict(), "401 token_revoked");
        node.pass(6 * DAY).await;
        node.auth.sweep().await.unwrap();
        assert!(node.store.rows("bob").await.is_empty());
        assert_eq!(fresh.bearer(&killed).await.verdict(), "401 token_expired");
    }
}

either! {
    /// A session unknown to this node is loaded once, however many requests bring it at once.
    loads_are_shared, world => {
        let (maker, node) = (world.node().await, world.node().await);
        let pair = maker.login("alice").await;
        node.settle().await;
        node.store.inject_only("load session", Fault::HoldAnswer);
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (node, token) = (node.clone(), pair.access.expose().to_owned());
            requests.spawn(async move { node.bearer(&token).await.status });
        }
        node.store.held(1).await;
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        node.store.heal();
        assert!(requests.join_all().await.into_iter().all(|status| status == 200));
        assert!(node.store.calls("load session") <= 2, "{}", node.store.calls("load session"));
    }
}

either! {
    /// The data and scopes of a login are there in the request, without another store call.
    data_travels_with_the_session, world => {
        let node = world.node().await;
        let data = SessionData::new(json!({ "tenant": "north" })).unwrap();
        let login = node.auth.login(alice()).data(data).scopes("a b".parse().unwrap()).await;
        let pair = login.unwrap().pair.unwrap();
        node.store.reset_calls();
        let principal = node.bearer(pair.access.expose()).await.principal.unwrap();
        assert_eq!(node.store.request_calls(), 0);
        assert!(principal.scopes().contains("b"));
        assert_eq!(node.store.row("alice").await.data.get("tenant"), Some(&json!("north")));
    }
}

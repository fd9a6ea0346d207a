//! Scenarios of devices: what is recorded, what a change of it does, and whom nobody believes.

use segue::AuthErrorKind;
use segue::DevicePolicy;
use segue::RequestContext;
use segue::TokenPair;
use segue::TrustedProxies;
use segue::UserId;

use crate::harness::Ask;
use crate::harness::MINUTE;
use crate::harness::Node;
use crate::harness::World;
use crate::harness::either;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
const FIREFOX_LATER: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:137.0) Gecko/20100101 Firefox/137.0";
const CURL: &str = "curl/8.5.0";
const HOME: &str = "192.0.2.10:40000";
const CAFE: &str = "198.51.100.77:40000";

fn from(agent: &str, peer: &str) -> Ask {
    Ask::get().header("user-agent", agent).header("accept-language", "en-GB,en").peer(peer)
}

fn context(node: &Node, ask: Ask) -> RequestContext {
    node.auth.context(&ask.parts())
}

async fn login(node: &Node, ask: Ask) -> TokenPair {
    let user = UserId::new("alice").unwrap();
    node.auth.login(user).context(context(node, ask)).await.unwrap().pair.unwrap()
}

either! {
    /// The list names the device and the address of the last use.
    devices_are_listed, world => {
        let node = world.node().await;
        let pair = login(&node, from(FIREFOX, HOME)).await;
        let list = || node.auth.sessions(segue_user(), None);
        let listed = list().await.unwrap().sessions.remove(0);
        assert_eq!(listed.device.as_deref(), Some("Firefox on Linux"));
        assert_eq!(listed.address, "192.0.2.10".parse().ok());
        node.pass(MINUTE).await;
        let answer = from(FIREFOX, CAFE).bearer(pair.access.expose()).send(&node).await;
        assert_eq!(answer.status, 200);
        node.auth.flush().await.unwrap();
        assert_eq!(list().await.unwrap().sessions[0].address, "198.51.100.77".parse().ok());
    }
}

fn segue_user() -> &'static UserId {
    static USER: std::sync::OnceLock<UserId> = std::sync::OnceLock::new();
    USER.get_or_init(|| UserId::new("alice").unwrap())
}

either! {
    /// Enforced: another browser is refused at use and at refresh, the session is kept, and its
    /// owner goes on; an update of the browser or another network is no other device.
    scenario_25_another_device_is_refused, world => {
        let node = world.node().await;
        node.flags("DEVICE_FINGERPRINTING=enforce");
        let pair = login(&node, from(FIREFOX, HOME)).await;
        let ask = |agent, peer| from(agent, peer).bearer(pair.access.expose());
        assert_eq!(ask(CURL, HOME).send(&node).await.verdict(), "401 device_mismatch");
        assert_eq!(ask(FIREFOX, HOME).send(&node).await.verdict(), "200 session");
        assert_eq!(ask(FIREFOX_LATER, CAFE).send(&node).await.verdict(), "200 session");
        let by_cookie = from(CURL, CAFE).access_cookie(pair.access.expose());
        let answer = by_cookie.refresh_cookie(pair.refresh.expose()).send(&node).await;
        let got = (answer.verdict(), answer.cleared());
        assert_eq!(got, ("401 device_mismatch".to_owned(), "kept"));

        let thief = context(&node, from(CURL, CAFE));
        let owner = context(&node, from(FIREFOX_LATER, CAFE));
        let token = pair.refresh.expose();
        let refused = node.refresh_as(token, &thief).await.unwrap_err();
        assert_eq!(refused, AuthErrorKind::DeviceMismatch);
        assert_eq!(node.store.row("alice").await.generation, 0, "nothing was spent");
        let next = node.refresh_as(token, &owner).await.unwrap();
        // Inside the grace window too.
        let refused = node.refresh_as(token, &thief).await.unwrap_err();
        assert_eq!(refused, AuthErrorKind::DeviceMismatch);
        node.refresh_as(next.refresh.expose(), &owner).await.unwrap();
    }
}

either! {
    /// Observed: reported, and nothing else happens, however often; and the device that the session
    /// belongs to is not forgotten for it.
    another_device_is_observed, world => {
        let node = world.node().await;
        node.flags("DEVICE_FINGERPRINTING=observe");
        let pair = login(&node, from(FIREFOX, HOME)).await;
        let fingerprint = node.store.row("alice").await.device.fingerprint;
        assert!(fingerprint.is_some());
        for flags in ["DEVICE_FINGERPRINTING=observe", "DEVICE_FINGERPRINTING=false"] {
            node.flags(flags);
            node.pass(MINUTE).await;
            let answer = from(CURL, CAFE).bearer(pair.access.expose()).send(&node).await;
            assert_eq!(answer.verdict(), "200 session");
            node.auth.flush().await.unwrap();
            assert_eq!(node.store.row("alice").await.device.fingerprint, fingerprint, "{flags}");
        }
        node.flags("DEVICE_FINGERPRINTING=enforce");
        let other = world.node().await;
        other.flags("DEVICE_FINGERPRINTING=enforce");
        for node in [&node, &other] {
            let ask = |agent| from(agent, HOME).bearer(pair.access.expose());
            assert_eq!(ask(CURL).send(node).await.verdict(), "401 device_mismatch");
            assert_eq!(ask(FIREFOX).send(node).await.verdict(), "200 session");
        }
    }
}

/// Forwarded headers count only from a trusted proxy, and only its own part of them.
#[tokio::test]
async fn spoofed_addresses_change_nothing() {
    let world = World::memory();
    let node = world
        .node_with(|builder| {
            let proxies = TrustedProxies::parse("10.0.0.0/8").unwrap();
            builder.devices(DevicePolicy::default().with_proxies(proxies))
        })
        .await;
    let table = [
        (HOME, "203.0.113.9", "192.0.2.10"),
        (HOME, "10.0.0.1", "192.0.2.10"),
        ("10.1.2.3:1", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3:1", "127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("10.1.2.3:1", "203.0.113.9, 10.9.9.9", "203.0.113.9"),
    ];
    for (peer, forwarded, wanted) in table {
        let ask = from(FIREFOX, peer).header("x-forwarded-for", forwarded);
        let id = login(&node, ask).await.session_id;
        let rows = node.store.rows("alice").await;
        let row = rows.iter().find(|row| row.id() == id).unwrap();
        assert_eq!(row.device.address, wanted.parse().ok(), "{peer} {forwarded}");
    }
}

/// Thief and victim take turns, one generation apart: the fifth time in a row is an event.
#[cfg(feature = "metrics")]
#[tokio::test]
async fn scenario_12_taking_turns_is_noticed() {
    let recorder = metrics_util::debugging::DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let world = World::memory();
    let node = world.node().await;
    node.flags("DEVICE_FINGERPRINTING=observe");
    let mut pair = login(&node, from(FIREFOX, HOME)).await;
    let victim = context(&node, from(FIREFOX, HOME));
    let thief = context(&node, from(CURL, CAFE));
    for generation in 1..=5_u64 {
        let spent = pair.refresh.expose().to_owned();
        pair = node.refresh_as(&spent, &victim).await.unwrap();
        node.refresh_as(&spent, &thief).await.unwrap();
        assert_eq!(u64::from(node.store.row("alice").await.foreign_streak), generation);
        node.pass(10 * MINUTE).await;
    }
    let events: Vec<_> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .filter(|(key, ..)| key.key().name() == "segue_foreign_grace_total")
        .collect();
    assert_eq!(events.len(), 1, "{events:?}");
}

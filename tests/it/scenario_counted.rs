//! What is counted: every decision by way and reason, refreshes by cause, shadow mismatches by kind.

use std::collections::BTreeMap;

use metrics_util::debugging::DebugValue;
use metrics_util::debugging::DebuggingRecorder;
use metrics_util::debugging::Snapshotter;

use crate::harness::Ask;
use crate::harness::MINUTE;
use crate::harness::SECOND;
use crate::harness::World;
use crate::harness::until;

/// One look at all counters; looking sets them back.
struct Counters(Vec<(String, String, u64)>);

impl Counters {
    fn of(snapshotter: &Snapshotter) -> Self {
        let rows = snapshotter.snapshot().into_vec().into_iter();
        let rows = rows.filter_map(|(key, _, _, value)| {
            let DebugValue::Counter(count) = value else { return None };
            let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
            Some((key.key().name().to_owned(), labels.join(" "), count))
        });
        Self(rows.collect())
    }

    /// Those of this name, by the values of their labels.
    fn named(&self, wanted: &str) -> BTreeMap<String, u64> {
        let rows = self.0.iter().filter(|(name, _, count)| name == wanted && *count > 0);
        rows.map(|(_, labels, count)| (labels.clone(), *count)).collect()
    }
}

fn table<const N: usize>(rows: [(&str, u64); N]) -> BTreeMap<String, u64> {
    rows.into_iter().map(|(labels, count)| (labels.to_owned(), count)).collect()
}

/// Each request is counted once, by way and by outcome: the share of the old system can be read off.
#[tokio::test]
async fn decisions_are_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let world = World::memory();
    let node = world.node().await;
    let (pair, legacy) = (node.login("alice").await, node.legacy_token("alice"));
    for token in [pair.access.expose(), pair.access.expose(), &legacy, "sga_x", "x.y.z"] {
        node.bearer(token).await;
    }
    Ask::get().send(&node).await;
    node.flags("REFRESH_TOKEN_SYSTEM=false");
    node.bearer(pair.access.expose()).await;
    let wanted = table([
        ("legacy_jwt accepted", 1),
        ("legacy_jwt invalid_token", 1),
        ("none missing_credential", 1),
        ("none sessions_off", 1),
        ("session accepted", 2),
        ("session invalid_token", 1),
    ]);
    assert_eq!(Counters::of(&snapshotter).named("segue_auth_total"), wanted);
}

/// Each refresh is counted by its cause or its refusal, and reuse by its kind.
#[tokio::test]
async fn refreshes_are_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let world = World::memory();
    let node = world.node().await;
    let pair = node.login("alice").await;
    node.refresh(pair.refresh.expose()).await.unwrap();
    node.refresh(pair.refresh.expose()).await.unwrap();
    node.pass(MINUTE).await;
    node.refresh(pair.refresh.expose()).await.unwrap_err();
    node.refresh("sgr_x").await.unwrap_err();
    let counters = Counters::of(&snapshotter);
    let wanted = table([
        ("concurrent_refresh", 1),
        ("invalid_token", 1),
        ("refresh_reused", 1),
        ("rotated", 1),
    ]);
    assert_eq!(counters.named("segue_refresh_total"), wanted);
    let wanted = table([("predecessor_after_window", 1)]);
    assert_eq!(counters.named("segue_refresh_reuse_total"), wanted);
}

/// Shadow mode counts how the system that is off would have answered.
#[tokio::test]
async fn scenario_62_mismatches_are_counted_by_kind() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let world = World::memory();
    let (maker, node) = (world.node().await, world.node().await);
    let (pair, other) = (maker.login("alice").await, maker.login("bob").await);
    let dead = maker.login("carol").await;
    let carol = segue::UserId::new("carol").unwrap();
    maker.auth.revoke_user(&carol).await.unwrap();
    node.pass(SECOND).await;
    let legacy = node.legacy_token("alice");
    let late = node.legacy_token("carol");
    let cases = [
        ("REFRESH_TOKEN_SYSTEM=false", &pair, &legacy, "agree"),
        ("REFRESH_TOKEN_SYSTEM=false", &other, &legacy, "user_differs"),
        ("REFRESH_TOKEN_SYSTEM=false", &dead, &late, "candidate_refuses"),
        ("LEGACY_JWT=false", &pair, &legacy, "agree"),
        ("LEGACY_JWT=false", &dead, &late, "candidate_accepts"),
        ("REFRESH_TOKEN_SYSTEM=true", &pair, &legacy, "agree"),
        ("REFRESH_TOKEN_SYSTEM=true", &other, &legacy, "user_differs"),
        ("REFRESH_TOKEN_SYSTEM=true", &dead, &late, "legacy_only"),
    ];
    for (flags, pair, legacy, kind) in cases {
        node.flags(&format!("SHADOW_COMPARE=true {flags}"));
        let ask = Ask::get().access_cookie(pair.access.expose()).bearer(legacy);
        ask.send(&node).await;
        let mut seen = BTreeMap::new();
        until("the comparison is counted", || {
            seen = Counters::of(&snapshotter).named("segue_shadow_total");
            !seen.is_empty()
        })
        .await;
        assert_eq!(seen, table([(kind, 1)]), "{flags} {kind}");
    }
}

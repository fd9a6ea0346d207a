//! The key registry: first come, first kept; and how many rows hang on a key.

use std::collections::HashMap;

use crate::keys::KeyVersion;
use crate::session::RevokeReason;
use crate::session::SessionRecord;
use crate::store::KeyRegistration;
use crate::store::KeyRegistry;
use crate::store::Rotation;
use crate::store::Store;
use crate::store::conformance::Answered;
use crate::store::conformance::Handles;
use crate::store::conformance::at_once;
use crate::store::conformance::promise;
use crate::store::conformance::samples::*;

fn registration(checks: &[(u32, u8)], exchange: u32) -> KeyRegistration {
    let checks = checks.iter().map(|(number, check)| (version(*number), [*check; 16]));
    KeyRegistration { checks: checks.collect(), exchange: version(exchange) }
}

fn known(registry: &KeyRegistry) -> HashMap<KeyVersion, [u8; 16]> {
    registry.checks.iter().copied().collect()
}

/// The first check value of a version stays, so a node with other bytes under the same number
/// sees that it must not start; the pinned exchange version stays too.
pub async fn keys_are_first_come_first_kept<S: Store>(stores: &Handles<S>) {
    let registry = stores.first.register_keys(registration(&[(1, 11)], 1)).await.answered();
    let first = HashMap::from([(version(1), [11; 16])]);
    promise!(stores, known(&registry) == first, "the first node's keys stand: {registry:?}");
    let other = registration(&[(1, 99), (2, 22), (u32::MAX, 33)], 2);
    let registry = stores.second.register_keys(other).await.answered();
    let all = [(1, 11), (2, 22), (u32::MAX, 33)].map(|(v, check)| (version(v), [check; 16]));
    promise!(stores, known(&registry) == HashMap::from(all), "keys add up: {registry:?}");
    promise!(stores, registry.checks.len() == 3, "each version stands once: {registry:?}");
    promise!(stores, registry.exchange == version(1), "the pin stays: {registry:?}");
    let again = stores.first.register_keys(registration(&[], 2)).await.answered();
    promise!(stores, known(&again) == known(&registry), "nothing is forgotten: {again:?}");
}

/// Nodes that start at the same instant with different bytes are all told of the same one.
pub async fn keys_are_registered_exactly_once<S: Store>(stores: &Handles<S>) {
    let registries = at_once((1..=32_u8).map(|number| {
        let store = stores.either(u64::from(number));
        let registration = registration(&[(1, number)], u32::from(number));
        async move { store.register_keys(registration).await.answered() }
    }))
    .await;
    let one = &registries[0];
    let agreed = registries.iter().all(|registry| registry == one);
    promise!(stores, agreed, "all nodes are told of one key: {registries:?}");
    promise!(stores, one.checks.len() == 1, "one check value is stored: {one:?}");
}

/// Every row counts for the key of its current refresh token, until it is purged.
pub async fn key_usage_counts_rows<S: Store>(stores: &Handles<S>) {
    let usage = stores.first.key_usage().await.answered();
    promise!(stores, usage.is_empty(), "an empty store uses no keys, not {usage:?}");
    let row_1 = put(stores, SessionRecord { expires_at: at(100), ..row(1) }).await;
    put(stores, row(2)).await;
    put(stores, SessionRecord { key_version: version(9), ..row(3) }).await;
    stores.first.revoke(session_key(2), RevokeReason::Logout, at(1)).await.answered();
    expect_usage(stores, &[(1, 2), (9, 1)]).await;
    let rotation = Rotation { key_version: version(9), ..rotation_of(&row_1, at(60)) };
    stores.first.rotate(rotation).await.answered();
    expect_usage(stores, &[(1, 1), (9, 2)]).await;
    stores.first.purge_sessions(at(100), 100).await.answered();
    expect_usage(stores, &[(1, 1), (9, 1)]).await;
}

async fn expect_usage<S: Store>(stores: &Handles<S>, expected: &[(u32, u64)]) {
    let usage = stores.second.key_usage().await.answered();
    let found: HashMap<u32, u64> = usage.iter().map(|(key, rows)| (key.get(), *rows)).collect();
    let right = found == expected.iter().copied().collect() && found.len() == usage.len();
    promise!(stores, right, "rows by key are {expected:?}, not {usage:?}");
}

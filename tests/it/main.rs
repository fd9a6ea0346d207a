//! The one integration binary; this list is its table of contents.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't go on fails, in helpers too"
)]
#![allow(unreachable_pub, reason = "a test binary has no outside")]

#[cfg(all(feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod attack_crowds;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod attack_mixing;
#[cfg(all(feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod attack_outliving;
mod client_address;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod decision_table;
mod device;
#[cfg(all(feature = "axum", feature = "jwt", feature = "test-util"))]
mod examples;
#[cfg(all(feature = "axum", feature = "jwt", feature = "test-util"))]
mod extract;
mod flags;
#[cfg(feature = "jwt")]
mod forge;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod harness;
#[cfg(feature = "test-util")]
mod http_input;
#[cfg(feature = "jwt")]
mod jwt_attacks;
#[cfg(feature = "jwt")]
mod jwt_attacks_claims;
#[cfg(feature = "jwt")]
mod jwt_attacks_format;
#[cfg(feature = "jwt")]
mod jwt_attacks_header;
#[cfg(feature = "jwt")]
mod jwt_attacks_signature;
mod keys;
#[cfg(feature = "test-util")]
mod layers;
#[cfg(feature = "jwt")]
mod legacy_env;
#[cfg(feature = "jwt")]
mod legacy_fixture_systems;
#[cfg(feature = "jwt")]
mod legacy_fixtures;
#[cfg(feature = "jwt")]
mod legacy_fixtures_own;
mod legacy_guard;
#[cfg(feature = "jwt")]
mod legacy_props;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite"))]
mod reference;
mod refresh_model;
mod refresh_rule;
#[cfg(all(feature = "axum", feature = "jwt", feature = "test-util"))]
mod routes;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod scenario_clocks;
#[cfg(all(
    feature = "axum",
    feature = "jwt",
    feature = "metrics",
    feature = "sqlite",
    feature = "test-util"
))]
mod scenario_counted;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod scenario_devices;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod scenario_dual;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod scenario_exchange;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod scenario_revocation;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod scenario_rollout;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod scenario_rotation;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod scenario_sessions;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod scenario_store_faults;
#[cfg(all(feature = "axum", feature = "jwt", feature = "sqlite", feature = "test-util"))]
mod scenario_users;
#[cfg(all(
    feature = "axum",
    feature = "jwt",
    feature = "metrics",
    feature = "sqlite",
    feature = "test-util"
))]
mod secrets;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "conformance")]
mod stores;
mod tidy;
#[cfg(feature = "_fuzz")]
mod tokens;
#[cfg(feature = "axum")]
mod ui;
#[cfg(feature = "jwt")]
mod wycheproof;

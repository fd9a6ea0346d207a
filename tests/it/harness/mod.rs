//! What the behavioural tests stand on: nodes over one store, a clock moved by hand, credentials,
//! and requests sent through the layers.

use std::time::Duration;

use segue::Timestamp;

mod legacy;
mod node;
mod requests;
mod store;
mod world;

pub use legacy::Claims;
pub use legacy::LEGACY_COOKIE;
pub use legacy::LEGACY_LIFE;
pub use legacy::LEGACY_SECRET;
pub use legacy::legacy_builder;
pub use legacy::legacy_verifier;
pub use node::Node;
pub use node::dual;
pub use node::node_of;
pub use requests::ACCESS_COOKIE;
pub use requests::Answer;
pub use requests::Ask;
pub use requests::REFRESH_COOKIE;
pub use store::Faulty;
pub use world::World;
pub(crate) use world::either;

/// The instant at which every test begins.
pub const START: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3_600);
pub const DAY: Duration = Duration::from_secs(86_400);

/// How long a test waits for what another task has to do, in real time.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lets other tasks run until the condition holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::task::yield_now().await;
    }
}

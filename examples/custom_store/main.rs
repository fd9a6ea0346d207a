//! A store of your own: the whole contract on a few plain tables, and the suite that proves it.
//!
//! ```sh
//! cargo run --features conformance --example custom_store     # a tour of the contract
//! cargo test --features conformance --example custom_store    # every promise, one test each
//! ```
//!
//! The tables are vectors behind one lock, searched from end to end: slow, but short enough to see
//! what has to happen *in one step*. In a database each critical section is one transaction, one
//! statement or one script. Read `segue::store` first; without any of these lines the suite says
//! which promise is broken.

mod store;
mod tables;

use std::error::Error;
use std::time::Duration;

use segue::Device;
use segue::KeyVersion;
use segue::RevokeReason;
use segue::Scopes;
use segue::SessionData;
use segue::SessionKey;
use segue::SessionRecord;
use segue::SessionStore;
use segue::Timestamp;
use segue::UserId;
use segue::store::ChangeFeed;
use segue::store::NewSession;
use segue::store::Rotated;
use segue::store::Rotation;

use crate::store::TableStore;

/// What the app would do through `Auth`, said to the store directly.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = TableStore::default();
    let now = store.now().await?;
    let record = login(&UserId::new("alice")?, now);
    let key = record.key;
    let idle = Duration::from_secs(14 * 24 * 3600);
    let new =
        NewSession { record, sessions_max: 100, idle, supersedes: None, exchanges_max: u32::MAX };
    store.insert(new).await?;
    println!("alice logged in: session {}", key.public_id());

    let rotation = Rotation {
        key,
        expected: 0,
        next: 1,
        key_version: KeyVersion::FIRST,
        now,
        active_after: now.saturating_sub(idle),
        legacy_until: None,
    };
    for tab in ["first", "second"] {
        match store.rotate(rotation.clone()).await? {
            Rotated::Done(row) => println!("the {tab} tab rotated to {}", row.generation),
            Rotated::Refused(_) => println!("the {tab} tab lost the race, and gets a repeat"),
        }
    }

    let start = store.tail().await?;
    store.revoke(key, RevokeReason::Logout, now).await?;
    println!(
        "alice logged out; other nodes hear of {:?}",
        store.changes(&start, 10).await?.changes
    );
    Ok(())
}

fn login(user: &UserId, now: Timestamp) -> SessionRecord {
    SessionRecord {
        // The real one is a hash of a secret that only the client has.
        key: SessionKey::from_bytes([7; 32]),
        user: user.clone(),
        generation: 0,
        key_version: KeyVersion::FIRST,
        authenticated_at: now,
        created_at: now,
        expires_at: now.saturating_add(Duration::from_secs(90 * 24 * 3600)),
        rotated_at: None,
        grace_uses: 0,
        foreign_streak: 0,
        last_seen_at: now,
        revoked: None,
        scopes: Scopes::none(),
        data: SessionData::default(),
        device: Device::default(),
        exchanged_from: None,
        legacy_until: None,
        revision: 0,
    }
}

#[cfg(test)]
mod tests {
    use segue::store::conformance::Handles;

    use super::TableStore;

    async fn fresh() -> Handles<TableStore> {
        let store = TableStore::default();
        Handles::new(store.clone(), store)
    }

    segue::conformance_suite!(tables, fresh);

    /// The tour comes to its end.
    #[test]
    fn the_tour_runs() {
        super::main().unwrap();
    }
}

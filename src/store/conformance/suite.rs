//! The macro that makes a test of every promise.

/// Declares a module with one `#[tokio::test]` for every promise of the store contract.
///
/// The second argument is called for every test and makes a fresh, empty store: an async function
/// or closure without arguments that returns [`Handles`](crate::store::conformance::Handles). See
/// [`conformance`](crate::store::conformance) for an example.
#[macro_export]
macro_rules! conformance_suite {
    ($module:ident, $fresh:expr) => {
        mod $module {
            #[allow(unused_imports, reason = "the factory may be named by an outer path")]
            use super::*;

            $crate::conformance_suite! { @tests ($fresh)
            insertion::insert_keeps_every_field;
            insertion::insert_keeps_extreme_values;
            insertion::odd_user_ids_are_apart;
            insertion::odd_data_survives;
            insertion::insert_is_if_absent;
            insertion::insert_is_won_exactly_once;
            insertion::cap_revokes_the_oldest;
            insertion::cap_counts_live_sessions_only;
            insertion::cap_never_takes_the_new_session;
            insertion::cap_is_per_user;
            insertion::cap_holds_under_concurrent_logins;
            insertion::superseded_session_is_revoked;
            insertion::superseding_nobody_changes_nothing;
            insertion::exchanges_of_one_token_are_bounded;
            insertion::exchanges_are_bounded_under_concurrency;
            insertion::sessions_ended_by_a_login_are_published;
            rotation::rotate_swaps_the_generation;
            rotation::rotate_is_won_exactly_once;
            rotation::rotate_demands_the_expected_generation;
            rotation::rotate_can_catch_up;
            rotation::rotate_refuses_revoked_rows;
            rotation::rotate_refuses_expired_rows;
            rotation::rotate_refuses_idle_rows;
            rotation::rotate_of_nothing_is_refused;
            rotation::rotate_never_moves_legacy_until_earlier;
            rotation::rotate_ends_the_foreign_streak;
            rotation::rotations_in_one_instant_are_apart;
            rotation::generations_do_not_wrap;
            rotation::revoke_after_rotate_kills_the_new_generation;
            rotation::racing_rotation_and_revocation_end_revoked;
            rotation::count_grace_is_a_compare_and_swap;
            rotation::count_grace_is_won_exactly_once;
            rotation::count_grace_is_lost_to_rotation_and_revocation;
            revocation::revoke_stores_instant_and_reason;
            revocation::revoke_is_idempotent;
            revocation::revoke_is_won_exactly_once;
            revocation::revoke_ends_one_session_only;
            revocation::revoke_blacklists_legacy_tokens;
            revocation::revoked_rows_stay_revoked;
            revocation::revocation_is_never_seen_by_halves;
            contents::update_changes_what_the_patch_names;
            contents::update_is_conditional_on_the_revision;
            contents::update_is_won_exactly_once;
            contents::update_of_the_dead_is_gone;
            contents::racing_update_and_revocation_end_revoked;
            contents::authenticated_at_never_moves_earlier;
            contents::rotation_does_not_disturb_updates;
            contents::touch_moves_forward_only;
            contents::touch_keeps_the_fingerprint;
            contents::touch_takes_the_latest_of_a_batch;
            contents::touch_never_resurrects;
            contents::touch_takes_large_batches;
            listing::load_returns_dead_rows;
            listing::list_is_newest_first;
            listing::list_pages_neither_lose_nor_repeat;
            listing::list_pages_are_stable_under_logins;
            listing::find_answers_the_owner_only;
            listing::purge_waits_for_the_end;
            listing::purge_keeps_exchanged_rows_until_the_links_end;
            listing::purge_of_sessions_is_bounded;
            keys::keys_are_first_come_first_kept;
            keys::keys_are_registered_exactly_once;
            keys::key_usage_counts_rows;
            blacklist::blacklist_knows_what_was_added;
            blacklist::later_until_counts;
            blacklist::not_before_takes_the_maximum;
            blacklist::not_before_keeps_the_later_until;
            blacklist::not_before_is_a_maximum_under_concurrency;
            blacklist::query_takes_the_maximum_of_user_and_all;
            blacklist::blacklist_pages_neither_lose_nor_repeat;
            blacklist::blacklist_pages_are_stable_under_writes;
            blacklist::purge_never_takes_entries_early;
            blacklist::purge_of_the_blacklist_is_bounded;
            feed::connect_may_be_repeated;
            feed::handles_tell_one_time;
            feed::feed_ends_at_its_tail;
            feed::changes_come_in_order;
            feed::changes_of_contents_are_published;
            feed::rotation_and_use_are_not_published;
            feed::no_change_is_skipped_under_concurrency;
            feed::wait_wakes_on_a_change;
            feed::wait_returns_by_patience;
            feed::purge_keeps_recent_changes;
            feed::long_absence_is_no_silent_gap;
            feed::unknown_places_are_gaps;
            feed::changes_are_seen_by_every_handle;
            }
        }
    };
    (@tests ($fresh:expr)) => {};
    (@tests ($fresh:expr) $topic:ident :: $promise:ident; $($rest:tt)*) => {
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            $crate::store::conformance::$topic::$promise(&($fresh)().await).await;
        }
        $crate::conformance_suite! { @tests ($fresh) $($rest)* }
    };
}

#[cfg(test)]
mod tests {
    /// No promise is left out of the list.
    #[test]
    fn the_list_is_complete() {
        let list = include_str!("suite.rs");
        let topics = [
            ("insertion", include_str!("insertion.rs")),
            ("rotation", include_str!("rotation.rs")),
            ("revocation", include_str!("revocation.rs")),
            ("contents", include_str!("contents.rs")),
            ("listing", include_str!("listing.rs")),
            ("keys", include_str!("keys.rs")),
            ("blacklist", include_str!("blacklist.rs")),
            ("feed", include_str!("feed.rs")),
        ];
        for (topic, source) in topics {
            for line in source.lines() {
                let Some(rest) = line.strip_prefix("pub async fn ") else { continue };
                let promise = rest.split('<').next().unwrap();
                assert!(list.contains(&format!(" {topic}::{promise};")), "{topic}::{promise}");
            }
        }
    }
}

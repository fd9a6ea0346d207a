//! Every statement this store runs, in one place.

/// The columns of a session in the order in which `rows` reads them.
macro_rules! session_columns {
    () => {
        "key, user_id, generation, key_version, authenticated_at, created_at, expires_at, \
         rotated_at, grace_uses, foreign_streak, last_seen_at, revoked_at, revoked_reason, \
         scopes, data, device_name, device_address, device_fingerprint, exchanged_from, \
         exchanged_until, legacy_until, revision"
    };
}

pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";
pub(super) const JOURNAL_MODE: &str = "PRAGMA journal_mode";
pub(super) const JOURNAL_MODE_WAL: &str = "PRAGMA journal_mode = WAL";
pub(super) const DATA_VERSION: &str = "PRAGMA data_version";

pub(super) const MIGRATIONS_EXIST: &str =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'segue_migrations'";
pub(super) const MIGRATIONS_CREATE: &str = "CREATE TABLE IF NOT EXISTS segue_migrations (
    version INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BLOB NOT NULL,
    additive INTEGER NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT";
pub(super) const MIGRATIONS_DROP: &str = "DROP TABLE segue_migrations";
pub(super) const MIGRATIONS_LIST: &str =
    "SELECT version, name, checksum, additive, applied_at FROM segue_migrations ORDER BY version";
pub(super) const MIGRATION_ADD: &str = "INSERT INTO segue_migrations \
    (version, name, checksum, additive, applied_at) VALUES (?1, ?2, ?3, ?4, ?5)";
pub(super) const MIGRATION_REMOVE: &str = "DELETE FROM segue_migrations WHERE version = ?1";

pub(super) const SESSION_LOAD: &str =
    concat!("SELECT ", session_columns!(), " FROM segue_sessions WHERE key = ?1");
/// Answers a row unless the key exists, or the legacy token has all the sessions it may have.
pub(super) const SESSION_INSERT: &str = concat!(
    "INSERT INTO segue_sessions (",
    session_columns!(),
    ", purge_after) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
     ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23 WHERE ?19 IS NULL OR ?24 > (\
     SELECT count(*) FROM segue_sessions WHERE exchanged_from = ?19 AND user_id = ?2) \
     ON CONFLICT (key) DO NOTHING RETURNING 1",
);
/// The compare-and-swap: the row as it is afterwards, or no row.
pub(super) const SESSION_ROTATE: &str = concat!(
    "UPDATE segue_sessions SET generation = ?3, key_version = ?4, rotated_at = ?5, \
     foreign_streak = CASE grace_uses WHEN 0 THEN 0 ELSE foreign_streak END, \
     grace_uses = 0, legacy_until = coalesce(max(legacy_until, ?7), legacy_until, ?7) \
     WHERE key = ?1 AND generation = ?2 AND ?3 > ?2 AND revoked_at IS NULL AND expires_at > ?5 \
     AND max(created_at, last_seen_at, coalesce(rotated_at, 0)) > ?6 RETURNING ",
    session_columns!(),
);
pub(super) const SESSION_COUNT_GRACE: &str = "UPDATE segue_sessions \
    SET grace_uses = grace_uses + 1, foreign_streak = ?4 \
    WHERE key = ?1 AND generation = ?2 AND grace_uses = ?3 AND revoked_at IS NULL RETURNING 1";
pub(super) const SESSION_REVOKE: &str = concat!(
    "UPDATE segue_sessions SET revoked_at = ?2, revoked_reason = ?3, revision = revision + 1 \
     WHERE key = ?1 AND revoked_at IS NULL RETURNING ",
    session_columns!(),
);
/// Flags tell "set to nothing" from "leave as it is".
pub(super) const SESSION_UPDATE: &str = concat!(
    "UPDATE segue_sessions SET scopes = coalesce(?3, scopes), \
     data = CASE WHEN ?4 THEN ?5 ELSE data END, \
     authenticated_at = max(authenticated_at, coalesce(?6, authenticated_at)), \
     device_name = CASE WHEN ?7 THEN ?8 ELSE device_name END, \
     device_address = CASE WHEN ?7 THEN ?9 ELSE device_address END, \
     device_fingerprint = CASE WHEN ?7 THEN ?10 ELSE device_fingerprint END, \
     revision = revision + 1 \
     WHERE key = ?1 AND revision = ?2 AND revoked_at IS NULL RETURNING ",
    session_columns!(),
);
pub(super) const SESSION_TOUCH: &str = "UPDATE segue_sessions SET last_seen_at = ?2, \
    device_name = CASE WHEN ?3 THEN ?4 ELSE device_name END, \
    device_address = CASE WHEN ?3 THEN ?5 ELSE device_address END, \
    device_fingerprint = coalesce(device_fingerprint, ?6) \
    WHERE key = ?1 AND revoked_at IS NULL AND last_seen_at < ?2";
/// The user's live sessions but one, oldest first, without the `?5` newest.
pub(super) const SESSIONS_BEYOND_CAP: &str = "SELECT key FROM (\
    SELECT key, created_at FROM segue_sessions \
    WHERE user_id = ?1 AND revoked_at IS NULL AND key <> ?2 AND expires_at > ?3 \
    AND max(created_at, last_seen_at, coalesce(rotated_at, 0)) > ?4 \
    ORDER BY created_at DESC, key DESC LIMIT -1 OFFSET ?5) ORDER BY created_at, key";
pub(super) const SESSIONS_LIST: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM segue_sessions WHERE user_id = ?1 ORDER BY created_at DESC, key DESC LIMIT ?2",
);
/// A public id is the first half of its key and sorts before it.
pub(super) const SESSIONS_LIST_AFTER: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM segue_sessions WHERE user_id = ?1 AND (created_at, key) < (?3, ?4) \
     ORDER BY created_at DESC, key DESC LIMIT ?2",
);
pub(super) const SESSION_FIND: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM segue_sessions WHERE key BETWEEN ?2 AND ?3 AND user_id = ?1 LIMIT 1",
);
pub(super) const SESSIONS_PURGE: &str = "DELETE FROM segue_sessions WHERE rowid IN (\
    SELECT rowid FROM segue_sessions WHERE purge_after <= ?1 ORDER BY purge_after LIMIT ?2)";

pub(super) const KEY_USAGE: &str =
    "SELECT key_version, count(*) FROM segue_sessions GROUP BY key_version ORDER BY key_version";
pub(super) const KEY_ADD: &str =
    "INSERT INTO segue_keys (version, check_value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
pub(super) const KEYS_LIST: &str = "SELECT version, check_value FROM segue_keys ORDER BY version";
pub(super) const META_READ: &str = "SELECT value FROM segue_meta WHERE name = ?1";
pub(super) const META_PIN: &str =
    "INSERT INTO segue_meta (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
pub(super) const META_INCARNATION: &str = "incarnation";
pub(super) const META_EXCHANGE_KEY: &str = "exchange_key_version";

/// Answers a row if the entry is new or lasts longer than before.
pub(super) const BLACKLIST_ADD: &str = "INSERT INTO segue_blacklist (key, until) VALUES (?1, ?2) \
    ON CONFLICT (key) DO UPDATE SET until = excluded.until \
    WHERE excluded.until > segue_blacklist.until RETURNING 1";
/// Answers a row if that raised anything.
pub(super) const NOT_BEFORE_RAISE: &str = "INSERT INTO segue_not_before (user_id, at, until) \
    VALUES (?1, ?2, ?3) ON CONFLICT (user_id) DO UPDATE SET \
    at = max(segue_not_before.at, excluded.at), until = max(segue_not_before.until, excluded.until) \
    WHERE excluded.at > segue_not_before.at OR excluded.until > segue_not_before.until \
    RETURNING at, until";
pub(super) const NOT_BEFORE_READ: &str = "SELECT at FROM segue_not_before WHERE user_id = ?1";
/// How many names [`BLACKLIST_QUERY`] looks up at once; unused places are NULL.
pub(super) const BLACKLIST_QUERY_KEYS: usize = 4;
pub(super) const BLACKLIST_QUERY: &str = "SELECT \
    EXISTS (SELECT 1 FROM segue_blacklist WHERE key IN (?1, ?2, ?3, ?4)), \
    (SELECT max(at) FROM segue_not_before WHERE user_id IN ('', ?5))";
pub(super) const BLACKLIST_PAGE: &str =
    "SELECT id, key, until FROM segue_blacklist WHERE id > ?1 ORDER BY id LIMIT ?2";
pub(super) const NOT_BEFORE_PAGE: &str =
    "SELECT id, user_id, at, until FROM segue_not_before WHERE id > ?1 ORDER BY id LIMIT ?2";
pub(super) const BLACKLIST_PURGE: &str = "DELETE FROM segue_blacklist WHERE id IN (\
    SELECT id FROM segue_blacklist WHERE until < ?1 ORDER BY until LIMIT ?2)";
pub(super) const NOT_BEFORE_PURGE: &str = "DELETE FROM segue_not_before WHERE id IN (\
    SELECT id FROM segue_not_before WHERE until < ?1 ORDER BY until LIMIT ?2)";

pub(super) const CHANGE_PUBLISH: &str =
    "INSERT INTO segue_changes (kind, key, user_id, at, until) VALUES (?1, ?2, ?3, ?4, ?5)";
/// The bounds of the feed and its entries in one statement, so in one snapshot. At least one row.
pub(super) const CHANGES_PAGE: &str = "SELECT meta.value, \
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'segue_changes'), 0), \
    (SELECT min(sequence) FROM segue_changes), \
    change.sequence, change.kind, change.key, change.user_id, change.at, change.until \
    FROM segue_meta AS meta LEFT JOIN (\
    SELECT * FROM segue_changes WHERE sequence > ?2 ORDER BY sequence LIMIT ?3) AS change ON true \
    WHERE meta.name = ?1 ORDER BY change.sequence";
pub(super) const MARKS_AHEAD_REMOVE: &str = "DELETE FROM segue_change_marks WHERE at > ?1";
pub(super) const CHANGES_TRIM: &str = "DELETE FROM segue_changes WHERE sequence <= \
    (SELECT max(sequence) FROM segue_change_marks WHERE at <= ?1) \
    AND sequence < (SELECT min(sequence) FROM segue_changes) + ?2";
pub(super) const MARKS_SPENT_REMOVE: &str = "DELETE FROM segue_change_marks WHERE at <= ?1 \
    AND sequence < coalesce((SELECT min(sequence) FROM segue_changes), 9223372036854775807)";
pub(super) const MARK_ADD: &str = "INSERT INTO segue_change_marks (at, sequence) \
    SELECT ?1, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'segue_changes'), 0) \
    WHERE NOT EXISTS (SELECT 1 FROM segue_change_marks WHERE at > ?2)";

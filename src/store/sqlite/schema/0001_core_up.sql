-- Instants are microseconds since the Unix epoch, keys are digests, counters are signed.

CREATE TABLE segue_meta (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Tells this database from the one that stood here before.
INSERT INTO segue_meta (name, value) VALUES ('incarnation', randomblob(8));

CREATE TABLE segue_keys (
    version INTEGER NOT NULL PRIMARY KEY,
    check_value BLOB NOT NULL
) STRICT;

CREATE TABLE segue_sessions (
    key BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    key_version INTEGER NOT NULL,
    authenticated_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    rotated_at INTEGER,
    grace_uses INTEGER NOT NULL,
    foreign_streak INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revoked_reason TEXT,
    scopes TEXT NOT NULL,
    data TEXT,
    device_name TEXT,
    device_address TEXT,
    device_fingerprint BLOB,
    exchanged_from BLOB,
    exchanged_until INTEGER,
    legacy_until INTEGER,
    revision INTEGER NOT NULL,
    purge_after INTEGER NOT NULL
) STRICT;

-- The user's list, newest first. A rotation touches no index.
CREATE INDEX segue_sessions_by_user ON segue_sessions (user_id, created_at, key);
-- The cap looks at sessions that were not revoked.
CREATE INDEX segue_sessions_unrevoked ON segue_sessions (user_id, created_at, key)
    WHERE revoked_at IS NULL;
CREATE INDEX segue_sessions_by_end ON segue_sessions (purge_after);
-- One legacy token may become few sessions.
CREATE INDEX segue_sessions_exchanged ON segue_sessions (exchanged_from)
    WHERE exchanged_from IS NOT NULL;

CREATE TABLE segue_blacklist (
    id INTEGER NOT NULL PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    until INTEGER NOT NULL
) STRICT;

CREATE INDEX segue_blacklist_by_end ON segue_blacklist (until);

-- The empty user id stands for everybody.
CREATE TABLE segue_not_before (
    id INTEGER NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;

CREATE INDEX segue_not_before_by_end ON segue_not_before (until);

-- There is one writer at a time and a rolled back number is given again, so the numbers are dense
-- and in commit order.
CREATE TABLE segue_changes (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key BLOB,
    user_id TEXT,
    at INTEGER,
    until INTEGER
) STRICT;

-- Where the feed ended at past purges: what lies before a mark is as old as the mark.
CREATE TABLE segue_change_marks (
    at INTEGER NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT;

//! Entries of the feed as plain values, and back.

use crate::blacklist::BlacklistEntry;
use crate::blacklist::BlacklistKey;
use crate::blacklist::NotBefore;
use crate::id::SessionKey;
use crate::store::Change;
use crate::store::sql::ColumnFault;
use crate::store::sql::columns::bytes;
use crate::store::sql::not_before_user;
use crate::store::sql::scope_of;
use crate::time::Timestamp;

/// One row of `segue_changes` without its number.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ChangeColumns {
    pub(crate) kind: String,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) user_id: Option<String>,
    pub(crate) at: Option<i64>,
    pub(crate) until: Option<i64>,
}

const SESSION: &str = "session";
const BLACKLISTED: &str = "blacklisted";
const NOT_BEFORE: &str = "not_before";

impl ChangeColumns {
    /// The columns of an entry to be written.
    pub(crate) fn of(change: &Change) -> Self {
        match change {
            Change::Session(key) => Self {
                kind: SESSION.to_owned(),
                key: Some(key.as_bytes().to_vec()),
                ..Self::default()
            },
            Change::Blacklisted(entry) => Self {
                kind: BLACKLISTED.to_owned(),
                key: Some(entry.key.as_bytes().to_vec()),
                until: Some(entry.until.as_unix_micros()),
                ..Self::default()
            },
            Change::NotBefore(not_before) => Self {
                kind: NOT_BEFORE.to_owned(),
                user_id: Some(not_before_user(&not_before.scope).to_owned()),
                at: Some(not_before.at.as_unix_micros()),
                until: Some(not_before.until.as_unix_micros()),
                ..Self::default()
            },
        }
    }

    /// The entry that was read, or `None` for one of a kind that only newer versions know.
    pub(crate) fn into_change(self) -> Result<Option<Change>, ColumnFault> {
        let key = || bytes("key", self.key.as_deref().unwrap_or_default());
        let at = || self.at.map(Timestamp::from_unix_micros).ok_or(ColumnFault("at"));
        let until = || self.until.map(Timestamp::from_unix_micros).ok_or(ColumnFault("until"));
        Ok(Some(match self.kind.as_str() {
            SESSION => Change::Session(SessionKey::from_bytes(key()?)),
            BLACKLISTED => Change::Blacklisted(BlacklistEntry {
                key: BlacklistKey::from_bytes(key()?),
                until: until()?,
            }),
            NOT_BEFORE => {
                let scope = scope_of(self.user_id.as_deref().ok_or(ColumnFault("user_id"))?)?;
                Change::NotBefore(NotBefore { scope, at: at()?, until: until()? })
            }
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blacklist::NotBeforeScope;
    use crate::id::UserId;

    /// Feed entries survive too; one of an unknown kind is told apart from a broken one.
    #[test]
    fn changes_come_back_as_they_went() {
        let at = Timestamp::from_unix_micros;
        let entry = BlacklistEntry { key: BlacklistKey::from_bytes([2; 32]), until: at(3) };
        let user = NotBeforeScope::User(UserId::from(4_u32));
        for change in [
            Change::Session(SessionKey::from_bytes([1; 32])),
            Change::Blacklisted(entry),
            Change::NotBefore(NotBefore { scope: NotBeforeScope::All, at: at(5), until: at(6) }),
            Change::NotBefore(NotBefore { scope: user, at: at(5), until: at(6) }),
        ] {
            assert_eq!(ChangeColumns::of(&change).into_change(), Ok(Some(change)));
        }
        let newer = ChangeColumns { kind: "newer".to_owned(), ..ChangeColumns::default() };
        assert_eq!(newer.into_change(), Ok(None));
        let broken = ChangeColumns { kind: SESSION.to_owned(), ..ChangeColumns::default() };
        assert_eq!(broken.into_change(), Err(ColumnFault("key")));
    }
}

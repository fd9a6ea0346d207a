//! Rows as plain values: what goes into a column, and back with every value checked.

use std::fmt;
use std::net::IpAddr;

use crate::blacklist::BlacklistKey;
use crate::blacklist::NotBeforeScope;
use crate::device::Device;
use crate::device::Fingerprint;
use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::id::SessionKey;
use crate::id::UserId;
use crate::keys::KeyVersion;
use crate::session::LegacyLink;
use crate::session::RevokeReason;
use crate::session::Revoked;
use crate::session::Scopes;
use crate::session::SessionData;
use crate::session::SessionRecord;
use crate::time::Timestamp;

/// How the scope "everybody" is written where a user id stands: no user id is empty.
pub(crate) const NOT_BEFORE_ALL: &str = "";

/// A value does not fit its column, or is none that segue writes there. Names the column, never
/// the value: it may be a user's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ColumnFault(pub(crate) &'static str);

impl fmt::Display for ColumnFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value of column `{}` is out of range or not of segue's making", self.0)
    }
}

impl std::error::Error for ColumnFault {}

impl ColumnFault {
    /// The fault of a value that was to be written.
    pub(crate) fn refused(self, operation: &'static str) -> StoreError {
        StoreError::new(StoreErrorKind::Other, operation).with_source(self)
    }

    /// The fault of a value that was read.
    pub(crate) fn unreadable(self, operation: &'static str) -> StoreError {
        StoreError::new(StoreErrorKind::Corrupt, operation).with_source(self)
    }
}

/// One row of `segue_sessions`, column by column.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct SessionColumns {
    pub(crate) key: Vec<u8>,
    pub(crate) user_id: String,
    pub(crate) generation: i64,
    pub(crate) key_version: i64,
    pub(crate) authenticated_at: i64,
    pub(crate) created_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) rotated_at: Option<i64>,
    pub(crate) grace_uses: i64,
    pub(crate) foreign_streak: i64,
    pub(crate) last_seen_at: i64,
    pub(crate) revoked_at: Option<i64>,
    pub(crate) revoked_reason: Option<String>,
    pub(crate) scopes: String,
    pub(crate) data: Option<String>,
    pub(crate) device_name: Option<String>,
    pub(crate) device_address: Option<String>,
    pub(crate) device_fingerprint: Option<Vec<u8>>,
    pub(crate) exchanged_from: Option<Vec<u8>>,
    pub(crate) exchanged_until: Option<i64>,
    pub(crate) legacy_until: Option<i64>,
    pub(crate) revision: i64,
}

impl SessionColumns {
    /// The columns of a row to be written.
    pub(crate) fn of(record: &SessionRecord) -> Result<Self, ColumnFault> {
        let device = &record.device;
        Ok(Self {
            key: record.key.as_bytes().to_vec(),
            user_id: record.user.as_str().to_owned(),
            generation: signed("generation", record.generation)?,
            key_version: record.key_version.get().into(),
            authenticated_at: record.authenticated_at.as_unix_micros(),
            created_at: record.created_at.as_unix_micros(),
            expires_at: record.expires_at.as_unix_micros(),
            rotated_at: record.rotated_at.map(Timestamp::as_unix_micros),
            grace_uses: record.grace_uses.into(),
            foreign_streak: record.foreign_streak.into(),
            last_seen_at: record.last_seen_at.as_unix_micros(),
            revoked_at: record.revoked.map(|revoked| revoked.at.as_unix_micros()),
            revoked_reason: record.revoked.map(|revoked| revoked.reason.label().to_owned()),
            scopes: record.scopes.to_string(),
            data: record.data.to_json(),
            device_name: device.name.as_deref().map(str::to_owned),
            device_address: device.address.map(|address| address.to_string()),
            device_fingerprint: device.fingerprint.map(|print| print.as_bytes().to_vec()),
            exchanged_from: record.exchanged_from.map(|link| link.key.as_bytes().to_vec()),
            exchanged_until: record.exchanged_from.map(|link| link.until.as_unix_micros()),
            legacy_until: record.legacy_until.map(Timestamp::as_unix_micros),
            revision: signed("revision", record.revision)?,
        })
    }

    /// The row that was read.
    pub(crate) fn into_record(self) -> Result<SessionRecord, ColumnFault> {
        let instant = Timestamp::from_unix_micros;
        Ok(SessionRecord {
            key: SessionKey::from_bytes(bytes("key", &self.key)?),
            user: UserId::new(&self.user_id).map_err(|_| ColumnFault("user_id"))?,
            generation: unsigned("generation", self.generation)?,
            key_version: key_version(self.key_version)?,
            authenticated_at: instant(self.authenticated_at),
            created_at: instant(self.created_at),
            expires_at: instant(self.expires_at),
            rotated_at: self.rotated_at.map(instant),
            grace_uses: small("grace_uses", self.grace_uses)?,
            foreign_streak: small("foreign_streak", self.foreign_streak)?,
            last_seen_at: instant(self.last_seen_at),
            revoked: revoked(self.revoked_at, self.revoked_reason.as_deref())?,
            scopes: self.scopes.parse::<Scopes>().map_err(|_| ColumnFault("scopes"))?,
            data: SessionData::from_json(self.data.as_deref()).map_err(|_| ColumnFault("data"))?,
            device: device(
                self.device_name,
                self.device_address.as_deref(),
                self.device_fingerprint.as_deref(),
            )?,
            exchanged_from: link(self.exchanged_from.as_deref(), self.exchanged_until)?,
            legacy_until: self.legacy_until.map(instant),
            revision: unsigned("revision", self.revision)?,
        })
    }
}

/// How a scope is written where a user id stands.
pub(crate) fn not_before_user(scope: &NotBeforeScope) -> &str {
    match scope {
        NotBeforeScope::All => NOT_BEFORE_ALL,
        NotBeforeScope::User(user) => user.as_str(),
    }
}

/// The scope that was written so.
pub(crate) fn scope_of(user: &str) -> Result<NotBeforeScope, ColumnFault> {
    if user == NOT_BEFORE_ALL {
        return Ok(NotBeforeScope::All);
    }
    UserId::new(user).map(NotBeforeScope::User).map_err(|_| ColumnFault("user_id"))
}

/// SQL integers are signed: what lies above them is refused, not wrapped.
pub(crate) fn signed(column: &'static str, value: u64) -> Result<i64, ColumnFault> {
    i64::try_from(value).map_err(|_| ColumnFault(column))
}

/// A negative value where segue only writes positive ones is not segue's.
pub(crate) fn unsigned(column: &'static str, value: i64) -> Result<u64, ColumnFault> {
    u64::try_from(value).map_err(|_| ColumnFault(column))
}

pub(crate) fn key_version(value: i64) -> Result<KeyVersion, ColumnFault> {
    let fault = ColumnFault("key_version");
    KeyVersion::new(u32::try_from(value).map_err(|_| fault)?).ok_or(fault)
}

fn small(column: &'static str, value: i64) -> Result<u32, ColumnFault> {
    u32::try_from(value).map_err(|_| ColumnFault(column))
}

pub(super) fn bytes<const N: usize>(
    column: &'static str,
    value: &[u8],
) -> Result<[u8; N], ColumnFault> {
    value.try_into().map_err(|_| ColumnFault(column))
}

fn revoked(at: Option<i64>, reason: Option<&str>) -> Result<Option<Revoked>, ColumnFault> {
    let Some(at) = at.map(Timestamp::from_unix_micros) else { return Ok(None) };
    let reason = RevokeReason::from_label(reason.unwrap_or_default());
    // A reason from a newer version must not bring the session back.
    let reason = reason.unwrap_or(RevokeReason::Administration);
    Ok(Some(Revoked { at, reason }))
}

fn device(
    name: Option<String>,
    address: Option<&str>,
    fingerprint: Option<&[u8]>,
) -> Result<Device, ColumnFault> {
    let address = address.map(str::parse::<IpAddr>).transpose();
    let fingerprint = fingerprint.map(|print| bytes("device_fingerprint", print)).transpose()?;
    Ok(Device {
        name: name.map(String::into_boxed_str),
        address: address.map_err(|_| ColumnFault("device_address"))?,
        fingerprint: fingerprint.map(Fingerprint::from_bytes),
    })
}

fn link(key: Option<&[u8]>, until: Option<i64>) -> Result<Option<LegacyLink>, ColumnFault> {
    let Some(key) = key else { return Ok(None) };
    Ok(Some(LegacyLink {
        key: BlacklistKey::from_bytes(bytes("exchanged_from", key)?),
        until: Timestamp::from_unix_micros(until.ok_or(ColumnFault("exchanged_until"))?),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full_record() -> SessionRecord {
        let at = Timestamp::from_unix_micros;
        SessionRecord {
            key: SessionKey::from_bytes([1; 32]),
            user: UserId::new("ünïcode").unwrap(),
            generation: i64::MAX.unsigned_abs(),
            key_version: KeyVersion::new(u32::MAX).unwrap(),
            authenticated_at: at(-1),
            created_at: at(2),
            expires_at: Timestamp::MAX,
            rotated_at: Some(at(3)),
            grace_uses: u32::MAX,
            foreign_streak: 4,
            last_seen_at: at(5),
            revoked: Some(Revoked { at: at(6), reason: RevokeReason::DeviceList }),
            scopes: "a b".parse().unwrap(),
            data: SessionData::new(serde_json::json!({"tenant": "north"})).unwrap(),
            device: Device {
                name: Some("Firefox on Linux".into()),
                address: Some("2001:db8::1".parse().unwrap()),
                fingerprint: Some(Fingerprint::from_bytes([7; 16])),
            },
            exchanged_from: Some(LegacyLink {
                key: BlacklistKey::from_bytes([8; 32]),
                until: at(9),
            }),
            legacy_until: Some(at(10)),
            revision: 11,
        }
    }

    /// Every field survives the way into the columns and back.
    #[test]
    fn rows_come_back_as_they_went() {
        let record = full_record();
        assert_eq!(SessionColumns::of(&record).unwrap().into_record(), Ok(record));
    }

    /// A counter above what SQL can hold is refused, not wrapped into the past.
    #[test]
    fn large_counters_are_refused() {
        let beyond = i64::MAX.unsigned_abs() + 1;
        let row = SessionRecord { generation: beyond, ..full_record() };
        assert_eq!(SessionColumns::of(&row), Err(ColumnFault("generation")));
        let row = SessionRecord { revision: beyond, ..full_record() };
        assert_eq!(SessionColumns::of(&row), Err(ColumnFault("revision")));
    }

    /// What segue never writes is named by its column.
    #[test]
    fn foreign_values_are_named() {
        type Spoil = fn(&mut SessionColumns);
        let cases: [(&str, Spoil); 11] = [
            ("key", |row| row.key = vec![1; 31]),
            ("user_id", |row| row.user_id = String::new()),
            ("generation", |row| row.generation = -1),
            ("key_version", |row| row.key_version = 0),
            ("grace_uses", |row| row.grace_uses = 1 << 32),
            ("scopes", |row| row.scopes = "\"".to_owned()),
            ("data", |row| row.data = Some("[1]".to_owned())),
            ("device_address", |row| row.device_address = Some("300.1.1.1".to_owned())),
            ("device_fingerprint", |row| row.device_fingerprint = Some(vec![])),
            ("exchanged_from", |row| row.exchanged_from = Some(vec![])),
            ("exchanged_until", |row| row.exchanged_until = None),
        ];
        for (column, spoil) in cases {
            let mut row = SessionColumns::of(&full_record()).unwrap();
            spoil(&mut row);
            assert_eq!(row.into_record(), Err(ColumnFault(column)));
        }
    }

    /// A revocation whose reason this version does not know is still a revocation.
    #[test]
    fn an_unknown_reason_does_not_revive() {
        let mut row = SessionColumns::of(&full_record()).unwrap();
        row.revoked_reason = Some("quantum".to_owned());
        assert!(row.into_record().unwrap().revoked.is_some());
    }
}

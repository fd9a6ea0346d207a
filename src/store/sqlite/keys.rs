//! What the store knows of keys: check values, and the version pinned for exchange.

use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

use crate::keys::KeyVersion;
use crate::store::KeyRegistration;
use crate::store::KeyRegistry;
use crate::store::StoreResult;
use crate::store::sql::ColumnFault;
use crate::store::sql::key_version;
use crate::store::sqlite::error::fault;
use crate::store::sqlite::statements::KEY_ADD;
use crate::store::sqlite::statements::KEYS_LIST;
use crate::store::sqlite::statements::META_EXCHANGE_KEY;
use crate::store::sqlite::statements::META_PIN;
use crate::store::sqlite::statements::META_READ;
use crate::store::sqlite::writer::Operation;

pub(super) struct RegisterKeys(pub(super) KeyRegistration);

impl Operation for RegisterKeys {
    type Output = KeyRegistry;
    const NAME: &'static str = "register keys";

    async fn run(&self, connection: &mut SqliteConnection) -> StoreResult<KeyRegistry> {
        let failed = |error| fault(Self::NAME, error);
        for (version, check) in &self.0.checks {
            query(KEY_ADD)
                .bind(i64::from(version.get()))
                .bind(check.to_vec())
                .execute(&mut *connection)
                .await
                .map_err(failed)?;
        }
        query(META_PIN)
            .bind(META_EXCHANGE_KEY)
            .bind(self.0.exchange.get().to_be_bytes().to_vec())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        let rows = query(KEYS_LIST).fetch_all(&mut *connection).await.map_err(failed)?;
        let pinned = query(META_READ).bind(META_EXCHANGE_KEY).fetch_one(connection).await;
        let pinned: Vec<u8> = pinned.and_then(|row| row.try_get(0)).map_err(failed)?;
        let checks = rows.iter().map(check_of).collect::<StoreResult<_>>()?;
        let exchange = exchange_of(&pinned).map_err(|column| column.unreadable(Self::NAME))?;
        Ok(KeyRegistry { checks, exchange })
    }
}

fn check_of(row: &SqliteRow) -> StoreResult<(KeyVersion, [u8; 16])> {
    let read = || -> sqlx::Result<(i64, Vec<u8>)> { Ok((row.try_get(0)?, row.try_get(1)?)) };
    let (version, check) = read().map_err(|error| fault(RegisterKeys::NAME, error))?;
    let judge = || {
        let check = check.as_slice().try_into().map_err(|_| ColumnFault("check_value"))?;
        Ok((key_version(version)?, check))
    };
    judge().map_err(|column: ColumnFault| column.unreadable(RegisterKeys::NAME))
}

fn exchange_of(pinned: &[u8]) -> Result<KeyVersion, ColumnFault> {
    let fault = ColumnFault(META_EXCHANGE_KEY);
    let number = u32::from_be_bytes(pinned.try_into().map_err(|_| fault)?);
    KeyVersion::new(number).ok_or(fault)
}

//! Users and their passwords: what every app has already, and segue knows nothing of.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::PasswordVerifier;
use segue::Scopes;
use segue::UserId;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqlitePoolOptions;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Id, name, password, scopes.
pub(crate) const DEMO: [(i64, &str, &str, &str); 3] = [
    (1, "alice", "wonderland", ""),
    (2, "bob", "builder", ""),
    (3, "admin", "admin-demo", "admin"),
];

/// Each password check takes 19 MiB and a core; more at once would only be slower.
const CHECKS_MAX: usize = 4;

type Fault = Box<dyn Error + Send + Sync>;

/// The table of users.
#[derive(Clone)]
pub(crate) struct Users {
    pool: SqlitePool,
    /// Checked where there is no such user, so that the answer takes as long.
    nobody: Arc<str>,
    checks: Arc<Semaphore>,
}

/// A user whose password was right.
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) scopes: Scopes,
}

impl Users {
    /// Opens the table, and fills in the demo users where they are missing.
    pub(crate) async fn open(file: &Path) -> Result<Self, Fault> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS demo_users (
                 id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
                 password_hash TEXT NOT NULL, scopes TEXT NOT NULL)",
        )
        .execute(&pool)
        .await?;
        for (id, name, password, scopes) in DEMO {
            if Self::exists_in(&pool, id).await? {
                continue;
            }
            sqlx::query("INSERT OR IGNORE INTO demo_users VALUES (?, ?, ?, ?)")
                .bind(id)
                .bind(name)
                .bind(hashed(password).await?)
                .bind(scopes)
                .execute(&pool)
                .await?;
        }
        let nobody = hashed("nobody's password").await?.into();
        Ok(Self { pool, nobody, checks: Arc::new(Semaphore::new(CHECKS_MAX)) })
    }

    /// The user with this name and password. A wrong password and an unknown name are the same
    /// answer, after the same work.
    pub(crate) async fn check(&self, name: &str, password: String) -> Result<Option<User>, Fault> {
        let _slot = self.checks.acquire().await?;
        let row: Option<(i64, String, String)> =
            sqlx::query_as("SELECT id, password_hash, scopes FROM demo_users WHERE name = ?")
                .bind(name)
                .fetch_optional(&self.pool)
                .await?;
        let hash = row.as_ref().map_or_else(|| self.nobody.to_string(), |row| row.1.clone());
        let right = spawn_blocking(move || {
            Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok()
        });
        match (right.await?, row) {
            (true, Some((id, _, scopes))) => {
                Ok(Some(User { id: UserId::from(id), scopes: scopes.parse()? }))
            }
            _ => Ok(None),
        }
    }

    /// Whether there still is such a user: the safety net behind `Auth::disable_user`.
    pub(crate) async fn exists(&self, id: &UserId) -> Result<bool, Fault> {
        match id.as_str().parse() {
            Ok(id) => Ok(Self::exists_in(&self.pool, id).await?),
            Err(_) => Ok(false),
        }
    }

    async fn exists_in(pool: &SqlitePool, id: i64) -> Result<bool, sqlx::Error> {
        let row = sqlx::query("SELECT 1 FROM demo_users WHERE id = ?").bind(id);
        Ok(row.fetch_optional(pool).await?.is_some())
    }
}

async fn hashed(password: &str) -> Result<String, Fault> {
    let password = password.to_owned();
    let hash = spawn_blocking(move || Argon2::default().hash_password(password.as_bytes()));
    Ok(hash.await?.map_err(|error| error.to_string())?.to_string())
}

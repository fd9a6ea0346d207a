//! The app's answer to "does this user still exist?", asked rarely and remembered briefly.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::timeout;

use crate::error::AuthErrorKind;
use crate::id::UserId;
use crate::time::Moment;
use crate::time::Monotonic;
use crate::trace::count;

/// What the app says of a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UserStatus {
    /// Exists and may log in.
    Active,
    /// Disabled, banned, or gone.
    Disabled,
}

/// What a `users(..)` hook may return: a [`UserStatus`], a `bool` (`true` is active), or a
/// `Result` of either. An error is no verdict: the last positive one counts for
/// `LEGACY_STALE_OK`, then requests get a 503.
#[diagnostic::on_unimplemented(
    message = "a `users(..)` hook can't answer with `{Self}`",
    note = "answer with a `bool` (`true` is active), a `UserStatus`, or a `Result` of either"
)]
pub trait IntoUserStatus {
    /// The answer, or why there is none.
    ///
    /// # Errors
    ///
    /// Whatever kept the app from finding out.
    fn into_status(self) -> Result<UserStatus, Box<dyn Error + Send + Sync>>;
}

impl IntoUserStatus for UserStatus {
    fn into_status(self) -> Result<UserStatus, Box<dyn Error + Send + Sync>> {
        Ok(self)
    }
}

impl IntoUserStatus for bool {
    fn into_status(self) -> Result<UserStatus, Box<dyn Error + Send + Sync>> {
        Ok(if self { UserStatus::Active } else { UserStatus::Disabled })
    }
}

impl<T: IntoUserStatus, E: Into<Box<dyn Error + Send + Sync>>> IntoUserStatus for Result<T, E> {
    fn into_status(self) -> Result<UserStatus, Box<dyn Error + Send + Sync>> {
        self.map_err(Into::into).and_then(T::into_status)
    }
}

type Answer = Result<UserStatus, Box<dyn Error + Send + Sync>>;
type Hook = dyn Fn(UserId) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync;

/// The hook with its memory; without a hook every user is active.
#[derive(Clone, Default)]
pub(crate) struct Users(Option<Arc<Inner>>);

struct Inner {
    hook: Box<Hook>,
    known: Mutex<HashMap<UserId, Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    status: UserStatus,
    asked: Monotonic,
}

impl Users {
    /// How long a positive answer counts. Disabling is pushed by `Auth::disable_user`; asking
    /// again is the safety net.
    const ACTIVE_FOR: Duration = Duration::from_secs(60);
    /// How long a negative answer counts.
    const DISABLED_FOR: Duration = Duration::from_secs(1);
    /// How long the app may think.
    const PATIENCE: Duration = Duration::from_secs(1);
    /// How many answers are remembered.
    const KNOWN_MAX: usize = 100_000;

    pub(crate) fn asking<F, Fut>(hook: F) -> Self
    where
        F: Fn(UserId) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoUserStatus,
    {
        let hook = Arc::new(hook);
        let boxed = move |user| {
            let asked = hook(user);
            Box::pin(async move { asked.await.into_status() }) as Pin<Box<_>>
        };
        Self(Some(Arc::new(Inner { hook: Box::new(boxed), known: Mutex::default() })))
    }

    /// Whether there is no hook, so that nobody need be asked about.
    pub(crate) const fn is_unasked(&self) -> bool {
        self.0.is_none()
    }

    /// What is known without asking; `None` when the app has to be asked.
    pub(crate) fn known(&self, user: &UserId, moment: Moment) -> Option<Result<(), AuthErrorKind>> {
        let Some(inner) = &self.0 else { return Some(Ok(())) };
        let known = inner.remembered(user)?;
        let age = moment.monotonic.since(known.asked);
        match known.status {
            UserStatus::Active => (age < Self::ACTIVE_FOR).then_some(Ok(())),
            UserStatus::Disabled => {
                (age < Self::DISABLED_FOR).then_some(Err(AuthErrorKind::UserDisabled))
            }
        }
    }

    /// Asks if need be. A failing or slow hook falls back to the last positive answer for
    /// `stale_ok`, and then to a 503: it never turns a user away for the app's own fault.
    pub(crate) async fn check(
        &self,
        user: &UserId,
        moment: Moment,
        stale_ok: Duration,
    ) -> Result<(), AuthErrorKind> {
        match self.known(user, moment) {
            Some(verdict) => verdict,
            None => self.ask(user, moment, stale_ok).await,
        }
    }

    /// Asks whatever is remembered: for login, exchange and refresh.
    pub(crate) async fn ask(
        &self,
        user: &UserId,
        moment: Moment,
        stale_ok: Duration,
    ) -> Result<(), AuthErrorKind> {
        let Some(inner) = &self.0 else { return Ok(()) };
        match timeout(Self::PATIENCE, (inner.hook)(user.clone())).await {
            Ok(Ok(status)) => {
                inner.remember(user, Known { status, asked: moment.monotonic });
                match status {
                    UserStatus::Active => Ok(()),
                    UserStatus::Disabled => Err(AuthErrorKind::UserDisabled),
                }
            }
            Ok(Err(error)) => {
                tracing::warn!(error = &*error as &dyn Error, "the users hook failed");
                inner.fall_back(user, moment, stale_ok)
            }
            Err(_) => {
                tracing::warn!("the users hook did not answer in time");
                inner.fall_back(user, moment, stale_ok)
            }
        }
    }

    /// Forgets what is known of a user who was just disabled.
    pub(crate) fn forget(&self, user: &UserId) {
        if let Some(inner) = &self.0 {
            inner.lock().remove(user);
        }
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self, user: &UserId) -> Option<Known> {
        self.lock().get(user).copied()
    }

    fn remember(&self, user: &UserId, known: Known) {
        let mut table = self.lock();
        if table.get(user).is_some_and(|other| other.asked > known.asked) {
            // A slow answer to an older question.
            return;
        }
        if table.len() >= Users::KNOWN_MAX && !table.contains_key(user) {
            let stale = |other: &Known| known.asked.since(other.asked) >= Users::ACTIVE_FOR;
            table.retain(|_, other| !stale(other));
            if table.len() >= Users::KNOWN_MAX {
                table.clear();
            }
        }
        table.insert(user.clone(), known);
    }

    fn fall_back(
        &self,
        user: &UserId,
        moment: Moment,
        stale_ok: Duration,
    ) -> Result<(), AuthErrorKind> {
        count!("segue_users_hook_failures_total");
        match self.remembered(user) {
            Some(Known { status: UserStatus::Active, asked })
                if moment.monotonic.since(asked) < Users::ACTIVE_FOR + stale_ok =>
            {
                Ok(())
            }
            _ => Err(AuthErrorKind::StoreUnavailable),
        }
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Users(hook)" } else { "Users(all active)" })
    }
}

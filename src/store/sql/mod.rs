//! What every SQL store shares: columns and their values, the plan of migrations, the judgement
//! of feed positions. No statement and no connection in here.
//!
//! | file | holds |
//! |---|---|
//! | `columns`, `changes` | rows as plain values, and the way back, with every value checked |
//! | `migration` | which steps to run, up or down, as a function of what is there |
//! | `pages` | pages of the feed and of the blacklist from rows |

mod changes;
mod columns;
mod migration;
mod pages;

pub(crate) use changes::ChangeColumns;
pub(crate) use columns::ColumnFault;
pub(crate) use columns::NOT_BEFORE_ALL;
pub(crate) use columns::SessionColumns;
pub(crate) use columns::key_version;
pub(crate) use columns::not_before_user;
pub(crate) use columns::scope_of;
pub(crate) use columns::signed;
pub(crate) use columns::unsigned;
pub(crate) use migration::Applied;
pub(crate) use migration::Migration;
pub use migration::MigrationState;
pub use migration::MigrationStatus;
pub use migration::MigrationStep;
pub(crate) use migration::plan_down;
pub(crate) use migration::plan_up;
pub(crate) use migration::status;
pub(crate) use pages::FeedBounds;
pub(crate) use pages::NumberedEntry;
pub(crate) use pages::NumberedNotBefore;
pub(crate) use pages::blacklist_page;
pub(crate) use pages::change_page;

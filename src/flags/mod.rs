//! Flags: what is issued and what is accepted, where that is configured, and how it changes live.
//!
//! | variable | values | default |
//! |---|---|---|
//! | `REFRESH_TOKEN_SYSTEM` | `false`, `drain`, `NN%` (up to two decimals), `true` | `true` |
//! | `SESSION_TRACKING` | `false`, `true` | `true` |
//! | `DEVICE_FINGERPRINTING` | `false`, `observe`, `enforce`; `true` means `observe` | `false` |
//! | `LEGACY_JWT` | `true`, `false` | `true` (without a legacy verifier it has no effect) |
//! | `LEGACY_JWT_UNTIL` | an RFC 3339 instant | none, and a warning at every start |
//! | `LEGACY_JWT_MAX_AGE` | a duration from `1s` to `100y` | `30d` |
//! | `LEGACY_STALE_OK` | a duration up to `1d` | `5m` |
//! | `SHADOW_COMPARE` | `false`, `true` | `false` |
//! | `SEGUE_ROLLOUT_SALT` | up to 255 bytes; environment and code only | `segue` |
//! | `SEGUE_FLAGS_FILE` | a file of `NAME=value` lines; environment only | none |
//!
//! An empty value counts as unset, since deployment templates often produce one.
//!
//! Five sources, later ones win, each a *partial* [`FlagOverrides`]: defaults, environment, watched
//! file, shared store, local pin. [`Flags`] puts them together and hands out one
//! [`FlagSnapshot`] for a request; [`FlagSet`] is the plain result and answers the questions.
//!
//! | file | what it is for |
//! |---|---|
//! | `set.rs` | [`FlagSet`] and its questions: pure |
//! | `percent.rs` | [`Percent`], in hundredths of a percent |
//! | `rollout.rs` | [`rollout_bucket`]: which users are in: pure |
//! | `overrides.rs` | [`FlagOverrides`]: one source's part |
//! | `parse.rs` | text to values, every fault named: pure |
//! | `snapshot.rs` | [`FlagSnapshot`], [`FlagsStatus`]: what a request and an operator see |
//! | `live.rs` | [`Flags`]: the sources together, every change checked as a whole |
//! | `file.rs` | reads the flags file, bounded |
//! | `watch.rs` | [`FlagsWatcher`]: looks at the file now and then |

mod file;
mod live;
mod overrides;
mod parse;
mod percent;
mod rollout;
mod set;
mod snapshot;
mod watch;

pub use live::Flags;
pub use overrides::FlagOverrides;
pub use percent::InvalidPercent;
pub use percent::Percent;
pub use rollout::ROLLOUT_BUCKETS;
pub use rollout::ROLLOUT_SALT_DEFAULT;
pub use rollout::rollout_bucket;
pub use set::Fingerprinting;
pub use set::FlagSet;
pub use set::RolloutMode;
pub use snapshot::FlagSnapshot;
pub use snapshot::FlagsStatus;
pub use watch::FlagsSubscription;
pub use watch::FlagsWatcher;

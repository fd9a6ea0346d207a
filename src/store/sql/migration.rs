//! The plan of migrations: which steps to run, as a function of the steps this version knows and
//! those the database says were run.

use std::fmt;

use sha2::Digest;
use sha2::Sha256;

use crate::error::StoreError;
use crate::error::StoreErrorKind;
use crate::time::Timestamp;

/// One step of the schema, with the way back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) name: &'static str,
    /// Whether an older version of this crate can go on working after this step.
    pub(crate) additive: bool,
    pub(crate) up: &'static str,
    pub(crate) down: &'static str,
}

impl Migration {
    pub(crate) fn checksum(&self) -> [u8; 32] {
        Sha256::digest(self.up).into()
    }
}

/// A step that was run, as the database remembers it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Applied {
    pub(crate) version: u32,
    pub(crate) name: String,
    pub(crate) checksum: Vec<u8>,
    pub(crate) additive: bool,
    pub(crate) applied_at: Timestamp,
}

/// What the schema of a store consists of, step by step.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// Every step that this version of segue knows or the database remembers, oldest first.
    pub steps: Vec<MigrationStep>,
}

impl MigrationStatus {
    /// The highest version that was run; 0 before the first.
    #[must_use]
    pub fn version(&self) -> u32 {
        let ran = self.steps.iter().filter(|step| step.state != MigrationState::Pending);
        ran.map(|step| step.version).max().unwrap_or(0)
    }
}

/// One step of the schema.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MigrationStep {
    /// Its number: 1 for the first.
    pub version: u32,
    /// What it is about.
    pub name: String,
    /// Whether an older version of segue goes on working after it.
    pub additive: bool,
    /// Whether it was run.
    pub state: MigrationState,
}

/// Whether a step was run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MigrationState {
    /// Run then.
    Applied(Timestamp),
    /// Run then, by a newer version of segue; this one does not know what it does.
    Newer(Timestamp),
    /// Not run yet.
    Pending,
}

/// Why there is no plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum PlanFault {
    /// A step was run with other contents than this version has for it.
    Altered(u32),
    /// A step is missing before one that was run.
    Hole(u32),
    /// A step was run that this version does not know, and it can't be ignored.
    Newer(u32, String),
}

impl PlanFault {
    pub(crate) fn into_store_error(self, operation: &'static str) -> StoreError {
        let kind = match self {
            Self::Altered(_) | Self::Hole(_) => StoreErrorKind::Corrupt,
            Self::Newer(..) => StoreErrorKind::NewerSchema,
        };
        StoreError::new(kind, operation).with_source(self)
    }
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered(version) => write!(
                f,
                "migration {version} was run with other contents than this version of segue has"
            ),
            Self::Hole(version) => {
                write!(f, "migration {version} is missing although a later one was run")
            }
            Self::Newer(version, name) => write!(
                f,
                "migration {version} ({name:?}) comes from a newer version of segue: \
                 update this program, or take the migration back with the newer one"
            ),
        }
    }
}

impl std::error::Error for PlanFault {}

/// The steps still to be run, oldest first.
///
/// Newer, unknown steps are no obstacle as long as each of them is additive.
pub(crate) fn plan_up<'a>(
    known: &'a [Migration],
    applied: &[Applied],
) -> Result<Vec<&'a Migration>, PlanFault> {
    for step in applied {
        match known.iter().find(|migration| migration.version == step.version) {
            Some(migration) if migration.checksum()[..] != step.checksum[..] => {
                return Err(PlanFault::Altered(step.version));
            }
            Some(_) => {}
            None if step.additive => {}
            None => return Err(PlanFault::Newer(step.version, step.name.clone())),
        }
    }
    let pending = |migration: &&Migration| !ran(applied, migration.version);
    let plan: Vec<_> = known.iter().filter(pending).collect();
    let last = applied.iter().map(|step| step.version).max().unwrap_or(0);
    match plan.first().filter(|migration| migration.version < last) {
        Some(migration) => Err(PlanFault::Hole(migration.version)),
        None => Ok(plan),
    }
}

/// The steps to be taken back so that `to` is the last one, newest first.
///
/// A newer step can't be taken back by a version that does not know it.
pub(crate) fn plan_down<'a>(
    known: &'a [Migration],
    applied: &[Applied],
    to: u32,
) -> Result<Vec<&'a Migration>, PlanFault> {
    let unknown = |step: &&Applied| known.iter().all(|migration| migration.version != step.version);
    if let Some(step) = applied.iter().filter(|step| step.version > to).find(unknown) {
        return Err(PlanFault::Newer(step.version, step.name.clone()));
    }
    let undo = |migration: &&Migration| migration.version > to && ran(applied, migration.version);
    Ok(known.iter().rev().filter(undo).collect())
}

/// Both views in one list.
pub(crate) fn status(known: &[Migration], applied: &[Applied]) -> MigrationStatus {
    let mut steps: Vec<MigrationStep> = applied
        .iter()
        .map(|step| MigrationStep {
            version: step.version,
            name: step.name.clone(),
            additive: step.additive,
            state: if known.iter().any(|migration| migration.version == step.version) {
                MigrationState::Applied(step.applied_at)
            } else {
                MigrationState::Newer(step.applied_at)
            },
        })
        .collect();
    let pending = known.iter().filter(|migration| !ran(applied, migration.version));
    steps.extend(pending.map(|migration| MigrationStep {
        version: migration.version,
        name: migration.name.to_owned(),
        additive: migration.additive,
        state: MigrationState::Pending,
    }));
    steps.sort_by_key(|step| step.version);
    MigrationStatus { steps }
}

fn ran(applied: &[Applied], version: u32) -> bool {
    applied.iter().any(|step| step.version == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn step(version: u32, up: &'static str) -> Migration {
        Migration { version, name: "step", additive: true, up, down: "" }
    }

    const KNOWN: [Migration; 3] = [step(1, "a"), step(2, "b"), step(3, "c")];

    fn applied(version: u32, additive: bool) -> Applied {
        let known = KNOWN.iter().find(|migration| migration.version == version);
        Applied {
            version,
            name: "step".to_owned(),
            checksum: known.map(|step| step.checksum().to_vec()).unwrap_or_default(),
            additive,
            applied_at: Timestamp::EPOCH,
        }
    }

    fn versions(plan: Result<Vec<&Migration>, PlanFault>) -> Result<Vec<u32>, PlanFault> {
        plan.map(|steps| steps.into_iter().map(|step| step.version).collect())
    }

    /// What is missing is run, oldest first; running twice does nothing.
    #[test]
    fn up_runs_what_is_missing() {
        assert_eq!(versions(plan_up(&KNOWN, &[])), Ok(vec![1, 2, 3]));
        assert_eq!(versions(plan_up(&KNOWN, &[applied(1, true)])), Ok(vec![2, 3]));
        let all = [1, 2, 3].map(|version| applied(version, true));
        assert_eq!(versions(plan_up(&KNOWN, &all)), Ok(vec![]));
    }

    /// An older program lives with additive newer steps, and with no others.
    #[test]
    fn newer_steps_must_be_additive() {
        let mut all = [1, 2, 3, 4].map(|version| applied(version, true));
        assert_eq!(versions(plan_up(&KNOWN, &all)), Ok(vec![]));
        all[3].additive = false;
        let fault = plan_up(&KNOWN, &all).unwrap_err();
        assert_eq!(fault, PlanFault::Newer(4, "step".to_owned()));
        assert_eq!(fault.into_store_error("connect").kind(), StoreErrorKind::NewerSchema);
    }

    /// History that does not fit is not built upon.
    #[test]
    fn history_must_fit() {
        let altered = Applied { checksum: vec![0; 32], ..applied(1, true) };
        assert_eq!(plan_up(&KNOWN, &[altered]).unwrap_err(), PlanFault::Altered(1));
        let hole = [applied(1, true), applied(3, true)];
        assert_eq!(plan_up(&KNOWN, &hole).unwrap_err(), PlanFault::Hole(2));
    }

    /// Down goes newest first, stops where told, and touches nothing it does not know.
    #[test]
    fn down_takes_back() {
        let all = [1, 2, 3].map(|version| applied(version, true));
        assert_eq!(versions(plan_down(&KNOWN, &all, 1)), Ok(vec![3, 2]));
        assert_eq!(versions(plan_down(&KNOWN, &all, 3)), Ok(vec![]));
        let newer = [1, 2, 3, 4].map(|version| applied(version, true));
        let fault = plan_down(&KNOWN, &newer, 0).unwrap_err();
        assert_eq!(fault, PlanFault::Newer(4, "step".to_owned()));
    }

    /// The status lists what was run, what is pending and what is newer.
    #[test]
    fn status_lists_everything() {
        let status = status(&KNOWN, &[applied(1, true), applied(2, true), applied(4, true)]);
        let states: Vec<_> = status.steps.iter().map(|step| (step.version, step.state)).collect();
        let (ran, newer) =
            (MigrationState::Applied(Timestamp::EPOCH), MigrationState::Newer(Timestamp::EPOCH));
        assert_eq!(states, [(1, ran), (2, ran), (3, MigrationState::Pending), (4, newer)]);
        assert_eq!(status.version(), 4);
    }
}

//! What a store can answer when it can't answer.

use std::error::Error;
use std::fmt;

/// A store could not do what it was asked. The cause stays attached as `source()`.
///
/// For the client this is always a 503 with `Retry-After`: a fault of the store is never taken for
/// a fault of the credential, so nobody is logged out by it and no cookie is cleared.
///
/// ```
/// use segue::{StoreError, StoreErrorKind};
///
/// let error = StoreError::new(StoreErrorKind::Unavailable, "load session");
/// assert!(error.is_retryable());
/// assert_eq!(error.to_string(), "load session: the store can't be reached");
/// ```
#[derive(Debug)]
pub struct StoreError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: StoreErrorKind,
    operation: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What kind of fault it was.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// What the store holds can't be read as what segue writes. Nothing was changed.
    Corrupt,
    /// Two writers met; trying again may help.
    Conflict,
    /// The store refuses because of its settings, or ours.
    Misconfigured,
    /// The schema was written by a newer version whose steps this one can't live with.
    NewerSchema,
    /// Anything else.
    Other,
    /// The store can be read but not written.
    ReadOnly,
    /// It did not answer within the bound.
    Timeout,
    /// It can't be reached.
    Unavailable,
}

impl StoreError {
    /// A fault of this kind, met during this operation.
    #[must_use]
    pub fn new(kind: StoreErrorKind, operation: &'static str) -> Self {
        Self(Box::new(Inner { kind, operation, source: None }))
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of fault it was.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.0.kind
    }

    /// What was being done, in words: also the label in metrics.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Whether the same call may succeed a moment later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        use StoreErrorKind as Kind;
        matches!(self.0.kind, Kind::Conflict | Kind::Timeout | Kind::Unavailable)
    }
}

impl StoreErrorKind {
    const fn words(self) -> &'static str {
        match self {
            Self::Corrupt => "the store holds something segue did not write",
            Self::Conflict => "another writer was faster",
            Self::Misconfigured => "the store refuses these settings",
            Self::NewerSchema => "the schema belongs to a newer version of segue",
            Self::Other => "the store failed",
            Self::ReadOnly => "the store can't be written",
            Self::Timeout => "the store did not answer in time",
            Self::Unavailable => "the store can't be reached",
        }
    }

    /// The label in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Conflict => "conflict",
            Self::Misconfigured => "misconfigured",
            Self::NewerSchema => "newer_schema",
            Self::Other => "other",
            Self::ReadOnly => "read_only",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.operation, self.0.kind.words())
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

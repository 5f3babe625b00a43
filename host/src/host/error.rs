//! What can go wrong at the front door, and what to do about it.

use crate::catalogue::FolderError;
use crate::model::{Name, Run, RunId};
use crate::plan::{Finding, Severity};
use crate::run::RunError;
use crate::store::{BackupError, LeaseError, OutsideError, StoreError};

/// Why the host cannot do what it was asked.
///
/// ```
/// # use godwit::{catalogue::*, store::*};
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, Catalogue::new(), godwit::Surroundings::of_this_process());
/// use godwit::{ErrorKind, HostError, Reading};
///
/// let milk = host.read(&"todos".parse()?, "milk", &Reading::default());
/// let error = milk.unwrap_err();
/// assert!(matches!(error, HostError::NoCollection(_)));
/// assert_eq!(error.to_string(), "there is no collection todos");
/// assert_eq!(error.kind(), ErrorKind::Input);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Occurs when nothing can be planned.
    #[error("nothing can be planned: {}", first(.0))]
    Refused(Vec<Finding>),
    /// Occurs when somebody else holds the lease, or has taken it over.
    #[error(transparent)]
    Lease(LeaseError),
    /// Occurs when the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Occurs when a run, a retry or an undo cannot go on.
    #[error(transparent)]
    Run(RunError),
    /// Occurs when the folder of migrations cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Occurs when there is no such run.
    #[error("there is no run {0}")]
    NoRun(RunId),
    /// Occurs when there is no such item.
    #[error("there is no item {collection}/{id}")]
    NoItem {
        /// The collection.
        collection: Name,
        /// The id.
        id: String,
    },
    /// Occurs when an item is not in quarantine.
    #[error("{collection}/{id} is not in quarantine")]
    NotInQuarantine {
        /// The collection.
        collection: Name,
        /// The id.
        id: String,
    },
    /// Occurs when a backup cannot be made, read or restored.
    #[error(transparent)]
    Backup(BackupError),
    /// Occurs when the store cannot be backed up before a run. The run was not started.
    #[error("the backup before the run cannot be made, so that no run was started")]
    BackupFirst(#[source] BackupError),
    /// Occurs when a backup is to be made before a run, and nobody said where.
    #[error("a backup is to be made before the run ({why}), and there is no folder for it")]
    NoPlaceForBackup {
        /// Why it is to be made.
        why: &'static str,
    },
    /// Occurs when a migration's file cannot be taken for the one that was applied.
    #[error("{app} {version} cannot be repaired: {reason}")]
    Repair {
        /// The app.
        app: Name,
        /// The version.
        version: crate::model::Version,
        /// Why.
        reason: String,
    },
    /// Occurs when there is no such collection.
    #[error("there is no collection {0}")]
    NoCollection(Name),
    /// Occurs when the `verify` of a migration cannot be asked.
    #[error("the verify of {app} {version} cannot be asked")]
    Verify {
        /// The app.
        app: Name,
        /// The version.
        version: crate::model::Version,
        /// Why.
        #[source]
        source: crate::run::StreamError,
    },
    /// Occurs when an app cannot be brought back to an older version; nothing was changed.
    #[error("{app} cannot go back to {to}: {}", .reasons.join("; "))]
    Down {
        /// The app.
        app: Name,
        /// The version.
        to: crate::model::Version,
        /// Every reason.
        reasons: Vec<String>,
    },
    /// Occurs when a shadow run must be finalized or reset first.
    #[error(
        "a shadow run is under way: `godwit finalize` makes what it made live, `godwit reset` drops it"
    )]
    ShadowUnderWay,
    /// Occurs when there is no shadow run.
    #[error("there is no shadow run; `godwit up --shadow` begins one")]
    NoShadow,
    /// Occurs when a shadow run is for another app or version.
    #[error(
        "the shadow run under way is for {was}; go on with that, or drop it with `godwit reset`"
    )]
    OtherShadow {
        /// What it is for.
        was: String,
    },
    /// Occurs when a run must be finished or undone before a shadow run can begin.
    #[error("run {} is {}, and comes first", .0.id, .0.state)]
    Unfinished(Box<Run>),
    /// Occurs when a migration that came after a shadow run began is about a collection that has no generation of its own.
    #[error(
        "{app} {version} came after the shadow run began and is about {collection}, which it has no copy of"
    )]
    OutsideShadow {
        /// The app.
        app: Name,
        /// The version.
        version: crate::model::Version,
        /// The collection.
        collection: Name,
    },
    /// Occurs when a run that is not finished keeps the application from writing items.
    #[error(
        "run {} is {}: items of {app} cannot be written until it is finished or taken back", .run.id, .run.state
    )]
    RunInTheWay {
        /// The app.
        app: Name,
        /// The run.
        run: Box<Run>,
    },
    /// Occurs when what is to be written is no item; nothing was written.
    #[error("{collection}/{id} cannot be written: {reason}")]
    BadItem {
        /// The collection.
        collection: Name,
        /// The id.
        id: String,
        /// Why.
        reason: String,
    },
    /// Occurs when an item is read whose version is not the one that was asked for.
    #[error("{collection}/{id} has version {version} and cannot be read as {wanted}: {reason}")]
    NotBroughtUp {
        /// The collection.
        collection: Name,
        /// The id.
        id: String,
        /// The version that it has.
        version: crate::model::Version,
        /// The version that was asked for.
        wanted: crate::model::Version,
        /// Why.
        reason: String,
    },
    /// Occurs when an item is newer than every migration of its app, and than the app: with it nothing could be planned.
    #[error(
        "{collection}/{id} cannot be written: its version {version} is above {highest}, and no migration leads there"
    )]
    TooNew {
        /// The collection.
        collection: Name,
        /// The id.
        id: String,
        /// The version that it has.
        version: crate::model::Version,
        /// The highest version that it may have.
        highest: crate::model::Version,
    },
    /// Occurs when an application writes items of an older version than its app has in the store; nothing was written.
    #[error("{app} is at {current} in the store, and what is written is for {version}")]
    ApplicationBehind {
        /// The app.
        app: Name,
        /// The version in the store.
        current: crate::model::Version,
        /// The application's version.
        version: crate::model::Version,
    },
    /// Occurs when more is asked of a host at once than may wait for its turn; nothing was done.
    #[error("too much is asked for at once")]
    Overloaded,
    /// Occurs when a host is asked for something after it was shut down.
    #[error("the host was shut down")]
    ShutDown,
    /// Occurs when a baseline cannot be set.
    #[error("the baseline of {app} cannot be set: {reason}")]
    Baseline {
        /// The app.
        app: Name,
        /// Why.
        reason: String,
    },
}

fn first(findings: &[Finding]) -> String {
    let of = |severity| findings.iter().find(|found| found.severity == severity);
    // Where none is refused, what was planned is empty, and a warning says why.
    let found = of(Severity::Refused).or_else(|| of(Severity::Warned));
    found.map_or_else(String::new, ToString::to_string)
}

/// An error and its causes on one line. What an error says of its cause itself is not said twice.
///
/// ```
/// use godwit::HostError;
/// use godwit::store::BackupError;
///
/// let error = HostError::BackupFirst(BackupError::NoFolder("backups".into()));
/// let text = godwit::with_causes(&error);
/// assert!(text.ends_with("no run was started: there is no folder backups"));
/// ```
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.ends_with(&cause) {
            text
        } else {
            format!("{text}: {cause}")
        }
    })
}

/// What an operator should do about an error.
///
/// ```
/// use godwit::{ErrorKind, HostError};
///
/// let advice = match HostError::ShadowUnderWay.kind() {
///     ErrorKind::Busy => "try it again later",
///     ErrorKind::Input => "ask for something else",
///     _ => "see what it says",
/// };
/// assert_eq!(advice, "try it again later");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Ask for something else: what was named does not exist or makes no sense.
    Input,
    /// Decide about the findings of the plan.
    Findings,
    /// Mend a migration, or deal with the quarantine.
    Plugin,
    /// Wait for, or stop, whoever works on the store.
    Busy,
    /// Look after the store: its disk, its files, its format.
    Store,
    /// Nothing: somebody asked to stop.
    Stopped,
    /// Tell Godwit's authors.
    Internal,
}

impl HostError {
    /// What failed while a store was backed up before a run.
    pub(super) fn before_run(error: BackupError) -> Self {
        match error {
            // The store and the lease are the run's, too, and who asked to stop asked the run.
            BackupError::Store(_) | BackupError::Lease(_) | BackupError::Stopped => error.into(),
            error => Self::BackupFirst(error),
        }
    }

    /// What an operator should do about it.
    ///
    /// ```
    /// use godwit::{ErrorKind, HostError};
    ///
    /// assert_eq!(HostError::NoShadow.kind(), ErrorKind::Input);
    /// assert_eq!(HostError::ShutDown.kind(), ErrorKind::Stopped);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(_) => ErrorKind::Findings,
            Self::Lease(error) => of_lease(error),
            Self::Store(error) => of_store(error),
            Self::Run(error) => of_run(error),
            Self::Folder(_)
            | Self::NoRun(_)
            | Self::NoItem { .. }
            | Self::NoCollection(_)
            | Self::NotInQuarantine { .. }
            | Self::Repair { .. }
            | Self::Down { .. }
            | Self::NoShadow
            | Self::OtherShadow { .. }
            | Self::OutsideShadow { .. }
            | Self::BadItem { .. }
            | Self::NotBroughtUp { .. }
            | Self::ApplicationBehind { .. }
            | Self::TooNew { .. }
            | Self::NoPlaceForBackup { .. }
            | Self::Baseline { .. } => ErrorKind::Input,
            Self::ShadowUnderWay
            | Self::RunInTheWay { .. }
            | Self::Unfinished(_)
            | Self::Overloaded => ErrorKind::Busy,
            Self::ShutDown => ErrorKind::Stopped,
            Self::Verify { .. } => ErrorKind::Plugin,
            Self::Backup(error) | Self::BackupFirst(error) => of_backup(error),
        }
    }
}

fn of_backup(error: &BackupError) -> ErrorKind {
    match error {
        BackupError::Lease(error) => of_lease(error),
        BackupError::Store(error) => of_store(error),
        BackupError::Exists(_)
        | BackupError::NewerFormat { .. }
        | BackupError::Missing(_)
        | BackupError::NoFolder(_) => ErrorKind::Input,
        BackupError::StoreOpen(_) => ErrorKind::Busy,
        BackupError::Damaged { .. } | BackupError::Failed { .. } => ErrorKind::Store,
        BackupError::Stopped => ErrorKind::Stopped,
    }
}

fn of_lease(error: &LeaseError) -> ErrorKind {
    match error {
        LeaseError::Held { .. } | LeaseError::Lost { .. } | LeaseError::Written => ErrorKind::Busy,
        LeaseError::Store(error) => of_store(error),
    }
}

fn of_store(error: &StoreError) -> ErrorKind {
    match error {
        StoreError::Conflict { .. } | StoreError::InUse { .. } | StoreError::Switched { .. } => {
            ErrorKind::Busy
        }
        StoreError::Missing { .. }
        | StoreError::NotAStore { .. }
        | StoreError::BadUrl { .. }
        | StoreError::Table { .. } => ErrorKind::Input,
        StoreError::NewerFormat { .. }
        | StoreError::Damaged { .. }
        | StoreError::Full { .. }
        | StoreError::BadKey { .. }
        | StoreError::TooLarge { .. }
        | StoreError::Failed { .. }
        | StoreError::Poisoned { .. } => ErrorKind::Store,
    }
}

fn of_run(error: &RunError) -> ErrorKind {
    match error {
        RunError::Lease(error) => of_lease(error),
        RunError::Store(error) => of_store(error),
        RunError::MissingMigration { .. }
        | RunError::Load { .. }
        | RunError::TooManyFailures { .. }
        | RunError::ItemFailed { .. }
        | RunError::Elsewhere(_)
        | RunError::NoWayBack { .. }
        | RunError::ForeignCollection { .. } => ErrorKind::Plugin,
        RunError::NoRun(_)
        | RunError::NotUndoable { .. }
        | RunError::NotPrunable(_)
        | RunError::ChangedSince { .. }
        | RunError::OtherEngine { .. }
        | RunError::SeesMore { .. }
        | RunError::NotInQuarantine { .. } => ErrorKind::Input,
        RunError::Worker(_) => ErrorKind::Internal,
    }
}

impl From<OutsideError> for HostError {
    fn from(error: OutsideError) -> Self {
        match error {
            OutsideError::Lease(error) => error.into(),
            OutsideError::Finalizing => Self::ShadowUnderWay,
        }
    }
}

impl From<LeaseError> for HostError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Store(error) => Self::Store(error),
            error => Self::Lease(error),
        }
    }
}

impl From<BackupError> for HostError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => Self::Store(error),
            BackupError::Lease(error) => error.into(),
            error => Self::Backup(error),
        }
    }
}

impl From<RunError> for HostError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => Self::Store(error),
            RunError::Lease(error) => Self::Lease(error),
            RunError::NotInQuarantine { collection, id } => {
                Self::NotInQuarantine { collection, id }
            }
            RunError::NoRun(run) => Self::NoRun(run),
            error => Self::Run(error),
        }
    }
}

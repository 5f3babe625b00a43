//! What a run says while it goes on, and in the end.

use std::path::Path;

use serde::Serialize;

use super::RunProgress;
use crate::model::{Counts, Name, Phase, Plan, Run, RunId, Stage, Step, Version, counted};
use crate::sandbox::{LoadError, LogLine};
use crate::store::{LeaseError, Manifest, StoreError};

/// What happens in a run.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// Items are about to be brought to newer versions, or to be found up to date. Nobody has the lease yet.
    SettingUp {
        /// What is to be done; empty where everything is up to date.
        plan: &'a Plan,
    },
    /// The store is being backed up before a run; told with every few MiB.
    BackingUp {
        /// Where the backup is to be.
        file: &'a Path,
        /// How many entries were copied so far.
        entries: u64,
    },
    /// The store was backed up; the run that the backup is for starts next.
    BackedUp {
        /// Where the backup is.
        file: &'a Path,
        /// What it has.
        manifest: &'a Manifest,
        /// Why it was made.
        why: &'a str,
    },
    /// The run starts, or goes on after it was interrupted.
    Started {
        /// The run.
        run: &'a Run,
        /// Whether it goes on.
        resumed: bool,
    },
    /// A step starts, or goes on.
    StepStarted {
        /// The step.
        step: StepName<'a>,
        /// How many items it will be fed, as far as is known.
        total: Option<u64>,
        /// What became of items before.
        counts: Counts,
    },
    /// A shadow run has copied some items of a collection.
    Copied {
        /// The collection.
        collection: &'a Name,
        /// How many were copied so far.
        items: u64,
        /// How many there are, about.
        total: u64,
        /// Whether all are.
        done: bool,
    },
    /// A shadow run has followed what the application wrote.
    Followed {
        /// How many writes.
        writes: u64,
    },
    /// What a shadow run had made is live.
    Switched {
        /// The collections.
        collections: &'a [Name],
    },
    /// A batch was committed.
    Batch {
        /// The step.
        step: StepName<'a>,
        /// What became of all items so far.
        counts: Counts,
    },
    /// An item went into quarantine.
    Failed {
        /// The step.
        step: StepName<'a>,
        /// The item's id.
        id: &'a str,
        /// The kind of fault.
        kind: &'a str,
        /// What was said.
        reason: &'a str,
    },
    /// A migration wrote lines for the operator.
    Log {
        /// The step.
        step: StepName<'a>,
        /// The lines.
        lines: &'a [LogLine],
        /// How many further ones were dropped.
        dropped: u64,
    },
    /// A migration asked for documents that it may not have. Told once for each thing of a step.
    Denied {
        /// The step.
        step: StepName<'a>,
        /// What it was, as in "read `users`".
        what: &'a str,
    },
    /// Batches were committed: how far the run is, at most once a second.
    Progress {
        /// How far it is.
        progress: &'a RunProgress,
    },
    /// The run is held: it waits, and keeps its lease.
    Waiting {
        /// Why.
        reasons: &'a [String],
    },
    /// Nothing holds the run any more.
    GoesOn,
    /// A step is done.
    StepDone {
        /// The step.
        step: StepName<'a>,
        /// What became of the items.
        counts: Counts,
    },
    /// A phase of a migration is applied.
    Applied {
        /// The app.
        app: &'a Name,
        /// The version.
        version: &'a Version,
        /// The phase.
        phase: Phase,
    },
    /// Nothing is done in the run any more: its state says how it ended.
    Ended {
        /// The run.
        run: &'a Run,
    },
    /// Everything that was to be done is done: the new version may serve.
    SetUp,
}

/// Names a step of a run.
#[derive(Debug, Clone, Copy)]
pub struct StepName<'a> {
    /// The app.
    pub app: &'a Name,
    /// The version.
    pub version: &'a Version,
    /// The phase.
    pub phase: Phase,
    /// The step.
    pub step: &'a Name,
    /// The collection that it is fed from.
    pub collection: &'a Name,
}

impl<'a> StepName<'a> {
    pub(super) fn of(stage: &'a Stage, step: &'a Step, collection: &'a Name) -> Self {
        Self {
            app: &stage.app,
            version: &stage.version,
            phase: stage.phase,
            step: &step.name,
            collection,
        }
    }
}

/// Is told what happens in a run, on the thread that carries it out.
pub trait Observer: Sync {
    /// Something happened.
    fn event(&self, event: &RunEvent<'_>);
}

/// Several that are told.
impl Observer for Vec<&dyn Observer> {
    fn event(&self, event: &RunEvent<'_>) {
        self.iter().for_each(|observer| observer.event(event));
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {
    fn event(&self, _: &RunEvent<'_>) {}
}

/// What a run has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The run, as the store has it.
    pub run: Run,
    /// What became of the items of each step that was begun.
    pub steps: Vec<StepReport>,
    /// How many items of the run's apps are in quarantine and not accepted.
    pub open: u64,
}

/// What a step has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// The app.
    pub app: Name,
    /// The version.
    pub version: Version,
    /// The phase.
    pub phase: Phase,
    /// The step.
    pub step: Name,
    /// The collection that it was fed from.
    pub collection: Name,
    /// Whether it is done.
    pub done: bool,
    /// What became of the items.
    pub counts: Counts,
}

/// Why a run, or an undo, cannot go on. What was committed stays.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Occurs when somebody else holds the lease, or has taken it over.
    #[error(transparent)]
    Lease(LeaseError),
    /// Occurs when the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Occurs when a migration of the plan is not in the catalogue.
    #[error("the migration of {app} to {version} ({file}) is not among the plugins")]
    MissingMigration {
        /// The app.
        app: Name,
        /// The version.
        version: Version,
        /// The file it was planned with.
        file: String,
    },
    /// Occurs when a component cannot be instantiated any more.
    #[error("the migration of {app} to {version} cannot be started")]
    Load {
        /// The app.
        app: Name,
        /// The version.
        version: Version,
        /// Why.
        #[source]
        source: LoadError,
    },
    /// Occurs when more items failed than may.
    #[error(
        "{failed} of {read} items failed step {step} of {version}, more than {limit}; the last one, {id}: {reason}"
    )]
    TooManyFailures {
        /// The version.
        version: Version,
        /// The step.
        step: Name,
        /// How many failed.
        failed: u64,
        /// Of how many.
        read: u64,
        /// The limit.
        limit: super::MaxFailures,
        /// The last one.
        id: String,
        /// Its reason.
        reason: String,
    },
    /// Occurs when an item failed and the run is to stop at the first one.
    #[error("{collection}/{id} failed step {step} of {version}: {kind}: {reason}")]
    ItemFailed {
        /// The version.
        version: Version,
        /// The step.
        step: Name,
        /// The collection.
        collection: Name,
        /// The item's id.
        id: String,
        /// The kind of fault.
        kind: String,
        /// What was said.
        reason: String,
    },
    /// Occurs when an item cannot be brought back to an older version.
    #[error("{collection}/{id} has no way back {reason}")]
    NoWayBack {
        /// The collection.
        collection: Name,
        /// The item's id.
        id: String,
        /// Why: from which version, the kind of fault, what was said.
        reason: String,
    },
    /// Occurs when a step is to write a collection of another app.
    #[error("step {step} writes {collection}, which belongs to {owner}")]
    ForeignCollection {
        /// The step.
        step: Name,
        /// The collection.
        collection: Name,
        /// The app that owns it.
        owner: Name,
    },
    /// Occurs when there is no such run.
    #[error("there is no run {0}")]
    NoRun(RunId),
    /// Occurs when a run cannot be undone.
    #[error("run {run} cannot be undone: {reason}")]
    NotUndoable {
        /// The run.
        run: RunId,
        /// Why.
        reason: String,
    },
    /// Occurs when the pre-images of a run are still needed.
    #[error("run {} cannot be pruned: its pre-images are kept while it is {}", .0.id, .0.state)]
    NotPrunable(Box<Run>),
    /// Occurs when items were changed after the run that is to be undone.
    #[error("{} changed after run {run}: {}", counted(*.count, "item was", "items were"), .items.join(", "))]
    ChangedSince {
        /// The run.
        run: RunId,
        /// How many.
        count: u64,
        /// The first of them, as `collection/id`.
        items: Vec<String>,
    },
    /// Occurs when there is no item of that name in quarantine.
    #[error("{collection}/{id} is not in quarantine")]
    NotInQuarantine {
        /// The collection.
        collection: Name,
        /// The id.
        id: String,
    },
    /// Occurs when a thread of the host ended unexpectedly.
    #[error("a worker thread ended unexpectedly: {0}")]
    Worker(String),
}

impl From<LeaseError> for RunError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Store(error) => Self::Store(error),
            error => Self::Lease(error),
        }
    }
}

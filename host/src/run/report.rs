//! What a run says while it goes on, and in the end.

use std::path::PathBuf;

use serde::Serialize;

use super::RunProgress;
use crate::model::{Counts, Name, Phase, Plan, Run, RunId, Stage, Step, Version, counted};
use crate::sandbox::{LoadError, LogLine};
use crate::store::{LeaseError, Manifest, StoreError};

/// What happens in a run.
///
/// ```
/// use godwit::run::RunEvent;
///
/// let event = RunEvent::Waiting { reasons: vec!["paused".to_owned()] };
/// let text = match &event {
///     RunEvent::Failed { id, reason, .. } => format!("{id} failed: {reason}"),
///     RunEvent::Waiting { reasons } => format!("it waits: {}", reasons.join(", ")),
///     other => format!("{other:?}"),
/// };
/// assert_eq!(text, "it waits: paused");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RunEvent {
    /// Items are about to be brought to newer versions, or to be found up to date. Nobody has the lease yet.
    SettingUp {
        /// What is to be done; empty where everything is up to date.
        plan: Plan,
    },
    /// The store is being backed up before a run; told with every few MiB.
    BackingUp {
        /// Where the backup is to be.
        file: PathBuf,
        /// How many entries were copied so far.
        entries: u64,
    },
    /// The store was backed up; the run that the backup is for starts next.
    BackedUp {
        /// Where the backup is.
        file: PathBuf,
        /// What it has.
        manifest: Manifest,
        /// Why it was made.
        why: String,
    },
    /// The run starts, or goes on after it was interrupted.
    Started {
        /// The run.
        run: Run,
        /// Whether it goes on.
        resumed: bool,
    },
    /// A step starts, or goes on.
    StepStarted {
        /// The step.
        step: StepName,
        /// How many items it will be fed, as far as is known.
        total: Option<u64>,
        /// What became of items before.
        counts: Counts,
    },
    /// A shadow run has copied some items of a collection.
    Copied {
        /// The collection.
        collection: Name,
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
        collections: Vec<Name>,
    },
    /// A batch was committed.
    Batch {
        /// The step.
        step: StepName,
        /// What became of all items so far.
        counts: Counts,
    },
    /// An item went into quarantine.
    Failed {
        /// The step.
        step: StepName,
        /// The item's id.
        id: String,
        /// The kind of fault.
        kind: String,
        /// What was said.
        reason: String,
    },
    /// A migration wrote lines for the operator.
    Log {
        /// The step.
        step: StepName,
        /// The lines.
        lines: Vec<LogLine>,
        /// How many further ones were dropped.
        dropped: u64,
    },
    /// A migration asked for documents that it may not have. Told once for each thing of a step.
    Denied {
        /// The step.
        step: StepName,
        /// What it was, as in "read `users`".
        what: String,
    },
    /// Batches were committed: how far the run is, at most once a second.
    Progress {
        /// How far it is.
        progress: RunProgress,
    },
    /// The run is held: it waits, and keeps its lease.
    Waiting {
        /// Why.
        reasons: Vec<String>,
    },
    /// Nothing holds the run any more.
    GoesOn,
    /// A step is done.
    StepDone {
        /// The step.
        step: StepName,
        /// What became of the items.
        counts: Counts,
    },
    /// A phase of a migration is applied.
    Applied {
        /// The app.
        app: Name,
        /// The version.
        version: Version,
        /// The phase.
        phase: Phase,
    },
    /// What the run changed is being put back, or goes on to be after that was interrupted.
    UndoStarted {
        /// The run.
        run: Run,
        /// Whether it goes on.
        resumed: bool,
    },
    /// Some of what a run changed was put back; told at most once a second.
    PutBack {
        /// The run.
        run: RunId,
        /// Changes put back since [`RunEvent::UndoStarted`].
        restored: u64,
        /// Items left as they are since they were changed after the run.
        left: u64,
    },
    /// Nothing is done in the run any more, or about it: its state says how it ended.
    Ended {
        /// The run.
        run: Run,
    },
    /// A worker was overtaken: somebody else has by now what it was working under, and goes on where that stood. Nothing of what
    /// was in flight was committed.
    Fenced {
        /// What it was: a `range`, or the `lease` of the store.
        what: &'static str,
        /// Who has it now, if anybody.
        holder: Option<String>,
    },
    /// Everything that was to be done is done: the new version may serve.
    SetUp,
    /// What was asked for cannot be done, or not to its end.
    WorkFailed {
        /// Why.
        reason: String,
    },
}

/// Names a step of a run.
///
/// ```
/// use godwit::model::Phase;
/// use godwit::run::StepName;
///
/// let step = StepName {
///     app: "notes".parse()?,
///     version: "1.0.0".parse()?,
///     phase: Phase::Offline,
///     step: "create-collection-1".parse()?,
///     collection: "notes".parse()?,
/// };
/// assert_eq!(serde_json::to_value(&step)?["phase"], "offline");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StepName {
    /// The app.
    pub app: Name,
    /// The version.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub version: Version,
    /// The phase.
    pub phase: Phase,
    /// The step.
    pub step: Name,
    /// The collection that it is fed from.
    pub collection: Name,
}

impl StepName {
    pub(super) fn of(stage: &Stage, step: &Step, collection: &Name) -> Self {
        Self {
            app: stage.app.clone(),
            version: stage.version.clone(),
            phase: stage.phase,
            step: step.name.clone(),
            collection: collection.clone(),
        }
    }
}

/// Is told what happens in a run, on the thread that carries it out.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # use godwit::plan::Goal;
/// # use godwit::run::Control;
/// use godwit::run::{Observer, RunEvent};
///
/// #[derive(Default)]
/// struct Names(std::sync::Mutex<Vec<&'static str>>);
///
/// impl Observer for Names {
///     fn event(&self, event: &RunEvent) {
///         self.0.lock().unwrap().extend(event.name());
///     }
/// }
///
/// let names = Names::default();
/// host.up(&Goal::default(), &names, &Control::default())?;
/// assert!(names.0.lock().unwrap().contains(&"applied"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer: Sync {
    /// Something happened.
    fn event(&self, event: &RunEvent);
}

/// Several that are told.
impl Observer for Vec<&dyn Observer> {
    fn event(&self, event: &RunEvent) {
        self.iter().for_each(|observer| observer.event(event));
    }
}

/// Listens to nothing.
///
/// ```
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let host = godwit::Host::builder().backend(backend).open_blocking()?;
/// # let host = host.blocking();
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
///
/// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
/// assert!(reports.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {
    fn event(&self, _: &RunEvent) {}
}

/// What a run has done.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
///
/// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
/// let report = reports.last().ok_or("there was something to do")?;
/// assert!(report.is_completed());
/// assert_eq!(report.open, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Report {
    /// The run, as the store has it.
    pub run: Run,
    /// What became of the items of each step that was begun.
    pub steps: Vec<StepReport>,
    /// How many items of the run's apps are in quarantine and not accepted.
    pub open: u64,
}

impl Report {
    /// Whether it did all that it was to do. Otherwise its state says why it ended, and the next `up` goes on with it.
    pub fn is_completed(&self) -> bool {
        self.run.state == crate::model::RunState::Completed
    }
}

/// What a step has done.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
///
/// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
/// for step in reports.iter().flat_map(|report| &report.steps) {
///     println!("{} {} {}: {} items", step.app, step.version, step.step, step.counts.read);
///     assert!(step.done);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct StepReport {
    /// The app.
    pub app: Name,
    /// The version.
    #[cfg_attr(feature = "server", schema(value_type = String))]
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
///
/// ```
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let host = godwit::Host::builder().backend(backend).open_blocking()?;
/// # let host = host.blocking();
/// use godwit::model::RunId;
/// use godwit::run::{RunError, prune};
///
/// let mut lease = host.lease("prune")?;
/// let clock = &*host.surroundings().clock;
/// let error = prune(host.store(), &mut lease, clock, RunId(7)).unwrap_err();
/// assert!(matches!(error, RunError::NoRun(RunId(7))));
/// assert_eq!(error.to_string(), "there is no run 7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// Occurs when another worker of the run has met something that it cannot go on from.
    #[error("another worker gave up: {0}")]
    Elsewhere(String),
    /// Occurs when those who carry a step out together would not do the same to items; nothing was done.
    #[error(
        "this worker has another engine than those that began the step: {engine}, and not {other}"
    )]
    OtherEngine {
        /// What this one has.
        engine: String,
        /// What the others have.
        other: String,
    },
    /// Occurs when a step that is in ranges may see more by now than what it is fed, so that what it does would depend on how
    /// many carry it out; whoever finds this does nothing of it.
    #[error(
        "step {step} of {version} was put into ranges when it saw nothing but what it is fed; by now it may read or write other \
         collections, so that what it does would depend on how many carry it out: take that grant, or that plugin, back, or take the \
         run back, as `godwit runs` tells"
    )]
    SeesMore {
        /// The version.
        version: Version,
        /// The step.
        step: Name,
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

impl RunError {
    /// Whether the lease or the store is gone: then nothing can be written of it, and somebody goes on.
    pub(super) fn is_outage(&self) -> bool {
        matches!(self, Self::Lease(_) | Self::Store(_))
    }
}

impl From<LeaseError> for RunError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Store(error) => Self::Store(error),
            error => Self::Lease(error),
        }
    }
}

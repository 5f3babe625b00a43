//! What a finding says, kind by kind.

use serde::Serialize;

use crate::model::{Dependency, Digest, Name, Phase, RunId, RunState, Version, VersionReq};

use super::{Choice, Kind, Policy, Severity};

/// What a finding says beside the app, the version and the file that it is about.
///
/// ```
/// use godwit::plan::{Kind, Matter};
///
/// let matter = Matter::InvalidFile {
///     reason: "it is empty".to_owned(),
/// };
/// assert_eq!(matter.kind(), Kind::InvalidFile);
/// assert_eq!(matter.to_string(), "it is no valid migration: it is empty");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Matter {
    /// The file is no valid migration.
    InvalidFile {
        /// Why not.
        reason: String,
    },
    /// The file is missing from the catalogue.
    Gap {
        /// Who needs it.
        need: Need,
    },
    /// Another file is for the same version.
    Duplicate {
        /// The other file.
        other: String,
    },
    /// The file differs from the one that was used.
    DigestDrift {
        /// The digest of the file that was used last.
        known: Digest,
        /// The digest of the file in the catalogue.
        found: Digest,
        /// What it was used for.
        drift: Drift,
    },
    /// The version is not applied, a newer one is.
    LateArrival {
        /// The app's version.
        current: Version,
    },
    /// The migration cannot start from the version that the app would have.
    Requires {
        /// The versions that it can start from.
        requires: VersionReq,
        /// The version that the app would have.
        from: Version,
    },
    /// Another app would not have the version that the migration depends on.
    Dependency {
        /// What it depends on.
        on: Dependency,
        /// The highest version that the other app would reach; `None`: nothing would be applied.
        found: Option<Version>,
    },
    /// The migration depends on itself by way of others.
    Cycle {
        /// The others, each with app, version and file.
        through: Vec<String>,
    },
    /// The version is in the store and newer than everything in the catalogue.
    NewerStore {
        /// The newest version in the catalogue.
        newest: Version,
        /// Its file.
        newest_file: String,
        /// The collection that has an item of the version; `None`: it is the app's.
        collection: Option<Name>,
        /// Whether the app itself never came that far: the items say so, and nothing was migrated to it.
        #[serde(skip)]
        is_beyond_app: bool,
    },
    /// The version cannot be reached.
    Target {
        /// Why not.
        reason: OffTarget,
    },
    /// The stage comes after one of the other phase that is pending.
    PhaseOrder {
        /// The phase that was asked for.
        asked: Phase,
        /// The version whose stage is pending.
        pending: Version,
        /// Items wait to be brought up to date through the stage: it is applied to all others.
        behind: bool,
    },
    /// The app is not in the catalogue.
    AppUnknown {
        /// The apps that are.
        known: Vec<Name>,
    },
    /// The collection belongs to no app.
    CollectionUnknown {
        /// The collection.
        collection: Name,
    },
    /// The migration changes a collection of another app.
    ForeignCollection {
        /// The collection.
        collection: Name,
        /// The step that changes it.
        step: Name,
        /// The app that it belongs to.
        owner: Name,
        /// The file by which that app claims it; `None`: the store says so.
        owner_file: Option<String>,
    },
    /// A step asks for a collection that is not granted.
    Grant {
        /// The step.
        step: Name,
        /// What it asks to read.
        reads: Vec<Name>,
        /// What it asks to write.
        writes: Vec<Name>,
    },
    /// A run has to be finished or undone first.
    UnfinishedRun {
        /// The run.
        run: RunId,
        /// Its state.
        state: RunState,
        /// Why it cannot be gone on with.
        exclusion: Exclusion,
    },
}

/// Who needs a file that is missing.
///
/// ```
/// use godwit::model::RunId;
/// use godwit::plan::{Matter, Need};
///
/// let need = Need::Run(RunId(7));
/// let text = "its file is missing from the catalogue, and run 7 is not done with it";
/// assert_eq!(Matter::Gap { need }.to_string(), text);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Nobody: it was applied.
    History,
    /// Items that have to go through it.
    Items,
    /// A run that is not done with it.
    Run(RunId),
}

/// What a file that changed was used for.
///
/// ```
/// use godwit::model::RunId;
/// use godwit::plan::Drift;
///
/// assert_eq!(Drift::Applied.to_string(), "it was applied with");
/// let drift = Drift::InProgress(RunId(7));
/// assert_eq!(drift.to_string(), "run 7 is in progress with");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// It was applied.
    Applied,
    /// A run is in progress with it, and the new file has the same steps.
    InProgress(RunId),
    /// A run is in the middle of it, and the new file has other steps.
    OtherSteps(RunId),
    /// Items failed it that will be tried again with the new file.
    Retried,
}

/// Why a version cannot be reached.
///
/// ```
/// use godwit::model::Version;
/// use godwit::plan::OffTarget;
///
/// let reason = OffTarget::Below {
///     current: Version::new(2, 0, 0),
///     run: None,
/// };
/// assert_eq!(reason.to_string(), "lies below the present version 2.0.0");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OffTarget {
    /// The catalogue has several apps and none was named.
    WithoutApp {
        /// The apps of the catalogue.
        known: Vec<Name>,
    },
    /// The catalogue has no such version.
    Absent {
        /// The versions that it has.
        known: Vec<Version>,
    },
    /// It lies below the present one.
    Below {
        /// The present version.
        current: Version,
        /// The run that led to it, if one did.
        run: Option<RunId>,
    },
}

/// Why a run cannot be gone on with.
///
/// ```
/// use godwit::model::{RunId, RunState};
/// use godwit::plan::{Exclusion, Matter};
///
/// let matter = Matter::UnfinishedRun {
///     run: RunId(7),
///     state: RunState::Failed,
///     exclusion: Exclusion::OtherApp,
/// };
/// let text = "run 7 is failed, and this app was not asked for";
/// assert_eq!(matter.to_string(), text);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusion {
    /// It has stages left of an app that was not asked for.
    OtherApp,
    /// It leads beyond the version that was asked for.
    BeyondTarget,
    /// It has stages left of the phase that was not asked for.
    OtherPhase,
    /// It is being undone.
    Undoing,
    /// It brings an app back to an older version.
    GoingDown,
}

impl Matter {
    /// The kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::InvalidFile { .. } => Kind::InvalidFile,
            Self::Gap { .. } => Kind::Gap,
            Self::Duplicate { .. } => Kind::Duplicate,
            Self::DigestDrift { .. } => Kind::DigestDrift,
            Self::LateArrival { .. } => Kind::LateArrival,
            Self::Requires { .. } => Kind::Requires,
            Self::Dependency { .. } => Kind::Dependency,
            Self::Cycle { .. } => Kind::Cycle,
            Self::NewerStore { .. } => Kind::NewerStore,
            Self::Target { .. } => Kind::Target,
            Self::PhaseOrder { .. } => Kind::PhaseOrder,
            Self::AppUnknown { .. } => Kind::AppUnknown,
            Self::CollectionUnknown { .. } => Kind::CollectionUnknown,
            Self::ForeignCollection { .. } => Kind::ForeignCollection,
            Self::Grant { .. } => Kind::Grant,
            Self::UnfinishedRun { .. } => Kind::UnfinishedRun,
        }
    }

    /// The run that it names.
    pub(super) fn run(&self) -> Option<RunId> {
        match self {
            Self::Gap {
                need: Need::Run(run),
            }
            | Self::DigestDrift {
                drift: Drift::InProgress(run) | Drift::OtherSteps(run),
                ..
            }
            | Self::UnfinishedRun { run, .. } => Some(*run),
            Self::Target {
                reason: OffTarget::Below { run, .. },
            } => *run,
            _ => None,
        }
    }

    /// What follows under `policy`.
    pub(super) fn severity(&self, policy: &Policy) -> Severity {
        match (self, policy.choice(self.kind())) {
            (
                Self::DigestDrift {
                    drift: Drift::Retried,
                    ..
                },
                _,
            ) => Severity::Info,
            _ if self.is_certain() => Severity::Refused,
            (_, Choice::Refuse) => Severity::Refused,
            (_, Choice::Warn) => Severity::Warned,
            (_, Choice::Accept) => Severity::Accepted,
        }
    }

    /// Whether it is refused although a policy can choose about others of its kind.
    pub(super) fn is_certain(&self) -> bool {
        match self {
            Self::Gap { need } => *need != Need::History,
            Self::DigestDrift { drift, .. } => matches!(drift, Drift::OtherSteps(_)),
            _ => !self.kind().is_choosable(),
        }
    }
}

//! Plans, and the runs that carry them out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Counts, Digest, Name, Phase, Position, Step, Timestamp, Version};

/// Which steps will run on what, in order. Nothing is left to decide later.
///
/// ```
/// use godwit::model::Plan;
///
/// let plan = Plan::default();
/// assert!(plan.is_empty());
/// assert_eq!(plan.stages.len(), 0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Plan {
    /// The stages in order.
    pub stages: Vec<Stage>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }
}

/// One phase of one migration: what the history remembers as applied.
///
/// ```
/// use godwit::model::{Digest, Phase, Source, Stage, Version};
///
/// let stage = Stage {
///     app: "notes".parse()?,
///     version: Version::new(1, 5, 0),
///     from: Some(Version::new(2, 0, 0)),
///     phase: Phase::Offline,
///     digest: Digest::of(b"the file"),
///     file: "notes-1.5.0.wasm".to_owned(),
///     first_step: 0,
///     steps: Vec::new(),
///     source: Source::Collection,
/// };
/// assert!(stage.is_late());
/// assert_eq!(stage.position(2).step, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Stage {
    /// The app.
    pub app: Name,
    /// The version that the stage leads to.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub version: Version,
    /// The app's version before; `None` on a fresh store.
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub from: Option<Version>,
    /// The phase.
    pub phase: Phase,
    /// The migration's digest when the plan was made.
    pub digest: Digest,
    /// The name of the migration's file, for people.
    pub file: String,
    /// The place of the first of `steps` in the whole migration, from 0.
    pub first_step: u32,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Which items the steps are fed.
    pub source: Source,
}

impl Stage {
    /// Whether newer versions were applied before this one, which items then keep.
    pub fn is_late(&self) -> bool {
        self.source == Source::Collection && self.from.as_ref() > Some(&self.version)
    }

    /// The place, in the whole migration, of a step by its place in the stage.
    ///
    /// # Panics
    /// When there are more than `u32::MAX` steps; a migration has at most 1,000.
    pub fn position(&self, place: usize) -> Position {
        let place = u32::try_from(place).expect("migrations have at most 1,000 steps");
        Position {
            version: self.version.clone(),
            step: self.first_step + place,
        }
    }
}

/// Which items a stage is fed.
///
/// ```
/// use godwit::model::Source;
///
/// let item = Source::Item("notes".parse()?, "first".to_owned());
/// assert_ne!(item, Source::Collection);
/// assert_eq!(Source::default(), Source::Collection);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Source {
    /// Every item of the step's collection, but for those with an entry of their own
    /// ([`super::Apart`]) whose turn it is not.
    #[default]
    Collection,
    /// Items that wait to be brought up to date.
    Behind,
    /// Items in quarantine: those named (as pairs of collection and id), or all that nobody has accepted.
    Quarantine(Option<Vec<(Name, String)>>),
    /// One item, ahead of its collection if need be.
    Item(Name, String),
}

/// Numbers the runs of a store from 1.
///
/// ```
/// use godwit::model::RunId;
///
/// let run: RunId = "7".parse()?;
/// assert_eq!(run, RunId(7));
/// assert_eq!(run.to_string(), "7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for RunId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A plan being carried out, as the store keeps it.
///
/// ```
/// use godwit::model::{Run, RunState};
///
/// let text = r#"{"id": 7, "purpose": "up", "state": "failed", "started_at": 0, "changed_at": 0,
///     "seed": 0, "plan": {"stages": []}, "stages_done": 0, "has_pre_images": true}"#;
/// let run: Run = serde_json::from_str(text)?;
/// assert_eq!(run.state, RunState::Failed);
/// assert!(run.keeps_pre_images && run.backup.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// What it is for.
    pub purpose: Purpose,
    /// How far it has come.
    pub state: RunState,
    /// Why it is in that state, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was first started.
    pub started_at: Timestamp,
    /// When its state was last changed.
    pub changed_at: Timestamp,
    /// What migrations get as their seed.
    pub seed: u64,
    /// What it carries out.
    pub plan: Plan,
    /// How many stages are done.
    pub stages_done: u32,
    /// How many stages were begun, where steps of several are carried out in one pass: those that are not
    /// done have checkpoints.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stages_begun: u32,
    /// Whether its pre-images are still kept, so that it can be undone.
    pub has_pre_images: bool,
    /// Whether it keeps pre-images at all, or kept them.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub keeps_pre_images: bool,
    /// The name of the file of the backup that was made before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Runs of before this could be chosen kept them.
fn yes() -> bool {
    true
}

fn is_yes(answer: &bool) -> bool {
    *answer
}

/// What a run is for.
///
/// ```
/// use godwit::model::Purpose;
///
/// assert!(Purpose::Up.is_exclusive());
/// assert!(!Purpose::Retry.is_exclusive());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Purpose {
    /// Brings apps to newer versions.
    Up,
    /// Tries items in quarantine again.
    Retry,
    /// Brings one item up to date.
    Item,
    /// Brings an app back to an older version, by the ways back of its migrations. Its plan has one stage, with a step for
    /// each collection of the app.
    Down,
    /// Brings apps to newer versions in generations of their collections that become live later.
    Shadow,
}

impl Purpose {
    /// Whether an unfinished run of this kind must be finished or undone before another one may start.
    pub fn is_exclusive(self) -> bool {
        matches!(self, Self::Up | Self::Down | Self::Shadow)
    }
}

/// How far a run has come.
///
/// ```
/// use godwit::model::RunState;
///
/// assert!(RunState::Blocked.is_unfinished());
/// assert!(!RunState::Completed.is_unfinished());
/// assert_eq!(RunState::Blocked.to_string(), "blocked");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum RunState {
    /// It is being carried out, or its process died; `up` goes on with it.
    Running,
    /// It was stopped on request; `up` goes on with it.
    Stopped,
    /// It failed; once the reason is gone, `up` goes on with it.
    Failed,
    /// Items in quarantine keep a stage from being applied: retry or accept them, then `up`.
    Blocked,
    /// Every stage is done.
    Completed,
    /// It is being undone, or the process that did so died; `undo` goes on with it.
    Undoing,
    /// Everything is as it was before it.
    Undone,
}

impl RunState {
    /// Whether the run can be gone on with.
    pub fn is_unfinished(self) -> bool {
        match self {
            Self::Running | Self::Stopped | Self::Failed | Self::Blocked => true,
            Self::Completed | Self::Undoing | Self::Undone => false,
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        })
    }
}

/// How far a step of a run has come: its checkpoint.
///
/// ```
/// use godwit::model::Progress;
///
/// let progress = Progress {
///     after: Some("first".to_owned()),
///     ..Progress::default()
/// };
/// assert!(!progress.done);
/// assert_eq!(progress.counts.read, 0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The last id that is done; `None` before the first batch.
    pub after: Option<String>,
    /// Whether the step is done.
    pub done: bool,
    /// What became of the items so far.
    pub counts: Counts,
}

//! What is told over HTTP that is not what the library itself has a type for.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::model::{Difference, Digest, Failure, Name, Phase, Plan, RunId, Timestamp};
use crate::plan::{self, Severity};
use crate::run::{Pacing, Report, RunProgress};

/// What the server does, or did.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Activity {
    /// Its number; 0: another process does it.
    pub number: u64,
    /// What it is for, as in `up`, `undo`, `backup`.
    pub purpose: String,
    /// How far it is.
    pub state: ActivityState,
    /// When it was begun; `null` where another process did that.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The run that it carries out, once that is known.
    pub run: Option<RunId>,
    /// Whether it can be directed from here where it has a run: paused, cancelled, throttled where it has a pace. Another process
    /// may have no socket for that, or not answer.
    pub directed: bool,
    /// Why it waits; empty where it does not.
    pub holds: Vec<String>,
    /// Whether it was asked to stop.
    pub is_stopping: bool,
    /// How fast it may go, while it goes on.
    pub pacing: Option<Pace>,
    /// How far its run is, while it goes on.
    pub progress: Option<RunProgress>,
    /// Why it failed.
    pub error: Option<Problem>,
    /// What its runs did, once it has ended.
    #[schema(value_type = Option<Vec<Report>>)]
    pub reports: Option<Vec<Value>>,
    /// What it came to, once it has ended well.
    pub result: Option<Value>,
}

/// How far something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ActivityState {
    /// It goes on.
    Working,
    /// It has ended.
    Done,
    /// It has ended with an error.
    Failed,
}

/// What the server does, if anything.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CurrentActivity {
    /// What goes on, or else ended last.
    pub activity: Option<Activity>,
}

/// How fast work may go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pace {
    /// So many items a second at most.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub items_per_second: Option<NonZeroU32>,
    /// So many percent of the time at most.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub duty: Option<u8>,
    /// Milliseconds of rest after each batch of each thread.
    #[serde(default)]
    #[schema(maximum = 3_600_000)]
    pub rest: u64,
    /// Bytes of items that are fed at once; otherwise what was chosen when it began.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub batch_bytes: Option<usize>,
}

impl From<Pacing> for Pace {
    fn from(pacing: Pacing) -> Self {
        Self {
            items_per_second: pacing.items_per_second,
            duty: pacing.duty,
            rest: u64::try_from(pacing.rest.as_millis()).unwrap_or(u64::MAX),
            batch_bytes: pacing.batch_bytes,
        }
    }
}

impl Pace {
    /// The longest rest, in milliseconds.
    const LONGEST_REST: u64 = 3_600_000;

    /// What it means, or what is wrong with it.
    pub(super) fn checked(self) -> Result<Pacing, Problem> {
        let bad = |detail: &str| {
            Err(Problem::new(
                axum::http::StatusCode::UNPROCESSABLE_ENTITY,
                detail,
            ))
        };
        if self.duty.is_some_and(|duty| !(1..=100).contains(&duty)) {
            return bad("`duty` is from 1 to 100");
        }
        if self.rest > Self::LONGEST_REST {
            return bad("`rest` is an hour at most");
        }
        if self
            .batch_bytes
            .is_some_and(|bytes| bytes == 0 || bytes > Pacing::MAX_BATCH_BYTES)
        {
            return bad("`batch_bytes` is from 1 to 16 MiB");
        }
        Ok(Pacing {
            items_per_second: self.items_per_second,
            duty: self.duty,
            rest: Duration::from_millis(self.rest),
            batch_bytes: self.batch_bytes,
        })
    }
}

/// Something that an operator should know before anything is done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Finding {
    /// Which kind it is, as in `gap`.
    pub kind: String,
    /// What follows from it.
    pub severity: Severity,
    /// The app that it is about.
    pub app: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The migration's file.
    pub file: Option<String>,
    /// What it says.
    pub message: String,
    /// The way out.
    pub way_out: String,
}

/// What would be done, or why nothing can be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Planned {
    /// What would be done; empty where a finding is refused.
    pub plan: Plan,
    /// The run that would go on.
    pub resumes: Option<RunId>,
    /// What an operator should know.
    #[schema(value_type = Vec<Finding>)]
    pub findings: Vec<plan::Finding>,
}

impl From<plan::Planned> for Planned {
    fn from(planned: plan::Planned) -> Self {
        let plan::Planned {
            plan,
            resumes,
            findings,
        } = planned;
        Self {
            plan,
            resumes,
            findings,
        }
    }
}

/// A migration, as it was found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Migration {
    /// The app.
    pub app: Name,
    /// The version that it leads to.
    pub version: String,
    /// Its file.
    pub file: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// One line for people.
    pub summary: String,
    /// The phases that are applied.
    pub applied: Vec<Phase>,
    /// Whether it has a way back of its own, for `down`.
    pub reverts: bool,
    /// Its steps.
    pub steps: Vec<MigrationStep>,
}

/// A step of a migration.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MigrationStep {
    /// Its name.
    pub name: Name,
    /// When it runs.
    pub phase: Phase,
    /// What it is.
    pub kind: StepKind,
    /// The collection that it is about.
    pub collection: Name,
}

/// What a step is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum StepKind {
    /// It makes new items of those that it is fed.
    Rewrite,
    /// It derives others from them.
    Derive,
    /// It changes what collections and indexes there are.
    Schema,
}

/// The migrations that there are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Migrations {
    /// Those that can be carried out.
    pub items: Vec<Migration>,
    /// Files that are none.
    pub rejected: Vec<RejectedFile>,
}

/// A file that is no valid migration.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RejectedFile {
    /// The file.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// An item in quarantine.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Quarantined {
    /// Its collection.
    pub collection: Name,
    /// Its id.
    pub id: String,
    /// The version that it has.
    pub version: String,
    /// Why it is there.
    pub failure: Failure,
}

/// An item in quarantine, with what it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuarantinedItem {
    #[serde(flatten)]
    pub about: Quarantined,
    /// Its body, where that is JSON.
    #[schema(value_type = Option<Value>)]
    pub body: Option<Box<RawValue>>,
    /// Its body as text: numbers as they are written.
    pub text: String,
    /// What the run in which it failed found, where that is kept.
    #[schema(value_type = Option<Value>)]
    pub before: Option<Box<RawValue>>,
    /// How the body differs from that.
    pub diff: Vec<Diff>,
    /// Whether they were not compared, since one is longer than a mebibyte or no JSON.
    pub diff_omitted: bool,
}

/// One difference between two bodies.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Diff {
    /// Where: a JSON pointer; empty for the whole body.
    pub pointer: String,
    /// What was there; left out: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What was there, as text: numbers as they are written.
    pub before_text: Option<String>,
    /// What is there now; left out: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// What is there now, as text.
    pub after_text: Option<String>,
}

impl From<Difference> for Diff {
    fn from(difference: Difference) -> Self {
        let Difference {
            pointer,
            before,
            after,
        } = difference;
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
        Self {
            pointer,
            before_text: text(&before),
            before,
            after_text: text(&after),
            after,
        }
    }
}

/// An item.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Item {
    /// Its id.
    pub id: String,
    /// The version whose shape its body has.
    pub version: String,
    /// Its body, where that is JSON.
    #[schema(value_type = Option<Value>)]
    pub body: Option<Box<RawValue>>,
    /// Its body as text: numbers as they are written.
    pub text: String,
    /// Why it has not the version that was asked for, where it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_back: Option<String>,
}

impl From<crate::host::Document> for Item {
    fn from(document: crate::host::Document) -> Self {
        Self {
            id: document.id,
            version: document.version.to_string(),
            body: serde_json::from_slice(&document.body).ok(),
            text: String::from_utf8_lossy(&document.body).into_owned(),
            kept_back: document.kept_back,
        }
    }
}

//! What happens in a run, for programs.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::report::RunEvent;
use crate::model::{Plan, Run, Timestamp};
use crate::sandbox::LogLine;
use crate::store::Manifest;

impl RunEvent {
    /// The name of the event, for programs; `None` for those that come with every batch, of which
    /// [`RunEvent::Progress`] tells at most once a second, or with every part of a backup.
    ///
    /// ```
    /// use godwit::run::RunEvent;
    ///
    /// let reasons = vec!["it is day".to_owned()];
    /// assert_eq!(RunEvent::Waiting { reasons }.name(), Some("paused"));
    /// let backing_up = RunEvent::BackingUp { file: "backups/first".into(), entries: 1_000 };
    /// assert_eq!(backing_up.name(), None);
    /// ```
    pub fn name(&self) -> Option<&'static str> {
        Some(match self {
            Self::SettingUp { .. } => "setting_up",
            Self::BackingUp { .. } | Self::Batch { .. } => return None,
            Self::BackedUp { .. } => "backup",
            Self::Started { .. } => "run_started",
            Self::Copied { done: false, .. } => return None,
            Self::Copied { done: true, .. } => "copied",
            Self::Followed { .. } => "followed",
            Self::Switched { .. } => "switched",
            Self::StepStarted { .. } => "step_started",
            Self::Progress { .. } => "batch_committed",
            Self::Waiting { .. } => "paused",
            Self::GoesOn => "resumed",
            Self::Failed { .. } => "item_failed",
            Self::Log { .. } => "log",
            Self::Denied { .. } => "denied",
            Self::StepDone { .. } => "step_done",
            Self::Applied { .. } => "applied",
            Self::UndoStarted { .. } => "undo_started",
            Self::PutBack { .. } => "put_back",
            Self::Ended { .. } => "run_done",
            Self::Fenced { .. } => "fenced",
            Self::SetUp => "set_up",
            Self::WorkFailed { .. } => "work_failed",
        })
    }

    /// Every name that [`RunEvent::name`] gives.
    pub const NAMES: &'static [&'static str] = &[
        "setting_up",
        "backup",
        "run_started",
        "copied",
        "followed",
        "switched",
        "step_started",
        "batch_committed",
        "paused",
        "resumed",
        "item_failed",
        "log",
        "denied",
        "step_done",
        "applied",
        "undo_started",
        "put_back",
        "run_done",
        "fenced",
        "set_up",
        "work_failed",
    ];

    /// The event as a JSON object, which says when it happened, in milliseconds since 1970;
    /// `None` where it has no name.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::run::RunEvent;
    ///
    /// let json = RunEvent::SetUp.to_json(Timestamp(1_000)).ok_or("it has a name")?;
    /// assert_eq!(json["event"], "set_up");
    /// assert_eq!(json["at"], 1_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self, at: Timestamp) -> Option<Value> {
        let mut object = Map::new();
        object.insert("event".to_owned(), self.name()?.into());
        object.insert("at".to_owned(), at.0.into());
        if let Value::Object(more) = self.more() {
            object.extend(more);
        }
        Some(Value::Object(object))
    }

    fn more(&self) -> Value {
        match self {
            Self::SettingUp { plan } => json!({ "stages": stages(plan) }),
            Self::BackingUp { file, entries } => json!({ "file": file, "entries": entries }),
            Self::BackedUp {
                file,
                manifest,
                why,
            } => backed_up(file, manifest, why),
            Self::Started { run, resumed } => {
                let mut told = begun(run, *resumed);
                told["stages"] = stages(&run.plan);
                told
            }
            Self::StepStarted {
                step,
                total,
                counts,
            } => json!({ "step": step, "total": total, "counts": counts }),
            Self::Copied {
                collection, items, ..
            } => json!({ "collection": collection, "items": items }),
            Self::Followed { writes } => json!({ "writes": writes }),
            Self::Switched { collections } => json!({ "collections": collections }),
            Self::Batch { step, counts } | Self::StepDone { step, counts } => {
                json!({ "step": step, "counts": counts })
            }
            Self::Progress { progress } => json!({ "progress": progress }),
            Self::Waiting { reasons } => json!({ "reasons": reasons }),
            Self::GoesOn | Self::SetUp => Value::Null,
            Self::Failed {
                step,
                id,
                kind,
                reason,
            } => json!({ "step": step, "id": id, "kind": kind, "reason": reason }),
            Self::Log {
                step,
                lines: said,
                dropped,
            } => json!({ "step": step, "lines": lines(said), "dropped": dropped }),
            Self::Denied { step, what } => json!({ "step": step, "what": what }),
            Self::Applied {
                app,
                version,
                phase,
            } => json!({ "app": app, "version": version, "phase": phase }),
            Self::UndoStarted { run, resumed } => begun(run, *resumed),
            Self::PutBack {
                run,
                restored,
                left,
            } => json!({ "run": run, "restored": restored, "left": left }),
            Self::Ended { run } => about(run),
            Self::Fenced { what, holder } => json!({ "what": what, "holder": holder }),
            Self::WorkFailed { reason } => json!({ "reason": reason }),
        }
    }
}

fn backed_up(file: &Path, manifest: &Manifest, why: &str) -> Value {
    json!({
        "file": file,
        "why": why,
        "entries": manifest.entries,
        "bytes": manifest.bytes,
        "digest": manifest.digest,
    })
}

fn begun(run: &Run, resumed: bool) -> Value {
    let mut told = about(run);
    told["resumed"] = resumed.into();
    told
}

fn about(run: &Run) -> Value {
    let mut told = json!({
        "run": run.id,
        "purpose": run.purpose,
        "state": run.state,
        "reason": run.reason,
        "pre_images": run.keeps_pre_images,
    });
    if let Some(restore) = run.restore() {
        told["restore"] = restore.into();
    }
    told
}

fn stages(plan: &Plan) -> Value {
    let stages = plan.stages.iter().map(|stage| {
        let steps: Vec<_> = stage.steps.iter().map(|step| &step.name).collect();
        json!({
            "app": stage.app,
            "version": stage.version,
            "from": stage.from,
            "phase": stage.phase,
            "steps": steps,
        })
    });
    stages.collect()
}

fn lines(lines: &[LogLine]) -> Value {
    let lines = lines.iter().map(|line| {
        json!({
            "level": format!("{:?}", line.level).to_lowercase(),
            "item": line.item,
            "message": line.message,
        })
    });
    lines.collect()
}

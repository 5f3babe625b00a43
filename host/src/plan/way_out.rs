//! What to do about a finding.

use crate::model::{Name, Phase, Retreat, Version};

use super::finding::Subject;
use super::message::listed;
use super::{Drift, Exclusion, Finding, Matter, Need, OffTarget};

impl Finding {
    /// What to do next, with the command.
    ///
    /// ```
    /// use godwit::plan::{Goal, Policy, Recorded, plan};
    ///
    /// let goal = Goal {
    ///     app: Some("nots".parse()?),
    ///     ..Goal::default()
    /// };
    /// let planned = plan(&[], &Recorded::default(), &goal, &Policy::default());
    /// let way_out = planned.findings[0].way_out();
    /// assert_eq!(way_out, "check the app's name and the catalogue's folder");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn way_out(&self) -> String {
        let subject = &self.subject;
        match &self.matter {
            Matter::InvalidFile { .. } => format!(
                "mend the file or take it out of the folder, or go on without it: {}",
                accepting("invalid-file")
            ),
            Matter::Gap { need } => after_gap(&file(subject), *need, self.retreat.as_ref()),
            Matter::Duplicate { other } => {
                format!("remove {} or {other} from the catalogue", file(subject))
            }
            Matter::DigestDrift { drift, .. } => {
                after_drift(subject, *drift, self.retreat.as_ref())
            }
            Matter::LateArrival { current } => after_late_arrival(&file(subject), current),
            Matter::Requires { .. } => format!(
                "add the migrations in between to the catalogue, or go on: {}",
                accepting("requires")
            ),
            Matter::Dependency { on, .. } => after_dependency(&on.app),
            Matter::Cycle { .. } => after_cycle(subject.app.as_ref()),
            Matter::NewerStore {
                collection: Some(collection),
                is_beyond_app: true,
                ..
            } => format!(
                "use a catalogue that goes up to {subject}, or replace or delete what has it in {collection}"
            ),
            Matter::NewerStore { .. } => {
                format!("use a catalogue that goes up to {subject}")
            }
            Matter::Target { reason } => after_off_target(subject, reason, self.retreat.as_ref()),
            Matter::PhaseOrder {
                asked,
                pending,
                behind,
            } => {
                let is_own = subject.version.as_ref() == Some(pending);
                after_phase_order(*asked, is_own && !behind)
            }
            Matter::AppUnknown { .. } => {
                "check the app's name and the catalogue's folder".to_owned()
            }
            Matter::CollectionUnknown { .. } => {
                "check the collection's name: `godwit status` lists them".to_owned()
            }
            Matter::ForeignCollection {
                collection, owner, ..
            } => {
                format!("leave {collection} to the migrations of {owner}; others may only read it")
            }
            Matter::Grant { reads, writes, .. } => {
                after_missing_grant(subject.app.as_ref(), reads, writes)
            }
            Matter::UnfinishedRun { exclusion, .. } => {
                after_unfinished(*exclusion, self.retreat.as_ref())
            }
        }
    }
}

fn file(subject: &Subject) -> String {
    subject
        .file
        .clone()
        .unwrap_or_else(|| format!("the file of {subject}"))
}

fn accepting(kind: &str) -> String {
    format!("repeat the command with `--accept {kind}`")
}

fn after_missing_grant(app: Option<&Name>, reads: &[Name], writes: &[Name]) -> String {
    let app = app.map_or("APP", Name::as_str);
    let read = reads
        .iter()
        .map(|name| format!("--grant {app}:{name}:read"));
    let write = writes.iter().map(|name| format!("--grant {app}:{name}"));
    let flags: Vec<_> = read.chain(write).collect();
    format!(
        "grant it, here or under [grants] in godwit.toml: `{}`; or run it without: {}",
        flags.join(" "),
        accepting("grant")
    )
}

/// `before`, the command that takes a run back, and `after`; nothing where there is none.
fn back(before: &str, retreat: Option<&Retreat>, after: &str) -> String {
    retreat.map_or_else(String::new, |way| format!("{before}`{way}`{after}"))
}

/// What goes on with a run that has this retreat, behind `then`.
fn goes_on(retreat: Option<&Retreat>) -> &'static str {
    match retreat {
        // It is `godwit up --shadow` or `godwit finalize`, whichever was given.
        Some(Retreat::Reset) => "the same command goes on",
        Some(Retreat::Undo(_) | Retreat::Restore(_) | Retreat::InOrder(_)) | None => "`godwit up`",
    }
}

fn after_gap(file: &str, need: Need, retreat: Option<&Retreat>) -> String {
    match need {
        Need::History => {
            format!(
                "put {file} back into the catalogue, or go on without: {}",
                accepting("gap")
            )
        }
        Need::Items => format!("put {file} back into the catalogue: there is no way around it"),
        Need::Run(_) => format!(
            "put {file} back into the catalogue, then {}{}",
            goes_on(retreat),
            back("; or give the run up: ", retreat, "")
        ),
    }
}

fn after_drift(subject: &Subject, drift: Drift, retreat: Option<&Retreat>) -> String {
    let file = file(subject);
    let (again, with_new) = match retreat {
        Some(Retreat::Reset) => (", then `godwit up --shadow`", accepting("digest-drift")),
        _ => (
            ", then `godwit up`",
            "`godwit up --accept digest-drift`".to_owned(),
        ),
    };
    let again = back("; or start again with the new one: ", retreat, again);
    let then = goes_on(retreat);
    let name = match (&subject.app, &subject.version) {
        (Some(app), Some(version)) => format!("{app} {version}"),
        _ => "APP VERSION".to_owned(),
    };
    match drift {
        Drift::Applied => format!(
            "put the {file} back that was applied, or give the new one a version of its own; or \
             let it be: {}; or take it for the applied one from now on: `godwit repair {name} --reason TEXT`",
            accepting("digest-drift")
        ),
        Drift::InProgress(_) => format!(
            "put the {file} back that the run began with, then {then}{again}; or go on with the \
             new one: {with_new}"
        ),
        Drift::OtherSteps(_) => {
            format!("put the {file} back that the run began with, then {then}{again}")
        }
        Drift::Retried => "nothing: items are tried again with the new file".to_owned(),
    }
}

fn after_late_arrival(file: &str, current: &Version) -> String {
    let accept = accepting("late-arrival");
    format!("give {file} a version above {current}, or apply it now: {accept}")
}

fn after_dependency(app: &Name) -> String {
    let accept = accepting("dependency");
    format!("bring {app} there first: `godwit up --app {app}`; or go on without: {accept}")
}

fn after_cycle(app: Option<&Name>) -> String {
    let app = app.map_or("APP", Name::as_str);
    format!(
        "loosen one of the dependencies; or take one app by itself: `godwit up --app {app} \
         --accept dependency`"
    )
}

fn after_off_target(subject: &Subject, reason: &OffTarget, retreat: Option<&Retreat>) -> String {
    match reason {
        OffTarget::WithoutApp { known } => {
            let app = known.first().map_or("APP", Name::as_str);
            format!("name the app: `godwit up --app {app} --to {subject}`")
        }
        OffTarget::Absent { known } => format!("choose one of {}", listed(known)),
        OffTarget::Below { run: None, .. } => {
            "use undo, which goes back run by run: `godwit undo RUN`".to_owned()
        }
        OffTarget::Below { run: Some(run), .. } => {
            let app = subject.app.as_ref().map_or("APP", Name::as_str);
            let to = { subject.version.as_ref() }.map_or("V".to_owned(), ToString::to_string);
            let down = format!(
                "use `godwit down --app {app} --to {to}`, which goes back by the migrations' own `revert` and keeps what \
                 was changed since"
            );
            match retreat {
                Some(undo @ (Retreat::Undo(_) | Retreat::InOrder(_))) => {
                    format!("{down}; or use undo, which goes back run by run: `{undo}`")
                }
                instead => format!(
                    "{down}{}; run {run} has no pre-images that could be put back",
                    back(
                        "; or put the whole store back as it was before the run that led there: ",
                        instead,
                        ""
                    )
                ),
            }
        }
    }
}

fn after_phase_order(asked: Phase, is_own: bool) -> String {
    let other = match asked {
        Phase::Offline => Phase::Online,
        Phase::Online => Phase::Offline,
    };
    let first = format!("first `godwit up --phase {other}`");
    if is_own {
        first
    } else {
        format!("{first}; or go ahead: {}", accepting("phase-order"))
    }
}

fn after_unfinished(exclusion: Exclusion, retreat: Option<&Retreat>) -> String {
    let or_give_up = back("; or give it up: ", retreat, "");
    match exclusion {
        Exclusion::Undoing => back("let it be undone: ", retreat, ""),
        Exclusion::GoingDown => format!("go on with it, as `godwit status` says{or_give_up}"),
        _ => format!("go on with it: `godwit up`{or_give_up}"),
    }
}

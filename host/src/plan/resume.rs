//! Going on with a run that is not finished.

use std::collections::BTreeSet;

use crate::model::{
    Migration, Name, Phase, Purpose, Run, RunState, Source, Stage, Step, StepWork, Version,
};

use super::due::Due;
use super::finding::Subject;
use super::findings::Findings;
use super::lines::Lines;
use super::{Drift, Exclusion, Goal, Matter, Need, Recorded};

/// The run to go on with, if there is one.
pub(super) fn resumable(recorded: &Recorded) -> Option<&Run> {
    let run = recorded.unfinished.as_ref()?;
    let goes_up = matches!(run.purpose, Purpose::Up | Purpose::Shadow);
    (goes_up && run.state.is_unfinished()).then_some(run)
}

/// What is left of a run.
fn left(run: &Run) -> &[Stage] {
    run.plan
        .stages
        .get(run.stages_done as usize..)
        .unwrap_or_default()
}

/// Whether a run is no concern of what is wanted: all that is left of it are online stages, which go on while the app serves, and
/// only offline ones are asked for.
pub(super) fn is_beside(run: &Run, goal: &Goal) -> bool {
    let left = left(run);
    goal.phase == Some(Phase::Offline)
        && run.purpose == Purpose::Up
        && !left.is_empty()
        && left.iter().all(|stage| stage.phase == Phase::Online)
}

/// Reports a run that has stages of the other phase left, before which nothing of this one is begun.
pub(super) fn report_other_phase(run: &Run, findings: &mut Findings<'_>) {
    report_unfinished(run, left(run).first(), Exclusion::OtherPhase, findings);
}

/// Reports a run that goes back: until that is done nothing can be planned.
pub(super) fn check_going_back(recorded: &Recorded, findings: &mut Findings<'_>) {
    let Some(run) = &recorded.unfinished else {
        return;
    };
    let exclusion = match (run.state, run.purpose) {
        (RunState::Undoing, _) => Exclusion::Undoing,
        (_, Purpose::Down) => Exclusion::GoingDown,
        _ => return,
    };
    report_unfinished(run, run.plan.stages.first(), exclusion, findings);
}

/// The run's own plan. What is left of it has the digests and steps of the files as they are, if
/// those changed and that is accepted.
///
/// Whatever else is pending or has changed is left to the next plan: going on comes first.
pub(super) fn resumed(
    run: &Run,
    lines: &Lines<'_>,
    goal: &Goal,
    target: Option<&Name>,
    findings: &mut Findings<'_>,
) -> Vec<Stage> {
    let mut stages = run.plan.stages.clone();
    let done = (run.stages_done as usize).min(stages.len());
    let left = &mut stages[done..];
    check_goal(run, left, goal, target, findings);
    let is_begun = |place: usize| place == 0 || done + place < run.stages_begun as usize;
    let mut reported = BTreeSet::new();
    for (place, stage) in left.iter_mut().enumerate() {
        let file = lines
            .get(&stage.app)
            .and_then(|line| line.files.get(&stage.version));
        let (stale, matter) = match file {
            Some(migration) if migration.digest == stage.digest => continue,
            Some(migration) => adapt(stage, migration, is_begun(place), run),
            None => (
                Subject::from(&*stage),
                Matter::Gap {
                    need: Need::Run(run.id),
                },
            ),
        };
        // Both stages of a version, or the parts of one, have the same to say.
        if reported.insert((
            stage.app.clone(),
            stage.version.clone(),
            matter.is_certain(),
        )) {
            findings.add(stale, matter);
        }
    }
    stages
}

/// Gives a stage the file as it is now, unless the run is in the middle of other steps.
fn adapt(stage: &mut Stage, migration: &Migration, is_begun: bool, run: &Run) -> (Subject, Matter) {
    let (known, found) = (stage.digest, migration.digest);
    let adapted = adapted(stage, migration, is_begun);
    let drift = match &adapted {
        Some(_) => Drift::InProgress(run.id),
        None => Drift::OtherSteps(run.id),
    };
    *stage = adapted.unwrap_or_else(|| stage.clone());
    (
        migration.into(),
        Matter::DigestDrift {
            known,
            found,
            drift,
        },
    )
}

/// The stage with the file as it is now. A stage that was begun has checkpoints by step, and one that
/// is not of whole collections has parts of the steps: they need the same steps.
fn adapted(stage: &Stage, migration: &Migration, is_begun: bool) -> Option<Stage> {
    let due = Due {
        migration,
        phase: stage.phase,
        from: stage.from.clone(),
    };
    let whole = due.whole();
    if stage.source == Source::Collection {
        let is_same = whole.first_step == stage.first_step && same_steps(stage, &whole.steps);
        return (is_same || !is_begun).then_some(whole);
    }
    let first = stage.first_step as usize;
    let steps = migration.steps.get(first..first + stage.steps.len())?;
    let is_same = same_steps(stage, steps);
    is_same.then(|| Stage {
        source: stage.source.clone(),
        first_step: stage.first_step,
        steps: steps.to_vec(),
        ..whole
    })
}

fn same_steps(stage: &Stage, steps: &[Step]) -> bool {
    let pairs = stage.steps.iter().zip(steps);
    stage.steps.len() == steps.len() && { pairs }.all(|(old, new)| is_same_step(old, new))
}

/// Whether a checkpoint of one step is one of the other: what it reads and writes beside may differ.
fn is_same_step(old: &Step, new: &Step) -> bool {
    let is_same_work = match (&old.work, &new.work) {
        (
            StepWork::Transform {
                mode: old_mode,
                collection: old,
                ..
            },
            StepWork::Transform {
                mode: new_mode,
                collection: new,
                ..
            },
        ) => (old_mode, old) == (new_mode, new),
        (old, new) => old == new,
    };
    (&old.name, old.phase) == (&new.name, new.phase) && is_same_work
}

/// Reports the first stage left that the goal excludes.
fn check_goal(
    run: &Run,
    left: &[Stage],
    goal: &Goal,
    target: Option<&Name>,
    findings: &mut Findings<'_>,
) {
    let to = target.zip(goal.to.as_ref());
    let excluded = left
        .iter()
        .find_map(|stage| Some((stage, exclusion(stage, goal, to)?)));
    if let Some((stage, exclusion)) = excluded {
        report_unfinished(run, Some(stage), exclusion, findings);
    }
}

fn exclusion(stage: &Stage, goal: &Goal, to: Option<(&Name, &Version)>) -> Option<Exclusion> {
    let is_whole = stage.source == Source::Collection;
    if goal.app.as_ref().is_some_and(|app| *app != stage.app) {
        Some(Exclusion::OtherApp)
    } else if to.is_some_and(|(app, to)| *app == stage.app && stage.version > *to) {
        Some(Exclusion::BeyondTarget)
    } else if is_whole && goal.phase.is_some_and(|phase| phase != stage.phase) {
        Some(Exclusion::OtherPhase)
    } else {
        None
    }
}

fn report_unfinished(
    run: &Run,
    stage: Option<&Stage>,
    exclusion: Exclusion,
    findings: &mut Findings<'_>,
) {
    let matter = Matter::UnfinishedRun {
        run: run.id,
        state: run.state,
        exclusion,
    };
    findings.add(stage.map(Subject::from).unwrap_or_default(), matter);
}

//! Planning to try items in quarantine again.

use std::collections::BTreeSet;

use crate::model::{Migration, Name, Run, Source, Stage, Step, Version};

use super::backlog::{check_drift, check_gaps};
use super::due::{Due, phases};
use super::findings::Findings;
use super::lines::{Line, Lines};
use super::resume::{check_going_back, resumable};
use super::up::{check_lines, known_line};
use super::{Drift, Matter, Need, Planned, Policy, Recorded, RetryGoal};

/// Plans how to try items in quarantine again: through everything that is applied from the lowest
/// failed migration on, and through the stage that the unfinished run is at.
///
/// A file that differs from the one applied is what a retry is for; it is told and not refused.
///
/// ```
/// use godwit::model::{Source, Version};
/// use godwit::plan::{Policy, Recorded, RetryGoal, plan_retry};
///
/// # use godwit::model::*;
/// # let migration = Migration {
/// #     app: "notes".parse()?,
/// #     version: Version::new(2, 0, 0),
/// #     requires: None,
/// #     depends_on: Vec::new(),
/// #     summary: String::new(),
/// #     steps: vec![Step {
/// #         name: "fill".parse()?,
/// #         phase: Phase::Offline,
/// #         work: StepWork::Transform {
/// #             mode: Mode::Rewrite,
/// #             collection: "notes".parse()?,
/// #             reads: Vec::new(),
/// #             writes: Vec::new(),
/// #         },
/// #     }],
/// #     digest: Digest::of(b"the file"),
/// #     file: "notes.wasm".into(),
/// #     body: Body::Component {
/// #         contract: Version::new(1, 0, 0),
/// #         layout: Layout::Columns,
/// #     },
/// # };
/// # let mut applied = Applied::default();
/// # applied.phases.insert(Phase::Offline, RunId(1));
/// # applied.digests.push(migration.digest);
/// # let mut recorded = Recorded::default();
/// # let state = recorded.apps.entry("notes".parse()?).or_default();
/// # state.applied.insert(Version::new(2, 0, 0), applied);
/// // The migration leads to 2.0.0, and is applied.
/// let goal = RetryGoal {
///     app: "notes".parse()?,
///     from: Version::new(2, 0, 0),
///     selection: None,
/// };
/// let planned = plan_retry(&[migration], &recorded, &goal, &Policy::default());
/// assert_eq!(planned.plan.stages[0].source, Source::Quarantine(None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plan_retry(
    catalogue: &[Migration],
    recorded: &Recorded,
    goal: &RetryGoal,
    policy: &Policy,
) -> Planned {
    let mut findings = Findings::new(policy, recorded);
    let lines = Lines::new(catalogue, recorded);
    check_going_back(recorded, &mut findings);
    let line = known_line(&lines, &goal.app, &mut findings);
    let stages = line.map(|line| stages(&lines, line, recorded, goal, &mut findings));
    findings.into_planned(stages.unwrap_or_default(), None)
}

fn stages<'a>(
    lines: &Lines<'a>,
    line: &Line<'a>,
    recorded: &Recorded,
    goal: &RetryGoal,
    findings: &mut Findings<'_>,
) -> Vec<Stage> {
    check_lines(lines, &[line], recorded, findings);
    let is_wanted = |version: &Version| *version >= goal.from;
    check_gaps(
        line,
        |version| is_wanted(version).then_some(Need::Items),
        findings,
    );
    check_drift(line, is_wanted, Drift::Retried, findings);
    let mut dues = applied(line, &goal.from);
    let current = current_stage(recorded, &goal.app);
    if let Some((run, stage)) = current
        && !line.state.has(&stage.version, stage.phase)
    {
        dues.extend(current_due(line, run, stage, findings));
    }
    dues.sort_by_key(|due| (&due.migration.version, due.phase));
    let source = Source::Quarantine(goal.selection.clone());
    let collections = goal.collections();
    let feeds = |step: &Step| {
        collections
            .as_ref()
            .is_none_or(|all| all.contains(step.work.collection()))
    };
    dues.iter()
        .flat_map(|due| due.parts(&source, |_, step| feeds(step)))
        .collect()
}

/// What is applied from a version on.
fn applied<'a>(line: &Line<'a>, from: &Version) -> Vec<Due<'a>> {
    let mut dues = Vec::new();
    for (version, migration) in line.files.range::<Version, _>(from..) {
        let applied = phases(migration).filter(|phase| line.state.has(version, *phase));
        let from = line.predecessor(version);
        dues.extend(applied.map(|phase| Due {
            migration,
            phase,
            from: from.cloned(),
        }));
    }
    dues
}

/// The stage of the app that the unfinished run is at: its quarantine is what blocks it.
fn current_stage<'r>(recorded: &'r Recorded, app: &Name) -> Option<(&'r Run, &'r Stage)> {
    let run = resumable(recorded)?;
    let stage = run.plan.stages.get(run.stages_done as usize)?;
    (stage.app == *app).then_some((run, stage))
}

/// The unfinished stage with the file as it is now.
fn current_due<'a>(
    line: &Line<'a>,
    run: &Run,
    stage: &Stage,
    findings: &mut Findings<'_>,
) -> Option<Due<'a>> {
    let Some(&migration) = line.files.get(&stage.version) else {
        findings.add(
            stage,
            Matter::Gap {
                need: Need::Run(run.id),
            },
        );
        return None;
    };
    if migration.digest != stage.digest {
        let (known, found) = (stage.digest, migration.digest);
        let matter = Matter::DigestDrift {
            known,
            found,
            drift: Drift::Retried,
        };
        findings.add(migration, matter);
    }
    Some(Due {
        migration,
        phase: stage.phase,
        from: stage.from.clone(),
    })
}

impl RetryGoal {
    /// The collections of the selection; `None`: all.
    fn collections(&self) -> Option<BTreeSet<&Name>> {
        let selection = self.selection.as_ref()?;
        Some(selection.iter().map(|(collection, _)| collection).collect())
    }
}

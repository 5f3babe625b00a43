//! Planning to bring apps up to date.

use crate::model::{Migration, Name, Stage, Version};

use super::backlog::{check_drift, check_gaps, check_late, check_requires, pending};
use super::catch_up::{Waiting, catch_up};
use super::dependencies::{arranged, ranked};
use super::due::Due;
use super::finding::Subject;
use super::findings::Findings;
use super::lines::{Line, Lines};
use super::ownership::Claims;
use super::phases::{allowed_behind, only_asked};
use super::resume::{check_going_back, is_beside, report_other_phase, resumable, resumed};
use super::{Drift, Goal, Matter, Need, OffTarget, Planned, Policy, Recorded};

/// Plans how to reach `goal`: with the unfinished run if there is one, else with a new one.
///
/// Findings of apps that were not asked for are left out, except where they touch those that were.
/// What `--phase` leaves for later is no finding unless something waits for it.
///
/// ```
/// use godwit::catalogue::Catalogue;
/// use godwit::plan::{Goal, Policy, Recorded, plan};
/// use godwit::sandbox::{Engine, Limits};
///
/// let schema = br#"{"app": "notes", "version": "1.0.0",
///     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// let (mut catalogue, engine) = (Catalogue::new(), Engine::new(Limits::default()));
/// catalogue.add(&engine, "notes.json".into(), schema);
/// let (recorded, policy) = (Recorded::default(), Policy::default());
/// let planned = plan(catalogue.migrations(), &recorded, &Goal::default(), &policy);
/// assert_eq!(planned.plan.stages.len(), 1);
/// assert!(planned.findings.is_empty());
/// ```
pub fn plan(catalogue: &[Migration], recorded: &Recorded, goal: &Goal, policy: &Policy) -> Planned {
    let mut findings = Findings::new(policy, recorded);
    let lines = Lines::new(catalogue, recorded);
    check_going_back(recorded, &mut findings);
    let scope = scope(&lines, goal, &mut findings);
    let target = target(&lines, &scope, goal, &mut findings);
    check_lines(&lines, &scope, recorded, &mut findings);
    let unfinished = resumable(recorded);
    if let Some(run) = unfinished.filter(|run| !is_beside(run, goal)) {
        let stages = resumed(run, &lines, goal, target, &mut findings);
        return findings.into_planned(stages, Some(run.id));
    }
    let to = target.and(goal.to.as_ref());
    let apps = ranked(&lines, &scope);
    let mut stages = stages_behind(&apps, recorded, goal, &mut findings);
    let backlogs: Vec<_> = apps
        .iter()
        .map(|line| (*line, backlog(line, to, goal, &mut findings)))
        .collect();
    let dues = arranged(&backlogs, recorded, &mut findings);
    stages.extend(dues.iter().map(Due::whole));
    if let Some(run) = unfinished.filter(|_| !stages.is_empty()) {
        report_other_phase(run, &mut findings);
    }
    findings.into_planned(stages, None)
}

/// The apps that the goal is about.
fn scope<'s, 'a>(
    lines: &'s Lines<'a>,
    goal: &Goal,
    findings: &mut Findings<'_>,
) -> Vec<&'s Line<'a>> {
    match &goal.app {
        Some(app) => known_line(lines, app, findings).into_iter().collect(),
        None => lines.iter().collect(),
    }
}

/// One app, which is reported unless the catalogue has it.
pub(super) fn known_line<'s, 'a>(
    lines: &'s Lines<'a>,
    app: &Name,
    findings: &mut Findings<'_>,
) -> Option<&'s Line<'a>> {
    let line = lines.get(app);
    if line.is_none() {
        let known = lines.names();
        findings.add(Subject::app(app), Matter::AppUnknown { known });
    }
    line
}

/// The app of which the goal names a version, if it names one that can be reached.
fn target<'a>(
    lines: &Lines<'a>,
    scope: &[&Line<'a>],
    goal: &Goal,
    findings: &mut Findings<'_>,
) -> Option<&'a Name> {
    let to = goal.to.as_ref()?;
    if let [line] = scope {
        check_target(line, to, line.state.version(), findings);
        return Some(line.app);
    }
    if goal.app.is_none() {
        let subject = Subject {
            version: Some(to.clone()),
            ..Subject::default()
        };
        let reason = OffTarget::WithoutApp {
            known: lines.names(),
        };
        findings.add(subject, Matter::Target { reason });
    }
    None
}

/// Reports a version that cannot be reached from `current`.
pub(super) fn check_target(
    line: &Line<'_>,
    to: &Version,
    current: Option<&Version>,
    findings: &mut Findings<'_>,
) {
    let reason = match current {
        Some(current) if to < current => {
            let applied = line.state.applied.get(current);
            let run = applied.and_then(|applied| applied.phases.values().max().copied());
            OffTarget::Below {
                current: current.clone(),
                run,
            }
        }
        _ if line.files.contains_key(to) || Some(to) == current => return,
        _ => OffTarget::Absent {
            known: line.files.keys().map(|known| (*known).clone()).collect(),
        },
    };
    findings.add(
        Subject::version(line.app, to, ""),
        Matter::Target { reason },
    );
}

/// Reports what must hold whatever is planned for the apps of `scope`.
pub(super) fn check_lines<'a>(
    lines: &Lines<'a>,
    scope: &[&Line<'a>],
    recorded: &Recorded,
    findings: &mut Findings<'_>,
) {
    for line in scope {
        line.check_duplicates(findings);
        line.check_newer(recorded, findings);
    }
    Claims::of(lines).check(scope, recorded, findings);
}

/// The stages for items that are behind, of all apps, after a check of what was applied.
fn stages_behind(
    apps: &[&Line<'_>],
    recorded: &Recorded,
    goal: &Goal,
    findings: &mut Findings<'_>,
) -> Vec<Stage> {
    let mut stages = Vec::new();
    for line in apps {
        let waiting = Waiting::of(line.app, recorded);
        let need = |version: &Version| {
            Some(if waiting.need(version) {
                Need::Items
            } else {
                Need::History
            })
        };
        check_gaps(line, need, findings);
        check_drift(line, |_| true, Drift::Applied, findings);
        stages.extend(allowed_behind(
            catch_up(line, &waiting),
            goal.phase,
            findings,
        ));
    }
    stages
}

/// The pending stages of one app that the goal is about.
fn backlog<'a>(
    line: &Line<'a>,
    to: Option<&Version>,
    goal: &Goal,
    findings: &mut Findings<'_>,
) -> Vec<Due<'a>> {
    let mut dues = pending(line, to);
    check_late(line, &dues, findings);
    if let Some(asked) = goal.phase {
        dues = only_asked(dues, asked, findings);
    }
    check_requires(&dues, findings);
    dues
}

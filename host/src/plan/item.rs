//! Planning to bring one item up to date.

use crate::model::{Migration, Position, Source, Stage, Step, Version};

use super::backlog::{check_drift, check_gaps, check_late, check_requires, path};
use super::dependencies::check_recorded;
use super::finding::Subject;
use super::findings::Findings;
use super::lines::{Line, Lines};
use super::ownership::Claims;
use super::resume::check_going_back;
use super::up::{check_lines, check_target, known_line};
use super::{Drift, ItemGoal, Matter, Need, Planned, Policy, Recorded};

/// Plans how to bring one item up to date: through every migration above its version, whether that
/// is applied to the app already or not, both phases, the steps of its collection only.
///
/// What is checked is what the item goes through. An unfinished run is no hindrance, unless it is
/// being undone; other apps have to be where they should be already.
///
/// ```
/// use godwit::model::Version;
/// use godwit::plan::{ItemGoal, Policy, Recorded, plan_item};
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
/// // The migration leads to 2.0.0 and is fed `notes`.
/// let goal = ItemGoal {
///     collection: "notes".parse()?,
///     id: "first".to_owned(),
///     version: Version::new(1, 0, 0),
///     next: None,
///     to: None,
/// };
/// let (recorded, policy) = (Recorded::default(), Policy::default());
/// let planned = plan_item(&[migration], &recorded, &goal, &policy);
/// assert_eq!(planned.plan.stages[0].version, Version::new(2, 0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plan_item(
    catalogue: &[Migration],
    recorded: &Recorded,
    goal: &ItemGoal,
    policy: &Policy,
) -> Planned {
    let mut findings = Findings::new(policy, recorded);
    let lines = Lines::new(catalogue, recorded);
    check_going_back(recorded, &mut findings);
    let claims = Claims::of(&lines);
    let Some(app) = claims.owner(&goal.collection, recorded) else {
        let collection = goal.collection.clone();
        findings.add(Subject::default(), Matter::CollectionUnknown { collection });
        return findings.into_planned(Vec::new(), None);
    };
    let line = known_line(&lines, app, &mut findings);
    let stages = line.map(|line| stages(&lines, line, recorded, goal, &mut findings));
    findings.into_planned(stages.unwrap_or_default(), None)
}

fn stages<'a>(
    lines: &Lines<'a>,
    line: &Line<'a>,
    recorded: &Recorded,
    goal: &ItemGoal,
    findings: &mut Findings<'_>,
) -> Vec<Stage> {
    check_lines(lines, &[line], recorded, findings);
    line.check_version(&goal.version, Some(&goal.collection), findings);
    if let Some(to) = &goal.to {
        check_target(line, to, Some(&goal.version), findings);
    }
    let is_wanted = |version: &Version| goal.wants(version);
    check_gaps(
        line,
        |version| is_wanted(version).then_some(Need::Items),
        findings,
    );
    check_drift(line, is_wanted, Drift::Applied, findings);
    let dues = path(line, &goal.version, is_wanted);
    // What a migration demands was checked when the item began it.
    let to_begin = dues.partition_point(|due| due.migration.version <= goal.version);
    let to_begin = &dues[to_begin..];
    check_late(line, to_begin, findings);
    check_requires(to_begin, findings);
    check_recorded(to_begin, recorded, findings);
    let source = Source::Item(goal.collection.clone(), goal.id.clone());
    let parts = dues.iter().flat_map(|due| {
        due.parts(&source, |place, step| {
            goal.feeds(&due.migration.version, place, step)
        })
    });
    parts.collect()
}

impl ItemGoal {
    /// Whether a version is one that the item has to go through.
    fn wants(&self, version: &Version) -> bool {
        let is_due = match &self.next {
            Some(next) => *version >= next.version,
            None => *version > self.version,
        };
        is_due && self.to.as_ref().is_none_or(|to| version <= to)
    }

    /// Whether the item is fed to a step of a version that it has to go through.
    fn feeds(&self, version: &Version, place: u32, step: &Step) -> bool {
        let here = Position {
            version: version.clone(),
            step: place,
        };
        *step.work.collection() == self.collection
            && self.next.as_ref().is_none_or(|next| *next <= here)
    }
}

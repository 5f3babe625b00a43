//! Back to an older version by the migrations' own ways back.

use std::collections::BTreeSet;

use super::{Host, HostError};
use crate::model::{
    AppState, Applied, Migration, Mode, Name, Operation, Phase, Plan, Purpose, Run, RunState,
    Source, Stage, Step, StepWork, Version, counted,
};
use crate::plan::satisfies;
use crate::run::{Control, Observer, OnFailure, Options, Report, Runner};
use crate::sandbox::Call;

/// Which app is to have which older version.
///
/// ```
/// use godwit::DownGoal;
///
/// let goal = DownGoal { app: "notes".parse()?, to: "1.0.0".parse()? };
/// assert_eq!(goal.to.to_string(), "1.0.0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownGoal {
    /// The app.
    pub app: Name,
    /// The version that it is to have: one that is applied, or its baseline.
    pub to: Version,
}

impl Host {
    /// Brings an app back to an older version by what its migrations do in their `revert`, or goes on doing so. `None` where it
    /// has the version already.
    ///
    /// It differs from [`Host::undo`], which puts back the bytes that were there before a run: what was changed since is kept, and
    /// items that came since go along; what a migration has dropped comes back only as far as its author knows how.
    /// The first item that has no way back stops the run, which can then be gone on with or undone.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let second = br#"{"app": "notes", "version": "1.1.0",
    /// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
    /// # let (engine, mut catalogue) = (Engine::new(Default::default()), Catalogue::new());
    /// # catalogue.add(&engine, "notes.json".into(), schema);
    /// # catalogue.add(&engine, "index.json".into(), second);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
    /// use godwit::DownGoal;
    /// use godwit::run::{Control, Quiet};
    ///
    /// let goal = DownGoal { app: "notes".parse()?, to: "1.0.0".parse()? };
    /// let report = host.down(&goal, &Quiet, &Control::default())?;
    /// assert!(report.is_some_and(|report| report.is_completed()));
    /// // It has that version by now.
    /// assert!(host.down(&goal, &Quiet, &Control::default())?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Down`] with every reason why there is no way back; nothing was changed then.
    /// [`HostError::Run`] when the run stopped at an item.
    pub fn down(
        &self,
        goal: &DownGoal,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Option<Report>, HostError> {
        self.go_down(goal, OnFailure::Stop, observer, control)
    }

    /// As [`Host::down`]; items that have no way back are put into quarantine if that is wanted, and all others go back.
    pub(super) fn go_down(
        &self,
        goal: &DownGoal,
        on_failure: OnFailure,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Option<Report>, HostError> {
        let observer = &self.metered(observer);
        let options = Options {
            on_failure,
            ..self.options.clone()
        };
        self.directed_lease("down", control, |lease| {
            let runner = Runner {
                options: &options,
                ..self.runner(observer, control)
            };
            if let Some(run) = self.unfinished()? {
                let is_it = run.purpose == Purpose::Down && run.state != RunState::Undoing;
                let stage = run.plan.stages.first();
                let is_it = is_it
                    && stage.is_some_and(|it| (&it.app, &it.version) == (&goal.app, &goal.to));
                if !is_it {
                    return Err(self.no_way(goal, vec![in_the_way(&run)]));
                }
                return Ok(Some(runner.go_on(lease, run)?));
            }
            let plan = self.plan_down(goal)?;
            if plan.is_empty() {
                return Ok(None);
            }
            let run = self.start(&runner, lease, Purpose::Down, plan, None)?;
            Ok(Some(runner.carry_out(lease, run)?))
        })
    }

    fn no_way(&self, goal: &DownGoal, reasons: Vec<String>) -> HostError {
        HostError::Down {
            app: goal.app.clone(),
            to: goal.to.clone(),
            reasons,
        }
    }

    /// Plans the way back: one stage with a step for each collection of the app.
    ///
    /// # Errors
    /// [`HostError::Down`] with every reason why there is none.
    fn plan_down(&self, goal: &DownGoal) -> Result<Plan, HostError> {
        let apps = self.store.history()?.apps();
        let nothing = || vec![format!("nothing is applied to {}", goal.app)];
        let state = apps.get(&goal.app);
        let state = state.ok_or_else(|| self.no_way(goal, nothing()))?;
        let current = state.version();
        let current = current.ok_or_else(|| self.no_way(goal, nothing()))?;
        if goal.to == *current {
            return Ok(Plan::default());
        }
        let known = versions_below(state, current);
        if !known.contains(&goal.to) {
            let known: Vec<_> = known.iter().map(ToString::to_string).collect();
            let reason = match &known[..] {
                [] => format!("it is at {current}, and no version below is known"),
                known => format!("it is at {current}, and has been at {}", known.join(", ")),
            };
            return Err(self.no_way(goal, vec![reason]));
        }
        let mut reasons = Vec::new();
        for (version, applied) in state.applied_above(&goal.to) {
            self.check_way_back(&goal.app, version, applied, &mut reasons);
        }
        for (app, other) in &apps {
            self.check_dependant(goal, app, other, &mut reasons);
        }
        let collections = self.collections_down(goal, current, &mut reasons)?;
        let newest = state
            .applied_above(&goal.to)
            .next()
            .and_then(|(_, applied)| applied.digests.last().zip(Some(&applied.file)));
        let Some((digest, file)) = newest.filter(|_| reasons.is_empty()) else {
            return Err(self.no_way(goal, reasons));
        };
        let step = |collection| Step {
            name: "revert".parse().expect("it is a name"),
            phase: Phase::Offline,
            work: StepWork::Transform {
                mode: Mode::Rewrite,
                collection,
                reads: Vec::new(),
                writes: Vec::new(),
            },
        };
        let stage = Stage {
            app: goal.app.clone(),
            version: goal.to.clone(),
            from: Some(current.clone()),
            phase: Phase::Offline,
            digest: *digest,
            file: file.clone(),
            first_step: 0,
            steps: collections.into_iter().map(step).collect(),
            source: Source::Collection,
        };
        Ok(Plan {
            stages: vec![stage],
        })
    }

    /// Checks that an applied migration has a way back.
    fn check_way_back(
        &self,
        app: &Name,
        version: &Version,
        applied: &Applied,
        reasons: &mut Vec<String>,
    ) {
        let Some(migration) = self.catalogue.applied(applied) else {
            let file = &applied.file;
            reasons.push(format!(
                "the migration that was applied as {version} ({file}) is not among the plugins"
            ));
            return;
        };
        for step in &migration.steps {
            if let Some(reason) = no_way_back(step) {
                reasons.push(format!("step {} of {app} {version} {reason}", step.name));
            }
        }
        if self.lacks_revert(migration) {
            reasons.push(format!("{app} {version} has no `revert`"));
        }
    }

    /// Whether a migration is fed items, and cannot take back what it makes of them.
    fn lacks_revert(&self, migration: &Migration) -> bool {
        let is_fed = migration.fed().next().is_some();
        let component = self.catalogue.component(&migration.digest);
        is_fed && component.is_some_and(|component| !component.speech().has(Call::Revert))
    }

    /// Whether a migration has a way back of its own, as far as it goes by the migration.
    pub(crate) fn has_way_back(&self, migration: &Migration) -> bool {
        let mut steps = migration.steps.iter();
        steps.all(|step| no_way_back(step).is_none()) && !self.lacks_revert(migration)
    }

    /// Checks that another app can do with the older version.
    fn check_dependant(
        &self,
        goal: &DownGoal,
        app: &Name,
        state: &AppState,
        reasons: &mut Vec<String>,
    ) {
        if *app == goal.app {
            return;
        }
        for (version, applied) in &state.applied {
            let migration = self.catalogue.applied(applied);
            let dependencies = migration.into_iter().flat_map(|found| &found.depends_on);
            for dependency in dependencies {
                if dependency.app == goal.app && !satisfies(&goal.to, &dependency.versions) {
                    let versions = &dependency.versions;
                    reasons.push(format!(
                        "{app} {version}, which is applied, depends on {} {versions}",
                        goal.app
                    ));
                }
            }
        }
    }

    /// The collections that go along, all of whose items must have the app's present version.
    fn collections_down(
        &self,
        goal: &DownGoal,
        current: &Version,
        reasons: &mut Vec<String>,
    ) -> Result<BTreeSet<Name>, HostError> {
        let mut found = BTreeSet::new();
        for (name, record) in self.store.collections()? {
            if record.app != goal.app {
                continue;
            }
            let apart = self.store.tallies(&name)?.apart();
            if apart > 0 {
                let items = counted(apart, "item", "items");
                reasons.push(format!("{items} of {name} wait or are in quarantine"));
            }
            if record.newest.as_ref() > Some(current)
                && let newest = self.newest_there(&name, &record, current)?
                && let Some(newest) = newest.filter(|newest| newest > current)
            {
                reasons.push(format!(
                    "{name} has items of {newest}, which is newer than the app"
                ));
            }
            found.insert(name);
        }
        Ok(found)
    }
}

/// The versions below the present one that an app is known to have had.
fn versions_below(state: &AppState, current: &Version) -> Vec<Version> {
    let baseline = state.baseline.as_ref();
    let known = baseline.into_iter().chain(state.applied.keys());
    let is_below = |version: &&Version| *version < current && baseline <= Some(*version);
    known.filter(is_below).cloned().collect()
}

/// Why what a step did cannot be taken back by a `revert`.
fn no_way_back(step: &Step) -> Option<&'static str> {
    match &step.work {
        StepWork::Transform {
            mode: Mode::Derive, ..
        } => Some("derives items, which `revert` cannot take back"),
        StepWork::Transform { writes, .. } if !writes.is_empty() => {
            Some("writes other collections, which `revert` cannot take back")
        }
        StepWork::Schema(Operation::DropIndex { .. }) => Some("dropped an index"),
        // More collections and indexes are in nobody's way.
        StepWork::Transform { .. } | StepWork::Schema(_) => None,
    }
}

fn in_the_way(run: &Run) -> String {
    let Run { id, state, .. } = run;
    let or_undone = if run.has_pre_images { " or undone" } else { "" };
    format!("run {id} is {state}: it must be finished{or_undone} first")
}

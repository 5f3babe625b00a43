//! Shadow runs: collections are migrated in a generation of their own, while the application goes on with the live one.
//!
//! The steps are those of any run, on the store as a shadow run sees it (`Store::shadowed`). What can be done item by item
//! is done ahead; steps that see or write other items, for which a later write may change what came of an earlier one, are
//! left to the end, when the application does not write.

mod stats;

use std::collections::BTreeSet;

pub use stats::ShadowStats;

use serde::Serialize;

use super::documents::Reads;
use super::{Host, HostError};
use crate::model::{
    Mode, Name, Plan, Progress, Purpose, Run, RunId, RunState, Source, Stage, Step, StepWork,
};
use crate::plan::{self, Goal, Planned};
use crate::run::{Control, Follower, Meter, Observer, Report, RunEvent, prune, step_number};
use crate::store::{Lease, Shadow, ShadowState, StoreError};

/// So many writes are left to the end, when the application waits.
const FEW: u64 = 500;
/// So often what was written is followed while the application goes on writing: it might write for ever.
const ROUNDS: usize = 20;

/// What a shadow run has come to.
///
/// ```
/// # use godwit::{catalogue::*, sandbox::*, store::*};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = Catalogue::new();
/// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
///
/// let report = host.up_shadow(&Goal::default(), &Quiet, &Control::default())?;
/// assert!(!report.is_live);
/// assert!(report.stats.is_some_and(|stats| stats.is_ready));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ShadowReport {
    /// What its steps did; `None` where there was nothing to be done, or it was stopped before.
    #[serde(skip)]
    pub report: Option<Report>,
    /// The run's number and state.
    pub run: Option<(RunId, RunState)>,
    /// How far it is now; `None`: there is none.
    pub stats: Option<ShadowStats>,
    /// Whether what it made is live.
    pub is_live: bool,
}

impl Host {
    /// This host on what the shadow run has made so far: what failed there can be looked at, tried again and accepted.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// use godwit::plan::Goal;
    /// use godwit::run::{Control, Quiet};
    ///
    /// host.up_shadow(&Goal::default(), &Quiet, &Control::default())?;
    /// let shadow = host.in_shadow()?;
    /// assert!(shadow.store().collections()?.contains_key("notes"));
    /// assert!(host.store().collections()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::NoShadow`] when there is none.
    pub fn in_shadow(&self) -> Result<Self, HostError> {
        match self.store.shadow()? {
            Some(shadow) if shadow.is_open() => Ok(self.on_shadow()),
            _ => Err(HostError::NoShadow),
        }
    }

    fn on_shadow(&self) -> Self {
        Self {
            store: self.store.shadowed(),
            catalogue: self.catalogue.clone(),
            surroundings: self.surroundings.clone(),
            policy: self.policy.clone(),
            grants: self.grants.clone(),
            options: self.options.clone(),
            lease_duration: self.lease_duration,
            patience: self.patience,
            reads: Reads::default(),
            body_bytes: self.body_bytes,
            control_folder: self.control_folder.clone(),
            backup_first: self.backup_first.clone(),
            is_remote: self.is_remote,
            meter: Meter::default(),
        }
    }

    pub(super) fn check_no_shadow(&self) -> Result<(), HostError> {
        let is_open = |shadow: Shadow| shadow.is_open();
        match !self.store.is_shadow() && self.store.shadow()?.is_some_and(is_open) {
            true => Err(HostError::ShadowUnderWay),
            false => Ok(()),
        }
    }

    /// The last run of a shadow run that goes up.
    fn run_of(&self, shadow: &Shadow) -> Result<Option<Run>, HostError> {
        let mut runs = self.store.runs()?.into_iter();
        let is_it = |run: &Run| shadow.is_own(run.id) && run.purpose == Purpose::Shadow;
        Ok(runs.rfind(is_it))
    }

    /// The run of the shadow run, if that is not finished.
    pub(super) fn unfinished_shadow(&self) -> Result<Option<Run>, HostError> {
        let Some(shadow) = self.store.shadow()?.filter(Shadow::is_open) else {
            return Ok(None);
        };
        let run = self.run_of(&shadow)?;
        Ok(run.filter(|run| run.state.is_unfinished()))
    }

    /// Begins a shadow run for a goal, or goes on with the one under way: copies the collections that are pending steps are
    /// about, carries out what can be done item by item, and follows what the application writes meanwhile.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// use godwit::plan::Goal;
    /// use godwit::run::{Control, Quiet};
    ///
    /// let report = host.up_shadow(&Goal::default(), &Quiet, &Control::default())?;
    /// if report.stats.is_some_and(|stats| stats.is_ready) {
    ///     host.finalize(&Quiet, &Control::default())?;
    /// }
    /// assert!(host.store().collections()?.contains_key("notes"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Refused`] with the findings when nothing can be planned, [`HostError::OtherShadow`] when one for another
    /// goal is under way.
    pub fn up_shadow(
        &self,
        goal: &Goal,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<ShadowReport, HostError> {
        let observer = &self.metered(observer);
        self.shadowing("up --shadow", control, |lease| {
            let shadow = match self.store.shadow()? {
                Some(shadow) if shadow.is_open() => {
                    check_goal(&shadow, goal)?;
                    Some(shadow)
                }
                left => {
                    if !self.drop_left(lease, left, control)? {
                        return self.told(None, false);
                    }
                    self.begin(lease, goal)?
                }
            };
            let Some(mut shadow) = shadow else {
                return self.told(None, false);
            };
            if shadow.state == ShadowState::Finalizing {
                return Err(HostError::ShadowUnderWay);
            }
            lease.share(&self.store, self.clock().now(), true)?;
            let (_, report) = self.advance(lease, &mut shadow, false, observer, control)?;
            self.told(report, false)
        })
    }

    fn told(&self, report: Option<Report>, is_live: bool) -> Result<ShadowReport, HostError> {
        // The lease is still held, and nobody works any more.
        let stats = self.shadow()?.map(|stats| ShadowStats {
            is_alive: false,
            ..stats
        });
        Ok(ShadowReport {
            run: report
                .as_ref()
                .map(|report| (report.run.id, report.run.state)),
            report,
            stats,
            is_live,
        })
    }

    /// Begins a shadow run; `None` where nothing is pending.
    fn begin(&self, lease: &mut Lease, goal: &Goal) -> Result<Option<Shadow>, HostError> {
        let planned = self.accepted(self.plan(goal)?)?;
        if planned.plan.is_empty() {
            return Ok(None);
        }
        if let Some(id) = planned.resumes {
            let run = self.store.run(id)?.ok_or(HostError::NoRun(id))?;
            return Err(HostError::Unfinished(Box::new(run)));
        }
        let names = self.copied_for(&planned.plan.stages);
        if let Some(name) = names.iter().find(|name| self.store.is_attached(name)) {
            return Err(HostError::Store(StoreError::table(
                name,
                "what lies in a table of the application's own has no shadow; bring it up without one",
            )));
        }
        let goal = (goal.app.clone(), goal.to.clone());
        let now = self.clock().now();
        Ok(Some(self.store.begin_shadow(lease, now, goal, names)?))
    }

    /// The collections that need a generation of their own: those that steps of some stages are about, and those that are
    /// written from there, also by steps that are applied already, which items that the application writes go through again.
    fn copied_for(&self, stages: &[Stage]) -> Vec<Name> {
        let mut names = BTreeSet::new();
        for step in stages.iter().flat_map(|stage| &stage.steps) {
            names.insert(step.work.collection().clone());
            names.extend(writes(step).iter().cloned());
        }
        let apps: BTreeSet<_> = stages.iter().map(|stage| &stage.app).collect();
        let migrations = self.catalogue.migrations().iter();
        let known = migrations.filter(|known| apps.contains(&known.app));
        let steps: Vec<_> = known.flat_map(|known| &known.steps).collect();
        loop {
            let before = names.len();
            for step in &steps {
                if names.contains(step.work.collection()) {
                    names.extend(writes(step).iter().cloned());
                }
            }
            if names.len() == before {
                return names.into_iter().collect();
            }
        }
    }

    /// Plans what is left of a shadow run, on the store as it sees it. Items of other collections that are behind are left to
    /// the next run.
    fn plan_left(&self, shadow: &Shadow) -> Result<Planned, HostError> {
        let mut recorded = self.recorded()?;
        for (name, state) in &mut recorded.collections {
            if !shadow.has(name) {
                (state.behind, state.oldest_behind) = (0, None);
            }
        }
        let goal = goal_of(shadow);
        let planned = plan::plan(self.catalogue.migrations(), &recorded, &goal, &self.policy);
        let planned = self.accepted(self.judged(planned, &recorded))?;
        for stage in &planned.plan.stages {
            let touched = stage.steps.iter().flat_map(|step| {
                let fed = std::iter::once(step.work.collection());
                fed.chain(writes(step))
            });
            if let Some(collection) = touched.into_iter().find(|name| !shadow.has(name)) {
                return Err(HostError::OutsideShadow {
                    app: stage.app.clone(),
                    version: stage.version.clone(),
                    collection: collection.clone(),
                });
            }
        }
        Ok(planned)
    }

    /// Does what can be done now, and with `everything` what is left to the end, too. Gives whether nothing is left, and what
    /// the last run did.
    fn advance(
        &self,
        lease: &mut Lease,
        shadow: &mut Shadow,
        everything: bool,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<(bool, Option<Report>), HostError> {
        let own = self.on_shadow();
        let follower = Follower {
            live: &self.store,
            own: &own.store,
            clock: self.clock(),
            observer,
            control,
        };
        if !follower.copy(lease, shadow)? {
            return Ok((false, None));
        }
        let mut last = None;
        for round in 0.. {
            let started = self.clock().now();
            let Some(followed) = follower.follow(lease, shadow)? else {
                return Ok((false, last));
            };
            let planned = own.plan_left(shadow)?;
            let mut stages = planned.plan.stages;
            let count = ahead(&stages);
            if everything && count < stages.len() {
                self.close(lease, shadow)?;
            } else if planned.resumes.is_none() {
                stages.truncate(count);
            }
            // With few writes left, following them again would find as many.
            let is_close = followed < FEW || round >= ROUNDS;
            if stages.is_empty() {
                if everything || is_close {
                    return Ok((true, last));
                }
                continue;
            }
            let is_last = !everything && round > 0 && planned.resumes.is_none() && is_close;
            let before = match self.run_of(shadow)? {
                Some(run) => read(&self.runner(observer, control).report(run)?),
                None => 0,
            };
            let report = own.carry_on(lease, shadow, planned.resumes, stages, observer, control)?;
            let is_completed = report.run.state == RunState::Completed;
            let grown = read(&report).saturating_sub(before);
            shadow.spent.items += grown;
            shadow.spent.time += self.clock().now().since(started);
            let mut write = self.store.write(report.run.id, None);
            write.set_shadow(shadow);
            write.commit(lease, self.clock().now())?;
            last = Some(report);
            if !is_completed || is_last || (grown == 0 && followed == 0) {
                return Ok((is_completed, last));
            }
        }
        unreachable!("it ends after some rounds");
    }

    /// Goes on with the shadow's run, has it carry out further stages, or starts it.
    fn carry_on(
        &self,
        lease: &mut Lease,
        shadow: &Shadow,
        resumes: Option<RunId>,
        stages: Vec<Stage>,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Report, HostError> {
        let runner = self.runner(observer, control);
        let Some(mut run) = self.run_of(shadow)? else {
            let plan = Plan { stages };
            let run = self.start(&runner, lease, Purpose::Shadow, plan, None)?;
            return Ok(runner.carry_out(lease, run)?);
        };
        if resumes.is_some() {
            run.plan = Plan { stages };
            return Ok(runner.go_on(lease, run)?);
        }
        self.extend(lease, &mut run, stages)?;
        Ok(runner.go_on(lease, run)?)
    }

    /// Adds stages to a run that is completed. Those that it has at its end already, among others for items that are behind,
    /// are carried out again: they are fed the items that came since.
    fn extend(
        &self,
        lease: &mut Lease,
        run: &mut Run,
        stages: Vec<Stage>,
    ) -> Result<(), HostError> {
        let known = &mut run.plan.stages;
        let mut write = self.store.write(run.id, None);
        if let Some(first) = place_of(&stages, known) {
            for (number, stage) in known.iter_mut().enumerate().skip(first) {
                let again = stages.iter().find(|again| is_same(again, stage));
                stage.from = again.map_or(stage.from.take(), |again| again.from.clone());
                for place in 0..stage.steps.len() {
                    let number = step_number(number, place);
                    let counts = self.store.progress(run.id, number)?.counts;
                    let again = Progress {
                        counts,
                        ..Progress::default()
                    };
                    write.set_progress(run.id, number, &again);
                }
            }
            run.stages_done = u32::try_from(first).expect("plans are small");
        } else {
            run.stages_done = u32::try_from(known.len()).expect("plans are small");
            run.plan.stages.extend(stages);
        }
        run.stages_begun = run.stages_begun.min(run.stages_done);
        run.state = RunState::Running;
        write.set_run(run);
        Ok(write.commit(lease, self.clock().now())?)
    }

    /// Makes what the shadow run made live: does what is left, while the application goes on for as long as it can, and then
    /// has all its collections change places in one commit. Items in quarantine that nobody accepted keep it from that.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// use godwit::plan::Goal;
    /// use godwit::run::{Control, Quiet};
    ///
    /// host.up_shadow(&Goal::default(), &Quiet, &Control::default())?;
    /// let report = host.finalize(&Quiet, &Control::default())?;
    /// assert!(report.is_live);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::NoShadow`] when there is none; whatever a run may fail with. Nothing was switched then, unless it failed
    /// while it dropped what had been live before.
    pub fn finalize(
        &self,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<ShadowReport, HostError> {
        let observer = &self.metered(observer);
        self.shadowing("finalize", control, |lease| {
            let shadow = self.store.shadow()?.ok_or(HostError::NoShadow)?;
            let mut shadow = match shadow.state {
                ShadowState::Switched => {
                    self.drop_left(lease, Some(shadow), control)?;
                    return self.told(None, true);
                }
                ShadowState::Resetting => return Err(HostError::NoShadow),
                ShadowState::Following | ShadowState::Finalizing => shadow,
            };
            let share =
                |lease: &mut Lease, shares| lease.share(&self.store, self.clock().now(), shares);
            if shadow.state == ShadowState::Following {
                share(lease, true)?;
                let (is_done, report) =
                    self.advance(lease, &mut shadow, false, observer, control)?;
                if !is_done || self.open_in(&shadow)? > 0 {
                    return self.told(report, false);
                }
            }
            // From here on the application waits.
            share(lease, false)?;
            let (is_done, report) = self.advance(lease, &mut shadow, true, observer, control)?;
            if !is_done || self.open_in(&shadow)? > 0 {
                return self.told(report, false);
            }
            let report = match (report, self.run_of(&shadow)?) {
                (None, Some(run)) => Some(self.runner(observer, control).report(run)?),
                (report, _) => report,
            };
            let switched = self.store.switch(lease, self.clock().now(), &shadow)?;
            let collections = names(&shadow);
            observer.event(&RunEvent::Switched { collections });
            self.drop_left(lease, Some(switched), control)?;
            self.told(report, true)
        })
    }

    /// How many items of a shadow run's collections are in quarantine and not accepted.
    fn open_in(&self, shadow: &Shadow) -> Result<u64, HostError> {
        let own = self.store.shadowed();
        let mut open = 0;
        for copied in &shadow.collections {
            open += own.tallies(&copied.name)?.open;
        }
        Ok(open)
    }

    /// Keeps the application from writing until all is done, since steps that were left to the end are about to be carried
    /// out: what they make of an item cannot follow what is written to it later.
    fn close(&self, lease: &mut Lease, shadow: &mut Shadow) -> Result<(), HostError> {
        if shadow.state == ShadowState::Finalizing {
            return Ok(());
        }
        shadow.state = ShadowState::Finalizing;
        let last = self.store.last_written()?.unwrap_or_default();
        let mut write = self.store.write(RunId(0), None);
        write.set_shadow(shadow);
        write.close_to_application(last);
        Ok(write.commit(lease, self.clock().now())?)
    }

    /// Drops the shadow run, whatever state it is in, but for one that is live. Gives whether there was one.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// use godwit::plan::Goal;
    /// use godwit::run::{Control, Quiet};
    ///
    /// host.up_shadow(&Goal::default(), &Quiet, &Control::default())?;
    /// assert!(host.reset(&Quiet, &Control::default())?);
    /// assert!(!host.reset(&Quiet, &Control::default())?, "there is none any more");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Lease`] or [`HostError::Store`]; the same goes on with it.
    pub fn reset(&self, observer: &dyn Observer, control: &Control) -> Result<bool, HostError> {
        let observer = &self.metered(observer);
        self.shadowing("reset", control, |lease| {
            let Some(mut shadow) = self.store.shadow()? else {
                return Ok(false);
            };
            if shadow.state == ShadowState::Switched {
                self.drop_left(lease, Some(shadow), control)?;
                return Ok(false);
            }
            if shadow.is_open() {
                let now = self.clock().now();
                let runs = self.store.runs()?.into_iter();
                let runs = runs.filter(|run| shadow.is_own(run.id)).map(|run| Run {
                    state: RunState::Undone,
                    reason: Some("the shadow run was reset".to_owned()),
                    changed_at: now,
                    has_pre_images: false,
                    ..run
                });
                let runs: Vec<_> = runs.collect();
                shadow = self.store.give_up_shadow(lease, now, &shadow, &runs)?;
                for run in runs {
                    observer.event(&RunEvent::Ended { run });
                }
            }
            self.drop_left(lease, Some(shadow), control)?;
            Ok(true)
        })
    }

    /// Drops what a shadow run left that is live or was given up, while the application writes; `false` when it was asked to
    /// stop before all is dropped.
    fn drop_left(
        &self,
        lease: &mut Lease,
        shadow: Option<Shadow>,
        control: &Control,
    ) -> Result<bool, HostError> {
        let Some(shadow) = shadow else {
            return Ok(true);
        };
        lease.share(&self.store, self.clock().now(), true)?;
        if shadow.state == ShadowState::Resetting {
            for run in self.store.runs()? {
                if shadow.is_own(run.id) && run.state == RunState::Undone {
                    prune(&self.store, lease, self.clock(), run.id)?;
                }
            }
        }
        while self.store.drop_left(lease, self.clock().now(), &shadow)? {
            let keep_lease = |_: &[String]| lease.keep(&self.store, self.clock().now());
            if !control.proceed(keep_lease)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Does something about a shadow run, under the lease of the store, that others may direct meanwhile.
    fn shadowing<T>(
        &self,
        purpose: &str,
        control: &Control,
        work: impl FnOnce(&mut Lease) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        self.holding(self.any_lease(purpose)?, |lease| {
            self.directed(purpose, control, || work(lease))
        })
    }
}

/// How many of the stages, from the first one on, can be carried out while the application writes: what becomes of an item
/// depends on that item alone.
fn ahead(stages: &[Stage]) -> usize {
    let is_alone = |stage: &Stage| {
        stage.steps.iter().all(|step| match &step.work {
            StepWork::Schema(_) => true,
            StepWork::Transform {
                mode,
                reads,
                writes,
                ..
            } => *mode == Mode::Rewrite && reads.is_empty() && writes.is_empty(),
        })
    };
    stages.iter().take_while(|stage| is_alone(stage)).count()
}

/// Where stages are among those at the end of a plan that are for items that are behind, in this order: the place of the
/// first one.
fn place_of(stages: &[Stage], known: &[Stage]) -> Option<usize> {
    let mut left = stages.iter().rev().peekable();
    for (place, stage) in known.iter().enumerate().rev() {
        if stage.source != Source::Behind {
            return None;
        }
        left.next_if(|again| is_same(again, stage));
        if left.peek().is_none() {
            return Some(place);
        }
    }
    None
}

/// Whether two stages do the same, whatever version their app had before.
fn is_same(stage: &Stage, other: &Stage) -> bool {
    let alike = Stage {
        from: other.from.clone(),
        ..stage.clone()
    };
    alike == *other
}

/// The collections that a step writes beside the one that it is fed.
fn writes(step: &Step) -> &[Name] {
    match &step.work {
        StepWork::Transform { writes, .. } => writes,
        StepWork::Schema(_) => &[],
    }
}

fn goal_of(shadow: &Shadow) -> Goal {
    Goal {
        app: shadow.app.clone(),
        to: shadow.to.clone(),
        phase: None,
    }
}

/// Whoever goes on with a shadow run may leave out what it is for, but not say something else.
fn check_goal(shadow: &Shadow, goal: &Goal) -> Result<(), HostError> {
    let is_other_app = goal.app.is_some() && goal.app != shadow.app;
    let is_other_version = goal.to.is_some() && goal.to != shadow.to;
    if is_other_app || is_other_version {
        let app = shadow
            .app
            .as_ref()
            .map_or("all apps".to_owned(), ToString::to_string);
        let to = shadow
            .to
            .as_ref()
            .map_or("their newest versions".to_owned(), ToString::to_string);
        return Err(HostError::OtherShadow {
            was: format!("{app} to {to}"),
        });
    }
    Ok(())
}

fn names(shadow: &Shadow) -> Vec<Name> {
    let names = shadow.collections.iter().map(|copied| copied.name.clone());
    names.collect()
}

fn read(report: &Report) -> u64 {
    report.steps.iter().map(|step| step.counts.read).sum()
}

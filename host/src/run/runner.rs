//! A run from its first stage to its last.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::hold::Hold;
use super::pipeline::{self, Ending, Pass};
use super::report::{RunEvent, StepReport};
use super::step::{Told, TransformStep};
use super::undo::drop_pre_images;
use super::view::{Bodies, Grants};
use super::{Control, Observer, Options, Report, RunError, Together, schema};
use crate::catalogue::Catalogue;
use crate::model::{
    self, Access, Clock, Name, Phase, Plan, Position, Purpose, Run, RunId, RunState, Source, Stage,
    Step, StepWork,
};
use crate::sandbox::{Component, Context};
use crate::store::{Keeper, Lease, LeaseError, Store, StoreError, Write, is_of_orders};

/// Carries runs out on a store.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// use godwit::model::Purpose;
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet, Runner};
///
/// let mut lease = host.lease("up")?;
/// let runner = Runner {
///     store: host.store(),
///     catalogue: host.catalogue(),
///     clock: &*host.surroundings().clock,
///     options: &host.options,
///     grants: &host.grants,
///     observer: &Quiet,
///     control: &Control::default(),
///     together: None,
/// };
/// let plan = host.plan(&Goal::default())?.plan;
/// let run = runner.start(&mut lease, Purpose::Up, plan, 42, None)?;
/// assert!(runner.carry_out(&mut lease, run)?.is_completed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Runner<'a> {
    /// The store.
    pub store: &'a Store,
    /// Where the migrations are.
    pub catalogue: &'a Catalogue,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// How runs are carried out.
    pub options: &'a Options,
    /// Which collections migrations may reach beside what they are fed.
    pub grants: &'a model::Grants,
    /// Who is told what happens.
    pub observer: &'a dyn Observer,
    /// How a run is asked to stop.
    pub control: &'a Control,
    /// With whom it is carried out, if with anybody.
    pub together: Option<Together>,
}

/// The place under which the end of a stage keeps its pre-images: behind every step.
pub(super) const STAGE_END: usize = 0xfff;

/// The number of a step within its run: that of its stage and its place in the stage.
///
/// ```
/// use godwit::run::step_number;
///
/// assert_eq!(step_number(0, 2), 2);
/// assert!(step_number(1, 0) > step_number(0, 999));
/// ```
pub fn step_number(stage: usize, place: usize) -> u32 {
    u32::try_from(stage << 12 | place).expect("plans are small")
}

/// The places of a stage in its plan, and of a step in that, by the step's number.
pub(super) fn places_of(number: u32) -> (usize, usize) {
    let number = number as usize;
    (number >> 12, number & 0xfff)
}

impl Runner<'_> {
    /// Records a new run, with the backup that was made before it. One that brings apps to newer versions may do without
    /// pre-images, as [`Options::pre_images`] says; all others keep them.
    ///
    /// # Errors
    /// [`RunError`] when the lease or the store is lost.
    pub fn start(
        &self,
        lease: &mut Lease,
        purpose: Purpose,
        plan: Plan,
        seed: u64,
        backup: Option<String>,
    ) -> Result<Run, RunError> {
        let now = self.clock.now();
        let keeps_pre_images = self.options.pre_images || purpose != Purpose::Up;
        let mut run = Run {
            id: RunId(0),
            purpose,
            state: RunState::Running,
            reason: None,
            started_at: now,
            changed_at: now,
            seed,
            plan,
            stages_done: 0,
            stages_begun: 0,
            has_pre_images: keeps_pre_images,
            keeps_pre_images,
            backup,
        };
        self.commit_with_orders(lease, RunId(0), |lease, write| {
            run.id = write.next_run()?;
            self.pass_orders(lease, write, run.id)?;
            write.set_run(&run);
            Ok(())
        })?;
        Ok(run)
    }

    /// Carries out a run that was just started.
    ///
    /// A run that was [stopped](Control::stop) or is blocked by its quarantine is reported, not an error: its
    /// state says so.
    ///
    /// # Errors
    /// [`RunError`] when it cannot go on. What was committed stays; the run's state says why.
    pub fn carry_out(&self, lease: &mut Lease, run: Run) -> Result<Report, RunError> {
        self.drive(lease, run, false)
    }

    /// Goes on with a run from wherever it stands, as [`Runner::carry_out`] does.
    ///
    /// ```
    /// # fn example(
    /// #     runner: &godwit::run::Runner<'_>,
    /// #     lease: &mut godwit::store::Lease,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let runs = runner.store.runs()?;
    /// if let Some(run) = runs.into_iter().rfind(|run| run.state.is_unfinished()) {
    ///     let report = runner.go_on(lease, run)?;
    ///     println!("run {} is {}", report.run.id, report.run.state);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RunError`] when it cannot go on. What was committed stays; the run's state says why.
    pub fn go_on(&self, lease: &mut Lease, run: Run) -> Result<Report, RunError> {
        self.drive(lease, run, true)
    }

    fn drive(&self, lease: &mut Lease, mut run: Run, resumed: bool) -> Result<Report, RunError> {
        let span = tracing::info_span!("run", id = %run.id);
        let _entered = span.enter();
        let before = (run.state, run.reason.clone());
        self.set_state(lease, &mut run, RunState::Running, None)?;
        self.observer.event(&RunEvent::Started {
            run: run.clone(),
            resumed,
        });
        let (ended, error) = match self.stages(lease, &mut run) {
            Ok(ended) => (ended, None),
            Err(error) if error.is_outage() => return Err(error),
            // The others may see no more than before.
            Err(error @ RunError::SeesMore { .. }) if self.together.is_some() => {
                let (state, reason) = before;
                if state != RunState::Running {
                    self.set_state(lease, &mut run, state, reason)?;
                }
                return Err(error);
            }
            Err(error) => ((RunState::Failed, Some(error.to_string())), Some(error)),
        };
        let (state, reason) = ended;
        if self.is_left(state) {
            return self.report(run);
        }
        self.set_state(lease, &mut run, state, reason)?;
        self.observer.event(&RunEvent::Ended { run: run.clone() });
        error.map_or_else(|| self.report(run), Err)
    }

    /// What a run has done so far.
    ///
    /// ```
    /// # fn example(runner: &godwit::run::Runner<'_>) -> Result<(), Box<dyn std::error::Error>> {
    /// for run in runner.store.runs()? {
    ///     let report = runner.report(run)?;
    ///     println!("run {} has begun {} steps", report.run.id, report.steps.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RunError::Store`] when the store cannot be read.
    pub fn report(&self, run: Run) -> Result<Report, RunError> {
        let mut steps = Vec::new();
        let mut apps = BTreeSet::new();
        for (number, stage) in run.plan.stages.iter().enumerate() {
            apps.insert(&stage.app);
            for (place, step) in stage.steps.iter().enumerate() {
                let progress = self
                    .store
                    .progress_in_all(run.id, step_number(number, place))?;
                if progress == Default::default() {
                    continue;
                }
                steps.push(StepReport {
                    app: stage.app.clone(),
                    version: stage.version.clone(),
                    phase: stage.phase,
                    step: step.name.clone(),
                    collection: step.work.collection().clone(),
                    done: progress.done,
                    counts: progress.counts,
                });
            }
        }
        let mut open = 0;
        for app in apps {
            open += self.open(app)?.0;
        }
        Ok(Report { run, steps, open })
    }

    pub(super) fn set_state(
        &self,
        lease: &mut Lease,
        run: &mut Run,
        state: RunState,
        reason: Option<String>,
    ) -> Result<(), RunError> {
        let is_resumed = run.state != RunState::Running;
        (run.state, run.reason, run.changed_at) = (state, reason, self.clock.now());
        self.commit_with_orders(lease, run.id, |lease, write| {
            if is_resumed || self.together.is_none() {
                // What others were asked for who carried it out before is over.
                write.drop_orders(self.store, run.id)?;
            }
            if is_resumed {
                // So is what those have met.
                self.store.forget_failures(write, run.id)?;
                self.pass_orders(lease, write, run.id)?;
            }
            write.set_run(run);
            Ok(())
        })
    }

    /// What the holder of the lease was asked for is asked of all who carry the run out with him.
    fn pass_orders(
        &self,
        lease: &Lease,
        write: &mut Write<'_>,
        run: RunId,
    ) -> Result<(), StoreError> {
        if self.together.is_some() {
            write.pass_orders(self.store, lease.number(), run)?;
        }
        Ok(())
    }

    /// Commits something along with what was ordered, anew where somebody gives orders meanwhile.
    fn commit_with_orders(
        &self,
        lease: &mut Lease,
        id: RunId,
        mut make: impl FnMut(&Lease, &mut Write<'_>) -> Result<(), StoreError>,
    ) -> Result<(), RunError> {
        loop {
            let mut write = self.store.write(id, None);
            make(lease, &mut write)?;
            match write.commit(lease, self.clock.now()) {
                Err(LeaseError::Store(StoreError::Conflict { key })) if is_of_orders(&key) => {}
                done => return Ok(done?),
            }
        }
    }

    fn stages(
        &self,
        lease: &mut Lease,
        run: &mut Run,
    ) -> Result<(RunState, Option<String>), RunError> {
        if run.purpose == Purpose::Down {
            return self.down(lease, run);
        }
        while let Some(stage) = run.plan.stages.get(run.stages_done as usize).cloned() {
            let number = run.stages_done as usize;
            if self.fuse(lease, run)? == Ending::Stopped {
                return Ok((RunState::Stopped, None));
            }
            for place in 0..stage.steps.len() {
                let ending = self.step(lease, run, &stage, step_number(number, place), place)?;
                match ending {
                    Ending::Done => {}
                    Ending::Stopped => return Ok((RunState::Stopped, None)),
                    Ending::Unfit(_) => {
                        let what = "a step that goes on alone is unfit for the others".to_owned();
                        return Err(RunError::Worker(what));
                    }
                }
            }
            // The application writes nothing that the end of a stage looks at, unless it writes another generation.
            if !self.store.is_shadow() {
                lease.share(self.store, self.clock.now(), false)?;
            }
            if let Some(reason) = self.finish_stage(lease, run, &stage)? {
                return Ok((RunState::Blocked, Some(reason)));
            }
        }
        self.settle_plan(lease, run)?;
        if !run.keeps_pre_images {
            // What was noted to count by is of no use any more.
            drop_pre_images(self.store, lease, self.clock, run.id)?;
        }
        Ok((RunState::Completed, None))
    }

    /// Waits while the run is held, and has the lease looked after meanwhile; gives whether to go on, which is not so
    /// once somebody asked to stop.
    pub(super) fn proceed(
        &self,
        keep_lease: impl FnMut() -> Result<(), RunError>,
    ) -> Result<bool, RunError> {
        self.control.proceed_telling(self.observer, keep_lease)
    }

    /// Renews the lease once that is due, while nothing is committed that would.
    pub(super) fn keep_lease(&self, lease: &mut Lease) -> Result<(), LeaseError> {
        lease.keep(self.store, self.clock.now())
    }

    /// Carries a pass out. That of an online step shares the store with the application, which writes what it likes.
    pub(super) fn shared<'r>(
        &self,
        phase: Phase,
        pass: &mut impl Pass<'r>,
    ) -> Result<Ending, RunError> {
        // Beside a shadow run the application writes another generation.
        if phase == Phase::Offline || self.store.is_shadow() {
            return pipeline::run(pass);
        }
        pass.hold().whole().open(self.store, self.clock.now())?;
        let ending = pipeline::run(pass);
        let closed = pass.hold().whole().close(self.store, self.clock);
        let ending = ending?;
        closed?;
        Ok(ending)
    }

    fn step(
        &self,
        lease: &mut Lease,
        run: &Run,
        stage: &Stage,
        number: u32,
        place: usize,
    ) -> Result<Ending, RunError> {
        let progress = self.store.progress(run.id, number)?;
        if progress.done {
            return Ok(Ending::Done);
        }
        let (app, version, name) = (&stage.app, &stage.version, &stage.steps[place].name);
        let span = tracing::info_span!("step", %app, %version, %name);
        let _entered = span.enter();
        if let StepWork::Schema(operation) = &stage.steps[place].work {
            let keeper = Keeper::of(run, number);
            return schema::carry_out(self, lease, stage, operation, keeper, progress);
        }
        let mut step = self.transform_step(run, stage, (number, place), Hold::Whole(lease))?;
        let is_divided = self.store.division(run.id, number)?.is_some();
        if is_divided && !step.grants.is_pure() {
            return Err(RunError::SeesMore {
                version: stage.version.clone(),
                step: step.step.name.clone(),
            });
        }
        if is_divided || self.is_divisible(&step) {
            drop(step);
            return self.in_ranges(lease, run, &[number]);
        }
        step.carry_out()
    }

    /// A step that feeds items to a component, to be carried out from where it, or the range of it, stands.
    pub(super) fn transform_step<'s>(
        &'s self,
        run: &'s Run,
        stage: &'s Stage,
        (number, place): (u32, usize),
        hold: Hold<'s>,
    ) -> Result<TransformStep<'s>, RunError> {
        let step = &stage.steps[place];
        let StepWork::Transform {
            mode, collection, ..
        } = &step.work
        else {
            let what = format!("step {} of {} feeds no items", step.name, stage.version);
            return Err(RunError::Worker(what));
        };
        let mode = *mode;
        self.check_owner(stage, step, collection)?;
        let component = self.component(stage)?;
        let (reads, writes) = self.granted(stage, step)?;
        let grants = Grants {
            reads,
            writes,
            bodies: Bodies::of(self.store)?,
            ..Grants::pure(mode, collection, component.limits())
        };
        self.check_writes(step, &grants)?;
        let whole = || Ok(vec![self.store.progress(run.id, number)?]);
        let progress = hold.progress(whole)?.swap_remove(0);
        Ok(TransformStep {
            work: self,
            bound: hold.bound(),
            hold,
            run: run.id,
            keeps_pre_images: run.keeps_pre_images,
            stage,
            step,
            mode,
            collection,
            previous: match stage.source {
                Source::Behind => previous_behind(run, stage, place, collection),
                _ => self.previous(&stage.app, collection, &stage.position(place)),
            },
            index: stage.position(place).step,
            number,
            component,
            context: context(run, stage),
            grants: Arc::new(grants),
            progress,
            told: Told::default(),
        })
    }

    /// The collections that a step may read, and those that it may write, beside what it is fed.
    pub(super) fn granted(
        &self,
        stage: &Stage,
        step: &Step,
    ) -> Result<(BTreeSet<Name>, BTreeSet<Name>), StoreError> {
        let StepWork::Transform {
            collection,
            reads,
            writes,
            ..
        } = &step.work
        else {
            return Ok(Default::default());
        };
        let (store, grants, app) = (self.store, self.grants, &stage.app);
        Ok((
            granted(store, grants, app, collection, reads, Access::Read)?,
            granted(store, grants, app, collection, writes, Access::Write)?,
        ))
    }

    /// What a step reads of a table the application may change before it writes.
    fn check_writes(&self, step: &Step, grants: &Grants) -> Result<(), RunError> {
        let mut writes = grants.writes.iter();
        match writes.find(|name| self.store.is_attached(name)) {
            None => Ok(()),
            Some(name) => Err(RunError::Store(StoreError::table(
                name,
                format!(
                    "the step {} would write its rows by `documents`, and the application may have changed \
                     what it read; a table may only have what a step is fed",
                    step.name
                ),
            ))),
        }
    }

    /// The step over a collection that comes before another one.
    fn previous(&self, app: &Name, collection: &Name, step: &Position) -> Option<Position> {
        let migrations = self.catalogue.migrations().iter();
        let positions = migrations
            .filter(|migration| migration.app == *app)
            .flat_map(|migration| migration.positions_over(collection));
        positions.filter(|position| position < step).max()
    }

    pub(super) fn component(&self, stage: &Stage) -> Result<Component, RunError> {
        let found = self.catalogue.component(&stage.digest).cloned();
        found.ok_or_else(|| RunError::MissingMigration {
            app: stage.app.clone(),
            version: stage.version.clone(),
            file: stage.file.clone(),
        })
    }

    pub(super) fn check_owner(
        &self,
        stage: &Stage,
        step: &Step,
        collection: &Name,
    ) -> Result<(), RunError> {
        match self.store.collection(collection)? {
            Some(record) if record.app != stage.app => Err(RunError::ForeignCollection {
                step: step.name.clone(),
                collection: collection.clone(),
                owner: record.app,
            }),
            _ => Ok(()),
        }
    }
}

/// The step before one of a run that is fed what is behind, over the same collection.
fn previous_behind(run: &Run, stage: &Stage, place: usize, collection: &Name) -> Option<Position> {
    let same = |other: &&Stage| other.source == Source::Behind && other.app == stage.app;
    let behind = run.plan.stages.iter().filter(same);
    let positions = behind.flat_map(|other| {
        let over = |(_, step): &(usize, &Step)| step.work.collection() == collection;
        let steps = other.steps.iter().enumerate().filter(over);
        steps.map(|(place, _)| other.position(place))
    });
    let this = stage.position(place);
    positions.filter(|position| *position < this).max()
}

/// What a step of an app that is fed a collection gets of those that it asks for.
pub(crate) fn granted(
    store: &Store,
    grants: &model::Grants,
    app: &Name,
    fed: &Name,
    asked: &[Name],
    access: Access,
) -> Result<BTreeSet<Name>, StoreError> {
    let mut granted = BTreeSet::new();
    for name in asked {
        let owner = store.collection(name)?.map(|record| record.app);
        if grants.allow(app, fed, name, owner.as_ref(), access) {
            granted.insert(name.clone());
        }
    }
    Ok(granted)
}

/// What a stage's migration is told of the run.
pub(super) fn context(run: &Run, stage: &Stage) -> Context {
    Context {
        from_version: stage.from.clone(),
        started_at: run.started_at.0,
        seed: run.seed,
    }
}

impl std::fmt::Debug for Runner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner")
            .field("store", self.store)
            .finish_non_exhaustive()
    }
}

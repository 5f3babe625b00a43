//! Steps in ranges: carried out by several workers at once, each of which owns some of them.
//!
//! Only steps that see nothing but what they are fed are, so that the result does not depend on how many there are; any other
//! one is carried out by whoever has the lease, in order. Whoever has the lease puts the step into ranges, takes some as
//! everybody does, and joins them in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::RunError;
use super::pipeline::{self, Between, Ending};
use super::report::{Report, RunEvent};
use super::runner::{Runner, step_number};
use super::step::{Hold, TransformStep};
use crate::model::{Counts, Phase, Run, RunState, Source, Stage, Timestamp};
use crate::sandbox::{Component, VERSION};
use crate::store::{
    Asked, Claim, Holder, Keeper, Lease, LeaseError, RangeLease, StoreError, Taken,
    is_of_collection,
};

/// Ranges of one step, at first: enough that nobody waits for the last one for long.
const RANGES: u64 = 32;
/// How long whoever finds nothing to do waits before he looks again.
const PAUSE: Duration = Duration::from_millis(100);
/// An owner looks so often whether others want something of him, in milliseconds.
const EVERY: u64 = 250;
/// Nobody looks for the middle of more than so many ranges of the least size.
const MOST_CUTS: usize = 64;
/// How often a commit that others were in the way of is made anew.
const TRIES: u32 = 200;

/// How a run is carried out along with others.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::AtomicBool;
///
/// use godwit::run::Together;
/// use godwit::store::{Holder, Lease};
///
/// let together = Together {
///     holder: Holder { name: "me".to_owned(), process: None },
///     duration: Lease::DURATION,
///     random: Arc::new(|| 7),
///     is_gone: Arc::new(|_| false),
///     range_items: Together::RANGE_ITEMS,
///     is_cancelled: Arc::new(AtomicBool::new(false)),
/// };
/// assert!(format!("{together:?}").contains("me"));
/// ```
#[derive(Clone)]
pub struct Together {
    /// Who takes ranges.
    pub holder: Holder,
    /// How long a range is one's own without renewal, in milliseconds.
    pub duration: u64,
    /// Gives random numbers.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Whether a holder's process is known to have ended.
    pub is_gone: Arc<dyn Fn(&Holder) -> bool + Send + Sync>,
    /// How many items a range has at least when it is cut.
    pub range_items: u64,
    /// Whether the run itself is to stop. Otherwise one that is asked to stop leaves it to the others.
    pub is_cancelled: Arc<AtomicBool>,
}

impl Together {
    /// How many items a range has at least by default when it is cut.
    pub const RANGE_ITEMS: u64 = 500;

    fn claim(&self) -> Claim<'_> {
        Claim {
            holder: self.holder.clone(),
            purpose: "worker",
            duration: self.duration,
            nonce: (self.random)(),
            is_gone: &*self.is_gone,
        }
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }
}

impl std::fmt::Debug for Together {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Together")
            .field("holder", &self.holder.name)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}

/// What somebody did who helps with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Helped {
    /// A range, or as much of one as could be.
    Worked,
    /// There was nothing to be done for now.
    Waits,
}

/// What must be the same of all who work on a step: the same component gives the same results.
pub(super) fn engine_of(component: &Component) -> String {
    let (godwit, limits) = (env!("CARGO_PKG_VERSION"), component.limits());
    format!("Godwit {godwit}, contract {VERSION}, {limits:?}")
}

/// Whether the application writes what a stage is fed.
fn is_online(stage: &Stage, runner: &Runner<'_>) -> bool {
    stage.phase == Phase::Online && !runner.store.is_shadow()
}

impl Runner<'_> {
    /// Whether a step may be carried out by several at once.
    pub(super) fn is_divisible(&self, step: &TransformStep<'_>) -> bool {
        self.together.is_some()
            && step.grants.is_pure()
            && step.stage.source == Source::Collection
            && !step.stage.is_late()
    }

    /// Leaves a run to others, if there are any, instead of stopping it.
    pub(super) fn is_left(&self, state: RunState) -> bool {
        let leaves = |together: &&Together| !together.is_cancelled();
        state == RunState::Stopped && self.together.as_ref().filter(leaves).is_some()
    }

    /// Takes one range of the step that is under way of a run that somebody else carries out, and does what there is to do.
    pub(crate) fn help(&self, run: &Run) -> Result<Helped, RunError> {
        let number = run.stages_done as usize;
        let Some(stage) = run.plan.stages.get(number) else {
            return Ok(Helped::Waits);
        };
        let Some(together) = &self.together else {
            return Ok(Helped::Waits);
        };
        for place in 0..stage.steps.len() {
            let step = step_number(number, place);
            if self.store.division(run.id, step)?.is_none() {
                continue;
            }
            // Before anything is taken: whoever has another one is no help.
            let engine = engine_of(&self.component(stage)?);
            let claim = together.claim();
            return match self
                .store
                .take_range(self.clock, &claim, (run.id, step), None, &engine)?
            {
                Taken::Range(range) => {
                    self.in_range(run, stage, (step, place), *range, None)?;
                    Ok(Helped::Worked)
                }
                Taken::OtherEngine(other) => Err(RunError::OtherEngine { engine, other }),
                Taken::NoneFree => {
                    self.store.want_range(run.id, step)?;
                    Ok(Helped::Waits)
                }
                Taken::AllDone | Taken::Closed => Ok(Helped::Waits),
            };
        }
        Ok(Helped::Waits)
    }

    /// Whether the run itself is to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.together.as_ref().is_some_and(Together::is_cancelled)
    }

    /// Stops a run that nobody carries out any more, once those have left who still own ranges.
    pub(crate) fn stop(&self, lease: &mut Lease, run: Run) -> Result<Report, RunError> {
        // It may be over by now.
        let now = self.store.run(run.id)?;
        let Some(mut run) = now.filter(|run| run.state == RunState::Running) else {
            return self.report(run);
        };
        let number = run.stages_done as usize;
        let steps = run
            .plan
            .stages
            .get(number)
            .map_or(0, |stage| stage.steps.len());
        for place in 0..steps {
            self.wait_for_others(lease, &run, step_number(number, place))?;
        }
        self.set_state(lease, &mut run, RunState::Stopped, None)?;
        self.observer.event(&RunEvent::Ended { run: run.clone() });
        self.report(run)
    }

    /// Carries a step out in ranges, with whoever helps.
    pub(super) fn in_ranges(
        &self,
        lease: &mut Lease,
        run: &Run,
        stage: &Stage,
        (number, place): (u32, usize),
    ) -> Result<Ending, RunError> {
        let mut step = self.transform_step(run, stage, (number, place), Hold::Whole(lease))?;
        step.begin()?;
        let counts = self.store.progress_in_all(run.id, number)?.counts;
        let engine = engine_of(&step.component);
        self.observer.event(&RunEvent::StepStarted {
            step: step.name(),
            total: step.feeder().total()?,
            counts,
        });
        let (name, after) = (step.name(), step.progress.after.clone());
        drop(step);
        let cuts = match self.store.division(run.id, number)? {
            Some(_) => Vec::new(),
            None => self.cuts(lease, stage, place, after.as_deref())?,
        };
        // As in `Runner::shared`.
        let is_shared = is_online(stage, self);
        let (at, what) = ((run.id, number), (&*engine, is_shared));
        self.store
            .divide(lease, self.clock.now(), at, &cuts, what)?;
        if is_shared {
            lease.open(self.store, self.clock.now())?;
        }
        let ending = self.all_ranges(lease, run, stage, (number, place))?;
        if ending == Ending::Done {
            // Before, owners of ranges may have to hear of what was written.
            if is_shared {
                lease.close(self.store, self.clock.now())?;
            }
            let counts = self.store.progress(run.id, number)?.counts;
            self.observer
                .event(&RunEvent::StepDone { step: name, counts });
        }
        Ok(ending)
    }

    /// Where a collection is cut at first.
    fn cuts(
        &self,
        lease: &mut Lease,
        stage: &Stage,
        place: usize,
        after: Option<&str>,
    ) -> Result<Vec<String>, LeaseError> {
        let collection = stage.steps[place].work.collection();
        let items = self.store.tallies(collection)?.items;
        let size = (items / RANGES).max(self.least());
        self.store
            .every_id((size, usize::MAX), collection, (after, None), &mut || {
                lease.keep(self.store, self.clock.now())
            })
    }

    fn least(&self) -> u64 {
        let together = self.together.as_ref();
        together.map_or(Together::RANGE_ITEMS, |together| {
            together.range_items.max(1)
        })
    }

    fn all_ranges(
        &self,
        lease: &mut Lease,
        run: &Run,
        stage: &Stage,
        (number, place): (u32, usize),
    ) -> Result<Ending, RunError> {
        loop {
            if !self.proceed(|| Ok(lease.keep(self.store, self.clock.now())?))? {
                return self.leave(lease, run, number);
            }
            if let Some(why) = self.store.range_failure(run.id, number)? {
                self.wait_for_others(lease, run, number)?;
                return Err(RunError::Elsewhere(why));
            }
            let taken = self.take(lease, run, stage, number)?;
            match taken {
                Taken::Range(range) => {
                    let at = (number, place);
                    let done = self.in_range(run, stage, at, *range, Some(lease));
                    if let Err(error) = done {
                        if !matches!(error, RunError::Lease(_) | RunError::Store(_)) {
                            self.wait_for_others(lease, run, number)?;
                        }
                        return Err(error);
                    }
                }
                Taken::NoneFree => {
                    self.store.want_range(run.id, number)?;
                    lease.keep(self.store, self.clock.now())?;
                    self.control.rest(PAUSE);
                }
                Taken::AllDone => {
                    if self.join(lease, run, stage, (number, place))? {
                        return Ok(Ending::Done);
                    }
                }
                // Those who work with another one go on until they have done what they had.
                Taken::OtherEngine(_) => {
                    lease.keep(self.store, self.clock.now())?;
                    let what = (&*engine_of(&self.component(stage)?), is_online(stage, self));
                    let (at, now) = ((run.id, number), self.clock.now());
                    self.store.divide(lease, now, at, &[], what)?;
                    self.control.rest(PAUSE);
                }
                // Whoever disowned all has the lease.
                Taken::Closed => {
                    return Err(RunError::Lease(LeaseError::Lost { holder: None }));
                }
            }
        }
    }

    fn take(
        &self,
        lease: &Lease,
        run: &Run,
        stage: &Stage,
        number: u32,
    ) -> Result<Taken, RunError> {
        let engine = engine_of(&self.component(stage)?);
        let own = lease.claim();
        let claim = self.together.as_ref().map_or(own, Together::claim);
        let at = (run.id, number);
        Ok(self
            .store
            .take_range(self.clock, &claim, at, Some(lease), &engine)?)
    }

    /// Ends the ranges, once all are done; gives whether they were.
    fn join(
        &self,
        lease: &mut Lease,
        run: &Run,
        stage: &Stage,
        at: (u32, usize),
    ) -> Result<bool, RunError> {
        let (number, place) = at;
        loop {
            let mut write = self.store.write(run.id, Some(Keeper::of(run, number)));
            let progress = self.store.join_ranges(&mut write, run.id, number)?;
            if !progress.done {
                return Ok(false);
            }
            write.set_progress(run.id, number, &progress);
            let step = self.transform_step(run, stage, (number, place), Hold::Whole(lease))?;
            if step.is_levelling() {
                step.level(&mut write)?;
            }
            drop(step);
            match write.commit(lease, self.clock.now()) {
                // What the application has written behind a range waits, as anything does that it writes there.
                Err(LeaseError::Written) => drop(lease.catch_up(self.store)?),
                done => return Ok(done.map(|()| true)?),
            }
        }
    }

    /// Ends what one does in a step that others may go on with. Where the run itself is to stop, so do they.
    fn leave(&self, lease: &mut Lease, run: &Run, number: u32) -> Result<Ending, RunError> {
        if self.is_cancelled() {
            self.wait_for_others(lease, run, number)?;
        }
        Ok(Ending::Stopped)
    }

    /// Waits until nobody else owns a range, which is so once their time has gone by at the latest.
    fn wait_for_others(&self, lease: &mut Lease, run: &Run, number: u32) -> Result<(), RunError> {
        loop {
            let now = self.clock.now();
            if !self.store.has_owners(run.id, number, now)? {
                return Ok(());
            }
            lease.keep(self.store, self.clock.now())?;
            std::thread::sleep(PAUSE);
        }
    }

    /// Does what there is to do in a range. That it was lost is no error: somebody else goes on with it.
    fn in_range(
        &self,
        run: &Run,
        stage: &Stage,
        at: (u32, usize),
        range: RangeLease,
        main: Option<&mut Lease>,
    ) -> Result<(), RunError> {
        let others = self.store.progress_in_all(run.id, at.0)?.counts;
        let hold = Hold::Range {
            counted_elsewhere: others.without(range.progress().counts),
            looked_at: self.clock.now(),
            range: Box::new(range),
            main,
        };
        let mut step = self.transform_step(run, stage, at, hold)?;
        let ending = pipeline::run(&mut step);
        let TransformStep { lease, .. } = step;
        let Hold::Range { range, .. } = lease else {
            return Ok(());
        };
        match ending {
            Ok(_) if range.is_over() => Ok(()),
            Ok(_) => self.given_back(range.release(self.store)),
            Err(RunError::Lease(LeaseError::Lost { holder })) if range.is_lost() => {
                self.fenced("range", holder);
                Ok(())
            }
            Err(error @ (RunError::Lease(_) | RunError::Store(_))) => Err(error),
            Err(error) => {
                self.store.fail_ranges(run.id, at.0, &error.to_string())?;
                self.given_back(range.release(self.store))?;
                Err(error)
            }
        }
    }

    fn given_back(&self, released: Result<(), LeaseError>) -> Result<(), RunError> {
        match released {
            Err(LeaseError::Lost { holder }) => {
                self.fenced("range", holder);
                Ok(())
            }
            released => Ok(released?),
        }
    }

    /// Tells that somebody else has what was being worked under.
    pub(crate) fn fenced(&self, what: &'static str, holder: Option<Holder>) {
        let holder = holder.map(|holder| holder.name);
        self.observer.event(&RunEvent::Fenced { what, holder });
    }
}

impl TransformStep<'_> {
    /// Looks, now and then, whether others want something of whoever owns a range.
    pub(super) fn look_around(&mut self) -> Result<Between, RunError> {
        let now = self.work.clock.now();
        let Hold::Range {
            range, looked_at, ..
        } = &mut self.lease
        else {
            return Ok(Between::GoOn);
        };
        if now.since(*looked_at) < EVERY && now >= *looked_at {
            return Ok(Between::GoOn);
        }
        *looked_at = now;
        let store = self.work.store;
        let Some(asked) = store.asked_of_owners(self.run, self.number)? else {
            return Ok(Between::GoOn);
        };
        match asked {
            Asked::ToLeave => return Ok(Between::Leave),
            Asked::ToShare => {}
        }
        let (least, clock) = (self.work.least(), self.work.clock);
        let (after, upto) = (self.progress.after.clone(), range.upto().map(str::to_owned));
        let behind = (after.as_deref(), upto.as_deref());
        let keep = &mut || range.keep(store, clock.now());
        let cuts = store.every_id((least, MOST_CUTS), self.collection, behind, keep)?;
        // As many as a range has at least stay on either side.
        if cuts.len() < 2 {
            return Ok(Between::GoOn);
        }
        let at = match cuts.len() {
            // There is so much more that nobody has counted it.
            MOST_CUTS => &cuts[MOST_CUTS - 1],
            count => &cuts[(count - 1) / 2],
        };
        match range.split(store, at, self.work.clock.now()) {
            Ok(()) => {
                self.bound.set(Some(at.clone()));
                Ok(Between::ReadAgain)
            }
            // Somebody else cut his at the same time: that is one more already.
            Err(LeaseError::Store(StoreError::Conflict { .. })) => Ok(Between::GoOn),
            Err(error) => Err(error.into()),
        }
    }

    /// Commits what there is to be of a range; again where others changed what it counts in meanwhile.
    pub(super) fn commit_range<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let mut tries = 0;
        loop {
            match attempt(self) {
                Err(RunError::Store(StoreError::Conflict { key }))
                    if tries < TRIES && is_of_collection(&key) =>
                {
                    tries += 1;
                    // Others do the same.
                    let pause = u64::from(tries.min(20)) + (self.work.clock.now().0 & 7);
                    std::thread::sleep(Duration::from_millis(pause));
                }
                done => return done,
            }
        }
    }

    /// Renews what it is carried out under.
    pub(super) fn keep(&mut self, now: Timestamp) -> Result<(), LeaseError> {
        let store = self.work.store;
        match &mut self.lease {
            Hold::Whole(lease) => lease.keep(store, now),
            Hold::Range { range, main, .. } => {
                if let Some(main) = main {
                    main.keep(store, now)?;
                }
                range.keep(store, now)
            }
        }
    }

    /// What became of the items of the whole step, with these of a range.
    pub(super) fn counts_with(&self, counts: Counts) -> Counts {
        match &self.lease {
            Hold::Whole(_) => counts,
            Hold::Range {
                counted_elsewhere, ..
            } => {
                let mut all = *counted_elsewhere;
                all += counts;
                all
            }
        }
    }
}

//! Steps in ranges: carried out by several workers at once, each of which owns some of them.
//!
//! Only steps that see nothing but what they are fed are, so that the result does not depend on how many there are; any other
//! one is carried out by whoever has the lease, in order. Whoever has the lease puts the step into ranges, takes some as
//! everybody does, and joins them in the end. Steps that may be carried out in one pass (`fused`) are put into ranges
//! together; where one of them cannot go on so, they are parted at it, each range where it is.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::RunError;
use super::feed::Feeder;
use super::fused::{Checkpoints, Fused};
use super::hold::{Hold, Owned};
use super::pipeline::{self, Ending};
use super::report::{Report, RunEvent, StepName};
use super::runner::{Runner, places_of, step_number};
use super::step::TransformStep;
use crate::model::{Name, Phase, Run, RunState, Source};
use crate::sandbox::VERSION;
use crate::store::{
    Claim, Engine, Holder, Keeper, Lease, LeaseError, RangeLease, StoreError, Taken, WORKER, Way,
    Why, Write, is_of_ranges,
};

/// Ranges of one step, at first: enough that nobody waits for the last one for long.
const RANGES: u64 = 32;
/// So often the beginning and the end of a step are tried beside an application that writes all the time.
const TRIES: u32 = 5;
/// How long whoever finds nothing to do waits before he looks again.
const PAUSE: Duration = Duration::from_millis(100);

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
            purpose: WORKER,
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

/// What is carried out in ranges.
enum Work<'a> {
    Step(Box<TransformStep<'a>>),
    /// Several steps, in one pass.
    Fused(Fused<'a>),
}

impl<'a> Work<'a> {
    fn names(&self) -> Vec<StepName> {
        match self {
            Self::Step(step) => vec![step.name()],
            Self::Fused(fused) => fused.names(),
        }
    }

    fn feeder(&self) -> Feeder {
        match self {
            Self::Step(step) => step.feeder(),
            Self::Fused(fused) => fused.feeder(),
        }
    }

    fn after(&self) -> Option<String> {
        match self {
            Self::Step(step) => step.progress.after.clone(),
            Self::Fused(fused) => fused.after(),
        }
    }

    /// Has a write mark it as being under way, if that is not so already.
    fn begin_in(&self, write: &mut Write<'_>) -> Result<bool, StoreError> {
        match self {
            Self::Step(step) => step.begin_in(write),
            Self::Fused(fused) => fused.begin_in(write, Checkpoints::OfFirst),
        }
    }

    /// Gives the collection the version that it leads to, where it leads to one.
    fn level(&self, write: &mut Write<'_>) -> Result<(), StoreError> {
        match self {
            Self::Step(step) if step.is_levelling() => step.level(write),
            Self::Step(_) => Ok(()),
            Self::Fused(fused) => fused.level(write, Checkpoints::OfFirst),
        }
    }

    fn carry_out(&mut self) -> Result<Ending, RunError> {
        match self {
            Self::Step(step) => pipeline::run(&mut **step),
            Self::Fused(fused) => pipeline::run(fused),
        }
    }

    fn into_hold(self) -> Hold<'a> {
        match self {
            Self::Step(step) => step.hold,
            Self::Fused(fused) => fused.into_hold(),
        }
    }
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
        // Whoever is held takes nothing.
        let is_held = !self.control.holds().is_empty();
        let Some(together) = self.together.as_ref().filter(|_| !is_held) else {
            return Ok(Helped::Waits);
        };
        for place in 0..stage.steps.len() {
            let step = step_number(number, place);
            let Some(division) = self.store.division(run.id, step)? else {
                continue;
            };
            // Before anything is taken: whoever has another one, or lacks one, is no help.
            let steps: Vec<u32> = division.steps(step).collect();
            let engines = self.engines(run, &steps)?;
            let claim = together.claim();
            return match self.store.take_range(
                self.clock,
                &claim,
                (run.id, step),
                None,
                &engines,
            )? {
                Taken::Range(range) => {
                    self.in_range(run, *range, None)?;
                    Ok(Helped::Worked)
                }
                Taken::NoneFree => {
                    self.store.want_range(run.id, step)?;
                    Ok(Helped::Waits)
                }
                Taken::OtherEngines(others) => {
                    let mut both = engines.into_iter().zip(others);
                    match both.find(|(own, other)| own.host != other.host) {
                        Some((own, other)) => Err(RunError::OtherEngine {
                            engine: own.host,
                            other: other.host,
                        }),
                        // They go on with another component: that of the plan, as soon as nobody works with the first.
                        None => Ok(Helped::Waits),
                    }
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
        let mut run = self.store.run(run.id)?.unwrap_or(run);
        if run.state != RunState::Running {
            return self.report(run);
        }
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

    /// What some steps are to be carried out by: one, or several in one pass.
    fn work<'s>(
        &'s self,
        run: &'s Run,
        steps: &[u32],
        hold: Hold<'s>,
    ) -> Result<Work<'s>, RunError> {
        if let [number] = *steps {
            let (stage, place) = places_of(number);
            let stage = &run.plan.stages[stage];
            let step = self.transform_step(run, stage, (number, place), hold)?;
            return Ok(Work::Step(Box::new(step)));
        }
        Ok(Work::Fused(self.fused(run, steps, hold)?))
    }

    /// Carries out in ranges, with whoever helps, a step, or several in one pass.
    pub(super) fn in_ranges(
        &self,
        lease: &mut Lease,
        run: &Run,
        steps: &[u32],
    ) -> Result<Ending, RunError> {
        let first = steps[0];
        let engines = self.engines(run, steps)?;
        let way = Way {
            engines: &engines,
            lease: lease.number(),
            online: self.is_online(run, first),
        };
        // As in `Runner::shared`.
        if way.online {
            lease.open(self.store, self.clock.now())?;
        }
        let ending = self.begin_ranges(lease, run, steps, way);
        let is_alone = match &ending {
            Ok(Ending::Stopped) => !self.store.has_owners(run.id, first, self.clock.now())?,
            Ok(_) => true,
            Err(error) => !error.is_outage(),
        };
        // Before, owners of ranges may have to hear of what was written.
        if way.online && is_alone {
            lease.close(self.store, self.clock)?;
        }
        ending
    }

    /// Puts them into ranges, or goes on with those that there are, until all are done or something ends it.
    fn begin_ranges(
        &self,
        lease: &mut Lease,
        run: &Run,
        steps: &[u32],
        way: Way<'_>,
    ) -> Result<Ending, RunError> {
        let first = steps[0];
        let work = self.work(run, steps, Hold::Whole(lease))?;
        let (feeder, names, after) = (work.feeder(), work.names(), work.after());
        drop(work);
        let cuts = match self.store.division(run.id, first)? {
            Some(_) => Vec::new(),
            None => self.cuts(lease, &names[0].collection, after.as_deref())?,
        };
        self.commit_caught_up(lease, true, |lease| {
            let mut write = self.store.write(run.id, Some(Keeper::of(run, first)));
            // What says how far the steps are comes with what they are said to be at.
            self.work(run, steps, Hold::Whole(lease))?
                .begin_in(&mut write)?;
            let (now, at) = (self.clock.now(), (run.id, steps));
            self.store.divide(&mut write, now, at, &cuts, way)?;
            Ok(Some(write))
        })?;
        let total = feeder.total()?;
        for (step, number) in names.iter().zip(steps) {
            let counts = self.store.progress_in_all(run.id, *number)?.counts;
            let step = step.clone();
            self.observer.event(&RunEvent::StepStarted {
                step,
                total,
                counts,
            });
        }
        match self.all_ranges(lease, run, steps, way)? {
            Ending::Unfit(at) if !self.part_steps(lease, run, first, at)? => {
                self.leave(lease, run, first)
            }
            Ending::Done => {
                for (step, number) in names.into_iter().zip(steps) {
                    let counts = self.store.progress(run.id, *number)?.counts;
                    self.observer.event(&RunEvent::StepDone { step, counts });
                }
                Ok(Ending::Done)
            }
            ending => Ok(ending),
        }
    }

    /// What must be the same of all who work on some steps.
    fn engines(&self, run: &Run, steps: &[u32]) -> Result<Vec<Engine>, RunError> {
        let engine = |number: &u32| {
            let (stage, place) = places_of(*number);
            let stage = &run.plan.stages[stage];
            let component = self.component(stage)?;
            let (godwit, limits) = (env!("CARGO_PKG_VERSION"), component.limits());
            let mut host = format!("Godwit {godwit}, contract {VERSION}, {limits:?}");
            let (reads, writes) = self.granted(stage, &stage.steps[place])?;
            for (name, access) in reads
                .iter()
                .map(|name| (name, "read"))
                .chain(writes.iter().map(|name| (name, "written")))
            {
                let _ = write!(host, ", {name} may be {access}");
            }
            Ok(Engine {
                component: stage.digest,
                host,
            })
        };
        steps.iter().map(engine).collect()
    }

    /// Whether the application writes what a step is fed.
    fn is_online(&self, run: &Run, number: u32) -> bool {
        let (stage, _) = places_of(number);
        run.plan.stages[stage].phase == Phase::Online && !self.store.is_shadow()
    }

    /// Where a collection is cut at first.
    fn cuts(
        &self,
        lease: &mut Lease,
        collection: &Name,
        after: Option<&str>,
    ) -> Result<Vec<String>, LeaseError> {
        let items = self.store.tallies(collection)?.items;
        let size = (items / RANGES).max(self.least());
        self.store
            .every_id((size, usize::MAX), collection, (after, None), &mut || {
                self.keep_lease(lease)
            })
    }

    pub(super) fn least(&self) -> u64 {
        let together = self.together.as_ref();
        together.map_or(Together::RANGE_ITEMS, |together| {
            together.range_items.max(1)
        })
    }

    fn all_ranges(
        &self,
        lease: &mut Lease,
        run: &Run,
        steps: &[u32],
        way: Way<'_>,
    ) -> Result<Ending, RunError> {
        let first = steps[0];
        loop {
            if !self.proceed(|| Ok(self.keep_lease(lease)?))? {
                return self.leave(lease, run, first);
            }
            if let Some(why) = self.store.range_failure(run.id, first)? {
                return match self.wait_unless_stopped(lease, run, first)? {
                    true => Err(RunError::Elsewhere(why)),
                    false => self.leave(lease, run, first),
                };
            }
            if let Some(at) = self.store.unfit_step(run.id, first)? {
                return Ok(Ending::Unfit(at));
            }
            match self.take(lease, run, first, way.engines)? {
                Taken::Range(range) => {
                    if let Err(error) = self.in_range(run, *range, Some(lease)) {
                        if !error.is_outage() && !self.wait_unless_stopped(lease, run, first)? {
                            return self.leave(lease, run, first);
                        }
                        return Err(error);
                    }
                }
                Taken::NoneFree => {
                    self.store.want_range(run.id, first)?;
                    self.keep_lease(lease)?;
                    self.control.rest(PAUSE);
                }
                Taken::AllDone => {
                    if self.join(lease, run, steps)? {
                        return Ok(Ending::Done);
                    }
                }
                // Those who work with another one go on until they have done what they had.
                Taken::OtherEngines(_) => {
                    self.keep_lease(lease)?;
                    self.commit_caught_up(lease, false, |_| {
                        let (now, at) = (self.clock.now(), (run.id, first));
                        let mut write = self.store.write(run.id, None);
                        let is_free = self.store.hand_over(&mut write, now, at, way)?;
                        Ok(is_free.then_some(write))
                    })?;
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
        step: u32,
        engines: &[Engine],
    ) -> Result<Taken, RunError> {
        let own = lease.claim();
        let claim = self.together.as_ref().map_or(own, Together::claim);
        let at = (run.id, step);
        Ok(self
            .store
            .take_range(self.clock, &claim, at, Some(lease), engines)?)
    }

    /// Puts steps into ranges of their own, from the one at a place on, that were carried out in one pass with those before
    /// them, once nobody owns a range; `false` where it was asked to stop first.
    pub(super) fn part_steps(
        &self,
        lease: &mut Lease,
        run: &Run,
        first: u32,
        at: usize,
    ) -> Result<bool, RunError> {
        if self.store.unfit_step(run.id, first)?.is_none() {
            self.commit_caught_up(lease, false, |_| {
                let mut write = self.store.write(run.id, None);
                self.store.say_unfit(&mut write, run.id, first, at);
                Ok(Some(write))
            })?;
        }
        let shares = lease.shares();
        loop {
            lease.share(self.store, self.clock.now(), shares)?;
            if !self.wait_unless_stopped(lease, run, first)? {
                return Ok(false);
            }
            // What is said of the collection is not to be written over what the application says of it meanwhile.
            lease.share(self.store, self.clock.now(), false)?;
            lease.catch_up(self.store)?;
            let mut write = self.store.write(run.id, None);
            let place = (run.id, first);
            let (_, others) = self.store.part_steps(&mut write, place, at)?;
            if let Some(&next) = others.first() {
                let stages = others.iter().map(|step| {
                    let (stage, _) = places_of(*step);
                    &run.plan.stages[stage]
                });
                let stages: Vec<_> = stages.collect();
                let collection = stages[0].steps[0].work.collection();
                write.change_collection(collection, |known| {
                    for stage in &stages {
                        known.begin(run.id, next, &stage.version);
                    }
                })?;
            }
            match write.commit(lease, self.clock.now()) {
                // Somebody has taken one, or comes back to one.
                Err(LeaseError::Store(StoreError::Conflict { key })) if is_of_ranges(&key) => {}
                done => return Ok(done.map(|()| true)?),
            }
        }
    }

    /// Ends the ranges, once all are done and nobody says why that should not be all; gives whether they were.
    fn join(&self, lease: &mut Lease, run: &Run, steps: &[u32]) -> Result<bool, RunError> {
        self.commit_caught_up(lease, true, |lease| {
            if self.store.range_failure(run.id, steps[0])?.is_some() {
                return Ok(None);
            }
            let mut write = self.store.write(run.id, Some(Keeper::of(run, steps[0])));
            let progress = self.store.join_ranges(&mut write, run.id, steps)?;
            for (step, progress) in steps.iter().zip(&progress) {
                if !progress.done {
                    return Ok(None);
                }
                write.set_progress(run.id, *step, progress);
            }
            self.work(run, steps, Hold::Whole(lease))?
                .level(&mut write)?;
            Ok(Some(write))
        })
    }

    /// Commits something beside the application, anew where that has written something meanwhile, or somebody has taken a range
    /// or given one back: of what the application has written nothing is to be done, since behind a range it waits, as anything
    /// does that it writes there. Where it writes all the time, and what is committed takes long to make, it may be kept off for a
    /// moment. Gives whether there was anything to be committed.
    fn commit_caught_up<'w>(
        &'w self,
        lease: &mut Lease,
        may_keep_off: bool,
        mut make: impl FnMut(&mut Lease) -> Result<Option<Write<'w>>, RunError>,
    ) -> Result<bool, RunError> {
        let shares = lease.shares();
        for tries in 0.. {
            if may_keep_off && tries == TRIES {
                lease.share(self.store, self.clock.now(), false)?;
            }
            // What is written from here on is not to be written over.
            lease.catch_up(self.store)?;
            let Some(write) = make(lease)? else {
                break;
            };
            match write.commit(lease, self.clock.now()) {
                Err(LeaseError::Written) => self.keep_lease(lease)?,
                Err(LeaseError::Store(StoreError::Conflict { key })) if is_of_ranges(&key) => {
                    self.keep_lease(lease)?;
                }
                done => {
                    done?;
                    lease.share(self.store, self.clock.now(), shares)?;
                    return Ok(true);
                }
            }
        }
        lease.share(self.store, self.clock.now(), shares)?;
        Ok(false)
    }

    /// Ends what one does in a step that others may go on with. Where the run itself is to stop, so do they.
    pub(super) fn leave(
        &self,
        lease: &mut Lease,
        run: &Run,
        number: u32,
    ) -> Result<Ending, RunError> {
        if self.is_cancelled() {
            self.wait_for_others(lease, run, number)?;
        }
        Ok(Ending::Stopped)
    }

    /// Waits until nobody else owns a range: until those who do hear that they are to leave, or their time has gone by.
    pub(super) fn wait_for_others(
        &self,
        lease: &mut Lease,
        run: &Run,
        number: u32,
    ) -> Result<(), RunError> {
        self.wait_while_owned(lease, run, number, |_| Ok(true))?;
        Ok(())
    }

    /// The same, unless it is asked to stop; gives whether to go on.
    fn wait_unless_stopped(
        &self,
        lease: &mut Lease,
        run: &Run,
        number: u32,
    ) -> Result<bool, RunError> {
        self.wait_while_owned(lease, run, number, |lease| {
            self.proceed(|| Ok(self.keep_lease(lease)?))
        })
    }

    fn wait_while_owned(
        &self,
        lease: &mut Lease,
        run: &Run,
        number: u32,
        goes_on: impl Fn(&mut Lease) -> Result<bool, RunError>,
    ) -> Result<bool, RunError> {
        loop {
            let now = self.clock.now();
            if !self.store.has_owners(run.id, number, now)? {
                return Ok(true);
            }
            if !goes_on(lease)? {
                return Ok(false);
            }
            self.keep_lease(lease)?;
            std::thread::sleep(PAUSE);
        }
    }

    /// Does what there is to do in a range. That it was lost is no error: somebody else goes on with it.
    fn in_range(
        &self,
        run: &Run,
        range: RangeLease,
        main: Option<&mut Lease>,
    ) -> Result<(), RunError> {
        let steps = range.steps();
        let mut counted_elsewhere = Vec::new();
        for (step, here) in steps.iter().zip(range.progress()) {
            let all = self.store.progress_in_all(run.id, *step)?.counts;
            counted_elsewhere.push(all.without(here.counts));
        }
        let hold = Hold::Range(Owned {
            counted_elsewhere,
            looked_at: self.clock.now(),
            range: Box::new(range),
            main,
        });
        let mut work = self.work(run, &steps, hold)?;
        let ending = work.carry_out();
        let Hold::Range(Owned { range, .. }) = work.into_hold() else {
            return Ok(());
        };
        match ending {
            Ok(Ending::Unfit(place)) => {
                self.given_back(range.give_up(self.store, Why::Unfit(place)))
            }
            Ok(_) if range.is_over() => Ok(()),
            Ok(_) => self.given_back(range.release(self.store)),
            Err(RunError::Lease(LeaseError::Lost { holder })) if range.is_lost() => {
                self.fenced("range", holder);
                Ok(())
            }
            Err(error) if error.is_outage() => Err(error),
            Err(error) => {
                let why = error.to_string();
                match range.give_up(self.store, Why::Failed(&why)) {
                    // Whoever has it finds the same, or it has become possible.
                    Err(LeaseError::Lost { holder }) => {
                        self.fenced("range", holder);
                        Ok(())
                    }
                    given_back => Err(given_back.map_or_else(RunError::from, |()| error)),
                }
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

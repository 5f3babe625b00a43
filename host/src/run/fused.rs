//! Steps of several versions in one pass: read once, through all of them, written once.
//!
//! Consecutive stages of a plan whose only step rewrites the same collection, and sees nothing else, may be
//! carried out together. What is left is what carrying them out one after another leaves: each has its
//! own checkpoint and counts, and all of them are committed with every batch; in ranges, they have one
//! checkpoint in each. Pre-images are kept once, under the first of the steps.
//!
//! Only what succeeds is committed so. Where an item fails, the pass ends before its batch: the steps go
//! on one by one from their checkpoints, so that quarantine, breaker and blocked stages have to be seen to in one place
//! only. Those before the one in which it failed may still go on together.

use std::sync::Arc;

use super::ahead::{Budget, Read};
use super::chain::{Chain, MayFail};
use super::feed::{Bound, Feed, Feeder};
use super::hold::{Hold, insist};
use super::judge::{Failed, Verdict};
use super::pipeline::{Between, Ending, Pass};
use super::report::StepName;
use super::runner::{Runner, context, places_of, step_number};
use super::step::Told;
use super::threads::Worker;
use super::transform::{Abort, Judged, Transformer};
use super::view::{Bodies, Grants};
use super::{RunError, RunEvent, timed};
use crate::model::{Mode, Name, Progress, Run, Source, Stage, Step};
use crate::sandbox::{Component, Context};
use crate::store::{Keeper, Lease, StoreError, Visit, Write};

impl Runner<'_> {
    /// Carries out together what may be of the stages that are next, as far as nothing fails.
    pub(super) fn fuse(&self, lease: &mut Lease, run: &mut Run) -> Result<Ending, RunError> {
        let mut steps = self.fusible(run)?;
        let first = step_number(run.stages_done as usize, 0);
        let division = self.store.division(run.id, first)?;
        let is_divided = division.is_some();
        if let Some(division) = division {
            // They go on as they were put into ranges, unless one of them has to go on alone by now.
            let together = division.steps(first).count();
            if together > 1
                && steps.len() < together
                && !self.part_steps(lease, run, first, steps.len())?
            {
                return self.leave(lease, run, first);
            }
            steps.truncate(together);
        }
        while steps.len() > 1 {
            let begun = run.stages_done + u32::try_from(steps.len()).expect("they are few");
            run.stages_begun = run.stages_begun.max(begun);
            let ending = match self.together.is_some() || is_divided {
                true => self.in_ranges(lease, run, &steps)?,
                false => {
                    let hold = Hold::Whole(&mut *lease);
                    self.fused(run, &steps, hold)?.carry_out()?
                }
            };
            match ending {
                Ending::Unfit(place) => steps.truncate(place),
                ending => return Ok(ending),
            }
        }
        Ok(Ending::Done)
    }

    /// The steps that may be carried out together, by their numbers, from the next stage on.
    fn fusible(&self, run: &Run) -> Result<Vec<u32>, RunError> {
        let first = run.stages_done as usize;
        let stages = run.plan.stages.iter().enumerate().skip(first);
        let mut found: Vec<(u32, &Stage, &Name)> = Vec::new();
        let mut come_to = None;
        for (number, stage) in stages.take(self.options.fused_steps) {
            let Some(step) = lonely_rewrite(stage) else {
                break;
            };
            let (number, collection) = (step_number(number, 0), step.work.collection());
            let progress = self.store.progress(run.id, number)?;
            let goes_on = found.last().is_none_or(|(_, last, same)| {
                let same_way = (&last.app, last.phase) == (&stage.app, stage.phase);
                let is_higher = last.version < stage.version;
                same_way && is_higher && *same == collection && come_to == progress.after
            });
            if progress.done || !goes_on {
                break;
            }
            come_to = progress.after;
            found.push((number, stage, collection));
        }
        let Some((_, stage, collection)) = found.first() else {
            return Ok(Vec::new());
        };
        // Items that are on a way of their own, or keep the next stage from being applied, are left to passes of one step.
        let is_alone = self.store.collection(collection)?.is_none()
            || self.store.tallies(collection)?.waiting > 0
            || self.open(&stage.app)?.0 > 0;
        Ok(match is_alone {
            true => Vec::new(),
            false => found.iter().map(|(number, ..)| *number).collect(),
        })
    }

    /// Several steps to be carried out in one pass, from where they, or the range of them, stand.
    pub(super) fn fused<'s>(
        &'s self,
        run: &'s Run,
        steps: &[u32],
        hold: Hold<'s>,
    ) -> Result<Fused<'s>, RunError> {
        let whole = || {
            let progress = steps.iter().map(|step| self.store.progress(run.id, *step));
            progress.collect()
        };
        let bodies = Bodies::of(self.store)?;
        let mut parts = Vec::new();
        for (number, progress) in steps.iter().zip(hold.progress(whole)?) {
            parts.push(self.part(run, *number, progress, &bodies)?);
        }
        let Part { stage, step, .. } = parts.first().expect("there are several");
        let collection = step.work.collection();
        self.check_owner(stage, step, collection)?;
        Ok(Fused {
            work: self,
            bound: hold.bound(),
            hold,
            run,
            collection,
            parts,
        })
    }

    fn part<'s>(
        &self,
        run: &'s Run,
        number: u32,
        progress: Progress,
        bodies: &Bodies,
    ) -> Result<Part<'s>, RunError> {
        let (stage, place) = places_of(number);
        let stage = &run.plan.stages[stage];
        let step = &stage.steps[place];
        let component = self.component(stage)?;
        let collection = step.work.collection();
        Ok(Part {
            stage,
            step,
            number,
            context: context(run, stage),
            grants: Arc::new(Grants {
                bodies: bodies.clone(),
                ..Grants::pure(Mode::Rewrite, collection, component.limits())
            }),
            component,
            progress,
            told: Told::default(),
        })
    }
}

/// The step of a stage that has no other, if it rewrites a whole collection and sees nothing else.
fn lonely_rewrite(stage: &Stage) -> Option<&Step> {
    let [step] = &stage.steps[..] else {
        return None;
    };
    let is_whole = stage.source == Source::Collection && !stage.is_late();
    (step.work.is_pure_rewrite() && is_whole).then_some(step)
}

/// One of the steps.
struct Part<'a> {
    stage: &'a Stage,
    step: &'a Step,
    /// The step's number in the run.
    number: u32,
    component: Component,
    context: Context,
    grants: Arc<Grants>,
    progress: Progress,
    told: Told,
}

impl Part<'_> {
    fn name(&self, collection: &Name) -> StepName {
        StepName::of(self.stage, self.step, collection)
    }

    fn transformer(&self, work: &Runner<'_>) -> Transformer {
        let Self {
            component,
            step,
            grants,
            context,
            ..
        } = self;
        Transformer::new(
            component,
            &step.name,
            grants,
            context,
            work.store,
            work.control,
        )
    }
}

/// What says how far steps have come that are carried out in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checkpoints {
    /// The checkpoint of each.
    Each,
    /// Those of the ranges of the first one.
    OfFirst,
}

/// Several steps being carried out in one pass.
pub(super) struct Fused<'a> {
    work: &'a Runner<'a>,
    hold: Hold<'a>,
    /// How far they are fed.
    bound: Bound,
    run: &'a Run,
    collection: &'a Name,
    /// At least one; all of them have come equally far.
    parts: Vec<Part<'a>>,
}

impl<'a> Fused<'a> {
    fn carry_out(&mut self) -> Result<Ending, RunError> {
        self.begin()?;
        let total = self.feeder().total()?;
        let observer = self.work.observer;
        for part in &self.parts {
            observer.event(&RunEvent::StepStarted {
                step: part.name(self.collection),
                total,
                counts: part.progress.counts,
            });
        }
        let phase = self.last().stage.phase;
        let ending = self.work.shared(phase, self)?;
        if ending == Ending::Done {
            for part in &self.parts {
                observer.event(&RunEvent::StepDone {
                    step: part.name(self.collection),
                    counts: part.progress.counts,
                });
            }
        }
        Ok(ending)
    }

    /// What they are called.
    pub(super) fn names(&self) -> Vec<StepName> {
        let parts = self.parts.iter();
        parts.map(|part| part.name(self.collection)).collect()
    }

    /// How far they have come.
    pub(super) fn after(&self) -> Option<String> {
        self.parts[0].progress.after.clone()
    }

    pub(super) fn into_hold(self) -> Hold<'a> {
        self.hold
    }

    fn last(&self) -> &Part<'a> {
        self.parts.last().expect("there is at least one")
    }

    pub(super) fn feeder(&self) -> Feeder {
        let last = self.last();
        Feeder {
            store: self.work.store.clone(),
            run: self.run.id,
            collection: self.collection.clone(),
            source: last.stage.source.clone(),
            // An item that has passed the first ones is due for those behind.
            version: last.stage.version.clone(),
            index: last.stage.first_step,
            previous: None,
            mode: Mode::Rewrite,
            is_late: false,
            // There were none at first, and those that came since may be due for some of the steps only.
            feeds_apart: false,
            options: self.work.options.clone(),
            bound: self.bound.clone(),
        }
    }

    fn write(&self) -> Write<'a> {
        let keeper = Keeper::of(self.run, self.parts[0].number);
        self.hold
            .write(self.work.store.write(self.run.id, Some(keeper)))
    }

    /// Marks the collection as being rewritten by all of the steps, and the run as having begun them.
    fn begin(&mut self) -> Result<(), RunError> {
        let mut write = self.write();
        if self.begin_in(&mut write, Checkpoints::Each)? {
            write.commit(self.hold.whole(), self.work.clock.now())?;
        }
        Ok(())
    }

    /// Has a write do so; gives whether there is anything to be written.
    pub(super) fn begin_in(
        &self,
        write: &mut Write<'_>,
        checkpoints: Checkpoints,
    ) -> Result<bool, StoreError> {
        let has_begun = write.change_collection(self.collection, |collection| {
            for part in &self.parts {
                let step = self.checkpoint_of(part, checkpoints);
                collection.begin(self.run.id, step, &part.stage.version);
            }
        })?;
        if !has_begun {
            return Ok(false);
        }
        if self.work.store.is_attached(self.collection) {
            write.recount(self.collection)?;
        }
        write.set_run(self.run);
        Ok(true)
    }

    /// Gives the collection the version that the last step leads to.
    pub(super) fn level(
        &self,
        write: &mut Write<'_>,
        checkpoints: Checkpoints,
    ) -> Result<(), StoreError> {
        write.change_collection(self.collection, |collection| {
            for part in &self.parts {
                let step = self.checkpoint_of(part, checkpoints);
                collection.end(self.run.id, step, &part.stage.version);
            }
        })?;
        Ok(())
    }

    /// The step whose checkpoint, or those of whose ranges, say how far a step has come.
    fn checkpoint_of(&self, part: &Part<'_>, checkpoints: Checkpoints) -> u32 {
        match checkpoints {
            Checkpoints::Each => part.number,
            Checkpoints::OfFirst => self.parts[0].number,
        }
    }

    /// What is to be in the store of an item.
    fn write_verdict<'w>(
        &self,
        write: &mut Write<'w>,
        feed: &'w Feed,
        judged: &'w Judged,
        index: usize,
    ) -> Result<(), StoreError> {
        let (id, old) = (feed.batch.id(index), feed.record(index));
        let last = self.parts.last().map(|part| &part.stage.version);
        let new = match &judged.verdicts[index] {
            Verdict::Updated(body) => {
                let version = &self.parts[judged.changed_by[index]].stage.version;
                // A column of versions tells what an item is, not when it was changed.
                let told = last.filter(|_| self.work.store.has_versions(self.collection));
                Some((told.unwrap_or(version), body[..].into()))
            }
            Verdict::Removed => None,
            // Nothing that fails comes this far.
            Verdict::Unchanged | Verdict::Failed(_) => {
                return write.leave_item(self.collection, id, old, last);
            }
        };
        write.set_item(self.collection, id, Some(old), new, Visit::Once)?;
        Ok(())
    }

    /// Writes what became of a group of batches, and commits it; gives the checkpoints behind it.
    fn try_commit(&mut self, group: &[(Feed, Judged)]) -> Result<Vec<Progress>, RunError> {
        let mut write = self.write();
        for (feed, judged) in group {
            for index in 0..judged.verdicts.len() {
                self.write_verdict(&mut write, feed, judged, index)?;
            }
        }
        let (last, _) = group.last().expect("there is at least one");
        let upto = group.iter().rev().find_map(|(feed, _)| feed.upto.clone());
        let progress = self.parts.iter().enumerate().map(|(place, part)| {
            let mut progress = part.progress.clone();
            for (_, judged) in group {
                progress.counts += judged.counts_of(place);
            }
            progress.after = upto.clone().or(progress.after);
            progress.done = last.is_last;
            progress
        });
        let progress: Vec<_> = progress.collect();
        if self.hold.is_whole() {
            for (part, progress) in self.parts.iter().zip(&progress) {
                write.set_progress(self.run.id, part.number, progress);
            }
            if last.is_last {
                self.level(&mut write, Checkpoints::Each)?;
            }
        }
        let Runner { store, clock, .. } = *self.work;
        let _timed = timed!("store");
        self.hold.commit(store, write, &progress, clock.now())?;
        Ok(progress)
    }

    /// Tells of a batch that was committed.
    fn tell(&mut self, judged: &Judged) {
        let observer = self.work.observer;
        for (place, (part, link)) in self.parts.iter_mut().zip(&judged.links).enumerate() {
            part.progress.counts += link.counts;
            let mut told = std::mem::take(&mut part.told);
            let step = part.name(self.collection);
            let most = part.component.limits().log_step_bytes;
            told.log(observer, &step, most, &link.log, link.log_dropped);
            let counts = self.hold.counts_with(place, part.progress.counts);
            let event = RunEvent::Batch {
                step: step.clone(),
                counts,
            };
            observer.event(&event);
            told.denied(observer, &step, &link.denied);
            part.told = told;
        }
    }
}

impl<'a> Pass<'a> for Fused<'a> {
    fn runner(&self) -> &'a Runner<'a> {
        self.work
    }

    fn collection(&self) -> &Name {
        self.collection
    }

    fn checkpoint(&self) -> &Progress {
        &self.parts[0].progress
    }

    fn is_pure(&self) -> bool {
        true
    }

    fn reader(&self) -> Box<Read> {
        let feeder = self.feeder();
        Box::new(move |after, portion| feeder.read(after, portion))
    }

    fn budget(&self) -> Box<Budget> {
        Box::new(|_, _| 0)
    }

    fn worker(&self) -> Box<Worker> {
        let parts = self.parts.iter();
        let links = parts.map(|part| (part.stage.version.clone(), part.transformer(self.work)));
        let mut chain = Chain::new(links, MayFail::Nothing);
        Box::new(move |feed, _| chain.transform(feed))
    }

    fn commit(&mut self, group: &[(Feed, Judged)]) -> Result<(), RunError> {
        let clock = self.work.clock;
        let progress = insist(clock, || self.try_commit(group))?;
        for (_, judged) in group {
            self.tell(judged);
        }
        for (part, progress) in self.parts.iter_mut().zip(progress) {
            part.progress = progress;
        }
        Ok(())
    }

    fn hold(&mut self) -> &mut Hold<'a> {
        &mut self.hold
    }

    fn look_around(&mut self) -> Result<Between, RunError> {
        let Part {
            number, progress, ..
        } = &self.parts[0];
        let what = (self.collection, progress.after.as_deref(), &self.bound);
        self.hold
            .look_around(self.work, (self.run.id, *number), what)
    }

    fn check(&self, _: &Feed, _: &Judged) -> Result<(), RunError> {
        Ok(())
    }

    fn item_failed(&self, id: &str, failed: &Failed) -> RunError {
        // Not reached: a chain gives up instead.
        RunError::Worker(format!("{id}: {}", failed.reason))
    }

    fn error(&self, _: &Feed, abort: Abort) -> RunError {
        match abort {
            Abort::Store(error) => RunError::Store(error),
            abort => RunError::Worker(format!("a batch was given up: {abort:?}")),
        }
    }
}

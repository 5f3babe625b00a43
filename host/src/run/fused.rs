//! Steps of several versions in one pass: read once, through all of them, written once.
//!
//! Consecutive stages of a plan whose only step rewrites the same collection, and sees nothing else, may be
//! carried out together. What is left is what carrying them out one after another leaves: each has its
//! own checkpoint and counts, and all of them are committed with every batch. Pre-images are kept once,
//! under the first of the steps.
//!
//! Only what succeeds is committed so. Where an item fails, the pass ends before its batch: the steps go
//! on one by one from their checkpoints, so that quarantine, breaker and blocked stages have to be seen to in one place
//! only. Those before the one in which it failed may still go on together.

use std::sync::Arc;

use super::ahead::{Budget, Read};
use super::chain::{Chain, MayFail};
use super::feed::{Bound, Feed, Feeder};
use super::judge::{Failed, Verdict};
use super::pipeline::{Ending, Pass};
use super::report::StepName;
use super::runner::{Runner, context, step_number};
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
        let mut parts = self.parts(run)?;
        while parts.len() > 1 {
            let begun = run.stages_done + u32::try_from(parts.len()).expect("they are few");
            run.stages_begun = run.stages_begun.max(begun);
            let mut pass = Fused {
                work: self,
                lease: &mut *lease,
                run: &*run,
                collection: parts[0].step.work.collection().clone(),
                parts,
            };
            match pass.carry_out()? {
                Ending::Unfit(place) => {
                    parts = pass.parts;
                    parts.truncate(place);
                }
                ending => return Ok(ending),
            }
        }
        Ok(Ending::Done)
    }

    /// The steps that may be carried out together, from the next stage on.
    fn parts(&self, run: &Run) -> Result<Vec<Part>, RunError> {
        let mut parts: Vec<Part> = Vec::new();
        let bodies = Bodies::of(self.store)?;
        let first = run.stages_done as usize;
        let stages = run.plan.stages.iter().enumerate().skip(first);
        for (number, stage) in stages.take(self.options.fused_steps) {
            let Some(step) = lonely_rewrite(stage) else {
                break;
            };
            let number = step_number(number, 0);
            let progress = self.store.progress(run.id, number)?;
            let goes_on = parts.last().is_none_or(|last| {
                let same_way = (&last.stage.app, last.stage.phase) == (&stage.app, stage.phase);
                same_way
                    && last.step.work.collection() == step.work.collection()
                    && last.stage.version < stage.version
                    && last.progress.after == progress.after
            });
            if progress.done || !goes_on {
                break;
            }
            let component = self.component(stage)?;
            parts.push(Part {
                number,
                context: context(run, stage),
                grants: Arc::new(Grants {
                    bodies: bodies.clone(),
                    ..Grants::pure(Mode::Rewrite, step.work.collection(), component.limits())
                }),
                component,
                progress,
                told: Told::default(),
                step: step.clone(),
                stage: stage.clone(),
            });
        }
        let Some(Part { stage, step, .. }) = parts.first() else {
            return Ok(parts);
        };
        let collection = step.work.collection();
        self.check_owner(stage, step, collection)?;
        // Items that are on a way of their own, or keep the next stage from being applied, are left to passes of one step.
        let tallies = self.store.tallies(collection)?;
        if self.store.collection(collection)?.is_none()
            || tallies.waiting > 0
            || self.open(&stage.app)?.0 > 0
        {
            parts.clear();
        }
        Ok(parts)
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
struct Part {
    stage: Stage,
    step: Step,
    /// The step's number in the run.
    number: u32,
    component: Component,
    context: Context,
    grants: Arc<Grants>,
    progress: Progress,
    told: Told,
}

impl Part {
    fn name(&self, collection: &Name) -> StepName {
        StepName::of(&self.stage, &self.step, collection)
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

/// Several steps being carried out in one pass.
struct Fused<'a> {
    work: &'a Runner<'a>,
    lease: &'a mut Lease,
    run: &'a Run,
    collection: Name,
    /// At least one; all of them have come equally far.
    parts: Vec<Part>,
}

impl<'a> Fused<'a> {
    fn carry_out(&mut self) -> Result<Ending, RunError> {
        self.begin()?;
        let total = self.feeder().total()?;
        let observer = self.work.observer;
        for part in &self.parts {
            observer.event(&RunEvent::StepStarted {
                step: part.name(&self.collection),
                total,
                counts: part.progress.counts,
            });
        }
        let phase = self.last().stage.phase;
        let ending = self.work.shared(phase, self)?;
        if ending == Ending::Done {
            for part in &self.parts {
                observer.event(&RunEvent::StepDone {
                    step: part.name(&self.collection),
                    counts: part.progress.counts,
                });
            }
        }
        Ok(ending)
    }

    fn last(&self) -> &Part {
        self.parts.last().expect("there is at least one")
    }

    fn feeder(&self) -> Feeder {
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
            bound: Bound::default(),
        }
    }

    fn write(&self) -> Write<'a> {
        let keeper = Keeper::of(self.run, self.parts[0].number);
        self.work.store.write(self.run.id, Some(keeper))
    }

    /// Marks the collection as being rewritten by all of the steps, and the run as having begun them.
    fn begin(&mut self) -> Result<(), RunError> {
        let mut write = self.write();
        let has_begun = write.change_collection(&self.collection, |collection| {
            for part in &self.parts {
                collection.begin(self.run.id, part.number, &part.stage.version);
            }
        })?;
        if !has_begun {
            return Ok(());
        }
        write.set_run(self.run);
        Ok(write.commit(self.lease, self.work.clock.now())?)
    }

    /// Gives the collection the version that the last step leads to.
    fn level(&self, write: &mut Write<'_>) -> Result<(), StoreError> {
        write.change_collection(&self.collection, |collection| {
            for part in &self.parts {
                collection.end(self.run.id, part.number, &part.stage.version);
            }
        })?;
        Ok(())
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
                let told = last.filter(|_| self.work.store.has_versions(&self.collection));
                Some((told.unwrap_or(version), body[..].into()))
            }
            Verdict::Removed => None,
            // Nothing that fails comes this far.
            Verdict::Unchanged | Verdict::Failed(_) => {
                return write.leave_item(&self.collection, id, old, last);
            }
        };
        write.set_item(&self.collection, id, Some(old), new, Visit::Once)?;
        Ok(())
    }

    /// Tells of a batch that was committed.
    fn tell(&mut self, judged: &Judged) {
        let observer = self.work.observer;
        for (part, link) in self.parts.iter_mut().zip(&judged.links) {
            part.progress.counts += link.counts;
            let mut told = std::mem::take(&mut part.told);
            let step = part.name(&self.collection);
            let most = part.component.limits().log_step_bytes;
            told.log(observer, &step, most, &link.log, link.log_dropped);
            let counts = part.progress.counts;
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
        &self.collection
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
        for (part, progress) in self.parts.iter().zip(&progress) {
            write.set_progress(self.run.id, part.number, progress);
        }
        if last.is_last {
            self.level(&mut write)?;
        }
        {
            let _timed = timed!("store");
            write.commit(self.lease, self.work.clock.now())?;
        }
        for (_, judged) in group {
            self.tell(judged);
        }
        for (part, progress) in self.parts.iter_mut().zip(progress) {
            part.progress = progress;
        }
        Ok(())
    }

    fn check(&self, _: &Feed, _: &Judged) -> Result<(), RunError> {
        Ok(())
    }

    fn lease(&mut self) -> &mut Lease {
        self.lease
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

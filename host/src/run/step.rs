//! One step over one collection: what a batch leaves behind, in one commit with its checkpoint.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ahead::{Budget, Read};
use super::feed::{Bound, Feed, Feeder};
use super::hold::{Hold, insist};
use super::judge::{Failed, Verdict, is_failed};
use super::pipeline::{Between, Ending, Pass};
use super::report::StepName;
use super::runner::Runner;
use super::threads::Worker;
use super::transform::{Abort, Judged, Transformer};
use super::view::Grants;
use super::{MaxFailures, Observer, OnFailure, RunError, RunEvent, timed, window};
use crate::model::{Counts, Mode, Name, Position, Progress, Source, Stage, Step, Version};
use crate::sandbox::{Component, Context, LogLine};
use crate::store::{Keeper, StoreError, Visit, Write};

/// A step being carried out.
pub(super) struct TransformStep<'a> {
    pub work: &'a Runner<'a>,
    pub hold: Hold<'a>,
    /// How far it is fed.
    pub bound: Bound,
    pub run: crate::model::RunId,
    /// Whether the run keeps pre-images.
    pub keeps_pre_images: bool,
    pub stage: &'a Stage,
    pub step: &'a Step,
    pub mode: Mode,
    pub collection: &'a Name,
    /// The step's place in its migration.
    pub index: u32,
    /// The step over the collection that comes before, in this migration or an earlier one.
    pub previous: Option<Position>,
    /// The step's number in the run.
    pub number: u32,
    pub component: Component,
    pub context: Context,
    pub grants: Arc<Grants>,
    pub progress: Progress,
    /// What was told of the component's log, and of what it was denied.
    pub told: Told,
}

/// What was told of a step.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Bytes of log lines.
    log_bytes: usize,
    /// What was denied.
    denied: BTreeSet<String>,
}

impl Told {
    /// Tells lines of a component's log: up to so many bytes for each step of a run, and no more.
    pub(super) fn log(
        &mut self,
        observer: &dyn Observer,
        step: &StepName,
        most: usize,
        log: &[LogLine],
        dropped: u64,
    ) {
        let kept = log.iter().take_while(|line| {
            self.log_bytes = self.log_bytes.saturating_add(line.len_bytes());
            self.log_bytes <= most
        });
        let lines = &log[..kept.count()];
        let dropped = dropped + (log.len() - lines.len()) as u64;
        if !lines.is_empty() || dropped > 0 {
            observer.event(&RunEvent::Log {
                step: step.clone(),
                lines: lines.to_vec(),
                dropped,
            });
        }
    }

    /// Tells of a batch that was committed: which items failed, what became of all so far, what was denied.
    pub(super) fn batch(
        &mut self,
        observer: &dyn Observer,
        step: &StepName,
        feed: &Feed,
        judged: &Judged,
        counts: Counts,
    ) {
        for (index, verdict) in judged.verdicts.iter().enumerate() {
            if let Verdict::Failed(failed) = verdict {
                observer.event(&RunEvent::Failed {
                    step: step.clone(),
                    id: feed.batch.id(index).to_owned(),
                    kind: failed.kind.name().to_owned(),
                    reason: failed.reason.clone(),
                });
            }
        }
        observer.event(&RunEvent::Batch {
            step: step.clone(),
            counts,
        });
        self.denied(observer, step, &judged.denied);
    }

    /// Tells what a component was denied, each thing once.
    pub(super) fn denied(
        &mut self,
        observer: &dyn Observer,
        step: &StepName,
        denied: &BTreeSet<String>,
    ) {
        for what in denied {
            if self.denied.insert(what.clone()) {
                observer.event(&RunEvent::Denied {
                    step: step.clone(),
                    what: what.clone(),
                });
            }
        }
    }
}

impl<'a> TransformStep<'a> {
    /// Feeds everything behind the checkpoint.
    pub(super) fn carry_out(&mut self) -> Result<Ending, RunError> {
        self.begin()?;
        let total = self.feeder().total()?;
        let event = RunEvent::StepStarted {
            step: self.name(),
            total,
            counts: self.progress.counts,
        };
        self.work.observer.event(&event);
        let ending = self.work.shared(self.stage.phase, self)?;
        if ending == Ending::Done {
            let counts = self.progress.counts;
            self.work.observer.event(&RunEvent::StepDone {
                step: self.name(),
                counts,
            });
        }
        Ok(ending)
    }

    pub(super) fn name(&self) -> StepName {
        StepName::of(self.stage, self.step, self.collection)
    }

    pub(super) fn feeder(&self) -> Feeder {
        Feeder {
            store: self.work.store.clone(),
            run: self.run,
            collection: self.collection.clone(),
            source: self.stage.source.clone(),
            version: self.stage.version.clone(),
            index: self.index,
            previous: self.previous.clone(),
            mode: self.mode,
            is_late: self.stage.is_late(),
            feeds_apart: true,
            options: self.work.options.clone(),
            bound: self.bound.clone(),
        }
    }

    /// Whether the step gives the whole collection a new version.
    pub(super) fn is_levelling(&self) -> bool {
        self.mode == Mode::Rewrite
            && self.stage.source == Source::Collection
            && !self.stage.is_late()
    }

    /// How often the run's step may write an item that it is fed: once, unless it writes its own
    /// collection through `documents`, too, or the item was given an entry before.
    pub(super) fn visit(&self) -> Visit {
        if self.grants.is_inward() || matches!(self.stage.source, Source::Item(..)) {
            Visit::Again
        } else {
            Visit::Once
        }
    }

    /// The version that an item has after this step, having had `before`.
    pub(super) fn version_after(&self, before: Version) -> Version {
        if self.stage.is_late() {
            before.max(self.stage.version.clone())
        } else {
            self.stage.version.clone()
        }
    }

    pub(super) fn write(&self) -> Write<'a> {
        let keeper = Keeper {
            run: self.run,
            step: self.number,
            whole: self.keeps_pre_images,
        };
        self.hold
            .write(self.work.store.write(self.run, Some(keeper)))
    }

    /// Marks the collection as being rewritten, so that the version of each item can be told at
    /// any time.
    fn begin(&mut self) -> Result<(), RunError> {
        let mut write = self.write();
        if self.begin_in(&mut write)? {
            write.commit(self.hold.whole(), self.work.clock.now())?;
        }
        Ok(())
    }

    /// Has a write do so; gives whether there is anything to be written.
    pub(super) fn begin_in(&self, write: &mut Write<'_>) -> Result<bool, StoreError> {
        if !self.is_levelling() || self.progress != Progress::default() {
            return Ok(false);
        }
        let has_begun = write.change_collection(self.collection, |collection| {
            collection.begin(self.run, self.number, &self.stage.version);
        })?;
        if has_begun && self.work.store.is_attached(self.collection) {
            write.recount(self.collection)?;
        }
        Ok(has_begun)
    }

    /// Writes what became of a batch; gives what became of its items, and how many more others it has written.
    fn write_batch<'w>(
        &self,
        write: &mut Write<'w>,
        feed: &'w Feed,
        judged: &'w Judged,
    ) -> Result<(Counts, i64), RunError> {
        let mut counts = Counts {
            read: feed.batch.len() as u64,
            bytes: feed.batch.bodies.len() as u64,
            ..Counts::default()
        };
        for (index, verdict) in judged.verdicts.iter().enumerate() {
            self.write_verdict(write, feed, index, verdict, &mut counts)?;
        }
        let mut written = 0;
        for ((collection, id), body) in &judged.writes {
            written += self.write_document(write, collection, id, body.as_deref())?;
        }
        Ok((counts, written))
    }

    /// Gives the collection the version that the step leads to.
    pub(super) fn level(&self, write: &mut Write<'_>) -> Result<(), StoreError> {
        write.change_collection(self.collection, |collection| {
            collection.end(self.run, self.number, &self.stage.version);
        })?;
        Ok(())
    }

    fn tell(&mut self, feed: &Feed, judged: &Judged) {
        let (observer, step) = (self.work.observer, self.name());
        let most = self.component.limits().log_step_bytes;
        self.told
            .log(observer, &step, most, &judged.log, judged.log_dropped);
        let counts = self.hold.counts_with(0, self.progress.counts);
        self.told.batch(observer, &step, feed, judged, counts);
    }

    /// Writes what became of a group of batches, and commits it; gives the checkpoint behind it, what became of items up to
    /// each of them, and how many bytes were written.
    fn try_commit(
        &mut self,
        group: &[(Feed, Judged)],
    ) -> Result<(Progress, Vec<Counts>, usize), RunError> {
        let mut write = self.write();
        let mut progress = self.progress.clone();
        let mut counts = Vec::new();
        for (feed, judged) in group {
            let (became, written) = self.write_batch(&mut write, feed, judged)?;
            progress.counts += became;
            // What the step wrote may be gone again: then there is one fewer.
            let before = progress.counts.written;
            progress.counts.written = before.saturating_add_signed(written);
            progress.after = feed.upto.clone().or(progress.after);
            progress.done = feed.is_last;
            counts.push(progress.counts);
        }
        if self.hold.is_whole() {
            write.set_progress(self.run, self.number, &progress);
            if progress.done && self.is_levelling() {
                self.level(&mut write)?;
            }
        }
        let bytes = write.len_bytes();
        let (store, now) = (self.work.store, self.work.clock.now());
        let _timed = timed!("store");
        let became = std::slice::from_ref(&progress);
        self.hold.commit(store, write, became, now)?;
        Ok((progress, counts, bytes))
    }

    pub(super) fn too_many(
        &self,
        (failed, read): (u64, u64),
        id: String,
        reason: String,
    ) -> RunError {
        RunError::TooManyFailures {
            version: self.stage.version.clone(),
            step: self.step.name.clone(),
            failed,
            read,
            limit: self.work.options.max_failures,
            id,
            reason,
        }
    }
}

impl<'a> Pass<'a> for TransformStep<'a> {
    fn runner(&self) -> &'a Runner<'a> {
        self.work
    }

    fn collection(&self) -> &Name {
        self.collection
    }

    fn checkpoint(&self) -> &Progress {
        &self.progress
    }

    fn is_pure(&self) -> bool {
        self.grants.is_pure()
    }

    fn reader(&self) -> Box<Read> {
        let feeder = self.feeder();
        Box::new(move |after, portion| feeder.read(after, portion))
    }

    fn worker(&self) -> Box<Worker> {
        let Self { work, step, .. } = self;
        let mut transformer = Transformer::new(
            &self.component,
            &step.name,
            &self.grants,
            &self.context,
            work.store,
            work.control,
        );
        Box::new(move |feed, budget| transformer.transform(&feed.batch, &[], budget))
    }

    /// How many items of a batch may fail before it is certain that the run stops.
    fn budget(&self) -> Box<Budget> {
        let options = self.work.options;
        let ahead = window::limit(options) as u64;
        if options.on_failure == OnFailure::Stop {
            return Box::new(|_, _| 0);
        }
        match options.max_failures {
            MaxFailures::Count(most) => {
                Box::new(move |counts, _| most.saturating_sub(counts.failed))
            }
            // What others have read counts, too: `check` asks for that.
            MaxFailures::Percent(_) if !self.hold.is_whole() => Box::new(|_, batch| batch as u64),
            // Batches in flight before this one may still add to what was read.
            MaxFailures::Percent(most) => Box::new(move |counts, batch| {
                let batch = batch as u64;
                let read = counts.read + batch * (2 + ahead);
                let allowed = read.max(MaxFailures::SAMPLE) * u64::from(most) / 100;
                allowed.saturating_sub(counts.failed).min(batch)
            }),
        }
    }

    fn commit(&mut self, group: &[(Feed, Judged)]) -> Result<(), RunError> {
        let clock = self.work.clock;
        let (progress, counts, bytes) = insist(clock, || self.try_commit(group))?;
        let upto = &progress.after;
        tracing::debug!(batches = group.len(), bytes, upto, "committed");
        for ((feed, judged), counts) in group.iter().zip(counts) {
            self.progress.counts = counts;
            self.tell(feed, judged);
        }
        self.progress = progress;
        Ok(())
    }

    fn hold(&mut self) -> &mut Hold<'a> {
        &mut self.hold
    }

    fn look_around(&mut self) -> Result<Between, RunError> {
        let (at, after) = ((self.run, self.number), self.progress.after.as_deref());
        let what = (self.collection, after, &self.bound);
        self.hold.look_around(self.work, at, what)
    }

    /// The breaker.
    fn check(&self, feed: &Feed, judged: &Judged) -> Result<(), RunError> {
        let last = judged.verdicts.iter().rposition(is_failed);
        let counts = match last {
            Some(_) if !self.hold.is_whole() => {
                let whole = self.work.store.progress_in_all(self.run, self.number)?;
                whole.counts
            }
            _ => self.progress.counts,
        };
        let limit = self.work.options.max_failures;
        let Some(last) = last.filter(|_| limit.is_exceeded(counts.failed, counts.read)) else {
            return Ok(());
        };
        let Verdict::Failed(failed) = &judged.verdicts[last] else {
            return Ok(());
        };
        let reason = format!("{}: {}", failed.kind, failed.reason);
        Err(self.too_many(
            (counts.failed, counts.read),
            feed.batch.id(last).to_owned(),
            reason,
        ))
    }

    fn error(&self, feed: &Feed, abort: Abort) -> RunError {
        match abort {
            Abort::Store(error) => RunError::Store(error),
            Abort::Load(source) => RunError::Load {
                app: self.stage.app.clone(),
                version: self.stage.version.clone(),
                source,
            },
            Abort::TooManyFailures { failed, place, why } => {
                let counts = self.hold.counts_with(0, self.progress.counts);
                let (failed, read) = (
                    counts.failed + failed,
                    counts.read + feed.batch.len() as u64,
                );
                let reason = format!("{}: {}", why.kind, why.reason);
                let id = feed.batch.id(place).to_owned();
                self.too_many((failed, read), id, reason)
            }
            Abort::Stopped | Abort::Unfit(_) => RunError::Worker("a batch was given up".to_owned()),
        }
    }

    fn item_failed(&self, id: &str, failed: &Failed) -> RunError {
        RunError::ItemFailed {
            version: self.stage.version.clone(),
            step: self.step.name.clone(),
            collection: self.collection.clone(),
            id: id.to_owned(),
            kind: failed.kind.name().to_owned(),
            reason: failed.reason.clone(),
        }
    }
}

//! Read ahead, transform on several threads, commit in order.
//!
//! Reading and committing share the thread that called; each transforming thread has a session of
//! its own. The result is that of feeding the batches one after another: a batch that looked at
//! something that was changed after it was read is dropped, with everything behind it, and read
//! again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use super::feed::Feed;
use super::judge::{Failed, Verdict};
use super::reads::Range;
use super::step::{Ending, TransformStep};
use super::threads::{Job, Outcome, Threads};
use super::transform::{Abort, Judged};
use super::window::{self, Window};
use super::{OnFailure, RunError};
use crate::model::Name;
use crate::store::StoreError;

/// How often the lease is looked after while batches take long.
const LEASE_CHECK: Duration = Duration::from_millis(500);

/// Feeds everything behind the step's checkpoint.
pub(super) fn run(step: &mut TransformStep<'_>) -> Result<Ending, RunError> {
    std::thread::scope(|scope| {
        let threads = Threads::start(scope, step);
        Pipeline::new(step, threads).run()
    })
}

/// Batches in flight, and what was committed since they were read.
struct Pipeline<'p, 'a> {
    step: &'p mut TransformStep<'a>,
    threads: Threads,
    /// The number of the next batch to be read. Numbers are not used again.
    next_read: u64,
    /// The id behind which it starts.
    read_after: Option<String>,
    has_read_all: bool,
    /// The number of the next batch to be committed; lower ones that come back were dropped.
    next_commit: u64,
    /// Batches that came back before their turn.
    early: BTreeMap<u64, Outcome>,
    commits: u64,
    /// The number of commits when each batch in flight was read.
    read_at: BTreeMap<u64, u64>,
    /// What the last commits changed, for steps that look at more than what they are fed.
    changed: VecDeque<(u64, BTreeSet<(Name, String)>)>,
    window: Window,
}

impl<'p, 'a> Pipeline<'p, 'a> {
    fn new(step: &'p mut TransformStep<'a>, threads: Threads) -> Self {
        Self {
            read_after: step.progress.after.clone(),
            window: Window::new(window::limit(step.work.options)),
            step,
            threads,
            next_read: 0,
            has_read_all: false,
            next_commit: 0,
            early: BTreeMap::new(),
            commits: 0,
            read_at: BTreeMap::new(),
            changed: VecDeque::new(),
        }
    }

    fn run(mut self) -> Result<Ending, RunError> {
        while !self.step.progress.done {
            if !self.step.work.stop.is_asked() {
                self.read_ahead()?;
            }
            if self.next_commit == self.next_read {
                return Ok(Ending::Stopped);
            }
            let outcome = self.next_outcome()?;
            if self.is_stale(&outcome) {
                self.start_over();
            } else if self.settle(outcome)? == Ending::Stopped {
                return Ok(Ending::Stopped);
            }
        }
        Ok(Ending::Done)
    }

    fn read_ahead(&mut self) -> Result<(), RunError> {
        while !self.has_read_all && self.next_read - self.next_commit < self.window.size {
            let feed = self.step.feeder().read(self.read_after.as_deref())?;
            self.has_read_all = feed.is_last;
            self.read_after = feed.upto.clone().or_else(|| self.read_after.take());
            self.send(feed)?;
        }
        Ok(())
    }

    fn send(&mut self, feed: Feed) -> Result<(), RunError> {
        let number = self.next_read;
        self.next_read += 1;
        self.read_at.insert(number, self.commits);
        if feed.batch.is_empty() {
            let result = Ok(Judged::default());
            self.early.insert(
                number,
                Outcome {
                    number,
                    feed,
                    result,
                },
            );
            return Ok(());
        }
        let budget = self.step.budget(feed.batch.len());
        let sent = self.threads.jobs.send(Job {
            number,
            feed,
            budget,
        });
        sent.map_err(|_| RunError::Worker("no thread takes batches any more".to_owned()))
    }

    /// Waits for the batch whose turn it is, and looks after the lease meanwhile.
    fn next_outcome(&mut self) -> Result<Outcome, RunError> {
        loop {
            if let Some(outcome) = self.early.remove(&self.next_commit) {
                return Ok(outcome);
            }
            match self.threads.outcomes.recv_timeout(LEASE_CHECK) {
                Ok(outcome) if outcome.number < self.next_commit => {}
                Ok(outcome) => {
                    self.early.insert(outcome.number, outcome);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let now = self.step.work.clock.now();
                    if self.step.lease.is_due(now) {
                        self.step.lease.renew(self.step.work.store, now)?;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(RunError::Worker("all threads are gone".to_owned()));
                }
            }
        }
    }

    /// Whether the batch looked at something that was changed after it was read.
    fn is_stale(&mut self, outcome: &Outcome) -> bool {
        let read_at = self.read_at.remove(&outcome.number).unwrap_or_default();
        let feed = &outcome.feed;
        let fed = Range {
            collection: self.step.collection.clone(),
            after: feed.after.clone(),
            upto: feed.upto.clone().filter(|_| !feed.is_last),
        };
        let since = self.changed.iter().filter(|(commit, _)| *commit > read_at);
        since.map(|(_, changed)| changed).any(|changed| {
            let has_read = |judged: &Judged| judged.reads.touch(changed);
            changed
                .iter()
                .any(|(collection, id)| fed.contains(collection, id))
                || outcome.result.as_ref().is_ok_and(has_read)
                || outcome.result.is_err()
        })
    }

    /// Drops everything in flight and reads again behind the checkpoint.
    fn start_over(&mut self) {
        tracing::debug!(
            after = self.step.progress.after,
            "batches in flight are read again"
        );
        self.window.shrink();
        self.next_commit = self.next_read;
        self.early.clear();
        self.read_at.clear();
        self.read_after = self.step.progress.after.clone();
        self.has_read_all = false;
    }

    fn settle(&mut self, outcome: Outcome) -> Result<Ending, RunError> {
        let Outcome { feed, result, .. } = outcome;
        let judged = match result {
            Ok(judged) => judged,
            Err(Abort::Stopped) => return Ok(Ending::Stopped),
            Err(Abort::TooManyFailures { place, why, .. })
                if self.step.work.options.on_failure == OnFailure::Stop =>
            {
                return self.stop_before(&feed, place, &why);
            }
            Err(abort) => return Err(self.error(&feed, abort)),
        };
        // A batch that leaves too much behind is judged in part; the rest is read again.
        let is_part = judged.verdicts.len() < feed.batch.len();
        let feed = if is_part {
            feed.head(judged.verdicts.len())
        } else {
            feed
        };
        match self.commit(&feed, &judged) {
            Err(RunError::Store(StoreError::TooLarge { .. })) if feed.batch.len() > 1 => {
                self.start_over();
                let half = feed.head(feed.batch.len() / 2);
                self.read_after.clone_from(&half.upto);
                self.send(half)?;
            }
            committed => {
                committed?;
                self.check_breaker(&feed, &judged)?;
                if is_part {
                    self.start_over();
                }
            }
        }
        Ok(Ending::Done)
    }

    fn commit(&mut self, feed: &Feed, judged: &Judged) -> Result<(), RunError> {
        self.step.commit(feed, judged)?;
        self.next_commit += 1;
        self.commits += 1;
        self.window.grow();
        if !self.step.grants.is_pure() {
            self.changed
                .push_back((self.commits, self.changed_by(feed, judged)));
            let oldest = self.read_at.values().copied().min().unwrap_or(self.commits);
            while self
                .changed
                .front()
                .is_some_and(|(commit, _)| *commit <= oldest)
            {
                self.changed.pop_front();
            }
        }
        Ok(())
    }

    fn changed_by(&self, feed: &Feed, judged: &Judged) -> BTreeSet<(Name, String)> {
        let mut changed: BTreeSet<_> = judged.writes.keys().cloned().collect();
        for (index, verdict) in judged.verdicts.iter().enumerate() {
            if matches!(verdict, Verdict::Updated(_) | Verdict::Removed) {
                changed.insert((
                    self.step.collection.clone(),
                    feed.batch.id(index).to_owned(),
                ));
            }
        }
        changed
    }

    /// Commits what comes before the first item that failed, and stops.
    fn stop_before(
        &mut self,
        feed: &Feed,
        first: usize,
        failed: &Failed,
    ) -> Result<Ending, RunError> {
        let error = self.step.item_failed(feed.batch.id(first), failed);
        if first > 0 {
            self.start_over();
            self.send(feed.head(first))?;
            let Outcome { feed, result, .. } = self.next_outcome()?;
            match result {
                Ok(judged) if judged.verdicts.len() < feed.batch.len() => {
                    self.commit(&feed.head(judged.verdicts.len()), &judged)?;
                    self.start_over();
                    return Ok(Ending::Done);
                }
                Ok(judged) => self.commit(&feed, &judged)?,
                Err(Abort::Stopped) => return Ok(Ending::Stopped),
                Err(abort) => return Err(self.error(&feed, abort)),
            }
        }
        Err(error)
    }

    fn check_breaker(&self, feed: &Feed, judged: &Judged) -> Result<(), RunError> {
        let counts = self.step.progress.counts;
        let limit = self.step.work.options.max_failures;
        let last = judged.verdicts.iter().rposition(is_failed);
        let Some(last) = last.filter(|_| limit.is_exceeded(counts.failed, counts.read)) else {
            return Ok(());
        };
        let Verdict::Failed(failed) = &judged.verdicts[last] else {
            return Ok(());
        };
        let reason = format!("{}: {}", failed.kind, failed.reason);
        Err(self.step.too_many(
            (counts.failed, counts.read),
            feed.batch.id(last).to_owned(),
            reason,
        ))
    }

    fn error(&self, feed: &Feed, abort: Abort) -> RunError {
        match abort {
            Abort::Store(error) => RunError::Store(error),
            Abort::Load(source) => RunError::Load {
                app: self.step.stage.app.clone(),
                version: self.step.stage.version.clone(),
                source,
            },
            Abort::TooManyFailures { failed, place, why } => {
                let counts = self.step.progress.counts;
                let (failed, read) = (
                    counts.failed + failed,
                    counts.read + feed.batch.len() as u64,
                );
                let reason = format!("{}: {}", why.kind, why.reason);
                let id = feed.batch.id(place).to_owned();
                self.step.too_many((failed, read), id, reason)
            }
            Abort::Stopped => RunError::Worker("the run was asked to stop".to_owned()),
        }
    }
}

fn is_failed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Failed(_))
}

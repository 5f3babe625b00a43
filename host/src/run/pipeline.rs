//! Read ahead, transform on several threads, commit in order.
//!
//! Batches are committed on the thread that called; one thread reads, and each of those that transform has a session of
//! its own. The result is that of feeding the batches one after another: a batch that looked at
//! something that was changed after it was read is dropped, with everything behind it, and read
//! again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::RecvTimeoutError;

use super::ahead::{Ahead, Budget, Read};
use super::control::LEASE_CHECK;
use super::feed::Feed;
use super::hold::Hold;
use super::judge::{Failed, Verdict, is_failed};
use super::pace::{Done, Rest, Round};
use super::reads::Range;
use super::threads::{Job, Outcome, Threads, Worker};
use super::transform::{Abort, Judged};
use super::window::{self, Window};
use super::{OnFailure, Options, Pacing, RunError, Runner, timed};
use crate::model::{Name, Progress, Timestamp};
use crate::store::{LeaseError, StoreError, is_of_item};

/// Batches are gathered into one commit until they have so many bytes. A commit waits for the disk: some
/// milliseconds, in which others come back.
const GROUP_BYTES: usize = 4 << 20;

/// One way through a collection: a step, or several in one pass.
pub(super) trait Pass<'r> {
    /// The run that it is part of.
    fn runner(&self) -> &'r Runner<'r>;
    /// The collection that is fed.
    fn collection(&self) -> &Name;
    /// How far it has come.
    fn checkpoint(&self) -> &Progress;
    /// Whether nothing is read or written but what is fed.
    fn is_pure(&self) -> bool;
    /// What reads it.
    fn reader(&self) -> Box<Read>;
    /// How many items of a batch may fail.
    fn budget(&self) -> Box<Budget>;
    /// What a thread does to batches.
    fn worker(&self) -> Box<Worker>;
    /// Commits what became of some batches, and the checkpoint behind them, as one.
    fn commit(&mut self, group: &[(Feed, Judged)]) -> Result<(), RunError>;
    /// Whether what is committed by now lets it go on.
    fn check(&self, feed: &Feed, judged: &Judged) -> Result<(), RunError>;
    /// What it is carried out under.
    fn hold(&mut self) -> &mut Hold<'r>;
    /// Renews what it is carried out under, once that is due.
    fn keep_lease(&mut self) -> Result<(), RunError> {
        let Runner { store, clock, .. } = *self.runner();
        Ok(self.hold().keep(store, clock.now())?)
    }
    /// Looks, between two batches, whether anybody else wants something.
    fn look_around(&mut self) -> Result<Between, RunError> {
        Ok(Between::GoOn)
    }
    /// What it means that an item failed, where none may.
    fn item_failed(&self, id: &str, failed: &Failed) -> RunError;
    /// What it means that a batch has no result.
    fn error(&self, feed: &Feed, abort: Abort) -> RunError;
}

/// What is to be done after looking around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    /// What was being done.
    GoOn,
    /// Batches in flight are to be read again: there is less to be read.
    ReadAgain,
    /// Nothing more.
    Leave,
}

/// How a pass, or a step, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything was fed.
    Done,
    /// Somebody asked to stop.
    Stopped,
    /// Of several steps in one pass, that of this place does something that a pass of its own must see to.
    Unfit(usize),
}

/// Feeds everything behind a checkpoint.
pub(super) fn run<'r>(pass: &mut impl Pass<'r>) -> Result<Ending, RunError> {
    let runner = pass.runner();
    let options = Options {
        batch_target: pass.hold().batch_target(runner.options.batch_target),
        ..runner.options.clone()
    };
    let progress = pass.checkpoint();
    let after = progress.after.clone();
    let ahead = Ahead::new(&options, runner.control, after, progress.counts);
    std::thread::scope(|scope| {
        let threads = Threads::start(scope, pass, &ahead);
        let mut pipeline = Pipeline::new(pass, threads);
        let ending = pipeline.run();
        pipeline.leave_rest();
        ending
    })
}

/// Batches in flight, and what was committed since they were read.
struct Pipeline<'p, P> {
    pass: &'p mut P,
    threads: Threads<'p>,
    /// The number of the next batch to be committed; lower ones that come back were dropped.
    next_commit: u64,
    /// Batches that came back before their turn.
    early: BTreeMap<u64, Outcome>,
    /// How many commits there were, of the application's, too, as far as those are known.
    commits_seen: u64,
    /// How many of them were its own, of any items.
    commits_made: u64,
    /// How many had been seen when the batch was read that is being committed; what comes behind it was not read before.
    read_at: u64,
    /// What the last commits changed, for steps that look at more than what they are fed.
    changed: VecDeque<(u64, BTreeSet<(Name, String)>)>,
    window: Window,
    /// How fast it goes.
    pacing: Pacing,
    /// The batches behind which it rests, where it does.
    round: Option<Round>,
    /// What is to be rested before the next round.
    rest: Option<Rest>,
}

impl<'p, 'r, P: Pass<'r>> Pipeline<'p, P> {
    fn new(pass: &'p mut P, threads: Threads<'p>) -> Self {
        let Runner { control, clock, .. } = *pass.runner();
        let (rest, pacing) = match pass.hold() {
            Hold::Whole(_) => (None, control.pacing()),
            Hold::Range(_) => control.take_rest(),
        };
        Self {
            window: Window::new(window::limit(pass.runner().options)),
            pacing,
            round: None,
            rest: rest.map(|rest| rest.at(clock.now())),
            pass,
            threads,
            next_commit: 0,
            early: BTreeMap::new(),
            commits_seen: 0,
            commits_made: 0,
            read_at: 0,
            changed: VecDeque::new(),
        }
    }

    fn run(&mut self) -> Result<Ending, RunError> {
        while !self.pass.checkpoint().done {
            // What is read anew after a look around may be behind the round.
            if !self.look_around()? || !self.keep_pace()? || !self.proceed()? {
                return Ok(Ending::Stopped);
            }
            self.allow(self.next_commit);
            let outcome = self.next_outcome()?;
            if self.is_stale(&outcome) {
                self.start_over();
                continue;
            }
            match self.settle(outcome)? {
                Ending::Done => {}
                ending => return Ok(ending),
            }
        }
        Ok(Ending::Done)
    }

    /// Leaves the rest behind the last batches of a range to the next one, which is begun with it: whoever rests owns one, since
    /// a rate is shared by those who do. There may be many small ones, and behind the last there is nothing to rest for.
    fn leave_rest(&mut self) {
        self.end_round();
        let has_range = self.has_range();
        if let Some(rest) = self.rest.take().filter(|_| has_range) {
            let control = self.pass.runner().control;
            control.leave_rest(rest, self.pacing);
        }
    }

    /// Waits while the run is held; gives whether to go on. Whoever has a range gives that back instead, and waits then: others
    /// may not be held, or may have something to say to all who have one.
    fn proceed(&mut self) -> Result<bool, RunError> {
        let runner = self.pass.runner();
        if self.has_range() {
            return Ok(matches!(runner.control.proceed(|_| Err(())), Ok(true)));
        }
        let mut was_held = false;
        let goes_on = runner.proceed(|| {
            was_held = true;
            self.pass.keep_lease()
        })?;
        if was_held {
            (self.round, self.rest) = (None, None);
        }
        Ok(goes_on)
    }

    fn has_range(&mut self) -> bool {
        !self.pass.hold().is_whole()
    }

    /// Does what others want of it; gives whether to go on.
    fn look_around(&mut self) -> Result<bool, RunError> {
        match self.pass.look_around()? {
            Between::GoOn => {}
            Between::ReadAgain => self.read_again(),
            Between::Leave => return Ok(false),
        }
        Ok(true)
    }

    /// Rests behind a round of batches, if work is to rest at all, and begins the next one; gives whether to go on.
    fn keep_pace(&mut self) -> Result<bool, RunError> {
        let Runner { control, clock, .. } = *self.pass.runner();
        loop {
            let pacing = control.pacing();
            if pacing != self.pacing {
                self.read_again();
                self.end_round();
                self.rest = self.rest.map(Rest::for_items);
                self.pacing = pacing;
            }
            if !pacing.rests() {
                (self.round, self.rest) = (None, None);
                return Ok(true);
            }
            if matches!(&self.round, Some(round) if self.next_commit < round.end) {
                return Ok(true);
            }
            self.end_round();
            let Some(rest) = self.rest.filter(|rest| !rest.left.is_zero()) else {
                self.begin_round(clock.now());
                return Ok(true);
            };
            let time = rest.left.min(LEASE_CHECK);
            self.rest = Some(match control.rest(time) {
                true => rest.after(time),
                false => rest.at(clock.now()),
            });
            let is_held = self.has_range() && !control.holds().is_empty();
            if is_held || control.is_stopped() {
                return Ok(false);
            }
            self.keep_lease()?;
            if !self.look_around()? {
                return Ok(false);
            }
        }
    }

    fn begin_round(&mut self, now: Timestamp) {
        let threads = self.pass.runner().options.threads.max(1);
        let end = self.next_commit + threads as u64;
        self.round = Some(Round::new(self.rest.take(), now, self.done(), end));
    }

    /// Ends a round, if there is one, wherever it stands: for what was done in it is to be rested.
    fn end_round(&mut self) {
        if let Some(round) = self.round.take() {
            let now = self.pass.runner().clock.now();
            self.rest = Some(round.end(&self.pacing, now, self.done()));
        }
    }

    fn done(&self) -> Done {
        Done {
            items: self.pass.checkpoint().counts.read,
            commits: self.commits_made,
        }
    }

    fn keep_lease(&mut self) -> Result<(), RunError> {
        self.pass.keep_lease()
    }

    /// Lets as many batches be read as may be in flight, from one on.
    fn allow(&self, first: u64) {
        let until = first + self.window.size;
        let end = self.round.as_ref().map_or(until, |round| round.end);
        self.threads.ahead.allow(until.min(end));
    }

    /// Hands out a part of a batch that is read already.
    fn send(&mut self, feed: Feed) -> Result<(), RunError> {
        let ticket = self.threads.ahead.insert(feed.upto.clone());
        let budget = (self.pass.budget())(&self.pass.checkpoint().counts, feed.batch.len());
        let sent = self.threads.jobs.send(Job {
            ticket,
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
            let received = {
                let _timed = timed!("wait");
                self.threads.outcomes.recv_timeout(LEASE_CHECK)
            };
            match received {
                Ok(outcome) if outcome.ticket.number < self.next_commit => {}
                Ok(outcome) => {
                    self.threads.ahead.learn(&outcome);
                    self.early.insert(outcome.ticket.number, outcome);
                }
                Err(RecvTimeoutError::Timeout) => self.keep_lease()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(RunError::Worker("all threads are gone".to_owned()));
                }
            }
        }
    }

    /// Whether the batch looked at something that was changed after it was read.
    fn is_stale(&self, outcome: &Outcome) -> bool {
        let since = self
            .changed
            .iter()
            .filter(|(commit, _)| *commit > outcome.ticket.read_at);
        since.map(|(_, changed)| changed).any(|changed| {
            outcome.result.is_err() || {
                let judged = outcome.result.as_ref().ok();
                judged.is_some_and(|judged| self.touches(changed, &outcome.feed, judged))
            }
        })
    }

    /// Whether a batch looked at, or is to write, something that was changed.
    fn touches(&self, changed: &BTreeSet<(Name, String)>, feed: &Feed, judged: &Judged) -> bool {
        let fed = Range {
            collection: self.pass.collection().clone(),
            after: feed.after.clone(),
            upto: feed.upto.clone().filter(|_| !feed.is_last),
        };
        let is_touched = |item: &(Name, String)| {
            fed.contains(&item.0, &item.1) || judged.writes.contains_key(item)
        };
        judged.reads.touch(changed) || changed.iter().any(is_touched)
    }

    /// Drops everything in flight and reads again behind the checkpoint.
    fn start_over(&mut self) {
        tracing::debug!(
            after = self.pass.checkpoint().after,
            "batches in flight are read again"
        );
        self.window.shrink();
        self.read_again();
    }

    fn read_again(&mut self) {
        let after = self.pass.checkpoint().after.clone();
        self.next_commit = self.threads.ahead.start_over(after);
        self.early.clear();
    }

    fn settle(&mut self, outcome: Outcome) -> Result<Ending, RunError> {
        self.read_at = outcome.ticket.read_at;
        let Outcome { feed, result, .. } = outcome;
        let judged = match result {
            Ok(judged) => judged,
            Err(Abort::Stopped) => return Ok(Ending::Stopped),
            Err(Abort::Unfit(place)) => return Ok(Ending::Unfit(place)),
            Err(Abort::TooManyFailures { place, why, .. })
                if self.pass.runner().options.on_failure == OnFailure::Stop =>
            {
                return self.stop_before(&feed, place, &why);
            }
            Err(abort) => return Err(self.pass.error(&feed, abort)),
        };
        // A batch that leaves too much behind is judged in part; the rest is read again.
        let is_part = judged.verdicts.len() < feed.batch.len();
        let is_last_asked = self.is_last_asked(&feed, &judged);
        let feed = if is_part {
            feed.head(judged.verdicts.len())
        } else {
            Feed {
                is_last: feed.is_last && !is_last_asked,
                ..feed
            }
        };
        let mut group = vec![(feed, judged)];
        if !is_part && self.pass.is_pure() && self.round.is_none() {
            self.gather(&mut group);
            // Others are read and transformed while these are committed.
            self.allow(self.next_commit + group.len() as u64);
        }
        if self.commit_all(&group)? {
            match (is_part, is_last_asked) {
                (true, _) => self.start_over(),
                (false, true) => {
                    self.read_again();
                    if let Some(round) = &mut self.round {
                        round.end = round.end.max(self.next_commit + 1);
                    }
                }
                (false, false) => {}
            }
        }
        Ok(Ending::Done)
    }

    /// Whether a batch is the last of a range and has the breaker asked. Then it is not to end the range: what the breaker says of
    /// one that is over, nobody hears. A batch of nothing does so behind it.
    fn is_last_asked(&mut self, feed: &Feed, judged: &Judged) -> bool {
        self.has_range() && is_last_failed(feed, judged)
    }

    /// Adds batches behind those of a group that have come back, so that one commit is waited for instead of many.
    /// One in which items failed is the last of its group: then the breaker is asked.
    fn gather(&mut self, group: &mut Vec<(Feed, Judged)>) {
        while let Ok(outcome) = self.threads.outcomes.try_recv() {
            if outcome.ticket.number >= self.next_commit {
                self.threads.ahead.learn(&outcome);
                self.early.insert(outcome.ticket.number, outcome);
            }
        }
        let mut bytes = 0;
        loop {
            let (feed, judged) = group.last().expect("there is at least one");
            bytes += feed.batch.bodies.len();
            if bytes >= GROUP_BYTES || judged.verdicts.iter().any(is_failed) {
                return;
            }
            let next = self.next_commit + group.len() as u64;
            let is_whole = |Outcome { feed, result, .. }: &Outcome| {
                let is_whole = |judged: &Judged| judged.verdicts.len() == feed.batch.len();
                // One that has the breaker asked may not end a range.
                let fits = |judged| is_whole(judged) && !is_last_failed(feed, judged);
                result.as_ref().is_ok_and(fits)
            };
            let fits = |outcome: &Outcome| is_whole(outcome) && !self.is_stale(outcome);
            if !self.early.get(&next).is_some_and(fits) {
                return;
            }
            let outcome = self.early.remove(&next).expect("it was just seen");
            let judged = outcome.result.expect("it was just seen");
            group.push((outcome.feed, judged));
        }
    }

    /// Commits a group, or where it is too large for the store, parts of it; gives whether all of it is committed. If
    /// it is not, the rest is read again.
    fn commit_all(&mut self, group: &[(Feed, Judged)]) -> Result<bool, RunError> {
        match self.commit(group) {
            Err(RunError::Store(StoreError::TooLarge { .. })) if group.len() > 1 => {
                let (first, second) = group.split_at(group.len() / 2);
                Ok(self.commit_all(first)? && self.commit_all(second)?)
            }
            Err(RunError::Store(StoreError::TooLarge { .. })) if group[0].0.batch.len() > 1 => {
                self.start_over();
                self.send(group[0].0.head(group[0].0.batch.len() / 2))?;
                Ok(false)
            }
            Err(error) => Err(error),
            Ok(false) => {
                self.start_over();
                Ok(false)
            }
            Ok(true) => {
                let (feed, judged) = group.last().expect("there is at least one");
                self.pass.check(feed, judged)?;
                Ok(true)
            }
        }
    }

    /// Commits a group; `false` where the application has written something meanwhile that it looked at.
    fn commit(&mut self, group: &[(Feed, Judged)]) -> Result<bool, RunError> {
        loop {
            let result = {
                let _timed = timed!("commit");
                self.pass.commit(group)
            };
            match result {
                Err(RunError::Lease(LeaseError::Written)) => {
                    self.keep_lease()?;
                    let Some(changed) = self.written_meanwhile()? else {
                        return Ok(false);
                    };
                    let is_touched =
                        |(feed, judged): &(Feed, Judged)| self.touches(&changed, feed, judged);
                    if group.iter().any(is_touched) {
                        // It may write the same items again and again: smaller batches are sooner through.
                        self.threads.ahead.narrow();
                        return Ok(false);
                    }
                }
                // An item is not any more what it was when it was read.
                Err(RunError::Store(StoreError::Conflict { key })) if is_of_item(&key) => {
                    self.keep_lease()?;
                    self.threads.ahead.narrow();
                    return Ok(false);
                }
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        self.next_commit += group.len() as u64;
        self.commits_seen += 1;
        // Behind a batch of nothing, that of a range in which nothing is due, there is nothing to rest for.
        self.commits_made += u64::from(group.iter().any(|(feed, _)| !feed.batch.is_empty()));
        let counts = self.pass.checkpoint().counts;
        self.threads.ahead.committed(self.commits_seen, counts);
        self.window.grow();
        while self
            .changed
            .front()
            .is_some_and(|(commit, _)| *commit <= self.read_at)
        {
            self.changed.pop_front();
        }
        if !self.pass.is_pure() {
            let changed = group
                .iter()
                .map(|(feed, judged)| self.changed_by(feed, judged));
            let changed = changed.flatten().collect();
            self.changed.push_back((self.commits_seen, changed));
        }
        Ok(true)
    }

    /// What the application has written since it was asked last: batches that were read before may not have seen it. `None`:
    /// so much that all of them are to be read again.
    fn written_meanwhile(&mut self) -> Result<Option<BTreeSet<(Name, String)>>, RunError> {
        let store = self.pass.runner().store;
        let changed = self.pass.hold().catch_up(store)?;
        self.commits_seen += 1;
        let counts = self.pass.checkpoint().counts;
        self.threads.ahead.committed(self.commits_seen, counts);
        if let Some(changed) = &changed {
            self.changed.push_back((self.commits_seen, changed.clone()));
        }
        Ok(changed)
    }

    fn changed_by(&self, feed: &Feed, judged: &Judged) -> BTreeSet<(Name, String)> {
        let mut changed: BTreeSet<_> = judged.writes.keys().cloned().collect();
        for (index, verdict) in judged.verdicts.iter().enumerate() {
            if matches!(verdict, Verdict::Updated(_) | Verdict::Removed) {
                changed.insert((
                    self.pass.collection().clone(),
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
        let error = self.pass.item_failed(feed.batch.id(first), failed);
        if first > 0 {
            self.start_over();
            self.send(feed.head(first))?;
            let Outcome { feed, result, .. } = self.next_outcome()?;
            match result {
                Ok(judged) if judged.verdicts.len() < feed.batch.len() => {
                    self.commit(&[(feed.head(judged.verdicts.len()), judged)])?;
                    self.start_over();
                    return Ok(Ending::Done);
                }
                Ok(judged) => {
                    if !self.commit(&[(feed, judged)])? {
                        self.start_over();
                        return Ok(Ending::Done);
                    }
                }
                Err(Abort::Stopped) => return Ok(Ending::Stopped),
                Err(abort) => return Err(self.pass.error(&feed, abort)),
            }
        }
        Err(error)
    }
}

/// Whether a batch is the last one and items of it failed.
fn is_last_failed(feed: &Feed, judged: &Judged) -> bool {
    feed.is_last && judged.verdicts.iter().any(is_failed)
}

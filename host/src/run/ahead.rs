//! Reading ahead, on a thread of its own.
//!
//! Batches are numbered in the order in which they are read. Numbers are not used again: whatever is in flight
//! when reading starts over has a lower one than what is read then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::feed::Feed;
use super::pace::{Pace, Portion};
use super::threads::{Job, Outcome, Ticket};
use super::transform::{Abort, Judged};
use super::{Control, Options, timed};
use crate::model::Counts;
use crate::store::StoreError;

/// Reads the batch behind an id, of so much at most.
pub(super) type Read = dyn FnMut(Option<&str>, Portion) -> Result<Feed, StoreError> + Send;
/// How many items of a batch of so many may fail, after what the step has counted.
pub(super) type Budget = dyn Fn(&Counts, usize) -> u64 + Send + Sync;

/// How far a pass is read, and how far it may be.
pub(super) struct Ahead {
    options: Options,
    control: Control,
    state: Mutex<State>,
    changed: Condvar,
    /// Nobody waits for batches of lower numbers any more.
    first_wanted: AtomicU64,
}

struct State {
    /// The number of the next batch.
    next: u64,
    /// The id behind which it starts.
    after: Option<String>,
    /// Batches of lower numbers may be read.
    until: u64,
    /// Whether nothing is left to be read.
    is_over: bool,
    /// Whether nothing is wanted any more.
    is_closed: bool,
    /// Raised with every start: what was being read meanwhile is not wanted.
    starts: u64,
    /// What is committed by now: how often, and what the step has counted.
    commits: u64,
    counts: Counts,
    pace: Pace,
}

impl State {
    fn ticket(&self, number: u64) -> Ticket {
        Ticket {
            number,
            read_at: self.commits,
            halvings: self.pace.halvings(),
        }
    }

    /// Has what is being read thrown away, and lets nothing be read behind an id until that is allowed again.
    fn start_over(&mut self, after: Option<String>) {
        self.until = 0;
        self.starts += 1;
        self.after = after;
        self.is_over = false;
    }
}

impl Ahead {
    pub(super) fn new(
        options: &Options,
        control: &Control,
        after: Option<String>,
        counts: Counts,
    ) -> Self {
        Self {
            options: options.clone(),
            control: control.clone(),
            state: Mutex::new(State {
                next: 0,
                after,
                until: 0,
                is_over: false,
                is_closed: false,
                starts: 0,
                commits: 0,
                counts,
                pace: Pace::new(options.batch_target),
            }),
            changed: Condvar::new(),
            first_wanted: AtomicU64::new(0),
        }
    }

    /// Lets batches of numbers below this one be read.
    pub(super) fn allow(&self, until: u64) {
        self.lock().until = until;
        self.changed.notify_all();
    }

    /// Reads again behind an id, once that is allowed, and gives the number of the next batch.
    pub(super) fn start_over(&self, after: Option<String>) -> u64 {
        let mut state = self.lock();
        state.start_over(after);
        self.first_wanted.store(state.next, Ordering::Relaxed);
        state.next
    }

    /// Whether what becomes of a batch is still to be known.
    pub(super) fn is_wanted(&self, ticket: &Ticket) -> bool {
        ticket.number >= self.first_wanted.load(Ordering::Relaxed)
    }

    /// Notes a commit.
    pub(super) fn committed(&self, commits: u64, counts: Counts) {
        let mut state = self.lock();
        (state.commits, state.counts) = (commits, counts);
    }

    /// Learns how long a batch took.
    pub(super) fn learn(&self, outcome: &Outcome) {
        let items = outcome.feed.batch.len();
        let halvings = outcome.ticket.halvings;
        self.lock().pace.learn(halvings, items, outcome.took);
    }

    /// Takes the next number for a batch that is read already and goes up to an id; what is behind it is read again.
    pub(super) fn insert(&self, upto: Option<String>) -> Ticket {
        let mut state = self.lock();
        state.start_over(upto);
        let ticket = state.ticket(state.next);
        state.next += 1;
        ticket
    }

    /// Has smaller batches be read for a while.
    pub(super) fn narrow(&self) {
        self.lock().pace.narrow();
    }

    /// Ends the thread that reads.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Reads and hands out until it is closed.
    pub(super) fn run(
        &self,
        read: &mut Read,
        budget: &Budget,
        jobs: &SyncSender<Job>,
        outcomes: &Sender<Outcome>,
    ) {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return;
            }
            if state.is_over || state.next >= state.until {
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let (starts, after) = (state.starts, state.after.clone());
            // Noted before it is read: what is committed meanwhile may have been seen or not.
            let ticket = state.ticket(state.next);
            drop(state);
            let found = {
                let _timed = timed!("read");
                let pacing = self.control.pacing();
                let portion = Portion::of(&self.options, &pacing, ticket.halvings);
                read(after.as_deref(), portion)
            };
            state = self.lock();
            if state.starts != starts {
                continue;
            }
            state.next += 1;
            let counts = state.counts;
            let feed = match found {
                Ok(feed) => feed,
                Err(error) => {
                    state.is_over = true;
                    let result = Err(Abort::Store(error));
                    // Whoever does not wait any more does not want to know.
                    let _ = outcomes.send(Outcome::untouched(ticket, Feed::default(), result));
                    continue;
                }
            };
            state.is_over = feed.is_last;
            state.after = feed.upto.clone().or_else(|| state.after.take());
            drop(state);
            let is_gone = if feed.batch.is_empty() {
                let result = Ok(Judged::default());
                outcomes
                    .send(Outcome::untouched(ticket, feed, result))
                    .is_err()
            } else {
                let budget = budget(&counts, feed.batch.len());
                let job = Job {
                    ticket,
                    feed,
                    budget,
                };
                jobs.send(job).is_err()
            };
            if is_gone {
                return;
            }
            state = self.lock();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_it_started_over_is_wanted_no_more() {
        let ahead = Ahead::new(
            &Options::default(),
            &Control::default(),
            None,
            Counts::default(),
        );
        let before = ahead.insert(Some("b".to_owned()));
        assert!(ahead.is_wanted(&before));
        assert_eq!(ahead.start_over(Some("a".to_owned())), 1);
        let part = ahead.insert(Some("b".to_owned()));
        assert!(ahead.is_wanted(&part) && !ahead.is_wanted(&before));
    }
}

//! How large batches are, and how long to rest between them.

use std::time::Duration;

use super::{Options, Pacing};
use crate::model::{Batch, Timestamp};

/// Batches are halved so often at most: a thousandth is left.
const MOST: u32 = 10;
/// After so many quick batches in a row they are larger again.
const QUICK: u32 = 8;

/// Halves batches while they take as long as wished for, or longer, and doubles them again once they take less than a quarter of it:
/// less than half would have them go back and forth.
#[derive(Debug)]
pub(super) struct Pace {
    wished: Duration,
    halvings: u32,
    /// Quick batches in a row.
    quick: u32,
}

impl Pace {
    pub(super) fn new(wished: Duration) -> Self {
        Self {
            wished,
            halvings: 0,
            quick: 0,
        }
    }

    /// How often the next batch is to be halved.
    pub(super) fn halvings(&self) -> u32 {
        self.halvings
    }

    /// Halves batches for another reason than how long they take.
    pub(super) fn narrow(&mut self) {
        self.halvings = (self.halvings + 1).min(MOST);
        self.quick = 0;
    }

    /// Learns what a batch of so many items took that was halved so often. Those that were read before the last change
    /// say nothing.
    pub(super) fn learn(&mut self, halvings: u32, items: usize, took: Duration) {
        if halvings != self.halvings || items == 0 {
            return;
        }
        let is_quick = took < self.wished / 4;
        self.quick = if is_quick { self.quick + 1 } else { 0 };
        if took >= self.wished && items > 1 && self.halvings < MOST {
            self.halvings += 1;
        } else if self.quick == QUICK && self.halvings > 0 {
            self.halvings -= 1;
            self.quick = 0;
        }
    }
}

/// What is read at once at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Portion {
    pub bytes: usize,
    pub items: usize,
}

impl Portion {
    /// That of a batch halved so often, when work is paced so.
    pub(super) fn of(options: &Options, pacing: &Pacing, halvings: u32) -> Self {
        let bytes = pacing.batch_bytes.unwrap_or(options.batch_bytes);
        // Where items are counted, a round of all threads has those of half a second.
        let rounds = options.threads.max(1).saturating_mul(2);
        let items = pacing
            .items_per_second
            .map_or(options.batch_items, |items| {
                (items.get() as usize / rounds).clamp(1, options.batch_items.max(1))
            });
        Self {
            bytes: bytes >> halvings,
            items: items >> halvings,
        }
    }

    /// Whether a batch has no room for a body of so many bytes; one has room for it in any case.
    pub(super) fn is_full(&self, batch: &Batch, more: usize) -> bool {
        let is_over = batch.bodies.len() + more > self.bytes;
        !batch.is_empty() && (is_over || batch.len() >= self.items)
    }
}

/// Work that rests goes in rounds: every thread gets a batch, all are committed, then it rests.
#[derive(Debug)]
pub(super) struct Round {
    /// The number of the first batch of the next one.
    pub end: u64,
    started: Timestamp,
    done: Done,
    /// When the items that were read before are paid for.
    due: Timestamp,
}

/// How far work has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub items: u64,
    pub commits: u64,
}

impl Done {
    pub(super) fn new(items: u64, commits: u64) -> Self {
        Self { items, commits }
    }
}

/// What is to be rested for what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest {
    /// So long, from a moment on.
    pub left: Duration,
    from: Timestamp,
    /// When all items that were read are paid for.
    due: Timestamp,
}

impl Rest {
    /// The same, after a part of it.
    pub(super) fn after(self, time: Duration) -> Self {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            left: self.left.saturating_sub(time),
            from: self.from.plus(millis),
            ..self
        }
    }

    /// The same, at a later moment.
    pub(super) fn at(self, now: Timestamp) -> Self {
        self.after(Duration::from_millis(now.since(self.from)))
    }

    /// What of it is left where work is paced otherwise since: items that were read are paid for, with a second at most, since
    /// whoever asks for more than a very low rate would wait for what that cost.
    pub(super) fn for_items(self) -> Self {
        let millis = self.due.since(self.from).min(HASTE);
        Self {
            left: self.left.min(Duration::from_millis(millis)),
            due: self.due.min(self.from.plus(HASTE)),
            ..self
        }
    }
}

impl Round {
    /// Begins one of batches up to a number, behind a rest.
    pub(super) fn new(last: Option<Rest>, now: Timestamp, done: Done, end: u64) -> Self {
        let due = last.map_or(now, |last| last.due);
        Self {
            end,
            started: now,
            done,
            due: if now.since(due) > HASTE { now } else { due },
        }
    }

    /// How long to rest once its batches are committed.
    pub(super) fn end(self, pacing: &Pacing, now: Timestamp, done: Done) -> Rest {
        let busy = now.since(self.started).min(SLEPT);
        let of_duty = pacing.duty.map_or(0, |duty| {
            let duty = u64::from(duty.max(1));
            busy.saturating_mul(100_u64.saturating_sub(duty)) / duty
        });
        let items = done.items.saturating_sub(self.done.items);
        let cost = pacing.items_per_second.map_or(0, |rate| {
            items.saturating_mul(1_000) / u64::from(rate.get())
        });
        // A clock that was set back would have it rest for hours.
        let latest = now.plus(cost).plus(HASTE);
        let due = self.due.plus(cost).min(latest);
        let of_rate = match pacing.items_per_second {
            Some(_) => due.since(now),
            None => 0,
        };
        let left = Duration::from_millis(of_duty.max(of_rate));
        // What was thrown away takes time, and is not rested for otherwise.
        let is_done = done.commits > self.done.commits;
        Rest {
            left: left.max(if is_done { pacing.rest } else { Duration::ZERO }),
            from: now,
            due,
        }
    }
}

/// So many milliseconds may be made up for that work took longer than it should.
const HASTE: u64 = 1_000;
/// A round that seems to have taken longer, in milliseconds, has not worked all the time: the machine slept, or the clock was set.
const SLEPT: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    const WISHED: Duration = Duration::from_millis(100);

    const START: Timestamp = Timestamp(1_700_000_000_000);

    /// What is rested behind a round of a hundred items that took so many milliseconds.
    fn rest_of(pacing: &Pacing, millis: u64) -> Rest {
        let (before, after) = (Done::new(40, 1), Done::new(140, 3));
        let round = Round::new(None, START, before, 2);
        round.end(pacing, START.plus(millis), after)
    }

    fn a_hundred_a_second() -> Pacing {
        Pacing {
            items_per_second: std::num::NonZeroU32::new(100),
            ..Pacing::default()
        }
    }

    #[test]
    fn what_is_left_of_a_rest_grows_less_with_time_and_is_paid_once() {
        let (pacing, second) = (a_hundred_a_second(), Duration::from_secs(1));
        let rest = rest_of(&pacing, 100);
        assert_eq!(rest.left, second - Duration::from_millis(100));
        assert_eq!(rest.after(second / 2), rest.at(START.plus(600)));
        assert_eq!(rest.at(START.plus(600)).left, Duration::from_millis(400));
        assert_eq!(rest.at(START.plus(5_000)).left, Duration::ZERO);
        assert_eq!(rest.at(Timestamp(0)), rest, "the clock was set back");
        // The next round pays for its own items alone.
        let next = Round::new(Some(rest), START.plus(1_000), Done::new(7, 0), 2);
        let rest = next.end(&pacing, START.plus(1_000), Done::new(107, 1));
        assert_eq!(rest.left, second);
    }

    #[test]
    fn of_a_rest_items_are_paid_for_however_work_is_paced_now() {
        let hour = Duration::from_secs(3_600);
        let slow = Pacing {
            rest: hour,
            ..Pacing::default()
        };
        assert_eq!(rest_of(&slow, 0).left, hour);
        assert_eq!(rest_of(&slow, 0).for_items().left, Duration::ZERO);
        let both = Pacing {
            rest: hour,
            ..a_hundred_a_second()
        };
        let left = rest_of(&both, 400).for_items().left;
        assert_eq!(left, Duration::from_millis(600));
    }

    #[test]
    fn a_clock_that_was_set_back_costs_a_second_once() {
        let (pacing, second) = (a_hundred_a_second(), Duration::from_secs(1));
        let back = Timestamp(START.0 - 3_600_000);
        let rest =
            Round::new(None, START, Done::new(0, 0), 2).end(&pacing, back, Done::new(100, 1));
        assert_eq!(rest.left, second * 2);
        let now = back.plus(2_000);
        let next = Round::new(Some(rest), now, Done::new(100, 1), 4);
        assert_eq!(next.end(&pacing, now, Done::new(200, 2)).left, second);
    }

    #[test]
    fn nobody_rests_for_what_was_not_done_or_for_hours_of_sleep() {
        let round = Round::new(None, START, Done::new(40, 1), 2);
        let slow = Pacing {
            duty: Some(10),
            rest: Duration::from_secs(3_600),
            ..Pacing::default()
        };
        let nothing = round.end(&slow, START.plus(100), Done::new(40, 1));
        assert_eq!(nothing.left, Duration::from_millis(900), "it took its time");
        let tenth = Pacing {
            duty: Some(10),
            ..Pacing::default()
        };
        assert_eq!(rest_of(&tenth, 1_000).left, Duration::from_secs(9));
        let slept = rest_of(&tenth, 8 * 3_600_000);
        assert_eq!(slept.left, Duration::from_secs(540));
    }

    fn learn(pace: &mut Pace, times: u32, millis: u64) -> u32 {
        for _ in 0..times {
            pace.learn(pace.halvings(), 100, Duration::from_millis(millis));
        }
        pace.halvings()
    }

    #[test]
    fn slow_batches_are_halved_and_quick_ones_doubled_again() {
        let mut pace = Pace::new(WISHED);
        assert_eq!(
            learn(&mut pace, 100, 1),
            0,
            "they are as large as they may be"
        );
        assert_eq!(learn(&mut pace, 3, 101), 3);
        assert_eq!(learn(&mut pace, 100, 60), 3, "that is as wished");
        assert_eq!(learn(&mut pace, QUICK - 1, 20), 3);
        assert_eq!(learn(&mut pace, 1, 60), 3, "not in a row");
        assert_eq!(learn(&mut pace, QUICK, 20), 2);
        assert_eq!(learn(&mut pace, QUICK * 2, 20), 0);
        assert_eq!(learn(&mut pace, 100, 101), MOST);
    }

    #[test]
    fn what_was_read_before_and_single_items_say_nothing() {
        let mut pace = Pace::new(WISHED);
        pace.learn(0, 100, WISHED * 2);
        pace.learn(0, 100, WISHED * 2);
        assert_eq!(
            pace.halvings(),
            1,
            "one was read before the first came back"
        );
        pace.learn(1, 1, WISHED * 2);
        assert_eq!(pace.halvings(), 1, "less than one item cannot be fed");
    }
}

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
    /// How many items had been read when it started.
    read: u64,
    /// When the items that were read before are paid for.
    due: Timestamp,
    /// What is still to be rested for what came before it, if it only stands for that.
    owed: Option<Owed>,
}

/// What is still to be rested behind the last batches of a range: the next one begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owed {
    /// When its items are paid for.
    due: Timestamp,
    until: Timestamp,
    /// So long at most, whatever the clock says.
    rest: Duration,
}

impl Owed {
    /// What of it is owed where work is paced otherwise since: items that were read are paid for.
    pub(super) fn for_items(self) -> Self {
        Self {
            due: self.due,
            until: self.due,
            rest: self.rest.min(Duration::from_millis(HASTE)),
        }
    }
}

impl Round {
    /// Begins one of batches up to a number.
    pub(super) fn new(last: Option<&Self>, now: Timestamp, read: u64, end: u64) -> Self {
        let due = last.map_or(now, |last| last.due);
        Self {
            end,
            started: now,
            read,
            due: if now.since(due) > HASTE { now } else { due },
            owed: None,
        }
    }

    /// One that is over at once: what is owed is rested, then the next one begins.
    pub(super) fn owing(owed: Owed, now: Timestamp, read: u64) -> Self {
        Self {
            end: 0,
            started: now,
            read,
            due: owed.due,
            owed: Some(owed),
        }
    }

    /// Ends it before its time, because work is paced otherwise from here on.
    pub(super) fn cut_short(&mut self, end: u64) {
        self.end = end;
        self.owed = self.owed.map(Owed::for_items);
    }

    /// What it leaves to be rested to whoever goes on elsewhere.
    pub(super) fn leave(mut self, pacing: &Pacing, now: Timestamp, read: u64) -> Owed {
        let rest = self.end(pacing, now, read);
        let millis = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
        Owed {
            due: self.due,
            until: now.plus(millis),
            rest,
        }
    }

    /// How long to rest once its batches are committed.
    pub(super) fn end(&mut self, pacing: &Pacing, now: Timestamp, read: u64) -> Duration {
        if let Some(owed) = self.owed {
            return Duration::from_millis(owed.until.since(now)).min(owed.rest);
        }
        let busy = now.since(self.started);
        let of_duty = pacing.duty.map_or(0, |duty| {
            let duty = u64::from(duty.max(1));
            busy.saturating_mul(100_u64.saturating_sub(duty)) / duty
        });
        let of_rate = pacing.items_per_second.map_or(0, |rate| {
            let items = read.saturating_sub(self.read);
            let cost = items.saturating_mul(1_000) / u64::from(rate.get());
            self.due = self.due.plus(cost);
            // A clock that was set back would have it rest for hours.
            self.due.since(now).min(cost.saturating_add(HASTE))
        });
        Duration::from_millis(of_duty.max(of_rate)).max(pacing.rest)
    }
}

/// So many milliseconds may be made up for that work took longer than it should.
const HASTE: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    const WISHED: Duration = Duration::from_millis(100);

    #[test]
    fn what_a_range_leaves_to_be_rested_is_rested_once_and_what_time_has_passed_counts() {
        let (start, second) = (Timestamp(1_000_000), Duration::from_secs(1));
        let pacing = Pacing {
            items_per_second: std::num::NonZeroU32::new(100),
            ..Pacing::default()
        };
        let round = Round::new(None, start, 40, 2);
        let owed = round.leave(&pacing, start.plus(100), 240);
        let later = |millis| Round::owing(owed, start.plus(millis), 7);
        let rest = |millis| later(millis).end(&pacing, start.plus(millis), 7);
        assert_eq!(rest(100), second * 2 - Duration::from_millis(100));
        assert_eq!(rest(1_500), second / 2);
        assert_eq!(rest(2_000), Duration::ZERO);
        let set_back = later(0).end(&pacing, Timestamp(0), 7);
        assert_eq!(set_back, rest(100), "no longer than it was");
        // The next round pays for its own items alone.
        let mut next = Round::new(Some(&later(2_000)), start.plus(2_000), 7, 2);
        assert_eq!(next.end(&pacing, start.plus(2_000), 107), second);
    }

    #[test]
    fn of_what_is_owed_items_are_paid_for_however_work_is_paced_now() {
        let (start, hour) = (Timestamp(1_000_000), Duration::from_secs(3_600));
        let slow = Pacing {
            rest: hour,
            ..Pacing::default()
        };
        let owed = Round::new(None, start, 0, 2).leave(&slow, start, 10);
        let mut round = Round::owing(owed, start, 0);
        assert_eq!(round.end(&slow, start, 0), hour);
        round.cut_short(0);
        assert_eq!(round.end(&slow, start, 0), Duration::ZERO);
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

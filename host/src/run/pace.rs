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
        }
    }

    /// How long to rest once its batches are committed.
    pub(super) fn end(&mut self, pacing: &Pacing, now: Timestamp, read: u64) -> Duration {
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

//! How large batches are, by the time that they take.

use std::time::Duration;

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

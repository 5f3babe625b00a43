//! How many batches may be in flight.

use super::Options;

/// How many batches are in flight for each thread: enough that no thread waits for one while others are committed
/// together.
const AHEAD: usize = 8;

/// How many batches are in flight at most.
pub(super) fn limit(options: &Options) -> usize {
    options.threads.max(1) * AHEAD
}

/// How many batches may be in flight: fewer after batches had to be dropped, more again after a
/// while. Steps in which every batch depends on the one before settle at one.
pub(super) struct Window {
    pub size: u64,
    limit: u64,
    /// Commits since the last change of size.
    clean: u32,
    /// How many there must be before it grows; doubled each time that batches had to be dropped.
    needed: u32,
}

impl Window {
    pub(super) fn new(limit: usize) -> Self {
        let limit = limit as u64;
        Self {
            size: limit,
            limit,
            clean: 0,
            needed: 4,
        }
    }

    pub(super) fn shrink(&mut self) {
        self.size = 1;
        self.clean = 0;
        self.needed = (self.needed * 2).min(4_096);
    }

    pub(super) fn grow(&mut self) {
        self.clean += 1;
        if self.clean >= self.needed && self.size < self.limit {
            self.size += 1;
            self.clean = 0;
        }
    }
}

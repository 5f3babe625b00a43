//! A store that fails when it is told to.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use godwit::store::{Backend, Commit, StoreError};

/// How often operations fail, from the chosen one on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// That one only.
    Once,
    /// That one and every later one, as when a disk is gone.
    FromThenOn,
}

/// What has become of a commit that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing of it was written.
    Nothing,
    /// All of it was written, and only the answer got lost.
    Everything,
}

/// Passes operations on to another store, but for the one that is to fail.
pub struct Faulty {
    inner: Arc<dyn Backend>,
    operations: AtomicU64,
    at: u64,
    failing: Failing,
    outcome: Outcome,
}

impl Faulty {
    /// Fails the operation number `at`, counted from 0.
    pub fn new(inner: Arc<dyn Backend>, at: u64, failing: Failing, outcome: Outcome) -> Self {
        Self {
            inner,
            operations: AtomicU64::new(0),
            at,
            failing,
            outcome,
        }
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.operations.load(Ordering::SeqCst)
    }

    fn fails(&self) -> bool {
        let number = self.operations.fetch_add(1, Ordering::SeqCst);
        number == self.at || (number > self.at && self.failing == Failing::FromThenOn)
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.fails() { Err(failure()) } else { Ok(()) }
    }
}

fn failure() -> StoreError {
    StoreError::Failed {
        action: "an operation that is to fail",
        path: PathBuf::from("faulty"),
        source: "it was told to".into(),
    }
}

impl Backend for Faulty {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.check()?;
        self.inner.get(key)
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.check()?;
        self.inner.scan(from, to, visit)
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        if !self.fails() {
            return self.inner.commit(commit);
        }
        if self.outcome == Outcome::Everything {
            self.inner.commit(commit)?;
        }
        Err(failure())
    }

    fn url(&self) -> String {
        self.inner.url()
    }

    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        self.inner.size_on_disk()
    }

    fn shows_one_moment(&self) -> bool {
        self.inner.shows_one_moment()
    }

    fn nth(&self, n: u64, from: &[u8], to: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.nth(n, from, to)
    }

    fn now(&self) -> Result<Option<godwit::model::Timestamp>, StoreError> {
        self.inner.now()
    }
}

//! Turns at what is short, and is done on the runtime's threads for blocking work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::host::HostError;

/// So many have a turn at once: what takes long takes no more of the runtime's threads than this, also where nobody waits for
/// its answer any more.
const AT_ONCE: usize = 64;
/// So many wait for one; whoever would be one more is told so at once.
const WAITING: usize = 4_096;

/// Turns of one kind.
pub(super) struct Turns {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// One that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            free: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: AtomicUsize::default(),
        }
    }

    /// A turn, which ends when this is dropped.
    ///
    /// # Errors
    /// [`HostError::Overloaded`].
    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, HostError> {
        // Those that wait come first: a turn that is free is theirs.
        if let Ok(turn) = self.free.clone().try_acquire_owned() {
            return Ok(turn);
        }
        let _waiting = Waiting::one_of(&self.waiting)?;
        let turn = self.free.clone().acquire_owned().await;
        turn.map_err(|_| HostError::ShutDown)
    }
}

impl<'a> Waiting<'a> {
    fn one_of(all: &'a AtomicUsize) -> Result<Self, HostError> {
        let this = Self(all);
        match all.fetch_add(1, Ordering::Relaxed) {
            others if others < WAITING => Ok(this),
            _ => Err(HostError::Overloaded),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn until(turns: &Turns, waiting: usize) {
        while turns.waiting.load(Ordering::Relaxed) != waiting {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn more_than_may_wait_are_turned_away_and_those_that_gave_up_do_not_count() {
        let turns = Arc::new(Turns::new());
        let wait = || {
            let turns = turns.clone();
            tokio::spawn(async move { turns.take().await.map(drop) })
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("there is a runtime").block_on(async {
            let mut taken = Vec::new();
            for _ in 0..AT_ONCE {
                taken.push(turns.take().await.expect("one is free"));
            }
            let waiting: Vec<_> = (0..WAITING).map(|_| wait()).collect();
            until(&turns, WAITING).await;
            assert!(matches!(turns.take().await, Err(HostError::Overloaded)));
            waiting[0].abort();
            until(&turns, WAITING - 1).await;
            let one_more = wait();
            until(&turns, WAITING).await;
            drop(taken);
            assert!(one_more.await.expect("it ends").is_ok());
            for (place, waiting) in waiting.into_iter().enumerate() {
                assert_eq!(waiting.await.is_ok(), place > 0);
            }
            assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
        });
    }
}

//! Places for connections: where all are taken, whoever has waited longest without asking for anything gives his up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// So many connections are served at once.
pub(super) struct Places {
    free: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of the next one that becomes idle.
    next: u64,
    /// Those that ask for nothing, with what has them leave; who has been so for longest comes first.
    idle: BTreeMap<u64, Arc<Notify>>,
    /// Whether somebody waits for a place.
    is_wanted: bool,
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            free: Arc::new(Semaphore::new(most)),
            state: Mutex::default(),
        })
    }

    /// Waits for a place; it is idle at first.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        let permit = match self.free.clone().try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => {
                let _wanted = Wanted::new(self);
                // The semaphore is never closed.
                self.free.clone().acquire_owned().await.ok()
            }
        };
        let place = Place {
            places: self.clone(),
            leaves: Arc::default(),
            asked: Mutex::default(),
            _permit: permit,
        };
        place.rest(&mut place.asked());
        place
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held while somebody waits for a place.
struct Wanted<'a>(&'a Places);

impl<'a> Wanted<'a> {
    fn new(places: &'a Places) -> Self {
        let mut state = places.state();
        match state.idle.pop_first() {
            Some((_, leaves)) => leaves.notify_one(),
            None => state.is_wanted = true,
        }
        Self(places)
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.state().is_wanted = false;
    }
}

/// The place of a connection.
pub(super) struct Place {
    places: Arc<Places>,
    leaves: Arc<Notify>,
    asked: Mutex<Asked>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// What a connection has asked for and not got to the end.
#[derive(Default)]
struct Asked {
    answers: usize,
    /// Its number among those that are idle.
    idle: Option<u64>,
}

impl Place {
    /// Waits until it is to be given up.
    pub(super) async fn given_up(&self) {
        self.leaves.notified().await;
    }

    /// It is not idle until what this gives is dropped.
    pub(super) fn answering(self: &Arc<Self>) -> Answering {
        let mut asked = self.asked();
        asked.answers += 1;
        if let Some(number) = asked.idle.take() {
            self.places.state().idle.remove(&number);
        }
        drop(asked);
        Answering(self.clone())
    }

    fn rest(&self, asked: &mut Asked) {
        let mut state = self.places.state();
        if state.is_wanted {
            state.is_wanted = false;
            self.leaves.notify_one();
            return;
        }
        let number = state.next;
        state.next += 1;
        state.idle.insert(number, self.leaves.clone());
        asked.idle = Some(number);
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(number) = self.asked().idle.take() {
            self.places.state().idle.remove(&number);
        }
    }
}

/// An answer that is under way.
pub(super) struct Answering(Arc<Place>);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut asked = self.0.asked();
        asked.answers -= 1;
        if asked.answers == 0 {
            self.0.rest(&mut asked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_idle_for_longest_gives_his_place_up() {
        let places = Places::new(2);
        let first = Arc::new(places.take().await);
        let second = Arc::new(places.take().await);
        // It has asked for something, and been answered, since.
        drop(first.answering());
        let (third, ()) = tokio::join!(places.take(), async {
            second.given_up().await;
            drop(second);
        });
        // One that is being answered stays; the next one that is done leaves.
        let (answering, other) = (first.answering(), Arc::new(third).answering());
        let (_fourth, ()) = tokio::join!(places.take(), async {
            tokio::task::yield_now().await;
            drop(answering);
            first.given_up().await;
            drop(first);
        });
        drop(other);
    }
}

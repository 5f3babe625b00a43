//! The time of a store, where that has its own.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{Clock, Timestamp};
use crate::store::{Backend, Store};

/// The store is asked again after so many milliseconds.
const EVERY: u64 = 1_000;

/// Tells the time of a store's server by the clock of this machine and how far that is off. Leases of machines whose clocks
/// differ are so judged by one clock; whoever is all the same too early or too late is stopped by the lease's number.
struct StoreClock {
    here: Arc<dyn Clock>,
    store: Store,
    known: Mutex<Option<Known>>,
}

/// What was known at a moment of this machine's clock.
#[derive(Clone, Copy)]
struct Known {
    here: Timestamp,
    there: Timestamp,
}

/// The clock by which a store's leases are judged, and whether it is that of the store: where that has none, it is the one
/// that is handed in.
pub(super) fn clock_of(store: &Store, here: Arc<dyn Clock>) -> (bool, Arc<dyn Clock>) {
    match store.backend().now() {
        Ok(None) => (false, here),
        // One that cannot be asked now may be later.
        Ok(Some(_)) | Err(_) => {
            let clock = StoreClock {
                here,
                store: store.clone(),
                known: Mutex::default(),
            };
            (true, Arc::new(clock))
        }
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let here = self.here.now();
        let is_fresh = |known: &Known| here >= known.here && here.since(known.here) < EVERY;
        if !known.as_ref().is_some_and(is_fresh)
            && let Some(there) = asked(self.store.backend())
        {
            // Asking takes a while: what is told then is rather too early than too late, so that nothing is taken too soon.
            let here = self.here.now();
            *known = Some(Known { here, there });
        }
        let here = self.here.now();
        match *known {
            Some(known) if here >= known.here => known.there.plus(here.since(known.here)),
            Some(known) => known.there,
            None => here,
        }
    }
}

fn asked(backend: &dyn Backend) -> Option<Timestamp> {
    match backend.now() {
        Ok(now) => now,
        Err(error) => {
            tracing::debug!(%error, "the store does not tell the time");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::store::{Commit, Memory, StoreError};

    /// A store an hour ahead of a machine.
    struct Ahead(Memory, Arc<AtomicU64>);

    impl Backend for Ahead {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.0.get(key)
        }
        fn scan(
            &self,
            from: &[u8],
            to: &[u8],
            visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
        ) -> Result<(), StoreError> {
            self.0.scan(from, to, visit)
        }
        fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
            self.0.commit(commit)
        }
        fn url(&self) -> String {
            self.0.url()
        }
        fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
            Ok(None)
        }
        fn shows_one_moment(&self) -> bool {
            true
        }
        fn now(&self) -> Result<Option<Timestamp>, StoreError> {
            Ok(Some(Timestamp(self.1.load(Ordering::SeqCst))))
        }
    }

    #[test]
    fn a_stores_own_time_is_told_whatever_the_machine_thinks() {
        let there = Arc::new(AtomicU64::new(3_600_000));
        let backend = Arc::new(Ahead(Memory::new(), there.clone()));
        let store = Store::new(backend).unwrap();
        let machine = Arc::new(AtomicU64::new(0));
        let here = machine.clone();
        let here = Arc::new(move || Timestamp(here.load(Ordering::SeqCst)));
        let (is_its_own, clock) = clock_of(&store, here);
        assert!(is_its_own);
        assert_eq!(clock.now(), Timestamp(3_600_000));
        machine.store(900, Ordering::SeqCst);
        assert_eq!(clock.now(), Timestamp(3_600_900));
        // The machine's clock is set forward by a day, then back.
        there.store(3_601_000, Ordering::SeqCst);
        machine.store(86_400_000, Ordering::SeqCst);
        assert_eq!(clock.now(), Timestamp(3_601_000));
        machine.store(5, Ordering::SeqCst);
        assert_eq!(clock.now(), Timestamp(3_601_000));
    }

    #[test]
    fn a_store_without_a_time_has_that_of_the_machine() {
        let store = Store::new(Arc::new(Memory::new())).unwrap();
        let (is_its_own, clock) = clock_of(&store, Arc::new(|| Timestamp(5)));
        assert_eq!((is_its_own, clock.now()), (false, Timestamp(5)));
    }
}

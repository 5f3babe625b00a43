//! A store that lives and dies with the process.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::{PoisonError, RwLock};

use super::{Backend, Commit, StoreError};

/// A store in memory: for tests, trials and small overlays. It promises nothing after the process
/// has ended.
///
/// ```
/// use std::sync::Arc;
///
/// use godwit::store::{Memory, Store};
///
/// let store = Store::new(Arc::new(Memory::new()))?;
/// assert!(store.collections()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Memory {
    entries: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Memory {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Backend for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(read(&self.entries).get(key).cloned())
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        each(&read(&self.entries), from, to, visit);
        Ok(())
    }

    fn scan_guarded(
        &self,
        guard: (&[u8], Option<&[u8]>),
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        let entries = read(&self.entries);
        let holds = entries.get(guard.0).map(Vec::as_slice) == guard.1;
        if holds {
            each(&entries, from, to, visit);
        }
        Ok(holds)
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        super::backend::check(commit, |key| Ok(entries.get(key).cloned()))?;
        for (key, value) in commit.writes() {
            match value {
                Some(value) => entries.insert(key.to_vec(), value.to_vec()),
                None => entries.remove(key),
            };
        }
        Ok(())
    }

    fn url(&self) -> String {
        "memory:".to_owned()
    }

    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    fn shows_one_moment(&self) -> bool {
        true
    }
}

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

fn each(
    entries: &Entries,
    from: &[u8],
    to: &[u8],
    visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) {
    if from >= to {
        return;
    }
    let range = (Bound::Included(from), Bound::Excluded(to));
    for (key, value) in entries.range::<[u8], _>(range) {
        if visit(key, value).is_break() {
            break;
        }
    }
}

// A panic while the lock was held cannot leave a half commit that matters: the store is gone
// with the process, and tests that panic on purpose look at it afterwards.
fn read(entries: &RwLock<Entries>) -> std::sync::RwLockReadGuard<'_, Entries> {
    entries.read().unwrap_or_else(PoisonError::into_inner)
}

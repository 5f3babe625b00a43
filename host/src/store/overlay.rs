//! A store that is read through and never written: what a dry run works on.

use std::borrow::Cow;
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Backend, Commit, StoreError, Value};
use crate::model::Timestamp;

/// Marks an entry of the top whose value follows.
const PRESENT: u8 = 1;

/// Marks an entry that is in the base and was deleted here.
const DELETED: u8 = 0;

/// How much of the top a scan holds in memory at a time, in entries and in bytes: enough that
/// beginning a scan of the base for each such part costs little, small beside a batch.
const CHUNK: (usize, usize) = (512, 1 << 20);

/// A view of a base store in which writes are kept apart, in a store of their own on top.
///
/// What is read comes from the top where it has the key, else from the base. The base is never
/// written. The top starts out empty, belongs to the overlay and holds each value with a mark
/// before it; its durability is the overlay's.
///
/// ```
/// use std::sync::Arc;
///
/// use godwit::store::{Backend, Commit, Memory, Overlay};
///
/// let base = Arc::new(Memory::new());
/// let overlay = Overlay::new(base.clone(), Memory::new());
/// let mut commit = Commit::new();
/// commit.put(b"key", &[b"value"]);
/// overlay.commit(&commit)?;
/// assert!(overlay.get(b"key")?.is_some());
/// assert!(base.get(b"key")?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Overlay<B> {
    base: Arc<dyn Backend>,
    top: B,
    /// Held from the check of a commit's expectations to its write: they are about both stores,
    /// and the top's own check knows one.
    committing: Mutex<()>,
}

impl<B: Backend> Overlay<B> {
    /// Makes a view of `base` that keeps writes in `top`, which must be empty.
    pub fn new(base: Arc<dyn Backend>, top: B) -> Self {
        Self {
            base,
            top,
            committing: Mutex::new(()),
        }
    }

    /// Reads the first entries of a range of the top, and says where the next part begins.
    fn chunk(&self, from: &[u8], to: &[u8]) -> Result<(Chunk, Vec<u8>), StoreError> {
        let (mut chunk, mut bytes, mut next) = (Chunk::new(), 0, to.to_vec());
        self.top.scan(from, to, &mut |key, marked| {
            chunk.push((key.to_vec(), marked.to_vec()));
            bytes += key.len() + marked.len();
            if chunk.len() < CHUNK.0 && bytes < CHUNK.1 {
                return ControlFlow::Continue(());
            }
            // The smallest key after this one.
            next = [key, &[0]].concat();
            ControlFlow::Break(())
        })?;
        Ok((chunk, next))
    }
}

impl<B: Backend> Backend for Overlay<B> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.top.get(key)? {
            Some(marked) => Ok(value(&marked).map(<[u8]>::to_vec)),
            None => self.base.get(key),
        }
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut from = from.to_vec();
        while from.as_slice() < to {
            let (chunk, next) = self.chunk(&from, to)?;
            let mut merge = Merge {
                top: chunk.iter().peekable(),
                flow: ControlFlow::Continue(()),
            };
            self.base.scan(&from, &next, &mut |key, value| {
                merge.base(key, value, visit)
            })?;
            if merge.rest(visit).is_break() {
                break;
            }
            from = next;
        }
        Ok(())
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let _committing = self
            .committing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        super::backend::check(commit, |key| self.get(key))?;
        let mut marked = Commit::new();
        for (key, value) in commit.writes() {
            match value {
                Some(Value { head, tail }) => {
                    marked.put_with(key, &[&[PRESENT], head], Cow::Borrowed(tail));
                }
                None => marked.put(key, &[&[DELETED]]),
            }
        }
        self.top.commit(&marked)
    }

    fn url(&self) -> String {
        self.base.url()
    }

    /// The bytes that the writes take; the base is not counted.
    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        self.top.size_on_disk()
    }

    fn shows_one_moment(&self) -> bool {
        false
    }

    fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        self.base.now()
    }
}

/// Entries of the top in order: keys and marked values.
type Chunk = Vec<(Vec<u8>, Vec<u8>)>;

/// Merges a part of the top into the scan of the same part of the base.
struct Merge<'a, I: Iterator<Item = &'a (Vec<u8>, Vec<u8>)>> {
    top: Peekable<I>,
    flow: ControlFlow<()>,
}

type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

impl<'a, I: Iterator<Item = &'a (Vec<u8>, Vec<u8>)>> Merge<'a, I> {
    /// Visits what the top has up to the key of the base's entry, and the entry itself unless
    /// the top has another value for it.
    fn base(&mut self, key: &[u8], value: &[u8], visit: &mut Visit<'_>) -> ControlFlow<()> {
        while let Some(entry) = self.top.next_if(|entry| entry.0.as_slice() < key) {
            self.top(entry, visit)?;
        }
        match self.top.next_if(|entry| entry.0 == key) {
            Some(entry) => self.top(entry, visit),
            None => self.visited(visit(key, value)),
        }
    }

    /// Visits what the top has after the last entry of the base.
    fn rest(mut self, visit: &mut Visit<'_>) -> ControlFlow<()> {
        self.flow?;
        while let Some(entry) = self.top.next() {
            self.top(entry, visit)?;
        }
        self.flow
    }

    fn top(&mut self, entry: &(Vec<u8>, Vec<u8>), visit: &mut Visit<'_>) -> ControlFlow<()> {
        match value(&entry.1) {
            Some(value) => self.visited(visit(&entry.0, value)),
            None => ControlFlow::Continue(()),
        }
    }

    // The base's scan does not tell whether it ended or was broken off.
    fn visited(&mut self, flow: ControlFlow<()>) -> ControlFlow<()> {
        self.flow = flow;
        flow
    }
}

fn value(marked: &[u8]) -> Option<&[u8]> {
    match marked.split_first() {
        Some((&PRESENT, value)) => Some(value),
        _ => None,
    }
}

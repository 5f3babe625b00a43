//! The trait that a store's driver implements, and the atomic write it carries out.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use super::{Relational, StoreError};
use crate::model::Timestamp;

/// An ordered map of bytes with one kind of write: atomic, conditional, durable.
///
/// Everything that Godwit promises about crashes rests on [`Backend::commit`]; everything else
/// (items, indexes, history, leases) is encoded above this trait, once for all backends.
///
/// Keys are 1 to [`MAX_KEY`] bytes and ordered bytewise.
///
/// ```
/// use godwit::store::{Backend, Commit, Memory};
///
/// let backend = Memory::new();
/// let mut commit = Commit::new();
/// commit.expect(b"greeting", None);
/// commit.put(b"greeting", &[b"hello"]);
/// backend.commit(&commit)?;
/// assert_eq!(backend.get(b"greeting")?, Some(b"hello".to_vec()));
/// assert_eq!(backend.url(), "memory:");
/// assert!(backend.shows_one_moment() && backend.size_on_disk()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Backend: Send + Sync {
    /// Reads one value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Reads some values, in the order of their keys: what [`Backend::get`] gives for each. A store that is far away is asked
    /// once.
    ///
    /// ```
    /// use godwit::store::{Backend, Commit, Memory};
    ///
    /// # let backend = Memory::new();
    /// # let mut commit = Commit::new();
    /// # commit.put(b"a", &[b"1"]);
    /// # backend.commit(&commit)?;
    /// assert_eq!(backend.get_all(&[b"b", b"a"])?, [None, Some(b"1".to_vec())]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn get_all(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// Visits the entries with `from <= key < to` in ascending order, until `visit` breaks.
    ///
    /// `visit` must not call the backend. Entries committed meanwhile may or may not be seen.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use godwit::store::{Backend, Commit, Memory};
    ///
    /// # let backend = Memory::new();
    /// # let mut commit = Commit::new();
    /// # for key in [b"a", b"b", b"c"] {
    /// #     commit.put(key, &[b"some", b"thing"]);
    /// # }
    /// # backend.commit(&commit)?;
    /// let mut keys = Vec::new();
    /// backend.scan(b"a", b"c", &mut |key, _value| {
    ///     keys.push(key.to_vec());
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(keys, [b"a", b"b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Does as [`Backend::scan`] while the key of `guard` has its value (`None`: is absent), and says whether it had: at the
    /// moment that is seen, where one is; else before and after, so that `false` may come behind some visits.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use godwit::store::{Backend, Commit, Memory};
    ///
    /// # let backend = Memory::new();
    /// # let mut commit = Commit::new();
    /// # for key in [b"a", b"b", b"c"] {
    /// #     commit.put(key, &[b"some", b"thing"]);
    /// # }
    /// # backend.commit(&commit)?;
    /// let mut seen = 0;
    /// let mut visit = |_: &[u8], _: &[u8]| {
    ///     seen += 1;
    ///     ControlFlow::Continue(())
    /// };
    /// assert!(backend.scan_guarded((b"mark", None), b"a", b"c", &mut visit)?);
    /// assert!(!backend.scan_guarded((b"mark", Some(b"1")), b"a", b"c", &mut visit)?);
    /// assert_eq!(seen, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn scan_guarded(
        &self,
        guard: (&[u8], Option<&[u8]>),
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        let holds = || Ok::<_, StoreError>(self.get(guard.0)?.as_deref() == guard.1);
        if !holds()? {
            return Ok(false);
        }
        self.scan(from, to, visit)?;
        holds()
    }

    /// Carries out `commit` as a whole or not at all.
    ///
    /// When it returns `Ok`, every write is in place and as durable as the backend promises. With
    /// [`StoreError::Conflict`] nothing was written. After any other error the outcome is
    /// unknown until the store is opened again.
    fn commit(&self, commit: &Commit) -> Result<(), StoreError>;

    /// The URL by which this store was opened, for messages.
    fn url(&self) -> String;

    /// The bytes that the store takes on disk; `None` where it keeps nothing on disk.
    fn size_on_disk(&self) -> Result<Option<u64>, StoreError>;

    /// Whether one [`Backend::scan`] sees the store as it is at one moment, whatever is committed meanwhile.
    fn shows_one_moment(&self) -> bool;

    /// The `n`-th key (1: the first) with `from <= key < to`, if there are so many: where a range may be cut.
    ///
    /// ```
    /// use godwit::store::{Backend, Commit, Memory};
    ///
    /// # let backend = Memory::new();
    /// # let mut commit = Commit::new();
    /// # for key in [b"a", b"b", b"c", b"d", b"e"] {
    /// #     commit.put(key, &[b"something"]);
    /// # }
    /// # backend.commit(&commit)?;
    /// assert_eq!(backend.nth(2, b"a", b"z")?, Some(b"b".to_vec()));
    /// assert_eq!(backend.nth(2, b"e", b"z")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn nth(&self, n: u64, from: &[u8], to: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        nth_of(n, |visit| self.scan(from, to, visit))
    }

    /// What time it is where the store is; `None` where that is this machine. Machines that share a store go by it, so that
    /// their own clocks do not matter.
    ///
    /// ```
    /// use godwit::store::{Backend, Memory};
    ///
    /// assert_eq!(Memory::new().now()?, None);
    /// # Ok::<(), godwit::store::StoreError>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be asked.
    fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    /// What else can be asked of the store where others reach its items without us; `None` where nobody does.
    ///
    /// ```
    /// use godwit::store::{Backend, Memory};
    ///
    /// assert!(Memory::new().relational().is_none());
    /// ```
    fn relational(&self) -> Option<&dyn Relational> {
        None
    }
}

/// The `n`-th key that a scan visits.
pub(super) fn nth_of(
    n: u64,
    scan: impl FnOnce(&mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>) -> Result<(), StoreError>,
) -> Result<Option<Vec<u8>>, StoreError> {
    let (mut found, mut seen) = (None, 0);
    scan(&mut |key, _| {
        seen += 1;
        if seen < n.max(1) {
            return ControlFlow::Continue(());
        }
        found = Some(key.to_vec());
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// The longest key, in bytes: an item's id (512), its collection (64), a run's prefix and room
/// for an indexed value.
pub const MAX_KEY: usize = 1024;

/// A set of writes that take effect together, if and only if every expectation holds.
///
/// What is small lives in one buffer, so that a batch of some hundred items costs a few allocations; bodies are borrowed
/// or handed over. Of several writes to one key the last one counts.
///
/// ```
/// use godwit::store::{Backend, Commit, Memory, StoreError};
///
/// let backend = Memory::new();
/// let mut commit = Commit::new();
/// commit.expect(b"new", None);
/// commit.put(b"new", &[b"1"]);
/// commit.delete(b"old");
/// backend.commit(&commit)?;
/// // Now there is something.
/// let again = backend.commit(&commit);
/// assert!(matches!(again, Err(StoreError::Conflict { key }) if key == b"new"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Commit<'a> {
    bytes: Vec<u8>,
    expectations: Vec<(Range<usize>, Option<Range<usize>>)>,
    heads: Vec<(Range<usize>, Range<usize>)>,
    writes: Vec<(Range<usize>, Option<Kept<'a>>)>,
    /// Bytes of all tails.
    tails: usize,
}

/// A value that is kept until it is written: what lies in the buffer, and what follows it.
#[derive(Debug)]
struct Kept<'a> {
    head: Range<usize>,
    tail: Cow<'a, [u8]>,
}

/// A value to be written, in two pieces.
///
/// ```
/// use godwit::store::Value;
///
/// let value = Value { head: b"header ", tail: b"body" };
/// assert_eq!((value.len(), value.is_empty()), (11, false));
/// assert_eq!(value.to_vec(), b"header body");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value<'c> {
    /// Its beginning.
    pub head: &'c [u8],
    /// What follows.
    pub tail: &'c [u8],
}

impl Value<'_> {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole value.
    pub fn to_vec(&self) -> Vec<u8> {
        [self.head, self.tail].concat()
    }
}

impl<'a> Commit<'a> {
    /// Makes a commit that writes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks that `key` has exactly this value (`None`: is absent) when the commit takes place.
    ///
    /// ```
    /// use godwit::store::Commit;
    ///
    /// let mut commit = Commit::new();
    /// commit.expect(b"count", Some(b"1"));
    /// commit.put(b"count", &[b"2"]);
    /// assert_eq!(commit.expectations().count(), 1);
    /// ```
    pub fn expect(&mut self, key: &[u8], value: Option<&[u8]>) {
        let key = self.keep(&[key]);
        let value = value.map(|value| self.keep(&[value]));
        self.expectations.push((key, value));
    }

    /// Asks that the value of `key` begins with these bytes when the commit takes place: a whole one need not be compared where
    /// its beginning tells what it is.
    ///
    /// ```
    /// use godwit::store::{Backend, Commit, Memory, StoreError};
    ///
    /// let backend = Memory::new();
    /// let mut commit = Commit::new();
    /// commit.put(b"item", &[b"1.0.0 ", b"a long text"]);
    /// backend.commit(&commit)?;
    /// let mut commit = Commit::new();
    /// commit.expect_head(b"item", b"2.0.0 ");
    /// commit.put(b"item", &[b"3.0.0 ", b"another one"]);
    /// assert!(matches!(backend.commit(&commit), Err(StoreError::Conflict { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn expect_head(&mut self, key: &[u8], head: &[u8]) {
        let (key, head) = (self.keep(&[key]), self.keep(&[head]));
        self.heads.push((key, head));
    }

    /// Writes the concatenation of `value` under `key`.
    ///
    /// ```
    /// use godwit::store::{Backend, Commit, Memory};
    ///
    /// let backend = Memory::new();
    /// let mut commit = Commit::new();
    /// commit.put(b"key", &[b"one", b" and ", b"two"]);
    /// backend.commit(&commit)?;
    /// assert_eq!(backend.get(b"key")?, Some(b"one and two".to_vec()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put(&mut self, key: &[u8], value: &[&[u8]]) {
        self.put_with(key, value, Cow::Borrowed(&[]));
    }

    /// Writes the concatenation of `head` and `tail` under `key`; the tail is not copied.
    ///
    /// ```
    /// use std::borrow::Cow;
    ///
    /// use godwit::store::Commit;
    ///
    /// let body = b"{}".to_vec();
    /// let mut commit = Commit::new();
    /// commit.put_with(b"key", &[b"head"], Cow::Borrowed(&body[..]));
    /// assert_eq!(commit.len_bytes(), 3 + 4 + 2);
    /// ```
    pub fn put_with(&mut self, key: &[u8], head: &[&[u8]], tail: Cow<'a, [u8]>) {
        let key = self.keep(&[key]);
        let head = self.keep(head);
        self.tails += tail.len();
        self.writes.push((key, Some(Kept { head, tail })));
    }

    /// Removes `key`; removing what is not there is no error.
    ///
    /// ```
    /// use godwit::store::{Backend, Commit, Memory};
    ///
    /// let mut commit = Commit::new();
    /// commit.delete(b"key");
    /// Memory::new().commit(&commit)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete(&mut self, key: &[u8]) {
        let key = self.keep(&[key]);
        self.writes.push((key, None));
    }

    /// The expectations, as pairs of a key and the value it must have.
    ///
    /// ```
    /// use godwit::store::Commit;
    ///
    /// let mut commit = Commit::new();
    /// commit.expect(b"key", None);
    /// assert_eq!(commit.expectations().next(), Some((&b"key"[..], None)));
    /// ```
    pub fn expectations(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.expectations.iter().map(|(key, value)| {
            let value = value.as_ref().map(|range| &self.bytes[range.clone()]);
            (&self.bytes[key.clone()], value)
        })
    }

    /// The keys that are expected to be there, with what their values must begin with.
    ///
    /// ```
    /// use godwit::store::Commit;
    ///
    /// let mut commit = Commit::new();
    /// commit.expect_head(b"key", b"head");
    /// assert_eq!(commit.heads().next(), Some((&b"key"[..], &b"head"[..])));
    /// ```
    pub fn heads(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let of = |range: &Range<usize>| &self.bytes[range.clone()];
        self.heads
            .iter()
            .map(move |(key, head)| (of(key), of(head)))
    }

    /// The writes in order, as pairs of a key and its new value (`None`: removed).
    ///
    /// ```
    /// use godwit::store::Commit;
    ///
    /// let mut commit = Commit::new();
    /// commit.put(b"a", &[b"1"]);
    /// commit.delete(b"b");
    /// let is_put: Vec<bool> = commit.writes().map(|(_key, value)| value.is_some()).collect();
    /// assert_eq!(is_put, [true, false]);
    /// ```
    pub fn writes(&self) -> impl Iterator<Item = (&[u8], Option<Value<'_>>)> {
        self.writes.iter().map(|(key, value)| {
            let value = value.as_ref().map(|kept| Value {
                head: &self.bytes[kept.head.clone()],
                tail: &kept.tail,
            });
            (&self.bytes[key.clone()], value)
        })
    }

    /// How many bytes of keys and values the commit carries.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len() + self.tails
    }

    /// Whether the commit writes nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    fn keep(&mut self, parts: &[&[u8]]) -> Range<usize> {
        let start = self.bytes.len();
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        start..self.bytes.len()
    }
}

/// Checks the shape of a commit's keys and its expectations against `get`.
///
/// Backends call this inside the write lock or transaction in which they then write.
pub(crate) fn check(
    commit: &Commit,
    mut get: impl FnMut(&[u8]) -> Result<Option<Vec<u8>>, StoreError>,
) -> Result<(), StoreError> {
    for (key, _) in commit.writes() {
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(StoreError::BadKey { length: key.len() });
        }
    }
    for (key, expected) in commit.expectations() {
        if get(key)?.as_deref() != expected {
            return Err(StoreError::Conflict { key: key.to_vec() });
        }
    }
    for (key, head) in commit.heads() {
        if !get(key)?.is_some_and(|value| value.starts_with(head)) {
            return Err(StoreError::Conflict { key: key.to_vec() });
        }
    }
    Ok(())
}

impl<B: Backend + ?Sized> Backend for std::sync::Arc<B> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).get(key)
    }

    fn get_all(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        (**self).get_all(keys)
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        (**self).scan(from, to, visit)
    }

    fn scan_guarded(
        &self,
        guard: (&[u8], Option<&[u8]>),
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        (**self).scan_guarded(guard, from, to, visit)
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        (**self).commit(commit)
    }

    fn url(&self) -> String {
        (**self).url()
    }

    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        (**self).size_on_disk()
    }

    fn shows_one_moment(&self) -> bool {
        (**self).shows_one_moment()
    }

    fn nth(&self, n: u64, from: &[u8], to: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).nth(n, from, to)
    }

    fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        (**self).now()
    }

    fn relational(&self) -> Option<&dyn Relational> {
        (**self).relational()
    }
}

//! Typed writes that become one commit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::lease::{Lease, LeaseError};
use super::record::{self, Collection, ItemRecord, Numbers, PreImage, Tallies};
use super::{Commit, Store, StoreError, Table, index, key};
use crate::model::{Apart, Digest, Entry, Event, Name, Progress, Run, RunId, Timestamp, Version};

/// Where pre-images go: a run and the number of its step.
///
/// ```
/// use godwit::model::{RunId, Timestamp};
/// use godwit::store::{Keeper, Visit};
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
/// # let mut write = store.write(godwit::model::RunId(0), None);
/// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
/// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
/// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
/// let (run, step) = (RunId(1), 0);
/// let keeper = Keeper { run, step, whole: true };
/// let mut write = store.write(run, Some(keeper));
/// let new = Some((&version, b"{}".into()));
/// write.set_item(&notes, "second", None, new, Visit::Once)?;
/// write.commit(&mut lease, Timestamp(0))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeper {
    /// The run.
    pub run: RunId,
    /// The step's number in the run.
    pub step: u32,
    /// Whether what was there is kept. Otherwise it is only noted of documents that a step may write several times that
    /// something was, so that they are counted once.
    pub whole: bool,
}

impl Keeper {
    /// Where a step of a run has its pre-images.
    ///
    /// ```
    /// # fn example(store: &godwit::store::Store, run: &godwit::model::Run) {
    /// use godwit::store::Keeper;
    ///
    /// let keeper = Keeper::of(run, 0);
    /// assert_eq!(keeper.whole, run.keeps_pre_images);
    /// let write = store.write(run.id, Some(keeper));
    /// # }
    /// ```
    pub fn of(run: &Run, step: u32) -> Self {
        Self {
            run: run.id,
            step,
            whole: run.keeps_pre_images,
        }
    }
}

/// How often a key may be written by one step.
///
/// ```
/// use godwit::model::{RunId, Timestamp};
/// use godwit::store::{Keeper, Visit};
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
/// # let mut write = store.write(godwit::model::RunId(0), None);
/// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
/// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
/// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
/// let (run, step) = (RunId(1), 0);
/// let keeper = Keeper { run, step, whole: false };
/// for growth in [1, 0] {
///     let mut write = store.write(run, Some(keeper));
///     let old = store.item_record(&notes, "second")?.map(Into::into);
///     let new = Some((&version, b"{}".into()));
///     assert_eq!(write.set_item(&notes, "second", old, new, Visit::Again)?, growth);
///     write.commit(&mut lease, Timestamp(0))?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Once: the item is being fed.
    Once,
    /// Perhaps in several batches: only the first pre-image counts.
    Again,
}

/// What is or was in the store under a key, in two pieces: of an item the header and the body, or all in the second one.
///
/// ```
/// use godwit::model::{RunId, Timestamp};
/// use godwit::store::{Stored, Visit};
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
/// # let mut write = store.write(godwit::model::RunId(0), None);
/// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
/// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
/// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
/// let old = store.item_record(&notes, "first")?.map(Stored::from);
/// let new = Some((&version, b"{}".into()));
/// let mut write = store.write(RunId(1), None);
/// write.set_item(&notes, "first", old, new, Visit::Once)?;
/// write.commit(&mut lease, Timestamp(0))?;
/// assert_eq!(store.tallies(&notes)?.items, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Stored<'a> {
    head: Cow<'a, [u8]>,
    tail: Cow<'a, [u8]>,
}

impl<'a> Stored<'a> {
    /// An item's record: what stands before its body, and the body.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    /// use godwit::store::{ItemRecord, Stored, Visit};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let record = store.item_record(&notes, "first")?.ok_or("there is no item")?;
    /// let item = ItemRecord::parse(&record)?;
    /// let old = Stored::item(item.header, item.body);
    /// let mut write = store.write(RunId(1), None);
    /// write.set_item(&notes, "first", Some(old), None, Visit::Once)?;
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.tallies(&notes)?.items, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn item(header: &'a [u8], body: &'a [u8]) -> Self {
        Self {
            head: Cow::Borrowed(header),
            tail: Cow::Borrowed(body),
        }
    }

    /// What stands before the body of an item's record.
    fn header(&self) -> Result<&[u8], StoreError> {
        match self.head.is_empty() {
            true => Ok(ItemRecord::parse(&self.tail)?.header),
            false => Ok(&self.head),
        }
    }

    /// The body of an item's record.
    fn body(&self) -> Result<&[u8], StoreError> {
        if self.head.is_empty() {
            return Ok(ItemRecord::parse(&self.tail)?.body);
        }
        Ok(&self.tail)
    }
}

impl From<Vec<u8>> for Stored<'_> {
    fn from(whole: Vec<u8>) -> Self {
        Self {
            head: Cow::default(),
            tail: Cow::Owned(whole),
        }
    }
}

/// Writes gathered to be carried out together. What is large is borrowed until then.
///
/// Indexes and tallies follow the items by themselves; with a [`Keeper`], so do pre-images. Each
/// item may be set once in a write.
///
/// ```
/// use godwit::model::{Name, RunId, Timestamp, Version};
/// use godwit::store::{Collection, Visit};
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// let (notes, version): (Name, _) = ("notes".parse()?, Version::new(1, 0, 0));
/// let mut write = store.write(RunId(1), None);
/// write.set_collection(&notes, Collection::new("app".parse()?, None))?;
/// write.set_item(&notes, "first", None, Some((&version, b"{}".into())), Visit::Once)?;
/// write.commit(&mut lease, Timestamp(0))?;
/// assert_eq!(store.body(&notes, "first")?, Some(b"{}".to_vec()));
/// assert_eq!(store.tallies(&notes)?.items, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Write<'a> {
    store: &'a Store,
    commit: Commit<'a>,
    keeper: Option<Keeper>,
    writer: RunId,
    collections: BTreeMap<Name, Known>,
    numbers: Option<Numbers>,
    /// Whether what is read of collections must be so still when it is committed: nobody holds a lease.
    is_unleased: bool,
    /// Whether others write items of the same collections: what is changed must be as it was found.
    is_among_others: bool,
}

/// The kinds of record that there is one of for each collection, and that items' changes change.
const TAGS: [u8; 2] = [key::tag::COLLECTION, key::tag::TALLIES];

/// A collection as a write knows it.
struct Known {
    record: Collection,
    tallies: Tallies,
    is_changed: bool,
    is_counted: bool,
    /// The record and the tallies as they were found.
    found: [Option<Vec<u8>>; 2],
    /// Whether it is a table that the application writes, too.
    is_attached: bool,
}

impl<'a> Write<'a> {
    pub(super) fn new(store: &'a Store, writer: RunId, keeper: Option<Keeper>) -> Self {
        Self {
            store,
            commit: Commit::new(),
            keeper,
            writer,
            collections: BTreeMap::new(),
            numbers: None,
            is_unleased: false,
            is_among_others: false,
        }
    }

    /// The same for a write that is carried out beside others, by those who own ranges of one collection: items are
    /// replaced only if they have still the version and the writer that they had, and what is changed of a collection must be
    /// as it was found.
    #[must_use]
    pub(crate) fn among_others(self) -> Self {
        Self {
            is_among_others: true,
            ..self
        }
    }

    /// Starts a write that is carried out without a lease.
    pub(super) fn unleased(store: &'a Store) -> Self {
        Self {
            is_unleased: true,
            ..Self::new(store, RunId(0), None)
        }
    }

    /// Asks that something is so still when the write is carried out.
    pub(super) fn expect(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.commit.expect(key, value);
    }

    /// Writes, or removes, what is under a key that no other method knows.
    pub(super) fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        match value {
            Some(value) => self.commit.put(key, &[value]),
            None => self.commit.delete(key),
        }
    }

    /// Adds what another commit expects and writes.
    pub(super) fn append(&mut self, other: &Commit<'_>) {
        for (key, value) in other.expectations() {
            self.commit.expect(key, value);
        }
        for (key, value) in other.writes() {
            match value {
                Some(value) => self.commit.put(key, &[value.head, value.tail]),
                None => self.commit.delete(key),
            }
        }
    }

    /// How many bytes the write carries so far.
    ///
    /// ```
    /// use godwit::model::RunId;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// assert_eq!(store.write(RunId(1), None).len_bytes(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len_bytes(&self) -> usize {
        self.commit.len_bytes()
    }

    /// The collection's record; `None` where there is no such collection.
    ///
    /// ```
    /// use godwit::model::RunId;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let mut write = store.write(RunId(1), None);
    /// assert!(write.collection(&notes)?.is_some());
    /// assert!(write.collection(&"others".parse()?)?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn collection(&mut self, name: &Name) -> Result<Option<&Collection>, StoreError> {
        if !self.collections.contains_key(name) {
            let mut found = [None, None];
            for (tag, found) in TAGS.into_iter().zip(&mut found) {
                let key = key::named(tag, name);
                *found = self.store.backend().get(&key)?;
                if self.is_unleased {
                    self.commit.expect(&key, found.as_deref());
                }
            }
            let parsed = |index: usize| {
                let key = key::named(TAGS[index], name);
                found[index].as_deref().map(|bytes| (key, bytes))
            };
            let Some((key, bytes)) = parsed(0) else {
                return Ok(None);
            };
            let record = record::from_json(&key, bytes)?;
            let tallies = match parsed(1) {
                Some((key, bytes)) => record::from_json(&key, bytes)?,
                None => Tallies::default(),
            };
            let known = Known {
                record,
                tallies,
                is_changed: false,
                is_counted: false,
                found,
                is_attached: self.store.is_attached(name),
            };
            self.collections.insert(name.clone(), known);
        }
        Ok(self.collections.get(name).map(|known| &known.record))
    }

    /// Creates a collection or changes its record.
    ///
    /// ```
    /// use godwit::model::RunId;
    /// use godwit::store::Collection;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let mut write = store.write(RunId(1), None);
    /// write.set_collection(&notes, Collection::new("app".parse()?, None))?;
    /// assert!(write.collection(&notes)?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn set_collection(&mut self, name: &Name, record: Collection) -> Result<(), StoreError> {
        let before = self.collection(name)?.map(record::to_json);
        let key = key::named(key::tag::COLLECTION, name);
        self.keep(&key, before.map(Stored::from), true, Visit::Again)?;
        let known = self
            .collections
            .entry(name.clone())
            .or_insert_with(|| Known {
                record: record.clone(),
                tallies: Tallies::default(),
                is_changed: true,
                is_counted: true,
                found: [None, None],
                is_attached: false,
            });
        known.record = record;
        known.is_changed = true;
        Ok(())
    }

    /// Changes the record of a collection, if there is one; gives whether it is another one now.
    ///
    /// ```
    /// use godwit::model::RunId;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let mut write = store.write(RunId(1), None);
    /// assert!(write.change_collection(&notes, |notes| notes.opaque = true)?);
    /// assert!(!write.change_collection(&notes, |notes| notes.opaque = true)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn change_collection(
        &mut self,
        name: &Name,
        change: impl FnOnce(&mut Collection),
    ) -> Result<bool, StoreError> {
        let Some(old) = self.collection(name)? else {
            return Ok(false);
        };
        let mut record = old.clone();
        change(&mut record);
        if record == *old {
            return Ok(false);
        }
        self.set_collection(name, record)?;
        Ok(true)
    }

    /// Makes a collection of a table of the application's own, whose rows have a version by now: the first thing that there is
    /// of it in the store.
    ///
    /// # Errors
    /// [`LeaseError`] when the lease was lost, or the table does not do.
    pub(crate) fn attach(
        mut self,
        (collection, table): (&Name, &Table),
        (app, version): (&Name, &Version),
        lease: &mut Lease,
        now: Timestamp,
    ) -> Result<(), LeaseError> {
        let store = self.store;
        let record = Collection::new(app.clone(), Some(version.clone()));
        self.expect(&key::named(key::tag::COLLECTION, collection), None);
        self.set_collection(collection, record)?;
        lease.keep(store, now)?;
        let mut commit = self.finished();
        lease.expect(&mut commit);
        let attached = match store.backend().relational() {
            Some(relational) => relational.attach(collection, table, version, &commit),
            None => Err(StoreError::table(
                collection,
                format!("{} has no tables; PostgreSQL has", store.backend().url()),
            )),
        };
        attached.map_err(|error| Lease::lost(store, error))
    }

    /// Notes how many items a collection has, of a table that others write, too.
    pub(crate) fn recount(&mut self, name: &Name) -> Result<(), StoreError> {
        let items = self.store.count_items(name)?;
        let known = self.known(name)?;
        known.tallies.items = items;
        known.is_counted = true;
        Ok(())
    }

    /// Has an item wait to be brought up to date that the application wrote with an older version than its collection has, if
    /// it is still what was read.
    pub(crate) fn await_item(
        &mut self,
        collection: &Name,
        id: &str,
        record: &[u8],
        version: &Version,
    ) -> Result<(), StoreError> {
        let key = key::item(key::tag::ITEM, collection, id);
        self.commit.expect(&key, Some(record));
        self.change_collection(collection, |known| {
            known.note_versions(None, Some(version.clone()));
        })?;
        let apart = Apart {
            version: version.clone(),
            next: None,
            failure: None,
        };
        self.set_apart(collection, id, None, Some(&apart), Visit::Once)
    }

    /// Removes a collection that has no items.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let mut write = store.write(RunId(1), None);
    /// write.drop_collection(&notes);
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert!(store.collections()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drop_collection(&mut self, name: &Name) {
        self.collections.remove(name);
        self.commit.delete(&key::named(key::tag::COLLECTION, name));
        self.commit.delete(&key::named(key::tag::TALLIES, name));
    }

    /// Creates, replaces or (with `new` absent) deletes an item, whose record was `old`.
    ///
    /// The collection must exist. Returns by how much the number of items that differ from what the
    /// keeper found grows: 1 with its first change, -1 when an item that it created is gone again.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    /// use godwit::store::{Stored, Visit};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let mut write = store.write(RunId(1), None);
    /// let record = store.item_record(&notes, "first")?.map(Stored::from);
    /// write.set_item(&notes, "first", record, None, Visit::Once)?;
    /// write.set_item(&notes, "second", None, Some((&version, b"{}".into())), Visit::Once)?;
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.item(&notes, "first")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn set_item(
        &mut self,
        collection: &Name,
        id: &str,
        old: Option<Stored<'a>>,
        new: Option<(&Version, Cow<'a, [u8]>)>,
        visit: Visit,
    ) -> Result<i64, StoreError> {
        let new = new.map(|(version, body)| Stored {
            head: Cow::Owned(record::item_header(version, self.writer)),
            tail: body,
        });
        let is_attached = self.track_item(collection, id, old.as_ref(), new.as_ref())?;
        let key = key::item(key::tag::ITEM, collection, id);
        match &old {
            _ if is_attached => self.expect_whole(&key, old.as_ref()),
            _ if !self.is_among_others => {}
            Some(old) => self.commit.expect_head(&key, old.header()?),
            None => self.commit.expect(&key, None),
        }
        let growth = self.keep(&key, old, new.is_some(), visit)?;
        match new {
            Some(Stored { head, tail }) => self.commit.put_with(&key, &[&head], tail),
            None => self.commit.delete(&key),
        }
        Ok(growth)
    }

    /// Has an item stay that was read as `old`. Of a table that the application writes, too, it must be so still; and where that
    /// has a column of versions, it says `version` from then on, if one is given and it was older.
    pub(crate) fn leave_item(
        &mut self,
        collection: &Name,
        id: &str,
        old: Stored<'a>,
        version: Option<&Version>,
    ) -> Result<(), StoreError> {
        if !self.store.is_attached(collection) {
            return Ok(());
        }
        let stamp = ItemRecord::parse(old.header()?)?.stamp()?;
        match version.filter(|version| self.store.has_versions(collection) && stamp < **version) {
            Some(version) => {
                let body = Cow::Owned(old.body()?.to_vec());
                let new = Some((version, body));
                self.set_item(collection, id, Some(old), new, Visit::Once)?;
            }
            None => {
                let key = key::item(key::tag::ITEM, collection, id);
                self.expect_whole(&key, Some(&old));
            }
        }
        Ok(())
    }

    /// Has nothing be left of the entry of an item that is gone, if it is still so.
    pub(crate) fn forget_item(
        &mut self,
        collection: &Name,
        id: &str,
        apart: &[u8],
    ) -> Result<(), StoreError> {
        let key = key::item(key::tag::ITEM, collection, id);
        self.commit.expect(&key, None);
        self.set_apart(collection, id, Some(apart), None, Visit::Once)
    }

    /// Adds an item's record as it is elsewhere.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let record = store.item_record(&notes, "first")?.ok_or("there is no item")?;
    /// let mut write = store.write(RunId(1), None);
    /// write.copy_item(&notes, "second", record)?;
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.body(&notes, "second")?, store.body(&notes, "first")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn copy_item(
        &mut self,
        collection: &Name,
        id: &str,
        record: Vec<u8>,
    ) -> Result<(), StoreError> {
        let record = Stored::from(record);
        let key = key::item(key::tag::ITEM, collection, id);
        if self.track_item(collection, id, None, Some(&record))? {
            self.expect_whole(&key, None);
        }
        self.commit.put_with(&key, &[], record.tail);
        Ok(())
    }

    /// Puts back an item's record as it was.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let current = store.item_record(&notes, "first")?;
    /// let mut write = store.write(RunId(1), None);
    /// // There was no such item before.
    /// write.restore_item(&notes, "first", current.as_deref(), None)?;
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.tallies(&notes)?.items, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn restore_item(
        &mut self,
        collection: &Name,
        id: &str,
        current: Option<&[u8]>,
        before: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let [current, there] =
            [current, before].map(|record| record.map(|it| Stored::item(&[], it)));
        let key = key::item(key::tag::ITEM, collection, id);
        if self.track_item(collection, id, current.as_ref(), there.as_ref())? {
            self.expect_whole(&key, current.as_ref());
        }
        match before {
            Some(before) => self.commit.put(&key, &[before]),
            None => self.commit.delete(&key),
        }
        Ok(())
    }

    /// Asks that what is under a key is still what it was, to the byte.
    fn expect_whole(&mut self, key: &[u8], old: Option<&Stored<'_>>) {
        let old = old.map(|old| [&*old.head, &*old.tail].concat());
        self.commit.expect(key, old.as_deref());
    }

    /// Lets the number of items and the index entries follow what becomes of an item. Gives whether the collection is a table
    /// that the application writes, too: that has indexes of its own.
    fn track_item(
        &mut self,
        collection: &Name,
        id: &str,
        old: Option<&Stored<'_>>,
        new: Option<&Stored<'_>>,
    ) -> Result<bool, StoreError> {
        let known = self.known(collection)?;
        match (old.is_some(), new.is_some()) {
            (false, true) => known.tallies.items += 1,
            (true, false) => known.tallies.items = known.tallies.items.saturating_sub(1),
            (false, false) | (true, true) => {}
        }
        known.is_counted |= old.is_some() != new.is_some();
        let indexes = known.record.indexes.clone();
        if known.is_attached || indexes.is_empty() {
            return Ok(known.is_attached);
        }
        let parse = |record: Option<&Stored<'_>>| {
            let body = record.map(Stored::body).transpose()?;
            let value = body.and_then(|body| serde_json::from_slice(body).ok());
            Ok::<Option<serde_json::Value>, StoreError>(value)
        };
        let (old, new) = (parse(old)?, parse(new)?);
        for definition in indexes {
            let entry = |body: &Option<serde_json::Value>| {
                let value = body.as_ref()?.pointer(&definition.pointer)?;
                Some(index::entry(collection, definition.number, value, id))
            };
            let (old, new) = (entry(&old), entry(&new));
            if old != new {
                old.iter().for_each(|key| self.commit.delete(key));
                new.iter().for_each(|key| self.commit.put(key, &[]));
            }
        }
        Ok(false)
    }

    /// Writes one index entry, while an index is built.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    /// use godwit::store::{Index, index_entry};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let (number, pointer) = (0, "/done".to_owned());
    /// let index = Index { number, pointer, ready: false };
    /// let entry = index_entry(&notes, &index, br#"{"done": false}"#, "first");
    /// let mut write = store.write(RunId(1), None);
    /// write.add_index_entry(&entry.ok_or("it has no such value")?);
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.count_index_entries(&notes, number)?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_index_entry(&mut self, entry: &[u8]) {
        self.commit.put(entry, &[]);
    }

    /// Removes one index entry, while an index is dropped.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut record = godwit::store::Collection::new("app".parse()?, None);
    /// # record.indexes.push(godwit::store::Index { number: 0, pointer: "/done".to_owned(), ready: true });
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, record)?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let mut write = store.write(RunId(1), None);
    /// for entry in store.index_entries(&notes, 0, 100)? {
    ///     write.remove_index_entry(&entry);
    /// }
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.count_index_entries(&notes, 0)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_index_entry(&mut self, entry: &[u8]) {
        self.commit.delete(entry);
    }

    /// Sets or (with `new` absent) removes an item's entry of being apart, which was `old`.
    ///
    /// ```
    /// use godwit::model::{Apart, RunId, Timestamp};
    /// use godwit::store::Visit;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let (next, failure) = (None, None);
    /// let waits = Apart { version, next, failure };
    /// let mut write = store.write(RunId(1), None);
    /// write.set_apart(&notes, "first", None, Some(&waits), Visit::Once)?;
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.apart(&notes, "first")?, Some(waits));
    /// assert_eq!(store.tallies(&notes)?.waiting, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn set_apart(
        &mut self,
        collection: &Name,
        id: &str,
        old: Option<&[u8]>,
        new: Option<&Apart>,
        visit: Visit,
    ) -> Result<(), StoreError> {
        let key = key::item(key::tag::APART, collection, id);
        let before = old.map(|old| Stored::from(old.to_vec()));
        self.keep(&key, before, new.is_some(), visit)?;
        let new = new.map(record::to_json);
        self.restore_apart(collection, id, old, new.as_deref())
    }

    /// Puts back an item's entry of being apart as it was.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let before = br#"{"version": "1.0.0"}"#;
    /// let mut write = store.write(RunId(1), None);
    /// write.restore_apart(&notes, "first", None, Some(&before[..]))?;
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.apart_record(&notes, "first")?, Some(before.to_vec()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn restore_apart(
        &mut self,
        collection: &Name,
        id: &str,
        current: Option<&[u8]>,
        before: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let key = key::item(key::tag::APART, collection, id);
        let known = self.known(collection)?;
        known.is_counted = true;
        if let Some(current) = current {
            let tally = tally(&mut known.tallies, &record::from_json(&key, current)?);
            *tally = tally.saturating_sub(1);
        }
        if let Some(before) = before {
            *tally(&mut known.tallies, &record::from_json(&key, before)?) += 1;
        }
        match before {
            Some(before) => self.commit.put(&key, &[before]),
            None => self.commit.delete(&key),
        }
        Ok(())
    }

    fn known(&mut self, name: &Name) -> Result<&mut Known, StoreError> {
        if self.collection(name)?.is_none() {
            return Err(StoreError::Damaged {
                place: format!("the collection {name}"),
                reason: "its record is missing".to_owned(),
            });
        }
        Ok(self.collections.get_mut(name).expect("it was just found"))
    }

    /// Keeps what was under a key before, and returns whether nothing had been kept yet.
    fn keep(
        &mut self,
        key: &[u8],
        before: Option<Stored<'a>>,
        left: bool,
        visit: Visit,
    ) -> Result<i64, StoreError> {
        let Some(Keeper { run, step, whole }) = self.keeper else {
            return Ok(1);
        };
        let is_counted = key[0] == key::tag::ITEM && visit == Visit::Again;
        if !whole && !is_counted {
            return Ok(1);
        }
        let place = key::pre_image(run, step, key);
        let kept = match visit {
            Visit::Once => None,
            Visit::Again => self.store.backend().get(&place)?,
        };
        // Only what is left changes; what was there first stays.
        let is_first = kept.is_none();
        let before = match kept.as_deref().map(PreImage::parse).transpose()? {
            Some(first) => first.before.map(|record| Stored::from(record.to_vec())),
            None => before,
        };
        if before.is_none() && !left && !is_first {
            self.commit.delete(&place);
            return Ok(-1);
        }
        let flags = PreImage::flags(before.is_some(), left);
        let Stored { head, tail } = before.filter(|_| whole).unwrap_or_default();
        self.commit.put_with(&place, &[&[flags], &head], tail);
        Ok(i64::from(is_first))
    }

    /// Forgets a pre-image.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use godwit::model::{RunId, Timestamp};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// # let keeper = godwit::store::Keeper { run: godwit::model::RunId(1), step: 0, whole: true };
    /// # let mut write = store.write(godwit::model::RunId(1), Some(keeper));
    /// # write.set_item(&notes, "second", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let mut write = store.write(RunId(2), None);
    /// store.each_pre_image(&(b"Z".to_vec(), b"[".to_vec()), &mut |key, _, _, _| {
    ///     write.drop_pre_image(key);
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert!(write.len_bytes() > 0);
    /// write.commit(&mut lease, Timestamp(0))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drop_pre_image(&mut self, key: &[u8]) {
        self.commit.delete(key);
    }

    /// Records how far a step has come.
    ///
    /// ```
    /// use godwit::model::{Progress, RunId, Timestamp};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// let progress = Progress {
    ///     after: Some("first".to_owned()),
    ///     ..Progress::default()
    /// };
    /// let mut write = store.write(RunId(1), None);
    /// write.set_progress(RunId(1), 0, &progress);
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.progress(RunId(1), 0)?, progress);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_progress(&mut self, run: RunId, step: u32, progress: &Progress) {
        self.commit
            .put(&key::progress(run, step), &[&record::to_json(progress)]);
    }

    /// Records a run's state.
    ///
    /// ```
    /// # use godwit::model::{Run, Timestamp};
    /// # use godwit::store::{Lease, LeaseError, Store};
    /// # fn example(store: &Store, lease: &mut Lease, mut run: Run) -> Result<(), LeaseError> {
    /// use godwit::model::RunState;
    ///
    /// run.state = RunState::Stopped;
    /// let mut write = store.write(run.id, None);
    /// write.set_run(&run);
    /// write.commit(lease, Timestamp(0))?;
    /// assert_eq!(store.run(run.id)?, Some(run));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_run(&mut self, run: &Run) {
        self.commit.put(&key::run(run.id), &[&record::to_json(run)]);
    }

    /// Gives out the number of a new run.
    ///
    /// ```
    /// use godwit::model::RunId;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// let mut write = store.write(RunId(0), None);
    /// assert_eq!(write.next_run()?, RunId(1));
    /// assert_eq!(write.next_run()?, RunId(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn next_run(&mut self) -> Result<RunId, StoreError> {
        let numbers = self.numbers()?;
        numbers.run += 1;
        Ok(RunId(numbers.run))
    }

    /// Adds a fact to the history.
    ///
    /// ```
    /// use godwit::model::{Event, RunId, Timestamp, Version};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// let (app, version) = ("app".parse()?, Version::new(1, 0, 0));
    /// let mut write = store.write(RunId(0), None);
    /// write.add_history(Timestamp(0), &app, &version, Event::Baseline)?;
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.history()?.0[0].version, version);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn add_history(
        &mut self,
        at: Timestamp,
        app: &Name,
        version: &Version,
        event: Event,
    ) -> Result<(), StoreError> {
        let numbers = self.numbers()?;
        numbers.history += 1;
        let number = numbers.history;
        let entry = Entry {
            number,
            at,
            app: app.clone(),
            version: version.clone(),
            event,
        };
        self.commit
            .put(&key::history(number), &[&record::to_json(&entry)]);
        Ok(())
    }

    fn numbers(&mut self) -> Result<&mut Numbers, StoreError> {
        if self.numbers.is_none() {
            self.numbers = Some(self.store.numbers()?);
        }
        Ok(self.numbers.as_mut().expect("it was just read"))
    }

    /// Records how far an import has come; `None`: it is done.
    ///
    /// ```
    /// use godwit::model::{Digest, RunId, Timestamp};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// let source = Digest::of(b"a file");
    /// let mut write = store.write(RunId(0), None);
    /// write.set_import(&source, Some(b"1000"));
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.import(&source)?, Some(b"1000".to_vec()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_import(&mut self, source: &Digest, checkpoint: Option<&[u8]>) {
        match checkpoint {
            Some(checkpoint) => self.commit.put(&key::import(source), &[checkpoint]),
            None => self.commit.delete(&key::import(source)),
        }
    }

    /// Carries everything out, if the lease is still held.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let mut write = store.write(RunId(1), None);
    /// write.change_collection(&notes, |notes| notes.opaque = true)?;
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert!(store.collection(&notes)?.is_some_and(|notes| notes.opaque));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when it is not, [`LeaseError::Store`] when the store failed.
    pub fn commit(self, lease: &mut Lease, now: Timestamp) -> Result<(), LeaseError> {
        let store = self.store;
        lease.commit(store, self.finished(), now)
    }

    /// Carries everything out, if what was expected is so.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is not.
    pub(super) fn commit_unleased(self) -> Result<(), StoreError> {
        let store = self.store;
        store.backend().commit(&self.finished())
    }

    /// The commit, with what collections are now.
    pub(super) fn finished(mut self) -> Commit<'a> {
        for (name, known) in &self.collections {
            let is_written = [known.is_changed, known.is_counted];
            for (place, is_written) in is_written.into_iter().enumerate() {
                if self.is_among_others && is_written {
                    let key = key::named(TAGS[place], name);
                    self.commit.expect(&key, known.found[place].as_deref());
                }
            }
            if known.is_changed {
                let key = key::named(key::tag::COLLECTION, name);
                self.commit.put(&key, &[&record::to_json(&known.record)]);
            }
            if known.is_counted {
                let key = key::named(key::tag::TALLIES, name);
                self.commit.put(&key, &[&record::to_json(&known.tallies)]);
            }
        }
        if let Some(numbers) = &self.numbers {
            self.commit.put(key::NUMBERS, &[&record::to_json(numbers)]);
        }
        self.commit
    }
}

fn tally<'t>(tallies: &'t mut Tallies, apart: &Apart) -> &'t mut u64 {
    match &apart.failure {
        Some(failure) if failure.accepted => &mut tallies.accepted,
        Some(_) => &mut tallies.open,
        None => &mut tallies.waiting,
    }
}

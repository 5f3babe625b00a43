//! Typed writes that become one commit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::lease::{Lease, LeaseError};
use super::record::{self, Collection, ItemRecord, Numbers, PreImage, Tallies};
use super::{Commit, Store, StoreError, index, key};
use crate::model::{Apart, Digest, Entry, Event, Name, Progress, Run, RunId, Timestamp, Version};

/// Where pre-images go: a run and the number of its step.
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
    pub fn of(run: &Run, step: u32) -> Self {
        Self {
            run: run.id,
            step,
            whole: run.keeps_pre_images,
        }
    }
}

/// How often a key may be written by one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Once: the item is being fed.
    Once,
    /// Perhaps in several batches: only the first pre-image counts.
    Again,
}

/// What is or was in the store under a key, in two pieces: of an item the header and the body, or all in the second one.
#[derive(Debug, Clone, Default)]
pub struct Stored<'a> {
    head: Cow<'a, [u8]>,
    tail: Cow<'a, [u8]>,
}

impl<'a> Stored<'a> {
    /// An item's record: what stands before its body, and the body.
    pub fn item(header: &'a [u8], body: &'a [u8]) -> Self {
        Self {
            head: Cow::Borrowed(header),
            tail: Cow::Borrowed(body),
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
pub struct Write<'a> {
    store: &'a Store,
    commit: Commit<'a>,
    keeper: Option<Keeper>,
    writer: RunId,
    collections: BTreeMap<Name, Known>,
    numbers: Option<Numbers>,
    /// Whether what is read of collections must be so still when it is committed: nobody holds a lease.
    is_unleased: bool,
}

/// A collection as a write knows it.
struct Known {
    record: Collection,
    tallies: Tallies,
    is_changed: bool,
    is_counted: bool,
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

    /// How many bytes the write carries so far.
    pub fn len_bytes(&self) -> usize {
        self.commit.len_bytes()
    }

    /// The collection's record; `None` where there is no such collection.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn collection(&mut self, name: &Name) -> Result<Option<&Collection>, StoreError> {
        if !self.collections.contains_key(name) {
            if self.is_unleased {
                for tag in [key::tag::COLLECTION, key::tag::TALLIES] {
                    let key = key::named(tag, name);
                    let value = self.store.backend().get(&key)?;
                    self.commit.expect(&key, value.as_deref());
                }
            }
            let Some(record) = self.store.collection(name)? else {
                return Ok(None);
            };
            let tallies = self.store.tallies(name)?;
            let known = Known {
                record,
                tallies,
                is_changed: false,
                is_counted: false,
            };
            self.collections.insert(name.clone(), known);
        }
        Ok(self.collections.get(name).map(|known| &known.record))
    }

    /// Creates a collection or changes its record.
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
            });
        known.record = record;
        known.is_changed = true;
        Ok(())
    }

    /// Changes the record of a collection, if there is one; gives whether it is another one now.
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

    /// Removes a collection that has no items.
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
        self.track_item(collection, id, old.as_ref(), new.as_ref())?;
        let key = key::item(key::tag::ITEM, collection, id);
        let growth = self.keep(&key, old, new.is_some(), visit)?;
        match new {
            Some(Stored { head, tail }) => self.commit.put_with(&key, &[&head], tail),
            None => self.commit.delete(&key),
        }
        Ok(growth)
    }

    /// Adds an item's record as it is elsewhere.
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
        self.track_item(collection, id, None, Some(&record))?;
        let key = key::item(key::tag::ITEM, collection, id);
        self.commit.put_with(&key, &[], record.tail);
        Ok(())
    }

    /// Puts back an item's record as it was.
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
        self.track_item(collection, id, current.as_ref(), there.as_ref())?;
        let key = key::item(key::tag::ITEM, collection, id);
        match before {
            Some(before) => self.commit.put(&key, &[before]),
            None => self.commit.delete(&key),
        }
        Ok(())
    }

    /// Lets the number of items and the index entries follow what becomes of an item.
    fn track_item(
        &mut self,
        collection: &Name,
        id: &str,
        old: Option<&Stored<'_>>,
        new: Option<&Stored<'_>>,
    ) -> Result<(), StoreError> {
        let known = self.known(collection)?;
        match (old.is_some(), new.is_some()) {
            (false, true) => known.tallies.items += 1,
            (true, false) => known.tallies.items = known.tallies.items.saturating_sub(1),
            (false, false) | (true, true) => {}
        }
        known.is_counted |= old.is_some() != new.is_some();
        let indexes = known.record.indexes.clone();
        if indexes.is_empty() {
            return Ok(());
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
        Ok(())
    }

    /// Writes one index entry, while an index is built.
    pub fn add_index_entry(&mut self, entry: &[u8]) {
        self.commit.put(entry, &[]);
    }

    /// Removes one index entry, while an index is dropped.
    pub fn remove_index_entry(&mut self, entry: &[u8]) {
        self.commit.delete(entry);
    }

    /// Sets or (with `new` absent) removes an item's entry of being apart, which was `old`.
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
    pub fn drop_pre_image(&mut self, key: &[u8]) {
        self.commit.delete(key);
    }

    /// Records how far a step has come.
    pub fn set_progress(&mut self, run: RunId, step: u32, progress: &Progress) {
        self.commit
            .put(&key::progress(run, step), &[&record::to_json(progress)]);
    }

    /// Records a run's state.
    pub fn set_run(&mut self, run: &Run) {
        self.commit.put(&key::run(run.id), &[&record::to_json(run)]);
    }

    /// Gives out the number of a new run.
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
    pub fn set_import(&mut self, source: &Digest, checkpoint: Option<&[u8]>) {
        match checkpoint {
            Some(checkpoint) => self.commit.put(&key::import(source), &[checkpoint]),
            None => self.commit.delete(&key::import(source)),
        }
    }

    /// Carries everything out, if the lease is still held.
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
    fn finished(mut self) -> Commit<'a> {
        for (name, known) in &self.collections {
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

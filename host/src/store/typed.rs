//! A store as the rest of the host sees it: items, history, runs, instead of bytes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::compressed::{Compressed, Compression};
use super::generations::{Generations, View};
use super::key::{self, KeyRange, tag};
use super::record::{
    self, Collection, FORMAT, ItemRecord, Numbers, PLAIN_FORMAT, PreImage, Tallies,
};
use super::write::{Keeper, Write};
use super::{Backend, Commit, Overlay, StoreError, Table};
use crate::model::{
    Apart, Digest, History, Name, Progress, Purpose, Run, RunId, RunState, Version,
};

/// A store: an ordered map of bytes, read and written as what it means. Cheap to clone.
///
/// ```
/// use godwit::store::{Memory, Store};
///
/// let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// assert!(store.collections()?.is_empty());
/// assert!(store.history()?.0.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    /// What it was made of.
    inner: Arc<dyn Backend>,
    view: View,
    compression: Compression,
}

/// The record of a store's format.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Mark {
    format: u32,
}

impl Mark {
    /// The record.
    pub fn of(format: u32) -> Vec<u8> {
        record::to_json(&Self { format })
    }
}

impl Store {
    /// Takes a backend into use: marks an empty one with the format, checks the mark of any other.
    ///
    /// ```
    /// use godwit::store::{OpenMode, Store, StoreUrl};
    ///
    /// let url: StoreUrl = "memory:".parse()?;
    /// let store = Store::new(url.open(OpenMode::Create)?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError::NewerFormat`] when a newer Godwit wrote it.
    pub fn new(backend: Arc<dyn Backend>) -> Result<Self, StoreError> {
        if let Some(mark) = backend.get(key::FORMAT)? {
            let Mark { format: found } = record::from_json(key::FORMAT, &mark)?;
            if found > FORMAT {
                return Err(StoreError::NewerFormat {
                    found,
                    supported: FORMAT,
                });
            }
        } else {
            let mut commit = Commit::new();
            commit.expect(key::FORMAT, None);
            commit.put(key::FORMAT, &[&Mark::of(PLAIN_FORMAT)]);
            match backend.commit(&commit) {
                // Another process was faster; its mark is checked in turn.
                Err(StoreError::Conflict { .. }) => return Self::new(backend),
                result => result?,
            }
        }
        Ok(Self::seen(backend, View::Live, Compression::default()))
    }

    fn seen(inner: Arc<dyn Backend>, view: View, compression: Compression) -> Self {
        let generations = Arc::new(Generations::new(inner.clone(), view));
        Self {
            backend: Arc::new(Compressed::new(generations, compression)),
            inner,
            view,
            compression,
        }
    }

    /// The same store as a shadow run sees it: collections that it has a generation of have the items of that, and what it
    /// did is in the history.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// assert!(store.shadowed().is_shadow());
    /// assert!(!store.is_shadow());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn shadowed(&self) -> Self {
        Self::seen(self.inner.clone(), View::Shadow, self.compression)
    }

    /// Whether it is seen as a shadow run sees it.
    pub fn is_shadow(&self) -> bool {
        self.view == View::Shadow
    }

    /// The same store, written in this way from now on. It is read in any.
    ///
    /// ```
    /// use godwit::store::Compression;
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
    /// let smaller = store.compressing(Compression::Lz4);
    /// assert_eq!(smaller.body(&notes, "first")?, store.body(&notes, "first")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn compressing(&self, compression: Compression) -> Self {
        Self::seen(self.inner.clone(), self.view, compression)
    }

    /// The bytes below.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// assert_eq!(store.backend().url(), "memory:");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// Whether a collection is a table that the application writes, too.
    pub(crate) fn is_attached(&self, collection: &Name) -> bool {
        let relational = self.backend.relational();
        relational.is_some_and(|relational| {
            relational.is_written_by_others(&key::item(tag::ITEM, collection, ""))
        })
    }

    /// The collections that are tables that the application writes, too.
    pub(crate) fn attached(&self) -> Result<Vec<(Name, Table)>, StoreError> {
        match self.backend.relational() {
            Some(relational) => relational.attached(),
            None => Ok(Vec::new()),
        }
    }

    /// Whether bodies of a collection have to be what `jsonb` can hold.
    pub(crate) fn has_jsonb(&self, collection: &Name) -> bool {
        let relational = self.backend.relational();
        relational.is_some_and(|relational| relational.has_jsonb(collection))
    }

    /// Whether a collection is a table with a column of versions.
    pub(crate) fn has_versions(&self, collection: &Name) -> bool {
        let relational = self.backend.relational();
        relational.is_some_and(|relational| relational.has_versions(collection))
    }

    /// How many items a collection has: of a table that the application writes, too, as many as there are in it now.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// assert_eq!(store.count_items(&"notes".parse()?)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn count_items(&self, collection: &Name) -> Result<u64, StoreError> {
        match self.backend.relational() {
            Some(relational) if self.is_attached(collection) => relational.count(collection),
            _ => Ok(self.tallies(collection)?.items),
        }
    }

    /// The bytes below as they are stored, compressed where they are.
    pub(super) fn stored(&self) -> &dyn Backend {
        &*self.inner
    }

    /// Visits every entry of what is live, as it is stored, until `visit` breaks: neither the lease, nor what its holder is
    /// asked for, nor anything of a shadow run. `without_state` leaves out the history, runs and what they keep, and gives
    /// collections no level: each item has the version that it was last written with.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub(crate) fn each_live(
        &self,
        without_state: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        const STATE: [u8; 4] = [tag::HISTORY, tag::RUN, tag::PROGRESS, tag::PRE_IMAGE];
        let mut failed = None;
        let shadow = self.shadow()?;
        let is_shadow = |key: &[u8]| shadow.as_ref().is_some_and(|shadow| shadow.owns(key));
        self.inner.scan(&[0], &[u8::MAX], &mut |key, value| {
            let is_of_holder = key == key::LEASE || key == key::ORDERS;
            if is_of_holder || is_shadow(key) || (without_state && STATE.contains(&key[0])) {
                return ControlFlow::Continue(());
            }
            if !(without_state && key[0] == tag::COLLECTION) {
                return visit(key, value);
            }
            match record::from_json::<Collection>(key, value) {
                Ok(mut collection) => {
                    collection.level = None;
                    collection.under_way.clear();
                    visit(key, &record::to_json(&collection))
                }
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// The same store with what is written from now on in an empty backend of its own, over what is there.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    /// use godwit::store::{Collection, Memory};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// let dry = store.overlaid(std::sync::Arc::new(Memory::new()));
    /// let mut write = dry.write(RunId(1), None);
    /// write.set_collection(&"notes".parse()?, Collection::new("app".parse()?, None))?;
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(dry.collections()?.len(), 1);
    /// assert!(store.collections()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn overlaid(&self, scratch: Arc<dyn Backend>) -> Self {
        let overlay = Overlay::new(self.inner.clone(), scratch);
        Self::seen(Arc::new(overlay), self.view, self.compression)
    }

    /// Starts a write whose items are stamped as written by `writer`; with `keeper`, what was there
    /// before is kept.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    /// use godwit::store::Collection;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// let mut write = store.write(RunId(1), None);
    /// write.set_collection(&"notes".parse()?, Collection::new("app".parse()?, None))?;
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.collections()?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(&self, writer: RunId, keeper: Option<Keeper>) -> Write<'_> {
        Write::new(self, writer, keeper)
    }

    /// A collection's record.
    ///
    /// ```
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
    /// let record = store.collection(&notes)?.ok_or("there is no collection")?;
    /// assert_eq!(record.app.as_str(), "app");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn collection(&self, name: &Name) -> Result<Option<Collection>, StoreError> {
        self.json(&key::named(tag::COLLECTION, name))
    }

    /// All collections, by name.
    ///
    /// ```
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
    /// for (name, record) in store.collections()? {
    ///     println!("{name} of {}", record.app);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn collections(&self) -> Result<BTreeMap<Name, Collection>, StoreError> {
        let mut found = BTreeMap::new();
        self.each_json(&key::all(tag::COLLECTION), |key, record| {
            if let Some(name) = std::str::from_utf8(&key[1..])
                .ok()
                .and_then(|name| name.parse().ok())
            {
                found.insert(name, record);
            }
        })?;
        Ok(found)
    }

    /// How many items a collection has.
    ///
    /// ```
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
    /// assert_eq!(store.tallies(&notes)?.items, 1);
    /// assert_eq!(store.tallies(&"others".parse()?)?.items, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn tallies(&self, name: &Name) -> Result<Tallies, StoreError> {
        Ok(self
            .json(&key::named(tag::TALLIES, name))?
            .unwrap_or_default())
    }

    /// All facts, in order.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// for (app, state) in store.history()?.apps() {
    ///     println!("{app} has version {:?}", state.version());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn history(&self) -> Result<History, StoreError> {
        let mut history = History::default();
        self.each_json(&key::all(tag::HISTORY), |_, entry| history.0.push(entry))?;
        Ok(history)
    }

    /// All runs, the first one first.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// let unfinished = store.runs()?.into_iter().filter(|run| run.state.is_unfinished());
    /// assert_eq!(unfinished.count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn runs(&self) -> Result<Vec<Run>, StoreError> {
        let mut runs = Vec::new();
        self.each_json(&key::all(tag::RUN), |_, run| runs.push(run))?;
        Ok(runs)
    }

    /// The last run whose purpose and state are as is meant. Of all others only the head is read: this is asked for with every
    /// item that an application writes.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub(crate) fn last_run(
        &self,
        is_meant: &dyn Fn(Purpose, RunState) -> bool,
    ) -> Result<Option<Run>, StoreError> {
        let mut last = None;
        self.each(&key::all(tag::RUN), &mut |key, record| {
            let head = record::run_head(key, record)?;
            if is_meant(head.purpose, head.state) {
                last = Some(head.id);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let Some(last) = last else {
            return Ok(None);
        };
        // It may have ended meanwhile.
        let run = self.run(last)?;
        Ok(run.filter(|run| is_meant(run.purpose, run.state)))
    }

    /// One run.
    ///
    /// ```
    /// use godwit::model::RunId;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// assert_eq!(store.run(RunId(1))?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.json(&key::run(id))
    }

    /// How far a step of a run has come.
    ///
    /// ```
    /// use godwit::model::{Progress, RunId};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// // It has not begun.
    /// assert_eq!(store.progress(RunId(1), 0)?, Progress::default());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn progress(&self, run: RunId, step: u32) -> Result<Progress, StoreError> {
        Ok(self.json(&key::progress(run, step))?.unwrap_or_default())
    }

    /// The record of an item, as stored.
    ///
    /// ```
    /// use godwit::store::ItemRecord;
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
    /// assert_eq!(ItemRecord::parse(&record)?.body, br#"{"done": false}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn item_record(&self, collection: &Name, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.backend.get(&key::item(tag::ITEM, collection, id))
    }

    /// The body of an item.
    ///
    /// ```
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
    /// let body = store.body(&notes, "first")?.ok_or("there is no item")?;
    /// assert_eq!(body, br#"{"done": false}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn body(&self, collection: &Name, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(mut record) = self.item_record(collection, id)? else {
            return Ok(None);
        };
        let header = ItemRecord::parse(&record)?.header.len();
        record.drain(..header);
        Ok(Some(record))
    }

    /// The entry of an item that is apart from its collection, as stored.
    ///
    /// ```
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
    /// assert_eq!(store.apart_record(&notes, "first")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn apart_record(&self, collection: &Name, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.backend.get(&key::item(tag::APART, collection, id))
    }

    /// The records of some items, as stored, in the order of their ids.
    pub(crate) fn item_records(
        &self,
        collection: &Name,
        ids: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.each_of(tag::ITEM, collection, ids)
    }

    /// The entries of some items that may be apart from their collection, as stored, in the order of their ids.
    pub(crate) fn apart_records(
        &self,
        collection: &Name,
        ids: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.each_of(tag::APART, collection, ids)
    }

    fn each_of(
        &self,
        tag: u8,
        collection: &Name,
        ids: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let keys: Vec<_> = ids
            .iter()
            .map(|id| key::item(tag, collection, id))
            .collect();
        let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
        self.backend.get_all(&keys)
    }

    /// The entry of an item that is apart from its collection.
    ///
    /// ```
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
    /// let is_open = store.apart(&notes, "first")?.is_some_and(|apart| apart.is_open());
    /// assert!(!is_open, "it is in no quarantine");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn apart(&self, collection: &Name, id: &str) -> Result<Option<Apart>, StoreError> {
        self.json(&key::item(tag::APART, collection, id))
    }

    /// The version that an item has: what its entry says if it is apart from its collection, else
    /// the higher one of its stamp and the collection's level. For those who hold the lease: anybody else
    /// asks [`Store::item`].
    ///
    /// ```
    /// use godwit::model::Version;
    /// use godwit::store::ItemRecord;
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
    /// let stamp = ItemRecord::parse(&record)?.stamp()?;
    /// assert_eq!(store.version_of(&notes, "first", stamp)?, Version::new(1, 0, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn version_of(
        &self,
        collection: &Name,
        id: &str,
        stamp: Version,
    ) -> Result<Version, StoreError> {
        if let Some(apart) = self.apart(collection, id)? {
            return Ok(apart.version);
        }
        let Some(record) = self.collection(collection)? else {
            return Ok(stamp);
        };
        let mut passed = Vec::new();
        for under_way in &record.under_way {
            if self.has_passed(under_way.run, under_way.step, id)? {
                passed.push(&under_way.version);
            }
        }
        Ok(record.version_of(stamp, passed))
    }

    /// Visits the items of a collection behind `after`, in order of their ids, until `visit` breaks.
    /// `visit` must not use the store.
    ///
    /// ```
    /// use std::ops::ControlFlow;
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
    /// let mut found = Vec::new();
    /// store.each_item(&notes, None, &mut |id, record| {
    ///     found.push((id.to_owned(), record.body.len()));
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(found, [("first".to_owned(), 15)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn each_item(
        &self,
        collection: &Name,
        after: Option<&str>,
        visit: &mut dyn FnMut(&str, ItemRecord<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.each(
            &key::items(tag::ITEM, collection, after),
            &mut |key, record| Ok(visit(id_of(key)?, ItemRecord::parse(record)?)),
        )
    }

    /// Visits the items of a collection that are apart from it, behind `after`, until `visit`
    /// breaks. `visit` must not use the store.
    ///
    /// ```
    /// use std::ops::ControlFlow;
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
    /// let mut in_quarantine = Vec::new();
    /// store.each_apart(&notes, None, &mut |id, apart| {
    ///     if apart.failure.is_some() {
    ///         in_quarantine.push(id.to_owned());
    ///     }
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert!(in_quarantine.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn each_apart(
        &self,
        collection: &Name,
        after: Option<&str>,
        visit: &mut dyn FnMut(&str, Apart) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.each(
            &key::items(tag::APART, collection, after),
            &mut |key, record| Ok(visit(id_of(key)?, record::from_json(key, record)?)),
        )
    }

    /// The next items of a collection behind an id that are apart from it, up to so many, to be looked at while the store is used.
    pub(crate) fn aparts(
        &self,
        collection: &Name,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<(String, Apart)>, StoreError> {
        let mut page = Vec::new();
        self.each_apart(collection, after, &mut |id, apart| {
            page.push((id.to_owned(), apart));
            match page.len() < most {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        Ok(page)
    }

    /// Visits the pre-images of a run, until `visit` breaks. `visit` gets the pre-image's own key,
    /// the step that kept it and the key that was changed; it must not use the store.
    ///
    /// ```
    /// use std::ops::ControlFlow;
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
    /// // Those of all runs: their keys begin with this letter.
    /// let all = (b"Z".to_vec(), b"[".to_vec());
    /// let mut new = 0;
    /// store.each_pre_image(&all, &mut |_key, _step, _changed, pre_image| {
    ///     new += u32::from(pre_image.before.is_none());
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(new, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn each_pre_image(
        &self,
        range: &KeyRange,
        visit: &mut dyn FnMut(&[u8], u32, &[u8], PreImage<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.each(range, &mut |key, record| {
            let (step, changed) = key::parse_pre_image(key).ok_or_else(|| damaged(key))?;
            Ok(visit(key, step, changed, PreImage::parse(record)?))
        })
    }

    /// The checkpoint of an import.
    ///
    /// ```
    /// use godwit::model::Digest;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// assert_eq!(store.import(&Digest::of(b"a file"))?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn import(&self, source: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.backend.get(&key::import(source))
    }

    /// The number of the generation that a collection's items are of, as this store is seen.
    ///
    /// ```
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
    /// assert_eq!(store.generation(&notes)?, 0);
    /// # let now = godwit::model::Timestamp(0);
    /// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
    /// // A shadow run has begun.
    /// assert_eq!(store.shadowed().generation(&notes)?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn generation(&self, collection: &Name) -> Result<u64, StoreError> {
        let key = key::named(tag::GENERATION, collection);
        let number = self.backend.get(&key)?;
        Ok(number
            .and_then(|number| number.try_into().ok())
            .map_or(0, u64::from_be_bytes))
    }

    /// Checks that a collection's items are still of the generation that somebody began to read.
    ///
    /// ```
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
    /// let begun = store.generation(&notes)?;
    /// // Some pages later:
    /// store.check_generation(&notes, Some(begun))?;
    /// assert!(store.check_generation(&notes, Some(begun + 1)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Switched`] when they are not.
    pub fn check_generation(
        &self,
        collection: &Name,
        begun: Option<u64>,
    ) -> Result<(), StoreError> {
        match begun {
            Some(begun) if begun != self.generation(collection)? => Err(StoreError::Switched {
                collection: collection.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// How many facts the history has had: another number, another history.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// let before = store.history_length()?;
    /// // Later:
    /// assert_eq!(store.history_length()?, before, "nothing was applied meanwhile");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn history_length(&self) -> Result<u64, StoreError> {
        Ok(self.numbers()?.history)
    }

    pub(super) fn numbers(&self) -> Result<Numbers, StoreError> {
        Ok(self.json(key::NUMBERS)?.unwrap_or_default())
    }

    pub(super) fn json<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        let record = self.backend.get(key)?;
        record
            .map(|record| record::from_json(key, &record))
            .transpose()
    }

    fn each_json<T: DeserializeOwned>(
        &self,
        range: &KeyRange,
        mut visit: impl FnMut(&[u8], T),
    ) -> Result<(), StoreError> {
        self.each(range, &mut |key, record| {
            visit(key, record::from_json(key, record)?);
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Scans a range with a visitor that may fail.
    pub(super) fn each(
        &self,
        (from, to): &KeyRange,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut failed = None;
        self.backend.scan(from, to, &mut |key, record| {
            visit(key, record).unwrap_or_else(|error| {
                failed = Some(error);
                ControlFlow::Break(())
            })
        })?;
        failed.map_or(Ok(()), Err)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.backend.url()).finish()
    }
}

/// Reads an entry of being apart, as stored.
///
/// ```
/// use godwit::store::parse_apart;
///
/// assert!(parse_apart(br#"{"version": "1.0.0"}"#)?.failure.is_none());
/// assert!(parse_apart(b"{}").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`StoreError::Damaged`] when it cannot be read.
pub fn parse_apart(record: &[u8]) -> Result<Apart, StoreError> {
    record::from_json(b"X", record)
}

/// An entry of being apart, as it is stored.
///
/// ```
/// use godwit::model::{Apart, Version};
/// use godwit::store::{apart_record, parse_apart};
///
/// let apart = Apart {
///     version: Version::new(1, 0, 0),
///     next: None,
///     failure: None,
/// };
/// assert_eq!(parse_apart(&apart_record(&apart))?, apart);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn apart_record(apart: &Apart) -> Vec<u8> {
    record::to_json(apart)
}

pub(super) fn id_of(key: &[u8]) -> Result<&str, StoreError> {
    let end = key.iter().position(|byte| *byte == 0);
    let id = end.and_then(|end| std::str::from_utf8(&key[end + 1..]).ok());
    id.ok_or_else(|| damaged(key))
}

pub(super) fn damaged(key: &[u8]) -> StoreError {
    StoreError::Damaged {
        place: format!("the key {}", key.escape_ascii()),
        reason: "it cannot be read".to_owned(),
    }
}

//! Writes by those who hold no lease: the application's own, while nobody works on the store, or while somebody does who
//! lets it.
//!
//! Such a write is based on what was read, and takes place only if all of that is so still; else it is tried again. While a
//! shadow run follows, each item that is written is noted in the same commit.

use std::collections::{BTreeMap, BTreeSet};

use super::lease::PassedBy;
use super::ranges::{checkpoints, has_passed};
use super::{Holder, Lease, LeaseError, Store, StoreError, Visit, Write, key, parse_apart};
use crate::model::{Apart, Name, Timestamp, Version};

/// Bytes of [`key::WRITTEN`]'s value: the number of the last write, big-endian; one more: no further ones, for now.
const NUMBER: usize = 8;

/// One try to write without a lease.
///
/// ```
/// use godwit::model::{Timestamp, Version};
/// use godwit::store::Outside;
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
/// # lease.release(&store)?;
/// let mut write = Outside::begin(&store, Timestamp(0), &|_| false)?;
/// write.put(&notes, "second", &Version::new(1, 0, 0), b"{}")?;
/// assert!(write.commit()?);
/// assert_eq!(store.body(&notes, "second")?, Some(b"{}".to_vec()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Outside<'a> {
    store: &'a Store,
    lease: PassedBy,
    /// The number of the last write that was noted, as it was read.
    written: Option<Vec<u8>>,
    /// Whether somebody wants to know of writes: a run that goes on meanwhile, or a shadow run, whether it goes on or not.
    is_noted: bool,
    write: Write<'a>,
    items: BTreeSet<(Name, String)>,
}

/// Why the application cannot write now.
///
/// ```
/// use godwit::model::Timestamp;
/// use godwit::store::{Outside, OutsideError};
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// let error = Outside::begin(&store, Timestamp(0), &|_| false).err();
/// assert!(matches!(error, Some(OutsideError::Lease(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// Occurs while somebody holds the lease who does not share the store.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// Occurs between the beginning of a finalization that could not end and its end.
    #[error("a shadow run is being finalized")]
    Finalizing,
}

impl From<StoreError> for OutsideError {
    fn from(error: StoreError) -> Self {
        Self::Lease(error.into())
    }
}

impl<'a> Outside<'a> {
    /// Begins a write, from what is the case now.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::Outside;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// let write = Outside::begin(&store, Timestamp(0), &|_holder| false)?;
    /// assert!(write.commit()?, "nothing changed meanwhile");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`OutsideError`] when the application cannot write now.
    pub fn begin(
        store: &'a Store,
        now: Timestamp,
        is_gone: &dyn Fn(&Holder) -> bool,
    ) -> Result<Self, OutsideError> {
        let lease = Lease::passed_by(store, now, is_gone)?;
        let written = store.backend().get(key::WRITTEN)?;
        let is_noted = lease.is_shared || store.shadow()?.is_some_and(|shadow| shadow.is_open());
        if written
            .as_ref()
            .is_some_and(|written| written.len() > NUMBER)
        {
            return Err(OutsideError::Finalizing);
        }
        Ok(Self {
            store,
            lease,
            written,
            is_noted,
            write: Write::unleased(store),
            items: BTreeSet::new(),
        })
    }

    /// The record of an item, as stored; it must be so still at the end.
    ///
    /// ```
    /// use godwit::model::{Timestamp, Version};
    /// use godwit::store::Outside;
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
    /// # lease.release(&store)?;
    /// let mut write = Outside::begin(&store, Timestamp(0), &|_| false)?;
    /// if write.record(&notes, "second")?.is_none() {
    ///     write.put(&notes, "second", &Version::new(1, 0, 0), b"{}")?;
    /// }
    /// assert!(write.commit()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn record(&mut self, collection: &Name, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.there(collection, id)?.0)
    }

    /// Puts an item of a version into a collection, which must exist, in the place of whatever has its id. One that is older
    /// than its collection waits to be brought up to date.
    ///
    /// ```
    /// use godwit::model::{Timestamp, Version};
    /// use godwit::store::Outside;
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
    /// # lease.release(&store)?;
    /// let mut write = Outside::begin(&store, Timestamp(0), &|_| false)?;
    /// write.put(&notes, "first", &Version::new(1, 1, 0), br#"{"done": true}"#)?;
    /// assert!(write.commit()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn put(
        &mut self,
        collection: &Name,
        id: &str,
        version: &Version,
        body: &'a [u8],
    ) -> Result<(), StoreError> {
        let (record, apart) = self.there(collection, id)?;
        let new = Some((version, body.into()));
        let record = record.map(Into::into);
        self.write
            .set_item(collection, id, record, new, Visit::Once)?;
        let passed = self.passed(collection, id)?;
        let mut waits = false;
        self.write.change_collection(collection, |known| {
            waits = known.level.iter().chain(&passed).any(|is| version < is);
            known.note_versions(Some(version.clone()), waits.then(|| version.clone()));
        })?;
        let entry = waits.then(|| Apart {
            version: version.clone(),
            next: None,
            failure: None,
        });
        self.set_apart(collection, id, apart, entry.as_ref())
    }

    /// The versions that steps under way lead to that an item of this id has passed, and must not before the write is
    /// carried out.
    fn passed(&mut self, collection: &Name, id: &str) -> Result<Vec<Version>, StoreError> {
        let known = self.write.collection(collection)?;
        let under_way = known.map_or_else(Vec::new, |known| known.under_way.clone());
        let (mut passed, mut known) = (Vec::new(), BTreeMap::new());
        for step in under_way {
            let at = (step.run, step.step);
            // Those that are carried out in one pass have one checkpoint.
            let has_passed = match known.get(&at) {
                Some(has_passed) => *has_passed,
                None => {
                    let places = self.store.places(step.run, step.step, id)?;
                    for (place, found) in &places {
                        self.write.expect(place, found.as_deref());
                    }
                    has_passed(&checkpoints(&places), id)?
                }
            };
            known.insert(at, has_passed);
            if has_passed {
                passed.push(step.version);
            }
        }
        Ok(passed)
    }

    /// Removes an item, and gives whether there was one.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::Outside;
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
    /// # lease.release(&store)?;
    /// let mut write = Outside::begin(&store, Timestamp(0), &|_| false)?;
    /// assert!(write.delete(&notes, "first")?);
    /// assert!(!write.delete(&notes, "second")?);
    /// assert!(write.commit()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn delete(&mut self, collection: &Name, id: &str) -> Result<bool, StoreError> {
        let (record, apart) = self.there(collection, id)?;
        let Some(record) = record else {
            self.items.remove(&(collection.clone(), id.to_owned()));
            return Ok(false);
        };
        let record = Some(record.into());
        self.write
            .set_item(collection, id, record, None, Visit::Once)?;
        self.set_apart(collection, id, apart, None)?;
        Ok(true)
    }

    /// Reads what is there of an item, which must be so still at the end.
    fn there(&mut self, collection: &Name, id: &str) -> Result<There, StoreError> {
        self.items.insert((collection.clone(), id.to_owned()));
        let mut read = |tag| {
            let key = key::item(tag, collection, id);
            let found = self.store.backend().get(&key)?;
            self.write.expect(&key, found.as_deref());
            Ok::<_, StoreError>(found)
        };
        Ok((read(key::tag::ITEM)?, read(key::tag::APART)?))
    }

    fn set_apart(
        &mut self,
        collection: &Name,
        id: &str,
        old: Option<Vec<u8>>,
        new: Option<&Apart>,
    ) -> Result<(), StoreError> {
        if let Some(old) = &old
            && Some(&parse_apart(old)?) == new
        {
            return Ok(());
        }
        if old.is_some() || new.is_some() {
            self.write
                .set_apart(collection, id, old.as_deref(), new, Visit::Once)?;
        }
        Ok(())
    }

    /// Carries everything out, or nothing: `false` when something was written meanwhile that this was based on.
    ///
    /// ```
    /// use godwit::model::{Timestamp, Version};
    /// use godwit::store::Outside;
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
    /// # lease.release(&store)?;
    /// let version = Version::new(1, 0, 0);
    /// loop {
    ///     let mut write = Outside::begin(&store, Timestamp(0), &|_| false)?;
    ///     write.put(&notes, "first", &version, b"{}")?;
    ///     if write.commit()? {
    ///         break;
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store failed.
    pub fn commit(self) -> Result<bool, StoreError> {
        let Self {
            lease,
            written,
            is_noted,
            mut write,
            items,
            ..
        } = self;
        write.expect(key::LEASE, lease.record.as_deref());
        if let Some(ended) = &lease.ended {
            write.put(key::LEASE, Some(ended));
        }
        write.append(&lease.disowned);
        write.expect(key::WRITTEN, written.as_deref());
        if let Some(written) = written.filter(|_| is_noted) {
            let number: [u8; NUMBER] = written
                .try_into()
                .map_err(|_| super::typed::damaged(key::WRITTEN))?;
            let mut number = u64::from_be_bytes(number);
            for (collection, id) in &items {
                number += 1;
                let item = key::item(key::tag::ITEM, collection, id);
                write.put(&key::written(number), Some(&item));
            }
            write.put(key::WRITTEN, Some(&number.to_be_bytes()));
        }
        match write.commit_unleased() {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The record of an item and its entry of being apart, as stored.
type There = (Option<Vec<u8>>, Option<Vec<u8>>);

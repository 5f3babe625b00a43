//! An item with its version, as both are at one moment.
//!
//! The version of an item follows from several records, and a run may commit while they are read. So they are read until
//! they are twice the same.

use super::key::{self, tag};
use super::ranges::has_passed;
use super::record::{self, Collection, ItemRecord};
use super::{Store, StoreError};
use crate::model::{Apart, Item, Name, Version};

/// What was found of an item at one moment.
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
/// let found = store.find_item(&notes, "first")?.ok_or("there is no item")?;
/// assert_eq!(found.item.body, br#"{"done": false}"#);
/// assert!(found.apart.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The item, with the version that it has.
    pub item: Item,
    /// Its entry, if it is apart from its collection.
    pub apart: Option<Apart>,
    /// Its record, as stored.
    pub record: Vec<u8>,
}

/// The records of an item that its version follows from.
#[derive(PartialEq, Eq)]
struct Records {
    item: Vec<u8>,
    apart: Option<Vec<u8>>,
    collection: Option<Vec<u8>>,
    /// Of the steps under way, in order: their checkpoints, that of the step and that of the range that the item belongs to.
    progress: Vec<[Option<Vec<u8>>; 2]>,
}

impl Store {
    /// An item with the version that it has.
    ///
    /// ```
    /// use godwit::model::Version;
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
    /// let first = store.item(&notes, "first")?.ok_or("there is no item")?;
    /// assert_eq!(first.version, Version::new(1, 0, 0));
    /// assert_eq!(store.item(&notes, "second")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn item(&self, collection: &Name, id: &str) -> Result<Option<Item>, StoreError> {
        Ok(self.find_item(collection, id)?.map(|found| found.item))
    }

    /// An item with the version that it has, and whether it is apart from its collection.
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
    /// assert!(store.find_item(&notes, "first")?.is_some());
    /// assert_eq!(store.find_item(&notes, "second")?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn find_item(&self, collection: &Name, id: &str) -> Result<Option<Found>, StoreError> {
        let mut before = self.records(collection, id)?;
        loop {
            let again = self.records(collection, id)?;
            if again == before {
                return again.map(|records| records.found(id)).transpose();
            }
            before = again;
        }
    }

    fn records(&self, collection: &Name, id: &str) -> Result<Option<Records>, StoreError> {
        let backend = self.backend();
        let Some(item) = backend.get(&key::item(tag::ITEM, collection, id))? else {
            return Ok(None);
        };
        let place = key::named(tag::COLLECTION, collection);
        let record = backend.get(&place)?;
        let mut progress = Vec::new();
        if let Some(record) = &record {
            for step in record::from_json::<Collection>(&place, record)?.under_way {
                progress.push(self.checkpoints(step.run, step.step, id)?);
            }
        }
        Ok(Some(Records {
            item,
            apart: backend.get(&key::item(tag::APART, collection, id))?,
            collection: record,
            progress,
        }))
    }
}

impl Records {
    fn found(self, id: &str) -> Result<Found, StoreError> {
        let parsed = ItemRecord::parse(&self.item)?;
        let apart = self.apart.as_deref();
        let apart: Option<Apart> = apart.map(super::parse_apart).transpose()?;
        let version = match &apart {
            Some(apart) => apart.version.clone(),
            None => self.version(id, parsed.stamp()?)?,
        };
        let item = Item {
            id: id.to_owned(),
            version,
            body: parsed.body.to_vec(),
        };
        Ok(Found {
            item,
            apart,
            record: self.item,
        })
    }

    /// The version of an item that is not apart from its collection.
    fn version(&self, id: &str, stamp: Version) -> Result<Version, StoreError> {
        let Some(collection) = &self.collection else {
            return Ok(stamp);
        };
        let collection: Collection = record::from_json(b"C", collection)?;
        let mut passed = Vec::new();
        for (step, progress) in collection.under_way.iter().zip(&self.progress) {
            if has_passed(progress, id)? {
                passed.push(&step.version);
            }
        }
        Ok(collection.version_of(stamp, passed))
    }
}

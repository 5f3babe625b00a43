//! Finding items by a value in their bodies, and what indexes hold.

use std::ops::ControlFlow;

use serde_json::Value;

use super::typed::damaged;
use super::{Index, Store, StoreError, index, key};
use crate::model::Name;

/// No more bytes of bodies are looked at in one call.
const LOOKED_AT_BYTES: usize = 64 << 20;
/// So many entries of an index are read at once.
const ENTRIES: usize = 256;

/// Items that have a value.
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
/// let matches = store.find(&notes, ("/done", &serde_json::json!(false)), None, 10)?;
/// assert_eq!(matches.ids, ["first"]);
/// assert!(!matches.by_index, "there is no index");
/// assert_eq!(matches.next, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matches {
    /// Their ids, in order.
    pub ids: Vec<String>,
    /// The id behind which the search goes on; `None`: nothing is left to look at.
    pub next: Option<String>,
    /// Whether an index was used, or every item looked at.
    pub by_index: bool,
}

impl Store {
    /// The ids of the items behind `after` whose body has `value` at `pointer`, in order, up to `limit` of them. So much is
    /// looked at in one call and no more, so that there may be fewer, or none, and yet a next page.
    ///
    /// ```
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
    /// let (done, open) = (serde_json::json!(true), serde_json::json!(false));
    /// assert!(store.find(&notes, ("/done", &done), None, 10)?.ids.is_empty());
    /// assert!(store.find(&notes, ("/done", &open), None, 10)?.by_index);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn find(
        &self,
        collection: &Name,
        (pointer, value): (&str, &Value),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Matches, StoreError> {
        let indexes = self
            .collection(collection)?
            .map_or_else(Vec::new, |record| record.indexes);
        let index = indexes
            .into_iter()
            .find(|index| index.ready && index.pointer == pointer);
        let mut search = Search {
            pointer,
            value,
            limit,
            bytes: 0,
            ids: Vec::new(),
            next: None,
        };
        match &index {
            Some(_) if self.is_attached(collection) => {
                self.search_table(collection, after, &mut search)?;
            }
            Some(index) => self.search_index(collection, index, after, &mut search)?,
            None => self.each_item(collection, after, &mut |id, record| {
                search.look_at(id, record.body)
            })?,
        }
        Ok(Matches {
            ids: search.ids,
            next: search.next,
            by_index: index.is_some(),
        })
    }

    fn search_index(
        &self,
        collection: &Name,
        index: &Index,
        after: Option<&str>,
        search: &mut Search<'_>,
    ) -> Result<(), StoreError> {
        let prefix = index::prefix(collection, index.number, search.value);
        let behind = |id: &str| [&prefix, id.as_bytes(), &[0]].concat();
        let mut start = after.map_or_else(|| prefix.clone(), behind);
        loop {
            let mut ids = Vec::new();
            self.each(&(start, key::end_of(&prefix)), &mut |entry, _| {
                let id = index::id(entry, &prefix).ok_or_else(|| damaged(entry))?;
                ids.push(id.to_owned());
                Ok(match ids.len() < ENTRIES {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                })
            })?;
            let Some(last) = ids.last() else {
                return Ok(());
            };
            start = behind(last);
            for id in ids {
                let body = self.body(collection, &id)?;
                if body.is_some_and(|body| search.look_at(&id, &body).is_break()) {
                    return Ok(());
                }
            }
        }
    }

    /// Has the store find candidates: of a table that others write it has the index itself.
    fn search_table(
        &self,
        collection: &Name,
        after: Option<&str>,
        search: &mut Search<'_>,
    ) -> Result<(), StoreError> {
        let mut last = after.map(str::to_owned);
        while let Some(relational) = self.backend().relational() {
            let wanted = (search.pointer, search.value);
            let ids = relational.find(collection, wanted, last.as_deref(), ENTRIES)?;
            for id in &ids {
                let body = self.body(collection, id)?;
                if body.is_some_and(|body| search.look_at(id, &body).is_break()) {
                    return Ok(());
                }
            }
            match ids.into_iter().next_back() {
                Some(id) => last = Some(id),
                None => break,
            }
        }
        Ok(())
    }

    /// How many entries an index has.
    ///
    /// ```
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
    /// assert_eq!(store.count_index_entries(&notes, 0)?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn count_index_entries(&self, collection: &Name, number: u32) -> Result<u64, StoreError> {
        let prefix = key::index(collection, number);
        let mut count = 0;
        self.each(&(prefix.clone(), key::end_of(&prefix)), &mut |_, _| {
            count += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(count)
    }

    /// The keys of an index's first entries, up to `limit` of them.
    ///
    /// ```
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
    /// assert_eq!(store.index_entries(&notes, 0, 100)?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn index_entries(
        &self,
        collection: &Name,
        number: u32,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let prefix = key::index(collection, number);
        let mut entries = Vec::new();
        self.each(&(prefix.clone(), key::end_of(&prefix)), &mut |entry, _| {
            entries.push(entry.to_vec());
            let more = entries.len() < limit;
            Ok(if more {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        })?;
        Ok(entries)
    }
}

/// The key of an item's entry in an index; `None` where its body has no value at the pointer.
///
/// ```
/// use godwit::store::{Index, index_entry};
///
/// # let notes: godwit::model::Name = "notes".parse()?;
/// let index = Index {
///     number: 0,
///     pointer: "/done".to_owned(),
///     ready: true,
/// };
/// assert!(index_entry(&notes, &index, br#"{"done": true}"#, "first").is_some());
/// assert!(index_entry(&notes, &index, b"{}", "second").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn index_entry(collection: &Name, index: &Index, body: &[u8], id: &str) -> Option<Vec<u8>> {
    let value = index::value_at(body, &index.pointer)?;
    Some(index::entry(collection, index.number, &value, id))
}

/// What was found so far.
struct Search<'a> {
    pointer: &'a str,
    value: &'a Value,
    limit: usize,
    bytes: usize,
    ids: Vec<String>,
    next: Option<String>,
}

impl Search<'_> {
    /// Takes an item if it is meant, until it is enough.
    fn look_at(&mut self, id: &str, body: &[u8]) -> ControlFlow<()> {
        let there = index::value_at(body, self.pointer);
        if there.is_some_and(|there| crate::model::json::same_value(&there, self.value)) {
            self.ids.push(id.to_owned());
        }
        self.bytes += body.len();
        if self.ids.len() < self.limit && self.bytes < LOOKED_AT_BYTES {
            return ControlFlow::Continue(());
        }
        self.next = Some(id.to_owned());
        ControlFlow::Break(())
    }
}

//! Finding items by a value in their bodies, and what indexes hold.

use std::ops::ControlFlow;

use serde_json::Value;

use super::typed::damaged;
use super::{Index, Store, StoreError, index, key};
use crate::model::Name;

impl Store {
    /// The ids of the items whose body has `value` at `pointer`, in order, up to `limit` of them,
    /// and whether an index was used; otherwise every item was looked at.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn find(
        &self,
        collection: &Name,
        pointer: &str,
        value: &Value,
        limit: usize,
    ) -> Result<(Vec<String>, bool), StoreError> {
        let indexes = self
            .collection(collection)?
            .map_or_else(Vec::new, |record| record.indexes);
        let index = indexes
            .into_iter()
            .find(|index| index.ready && index.pointer == pointer);
        let candidates = index
            .as_ref()
            .map(|index| self.candidates(collection, index, value));
        let mut found = Vec::new();
        let mut consider = |id: &str, body: &[u8]| {
            let matches = index::value_at(body, pointer)
                .is_some_and(|there| crate::model::json::same_value(&there, value));
            if matches {
                found.push(id.to_owned());
            }
            if found.len() < limit {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        match candidates.transpose()? {
            Some(ids) => {
                for id in ids {
                    let Some(body) = self.body(collection, &id)? else {
                        continue;
                    };
                    if consider(&id, &body).is_break() {
                        break;
                    }
                }
            }
            None => {
                self.each_item(collection, None, &mut |id, record| {
                    consider(id, record.body)
                })?;
            }
        }
        Ok((found, index.is_some()))
    }

    fn candidates(
        &self,
        collection: &Name,
        index: &Index,
        value: &Value,
    ) -> Result<Vec<String>, StoreError> {
        let prefix = index::prefix(collection, index.number, value);
        let mut ids = Vec::new();
        let range = (prefix.clone(), key::end_of(&prefix));
        self.each(&range, &mut |entry, _| {
            let id = index::id(entry, &prefix).ok_or_else(|| damaged(entry))?;
            ids.push(id.to_owned());
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(ids)
    }

    /// How many entries an index has.
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
pub fn index_entry(collection: &Name, index: &Index, body: &[u8], id: &str) -> Option<Vec<u8>> {
    let value = index::value_at(body, &index.pointer)?;
    Some(index::entry(collection, index.number, &value, id))
}

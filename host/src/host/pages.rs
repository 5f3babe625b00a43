//! Items in order of their ids, page by page, each with the version that it has.

use std::ops::ControlFlow;

use crate::model::{Item, Name};
use crate::store::{Store, StoreError};

/// A page has so many bytes of bodies, or one item with more.
const BYTES: usize = 1 << 20;
/// And so many items at most.
const ITEMS: usize = 4_096;

/// The pages of a collection.
pub(super) struct Pages {
    store: Store,
    collection: Name,
    after: Option<String>,
    /// The generation that the first page was of.
    generation: Option<u64>,
    is_over: bool,
}

impl Pages {
    /// Those of a collection, from its first item on.
    pub(super) fn of(store: &Store, collection: &Name) -> Self {
        Self {
            store: store.clone(),
            collection: collection.clone(),
            after: None,
            generation: None,
            is_over: false,
        }
    }

    fn read(&mut self) -> Result<Vec<Item>, StoreError> {
        let (mut page, mut bytes, mut failed) = (Vec::new(), 0, None);
        if self.generation.is_none() {
            self.generation = Some(self.store.generation(&self.collection)?);
        }
        self.is_over = true;
        let after = self.after.clone();
        self.store
            .each_item(&self.collection, after.as_deref(), &mut |id, record| {
                if page.len() == ITEMS || (bytes + record.body.len() > BYTES && !page.is_empty()) {
                    self.is_over = false;
                    return ControlFlow::Break(());
                }
                bytes += record.body.len();
                match record.stamp() {
                    Ok(version) => page.push(Item {
                        id: id.to_owned(),
                        version,
                        body: record.body.to_vec(),
                    }),
                    Err(error) => failed = Some(error),
                }
                match failed {
                    None => ControlFlow::Continue(()),
                    Some(_) => ControlFlow::Break(()),
                }
            })?;
        if let Some(error) = failed {
            return Err(error);
        }
        self.after = page.last().map(|item| item.id.clone()).or(after);
        self.give_versions(&mut page)?;
        self.store
            .check_generation(&self.collection, self.generation)?;
        Ok(page)
    }

    /// Turns stamps into the versions that items have.
    fn give_versions(&self, page: &mut Vec<Item>) -> Result<(), StoreError> {
        let Some(record) = self.store.collection(&self.collection)? else {
            return Ok(());
        };
        let is_plain =
            record.under_way.is_empty() && self.store.tallies(&self.collection)?.apart() == 0;
        if is_plain {
            for item in page {
                item.version = record.version_of(item.version.clone(), None);
            }
            return Ok(());
        }
        // Somebody may work on them: each is read at one moment.
        let mut found = Vec::with_capacity(page.len());
        for item in page.drain(..) {
            found.extend(self.store.item(&self.collection, &item.id)?);
        }
        *page = found;
        Ok(())
    }
}

impl Iterator for Pages {
    type Item = Result<Vec<Item>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            let page = self.read();
            self.is_over |= page.is_err();
            // All items of a page may be deleted by the time it is read.
            if page.as_ref().map_or(true, |page| !page.is_empty()) {
                return Some(page);
            }
        }
        None
    }
}

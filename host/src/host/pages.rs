//! Items in order of their ids, page by page, each with the version that it has.

use std::ops::ControlFlow;

use crate::model::{Item, Name, Version};
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
    is_over: bool,
}

impl Pages {
    /// Those of a collection, from its first item on.
    pub(super) fn of(store: &Store, collection: &Name) -> Self {
        Self {
            store: store.clone(),
            collection: collection.clone(),
            after: None,
            is_over: false,
        }
    }

    fn read(&mut self) -> Result<Vec<Item>, StoreError> {
        let (mut page, mut bytes, mut failed) = (Vec::new(), 0, None);
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
        Ok(page)
    }

    /// Turns stamps into the versions that items have.
    fn give_versions(&self, page: &mut [Item]) -> Result<(), StoreError> {
        let Some(record) = self.store.collection(&self.collection)? else {
            return Ok(());
        };
        let is_plain =
            record.under_way.is_empty() && self.store.tallies(&self.collection)?.apart() == 0;
        for item in page {
            let stamp = std::mem::replace(&mut item.version, Version::new(0, 0, 0));
            item.version = match (&record.level, is_plain) {
                (Some(level), true) => level.max(&stamp).clone(),
                (None, true) => stamp,
                (_, false) => self.store.version_of(&self.collection, &item.id, stamp)?,
            };
        }
        Ok(())
    }
}

impl Iterator for Pages {
    type Item = Result<Vec<Item>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let page = self.read();
        self.is_over |= page.is_err();
        match page {
            Ok(page) if page.is_empty() => None,
            page => Some(page),
        }
    }
}

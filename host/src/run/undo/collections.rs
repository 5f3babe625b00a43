//! Putting back what collections were, and which indexes they had.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{Kept, Undo};
use crate::model::{Name, Version};
use crate::run::{RunError, index};
use crate::store::{Collection, StoreError, Write, record};

impl Undo<'_> {
    /// Puts a collection's record back, or drops a collection that the run made.
    pub(super) fn restore_collection(
        &mut self,
        write: &mut Write<'_>,
        kept: &Kept,
    ) -> Result<(), RunError> {
        let Some(name) = name_of(&kept.key) else {
            return Ok(());
        };
        let Some(current) = self.store.collection(&name)? else {
            return Ok(());
        };
        let Some(before) = &kept.before else {
            if self.store.tallies(&name)? == record::Tallies::default() {
                write.drop_collection(&name);
            }
            return Ok(());
        };
        let before: Collection = record::from_json(&kept.key, before)?;
        let indexes = self.restore_indexes(&name, &current, &before)?;
        let Some(current) = self.store.collection(&name)? else {
            return Ok(());
        };
        let waiting = current.oldest_waiting.clone();
        let mut restored = Collection {
            newest: self.newest(&name, before.newest.max(before.level.clone()))?,
            level: before.level,
            under_way: before.under_way,
            oldest_waiting: before.oldest_waiting,
            indexes,
            ..current
        };
        // Older ones may have come after the run.
        restored.note_versions(None, waiting);
        Ok(write.set_collection(&name, restored)?)
    }

    /// The highest version that is left in a collection: that of before, unless items that came
    /// after the run have a higher one.
    fn newest(&self, name: &Name, before: Option<Version>) -> Result<Option<Version>, StoreError> {
        let mut stamps = BTreeMap::new();
        self.store.each_item(name, None, &mut |_, record| {
            if !stamps.contains_key(record.version) {
                stamps.insert(record.version.to_owned(), record.stamp());
            }
            ControlFlow::Continue(())
        })?;
        let stamps: Result<Vec<_>, _> = stamps.into_values().collect();
        Ok(before.max(stamps?.into_iter().max()))
    }

    /// Drops indexes that the run made and builds again those that it dropped.
    fn restore_indexes(
        &mut self,
        name: &Name,
        current: &Collection,
        before: &Collection,
    ) -> Result<Vec<record::Index>, RunError> {
        for index in &current.indexes {
            if !before
                .indexes
                .iter()
                .any(|other| other.pointer == index.pointer)
            {
                self.change(name, |record| index::set_ready(record, index.number, false))?;
                index::clear(self.store, self.lease, self.clock, name, index.number)?;
                index::beside(self.store, self.lease, self.clock, &|relational| {
                    relational.drop_index(name, &index.pointer)
                })?;
                self.change(name, |record| {
                    record.indexes.retain(|other| other.number != index.number);
                })?;
            }
        }
        for index in before.indexes.iter().filter(|index| index.ready) {
            self.rebuild(name, &index.pointer)?;
        }
        Ok(self
            .store
            .collection(name)?
            .map_or_else(Vec::new, |record| record.indexes))
    }

    fn rebuild(&mut self, name: &Name, pointer: &str) -> Result<(), RunError> {
        let mut defined = None;
        self.change(name, |record| {
            defined = Some(index::define(record, pointer));
        })?;
        let Some(index) = defined.filter(|index| !index.ready) else {
            return Ok(());
        };
        index::beside(self.store, self.lease, self.clock, &|relational| {
            relational.ensure_index(name, pointer)
        })?;
        if self.store.is_attached(name) {
            return self.change(name, |record| index::set_ready(record, index.number, true));
        }
        let mut after = None;
        loop {
            let page =
                index::entries_behind(self.store, name, &index, after.as_deref(), index::PAGE)?;
            let mut write = self.store.write(self.run.id, None);
            page.entries
                .iter()
                .for_each(|entry| write.add_index_entry(entry));
            write.commit(self.lease, self.clock.now())?;
            if page.is_last {
                return self.change(name, |record| index::set_ready(record, index.number, true));
            }
            after = page.after;
        }
    }

    fn change(
        &mut self,
        name: &Name,
        change: impl FnOnce(&mut Collection),
    ) -> Result<(), RunError> {
        let mut write = self.store.write(self.run.id, None);
        if !write.change_collection(name, change)? {
            return Ok(());
        }
        Ok(write.commit(self.lease, self.clock.now())?)
    }
}

fn name_of(key: &[u8]) -> Option<Name> {
    std::str::from_utf8(&key[1..]).ok()?.parse().ok()
}

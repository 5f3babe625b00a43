//! Putting the items of a batch in their places.

use std::collections::{BTreeMap, BTreeSet};

use super::bad::{BadLineReason, Difference};
use super::batch::{Batch, Pending};
use super::target::Target;
use super::{ImportSettings, OnExisting};
use crate::model::{Apart, Version};
use crate::store::{ItemRecord, Store, StoreError, Stored, Visit, Write, parse_apart};

/// What is, or will be, under an id.
#[derive(Default)]
pub(super) struct Place {
    /// The item's record, as stored.
    record: Option<Vec<u8>>,
    /// Its entry of being apart from its collection, as stored.
    apart: Option<Vec<u8>>,
    /// The same, parsed.
    parsed: Option<Apart>,
    /// The place in the batch of the item that is to be written.
    new: Option<usize>,
}

/// What a batch has written.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// The newest version of any item; `None` where there is no item.
    pub newest: Option<Version>,
    /// The oldest version of those that wait to be brought up to date.
    pub oldest_waiting: Option<Version>,
}

/// What is under the ids of a batch.
pub(super) fn places(
    store: &Store,
    settings: &ImportSettings,
    batch: &Batch,
) -> Result<BTreeMap<String, Place>, StoreError> {
    let collection = &settings.collection;
    let ids: BTreeSet<&str> = batch.items.iter().map(|item| &*item.id).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut places = BTreeMap::new();
    let mut there = Vec::new();
    for (id, record) in ids.iter().zip(store.item_records(collection, &ids)?) {
        there.extend(record.is_some().then_some(*id));
        let place = Place {
            record,
            ..Place::default()
        };
        places.insert((*id).to_owned(), place);
    }
    for (id, apart) in there.iter().zip(store.apart_records(collection, &there)?) {
        let place = places.get_mut(*id).expect("it was just put there");
        place.parsed = apart.as_deref().map(parse_apart).transpose()?;
        place.apart = apart;
    }
    Ok(places)
}

/// Decides what becomes of each item of a batch, in the order of their lines, and notes those that are to be written.
pub(super) fn decide_all(
    store: &Store,
    settings: &ImportSettings,
    target: &Target<'_>,
    batch: &mut Batch,
    places: &mut BTreeMap<String, Place>,
) -> Result<(), StoreError> {
    for index in 0..batch.items.len() {
        let there = places.get_mut(&batch.items[index].id);
        let there = there.expect("every item has a place");
        if decide(store, settings, target, batch, index, there)? {
            let item = &batch.items[index];
            let waits = !item.is_removed() && target.entry(item, there.apart()).is_some();
            there.new = Some(index);
            batch.note_form(index, waits);
        }
    }
    Ok(())
}

/// Writes the items that are new or replaced, and deletes those that are replaced by nothing.
pub(super) fn put<'b>(
    settings: &ImportSettings,
    target: &Target<'_>,
    batch: &'b Batch,
    places: BTreeMap<String, Place>,
    write: &mut Write<'b>,
) -> Result<Placed, StoreError> {
    let mut placed = Placed::default();
    let collection = &settings.collection;
    for (id, there) in places {
        let Some(index) = there.new else { continue };
        let item = &batch.items[index];
        let record = there.record.map(Stored::from);
        if item.is_removed() && record.is_none() {
            continue;
        }
        let version = item.stamp();
        let new = (!item.is_removed()).then(|| (version, batch.body(item).into()));
        write.set_item(collection, &id, record, new, Visit::Once)?;
        let old = there.apart.as_deref();
        let entry = target.entry(item, there.parsed.as_ref());
        let entry = entry.filter(|_| !item.is_removed());
        if old.is_some() || entry.is_some() {
            write.set_apart(collection, &id, old, entry.as_ref(), Visit::Once)?;
        }
        if item.is_removed() {
            continue;
        }
        if placed.newest.as_ref() < Some(version) {
            placed.newest = Some(version.clone());
        }
        let is_older = |oldest: &Version| version < oldest;
        if entry.is_some() && placed.oldest_waiting.as_ref().is_none_or(is_older) {
            placed.oldest_waiting = Some(version.clone());
        }
    }
    Ok(placed)
}

impl Place {
    fn apart(&self) -> Option<&Apart> {
        self.parsed.as_ref()
    }

    /// Whether it is an item that is apart from its collection, and is that of a batch as it came.
    pub fn waits_as(&self, batch: &Batch, item: &Pending) -> bool {
        let apart = self.apart();
        let body = self.record.as_deref().map(ItemRecord::parse);
        apart.is_some_and(|apart| apart.version == item.version)
            && body.is_some_and(|body| body.is_ok_and(|body| body.body == batch.came(item)))
    }

    /// Whether nothing is there, nor will be.
    fn is_empty(&self, batch: &Batch) -> bool {
        match self.new {
            Some(new) => batch.items[new].is_removed(),
            None => self.record.is_none(),
        }
    }
}

/// Counts the item at `index` as what becomes of it, and says whether it is to be written.
fn decide(
    store: &Store,
    settings: &ImportSettings,
    target: &Target<'_>,
    batch: &mut Batch,
    index: usize,
    there: &Place,
) -> Result<bool, StoreError> {
    if let Some((run, state)) = target.forbids(there.parsed.as_ref()) {
        let (line, id) = (batch.items[index].line, batch.items[index].id.clone());
        batch.refuse(line, None, BadLineReason::RunInTheWay { id, run, state });
        return Ok(false);
    }
    let is_removed = batch.items[index].is_removed();
    if there.is_empty(batch) {
        match is_removed {
            true => batch.outcome.counts.removed += 1,
            false => batch.outcome.counts.created += 1,
        }
        return Ok(!is_removed);
    }
    let item = &batch.items[index];
    let Some(difference) = differs(store, settings, target, batch, item, there)? else {
        batch.outcome.counts.present += 1;
        return Ok(false);
    };
    match settings.on_existing {
        OnExisting::Refuse => {
            let (line, id) = (item.line, item.id.clone());
            batch.refuse(line, None, BadLineReason::Exists { id, difference });
        }
        OnExisting::Keep => batch.outcome.counts.kept += 1,
        OnExisting::Replace if is_removed => batch.outcome.counts.removed += 1,
        OnExisting::Replace => batch.outcome.counts.replaced += 1,
    }
    Ok(settings.on_existing == OnExisting::Replace)
}

/// How what is under an item's id differs from what would be written of it; `None`: not at all, or it waits there as it
/// came.
fn differs(
    store: &Store,
    settings: &ImportSettings,
    target: &Target<'_>,
    batch: &Batch,
    item: &Pending,
    there: &Place,
) -> Result<Option<Difference>, StoreError> {
    let version = |item: &Pending| match item.is_brought_up() {
        true => target.version_of(item.stamp()),
        false => item.version.clone(),
    };
    let (body, had) = match (there.new, &there.record) {
        (Some(new), _) => {
            let new = &batch.items[new];
            let is_same = (batch.came(new), &new.version) == (batch.came(item), &item.version);
            if is_same {
                return Ok(None);
            }
            (batch.body(new), version(new))
        }
        (None, Some(record)) => {
            let record = ItemRecord::parse(record)?;
            let had = store.version_of(&settings.collection, &item.id, record.stamp()?)?;
            (record.body, had)
        }
        (None, None) => return Ok(None),
    };
    if there.new.is_none() && there.waits_as(batch, item) {
        return Ok(None);
    }
    if item.is_removed() {
        return Ok(Some(Difference::Removed));
    }
    if body != batch.body(item) {
        return Ok(Some(Difference::Body));
    }
    Ok((had != version(item)).then_some(Difference::Version(had)))
}

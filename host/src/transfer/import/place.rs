//! Putting the items of a batch in their places.

use std::collections::BTreeMap;

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

/// Decides what becomes of each item of a batch, in the order of their lines; gives the places of all, by id.
pub(super) fn places(
    store: &Store,
    settings: &ImportSettings,
    target: &Target<'_>,
    batch: &mut Batch,
) -> Result<BTreeMap<String, Place>, StoreError> {
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    for index in 0..batch.items.len() {
        let id = &batch.items[index].id;
        if !places.contains_key(id) {
            places.insert(id.clone(), Place::find(store, settings, id)?);
        }
        let there = places.get_mut(id).expect("it was just put there");
        if decide(store, settings, target, batch, index, there)? {
            there.new = Some(index);
        }
    }
    Ok(places)
}

/// Writes the items that are new or replaced.
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
        let new = Some((&item.version, batch.body(item).into()));
        let record = there.record.map(Stored::from);
        write.set_item(collection, &id, record, new, Visit::Once)?;
        let old = there.apart.as_deref();
        let entry = target.entry(&item.version, there.parsed.as_ref());
        if old.is_some() || entry.is_some() {
            write.set_apart(collection, &id, old, entry.as_ref(), Visit::Once)?;
        }
        let version = &item.version;
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
    fn find(store: &Store, settings: &ImportSettings, id: &str) -> Result<Self, StoreError> {
        let record = store.item_record(&settings.collection, id)?;
        let apart = match record {
            Some(_) => store.apart_record(&settings.collection, id)?,
            None => None,
        };
        let parsed = apart.as_deref().map(parse_apart).transpose()?;
        Ok(Self {
            record,
            apart,
            parsed,
            new: None,
        })
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
    if there.record.is_none() && there.new.is_none() {
        batch.counts.created += 1;
        return Ok(true);
    }
    let item = &batch.items[index];
    let Some(difference) = differs(store, settings, batch, item, there)? else {
        batch.counts.present += 1;
        return Ok(false);
    };
    match settings.on_existing {
        OnExisting::Refuse => {
            let (line, id) = (item.line, item.id.clone());
            batch.refuse(line, None, BadLineReason::Exists { id, difference });
        }
        OnExisting::Keep => batch.counts.kept += 1,
        OnExisting::Replace => batch.counts.replaced += 1,
    }
    Ok(settings.on_existing == OnExisting::Replace)
}

/// How what is under an item's id differs from the item; `None`: not at all.
fn differs(
    store: &Store,
    settings: &ImportSettings,
    batch: &Batch,
    item: &Pending,
    there: &Place,
) -> Result<Option<Difference>, StoreError> {
    if let Some(new) = there.new {
        let new = &batch.items[new];
        if batch.body(new) != batch.body(item) {
            return Ok(Some(Difference::Body));
        }
        let is_other = new.version != item.version;
        return Ok(is_other.then(|| Difference::Version(new.version.clone())));
    }
    let Some(record) = &there.record else {
        return Ok(None);
    };
    let record = ItemRecord::parse(record)?;
    if record.body != batch.body(item) {
        return Ok(Some(Difference::Body));
    }
    let version = store.version_of(&settings.collection, &item.id, record.stamp()?)?;
    Ok((version != item.version).then_some(Difference::Version(version)))
}

//! Putting the items of a batch in their places.

use std::collections::BTreeMap;

use super::bad::{BadLineReason, Difference};
use super::batch::{Batch, Pending};
use super::{ImportSettings, OnExisting};
use crate::model::Apart;
use crate::store::{ItemRecord, Store, StoreError, Visit, Write};

/// What is, or will be, under an id.
#[derive(Default)]
struct Place {
    /// The item's record, as stored.
    record: Option<Vec<u8>>,
    /// Its entry of being apart from its collection, as stored.
    apart: Option<Vec<u8>>,
    /// The place in the batch of the item that is to be written.
    new: Option<usize>,
}

/// Decides what becomes of each item of a batch, in the order of their lines, and writes those that
/// are new or replaced. Returns whether any is.
pub(super) fn place(
    store: &Store,
    settings: &ImportSettings,
    batch: &mut Batch,
    write: &mut Write<'_>,
    apart: Option<&Apart>,
) -> Result<bool, StoreError> {
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    for index in 0..batch.items.len() {
        let id = &batch.items[index].id;
        if !places.contains_key(id) {
            places.insert(id.clone(), Place::find(store, settings, id)?);
        }
        let there = places.get_mut(id).expect("it was just put there");
        if decide(store, settings, batch, index, there)? {
            there.new = Some(index);
        }
    }
    let mut any = false;
    for (id, there) in &places {
        let Some(index) = there.new else { continue };
        any = true;
        let new = (&settings.version, batch.body(&batch.items[index]));
        let collection = &settings.collection;
        write.set_item(
            collection,
            id,
            there.record.as_deref(),
            Some(new),
            Visit::Once,
        )?;
        if there.apart.is_some() || apart.is_some() {
            write.set_apart(collection, id, there.apart.as_deref(), apart, Visit::Once)?;
        }
    }
    Ok(any)
}

impl Place {
    fn find(store: &Store, settings: &ImportSettings, id: &str) -> Result<Self, StoreError> {
        let record = store.item_record(&settings.collection, id)?;
        let apart = match record {
            Some(_) => store.apart_record(&settings.collection, id)?,
            None => None,
        };
        Ok(Self {
            record,
            apart,
            new: None,
        })
    }
}

/// Counts the item at `index` as what becomes of it, and says whether it is to be written.
fn decide(
    store: &Store,
    settings: &ImportSettings,
    batch: &mut Batch,
    index: usize,
    there: &Place,
) -> Result<bool, StoreError> {
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
        let is_same = batch.body(&batch.items[new]) == batch.body(item);
        return Ok((!is_same).then_some(Difference::Body));
    }
    let Some(record) = &there.record else {
        return Ok(None);
    };
    let record = ItemRecord::parse(record)?;
    if record.body != batch.body(item) {
        return Ok(Some(Difference::Body));
    }
    let version = store.version_of(&settings.collection, &item.id, record.stamp()?)?;
    Ok((version != settings.version).then_some(Difference::Version(version)))
}

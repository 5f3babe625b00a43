//! Reading what a step is fed, batch by batch.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use super::Options;
use super::pace::Portion;
use crate::model::{Apart, Batch, Mode, Name, Position, RunId, Source, Version};
use crate::store::{ItemRecord, Store, StoreError, Stored};

/// Items to be fed, with what is needed to change them.
#[derive(Debug, Default)]
pub(super) struct Feed {
    pub batch: Batch,
    /// What stands before each body in the item's record.
    pub headers: Vec<Vec<u8>>,
    /// The entry of each item that is apart from its collection, as stored.
    pub aparts: Vec<Option<Vec<u8>>>,
    /// The id behind which the batch was read.
    pub after: Option<String>,
    /// The last id that was looked at; `None` where there was none.
    pub upto: Option<String>,
    /// Whether nothing is left behind it.
    pub is_last: bool,
}

impl Feed {
    /// The record of the item at `index`, as stored.
    pub(super) fn record(&self, index: usize) -> Stored<'_> {
        Stored::item(&self.headers[index], self.batch.body(index))
    }

    fn push(&mut self, id: &str, record: ItemRecord<'_>, apart: Option<Vec<u8>>) {
        self.batch.push(id, record.body);
        self.headers.push(record.header.to_vec());
        self.aparts.push(apart);
    }

    /// The first `count` items.
    pub(super) fn head(&self, count: usize) -> Self {
        Self {
            batch: self.batch.slice(0..count),
            headers: self.headers[..count].to_vec(),
            aparts: self.aparts[..count].to_vec(),
            after: self.after.clone(),
            upto: count
                .checked_sub(1)
                .map(|last| self.batch.id(last).to_owned()),
            is_last: false,
        }
    }
}

/// Items that are apart by id, with the entries, as stored, of those that are fed.
type Aparts = BTreeMap<String, Option<Vec<u8>>>;

/// Chooses and reads the items that a step is fed.
#[derive(Debug)]
pub(super) struct Feeder {
    pub store: Store,
    pub run: RunId,
    pub collection: Name,
    pub source: Source,
    pub version: Version,
    /// The step's place in its migration.
    pub index: u32,
    /// The step over the collection that comes before: in this migration or an earlier one, and where items are fed that are
    /// behind, in the run.
    pub previous: Option<Position>,
    pub mode: Mode,
    /// Whether newer versions were applied before: then everything is due.
    pub is_late: bool,
    /// Whether items with an entry of their own are fed when it is their turn.
    pub feeds_apart: bool,
    pub options: Options,
    /// How far it reads.
    pub bound: Bound,
}

/// The last id that is read (none: to the end), which may become a lower one while reading goes on.
#[derive(Debug, Clone, Default)]
pub(super) struct Bound(Arc<Mutex<Option<String>>>);

impl Bound {
    pub(super) fn new(upto: Option<&str>) -> Self {
        Self(Arc::new(Mutex::new(upto.map(str::to_owned))))
    }

    pub(super) fn set(&self, upto: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = upto;
    }

    fn get(&self) -> Option<String> {
        let upto = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        upto.clone()
    }
}

impl Feeder {
    /// How many items there are to be fed at most, as far as is known without looking.
    pub(super) fn total(&self) -> Result<Option<u64>, StoreError> {
        let tallies = self.store.tallies(&self.collection)?;
        Ok(match &self.source {
            Source::Collection => {
                let items = self.store.count_items(&self.collection)?;
                let others = items.saturating_sub(tallies.apart());
                let ready = if tallies.waiting > 0 {
                    self.ready()?
                } else {
                    0
                };
                Some(others + ready)
            }
            Source::Behind => Some(tallies.waiting),
            Source::Quarantine(None) => Some(tallies.open),
            Source::Quarantine(Some(items)) => Some(
                items
                    .iter()
                    .filter(|(collection, _)| *collection == self.collection)
                    .count() as u64,
            ),
            Source::Item(..) => Some(1),
        })
    }

    /// How many items with an entry of their own go along with their collection.
    fn ready(&self) -> Result<u64, StoreError> {
        let mut ready = 0;
        self.store
            .each_apart(&self.collection, None, &mut |_, apart| {
                ready += u64::from(self.is_ready(&apart));
                ControlFlow::Continue(())
            })?;
        Ok(ready)
    }

    /// Reads the next batch behind `after`, which is as large as it may be.
    pub(super) fn read(&self, after: Option<&str>, portion: Portion) -> Result<Feed, StoreError> {
        match &self.source {
            Source::Collection => self.read_collection(after, portion),
            Source::Behind | Source::Quarantine(_) | Source::Item(..) => {
                self.read_apart(after, portion)
            }
        }
    }

    fn read_collection(&self, after: Option<&str>, portion: Portion) -> Result<Feed, StoreError> {
        let (mut aparts, known_to) = self.aparts_behind(after)?;
        let mut feed = Feed {
            after: after.map(str::to_owned),
            is_last: true,
            ..Feed::default()
        };
        let mut due = BTreeMap::new();
        let mut failed = None;
        let bound = self.bound.get();
        let least = self.least()?;
        self.store
            .each_item(&self.collection, after, &mut |id, record| {
                if bound.as_deref().is_some_and(|bound| id > bound) {
                    return ControlFlow::Break(());
                }
                if known_to.as_deref().is_some_and(|known_to| id > known_to) {
                    feed.is_last = false;
                    return ControlFlow::Break(());
                }
                let is_due = match due.get(record.version) {
                    Some(is_due) => *is_due,
                    None => match record.stamp() {
                        Ok(stamp) => *due
                            .entry(record.version.to_owned())
                            .or_insert(self.is_due(&stamp) && least.as_ref() <= Some(&stamp)),
                        Err(error) => {
                            failed = Some(error);
                            return ControlFlow::Break(());
                        }
                    },
                };
                let is_fed = match aparts.get(id) {
                    Some(apart) => apart.is_some(),
                    None => is_due,
                };
                if is_fed {
                    if portion.is_full(&feed.batch, record.body.len()) {
                        feed.is_last = false;
                        return ControlFlow::Break(());
                    }
                    feed.push(id, record, aparts.remove(id).flatten());
                }
                let upto = feed.upto.get_or_insert_default();
                upto.clear();
                upto.push_str(id);
                ControlFlow::Continue(())
            })?;
        failed.map_or(Ok(feed), Err)
    }

    /// The version below which rows of a table with a column of versions are left out: the application has added them behind a
    /// step that they would have to go through first.
    fn least(&self) -> Result<Option<Version>, StoreError> {
        if !self.store.has_versions(&self.collection) {
            return Ok(None);
        }
        let record = self.store.collection(&self.collection)?;
        Ok(record.and_then(|record| record.level))
    }

    /// Whether an item with this stamp and no entry of its own is to be fed.
    fn is_due(&self, stamp: &Version) -> bool {
        match self.mode {
            _ if self.is_late => true,
            Mode::Rewrite => *stamp < self.version,
            // Items of the version itself were rewritten before; newer ones have another shape.
            Mode::Derive => *stamp <= self.version,
        }
    }

    /// The next items behind `after` that are apart from the collection, with the entries of those
    /// whose turn it is, and the id up to which they are all there (`None`: the end). Mostly there
    /// are few.
    fn aparts_behind(&self, after: Option<&str>) -> Result<(Aparts, Option<String>), StoreError> {
        let mut found = Aparts::new();
        if self.store.tallies(&self.collection)?.apart() == 0 {
            return Ok((found, None));
        }
        let most = self.options.batch_items.max(1);
        let mut ready = Vec::new();
        self.store
            .each_apart(&self.collection, after, &mut |id, apart| {
                found.insert(id.to_owned(), None);
                if self.is_ready(&apart) {
                    ready.push(id.to_owned());
                }
                if found.len() < most {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
        let known_to = found.keys().next_back().filter(|_| found.len() == most);
        let known_to = known_to.cloned();
        for id in ready {
            let record = self.store.apart_record(&self.collection, &id)?;
            found.insert(id, record);
        }
        Ok((found, known_to))
    }

    /// Whether this step is the very next one of an item with an entry of its own, so that it goes
    /// along with its collection: whoever wanted to bring it ahead did not come that far.
    fn is_ready(&self, apart: &Apart) -> bool {
        self.feeds_apart
            && apart.failure.is_none()
            && apart.is_due(&self.version, self.index)
            && self.has_passed_previous(apart)
    }

    fn has_passed_previous(&self, apart: &Apart) -> bool {
        let has_passed = |position: &Position| !apart.is_due(&position.version, position.step);
        self.previous.as_ref().is_none_or(has_passed)
    }

    fn read_apart(&self, after: Option<&str>, portion: Portion) -> Result<Feed, StoreError> {
        let mut feed = Feed {
            after: after.map(str::to_owned),
            is_last: true,
            ..Feed::default()
        };
        let mut ids = Vec::new();
        self.store
            .each_apart(&self.collection, after, &mut |id, apart| {
                if ids.len() >= self.options.batch_items.max(1) {
                    feed.is_last = false;
                    return ControlFlow::Break(());
                }
                if self.is_chosen(id, &apart) {
                    ids.push(id.to_owned());
                } else {
                    feed.upto = Some(id.to_owned());
                }
                ControlFlow::Continue(())
            })?;
        for id in ids {
            if let Some(record) = self.store.item_record(&self.collection, &id)? {
                let record = ItemRecord::parse(&record)?;
                if portion.is_full(&feed.batch, record.body.len()) {
                    feed.upto = Some(feed.batch.id(feed.batch.len() - 1).to_owned());
                    feed.is_last = false;
                    return Ok(feed);
                }
                feed.push(&id, record, self.store.apart_record(&self.collection, &id)?);
            }
            feed.upto = feed.upto.take().max(Some(id));
        }
        Ok(feed)
    }

    fn is_chosen(&self, id: &str, apart: &Apart) -> bool {
        // An item that failed in this very run has had its turn.
        let has_failed = apart
            .failure
            .as_ref()
            .is_some_and(|failure| failure.run == self.run);
        let is_named =
            |collection: &Name, named: &str| *collection == self.collection && named == id;
        let is_meant = match &self.source {
            Source::Collection => false,
            // One that came while the run is at a later stage than it is due for waits for the next run.
            Source::Behind => apart.failure.is_none() && self.has_passed_previous(apart),
            Source::Quarantine(None) => match &apart.failure {
                Some(failure) => !failure.accepted,
                None => apart.next.is_some(),
            },
            Source::Quarantine(Some(items)) => items
                .iter()
                .any(|(collection, named)| is_named(collection, named)),
            Source::Item(collection, named) => is_named(collection, named),
        };
        is_meant && !has_failed && apart.is_due(&self.version, self.index)
    }
}

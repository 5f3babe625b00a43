//! The state behind the double: collections, the batch in flight, the log.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;

use super::ndjson::Items;
use crate::host_side::HostSide;
use crate::{Batch, DocumentsError, Item, Level, Run, Step};

/// A line that a migration logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub message: String,
    /// The item that it is about.
    pub item: Option<String>,
}

/// Everything that a migration sees, shared between it and the host that drives it.
pub(crate) struct World {
    state: RefCell<State>,
}

struct State {
    collections: BTreeMap<String, Items>,
    opaque: BTreeSet<String>,
    in_flight: Option<InFlight>,
    log: Vec<Line>,
    run: Run,
}

/// A batch that is being migrated, and what it wrote on the side.
pub(super) struct InFlight {
    step: Step,
    ids: BTreeSet<String>,
    pub(super) writes: BTreeMap<(String, String), Option<Vec<u8>>>,
    /// Whether it read or wrote an item that it is itself made of.
    pub(super) touched_itself: bool,
    log_length: usize,
}

impl World {
    pub(super) fn new() -> Self {
        let run = Run {
            from_version: None,
            started_at: 0,
            seed: 0,
        };
        Self {
            state: RefCell::new(State {
                collections: BTreeMap::new(),
                opaque: BTreeSet::new(),
                in_flight: None,
                log: Vec::new(),
                run,
            }),
        }
    }

    pub(super) fn set_run(&mut self, run: Run) {
        self.state.get_mut().run = run;
    }

    pub(super) fn set_opaque(&mut self, collection: &str) {
        self.state.get_mut().opaque.insert(collection.to_owned());
    }

    pub(super) fn is_opaque(&self, collection: &str) -> bool {
        self.state.borrow().opaque.contains(collection)
    }

    pub(super) fn log_lines(&mut self) -> &[Line] {
        &self.state.get_mut().log
    }

    pub(super) fn collection(&self, name: &str) -> Items {
        let state = self.state.borrow();
        state.collections.get(name).cloned().unwrap_or_default()
    }

    pub(super) fn body(&self, collection: &str, id: &str) -> Option<Vec<u8>> {
        self.state.borrow().body(collection, id)
    }

    /// Writes at once, past any batch.
    pub(super) fn store(&self, collection: &str, id: &str, body: Option<Vec<u8>>) {
        self.state.borrow_mut().store(collection, id, body);
    }

    /// Up to `limit` ids after one.
    pub(super) fn ids_after(&self, collection: &str, after: &str, limit: usize) -> Vec<String> {
        let state = self.state.borrow();
        let items = state.collections.get(collection);
        let ids = items.into_iter().flat_map(Items::keys);
        ids.filter(|id| id.as_str() > after)
            .take(limit)
            .cloned()
            .collect()
    }

    /// Takes the named items up as the batch in flight.
    pub(super) fn begin(&self, step: &Step, ids: &[String]) -> Batch {
        let mut state = self.state.borrow_mut();
        state.in_flight = Some(InFlight {
            step: step.clone(),
            ids: ids.iter().cloned().collect(),
            writes: BTreeMap::new(),
            touched_itself: false,
            log_length: state.log.len(),
        });
        let items = &state.collections[&step.collection];
        ids.iter()
            .map(|id| Item::new(id, items[id].as_slice()))
            .collect()
    }

    /// Ends the batch in flight; nothing that it wrote is in force yet.
    pub(super) fn end(&self) -> InFlight {
        let in_flight = self.state.borrow_mut().in_flight.take();
        in_flight.expect("a batch is in flight")
    }

    /// Unsays what a batch logged that will be fed again.
    pub(super) fn forget_log_of(&self, batch: &InFlight) {
        self.state.borrow_mut().log.truncate(batch.log_length);
    }
}

impl State {
    fn body(&self, collection: &str, id: &str) -> Option<Vec<u8>> {
        if let Some(batch) = &self.in_flight {
            let key = (collection.to_owned(), id.to_owned());
            if let Some(written) = batch.writes.get(&key) {
                return written.clone();
            }
        }
        self.collections.get(collection)?.get(id).cloned()
    }

    fn store(&mut self, collection: &str, id: &str, body: Option<Vec<u8>>) {
        let items = self.collections.entry(collection.to_owned()).or_default();
        match body {
            Some(body) => items.insert(id.to_owned(), body),
            None => items.remove(id),
        };
    }

    /// A collection with what the batch in flight wrote.
    fn seen(&self, collection: &str) -> Items {
        let mut items = self
            .collections
            .get(collection)
            .cloned()
            .unwrap_or_default();
        let writes = self.in_flight.iter().flat_map(|batch| &batch.writes);
        for ((_, id), body) in writes.filter(|((written, _), _)| written == collection) {
            match body {
                Some(body) => items.insert(id.clone(), body.clone()),
                None => items.remove(id),
            };
        }
        items
    }

    fn may_read(&self, collection: &str) -> Result<(), DocumentsError> {
        let allowed = |step: &Step| {
            step.reads.iter().any(|name| name == collection)
                || step.writes.iter().any(|name| name == collection)
        };
        self.granted(collection, allowed)
    }

    fn may_write(&self, collection: &str) -> Result<(), DocumentsError> {
        self.granted(collection, |step| {
            step.writes.iter().any(|name| name == collection)
        })
    }

    /// Outside of a step everything is granted: a function is being tested on its own.
    fn granted(
        &self,
        collection: &str,
        allowed: impl Fn(&Step) -> bool,
    ) -> Result<(), DocumentsError> {
        match &self.in_flight {
            Some(batch) if !allowed(&batch.step) => Err(DocumentsError::Denied {
                collection: collection.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn touch(&mut self, collection: &str, id: &str) {
        if let Some(batch) = &mut self.in_flight {
            batch.touched_itself |= batch.step.collection == collection && batch.ids.contains(id);
        }
    }

    fn write(
        &mut self,
        collection: &str,
        id: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(), DocumentsError> {
        self.may_write(collection)?;
        if !(1..=512).contains(&id.len()) {
            return Err(DocumentsError::Invalid(format!(
                "an id has 1 to 512 bytes, not {}",
                id.len()
            )));
        }
        self.touch(collection, id);
        match &mut self.in_flight {
            None => self.store(collection, id, body),
            Some(batch) if batch.is_only(collection, id) => {
                return Err(DocumentsError::Invalid(
                    "the item that is being migrated is changed by its outcome only".into(),
                ));
            }
            Some(batch) => {
                batch
                    .writes
                    .insert((collection.to_owned(), id.to_owned()), body);
            }
        }
        Ok(())
    }
}

impl InFlight {
    fn is_only(&self, collection: &str, id: &str) -> bool {
        self.step.collection == collection && self.ids.len() == 1 && self.ids.contains(id)
    }
}

impl HostSide for World {
    fn get(&self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, DocumentsError> {
        let mut state = self.state.borrow_mut();
        state.may_read(collection)?;
        state.touch(collection, id);
        Ok(state.body(collection, id))
    }

    fn scan(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Item<'static>>, DocumentsError> {
        let mut state = self.state.borrow_mut();
        state.may_read(collection)?;
        let page: Vec<_> = state
            .seen(collection)
            .into_iter()
            .filter(|(id, _)| after.is_none_or(|after| id.as_str() > after))
            .take(limit as usize)
            .collect();
        for (id, _) in &page {
            state.touch(collection, id);
        }
        Ok(page
            .into_iter()
            .map(|(id, body)| Item::new(id, body))
            .collect())
    }

    fn put(&self, collection: &str, id: &str, body: &[u8]) -> Result<(), DocumentsError> {
        if !self.is_opaque(collection) {
            serde_json::from_slice::<IgnoredAny>(body).map_err(|error| {
                DocumentsError::Invalid(format!("the body is not JSON: {error}"))
            })?;
        }
        self.state
            .borrow_mut()
            .write(collection, id, Some(body.to_owned()))
    }

    fn delete(&self, collection: &str, id: &str) -> Result<(), DocumentsError> {
        self.state.borrow_mut().write(collection, id, None)
    }

    fn log(&self, level: Level, message: &str, item: Option<&str>) {
        self.state.borrow_mut().log.push(Line {
            level,
            message: message.to_owned(),
            item: item.map(str::to_owned),
        });
    }

    fn run(&self) -> Run {
        self.state.borrow().run.clone()
    }
}

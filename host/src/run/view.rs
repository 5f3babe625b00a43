//! What a component sees of the documents while a batch is transformed.
//!
//! Writes are held back; reads see them, what earlier parts of the batch did, and the store. What
//! was read is noted, so that a batch that read what an earlier one changed meanwhile is fed again.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::reads::{Range, Reads};
use crate::model::{Batch, Mode, Name, Rules, item, json};
use crate::sandbox::{Denial, Documents, DuplicateNames, Limits};
use crate::store::{Store, StoreError};

/// Writes by collection and id; `None` is a deletion.
pub(super) type Writes = BTreeMap<(Name, String), Option<Vec<u8>>>;

/// The most items that one scan returns, whatever was asked for.
const SCAN_ITEMS: usize = 1_000;
/// The most bytes of bodies that one scan returns.
const SCAN_BYTES: usize = 1 << 20;

/// Collections whose bodies are not what they are elsewhere.
#[derive(Debug, Clone, Default)]
pub(super) struct Bodies {
    /// They need not be JSON.
    pub opaque: BTreeSet<Name>,
    /// They must be what `jsonb` can hold.
    pub jsonb: BTreeSet<Name>,
}

impl Bodies {
    /// Those of the collections of a store.
    pub(super) fn of(store: &Store) -> Result<Self, StoreError> {
        let mut bodies = Self::default();
        for (name, record) in store.collections()? {
            if store.has_jsonb(&name) {
                bodies.jsonb.insert(name);
            } else if record.opaque {
                bodies.opaque.insert(name);
            }
        }
        Ok(bodies)
    }

    /// Says what a collection has no room for in a body.
    pub(super) fn check(&self, collection: &Name, body: &[u8]) -> Result<(), String> {
        match self.jsonb.contains(collection) && !json::fits_jsonb(body) {
            true => Err(
                "is not what jsonb can hold: a zero character, two members of one name, or \
                         a number of thousands of digits"
                    .to_owned(),
            ),
            false => Ok(()),
        }
    }
}

/// What a step may do.
#[derive(Debug)]
pub(super) struct Grants {
    pub mode: Mode,
    /// The collection that it is fed from.
    pub fed: Name,
    pub reads: BTreeSet<Name>,
    pub writes: BTreeSet<Name>,
    /// Collections whose bodies are not what they are elsewhere.
    pub bodies: Bodies,
    /// Bytes of a body at most.
    pub body_bytes: usize,
    /// What is asked of new bodies, but for those in opaque collections.
    pub json: Rules,
}

impl Grants {
    /// What a step may do that looks at nothing but what it is fed.
    pub(super) fn pure(mode: Mode, fed: &Name, limits: &Limits) -> Self {
        Self {
            mode,
            fed: fed.clone(),
            reads: BTreeSet::new(),
            writes: BTreeSet::new(),
            bodies: Bodies::default(),
            body_bytes: limits.body_bytes,
            json: Rules {
                depth: limits.json_depth,
                duplicate_names: limits.duplicate_names == DuplicateNames::Keep,
            },
        }
    }

    /// Whether the step sees the collection that it changes.
    pub(super) fn is_inward(&self) -> bool {
        self.mode == Mode::Rewrite
            && (self.reads.contains(&self.fed) || self.writes.contains(&self.fed))
    }

    /// Whether the step looks at nothing but what it is fed.
    pub(super) fn is_pure(&self) -> bool {
        self.reads.is_empty() && self.writes.is_empty()
    }
}

/// What earlier parts of a batch did.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// Through `documents`.
    pub writes: Writes,
    /// By their outcomes, where the step sees the collection that it changes.
    pub outcomes: BTreeMap<String, Option<Vec<u8>>>,
}

/// Why the host stopped a call.
#[derive(Debug)]
pub(super) enum Halt {
    /// The part of the batch touches itself: it must be fed in smaller parts.
    Split,
    /// The store failed.
    Store(StoreError),
}

/// Answers the `documents` calls of one attempt at a part of a batch.
#[derive(Debug)]
pub(super) struct View {
    store: Store,
    grants: Arc<Grants>,
    /// The part's items, where the step sees the collection that it changes.
    fed: Option<Batch>,
    earlier: Arc<Earlier>,
    writes: Writes,
    reads: Reads,
    halt: Option<Halt>,
}

impl View {
    pub(super) fn new(
        store: Store,
        grants: Arc<Grants>,
        fed: &Batch,
        earlier: Arc<Earlier>,
    ) -> Self {
        let ids = || Batch {
            ids: fed.ids.clone(),
            id_ends: fed.id_ends.clone(),
            ..Batch::default()
        };
        let fed = grants.is_inward().then(ids);
        Self {
            store,
            grants,
            fed,
            earlier,
            writes: Writes::new(),
            reads: Reads::default(),
            halt: None,
        }
    }

    /// Why the host stopped the call, if it did.
    pub(super) fn take_halt(&mut self) -> Option<Halt> {
        self.halt.take()
    }

    /// Whether the host stopped the call.
    pub(super) fn is_halted(&self) -> bool {
        self.halt.is_some()
    }

    /// Whether anything was written.
    pub(super) fn has_written(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Whether anything was read.
    pub(super) fn has_read(&self) -> bool {
        !self.reads.is_empty()
    }

    /// What was written and read.
    pub(super) fn finish(self) -> (Writes, Reads) {
        (self.writes, self.reads)
    }

    fn halt(&mut self, halt: Halt) -> Denial {
        self.halt = Some(halt);
        Denial::Halt
    }

    fn readable(&self, collection: &str) -> Result<Name, Denial> {
        let name = name(collection)?;
        let granted = self.grants.reads.contains(&name) || self.grants.writes.contains(&name);
        if granted {
            Ok(name)
        } else {
            Err(Denial::Denied)
        }
    }

    fn writable(&mut self, collection: &str, id: &str) -> Result<Name, Denial> {
        let name = name(collection)?;
        item::check_id(id)?;
        if !self.grants.writes.contains(&name) {
            return Err(Denial::Denied);
        }
        if self.is_fed(&name, id) {
            return Err(self.split_or(Denial::Invalid(
                "the item that is being migrated is changed by its outcome only".to_owned(),
            )));
        }
        Ok(name)
    }

    fn is_fed(&self, collection: &Name, id: &str) -> bool {
        let fed = self.fed.as_ref().filter(|_| *collection == self.grants.fed);
        fed.is_some_and(|fed| fed.find(id).is_some())
    }

    /// Asks for smaller parts, or, where there are none, answers `last`.
    fn split_or(&mut self, last: Denial) -> Denial {
        if self.fed.as_ref().is_some_and(|fed| fed.len() > 1) {
            self.halt(Halt::Split)
        } else {
            last
        }
    }

    /// What this attempt, or an earlier part of the batch, left of an item.
    fn pending(&self, key: &(Name, String)) -> Option<&Option<Vec<u8>>> {
        let outcome = || {
            let outcomes = Some(&self.earlier.outcomes).filter(|_| key.0 == self.grants.fed);
            outcomes.and_then(|outcomes| outcomes.get(&key.1))
        };
        self.writes
            .get(key)
            .or_else(|| self.earlier.writes.get(key))
            .or_else(outcome)
    }

    /// Everything pending in a range, by id.
    fn pending_in(&self, range: &Range) -> BTreeMap<String, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        if range.collection == self.grants.fed {
            let outcomes = self.earlier.outcomes.iter();
            found.extend(outcomes.map(|(id, body)| (id.clone(), body.clone())));
        }
        for ((collection, id), body) in self.earlier.writes.iter().chain(&self.writes) {
            if *collection == range.collection {
                found.insert(id.clone(), body.clone());
            }
        }
        found.retain(|id, _| range.contains(&range.collection, id));
        found
    }
}

/// What a scan finds: stored items and pending ones in the order of their ids, up to a bound.
struct Page<'a> {
    pending: Peekable<btree_map::Iter<'a, String, Option<Vec<u8>>>>,
    limit: usize,
    found: Batch,
    /// The last id that was looked at, once the bound is reached.
    upto: Option<String>,
}

impl<'a> Page<'a> {
    fn new(pending: &'a BTreeMap<String, Option<Vec<u8>>>, limit: u32) -> Self {
        let limit = usize::try_from(limit).map_or(SCAN_ITEMS, |limit| limit.min(SCAN_ITEMS));
        Self {
            pending: pending.iter().peekable(),
            limit,
            found: Batch::default(),
            upto: None,
        }
    }

    /// Adds a stored item, and the pending ones before it; a pending one takes its place.
    fn push_stored(&mut self, id: &str, body: &[u8]) -> ControlFlow<()> {
        while let Some((id, body)) = self.pending.next_if(|(pending, _)| pending.as_str() < id) {
            self.push(id, body.as_deref())?;
        }
        match self.pending.next_if(|(pending, _)| *pending == id) {
            Some((id, body)) => self.push(id, body.as_deref()),
            None => self.push(id, Some(body)),
        }
    }

    fn push(&mut self, id: &str, body: Option<&[u8]>) -> ControlFlow<()> {
        let Some(body) = body else {
            return ControlFlow::Continue(());
        };
        let bytes = self.found.bodies.len() + body.len();
        if self.found.len() >= self.limit || (!self.found.is_empty() && bytes > SCAN_BYTES) {
            self.upto = Some(id.to_owned());
            return ControlFlow::Break(());
        }
        self.found.push(id, body);
        ControlFlow::Continue(())
    }

    /// What was found, and the last id that was looked at (`None`: the end).
    fn finish(mut self) -> (Batch, Option<String>) {
        while self.upto.is_none()
            && let Some((id, body)) = self.pending.next()
        {
            let _ = self.push(id, body.as_deref());
        }
        (self.found, self.upto)
    }
}

impl Documents for View {
    fn get(&mut self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, Denial> {
        let collection = self.readable(collection)?;
        item::check_id(id)?;
        let is_alone = self.fed.as_ref().is_none_or(|fed| fed.len() == 1);
        if !is_alone && self.is_fed(&collection, id) {
            return Err(self.halt(Halt::Split));
        }
        let key = (collection, id.to_owned());
        let pending = self.pending(&key).cloned();
        let body = match pending {
            Some(pending) => Ok(pending),
            None => self.store.body(&key.0, id),
        };
        self.reads.add_item(key.0, key.1);
        body.map_err(|error| self.halt(Halt::Store(error)))
    }

    fn scan(&mut self, collection: &str, after: Option<&str>, limit: u32) -> Result<Batch, Denial> {
        let collection = self.readable(collection)?;
        let mut range = Range {
            collection,
            after: after.map(str::to_owned),
            upto: None,
        };
        let pending = self.pending_in(&range);
        let mut page = Page::new(&pending, limit);
        let scanned = self
            .store
            .each_item(&range.collection, after, &mut |id, record| {
                page.push_stored(id, record.body)
            });
        let scanned = scanned.map(|()| page.finish());
        let (batch, upto) = scanned.map_err(|error| self.halt(Halt::Store(error)))?;
        range.upto = upto;
        let touches_fed = self.fed.as_ref().is_some_and(|fed| {
            range.collection == self.grants.fed
                && fed.len() > 1
                && fed
                    .iter()
                    .any(|(id, _)| range.contains(&range.collection, id))
        });
        if touches_fed {
            return Err(self.halt(Halt::Split));
        }
        self.reads.add_range(range);
        Ok(batch)
    }

    fn put(&mut self, collection: &str, id: &str, body: Vec<u8>) -> Result<(), Denial> {
        let collection = self.writable(collection, id)?;
        if body.len() > self.grants.body_bytes {
            let limit = self.grants.body_bytes;
            return Err(Denial::Limit(format!("a body of more than {limit} bytes")));
        }
        if !self.grants.bodies.opaque.contains(&collection) {
            let checked = self.grants.check_json(&body, None);
            let checked = checked.and_then(|()| self.grants.bodies.check(&collection, &body));
            checked.map_err(|reason| Denial::Invalid(format!("the body {reason}")))?;
        }
        self.writes.insert((collection, id.to_owned()), Some(body));
        Ok(())
    }

    fn delete(&mut self, collection: &str, id: &str) -> Result<(), Denial> {
        let collection = self.writable(collection, id)?;
        self.writes.insert((collection, id.to_owned()), None);
        Ok(())
    }
}

fn name(collection: &str) -> Result<Name, Denial> {
    collection
        .parse()
        .map_err(|error: crate::model::NameError| Denial::Invalid(error.to_string()))
}

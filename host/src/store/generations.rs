//! Generations of collections: which of the copies of its items is live, and which a shadow run writes.
//!
//! Everything above knows one key for each record. A collection's items, their entries and its index entries lie in
//! generation 0 until a shadow run made another one live; those of other generations have its number in their keys. Which
//! one is live says a small record of its own, so that many items change places by writing one number.
//!
//! A shadow run sees the store through [`View::Shadow`]: its collections have the items of its generation, and what it
//! writes of collections, tallies and history lies in a place apart, over what is live. Everything else is shared: runs,
//! checkpoints, pre-images, numbers, the lease.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::key::{self, tag};
use super::{Backend, Commit, Relational, StoreError, Value};
use crate::model::Timestamp;

/// Which generations are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// The live ones.
    Live,
    /// That of the shadow run, where it has one of a collection.
    Shadow,
}

/// A backend whose keys are those of one view.
pub(super) struct Generations {
    inner: Arc<dyn Backend>,
    view: View,
}

impl Generations {
    pub(super) fn new(inner: Arc<dyn Backend>, view: View) -> Self {
        Self { inner, view }
    }

    /// The generation that the view sees of a collection.
    fn generation(&self, name: &[u8]) -> Result<Seen, StoreError> {
        let place = [&[tag::GENERATION], name].concat();
        if self.view == View::Shadow {
            let own = key::shadow(&place);
            if let Some(record) = self.inner.get(&own)? {
                return Seen::new(own, Some(record));
            }
        }
        let record = self.inner.get(&place)?;
        Seen::new(place, record)
    }

    /// Whether a shadow run keeps what is under such keys for itself.
    fn is_overlaid(&self, tag: u8) -> bool {
        let tags = [tag::COLLECTION, tag::TALLIES, tag::HISTORY, tag::GENERATION];
        self.view == View::Shadow && tags.contains(&tag)
    }

    /// Reads what is under a key of an item, and again where the generation was dropped meanwhile.
    fn get_of_item(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let name = key::name_in(key);
        let mut seen = self.generation(name)?;
        loop {
            let found = self.inner.get(&key::in_generation(key, seen.generation))?;
            if found.is_some() {
                return Ok(found);
            }
            let now = self.generation(name)?;
            if now == seen {
                return Ok(None);
            }
            seen = now;
        }
    }

    fn scan_of_items(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let name = key::name_in(from);
        let mut has_visited = false;
        loop {
            let seen = self.generation(name)?;
            let guard = (seen.place.as_slice(), seen.record.as_deref());
            let (from, to) = (
                key::in_generation(from, seen.generation),
                key::in_generation(to, seen.generation),
            );
            let mut plain = Vec::new();
            let holds = self
                .inner
                .scan_guarded(guard, &from, &to, &mut |key, value| {
                    has_visited = true;
                    if seen.generation == 0 {
                        return visit(key, value);
                    }
                    key::out_of_generation(key, &mut plain);
                    visit(&plain, value)
                })?;
            if holds {
                return Ok(());
            }
            // Another generation became live, and this one may have been dropped under the scan.
            if has_visited {
                return Err(StoreError::Switched {
                    collection: String::from_utf8_lossy(name).into_owned(),
                });
            }
        }
    }

    /// Scans what a shadow run has over what is live: there are few of such records.
    fn scan_overlaid(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let mut found = BTreeMap::new();
        self.inner.scan(from, to, &mut |key, value| {
            found.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        })?;
        self.inner
            .scan(&key::shadow(from), &key::shadow(to), &mut |key, value| {
                found.insert(key[1..].to_vec(), value.to_vec());
                ControlFlow::Continue(())
            })?;
        for (key, value) in &found {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The place of a key that is written; `known` are the generations of collections.
    fn place<'k>(
        &self,
        key: &'k [u8],
        known: &mut HashMap<Vec<u8>, u64>,
    ) -> Result<Cow<'k, [u8]>, StoreError> {
        match key.first() {
            Some(&tag) if key::is_of_item(tag) => {
                let name = key::name_in(key);
                let generation = match known.get(name) {
                    Some(generation) => *generation,
                    None => {
                        let generation = self.generation_written(name)?;
                        known.insert(name.to_vec(), generation);
                        generation
                    }
                };
                Ok(match generation {
                    0 => Cow::Borrowed(key),
                    _ => Cow::Owned(key::in_generation(key, generation)),
                })
            }
            Some(&tag) if self.is_overlaid(tag) => Ok(Cow::Owned(key::shadow(key))),
            _ => Ok(Cow::Borrowed(key)),
        }
    }

    /// The generation of a collection that a commit writes. A shadow run never writes a live one.
    fn generation_written(&self, name: &[u8]) -> Result<u64, StoreError> {
        let seen = self.generation(name)?;
        if self.view == View::Shadow && seen.place[0] != tag::SHADOW {
            let name = String::from_utf8_lossy(name);
            return Err(StoreError::Damaged {
                place: format!("the shadow of {name}"),
                reason: "it is written and is none; drop the shadow run with `godwit reset`"
                    .to_owned(),
            });
        }
        Ok(seen.generation)
    }
}

/// The generation of a collection that is seen.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    generation: u64,
    /// The key of the record that says so.
    place: Vec<u8>,
    /// The record.
    record: Option<Vec<u8>>,
}

impl Seen {
    fn new(place: Vec<u8>, record: Option<Vec<u8>>) -> Result<Self, StoreError> {
        let generation = match record.as_deref().map(<[u8; 8]>::try_from) {
            None => 0,
            Some(Ok(number)) => u64::from_be_bytes(number),
            Some(Err(_)) => return Err(super::typed::damaged(&place)),
        };
        Ok(Self {
            generation,
            place,
            record,
        })
    }
}

type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

impl Backend for Generations {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match key.first() {
            Some(&tag) if key::is_of_item(tag) => self.get_of_item(key),
            Some(&tag) if self.is_overlaid(tag) => match self.inner.get(&key::shadow(key))? {
                Some(found) => Ok(Some(found)),
                None => self.inner.get(key),
            },
            _ => self.inner.get(key),
        }
    }

    fn get_all(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let of_item = |key: &[u8]| key.first().is_some_and(|tag| key::is_of_item(*tag));
        let mut known = HashMap::new();
        for key in keys.iter().filter(|key| of_item(key)) {
            let name = key::name_in(key);
            if !known.contains_key(name) {
                known.insert(name, self.generation(name)?);
            }
        }
        let places = keys.iter().map(|&key| {
            let seen = of_item(key).then(|| &known[key::name_in(key)]);
            match seen.map_or(0, |seen| seen.generation) {
                0 => Cow::Borrowed(key),
                generation => Cow::Owned(key::in_generation(key, generation)),
            }
        });
        let places: Vec<_> = places.collect();
        let places: Vec<&[u8]> = places.iter().map(|place| &**place).collect();
        let mut found = self.inner.get_all(&places)?;
        let mut is_switched = HashMap::new();
        for (name, seen) in &known {
            is_switched.insert(*name, self.generation(name)? != *seen);
        }
        for (key, found) in keys.iter().zip(&mut found) {
            let is_unknown = match of_item(key) {
                true => found.is_none() && is_switched[key::name_in(key)],
                false => key.first().is_some_and(|tag| self.is_overlaid(*tag)),
            };
            if is_unknown {
                *found = self.get(key)?;
            }
        }
        Ok(found)
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
        match from.first() {
            Some(&tag) if key::is_of_item(tag) => self.scan_of_items(from, to, visit),
            Some(&tag) if self.is_overlaid(tag) => self.scan_overlaid(from, to, visit),
            _ => self.inner.scan(from, to, visit),
        }
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<(), StoreError> {
        let mut known = HashMap::new();
        let mut is_moved = false;
        let keys = commit.writes().map(|(key, _)| key);
        let expected = commit.expectations().map(|(key, _)| key);
        for key in keys
            .chain(expected)
            .chain(commit.heads().map(|(key, _)| key))
        {
            is_moved |= matches!(self.place(key, &mut known)?, Cow::Owned(_));
        }
        if !is_moved {
            return self.inner.commit(commit);
        }
        let mut moved = Commit::new();
        for (key, value) in commit.expectations() {
            moved.expect(&self.place(key, &mut known)?, value);
        }
        for (key, head) in commit.heads() {
            moved.expect_head(&self.place(key, &mut known)?, head);
        }
        for (key, value) in commit.writes() {
            let place = self.place(key, &mut known)?;
            match value {
                Some(Value { head, tail }) => moved.put_with(&place, &[head], Cow::Borrowed(tail)),
                None => moved.delete(&place),
            }
        }
        self.inner.commit(&moved)
    }

    fn url(&self) -> String {
        self.inner.url()
    }

    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        self.inner.size_on_disk()
    }

    fn shows_one_moment(&self) -> bool {
        self.inner.shows_one_moment()
    }

    fn nth(&self, n: u64, from: &[u8], to: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if !from.first().is_some_and(|tag| key::is_of_item(*tag)) {
            return self.inner.nth(n, from, to);
        }
        let generation = self.generation(key::name_in(from))?.generation;
        let [from, to] = [from, to].map(|bound| key::in_generation(bound, generation));
        let mut plain = Vec::new();
        Ok(self.inner.nth(n, &from, &to)?.map(|key| {
            key::out_of_generation(&key, &mut plain);
            plain
        }))
    }

    fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.now()
    }

    fn relational(&self) -> Option<&dyn Relational> {
        self.inner.relational()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::store::Memory;

    /// A store in which something happens just before values are read.
    struct Busy {
        inner: Memory,
        next: Mutex<Option<Commit<'static>>>,
    }

    impl Backend for Busy {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.inner.get(key)
        }

        fn get_all(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
            if let Some(commit) = self.next.lock().unwrap().take() {
                self.inner.commit(&commit)?;
            }
            self.inner.get_all(keys)
        }

        fn scan(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<(), StoreError> {
            self.inner.scan(from, to, visit)
        }

        fn commit(&self, commit: &Commit<'_>) -> Result<(), StoreError> {
            self.inner.commit(commit)
        }

        fn url(&self) -> String {
            self.inner.url()
        }

        fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
            self.inner.size_on_disk()
        }

        fn shows_one_moment(&self) -> bool {
            self.inner.shows_one_moment()
        }
    }

    fn keys() -> [Vec<u8>; 6] {
        let notes = "notes".parse().unwrap();
        [
            key::item(tag::ITEM, &notes, "a"),
            key::item(tag::ITEM, &notes, "b"),
            key::item(tag::APART, &notes, "a"),
            key::named(tag::COLLECTION, &notes),
            key::named(tag::TALLIES, &notes),
            b"H".to_vec(),
        ]
    }

    /// Another generation becomes live, with other items, and that of before is dropped.
    fn switch() -> Commit<'static> {
        let [a, b, apart, ..] = keys();
        let mut commit = Commit::new();
        commit.put(
            &key::named(tag::GENERATION, &"notes".parse().unwrap()),
            &[&1_u64.to_be_bytes()],
        );
        commit.delete(&a);
        commit.put(&key::in_generation(&b, 1), &[b"new b"]);
        commit.put(&key::in_generation(&apart, 1), &[b"new entry"]);
        commit
    }

    #[test]
    fn what_is_read_at_once_is_what_is_read_one_by_one_whatever_becomes_live_meanwhile() {
        let [a, _, _, collection, tallies, _] = keys();
        for is_busy in [false, true] {
            for view in [View::Live, View::Shadow] {
                let inner = Memory::new();
                let mut commit = Commit::new();
                for key in [&a, &collection, &tallies] {
                    commit.put(key, &[b"old"]);
                }
                commit.put(&key::shadow(&collection), &[b"in the shadow"]);
                inner.commit(&commit).unwrap();
                let busy = Arc::new(Busy {
                    inner,
                    next: Mutex::new(is_busy.then(switch)),
                });
                let store = Generations::new(busy, view);
                let keys = keys();
                let keys: Vec<_> = keys.iter().chain(&keys).map(Vec::as_slice).collect();
                let found = store.get_all(&keys).unwrap();
                let expected: Vec<_> = keys.iter().map(|key| store.get(key).unwrap()).collect();
                assert_eq!(found, expected);
            }
        }
    }
}

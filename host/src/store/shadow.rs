//! What a store keeps of a shadow run: its record, its generation, and the writes that it has still to follow.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::record::{self, Collection, FORMAT, Tallies};
use super::typed::Mark;
use super::{Commit, Lease, LeaseError, Store, StoreError, Write, key};
use crate::model::{Name, Run, RunId, Timestamp, Version};

/// Of more writes than these nobody wants to hear one by one.
const MANY: u64 = 10_000;
/// How many entries are dropped in one commit.
const PAGE: usize = 2_000;

/// A shadow run: collections are migrated in a generation of their own, while the application works on the live one.
///
/// ```
/// use godwit::model::{RunId, Timestamp};
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// let collections = vec![notes.clone()];
/// let shadow = store.begin_shadow(&mut lease, Timestamp(0), (None, None), collections)?;
/// assert!(shadow.is_open() && shadow.has(&notes));
/// assert!(shadow.is_own(RunId(1)), "no run was before it");
/// assert_eq!(store.shadow()?, Some(shadow));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// The number of its generation.
    pub generation: u64,
    /// How far it has come.
    pub state: ShadowState,
    /// The app that is to be brought up to date; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<Name>,
    /// The version that is wanted; `None`: the newest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Version>,
    /// The last run before it: those behind are its own,
    pub since: RunId,
    /// up to this one, once it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<RunId>,
    /// The collections that have a generation of their own, in the order in which they are copied.
    pub collections: Vec<Copied>,
    /// The number of the last write of the application that was followed.
    pub followed: u64,
    /// What it took so far to migrate items, by which is told how long the rest will take.
    pub spent: Spent,
    /// Generations that nobody reads any more and that are being dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropping: Vec<(Name, u64)>,
}

/// How far a shadow run has come.
///
/// ```
/// use godwit::model::Timestamp;
/// use godwit::store::ShadowState;
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// # let now = godwit::model::Timestamp(0);
/// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
/// assert_eq!(shadow.state, ShadowState::Following);
/// let shadow = store.give_up_shadow(&mut lease, Timestamp(0), &shadow, &[])?;
/// assert_eq!(shadow.state, ShadowState::Resetting);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum ShadowState {
    /// Items are copied and migrated, and the application's writes are followed.
    Following,
    /// The last steps are carried out; the application must not write until it is switched or reset.
    Finalizing,
    /// Its generation is live; the one before is being dropped.
    Switched,
    /// It was given up; its generation is being dropped.
    Resetting,
}

/// A collection of a shadow run.
///
/// ```
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// # let now = godwit::model::Timestamp(0);
/// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
/// let notes = &shadow.collections[0];
/// assert_eq!((notes.name.as_str(), notes.items), ("notes", 0));
/// assert!(!notes.done, "nothing is copied yet");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Its name.
    pub name: Name,
    /// The last id that was copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many items were copied.
    pub items: u64,
    /// Whether all are.
    pub done: bool,
}

/// That the application has written an item.
///
/// ```
/// use godwit::model::Timestamp;
/// use godwit::store::{Note, Outside};
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
/// # let mut write = store.write(godwit::model::RunId(0), None);
/// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
/// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
/// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
/// # let now = godwit::model::Timestamp(0);
/// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
/// # lease.release(&store)?;
/// let mut write = Outside::begin(&store, Timestamp(0), &|_| false)?;
/// write.delete(&notes, "first")?;
/// assert!(write.commit()?);
/// let note = Note {
///     number: 1,
///     item: (notes, "first".to_owned()),
/// };
/// assert_eq!(store.written_behind(0, 1, 100)?, [note]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The number of the write, from 1.
    pub number: u64,
    /// The item's collection and id.
    pub item: (Name, String),
}

/// What it took to migrate some items.
///
/// ```
/// use godwit::store::Spent;
///
/// let spent = Spent {
///     items: 1_000,
///     time: 250,
/// };
/// let million = spent.time * 1_000_000 / spent.items;
/// assert_eq!(million, 250_000, "a million items take 250 s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spent {
    /// Items.
    pub items: u64,
    /// Milliseconds.
    pub time: u64,
}

impl Shadow {
    /// Whether the application's writes matter to it: it is neither switched nor given up.
    pub fn is_open(&self) -> bool {
        matches!(self.state, ShadowState::Following | ShadowState::Finalizing)
    }

    /// Whether a run is one of its own.
    ///
    /// ```
    /// use godwit::model::RunId;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let now = godwit::model::Timestamp(0);
    /// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
    /// assert_eq!(shadow.since, RunId(0));
    /// assert!(shadow.is_own(RunId(1)) && !shadow.is_own(RunId(0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_own(&self, run: RunId) -> bool {
        run > self.since && self.until.is_none_or(|until| run <= until)
    }

    /// Whether a collection has a generation of its own.
    pub fn has(&self, collection: &Name) -> bool {
        self.collections
            .iter()
            .any(|copied| copied.name == *collection)
    }
}

impl Shadow {
    /// Whether what is stored under a key is its own, or what it left to be dropped.
    pub(super) fn owns(&self, key: &[u8]) -> bool {
        match key[0] {
            key::tag::SHADOW | key::tag::WRITTEN => true,
            key::tag::RUN | key::tag::PROGRESS | key::tag::PRE_IMAGE => {
                let run = key.get(1..).and_then(<[u8]>::first_chunk);
                let is_own = |run: &[u8; 8]| self.is_own(RunId(u64::from_be_bytes(*run)));
                self.state != ShadowState::Switched && run.is_some_and(is_own)
            }
            tag if key::is_of_item(tag) => {
                let generation = key::out_of_generation(key, &mut Vec::new());
                let is_dropped = |(name, dropped): &(Name, u64)| {
                    name.as_str().as_bytes() == key::name_in(key) && generation == Some(*dropped)
                };
                (self.is_open() && generation == Some(self.generation))
                    || self.dropping.iter().any(is_dropped)
            }
            _ => false,
        }
    }
}

impl Store {
    /// The shadow run, if there is one.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// assert_eq!(store.shadow()?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn shadow(&self) -> Result<Option<Shadow>, StoreError> {
        self.json(key::SHADOW)
    }

    /// Begins a shadow run that gives these collections, and those that it will make, a generation of their own. From now on
    /// every write of the application is noted.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let wanted = (Some("app".parse()?), Some("2.0.0".parse()?));
    /// let shadow = store.begin_shadow(&mut lease, Timestamp(0), wanted, vec![notes])?;
    /// assert_eq!(shadow.generation, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError`] when the lease or the store is lost.
    pub fn begin_shadow(
        &self,
        lease: &mut Lease,
        now: Timestamp,
        (app, to): (Option<Name>, Option<Version>),
        collections: Vec<Name>,
    ) -> Result<Shadow, LeaseError> {
        let mut numbers = self.numbers()?;
        numbers.generation += 1;
        let copied = collections.into_iter().map(|name| Copied {
            name,
            after: None,
            items: 0,
            done: false,
        });
        let shadow = Shadow {
            generation: numbers.generation,
            state: ShadowState::Following,
            app,
            to,
            since: RunId(numbers.run),
            until: None,
            collections: copied.collect(),
            followed: 0,
            spent: Spent::default(),
            dropping: Vec::new(),
        };
        let mut commit = Commit::new();
        commit.put(key::FORMAT, &[&Mark::of(FORMAT)]);
        commit.put(key::NUMBERS, &[&record::to_json(&numbers)]);
        commit.put(key::SHADOW, &[&record::to_json(&shadow)]);
        commit.put(key::WRITTEN, &[&0_u64.to_be_bytes()]);
        for Copied { name, .. } in &shadow.collections {
            let place = |tag| key::shadow(&key::named(tag, name));
            commit.put(
                &place(key::tag::GENERATION),
                &[&shadow.generation.to_be_bytes()],
            );
            if let Some(live) = self.collection(name)? {
                commit.put(&place(key::tag::COLLECTION), &[&record::to_json(&live)]);
                let none = record::to_json(&Tallies::default());
                commit.put(&place(key::tag::TALLIES), &[&none]);
            }
        }
        lease.commit(self, commit, now)?;
        Ok(shadow)
    }

    /// The number of the application's last write since the shadow run began; `None`: none are noted.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// assert_eq!(store.last_written()?, None);
    /// # let now = godwit::model::Timestamp(0);
    /// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
    /// // A shadow run has begun.
    /// assert_eq!(store.last_written()?, Some(0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn last_written(&self) -> Result<Option<u64>, StoreError> {
        let Some(record) = self.backend().get(key::WRITTEN)? else {
            return Ok(None);
        };
        let number = record
            .first_chunk()
            .ok_or_else(|| super::typed::damaged(key::WRITTEN))?;
        Ok(Some(u64::from_be_bytes(*number)))
    }

    /// The items that were written behind a number, up to another one; `None` where everything should be taken for written:
    /// they are very many, or somebody who knows of them has dropped notes of them already.
    pub(super) fn written_between(
        &self,
        behind: u64,
        last: u64,
    ) -> Result<Option<BTreeSet<(Name, String)>>, StoreError> {
        // Below: somebody has begun to count anew.
        if last < behind || last - behind > MANY {
            return Ok(None);
        }
        let found = self.written_behind(behind, last, usize::MAX)?;
        let is_whole = found.len() as u64 == last - behind;
        Ok(is_whole.then(|| found.into_iter().map(|note| note.item).collect()))
    }

    /// Visits the keys of at most so many notes of writes.
    pub(super) fn each_note(
        &self,
        most: usize,
        visit: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        let mut count = 0;
        let range = (key::written(0), vec![key::tag::WRITTEN + 1]);
        self.each(&range, &mut |key, _| {
            visit(key);
            count += 1;
            Ok(match count < most {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        })
    }

    /// The writes behind the one with the number `behind`, up to `last`, `most` of them.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// # let now = godwit::model::Timestamp(0);
    /// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
    /// # lease.share(&store, now, true)?;
    /// # let mut outside = godwit::store::Outside::begin(&store, now, &|_| false)?;
    /// # outside.put(&notes, "second", &version, body)?;
    /// # outside.commit()?;
    /// let last = store.last_written()?.unwrap_or_default();
    /// let notes = store.written_behind(shadow.followed, last, 100)?;
    /// assert_eq!(notes[0].item.1, "second");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn written_behind(
        &self,
        behind: u64,
        last: u64,
        most: usize,
    ) -> Result<Vec<Note>, StoreError> {
        let mut found = Vec::new();
        let range = (key::written(behind + 1), key::written(last + 1));
        self.each(&range, &mut |key, item| {
            let number = key.get(1..).and_then(|number| number.try_into().ok());
            let item = key::parse_item(item);
            let (number, (name, id)) =
                number.zip(item).ok_or_else(|| super::typed::damaged(key))?;
            found.push(Note {
                number: u64::from_be_bytes(number),
                item: (name, id.to_owned()),
            });
            Ok(match found.len() < most {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        })?;
        Ok(found)
    }

    /// Makes what a shadow run has made the live state, in one commit whose size does not depend on the number of items, and
    /// gives its record, which names the generations that are to be dropped.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::ShadowState;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let now = godwit::model::Timestamp(0);
    /// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
    /// let switched = store.switch(&mut lease, Timestamp(0), &shadow)?;
    /// assert_eq!(switched.state, ShadowState::Switched);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Written`] when something was written that was not followed; [`LeaseError`] when the lease or the store
    /// is lost.
    pub fn switch(
        &self,
        lease: &mut Lease,
        now: Timestamp,
        shadow: &Shadow,
    ) -> Result<Shadow, LeaseError> {
        let written = self.backend().get(key::WRITTEN)?;
        if self.last_written()? != Some(shadow.followed) {
            // The lease had expired for a while, and the application found it so.
            return Err(LeaseError::Written);
        }
        let own = self.shadowed();
        let (before, after) = (self.collections()?, own.collections()?);
        let mut commit = Commit::new();
        commit.expect(key::WRITTEN, written.as_deref());
        let mut dropping = Vec::new();
        for (name, made) in after {
            let key = key::named(key::tag::COLLECTION, &name);
            if !shadow.has(&name) {
                // Its items are shared, and so is all that is known of them; only what they amount to has changed.
                if let Some(live) = before.get(&name) {
                    let merged = Collection {
                        level: live.level.clone().max(made.level),
                        newest: live.newest.clone().max(made.newest),
                        ..live.clone()
                    };
                    commit.put(&key, &[&record::to_json(&merged)]);
                }
                continue;
            }
            commit.put(&key, &[&record::to_json(&made)]);
            let tallies = record::to_json(&own.tallies(&name)?);
            commit.put(&key::named(key::tag::TALLIES, &name), &[&tallies]);
            let place = key::named(key::tag::GENERATION, &name);
            if before.contains_key(&name) {
                let old = self.stored().get(&place)?;
                let old = old.and_then(|record| record.try_into().ok());
                dropping.push((name, old.map_or(0, u64::from_be_bytes)));
            }
            commit.put(&place, &[&shadow.generation.to_be_bytes()]);
        }
        let (from, to) = key::all(key::tag::SHADOW);
        self.stored().scan(&from, &to, &mut |place, value| {
            if place == key::SHADOW {
                return ControlFlow::Continue(());
            }
            if place[1] == key::tag::HISTORY {
                commit.put(&place[1..], &[value]);
            }
            commit.delete(place);
            ControlFlow::Continue(())
        })?;
        commit.delete(key::WRITTEN);
        let shadow = Shadow {
            state: ShadowState::Switched,
            dropping,
            ..shadow.clone()
        };
        commit.put(key::SHADOW, &[&record::to_json(&shadow)]);
        lease.commit(self, commit, now)?;
        Ok(shadow)
    }

    /// Gives a shadow run up, in one commit: from now on nothing of it is seen, and no write is noted. Gives its record,
    /// which names what is to be dropped.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let now = godwit::model::Timestamp(0);
    /// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
    /// let given_up = store.give_up_shadow(&mut lease, Timestamp(0), &shadow, &[])?;
    /// assert!(!given_up.is_open());
    /// assert_eq!(store.last_written()?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError`] when the lease or the store is lost.
    pub fn give_up_shadow(
        &self,
        lease: &mut Lease,
        now: Timestamp,
        shadow: &Shadow,
        runs: &[Run],
    ) -> Result<Shadow, LeaseError> {
        let mut commit = Commit::new();
        let (from, to) = key::all(key::tag::SHADOW);
        self.stored().scan(&from, &to, &mut |place, _| {
            commit.delete(place);
            ControlFlow::Continue(())
        })?;
        commit.delete(key::WRITTEN);
        let made = |copied: &Copied| (copied.name.clone(), shadow.generation);
        let shadow = Shadow {
            state: ShadowState::Resetting,
            until: Some(RunId(self.numbers()?.run)),
            dropping: shadow.collections.iter().map(made).collect(),
            ..shadow.clone()
        };
        commit.put(key::SHADOW, &[&record::to_json(&shadow)]);
        for run in runs {
            commit.put(&key::run(run.id), &[&record::to_json(run)]);
        }
        lease.commit(self, commit, now)?;
        Ok(shadow)
    }

    /// Drops a page of what a shadow run left that was switched or given up, and at the end its record. Gives whether
    /// something is left.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let now = godwit::model::Timestamp(0);
    /// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
    /// let given_up = store.give_up_shadow(&mut lease, Timestamp(0), &shadow, &[])?;
    /// while store.drop_left(&mut lease, Timestamp(0), &given_up)? {}
    /// assert_eq!(store.shadow()?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError`] when the lease or the store is lost.
    pub fn drop_left(
        &self,
        lease: &mut Lease,
        now: Timestamp,
        shadow: &Shadow,
    ) -> Result<bool, LeaseError> {
        let mut page = Commit::new();
        let mut count = 0;
        let mut ranges = Vec::new();
        for (name, generation) in &shadow.dropping {
            for tag in [key::tag::ITEM, key::tag::APART, key::tag::INDEX] {
                let (from, to) = key::items(tag, name, None);
                let bound = |key: &[u8]| key::in_generation(key, *generation);
                ranges.push((bound(&from), bound(&to)));
            }
        }
        ranges.push((key::written(0), vec![key::tag::WRITTEN + 1]));
        for (from, to) in ranges {
            self.stored().scan(&from, &to, &mut |key, _| {
                page.delete(key);
                count += 1;
                match count < PAGE {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            })?;
            if count == PAGE {
                lease.commit_stored(self, page, now)?;
                return Ok(true);
            }
        }
        page.delete(key::SHADOW);
        lease.commit_stored(self, page, now)?;
        Ok(false)
    }
}

impl Write<'_> {
    /// Records how far a shadow run has come.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    /// use godwit::store::Shadow;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let now = godwit::model::Timestamp(0);
    /// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
    /// let further = Shadow {
    ///     followed: 3,
    ///     ..shadow
    /// };
    /// let mut write = store.write(RunId(1), None);
    /// write.set_shadow(&further);
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert_eq!(store.shadow()?, Some(further));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_shadow(&mut self, shadow: &Shadow) {
        self.put(key::SHADOW, Some(&record::to_json(shadow)));
    }

    /// Keeps the application from writing until the shadow run is switched or reset.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    /// use godwit::store::{Outside, OutsideError};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let now = godwit::model::Timestamp(0);
    /// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
    /// let mut write = store.write(RunId(1), None);
    /// write.close_to_application(0);
    /// write.commit(&mut lease, Timestamp(0))?;
    /// lease.release(&store)?;
    /// let error = Outside::begin(&store, Timestamp(0), &|_| false).err();
    /// assert!(matches!(error, Some(OutsideError::Finalizing)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close_to_application(&mut self, last: u64) {
        let closed = [&last.to_be_bytes()[..], &[1]].concat();
        self.put(key::WRITTEN, Some(&closed));
    }

    /// Forgets that the application wrote an item, once that was followed.
    ///
    /// ```
    /// use godwit::model::{RunId, Timestamp};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// # let now = godwit::model::Timestamp(0);
    /// # let shadow = store.begin_shadow(&mut lease, now, (None, None), vec!["notes".parse()?])?;
    /// # lease.share(&store, now, true)?;
    /// # let mut outside = godwit::store::Outside::begin(&store, now, &|_| false)?;
    /// # outside.put(&notes, "second", &version, body)?;
    /// # outside.commit()?;
    /// let mut write = store.write(RunId(1), None);
    /// for note in store.written_behind(0, 1, 100)? {
    ///     write.forget_written(note.number);
    /// }
    /// write.commit(&mut lease, Timestamp(0))?;
    /// assert!(store.written_behind(0, 1, 100)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forget_written(&mut self, number: u64) {
        self.put(&key::written(number), None);
    }

    /// Forgets what steps of a run kept of an item.
    ///
    /// ```
    /// # use godwit::model::{Name, Run};
    /// # fn example(write: &mut godwit::store::Write<'_>, run: &Run, notes: &Name) {
    /// let steps = [0, 1];
    /// write.forget_pre_images(run, &steps, notes, "first");
    /// # }
    /// ```
    pub fn forget_pre_images(&mut self, run: &Run, steps: &[u32], collection: &Name, id: &str) {
        for tag in [key::tag::ITEM, key::tag::APART] {
            let item = key::item(tag, collection, id);
            for step in steps {
                self.put(&key::pre_image(run.id, *step, &item), None);
            }
        }
    }

    /// Has an undo of a run remove an item's entry of being apart.
    ///
    /// ```
    /// # use godwit::model::{Name, Run};
    /// # fn example(write: &mut godwit::store::Write<'_>, run: &Run, notes: &Name) {
    /// write.keep_no_apart(run, 0, notes, "first");
    /// # }
    /// ```
    pub fn keep_no_apart(&mut self, run: &Run, step: u32, collection: &Name, id: &str) {
        let item = key::item(key::tag::APART, collection, id);
        let flags = record::PreImage::flags(false, true);
        self.put(&key::pre_image(run.id, step, &item), Some(&[flags]));
    }
}

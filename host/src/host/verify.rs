//! Whether what is stored is as it should be, and digests to compare stores by.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::pages::Pages;
use super::{Host, HostError};
use crate::model::{
    Access, Batch, Digest, FailureKind, Item, Migration, Mode, Name, Run, Step, StepWork, Version,
};
use crate::run::{Became, Control, Stream, StreamError, granted};
use crate::sandbox::{Call, Context};
use crate::store::{Collection, Index, StoreError, Tallies, index_entry};

/// The digest of a collection: SHA-256 over its items in order of their ids, of each the length of the id (4 bytes,
/// big-endian), the id, the length of the version (1 byte), the version that the item has, the length of the body (8 bytes)
/// and the body. Two stores whose collections have the same digests have the same items, however they are kept.
///
/// ```
/// # use godwit::{catalogue::*, sandbox::*, store::*};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = Catalogue::new();
/// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
/// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
/// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
/// let before = host.digests(&[])?;
/// assert_eq!((before[0].items, before[0].bytes), (1, 18));
/// host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "howdy"}"#)?;
/// assert_ne!(host.digests(&[])?, before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectionDigest {
    /// The collection.
    pub collection: Name,
    /// How many items it has.
    pub items: u64,
    /// The bytes of their bodies.
    pub bytes: u64,
    /// The digest.
    pub digest: Digest,
}

/// Something that is not as it should be.
///
/// ```
/// # use godwit::{catalogue::*, sandbox::*, store::*};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = Catalogue::new();
/// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
/// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
/// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
/// use godwit::FlawKind;
/// use godwit::model::{Item, Name};
/// use godwit::run::Control;
///
/// let check = |_: &Name, _: &Item| Some(vec!["it has no author".to_owned()]);
/// let mut flaws = Vec::new();
/// host.verify(&[], &check, &mut |flaw| flaws.push(flaw), &Control::default())?;
/// assert_eq!(flaws[0].id.as_deref(), Some("first"));
/// assert_eq!(flaws[0].kind, FlawKind::Schema);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flaw {
    /// The collection.
    pub collection: Name,
    /// The item; `None` where it is about the collection.
    pub id: Option<String>,
    /// What kind of flaw it is.
    pub kind: FlawKind,
    /// What is wrong.
    pub what: String,
}

/// The kinds of flaws.
///
/// ```
/// use godwit::FlawKind;
///
/// assert_eq!(FlawKind::Index.to_string(), "index");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlawKind {
    /// The `verify` of a migration found it.
    Plugin,
    /// The item does not meet a schema.
    Schema,
    /// The item has a version that nothing explains.
    Version,
    /// An index does not say what the items say.
    Index,
    /// A count is wrong, or an entry belongs to no item.
    Tally,
}

impl std::fmt::Display for FlawKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Plugin => "plugin",
            Self::Schema => "schema",
            Self::Version => "version",
            Self::Index => "index",
            Self::Tally => "tally",
        })
    }
}

/// What was verified.
///
/// ```
/// # use godwit::{catalogue::*, sandbox::*, store::*};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = Catalogue::new();
/// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
/// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
/// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
/// use godwit::run::Control;
///
/// let verified = host.verify(&[], &|_, _| None, &mut |_| {}, &Control::default())?;
/// assert!(verified.done && verified.flaws == 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// The collections.
    pub collections: Vec<CollectionVerified>,
    /// How many flaws there are.
    pub flaws: u64,
    /// Whether everything was looked at; otherwise it was asked to stop.
    pub done: bool,
}

/// What was verified of a collection.
///
/// ```
/// # use godwit::{catalogue::*, sandbox::*, store::*};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = Catalogue::new();
/// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
/// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
/// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
/// use godwit::run::Control;
///
/// let verified = host.verify(&[], &|_, _| None, &mut |_| {}, &Control::default())?;
/// let notes = &verified.collections[0];
/// assert_eq!((notes.digest.items, notes.by_schema, notes.flaws), (1, 0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectionVerified {
    /// What it has.
    #[serde(flatten)]
    pub digest: CollectionDigest,
    /// How many items were shown to the `verify` of a migration.
    pub by_plugins: u64,
    /// How many items were held to a schema.
    pub by_schema: u64,
    /// How many index entries there are.
    pub index_entries: u64,
    /// How many flaws there are.
    pub flaws: u64,
}

/// What a schema says of an item: nothing where there is no schema for it, else what is wrong.
///
/// ```
/// # use godwit::{catalogue::*, sandbox::*, store::*};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = Catalogue::new();
/// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
/// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
/// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
/// use godwit::SchemaCheck;
/// use godwit::model::{Item, Name};
/// use godwit::run::Control;
///
/// let check = |_: &Name, item: &Item| match item.body.is_empty() {
///     true => Some(vec!["it is empty".to_owned()]),
///     false => Some(Vec::new()),
/// };
/// let check: &SchemaCheck<'_> = &check;
/// let verified = host.verify(&[], check, &mut |_| {}, &Control::default())?;
/// assert_eq!(verified.collections[0].by_schema, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type SchemaCheck<'a> = dyn Fn(&Name, &Item) -> Option<Vec<String>> + 'a;

impl Host {
    /// The digest of each collection, or of those named.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
    /// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
    /// for found in host.digests(&["notes".parse()?])? {
    ///     println!("{}: {}", found.collection, found.digest);
    ///     assert_eq!(found.items, 1);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn digests(&self, chosen: &[Name]) -> Result<Vec<CollectionDigest>, HostError> {
        let mut digests = Vec::new();
        for (name, _) in self.chosen(chosen)? {
            let mut digesting = Digesting::default();
            for page in Pages::of(&self.store, &name) {
                page?.iter().for_each(|item| digesting.add(item));
            }
            digests.push(digesting.finish(name));
        }
        Ok(digests)
    }

    fn chosen(&self, chosen: &[Name]) -> Result<BTreeMap<Name, Collection>, HostError> {
        let mut collections = self.store.collections()?;
        if let Some(unknown) = chosen.iter().find(|name| !collections.contains_key(*name)) {
            return Err(HostError::NoCollection(unknown.clone()));
        }
        collections.retain(|name, _| chosen.is_empty() || chosen.contains(name));
        Ok(collections)
    }

    /// Looks at everything that is stored, or at the collections named: what the migrations' own `verify` says of items of
    /// their version, what schemas say, whether indexes and counts agree with the items, and whether every item has a
    /// version that the history or the run under way explains. Nothing is changed. Whatever is wrong is given to `visit`.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
    /// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
    /// use godwit::run::Control;
    ///
    /// let mut tell = |flaw: godwit::Flaw| println!("{}: {}", flaw.collection, flaw.what);
    /// let verified = host.verify(&[], &|_, _| None, &mut tell, &Control::default())?;
    /// assert_eq!(verified.flaws, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError`] when the store cannot be read, or a component cannot be started.
    pub fn verify(
        &self,
        chosen: &[Name],
        schema: &SchemaCheck<'_>,
        visit: &mut dyn FnMut(Flaw),
        control: &Control,
    ) -> Result<Verified, HostError> {
        let mut verified = Verified {
            collections: Vec::new(),
            flaws: 0,
            done: true,
        };
        let apps = self.store.history()?.apps();
        let unfinished = self.unfinished()?;
        for (name, record) in self.chosen(chosen)? {
            let version = apps.get(&record.app).and_then(|app| app.version()).cloned();
            let led_to = unfinished
                .as_ref()
                .and_then(|run| leads_to(run, &record.app));
            let mut check = Check {
                host: self,
                name: &name,
                newest: [version, led_to, record.level.clone(), record.newest.clone()]
                    .into_iter()
                    .flatten()
                    .max(),
                indexes: match self.store.is_attached(&name) {
                    true => &[],
                    false => &record.indexes,
                },
                record: &record,
                expected: vec![0; record.indexes.len()],
                by_schema: 0,
                flaws: 0,
                visit,
            };
            let (digest, done) = check.items(schema, control)?;
            if done {
                check.tallies(digest.items)?;
            }
            let index_entries = if done { check.indexes()? } else { 0 };
            let (by_plugins, done) = check.plugins(control)?;
            verified.done &= done;
            verified.flaws += check.flaws;
            verified.collections.push(CollectionVerified {
                by_plugins,
                by_schema: check.by_schema,
                index_entries,
                flaws: check.flaws,
                digest,
            });
        }
        Ok(verified)
    }
}

/// The newest version that items of an app may have from a run that is not finished. It may go on while it is looked at, so that
/// every stage counts.
fn leads_to(run: &Run, app: &Name) -> Option<Version> {
    let stages = run.plan.stages.iter().filter(|stage| stage.app == *app);
    stages.map(|stage| stage.version.clone()).max()
}

/// How many entries of items that are apart are read at once.
const APARTS: usize = 4_096;

#[derive(Default)]
struct Digesting {
    hash: Sha256,
    items: u64,
    bytes: u64,
}

impl Digesting {
    fn add(&mut self, item: &Item) {
        let version = item.version.to_string();
        let id = u32::try_from(item.id.len()).expect("ids have at most 512 bytes");
        let length = u8::try_from(version.len()).expect("versions have at most 128 bytes");
        self.hash.update(id.to_be_bytes());
        self.hash.update(&item.id);
        self.hash.update([length]);
        self.hash.update(&version);
        self.hash.update((item.body.len() as u64).to_be_bytes());
        self.hash.update(&item.body);
        self.items += 1;
        self.bytes += item.body.len() as u64;
    }

    fn finish(self, collection: Name) -> CollectionDigest {
        CollectionDigest {
            collection,
            items: self.items,
            bytes: self.bytes,
            digest: Digest(self.hash.finalize().into()),
        }
    }
}

/// The check of one collection.
struct Check<'a, 'v> {
    host: &'a Host,
    name: &'a Name,
    record: &'a Collection,
    /// The newest version that the history, the run that is not finished, or the collection explains.
    newest: Option<Version>,
    /// The indexes that have entries in the store: those of a table are the server's own.
    indexes: &'a [Index],
    /// How many entries each index should have.
    expected: Vec<u64>,
    by_schema: u64,
    flaws: u64,
    visit: &'v mut dyn FnMut(Flaw),
}

impl Check<'_, '_> {
    fn flaw(&mut self, id: Option<&str>, kind: FlawKind, what: String) {
        self.flaws += 1;
        (self.visit)(Flaw {
            collection: self.name.clone(),
            id: id.map(str::to_owned),
            kind,
            what,
        });
    }

    /// Looks at every item; gives the digest, and whether it came to the end.
    fn items(
        &mut self,
        schema: &SchemaCheck<'_>,
        control: &Control,
    ) -> Result<(CollectionDigest, bool), HostError> {
        let mut digesting = Digesting::default();
        let mut done = true;
        for page in Pages::of(&self.host.store, self.name) {
            if control.is_stopped() {
                done = false;
                break;
            }
            for item in page? {
                digesting.add(&item);
                if let Some(wrong) = schema(self.name, &item) {
                    self.by_schema += 1;
                    for what in wrong {
                        self.flaw(Some(&item.id), FlawKind::Schema, what);
                    }
                }
                self.version(&item)?;
                self.entries(&item)?;
            }
        }
        Ok((digesting.finish(self.name.clone()), done))
    }

    fn version(&mut self, item: &Item) -> Result<(), HostError> {
        let is_explained = Some(&item.version) <= self.newest.as_ref();
        if !is_explained && self.host.store.apart(self.name, &item.id)?.is_none() {
            let what = match &self.newest {
                Some(newest) => format!(
                    "it has version {}, and the newest there can be is {newest}",
                    item.version
                ),
                None => format!("it has version {}, and the app has none", item.version),
            };
            self.flaw(Some(&item.id), FlawKind::Version, what);
        }
        Ok(())
    }

    /// Looks for the entries that an item should have in indexes.
    fn entries(&mut self, item: &Item) -> Result<(), HostError> {
        for (place, index) in self.indexes.iter().enumerate() {
            let entry = index_entry(self.name, index, &item.body, &item.id);
            let Some(entry) = entry.filter(|_| index.ready) else {
                continue;
            };
            self.expected[place] += 1;
            if self.host.store.backend().get(&entry)?.is_none() {
                let what = format!("the index on {} does not have it", index.pointer);
                self.flaw(Some(&item.id), FlawKind::Index, what);
            }
        }
        Ok(())
    }

    /// Counts the entries of indexes: those that belong to no item are too many.
    fn indexes(&mut self) -> Result<u64, HostError> {
        let mut all = 0;
        for (place, index) in self.indexes.iter().enumerate() {
            let found = self
                .host
                .store
                .count_index_entries(self.name, index.number)?;
            all += found;
            let Index { ready, pointer, .. } = index;
            if *ready && found > self.expected[place] {
                let too_many = found - self.expected[place];
                let what = format!("the index on {pointer} has {too_many} entries too many");
                self.flaw(None, FlawKind::Index, what);
            }
        }
        Ok(all)
    }

    fn tallies(&mut self, items: u64) -> Result<(), HostError> {
        let mut counted = Tallies {
            items,
            ..Tallies::default()
        };
        let store = &self.host.store;
        let mut after = None;
        loop {
            let page = store.aparts(self.name, after.as_deref(), APARTS)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (id, apart) in page {
                match apart.failure.map(|failure| failure.accepted) {
                    None => counted.waiting += 1,
                    Some(false) => counted.open += 1,
                    Some(true) => counted.accepted += 1,
                }
                if store.item_record(self.name, &id)?.is_none() {
                    let what = "there is an entry of an item that is not there".to_owned();
                    self.flaw(Some(&id), FlawKind::Tally, what);
                }
            }
        }
        let mut noted = self.host.store.tallies(self.name)?;
        if self.host.store.is_attached(self.name) {
            // The application adds and removes rows of its table as it likes.
            noted.items = items;
        }
        if noted != counted {
            let what = format!("what is noted ({noted:?}) is not what is there ({counted:?})");
            self.flaw(None, FlawKind::Tally, what);
        }
        Ok(())
    }

    /// Shows items to the `verify` of the migrations to their version; gives how many, and whether it came to the end.
    fn plugins(&mut self, control: &Control) -> Result<(u64, bool), HostError> {
        let mut shown = 0;
        for migration in self.host.catalogue.migrations() {
            let Some(component) = self.host.catalogue.component(&migration.digest) else {
                continue;
            };
            if migration.app != self.record.app || !component.speech().has(Call::Verify) {
                continue;
            }
            let steps = migration.steps.iter();
            for step in steps.filter(|step| rewrites(step, self.name)) {
                shown += self.by(migration, step, control)?;
                if control.is_stopped() {
                    return Ok((shown, false));
                }
            }
        }
        Ok((shown, true))
    }

    fn by(
        &mut self,
        migration: &Migration,
        step: &Step,
        control: &Control,
    ) -> Result<u64, HostError> {
        let host = self.host;
        let component = host.catalogue.component(&migration.digest);
        let component = component.expect("it was just there");
        let context = Context {
            from_version: None,
            started_at: 0,
            seed: 0,
        };
        let threads = host.options.threads;
        let unfit = |error: StreamError| match error {
            StreamError::Store(error) => HostError::Store(error),
            error => HostError::Verify {
                app: migration.app.clone(),
                version: migration.version.clone(),
                source: error,
            },
        };
        let store = host.store.clone();
        let reads = match &step.work {
            StepWork::Transform { reads, .. } => &reads[..],
            StepWork::Schema(_) => &[],
        };
        let (app, grants) = (&migration.app, &host.grants);
        let reads = granted(&store, grants, app, self.name, reads, Access::Read)?;
        let stream = Stream::verifying(component, step, reads, store, context, threads, control);
        let failed = Arc::new(Mutex::new(None));
        let source = Source {
            pages: Pages::of(&host.store, self.name),
            version: migration.version.clone(),
            failed: failed.clone(),
        };
        let mut shown = 0;
        stream
            .map_err(unfit)?
            .pass(source, &mut |passed| {
                shown += passed.batch.len() as u64;
                for ((id, _), became) in passed.batch.iter().zip(passed.became) {
                    if let Became::Failed { kind, reason } = became {
                        let what = match kind {
                            FailureKind::Refused => reason,
                            kind => format!("{kind}: {reason}"),
                        };
                        self.flaw(Some(id), FlawKind::Plugin, what);
                    }
                }
                ControlFlow::Continue(())
            })
            .map_err(unfit)?;
        match failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(HostError::Store(error)),
            None => Ok(shown),
        }
    }
}

fn rewrites(step: &Step, name: &Name) -> bool {
    matches!(&step.work, StepWork::Transform { mode: Mode::Rewrite, collection, .. } if collection == name)
}

/// The items of a version in batches.
struct Source {
    pages: Pages,
    version: Version,
    /// Why there are no more.
    failed: Arc<Mutex<Option<StoreError>>>,
}

impl Iterator for Source {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        loop {
            let page = match self.pages.next()? {
                Ok(page) => page,
                Err(error) => {
                    let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                    *failed = Some(error);
                    return None;
                }
            };
            let mut batch = Batch::default();
            let items = page.iter().filter(|item| item.version == self.version);
            items.for_each(|item| batch.push(&item.id, &item.body));
            if !batch.is_empty() {
                return Some(batch);
            }
        }
    }
}

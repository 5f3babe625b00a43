//! Items as an application reads them: those that are older than it are brought up to its version in memory.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Serialize;

use super::{Host, HostError, ItemWrite, WayIn};
use crate::model::{Batch, Digest, Name, Version};
use crate::plan::Errand;
use crate::run::{CaughtUp, Control, Crew, Moment};
use crate::store::{Collection, Found, StoreError};
use crate::transfer::WayIn as _;

/// A page has so many bytes of bodies, or one item with more.
const PAGE_BYTES: usize = 4 << 20;
/// So many ways up are kept: callers may ask for any version.
const WAYS: usize = 64;
/// So many items that cannot be brought up are remembered, so that none of them costs a fault with every read.
const REMEMBERED: usize = 1_024;

/// How an application reads items.
///
/// ```
/// # async fn example(host: godwit::blocking::Host) -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::{Otherwise, Reading, Shape};
///
/// let reading = Reading {
///     shape: Shape::Of("2.0.0".parse()?),
///     otherwise: Otherwise::AsStored,
///     ..Reading::default()
/// };
/// let milk = host.read(&"todos".parse()?, "milk", &reading)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// In whose shape items are wanted.
    pub shape: Shape,
    /// What is given of an item that cannot be brought up to it.
    pub otherwise: Otherwise,
    /// Whether what was brought up is written in the place of what was there, once the app is at the version. Nothing puts
    /// back what was there: an undo takes it for the application's own write.
    pub write_back: bool,
}

/// In whose shape items are read and written.
///
/// ```
/// use godwit::{Reading, Shape};
///
/// let stored = Reading { shape: Shape::Stored, ..Reading::default() };
/// assert_eq!(Reading::default().shape, Shape::Newest);
/// assert_ne!(stored, Reading::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Shape {
    /// That of the newest version that a migration of the catalogue leads to; where there is none, as they are stored.
    #[default]
    Newest,
    /// That of a version, the application's: that of the newest version up to it that a migration leads to, or that the app is
    /// known to have.
    Of(Version),
    /// As they are stored.
    Stored,
}

/// What is given of an item that has not the version that was asked for: it is in quarantine, or its migration fails or needs
/// more than the item itself, or it is newer.
///
/// ```
/// use godwit::{Otherwise, Reading};
///
/// let lenient = Reading { otherwise: Otherwise::AsStored, ..Reading::default() };
/// assert_eq!(Reading::default().otherwise, Otherwise::Refuse);
/// assert_ne!(lenient, Reading::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Otherwise {
    /// [`HostError::NotBroughtUp`], which says why.
    #[default]
    Refuse,
    /// The item as it is stored, with its version and why it stays behind.
    AsStored,
}

/// An item as an application reads it.
///
/// ```
/// # async fn example(todos: godwit::Collection) -> Result<(), Box<dyn std::error::Error>> {
/// #[derive(serde::Deserialize)]
/// struct Todo {
///     title: String,
/// }
///
/// if let Some(milk) = todos.get("milk").await? {
///     let todo: Todo = milk.json()?;
///     println!("{}", todo.title);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Document {
    /// Its id.
    pub id: String,
    /// The version whose shape its body has.
    pub version: Version,
    /// Its body.
    pub body: Vec<u8>,
    /// Why it has not the version that was asked for, where it has not ([`Otherwise::AsStored`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_back: Option<String>,
}

impl Document {
    /// What its body says.
    ///
    /// # Errors
    /// When the body is not JSON, or not of that kind.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }
}

/// Some items in order of their ids.
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
/// use godwit::Reading;
///
/// let ten = std::num::NonZeroUsize::new(10).ok_or("it is not zero")?;
/// let page = host.read_page(&"notes".parse()?, None, ten, &Reading::default())?;
/// assert_eq!(page.documents[0].id, "first");
/// assert_eq!(page.next, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Page {
    /// The items.
    pub documents: Vec<Document>,
    /// The id behind which the next page begins; `None`: there is none.
    pub next: Option<String>,
}

/// What a host keeps for reading.
#[derive(Default)]
pub(super) struct Reads {
    crew: OnceLock<Arc<Crew>>,
    /// By collection and the version that was asked for.
    ways: Mutex<HashMap<(Name, Version), Arc<Way>>>,
    /// Items that cannot be brought up, with the digest of what is stored, and why.
    failed: Mutex<BTreeMap<(Name, String), (Digest, Failed)>>,
}

/// A way up, as long as nothing was added to the history.
struct Way {
    history: u64,
    /// The version that it leads to.
    shape: Version,
    /// The app's version.
    current: Option<Version>,
    way: WayIn,
}

/// Why an item cannot be brought up, and to what.
#[derive(Clone)]
struct Failed {
    shape: Version,
    /// Another plan may succeed where this one did not.
    history: u64,
    reason: String,
}

/// What an item is to be brought up to, and how.
struct Wish<'a> {
    app: Name,
    collection: &'a Name,
    reading: &'a Reading,
    /// The version that was asked for.
    wanted: Version,
    way: Arc<Way>,
}

impl Host {
    /// An item as an application of a version knows it; `None` where there is none, or where its migrations remove it.
    ///
    /// One that is older goes through the migrations between, in memory, whether they are applied already or not, as far as
    /// they see nothing but the item itself. What it becomes is what a run makes of it, unless a migration looks at the time
    /// or the seed that it is told: those are of the run that is under way, if there is one.
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
    /// use godwit::Reading;
    ///
    /// let first = host.read(&"notes".parse()?, "first", &Reading::default())?;
    /// let first: serde_json::Value = first.ok_or("it is there")?.json()?;
    /// assert_eq!(first["title"], "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::NoCollection`]; [`HostError::NotBroughtUp`] where an item has not the version that was asked for and
    /// [`Otherwise::Refuse`] holds.
    pub fn read(
        &self,
        collection: &Name,
        id: &str,
        reading: &Reading,
    ) -> Result<Option<Document>, HostError> {
        let found = self.store.find_item(collection, id)?;
        let Some(found) = found else {
            return match self.store.collection(collection)? {
                Some(_) => Ok(None),
                None => Err(HostError::NoCollection(collection.clone())),
            };
        };
        Ok(self.given(collection, vec![found], reading)?.pop())
    }

    /// Some items in order of their ids, as an application knows them: those behind `after`, up to `limit` of them, and no
    /// more than some megabytes.
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
    /// use godwit::Reading;
    ///
    /// let notes = "notes".parse()?;
    /// let hundred = std::num::NonZeroUsize::new(100).ok_or("it is not zero")?;
    /// let mut after: Option<String> = None;
    /// loop {
    ///     let page = host.read_page(&notes, after.as_deref(), hundred, &Reading::default())?;
    ///     println!("{} items", page.documents.len());
    ///     after = page.next;
    ///     if after.is_none() {
    ///         break;
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Host::read`].
    pub fn read_page(
        &self,
        collection: &Name,
        after: Option<&str>,
        limit: NonZeroUsize,
        reading: &Reading,
    ) -> Result<Page, HostError> {
        if self.store.collection(collection)?.is_none() {
            return Err(HostError::NoCollection(collection.clone()));
        }
        let (ids, next) = scanned(|| {
            let (mut ids, mut bytes, mut next) = (Vec::new(), 0, None);
            self.store.each_item(collection, after, &mut |id, record| {
                let more = bytes + record.body.len();
                if ids.len() == limit.get() || (more > PAGE_BYTES && bytes > 0) {
                    next = ids.last().cloned();
                    return ControlFlow::Break(());
                }
                bytes = more;
                ids.push(id.to_owned());
                ControlFlow::Continue(())
            })?;
            Ok((ids, next))
        })?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            // What was deleted meanwhile is not there.
            found.extend(self.store.find_item(collection, &id)?);
        }
        let documents = self.given(collection, found, reading)?;
        Ok(Page { documents, next })
    }

    /// The items behind `after` whose stored body has `value` at `pointer`, as an application knows them, up to `limit` of
    /// them, and no more than some megabytes; and whether an index was used, or every item looked at. What is looked at is
    /// what is stored, in whatever version. A page may be empty and yet have a next one: so much is looked at in one call.
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
    /// use godwit::Reading;
    ///
    /// let ten = std::num::NonZeroUsize::new(10).ok_or("it is not zero")?;
    /// let (notes, hello) = ("notes".parse()?, serde_json::json!("hello"));
    /// let wanted = ("/title", &hello);
    /// let (page, by_index) = host.read_where(&notes, wanted, None, ten, &Reading::default())?;
    /// assert_eq!(page.documents[0].id, "first");
    /// assert!(!by_index, "every item was looked at");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Host::read`].
    pub fn read_where(
        &self,
        collection: &Name,
        wanted: (&str, &serde_json::Value),
        after: Option<&str>,
        limit: NonZeroUsize,
        reading: &Reading,
    ) -> Result<(Page, bool), HostError> {
        if self.store.collection(collection)?.is_none() {
            return Err(HostError::NoCollection(collection.clone()));
        }
        let matches = scanned(|| self.store.find(collection, wanted, after, limit.get()))?;
        let (mut found, mut bytes, mut next) = (Vec::new(), 0, matches.next);
        let mut last = None;
        for id in matches.ids {
            // What was deleted meanwhile is not there.
            let Some(one) = self.store.find_item(collection, &id)? else {
                continue;
            };
            bytes += one.item.body.len();
            if bytes > PAGE_BYTES && last.is_some() {
                next = last;
                break;
            }
            found.push(one);
            last = Some(id);
        }
        let documents = self.given(collection, found, reading)?;
        Ok((Page { documents, next }, matches.by_index))
    }

    /// Puts an item, in the shape of the application's version, in the place of whatever has its id.
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
    /// use godwit::Reading;
    ///
    /// let notes = "notes".parse()?;
    /// host.put_document(&notes, "first", br#"{"title": "hello"}"#, &Reading::default())?;
    /// assert!(host.read(&notes, "first", &Reading::default())?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::ApplicationBehind`] when the app is at a newer version in the store already; else as [`Host::write`].
    pub fn put_document(
        &self,
        collection: &Name,
        id: &str,
        body: &[u8],
        reading: &Reading,
    ) -> Result<(), HostError> {
        self.put_document_over(collection, id, body, reading, &|_| true)?;
        Ok(())
    }

    /// Puts in the place of an item what `change` makes of it, in the shape of the application's version; `None`: it is removed,
    /// or stays away. Gives what was made of it. When somebody else writes the item meanwhile, `change` is asked again.
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
    /// use godwit::Reading;
    ///
    /// let notes = "notes".parse()?;
    /// let count = host.update_document(&notes, "count", &Reading::default(), &mut |there| {
    ///     let before: u64 = there.and_then(|there| there.json().ok()).unwrap_or_default();
    ///     Some((before + 1).to_string().into_bytes())
    /// })?;
    /// assert_eq!(count.as_deref(), Some(&b"1"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Host::read`] and [`Host::put_document`].
    pub fn update_document(
        &self,
        collection: &Name,
        id: &str,
        reading: &Reading,
        change: &mut dyn FnMut(Option<Document>) -> Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, HostError> {
        let reading = Reading {
            // What it is made of is the application's shape, and nothing else.
            otherwise: Otherwise::Refuse,
            write_back: false,
            ..reading.clone()
        };
        loop {
            let found = self.store.find_item(collection, id)?;
            let before = found.as_ref().map(|found| found.record.clone());
            let there = self.given(collection, found.into_iter().collect(), &reading)?;
            let body = change(there.into_iter().next());
            let expected = |record: Option<&[u8]>| record == before.as_deref();
            let done = match &body {
                Some(body) => self.put_document_over(collection, id, body, &reading, &expected)?,
                None => self.delete_document_over(collection, id, &reading, &expected)?,
            };
            if done.is_some() {
                return Ok(body);
            }
        }
    }

    /// Does as [`Host::put_document`] if what is there is as expected, which is told the item's record as stored, if there is
    /// one; gives whether there was one, or `None` where it was not as expected, and nothing was written.
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
    /// use godwit::Reading;
    ///
    /// let (notes, reading) = ("notes".parse()?, Reading::default());
    /// let is_new = |there: Option<&[u8]>| there.is_none();
    /// let put = || host.put_document_over(&notes, "first", b"{}", &reading, &is_new);
    /// assert_eq!(put()?, Some(false));
    /// assert_eq!(put()?, None, "it is there by now");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Host::put_document`].
    pub fn put_document_over(
        &self,
        collection: &Name,
        id: &str,
        body: &[u8],
        reading: &Reading,
        expected: &dyn Fn(Option<&[u8]>) -> bool,
    ) -> Result<Option<bool>, HostError> {
        let version = self.written_version(collection, reading)?;
        let item = Some((version.clone(), body));
        self.write_over(collection, id, item, &version, expected)
    }

    /// Removes an item if what is there is as expected, as [`Host::put_document_over`] does.
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
    /// use godwit::Reading;
    ///
    /// let (notes, reading) = ("notes".parse()?, Reading::default());
    /// let seen = host.store().item_record(&notes, "first")?;
    /// let is_same = |there: Option<&[u8]>| there == seen.as_deref();
    /// let deleted = host.delete_document_over(&notes, "first", &reading, &is_same)?;
    /// assert_eq!(deleted, Some(true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Host::put_document`].
    pub fn delete_document_over(
        &self,
        collection: &Name,
        id: &str,
        reading: &Reading,
        expected: &dyn Fn(Option<&[u8]>) -> bool,
    ) -> Result<Option<bool>, HostError> {
        let version = self.written_version(collection, reading)?;
        self.write_over(collection, id, None, &version, expected)
    }

    fn write_over(
        &self,
        collection: &Name,
        id: &str,
        item: Option<(Version, &[u8])>,
        application: &Version,
        expected: &dyn Fn(Option<&[u8]>) -> bool,
    ) -> Result<Option<bool>, HostError> {
        let write = ItemWrite {
            collection: collection.clone(),
            id: id.to_owned(),
            item,
        };
        let there = std::cell::Cell::new(false);
        let check = |record: Option<&[u8]>| {
            there.set(record.is_some());
            expected(record)
        };
        let may_be = || self.check_application(collection, application);
        let written = self.write_if(&[write], &may_be, &check)?;
        Ok(written.map(|_| there.get()))
    }

    /// Removes an item, as an application of a version does, and gives whether there was one.
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
    /// use godwit::Reading;
    ///
    /// let notes = "notes".parse()?;
    /// assert!(host.delete_document(&notes, "first", &Reading::default())?);
    /// assert!(host.read(&notes, "first", &Reading::default())?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Host::put_document`].
    pub fn delete_document(
        &self,
        collection: &Name,
        id: &str,
        reading: &Reading,
    ) -> Result<bool, HostError> {
        let there = self.delete_document_over(collection, id, reading, &|_| true)?;
        Ok(there.unwrap_or_default())
    }

    /// The version that an application writes.
    fn written_version(&self, collection: &Name, reading: &Reading) -> Result<Version, HostError> {
        let (app, current) = self.current(collection)?;
        let version = self.version_of_shape(&app, &reading.shape).or(current);
        version.ok_or_else(|| HostError::BadItem {
            collection: collection.clone(),
            id: String::new(),
            reason: format!("nobody says which version of {app} writes"),
        })
    }

    /// Checks that an application of a version is not behind the store.
    fn check_application(&self, collection: &Name, version: &Version) -> Result<(), HostError> {
        let (app, current) = self.current(collection)?;
        match current.filter(|current| version < current) {
            Some(current) => Err(HostError::ApplicationBehind {
                app,
                current,
                version: version.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The app of a collection, and the version that it has, or that its items have.
    fn current(&self, collection: &Name) -> Result<(Name, Option<Version>), HostError> {
        let missing = || HostError::NoCollection(collection.clone());
        let record = self.store.collection(collection)?.ok_or_else(missing)?;
        let apps = self.store.history()?.apps();
        let current = apps.get(&record.app).and_then(|state| state.version());
        let current = current.cloned().max(record.level);
        Ok((record.app, current))
    }

    /// What is given of items that were found, in order.
    fn given(
        &self,
        collection: &Name,
        found: Vec<Found>,
        reading: &Reading,
    ) -> Result<Vec<Document>, HostError> {
        let Some(wish) = self.wish(collection, reading)? else {
            return Ok(found.into_iter().map(as_stored).collect());
        };
        let mut told = Vec::with_capacity(found.len());
        let mut behind = Vec::new();
        for found in found {
            let place = told.len();
            if (wish.shape()..=&wish.wanted).contains(&&found.item.version) {
                told.push(Some(as_stored(found)));
            } else if let Some(reason) = self.obstacle(&wish, &found) {
                told.push(Some(wish.otherwise(found, reason)?));
            } else {
                told.push(None);
                behind.push((place, found));
            }
        }
        self.bring_up(&wish, behind, &mut told)?;
        Ok(told.into_iter().flatten().collect())
    }

    /// What is asked for; `None`: items as they are stored.
    fn wish<'a>(
        &self,
        collection: &'a Name,
        reading: &'a Reading,
    ) -> Result<Option<Wish<'a>>, HostError> {
        let Some(record) = self.store.collection(collection)? else {
            return Ok(None);
        };
        let Some(wanted) = self.version_of_shape(&record.app, &reading.shape) else {
            return Ok(None);
        };
        let way = self.way(&record, collection, &wanted)?;
        Ok(Some(Wish {
            app: record.app,
            collection,
            reading,
            wanted,
            way,
        }))
    }

    fn version_of_shape(&self, app: &Name, shape: &Shape) -> Option<Version> {
        match shape {
            Shape::Newest => self.catalogue.newest(app).cloned(),
            Shape::Of(version) => Some(version.clone()),
            Shape::Stored => None,
        }
    }

    /// The way of items of a collection up to a version that was asked for.
    fn way(
        &self,
        record: &Collection,
        collection: &Name,
        wanted: &Version,
    ) -> Result<Arc<Way>, HostError> {
        let history = self.store.history_length()?;
        let key = (collection.clone(), wanted.clone());
        let known = lock(&self.reads.ways).get(&key).cloned();
        if let Some(known) = known.filter(|known| known.history == history) {
            return Ok(known);
        }
        let apps = self.store.history()?.apps();
        let state = apps.get(&record.app);
        let applied = state.into_iter().flat_map(|state| state.applied.keys());
        let baseline = state.and_then(|state| state.baseline.as_ref());
        let migrations = self.catalogue.migrations().iter();
        let to_come = migrations.filter(|migration| migration.app == record.app);
        let shape = to_come
            .map(|migration| &migration.version)
            .chain(applied)
            .chain(baseline)
            .chain(&record.level)
            .filter(|version| *version <= wanted)
            .max()
            .unwrap_or(wanted);
        let crew = self
            .reads
            .crew
            .get_or_init(|| Arc::new(Crew::new(self.options.threads)));
        let control = Control::default();
        let goal = (&record.app, collection, shape);
        let way = Arc::new(Way {
            history,
            shape: shape.clone(),
            current: state.and_then(|state| state.version()).cloned(),
            way: self.way_up(Errand::Read, goal, &control, |_| crew.clone())?,
        });
        let mut ways = lock(&self.reads.ways);
        if ways.len() >= WAYS {
            ways.clear();
        }
        ways.insert(key, way.clone());
        Ok(way)
    }

    /// Why an item cannot be brought up, as far as can be told beforehand.
    fn obstacle(&self, wish: &Wish<'_>, found: &Found) -> Option<String> {
        let version = &found.item.version;
        if *version > wish.wanted {
            return Some("it is newer".to_owned());
        }
        let failure = found
            .apart
            .as_ref()
            .and_then(|apart| apart.failure.as_ref());
        if let Some(failure) = failure {
            let (migration, step) = (&failure.migration, &failure.step);
            let reason = &failure.reason;
            return Some(format!(
                "it is in quarantine since it failed {step} of {migration}: {reason}"
            ));
        }
        if let Some(hurdle) = wish.way.way.hurdle(version) {
            let (migration, reason) = (&hurdle.version, &hurdle.reason);
            return Some(format!("the way through {migration} is closed: {reason}"));
        }
        let failed = lock(&self.reads.failed);
        let (digest, failed) = failed.get(&wish.key(found))?;
        let is_same = failed.shape == *wish.shape()
            && failed.history == wish.way.history
            && *digest == Digest::of(&found.record);
        is_same.then(|| failed.reason.clone())
    }

    /// Brings items up, those of one version at a time, and puts what became of them into their places.
    fn bring_up(
        &self,
        wish: &Wish<'_>,
        behind: Vec<(usize, Found)>,
        told: &mut [Option<Document>],
    ) -> Result<(), HostError> {
        if behind.is_empty() {
            return Ok(());
        }
        let moment = self.moment()?;
        let mut by_version: BTreeMap<Version, Vec<(usize, Found)>> = BTreeMap::new();
        for (place, found) in behind {
            let version = found.item.version.clone();
            by_version.entry(version).or_default().push((place, found));
        }
        for (version, mut items) in by_version {
            while !items.is_empty() {
                let mut batch = Batch::default();
                for (_, found) in &items {
                    batch.push(&found.item.id, &found.item.body);
                }
                let became = wish.way.way.pass(&version, &batch, moment)?;
                let mut left = Vec::new();
                for ((place, found), became) in items.into_iter().zip(became) {
                    match became {
                        CaughtUp::Left => left.push((place, found)),
                        became => told[place] = self.became(wish, found, became)?,
                    }
                }
                items = left;
            }
        }
        Ok(())
    }

    fn became(
        &self,
        wish: &Wish<'_>,
        found: Found,
        became: CaughtUp,
    ) -> Result<Option<Document>, HostError> {
        let version = wish.shape().clone();
        match became {
            CaughtUp::Removed | CaughtUp::Left => Ok(None),
            CaughtUp::Unchanged => Ok(Some(Document {
                version,
                ..as_stored(found)
            })),
            CaughtUp::Updated { body, .. } => {
                let document = Document {
                    id: found.item.id.clone(),
                    version,
                    body: body.to_vec(),
                    kept_back: None,
                };
                if let Err(error) = self.write_back(wish, &found, &document) {
                    let (collection, id) = (wish.collection, &document.id);
                    tracing::warn!(%error, %collection, id, "an item that was brought up is not written back");
                }
                Ok(Some(document))
            }
            CaughtUp::Failed {
                version,
                step,
                kind,
                reason,
            } => {
                let reason = format!("it fails {step} of {version} ({}): {reason}", kind.name());
                self.remember(wish, &found, &reason);
                Ok(Some(wish.otherwise(found, reason)?))
            }
        }
    }

    fn remember(&self, wish: &Wish<'_>, found: &Found, reason: &str) {
        let mut failed = lock(&self.reads.failed);
        if failed.len() >= REMEMBERED {
            failed.clear();
        }
        let why = Failed {
            shape: wish.shape().clone(),
            history: wish.way.history,
            reason: reason.to_owned(),
        };
        failed.insert(wish.key(found), (Digest::of(&found.record), why));
    }

    /// Writes what was brought up, if that is wanted, and unless somebody wrote something else or works on the store alone.
    fn write_back(
        &self,
        wish: &Wish<'_>,
        found: &Found,
        document: &Document,
    ) -> Result<(), HostError> {
        let serves = wish.way.current.as_ref() >= Some(wish.shape());
        if !wish.reading.write_back || !serves {
            return Ok(());
        }
        let (collection, id) = (wish.collection, &document.id);
        let Ok(mut outside) = self.outside() else {
            return Ok(());
        };
        let is_still = outside.record(collection, id)?.as_ref() == Some(&found.record);
        if is_still && !self.is_run_in_the_way(&wish.app)? {
            outside.put(collection, id, &document.version, &document.body)?;
            outside.commit()?;
        }
        Ok(())
    }

    /// What migrations are told of the work that they are part of: that of the run under way, if there is one.
    fn moment(&self) -> Result<Moment, HostError> {
        let run = self.unfinished()?;
        Ok(match run {
            Some(run) => Moment {
                started_at: run.started_at,
                seed: run.seed,
            },
            None => Moment {
                started_at: self.clock().now(),
                seed: 0,
            },
        })
    }
}

impl Wish<'_> {
    /// The version whose shape what is given has.
    fn shape(&self) -> &Version {
        &self.way.shape
    }

    fn key(&self, found: &Found) -> (Name, String) {
        (self.collection.clone(), found.item.id.clone())
    }

    /// What is given of an item that cannot be brought up.
    fn otherwise(&self, found: Found, reason: String) -> Result<Document, HostError> {
        match self.reading.otherwise {
            Otherwise::AsStored => Ok(Document {
                kept_back: Some(reason),
                ..as_stored(found)
            }),
            Otherwise::Refuse => Err(HostError::NotBroughtUp {
                collection: self.collection.clone(),
                id: found.item.id,
                version: found.item.version,
                wanted: self.wanted.clone(),
                reason,
            }),
        }
    }
}

/// What a scan finds, which is begun again where a finalization had collections change places under it.
fn scanned<T>(mut scan: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    loop {
        match scan() {
            Err(StoreError::Switched { .. }) => {}
            done => return done,
        }
    }
}

fn as_stored(found: Found) -> Document {
    let item = found.item;
    Document {
        id: item.id,
        version: item.version,
        body: item.body,
        kept_back: None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! What the application writes itself, while nobody works on the store or while somebody does who lets it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Host, HostError};
use crate::model::item::{self, MAX_VERSION_BYTES};
use crate::model::{Name, Phase, Purpose, Run, RunState, Stage, Version};
use crate::store::{Collection, LeaseError, Outside, OutsideError, StoreError};

/// How long it waits at a time.
const PAUSE: Duration = Duration::from_millis(5);
/// So often a write is tried that others come before.
const TRIES: usize = 10_000;

/// What becomes of one item.
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
/// use godwit::ItemWrite;
///
/// let (version, body) = ("1.0.0".parse()?, br#"{"title": "hello"}"#);
/// let first = ItemWrite {
///     collection: "notes".parse()?,
///     id: "first".to_owned(),
///     item: Some((version, body)),
/// };
/// host.write(&[first])?;
/// assert!(host.store().body(&"notes".parse()?, "first")?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemWrite<'a> {
    /// Its collection, which must exist.
    pub collection: Name,
    /// Its id.
    pub id: String,
    /// The version whose shape it has, and its body; `None`: it is removed.
    pub item: Option<(Version, &'a [u8])>,
}

impl Host {
    /// Puts an item in the place of whatever has its id, as an application does. One that is older than its collection waits
    /// to be brought up to date by the next `up`.
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
    /// let (notes, version) = ("notes".parse()?, "1.0.0".parse()?);
    /// host.put(&notes, "first", &version, br#"{"title": "hello"}"#)?;
    /// assert!(host.store().body(&notes, "first")?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Host::write`].
    pub fn put(
        &self,
        collection: &Name,
        id: &str,
        version: &Version,
        body: &[u8],
    ) -> Result<(), HostError> {
        let item = Some((version.clone(), body));
        self.write(&[ItemWrite {
            collection: collection.clone(),
            id: id.to_owned(),
            item,
        }])?;
        Ok(())
    }

    /// Removes an item, as an application does, and gives whether there was one.
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
    /// let notes = "notes".parse()?;
    /// assert!(host.delete(&notes, "first")?);
    /// assert!(!host.delete(&notes, "first")?, "it is gone");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Host::write`].
    pub fn delete(&self, collection: &Name, id: &str) -> Result<bool, HostError> {
        let removed = self.write(&[ItemWrite {
            collection: collection.clone(),
            id: id.to_owned(),
            item: None,
        }])?;
        Ok(removed > 0)
    }

    /// Writes some items, all or none of them, as an application does: without a lease, so that several processes may. Of
    /// several writes to one item the last one counts. Gives how many items were removed that were there.
    ///
    /// While a shadow run is under way the live generation is written, and what was written is brought to the shadow's.
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
    /// use godwit::ItemWrite;
    /// use godwit::model::Name;
    ///
    /// let notes: Name = "notes".parse()?;
    /// let (version, body) = ("1.0.0".parse()?, br#"{"title": "hello"}"#);
    /// // The item gets another id.
    /// let old = ItemWrite { collection: notes.clone(), id: "first".to_owned(), item: None };
    /// let new = ItemWrite { collection: notes, id: "1".to_owned(), item: Some((version, body)) };
    /// assert_eq!(host.write(&[old, new])?, 1, "one is removed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::BadItem`] or [`HostError::NoCollection`] when one of them is none, [`HostError::TooNew`] when it is newer
    /// than all that the catalogue has of its app; [`HostError::Lease`] while somebody works on the store who cannot be
    /// disturbed (an offline step, an import, an undo, the end of [`Host::finalize`]), or [`HostError::ShadowUnderWay`] after
    /// a finalization that could not end, and [`Host::patience`] has ended: the same may be tried again later;
    /// [`HostError::RunInTheWay`] while a run is not finished.
    pub fn write(&self, writes: &[ItemWrite<'_>]) -> Result<u64, HostError> {
        let written = self.write_if(writes, &|| Ok(()), &|_| true)?;
        Ok(written.expect("anything is expected"))
    }

    /// Checks that a write would not have to wait just now.
    ///
    /// # Errors
    /// [`HostError::Lease`] or [`HostError::ShadowUnderWay`], as [`Host::write`] has them where patience has ended.
    pub(crate) fn check_free(&self) -> Result<(), HostError> {
        self.outside().map(drop).map_err(HostError::from)
    }

    pub(super) fn outside(&self) -> Result<Outside<'_>, OutsideError> {
        Outside::begin(&self.store, self.clock().now(), &*self.surroundings.is_gone)
    }

    /// Does as [`Host::write`] if it may be, which is asked anew after each time that it had to wait for others, and if what is
    /// there is as expected, which is told each item's record as stored, if there is one; `None` where it is not, and nothing
    /// was written.
    ///
    /// # Errors
    /// As [`Host::write`], and what `may_be` says.
    pub(super) fn write_if(
        &self,
        writes: &[ItemWrite<'_>],
        may_be: &dyn Fn() -> Result<(), HostError>,
        expected: &dyn Fn(Option<&[u8]>) -> bool,
    ) -> Result<Option<u64>, HostError> {
        let mut last = std::collections::BTreeMap::new();
        for write in writes {
            check(write, self.body_bytes)?;
            last.insert((&write.collection, write.id.as_str()), &write.item);
        }
        let (mut left, mut tries, mut is_checked) = (self.patience, 0, false);
        loop {
            let mut outside = match self.outside() {
                Ok(outside) => outside,
                Err(OutsideError::Finalizing | OutsideError::Lease(LeaseError::Held { .. }))
                    if !left.is_zero() =>
                {
                    let time = left.min(PAUSE);
                    std::thread::sleep(time);
                    left -= time;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            self.check_writable(writes)?;
            // Versions change under a lease only: if one does from here on, this is not carried out.
            may_be()?;
            if !is_checked {
                self.check_items(writes)?;
                is_checked = true;
            }
            let mut removed = 0;
            for ((collection, id), item) in &last {
                if !expected(outside.record(collection, id)?.as_deref()) {
                    return Ok(None);
                }
                match item {
                    Some((version, body)) => outside.put(collection, id, version, body)?,
                    None => removed += u64::from(outside.delete(collection, id)?),
                }
            }
            if outside.commit()? {
                return Ok(Some(removed));
            }
            tries += 1;
            if tries == TRIES {
                return Err(HostError::Store(StoreError::Conflict { key: Vec::new() }));
            }
        }
    }

    /// Checks what may change until the write is carried out; if it does, it is not.
    fn check_writable(&self, writes: &[ItemWrite<'_>]) -> Result<(), HostError> {
        let run = self.unfinished()?;
        let run = run.as_ref();
        let collections: BTreeSet<_> = writes.iter().map(|write| &write.collection).collect();
        for collection in collections {
            let record = self.known(collection)?;
            if let Some(run) = run.filter(|run| has_for_itself(run, &record.app)) {
                return Err(HostError::RunInTheWay {
                    app: record.app.clone(),
                    run: Box::new(run.clone()),
                });
            }
        }
        Ok(())
    }

    /// Checks what is to be written, which stays what it is.
    fn check_items(&self, writes: &[ItemWrite<'_>]) -> Result<(), HostError> {
        for ItemWrite {
            collection,
            id,
            item,
        } in writes
        {
            let Some((version, body)) = item else {
                continue;
            };
            let record = self.known(collection)?;
            self.check_not_newer(&record.app, (collection, id), version)?;
            if !record.opaque
                && let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(body)
            {
                return Err(HostError::BadItem {
                    collection: collection.clone(),
                    id: id.clone(),
                    reason: format!("its body is not JSON: {error}"),
                });
            }
        }
        Ok(())
    }
}

impl Host {
    fn known(&self, collection: &Name) -> Result<Collection, HostError> {
        let record = self.store.collection(collection)?;
        record.ok_or_else(|| HostError::NoCollection(collection.clone()))
    }

    /// Whether a run that is not finished keeps items of an app from being written.
    pub(super) fn is_run_in_the_way(&self, app: &Name) -> Result<bool, StoreError> {
        let run = self.unfinished()?;
        Ok(run.is_some_and(|run| has_for_itself(&run, app)))
    }
}

/// Whether a run that is not finished has the items of an app for itself, also while nobody goes on with it: it goes back, or
/// is at an offline step.
fn has_for_itself(run: &Run, app: &Name) -> bool {
    let is_of_app = |stage: &Stage| stage.app == *app;
    if run.state == RunState::Undoing || run.purpose == Purpose::Down {
        return run.plan.stages.iter().any(is_of_app);
    }
    let mut left = run.plan.stages.iter().skip(run.stages_done as usize);
    let current = left.find(|stage| !stage.steps.is_empty());
    current.is_some_and(|stage| is_of_app(stage) && stage.phase == Phase::Offline)
}

fn check(write: &ItemWrite<'_>, limit: usize) -> Result<(), HostError> {
    let bad = |reason: String| HostError::BadItem {
        collection: write.collection.clone(),
        id: write.id.clone(),
        reason,
    };
    item::check_id(&write.id).map_err(|error| bad(error.to_string()))?;
    let Some((version, body)) = &write.item else {
        return Ok(());
    };
    let bytes = version.to_string().len();
    if bytes > MAX_VERSION_BYTES {
        return Err(bad(format!(
            "a version has {MAX_VERSION_BYTES} bytes at most, its has {bytes}"
        )));
    }
    let bytes = body.len();
    if bytes > limit {
        return Err(bad(format!(
            "a body has {limit} bytes at most, its has {bytes}"
        )));
    }
    Ok(())
}

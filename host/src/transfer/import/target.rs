//! The collection that items are imported into.

use super::batch::Pending;
use super::place::Placed;
use super::{Hurdle, ImportError, ImportSettings, OnExisting};
use crate::model::item::MAX_VERSION_BYTES;
use crate::model::{Apart, Event, Name, Run, RunId, RunState, Timestamp, Version};
use crate::store::{Collection, Store, StoreError, Write};

/// The collection that items are imported into, as it was when the import started. While the lease
/// is held nobody else changes it.
#[derive(Debug)]
pub(super) struct Target<'a> {
    settings: &'a ImportSettings,
    /// The version of the collection's items, unless they say otherwise.
    level: Option<Version>,
    /// Whether the app has no version yet.
    is_first: bool,
    /// The run that must be finished or undone before anything but items in quarantine is replaced.
    run: Option<(RunId, RunState)>,
}

impl<'a> Target<'a> {
    /// Checks that items may be imported.
    pub fn find(store: &Store, settings: &'a ImportSettings) -> Result<Self, ImportError> {
        settings
            .version
            .as_ref()
            .map_or(Ok(()), |version| check_version(version, settings))?;
        let run = run_in_the_way(&store.runs()?, settings)?;
        let (app, collection) = (&settings.app, &settings.collection);
        let record = store.collection(collection)?;
        if let Some(owner) = record.as_ref().map(|record| &record.app)
            && owner != app
        {
            return Err(ImportError::ForeignCollection {
                collection: collection.clone(),
                owner: owner.clone(),
                app: app.clone(),
            });
        }
        let is_first = store
            .history()?
            .apps()
            .get(app)
            .is_none_or(|app| app.version().is_none());
        let mut level = level(store, app, collection)?;
        if record.is_none() && level.is_none() {
            let app = app.clone();
            let given = settings.version.clone();
            level = Some(given.ok_or(ImportError::NoBaseline { app })?);
        }
        Ok(Self {
            settings,
            level,
            is_first,
            run,
        })
    }

    /// The run that forbids to write an item whose entry is `apart`: any but one in quarantine, which
    /// the run has passed by.
    pub fn forbids(&self, apart: Option<&Apart>) -> Option<(RunId, RunState)> {
        let is_in_quarantine = apart.is_some_and(|apart| apart.failure.is_some());
        self.run.filter(|_| !is_in_quarantine)
    }

    /// Whether an item of this version may be brought up to the collection on its way in: it is older, and no run moves the
    /// collection.
    pub fn may_be_brought_up(&self, version: &Version) -> bool {
        self.run.is_none() && self.is_above(version)
    }

    /// Whether the collection's items have a newer version than this one.
    fn is_above(&self, version: &Version) -> bool {
        self.level.as_ref().is_some_and(|level| version < level)
    }

    /// The version that an item has once it lies in the collection, without an entry of its own.
    pub fn version_of(&self, stamp: &Version) -> Version {
        self.level
            .as_ref()
            .map_or(stamp, |level| level.max(stamp))
            .clone()
    }

    /// Why an item waits when those before it in its batch have become too much.
    pub fn too_much(&self) -> Hurdle {
        Hurdle {
            version: self.level.clone().unwrap_or(Version::new(0, 0, 0)),
            file: None,
            reason: "what becomes of so many items at once is more than may be held".to_owned(),
        }
    }

    /// The entry that an imported item gets, which had `old`: those that are older than their
    /// collection wait to be brought up to date, and so do those that a run has passed by.
    pub fn entry(&self, item: &Pending, old: Option<&Apart>) -> Option<Apart> {
        if item.is_brought_up() {
            return None;
        }
        let version = &item.version;
        let is_older = self.is_above(version);
        let passed_by = old.filter(|old| self.run.is_some() && old.version == *version);
        let waits = is_older || passed_by.is_some();
        waits.then(|| Apart {
            version: version.clone(),
            next: passed_by.and_then(|old| old.next.clone()),
            failure: None,
        })
    }

    /// Creates the collection where it is not there, with the app's first fact where it has none. While
    /// a run is in the way there is nothing that could come into it.
    pub fn ensure(&self, write: &mut Write<'_>, now: Timestamp) -> Result<(), StoreError> {
        let ImportSettings {
            app,
            collection,
            version,
            ..
        } = self.settings;
        if write.collection(collection)?.is_some() || self.run.is_some() {
            return Ok(());
        }
        if let Some(version) = version.as_ref().filter(|_| self.is_first) {
            write.add_history(now, app, version, Event::Baseline)?;
        }
        write.set_collection(collection, Collection::new(app.clone(), self.level.clone()))
    }

    /// Notes in the collection's record the newest version of the items that were written, and the
    /// oldest of those that wait.
    pub fn note_versions(&self, write: &mut Write<'_>, placed: Placed) -> Result<(), StoreError> {
        write.change_collection(&self.settings.collection, |record| {
            record.note_versions(placed.newest, placed.oldest_waiting);
        })?;
        Ok(())
    }
}

/// The version that items of a collection have, unless they say otherwise; that of its app where it is not there. `None`: there
/// is none yet.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// use godwit::model::{Name, Version};
/// use godwit::transfer::level;
///
/// let (notes, other): (Name, Name) = ("notes".parse()?, "other".parse()?);
/// assert_eq!(level(host.store(), &notes, &notes)?, Some(Version::new(1, 0, 0)));
/// assert_eq!(level(host.store(), &other, &other)?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn level(store: &Store, app: &Name, collection: &Name) -> Result<Option<Version>, StoreError> {
    if let Some(record) = store.collection(collection)? {
        return Ok(record.level);
    }
    let apps = store.history()?.apps();
    Ok(apps.get(app).and_then(|app| app.version()).cloned())
}

fn check_version(version: &Version, settings: &ImportSettings) -> Result<(), ImportError> {
    let bytes = version.to_string().len();
    let limit = MAX_VERSION_BYTES;
    if bytes > limit {
        return Err(ImportError::VersionTooLong { bytes, limit });
    }
    match &settings.highest {
        Some(highest) if version > highest => Err(ImportError::VersionTooNew {
            app: settings.app.clone(),
            version: version.clone(),
            highest: highest.clone(),
        }),
        _ => Ok(()),
    }
}

/// A run of the app that must be finished or undone stands in the way: it may have looked at the
/// places already where the items come. Items in quarantine may be replaced meanwhile.
fn run_in_the_way(
    runs: &[Run],
    settings: &ImportSettings,
) -> Result<Option<(RunId, RunState)>, ImportError> {
    let app = &settings.app;
    let is_in_the_way = |run: &&Run| {
        let is_open = run.purpose.is_exclusive() && run.state.is_unfinished();
        let is_of_app = run.plan.stages.iter().any(|stage| stage.app == *app);
        is_of_app && (is_open || run.state == RunState::Undoing)
    };
    let Some(run) = runs.iter().rev().find(is_in_the_way) else {
        return Ok(None);
    };
    if settings.on_existing == OnExisting::Replace && run.state != RunState::Undoing {
        return Ok(Some((run.id, run.state)));
    }
    Err(ImportError::UnfinishedRun {
        app: app.clone(),
        run: Box::new(run.clone()),
    })
}

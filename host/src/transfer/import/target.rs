//! The collection that items are imported into.

use super::place::Placed;
use super::versions::MAX_BYTES;
use super::{ImportError, ImportSettings, OnExisting};
use crate::model::{Apart, Event, Run, RunId, RunState, Timestamp, Version};
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
        settings.version.as_ref().map_or(Ok(()), check_version)?;
        let run = run_in_the_way(&store.runs()?, settings)?;
        let apps = store.history()?.apps();
        let version = apps.get(&settings.app).and_then(|app| app.version());
        let level = match store.collection(&settings.collection)? {
            Some(record) if record.app != settings.app => {
                return Err(ImportError::ForeignCollection {
                    collection: settings.collection.clone(),
                    owner: record.app,
                    app: settings.app.clone(),
                });
            }
            Some(record) => record.level,
            None => {
                let level = version.or(settings.version.as_ref());
                let app = settings.app.clone();
                Some(level.ok_or(ImportError::NoBaseline { app })?.clone())
            }
        };
        Ok(Self {
            settings,
            level,
            is_first: version.is_none(),
            run,
        })
    }

    /// The run that forbids to write an item whose entry is `apart`: any but one in quarantine, which
    /// the run has passed by.
    pub fn forbids(&self, apart: Option<&Apart>) -> Option<(RunId, RunState)> {
        let is_in_quarantine = apart.is_some_and(|apart| apart.failure.is_some());
        self.run.filter(|_| !is_in_quarantine)
    }

    /// The entry that an imported item of this version gets, which had `old`: those that are older than their
    /// collection wait to be brought up to date, and so do those that a run has passed by.
    pub fn entry(&self, version: &Version, old: Option<&Apart>) -> Option<Apart> {
        let is_older = self.level.as_ref().is_some_and(|level| version < level);
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
            record.newest = record.newest.take().max(placed.newest);
            let waiting = [record.oldest_waiting.take(), placed.oldest_waiting];
            record.oldest_waiting = waiting.into_iter().flatten().min();
        })?;
        Ok(())
    }
}

fn check_version(version: &Version) -> Result<(), ImportError> {
    let bytes = version.to_string().len();
    let limit = MAX_BYTES;
    if bytes > limit {
        Err(ImportError::VersionTooLong { bytes, limit })
    } else {
        Ok(())
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
        run: run.id,
        state: run.state,
    })
}

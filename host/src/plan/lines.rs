//! The catalogue and the history side by side, app by app.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::model::{AppState, Applied, Migration, Name, Version};

use super::finding::Subject;
use super::findings::Findings;
use super::{Matter, Recorded};

/// All apps of the catalogue.
pub(super) struct Lines<'a>(BTreeMap<&'a Name, Line<'a>>);

/// One app: its files in order, and what is applied of them.
pub(super) struct Line<'a> {
    /// The app.
    pub app: &'a Name,
    /// What is applied.
    pub state: AppState,
    /// The files by version; of duplicates the first one.
    pub files: BTreeMap<&'a Version, &'a Migration>,
    /// Files for a version that has one already: that one, and the other.
    duplicates: Vec<(&'a Migration, &'a Migration)>,
}

impl<'a> Lines<'a> {
    /// Sorts the catalogue, so that the order in which it comes does not matter.
    pub fn new(catalogue: &'a [Migration], recorded: &Recorded) -> Self {
        let mut sorted: Vec<&Migration> = catalogue.iter().collect();
        sorted.sort_by_key(|file| (&file.app, &file.version, &file.file, file.digest));
        let mut lines = BTreeMap::new();
        for migration in sorted {
            let line = match lines.entry(&migration.app) {
                Entry::Occupied(line) => line.into_mut(),
                Entry::Vacant(place) => place.insert(Line::new(&migration.app, recorded)),
            };
            line.add(migration);
        }
        Self(lines)
    }

    /// One app.
    pub fn get(&self, app: &Name) -> Option<&Line<'a>> {
        self.0.get(app)
    }

    /// All apps by name.
    pub fn iter(&self) -> impl Iterator<Item = &Line<'a>> {
        self.0.values()
    }

    /// The names of all apps.
    pub fn names(&self) -> Vec<Name> {
        self.0.keys().map(|app| (*app).clone()).collect()
    }
}

impl<'a> Line<'a> {
    fn new(app: &'a Name, recorded: &Recorded) -> Self {
        let state = recorded.apps.get(app).cloned().unwrap_or_default();
        let (files, duplicates) = (BTreeMap::new(), Vec::new());
        Self {
            app,
            state,
            files,
            duplicates,
        }
    }

    /// Versions that differ in build metadata only are the same to semver, so they are duplicates.
    fn add(&mut self, migration: &'a Migration) {
        match self.files.last_key_value() {
            Some((version, first)) if version.cmp_precedence(&migration.version).is_eq() => {
                self.duplicates.push((first, migration));
            }
            _ => {
                self.files.insert(&migration.version, migration);
            }
        }
    }

    /// The file of the newest version.
    pub fn newest(&self) -> &'a Migration {
        let newest = self.files.values().next_back();
        newest.expect("a line is made for a file that it has")
    }

    /// The highest version below `version` that is applied or is the baseline.
    pub fn predecessor(&self, version: &Version) -> Option<&Version> {
        let applied = self
            .state
            .applied
            .range(..version)
            .next_back()
            .map(|(below, _)| below);
        let baseline = self
            .state
            .baseline
            .as_ref()
            .filter(|baseline| *baseline < version);
        applied.max(baseline)
    }

    /// The version that comes before `version`, whether it is applied or not.
    pub fn before(&self, version: &Version) -> Option<&Version> {
        let file = self.files.range::<Version, _>(..version).next_back();
        let file = file.map(|(below, _)| *below);
        file.max(self.predecessor(version))
    }

    /// What was applied and has no file, below the newest file. (Above it, the store is newer.)
    pub fn missing(&self) -> impl Iterator<Item = (&Version, &Applied)> {
        let below = self.state.applied.range(..&self.newest().version);
        below.filter(|(version, _)| !self.files.contains_key(version))
    }

    /// Reports two files for one version.
    pub fn check_duplicates(&self, findings: &mut Findings<'_>) {
        for (first, other) in &self.duplicates {
            let other = other.file.display().to_string();
            findings.add(*first, Matter::Duplicate { other });
        }
    }

    /// Reports data that is newer than every file: of the app, or of a collection of it.
    pub fn check_newer(&self, recorded: &Recorded, findings: &mut Findings<'_>) {
        if let Some(version) = self.state.version() {
            self.check_version(version, None, findings);
        }
        for (name, collection) in &recorded.collections {
            if let Some(newest) = &collection.newest
                && collection.app == *self.app
            {
                self.check_version(newest, Some(name), findings);
            }
        }
    }

    /// Reports one version that is newer than every file.
    pub fn check_version(
        &self,
        version: &Version,
        collection: Option<&Name>,
        findings: &mut Findings<'_>,
    ) {
        let newest = self.newest();
        if *version <= newest.version {
            return;
        }
        let matter = Matter::NewerStore {
            newest: newest.version.clone(),
            newest_file: newest.file.display().to_string(),
            collection: collection.cloned(),
            is_beyond_app: self.state.version() < Some(version),
        };
        findings.add(Subject::version(self.app, version, ""), matter);
    }
}

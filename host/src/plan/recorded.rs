//! What planning is told of a store.

use std::collections::BTreeMap;

use crate::model::{AppState, Name, Retreat, Run, RunId, Version};

/// What a store has recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// What is applied, by app.
    pub apps: BTreeMap<Name, AppState>,
    /// The collections there are.
    pub collections: BTreeMap<Name, CollectionState>,
    /// The runs that cannot be undone, or not before others, with what takes them back instead.
    pub without_undo: BTreeMap<RunId, Option<Retreat>>,
    /// The run that is neither completed nor undone, if there is one.
    pub unfinished: Option<Run>,
}

impl Recorded {
    /// How what a run has done is taken back; `None` where there is no way.
    pub(super) fn retreat(&self, run: RunId) -> Option<Retreat> {
        match self.without_undo.get(&run) {
            Some(instead) => instead.clone(),
            None => Some(Retreat::Undo(run)),
        }
    }
}

/// What a store knows of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionState {
    /// The app that it belongs to.
    pub app: Name,
    /// The highest version that an item ever had.
    pub newest: Option<Version>,
    /// The lowest version among the items that wait to be brought up to date.
    pub oldest_behind: Option<Version>,
    /// How many items wait to be brought up to date.
    pub behind: u64,
}

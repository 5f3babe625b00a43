//! What planning is told of a store.

use std::collections::BTreeMap;

use crate::model::{AppState, Name, Retreat, Run, RunId, Version};

/// What a store has recorded.
///
/// ```
/// use godwit::model::{AppState, Version};
/// use godwit::plan::Recorded;
///
/// let state = AppState {
///     baseline: Some(Version::new(1, 0, 0)),
///     ..AppState::default()
/// };
/// let mut recorded = Recorded::default();
/// recorded.apps.insert("notes".parse()?, state);
/// assert!(recorded.apps["notes"].version().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use godwit::model::Version;
/// use godwit::plan::CollectionState;
///
/// let notes = CollectionState {
///     app: "notes".parse()?,
///     newest: Some(Version::new(2, 0, 0)),
///     oldest_behind: Some(Version::new(1, 0, 0)),
///     behind: 3,
/// };
/// assert!(notes.oldest_behind < notes.newest);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

//! What was applied when, and what follows from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Counts, Digest, Name, Phase, RunId, Timestamp, Version};

/// One fact of a store's past. Facts are added and never changed.
///
/// ```
/// use godwit::model::{Entry, Event, Timestamp, Version};
///
/// let entry = Entry {
///     number: 1,
///     at: Timestamp(0),
///     app: "notes".parse()?,
///     version: Version::new(1, 0, 0),
///     event: Event::Baseline,
/// };
/// assert_eq!(serde_json::to_value(&entry)?["event"], "baseline");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Entry {
    /// Its place in the store's history, from 1.
    pub number: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The app.
    pub app: Name,
    /// The version that the fact is about.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub version: Version,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened to a version of an app.
///
/// ```
/// use godwit::model::{Event, Phase, RunId};
///
/// let event = Event::Undone {
///     phase: Phase::Offline,
///     run: RunId(3),
/// };
/// let text = serde_json::to_string(&event)?;
/// assert_eq!(text, r#"{"event":"undone","phase":"offline","run":3}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Event {
    /// Existing items were declared to have this version.
    Baseline,
    /// A phase of its migration was carried out on everything.
    Applied {
        /// The phase.
        phase: Phase,
        /// The version before.
        #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
        from: Option<Version>,
        /// The migration's digest.
        digest: Digest,
        /// The migration's file.
        file: String,
        /// The run that did it.
        run: RunId,
        /// What became of the items, over all steps of the phase.
        counts: Counts,
        /// How many items were accepted to stay in quarantine.
        accepted: u64,
    },
    /// Items of this version's quarantine were migrated by a mended migration.
    Mended {
        /// The mended migration's digest; from now on it is not taken for drift.
        digest: Digest,
        /// The run that did it.
        run: RunId,
    },
    /// The file of its migration was taken for the one that was applied, by name and for a reason.
    Repaired {
        /// The file's digest; from now on it is not taken for drift.
        digest: Digest,
        /// The file.
        file: String,
        /// Why, in the operator's words.
        reason: String,
    },
    /// A phase was taken back by its migration's own way back.
    Reverted {
        /// The phase.
        phase: Phase,
        /// The run that took it back.
        run: RunId,
    },
    /// A phase that was taken back is applied again, since the run that took it back was undone.
    Reinstated {
        /// The phase.
        phase: Phase,
        /// The run that had taken it back.
        run: RunId,
    },
    /// A phase was undone.
    Undone {
        /// The phase.
        phase: Phase,
        /// The run that had applied it.
        run: RunId,
    },
}

/// All facts of a store, in order.
///
/// ```
/// use godwit::model::{Entry, Event, History, Timestamp, Version};
///
/// let history = History(vec![Entry {
///     number: 1,
///     at: Timestamp(0),
///     app: "notes".parse()?,
///     version: Version::new(1, 0, 0),
///     event: Event::Baseline,
/// }]);
/// let apps = history.apps();
/// assert_eq!(apps["notes"].version(), Some(&Version::new(1, 0, 0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(pub Vec<Entry>);

impl History {
    /// What is applied now, by app.
    pub fn apps(&self) -> BTreeMap<Name, AppState> {
        let mut apps: BTreeMap<Name, AppState> = BTreeMap::new();
        for entry in &self.0 {
            apps.entry(entry.app.clone()).or_default().add(entry);
        }
        apps
    }
}

/// What is applied to an app.
///
/// ```
/// use godwit::model::{AppState, Phase, Version};
///
/// let state = AppState {
///     baseline: Some(Version::new(1, 0, 0)),
///     ..AppState::default()
/// };
/// assert_eq!(state.version(), Some(&Version::new(1, 0, 0)));
/// assert!(state.has(&Version::new(1, 0, 0), Phase::Offline));
/// assert!(!state.has(&Version::new(2, 0, 0), Phase::Offline));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppState {
    /// The version that existing items were declared to have.
    pub baseline: Option<Version>,
    /// The migrations applied, at least their offline phase.
    pub applied: BTreeMap<Version, Applied>,
    /// The migrations that were applied and then taken back by their own way back, as they were last.
    pub reverted: BTreeMap<Version, Applied>,
}

/// A migration that was applied.
///
/// ```
/// use godwit::model::{AppState, Applied, Digest, Phase, RunId, Version};
///
/// let mut applied = Applied::default();
/// applied.phases.insert(Phase::Offline, RunId(3));
/// applied.digests.push(Digest::of(b"the file"));
/// let mut state = AppState::default();
/// state.applied.insert(Version::new(2, 0, 0), applied);
/// assert!(state.has(&Version::new(2, 0, 0), Phase::Offline));
/// assert!(!state.has(&Version::new(2, 0, 0), Phase::Online));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The phases carried out, each with the run that did it.
    pub phases: BTreeMap<Phase, RunId>,
    /// The digests of the files that were used, the first one first.
    pub digests: Vec<Digest>,
    /// The file's name at that time.
    pub file: String,
}

impl AppState {
    /// The app's version: the highest one applied (its offline phase, at least), or the baseline.
    pub fn version(&self) -> Option<&Version> {
        self.applied
            .keys()
            .next_back()
            .into_iter()
            .chain(&self.baseline)
            .max()
    }

    /// Whether a phase of a version's migration is applied, or lies at or below the baseline.
    pub fn has(&self, version: &Version, phase: Phase) -> bool {
        let applied = self.applied.get(version);
        applied.is_some_and(|applied| applied.phases.contains_key(&phase))
            || self
                .baseline
                .as_ref()
                .is_some_and(|baseline| version <= baseline)
    }

    /// The migrations applied above a version, the newest first.
    ///
    /// ```
    /// use godwit::model::{AppState, Applied, Version};
    ///
    /// let mut state = AppState::default();
    /// for major in 1..=3 {
    ///     let version = Version::new(major, 0, 0);
    ///     state.applied.insert(version, Applied::default());
    /// }
    /// let one = Version::new(1, 0, 0);
    /// let above = state.applied_above(&one).map(|(version, _)| version.major);
    /// assert_eq!(above.collect::<Vec<_>>(), [3, 2]);
    /// ```
    pub fn applied_above(&self, version: &Version) -> impl Iterator<Item = (&Version, &Applied)> {
        let applied = self.applied.iter().rev();
        applied.take_while(move |(known, _)| *known > version)
    }

    fn add(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Baseline => self.baseline = Some(entry.version.clone()),
            Event::Applied {
                phase,
                digest,
                file,
                run,
                ..
            } => {
                let applied = self.applied.entry(entry.version.clone()).or_default();
                applied.phases.insert(*phase, *run);
                applied.digests.retain(|known| known != digest);
                applied.digests.push(*digest);
                applied.file.clone_from(file);
            }
            Event::Mended { digest, .. } | Event::Repaired { digest, .. } => {
                if let Some(applied) = self.applied.get_mut(&entry.version) {
                    applied.digests.push(*digest);
                }
            }
            Event::Reverted { phase, .. } => {
                shift(
                    &mut self.applied,
                    &mut self.reverted,
                    &entry.version,
                    *phase,
                );
            }
            Event::Reinstated { phase, .. } => {
                shift(
                    &mut self.reverted,
                    &mut self.applied,
                    &entry.version,
                    *phase,
                );
            }
            Event::Undone { phase, .. } => {
                if let Some(applied) = self.applied.get_mut(&entry.version) {
                    applied.phases.remove(phase);
                    if applied.phases.is_empty() {
                        self.applied.remove(&entry.version);
                    }
                }
            }
        }
    }
}

/// Moves a phase of a migration, with what is known of its file.
fn shift(
    from: &mut BTreeMap<Version, Applied>,
    to: &mut BTreeMap<Version, Applied>,
    version: &Version,
    phase: Phase,
) {
    let Some(known) = from.get_mut(version) else {
        return;
    };
    let Some(run) = known.phases.remove(&phase) else {
        return;
    };
    let moved = to.entry(version.clone()).or_default();
    moved.phases.insert(phase, run);
    moved.digests.clone_from(&known.digests);
    moved.file.clone_from(&known.file);
    if known.phases.is_empty() {
        from.remove(version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: &str, event: Event) -> Entry {
        let app = "notes".parse().unwrap();
        Entry {
            number: 0,
            at: Timestamp(0),
            app,
            version: version.parse().unwrap(),
            event,
        }
    }

    fn applied(version: &str, phase: Phase) -> Entry {
        let event = Event::Applied {
            phase,
            from: None,
            digest: Digest::of(version.as_bytes()),
            file: String::new(),
            run: RunId(1),
            counts: Counts::default(),
            accepted: 0,
        };
        entry(version, event)
    }

    #[test]
    fn the_version_is_the_highest_applied_or_the_baseline() {
        let mut facts = vec![entry("1.0.0", Event::Baseline)];
        let version = |facts: &[Entry]| {
            let apps = History(facts.to_vec()).apps();
            apps["notes"].version().unwrap().to_string()
        };
        assert_eq!(version(&facts), "1.0.0");
        facts.push(applied("2.0.0", Phase::Offline));
        facts.push(applied("10.0.0", Phase::Offline));
        assert_eq!(version(&facts), "10.0.0");
        facts.push(entry(
            "10.0.0",
            Event::Undone {
                phase: Phase::Offline,
                run: RunId(1),
            },
        ));
        assert_eq!(version(&facts), "2.0.0");
    }

    #[test]
    fn what_is_reverted_is_not_applied_until_it_is_reinstated() {
        let mut facts = vec![
            entry("1.0.0", Event::Baseline),
            applied("2.0.0", Phase::Offline),
            applied("2.0.0", Phase::Online),
        ];
        let state = |facts: &[Entry]| History(facts.to_vec()).apps()["notes"].clone();
        let before = state(&facts);
        let run = RunId(2);
        for phase in [Phase::Online, Phase::Offline] {
            facts.push(entry("2.0.0", Event::Reverted { phase, run }));
        }
        assert_eq!(state(&facts).version(), Some(&Version::new(1, 0, 0)));
        assert_eq!(state(&facts).applied.len(), 0);
        for phase in [Phase::Offline, Phase::Online] {
            facts.push(entry("2.0.0", Event::Reinstated { phase, run }));
        }
        assert_eq!(state(&facts), before);
    }

    #[test]
    fn phases_are_remembered_apart() {
        let facts = History(vec![
            entry("1.0.0", Event::Baseline),
            applied("2.0.0", Phase::Offline),
        ]);
        let state = &facts.apps()["notes"];
        let two = Version::new(2, 0, 0);
        assert!(state.has(&two, Phase::Offline));
        assert!(!state.has(&two, Phase::Online));
        assert!(state.has(&Version::new(1, 0, 0), Phase::Online));
    }
}

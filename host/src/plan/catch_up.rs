//! Items that wait to be brought up to date with what is applied to their collection.

use std::collections::BTreeMap;

use crate::model::{Name, Source, Stage, Step, Version};

use super::Recorded;
use super::due::{Due, phases};
use super::lines::Line;

/// The collections of an app that have items behind, each with the lowest version among those
/// (`None`: there is no telling, so they go through everything).
pub(super) struct Waiting<'r>(BTreeMap<&'r Name, Option<&'r Version>>);

impl<'r> Waiting<'r> {
    /// What is recorded.
    pub fn of(app: &Name, recorded: &'r Recorded) -> Self {
        let collections = recorded.collections.iter();
        let waiting = collections.filter(|(_, state)| state.app == *app && state.behind > 0);
        Self(
            waiting
                .map(|(name, state)| (name, state.oldest_behind.as_ref()))
                .collect(),
        )
    }

    /// Whether items have to go through `version`.
    pub fn need(&self, version: &Version) -> bool {
        self.0.values().any(|oldest| *oldest < Some(version))
    }

    fn feed(&self, version: &Version, step: &Step) -> bool {
        self.0
            .get(step.work.collection())
            .is_some_and(|oldest| *oldest < Some(version))
    }

    /// The version that items behind come from when they reach `version`.
    fn origin(&self, line: &Line<'_>, version: &Version) -> Option<Version> {
        let oldest = self
            .0
            .values()
            .filter(|oldest| **oldest < Some(version))
            .min();
        oldest
            .copied()
            .flatten()
            .max(line.predecessor(version))
            .cloned()
    }
}

/// The stages that bring them up to date: what is applied above their versions, without what
/// changes no item.
pub(super) fn catch_up(line: &Line<'_>, waiting: &Waiting<'_>) -> Vec<Stage> {
    let needed = line
        .files
        .iter()
        .filter(|(version, _)| waiting.need(version));
    let mut stages = Vec::new();
    for (version, migration) in needed {
        for phase in phases(migration).filter(|phase| line.state.has(version, *phase)) {
            let due = Due {
                migration,
                phase,
                from: waiting.origin(line, version),
            };
            stages.extend(due.parts(&Source::Behind, |_, step| waiting.feed(version, step)));
        }
    }
    stages
}

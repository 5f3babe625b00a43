//! How fast a run is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::RunEvent;
use super::report::StepName;
use crate::model::{Clock, Name, Phase, Timestamp, Version};

/// The rate is that of so many milliseconds.
const SPAN: u64 = 30_000;
/// What was read is noted so often, in milliseconds.
const EVERY: u64 = 250;
/// A rate is told once so many milliseconds are known: before, it says little.
const LEAST: u64 = 500;

/// Measures how fast a run is: it is told what happens in it.
#[derive(Debug, Default)]
pub struct Meter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many items each step has read by now.
    read: BTreeMap<Key, u64>,
    /// How many all of them had read at some moments.
    samples: VecDeque<(Timestamp, u64)>,
    waits_for: Vec<String>,
}

type Key = (Name, Version, Phase, Name, Name);

impl Meter {
    /// Takes note of what happens.
    pub fn note(&self, event: &RunEvent, clock: &dyn Clock) {
        let mut state = self.state();
        match event {
            RunEvent::Started { .. } => *state = State::default(),
            RunEvent::StepStarted { step, counts, .. } => {
                state.read.insert(key(step), counts.read);
                state.restart(clock.now());
            }
            RunEvent::Batch { step, counts } => {
                state.read.insert(key(step), counts.read);
                state.sample(clock.now());
            }
            RunEvent::Waiting { reasons } => state.waits_for = reasons.to_vec(),
            RunEvent::GoesOn => {
                state.waits_for.clear();
                state.restart(clock.now());
            }
            _ => {}
        }
    }

    /// How many items a second were read of late, each counted once for every step that read it; `None` where nothing is
    /// known yet.
    pub fn items_per_second(&self, now: Timestamp) -> Option<f64> {
        let state = self.state();
        let (first, before) = *state.samples.front()?;
        let (_, read) = *state.samples.back()?;
        let millis = now.since(first);
        let is_known = millis >= LEAST && read > before && state.waits_for.is_empty();
        is_known.then(|| (read - before) as f64 * 1_000.0 / millis as f64)
    }

    /// Why the run waits; empty where it does not.
    pub fn waits_for(&self) -> Vec<String> {
        self.state().waits_for.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn total(&self) -> u64 {
        self.read.values().sum()
    }

    /// Forgets how fast it was: something else begins.
    fn restart(&mut self, now: Timestamp) {
        self.samples.clear();
        self.samples.push_back((now, self.total()));
    }

    fn sample(&mut self, now: Timestamp) {
        let sample = (now, self.total());
        // The last one moves on until it is far enough from the one before.
        let is_close = |earlier: Option<&(Timestamp, u64)>| {
            earlier.is_some_and(|(time, _)| now.since(*time) < EVERY)
        };
        if self.samples.len() > 1 && is_close(self.samples.iter().rev().nth(1)) {
            self.samples.pop_back();
        }
        self.samples.push_back(sample);
        let is_old = |(time, _): &(Timestamp, u64)| now.since(*time) > SPAN;
        while self.samples.len() > 2 && self.samples.get(1).is_some_and(is_old) {
            self.samples.pop_front();
        }
    }
}

fn key(step: &StepName) -> Key {
    (
        step.app.clone(),
        step.version.clone(),
        step.phase,
        step.step.clone(),
        step.collection.clone(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Counts;

    fn at(millis: u64) -> impl Clock {
        move || Timestamp(millis)
    }

    /// A meter that is told of one step.
    struct Told {
        meter: Meter,
        name: Name,
        version: Version,
    }

    impl Told {
        fn new() -> Self {
            Self {
                meter: Meter::default(),
                name: "notes".parse().unwrap(),
                version: Version::new(2, 0, 0),
            }
        }

        fn step(&self) -> StepName {
            StepName {
                app: self.name.clone(),
                version: self.version.clone(),
                phase: Phase::Offline,
                step: self.name.clone(),
                collection: self.name.clone(),
            }
        }

        fn started(&self, read: u64, millis: u64) {
            let event = RunEvent::StepStarted {
                step: self.step(),
                total: None,
                counts: counts(read),
            };
            self.meter.note(&event, &at(millis));
        }

        fn batch(&self, read: u64, millis: u64) {
            let event = RunEvent::Batch {
                step: self.step(),
                counts: counts(read),
            };
            self.meter.note(&event, &at(millis));
        }

        fn rate(&self, millis: u64) -> Option<f64> {
            self.meter.items_per_second(Timestamp(millis))
        }
    }

    fn counts(read: u64) -> Counts {
        Counts {
            read,
            ..Counts::default()
        }
    }

    #[test]
    fn the_rate_is_that_of_late() {
        let told = Told::new();
        told.started(1_000, 0);
        assert_eq!(
            told.rate(10_000),
            None,
            "what was read before is not counted"
        );
        for second in 1..=100 {
            told.batch(1_000 + second * 10, second * 1_000);
        }
        assert_eq!(told.rate(100_000), Some(10.0));
        for millis in (100_100..=140_000).step_by(100) {
            told.batch(2_000 + (millis - 100_000) / 10, millis);
        }
        let rate = told.rate(140_000).unwrap();
        assert!(
            (rate - 100.0).abs() < 1e-9,
            "{rate}: what is older does not matter"
        );
    }

    #[test]
    fn it_starts_anew_behind_a_pause() {
        let told = Told::new();
        told.started(0, 0);
        told.batch(100, 1_000);
        let reasons = vec!["paused".to_owned()];
        told.meter.note(&RunEvent::Waiting { reasons }, &at(2_000));
        assert_eq!(told.rate(2_000), None);
        assert_eq!(told.meter.waits_for(), ["paused"]);
        told.meter.note(&RunEvent::GoesOn, &at(1_000_000));
        told.batch(110, 1_001_000);
        assert_eq!(told.rate(1_001_000), Some(10.0));
        assert_eq!(told.meter.waits_for(), Vec::<String>::new());
    }
}

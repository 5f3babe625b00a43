//! How fast a run is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::report::StepName;
use super::{Control, Pacing, RunEvent};
use crate::model::{Clock, Name, Phase, Timestamp, Version};

/// The rate is that of so many milliseconds.
const SPAN: u64 = 30_000;
/// What was read is noted so often, in milliseconds.
const EVERY: u64 = 250;
/// A rate is told once so many milliseconds are known: before, it says little.
const LEAST: u64 = 500;

/// Measures how fast a run is: it is told what happens in it.
///
/// ```
/// use godwit::model::{Counts, Timestamp};
/// use godwit::run::{Meter, RunEvent};
///
/// # let name: godwit::model::Name = "notes".parse()?;
/// # let step = godwit::run::StepName {
/// #     app: name.clone(),
/// #     version: "1.0.0".parse()?,
/// #     phase: godwit::model::Phase::Offline,
/// #     step: name.clone(),
/// #     collection: name,
/// # };
/// let meter = Meter::default();
/// let counts = Counts::default();
/// let started = RunEvent::StepStarted { step: step.clone(), total: None, counts };
/// meter.note(&started, &|| Timestamp(0));
/// let counts = Counts { read: 500, ..Counts::default() };
/// meter.note(&RunEvent::Batch { step, counts }, &|| Timestamp(1_000));
/// assert_eq!(meter.items_per_second(Timestamp(1_000)), Some(500.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Meter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many items each step has read by now.
    read: BTreeMap<Key, u64>,
    /// How many all of them had read at some moments.
    samples: VecDeque<(Timestamp, u64)>,
    waits_for: Vec<String>,
    /// What directs the run, if anything does.
    control: Option<Control>,
    /// How fast it may go, as far as that is known here.
    pacing: Pacing,
    /// How fast it would be by what was known before it was paced anew.
    expected: Option<f64>,
    /// How many steps read each item at once; 0 where none was begun.
    at_once: u32,
    /// Whether nothing was read since a step was begun: another one that begins reads the same items.
    is_beginning: bool,
}

type Key = (Name, Version, Phase, Name, Name);

impl Meter {
    /// Takes note of what happens.
    pub fn note(&self, event: &RunEvent, clock: &dyn Clock) {
        let mut state = self.state();
        state.look_at_pacing(clock.now());
        match event {
            RunEvent::Started { .. } | RunEvent::UndoStarted { .. } => {
                let (control, pacing) = (state.control.take(), state.pacing);
                *state = State {
                    control,
                    pacing,
                    ..State::default()
                };
            }
            RunEvent::StepStarted { step, counts, .. } => {
                state.begin();
                state.read.insert(key(step), counts.read);
                state.restart(clock.now());
            }
            RunEvent::StepDone { .. } => (state.at_once, state.is_beginning) = (0, false),
            RunEvent::Batch { step, counts } => {
                state.is_beginning = false;
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

    /// Takes note of what directs the run: it is told to be no faster than that lets it be.
    ///
    /// ```
    /// use godwit::run::{Control, Meter};
    /// # use godwit::model::{Counts, Timestamp};
    /// # use godwit::run::RunEvent;
    ///
    /// # let name: godwit::model::Name = "notes".parse()?;
    /// # let step = godwit::run::StepName {
    /// #     app: name.clone(),
    /// #     version: "1.0.0".parse()?,
    /// #     phase: godwit::model::Phase::Offline,
    /// #     step: name.clone(),
    /// #     collection: name,
    /// # };
    /// let (meter, control) = (Meter::default(), Control::default());
    /// control.pace(|pacing| pacing.items_per_second = std::num::NonZeroU32::new(100));
    /// meter.directed_by(&control);
    /// # let started = RunEvent::StepStarted { step: step.clone(), total: None, counts: Counts::default() };
    /// # meter.note(&started, &|| Timestamp(0));
    /// # let counts = Counts { read: 500, ..Counts::default() };
    /// # meter.note(&RunEvent::Batch { step, counts }, &|| Timestamp(1_000));
    /// // A step has read 500 items within a second: it will not go on like that.
    /// assert_eq!(meter.items_per_second(Timestamp(1_000)), Some(100.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn directed_by(&self, control: &Control) {
        let mut state = self.state();
        (state.control, state.pacing) = (Some(control.clone()), control.pacing());
    }

    /// How many items a second were read of late, each counted once for every step that read it, or may be read from now on,
    /// where it was told to go slower since; `None` where nothing is known yet.
    pub fn items_per_second(&self, now: Timestamp) -> Option<f64> {
        let mut state = self.state();
        state.look_at_pacing(now);
        if !state.waits_for.is_empty() {
            return None;
        }
        let rate = state.measured(now).or(state.expected)?;
        Some(state.most().map_or(rate, |most| rate.min(most)))
    }

    /// Why the run waits; empty where it does not.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::run::{Meter, RunEvent};
    ///
    /// let meter = Meter::default();
    /// let reasons = vec!["it is day".to_owned()];
    /// meter.note(&RunEvent::Waiting { reasons }, &|| Timestamp(0));
    /// assert_eq!(meter.waits_for(), ["it is day"]);
    /// ```
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

    /// A step begins: beside those that have just begun, or behind them.
    fn begin(&mut self) {
        self.at_once = if self.is_beginning {
            self.at_once + 1
        } else {
            1
        };
        self.is_beginning = true;
    }

    /// How fast it was of late.
    fn measured(&self, now: Timestamp) -> Option<f64> {
        let (first, before) = *self.samples.front()?;
        let (_, read) = *self.samples.back()?;
        let millis = now.since(first);
        let is_known = millis >= LEAST && read > before;
        is_known.then(|| (read - before) as f64 * 1_000.0 / millis as f64)
    }

    /// How fast it may be at most, where items are counted: each is, once for every step that reads it.
    fn most(&self) -> Option<f64> {
        let items = self.pacing.items_per_second?;
        Some(f64::from(items.get()) * f64::from(self.at_once.max(1)))
    }

    /// Begins to measure anew where it is paced otherwise than before. Until then it is as fast as it was, or by so much
    /// slower as it rests more.
    fn look_at_pacing(&mut self, now: Timestamp) {
        let Some(pacing) = self.control.as_ref().map(Control::pacing) else {
            return;
        };
        if pacing == self.pacing {
            return;
        }
        let share = |pacing: &Pacing| f64::from(pacing.duty.unwrap_or(100));
        let slower = (share(&pacing) / share(&self.pacing)).min(1.0);
        let expected = self.measured(now).or(self.expected);
        // Without what slowed it down it may be any faster: nobody knows by how much.
        let is_bound = self.most().is_some();
        let may_be_faster = slower == 1.0 && is_bound && pacing.items_per_second.is_none();
        self.restart(now);
        self.expected = expected
            .filter(|_| !may_be_faster)
            .map(|rate| rate * slower);
        self.pacing = pacing;
    }

    /// Forgets how fast it was: something else begins.
    fn restart(&mut self, now: Timestamp) {
        self.samples.clear();
        self.expected = None;
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
    fn nothing_is_told_to_be_faster_than_it_may_be() {
        let told = Told::new();
        let control = Control::default();
        told.meter.directed_by(&control);
        told.started(0, 0);
        told.batch(4_000, 1_000);
        assert_eq!(told.rate(1_000), Some(4_000.0));
        let at_most = |items| move |pacing: &mut Pacing| pacing.items_per_second = items;
        control.pace(at_most(std::num::NonZeroU32::new(1_000)));
        assert_eq!(told.rate(1_001), Some(1_000.0), "at once");
        // What was in flight is committed in no time.
        told.batch(8_000, 2_000);
        assert_eq!(told.rate(2_000), Some(1_000.0));
        control.pace(at_most(None));
        assert_eq!(told.rate(2_001), None, "nobody knows how fast it is");
        told.batch(10_000, 3_001);
        assert_eq!(told.rate(3_001), Some(2_000.0));
        control.pace(|pacing| pacing.duty = Some(25));
        assert_eq!(told.rate(3_001), Some(500.0));
        told.batch(10_100, 4_001);
        assert_eq!(told.rate(4_001), Some(100.0), "as soon as it is measured");
    }

    #[test]
    fn steps_that_read_the_same_items_are_faster_together() {
        let told = Told::new();
        let control = Control::default();
        control.pace(|pacing| pacing.items_per_second = std::num::NonZeroU32::new(100));
        told.meter.directed_by(&control);
        told.started(0, 0);
        told.started(0, 0);
        told.batch(1_000, 1_000);
        assert_eq!(told.rate(1_000), Some(200.0));
        told.started(1_000, 1_000);
        told.batch(2_000, 2_000);
        assert_eq!(told.rate(2_000), Some(100.0), "one by itself");
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

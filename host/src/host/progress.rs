//! How far a run is, from what the store has and how fast it was of late.

use std::sync::{Mutex, PoisonError};

use super::{Host, HostError};
use crate::model::{Counts, Name, Run, RunState, Source, Stage, StepWork, Timestamp};
use crate::run::{Observer, RunEvent, RunProgress, StepProgress, step_number};
use crate::store::StoreError;

/// How far a run is, is told so often, in milliseconds.
const EVERY: u64 = 1_000;

impl Host {
    /// How far the run is that this host carries out or that is unfinished; `None` where there is none.
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
    /// match host.progress()? {
    ///     Some(progress) => println!("{} of {} items", progress.read, progress.total),
    ///     None => println!("nothing is under way"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn progress(&self) -> Result<Option<RunProgress>, HostError> {
        let is_current = |_, state| state == RunState::Running;
        let current = match self.store.last_run(&is_current)? {
            Some(run) => Some(run),
            None => match self.unfinished()? {
                Some(run) => Some(run),
                None => self.unfinished_shadow()?,
            },
        };
        current.map(|run| self.progress_of(run)).transpose()
    }

    /// How far a run is.
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
    /// for run in host.store().runs()? {
    ///     let progress = host.progress_of(run)?;
    ///     assert!(progress.steps.iter().all(|step| step.done));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn progress_of(&self, run: Run) -> Result<RunProgress, HostError> {
        let rate = self.meter.items_per_second(self.clock().now());
        let rate = rate.filter(|_| run.state == RunState::Running);
        let seconds = |items: u64| rate.map(|rate| items as f64 / rate);
        let mut steps = Vec::new();
        for (number, stage) in run.plan.stages.iter().enumerate() {
            for (place, step) in stage.steps.iter().enumerate() {
                let progress = self
                    .store
                    .progress_in_all(run.id, step_number(number, place))?;
                let total = match &step.work {
                    _ if progress.done => progress.counts.read,
                    StepWork::Transform { collection, .. } => {
                        self.total(stage, collection, &progress.counts)?
                    }
                    StepWork::Schema(_) => 0,
                };
                steps.push(StepProgress {
                    app: stage.app.clone(),
                    version: stage.version.clone(),
                    phase: stage.phase,
                    step: step.name.clone(),
                    collection: step.work.collection().clone(),
                    done: progress.done,
                    counts: progress.counts,
                    total,
                    seconds_left: seconds(total - progress.counts.read).filter(|_| !progress.done),
                });
            }
        }
        let read = steps.iter().map(|step| step.counts.read).sum();
        let total = steps.iter().map(|step| step.total).sum();
        Ok(RunProgress {
            run: run.id,
            purpose: run.purpose,
            state: run.state,
            is_alive: self.is_alive(&run)?,
            read,
            total,
            items_per_second: rate,
            seconds_left: seconds(total - read),
            waits_for: self.meter.waits_for(),
            steps,
        })
    }

    /// How many items a step is fed, as far as can be told: those that it has read, and those that are left.
    fn total(&self, stage: &Stage, collection: &Name, counts: &Counts) -> Result<u64, StoreError> {
        let tallies = self.store.tallies(collection)?;
        let there = match &stage.source {
            Source::Collection => tallies.items + counts.removed,
            Source::Behind => tallies.waiting + counts.read,
            Source::Quarantine(None) => tallies.open + counts.read,
            Source::Quarantine(Some(items)) => {
                items.iter().filter(|(name, _)| name == collection).count() as u64
            }
            Source::Item(..) => 1,
        };
        Ok(there.max(counts.read))
    }
}

/// An observer that has the host measure how fast a run is, and is told how far it is.
pub(super) struct Metered<'a> {
    host: &'a Host,
    observer: &'a dyn Observer,
    current: Mutex<Option<(Run, Timestamp)>>,
}

impl<'a> Metered<'a> {
    pub(super) fn new(host: &'a Host, observer: &'a dyn Observer) -> Self {
        Self {
            host,
            observer,
            current: Mutex::default(),
        }
    }

    /// How far the run is, if that was not told of late.
    fn due(&self) -> Option<RunProgress> {
        let now = self.host.clock().now();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let (run, told) = current.as_mut()?;
        if now.since(*told) < EVERY {
            return None;
        }
        *told = now;
        // A store that cannot be read has the run itself fail.
        self.host.progress_of(run.clone()).ok()
    }
}

impl Observer for Metered<'_> {
    fn event(&self, event: &RunEvent) {
        self.host.meter.note(event, self.host.clock());
        self.observer.event(event);
        match event {
            RunEvent::Started { run, .. } => {
                let current = self.current.lock();
                let mut current = current.unwrap_or_else(PoisonError::into_inner);
                *current = Some((run.clone(), self.host.clock().now()));
            }
            RunEvent::Batch { .. } => {
                if let Some(progress) = self.due() {
                    self.observer.event(&RunEvent::Progress { progress });
                }
            }
            _ => {}
        }
    }
}

//! A rehearsal: everything that is pending, on a copy that is thrown away.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::{CollectionDigest, Flaw, Host, HostError, SchemaCheck, Verified};
use crate::model::{Name, Operation, Phase, RunState, StepWork, Timestamp, Version};
use crate::plan::Goal;
use crate::run::{ChangedItems, Control, Observer, Quiet, Report, RunEvent, StepName};
use crate::store::{Backend, Commit, Store, StoreError};

/// How many changed items are shown of each collection.
const SAMPLES: usize = 3;
/// How many bytes are copied in one commit, but for a larger entry alone.
const COMMIT_BYTES: usize = 4 << 20;

/// What a rehearsal showed.
///
/// ```
/// # use godwit::{catalogue::*, sandbox::*, store::*};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = Catalogue::new();
/// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
///
/// let rehearsal = host.rehearse(&Goal::default(), &|_, _| None, &Quiet, &Control::default())?;
/// println!("it took {} ms", rehearsal.took);
/// assert!(rehearsal.failures.is_empty() && rehearsal.flaws.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Rehearsal {
    /// What there was: nothing, where it was rehearsed from scratch.
    pub before: Vec<CollectionDigest>,
    /// What there is afterwards.
    pub after: Vec<CollectionDigest>,
    /// What the runs did.
    pub reports: Vec<Report>,
    /// How long each step took.
    pub steps: Vec<StepTime>,
    /// How many milliseconds all of it took.
    pub took: u64,
    /// The bytes that the store takes on disk, before and after; `None` where it keeps nothing there.
    pub disk: Option<(u64, u64)>,
    /// Every item that failed.
    pub failures: Vec<RehearsedFailure>,
    /// Some items as they were and as they are.
    pub samples: Vec<Sample>,
    /// What was verified.
    pub verified: Verified,
    /// What is not as it should be.
    pub flaws: Vec<Flaw>,
    /// Whether a second pass changed nothing; `None`: there was none.
    pub second_pass_is_idle: Option<bool>,
    /// What an undo did not restore; `None`: it was not tried, since it was stopped or a run has no pre-images.
    pub not_restored: Option<Vec<Name>>,
    /// Collections and indexes that schema files ask for and that are not there.
    pub missing: Vec<String>,
}

/// How long a step took.
///
/// ```
/// # fn example(rehearsal: &godwit::Rehearsal) {
/// for time in &rehearsal.steps {
///     println!("{} of {} {} took {} ms", time.step, time.app, time.version, time.took);
/// }
/// # }
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct StepTime {
    /// The app.
    pub app: Name,
    /// The version.
    pub version: Version,
    /// The phase.
    pub phase: Phase,
    /// The step.
    pub step: Name,
    /// Milliseconds.
    pub took: u64,
}

/// An item that failed.
///
/// ```
/// # fn example(rehearsal: &godwit::Rehearsal) {
/// for failure in &rehearsal.failures {
///     println!("{}/{}: {}: {}", failure.collection, failure.id, failure.kind, failure.reason);
/// }
/// # }
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct RehearsedFailure {
    /// The collection.
    pub collection: Name,
    /// The id.
    pub id: String,
    /// The version of the migration.
    pub version: Version,
    /// The kind of fault.
    pub kind: String,
    /// What was said.
    pub reason: String,
}

/// An item as it was and as it is.
///
/// ```
/// # fn example(rehearsal: &godwit::Rehearsal) {
/// for sample in &rehearsal.samples {
///     println!("{}/{}", sample.collection, sample.id);
///     for line in &sample.diff {
///         println!("  {line}");
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// The collection.
    pub collection: Name,
    /// The id.
    pub id: String,
    /// How it has changed, a line for each member; where it appeared or disappeared, one line.
    pub diff: Vec<String>,
}

impl Rehearsal {
    /// Whether nothing is wrong.
    ///
    /// ```
    /// # fn example(rehearsal: &godwit::Rehearsal) -> Result<(), Box<dyn std::error::Error>> {
    /// if !rehearsal.is_good() {
    ///     return Err(format!("{} items failed", rehearsal.failures.len()).into());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_good(&self) -> bool {
        let is_completed = |report: &Report| report.run.state == RunState::Completed;
        self.reports.iter().all(is_completed)
            && self.failures.is_empty()
            && self.verified.done
            && self.flaws.is_empty()
            && self.second_pass_is_idle != Some(false)
            && self.not_restored.as_ref().is_none_or(Vec::is_empty)
            && self.missing.is_empty()
    }
}

/// Copies everything that is live in a store, but for its lease, into an empty one. With `clear_state` what was applied is left
/// behind: each item has the version that it was last written with, and everything behind that is pending.
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
/// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
/// use std::sync::Arc;
/// use godwit::store::{Memory, Store};
///
/// let backend = Arc::new(Memory::new());
/// godwit::copy(host.store(), &*backend, false)?;
/// let copy = Store::new(backend)?;
/// assert!(copy.body(&"notes".parse()?, "first")?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`StoreError`] when one of them fails. What was copied till then is of no use.
pub fn copy(from: &Store, to: &dyn Backend, clear_state: bool) -> Result<(), StoreError> {
    let mut commit = Commit::new();
    let mut failed = None;
    from.each_live(clear_state, &mut |key, value| {
        if commit.len_bytes() + value.len() > COMMIT_BYTES && !commit.is_empty() {
            failed = to.commit(&std::mem::take(&mut commit)).err();
        }
        commit.put(key, &[value]);
        match failed {
            None => ControlFlow::Continue(()),
            Some(_) => ControlFlow::Break(()),
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    to.commit(&commit)
}

impl Host {
    /// Rehearses on this host's own store, which is a copy: carries out what is pending, verifies it, tries a second pass, and
    /// takes everything back. What fails is told, not an error.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// use godwit::plan::Goal;
    /// use godwit::run::{Control, Quiet};
    ///
    /// let rehearsal = host.rehearse(&Goal::default(), &|_, _| None, &Quiet, &Control::default())?;
    /// assert!(rehearsal.is_good());
    /// // Everything was taken back.
    /// assert!(host.store().collections()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError`] when it cannot be carried out: findings forbid a plan, or the store fails.
    pub fn rehearse(
        &self,
        goal: &Goal,
        schema: &SchemaCheck<'_>,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Rehearsal, HostError> {
        let before = self.digests(&[])?;
        let old_size = self.store.backend().size_on_disk()?;
        let started = self.clock().now();
        let timed = Timed {
            host: self,
            observer,
            steps: Mutex::default(),
        };
        let reports = match self.up(goal, &timed, control) {
            Ok(reports) => reports,
            // Its run says why.
            Err(error @ HostError::Run(_)) => self.reports_or(error)?,
            Err(error) => return Err(error),
        };
        let took = self.clock().now().since(started);
        let new_size = self.store.backend().size_on_disk()?;
        let after = self.digests(&[])?;
        let mut flaws = Vec::new();
        let verified = self.verify(&[], schema, &mut |flaw| flaws.push(flaw), control)?;
        let is_completed = |report: &Report| report.run.state == RunState::Completed;
        let is_whole = !control.is_stopped() && reports.iter().all(is_completed);
        let mut rehearsal = Rehearsal {
            failures: self.rehearsed_failures()?,
            samples: self.samples(&reports)?,
            missing: if is_whole {
                self.missing()?
            } else {
                Vec::new()
            },
            steps: timed
                .steps
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .done,
            disk: old_size.zip(new_size),
            before,
            after,
            reports,
            took,
            verified,
            flaws,
            second_pass_is_idle: None,
            not_restored: None,
        };
        if is_whole {
            let again = match self.up(goal, observer, control) {
                // What is left waits for the other phase.
                Err(HostError::Refused(_)) if self.plan(goal)?.waits_for_phase() => Vec::new(),
                again => again?,
            };
            let is_idle = again.is_empty() && self.digests(&[])? == rehearsal.after;
            rehearsal.second_pass_is_idle = Some(is_idle);
        }
        // A run that was begun without pre-images goes on without.
        let can_be_undone = |report: &Report| report.run.has_pre_images;
        if !control.is_stopped() && rehearsal.reports.iter().all(can_be_undone) {
            rehearsal.not_restored = Some(self.take_back(&rehearsal, control)?);
        }
        Ok(rehearsal)
    }

    /// The reports of runs that ended with an error.
    fn reports_or(&self, error: HostError) -> Result<Vec<Report>, HostError> {
        match self.unfinished()? {
            Some(run) => Ok(vec![self.report(run)?]),
            None => Err(error),
        }
    }

    /// Undoes the runs, the last one first, and names the collections that are not what they were.
    fn take_back(&self, rehearsal: &Rehearsal, control: &Control) -> Result<Vec<Name>, HostError> {
        for report in rehearsal.reports.iter().rev() {
            self.undo(report.run.id, ChangedItems::Refuse, &Quiet, control)?;
        }
        let by_name = |digests: &[CollectionDigest]| -> BTreeMap<_, _> {
            let filled = digests.iter().filter(|found| found.items > 0);
            filled
                .map(|found| (found.collection.clone(), found.clone()))
                .collect()
        };
        let (was, is) = (by_name(&rehearsal.before), by_name(&self.digests(&[])?));
        let names = was.keys().chain(is.keys());
        let mut differ: Vec<_> = names
            .filter(|name| was.get(*name) != is.get(*name))
            .cloned()
            .collect();
        differ.sort();
        differ.dedup();
        Ok(differ)
    }

    fn rehearsed_failures(&self) -> Result<Vec<RehearsedFailure>, HostError> {
        let mut failures = Vec::new();
        self.quarantine(false, &mut |collection, id, apart| {
            if let Some(failure) = &apart.failure {
                failures.push(RehearsedFailure {
                    collection: collection.clone(),
                    id: id.to_owned(),
                    version: failure.migration.clone(),
                    kind: failure.kind.clone(),
                    reason: failure.reason.clone(),
                });
            }
        })?;
        Ok(failures)
    }

    fn samples(&self, reports: &[Report]) -> Result<Vec<Sample>, HostError> {
        let mut shown: BTreeMap<Name, usize> = BTreeMap::new();
        let mut samples = Vec::new();
        // A collection of which enough is shown does not end it: others may come behind it.
        self.each_change(reports, &mut |change| {
            let shown = shown.entry(change.collection.clone()).or_default();
            if *shown < SAMPLES {
                *shown += 1;
                let diff = match (&change.before, &change.after) {
                    (None, _) => vec!["+ it is new".to_owned()],
                    (_, None) => vec!["- it is removed".to_owned()],
                    _ => change.diff().iter().map(ToString::to_string).collect(),
                };
                samples.push(Sample {
                    collection: change.collection.clone(),
                    id: change.id.clone(),
                    diff,
                });
            }
            ControlFlow::Continue(())
        })?;
        Ok(samples)
    }

    /// What schema files ask for and is not there, unless a later one takes it away again.
    fn missing(&self) -> Result<Vec<String>, HostError> {
        let collections = self.store.collections()?;
        let mut expected: BTreeMap<Name, BTreeMap<String, bool>> = BTreeMap::new();
        for migration in self.catalogue.migrations() {
            for step in &migration.steps {
                if let StepWork::Schema(operation) = &step.work {
                    let indexes = expected.entry(operation.collection().clone()).or_default();
                    match operation {
                        Operation::CreateCollection { .. } => {}
                        Operation::EnsureIndex { pointer, .. } => {
                            indexes.insert(pointer.clone(), true);
                        }
                        Operation::DropIndex { pointer, .. } => {
                            indexes.insert(pointer.clone(), false);
                        }
                    }
                }
            }
        }
        let mut missing = Vec::new();
        for (collection, indexes) in expected {
            let Some(record) = collections.get(&collection) else {
                missing.push(format!("the collection {collection}"));
                continue;
            };
            for (pointer, is_expected) in indexes {
                let mut ready = record.indexes.iter().filter(|index| index.ready);
                if ready.any(|index| index.pointer == pointer) != is_expected {
                    missing.push(format!("the index on {pointer} of {collection}"));
                }
            }
        }
        Ok(missing)
    }
}

/// Takes the time of each step.
struct Timed<'a> {
    host: &'a Host,
    observer: &'a dyn Observer,
    steps: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    begun: BTreeMap<(Name, Version, Name), Timestamp>,
    done: Vec<StepTime>,
}

impl Observer for Timed<'_> {
    fn event(&self, event: &RunEvent) {
        self.observer.event(event);
        let now = self.host.clock().now();
        let mut times = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let key = |step: &StepName| (step.app.clone(), step.version.clone(), step.step.clone());
        match event {
            RunEvent::StepStarted { step, .. } => {
                times.begun.insert(key(step), now);
            }
            RunEvent::StepDone { step, .. } => {
                let begun = times.begun.remove(&key(step)).unwrap_or(now);
                times.done.push(StepTime {
                    app: step.app.clone(),
                    version: step.version.clone(),
                    phase: step.phase,
                    step: step.step.clone(),
                    took: now.since(begun),
                });
            }
            _ => {}
        }
    }
}

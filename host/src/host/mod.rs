//! The front door: wires the rooms together for whoever embeds Godwit.
//!
//! A [`Host`] has a store, a catalogue and what the library is handed and never asks for: the time,
//! randomness, and who holds leases ([`Surroundings`]).

mod backup;
mod backup_first;
mod backups;
mod busy;
mod changes;
mod clock;
mod documents;
mod down;
mod dry;
mod error;
mod items;
mod newest;
#[cfg(unix)]
mod orders;
mod pages;
mod progress;
mod rehearse;
mod shadow;
#[cfg(unix)]
mod socket;
mod status;
mod tables;
mod undirected;
mod verify;
mod way_in;
mod work;
mod write;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use backup::{Restored, restore};
pub use backup_first::{BackupFirst, BackupWhen};
pub use backups::{FoundBackup, backups_in, new_backup};
pub use busy::Busy;
pub(crate) use busy::is_about;
pub use documents::{Document, Otherwise, Page, Reading, Shape};
pub use down::DownGoal;
pub use dry::{Change, DryGoal, DryRun};
pub use error::{ErrorKind, HostError, with_causes};
pub use rehearse::{Rehearsal, RehearsedFailure, Sample, StepTime, copy};
pub use shadow::{ShadowReport, ShadowStats};
#[cfg(unix)]
pub use socket::{Answer, Request, SocketError};
pub use status::{AppStatus, CollectionStatus, Readiness, Status};
pub use tables::Attachment;
pub use verify::{CollectionDigest, CollectionVerified, Flaw, FlawKind, SchemaCheck, Verified};
pub use way_in::WayIn;
pub use work::{WorkOptions, Worked};
pub use write::ItemWrite;

use documents::Reads;
use progress::Metered;

use crate::catalogue::Catalogue;
use crate::model::{
    Clock, Digest, Event, Grants, Name, Plan, Purpose, Retreat, Run, RunId, RunState, Version,
};
use crate::plan::{self, CollectionState, Finding, Goal, Planned, Policy, Recorded};
use crate::run::{
    ChangedItems, Control, Meter, Observer, Options, Report, RunEvent, Runner, UndoReport, prune,
    undo,
};
use crate::sandbox::Limits;
use crate::store::{Claim, Holder, Lease, ShadowState, Store, StoreError};

/// How long an application's writes wait by default: longer than what is done between two passes of a run, or to switch.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the library is handed: the time, randomness, and who and where it is.
///
/// ```
/// use std::sync::Arc;
/// use godwit::Surroundings;
/// use godwit::model::Timestamp;
///
/// let surroundings = Surroundings {
///     clock: Arc::new(|| Timestamp(1_700_000_000_000)),
///     ..Surroundings::of_this_process()
/// };
/// assert_eq!(surroundings.clock.now(), Timestamp(1_700_000_000_000));
/// ```
#[derive(Clone)]
pub struct Surroundings {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives a random number, for leases and seeds.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Who holds the leases that are taken.
    pub holder: Holder,
    /// Whether a holder's process is known to have ended, so that its lease may be taken over
    /// before it expires.
    pub is_gone: Arc<dyn Fn(&Holder) -> bool + Send + Sync>,
}

/// Brings the items of a store to the versions of a catalogue.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::Surroundings;
/// use godwit::blocking::Host;
/// use godwit::catalogue::Catalogue;
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
/// use godwit::store::{Memory, Store};
///
/// let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// let host = Host::new(store, Catalogue::new(), Surroundings::of_this_process());
/// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
/// assert!(reports.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct Host {
    store: Store,
    catalogue: Arc<Catalogue>,
    surroundings: Surroundings,
    /// What is done about each kind of finding.
    pub policy: Policy,
    /// Which collections migrations may reach beside what they are fed.
    pub grants: Grants,
    /// How runs are carried out.
    pub options: Options,
    /// Whether the store is backed up before [`Host::up`] starts a run.
    pub backup_first: BackupFirst,
    /// How long a lease holds without renewal, in milliseconds.
    pub lease_duration: u64,
    /// For how long [`Host::write`] waits where somebody has the store to himself; 5 s by default.
    pub patience: Duration,
    /// How many bytes of a body [`Host::write`] takes at most: as many as migrations can be fed.
    pub body_bytes: usize,
    /// The folder in which it listens, while it works, to other processes of the machine that direct it: that of the
    /// store.
    pub control_folder: Option<PathBuf>,
    /// Whether the store tells the time itself, as those do that other machines work on, too.
    is_remote: bool,
    meter: Meter,
    reads: Reads,
}

impl Host {
    /// Wires a store and a catalogue together. Where the store tells the time itself ([`Backend::now`](crate::store::Backend::now)),
    /// the host goes by that.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use godwit::Surroundings;
    /// use godwit::blocking::Host;
    /// use godwit::catalogue::Catalogue;
    /// use godwit::store::{Memory, Store};
    ///
    /// let store = Store::new(Arc::new(Memory::new()))?;
    /// let mut host = Host::new(store, Catalogue::new(), Surroundings::of_this_process());
    /// host.options.threads = 4;
    /// assert_eq!(host.store().backend().url(), "memory:");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        store: Store,
        catalogue: impl Into<Arc<Catalogue>>,
        mut surroundings: Surroundings,
    ) -> Self {
        let (is_remote, clock) = clock::clock_of(&store, surroundings.clock);
        surroundings.clock = clock;
        Self {
            is_remote,
            store,
            catalogue: catalogue.into(),
            surroundings,
            policy: Policy::default(),
            grants: Grants::default(),
            options: Options::default(),
            backup_first: BackupFirst::default(),
            lease_duration: Lease::DURATION,
            patience: PATIENCE,
            body_bytes: Limits::default().body_bytes,
            control_folder: None,
            meter: Meter::default(),
            reads: Reads::default(),
        }
    }

    /// The store.
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
    /// let collections = host.store().collections()?;
    /// assert_eq!(collections["notes"].app.as_str(), "notes");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The migrations.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// use godwit::model::Version;
    ///
    /// let newest = host.catalogue().newest(&"notes".parse()?);
    /// assert_eq!(newest, Some(&Version::new(1, 0, 0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What the host was handed.
    ///
    /// ```
    /// # use godwit::{catalogue::*, store::*};
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, Catalogue::new(), godwit::Surroundings::of_this_process());
    /// let now = host.surroundings().clock.now();
    /// println!("{} works at {}", host.surroundings().holder.name, now.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    fn clock(&self) -> &dyn Clock {
        &*self.surroundings.clock
    }

    /// Takes the lease of the store.
    ///
    /// ```
    /// # use godwit::{catalogue::*, store::*};
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, Catalogue::new(), godwit::Surroundings::of_this_process());
    /// use godwit::HostError;
    ///
    /// let lease = host.lease("spring cleaning")?;
    /// assert!(matches!(host.lease("up"), Err(HostError::Lease(_))));
    /// lease.release(host.store())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Lease`] while somebody else holds it, [`HostError::ShadowUnderWay`] while there is a shadow run.
    pub fn lease(&self, purpose: &str) -> Result<Lease, HostError> {
        self.check_no_shadow()?;
        let lease = self.any_lease(purpose)?;
        if let Err(error) = self.check_no_shadow() {
            // It began just before; that the lease is not given back would matter less.
            let _ = lease.release(&self.store);
            return Err(error);
        }
        Ok(lease)
    }

    fn any_lease(&self, purpose: &str) -> Result<Lease, HostError> {
        let claim = Claim {
            holder: self.surroundings.holder.clone(),
            purpose,
            duration: self.lease_duration,
            nonce: (self.surroundings.random)(),
            is_gone: &*self.surroundings.is_gone,
        };
        let mut lease = Lease::acquire(&self.store, self.clock(), &claim)?;
        // Beside a shadow run the application goes on, but for its end.
        let shadow = self.store.shadow()?.filter(|_| self.store.is_shadow());
        if shadow.is_some_and(|shadow| shadow.state == ShadowState::Following) {
            lease.share(&self.store, self.clock().now(), true)?;
        }
        Ok(lease)
    }

    /// What planning is told of the store.
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
    /// use godwit::model::Version;
    ///
    /// let recorded = host.recorded()?;
    /// assert_eq!(recorded.apps["notes"].version(), Some(&Version::new(1, 0, 0)));
    /// assert!(recorded.unfinished.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when it cannot be read.
    pub fn recorded(&self) -> Result<Recorded, HostError> {
        let mut collections = std::collections::BTreeMap::new();
        for (name, record) in self.store.collections()? {
            let behind = self.store.tallies(&name)?.waiting;
            let state = CollectionState {
                app: record.app,
                newest: record.newest,
                oldest_behind: record.oldest_waiting.filter(|_| behind > 0),
                behind,
            };
            collections.insert(name, state);
        }
        let apps = self.store.history()?.apps();
        let runs = self.store.runs()?;
        let retreats = runs.iter().map(|run| (run.id, run.retreat_among(&runs)));
        let without_undo = retreats.filter(|(_, way)| !matches!(way, Some(Retreat::Undo(_))));
        Ok(Recorded {
            apps,
            collections,
            without_undo: without_undo.collect(),
            unfinished: self.unfinished()?,
        })
    }

    /// The run that must be finished or undone before another one may start.
    fn unfinished(&self) -> Result<Option<Run>, StoreError> {
        self.store.last_run(&|purpose, state| {
            let is_seen = purpose != Purpose::Shadow || self.store.is_shadow();
            state == RunState::Undoing
                || (purpose.is_exclusive() && state.is_unfinished() && is_seen)
        })
    }

    /// Plans how to reach a goal.
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
    ///
    /// let planned = host.plan(&Goal::default())?;
    /// assert!(!planned.is_refused());
    /// assert_eq!(planned.plan.stages[0].file, "notes.json");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read. Findings are part of the answer.
    pub fn plan(&self, goal: &Goal) -> Result<Planned, HostError> {
        let migrations = self.catalogue.migrations();
        self.planned(|recorded| plan::plan(migrations, recorded, goal, &self.policy))
    }

    /// A plan with what there is to say about files and grants.
    fn judged(&self, planned: Planned, recorded: &Recorded) -> Planned {
        let missing = plan::missing_grants(&planned.plan, recorded, &self.grants, &self.policy);
        planned.after(self.invalid_files().chain(missing))
    }

    /// The files of the catalogue's folder that are no valid migrations.
    fn invalid_files(&self) -> impl Iterator<Item = Finding> {
        self.catalogue.rejected().iter().map(|rejected| {
            let reason = with_causes(&rejected.reason);
            Finding::invalid_file(&self.policy, &rejected.file, reason)
        })
    }

    /// Reaches a goal: goes on with the unfinished run, then carries out what is pending, behind a backup where
    /// [`Host::backup_first`] says so.
    ///
    /// The last report says how it ended; there is none where nothing was to be done.
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
    /// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
    /// assert!(reports.iter().all(|report| report.is_completed()));
    /// // Nothing is left to be done.
    /// assert!(host.up(&Goal::default(), &Quiet, &Control::default())?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Refused`] with the findings when nothing can be planned, also when all of the phase that is wanted has to wait
    /// for the other one. [`HostError::BackupFirst`] when the backup fails: no run was started then.
    pub fn up(
        &self,
        goal: &Goal,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Vec<Report>, HostError> {
        let observer = &self.metered(observer);
        self.notice_rows()?;
        let planned = self.accepted(self.plan(goal)?)?;
        observer.event(&RunEvent::SettingUp {
            plan: planned.plan.clone(),
        });
        if planned.plan.is_empty() {
            // Whoever works on the store now does something else.
            observer.event(&RunEvent::SetUp);
            return Ok(Vec::new());
        }
        let reports = self.directed_lease("up", control, |lease| {
            let mut reports = Vec::new();
            loop {
                // What was planned before may be done by now: somebody else had the lease.
                let planned = self.plan(goal)?;
                if planned.waits_for_phase() && !reports.is_empty() {
                    return Ok(reports);
                }
                let planned = self.accepted(planned)?;
                if planned.plan.is_empty() {
                    return Ok(reports);
                }
                let report = self.carry_out(lease, &planned, observer, control)?;
                let is_over = planned.resumes.is_none() || report.run.state != RunState::Completed;
                reports.push(report);
                if is_over {
                    return Ok(reports);
                }
            }
        })?;
        let is_set_up = |report: &Report| report.run.state == RunState::Completed;
        if reports.last().is_none_or(is_set_up) {
            observer.event(&RunEvent::SetUp);
        }
        Ok(reports)
    }

    fn carry_out(
        &self,
        lease: &mut Lease,
        planned: &Planned,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Report, HostError> {
        let runner = self.runner(observer, control);
        let plan = planned.plan.clone();
        if let Some(id) = planned.resumes {
            let run = self.store.run(id)?.ok_or(HostError::NoRun(id))?;
            return Ok(runner.go_on(lease, Run { plan, ..run })?);
        }
        let backup = self.back_up_first(lease, observer, control)?;
        let run = self.start(&runner, lease, Purpose::Up, plan, backup)?;
        Ok(runner.carry_out(lease, run)?)
    }

    fn start(
        &self,
        runner: &Runner<'_>,
        lease: &mut Lease,
        purpose: Purpose,
        plan: Plan,
        backup: Option<String>,
    ) -> Result<Run, HostError> {
        // 53 bits: some languages have no integers beyond.
        let seed = (self.surroundings.random)() & ((1 << 53) - 1);
        Ok(runner.start(lease, purpose, plan, seed, backup)?)
    }

    fn runner<'a>(&'a self, observer: &'a dyn Observer, control: &'a Control) -> Runner<'a> {
        Runner {
            store: &self.store,
            catalogue: &self.catalogue,
            clock: self.clock(),
            options: &self.options,
            grants: &self.grants,
            observer,
            control,
            together: None,
        }
    }

    /// Puts back what a run changed, or goes on doing so.
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
    /// use godwit::run::{ChangedItems, Control, Quiet};
    ///
    /// let control = Control::default();
    /// let run = host.up(&Goal::default(), &Quiet, &control)?[0].run.id;
    /// let report = host.undo(run, ChangedItems::Refuse, &Quiet, &control)?;
    /// assert!(report.done);
    /// assert!(host.store().collections()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Run`] when it cannot be undone; nothing was changed then.
    pub fn undo(
        &self,
        run: RunId,
        changed: ChangedItems,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<UndoReport, HostError> {
        let observer = &self.metered(observer);
        self.directed_lease("undo", control, |lease| {
            let (store, clock) = (&self.store, self.clock());
            Ok(undo(store, lease, clock, observer, control, run, changed)?)
        })
    }

    /// Forgets the pre-images of runs, and returns how many there were.
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
    /// use godwit::run::{ChangedItems, Control, Quiet};
    ///
    /// let control = Control::default();
    /// let run = host.up(&Goal::default(), &Quiet, &control)?[0].run.id;
    /// assert!(host.prune(&[run])? > 0);
    /// assert!(host.undo(run, ChangedItems::Refuse, &Quiet, &control).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Run`] when one of the runs does not exist or is unfinished.
    pub fn prune(&self, runs: &[RunId]) -> Result<u64, HostError> {
        self.leased(undirected::PRUNE, |lease| {
            let mut dropped = 0;
            for run in runs {
                dropped += prune(&self.store, lease, self.clock(), *run)?;
            }
            Ok(dropped)
        })
    }

    /// Declares that an app's existing items have a version, so that older migrations never run.
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
    ///
    /// // The notes that are there have this version already.
    /// host.baseline(&"notes".parse()?, &"1.0.0".parse()?)?;
    /// assert!(host.plan(&Goal::default())?.plan.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Baseline`] when the app is at a higher version already, or has a run under way.
    pub fn baseline(&self, app: &Name, version: &Version) -> Result<(), HostError> {
        let refused = |reason: String| HostError::Baseline {
            app: app.clone(),
            reason,
        };
        self.leased(undirected::BASELINE, |lease| {
            if let Some(run) = self.unfinished()? {
                return Err(refused(format!("run {} is {}", run.id, run.state)));
            }
            let apps = self.store.history()?.apps();
            let current = apps.get(app).and_then(|state| state.version());
            if let Some(current) = current.filter(|current| *current >= version) {
                return Err(refused(format!("it is at {current} already")));
            }
            let migrations = self
                .catalogue
                .migrations()
                .iter()
                .filter(|known| known.app == *app);
            if let Some(newest) = migrations
                .map(|known| &known.version)
                .max()
                .filter(|newest| *newest < version)
            {
                return Err(refused(format!(
                    "the newest migration leads to {newest}, below {version}"
                )));
            }
            let now = self.clock().now();
            let mut write = self.store.write(RunId(0), None);
            for (name, mut record) in self.store.collections()? {
                if record.app == *app && record.level.as_ref() < Some(version) {
                    record.level = Some(version.clone());
                    record.newest = record.newest.max(record.level.clone());
                    write.set_collection(&name, record)?;
                }
            }
            write.add_history(now, app, version, Event::Baseline)?;
            Ok(write.commit(lease, now)?)
        })
    }

    /// Has the file of an applied migration taken for the one that was applied, though it has other bytes. The history keeps
    /// the reason; nothing else in it is changed. Gives the digest that holds from now on.
    ///
    /// ```
    /// # use godwit::{Surroundings, blocking::Host, catalogue::*, sandbox::*, store::*};
    /// # let schema = r#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = |schema: &str| {
    /// #     let mut catalogue = Catalogue::new();
    /// #     catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema.as_bytes());
    /// #     Host::new(store.clone(), catalogue, Surroundings::of_this_process())
    /// # };
    /// # host(schema).up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
    /// # let host = host(&format!("{schema}\n"));
    /// use godwit::plan::Goal;
    ///
    /// // The file has other bytes than when it was applied.
    /// assert!(host.plan(&Goal::default())?.is_refused());
    /// host.repair(&"notes".parse()?, &"1.0.0".parse()?, "an editor ended its last line")?;
    /// assert!(!host.plan(&Goal::default())?.is_refused());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Repair`] when the version is not applied, its file is not there, or is the applied one.
    pub fn repair(&self, app: &Name, version: &Version, reason: &str) -> Result<Digest, HostError> {
        let refused = |reason: &str| HostError::Repair {
            app: app.clone(),
            version: version.clone(),
            reason: reason.to_owned(),
        };
        if reason.trim().is_empty() {
            return Err(refused("the history keeps a reason, and there is none"));
        }
        let mut found = self.catalogue.migrations().iter();
        let found = found.find(|known| (&known.app, &known.version) == (app, version));
        let found = found.ok_or_else(|| refused("its file is not among the plugins"))?;
        self.leased(undirected::REPAIR, |lease| {
            let apps = self.store.history()?.apps();
            let applied = apps.get(app).and_then(|state| state.applied.get(version));
            let applied = applied.ok_or_else(|| refused("it is not applied"))?;
            if applied.digests.contains(&found.digest) {
                return Err(refused("its file is the one that was applied"));
            }
            let event = Event::Repaired {
                digest: found.digest,
                file: found
                    .file
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                reason: reason.trim().to_owned(),
            };
            let now = self.clock().now();
            let mut write = self.store.write(RunId(0), None);
            write.add_history(now, app, version, event)?;
            write.commit(lease, now)?;
            Ok(found.digest)
        })
    }

    /// An observer that has the host measure how fast a run is.
    fn metered<'a>(&'a self, observer: &'a dyn Observer) -> Metered<'a> {
        Metered::new(self, observer)
    }

    /// Does something, under the lease of the store, that others may direct meanwhile.
    fn directed_lease<T>(
        &self,
        purpose: &str,
        control: &Control,
        work: impl FnOnce(&mut Lease) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        self.leased(purpose, |lease| {
            self.directed(purpose, control, || work(lease))
        })
    }

    /// Does something that other processes of the machine may direct meanwhile: they reach `control` by way of a
    /// socket in [`Host::control_folder`], and are told the purpose. Whoever calls this holds the lease, for that purpose.
    ///
    /// ```
    /// # use godwit::{catalogue::*, store::*};
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let mut host = godwit::blocking::Host::new(store, Catalogue::new(), godwit::Surroundings::of_this_process());
    /// # let folder = tempfile::tempdir()?;
    /// use godwit::Request;
    /// use godwit::run::Control;
    ///
    /// host.control_folder = Some(folder.path().to_owned());
    /// let control = Control::default();
    /// // Another process would send it.
    /// let answer = host.directed("import", &control, || Request::Cancel.send(folder.path()))?;
    /// assert!(answer.is_stopping && control.is_stopped());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn directed<T>(&self, purpose: &str, control: &Control, work: impl FnOnce() -> T) -> T {
        self.meter.directed_by(control);
        #[cfg(unix)]
        if let Some(folder) = &self.control_folder {
            return std::thread::scope(|scope| {
                let listening = socket::Listening::start(scope, self, folder, purpose, control);
                if let Err(error) = &listening {
                    tracing::warn!(%error, "nobody can direct this from another terminal");
                }
                let result = work();
                drop(listening);
                result
            });
        }
        #[cfg(unix)]
        if self.is_remote {
            let is_cancelled = std::sync::atomic::AtomicBool::new(false);
            return self.obeying(purpose, control, &is_cancelled, work);
        }
        let _ = (purpose, control);
        work()
    }

    /// Does something under the lease of the store, and gives the lease back.
    fn leased<T>(
        &self,
        purpose: &str,
        work: impl FnOnce(&mut Lease) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        self.holding(self.lease(purpose)?, work)
    }

    /// Does something under a lease, and gives it back.
    fn holding<T>(
        &self,
        lease: Lease,
        work: impl FnOnce(&mut Lease) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let mut held = Held {
            lease: Some(lease),
            store: &self.store,
        };
        let lease = held.lease.as_mut().expect("it is given back in the end");
        self.mark_abandoned(lease)?;
        work(lease)
    }

    /// Marks retries whose process died as stopped: nobody will go on with them.
    fn mark_abandoned(&self, lease: &mut Lease) -> Result<(), HostError> {
        for mut run in self.store.runs()? {
            if run.state == RunState::Running && !run.purpose.is_exclusive() {
                run.state = RunState::Stopped;
                run.reason = Some("its process ended; start it again".to_owned());
                let mut write = self.store.write(run.id, None);
                write.set_run(&run);
                write.commit(lease, self.clock().now())?;
            }
        }
        Ok(())
    }

    fn accepted(&self, planned: Planned) -> Result<Planned, HostError> {
        if planned.is_refused() || planned.waits_for_phase() {
            return Err(HostError::Refused(planned.findings));
        }
        Ok(planned)
    }
}

/// A lease that is given back however what is done under it ends, also in a panic.
struct Held<'a> {
    lease: Option<Lease>,
    store: &'a Store,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(lease) = self.lease.take() else {
            return;
        };
        // A store of the embedder's own may panic, perhaps for the second time: this may be on the way out of the first one.
        let released = catch_unwind(AssertUnwindSafe(|| lease.release(self.store)));
        let failure = match released {
            Ok(Ok(())) => return,
            Ok(Err(error)) => with_causes(&error),
            Err(_) => "the store panicked".to_owned(),
        };
        // What cannot be given back expires; the result matters more.
        tracing::warn!(failure, "the lease could not be given back and will expire");
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// What a unit test begins with: an empty store, and an application of one version.
#[cfg(test)]
fn of_notes() -> Host {
    let schema = br#"{"app": "notes", "version": "1.0.0",
        "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    let mut catalogue = Catalogue::new();
    let engine = crate::sandbox::Engine::new(Limits::default());
    catalogue.add(&engine, "notes.json".into(), schema);
    let store = Store::new(Arc::new(crate::store::Memory::new())).expect("it is new");
    Host::new(store, catalogue, Surroundings::of_this_process())
}

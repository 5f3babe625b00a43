//! Runs migrations on made-up worlds, under the limits that hold in production.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::World;
use crate::catalogue::{Catalogue, Rejected, RejectedError};
use crate::host::{Host, HostError, Surroundings};
use crate::model::{
    Counts, Event, FailureKind, Granted, Grants, Migration, Name, RunId, StepWork, Timestamp,
    Version, VersionReq,
};
use crate::plan::Goal;
use crate::run::{Control, MaxFailures, Observer, Options, RunEvent};
use crate::sandbox::{Component, Engine, LogLine};
use crate::store::{
    Claim, Collection, Holder, Lease, LeaseError, Memory, Store, StoreError, Visit,
};

/// When every trial is started, in milliseconds since 1970: a migration that looks at the time sees
/// the same in each.
const STARTED_AT: Timestamp = Timestamp(1_700_000_000_000);

/// Migrations under test.
///
/// ```
/// use godwit::kit::Subject;
/// use godwit::sandbox::{Engine, Limits};
///
/// let schema = br#"{"app": "notes", "version": "2.0.0",
///     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
/// let files = [("notes.json".into(), schema.to_vec())];
/// let subject = Subject::load(&Engine::new(Limits::default()), files)?;
/// let migration = &subject.migrations()[0];
/// assert_eq!(migration.app.as_str(), "notes");
/// assert!(subject.component(migration).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Subject {
    catalogue: Arc<Catalogue>,
    engine: Engine,
}

/// A way in which a migration cannot be tried.
///
/// ```
/// use godwit::kit::{Subject, TrialError};
/// use godwit::sandbox::{Engine, Limits};
///
/// let files = [("notes.wasm".into(), b"no component".to_vec())];
/// let error = Subject::load(&Engine::new(Limits::default()), files).unwrap_err();
/// assert!(matches!(error, TrialError::Rejected { .. }));
/// assert_eq!(error.to_string(), "notes.wasm is not a migration");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// Occurs when a file is not a migration.
    #[error("{} is not a migration", file.display())]
    Rejected {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        reason: RejectedError,
    },
    /// Occurs when no version is known that a migration can start from.
    #[error(
        "no version was found below {version} that meets `{requires}`; say which one to start from"
    )]
    NoStart {
        /// The migration's version.
        version: Version,
        /// What it requires.
        requires: VersionReq,
    },
    /// Occurs when the run cannot be planned or fails as a whole.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Occurs when the items cannot be put into a store in memory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Occurs when they cannot be written there.
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

/// How a trial is carried out. It makes no difference to a migration that is right.
///
/// ```
/// use godwit::kit::Feeding;
///
/// let one_by_one = Feeding { batch_items: 1, ..Feeding::default() };
/// assert_eq!(one_by_one.threads, 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feeding {
    /// How many items are fed at once.
    pub batch_items: usize,
    /// How many threads transform.
    pub threads: usize,
}

impl Default for Feeding {
    fn default() -> Self {
        Self {
            batch_items: Options::default().batch_items,
            threads: 1,
        }
    }
}

/// What came of a trial.
///
/// ```
/// # use godwit::kit::Subject;
/// # use godwit::sandbox::{Engine, Limits};
/// # let schema = br#"{"app": "notes", "version": "2.0.0",
/// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
/// # let files = [("notes.json".into(), schema.to_vec())];
/// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// # let mut world = godwit::kit::World::new();
/// # world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
/// # let from = godwit::model::Version::new(1, 0, 0);
/// # let migration = &subject.migrations()[0];
/// # let bench = godwit::kit::Bench { subject: &subject, migration, from: &from };
/// use godwit::kit::{Feeding, Trial};
///
/// let trial: Trial = bench.run(&world, Feeding::default())?;
/// assert!(trial.failed.is_empty());
/// assert_eq!(trial.counts.failed, 0);
/// assert_eq!(trial.left.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trial {
    /// What was left.
    pub left: World,
    /// The items that failed, by collection and id.
    pub failed: Vec<Failed>,
    /// What became of the items, over all steps.
    pub counts: Counts,
    /// What the migration wrote for the operator.
    pub log: Vec<LogLine>,
}

/// An item that failed.
///
/// ```
/// use godwit::kit::Failed;
///
/// let failed = Failed {
///     collection: "notes".parse()?,
///     id: "first".to_owned(),
///     kind: "refused".to_owned(),
///     reason: "it has no title".to_owned(),
/// };
/// assert!(!failed.is_fault());
/// assert_eq!(failed.to_string(), "notes/first: refused: it has no title");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failed {
    /// Its collection.
    pub collection: Name,
    /// Its id.
    pub id: String,
    /// In which way: the name of a [`crate::model::FailureKind`].
    pub kind: String,
    /// What was said.
    pub reason: String,
}

impl Trial {
    /// What was left, without the items that failed: those keep their old shape.
    ///
    /// ```
    /// use godwit::kit::{Failed, Trial, World};
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let mut left = World::new();
    /// left.insert(&notes, "first", b"{}".to_vec())?;
    /// left.insert(&notes, "second", b"{}".to_vec())?;
    /// let failed = Failed {
    ///     collection: notes.clone(),
    ///     id: "first".to_owned(),
    ///     kind: "refused".to_owned(),
    ///     reason: "it has no title".to_owned(),
    /// };
    /// let trial = Trial { left, failed: vec![failed], ..Trial::default() };
    /// assert!(trial.migrated().body(&notes, "first").is_none());
    /// assert_eq!(trial.migrated().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn migrated(&self) -> World {
        self.left.without(self.failed.iter().map(Failed::place))
    }

    /// What the migration wrote for the operator, as an author reads it: the last lines.
    ///
    /// ```
    /// use godwit::kit::Trial;
    /// use godwit::sandbox::{LogLevel, LogLine};
    ///
    /// let line = LogLine {
    ///     level: LogLevel::Warn,
    ///     message: "no title".to_owned(),
    ///     item: Some("first".to_owned()),
    ///     is_printed: false,
    /// };
    /// let trial = Trial { log: vec![line], ..Trial::default() };
    /// assert_eq!(trial.log_told().as_deref(), Some("it logged:\n  warn first: no title"));
    /// assert_eq!(Trial::default().log_told(), None);
    /// ```
    pub fn log_told(&self) -> Option<String> {
        const MOST: usize = 20;
        let before = self.log.len().saturating_sub(MOST);
        let mut told = vec!["it logged:".to_owned()];
        if before > 0 {
            told.push(format!("  ({before} lines before)"));
        }
        let lines = self.log[before..].iter();
        told.extend(lines.map(|line| format!("  {line}")));
        (!self.log.is_empty()).then(|| told.join("\n"))
    }
}

impl Failed {
    /// Whether the migration faulted on it; otherwise it refused the item, as it may.
    pub fn is_fault(&self) -> bool {
        self.kind != FailureKind::Refused.name()
    }

    /// Whether it took the whole time that a batch may take, as a loop without an end does.
    ///
    /// ```
    /// use godwit::kit::Failed;
    ///
    /// let failed = Failed {
    ///     collection: "notes".parse()?,
    ///     id: "first".to_owned(),
    ///     kind: "timed out".to_owned(),
    ///     reason: "it took longer than 5 s".to_owned(),
    /// };
    /// assert!(failed.is_fault() && failed.is_out_of_time());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_out_of_time(&self) -> bool {
        self.kind == FailureKind::TimedOut.name()
    }

    /// Its collection and id.
    pub fn place(&self) -> (&Name, &str) {
        (&self.collection, &self.id)
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            collection,
            id,
            kind,
            reason,
        } = self;
        write!(f, "{collection}/{id}: {kind}: {reason}")
    }
}

impl Subject {
    /// Loads migrations.
    ///
    /// # Errors
    /// [`TrialError::Rejected`] when one of the files is none.
    pub fn load(
        engine: &Engine,
        files: impl IntoIterator<Item = (PathBuf, Vec<u8>)>,
    ) -> Result<Self, TrialError> {
        let mut catalogue = Catalogue::new();
        for (file, bytes) in files {
            catalogue.add(engine, file, &bytes);
        }
        if !catalogue.rejected().is_empty() {
            let Rejected { file, reason } = catalogue.into_rejected().remove(0);
            return Err(TrialError::Rejected { file, reason });
        }
        Ok(Self {
            catalogue: Arc::new(catalogue),
            engine: engine.clone(),
        })
    }

    /// The migrations, by app and version.
    pub fn migrations(&self) -> &[Migration] {
        self.catalogue.migrations()
    }

    /// The component of a migration; a schema has none.
    pub fn component(&self, migration: &Migration) -> Option<&Component> {
        self.catalogue.component(&migration.digest)
    }

    /// The engine that it was loaded with.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A version that a migration can start from: the lowest one that its requirement names.
    ///
    /// ```
    /// use godwit::kit::Subject;
    /// use godwit::model::Version;
    /// use godwit::sandbox::{Engine, Limits};
    ///
    /// let schema = br#"{"app": "notes", "version": "2.0.0", "requires": ">=1, <2",
    ///     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
    /// let files = [("notes.json".into(), schema.to_vec())];
    /// let subject = Subject::load(&Engine::new(Limits::default()), files)?;
    /// let start = Subject::start_of(&subject.migrations()[0])?;
    /// assert_eq!(start, Version::new(1, 0, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrialError::NoStart`] when none is found.
    pub fn start_of(migration: &Migration) -> Result<Version, TrialError> {
        let Some(requires) = &migration.requires else {
            let first = Version::new(0, 0, 1);
            return Ok(first.min(below(&migration.version)));
        };
        let is_good = |version: &Version| requires.matches(version) && *version < migration.version;
        candidates(requires)
            .find(is_good)
            .ok_or_else(|| TrialError::NoStart {
                version: migration.version.clone(),
                requires: requires.clone(),
            })
    }

    /// Puts a world of an app at a version into a store in memory, brings it to another version (or as
    /// far as the migrations go), and tells what is left. Whatever fails is accepted.
    ///
    /// ```
    /// # use godwit::kit::Subject;
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "2.0.0",
    /// #     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
    /// # let files = [("notes.json".into(), schema.to_vec())];
    /// # let subject = Subject::load(&Engine::new(Limits::default()), files)?;
    /// use godwit::kit::{Feeding, World};
    /// use godwit::model::{Name, Version};
    ///
    /// let notes: Name = "notes".parse()?;
    /// let mut world = World::new();
    /// world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
    /// let from = Version::new(1, 0, 0);
    /// let trial = subject.run(&notes, &from, None, &world, Feeding::default())?;
    /// assert!(trial.failed.is_empty());
    /// assert_eq!(trial.left, world, "an index changes no item");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrialError`] when the run cannot be planned or fails as a whole.
    pub fn run(
        &self,
        app: &Name,
        from: &Version,
        to: Option<&Version>,
        world: &World,
        feeding: Feeding,
    ) -> Result<Trial, TrialError> {
        let mut levels = self.dependencies(app);
        levels.push((app.clone(), from.clone()));
        let host = self.host(world.store(app, from, &levels)?, app, feeding);
        let listener = Listener::default();
        let goal = Goal {
            app: Some(app.clone()),
            to: to.cloned(),
            phase: None,
        };
        let mut trial = Trial::default();
        // A run that is gone on with tells of all that it has done.
        let mut counts = BTreeMap::new();
        loop {
            let reports = host.up(&goal, &listener, &Control::default())?;
            for report in &reports {
                let mut done = Counts::default();
                report.steps.iter().for_each(|step| done += step.counts);
                counts.insert(report.run.id, done);
            }
            if reports.last().is_none_or(|report| report.open == 0) {
                break;
            }
            let mut open = Vec::new();
            host.quarantine(false, &mut |collection, id, apart| {
                let failure = apart.failure.as_ref();
                open.extend(failure.map(|failure| Failed {
                    collection: collection.clone(),
                    id: id.to_owned(),
                    kind: failure.kind.clone(),
                    reason: failure.reason.clone(),
                }));
            })?;
            let names = open
                .iter()
                .map(|failed| (failed.collection.clone(), failed.id.clone()));
            let names: Vec<_> = names.collect();
            host.accept(&names)?;
            trial.failed.append(&mut open);
        }
        counts.into_values().for_each(|done| trial.counts += done);
        trial.failed.sort();
        trial.left = left(host.store())?;
        trial.log = listener.log.into_inner().unwrap_or_default();
        Ok(trial)
    }

    fn host(&self, store: Store, app: &Name, feeding: Feeding) -> Host {
        let numbers = AtomicU64::new(1);
        let surroundings = Surroundings {
            clock: Arc::new(|| STARTED_AT),
            random: Arc::new(move || numbers.fetch_add(1, Ordering::Relaxed)),
            holder: holder(),
            is_gone: Arc::new(|_| true),
        };
        let mut host = Host::new(store, self.catalogue.clone(), surroundings);
        host.options = Options {
            threads: feeding.threads,
            batch_items: feeding.batch_items,
            max_failures: MaxFailures::Percent(100),
            ..Options::default()
        };
        host.grants = self.all_it_asks(app);
        host
    }

    /// Grants an app's migrations what they ask for: whether they get it is the operator's to say.
    fn all_it_asks(&self, app: &Name) -> Grants {
        let mut granted = Granted::default();
        for migration in self.migrations().iter().filter(|known| known.app == *app) {
            for step in &migration.steps {
                if let StepWork::Transform { reads, writes, .. } = &step.work {
                    granted.read.extend(reads.iter().cloned());
                    granted.write.extend(writes.iter().cloned());
                }
            }
        }
        let mut grants = Grants::default();
        grants.apps.insert(app.clone(), granted);
        grants
    }

    /// Other apps that an app's migrations depend on, at versions that will do.
    fn dependencies(&self, app: &Name) -> Vec<(Name, Version)> {
        let own = self.migrations().iter().filter(|known| known.app == *app);
        let all = own.flat_map(|migration| &migration.depends_on);
        let mut found: Vec<(Name, Version)> = Vec::new();
        for dependency in all {
            let version = candidates(&dependency.versions)
                .find(|version| dependency.versions.matches(version));
            let Some(version) = version else { continue };
            match found.iter_mut().find(|(app, _)| *app == dependency.app) {
                Some((_, known)) if *known < version => *known = version,
                Some(_) => {}
                None => found.push((dependency.app.clone(), version)),
            }
        }
        found
    }
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("migrations", &self.migrations())
            .finish_non_exhaustive()
    }
}

fn holder() -> Holder {
    Holder {
        name: "a trial".to_owned(),
        process: None,
    }
}

impl World {
    /// A store in memory that has these items, in collections of an app, at a version; and what versions
    /// apps have.
    ///
    /// ```
    /// use godwit::kit::World;
    /// use godwit::model::{Name, Version};
    ///
    /// let (notes, version): (Name, _) = ("notes".parse()?, Version::new(1, 0, 0));
    /// let mut world = World::new();
    /// world.insert(&notes, "first", b"{}".to_vec())?;
    /// let store = world.store(&notes, &version, &[(notes.clone(), version.clone())])?;
    /// assert_eq!(store.body(&notes, "first")?, Some(b"{}".to_vec()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TrialError::Store`] when a body is too large for a store.
    pub fn store(
        &self,
        app: &Name,
        version: &Version,
        levels: &[(Name, Version)],
    ) -> Result<Store, TrialError> {
        let store = Store::new(Arc::new(Memory::new()))?;
        let claim = Claim {
            holder: holder(),
            purpose: "trial",
            duration: Lease::DURATION,
            nonce: 0,
            is_gone: &|_| true,
        };
        let clock = || STARTED_AT;
        let mut lease = Lease::acquire(&store, &clock, &claim)?;
        let mut write = store.write(RunId(0), None);
        for (collection, items) in self.collections() {
            let record = Collection::new(app.clone(), Some(version.clone()));
            write.set_collection(collection, record)?;
            for (id, body) in items {
                let new = Some((version, body.as_slice().into()));
                write.set_item(collection, id, None, new, Visit::Once)?;
            }
        }
        for (app, version) in levels {
            write.add_history(STARTED_AT, app, version, Event::Baseline)?;
        }
        write.commit(&mut lease, STARTED_AT)?;
        lease.release(&store)?;
        Ok(store)
    }
}

/// A version below another one, if there is one.
fn below(version: &Version) -> Version {
    match (version.major, version.minor, version.patch) {
        (0, 0, patch) => Version::new(0, 0, patch.saturating_sub(1)),
        (0, minor, 0) => Version::new(0, minor - 1, 0),
        (major, 0, 0) => Version::new(major - 1, 0, 0),
        (major, minor, 0) => Version::new(major, minor - 1, 0),
        (major, minor, patch) => Version::new(major, minor, patch - 1),
    }
}

/// Versions that a requirement may be about: those that it names, and those just above.
fn candidates(requires: &VersionReq) -> impl Iterator<Item = Version> {
    let named = requires.comparators.iter().map(|named| Version {
        pre: named.pre.clone(),
        ..Version::new(
            named.major,
            named.minor.unwrap_or(0),
            named.patch.unwrap_or(0),
        )
    });
    let named: Vec<_> = named.collect();
    let above = named.clone().into_iter().flat_map(|version| {
        let Version {
            major,
            minor,
            patch,
            ..
        } = version;
        [
            Version::new(major, minor, patch + 1),
            Version::new(major, minor + 1, 0),
            Version::new(major + 1, 0, 0),
            below(&version),
        ]
    });
    let first = [
        Version::new(0, 0, 1),
        Version::new(0, 1, 0),
        Version::new(1, 0, 0),
    ];
    let mut all: Vec<_> = named.into_iter().chain(above).chain(first).collect();
    all.sort();
    all.into_iter()
}

fn left(store: &Store) -> Result<World, TrialError> {
    let mut world = World::new();
    for (collection, _) in store.collections()? {
        let items = world.collection(&collection);
        store.each_item(&collection, None, &mut |id, record| {
            items.insert(id.to_owned(), record.body.to_vec());
            std::ops::ControlFlow::Continue(())
        })?;
    }
    Ok(world)
}

/// Remembers what a migration wrote for the operator.
#[derive(Default)]
struct Listener {
    log: std::sync::Mutex<Vec<LogLine>>,
}

impl Observer for Listener {
    fn event(&self, event: &RunEvent) {
        if let RunEvent::Log { lines, .. } = event
            && let Ok(mut log) = self.log.lock()
        {
            log.extend_from_slice(lines);
        }
    }
}

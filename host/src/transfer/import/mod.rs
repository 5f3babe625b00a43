//! Importing: lines into a collection, batch by batch.
//!
//! A batch becomes one commit together with the import's checkpoint, so that an import that was
//! killed goes on where it was. Without a checkpoint it may be repeated: items that are there with
//! the same body and version are left alone.

mod bad;
mod batch;
mod checkpoint;
mod identify;
mod lines;
mod place;
mod settings;
mod target;
mod versions;
mod way_in;
mod work;

use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

/// The id of a document: what is at a pointer, a text or an integer.
///
/// ```
/// use godwit::transfer::{Pointer, identify};
///
/// let pointer: Pointer = "/_id".parse()?;
/// assert_eq!(identify(br#"{"_id": "first"}"#, &pointer)?, "first");
/// assert_eq!(identify(br#"{"_id": 7}"#, &pointer)?, "7");
/// assert!(identify(b"{}", &pointer).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Why it has none: it is not JSON, or there is nothing that can be an id.
pub fn identify(body: &[u8], pointer: &super::Pointer) -> Result<String, BadLineReason> {
    match identify::identify(body, pointer) {
        Ok((_, id)) => Ok(id),
        Err((_, reason)) => Err(reason),
    }
}

pub use bad::{BadLine, BadLineReason, Difference};
pub use settings::{ImportSettings, OnExisting};
pub use target::level;
pub use way_in::{FailedOnTheWay, Hurdle, Waiting, WayIn};

use crate::model::{Clock, Name, Run, Version};
use crate::run::{Control, MaxFailures, RunError};
use crate::store::{Lease, LeaseError, Store, StoreError};
use work::Work;

/// Brings lines into a collection of a store.
///
/// ```
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let host = godwit::Host::builder().backend(backend).open_blocking()?;
/// # let host = host.blocking();
/// use godwit::run::Control;
/// use godwit::transfer::{ImportSettings, Importer};
///
/// let version = Some("1.0.0".parse()?);
/// let settings = ImportSettings::new("notes".parse()?, "notes".parse()?, version);
/// let mut lease = host.lease("import")?;
/// let importer = Importer {
///     store: host.store(),
///     clock: &*host.surroundings().clock,
///     settings: &settings,
///     way_in: None,
///     control: &Control::default(),
///     observer: &|_| {},
/// };
/// let mut input = &b"{\"_id\": 1}\n{\"_id\": 2}\n"[..];
/// assert_eq!(importer.import(&mut lease, &mut input)?.counts.created, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Importer<'a> {
    /// The store.
    pub store: &'a Store,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// What is imported, and how.
    pub settings: &'a ImportSettings,
    /// What brings items of older versions up to their collection before they are written; `None`: they wait in it for
    /// `godwit up`.
    pub way_in: Option<&'a dyn WayIn>,
    /// How an import is asked to stop: it commits the batch in hand first.
    pub control: &'a Control,
    /// Is told after each commit how far the import has come.
    pub observer: &'a dyn Fn(&ImportCounts),
}

impl Importer<'_> {
    /// Imports every line of `input`, or goes on where an import of the same source left off.
    ///
    /// Lines that cannot be imported are reported, not an error.
    ///
    /// # Errors
    /// [`ImportError`] when the import cannot go on; what was committed stays.
    pub fn import(
        &self,
        lease: &mut Lease,
        input: &mut dyn BufRead,
    ) -> Result<ImportReport, ImportError> {
        Work::start(self, lease, input)?.carry_out()
    }
}

/// How many lines were read, and what became of them.
///
/// `lines` is always the sum of `created`, `replaced`, `kept`, `present`, `removed`, `blank` and `bad`. `migrated` and `waiting`
/// tell of those that were written, `created` or `replaced`, and `failed` of those that wait.
///
/// ```
/// use godwit::transfer::ImportCounts;
///
/// let mut counts = ImportCounts { lines: 2, created: 2, ..ImportCounts::default() };
/// counts += ImportCounts { lines: 1, blank: 1, ..ImportCounts::default() };
/// assert_eq!((counts.lines, counts.created, counts.blank), (3, 2, 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportCounts {
    /// Lines read.
    pub lines: u64,
    /// Bytes read, unpacked, with line endings.
    pub bytes: u64,
    /// Items that are new.
    pub created: u64,
    /// Items that were there and have the line's body and version now.
    pub replaced: u64,
    /// Items that were there with another body or version and were kept, as asked.
    pub kept: u64,
    /// Items that were there already with the same body and version.
    pub present: u64,
    /// Items that a migration removed on their way in, so that nothing is there.
    #[serde(default)]
    pub removed: u64,
    /// Lines with nothing on them.
    pub blank: u64,
    /// Lines that were not imported.
    pub bad: u64,
    /// Items that were brought up to the version of their collection on their way in.
    #[serde(default)]
    pub migrated: u64,
    /// Items that wait to be brought up to it by `godwit up`.
    #[serde(default)]
    pub waiting: u64,
    /// Items that wait because they failed a migration on their way in.
    #[serde(default)]
    pub failed: u64,
}

impl std::ops::AddAssign for ImportCounts {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.created += other.created;
        self.replaced += other.replaced;
        self.kept += other.kept;
        self.present += other.present;
        self.removed += other.removed;
        self.blank += other.blank;
        self.bad += other.bad;
        self.migrated += other.migrated;
        self.waiting += other.waiting;
        self.failed += other.failed;
    }
}

/// What an import has done, with what it did before it was interrupted.
///
/// ```
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let host = godwit::Host::builder().backend(backend).open_blocking()?;
/// # let host = host.blocking();
/// # use godwit::transfer::{ImportSettings, Importer};
/// # let settings = ImportSettings::new("notes".parse()?, "notes".parse()?, Some("1.0.0".parse()?));
/// # let mut lease = host.lease("import")?;
/// # let importer = Importer {
/// #     store: host.store(),
/// #     clock: &*host.surroundings().clock,
/// #     settings: &settings,
/// #     way_in: None,
/// #     control: &godwit::run::Control::default(),
/// #     observer: &|_| {},
/// # };
/// let mut input = &b"{\"_id\": 1}\nno JSON\n"[..];
/// let report = importer.import(&mut lease, &mut input)?;
/// assert!(report.done);
/// assert_eq!((report.counts.created, report.counts.bad), (1, 1));
/// assert_eq!(report.bad_lines[0].line, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Whether the end was reached; otherwise it was stopped.
    pub done: bool,
    /// How many lines had been imported before; `None` where it started at the first one.
    pub resumed_behind: Option<u64>,
    /// Whether the next import of the same source goes on behind these lines.
    pub can_resume: bool,
    /// What became of the lines.
    pub counts: ImportCounts,
    /// The first of the lines that were not imported; `counts.bad` says how many there are.
    pub bad_lines: Vec<BadLine>,
    /// What items wait for that could have been brought up on their way in, each migration once. Those that failed are not
    /// among them.
    pub hurdles: Vec<Waiting>,
    /// The first of the items that failed a migration on their way in; `counts.failed` says how many there are.
    pub failures: Vec<FailedOnTheWay>,
}

/// Why an import cannot go on. What was committed stays.
///
/// ```
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let host = godwit::Host::builder().backend(backend).open_blocking()?;
/// # let host = host.blocking();
/// use godwit::transfer::{ImportError, ImportSettings, Importer};
///
/// let settings = ImportSettings::new("notes".parse()?, "notes".parse()?, None);
/// # let mut lease = host.lease("import")?;
/// # let importer = Importer {
/// #     store: host.store(),
/// #     clock: &*host.surroundings().clock,
/// #     settings: &settings,
/// #     way_in: None,
/// #     control: &godwit::run::Control::default(),
/// #     observer: &|_| {},
/// # };
/// let mut input = &b"{\"_id\": 1}\n"[..];
/// let imported = importer.import(&mut lease, &mut input);
/// assert!(matches!(imported, Err(ImportError::NoBaseline { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Occurs when somebody else has taken the lease over.
    #[error(transparent)]
    Lease(LeaseError),
    /// Occurs when the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Occurs when the collection belongs to another app.
    #[error("the collection {collection} belongs to {owner}, not to {app}")]
    ForeignCollection {
        /// The collection.
        collection: Name,
        /// The app that it belongs to.
        owner: Name,
        /// The app that was named.
        app: Name,
    },
    /// Occurs when the app has a run that must be finished or undone first.
    #[error("run {} of {app} is {}, and must be finished or taken back first", .run.id, .run.state)]
    UnfinishedRun {
        /// The app.
        app: Name,
        /// The run.
        run: Box<Run>,
    },
    /// Occurs when the app has no version yet, and no version was given for it: those of documents do not say where it
    /// stands.
    #[error(
        "the app {app} has no version yet: a version must be given as the one that it stands at"
    )]
    NoBaseline {
        /// The app.
        app: Name,
    },
    /// Occurs when the version is longer than a version may be.
    #[error("a version has {limit} bytes at most, this one has {bytes}")]
    VersionTooLong {
        /// How long it is.
        bytes: usize,
        /// The longest version.
        limit: usize,
    },
    /// Occurs when the version that was given is above the highest one that an item may have.
    #[error("the version {version} is above {highest}, and no migration of {app} leads there")]
    VersionTooNew {
        /// The app.
        app: Name,
        /// The version.
        version: Version,
        /// The highest one.
        highest: Version,
    },
    /// Occurs when a migration that items are to go through on their way in cannot be carried out.
    #[error("items cannot be brought up to date on their way in")]
    WayIn(#[source] Box<RunError>),
    /// Occurs when an item failed a migration on its way in, and the import is to stop at the first one.
    #[error("{0}")]
    ItemFailed(Box<FailedOnTheWay>),
    /// Occurs when more items failed on their way in than may.
    #[error(
        "{failed} of {tried} items failed on their way in, more than {limit}; the last one: {last}"
    )]
    TooManyFailures {
        /// How many failed.
        failed: u64,
        /// Of how many.
        tried: u64,
        /// The limit.
        limit: MaxFailures,
        /// The last one.
        last: Box<FailedOnTheWay>,
    },
    /// Occurs when the lines that were imported before are not those that come now.
    #[error(
        "the first {lines} lines are not those that were imported before; start over to import them all"
    )]
    SourceChanged {
        /// How many lines had been imported.
        lines: u64,
    },
    /// Occurs when the input fails, or ends in the middle of an archive. Whole lines before were
    /// imported.
    #[error("the input cannot be read behind line {}", .report.counts.lines)]
    Read {
        /// What was imported.
        report: Box<ImportReport>,
        /// What the reader said.
        #[source]
        source: io::Error,
    },
}

impl From<LeaseError> for ImportError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Store(error) => Self::Store(error),
            LeaseError::Held { .. } | LeaseError::Lost { .. } | LeaseError::Written => {
                Self::Lease(error)
            }
        }
    }
}

impl From<RunError> for ImportError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Lease(error) => error.into(),
            RunError::Store(error) => Self::Store(error),
            error => Self::WayIn(Box::new(error)),
        }
    }
}

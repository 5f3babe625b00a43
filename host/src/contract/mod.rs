//! The words spoken with components: one file per contract version, translated to the model.
//!
//! A component says which version it speaks in the names of its exports; [`Speech::of`] reads
//! them before anything is compiled. Exported interfaces never change within a version, imports
//! may grow; so a host knows every component of its own major version that is not newer.

mod printable;
mod speech;
mod v1;

pub use printable::printable;
pub use speech::{Speech, SpeechError, WorldItem};
pub(crate) use v1::{Guest, add_to_linker};

use crate::model::{Batch, Version, item::IdError};

/// The newest contract version that this host speaks. It also speaks the older ones of the same
/// major version.
///
/// ```
/// use godwit::sandbox::{Speech, VERSION};
///
/// # fn example(speech: &Speech) {
/// println!("the component speaks {}, this host up to {VERSION}", speech.contract);
/// # }
/// ```
pub const VERSION: Version = Version::new(1, 0, 0);

/// How severe a line of a component's log is.
///
/// ```
/// use godwit::sandbox::LogLevel;
///
/// assert!(LogLevel::Debug < LogLevel::Info);
/// assert!(LogLevel::Warn < LogLevel::Error);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// For whoever is curious.
    Info,
    /// For the operator, soon.
    Warn,
    /// For the operator, now.
    Error,
}

/// The run that a call belongs to, as a component sees it.
///
/// ```
/// use godwit::model::Version;
/// use godwit::sandbox::Context;
///
/// let context = Context {
///     from_version: Some(Version::new(1, 0, 0)),
///     started_at: 1_750_000_000_000,
///     seed: 7,
/// };
/// assert_eq!(Context::default().from_version, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    /// The app's version before the migration.
    pub from_version: Option<Version>,
    /// When the run was first started, in milliseconds since 1970.
    pub started_at: u64,
    /// Differs from run to run.
    pub seed: u64,
}

/// Why a component is not given what it asked for.
///
/// ```
/// use godwit::model::item::check_id;
/// use godwit::sandbox::Denial;
///
/// let denial = check_id("").map_err(Denial::from).unwrap_err();
/// assert!(matches!(denial, Denial::Invalid(_)));
/// assert_eq!(denial.to_string(), "an id has 1 to 512 bytes, this one has 0");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// Occurs when the step did not ask for the collection, or the operator did not grant it.
    #[error("access to the collection is denied")]
    Denied,
    /// Occurs when a limit of the sandbox is reached.
    #[error("{0}")]
    Limit(String),
    /// Occurs when a name, an id or a body is not valid.
    #[error("{0}")]
    Invalid(String),
    /// Occurs when the host cannot go on with this call; the component is stopped, and whoever
    /// answered knows why.
    #[error("the host stopped the call")]
    Halt,
}

impl From<IdError> for Denial {
    fn from(error: IdError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// Answers what a component imports. Implemented by the sandbox for each of its sessions.
pub(crate) trait Imports: Send + 'static {
    fn log(&mut self, level: LogLevel, message: String, item: Option<String>);
    fn print(&mut self, level: LogLevel, piece: &[u8]);
    fn context(&self) -> Context;
    fn get(&mut self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, Denial>;
    fn scan(&mut self, collection: &str, after: Option<&str>, limit: u32) -> Result<Batch, Denial>;
    fn put(&mut self, collection: &str, id: &str, body: Vec<u8>) -> Result<(), Denial>;
    fn delete(&mut self, collection: &str, id: &str) -> Result<(), Denial>;
}

/// What a component says about itself, as it says it: nothing is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawDescriptor {
    pub app: String,
    pub version: String,
    pub requires: Option<String>,
    pub depends_on: Vec<(String, String)>,
    pub summary: String,
    pub steps: Vec<RawStep>,
}

/// A step, as a component says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawStep {
    pub name: String,
    pub online: bool,
    pub derive: bool,
    pub collection: String,
    pub reads: Vec<String>,
    pub writes: Vec<String>,
}

/// Why a component cannot be started.
#[derive(Debug)]
pub(crate) enum StartError {
    /// It failed while it was instantiated.
    Start(wasmtime::Error),
    /// Its exports are not of the contract's types.
    Exports(wasmtime::Error),
}

/// What a component is asked to do to a batch: the export that is called.
///
/// ```
/// use godwit::sandbox::{Call, Speech};
///
/// # fn example(speech: &Speech) {
/// assert_eq!(Call::default(), Call::Migrate);
/// if speech.has(Call::Revert) {
///     println!("there is a way back");
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Call {
    /// `migrate`, in whichever layout.
    #[default]
    Migrate,
    /// `revert`: the way back.
    Revert,
    /// `verify`: items that are right come back unchanged, others as failed.
    Verify,
}

/// Why an answer to a batch is none.
#[derive(Debug)]
pub(crate) enum AnswerError {
    /// The call itself failed.
    Call(wasmtime::Error),
    /// The answer does not match the batch.
    Reply(crate::model::ReplyError),
    /// A body of the batch is not UTF-8 and the layout is text.
    NotText,
}

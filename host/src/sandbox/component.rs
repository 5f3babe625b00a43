//! A component: checked, compiled, ready to be instantiated.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Component as Code;

use super::cache::{self, Found};
use super::compile::{self, Compiled};
use super::descriptor::{Descriptor, DescriptorError};
use super::{Cache, Compiler, Context, Engine, Fault, Limits, NoDocuments, Session, printable};
use crate::contract::{Speech, SpeechError};
use crate::model::{Batch, Reply};

/// A migration's component, compiled. Cheap to clone.
#[derive(Clone)]
pub struct Component {
    pub(super) engine: Engine,
    pub(super) compiled: Code,
    speech: Arc<Speech>,
    native: Option<NativeCode>,
}

/// What answers batches in the place of a component. There is no sandbox around it.
pub type NativeCode = Arc<dyn Fn(&Batch) -> Reply + Send + Sync>;

/// A way in which a file cannot be loaded as a migration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Occurs when the file is larger than the limit.
    #[error("it has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The file's size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Occurs when the file does not speak the contract.
    #[error(transparent)]
    Speech(#[from] SpeechError),
    /// Occurs when the component cannot be compiled.
    #[error("it cannot be compiled: {0}")]
    Compile(String),
    /// Occurs when the component cannot be linked: an interface has another shape than the
    /// contract's.
    #[error("it cannot be linked: {0}")]
    Link(String),
    /// Occurs when the component fails while it is instantiated.
    #[error("it cannot be instantiated")]
    Instantiate(#[source] Fault),
    /// Occurs when the component fails while it describes itself.
    #[error("it cannot be described")]
    Describe(#[source] Fault),
    /// Occurs when what the component says about itself is not valid.
    #[error("what it says about itself is not valid: {0}")]
    Descriptor(#[from] DescriptorError),
}

impl LoadError {
    /// The error's name, as lists of faults show it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too large",
            Self::Speech(SpeechError::Unsupported { .. }) => "contract version not supported",
            Self::Speech(SpeechError::ImportNotOffered { .. }) => "import not offered",
            Self::Speech(
                SpeechError::NotWasm
                | SpeechError::CoreModule
                | SpeechError::Encode(_)
                | SpeechError::Malformed(_)
                | SpeechError::NotAMigration,
            ) => "not a migration",
            Self::Compile(_) => "cannot be compiled",
            Self::Link(_) => "cannot be linked",
            Self::Instantiate(_) => "cannot be instantiated",
            Self::Describe(_) => "cannot be described",
            Self::Descriptor(_) => "description not valid",
        }
    }
}

impl Component {
    /// Checks and compiles a migration's file: a component, or a core module that carries a
    /// component type. What the engine's cache has is not compiled again.
    ///
    /// # Errors
    /// [`LoadError`] when the file is not a migration that this host can run.
    pub fn load(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        let limit = engine.limits().component_bytes;
        if bytes.len() > limit {
            return Err(LoadError::TooLarge {
                bytes: bytes.len(),
                limit,
            });
        }
        let (compiled, speech) = match engine.cache() {
            Some(cache) => Self::load_cached(engine, cache, bytes)?,
            None => Self::load_new(engine, bytes)?,
        };
        Ok(Self {
            engine: engine.clone(),
            compiled,
            speech: Arc::new(speech),
            native: None,
        })
    }

    /// The same migration, but that batches are answered by a function of the host's own: to measure what the
    /// sandbox costs, and what is left without it.
    pub fn in_native_code(self, code: NativeCode) -> Self {
        Self {
            native: Some(code),
            ..self
        }
    }

    /// What answers batches in its place.
    pub(crate) fn native_code(&self) -> Option<&NativeCode> {
        self.native.as_ref()
    }

    fn load_new(engine: &Engine, bytes: &[u8]) -> Result<(Code, Speech), LoadError> {
        let Compiled { code, speech } = compile(engine, bytes)?;
        Ok((trusted(engine, &code)?, speech))
    }

    fn load_cached(
        engine: &Engine,
        cache: &Cache,
        bytes: &[u8],
    ) -> Result<(Code, Speech), LoadError> {
        let key = cache::key(engine.wasmtime(), bytes);
        if let Some(Found { code, speech }) = cache.find(&key) {
            // SAFETY: the file lies in a folder that nobody else may write to, under a name that says
            // for which engine it was compiled, and has the digest that was noted by whoever wrote it.
            match unsafe { Code::deserialize_file(engine.wasmtime(), &code) } {
                Ok(compiled) => return Ok((compiled, speech)),
                Err(error) => {
                    tracing::warn!(%error, file = %code.display(), "a cached component is of no use");
                    cache.forget(&key);
                }
            }
        }
        let Compiled { code, speech } = compile(engine, bytes)?;
        cache.keep(&key, &code, &speech);
        Ok((trusted(engine, &code)?, speech))
    }

    /// What the component speaks, imports and exports.
    pub fn speech(&self) -> &Speech {
        &self.speech
    }

    /// The most memory that any session of its engine has had, in bytes.
    pub fn peak_memory(&self) -> usize {
        self.engine.peak_memory()
    }

    /// The longest that any session of its engine took for a batch, to a hundredth of a second.
    pub fn longest_batch(&self) -> Duration {
        self.engine.longest_batch()
    }

    /// The longest that a batch may take on the clock: [`Limits::batch`], or more where fuel is metered.
    pub fn batch_limit(&self) -> Duration {
        self.limits().time(self.limits().batch)
    }

    /// The limits that it obeys.
    pub fn limits(&self) -> &Limits {
        self.engine.limits()
    }

    /// Asks the component, in a session of its own, what it is, and whether it says so twice.
    ///
    /// # Errors
    /// [`LoadError`] when it cannot say.
    pub fn describe(&self) -> Result<Descriptor, LoadError> {
        let mut session = Session::<NoDocuments>::start(self)?;
        let mut ask = || {
            let raw = session.describe(Context::default());
            raw.map_err(LoadError::Describe)
        };
        let raw = ask()?;
        if ask()? != raw {
            return Err(DescriptorError::Unsteady.into());
        }
        Ok(Descriptor::check(raw)?)
    }
}

/// The most bytes of what wasmtime says of a component that are kept: it quotes names from it.
const CAUSE_BYTES: usize = 1 << 10;

/// What wasmtime says of a component that is no use, fit to be shown.
pub(super) fn cause(error: &wasmtime::Error) -> String {
    printable(&format!("{error:#}"), CAUSE_BYTES)
}

fn compile(engine: &Engine, bytes: &[u8]) -> Result<Compiled, LoadError> {
    match engine.compiler() {
        Compiler::InProcess => compile::compile(engine.wasmtime(), bytes),
        Compiler::Child(process) => process.compile(engine, bytes),
    }
}

/// Takes code that was compiled just now.
fn trusted(engine: &Engine, code: &[u8]) -> Result<Code, LoadError> {
    // SAFETY: the code comes from wasmtime's compiler, in this process or in one that it started.
    let compiled = unsafe { Code::deserialize(engine.wasmtime(), code) };
    compiled.map_err(|error| LoadError::Compile(cause(&error)))
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("speech", &self.speech)
            .finish_non_exhaustive()
    }
}

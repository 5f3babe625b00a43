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
///
/// ```
/// # fn example(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::sandbox::{Component, Engine, Limits};
///
/// let component = Component::load(&Engine::new(Limits::default()), bytes)?;
/// let descriptor = component.describe()?;
/// println!("{} {}", descriptor.app, descriptor.version);
/// println!("speaks {}", component.speech().contract);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Component {
    pub(super) engine: Engine,
    pub(super) compiled: Code,
    speech: Arc<Speech>,
    native: Option<NativeCode>,
}

/// What answers batches in the place of a component. There is no sandbox around it.
///
/// ```
/// use std::sync::Arc;
///
/// use godwit::model::{Batch, Kind, Reply};
/// use godwit::sandbox::NativeCode;
///
/// let code: NativeCode = Arc::new(|batch: &Batch| {
///     let mut reply = Reply::default();
///     batch.iter().for_each(|(_id, _body)| reply.push(Kind::Unchanged, b""));
///     reply
/// });
/// let mut batch = Batch::default();
/// batch.push("first", b"{}");
/// assert_eq!(code(&batch).kind(0), Kind::Unchanged);
/// ```
pub type NativeCode = Arc<dyn Fn(&Batch) -> Reply + Send + Sync>;

/// A way in which a file cannot be loaded as a migration.
///
/// ```
/// use godwit::sandbox::{Component, Engine, Limits, LoadError};
///
/// let engine = Engine::new(Limits::default());
/// let error = Component::load(&engine, b"no component").unwrap_err();
/// assert!(matches!(error, LoadError::Speech(_)));
/// assert_eq!(error.kind(), "not a migration");
/// assert_eq!(error.to_string(), "it is not WebAssembly");
/// ```
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
    ///
    /// ```
    /// use godwit::sandbox::LoadError;
    ///
    /// let (bytes, limit) = (2_000, 1_000);
    /// assert_eq!(LoadError::TooLarge { bytes, limit }.kind(), "too large");
    /// ```
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
    /// ```
    /// use godwit::sandbox::{Component, Engine, Limits, LoadError};
    ///
    /// let limits = Limits { component_bytes: 4, ..Limits::default() };
    /// let error = Component::load(&Engine::new(limits), b"\0asm\x0d\0\x01\0").unwrap_err();
    /// assert!(matches!(error, LoadError::TooLarge { bytes: 8, limit: 4 }));
    /// ```
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
    ///
    /// ```
    /// # fn example(component: godwit::sandbox::Component) {
    /// use std::sync::Arc;
    ///
    /// use godwit::model::{Batch, Kind, Reply};
    ///
    /// let component = component.in_native_code(Arc::new(|batch: &Batch| {
    ///     let mut reply = Reply::default();
    ///     batch.iter().for_each(|(_id, body)| reply.push(Kind::Updated, body));
    ///     reply
    /// }));
    /// # }
    /// ```
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
    ///
    /// ```
    /// # fn example(component: &godwit::sandbox::Component) {
    /// for import in &component.speech().imports {
    ///     println!("imports {}", import.name);
    /// }
    /// # }
    /// ```
    pub fn speech(&self) -> &Speech {
        &self.speech
    }

    /// The most memory that any session of its engine has had, in bytes.
    ///
    /// ```
    /// # fn example(component: &godwit::sandbox::Component) {
    /// let (used, most) = (component.peak_memory(), component.limits().memory_bytes);
    /// println!("{used} of {most} bytes were used");
    /// # }
    /// ```
    pub fn peak_memory(&self) -> usize {
        self.engine.peak_memory()
    }

    /// The longest that any session of its engine took for a batch, to a hundredth of a second.
    ///
    /// ```
    /// # fn example(component: &godwit::sandbox::Component) {
    /// let left = component.batch_limit().saturating_sub(component.longest_batch());
    /// println!("the slowest batch had {} ms left", left.as_millis());
    /// # }
    /// ```
    pub fn longest_batch(&self) -> Duration {
        self.engine.longest_batch()
    }

    /// The longest that a batch may take on the clock: [`Limits::batch`], or more where fuel is metered.
    ///
    /// ```
    /// # fn example(component: &godwit::sandbox::Component) {
    /// assert!(component.batch_limit() >= component.limits().batch);
    /// # }
    /// ```
    pub fn batch_limit(&self) -> Duration {
        self.limits().time(self.limits().batch)
    }

    /// The limits that it obeys.
    pub fn limits(&self) -> &Limits {
        self.engine.limits()
    }

    /// Asks the component, in a session of its own, what it is, and whether it says so twice.
    ///
    /// ```
    /// # fn example(component: &godwit::sandbox::Component) -> Result<(), godwit::sandbox::LoadError> {
    /// for step in component.describe()?.steps {
    ///     println!("{} over {}", step.name, step.work.collection());
    /// }
    /// # Ok(())
    /// # }
    /// ```
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

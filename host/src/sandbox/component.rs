//! A component: checked, compiled, ready to be instantiated.

use std::sync::Arc;

use super::descriptor::{Descriptor, DescriptorError};
use super::{Context, Engine, Fault, NoDocuments, Session};
use crate::contract::{Speech, SpeechError};

/// A migration's component, compiled. Cheap to clone.
#[derive(Clone)]
pub struct Component {
    pub(super) engine: Engine,
    pub(super) compiled: wasmtime::component::Component,
    speech: Arc<Speech>,
}

/// A way in which a file cannot be loaded as a migration.
#[derive(Debug, thiserror::Error)]
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

impl Component {
    /// Checks and compiles a migration's file: a component, or a core module that carries a
    /// component type.
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
        let bytes = Speech::component(bytes)?;
        let speech = Arc::new(Speech::of(&bytes)?);
        let compiled = wasmtime::component::Component::new(engine.wasmtime(), &bytes)
            .map_err(|error| LoadError::Compile(format!("{error:#}")))?;
        Ok(Self {
            engine: engine.clone(),
            compiled,
            speech,
        })
    }

    /// What the component speaks, imports and exports.
    pub fn speech(&self) -> &Speech {
        &self.speech
    }

    /// Asks the component, in a session of its own, what it is.
    ///
    /// # Errors
    /// [`LoadError`] when it cannot say.
    pub fn describe(&self) -> Result<Descriptor, LoadError> {
        let mut session = Session::<NoDocuments>::start(self)?;
        let raw = session
            .describe(Context::default())
            .map_err(LoadError::Describe)?;
        Ok(Descriptor::check(raw)?)
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("speech", &self.speech)
            .finish_non_exhaustive()
    }
}

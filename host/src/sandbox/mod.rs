//! The locked room: the only one that runs guest code.
//!
//! It narrows wasmtime to what a migration needs: an [`Engine`] with finite [`Limits`], a
//! [`Component`] that was checked and compiled (by a [`Compiler`] in a process of its own, once: a
//! [`Cache`] keeps the code), and a [`Session`], one live instance that is
//! dropped after any [`Fault`]. A session is offered the contract's imports and nothing else; it
//! reaches documents only through the [`Documents`] that the caller hands in.
//!
//! ```
//! # fn example(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! use godwit::model::Batch;
//! use godwit::sandbox::{Component, Context, Engine, Limits, NoDocuments, Session};
//!
//! let component = Component::load(&Engine::new(Limits::default()), bytes)?;
//! let descriptor = component.describe()?;
//! println!("{} {}", descriptor.app, descriptor.version);
//! let mut batch = Batch::default();
//! batch.push("first", br#"{"title": "hello"}"#);
//! let mut session = Session::<NoDocuments>::start(&component)?;
//! let attempt = session.migrate("split-titles", &batch, Context::default(), NoDocuments);
//! assert_eq!(attempt.reply?.len(), batch.len());
//! # Ok(())
//! # }
//! ```

mod cache;
mod closed;
mod compile;
mod component;
mod descriptor;
mod engine;
mod fault;
mod limits;
mod session;
mod state;

pub use cache::{Cache, CacheError, CacheSize};
pub use closed::NotOffered;
pub use compile::{Compiler, CompilerProcess, serve_compiler};
pub use component::{Component, LoadError, NativeCode};
pub use engine::Engine;
pub use fault::{BACKTRACE, Fault};
pub use limits::{DuplicateNames, Limits};
pub use session::{Attempt, Session};
pub use state::{Documents, LogLine, NoDocuments};

pub use crate::contract::{
    Call, Context, Denial, LogLevel, Speech, SpeechError, VERSION, WorldItem, printable,
};
pub use descriptor::{Descriptor, DescriptorError};

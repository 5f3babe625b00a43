//! Items in and out of stores, as JSON a line (NDJSON).
//!
//! An [`Importer`] reads lines into a collection, batch by batch, each with its checkpoint in one
//! commit; bodies are stored exactly as they came. An [`Exporter`] hands a collection out page by
//! page, ordered by id. A [`Generator`] makes items up, the same ones everywhere. The room opens
//! no file, unpacks nothing and prints nothing: it is handed readers and fills buffers.
//!
//! ```
//! # let backend = std::sync::Arc::new(godwit::store::Memory::new());
//! # let host = godwit::Host::builder().backend(backend).open_blocking()?;
//! # let host = host.blocking();
//! use godwit::model::Name;
//! use godwit::run::Control;
//! use godwit::transfer::{Exporter, Generator, ImportSettings, Importer};
//!
//! let notes: Name = "notes".parse()?;
//! let version = Some("1.0.0".parse()?);
//! let settings = ImportSettings::new(notes.clone(), "notes".parse()?, version);
//! let importer = Importer {
//!     store: host.store(),
//!     clock: &*host.surroundings().clock,
//!     settings: &settings,
//!     way_in: None,
//!     control: &Control::default(),
//!     observer: &|_| {},
//! };
//! let mut lines = Vec::new();
//! Generator::new(42, 400).lines(0..3, &mut lines);
//! let mut lease = host.lease("import")?;
//! importer.import(&mut lease, &mut lines.as_slice())?;
//!
//! let mut exported = Vec::new();
//! let mut exporter = Exporter::new(host.store(), &notes, None)?;
//! exporter.write_to(&mut exported, &Control::default(), &|_| {})?;
//! assert_eq!(exported, lines);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod export;
mod generate;
mod import;
mod pointer;

pub use export::{ExportError, ExportReport, Exporter};
pub use generate::{Generator, Shape, UnknownShape};
pub use import::{
    BadLine, BadLineReason, Difference, FailedOnTheWay, Hurdle, ImportCounts, ImportError,
    ImportReport, ImportSettings, Importer, OnExisting, Waiting, WayIn, identify, level,
};
pub use pointer::{Pointer, PointerError};

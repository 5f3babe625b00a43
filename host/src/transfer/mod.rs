//! Items in and out of stores, as JSON a line (NDJSON).
//!
//! An [`Importer`] reads lines into a collection, batch by batch, each with its checkpoint in one
//! commit; bodies are stored exactly as they came. An [`Exporter`] hands a collection out page by
//! page, ordered by id. A [`Generator`] makes items up, the same ones everywhere. The room opens
//! no file, unpacks nothing and prints nothing: it is handed readers and fills buffers.

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

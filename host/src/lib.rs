//! Godwit brings stored documents from one version of an application to the next.
//!
//! Each version's migration is a WebAssembly component, written in any language; the host describes
//! it in a sandbox, plans, feeds it items in batches, and commits results, progress and history
//! together, so that a run can be killed at any instant and goes on as if nothing had happened.
//!
//! ```
//! use std::sync::Arc;
//!
//! use godwit::catalogue::Catalogue;
//! use godwit::model::Timestamp;
//! use godwit::plan::Goal;
//! use godwit::run::{Quiet, Control};
//! use godwit::sandbox::{Engine, Limits};
//! use godwit::store::{Holder, Memory, Store};
//! use godwit::{Host, Surroundings};
//!
//! // What the library is handed and never asks for.
//! let surroundings = Surroundings {
//!     clock: Arc::new(|| Timestamp(1_700_000_000_000)),
//!     random: Arc::new(|| 4),
//!     holder: Holder { name: "an example".to_owned(), process: None },
//!     is_gone: Arc::new(|_| false),
//! };
//! let engine = Engine::new(Limits::default());
//! let mut catalogue = Catalogue::new();
//! let schema = br#"{"app": "notes", "version": "1.0.0",
//!     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
//! catalogue.add(&engine, "notes.json".into(), schema);
//!
//! let host = Host::new(Store::new(Arc::new(Memory::new()))?, catalogue, surroundings);
//! let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
//! assert_eq!(reports.len(), 1);
//! assert_eq!(host.status()?.apps[0].version, Some("1.0.0".parse()?));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! The rooms, from the bottom to the top: [`model`] has the nouns, [`sandbox`] runs components,
//! [`catalogue`] finds migrations, [`plan`] decides, [`store`] keeps, [`run`] does it, [`transfer`]
//! brings items in and out, and [`Host`] wires them together. ARCHITECTURE.md says more.

#![warn(clippy::unwrap_used)]

pub mod catalogue;
mod contract;
mod host;
#[cfg(feature = "kit")]
pub mod kit;
pub mod model;
pub mod plan;
pub mod run;
pub mod sandbox;
pub mod store;
pub mod transfer;

#[cfg(unix)]
pub use host::{Answer, Request, SocketError};
pub use host::{
    AppStatus, BackupFirst, BackupWhen, Change, CollectionDigest, CollectionStatus,
    CollectionVerified, DownGoal, DryGoal, DryRun, ErrorKind, Flaw, FlawKind, Host, HostError,
    ItemWrite, Rehearsal, RehearsedFailure, Restored, Sample, SchemaCheck, ShadowReport,
    ShadowStats, Status, StepTime, Surroundings, Verified, WayIn, copy, restore, with_causes,
};

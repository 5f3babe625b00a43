//! Godwit brings stored documents from one version of an application to the next.
//!
//! Each version's migration is a WebAssembly component, written in any language; the host describes
//! it in a sandbox, plans, feeds it items in batches, and commits results, progress and history
//! together, so that a run can be killed at any instant and goes on as if nothing had happened.
//!
//! ```
//! use godwit::Host;
//! use godwit::plan::Goal;
//!
//! # async fn example(folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! let schema = r#"{"app": "notes", "version": "1.0.0",
//!     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
//! let host = Host::builder().store(folder.join("data")).plugin("notes.json", schema).open().await?;
//! host.up(Goal::default()).await?;
//!
//! let notes = host.collection("notes".parse()?);
//! notes.put("first", r#"{"title": "hello"}"#).await?;
//! assert!(notes.get("first").await?.is_some());
//! # Ok(())
//! # }
//! # let folder = tempfile::tempdir().unwrap();
//! # let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
//! # runtime.block_on(example(folder.path())).unwrap();
//! ```
//!
//! [`Host`] is for servers: it never blocks a task. [`blocking::Host`] is the same for code that may.
//!
//! The rooms, from the bottom to the top: [`model`] has the nouns, [`sandbox`] runs components,
//! [`catalogue`] finds migrations, [`plan`] decides, [`store`] keeps, [`run`] does it, [`transfer`]
//! brings items in and out, [`blocking::Host`] wires them together,
//! and [`Host`] is the door for servers. ARCHITECTURE.md says more.
//!
//! Stable in the sense of semantic versioning are the names at the root of this crate, in [`blocking`] and in `server`, and
//! what they name of other modules. Structs that are handed in are made with `..Default::default()` or by a function, since
//! they may get further fields. Everything else is public for the command line and the tests, and may change with any minor
//! version.

#![warn(clippy::unwrap_used)]

pub mod catalogue;
mod contract;
mod embed;
mod host;
#[cfg(feature = "kit")]
pub mod kit;
pub mod model;
pub mod plan;
pub mod run;
pub mod sandbox;
#[cfg(feature = "server")]
mod serve;
pub mod store;
pub mod transfer;

#[cfg(unix)]
pub use host::{Answer, Request, SocketError};

/// The host for code that may block: scripts, threads of their own, tests. [`crate::Host`] is the same for tasks of tokio.
pub mod blocking {
    pub use crate::host::Host;
}

/// The server: a host over HTTP.
#[cfg(feature = "server")]
pub mod server {
    pub use crate::serve::{
        Access, BadToken, Connections, Problem, Settings, Tls, TlsError, Tokens, listen, router,
        standalone,
    };
}

pub use embed::{Collection, Event, Events, Host, HostBuilder, OpenError, Work};
pub use host::{
    AppStatus, Attachment, BackupFirst, BackupWhen, Busy, Change, CollectionDigest,
    CollectionStatus, CollectionVerified, Document, DownGoal, DryGoal, DryRun, ErrorKind, Flaw,
    FlawKind, FoundBackup, HostError, ItemWrite, Otherwise, Page, Readiness, Reading, Rehearsal,
    RehearsedFailure, Restored, Sample, SchemaCheck, ShadowReport, ShadowStats, Shape, Status,
    StepTime, Surroundings, Verified, WayIn, WorkOptions, Worked, backups_in, copy, new_backup,
    restore, with_causes,
};

//! Doing it: plans become runs, runs change stores.
//!
//! A [`Runner`] carries a run out stage by stage and step by step. A step reads batches ahead,
//! transforms them in sessions on several threads, and commits them in order of ids on the
//! thread that called it: new bodies, writes to other collections, pre-images, quarantine, counts
//! and the checkpoint are one commit, which takes place only while the lease is held. [`undo`]
//! puts back what a run changed. The room never prints; it tells an [`Observer`].
//!
//! ```
//! # let schema = r#"{"app": "notes", "version": "1.0.0",
//! #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
//! # let backend = std::sync::Arc::new(godwit::store::Memory::new());
//! # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
//! # let host = builder.open_blocking()?;
//! # let host = host.blocking();
//! use godwit::plan::Goal;
//! use godwit::run::{ChangedItems, Control, Quiet};
//!
//! let control = Control::default();
//! let reports = host.up(&Goal::default(), &Quiet, &control)?;
//! assert!(reports[0].is_completed());
//! let undone = host.undo(reports[0].run.id, ChangedItems::Refuse, &Quiet, &control)?;
//! assert!(undone.done);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ahead;
mod applied;
mod catch_up;
mod chain;
mod control;
mod crew;
mod down;
mod events;
mod feed;
mod fused;
mod hold;
mod index;
mod judge;
mod leave;
mod meter;
mod options;
mod pace;
mod pipeline;
mod progress;
mod quarantine;
mod ranges;
mod reads;
mod report;
mod runner;
mod schema;
mod settle;
mod shadow;
mod step;
mod stream;
mod threads;
mod timed;
mod transform;
mod undo;
mod view;
mod window;

pub(crate) use applied::{blocked_by, open};
pub use catch_up::{CatchUp, CatchUpStep, CaughtUp, Moment};
pub use control::{Control, Pacing};
pub use crew::Crew;
pub use meter::Meter;
pub use options::{MaxFailures, OnFailure, Options, TIMINGS};
pub use progress::{RunProgress, StepProgress};
pub use quarantine::{accept, list};
pub(crate) use ranges::Helped;
pub use ranges::Together;
pub use report::{Observer, Quiet, Report, RunError, RunEvent, StepName, StepReport};
pub(crate) use runner::granted;
pub use runner::{Runner, step_number};
pub use shadow::Follower;
pub use stream::{Became, Passed, Stream, StreamError};
pub(crate) use threads::STACK_BYTES;
pub(crate) use timed::timed;
pub use undo::{ChangedItems, UndoReport, prune, step_numbers, undo};

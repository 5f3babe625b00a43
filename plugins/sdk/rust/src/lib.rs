//! Write [Godwit](https://github.com/godwit/godwit) migrations in Rust.
//!
//! A migration brings the stored documents of an application to its next version. You write one function on one
//! item and say, in a [`Descriptor`], which collection it is for; the host does the rest: it feeds the items in
//! batches, commits what became of them together with its own progress, and can be killed at any moment.
//!
//! ```
//! use godwit_plugin::{Context, Descriptor, Item, Migration, Outcome, Result, Step, export, json};
//!
//! /// Version 2.0.0 of `notes`: every note has tags.
//! struct Tags;
//!
//! impl Migration for Tags {
//!     fn describe() -> Descriptor {
//!         Descriptor::new("notes", "2.0.0")
//!             .requires(">=1, <2")
//!             .summary("gives every note a list of tags")
//!             .step(Step::rewrite("tags", "notes"))
//!     }
//!
//!     fn migrate(_step: &str, item: &Item<'_>, _context: &Context<'_>) -> Result {
//!         let mut note = item.json()?;
//!         let note_members = note.as_object_mut().ok_or("a note is an object")?;
//!         if note_members.contains_key("tags") {
//!             return Ok(Outcome::Unchanged);
//!         }
//!         note_members.insert("tags".into(), json!([]));
//!         Ok(Outcome::updated(note))
//!     }
//! }
//!
//! export!(Tags);
//!
//! // The same code is tested natively, without WebAssembly:
//! # #[cfg(not(target_arch = "wasm32"))] {
//! use godwit_plugin::testing::Host;
//!
//! let mut host = Host::new().with("notes", r#"{"_id":"a","text":"Grüezi"}"#);
//! let report = host.migrate::<Tags>();
//! assert_eq!(report.updated(), ["a"]);
//! host.assert_holds("notes", r#"{"_id":"a","text":"Grüezi","tags":[]}"#);
//! # }
//! ```
//!
//! # What there is
//!
//! | you want | you use |
//! | --- | --- |
//! | to say what the migration is | [`Descriptor`], [`Step`] |
//! | to read the item | [`Item::json`], [`Item::text`], [`Item::typed`], [`Item::bytes`] |
//! | to edit it without building a tree | [`JsonText`]: set, remove, rename, insert, move, each |
//! | to say what became of it | [`Outcome::Unchanged`], [`Outcome::updated`], [`Outcome::updated_typed`], [`Outcome::Removed`], or an `Err` with the reason |
//! | to read and write other items | [`Context::documents`] |
//! | to tell the operator something | [`Context::info`] and its siblings |
//! | the version it started from, the time, a seed | [`Context::run`] |
//! | to check finished items, to have a way back | [`Verify`], [`Revert`] |
//! | to work on a whole batch | [`Migration::migrate_batch`] |
//! | to test all this | [`testing`](https://docs.rs/godwit-plugin/latest/godwit_plugin/testing/) |
//!
//! # Errors and panics
//!
//! [`Result`] carries any error, so `?` works on everything. An `Err` concerns its item only: the item keeps its old
//! body and goes to the quarantine with the error's text and that of its causes. A panic ends the sandbox; the host
//! then narrows the batch down to the item that panics and puts that one into the quarantine. The panic's message
//! and place are logged before.
//!
//! # What is not touched stays as it is
//!
//! [`Item::text`] gives the body as text that is edited by splicing: every byte that you don't touch stays, and it is
//! several times faster than a tree. A tree is what [`Item::json`] gives:
//!
//! `serde_json` is built with `arbitrary_precision` and `preserve_order`: a number that you don't touch keeps all its
//! digits (`1.10` stays `1.10`, and integers beyond 64 bits stay exact), a member that you don't touch keeps its
//! place. What [`Item::json`] and back may respell are spaces, escapes in text (`\u00e9` becomes `é`), and exponents
//! (`1E5` becomes `1e+5`); of two members with one name the last stays. Two things to know:
//!
//! * [`Map::remove`] moves the *last* member into the gap. Use [`Map::shift_remove`] to keep the order.
//! * A typed struct drops the members that it doesn't name. [`Item::typed`] says how to keep them.
//!
//! # Building
//!
//! The package's `crate-type` is `["cdylib", "rlib"]` (the second for tests); build it with
//! `cargo build --release --target wasm32-unknown-unknown`. The host takes the resulting module as it is.

#![deny(missing_docs)]

mod batch;
#[cfg(target_arch = "wasm32")]
mod component;
mod context;
mod descriptor;
mod documents;
mod export;
mod host_side;
mod item;
mod migration;
mod outcome;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
#[doc(hidden)]
pub mod text;

pub use batch::Batch;
pub use context::{Context, Level, Run};
pub use descriptor::{Dependency, Descriptor, Mode, Phase, Step};
pub use documents::{Documents, DocumentsError, Scan};
pub use item::{BodyError, Item};
pub use migration::{Migration, Result, Revert, Verify};
pub use outcome::{Body, Outcome, Outcomes};
pub use serde_json::{self, Map, Value, json};
pub use text::{EditError, JsonKind, JsonPiece, JsonSlice, JsonText, MAX_DEPTH, SyntaxError};

/// What [`export!`] expands to; not for direct use.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use component::{Component, bindings, reversible, verified};

/// Keeps the README's example compiling.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! A host in memory, to test migrations natively with plain `cargo test`.
//!
//! [`Host`] keeps the promises of the real one: batches that touch themselves are fed again in smaller ones, what a
//! failing item wrote is dropped, a step reaches only the collections that it asked for, a derive step changes
//! nothing that it is fed. Where the real one would report a fault of the migration, this one panics.
//!
//! A migration with files of items before and after is tested in a few lines:
//!
//! ```
//! # use godwit_plugin::{Context, Descriptor, Item, Migration, Outcome, Result, Step};
//! # struct Drafts;
//! # impl Migration for Drafts {
//! #     fn describe() -> Descriptor {
//! #         Descriptor::new("notes", "2.0.0").step(Step::rewrite("drafts", "notes"))
//! #     }
//! #     fn migrate(_: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
//! #         let note = item.json()?;
//! #         if note["draft"] == true { context.info("a draft"); return Ok(Outcome::Removed); }
//! #         note["text"].as_str().ok_or("no text")?;
//! #         Ok(Outcome::Unchanged)
//! #     }
//! # }
//! # const BEFORE: &str = "{\"_id\":\"a\",\"text\":\"x\"}\n{\"_id\":\"b\",\"draft\":true}\n{\"_id\":\"c\"}\n";
//! # const AFTER: &str = "{\"_id\":\"a\",\"text\":\"x\"}\n{\"_id\":\"c\"}\n";
//! use godwit_plugin::testing::Host;
//!
//! let mut host = Host::new().with("notes", BEFORE); // include_str!("../items.before.ndjson")
//! let report = host.migrate::<Drafts>();
//! host.assert_holds("notes", AFTER);
//! assert_eq!(report.removed(), ["b"]);
//! assert_eq!(report.failed(), [("c", "no text")]);
//! assert_eq!(host.log()[0].item.as_deref(), Some("b"));
//! ```

mod descriptor;
mod host;
mod ndjson;
mod report;
mod world;

pub use host::Host;
pub use report::Report;
pub use world::Line;
pub(crate) use world::World;

//! Planning: from migrations and history to a plan, or to the reasons why there is none.
//!
//! [`plan`], [`plan_item`], [`plan_retry`] and [`way_in`] are pure functions: the same arguments give the same
//! answer, in whatever order the catalogue comes. They ask no store, no clock and no file, and a
//! [`Plan`](crate::model::Plan) leaves nothing to decide while it is carried out. Whatever an
//! operator should know is a [`Finding`] that names the file, the version and the way out; which
//! kinds stop everything is the [`Policy`]. One refused finding makes the plan empty.
//!
//! The order of a plan: items that wait to be brought up to date first, then the pending stages.
//! Inside an app a version's offline stage comes before its online stage, and both before the next
//! version. Between apps the dependencies decide, and the apps' names where those say nothing.
//!
//! Those who carry plans out call this room; it knows the model only.
//!
//! ```
//! use godwit::catalogue::Catalogue;
//! use godwit::plan::{Goal, Policy, Recorded, plan};
//! use godwit::sandbox::{Engine, Limits};
//!
//! let schema = br#"{"app": "notes", "version": "1.0.0",
//!     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
//! let mut catalogue = Catalogue::new();
//! catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), schema);
//! let goal = Goal { app: Some("notes".parse()?), ..Goal::default() };
//! let planned = plan(catalogue.migrations(), &Recorded::default(), &goal, &Policy::default());
//! assert!(!planned.is_refused());
//! assert_eq!(planned.plan.stages[0].version.to_string(), "1.0.0");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backlog;
mod catch_up;
mod dependencies;
mod due;
mod finding;
mod findings;
mod goal;
mod grants;
mod graph;
mod item;
mod kind;
mod lines;
mod matter;
mod message;
mod ownership;
mod phases;
mod planned;
mod policy;
mod recorded;
mod requirement;
mod resume;
mod retry;
mod up;
mod way_in;
mod way_out;

#[cfg(test)]
mod tests;

pub use finding::{Finding, Severity, Subject};
pub use goal::{Goal, ItemGoal, RetryGoal};
pub use grants::missing_grants;
pub use item::plan_item;
pub use kind::{Kind, UnknownKind};
pub use matter::{Drift, Exclusion, Matter, Need, OffTarget};
pub use planned::Planned;
pub use policy::{Choice, Policy, PolicyError};
pub use recorded::{CollectionState, Recorded};
pub use requirement::satisfies;
pub use retry::plan_retry;
pub use up::plan;
pub use way_in::{Errand, Hurdle, WayIn, WayInStep, way_in};

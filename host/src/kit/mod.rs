//! What authors of migrations need: packing what a compiler made into a component, bindings for
//! languages that have none, and trials that show what a migration does before it touches data.
//!
//! ```
//! use godwit::kit::{Feeding, Subject, World};
//! use godwit::model::{Name, Version};
//! use godwit::sandbox::{Engine, Limits};
//!
//! let schema = br#"{"app": "notes", "version": "2.0.0",
//!     "operations": [{"ensure_index": {"collection": "notes", "pointer": "/title"}}]}"#;
//! let files = [("notes.json".into(), schema.to_vec())];
//! let subject = Subject::load(&Engine::new(Limits::default()), files)?;
//!
//! let (notes, from): (Name, _) = ("notes".parse()?, Version::new(1, 0, 0));
//! let mut world = World::new();
//! world.read_ndjson(&notes, r#"{"_id": "first", "title": "hello"}"#)?;
//! let trial = subject.run(&notes, &from, None, &world, Feeding::default())?;
//! assert!(trial.left.deviations(&world).is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bindgen;
mod checks;
mod feature;
mod fixture;
mod mutate;
mod pack;
mod schema;
mod subject;
mod world;

pub use bindgen::{BindgenError, Bindings, bindgen};
pub use checks::{Bench, Findings};
pub use feature::{FeatureError, ScenarioResult, run_feature};
pub use fixture::{Expected, Fixture, FixtureError};
pub use pack::{PackError, Packed, pack};
pub use schema::{Schema, SchemaError};
pub use subject::{Failed, Feeding, Subject, Trial, TrialError};
pub use world::{Deviant, Deviation, World, WorldError};

/// The contract's text, as `wit/v1/migration.wit` has it.
///
/// ```
/// assert!(godwit::kit::CONTRACT.contains("package godwit:migration@1.0.0;"));
/// ```
pub const CONTRACT: &str = include_str!("../../wit/v1/migration.wit");

//! What authors of migrations need: packing what a compiler made into a component, bindings for
//! languages that have none, and trials that show what a migration does before it touches data.

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
pub const CONTRACT: &str = include_str!("../../wit/v1/migration.wit");

//! What authors of migrations need: packing what a compiler made into a component, bindings for
//! languages that have none.

mod bindgen;
mod pack;

pub use bindgen::{BindgenError, Bindings, bindgen};
pub use pack::{PackError, Packed, pack};

/// The contract's text, as `wit/v1/migration.wit` has it.
pub const CONTRACT: &str = include_str!("../../wit/v1/migration.wit");

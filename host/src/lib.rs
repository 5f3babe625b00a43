//! Godwit.
pub mod catalogue;
mod contract;
pub mod model;
pub mod plan;
pub mod run;
pub mod sandbox;
pub mod store;

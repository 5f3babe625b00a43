//! Godwit.
mod contract;
pub mod model;
pub mod sandbox;
pub mod store;

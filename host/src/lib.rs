//! Godwit.
pub mod model;
pub mod store;

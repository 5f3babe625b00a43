//! Godwit.
pub mod store;

//! What the tests, harnesses and generators share.

pub mod campaign;
pub mod store_conformance;
pub mod faulty;
pub mod world;

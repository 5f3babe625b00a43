//! What the tests, harnesses and generators share.

pub mod store_conformance;
pub mod faulty;
pub mod world;

//! What the tests, harnesses and generators share.

pub mod campaign;
pub mod cli;
pub mod faulty;
pub mod fuzz;
pub mod hostile;
pub mod made;
pub mod postgres;
pub mod store_conformance;
pub mod world;

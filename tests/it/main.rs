//! The tests, in one binary: it is linked once.

mod store_conformance;
mod transfer;

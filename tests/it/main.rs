//! The tests, in one binary: it is linked once.

mod every_k;
mod kills;
mod leases;
mod results;
mod store_conformance;
mod transfer;

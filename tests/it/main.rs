//! The tests, in one binary: it is linked once.

mod catalogue;
mod cli;
mod contract;
mod every_k;
mod examples;
mod kills;
mod layering;
mod leases;
mod results;
mod store_conformance;
mod transfer;

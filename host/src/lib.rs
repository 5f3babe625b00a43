//! Godwit.
pub mod catalogue;
mod contract;
mod host;
pub mod model;
pub mod plan;
pub mod run;
pub mod sandbox;
pub mod store;
pub mod transfer;

pub use host::{
    AppStatus, Change, CollectionStatus, DryGoal, DryRun, ErrorKind, Host, HostError, Status,
    Surroundings,
};

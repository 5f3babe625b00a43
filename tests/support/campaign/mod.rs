//! Campaigns: what happens to a run whose process is killed, or whose disk loses power, again and
//! again.
//!
//! [`Documents`] are what is migrated: the same ones for the same seed, and some of each kind that
//! is easily got wrong. A migration that appends its version to each of them, and counts, is not
//! idempotent, so that every batch that is lost or carried out twice shows. [`boundary`] checks a
//! store in the middle of a run against its checkpoints, [`Outcome`] holds everything that a store
//! keeps at the end, to be compared with that of a run that nobody disturbed. The oracle is always
//! outside of the store.

pub mod backups;
pub mod boundary;
pub mod disk;
pub mod documents;
pub mod godwit;
pub mod group;
pub mod kills;
pub mod memory;
pub mod orders;
pub mod outcome;
pub mod power;
pub mod process;
pub mod score;
pub mod shadows;
pub mod stores;
pub mod worker;

pub use documents::{Documents, Fate};
pub use outcome::Outcome;

/// What a harness returns: it says what is wrong and ends.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

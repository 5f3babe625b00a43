//! What we keep.
//!
//! A [`Backend`] is an ordered map of bytes with one atomic, conditional write. [`Store`] reads and
//! writes it as items, indexes, tallies, history, runs, pre-images and the lease; a [`Write`]
//! gathers changes and becomes one commit, which takes place only while its [`Lease`] is held. No
//! other room knows a key or a record's bytes.

mod at_once;
mod audit;
mod backend;
mod backup;
mod compressed;
mod error;
mod folder;
mod generations;
mod index;
pub(crate) mod key;
mod lease;
mod lmdb;
mod memory;
mod open_lock;
mod outside;
mod overlay;
mod query;
pub(crate) mod record;
mod shadow;
mod sled;
mod typed;
mod url;
mod write;

pub use at_once::Found;
pub use audit::Audit;
pub use backend::{Backend, Commit, MAX_KEY, Value};
pub use backup::{BackedUp, Backup, BackupError, BackupWriter, Chunk, Manifest};
pub use compressed::Compression;
pub use error::StoreError;
pub(crate) use folder::sync as sync_folder;
pub use lease::{Claim, Holder, Lease, LeaseError};
pub use lmdb::Lmdb;
pub use memory::Memory;
pub use open_lock::OpenLock;
pub use outside::{Outside, OutsideError};
pub use overlay::Overlay;
pub use query::{Matches, index_entry};
pub use record::{Collection, Index, ItemRecord, PreImage, Tallies, UnderWay};
pub use shadow::{Copied, Note, Shadow, ShadowState, Spent};
pub use sled::Sled;
pub use typed::{Store, apart_record, parse_apart};
pub use url::{OpenMode, StoreUrl};
pub use write::{Keeper, Stored, Visit, Write};

//! What we keep.
//!
//! A [`Backend`] is an ordered map of bytes with one atomic, conditional write. [`Store`] reads and
//! writes it as items, indexes, tallies, history, runs, pre-images and the lease; a [`Write`]
//! gathers changes and becomes one commit, which takes place only while its [`Lease`] is held. No
//! other room knows a key or a record's bytes.
//!
//! ```
//! use std::sync::Arc;
//!
//! use godwit::model::{Name, RunId, Timestamp, Version};
//! use godwit::store::{Claim, Collection, Holder, Lease, Memory, Store, Visit};
//!
//! let store = Store::new(Arc::new(Memory::new()))?;
//! let holder = Holder { name: "me".to_owned(), process: None };
//! let claim = Claim {
//!     holder,
//!     purpose: "example",
//!     duration: 15_000,
//!     nonce: 7,
//!     is_gone: &|_| false,
//! };
//! let mut lease = Lease::acquire(&store, &|| Timestamp(0), &claim)?;
//!
//! let (notes, version): (Name, _) = ("notes".parse()?, Version::new(1, 0, 0));
//! let mut write = store.write(RunId(1), None);
//! write.set_collection(&notes, Collection::new("app".parse()?, None))?;
//! write.set_item(&notes, "first", None, Some((&version, b"{}".into())), Visit::Once)?;
//! write.commit(&mut lease, Timestamp(0))?;
//! assert_eq!(store.body(&notes, "first")?, Some(b"{}".to_vec()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
mod orders;
mod outside;
mod overlay;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod ranges;
pub(crate) mod record;
mod relational;
mod shadow;
mod shelf;
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
pub(crate) use lease::WORKER;
pub use lease::{Claim, Holder, Lease, LeaseError};
pub use lmdb::Lmdb;
pub use memory::Memory;
pub use open_lock::OpenLock;
pub(crate) use orders::{Orders, Whose, is_of_orders};
pub use outside::{Outside, OutsideError};
pub use overlay::Overlay;
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
pub use query::{Matches, index_entry};
pub(crate) use ranges::{
    Asked, Engine, RangeLease, Taken, Way, Why, is_of_collection, is_of_item, is_of_ranges,
};
pub use record::{Collection, Index, ItemRecord, PreImage, Tallies, UnderWay};
pub use relational::{Relational, Table};
pub use shadow::{Copied, Note, Shadow, ShadowState, Spent};
pub use sled::Sled;
pub use typed::{Store, apart_record, parse_apart};
pub use url::{OpenMode, StoreUrl};
pub use write::{Keeper, Stored, Visit, Write};

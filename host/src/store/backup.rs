//! Backups: everything that a store has, in one file.
//!
//! The format, version 1. Numbers are big-endian.
//!
//! | part | bytes |
//! | --- | --- |
//! | [`MAGIC`] | 16 |
//! | each chunk | a length that is not 0 (4), and so many bytes of zstd |
//! | the end of the chunks | a length of 0 (4) |
//! | the manifest | JSON: a [`Manifest`] |
//! | the trailer | the manifest's length (8), its SHA-256 (32), [`END`] (16) |
//!
//! A chunk is, unpacked, a row of entries: the key's length (2), the value's (4), key, value; in order of keys,
//! over all chunks. The manifest names the length and the SHA-256 of each chunk as it lies in the file, and the
//! SHA-256 of all that they have unpacked. So there is no byte in the file that nothing tells of.
//!
//! A file that was not finished has no trailer. It is written beside its place, under a name of its own, synced, and then gets
//! its name, if no other file has it.

mod read;
mod restore;
mod write;

use serde::{Deserialize, Serialize};

use super::{StoreError, key};
use crate::model::{Digest, Name, Timestamp, Version};

pub use read::Backup;
pub use write::BackupWriter;

/// The newest format that this build reads and the one it writes.
const FORMAT: u32 = 1;
const MAGIC: &[u8; 16] = b"godwit backup 1\n";
const END: &[u8; 16] = b"\nend of backup.\n";
/// Bytes behind the manifest.
const TRAILER: usize = 8 + 32 + END.len();
/// A chunk has so many bytes of entries before it is packed, or one entry with more.
const CHUNK_BYTES: usize = 4 << 20;
/// A chunk may unpack to so many bytes at most: an entry has a body of some MiB.
const MOST_BYTES: usize = 1 << 30;
/// Fast, and half as large again as what is slow.
const LEVEL: i32 = 3;

/// What a backup says about itself.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use godwit::model::Timestamp;
/// use godwit::store::BackupWriter;
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("a.godwit");
/// let writer = BackupWriter::begin(&file, &store, Timestamp(0))?;
/// let (_file, manifest) = writer.copy(&store, &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!((manifest.format, manifest.store.as_str()), (1, "memory:"));
/// assert_eq!(manifest.entries, 1, "the mark of the store's format");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of the file.
    pub format: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// The Godwit that made it.
    pub made_by: String,
    /// The store that it was made of.
    pub store: String,
    /// The collections.
    pub collections: Vec<BackedUp>,
    /// The apps and their versions.
    pub apps: Vec<(Name, Option<Version>)>,
    /// How many entries there are.
    pub entries: u64,
    /// How many bytes of keys and values they have.
    pub bytes: u64,
    /// The SHA-256 of all chunks, unpacked.
    pub digest: Digest,
    /// The chunks, in order.
    pub chunks: Vec<Chunk>,
}

/// A collection of a backup.
///
/// ```
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
/// # let mut write = store.write(godwit::model::RunId(0), None);
/// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
/// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
/// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("a.godwit");
/// # let writer = godwit::store::BackupWriter::begin(&file, &store, godwit::model::Timestamp(0))?;
/// # let (file, manifest) = writer.copy(&store, &mut |_| std::ops::ControlFlow::Continue(()))?;
/// let notes = &manifest.collections[0];
/// assert_eq!((notes.collection.as_str(), notes.items), ("notes", 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Its name.
    pub collection: Name,
    /// How many items it has.
    pub items: u64,
}

/// A chunk of a backup.
///
/// ```
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("a.godwit");
/// # let writer = godwit::store::BackupWriter::begin(&file, &store, godwit::model::Timestamp(0))?;
/// # let (file, manifest) = writer.copy(&store, &mut |_| std::ops::ControlFlow::Continue(()))?;
/// let packed: u64 = manifest.chunks.iter().map(|chunk| u64::from(chunk.length)).sum();
/// assert!(packed < std::fs::metadata(file)?.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// How many bytes it has in the file.
    pub length: u32,
    /// The SHA-256 of these bytes.
    pub digest: Digest,
}

/// A way in which a backup cannot be made, read or restored.
///
/// ```
/// use std::path::Path;
///
/// use godwit::store::{Backup, BackupError};
///
/// let error = Backup::open(Path::new("no-such.godwit")).unwrap_err();
/// assert!(matches!(error, BackupError::Missing(_)));
/// assert_eq!(error.to_string(), "there is no file no-such.godwit");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Occurs when a file is not a backup, or has been changed or cut off.
    #[error("{} is not a whole backup: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Occurs when a newer Godwit made the backup.
    #[error("{} has format {found}; this Godwit reads up to {FORMAT}", .path.display())]
    NewerFormat {
        /// The file.
        path: std::path::PathBuf,
        /// Its format.
        found: u32,
    },
    /// Occurs when a file cannot be read or written.
    #[error("{action} {} failed", .path.display())]
    Failed {
        /// What was tried, as in "writing".
        action: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Occurs when a file is there already.
    #[error("{} is there already", .0.display())]
    Exists(std::path::PathBuf),
    /// Occurs when there is no file.
    #[error("there is no file {}", .0.display())]
    Missing(std::path::PathBuf),
    /// Occurs when there is no folder for a file that was named.
    #[error("there is no folder {}", .0.display())]
    NoFolder(std::path::PathBuf),
    /// Occurs when a store is to be replaced that a host has open, which would go on with what was there before.
    #[error("the store at {} is open in another process: stop it first", .0.display())]
    StoreOpen(std::path::PathBuf),
    /// Occurs when somebody asked to stop.
    #[error("it was stopped before its end")]
    Stopped,
    /// Occurs when the lease was lost while a store was copied that cannot show one moment.
    #[error(transparent)]
    Lease(super::LeaseError),
    /// Occurs when the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Every key is below: they begin with letters.
const END_OF_KEYS: &[u8] = &[u8::MAX];

/// The keys that are backed up: all but the lease, which is nobody's in another store.
fn is_kept(key: &[u8]) -> bool {
    key != key::LEASE
}

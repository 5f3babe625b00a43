//! What can go wrong with a store.

use std::path::PathBuf;

/// A state in which a store cannot do what it was asked.
///
/// ```
/// use godwit::store::{StoreError, StoreUrl};
///
/// let error = "memory:data".parse::<StoreUrl>().unwrap_err();
/// assert!(matches!(error, StoreError::BadUrl { .. }));
/// assert_eq!(error.to_string(), "`memory:data` does not name a store: `memory:` takes no path");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Occurs when an expectation of a commit did not hold; nothing was written.
    #[error("another writer changed what this write was based on")]
    Conflict {
        /// The key whose value was not the expected one.
        key: Vec<u8>,
    },
    /// Occurs when another generation of a collection became the live one while it was read.
    #[error(
        "{collection} was switched to what a shadow run had made while it was read; read it again"
    )]
    Switched {
        /// The collection.
        collection: String,
    },
    /// Occurs when there is no store where one should be opened.
    #[error("there is no store at {path}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Occurs when a folder holds something else than the named kind of store.
    #[error("{path} is not a store: {reason}")]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// What was found there.
        reason: String,
    },
    /// Occurs when a store's URL cannot be understood.
    #[error("`{url}` does not name a store: {reason}")]
    BadUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Occurs when the store is open already: in another process, where the backend allows one
    /// only, or a second time in this one.
    #[error("the store at {path} is already open, here or in another process")]
    InUse {
        /// Where the store is.
        path: PathBuf,
    },
    /// Occurs when the store was written by a newer Godwit.
    #[error("the store has format {found}, this Godwit knows formats up to {supported}")]
    NewerFormat {
        /// The store's format.
        found: u32,
        /// The newest format that this build reads.
        supported: u32,
    },
    /// Occurs when the store's files or records cannot be read.
    #[error("the store at {place} is damaged: {reason}")]
    Damaged {
        /// The store's path, or the record's key.
        place: String,
        /// What could not be read.
        reason: String,
    },
    /// Occurs when the disk, or the store's share of it, is full; nothing was written.
    #[error("no space is left for the store at {path}")]
    Full {
        /// Where the store is.
        path: PathBuf,
    },
    /// Occurs when a key is longer than [`super::MAX_KEY`] or empty.
    #[error("a key of {length} bytes cannot be stored (1 to {max})", max = super::MAX_KEY)]
    BadKey {
        /// Its length in bytes.
        length: usize,
    },
    /// Occurs when a commit carries more than the backend can write atomically; nothing was
    /// written.
    #[error("a commit of {bytes} bytes is too large for the store at {path} (at most {max})")]
    TooLarge {
        /// Where the store is.
        path: PathBuf,
        /// What the commit carries: [`super::Commit::len_bytes`].
        bytes: usize,
        /// The most that the backend takes.
        max: usize,
    },
    /// Occurs when a collection cannot lie in a table of the application's own, or what was asked cannot be done where it does.
    #[error("the table of {collection}: {reason}")]
    Table {
        /// The collection.
        collection: String,
        /// What is wrong.
        reason: String,
    },
    /// Occurs when the operating system or the storage engine failed.
    #[error("{action} failed for the store at {path}")]
    Failed {
        /// What was being done.
        action: &'static str,
        /// Where the store is.
        path: PathBuf,
        /// What the engine or the operating system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Occurs when an earlier write failed in a way that leaves its outcome unknown.
    #[error("the store at {path} failed earlier and must be opened again")]
    Poisoned {
        /// Where the store is.
        path: PathBuf,
    },
}

impl StoreError {
    /// What is wrong with the table that a collection lies in.
    pub(crate) fn table(collection: &crate::model::Name, reason: impl Into<String>) -> Self {
        Self::Table {
            collection: collection.to_string(),
            reason: reason.into(),
        }
    }
}

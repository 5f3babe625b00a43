//! Who has a store open for as long as they live: nobody puts another one in its place meanwhile.
//!
//! It is a shared lock (flock(2)) on a file in the store's folder, which ends with the process that has it, however that ends;
//! a restore takes it alone. The file is empty and no part of the store.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use super::folder;
use super::{Backend, OpenMode, StoreError, StoreUrl};

/// The file.
pub(super) const FILE: &str = "open.lock";

/// Held while a store is open, so that it is not replaced.
///
/// ```
/// use godwit::store::{OpenLock, OpenMode, Store, StoreUrl};
///
/// # let folder = tempfile::tempdir()?;
/// let url = StoreUrl::Lmdb(folder.path().to_owned());
/// let (backend, lock) = OpenLock::open(&url, OpenMode::Create)?;
/// let store = Store::new(backend)?;
/// assert!(lock.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "the store may be replaced once it is dropped"]
pub struct OpenLock {
    _file: File,
}

impl OpenLock {
    /// Opens a store that is not to be replaced until the lock is dropped. A store in memory needs none.
    ///
    /// ```
    /// use godwit::store::{OpenLock, OpenMode, StoreUrl};
    ///
    /// let (backend, lock) = OpenLock::open(&StoreUrl::Memory, OpenMode::Create)?;
    /// assert_eq!(backend.url(), "memory:");
    /// assert!(lock.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened; [`StoreError::InUse`] while it is replaced.
    pub fn open(
        url: &StoreUrl,
        mode: OpenMode,
    ) -> Result<(Arc<dyn Backend>, Option<Self>), StoreError> {
        let Some(folder) = url.folder() else {
            return Ok((url.open(mode)?, None));
        };
        loop {
            let before = identity(folder);
            let backend = url.open(mode)?;
            let lock = Self::take(folder, File::try_lock_shared)?;
            // Else it was made just now, or replaced before the lock was held: it may be another one.
            if before.is_some() && before == identity(folder) {
                return Ok((backend, lock));
            }
        }
    }

    /// Takes the lock alone, to replace the store; `None` where there is no folder.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while somebody has the store open.
    pub(crate) fn alone(folder: &Path) -> Result<Option<Self>, StoreError> {
        Self::take(folder, File::try_lock)
    }

    fn take(
        folder: &Path,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Option<Self>, StoreError> {
        let failed = |error| folder::failed("locking", folder, error);
        let path = folder.join(FILE);
        // It may be another user's, who lets it be read.
        let opened = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut options = OpenOptions::new();
                options.write(true).create(true).truncate(false).open(&path)
            }
            opened => opened,
        };
        let file = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        match lock(&file) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
                path: folder.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// What tells a folder from another one in its place.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    let found = std::fs::metadata(folder).ok()?;
    Some((found.dev(), found.ino()))
}

//! A store in a folder of LMDB: the default, and the fastest and safest of the backends.

mod opening;

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{PoisonError, RwLock};

use heed::types::Bytes;
use heed::{Database, Env, MdbError, PutFlags, ReservedSpace, RoTxn, RwTxn, WithoutTls};

use super::folder::{self, Kind};
use super::{Backend, Commit, MAX_KEY, OpenMode, StoreError};

/// The address space that a store's file is mapped into at first: room for some ten million
/// items of 1 KiB, so that most stores never grow it. It is neither memory nor disk, and a
/// thousandth of what a 64-bit process can address.
const MAP_SIZE: usize = 16 << 30;

/// A store in a folder of LMDB.
///
/// A commit is durable when it returns: LMDB's syncs are all on. Readers see the state of one
/// commit and neither wait for the writer nor delay it. Several processes may use one store;
/// within a process a folder is open once, and opening it again is [`StoreError::InUse`]. The
/// folder must not be on a network file system.
///
/// The file is never made smaller; what is deleted is used again. A scan keeps what it may still
/// read from being used again, and when the map must grow, the one commit that needs it waits
/// until the scans under way have ended and the next ones wait for it.
///
/// ```
/// use godwit::store::{Backend, Commit, Lmdb, OpenMode};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("data");
/// let backend = Lmdb::open(&path, OpenMode::Create)?;
/// let mut commit = Commit::new();
/// commit.put(b"key", &[b"value"]);
/// backend.commit(&commit)?;
/// assert_eq!(backend.get(b"key")?, Some(b"value".to_vec()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Lmdb {
    path: PathBuf,
    env: Env<WithoutTls>,
    entries: Database<'static, Bytes, Bytes>,
    /// Held shared while a transaction is open, and alone while the map is moved: LMDB cannot
    /// move it under a transaction of the same process.
    map: RwLock<()>,
    /// How many commits of this process have begun to publish themselves.
    published: AtomicUsize,
    /// Set when the map is gone, or an outcome unknown.
    dead: AtomicBool,
}

impl Lmdb {
    /// Opens the store at `path`, or makes one if `mode` says so.
    pub fn open(path: &Path, mode: OpenMode) -> Result<Self, StoreError> {
        Self::open_with_map_size(path, mode, MAP_SIZE)
    }

    /// Opens the store with another size of the map at first, for tests of how it grows.
    #[doc(hidden)]
    pub fn open_with_map_size(
        path: &Path,
        mode: OpenMode,
        map_size: usize,
    ) -> Result<Self, StoreError> {
        folder::prepare(path, Kind::Lmdb, mode)?;
        let fresh = opening::remove_blank(path)?;
        let engine = |action| move |error| refused(action, path, error);
        let env = opening::environment(path, map_size).map_err(engine("opening the store"))?;
        if fresh {
            env.force_sync().map_err(engine("syncing the new store"))?;
            folder::sync(path)?;
        }
        opening::whole(path, &env)?;
        let entries = opening::entries(&env).map_err(engine("opening the table"))?;
        let store = Self {
            path: path.to_owned(),
            env,
            entries,
            map: RwLock::new(()),
            published: AtomicUsize::new(0),
            dead: AtomicBool::new(false),
        };
        store.clear_dead_readers()?;
        Ok(store)
    }

    /// Hands a read transaction to `read`, after `MDB_MAP_RESIZED` with the map that another
    /// process has grown.
    fn reading<T>(
        &self,
        read: impl FnOnce(&RoTxn<'_, WithoutTls>) -> heed::Result<T>,
    ) -> Result<T, StoreError> {
        let mut cleared = false;
        loop {
            self.alive()?;
            let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
            match self.begin() {
                Ok(txn) => return read(&txn).map_err(|error| self.failed("reading", error)),
                Err(heed::Error::Mdb(MdbError::MapResized)) => {}
                Err(heed::Error::Mdb(MdbError::ReadersFull)) if !cleared => {
                    cleared = true;
                    self.clear_dead_readers()?;
                    continue;
                }
                Err(error) => return Err(self.failed("beginning to read", error)),
            }
            drop(map);
            self.resize(|_| 0)?;
        }
    }

    /// Begins to read.
    ///
    /// LMDB has two headers, which its commits overwrite in turns. A reader takes the number of
    /// the last commit and then copies its header; when two commits come in between, it copies a
    /// header that is being overwritten, and sees a commit that is not durable yet and that the
    /// next reader does not see. So a read counts only if no commit began to write its header
    /// meanwhile; for those of other processes there is but the header itself to tell.
    fn begin(&self) -> heed::Result<RoTxn<'_, WithoutTls>> {
        loop {
            let before = self.published.load(Ordering::SeqCst);
            let txn = self.env.read_txn()?;
            fence(Ordering::SeqCst);
            let undisturbed = self.published.load(Ordering::SeqCst) == before;
            if undisturbed && self.env.info().last_txn_id < txn.id() + 2 {
                return Ok(txn);
            }
        }
    }

    fn each(
        &self,
        txn: &RoTxn<'_, WithoutTls>,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> heed::Result<()> {
        if from >= to {
            return Ok(());
        }
        let range = (lower(from), Bound::Excluded(to));
        for entry in self.entries.range(txn, &range)? {
            let (key, value) = entry?;
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, commit: &Commit) -> Result<(), Stop> {
        let _map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let mut txn = self.env.write_txn().map_err(Stop::before)?;
        super::backend::check(commit, |key| self.expected(&txn, key))?;
        if commit.is_empty() {
            return Ok(());
        }
        let size = self.env.info().map_size;
        let mut last = self.last(&txn).map_err(|error| Stop::within(error, size))?;
        let mut whole = Vec::new();
        for (key, value) in commit.writes() {
            let written = match value {
                Some(value) if key > last.as_slice() => {
                    last.clear();
                    last.extend_from_slice(key);
                    whole.clear();
                    whole.extend_from_slice(value.head);
                    whole.extend_from_slice(value.tail);
                    let entries = &self.entries;
                    entries.put_with_flags(&mut txn, PutFlags::APPEND, key, &whole)
                }
                Some(value) => {
                    let write = |space: &mut ReservedSpace<'_>| {
                        space.write_all(value.head)?;
                        space.write_all(value.tail)
                    };
                    self.entries.put_reserved(&mut txn, key, value.len(), write)
                }
                None => self.entries.delete(&mut txn, key).map(drop),
            };
            written.map_err(|error| Stop::within(error, size))?;
        }
        // Only one write transaction is open at a time, so that this is never two ahead.
        self.published.fetch_add(1, Ordering::SeqCst);
        txn.commit().map_err(|error| Stop::within(error, size))
    }

    /// The last key.
    fn last(&self, txn: &RwTxn<'_>) -> heed::Result<Vec<u8>> {
        let last = self.entries.last(txn)?;
        Ok(last.map_or_else(Vec::new, |(key, _)| key.to_vec()))
    }

    fn expected(&self, txn: &RwTxn<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = value(&self.entries, txn, key);
        value.map_err(|error| self.failed("reading what was expected", error))
    }

    /// Moves the map to the size that `size` makes of the present one; 0 is the size that the
    /// file's header asks for.
    fn resize(&self, size: impl FnOnce(usize) -> usize) -> Result<(), StoreError> {
        let _map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        self.alive()?;
        let present = self.env.info().map_size;
        let wanted = size(present);
        if wanted == present {
            return Ok(());
        }
        // SAFETY: the lock is held alone, and every transaction of this environment is begun and
        // ended under the shared lock, so that none is open.
        let resized = unsafe { self.env.resize(wanted) };
        resized.map_err(|error| {
            // LMDB has given up the old map before it asked for the new one.
            self.dead.store(true, Ordering::Release);
            self.failed("growing the map", error)
        })
    }

    // Readers that were killed keep a slot, and old pages from being used again.
    fn clear_dead_readers(&self) -> Result<(), StoreError> {
        let cleared = self.env.clear_stale_readers();
        cleared
            .map(drop)
            .map_err(|error| self.failed("clearing the slots of dead readers", error))
    }

    fn alive(&self) -> Result<(), StoreError> {
        match self.dead.load(Ordering::Acquire) {
            true => Err(StoreError::Poisoned {
                path: self.path.clone(),
            }),
            false => Ok(()),
        }
    }

    fn failed(&self, action: &'static str, error: heed::Error) -> StoreError {
        refused(action, &self.path, error)
    }

    // LMDB aborts the transaction and the header still points to the state before it, so that a
    // full disk harms nothing. Of any other error that comes from the disk nobody knows.
    fn write_failed(&self, error: heed::Error, commit: &Commit) -> StoreError {
        let path = self.path.clone();
        match self.failed("committing", error) {
            StoreError::Full { .. } => StoreError::Full { path },
            StoreError::Failed { .. } if self.disk_is_full(commit) => StoreError::Full { path },
            failed => {
                self.dead.store(true, Ordering::Release);
                failed
            }
        }
    }

    // LMDB answers a write that the disk took in part with EIO, like one that failed. What tells
    // them apart is whether the disk takes as much once more.
    fn disk_is_full(&self, commit: &Commit) -> bool {
        let probe = self.path.join("space.probe");
        // The commit as often as its pages may hold it, and the pages above them.
        let length = 2 * commit.len_bytes() + (1 << 20);
        let written = fs::write(&probe, vec![0; length]);
        let removed = fs::remove_file(&probe);
        let refused = written.and(removed).map_err(|error| error.kind());
        matches!(
            refused,
            Err(ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
        )
    }
}

impl Backend for Lmdb {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.reading(|txn| value(&self.entries, txn, key))
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.reading(|txn| self.each(txn, from, to, visit))
    }

    fn scan_guarded(
        &self,
        guard: (&[u8], Option<&[u8]>),
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        self.reading(|txn| {
            let holds = self.entries.get(txn, guard.0)? == guard.1;
            if holds {
                self.each(txn, from, to, visit)?;
            }
            Ok(holds)
        })
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        loop {
            self.alive()?;
            match self.write(commit) {
                Ok(()) => return Ok(()),
                Err(Stop::MapFull { size }) => {
                    self.clear_dead_readers()?;
                    // Another thread may have grown the map in the meantime.
                    self.resize(|present| if present == size { size * 2 } else { present })?;
                }
                Err(Stop::MapResized) => self.resize(|_| 0)?,
                Err(Stop::Refused(error)) => return Err(error),
                Err(Stop::Begin(error)) => return Err(self.failed("beginning to write", error)),
                Err(Stop::Write(error)) => return Err(self.write_failed(error, commit)),
            }
        }
    }

    fn url(&self) -> String {
        format!("lmdb:{}", self.path.display())
    }

    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        let data = fs::metadata(self.path.join("data.mdb"));
        let data =
            data.map_err(|error| folder::failed("measuring the store", &self.path, error))?;
        Ok(Some(folder::allocated(&data)))
    }

    fn shows_one_moment(&self) -> bool {
        true
    }
}

impl fmt::Debug for Lmdb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lmdb")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Why a commit was not carried out; in each case nothing of it was written.
enum Stop {
    /// The map is full; its size was this.
    MapFull { size: usize },
    /// Another process has grown the file beyond our map.
    MapResized,
    /// An expectation did not hold, or a key cannot be stored.
    Refused(StoreError),
    /// The transaction could not be begun.
    Begin(heed::Error),
    /// Writing failed.
    Write(heed::Error),
}

impl Stop {
    fn before(error: heed::Error) -> Self {
        match error {
            heed::Error::Mdb(MdbError::MapResized) => Self::MapResized,
            error => Self::Begin(error),
        }
    }

    fn within(error: heed::Error, size: usize) -> Self {
        match error {
            heed::Error::Mdb(MdbError::MapFull) => Self::MapFull { size },
            error => Self::Write(error),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

fn value(
    entries: &Database<'static, Bytes, Bytes>,
    txn: &RoTxn<'_>,
    key: &[u8],
) -> heed::Result<Option<Vec<u8>>> {
    // LMDB refuses to look for keys that it cannot store.
    if key.is_empty() || key.len() > MAX_KEY {
        return Ok(None);
    }
    Ok(entries.get(txn, key)?.map(<[u8]>::to_vec))
}

// LMDB refuses bounds that it could not store. No key is longer than MAX_KEY, so that what a
// bound has beyond one byte more decides nothing.
fn lower(from: &[u8]) -> Bound<&[u8]> {
    match from {
        [] => Bound::Unbounded,
        from => Bound::Included(&from[..from.len().min(MAX_KEY + 1)]),
    }
}

fn refused(action: &'static str, at: &Path, error: heed::Error) -> StoreError {
    let path = at.to_owned();
    match error {
        heed::Error::EnvAlreadyOpened => StoreError::InUse { path },
        heed::Error::Io(error) => folder::failed(action, at, error),
        heed::Error::Mdb(MdbError::Panic) => StoreError::Poisoned { path },
        heed::Error::Mdb(MdbError::Invalid) => {
            let reason = "data.mdb is not a file of LMDB".to_owned();
            StoreError::NotAStore { path, reason }
        }
        heed::Error::Mdb(MdbError::VersionMismatch) => {
            let reason = "data.mdb was written by another version of LMDB".to_owned();
            StoreError::NotAStore { path, reason }
        }
        heed::Error::Mdb(error @ (MdbError::Corrupted | MdbError::PageNotFound)) => {
            folder::damaged(at, &error.to_string())
        }
        error => StoreError::Failed {
            action,
            path,
            source: Box::new(error),
        },
    }
}

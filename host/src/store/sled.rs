//! A store in a folder of sled 0.34, with a cure for each of its known ways to lose or lock up
//! what it was given.
//!
//! What was measured of sled 0.34.7, and what follows from it here:
//!
//! * Two `apply_batch` calls are two commits: one batch on one tree is a [`Commit`].
//! * Before `flush` returns a plain kill loses what was applied: each commit flushes.
//! * `flush` waits for `sync_file_range`, which makes neither the file's length nor its extents
//!   durable; files of large values are not synced at all. After each flush the file `db` is
//!   synced, and each file that has appeared in `blobs` together with that folder.
//! * A snapshot that was half written when the process was killed is taken for the newest one by
//!   the next `open`, which then fails for good: `snap.*.generating` is deleted before.
//! * A process that is killed while it makes a store can leave a `conf` that is not understood:
//!   as long as `db` is empty, `conf` is made anew.
//! * `open` can panic on a damaged file: the panic is caught and answered as
//!   [`StoreError::Damaged`].
//! * The file lock outlives the store for a moment, until sled's threads have let go of it:
//!   dropping waits for that.
//!
//! Even so the promise is that of process crashes. Of power cuts it holds for commits up to
//! [`Sled::POWER_SAFE_COMMIT_BYTES`]; a larger one that is cut off can leave a store that does
//! not open.

use std::any::Any;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::folder::{self, Kind};
use super::{Backend, Commit, OpenMode, StoreError};

/// The size of a segment of the log in new stores; one that exists keeps its own.
///
/// A commit whose log lies within a segment or two is what survives a power cut, so that larger
/// is safer. sled 0.34.7 accepts up to 16 MiB, but counts what a segment's buffer holds in 24
/// bits, and a buffer of 16 MiB that is filled to the last byte overflows into the count of its
/// writers. Half of that is the largest power of two that cannot.
const SEGMENT_SIZE: usize = 8 << 20;

/// What sled may keep of its pages in memory. Its default of 1 GiB would be most of what a run
/// uses; a migration reads in order and meets each page once, so that more keeps little that is
/// used again.
const CACHE_BYTES: u64 = 64 << 20;

/// How often, and how long each time, dropping waits for sled's threads to let go of the file:
/// two seconds in all, of which some milliseconds are needed.
const CLOSING: (u32, Duration) = (1000, Duration::from_millis(2));

/// A store in a folder of sled 0.34.
///
/// One process may have it open, once. A commit is durable when it returns, as far as the
/// module's prose promises. Readers wait while a commit is applied; `get` never sees half of
/// one, a scan may. After a write that failed the store must be opened again.
#[derive(Debug)]
pub struct Sled {
    path: PathBuf,
    /// `None` only while the store is dropped.
    db: Option<sled::Db>,
    config: sled::Config,
    /// The file `db`, for syncing it.
    file: File,
    /// Held by the one commit that is under way, from its check to its sync.
    writing: Mutex<Synced>,
    poisoned: AtomicBool,
}

/// The files of large values that were synced, by name. sled deletes and adds them as it
/// rewrites pages and never changes one.
type Synced = HashSet<OsString>;

impl Sled {
    /// The most bytes of keys and values that a commit may carry.
    ///
    /// sled itself sets no limit and replays a torn batch of any size as if it had never been;
    /// but it keeps the log of a batch, some three times its bytes, in memory until it is
    /// written. This much leaves room for a few of the largest items and their pre-images.
    pub const MAX_COMMIT_BYTES: usize = 64 << 20;

    /// The most bytes that a commit should carry to survive a power cut: what it writes to the
    /// log must stay under a segment.
    ///
    /// sled writes a page anew after each ten changes. Measured, the log takes three times what
    /// the commits hold, and up to seven times in the worst commit of small items; of 1 MB in
    /// items of 200 bytes to 100 KB no commit took more than 5.2 MB.
    pub const POWER_SAFE_COMMIT_BYTES: usize = 1 << 20;

    /// Opens the store at `path`, or makes one if `mode` says so.
    ///
    /// If sled panics over a damaged file, the process's panic hook has had its say before the
    /// error is returned: the hook belongs to the application.
    pub fn open(path: &Path, mode: OpenMode) -> Result<Self, StoreError> {
        folder::prepare(path, Kind::Sled, mode)?;
        clear_leftovers(path)?;
        let config = config(path)?;
        let db = guarded("opening the store", path, || config.open())?;
        let file = File::open(path.join("db"));
        let file = file.map_err(|error| folder::failed("opening the file to sync", path, error))?;
        let store = Self {
            path: path.to_owned(),
            db: Some(db),
            config,
            file,
            writing: Mutex::default(),
            poisoned: AtomicBool::new(false),
        };
        store.sync_all()?;
        Ok(store)
    }

    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("only drop takes it")
    }

    // Opening writes a snapshot, and a new store's other files.
    fn sync_all(&self) -> Result<(), StoreError> {
        self.flush(&mut self.writing())?;
        let conf = File::open(self.path.join("conf")).and_then(|conf| conf.sync_all());
        conf.map_err(|error| folder::failed("syncing the file conf", &self.path, error))?;
        folder::sync(&self.path.join("blobs"))?;
        folder::sync(&self.path)
    }

    fn write(&self, commit: &Commit, synced: &mut Synced) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in commit.writes() {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        guarded("committing", &self.path, || self.db().apply_batch(batch))?;
        self.flush(synced)
    }

    fn flush(&self, synced: &mut Synced) -> Result<(), StoreError> {
        guarded("flushing", &self.path, || self.db().flush())?;
        self.sync_blobs(synced)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| folder::failed("syncing", &self.path, error))
    }

    fn sync_blobs(&self, synced: &mut Synced) -> io::Result<()> {
        let folder = self.path.join("blobs");
        let mut present = Synced::new();
        let mut added = false;
        for blob in fs::read_dir(&folder)? {
            let blob = blob?;
            added |= !synced.contains(&blob.file_name()) && sync_if_there(&blob.path())?;
            present.insert(blob.file_name());
        }
        *synced = present;
        match added {
            true => File::open(&folder)?.sync_all(),
            false => Ok(()),
        }
    }

    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = guarded("reading", &self.path, || self.db().get(key))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn writing(&self) -> std::sync::MutexGuard<'_, Synced> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // After a write that failed sled's memory holds what its file does not.
    fn alive(&self) -> Result<(), StoreError> {
        match self.poisoned.load(Ordering::Acquire) {
            true => Err(StoreError::Poisoned {
                path: self.path.clone(),
            }),
            false => Ok(()),
        }
    }
}

impl Backend for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.alive()?;
        self.read(key)
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.alive()?;
        if from >= to {
            return Ok(());
        }
        let mut entries = self.db().range(from..to);
        while let Some((key, value)) =
            guarded("scanning", &self.path, || entries.next().transpose())?
        {
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let (bytes, max) = (commit.len_bytes(), Self::MAX_COMMIT_BYTES);
        if bytes > max {
            return Err(StoreError::TooLarge {
                path: self.path.clone(),
                bytes,
                max,
            });
        }
        let mut synced = self.writing();
        self.alive()?;
        super::backend::check(commit, |key| self.read(key))?;
        if commit.is_empty() {
            return Ok(());
        }
        let written = self.write(commit, &mut synced);
        if written.is_err() {
            self.poisoned.store(true, Ordering::Release);
        }
        written
    }

    fn url(&self) -> String {
        format!("sled:{}", self.path.display())
    }

    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        let measured = size(&self.path).and_then(|own| Ok(own + size(&self.path.join("blobs"))?));
        measured
            .map(Some)
            .map_err(|error| folder::failed("measuring the store", &self.path, error))
    }
}

impl Drop for Sled {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        if *self.poisoned.get_mut() && self.config.global_error().is_ok() {
            // sled does not know that it failed and would flush what it holds of the batch on
            // its way out, without the mark that makes it atomic. Its memory and its lock stay
            // until the process ends.
            std::mem::forget(db);
            return;
        }
        drop(db);
        for _ in 0..CLOSING.0 {
            match self.file.try_lock() {
                Err(TryLockError::WouldBlock) => thread::sleep(CLOSING.1),
                Ok(()) | Err(TryLockError::Error(_)) => return,
            }
        }
    }
}

/// Removes what a killed process has left in the way of the next one.
fn clear_leftovers(path: &Path) -> Result<(), StoreError> {
    let clearing = |error| folder::failed("clearing leftovers", path, error);
    // sled takes the same lock. As long as it is ours no other process is about to finish the
    // snapshot that is deleted here.
    let _lock = match File::open(path.join("db")) {
        Ok(db) => Some(lock(path, db)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(clearing(error)),
    };
    for entry in fs::read_dir(path).map_err(clearing)? {
        let entry = entry.map_err(clearing)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).map_err(clearing)?;
        }
    }
    if folder::contents(path)? == folder::Contents::Unfinished(Kind::Sled) {
        remove_if_there(&path.join("conf")).map_err(clearing)?;
    }
    Ok(())
}

fn lock(path: &Path, db: File) -> Result<File, StoreError> {
    match db.try_lock() {
        Ok(()) => Ok(db),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(folder::failed("locking the store", path, error)),
    }
}

fn config(path: &Path) -> Result<sled::Config, StoreError> {
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE_BYTES)
        // Each commit flushes: a thread that does so twice a second would only get in its way.
        .flush_every_ms(None)
        // Nothing in sled 0.34.7 reads the mode; should a patch release do so, then a store
        // that is rewritten from end to end wants its old segments back.
        .mode(sled::Mode::LowSpace);
    Ok(config.segment_size(segment_size(path)?))
}

// sled refuses to open a store with another size of segments than it was made with.
fn segment_size(path: &Path) -> Result<usize, StoreError> {
    if folder::contents(path)? != folder::Contents::Store(Kind::Sled) {
        return Ok(SEGMENT_SIZE);
    }
    let conf = match fs::read(path.join("conf")) {
        Ok(conf) => conf,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(folder::failed("reading the file conf", path, error)),
    };
    let conf = String::from_utf8_lossy(&conf);
    let mut sizes = conf
        .lines()
        .filter_map(|line| line.strip_prefix("segment_size: "));
    let size = sizes.next().and_then(|size| size.parse().ok());
    size.ok_or_else(|| damaged(path, "its file conf is missing or names no segment size"))
}

/// Runs `action` on sled, whose panics are answers too.
fn guarded<T>(
    action: &'static str,
    path: &Path,
    run: impl FnOnce() -> sled::Result<T>,
) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| refused(action, path, error)),
        Err(panic) => Err(damaged(
            path,
            &format!("{action}, sled panicked with `{}`", message(&*panic)),
        )),
    }
}

fn refused(action: &'static str, path: &Path, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) if error.to_string().starts_with("could not acquire lock") => {
            StoreError::InUse {
                path: path.to_owned(),
            }
        }
        sled::Error::Io(error) => folder::failed(action, path, error),
        sled::Error::Unsupported(reason) => StoreError::NotAStore {
            path: path.to_owned(),
            reason: reason.trim().to_owned(),
        },
        error @ (sled::Error::Corruption { .. } | sled::Error::ReportableBug(_)) => {
            damaged(path, &format!("{action}, sled answered `{error}`"))
        }
        error @ sled::Error::CollectionNotFound(_) => StoreError::Failed {
            action,
            path: path.to_owned(),
            source: Box::new(error),
        },
    }
}

fn damaged(path: &Path, what: &str) -> StoreError {
    StoreError::Damaged {
        place: path.display().to_string(),
        reason: format!("{what}; restore a backup in its place, and keep this folder till then"),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    let text = owned.or_else(|| panic.downcast_ref::<&str>().copied());
    text.and_then(|text| text.lines().next())
        .unwrap_or("nothing that can be shown")
}

// sled deletes files of values that were replaced whenever it sees fit.
fn sync_if_there(blob: &Path) -> io::Result<bool> {
    match File::open(blob) {
        Ok(blob) => blob.sync_all().map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn remove_if_there(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn size(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        match entry?.metadata() {
            Ok(file) if file.is_file() => size += folder::allocated(&file),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(size)
}

//! A store in a folder of sled 0.34, with a cure for each of its known ways to lose or lock up
//! what it was given.
//!
//! What was measured of sled 0.34.7, and what follows from it here:
//!
//! * Two `apply_batch` calls are two commits: one batch on one tree is a [`Commit`].
//! * Before `flush` returns a plain kill loses what was applied: each commit flushes.
//! * `flush` waits for `sync_file_range`, which makes neither the file's length nor its extents
//!   durable: after each flush the file `db` is synced.
//! * Large pages go to files of their own, which are not synced and are deleted too early for a
//!   power cut: no value is large enough to make one, see `parts`. In stores that others made,
//!   with smaller segments, each file that has appeared is synced, which is less.
//! * A snapshot that was half written when the process was killed is taken for the newest one by
//!   the next `open`, which then fails for good: `snap.*.generating` is deleted before.
//! * A process that is killed while it makes a store can leave a `conf` that is not understood:
//!   as long as `db` is empty, `conf` is made anew.
//! * `open` can panic on a damaged file: the panic is caught and answered as
//!   [`StoreError::Damaged`].
//! * The file lock outlives the store for a moment, until sled's threads have let go of it:
//!   dropping waits for that.
//!
//! Even so the promise is that of process crashes. Of power cuts it holds, as far as emulated
//! ones can tell, for commits up to [`Sled::POWER_SAFE_COMMIT_BYTES`] in stores made here; with
//! segments that a commit exceeds several times, cuts have left stores that do not open.

mod files;
mod parts;

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use self::parts::Held;
use super::folder::{self, Kind};
use super::{Backend, Commit, OpenMode, StoreError};

/// What sled may keep of its pages in memory. Its default of 1 GiB would be most of what a run
/// uses. Of a million items of 1 KB, a run took a fifth less time with 128 MiB than with 64, which
/// do not hold what is read ahead and written behind. Beside it sled's table of pages takes some 45
/// bytes an item, whatever the settings.
const CACHE_BYTES: u64 = 128 << 20;

/// How often, and how long each time, dropping waits for sled's threads to let go of the file:
/// two seconds in all, of which some milliseconds are needed.
const CLOSING: (u32, Duration) = (1000, Duration::from_millis(2));

/// A store in a folder of sled 0.34.
///
/// One process may have it open, once. A commit is durable when it returns, as far as the
/// module's prose promises. Readers wait while a commit is applied; `get` never sees half of
/// one, a scan may. After a write that failed the store must be opened again.
///
/// ```
/// use godwit::store::{Backend, Commit, OpenMode, Sled};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("data");
/// let backend = Sled::open(&path, OpenMode::Create)?;
/// let mut commit = Commit::new();
/// commit.put(b"key", &[b"value"]);
/// assert!(commit.len_bytes() <= Sled::POWER_SAFE_COMMIT_BYTES);
/// backend.commit(&commit)?;
/// assert_eq!(backend.get(b"key")?, Some(b"value".to_vec()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Sled {
    path: PathBuf,
    /// `None` only while the store is dropped.
    db: Option<sled::Db>,
    config: sled::Config,
    /// The file `db`, for syncing it.
    file: File,
    /// Held by the one commit that is under way, from its check to its sync.
    writing: Mutex<Writing>,
    poisoned: AtomicBool,
}

/// What one commit knows of those before it.
#[derive(Debug, Default)]
struct Writing {
    /// The number of the next value that has parts; 0 as long as none has.
    number: u64,
    /// The files of large pages that were synced. sled deletes and adds such and changes none.
    synced: HashSet<OsString>,
}

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
        files::clear_leftovers(path)?;
        let config = config(path)?;
        let db = guarded("opening the store", path, || config.open())?;
        let file = File::open(path.join("db"));
        let file = file.map_err(|error| folder::failed("opening the file to sync", path, error))?;
        let number = guarded("opening the store", path, || parts::next_number(&db))?;
        let store = Self {
            path: path.to_owned(),
            db: Some(db),
            config,
            file,
            writing: Mutex::new(Writing {
                number,
                ..Writing::default()
            }),
            poisoned: AtomicBool::new(false),
        };
        // Opening writes a snapshot, and a new store's other files.
        store.flush(&mut store.writing().synced)?;
        files::sync_new(path)?;
        Ok(store)
    }

    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("only drop takes it")
    }

    fn write(&self, commit: &Commit, writing: &mut Writing) -> Result<(), StoreError> {
        let batch = self.batch(commit, &mut writing.number)?;
        guarded("committing", &self.path, || self.db().apply_batch(batch))?;
        self.flush(&mut writing.synced)
    }

    fn batch(&self, commit: &Commit, number: &mut u64) -> Result<sled::Batch, StoreError> {
        let mut batch = sled::Batch::default();
        // As long as no value has parts, there are none to forget.
        let any_parted = *number > 0;
        // Of several writes to one key the last one counts, and only that may leave parts.
        let writes: BTreeMap<_, _> = commit.writes().collect();
        for (key, value) in writes {
            if any_parted && let Some(old) = self.entry(key)? {
                parts::forget(&mut batch, &old);
            }
            match value {
                Some(value) => parts::put(&mut batch, key, value, number),
                None => batch.remove(parts::entry_key(key)),
            }
        }
        Ok(batch)
    }

    fn flush(&self, synced: &mut HashSet<OsString>) -> Result<(), StoreError> {
        guarded("flushing", &self.path, || self.db().flush())?;
        files::sync_large_pages(&self.path, synced)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| folder::failed("syncing", &self.path, error))
    }

    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut missing = None;
        loop {
            let Some(value) = self.entry(key)? else {
                return Ok(None);
            };
            // The value may be replaced between the reads of its parts: then there is another.
            if missing.as_ref() == Some(&value) {
                return Err(folder::damaged(&self.path, "parts of a value are missing"));
            }
            if let Some(value) = self.whole(&value)? {
                return Ok(Some(value));
            }
            missing = Some(value);
        }
    }

    fn entry(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        guarded("reading", &self.path, || {
            self.db().get(parts::entry_key(key))
        })
    }

    fn whole(&self, value: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match parts::held(value) {
            Some(Held::Whole(value)) => Ok(Some(value.to_vec())),
            Some(Held::Parted(parted)) => {
                guarded("reading", &self.path, || parts::whole(self.db(), parted))
            }
            None => Err(folder::damaged(
                &self.path,
                "a value has a form that is unknown",
            )),
        }
    }

    /// Shows `visit` an entry that a scan has found.
    fn show(
        &self,
        key: &[u8],
        value: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StoreError> {
        if let Some(Held::Whole(value)) = parts::held(value) {
            return Ok(visit(key, value));
        }
        let value = match self.whole(value)? {
            Some(value) => Some(value),
            None => self.read(key)?,
        };
        Ok(value.map_or(ControlFlow::Continue(()), |value| visit(key, &value)))
    }

    fn writing(&self) -> std::sync::MutexGuard<'_, Writing> {
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
        let mut entries = self
            .db()
            .range(parts::entry_key(from)..parts::entry_key(to));
        while let Some((key, value)) =
            guarded("scanning", &self.path, || entries.next().transpose())?
        {
            if self.show(parts::store_key(&key), &value, visit)?.is_break() {
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
        let mut writing = self.writing();
        self.alive()?;
        super::backend::check(commit, |key| self.read(key))?;
        if commit.is_empty() {
            return Ok(());
        }
        let written = self.write(commit, &mut writing);
        if written.is_err() {
            self.poisoned.store(true, Ordering::Release);
        }
        written
    }

    fn url(&self) -> String {
        format!("sled:{}", self.path.display())
    }

    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        let measured = files::size(&self.path);
        measured
            .map(Some)
            .map_err(|error| folder::failed("measuring the store", &self.path, error))
    }

    fn shows_one_moment(&self) -> bool {
        false
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

fn config(path: &Path) -> Result<sled::Config, StoreError> {
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE_BYTES)
        // Each commit flushes: a thread that does so twice a second would only get in its way.
        .flush_every_ms(None)
        // Nothing in sled 0.34.7 reads the mode; should a patch release do so, then a store
        // that is rewritten from end to end wants its old segments back.
        .mode(sled::Mode::LowSpace);
    Ok(config.segment_size(files::segment_size(path)?))
}

/// Runs `action` on sled, whose panics are answers too.
fn guarded<T>(
    action: &'static str,
    path: &Path,
    run: impl FnOnce() -> sled::Result<T>,
) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| refused(action, path, error)),
        Err(panic) => Err(folder::damaged(
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
            folder::damaged(path, &format!("{action}, sled answered `{error}`"))
        }
        error @ sled::Error::CollectionNotFound(_) => StoreError::Failed {
            action,
            path: path.to_owned(),
            source: Box::new(error),
        },
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    let text = owned.or_else(|| panic.downcast_ref::<&str>().copied());
    text.and_then(|text| text.lines().next())
        .unwrap_or("nothing that can be shown")
}

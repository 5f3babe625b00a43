//! What was compiled, kept for the next time.
//!
//! Machine code that is loaded is trusted, so that nothing is loaded but what was written here: the
//! folder belongs to this user alone, and an entry's bytes must have the digest that was noted when it
//! was written. An entry that is not as it should be is left out of account and written anew. Several
//! processes, and several versions of Godwit, may share a folder: an entry's name says for which
//! component, engine and settings it was compiled, and entries appear at once.

use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::contract::Speech;
use crate::model::Digest;

/// A folder of compiled components.
///
/// ```
/// use godwit::sandbox::{Cache, Engine, Limits};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("compiled");
/// let cache = Cache::open(&folder)?;
/// assert_eq!(cache.size()?.entries, 0);
/// let engine = Engine::new(Limits::default()).with_cache(cache);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    /// The most bytes that entries may take; beyond them the ones used longest ago go.
    most_bytes: u64,
}

/// Why a folder cannot be used as a cache.
///
/// ```
/// use godwit::sandbox::{Cache, CacheError};
///
/// let file = tempfile::NamedTempFile::new()?;
/// let error = Cache::open(file.path()).unwrap_err();
/// assert!(matches!(error, CacheError::Folder { .. }), "it is no folder");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Occurs when the folder cannot be made or looked at.
    #[error("the cache {} cannot be used", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Occurs when others could write machine code into the folder.
    #[error("the cache {} is open to others: it must belong to this user, with mode 700", .folder.display())]
    Open {
        /// The folder.
        folder: PathBuf,
    },
}

/// How much a cache holds.
///
/// ```
/// use godwit::sandbox::{Cache, CacheSize};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("compiled");
/// let size = Cache::open(&folder)?.size()?;
/// assert_eq!(size, CacheSize::default());
/// println!("{} components in {} bytes", size.entries, size.bytes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CacheSize {
    /// Compiled components.
    pub entries: u64,
    /// Bytes that they take.
    pub bytes: u64,
}

/// What is noted of an entry beside its code.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// Of the code's bytes.
    digest: Digest,
    speech: Speech,
}

/// Compiled code on disk, and what the component speaks.
pub(super) struct Found {
    pub code: PathBuf,
    pub speech: Speech,
}

const CODE: &str = "cwasm";
const NOTE: &str = "json";

impl Cache {
    /// The most bytes that entries take by default: 1 GiB, some thirty of the largest components.
    pub const MOST_BYTES: u64 = 1 << 30;

    /// Uses a folder, which is made if it is not there.
    ///
    /// ```
    /// use godwit::sandbox::Cache;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path().join("compiled");
    /// let cache = Cache::open(&folder)?;
    /// assert!(cache.folder().is_dir());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`CacheError`] when others could write into it, or it cannot be used at all.
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        let failed = |source| CacheError::Folder {
            folder: folder.to_owned(),
            source,
        };
        make_private(folder).map_err(failed)?;
        if !is_private(folder).map_err(failed)? {
            return Err(CacheError::Open {
                folder: folder.to_owned(),
            });
        }
        Ok(Self {
            folder: folder.to_owned(),
            most_bytes: Self::MOST_BYTES,
        })
    }

    /// Bounds what entries may take.
    ///
    /// ```
    /// use godwit::sandbox::Cache;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path().join("compiled");
    /// let cache = Cache::open(&folder)?.with_most_bytes(256 << 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_most_bytes(self, most_bytes: u64) -> Self {
        Self { most_bytes, ..self }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How much it holds.
    ///
    /// # Errors
    /// [`CacheError::Folder`] when it cannot be read.
    pub fn size(&self) -> Result<CacheSize, CacheError> {
        let mut size = CacheSize::default();
        for entry in self.files()? {
            size.entries += u64::from(has_ending(&entry.path, CODE));
            size.bytes += entry.bytes;
        }
        Ok(size)
    }

    /// Removes every entry, and returns what they took.
    ///
    /// ```
    /// use godwit::sandbox::Cache;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path().join("compiled");
    /// let removed = Cache::open(&folder)?.clear()?;
    /// assert_eq!(removed.bytes, 0, "it was empty");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`CacheError::Folder`] when one of them cannot be removed.
    pub fn clear(&self) -> Result<CacheSize, CacheError> {
        let size = self.size()?;
        for entry in self.files()? {
            remove(&entry.path).map_err(|source| self.failed(source))?;
        }
        Ok(size)
    }

    /// Looks up what a component was compiled to. Whatever is wrong with an entry, there is none.
    pub(super) fn find(&self, key: &Digest) -> Option<Found> {
        let code = self.path(key, CODE);
        let note = fs::read(self.path(key, NOTE)).ok()?;
        let note: Note = serde_json::from_slice(&note).ok()?;
        if digest_of(&code).ok()? != note.digest {
            tracing::warn!(file = %code.display(), "a cached component was changed; it is compiled anew");
            self.forget(key);
            return None;
        }
        note_use(&code);
        let speech = note.speech;
        Some(Found { code, speech })
    }

    /// Keeps what a component was compiled to. A cache that cannot be written is no reason to fail.
    pub(super) fn keep(&self, key: &Digest, code: &[u8], speech: &Speech) {
        let note = Note {
            digest: Digest::of(code),
            speech: speech.clone(),
        };
        let note = serde_json::to_vec(&note).expect("it has no maps");
        // The note comes last: an entry without one is none.
        let written = self
            .write(&self.path(key, CODE), code)
            .and_then(|()| self.write(&self.path(key, NOTE), &note));
        if let Err(error) = written {
            tracing::warn!(%error, folder = %self.folder.display(), "a compiled component was not cached");
        }
        self.shrink();
    }

    /// Removes an entry that turned out to be of no use.
    pub(super) fn forget(&self, key: &Digest) {
        for ending in [NOTE, CODE] {
            let _ = remove(&self.path(key, ending));
        }
    }

    fn path(&self, key: &Digest, ending: &str) -> PathBuf {
        self.folder.join(format!("{key}.{ending}"))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    }

    /// Removes entries, those used longest ago first, until the others are within the bound.
    fn shrink(&self) {
        let Ok(mut files) = self.files() else { return };
        files.sort_by_key(|file| file.used);
        let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files {
            if bytes <= self.most_bytes {
                return;
            }
            if has_ending(&file.path, CODE) {
                let _ = remove(&file.path.with_extension(NOTE));
                let _ = remove(&file.path);
                bytes = bytes.saturating_sub(file.bytes);
            }
        }
    }

    fn files(&self) -> Result<Vec<Entry>, CacheError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|source| self.failed(source))? {
            let path = entry.map_err(|source| self.failed(source))?.path();
            let is_ours = has_ending(&path, CODE) || has_ending(&path, NOTE) || is_left_over(&path);
            // Another process may have removed it just now.
            if let Some(found) = fs::metadata(&path).ok().filter(|_| is_ours) {
                files.push(Entry {
                    path,
                    bytes: found.len(),
                    used: found.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                });
            }
        }
        Ok(files)
    }

    fn failed(&self, source: io::Error) -> CacheError {
        CacheError::Folder {
            folder: self.folder.clone(),
            source,
        }
    }
}

struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// Names an entry: a component, compiled by an engine with its settings.
pub(super) fn key(engine: &wasmtime::Engine, component: &[u8]) -> Digest {
    let mut hasher = Sha(Sha256::new());
    // What is noted beside the code may mean something else to another version.
    hasher
        .0
        .update(concat!("godwit ", env!("CARGO_PKG_VERSION"), "\0"));
    hasher.0.update(Sha256::digest(component));
    engine.precompile_compatibility_hash().hash(&mut hasher);
    Digest(hasher.0.finalize().into())
}

/// Feeds what is hashed to a digest that nobody can aim at.
struct Sha(Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("the digest is taken from what is inside")
    }
}

fn digest_of(file: &Path) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(file)?, &mut hasher)?;
    Ok(Digest(hasher.finalize().into()))
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

/// Whether a process was killed while it wrote the file.
fn is_left_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(".new-")
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Notes that a file was used just now, which decides what goes first. Nothing is lost if it is not.
#[cfg(unix)]
fn note_use(file: &Path) {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};
    let at = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    let times = Timestamps {
        last_access: at(UTIME_OMIT),
        last_modification: at(UTIME_NOW),
    };
    let _ = utimensat(CWD, file, &times, AtFlags::empty());
}

#[cfg(not(unix))]
fn note_use(_: &Path) {}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn is_private(folder: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let found = fs::metadata(folder)?;
    let is_own = found.uid() == rustix::process::geteuid().as_raw();
    Ok(is_own && found.mode() & 0o022 == 0)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> io::Result<bool> {
    Ok(true)
}

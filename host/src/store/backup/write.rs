//! Writing a backup.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, BufWriter, ErrorKind, Read as _, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::TempPath;

use super::{
    BackedUp, BackupError, CHUNK_BYTES, Chunk, END, END_OF_KEYS, FORMAT, LEVEL, MAGIC, Manifest,
    is_kept,
};
use crate::model::{Digest, History, Name, Timestamp};
use crate::store::key::tag;
use crate::store::{Store, StoreError, folder, record};

/// What a draft's name begins and ends with: it is no backup's, and hidden.
const DRAFT: (&str, &str) = (".godwit-", ".draft");

/// Writes one backup. What was written goes again when it is dropped before its end.
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
/// assert!(!file.exists());
/// let (written, _manifest) = writer.copy(&store, &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!(written, file);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BackupWriter {
    /// Locked for as long as it is written.
    out: BufWriter<File>,
    /// Where it lies until it is whole.
    draft: TempPath,
    path: PathBuf,
    /// Whether another name will do.
    is_new: bool,
    chunk: Vec<u8>,
    hash: Sha256,
    manifest: Manifest,
    history: History,
}

impl BackupWriter {
    /// Begins a backup; the file appears once it is whole, and takes no other's place.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::{BackupError, BackupWriter};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("a.godwit");
    /// # let writer = godwit::store::BackupWriter::begin(&file, &store, godwit::model::Timestamp(0))?;
    /// # let (file, manifest) = writer.copy(&store, &mut |_| std::ops::ControlFlow::Continue(()))?;
    /// let again = BackupWriter::begin(&file, &store, Timestamp(0)).err();
    /// assert!(matches!(again, Some(BackupError::Exists(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BackupError`] when the file is there already, its folder is not, or it cannot be written.
    pub fn begin(path: &Path, store: &Store, now: Timestamp) -> Result<Self, BackupError> {
        if path.exists() {
            return Err(BackupError::Exists(path.to_owned()));
        }
        let folder = folder_of(path);
        if !folder.exists() {
            return Err(BackupError::NoFolder(folder.to_owned()));
        }
        Self::draft(path, false, store, now)
    }

    /// Does as [`BackupWriter::begin`], for a file whose name nobody has given: its folder is made if it is not there, and where
    /// the name is taken the file gets one like it.
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
    /// # let writer = godwit::store::BackupWriter::begin(&file, &store, godwit::model::Timestamp(0))?;
    /// # let (file, manifest) = writer.copy(&store, &mut |_| std::ops::ControlFlow::Continue(()))?;
    /// let writer = BackupWriter::begin_new(&file, &store, Timestamp(0))?;
    /// let (other, _manifest) = writer.copy(&store, &mut |_| ControlFlow::Continue(()))?;
    /// assert!(other.ends_with("a_2.godwit"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BackupError`] when the file or its folder cannot be written.
    pub fn begin_new(path: &Path, store: &Store, now: Timestamp) -> Result<Self, BackupError> {
        std::fs::create_dir_all(folder_of(path))
            .map_err(|error| failed("making the folder of", path, error))?;
        Self::draft(path, true, store, now)
    }

    fn draft(
        path: &Path,
        is_new: bool,
        store: &Store,
        now: Timestamp,
    ) -> Result<Self, BackupError> {
        let folder = folder_of(path);
        clear_drafts(folder);
        let making = |error| failed("making", path, error);
        let draft = tempfile::Builder::new()
            .prefix(DRAFT.0)
            .suffix(DRAFT.1)
            // As for any other file, it is the umask that says who may read it.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder);
        let (mut file, draft) = draft.map_err(making)?.into_parts();
        // Where files cannot be locked, no draft is ever taken for one that was left.
        let _ = file.try_lock();
        // At once: what does not begin so is not looked at.
        file.write_all(MAGIC)
            .map_err(|error| failed("writing", path, error))?;
        Ok(Self {
            out: BufWriter::new(file),
            draft,
            path: path.to_owned(),
            is_new,
            chunk: Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4),
            hash: Sha256::new(),
            manifest: Manifest {
                format: FORMAT,
                created_at: now,
                made_by: format!("godwit {}", env!("CARGO_PKG_VERSION")),
                store: store.backend().url(),
                collections: Vec::new(),
                apps: Vec::new(),
                entries: 0,
                bytes: 0,
                digest: Digest([0; 32]),
                chunks: Vec::new(),
            },
            history: History::default(),
        })
    }

    /// Copies everything that a store has, as it is at one moment, and finishes the file. `observer` is told how many
    /// entries were copied by now and says whether to go on; it must not use the store. Gives the file, which has another name
    /// than the one that was asked for where that may be.
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
    /// let (file, _manifest) = writer.copy(&store, &mut |entries| {
    ///     println!("{entries} entries");
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert!(file.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BackupError`] when the store cannot be read or the file not be written; there is no file then.
    pub fn copy(
        mut self,
        store: &Store,
        observer: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(PathBuf, Manifest), BackupError> {
        let mut result = Ok(());
        store.stored().scan(&[0], END_OF_KEYS, &mut |key, value| {
            result = self.entry(key, value).and_then(|is_new| {
                match is_new && observer(self.manifest.entries).is_break() {
                    true => Err(BackupError::Stopped),
                    false => Ok(()),
                }
            });
            match result {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        result?;
        self.finish()
    }

    /// The same page by page, for stores that cannot show one moment: nobody may write meanwhile. `observer` may use the
    /// store.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::BackupWriter;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("a.godwit");
    /// let writer = BackupWriter::begin(&file, &store, Timestamp(0))?;
    /// let (file, _manifest) = writer.copy_in_pages(&store, &mut |entries| {
    ///     println!("{entries} entries");
    ///     Ok(())
    /// })?;
    /// assert!(file.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BackupError`] when the store cannot be read or the file not be written, and what `observer` says; there is no file
    /// then.
    pub fn copy_in_pages(
        mut self,
        store: &Store,
        observer: &mut dyn FnMut(u64) -> Result<(), BackupError>,
    ) -> Result<(PathBuf, Manifest), BackupError> {
        let mut from = vec![0];
        loop {
            let (mut result, mut next) = (Ok(false), None);
            store.stored().scan(&from, END_OF_KEYS, &mut |key, value| {
                result = self.entry(key, value);
                if matches!(result, Ok(false)) {
                    return ControlFlow::Continue(());
                }
                // The least key behind this one.
                next = Some([key, &[0]].concat());
                ControlFlow::Break(())
            })?;
            result?;
            // At the end, too: so nobody can have written before the last page was read.
            observer(self.manifest.entries)?;
            let Some(next) = next else {
                return self.finish();
            };
            from = next;
        }
    }

    /// Adds an entry; gives whether a chunk was written.
    fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<bool, BackupError> {
        if !is_kept(key) {
            return Ok(false);
        }
        self.note(key, value)?;
        let is_over = self.chunk.len() + key.len() + value.len() > CHUNK_BYTES;
        let is_full = is_over && !self.chunk.is_empty();
        if is_full {
            self.write_chunk()?;
        }
        let key_length = u16::try_from(key.len()).expect("keys have at most 1,024 bytes");
        let length = u32::try_from(value.len()).map_err(|_| StoreError::Damaged {
            place: format!("the record {}", key.escape_ascii()),
            reason: "it is longer than any can be".to_owned(),
        })?;
        self.chunk.extend_from_slice(&key_length.to_be_bytes());
        self.chunk.extend_from_slice(&length.to_be_bytes());
        self.chunk.extend_from_slice(key);
        self.chunk.extend_from_slice(value);
        self.manifest.entries += 1;
        self.manifest.bytes += (key.len() + value.len()) as u64;
        Ok(is_full)
    }

    /// Notes what the manifest tells of the store, so that it is of the same moment.
    fn note(&mut self, key: &[u8], value: &[u8]) -> Result<(), BackupError> {
        match key[0] {
            tag::HISTORY => self.history.0.push(record::from_json(key, value)?),
            tag::TALLIES => {
                let tallies: crate::store::Tallies = record::from_json(key, value)?;
                let name = std::str::from_utf8(&key[1..]).ok();
                if let Some(collection) = name.and_then(|name| name.parse::<Name>().ok()) {
                    let items = tallies.items;
                    self.manifest
                        .collections
                        .push(BackedUp { collection, items });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn write_chunk(&mut self) -> Result<(), BackupError> {
        self.hash.update(&self.chunk);
        let packed = zstd::bulk::compress(&self.chunk, LEVEL);
        let written = packed.and_then(|packed| {
            let length = u32::try_from(packed.len()).map_err(io::Error::other)?;
            self.manifest.chunks.push(Chunk {
                length,
                digest: Digest::of(&packed),
            });
            self.out.write_all(&length.to_be_bytes())?;
            self.out.write_all(&packed)
        });
        self.chunk.clear();
        written.map_err(|error| failed("writing", &self.path, error))
    }

    fn finish(mut self) -> Result<(PathBuf, Manifest), BackupError> {
        if !self.chunk.is_empty() {
            self.write_chunk()?;
        }
        self.manifest.digest = Digest(std::mem::take(&mut self.hash).finalize().into());
        let apps = self.history.apps().into_iter();
        self.manifest.apps = apps
            .map(|(app, state)| (app, state.version().cloned()))
            .collect();
        let manifest = record::to_json(&self.manifest);
        let out = &mut self.out;
        let mut write = || {
            out.write_all(&0_u32.to_be_bytes())?;
            out.write_all(&manifest)?;
            out.write_all(&(manifest.len() as u64).to_be_bytes())?;
            out.write_all(&Digest::of(&manifest).0)?;
            out.write_all(END)?;
            out.flush()?;
            out.get_ref().sync_all()
        };
        write().map_err(|error| failed("writing", &self.path, error))?;
        let path = publish(self.draft, self.path, self.is_new)?;
        folder::sync(folder_of(&path))?;
        Ok((path, self.manifest))
    }
}

/// Gives a file its name, which nobody else's has; gives the name.
fn publish(mut draft: TempPath, wanted: PathBuf, is_new: bool) -> Result<PathBuf, BackupError> {
    let (mut path, mut number) = (wanted.clone(), 1);
    loop {
        let Err(refused) = draft.persist_noclobber(&path) else {
            return Ok(path);
        };
        match refused.error.kind() {
            ErrorKind::AlreadyExists if is_new => {}
            ErrorKind::AlreadyExists => return Err(BackupError::Exists(path)),
            _ => return Err(failed("naming", &path, refused.error)),
        }
        draft = refused.path;
        number += 1;
        path = numbered(&wanted, number);
    }
}

/// A name like another one, which comes behind it in order: `a_2.godwit` for `a.godwit`.
fn numbered(path: &Path, number: u64) -> PathBuf {
    let [stem, extension] = [path.file_stem(), path.extension()]
        .map(|part| part.unwrap_or(OsStr::new("")).to_string_lossy());
    path.with_file_name(format!("{stem}_{number}.{extension}"))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Removes the drafts of those who were killed, as far as that can be told and done.
fn clear_drafts(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_draft = name.starts_with(DRAFT.0) && name.ends_with(DRAFT.1);
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_draft && is_file() && is_left(&entry.path()).unwrap_or(false) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether nobody writes a draft any more: whoever does has a lock on it from before its first byte on.
fn is_left(draft: &Path) -> io::Result<bool> {
    let mut file = File::open(draft)?;
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    Ok(magic == *MAGIC && file.try_lock().is_ok())
}

pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> BackupError {
    BackupError::Failed {
        action,
        path: path.to_owned(),
        source,
    }
}

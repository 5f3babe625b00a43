//! Reading a backup, and holding every byte of it to what the manifest says.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::write::failed;
use super::{BackupError, END, FORMAT, MAGIC, MOST_BYTES, Manifest, TRAILER};
use crate::model::Digest;
use crate::store::StoreUrl;

/// A backup, opened: its manifest is known to be what was written.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use godwit::store::Backup;
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("a.godwit");
/// # let writer = godwit::store::BackupWriter::begin(&file, &store, godwit::model::Timestamp(0))?;
/// # let (file, manifest) = writer.copy(&store, &mut |_| std::ops::ControlFlow::Continue(()))?;
/// let backup = Backup::open(&file)?;
/// backup.verify(&mut |_entries| ControlFlow::Continue(()))?;
/// assert_eq!(backup.manifest(), &manifest);
/// assert_eq!(backup.path(), file);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Backup {
    path: PathBuf,
    file: File,
    /// The file's length.
    length: u64,
    manifest: Manifest,
}

impl Backup {
    /// Opens a backup and reads its manifest.
    ///
    /// # Errors
    /// [`BackupError::Missing`] when there is no file, [`BackupError::Damaged`] when it is not a whole backup, as far as that
    /// can be told from its beginning and its end.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => BackupError::Missing(path.to_owned()),
            _ => failed("reading", path, error),
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let manifest = manifest(&mut file, length).map_err(|error| error.at(path))?;
        let backup = Self {
            path: path.to_owned(),
            file,
            length,
            manifest,
        };
        backup.check_lengths()?;
        Ok(backup)
    }

    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes of the file.
    pub fn file_bytes(&self) -> u64 {
        self.length
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was made of a store: what counts is where that lies, however it is named.
    ///
    /// ```
    /// use godwit::store::{Backup, StoreUrl};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("a.godwit");
    /// # let writer = godwit::store::BackupWriter::begin(&file, &store, godwit::model::Timestamp(0))?;
    /// # let (file, manifest) = writer.copy(&store, &mut |_| std::ops::ControlFlow::Continue(()))?;
    /// let backup = Backup::open(&file)?;
    /// assert!(backup.is_of(&StoreUrl::Memory));
    /// assert!(!backup.is_of(&"lmdb:data".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_of(&self, store: &StoreUrl) -> bool {
        let folder = |url: &StoreUrl| url.folder().map(whole);
        let made_of = self.manifest.store.parse();
        made_of.is_ok_and(|made_of| folder(&made_of) == folder(store))
    }

    /// Reads every byte, and visits the entries, until `visit` breaks.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use godwit::store::Backup;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("a.godwit");
    /// # let writer = godwit::store::BackupWriter::begin(&file, &store, godwit::model::Timestamp(0))?;
    /// # let (file, manifest) = writer.copy(&store, &mut |_| std::ops::ControlFlow::Continue(()))?;
    /// let mut bytes = 0;
    /// Backup::open(&file)?.each(&mut |key, value| {
    ///     bytes += key.len() + value.len();
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(bytes as u64, manifest.bytes);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BackupError::Damaged`] when anything is not as it was written. Entries that were visited before are as they were.
    pub fn each(
        &self,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), BackupError> {
        let entries = Entries {
            file: BufReader::with_capacity(1 << 20, &self.file),
            manifest: &self.manifest,
        };
        entries.read(visit).map_err(|error| error.at(&self.path))
    }

    /// Reads every byte.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use godwit::store::Backup;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("a.godwit");
    /// # let writer = godwit::store::BackupWriter::begin(&file, &store, godwit::model::Timestamp(0))?;
    /// # let (file, manifest) = writer.copy(&store, &mut |_| std::ops::ControlFlow::Continue(()))?;
    /// Backup::open(&file)?.verify(&mut |entries| {
    ///     println!("{entries} entries");
    ///     ControlFlow::Continue(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BackupError::Damaged`] when anything is not as it was written.
    pub fn verify(
        &self,
        observer: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(), BackupError> {
        let (mut entries, mut stopped) = (0, false);
        self.each(&mut |_, _| {
            entries += 1;
            if entries % 10_000 == 0 && observer(entries).is_break() {
                stopped = true;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        if stopped {
            Err(BackupError::Stopped)
        } else {
            Ok(())
        }
    }

    /// The chunks fill what lies between the beginning and the manifest.
    fn check_lengths(&self) -> Result<(), BackupError> {
        let chunks = self.manifest.chunks.iter();
        let chunks: u64 = chunks.map(|chunk| 4 + u64::from(chunk.length)).sum();
        let manifest =
            manifest_length(&self.file, self.length).map_err(|error| error.at(&self.path))?;
        let expected = MAGIC.len() as u64 + chunks + 4 + manifest + TRAILER as u64;
        if expected != self.length {
            let error = Wrong::Damaged(format!(
                "it has {} bytes instead of {expected}",
                self.length
            ));
            return Err(error.at(&self.path));
        }
        Ok(())
    }
}

/// A path from the root, without links as far as it is there.
fn whole(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path,
    }
}

/// What is wrong with a file.
enum Wrong {
    Damaged(String),
    Newer(u32),
    Io(io::Error),
}

impl Wrong {
    fn at(self, path: &Path) -> BackupError {
        let path = path.to_owned();
        match self {
            Self::Damaged(reason) => BackupError::Damaged { path, reason },
            Self::Newer(found) => BackupError::NewerFormat { path, found },
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let reason = "it ends too early".to_owned();
                BackupError::Damaged { path, reason }
            }
            Self::Io(source) => BackupError::Failed {
                action: "reading",
                path,
                source,
            },
        }
    }
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn damaged(reason: &str) -> Wrong {
    Wrong::Damaged(reason.to_owned())
}

fn manifest_length(mut file: &File, length: u64) -> Result<u64, Wrong> {
    file.seek(SeekFrom::Start(length.saturating_sub(TRAILER as u64)))?;
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}

fn manifest(file: &mut File, length: u64) -> Result<Manifest, Wrong> {
    let mut magic = [0; MAGIC.len()];
    let is_ours = file.read_exact(&mut magic).is_ok() && magic == *MAGIC;
    if !is_ours {
        return Err(damaged("it does not begin like one"));
    }
    if length < (MAGIC.len() + TRAILER) as u64 {
        return Err(damaged("it ends too early"));
    }
    let mut trailer = [0; TRAILER];
    file.seek(SeekFrom::Start(length - TRAILER as u64))?;
    file.read_exact(&mut trailer)?;
    let (size, rest) = trailer.split_at(8);
    let (digest, end) = rest.split_at(32);
    if end != END {
        return Err(damaged("it does not end like one"));
    }
    let size = u64::from_be_bytes(size.try_into().expect("they are 8 bytes"));
    let room = length - (MAGIC.len() + TRAILER) as u64;
    if size > room {
        return Err(damaged("its manifest would be longer than all of it"));
    }
    file.seek(SeekFrom::Start(length - TRAILER as u64 - size))?;
    let mut bytes =
        vec![0; usize::try_from(size).map_err(|_| damaged("its manifest is too long"))?];
    file.read_exact(&mut bytes)?;
    if Digest::of(&bytes).0 != digest {
        return Err(damaged("its manifest is not what was written"));
    }
    #[derive(serde::Deserialize)]
    struct Mark {
        format: u32,
    }
    let unreadable =
        |error: serde_json::Error| Wrong::Damaged(format!("its manifest cannot be read: {error}"));
    let Mark { format } = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if format > FORMAT {
        return Err(Wrong::Newer(format));
    }
    serde_json::from_slice(&bytes).map_err(unreadable)
}

/// The entries of a backup.
struct Entries<'a> {
    file: BufReader<&'a File>,
    manifest: &'a Manifest,
}

impl Entries<'_> {
    fn read(mut self, visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>) -> Result<(), Wrong> {
        self.file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
        let (mut hash, mut entries, mut bytes) = (Sha256::new(), 0, 0);
        let mut last = Vec::new();
        for (number, chunk) in self.manifest.chunks.iter().enumerate() {
            if self.length()? != chunk.length {
                return Err(Wrong::Damaged(format!("chunk {number} has another length")));
            }
            let mut packed = vec![0; chunk.length as usize];
            self.file.read_exact(&mut packed)?;
            if Digest::of(&packed) != chunk.digest {
                return Err(Wrong::Damaged(format!(
                    "chunk {number} is not what was written"
                )));
            }
            let unpacked = unpack(&packed).map_err(|error| {
                Wrong::Damaged(format!("chunk {number} cannot be unpacked: {error}"))
            })?;
            hash.update(&unpacked);
            let mut rest = &unpacked[..];
            while !rest.is_empty() {
                let (key, value, more) = split(rest)
                    .ok_or_else(|| Wrong::Damaged(format!("chunk {number} holds half an entry")))?;
                rest = more;
                if key.is_empty() || key <= &last[..] {
                    return Err(Wrong::Damaged(format!("chunk {number} is not in order")));
                }
                last.clear();
                last.extend_from_slice(key);
                entries += 1;
                bytes += (key.len() + value.len()) as u64;
                if visit(key, value).is_break() {
                    return Ok(());
                }
            }
        }
        if self.length()? != 0 {
            return Err(damaged("there is more behind its last chunk"));
        }
        let is_whole = Digest(hash.finalize().into()) == self.manifest.digest
            && (entries, bytes) == (self.manifest.entries, self.manifest.bytes);
        if !is_whole {
            return Err(damaged("its chunks are not what was written"));
        }
        Ok(())
    }

    fn length(&mut self) -> Result<u32, Wrong> {
        let mut length = [0; 4];
        self.file.read_exact(&mut length)?;
        Ok(u32::from_be_bytes(length))
    }
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
    decoder.take(MOST_BYTES as u64).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (key_length, rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(u16::from_be_bytes(*key_length).into())?;
    let (value, rest) = rest.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
    Some((key, value, rest))
}

//! Writing a backup.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{
    BackedUp, BackupError, CHUNK_BYTES, Chunk, END, END_OF_KEYS, FORMAT, LEVEL, MAGIC, Manifest,
    is_kept,
};
use crate::model::{Digest, History, Name, Timestamp};
use crate::store::key::tag;
use crate::store::{Store, StoreError, folder, record};

/// Writes one backup. What was written goes again when it is dropped before its end.
pub struct BackupWriter {
    out: Option<BufWriter<File>>,
    /// Where it lies until it is whole.
    draft: PathBuf,
    path: PathBuf,
    chunk: Vec<u8>,
    hash: Sha256,
    manifest: Manifest,
    history: History,
}

impl BackupWriter {
    /// Begins a backup; the file appears once it is whole.
    ///
    /// # Errors
    /// [`BackupError`] when the file is there already, or cannot be written.
    pub fn begin(path: &Path, store: &Store, now: Timestamp) -> Result<Self, BackupError> {
        if path.exists() {
            return Err(BackupError::Exists(path.to_owned()));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = path.with_file_name(format!(".{name}.draft"));
        let failed = |action, error| failed(action, &draft, error);
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder)
                .map_err(|error| failed("making the folder of", error))?;
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&draft)
            .map_err(|error| failed("making", error))?;
        let mut out = BufWriter::new(file);
        out.write_all(MAGIC)
            .map_err(|error| failed("writing", error))?;
        Ok(Self {
            out: Some(out),
            draft,
            path: path.to_owned(),
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
    /// entries were copied by now and says whether to go on; it must not use the store.
    ///
    /// # Errors
    /// [`BackupError`] when the store cannot be read or the file not be written; there is no file then.
    pub fn copy(
        mut self,
        store: &Store,
        observer: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Manifest, BackupError> {
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
    /// # Errors
    /// [`BackupError`] when the store cannot be read or the file not be written, and what `observer` says; there is no file
    /// then.
    pub fn copy_in_pages(
        mut self,
        store: &Store,
        observer: &mut dyn FnMut(u64) -> Result<(), BackupError>,
    ) -> Result<Manifest, BackupError> {
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
            let out = self.out.as_mut().expect("it is not finished");
            out.write_all(&length.to_be_bytes())?;
            out.write_all(&packed)
        });
        self.chunk.clear();
        written.map_err(|error| failed("writing", &self.draft, error))
    }

    fn finish(mut self) -> Result<Manifest, BackupError> {
        if !self.chunk.is_empty() {
            self.write_chunk()?;
        }
        self.manifest.digest = Digest(std::mem::take(&mut self.hash).finalize().into());
        let apps = self.history.apps().into_iter();
        self.manifest.apps = apps
            .map(|(app, state)| (app, state.version().cloned()))
            .collect();
        let manifest = record::to_json(&self.manifest);
        let mut out = self.out.take().expect("it is not finished");
        let mut write = || {
            out.write_all(&0_u32.to_be_bytes())?;
            out.write_all(&manifest)?;
            out.write_all(&(manifest.len() as u64).to_be_bytes())?;
            out.write_all(&Digest::of(&manifest).0)?;
            out.write_all(END)?;
            out.flush()?;
            out.get_ref().sync_all()
        };
        write().map_err(|error| failed("writing", &self.draft, error))?;
        std::fs::rename(&self.draft, &self.path)
            .map_err(|error| failed("renaming", &self.draft, error))?;
        let folder = self.path.parent();
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
        folder::sync(folder.unwrap_or(Path::new(".")))?;
        Ok(self.manifest.clone())
    }
}

impl Drop for BackupWriter {
    fn drop(&mut self) {
        if let Some(out) = self.out.take() {
            drop(out);
            // Half a backup is of no use; one that is left is overwritten the next time.
            let _ = std::fs::remove_file(&self.draft);
        }
    }
}

pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> BackupError {
    BackupError::Failed {
        action,
        path: path.to_owned(),
        source,
    }
}

//! Files that appear whole or not at all, and whose making can be gone on with.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use godwit::model::Name;
use serde::{Deserialize, Serialize};

use super::{Packed, Packing};
use crate::exit::{Code, Failure};

/// A file that is written under the name `FILE.partial` until it is whole. How far it has come is
/// kept beside it, in `FILE.partial.json`.
pub struct PartialFile {
    paths: Paths,
    out: Packed<File>,
}

/// What a partial file is made of: it is gone on with by the same only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The store's URL.
    pub store: String,
    /// The collection.
    pub collection: Name,
    /// How it is packed.
    pub packing: Packing,
}

/// How far an export has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Place {
    /// The last id that was written.
    pub after: Option<String>,
    /// Items written.
    pub items: u64,
}

/// What lies beside a partial file.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    #[serde(flatten)]
    identity: Identity,
    #[serde(flatten)]
    place: Place,
    /// Bytes of the partial file that are valid.
    bytes: u64,
}

struct Paths {
    whole: PathBuf,
    partial: PathBuf,
    checkpoint: PathBuf,
    new_checkpoint: PathBuf,
}

impl PartialFile {
    /// Starts a file at its first byte.
    pub fn create(path: &Path, packing: Packing) -> Result<Self, Failure> {
        let paths = Paths::of(path)?;
        let make = || {
            // It is emptied once it is known that nobody else writes it.
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false);
            let file = options.open(&paths.partial)?;
            lock(&file)?;
            // An old checkpoint must not outlive the bytes that it is about.
            remove(&paths.checkpoint)?;
            paths.sync_folder()?;
            file.set_len(0)?;
            Packed::new(file, packing)
        };
        let out = make().map_err(|error| paths.failure(&error))?;
        Ok(Self { paths, out })
    }

    /// Goes on with a file behind its last checkpoint, or starts it where there is none.
    pub fn resume(path: &Path, identity: &Identity) -> Result<(Self, Place), Failure> {
        let paths = Paths::of(path)?;
        let Some(checkpoint) = paths.read_checkpoint()? else {
            return Ok((Self::create(path, identity.packing)?, Place::default()));
        };
        if checkpoint.identity != *identity {
            return Err(paths.differs(&checkpoint.identity, identity));
        }
        let open = || {
            let mut file = OpenOptions::new().write(true).open(&paths.partial)?;
            lock(&file)?;
            if file.metadata()?.len() < checkpoint.bytes {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "it is shorter than it was",
                ));
            }
            file.set_len(checkpoint.bytes)?;
            file.seek(SeekFrom::End(0))?;
            Packed::behind(checkpoint.bytes, file, identity.packing)
        };
        let out = open().map_err(|error| paths.failure(&error))?;
        Ok((Self { paths, out }, checkpoint.place))
    }

    /// Adds lines.
    pub fn write(&mut self, lines: &[u8]) -> Result<(), Failure> {
        self.out
            .write_all(lines)
            .map_err(|error| self.paths.failure(&error))
    }

    /// Makes sure that the file can be gone on with from here, whatever happens.
    pub fn checkpoint(&mut self, identity: &Identity, place: &Place) -> Result<(), Failure> {
        let (identity, place, bytes) = (identity.clone(), place.clone(), self.out.bytes());
        let checkpoint = Checkpoint {
            identity,
            place,
            bytes,
        };
        let text = serde_json::to_vec(&checkpoint).expect("it has string keys");
        let keep = || {
            // First the bytes, then the word that they are there.
            self.out.get_ref().sync_data()?;
            let mut file = File::create(&self.paths.new_checkpoint)?;
            file.write_all(&text)?;
            file.sync_data()?;
            fs::rename(&self.paths.new_checkpoint, &self.paths.checkpoint)
        };
        keep().map_err(|error| self.paths.failure(&error))
    }

    /// Gives the whole file its name. Whatever had it before is replaced.
    pub fn finish(self) -> Result<u64, Failure> {
        let Self { paths, out } = self;
        let end = || {
            let file = out.finish()?;
            file.sync_all()?;
            let bytes = file.metadata()?.len();
            fs::rename(&paths.partial, &paths.whole)?;
            paths.sync_folder()?;
            remove(&paths.checkpoint)?;
            remove(&paths.new_checkpoint)?;
            Ok(bytes)
        };
        end().map_err(|error: io::Error| paths.failure(&error))
    }

    /// Takes away what was written.
    pub fn discard(self) -> Result<(), Failure> {
        remove(&self.paths.partial).map_err(|error| self.paths.failure(&error))
    }
}

impl Paths {
    fn of(path: &Path) -> Result<Self, Failure> {
        if path.exists() && !path.is_file() {
            let message = format!("{} is not a regular file", path.display());
            return Err(Failure::input(
                message,
                "leave -o away to write to standard output",
            ));
        }
        let beside = |end: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        Ok(Self {
            whole: path.to_owned(),
            partial: beside(".partial"),
            checkpoint: beside(".partial.json"),
            new_checkpoint: beside(".partial.json.new"),
        })
    }

    fn read_checkpoint(&self) -> Result<Option<Checkpoint>, Failure> {
        if !self.partial.exists() {
            return Ok(None);
        }
        match fs::read(&self.checkpoint) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
                let message = format!(
                    "{} cannot be understood: {error}",
                    self.checkpoint.display()
                );
                Failure::input(message, "start over without --resume")
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failure(&error)),
        }
    }

    fn differs(&self, old: &Identity, new: &Identity) -> Failure {
        let said = |identity: &Identity| {
            let Identity {
                store,
                collection,
                packing,
            } = identity;
            format!("{collection} of {store} ({packing})")
        };
        let partial = self.partial.display();
        let message = format!("{partial} is of {}, not of {}", said(old), said(new));
        Failure::input(
            message,
            "export the same again with --resume, or start over without it",
        )
    }

    fn failure(&self, error: &io::Error) -> Failure {
        let partial = self.partial.display();
        match error.kind() {
            io::ErrorKind::WouldBlock => Failure::other(
                Code::Busy,
                format!("another process is writing {partial}"),
                "wait until it is done, or use another name",
            ),
            io::ErrorKind::UnexpectedEof => Failure::input(
                format!("{partial} cannot be gone on with: {error}"),
                "start over without --resume",
            ),
            _ => Failure::input(
                format!("{partial} cannot be written: {error}"),
                "check the folder and the space on its disk",
            ),
        }
    }

    /// Makes names durable, where the system lets folders be synced.
    fn sync_folder(&self) -> io::Result<()> {
        let folder = self
            .whole
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        match File::open(folder.unwrap_or(Path::new("."))) {
            Ok(folder) if cfg!(unix) => folder.sync_all(),
            _ => Ok(()),
        }
    }
}

fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        // Some network file systems have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn identity(collection: &str, packing: Packing) -> Identity {
        Identity {
            store: "memory:".to_owned(),
            collection: collection.parse().unwrap(),
            packing,
        }
    }

    fn place(items: u64) -> Place {
        Place {
            after: Some(format!("id-{items}")),
            items,
        }
    }

    fn read(path: &Path) -> String {
        let bytes = fs::read(path).unwrap();
        let plain = match path.extension() {
            Some(_) => zstd::decode_all(&bytes[..]).unwrap(),
            None => bytes,
        };
        String::from_utf8(plain).unwrap()
    }

    #[test]
    fn a_file_appears_whole_and_leaves_nothing_beside_it() {
        for (name, packing) in [("plain", Packing::Plain), ("packed.zst", Packing::Zstd)] {
            let folder = TempDir::new().unwrap();
            let path = folder.path().join(name);
            let mut file = PartialFile::create(&path, packing).unwrap();
            file.write(b"one\n").unwrap();
            file.checkpoint(&identity("c", packing), &place(1)).unwrap();
            file.write(b"two\n").unwrap();
            assert!(!path.exists());
            let bytes = file.finish().unwrap();
            assert_eq!(bytes, fs::metadata(&path).unwrap().len());
            assert_eq!(read(&path), "one\ntwo\n");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            PartialFile::create(&path, packing)
                .unwrap()
                .finish()
                .unwrap();
            assert_eq!(read(&path), "");
        }
    }

    #[test]
    fn a_file_is_gone_on_with_behind_its_last_checkpoint() {
        for (name, packing) in [("plain", Packing::Plain), ("packed.zst", Packing::Zstd)] {
            let folder = TempDir::new().unwrap();
            let (path, identity) = (folder.path().join(name), identity("c", packing));
            let (mut file, start) = PartialFile::resume(&path, &identity).unwrap();
            assert_eq!(start, Place::default());
            file.write(b"one\n").unwrap();
            file.checkpoint(&identity, &place(1)).unwrap();
            file.write(b"lost\n").unwrap();
            drop(file);
            let (mut file, start) = PartialFile::resume(&path, &identity).unwrap();
            assert_eq!(start, place(1));
            file.write(b"two\n").unwrap();
            file.checkpoint(&identity, &place(2)).unwrap();
            drop(file);
            let (file, start) = PartialFile::resume(&path, &identity).unwrap();
            assert_eq!(start, place(2));
            file.finish().unwrap();
            assert_eq!(read(&path), "one\ntwo\n");
        }
    }

    #[test]
    fn a_file_of_something_else_is_not_gone_on_with() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("file");
        let mut file = PartialFile::create(&path, Packing::Plain).unwrap();
        file.write(b"one\n").unwrap();
        file.checkpoint(&identity("c", Packing::Plain), &place(1))
            .unwrap();
        let refused = |identity: &Identity| match PartialFile::resume(&path, identity) {
            Err(failure) => format!("{failure:?}"),
            Ok(_) => panic!("it was gone on with"),
        };
        assert!(refused(&identity("c", Packing::Plain)).contains("another process is writing"));
        drop(file);
        assert!(refused(&identity("d", Packing::Plain)).contains("is of c of memory: (plain)"));
        assert!(refused(&identity("c", Packing::Zstd)).contains("not of c of memory: (zstd)"));
        let partial = folder.path().join("file.partial");
        fs::write(&partial, "one").unwrap();
        assert!(refused(&identity("c", Packing::Plain)).contains("shorter than it was"));
        // Starting over forgets the old checkpoint at once.
        drop(PartialFile::create(&path, Packing::Plain).unwrap());
        let (_, start) = PartialFile::resume(&path, &identity("d", Packing::Zstd)).unwrap();
        assert_eq!(start, Place::default());
    }

    #[test]
    fn only_regular_files_are_replaced() {
        let folder = TempDir::new().unwrap();
        let failure = PartialFile::create(folder.path(), Packing::Plain)
            .err()
            .unwrap();
        assert!(format!("{failure:?}").contains("is not a regular file"));
    }
}

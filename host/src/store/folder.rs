//! What a store's folder holds, and how a new one is made so that a power cut cannot unmake it.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::{OpenMode, StoreError, open_lock};

/// The backends that keep a store in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Lmdb,
    Sled,
}

impl Kind {
    /// The scheme of the kind's URLs, which is also what the kind is called in messages.
    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::Lmdb => "lmdb",
            Self::Sled => "sled",
        }
    }
}

/// What was found at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Contents {
    /// No folder, or an empty one.
    Nothing,
    /// A store.
    Store(Kind),
    /// What a process that was killed while it made a store has left: nothing was ever kept there.
    Unfinished(Kind),
    /// Something that no store of ours would have; the reason names it.
    Foreign(String),
}

/// Looks at what `path` holds.
pub(super) fn contents(path: &Path) -> Result<Contents, StoreError> {
    let looking = |error| failed("looking at the folder", path, error);
    let mut names = match names(path) {
        Ok(names) => names,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Contents::Nothing),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Ok(Contents::Foreign("it is not a folder".to_owned()));
        }
        Err(error) => return Err(looking(error)),
    };
    // It says nothing of what else is there.
    names.retain(|name| name != open_lock::FILE);
    let has = |name: &str| names.iter().any(|found| found == name);
    if has("data.mdb") {
        return Ok(match is_blank(&path.join("data.mdb")).map_err(looking)? {
            true => Contents::Unfinished(Kind::Lmdb),
            false => Contents::Store(Kind::Lmdb),
        });
    }
    if has("db") && len(&path.join("db")).map_err(looking)? > 0 {
        return Ok(match has("conf") || has("blobs") {
            true => Contents::Store(Kind::Sled),
            false => foreign("db"),
        });
    }
    Ok(leftovers(&names))
}

/// Checks that a store of `kind` can be opened, or made, at `path`, and makes its folder.
pub(super) fn prepare(path: &Path, kind: Kind, mode: OpenMode) -> Result<(), StoreError> {
    match (contents(path)?, mode) {
        (Contents::Store(found), _) if found == kind => Ok(()),
        (Contents::Nothing | Contents::Unfinished(_), OpenMode::Existing) => {
            let path = path.to_owned();
            Err(StoreError::Missing { path })
        }
        (Contents::Nothing, OpenMode::Create) => create(path),
        (Contents::Unfinished(found), OpenMode::Create) if found == kind => Ok(()),
        (Contents::Store(found) | Contents::Unfinished(found), _) => Err(other_kind(path, found)),
        (Contents::Foreign(reason), _) => {
            let path = path.to_owned();
            Err(StoreError::NotAStore { path, reason })
        }
    }
}

/// Makes the entries of a folder durable: without it a power cut may lose files whose contents
/// were synced.
pub(crate) fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(|error| failed("syncing the folder", path, error))
}

/// The bytes that a file takes on disk, which for a sparse file are fewer than its length.
pub(super) fn allocated(file: &Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::blocks(file) * 512;
    #[cfg(not(unix))]
    return file.len();
}

/// Turns an error of the operating system into a state of the store.
pub(super) fn failed(action: &'static str, path: &Path, error: io::Error) -> StoreError {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { path },
        _ => StoreError::Failed {
            action,
            path,
            source: Box::new(error),
        },
    }
}

/// The answer to files that cannot be read: it says what to do, since no command can mend them.
pub(super) fn damaged(path: &Path, what: &str) -> StoreError {
    StoreError::Damaged {
        place: path.display().to_string(),
        reason: format!("{what}; restore a backup in its place, and keep this folder till then"),
    }
}

fn create(path: &Path) -> Result<(), StoreError> {
    let missing: Vec<_> = path
        .ancestors()
        .take_while(|folder| !exists(folder))
        .collect();
    fs::create_dir_all(path).map_err(|error| failed("making the folder", path, error))?;
    for folder in missing {
        match folder.parent() {
            Some(parent) if parent.as_os_str().is_empty() => sync(Path::new("."))?,
            Some(parent) => sync(parent)?,
            None => {}
        }
    }
    Ok(())
}

fn exists(folder: &Path) -> bool {
    // The empty path is where the ancestors of a relative path end: the working folder.
    folder.as_os_str().is_empty() || folder.exists()
}

fn names(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

// Each backend makes these files before the one that marks its store as finished.
fn leftovers(names: &[String]) -> Contents {
    let stray = |own: fn(&str) -> bool| names.iter().find(|name| !own(name));
    let lmdb = |name: &str| name == "lock.mdb";
    let sled = |name: &str| matches!(name, "blobs" | "conf" | "db");
    if names.is_empty() {
        return Contents::Nothing;
    }
    match (stray(lmdb), stray(sled)) {
        (None, _) => Contents::Unfinished(Kind::Lmdb),
        // sled makes the folder `blobs` first; a `conf` without it is somebody else's.
        (_, None) if names.iter().any(|name| name == "blobs") => Contents::Unfinished(Kind::Sled),
        (Some(name), _) => foreign(name),
    }
}

fn foreign(name: &str) -> Contents {
    Contents::Foreign(format!("it holds `{name}`, which belongs to no store"))
}

// LMDB writes its first two pages in one go; an empty file, or one of that size whose pages a
// power cut has left zero, has never held anything.
fn is_blank(data: &Path) -> io::Result<bool> {
    const TWO_LARGEST_PAGES: u64 = 2 << 16;
    let length = len(data)?;
    if length > TWO_LARGEST_PAGES {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    File::open(data)?.read_to_end(&mut bytes)?;
    Ok(bytes.iter().all(|byte| *byte == 0))
}

fn len(file: &Path) -> io::Result<u64> {
    Ok(fs::metadata(file)?.len())
}

fn other_kind(path: &Path, found: Kind) -> StoreError {
    let scheme = found.scheme();
    StoreError::NotAStore {
        path: path.to_owned(),
        reason: format!(
            "it holds a store of {scheme}: open it as {scheme}:{}",
            path.display()
        ),
    }
}

//! The files of a store of sled: what a killed process has left of them, and what sled does not
//! sync.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use crate::store::StoreError;
use crate::store::folder::{self, Kind};

/// The size of a segment of the log in new stores; one that exists keeps its own.
///
/// A commit whose log lies within a segment or two is what survives a power cut, so that larger
/// is safer. sled 0.34.7 accepts up to 16 MiB, but counts what a segment's buffer holds in 24
/// bits, and a buffer of 16 MiB that is filled to the last byte overflows into the count of its
/// writers. Half of that is the largest power of two that cannot.
const SEGMENT_SIZE: usize = 8 << 20;

/// Removes what a killed process has left in the way of the next one.
pub(super) fn clear_leftovers(path: &Path) -> Result<(), StoreError> {
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

/// The size of the segments of the store, which sled refuses to open with another, or of a new
/// one's.
pub(super) fn segment_size(path: &Path) -> Result<usize, StoreError> {
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
    size.ok_or_else(|| folder::damaged(path, "its file conf is missing or names no segment size"))
}

/// Makes durable what opening a store has written beside its log.
pub(super) fn sync_new(path: &Path) -> Result<(), StoreError> {
    let conf = File::open(path.join("conf")).and_then(|conf| conf.sync_all());
    conf.map_err(|error| folder::failed("syncing the file conf", path, error))?;
    folder::sync(&path.join("blobs"))?;
    folder::sync(path)
}

/// Syncs the files of large pages that have appeared, and says in `synced` which there are.
pub(super) fn sync_large_pages(path: &Path, synced: &mut HashSet<OsString>) -> io::Result<()> {
    let folder = path.join("blobs");
    let mut present = HashSet::new();
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

/// The bytes that the store's files take on disk.
pub(super) fn size(path: &Path) -> io::Result<u64> {
    let mut size = 0;
    for folder in [path, &path.join("blobs")] {
        for entry in fs::read_dir(folder)? {
            match entry?.metadata() {
                Ok(file) if file.is_file() => size += folder::allocated(&file),
                Ok(_) => {}
                // sled has deleted it in the meantime.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(size)
}

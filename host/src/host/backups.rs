//! The backups in a folder, which several stores may share.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::Timestamp;
use crate::store::{Backup, BackupError, StoreUrl};

/// How the files of backups end.
const EXTENSION: &str = "godwit";

/// A file in a folder of backups.
#[derive(Debug)]
#[non_exhaustive]
pub struct FoundBackup {
    /// The file.
    pub path: PathBuf,
    /// What is in it, or why that cannot be told.
    pub backup: Result<Backup, BackupError>,
    /// Whether it is none of another store, as far as that can be told: several may share a folder.
    pub is_own: bool,
}

impl FoundBackup {
    /// The file's name.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// When it was made, where that can be told.
    pub fn made(&self) -> Option<Timestamp> {
        let backup = self.backup.as_ref().ok();
        backup.map(|backup| backup.manifest().created_at)
    }
}

/// A new file in a folder of backups, named after a moment. [`crate::blocking::Host::back_up_in`] gives it another name where
/// that is taken.
pub fn new_backup(folder: &Path, now: Timestamp) -> PathBuf {
    let moment = i64::try_from(now.0).ok();
    let moment = moment.and_then(|moment| jiff::Timestamp::from_millisecond(moment).ok());
    let name = moment.map_or_else(|| now.0.to_string(), |moment| format!("{moment:.3}"));
    // Colons are no part of file names everywhere.
    folder.join(format!("{}.{EXTENSION}", name.replace(':', "-")))
}

/// The backups in a folder, the newest one last; there are none where there is no folder. Where no store is named, they are
/// nobody else's.
///
/// # Errors
/// When the folder cannot be read.
pub fn backups_in(folder: &Path, store: Option<&StoreUrl>) -> io::Result<Vec<FoundBackup>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let is_backup = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.extension().is_some_and(|found| found == EXTENSION) && !name.starts_with('.')
    };
    let found = paths.filter(is_backup).map(|path| {
        let backup = Backup::open(&path);
        let known = backup.as_ref().ok().zip(store);
        let is_other = known.is_some_and(|(backup, store)| !backup.is_of(store));
        FoundBackup {
            is_own: !is_other,
            backup,
            path,
        }
    });
    let mut files: Vec<_> = found.collect();
    files.sort_by_cached_key(|file| (file.made(), file.path.clone()));
    Ok(files)
}

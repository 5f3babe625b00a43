//! The backups in a folder, which several stores may share.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::Timestamp;
use crate::store::{Backup, BackupError, StoreUrl};

/// How the files of backups end.
const EXTENSION: &str = "godwit";

/// A file in a folder of backups.
///
/// ```
/// # use godwit::{catalogue::*, store::*};
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, Catalogue::new(), godwit::Surroundings::of_this_process());
/// # let folder = tempfile::tempdir()?;
/// use godwit::run::Control;
///
/// let (file, manifest) = host.back_up_in(folder.path(), &Control::default(), &mut |_| {})?;
/// let found = godwit::backups_in(folder.path(), None)?;
/// assert_eq!(found[0].path, file);
/// assert_eq!(found[0].made(), Some(manifest.created_at));
/// assert!(found[0].name().ends_with(".godwit"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use std::path::Path;
/// use godwit::model::Timestamp;
///
/// let file = godwit::new_backup(Path::new("backups"), Timestamp(1_000));
/// assert_eq!(file, Path::new("backups/1970-01-01T00-00-01.000Z.godwit"));
/// ```
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
/// ```
/// let folder = tempfile::tempdir()?;
/// assert!(godwit::backups_in(folder.path(), None)?.is_empty());
///
/// std::fs::write(folder.path().join("bad.godwit"), "this is none")?;
/// let found = godwit::backups_in(folder.path(), None)?;
/// assert_eq!(found[0].name(), "bad.godwit");
/// assert!(found[0].backup.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

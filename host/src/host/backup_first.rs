//! The backup that is made before a run.
//!
//! It is made under the lease that the run will have, before the run is recorded: whoever is killed in between leaves a
//! backup and nothing else, and a run that goes on has its backup already.

use std::path::PathBuf;

use super::{Host, HostError, new_backup};
use crate::run::{Control, Observer, RunEvent};
use crate::store::{BackupError, BackupWriter, Lease, Manifest};

/// When a store is backed up before a run.
///
/// ```
/// use godwit::BackupWhen;
///
/// assert_eq!("always".parse::<BackupWhen>(), Ok(BackupWhen::Always));
/// assert_eq!(BackupWhen::default(), BackupWhen::Auto);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackupWhen {
    /// Before a run that keeps no pre-images: only a backup takes it back.
    #[default]
    Auto,
    /// Before every run.
    Always,
    /// Before none.
    Never,
}

/// Whether a store is backed up before a run of [`Host::up`] is started, and where.
///
/// ```
/// # use godwit::{catalogue::*, sandbox::*, store::*};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = Catalogue::new();
/// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let mut host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
/// # let folder = tempfile::tempdir()?;
/// use godwit::{BackupFirst, BackupWhen};
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
///
/// host.backup_first = BackupFirst {
///     when: BackupWhen::Always,
///     folder: Some(folder.path().join("backups")),
///     ..BackupFirst::default()
/// };
/// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
/// assert!(reports[0].run.backup.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackupFirst {
    /// When.
    pub when: BackupWhen,
    /// The file that the backup becomes, which must not be there yet, in a folder that is. Its name is noted in the run. A call
    /// starts one run at most, so that it needs one file.
    pub file: Option<PathBuf>,
    /// Where no file is named: the folder in which it is a new one, named after the moment. It is made if it is not there.
    pub folder: Option<PathBuf>,
}

impl BackupWhen {
    /// Why a run that keeps pre-images, or does not, needs a backup; `None` where it needs none.
    ///
    /// ```
    /// use godwit::BackupWhen;
    ///
    /// assert_eq!(BackupWhen::Auto.reason(false), Some("the run keeps no pre-images"));
    /// assert_eq!(BackupWhen::Auto.reason(true), None);
    /// ```
    pub fn reason(self, pre_images: bool) -> Option<&'static str> {
        match self {
            Self::Always => Some("asked for"),
            Self::Auto if !pre_images => Some("the run keeps no pre-images"),
            Self::Auto | Self::Never => None,
        }
    }
}

impl std::str::FromStr for BackupWhen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(format!("`{text}` is neither `always`, `never` nor `auto`")),
        }
    }
}

impl Host {
    /// Makes the backup that the run which is about to start needs, if it needs one; gives the name of its file.
    pub(super) fn back_up_first(
        &self,
        lease: &mut Lease,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Option<String>, HostError> {
        let Some(why) = self.backup_first.when.reason(self.options.pre_images) else {
            return Ok(None);
        };
        let (store, now) = (&self.store, self.clock().now());
        let (wanted, is_named) = match (&self.backup_first.file, &self.backup_first.folder) {
            (Some(file), _) => (file.clone(), true),
            (None, Some(folder)) => (new_backup(folder, now), false),
            (None, None) => return Err(HostError::NoPlaceForBackup { why }),
        };
        let begin = || match is_named {
            true => BackupWriter::begin(&wanted, store, now),
            false => BackupWriter::begin_new(&wanted, store, now),
        };
        let made = self.copy_under(lease, &begin, control, &mut |entries| {
            observer.event(&RunEvent::BackingUp {
                file: wanted.clone(),
                entries,
            });
        });
        let (file, manifest) = made.map_err(HostError::before_run)?;
        let name = file.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        observer.event(&RunEvent::BackedUp {
            file,
            manifest,
            why: why.to_owned(),
        });
        Ok(Some(name))
    }

    /// Copies everything into a file, page by page: whoever holds the lease knows that nobody writes meanwhile. It waits
    /// while it is held, and `observer` is told how many entries were copied by now.
    pub(super) fn copy_under(
        &self,
        lease: &mut Lease,
        begin: &dyn Fn() -> Result<BackupWriter, BackupError>,
        control: &Control,
        observer: &mut dyn FnMut(u64),
    ) -> Result<(PathBuf, Manifest), BackupError> {
        observer(0);
        let mut keep = || {
            let kept = lease.keep(&self.store, self.clock().now());
            kept.map_err(BackupError::Lease)
        };
        begin()?.copy_in_pages(&self.store, &mut |entries| {
            observer(entries);
            keep()?;
            match control.proceed(|_| keep())? {
                true => Ok(()),
                false => Err(BackupError::Stopped),
            }
        })
    }
}

//! Backups of a store, and putting one in a store's place.

use std::fs::{File, OpenOptions};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};

#[cfg(feature = "postgres")]
use super::clock::clock_of;
use super::{Host, HostError, Surroundings, new_backup, undirected};
use crate::model::Timestamp;
use crate::run::Control;
#[cfg(feature = "postgres")]
use crate::store::Postgres;
use crate::store::{
    Backend, Backup, BackupError, BackupWriter, Claim, Lease, LeaseError, Manifest, OpenLock,
    OpenMode, Store, StoreError, StoreUrl, sync_folder,
};

/// How long a store that was replaced is kept from being changed by those who have it open, in milliseconds.
const RETIRED: u64 = 3_600_000;

/// What a restore did.
///
/// ```
/// # fn example(url: &godwit::store::StoreUrl, backup: &godwit::store::Backup) -> Result<(), godwit::HostError> {
/// use godwit::Surroundings;
/// use godwit::run::Control;
///
/// let surroundings = Surroundings::of_this_process();
/// let restored = godwit::restore(url, backup, &surroundings, &Control::default(), &mut |_| {})?;
/// println!("{} has {} entries", restored.store, restored.entries);
/// if let Some(folder) = restored.replaced {
///     println!("what was there before is in {}", folder.display());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Restored {
    /// The store that has it all now.
    pub store: String,
    /// Where the store is that was there before, if there was one.
    pub replaced: Option<PathBuf>,
    /// How many entries it has.
    pub entries: u64,
}

impl Host {
    /// Copies everything that the store has, as it is at one moment, into a file. Nobody who reads is kept waiting, and on
    /// stores that can show one moment nobody who writes; on others (sled) the lease is held meanwhile.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
    /// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
    /// # let folder = tempfile::tempdir()?;
    /// use godwit::run::Control;
    ///
    /// let file = folder.path().join("notes.godwit");
    /// let manifest = host.back_up(&file, &Control::default(), &mut |_| {})?;
    /// assert!(file.exists());
    /// assert_eq!(manifest.collections[0].items, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Backup`] when the file is there already, its folder is not, or it cannot be written; [`HostError::Lease`]
    /// when the lease is needed and somebody else has it.
    pub fn back_up(
        &self,
        path: &Path,
        control: &Control,
        observer: &mut dyn FnMut(u64),
    ) -> Result<Manifest, HostError> {
        let begin = || BackupWriter::begin(path, &self.store, self.clock().now());
        let (_, manifest) = self.copied(&begin, control, observer)?;
        Ok(manifest)
    }

    /// Does as [`Host::back_up`], into a new file in a folder of backups, which is made if it is not there; gives the file.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
    /// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
    /// # let folder = tempfile::tempdir()?;
    /// use godwit::run::Control;
    ///
    /// let backups = folder.path().join("backups");
    /// let (file, manifest) = host.back_up_in(&backups, &Control::default(), &mut |_| {})?;
    /// assert!(file.starts_with(&backups));
    /// assert!(manifest.entries > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Host::back_up`].
    pub fn back_up_in(
        &self,
        folder: &Path,
        control: &Control,
        observer: &mut dyn FnMut(u64),
    ) -> Result<(PathBuf, Manifest), HostError> {
        let begin = || {
            let now = self.clock().now();
            BackupWriter::begin_new(&new_backup(folder, now), &self.store, now)
        };
        self.copied(&begin, control, observer)
    }

    fn copied(
        &self,
        begin: &dyn Fn() -> Result<BackupWriter, BackupError>,
        control: &Control,
        observer: &mut dyn FnMut(u64),
    ) -> Result<(PathBuf, Manifest), HostError> {
        if !self.store.backend().shows_one_moment() {
            return self.leased(undirected::BACKUP, |lease| {
                Ok(self.copy_under(lease, begin, control, observer)?)
            });
        }
        let copied = begin()?.copy(&self.store, &mut |entries| {
            observer(entries);
            going_on(control)
        })?;
        Ok(copied)
    }
}

/// Puts a backup in the place of a store, at once: whoever looks sees all of the one or all of the other, whenever this is
/// killed. What was there before is kept beside it. Nobody may work on it meanwhile, nor have it open for long ([`OpenLock`]); if
/// it cannot be opened, nobody can.
///
/// ```
/// # use godwit::{catalogue::*, store::*};
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, Catalogue::new(), godwit::Surroundings::of_this_process());
/// # let folder = tempfile::tempdir()?;
/// # let (file, data) = (folder.path().join("notes.godwit"), folder.path().join("data"));
/// # host.back_up(&file, &Default::default(), &mut |_| {})?;
/// use godwit::Surroundings;
/// use godwit::run::Control;
/// use godwit::store::{Backup, StoreUrl};
///
/// let (url, backup) = (StoreUrl::Lmdb(data), Backup::open(&file)?);
/// let surroundings = Surroundings::of_this_process();
/// let restored = godwit::restore(&url, &backup, &surroundings, &Control::default(), &mut |_| {})?;
/// assert_eq!(restored.entries, backup.manifest().entries);
/// assert!(restored.replaced.is_none(), "there was no store");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`HostError::Backup`] when the backup is damaged or a host has the store open, [`HostError::Lease`] when somebody works on
/// the store. Nothing was replaced then.
pub fn restore(
    url: &StoreUrl,
    backup: &Backup,
    surroundings: &Surroundings,
    control: &Control,
    observer: &mut dyn FnMut(u64),
) -> Result<Restored, HostError> {
    #[cfg(feature = "postgres")]
    if let StoreUrl::Postgres(server) = url {
        return restore_on(server, url, backup, surroundings, control, observer);
    }
    let place = Place::of(url)?;
    let _lock = place.lock()?;
    let old = Old::open(url)?;
    let alone = place.alone()?;
    let mut lease = old
        .as_ref()
        .map(|old| old.lease(surroundings))
        .transpose()?;
    place.clear_draft()?;
    let draft = place.draft_url(url)?;
    {
        let backend = draft.open(OpenMode::Create)?;
        fill(
            &*backend,
            backup,
            old.as_ref().zip(lease.as_mut()),
            surroundings,
            control,
            observer,
        )?;
        Store::new(backend)?;
    }
    // There may be a store by now where there was none.
    let _alone_with_new = match alone {
        Some(_) => None,
        None => place.alone()?,
    };
    let moment = surroundings.clock.now();
    let replaced = place.exchange(moment)?;
    if let (Some(old), Some(lease)) = (old, lease) {
        lease.retire(&old.0, moment, RETIRED)?;
    }
    Ok(Restored {
        store: url.to_string(),
        replaced,
        entries: backup.manifest().entries,
    })
}

/// A store whose items lie in tables of the application's own is not replaced: they would be left, and what is restored would
/// lie elsewhere.
fn check_no_tables(store: &Store) -> Result<(), HostError> {
    match store.attached()?.first() {
        None => Ok(()),
        Some((collection, table)) => Err(HostError::Store(StoreError::table(
            collection,
            format!(
                "its items lie in {}, which no backup is restored to; name another schema, and copy them from there",
                table.table
            ),
        ))),
    }
}

/// Restores on a server: into a schema beside that of the store, which then takes its place. Those who have the store open
/// find the other one from then on.
fn restore_on(
    server: &str,
    url: &StoreUrl,
    backup: &Backup,
    surroundings: &Surroundings,
    control: &Control,
    observer: &mut dyn FnMut(u64),
) -> Result<Restored, HostError> {
    let old = match url.open(OpenMode::Existing).and_then(Store::new) {
        Ok(store) => Some(Old(store)),
        Err(StoreError::Missing { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(Old(store)) = &old {
        check_no_tables(store)?;
    }
    let surroundings = match &old {
        Some(old) => Surroundings {
            clock: clock_of(&old.0, surroundings.clock.clone()).1,
            ..surroundings.clone()
        },
        None => surroundings.clone(),
    };
    let lease = old.as_ref().map(|old| old.lease(&surroundings));
    let mut lease = lease.transpose()?;
    if lease.is_some() {
        // Whoever is alone at work on the store is alone in replacing it.
        Postgres::drop_drafts(server)?;
    }
    let draft = Postgres::draft(server, (surroundings.random)())?;
    let held = old.as_ref().zip(lease.as_mut());
    fill(&draft, backup, held, &surroundings, control, observer)?;
    if let (Some(old), Some(lease)) = (&old, &mut lease) {
        // Whoever has taken it meanwhile has written what would be put aside unseen.
        lease.renew(&old.0, surroundings.clock.now())?;
    }
    let replaced = draft.exchange(server, surroundings.clock.now())?;
    Ok(Restored {
        store: url.to_string(),
        replaced: replaced.map(PathBuf::from),
        entries: backup.manifest().entries,
    })
}

/// Writes everything that a backup has into an empty store, under the lease of the one that it is to replace.
fn fill(
    backend: &dyn Backend,
    backup: &Backup,
    mut held: Option<(&Old, &mut Lease)>,
    surroundings: &Surroundings,
    control: &Control,
    observer: &mut dyn FnMut(u64),
) -> Result<(), HostError> {
    let mut lost = None;
    let restored = backup.restore_into(backend, &mut |entries| {
        observer(entries);
        if let Some((old, lease)) = &mut held {
            lost = lease.keep(&old.0, surroundings.clock.now()).err();
        }
        match lost {
            Some(_) => ControlFlow::Break(()),
            None => going_on(control),
        }
    });
    restored.map(drop).map_err(|error| match lost.take() {
        Some(lost) => HostError::from(lost),
        None => error.into(),
    })
}

/// The store that is replaced.
struct Old(Store);

impl Old {
    /// Opens it; `None` where there is none, or none that anybody could open.
    fn open(url: &StoreUrl) -> Result<Option<Self>, HostError> {
        let opened = url.open(OpenMode::Existing).and_then(Store::new);
        match opened {
            Ok(store) => Ok(Some(Self(store))),
            // sled lets one process in.
            Err(StoreError::InUse { path }) => Err(BackupError::StoreOpen(path).into()),
            Err(error @ (StoreError::BadUrl { .. } | StoreError::NotAStore { .. })) => {
                Err(error.into())
            }
            Err(error) => {
                tracing::info!(%error, "there is no store to be replaced, or none that can be opened");
                Ok(None)
            }
        }
    }

    fn lease(&self, surroundings: &Surroundings) -> Result<Lease, LeaseError> {
        let claim = Claim {
            holder: surroundings.holder.clone(),
            purpose: undirected::RESTORE,
            duration: Lease::DURATION,
            nonce: (surroundings.random)(),
            is_gone: &*surroundings.is_gone,
        };
        Lease::acquire(&self.0, &*surroundings.clock, &claim)
    }
}

/// A store's folder and what lies beside it while it is replaced.
struct Place {
    folder: PathBuf,
    /// Where the new store is made.
    draft: PathBuf,
    /// Held by whoever makes it.
    lock: PathBuf,
}

impl Place {
    fn of(url: &StoreUrl) -> Result<Self, StoreError> {
        let folder = url.folder().ok_or_else(|| StoreError::BadUrl {
            url: url.to_string(),
            reason: "a store in memory cannot be restored".to_owned(),
        })?;
        // A link stays one: what it leads to is replaced.
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            draft: folder.with_file_name(format!(".{name}.restoring")),
            lock: folder.with_file_name(format!(".{name}.restoring.lock")),
            folder,
        })
    }

    /// One restore at a time; the lock ends with the process that has it.
    fn lock(&self) -> Result<File, HostError> {
        let failed = |error| BackupError::Failed {
            action: "locking",
            path: self.lock.clone(),
            source: error,
        };
        if let Some(parent) = self.folder.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(false)
            .open(&self.lock);
        let file = file.map_err(failed)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| StoreError::InUse {
            path: self.folder.clone(),
        })?;
        Ok(file)
    }

    /// Has nobody open what is there now, until this is dropped.
    fn alone(&self) -> Result<Option<OpenLock>, HostError> {
        OpenLock::alone(&self.folder).map_err(|error| match error {
            StoreError::InUse { path } => BackupError::StoreOpen(path).into(),
            error => error.into(),
        })
    }

    /// Drops what a restore has left that was killed.
    fn clear_draft(&self) -> Result<(), BackupError> {
        match std::fs::remove_dir_all(&self.draft) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(BackupError::Failed {
                    action: "removing",
                    path: self.draft.clone(),
                    source: error,
                })
            }
            _ => Ok(()),
        }
    }

    /// The store that is made: of the kind that is asked for, or of that which is there.
    fn draft_url(&self, url: &StoreUrl) -> Result<StoreUrl, StoreError> {
        Ok(match url.kind()? {
            "sled" => StoreUrl::Sled(self.draft.clone()),
            _ => StoreUrl::Lmdb(self.draft.clone()),
        })
    }

    /// Puts the draft in the folder's place, in one step; gives where the folder is now that was there.
    fn exchange(&self, moment: Timestamp) -> Result<Option<PathBuf>, HostError> {
        let failed = |error: std::io::Error| BackupError::Failed {
            action: "replacing",
            path: self.folder.clone(),
            source: error,
        };
        let parent = self.folder.parent().unwrap_or(Path::new("."));
        let parent = match parent.as_os_str().is_empty() {
            true => Path::new("."),
            false => parent,
        };
        if !self.folder.exists() {
            std::fs::rename(&self.draft, &self.folder).map_err(failed)?;
            sync_folder(parent)?;
            return Ok(None);
        }
        // The name comes first, so that what is replaced has it from the moment on in which it is.
        let name = self
            .folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let replaced = self
            .folder
            .with_file_name(format!("{name}.replaced-{}", moment.0));
        std::fs::rename(&self.draft, &replaced).map_err(failed)?;
        renameat_with(CWD, &replaced, CWD, &self.folder, RenameFlags::EXCHANGE)
            .map_err(|error| failed(error.into()))?;
        sync_folder(parent)?;
        Ok(Some(replaced))
    }
}

fn going_on(control: &Control) -> ControlFlow<()> {
    match control.is_stopped() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    }
}

//! Putting what a backup has into a new store.

use std::ops::ControlFlow;

use sha2::{Digest as _, Sha256};

use super::{Backup, BackupError, END_OF_KEYS, is_kept};
use crate::model::Digest;
use crate::store::{Backend, Commit, StoreError, key};

/// How many bytes of entries are written in one commit, but for a larger one alone.
const COMMIT_BYTES: usize = 4 << 20;

impl Backup {
    /// Puts all entries into an empty store, reads them back, and compares. `observer` is told how many entries were
    /// written by now and says whether to go on.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use std::sync::Arc;
    ///
    /// use godwit::store::{Backup, Memory, Store};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("a.godwit");
    /// # let writer = godwit::store::BackupWriter::begin(&file, &store, godwit::model::Timestamp(0))?;
    /// # let (file, manifest) = writer.copy(&store, &mut |_| std::ops::ControlFlow::Continue(()))?;
    /// let empty = Arc::new(Memory::new());
    /// Backup::open(&file)?.restore_into(&empty, &mut |_written| ControlFlow::Continue(()))?;
    /// let restored = Store::new(empty)?;
    /// assert_eq!(restored.collections()?, store.collections()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BackupError`] when the backup is damaged, the store is not empty, or fails. What was written till then is of no use.
    pub fn restore_into(
        &self,
        backend: &dyn Backend,
        observer: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(), BackupError> {
        let mut commit = Commit::new();
        commit.expect(key::FORMAT, None);
        let (mut written, mut failed) = (0, None);
        let mut write = |commit: &mut Commit<'static>, written| {
            let full = std::mem::take(commit);
            backend.commit(&full)?;
            match observer(written) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(BackupError::Stopped),
            }
        };
        self.each(&mut |key, value| {
            let is_full = commit.len_bytes() + value.len() > COMMIT_BYTES;
            if is_full
                && !commit.is_empty()
                && let Err(error) = write(&mut commit, written)
            {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            written += 1;
            commit.put(key, &[value]);
            ControlFlow::Continue(())
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        write(&mut commit, written)?;
        self.compare(backend)
    }

    /// Compares all that a store has with the backup.
    fn compare(&self, backend: &dyn Backend) -> Result<(), BackupError> {
        if entries_digest(backend)? == self.manifest().digest {
            return Ok(());
        }
        Err(BackupError::Store(StoreError::Damaged {
            place: backend.url(),
            reason: "what was restored is not what the backup has".to_owned(),
        }))
    }
}

/// The SHA-256 of all entries of a store, as a backup of it would have it.
fn entries_digest(backend: &dyn Backend) -> Result<Digest, StoreError> {
    let mut hash = Sha256::new();
    backend.scan(&[0], END_OF_KEYS, &mut |key, value| {
        if is_kept(key) {
            // Keys have at most 1,024 bytes, values some MiB: what was written has been checked.
            hash.update((key.len() as u16).to_be_bytes());
            hash.update((value.len() as u32).to_be_bytes());
            hash.update(key);
            hash.update(value);
        }
        ControlFlow::Continue(())
    })?;
    Ok(Digest(hash.finalize().into()))
}

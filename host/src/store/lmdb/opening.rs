//! How a store of LMDB is opened: its environment and table, and what may be wrong with its file.

use std::fs;
use std::path::Path;

use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvOpenOptions, WithoutTls};

use super::refused;
use crate::store::StoreError;
use crate::store::folder::{self, Kind};

/// The most read transactions at one time, of all processes together. A slot takes 64 bytes of
/// the lock file; LMDB's own default of 126 is few for a server with a thread per connection.
const MAX_READERS: u32 = 1024;

/// By how many pages a file may be shorter than its header says. Pages that a transaction took
/// and gave back at the end of the file are counted but never written; more than this many in
/// one commit do not happen to a file that nobody has cut.
const UNWRITTEN_PAGES: u64 = 256;

/// Opens the file, or makes it.
pub(super) fn environment(path: &Path, map_size: usize) -> heed::Result<Env<WithoutTls>> {
    // Without thread-local slots a thread may have several scans open, and slots are not kept by
    // threads that only once have read.
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(map_size).max_readers(MAX_READERS);
    // SAFETY: the file is changed through LMDB only, whose lock file guards it against other
    // processes, and heed against a second environment in this one; no flag is set.
    unsafe { options.open(path) }
}

/// Opens the one table that is used.
pub(super) fn entries(env: &Env<WithoutTls>) -> heed::Result<Database<'static, Bytes, Bytes>> {
    let opened = env.open_databases_and_commit(env.read_txn()?, |opener, txn| {
        let database = opener.open_database::<Bytes, Bytes>(txn, None)?;
        let database = database.expect("the unnamed database is part of every environment");
        Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(database))
    })?;
    Ok(opened.unwrap_commit())
}

/// Removes a file that never held anything, and says whether the store is new.
///
/// LMDB creates the files anew when it finds an empty one, but takes zeros for another format.
pub(super) fn remove_blank(path: &Path) -> Result<bool, StoreError> {
    if folder::contents(path)? == folder::Contents::Store(Kind::Lmdb) {
        return Ok(false);
    }
    let data = path.join("data.mdb");
    if fs::metadata(&data).is_ok_and(|data| data.len() > 0) {
        let removed = fs::remove_file(&data);
        removed.map_err(|error| folder::failed("removing an unfinished store", path, error))?;
    }
    Ok(true)
}

/// Checks that the file has not been cut off.
///
/// To read a page that a file was cut off before ends the process with SIGBUS.
pub(super) fn whole(path: &Path, env: &Env<WithoutTls>) -> Result<(), StoreError> {
    let page = u64::from(env.unnamed_database_stat().page_size);
    let pages = env.info().last_page_number as u64 + 1;
    let length = env.real_disk_size();
    let length = length.map_err(|error| refused("measuring the store", path, error))?;
    if length.saturating_add(UNWRITTEN_PAGES * page) >= pages * page {
        return Ok(());
    }
    let cut = format!("data.mdb has {length} bytes of {}", pages * page);
    Err(folder::damaged(path, &cut))
}

//! Building and clearing secondary indexes, batch by batch.

use std::ops::ControlFlow;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::RunError;
use crate::model::{Clock, Name};
use crate::store::{Collection, Index, Lease, LeaseError, Relational, Store, StoreError, Write};

/// How many entries are written in one commit.
pub(super) const PAGE: usize = 2_000;
/// How often the lease is looked after while the store makes an index of its own.
const LOOKED_AFTER: Duration = Duration::from_millis(500);

/// A page of work on an index: the entries' keys, and the id or key behind which the next starts.
pub(super) struct Page {
    pub entries: Vec<Vec<u8>>,
    pub after: Option<String>,
    pub is_last: bool,
}

/// Adds the definition of an index that is not ready yet; from now on writes keep it current.
pub(super) fn define(record: &mut Collection, pointer: &str) -> Index {
    if let Some(index) = record.indexes.iter().find(|index| index.pointer == pointer) {
        return index.clone();
    }
    let index = Index {
        number: record.next_index,
        pointer: pointer.to_owned(),
        ready: false,
    };
    record.next_index += 1;
    record.indexes.push(index.clone());
    index
}

/// Marks an index as ready to be queried, or not.
pub(super) fn set_ready(record: &mut Collection, number: u32, ready: bool) {
    let index = record
        .indexes
        .iter_mut()
        .find(|index| index.number == number);
    if let Some(index) = index {
        index.ready = ready;
    }
}

/// The entries of the next items behind `after`, of so many of them.
pub(super) fn entries_behind(
    store: &Store,
    collection: &Name,
    index: &Index,
    after: Option<&str>,
    items: usize,
) -> Result<Page, StoreError> {
    let mut page = Page {
        entries: Vec::new(),
        after: after.map(str::to_owned),
        is_last: true,
    };
    let mut seen = 0;
    store.each_item(collection, after, &mut |id, record| {
        if seen == items {
            page.is_last = false;
            return ControlFlow::Break(());
        }
        seen += 1;
        page.entries.extend(crate::store::index_entry(
            collection,
            index,
            record.body,
            id,
        ));
        page.after = Some(id.to_owned());
        ControlFlow::Continue(())
    })?;
    Ok(page)
}

/// Removes all entries of an index. It may be repeated, so that it needs no checkpoint.
pub(super) fn clear(
    store: &Store,
    lease: &mut Lease,
    clock: &dyn Clock,
    collection: &Name,
    number: u32,
) -> Result<(), LeaseError> {
    loop {
        let entries = store.index_entries(collection, number, PAGE)?;
        let mut write: Write<'_> = store.write(crate::model::RunId(0), None);
        entries
            .iter()
            .for_each(|entry| write.remove_index_entry(entry));
        write.commit(lease, clock.now())?;
        if entries.len() < PAGE {
            return Ok(());
        }
    }
}

/// Has the store make, or drop, an index of its own, if it has any. That may take longer than a lease lasts.
pub(super) fn beside(
    store: &Store,
    lease: &mut Lease,
    clock: &dyn Clock,
    work: &(dyn Fn(&dyn Relational) -> Result<(), StoreError> + Sync),
) -> Result<(), RunError> {
    let Some(relational) = store.backend().relational() else {
        return Ok(());
    };
    std::thread::scope(|scope| {
        let (ended, end) = mpsc::channel();
        scope.spawn(move || ended.send(work(relational)));
        loop {
            match end.recv_timeout(LOOKED_AFTER) {
                Ok(done) => return Ok(done?),
                Err(RecvTimeoutError::Timeout) => lease.keep(store, clock.now())?,
                Err(RecvTimeoutError::Disconnected) => {
                    let what = "an index could not be made".to_owned();
                    return Err(RunError::Worker(what));
                }
            }
        }
    })
}

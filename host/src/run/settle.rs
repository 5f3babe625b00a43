//! Ending the ways of their own of items that are where their collection is.

use std::ops::ControlFlow;

use super::{RunError, Runner};
use crate::model::{Apart, Name};
use crate::store::{Collection, Keeper, Lease, Visit};

/// How many entries are removed in one commit.
const PAGE: usize = 1_000;

/// Removes the entries, other than of quarantine, of a collection's items that are `done`.
///
/// It may be repeated, so that it needs no checkpoint.
pub(super) fn settle(
    runner: &Runner<'_>,
    lease: &mut Lease,
    keeper: Keeper,
    collection: &Name,
    done: impl Fn(&Apart) -> bool,
) -> Result<(), RunError> {
    let mut after: Option<String> = None;
    loop {
        let mut page = Vec::new();
        runner
            .store
            .each_apart(collection, after.as_deref(), &mut |id, apart| {
                if apart.failure.is_none() && done(&apart) {
                    page.push(id.to_owned());
                }
                if page.len() < PAGE {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
        let mut write = runner.store.write(keeper.run, Some(keeper));
        for id in &page {
            let old = runner.store.apart_record(collection, id)?;
            write.set_apart(collection, id, old.as_deref(), None, Visit::Again)?;
        }
        let is_last = page.len() < PAGE;
        if is_last
            && let Some(record) = write.collection(collection)?.cloned()
            && record.oldest_waiting.is_some()
            && runner.store.tallies(collection)?.waiting == page.len() as u64
        {
            write.set_collection(
                collection,
                Collection {
                    oldest_waiting: None,
                    ..record
                },
            )?;
        }
        write.commit(lease, runner.clock.now())?;
        if is_last {
            return Ok(());
        }
        after = page.pop();
    }
}

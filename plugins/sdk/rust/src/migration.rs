//! The one trait.

use std::error::Error;

use crate::{Batch, Context, Descriptor, Item, Outcome, Outcomes};

/// What a migration's function gives back; any error fits.
pub type Result<T = Outcome, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Brings the items of one application to one version.
///
/// It has no state, on purpose: the host may throw a sandbox away between any two batches, and feeds a batch again
/// when a run was interrupted. Whatever must last goes into items or into [`Documents`](crate::Documents), which are
/// committed together with the batch.
pub trait Migration {
    /// Says what this migration is; called before anything is run, and must say the same each time.
    fn describe() -> Descriptor;

    /// Migrates one item of the named step.
    ///
    /// Called for each item, in order of ids. An `Err` means that this item can't be migrated; its text tells the
    /// operator why, and whatever was written for the item is dropped. Should fail rather than guess, and give
    /// [`Outcome::Unchanged`] for an item that has the new shape already.
    fn migrate(step: &str, item: &Item<'_>, context: &Context<'_>) -> Result;

    /// Migrates a batch; one outcome for each item, in the same order.
    ///
    /// Provided: calls [`migrate`](Self::migrate) for each item. Write your own where something can be done once for
    /// many items. The size of a batch means nothing: the same items may come in other batches the next time.
    fn migrate_batch(step: &str, batch: &Batch, context: &Context<'_>) -> Outcomes {
        let mut outcomes = Outcomes::with_room_for(batch);
        outcomes.extend(
            batch
                .iter()
                .map(|item| Self::migrate(step, &item, &context.about(&item))),
        );
        outcomes
    }
}

/// A migration that checks its own work: `godwit verify` shows it every item that has its version.
pub trait Verify: Migration {
    /// Whether an item that the named step rewrites has the shape that it should have.
    ///
    /// An `Err` says what is wrong with it. Items can be read through [`Context::documents`] as far as the step reads
    /// them; nothing can be written.
    fn verify(step: &str, item: &Item<'_>, context: &Context<'_>) -> Result<()>;
}

/// A migration that has a way back: `godwit down` takes it.
///
/// The host can undo a run without it, from what it has kept: then items are what they were before, byte for byte, and what
/// was changed since is lost or left. A way back keeps what was changed since.
pub trait Revert: Migration {
    /// Gives an item of the named step the shape of the version before.
    ///
    /// An `Err` means that there is no way back for this item. Other items can be neither read nor written.
    fn revert(step: &str, item: &Item<'_>, context: &Context<'_>) -> Result;
}

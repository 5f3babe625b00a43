//! Appends "2.0.0" to every item of `items`; see the package `append` for what else it can be made to do.

use godwit_plugin::{Context, Descriptor, Item, Migration, Result, export};

/// App `append`, version 2.0.0.
pub struct Append;

impl Migration for Append {
    fn describe() -> Descriptor {
        append::describe("2.0.0", ">=1, <2")
    }

    fn migrate(_step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
        append::migrate("2.0.0", item, context)
    }
}

export!(Append);

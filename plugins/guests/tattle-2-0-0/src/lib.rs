//! Each item of `chain` reads the one before it in the same collection, so that the size of batches would show if the
//! host let it.

use godwit_plugin::{
    Context, Descriptor, DocumentsError, Item, Migration, Outcome, Result, Step, Value, export,
};

/// App `tattle`, version 2.0.0: `sum` becomes the item's own `n` plus the `sum` of the item before it.
///
/// Ids are numbers, padded with zeros to the same length.
pub struct Tattle;

impl Migration for Tattle {
    fn describe() -> Descriptor {
        Descriptor::new("tattle", "2.0.0")
            .requires(">=1, <2")
            .summary("sums up a chain, each item reading the one before it")
            .step(Step::rewrite("sum", "chain").reads("chain"))
    }

    fn migrate(_step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
        let mut link = item.json()?;
        let own = link["n"].as_i64().ok_or("`n` is an integer")?;
        let before = match id_before(item.id())? {
            Some(id) => sum_of(&id, context)?,
            None => 0,
        };
        link["sum"] = (own + before).into();
        Ok(Outcome::updated(link))
    }
}

export!(Tattle);

fn id_before(id: &str) -> Result<Option<String>> {
    let number: u64 = id.parse()?;
    let before = number.checked_sub(1);
    Ok(before.map(|number| format!("{number:0width$}", width = id.len())))
}

fn sum_of(id: &str, context: &Context<'_>) -> Result<i64, DocumentsError> {
    let link: Option<Value> = context.documents().get_json("chain", id)?;
    Ok(link.and_then(|link| link["sum"].as_i64()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_plugin::testing::Host;

    #[test]
    fn sums_go_along_the_chain_whatever_the_batches() {
        let chain: String = (0..50)
            .map(|n| format!("{{\"_id\":\"{n:03}\",\"n\":{n}}}\n"))
            .collect();
        for size in [1, 7, 50] {
            let mut host = Host::new().with("chain", &chain).batch_size(size);
            assert_eq!(host.migrate::<Tattle>().updated().len(), 50);
            assert_eq!(host.get("chain", "049").unwrap()["sum"], 49 * 50 / 2);
        }
    }
}

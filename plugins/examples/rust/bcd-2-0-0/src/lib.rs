//! Browser-compat features, version 2.0.0: every entry of `support` is a list of statements.
//!
//! Before, a browser with one statement had it bare, and one with several had a list of them.

use godwit_plugin::{Context, Descriptor, Item, Migration, Outcome, Result, Step, Value, export};

/// Makes every entry of `support` a list.
pub struct Lists;

impl Migration for Lists {
    fn describe() -> Descriptor {
        Descriptor::new("bcd", "2.0.0")
            .requires(">=1, <2")
            .summary("makes every entry of `support` a list of statements")
            .step(Step::rewrite("lists", "features"))
    }

    fn migrate(_step: &str, item: &Item<'_>, _context: &Context<'_>) -> Result {
        let mut feature = item.json()?;
        let support = feature.get_mut("support").and_then(Value::as_object_mut);
        let support = support.ok_or("the feature has no `support` object")?;

        let mut bare = support
            .values_mut()
            .filter(|entry| entry.is_object())
            .peekable();
        if bare.peek().is_none() {
            return Ok(Outcome::Unchanged);
        }
        bare.for_each(wrap);
        Ok(Outcome::updated(feature))
    }
}

export!(Lists);

fn wrap(entry: &mut Value) {
    *entry = Value::Array(vec![entry.take()]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_plugin::testing::Host;

    #[test]
    fn before_becomes_after() {
        let mut host = Host::new().with("features", include_str!("../items.before.ndjson"));
        let report = host.migrate::<Lists>();
        host.assert_holds("features", include_str!("../items.after.ndjson"));
        assert_eq!(report.failed(), []);
        assert!(!report.updated().is_empty() && !report.unchanged().is_empty());
    }

    #[test]
    fn a_second_pass_changes_nothing() {
        let mut host = Host::new().with("features", include_str!("../items.after.ndjson"));
        assert!(host.migrate::<Lists>().updated().is_empty());
    }

    #[test]
    fn a_feature_without_support_fails() {
        let mut host = Host::new().with("features", r#"{"_id":"api.X"}"#);
        let report = host.migrate::<Lists>();
        assert_eq!(
            report.failed(),
            [("api.X", "the feature has no `support` object")]
        );
    }
}

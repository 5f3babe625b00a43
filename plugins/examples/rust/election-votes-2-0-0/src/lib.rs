//! Items of the Q tool election-votes, version 2.0.0: parties without a name are dropped.

use godwit_plugin::{Context, Descriptor, Item, Migration, Outcome, Result, Step, Value, export};

/// Drops parties whose name is missing or empty.
pub struct NamedParties;

impl Migration for NamedParties {
    fn describe() -> Descriptor {
        Descriptor::new("q-election-votes", "2.0.0")
            .requires(">=1, <2")
            .summary("drops parties without a name")
            .step(Step::rewrite("named-parties", "items"))
    }

    fn migrate(_step: &str, item: &Item<'_>, _context: &Context<'_>) -> Result {
        let mut chart = item.json()?;
        let Some(parties) = chart.get_mut("parties") else {
            return Ok(Outcome::Unchanged);
        };
        let parties = parties.as_array_mut().ok_or("`parties` is not a list")?;
        let before = parties.len();
        parties.retain(has_name);
        Ok(if parties.len() == before {
            Outcome::Unchanged
        } else {
            Outcome::updated(chart)
        })
    }
}

export!(NamedParties);

fn has_name(party: &Value) -> bool {
    party["name"].as_str().is_some_and(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_plugin::testing::Host;

    #[test]
    fn before_becomes_after() {
        let mut host = Host::new().with("items", include_str!("../items.before.ndjson"));
        let report = host.migrate::<NamedParties>();
        host.assert_holds("items", include_str!("../items.after.ndjson"));
        assert_eq!(
            report.to_string(),
            "17 unchanged, 1 updated, 0 removed, 0 failed"
        );
    }

    #[test]
    fn parties_of_another_shape_fail() {
        let mut host = Host::new().with("items", r#"{"_id":"a","parties":"none"}"#);
        let report = host.migrate::<NamedParties>();
        assert_eq!(report.failed(), [("a", "`parties` is not a list")]);
    }
}

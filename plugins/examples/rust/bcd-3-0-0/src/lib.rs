//! Browser-compat features, version 3.0.0: `mdn_url` and `spec_url` move under `links`.

use godwit_plugin::{
    Context, Descriptor, Item, Map, Migration, Outcome, Result, Step, Value, export,
};

/// Gathers the links of a feature under one member, which takes the place of the first of them.
pub struct Links;

impl Migration for Links {
    fn describe() -> Descriptor {
        Descriptor::new("bcd", "3.0.0")
            .requires(">=2, <3")
            .summary("moves `mdn_url` and `spec_url` under `links`")
            .step(Step::rewrite("links", "features"))
    }

    fn migrate(_step: &str, item: &Item<'_>, _context: &Context<'_>) -> Result {
        let mut feature = item.json()?;
        let members = feature.as_object_mut().ok_or("a feature is an object")?;
        if !members.keys().any(|name| is_link(name)) {
            return Ok(Outcome::Unchanged);
        }
        if members.contains_key("links") {
            return Err("the feature has `links` and also links beside them".into());
        }
        *members = gathered(std::mem::take(members));
        Ok(Outcome::updated(feature))
    }
}

export!(Links);

fn is_link(name: &str) -> bool {
    matches!(name, "mdn_url" | "spec_url")
}

/// The same members, in the same order, with the links under `links`.
fn gathered(members: Map<String, Value>) -> Map<String, Value> {
    let mut gathered = Map::with_capacity(members.len());
    for (name, value) in members {
        if is_link(&name) {
            let links = gathered.entry("links").or_insert_with(|| Map::new().into());
            links[name] = value;
        } else {
            gathered.insert(name, value);
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_plugin::testing::Host;

    #[test]
    fn before_becomes_after() {
        let mut host = Host::new().with("features", include_str!("../items.before.ndjson"));
        let report = host.migrate::<Links>();
        host.assert_holds("features", include_str!("../items.after.ndjson"));
        assert_eq!(report.failed(), []);
        assert!(!report.updated().is_empty() && !report.unchanged().is_empty());
    }

    #[test]
    fn a_second_pass_changes_nothing() {
        let mut host = Host::new().with("features", include_str!("../items.after.ndjson"));
        assert!(host.migrate::<Links>().updated().is_empty());
    }

    #[test]
    fn links_take_the_place_of_the_first_of_them() {
        let mut host = Host::new().with(
            "features",
            r#"{"_id":"a","spec_url":["s","t"],"source_file":"f","mdn_url":"m","tags":[]}"#,
        );
        host.migrate::<Links>();
        host.assert_holds(
            "features",
            r#"{"_id":"a","links":{"spec_url":["s","t"],"mdn_url":"m"},"source_file":"f","tags":[]}"#,
        );
    }

    #[test]
    fn links_in_both_places_are_not_guessed_about() {
        let mut host = Host::new().with("features", r#"{"_id":"a","links":{},"mdn_url":"m"}"#);
        assert_eq!(host.migrate::<Links>().failed().len(), 1);
    }
}

//! Browser-compat features, version 3.1.0: an index of what is deprecated, and a count of features by namespace.
//!
//! The features stay as they are. Two collections are derived from them:
//!
//! * `deprecated` holds one small document for each feature that is deprecated, under the feature's id;
//! * `stats` holds one document, `namespaces`: how many features each namespace has.

use std::collections::BTreeMap;

use godwit_plugin::{
    Batch, Context, Descriptor, DocumentsError, Item, Map, Migration, Outcome, Outcomes, Result,
    Step, Value, export, json,
};

/// Derives the index and the counts.
pub struct Index;

impl Migration for Index {
    fn describe() -> Descriptor {
        Descriptor::new("bcd", "3.1.0")
            .requires(">=3, <3.1")
            .summary("lists deprecated features and counts features by namespace")
            .step(
                Step::derive("index", "features")
                    .writes("deprecated")
                    .writes("stats"),
            )
    }

    /// Lists one feature if it is deprecated; counting is done for a batch at once.
    fn migrate(_step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
        let feature = item.json()?;
        if feature["status"]["deprecated"] == true {
            let entry = index_entry(item.id(), &feature)?;
            context
                .documents()
                .put_json("deprecated", item.id(), &entry)?;
        }
        Ok(Outcome::Unchanged)
    }

    /// Reads and writes the one document of counts once a batch, not once a feature.
    ///
    /// A feature that fails must not be counted. That needs no care here: the host drops what was written in a batch
    /// with a failure and feeds it again in smaller ones, until the failing feature is alone.
    fn migrate_batch(step: &str, batch: &Batch, context: &Context<'_>) -> Outcomes {
        let counted = count(batch, context).map_err(|error| error.to_string());
        batch
            .iter()
            .map(|item| {
                counted.clone()?;
                Self::migrate(step, &item, &context.about(&item))
            })
            .collect()
    }
}

export!(Index);

/// What `deprecated` holds of a feature.
fn index_entry(id: &str, feature: &Value) -> Result<Value> {
    let browsers = feature["support"].as_object().map(Map::len);
    let browsers = browsers.ok_or("the feature has no `support` object")?;
    let mut entry = Map::new();
    entry.insert("_id".into(), id.into());
    if let Some(url) = feature.get("links").and_then(|links| links.get("mdn_url")) {
        entry.insert("mdn_url".into(), url.clone());
    }
    entry.insert("browsers".into(), browsers.into());
    Ok(entry.into())
}

/// Adds a batch's features to the counts; namespaces stay sorted by name.
fn count(batch: &Batch, context: &Context<'_>) -> Result<(), DocumentsError> {
    let documents = context.documents();
    let stats: Option<Value> = documents.get_json("stats", "namespaces")?;
    let mut counts = stats.as_ref().map(counts_of).unwrap_or_default();
    for item in batch.iter() {
        *counts.entry(namespace(item.id()).to_owned()).or_default() += 1;
    }
    documents.put_json(
        "stats",
        "namespaces",
        &json!({"_id": "namespaces", "features": counts}),
    )
}

fn counts_of(stats: &Value) -> BTreeMap<String, u64> {
    let counts = stats["features"].as_object().into_iter().flatten();
    counts
        .filter_map(|(name, count)| Some((name.clone(), count.as_u64()?)))
        .collect()
}

/// The first segment of a feature's dotted id.
fn namespace(id: &str) -> &str {
    id.split_once('.').map_or(id, |(first, _)| first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_plugin::testing::Host;

    const BEFORE: &str = include_str!("../items.before.ndjson");

    #[test]
    fn before_becomes_after_in_batches_of_any_size() {
        for size in [1, 7, 1000] {
            let mut host = Host::new().with("features", BEFORE).batch_size(size);
            let report = host.migrate::<Index>();
            assert_eq!(report.failed(), []);
            host.assert_holds("features", include_str!("../items.after.ndjson"));
            host.assert_holds("deprecated", include_str!("../deprecated.after.ndjson"));
            host.assert_holds("stats", include_str!("../stats.after.ndjson"));
        }
    }

    #[test]
    fn counts_go_on_from_what_is_there() {
        let mut host = Host::new()
            .with("features", r#"{"_id":"css.all","support":{}}"#)
            .with(
                "stats",
                r#"{"_id":"namespaces","features":{"api":3,"css":4}}"#,
            );
        host.migrate::<Index>();
        host.assert_holds(
            "stats",
            r#"{"_id":"namespaces","features":{"api":3,"css":5}}"#,
        );
    }

    #[test]
    fn a_feature_that_fails_is_not_counted() {
        let bad = r#"{"_id":"css.bad","status":{"deprecated":true}}"#;
        let mut host = Host::new().with("features", BEFORE).with("features", bad);
        let report = host.migrate::<Index>();
        assert_eq!(report.failed().len(), 1);
        host.assert_holds("stats", include_str!("../stats.after.ndjson"));
    }
}

//! What the `append` guests share: a rewrite step that is not idempotent, on purpose, and misbehaves on demand.
//!
//! An item's members steer it, in this order:
//!
//! | member | effect |
//! | --- | --- |
//! | `"tally": true` | adds 1 to `count` of document `total` in collection `tallies`, then goes on |
//! | `"bad": true` | fails |
//! | `"panic": true` | panics |
//! | `"loop": true` | never returns |
//! | `"hoard": true` | allocates without end |
//! | `"remove": true` | is removed |
//! | `"keep": true` | is unchanged |
//! | none of these | the version is appended to the list `trail` |

use std::hint::black_box;

use godwit_plugin::{
    Context, Descriptor, DocumentsError, Item, Map, Outcome, Result, Step, Value, json,
};

/// Describes the migration of app `append` to `version`, from the version before.
pub fn describe(version: &str, requires: &str) -> Descriptor {
    Descriptor::new("append", version)
        .requires(requires)
        .summary(format!("appends {version} to the trail of every item"))
        .step(Step::rewrite("append", "items").writes("tallies"))
}

/// Migrates one item as its members say.
pub fn migrate(version: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
    let mut body = item.json()?;
    let members = body.as_object_mut().ok_or("an item is an object")?;
    let wants = |what: &str| members.get(what) == Some(&Value::Bool(true));

    if wants("tally") {
        tally(context)?;
    }
    if wants("bad") {
        return Err("this item is bad".into());
    }
    if wants("panic") {
        panic!("this item panics");
    }
    if wants("loop") {
        loop_forever();
    }
    if wants("hoard") {
        hoard();
    }
    if wants("remove") {
        return Ok(Outcome::Removed);
    }
    if wants("keep") {
        return Ok(Outcome::Unchanged);
    }
    append(members, version)?;
    Ok(Outcome::updated(body))
}

fn tally(context: &Context<'_>) -> Result<(), DocumentsError> {
    let documents = context.documents();
    let total: Option<Value> = documents.get_json("tallies", "total")?;
    let count = total.and_then(|total| total["count"].as_u64()).unwrap_or(0);
    documents.put_json(
        "tallies",
        "total",
        &json!({"_id": "total", "count": count + 1}),
    )
}

fn append(members: &mut Map<String, Value>, version: &str) -> Result<(), &'static str> {
    let trail = members.entry("trail").or_insert_with(|| json!([]));
    trail
        .as_array_mut()
        .ok_or("`trail` is a list")?
        .push(version.into());
    Ok(())
}

fn loop_forever() -> ! {
    loop {
        black_box(());
    }
}

fn hoard() -> ! {
    let mut hoarded = Vec::new();
    loop {
        hoarded.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_plugin::testing::Host;

    fn migrated(body: Value) -> (Result, Host) {
        let host = Host::new();
        let body = body.to_string();
        let outcome = migrate("2.0.0", &Item::new("a", body.as_bytes()), &host.context());
        (outcome, host)
    }

    #[test]
    fn the_version_is_appended_each_time() {
        let (outcome, _) = migrated(json!({"_id": "a", "trail": ["2.0.0"]}));
        let expected = json!({"_id": "a", "trail": ["2.0.0", "2.0.0"]});
        assert_eq!(outcome.unwrap(), Outcome::updated(expected));
    }

    #[test]
    fn a_missing_trail_is_begun() {
        let (outcome, _) = migrated(json!({"_id": "a", "n": 1}));
        let expected = json!({"_id": "a", "n": 1, "trail": ["2.0.0"]});
        assert_eq!(outcome.unwrap(), Outcome::updated(expected));
    }

    #[test]
    fn items_can_be_kept_removed_and_bad() {
        assert_eq!(
            migrated(json!({"keep": true})).0.unwrap(),
            Outcome::Unchanged
        );
        assert_eq!(
            migrated(json!({"remove": true})).0.unwrap(),
            Outcome::Removed
        );
        let (bad, _) = migrated(json!({"bad": true}));
        assert_eq!(bad.unwrap_err().to_string(), "this item is bad");
    }

    #[test]
    fn a_tally_counts_on() {
        let (_, host) = migrated(json!({"tally": true}));
        let again = migrate(
            "2.0.0",
            &Item::new("b", br#"{"tally":true}"#),
            &host.context(),
        );
        assert!(again.is_ok());
        assert_eq!(host.get("tallies", "total").unwrap()["count"], json!(2));
    }

    #[test]
    #[should_panic(expected = "this item panics")]
    fn an_item_can_panic() {
        let _ = migrated(json!({"panic": true}));
    }
}

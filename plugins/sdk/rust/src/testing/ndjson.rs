//! Collections as lines of JSON, each with its id in the member `_id`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The items of a collection by their ids.
pub(super) type Items = BTreeMap<String, Vec<u8>>;

#[derive(Deserialize)]
struct Identified {
    _id: String,
}

/// Reads lines; each item's body is its line, to the byte.
pub(super) fn read(text: &str) -> Items {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| match serde_json::from_str(line) {
            Ok(Identified { _id }) => (_id, line.into()),
            Err(error) => panic!("line {}: no item with an `_id`: {error}", index + 1),
        })
        .collect()
}

/// Writes one line for each item, in order of their ids.
pub(super) fn write(items: &Items) -> String {
    items
        .values()
        .map(|body| String::from_utf8_lossy(body).into_owned() + "\n")
        .collect()
}

/// The first id at which two collections differ, and how.
pub(super) fn difference(expected: &Items, found: &Items) -> Option<String> {
    let ids = expected.keys().chain(found.keys());
    let first = ids.filter(|id| expected.get(*id) != found.get(*id)).min()?;
    let shown = |items: &Items| {
        items.get(first).map_or("nothing".into(), |body| {
            String::from_utf8_lossy(body).into_owned()
        })
    };
    Some(format!(
        "`{first}`\n  expected: {}\n     found: {}",
        shown(expected),
        shown(found)
    ))
}

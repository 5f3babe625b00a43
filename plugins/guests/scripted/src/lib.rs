//! What the guests share that are made to order and do what their items say.
//!
//! A guest's [`Order`] is text of a fixed length inside its file, so that a test can make another
//! migration of it without a compiler: other app, other version, other steps. What happens to an
//! item is said in the item: `"do": {"2.0.0/step": [command, ...]}`, or in the order:
//! `"scripts": {"id": [command, ...]}`. A command is a list:
//!
//! | command | effect |
//! | --- | --- |
//! | `["log", level, text]`, `["log", level, text, "alone"]` | writes a line, about the item or about none |
//! | `["get", collection, id]` | reads a document |
//! | `["scan", collection, after, limit]`, `["scan-ids", ...]` | reads some documents |
//! | `["put", collection, id, body]`, `["put-text", collection, id, text]`, `["put-large", collection, id, bytes]` | writes a document |
//! | `["delete", collection, id]` | deletes one |
//! | `["count", collection, id]` | adds 1 to `count` of a document |
//! | `["gets", collection, id, times]` | reads a document again and again, and tells of the last time |
//! | `["run"]` | asks about the run |
//! | `["note", collection]` | writes all that was seen so far to a document with the item's id |
//! | `["keep"]`, `["remove"]`, `["text", body]`, `["large", bytes]` | the item's outcome |
//! | `["replace", text, text]` | the item's outcome is its text with that replaced |
//! | `["fail", reason]`, `["panic"]`, `["loop"]`, `["hoard"]`, `["lie", "short" or "long"]` | misbehaves, unless the order is `mended` |
//! | `["fail-if", collection, id]`, `["panic-if", ...]` | misbehaves where there is such a document, unless the order is `mended` |
//!
//! What the commands see is appended to the item's list `saw`. Without a command for its outcome, an
//! item of a rewrite step gets `version/step` appended to its list `trail`.

mod command;
mod order;

use std::hint::black_box;

pub use command::{Asked, Denied, Outcome, Port};
pub use order::{Order, SIZE, Step, order};
use serde_json::{Value, json};

/// What becomes of the items of a batch: one outcome for each, unless one of them asks for a lie.
pub fn migrate<'a>(
    order: &Order,
    step: &str,
    items: impl Iterator<Item = (&'a str, &'a [u8])>,
    port: &impl Port,
) -> Vec<Outcome> {
    let (mut outcomes, mut lie) = (Vec::new(), None);
    for (id, body) in items {
        let asked = migrate_one(order, step, id, body, port);
        lie = asked.lie.or(lie);
        outcomes.push(asked.outcome);
    }
    match lie.as_deref() {
        Some("short") => drop(outcomes.pop()),
        Some(_) => outcomes.push(Outcome::Kept),
        None => {}
    }
    outcomes
}

/// What becomes of one item, and the lie that it asks for.
pub fn migrate_one(order: &Order, step: &str, id: &str, body: &[u8], port: &impl Port) -> Asked {
    let text = String::from_utf8_lossy(body);
    let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else {
        return Outcome::Failed("the body is not a JSON object".to_owned()).into();
    };
    let here = format!("{}/{step}", order.version);
    let script = body.get("do").and_then(|script| script.get(&here));
    let script = script.or_else(|| order.scripts.get(id));
    let script = script.and_then(Value::as_array).cloned();
    let (mut saw, mut asked) = (Vec::new(), None);
    for command in script.unwrap_or_default() {
        if command[0] == "replace" {
            let part = |place: usize| command[place].as_str().unwrap_or_default();
            asked = Some(Outcome::Body(text.replace(part(1), part(2))).into());
            continue;
        }
        if let Some(outcome) = command::carry_out(order, id, &command, &mut saw, port) {
            asked = Some(outcome);
        }
    }
    if let Some(asked) = asked {
        return asked;
    }
    if order.is_derive(step) {
        return Outcome::Kept.into();
    }
    if !saw.is_empty() {
        append(&mut body, "saw", saw);
    }
    append(&mut body, "trail", vec![json!(here)]);
    Outcome::Body(Value::Object(body).to_string()).into()
}

fn append(body: &mut serde_json::Map<String, Value>, list: &str, mut more: Vec<Value>) {
    let list = body.entry(list).or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.append(&mut more);
    }
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

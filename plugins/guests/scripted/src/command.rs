//! What items say that is to be done.

use serde_json::{Value, json};

use crate::{Order, hoard, loop_forever};

/// What a guest may ask of its host, in whatever layout.
pub trait Port {
    /// Writes a line at `debug`, `info`, `warn` or `error`.
    fn log(&self, level: &str, text: &str, item: Option<&str>);
    /// Reads a document.
    fn get(&self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, Denied>;
    /// Reads some documents.
    fn scan(&self, collection: &str, after: Option<&str>, limit: u32)
    -> Result<Vec<Value>, Denied>;
    /// Writes a document.
    fn put(&self, collection: &str, id: &str, body: &[u8]) -> Result<(), Denied>;
    /// Deletes a document.
    fn delete(&self, collection: &str, id: &str) -> Result<(), Denied>;
    /// The version before, when the run was started, and its seed.
    fn run(&self) -> (Option<String>, u64, u64);
}

/// Why the host does not give what was asked for, as it is written down.
#[derive(Debug)]
pub struct Denied(pub Value);

/// What becomes of an item.
#[derive(Debug)]
pub enum Outcome {
    /// It is unchanged.
    Kept,
    /// It has a new body.
    Body(String),
    /// It is removed.
    Removed,
    /// It failed.
    Failed(String),
}

/// What an item asks for.
#[derive(Debug)]
pub struct Asked {
    /// What becomes of it.
    pub outcome: Outcome,
    /// How the number of outcomes is to be wrong.
    pub lie: Option<String>,
}

impl From<Outcome> for Asked {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, lie: None }
    }
}

/// Carries one command out; gives the outcome where it is one for that.
pub(crate) fn carry_out(
    order: &Order,
    id: &str,
    command: &Value,
    saw: &mut Vec<Value>,
    port: &impl Port,
) -> Option<Asked> {
    let text = |place: usize| command[place].as_str().unwrap_or_default();
    let outcome = match text(0) {
        "keep" => Outcome::Kept,
        "remove" => Outcome::Removed,
        "text" => Outcome::Body(text(1).to_owned()),
        "large" => Outcome::Body(large(usize::try_from(command[1].as_u64()?).ok()?)),
        "fail-if" | "panic-if" => {
            let found = port.get(text(1), text(2)).ok().flatten()?;
            let misdeed = if text(0) == "fail-if" {
                "fail"
            } else {
                "panic"
            };
            return misbehave(order, misdeed, &shown(Some(found)).to_string());
        }
        misdeed @ ("fail" | "panic" | "loop" | "hoard" | "lie") => {
            return misbehave(order, misdeed, text(1));
        }
        other => {
            saw.extend(ask(other, id, command, saw, port));
            return None;
        }
    };
    Some(outcome.into())
}

fn misbehave(order: &Order, misdeed: &str, how: &str) -> Option<Asked> {
    if order.mended {
        return None;
    }
    match misdeed {
        "fail" => Some(Outcome::Failed(how.to_owned()).into()),
        "panic" => panic!("this item panics"),
        "loop" => loop_forever(),
        "hoard" => hoard(),
        _ => {
            let lie = Some(how.to_owned());
            Some(Asked {
                outcome: Outcome::Kept,
                lie,
            })
        }
    }
}

/// Asks the host for something; gives what there is to see.
fn ask(what: &str, id: &str, command: &Value, saw: &[Value], port: &impl Port) -> Option<Value> {
    let text = |place: usize| command[place].as_str().unwrap_or_default();
    let (collection, other) = (text(1), text(2));
    let seen = match what {
        "log" => {
            let about = Some(id).filter(|_| command.get(3).is_none());
            port.log(collection, other, about);
            return None;
        }
        "run" => {
            let (from, started_at, seed) = port.run();
            return Some(json!({"from": from, "started_at": started_at, "seed": seed}));
        }
        "get" => port.get(collection, other).map(shown),
        "gets" => {
            let times = command[3].as_u64().unwrap_or_default();
            let mut last = port.get(collection, other);
            for _ in 1..times {
                last = port.get(collection, other);
            }
            last.map(shown)
        }
        "scan" | "scan-ids" => {
            let limit = command[3]
                .as_u64()
                .and_then(|limit| u32::try_from(limit).ok());
            let found = port.scan(collection, command[2].as_str(), limit.unwrap_or_default());
            let shown = |found: Value| {
                if what == "scan" {
                    found
                } else {
                    found[0].clone()
                }
            };
            found.map(|found| found.into_iter().map(shown).collect())
        }
        "put" => {
            let body = command[3].to_string();
            port.put(collection, other, body.as_bytes())
                .map(|()| json!("put"))
        }
        "put-text" => port
            .put(collection, other, text(3).as_bytes())
            .map(|()| json!("put")),
        "put-large" => {
            let bytes = command[3]
                .as_u64()
                .and_then(|bytes| usize::try_from(bytes).ok())?;
            port.put(collection, other, large(bytes).as_bytes())
                .map(|()| json!("put"))
        }
        "delete" => port.delete(collection, other).map(|()| json!("deleted")),
        "count" => count(collection, other, port),
        "note" => {
            let note = json!({"_id": id, "saw": saw}).to_string();
            return port
                .put(collection, id, note.as_bytes())
                .err()
                .map(|denied| denied.0);
        }
        unknown => return Some(json!({"unknown": unknown})),
    };
    Some(seen.unwrap_or_else(|denied| denied.0))
}

fn count(collection: &str, id: &str, port: &impl Port) -> Result<Value, Denied> {
    let before = port.get(collection, id)?.map(|body| shown(Some(body)));
    let count = before.and_then(|body| body["count"].as_u64()).unwrap_or(0) + 1;
    let body = json!({"_id": id, "count": count}).to_string();
    port.put(collection, id, body.as_bytes())?;
    Ok(json!({ "count": count }))
}

/// A text of so many bytes, as JSON.
fn large(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes.saturating_sub(2)))
}

/// A body as JSON, or as text where it is none.
fn shown(body: Option<Vec<u8>>) -> Value {
    let Some(body) = body else { return Value::Null };
    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
    serde_json::from_slice(&body).unwrap_or_else(|_| text())
}

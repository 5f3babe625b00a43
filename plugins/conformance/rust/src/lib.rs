//! The conformance migration in Rust: it does what its items say.

use godwit_plugin::{
    Context, Descriptor, Documents, DocumentsError, Item, Level, Migration, Outcome, Result, Step,
    Value, export, json,
};

/// Does what its items say; plugins/conformance/README.md says how.
pub struct Conformance;

impl Migration for Conformance {
    fn describe() -> Descriptor {
        Descriptor::new("conformance", "2.0.0")
            .requires(">=1, <2")
            .depends_on("other", ">=1.2")
            .summary("does what its items say, in Rust – grüezi")
            .step(
                Step::rewrite("apply", "items")
                    .reads("lookup")
                    .reads("nowhere")
                    .writes("notes"),
            )
            .step(Step::derive("derive", "items").online().writes("seen"))
    }

    fn migrate(step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
        if step == "derive" {
            let note = json!({ "of": item.id() });
            context.documents().put_json("seen", item.id(), &note)?;
            return Ok(Outcome::Unchanged);
        }
        apply(item, context)
    }
}

export!(Conformance);

/// Carries out an item's commands until one is its outcome.
fn apply(item: &Item<'_>, context: &Context<'_>) -> Result {
    let body = item.json()?;
    let commands = body["do"].as_array().ok_or("the item has no list `do`")?;
    let mut saw = Vec::new();
    for command in commands {
        if let Some(outcome) = outcome(command, &body)? {
            return Ok(outcome);
        }
        saw.extend(see(command, context)?);
    }
    if saw.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    Ok(Outcome::updated(json!({ "saw": saw })))
}

/// The outcome that a command is, if it is one.
fn outcome(command: &Value, body: &Value) -> Result<Option<Outcome>, String> {
    Ok(Some(match text(command, 0) {
        "keep" => Outcome::Unchanged,
        "remove" => Outcome::Removed,
        "fail" => return Err(text(command, 1).to_owned()),
        "throw" => panic!("{}", text(command, 1)),
        "replace" => Outcome::updated(command[1].clone()),
        "echo" => Outcome::updated(body.clone()),
        "big" => {
            let letters = "x".repeat(command[1].as_u64().unwrap_or_default() as usize);
            Outcome::updated(json!({ "big": letters }))
        }
        _ => return Ok(None),
    }))
}

/// Carries out a command that is no outcome; gives what it sees.
fn see(command: &Value, context: &Context<'_>) -> Result<Option<Value>> {
    let documents = context.documents();
    let (collection, id) = (text(command, 1), text(command, 2));
    let seen = match text(command, 0) {
        "log" => {
            let level = level(collection);
            match text(command, 3) {
                "alone" => context.alone().log(level, id),
                _ => context.log(level, id),
            }
            return Ok(None);
        }
        "get" => documents
            .get_json(collection, id)
            .map(|body| body.unwrap_or(Value::Null)),
        "scan" => scan(&documents, command),
        "put" => documents
            .put_json(collection, id, &command[3])
            .map(|()| json!("put")),
        "delete" => documents.delete(collection, id).map(|()| json!("deleted")),
        "run" => {
            let run = context.run();
            let seed = run.seed.to_string();
            Ok(json!({ "from": run.from_version, "started": run.started_at, "seed": seed }))
        }
        other => return Err(format!("nobody knows the command `{other}`").into()),
    };
    match seen {
        Ok(seen) => Ok(Some(seen)),
        Err(DocumentsError::Denied { collection }) => Ok(Some(json!({ "denied": collection }))),
        Err(DocumentsError::Limit(limit)) => Ok(Some(json!({ "limit": limit }))),
        Err(DocumentsError::Invalid(reason)) => Ok(Some(json!({ "invalid": reason }))),
        Err(error) => Err(error.into()),
    }
}

fn scan(documents: &Documents<'_>, command: &Value) -> Result<Value, DocumentsError> {
    let mut scan = documents.scan(text(command, 1));
    if let Some(after) = command[2].as_str() {
        scan = scan.after(after);
    }
    let most = command[3].as_u64().unwrap_or_default() as usize;
    let pairs = scan.take(most).map(|found| {
        let found = found?;
        let body: Value = found
            .json()
            .map_err(|error| DocumentsError::Invalid(error.to_string()))?;
        Ok(json!([found.id(), body]))
    });
    pairs.collect()
}

fn level(name: &str) -> Level {
    match name {
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        _ => Level::Error,
    }
}

fn text(command: &Value, place: usize) -> &str {
    command[place].as_str().unwrap_or_default()
}

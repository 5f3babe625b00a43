//! `godwit get`

use godwit::model::{Item, Name};
use godwit::store::{OpenMode, Store};
use serde_json::Value;

use super::shadow::ShadowArgs;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Print items: by id, or those that have a value at a JSON pointer.
///
/// `godwit get features api.Window` prints the body as it is stored; with --json, the id, the
/// version and the body. `--where` uses the index on its pointer if there is one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit get features api.Window api.Document
  godwit get features --where /status/deprecated=true --limit 10
  godwit get features --where /tags/0=fonts --json | jq .id")]
pub struct Args {
    /// The collection.
    collection: Name,
    /// The ids.
    #[arg(required_unless_present = "where_")]
    ids: Vec<String>,
    /// Print the items with this value at this pointer, as in /status/deprecated=true. What is not
    /// JSON is taken as a string.
    #[arg(
        long = "where",
        id = "where_",
        value_name = "POINTER=VALUE",
        conflicts_with = "ids"
    )]
    condition: Option<String>,
    #[command(flatten)]
    shadow: ShadowArgs,
    /// Print at most so many.
    #[arg(long, default_value_t = 1_000, requires = "where_")]
    limit: usize,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let store = args.shadow.store(context.store(OpenMode::Existing)?)?;
    if store.collection(&args.collection)?.is_none() {
        let message = format!("there is no collection {}", args.collection);
        return Err(Failure::input(
            message,
            "`godwit status` lists the collections",
        ));
    }
    let ids = match &args.condition {
        Some(condition) => found(&store, args, condition, context)?,
        None => args.ids.clone(),
    };
    let mut code = Code::Done;
    for id in ids.iter().take_while(|_| output::more().is_continue()) {
        match store.item(&args.collection, id)? {
            Some(item) => print(context, &item),
            None => {
                let message = format!("there is no item {}/{id}", args.collection);
                if context.json {
                    output::json_line(&serde_json::json!({ "id": id, "error": message }));
                }
                output::error(&output::one_line(&message, 1_000));
                code = Code::Input;
            }
        }
    }
    if code == Code::Input {
        let collection = &args.collection;
        output::hint(&format!(
            "`godwit export --collection {collection}` prints all items, ordered by id"
        ));
    }
    Ok(code)
}

fn found(
    store: &Store,
    args: &Args,
    condition: &str,
    context: &Context,
) -> Result<Vec<String>, Failure> {
    let malformed = || {
        let message = format!("`{condition}` is not POINTER=VALUE with a pointer like /a/b");
        Failure::input(
            message,
            "as in: godwit get features --where /status/deprecated=true",
        )
    };
    let (pointer, value) = condition.split_once('=').ok_or_else(malformed)?;
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(malformed());
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let (wanted, left) = ((pointer, &value), args.limit - ids.len());
        let found = store.find(&args.collection, wanted, after.as_deref(), left)?;
        if !found.by_index && after.is_none() && !context.quiet {
            output::note("no index on this pointer: every item was looked at");
        }
        ids.extend(found.ids);
        after = found.next;
        if after.is_none() || ids.len() == args.limit {
            break;
        }
    }
    if ids.len() == args.limit {
        output::note(&format!("the first {}; --limit allows more", args.limit));
    }
    Ok(ids)
}

fn print(context: &Context, item: &Item) {
    if !context.json {
        return output::raw_line(&item.body);
    }
    let body: Value = serde_json::from_slice(&item.body)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&item.body)));
    let version = item.version.to_string();
    output::json_line(&serde_json::json!({ "id": item.id, "version": version, "body": body }));
}

//! `godwit put`, `godwit delete`

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Name, Version};
use godwit::store::{OpenMode, Store};
use godwit::{HostError, ItemWrite};
use serde_json::json;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Put one item into a collection, as an application does: also while a shadow run is under way.
///
/// It takes the place of whatever has its id. An item that is older than its collection waits to be
/// brought up to date by the next `godwit up`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  echo '{\"title\":\"Bread\"}' | godwit put notes 17 --version 1.0.0
  godwit put notes 17 --version 1.0.0 note.json")]
pub struct Put {
    /// The collection.
    collection: Name,
    /// The id.
    id: String,
    /// The version whose shape the document has.
    #[arg(long, value_name = "VERSION", value_parser = super::parse_version)]
    version: Version,
    /// Take any version, also one that no migration among the plugins leads to: `godwit up` refuses while there is such an
    /// item.
    #[arg(long)]
    as_is: bool,
    /// The file with the document; standard input where none is named. A line ending at its end is not part of it.
    file: Option<PathBuf>,
}

/// Remove items from a collection, as an application does: also while a shadow run is under way.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  godwit delete notes 17 18")]
pub struct Delete {
    /// The collection.
    collection: Name,
    /// The ids.
    #[arg(required = true)]
    ids: Vec<String>,
}

/// For how long it waits.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn put(args: &Put, context: &Context) -> Result<Code, Failure> {
    let store = context.store(OpenMode::Existing)?;
    let known = store.collection(&args.collection)?;
    // One that is no newer than what is there is known to be no newer than the plugins, without a look at them.
    let is_newest = known
        .as_ref()
        .is_some_and(|known| known.newest.as_ref() < Some(&args.version));
    let catalogue = match is_newest && !args.as_is {
        true => context.catalogue_so_far()?,
        false => Catalogue::new(),
    };
    let host = patient(context, store, catalogue);
    let mut body = Vec::new();
    let read = match &args.file {
        Some(file) => std::fs::read(file).map(|bytes| body = bytes),
        None => std::io::stdin().read_to_end(&mut body).map(drop),
    };
    read.map_err(|error| {
        Failure::input(
            format!("the document cannot be read: {error}"),
            "name a file, or give it on standard input",
        )
    })?;
    if !known.is_some_and(|known| known.opaque) {
        let end = body.strip_suffix(b"\n").unwrap_or(&body);
        let length = end.strip_suffix(b"\r").unwrap_or(end).len();
        body.truncate(length);
    }
    host.put(&args.collection, &args.id, &args.version, &body)?;
    if context.json {
        output::json(
            &json!({ "collection": args.collection, "id": args.id, "version": args.version }),
        );
    }
    Ok(Code::Done)
}

/// A host that waits a while where somebody has the store to himself.
fn patient(context: &Context, store: Store, catalogue: Catalogue) -> Host {
    let mut host = context.wire(store, catalogue);
    host.patience = PATIENCE;
    host
}

pub fn delete(args: &Delete, context: &Context) -> Result<Code, Failure> {
    let store = context.store(OpenMode::Existing)?;
    let host = patient(context, store, Catalogue::new());
    if host.store().collection(&args.collection)?.is_none() {
        return Err(HostError::NoCollection(args.collection.clone()).into());
    }
    let writes = args.ids.iter().map(|id| ItemWrite {
        collection: args.collection.clone(),
        id: id.clone(),
        item: None,
    });
    let writes: Vec<_> = writes.collect();
    let removed = host.write(&writes)?;
    if context.json {
        output::json(&json!({ "removed": removed }));
    } else {
        output::line(format!("{} removed", output::counted(removed, "item")));
    }
    Ok(Code::Done)
}

//! `godwit verify`

use std::path::PathBuf;

use godwit::model::Name;
use godwit::store::OpenMode;
use godwit::{Flaw, Verified};
use serde_json::json;

use super::shadow::ShadowArgs;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;
use crate::schemas::Schemas;

/// Check that everything that is stored is as it should be; nothing is changed.
///
/// Every item is shown to the `verify` of the migration to its version, if that has one, and held to the JSON Schema of its
/// collection and version, if there is one. Indexes and counts are compared with the items, versions with the history. The
/// digest of each collection is that of `godwit digest`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Schemas lie in a folder, named after collections and versions: features@2.0.0.json is for the items
of `features` that have version 2.0.0, features.json for those of every other version.

Examples:
  godwit verify --store lmdb:data --plugins migrations
  godwit verify --schemas schemas features
  godwit verify --json | jq .flaws")]
pub struct Args {
    /// Look at these collections only.
    collections: Vec<Name>,
    /// Hold items to the JSON Schemas in this folder. [default: `schemas` in godwit.toml]
    #[arg(long, value_name = "FOLDER")]
    schemas: Option<PathBuf>,
    #[command(flatten)]
    shadow: ShadowArgs,
}

/// How many flaws are named; the others are counted.
const NAMED: u64 = 100;

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let mut host = args.shadow.host(context.host(OpenMode::Existing)?)?;
    host.options = context.options()?;
    context.catch_interrupts()?;
    let folder = args.schemas.as_ref().or(context.config.schemas.as_ref());
    let schemas = folder.map(|folder| Schemas::read(folder)).transpose()?;
    let schemas = schemas.unwrap_or_default();
    let mut flaws = Vec::new();
    let verified = host.verify(
        &args.collections,
        &|collection, item| schemas.findings(collection, item),
        &mut |flaw| {
            if context.json {
                flaws.push(flaw);
            } else {
                tell(&flaw, &mut flaws);
            }
        },
        &context.control,
    )?;
    if context.json {
        output::json(&json!({ "verified": verified, "flaws": flaws }));
    } else {
        print(&verified);
    }
    Ok(match verified.flaws {
        _ if !verified.done => Code::Stopped,
        0 => Code::Done,
        _ => Code::Migration,
    })
}

/// Names a flaw, if it is one of the first.
fn tell(flaw: &Flaw, told: &mut Vec<Flaw>) {
    if told.len() as u64 >= NAMED {
        return;
    }
    told.push(flaw.clone());
    output::line(line(flaw));
}

/// A flaw on one line.
pub fn line(flaw: &Flaw) -> String {
    let Flaw {
        collection,
        id,
        kind,
        what,
    } = flaw;
    let id = id
        .as_ref()
        .map_or_else(String::new, |id| format!("/{}", output::one_line(id, 512)));
    format!("! {collection}{id}: {kind}: {}", output::reason(what, 400))
}

fn print(verified: &Verified) {
    if verified.flaws > NAMED {
        let more = output::counted(verified.flaws - NAMED, "further flaw");
        output::line(format!("  and {more}; --json lists all"));
    }
    for found in &verified.collections {
        let digest = &found.digest;
        let mut looked = vec![output::counted(digest.items, "item")];
        if found.by_plugins > 0 {
            looked.push(format!("{} by plugins", output::count(found.by_plugins)));
        }
        if found.by_schema > 0 {
            looked.push(format!("{} by schemas", output::count(found.by_schema)));
        }
        if found.index_entries > 0 {
            looked.push(
                output::counted(found.index_entries, "index entry").replace("entrys", "entries"),
            );
        }
        let flaws = match found.flaws {
            0 => "no flaw".to_owned(),
            flaws => output::counted(flaws, "flaw"),
        };
        output::line(format!(
            "{}: {}, {flaws}",
            digest.collection,
            looked.join(", ")
        ));
        output::line(format!("  {}", digest.digest));
    }
    if verified.collections.is_empty() {
        output::line("the store is empty");
    }
}

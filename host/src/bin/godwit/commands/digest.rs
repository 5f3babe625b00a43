//! `godwit digest`

use godwit::model::Name;
use godwit::store::OpenMode;

use super::shadow::ShadowArgs;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Print a digest of each collection, by which stores can be compared.
///
/// It is that of the items: their ids, the versions that they have, and their bodies, byte for byte. How they are kept,
/// which run wrote them and what is kept for an undo make no difference.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit digest --store lmdb:data
  diff <(godwit digest --store lmdb:a) <(godwit digest --store sled:b)")]
pub struct Args {
    /// Of these collections only.
    collections: Vec<Name>,
    #[command(flatten)]
    shadow: ShadowArgs,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let host = args
        .shadow
        .host(context.host_without_plugins(OpenMode::Existing)?)?;
    let digests = host.digests(&args.collections)?;
    if context.json {
        output::json(&digests);
        return Ok(Code::Done);
    }
    for found in &digests {
        let items = output::counted(found.items, "item");
        output::line(format!("{}  {}  {items}", found.digest, found.collection));
    }
    Ok(Code::Done)
}

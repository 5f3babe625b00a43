//! `godwit cache`

use godwit::sandbox::CacheSize;
use serde_json::json;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// What to do with compiled components.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Show where compiled components are kept, and how much they take.
    #[command(after_help = "\
Example:
  godwit cache show")]
    Show,
    /// Remove every compiled component; each is compiled again when it is needed.
    #[command(after_help = "\
Example:
  godwit cache clear")]
    Clear,
}

pub fn run(verb: &Verb, context: &Context) -> Result<Code, Failure> {
    let failed = |error: godwit::sandbox::CacheError| {
        let hint = "name another folder by GODWIT_CACHE or `cache` in godwit.toml";
        Failure::other(Code::Store, godwit::with_causes(&error), hint)
    };
    let Some(cache) = context.cache().map_err(failed)? else {
        let message = "no compiled components are kept";
        let hint = "GODWIT_CACHE or `cache` in godwit.toml names a folder for them";
        return Err(Failure::input(message, hint));
    };
    let size = match verb {
        Verb::Show => cache.size(),
        Verb::Clear => cache.clear(),
    };
    let CacheSize { entries, bytes } = size.map_err(failed)?;
    let folder = cache.folder().display();
    if context.json {
        let folder = folder.to_string();
        output::json(&json!({ "folder": folder, "entries": entries, "bytes": bytes }));
        return Ok(Code::Done);
    }
    let (entries, bytes) = (output::counted(entries, "component"), output::bytes(bytes));
    output::line(match verb {
        Verb::Show => format!("{folder}: {entries}, {bytes}"),
        Verb::Clear => format!("{folder}: {entries}, {bytes}, removed"),
    });
    Ok(Code::Done)
}

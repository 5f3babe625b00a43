//! `godwit repair`

use godwit::model::{Name, Version};
use godwit::store::OpenMode;
use serde_json::json;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Take a migration's file for the one that was applied, though it has other bytes.
///
/// For files that were built anew, or mended in a way that makes no difference to items that are migrated already. No item is
/// changed; the history keeps what was applied, and adds the reason.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  godwit repair bcd 2.0.0 --reason 'the same source, built with a newer compiler'")]
pub struct Args {
    /// The app.
    app: Name,
    /// The version that the migration leads to.
    #[arg(value_parser = super::parse_version)]
    version: Version,
    /// Why; it is kept in the history.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let host = context.host(OpenMode::Existing)?;
    let digest = host.repair(&args.app, &args.version, &args.reason)?;
    if context.json {
        output::json(&json!({ "app": args.app, "version": args.version, "digest": digest }));
    } else {
        let text = format!(
            "{} {} has digest {} from here on",
            args.app,
            args.version,
            digest.short()
        );
        output::line(text);
    }
    Ok(Code::Done)
}

//! `godwit baseline`

use godwit::model::{Name, Version};
use godwit::store::OpenMode;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Declare the version that an app's existing items have, so that migrations up to it never run.
///
/// Needed where items came to the store in other ways than by `godwit import`, which is told their
/// version, or where they were brought up to date by other means. Where there are migrations of the
/// app, the version is that of the newest one at most.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  godwit baseline bcd 2.0.0")]
pub struct Args {
    /// The app.
    app: Name,
    /// The version that its items have.
    #[arg(value_parser = super::parse_version)]
    version: Version,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let store = context.store(OpenMode::Existing)?;
    // Which version the migrations lead to at most is told by those that are there.
    let host = context.wire(store, context.catalogue_so_far()?);
    host.baseline(&args.app, &args.version)?;
    if context.json {
        output::json(&host.status()?);
    } else {
        let collections = host.store().collections()?;
        if !collections.iter().any(|(_, record)| record.app == args.app) {
            output::warning(&format!("no collection belongs to {}", args.app));
        }
        output::line(format!("{} is at {} from here on", args.app, args.version));
    }
    Ok(Code::Done)
}

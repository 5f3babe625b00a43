//! `godwit baseline`

use godwit::model::{Name, Version};
use godwit::store::OpenMode;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Declare the version that an app's existing items have, so that migrations up to it never run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The app.
    app: Name,
    /// The version that its items have.
    version: Version,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let host = context.host_without_plugins(OpenMode::Create)?;
    host.baseline(&args.app, &args.version)?;
    if context.json {
        output::json(&host.status()?);
    } else {
        output::line(format!("{} is at {} from here on", args.app, args.version));
    }
    Ok(Code::Done)
}

//! `godwit build`

use std::path::PathBuf;

use serde_json::json;

use crate::build;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;
use crate::project::{Engine, Project};

/// Build a project's migration with the language's own tools, and pack it.
///
/// Leaves `build/NAME.wasm`. What the language's package manager can put into the project is put there;
/// a tool that is missing is named, with the command that installs it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit build
  godwit build notes-2-0-0")]
pub struct Args {
    /// The project's folder.
    #[arg(default_value = ".")]
    project: PathBuf,
    /// Write the plugin here instead.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Run JavaScript in this engine, whatever the manifest says.
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Engine>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let mut project = Project::open(&args.project)?;
    if let Some(engine) = args.engine {
        project.manifest.build.engine = engine;
    }
    let plugin = args.output.clone().unwrap_or_else(|| project.plugin());
    let built = build::build(&project, &plugin, context)?;
    if context.json {
        output::json(&json!({
            "plugin": plugin,
            "bytes": built.component.len(),
            "layout": built.speech.layout,
            "closed_wasi": built.closed_wasi,
        }));
    } else {
        let bytes = output::bytes(built.component.len() as u64);
        output::line(format!("{}: {bytes}", plugin.display()));
    }
    Ok(Code::Done)
}

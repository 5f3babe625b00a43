//! `godwit bindgen`

use std::path::PathBuf;

use clap::ValueEnum;
use godwit::kit::{self, Bindings};
use godwit::model::Layout;
use serde_json::json;

use super::pack::write;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Write bindings to the contract, for those who do without an SDK.
///
/// `wit` writes the contract itself, which any other generator of the component model takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit bindgen c --to gen
  godwit bindgen go --layout records --to .
  godwit bindgen wit --to wit")]
pub struct Args {
    /// The language, or `wit` for the contract itself.
    language: Language,
    /// Bind this layout.
    #[arg(long, value_name = "LAYOUT", default_value = "columns")]
    layout: LayoutName,
    /// Write into this folder.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    to: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    C,
    Go,
    Wit,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LayoutName {
    Records,
    Text,
    Columns,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let language = match args.language {
        Language::C => Bindings::C,
        Language::Go => Bindings::Go,
        Language::Wit => Bindings::Wit,
    };
    let layout = match args.layout {
        LayoutName::Records => Layout::Records,
        LayoutName::Text => Layout::Text,
        LayoutName::Columns => Layout::Columns,
    };
    let files = kit::bindgen(language, layout).map_err(|error| {
        let hint = "this is a fault of Godwit; please report it";
        Failure::other(Code::Internal, error.to_string(), hint)
    })?;
    let mut written = Vec::new();
    for (name, bytes) in files {
        let path = args.to.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                let message = format!("{} cannot be made: {error}", folder.display());
                Failure::input(message, "check that the folder may be written to")
            })?;
        }
        write(&path, &bytes)?;
        written.push(path);
    }
    if context.json {
        output::json(&json!({ "written": written }));
    } else {
        for path in written {
            output::line(path.display().to_string());
        }
    }
    Ok(Code::Done)
}

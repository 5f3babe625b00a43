//! `godwit pack`

use std::path::{Path, PathBuf};

use godwit::kit::{self, Packed};
use serde_json::json;

use super::read_plugin;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Make a plugin of what a compiler made.
///
/// Takes a core module whose exports have the names of the contract, or that carries a component
/// type; what it asks of WASI preview 1 is closed inside the plugin. A component is only checked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit pack core.wasm -o notes-2-0-0.wasm
  godwit pack notes-2-0-0.wasm --json")]
pub struct Args {
    /// What the compiler made.
    file: PathBuf,
    /// Write the plugin here; without this the file is only checked.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let file = read_plugin(&args.file)?;
    let packed = kit::pack(&file).map_err(|error| {
        let message = format!("{}: {}", args.file.display(), godwit::with_causes(&error));
        let hint =
            "`godwit new` makes projects that are built right; plugins/README.md has the contract";
        Failure::other(Code::Migration, message, hint)
    })?;
    if let Some(output) = &args.output {
        write(output, &packed.component)?;
    }
    report(args, &packed, context);
    Ok(Code::Done)
}

/// Writes a file at once, so that nobody ever reads half of it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let written = tempfile::Builder::new()
        .prefix(".godwit-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .and_then(|mut file| {
            std::io::Write::write_all(&mut file, bytes)?;
            make_readable(file.as_file())?;
            file.persist(path).map_err(|error| error.error)
        });
    written.map(drop).map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        Failure::input(
            message,
            "check that the folder exists and may be written to",
        )
    })
}

/// Temporary files are their maker's alone; what is made for others is not.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

fn report(args: &Args, packed: &Packed, context: &Context) {
    let Packed {
        component,
        speech,
        closed_wasi,
    } = packed;
    let foreign = speech.imports.iter().filter(|import| !import.is_contract);
    if context.json {
        output::json(&json!({
            "file": args.output.as_ref().unwrap_or(&args.file),
            "bytes": component.len(),
            "layout": speech.layout,
            "imports": speech.imports,
            "exports": speech.exports,
            "closed_wasi": closed_wasi,
        }));
        return;
    }
    let file = args.output.as_ref().unwrap_or(&args.file).display();
    let layout = format!("{:?}", speech.layout).to_lowercase();
    let bytes = output::bytes(component.len() as u64);
    let closed = if *closed_wasi { ", WASI closed" } else { "" };
    output::line(format!("{file}: {bytes}, {layout}{closed}"));
    for import in foreign {
        let name = &import.name;
        output::warning(&format!(
            "it imports {name}, which is not offered: a call of it fails the item. Build it without \
             (componentize-py and componentize-qjs: --stub-wasi; jco: --disable all)"
        ));
    }
}

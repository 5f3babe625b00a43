//! `godwit inspect`

use std::path::{Path, PathBuf};

use godwit::catalogue::{Catalogue, Rejected};
use godwit::model::{Body, Migration, Mode, Name, Operation, Step, StepWork};
use godwit::sandbox::{Component, Engine, Limits, Speech, VERSION};
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::{Code, Failure, chain};
use crate::output;

/// Show what a plugin is: app, version, steps, contract, layout, imports, digest.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit inspect bcd-2-0-0.wasm
  godwit inspect indexes.json
  godwit inspect bcd-2-0-0.wasm --json | jq -r .digest")]
pub struct Args {
    /// The plugin: a component, a core module made by a wit-bindgen SDK, or a schema file.
    plugin: PathBuf,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let bytes = std::fs::read(&args.plugin).map_err(|error| {
        let message = format!("{} cannot be read: {error}", args.plugin.display());
        Failure::input(message, "check the path")
    })?;
    let engine = Engine::new(Limits::default());
    let mut catalogue = Catalogue::new(&engine);
    catalogue.add(&engine, args.plugin.clone(), &bytes);
    let migration = match (catalogue.migrations(), catalogue.rejected()) {
        ([migration, ..], _) => migration,
        ([], [rejected, ..]) => return Err(no_plugin(&args.plugin, rejected)),
        ([], []) => unreachable!("a file that is added is a migration or rejected"),
    };
    let speech = catalogue
        .component(&migration.digest)
        .map(Component::speech);
    if context.json {
        output::json(&as_json(migration, speech, bytes.len()));
    } else {
        print(&args.plugin, migration, speech, bytes.len());
    }
    Ok(Code::Done)
}

fn no_plugin(file: &Path, rejected: &Rejected) -> Failure {
    let message = chain(&rejected.reason);
    let name = file.display().to_string();
    let message = if message.contains(&name) {
        message
    } else {
        format!("{name}: {message}")
    };
    let hint = format!(
        "a plugin is a WebAssembly component that speaks contract {VERSION}, or a schema file, \
         whose name ends in .json; README.md shows both"
    );
    Failure::other(Code::Migration, message, hint)
}

fn as_json(migration: &Migration, speech: Option<&Speech>, bytes: usize) -> Value {
    json!({
        "app": migration.app,
        "version": migration.version,
        "requires": migration.requires,
        "depends_on": migration.depends_on,
        "summary": migration.summary,
        "steps": migration.steps,
        "digest": migration.digest,
        "bytes": bytes,
        "contract": speech.map(|speech| &speech.contract),
        "layout": speech.map(|speech| &speech.layout),
        "imports": speech.map(|speech| &speech.imports),
        "exports": speech.map(|speech| &speech.exports),
    })
}

fn print(file: &Path, migration: &Migration, speech: Option<&Speech>, bytes: usize) {
    let Migration { app, version, .. } = migration;
    let summary = match migration.summary.as_str() {
        "" => String::new(),
        summary => format!(": {}", output::one_line(summary, 400)),
    };
    output::line(format!("{app} {version}{summary}"));
    let field = |name: &str, value: String| output::line(format!("  {name:<10} {value}"));
    field(
        "file",
        format!("{} ({})", file.display(), output::bytes(bytes as u64)),
    );
    field("digest", format!("sha256:{}", migration.digest));
    if let Body::Component { contract, layout } = &migration.body {
        let layout = format!("{layout:?}").to_lowercase();
        field("contract", format!("{contract}, {layout}"));
    }
    if let Some(requires) = &migration.requires {
        field("requires", requires.to_string());
    }
    for dependency in &migration.depends_on {
        field(
            "depends on",
            format!("{} {}", dependency.app, dependency.versions),
        );
    }
    if let Some(speech) = speech {
        let imports = speech.imports.iter().map(|import| import.name.as_str());
        field("imports", imports.collect::<Vec<_>>().join(", "));
    }
    for step in &migration.steps {
        field("step", describe_step(step));
    }
}

/// A step in one line.
pub fn describe_step(step: &Step) -> String {
    let Step { name, phase, work } = step;
    match work {
        StepWork::Transform {
            mode,
            collection,
            reads,
            writes,
        } => {
            let mode = match mode {
                Mode::Rewrite => "rewrites",
                Mode::Derive => "derives from",
            };
            let list = |what: &str, names: &[Name]| match names {
                [] => String::new(),
                names => {
                    let names = names.iter().map(Name::as_str).collect::<Vec<_>>();
                    format!(", {what} {}", names.join(" "))
                }
            };
            let (reads, writes) = (list("reads", reads), list("writes", writes));
            format!("{name} ({phase}) {mode} {collection}{reads}{writes}")
        }
        StepWork::Schema(operation) => {
            format!("{name} ({phase}) {}", describe_operation(operation))
        }
    }
}

fn describe_operation(operation: &Operation) -> String {
    match operation {
        Operation::CreateCollection { collection, opaque } => {
            let opaque = if *opaque { " of opaque bodies" } else { "" };
            format!("makes the collection {collection}{opaque}")
        }
        Operation::EnsureIndex {
            collection,
            pointer,
        } => format!("indexes {collection} by `{pointer}`"),
        Operation::DropIndex {
            collection,
            pointer,
        } => format!("drops the index of {collection} by `{pointer}`"),
    }
}

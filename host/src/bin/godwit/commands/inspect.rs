//! `godwit inspect`

use std::path::{Path, PathBuf};

use godwit::catalogue::{Catalogue, Rejected};
use godwit::model::{Body, Migration, Mode, Name, Operation, Step, StepWork};
use godwit::sandbox::{Component, Limits, VERSION};
use serde_json::{Value, json};

use super::read_plugin;
use crate::context::Context;
use crate::exit::{Code, Failure, chain};
use crate::limits::LIMITS;
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
    let bytes = read_plugin(&args.plugin)?;
    let engine = context.engine()?;
    let engine = context.engine_for(&engine, &args.plugin);
    let mut catalogue = Catalogue::new();
    catalogue.add(&engine, args.plugin.clone(), &bytes);
    let migration = match (catalogue.migrations(), catalogue.rejected()) {
        ([migration, ..], _) => migration,
        ([], [rejected, ..]) => return Err(no_plugin(&args.plugin, rejected)),
        ([], []) => unreachable!("a file that is added is a migration or rejected"),
    };
    let component = catalogue.component(&migration.digest);
    if context.json {
        output::json(&as_json(migration, component, bytes.len()));
    } else {
        print(&args.plugin, migration, component, bytes.len());
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
         whose name ends in .json; plugins/README.md shows both"
    );
    Failure::other(Code::Migration, message, hint)
}

fn as_json(migration: &Migration, component: Option<&Component>, bytes: usize) -> Value {
    let speech = component.map(Component::speech);
    let limits = component.map(|component| shown_limits(component.limits()));
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
        "limits": limits,
    })
}

/// The limits by the names that `godwit.toml` uses.
fn shown_limits(limits: &Limits) -> Value {
    let shown = LIMITS.iter();
    shown
        .map(|limit| (limit.name.to_owned(), (limit.json)(limits)))
        .collect()
}

fn print(file: &Path, migration: &Migration, component: Option<&Component>, bytes: usize) {
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
    for step in &migration.steps {
        field("step", describe_step(step));
    }
    if let Some(component) = component {
        for import in &component.speech().imports {
            let met = if import.is_contract {
                ""
            } else {
                " (not offered: a call of it fails the item)"
            };
            field("import", format!("{}{met}", import.name));
        }
        let limits = component.limits();
        for limit in &LIMITS {
            field(
                "limit",
                format!("{:<16} {}", limit.name, (limit.show)(limits)),
            );
        }
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

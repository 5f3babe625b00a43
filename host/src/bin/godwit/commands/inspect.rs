//! `godwit inspect`

use std::path::{Path, PathBuf};

use godwit::catalogue::describe;
use godwit::model::{Body, Migration, Mode, Name, Step, StepWork};
use godwit::sandbox::{Component, Engine, Limits, VERSION};
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::{Code, Failure, chain};
use crate::output;

/// Show what a plugin is: app, version, steps, contract, layout, imports, digest.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plugin: a component, or a core module made by a wit-bindgen SDK.
    plugin: PathBuf,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let bytes = std::fs::read(&args.plugin).map_err(|error| {
        let message = format!("{} cannot be read: {error}", args.plugin.display());
        Failure::input(message, "check the path")
    })?;
    let engine = Engine::new(Limits::default());
    let (component, migration) = describe(&engine, &args.plugin, &bytes).map_err(|error| {
        let message = format!("{}: {}", args.plugin.display(), chain(&error));
        let hint = format!("a plugin is a component that speaks contract 1.0.0 to {VERSION}");
        Failure::other(Code::Migration, message, hint)
    })?;
    if context.json {
        output::json(&as_json(&migration, &component, bytes.len()));
    } else {
        print(&args.plugin, &migration, &component, bytes.len());
    }
    Ok(Code::Done)
}

fn as_json(migration: &Migration, component: &Component, bytes: usize) -> Value {
    let speech = component.speech();
    json!({
        "app": migration.app,
        "version": migration.version,
        "requires": migration.requires,
        "depends_on": migration.depends_on,
        "summary": migration.summary,
        "steps": migration.steps,
        "digest": migration.digest,
        "bytes": bytes,
        "contract": speech.contract,
        "layout": speech.layout,
        "imports": speech.imports,
        "exports": speech.exports,
    })
}

fn print(file: &Path, migration: &Migration, component: &Component, bytes: usize) {
    let Migration { app, version, .. } = migration;
    output::line(format!("{app} {version}: {}", migration.summary));
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
    let imports = component
        .speech()
        .imports
        .iter()
        .map(|import| import.name.as_str());
    field("imports", imports.collect::<Vec<_>>().join(", "));
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
        StepWork::Schema(operation) => format!("{name} ({phase}) on {}", operation.collection()),
    }
}

//! `godwit check`

use std::path::{Path, PathBuf};

use godwit::kit::{Bench, Subject, TrialError, World, WorldError};
use godwit::model::{Counts, Migration, Version};
use godwit::transfer::Generator;

use super::{read_documents, read_plugin, read_text};
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::laboratory::{self, Case, Results, Wish};
use crate::output;
use crate::project::Strictness;

/// Items that are made up, and about how large they are.
const ITEMS: u64 = 100;
const ITEM_BYTES: u32 = 600;

/// Try any plugin on items, under the limits that hold in production.
///
/// Whether two runs leave the same bytes whatever the size of batches, whether a second pass changes
/// nothing, whether items that are bent out of shape make it fault. Needs no store.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit check notes-2-0-0.wasm --items notes.ndjson
  godwit check join-3-0-0.wasm --items notes.ndjson --documents people=people.ndjson
  godwit check notes-2-0-0.wasm --mutations 10000 --seed 7 --json")]
pub struct Args {
    /// The plugin.
    plugin: PathBuf,
    /// Try it on these items, one document a line, instead of made-up ones.
    #[arg(long, value_name = "FILE")]
    items: Option<PathBuf>,
    /// Let its steps read these documents, one a line, as a collection.
    #[arg(long, value_name = "COLLECTION=FILE")]
    documents: Vec<String>,
    /// The version that the items have; without this the lowest one that the plugin requires.
    #[arg(long, value_name = "VERSION", value_parser = super::parse_version)]
    from: Option<Version>,
    /// Bend so many items out of shape.
    #[arg(long, value_name = "N", default_value_t = 200)]
    mutations: usize,
    /// Bend them in another way.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Write the results as JUnit's XML, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let subject = load(context, std::slice::from_ref(&args.plugin))?;
    let migration = &subject.migrations()[0];
    let from = start(migration, args.from.as_ref())?;
    let bench = Bench {
        subject: &subject,
        migration,
        from: &from,
    };
    let mut world = match &args.items {
        Some(file) => items(file, migration)?,
        None => made_up(migration),
    };
    let reads = migration.steps.iter().flat_map(|step| step.work.reads());
    read_documents(&mut world, &reads.collect::<Vec<_>>(), &args.documents)?;
    let wish = Wish {
        idempotent: Strictness::Warn,
        mutations: args.mutations,
        seed: args.seed,
        has_run_out_of_time: false,
    };
    let mut results = Results::new(!context.json);
    results.counts = laboratory::checks(&bench, &world, &wish, &mut results).map_err(failure)?;
    results.add(shows_something(&results.counts, args.items.is_some()));
    tell(&results, migration, args.junit.as_deref(), context)?;
    Ok(results.code())
}

/// Whether the items are such as the migration is for.
fn shows_something(counts: &Counts, are_given: bool) -> Case {
    let mut findings = Vec::new();
    if counts.updated + counts.removed + counts.written == 0 {
        let hint = match are_given {
            true => "nothing was changed: are these items that it is for?",
            false => "nothing was changed: try it on items that it is for, with --items",
        };
        findings.push(hint.to_owned());
    }
    Case::judged("some of the items are changed", findings, Strictness::Warn)
}

/// Tells what was found, in every way that was asked for.
pub fn tell(
    results: &Results,
    migration: &Migration,
    junit: Option<&Path>,
    context: &Context,
) -> Result<(), Failure> {
    if let Some(file) = junit {
        results.write_junit(file)?;
    }
    if context.json {
        output::json(&results.as_json(migration));
    } else {
        results.print(migration);
    }
    Ok(())
}

/// Loads plugins, each with the limits that hold for it in production.
pub fn load(context: &Context, files: &[PathBuf]) -> Result<Subject, Failure> {
    let engine = context.engine()?;
    let first = files.first().map_or(Path::new(""), PathBuf::as_path);
    let engine = context.engine_for(&engine, first);
    let mut plugins = Vec::new();
    for file in files {
        plugins.push((file.clone(), read_plugin(file)?));
    }
    Subject::load(&engine, plugins).map_err(failure)
}

/// The version that a migration is tried from.
pub fn start(migration: &Migration, from: Option<&Version>) -> Result<Version, Failure> {
    match from {
        Some(version) => Ok(version.clone()),
        None => Subject::start_of(migration).map_err(failure),
    }
}

/// An error of a trial, with what to do about it.
pub fn failure(error: TrialError) -> Failure {
    let message = godwit::with_causes(&error);
    match error {
        TrialError::Host(error) => error.into(),
        TrialError::Rejected { .. } => {
            let hint = "`godwit inspect` and `godwit pack` tell more about a file";
            Failure::other(Code::Migration, message, hint)
        }
        TrialError::NoStart { .. } => {
            let hint = "use --from VERSION, or `from` under [test] in migration.toml";
            Failure::other(Code::Migration, message, hint)
        }
        TrialError::Store(_) | TrialError::Lease(_) => Failure::other(
            Code::Migration,
            message,
            "check the names that the plugin uses",
        ),
    }
}

fn items(file: &Path, migration: &Migration) -> Result<World, Failure> {
    let hint = "check the path; the items are UTF-8, one JSON document a line";
    let text = read_text(file, hint)?;
    let mut world = World::new();
    let Some(fed) = migration.fed().next() else {
        return Ok(world);
    };
    world.read_ndjson(fed, &text).map_err(|error: WorldError| {
        let message = format!("{}: {error}", file.display());
        Failure::input(
            message,
            "the items are JSON documents, one a line, with an id in `_id`",
        )
    })?;
    Ok(world)
}

fn made_up(migration: &Migration) -> World {
    let mut world = World::new();
    for collection in migration.fed() {
        let generator = Generator::new(1, ITEM_BYTES);
        for number in 0..ITEMS {
            let mut body = Vec::new();
            generator.item(number, &mut body);
            world
                .collection(collection)
                .insert(format!("item-{number:06}"), body);
        }
    }
    world
}

//! The verbs, one file each.

pub mod backup;
pub mod baseline;
pub mod bench;
pub mod bindgen;
pub mod build;
pub mod cache;
pub mod check;
pub mod compiler;
pub mod completions;
pub mod digest;
pub mod direct;
pub mod down;
pub mod export;
pub mod generate;
pub mod get;
pub mod history;
pub mod import;
pub mod inspect;
pub mod lock;
pub mod new;
pub mod pack;
pub mod plan;
pub mod progress;
pub mod prune;
pub mod put;
pub mod quarantine;
pub mod rehearse;
pub mod repair;
pub mod runs;
pub mod serve;
pub mod shadow;
pub mod status;
pub mod test;
pub mod transform;
pub mod undo;
pub mod up;
pub mod verify;
pub mod worker;

use std::path::Path;
use std::time::Duration;

use godwit::kit::World;
use godwit::model::{Name, RunId, Version};
use godwit::run::{MaxFailures, OnFailure, Options};

use crate::cli::Command;
use crate::context::{Context, MAX_BATCH_BYTES, MAX_THREADS};
use crate::exit::{Code, Failure};
use crate::limits;

/// Carries out a verb.
pub fn run(command: &Command, context: &Context) -> Result<Code, Failure> {
    match command {
        Command::Import(args) => import::run(args, context),
        Command::Export(args) => export::run(args, context),
        Command::Inspect(args) => inspect::run(args, context),
        Command::Plan(args) => plan::run(args, context),
        Command::Up(args) => up::run(args, context),
        Command::Worker(args) => worker::run(args, context),
        Command::Status(args) => status::run(args, context),
        Command::Progress(args) => progress::run(args, context),
        Command::Pause(_) => direct::pause(context),
        Command::Resume(_) => direct::resume(context),
        Command::Cancel(_) => direct::cancel(context),
        Command::Throttle(args) => direct::throttle(args, context),
        Command::Batch(args) => direct::batch(args, context),
        Command::History(args) => history::run(args, context),
        Command::Runs(args) => runs::run(args, context),
        Command::Get(args) => get::run(args, context),
        Command::Put(args) => put::put(args, context),
        Command::Delete(args) => put::delete(args, context),
        Command::Quarantine(verb) => quarantine::run(verb, context),
        Command::Backup(verb) => backup::run(verb, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Digest(args) => digest::run(args, context),
        Command::Undo(args) => undo::run(args, context),
        Command::Down(args) => down::run(args, context),
        Command::Stats(_) => shadow::stats(context),
        Command::Finalize(args) => shadow::finalize(args, context),
        Command::Reset(_) => shadow::reset(context),
        Command::Prune(args) => prune::run(args, context),
        Command::Repair(args) => repair::run(args, context),
        Command::Rehearse(args) => rehearse::run(args, context),
        Command::Lock(args) => lock::run(args, context),
        Command::Baseline(args) => baseline::run(args, context),
        Command::Cache(verb) => cache::run(verb, context),
        Command::New(args) => new::run(args, context),
        Command::Build(args) => build::run(args, context),
        Command::Test(args) => test::run(args, context),
        Command::Check(args) => check::run(args, context),
        Command::Transform(args) => transform::run(args, context),
        Command::Pack(args) => pack::run(args, context),
        Command::Bindgen(args) => bindgen::run(args, context),
        Command::Bench(args) => bench::run(args, context),
        Command::Serve(args) => serve::run(args, context),
        Command::Generate(args) => generate::run(args, context),
        Command::Completions(args) => Ok(completions::run(args)),
        Command::Compiler => unreachable!("it needs no context"),
    }
}

/// How items are fed to plugins.
#[derive(Debug, clap::Args)]
struct FeedingArgs {
    /// Transform on so many threads. [default: the number of cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS as i64))]
    threads: Option<u16>,
    /// Feed at most so many bytes of documents at once. [default: 262144]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=MAX_BATCH_BYTES as i64))]
    batch_bytes: Option<u32>,
    /// Feed at most so many documents at once. [default: 4096]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch_items: Option<u32>,
    /// Feed fewer documents at once while a batch takes longer than this, as in 500ms. [default: 250ms]
    #[arg(long, value_name = "TIME", value_parser = limits::parse_time)]
    batch_target: Option<Duration>,
}

impl FeedingArgs {
    fn apply(&self, options: &mut Options) {
        if let Some(threads) = self.threads {
            options.threads = threads.into();
        }
        if let Some(bytes) = self.batch_bytes {
            options.batch_bytes = bytes as usize;
        }
        if let Some(items) = self.batch_items {
            options.batch_items = items as usize;
        }
        if let Some(time) = self.batch_target {
            options.batch_target = time;
        }
    }
}

/// What items that fail lead to.
#[derive(Debug, clap::Args)]
struct FailureArgs {
    /// Put items that fail into quarantine and go on, or stop before the first one.
    #[arg(long, value_parser = parse_on_failure, value_name = "quarantine|stop")]
    on_failure: Option<OnFailure>,
    /// Stop when more items of a step fail: a count, or a share of those read (of 100 at least).
    /// [default: 10%]
    #[arg(long, value_name = "N|P%")]
    max_failures: Option<MaxFailures>,
}

impl FailureArgs {
    fn apply(&self, options: &mut Options) {
        options.on_failure = self.on_failure.unwrap_or(options.on_failure);
        options.max_failures = self.max_failures.unwrap_or(options.max_failures);
    }
}

fn parse_on_failure(text: &str) -> Result<OnFailure, String> {
    match text {
        "quarantine" => Ok(OnFailure::Quarantine),
        "stop" => Ok(OnFailure::Stop),
        _ => Err("it is `quarantine` or `stop`".to_owned()),
    }
}

/// The bytes of a plugin.
fn read_plugin(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| {
        let hint = "check the path; `godwit build` builds a project's plugin";
        unreadable(file, &error, hint)
    })
}

/// A file of text.
pub fn read_text(file: &Path, hint: &str) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| unreadable(file, &error, hint))
}

/// Adds documents that steps read to a world: of collections among `reads`, from files named as
/// `COLLECTION=FILE`.
fn read_documents(world: &mut World, reads: &[&Name], named: &[String]) -> Result<(), Failure> {
    for pair in named {
        let hint = "use COLLECTION=FILE, as in people=people.ndjson";
        let (collection, file) = pair
            .split_once('=')
            .ok_or_else(|| Failure::input(format!("`{pair}` names no file"), hint))?;
        let collection: Name = collection
            .parse()
            .map_err(|error| Failure::input(format!("{error}"), hint))?;
        if !reads.contains(&&collection) {
            let message = format!("nobody asks to read `{collection}`");
            let hint = match reads {
                [] => "it reads no other documents".to_owned(),
                reads => {
                    let reads: Vec<_> = reads.iter().map(|name| name.as_str()).collect();
                    format!("it asks to read {}", reads.join(", "))
                }
            };
            return Err(Failure::input(message, hint));
        }
        let text = read_text(Path::new(file), "check the path")?;
        world.read_ndjson(&collection, &text).map_err(|error| {
            let hint = "one JSON document a line, with its id in `_id`";
            Failure::input(format!("{file}: {error}"), hint)
        })?;
    }
    Ok(())
}

fn unreadable(file: &Path, error: &std::io::Error, hint: &str) -> Failure {
    Failure::input(format!("{} cannot be read: {error}", file.display()), hint)
}

/// A version, with what one looks like where it is none.
fn parse_version(text: &str) -> Result<Version, String> {
    let example = |error| format!("a version is like 1.0.0 or 2.1.0-beta.1: {error}");
    text.parse().map_err(example)
}

/// The number of a run.
fn parse_run(text: &str) -> Result<RunId, String> {
    let hint = |_| "a run is a number, as `godwit runs` shows it".to_owned();
    text.parse().map_err(hint)
}

/// Names an item: `COLLECTION/ID`. Everything behind the first slash is the id.
#[derive(Debug, Clone)]
pub struct ItemPath {
    pub collection: Name,
    pub id: String,
}

impl std::str::FromStr for ItemPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (collection, id) = text
            .split_once('/')
            .ok_or_else(|| format!("`{text}` is not COLLECTION/ID"))?;
        let collection = collection.parse().map_err(|error| format!("{error}"))?;
        godwit::model::item::check_id(id).map_err(|error| error.to_string())?;
        Ok(Self {
            collection,
            id: id.to_owned(),
        })
    }
}

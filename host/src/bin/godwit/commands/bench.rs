//! `godwit bench`

mod chart;
mod measure;
mod source;

use std::path::PathBuf;
use std::time::Duration;

use godwit::catalogue::Catalogue;
use godwit::kit::Subject;
use godwit::model::{Migration, Mode, Name, StepWork};
use godwit::store::Compression;
use godwit::transfer::Shape;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde_json::{Value, json};

use super::check::failure;
use super::pack::write;
use super::{FeedingArgs, read_plugin};
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;
use measure::Bench;
use source::Source;

/// Measure how fast a plugin is, and where the time goes.
///
/// Items are put into a new store and migrated, again and again, each part alone and all of it together.
/// What is told of each is the fastest of all rounds. The store lies in the current folder, and is removed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit bench notes-2-0-0.wasm --items notes.ndjson
  godwit bench made-2-0-0.wasm --count 1000000 --size 1000 --on sled
  godwit bench made-2-0-0.wasm --shape nested
  godwit bench notes-2-0-0.wasm --items notes.ndjson --threads 1 --chart bench.svg --json")]
pub struct Args {
    /// The plugin: it has one step, which rewrites items and writes no others.
    plugin: PathBuf,
    /// Migrate so many items.
    #[arg(long, short, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    count: u64,
    /// Make them up, each of about so many bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(..=6_000_000))]
    size: u32,
    /// Make them up of this shape: record, flat, nested, list or text.
    #[arg(long, value_name = "SHAPE", default_value_t)]
    shape: Shape,
    /// Take these documents instead, one a line, over and over until there are enough.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["size", "shape"])]
    items: Option<PathBuf>,
    /// Measure on a store of this kind.
    #[arg(long, value_name = "KIND", default_value = "lmdb")]
    on: Kind,
    /// Write bodies and pre-images like this. [default: what godwit.toml says]
    #[arg(long, value_name = "KIND", value_parser = compression)]
    compression: Option<Compression>,
    /// Measure each part so often.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rounds: u16,
    #[command(flatten)]
    feeding: FeedingArgs,
    /// Draw the results into this file (SVG), too.
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Lmdb,
    Sled,
    Memory,
}

impl Kind {
    fn scheme(self) -> &'static str {
        match self {
            Self::Lmdb => "lmdb",
            Self::Sled => "sled",
            Self::Memory => "memory",
        }
    }
}

fn compression(text: &str) -> Result<Compression, String> {
    Compression::deserialize(text.into_deserializer())
        .map_err(|error: serde::de::value::Error| error.to_string())
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Transform,
    Store,
    WithoutPlugin,
    Whole,
}

impl Part {
    const ALL: [Self; 4] = [
        Self::Transform,
        Self::Store,
        Self::WithoutPlugin,
        Self::Whole,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Store => "store",
            Self::WithoutPlugin => "without_plugin",
            Self::Whole => "whole",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Transform => "transform alone",
            Self::Store => "store alone",
            Self::WithoutPlugin => "run without the plugin",
            Self::Whole => "whole run",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Transform => "the plugin, and the host's look at what comes back",
            Self::Store => "read all, write all with what an undo needs",
            Self::WithoutPlugin => "the same results, given at no cost",
            Self::Whole => "what `godwit up` does",
        }
    }
}

/// What was measured of a part.
struct Measured {
    part: Part,
    /// Of the fastest round.
    best: Duration,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    context.catch_interrupts()?;
    let engine = context.engine()?;
    let engine = context.engine_for(&engine, &args.plugin);
    let plugin = (args.plugin.clone(), read_plugin(&args.plugin)?);
    let subject = Subject::load(&engine, [plugin.clone()]).map_err(failure)?;
    let migration = &subject.migrations()[0];
    let collection = fed(migration)?;
    let from = Subject::start_of(migration).map_err(failure)?;
    let mut options = context.options()?;
    args.feeding.apply(&mut options);
    let bench = Bench {
        context,
        catalogue: &|| {
            let mut catalogue = Catalogue::new();
            catalogue.add(&engine, plugin.0.clone(), &plugin.1);
            catalogue
        },
        migration,
        component: subject.component(migration).expect("it has a step"),
        collection: &collection,
        from: &from,
        source: Source::new(args.items.as_deref(), args.size, args.shape, args.count)?,
        scheme: args.on.scheme(),
        compression: args.compression.unwrap_or(context.config.compression),
        options,
    };
    let Some(measured) = rounds(&bench, args.rounds, context)? else {
        return Ok(Code::Stopped);
    };
    tell(&bench, &measured, args, context)?;
    Ok(Code::Done)
}

/// The collection that the plugin's only step is fed.
fn fed(migration: &Migration) -> Result<Name, Failure> {
    let hint = "`godwit up --timings` measures a run of whatever kind";
    if !migration.depends_on.is_empty() {
        let message = "it depends on other apps, which are not there";
        return Err(Failure::input(message, hint));
    }
    match &migration.steps[..] {
        [step] => match &step.work {
            StepWork::Transform {
                mode: Mode::Rewrite,
                collection,
                reads,
                writes,
            } if reads.is_empty() && writes.is_empty() => Ok(collection.clone()),
            _ => {
                let message = "its step does not just rewrite what it is fed";
                Err(Failure::input(message, hint))
            }
        },
        steps => {
            let message = format!("it has {} steps, and not one", steps.len());
            Err(Failure::input(message, hint))
        }
    }
}

/// Measures all parts in turn, so that what disturbs the machine disturbs all of them; `None`: it was asked to
/// stop.
fn rounds(
    bench: &Bench<'_>,
    rounds: u16,
    context: &Context,
) -> Result<Option<Vec<Measured>>, Failure> {
    let answers = bench.answers()?;
    let mut best = [Duration::MAX; Part::ALL.len()];
    for round in 1..=rounds {
        for (best, part) in best.iter_mut().zip(Part::ALL) {
            context.remark(&format!("round {round} of {rounds}: {}", part.label()));
            let took = match part {
                Part::Transform => bench.transform()?,
                Part::Store => bench.store()?,
                Part::WithoutPlugin => bench.without_plugin(&answers)?,
                Part::Whole => bench.whole()?,
            };
            if context.control.is_stopped() {
                return Ok(None);
            }
            *best = took.min(*best);
        }
    }
    let parts = Part::ALL.into_iter().zip(best);
    Ok(Some(
        parts.map(|(part, best)| Measured { part, best }).collect(),
    ))
}

/// The ratios that tell whether the parts overlap, and what the sandbox and the plugin cost.
fn ratios(measured: &[Measured]) -> [(&'static str, &'static str, f64); 2] {
    let seconds = |part: Part| {
        let found = measured.iter().find(|measured| measured.part == part);
        found.map_or(f64::NAN, |measured| measured.best.as_secs_f64())
    };
    let whole = seconds(Part::Whole);
    let slower = seconds(Part::Transform).max(seconds(Part::Store));
    [
        (
            "whole_to_slower_part",
            "whole run / the slower of transform and store",
            whole / slower,
        ),
        (
            "whole_to_without_plugin",
            "whole run / run without the plugin",
            whole / seconds(Part::WithoutPlugin),
        ),
    ]
}

fn tell(
    bench: &Bench<'_>,
    measured: &[Measured],
    args: &Args,
    context: &Context,
) -> Result<(), Failure> {
    let Migration { app, version, .. } = bench.migration;
    let title = format!(
        "{app} {version} over {} of {}{} on {}{}, {}",
        output::counted(args.count, "item"),
        output::bytes(bench.source.mean_bytes()),
        match bench.source.shape() {
            None | Some(Shape::Record) => String::new(),
            Some(shape) => format!(" ({shape})"),
        },
        args.on.scheme(),
        match bench.compression {
            Compression::None => "",
            Compression::Lz4 => " with lz4",
        },
        output::counted(bench.options.threads as u64, "thread"),
    );
    if let Some(file) = &args.chart {
        write(file, chart::draw(&title, measured, args.count).as_bytes())?;
    }
    if context.json {
        output::json(&as_json(bench, measured, args));
        return Ok(());
    }
    output::line(&title);
    let head = ["what", "seconds", "items/s", "us an item", ""];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for Measured { part, best } in measured {
        let seconds = best.as_secs_f64();
        rows.push(vec![
            part.label().to_owned(),
            format!("{seconds:.3}"),
            output::count((args.count as f64 / seconds) as u64),
            format!("{:.2}", seconds * 1e6 / args.count as f64),
            part.meaning().to_owned(),
        ]);
    }
    output::table(&rows);
    for (_, what, ratio) in ratios(measured) {
        output::line(format!("{ratio:.2}  {what}"));
    }
    Ok(())
}

fn as_json(bench: &Bench<'_>, measured: &[Measured], args: &Args) -> Value {
    let parts = measured.iter().map(|Measured { part, best }| {
        let seconds = best.as_secs_f64();
        let told = json!({
            "seconds": seconds,
            "items_per_second": args.count as f64 / seconds,
        });
        (part.key().to_owned(), told)
    });
    let ratios = ratios(measured).map(|(key, _, ratio)| (key.to_owned(), json!(ratio)));
    json!({
        "app": bench.migration.app,
        "version": bench.migration.version,
        "items": args.count,
        "mean_bytes": bench.source.mean_bytes(),
        "shape": bench.source.shape().map(Shape::name),
        "store": args.on.scheme(),
        "compression": bench.compression,
        "threads": bench.options.threads,
        "batch_bytes": bench.options.batch_bytes,
        "batch_items": bench.options.batch_items,
        "rounds": args.rounds,
        "parts": Value::Object(parts.collect()),
        "ratios": Value::Object(ratios.into_iter().collect()),
    })
}

//! `godwit transform`

mod lines;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use godwit::kit::World;
use godwit::model::{Migration, Name, Step, Version};
use godwit::run::{Became, Passed, Stream, StreamError};
use godwit::store::Store;
use godwit::transfer::Pointer;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{check, read_documents};
use crate::archive::Input;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;
use lines::{Line, Lines};

/// Pass documents through a plugin, without a store.
///
/// Reads JSON documents, one a line, and writes them as the plugin's step leaves them, in the same
/// order, on all cores. Documents that fail are left out and told on standard error, one JSON object
/// each.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit transform notes-2-0-0.wasm notes.ndjson > new.ndjson
  zcat notes.ndjson.gz | godwit transform notes-2-0-0.wasm | jq -c .tags
  godwit transform notes-2-0-0.wasm notes.ndjson --failures failed.ndjson --on-failure keep
  godwit transform join-3-0-0.wasm notes.ndjson --documents people=people.ndjson")]
pub struct Args {
    /// The plugin.
    plugin: PathBuf,
    /// The documents; `-` is standard input. Packed ones (gzip, zstd) are unpacked.
    #[arg(default_value = "-")]
    input: PathBuf,
    /// The step, where the plugin has several.
    #[arg(long, value_name = "NAME")]
    step: Option<Name>,
    /// Where a document's id is: a JSON pointer. Without this `/_id`, or the line's number.
    #[arg(long, value_name = "POINTER")]
    id: Option<Pointer>,
    /// Let the step read these documents, one a line, as a collection.
    #[arg(long, value_name = "COLLECTION=FILE")]
    documents: Vec<String>,
    /// Say that documents have this version; without this the lowest one that the plugin requires.
    #[arg(long, value_name = "VERSION", value_parser = super::parse_version)]
    from: Option<Version>,
    /// What to do with a document that fails.
    #[arg(long, value_name = "WHAT", default_value = "drop")]
    on_failure: OnFailure,
    /// Write what fails to this file instead of standard error.
    #[arg(long, value_name = "FILE")]
    failures: Option<PathBuf>,
    /// Transform on so many threads. [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OnFailure {
    /// Leave it out.
    Drop,
    /// Pass it on as it is.
    Keep,
    /// Leave it out, and all behind it.
    Stop,
}

/// What is read and not yet written, beside the documents themselves: their lines, batch by batch.
type Pending = Arc<Mutex<VecDeque<Vec<Line>>>>;

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    context.catch_interrupts()?;
    let subject = check::load(context, std::slice::from_ref(&args.plugin))?;
    let migration = &subject.migrations()[0];
    let step = choose(migration, args.step.as_ref())?;
    let component = subject.component(migration).ok_or_else(|| {
        let hint = "a schema changes what collections and indexes there are, not documents";
        Failure::input(format!("{} is a schema", args.plugin.display()), hint)
    })?;
    let from = check::start(migration, args.from.as_ref()).ok();
    let threads = args.threads.map_or(context.options()?.threads, usize::from);
    let stream = Stream::new(
        component,
        step,
        documents(migration, step, &args.documents, context)?,
        godwit::sandbox::Context {
            from_version: from,
            started_at: context.surroundings.clock.now().0,
            seed: (context.surroundings.random)(),
        },
        threads,
        &context.control,
    );
    let stream = stream.map_err(unfit)?;
    let pending = Pending::default();
    let input = Input::open(&args.input)?;
    let most = component.limits().body_bytes;
    let lines = Lines::new(input.reader, args.id.clone(), most, pending.clone());
    let trouble = lines.trouble();
    let mut writer = Writer::new(args)?;
    let mut failed = None;
    stream
        .pass(lines, &mut |passed| {
            let lines = pending.lock().map(|mut pending| pending.pop_front());
            let lines = lines.ok().flatten().unwrap_or_default();
            match writer.write(&passed, &lines) {
                Ok(flow) => flow,
                Err(failure) => {
                    failed = Some(failure);
                    ControlFlow::Break(())
                }
            }
        })
        .map_err(unfit)?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    if let Some(error) = trouble.lock().ok().and_then(|mut trouble| trouble.take()) {
        let message = format!("{} cannot be read on: {error}", input.name);
        return Err(Failure::input(
            message,
            "what came before was passed on; check the input",
        ));
    }
    writer.finish(context)
}

/// The step that is meant.
fn choose<'a>(migration: &'a Migration, named: Option<&Name>) -> Result<&'a Step, Failure> {
    let steps = &migration.steps;
    let names = || {
        let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
        names.join(", ")
    };
    match (named, &steps[..]) {
        (Some(named), _) => steps
            .iter()
            .find(|step| step.name == *named)
            .ok_or_else(|| {
                let message = format!("there is no step `{named}`");
                Failure::input(message, format!("its steps are: {}", names()))
            }),
        (None, [step]) => Ok(step),
        (None, []) => {
            let hint = "there is nothing to transform";
            Err(Failure::input("the plugin has no steps", hint))
        }
        (None, _) => {
            let message = "the plugin has several steps";
            Err(Failure::input(
                message,
                format!("use --step with one of: {}", names()),
            ))
        }
    }
}

fn unfit(error: StreamError) -> Failure {
    let message = godwit::with_causes(&error);
    let hint = match error {
        StreamError::Derives(_) | StreamError::Writes(_) => {
            "import the documents into a store and use `godwit up`"
        }
        StreamError::Schema(_) => "name a step that is fed items with --step",
        StreamError::Load(_) => "`godwit inspect` tells more about the plugin",
        StreamError::Store(_) => "check the files of --documents",
    };
    Failure::other(Code::Migration, message, hint)
}

/// A store in memory with what the step may read.
fn documents(
    migration: &Migration,
    step: &Step,
    named: &[String],
    context: &Context,
) -> Result<Store, Failure> {
    let reads: Vec<&Name> = step.work.reads().iter().collect();
    let mut world = World::new();
    for reads in &reads {
        world.collection(reads);
    }
    read_documents(&mut world, &reads, named)?;
    for (empty, _) in world.collections().filter(|(_, items)| items.is_empty()) {
        context.remark(&format!(
            "the step reads `{empty}`, which has no documents: --documents {empty}=FILE brings some"
        ));
    }
    world
        .store(&migration.app, &migration.version, &[])
        .map_err(check::failure)
}

/// What is told of a document that fails.
#[derive(Serialize)]
struct Told<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    kind: &'a str,
    reason: &'a str,
    /// Letter by letter as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
}

/// Writes documents on, and what fails beside them.
struct Writer {
    out: BufWriter<io::Stdout>,
    failures: Box<dyn Write>,
    on_failure: OnFailure,
    read: u64,
    failed: u64,
}

impl Writer {
    fn new(args: &Args) -> Result<Self, Failure> {
        let failures: Box<dyn Write> = match &args.failures {
            None => Box::new(io::stderr()),
            Some(file) => {
                let created = File::create(file).map_err(|error| unwritable(file, &error))?;
                Box::new(BufWriter::new(created))
            }
        };
        Ok(Self {
            out: BufWriter::with_capacity(256 << 10, io::stdout()),
            failures,
            on_failure: args.on_failure,
            read: 0,
            failed: 0,
        })
    }

    fn write(&mut self, passed: &Passed, lines: &[Line]) -> Result<ControlFlow<()>, Failure> {
        for line in &passed.log {
            output::note(&line.to_string());
        }
        if passed.log_dropped > 0 {
            output::note(&format!(
                "{} further lines were dropped",
                passed.log_dropped
            ));
        }
        let mut items = passed.batch.iter().zip(&passed.became);
        for line in lines {
            self.read += 1;
            let flow = match &line.bad {
                Some(reason) => self.fail(line.number, None, "not a document", reason, None)?,
                None => {
                    let ((id, body), became) = items.next().expect("every good line is an item");
                    match became {
                        Became::Unchanged => self.pass(body),
                        Became::Updated(body) => self.pass(body),
                        Became::Removed => ControlFlow::Continue(()),
                        Became::Failed { kind, reason } => {
                            self.fail(line.number, Some(id), kind.name(), reason, Some(body))?
                        }
                    }
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        // Whoever reads gets what there is before more is waited for.
        if self.out.flush().is_err() {
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Writes a document on; breaks where nobody reads any more.
    fn pass(&mut self, body: &[u8]) -> ControlFlow<()> {
        let written = self
            .out
            .write_all(body)
            .and_then(|()| self.out.write_all(b"\n"));
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn fail(
        &mut self,
        line: u64,
        id: Option<&str>,
        kind: &str,
        reason: &str,
        body: Option<&[u8]>,
    ) -> Result<ControlFlow<()>, Failure> {
        self.failed += 1;
        let told = Told {
            line,
            id,
            kind,
            reason,
            body: body.and_then(|body| serde_json::from_slice(body).ok()),
        };
        let told = serde_json::to_string(&told).expect("its keys are strings");
        let written = writeln!(self.failures, "{told}");
        written.map_err(|error| unwritable(Path::new("the file of failures"), &error))?;
        Ok(match (self.on_failure, body) {
            (OnFailure::Keep, Some(body)) => self.pass(body),
            (OnFailure::Stop, _) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    }

    fn finish(mut self, context: &Context) -> Result<Code, Failure> {
        // A reader that has seen enough is no error.
        let _ = self.out.flush();
        let failures = self.failures.flush();
        failures.map_err(|error| unwritable(Path::new("the file of failures"), &error))?;
        if context.control.is_stopped() {
            return Ok(Code::Stopped);
        }
        if self.failed == 0 {
            return Ok(Code::Done);
        }
        if !context.quiet {
            output::note(&format!(
                "{} of {} documents failed",
                self.failed, self.read
            ));
        }
        Ok(Code::Migration)
    }
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be written: {error}", file.display());
    Failure::input(message, "check the path and the room on the disk")
}

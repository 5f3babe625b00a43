//! `godwit export`

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use godwit::model::Name;
use godwit::store::{OpenMode, Store};
use godwit::transfer::{ExportError, ExportReport, Exporter};
use serde_json::json;

use crate::archive::{Identity, Meter, Packed, Packing, PartialFile, Place, Unit};
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// How many bytes of lines are written between two checkpoints: syncing a disk takes far less time
/// than writing so much.
const CHECKPOINT_BYTES: u64 = 32 << 20;

/// Write a collection as NDJSON, ordered by id: every body as it is stored, one a line.
///
/// With -o the file appears whole or not at all; until then it is FILE.partial. Items that are
/// changed meanwhile are written as they were before or after.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit export --collection features > features.ndjson
  godwit export --collection features -o features.ndjson.zst
  godwit export --collection features -o features.ndjson.zst --resume")]
pub struct Args {
    /// Write this collection.
    #[arg(long, value_name = "NAME")]
    collection: Name,
    /// Write to this file instead of standard output; with a name ending in .zst, packed.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Pack the documents with zstd.
    #[arg(long)]
    zstd: bool,
    /// Go on with an export to the same file that was interrupted, if there is one.
    #[arg(long, requires = "output")]
    resume: bool,
    /// Start behind this id.
    #[arg(long, value_name = "ID", conflicts_with = "resume")]
    after: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let store = context.store(OpenMode::Existing)?;
    let exporter = Exporter::new(&store, &args.collection, args.after.clone()).map_err(failure)?;
    let packing = Packing::of(args.zstd, args.output.as_deref());
    context.catch_interrupts()?;
    match &args.output {
        Some(path) => to_file(args, path, packing, &store, context),
        None => to_stdout(exporter, packing, args, &store, context),
    }
}

fn to_stdout(
    mut exporter: Exporter<'_>,
    packing: Packing,
    args: &Args,
    store: &Store,
    context: &Context,
) -> Result<Code, Failure> {
    let out = io::stdout().lock();
    if packing == Packing::Zstd && out.is_terminal() {
        let message = "packed documents are not for the terminal";
        return Err(Failure::input(message, "use -o FILE, or leave --zstd away"));
    }
    let unwritable = |error: io::Error| {
        let message = format!("standard output cannot be written: {error}");
        Failure::input(message, "check where it goes to, and the space there")
    };
    let mut out = Packed::new(out, packing).map_err(unwritable)?;
    let report = exporter
        .write_to(&mut out, &context.control, &|_| {})
        .map_err(failure)?;
    match out.finish() {
        // Whoever read has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        result => drop(result.map_err(unwritable)?),
    }
    if report.done {
        warn_of_other_versions(store, &args.collection, context)?;
    }
    // With a reader that went away everything is as it was asked for.
    if report.done || !context.control.is_stopped() {
        return Ok(Code::Done);
    }
    output::hint(&match &report.after {
        Some(id) => format!("`--after {}` goes on", output::one_line(id, 512)),
        None => "the same command starts over".to_owned(),
    });
    Ok(Code::Stopped)
}

fn to_file(
    args: &Args,
    path: &Path,
    packing: Packing,
    store: &Store,
    context: &Context,
) -> Result<Code, Failure> {
    let collection = &args.collection;
    let identity = Identity {
        store: store.backend().url(),
        collection: collection.clone(),
        packing,
    };
    let (mut file, start) = if args.resume {
        PartialFile::resume(path, &identity)?
    } else {
        let start = Place {
            after: args.after.clone(),
            items: 0,
        };
        (PartialFile::create(path, packing)?, start)
    };
    let resumed_behind = start.items;
    let total = store.count_items(collection)?;
    let label = format!("export of {collection}");
    let meter = Meter::new(
        label,
        Some(total),
        Unit::Items,
        context.quiet || context.json,
    );
    let report = write(&mut file, &identity, start, store, context, &meter)?;
    let took = meter.finish();
    let packed = if report.done {
        Some(file.finish()?)
    } else {
        None
    };
    if context.json {
        output::json(&json!({
            "export": report, "file": path, "file_bytes": packed, "resumed_behind": resumed_behind,
        }));
    } else {
        say(&report, packed, took, path);
    }
    if !report.done {
        return Ok(Code::Stopped);
    }
    warn_of_other_versions(store, collection, context)?;
    Ok(Code::Done)
}

/// Writes everything behind `start`, or what there is before somebody asks to stop.
fn write(
    file: &mut PartialFile,
    identity: &Identity,
    start: Place,
    store: &Store,
    context: &Context,
    meter: &Meter,
) -> Result<ExportReport, Failure> {
    let exporter = Exporter::new(store, &identity.collection, start.after.clone());
    let mut exporter = exporter.map_err(failure)?;
    let mut place = start;
    let (mut lines, mut bytes, mut kept) = (Vec::new(), 0, 0);
    let done = loop {
        if context.control.is_stopped() {
            file.checkpoint(identity, &place)?;
            break false;
        }
        lines.clear();
        let items = exporter.next_page(&mut lines).map_err(failure)?;
        if items == 0 {
            break true;
        }
        file.write(&lines)?;
        place = Place {
            after: exporter.after().map(str::to_owned),
            items: place.items + items,
        };
        bytes += lines.len() as u64;
        if bytes - kept >= CHECKPOINT_BYTES {
            file.checkpoint(identity, &place)?;
            kept = bytes;
        }
        meter.at(place.items, place.items);
    };
    Ok(ExportReport {
        done,
        after: place.after,
        items: place.items,
        bytes,
    })
}

fn say(report: &ExportReport, packed: Option<u64>, took: u64, path: &Path) {
    let (items, took) = (
        output::counted(report.items, "item"),
        output::duration(took),
    );
    match packed {
        Some(packed) => {
            let (path, packed) = (path.display(), output::bytes(packed));
            output::line(format!("{path}: {items}, {packed} in {took}"));
        }
        None => {
            output::line(format!("stopped behind {items}"));
            output::hint("the same command with --resume goes on");
        }
    }
}

/// Lines carry no versions: whoever imports them names one for all.
fn warn_of_other_versions(
    store: &Store,
    collection: &Name,
    context: &Context,
) -> Result<(), Failure> {
    let apart = store.tallies(collection)?.apart();
    let level = store
        .collection(collection)?
        .and_then(|record| record.level);
    if let Some(level) = level.filter(|_| apart > 0 && !context.quiet) {
        let items = output::counted(apart, "item");
        output::warning(&format!(
            "{items} may have another version than {level}: they wait, or are in quarantine"
        ));
    }
    Ok(())
}

fn failure(error: ExportError) -> Failure {
    let message = crate::exit::chain(&error);
    match error {
        ExportError::Store(error) => error.into(),
        ExportError::NoCollection { .. } => {
            Failure::input(message, "`godwit status` lists the collections")
        }
        ExportError::Opaque { .. } => Failure::input(
            message,
            "read such items one by one: `godwit get COLLECTION ID`",
        ),
        ExportError::Write { .. } => Failure::input(
            message,
            "check where the output goes to, and the space there",
        ),
    }
}

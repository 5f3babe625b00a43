//! `godwit generate`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use godwit::run::Control;
use godwit::transfer::{Generator, Shape};

use crate::archive::{Meter, Packed, Packing, PartialFile, Unit};
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Bytes that are made at once.
const PAGE_BYTES: usize = 1 << 20;

/// Make items to try things with: the same ones each time, on every machine.
///
/// Documents with an id in `_id`, one a line: with nested objects, lists, numbers and text that is not
/// all ASCII, or of another shape. Fewer items are always the first of more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit generate --count 100000 | godwit import --app notes --collection notes --version 1.0.0
  godwit generate --count 1000000 --size 2000 -o notes.ndjson.zst")]
pub struct Args {
    /// Make so many.
    #[arg(long, short, value_name = "N")]
    count: u64,
    /// Make others with another seed.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Give each about so many bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(..=6_000_000))]
    size: u32,
    /// Give them this shape: record, flat, nested, list or text.
    #[arg(long, value_name = "SHAPE", default_value_t)]
    shape: Shape,
    /// Write to this file instead of standard output; with a name ending in .zst, packed.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Pack the items with zstd.
    #[arg(long)]
    zstd: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    context.catch_interrupts()?;
    let packing = Packing::of(args.zstd, args.output.as_deref());
    match &args.output {
        Some(path) => to_file(args, path, packing, context),
        None => to_stdout(args, packing, &context.control),
    }
}

fn to_stdout(args: &Args, packing: Packing, control: &Control) -> Result<Code, Failure> {
    let write = || {
        let mut out = Packed::new(io::stdout().lock(), packing)?;
        let done = pages(args, control, |lines, _| out.write_all(lines))?;
        out.finish().map(|_| done)
    };
    match write() {
        Ok(true) => Ok(Code::Done),
        Ok(false) => Ok(Code::Stopped),
        // Whoever read has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Code::Done),
        Err(error) => {
            let message = format!("standard output cannot be written: {error}");
            Err(Failure::input(
                message,
                "check where it goes to, and the space there",
            ))
        }
    }
}

fn to_file(args: &Args, path: &Path, packing: Packing, context: &Context) -> Result<Code, Failure> {
    let mut file = PartialFile::create(path, packing)?;
    let quiet = context.quiet || context.json;
    let meter = Meter::new("generate".to_owned(), Some(args.count), Unit::Items, quiet);
    let done = pages(args, &context.control, |lines, items| {
        meter.at(items, items);
        file.write(lines)
    })?;
    let took = meter.finish();
    if !done {
        file.discard()?;
        output::hint("nothing is left of it; the same command starts over");
        return Ok(Code::Stopped);
    }
    let bytes = file.finish()?;
    if context.json {
        let file = path.display().to_string();
        output::json(&serde_json::json!({ "file": file, "items": args.count, "bytes": bytes }));
    } else {
        let (items, bytes) = (output::counted(args.count, "item"), output::bytes(bytes));
        output::line(format!(
            "{}: {items}, {bytes} in {}",
            path.display(),
            output::duration(took)
        ));
    }
    Ok(Code::Done)
}

/// Makes the items, page by page; returns whether all were made, or else somebody asked to stop.
fn pages<E>(
    args: &Args,
    control: &Control,
    mut write: impl FnMut(&[u8], u64) -> Result<(), E>,
) -> Result<bool, E> {
    let generator = Generator::new(args.seed, args.size).of_shape(args.shape);
    let mut lines = Vec::with_capacity(PAGE_BYTES + args.size as usize * 2);
    let mut next = 0;
    while next < args.count {
        if control.is_stopped() {
            return Ok(false);
        }
        lines.clear();
        while next < args.count && lines.len() < PAGE_BYTES {
            generator.lines(next..next + 1, &mut lines);
            next += 1;
        }
        write(&lines, next)?;
    }
    Ok(true)
}

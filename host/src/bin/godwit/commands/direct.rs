//! `godwit pause`, `resume`, `cancel`, `throttle`, `batch`: verbs that direct a run from another terminal.

use std::num::NonZeroU32;
use std::time::Duration;

use godwit::run::Pacing;
use godwit::store::OpenMode;
use godwit::{Answer, Request, SocketError};

use super::progress;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::limits;
use crate::output;

/// Let the run that is under way wait, after the batch that is being committed.
///
/// It keeps its lease, costs no time of the processor, and goes on with `godwit resume`. If its process ends meanwhile,
/// `godwit up` goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit pause --store lmdb:data")]
pub struct Pause {}

/// Let a run that waits since `godwit pause` go on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit resume --store lmdb:data")]
pub struct Resume {}

/// End the run that is under way, as Ctrl-C does: `godwit up` goes on, `godwit runs` shows what takes it back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit cancel --store lmdb:data")]
pub struct Cancel {}

/// Slow down the run that is under way; without limits, let it go as fast as it can.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit throttle --items-per-second 500
  godwit throttle --duty 25%
  godwit throttle --off")]
pub struct Throttle {
    #[command(flatten)]
    pace: PaceArgs,
    /// Let it go as fast as it can.
    #[arg(long, conflicts_with_all = ["items_per_second", "duty", "rest"])]
    off: bool,
}

/// Change how many bytes of documents the run that is under way feeds at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit batch --bytes 65536")]
pub struct Batch {
    /// At most so many.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=crate::context::MAX_BATCH_BYTES as i64))]
    bytes: u32,
}

/// How fast work may go.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct PaceArgs {
    /// Migrate so many items a second at most.
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    items_per_second: Option<NonZeroU32>,
    /// Work so many percent of the time at most, and rest for the others.
    #[arg(long, value_name = "P%", value_parser = parse_percent)]
    duty: Option<u8>,
    /// Rest so long after each batch of each thread, as in 100ms.
    #[arg(long, value_name = "TIME", value_parser = limits::parse_time)]
    rest: Option<Duration>,
}

fn parse_rate(text: &str) -> Result<NonZeroU32, String> {
    match text.parse::<u32>().map(NonZeroU32::new) {
        Ok(Some(rate)) => Ok(rate),
        Ok(None) => Err("it is 1 at least; `godwit pause` has a run wait".to_owned()),
        Err(error) => Err(format!("it is a number of items: {error}")),
    }
}

pub fn parse_percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok();
    number
        .filter(|percent| (1..=100).contains(percent))
        .ok_or_else(|| format!("`{text}` is no share of the time, as in 25%"))
}

impl PaceArgs {
    /// Whether anything is limited.
    fn is_empty(&self) -> bool {
        self.items_per_second.is_none() && self.duty.is_none() && self.rest.is_none()
    }

    /// Sets the pace of work that is about to begin.
    pub fn apply(&self, pacing: &mut Pacing) {
        pacing.items_per_second = self.items_per_second.or(pacing.items_per_second);
        pacing.duty = self.duty.or(pacing.duty);
        pacing.rest = self.rest.unwrap_or(pacing.rest);
    }

    /// What to ask for.
    fn request(&self) -> Request {
        let Self {
            items_per_second,
            duty,
            rest,
        } = *self;
        Request::Throttle {
            items_per_second,
            duty,
            rest: rest.map_or(0, millis),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub fn pause(context: &Context) -> Result<Code, Failure> {
    direct(Request::Pause, context)
}

pub fn resume(context: &Context) -> Result<Code, Failure> {
    direct(Request::Resume, context)
}

pub fn cancel(context: &Context) -> Result<Code, Failure> {
    direct(Request::Cancel, context)
}

pub fn throttle(args: &Throttle, context: &Context) -> Result<Code, Failure> {
    if args.pace.is_empty() && !args.off {
        let message = "nothing says how fast it may go";
        let hint = "use --items-per-second N, --duty P%, --rest TIME, or --off";
        return Err(Failure::input(message, hint));
    }
    direct(args.pace.request(), context)
}

pub fn batch(args: &Batch, context: &Context) -> Result<Code, Failure> {
    let bytes = Some(args.bytes as usize);
    direct(Request::Batch { bytes }, context)
}

fn direct(request: Request, context: &Context) -> Result<Code, Failure> {
    let answer = ask(request, context)?.map_err(|error| refused(&error))?;
    if context.json {
        output::json(&answer);
    } else {
        print(&answer);
    }
    Ok(Code::Done)
}

/// Asks whoever works on the store.
pub fn ask(request: Request, context: &Context) -> Result<Result<Answer, SocketError>, Failure> {
    if context.store_url()?.is_remote() {
        let host = context.host_without_plugins(OpenMode::Existing)?;
        return Ok(host.direct(request)?);
    }
    let folder = context.store_folder()?.ok_or_else(|| {
        let message = "a store in memory belongs to one process";
        Failure::input(message, "name a store that others can open, too")
    })?;
    Ok(request.send(&folder))
}

/// That a request was not answered, and what to do about it.
pub fn refused(error: &SocketError) -> Failure {
    let message = godwit::with_causes(error);
    match error {
        SocketError::Nobody(_) => Failure::input(
            message,
            "`godwit status` shows how far a run has come that was left",
        ),
        SocketError::Refused(_) => Failure::input(
            message,
            "ask for something else, or use the Godwit that carries out the run",
        ),
        SocketError::Failed(_) => Failure::other(
            Code::Busy,
            message,
            "try again; `kill -INT` its process stops it, too",
        ),
    }
}

fn print(answer: &Answer) {
    output::line(format!("{}: {}", answer.purpose, state(answer)));
    let told = pace(answer);
    if !told.is_empty() {
        output::line(format!("  {told}"));
    }
    if let Some(progress) = &answer.progress {
        progress::print(progress);
    }
}

fn state(answer: &Answer) -> String {
    if answer.is_stopping {
        "it stops after the batch in flight".to_owned()
    } else if answer.holds.is_empty() {
        "it goes on".to_owned()
    } else {
        format!("it waits: {}", answer.holds.join(", "))
    }
}

fn pace(answer: &Answer) -> String {
    let pacing = &answer.pacing;
    let parts = [
        pacing.items_per_second.map(|items| {
            format!(
                "{} a second at most",
                output::counted(items.get().into(), "item")
            )
        }),
        pacing
            .duty
            .filter(|duty| *duty < 100)
            .map(|duty| format!("{duty}% of the time")),
        (!pacing.rest.is_zero()).then(|| {
            format!(
                "{} of rest after each batch",
                output::duration(millis(pacing.rest))
            )
        }),
        pacing
            .batch_bytes
            .map(|bytes| format!("batches of {}", output::bytes(bytes as u64))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

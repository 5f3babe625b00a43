//! `godwit undo`

use std::path::PathBuf;

use godwit::model::{RunId, RunState};
use godwit::run::ChangedItems;
use godwit::store::OpenMode;

use super::up;
use crate::context::Context;
use crate::events;
use crate::exit::{Code, Failure};
use crate::output;

/// Put back what a run changed, byte for byte, from the pre-images that it kept.
///
/// Items that were changed after the run are named, and nothing is undone. An undo that was
/// interrupted goes on with the same command.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit undo 3
  godwit undo 3 --leave-changed")]
pub struct Args {
    /// The run, as `godwit runs` numbers it.
    #[arg(value_parser = super::parse_run)]
    run: RunId,
    /// Leave items that were changed after the run as they are, and put back the others.
    #[arg(long)]
    leave_changed: bool,
    /// Append what happens to this file, a line of JSON for each event; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let host = context.host_without_plugins(OpenMode::Existing)?;
    context.catch_interrupts()?;
    let changed = if args.leave_changed {
        ChangedItems::Leave
    } else {
        ChangedItems::Refuse
    };
    let before = host.store().run(args.run)?.map(|run| run.state);
    let report = up::told(
        &host,
        context,
        args.events.as_deref(),
        |observer, control| host.undo(args.run, changed, observer, control),
    )?;
    let code = if report.done {
        Code::Done
    } else {
        Code::Stopped
    };
    if context.json {
        output::json(&report);
        return Ok(code);
    }
    if events::are_alone(args.events.as_deref(), context.json) {
        return Ok(code);
    }
    if before == Some(RunState::Undone) {
        output::line(format!("run {} is undone already", args.run));
        return Ok(code);
    }
    let restored = output::counted(report.restored, "change");
    if !report.done {
        output::line(format!("stopped; {restored} put back so far"));
        output::hint(&format!("`godwit undo {}` goes on", args.run));
        return Ok(code);
    }
    output::line(format!("run {} is undone: {restored} put back", args.run));
    if report.left > 0 {
        output::line(format!(
            "{} left alone: changed after the run",
            output::counted(report.left, "item")
        ));
    }
    Ok(code)
}

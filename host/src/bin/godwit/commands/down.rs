//! `godwit down`

use std::path::PathBuf;

use godwit::blocking::Host;
use godwit::model::{Name, RunState, Version};
use godwit::run::{OnFailure, Report};
use godwit::store::OpenMode;
use godwit::{DownGoal, DryGoal};
use serde_json::json;

use super::{FeedingArgs, runs, up};
use crate::context::Context;
use crate::events;
use crate::exit::{Code, Failure};
use crate::output;

/// Bring an app back to an older version, by what its migrations do in their `revert`.
///
/// It keeps what was changed since, where `godwit undo` puts back the bytes of before: choose undo to
/// take back a run that went wrong, and down to leave a version that has been in use. It stops
/// before the first item that has no way back; `--dry-run` names them all.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit down --to 1.0.0 --dry-run
  godwit down --app notes --to 1.0.0")]
pub struct Args {
    /// Bring this app back; needed where there are several.
    #[arg(long, value_name = "NAME")]
    app: Option<Name>,
    /// Bring it to this version, which it has had.
    #[arg(long, value_name = "VERSION", value_parser = super::parse_version)]
    to: Version,
    /// Change nothing: name every item that has no way back, and how every other would change.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    feeding: FeedingArgs,
    /// Append what happens to this file, a line of JSON for each event; `-` is standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    events: Option<PathBuf>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let mut host = context.host(OpenMode::Existing)?;
    let mut options = context.options()?;
    args.feeding.apply(&mut options);
    host.options = options;
    let goal = DownGoal {
        app: app(args, &host)?,
        to: args.to.clone(),
    };
    context.catch_interrupts()?;
    if args.dry_run {
        host.options.on_failure = OnFailure::Quarantine;
        return up::try_out(host, &DryGoal::Down(goal), context, &[]);
    }
    let report = up::told(
        &host,
        context,
        args.events.as_deref(),
        |observer, control| host.down(&goal, observer, control),
    )?;
    if events::are_alone(args.events.as_deref(), context.json) {
        return Ok(code(report.as_ref()));
    }
    if context.json {
        output::json(&json!({ "run": report }));
    } else {
        print(&host, report.as_ref(), &goal, context)?;
    }
    Ok(code(report.as_ref()))
}

fn code(report: Option<&Report>) -> Code {
    match report.map(|report| report.run.state) {
        None | Some(RunState::Completed) => Code::Done,
        Some(RunState::Stopped) => Code::Stopped,
        Some(_) => Code::Migration,
    }
}

/// The app that is meant.
fn app(args: &Args, host: &Host) -> Result<Name, Failure> {
    if let Some(app) = &args.app {
        return Ok(app.clone());
    }
    let apps = host.store().history()?.apps();
    let mut apps = apps.into_keys();
    match (apps.next(), apps.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Failure::input(
            "nothing was ever applied to this store",
            "`godwit status` tells what there is",
        )),
        _ => Err(Failure::input(
            "the store has several apps, and none was named",
            "say which one goes back: --app NAME",
        )),
    }
}

fn print(
    host: &Host,
    report: Option<&Report>,
    goal: &DownGoal,
    context: &Context,
) -> Result<(), Failure> {
    let Some(report) = report else {
        output::line(format!("nothing to do: {} is at {}", goal.app, goal.to));
        return Ok(());
    };
    runs::print(report);
    if report.run.state != RunState::Completed || !context.quiet {
        output::hint(&up::way_on(&report.run, report.open, &host.store().runs()?));
    }
    Ok(())
}

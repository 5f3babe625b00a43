//! `godwit worker`

use std::path::PathBuf;
use std::time::Duration;

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Digest, RunState};
use godwit::store::{OpenMode, Store};
use godwit::{ErrorKind, HostError, WorkOptions, Worked};
use serde_json::json;

use super::plan::{GoalArgs, nothing_to_do};
use super::runs;
use super::up::{self, HowArgs, way_on};
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::{events, limits, output};

/// Carry out what is pending along with other workers of the same store, on as many machines as wanted.
///
/// Workers come and go. Each takes ranges of a step; what one leaves behind that dies is somebody else's once its lease has
/// expired. Ctrl-C and SIGTERM let one leave; `godwit cancel` stops the run. The result is that of `godwit up`.
///
/// The first one names the plugins, and puts them into the store; others need the store's URL only.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit worker --store postgres://db.example/app --plugins migrations
  godwit worker --store postgres://db.example/app
  godwit worker --store postgres://db.example/app --stay --threads 4")]
pub struct Args {
    #[command(flatten)]
    goal: GoalArgs,
    /// Wait for further runs when everything is up to date, until it is stopped.
    #[arg(long)]
    stay: bool,
    /// Own a range for so long without renewing that; whoever dies keeps others waiting as long. [default: 15s]
    #[arg(long, value_name = "TIME", value_parser = parse_lease)]
    lease: Option<Duration>,
    /// Cut ranges into parts of so many documents at least. [default: 500]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    range_items: Option<u64>,
    #[command(flatten)]
    how: HowArgs,
    /// Append what happens to this file, a line of JSON for each event; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

fn parse_lease(text: &str) -> Result<Duration, String> {
    let time = limits::parse_time(text)?;
    match time < Duration::from_secs(1) {
        true => Err("it is 1s at least".to_owned()),
        false => Ok(time),
    }
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let url = context.store_url()?;
    if !url.is_remote() {
        let message =
            format!("{url} is a store of one machine, where one process migrates at a time");
        let hint = "use `godwit up`, which works on all cores; workers share a store like postgres://HOST/DATABASE";
        return Err(Failure::input(message, hint));
    }
    let mut store = context.store(OpenMode::Create)?;
    context.catch_interrupts()?;
    context.catch_termination()?;
    let (goal, events) = (args.goal.goal(), args.events.as_deref());
    let options = WorkOptions {
        stays: args.stay,
        range_items: args
            .range_items
            .unwrap_or(WorkOptions::default().range_items),
    };
    loop {
        let catalogue = catalogue(&store, context)?;
        let mut host = context.wire(store, catalogue);
        args.goal.allowed.apply(&mut host)?;
        args.how.apply(&mut host, context)?;
        if let Some(lease) = args.lease {
            host.lease_duration = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
        }
        let _watch = context.watch()?;
        let worked = up::told(&host, context, events, |audience, control| {
            match host.work(&goal, &options, audience, control) {
                Err(error) if is_outdated(&error) && shelf_changed(&host, context) => Ok(None),
                worked => worked.map(Some),
            }
        })?;
        match worked {
            Some(worked) => return tell(&host, &worked, args, context),
            // Others have brought other migrations.
            None => store = host.store().clone(),
        }
    }
}

/// Whether it may come from that others have migrations that this worker has not.
fn is_outdated(error: &HostError) -> bool {
    matches!(error.kind(), ErrorKind::Plugin | ErrorKind::Findings)
}

/// Whether other migrations are on the shelf than those that were taken from there.
fn shelf_changed(host: &Host, context: &Context) -> bool {
    if context.has_plugins() {
        return false;
    }
    let known = host
        .catalogue()
        .migrations()
        .iter()
        .map(|known| known.digest);
    let mut known: Vec<Digest> = known.collect();
    known.sort_unstable_by_key(|digest| digest.0);
    let Ok(mut there) = host.store().shelved_digests() else {
        return false;
    };
    there.sort_unstable_by_key(|digest| digest.0);
    known != there
}

/// The migrations: of the folder that was named, from where they go into the store, or those that others have put there.
fn catalogue(store: &Store, context: &Context) -> Result<Catalogue, Failure> {
    if !context.has_plugins() {
        let files = store.shelved()?;
        if files.is_empty() {
            return Err(Failure::input(
                "no worker has put migrations into this store yet",
                "name them for the first one: --plugins FOLDER",
            ));
        }
        return context.catalogue_of(&files);
    }
    let catalogue = context.catalogue()?;
    let mut files = Vec::new();
    for migration in catalogue.migrations() {
        let bytes = super::read_plugin(&migration.file)?;
        let file = migration.file.file_name().unwrap_or_default();
        files.push((file.to_string_lossy().into_owned(), bytes));
    }
    store.shelve(&files)?;
    Ok(catalogue)
}

fn tell(host: &Host, worked: &Worked, args: &Args, context: &Context) -> Result<Code, Failure> {
    let last = worked.reports.last();
    let code = match last.map(|report| report.run.state) {
        _ if worked.is_left => Code::Stopped,
        None if worked.is_stopped => Code::Stopped,
        None | Some(RunState::Completed) => Code::Done,
        Some(RunState::Stopped) => Code::Stopped,
        Some(_) => Code::Migration,
    };
    let code = match worked.reports.iter().any(|report| report.open > 0) {
        true => Code::Migration,
        false => code,
    };
    if events::are_alone(args.events.as_deref(), context.json) {
        return Ok(code);
    }
    if context.json {
        let reports: Vec<_> = worked.reports.iter().map(runs::report_as_json).collect();
        output::json(&json!({
            "runs": reports,
            "ranges": worked.ranges,
            "is_left": worked.is_left,
            "is_stopped": worked.is_stopped,
        }));
        return Ok(code);
    }
    worked.reports.iter().for_each(runs::print);
    if worked.ranges > 0 {
        let ranges = output::counted(worked.ranges, "range");
        output::line(format!("{ranges} taken of runs that others carried out"));
    }
    match last {
        _ if worked.is_left => {
            output::hint("others go on with the run; `godwit worker` takes part again");
        }
        Some(report) if report.run.state != RunState::Completed || !context.quiet => {
            output::hint(&way_on(&report.run, report.open, &host.store().runs()?));
        }
        Some(_) => {}
        None if worked.is_stopped => {
            output::hint("it was stopped before it took part in anything; `godwit worker` does");
        }
        None if worked.ranges == 0 => nothing_to_do(args.goal.phase),
        None => {}
    }
    Ok(code)
}

//! `godwit up --shadow`, `godwit stats`, `godwit finalize`, `godwit reset`

use std::path::{Path, PathBuf};

use godwit::blocking::Host;
use godwit::model::{Name, RunState};
use godwit::plan::Finding;
use godwit::store::{OpenMode, ShadowState, Store};
use godwit::{BackupWhen, HostError, ShadowReport, ShadowStats};
use serde_json::{Value, json};

use super::plan::AllowedArgs;
use super::{runs, up};
use crate::context::Context;
use crate::events;
use crate::exit::{Code, Failure};
use crate::output;
use crate::timings;

/// Whose items are meant.
#[derive(Debug, clap::Args)]
pub struct ShadowArgs {
    /// Take what the shadow run has made so far for what is live.
    #[arg(long)]
    shadow: bool,
}

impl ShadowArgs {
    /// The host that is meant.
    pub fn host(&self, host: Host) -> Result<Host, Failure> {
        Ok(if self.shadow { host.in_shadow()? } else { host })
    }

    /// Says what goes on with the run that is not finished.
    pub fn goes_on(&self, host: &Host) -> Result<&'static str, Failure> {
        let state = host.store().shadow()?.map(|shadow| shadow.state);
        Ok(match (self.shadow, state) {
            (false, _) => "`godwit up` goes on",
            (true, Some(ShadowState::Finalizing)) => "`godwit finalize` goes on",
            (true, _) => "`godwit up --shadow` goes on",
        })
    }

    /// The store that is meant.
    pub fn store(&self, store: Store) -> Result<Store, Failure> {
        if !self.shadow {
            return Ok(store);
        }
        match store.shadow()? {
            Some(shadow) if shadow.is_open() => Ok(store.shadowed()),
            _ => Err(HostError::NoShadow.into()),
        }
    }
}

/// Make what a shadow run made live: all collections change places at once, however many items they have.
///
/// What the application wrote meanwhile is migrated first, while it goes on; for the last of it, and for
/// steps that see or write other items, it has to wait: its writes are refused for as long. Interrupted
/// at any instant, either nothing is live or all is; the same command goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit finalize
  godwit finalize --json")]
pub struct Finalize {
    #[command(flatten)]
    allowed: AllowedArgs,
    #[command(flatten)]
    work: up::WorkArgs,
    /// Append what happens to this file, a line of JSON for each event; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

/// Drop a shadow run and everything that it made; what is live stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  godwit reset")]
pub struct Reset {}

/// Tell how far a shadow run is, and for how long a finalization would have the application wait.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit stats
  godwit stats --json | jq .blocks_for")]
pub struct Stats {}

/// Begins a shadow run, or goes on with it.
pub fn up(
    host: &Host,
    args: &up::Args,
    findings: &[Finding],
    context: &Context,
) -> Result<Code, Failure> {
    if host.backup_first.when == BackupWhen::Always {
        output::warning(
            "a shadow run makes no backup: until `godwit finalize` what is live stays as it is, and afterwards \
             `godwit undo` puts it back",
        );
    }
    let goal = args.goal();
    let _watch = context.watch()?;
    let report = up::told(host, context, args.events(), |observer, control| {
        host.up_shadow(&goal, observer, control)
    })?;
    let mut told = as_json(&report);
    told["findings"] = json!(findings);
    if args.timings {
        told["timings"] = timings::as_json();
    }
    if tell(&report, &told, args.events(), context) && args.timings {
        timings::print();
    }
    Ok(match &report.stats {
        Some(stats) if !stats.is_ready => unfinished(stats),
        _ => Code::Done,
    })
}

pub fn finalize(args: &Finalize, context: &Context) -> Result<Code, Failure> {
    let mut host = context.host(OpenMode::Existing)?;
    args.allowed.apply(&mut host)?;
    args.work.apply(&mut host, context)?;
    context.catch_interrupts()?;
    let _watch = context.watch()?;
    let report = up::told(
        &host,
        context,
        args.events.as_deref(),
        |observer, control| host.finalize(observer, control),
    )?;
    tell(&report, &as_json(&report), args.events.as_deref(), context);
    Ok(match &report.stats {
        _ if report.is_live => Code::Done,
        Some(stats) => unfinished(stats),
        None => Code::Stopped,
    })
}

pub fn reset(context: &Context) -> Result<Code, Failure> {
    let host = context.host_without_plugins(OpenMode::Existing)?;
    let was_there = up::told(&host, context, None, |observer, control| {
        host.reset(observer, control)
    })?;
    if context.json {
        output::json(&json!({ "reset": was_there }));
    } else if was_there {
        output::line("the shadow run is dropped; what is live is as it was");
    } else {
        output::line("nothing to drop: there is no shadow run, but for what is live");
    }
    Ok(Code::Done)
}

pub fn stats(context: &Context) -> Result<Code, Failure> {
    let host = context.host(OpenMode::Existing)?;
    let stats = host.shadow()?;
    if context.json {
        output::json(&stats);
        return Ok(Code::Done);
    }
    match &stats {
        Some(stats) => {
            print_stats(stats);
            match stats.is_alive {
                true => output::hint("`godwit progress` tells how far its steps are"),
                false => output::hint(&way_on(stats)),
            }
        }
        None => output::line("there is no shadow run"),
    }
    Ok(Code::Done)
}

/// What a shadow run has come to, for programs.
fn as_json(report: &ShadowReport) -> Value {
    let run = report.report.as_ref().map(runs::report_as_json);
    json!({ "shadow": report, "run": run })
}

/// Tells what a shadow run has come to: as JSON, or to people, unless events are alone on standard output. Gives whether
/// people were told.
fn tell(report: &ShadowReport, json: &Value, events: Option<&Path>, context: &Context) -> bool {
    if context.json {
        output::json(json);
        return false;
    }
    if events::are_alone(events, context.json) {
        return false;
    }
    print(report);
    true
}

fn print(report: &ShadowReport) {
    report.report.iter().for_each(runs::print);
    let run = report.report.as_ref().map(|report| report.run.id);
    match (&report.stats, run) {
        _ if report.is_live => {
            output::line("it is live: all collections have changed places");
            if let Some(run) = run {
                output::hint(&format!("`godwit undo {run}` would put everything back"));
            }
        }
        (None, _) => output::line("nothing to do: everything is up to date"),
        (Some(stats), _) => {
            print_stats(stats);
            output::hint(&way_on(stats));
        }
    }
}

/// How a command ends that has not reached what it is for.
fn unfinished(stats: &ShadowStats) -> Code {
    let has_failed = stats
        .run
        .is_some_and(|(_, state)| matches!(state, RunState::Failed | RunState::Blocked));
    match has_failed || stats.open > 0 {
        true => Code::Migration,
        false => Code::Stopped,
    }
}

/// How far a shadow run is, and whether anybody works on it.
fn state(stats: &ShadowStats) -> &'static str {
    match stats.state {
        ShadowState::Following if stats.is_ready => "ready to be finalized",
        ShadowState::Following if stats.is_alive => "under way",
        ShadowState::Following if stats.open > 0 => "waiting for what is in quarantine",
        ShadowState::Following => "not done, and nobody works on it",
        ShadowState::Finalizing if stats.is_alive => "being finalized; the application waits",
        ShadowState::Finalizing => "half finalized, and nobody works on it; the application waits",
        ShadowState::Switched if stats.is_alive => "live; what was before is being dropped",
        ShadowState::Switched => "live; what was before is not dropped yet",
        ShadowState::Resetting if stats.is_alive => "being dropped",
        ShadowState::Resetting => "half dropped, and nobody works on it",
    }
}

fn print_stats(stats: &ShadowStats) {
    let app = stats
        .app
        .as_ref()
        .map_or_else(|| "all apps".to_owned(), ToString::to_string);
    let to = stats
        .to
        .as_ref()
        .map_or_else(|| "the newest version".to_owned(), ToString::to_string);
    output::line(format!("shadow run of {app} to {to}: {}", state(stats)));
    let (copied, all) = stats.copied;
    let names: Vec<_> = stats.collections.iter().map(Name::as_str).collect();
    output::line(format!(
        "  copied {} of {} of {}",
        output::count(copied),
        output::counted(all, "item"),
        names.join(", ")
    ));
    match stats.run {
        Some((run, RunState::Running)) if !stats.is_alive => output::line(format!(
            "  run {run} is not done, and its process has ended"
        )),
        Some((run, state)) => output::line(format!("  run {run} is {state}")),
        None => {}
    }
    output::line(format!(
        "  {} of the application to follow",
        output::counted(stats.waiting, "write")
    ));
    if stats.open > 0 {
        output::line(format!(
            "  {} in quarantine",
            output::counted(stats.open, "item")
        ));
    }
    for (step, items) in &stats.deferred {
        output::line(format!(
            "  left to the end: {step}, {}",
            output::counted(*items, "item")
        ));
    }
    if let Some(time) = stats.blocks_for {
        output::line(format!(
            "  a finalization, for which the application waits, would be done in {}",
            output::duration(time)
        ));
    }
}

/// What to do about a shadow run.
fn way_on(stats: &ShadowStats) -> String {
    let blocked = stats.open > 0;
    match stats.state {
        ShadowState::Following if blocked => "`godwit quarantine list --shadow` names the items; mend the \
             migration and `godwit quarantine retry --shadow`, or `godwit quarantine accept --shadow` them; then `godwit up --shadow` goes \
             on. `godwit reset` drops it"
            .to_owned(),
        ShadowState::Following if stats.is_ready => {
            "`godwit finalize` makes it live, `godwit up --shadow` follows what was written \
             since, `godwit reset` drops it"
                .to_owned()
        }
        ShadowState::Following => "`godwit up --shadow` goes on; `godwit reset` drops it".to_owned(),
        ShadowState::Finalizing if blocked => "`godwit quarantine list --shadow` names the items; \
             `godwit quarantine accept --shadow` them, then `godwit finalize` goes on. `godwit reset` drops it"
            .to_owned(),
        ShadowState::Finalizing => "`godwit finalize` goes on; `godwit reset` drops it".to_owned(),
        ShadowState::Switched => "`godwit finalize` goes on".to_owned(),
        ShadowState::Resetting => "`godwit reset` goes on".to_owned(),
    }
}

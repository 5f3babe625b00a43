//! `godwit up`

pub mod safety;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use godwit::blocking::Host;
use godwit::model::{Mode, Phase, Purpose, Retreat, Run, RunState, StepWork};
use godwit::plan::{Finding, Goal, Planned};
use godwit::run::{Control, MaxFailures, Observer, OnFailure, Report, RunEvent};
use godwit::store::{Backend, OpenMode, StoreUrl};
use godwit::{Change, DryGoal, DryRun, ErrorKind, HostError};
use serde_json::{Value, json};

use super::direct::PaceArgs;
use super::plan::{GoalArgs, nothing_to_do};
use super::{FailureArgs, FeedingArgs, ItemPath, lock, runs, shadow};
use crate::context::Context;
use crate::events::{self, Events};
use crate::exit::{Code, Failure};
use crate::hooks::Hooks;
use crate::output;
use crate::progress::Progress;
use crate::timings;
use safety::{Begun, Safety, SafetyArgs};

/// Carry out what is pending, or go on with what was interrupted.
///
/// It may be killed at any instant: the same command goes on as if nothing had happened. Ctrl-C
/// commits the batch in flight first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit up --store lmdb:data --plugins migrations
  godwit up --dry-run
  godwit up --dry-run --id features/api.Window
  godwit up --app bcd --to 3.0.0 --phase offline
  godwit up --max-failures 1% --json
  godwit up --no-pre-images
  godwit up --backup always")]
pub struct Args {
    #[command(flatten)]
    goal: GoalArgs,
    /// Change nothing: list every item that would fail, and how every other would change.
    #[arg(long)]
    dry_run: bool,
    /// Migrate copies of the collections, while the application goes on with them as they are; `godwit
    /// finalize` has them change places.
    #[arg(long, conflicts_with_all = ["dry_run", "id", "phase", "backup", "no_pre_images"])]
    shadow: bool,
    /// Bring only this item up to date.
    #[arg(long, value_name = "COLLECTION/ID", conflicts_with_all = ["app", "phase", "backup", "no_pre_images"])]
    id: Option<ItemPath>,
    #[command(flatten)]
    how: HowArgs,
    /// Refuse migrations that are not those of the lock. [default file: godwit.lock]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = lock::NAME)]
    locked: Option<PathBuf>,
    /// Append what happens to this file, a line of JSON for each event; `-` is standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    events: Option<PathBuf>,
    /// Tell where the time went.
    #[arg(long)]
    pub timings: bool,
}

/// How a run is carried out, and what takes it back.
#[derive(Debug, clap::Args)]
pub struct HowArgs {
    #[command(flatten)]
    work: WorkArgs,
    #[command(flatten)]
    safety: SafetyArgs,
}

impl HowArgs {
    /// Has a host carry it out so.
    pub fn apply(&self, host: &mut Host, context: &Context) -> Result<(), Failure> {
        self.work.apply(host, context)?;
        self.safety.apply(host, context)
    }
}

/// How items are fed, how fast, and how many of them may fail.
#[derive(Debug, clap::Args)]
pub struct WorkArgs {
    #[command(flatten)]
    failure: FailureArgs,
    #[command(flatten)]
    feeding: FeedingArgs,
    #[command(flatten)]
    pace: PaceArgs,
}

impl WorkArgs {
    /// Has a host do so.
    pub fn apply(&self, host: &mut Host, context: &Context) -> Result<(), Failure> {
        let mut options = context.options()?;
        self.failure.apply(&mut options);
        self.feeding.apply(&mut options);
        host.options = options;
        let mut pacing = context.pacing()?;
        self.pace.apply(&mut pacing);
        context.control.pace(|pace| *pace = pacing);
        Ok(())
    }
}

impl Args {
    /// What is wanted.
    pub fn goal(&self) -> Goal {
        self.goal.goal()
    }

    /// Where events go, if anywhere.
    pub fn events(&self) -> Option<&Path> {
        self.events.as_deref()
    }
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    // An empty store is brought up to date, too; a dry run does not even create one, and there is
    // no item in it.
    let mode = if args.dry_run || args.id.is_some() {
        OpenMode::Existing
    } else {
        OpenMode::Create
    };
    // No store is made where nothing can be done.
    let before = (mode == OpenMode::Create).then(|| context.catalogue());
    let before = before.transpose()?;
    let store = context.store_to_back_up(mode)?;
    let catalogue = before.map_or_else(|| context.catalogue(), Ok)?;
    let mut host = context.wire(store, catalogue);
    args.goal.allowed.apply(&mut host)?;
    args.how.apply(&mut host, context)?;
    if let Some(file) = &args.locked {
        lock::check(file, host.catalogue())?;
    }
    context.catch_interrupts()?;
    let findings = findings(&host, args)?;
    if !context.json {
        findings.iter().for_each(output::finding);
    }
    if args.dry_run {
        return dry_run(host, args, context, &findings);
    }
    if args.shadow {
        return shadow::up(&host, args, &findings, context);
    }
    let goal = args.goal();
    let _watch = context.watch()?;
    let reports = told(
        &host,
        context,
        args.events(),
        |audience, control| match &args.id {
            Some(ItemPath { collection, id }) => {
                let report = host.up_item(collection, id, goal.to.as_ref(), audience, control);
                report.map(|report| report.into_iter().collect())
            }
            None => host.up(&goal, audience, control),
        },
    )?;
    if events::are_alone(args.events(), context.json) {
        return Ok(code(&reports));
    }
    if context.json {
        let reports: Vec<_> = reports.iter().map(runs::report_as_json).collect();
        let mut told = json!({ "runs": reports, "findings": findings });
        if args.timings {
            told["timings"] = timings::as_json();
        }
        output::json(&told);
    } else {
        print(&host, &reports, args, context)?;
        if args.timings {
            timings::print();
        }
    }
    Ok(code(&reports))
}

/// Does something, and tells whoever wants to know: people, a file of events, hooks.
pub fn told<T>(
    host: &Host,
    context: &Context,
    events: Option<&Path>,
    work: impl FnOnce(&dyn Observer, &Control) -> Result<T, HostError>,
) -> Result<T, Failure> {
    let (clock, control) = (&context.surroundings.clock, &context.control);
    let quiet = context.quiet || context.json;
    let (progress, safety, begun) = (Progress::new(quiet), Safety::new(quiet), Begun::default());
    let events = events.map(|file| Events::open(file, clock.clone()));
    let events = events.transpose()?;
    let stops = control.clone();
    let stop = move || stops.stop();
    let hooks = Hooks::start(&context.config.hooks, clock.clone(), stop);
    let mut audience: Vec<&dyn Observer> = vec![&progress, &safety, &begun];
    audience.extend(events.as_ref().map(|events| events as &dyn Observer));
    audience.extend(hooks.as_ref().map(|hooks| hooks as &dyn Observer));
    let result = work(&audience, control);
    if let Err(error) = &result
        && error.kind() != ErrorKind::Stopped
    {
        let reason = godwit::with_causes(error);
        audience.event(&RunEvent::WorkFailed { reason });
    }
    let called = hooks.as_ref().map_or(Ok(()), Hooks::finish);
    let result = result.map_err(|error| safety::failed(host, error, &begun))?;
    called?;
    Ok(result)
}

/// The findings in spite of which something is done.
fn findings(host: &Host, args: &Args) -> Result<Vec<Finding>, Failure> {
    if args.id.is_some() {
        // Of the plan of one item nothing is told: it concerns no other.
        return Ok(Vec::new());
    }
    let planned = host.plan(&args.goal())?;
    if let Some(id) = planned.resumes.filter(|_| !args.dry_run)
        && let Some(run) = host.store().run(id)?
    {
        args.how.safety.remark(&run);
    }
    Ok(allowed(planned))
}

/// The findings in spite of which there is a plan; those because of which there is none end it as an error.
fn allowed(planned: Planned) -> Vec<Finding> {
    if planned.is_refused() || planned.waits_for_phase() {
        return Vec::new();
    }
    planned.findings
}

fn code(reports: &[Report]) -> Code {
    match reports.last().map(|report| report.run.state) {
        None | Some(RunState::Completed) if reports.iter().all(|report| report.open == 0) => {
            Code::Done
        }
        Some(RunState::Stopped) => Code::Stopped,
        _ => Code::Migration,
    }
}

fn print(host: &Host, reports: &[Report], args: &Args, context: &Context) -> Result<(), Failure> {
    let Some(last) = reports.last() else {
        nothing_to_do(args.goal.phase);
        return Ok(());
    };
    reports.iter().for_each(runs::print);
    if args.id.is_some() {
        tell_derived(&last.run);
    }
    if last.run.state != RunState::Completed || !context.quiet {
        output::hint(&way_on(&last.run, last.open, &host.store().runs()?));
    }
    Ok(())
}

/// Says what is not whole yet after a run of one item.
fn tell_derived(run: &Run) {
    for stage in &run.plan.stages {
        let derives = stage.steps.iter().filter(
            |step| matches!(&step.work, StepWork::Transform { mode, .. } if *mode == Mode::Derive),
        );
        for step in derives {
            output::hint(&format!(
                "{} {} {} derives from items: of those that are not at {} yet it has seen nothing, until `godwit up`",
                stage.app, stage.version, step.name, stage.version
            ));
        }
    }
}

/// What goes on with a run that is not done.
fn again(run: &Run) -> String {
    match run.purpose {
        _ if run.state == RunState::Undoing => {
            format!(
                "`godwit undo {}` goes on with putting everything back",
                run.id
            )
        }
        Purpose::Down => {
            let stage = run.plan.stages.first();
            let goal = stage.map_or_else(String::new, |stage| {
                format!(" --app {} --to {}", stage.app, stage.version)
            });
            format!("`godwit down{goal}` goes on")
        }
        Purpose::Shadow => "`godwit up --shadow` goes on".to_owned(),
        Purpose::Up | Purpose::Retry | Purpose::Item => "`godwit up` goes on".to_owned(),
    }
}

/// What to do about a run that is in the way of something else, where there are these runs.
pub fn way_past(run: &Run, runs: &[Run]) -> String {
    let back = safety::goes_back(run, runs).filter(|_| run.state != RunState::Undoing);
    let first = match run.state {
        // Nobody goes on with a retry, or with one item: they begin again.
        _ if !run.purpose.is_exclusive() && run.state != RunState::Undoing => None,
        RunState::Blocked if run.purpose == Purpose::Up => Some(
            "`godwit up` goes on once the items in quarantine were retried or accepted".to_owned(),
        ),
        _ => Some(again(run)),
    };
    let ways: Vec<_> = first.into_iter().chain(back).collect();
    ways.join("; ")
}

/// What to do about a run that is not done, where there are these runs; how to take back one that is.
pub fn way_on(run: &Run, open: u64, runs: &[Run]) -> String {
    let id = run.id;
    let or_back = |before: &str| match safety::goes_back(run, runs) {
        Some(back) => format!("{before}{back}"),
        None => String::new(),
    };
    match run.state {
        _ if run.purpose == Purpose::Down && run.state.is_unfinished() => {
            let way = run.retreat_among(runs);
            let gives_up = way.map_or_else(String::new, |way| format!("; `{way}` gives it up"));
            format!("{}{gives_up}", again(run))
        }
        _ if run.purpose == Purpose::Shadow && run.state.is_unfinished() => {
            format!("{}{}", again(run), or_back("; "))
        }
        _ if run.purpose == Purpose::Retry && run.state.is_unfinished() => {
            "`godwit quarantine retry` begins again".to_owned()
        }
        // It can be undone as any run can; a backup is named.
        RunState::Running | RunState::Stopped if run.has_pre_images => {
            "`godwit up` goes on".to_owned()
        }
        RunState::Running | RunState::Stopped => format!("`godwit up` goes on{}", or_back("; ")),
        RunState::Failed => {
            format!("mend the cause, then `godwit up` goes on{}", or_back("; "))
        }
        RunState::Blocked if open == 0 => {
            "nothing is in quarantine any more: `godwit up` goes on".to_owned()
        }
        RunState::Blocked => format!(
            "`godwit quarantine list` names the items; mend the migration and `godwit quarantine \
             retry`, or `godwit quarantine accept` them; then `godwit up` goes on{}",
            or_back(". ")
        ),
        RunState::Completed => match run.retreat_among(runs) {
            Some(undo @ (Retreat::Undo(_) | Retreat::InOrder(_))) => {
                format!("`{undo}` would put everything back")
            }
            Some(restore) => {
                format!("`{restore}` would put the whole store back as it was before run {id}")
            }
            None => format!("run {id} can be neither undone nor restored from a backup"),
        },
        RunState::Undoing => again(run),
        RunState::Undone => String::new(),
    }
}

fn dry_run(
    mut host: Host,
    args: &Args,
    context: &Context,
    findings: &[Finding],
) -> Result<Code, Failure> {
    // It names every item that would fail, unless it is asked to stop.
    host.options.on_failure = args
        .how
        .work
        .failure
        .on_failure
        .unwrap_or(OnFailure::Quarantine);
    let all = MaxFailures::Percent(100);
    host.options.max_failures = args.how.work.failure.max_failures.unwrap_or(all);
    let goal = match &args.id {
        Some(ItemPath { collection, id }) => DryGoal::Item {
            collection: collection.clone(),
            id: id.clone(),
            to: args.goal.to.clone(),
        },
        None => DryGoal::Apps(args.goal.goal()),
    };
    try_out(host, &goal, context, findings)
}

/// Carries something out on an overlay, and tells what it would do.
pub fn try_out(
    host: Host,
    goal: &DryGoal,
    context: &Context,
    findings: &[Finding],
) -> Result<Code, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("godwit-dry-run-")
        .tempdir()
        .map_err(|error| {
            let message = format!("no temporary folder can be made: {error}");
            Failure::other(
                Code::Store,
                message,
                "make room, or set TMPDIR to another disk",
            )
        })?;
    let scratch = scratch(folder.path())?;
    let progress = Progress::of_dry_run(context.quiet || context.json);
    let phase = match goal {
        DryGoal::Apps(goal) => goal.phase,
        DryGoal::Item { .. } | DryGoal::Down(_) => None,
    };
    let dry = host.dry_run(scratch, goal, &progress, &context.control)?;
    if context.json {
        print_dry_json(&dry, findings)
    } else {
        print_dry(&dry, phase)
    }
}

fn scratch(folder: &Path) -> Result<Arc<dyn Backend>, Failure> {
    Ok(StoreUrl::Lmdb(folder.to_owned()).open(OpenMode::Create)?)
}

fn print_dry(dry: &DryRun, phase: Option<Phase>) -> Result<Code, Failure> {
    let (mut changed, mut failed) = (0, 0);
    dry.each_change(&mut |change| {
        changed += 1;
        print_change(change);
        output::more()
    })?;
    dry.each_failure(&mut |collection, id, apart| {
        failed += 1;
        if let Some(failure) = &apart.failure {
            let (kind, reason) = (&failure.kind, output::reason(&failure.reason, 300));
            let id = output::one_line(id, 512);
            output::line(format!(
                "! {collection}/{id}: {}: {kind}: {reason}",
                failure.migration
            ));
        }
    })?;
    for report in &dry.reports {
        let run = &report.run;
        let would = match run.state {
            RunState::Completed => "would be completed",
            RunState::Blocked => "would be blocked by the items that fail",
            _ => "was not tried to its end",
        };
        output::line(format!("{}: {would}", runs::versions(run)));
        runs::print_steps(report);
    }
    if dry.reports.is_empty() {
        nothing_to_do(phase);
        return Ok(Code::Done);
    }
    let (changed, lost) = (
        output::counted(changed, "item"),
        output::counted(failed, "item"),
    );
    output::line(format!(
        "dry run: {changed} would change, {lost} would fail; nothing was written"
    ));
    Ok(code_of_dry(dry, failed))
}

fn code_of_dry(dry: &DryRun, failed: u64) -> Code {
    let is_stopped = |report: &Report| report.run.state == RunState::Stopped;
    match failed {
        _ if dry.reports.iter().any(is_stopped) => Code::Stopped,
        0 => Code::Done,
        _ => Code::Migration,
    }
}

fn print_change(change: &Change) {
    let Change {
        collection,
        id,
        before,
        after,
    } = change;
    let sign = match (before, after) {
        (None, _) => '+',
        (_, None) => '-',
        _ => '~',
    };
    output::line(format!("{sign} {collection}/{}", output::one_line(id, 512)));
    for line in change.diff() {
        output::line(format!("    {}", output::one_line(&line.to_string(), 400)));
    }
    if let (None, Some(after)) = (before, after) {
        let body = output::one_line(&String::from_utf8_lossy(after), 400);
        output::line(format!("    + {body}"));
    }
}

fn print_dry_json(dry: &DryRun, findings: &[Finding]) -> Result<Code, Failure> {
    let body = |body: &Option<Vec<u8>>| match body {
        None => Value::Null,
        Some(body) => serde_json::from_slice(body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(body))),
    };
    dry.each_change(&mut |change| {
        output::json_line(&json!({
            "change": {
                "collection": change.collection,
                "id": change.id,
                "before": body(&change.before),
                "after": body(&change.after),
            }
        }));
        output::more()
    })?;
    let mut failed = 0;
    dry.each_failure(&mut |collection, id, apart| {
        failed += 1;
        let failure = &apart.failure;
        output::json_line(&json!({
            "failure": { "collection": collection, "id": id, "failure": failure }
        }));
    })?;
    output::json_line(&json!({ "dry_run": { "runs": dry.reports, "findings": findings } }));
    Ok(code_of_dry(dry, failed))
}

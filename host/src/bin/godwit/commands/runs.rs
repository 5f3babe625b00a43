//! `godwit runs`

use godwit::Busy;
use godwit::model::{Name, Purpose, Retreat, Run, RunId, RunState, Version};
use godwit::run::Report;
use godwit::store::OpenMode;
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Show the runs, or what one of them did.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit runs --store lmdb:data
  godwit runs 3")]
pub struct Args {
    /// Show this run with its steps.
    #[arg(value_parser = super::parse_run)]
    run: Option<RunId>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let host = context.host_without_plugins(OpenMode::Existing)?;
    if let Some(id) = args.run {
        let run = host.store().run(id)?.ok_or(godwit::HostError::NoRun(id))?;
        let report = host.report(run)?;
        show(context, &report);
        return Ok(Code::Done);
    }
    let runs = host.store().runs()?.into_iter();
    let runs = runs.map(|run| host.as_of_now(run));
    let runs = runs.collect::<Result<Vec<_>, _>>()?;
    let busy = host.busy()?;
    if context.json {
        output::json(&runs.iter().map(as_json).collect::<Vec<_>>());
    } else if runs.is_empty() {
        output::line("there was no run yet");
    } else {
        let head = [
            "run",
            "started",
            "what",
            "state",
            "versions",
            "can be undone",
        ];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(runs.iter().map(|run| row(run, &runs)));
        output::table(&rows);
        for run in &runs {
            let is_open = matches!(run.state, RunState::Running | RunState::Undoing);
            if run.reason.is_some() || is_open {
                output::line(state(run, busy.as_ref()));
            }
        }
    }
    Ok(Code::Done)
}

fn row(run: &Run, runs: &[Run]) -> Vec<String> {
    let after = runs.iter().find(|other| other.is_behind(run));
    vec![
        run.id.to_string(),
        output::time(run.started_at),
        purpose(run.purpose).to_owned(),
        run.state.to_string(),
        versions(run),
        match run.retreat() {
            Some(Retreat::Undo(_) | Retreat::InOrder(_)) => match after {
                Some(after) => format!("not before run {}", after.id),
                None => "yes".to_owned(),
            },
            Some(Retreat::Restore(file)) => format!("no, backup {file}"),
            Some(reset @ Retreat::Reset) => format!("no, {reset}"),
            None => "no".to_owned(),
        },
    ]
}

/// A run, for programs: with the command that restores the backup that was made before it.
pub fn as_json(run: &Run) -> Value {
    let mut told = json!(run);
    if let Some(restore) = run.restore() {
        told["restore"] = restore.into();
    }
    told
}

/// What a run did, for programs.
pub fn report_as_json(report: &Report) -> Value {
    let mut told = json!(report);
    told["run"] = as_json(&report.run);
    told
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Up => "up",
        Purpose::Retry => "quarantine retry",
        Purpose::Item => "up of one item",
        Purpose::Down => "down",
        Purpose::Shadow => "up --shadow",
    }
}

/// Whoever carries a run out, or undoes it, if that is who works on the store.
pub fn worker<'b>(run: &Run, busy: Option<&'b Busy>) -> Option<&'b Busy> {
    busy.filter(|busy| busy.is_about(run))
}

/// The state that a run is in, and why, while this one works on the store.
pub fn state(run: &Run, busy: Option<&Busy>) -> String {
    let by = |what: &str| worker(run, busy).map(|busy| format!("{what} by {}", busy.holder));
    let state = match run.state {
        RunState::Running => by("is under way")
            .unwrap_or_else(|| "is not done, and its process has ended".to_owned()),
        RunState::Stopped => "was stopped".to_owned(),
        RunState::Failed => "failed".to_owned(),
        RunState::Blocked => "is blocked".to_owned(),
        RunState::Completed => "is completed".to_owned(),
        RunState::Undoing => by("is being undone")
            .unwrap_or_else(|| "is half undone, and the process that did so has ended".to_owned()),
        RunState::Undone => "is undone".to_owned(),
    };
    let reason = run.reason.as_ref().map_or_else(String::new, |reason| {
        format!(": {}", output::reason(reason, 400))
    });
    format!("run {} {state}{reason}", run.id)
}

/// The apps of a run with the versions that it leads from and to.
pub fn versions(run: &Run) -> String {
    let mut apps: Vec<(&Name, Option<&Version>, &Version)> = Vec::new();
    for stage in &run.plan.stages {
        match apps.iter_mut().find(|(app, ..)| *app == &stage.app) {
            Some((_, _, last)) => *last = &stage.version,
            None => apps.push((&stage.app, stage.from.as_ref(), &stage.version)),
        }
    }
    let apps = apps.into_iter().map(|(app, from, to)| match from {
        None => format!("{app} new -> {to}"),
        // A migration that arrived late, a phase that was left, an item that was.
        Some(from) if from >= to && run.purpose != Purpose::Down => format!("{app} {to}"),
        Some(from) => format!("{app} {from} -> {to}"),
    });
    apps.collect::<Vec<_>>().join(", ")
}

fn show(context: &Context, report: &Report) {
    if context.json {
        return output::json(&report_as_json(report));
    }
    print(report);
}

/// Prints what a run did, step by step.
pub fn print(report: &Report) {
    let run = &report.run;
    output::line(format!("run {}: {}, {}", run.id, versions(run), run.state));
    print_steps(report);
    if let Some(reason) = &run.reason {
        output::line(format!("  {}", output::reason(reason, 400)));
    }
    if let Some(backup) = &run.backup {
        output::line(format!("  backup {}", output::one_line(backup, 400)));
    }
}

/// Prints what became of the items of each step.
pub fn print_steps(report: &Report) {
    for step in &report.steps {
        let done = if step.done { "" } else { " (not done)" };
        output::line(format!(
            "  {} {} {} on {}: {}{done}",
            step.app,
            step.version,
            step.step,
            step.collection,
            output::counts(&step.counts)
        ));
    }
}

//! `godwit runs`

use godwit::model::{Purpose, Run, RunId};
use godwit::run::Report;
use godwit::store::OpenMode;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Show the runs, or what one of them did.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show this run with its steps.
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
    let runs = host.store().runs()?;
    if context.json {
        output::json(&runs);
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
        rows.extend(runs.iter().map(row));
        output::table(&rows);
        for run in &runs {
            if let Some(reason) = &run.reason {
                output::line(format!(
                    "run {} is {}: {}",
                    run.id,
                    run.state,
                    output::one_line(reason, 400)
                ));
            }
        }
    }
    Ok(Code::Done)
}

fn row(run: &Run) -> Vec<String> {
    vec![
        run.id.to_string(),
        output::time(run.started_at),
        purpose(run.purpose).to_owned(),
        run.state.to_string(),
        versions(run),
        if run.has_pre_images { "yes" } else { "no" }.to_owned(),
    ]
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Up => "up",
        Purpose::Retry => "quarantine retry",
        Purpose::Item => "up of one item",
    }
}

/// The apps of a run with the versions that it leads from and to.
pub fn versions(run: &Run) -> String {
    let mut apps: Vec<(&godwit::model::Name, String, String)> = Vec::new();
    for stage in &run.plan.stages {
        let to = stage.version.to_string();
        match apps.iter_mut().find(|(app, ..)| *app == &stage.app) {
            Some((_, _, last)) => *last = to,
            None => {
                let from = stage
                    .from
                    .as_ref()
                    .map_or_else(|| "new".to_owned(), ToString::to_string);
                apps.push((&stage.app, from, to));
            }
        }
    }
    let apps = apps
        .into_iter()
        .map(|(app, from, to)| format!("{app} {from} -> {to}"));
    apps.collect::<Vec<_>>().join(", ")
}

fn show(context: &Context, report: &Report) {
    if context.json {
        return output::json(report);
    }
    print(report);
}

/// Prints what a run did, step by step.
pub fn print(report: &Report) {
    let run = &report.run;
    output::line(format!("run {}: {}, {}", run.id, versions(run), run.state));
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
    if let Some(reason) = &run.reason {
        output::line(format!("  {}", output::one_line(reason, 400)));
    }
}

//! `godwit prune`

use godwit::model::{Run, RunId, RunState};
use godwit::store::OpenMode;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Drop the pre-images of runs, which can then not be undone any more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit prune 1 2
  godwit prune --keep 3")]
pub struct Args {
    /// The runs.
    #[arg(value_name = "RUN", required_unless_present = "keep", value_parser = super::parse_run)]
    runs: Vec<RunId>,
    /// All finished runs but the last so many.
    #[arg(long, value_name = "N", conflicts_with = "runs")]
    keep: Option<usize>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let host = context.host_without_plugins(OpenMode::Existing)?;
    let runs = match args.keep {
        Some(keep) => finished(host.store().runs()?, keep),
        None => args.runs.clone(),
    };
    let dropped = host.prune(&runs)?;
    let mut without = Vec::new();
    for run in &runs {
        let run = host.store().run(*run)?;
        without.extend(run.filter(|run| !run.keeps_pre_images));
    }
    if context.json {
        output::json(&serde_json::json!({ "runs": runs, "dropped": dropped }));
    } else if !runs.is_empty() && without.len() == runs.len() {
        without.iter().for_each(say_without);
    } else {
        without.iter().for_each(say_without);
        let runs = output::counted(runs.len() as u64, "run");
        output::line(format!(
            "{} of {runs} dropped",
            output::counted(dropped, "pre-image")
        ));
    }
    Ok(Code::Done)
}

fn say_without(run: &Run) {
    output::line(format!(
        "run {} kept no pre-images: there is nothing to drop",
        run.id
    ));
}

fn finished(runs: Vec<Run>, keep: usize) -> Vec<RunId> {
    let is_finished = |run: &Run| run.state == RunState::Completed && run.has_pre_images;
    let finished: Vec<_> = runs
        .into_iter()
        .filter(is_finished)
        .map(|run| run.id)
        .collect();
    finished[..finished.len().saturating_sub(keep)].to_vec()
}

//! `godwit progress`

use std::time::Duration;

use godwit::blocking::Host;
use godwit::model::RunState;
use godwit::run::RunProgress;
use godwit::store::OpenMode;
use godwit::{Request, SocketError};

use super::direct;
use super::up::way_on;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Show how far the run is that is under way, or that was left unfinished.
///
/// What was read is what the store has; the rate and the time left come from the process that carries the run out, if
/// there is one. The time left is that of what can be told by now: steps may write items for those behind them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit progress --store lmdb:data
  godwit progress --follow
  godwit progress --json | jq .seconds_left")]
pub struct Args {
    /// Go on telling, once a second, until the run ends.
    #[arg(long, short)]
    follow: bool,
}

/// How often it is told.
const EVERY: Duration = Duration::from_secs(1);

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let mut is_first = true;
    loop {
        let progress = match direct::ask(Request::Progress, context)? {
            Ok(answer) => answer.progress,
            Err(SocketError::Nobody(_)) if is_first => {
                let host = context.host_without_plugins(OpenMode::Existing)?;
                left(&host, context)?;
                return Ok(Code::Done);
            }
            Err(SocketError::Nobody(_)) => return Ok(Code::Done),
            Err(error) => return Err(direct::refused(&error)),
        };
        tell(progress.as_ref(), context);
        if !args.follow {
            return Ok(Code::Done);
        }
        is_first = false;
        std::thread::sleep(EVERY);
    }
}

/// Tells how far a run is that nobody tells of himself, and what goes on with it.
fn left(host: &Host, context: &Context) -> Result<(), Failure> {
    let progress = host.progress()?;
    tell(progress.as_ref(), context);
    let Some(progress) = progress.filter(|progress| !progress.is_alive && !context.json) else {
        return Ok(());
    };
    let runs = host.store().runs()?;
    if let Some(run) = runs.iter().find(|run| run.id == progress.run) {
        let open = host.report(run.clone())?.open;
        output::hint(&way_on(run, open, &runs));
    }
    Ok(())
}

fn tell(progress: Option<&RunProgress>, context: &Context) {
    match progress {
        progress if context.json => output::json_line(&progress),
        Some(progress) => print(progress),
        None => output::line("no run is under way, and none is unfinished"),
    }
}

/// Prints how far a run is.
pub fn print(progress: &RunProgress) {
    let left = time_left(progress.seconds_left);
    let rate = rate(progress.items_per_second);
    let state = match (progress.state, progress.is_alive) {
        (RunState::Running | RunState::Undoing, false) => {
            "is not done, and its process has ended".to_owned()
        }
        (state, _) => format!("is {state}"),
    };
    output::line(format!(
        "run {} {state}: {} of {} read{rate}{left}",
        progress.run,
        output::count(progress.read),
        output::counted(progress.total, "item"),
    ));
    for step in &progress.steps {
        let how_far = if step.done {
            format!("{}, done", output::counts(&step.counts))
        } else if step.counts.read == 0 && step.total == 0 {
            "to come".to_owned()
        } else {
            let left = time_left(step.seconds_left);
            format!(
                "{} of {}{left}",
                output::counts(&step.counts),
                output::count(step.total)
            )
        };
        output::line(format!(
            "  {} {} {} on {}: {how_far}",
            step.app, step.version, step.step, step.collection
        ));
    }
    if !progress.waits_for.is_empty() {
        output::line(format!("  it waits: {}", progress.waits_for.join(", ")));
    }
}

/// How many items a second, behind a comma.
pub fn rate(items: Option<f64>) -> String {
    items.map_or_else(String::new, |items| {
        format!(", {}/s", output::count(items as u64))
    })
}

/// The time left, behind a comma.
pub fn time_left(seconds: Option<f64>) -> String {
    seconds.map_or_else(String::new, |seconds| {
        format!(", {} left", seconds_text(seconds))
    })
}

/// Seconds for people.
pub fn seconds_text(seconds: f64) -> String {
    output::duration((seconds * 1_000.0) as u64)
}

//! `godwit plan`

use godwit::Host;
use godwit::model::{Name, Phase, Source, Version};
use godwit::plan::{Goal, Planned};
use godwit::store::OpenMode;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::{commands::inspect::describe_step, output};

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct GoalArgs {
    /// This app only.
    #[arg(long)]
    pub app: Option<Name>,
    /// Up to this version only.
    #[arg(long, value_name = "VERSION")]
    pub to: Option<Version>,
    /// This phase only: offline before the new version takes traffic, online while it serves.
    #[arg(long, value_parser = parse_phase, value_name = "offline|online")]
    pub phase: Option<Phase>,
    /// Go on in spite of a kind of finding, as in digest-drift; may be repeated.
    #[arg(long, value_name = "KIND")]
    pub accept: Vec<godwit::plan::Kind>,
}

impl GoalArgs {
    pub fn goal(&self) -> Goal {
        Goal {
            app: self.app.clone(),
            to: self.to.clone(),
            phase: self.phase,
        }
    }

    /// Lets the host accept what is to be accepted.
    pub fn apply(&self, host: &mut Host) -> Result<(), Failure> {
        for kind in &self.accept {
            host.policy
                .choose(*kind, godwit::plan::Choice::Accept)
                .map_err(|error| {
                    Failure::input(
                        error.to_string(),
                        "--accept takes a finding's kind, as in digest-drift",
                    )
                })?;
        }
        Ok(())
    }
}

fn parse_phase(text: &str) -> Result<Phase, String> {
    match text {
        "offline" => Ok(Phase::Offline),
        "online" => Ok(Phase::Online),
        _ => Err("it is `offline` or `online`".to_owned()),
    }
}

/// Show what would be done, or why nothing can be. Nothing is changed.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    goal: GoalArgs,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let mut host = context.host(OpenMode::Existing)?;
    args.goal.apply(&mut host)?;
    let planned = host.plan(&args.goal.goal())?;
    let code = if planned.is_refused() {
        Code::Findings
    } else {
        Code::Done
    };
    if context.json {
        output::json(&planned);
        return Ok(code);
    }
    planned.findings.iter().for_each(output::finding);
    if planned.is_refused() {
        return Ok(code);
    }
    print(&host, &planned)?;
    Ok(code)
}

/// Prints a plan.
pub fn print(host: &Host, planned: &Planned) -> Result<(), Failure> {
    if planned.plan.is_empty() {
        output::line("nothing to do: everything is up to date");
        return Ok(());
    }
    if let Some(run) = planned.resumes {
        output::line(format!(
            "run {run} is unfinished; `godwit up` goes on with it"
        ));
    }
    for stage in &planned.plan.stages {
        let from = stage
            .from
            .as_ref()
            .map_or_else(|| "new".to_owned(), ToString::to_string);
        let source = match &stage.source {
            Source::Collection => "",
            Source::Behind => ", items that are behind",
            Source::Quarantine(_) => ", items in quarantine",
            Source::Item(..) => ", one item",
        };
        let (app, version, phase) = (&stage.app, &stage.version, stage.phase);
        output::line(format!(
            "{app} {from} -> {version} ({phase}{source}) by {}",
            stage.file
        ));
        for step in &stage.steps {
            let tallies = host.store().tallies(step.work.collection())?;
            let items = match stage.source {
                Source::Collection => output::counted(tallies.items - tallies.apart(), "item"),
                Source::Behind => output::counted(tallies.waiting, "item"),
                Source::Quarantine(_) | Source::Item(..) => String::new(),
            };
            output::line(format!("  {}  {items}", describe_step(step)));
        }
    }
    Ok(())
}

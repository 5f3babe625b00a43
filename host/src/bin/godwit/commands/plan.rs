//! `godwit plan`

use godwit::blocking::Host;
use godwit::model::{Grant, Name, Phase, Source, Stage, Step, Version};
use godwit::plan::{Goal, Planned};
use godwit::run::StepReport;
use godwit::store::OpenMode;

use crate::context::Context;
use crate::exit::{Code, Failure, report_findings};
use crate::{commands::inspect::describe_step, output};

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct GoalArgs {
    /// This app only.
    #[arg(long)]
    pub app: Option<Name>,
    /// Up to this version only.
    #[arg(long, value_name = "VERSION", value_parser = super::parse_version)]
    pub to: Option<Version>,
    /// This phase only: offline before the new version takes traffic, online while it serves.
    #[arg(long, value_parser = parse_phase, value_name = "offline|online")]
    pub phase: Option<Phase>,
    #[command(flatten)]
    pub allowed: AllowedArgs,
}

/// What may be, though it is not so by default.
#[derive(Debug, clap::Args)]
pub struct AllowedArgs {
    /// Go on in spite of a kind of finding, as in digest-drift; may be repeated.
    #[arg(long, value_name = "KIND")]
    accept: Vec<godwit::plan::Kind>,
    /// Let migrations of an app reach a collection that they ask for; may be repeated.
    #[arg(long, value_name = "APP:COLLECTION[:read]")]
    grant: Vec<Grant>,
}

impl GoalArgs {
    pub fn goal(&self) -> Goal {
        Goal {
            app: self.app.clone(),
            to: self.to.clone(),
            phase: self.phase,
        }
    }
}

impl AllowedArgs {
    /// Lets the host accept what is to be accepted.
    pub fn apply(&self, host: &mut Host) -> Result<(), Failure> {
        for grant in &self.grant {
            host.grants.add(grant.clone());
        }
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

/// Show what would be done, or why nothing can be.
///
/// Nothing is changed. A finding is named with its kind in brackets, and with the ways out.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit plan --store lmdb:data --plugins migrations
  godwit plan --app bcd --to 3.0.0
  godwit plan --accept late-arrival")]
pub struct Args {
    #[command(flatten)]
    goal: GoalArgs,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let mut host = context.host(OpenMode::Existing)?;
    args.goal.allowed.apply(&mut host)?;
    let planned = host.plan(&args.goal.goal())?;
    let is_refused = planned.is_refused() || planned.waits_for_phase();
    let code = if is_refused {
        Code::Findings
    } else {
        Code::Done
    };
    if context.json {
        output::json(&planned);
        return Ok(code);
    }
    if is_refused {
        report_findings(&planned.findings);
        return Ok(code);
    }
    planned.findings.iter().for_each(output::finding);
    print(&host, &planned, args.goal.phase)?;
    Ok(code)
}

/// Says that nothing is to be done, which with a phase is no word about the other one.
pub fn nothing_to_do(phase: Option<Phase>) {
    output::line(match phase {
        None => "nothing to do: everything is up to date".to_owned(),
        Some(phase) => format!("nothing to do: no {phase} stage is pending"),
    });
}

fn print(host: &Host, planned: &Planned, phase: Option<Phase>) -> Result<(), Failure> {
    if planned.plan.is_empty() {
        nothing_to_do(phase);
        return Ok(());
    }
    if let Some(run) = planned.resumes {
        output::line(format!(
            "run {run} is unfinished; `godwit up` goes on with it"
        ));
    }
    let done = match planned.resumes.map(|run| host.store().run(run)) {
        Some(run) => run?.map(|run| host.report(run)).transpose()?,
        None => None,
    };
    let done = done.map(|report| report.steps).unwrap_or_default();
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
            let items = items(host, stage, step)?;
            let done = done.iter().find(|done| is_of(done, stage, step));
            let done = done.map_or_else(String::new, |done| match done.done {
                true => ", done".to_owned(),
                false => format!(", {} done", output::count(done.counts.read)),
            });
            output::line(format!("  {}{items}{done}", describe_step(step)));
        }
    }
    Ok(())
}

/// How many items a step will be fed, as far as that is known.
fn items(host: &Host, stage: &Stage, step: &Step) -> Result<String, Failure> {
    let tallies = host.store().tallies(step.work.collection())?;
    let items = match stage.source {
        Source::Collection => {
            let items = host.store().count_items(step.work.collection())?;
            items.saturating_sub(tallies.apart())
        }
        Source::Behind => tallies.waiting,
        Source::Quarantine(_) | Source::Item(..) => return Ok(String::new()),
    };
    Ok(format!(": {}", output::counted(items, "item")))
}

fn is_of(report: &StepReport, stage: &Stage, step: &Step) -> bool {
    (&report.app, &report.version, report.phase) == (&stage.app, &stage.version, stage.phase)
        && report.step == step.name
}

//! `godwit status`

use godwit::model::{Run, Version};
use godwit::store::OpenMode;
use godwit::{CollectionStatus, Status};
use serde_json::json;

use super::runs;
use super::up::way_on;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Show where the apps and collections are.
///
/// It takes no time, however many items there are. `quarantine` counts the items that failed and
/// keep their old version, `accepted` those of them that may stay so, and `behind` the items that
/// `godwit up` still has to bring to the version of the others, or that went ahead of them by `godwit up --id`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit status --store lmdb:data
  godwit status --json | jq '.collections[] | {collection, items, open}'")]
pub struct Args {}

pub fn run(_: &Args, context: &Context) -> Result<Code, Failure> {
    let host = context.host_without_plugins(OpenMode::Existing)?;
    let status = host.status()?;
    if context.json {
        let mut told = json!(status);
        if let Some(run) = &status.unfinished {
            told["unfinished"] = runs::as_json(run);
            let is_alive = runs::worker(run, status.busy.as_ref()).is_some();
            told["unfinished"]["is_alive"] = is_alive.into();
        }
        output::json(&told);
    } else {
        print(&status);
        if let Some(run) = &status.unfinished {
            print_unfinished(&status, run, &host.store().runs()?);
        }
    }
    Ok(Code::Done)
}

/// Tells of the run that is not finished, and what to do about it.
fn print_unfinished(status: &Status, run: &Run, all: &[Run]) {
    let busy = status.busy.as_ref();
    output::line(runs::state(run, busy));
    if runs::worker(run, busy).is_some() {
        return output::hint("`godwit progress` tells how far it is");
    }
    let is_of_run = |found: &&CollectionStatus| {
        let mut stages = run.plan.stages.iter();
        stages.any(|stage| stage.app == found.app)
    };
    let open = status.collections.iter().filter(is_of_run);
    let open = open.map(|found| found.tallies.open).sum();
    output::hint(&way_on(run, open, all));
}

fn print(status: &Status) {
    let bytes = status
        .bytes
        .map_or_else(String::new, |bytes| format!(", {}", output::bytes(bytes)));
    output::line(format!("{}{bytes}", status.store));
    let version = |version: &Option<Version>| {
        version
            .as_ref()
            .map_or_else(|| "-".to_owned(), ToString::to_string)
    };
    for app in &status.apps {
        let serves = match (&app.serves, &status.unfinished) {
            (Some(_), _) => ", which may serve".to_owned(),
            (None, Some(run)) => format!("; none may serve before run {} is done", run.id),
            (None, None) => String::new(),
        };
        output::line(format!(
            "{} is at {}{serves}",
            app.app,
            version(&app.version)
        ));
    }
    if !status.collections.is_empty() {
        let head = [
            "collection",
            "app",
            "version",
            "items",
            "quarantine",
            "accepted",
            "behind",
        ];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(status.collections.iter().map(|collection| {
            let tallies = &collection.tallies;
            vec![
                collection.collection.to_string(),
                collection.app.to_string(),
                version(&collection.level),
                output::count(tallies.items),
                output::count(tallies.open),
                output::count(tallies.accepted),
                output::count(tallies.waiting),
            ]
        }));
        output::table(&rows);
    } else if status.apps.is_empty() {
        output::line("the store is empty");
    }
    if status.shadow.is_some() {
        output::line("there is a shadow run; `godwit stats` tells how far it is");
    }
}

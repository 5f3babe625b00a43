//! `godwit status`

use godwit::Status;
use godwit::model::Version;
use godwit::store::OpenMode;
use serde_json::json;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Show where the apps and collections are.
///
/// It takes no time, however many items there are. `quarantine` counts the items that failed and
/// keep their old version, `accepted` those of them that may stay so, and `behind` the items that
/// `godwit up` still has to bring up to date.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit status --store lmdb:data
  godwit status --json | jq '.collections[] | {collection, items, open}'")]
pub struct Args {}

pub fn run(_: &Args, context: &Context) -> Result<Code, Failure> {
    let status = context.host_without_plugins(OpenMode::Existing)?.status()?;
    if context.json {
        let mut told = json!(status);
        if let Some(run) = &status.unfinished {
            told["unfinished"] = super::runs::as_json(run);
        }
        output::json(&told);
    } else {
        print(&status);
    }
    Ok(Code::Done)
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
    if let Some(run) = &status.unfinished {
        output::line(super::runs::state(run));
        let open = status
            .collections
            .iter()
            .map(|found| found.tallies.open)
            .sum();
        output::hint(&super::up::way_on(run, open));
    }
}

//! `godwit quarantine`

use godwit::model::{Apart, FailureKind, Grant, Name, RunState};
use godwit::store::OpenMode;
use serde_json::{Value, json};

use super::ItemPath;
use super::shadow::ShadowArgs;
use super::up;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// What to do with items that failed.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List the items in quarantine with their reasons.
    #[command(after_help = "\
Examples:
  godwit quarantine list
  godwit quarantine list --collection features --json | jq -r .id")]
    List {
        /// List this collection only.
        #[arg(long)]
        collection: Option<Name>,
        /// List those that were accepted, too.
        #[arg(long)]
        accepted: bool,
        #[command(flatten)]
        shadow: ShadowArgs,
    },
    /// Show one item in quarantine: why, since when, and its body.
    #[command(after_help = "\
Example:
  godwit quarantine show features/api.Window")]
    Show {
        /// The item.
        #[arg(value_name = "COLLECTION/ID")]
        item: ItemPath,
        #[command(flatten)]
        shadow: ShadowArgs,
    },
    /// Try items again, with the migrations as they are now.
    ///
    /// Those that somebody has accepted are tried again only by name.
    #[command(after_help = "\
Examples:
  godwit quarantine retry
  godwit quarantine retry features/api.Window features/api.Document")]
    Retry {
        /// The items; all that nobody has accepted when none is named. One that was accepted and fails again is
        /// accepted no more.
        #[arg(value_name = "COLLECTION/ID")]
        items: Vec<ItemPath>,
        /// Let migrations of an app reach a collection that they ask for; may be repeated.
        #[arg(long, value_name = "APP:COLLECTION[:read]")]
        grant: Vec<Grant>,
        #[command(flatten)]
        shadow: ShadowArgs,
    },
    /// Accept by name that items stay as they are: they stand in nobody's way any more.
    #[command(after_help = "\
Examples:
  godwit quarantine accept features/api.Window
  godwit quarantine accept --all")]
    Accept {
        /// The items.
        #[arg(value_name = "COLLECTION/ID", required_unless_present = "all")]
        items: Vec<ItemPath>,
        /// Every item in quarantine.
        #[arg(long, conflicts_with = "items")]
        all: bool,
        #[command(flatten)]
        shadow: ShadowArgs,
    },
}

pub fn run(verb: &Verb, context: &Context) -> Result<Code, Failure> {
    match verb {
        Verb::List {
            collection,
            accepted,
            shadow,
        } => list(context, collection.as_ref(), *accepted, shadow),
        Verb::Show { item, shadow } => show(context, item, shadow),
        Verb::Retry {
            items,
            grant,
            shadow,
        } => retry(context, items, grant, shadow),
        Verb::Accept { items, all, shadow } => accept(context, items, *all, shadow),
    }
}

fn list(
    context: &Context,
    only: Option<&Name>,
    accepted: bool,
    shadow: &ShadowArgs,
) -> Result<Code, Failure> {
    let host = shadow.host(context.host_without_plugins(OpenMode::Existing)?)?;
    let mut found = 0;
    host.quarantine(accepted, &mut |collection, id, apart| {
        if only.is_some_and(|only| only != collection) {
            return;
        }
        found += 1;
        if context.json {
            output::json_line(&as_json(collection, id, apart));
        } else if let Some(failure) = &apart.failure {
            let accepted = if failure.accepted { " (accepted)" } else { "" };
            output::line(format!(
                "{collection}/{}  {} step {}: {}: {}{accepted}",
                output::one_line(id, 512),
                failure.migration,
                failure.step,
                failure.kind,
                output::reason(&failure.reason, 300),
            ));
        }
    })?;
    if found == 0 && !context.json {
        output::line("the quarantine is empty");
    }
    Ok(Code::Done)
}

fn as_json(collection: &Name, id: &str, apart: &Apart) -> Value {
    json!({
        "collection": collection,
        "id": id,
        "version": apart.version,
        "failure": apart.failure,
    })
}

fn show(context: &Context, item: &ItemPath, shadow: &ShadowArgs) -> Result<Code, Failure> {
    let store = shadow.store(context.store(OpenMode::Existing)?)?;
    let ItemPath { collection, id } = item;
    let apart = store.apart(collection, id)?;
    let Some((apart, failure)) =
        apart.and_then(|apart| apart.failure.clone().map(|failure| (apart, failure)))
    else {
        let (collection, id) = (collection.clone(), id.clone());
        return Err(godwit::HostError::NotInQuarantine { collection, id }.into());
    };
    let body = store.body(collection, id)?.unwrap_or_default();
    if context.json {
        let mut shown = as_json(collection, id, &apart);
        shown["body"] = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body)));
        output::json(&shown);
        return Ok(Code::Done);
    }
    output::line(format!(
        "{collection}/{} has version {}",
        output::one_line(id, 512),
        apart.version
    ));
    let field = |name: &str, value: &str| output::line(format!("  {name:<8} {value}"));
    field(
        "failed",
        &format!("{} step {}", failure.migration, failure.step),
    );
    field("kind", &failure.kind);
    // All of it: of a trap the frames, too.
    let mut lines = failure.reason.lines();
    field(
        "reason",
        &output::one_line(lines.next().unwrap_or_default(), usize::MAX),
    );
    lines.for_each(|line| field("", &output::one_line(line, usize::MAX)));
    field(
        "run",
        &format!("{}, {}", failure.run, output::time(failure.at)),
    );
    field("accepted", if failure.accepted { "yes" } else { "no" });
    if let Some(kind) = FailureKind::named(&failure.kind) {
        output::hint(kind.advice());
    }
    output::raw_line(&body);
    Ok(Code::Done)
}

fn retry(
    context: &Context,
    items: &[ItemPath],
    grants: &[Grant],
    shadow: &ShadowArgs,
) -> Result<Code, Failure> {
    let mut host = shadow.host(context.host(OpenMode::Existing)?)?;
    for grant in grants {
        host.grants.add(grant.clone());
    }
    host.options = context.options()?;
    context.catch_interrupts()?;
    let items = pairs(items);
    let selection = (!items.is_empty()).then_some(items.as_slice());
    let reports = up::told(&host, context, None, |observer, control| {
        host.retry(selection, observer, control)
    })?;
    let mut left = 0;
    host.quarantine(false, &mut |_, _, _| left += 1)?;
    let stopped = reports
        .iter()
        .any(|report| report.run.state == RunState::Stopped);
    if context.json {
        output::json(&json!({ "runs": reports, "left": left }));
    } else if reports.is_empty() {
        output::line(match host.status()?.accepted() {
            0 => "the quarantine is empty: nothing to try again".to_owned(),
            accepted => format!(
                "nothing to try again: {} in quarantine, all accepted; they are tried again by name",
                output::counted(accepted, "item")
            ),
        });
    } else {
        output::line(format!(
            "{} left in quarantine",
            output::counted(left, "item")
        ));
        if left == 0 && host.status()?.unfinished.is_some() {
            output::hint(shadow.goes_on(&host)?);
        }
    }
    Ok(match (stopped, left) {
        (true, _) => Code::Stopped,
        (false, 0) => Code::Done,
        (false, _) => Code::Migration,
    })
}

fn accept(
    context: &Context,
    items: &[ItemPath],
    all: bool,
    shadow: &ShadowArgs,
) -> Result<Code, Failure> {
    let host = shadow.host(context.host_without_plugins(OpenMode::Existing)?)?;
    let mut items = pairs(items);
    if all {
        host.quarantine(false, &mut |collection, id, _| {
            items.push((collection.clone(), id.to_owned()));
        })?;
    }
    let accepted = host.accept(&items)?;
    if context.json {
        output::json(&json!({ "accepted": accepted }));
    } else {
        output::line(format!("{} accepted", output::counted(accepted, "item")));
        let status = host.status()?;
        let goes_on = shadow.goes_on(&host)?;
        match status.unfinished.as_ref().map(|_| status.open()) {
            None => {}
            Some(0) => output::hint(goes_on),
            Some(open) => output::hint(&format!(
                "{goes_on} once {} in quarantine {} retried or accepted",
                output::counted(open, "more item"),
                if open == 1 { "is" } else { "are" },
            )),
        }
    }
    Ok(Code::Done)
}

fn pairs(items: &[ItemPath]) -> Vec<(Name, String)> {
    items
        .iter()
        .map(|item| (item.collection.clone(), item.id.clone()))
        .collect()
}

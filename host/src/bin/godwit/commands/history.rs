//! `godwit history`

use godwit::model::{Digest, Entry, Event, Name, RunId};
use godwit::store::OpenMode;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Show what was applied when, by which file, with which counts.
///
/// An entry for each phase of each migration that was applied, and for each that was undone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit history --store lmdb:data
  godwit history --app bcd --json")]
pub struct Args {
    /// Show this app only.
    #[arg(long)]
    app: Option<Name>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let store = context.store(OpenMode::Existing)?;
    let mut entries = store.history()?.0;
    entries.retain(|entry| args.app.as_ref().is_none_or(|app| entry.app == *app));
    if context.json {
        output::json(&entries);
        return Ok(Code::Done);
    }
    if entries.is_empty() {
        output::line("nothing was applied yet");
        return Ok(Code::Done);
    }
    let head = [
        "when", "app", "version", "what", "run", "file", "digest", "items",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(entries.iter().map(row));
    output::table(&rows);
    Ok(Code::Done)
}

fn row(entry: &Entry) -> Vec<String> {
    let Told {
        what,
        run,
        file,
        digest,
        items,
    } = told(&entry.event);
    vec![
        output::time(entry.at),
        entry.app.to_string(),
        entry.version.to_string(),
        what,
        run.map_or_else(String::new, |run| run.to_string()),
        file.to_owned(),
        digest.map_or_else(String::new, Digest::short),
        items,
    ]
}

/// What a row tells of an event.
#[derive(Default)]
struct Told<'a> {
    what: String,
    run: Option<RunId>,
    file: &'a str,
    digest: Option<&'a Digest>,
    items: String,
}

fn told(event: &Event) -> Told<'_> {
    match event {
        Event::Baseline => Told {
            what: "baseline".to_owned(),
            ..Told::default()
        },
        Event::Applied {
            phase,
            digest,
            file,
            run,
            counts,
            accepted,
            ..
        } => {
            let mut items = output::counts(counts);
            if *accepted > 0 {
                items += &format!(", {} accepted in quarantine", output::count(*accepted));
            }
            Told {
                what: format!("applied ({phase})"),
                run: Some(*run),
                file,
                digest: Some(digest),
                items,
            }
        }
        Event::Mended { digest, run } => Told {
            what: "mended".to_owned(),
            run: Some(*run),
            digest: Some(digest),
            ..Told::default()
        },
        Event::Repaired {
            digest,
            file,
            reason,
        } => Told {
            what: format!("repaired: {}", output::one_line(reason, 60)),
            file,
            digest: Some(digest),
            ..Told::default()
        },
        Event::Reverted { phase, run } => Told {
            what: format!("reverted ({phase})"),
            run: Some(*run),
            ..Told::default()
        },
        Event::Reinstated { phase, run } => Told {
            what: format!("applied again ({phase})"),
            run: Some(*run),
            ..Told::default()
        },
        Event::Undone { phase, run } => Told {
            what: format!("undone ({phase})"),
            run: Some(*run),
            ..Told::default()
        },
    }
}

//! `godwit history`

use godwit::model::{Entry, Event, Name};
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
    let (what, run, file, digest, items) = match &entry.event {
        Event::Baseline => (
            "baseline".to_owned(),
            None,
            String::new(),
            None,
            String::new(),
        ),
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
                items = format!(
                    "{items}, {} accepted in quarantine",
                    output::count(*accepted)
                );
            }
            (
                format!("applied ({phase})"),
                Some(*run),
                file.clone(),
                Some(digest),
                items,
            )
        }
        Event::Mended { digest, run } => (
            "mended".to_owned(),
            Some(*run),
            String::new(),
            Some(digest),
            String::new(),
        ),
        Event::Undone { phase, run } => (
            format!("undone ({phase})"),
            Some(*run),
            String::new(),
            None,
            String::new(),
        ),
    };
    vec![
        output::time(entry.at),
        entry.app.to_string(),
        entry.version.to_string(),
        what,
        run.map_or_else(String::new, |run| run.to_string()),
        file,
        digest.map_or_else(String::new, godwit::model::Digest::short),
        items,
    ]
}

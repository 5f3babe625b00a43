//! `godwit import`

use std::path::PathBuf;

use godwit::HostError;
use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Name, RunState, Source, Stage, Version};
use godwit::plan::{Finding, Goal, Kind, Planned};
use godwit::store::{OpenMode, Store};
use godwit::transfer::{
    self, BadLine, BadLineReason, ImportCounts, ImportError, ImportReport, ImportSettings,
    Importer, OnExisting, Pointer, Waiting,
};
use serde_json::json;

use super::FailureArgs;
use super::up::way_past;
use crate::archive::{Input, Meter, Unit};
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Put documents into a collection: JSON, one document a line (NDJSON).
///
/// Bodies are stored exactly as they are spelled. The file may be packed with gzip or zstd. It may
/// be killed at any instant: the same command goes on where it was. Lines that cannot be imported
/// are named, and all others are imported.
///
/// Documents that are older than their collection go through the migrations in between on their way in, where there are
/// plugins and these see nothing but the document itself; the others wait for `godwit up`, and so do those that fail. When
/// too many do, the import stops, as a run does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit import --app bcd --collection features --version 1.0.0 features.ndjson.gz
  godwit import --collection features --version 1.0.0 --on-existing replace more.ndjson
  godwit import --collection features --version-at /meta/version mixed.ndjson
  zcat notes.gz | godwit import --app notes --collection notes --version 2.3.0 --id /meta/id")]
pub struct Args {
    /// Read this file, or standard input as `-`.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Put the documents into this collection, which is made if it is not there.
    #[arg(long, value_name = "NAME")]
    collection: Name,
    /// Say which app the documents belong to; needed where the collection is new.
    #[arg(long, value_name = "NAME")]
    app: Option<Name>,
    /// Say which version of the app has the shape that the documents have.
    #[arg(long, value_parser = super::parse_version, required_unless_present = "version_at")]
    version: Option<Version>,
    /// Take the version of each document from this JSON pointer; one that has nothing there has that of
    /// --version.
    #[arg(long, value_name = "POINTER")]
    version_at: Option<Pointer>,
    /// Take the id, a string or an integer, from this JSON pointer.
    #[arg(long, value_name = "POINTER", default_value = "/_id")]
    id: Pointer,
    /// Refuse, replace or keep items that are there already with another body or version.
    #[arg(long, value_name = "refuse|replace|keep", default_value = "refuse", value_parser = parse_on_existing)]
    on_existing: OnExisting,
    /// Leave items of older versions as they are, so that they wait for `godwit up`, instead of migrating them on
    /// the way in; and take such as are newer than all migrations, though `godwit up` refuses then.
    #[arg(long)]
    as_is: bool,
    #[command(flatten)]
    failure: FailureArgs,
    /// Start at the first line, even if an import of this file was interrupted.
    #[arg(long)]
    restart: bool,
}

/// How documents are imported that are refused because they are newer than all migrations.
const AS_IS: &str = "`--as-is` takes what is newer than all migrations, too, and `godwit up` refuses then until it is replaced \
     or deleted, or its migrations are there";

fn parse_on_existing(text: &str) -> Result<OnExisting, String> {
    match text {
        "refuse" => Ok(OnExisting::Refuse),
        "replace" => Ok(OnExisting::Replace),
        "keep" => Ok(OnExisting::Keep),
        _ => Err("it is `refuse`, `replace` or `keep`".to_owned()),
    }
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    // A file that cannot be read makes no store.
    let mut input = Input::open(&args.file)?;
    let store = context.store(OpenMode::Create)?;
    let mut settings = settings(args, &store, &input, context)?;
    let level = transfer::level(&store, &settings.app, &settings.collection)?;
    let catalogue = catalogue(args, level.as_ref(), &settings, context)?;
    let migrates = catalogue.is_some();
    let mut host = context.wire(store, catalogue.unwrap_or_default());
    settings.highest = host.highest(&settings.app)?;
    if migrates {
        let mut options = context.options()?;
        args.failure.apply(&mut options);
        (settings.on_failure, settings.max_failures) = (options.on_failure, options.max_failures);
        host.options = options;
    }
    context.catch_interrupts()?;
    let label = format!("import of {}", settings.collection);
    let quiet = context.quiet || context.json;
    let unit = if input.length.is_some() {
        Unit::Bytes
    } else {
        Unit::Items
    };
    let meter = Meter::new(label, input.length, unit, quiet);
    let position = input.position();
    let mut lease = host.lease("import")?;
    let control = &context.control;
    let result = host.directed("import", control, || {
        let way_in = match migrates {
            true => host.way_in(&settings.app, &settings.collection, control)?,
            false => None,
        };
        let importer = Importer {
            store: host.store(),
            clock: &*context.surroundings.clock,
            settings: &settings,
            way_in: way_in.as_ref().map(|way| way as _),
            control,
            observer: &|counts| meter.at_with(position(), items(counts), &written(counts)),
        };
        Ok::<_, HostError>(importer.import(&mut lease, &mut *input.reader))
    });
    // Nothing is lost when that fails: the lease expires.
    let _ = lease.release(host.store());
    let took = meter.finish();
    match result? {
        Ok(report) => Ok(finish(&report, &settings, &host, took, context)),
        Err(ImportError::Read { report, source }) => {
            print_bad_lines(&report, context);
            Err(unreadable(&input.name, &report, &source))
        }
        Err(error) => Err(failure(error, &host)),
    }
}

/// The migrations, where documents may have to go through them on their way in, or may be newer than all of them; `None`:
/// they do not matter.
fn catalogue(
    args: &Args,
    level: Option<&Version>,
    settings: &ImportSettings,
    context: &Context,
) -> Result<Option<Catalogue>, Failure> {
    let have_its_version = settings.version.as_ref() == level && settings.version_at.is_none();
    if args.as_is || !context.has_plugins() || have_its_version {
        return Ok(None);
    }
    let may_be_older = settings.version_at.is_some() || settings.version.as_ref() < level;
    match level {
        Some(_) if may_be_older => Ok(Some(context.catalogue()?)),
        // The migrations of a new app need not be there yet.
        _ => Ok(Some(context.catalogue_so_far()?)),
    }
}

fn settings(
    args: &Args,
    store: &Store,
    input: &Input,
    context: &Context,
) -> Result<ImportSettings, Failure> {
    let known = store.collection(&args.collection)?.map(|record| record.app);
    let app = args.app.clone().or(known).ok_or_else(|| {
        let message = format!(
            "{} is a new collection, and no app was named for it",
            args.collection
        );
        Failure::input(message, "say which app the documents belong to: --app NAME")
    })?;
    let settings = ImportSettings::new(app, args.collection.clone(), args.version.clone());
    Ok(ImportSettings {
        version_at: args.version_at.clone(),
        id: args.id.clone(),
        on_existing: args.on_existing,
        source: input.source,
        restart: args.restart,
        // No migration could be fed a longer one.
        body_bytes: context.config.limits().body_bytes,
        ..settings
    })
}

fn items(counts: &ImportCounts) -> u64 {
    counts.lines - counts.blank - counts.bad
}

fn finish(
    report: &ImportReport,
    settings: &ImportSettings,
    host: &Host,
    took: u64,
    context: &Context,
) -> Code {
    print_bad_lines(report, context);
    if context.json {
        output::json(&json!({ "import": report }));
    } else {
        print(report, settings, took);
        hints(report, host);
        if report.done && report.counts.waiting > 0 {
            hint_at_waiting(host, &settings.app, context);
        }
    }
    match report {
        ImportReport { done: false, .. } => Code::Stopped,
        ImportReport {
            counts: ImportCounts {
                bad: 0, failed: 0, ..
            },
            ..
        } => Code::Done,
        _ => Code::Migration,
    }
}

fn print(report: &ImportReport, settings: &ImportSettings, took: u64) {
    let ImportSettings {
        app, collection, ..
    } = settings;
    let versions = versions(settings);
    let (what, took) = (said(&report.counts), output::duration(took));
    if let Some(lines) = report.resumed_behind {
        output::line(format!("went on behind line {}", output::count(lines)));
    }
    output::line(format!("{collection} ({app} {versions}): {what} in {took}"));
    for waiting in &report.hurdles {
        let Waiting { hurdle, items } = waiting;
        let waits = if *items == 1 { "waits" } else { "wait" };
        let items = output::counted(*items, "document");
        let reason = format!("  {items} {waits} for {app} {hurdle}");
        output::line(output::one_line(&reason, 1_000));
    }
}

/// What to do about what is not as it should be.
fn hints(report: &ImportReport, host: &Host) {
    if !report.done && report.can_resume {
        output::hint("the same command goes on");
    } else if !report.done {
        output::hint("import the same again: what is there already is left alone");
    } else if report.counts.bad > 0 {
        output::hint(
            "mend these lines and import the file again: what is there already is left alone",
        );
        let has = |is_it: fn(&BadLineReason) -> bool| {
            report.bad_lines.iter().any(|line| is_it(&line.reason))
        };
        if has(|why| matches!(why, BadLineReason::NoVersion { .. })) {
            output::hint("`--version V` says which version documents have that say none");
        }
        if has(|why| matches!(why, BadLineReason::TooNew { .. })) {
            output::hint(AS_IS);
        }
        if has(|why| matches!(why, BadLineReason::Exists { .. })) {
            output::hint("`--on-existing replace` takes these lines for items that are there");
        }
        let runs = report
            .bad_lines
            .iter()
            .filter_map(|line| match line.reason {
                BadLineReason::RunInTheWay { run, .. } => Some(run),
                _ => None,
            });
        // A store that cannot be read any more says nothing of its runs.
        let run = { runs }
            .next()
            .and_then(|run| host.store().run(run).ok().flatten());
        if let Some(run) = run {
            let runs = host.store().runs().unwrap_or_default();
            output::hint(&way_past(&run, &runs));
        }
    }
}

/// Tells what brings those up to date that wait, where there is something that does.
fn hint_at_waiting(host: &Host, app: &Name, context: &Context) {
    if !context.has_plugins() {
        return output::hint(&format!(
            "`godwit up` with the migrations of {app} brings those that wait up to date"
        ));
    }
    let planned = match host.catalogue().migrations().is_empty() {
        false => plan(host, app),
        // They were not looked at, or there are none.
        true => context
            .catalogue_so_far()
            .and_then(|catalogue| plan(&context.wire(host.store().clone(), catalogue), app)),
    };
    let Ok(planned) = planned else { return };
    let is_theirs = |stage: &Stage| stage.source == Source::Behind;
    let is_unknown = |finding: &Finding| finding.kind() == Kind::AppUnknown;
    if planned.resumes.is_some() || planned.plan.stages.iter().any(is_theirs) {
        output::hint("`godwit up` brings those that wait up to date");
    } else if planned.is_refused() && !planned.findings.iter().any(is_unknown) {
        output::hint(
            "`godwit plan` tells what keeps those that wait from being brought up to date",
        );
    }
}

fn plan(host: &Host, app: &Name) -> Result<Planned, Failure> {
    let goal = Goal {
        app: Some(app.clone()),
        ..Goal::default()
    };
    Ok(host.plan(&goal)?)
}

/// Which versions the documents have, as in `1.2.0`, or `at /meta/version, else 1.2.0`.
fn versions(settings: &ImportSettings) -> String {
    match (&settings.version_at, &settings.version) {
        (Some(pointer), Some(version)) => format!("at {pointer}, else {version}"),
        (Some(pointer), None) => format!("at {pointer}"),
        (None, version) => version.iter().map(ToString::to_string).collect(),
    }
}

/// What became of the lines, leaving out what did not happen.
fn said(counts: &ImportCounts) -> String {
    let lines = output::counted(counts.lines - counts.blank, "document");
    let mut parts = listed(&[(counts.created, "new"), (counts.replaced, "replaced")]);
    // They are some of these.
    if let Some(last) = parts.last_mut() {
        last.push_str(&written(counts));
    }
    parts.extend(listed(&[
        (counts.kept, "kept as they were"),
        (counts.present, "there already"),
        (counts.removed, "removed by a migration"),
        (counts.bad, "not imported"),
    ]));
    if parts.is_empty() {
        lines
    } else {
        format!("{lines}: {}", parts.join(", "))
    }
}

fn listed(parts: &[(u64, &str)]) -> Vec<String> {
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    parts
        .map(|(number, what)| format!("{} {what}", output::count(*number)))
        .collect()
}

/// How many of the items that were written were migrated, and how many wait; nothing where none did.
fn written(counts: &ImportCounts) -> String {
    match &listed(&[(counts.migrated, "migrated"), (counts.waiting, "waiting")])[..] {
        [] => String::new(),
        parts => format!(" ({})", parts.join(", ")),
    }
}

fn print_bad_lines(report: &ImportReport, context: &Context) {
    if context.json {
        return;
    }
    for line in &report.bad_lines {
        output::warning(&bad_line(line));
    }
    let more = report.counts.bad - report.bad_lines.len() as u64;
    if more > 0 {
        output::warning(&format!("{} more", output::counted(more, "bad line")));
    }
    for failed in &report.failures {
        output::warning(&output::one_line(&failed.to_string(), 1_000));
    }
    let more = report.counts.failed - report.failures.len() as u64;
    if more > 0 {
        let items = output::counted(more, "document");
        output::warning(&format!("{items} more failed on the way in"));
    }
}

fn bad_line(line: &BadLine) -> String {
    output::one_line(&line.to_string(), 1_000)
}

fn unreadable(name: &str, report: &ImportReport, source: &std::io::Error) -> Failure {
    let lines = output::count(report.counts.lines);
    let message = if source.kind() == std::io::ErrorKind::UnexpectedEof {
        format!("{name} ends in the middle of the archive, behind line {lines}")
    } else {
        format!("{name} cannot be read behind line {lines}: {source}")
    };
    let hint = match report.counts.lines {
        0 => "nothing was imported; get the whole file and import it",
        _ => {
            "the lines before are imported. Get the whole file and import it: what is there \
             already is left alone"
        }
    };
    Failure::input(message, hint)
}

fn failure(error: ImportError, host: &Host) -> Failure {
    let message = error.to_string();
    match error {
        ImportError::Lease(error) => HostError::from(error).into(),
        ImportError::Store(error) => error.into(),
        ImportError::UnfinishedRun { run, .. } => {
            let until = match run.state {
                RunState::Undoing => "",
                _ => {
                    ". Until then, `--on-existing replace` takes the place of items in quarantine only"
                }
            };
            let runs = host.store().runs().unwrap_or_default();
            let hint = format!("{}{until}", way_past(&run, &runs));
            Failure::other(Code::Findings, message, hint)
        }
        ImportError::ForeignCollection { .. } => {
            Failure::input(message, "name the app that owns it, or another collection")
        }
        ImportError::NoBaseline { .. } => {
            Failure::input(message, "name it beside --version-at: --version V")
        }
        ImportError::VersionTooNew { .. } => {
            let hint = format!("give the version whose shape the documents have; {AS_IS}");
            Failure::input(message, hint)
        }
        ImportError::VersionTooLong { .. } => Failure::input(message, "use a shorter version"),
        ImportError::ItemFailed(_) | ImportError::TooManyFailures { .. } => {
            let hint = "nothing of these lines is imported, and what came before stays. Mend the migration or the \
                 documents, or let more of them wait: the same command with `--max-failures N` or \
                 `--on-failure quarantine` goes on; `--as-is` migrates none";
            Failure::other(Code::Migration, message, hint)
        }
        ImportError::WayIn(error) => {
            let message = format!("{message}: {}", godwit::with_causes(&*error));
            let hint =
                "`godwit inspect` tells more about the plugin; --as-is imports without migrating";
            Failure::other(Code::Migration, message, hint)
        }
        ImportError::SourceChanged { .. } => Failure::input(
            message,
            "--restart imports all lines: what is there already is left alone",
        ),
        ImportError::Read { .. } => {
            Failure::input(message, "get the whole file and import it again")
        }
        _ => Failure::other(Code::Internal, message, "give the same command again"),
    }
}

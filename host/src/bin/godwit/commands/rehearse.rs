//! `godwit rehearse`

mod page;

use std::path::{Path, PathBuf};
use std::time::Duration;

use godwit::Rehearsal;
use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::store::{Backup, OpenMode, Store, StoreUrl};
use serde::Serialize;
use tempfile::TempDir;

use super::lock::{self, write_lock};
use super::pack::write;
use super::plan::GoalArgs;
use super::{FeedingArgs, runs, verify};
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;
use crate::progress::Progress;
use crate::schemas::Schemas;

/// Try everything that is pending on copies that are thrown away.
///
/// First from scratch: an empty store, all migrations; the collections and indexes that schema files ask for must be there.
/// Then on a copy of the store, or of a backup or another store: everything that is pending is carried out and verified, a
/// second pass must change nothing, and an undo must restore every byte. The store itself is not written to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit rehearse --store lmdb:data --plugins migrations
  godwit rehearse --from before-3.0.godwit --html rehearsal.html --lock
  godwit rehearse --only scratch")]
pub struct Args {
    #[command(flatten)]
    goal: GoalArgs,
    /// Rehearse on a copy of this backup or store. [default: the store]
    #[arg(long, value_name = "FILE|URL")]
    from: Option<String>,
    /// Rehearse this only.
    #[arg(long, value_name = "WHAT")]
    only: Option<Only>,
    /// Forget what was applied: each item has the version that it was last written with.
    #[arg(long)]
    clear_state: bool,
    /// Hold items to the JSON Schemas in this folder. [default: `schemas` in godwit.toml]
    #[arg(long, value_name = "FOLDER")]
    schemas: Option<PathBuf>,
    /// Write a page about it, too, that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Lock the migrations if nothing is wrong. [default file: godwit.lock]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = lock::NAME)]
    lock: Option<PathBuf>,
    #[command(flatten)]
    feeding: FeedingArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// An empty store.
    Scratch,
    /// A copy of what there is.
    Data,
}

/// What was rehearsed.
#[derive(Debug, Serialize)]
struct Rehearsed {
    good: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scratch: Option<Rehearsal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Rehearsal>,
    plugins: Vec<Used>,
}

/// How near a plugin came to its limits.
#[derive(Debug, Serialize)]
struct Used {
    app: String,
    version: String,
    /// The most memory that it had.
    memory: usize,
    /// The most that it may have.
    memory_limit: usize,
    /// The longest that it took for a batch, in milliseconds, to a hundredth of a second.
    batch_milliseconds: u64,
    /// The longest that it may take, in milliseconds.
    batch_milliseconds_limit: u64,
}

/// A limit of a plugin, and how near it came.
struct Reached {
    what: &'static str,
    most: String,
    limit: String,
    is_near: bool,
}

impl Used {
    /// Its limits, and how near it came to each. It is near where less than a fifth of it is left.
    fn limits(&self) -> [Reached; 2] {
        let is_near = |most: u64, limit: u64| most > limit / 10 * 8;
        let (memory, memory_limit) = (self.memory as u64, self.memory_limit as u64);
        let (time, time_limit) = (self.batch_milliseconds, self.batch_milliseconds_limit);
        [
            Reached {
                what: "memory",
                most: output::bytes(memory),
                limit: output::bytes(memory_limit),
                is_near: is_near(memory, memory_limit),
            },
            Reached {
                what: "time for a batch",
                most: output::duration(time),
                limit: output::duration(time_limit),
                is_near: is_near(time, time_limit),
            },
        ]
    }
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    context.catch_interrupts()?;
    let folder = args.schemas.as_ref().or(context.config.schemas.as_ref());
    let schemas = folder.map(|folder| Schemas::read(folder)).transpose()?;
    let schemas = schemas.unwrap_or_default();
    let stage = Stage {
        args,
        context,
        schemas,
        folder: temporary()?,
    };
    let scratch = match args.only {
        Some(Only::Data) => None,
        _ => Some(stage.scratch()?),
    };
    let data = match args.only {
        Some(Only::Scratch) => None,
        _ => stage.data()?,
    };
    let parts: Vec<_> = [&scratch, &data].into_iter().flatten().collect();
    let (reports, hosts): (Vec<&Rehearsal>, Vec<&Host>) = parts
        .into_iter()
        .map(|(rehearsal, host)| (rehearsal, host))
        .unzip();
    let good = reports.iter().all(|rehearsal| rehearsal.is_good()) && !context.control.is_stopped();
    let plugins = hosts
        .last()
        .map_or_else(Vec::new, |host| used(host.catalogue()));
    if let Some(file) = args.lock.as_ref().filter(|_| good)
        && let Some(host) = hosts.last()
    {
        write_lock(file, host.catalogue())?;
    }
    let rehearsed = Rehearsed {
        good,
        scratch: scratch.map(|(rehearsal, _)| rehearsal),
        data: data.map(|(rehearsal, _)| rehearsal),
        plugins,
    };
    if let Some(file) = &args.html {
        write(file, page::draw(&rehearsed).as_bytes())?;
    }
    if context.json {
        output::json(&rehearsed);
    } else {
        print(&rehearsed, args);
    }
    Ok(match good {
        _ if context.control.is_stopped() => Code::Stopped,
        true => Code::Done,
        false => Code::Migration,
    })
}

fn temporary() -> Result<TempDir, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("godwit-rehearsal-")
        .tempdir();
    folder.map_err(|error| {
        let message = format!("no temporary folder can be made: {error}");
        let hint = "make room, or set TMPDIR to another disk";
        Failure::other(Code::Store, message, hint)
    })
}

fn used(catalogue: &Catalogue) -> Vec<Used> {
    let migrations = catalogue.migrations().iter();
    migrations
        .filter_map(|migration| {
            let component = catalogue.component(&migration.digest)?;
            Some(Used {
                app: migration.app.to_string(),
                version: migration.version.to_string(),
                memory: component.peak_memory(),
                memory_limit: component.limits().memory_bytes,
                batch_milliseconds: milliseconds(component.longest_batch()),
                batch_milliseconds_limit: milliseconds(component.batch_limit()),
            })
        })
        .collect()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Where it takes place.
struct Stage<'a> {
    args: &'a Args,
    context: &'a Context,
    schemas: Schemas,
    folder: TempDir,
}

impl Stage<'_> {
    fn scratch(&self) -> Result<(Rehearsal, Host), Failure> {
        self.context.remark("from scratch");
        let backend = self.url("scratch").open(OpenMode::Create)?;
        self.rehearse(Store::new(backend)?)
    }

    /// `None`: there is no store, and none was named.
    fn data(&self) -> Result<Option<(Rehearsal, Host)>, Failure> {
        let Some(from) = &self.args.from else {
            let url = self.context.store_url()?;
            if self.args.only.is_none() && url.folder().is_some_and(|folder| !folder.exists()) {
                self.context
                    .remark("there is no store yet, and nothing to copy");
                return Ok(None);
            }
            let store = self.context.store(OpenMode::Existing)?;
            return self.on(&store, &url.to_string()).map(Some);
        };
        if Path::new(from).is_file() {
            self.context.remark(&format!("on a copy of {from}"));
            return self.on_backup(Path::new(from)).map(Some);
        }
        let url: StoreUrl = from.parse()?;
        let store = Store::new(url.open(OpenMode::Existing)?)?;
        self.on(&store, from).map(Some)
    }

    fn on(&self, store: &Store, name: &str) -> Result<(Rehearsal, Host), Failure> {
        self.context.remark(&format!("on a copy of {name}"));
        let backend = self.url("data").open(OpenMode::Create)?;
        godwit::copy(store, &*backend, self.args.clear_state)?;
        self.rehearse(Store::new(backend)?)
    }

    fn on_backup(&self, file: &Path) -> Result<(Rehearsal, Host), Failure> {
        let backup = Backup::open(file)?;
        let backend = self.url("backup").open(OpenMode::Create)?;
        let control = &self.context.control;
        backup.restore_into(&*backend, &mut |_| match control.is_stopped() {
            true => std::ops::ControlFlow::Break(()),
            false => std::ops::ControlFlow::Continue(()),
        })?;
        if !self.args.clear_state {
            return self.rehearse(Store::new(backend)?);
        }
        let restored = Store::new(backend)?;
        self.on(&restored, &file.display().to_string())
    }

    fn url(&self, name: &str) -> StoreUrl {
        StoreUrl::Lmdb(self.folder.path().join(name))
    }

    fn rehearse(&self, store: Store) -> Result<(Rehearsal, Host), Failure> {
        let Self { args, context, .. } = self;
        let store = store.compressing(context.config.compression);
        let mut host = Host::new(store, context.catalogue()?, context.surroundings.clone());
        host.policy = context.config.policy.clone();
        host.grants = context.config.grants.grants();
        args.goal.allowed.apply(&mut host)?;
        host.options = context.options()?;
        // It names every item that fails.
        host.options.on_failure = godwit::run::OnFailure::Quarantine;
        host.options.max_failures = godwit::run::MaxFailures::Percent(100);
        args.feeding.apply(&mut host.options);
        let progress = Progress::new(context.quiet || context.json);
        let schema = |collection: &_, item: &_| self.schemas.findings(collection, item);
        let rehearsal = host.rehearse(&args.goal.goal(), &schema, &progress, &context.control);
        Ok((rehearsal?, host))
    }
}

fn print(rehearsed: &Rehearsed, args: &Args) {
    if let Some(rehearsal) = &rehearsed.scratch {
        output::line("from scratch:");
        print_part(rehearsal);
    }
    if let Some(rehearsal) = &rehearsed.data {
        output::line("on existing data:");
        print_part(rehearsal);
    }
    for used in &rehearsed.plugins {
        for reached in used.limits().iter().filter(|reached| reached.is_near) {
            output::warning(&format!(
                "{} {} came near its limit: {} of {} of {}",
                used.app, used.version, reached.most, reached.limit, reached.what
            ));
        }
    }
    if rehearsed.good {
        output::line("nothing is wrong");
        if let Some(file) = &args.lock {
            output::line(format!("{} locks these migrations", file.display()));
        }
    } else {
        output::line("something is wrong");
        output::hint(&way_on(rehearsed));
    }
}

/// What to do about what is wrong.
fn way_on(rehearsed: &Rehearsed) -> String {
    let parts: Vec<_> = { rehearsed.scratch.iter() }
        .chain(&rehearsed.data)
        .collect();
    let has = |is_wrong: &dyn Fn(&Rehearsal) -> bool| parts.iter().any(|part| is_wrong(part));
    let mut ways = Vec::new();
    if has(&|part| !part.failures.is_empty()) {
        ways.push("mend the migrations or the items that fail, `godwit up --dry-run` names them");
    }
    if has(&|part| !part.flaws.is_empty()) {
        ways.push("mend what leaves flaws behind");
    }
    if has(&|part| part.second_pass_is_idle == Some(false)) {
        ways.push("let migrations leave alone what is done: `godwit check` tries each by itself");
    }
    if has(&|part| part.not_restored.iter().any(|names| !names.is_empty())) {
        ways.push("back up before the run: `godwit up --backup always`");
    }
    if has(&|part| !part.missing.is_empty()) {
        ways.push("mend the schema files, or the migrations that take away what they ask for");
    }
    if ways.is_empty() {
        ways.push("`--json` tells how each run ended");
    }
    format!(
        "the store is as it was; {}; then rehearse again",
        ways.join("; ")
    )
}

/// How many failures and flaws are named.
const NAMED: usize = 100;

fn print_part(rehearsal: &Rehearsal) {
    for report in &rehearsal.reports {
        output::line(format!(
            "  {}: {}",
            runs::versions(&report.run),
            report.run.state
        ));
        runs::print_steps(report);
    }
    if rehearsal.reports.is_empty() {
        output::line("  nothing to do: everything is up to date");
    }
    for failure in rehearsal.failures.iter().take(NAMED) {
        let id = output::one_line(&failure.id, 512);
        let reason = output::reason(&failure.reason, 300);
        let (collection, version, kind) = (&failure.collection, &failure.version, &failure.kind);
        output::line(format!(
            "  ! {collection}/{id}: {version}: {kind}: {reason}"
        ));
    }
    for flaw in rehearsal.flaws.iter().take(NAMED) {
        output::line(format!("  {}", verify::line(flaw)));
    }
    let more = rehearsal.failures.len().saturating_sub(NAMED)
        + rehearsal.flaws.len().saturating_sub(NAMED);
    if more > 0 {
        output::line(format!("  and {more} more; --json and --html name all"));
    }
    for sample in &rehearsal.samples {
        let id = output::one_line(&sample.id, 512);
        output::line(format!("  ~ {}/{id}", sample.collection));
        for line in &sample.diff {
            output::line(format!("      {}", output::one_line(line, 300)));
        }
    }
    for missing in &rehearsal.missing {
        output::line(format!("  ! {missing} is missing"));
    }
    for line in checks(rehearsal) {
        output::line(format!("  {line}"));
    }
}

/// What else was found, a line each.
fn checks(rehearsal: &Rehearsal) -> Vec<String> {
    let mut lines = Vec::new();
    let items: u64 = rehearsal.before.iter().map(|found| found.items).sum();
    let mut cost = format!("it took {}", output::duration(rehearsal.took));
    if items > 0 {
        cost += &format!(" for {}", output::counted(items, "item"));
    }
    if let Some((before, after)) = rehearsal.disk {
        let more = after.saturating_sub(before);
        cost += &format!(" and {} of disk", output::bytes(more));
    }
    lines.push(cost);
    lines.push(match rehearsal.second_pass_is_idle {
        Some(true) => "a second pass changed nothing".to_owned(),
        Some(false) => "! a second pass changed something".to_owned(),
        None => "a second pass was not tried".to_owned(),
    });
    lines.push(match rehearsal.not_restored.as_deref() {
        Some([]) => "an undo restored every byte".to_owned(),
        Some(names) => {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            format!("! an undo did not restore {}", names.join(", "))
        }
        None => "an undo was not tried".to_owned(),
    });
    lines
}

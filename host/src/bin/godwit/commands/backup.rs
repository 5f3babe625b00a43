//! `godwit backup`

use std::path::{Path, PathBuf};
use std::time::Duration;

use godwit::catalogue::Catalogue;
use godwit::model::{Name, Run, Version};
use godwit::store::{Backup, BackupError, Manifest, OpenMode, StoreError, StoreUrl};
use godwit::{FoundBackup, HostError, Status};
use serde_json::json;

use crate::archive::{Meter, Unit};
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::limits;
use crate::output;

#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    Create(Create),
    Verify(Verify),
    Restore(Restore),
    List(List),
    Prune(Prune),
}

/// Copy everything that the store has, as it is at one moment, into a file.
///
/// Items, what an undo needs, history, indexes. Reading and writing go on meanwhile; on sled only reading does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit backup create --store lmdb:data
  godwit backup create before-3.0.godwit")]
pub struct Create {
    /// The file, in a folder that is there. [default: one named after the moment, in the folder of backups]
    file: Option<PathBuf>,
    #[command(flatten)]
    folder: FolderArgs,
}

/// Read every byte of a backup and compare it with what was written.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit backup verify data.backups/2026-11-27T14-00-00.000Z.godwit")]
pub struct Verify {
    /// The backup: a file, or a name in the folder of backups. [default: the newest one of the store]
    backup: Option<PathBuf>,
    #[command(flatten)]
    folder: FolderArgs,
}

/// Put a backup in the place of the store, at once.
///
/// It is put into a new store and read back first; then the one takes the place of the other in a single step. What was
/// there before is kept beside it, under a name that is told. It is refused while a server, or an application with Godwit in
/// it, has the store open, which would go on with what was there before: stop it first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit backup restore --store lmdb:data --dry-run
  godwit backup restore --store lmdb:data before-3.0.godwit
  godwit backup restore --store sled:copy before-3.0.godwit")]
pub struct Restore {
    /// The backup: a file, or a name in the folder of backups. [default: the newest one of the store]
    backup: Option<PathBuf>,
    /// Change nothing: read every byte of the backup, and say what would come, what would be replaced, and whose backup it is.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    folder: FolderArgs,
}

/// List the backups of the store, and others in the same folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit backup list --store lmdb:data")]
pub struct List {
    #[command(flatten)]
    folder: FolderArgs,
}

/// Remove old backups of the store.
///
/// A backup is kept while nothing else takes back a run: one that is unfinished and has no pre-images. Those of other stores in
/// the same folder are let be, and files that cannot be read: they are named.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit backup prune --keep 7
  godwit backup prune --older-than 30d --keep 1")]
pub struct Prune {
    /// Keep so many of the newest ones.
    #[arg(long, value_name = "N")]
    keep: usize,
    /// Of the others, remove those only that are older than this, as in 30d or 12h.
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    older_than: Option<Duration>,
    /// Remove also what an unfinished run needs to be taken back.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    folder: FolderArgs,
}

#[derive(Debug, clap::Args)]
struct FolderArgs {
    /// The folder of backups. [default: `backups` in godwit.toml, or a folder beside the store]
    #[arg(long, value_name = "FOLDER")]
    backups: Option<PathBuf>,
}

fn parse_age(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').map(|days| (days, 86_400));
    let hours = text.strip_suffix('h').map(|hours| (hours, 3_600));
    let Some((number, unit)) = days.or(hours) else {
        return limits::parse_time(text)
            .map_err(|_| format!("`{text}` is no age, as in 30d or 12h"));
    };
    let number: Option<u64> = number.trim().parse().ok();
    let seconds = number.and_then(|number| number.checked_mul(unit));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is no age, as in 30d or 12h"))
}

pub fn run(verb: &Verb, context: &Context) -> Result<Code, Failure> {
    match verb {
        Verb::Create(args) => create(args, context),
        Verb::Verify(args) => verify(args, context),
        Verb::Restore(args) => restore(args, context),
        Verb::List(args) => list(args, context),
        Verb::Prune(args) => prune(args, context),
    }
}

impl FolderArgs {
    fn folder(&self, context: &Context) -> Result<PathBuf, Failure> {
        match &self.backups {
            Some(folder) => Ok(folder.clone()),
            None => folder(context),
        }
    }
}

/// The folder of the store's backups.
pub fn folder(context: &Context) -> Result<PathBuf, Failure> {
    if let Some(folder) = &context.config.backups {
        return Ok(folder.clone());
    }
    let store = context.store_folder()?.ok_or_else(|| {
        let remote = context.store_url().is_ok_and(|url| url.is_remote());
        let place = if remote { "on a server" } else { "in memory" };
        let message = format!("a store {place} has no folder beside it");
        Failure::input(message, "name a folder with --backups")
    })?;
    let name = store.file_name().unwrap_or_default().to_string_lossy();
    Ok(store.with_file_name(format!("{name}.backups")))
}

fn create(args: &Create, context: &Context) -> Result<Code, Failure> {
    let store = context.store_to_back_up(OpenMode::Existing)?;
    let host = context.wire(store, Catalogue::new());
    context.catch_interrupts()?;
    let folder = args.file.is_none().then(|| args.folder.folder(context));
    let folder = folder.transpose()?.unwrap_or_default();
    let quiet = context.quiet || context.json;
    let meter = Meter::new("backup".to_owned(), None, Unit::Items, quiet);
    let mut observer = |entries| meter.at(entries, entries);
    let made = match &args.file {
        Some(file) => host
            .back_up(file, &context.control, &mut observer)
            .map(|manifest| (file.clone(), manifest)),
        None => host.back_up_in(&folder, &context.control, &mut observer),
    };
    meter.finish();
    let (file, manifest) = made?;
    if context.json {
        output::json(&json!({ "file": file, "backup": told(&manifest) }));
    } else {
        let bytes = std::fs::metadata(&file).map_or(0, |file| file.len());
        output::line(format!(
            "{}: {}, {}",
            file.display(),
            summary(&manifest),
            output::bytes(bytes)
        ));
    }
    Ok(Code::Done)
}

/// The backup that is meant.
fn chosen(named: Option<&Path>, folder: &FolderArgs, context: &Context) -> Result<Backup, Failure> {
    let Some(named) = named else {
        let folder = folder.folder(context)?;
        let own = files(&folder, context)?
            .into_iter()
            .filter(|file| file.is_own);
        let newest = own.last().ok_or_else(|| {
            let message = format!("there is no backup of this store in {}", folder.display());
            Failure::input(
                message,
                "name a file: `godwit backup list` shows those of other stores, too; `godwit backup create` makes one",
            )
        })?;
        return Ok(newest.backup?);
    };
    let is_name = named.components().count() == 1 && !named.exists();
    // Where there is no folder of backups, it can be a file only.
    let folder = is_name.then(|| folder.folder(context).ok()).flatten();
    let Some(folder) = folder else {
        return Ok(Backup::open(named)?);
    };
    match Backup::open(&folder.join(named)) {
        Err(BackupError::Missing(_)) => {
            let (named, folder) = (named.display(), folder.display());
            let message = format!("there is no backup {named}: no such file, and none in {folder}");
            let hint = "`godwit backup list` names those in the folder of backups; name others by their path";
            Err(Failure::input(message, hint))
        }
        opened => Ok(opened?),
    }
}

fn verify(args: &Verify, context: &Context) -> Result<Code, Failure> {
    context.catch_interrupts()?;
    let backup = chosen(args.backup.as_deref(), &args.folder, context)?;
    read_all(&backup, context)?;
    if context.json {
        output::json(&json!({ "file": backup.path(), "backup": told(backup.manifest()) }));
    } else {
        let text = format!(
            "{} is whole: {}",
            backup.path().display(),
            summary(backup.manifest())
        );
        output::line(text);
    }
    Ok(Code::Done)
}

fn read_all(backup: &Backup, context: &Context) -> Result<(), Failure> {
    let entries = backup.manifest().entries;
    let quiet = context.quiet || context.json;
    let meter = Meter::new(
        "reading the backup".to_owned(),
        Some(entries),
        Unit::Items,
        quiet,
    );
    let read = backup.verify(&mut |entries| {
        meter.at(entries, entries);
        match context.control.is_stopped() {
            true => std::ops::ControlFlow::Break(()),
            false => std::ops::ControlFlow::Continue(()),
        }
    });
    meter.finish();
    Ok(read?)
}

fn restore(args: &Restore, context: &Context) -> Result<Code, Failure> {
    context.catch_interrupts()?;
    let backup = chosen(args.backup.as_deref(), &args.folder, context)?;
    let url = context.store_url()?;
    if args.dry_run {
        return try_restore(&backup, &url, context);
    }
    let entries = backup.manifest().entries;
    let quiet = context.quiet || context.json;
    let meter = Meter::new("restore".to_owned(), Some(entries), Unit::Items, quiet);
    let restored = godwit::restore(
        &url,
        &backup,
        &context.surroundings,
        &context.control,
        &mut |entries| meter.at(entries, entries),
    );
    meter.finish();
    let restored = restored?;
    if context.json {
        output::json(&json!({ "restored": restored, "backup": told(backup.manifest()) }));
    } else {
        output::line(format!(
            "{} now has {}",
            restored.store,
            summary(backup.manifest())
        ));
        if let Some(replaced) = &restored.replaced {
            let text = format!(
                "what was there before is in {}; remove it when it is no longer needed",
                replaced.display()
            );
            output::hint(&text);
        }
    }
    Ok(Code::Done)
}

/// What a restore finds in the place of the store that it makes.
enum There {
    Nothing,
    Store(Box<Status>),
    /// Something that cannot be read, and why.
    Unknown(String),
}

impl There {
    /// Looks; what a restore would refuse to replace is a failure here, too.
    fn look(url: &StoreUrl, context: &Context) -> Result<Self, Failure> {
        let folder = url.folder();
        if folder.is_none() && !url.is_remote() {
            let message = "a store in memory cannot be restored";
            return Err(Failure::input(message, "name a folder with --store"));
        }
        let opened = context.store(OpenMode::Existing);
        let read = opened.and_then(|store| Ok(context.wire(store, Catalogue::new()).status()?));
        match read {
            Ok(status) => Ok(Self::Store(Box::new(status))),
            Err(failure @ Failure::Host(HostError::Store(StoreError::NotAStore { .. }))) => {
                Err(failure)
            }
            Err(Failure::Host(HostError::Store(StoreError::Missing { .. }))) => Ok(Self::Nothing),
            Err(_) if folder.is_some_and(|folder| !folder.exists()) => Ok(Self::Nothing),
            Err(failure) => Ok(Self::Unknown(failure.message())),
        }
    }
}

/// Reads every byte of a backup, and tells what a restore would bring, and what would go.
fn try_restore(backup: &Backup, url: &StoreUrl, context: &Context) -> Result<Code, Failure> {
    let there = There::look(url, context)?;
    read_all(backup, context)?;
    let (manifest, is_own) = (backup.manifest(), backup.is_of(url));
    if context.json {
        let (replaced, reason) = match &there {
            There::Nothing => (None, None),
            There::Store(status) => (Some(status), None),
            There::Unknown(reason) => (None, Some(reason)),
        };
        output::json(&json!({
            "would_replace": !matches!(there, There::Nothing),
            "replaced": replaced,
            "unreadable": reason,
            "is_own": is_own,
            "backup": told(manifest),
        }));
        return Ok(Code::Done);
    }
    let what = match there {
        There::Nothing => "would become",
        _ => "would replace",
    };
    output::line(format!("{} {what} {url}", summary(manifest)));
    match &there {
        There::Nothing => {}
        There::Store(status) => {
            let items = status.collections.iter();
            let items = items.map(|collection| collection.tallies.items).sum();
            let apps = status.apps.iter().map(|app| (&app.app, &app.version));
            let has = contents(items, apps);
            output::line(format!("{url} has {has}: that would be put aside"));
        }
        There::Unknown(reason) => {
            output::line(format!(
                "what {url} has would be put aside, and cannot be told: {reason}"
            ));
        }
    }
    if !is_own {
        let store = &manifest.store;
        output::warning(&format!("it is a backup of another store, {store}"));
    }
    Ok(Code::Done)
}

/// The files of backups in a folder, the newest one last.
fn files(folder: &Path, context: &Context) -> Result<Vec<FoundBackup>, Failure> {
    let url = context.store_url().ok();
    godwit::backups_in(folder, url.as_ref()).map_err(|error| {
        let message = format!("{} cannot be read: {error}", folder.display());
        Failure::input(message, "check the path given by --backups")
    })
}

fn list(args: &List, context: &Context) -> Result<Code, Failure> {
    let folder = args.folder.folder(context)?;
    let files = files(&folder, context)?;
    if context.json {
        let told = files.iter().map(|file| {
            let (path, is_own) = (&file.path, file.is_own);
            match &file.backup {
                Ok(backup) => json!({
                    "file": path,
                    "bytes": backup.file_bytes(),
                    "is_own": is_own,
                    "backup": told(backup.manifest()),
                }),
                Err(error) => json!({ "file": path, "error": godwit::with_causes(error) }),
            }
        });
        output::json(&told.collect::<Vec<_>>());
        return Ok(Code::Done);
    }
    if files.is_empty() {
        output::line(format!("there is no backup in {}", folder.display()));
    }
    for file in &files {
        let name = file.name();
        match &file.backup {
            Ok(backup) => {
                let (bytes, manifest) = (output::bytes(backup.file_bytes()), backup.manifest());
                let of = match file.is_own {
                    true => String::new(),
                    false => format!("; of another store, {}", manifest.store),
                };
                output::line(format!("{name}: {}, {bytes}{of}", summary(manifest)));
            }
            Err(error) => output::line(format!("{name}: {}", godwit::with_causes(error))),
        }
    }
    Ok(Code::Done)
}

fn prune(args: &Prune, context: &Context) -> Result<Code, Failure> {
    // Whose they are that may go must be known.
    context.store_url()?;
    let folder = args.folder.folder(context)?;
    let files = files(&folder, context)?;
    // Whose a file is that cannot be read, nobody can tell.
    let (mut files, left): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.backup.is_ok());
    files.retain(|file| file.is_own);
    files.truncate(files.len().saturating_sub(args.keep));
    let needed = match args.force || files.is_empty() {
        true => Vec::new(),
        false => needed(context)?,
    };
    let now = context.surroundings.clock.now();
    let (mut removed, mut kept) = (Vec::new(), Vec::new());
    for file in files {
        let age = file
            .made()
            .map(|made| Duration::from_millis(now.since(made)));
        if age.is_some_and(|age| args.older_than.is_some_and(|limit| age <= limit)) {
            continue;
        }
        let (name, file) = (file.name(), file.path);
        if let Some(run) = needed
            .iter()
            .find(|run| run.backup.as_deref() == Some(&*name))
        {
            kept.push((file, run));
            continue;
        }
        std::fs::remove_file(&file).map_err(|error| {
            let message = format!("{} cannot be removed: {error}", file.display());
            Failure::input(message, "check who owns it")
        })?;
        removed.push(file);
    }
    tell_pruned(&removed, &kept, &left, context);
    Ok(Code::Done)
}

fn tell_pruned(
    removed: &[PathBuf],
    kept: &[(PathBuf, &Run)],
    left: &[FoundBackup],
    context: &Context,
) {
    let left = left.iter().filter_map(|file| {
        let error = file.backup.as_ref().err()?;
        Some((&file.path, godwit::with_causes(error)))
    });
    let left: Vec<_> = left.collect();
    for (_, error) in &left {
        output::warning(&format!(
            "{error}; it was left, as nobody can tell whose it is"
        ));
    }
    if context.json {
        let left = left.iter();
        let left = left.map(|(file, error)| json!({ "file": file, "error": error }));
        let left: Vec<_> = left.collect();
        let kept = kept
            .iter()
            .map(|(file, run)| json!({ "file": file, "run": run.id }));
        let kept: Vec<_> = kept.collect();
        return output::json(&json!({ "removed": removed, "kept": kept, "left": left }));
    }
    for file in removed {
        output::line(format!("removed {}", file.display()));
    }
    for (file, run) in kept {
        let (file, id, state) = (file.display(), run.id, run.state);
        output::line(format!(
            "kept {file}: run {id} is {state} and has no pre-images: nothing else takes it back"
        ));
    }
    if !kept.is_empty() {
        output::hint("finish the run with `godwit up` first; `--force` removes them all the same");
    } else if removed.is_empty() {
        output::line("nothing to remove");
    }
}

/// The unfinished runs that only a backup takes back. Of a store that is gone there are none.
fn needed(context: &Context) -> Result<Vec<Run>, Failure> {
    let store = match context.store(OpenMode::Existing) {
        Ok(store) => store,
        Err(Failure::Host(HostError::Store(StoreError::Missing { .. }))) => return Ok(Vec::new()),
        Err(failure) => {
            let message = format!(
                "whether an unfinished run needs one of the backups cannot be told: {}",
                failure.message()
            );
            let hint = "name the store, and let it be readable; or give `--force`";
            return Err(Failure::other(failure.code(), message, hint));
        }
    };
    let runs = store.runs()?.into_iter();
    Ok(runs.filter(Run::needs_backup).collect())
}

/// What a backup has, for programs: without its chunks.
fn told(manifest: &Manifest) -> serde_json::Value {
    json!({
        "created_at": manifest.created_at,
        "made_by": manifest.made_by,
        "store": manifest.store,
        "collections": manifest.collections,
        "apps": manifest.apps,
        "entries": manifest.entries,
        "bytes": manifest.bytes,
        "digest": manifest.digest,
    })
}

/// What a backup has, on one line.
pub fn summary(manifest: &Manifest) -> String {
    let items = manifest
        .collections
        .iter()
        .map(|collection| collection.items)
        .sum();
    let apps = manifest.apps.iter().map(|(app, version)| (app, version));
    let at = output::time(manifest.created_at);
    format!("{} at {at}", contents(items, apps))
}

/// What a store has, or a backup.
fn contents<'a>(items: u64, apps: impl Iterator<Item = (&'a Name, &'a Option<Version>)>) -> String {
    let apps = apps.map(|(app, version)| match version {
        Some(version) => format!("{app} {version}"),
        None => app.to_string(),
    });
    let apps: Vec<_> = apps.collect();
    let apps = match &apps[..] {
        [] => String::new(),
        apps => format!(" of {}", apps.join(", ")),
    };
    format!("{}{apps}", output::counted(items, "item"))
}

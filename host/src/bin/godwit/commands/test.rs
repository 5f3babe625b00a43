//! `godwit test`

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use godwit::kit::{
    Bench, Failed, Feeding, Fixture, FixtureError, Schema, Subject, Trial, World, run_feature,
};
use godwit::model::{Counts, Migration, Name};

use super::check::{failure, load, start, tell};
use super::read_text;
use crate::build;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::laboratory::{self, Case, Results, Wish};
use crate::output;
use crate::project::Project;

/// How often files are looked at while they are watched.
const GLANCE: Duration = Duration::from_millis(300);

/// Build a project's migration and test it, under the limits that hold in production.
///
/// What `fixtures/` and `features/` say, whether items meet the JSON Schemas in `schemas/`, and what
/// `godwit check` tries.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A fixture is a folder: before.json (or .ndjson, one document a line), and one of
  after.json, after.ndjson   what is left
  unchanged                  everything stays as it is
  failed                     every item fails, for a reason that has this text
  failed.json                an object: ids of items that fail, with such texts; the others are in `after`
`COLLECTION.before.ndjson`, `COLLECTION.after.ndjson` and so on are about other collections; what has
no such file stays as it is.

Examples:
  godwit test
  godwit test --update
  godwit test --watch
  godwit test notes-2-0-0 --json")]
pub struct Args {
    /// The project's folder.
    #[arg(default_value = ".")]
    project: PathBuf,
    /// Write what was found into the fixtures, as what is expected from now on.
    #[arg(long)]
    update: bool,
    /// Test what was built before.
    #[arg(long)]
    no_build: bool,
    /// Do it again whenever a file of the project changes.
    #[arg(long, conflicts_with_all = ["update", "junit"])]
    watch: bool,
    /// Write the results as JUnit's XML, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    if !args.watch {
        return once(args, context);
    }
    // What is no project will not become one by being watched.
    Project::open(&args.project)?;
    context.catch_interrupts()?;
    loop {
        let seen = newest(&args.project);
        if let Err(failure) = once(args, context) {
            failure.report();
        }
        output::note("watching; Ctrl-C ends it");
        while newest(&args.project) == seen {
            if context.control.is_stopped() {
                return Ok(Code::Done);
            }
            std::thread::sleep(GLANCE);
        }
    }
}

/// When any file of a project was last changed, and how many there are. What tools make is left out.
fn newest(folder: &Path) -> (Option<SystemTime>, usize) {
    const MADE: [&str; 8] = [
        "build",
        "target",
        "node_modules",
        "zig-cache",
        "zig-out",
        "dist",
        "__pycache__",
        "gen",
    ];
    let (mut newest, mut count) = (None, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || MADE.contains(&&*name) {
                continue;
            }
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                count += 1;
                newest = newest.max(metadata.modified().ok());
            }
        }
    }
    (newest, count)
}

fn once(args: &Args, context: &Context) -> Result<Code, Failure> {
    let project = Project::open(&args.project)?;
    if !args.no_build {
        build::build(&project, &project.plugin(), context)?;
    }
    let test = &project.manifest.test;
    let mut files = vec![project.plugin()];
    files.extend(test.plugins.iter().map(|plugin| project.path(plugin)));
    let subject = load(context, &files)?;
    let migration = own(&subject, &files[0]);
    let from = start(migration, test.from.as_ref())?;
    let bench = Bench {
        subject: &subject,
        migration,
        from: &from,
    };
    let mut results = Results::new(!context.json);
    let (befores, has_run_out_of_time) = try_fixtures(args, &project, &bench, &mut results)?;
    features(&project, &subject, &migration.app, &mut results)?;
    let wish = Wish {
        idempotent: test.idempotent,
        mutations: test.mutations,
        seed: test.seed,
        has_run_out_of_time,
    };
    laboratory::checks(&bench, &befores, &wish, &mut results).map_err(failure)?;
    results.suite("coverage");
    results.add(coverage(&results.counts));
    tell(&results, migration, args.junit.as_deref(), context)?;
    Ok(results.code())
}

/// Tries all fixtures; gives what is there before, of all of them together but for items that ran out of time,
/// and whether there are such.
fn try_fixtures(
    args: &Args,
    project: &Project,
    bench: &Bench<'_>,
    results: &mut Results,
) -> Result<(World, bool), Failure> {
    let fed = first_fed(bench.migration);
    let schemas = Schemas::read(project)?;
    let fixtures = read_fixtures(project, bench.migration)?;
    results.suite("fixtures");
    if fixtures.is_empty() {
        let why =
            "there are none: make a folder in fixtures/ with a before.json, then use --update";
        results.add(match feature_files(project).is_empty() {
            true => Case::strict("something is tried", vec![why.to_owned()]),
            false => Case::skipped("fixtures", why),
        });
    }
    let (mut befores, mut has_run_out_of_time) = (World::new(), false);
    for fixture in fixtures {
        let trial = bench
            .run(&fixture.before, Feeding::default())
            .map_err(failure)?;
        results.counts += trial.counts;
        let mut wrong = fixture.judge(&trial);
        let mut name = fixture.name();
        if args.update && !wrong.is_empty() {
            fixture.update(&trial, &fed).map_err(broken)?;
            name.push_str(" (updated)");
            wrong.clear();
        }
        if !wrong.is_empty() {
            wrong.extend(trial.log_told());
        }
        wrong.extend(schemas.findings(&fed, &fixture.before, &trial));
        results.add(Case::strict(name, wrong));
        let slow = trial.failed.iter().filter(|failed| failed.is_out_of_time());
        has_run_out_of_time |= slow.clone().next().is_some();
        let before = fixture.before.without(slow.map(Failed::place));
        for (collection, id, body) in before.items() {
            let id = format!("{}/{id}", fixture.name());
            // An id that becomes too long is none that the checks need.
            let _ = befores.insert(collection, &id, body.to_vec());
        }
    }
    Ok((befores, has_run_out_of_time))
}

/// The project's own migration among those that it is tested with.
fn own<'a>(subject: &'a Subject, file: &Path) -> &'a Migration {
    let mut migrations = subject.migrations().iter();
    let own = migrations.find(|migration| migration.file == file);
    own.expect("a file that is not rejected is a migration")
}

fn first_fed(migration: &Migration) -> Name {
    let fed = migration.fed().next();
    fed.unwrap_or(&migration.app).clone()
}

fn read_fixtures(project: &Project, migration: &Migration) -> Result<Vec<Fixture>, Failure> {
    let folder = project.folder.join("fixtures");
    Fixture::read_all(&folder, &first_fed(migration)).map_err(broken)
}

fn broken(error: FixtureError) -> Failure {
    let message = godwit::with_causes(&error);
    Failure::input(message, "`godwit test --help` says what a fixture is")
}

/// Which outcomes the fixtures do not show.
fn coverage(counts: &Counts) -> Case {
    let name = "the fixtures show what is changed and what is left alone";
    let mut missing = Vec::new();
    if counts.read == 0 {
        return Case::skipped(name, "there are no fixtures");
    }
    if counts.updated + counts.removed + counts.written == 0 {
        missing.push("no fixture has an item that is changed".to_owned());
    }
    if counts.unchanged == 0 {
        missing.push(
            "no fixture has an item that is left alone, as one that has the new shape already"
                .to_owned(),
        );
    }
    if counts.failed == 0 {
        missing.push("no fixture has an item that cannot be migrated".to_owned());
    }
    Case::judged(name, missing, crate::project::Strictness::Warn)
}

/// The schemas that items are held to.
struct Schemas {
    before: Option<Schema>,
    after: Option<Schema>,
}

impl Schemas {
    fn read(project: &Project) -> Result<Self, Failure> {
        let test = &project.manifest.test;
        Ok(Self {
            before: schema(
                project,
                test.schema_before.as_deref(),
                "schemas/before.json",
            )?,
            after: schema(project, test.schema_after.as_deref(), "schemas/after.json")?,
        })
    }

    /// What is wrong with the items of a collection, before and after a trial.
    fn findings(&self, fed: &Name, before: &World, trial: &Trial) -> Vec<String> {
        let left = trial.migrated();
        // An item that fails may have had no shape before, and one that is left alone has the new one.
        let before = before.without(trial.failed.iter().map(Failed::place));
        let is_as_it_was =
            |(collection, id, body): &(&Name, &str, &[u8])| left.body(collection, id) == Some(body);
        let unchanged = before.items().filter(is_as_it_was);
        let before = before.without(unchanged.map(|(collection, id, _)| (collection, id)));
        let of = |schema: &Option<Schema>, world: &World, when: &str| {
            let found = schema.iter().flat_map(|schema| schema.findings(world, fed));
            found
                .map(|finding| format!("{when}: {finding}"))
                .collect::<Vec<_>>()
        };
        let mut findings = of(&self.before, &before, "schema before");
        findings.extend(of(&self.after, &left, "schema after"));
        findings
    }
}

fn schema(project: &Project, named: Option<&Path>, usual: &str) -> Result<Option<Schema>, Failure> {
    let file = project.path(named.unwrap_or(Path::new(usual)));
    if named.is_none() && !file.exists() {
        return Ok(None);
    }
    let text = read_text(&file, "check the path in migration.toml")?;
    let schema = Schema::new(&text).map_err(|error| {
        let message = format!("{}: {error}", file.display());
        Failure::input(
            message,
            "a JSON Schema is JSON, and needs nothing from the network",
        )
    })?;
    Ok(Some(schema))
}

fn features(
    project: &Project,
    subject: &Subject,
    app: &Name,
    results: &mut Results,
) -> Result<(), Failure> {
    let files = feature_files(project);
    if !files.is_empty() {
        results.suite("features");
    }
    for file in files {
        let text = read_text(&file, "a feature is a text in UTF-8")?;
        let scenarios = run_feature(&text, subject, app).map_err(|error| {
            let message = format!("{}: {error}", file.display());
            Failure::input(message, "plugins/README.md shows a feature")
        })?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        for scenario in scenarios {
            let name = format!("{name}:{} {}", scenario.line, scenario.name);
            results.add(Case::strict(name, scenario.wrong));
        }
    }
    Ok(())
}

/// The files of features, by name.
fn feature_files(project: &Project) -> Vec<PathBuf> {
    let folder = project.folder.join("features");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "feature")
        })
        .collect();
    files.sort();
    files
}

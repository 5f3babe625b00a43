//! Counts the instructions of the hot stages, and holds them to what `instructions.json` says.
//!
//! `cargo run -p godwit-benches --bin instructions` fails when a stage takes 5 % more than is written there;
//! `-- --write` writes what was counted. Valgrind counts (package `valgrind`): the same program takes the same number,
//! whatever else the machine does. What was counted with other compilers cannot be compared.
//!
//! A stage is run some times in one process and once in another: the difference is what it costs, without what comes
//! before it and after it.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use clap::Parser;
use godwit::catalogue::Catalogue;
use godwit::model::{Rules, fingerprint, glance};
use godwit::run::{Control, Options, Stream};
use godwit::sandbox::{Cache, Component, Context, Engine, Limits, NoDocuments, Session};
use godwit::store::{Memory, Store};
use godwit_benches::{batch, commit_of, store};
use godwit_plugin::JsonText;
use godwit_tests::world::{features, guest, host, seed, up};
use serde::{Deserialize, Serialize};

/// By how much a stage may grow before the file has to be written anew.
const TOLERANCE: f64 = 1.05;
/// How often a stage is run in the longer process beyond the shorter one.
const TIMES: u64 = 4;
/// Items of a whole run.
const ITEMS: usize = 2_000;

const HOST: &str = "host";
const GUESTS: &str = "guests";

/// Count the instructions of the hot stages.
#[derive(Debug, Parser)]
struct Args {
    /// Write what was counted, of all stages.
    #[arg(long, conflicts_with = "only")]
    write: bool,
    /// Count this stage only.
    #[arg(long)]
    only: Option<String>,
    /// Run a stage, here and now; used by the program itself.
    #[arg(long, hide = true, requires = "times")]
    stage: Option<String>,
    /// So often.
    #[arg(long, hide = true)]
    times: Option<u64>,
    /// With this folder for compiled code.
    #[arg(long, hide = true)]
    cache: Option<PathBuf>,
}

/// What `instructions.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct Counts {
    /// What it was counted with.
    compilers: BTreeMap<String, String>,
    /// Instructions for a document, by stage.
    instructions: BTreeMap<String, u64>,
}

/// A stage.
struct Stage {
    name: &'static str,
    /// How it is prepared, which gives what is run, and how many documents one time is.
    prepare: fn(&Path) -> (Box<dyn FnMut()>, usize),
    /// Whether a guest runs in it, whose compiler matters, too.
    is_guests: bool,
}

impl Stage {
    const fn of(
        name: &'static str,
        is_guests: bool,
        prepare: fn(&Path) -> (Box<dyn FnMut()>, usize),
    ) -> Self {
        Self {
            name,
            prepare,
            is_guests,
        }
    }
}

const LOAD: &str = "load: a plugin from the cache";

const STAGES: [Stage; 9] = [
    Stage::of("fingerprint: a body read by the host", false, fingerprints),
    Stage::of("glance: where two bodies differ", false, glances),
    Stage::of("text: a body read by the SDK, natively", false, texts),
    Stage::of("scan: items read from LMDB", false, scan),
    Stage::of("commit: items written to LMDB", false, commit),
    Stage::of(
        "sandbox: a member renamed and one added, as text",
        true,
        sandbox,
    ),
    Stage::of("stream: the same, judged", true, stream),
    Stage::of("run: the same, from a store in memory and back", true, run),
    Stage::of(LOAD, true, load),
];

fn main() -> ExitCode {
    let args = Args::parse();
    if let (Some(stage), Some(times)) = (&args.stage, args.times) {
        let folder = args.cache.as_deref().expect("a folder is given");
        let known = STAGES.iter().find(|known| known.name == stage);
        let (mut once, _) = (known.expect("the stage is known").prepare)(folder);
        (0..times).for_each(|_| once());
        return ExitCode::SUCCESS;
    }
    if !cfg!(debug_assertions) {
        eprintln!(
            "instructions.json is of the profile that tests are built with: leave `--release` out"
        );
        return ExitCode::FAILURE;
    }
    let folder = tempfile::tempdir().expect("a folder can be made");
    // Code is compiled for what Valgrind offers, once.
    count(folder.path(), LOAD, 0);
    let mut instructions = BTreeMap::new();
    for Stage { name, prepare, .. } in STAGES {
        if args
            .only
            .as_deref()
            .is_some_and(|only| !name.starts_with(only))
        {
            continue;
        }
        let (_, documents) = prepare(folder.path());
        let spent = count(folder.path(), name, 1 + TIMES) - count(folder.path(), name, 1);
        let each = spent / TIMES / documents as u64;
        println!("{each:>9}  {name}");
        instructions.insert(name.to_owned(), each);
    }
    let counted = Counts {
        compilers: compilers(),
        instructions,
    };
    if args.write {
        let text = serde_json::to_string_pretty(&counted).expect("it is JSON");
        std::fs::write(file(), text + "\n").expect("the file can be written");
        return ExitCode::SUCCESS;
    }
    let text = std::fs::read_to_string(file()).expect("benches/instructions.json can be read");
    let known: Counts = serde_json::from_str(&text).expect("benches/instructions.json is whole");
    let found = compare(&known, &counted);
    found.iter().for_each(|line| println!("{line}"));
    if found.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("if that is meant to be: cargo run -p godwit-benches --bin instructions -- --write");
    ExitCode::FAILURE
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

/// The instructions of a process that runs a stage so often.
fn count(cache: &Path, stage: &str, times: u64) -> u64 {
    let program = std::env::current_exe().expect("the program knows where it is");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--stage", stage, "--times", &times.to_string(), "--cache"])
        .arg(cache)
        // Nothing that differs from one environment to the other.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .unwrap_or_else(|error| panic!("valgrind is needed: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    count.unwrap_or_else(|| panic!("valgrind counts nothing: {said}"))
}

/// The compilers of this program and of the guests.
fn compilers() -> BTreeMap<String, String> {
    let native = Command::new("rustc").arg("--version").output();
    let native = native.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    BTreeMap::from([
        (HOST.to_owned(), native.unwrap_or_default()),
        (GUESTS.to_owned(), producer().unwrap_or_default()),
    ])
}

/// What the guest says that compiled it, in its section `producers`.
fn producer() -> Option<String> {
    let bytes = std::fs::read(guest("members-2-0-0")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (_, rest) = text.rsplit_once("rustc")?;
    let version: String = rest
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(|c| c.is_ascii_graphic() || *c == ' ')
        .collect();
    Some(format!("rustc {version}"))
}

/// What is wrong with what was counted, a line for each stage.
fn compare(known: &Counts, counted: &Counts) -> Vec<String> {
    let compilers =
        |whose: &str| [known, counted].map(|counts| counts.compilers.get(whose).cloned());
    let is_same = |whose: &str| compilers(whose)[0] == compilers(whose)[1];
    if !is_same(HOST) {
        return vec![format!(
            "they were counted with other compilers: {:?}",
            compilers(HOST)
        )];
    }
    if !is_same(GUESTS) {
        let others = compilers(GUESTS);
        eprintln!("stages with guests are not compared, which other compilers made: {others:?}");
    }
    let mut found = Vec::new();
    for Stage {
        name, is_guests, ..
    } in STAGES
    {
        let [before, now] = [known, counted].map(|counts| counts.instructions.get(name));
        match (before, now) {
            (_, None) => {}
            _ if is_guests && !is_same(GUESTS) => {}
            (None, Some(now)) => found.push(format!("{name}: {now} instructions, which is new")),
            (Some(before), Some(now)) if *now as f64 > *before as f64 * TOLERANCE => {
                found.push(format!(
                    "{name}: {now} instructions a document instead of {before}"
                ));
            }
            (Some(_), Some(_)) => {}
        }
    }
    found
}

fn fingerprints(_: &Path) -> (Box<dyn FnMut()>, usize) {
    let batch = batch();
    let count = batch.len();
    let once = move || {
        for (_, body) in batch.iter() {
            black_box(fingerprint(black_box(body), Rules::default()));
        }
    };
    (Box::new(once), count)
}

fn glances(_: &Path) -> (Box<dyn FnMut()>, usize) {
    let batch = batch();
    let count = batch.len();
    let grown: Vec<_> = batch
        .iter()
        .map(|(_, body)| [&body[..body.len() - 1], br#","a":1}"#].concat())
        .collect();
    let once = move || {
        for ((_, old), new) in batch.iter().zip(&grown) {
            black_box(glance(black_box(old), black_box(new)));
        }
    };
    (Box::new(once), count)
}

fn texts(_: &Path) -> (Box<dyn FnMut()>, usize) {
    let batch = batch();
    let count = batch.len();
    let once = move || {
        for (_, body) in batch.iter() {
            black_box(JsonText::parse(black_box(body)).expect("it is JSON"));
        }
    };
    (Box::new(once), count)
}

const COMMITTED: usize = 256;

fn scan(_: &Path) -> (Box<dyn FnMut()>, usize) {
    const SCANNED: usize = 16 * COMMITTED;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = store("lmdb", folder.path());
    for first in (0..SCANNED).step_by(COMMITTED) {
        let commit = commit_of(first, COMMITTED);
        store.commit(&commit).expect("it can be written");
    }
    let once = move || {
        let _kept = &folder;
        let mut bytes = 0;
        let visit = &mut |_: &[u8], value: &[u8]| {
            bytes += value.len();
            ControlFlow::Continue(())
        };
        store.scan(b"0", b"9", visit).expect("it can be read");
        black_box(bytes);
    };
    (Box::new(once), SCANNED)
}

fn commit(_: &Path) -> (Box<dyn FnMut()>, usize) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = store("lmdb", folder.path());
    let mut first = 0;
    let once = move || {
        let _kept = &folder;
        let commit = commit_of(first, COMMITTED);
        first += COMMITTED;
        store.commit(&commit).expect("it can be written");
    };
    (Box::new(once), COMMITTED)
}

fn engine(cache: &Path) -> Engine {
    let cache = Cache::open(cache).expect("the cache can be used");
    Engine::new(Limits::default()).with_cache(cache)
}

fn file_of_guest() -> Vec<u8> {
    std::fs::read(guest("members-2-0-0")).expect("guests can be read")
}

fn component(cache: &Path) -> Component {
    Component::load(&engine(cache), &file_of_guest()).expect("it is valid")
}

fn load(cache: &Path) -> (Box<dyn FnMut()>, usize) {
    let (engine, file) = (engine(cache), file_of_guest());
    let load = move || drop(Component::load(&engine, &file).expect("it is valid"));
    load();
    (Box::new(load), 1)
}

fn sandbox(cache: &Path) -> (Box<dyn FnMut()>, usize) {
    let batch = batch();
    let count = batch.len();
    let mut session = Session::start(&component(cache)).expect("it can be started");
    let once = move || {
        let attempt = session.migrate("text", &batch, Context::default(), NoDocuments);
        assert_eq!(attempt.reply.expect("it answers").len(), batch.len());
    };
    (Box::new(once), count)
}

fn catalogue(cache: &Path) -> Arc<Catalogue> {
    let mut catalogue = Catalogue::new();
    catalogue.add(&engine(cache), guest("members-2-0-0"), &file_of_guest());
    Arc::new(catalogue)
}

fn stream(cache: &Path) -> (Box<dyn FnMut()>, usize) {
    let batch = batch();
    let count = batch.len();
    let catalogue = catalogue(cache);
    let once = move || {
        let migration = &catalogue.migrations()[0];
        let component = catalogue
            .component(&migration.digest)
            .expect("it is loaded");
        let memory = Store::new(Arc::new(Memory::new())).expect("the store works");
        let (step, context, control) =
            (&migration.steps[1], Context::default(), Control::default());
        let stream = Stream::new(component, step, memory, context, 1, &control);
        let batches = std::iter::repeat_n(batch.clone(), 8);
        let stream = stream.expect("it can be fed");
        let passed = stream.pass(batches, &mut |_| ControlFlow::Continue(()));
        passed.expect("it answers");
    };
    (Box::new(once), 8 * count)
}

fn run(cache: &Path) -> (Box<dyn FnMut()>, usize) {
    let catalogue = catalogue(cache);
    let real: Vec<(String, String)> = features().take(ITEMS).collect();
    let once = move || {
        let mut host = host(Arc::new(Memory::new()), &catalogue);
        host.options = Options {
            threads: 1,
            ..Options::default()
        };
        seed(&host, "members", "texts", &real);
        assert!(!up(&host).is_empty());
    };
    (Box::new(once), ITEMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(host: &str, guests: &str, instructions: &[(&str, u64)]) -> Counts {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Counts {
            compilers: [(HOST, host), (GUESTS, guests)].map(owned).into(),
            instructions: instructions
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        }
    }

    #[test]
    fn a_stage_may_grow_a_little_and_no_more() {
        let (native, guests) = (STAGES[0].name, LOAD);
        let known = counts("1", "1", &[(native, 1_000), (guests, 1_000)]);
        let found = |host, guests_compiler, instructions: &[(&str, u64)]| {
            compare(&known, &counts(host, guests_compiler, instructions)).len()
        };
        assert_eq!(found("1", "1", &[(native, 1_050), (guests, 10)]), 0);
        assert_eq!(found("1", "1", &[(native, 1_051), (guests, 1_051)]), 2);
        assert_eq!(found("1", "1", &[(STAGES[1].name, 1)]), 1, "it is new");
        assert_eq!(found("1", "2", &[(native, 1_051), (guests, 9_999)]), 1);
        assert_eq!(found("2", "1", &[(native, 10), (guests, 10)]), 1);
    }

    #[test]
    fn the_file_knows_every_stage() {
        let text = std::fs::read_to_string(file()).unwrap();
        let known: Counts = serde_json::from_str(&text).unwrap();
        let names: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
        assert!(
            names
                .iter()
                .all(|name| known.instructions.contains_key(*name)),
            "{names:?}"
        );
    }
}

//! Counts the instructions of the hot stages, and holds them to what `instructions.json` says.
//!
//! `cargo run -p godwit-benches --bin instructions` fails when a stage takes 5 % more than is written there;
//! `-- --write` writes what was counted. Valgrind counts (package `valgrind`): the same program takes the same number,
//! whatever else the machine does. What was counted with other compilers cannot be compared, and is said to be so.
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
use godwit::model::{Rules, fingerprint};
use godwit::run::{Options, Stop, Stream};
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

/// Count the instructions of the hot stages.
#[derive(Debug, Parser)]
struct Args {
    /// Write what was counted.
    #[arg(long)]
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

/// A stage: how it is prepared, which gives what is run, and how many documents one time is.
type Stage = fn(&Path) -> (Box<dyn FnMut()>, usize);

const STAGES: [(&str, Stage); 8] = [
    ("fingerprint: a body read by the host", fingerprints),
    ("text: a body read by the SDK, natively", texts),
    ("scan: items read from LMDB", scan),
    ("commit: items written to LMDB", commit),
    ("sandbox: a member renamed and one added, as text", sandbox),
    ("stream: the same, judged", stream),
    ("run: the same, from a store in memory and back", run),
    ("load: a plugin from the cache", load),
];

fn main() -> ExitCode {
    let args = Args::parse();
    if let (Some(stage), Some(times)) = (&args.stage, args.times) {
        let folder = args.cache.as_deref().expect("a folder is given");
        let (mut once, _) = stage_of(stage)(folder);
        (0..times).for_each(|_| once());
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::tempdir().expect("a folder can be made");
    // Code is compiled for what Valgrind offers, once.
    count(folder.path(), STAGES[STAGES.len() - 1].0, 0);
    let mut instructions = BTreeMap::new();
    for (name, stage) in STAGES {
        if args
            .only
            .as_deref()
            .is_some_and(|only| !name.starts_with(only))
        {
            continue;
        }
        let (_, documents) = stage(folder.path());
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
    judge(&counted)
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

fn stage_of(name: &str) -> Stage {
    let found = STAGES.iter().find(|(known, _)| *known == name);
    found.expect("the stage is known").1
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
        ("host".to_owned(), native.unwrap_or_default()),
        ("guests".to_owned(), producer().unwrap_or_default()),
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

fn judge(counted: &Counts) -> ExitCode {
    let text = std::fs::read_to_string(file()).expect("benches/instructions.json can be read");
    let known: Counts = serde_json::from_str(&text).expect("benches/instructions.json is whole");
    if known.compilers != counted.compilers {
        println!(
            "not compared: instructions.json was counted with {:?}, this with {:?}",
            known.compilers, counted.compilers
        );
        return ExitCode::SUCCESS;
    }
    let mut code = ExitCode::SUCCESS;
    for (stage, count) in &counted.instructions {
        let before = known.instructions.get(stage);
        let most = before.map_or(0.0, |before| *before as f64 * TOLERANCE);
        if *count as f64 > most {
            println!(
                "{stage}: {count} instructions for a document, {} before. If that is meant to be: \
                 cargo run -p godwit-benches --bin instructions -- --write",
                before.map_or_else(|| "none".to_owned(), u64::to_string)
            );
            code = ExitCode::FAILURE;
        }
    }
    code
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
        let (step, context, stop) = (&migration.steps[1], Context::default(), Stop::default());
        let stream = Stream::new(component, step, memory, context, 1, &stop);
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

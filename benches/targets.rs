//! Measures what Godwit aims at, as ratios in one run, and puts the table into benches/README.md.
//!
//! `cargo run --release -p godwit-benches --bin targets -- --write`. Whatever is compared is measured in turn, round by
//! round, and the fastest round of each counts: the others tell of what else the machine did.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use godwit::catalogue::Catalogue;
use godwit::model::{Batch, Event, Kind, Reply, RunId, Timestamp};
use godwit::run::{Options, Stop, Stream};
use godwit::sandbox::{
    Cache, Component, Context, Engine, Limits, NativeCode, NoDocuments, Session,
};
use godwit::store::{Collection, Memory, Store, Visit};
use godwit_benches::{batch, store};
use godwit_plugin::{Body, Item, Outcome};
use godwit_tests::campaign::process::program;
use godwit_tests::world::{features, guest, host, name, up, version};

const BEGIN: &str = "<!-- targets:begin -->";
const END: &str = "<!-- targets:end -->";
const APP: &str = "members";

/// Measure what Godwit aims at.
#[derive(Debug, Parser)]
struct Args {
    /// Migrate so many real documents of about 1 KB.
    #[arg(long, default_value_t = 200_000)]
    items: usize,
    /// Measure each so often.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Put the table into benches/README.md.
    #[arg(long)]
    write: bool,
}

/// A row of the table.
struct Row {
    what: &'static str,
    unit: &'static str,
    target: f64,
    found: f64,
    /// The times that it was made of.
    of: String,
}

fn main() {
    let args = Args::parse();
    let items = items(args.items);
    let mut rows = runs(&items, args.rounds);
    rows.push(editing(args.rounds));
    rows.push(chain(&items, args.rounds));
    rows.push(loading());
    rows.push(status());
    let table = table(&args, &rows);
    println!("{table}");
    if args.write {
        write(&table);
    }
}

/// Real documents, over and over, each with an id of its own.
fn items(count: usize) -> Vec<(String, String)> {
    let real: Vec<_> = features().collect();
    let numbered = (0..count).zip(real.iter().cycle());
    numbered
        .map(|(number, (_, body))| (format!("{number:09}"), body.clone()))
        .collect()
}

fn members(version: &str) -> Vec<u8> {
    const MARK: &[u8] = b"version of members ";
    let mut bytes = std::fs::read(guest("members-2-0-0")).expect("guests can be read");
    let found = bytes.windows(MARK.len()).position(|window| window == MARK);
    let place = found.expect("the guest says its version") + MARK.len();
    bytes[place..place + version.len()].copy_from_slice(version.as_bytes());
    bytes
}

fn catalogue(versions: &[&str], code: Option<NativeCode>) -> Arc<Catalogue> {
    let engine = Engine::new(Limits::default());
    let mut catalogue = Catalogue::new();
    for version in versions {
        catalogue.add(
            &engine,
            PathBuf::from(format!("{version}.wasm")),
            &members(version),
        );
    }
    assert!(
        catalogue.rejected().is_empty(),
        "{:?}",
        catalogue.rejected()
    );
    if let Some(code) = code {
        let digest = catalogue.migrations()[0].digest;
        catalogue.replace_code(&digest, code);
    }
    Arc::new(catalogue)
}

/// The function of the guest, natively.
fn native() -> NativeCode {
    Arc::new(|batch: &Batch| {
        let mut reply = Reply::default();
        for (id, body) in batch.iter() {
            match members_2_0_0::as_text(&Item::new(id, body)) {
                Ok(Outcome::Updated(Body::Bytes(body))) => reply.push(Kind::Updated, &body),
                other => panic!("{other:?}"),
            }
        }
        reply
    })
}

/// Answers with a byte more than there was.
fn growing() -> NativeCode {
    Arc::new(|batch: &Batch| {
        let mut reply = Reply::default();
        for (_, body) in batch.iter() {
            reply.push(Kind::Updated, &[body, b" "].concat());
        }
        reply
    })
}

/// Fills a new store and migrates it; only the migration is measured.
fn run(
    items: &[(String, String)],
    collection: &str,
    catalogue: &Arc<Catalogue>,
    opaque: bool,
) -> Duration {
    let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder can be made");
    let mut host = host(store("lmdb", &folder.path().join("store")), catalogue);
    host.options = Options {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        ..Options::default()
    };
    let mut lease = host.lease("fill").expect("nobody else holds it");
    let (app, collection, one) = (name(APP), name(collection), version("1.0.0"));
    for (number, some) in items.chunks(10_000).enumerate() {
        let mut write = host.store().write(RunId(0), None);
        let record = Collection {
            opaque,
            ..Collection::new(app.clone(), Some(one.clone()))
        };
        write
            .set_collection(&collection, record)
            .expect("the store works");
        for (id, body) in some {
            let new = Some((&one, body.as_bytes()));
            write
                .set_item(&collection, id, None, new, Visit::Once)
                .expect("the store works");
        }
        if number == 0 {
            write
                .add_history(Timestamp(0), &app, &one, Event::Baseline)
                .expect("the store works");
        }
        write
            .commit(&mut lease, Timestamp(0))
            .expect("the store works");
    }
    lease.release(host.store()).expect("the store works");
    let started = Instant::now();
    assert!(!up(&host).is_empty());
    started.elapsed()
}

/// The plugin alone, on batches that lie in memory.
fn transform(items: &[(String, String)], catalogue: &Catalogue) -> Duration {
    let migration = &catalogue.migrations()[0];
    let component = catalogue
        .component(&migration.digest)
        .expect("it is loaded");
    let mut batches = vec![Batch::default()];
    for (id, body) in items {
        let last = batches.last_mut().expect("there is one");
        last.push(id, body.as_bytes());
        if last.bodies.len() >= Options::default().batch_bytes {
            batches.push(Batch::default());
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = Store::new(Arc::new(Memory::new())).expect("the store works");
    let stop = Stop::default();
    let stream = Stream::new(
        component,
        &migration.steps[1],
        memory,
        Context::default(),
        threads,
        &stop,
    );
    let started = Instant::now();
    let passed = stream
        .expect("it can be fed")
        .pass(batches.into_iter(), &mut |_| ControlFlow::Continue(()));
    passed.expect("it answers");
    started.elapsed()
}

fn best(best: &mut Option<Duration>, took: Duration) {
    *best = Some(best.map_or(took, |known| known.min(took)));
}

fn ratio(one: Option<Duration>, other: Option<Duration>) -> f64 {
    seconds(one) / seconds(other)
}

fn seconds(took: Option<Duration>) -> f64 {
    took.map_or(f64::NAN, |took| took.as_secs_f64())
}

/// A whole run beside the same with a native function, and beside its parts.
fn runs(items: &[(String, String)], rounds: usize) -> Vec<Row> {
    let plugin = catalogue(&["2.0.0"], None);
    let twin = catalogue(&["2.0.0"], Some(native()));
    let grown = catalogue(&["2.0.0"], Some(growing()));
    let (mut whole, mut natively, mut store, mut alone) = (None, None, None, None);
    for round in 1..=rounds {
        eprintln!("whole runs, round {round}");
        best(&mut whole, run(items, "texts", &plugin, false));
        best(&mut natively, run(items, "texts", &twin, false));
        best(&mut store, run(items, "texts", &grown, true));
        best(&mut alone, transform(items, &plugin));
    }
    vec![
        Row {
            what: "whole run with the Rust plugin / the same pipeline and store with the same native function",
            unit: "x",
            target: 1.05,
            found: ratio(whole, natively),
            of: format!("{:.2} s, {:.2} s", seconds(whole), seconds(natively)),
        },
        Row {
            what: "whole run / max(store alone, transform alone)",
            unit: "x",
            target: 1.15,
            found: ratio(whole, store.max(alone)),
            of: format!(
                "{:.2} s, {:.2} s, {:.2} s",
                seconds(whole),
                seconds(store),
                seconds(alone)
            ),
        },
    ]
}

/// A member renamed and one added: the guest's text beside a native tree.
fn editing(rounds: usize) -> Row {
    let batch = batch();
    let file = members("2.0.0");
    let component = Component::load(&Engine::new(Limits::default()), &file).expect("it is valid");
    let mut session = Session::start(&component).expect("it can be started");
    let (mut sandboxed, mut native) = (None, None);
    let mut reply = Vec::with_capacity(batch.bodies.len() * 2);
    for _ in 0..rounds * 20 {
        let started = Instant::now();
        let attempt = session.migrate("text", &batch, Context::default(), NoDocuments);
        assert_eq!(attempt.reply.expect("it answers").len(), batch.len());
        best(&mut sandboxed, started.elapsed());
        let started = Instant::now();
        reply.clear();
        for (id, body) in batch.iter() {
            match members_2_0_0::as_tree(&Item::new(id, body)) {
                Ok(Outcome::Updated(Body::Bytes(body))) => reply.extend_from_slice(&body),
                other => panic!("{other:?}"),
            }
        }
        best(&mut native, started.elapsed());
    }
    let each = |took| seconds(took) * 1e6 / batch.len() as f64;
    Row {
        what: "the guest's text, one member renamed and one added / a native `serde_json::Value` doing the same",
        unit: "x",
        target: 0.25,
        found: ratio(sandboxed, native),
        of: format!(
            "{:.2} us, {:.2} us a document",
            each(sandboxed),
            each(native)
        ),
    }
}

/// Five pending versions of a collection beside one.
fn chain(items: &[(String, String)], rounds: usize) -> Row {
    let one = catalogue(&["3.0.0"], None);
    let five = catalogue(&["3.0.0", "4.0.0", "5.0.0", "6.0.0", "7.0.0"], None);
    let (mut short, mut long) = (None, None);
    for round in 1..=rounds {
        eprintln!("chains, round {round}");
        best(&mut short, run(items, "chained", &one, false));
        best(&mut long, run(items, "chained", &five, false));
    }
    Row {
        what: "five pending versions over one collection / one version",
        unit: "x",
        target: 1.5,
        found: ratio(long, short),
        of: format!("{:.2} s, {:.2} s", seconds(long), seconds(short)),
    }
}

fn loading() -> Row {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let cache = Cache::open(&folder.path().join("cache")).expect("it can be used");
    let engine = Engine::new(Limits::default()).with_cache(cache);
    let file = members("2.0.0");
    let mut took = None;
    for round in 0..50 {
        let started = Instant::now();
        Component::load(&engine, &file).expect("it is valid");
        if round > 0 {
            best(&mut took, started.elapsed());
        }
    }
    Row {
        what: "load of a cached plugin",
        unit: "ms",
        target: 5.0,
        found: seconds(took) * 1e3,
        of: format!("a plugin of {} KB", file.len() / 1_000),
    }
}

/// `godwit status` of a store with a million items, from the program's start to its end.
fn status() -> Row {
    const ITEMS: usize = 1_000_000;
    let godwit = program("godwit").expect("it is built: cargo build --release -p godwit-host");
    let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder can be made");
    let url = format!("lmdb:{}", folder.path().join("store").display());
    eprintln!("a store of {ITEMS} items");
    let mut import = Command::new(&godwit)
        .args(["--store", &url, "-q", "import", "--collection", "items"])
        .args(["--app", APP, "--version", "1.0.0", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it can be started");
    let mut lines = std::io::BufWriter::new(import.stdin.take().expect("it reads"));
    for number in 0..ITEMS {
        writeln!(lines, "{{\"_id\":\"{number:07}\",\"text\":\"some words\"}}")
            .expect("it reads on");
    }
    drop(lines);
    assert!(import.wait().expect("it ends").success());
    let mut took = None;
    for _ in 0..20 {
        let started = Instant::now();
        let output = Command::new(&godwit)
            .args(["--store", &url, "status"])
            .output();
        best(&mut took, started.elapsed());
        assert!(output.expect("it can be started").status.success());
    }
    Row {
        what: "`godwit status` on 1,000,000 items",
        unit: "ms",
        target: 30.0,
        found: seconds(took) * 1e3,
        of: "the whole process".to_owned(),
    }
}

fn table(args: &Args, rows: &[Row]) -> String {
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut lines = vec![
        format!(
            "Measured on {day}, on {cores} cores, with {} real documents of about 1 KB on LMDB; of {} rounds the fastest.",
            args.items, args.rounds
        ),
        String::new(),
        "| what | target | measured | of | |".to_owned(),
        "| --- | --- | --- | --- | --- |".to_owned(),
    ];
    for row in rows {
        let met = if row.found <= row.target {
            "met"
        } else {
            "missed"
        };
        let Row {
            what,
            unit,
            target,
            found,
            of,
        } = row;
        lines.push(format!(
            "| {what} | <= {target} {unit} | {found:.2} {unit} | {of} | {met} |"
        ));
    }
    lines.join("\n")
}

fn write(table: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&file).expect("the page can be read");
    let (before, rest) = text.split_once(BEGIN).expect("the page has the mark");
    let (_, after) = rest.split_once(END).expect("the page has the mark");
    let text = format!("{before}{BEGIN}\n\n{table}\n\n{END}{after}");
    std::fs::write(&file, text).expect("the page can be written");
}

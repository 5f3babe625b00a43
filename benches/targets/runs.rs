//! Whole runs of Godwit beside their parts, and what it takes to begin one.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit::catalogue::Catalogue;
use godwit::model::{Batch, Kind, Reply, RunId, Timestamp};
use godwit::run::{Control, Options, Stream};
use godwit::sandbox::{
    Cache, Component, Context, Engine, Limits, NativeCode, NoDocuments, Session,
};
use godwit::store::{Collection, Memory, Store};
use godwit_benches::{batch, store};
use godwit_plugin::{Body, Item, Outcome};
use godwit_tests::campaign::process::program;
use godwit_tests::world::{features, guest, host, name, seed, up, version};

use super::Best;
use super::table::{Row, Target};

/// The app that the guest is of.
pub(crate) const APP: &str = "members";

/// Real documents, over and over, each with an id of its own.
pub(crate) fn items(count: usize) -> Vec<(String, String)> {
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
    for some in items.chunks(10_000) {
        seed(&host, APP, collection, some);
    }
    if opaque {
        let record = Collection {
            opaque,
            ..Collection::new(name(APP), Some(version("1.0.0")))
        };
        let mut lease = host.lease("fill").expect("nobody else holds it");
        let mut write = host.store().write(RunId(0), None);
        write
            .set_collection(&name(collection), record)
            .expect("the store works");
        write
            .commit(&mut lease, Timestamp(0))
            .expect("the store works");
        lease.release(host.store()).expect("the store works");
    }
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
    let control = Control::default();
    let stream = Stream::new(
        component,
        &migration.steps[1],
        memory,
        Context::default(),
        threads,
        &control,
    );
    let started = Instant::now();
    let passed = stream
        .expect("it can be fed")
        .pass(batches.into_iter(), &mut |_| ControlFlow::Continue(()));
    passed.expect("it answers");
    started.elapsed()
}

/// A whole run beside the same with a native function, and beside its parts.
pub(crate) fn whole(items: &[(String, String)], rounds: usize) -> Vec<Row> {
    let plugin = catalogue(&["2.0.0"], None);
    let twin = catalogue(&["2.0.0"], Some(native()));
    let grown = catalogue(&["2.0.0"], Some(growing()));
    let [mut whole, mut natively, mut store, mut alone]: [Best; 4] = Default::default();
    for round in 1..=rounds {
        eprintln!("whole runs, round {round}");
        whole.add(run(items, "texts", &plugin, false));
        natively.add(run(items, "texts", &twin, false));
        store.add(run(items, "texts", &grown, true));
        alone.add(transform(items, &plugin));
    }
    vec![
        Row {
            what: "whole run with the Rust plugin / the same pipeline and store with the same native function",
            unit: "x",
            target: Target::AtMost(1.05),
            found: whole.seconds() / natively.seconds(),
            of: format!("{:.2} s, {:.2} s", whole.seconds(), natively.seconds()),
        },
        Row {
            what: "whole run / max(store alone, transform alone)",
            unit: "x",
            target: Target::AtMost(1.15),
            found: whole.seconds() / store.seconds().max(alone.seconds()),
            of: format!(
                "{:.2} s, {:.2} s, {:.2} s",
                whole.seconds(),
                store.seconds(),
                alone.seconds()
            ),
        },
    ]
}

/// A member renamed and one added: the guest's text beside a native tree.
pub(crate) fn editing(rounds: usize) -> Row {
    let batch = batch();
    let file = members("2.0.0");
    let component = Component::load(&Engine::new(Limits::default()), &file).expect("it is valid");
    let mut session = Session::start(&component).expect("it can be started");
    let [mut sandboxed, mut native]: [Best; 2] = Default::default();
    let mut reply = Vec::with_capacity(batch.bodies.len() * 2);
    for _ in 0..rounds * 20 {
        let started = Instant::now();
        let attempt = session.migrate("text", &batch, Context::default(), NoDocuments);
        assert_eq!(attempt.reply.expect("it answers").len(), batch.len());
        sandboxed.add(started.elapsed());
        let started = Instant::now();
        reply.clear();
        for (id, body) in batch.iter() {
            match members_2_0_0::as_tree(&Item::new(id, body)) {
                Ok(Outcome::Updated(Body::Bytes(body))) => reply.extend_from_slice(&body),
                other => panic!("{other:?}"),
            }
        }
        native.add(started.elapsed());
    }
    let each = |took: &Best| took.seconds() * 1e6 / batch.len() as f64;
    Row {
        what: "the guest's text, one member renamed and one added / a native `serde_json::Value` doing the same",
        unit: "x",
        target: Target::AtMost(0.25),
        found: sandboxed.seconds() / native.seconds(),
        of: format!(
            "{:.2} us, {:.2} us a document",
            each(&sandboxed),
            each(&native)
        ),
    }
}

/// Five pending versions of a collection beside one.
pub(crate) fn chain(items: &[(String, String)], rounds: usize) -> Row {
    let one = catalogue(&["3.0.0"], None);
    let five = catalogue(&["3.0.0", "4.0.0", "5.0.0", "6.0.0", "7.0.0"], None);
    let [mut short, mut long]: [Best; 2] = Default::default();
    for round in 1..=rounds {
        eprintln!("chains, round {round}");
        short.add(run(items, "chained", &one, false));
        long.add(run(items, "chained", &five, false));
    }
    Row {
        what: "five pending versions over one collection / one version",
        unit: "x",
        target: Target::AtMost(1.5),
        found: long.seconds() / short.seconds(),
        of: format!("{:.2} s, {:.2} s", long.seconds(), short.seconds()),
    }
}

pub(crate) fn loading() -> Row {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let cache = Cache::open(&folder.path().join("cache")).expect("it can be used");
    let engine = Engine::new(Limits::default()).with_cache(cache);
    let file = members("2.0.0");
    let mut took = Best::default();
    for round in 0..50 {
        let started = Instant::now();
        Component::load(&engine, &file).expect("it is valid");
        if round > 0 {
            took.add(started.elapsed());
        }
    }
    Row {
        what: "load of a cached plugin",
        unit: "ms",
        target: Target::AtMost(5.0),
        found: took.seconds() * 1e3,
        of: format!("a plugin of {} KB", file.len() / 1_000),
    }
}

/// `godwit status` of a store with a million items, from the program's start to its end.
pub(crate) fn status() -> Row {
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
    let mut took = Best::default();
    for _ in 0..20 {
        let started = Instant::now();
        let output = Command::new(&godwit)
            .args(["--store", &url, "status"])
            .output();
        took.add(started.elapsed());
        assert!(output.expect("it can be started").status.success());
    }
    Row {
        what: "`godwit status` on 1,000,000 items",
        unit: "ms",
        target: Target::AtMost(30.0),
        found: took.seconds() * 1e3,
        of: "the whole process".to_owned(),
    }
}

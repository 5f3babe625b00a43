//! Measures the same migration in every language, and prints the table of plugins/README.md.
//!
//! `plugins/languages` builds the plugins. Each is measured in a process of its own: compiling it, loading it
//! from the cache, and passing 100,000 real documents of about 1 KB through it on one thread.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Parser;
use godwit::catalogue::Catalogue;
use godwit::model::Batch;
use godwit::run::{Control, Stream};
use godwit::sandbox::{Cache, Context, Engine, Limits};
use godwit::store::{Memory, Store};
use godwit_tests::world::features;
use serde_json::{Value, json};

/// How many documents are passed through.
const ITEMS: usize = 100_000;
/// Bytes of bodies that are fed at once, as in every run.
const BATCH_BYTES: usize = 256 << 10;

const BEGIN: &str = "<!-- languages:begin -->";
const END: &str = "<!-- languages:end -->";

/// The builds, with what they are made with.
const LANGUAGES: [(&str, &str, &str); 9] = [
    ("rust", "Rust", "rustc"),
    ("c", "C", "clang of Zig"),
    ("cpp", "C++", "clang of Zig, nlohmann's JSON"),
    ("zig", "Zig", "Zig"),
    ("go", "Go", "stock Go"),
    ("javascript", "JavaScript", "QuickJS"),
    ("starlingmonkey", "JavaScript", "StarlingMonkey"),
    ("typescript", "TypeScript", "QuickJS"),
    ("python", "Python", "CPython"),
];

/// Measure the same migration in every language.
#[derive(Debug, Parser)]
struct Args {
    /// Put the table into plugins/README.md.
    #[arg(long)]
    write: bool,
    /// Measure one language, and print JSON.
    #[arg(long, hide = true)]
    one: Option<String>,
}

fn main() {
    let args = Args::parse();
    if let Some(language) = &args.one {
        println!("{}", measure(language));
        return;
    }
    let table = table();
    println!("{table}");
    if args.write {
        write(&table);
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The table, a row for each language.
fn table() -> String {
    let mut lines = vec![
        format!("Measured on {}.", machine()),
        String::new(),
        "| language | engine or compiler | plugin | compile | load | items/s | memory |".to_owned(),
        "| --- | --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    let program = std::env::current_exe().expect("this program has a path");
    for (language, name, made_with) in LANGUAGES {
        eprintln!("measuring {language}");
        let output = Command::new(&program).args(["--one", language]).output();
        let output = output.expect("this program can be started again");
        assert!(
            output.status.success(),
            "{language}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let row: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
        let number = |name: &str| row[name].as_f64().expect("it is a number");
        lines.push(format!(
            "| {name} | {made_with} | {} | {:.2} s | {:.1} ms | {} | {:.0} MB |",
            bytes(number("bytes")),
            number("compile"),
            number("load") * 1e3,
            thousands(number("items_per_second")),
            number("memory") / 1e6,
        ));
    }
    lines.join("\n")
}

/// The day and the kind of machine.
fn machine() -> String {
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
    let model = model.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{day}, on {cores} cores of a machine with `{model}`")
}

fn bytes(bytes: f64) -> String {
    if bytes < 1e6 {
        format!("{:.0} KB", bytes / 1e3)
    } else {
        format!("{:.1} MB", bytes / 1e6)
    }
}

/// A rate, to two digits: more would be noise.
fn thousands(rate: f64) -> String {
    let unit = 10_f64.powf(rate.log10().floor() - 1.0);
    let rounded = ((rate / unit).round() * unit) as u64;
    match rounded {
        0..1_000 => rounded.to_string(),
        _ => format!("{},{:03}", rounded / 1_000, rounded % 1_000),
    }
}

/// What one language takes.
fn measure(language: &str) -> Value {
    let file = root()
        .join("target/plugins")
        .join(language)
        .join("bcd-2-0-0.wasm");
    let bytes = std::fs::read(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; run plugins/languages", file.display()));
    let folder = tempfile::tempdir().expect("there is room");
    let engine = || {
        let cache = Cache::open(&folder.path().join("cache")).expect("there is room");
        Engine::new(Limits::default()).with_cache(cache)
    };
    let load = |engine: &Engine| {
        let started = Instant::now();
        let mut catalogue = Catalogue::new();
        catalogue.add(engine, file.clone(), &bytes);
        assert!(
            catalogue.rejected().is_empty(),
            "{:?}",
            catalogue.rejected()
        );
        (catalogue, started.elapsed())
    };
    let (_, compile) = load(&engine());
    let engine = engine();
    let (catalogue, from_cache) = load(&engine);
    let time = pass(&catalogue);
    json!({
        "bytes": bytes.len(),
        "compile": compile.as_secs_f64(),
        "load": from_cache.as_secs_f64(),
        "items_per_second": ITEMS as f64 / time.as_secs_f64(),
        "memory": engine.peak_memory(),
    })
}

/// Passes the documents through a migration; gives how long it took.
fn pass(catalogue: &Catalogue) -> Duration {
    let migration = &catalogue.migrations()[0];
    let component = catalogue
        .component(&migration.digest)
        .expect("it is a component");
    let documents = Store::new(std::sync::Arc::new(Memory::new())).expect("it is empty");
    let control = Control::default();
    let context = Context::default();
    let stream = Stream::new(
        component,
        &migration.steps[0],
        documents,
        context,
        1,
        &control,
    );
    let stream = stream.expect("the step makes new items of old ones");
    let batches = batches();
    let mut passed = 0;
    let started = Instant::now();
    stream
        .pass(batches.into_iter(), &mut |batch| {
            passed += batch.became.len();
            ControlFlow::Continue(())
        })
        .expect("it can be started");
    let time = started.elapsed();
    assert_eq!(passed, ITEMS);
    time
}

/// Real documents, again and again under other ids, in batches as runs feed them.
fn batches() -> Vec<Batch> {
    let features: Vec<_> = features().collect();
    let mut batches = vec![Batch::default()];
    for number in 0..ITEMS {
        let (id, body) = &features[number % features.len()];
        let last = batches.last_mut().expect("there is one");
        last.push(
            &format!("{:03} {id}", number / features.len()),
            body.as_bytes(),
        );
        if last.bodies.len() >= BATCH_BYTES {
            batches.push(Batch::default());
        }
    }
    batches
}

fn write(table: &str) {
    let file = root().join("plugins/README.md");
    let text = std::fs::read_to_string(&file).expect("the page can be read");
    let (before, rest) = text.split_once(BEGIN).expect("the page has the mark");
    let (_, after) = rest.split_once(END).expect("the page has the mark");
    let text = format!("{before}{BEGIN}\n\n{table}\n\n{END}{after}");
    std::fs::write(&file, text).expect("the page can be written");
}

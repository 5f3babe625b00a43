//! A small world to run migrations in: guests, items, a host whose time stands still.

use std::io::BufRead as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use godwit::Surroundings;
use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Event, Name, RunId, Timestamp, Version};
use godwit::run::{Control, Options, Report, RunEvent};
use godwit::sandbox::{Engine, Limits};
use godwit::store::{Backend, Collection, Holder, Lease, Memory, OpenMode, Store, StoreUrl, Visit};
use godwit::transfer::{ImportCounts, ImportReport, ImportSettings, Importer, OnExisting};

/// An engine for every test of the process.
pub static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(Limits::default()));

/// The file of a guest that `plugins/build` made.
///
/// # Panics
/// When it was not built: a missing guest is a failure, never a silent skip.
pub fn guest(package: &str) -> PathBuf {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/plugins");
    let file = PathBuf::from(built).join(format!("{package}.wasm"));
    assert!(
        file.exists(),
        "{} is not built: run plugins/build",
        file.display()
    );
    file
}

/// A catalogue of guests, compiled with an engine.
pub fn catalogue_of(engine: &Engine, packages: &[&str]) -> Arc<Catalogue> {
    let mut catalogue = Catalogue::new();
    add_guests(&mut catalogue, engine, packages);
    accepted(catalogue)
}

/// A catalogue of guests.
pub fn catalogue(packages: &[&str]) -> Arc<Catalogue> {
    catalogue_of(&ENGINE, packages)
}

/// Adds schema files, given as text, to guests.
pub fn catalogue_with(packages: &[&str], schemas: &[&str]) -> Arc<Catalogue> {
    let mut catalogue = Catalogue::new();
    add_guests(&mut catalogue, &ENGINE, packages);
    for (number, schema) in schemas.iter().enumerate() {
        let file = format!("schema-{number}.json");
        catalogue.add(&ENGINE, file.into(), schema.as_bytes());
    }
    accepted(catalogue)
}

fn add_guests(catalogue: &mut Catalogue, engine: &Engine, packages: &[&str]) {
    for package in packages {
        let file = guest(package);
        let bytes = std::fs::read(&file).expect("guests can be read");
        catalogue.add(engine, file, &bytes);
    }
}

fn accepted(catalogue: Catalogue) -> Arc<Catalogue> {
    if let Some(rejected) = catalogue.rejected().first() {
        let (file, reason) = (rejected.file.display(), &rejected.reason);
        panic!("{file} was rejected: {reason:?}");
    }
    Arc::new(catalogue)
}

/// Time that stands still, and numbers that count up instead of being random.
pub fn surroundings() -> Surroundings {
    let numbers = AtomicU64::new(1);
    Surroundings {
        clock: Arc::new(|| Timestamp(1_700_000_000_000)),
        random: Arc::new(move || numbers.fetch_add(1, Ordering::Relaxed)),
        holder: Holder {
            name: "a test".to_owned(),
            process: None,
        },
        // Whoever held the lease before was killed: tests have one host at a time.
        is_gone: Arc::new(|_| true),
    }
}

/// Options that make many small batches.
pub fn small_batches(items: usize, threads: usize) -> Options {
    Options {
        threads,
        batch_items: items,
        ..Options::default()
    }
}

/// A host over a backend.
pub fn host(backend: Arc<dyn Backend>, catalogue: &Arc<Catalogue>) -> Host {
    let store = Store::new(backend).expect("the store can be used");
    Host::new(store, catalogue.clone(), surroundings())
}

/// A host over an empty store in memory.
pub fn memory_host(catalogue: &Arc<Catalogue>) -> Host {
    host(Arc::new(Memory::new()), catalogue)
}

/// A name.
pub fn name(text: &str) -> Name {
    text.parse().expect("it is a name")
}

/// A version.
pub fn version(text: &str) -> Version {
    text.parse().expect("it is a version")
}

/// Puts items (as pairs of id and body) of version 1.0.0 into a collection, as an import does.
pub fn seed(host: &Host, app: &str, collection: &str, items: &[(String, String)]) {
    let mut lease: Lease = host.lease("seed").expect("nobody else holds the lease");
    let store = host.store();
    let one = version("1.0.0");
    let mut write = store.write(RunId(0), None);
    let record = Collection::new(name(app), Some(one.clone()));
    write
        .set_collection(&name(collection), record)
        .expect("the store works");
    for (id, body) in items {
        let new = Some((&one, body.as_bytes().into()));
        write
            .set_item(&name(collection), id, None, new, Visit::Once)
            .expect("the store works");
    }
    let apps = store.history().expect("the store works").apps();
    if !apps.contains_key(app) {
        let added = write.add_history(Timestamp(0), &name(app), &one, Event::Baseline);
        added.expect("the store works");
    }
    write
        .commit(&mut lease, Timestamp(0))
        .expect("the store works");
    lease.release(store).expect("the store works");
}

/// The items of a collection as lines `id version body`, by id.
pub fn items(store: &Store, collection: &str) -> Vec<String> {
    let collection = name(collection);
    let mut ids = Vec::new();
    store
        .each_item(&collection, None, &mut |id, _| {
            ids.push(id.to_owned());
            ControlFlow::Continue(())
        })
        .expect("the store works");
    let line = |id: &String| {
        let item = store
            .item(&collection, id)
            .expect("the store works")
            .expect("it is there");
        format!(
            "{id} {} {}",
            item.version,
            String::from_utf8_lossy(&item.body)
        )
    };
    ids.iter().map(line).collect()
}

/// Everything under a backend but the lease, as text: what must be equal at the end.
pub fn dump(backend: &dyn Backend) -> Vec<String> {
    let mut entries = Vec::new();
    backend
        .scan(b"\0", b"\xff", &mut |key, value| {
            if key != b"L" {
                entries.push(format!("{} = {}", key.escape_ascii(), value.escape_ascii()));
            }
            ControlFlow::Continue(())
        })
        .expect("the store works");
    entries
}

/// Brings everything up to date and returns the reports.
pub fn up(host: &Host) -> Vec<Report> {
    let listener = Listener::default();
    host.up(
        &godwit::plan::Goal::default(),
        &listener,
        &Control::default(),
    )
    .expect("up works")
}

/// The documents of a file of an example, as in `items.before`.
pub fn fixture(package: &str, file: &str) -> Vec<(String, String)> {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/examples/rust");
    let file = PathBuf::from(examples)
        .join(package)
        .join(format!("{file}.ndjson"));
    let text = std::fs::read_to_string(&file).expect("examples can be read");
    text.lines().map(document).collect()
}

/// The documents of a file of whole sets, as in `q-items/choropleth.ndjson`.
pub fn documents(file: &str) -> Vec<(String, String)> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/examples/data");
    let text = std::fs::read_to_string(PathBuf::from(data).join(file));
    text.expect("the data can be read")
        .lines()
        .map(document)
        .collect()
}

/// All 20,968 browser-compat features.
pub fn features() -> impl Iterator<Item = (String, String)> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../plugins/examples/data/bcd-features.ndjson.gz"
    );
    let file = std::fs::File::open(file).expect("the data can be read");
    let lines = std::io::BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines();
    lines.map(|line| document(&line.expect("the data can be read")))
}

/// A document with its id, which is in `_id`.
fn document(line: &str) -> (String, String) {
    let body: serde_json::Value = serde_json::from_str(line).expect("documents are JSON");
    (
        body["_id"].as_str().expect("documents have ids").to_owned(),
        line.to_owned(),
    )
}

/// Imports items (as pairs of id and body) with a version; those that are there are replaced.
pub fn import(
    host: &Host,
    app: &str,
    collection: &str,
    version: &str,
    items: &[(String, String)],
) -> ImportCounts {
    let report = import_some(host, app, collection, version, items);
    assert!(report.done && report.bad_lines.is_empty(), "{report:?}");
    report.counts
}

/// The same, where not every item may be imported.
pub fn import_some(
    host: &Host,
    app: &str,
    collection: &str,
    version: &str,
    items: &[(String, String)],
) -> ImportReport {
    let version = Some(self::version(version));
    let settings = ImportSettings {
        on_existing: OnExisting::Replace,
        ..ImportSettings::new(name(app), name(collection), version)
    };
    let lines: String = items.iter().map(|(_, body)| format!("{body}\n")).collect();
    let mut lease = host.lease("import").expect("nobody else holds the lease");
    let importer = Importer {
        store: host.store(),
        clock: &*host.surroundings().clock,
        settings: &settings,
        way_in: None,
        control: &Control::default(),
        observer: &|_| {},
    };
    let report = importer
        .import(&mut lease, &mut lines.as_bytes())
        .expect("it can be imported");
    lease.release(host.store()).expect("the store works");
    report
}

/// The data under a backend: items, those apart, indexes, tallies, and what could be undone.
pub fn data(backend: &dyn Backend) -> Vec<String> {
    let mut lines = dump(backend);
    lines.retain(|line| line.starts_with(['D', 'I', 'N', 'X', 'Z']));
    lines
}

/// A store of each kind: in memory, and in folders that go with what is returned.
pub fn of_each_kind() -> Vec<(Arc<dyn Backend>, Option<tempfile::TempDir>)> {
    let on_disk = |kind: &str| {
        let folder = tempfile::tempdir().expect("there is room");
        let url = format!("{kind}:{}", folder.path().join("store").display());
        let url: StoreUrl = url.parse().expect("it is a URL");
        let backend = url.open(OpenMode::Create).expect("there is room");
        (backend, Some(folder))
    };
    vec![
        (Arc::new(Memory::new()), None),
        on_disk("sled"),
        on_disk("lmdb"),
    ]
}

/// Everything in quarantine that nobody has accepted, as pairs of collection and id.
pub fn quarantined(host: &Host) -> Vec<(Name, String)> {
    let mut found = Vec::new();
    host.quarantine(false, &mut |collection, id, _| {
        found.push((collection.clone(), id.to_owned()));
    })
    .expect("the store works");
    found
}

/// Brings everything up to date, accepting whatever goes into quarantine on the way.
pub fn up_accepting(host: &Host, observer: &dyn godwit::run::Observer) -> Vec<Report> {
    let mut reports = Vec::new();
    loop {
        let more = host.up(
            &godwit::plan::Goal::default(),
            observer,
            &Control::default(),
        );
        let more = more.expect("up works");
        let is_over = more.last().is_none_or(|report| report.open == 0);
        reports.extend(more);
        if is_over {
            return reports;
        }
        host.accept(&quarantined(host))
            .expect("it is in quarantine");
    }
}

/// Remembers what a run said.
#[derive(Debug, Default)]
pub struct Listener {
    said: Mutex<Vec<String>>,
}

impl Listener {
    /// What was said so far.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().expect("nobody panicked").clone()
    }
}

impl godwit::run::Observer for Listener {
    fn event(&self, event: &RunEvent) {
        self.said
            .lock()
            .expect("nobody panicked")
            .push(format!("{event:?}"));
    }
}

/// Calls a function with every event.
#[derive(Debug)]
pub struct Told<F>(pub F);

impl<F: Fn(&RunEvent) + Sync> godwit::run::Observer for Told<F> {
    fn event(&self, event: &RunEvent) {
        (self.0)(event);
    }
}

/// Waits; not for ever, so that what never comes fails the test.
///
/// # Panics
/// When it has not come after a minute.
pub fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("it does not come");
}

/// Asks to stop when so many batches were committed.
#[derive(Debug)]
pub struct StopAfter {
    batches: AtomicU64,
    /// What is asked.
    pub control: Control,
}

impl StopAfter {
    /// Counts from nothing.
    pub fn new(batches: u64) -> Self {
        Self {
            batches: AtomicU64::new(batches),
            control: Control::default(),
        }
    }
}

impl godwit::run::Observer for StopAfter {
    fn event(&self, event: &RunEvent) {
        if matches!(event, RunEvent::Batch { .. })
            && self.batches.fetch_sub(1, Ordering::Relaxed) == 1
        {
            self.control.stop();
        }
    }
}

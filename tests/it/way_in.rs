//! An import that migrates on the way in leaves what an import and a run afterwards leave.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use godwit::HostError;
use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Digest, Timestamp};
use godwit::run::{Control, MaxFailures, OnFailure, Quiet};
use godwit::sandbox::{Engine, Limits};
use godwit::store::{Backend, Memory, Store};
use godwit::transfer::{ImportError, ImportReport, ImportSettings, Importer, OnExisting};
use godwit_tests::made::{LAYOUTS, Order, derive, made, made_for, plain, rewrite};
use godwit_tests::world::{
    ENGINE, data, dump, host, items, name, of_each_kind, seed, small_batches, surroundings,
    up_accepting, version,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::every_k::every_k;

const VERSIONS: [&str; 4] = ["2.0.0", "3.0.0", "4.0.0", "5.0.0"];

/// An index on what only some migrations put there.
const INDEX: &str = r#"{"app": "made", "version": "2.5.0", "operations": [
    {"ensure_index": {"collection": "items", "pointer": "/short"}},
    {"ensure_index": {"collection": "items", "pointer": "/v"}}]}"#;

fn orders() -> Vec<Order> {
    let order = |version: &&str| Order::new("made", version).step(rewrite("apply", "items"));
    VERSIONS.iter().map(order).collect()
}

/// Migrations, the schema, and those orders that are exchanged for others.
fn catalogue_of(engine: &Engine, orders: &[Order]) -> Arc<Catalogue> {
    let mut catalogue = Catalogue::new();
    for (number, order) in orders.iter().enumerate() {
        let file = format!("made-{number}.wasm");
        catalogue.add(engine, file.into(), &order.file(LAYOUTS[0]));
    }
    catalogue.add(engine, "index.json".into(), INDEX.as_bytes());
    assert!(catalogue.rejected().is_empty());
    Arc::new(catalogue)
}

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| catalogue_of(&ENGINE, &orders()));

/// A host whose collection `items` has come to 5.0.0, with an item that was there before.
fn at_the_newest(backend: Arc<dyn Backend>) -> Host {
    let host = host_on(backend, &CATALOGUE).expect("the store can be used");
    seed(&host, "made", "items", &[plain("first")]);
    up_accepting(&host, &Quiet);
    host
}

fn host_on(backend: Arc<dyn Backend>, catalogue: &Arc<Catalogue>) -> Result<Host, HostError> {
    let mut host = Host::new(Store::new(backend)?, catalogue.clone(), surroundings());
    host.options = small_batches(7, 2);
    host.options.max_failures = MaxFailures::Percent(100);
    Ok(host)
}

/// Documents say their version in `v`; those that say none have 1.0.0.
fn settings() -> ImportSettings {
    ImportSettings {
        version_at: Some("/v".parse().unwrap()),
        source: Some(Digest::of(b"the source")),
        batch_lines: 5,
        max_failures: MaxFailures::Percent(100),
        ..ImportSettings::new(name("made"), name("items"), Some(version("1.0.0")))
    }
}

/// How an import goes about items of older versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    AsIs,
    Migrating,
}

fn try_import(
    host: &Host,
    how: How,
    settings: &ImportSettings,
    lines: &str,
    control: &Control,
    observer: &dyn Fn(&godwit::transfer::ImportCounts),
) -> Result<ImportReport, HostError> {
    let mut lease = host.lease("import")?;
    let way_in = match how {
        How::AsIs => None,
        How::Migrating => host.way_in(&settings.app, &settings.collection, control)?,
    };
    let importer = Importer {
        store: host.store(),
        clock: &*host.surroundings().clock,
        settings,
        way_in: way_in.as_ref().map(|way| way as _),
        control,
        observer,
    };
    let result = importer.import(&mut lease, &mut lines.as_bytes());
    let report = result.map_err(|error| match error {
        ImportError::Store(error) => HostError::Store(error),
        ImportError::Lease(error) => HostError::Lease(error),
        error => panic!("{error}"),
    })?;
    lease.release(host.store())?;
    let counts = report.counts;
    let parts = [
        counts.created,
        counts.replaced,
        counts.kept,
        counts.present,
        counts.removed,
        counts.blank,
        counts.bad,
    ];
    assert_eq!(counts.lines, parts.iter().sum::<u64>(), "{counts:?}");
    assert!(counts.migrated + counts.waiting <= counts.created + counts.replaced);
    assert!(counts.failed <= counts.waiting, "{counts:?}");
    Ok(report)
}

fn import(host: &Host, how: How, settings: &ImportSettings, lines: &str) -> ImportReport {
    let control = Control::default();
    let report = try_import(host, how, settings, lines, &control, &|_| {});
    report.expect("it can be imported")
}

fn lines(items: &[(String, String)]) -> String {
    items.iter().map(|(_, body)| format!("{body}\n")).collect()
}

/// What must be equal: items, those apart, tallies, indexes, history, collection, digest; and everything has to be as it
/// should be.
fn outcome(host: &Host) -> Vec<String> {
    let mut found = items(host.store(), "items");
    let collection = name("items");
    let apart = |id: &str, apart: godwit::model::Apart| {
        found.push(format!("{id} {apart:?}"));
        ControlFlow::Continue(())
    };
    host.store()
        .each_apart(&collection, None, &mut { apart })
        .unwrap();
    // An item's record tells the run that wrote it, too.
    let kept = |line: &String| line.starts_with(['I', 'N']);
    found.extend(data(host.store().backend()).into_iter().filter(kept));
    let history = host.store().history().unwrap();
    found.extend(history.0.iter().map(|entry| format!("{entry:?}")));
    let record = host.store().collection(&collection).unwrap().unwrap();
    found.push(format!("{record:?}"));
    let digests = host.digests(&[]).unwrap();
    found.push(format!("{digests:?}"));
    let mut flaws = Vec::new();
    let control = Control::default();
    let verified = host.verify(&[], &|_, _| None, &mut |flaw| flaws.push(flaw), &control);
    assert_eq!(verified.unwrap().flaws, 0, "{flaws:?}");
    found
}

/// What an item does in a version.
fn command(fails: bool) -> impl Strategy<Value = Option<Value>> {
    let good = prop_oneof![
        4 => Just(None),
        2 => Just(Some(json!([["keep"]]))),
        1 => Just(Some(json!([["remove"]]))),
        1 => Just(Some(json!([["text", r#"{"short":1.50}"#]]))),
        1 => Just(Some(json!([["replace", "trail", "short"]]))),
    ];
    let bad = prop_oneof![
        Just(Some(json!([["fail", "it will not do"]]))),
        Just(Some(json!([["panic"]]))),
        Just(Some(json!([["text", "no JSON"]]))),
        Just(Some(json!([["lie", "short"]]))),
    ];
    prop_oneof![9 => good, u32::from(fails) => bad]
}

/// Items of all versions, which do something in some of the versions, in any order of their ids.
fn any_items(fails: bool, most: usize) -> impl Strategy<Value = Vec<(String, String)>> {
    let versions = [
        "", "0.9.0", "1.0.0", "2.0.0", "2.5.0", "3.1.0", "4.0.0", "5.0.0",
    ];
    let commands = proptest::collection::vec(command(fails), VERSIONS.len());
    let item = (
        any::<u16>(),
        prop::sample::select(versions.to_vec()),
        commands,
    );
    proptest::collection::vec(item, 0..most).prop_map(|all| {
        let made = all
            .into_iter()
            .enumerate()
            .map(|(n, (id, said, commands))| {
                let id = format!("{id:05}-{n}");
                let mut body = json!({"_id": id, "do": {}});
                if !said.is_empty() {
                    body["v"] = json!(said);
                }
                for (version, command) in VERSIONS.iter().zip(commands) {
                    if let Some(command) = command {
                        body["do"][format!("{version}/apply")] = command;
                    }
                }
                (id, body.to_string())
            });
        made.collect()
    })
}

/// Holds an import that migrates to one that does not and a run.
fn hold(
    items: &[(String, String)],
    batch_lines: usize,
    threads: usize,
    backends: [Arc<dyn Backend>; 2],
) -> ImportReport {
    let settings = ImportSettings {
        batch_lines,
        ..settings()
    };
    let input = lines(items);
    let [one, other] = backends;
    let mut expected = at_the_newest(one);
    expected.options.threads = threads;
    import(&expected, How::AsIs, &settings, &input);
    up_accepting(&expected, &Quiet);

    let mut found = at_the_newest(other);
    found.options.threads = threads;
    let report = import(&found, How::Migrating, &settings, &input);
    let counts = report.counts;
    assert_eq!(counts.bad, 0, "{report:?}");
    assert_eq!(counts.failed, counts.waiting, "{report:?}");
    assert_eq!(report.failures.len() as u64, counts.failed);
    assert!(report.hurdles.is_empty());
    let tallies = found.store().tallies(&name("items")).unwrap();
    assert_eq!((tallies.waiting, tallies.open), (counts.waiting, 0));
    // Once more: everything is there.
    let before = dump(found.store().backend());
    let again = import(&found, How::Migrating, &settings, &input).counts;
    assert_eq!(again.present, counts.created, "{again:?}");
    assert_eq!(again.removed, counts.removed, "{again:?}");
    assert_eq!(dump(found.store().backend()), before);
    let runs = found.store().runs().unwrap().len();
    up_accepting(&found, &Quiet);
    assert_eq!(outcome(&found), outcome(&expected));
    let ran = found.store().runs().unwrap().len() - runs;
    assert_eq!(
        ran > 0,
        counts.waiting > 0,
        "there is nothing left for a run"
    );
    report
}

fn memory() -> [Arc<dyn Backend>; 2] {
    [Arc::new(Memory::new()), Arc::new(Memory::new())]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(48)
    })]

    #[test]
    fn the_outcome_is_that_of_an_import_and_a_run(
        items in prop_oneof![any_items(false, 40), any_items(true, 40)],
        batch_lines in prop_oneof![1..8_usize, Just(100)],
        threads in 1..4_usize,
    ) {
        hold(&items, batch_lines, threads, memory());
    }
}

/// Many items of several versions; some fail, some are removed, some have nothing done to them.
fn some_items() -> Vec<(String, String)> {
    let item = |n: usize| {
        let id = format!("{:03}", n * 37 % 120);
        let mut body = json!({"_id": id, "n": n});
        let version = ["1.0.0", "2.0.0", "3.0.0", "5.0.0"][n / 3 % 4];
        if !n.is_multiple_of(3) {
            body["v"] = json!(version);
        }
        let (step, command) = match n % 20 {
            3 => ("3.0.0/apply", json!([["fail", "it will not do"]])),
            7 => ("4.0.0/apply", json!([["remove"]])),
            11 => ("4.0.0/apply", json!([["panic"]])),
            13 => ("5.0.0/apply", json!([["text", r#"{"short":true}"#]])),
            17 => ("4.0.0/apply", json!([["keep"]])),
            _ => ("", Value::Null),
        };
        body["do"] = json!({ step: command });
        (id, body.to_string())
    };
    (0..120).map(item).collect()
}

#[test]
fn every_store_ends_the_same() {
    let stores = of_each_kind().into_iter().zip(of_each_kind());
    for ((one, _keep), (other, _too)) in stores {
        let report = hold(&some_items(), 25, 2, [one, other]);
        let counts = report.counts;
        assert!(counts.migrated > 40 && counts.failed > 5, "{counts:?}");
        assert!(counts.removed > 2, "{counts:?}");
    }
}

#[test]
fn an_import_that_is_stopped_behind_every_batch_gives_the_same_store() {
    let mut all = some_items();
    // What it is told of the time and of chance is the same, too.
    for place in [10, 60, 110] {
        let body = json!({"_id": all[place].0, "do": {"2.0.0/apply": [["run"]]}});
        all[place].1 = body.to_string();
    }
    let input = lines(&all);
    let undisturbed = at_the_newest(Arc::new(Memory::new()));
    let expected = import(&undisturbed, How::Migrating, &settings(), &input);
    for (backend, _folder) in of_each_kind() {
        let host = at_the_newest(backend);
        let mut rounds = 0;
        let report = loop {
            let control = Control::default();
            let stop = |_: &_| control.stop();
            let how = How::Migrating;
            let report = try_import(&host, how, &settings(), &input, &control, &stop).unwrap();
            rounds += 1;
            if report.done {
                break report;
            }
        };
        assert!(rounds > 5, "{rounds}");
        assert_eq!(report.counts, expected.counts);
        assert_eq!(report.failures, expected.failures);
        assert_eq!(outcome(&host), outcome(&undisturbed));
    }
}

#[test]
fn an_import_ends_the_same_whichever_operation_fails() {
    let input = lines(&some_items()[..20]);
    let start = || {
        let backend = Arc::new(Memory::new());
        at_the_newest(backend.clone());
        backend
    };
    let work = |backend: Arc<dyn Backend>| -> Result<(), HostError> {
        let host = host_on(backend, &CATALOGUE)?;
        let control = Control::default();
        try_import(
            &host,
            How::Migrating,
            &settings(),
            &input,
            &control,
            &|_| {},
        )?;
        Ok(())
    };
    let operations = every_k(work, start, 1);
    assert!(operations > 40, "{operations} operations are too few");
}

#[test]
fn an_import_that_is_stopped_while_faults_are_narrowed_down_drops_the_batch() {
    let host = at_the_newest(Arc::new(Memory::new()));
    let panics = |n: usize| format!(r#"{{"_id":"{n}","do":{{"2.0.0/apply":[["panic"]]}}}}"#);
    let input: Vec<_> = (0..20).map(panics).collect();
    let input = input.join("\n");
    let before = dump(host.store().backend());
    let settings = ImportSettings {
        batch_lines: 100,
        ..settings()
    };
    let control = Control::default();
    let mut lease = host.lease("import").unwrap();
    let way_in = host
        .way_in(&settings.app, &settings.collection, &control)
        .unwrap();
    // It is asked once a few lines have been read.
    let asked = AtomicU64::new(0);
    let clock = || {
        if asked.fetch_add(1, Ordering::Relaxed) == 5 {
            control.stop();
        }
        Timestamp(1_700_000_000_000)
    };
    let importer = Importer {
        store: host.store(),
        clock: &clock,
        settings: &settings,
        way_in: way_in.as_ref().map(|way| way as _),
        control: &control,
        observer: &|_| {},
    };
    let report = importer.import(&mut lease, &mut input.as_bytes()).unwrap();
    assert!(
        !report.done && report.can_resume && report.counts.lines == 0,
        "{report:?}"
    );
    assert_eq!(dump(host.store().backend()), before);
    lease.release(host.store()).unwrap();
    let report = import(&host, How::Migrating, &settings, &input);
    assert!(report.done && report.counts.failed == 20, "{report:?}");
}

/// A host over a store that has come to the newest version by `CATALOGUE`, with other files.
fn with_other_files(orders: &[Order]) -> Host {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    at_the_newest(backend.clone());
    host_on(backend, &catalogue_of(&ENGINE, orders)).unwrap()
}

const MIXED: &str = r#"{"_id":"a","v":"1.0.0"}
{"_id":"b","v":"2.0.0"}
{"_id":"c","v":"3.0.0"}
{"_id":"d","v":"4.0.0"}
{"_id":"e","v":"4.0.0"}
{"_id":"f","v":"5.0.0"}
"#;

fn hurdles(report: &ImportReport) -> Vec<String> {
    let told = report.hurdles.iter();
    told.map(|waiting| format!("{} {}", waiting.items, waiting.hurdle))
        .collect()
}

#[test]
fn items_wait_for_what_cannot_be_done_on_the_way_in() {
    let order = |version: &str| Order::new("made", version);
    let pure = |version: &str| order(version).step(rewrite("apply", "items"));
    // Missing: those below wait, those above do not.
    let host = with_other_files(&[pure("2.0.0"), pure("4.0.0"), pure("5.0.0")]);
    let report = import(&host, How::Migrating, &settings(), MIXED);
    assert_eq!(
        hurdles(&report),
        ["2 3.0.0 (made-1.wasm): its file is missing from the catalogue"]
    );
    assert_eq!((report.counts.migrated, report.counts.waiting), (3, 2));
    let version_of = |id: &str| {
        host.store()
            .item(&name("items"), id)
            .unwrap()
            .unwrap()
            .version
    };
    assert_eq!(version_of("a"), version("1.0.0"));
    assert_eq!(version_of("b"), version("2.0.0"));
    assert_eq!(version_of("c"), version("5.0.0"));
    // Other bytes.
    let mended = pure("4.0.0").mended();
    let mut host = with_other_files(&[pure("2.0.0"), pure("3.0.0"), mended, pure("5.0.0")]);
    let report = import(&host, How::Migrating, &settings(), MIXED);
    let [told] = &hurdles(&report)[..] else {
        panic!("{report:?}")
    };
    assert!(told.starts_with("3 4.0.0 (made-2.wasm): "), "{told}");
    assert_eq!((report.counts.migrated, report.counts.waiting), (2, 3));
    // What is accepted for a run is accepted here.
    host.policy = "digest-drift=accept".parse().unwrap();
    let again = import(
        &host,
        How::Migrating,
        &settings(),
        &MIXED.replace("_id\":\"", "_id\":\"x"),
    );
    assert_eq!((again.counts.migrated, again.hurdles.len()), (5, 0));
    // No migration at all.
    let host = with_other_files(&[]);
    let report = import(&host, How::Migrating, &settings(), MIXED);
    assert_eq!((report.counts.migrated, report.counts.waiting), (0, 5));
    assert_eq!(report.hurdles.len(), 4, "{report:?}");
}

#[test]
fn steps_that_see_more_than_the_item_keep_items_waiting() {
    let reads = json!({"name": "apply", "collection": "items", "reads": ["notes"]});
    let cases = [
        (
            vec![derive("apply", "items", "notes")],
            "its step apply derives from items that are stored",
        ),
        (vec![reads], "its step apply sees stored items of notes"),
        (
            vec![rewrite("apply", "items"), derive("note", "items", "notes")],
            "its step note derives from items that are stored",
        ),
        // What it does to other collections does not matter.
        (
            vec![rewrite("apply", "items"), derive("note", "others", "notes")],
            "",
        ),
        (vec![rewrite("apply", "others")], ""),
        (vec![], ""),
    ];
    for (steps, expected) in cases {
        let first = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
        let second = Order::new("made", "3.0.0");
        let second = steps.into_iter().fold(second, Order::step);
        let catalogue = made(&[first, second]);
        let host = host(Arc::new(Memory::new()), &catalogue);
        seed(&host, "made", "items", &[plain("first")]);
        up_accepting(&host, &Quiet);
        let lines = "{\"_id\":\"a\"}\n{\"_id\":\"b\",\"v\":\"2.0.0\"}\n";
        let report = import(&host, How::Migrating, &settings(), lines);
        let told = match expected {
            "" => vec![],
            expected => vec![format!("2 3.0.0 (made-1.wasm): {expected}")],
        };
        assert_eq!(hurdles(&report), told);
        assert_eq!(report.counts.migrated, if told.is_empty() { 2 } else { 0 });
        let tallies = host.store().tallies(&name("items")).unwrap();
        assert_eq!(tallies.waiting, report.counts.waiting);
        up_accepting(&host, &Quiet);
        assert_eq!(host.store().tallies(&name("items")).unwrap().waiting, 0);
    }
}

#[test]
fn what_is_there_is_held_to_what_would_be_written() {
    let old = r#"{"_id":"a"}"#;
    let other = r#"{"_id":"a","other":1}"#;
    let removed = r#"{"_id":"a","do":{"3.0.0/apply":[["remove"]]}}"#;
    let with = |on_existing| ImportSettings {
        on_existing,
        ..settings()
    };
    let there = |host: &Host| items(host.store(), "items")[0].clone();
    for on_existing in [OnExisting::Refuse, OnExisting::Keep, OnExisting::Replace] {
        let host = at_the_newest(Arc::new(Memory::new()));
        // An item that waits is there already as it came, and stays where it is.
        import(&host, How::AsIs, &settings(), old);
        let report = import(&host, How::Migrating, &with(on_existing), old);
        assert_eq!((report.counts.present, report.counts.migrated), (1, 0));
        assert!(there(&host).starts_with("a 1.0.0"));
        up_accepting(&host, &Quiet);
        let before = there(&host);
        assert!(before.starts_with("a 5.0.0"), "{before}");
        // Once it was migrated, its migrated form is what is there.
        let report = import(&host, How::Migrating, &with(on_existing), old);
        assert_eq!(report.counts.present, 1, "{report:?}");
        let report = import(&host, How::Migrating, &with(on_existing), other);
        let counts = report.counts;
        assert_eq!(
            (counts.bad, counts.kept, counts.replaced, counts.migrated),
            match on_existing {
                OnExisting::Refuse => (1, 0, 0, 0),
                OnExisting::Keep => (0, 1, 0, 0),
                OnExisting::Replace => (0, 0, 1, 1),
            }
        );
        assert_eq!(there(&host) != before, on_existing == OnExisting::Replace);
        let report = import(&host, How::Migrating, &with(on_existing), removed);
        assert_eq!(
            report.counts.removed,
            u64::from(on_existing == OnExisting::Replace)
        );
        assert_eq!(
            there(&host).starts_with("a "),
            on_existing != OnExisting::Replace
        );
        if on_existing == OnExisting::Refuse {
            let said = report.bad_lines[0].to_string();
            let expected = "line 1: the item `a` is there already, with a body, where a migration leaves none of this one";
            assert_eq!(said, expected);
        }
        outcome(&host);
    }
}

#[test]
fn lines_with_the_same_id_come_one_after_another() {
    let twice = r#"{"_id":"a"}
{"_id":"a"}
{"_id":"a","n":2}
{"_id":"b","do":{"2.0.0/apply":[["remove"]]}}
{"_id":"b","n":1}
{"_id":"c","n":1}
{"_id":"c","do":{"2.0.0/apply":[["remove"]]}}
"#;
    for batch_lines in [1, 2, 100] {
        let host = at_the_newest(Arc::new(Memory::new()));
        let settings = ImportSettings {
            batch_lines,
            on_existing: OnExisting::Replace,
            ..settings()
        };
        let counts = import(&host, How::Migrating, &settings, twice).counts;
        let seen = (
            counts.created,
            counts.present,
            counts.replaced,
            counts.removed,
        );
        assert_eq!(seen, (3, 1, 1, 2), "{batch_lines}");
        let found = items(host.store(), "items");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found[0].contains(r#""n":2"#) && found[1].contains(r#""n":1"#),
            "{found:?}"
        );
        outcome(&host);
    }
}

#[test]
fn items_of_the_level_and_above_are_let_be() {
    let host = at_the_newest(Arc::new(Memory::new()));
    let input = "{\"_id\":\"a\",\"v\":\"5.0.0\"}\n{\"_id\":\"b\",\"v\":\"6.0.0\"}\n";
    let counts = import(&host, How::Migrating, &settings(), input).counts;
    assert_eq!((counts.created, counts.migrated, counts.waiting), (2, 0, 0));
    let body = host.store().body(&name("items"), "a").unwrap().unwrap();
    assert_eq!(body, br#"{"_id":"a","v":"5.0.0"}"#);
}

#[test]
fn a_run_in_the_way_keeps_items_as_they_come() {
    let catalogue = made(&orders()[..2]);
    let host = host_on(Arc::new(Memory::new()), &catalogue).unwrap();
    let fails = r#"{"_id":"x","do":{"3.0.0/apply":[["fail","no"]]}}"#.to_owned();
    seed(
        &host,
        "made",
        "items",
        &[("x".to_owned(), fails), plain("y")],
    );
    let reports = host
        .up(&godwit::plan::Goal::default(), &Quiet, &Control::default())
        .unwrap();
    assert_eq!(reports[0].open, 1);
    let settings = ImportSettings {
        on_existing: OnExisting::Replace,
        ..settings()
    };
    let input = "{\"_id\":\"x\",\"n\":1}\n{\"_id\":\"y\",\"n\":1}\n{\"_id\":\"z\"}\n";
    let report = import(&host, How::Migrating, &settings, input);
    let counts = report.counts;
    assert_eq!((counts.replaced, counts.bad), (1, 2), "{report:?}");
    assert_eq!((counts.migrated, counts.waiting), (0, 1), "{report:?}");
    up_accepting(&host, &Quiet);
    let found = items(host.store(), "items");
    assert!(
        found[0].starts_with("x 3.0.0") && found[1].starts_with("y 3.0.0"),
        "{found:?}"
    );
    assert!(
        found[0].contains(r#""trail":["2.0.0/apply","3.0.0/apply"]"#),
        "{found:?}"
    );
}

#[test]
fn what_becomes_too_much_for_one_call_is_fed_again() {
    let limits = Limits {
        document_bytes: 2_000,
        ..Limits::default()
    };
    let engine = Engine::new(limits);
    let catalogue = made_for(&engine, LAYOUTS[0], &orders()[..2]);
    let large = |n: usize| {
        let command = if n == 1 {
            json!(["panic"])
        } else {
            json!(["large", 1_000])
        };
        json!({"_id": format!("{n:02}"), "do": {"3.0.0/apply": [command]}}).to_string()
    };
    let input: Vec<_> = (0..32).map(large).collect();
    let trial = |how: How, batch_lines: usize, threads: usize| {
        let mut host = host_on(Arc::new(Memory::new()), &catalogue).unwrap();
        host.options.threads = threads;
        seed(&host, "made", "items", &[plain("first")]);
        up_accepting(&host, &Quiet);
        let settings = ImportSettings {
            batch_lines,
            ..settings()
        };
        let report = import(&host, how, &settings, &input.join("\n"));
        up_accepting(&host, &Quiet);
        (outcome(&host), report)
    };
    let (expected, _) = trial(How::AsIs, 100, 1);
    for (batch_lines, threads) in [(100, 1), (100, 4), (7, 2)] {
        let (found, report) = trial(How::Migrating, batch_lines, threads);
        let counts = report.counts;
        assert_eq!(
            (counts.migrated, counts.failed, counts.waiting),
            (31, 1, 1),
            "{counts:?}"
        );
        assert!(report.hurdles.is_empty(), "{report:?}");
        assert_eq!(found, expected);
    }
}

#[test]
fn what_becomes_too_much_to_be_held_is_committed_in_parts() {
    let lines = |n: usize| match n {
        3 => String::new(),
        5 => "no JSON".to_owned(),
        n => json!({"_id": format!("{n:02}"), "do": {"2.0.0/apply": [["large", 1_000_000]]}})
            .to_string(),
    };
    let input: Vec<_> = (0..40).map(lines).collect();
    let input = input.join("\n") + "\n";
    let catalogue = made(&orders()[..1]);
    let trial = |settings: &ImportSettings| {
        let host = host_on(Arc::new(Memory::new()), &catalogue).unwrap();
        seed(&host, "made", "items", &[plain("first")]);
        up_accepting(&host, &Quiet);
        let commits = AtomicU64::new(0);
        let stopped = Control::default();
        let observer = |_: &godwit::transfer::ImportCounts| {
            if commits.fetch_add(1, Ordering::Relaxed) == 0 {
                stopped.stop();
            }
        };
        let report = try_import(&host, How::Migrating, settings, &input, &stopped, &observer);
        let first = report.unwrap();
        assert!(!first.done && first.counts.lines < 30, "{first:?}");
        let count = |_: &godwit::transfer::ImportCounts| {
            commits.fetch_add(1, Ordering::Relaxed);
        };
        let control = Control::default();
        let report = try_import(&host, How::Migrating, settings, &input, &control, &count).unwrap();
        assert_eq!(report.resumed_behind, Some(first.counts.lines));
        (outcome(&host), report, commits.into_inner())
    };
    let large = ImportSettings {
        batch_lines: 100,
        ..settings()
    };
    let (found, report, commits) = trial(&large);
    assert!((3..10).contains(&commits), "{commits} commits");
    let counts = report.counts;
    assert_eq!(
        (counts.lines, counts.blank, counts.bad),
        (40, 1, 1),
        "{counts:?}"
    );
    assert_eq!(
        (counts.migrated, counts.bytes),
        (38, input.len() as u64),
        "{counts:?}"
    );
    assert_eq!(report.bad_lines[0].line, 6);
    let small = ImportSettings {
        batch_lines: 3,
        ..settings()
    };
    let (expected, other, _) = trial(&small);
    assert_eq!((found, counts), (expected, other.counts));
}

/// An import of so many documents of which some fail, at its first fault that is one too many.
fn broken(host: &Host, settings: &ImportSettings, input: &str) -> ImportError {
    let control = Control::default();
    let mut lease = host.lease("import").unwrap();
    let way_in = host
        .way_in(&settings.app, &settings.collection, &control)
        .unwrap();
    let importer = Importer {
        store: host.store(),
        clock: &*host.surroundings().clock,
        settings,
        way_in: way_in.as_ref().map(|way| way as _),
        control: &control,
        observer: &|_| {},
    };
    let result = importer.import(&mut lease, &mut input.as_bytes());
    lease.release(host.store()).unwrap();
    result.unwrap_err()
}

#[test]
fn an_import_stops_where_more_fail_than_may() {
    let fails = |n: usize| match n < 100 {
        true => format!(r#"{{"_id":"{n:03}"}}"#),
        false => format!(r#"{{"_id":"{n:03}","do":{{"2.0.0/apply":[["fail","no"]]}}}}"#),
    };
    let input: Vec<_> = (0..400).map(fails).collect();
    let input = input.join("\n");
    for (batch_lines, there) in [(10, 111), (100, 101), (4_096, 1)] {
        let host = at_the_newest(Arc::new(Memory::new()));
        let settings = ImportSettings {
            batch_lines,
            max_failures: MaxFailures::default(),
            ..settings()
        };
        let error = broken(&host, &settings, &input);
        let ImportError::TooManyFailures { failed, tried, .. } = error else {
            panic!("{error}");
        };
        assert!(failed * 10 > tried && failed < 200, "{failed} of {tried}");
        // What was committed stays, and the same goes on.
        assert_eq!(host.store().tallies(&name("items")).unwrap().items, there);
        let resumed = import(&host, How::Migrating, &self::settings(), &input);
        assert!(resumed.done, "{resumed:?}");
        assert_eq!((resumed.counts.created, resumed.counts.failed), (400, 300));
        assert_eq!(resumed.resumed_behind.is_some(), batch_lines < 4_096);
        outcome(&host);
    }
}

#[test]
fn an_import_may_stop_at_the_first_that_fails() {
    let host = at_the_newest(Arc::new(Memory::new()));
    let input = "{\"_id\":\"b\"}\n{\"_id\":\"a\",\"do\":{\"3.0.0/apply\":[[\"fail\",\"no\"]]}}\n";
    let settings = ImportSettings {
        on_failure: OnFailure::Stop,
        ..settings()
    };
    let error = broken(&host, &settings, input);
    assert_eq!(
        error.to_string(),
        "line 2: the item `a` fails step apply of 3.0.0: refused: no"
    );
    assert_eq!(host.store().tallies(&name("items")).unwrap().items, 1);
}

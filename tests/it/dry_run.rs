//! Dry means dry: nothing is written, and what is told is what the run then does.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Digest, RunState};
use godwit::plan::Goal;
use godwit::run::{Control, Quiet, Report, RunEvent};
use godwit::store::{Backend, Memory, OpenMode, Postgres, Store};
use godwit::{Change, DryGoal, DryRun, Request, Surroundings};
use godwit_tests::made::{Order, derive, doing, doing_all, made, plain, rewrite};
use godwit_tests::postgres::Server;
use godwit_tests::world::{
    Told, dump, host, name, of_each_kind, quarantined, seed, small_batches, up, version,
};
use serde_json::json;

fn catalogue() -> Arc<Catalogue> {
    let order = |version: &str| {
        Order::new("made", version)
            .step(rewrite("apply", "items"))
            .step(derive("look", "items", "notes"))
    };
    made(&[order("2.0.0"), order("3.0.0")])
}

/// Items of every kind, of which those with a bad one block the run at the first version.
fn some_items(with_bad: bool) -> Vec<(String, String)> {
    let count = json!([["count", "notes", "total"]]);
    let mut all = vec![
        plain("appended"),
        doing("removed", "2.0.0/apply", json!([["remove"]])),
        doing("removed later", "3.0.0/apply", json!([["remove"]])),
        doing_all(
            "kept",
            json!({"2.0.0/apply": [["keep"]], "3.0.0/apply": [["keep"]]}),
        ),
        doing_all("counted", json!({"2.0.0/look": count, "3.0.0/look": count})),
        doing(
            "noted",
            "3.0.0/look",
            json!([["put", "notes", "noted", {"of": "3.0.0"}]]),
        ),
    ];
    if with_bad {
        all.push(doing("failed", "2.0.0/apply", json!([["fail", "bad"]])));
        all.push(doing("trapped", "2.0.0/apply", json!([["panic"]])));
    }
    all
}

/// What is in every file of a folder.
fn files(folder: &Path) -> BTreeMap<String, (u64, Digest)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.ends_with("lock.mdb") {
            // LMDB's readers announce themselves here; nothing of the store is in it.
            found.insert(path.display().to_string(), (0, Digest::of(b"")));
        } else {
            let bytes = std::fs::read(&path).expect("the file can be read");
            let shown = path.display().to_string();
            found.insert(shown, (bytes.len() as u64, Digest::of(&bytes)));
        }
    }
    found
}

fn dry(backend: &Arc<dyn Backend>, goal: &DryGoal) -> DryRun {
    let mut host = host(backend.clone(), &catalogue());
    host.options = small_batches(3, 2);
    host.options.max_failures = "100%".parse().unwrap();
    let scratch = Arc::new(Memory::new());
    host.dry_run(scratch, goal, &Quiet, &Control::default())
        .expect("it can be tried")
}

fn changes(dry: &DryRun) -> Vec<Change> {
    let mut found = Vec::new();
    dry.each_change(&mut |change| {
        found.push(change.clone());
        ControlFlow::Continue(())
    })
    .expect("the store works");
    found.sort_by(|a, b| (&a.collection, &a.id).cmp(&(&b.collection, &b.id)));
    found
}

/// The bodies of all items, by collection and id.
fn bodies(host: &Host) -> BTreeMap<(String, String), Vec<u8>> {
    let store = host.store();
    let mut found = BTreeMap::new();
    for collection in store.collections().unwrap().keys() {
        let visit = &mut |id: &str, record: godwit::store::ItemRecord<'_>| {
            found.insert(
                (collection.to_string(), id.to_owned()),
                record.body.to_vec(),
            );
            ControlFlow::Continue(())
        };
        store.each_item(collection, None, visit).unwrap();
    }
    found
}

/// What changed between two states of a store, as a dry run tells it.
fn difference(
    before: &BTreeMap<(String, String), Vec<u8>>,
    after: &BTreeMap<(String, String), Vec<u8>>,
) -> Vec<Change> {
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let change = |key: &&(String, String)| Change {
        collection: name(&key.0),
        id: key.1.clone(),
        before: before.get(*key).cloned(),
        after: after.get(*key).cloned(),
    };
    let is_change = |change: &Change| change.before != change.after;
    keys.iter().map(change).filter(is_change).collect()
}

fn everything() -> DryGoal {
    DryGoal::Apps(Goal::default())
}

#[test]
fn nothing_is_written_to_any_store() {
    for (backend, folder) in of_each_kind() {
        seed(
            &host(backend.clone(), &catalogue()),
            "made",
            "items",
            &some_items(true),
        );
        let before = dump(&*backend);
        let tried = dry(&backend, &everything());
        assert_eq!(changes(&tried).len(), 6, "{}", backend.url());
        drop(tried);
        assert_eq!(dump(&*backend), before, "{}", backend.url());
        let Some(folder) = folder else { continue };
        let untouched = files(folder.path());
        dry(&backend, &everything());
        assert_eq!(files(folder.path()), untouched, "{}", backend.url());
    }
}

#[test]
fn what_is_told_is_what_the_run_then_does() {
    for with_bad in [false, true] {
        let backend: Arc<dyn Backend> = Arc::new(Memory::new());
        let mut host = host(backend.clone(), &catalogue());
        host.options = small_batches(4, 1);
        host.options.max_failures = "100%".parse().unwrap();
        seed(&host, "made", "items", &some_items(with_bad));
        let tried = dry(&backend, &everything());
        let mut failures = Vec::new();
        let told =
            &mut |collection: &godwit::model::Name, id: &str, apart: &godwit::model::Apart| {
                failures.push((
                    collection.clone(),
                    id.to_owned(),
                    apart.failure.clone().unwrap(),
                ));
            };
        tried.each_failure(told).unwrap();

        let before = bodies(&host);
        let reports = up(&host);
        assert_eq!(changes(&tried), difference(&before, &bodies(&host)));
        let steps = |reports: &[Report]| {
            let shown = reports.iter().map(|report| {
                (
                    report.steps.clone(),
                    report.open,
                    report.run.state,
                    report.run.reason.clone(),
                )
            });
            shown.collect::<Vec<_>>()
        };
        assert_eq!(steps(&tried.reports), steps(&reports));
        let named: Vec<_> = failures
            .iter()
            .map(|(collection, id, _)| (collection.clone(), id.clone()))
            .collect();
        assert_eq!(named, quarantined(&host));
        assert_eq!(failures.len(), if with_bad { 2 } else { 0 });
        for (collection, id, failure) in failures {
            let apart = host.store().apart(&collection, &id).unwrap().unwrap();
            assert_eq!(apart.failure, Some(failure));
        }
    }
}

#[test]
fn several_versions_are_one_change_with_what_they_derive() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    seed(
        &host(backend.clone(), &catalogue()),
        "made",
        "items",
        &some_items(false),
    );
    let tried = dry(&backend, &everything());
    let lines = |change: &Change| {
        let place = format!("{}/{}", change.collection, change.id);
        let diff = change
            .diff()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
        let whole = match (&change.before, &change.after) {
            (None, Some(body)) => format!("created {}", String::from_utf8_lossy(body)),
            (Some(_), None) => "removed".to_owned(),
            _ => diff,
        };
        format!("{place}: {whole}")
    };
    let told: Vec<_> = changes(&tried).iter().map(lines).collect();
    let trail = r#"+ /trail: ["2.0.0/apply","3.0.0/apply"]"#;
    assert_eq!(
        told,
        [
            format!("items/appended: {trail}"),
            format!("items/counted: {trail}"),
            format!("items/noted: {trail}"),
            "items/removed: removed".to_owned(),
            "items/removed later: removed".to_owned(),
            r#"notes/noted: created {"of":"3.0.0"}"#.to_owned(),
            r#"notes/total: created {"_id":"total","count":2}"#.to_owned(),
        ]
    );
}

#[test]
fn one_item_can_be_tried() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    seed(
        &host(backend.clone(), &catalogue()),
        "made",
        "items",
        &some_items(true),
    );
    let before = dump(&*backend);
    let goal = |id: &str, to: Option<&str>| DryGoal::Item {
        collection: name("items"),
        id: id.to_owned(),
        to: to.map(version),
    };
    let told = changes(&dry(&backend, &goal("appended", Some("2.0.0"))));
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].diff()[0].to_string(),
        r#"+ /trail: ["2.0.0/apply"]"#
    );
    let told = changes(&dry(&backend, &goal("counted", None)));
    let places: Vec<_> = told.iter().map(|change| change.id.as_str()).collect();
    assert_eq!(places, ["counted", "total"]);
    let tried = dry(&backend, &goal("failed", None));
    let mut failed = 0;
    tried
        .each_failure(&mut |_, id, _| failed += usize::from(id == "failed"))
        .unwrap();
    assert_eq!((changes(&tried).len(), failed), (0, 1));
    assert_eq!(dump(&*backend), before);
}

#[test]
fn what_is_ordered_is_not_for_a_dry_run() {
    let server = Server::start();
    let backend = Postgres::open(&server.url(), OpenMode::Create).unwrap();
    let backend: Arc<dyn Backend> = Arc::new(backend);
    let host = || {
        let store = Store::new(backend.clone()).unwrap();
        Host::new(store, catalogue(), Surroundings::of_this_process())
    };
    let (tried, other) = (host(), host());
    seed(&other, "made", "items", &some_items(false));
    let is_ordered = AtomicBool::new(false);
    let order = |event: &RunEvent| {
        if matches!(event, RunEvent::Batch { .. }) && !is_ordered.swap(true, Ordering::Relaxed) {
            // Somebody begins in earnest meanwhile.
            let lease = other.lease("up").unwrap();
            other.direct(Request::Cancel).unwrap().unwrap();
            // Whoever works looks twice or more.
            std::thread::sleep(Duration::from_millis(700));
            lease.release(other.store()).unwrap();
        }
    };
    let (goal, scratch) = (DryGoal::Apps(Goal::default()), Arc::new(Memory::new()));
    let dry = tried.dry_run(scratch, &goal, &Told(order), &Control::default());
    let reports = dry.unwrap().reports;
    assert!(is_ordered.into_inner() && !reports.is_empty());
    assert!(
        reports
            .iter()
            .all(|report| report.run.state == RunState::Completed)
    );
}

//! Online steps share the store with the application: whatever it writes while they go on, nothing of it is lost, and in
//! the end all is as if it had been written first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use godwit::blocking::Host;
use godwit::model::{RunId, RunState, Timestamp};
use godwit::plan::Goal;
use godwit::run::{Control, Observer, Quiet, RunEvent};
use godwit::store::{Backend, Claim, Collection, Holder, Lease, Memory, Outside, Store};
use godwit::{HostError, ItemWrite, Surroundings};
use godwit_tests::made::{Order, made};
use godwit_tests::store_conformance::Dice;
use godwit_tests::world::{items, name, of_each_kind, seed, small_batches, up_accepting, version};
use serde_json::{Value, json};

use crate::every_k::every_k;

/// An application and an operator who are alive at the same time.
pub(crate) fn surroundings() -> Surroundings {
    let numbers = AtomicU64::new(1);
    Surroundings {
        clock: Arc::new(|| Timestamp(1_700_000_000_000)),
        random: Arc::new(move || numbers.fetch_add(1, Ordering::Relaxed)),
        holder: Holder {
            name: "a test".to_owned(),
            process: None,
        },
        is_gone: Arc::new(|_| false),
    }
}

fn online(mut step: Value) -> Value {
    step["online"] = json!(true);
    step
}

/// A version whose items are rewritten online, and one that derives a document of each of them.
fn catalogue() -> Arc<godwit::catalogue::Catalogue> {
    let rewrite = json!({"name": "apply", "collection": "items"});
    let derive =
        json!({"name": "look", "collection": "items", "derive": true, "writes": ["notes"]});
    made(&[
        Order::new("made", "2.0.0").step(online(rewrite)),
        Order::new("made", "3.0.0").step(online(derive)),
    ])
}

fn host(backend: Arc<dyn Backend>) -> Host {
    let mut host = Host::new(Store::new(backend).unwrap(), catalogue(), surroundings());
    host.options = small_batches(16, 2);
    host.patience = Duration::from_secs(60);
    host
}

/// An item of which each step takes a note.
fn item(id: &str, written: u64) -> String {
    json!({"_id": id, "written": written, "do": {"3.0.0/look": [["put", "notes", id, {"of": written}]]}}).to_string()
}

pub(crate) fn some_items(count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|n| {
            let id = format!("{n:04}");
            let body = item(&id, 0);
            (id, body)
        })
        .collect()
}

/// Writes like an application that knows version 1.0.0, until it is told to stop; gives what it wrote last to each item.
pub(crate) fn write_at_random(
    host: &Host,
    seed: u64,
    is_over: &AtomicBool,
) -> BTreeMap<String, Option<String>> {
    let mut dice = Dice::new(seed);
    let mut last = BTreeMap::new();
    let mut number = 0;
    while (!is_over.load(Ordering::Relaxed) && number < 400) || number < 50 {
        number += 1;
        let id = format!("{:04}", dice.below(450));
        let body = (dice.below(5) > 0).then(|| item(&id, number));
        let write = ItemWrite {
            collection: name("items"),
            id: id.clone(),
            item: body
                .as_ref()
                .map(|body| (version("1.0.0"), body.as_bytes())),
        };
        host.write(&[write]).unwrap();
        last.insert(id, body);
    }
    last
}

/// Tells a writer to stop, also where something panics before.
pub(crate) struct Over<'a>(pub &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_is_written_at_random_while_it_goes_on_is_neither_lost_nor_mixed() {
    for (backend, _folder) in of_each_kind() {
        let host = host(backend.clone());
        seed(&host, "made", "items", &some_items(400));
        let is_over = AtomicBool::new(false);
        let written = std::thread::scope(|scope| {
            let over = Over(&is_over);
            let writer = scope.spawn(|| write_at_random(&host, 7, &is_over));
            let reports = host
                .up(&Goal::default(), &Quiet, &Control::default())
                .unwrap();
            assert_eq!(reports.last().unwrap().run.state, RunState::Completed);
            drop(over);
            writer.join().unwrap()
        });
        check(&host, written);
    }
}

#[test]
fn what_is_written_at_random_beside_a_shadow_run_is_neither_lost_nor_mixed() {
    for (backend, _folder) in of_each_kind() {
        let host = host(backend.clone());
        seed(&host, "made", "items", &some_items(400));
        let is_over = AtomicBool::new(false);
        let written = std::thread::scope(|scope| {
            let over = Over(&is_over);
            let writer = scope.spawn(|| write_at_random(&host, 11, &is_over));
            let control = Control::default();
            let report = host.up_shadow(&Goal::default(), &Quiet, &control).unwrap();
            assert_eq!(report.run.unwrap().1, RunState::Completed);
            assert!(host.finalize(&Quiet, &control).unwrap().is_live);
            drop(over);
            writer.join().unwrap()
        });
        check(&host, written);
    }
}

/// Brings what was written behind the steps up to date, and compares all items with what was written last, and went through
/// the steps of these versions; gives how many there are.
pub(crate) fn check_items(
    host: &Host,
    written: BTreeMap<String, Option<String>>,
    versions: &[&str],
) -> u64 {
    up_accepting(host, &Quiet);
    let mut expected: BTreeMap<_, _> = some_items(400).into_iter().collect();
    for (id, body) in written {
        match body {
            Some(body) => drop(expected.insert(id, body)),
            None => drop(expected.remove(&id)),
        }
    }
    let trail: Vec<_> = versions.iter().map(|to| format!("{to}/apply")).collect();
    let found = items(host.store(), "items");
    assert_eq!(found.len(), expected.len(), "{:?}", host.store());
    for (line, (id, body)) in found.iter().zip(&expected) {
        let mut body: Value = serde_json::from_str(body).unwrap();
        body["trail"] = json!(trail);
        let mut parts = line.splitn(3, ' ');
        assert_eq!(parts.next(), Some(id.as_str()), "{line}");
        let has = version(parts.next().unwrap());
        assert!(versions.iter().all(|to| has >= version(to)), "{line}");
        let there: Value = serde_json::from_str(parts.next().unwrap()).unwrap();
        assert_eq!(there, body, "{line}");
    }
    expected.len() as u64
}

/// The same, and that there is a note of what was written last to each item.
fn check(host: &Host, written: BTreeMap<String, Option<String>>) {
    let count = check_items(host, written, &["2.0.0"]);
    let store = host.store();
    for line in items(store, "items") {
        let mut parts = line.splitn(3, ' ');
        let (id, body) = (parts.next().unwrap(), parts.nth(1).unwrap());
        let body: Value = serde_json::from_str(body).unwrap();
        let note = store.body(&name("notes"), id).unwrap().unwrap();
        let note: Value = serde_json::from_slice(&note).unwrap();
        assert_eq!(note["of"], body["written"], "{id}");
    }
    let tallies = store.tallies(&name("items")).unwrap();
    assert_eq!((tallies.items, tallies.apart()), (count, 0));
    assert!(
        store.last_written().unwrap().is_none(),
        "nothing is noted any more"
    );
}

/// Writes an item whenever a batch was committed.
struct Rival<'a> {
    host: &'a Host,
    ids: Vec<&'a str>,
    count: AtomicU64,
}

impl Observer for Rival<'_> {
    fn event(&self, event: &RunEvent) {
        if matches!(event, RunEvent::Batch { .. }) {
            let count = self.count.fetch_add(1, Ordering::Relaxed);
            for id in &self.ids {
                let body = item(id, count + 1);
                self.host
                    .put(&name("items"), id, &version("1.0.0"), body.as_bytes())
                    .unwrap();
            }
        }
    }
}

#[test]
fn an_item_that_is_written_again_and_again_does_not_keep_a_step_from_its_end() {
    let host = host(Arc::new(Memory::new()));
    seed(&host, "made", "items", &some_items(100));
    let rival = Rival {
        host: &host,
        ids: vec!["0000", "0050", "0099", "0120"],
        count: AtomicU64::new(0),
    };
    let reports = host
        .up(&Goal::default(), &rival, &Control::default())
        .unwrap();
    assert_eq!(reports[0].run.state, RunState::Completed);
    up_accepting(&host, &Quiet);
    let last = rival.count.load(Ordering::Relaxed);
    for id in rival.ids {
        let note = host.store().body(&name("notes"), id).unwrap().unwrap();
        let note: Value = serde_json::from_slice(&note).unwrap();
        assert_eq!(note["of"], last, "{id}");
    }
}

#[test]
fn a_run_that_shares_the_store_ends_the_same_whichever_operation_fails() {
    let work = |backend: Arc<dyn Backend>| {
        let store = Store::new(backend)?;
        let mut host = Host::new(store, catalogue(), godwit_tests::world::surroundings());
        host.options = small_batches(16, 1);
        host.up(&Goal::default(), &Quiet, &Control::default())
            .map(drop)
    };
    let start = || {
        let backend = Arc::new(Memory::new());
        seed(&host(backend.clone()), "made", "items", &some_items(60));
        backend
    };
    let operations = every_k(work, start, 1);
    assert!(operations > 40, "{operations}");
}

#[test]
fn an_offline_step_keeps_the_application_off_and_an_interrupted_online_one_does_not() {
    let offline =
        made(&[Order::new("made", "2.0.0").step(json!({"name": "apply", "collection": "items"}))]);
    let mut other = Host::new(
        Store::new(Arc::new(Memory::new())).unwrap(),
        offline,
        surroundings(),
    );
    other.options = small_batches(16, 1);
    other.patience = Duration::ZERO;
    seed(&other, "made", "items", &some_items(300));
    /// Writes in the middle of a run, and stops it.
    struct Middle<'a>(&'a Host, Control, std::sync::Mutex<Vec<bool>>);
    impl Observer for Middle<'_> {
        fn event(&self, event: &RunEvent) {
            if matches!(event, RunEvent::Batch { .. }) {
                let result = self.0.put(&name("items"), "0000", &version("1.0.0"), b"{}");
                let is_held = matches!(result, Err(HostError::Lease(_)));
                assert!(is_held || result.is_ok(), "{result:?}");
                self.2.lock().unwrap().push(is_held);
                self.1.stop();
            }
        }
    }
    let stop = |host: &Host| {
        let middle = Middle(host, Control::default(), std::sync::Mutex::default());
        let reports = host.up(&Goal::default(), &middle, &middle.1).unwrap();
        assert_eq!(reports[0].run.state, RunState::Stopped);
        let held = middle.2.lock().unwrap();
        held[0]
    };
    assert!(stop(&other), "an offline step has the store to itself");
    let refused = other.put(&name("items"), "0000", &version("1.0.0"), b"{}");
    assert!(
        matches!(refused, Err(HostError::RunInTheWay { .. })),
        "{refused:?}"
    );

    let mut host = host(Arc::new(Memory::new()));
    host.patience = Duration::ZERO;
    seed(&host, "made", "items", &some_items(300));
    assert!(!stop(&host), "an online one shares it");
    host.put(
        &name("items"),
        "0001",
        &version("1.0.0"),
        &item("0001", 5).into_bytes(),
    )
    .unwrap();
    up_accepting(&host, &Quiet);
    let note = host.store().body(&name("notes"), "0001").unwrap().unwrap();
    assert_eq!(note, br#"{"of":5}"#);
}

#[test]
fn a_lease_stays_alive_while_very_many_notes_of_writes_are_dropped() {
    let store = Store::new(Arc::new(Memory::new())).unwrap();
    let holder = Holder {
        name: "a test".to_owned(),
        process: None,
    };
    let claim = Claim {
        holder,
        purpose: "up",
        duration: 15_000,
        nonce: 7,
        is_gone: &|_| false,
    };
    // A page of notes takes nine seconds.
    let time = AtomicU64::new(0);
    let clock = || Timestamp(time.fetch_add(9_000, Ordering::Relaxed));
    let mut lease = Lease::acquire(&store, &clock, &claim).unwrap();
    let items = name("items");
    let mut write = store.write(RunId(0), None);
    write
        .set_collection(&items, Collection::new("made".parse().unwrap(), None))
        .unwrap();
    write.commit(&mut lease, clock()).unwrap();
    lease.open(&store, clock()).unwrap();
    let now = Timestamp(time.load(Ordering::Relaxed));
    for number in 0..5_000 {
        let mut application = Outside::begin(&store, now, &|_| false).unwrap();
        let (id, body) = (format!("{number:04}"), b"{}");
        application
            .put(&items, &id, &version("1.0.0"), body)
            .unwrap();
        assert!(application.commit().unwrap());
    }
    lease.close(&store, &clock).unwrap();
    let pages = (time.load(Ordering::Relaxed) - now.0) / 9_000;
    assert!(pages >= 4, "{pages}");
    assert!(store.last_written().unwrap().is_none());
    // It was renewed with the last page.
    let last = Timestamp(time.load(Ordering::Relaxed));
    assert!(Lease::held(&store, last, &|_| false).unwrap().is_some());
}

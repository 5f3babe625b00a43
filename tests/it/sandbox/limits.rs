//! Limits that hold over more than one call.

use std::sync::{Arc, Mutex};

use godwit::model::RunState;
use godwit::plan::Goal;
use godwit::run::{Control, Observer, RunEvent};
use godwit::sandbox::{DuplicateNames, Engine, Limits};
use godwit::store::Memory;
use godwit_tests::made::{LAYOUTS, Order, doing, made_for, plain, rewrite};
use godwit_tests::world::{host, items, name, quarantined, seed, small_batches, up};
use serde_json::{Value, json};

fn order() -> Order {
    Order::new("made", "2.0.0").step(rewrite("apply", "items"))
}

/// A host over items, with limits, in batches of so many.
fn world(limits: &Limits, batch: usize, all: &[(String, String)]) -> godwit::blocking::Host {
    let engine = Engine::new(limits.clone());
    let catalogue = made_for(&engine, LAYOUTS[0], &[order()]);
    let mut host = host(Arc::new(Memory::new()), &catalogue);
    host.options = small_batches(batch, 1);
    host.options.max_failures = "100%".parse().unwrap();
    seed(&host, "made", "items", all);
    host
}

fn each_doing(count: usize, commands: &Value) -> Vec<(String, String)> {
    let item = |n: usize| doing(&format!("{n:03}"), "2.0.0/apply", commands.clone());
    (0..count).map(item).collect()
}

/// Counts lines and those that were dropped.
#[derive(Default)]
struct Log(Mutex<(usize, u64)>);

impl Observer for Log {
    fn event(&self, event: &RunEvent) {
        if let RunEvent::Log { lines, dropped, .. } = event {
            let mut log = self.0.lock().unwrap();
            log.0 += lines.len();
            log.1 += dropped;
        }
    }
}

#[test]
fn lines_of_a_step_are_bounded_and_those_dropped_are_counted() {
    let limits = Limits {
        log_step_bytes: 2_000,
        log_batch_bytes: 1_000,
        ..Limits::default()
    };
    // A line of 100 bytes, with an id of 3.
    let commands = json!([["log", "info", "x".repeat(97)]]);
    for (batch, expected) in [(1, (20, 40)), (5, (20, 40)), (20, (20, 40))] {
        let host = world(&limits, batch, &each_doing(60, &commands));
        let log = Log::default();
        host.up(&Goal::default(), &log, &Control::default())
            .unwrap();
        assert_eq!(log.0.into_inner().unwrap(), expected, "batches of {batch}");
    }
}

#[test]
fn fuel_gives_the_same_verdict_whatever_the_batches() {
    let metered = |fuel: u64| Limits {
        fuel: Some(fuel),
        ..Limits::default()
    };
    let mut all: Vec<_> = (0..20).map(|n| plain(&format!("{n:02}"))).collect();
    all.push(doing("20", "2.0.0/apply", json!([["loop"]])));
    let (id, body) = plain("21");
    let filler = format!(r#"{{"_id":"21","filler":"{}"}}"#, "y".repeat(200_000));
    all.push((id, body.replace(r#"{"_id":"21"}"#, &filler)));
    for batch in [1, 7, 50] {
        let host = world(&metered(1_000_000), batch, &all);
        assert_eq!(up(&host)[0].run.state, RunState::Blocked);
        let failed: Vec<_> = quarantined(&host).into_iter().map(|(_, id)| id).collect();
        assert_eq!(failed, ["20", "21"], "batches of {batch}");
        for id in failed {
            let apart = host.store().apart(&name("items"), &id).unwrap().unwrap();
            let failure = apart.failure.unwrap();
            assert_eq!(failure.kind, "out of fuel");
            assert_eq!(failure.reason, "it used more than 1000000 units of fuel");
        }
        // With more fuel, only what never ends fails.
        let host = world(&metered(100_000_000), batch, &all);
        up(&host);
        assert_eq!(quarantined(&host), [(name("items"), "20".to_owned())]);
    }
}

#[test]
fn new_bodies_have_a_bounded_depth_and_no_doubled_names() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let all = [
        doing("deep", "2.0.0/apply", json!([["text", deep(11)]])),
        doing("deep enough", "2.0.0/apply", json!([["text", deep(10)]])),
        doing(
            "doubled",
            "2.0.0/apply",
            json!([["text", r#"{"a":1,"a":2}"#]]),
        ),
        plain("plain"),
    ];
    let strict = Limits {
        json_depth: 10,
        ..Limits::default()
    };
    let host = world(&strict, 10, &all);
    up(&host);
    let failed: Vec<_> = quarantined(&host).into_iter().map(|(_, id)| id).collect();
    assert_eq!(failed, ["deep", "doubled"]);
    let lenient = Limits {
        duplicate_names: DuplicateNames::Keep,
        ..Limits::default()
    };
    let host = world(&lenient, 10, &all);
    assert_eq!(up(&host)[0].run.state, RunState::Completed);
    let line = items(host.store(), "items").remove(2);
    assert_eq!(line, r#"doubled 2.0.0 {"a":1,"a":2}"#, "kept as it is");
}

#[test]
fn a_reply_is_bounded_as_a_whole_and_items_are_fed_apart() {
    let limits = Limits {
        reply_bytes: 50_000,
        ..Limits::default()
    };
    let mut all = each_doing(30, &json!([["large", 10_000]]));
    all.push(doing("large", "2.0.0/apply", json!([["large", 50_001]])));
    let host = world(&limits, 100, &all);
    up(&host);
    assert_eq!(quarantined(&host), [(name("items"), "large".to_owned())]);
    let apart = host
        .store()
        .apart(&name("items"), "large")
        .unwrap()
        .unwrap();
    assert_eq!(apart.failure.unwrap().kind, "too much output");
}

#[test]
fn each_component_has_limits_of_its_own() {
    let engine = Engine::new(Limits::default());
    let tight = engine.limited(Limits {
        body_bytes: 100,
        ..Limits::default()
    });
    let mut catalogue = godwit::catalogue::Catalogue::new();
    let late = Order::new("made", "3.0.0").step(rewrite("apply", "items"));
    catalogue.add(&tight, "two.wasm".into(), &order().file(LAYOUTS[0]));
    catalogue.add(&engine, "three.wasm".into(), &late.file(LAYOUTS[0]));
    let mut host = host(Arc::new(Memory::new()), &Arc::new(catalogue));
    host.options.max_failures = "100%".parse().unwrap();
    let large =
        |id: &str, version: &str| doing(id, &format!("{version}/apply"), json!([["large", 101]]));
    let all = [large("two", "2.0.0"), large("x", "3.0.0")];
    seed(&host, "made", "items", &all);
    up(&host);
    assert_eq!(quarantined(&host), [(name("items"), "two".to_owned())]);
    host.accept(&quarantined(&host)).unwrap();
    up(&host);
    assert!(items(host.store(), "items")[1].contains(" 3.0.0 \"xxx"));
}

#[test]
fn new_bodies_that_grow_are_bounded_in_the_same_way() {
    let limits = Limits {
        reply_bytes: 100_000,
        document_bytes: 100_000,
        ..Limits::default()
    };
    let all = each_doing(20, &json!([["large", 60_000]]));
    let host = world(&limits, 100, &all);
    let commits = Commits::default();
    host.up(&Goal::default(), &commits, &Control::default())
        .unwrap();
    let commits = commits.0.into_inner().unwrap();
    assert!(commits >= 10, "{commits} commits");
    assert!(
        items(host.store(), "items")
            .iter()
            .all(|line| line.contains(" 2.0.0 \"xxx"))
    );
}

/// Counts commits.
#[derive(Default)]
struct Commits(Mutex<usize>);

impl Observer for Commits {
    fn event(&self, event: &RunEvent) {
        if let RunEvent::Batch { .. } = event {
            *self.0.lock().unwrap() += 1;
        }
    }
}

#[test]
fn what_a_batch_leaves_behind_is_bounded_by_committing_it_in_parts() {
    let limits = Limits {
        document_bytes: 100_000,
        ..Limits::default()
    };
    let item = |n: usize| {
        let id = format!("{n:02}");
        let note = json!([["put-large", "notes", id, 60_000], ["get", "notes", "00"]]);
        doing(&id, "2.0.0/apply", note)
    };
    let mut all: Vec<_> = (0..20).map(item).collect();
    all.push(doing("07a", "2.0.0/apply", json!([["fail", "bad"]])));
    let step = json!({"name": "apply", "collection": "items", "writes": ["notes"]});
    let order = Order::new("made", "2.0.0").step(step);
    let mut left = Vec::new();
    for (batch, threads) in [(1, 1), (5, 2), (100, 1), (100, 2)] {
        let engine = Engine::new(limits.clone());
        let catalogue = made_for(&engine, LAYOUTS[0], std::slice::from_ref(&order));
        let backend = Arc::new(Memory::new());
        let mut host = host(backend.clone(), &catalogue);
        host.options = small_batches(batch, threads);
        host.options.max_failures = "100%".parse().unwrap();
        seed(&host, "made", "items", &all);
        let commits = Commits::default();
        host.up(&Goal::default(), &commits, &Control::default())
            .unwrap();
        let commits = commits.0.into_inner().unwrap();
        assert!(commits >= 10, "{commits} commits of batches of {batch}");
        assert_eq!(quarantined(&host), [(name("items"), "07a".to_owned())]);
        assert_eq!(items(host.store(), "notes").len(), 20);
        left.push(godwit_tests::world::data(&*backend));
    }
    assert!(
        left.iter().all(|data| *data == left[0]),
        "it makes no difference"
    );
}

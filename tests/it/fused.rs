//! Several steps in one pass leave what they leave one after another, whatever happens on the way.

use std::sync::{Arc, LazyLock};

use godwit::HostError;
use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{RunId, RunState};
use godwit::plan::Goal;
use godwit::run::{ChangedItems, Control, Options, Quiet, Report};
use godwit::store::{Backend, Memory, Store};
use godwit_tests::made::{LAYOUTS, Order, derive, doing_all, made, made_for, plain, rewrite};
use godwit_tests::world::{
    ENGINE, Listener, StopAfter, data, host, import, items, name, seed, small_batches,
    surroundings, up_accepting, version,
};
use serde_json::{Value, json};

use crate::every_k::{every_k, operate};

const VERSIONS: [&str; 4] = ["2.0.0", "3.0.0", "4.0.0", "5.0.0"];

fn orders() -> Vec<Order> {
    let order = |version: &&str| Order::new("made", version).step(rewrite("apply", "items"));
    VERSIONS.iter().map(order).collect()
}

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| made(&orders()));

/// Something that an item does in one of the versions; in the others it is appended to.
fn at(id: &str, version: &str, command: Value) -> (String, String) {
    doing_all(id, json!({ format!("{version}/apply"): [command] }))
}

/// Items that are changed by all steps, by some or by none, that go or are put back as they were.
fn good_items() -> Vec<(String, String)> {
    let item = |n: usize| {
        let id = format!("{n:03}");
        let keeps = json!([["keep"]]);
        match n % 12 {
            1 => at(&id, "3.0.0", json!(["remove"])),
            3 => at(&id, "4.0.0", json!(["keep"])),
            5 => doing_all(&id, json!({"2.0.0/apply": keeps, "4.0.0/apply": keeps})),
            7 => doing_all(
                &id,
                json!({"2.0.0/apply": keeps, "3.0.0/apply": keeps, "4.0.0/apply": keeps, "5.0.0/apply": keeps}),
            ),
            9 => at(&id, "5.0.0", json!(["remove"])),
            11 => at(&id, "2.0.0", json!(["text", r#"{"short":1.50}"#])),
            _ => plain(&id),
        }
    };
    (0..120).map(item).collect()
}

/// The same with some that fail: the first of them in a later step than the next.
fn items_that_fail() -> Vec<(String, String)> {
    let mut all = good_items();
    let failing = [
        (30, "4.0.0", json!(["fail", "it will not do"])),
        (50, "3.0.0", json!(["panic"])),
        (52, "2.0.0", json!(["text", "no JSON"])),
        (98, "5.0.0", json!(["fail", "nor this"])),
    ];
    for (place, version, command) in failing {
        all[place] = at(&format!("{place:03}"), version, command);
    }
    all
}

fn options(fused_steps: usize, batch: usize, threads: usize) -> Options {
    Options {
        fused_steps,
        ..small_batches(batch, threads)
    }
}

/// What must be equal: items with version and body, those apart, the bytes of both, and the counts.
fn outcome(host: &Host, reports: &[Report]) -> Vec<String> {
    let backend = host.store().backend();
    let mut lines = data(backend);
    // Pre-images are kept once, and not for every step.
    lines.retain(|line| !line.starts_with('Z'));
    lines.extend(items(host.store(), "items"));
    let last = reports.last().expect("there is a run");
    for step in &last.steps {
        lines.push(format!("{} {:?}", step.version, step.counts));
    }
    let history = host.store().history().unwrap();
    lines.extend(history.0.iter().map(|entry| format!("{entry:?}")));
    let collection = host.store().collection(&name("items")).unwrap().unwrap();
    lines.push(format!("{collection:?}"));
    lines
}

fn carried_out(all: &[(String, String)], options: Options) -> (Host, Vec<String>, Vec<String>) {
    let mut host = host(Arc::new(Memory::new()), &CATALOGUE);
    host.options = options;
    seed(&host, "made", "items", all);
    let listener = Listener::default();
    let reports = up_accepting(&host, &listener);
    let lines = outcome(&host, &reports);
    (host, lines, listener.said())
}

#[test]
fn the_outcome_is_that_of_one_step_after_another() {
    for all in [good_items(), items_that_fail()] {
        let (_, expected, _) = carried_out(&all, options(1, 7, 1));
        for fused_steps in [2, 3, 8] {
            for (batch, threads) in [(1, 1), (7, 1), (7, 3), (200, 2)] {
                let (_, found, _) = carried_out(&all, options(fused_steps, batch, threads));
                let how = format!("{fused_steps} steps, batches of {batch}, {threads} threads");
                assert_eq!(found, expected, "{how}");
            }
        }
    }
}

#[test]
fn good_items_are_read_and_written_once() {
    let (host, _, said) = carried_out(&good_items(), options(8, 7, 2));
    let events = |kind: &str| {
        said.iter()
            .position(|event| event.starts_with(kind))
            .unwrap()
    };
    let last_start = said
        .iter()
        .rposition(|event| event.starts_with("StepStarted"));
    assert!(
        last_start.unwrap() < events("Batch"),
        "all steps start together"
    );
    let pre_images = data(host.store().backend())
        .iter()
        .filter(|line| line.starts_with('Z') && line.contains("Ditems"))
        .count();
    // All but those that every step keeps.
    assert_eq!(pre_images, 110);
}

#[test]
fn an_undo_puts_everything_back() {
    for all in [good_items(), items_that_fail()] {
        let backend: Arc<dyn Backend> = Arc::new(Memory::new());
        let mut host = host(backend.clone(), &CATALOGUE);
        host.options = options(8, 7, 2);
        seed(&host, "made", "items", &all);
        let before = data(&*backend);
        up_accepting(&host, &Quiet);
        assert_ne!(data(&*backend), before);
        let report = host
            .undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default())
            .unwrap();
        assert!(report.done && report.left == 0, "{report:?}");
        assert_eq!(data(&*backend), before);
        let collection = host.store().collection(&name("items")).unwrap().unwrap();
        assert_eq!(collection.level, Some(version("1.0.0")));
        assert!(collection.under_way.is_empty());
    }
}

#[test]
fn items_that_are_newer_join_later() {
    let all = good_items();
    let newer: Vec<_> = all.iter().step_by(5).cloned().collect();
    let trial = |fused_steps| {
        let mut host = host(Arc::new(Memory::new()), &CATALOGUE);
        host.options = options(fused_steps, 7, 2);
        seed(&host, "made", "items", &all);
        import(&host, "made", "items", "3.0.0", &newer);
        let reports = up_accepting(&host, &Quiet);
        outcome(&host, &reports)
    };
    let expected = trial(1);
    assert_eq!(trial(8), expected);
    let read: Vec<_> = expected
        .iter()
        .filter(|line| line.contains("read: "))
        .collect();
    assert!(read[0].contains("read: 96"), "{read:?}");
}

#[test]
fn a_run_that_is_stopped_tells_versions_and_goes_on_either_way() {
    let all = items_that_fail();
    let (_, expected, _) = carried_out(&all, options(1, 7, 1));
    for then in [1, 2, 8] {
        let mut host = host(Arc::new(Memory::new()), &CATALOGUE);
        host.options = options(8, 7, 1);
        seed(&host, "made", "items", &all);
        // Each batch is told by four steps; it stops behind the second one.
        let observer = StopAfter::new(8);
        let reports = host
            .up(&Goal::default(), &observer, &observer.control)
            .unwrap();
        assert_eq!(reports[0].run.state, RunState::Stopped);
        let done = reports[0].steps[3].counts.read as usize;
        assert!(done > 0 && done < all.len(), "{done}");
        let version = |id: &str| {
            let item = host.store().item(&name("items"), id).unwrap().unwrap();
            item.version.to_string()
        };
        // An item that no step changed has the version, too.
        assert_eq!(
            (version("000"), version("007")),
            ("5.0.0".into(), "5.0.0".into())
        );
        assert_eq!(
            (version("118"), version("119")),
            ("1.0.0".into(), "1.0.0".into())
        );
        host.options.fused_steps = then;
        let reports = up_accepting(&host, &Quiet);
        assert_eq!(outcome(&host, &reports), expected, "then {then}");
    }
}

#[test]
fn a_run_ends_the_same_whichever_operation_fails() {
    let seeded = || {
        let backend = Arc::new(Memory::new());
        seed(
            &host(backend.clone(), &CATALOGUE),
            "made",
            "items",
            &items_that_fail(),
        );
        backend
    };
    let work = |backend: Arc<dyn Backend>| -> Result<(), HostError> {
        let mut host = Host::new(Store::new(backend)?, CATALOGUE.clone(), surroundings());
        host.options = options(8, 13, 1);
        operate(&host)
    };
    let operations = every_k(work, seeded, 1);
    assert!(operations > 100, "{operations} operations are too few");
}

#[test]
fn steps_that_were_begun_are_not_exchanged_for_others() {
    let all = good_items();
    let stopped = || {
        let backend: Arc<dyn Backend> = Arc::new(Memory::new());
        let mut host = host(backend.clone(), &CATALOGUE);
        // So many batches that not all are in flight when it stops.
        host.options = options(8, 2, 1);
        seed(&host, "made", "items", &all);
        let observer = StopAfter::new(4);
        host.up(&Goal::default(), &observer, &observer.control)
            .unwrap();
        backend
    };
    let with = |changed: Order| {
        let mut orders = orders();
        orders[2] = changed;
        made_for(&ENGINE, LAYOUTS[2], &orders)
    };
    let order = Order::new("made", "4.0.0");
    let same_steps = order.clone().step(rewrite("apply", "items")).mended();
    let other_steps = order.step(derive("other", "items", "notes"));
    for (changed, part) in [
        (same_steps, "run 1 is in progress with"),
        (
            other_steps,
            "and other steps than run 1 is in the middle of",
        ),
    ] {
        let host = host(stopped(), &with(changed));
        let planned = host.plan(&Goal::default()).unwrap();
        assert!(planned.is_refused());
        let found: Vec<_> = planned.findings.iter().map(ToString::to_string).collect();
        assert!(found.iter().any(|found| found.contains(part)), "{found:?}");
    }
}

//! What an application may do at the worst moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use godwit::HostError;
use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{RunId, RunState};
use godwit::plan::Goal;
use godwit::run::{Control, Observer, Quiet, RunEvent};
use godwit::store::{Backend, Memory};
use godwit::{DryGoal, Surroundings};
use godwit_tests::made::{Order, derive, made, plain, rewrite};
use godwit_tests::world::{of_each_kind, quarantined, seed, small_batches, up, version};
use serde_json::{Value, json};

use super::model::name;
use super::{alone, finalize, seeded, trial, up_shadow, up_shadow_told};

/// A host beside which others write: nobody takes its lease for that of a dead process.
fn shared(backend: Arc<dyn Backend>, catalogue: &Arc<Catalogue>) -> Host {
    let store = godwit::store::Store::new(backend).unwrap();
    let surroundings = Surroundings {
        is_gone: Arc::new(|_| false),
        ..godwit_tests::world::surroundings()
    };
    let mut host = Host::new(store, catalogue.clone(), surroundings);
    host.options = small_batches(3, 2);
    host
}

fn put(host: &Host, collection: &str, id: &str, at: &str, body: &Value) {
    let body = body.to_string();
    host.put(&name(collection), id, &version(at), body.as_bytes())
        .unwrap();
}

fn body(host: &Host, collection: &str, id: &str) -> Value {
    let body = host.store().body(&name(collection), id).unwrap().unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// So much more is written than a finalization could follow if it tried to.
const ENOUGH: u64 = 20_000;

#[test]
fn a_finalization_ends_while_the_application_goes_on_writing() {
    let host = shared(Arc::new(Memory::new()), &alone());
    seed(&host, "made", "items", &super::some_items());
    let written = AtomicU64::new(0);
    let is_live = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_live.load(Ordering::Relaxed) && written.load(Ordering::Relaxed) < ENOUGH {
                let n = written.fetch_add(1, Ordering::Relaxed);
                put(&host, "items", "00", "1.0.0", &json!({"_id": "00", "n": n}));
            }
        });
        up_shadow(&host);
        let report = finalize(&host);
        is_live.store(true, Ordering::Relaxed);
        assert!(report.is_live);
    });
    assert!(written.load(Ordering::Relaxed) < ENOUGH);
    up(&host);
    let item = body(&host, "items", "00");
    assert_eq!(item["trail"], json!(["2.0.0/apply", "3.0.0/apply"]));
    assert_eq!(item["n"], written.load(Ordering::Relaxed) - 1);
}

#[test]
fn what_is_live_after_a_switch_is_what_a_dry_run_sees() {
    let orders = |versions: &[&str]| {
        let order = |version: &&str| Order::new("made", version).step(rewrite("apply", "items"));
        made(&versions.iter().map(order).collect::<Vec<_>>())
    };
    let backend = Arc::new(Memory::new());
    let host = seeded(backend.clone(), &orders(&["2.0.0"]));
    up_shadow(&host);
    finalize(&host);
    let host = trial(backend, &orders(&["2.0.0", "3.0.0"]));
    let goal = DryGoal::Apps(Goal::default());
    let dry = host.dry_run(Arc::new(Memory::new()), &goal, &Quiet, &Control::default());
    let mut changes = 0;
    dry.unwrap()
        .each_change(&mut |_| {
            changes += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(changes > 30, "{changes}");
}

/// Does something when the first collection was copied, before the second one is.
struct BetweenCopies<F: Fn()>(AtomicBool, F);

impl<F: Fn() + Sync> Observer for BetweenCopies<F> {
    fn event(&self, event: &RunEvent) {
        if matches!(event, RunEvent::Copied { .. }) && !self.0.swap(true, Ordering::Relaxed) {
            (self.1)();
        }
    }
}

#[test]
fn an_item_that_is_written_before_it_is_copied_goes_through_all_that_it_is_behind_by() {
    let order = |version| {
        Order::new("made", version)
            .step(rewrite("first", "first"))
            .step(rewrite("apply", "items"))
    };
    let catalogue = made(&[order("2.0.0"), order("3.0.0"), order("4.0.0")]);
    let host = shared(Arc::new(Memory::new()), &catalogue);
    seed(&host, "made", "first", &[plain("a")]);
    seed(&host, "made", "items", &super::some_items());
    let to = Goal {
        to: Some(version("3.0.0")),
        ..Goal::default()
    };
    host.up(&to, &Quiet, &Control::default()).unwrap();
    // One that waits for less than the other one will.
    put(&host, "items", "00", "2.0.0", &json!({"_id": "00"}));
    let between = BetweenCopies(AtomicBool::default(), || {
        put(&host, "items", "01", "1.0.0", &json!({"_id": "01"}));
    });
    up_shadow_told(&host, &between, &Control::default()).unwrap();
    assert!(finalize(&host).is_live);
    let trail = |id| body(&host, "items", id)["trail"].clone();
    assert_eq!(trail("00"), json!(["3.0.0/apply", "4.0.0/apply"]));
    assert_eq!(
        trail("01"),
        json!(["2.0.0/apply", "3.0.0/apply", "4.0.0/apply"])
    );
    let record = host.store().collection(&name("items")).unwrap().unwrap();
    assert_eq!(record.newest, Some(version("4.0.0")));
}

#[test]
fn a_bad_item_that_comes_last_keeps_it_from_being_live() {
    let host = seeded(Arc::new(Memory::new()), &alone());
    assert!(up_shadow(&host).stats.unwrap().is_ready);
    let bad = json!({"_id": "07", "do": {"3.0.0/apply": [["fail", "it will not do"]]}});
    put(&host, "items", "07", "1.0.0", &bad);
    for _ in 0..2 {
        let report = finalize(&host);
        assert!(!report.is_live);
        let stats = report.stats.unwrap();
        assert_eq!((stats.open, stats.is_ready), (1, false));
        assert!(quarantined(&host).is_empty());
    }
    let shadow = host.in_shadow().unwrap();
    shadow.accept(&quarantined(&shadow)).unwrap();
    assert!(finalize(&host).is_live);
    assert_eq!(host.store().tallies(&name("items")).unwrap().accepted, 1);
}

#[test]
fn items_of_other_collections_that_are_behind_are_left_to_the_next_run() {
    let catalogue = made(&[
        Order::new("made", "2.0.0").step(rewrite("apply", "items")),
        Order::new("other", "2.0.0").step(rewrite("apply", "things")),
    ]);
    let host = seeded(Arc::new(Memory::new()), &catalogue);
    seed(&host, "other", "things", &[plain("a"), plain("b")]);
    let other = Goal {
        app: Some(name("other")),
        ..Goal::default()
    };
    host.up(&other, &Quiet, &Control::default()).unwrap();
    up_shadow(&host);
    put(&host, "things", "a", "1.0.0", &json!({"_id": "a"}));
    let report = up_shadow(&host);
    assert!(report.stats.unwrap().is_ready);
    assert!(finalize(&host).is_live);
    let tallies = |host: &Host| host.store().tallies(&name("things")).unwrap().waiting;
    assert_eq!(tallies(&host), 1);
    up(&host);
    assert_eq!(tallies(&host), 0);
    assert_eq!(body(&host, "things", "a")["trail"], json!(["2.0.0/apply"]));
}

#[test]
fn a_migration_that_comes_meanwhile_and_needs_another_copy_is_refused() {
    let first = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    let more = Order::new("made", "3.0.0").step(rewrite("apply", "labels"));
    let backend = Arc::new(Memory::new());
    let before = made(std::slice::from_ref(&first));
    let host = seeded(backend.clone(), &before);
    seed(&host, "made", "labels", &[plain("a")]);
    up_shadow(&host);
    let grown = trial(backend.clone(), &made(&[first, more]));
    let refused = grown.finalize(&Quiet, &Control::default());
    assert!(
        matches!(&refused, Err(HostError::OutsideShadow { collection, .. }) if *collection == name("labels")),
        "{refused:?}"
    );
    assert!(finalize(&trial(backend, &before)).is_live);
    up(&grown);
    assert_eq!(body(&grown, "labels", "a")["trail"], json!(["3.0.0/apply"]));
}

#[test]
fn what_an_applied_step_derives_from_is_followed_with_what_it_derives() {
    let applied = Order::new("made", "2.0.0").step(derive("look", "items", "notes"));
    let next = Order::new("made", "3.0.0").step(rewrite("apply", "items"));
    let item = json!({"_id": "03", "do": {"2.0.0/look": [["put", "notes", "of-3", {"new": 1}]]}});
    let catalogue = made(&[applied.clone(), next.clone()]);
    let backend = Arc::new(Memory::new());
    let host = seeded(backend.clone(), &made(std::slice::from_ref(&applied)));
    up(&host);
    let host = trial(backend, &catalogue);
    up_shadow(&host);
    put(&host, "items", "03", "1.0.0", &item);
    assert!(finalize(&host).is_live);
    assert_eq!(body(&host, "notes", "of-3")["new"], 1);
    assert_eq!(body(&host, "items", "03")["trail"], json!(["3.0.0/apply"]));
}

#[test]
fn many_large_writes_are_followed_in_several_commits() {
    for (backend, _folder) in of_each_kind() {
        let host = seeded(backend, &alone());
        up_shadow(&host);
        // More in all than sled takes at once.
        let large = "x".repeat(6 << 20);
        for n in 0..12 {
            let id = format!("{n:02}");
            put(
                &host,
                "items",
                &id,
                "1.0.0",
                &json!({"_id": id, "large": large}),
            );
        }
        assert!(finalize(&host).is_live);
        assert_eq!(
            body(&host, "items", "11")["trail"],
            json!(["2.0.0/apply", "3.0.0/apply"])
        );
    }
}

#[test]
fn a_run_does_not_grow_with_what_is_written_again_and_again() {
    let host = seeded(Arc::new(Memory::new()), &alone());
    up_shadow(&host);
    for n in 0..20 {
        for (id, at) in [("00", "1.0.0"), ("01", "2.0.0"), ("02", "1.0.0")] {
            put(&host, "items", id, at, &json!({"_id": id, "n": n}));
            up_shadow(&host);
        }
    }
    let run = host.store().run(RunId(1)).unwrap().unwrap();
    assert_eq!(run.state, RunState::Completed);
    let stages = run.plan.stages.len();
    assert!(stages <= 8, "{stages} stages");
    assert!(finalize(&host).is_live);
    assert_eq!(body(&host, "items", "01")["trail"], json!(["3.0.0/apply"]));
}

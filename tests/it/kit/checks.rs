//! What every migration should hold: found where it does not.

use std::time::Duration;

use godwit::kit::{Bench, Findings, Schema, Subject, World};
use godwit::sandbox::{Engine, Limits};
use godwit_hostile::text::Text;
use godwit_hostile::{Guest, Source};
use godwit_tests::made::{Order, derive, doing, plain, rewrite};
use godwit_tests::world::{ENGINE, guest, name};
use serde_json::json;

fn try_on<T>(file: Vec<u8>, trial: impl Fn(&Bench<'_>) -> T) -> T {
    let subject = Subject::load(&ENGINE, [("a.wasm".into(), file)]).unwrap();
    let migration = &subject.migrations()[0];
    let from = Subject::start_of(migration).unwrap();
    trial(&Bench {
        subject: &subject,
        migration,
        from: &from,
    })
}

fn items(items: &[(String, String)]) -> World {
    let mut world = World::new();
    for (id, body) in items {
        world
            .insert(&name("items"), id, body.clone().into_bytes())
            .unwrap();
    }
    world
}

fn features() -> World {
    let mut world = World::new();
    let lines = include_str!("../../../plugins/examples/rust/bcd-2-0-0/items.before.ndjson");
    world.read_ndjson(&name("features"), lines).unwrap();
    world
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_good_migration_passes_all() {
    let file = std::fs::read(guest("bcd-2-0-0")).unwrap();
    let world = features();
    try_on(file, |bench| {
        assert_eq!(bench.deterministic(&world).unwrap(), NOTHING);
        assert_eq!(
            bench.independent_of_order(&world).unwrap(),
            Some(Findings::new())
        );
        assert_eq!(bench.idempotent(&world).unwrap(), NOTHING);
        assert_eq!(bench.survives_mutations(&world, 300, 1).unwrap(), NOTHING);
    });
}

#[test]
fn what_remembers_or_swaps_is_found() {
    let body = |n: usize| {
        let mark = if n == 7 { "!" } else { "" };
        (format!("{n:02}"), format!(r#"{{"n":{n},"mark":"{mark}"}}"#))
    };
    let all: Vec<_> = (0..12).map(body).collect();
    for guest in ["remembers_earlier_batches", "replies_with_swapped_outcomes"] {
        let file = Guest::named(guest).unwrap().file();
        let found = try_on(file, |bench| bench.deterministic(&items(&all)).unwrap());
        assert!(!found.is_empty(), "{guest}");
        assert!(found.len() <= 11, "{found:?}");
    }
    // Whose steps ask for no documents is fed in another order, too.
    let guest = Guest::named("replies_with_swapped_outcomes").unwrap();
    let Source::Written(text) = guest.source else {
        panic!("it is a text");
    };
    let file = Text::new(text).replacing(WRITES_ONE, WRITES_NONE).module();
    let found = try_on(file, |bench| {
        bench.independent_of_order(&items(&all)).unwrap()
    });
    assert!(!found.unwrap().is_empty());
}

/// What a hostile guest says of the collections that it writes, and what it would say of none.
const WRITES_ONE: &str = r#""\f0\01\00\00\01\00\00\00""#;
const WRITES_NONE: &str = r#""\f0\01\00\00\00\00\00\00""#;

#[test]
fn a_second_pass_that_changes_something_is_found() {
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    let file = order.file("columns-2-0-0");
    let world = items(&[plain("a"), doing("b", "2.0.0/apply", json!([["keep"]]))]);
    let found = try_on(file, |bench| bench.idempotent(&world).unwrap());
    assert_eq!(
        found,
        [
            "a second pass changes it: items/a is not as expected (- expected, + found)\n  + /trail/1: \
          \"2.0.0/apply\""
        ]
    );
}

#[test]
fn steps_with_documents_are_not_fed_in_another_order() {
    let order = Order::new("made", "2.0.0").step(derive("note", "items", "notes"));
    let file = order.file("columns-2-0-0");
    let world = items(&[plain("a"), plain("b")]);
    try_on(file, |bench| {
        assert_eq!(bench.independent_of_order(&world).unwrap(), None);
        assert_eq!(bench.deterministic(&world).unwrap(), NOTHING);
    });
}

#[test]
fn a_fault_on_a_bent_item_is_told_with_the_item() {
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    // Bent in another place, the item still makes the guest panic.
    let panics = doing("a", "2.0.0/apply", json!([["panic"]]));
    let found = try_on(order.file("columns-2-0-0"), |bench| {
        bench
            .survives_mutations(&items(std::slice::from_ref(&panics)), 50, 1)
            .unwrap()
    });
    let faults = found
        .iter()
        .filter(|finding| finding.contains(": trapped: "))
        .count();
    assert!(faults > 2, "{found:?}");
    let bent = found
        .iter()
        .find(|finding| finding.starts_with("an item with "))
        .unwrap();
    assert!(bent.contains("\n  {"), "{bent}");
    let again = try_on(order.file("columns-2-0-0"), |bench| {
        bench
            .survives_mutations(&items(std::slice::from_ref(&panics)), 50, 1)
            .unwrap()
    });
    assert_eq!(found, again);
}

#[test]
fn once_items_run_out_of_time_no_more_than_the_first_are_tried() {
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    let loops = |n: usize| doing(&format!("{n:03}"), "2.0.0/apply", json!([["loop"]]));
    let keeps = |n: usize| doing(&format!("{n:03}"), "2.0.0/apply", json!([["keep"]]));
    let all: Vec<_> = (0..500)
        .map(|n| if n % 10 == 1 { loops(n) } else { keeps(n) })
        .collect();
    let limits = Limits {
        batch: Duration::from_millis(50),
        ..Limits::default()
    };
    let engine = Engine::new(limits);
    let file = order.file("columns-2-0-0");
    let subject = Subject::load(&engine, [("a.wasm".into(), file)]).unwrap();
    let migration = &subject.migrations()[0];
    let bench = Bench {
        subject: &subject,
        migration,
        from: &Subject::start_of(migration).unwrap(),
    };
    let (trial, faults, left) = bench.faults(&items(&all)).unwrap();
    assert_eq!((trial.failed.len(), left.len()), (1, 1));
    assert!(trial.failed[0].is_out_of_time());
    assert_eq!(
        faults,
        [
            "items/001: timed out: it took longer than 50 ms",
            "498 more were not tried: mend the loop first"
        ]
    );
    // Bent in another place, an item loops still; what comes after the first such is not tried.
    let found = bench.survives_mutations(&items(&all[1..2]), 1_000, 1);
    let found = found.unwrap();
    assert!(found.len() <= 9, "{found:?}");
    assert!(found.iter().all(|found| found.contains("timed out")));
}

#[test]
fn bodies_are_held_to_schemas() {
    let schema =
        r#"{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}"#;
    let schema = Schema::new(schema).unwrap();
    let bodies = [("a", r#"{"n":1}"#), ("b", r#"{"n":"one"}"#), ("c", "{}")];
    let all: Vec<_> = bodies
        .iter()
        .map(|(id, body)| ((*id).to_owned(), (*body).to_owned()))
        .collect();
    let found = schema.findings(&items(&all), &name("items"));
    assert_eq!(
        found,
        [
            "items/b/n: \"one\" is not of type \"integer\"",
            "items/c: \"n\" is a required property",
        ]
    );
    assert!(Schema::new("{\"type\": 1}").is_err());
    let fetched = Schema::new(r#"{"$ref": "https://example.com/schema.json"}"#);
    assert!(fetched.is_err(), "nothing is fetched");
}

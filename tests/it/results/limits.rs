//! Limits are told to the item that reaches them, and to no other: the size of batches never shows.

use std::sync::Arc;

use godwit::sandbox::{Engine, Limits};
use godwit::store::Memory;
use godwit_tests::made::{LAYOUTS, Order, doing, made_for};
use godwit_tests::world::{host, items, seed, small_batches, up};
use serde_json::{Value, json};

/// What items saw who asked for something, in batches of one and of many.
fn saw(limits: &Limits, package: &str, commands: &[Value]) -> Vec<Value> {
    let engine = Engine::new(limits.clone());
    let step = json!({"name": "apply", "collection": "items", "writes": ["notes"]});
    let catalogue = made_for(&engine, package, &[Order::new("made", "2.0.0").step(step)]);
    let in_batches_of = |size| {
        let host = &mut host(Arc::new(Memory::new()), &catalogue);
        host.options = small_batches(size, 1);
        let item = |(n, commands)| doing(&format!("{n:02}"), "2.0.0/apply", json!([commands]));
        let all: Vec<_> = commands.iter().enumerate().map(item).collect();
        seed(host, "made", "items", &all);
        up(host);
        items(host.store(), "items")
    };
    let left = in_batches_of(1);
    assert_eq!(in_batches_of(100), left);
    left.iter().map(|line| said(line)).collect()
}

fn said(line: &str) -> Value {
    let body = &line[line.find('{').expect("bodies are objects")..];
    serde_json::from_str::<Value>(body).expect("bodies are JSON")["saw"][0].clone()
}

#[test]
fn calls_are_limited_for_each_item_alone() {
    let limits = Limits {
        document_calls: 10,
        ..Limits::default()
    };
    let asks = |times: u32| json!(["gets", "notes", "none", times]);
    let commands: Vec<_> = [4, 4, 10, 11, 4, 4, 4].map(asks).into();
    for package in LAYOUTS {
        let saw = saw(&limits, package, &commands);
        let limit = json!({"limit": "more than 10 documents calls in one batch"});
        assert_eq!(
            saw,
            [
                json!(null),
                json!(null),
                json!(null),
                limit,
                json!(null),
                json!(null),
                json!(null)
            ]
        );
    }
}

#[test]
fn bytes_are_limited_for_each_item_alone() {
    let limits = Limits {
        document_bytes: 1_000,
        body_bytes: 2_000,
        ..Limits::default()
    };
    let put = |id: &str, bytes: usize| json!(["put-large", "notes", id, bytes]);
    let commands = [
        put("a", 600),
        put("b", 600),
        put("c", 1_000),
        put("d", 1_001),
        put("e", 600),
    ];
    let saw = saw(&limits, LAYOUTS[0], &commands);
    let limit = json!({"limit": "more than 1000 bytes of documents in one batch"});
    assert_eq!(
        saw,
        [
            json!("put"),
            json!("put"),
            json!("put"),
            limit,
            json!("put")
        ]
    );
}

#[test]
fn a_document_may_not_be_larger_than_an_item() {
    let limits = Limits {
        body_bytes: 1_000,
        ..Limits::default()
    };
    let put = |bytes: usize| json!(["put-large", "notes", "a", bytes]);
    let saw = saw(&limits, LAYOUTS[0], &[put(500), put(1_000), put(1_001)]);
    assert_eq!(
        saw,
        [
            json!("put"),
            json!("put"),
            json!({"limit": "a body of more than 1000 bytes"})
        ]
    );
}

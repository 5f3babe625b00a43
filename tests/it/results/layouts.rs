//! Records, text and columns say the same thing: the same items leave the same store behind.

use std::sync::Arc;

use godwit::store::Memory;
use godwit_tests::made::{LAYOUTS, Order, doing, made_for, plain};
use godwit_tests::world::{ENGINE, Listener, dump, host, seed, small_batches, up_accepting};
use serde_json::{Value, json};

fn order() -> Order {
    let apply = json!({
        "name": "apply", "collection": "items", "reads": ["lookup", "nowhere"], "writes": ["notes"],
    });
    let derive = json!({
        "name": "derive", "collection": "items", "derive": true, "writes": ["seen"], "online": true,
    });
    Order::new("made", "2.0.0").step(apply).step(derive)
}

fn applying(id: &str, commands: Value) -> (String, String) {
    doing(id, "2.0.0/apply", commands)
}

/// Items that do all that the contract allows, and some that it does not.
fn items() -> Vec<(String, String)> {
    let put = |id: &str, body: Value| json!(["put", "notes", id, body]);
    let long = "x".repeat(600);
    vec![
        plain("appends"),
        applying("keeps", json!([["keep"]])),
        applying("removes", json!([["remove"]])),
        applying("fails", json!([["fail", "for a reason"]])),
        applying(
            "replaces",
            json!([["text", r#"{"é": "ü\u0000", "n": 1.50}"#]]),
        ),
        applying("says no JSON", json!([["text", "{"]])),
        applying(
            "logs",
            json!([
                ["log", "debug", "one"],
                ["log", "info", "two"],
                ["log", "warn", "three"],
                ["log", "error", "four"],
                ["log", "info", "of nobody", "alone"],
            ]),
        ),
        applying(
            "reads",
            json!([
                ["get", "lookup", "a"],
                ["get", "lookup", "none"],
                ["get", "nowhere", "a"],
            ]),
        ),
        applying(
            "scans",
            json!([
                ["scan", "lookup", null, 2],
                ["scan", "lookup", "a", 9],
                ["scan", "lookup", "z", 9],
            ]),
        ),
        applying(
            "writes",
            json!([
                put("kept", json!({"n": 1})),
                put("dropped", json!({})),
                ["delete", "notes", "dropped"],
                ["delete", "notes", "never there"],
                ["get", "notes", "kept"],
                ["get", "notes", "dropped"],
            ]),
        ),
        applying(
            "is denied",
            json!([
                ["get", "secret", "a"],
                ["scan", "secret", null, 1],
                ["put", "lookup", "a", {}],
                ["delete", "lookup", "a"],
                ["put", "secret", "a", {}],
                ["get", "items", "keeps"],
            ]),
        ),
        applying(
            "is invalid",
            json!([
                ["get", "lookup", ""],
                ["get", "lookup", long],
                ["get", "no\nname", "a"],
                ["put-text", "notes", "a", "{"],
                ["put", "notes", "", {}],
            ]),
        ),
        applying("runs", json!([["run"]])),
        applying(
            "writes and fails",
            json!([put("of a failure", json!({})), ["fail", "after all"]]),
        ),
        doing(
            "derives",
            "2.0.0/derive",
            json!([["run"], ["get", "seen", "x"], ["note", "seen"]]),
        ),
        doing(
            "fails to derive",
            "2.0.0/derive",
            json!([["put", "seen", "x", {}], ["fail", "no"]]),
        ),
        ("is no object".to_owned(), "[1]".to_owned()),
    ]
}

/// The data that a layout leaves behind, and what its run said.
fn left_by(package: &str) -> (Vec<String>, Vec<String>) {
    let backend = Arc::new(Memory::new());
    let mut host = host(backend.clone(), &made_for(&ENGINE, package, &[order()]));
    host.options = small_batches(5, 2);
    host.options.max_failures = "100%".parse().unwrap();
    let document = |id: &str| {
        (
            id.to_owned(),
            json!({"_id": id, "of": "lookup"}).to_string(),
        )
    };
    seed(&host, "made", "items", &items());
    seed(&host, "made", "lookup", &["a", "b", "c"].map(document));
    seed(&host, "made", "secret", &["a"].map(document));
    let listener = Listener::default();
    up_accepting(&host, &listener);
    let mut left = dump(&*backend);
    // Runs and history name the file and its digest, which differ.
    left.retain(|line| line.starts_with(['D', 'X', 'I', 'N', 'C', 'K', 'Z']));
    let mut said = listener.said();
    said.retain(|line| line.starts_with("Log") || line.starts_with("Failed"));
    (left, said)
}

#[test]
fn the_same_items_leave_the_same_store_behind_in_every_layout() {
    let records = left_by(LAYOUTS[0]);
    for layout in &LAYOUTS[1..] {
        let other = left_by(layout);
        for (line, expected) in other.0.iter().zip(&records.0) {
            assert_eq!(line, expected, "{layout}");
        }
        assert_eq!(other, records, "{layout}");
    }
}

/// What an item saw, as its body or its note tells.
fn saw(left: &[String], collection: &str, id: &str) -> Value {
    let key = format!(r"D{collection}\x00{id} = ");
    let line = left
        .iter()
        .find_map(|line| line.strip_prefix(&key))
        .unwrap_or_else(|| panic!("{key}"));
    let body = line[line.find('{').unwrap()..]
        .replace("\\\"", "\"")
        .replace("\\\\", "\\");
    serde_json::from_str::<Value>(&body).unwrap_or_else(|error| panic!("{error}: {body}"))["saw"]
        .clone()
}

#[test]
fn the_host_answers_whatever_an_item_asks() {
    let (left, said) = left_by(LAYOUTS[0]);
    let of = |id: &str| saw(&left, "items", id);
    let denied = json!({"denied": true});
    let lookup = |id: &str| json!({"_id": id, "of": "lookup"});
    let page = |id: &str| json!([id, lookup(id).to_string()]);
    assert_eq!(of("reads"), json!([lookup("a"), null, null]));
    assert_eq!(
        of("scans"),
        json!([[page("a"), page("b")], [page("b"), page("c")], []])
    );
    assert_eq!(
        of("writes"),
        json!(["put", "put", "deleted", "deleted", {"n": 1}, null])
    );
    assert_eq!(of("is denied"), json!(vec![denied; 6]));
    let run = json!({"from": "1.0.0", "started_at": 1_700_000_000_000_u64, "seed": 5});
    assert_eq!(of("runs"), json!([run]));
    assert_eq!(saw(&left, "seen", "derives"), json!([run, null]));
    for answer in of("is invalid").as_array().unwrap() {
        assert!(answer["invalid"].is_string(), "{answer}");
    }
    let apart = |id: &str| {
        left.iter()
            .any(|line| line.starts_with(&format!(r"Xitems\x00{id}")))
    };
    for failed in ["fails", "says no JSON", "writes and fails", "is no object"] {
        assert!(apart(failed), "{failed} is in quarantine");
    }
    let trace = |line: &String| line.starts_with(r"Dnotes\x00of a failure");
    assert!(!left.iter().any(trace), "a failure leaves no trace");
    assert_eq!(
        said.iter().filter(|line| line.starts_with("Log")).count(),
        1
    );
    let log = said.iter().find(|line| line.starts_with("Log")).unwrap();
    for part in [
        "Debug",
        "Info",
        "Warn",
        "Error",
        "one",
        "four",
        r#"item: Some("logs")"#,
        "item: None",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

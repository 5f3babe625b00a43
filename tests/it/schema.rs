//! Schema migrations: collections and indexes, made by the engine and kept current by every write.

use std::sync::Arc;

use godwit::blocking::Host;
use godwit::model::RunId;
use godwit::plan::Goal;
use godwit::run::{Control, Quiet};
use godwit::store::{Collection, Memory, Visit};
use godwit_tests::made::{LAYOUTS, Order, rewrite};
use godwit_tests::world::{
    ENGINE, catalogue_with, host, import, items, name, of_each_kind, seed, up, up_accepting,
    version,
};
use serde_json::{Value, json};

fn schema(version: &str, operations: &str) -> String {
    format!(r#"{{"app": "append", "version": "{version}", "operations": [{operations}]}}"#)
}

const ENSURE: &str = r#"{"ensure_index": {"collection": "items", "pointer": "/deep/n"}}"#;
const TRAIL: &str = r#"{"ensure_index": {"collection": "items", "pointer": "/trail/0"}}"#;
const DROP: &str = r#"{"drop_index": {"collection": "items", "pointer": "/deep/n"}}"#;

/// Values of every kind, some of them the same in other words.
fn value(n: usize) -> &'static str {
    [
        "1",
        "1.0",
        "10e-1",
        "-7",
        r#""1""#,
        r#""\u0031""#,
        "null",
        "true",
        "[1]",
        "{}",
        r#""a/~b""#,
    ][n % 11]
}

fn some(count: usize) -> Vec<(String, String)> {
    let item = |n: usize| {
        let id = format!("{n:05}");
        let deep = if n % 13 == 12 {
            String::new()
        } else {
            format!(r#","deep":{{"n":{}}}"#, value(n))
        };
        let body = format!(r#"{{"_id":"{id}"{deep}}}"#);
        (id, body)
    };
    (0..count).map(item).collect()
}

fn to(host: &Host, to: &str) {
    let goal = Goal {
        app: Some(name("append")),
        to: Some(version(to)),
        phase: None,
    };
    host.up(&goal, &Quiet, &Control::default())
        .expect("up works");
}

/// Items with a value, found by looking at every one of them.
fn scanned(host: &Host, pointer: &str, value: &Value) -> Vec<String> {
    let lines = items(host.store(), "items");
    let is_same = |found: &Value| match (found.as_f64(), value.as_f64()) {
        (Some(found), Some(value)) => found == value,
        _ => found == value,
    };
    let matches = lines.iter().filter(|line| {
        let body: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
        body.pointer(pointer).is_some_and(is_same)
    });
    matches
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect()
}

/// Checks that a query finds what a scan does, by the index or without.
fn check(host: &Host, pointer: &str, values: &[Value], by_index: bool) -> usize {
    let mut count = 0;
    for value in values {
        let find = |after: Option<&str>, limit| {
            let wanted = (pointer, value);
            host.store()
                .find(&name("items"), wanted, after, limit)
                .unwrap()
        };
        let found = find(None, usize::MAX);
        assert_eq!(found.by_index, by_index, "{pointer} {value}");
        assert_eq!(found.next, None);
        assert_eq!(
            found.ids,
            scanned(host, pointer, value),
            "{pointer} {value}"
        );
        count += found.ids.len();
        let (mut paged, mut page) = (Vec::new(), find(None, 3));
        loop {
            assert!(page.ids.len() <= 3);
            paged.extend(page.ids);
            match page.next {
                Some(next) => page = find(Some(&next), 3),
                None => break,
            }
        }
        assert_eq!(paged, found.ids);
    }
    count
}

fn values() -> Vec<Value> {
    vec![
        json!(1),
        json!(-7),
        json!("1"),
        json!(null),
        json!(true),
        json!([1]),
        json!({}),
        json!("a/~b"),
        json!(2),
    ]
}

#[test]
fn an_index_finds_what_a_scan_finds_on_every_store() {
    let (two, three) = (schema("1.1.0", ENSURE), schema("1.2.0", DROP));
    let catalogue = catalogue_with(&[], &[&two, &three]);
    for (backend, _folder) in of_each_kind() {
        let host = host(backend, &catalogue);
        seed(&host, "append", "items", &some(4_500));
        let before = check(&host, "/deep/n", &values(), false);
        to(&host, "1.1.0");
        assert_eq!(check(&host, "/deep/n", &values(), true), before);
        to(&host, "1.2.0");
        assert_eq!(check(&host, "/deep/n", &values(), false), before);
        let record = host.store().collection(&name("items")).unwrap().unwrap();
        assert!(record.indexes.is_empty());
        assert!(
            host.store()
                .index_entries(&name("items"), 0, 10)
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn runs_and_imports_keep_an_index_current() {
    let index = schema("1.1.0", &format!("{ENSURE}, {TRAIL}"));
    let catalogue = catalogue_with(&["append-2-0-0", "append-3-0-0"], &[&index]);
    let host = host(Arc::new(Memory::new()), &catalogue);
    let mut all = some(300);
    for (id, body) in &mut all {
        if id.ends_with('7') {
            body.insert_str(1, r#""remove":true,"#);
        }
    }
    seed(&host, "append", "items", &all);
    to(&host, "1.1.0");
    let trails = [json!("2.0.0"), json!("3.0.0")];
    assert_eq!(check(&host, "/trail/0", &trails, true), 0);
    up(&host);
    assert_eq!(check(&host, "/trail/0", &trails, true), 270);
    let kept = check(&host, "/deep/n", &values(), true);
    let replaced: Vec<_> = all[..50]
        .iter()
        .map(|(id, _)| (id.clone(), format!(r#"{{"_id":"{id}","deep":{{"n":2}}}}"#)))
        .collect();
    import(&host, "append", "items", "3.0.0", &replaced);
    let twos = check(&host, "/deep/n", &[json!(2)], true);
    assert_eq!(twos, 50);
    assert!(check(&host, "/deep/n", &values(), true) > kept - 50);
    // Those that were imported are at the version already: nobody appends to them.
    assert_eq!(check(&host, "/trail/0", &trails, true), 225);
}

#[test]
fn operations_may_be_repeated() {
    let versions = ["1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0"];
    let create = r#"{"create_collection": {"collection": "empty"}}"#;
    let operations = [ENSURE, ENSURE, DROP, DROP, create];
    let mut schemas: Vec<_> = versions
        .iter()
        .zip(operations)
        .map(|(version, operation)| schema(version, operation))
        .collect();
    schemas.push(schema("1.6.0", create));
    let texts: Vec<_> = schemas.iter().map(String::as_str).collect();
    let host = host(Arc::new(Memory::new()), &catalogue_with(&[], &texts));
    seed(&host, "append", "items", &some(20));
    let indexes = |host: &Host| {
        let record: Collection = host.store().collection(&name("items")).unwrap().unwrap();
        record.indexes.len()
    };
    for (to_version, expected) in [("1.1.0", 1), ("1.2.0", 1), ("1.3.0", 0), ("1.4.0", 0)] {
        to(&host, to_version);
        assert_eq!(indexes(&host), expected, "{to_version}");
    }
    up(&host);
    let empty = host
        .store()
        .collection(&name("empty"))
        .unwrap()
        .expect("it was created");
    assert_eq!((empty.app, empty.opaque), (name("append"), false));
    assert!(up(&host).is_empty());
}

#[test]
fn an_index_may_come_before_its_collection() {
    let index = schema("1.1.0", ENSURE);
    let host = host(Arc::new(Memory::new()), &catalogue_with(&[], &[&index]));
    up(&host);
    import(&host, "append", "items", "1.1.0", &some(60));
    assert!(check(&host, "/deep/n", &values(), true) > 30);
}

#[test]
fn an_opaque_collection_takes_bytes_of_any_kind() {
    let create = r#"{"create_collection": {"collection": "items", "opaque": true}}"#;
    let schema = format!(r#"{{"app": "made", "version": "1.1.0", "operations": [{create}]}}"#);
    for layout in LAYOUTS {
        let scripts = json!({"text": [["text", "no JSON {"]], "same": [["replace", "x", "x"]]});
        let order = Order::new("made", "2.0.0")
            .step(rewrite("apply", "items"))
            .with("scripts", scripts);
        let mut catalogue = godwit::catalogue::Catalogue::new();
        catalogue.add(&ENGINE, "made.wasm".into(), &order.file(layout));
        catalogue.add(&ENGINE, "create.json".into(), schema.as_bytes());
        let mut host = host(Arc::new(Memory::new()), &Arc::new(catalogue));
        host.options.max_failures = "100%".parse().unwrap();
        let goal = Goal {
            app: Some(name("made")),
            to: Some(version("1.1.0")),
            phase: None,
        };
        host.up(&goal, &Quiet, &Control::default()).unwrap();
        let items = name("items");
        let mut lease = host.lease("write").unwrap();
        let mut write = host.store().write(RunId(0), None);
        let one = version("1.1.0");
        for (id, body) in [
            ("bytes", &b"\xff\xfe"[..]),
            ("text", br#"{"a":1}"#),
            ("same", b"{ }"),
        ] {
            let new = Some((&one, body.into()));
            write.set_item(&items, id, None, new, Visit::Once).unwrap();
        }
        write
            .commit(&mut lease, godwit::model::Timestamp(0))
            .unwrap();
        lease.release(host.store()).unwrap();
        up_accepting(&host, &Quiet);
        let body = |id: &str| host.store().body(&items, id).unwrap().unwrap();
        assert_eq!(body("text"), b"no JSON {", "{layout}");
        assert_eq!(body("same"), b"{ }", "{layout}");
        assert_eq!(body("bytes"), b"\xff\xfe", "{layout}");
        let apart = host
            .store()
            .apart(&items, "bytes")
            .unwrap()
            .expect("no guest can read it");
        let kind = if layout.starts_with("text") {
            "not text"
        } else {
            "refused"
        };
        assert_eq!(apart.failure.unwrap().kind, kind, "{layout}");
    }
}

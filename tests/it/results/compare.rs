//! A body that says the same as before is no change: the old bytes stay, and so does the stamp.

use std::sync::Arc;

use godwit::store::{ItemRecord, Memory};
use godwit_tests::made::{Order, made, rewrite};
use godwit_tests::world::{host, name, seed, up};
use serde_json::json;

/// Ids, bodies, what is replaced by what, and whether that is a change.
const CASES: [(&str, &str, &str, &str, bool); 12] = [
    ("space", r#"{"a": 1, "b": 2}"#, " ", "", false),
    (
        "order",
        r#"{"a":1,"b":2}"#,
        r#""a":1,"b":2"#,
        r#""b":2,"a":1"#,
        false,
    ),
    ("fraction", r#"{"n":1.0}"#, "1.0", "1", false),
    ("exponent", r#"{"n":1E5}"#, "1E5", "100000", false),
    ("trailing zero", r#"{"n":1.10}"#, "1.10", "1.1", false),
    ("escape", "{\"s\":\"\u{e9}\"}", "\u{e9}", "\\u00e9", false),
    (
        "nested",
        r#"{"l":[{"a":1,"b":[2]}]}"#,
        r#""a":1,"b":[2]"#,
        r#""b": [2],"a":1"#,
        false,
    ),
    ("digit", r#"{"n":1.10}"#, "1.10", "1.11", true),
    (
        "large",
        r#"{"n":12345678901234567890123}"#,
        "123}",
        "124}",
        true,
    ),
    ("order of a list", r#"{"l":[1,2]}"#, "1,2", "2,1", true),
    ("type", r#"{"n":1}"#, "1", "\"1\"", true),
    ("null", r#"{"n":null}"#, r#""n":null"#, "", true),
];

#[test]
fn what_says_the_same_in_other_words_keeps_its_bytes() {
    let scripts: serde_json::Map<_, _> = CASES
        .iter()
        .map(|(id, _, from, to, _)| ((*id).to_owned(), json!([["replace", from, to]])))
        .collect();
    let order = Order::new("made", "2.0.0")
        .step(rewrite("apply", "items"))
        .with("scripts", json!(scripts));
    let host = host(Arc::new(Memory::new()), &made(&[order]));
    let items = CASES.map(|(id, body, ..)| (id.to_owned(), body.to_owned()));
    seed(&host, "made", "items", &items);
    let counts = up(&host)[0].steps[0].counts;
    let changed = CASES.iter().filter(|case| case.4).count() as u64;
    assert_eq!(
        (counts.updated, counts.unchanged),
        (changed, CASES.len() as u64 - changed)
    );
    for (id, before, from, to, is_change) in CASES {
        let record = host
            .store()
            .item_record(&name("items"), id)
            .unwrap()
            .unwrap();
        let record = ItemRecord::parse(&record).unwrap();
        let expected = if is_change {
            before.replace(from, to)
        } else {
            before.to_owned()
        };
        assert_eq!(String::from_utf8_lossy(record.body), expected, "{id}");
        assert_eq!(
            record.version,
            if is_change { "2.0.0" } else { "1.0.0" },
            "{id}"
        );
    }
    // Whether its bytes changed or not, every item has the new version now.
    for (id, ..) in CASES {
        let item = host.store().item(&name("items"), id).unwrap().unwrap();
        assert_eq!(item.version.to_string(), "2.0.0", "{id}");
    }
}

//! `--json` of every verb is JSON: one value, or one on each line.

use godwit_tests::cli::Ended;
use serde_json::{Deserializer, Value};

use super::{KINDS, MIXED, of_kind};

/// The values that were printed.
fn values(ended: &Ended) -> Vec<Value> {
    let values = Deserializer::from_str(&ended.out).into_iter();
    values
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{error}: {ended}"))
}

#[test]
fn every_verb_prints_json() {
    // How many values, unless that is the number of items.
    let lines: [(&str, i32, usize); 24] = [
        (
            "import --app other --collection others --version 1.0.0 items.ndjson",
            0,
            1,
        ),
        ("export --collection items -o out.ndjson", 0, 1),
        ("inspect plugins/append-2-0-0.wasm", 0, 1),
        ("plan", 0, 1),
        ("up --dry-run", 4, 5),
        ("up --dry-run --id items/a", 0, 2),
        ("up", 4, 1),
        ("status", 0, 1),
        ("history", 0, 1),
        ("runs", 0, 1),
        ("runs 1", 0, 1),
        ("get items a b", 0, 2),
        ("get items --where /bad=true", 0, 1),
        ("quarantine list", 0, 2),
        ("quarantine show items/b", 0, 1),
        ("quarantine retry", 4, 1),
        ("quarantine accept items/b items/c", 0, 1),
        ("up", 0, 1),
        ("baseline other 2.5.0", 0, 1),
        ("prune 1", 0, 1),
        ("prune --keep 0", 0, 1),
        ("undo 2", 2, 1),
        ("generate -c 2", 0, 2),
        ("generate -c 2 -o made.ndjson", 0, 1),
    ];
    for kind in KINDS {
        let cli = of_kind(kind, MIXED, &["append-2-0-0"]);
        for (line, code, expected) in lines {
            let ended = cli.run(&format!("godwit {line} --json"));
            assert_eq!(ended.code, Some(code), "{ended}");
            assert_eq!(values(&ended).len(), expected, "{ended}");
        }
    }
}

#[test]
fn errors_are_json_with_a_hint() {
    let cli = of_kind("lmdb", MIXED, &["append-2-0-0"]);
    for line in [
        "import --collection new --version 1.0.0 items.ndjson",
        "import --collection items --version 1.0.0 missing.ndjson",
        "export --collection missing",
        "inspect missing.wasm",
        "plan --plugins missing",
        "status --store missing",
        "runs 9",
        "get missing a",
        "quarantine show items/a",
        "undo 9",
        "prune 9",
        "baseline append 0.1.0",
        "up --config missing.toml",
    ] {
        let ended = cli.run(&format!("godwit {line} --json"));
        assert_eq!(ended.code, Some(2), "{ended}");
        let values = values(&ended);
        let is_told = |what: &str| {
            values[0][what]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        };
        assert!(is_told("error") && is_told("hint"), "{ended}");
    }
}

//! Every size of batches, on any number of threads, leaves the same bytes behind.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use godwit::catalogue::Catalogue;
use godwit::plan::Goal;
use godwit::run::{Control, Observer, Options, RunEvent};
use godwit::store::Memory;
use godwit_tests::made::{Order, derive, doing, made, plain, rewrite};
use godwit_tests::world::{
    catalogue, dump, features, fixture, host, memory_host, seed, small_batches, up,
};
use serde_json::json;

const SIZES: [usize; 4] = [1, 3, 17, 4_096];
const THREADS: [usize; 3] = [1, 2, 4];

/// Migrates the same items in batches of every size on any number of threads.
fn the_same_in_any_batches(
    catalogue: &Arc<Catalogue>,
    app: &str,
    collection: &str,
    items: &[(String, String)],
) -> Vec<String> {
    let mut expected: Option<Vec<String>> = None;
    for size in SIZES {
        for threads in THREADS {
            let backend = Arc::new(Memory::new());
            let mut host = host(backend.clone(), catalogue);
            host.options = small_batches(size, threads);
            host.options.max_failures = "100%".parse().unwrap();
            if threads == THREADS[2] {
                // Every batch takes too long: they become smaller and smaller.
                host.options.batch_target = Duration::ZERO;
            }
            seed(&host, app, collection, items);
            assert!(!up(&host).is_empty());
            let left = dump(&*backend);
            let expected = expected.get_or_insert_with(|| left.clone());
            for (line, wanted) in left.iter().zip(expected.iter()) {
                assert_eq!(line, wanted, "batches of {size} on {threads} threads");
            }
            assert_eq!(
                left.len(),
                expected.len(),
                "batches of {size} on {threads} threads"
            );
        }
    }
    expected.expect("there was at least one")
}

fn numbered(count: usize, body: impl Fn(usize, &str) -> String) -> Vec<(String, String)> {
    let item = |n| {
        let id = format!("{n:04}");
        let body = body(n, &id);
        (id, body)
    };
    (0..count).map(item).collect()
}

#[test]
fn a_migration_that_counts_in_a_document_of_another_collection() {
    let items = numbered(200, |n, id| {
        let kind = match n % 10 {
            2 | 5 => r#","tally":true"#,
            7 => r#","remove":true"#,
            8 if n % 3 == 0 => r#","tally":true,"bad":true"#,
            9 if n % 4 == 0 => r#","panic":true,"tally":true"#,
            _ => "",
        };
        format!(r#"{{"_id":"{id}"{kind}}}"#)
    });
    let left = the_same_in_any_batches(&catalogue(&["append-2-0-0"]), "append", "items", &items);
    let total = left
        .iter()
        .find(|line| line.starts_with(r"Dtallies\x00total"))
        .unwrap();
    assert!(total.contains(r#"\"count\":40"#), "{total}");
}

#[test]
fn a_migration_that_reads_the_collection_that_it_changes() {
    let items = numbered(100, |n, id| format!(r#"{{"_id":"{id}","n":{n}}}"#));
    let left = the_same_in_any_batches(&catalogue(&["tattle-2-0-0"]), "tattle", "chain", &items);
    let last = left
        .iter()
        .find(|line| line.starts_with(r"Dchain\x000099"))
        .unwrap();
    assert!(last.contains(r#"\"sum\":4950"#), "{last}");
}

#[test]
fn three_versions_of_real_documents() {
    let mut items: std::collections::BTreeMap<_, _> = features().step_by(70).take(300).collect();
    items.extend(fixture("bcd-2-0-0", "items.before"));
    let items: Vec<_> = items.into_iter().collect();
    let catalogue = catalogue(&["bcd-2-0-0", "bcd-3-0-0", "bcd-3-1-0"]);
    the_same_in_any_batches(&catalogue, "bcd", "features", &items);
}

#[test]
fn an_online_step_that_derives() {
    let items = fixture("todos-2-0-0", "items.before");
    the_same_in_any_batches(&catalogue(&["todos-2-0-0"]), "todos", "todos", &items);
}

/// Whether an item fails may hang on what an item before it wrote, or would have written.
#[test]
fn items_that_fail_because_of_what_others_did() {
    let order = Order::new("made", "2.0.0").step(derive("look", "items", "notes"));
    let items: Vec<_> = (0..60)
        .map(|n| {
            let id = format!("{n:04}");
            let before = format!("{:04}", n - n % 3);
            match n % 6 {
                // Leaves a document behind; the second kind would, but fails.
                0 => doing(
                    &id,
                    "2.0.0/look",
                    json!([["put", "notes", id, {"_id": id}]]),
                ),
                3 => doing(
                    &id,
                    "2.0.0/look",
                    json!([["put", "notes", id, {"_id": id}], ["fail", "no"]]),
                ),
                // Fail where there is one, and write what they were at.
                1 | 4 => doing(&id, "2.0.0/look", json!([["fail-if", "notes", before]])),
                _ => doing(&id, "2.0.0/look", json!([["panic-if", "notes", before]])),
            }
        })
        .collect();
    let left = the_same_in_any_batches(&made(&[order]), "made", "items", &items);
    let failed = left.iter().filter(|line| line.starts_with(r"Xitems\x00"));
    assert_eq!(failed.count(), 30);
}

/// A scan gives as many documents as there are, whatever the same batch deleted or added.
#[test]
fn scans_see_what_the_batch_did() {
    let step =
        json!({"name": "look", "collection": "items", "derive": true, "writes": ["notes", "seen"]});
    let order = Order::new("made", "2.0.0").step(step);
    let scan = |id: &str, after: serde_json::Value, limit: u32| {
        let commands = json!([["scan", "notes", after, limit], ["note", "seen"]]);
        doing(id, "2.0.0/look", commands)
    };
    let mut items = vec![plain("00")];
    let put = |id: &str| json!(["put", "notes", id, {"_id": id}]);
    let delete = |id: &str| json!(["delete", "notes", id]);
    let puts: Vec<_> = ["a", "b", "c", "e", "f", "g"]
        .into_iter()
        .map(put)
        .collect();
    items.push(doing("01", "2.0.0/look", json!(puts)));
    items.push(scan("02", json!(null), 2));
    items.push(doing(
        "03",
        "2.0.0/look",
        json!([delete("a"), delete("b"), put("d")]),
    ));
    items.push(scan("04", json!(null), 2));
    items.push(scan("05", json!("c"), 3));
    items.push(doing(
        "06",
        "2.0.0/look",
        json!([delete("c"), delete("d"), delete("g")]),
    ));
    items.push(scan("07", json!(null), 2));
    items.push(scan("08", json!("e"), 5));
    items.push(scan("09", json!("f"), 5));
    let left = the_same_in_any_batches(&made(&[order]), "made", "items", &items);
    let seen = |id: &str| {
        let line = left
            .iter()
            .find(|line| line.starts_with(&format!(r"Dseen\x00{id}")))
            .unwrap();
        line.replace('\\', "")
            .replace("{\"_id\":", "")
            .replace(['{', '}'], "")
    };
    for (id, found) in [
        ("02", r#"[[["a","#),
        ("04", r#"[[["c","#),
        ("05", r#"[[["d","#),
        ("07", r#"[[["e","#),
        ("08", r#"[[["f","#),
        ("09", r#""saw":[[]]"#),
    ] {
        assert!(seen(id).contains(found), "{id}: {}", seen(id));
    }
}

/// Documents that are larger than one page of a scan, some of them written by the same batch.
#[test]
fn scans_of_large_documents_skip_nothing() {
    let step =
        json!({"name": "look", "collection": "items", "derive": true, "writes": ["notes", "seen"]});
    let order = Order::new("made", "2.0.0").step(step);
    let large = |id: &str| json!(["put", "notes", id, {"_id": id, "text": "x".repeat(400 << 10)}]);
    let items = vec![
        doing(
            "01",
            "2.0.0/look",
            json!([large("a"), large("b"), large("c"), large("d")]),
        ),
        doing(
            "02",
            "2.0.0/look",
            json!([["put", "notes", "e", {"_id": "e"}]]),
        ),
        doing(
            "03",
            "2.0.0/look",
            json!([["scan-ids", "notes", null, 9], ["note", "seen"]]),
        ),
        doing(
            "04",
            "2.0.0/look",
            json!([["scan-ids", "notes", "b", 9], ["note", "seen"]]),
        ),
        doing(
            "05",
            "2.0.0/look",
            json!([["scan-ids", "notes", "d", 9], ["note", "seen"]]),
        ),
    ];
    let left = the_same_in_any_batches(&made(&[order]), "made", "items", &items);
    for (id, found) in [
        ("03", r#"["a","b"]"#),
        ("04", r#"["c","d","e"]"#),
        ("05", r#"["e"]"#),
    ] {
        let line = left
            .iter()
            .find(|line| line.starts_with(&format!(r"Dseen\x00{id}")))
            .unwrap();
        assert!(line.replace('\\', "").contains(found), "{line}");
    }
}

/// Notes how many items the batches had.
#[derive(Default)]
struct Sizes(Mutex<(u64, Vec<u64>)>);

impl Observer for Sizes {
    fn event(&self, event: &RunEvent) {
        if let RunEvent::Batch { counts, .. } = event {
            let (before, sizes) = &mut *self.0.lock().unwrap();
            sizes.push(counts.read - *before);
            *before = counts.read;
        }
    }
}

#[test]
fn batches_that_take_too_long_become_smaller() {
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    let items: Vec<_> = (0..4_000).map(|n| plain(&format!("{n:04}"))).collect();
    let sizes = |batch_target| {
        let mut host = memory_host(&made(std::slice::from_ref(&order)));
        host.options = Options {
            batch_target,
            ..small_batches(64, 1)
        };
        seed(&host, "made", "items", &items);
        let sizes = Sizes::default();
        host.up(&Goal::default(), &sizes, &Control::default())
            .unwrap();
        sizes.0.into_inner().unwrap().1
    };
    assert_eq!(sizes(Duration::MAX), [vec![64; 62], vec![32]].concat());
    let slow = sizes(Duration::ZERO);
    assert_eq!((slow.first(), slow.last()), (Some(&64), Some(&1)));
    assert!(slow.is_sorted_by(|one, next| one >= next), "{slow:?}");
    assert_eq!(slow.iter().sum::<u64>(), 4_000);
}

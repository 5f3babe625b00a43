//! Indexes follow the way back.

use godwit::model::RunId;
use godwit::plan::Goal;
use godwit::run::{ChangedItems, Control, Quiet};
use godwit::store::Tallies;
use godwit_tests::world::{catalogue_with, dump, memory_host, name, seed, up, version};
use serde_json::json;

#[test]
fn indexes_are_current_after_the_way_back() {
    let schema = r#"{"app": "append", "version": "1.1.0", "operations": [
        {"ensure_index": {"collection": "items", "pointer": "/trail/0"}},
        {"ensure_index": {"collection": "items", "pointer": "/n"}}]}"#;
    let dropping = r#"{"app": "append", "version": "2.1.0", "operations": [
        {"drop_index": {"collection": "items", "pointer": "/n"}},
        {"ensure_index": {"collection": "items", "pointer": "/trail/1"}}]}"#;
    let host = memory_host(&catalogue_with(
        &["append-2-0-0", "append-3-0-0"],
        &[schema, dropping],
    ));
    let item = |n: usize| {
        let trail = if n.is_multiple_of(2) {
            r#","trail":["first"]"#
        } else {
            ""
        };
        (
            format!("{n:02}"),
            format!(r#"{{"_id":"{n:02}","n":{}{trail}}}"#, n % 3),
        )
    };
    seed(
        &host,
        "append",
        "items",
        &(0..30).map(item).collect::<Vec<_>>(),
    );
    let goal = Goal {
        app: Some(name("append")),
        to: Some(version("1.1.0")),
        phase: None,
    };
    host.up(&goal, &Quiet, &Control::default()).unwrap();
    let find = |pointer: &str, value: serde_json::Value| {
        let found = host
            .store()
            .find(&name("items"), (pointer, &value), None, 100)
            .unwrap();
        (found.ids.len(), found.by_index)
    };
    let before = (
        find("/trail/0", json!("first")),
        find("/n", json!(1)),
        find("/trail/0", json!("2.0.0")),
    );
    assert_eq!(before, ((15, true), (10, true), (0, true)));
    up(&host);
    assert_eq!(find("/trail/0", json!("2.0.0")), (15, true));
    assert_eq!(find("/n", json!(1)), (10, false));
    assert_eq!(find("/trail/1", json!("3.0.0")), (15, true));
    host.undo(RunId(2), ChangedItems::Refuse, &Quiet, &Control::default())
        .unwrap();
    let after = (
        find("/trail/0", json!("first")),
        find("/n", json!(1)),
        find("/trail/0", json!("2.0.0")),
    );
    assert_eq!(after, before);
    assert_eq!(find("/trail/1", json!("3.0.0")), (0, false));
    host.undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default())
        .unwrap();
    assert_eq!(find("/n", json!(1)), (10, false));
    let tallies = host.store().tallies(&name("items")).unwrap();
    assert_eq!(
        tallies,
        Tallies {
            items: 30,
            ..Tallies::default()
        }
    );
    assert!(
        dump(host.store().backend())
            .iter()
            .all(|line| !line.starts_with('I'))
    );
}

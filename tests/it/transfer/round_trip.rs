//! Real documents and odd spellings, in and out of every kind of store.

use godwit::model::{Name, RunId, Timestamp};
use godwit::store::{Collection, Index};
use godwit::transfer::{ImportCounts, OnExisting};

use super::world::{World, documents, name, settings};

#[test]
fn documents_come_out_as_they_went_in_ordered_by_id() {
    let documents = documents(300);
    let id = |line: &String| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["_id"].as_str().unwrap().to_owned()
    };
    let mut sorted = documents.clone();
    sorted.sort_by_key(id);
    let expected = sorted.join("\n") + "\n";
    for mut world in World::of_each_kind() {
        let lines: Vec<_> = documents.iter().rev().cloned().collect();
        let report = world.import(&settings("1.0.0"), &lines.join("\n"));
        assert!(report.done);
        assert_eq!(report.counts.created, 300);
        assert_eq!(world.export(), expected);
        assert_eq!(world.tallies().items, 300);
        // What came out can go in: nothing changes.
        let before = world.entries();
        let report = world.import(&settings("1.0.0"), &world.export());
        assert_eq!((report.counts.present, report.counts.created), (300, 0));
        assert_eq!(world.entries(), before);
    }
}

#[test]
fn spelling_is_kept() {
    let lines = [
        r#"{"_id":"a","n":[1.0,1e0,1E+0,-0,0.10,12345678901234567890.123]}"#,
        r#"{ "z" : 1 ,	"_id" : "b", "a": 2, "a": 3 }  "#,
        r#"{"_id":"c","t":"\u00e9 é \/ / \ud83d\ude00 😀"}"#,
        r#"{"_id":"d","lone":"\ud800"}"#,
    ];
    let mut world = World::new();
    let report = world.import(&settings("1.0.0"), &(lines.join("\r\n") + "\r\n"));
    assert_eq!((report.counts.created, report.counts.bad), (4, 0));
    assert_eq!(world.export(), lines.join("\n") + "\n");
}

#[test]
fn line_endings_blank_lines_and_a_byte_order_mark_are_no_part_of_bodies() {
    let mut world = World::new();
    let input = "\u{feff}{\"_id\":1}\r\n\n  \t\r\n{\"_id\":2}\n\r\n{\"_id\":-3}";
    let report = world.import(&settings("1.0.0"), input);
    let expected = ImportCounts {
        lines: 6,
        bytes: input.len() as u64,
        created: 3,
        blank: 3,
        ..ImportCounts::default()
    };
    assert_eq!(report.counts, expected);
    assert_eq!(world.export(), "{\"_id\":-3}\n{\"_id\":1}\n{\"_id\":2}\n");
}

#[test]
fn ids_are_where_the_pointer_says() {
    let mut world = World::new();
    let settings = godwit::transfer::ImportSettings {
        id: "/meta/keys/1".parse().unwrap(),
        ..settings("1.0.0")
    };
    world.import(
        &settings,
        "{\"meta\":{\"keys\":[0,\"x\"]}}\n{\"meta\":{\"keys\":[0,17]}}\n",
    );
    let body = world.store.body(&name("notes"), "17").unwrap().unwrap();
    assert_eq!(body, br#"{"meta":{"keys":[0,17]}}"#);
    assert!(world.store.body(&name("notes"), "x").unwrap().is_some());
}

#[test]
fn indexes_follow() {
    let mut world = World::new();
    let notes: Name = name("notes");
    let mut record = Collection::new(name("app"), Some("1.0.0".parse().unwrap()));
    record.indexes.push(Index {
        number: 0,
        pointer: "/kind".to_owned(),
        ready: true,
    });
    record.next_index = 1;
    let mut write = world.store.write(RunId(0), None);
    write.set_collection(&notes, record).unwrap();
    write.commit(&mut world.lease, Timestamp(1)).unwrap();
    let find = |world: &World, kind: &str| {
        let found = world.store.find(&notes, ("/kind", &kind.into()), None, 10);
        let found = found.unwrap();
        (found.ids, found.by_index)
    };
    let mut settings = settings("1.0.0");
    world.import(
        &settings,
        "{\"_id\":1,\"kind\":\"a\"}\n{\"_id\":2,\"kind\":\"a\"}",
    );
    settings.on_existing = OnExisting::Replace;
    world.import(&settings, "{\"_id\":2,\"kind\":\"b\"}");
    assert_eq!(find(&world, "a"), (vec!["1".to_owned()], true));
    assert_eq!(find(&world, "b"), (vec!["2".to_owned()], true));
}

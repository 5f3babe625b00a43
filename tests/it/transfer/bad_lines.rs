//! Lines that cannot be imported are named; all others are imported.

use godwit::transfer::{BadLineReason, ImportCounts, ImportSettings, OnExisting};

use super::world::{World, name, settings};

#[test]
fn every_bad_line_is_named_with_its_number() {
    let long_id = "x".repeat(513);
    let long_line = format!("{{\"_id\":\"{}\"}}", "y".repeat(2_000));
    let lines: Vec<(String, Option<(&str, Option<u64>)>)> = vec![
        (r#"{"_id":"good"}"#.into(), None),
        (
            r#"{"_id":"cut""#.into(),
            Some(("it is not JSON: EOF while parsing an object", Some(12))),
        ),
        (
            r#"{"_id":"two"}{}"#.into(),
            Some(("it is not JSON: trailing characters", Some(14))),
        ),
        (
            r#"["list"]"#.into(),
            Some(("there is nothing at `/_id`, where its id should be", None)),
        ),
        (
            "17".into(),
            Some(("it is not an object, so that nothing is at `/_id`", None)),
        ),
        (
            r#"{"id":"else"}"#.into(),
            Some(("there is nothing at `/_id`, where its id should be", None)),
        ),
        (
            r#"{"_id":true}"#.into(),
            Some((
                "at `/_id` is true or false; an id is a string or an integer",
                None,
            )),
        ),
        (
            r#"{"_id":""}"#.into(),
            Some(("an id has 1 to 512 bytes, this one has 0", None)),
        ),
        (
            format!("{{\"_id\":\"{long_id}\"}}"),
            Some(("an id has 1 to 512 bytes, this one has 513", None)),
        ),
        (
            long_line,
            Some(("it has 2010 bytes, a body has 1000 at most", None)),
        ),
        (String::new(), None),
        (
            r#"{"_id":"good","x":1}"#.into(),
            Some(("the item `good` is there already, with another body", None)),
        ),
        (format!("{{\"_id\":\"{}\"}}", "z".repeat(512)), None),
    ];
    let text: Vec<_> = lines.iter().map(|(line, _)| line.as_str()).collect();
    for batch_lines in [1, 2, 3, 1_000] {
        let mut world = World::new();
        let settings = ImportSettings {
            body_bytes: 1_000,
            batch_lines,
            ..settings("1.0.0")
        };
        let report = world.import(&settings, &text.join("\n"));
        let named: Vec<_> = report
            .bad_lines
            .iter()
            .map(|bad| (bad.line as usize, bad.reason.to_string(), bad.column))
            .collect();
        let expected: Vec<_> = (1..)
            .zip(&lines)
            .filter_map(|(number, (_, bad))| {
                bad.map(|(reason, column)| (number, reason.to_owned(), column))
            })
            .collect();
        assert_eq!(named, expected);
        let counts = report.counts;
        assert_eq!(
            (counts.lines, counts.bad, counts.created, counts.blank),
            (13, 10, 2, 1)
        );
        assert_eq!(world.tallies().items, 2);
    }
}

#[test]
fn bytes_that_are_no_text_are_bad_lines() {
    let mut world = World::new();
    let mut input: &[u8] = b"{\"_id\":1}\n{\"_id\":\"\xff\"}\n\xff\xfe{\0}\0\n{\"_id\":2}\n";
    let report = world
        .import_with(&settings("1.0.0"), &mut input, &Default::default(), &|_| {})
        .unwrap();
    let named: Vec<_> = report
        .bad_lines
        .iter()
        .map(|bad| (bad.line, bad.column, bad.reason.clone()))
        .collect();
    let not_utf8 = BadLineReason::NotUtf8;
    assert_eq!(
        named,
        [(2, Some(9), not_utf8.clone()), (3, Some(1), not_utf8)]
    );
    assert_eq!(report.counts.created, 2);
}

#[test]
fn bad_lines_are_counted_beyond_those_that_are_kept() {
    let mut world = World::new();
    let settings = ImportSettings {
        bad_lines: 3,
        batch_lines: 2,
        ..settings("1.0.0")
    };
    let report = world.import(&settings, &"no\n".repeat(10));
    let lines: Vec<_> = report.bad_lines.iter().map(|bad| bad.line).collect();
    assert_eq!(lines, [1, 2, 3]);
    assert_eq!(report.counts.bad, 10);
}

#[test]
fn lines_of_which_none_is_good_leave_nothing_behind() {
    let mut world = World::new();
    let before = world.entries();
    let settings = ImportSettings {
        source: Some(godwit::model::Digest::of(b"source")),
        batch_lines: 2,
        ..settings("1.0.0")
    };
    world.import(&settings, "<html>\n\n<body>\n</html>\n");
    assert_eq!(world.entries(), before);
    // An empty export is an empty collection.
    world.import(&settings, "");
    assert!(world.store.collection(&name("notes")).unwrap().is_some());
    assert_eq!(world.store.history().unwrap().0.len(), 1);
}

const OLD: &str = "{\"_id\":1,\"v\":\"old\"}\n{\"_id\":2,\"v\":\"same\"}\n";
const NEW: &str = "{\"_id\":1,\"v\":\"new\"}\n{\"_id\":2,\"v\":\"same\"}\n{\"_id\":3}\n";

#[test]
fn items_that_are_there_are_refused_replaced_or_kept() {
    let cases = [
        (OnExisting::Refuse, (1, 1, 0, 0, 1), "old"),
        (OnExisting::Replace, (1, 1, 1, 0, 0), "new"),
        (OnExisting::Keep, (1, 1, 0, 1, 0), "old"),
    ];
    for (on_existing, expected, left) in cases {
        let mut world = World::new();
        world.import(&settings("1.0.0"), OLD);
        let settings = ImportSettings {
            on_existing,
            ..settings("1.0.0")
        };
        let ImportCounts {
            created,
            present,
            replaced,
            kept,
            bad,
            ..
        } = world.import(&settings, NEW).counts;
        assert_eq!(
            (created, present, replaced, kept, bad),
            expected,
            "{on_existing:?}"
        );
        let first = world.export().lines().next().unwrap().to_owned();
        assert_eq!(first, format!("{{\"_id\":1,\"v\":\"{left}\"}}"));
        assert_eq!(world.tallies().items, 3);
    }
}

#[test]
fn ids_that_come_twice_in_a_file_are_treated_alike_whatever_the_batches() {
    let input = "{\"_id\":1,\"v\":1}\n{\"_id\":1,\"v\":1}\n{\"_id\":1,\"v\":2}\n{\"_id\":1,\"v\":2}\n{\"_id\":1,\"v\":1}\n";
    // Created, present, replaced, kept, bad; the value left.
    let cases = [
        (OnExisting::Refuse, (1, 2, 0, 0, 2), 1),
        (OnExisting::Replace, (1, 2, 2, 0, 0), 1),
        (OnExisting::Keep, (1, 2, 0, 2, 0), 1),
    ];
    for (on_existing, expected, left) in cases {
        for batch_lines in [1, 2, 3, 4, 100] {
            let mut world = World::new();
            let settings = ImportSettings {
                on_existing,
                batch_lines,
                ..settings("1.0.0")
            };
            let report = world.import(&settings, input);
            let ImportCounts {
                created,
                present,
                replaced,
                kept,
                bad,
                ..
            } = report.counts;
            assert_eq!(
                (created, present, replaced, kept, bad),
                expected,
                "{on_existing:?}"
            );
            let lines: Vec<_> = report.bad_lines.iter().map(|bad| bad.line).collect();
            assert_eq!(lines, if bad == 2 { vec![3, 4] } else { vec![] });
            assert_eq!(world.export(), format!("{{\"_id\":1,\"v\":{left}}}\n"));
        }
    }
}

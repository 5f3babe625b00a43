//! Fixtures: read, judged, updated.

use std::fs;
use std::path::Path;

use godwit::kit::{Bench, Feeding, Fixture, FixtureError, Subject, Trial};
use godwit_tests::made::{Order, derive, doing, plain, rewrite};
use godwit_tests::world::{ENGINE, name};
use serde_json::json;
use tempfile::TempDir;

fn subject() -> Subject {
    let order = Order::new("made", "2.0.0")
        .step(rewrite("apply", "items"))
        .step(derive("note", "items", "notes"));
    let file = order.file("columns-2-0-0");
    Subject::load(&ENGINE, [("made.wasm".into(), file)]).unwrap()
}

fn run(subject: &Subject, fixture: &Fixture) -> Trial {
    let migration = &subject.migrations()[0];
    let from = Subject::start_of(migration).unwrap();
    let bench = Bench {
        subject,
        migration,
        from: &from,
    };
    bench.run(&fixture.before, Feeding::default()).unwrap()
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(folder).unwrap();
    for (file, text) in files {
        fs::write(folder.join(file), text).unwrap();
    }
}

fn read(folder: &Path) -> Result<Fixture, FixtureError> {
    Fixture::read(folder, &name("items"))
}

/// Items that are changed, left alone, removed, failed, and that leave a note elsewhere.
fn items() -> String {
    let on = |id: &str, commands| doing(id, "2.0.0/apply", commands);
    let all = [
        plain("changed"),
        on("kept", json!([["keep"]])),
        on("removed", json!([["remove"]])),
        on("failed", json!([["fail", "it will not do"]])),
        doing("noted", "2.0.0/note", json!([["note", "notes"]])),
    ];
    all.iter().map(|(_, body)| format!("{body}\n")).collect()
}

#[test]
fn what_was_found_is_what_is_expected_from_then_on() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), &[("before.ndjson", &items())]);
    let subject = subject();
    let fixture = read(folder.path()).unwrap();
    let trial = run(&subject, &fixture);
    let unsaid = fixture.judge(&trial);
    assert!(unsaid[0].contains("--update"), "{unsaid:?}");

    fixture.update(&trial, &name("items")).unwrap();
    let fixture = read(folder.path()).unwrap();
    assert_eq!(fixture.judge(&trial), [""; 0]);
    let after = fs::read_to_string(folder.path().join("after.ndjson")).unwrap();
    assert!(
        !after.contains("removed") && !after.contains("failed"),
        "{after}"
    );
    let failed = fs::read_to_string(folder.path().join("failed.json")).unwrap();
    assert_eq!(failed, "{\n  \"failed\": \"it will not do\"\n}\n");
    assert!(folder.path().join("notes.after.ndjson").exists());
}

#[test]
fn deviations_are_told_member_by_member() {
    let folder = TempDir::new().unwrap();
    let after = "{\"_id\":\"changed\",\"trail\":[\"something else\"]}\n{\"_id\":\"missing\"}\n";
    let files = [
        ("before.ndjson", &*items()),
        ("after.ndjson", after),
        (
            "failed.json",
            "{\"failed\": \"for another reason\", \"kept\": \"it fails\"}",
        ),
    ];
    write(folder.path(), &files);
    let fixture = read(folder.path()).unwrap();
    let wrong = fixture.judge(&run(&subject(), &fixture));
    let expected = [
        "items/failed failed for another reason (refused: it will not do), not: for another reason",
        "items/kept was to fail: it fails",
        "items/changed is not as expected (- expected, + found)\n  - /trail/0: \"something else\"\n  + \
         /trail/0: \"2.0.0/apply\"",
        "items/missing is missing",
    ];
    assert_eq!(wrong[..4], expected);
    assert!(
        wrong[4].starts_with("items/noted was not expected: {"),
        "{wrong:?}"
    );
    assert!(
        wrong[5].starts_with("notes/noted was not expected: {"),
        "{wrong:?}"
    );
    assert_eq!(wrong.len(), 6);
}

#[test]
fn one_item_unchanged_or_failing_needs_no_after() {
    let subject = subject();
    let folder = TempDir::new().unwrap();
    let (_, keeps) = doing("a", "2.0.0/apply", json!([["keep"]]));
    let (_, fails) = doing("a", "2.0.0/apply", json!([["fail", "no, thanks"]]));
    let trials = [
        ("unchanged", "", &keeps, 0),
        ("unchanged", "", &fails, 1),
        ("failed", "thanks\n", &fails, 0),
        ("failed", "please", &fails, 1),
        ("failed", "thanks", &keeps, 1),
    ];
    for (number, (file, text, before, wrong)) in trials.into_iter().enumerate() {
        let folder = folder.path().join(number.to_string());
        write(&folder, &[("before.json", before), (file, text)]);
        let fixture = read(&folder).unwrap();
        let found = fixture.judge(&run(&subject, &fixture));
        assert_eq!(found.len(), wrong, "{number}: {found:?}");
    }
}

#[test]
fn a_folder_that_is_no_fixture_says_why() {
    let folder = TempDir::new().unwrap();
    let trials: [(&[(&str, &str)], &str); 8] = [
        (&[], "has no before.json and no before.ndjson"),
        (&[("before.json", "{")], "before.json"),
        (
            &[("before.json", "{}"), ("notes.txt", "")],
            "notes.txt means nothing here",
        ),
        (
            &[("before.json", "{}"), ("unchanged", ""), ("failed", "")],
            "expects two things",
        ),
        (
            &[("before.json", "{}"), ("failed.json", "[]")],
            "has a text for each id",
        ),
        (
            &[("before.ndjson", "{\"_id\":\"a\"}\n{\"_id\":\"a\"}\n")],
            "before.ndjson",
        ),
        (&[("before.ndjson", "\n")], "has no items"),
        (
            &[("before.json", "{}"), ("failed.json", "{\"b\": \"no\"}")],
            "items/b is to fail in ",
        ),
    ];
    for (number, (files, part)) in trials.into_iter().enumerate() {
        let folder = folder.path().join(number.to_string());
        write(&folder, files);
        let error = godwit::with_causes(&read(&folder).unwrap_err());
        assert!(error.contains(part), "{error}");
    }
}

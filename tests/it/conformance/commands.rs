//! What items say is done, whatever the language and the size of batches.

use godwit::kit::{Feeding, Subject, Trial};
use godwit::model::{Dependency, Mode, Phase, StepWork};
use godwit::sandbox::{Limits, LogLevel};
use godwit_tests::world::{name, version};
use serde_json::{Value, json};

use super::{ENGINE, body, conformance, doing, engine, run};

/// What becomes of an item.
enum Becomes {
    Unchanged,
    Removed,
    Body(&'static str),
    Fails(&'static str),
}

use Becomes::{Body, Fails, Removed, Unchanged};

fn cases() -> Vec<(&'static str, Value, Becomes)> {
    vec![
        ("keeps", json!([["keep"]]), Unchanged),
        ("removes", json!([["remove"]]), Removed),
        ("says nothing", json!([]), Unchanged),
        (
            "fails",
            json!([["fail", "for a reason – grüezi 🐦"]]),
            Fails("for a reason – grüezi 🐦"),
        ),
        ("fails without a word", json!([["fail", ""]]), Fails("")),
        (
            "throws",
            json!([["throw", "nobody expected this"]]),
            Fails(""),
        ),
        (
            "replaces",
            json!([["replace", {"é": "ü\u{0}🐦", "n": [1, true, null, {}]}]]),
            Body("{\"é\":\"ü\\u0000🐦\",\"n\":[1,true,null,{}]}"),
        ),
        (
            "replaces with a text",
            json!([["replace", "only a text"]]),
            Body("\"only a text\""),
        ),
        ("echoes", json!([["echo"]]), Unchanged),
        (
            "looks up",
            json!([
                ["get", "lookup", "a"],
                ["get", "lookup", "b"],
                ["get", "lookup", "none"],
                ["get", "nowhere", "a"]
            ]),
            Body("{\"saw\":[{\"n\":1},{\"é\":\"ü\"},null,null]}"),
        ),
        (
            "scans",
            json!([
                ["scan", "lookup", null, 2],
                ["scan", "lookup", "a", 9],
                ["scan", "lookup", "c", 9],
                ["scan", "nowhere", null, 1]
            ]),
            Body(
                "{\"saw\":[[[\"a\",{\"n\":1}],[\"b\",{\"é\":\"ü\"}]],[[\"b\",{\"é\":\"ü\"}],[\"c\",[1.5]]],[],[]]}",
            ),
        ),
        (
            "writes",
            json!([["put", "notes", "of writes", {"n": 1}], ["get", "notes", "of writes"], ["put", "notes", "dropped", {}], ["delete", "notes", "dropped"], ["delete", "notes", "never there"], ["get", "notes", "dropped"]]),
            Body("{\"saw\":[\"put\",{\"n\":1},\"put\",\"deleted\",\"deleted\",null]}"),
        ),
        (
            "writes and fails",
            json!([
                ["put", "notes", "of a failed item", {}],
                ["fail", "after all"]
            ]),
            Fails("after all"),
        ),
        (
            "is denied",
            json!([
                ["get", "secret", "a"],
                ["scan", "secret", null, 1],
                ["put", "lookup", "a", {}],
                ["delete", "secret", "a"]
            ]),
            Body(
                "{\"saw\":[{\"denied\":\"secret\"},{\"denied\":\"secret\"},{\"denied\":\"lookup\"},{\"denied\":\"secret\"}]}",
            ),
        ),
        (
            "names no id",
            json!([["get", "lookup", ""], ["put", "notes", "", {}]]),
            Body(
                "{\"saw\":[{\"invalid\":\"an id has 1 to 512 bytes, this one has 0\"},{\"invalid\":\"an id has 1 to 512 bytes, this one has 0\"}]}",
            ),
        ),
        (
            "asks about the run",
            json!([["run"]]),
            Body("{\"saw\":[{\"from\":\"1.0.0\",\"started\":1700000000000,\"seed\":\"2\"}]}"),
        ),
        (
            "logs",
            json!([
                ["log", "debug", "one – grüezi"],
                ["log", "info", "two"],
                ["log", "warn", "three"],
                ["log", "error", "four"],
                ["log", "info", "of nobody", "alone"],
                ["keep"]
            ]),
            Unchanged,
        ),
    ]
}

/// The items: those that say what is to be done, some that say nothing that can be done, and many small ones.
fn items() -> Vec<(String, String)> {
    let mut items: Vec<_> = cases()
        .iter()
        .map(|(id, commands, _)| doing(id, commands))
        .collect();
    items.push(("is a text".to_owned(), "\"only a text\"".to_owned()));
    items.push((
        "says what cannot be".to_owned(),
        r#"{"do":"it"}"#.to_owned(),
    ));
    items.push(doing("grüezi 🐦", &json!([["replace", {"of": "ü"}]])));
    items.extend((0..500).map(|n| doing(&format!("many {n:03}"), &json!([["replace", {"n": n}]]))));
    items.push(doing("makes a large body", &json!([["big", 3_000_000]])));
    let filler = "ü".repeat(1_500_000);
    items.push((
        "is large".to_owned(),
        json!({"do": [["replace", {"small": true}]], "filler": filler}).to_string(),
    ));
    items
}

/// Checks what a language makes of the items, fed in several sizes.
pub fn check(language: &str, inside: &str) {
    let subject = conformance(&ENGINE, language);
    check_description(&subject, inside);
    let feedings = [(4_096, 1), (1, 1), (7, 2)];
    let trials = feedings.map(|(batch_items, threads)| {
        let feeding = Feeding {
            batch_items,
            threads,
        };
        let trial = run(&subject, &items(), feeding);
        check_trial(&trial);
        trial
    });
    assert_eq!(trials[0].left, trials[1].left);
    assert_eq!(trials[0].left, trials[2].left);
    assert_eq!(trials[0].failed, trials[1].failed);
}

fn check_description(subject: &Subject, inside: &str) {
    let migration = &subject.migrations()[0];
    assert_eq!(
        (migration.app.as_str(), &migration.version),
        ("conformance", &version("2.0.0"))
    );
    assert_eq!(migration.requires, Some(">=1, <2".parse().unwrap()));
    let other = Dependency {
        app: name("other"),
        versions: ">=1.2".parse().unwrap(),
    };
    assert_eq!(migration.depends_on, [other]);
    assert_eq!(
        migration.summary,
        format!("does what its items say, in {inside} – grüezi")
    );
    let [apply, derive] = &migration.steps[..] else {
        panic!("{:?}", migration.steps);
    };
    assert_eq!(
        (apply.name.as_str(), apply.phase),
        ("apply", Phase::Offline)
    );
    let reads = vec![name("lookup"), name("nowhere")];
    assert_eq!(
        apply.work,
        StepWork::Transform {
            mode: Mode::Rewrite,
            collection: name("items"),
            reads,
            writes: vec![name("notes")],
        }
    );
    assert_eq!(
        (derive.name.as_str(), derive.phase),
        ("derive", Phase::Online)
    );
    assert_eq!(
        derive.work,
        StepWork::Transform {
            mode: Mode::Derive,
            collection: name("items"),
            reads: vec![],
            writes: vec![name("seen")],
        }
    );
    let component = subject.component(migration).unwrap();
    let foreign = component
        .speech()
        .imports
        .iter()
        .find(|import| !import.is_contract);
    assert_eq!(foreign, None);
}

fn check_trial(trial: &Trial) {
    let reason = |id: &str| {
        let failed = trial.failed.iter().find(|failed| failed.id == id);
        failed.map(|failed| (failed.kind.as_str(), failed.reason.as_str()))
    };
    for (id, commands, becomes) in cases() {
        let (_, old) = doing(id, &commands);
        let found = body(trial, "items", id);
        let seen = body(trial, "seen", id);
        match becomes {
            Fails(expected) => {
                let (kind, said) = reason(id).unwrap_or_else(|| panic!("`{id}` does not fail"));
                // What is thrown is caught, or ends the sandbox; either way the item is alone in it.
                let is_thrown = id == "throws";
                assert!(
                    kind == "refused" || is_thrown && kind == "trapped",
                    "{id}: {kind}"
                );
                assert!(said.contains(expected), "{id}: {said}");
                assert!(
                    kind == "trapped" || !is_thrown || said.contains("nobody expected this"),
                    "{said}"
                );
                assert_eq!((found, seen), (Some(&*old), None), "{id}");
                continue;
            }
            Unchanged => assert_eq!(found, Some(&*old), "{id}"),
            Removed => assert_eq!(found, None, "{id}"),
            Body(expected) => assert_eq!(found, Some(expected), "{id}"),
        }
        assert_eq!(reason(id), None, "{id}");
        let of = json!({ "of": id }).to_string();
        let expected = (!matches!(becomes, Removed)).then_some(&*of);
        assert_eq!(seen, expected, "{id}");
    }
    for id in ["is a text", "says what cannot be"] {
        let (kind, said) = reason(id).unwrap_or_else(|| panic!("`{id}` does not fail"));
        assert!(
            kind == "refused" && !said.is_empty(),
            "{id}: {kind}: {said}"
        );
    }
    assert_eq!(trial.failed.len(), 6, "{:?}", trial.failed);
    assert_eq!(body(trial, "items", "grüezi 🐦"), Some(r#"{"of":"ü"}"#));
    assert_eq!(
        body(trial, "seen", "grüezi 🐦"),
        Some(r#"{"of":"grüezi 🐦"}"#)
    );
    for n in 0..500 {
        let expected = format!(r#"{{"n":{n}}}"#);
        assert_eq!(
            body(trial, "items", &format!("many {n:03}")),
            Some(&*expected)
        );
    }
    let large = body(trial, "items", "makes a large body").unwrap();
    assert_eq!(large.len(), 3_000_000 + r#"{"big":""}"#.len());
    assert_eq!(body(trial, "items", "is large"), Some(r#"{"small":true}"#));
    assert_eq!(body(trial, "notes", "of writes"), Some(r#"{"n":1}"#));
    assert_eq!(
        body(trial, "notes", "of a failed item"),
        None,
        "a failed item leaves no trace"
    );
    check_log(trial);
}

fn check_log(trial: &Trial) {
    let lines = trial
        .log
        .iter()
        .filter(|line| line.item.as_deref() == Some("logs") || line.message == "of nobody");
    let lines: Vec<_> = lines
        .map(|line| (line.level, line.message.as_str(), line.item.as_deref()))
        .collect();
    let expected = [
        (LogLevel::Debug, "one – grüezi", Some("logs")),
        (LogLevel::Info, "two", Some("logs")),
        (LogLevel::Warn, "three", Some("logs")),
        (LogLevel::Error, "four", Some("logs")),
        (LogLevel::Info, "of nobody", None),
    ];
    assert_eq!(lines, expected);
}

/// Checks that a language hands on what the host says of a limit.
pub fn check_limits(language: &str) {
    let limits = Limits {
        document_bytes: 1_000,
        ..Limits::default()
    };
    let subject = conformance(&engine(limits), language);
    let long = "x".repeat(2_000);
    let items = [
        doing("a", &json!([["put", "notes", "a", long]])),
        doing("b", &json!([["put", "notes", "b", "short"]])),
    ];
    let trial = run(&subject, &items, Feeding::default());
    assert_eq!(trial.failed, []);
    let expected = r#"{"saw":[{"limit":"more than 1000 bytes of documents in one batch"}]}"#;
    assert_eq!(body(&trial, "items", "a"), Some(expected));
    assert_eq!(body(&trial, "items", "b"), Some(r#"{"saw":["put"]}"#));
}

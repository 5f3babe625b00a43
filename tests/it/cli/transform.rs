//! `godwit transform`

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use godwit_tests::cli::Cli;
use godwit_tests::made::{Order, derive, doing, rewrite};
use serde_json::{Value, json};

use super::gzip;

/// A folder with a migration that does what its documents say.
fn desk() -> Cli {
    let cli = Cli::new();
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    cli.write("made.wasm", order.file("columns-2-0-0"));
    let several = Order::new("made", "2.0.0")
        .step(rewrite("apply", "items"))
        .step(derive("note", "items", "notes"));
    cli.write("several.wasm", several.file("columns-2-0-0"));
    cli
}

fn replacing(id: &str, with: &str) -> String {
    doing(id, "2.0.0/apply", json!([["text", with]])).1
}

#[test]
fn documents_come_out_in_the_order_in_which_they_went_in() {
    let cli = desk();
    let lines = (0..5_000).map(|n| replacing(&format!("{n}"), &format!("{{\"n\":{n}}}")) + "\n");
    cli.write("in.ndjson", lines.collect::<String>());
    let ended = cli.run("godwit transform made.wasm in.ndjson --threads 4");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let expected: String = (0..5_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    assert!(ended.out == expected, "they are in another order");
}

#[test]
fn what_fails_is_told_and_left_out_kept_or_the_end() {
    let cli = desk();
    let fails = doing("b", "2.0.0/apply", json!([["fail", "for a reason"]])).1;
    let kept = doing("c", "2.0.0/apply", json!([["keep"]])).1;
    let removed = doing("d", "2.0.0/apply", json!([["remove"]])).1;
    let first = replacing("a", "1");
    cli.write(
        "in.ndjson",
        format!("{first}\n{fails}\nno JSON\n\n{kept}\r\n{removed}\n{first}"),
    );
    let trials = [
        ("drop", format!("1\n{kept}\n1\n"), 2),
        ("keep", format!("1\n{fails}\n{kept}\n1\n"), 2),
        ("stop", "1\n".to_owned(), 1),
    ];
    for (how, expected, failed) in trials {
        let ended = cli.run(&format!(
            "godwit transform made.wasm in.ndjson --on-failure {how} -q"
        ));
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(4), expected.as_str()),
            "{how}"
        );
        let told: Vec<Value> = ended
            .err
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(told.len(), failed, "{how}");
        let body: Value = serde_json::from_str(&fails).unwrap();
        let refused = json!({"line": 2, "id": "b", "kind": "refused", "reason": "for a reason", "body": body});
        assert_eq!(told[0], refused);
        if failed > 1 {
            assert_eq!(
                (&told[1]["line"], &told[1]["kind"]),
                (&json!(3), &json!("not a document"))
            );
        }
    }
    let ended = cli.run("godwit transform made.wasm in.ndjson --failures failed.ndjson");
    assert_eq!(ended.err, "2 of 6 documents failed\n");
    assert_eq!(cli.read("failed.ndjson").lines().count(), 2);
}

#[test]
fn documents_may_be_looked_up() {
    let cli = Cli::new();
    let apply = json!({"name": "apply", "collection": "items", "reads": ["lookup"]});
    let order = Order::new("made", "2.0.0").step(apply);
    cli.write("made.wasm", order.file("columns-2-0-0"));
    let looks = doing(
        "a",
        "2.0.0/apply",
        json!([["get", "lookup", "x"], ["get", "lookup", "y"]]),
    )
    .1;
    cli.write("in.ndjson", looks);
    cli.write("lookup.ndjson", "{\"_id\":\"x\",\"n\":1}\n");
    let ended = cli.run("godwit transform made.wasm in.ndjson --documents lookup=lookup.ndjson");
    let body: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(body["saw"], json!([{"_id": "x", "n": 1}, null]));
    let ended = cli.run("godwit transform made.wasm in.ndjson --documents other=lookup.ndjson");
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .err
            .contains("nobody asks to read `other`\nhint: it asks to read lookup"),
        "{ended}"
    );
    let ended = cli.run("godwit transform made.wasm in.ndjson");
    let remark =
        "the step reads `lookup`, which has no documents: --documents lookup=FILE brings some";
    assert!(ended.err.contains(remark), "{ended}");
    assert!(ended.out.contains(r#""saw":[null,null]"#), "{ended}");
}

#[test]
fn documents_may_come_packed_from_a_file_or_a_pipe() {
    let cli = desk();
    let lines: String = (0..9_000)
        .map(|n| replacing(&format!("{n}"), &format!("{{\"n\":{n}}}")) + "\n")
        .collect();
    let packed = gzip(&lines);
    cli.write("in.ndjson", &lines)
        .write("in.ndjson.gz", &packed);
    let expected: String = (0..9_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    for input in ["in.ndjson.gz", "- < in.ndjson.gz", "< in.ndjson"] {
        let ended = cli.run(&format!("godwit transform made.wasm {input}"));
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{input}");
        assert!(ended.out == expected, "{input}");
    }
    // What breaks off is an error, after what could be passed on.
    cli.write("in.ndjson.gz", &packed[..packed.len() / 2]);
    let ended = cli.run("godwit transform made.wasm in.ndjson.gz");
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(
        ended.err.contains("in.ndjson.gz cannot be read on"),
        "{}",
        ended.err
    );
    assert!(expected.starts_with(&ended.out) && !ended.out.is_empty());
}

#[test]
fn a_body_that_fails_is_told_as_it_came() {
    let cli = desk();
    let line = r#"{ "_id": "a",  "n": 1.10, "do": {"2.0.0/apply": [["fail", "no"]]} }"#;
    cli.write("in.ndjson", line);
    let ended = cli.run("godwit transform made.wasm in.ndjson -q");
    let told =
        format!(r#"{{"line":1,"id":"a","kind":"refused","reason":"no","body":{line}}}"#) + "\n";
    assert_eq!((ended.code, ended.err), (Some(4), told));
}

#[test]
fn whoever_has_seen_enough_ends_it_well() {
    let cli = desk();
    let lines = (0..50_000).map(|n| replacing(&format!("{n}"), &format!("{{\"n\":{n}}}")) + "\n");
    cli.write("in.ndjson", lines.collect::<String>());
    let mut command = cli.command("godwit transform made.wasm in.ndjson");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    drop(out);
    assert_eq!(first, "{\"n\":0}\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn what_needs_a_store_says_so() {
    let cli = desk();
    cli.write("in.ndjson", "{}");
    let trials = [
        ("several.wasm", "use --step with one of: apply, note"),
        ("several.wasm --step none", "there is no step `none`"),
        ("several.wasm --step note", "the step `note` derives"),
        ("none.wasm", "none.wasm cannot be read"),
    ];
    for (arguments, part) in trials {
        let (plugin, rest) = arguments.split_once(' ').unwrap_or((arguments, ""));
        let ended = cli.run(format!("godwit transform {plugin} in.ndjson {rest}").trim());
        assert!(ended.code != Some(0) && ended.err.contains(part), "{ended}");
        assert!(ended.err.contains("hint: "), "{ended}");
    }
}

//! `godwit check`

use godwit_tests::cli::Cli;
use godwit_tests::made::{Order, doing, plain, rewrite};
use serde_json::json;

/// A folder with a migration that does what its items say, and items.
fn desk(items: &[(String, String)]) -> Cli {
    let cli = Cli::new();
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    cli.write("made.wasm", order.file("columns-2-0-0"));
    let lines = items.iter().map(|(_, body)| format!("{body}\n"));
    cli.write("items.ndjson", lines.collect::<String>());
    cli
}

fn verdicts(out: &str) -> Vec<&str> {
    let words = ["ok", "FAILED", "warn", "skip"];
    let lines = out.lines().filter(|line| line.starts_with("  "));
    let first = lines.filter_map(|line| line.split_whitespace().next());
    first.filter(|word| words.contains(word)).collect()
}

#[test]
fn a_plugin_is_tried_on_items() {
    let cli = desk(&[]);
    cli.guests("plugins", &["bcd-2-0-0"]).write(
        "features.ndjson",
        include_str!("../../../plugins/examples/rust/bcd-2-0-0/items.before.ndjson"),
    );
    let ended = cli.run("godwit check plugins/bcd-2-0-0.wasm --items features.ndjson");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended}");
    assert_eq!(verdicts(&ended.out), ["ok"; 6], "{ended}");
    assert!(ended.out.contains("usage     "), "{ended}");

    // The same as JSON, and for build servers.
    let line =
        "godwit check plugins/bcd-2-0-0.wasm --items features.ndjson --json --junit junit.xml";
    let ended = cli.run(line);
    let told = ended.json();
    assert_eq!(told["passed"], true);
    assert_eq!(told["suites"][0]["cases"].as_array().unwrap().len(), 6);
    assert!(told["usage"]["micros_per_item"].as_f64().unwrap() > 0.0);
    let used = &told["usage"];
    assert!(used["memory_bytes"].as_u64() < used["memory_limit_bytes"].as_u64());
    let junit = cli.read("junit.xml");
    assert!(
        junit.contains(r#"<testsuites tests="6" failures="0">"#),
        "{junit}"
    );
}

#[test]
fn steps_read_the_documents_that_they_are_given() {
    let cli = Cli::new();
    let order = Order::new("made", "2.0.0")
        .step(json!({"name": "apply", "collection": "items", "reads": ["lookup"]}));
    let fails = doing(
        "a",
        "2.0.0/apply",
        json!([["panic-if", "lookup", "x"], ["keep"]]),
    );
    cli.write("made.wasm", order.file("columns-2-0-0"))
        .write("items.ndjson", fails.1)
        .write("lookup.ndjson", "{\"_id\":\"x\",\"n\":1}\n");
    let line = "godwit check made.wasm --items items.ndjson --mutations 0";
    let ended = cli.run(line);
    assert_eq!(ended.code, Some(0), "{ended}");
    let hint = "nothing was changed: are these items that it is for?";
    assert!(ended.out.contains(hint), "{ended}");
    let ended = cli.run(&format!("{line} --documents lookup=lookup.ndjson"));
    assert_eq!(ended.code, Some(4), "{ended}");
    assert!(ended.out.contains("items/a: trapped: "), "{ended}");
    let ended = cli.run(&format!("{line} --documents notes=lookup.ndjson"));
    let told = "nobody asks to read `notes`\nhint: it asks to read lookup";
    assert!(ended.err.contains(told), "{ended}");
}

#[test]
fn what_a_plugin_does_not_hold_is_told() {
    let panics = doing("p", "2.0.0/apply", json!([["panic"]]));
    let cli = desk(&[plain("a"), panics]);
    let ended = cli.run("godwit check made.wasm --items items.ndjson --mutations 30 --seed 2");
    assert_eq!(ended.code, Some(4), "{ended}");
    assert_eq!(
        verdicts(&ended.out),
        ["FAILED", "ok", "ok", "warn", "ok", "ok"],
        "{ended}"
    );
    for part in [
        "a second pass changes it: items/a is not as expected",
        "30 items bent out of shape make it fault nowhere (seed 2)",
        "no item makes it fault",
        "items/p: trapped: ",
    ] {
        assert!(ended.out.contains(part), "`{part}` is not in {ended}");
    }
    // Bent in the same way, it tells the same.
    let again = cli.run("godwit check made.wasm --items items.ndjson --mutations 30 --seed 2");
    let without_usage = |out: &str| -> Vec<String> {
        let lines = out.lines().filter(|line| !line.starts_with("usage"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(without_usage(&again.out), without_usage(&ended.out));
}

#[test]
fn made_up_items_may_show_nothing() {
    let cli = desk(&[]);
    cli.guests("plugins", &["bcd-2-0-0"]);
    let ended = cli.run("godwit check plugins/bcd-2-0-0.wasm");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(
        ended
            .out
            .contains("nothing was changed: try it on items that it is for, with --items"),
        "{ended}"
    );
}

#[test]
fn what_cannot_be_checked_says_why() {
    let cli = desk(&[plain("a")]);
    let needs = Order::new("made", "2.0.0")
        .with("requires", json!(">1.0.0-rc.1, <1.0.0-rc.1"))
        .step(rewrite("apply", "items"));
    cli.write("needs.wasm", needs.file("columns-2-0-0"))
        .write("twice.ndjson", "{\"_id\":\"a\"}\n{\"_id\":\"a\"}\n")
        .write("broken.ndjson", "{\"_id\":\"a\"}\n{\n")
        .write("text.wasm", "no Wasm");
    let twice = Order::new("made", "2.0.0")
        .step(rewrite("apply", "items"))
        .step(rewrite("again", "items"));
    cli.write("twice.wasm", twice.file("columns-2-0-0"));
    let trials = [
        (
            "twice.wasm",
            4,
            "is not valid: two steps rewrite `items`; one migration rewrites a collection once\n",
        ),
        ("none.wasm", 2, "none.wasm cannot be read"),
        ("text.wasm", 4, "text.wasm is not a migration"),
        ("made.wasm --items none", 2, "none cannot be read"),
        (
            "made.wasm --items twice.ndjson",
            2,
            "twice.ndjson: line 2: there is an item `a` already",
        ),
        (
            "made.wasm --items broken.ndjson",
            2,
            "broken.ndjson: line 2, column 1: it is not JSON",
        ),
        ("needs.wasm", 4, "use --from VERSION"),
    ];
    for (arguments, code, part) in trials {
        let ended = cli.run(&format!("godwit check {arguments}"));
        assert_eq!(ended.code, Some(code), "{ended}");
        assert!(ended.err.contains(part), "`{part}` is not in {ended}");
        assert!(ended.err.contains("hint: "), "{ended}");
    }
}

#[test]
fn a_loop_without_an_end_is_waited_for_only_until_it_is_known() {
    let loops = doing("l", "2.0.0/apply", json!([["loop"]]));
    let cli = desk(&[plain("a"), loops]);
    cli.write("godwit.toml", "[limits]\nbatch-time = \"200ms\"\n");
    let ended = cli.run("godwit check made.wasm --items items.ndjson --mutations 300");
    assert_eq!(ended.code, Some(4), "{ended}");
    assert!(ended.out.contains("items/l: timed out: "), "{ended}");
    assert!(
        ended.out.contains("usage     "),
        "the others are measured: {ended}"
    );
}

//! `godwit test` and `godwit build`, on projects whose plugin somebody else's tool makes.

use godwit_tests::cli::{Cli, Ended};
use godwit_tests::made::{Order, doing, plain, rewrite};
use serde_json::{Value, json};

/// Bent, items would tell the plugin to do who knows what.
const MANIFEST: &str = r#"name = "made-2-0-0"
language = "other"

[build]
command = ["cp", "compiled.wasm", "build/artifact.wasm"]
artifact = "build/artifact.wasm"

[test]
mutations = 0
"#;

/// A folder with a project in `made`; what happens to its items is said in them.
fn desk() -> Cli {
    let cli = Cli::new();
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    cli.write("made/migration.toml", MANIFEST)
        .write("made/compiled.wasm", order.file("columns-2-0-0"));
    cli
}

/// An item that does what is said, as a line of a fixture.
fn item(id: &str, commands: Value) -> String {
    doing(id, "2.0.0/apply", commands).1 + "\n"
}

/// Items of all outcomes.
fn items() -> String {
    [
        item("changed", json!([["text", r#"{"_id":"changed","n":2}"#]])),
        item("kept", json!([["keep"]])),
        item("refused", json!([["fail", "it will not do"]])),
    ]
    .concat()
}

/// The case of a name in what `--json` printed.
fn case(tested: &Ended, name: &str) -> Value {
    let tested = tested.json();
    let suites = tested["suites"].as_array().unwrap();
    let mut cases = suites
        .iter()
        .flat_map(|suite| suite["cases"].as_array().unwrap());
    let found = cases.find(|case| case["name"] == name).cloned();
    found.unwrap_or_else(|| panic!("{name} is not in {tested:#}"))
}

#[test]
fn what_is_expected_is_written_and_then_held() {
    let cli = desk();
    cli.write("made/fixtures/all/before.ndjson", items());
    let ended = cli.run("godwit test made");
    assert_eq!(ended.code, Some(4), "{ended}");
    assert!(ended.err.contains("building made-2-0-0 (other)"), "{ended}");
    let hint = "nothing says what is expected: add after.json, `unchanged` or `failed`, or let --update write";
    assert!(ended.out.contains(hint), "{ended}");

    let ended = cli.run("godwit test made --update");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.out.contains("ok      all (updated)"), "{ended}");
    assert_eq!(
        cli.read("made/fixtures/all/after.ndjson"),
        "{\"_id\":\"changed\",\"n\":2}\n".to_owned() + &item("kept", json!([["keep"]]))
    );
    let failed: Value = serde_json::from_str(&cli.read("made/fixtures/all/failed.json")).unwrap();
    assert_eq!(failed, json!({"refused": "it will not do"}));
    cli.prepare(&["godwit test made", "godwit test made --no-build"]);

    // Another version of the plugin does something else.
    let other = items().replace(r#"\"n\":2"#, r#"\"n\":3"#);
    cli.write("made/fixtures/all/before.ndjson", other);
    let ended = cli.run("godwit test made --json");
    assert_eq!((ended.code, ended.err.as_str()), (Some(4), ""), "{ended}");
    assert_eq!(ended.json()["passed"], false);
    let all = case(&ended, "all");
    assert_eq!(all["verdict"], "failed");
    let told = "items/changed is not as expected (- expected, + found)\n  - /n: 2\n  + /n: 3";
    assert_eq!(all["findings"], json!([told]));
    cli.prepare(&["godwit test made --update -q", "godwit test made -q"]);
    assert!(
        cli.read("made/fixtures/all/after.ndjson")
            .starts_with("{\"_id\":\"changed\",\"n\":3}\n")
    );
}

#[test]
fn what_a_migration_logs_is_shown_where_it_goes_wrong() {
    let cli = desk();
    let panics = item("a", json!([["log", "info", "looking"], ["panic"]]));
    cli.write("made/fixtures/panics/before.json", panics)
        .write("made/fixtures/panics/unchanged", "")
        .write(
            "made/fixtures/works/before.json",
            item("b", json!([["log", "info", "looking"], ["keep"]])),
        )
        .write("made/fixtures/works/unchanged", "");
    let ended = cli.run("godwit test made");
    assert_eq!(ended.code, Some(4), "{ended}");
    let parts = [
        "items/a failed (trapped: panicked at ",
        "this item panics; it trapped: wasm `unreachable` instruction executed",
        "          it logged:\n            info a: looking\n            error panicked at ",
    ];
    for part in parts {
        assert!(ended.out.contains(part), "{part}: {ended}");
    }
    assert!(ended.out.contains("  ok      works\n"), "{ended}");
    assert_eq!(ended.out.matches("it logged:").count(), 1, "{ended}");
}

#[test]
fn items_are_held_to_the_schemas_of_before_and_after() {
    let cli = desk();
    let new = r#"{"_id":"a","tags":[]}"#;
    let before = [
        item("a", json!([["text", new]])),
        // What is left alone has the new shape already; what fails may have any.
        r#"{"_id":"b","tags":[],"do":{"2.0.0/apply":[["keep"]]}}"#.to_owned() + "\n",
        item("c", json!([["fail", "it will not do"]])),
    ];
    cli.write("made/fixtures/all/before.ndjson", before.concat())
        .write(
            "made/schemas/before.json",
            r#"{"type": "object", "required": ["do"], "not": {"required": ["tags"]}}"#,
        )
        .write(
            "made/schemas/after.json",
            r#"{"type": "object", "required": ["tags"]}"#,
        )
        .prepare(&["godwit test made --update", "godwit test made"]);

    // Neither what was there before nor what is left is of the shape that was promised.
    let odd = r#"{"_id":"d","tags":1,"do":{"2.0.0/apply":[["text","{\"_id\":\"d\"}"]]}}"#;
    cli.write("made/fixtures/odd/before.ndjson", odd);
    let ended = cli.run("godwit test made --update --json");
    assert_eq!(ended.code, Some(4), "{ended}");
    let findings = case(&ended, "odd (updated)")["findings"].clone();
    let findings: Vec<String> = serde_json::from_value(findings).unwrap();
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(
        findings[0].starts_with("schema before: items/d: "),
        "{findings:?}"
    );
    assert_eq!(
        findings[1],
        "schema after: items/d: \"tags\" is a required property"
    );

    let broken = [
        (r#"{"type": 1}"#, "it is not a JSON Schema"),
        (
            r#"{"$ref": "https://example.com/a.json"}"#,
            "it is not a JSON Schema",
        ),
        ("{", "it is not a JSON Schema"),
    ];
    for (schema, part) in broken {
        cli.write("made/schemas/after.json", schema);
        let ended = cli.run("godwit test made");
        assert_eq!(ended.code, Some(2), "{ended}");
        assert!(ended.err.contains("after.json: "), "{ended}");
        assert!(
            ended.err.contains(part) && ended.err.contains("hint: "),
            "{ended}"
        );
    }
}

#[test]
fn a_project_that_is_watched_is_tested_whenever_it_changes() {
    let cli = desk();
    cli.write("made/fixtures/all/before.ndjson", items());
    cli.prepare(&["godwit test made --update"]);
    let mut watching = cli.start("godwit test made --watch");
    watching.wait_for("watching; Ctrl-C ends it");
    cli.write("made/fixtures/all/failed.json", r#"{"refused": "another"}"#);
    watching.wait_for("watching; Ctrl-C ends it");
    cli.write("made/migration.toml", "name = 1");
    watching.wait_for("migration.toml");
    watching.wait_for("watching; Ctrl-C ends it");
    cli.write("made/migration.toml", MANIFEST);
    watching.wait_for("watching; Ctrl-C ends it");
    watching.interrupt();
    let ended = watching.finish();
    assert_eq!(ended.code, Some(0), "{ended}");
    let verdicts: Vec<_> = ended
        .out
        .lines()
        .filter(|line| line.ends_with("  all"))
        .collect();
    assert_eq!(
        verdicts,
        ["  ok      all", "  FAILED  all", "  FAILED  all"],
        "{ended}"
    );
}

#[test]
fn a_manifest_says_how_strict_tests_are() {
    let cli = desk();
    cli.write("made/fixtures/all/before.ndjson", plain("a").1);
    cli.prepare(&["godwit test made --update"]);
    let name = "a second pass changes nothing";
    let ended = cli.run("godwit test made --json");
    assert_eq!(
        (ended.code, &case(&ended, name)["verdict"]),
        (Some(0), &json!("warn"))
    );
    for (strictness, code, verdict) in [("error", 4, "failed"), ("off", 0, "skip")] {
        let test = format!("mutations = 7\nseed = 3\nidempotent = \"{strictness}\"");
        cli.write(
            "made/migration.toml",
            MANIFEST.replace("mutations = 0", &test),
        );
        let ended = cli.run("godwit test made --json");
        assert_eq!(ended.code, Some(code), "{ended}");
        assert_eq!(case(&ended, name)["verdict"], verdict);
        case(
            &ended,
            "7 items bent out of shape make it fault nowhere (seed 3)",
        );
    }
}

#[test]
fn what_is_no_project_says_what_to_do() {
    let cli = desk();
    let manifests = [
        (
            "name = \"../made\"\nlanguage = \"other\"",
            "`../made` cannot be",
        ),
        (
            "name = \"made\"\nlanguage = \"cobol\"",
            "unknown variant `cobol`",
        ),
        ("name = \"made\"\nlanguage = \"other\"", "nobody knows how"),
        ("language = \"other\"", "missing field `name`"),
        (
            "name = \"made\"\nlanguage = \"other\"\ncolour = 1",
            "unknown field `colour`",
        ),
        (
            "name = \"made\"\nlanguage = \"other\"\n[build]\ncommand = [\"true\"]",
            "`artifact` the file that it leaves",
        ),
        (
            "name = \"made\"\nlanguage = \"other\"\n[build]\ncommand = [\"true\"]\nartifact = \"none\"",
            "the build left no made/none",
        ),
        (
            "name = \"made\"\nlanguage = \"other\"\n[build]\ncommand = [\"no-such-program\"]\nartifact = \"a\"",
            "`no-such-program` cannot be started",
        ),
        (
            "name = \"made\"\nlanguage = \"other\"\n[build]\ncommand = [\"cat\", \"none\"]\nartifact = \"a\"",
            "none: No such file or directory",
        ),
        (
            "name = \"made\"\nlanguage = \"other\"\n[build]\ncommand = [\"true\"]\nartifact = \"migration.toml\"",
            "it is not WebAssembly",
        ),
    ];
    for (manifest, part) in manifests {
        cli.write("made/migration.toml", manifest);
        for verb in ["build", "test"] {
            let ended = cli.run(&format!("godwit {verb} made"));
            assert!(matches!(ended.code, Some(2 | 4)), "{ended}");
            assert!(ended.err.contains(part), "`{part}` is not in {ended}");
            assert!(ended.err.contains("hint: "), "{ended}");
        }
    }
    let ended = cli.run("godwit test nowhere --watch");
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("`godwit new` makes one"), "{ended}");
}

#[test]
fn a_project_that_tries_nothing_is_not_taken_for_tested() {
    let cli = desk();
    let ended = cli.run("godwit test made");
    assert_eq!(ended.code, Some(4), "{ended}");
    let told = "FAILED  something is tried\n          there are none: make a folder in fixtures/";
    assert!(ended.out.contains(told), "{ended}");
}

#[test]
fn a_project_without_its_sdk_says_so() {
    let cli = Cli::new();
    for language in ["c", "cpp", "zig", "javascript", "typescript", "python"] {
        let manifest = format!("name = \"a-2-0-0\"\nlanguage = \"{language}\"\n");
        cli.write("a/migration.toml", manifest);
        let ended = cli.run("godwit build a");
        assert_eq!(ended.code, Some(2), "{ended}");
        let told = [
            "the SDK is missing: a/sdk is no folder".to_owned(),
            format!("`godwit new NAME --lang {language}` writes"),
        ];
        for told in told {
            assert!(ended.err.contains(&told), "{ended}");
        }
    }
}

#[test]
fn scripts_of_q_are_copied_with_all_that_lies_beside_them() {
    let cli = Cli::new();
    let script = "module.exports.migrate = (item) => ({ isChanged: false, item });\n";
    cli.write("scripts/to-v1.1.0.js", script)
        .write("scripts/to-2.0.0.js", script)
        .write("scripts/.DS_Store", [0_u8, 255, 1])
        .write("scripts/data/table.bin", [254_u8, 255]);
    let ended = cli.run("godwit new tool --from-q scripts");
    assert_eq!(ended.code, Some(0), "{ended}");
    let told =
        "warning: scripts/to-2.0.0.js is taken for no migration: its name is not to-vX.Y.Z.js";
    assert!(ended.err.contains(told), "{ended}");
    let copied = cli.path("tool/tool-1-1-0/migration-scripts/data/table.bin");
    assert_eq!(std::fs::read(copied).unwrap(), [254, 255]);
}

//! Findings: each with the file, the kind and the way out, and exit code 3.

use super::{GOOD, with_items};

const INDEX: &str = r#"{"app": "append", "version": "2.5.0", "operations": [
    {"ensure_index": {"collection": "items", "pointer": "/n"}}]}"#;

#[test]
fn two_files_for_a_version() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let bytes = std::fs::read(cli.path("plugins/append-2-0-0.wasm")).expect("it is there");
    cli.write("plugins/copy.wasm", bytes);
    insta::assert_snapshot!(cli.session(&["godwit plan", "godwit up", "godwit up --accept duplicate"]), @"");
}

#[test]
fn a_file_that_differs_from_the_one_applied() {
    let cli = with_items(GOOD, &[]);
    cli.write("plugins/index.json", INDEX)
        .prepare(&["godwit up --quiet"]);
    cli.write("plugins/index.json", format!("{INDEX} "));
    insta::assert_snapshot!(cli.session(&[
        "godwit plan",
        "godwit up",
        "godwit up --json",
        "godwit up --accept digest-drift",
    ]), @"");
}

#[test]
fn a_migration_that_arrived_late() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    cli.prepare(&["godwit up --quiet"])
        .write("plugins/late.json", INDEX);
    insta::assert_snapshot!(cli.session(&[
        "godwit plan",
        "godwit up",
        "godwit up --accept late-arrival",
        "godwit runs",
    ]), @"");
}

#[test]
fn a_file_that_is_missing() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    cli.prepare(&["godwit up --quiet"])
        .guests("three", &["append-3-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit plan --plugins three",
        "godwit up --plugins three",
        "godwit up --plugins three --accept gap",
    ]), @"");
}

#[test]
fn a_version_in_between_that_is_missing() {
    let cli = with_items(GOOD, &["append-3-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit plan", "godwit up"]), @"");
}

#[test]
fn a_store_that_newer_migrations_wrote() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    cli.prepare(&["godwit up --quiet"])
        .guests("two", &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit plan --plugins two",
        "godwit up --plugins two",
        "godwit up --plugins two --json",
    ]), @"");
}

#[test]
fn files_that_are_no_migrations() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.write("plugins/text.wasm", "not wasm")
        .write("plugins/core.wasm", b"\0asm\x01\0\0\0")
        .write("plugins/bad.json", r#"{"app": "a", "operations": 7}"#)
        .write("plugins/README.md", "is not looked at");
    insta::assert_snapshot!(cli.session(&[
        "godwit plan",
        "godwit up --dry-run",
        "godwit up --accept invalid-file",
    ]), @"");
}

#[test]
fn goals_that_cannot_be_reached() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit plan --to 9.9.9",
        "godwit plan --app other",
        "godwit up --app other --json",
        "godwit plan --accept target",
    ]), @"");
}

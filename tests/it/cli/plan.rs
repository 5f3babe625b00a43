//! `godwit plan`

use super::{GOOD, on_each_kind, with_items};

#[test]
fn a_plan_names_steps_files_and_items() {
    let seen = on_each_kind(
        GOOD,
        &["append-2-0-0", "append-3-0-0"],
        &[
            "godwit plan",
            "godwit plan --to 2.0.0",
            "godwit plan --app append --phase online",
        ],
    );
    insta::assert_snapshot!(seen, @"");
}

#[test]
fn a_plan_as_json() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit plan --json"]), @"");
}

#[test]
fn schema_files_are_planned_beside_components() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.write(
        "plugins/index.json",
        r#"{"app": "append", "version": "1.1.0", "operations": [
        {"ensure_index": {"collection": "items", "pointer": "/n"}}]}"#,
    );
    insta::assert_snapshot!(cli.session(&["godwit plan", "godwit up", "godwit get items --where /n=1"]), @"");
}

#[test]
fn a_folder_without_migrations_is_warned_of() {
    let cli = with_items(GOOD, &[]);
    cli.write("file", "");
    insta::assert_snapshot!(cli.session(&[
        "godwit plan",
        "godwit plan --plugins missing",
        "godwit plan --plugins file",
        "godwit plan --plugins missing --json",
    ]), @"");
}

#[test]
fn phases_are_planned_apart() {
    let cli = super::Cli::on("lmdb", &["todos-2-0-0"]);
    cli.write(
        "todos.ndjson",
        "{\"_id\":\"t1\",\"title\":\"fly\",\"done\":false,\"tags\":[\"a\"]}\n",
    );
    cli.prepare(&["godwit import --app todos --collection todos --version 1.0.0 todos.ndjson"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit plan",
        "godwit plan --phase online",
        "godwit up --phase offline",
        "godwit status",
        "godwit plan",
    ]), @"");
}

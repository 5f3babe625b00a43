//! `godwit plan`

use super::{GOOD, KINDS, of_kind, with_items};

#[test]
fn a_plan_names_steps_files_and_items() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = of_kind(kind, GOOD, &["append-2-0-0", "append-3-0-0"]);
            let seen = cli.session(&[
                "godwit plan",
                "godwit plan --to 2.0.0",
                "godwit plan --app append --phase online",
            ]).replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @r#"
$ godwit plan
append 1.0.0 -> 2.0.0 (offline) by append-2-0-0.wasm
  append (offline) rewrites items, writes tallies: 4 items
append 2.0.0 -> 3.0.0 (offline) by append-3-0-0.wasm
  append (offline) rewrites items, writes tallies: 4 items
$ godwit plan --to 2.0.0
append 1.0.0 -> 2.0.0 (offline) by append-2-0-0.wasm
  append (offline) rewrites items, writes tallies: 4 items
$ godwit plan --app append --phase online
nothing to do: no online stage is pending
"#);
        }
    }
}

#[test]
fn a_plan_as_json() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit plan --json"]), @r#"
$ godwit plan --json
{
  "plan": {
    "stages": [
      {
        "app": "append",
        "version": "2.0.0",
        "from": "1.0.0",
        "phase": "offline",
        "digest": "[digest]",
        "file": "append-2-0-0.wasm",
        "first_step": 0,
        "steps": [
          {
            "name": "append",
            "phase": "offline",
            "transform": {
              "mode": "rewrite",
              "collection": "items",
              "reads": [],
              "writes": [
                "tallies"
              ]
            }
          }
        ],
        "source": "collection"
      }
    ]
  },
  "resumes": null,
  "findings": []
}
"#);
}

#[test]
fn schema_files_are_planned_beside_components() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.write(
        "plugins/index.json",
        r#"{"app": "append", "version": "1.1.0", "operations": [
        {"ensure_index": {"collection": "items", "pointer": "/n"}}]}"#,
    );
    insta::assert_snapshot!(cli.session(&["godwit plan", "godwit up", "godwit get items --where /n=1"]), @r#"
$ godwit plan
append 1.0.0 -> 1.1.0 (offline) by index.json
  ensure-index-1 (offline) indexes items by `/n`: 4 items
append 1.1.0 -> 2.0.0 (offline) by append-2-0-0.wasm
  append (offline) rewrites items, writes tallies: 4 items
$ godwit up
2> run 1
2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
2> applied append 1.1.0 (offline)
2> append 2.0.0 append on items (4 items)
2> append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere in [time]
2> applied append 2.0.0 (offline)
2> hint: `godwit undo 1` would put everything back
run 1: append 1.0.0 -> 2.0.0, completed
  append 1.1.0 ensure-index-1 on items: 0 read, 1 written elsewhere
  append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
$ godwit get items --where /n=1
{"_id":"a","n":1,"trail":["2.0.0"]}
"#);
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
    ]), @r#"
$ godwit plan
2> warning: there are no migrations in plugins
nothing to do: everything is up to date
$ godwit plan --plugins missing
2> error: the plugin folder missing cannot be read: No such file or directory (os error 2)
2> hint: check the path given by --plugins
[exit 2]
$ godwit plan --plugins file
2> error: the plugin folder file cannot be read: Not a directory (os error 20)
2> hint: check the path given by --plugins
[exit 2]
$ godwit plan --plugins missing --json
2> error: the plugin folder missing cannot be read: No such file or directory (os error 2)
2> hint: check the path given by --plugins
{
  "error": "the plugin folder missing cannot be read: No such file or directory (os error 2)",
  "hint": "check the path given by --plugins"
}
[exit 2]
"#);
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
        "godwit up --phase online",
        "godwit up --phase online --dry-run --json",
        "godwit up --phase offline",
        "godwit status",
        "godwit plan",
        "godwit up --phase offline",
    ]), @r#"
    $ godwit plan
    todos 1.0.0 -> 2.0.0 (offline) by todos-2-0-0.wasm
      shape (offline) rewrites todos: 1 item
    todos 1.0.0 -> 2.0.0 (online) by todos-2-0-0.wasm
      search (online) derives from todos, writes todo-search: 1 item
    $ godwit plan --phase online
    2> warning: todos 2.0.0 (plugins/todos-2-0-0.wasm): its online stage comes after the offline stage of 2.0.0 [phase-order]
    2> hint: first `godwit up --phase offline`
    2> error: nothing was planned: what is pending waits for the other phase
    [exit 3]
    $ godwit up --phase online
    2> warning: todos 2.0.0 (plugins/todos-2-0-0.wasm): its online stage comes after the offline stage of 2.0.0 [phase-order]
    2> hint: first `godwit up --phase offline`
    2> error: nothing was planned: what is pending waits for the other phase
    [exit 3]
    $ godwit up --phase online --dry-run --json
    2> warning: todos 2.0.0 (plugins/todos-2-0-0.wasm): its online stage comes after the offline stage of 2.0.0 [phase-order]
    2> hint: first `godwit up --phase offline`
    2> error: nothing was planned: what is pending waits for the other phase
    {
      "error": "nothing was planned",
      "findings": [
        {
          "kind": "phase-order",
          "asked": "online",
          "pending": "2.0.0",
          "behind": false,
          "severity": "warned",
          "app": "todos",
          "version": "2.0.0",
          "file": "plugins/todos-2-0-0.wasm",
          "message": "todos 2.0.0 (plugins/todos-2-0-0.wasm): its online stage comes after the offline stage of 2.0.0",
          "way_out": "first `godwit up --phase offline`"
        }
      ]
    }
    [exit 3]
    $ godwit up --phase offline
    2> run 1
    2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
    2> todos 2.0.0 shape on todos (1 item)
    2> todos 2.0.0 shape on todos: 1 read, 1 unchanged in [time]
    2> applied todos 2.0.0 (offline)
    2> hint: `godwit undo 1` would put everything back
    run 1: todos 1.0.0 -> 2.0.0, completed
      todos 2.0.0 shape on todos: 1 read, 1 unchanged
    $ godwit status
    lmdb:store, [size]
    todos is at 2.0.0, which may serve
    collection  app    version  items  quarantine  accepted  behind
    todos       todos  2.0.0        1           0         0       0
    $ godwit plan
    todos 1.0.0 -> 2.0.0 (online) by todos-2-0-0.wasm
      search (online) derives from todos, writes todo-search: 1 item
    $ godwit up --phase offline
    nothing to do: no offline stage is pending
    "#);
}

#[test]
fn a_version_below_is_reached_by_going_down() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    cli.prepare(&["godwit up --quiet"]);
    insta::assert_snapshot!(cli.session(&["godwit plan --to 2.0.0"]), @"
    $ godwit plan --to 2.0.0
    2> error: append 2.0.0: lies below the present version 3.0.0 [target]
    2> hint: use `godwit down --app append --to 2.0.0`, which goes back by the migrations' own `revert` and keeps what was changed since; or use undo, which goes back run by run: `godwit undo 1`
    2> error: nothing was planned: 1 finding to decide first
    [exit 3]
    ");
}

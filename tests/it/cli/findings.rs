//! Findings: each with the file, the kind and the way out, and exit code 3.

use super::{GOOD, with_items};

const INDEX: &str = r#"{"app": "append", "version": "2.5.0", "operations": [
    {"ensure_index": {"collection": "items", "pointer": "/n"}}]}"#;

#[test]
fn two_files_for_a_version() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let bytes = std::fs::read(cli.path("plugins/append-2-0-0.wasm")).expect("it is there");
    cli.write("plugins/copy.wasm", bytes);
    insta::assert_snapshot!(cli.session(&["godwit plan", "godwit up", "godwit up --accept duplicate"]), @r#"
$ godwit plan
2> error: append 2.0.0 (plugins/append-2-0-0.wasm): plugins/copy.wasm is for the same version [duplicate]
2> hint: remove plugins/append-2-0-0.wasm or plugins/copy.wasm from the catalogue
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up
2> error: append 2.0.0 (plugins/append-2-0-0.wasm): plugins/copy.wasm is for the same version [duplicate]
2> hint: remove plugins/append-2-0-0.wasm or plugins/copy.wasm from the catalogue
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up --accept duplicate
2> error: duplicate is always refused; a policy can choose invalid-file, gap, digest-drift, late-arrival, requires, dependency, phase-order, grant
2> hint: --accept takes a finding's kind, as in digest-drift
[exit 2]
"#);
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
    ]), @r#"
$ godwit plan
2> error: append 2.5.0 (plugins/index.json): the file has digest [digest], it was applied with [digest] [digest-drift]
2> hint: put the plugins/index.json back that was applied, or give the new one a version of its own; or let it be: repeat the command with `--accept digest-drift`; or take it for the applied one from now on: `godwit repair append 2.5.0 --reason TEXT`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up
2> error: append 2.5.0 (plugins/index.json): the file has digest [digest], it was applied with [digest] [digest-drift]
2> hint: put the plugins/index.json back that was applied, or give the new one a version of its own; or let it be: repeat the command with `--accept digest-drift`; or take it for the applied one from now on: `godwit repair append 2.5.0 --reason TEXT`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up --json
2> error: append 2.5.0 (plugins/index.json): the file has digest [digest], it was applied with [digest] [digest-drift]
2> hint: put the plugins/index.json back that was applied, or give the new one a version of its own; or let it be: repeat the command with `--accept digest-drift`; or take it for the applied one from now on: `godwit repair append 2.5.0 --reason TEXT`
2> error: nothing was planned: 1 finding to decide first
{
  "error": "nothing was planned",
  "findings": [
    {
      "kind": "digest-drift",
      "known": "[digest]",
      "found": "[digest]",
      "drift": "applied",
      "severity": "refused",
      "app": "append",
      "version": "2.5.0",
      "file": "plugins/index.json",
      "message": "append 2.5.0 (plugins/index.json): the file has digest [digest], it was applied with [digest]",
      "way_out": "put the plugins/index.json back that was applied, or give the new one a version of its own; or let it be: repeat the command with `--accept digest-drift`; or take it for the applied one from now on: `godwit repair append 2.5.0 --reason TEXT`"
    }
  ]
}
[exit 3]
$ godwit up --accept digest-drift
2> accepted: append 2.5.0 (plugins/index.json): the file has digest [digest], it was applied with [digest] [digest-drift]
nothing to do: everything is up to date
"#);
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
    ]), @r#"
$ godwit plan
2> error: append 2.5.0 (plugins/late.json): is not applied, the newer 3.0.0 is [late-arrival]
2> hint: give plugins/late.json a version above 3.0.0, or apply it now: repeat the command with `--accept late-arrival`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up
2> error: append 2.5.0 (plugins/late.json): is not applied, the newer 3.0.0 is [late-arrival]
2> hint: give plugins/late.json a version above 3.0.0, or apply it now: repeat the command with `--accept late-arrival`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up --accept late-arrival
2> accepted: append 2.5.0 (plugins/late.json): is not applied, the newer 3.0.0 is [late-arrival]
2> run 2
2> no backup: run 2 keeps pre-images, `godwit undo 2` puts everything back
2> applied append 2.5.0 (offline)
2> hint: `godwit undo 2` would put everything back
run 2: append 2.5.0, completed
  append 2.5.0 ensure-index-1 on items: 0 read, 1 written elsewhere
$ godwit runs
run  started               what  state      versions               can be undone
  1  [moment]  up    completed  append 1.0.0 -> 3.0.0  not before run 2
  2  [moment]  up    completed  append 2.5.0           yes
"#);
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
    ]), @r#"
$ godwit plan --plugins three
2> error: append 2.0.0 (append-2-0-0.wasm): its file is missing from the catalogue, and it was applied [gap]
2> hint: put append-2-0-0.wasm back into the catalogue, or go on without: repeat the command with `--accept gap`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up --plugins three
2> error: append 2.0.0 (append-2-0-0.wasm): its file is missing from the catalogue, and it was applied [gap]
2> hint: put append-2-0-0.wasm back into the catalogue, or go on without: repeat the command with `--accept gap`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up --plugins three --accept gap
2> accepted: append 2.0.0 (append-2-0-0.wasm): its file is missing from the catalogue, and it was applied [gap]
nothing to do: everything is up to date
"#);
}

#[test]
fn a_version_in_between_that_is_missing() {
    let cli = with_items(GOOD, &["append-3-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit plan", "godwit up"]), @r#"
$ godwit plan
2> error: append 3.0.0 (plugins/append-3-0-0.wasm): starts from >=2, <3 only, and the app would be at 1.0.0 [requires]
2> hint: add the migrations in between to the catalogue, or go on: repeat the command with `--accept requires`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up
2> error: append 3.0.0 (plugins/append-3-0-0.wasm): starts from >=2, <3 only, and the app would be at 1.0.0 [requires]
2> hint: add the migrations in between to the catalogue, or go on: repeat the command with `--accept requires`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
"#);
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
    ]), @r#"
$ godwit plan --plugins two
2> error: append 3.0.0: the store has it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm) [newer-store]
2> hint: use a catalogue that goes up to append 3.0.0
2> error: append 3.0.0: the collection items has items of it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm) [newer-store]
2> hint: use a catalogue that goes up to append 3.0.0
2> error: append 3.0.0: the collection tallies has items of it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm) [newer-store]
2> hint: use a catalogue that goes up to append 3.0.0
2> error: nothing was planned: 3 findings to decide first
[exit 3]
$ godwit up --plugins two
2> error: append 3.0.0: the store has it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm) [newer-store]
2> hint: use a catalogue that goes up to append 3.0.0
2> error: append 3.0.0: the collection items has items of it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm) [newer-store]
2> hint: use a catalogue that goes up to append 3.0.0
2> error: append 3.0.0: the collection tallies has items of it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm) [newer-store]
2> hint: use a catalogue that goes up to append 3.0.0
2> error: nothing was planned: 3 findings to decide first
[exit 3]
$ godwit up --plugins two --json
2> error: append 3.0.0: the store has it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm) [newer-store]
2> hint: use a catalogue that goes up to append 3.0.0
2> error: append 3.0.0: the collection items has items of it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm) [newer-store]
2> hint: use a catalogue that goes up to append 3.0.0
2> error: append 3.0.0: the collection tallies has items of it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm) [newer-store]
2> hint: use a catalogue that goes up to append 3.0.0
2> error: nothing was planned: 3 findings to decide first
{
  "error": "nothing was planned",
  "findings": [
    {
      "kind": "newer-store",
      "newest": "2.0.0",
      "newest_file": "two/append-2-0-0.wasm",
      "collection": null,
      "severity": "refused",
      "app": "append",
      "version": "3.0.0",
      "file": null,
      "message": "append 3.0.0: the store has it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm)",
      "way_out": "use a catalogue that goes up to append 3.0.0"
    },
    {
      "kind": "newer-store",
      "newest": "2.0.0",
      "newest_file": "two/append-2-0-0.wasm",
      "collection": "items",
      "severity": "refused",
      "app": "append",
      "version": "3.0.0",
      "file": null,
      "message": "append 3.0.0: the collection items has items of it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm)",
      "way_out": "use a catalogue that goes up to append 3.0.0"
    },
    {
      "kind": "newer-store",
      "newest": "2.0.0",
      "newest_file": "two/append-2-0-0.wasm",
      "collection": "tallies",
      "severity": "refused",
      "app": "append",
      "version": "3.0.0",
      "file": null,
      "message": "append 3.0.0: the collection tallies has items of it, the catalogue's newest is 2.0.0 (two/append-2-0-0.wasm)",
      "way_out": "use a catalogue that goes up to append 3.0.0"
    }
  ]
}
[exit 3]
"#);
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
    ]), @r#"
$ godwit plan
2> error: plugins/bad.json: it is no valid migration: plugins/bad.json is not a schema file: invalid type: integer `7`, expected a sequence at line 1 column 28 [invalid-file]
2> hint: mend the file or take it out of the folder, or go on without it: repeat the command with `--accept invalid-file`
2> error: plugins/core.wasm: it is no valid migration: it is a core module without a component type; build it with a wit-bindgen SDK [invalid-file]
2> hint: mend the file or take it out of the folder, or go on without it: repeat the command with `--accept invalid-file`
2> error: plugins/text.wasm: it is no valid migration: it is not WebAssembly [invalid-file]
2> hint: mend the file or take it out of the folder, or go on without it: repeat the command with `--accept invalid-file`
2> error: nothing was planned: 3 findings to decide first
[exit 3]
$ godwit up --dry-run
2> error: plugins/bad.json: it is no valid migration: plugins/bad.json is not a schema file: invalid type: integer `7`, expected a sequence at line 1 column 28 [invalid-file]
2> hint: mend the file or take it out of the folder, or go on without it: repeat the command with `--accept invalid-file`
2> error: plugins/core.wasm: it is no valid migration: it is a core module without a component type; build it with a wit-bindgen SDK [invalid-file]
2> hint: mend the file or take it out of the folder, or go on without it: repeat the command with `--accept invalid-file`
2> error: plugins/text.wasm: it is no valid migration: it is not WebAssembly [invalid-file]
2> hint: mend the file or take it out of the folder, or go on without it: repeat the command with `--accept invalid-file`
2> error: nothing was planned: 3 findings to decide first
[exit 3]
$ godwit up --accept invalid-file
2> accepted: plugins/bad.json: it is no valid migration: plugins/bad.json is not a schema file: invalid type: integer `7`, expected a sequence at line 1 column 28 [invalid-file]
2> accepted: plugins/core.wasm: it is no valid migration: it is a core module without a component type; build it with a wit-bindgen SDK [invalid-file]
2> accepted: plugins/text.wasm: it is no valid migration: it is not WebAssembly [invalid-file]
2> run 1
2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
2> append 2.0.0 append on items (4 items)
2> append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere in [time]
2> applied append 2.0.0 (offline)
2> hint: `godwit undo 1` would put everything back
run 1: append 1.0.0 -> 2.0.0, completed
  append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
"#);
}

#[test]
fn goals_that_cannot_be_reached() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit plan --to 9.9.9",
        "godwit plan --app other",
        "godwit up --app other --json",
        "godwit plan --accept target",
    ]), @r#"
$ godwit plan --to 9.9.9
2> error: append 9.9.9: is not in the catalogue [target]
2> hint: choose one of 2.0.0
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit plan --app other
2> error: other: is not in the catalogue, which has append [app-unknown]
2> hint: check the app's name and the catalogue's folder
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up --app other --json
2> error: other: is not in the catalogue, which has append [app-unknown]
2> hint: check the app's name and the catalogue's folder
2> error: nothing was planned: 1 finding to decide first
{
  "error": "nothing was planned",
  "findings": [
    {
      "kind": "app-unknown",
      "known": [
        "append"
      ],
      "severity": "refused",
      "app": "other",
      "version": null,
      "file": null,
      "message": "other: is not in the catalogue, which has append",
      "way_out": "check the app's name and the catalogue's folder"
    }
  ]
}
[exit 3]
$ godwit plan --accept target
2> error: target is always refused; a policy can choose invalid-file, gap, digest-drift, late-arrival, requires, dependency, phase-order, grant
2> hint: --accept takes a finding's kind, as in digest-drift
[exit 2]
"#);
}

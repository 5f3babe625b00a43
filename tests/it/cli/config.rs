//! `godwit.toml`, variables and flags.

use godwit_tests::cli::Cli;

/// Which store is used when several are named: they differ by what they say of being missing.
#[test]
fn flags_override_variables_which_override_the_file() {
    let cli = Cli::new();
    cli.write(
        "godwit.toml",
        "store = \"of-the-file\"\nplugins = \"of-the-file\"\n",
    );
    cli.write("other/godwit.toml", "store = \"lmdb:beside\"\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit status",
        "GODWIT_STORE=of-the-variable godwit status",
        "GODWIT_STORE=of-the-variable godwit status --store of-the-flag",
        "GODWIT_STORE= godwit status",
        "godwit --config other/godwit.toml status",
        "GODWIT_CONFIG=other/godwit.toml godwit status",
    ]), @r#"
$ godwit status
2> error: there is no store at of-the-file
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
$ GODWIT_STORE=of-the-variable godwit status
2> error: there is no store at of-the-variable
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
$ GODWIT_STORE=of-the-variable godwit status --store of-the-flag
2> error: there is no store at of-the-flag
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
$ GODWIT_STORE= godwit status
2> error: there is no store at of-the-file
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
$ godwit --config other/godwit.toml status
2> error: there is no store at other/beside
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
$ GODWIT_CONFIG=other/godwit.toml godwit status
2> error: there is no store at other/beside
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
"#);
    cli.write("items.ndjson", super::GOOD)
        .prepare(&[super::IMPORT]);
    insta::assert_snapshot!(cli.session(&[
        "godwit plan",
        "GODWIT_PLUGINS=of-the-variable godwit plan",
        "GODWIT_PLUGINS=of-the-variable godwit plan --plugins of-the-flag",
    ]), @r#"
$ godwit plan
2> warning: there are no migrations in of-the-file
nothing to do: everything is up to date
$ GODWIT_PLUGINS=of-the-variable godwit plan
2> error: the plugin folder of-the-variable cannot be read: No such file or directory (os error 2)
2> hint: check the path given by --plugins
[exit 2]
$ GODWIT_PLUGINS=of-the-variable godwit plan --plugins of-the-flag
2> error: the plugin folder of-the-flag cannot be read: No such file or directory (os error 2)
2> hint: check the path given by --plugins
[exit 2]
"#);
}

#[test]
fn nothing_named_says_how_to_name_it() {
    let cli = Cli::new();
    insta::assert_snapshot!(cli.session(&[
        "godwit status",
        "godwit plan --store memory:",
        "godwit inspect",
    ]), @r#"
$ godwit status
2> error: no store was named
2> hint: use --store URL, GODWIT_STORE, or `store` in godwit.toml
[exit 2]
$ godwit plan --store memory:
2> error: no plugin folder was named
2> hint: use --plugins FOLDER, GODWIT_PLUGINS, or `plugins` in godwit.toml
[exit 2]
$ godwit inspect
2> error: the following required arguments were not provided:
2>   <PLUGIN>
2> 
2> Usage: godwit inspect <PLUGIN>
2> 
2> For more information, try '--help'.
[exit 2]
"#);
}

#[test]
fn a_bad_configuration_is_named_with_its_line() {
    let cli = Cli::new();
    for (name, text) in [
        ("key", "stor = \"x\"\n"),
        ("syntax", "store = \n"),
        ("type", "store = 7\n"),
        ("kind", "[policy]\nhole = \"warn\"\n"),
        ("fixed", "[policy]\ntarget = \"accept\"\n"),
        ("choice", "[policy]\ngap = \"maybe\"\n"),
    ] {
        cli.write(&format!("{name}.toml"), text);
    }
    cli.write("folder/file", "");
    insta::assert_snapshot!(cli.session(&[
        "godwit --config key.toml status",
        "godwit --config key.toml status --json",
        "godwit --config syntax.toml status",
        "godwit --config type.toml status",
        "godwit --config kind.toml status",
        "godwit --config fixed.toml status",
        "godwit --config choice.toml status",
        "godwit --config missing.toml status",
        "godwit --config folder status",
    ]), @r#"
    $ godwit --config key.toml status
    2> error: key.toml is not valid: TOML parse error at line 1, column 1
    2>   |
    2> 1 | stor = "x"
    2>   | ^^^^
    2> unknown field `stor`, expected one of `store`, `plugins`, `compression`, `policy`, `run`, `limits`, `grants`, `hooks`, `backups`, `schemas`, `tables`, `cache`
    2> hint: README.md shows what it may say
    [exit 2]
    $ godwit --config key.toml status --json
    2> error: key.toml is not valid: TOML parse error at line 1, column 1
    2>   |
    2> 1 | stor = "x"
    2>   | ^^^^
    2> unknown field `stor`, expected one of `store`, `plugins`, `compression`, `policy`, `run`, `limits`, `grants`, `hooks`, `backups`, `schemas`, `tables`, `cache`
    2> hint: README.md shows what it may say
    {
      "error": "key.toml is not valid: TOML parse error at line 1, column 1\n  |\n1 | stor = \"x\"\n  | ^^^^\nunknown field `stor`, expected one of `store`, `plugins`, `compression`, `policy`, `run`, `limits`, `grants`, `hooks`, `backups`, `schemas`, `tables`, `cache`",
      "hint": "README.md shows what it may say"
    }
    [exit 2]
    $ godwit --config syntax.toml status
    2> error: syntax.toml is not valid: TOML parse error at line 1, column 9
    2>   |
    2> 1 | store = 
    2>   |         ^
    2> string values must be quoted, expected literal string
    2> hint: README.md shows what it may say
    [exit 2]
    $ godwit --config type.toml status
    2> error: type.toml is not valid: TOML parse error at line 1, column 9
    2>   |
    2> 1 | store = 7
    2>   |         ^
    2> invalid type: integer `7`, expected a string
    2> hint: README.md shows what it may say
    [exit 2]
    $ godwit --config kind.toml status
    2> error: kind.toml is not valid: TOML parse error at line 2, column 1
    2>   |
    2> 2 | hole = "warn"
    2>   | ^^^^
    2> `hole` is no kind of finding that a policy can choose: invalid-file, gap, digest-drift, late-arrival, requires, dependency, phase-order, grant
    2> hint: README.md shows what it may say
    [exit 2]
    $ godwit --config fixed.toml status
    2> error: fixed.toml is not valid: TOML parse error at line 1, column 1
    2>   |
    2> 1 | [policy]
    2>   | ^^^^^^^^
    2> target is always refused; a policy can choose invalid-file, gap, digest-drift, late-arrival, requires, dependency, phase-order, grant
    2> hint: README.md shows what it may say
    [exit 2]
    $ godwit --config choice.toml status
    2> error: choice.toml is not valid: TOML parse error at line 2, column 7
    2>   |
    2> 2 | gap = "maybe"
    2>   |       ^^^^^^^
    2> unknown variant `maybe`, expected one of `refuse`, `warn`, `accept`
    2> hint: README.md shows what it may say
    [exit 2]
    $ godwit --config missing.toml status
    2> error: the configuration missing.toml cannot be read: No such file or directory (os error 2)
    2> hint: check the path given by --config
    [exit 2]
    $ godwit --config folder status
    2> error: the configuration folder cannot be read: Is a directory (os error 21)
    2> hint: check the path given by --config
    [exit 2]
    "#);
}

#[test]
fn how_runs_are_carried_out_is_checked_before_one_is() {
    let cli = super::with_items(super::MIXED, &["append-2-0-0"]);
    let base = "store = \"lmdb:store\"\nplugins = \"plugins\"\n[run]\n";
    for (name, line) in [
        ("threads", "threads = 0"),
        ("many", "threads = 1000"),
        ("bytes", "batch-bytes = 99999999"),
        ("target", "batch-target = \"250\""),
        ("failures", "max-failures = \"lots\""),
        ("failure", "on-failure = \"ignore\""),
        ("stop", "on-failure = \"stop\""),
        ("breaker", "max-failures = \"0\""),
    ] {
        cli.write(&format!("{name}.toml"), format!("{base}{line}\n"));
    }
    insta::assert_snapshot!(cli.session(&[
        "godwit --config threads.toml up",
        "godwit --config many.toml up",
        "godwit --config bytes.toml up",
        "godwit --config target.toml up",
        "godwit --config failures.toml up",
        "godwit --config failure.toml up",
        "godwit --config stop.toml up",
        "godwit --config breaker.toml up",
        "godwit --config stop.toml up --on-failure quarantine",
    ]), @r#"
$ godwit --config threads.toml up
2> error: threads is 1 at least
2> hint: see [run] in godwit.toml
[exit 2]
$ godwit --config many.toml up
2> error: threads is 512 at most
2> hint: see [run] in godwit.toml
[exit 2]
$ godwit --config bytes.toml up
2> error: batch-bytes is 16777216 at most
2> hint: see [run] in godwit.toml
[exit 2]
$ godwit --config target.toml up
2> error: batch-target: `250` is no time, as in 5s, 500ms or 2min
2> hint: see [run] in godwit.toml
[exit 2]
$ godwit --config failures.toml up
2> error: `lots` is neither a count, as in 100, nor a share, as in 5%
2> hint: see [run] in godwit.toml
[exit 2]
$ godwit --config failure.toml up
2> error: `ignore` is neither `quarantine` nor `stop`
2> hint: see [run] in godwit.toml
[exit 2]
$ godwit --config stop.toml up
2> run 1
2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
2> append 2.0.0 append on items (4 items)
2> error: items/b failed step append of 2.0.0: refused: this item is bad
2> hint: mend the migration or the item, then the same command goes on; `--on-failure quarantine` leaves such items aside
2> hint: `godwit undo 1` goes back
[exit 4]
$ godwit --config breaker.toml up
2> run 1 goes on
2> append 2.0.0 append on items (4 items), going on behind 1 item
2> error: 1 of 4 items failed step append of 2.0.0, more than 0; the last one, b: refused: this item is bad
2> hint: `godwit up --dry-run` names every item that would fail; mend the migration and begin again from before the run, or allow more: the same command with `--max-failures N` goes on
2> hint: `godwit undo 1` goes back
[exit 4]
$ godwit --config stop.toml up --on-failure quarantine
2> run 1 goes on
2> append 2.0.0 append on items (4 items), going on behind 1 item
2> log error: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics
2> quarantine: b: refused: this item is bad
2> quarantine: c: trapped: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed
2> append 2.0.0 append on items: 4 read, 2 updated, 2 failed in [time]
2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 1` goes back
run 1: append 1.0.0 -> 2.0.0, blocked
  append 2.0.0 append on items: 4 read, 2 updated, 2 failed
  2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
[exit 4]
"#);
}

#[test]
fn a_policy_of_the_file_decides_about_findings() {
    let cli = super::with_items(super::GOOD, &["append-2-0-0"]);
    cli.write("plugins/notes.json", "{}");
    let base = cli.read("godwit.toml");
    cli.write(
        "warn.toml",
        format!("{base}[policy]\ninvalid-file = \"warn\"\n"),
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit plan",
        "godwit --config warn.toml plan",
        "godwit --config warn.toml plan --accept invalid-file",
    ]), @r#"
$ godwit plan
2> error: plugins/notes.json: it is no valid migration: plugins/notes.json is not a schema file: missing field `app` at line 1 column 2 [invalid-file]
2> hint: mend the file or take it out of the folder, or go on without it: repeat the command with `--accept invalid-file`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit --config warn.toml plan
2> warning: plugins/notes.json: it is no valid migration: plugins/notes.json is not a schema file: missing field `app` at line 1 column 2 [invalid-file]
2> hint: mend the file or take it out of the folder, or go on without it: repeat the command with `--accept invalid-file`
append 1.0.0 -> 2.0.0 (offline) by append-2-0-0.wasm
  append (offline) rewrites items, writes tallies: 4 items
$ godwit --config warn.toml plan --accept invalid-file
2> accepted: plugins/notes.json: it is no valid migration: plugins/notes.json is not a schema file: missing field `app` at line 1 column 2 [invalid-file]
append 1.0.0 -> 2.0.0 (offline) by append-2-0-0.wasm
  append (offline) rewrites items, writes tallies: 4 items
"#);
}

#[test]
fn documents_are_compressed_where_the_configuration_says_so() {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    let body = format!("{{\"_id\":\"a\",\"text\":\"{}\"}}\n", "again ".repeat(100));
    cli.write("items.ndjson", &body);
    let plain = cli.read("godwit.toml");
    let import = "godwit import --app append --collection items --version 1.0.0 items.ndjson";
    let is_stored_plainly = || {
        let bytes = std::fs::read(cli.path("store/data.mdb")).unwrap();
        let wanted = "again ".repeat(20);
        bytes
            .windows(wanted.len())
            .any(|window| window == wanted.as_bytes())
    };
    cli.write("godwit.toml", format!("compression = \"lz4\"\n{plain}"));
    cli.prepare(&[import, "godwit up"]);
    assert!(!is_stored_plainly());
    cli.write("godwit.toml", &plain);
    let exported = cli.run("godwit export --collection items").out;
    assert!(exported.contains(&"again ".repeat(100)), "{exported}");
    cli.prepare(&["godwit undo 1"]);
    assert!(is_stored_plainly());
    assert_eq!(cli.run("godwit export --collection items").out, body);
    cli.write("godwit.toml", format!("compression = \"zip\"\n{plain}"));
    let refused = cli.run("godwit status");
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("`none` or `lz4`"), "{}", refused.err);
}

//! What the command line lets an operator decide about the sandbox: limits, grants, the cache.

use godwit_tests::cli::Cli;
use godwit_tests::made::{LAYOUTS, Order};
use serde_json::json;

use super::with_items;

const ITEMS: &str = "{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n";

/// A folder with a migration that asks to read what belongs to another app.
fn asking() -> Cli {
    let cli = with_items(ITEMS, &["append-2-0-0"]);
    let step =
        json!({"name": "look", "collection": "items", "reads": ["users"], "writes": ["notes"]});
    let order = Order::new("append", "3.0.0").step(step);
    cli.write("plugins/asking.wasm", order.file(LAYOUTS[0]));
    cli.write("users.ndjson", "{\"_id\":\"ann\"}\n");
    cli.run("godwit import --app people --collection users --version 1.0.0 users.ndjson");
    cli
}

#[test]
fn what_is_asked_for_and_not_granted_is_named_with_the_flag_that_grants_it() {
    let cli = asking();
    cli.write("strict.toml", "store = \"lmdb:store\"\nplugins = \"plugins\"\n[grants]\ndefault = \"nothing\"\npeople = [\"users\"]\n");
    cli.write("granted.toml", "store = \"lmdb:store\"\nplugins = \"plugins\"\n[grants]\ndefault = \"nothing\"\nappend = { read = [\"users\"], write = [\"notes\", \"tallies\"] }\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit plan",
        "godwit up",
        "godwit --config strict.toml plan",
        "godwit --config granted.toml plan",
        "godwit plan --grant append:users --json",
        "godwit plan --grant append",
        "godwit up --grant append:users:read",
        "godwit quarantine retry --grant append:users",
    ]), @r#"
$ godwit plan
2> error: append 3.0.0 (asking.wasm): step look asks to read users, which is not granted [grant]
2> hint: grant it, here or under [grants] in godwit.toml: `--grant append:users:read`; or run it without: repeat the command with `--accept grant`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit up
2> error: append 3.0.0 (asking.wasm): step look asks to read users, which is not granted [grant]
2> hint: grant it, here or under [grants] in godwit.toml: `--grant append:users:read`; or run it without: repeat the command with `--accept grant`
2> error: nothing was planned: 1 finding to decide first
[exit 3]
$ godwit --config strict.toml plan
2> error: append 2.0.0 (append-2-0-0.wasm): step append asks to write tallies, which is not granted [grant]
2> hint: grant it, here or under [grants] in godwit.toml: `--grant append:tallies`; or run it without: repeat the command with `--accept grant`
2> error: append 3.0.0 (asking.wasm): step look asks to read users and to write notes, which is not granted [grant]
2> hint: grant it, here or under [grants] in godwit.toml: `--grant append:users:read --grant append:notes`; or run it without: repeat the command with `--accept grant`
2> error: nothing was planned: 2 findings to decide first
[exit 3]
$ godwit --config granted.toml plan
append 1.0.0 -> 2.0.0 (offline) by append-2-0-0.wasm
  append (offline) rewrites items, writes tallies: 2 items
append 2.0.0 -> 3.0.0 (offline) by asking.wasm
  look (offline) rewrites items, reads users, writes notes: 2 items
$ godwit plan --grant append:users --json
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
      },
      {
        "app": "append",
        "version": "3.0.0",
        "from": "2.0.0",
        "phase": "offline",
        "digest": "[digest]",
        "file": "asking.wasm",
        "first_step": 0,
        "steps": [
          {
            "name": "look",
            "phase": "offline",
            "transform": {
              "mode": "rewrite",
              "collection": "items",
              "reads": [
                "users"
              ],
              "writes": [
                "notes"
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
$ godwit plan --grant append
2> error: invalid value 'append' for '--grant <APP:COLLECTION[:read]>': `append` is not of the form APP:COLLECTION or APP:COLLECTION:read
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit up --grant append:users:read
2> run 1
2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
2> append 2.0.0 append on items (2 items)
2> append 2.0.0 append on items: 2 read, 2 updated in [time]
2> applied append 2.0.0 (offline)
2> append 3.0.0 look on items (2 items)
2> append 3.0.0 look on items: 2 read, 2 updated in [time]
2> applied append 3.0.0 (offline)
2> hint: `godwit undo 1` would put everything back
run 1: append 1.0.0 -> 3.0.0, completed
  append 2.0.0 append on items: 2 read, 2 updated
  append 3.0.0 look on items: 2 read, 2 updated
$ godwit quarantine retry --grant append:users
the quarantine is empty: nothing to try again
"#);
}

#[test]
fn limits_are_named_in_the_configuration_and_shown_by_inspect() {
    let cli = with_items(ITEMS, &["append-2-0-0"]);
    cli.write(
        "limits.toml",
        "store = \"lmdb:store\"\nplugins = \"plugins\"\n[limits]\nbatch-time = \"10 s\"\nfuel = 50_000_000\n\
         [limits.plugin.\"append-2-0-0.wasm\"]\nbody-size = \"12 B\"\n",
    );
    cli.write("unknown.toml", "[limits]\nmemroy = \"1 MiB\"\n");
    cli.write("unit.toml", "[limits]\nmemory = \"1 mega\"\n");
    cli.write(
        "plugin.toml",
        "[limits.plugin.\"a.wasm\"]\nstack = \"1 MiB\"\n",
    );
    cli.write("table.toml", "[limits]\nplugin = 5\n");
    let inspected = cli.run("godwit --config limits.toml inspect plugins/append-2-0-0.wasm");
    let changed: Vec<_> = inspected
        .out
        .lines()
        .filter(|line| {
            ["batch-time", "fuel", "body-size"]
                .iter()
                .any(|name| line.contains(name))
        })
        .map(str::to_owned)
        .collect();
    assert_eq!(
        changed,
        [
            "  limit      batch-time       10.0 s",
            "  limit      fuel             50,000,000",
            "  limit      body-size        12 B",
        ]
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit --config limits.toml up --max-failures 100%",
        "godwit --config unknown.toml status",
        "godwit --config unit.toml status",
        "godwit --config plugin.toml status",
        "godwit --config table.toml status",
    ]), @r#"
$ godwit --config limits.toml up --max-failures 100%
2> run 1
2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
2> append 2.0.0 append on items (2 items)
2> quarantine: a: too much output: the new body has 29 bytes, the limit is 12
2> quarantine: b: too much output: the new body has 29 bytes, the limit is 12
2> append 2.0.0 append on items: 2 read, 2 failed in [time]
2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 1` goes back
run 1: append 1.0.0 -> 2.0.0, blocked
  append 2.0.0 append on items: 2 read, 2 failed
  2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
[exit 4]
$ godwit --config unknown.toml status
2> error: unknown.toml is not valid: there is no limit `memroy`; there are memory, memories, tables, table-elements, instances, handles, stack, component-size, compile-time, compile-memory, describe-time, batch-time, fuel, call-size, reply-size, body-size, json-depth, duplicate-names, failure-size, log-line-size, log-batch-size, log-step-size, document-calls, document-size
2> hint: `godwit inspect PLUGIN` shows every limit with its name
[exit 2]
$ godwit --config unit.toml status
2> error: unit.toml is not valid: limits.memory: "1 mega" is no size, as in "[size]", "[size]" or 4096
2> hint: `godwit inspect PLUGIN` shows every limit with its name
[exit 2]
$ godwit --config plugin.toml status
2> error: plugin.toml is not valid: of the plugin a.wasm: limits.stack holds for all plugins: set it under [limits]
2> hint: `godwit inspect PLUGIN` shows every limit with its name
[exit 2]
$ godwit --config table.toml status
2> error: table.toml is not valid: limits.plugin holds a table for each file
2> hint: `godwit inspect PLUGIN` shows every limit with its name
[exit 2]
"#);
}

#[test]
fn compiled_components_are_kept_where_the_operator_says() {
    let cli = with_items(ITEMS, &["append-2-0-0"]);
    cli.write("cache.toml", "cache = \"kept\"\n");
    cli.write("none.toml", "cache = \"none\"\n");
    let seen = cli.session(&[
        "GODWIT_CACHE=here godwit cache show",
        "GODWIT_CACHE=here godwit plan",
        "GODWIT_CACHE=here godwit cache show --json",
        "GODWIT_CACHE=here godwit cache clear",
        "GODWIT_CACHE=here godwit cache show",
        "GODWIT_CACHE= godwit --config cache.toml cache show",
        "GODWIT_CACHE= godwit --config none.toml cache show",
        "GODWIT_CACHE= godwit cache clear",
        "GODWIT_CACHE=none godwit plan",
        "GODWIT_CACHE=items.ndjson godwit cache show",
        "GODWIT_CACHE=items.ndjson godwit plan",
    ]);
    insta::assert_snapshot!(seen, @r#"
$ GODWIT_CACHE=here godwit cache show
here: 0 components, [size]
$ GODWIT_CACHE=here godwit plan
append 1.0.0 -> 2.0.0 (offline) by append-2-0-0.wasm
  append (offline) rewrites items, writes tallies: 2 items
$ GODWIT_CACHE=here godwit cache show --json
{
  "folder": "here",
  "entries": 1,
  "bytes": "[size]"
}
$ GODWIT_CACHE=here godwit cache clear
here: 1 component, [size], removed
$ GODWIT_CACHE=here godwit cache show
here: 0 components, [size]
$ GODWIT_CACHE= godwit --config cache.toml cache show
kept: 0 components, [size]
$ GODWIT_CACHE= godwit --config none.toml cache show
2> error: no compiled components are kept
2> hint: GODWIT_CACHE or `cache` in godwit.toml names a folder for them
[exit 2]
$ GODWIT_CACHE= godwit cache clear
2> error: no compiled components are kept
2> hint: GODWIT_CACHE or `cache` in godwit.toml names a folder for them
[exit 2]
$ GODWIT_CACHE=none godwit plan
append 1.0.0 -> 2.0.0 (offline) by append-2-0-0.wasm
  append (offline) rewrites items, writes tallies: 2 items
$ GODWIT_CACHE=items.ndjson godwit cache show
2> error: the cache items.ndjson cannot be used: File exists (os error 17)
2> hint: name another folder by GODWIT_CACHE or `cache` in godwit.toml
[exit 6]
$ GODWIT_CACHE=items.ndjson godwit plan
2> warning: the cache items.ndjson cannot be used: File exists (os error 17)
append 1.0.0 -> 2.0.0 (offline) by append-2-0-0.wasm
  append (offline) rewrites items, writes tallies: 2 items
"#);
}

//! `godwit import`

use godwit_tests::cli::Cli;
use godwit_tests::made::{Order, rewrite};

use super::{GOOD, KINDS, gzip, with_items};

#[test]
fn documents_come_from_files_and_streams() {
    let cli = Cli::on("lmdb", &[]);
    cli.write("items.ndjson", GOOD);
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version 1.0.0 items.ndjson",
        "godwit import --app append --collection items --version 1.0.0 items.ndjson",
        "godwit import --collection items --version 1.0.0 items.ndjson",
        "godwit import --collection items --version 1.0.0 < items.ndjson",
        "godwit import --collection items --version 1.0.0 - --json < items.ndjson",
        "godwit status",
        "godwit history",
    ]), @r#"
    $ godwit import --collection items --version 1.0.0 items.ndjson
    2> error: items is a new collection, and no app was named for it
    2> hint: say which app the documents belong to: --app NAME
    [exit 2]
    $ godwit import --app append --collection items --version 1.0.0 items.ndjson
    items (append 1.0.0): 4 documents: 4 new in [time]
    $ godwit import --collection items --version 1.0.0 items.ndjson
    items (append 1.0.0): 4 documents: 4 there already in [time]
    $ godwit import --collection items --version 1.0.0 < items.ndjson
    items (append 1.0.0): 4 documents: 4 there already in [time]
    $ godwit import --collection items --version 1.0.0 - --json < items.ndjson
    {
      "import": {
        "done": true,
        "resumed_behind": null,
        "can_resume": false,
        "counts": {
          "lines": 4,
          "bytes": 93,
          "created": 0,
          "replaced": 0,
          "kept": 0,
          "present": 4,
          "removed": 0,
          "blank": 0,
          "bad": 0,
          "migrated": 0,
          "waiting": 0,
          "failed": 0
        },
        "bad_lines": [],
        "hurdles": [],
        "failures": []
      }
    }
    $ godwit status
    lmdb:store, [size]
    append is at 1.0.0, which may serve
    collection  app     version  items  quarantine  accepted  behind
    items       append  1.0.0        4           0         0       0
    $ godwit history
    when                  app     version  what      run  file  digest  items
    [moment]  append  1.0.0    baseline
    "#);
}

#[test]
fn packed_files_are_unpacked_by_what_they_hold() {
    for kind in KINDS {
        let cli = Cli::on(kind, &[]);
        cli.write("items.gz", gzip(GOOD))
            .write("items.zst", zstd(GOOD));
        cli.prepare(&[
            "godwit import --app a --collection one --version 1.0.0 items.gz",
            "godwit import --app a --collection two --version 1.0.0 < items.zst",
        ]);
        for collection in ["one", "two"] {
            let exported = cli.run(&format!("godwit export --collection {collection}"));
            assert_eq!(exported.out, GOOD, "{kind}");
        }
    }
}

#[test]
fn the_id_may_be_anywhere() {
    let cli = Cli::on("lmdb", &[]);
    cli.write(
        "deep.ndjson",
        "{\"meta\":{\"id\":7}}\n{\"meta\":{\"id\":\"x\"}}\n{\"meta\":{}}\n",
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit import --app a --collection deep --version 1.0.0 --id /meta/id deep.ndjson",
        "godwit get deep 7 x",
    ]), @r#"
$ godwit import --app a --collection deep --version 1.0.0 --id /meta/id deep.ndjson
2> warning: line 3: there is nothing at `/meta/id`, where its id should be
2> hint: mend these lines and import the file again: what is there already is left alone
deep (a 1.0.0): 3 documents: 2 new, 1 not imported in [time]
[exit 4]
$ godwit get deep 7 x
{"meta":{"id":7}}
{"meta":{"id":"x"}}
"#);
}

#[test]
fn bodies_come_back_as_they_were_spelled() {
    let text = "{\"z\":1e3,  \"_id\":\"b\",\"\\u00e9\":1.50}\n{\"_id\":\"a\",\"n\":10000000000000000000000}\n";
    let cli = Cli::on("sled", &[]);
    cli.write("spelled.ndjson", text);
    insta::assert_snapshot!(cli.session(&[
        "godwit import --app a --collection c --version 1.0.0 spelled.ndjson",
        "godwit export --collection c",
    ]), @r#"
$ godwit import --app a --collection c --version 1.0.0 spelled.ndjson
c (a 1.0.0): 2 documents: 2 new in [time]
$ godwit export --collection c
{"_id":"a","n":10000000000000000000000}
{"z":1e3,  "_id":"b","\u00e9":1.50}
"#);
}

#[test]
fn a_file_that_cannot_be_read_makes_no_store() {
    let cli = Cli::on("lmdb", &[]);
    cli.write("folder/file", "")
        .write("items.bz2", "BZh91AY&SY");
    insta::assert_snapshot!(cli.session(&[
        "godwit import --app a --collection c --version 1.0.0 missing.ndjson",
        "godwit import --app a --collection c --version 1.0.0 folder",
        "godwit import --app a --collection c --version 1.0.0 items.bz2",
    ]), @r#"
$ godwit import --app a --collection c --version 1.0.0 missing.ndjson
2> error: missing.ndjson cannot be read: No such file or directory (os error 2)
2> hint: check the path and its permissions
[exit 2]
$ godwit import --app a --collection c --version 1.0.0 folder
2> error: folder is a folder
2> hint: name a file of documents, one a line
[exit 2]
$ godwit import --app a --collection c --version 1.0.0 items.bz2
2> error: items.bz2 is a bzip2 archive, which is not read as it is
2> hint: unpack it on the way: bzcat FILE | godwit import …
[exit 2]
"#);
    assert!(!cli.path("store").exists());
}

#[test]
fn a_truncated_archive_is_said_to_be_one() {
    let items: String = (0..20_000)
        .map(|n| format!("{{\"_id\":{n},\"x\":\"{}\"}}\n", n * n))
        .collect();
    let packed = gzip(&items);
    let cli = Cli::on("lmdb", &[]);
    cli.write("cut.gz", &packed[..packed.len() / 2])
        .write("short.gz", &packed[..12]);
    let import = "godwit import --app a --collection c --version 1.0.0";
    insta::assert_snapshot!(cli.session(&[
        &format!("{import} short.gz"),
        &format!("{import} short.gz --json"),
    ]), @r#"
$ godwit import --app a --collection c --version 1.0.0 short.gz
2> error: short.gz ends in the middle of the archive, behind line 0
2> hint: nothing was imported; get the whole file and import it
[exit 2]
$ godwit import --app a --collection c --version 1.0.0 short.gz --json
2> error: short.gz ends in the middle of the archive, behind line 0
2> hint: nothing was imported; get the whole file and import it
{
  "error": "short.gz ends in the middle of the archive, behind line 0",
  "hint": "nothing was imported; get the whole file and import it"
}
[exit 2]
"#);
    let ended = cli.run(&format!("{import} cut.gz"));
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(
        ended
            .err
            .contains("ends in the middle of the archive, behind line "),
        "{ended}"
    );
    cli.write("whole.gz", packed);
    let ended = cli.run(&format!("{import} whole.gz"));
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.out.contains("20,000 documents:"), "{ended}");
}

#[test]
fn collections_belong_to_one_app() {
    let cli = with_items(GOOD, &[]);
    insta::assert_snapshot!(cli.session(&[
        "godwit import --app other --collection items --version 1.0.0 items.ndjson",
        "godwit import --app other --collection items --version 1.0.0 items.ndjson --json",
    ]), @r#"
$ godwit import --app other --collection items --version 1.0.0 items.ndjson
2> error: the collection items belongs to append, not to other
2> hint: name the app that owns it, or another collection
[exit 2]
$ godwit import --app other --collection items --version 1.0.0 items.ndjson --json
2> error: the collection items belongs to append, not to other
2> hint: name the app that owns it, or another collection
{
  "error": "the collection items belongs to append, not to other",
  "hint": "name the app that owns it, or another collection"
}
[exit 2]
"#);
}

#[test]
fn items_of_older_versions_wait_for_up() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.write("more.ndjson", "{\"_id\":\"x\"}\n{\"_id\":\"y\"}\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit up --quiet",
        "godwit import --collection items --version 1.0.0 more.ndjson",
        "godwit status",
        "godwit plan",
        "godwit up",
        "godwit get items x --json",
        "godwit up",
    ]), @r#"
    $ godwit up --quiet
    run 1: append 1.0.0 -> 2.0.0, completed
      append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
    $ godwit import --collection items --version 1.0.0 more.ndjson
    2> hint: `godwit up` brings those that wait up to date
    items (append 1.0.0): 2 documents: 2 new (2 waiting) in [time]
      2 documents wait for append 2.0.0 (plugins/append-2-0-0.wasm): its step append sees stored items of tallies
    $ godwit status
    lmdb:store, [size]
    append is at 2.0.0, which may serve
    collection  app     version  items  quarantine  accepted  behind
    items       append  2.0.0        5           0         0       2
    tallies     append  2.0.0        1           0         0       0
    $ godwit plan
    append 1.0.0 -> 2.0.0 (offline, items that are behind) by append-2-0-0.wasm
      append (offline) rewrites items, writes tallies: 2 items
    $ godwit up
    2> run 2
    2> no backup: run 2 keeps pre-images, `godwit undo 2` puts everything back
    2> append 2.0.0 append on items (2 items)
    2> append 2.0.0 append on items: 2 read, 2 updated in [time]
    2> hint: `godwit undo 2` would put everything back
    run 2: append 1.0.0 -> 2.0.0, completed
      append 2.0.0 append on items: 2 read, 2 updated
    $ godwit get items x --json
    {"id":"x","version":"2.0.0","body":{"_id":"x","trail":["2.0.0"]}}
    $ godwit up
    nothing to do: everything is up to date
    "#);
}

/// A store whose collection has come to 3.0.0 by two migrations that see nothing but the items.
fn at_the_newest() -> Cli {
    let cli = Cli::on("lmdb", &[]);
    cli.write("first.ndjson", "{\"_id\":\"first\"}\n");
    for version in ["2.0.0", "3.0.0"] {
        let order = Order::new("made", version).step(rewrite("apply", "items"));
        cli.write(
            &format!("plugins/{version}.wasm"),
            order.file("records-2-0-0"),
        );
    }
    cli.prepare(&[
        "godwit import --app made --collection items --version 1.0.0 first.ndjson",
        "godwit up",
    ]);
    cli
}

/// Documents of three versions, of which one fails and one is removed.
const OLDER: &str = r#"{"_id":"a"}
{"_id":"b","v":"2.0.0"}
{"_id":"c","v":"3.0.0"}
{"_id":"d","do":{"3.0.0/apply":[["fail","it will not do"]]}}
{"_id":"e","do":{"2.0.0/apply":[["remove"]]}}
"#;

#[test]
fn items_of_older_versions_are_migrated_on_the_way_in() {
    let cli = at_the_newest();
    cli.write("older.ndjson", OLDER);
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version-at /v --version 1.0.0 older.ndjson",
        "godwit import --collection items --version-at /v --version 1.0.0 older.ndjson --json",
        "godwit export --collection items",
        "godwit status",
        "godwit up",
        "godwit quarantine list",
        "godwit import --collection items --version-at /v --version 1.0.0 older.ndjson",
        "godwit verify",
    ]), @r#"
    $ godwit import --collection items --version-at /v --version 1.0.0 older.ndjson
    2> warning: line 4: the item `d` fails step apply of 3.0.0: refused: it will not do
    2> hint: `godwit up` brings those that wait up to date
    items (made at /v, else 1.0.0): 5 documents: 4 new (2 migrated, 1 waiting), 1 removed by a migration in [time]
    [exit 4]
    $ godwit import --collection items --version-at /v --version 1.0.0 older.ndjson --json
    {
      "import": {
        "done": true,
        "resumed_behind": null,
        "can_resume": false,
        "counts": {
          "lines": 5,
          "bytes": 167,
          "created": 0,
          "replaced": 0,
          "kept": 0,
          "present": 4,
          "removed": 1,
          "blank": 0,
          "bad": 0,
          "migrated": 0,
          "waiting": 0,
          "failed": 0
        },
        "bad_lines": [],
        "hurdles": [],
        "failures": []
      }
    }
    $ godwit export --collection items
    2> warning: 1 item may have another version than 3.0.0: they wait, or are in quarantine
    {"_id":"a","trail":["2.0.0/apply","3.0.0/apply"]}
    {"_id":"b","v":"2.0.0","trail":["3.0.0/apply"]}
    {"_id":"c","v":"3.0.0"}
    {"_id":"d","do":{"3.0.0/apply":[["fail","it will not do"]]}}
    {"_id":"first","trail":["2.0.0/apply","3.0.0/apply"]}
    $ godwit status
    lmdb:store, [size]
    made is at 3.0.0, which may serve
    collection  app   version  items  quarantine  accepted  behind
    items       made  3.0.0        5           0         0       1
    $ godwit up
    2> run 2
    2> no backup: run 2 keeps pre-images, `godwit undo 2` puts everything back
    2> made 2.0.0 apply on items (1 item)
    2> made 2.0.0 apply on items: 1 read, 1 updated in [time]
    2> made 3.0.0 apply on items (1 item)
    2> quarantine: d: refused: it will not do
    2> made 3.0.0 apply on items: 1 read, 1 failed in [time]
    2> hint: `godwit undo 2` would put everything back
    run 2: made 1.0.0 -> 3.0.0, completed
      made 2.0.0 apply on items: 1 read, 1 updated
      made 3.0.0 apply on items: 1 read, 1 failed
    [exit 4]
    $ godwit quarantine list
    items/d  3.0.0 step apply: refused: it will not do
    $ godwit import --collection items --version-at /v --version 1.0.0 older.ndjson
    2> warning: line 4: the item `d` is there already, with another body
    2> hint: mend these lines and import the file again: what is there already is left alone
    2> hint: `--on-existing replace` takes these lines for items that are there
    items (made at /v, else 1.0.0): 5 documents: 3 there already, 1 removed by a migration, 1 not imported in [time]
    [exit 4]
    $ godwit verify
    items: 5 items, no flaw
      [digest]
    "#);
}

#[test]
fn what_waits_after_an_import_is_told_with_its_reason() {
    let cli = at_the_newest();
    cli.write("older.ndjson", "{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n")
        .write("more.ndjson", "{\"_id\":\"c\"}\n");
    let file = cli.path("plugins/2.0.0.wasm");
    std::fs::rename(&file, cli.path("2.0.0.wasm")).unwrap();
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version 1.0.0 older.ndjson",
        "godwit import --collection items --version 1.0.0 more.ndjson --json",
    ]), @r#"
    $ godwit import --collection items --version 1.0.0 older.ndjson
    2> hint: `godwit plan` tells what keeps those that wait from being brought up to date
    items (made 1.0.0): 2 documents: 2 new (2 waiting) in [time]
      2 documents wait for made 2.0.0 (2.0.0.wasm): its file is missing from the catalogue
    $ godwit import --collection items --version 1.0.0 more.ndjson --json
    {
      "import": {
        "done": true,
        "resumed_behind": null,
        "can_resume": false,
        "counts": {
          "lines": 1,
          "bytes": 12,
          "created": 1,
          "replaced": 0,
          "kept": 0,
          "present": 0,
          "removed": 0,
          "blank": 0,
          "bad": 0,
          "migrated": 0,
          "waiting": 1,
          "failed": 0
        },
        "bad_lines": [],
        "hurdles": [
          {
            "version": "2.0.0",
            "file": "2.0.0.wasm",
            "reason": "its file is missing from the catalogue",
            "items": 1
          }
        ],
        "failures": []
      }
    }
    "#);
    std::fs::rename(cli.path("2.0.0.wasm"), file).unwrap();
    cli.write("last.ndjson", "{\"_id\":\"d\"}\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version 1.0.0 older.ndjson",
        "godwit import --collection items --version 1.0.0 --as-is last.ndjson",
        "godwit up --quiet",
        "godwit export --collection items",
    ]), @r#"
    $ godwit import --collection items --version 1.0.0 older.ndjson
    items (made 1.0.0): 2 documents: 2 there already in [time]
    $ godwit import --collection items --version 1.0.0 --as-is last.ndjson
    2> hint: `godwit up` brings those that wait up to date
    items (made 1.0.0): 1 document: 1 new (1 waiting) in [time]
    $ godwit up --quiet
    run 2: made 1.0.0 -> 3.0.0, completed
      made 2.0.0 apply on items: 4 read, 4 updated
      made 3.0.0 apply on items: 4 read, 4 updated
    $ godwit export --collection items
    {"_id":"a","trail":["2.0.0/apply","3.0.0/apply"]}
    {"_id":"b","trail":["2.0.0/apply","3.0.0/apply"]}
    {"_id":"c","trail":["2.0.0/apply","3.0.0/apply"]}
    {"_id":"d","trail":["2.0.0/apply","3.0.0/apply"]}
    {"_id":"first","trail":["2.0.0/apply","3.0.0/apply"]}
    "#);
}

#[test]
fn plugins_are_looked_at_only_where_documents_are_older() {
    let cli = at_the_newest();
    cli.write("new.ndjson", "{\"_id\":\"a\"}\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version 3.0.0 new.ndjson --plugins nowhere",
        "godwit import --collection items --version 1.0.0 new.ndjson --plugins nowhere",
        "godwit import --collection items --version 1.0.0 new.ndjson --plugins nowhere --as-is",
    ]), @"
    $ godwit import --collection items --version 3.0.0 new.ndjson --plugins nowhere
    items (made 3.0.0): 1 document: 1 new in [time]
    $ godwit import --collection items --version 1.0.0 new.ndjson --plugins nowhere
    2> error: the plugin folder nowhere cannot be read: No such file or directory (os error 2)
    2> hint: check the path given by --plugins
    [exit 2]
    $ godwit import --collection items --version 1.0.0 new.ndjson --plugins nowhere --as-is
    2> warning: line 1: the item `a` is there already, with the same body and version 3.0.0
    2> hint: mend these lines and import the file again: what is there already is left alone
    2> hint: `--on-existing replace` takes these lines for items that are there
    items (made 1.0.0): 1 document: 1 not imported in [time]
    [exit 4]
    ");
}

#[test]
fn documents_are_no_newer_than_all_migrations() {
    let cli = at_the_newest();
    cli.write(
        "newer.ndjson",
        "{\"_id\":\"a\",\"v\":\"99.0.0\"}\n{\"_id\":\"b\",\"v\":\"3.0.0\"}\n",
    )
    .write("c.json", "{\"_id\":\"c\"}\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version-at /v newer.ndjson",
        "godwit import --collection items --version 99.0.0 newer.ndjson",
        "godwit put items c --version 11.0.0 c.json",
        "godwit up",
        "godwit put items c --version 11.0.0 --as-is c.json",
        "godwit up",
        "godwit delete items c",
        "godwit up",
        "godwit import --collection items --version-at /v --as-is newer.ndjson",
        "godwit put items a --version 3.0.0 c.json",
        "godwit up",
        "godwit up --id items/a",
    ]), @"
    $ godwit import --collection items --version-at /v newer.ndjson
    2> warning: line 1: its version 99.0.0 is above 3.0.0, and no migration leads there
    2> hint: mend these lines and import the file again: what is there already is left alone
    2> hint: `--as-is` takes what is newer than all migrations, too, and `godwit up` refuses then until it is replaced or deleted, or its migrations are there
    items (made at /v): 2 documents: 1 new, 1 not imported in [time]
    [exit 4]
    $ godwit import --collection items --version 99.0.0 newer.ndjson
    2> error: the version 99.0.0 is above 3.0.0, and no migration of made leads there
    2> hint: give the version whose shape the documents have; `--as-is` takes what is newer than all migrations, too, and `godwit up` refuses then until it is replaced or deleted, or its migrations are there
    [exit 2]
    $ godwit put items c --version 11.0.0 c.json
    2> error: items/c cannot be written: its version 11.0.0 is above 3.0.0, and no migration leads there
    2> hint: nothing was written; give the version whose shape it has, or add the migrations that lead there to the plugins; `--as-is` takes it all the same, and `godwit up` refuses then until it is replaced or deleted
    [exit 2]
    $ godwit up
    nothing to do: everything is up to date
    $ godwit put items c --version 11.0.0 --as-is c.json
    $ godwit up
    2> error: made 11.0.0: the collection items has items of it, the catalogue's newest is 3.0.0 (plugins/3.0.0.wasm) [newer-store]
    2> hint: use a catalogue that goes up to made 11.0.0, or replace or delete what has it in items
    2> error: nothing was planned: 1 finding to decide first
    [exit 3]
    $ godwit delete items c
    1 item removed
    $ godwit up
    nothing to do: everything is up to date
    $ godwit import --collection items --version-at /v --as-is newer.ndjson
    items (made at /v): 2 documents: 1 new, 1 there already in [time]
    $ godwit put items a --version 3.0.0 c.json
    $ godwit up
    nothing to do: everything is up to date
    $ godwit up --id items/a
    nothing to do: everything is up to date
    ");
    // What has not come that far is told so as long as it has not.
    cli.write("4.ndjson", "{\"_id\":\"d\"}\n");
    let other =
        "godwit import --app made --collection items --version 4.0.0 --store lmdb:other 4.ndjson";
    let refused = cli.run(other);
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(
        refused.err.contains("the version 4.0.0 is above 3.0.0"),
        "{refused}"
    );
    cli.prepare(&[
        &format!("{other} --as-is"),
        &format!("{other} --plugins nowhere"),
    ]);
}

#[test]
fn an_import_stops_where_too_many_fail_on_their_way_in() {
    let cli = at_the_newest();
    let failing = "{\"_id\":\"a\",\"do\":{\"2.0.0/apply\":[[\"fail\",\"it will not do\"]]}}\n";
    cli.write("failing.ndjson", failing);
    let config = cli.read("godwit.toml");
    cli.write(
        "none.toml",
        format!("{config}[run]\nmax-failures = \"0\"\n"),
    )
    .write(
        "stop.toml",
        format!("{config}[run]\non-failure = \"stop\"\n"),
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit --config none.toml import --collection items --version 1.0.0 failing.ndjson",
        "godwit --config stop.toml import --collection items --version 1.0.0 failing.ndjson",
        "godwit import --collection items --version 1.0.0 failing.ndjson --max-failures 0 --json",
        "godwit get items a",
        "godwit --config none.toml import --collection items --version 1.0.0 failing.ndjson --max-failures 1 --quiet",
    ]), @r#"
    $ godwit --config none.toml import --collection items --version 1.0.0 failing.ndjson
    2> error: 1 of 1 items failed on their way in, more than 0; the last one: line 1: the item `a` fails step apply of 2.0.0: refused: it will not do
    2> hint: nothing of these lines is imported, and what came before stays. Mend the migration or the documents, or let more of them wait: the same command with `--max-failures N` or `--on-failure quarantine` goes on; `--as-is` migrates none
    [exit 4]
    $ godwit --config stop.toml import --collection items --version 1.0.0 failing.ndjson
    2> error: line 1: the item `a` fails step apply of 2.0.0: refused: it will not do
    2> hint: nothing of these lines is imported, and what came before stays. Mend the migration or the documents, or let more of them wait: the same command with `--max-failures N` or `--on-failure quarantine` goes on; `--as-is` migrates none
    [exit 4]
    $ godwit import --collection items --version 1.0.0 failing.ndjson --max-failures 0 --json
    2> error: 1 of 1 items failed on their way in, more than 0; the last one: line 1: the item `a` fails step apply of 2.0.0: refused: it will not do
    2> hint: nothing of these lines is imported, and what came before stays. Mend the migration or the documents, or let more of them wait: the same command with `--max-failures N` or `--on-failure quarantine` goes on; `--as-is` migrates none
    {
      "error": "1 of 1 items failed on their way in, more than 0; the last one: line 1: the item `a` fails step apply of 2.0.0: refused: it will not do",
      "hint": "nothing of these lines is imported, and what came before stays. Mend the migration or the documents, or let more of them wait: the same command with `--max-failures N` or `--on-failure quarantine` goes on; `--as-is` migrates none"
    }
    [exit 4]
    $ godwit get items a
    2> error: there is no item items/a
    2> hint: `godwit export --collection items` prints all items, ordered by id
    [exit 2]
    $ godwit --config none.toml import --collection items --version 1.0.0 failing.ndjson --max-failures 1 --quiet
    2> warning: line 1: the item `a` fails step apply of 2.0.0: refused: it will not do
    2> hint: `godwit up` brings those that wait up to date
    items (made 1.0.0): 1 document: 1 new (1 waiting) in [time]
    [exit 4]
    "#);
}

#[test]
fn documents_may_say_their_versions() {
    let cli = with_items(GOOD, &[]);
    cli.write(
        "mixed.ndjson",
        "{\"_id\":\"x\",\"v\":\"0.9.0\"}\n{\"_id\":\"y\"}\n{\"_id\":\"z\",\"v\":\"one\"}\n",
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items mixed.ndjson",
        "godwit import --app new --collection other --version-at /v mixed.ndjson",
        "godwit import --collection items --version-at /v mixed.ndjson",
        "godwit import --collection items --version-at /v --version 1.0.0 mixed.ndjson",
        "godwit status",
    ]), @r#"
    $ godwit import --collection items mixed.ndjson
    2> error: the following required arguments were not provided:
    2>   --version <VERSION>
    2> 
    2> Usage: godwit import --collection <NAME> --version <VERSION> <FILE>
    2> 
    2> For more information, try '--help'.
    [exit 2]
    $ godwit import --app new --collection other --version-at /v mixed.ndjson
    2> error: the app new has no version yet: a version must be given as the one that it stands at
    2> hint: name it beside --version-at: --version V
    [exit 2]
    $ godwit import --collection items --version-at /v mixed.ndjson
    2> warning: there are no migrations in plugins
    2> warning: line 2: there is nothing at `/v`, where its version should be, and no other version was given
    2> warning: line 3: at `/v` is "one"; a version is a text as in "1.2.3"
    2> hint: mend these lines and import the file again: what is there already is left alone
    2> hint: `--version V` says which version documents have that say none
    items (append at /v): 3 documents: 1 new (1 waiting), 2 not imported in [time]
      1 document waits for append 1.0.0: no migration of append among the plugins leads to it
    [exit 4]
    $ godwit import --collection items --version-at /v --version 1.0.0 mixed.ndjson
    2> warning: there are no migrations in plugins
    2> warning: line 3: at `/v` is "one"; a version is a text as in "1.2.3"
    2> hint: mend these lines and import the file again: what is there already is left alone
    items (append at /v, else 1.0.0): 3 documents: 1 new, 1 there already, 1 not imported in [time]
    [exit 4]
    $ godwit status
    lmdb:store, [size]
    append is at 1.0.0, which may serve
    collection  app     version  items  quarantine  accepted  behind
    items       append  1.0.0        6           0         0       1
    "#);
}

/// A frame with one raw block, as RFC 8878 has it: no packer is needed to test unpacking.
fn zstd(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("it is short");
    let block = (u32::from(length) << 3) | 1;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, length];
    frame.extend(&block.to_le_bytes()[..3]);
    frame.extend(text.as_bytes());
    frame
}

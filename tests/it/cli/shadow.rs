//! `godwit up --shadow`, `godwit stats`, `godwit finalize`, `godwit reset`, `godwit put`, `godwit delete`

use godwit_tests::cli::Cli;
use godwit_tests::made::{LAYOUTS, Order, derive, rewrite};

use super::KINDS;

const ITEMS: &str = "{\"_id\":\"a\",\"n\":1}\n{\"_id\":\"b\",\"n\":2}\n{\"_id\":\"c\",\"n\":3}\n";

fn desk(kind: &str, orders: &[Order], items: &str) -> Cli {
    let cli = Cli::on(kind, &[]);
    for (number, order) in orders.iter().enumerate() {
        let file = format!("plugins/made-{number}.wasm");
        cli.write(&file, order.file(LAYOUTS[0]));
    }
    cli.write("items.ndjson", items);
    cli.prepare(&[
        "godwit import --app made --collection items --version 1.0.0 items.ndjson --quiet",
    ]);
    cli
}

fn two() -> [Order; 2] {
    ["2.0.0", "3.0.0"].map(|version| Order::new("made", version).step(rewrite("apply", "items")))
}

#[test]
fn an_application_goes_on_while_copies_are_migrated() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = desk(kind, &two(), ITEMS);
            cli.write("new.json", "{\"_id\":\"b\",\"n\":20}\n");
            let seen = cli
                .session(&[
                    "godwit up --shadow",
                    "godwit status",
                    "godwit put items b --version 1.0.0 new.json",
                    "godwit put items d --version 1.0.0 new.json --json",
                    "godwit delete items a nothing",
                    "godwit get items a b c --json",
                    "godwit get --shadow items a b c",
                    "godwit up",
                    "godwit finalize",
                    "godwit get items b c d",
                    "godwit digest",
                    "godwit verify",
                    "godwit runs",
                    "godwit undo 1",
                    "godwit export --collection items",
                    "godwit finalize",
                ])
                .replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @r#"
            $ godwit up --shadow
            2> copied 3 items of items
            2> run 1
            2> made 2.0.0 apply on items (3 items)
            2> made 3.0.0 apply on items (3 items)
            2> made 2.0.0 apply on items: 3 read, 3 updated in [time]
            2> made 3.0.0 apply on items: 3 read, 3 updated in [time]
            2> applied made 2.0.0 (offline)
            2> applied made 3.0.0 (offline)
            2> hint: `godwit finalize` makes it live, `godwit up --shadow` follows what was written since, `godwit reset` drops it
            run 1: made 1.0.0 -> 3.0.0, completed
              made 2.0.0 apply on items: 3 read, 3 updated
              made 3.0.0 apply on items: 3 read, 3 updated
            shadow run of all apps to the newest version: ready to be finalized
              copied 3 of 3 items of items
              run 1 is completed
              0 writes of the application to follow
              a finalization, for which the application waits, would be done in [time]
            $ godwit status
            [kind]:store, [size]
            made is at 1.0.0, which may serve
            collection  app   version  items  quarantine  accepted  behind
            items       made  1.0.0        3           0         0       0
            there is a shadow run; `godwit stats` tells how far it is
            $ godwit put items b --version 1.0.0 new.json
            $ godwit put items d --version 1.0.0 new.json --json
            {
              "collection": "items",
              "id": "d",
              "version": "1.0.0"
            }
            $ godwit delete items a nothing
            1 item removed
            $ godwit get items a b c --json
            2> error: there is no item items/a
            2> hint: `godwit export --collection items` prints all items, ordered by id
            {"id":"a","error":"there is no item items/a"}
            {"id":"b","version":"1.0.0","body":{"_id":"b","n":20}}
            {"id":"c","version":"1.0.0","body":{"_id":"c","n":3}}
            [exit 2]
            $ godwit get --shadow items a b c
            {"_id":"a","n":1,"trail":["2.0.0/apply","3.0.0/apply"]}
            {"_id":"b","n":2,"trail":["2.0.0/apply","3.0.0/apply"]}
            {"_id":"c","n":3,"trail":["2.0.0/apply","3.0.0/apply"]}
            $ godwit up
            2> error: a shadow run is under way: `godwit finalize` makes what it made live, `godwit reset` drops it
            2> hint: `godwit stats` tells how far it is
            [exit 5]
            $ godwit finalize
            2> followed 3 writes
            2> run 1 goes on
            2> made 2.0.0 apply on items (2 items)
            2> made 2.0.0 apply on items: 2 read, 2 updated in [time]
            2> made 3.0.0 apply on items (2 items)
            2> made 3.0.0 apply on items: 2 read, 2 updated in [time]
            2> switched items
            2> hint: `godwit undo 1` would put everything back
            run 1: made 1.0.0 -> 3.0.0, completed
              made 2.0.0 apply on items: 3 read, 3 updated
              made 3.0.0 apply on items: 3 read, 3 updated
              made 2.0.0 apply on items: 2 read, 2 updated
              made 3.0.0 apply on items: 2 read, 2 updated
            it is live: all collections have changed places
            $ godwit get items b c d
            {"_id":"b","n":20,"trail":["2.0.0/apply","3.0.0/apply"]}
            {"_id":"c","n":3,"trail":["2.0.0/apply","3.0.0/apply"]}
            {"_id":"b","n":20,"trail":["2.0.0/apply","3.0.0/apply"]}
            $ godwit digest
            [digest]  items  3 items
            $ godwit verify
            items: 3 items, no flaw
              [digest]
            $ godwit runs
            run  started               what         state      versions             can be undone
              1  [moment]  up --shadow  completed  made 1.0.0 -> 3.0.0  yes
            $ godwit undo 1
            run 1 is undone: 5 changes put back
            $ godwit export --collection items
            {"_id":"b","n":20}
            {"_id":"c","n":3}
            {"_id":"b","n":20}
            $ godwit finalize
            2> error: there is no shadow run; `godwit up --shadow` begins one
            2> hint: `godwit status` tells what there is
            [exit 2]
            "#);
        }
    }
}

#[test]
fn copies_are_dropped_and_what_is_live_stays() {
    let cli = desk("lmdb", &two(), ITEMS);
    insta::assert_snapshot!(cli.session(&[
        "godwit stats",
        "godwit reset",
        "godwit up --shadow --to 2.0.0 --app made --quiet",
        "godwit up --shadow --to 3.0.0 --app made",
        "godwit stats",
        "godwit reset",
        "godwit stats --json",
        "godwit runs",
        "godwit export --collection items",
        "godwit up --quiet",
        "godwit up --shadow",
    ]), @r#"
    $ godwit stats
    there is no shadow run
    $ godwit reset
    nothing to drop: there is no shadow run, but for what is live
    $ godwit up --shadow --to 2.0.0 --app made --quiet
    2> hint: `godwit finalize` makes it live, `godwit up --shadow` follows what was written since, `godwit reset` drops it
    run 1: made 1.0.0 -> 2.0.0, completed
      made 2.0.0 apply on items: 3 read, 3 updated
    shadow run of made to 2.0.0: ready to be finalized
      copied 3 of 3 items of items
      run 1 is completed
      0 writes of the application to follow
      a finalization, for which the application waits, would be done in [time]
    $ godwit up --shadow --to 3.0.0 --app made
    2> error: the shadow run under way is for made to 2.0.0; go on with that, or drop it with `godwit reset`
    2> hint: `godwit stats` tells what it is for
    [exit 2]
    $ godwit stats
    2> hint: `godwit finalize` makes it live, `godwit up --shadow` follows what was written since, `godwit reset` drops it
    shadow run of made to 2.0.0: ready to be finalized
      copied 3 of 3 items of items
      run 1 is completed
      0 writes of the application to follow
      a finalization, for which the application waits, would be done in [time]
    $ godwit reset
    the shadow run is dropped; what is live is as it was
    $ godwit stats --json
    null
    $ godwit runs
    run  started               what         state   versions             can be undone
      1  [moment]  up --shadow  undone  made 1.0.0 -> 2.0.0  no
    run 1 is undone: the shadow run was reset
    $ godwit export --collection items
    {"_id":"a","n":1}
    {"_id":"b","n":2}
    {"_id":"c","n":3}
    $ godwit up --quiet
    run 2: made 1.0.0 -> 3.0.0, completed
      made 2.0.0 apply on items: 3 read, 3 updated
      made 3.0.0 apply on items: 3 read, 3 updated
    $ godwit up --shadow
    nothing to do: everything is up to date
    "#);
}

#[test]
fn items_that_fail_do_so_in_the_copies() {
    let bad = "{\"_id\":\"b\",\"do\":{\"2.0.0/apply\":[[\"fail\",\"it will not do\"]]}}\n";
    let cli = desk(
        "lmdb",
        &two(),
        &format!("{ITEMS}{bad}").replace("{\"_id\":\"b\",\"n\":2}\n", ""),
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit up --shadow --max-failures 10",
        "godwit quarantine list",
        "godwit quarantine list --shadow",
        "godwit finalize",
        "godwit quarantine accept --shadow items/b",
        "godwit finalize --quiet",
        "godwit status",
    ]), @"
    $ godwit up --shadow --max-failures 10
    2> copied 3 items of items
    2> run 1
    2> made 2.0.0 apply on items (3 items)
    2> made 3.0.0 apply on items (3 items)
    2> made 2.0.0 apply on items (3 items)
    2> quarantine: b: refused: it will not do
    2> made 2.0.0 apply on items: 3 read, 2 updated, 1 failed in [time]
    2> hint: `godwit quarantine list --shadow` names the items; mend the migration and `godwit quarantine retry --shadow`, or `godwit quarantine accept --shadow` them; then `godwit up --shadow` goes on. `godwit reset` drops it
    run 1: made 1.0.0 -> 3.0.0, blocked
      made 2.0.0 apply on items: 3 read, 2 updated, 1 failed
      1 item of made is in quarantine, so that 2.0.0 (offline) is not applied
    shadow run of all apps to the newest version: waiting for what is in quarantine
      copied 3 of 3 items of items
      run 1 is blocked
      0 writes of the application to follow
      1 item in quarantine
      a finalization, for which the application waits, would be done in [time]
    [exit 4]
    $ godwit quarantine list
    the quarantine is empty
    $ godwit quarantine list --shadow
    items/b  2.0.0 step apply: refused: it will not do
    $ godwit finalize
    2> run 1 goes on
    2> hint: `godwit quarantine list --shadow` names the items; mend the migration and `godwit quarantine retry --shadow`, or `godwit quarantine accept --shadow` them; then `godwit up --shadow` goes on. `godwit reset` drops it
    run 1: made 1.0.0 -> 3.0.0, blocked
      made 2.0.0 apply on items: 3 read, 2 updated, 1 failed
      1 item of made is in quarantine, so that 2.0.0 (offline) is not applied
    shadow run of all apps to the newest version: waiting for what is in quarantine
      copied 3 of 3 items of items
      run 1 is blocked
      0 writes of the application to follow
      1 item in quarantine
      a finalization, for which the application waits, would be done in [time]
    [exit 4]
    $ godwit quarantine accept --shadow items/b
    2> hint: `godwit up --shadow` goes on
    1 item accepted
    $ godwit finalize --quiet
    2> hint: `godwit undo 1` would put everything back
    run 1: made 1.0.0 -> 3.0.0, completed
      made 2.0.0 apply on items: 3 read, 2 updated, 1 failed
      made 3.0.0 apply on items: 2 read, 2 updated
    it is live: all collections have changed places
    $ godwit status
    lmdb:store, [size]
    made is at 3.0.0, which may serve
    collection  app   version  items  quarantine  accepted  behind
    items       made  3.0.0        3           0         1       0
    ");
}

#[test]
fn steps_that_see_others_are_left_to_the_end() {
    let orders = [
        Order::new("made", "2.0.0").step(rewrite("apply", "items")),
        Order::new("made", "3.0.0").step(derive("look", "items", "notes")),
    ];
    let cli = desk("lmdb", &orders, ITEMS);
    insta::assert_snapshot!(cli.session(&[
        "godwit up --shadow",
        "godwit finalize",
        "godwit status",
    ]), @"
    $ godwit up --shadow
    2> copied 3 items of items
    2> copied 0 items of notes
    2> run 1
    2> made 2.0.0 apply on items (3 items)
    2> made 2.0.0 apply on items: 3 read, 3 updated in [time]
    2> applied made 2.0.0 (offline)
    2> hint: `godwit finalize` makes it live, `godwit up --shadow` follows what was written since, `godwit reset` drops it
    run 1: made 1.0.0 -> 2.0.0, completed
      made 2.0.0 apply on items: 3 read, 3 updated
    shadow run of all apps to the newest version: ready to be finalized
      copied 3 of 3 items of items, notes
      run 1 is completed
      0 writes of the application to follow
      left to the end: made 3.0.0: look, 3 items
      a finalization, for which the application waits, would be done in [time]
    $ godwit finalize
    2> run 1 goes on
    2> made 3.0.0 look on items (3 items)
    2> made 3.0.0 look on items: 3 read, 3 unchanged in [time]
    2> applied made 3.0.0 (offline)
    2> switched items, notes
    2> hint: `godwit undo 1` would put everything back
    run 1: made 1.0.0 -> 3.0.0, completed
      made 2.0.0 apply on items: 3 read, 3 updated
      made 3.0.0 look on items: 3 read, 3 unchanged
    it is live: all collections have changed places
    $ godwit status
    lmdb:store, [size]
    made is at 3.0.0, which may serve
    collection  app   version  items  quarantine  accepted  behind
    items       made  3.0.0        3           0         0       0
    ");
}

#[test]
fn what_is_no_item_is_refused_and_nothing_is_written() {
    let cli = desk("lmdb", &two(), ITEMS);
    cli.write("bad.json", "{\"_id\":\n")
        .write("good.json", "{}");
    insta::assert_snapshot!(cli.session(&[
        "godwit put items a --version 1.0.0 bad.json",
        "godwit put nothing a --version 1.0.0 good.json",
        "godwit put items a --version one good.json",
        "godwit put items a good.json",
        "godwit put items a --version 1.0.0 missing.json",
        "godwit delete nothing a",
        "godwit get items a --shadow",
        "godwit up --shadow --dry-run",
        "godwit up --shadow --phase online",
        "godwit export --collection items",
    ]), @r#"
    $ godwit put items a --version 1.0.0 bad.json
    2> error: items/a cannot be written: its body is not JSON: EOF while parsing a value at line 1 column 7
    2> hint: nothing was written; mend it and try again
    [exit 2]
    $ godwit put nothing a --version 1.0.0 good.json
    2> error: there is no collection nothing
    2> hint: `godwit status` lists the collections
    [exit 2]
    $ godwit put items a --version one good.json
    2> error: invalid value 'one' for '--version <VERSION>': a version is like 1.0.0 or 2.1.0-beta.1: unexpected character 'o' while parsing major version number
    2> 
    2> For more information, try '--help'.
    [exit 2]
    $ godwit put items a good.json
    2> error: the following required arguments were not provided:
    2>   --version <VERSION>
    2> 
    2> Usage: godwit put --version <VERSION> <COLLECTION> <ID> <FILE>
    2> 
    2> For more information, try '--help'.
    [exit 2]
    $ godwit put items a --version 1.0.0 missing.json
    2> error: the document cannot be read: No such file or directory (os error 2)
    2> hint: name a file, or give it on standard input
    [exit 2]
    $ godwit delete nothing a
    2> error: there is no collection nothing
    2> hint: `godwit status` lists the collections
    [exit 2]
    $ godwit get items a --shadow
    2> error: there is no shadow run; `godwit up --shadow` begins one
    2> hint: `godwit status` tells what there is
    [exit 2]
    $ godwit up --shadow --dry-run
    2> error: the argument '--shadow' cannot be used with '--dry-run'
    2> 
    2> Usage: godwit up --shadow
    2> 
    2> For more information, try '--help'.
    [exit 2]
    $ godwit up --shadow --phase online
    2> error: the argument '--shadow' cannot be used with '--phase <offline|online>'
    2> 
    2> Usage: godwit up --shadow
    2> 
    2> For more information, try '--help'.
    [exit 2]
    $ godwit export --collection items
    {"_id":"a","n":1}
    {"_id":"b","n":2}
    {"_id":"c","n":3}
    "#);
}

#[test]
fn what_was_accepted_for_it_may_be_accepted_at_its_end() {
    let cli = desk("lmdb", &two()[..1], ITEMS);
    cli.prepare(&["godwit up --quiet"]);
    std::fs::remove_file(cli.path("plugins/made-0.wasm")).unwrap();
    cli.write("plugins/made-1.wasm", two()[1].file(LAYOUTS[0]))
        .write(
            "new.json",
            "{\"_id\":\"b\",\"do\":{\"3.0.0/apply\":[[\"fail\",\"no\"]]}}",
        );
    let refused = cli.run("godwit up --shadow");
    assert_eq!(refused.code, Some(3), "{refused}");
    cli.prepare(&["godwit up --shadow --accept gap --quiet"]);
    let refused = cli.run("godwit finalize");
    assert_eq!(refused.code, Some(3), "{refused}");
    assert!(refused.err.contains("`--accept gap`"), "{refused}");
    // How items that fail are dealt with is said there, too.
    cli.prepare(&["godwit put items b --version 2.0.0 new.json"]);
    for flag in ["--on-failure stop", "--max-failures 0"] {
        let failed = cli.run(&format!("godwit finalize --accept gap {flag}"));
        assert_eq!(failed.code, Some(4), "{failed}");
    }
    cli.write("new.json", "{\"_id\":\"b\"}")
        .prepare(&["godwit put items b --version 2.0.0 new.json"]);
    let live = cli.run("godwit finalize --accept gap");
    assert!(live.out.contains("it is live"), "{live}");
}

/// Two versions, of which the second one is left to the end, and an item that fails a step.
fn bad_in(step: &str) -> Cli {
    let orders = [
        Order::new("made", "2.0.0").step(rewrite("apply", "items")),
        Order::new("made", "3.0.0").step(derive("look", "items", "notes")),
    ];
    let bad = format!("{{\"_id\":\"d\",\"do\":{{\"{step}\":[[\"fail\",\"no\"]]}}}}\n");
    desk("lmdb", &orders, &format!("{ITEMS}{bad}"))
}

#[test]
fn one_that_fails_names_what_leads_on_and_back() {
    let cli = bad_in("2.0.0/apply");
    insta::assert_snapshot!(cli.session(&[
        "godwit up --shadow --on-failure stop --quiet",
        "godwit up --shadow --max-failures 0 --json --quiet",
        "godwit runs",
        "godwit up --shadow --quiet",
        "godwit quarantine accept --all --shadow",
        "godwit up --shadow --quiet",
        "godwit reset",
    ]), @r#"
    $ godwit up --shadow --on-failure stop --quiet
    2> error: items/d failed step apply of 2.0.0: refused: no
    2> hint: mend the migration or the item, then the same command goes on; `--on-failure quarantine` leaves such items aside
    2> hint: `godwit reset` drops it; what is live stays as it is
    [exit 4]
    $ godwit up --shadow --max-failures 0 --json --quiet
    2> error: 1 of 4 items failed step apply of 2.0.0, more than 0; the last one, d: refused: no
    2> hint: mend the migration and begin again from before the run, or allow more: the same command with `--max-failures N` goes on
    2> hint: `godwit reset` drops it; what is live stays as it is
    {
      "error": "1 of 4 items failed step apply of 2.0.0, more than 0; the last one, d: refused: no",
      "hint": "mend the migration and begin again from before the run, or allow more: the same command with `--max-failures N` goes on",
      "run": 1,
      "retreat": "godwit reset"
    }
    [exit 4]
    $ godwit runs
    run  started               what         state   versions             can be undone
      1  [moment]  up --shadow  failed  made 1.0.0 -> 2.0.0  no, godwit reset
    run 1 failed: 1 of 4 items failed step apply of 2.0.0, more than 0; the last one, d: refused: no
    $ godwit up --shadow --quiet
    2> hint: `godwit quarantine list --shadow` names the items; mend the migration and `godwit quarantine retry --shadow`, or `godwit quarantine accept --shadow` them; then `godwit up --shadow` goes on. `godwit reset` drops it
    run 1: made 1.0.0 -> 2.0.0, blocked
      made 2.0.0 apply on items: 4 read, 3 updated, 1 failed
      1 item of made is in quarantine, so that 2.0.0 (offline) is not applied
    shadow run of all apps to the newest version: waiting for what is in quarantine
      copied 4 of 4 items of items, notes
      run 1 is blocked
      0 writes of the application to follow
      1 item in quarantine
      a finalization, for which the application waits, would be done in [time]
    [exit 4]
    $ godwit quarantine accept --all --shadow
    2> hint: `godwit up --shadow` goes on
    1 item accepted
    $ godwit up --shadow --quiet
    2> hint: `godwit finalize` makes it live, `godwit up --shadow` follows what was written since, `godwit reset` drops it
    run 1: made 1.0.0 -> 2.0.0, completed
      made 2.0.0 apply on items: 4 read, 3 updated, 1 failed
    shadow run of all apps to the newest version: ready to be finalized
      copied 4 of 4 items of items, notes
      run 1 is completed
      0 writes of the application to follow
      left to the end: made 3.0.0: look, 4 items
      a finalization, for which the application waits, would be done in [time]
    $ godwit reset
    the shadow run is dropped; what is live is as it was
    "#);
}

#[test]
fn quarantine_names_the_command_that_goes_on_at_the_end() {
    let cli = bad_in("3.0.0/look");
    cli.prepare(&["godwit up --shadow --quiet"]);
    let blocked = cli.run("godwit finalize --quiet");
    assert_eq!(blocked.code, Some(4), "{blocked}");
    let retried = cli.run("godwit quarantine retry --shadow");
    assert_eq!(retried.code, Some(4), "{retried}");
    let accepted = cli.run("godwit quarantine accept --all --shadow");
    assert_eq!(
        accepted.err, "hint: `godwit finalize` goes on\n",
        "{accepted}"
    );
    let live = cli.run("godwit finalize");
    assert!(live.out.contains("it is live"), "{live}");
}

#[test]
fn it_ends_well_where_only_the_end_is_left_or_nothing() {
    let orders = [
        Order::new("made", "2.0.0").step(derive("look", "items", "notes")),
        Order::new("made", "3.0.0").step(rewrite("apply", "items")),
    ];
    let cli = desk("lmdb", &orders, ITEMS);
    let ready = cli.run("godwit up --shadow");
    assert_eq!(ready.code, Some(0), "{ready}");
    assert!(ready.out.contains("ready to be finalized"), "{ready}");
    cli.prepare(&["godwit finalize --quiet", "godwit up --shadow --quiet"]);
}

/// A store whose commands wait until a file says that all is well.
fn while_not_well() -> Cli {
    let cli = desk("lmdb", &two(), ITEMS);
    let config = cli.read("godwit.toml");
    cli.write(
        "held.toml",
        format!("{config}[run]\nhealth = \"test -f well\"\nhealth-every = \"20 ms\"\n"),
    );
    cli
}

#[test]
fn stats_tell_whether_anybody_works_on_it() {
    let cli = while_not_well();
    let started = cli.start("godwit --config held.toml up --shadow");
    while !cli.run("godwit stats").out.contains(": under way\n") {}
    assert_eq!(cli.run("godwit stats --json").json()["is_alive"], true);
    started.interrupt();
    assert_eq!(started.finish().code, Some(130));
    let stats = cli.run("godwit stats");
    assert!(
        stats.out.contains(": not done, and nobody works on it\n"),
        "{stats}"
    );
    assert_eq!(
        stats.err,
        "hint: `godwit up --shadow` goes on; `godwit reset` drops it\n"
    );
    assert_eq!(cli.run("godwit stats --json").json()["is_alive"], false);

    let cli = bad_in("2.0.0/apply");
    cli.run("godwit up --shadow --quiet");
    let stats = cli.run("godwit stats");
    assert!(
        stats.out.contains(": waiting for what is in quarantine\n"),
        "{stats}"
    );
    assert!(
        stats
            .err
            .starts_with("hint: `godwit quarantine list --shadow` names the items"),
        "{stats}"
    );
}

#[test]
fn what_was_stopped_before_its_end_is_not_done() {
    let cli = while_not_well();
    let stopped = |line: &str| {
        let started = cli.start(&format!("godwit --config held.toml {line}"));
        while cli.run("godwit cancel").code != Some(0) {}
        started.finish()
    };
    let ended = stopped("up --shadow");
    assert_eq!(ended.code, Some(130), "{ended}");
    cli.write("new.json", "{\"_id\":\"b\"}");
    cli.prepare(&[
        "godwit up --shadow --quiet",
        "godwit put items b --version 1.0.0 new.json",
    ]);
    let ended = stopped("finalize");
    assert_eq!(ended.code, Some(130), "{ended}");
    assert!(!ended.out.contains("it is live"), "{ended}");
    cli.prepare(&["godwit finalize"]);
}

#[test]
fn events_on_standard_output_are_alone_there() {
    let cli = desk("lmdb", &two(), ITEMS);
    for (line, last) in [("up --shadow", "run_done"), ("finalize", "switched")] {
        let ended = cli.run(&format!("godwit {line} --events -"));
        assert_eq!(ended.code, Some(0), "{ended}");
        let lines = ended.out.lines();
        let events: Vec<serde_json::Value> = lines
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect();
        assert_eq!(events.last().unwrap()["event"], last, "{ended}");
    }
}

#[test]
fn json_has_findings_and_timings() {
    let cli = desk("lmdb", &two(), ITEMS);
    cli.write("plugins/none.wasm", "no component");
    let ended = cli.run("godwit up --shadow --accept invalid-file --timings --json");
    assert_eq!(ended.code, Some(0), "{ended}");
    let told = ended.json();
    assert_eq!(told["findings"][0]["kind"], "invalid-file", "{told}");
    assert!(
        told["timings"]["transform"]["times"].as_u64() > Some(0),
        "{told}"
    );
    assert_eq!(told["shadow"]["stats"]["is_ready"], true);
    let text = cli.run("godwit up --shadow --accept invalid-file --timings");
    assert!(
        text.out.contains("transforming, all threads together"),
        "{text}"
    );
}

#[test]
fn that_it_makes_no_backup_is_said_where_one_is_asked_for() {
    let cli = desk("lmdb", &two(), ITEMS);
    let config = cli.read("godwit.toml");
    cli.write(
        "always.toml",
        format!("{config}[run]\nbackup = \"always\"\n"),
    );
    let up = cli.run("godwit --config always.toml up --shadow");
    assert_eq!(up.code, Some(0), "{up}");
    assert!(
        up.err.contains("warning: a shadow run makes no backup"),
        "{up}"
    );
    assert!(!cli.path("store.backups").exists());
    let silent = cli.run("godwit up --shadow");
    assert!(!silent.err.contains("backup"), "{silent}");
}

#[test]
fn an_item_is_as_long_as_a_line_of_an_import_may_be() {
    let cli = desk("lmdb", &two(), ITEMS);
    let config = cli.read("godwit.toml");
    cli.write("small.toml", format!("{config}[limits]\nbody-size = 100\n"));
    for (length, code) in [(100, 0), (101, 2)] {
        let text = "x".repeat(length - "{'_id':'b','x':''}".len());
        cli.write("b.json", format!("{{\"_id\":\"b\",\"x\":\"{text}\"}}\n"));
        let put = cli.run("godwit --config small.toml put items b --version 1.0.0 b.json");
        assert_eq!(put.code, Some(code), "{put}");
    }
    let put = cli.run("godwit --config small.toml put items b --version 1.0.0 b.json");
    assert!(
        put.err
            .contains("a body has 100 bytes at most, its has 101"),
        "{put}"
    );
    cli.prepare(&["godwit put items b --version 1.0.0 b.json"]);
}

//! `godwit quarantine`

use godwit_tests::cli::Cli;
use godwit_tests::made::{LAYOUTS, Order, doing, plain, rewrite};
use serde_json::json;

use super::{GOOD, KINDS, MIXED, of_kind, with_items};

#[test]
fn an_item_that_failed_is_shown_tried_again_and_accepted() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = of_kind(kind, MIXED, &["append-2-0-0"]);
            let seen = cli.session(&[
                "godwit up --quiet",
                "godwit quarantine list",
                "godwit quarantine list --json",
                "godwit quarantine list --collection other",
                "godwit quarantine show items/b",
                "godwit quarantine show items/c",
                "godwit quarantine show items/b --json",
                "godwit quarantine retry items/b",
                "godwit quarantine retry --json",
                "godwit quarantine accept items/b",
                "godwit quarantine list",
                "godwit quarantine accept --all --json",
                "godwit quarantine list",
                "godwit quarantine list --accepted",
                "godwit quarantine show items/b",
                "godwit up",
                "godwit status",
                "godwit history",
            ]).replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @r#"
            $ godwit up --quiet
            2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 1` goes back
            run 1: append 1.0.0 -> 2.0.0, blocked
              append 2.0.0 append on items: 4 read, 2 updated, 2 failed
              2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
            [exit 4]
            $ godwit quarantine list
            items/b  2.0.0 step append: refused: this item is bad
            items/c  2.0.0 step append: trapped: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed
            $ godwit quarantine list --json
            {"collection":"items","id":"b","version":"1.0.0","failure":{"kind":"refused","reason":"this item is bad","migration":"2.0.0","step":"append","run":1,"at":"[moment]","accepted":false}}
            {"collection":"items","id":"c","version":"1.0.0","failure":{"kind":"trapped","reason":"panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed; wasm backtrace: [frames]","migration":"2.0.0","step":"append","run":1,"at":"[moment]","accepted":false}}
            $ godwit quarantine list --collection other
            the quarantine is empty
            $ godwit quarantine show items/b
            2> hint: the migration says so of this item: mend the item, or let the migration take it
            items/b has version 1.0.0
              failed   2.0.0 step append
              kind     refused
              reason   this item is bad
              run      1, [moment]
              accepted no
            {"_id":"b","bad":true}
            $ godwit quarantine show items/c
            2> hint: mend the code: the reason leads from where it stopped to where it was called, and a panic's message is in the log
            items/c has version 1.0.0
              failed   2.0.0 step append
              kind     trapped
              reason   panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed; wasm backtrace: [frames]
              run      1, [moment]
              accepted no
            {"_id":"c","panic":true}
            $ godwit quarantine show items/b --json
            {
              "collection": "items",
              "id": "b",
              "version": "1.0.0",
              "failure": {
                "kind": "refused",
                "reason": "this item is bad",
                "migration": "2.0.0",
                "step": "append",
                "run": 1,
                "at": "[moment]",
                "accepted": false
              },
              "body": {
                "_id": "b",
                "bad": true
              }
            }
            $ godwit quarantine retry items/b
            2> run 2
            2> append 2.0.0 append on items (1 item)
            2> quarantine: b: refused: this item is bad
            2> append 2.0.0 append on items: 1 read, 1 failed in [time]
            2 items left in quarantine
            [exit 4]
            $ godwit quarantine retry --json
            {
              "runs": [
                {
                  "run": {
                    "id": 3,
                    "purpose": "retry",
                    "state": "completed",
                    "started_at": "[moment]",
                    "changed_at": "[moment]",
                    "seed": "[seed]",
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
                          "source": {
                            "quarantine": null
                          }
                        }
                      ]
                    },
                    "stages_done": 1,
                    "has_pre_images": true
                  },
                  "steps": [
                    {
                      "app": "append",
                      "version": "2.0.0",
                      "phase": "offline",
                      "step": "append",
                      "collection": "items",
                      "done": true,
                      "counts": {
                        "read": 2,
                        "unchanged": 0,
                        "updated": 0,
                        "removed": 0,
                        "failed": 2,
                        "written": 0,
                        "bytes": 46
                      }
                    }
                  ],
                  "open": 2
                }
              ],
              "left": 2
            }
            [exit 4]
            $ godwit quarantine accept items/b
            2> hint: `godwit up` goes on once 1 more item in quarantine is retried or accepted
            1 item accepted
            $ godwit quarantine list
            items/c  2.0.0 step append: trapped: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed
            $ godwit quarantine accept --all --json
            {
              "accepted": 1
            }
            $ godwit quarantine list
            the quarantine is empty
            $ godwit quarantine list --accepted
            items/b  2.0.0 step append: refused: this item is bad (accepted)
            items/c  2.0.0 step append: trapped: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed (accepted)
            $ godwit quarantine show items/b
            2> hint: the migration says so of this item: mend the item, or let the migration take it
            items/b has version 1.0.0
              failed   2.0.0 step append
              kind     refused
              reason   this item is bad
              run      3, [moment]
              accepted yes
            {"_id":"b","bad":true}
            $ godwit up
            2> run 1 goes on
            2> applied append 2.0.0 (offline)
            2> hint: `godwit undo 3 && godwit undo 2 && godwit undo 1` would put everything back
            run 1: append 1.0.0 -> 2.0.0, completed
              append 2.0.0 append on items: 4 read, 2 updated, 2 failed
            $ godwit status
            [kind]:store, [size]
            append is at 2.0.0, which may serve
            collection  app     version  items  quarantine  accepted  behind
            items       append  2.0.0        4           0         2       0
            $ godwit history
            when                  app     version  what               run  file               digest        items
            [moment]  append  1.0.0    baseline
            [moment]  append  2.0.0    applied (offline)  1    append-2-0-0.wasm  [digest]  4 read, 2 updated, 2 failed, 2 accepted in quarantine
            "#);
        }
    }
}

#[test]
fn a_mended_migration_takes_items_out_of_it() {
    let items = [
        plain("a"),
        doing("b", "2.0.0/apply", json!([["fail", "no"]])),
    ];
    let cli = Cli::on("lmdb", &[]);
    cli.write(
        "items.ndjson",
        items.map(|(_, body)| format!("{body}\n")).concat(),
    );
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    cli.write("plugins/made.wasm", order.file(LAYOUTS[0]));
    cli.prepare(&["godwit import --app made --collection items --version 1.0.0 items.ndjson"]);
    assert_eq!(cli.run("godwit up").code, Some(4));
    cli.write("plugins/made.wasm", order.mended().file(LAYOUTS[0]));
    insta::assert_snapshot!(cli.session(&[
        "godwit up",
        "godwit quarantine retry",
        "godwit up",
        "godwit status",
        "godwit history",
        "godwit plan",
    ]), @"
    $ godwit up
    2> error: made 2.0.0 (plugins/made.wasm): the file has digest [digest], run 1 is in progress with [digest] [digest-drift]
    2> hint: put the plugins/made.wasm back that the run began with, then `godwit up`; or start again with the new one: `godwit undo 1`, then `godwit up`; or go on with the new one: `godwit up --accept digest-drift`
    2> error: nothing was planned: 1 finding to decide first
    [exit 3]
    $ godwit quarantine retry
    2> run 2
    2> made 2.0.0 apply on items (1 item)
    2> made 2.0.0 apply on items: 1 read, 1 updated in [time]
    2> hint: `godwit up` goes on
    0 items left in quarantine
    $ godwit up
    2> run 1 goes on
    2> applied made 2.0.0 (offline)
    2> hint: `godwit undo 2 && godwit undo 1` would put everything back
    run 1: made 1.0.0 -> 2.0.0, completed
      made 2.0.0 apply on items: 2 read, 1 updated, 1 failed
    $ godwit status
    lmdb:store, [size]
    made is at 2.0.0, which may serve
    collection  app   version  items  quarantine  accepted  behind
    items       made  2.0.0        2           0         0       0
    $ godwit history
    when                  app   version  what               run  file       digest        items
    [moment]  made  1.0.0    baseline
    [moment]  made  2.0.0    applied (offline)  1    made.wasm  [digest]  2 read, 1 updated, 1 failed
    $ godwit plan
    nothing to do: everything is up to date
    ");
}

#[test]
fn items_in_quarantine_can_be_replaced_while_their_run_is_blocked() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    cli.write(
        "b.ndjson",
        "{\"_id\":\"b\",\"bad\":false}\n{\"_id\":\"a\"}\n",
    );
    cli.write("c.ndjson", "{\"_id\":\"c\",\"bad\":false}\n");
    assert_eq!(cli.run("godwit up").code, Some(4));
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version 1.0.0 b.ndjson",
        "godwit import --collection items --version 1.0.0 --on-existing replace b.ndjson",
        "godwit import --collection items --version 1.0.0 --on-existing replace c.ndjson",
        "godwit status",
        "godwit up",
        "godwit up",
    ]), @"
    $ godwit import --collection items --version 1.0.0 b.ndjson
    2> error: run 1 of append is blocked, and must be finished or taken back first
    2> hint: `godwit up` goes on once the items in quarantine were retried or accepted; `godwit undo 1` goes back. Until then, `--on-existing replace` takes the place of items in quarantine only
    [exit 3]
    $ godwit import --collection items --version 1.0.0 --on-existing replace b.ndjson
    2> warning: line 2: run 1 is blocked, and the item `a` is not in quarantine
    2> hint: mend these lines and import the file again: what is there already is left alone
    2> hint: `godwit up` goes on once the items in quarantine were retried or accepted; `godwit undo 1` goes back
    2> hint: `godwit up` brings those that wait up to date
    items (append 1.0.0): 2 documents: 1 replaced (1 waiting), 1 not imported in [time]
    [exit 4]
    $ godwit import --collection items --version 1.0.0 --on-existing replace c.ndjson
    2> hint: `godwit up` brings those that wait up to date
    items (append 1.0.0): 1 document: 1 replaced (1 waiting) in [time]
    $ godwit status
    2> hint: nothing is in quarantine any more: `godwit up` goes on
    lmdb:store, [size]
    append is at 1.0.0; none may serve before run 1 is done
    collection  app     version  items  quarantine  accepted  behind
    items       append  2.0.0        4           0         0       2
    run 1 is blocked: nothing of append is in quarantine any more, so that 2.0.0 (offline) can be applied
    $ godwit up
    2> run 1 goes on
    2> applied append 2.0.0 (offline)
    2> run 2
    2> no backup: run 2 keeps pre-images, `godwit undo 2` puts everything back
    2> append 2.0.0 append on items (2 items)
    2> append 2.0.0 append on items: 2 read, 2 updated in [time]
    2> hint: `godwit undo 2` would put everything back
    run 1: append 1.0.0 -> 2.0.0, completed
      append 2.0.0 append on items: 4 read, 2 updated, 2 failed
    run 2: append 1.0.0 -> 2.0.0, completed
      append 2.0.0 append on items: 2 read, 2 updated
    $ godwit up
    nothing to do: everything is up to date
    ");
}

#[test]
fn what_is_told_is_as_it_is_now() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    assert_eq!(cli.run("godwit up").code, Some(4));
    insta::assert_snapshot!(cli.session(&[
        "godwit status",
        "godwit quarantine accept items/c",
        "godwit status",
        "godwit runs",
        "godwit runs 1",
        "godwit quarantine retry",
        "godwit quarantine list --accepted",
    ]), @"
    $ godwit status
    2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 1` goes back
    lmdb:store, [size]
    append is at 1.0.0; none may serve before run 1 is done
    collection  app     version  items  quarantine  accepted  behind
    items       append  2.0.0        4           2         0       0
    run 1 is blocked: 2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
    $ godwit quarantine accept items/c
    2> hint: `godwit up` goes on once 1 more item in quarantine is retried or accepted
    1 item accepted
    $ godwit status
    2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 1` goes back
    lmdb:store, [size]
    append is at 1.0.0; none may serve before run 1 is done
    collection  app     version  items  quarantine  accepted  behind
    items       append  2.0.0        4           1         1       0
    run 1 is blocked: 1 item of append is in quarantine, so that 2.0.0 (offline) is not applied
    $ godwit runs
    run  started               what  state    versions               can be undone
      1  [moment]  up    blocked  append 1.0.0 -> 2.0.0  yes
    run 1 is blocked: 1 item of append is in quarantine, so that 2.0.0 (offline) is not applied
    $ godwit runs 1
    run 1: append 1.0.0 -> 2.0.0, blocked
      append 2.0.0 append on items: 4 read, 2 updated, 2 failed
      1 item of append is in quarantine, so that 2.0.0 (offline) is not applied
    $ godwit quarantine retry
    2> run 2
    2> append 2.0.0 append on items (1 item)
    2> quarantine: b: refused: this item is bad
    2> append 2.0.0 append on items: 1 read, 1 failed in [time]
    1 item left in quarantine
    [exit 4]
    $ godwit quarantine list --accepted
    items/b  2.0.0 step append: refused: this item is bad
    items/c  2.0.0 step append: trapped: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed (accepted)
    ");
}

#[test]
fn what_is_not_in_it_is_named() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit quarantine list",
        "godwit quarantine list --json",
        "godwit quarantine show items/a",
        "godwit quarantine show items/a --json",
        "godwit quarantine retry",
        "godwit quarantine retry items/a",
        "godwit quarantine retry other/a",
        "godwit quarantine accept items/zzz",
        "godwit quarantine accept --all",
        "godwit quarantine accept --all items/a",
    ]), @r#"
$ godwit quarantine list
the quarantine is empty
$ godwit quarantine list --json
$ godwit quarantine show items/a
2> error: items/a is not in quarantine
2> hint: `godwit quarantine list` lists the items
[exit 2]
$ godwit quarantine show items/a --json
2> error: items/a is not in quarantine
2> hint: `godwit quarantine list` lists the items
{
  "error": "items/a is not in quarantine",
  "hint": "`godwit quarantine list` lists the items"
}
[exit 2]
$ godwit quarantine retry
the quarantine is empty: nothing to try again
$ godwit quarantine retry items/a
2> error: items/a is not in quarantine
2> hint: `godwit quarantine list` lists the items
[exit 2]
$ godwit quarantine retry other/a
2> error: other/a is not in quarantine
2> hint: `godwit quarantine list` lists the items
[exit 2]
$ godwit quarantine accept items/zzz
2> error: items/zzz is not in quarantine
2> hint: `godwit quarantine list` lists the items
[exit 2]
$ godwit quarantine accept --all
0 items accepted
$ godwit quarantine accept --all items/a
2> error: the argument '--all' cannot be used with '[COLLECTION/ID]...'
2> 
2> Usage: godwit quarantine accept --all [COLLECTION/ID]...
2> 
2> For more information, try '--help'.
[exit 2]
"#);
}

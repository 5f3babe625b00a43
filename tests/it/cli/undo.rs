//! `godwit undo`

use super::{GOOD, KINDS, MIXED, of_kind, with_items};

#[test]
fn everything_is_put_back_byte_for_byte() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = of_kind(kind, GOOD, &["append-2-0-0", "append-3-0-0"]);
            let seen = cli.session(&[
                "godwit up --quiet",
                "godwit undo 1",
                "godwit export --collection items",
                "godwit export --collection tallies",
                "godwit undo 1",
                "godwit status",
                "godwit history",
                "godwit runs",
                "godwit up --quiet",
            ]).replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @r#"
            $ godwit up --quiet
            run 1: append 1.0.0 -> 3.0.0, completed
              append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
              append 3.0.0 append on items: 3 read, 2 updated, 1 unchanged, 1 written elsewhere
            $ godwit undo 1
            run 1 is undone: 7 changes put back
            $ godwit export --collection items
            {"_id":"a","n":1}
            {"_id":"b","keep":true}
            {"_id":"c","remove":true}
            {"_id":"d","tally":true}
            $ godwit export --collection tallies
            2> error: there is no collection tallies
            2> hint: `godwit status` lists the collections
            [exit 2]
            $ godwit undo 1
            run 1 is undone already
            $ godwit status
            [kind]:store, [size]
            append is at 1.0.0, which may serve
            collection  app     version  items  quarantine  accepted  behind
            items       append  1.0.0        4           0         0       0
            $ godwit history
            when                  app     version  what               run  file               digest        items
            [moment]  append  1.0.0    baseline
            [moment]  append  2.0.0    applied (offline)  1    append-2-0-0.wasm  [digest]  4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
            [moment]  append  3.0.0    applied (offline)  1    append-3-0-0.wasm  [digest]  3 read, 2 updated, 1 unchanged, 1 written elsewhere
            [moment]  append  3.0.0    undone (offline)   1
            [moment]  append  2.0.0    undone (offline)   1
            $ godwit runs
            run  started               what  state   versions               can be undone
              1  [moment]  up    undone  append 1.0.0 -> 3.0.0  no
            $ godwit up --quiet
            run 2: append 1.0.0 -> 3.0.0, completed
              append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
              append 3.0.0 append on items: 3 read, 2 updated, 1 unchanged, 1 written elsewhere
            "#);
        }
    }
}

#[test]
fn items_that_were_changed_since_are_named_or_left() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.write("new.ndjson", "{\"_id\":\"a\",\"n\":9}\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit up --quiet",
        "godwit import --collection items --version 2.0.0 --on-existing replace new.ndjson",
        "godwit undo 1",
        "godwit undo 1 --json",
        "godwit undo 1 --leave-changed",
        "godwit export --collection items",
    ]), @r#"
$ godwit up --quiet
run 1: append 1.0.0 -> 2.0.0, completed
  append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
$ godwit import --collection items --version 2.0.0 --on-existing replace new.ndjson
items (append 2.0.0): 1 document: 1 replaced in [time]
$ godwit undo 1
2> error: 1 item was changed after run 1: items/a
2> hint: nothing was undone; `godwit undo 1 --leave-changed` leaves these items as they are
[exit 2]
$ godwit undo 1 --json
2> error: 1 item was changed after run 1: items/a
2> hint: nothing was undone; `godwit undo 1 --leave-changed` leaves these items as they are
{
  "error": "1 item was changed after run 1: items/a",
  "hint": "nothing was undone; `godwit undo 1 --leave-changed` leaves these items as they are"
}
[exit 2]
$ godwit undo 1 --leave-changed
run 1 is undone: 3 changes put back
1 item left alone: changed after the run
$ godwit export --collection items
{"_id":"a","n":9}
{"_id":"b","keep":true}
{"_id":"c","remove":true}
{"_id":"d","tally":true}
"#);
}

#[test]
fn runs_are_undone_from_the_last_one_back() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    cli.prepare(&["godwit up --to 2.0.0", "godwit up"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit undo 7",
        "godwit undo 1",
        "godwit undo 2 --json",
        "godwit undo 1",
    ]), @r#"
$ godwit undo 7
2> error: there is no run 7
2> hint: `godwit runs` lists the runs
[exit 2]
$ godwit undo 1
2> error: run 1 cannot be undone: run 2 came after it; undo that one first
2> hint: `godwit runs` shows the states of the runs
[exit 2]
$ godwit undo 2 --json
{
  "restored": 3,
  "left": 0,
  "done": true
}
$ godwit undo 1
run 1 is undone: 4 changes put back
"#);
}

#[test]
fn what_is_to_be_undone_first_is_named_first() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    cli.write("a.json", "{\"_id\":\"a\"}");
    assert_eq!(cli.run("godwit up").code, Some(4));
    assert_eq!(cli.run("godwit quarantine retry").code, Some(4));
    insta::assert_snapshot!(cli.session(&[
        "godwit up --quiet",
        "godwit status",
        "godwit runs",
        "godwit put items a --version 1.0.0 a.json",
        "godwit put items a --version 1.0.0 a.json --json",
        "godwit import --collection items --version 1.0.0 a.json",
        "godwit undo 1",
        "godwit undo 2",
        "godwit runs",
        "godwit undo 1",
    ]), @r#"
    $ godwit up --quiet
    2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 2 && godwit undo 1` goes back
    run 1: append 1.0.0 -> 2.0.0, blocked
      append 2.0.0 append on items: 4 read, 2 updated, 2 failed
      2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
    [exit 4]
    $ godwit status
    2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 2 && godwit undo 1` goes back
    lmdb:store, [size]
    append is at 1.0.0; none may serve before run 1 is done
    collection  app     version  items  quarantine  accepted  behind
    items       append  2.0.0        4           2         0       0
    run 1 is blocked: 2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
    $ godwit runs
    run  started               what              state      versions               can be undone
      1  [moment]  up                blocked    append 1.0.0 -> 2.0.0  not before run 2
      2  [moment]  quarantine retry  completed  append 1.0.0 -> 2.0.0  yes
    run 1 is blocked: 2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
    $ godwit put items a --version 1.0.0 a.json
    2> error: run 1 is blocked: items of append cannot be written until it is finished or taken back
    2> hint: `godwit up` goes on once the items in quarantine were retried or accepted; `godwit undo 2 && godwit undo 1` goes back
    [exit 5]
    $ godwit put items a --version 1.0.0 a.json --json
    2> error: run 1 is blocked: items of append cannot be written until it is finished or taken back
    2> hint: `godwit up` goes on once the items in quarantine were retried or accepted; `godwit undo 2 && godwit undo 1` goes back
    {
      "error": "run 1 is blocked: items of append cannot be written until it is finished or taken back",
      "hint": "`godwit up` goes on once the items in quarantine were retried or accepted; `godwit undo 2 && godwit undo 1` goes back"
    }
    [exit 5]
    $ godwit import --collection items --version 1.0.0 a.json
    2> error: run 1 of append is blocked, and must be finished or taken back first
    2> hint: `godwit up` goes on once the items in quarantine were retried or accepted; `godwit undo 2 && godwit undo 1` goes back. Until then, `--on-existing replace` takes the place of items in quarantine only
    [exit 3]
    $ godwit undo 1
    2> error: run 1 cannot be undone: run 2 came after it; undo that one first
    2> hint: `godwit runs` shows the states of the runs
    [exit 2]
    $ godwit undo 2
    run 2 is undone: 0 changes put back
    $ godwit runs
    run  started               what              state    versions               can be undone
      1  [moment]  up                blocked  append 1.0.0 -> 2.0.0  yes
      2  [moment]  quarantine retry  undone   append 1.0.0 -> 2.0.0  no
    run 1 is blocked: 2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
    $ godwit undo 1
    run 1 is undone: 2 changes put back
    "#);
    assert_eq!(cli.run("godwit export --collection items").out, MIXED);
}

#[test]
fn a_blocked_run_can_be_undone() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit up --quiet",
        "godwit undo 1",
        "godwit quarantine list",
        "godwit status",
    ]), @"
    $ godwit up --quiet
    2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 1` goes back
    run 1: append 1.0.0 -> 2.0.0, blocked
      append 2.0.0 append on items: 4 read, 2 updated, 2 failed
      2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
    [exit 4]
    $ godwit undo 1
    run 1 is undone: 2 changes put back
    $ godwit quarantine list
    the quarantine is empty
    $ godwit status
    lmdb:store, [size]
    append is at 1.0.0, which may serve
    collection  app     version  items  quarantine  accepted  behind
    items       append  1.0.0        4           0         0       0
    ");
    assert_eq!(cli.run("godwit export --collection items").out, MIXED);
}

//! `godwit up --dry-run`

use super::{GOOD, KINDS, MIXED, of_kind, with_items};

#[test]
fn every_change_and_every_failure_is_named() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = of_kind(kind, &format!("{MIXED}{}", GOOD.replace("\"_id\":\"", "\"_id\":\"good-")), &["append-2-0-0"]);
            let seen = cli.session(&["godwit up --dry-run"]).replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @r#"
$ godwit up --dry-run
2> dry run: nothing is written
2> append 2.0.0 append on items (8 items)
2> log error: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics
2> quarantine: b: refused: this item is bad
2> quarantine: c: trapped: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed
2> append 2.0.0 append on items: 8 read, 4 updated, 1 unchanged, 1 removed, 2 failed, 1 written elsewhere in [time]
~ items/a
    + /trail: ["2.0.0"]
~ items/d
    + /trail: ["2.0.0"]
~ items/good-a
    + /trail: ["2.0.0"]
- items/good-c
~ items/good-d
    + /trail: ["2.0.0"]
+ tallies/total
    + {"_id":"total","count":1}
! items/b: 2.0.0: refused: this item is bad
! items/c: 2.0.0: trapped: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed
append 1.0.0 -> 2.0.0: would be blocked by the items that fail
  append 2.0.0 append on items: 8 read, 4 updated, 1 unchanged, 1 removed, 2 failed, 1 written elsewhere
dry run: 6 items would change, 2 items would fail; nothing was written
[exit 4]
"#);
        }
    }
}

#[test]
fn as_json_each_is_a_line() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --dry-run --json"]), @r#"
$ godwit up --dry-run --json
{"change":{"collection":"items","id":"a","before":{"_id":"a","n":1},"after":{"_id":"a","n":1,"trail":["2.0.0"]}}}
{"change":{"collection":"items","id":"d","before":{"_id":"d","n":4},"after":{"_id":"d","n":4,"trail":["2.0.0"]}}}
{"failure":{"collection":"items","id":"b","failure":{"kind":"refused","reason":"this item is bad","migration":"2.0.0","step":"append","run":1,"at":"[moment]","accepted":false}}}
{"failure":{"collection":"items","id":"c","failure":{"kind":"trapped","reason":"panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed; wasm backtrace: [frames]","migration":"2.0.0","step":"append","run":1,"at":"[moment]","accepted":false}}}
{"dry_run":{"runs":[{"run":{"id":1,"purpose":"up","state":"blocked","reason":"2 items of append are in quarantine, so that 2.0.0 (offline) is not applied","started_at":"[moment]","changed_at":"[moment]","seed":"[seed]","plan":{"stages":[{"app":"append","version":"2.0.0","from":"1.0.0","phase":"offline","digest":"[digest]","file":"append-2-0-0.wasm","first_step":0,"steps":[{"name":"append","phase":"offline","transform":{"mode":"rewrite","collection":"items","reads":[],"writes":["tallies"]}}],"source":"collection"}]},"stages_done":0,"has_pre_images":true},"steps":[{"app":"append","version":"2.0.0","phase":"offline","step":"append","collection":"items","done":true,"counts":{"read":4,"unchanged":0,"updated":2,"removed":0,"failed":2,"written":0,"bytes":80}}],"open":2}],"findings":[]}}
[exit 4]
"#);
}

#[test]
fn of_one_item_the_change_is_shown() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit up --dry-run --id items/a",
        "godwit up --dry-run --id items/a --to 2.0.0 --quiet",
        "godwit up --dry-run --id items/b",
        "godwit up --dry-run --id items/zzz",
    ]), @r#"
$ godwit up --dry-run --id items/a
2> dry run: nothing is written
2> append 2.0.0 append on items (1 item)
2> append 2.0.0 append on items: 1 read, 1 updated in [time]
2> append 3.0.0 append on items (1 item)
2> append 3.0.0 append on items: 1 read, 1 updated in [time]
~ items/a
    + /trail: ["2.0.0","3.0.0"]
append 1.0.0 -> 3.0.0: would be completed
  append 2.0.0 append on items: 1 read, 1 updated
  append 3.0.0 append on items: 1 read, 1 updated
dry run: 1 item would change, 0 items would fail; nothing was written
$ godwit up --dry-run --id items/a --to 2.0.0 --quiet
~ items/a
    + /trail: ["2.0.0"]
append 1.0.0 -> 2.0.0: would be completed
  append 2.0.0 append on items: 1 read, 1 updated
dry run: 1 item would change, 0 items would fail; nothing was written
$ godwit up --dry-run --id items/b
2> dry run: nothing is written
2> append 2.0.0 append on items (1 item)
2> append 2.0.0 append on items: 1 read, 1 unchanged in [time]
2> append 3.0.0 append on items (1 item)
2> append 3.0.0 append on items: 1 read, 1 unchanged in [time]
append 1.0.0 -> 3.0.0: would be completed
  append 2.0.0 append on items: 1 read, 1 unchanged
  append 3.0.0 append on items: 1 read, 1 unchanged
dry run: 0 items would change, 0 items would fail; nothing was written
$ godwit up --dry-run --id items/zzz
2> error: there is no item items/zzz
2> hint: check the collection and the id
[exit 2]
"#);
}

#[test]
fn nothing_is_written() {
    for kind in KINDS {
        let cli = of_kind(kind, MIXED, &["append-2-0-0"]);
        let seen = || {
            let looks = [
                "godwit status --json",
                "godwit history --json",
                "godwit runs --json",
            ];
            let looks = looks.iter().map(|look| cli.run(look).json());
            let mut seen: Vec<_> = looks.collect();
            seen[0]["bytes"] = serde_json::Value::Null;
            (seen, cli.run("godwit export --collection items").out)
        };
        let before = seen();
        assert_eq!(cli.run("godwit up --dry-run").code, Some(4));
        assert_eq!(seen(), before, "{kind}");
    }
}

#[test]
fn no_store_is_made() {
    let cli = super::Cli::on("lmdb", &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --dry-run"]), @r#"
$ godwit up --dry-run
2> error: there is no store at store
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
"#);
    assert!(!cli.path("store").exists());
}

#[test]
fn nothing_to_do_is_said() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.prepare(&["godwit up"]);
    insta::assert_snapshot!(cli.session(&["godwit up --dry-run", "godwit up --dry-run --json"]), @r#"
$ godwit up --dry-run
nothing to do: everything is up to date
$ godwit up --dry-run --json
{"dry_run":{"runs":[],"findings":[]}}
"#);
}

#[test]
fn the_first_failure_may_be_asked_for() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --dry-run --on-failure stop"]), @r#"
$ godwit up --dry-run --on-failure stop
2> dry run: nothing is written
2> append 2.0.0 append on items (4 items)
2> error: items/b failed step append of 2.0.0: refused: this item is bad
2> hint: mend the migration or the item, then the same command goes on; `--on-failure quarantine` leaves such items aside
[exit 4]
"#);
}

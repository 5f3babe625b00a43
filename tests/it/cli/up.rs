//! `godwit up`

use super::{GOOD, KINDS, MIXED, of_kind, with_items};

#[test]
fn everything_pending_is_carried_out_once() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = of_kind(kind, GOOD, &["append-2-0-0", "append-3-0-0"]);
            let seen = cli.session(&[
                "godwit up",
                "godwit up",
                "godwit status",
                "godwit history",
                "godwit runs",
                "godwit export --collection items",
                "godwit export --collection tallies",
            ]).replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @r#"
            $ godwit up
            2> run 1
            2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
            2> append 2.0.0 append on items (4 items)
            2> append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere in [time]
            2> applied append 2.0.0 (offline)
            2> append 3.0.0 append on items (3 items)
            2> append 3.0.0 append on items: 3 read, 2 updated, 1 unchanged, 1 written elsewhere in [time]
            2> applied append 3.0.0 (offline)
            2> hint: `godwit undo 1` would put everything back
            run 1: append 1.0.0 -> 3.0.0, completed
              append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
              append 3.0.0 append on items: 3 read, 2 updated, 1 unchanged, 1 written elsewhere
            $ godwit up
            nothing to do: everything is up to date
            $ godwit status
            [kind]:store, [size]
            append is at 3.0.0, which may serve
            collection  app     version  items  quarantine  accepted  behind
            items       append  3.0.0        3           0         0       0
            tallies     append  3.0.0        1           0         0       0
            $ godwit history
            when                  app     version  what               run  file               digest        items
            [moment]  append  1.0.0    baseline
            [moment]  append  2.0.0    applied (offline)  1    append-2-0-0.wasm  [digest]  4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
            [moment]  append  3.0.0    applied (offline)  1    append-3-0-0.wasm  [digest]  3 read, 2 updated, 1 unchanged, 1 written elsewhere
            $ godwit runs
            run  started               what  state      versions               can be undone
              1  [moment]  up    completed  append 1.0.0 -> 3.0.0  yes
            $ godwit export --collection items
            {"_id":"a","n":1,"trail":["2.0.0","3.0.0"]}
            {"_id":"b","keep":true}
            {"_id":"d","tally":true,"trail":["2.0.0","3.0.0"]}
            $ godwit export --collection tallies
            {"_id":"total","count":2}
            "#);
        }
    }
}

#[test]
fn a_run_as_json() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --json", "godwit up --json"]), @r#"
$ godwit up --json
{
  "runs": [
    {
      "run": {
        "id": 1,
        "purpose": "up",
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
              "source": "collection"
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
            "read": 4,
            "unchanged": 1,
            "updated": 2,
            "removed": 1,
            "failed": 0,
            "written": 1,
            "bytes": 89
          }
        }
      ],
      "open": 0
    }
  ],
  "findings": []
}
$ godwit up --json
{
  "runs": [],
  "findings": []
}
"#);
}

#[test]
fn quiet_is_quiet() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --quiet", "godwit up -q"]), @r#"
$ godwit up --quiet
run 1: append 1.0.0 -> 2.0.0, completed
  append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
$ godwit up -q
nothing to do: everything is up to date
"#);
}

#[test]
fn a_version_after_the_other() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --to 2.0.0", "godwit up"]), @r#"
$ godwit up --to 2.0.0
2> run 1
2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
2> append 2.0.0 append on items (4 items)
2> append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere in [time]
2> applied append 2.0.0 (offline)
2> hint: `godwit undo 1` would put everything back
run 1: append 1.0.0 -> 2.0.0, completed
  append 2.0.0 append on items: 4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
$ godwit up
2> run 2
2> no backup: run 2 keeps pre-images, `godwit undo 2` puts everything back
2> append 3.0.0 append on items (3 items)
2> append 3.0.0 append on items: 3 read, 2 updated, 1 unchanged, 1 written elsewhere in [time]
2> applied append 3.0.0 (offline)
2> hint: `godwit undo 2` would put everything back
run 2: append 2.0.0 -> 3.0.0, completed
  append 3.0.0 append on items: 3 read, 2 updated, 1 unchanged, 1 written elsewhere
"#);
}

#[test]
fn one_item_goes_ahead_and_the_others_follow() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = of_kind(kind, GOOD, &["append-2-0-0", "append-3-0-0"]);
            let seen = cli.session(&[
                "godwit up --id items/a",
                "godwit get items a b --json",
                "godwit status",
                "godwit up --id items/zzz",
                "godwit up --id nothing/a",
                "godwit up",
                "godwit get items a",
                "godwit up --id items/a",
            ]).replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @r#"
            $ godwit up --id items/a
            2> run 1
            2> append 2.0.0 append on items (1 item)
            2> append 2.0.0 append on items: 1 read, 1 updated in [time]
            2> append 3.0.0 append on items (1 item)
            2> append 3.0.0 append on items: 1 read, 1 updated in [time]
            2> hint: `godwit undo 1` would put everything back
            run 1: append 1.0.0 -> 3.0.0, completed
              append 2.0.0 append on items: 1 read, 1 updated
              append 3.0.0 append on items: 1 read, 1 updated
            $ godwit get items a b --json
            {"id":"a","version":"3.0.0","body":{"_id":"a","n":1,"trail":["2.0.0","3.0.0"]}}
            {"id":"b","version":"1.0.0","body":{"_id":"b","keep":true}}
            $ godwit status
            [kind]:store, [size]
            append is at 1.0.0, which may serve
            collection  app     version  items  quarantine  accepted  behind
            items       append  1.0.0        4           0         0       1
            $ godwit up --id items/zzz
            2> error: there is no item items/zzz
            2> hint: check the collection and the id
            [exit 2]
            $ godwit up --id nothing/a
            2> error: there is no item nothing/a
            2> hint: check the collection and the id
            [exit 2]
            $ godwit up
            2> run 2
            2> no backup: run 2 keeps pre-images, `godwit undo 2` puts everything back
            2> append 2.0.0 append on items (3 items)
            2> append 2.0.0 append on items: 3 read, 1 updated, 1 unchanged, 1 removed, 1 written elsewhere in [time]
            2> applied append 2.0.0 (offline)
            2> append 3.0.0 append on items (2 items)
            2> append 3.0.0 append on items: 2 read, 1 updated, 1 unchanged, 1 written elsewhere in [time]
            2> applied append 3.0.0 (offline)
            2> hint: `godwit undo 2` would put everything back
            run 2: append 1.0.0 -> 3.0.0, completed
              append 2.0.0 append on items: 3 read, 1 updated, 1 unchanged, 1 removed, 1 written elsewhere
              append 3.0.0 append on items: 2 read, 1 updated, 1 unchanged, 1 written elsewhere
            $ godwit get items a
            {"_id":"a","n":1,"trail":["2.0.0","3.0.0"]}
            $ godwit up --id items/a
            nothing to do: everything is up to date
            "#);
        }
    }
}

#[test]
fn what_is_derived_of_one_item_alone_is_said_and_the_others_are_added() {
    let cli = super::Cli::on("lmdb", &["bcd-3-1-0"]);
    cli.write(
        "features.ndjson",
        r#"{"_id":"api.A","support":{}}
{"_id":"api.B","support":{}}
{"_id":"css.all","support":{}}
"#,
    );
    cli.prepare(&["godwit import --app bcd --collection features --version 3.0.0 features.ndjson"]);
    let seen = cli.session(&[
        "godwit up --quiet --id features/api.B",
        "godwit get stats namespaces",
        "godwit up --quiet",
        "godwit get stats namespaces",
    ]);
    insta::assert_snapshot!(seen, @r#"
    $ godwit up --quiet --id features/api.B
    2> hint: bcd 3.1.0 index derives from items: of those that are not at 3.1.0 yet it has seen nothing, until `godwit up`
    run 1: bcd 3.0.0 -> 3.1.0, completed
      bcd 3.1.0 index on features: 1 read, 1 unchanged, 1 written elsewhere
    $ godwit get stats namespaces
    {"_id":"namespaces","features":{"api":1}}
    $ godwit up --quiet
    run 2: bcd 3.0.0 -> 3.1.0, completed
      bcd 3.1.0 index on features: 2 read, 2 unchanged, 1 written elsewhere
    $ godwit get stats namespaces
    {"_id":"namespaces","features":{"api":2,"css":1}}
    "#);
}

#[test]
fn an_empty_store_gets_the_history_of_an_up_to_date_one() {
    let cli = super::Cli::on("lmdb", &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit plan", "godwit up --dry-run", "godwit up", "godwit status"]), @"
    $ godwit plan
    2> error: there is no store at store
    2> hint: check the path; `godwit import --store PATH …` makes a new store
    [exit 2]
    $ godwit up --dry-run
    2> error: there is no store at store
    2> hint: check the path; `godwit import --store PATH …` makes a new store
    [exit 2]
    $ godwit up
    2> there was no store at lmdb:store: a new one was made
    2> run 1
    2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
    2> append 2.0.0 append on items (0 items)
    2> append 2.0.0 append on items: 0 read in [time]
    2> applied append 2.0.0 (offline)
    2> hint: `godwit undo 1` would put everything back
    run 1: append new -> 2.0.0, completed
      append 2.0.0 append on items: 0 read
    $ godwit status
    lmdb:store, [size]
    append is at 2.0.0, which may serve
    ");
}

#[test]
fn a_run_that_is_blocked() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = of_kind(kind, MIXED, &["append-2-0-0"]);
            let seen = cli.session(&[
                "godwit up",
                "godwit up",
                "godwit status",
                "godwit plan",
                "godwit runs",
                "godwit runs 1",
            ]).replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @"
            $ godwit up
            2> run 1
            2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
            2> append 2.0.0 append on items (4 items)
            2> log error: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics
            2> quarantine: b: refused: this item is bad
            2> quarantine: c: trapped: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed
            2> append 2.0.0 append on items: 4 read, 2 updated, 2 failed in [time]
            2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 1` goes back
            run 1: append 1.0.0 -> 2.0.0, blocked
              append 2.0.0 append on items: 4 read, 2 updated, 2 failed
              2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
            [exit 4]
            $ godwit up
            2> run 1 goes on
            2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 1` goes back
            run 1: append 1.0.0 -> 2.0.0, blocked
              append 2.0.0 append on items: 4 read, 2 updated, 2 failed
              2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
            [exit 4]
            $ godwit status
            2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit undo 1` goes back
            [kind]:store, [size]
            append is at 1.0.0; none may serve before run 1 is done
            collection  app     version  items  quarantine  accepted  behind
            items       append  2.0.0        4           2         0       0
            run 1 is blocked: 2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
            $ godwit plan
            run 1 is unfinished; `godwit up` goes on with it
            append 1.0.0 -> 2.0.0 (offline) by append-2-0-0.wasm
              append (offline) rewrites items, writes tallies: 2 items, done
            $ godwit runs
            run  started               what  state    versions               can be undone
              1  [moment]  up    blocked  append 1.0.0 -> 2.0.0  yes
            run 1 is blocked: 2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
            $ godwit runs 1
            run 1: append 1.0.0 -> 2.0.0, blocked
              append 2.0.0 append on items: 4 read, 2 updated, 2 failed
              2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
            ");
        }
    }
}

#[test]
fn a_run_that_stops_before_the_first_failure() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit up --on-failure stop",
        "godwit up --on-failure stop --json",
        "godwit status",
        "godwit export --collection items",
    ]), @r#"
    $ godwit up --on-failure stop
    2> run 1
    2> no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back
    2> append 2.0.0 append on items (4 items)
    2> error: items/b failed step append of 2.0.0: refused: this item is bad
    2> hint: mend the migration or the item, then the same command goes on; `--on-failure quarantine` leaves such items aside
    2> hint: `godwit undo 1` goes back
    [exit 4]
    $ godwit up --on-failure stop --json
    2> error: items/b failed step append of 2.0.0: refused: this item is bad
    2> hint: mend the migration or the item, then the same command goes on; `--on-failure quarantine` leaves such items aside
    2> hint: `godwit undo 1` goes back
    {
      "error": "items/b failed step append of 2.0.0: refused: this item is bad",
      "hint": "mend the migration or the item, then the same command goes on; `--on-failure quarantine` leaves such items aside",
      "run": 1,
      "retreat": "godwit undo 1"
    }
    [exit 4]
    $ godwit status
    2> hint: mend the cause, then `godwit up` goes on; `godwit undo 1` goes back
    lmdb:store, [size]
    append is at 1.0.0; none may serve before run 1 is done
    collection  app     version  items  quarantine  accepted  behind
    items       append  1.0.0        4           0         0       0
    run 1 failed: items/b failed step append of 2.0.0: refused: this item is bad
    $ godwit export --collection items
    {"_id":"a","n":1,"trail":["2.0.0"]}
    {"_id":"b","bad":true}
    {"_id":"c","panic":true}
    {"_id":"d","n":4}
    "#);
}

#[test]
fn a_run_that_the_breaker_stops() {
    let items: String = (0..200)
        .map(|n| format!("{{\"_id\":\"{n:03}\",\"bad\":{}}}\n", n % 2 == 1))
        .collect();
    let cli = with_items(&items, &["append-2-0-0"]);
    let breaker = cli.run("godwit up --max-failures 3");
    assert_eq!(breaker.code, Some(4), "{breaker}");
    assert!(
        breaker
            .err
            .contains("failed step append of 2.0.0, more than 3; "),
        "{breaker}"
    );
    let hint = breaker.err.lines().rev().nth(1).unwrap_or_default();
    insta::assert_snapshot!(hint, @"hint: `godwit up --dry-run` names every item that would fail; mend the migration and begin again from before the run, or allow more: the same command with `--max-failures N` goes on");
    let dry = cli.run("godwit up --dry-run");
    assert_eq!(
        dry.out
            .lines()
            .filter(|line| line.starts_with("! items/"))
            .count(),
        100
    );
    let shares = cli.run("godwit up --max-failures 40% --quiet");
    assert!(shares.err.contains(", more than 40%; "), "{shares}");
    let all = cli.run("godwit up --max-failures 100% --quiet");
    assert!(
        all.out.contains("200 read, 100 updated, 100 failed"),
        "{all}"
    );
}

#[test]
fn where_the_time_went_is_told() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let ended = cli.run("godwit up --timings -q");
    assert_eq!(ended.code, Some(0), "{ended}");
    for name in [
        "read",
        "wait",
        "commit",
        "  store",
        "transform",
        "  guest",
        "  judge",
    ] {
        let is_told = |line: &str| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with(' '));
            let seconds = rest.and_then(|rest| rest.split_whitespace().next());
            seconds.is_some_and(|seconds| seconds.parse::<f64>().is_ok())
        };
        assert!(ended.out.lines().any(is_told), "{name} is not in {ended}");
    }
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let ended = cli.run("godwit up --timings --json");
    let told = &ended.json()["timings"];
    assert!(told["guest"]["times"].as_u64() > Some(0), "{told:#}");
    assert!(told["store"]["seconds"].as_f64() > Some(0.0), "{told:#}");
}

//! `godwit status` and `godwit history`

use super::{GOOD, with_items};

#[test]
fn a_store_at_a_glance() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit status",
        "godwit status --json",
        "godwit status --store memory:",
        "godwit history --store memory:",
        "godwit runs --store memory:",
    ]), @r#"
    $ godwit status
    lmdb:store, [size]
    append is at 1.0.0, which may serve
    collection  app     version  items  quarantine  accepted  behind
    items       append  1.0.0        4           0         0       0
    $ godwit status --json
    {
      "store": "lmdb:store",
      "bytes": "[size]",
      "apps": [
        {
          "app": "append",
          "version": "1.0.0",
          "serves": "1.0.0",
          "baseline": "1.0.0",
          "applied": []
        }
      ],
      "collections": [
        {
          "collection": "items",
          "app": "append",
          "level": "1.0.0",
          "indexes": [],
          "items": 4,
          "open": 0,
          "accepted": 0,
          "waiting": 0
        }
      ],
      "unfinished": null
    }
    $ godwit status --store memory:
    memory:
    the store is empty
    $ godwit history --store memory:
    nothing was applied yet
    $ godwit runs --store memory:
    there was no run yet
    "#);
}

#[test]
fn the_history_may_be_that_of_one_app() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.prepare(&[
        "godwit up --quiet",
        "godwit import --app other --collection others --version 3.0.0 items.ndjson",
    ]);
    insta::assert_snapshot!(cli.session(&[
        "godwit history",
        "godwit history --app other",
        "godwit history --app none",
        "godwit history --app append --json",
    ]), @r#"
$ godwit history
when                  app     version  what               run  file               digest        items
[moment]  append  1.0.0    baseline
[moment]  append  2.0.0    applied (offline)  1    append-2-0-0.wasm  [digest]  4 read, 2 updated, 1 unchanged, 1 removed, 1 written elsewhere
[moment]  other   3.0.0    baseline
$ godwit history --app other
when                  app    version  what      run  file  digest  items
[moment]  other  3.0.0    baseline
$ godwit history --app none
nothing was applied yet
$ godwit history --app append --json
[
  {
    "number": 1,
    "at": "[moment]",
    "app": "append",
    "version": "1.0.0",
    "event": "baseline"
  },
  {
    "number": 2,
    "at": "[moment]",
    "app": "append",
    "version": "2.0.0",
    "event": "applied",
    "phase": "offline",
    "from": "1.0.0",
    "digest": "[digest]",
    "file": "append-2-0-0.wasm",
    "run": 1,
    "counts": {
      "read": 4,
      "unchanged": 1,
      "updated": 2,
      "removed": 1,
      "failed": 0,
      "written": 1,
      "bytes": 89
    },
    "accepted": 0
  }
]
"#);
}

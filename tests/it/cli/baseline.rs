//! `godwit baseline`

use super::{GOOD, with_items};

#[test]
fn items_are_declared_to_have_a_version() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit baseline append 2.0.0",
        "godwit history",
        "godwit plan",
        "godwit baseline append 2.0.0",
        "godwit baseline append 1.0.0 --json",
        "godwit baseline append 2.1.0 --json",
    ]), @r#"
    $ godwit baseline append 2.0.0
    append is at 2.0.0 from here on
    $ godwit history
    when                  app     version  what      run  file  digest  items
    [moment]  append  1.0.0    baseline
    [moment]  append  2.0.0    baseline
    $ godwit plan
    append 2.0.0 -> 3.0.0 (offline) by append-3-0-0.wasm
      append (offline) rewrites items, writes tallies: 4 items
    $ godwit baseline append 2.0.0
    2> error: the baseline of append cannot be set: it is at 2.0.0 already
    2> hint: `godwit status` shows the versions of the apps
    [exit 2]
    $ godwit baseline append 1.0.0 --json
    2> error: the baseline of append cannot be set: it is at 2.0.0 already
    2> hint: `godwit status` shows the versions of the apps
    {
      "error": "the baseline of append cannot be set: it is at 2.0.0 already",
      "hint": "`godwit status` shows the versions of the apps"
    }
    [exit 2]
    $ godwit baseline append 2.1.0 --json
    {
      "store": "lmdb:store",
      "bytes": "[size]",
      "apps": [
        {
          "app": "append",
          "version": "2.1.0",
          "serves": "2.1.0",
          "baseline": "2.1.0",
          "applied": []
        }
      ],
      "collections": [
        {
          "collection": "items",
          "app": "append",
          "level": "2.1.0",
          "indexes": [],
          "items": 4,
          "open": 0,
          "accepted": 0,
          "waiting": 0
        }
      ],
      "unfinished": null
    }
    "#);
}

#[test]
fn no_version_is_declared_that_no_migration_leads_to() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit baseline append 9.0.0",
        "godwit status",
        "godwit baseline append 3.0.0",
        "godwit plan",
    ]), @"
    $ godwit baseline append 9.0.0
    2> error: the baseline of append cannot be set: the newest migration leads to 3.0.0, below 9.0.0
    2> hint: `godwit status` shows the versions of the apps
    [exit 2]
    $ godwit status
    lmdb:store, [size]
    append is at 1.0.0, which may serve
    collection  app     version  items  quarantine  accepted  behind
    items       append  1.0.0        4           0         0       0
    $ godwit baseline append 3.0.0
    append is at 3.0.0 from here on
    $ godwit plan
    nothing to do: everything is up to date
    ");
}

#[test]
fn an_app_without_collections_is_warned_of() {
    let cli = with_items(GOOD, &[]);
    insta::assert_snapshot!(cli.session(&[
        "godwit baseline apend 2.0.0",
        "godwit baseline append 2.0.0 --store missing",
    ]), @r#"
$ godwit baseline apend 2.0.0
2> warning: no collection belongs to apend
apend is at 2.0.0 from here on
$ godwit baseline append 2.0.0 --store missing
2> error: there is no store at missing
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
"#);
}

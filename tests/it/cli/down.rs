//! `godwit down`

use godwit_tests::cli::Cli;
use godwit_tests::made::{Order, rewrite};

use super::KINDS;

fn desk(kind: &str, items: &str) -> Cli {
    let cli = Cli::on(kind, &[]);
    let file = |version: &str| {
        let order = Order::new("made", version).step(rewrite("apply", "items"));
        order.file("both-ways-2-0-0")
    };
    cli.write("items.ndjson", items)
        .write("plugins/made-2-0-0.wasm", file("2.0.0"))
        .write("plugins/made-3-0-0.wasm", file("3.0.0"))
        .prepare(&[
            "godwit import --app made --collection items --version 1.0.0 items.ndjson --quiet",
            "godwit up --quiet",
        ]);
    cli
}

#[test]
fn an_app_goes_back_and_keeps_what_was_changed() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = desk(kind, "{\"_id\":\"a\",\"n\":1}\n{\"_id\":\"b\",\"n\":2}\n");
            cli.write(
                "new.ndjson",
                "{\"_id\":\"a\",\"n\":9,\"trail\":[\"2.0.0/apply\",\"3.0.0/apply\"]}\n",
            );
            let seen = cli
                .session(&[
                    "godwit import --collection items --version 3.0.0 --on-existing replace new.ndjson --quiet",
                    "godwit down --to 1.0.0 --dry-run",
                    "godwit down --to 1.0.0 --quiet",
                    "godwit export --collection items",
                    "godwit status",
                    "godwit history",
                    "godwit runs",
                    "godwit down --to 1.0.0",
                    "godwit undo 2",
                    "godwit history",
                    "godwit export --collection items",
                ])
                .replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @r#"
            $ godwit import --collection items --version 3.0.0 --on-existing replace new.ndjson --quiet
            items (made 3.0.0): 1 document: 1 replaced in [time]
            $ godwit down --to 1.0.0 --dry-run
            2> dry run: nothing is written
            2> made 1.0.0 revert on items (2 items)
            2> made 1.0.0 revert on items: 2 read, 2 updated in [time]
            ~ items/a
                - /trail: ["2.0.0/apply","3.0.0/apply"]
            ~ items/b
                - /trail: ["2.0.0/apply","3.0.0/apply"]
            made 3.0.0 -> 1.0.0: would be completed
              made 1.0.0 revert on items: 2 read, 2 updated
            dry run: 2 items would change, 0 items would fail; nothing was written
            $ godwit down --to 1.0.0 --quiet
            run 2: made 3.0.0 -> 1.0.0, completed
              made 1.0.0 revert on items: 2 read, 2 updated
            $ godwit export --collection items
            {"_id":"a","n":9}
            {"_id":"b","n":2}
            $ godwit status
            [kind]:store, [size]
            made is at 1.0.0, which may serve
            collection  app   version  items  quarantine  accepted  behind
            items       made  1.0.0        2           0         0       0
            $ godwit history
            when                  app   version  what                run  file             digest        items
            [moment]  made  1.0.0    baseline
            [moment]  made  2.0.0    applied (offline)   1    made-2-0-0.wasm  [digest]  2 read, 2 updated
            [moment]  made  3.0.0    applied (offline)   1    made-3-0-0.wasm  [digest]  2 read, 2 updated
            [moment]  made  3.0.0    reverted (offline)  2
            [moment]  made  2.0.0    reverted (offline)  2
            $ godwit runs
            run  started               what  state      versions             can be undone
              1  [moment]  up    completed  made 1.0.0 -> 3.0.0  not before run 2
              2  [moment]  down  completed  made 3.0.0 -> 1.0.0  yes
            $ godwit down --to 1.0.0
            nothing to do: made is at 1.0.0
            $ godwit undo 2
            run 2 is undone: 2 changes put back
            $ godwit history
            when                  app   version  what                     run  file             digest        items
            [moment]  made  1.0.0    baseline
            [moment]  made  2.0.0    applied (offline)        1    made-2-0-0.wasm  [digest]  2 read, 2 updated
            [moment]  made  3.0.0    applied (offline)        1    made-3-0-0.wasm  [digest]  2 read, 2 updated
            [moment]  made  3.0.0    reverted (offline)       2
            [moment]  made  2.0.0    reverted (offline)       2
            [moment]  made  2.0.0    applied again (offline)  2
            [moment]  made  3.0.0    applied again (offline)  2
            $ godwit export --collection items
            {"_id":"a","n":9,"trail":["2.0.0/apply","3.0.0/apply"]}
            {"_id":"b","n":2,"trail":["2.0.0/apply","3.0.0/apply"]}
            "#);
        }
    }
}

#[test]
fn what_has_no_way_back_is_named_and_stops_it() {
    let cli = desk(
        "lmdb",
        "{\"_id\":\"a\",\"n\":1}\n{\"_id\":\"b\",\"stuck\":true}\n{\"_id\":\"c\",\"stuck\":true}\n",
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit down --app made --to 1.0.0 --dry-run",
        "godwit down --app made --to 1.0.0",
        "godwit up",
        "godwit status",
        "godwit undo 2",
        "godwit down --app made --to 1.5.0",
        "godwit down --app other --to 1.5.0",
        "godwit down --to never",
        "godwit down",
    ]), @r#"
    $ godwit down --app made --to 1.0.0 --dry-run
    2> dry run: nothing is written
    2> made 1.0.0 revert on items (3 items)
    2> quarantine: b: refused: from 3.0.0: there is no way back
    2> quarantine: c: refused: from 3.0.0: there is no way back
    2> made 1.0.0 revert on items: 3 read, 1 updated, 2 failed in [time]
    ~ items/a
        - /trail: ["2.0.0/apply","3.0.0/apply"]
    ! items/b: 3.0.0: refused: from 3.0.0: there is no way back
    ! items/c: 3.0.0: refused: from 3.0.0: there is no way back
    made 3.0.0 -> 1.0.0: would be blocked by the items that fail
      made 1.0.0 revert on items: 3 read, 1 updated, 2 failed
    dry run: 1 item would change, 2 items would fail; nothing was written
    [exit 4]
    $ godwit down --app made --to 1.0.0
    2> run 2
    2> made 1.0.0 revert on items (3 items)
    2> error: items/b has no way back from 3.0.0: there is no way back
    2> hint: `godwit down --dry-run` names every item that has none. Mend it and `godwit down` again goes on
    2> hint: `godwit undo 2` goes back
    [exit 4]
    $ godwit up
    2> error: made 1.0.0 (made-3-0-0.wasm): run 2 is failed, and leads back to an older version: nothing can be planned before that is done [unfinished-run]
    2> hint: go on with it, as `godwit status` says; or give it up: `godwit undo 2`
    2> error: nothing was planned: 1 finding to decide first
    [exit 3]
    $ godwit status
    2> hint: `godwit down --app made --to 1.0.0` goes on; `godwit undo 2` gives it up
    lmdb:store, [size]
    made is at 3.0.0; none may serve before run 2 is done
    collection  app   version  items  quarantine  accepted  behind
    items       made  3.0.0        3           0         0       0
    run 2 failed: items/b has no way back from 3.0.0: there is no way back
    $ godwit undo 2
    run 2 is undone: 1 change put back
    $ godwit down --app made --to 1.5.0
    2> error: made cannot go back to 1.5.0: it is at 3.0.0, and has been at 1.0.0, 2.0.0
    2> hint: nothing was changed; `godwit runs` shows which runs can be undone, without the migrations' help
    [exit 2]
    $ godwit down --app other --to 1.5.0
    2> error: other cannot go back to 1.5.0: nothing is applied to other
    2> hint: nothing was changed; `godwit runs` shows which runs can be undone, without the migrations' help
    [exit 2]
    $ godwit down --to never
    2> error: invalid value 'never' for '--to <VERSION>': a version is like 1.0.0 or 2.1.0-beta.1: unexpected character 'n' while parsing major version number
    2> 
    2> For more information, try '--help'.
    [exit 2]
    $ godwit down
    2> error: the following required arguments were not provided:
    2>   --to <VERSION>
    2> 
    2> Usage: godwit down --to <VERSION>
    2> 
    2> For more information, try '--help'.
    [exit 2]
    "#);
}

#[test]
fn whoever_is_kept_off_by_it_is_told_what_goes_on_with_it() {
    let cli = desk("lmdb", "{\"_id\":\"a\"}\n{\"_id\":\"b\",\"stuck\":true}\n");
    assert_eq!(cli.run("godwit down --to 1.0.0").code, Some(4));
    for line in [
        "put items a --version 3.0.0 items.ndjson",
        "import --collection items --version 3.0.0 items.ndjson",
        "prune 2",
    ] {
        let refused = cli.run(&format!("godwit {line}"));
        let hint = "hint: `godwit down --app made --to 1.0.0` goes on; `godwit undo 2` goes back";
        assert!(refused.err.contains(hint), "{refused}");
        assert!(!refused.err.contains("godwit up"), "{refused}");
    }
}

#[test]
fn json_tells_the_run() {
    let cli = desk("lmdb", "{\"_id\":\"a\",\"n\":1}\n");
    let told = cli.run("godwit down --to 2.0.0 --json").json();
    assert_eq!(told["run"]["run"]["purpose"], "down", "{told}");
    assert_eq!(told["run"]["run"]["state"], "completed");
    assert_eq!(told["run"]["steps"][0]["counts"]["updated"], 1);
    let again = cli.run("godwit down --to 2.0.0 --json").json();
    assert!(again["run"].is_null(), "{again}");
}

//! `godwit rehearse`, `verify` and `lock`

use godwit_tests::cli::Cli;
use godwit_tests::made::{Order, rewrite};

use super::KINDS;

const INDEX: &str = r#"{"app": "made", "version": "1.5.0", "operations": [
    {"create_collection": {"collection": "extra"}},
    {"ensure_index": {"collection": "items", "pointer": "/n"}}]}"#;

fn order(version: &str) -> Order {
    Order::new("made", version).step(rewrite("apply", "items"))
}

/// A store with items of version 1.0.0, and two migrations that go both ways.
fn desk(kind: &str, items: &str) -> Cli {
    let cli = Cli::on(kind, &[]);
    cli.write("items.ndjson", items)
        .write("plugins/made-1-5-0.json", INDEX)
        .write(
            "plugins/made-2-0-0.wasm",
            order("2.0.0").file("both-ways-2-0-0"),
        )
        .write(
            "plugins/made-3-0-0.wasm",
            order("3.0.0").file("both-ways-2-0-0"),
        )
        .prepare(&[
            "godwit import --app made --collection items --version 1.0.0 items.ndjson --quiet",
        ]);
    cli
}

const GOOD: &str = "{\"_id\":\"a\",\"n\":1}\n{\"_id\":\"b\",\"n\":2}\n{\"_id\":\"c\"}\n";

#[test]
fn a_good_rehearsal_changes_nothing_and_locks() {
    for kind in KINDS {
        let cli = desk(kind, GOOD);
        let before = cli.run("godwit digest").out;
        let rehearsed = cli.run("godwit rehearse --lock --html page.html");
        assert_eq!(rehearsed.code, Some(0), "{rehearsed}");
        for part in [
            "from scratch:\n  made new -> 3.0.0: completed\n",
            "on existing data:\n  made 1.0.0 -> 3.0.0: completed\n",
            "\n  made 3.0.0 apply on items: 3 read, 3 updated\n",
            "  ~ items/a\n",
            "  a second pass changed nothing\n  an undo restored every byte\n",
            "nothing is wrong\ngodwit.lock locks these migrations\n",
        ] {
            assert!(
                rehearsed.out.contains(part),
                "`{part}` is not in {rehearsed}"
            );
        }
        assert_eq!(cli.run("godwit digest").out, before);
        assert!(cli.run("godwit runs").out.contains("there was no run yet"));
        let page = cli.read("page.html");
        assert!(
            page.contains("Nothing is wrong") && page.ends_with("</html>\n"),
            "{page}"
        );
        assert!(!page.contains("http"), "it needs nothing else");
        let up = cli.run("godwit up --locked");
        assert_eq!(up.code, Some(0), "{up}");
    }
}

#[test]
fn what_is_wrong_is_told_item_by_item() {
    let items = "{\"_id\":\"a\",\"bad\":true}\n{\"_id\":\"b\",\"unsound\":true}\n{\"_id\":\"c\",\"n\":\"<b>\"}\n";
    let cli = desk("lmdb", items);
    let schema = r#"{"type": "object", "properties": {"n": {"type": "integer"}}}"#;
    cli.write("schemas/items@3.0.0.json", schema);
    let before = cli.run("godwit digest").out;
    let rehearsed =
        cli.run("godwit rehearse --only data --schemas schemas --html page.html --lock");
    assert_eq!(rehearsed.code, Some(4), "{rehearsed}");
    for part in [
        "  ! items/a: 2.0.0: refused: this item is bad\n",
        "something is wrong\n",
    ] {
        assert!(
            rehearsed.out.contains(part),
            "`{part}` is not in {rehearsed}"
        );
    }
    assert!(
        rehearsed
            .err
            .contains("hint: the store is as it was; mend the migrations or the items that fail"),
        "{rehearsed}"
    );
    let page = cli.read("page.html");
    assert!(
        page.contains("<td>items/a</td><td>2.0.0: refused: this item is bad</td>"),
        "{page}"
    );
    assert!(!cli.path("godwit.lock").exists());
    assert_eq!(cli.run("godwit digest").out, before);
    // Without the item that keeps them from being applied, the others come to the end.
    let cli = desk("lmdb", items.split_once('\n').unwrap().1);
    cli.write("schemas/items@3.0.0.json", schema);
    let rehearsed = cli.run("godwit rehearse --only data --schemas schemas --json");
    assert_eq!(rehearsed.code, Some(4), "{rehearsed}");
    let flaws = &rehearsed.json()["data"]["flaws"];
    let told: Vec<_> = flaws
        .as_array()
        .unwrap()
        .iter()
        .map(|flaw| (flaw["id"].as_str().unwrap(), flaw["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("c", "schema"), ("b", "plugin")], "{flaws}");
}

#[test]
fn a_backup_and_another_store_are_rehearsed_on_and_state_is_cleared() {
    let cli = desk("sled", GOOD);
    cli.prepare(&[
        "godwit up --to 2.0.0 --quiet",
        "godwit backup create old.godwit",
        "godwit up --quiet",
    ]);
    for from in ["old.godwit", "sled:store"] {
        let line = format!("godwit rehearse --only data --from {from}");
        let rehearsed = cli.run(&line);
        assert_eq!(rehearsed.code, Some(0), "{rehearsed}");
        let pending = match from {
            "old.godwit" => "  made 2.0.0 -> 3.0.0: completed\n",
            _ => "  nothing to do: everything is up to date\n",
        };
        assert!(rehearsed.out.contains(pending), "{rehearsed}");
    }
    let cleared = cli.run("godwit rehearse --only data --clear-state --from old.godwit");
    assert!(cleared.out.contains("-> 3.0.0: completed\n"), "{cleared}");
    assert!(
        cleared
            .out
            .contains("  made 2.0.0 apply on items: 0 read\n"),
        "their stamps say so: {cleared}"
    );
    let none = cli.run("godwit rehearse --from nowhere.godwit");
    assert_eq!(none.code, Some(2), "{none}");
}

#[test]
fn everything_that_is_stored_is_verified() {
    for kind in KINDS {
        let cli = desk(kind, GOOD);
        cli.prepare(&["godwit up --quiet"]);
        let verified = cli.run("godwit verify");
        assert_eq!(verified.code, Some(0), "{verified}");
        assert!(
            verified
                .out
                .contains("items: 3 items, 3 by plugins, 2 index entries, no flaw\n"),
            "{verified}"
        );
        cli.write(
            "bad.ndjson",
            "{\"_id\":\"d\"}\n{\"_id\":\"e\",\"panics when verified\":true}\n",
        )
        .prepare(&["godwit import --collection items --version 3.0.0 bad.ndjson --quiet"]);
        let verified = cli.run("godwit verify items");
        assert_eq!(verified.code, Some(4), "{verified}");
        assert!(
            verified
                .out
                .contains("! items/d: plugin: its trail does not end with \"3.0.0/apply\"\n"),
            "{verified}"
        );
        assert!(
            verified.out.contains("! items/e: plugin: trapped: "),
            "{verified}"
        );
        assert!(verified.out.contains(", 2 flaws\n"), "{verified}");
        let unknown = cli.run("godwit verify nowhere");
        assert_eq!(unknown.code, Some(2), "{unknown}");
        assert!(
            unknown.err.contains("there is no collection nowhere"),
            "{unknown}"
        );
    }
}

#[test]
fn what_an_unfinished_run_has_done_is_no_flaw() {
    for kind in KINDS {
        for shadow in ["", " --shadow"] {
            let cli = desk(kind, &format!("{GOOD}{{\"_id\":\"d\",\"bad\":true}}\n"));
            let before = cli.run("godwit digest").out;
            let up = format!("godwit up{shadow} --on-failure stop --batch-items 1 --threads 1");
            assert_eq!(cli.run(&up).code, Some(4));
            let verified = cli.run(&format!("godwit verify{shadow}"));
            assert_eq!(verified.code, Some(0), "{verified}");
            assert!(!verified.out.contains(&before[..64]), "{verified}");
        }
    }
}

#[test]
fn what_was_not_locked_does_not_run() {
    let cli = desk("lmdb", GOOD);
    let none = cli.run("godwit up --locked");
    assert_eq!(none.code, Some(2), "{none}");
    assert!(
        none.err.contains("hint: `godwit lock` writes one"),
        "{none}"
    );
    cli.prepare(&["godwit lock", "godwit lock --check"]);
    let lock = cli.read("godwit.lock");
    assert!(
        lock.contains("app = \"made\"") && lock.contains("contract = \"1.0.0\""),
        "{lock}"
    );

    cli.write(
        "plugins/made-3-0-0.wasm",
        order("3.0.0").mended().file("both-ways-2-0-0"),
    )
    .write(
        "plugins/made-4-0-0.wasm",
        order("4.0.0").file("both-ways-2-0-0"),
    );
    std::fs::remove_file(cli.path("plugins/made-1-5-0.json")).unwrap();
    for line in ["godwit up --locked", "godwit lock --check"] {
        let refused = cli.run(line);
        assert_eq!(refused.code, Some(3), "{refused}");
        for part in [
            "made 3.0.0 (made-3-0-0.wasm) is another one than in the lock: ",
            "made 4.0.0 (made-4-0-0.wasm) is not in the lock",
            "made 1.5.0 (made-1-5-0.json) is in the lock, and not among the plugins",
        ] {
            assert!(refused.err.contains(part), "`{part}` is not in {refused}");
        }
    }
    assert_eq!(cli.run("godwit runs").out, "there was no run yet\n");
    cli.write(
        "godwit.lock",
        lock.replace("engine = \"godwit ", "engine = \"godwit 0."),
    );
    let other = cli.run("godwit lock --check");
    assert!(
        other.err.contains("the lock was written with godwit 0."),
        "{other}"
    );
    cli.write("godwit.lock", "format = 9\nengine = \"x\"\n");
    let newer = cli.run("godwit lock --check");
    assert!(newer.err.contains("the lock has format 9"), "{newer}");
}

#[test]
fn limits_that_were_nearly_reached_are_told() {
    let cli = desk("lmdb", GOOD);
    let rehearsed = cli.run("godwit rehearse --json --only data --html page.html");
    let used = rehearsed.json()["plugins"][0].clone();
    assert_eq!(used["batch_milliseconds_limit"], 5_000, "{used}");
    let page = cli.read("page.html");
    for row in [
        "<td>made 2.0.0</td><td>memory</td><td class=\"n \">",
        "<td>made 2.0.0</td><td>time for a batch</td><td class=\"n \">",
    ] {
        assert!(page.contains(row), "`{row}` is not in {page}");
    }
    assert!(!cli.run("godwit rehearse").err.contains("came near"));

    // A little more than it needs, and an item that never ends.
    let memory = used["memory"].as_u64().unwrap() + (64 << 10);
    let config = format!(
        "store = \"lmdb:store\"\nplugins = \"plugins\"\n[limits]\nbatch-time = \"300ms\"\nmemory = \"{memory} B\"\n"
    );
    let looping = Order::new("made", "4.0.0").step(rewrite("apply", "items"));
    cli.write("godwit.toml", config)
        .write("plugins/made-4-0-0.wasm", looping.file("columns-2-0-0"))
        .write(
            "more.ndjson",
            "{\"_id\":\"d\",\"do\":{\"4.0.0/apply\":[[\"loop\"]]}}\n",
        )
        .prepare(&["godwit import --collection items --version 1.0.0 more.ndjson --quiet"]);
    let rehearsed = cli.run("godwit rehearse --only data");
    let near = |line: &&str| line.contains("came near its limit");
    let near: Vec<_> = rehearsed.err.lines().filter(near).collect();
    assert!(
        near.iter()
            .any(|line| line.contains("made 2.0.0 came near its limit")
                && line.ends_with("of memory")),
        "{rehearsed}"
    );
    assert!(
        near.iter()
            .any(|line| line.contains("made 4.0.0 came near its limit")
                && line.ends_with("of 300 ms of time for a batch")),
        "{rehearsed}"
    );
}

//! `godwit up --dry-run`

use super::{GOOD, KINDS, MIXED, of_kind, on_each_kind, with_items};

#[test]
fn every_change_and_every_failure_is_named() {
    let seen = on_each_kind(
        &format!("{MIXED}{}", GOOD.replace("\"_id\":\"", "\"_id\":\"good-")),
        &["append-2-0-0"],
        &["godwit up --dry-run"],
    );
    insta::assert_snapshot!(seen, @"");
}

#[test]
fn as_json_each_is_a_line() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --dry-run --json"]), @"");
}

#[test]
fn of_one_item_the_change_is_shown() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit up --dry-run --id items/a",
        "godwit up --dry-run --id items/a --to 2.0.0 --quiet",
        "godwit up --dry-run --id items/b",
        "godwit up --dry-run --id items/zzz",
    ]), @"");
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
    insta::assert_snapshot!(cli.session(&["godwit up --dry-run"]), @"");
    assert!(!cli.path("store").exists());
}

#[test]
fn nothing_to_do_is_said() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.prepare(&["godwit up"]);
    insta::assert_snapshot!(cli.session(&["godwit up --dry-run", "godwit up --dry-run --json"]), @"");
}

#[test]
fn the_first_failure_may_be_asked_for() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit up --dry-run --on-failure stop"]), @"");
}

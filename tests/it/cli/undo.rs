//! `godwit undo`

use super::{GOOD, MIXED, on_each_kind, with_items};

#[test]
fn everything_is_put_back_byte_for_byte() {
    let seen = on_each_kind(
        GOOD,
        &["append-2-0-0", "append-3-0-0"],
        &[
            "godwit up --quiet",
            "godwit undo 1",
            "godwit export --collection items",
            "godwit export --collection tallies",
            "godwit undo 1",
            "godwit status",
            "godwit history",
            "godwit runs",
            "godwit up --quiet",
        ],
    );
    insta::assert_snapshot!(seen, @"");
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
    ]), @"");
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
    ]), @"");
}

#[test]
fn a_blocked_run_can_be_undone() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit up --quiet",
        "godwit undo 1",
        "godwit quarantine list",
        "godwit status",
    ]), @"");
    assert_eq!(cli.run("godwit export --collection items").out, MIXED);
}

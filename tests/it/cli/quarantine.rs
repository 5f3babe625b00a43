//! `godwit quarantine`

use super::{GOOD, MIXED, on_each_kind, with_items};

#[test]
fn an_item_that_failed_is_shown_tried_again_and_accepted() {
    let seen = on_each_kind(
        MIXED,
        &["append-2-0-0"],
        &[
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
        ],
    );
    insta::assert_snapshot!(seen, @"");
}

#[test]
fn items_that_are_mended_leave_it() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    cli.write(
        "mended.ndjson",
        "{\"_id\":\"b\",\"bad\":false}\n{\"_id\":\"c\",\"n\":3}\n",
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit up --quiet",
        "godwit import --collection items --version 1.0.0 --on-existing replace mended.ndjson",
        "godwit quarantine retry",
        "godwit up",
        "godwit export --collection items",
    ]), @"");
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
    ]), @"");
}

//! `godwit export`

use super::{GOOD, MIXED, with_items};

#[test]
fn a_collection_is_written_whole_and_in_order() {
    let cli = with_items(GOOD, &[]);
    insta::assert_snapshot!(cli.session(&[
        "godwit export --collection items",
        "godwit export --collection items --after b",
        "godwit export --collection items -o out.ndjson",
        "godwit export --collection items -o out.ndjson.zst --json",
        "godwit export --collection items -o out.ndjson --resume",
    ]), @"");
    assert_eq!(cli.read("out.ndjson"), GOOD);
    cli.prepare(&["godwit import --app b --collection copy --version 1.0.0 out.ndjson.zst"]);
    assert_eq!(cli.run("godwit export --collection copy").out, GOOD);
}

#[test]
fn what_cannot_be_exported_says_why() {
    let cli = with_items(GOOD, &[]);
    insta::assert_snapshot!(cli.session(&[
        "godwit export --collection itemz",
        "godwit export --collection itemz --json",
        "godwit export --collection items --resume",
        "godwit export --collection items -o missing/folder/out.ndjson",
        "godwit export --collection items --store missing",
        "godwit export",
    ]), @"");
}

#[test]
fn items_of_other_versions_are_warned_of() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    assert_eq!(cli.run("godwit up --quiet").code, Some(4));
    insta::assert_snapshot!(cli.session(&[
        "godwit export --collection items",
        "godwit export --collection items --quiet",
    ]), @"");
}

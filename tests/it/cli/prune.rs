//! `godwit prune`

use super::{GOOD, MIXED, with_items};

#[test]
fn a_run_without_pre_images_cannot_be_undone() {
    let cli = with_items(GOOD, &["append-2-0-0", "append-3-0-0"]);
    cli.prepare(&["godwit up --to 2.0.0", "godwit up"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit prune --keep 1",
        "godwit runs",
        "godwit undo 2",
        "godwit undo 1",
        "godwit prune 1 --json",
    ]), @"");
}

#[test]
fn what_cannot_be_pruned_is_named() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    assert_eq!(cli.run("godwit up").code, Some(4));
    insta::assert_snapshot!(cli.session(&[
        "godwit prune 1",
        "godwit prune 9",
        "godwit prune 9 --json",
        "godwit prune --keep 0",
        "godwit prune --keep 0 1",
    ]), @"");
}

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
    ]), @"");
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
    ]), @"");
}

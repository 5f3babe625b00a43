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
    ]), @"");
}

#[test]
fn an_app_without_collections_is_warned_of() {
    let cli = with_items(GOOD, &[]);
    insta::assert_snapshot!(cli.session(&[
        "godwit baseline apend 2.0.0",
        "godwit baseline append 2.0.0 --store missing",
    ]), @"");
}

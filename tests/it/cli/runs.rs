//! `godwit runs`

use super::{GOOD, with_items};

#[test]
fn runs_say_what_they_did() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    cli.prepare(&["godwit up --quiet"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit runs",
        "godwit runs 1",
        "godwit runs --json",
        "godwit runs 2",
        "godwit runs 2 --json",
        "godwit runs first",
    ]), @"");
}

//! Lines that cannot be imported.

use super::{GOOD, with_items};

#[test]
fn bad_lines_are_named_and_the_others_are_imported() {
    let cli = with_items(GOOD, &[]);
    cli.write(
        "bad.ndjson",
        concat!(
            "{\"_id\":\"x\",\"n\":1}\n",
            "{\"n\":2}\n",
            "no json\n",
            "\n",
            "{\"_id\":[\"x\"]}\n",
            "{\"_id\":\"a\",\"n\":5}\n",
            "{\"_id\":\"\"}\n",
            "\"text\"\n",
            "{\"_id\":\"y\"}{}\n",
            "{\"_id\":\"z\"}",
        ),
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version 1.0.0 bad.ndjson",
        "godwit import --collection items --version 1.0.0 bad.ndjson --json",
        "godwit export --collection items",
    ]), @"");
}

#[test]
fn bytes_that_are_no_text_are_bad_lines() {
    let cli = with_items(GOOD, &[]);
    cli.write("bytes.ndjson", b"{\"_id\":\"\xff\"}\n\xff\xfe\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version 1.0.0 bytes.ndjson",
    ]), @"");
}

#[test]
fn items_that_are_there_are_refused_replaced_or_kept() {
    let cli = with_items(GOOD, &[]);
    cli.write(
        "new.ndjson",
        "{\"_id\":\"a\",\"n\":2}\n{\"_id\":\"b\",\"keep\":true}\n",
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version 1.0.0 new.ndjson",
        "godwit import --collection items --version 1.0.0 --on-existing keep new.ndjson",
        "godwit import --collection items --version 1.0.0 --on-existing replace new.ndjson",
        "godwit get items a",
        "godwit import --collection items --version 1.0.0 --on-existing merge new.ndjson",
        "godwit import --collection items --version 3.0.0 items.ndjson",
    ]), @"");
}

#[test]
fn a_thousand_bad_lines_do_not_fill_the_screen() {
    let cli = with_items(GOOD, &[]);
    cli.write("bad.ndjson", "no\n".repeat(1_000));
    let ended = cli.run("godwit import --collection items --version 1.0.0 bad.ndjson");
    assert_eq!(ended.code, Some(4));
    assert!(ended.err.lines().count() < 110, "{ended}");
    assert!(
        ended.err.contains(" more bad lines") || ended.err.contains(" bad lines more"),
        "{ended}"
    );
}

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
    ]), @r#"
$ godwit import --collection items --version 1.0.0 bad.ndjson
2> warning: line 2: there is nothing at `/_id`, where its id should be
2> warning: line 3, column 2: it is not JSON: expected value
2> warning: line 5: at `/_id` is a list; an id is a string or an integer
2> warning: line 6: the item `a` is there already, with another body
2> warning: line 7: an id has 1 to 512 bytes, this one has 0
2> warning: line 8: it is not an object, so that nothing is at `/_id`
2> warning: line 9, column 12: it is not JSON: trailing characters
2> hint: mend these lines and import the file again: what is there already is left alone
2> hint: `--on-existing replace` takes these lines for items that are there
items (append 1.0.0): 9 documents: 2 new, 7 not imported in [time]
[exit 4]
$ godwit import --collection items --version 1.0.0 bad.ndjson --json
{
  "import": {
    "done": true,
    "resumed_behind": null,
    "can_resume": false,
    "counts": {
      "lines": 10,
      "bytes": 110,
      "created": 0,
      "replaced": 0,
      "kept": 0,
      "present": 2,
      "removed": 0,
      "blank": 1,
      "bad": 7,
      "migrated": 0,
      "waiting": 0,
      "failed": 0
    },
    "bad_lines": [
      {
        "line": 2,
        "reason": "no_id",
        "pointer": "/_id"
      },
      {
        "line": 3,
        "column": 2,
        "reason": "not_json",
        "message": "expected value"
      },
      {
        "line": 5,
        "reason": "not_an_id",
        "pointer": "/_id",
        "found": "a list"
      },
      {
        "line": 6,
        "reason": "exists",
        "id": "a",
        "difference": "body"
      },
      {
        "line": 7,
        "reason": "id_length",
        "bytes": 0
      },
      {
        "line": 8,
        "reason": "not_an_object",
        "pointer": "/_id"
      },
      {
        "line": 9,
        "column": 12,
        "reason": "not_json",
        "message": "trailing characters"
      }
    ],
    "hurdles": [],
    "failures": []
  }
}
[exit 4]
$ godwit export --collection items
{"_id":"a","n":1}
{"_id":"b","keep":true}
{"_id":"c","remove":true}
{"_id":"d","tally":true}
{"_id":"x","n":1}
{"_id":"z"}
"#);
}

#[test]
fn bytes_that_are_no_text_are_bad_lines() {
    let cli = with_items(GOOD, &[]);
    cli.write("bytes.ndjson", b"{\"_id\":\"\xff\"}\n\xff\xfe\n");
    insta::assert_snapshot!(cli.session(&[
        "godwit import --collection items --version 1.0.0 bytes.ndjson",
    ]), @r#"
$ godwit import --collection items --version 1.0.0 bytes.ndjson
2> warning: line 1, column 9: it is not UTF-8
2> warning: line 2, column 1: it is not UTF-8
2> hint: mend these lines and import the file again: what is there already is left alone
items (append 1.0.0): 2 documents: 2 not imported in [time]
[exit 4]
"#);
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
    ]), @r#"
$ godwit import --collection items --version 1.0.0 new.ndjson
2> warning: line 1: the item `a` is there already, with another body
2> hint: mend these lines and import the file again: what is there already is left alone
2> hint: `--on-existing replace` takes these lines for items that are there
items (append 1.0.0): 2 documents: 1 there already, 1 not imported in [time]
[exit 4]
$ godwit import --collection items --version 1.0.0 --on-existing keep new.ndjson
items (append 1.0.0): 2 documents: 1 kept as they were, 1 there already in [time]
$ godwit import --collection items --version 1.0.0 --on-existing replace new.ndjson
items (append 1.0.0): 2 documents: 1 replaced, 1 there already in [time]
$ godwit get items a
{"_id":"a","n":2}
$ godwit import --collection items --version 1.0.0 --on-existing merge new.ndjson
2> error: invalid value 'merge' for '--on-existing <refuse|replace|keep>': it is `refuse`, `replace` or `keep`
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit import --collection items --version 3.0.0 items.ndjson
2> warning: line 1: the item `a` is there already, with another body
2> warning: line 2: the item `b` is there already, with the same body and version 1.0.0
2> warning: line 3: the item `c` is there already, with the same body and version 1.0.0
2> warning: line 4: the item `d` is there already, with the same body and version 1.0.0
2> hint: mend these lines and import the file again: what is there already is left alone
2> hint: `--on-existing replace` takes these lines for items that are there
items (append 3.0.0): 4 documents: 4 not imported in [time]
[exit 4]
"#);
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

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
    ]), @r#"
$ godwit export --collection items
{"_id":"a","n":1}
{"_id":"b","keep":true}
{"_id":"c","remove":true}
{"_id":"d","tally":true}
$ godwit export --collection items --after b
{"_id":"c","remove":true}
{"_id":"d","tally":true}
$ godwit export --collection items -o out.ndjson
out.ndjson: 4 items, [size] in [time]
$ godwit export --collection items -o out.ndjson.zst --json
{
  "export": {
    "done": true,
    "after": "d",
    "items": 4,
    "bytes": 93
  },
  "file": "out.ndjson.zst",
  "file_bytes": "[size]",
  "resumed_behind": 0
}
$ godwit export --collection items -o out.ndjson --resume
out.ndjson: 4 items, [size] in [time]
"#);
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
    ]), @r#"
$ godwit export --collection itemz
2> error: there is no collection itemz
2> hint: `godwit status` lists the collections
[exit 2]
$ godwit export --collection itemz --json
2> error: there is no collection itemz
2> hint: `godwit status` lists the collections
{
  "error": "there is no collection itemz",
  "hint": "`godwit status` lists the collections"
}
[exit 2]
$ godwit export --collection items --resume
2> error: the following required arguments were not provided:
2>   --output <FILE>
2> 
2> Usage: godwit export --collection <NAME> --output <FILE> --resume
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit export --collection items -o missing/folder/out.ndjson
2> error: missing/folder/out.ndjson.partial cannot be written: No such file or directory (os error 2)
2> hint: check the folder and the space on its disk
[exit 2]
$ godwit export --collection items --store missing
2> error: there is no store at missing
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
$ godwit export
2> error: the following required arguments were not provided:
2>   --collection <NAME>
2> 
2> Usage: godwit export --collection <NAME>
2> 
2> For more information, try '--help'.
[exit 2]
"#);
}

#[test]
fn items_of_other_versions_are_warned_of() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    assert_eq!(cli.run("godwit up --quiet").code, Some(4));
    insta::assert_snapshot!(cli.session(&[
        "godwit export --collection items",
        "godwit export --collection items --quiet",
    ]), @r#"
$ godwit export --collection items
2> warning: 2 items may have another version than 2.0.0: they wait, or are in quarantine
{"_id":"a","n":1,"trail":["2.0.0"]}
{"_id":"b","bad":true}
{"_id":"c","panic":true}
{"_id":"d","n":4,"trail":["2.0.0"]}
$ godwit export --collection items --quiet
{"_id":"a","n":1,"trail":["2.0.0"]}
{"_id":"b","bad":true}
{"_id":"c","panic":true}
{"_id":"d","n":4,"trail":["2.0.0"]}
"#);
}

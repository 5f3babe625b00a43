//! `godwit generate`

use godwit_tests::cli::Cli;

#[test]
fn items_are_the_same_each_time() {
    let cli = Cli::new();
    let three = cli.run("godwit generate --count 3").out;
    assert_eq!(three.lines().count(), 3);
    assert!(cli.run("godwit generate -c 5").out.starts_with(&three));
    assert_ne!(cli.run("godwit generate -c 3 --seed 2").out, three);
    insta::assert_snapshot!(cli.session(&[
        "godwit generate -c 3 --size 20",
        "godwit generate -c 3 -o items.ndjson",
        "godwit generate -c 3 -o items.ndjson.zst --json",
        "godwit generate -c 0",
    ]), @r#"
$ godwit generate -c 3 --size 20
{"_id":"item-000000000000","text":""}
{"_id":"item-000000000001","text":""}
{"_id":"item-000000000002","text":""}
$ godwit generate -c 3 -o items.ndjson
items.ndjson: 3 items, [size] in [time]
$ godwit generate -c 3 -o items.ndjson.zst --json
{
  "file": "items.ndjson.zst",
  "items": 3,
  "bytes": "[size]"
}
$ godwit generate -c 0
"#);
    assert_eq!(cli.read("items.ndjson"), three);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let cli = Cli::new();
    insta::assert_snapshot!(cli.session(&[
        "godwit generate",
        "godwit generate --count few",
        "godwit generate -c 1 --size 99999999",
        "godwit generate -c 1 -o missing/folder/items.ndjson",
    ]), @r#"
$ godwit generate
2> error: the following required arguments were not provided:
2>   --count <N>
2> 
2> Usage: godwit generate --count <N>
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit generate --count few
2> error: invalid value 'few' for '--count <N>': invalid digit found in string
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit generate -c 1 --size 99999999
2> error: invalid value '99999999' for '--size <BYTES>': 99999999 is not in 0..=6000000
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit generate -c 1 -o missing/folder/items.ndjson
2> error: missing/folder/items.ndjson.partial cannot be written: No such file or directory (os error 2)
2> hint: check the folder and the space on its disk
[exit 2]
"#);
}

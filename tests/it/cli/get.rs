//! `godwit get`

use super::{GOOD, KINDS, of_kind, with_items};

#[test]
fn items_are_found_by_id_and_by_value() {
    insta::allow_duplicates! {
        for kind in KINDS {
            let cli = of_kind(kind, GOOD, &[]);
            let seen = cli.session(&[
                "godwit get items a",
                "godwit get items a b --json",
                "godwit get items --where /keep=true",
                "godwit get items --where /n=1 --quiet",
                "godwit get items --where /_id=c --json",
                "godwit get items --where /n=2",
                "godwit get items --where /n=1.0",
                "godwit get items --where '/_id=\"d\"'",
            ]).replace(kind, "[kind]");
            insta::assert_snapshot!(seen, @r#"
$ godwit get items a
{"_id":"a","n":1}
$ godwit get items a b --json
{"id":"a","version":"1.0.0","body":{"_id":"a","n":1}}
{"id":"b","version":"1.0.0","body":{"_id":"b","keep":true}}
$ godwit get items --where /keep=true
2> no index on this pointer: every item was looked at
{"_id":"b","keep":true}
$ godwit get items --where /n=1 --quiet
{"_id":"a","n":1}
$ godwit get items --where /_id=c --json
2> no index on this pointer: every item was looked at
{"id":"c","version":"1.0.0","body":{"_id":"c","remove":true}}
$ godwit get items --where /n=2
2> no index on this pointer: every item was looked at
$ godwit get items --where /n=1.0
2> no index on this pointer: every item was looked at
{"_id":"a","n":1}
$ godwit get items --where '/_id="d"'
2> no index on this pointer: every item was looked at
{"_id":"d","tally":true}
"#);
        }
    }
}

#[test]
fn what_is_not_there_is_named() {
    let cli = with_items(GOOD, &[]);
    insta::assert_snapshot!(cli.session(&[
        "godwit get items zzz a",
        "godwit get items zzz a --json",
        "godwit get itemz a",
        "godwit get itemz a --json",
        "godwit get items --where n=1",
        "godwit get items --where /n",
        "godwit get items --where /n=1 a",
        "godwit get items a --limit 3",
    ]), @r#"
$ godwit get items zzz a
2> error: there is no item items/zzz
2> hint: `godwit export --collection items` prints all items, ordered by id
{"_id":"a","n":1}
[exit 2]
$ godwit get items zzz a --json
2> error: there is no item items/zzz
2> hint: `godwit export --collection items` prints all items, ordered by id
{"id":"zzz","error":"there is no item items/zzz"}
{"id":"a","version":"1.0.0","body":{"_id":"a","n":1}}
[exit 2]
$ godwit get itemz a
2> error: there is no collection itemz
2> hint: `godwit status` lists the collections
[exit 2]
$ godwit get itemz a --json
2> error: there is no collection itemz
2> hint: `godwit status` lists the collections
{
  "error": "there is no collection itemz",
  "hint": "`godwit status` lists the collections"
}
[exit 2]
$ godwit get items --where n=1
2> error: `n=1` is not POINTER=VALUE with a pointer like /a/b
2> hint: as in: godwit get features --where /status/deprecated=true
[exit 2]
$ godwit get items --where /n
2> error: `/n` is not POINTER=VALUE with a pointer like /a/b
2> hint: as in: godwit get features --where /status/deprecated=true
[exit 2]
$ godwit get items --where /n=1 a
2> error: the argument '--where <POINTER=VALUE>' cannot be used with '[IDS]...'
2> 
2> Usage: godwit get --where <POINTER=VALUE> <COLLECTION> [IDS]...
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit get items a --limit 3
{"_id":"a","n":1}
"#);
}

#[test]
fn an_index_is_used_and_a_limit_is_said() {
    let items: String = (0..30)
        .map(|n| format!("{{\"_id\":\"{n:02}\",\"even\":{}}}\n", n % 2 == 0))
        .collect();
    let cli = with_items(&items, &[]);
    cli.write(
        "plugins/index.json",
        r#"{"app": "append", "version": "1.1.0", "operations": [
        {"ensure_index": {"collection": "items", "pointer": "/even"}}]}"#,
    );
    cli.prepare(&["godwit up --quiet"]);
    insta::assert_snapshot!(cli.session(&["godwit get items --where /even=true --limit 3"]), @r#"
$ godwit get items --where /even=true --limit 3
2> the first 3; --limit allows more
{"_id":"00","even":true}
{"_id":"02","even":true}
{"_id":"04","even":true}
"#);
    assert_eq!(
        cli.run("godwit get items --where /even=false")
            .out
            .lines()
            .count(),
        15
    );
}

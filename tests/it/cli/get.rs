//! `godwit get`

use super::{GOOD, on_each_kind, with_items};

#[test]
fn items_are_found_by_id_and_by_value() {
    let seen = on_each_kind(
        GOOD,
        &[],
        &[
            "godwit get items a",
            "godwit get items a b --json",
            "godwit get items --where /keep=true",
            "godwit get items --where /n=1 --quiet",
            "godwit get items --where /_id=c --json",
            "godwit get items --where /n=2",
            "godwit get items --where /n=1.0",
            "godwit get items --where '/_id=\"d\"'",
        ],
    );
    insta::assert_snapshot!(seen, @"");
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
    ]), @"");
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
    insta::assert_snapshot!(cli.session(&["godwit get items --where /even=true --limit 3"]), @"");
    assert_eq!(
        cli.run("godwit get items --where /even=false")
            .out
            .lines()
            .count(),
        15
    );
}

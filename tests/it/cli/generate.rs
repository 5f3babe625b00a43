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
    ]), @"");
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
    ]), @"");
}

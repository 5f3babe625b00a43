//! Stores that are missing, of another kind, foreign or newer.

use std::path::Path;

use godwit::store::{Backend, Commit, Lmdb, OpenMode, Sled};
use godwit_tests::cli::Cli;

use super::{GOOD, IMPORT, of_kind};

#[test]
fn a_missing_store_is_not_made_by_looking_at_it() {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    let verbs = [
        "status",
        "history",
        "runs",
        "plan",
        "get items a",
        "export --collection items",
        "quarantine list",
        "quarantine retry",
        "quarantine accept --all",
        "undo 1",
        "prune 1",
        "baseline append 2.0.0",
        "up --dry-run",
        "up --id items/a",
    ];
    for verb in verbs {
        let ended = cli.run(&format!("godwit {verb}"));
        assert_eq!(ended.code, Some(2), "{ended}");
        assert!(
            ended.err.starts_with("error: there is no store at "),
            "{ended}"
        );
        assert!(!cli.path("store").exists(), "{ended}");
    }
    insta::assert_snapshot!(cli.session(&[
        "godwit status",
        "godwit status --json",
        "godwit status --store sled:elsewhere",
        "godwit up --id items/a",
    ]), @r#"
$ godwit status
2> error: there is no store at store
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
$ godwit status --json
2> error: there is no store at store
2> hint: check the path; `godwit import --store PATH …` makes a new store
{
  "error": "there is no store at store",
  "hint": "check the path; `godwit import --store PATH …` makes a new store"
}
[exit 2]
$ godwit status --store sled:elsewhere
2> error: there is no store at elsewhere
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
$ godwit up --id items/a
2> error: there is no store at store
2> hint: check the path; `godwit import --store PATH …` makes a new store
[exit 2]
"#);
}

#[test]
fn a_store_of_another_kind_says_of_which() {
    let lmdb = of_kind("lmdb", GOOD, &[]);
    insta::assert_snapshot!(lmdb.session(&["godwit status --store sled:store"]), @r#"
$ godwit status --store sled:store
2> error: store is not a store: it holds a store of lmdb: open it as lmdb:store
2> hint: name the folder of a store, or a new folder
[exit 2]
"#);
    let sled = of_kind("sled", GOOD, &[]);
    insta::assert_snapshot!(sled.session(&["godwit status --store lmdb:store", IMPORT]), @r#"
$ godwit status --store lmdb:store
2> error: store is not a store: it holds a store of sled: open it as sled:store
2> hint: name the folder of a store, or a new folder
[exit 2]
$ godwit import --app append --collection items --version 1.0.0 items.ndjson
items (append 1.0.0): 4 documents: 4 there already in [time]
"#);
}

#[test]
fn a_bare_path_is_what_it_is_and_new_ones_are_lmdb() {
    let sled = of_kind("sled", GOOD, &[]);
    insta::assert_snapshot!(sled.session(&[
        "godwit status --store store",
        "godwit import --store new --app a --collection c --version 1.0.0 items.ndjson",
        "godwit status --store new",
    ]), @"
    $ godwit status --store store
    sled:store, [size]
    append is at 1.0.0, which may serve
    collection  app     version  items  quarantine  accepted  behind
    items       append  1.0.0        4           0         0       0
    $ godwit import --store new --app a --collection c --version 1.0.0 items.ndjson
    c (a 1.0.0): 4 documents: 4 new in [time]
    $ godwit status --store new
    lmdb:new, [size]
    a is at 1.0.0, which may serve
    collection  app  version  items  quarantine  accepted  behind
    c           a    1.0.0        4           0         0       0
    ");
}

#[test]
fn what_is_no_store_is_left_alone() {
    let cli = Cli::new();
    cli.write("foreign/thesis.txt", "years of work")
        .write("items.ndjson", GOOD);
    insta::assert_snapshot!(cli.session(&[
        "godwit status --store foreign",
        &format!("{IMPORT} --store foreign"),
        &format!("{IMPORT} --store sled:foreign"),
        "godwit status --store items.ndjson",
        "godwit status --store ftp:foreign",
        "godwit status --store lmdb:",
    ]), @r#"
$ godwit status --store foreign
2> error: foreign is not a store: it holds `thesis.txt`, which belongs to no store
2> hint: name the folder of a store, or a new folder
[exit 2]
$ godwit import --app append --collection items --version 1.0.0 items.ndjson --store foreign
2> error: foreign is not a store: it holds `thesis.txt`, which belongs to no store
2> hint: name the folder of a store, or a new folder
[exit 2]
$ godwit import --app append --collection items --version 1.0.0 items.ndjson --store sled:foreign
2> error: foreign is not a store: it holds `thesis.txt`, which belongs to no store
2> hint: name the folder of a store, or a new folder
[exit 2]
$ godwit status --store items.ndjson
2> error: items.ndjson is not a store: it is not a folder
2> hint: name the folder of a store, or a new folder
[exit 2]
$ godwit status --store ftp:foreign
2> error: `ftp:foreign` does not name a store: `ftp:` is unknown; supported are PATH, lmdb:PATH, sled:PATH, postgres://HOST/DATABASE and memory:
2> hint: use lmdb:PATH, sled:PATH, postgres://…, memory: or a PATH
[exit 2]
$ godwit status --store lmdb:
2> error: `lmdb:` does not name a store: the path is missing; supported are PATH, lmdb:PATH, sled:PATH, postgres://HOST/DATABASE and memory:
2> hint: use lmdb:PATH, sled:PATH, postgres://…, memory: or a PATH
[exit 2]
"#);
    assert_eq!(
        std::fs::read_dir(cli.path("foreign"))
            .expect("it is there")
            .count(),
        1
    );
}

#[test]
fn a_store_of_a_newer_format_is_refused() {
    let open: [(&str, fn(&Path) -> Box<dyn Backend>); 2] = [
        ("lmdb", |path| {
            Box::new(Lmdb::open(path, OpenMode::Existing).expect("it opens"))
        }),
        ("sled", |path| {
            Box::new(Sled::open(path, OpenMode::Existing).expect("it opens"))
        }),
    ];
    let seen = open.map(|(kind, open)| {
        let cli = of_kind(kind, GOOD, &["append-2-0-0"]);
        let mut commit = Commit::new();
        commit.put(b"F", &[br#"{"format":99}"#]);
        open(&cli.path("store"))
            .commit(&commit)
            .expect("it is written");
        cli.session(&["godwit status", "godwit up", "godwit status --json", IMPORT])
    });
    assert_eq!(seen[0], seen[1]);
    let cli = Cli::new();
    insta::assert_snapshot!(seen[0], @r#"
    $ godwit status
    2> error: the store has format 99, this Godwit knows formats up to 2
    2> hint: use the Godwit that wrote it, or a newer one
    [exit 6]
    $ godwit up
    2> error: the store has format 99, this Godwit knows formats up to 2
    2> hint: use the Godwit that wrote it, or a newer one
    [exit 6]
    $ godwit status --json
    2> error: the store has format 99, this Godwit knows formats up to 2
    2> hint: use the Godwit that wrote it, or a newer one
    {
      "error": "the store has format 99, this Godwit knows formats up to 2",
      "hint": "use the Godwit that wrote it, or a newer one"
    }
    [exit 6]
    $ godwit import --app append --collection items --version 1.0.0 items.ndjson
    2> error: the store has format 99, this Godwit knows formats up to 2
    2> hint: use the Godwit that wrote it, or a newer one
    [exit 6]
    "#);
    drop(cli);
}

#[test]
fn a_damaged_store_is_said_to_be_one() {
    let cli = of_kind("lmdb", GOOD, &[]);
    cli.write("store/data.mdb", vec![7; 8192]);
    let ended = cli.run("godwit status");
    assert!(matches!(ended.code, Some(2 | 6)), "{ended}");
    assert!(
        ended.err.starts_with("error: ") && ended.err.contains("\nhint: "),
        "{ended}"
    );
}

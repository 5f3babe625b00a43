//! `godwit backup`

use std::io::{BufRead as _, BufReader, Write};

use godwit::store::{Commit, OpenMode, StoreUrl};
use godwit_tests::cli::{Cli, Started};

use super::KINDS;

/// A store with items, an index, a history, pre-images, and an item in quarantine.
fn desk(kind: &str) -> Cli {
    let cli = super::of_kind(kind, super::MIXED, &["append-2-0-0"]);
    let index = r#"{"app": "append", "version": "1.5.0", "operations": [
        {"ensure_index": {"collection": "items", "pointer": "/n"}}]}"#;
    cli.write("plugins/append-1-5-0.json", index);
    cli.run("godwit up --max-failures 100% --quiet");
    cli.prepare(&["godwit quarantine accept items/b --quiet"]);
    cli
}

/// All that can be seen of a store.
fn seen(cli: &Cli, store: &str) -> Vec<String> {
    let lines = [
        "digest",
        "history",
        "runs",
        "quarantine list --all",
        "export --collection items",
    ];
    let seen = lines.map(|line| cli.run(&format!("godwit {line} --store {store}")).out);
    assert!(seen[0].contains("  items  "), "{}", seen[0]);
    seen.to_vec()
}

#[test]
fn a_backup_of_each_kind_is_restored_to_each_kind() {
    for from in KINDS {
        let cli = desk(from);
        let store = format!("{from}:store");
        let before = seen(&cli, &store);
        let made = cli.run("godwit backup create one.godwit");
        assert_eq!(made.code, Some(0), "{made}");
        assert!(
            made.out.starts_with("one.godwit: 4 items of append "),
            "{made}"
        );
        cli.prepare(&["godwit backup verify one.godwit"]);
        for to in KINDS {
            let copy = format!("{to}:copy-{to}");
            cli.prepare(&[&format!("godwit backup restore one.godwit --store {copy}")]);
            assert_eq!(seen(&cli, &copy), before, "{from} to {to}");
            // The way back is in it, too.
            let undone = cli.run(&format!("godwit undo 1 --store {copy}"));
            assert_eq!(undone.code, Some(0), "{undone}");
        }
    }
}

#[test]
fn a_restore_takes_the_place_of_a_store_and_keeps_it() {
    for kind in KINDS {
        let cli = desk(kind);
        let store = format!("{kind}:store");
        let before = seen(&cli, &store);
        cli.prepare(&["godwit backup create", "godwit undo 1 --quiet"]);
        let between = seen(&cli, &store);
        assert_ne!(before, between);
        let dry = cli.run("godwit backup restore --dry-run");
        assert!(dry.out.contains(" would replace "), "{dry}");
        assert_eq!(seen(&cli, &store), between, "dry is dry");
        let restored = cli.run("godwit backup restore --json").json();
        assert_eq!(seen(&cli, &store), before);
        let replaced = restored["restored"]["replaced"].as_str().unwrap();
        assert_eq!(
            seen(&cli, &format!("{kind}:{replaced}")),
            between,
            "it is kept"
        );
        // Whoever has the old one open still may not change it.
        let late = cli.run(&format!(
            "godwit import --store {kind}:{replaced} --collection items --version 1.0.0 items.ndjson"
        ));
        assert_eq!(late.code, Some(5), "{late}");
        assert!(late.err.contains("replaced by a backup"), "{late}");
        let left: Vec<_> = std::fs::read_dir(cli.path("."))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with('.') && !name.ends_with(".lock"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn backups_are_listed_and_pruned() {
    let cli = desk("lmdb");
    assert_eq!(
        cli.run("godwit backup list").out,
        "there is no backup in store.backups\n"
    );
    cli.prepare(&[
        "godwit backup create",
        "godwit backup create",
        "godwit backup create",
    ]);
    let listed = cli.run("godwit backup list --json").json();
    let files: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["file"].as_str().unwrap())
        .collect();
    assert_eq!(files.len(), 3);
    assert!(files.is_sorted());
    assert_eq!(listed[0]["backup"]["collections"][0]["items"], 4);
    assert_eq!(
        cli.run("godwit backup prune --keep 0 --older-than 30d").out,
        "nothing to remove\n"
    );
    let pruned = cli.run("godwit backup prune --keep 1").out;
    assert_eq!(
        pruned,
        format!("removed {}\nremoved {}\n", files[0], files[1])
    );
    let newest = cli.run("godwit backup verify");
    assert!(newest.out.starts_with(files[2]), "{newest}");
}

#[test]
fn what_cannot_be_read_is_named_and_left() {
    let cli = desk("lmdb");
    cli.prepare(&["godwit backup create", "godwit backup create"]);
    // It may be another store's.
    cli.write("store.backups/cut.godwit", "godwit backup 1\n")
        .write("store.backups/junk.godwit", "no backup at all");
    let listed = cli.run("godwit backup list").out;
    assert!(listed.contains("cut.godwit: "), "{listed}");
    let left = |err: &str| {
        for (file, why) in [
            ("cut", "it ends too early"),
            ("junk", "it does not begin like one"),
        ] {
            let line = format!(
                "warning: store.backups/{file}.godwit is not a whole backup: {why}; it was left, as nobody can tell whose it is\n"
            );
            assert!(err.contains(&line), "{err}");
            assert!(cli.path(&format!("store.backups/{file}.godwit")).exists());
        }
    };
    let pruned = cli.run("godwit backup prune --keep 1");
    assert_eq!(pruned.code, Some(0), "{pruned}");
    assert_eq!(pruned.out.matches("removed ").count(), 1, "{pruned}");
    left(&pruned.err);
    let pruned = cli.run("godwit backup prune --keep 0 --force --json");
    left(&pruned.err);
    let pruned = pruned.json();
    assert_eq!(pruned["removed"].as_array().unwrap().len(), 1, "{pruned}");
    assert_eq!(pruned["left"][0]["file"], "store.backups/cut.godwit");
    assert_eq!(pruned["left"][1]["file"], "store.backups/junk.godwit");
}

#[test]
fn a_file_and_a_folder_that_are_named_have_to_be_there() {
    let cli = desk("lmdb");
    let refused = |line: &str, error: &str, hint: &str| {
        let ended = cli.run(&format!("godwit backup {line}"));
        assert_eq!(ended.code, Some(2), "{ended}");
        assert_eq!(ended.err, format!("error: {error}\nhint: {hint}\n"));
    };
    let no_folder = "make the folder first, or name another one";
    refused(
        "create none/at/all/x.godwit",
        "there is no folder none/at/all",
        no_folder,
    );
    assert!(!cli.path("none").exists());
    let names =
        "`godwit backup list` names those in the folder of backups; name others by their path";
    for verb in ["verify", "restore", "restore --dry-run"] {
        refused(
            &format!("{verb} nosuch"),
            "there is no backup nosuch: no such file, and none in store.backups",
            names,
        );
        refused(
            &format!("{verb} nowhere/x.godwit"),
            "there is no file nowhere/x.godwit",
            "check the path; `godwit backup list` names the backups in the folder of backups",
        );
    }
    // The folder of backups is made.
    let config = cli.read("godwit.toml");
    cli.write(
        "godwit.toml",
        format!("backups = \"deep/backups\"\n{config}"),
    );
    cli.prepare(&[
        "godwit backup create",
        "godwit backup create --backups deep/others",
    ]);
    for folder in ["deep/backups", "deep/others"] {
        assert_eq!(std::fs::read_dir(cli.path(folder)).unwrap().count(), 1);
    }
}

#[test]
fn a_dry_restore_tells_what_comes_what_goes_and_whose_the_backup_is() {
    for kind in KINDS {
        let cli = super::of_kind(kind, super::GOOD, &["append-2-0-0"]);
        cli.prepare(&["godwit backup create old.godwit", "godwit up --quiet"]);
        let dry = |options: &str| {
            let ended = cli.run(&format!(
                "godwit backup restore old.godwit --dry-run --quiet {options}"
            ));
            assert_eq!(ended.code, Some(0), "{ended}");
            ended
        };
        let own = dry("");
        let (comes, goes) = own.out.split_once('\n').unwrap();
        assert!(comes.starts_with("4 items of append 1.0.0 at "), "{own}");
        assert!(
            comes.ends_with(&format!(" would replace {kind}:store")),
            "{own}"
        );
        assert!(goes.starts_with(&format!("{kind}:store has ")), "{own}");
        let aside = " of append 2.0.0: that would be put aside\n";
        assert!(goes.ends_with(aside), "{own}");
        assert_eq!(own.err, "");
        let other = format!("--store {kind}:other");
        let fresh = dry(&other);
        assert!(
            fresh
                .out
                .ends_with(&format!(" would become {kind}:other\n")),
            "{fresh}"
        );
        assert_eq!(fresh.out.lines().count(), 1);
        cli.write("one.ndjson", "{\"_id\":\"z\"}\n");
        cli.prepare(&[&format!(
            "godwit import --app others --collection things --version 3.0.0 one.ndjson --as-is {other}"
        )]);
        let onto_another = dry(&other);
        let goes = format!("{kind}:other has 1 item of others");
        assert!(onto_another.out.contains(&goes), "{onto_another}");
        let whose = format!("warning: it is a backup of another store, {kind}:");
        assert!(onto_another.err.starts_with(&whose), "{onto_another}");
        let json = dry(&format!("{other} --json")).json();
        assert_eq!(
            (&json["would_replace"], &json["is_own"]),
            (&true.into(), &false.into())
        );
        assert_eq!(json["replaced"]["collections"][0]["collection"], "things");
        assert_eq!(json["replaced"]["collections"][0]["items"], 1);
        assert_eq!(json["backup"]["collections"][0]["items"], 4);
        let json = dry("--json").json();
        assert_eq!(
            (&json["would_replace"], &json["is_own"]),
            (&true.into(), &true.into())
        );
        // What cannot be read would go, too.
        let url: StoreUrl = format!("{kind}:{}", cli.path("store").display())
            .parse()
            .unwrap();
        let mut newer = Commit::new();
        newer.put(b"F", &[br#"{"format":99}"#]);
        let store = url.open(OpenMode::Existing).unwrap();
        store.commit(&newer).unwrap();
        drop(store);
        let unknown = dry("");
        let goes = format!(
            "what {kind}:store has would be put aside, and cannot be told: the store has format 99"
        );
        assert!(unknown.out.contains(&goes), "{unknown}");
        let json = dry("--json").json();
        assert_eq!(json["would_replace"], true);
        assert!(json["unreadable"].is_string() && json["replaced"].is_null());
    }
}

/// A server that has the store open.
fn serving(cli: &Cli) -> Started {
    let mut server = cli.start("godwit serve --listen 127.0.0.1:0");
    let mut out = BufReader::new(server.child.stdout.take().expect("it is piped"));
    let mut said = String::new();
    out.read_line(&mut said).expect("it prints UTF-8");
    assert!(said.starts_with("listening on "), "{said}");
    server.child.stdout = Some(out.into_inner());
    server
}

/// A restore that somebody is in the way of.
fn refused(cli: &Cli) {
    let refused = cli.run("godwit backup restore one.godwit");
    assert_eq!(refused.code, Some(5), "{refused}");
    let why = "is open in another process: stop it first";
    assert!(refused.err.contains(why), "{refused}");
}

#[test]
fn a_store_that_a_host_has_open_is_not_replaced() {
    for kind in KINDS {
        let cli = desk(kind);
        let store = format!("{kind}:store");
        cli.prepare(&["godwit backup create one.godwit", "godwit undo 1 --quiet"]);
        let before = seen(&cli, &store);
        let url = format!("{kind}:{}", cli.path("store").display());
        let opened = || godwit::Host::builder().url(&url).open_blocking().unwrap();
        let (one, other) = (opened(), (kind == "lmdb").then(|| serving(&cli)));
        refused(&cli);
        // The second one is in the way as well as the first.
        drop(one);
        if let Some(server) = other {
            refused(&cli);
            server.interrupt();
            assert_eq!(server.finish().code, Some(0));
        }
        assert_eq!(seen(&cli, &store), before, "nothing was replaced");
        cli.prepare(&["godwit backup restore one.godwit"]);
        assert_ne!(seen(&cli, &store), before);
        // What was restored is opened as ever.
        drop(opened());
    }
}

#[test]
fn the_lock_is_no_part_of_a_store() {
    for kind in KINDS {
        let cli = super::of_kind(kind, super::GOOD, &[]);
        let url = |name: &str| format!("{kind}:{}", cli.path(name).display());
        let opened = |name: &str| {
            let host = godwit::Host::builder().url(url(name)).open_blocking();
            host.unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let digest = || cli.run("godwit digest --json").out;
        let before = digest();
        drop(opened("store"));
        assert!(cli.path("store/open.lock").exists());
        assert_eq!(digest(), before);
        // A folder with nothing else is an empty one: also where a process was killed while it made a store.
        cli.write("empty/open.lock", "")
            .write("begun/open.lock", "");
        let none = cli.run(&format!("godwit status --store {kind}:empty"));
        assert_eq!(none.code, Some(2), "{none}");
        assert!(none.err.contains("there is no store at "), "{none}");
        drop(opened("empty"));
        match kind {
            "sled" => std::fs::create_dir(cli.path("begun/blobs")).unwrap(),
            _ => std::fs::write(cli.path("begun/lock.mdb"), "").unwrap(),
        }
        drop(opened("begun"));
        // And a new one.
        drop(opened("deep/new"));
        cli.prepare(&[&format!("godwit status --store {kind}:deep/new")]);
    }
}

#[test]
fn what_is_no_backup_is_refused_and_changes_nothing() {
    let cli = desk("lmdb");
    let before = seen(&cli, "lmdb:store");
    cli.prepare(&["godwit backup create whole.godwit"]);
    let whole = std::fs::read(cli.path("whole.godwit")).unwrap();
    cli.write("cut.godwit", &whole[..whole.len() - 1]).write(
        "other.godwit",
        "no backup at all, of whatever length it may be",
    );
    let mut changed = whole.clone();
    changed[40] ^= 1;
    cli.write("changed.godwit", changed);
    for (line, part) in [
        ("restore cut.godwit", "it does not end like one"),
        ("restore other.godwit", "it does not begin like one"),
        ("restore changed.godwit", "chunk 0 is not what was written"),
        ("verify changed.godwit", "chunk 0 is not what was written"),
        (
            "restore nowhere/x.godwit",
            "there is no file nowhere/x.godwit",
        ),
        (
            "restore",
            "there is no backup of this store in store.backups",
        ),
        ("create whole.godwit", "whole.godwit is there already"),
        (
            "restore whole.godwit --store memory:",
            "a store in memory cannot be restored",
        ),
        ("prune --keep 1 --older-than soon", "`soon` is no age"),
    ] {
        let ended = cli.run(&format!("godwit backup {line}"));
        assert_ne!(ended.code, Some(0), "{ended}");
        assert!(ended.err.contains(part), "`{part}` is not in {ended}");
        assert!(
            ended.err.contains("hint: ") || line.contains("prune"),
            "{ended}"
        );
    }
    assert_eq!(seen(&cli, "lmdb:store"), before);
}

#[test]
fn nobody_restores_while_somebody_works() {
    for kind in KINDS {
        let cli = super::of_kind(kind, super::GOOD, &[]);
        cli.prepare(&["godwit backup create one.godwit"]);
        let mut import = cli.start("godwit import --collection items --version 1.0.0");
        // It looks at the beginning before anything else.
        let mut stdin = import.child.stdin.take().expect("it is piped");
        stdin.write_all(b"{\"_id\":\"more\"}\n").expect("it reads");
        // It has the lease once it listens.
        while !cli.path("store/control.sock").exists() {}
        let busy = cli.run("godwit backup restore one.godwit");
        assert!(matches!(busy.code, Some(5 | 6)), "{busy}");
        drop(stdin);
        import.finish();
    }
}

#[test]
fn stores_that_share_a_folder_of_backups_keep_to_their_own() {
    let cli = super::with_items(super::MIXED, &["append-2-0-0"]);
    let config = cli.read("godwit.toml");
    cli.write("godwit.toml", format!("backups = \"shared\"\n{config}"));
    let there = || {
        let files = std::fs::read_dir(cli.path("shared")).unwrap();
        let mut names: Vec<_> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let other = "--store lmdb:other";
    cli.prepare(&[&format!("{} {other}", super::IMPORT)]);
    let blocked = cli.run(&format!("godwit up --no-pre-images --quiet {other}"));
    assert_eq!(blocked.code, Some(4), "{blocked}");
    let [needed] = &there()[..] else {
        panic!("there is one");
    };
    cli.prepare(&["godwit backup create", "godwit backup create"]);
    let own: Vec<_> = there().into_iter().filter(|name| name != needed).collect();
    cli.prepare(&[&format!("godwit backup create {other}")]);
    // They are told apart wherever commands are given, and however the store is named.
    cli.write(
        "deep/godwit.toml",
        "store = \"lmdb:../store\"\nbackups = \"../shared\"\n",
    );
    for config in ["godwit.toml", "deep/godwit.toml"] {
        let listed = cli.run(&format!("godwit --config {config} backup list"));
        assert_eq!(
            listed.out.matches("; of another store, lmdb:/").count(),
            2,
            "{listed}"
        );
        let json = cli
            .run(&format!("godwit --config {config} backup list --json"))
            .json();
        let is_own = |file: &serde_json::Value| file["is_own"] == true;
        assert_eq!(
            json.as_array()
                .unwrap()
                .iter()
                .filter(|file| is_own(file))
                .count(),
            2
        );
    }
    // The newest one is another store's.
    let newest = cli.run("godwit backup verify");
    assert!(newest.out.contains(&own[1]), "{newest}");
    std::fs::rename(cli.path("store"), cli.path("lost")).unwrap();
    let restored = cli.run("godwit backup restore --json").json();
    assert_eq!(
        restored["backup"]["store"],
        format!(
            "lmdb:{}",
            cli.path("store").canonicalize().unwrap().display()
        )
    );
    let pruned = cli.run("godwit backup prune --keep 1");
    assert!(
        pruned.out.contains(&own[0]) && pruned.code == Some(0),
        "{pruned}"
    );
    cli.prepare(&["godwit backup prune --keep 0 --force"]);
    let left = there();
    assert!(left.len() == 2 && left.contains(needed), "{left:?}");
    let none = cli.run("godwit backup restore");
    assert_eq!(none.code, Some(2), "{none}");
    let back = cli.run(&format!("godwit backup restore {needed} {other}"));
    assert_eq!(back.code, Some(0), "{back}");
}

//! What takes back a run: pre-images, a backup that `up` makes first, and the command that is told where a run ends badly.

use godwit_tests::cli::{Cli, Ended};

use super::{GOOD, KINDS, MIXED, of_kind, with_items};

/// The files in the folder of backups.
fn backups(cli: &Cli) -> Vec<String> {
    let folder = std::fs::read_dir(cli.path("store.backups"));
    let names = folder.into_iter().flatten();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What stands between quotation marks behind a word: a command that is told.
fn told<'a>(text: &'a str, begins: &str) -> &'a str {
    let mut commands = text.split('`').filter(|part| part.starts_with(begins));
    commands
        .next()
        .unwrap_or_else(|| panic!("no `{begins}` in {text}"))
}

/// The same command line.
fn given(cli: &Cli, command: &str) -> Ended {
    let ended = cli.run(command);
    assert_eq!(ended.code, Some(0), "{ended}");
    ended
}

#[test]
fn up_says_whether_it_makes_a_backup_and_why() {
    let expected = [
        (
            "",
            Some("no backup: run 1 keeps pre-images, `godwit undo 1` puts everything back"),
            0,
        ),
        (
            "--backup auto",
            Some("no backup: run 1 keeps pre-images"),
            0,
        ),
        (
            "--backup never",
            Some("no backup: run 1 keeps pre-images"),
            0,
        ),
        ("--backup always", Some("; asked for\n"), 1),
        (
            "--no-pre-images",
            Some("; the run keeps no pre-images\n"),
            1,
        ),
        ("--no-pre-images --backup always", Some("; asked for\n"), 1),
        (
            "--no-pre-images --backup never",
            Some(
                "warning: run 1 keeps no pre-images, and no backup was made: nothing takes it back",
            ),
            0,
        ),
        // The last one counts.
        (
            "--no-pre-images --pre-images",
            Some("no backup: run 1 keeps pre-images"),
            0,
        ),
        ("--quiet", None, 0),
    ];
    for kind in KINDS {
        for (flags, part, files) in expected {
            let cli = of_kind(kind, GOOD, &["append-2-0-0"]);
            let digest = given(&cli, "godwit digest").out;
            let up = given(&cli, &format!("godwit up {flags}"));
            match part {
                Some(part) => assert!(up.err.contains(part), "`{part}` is not in {up}"),
                None => assert!(!up.err.contains("backup"), "{up}"),
            }
            assert_eq!(backups(&cli).len(), files, "{up}");
            let hint = up.err.lines().last().unwrap_or_default();
            if flags.ends_with("never") && flags.starts_with("--no") {
                assert!(hint.contains("can be neither undone nor restored"), "{up}");
            } else if flags == "--quiet" {
                continue;
            } else {
                let back = told(hint, "godwit ");
                assert_eq!(
                    back.starts_with("godwit undo 1"),
                    !flags.contains("--no-") || flags.ends_with(" --pre-images")
                );
                given(&cli, back);
                assert_eq!(given(&cli, "godwit digest").out, digest, "{back}");
            }
        }
    }
}

#[test]
fn the_result_is_the_same_with_and_without_pre_images() {
    let seen = |flags: &str, items: &str| {
        let cli = with_items(items, &["append-2-0-0", "append-3-0-0"]);
        cli.run(&format!("godwit up {flags} --max-failures 100%"));
        cli.run("godwit quarantine accept --all --quiet");
        given(&cli, "godwit up --quiet --max-failures 100%");
        ["digest", "quarantine list --all", "status --json"].map(|verb| {
            let seen = cli.run(&format!("godwit {verb}")).out;
            // The pre-images take room, and items in quarantine failed at another moment.
            let lines = seen.lines().filter(|line| !line.contains("\"bytes\""));
            lines.map(str::to_owned).collect::<Vec<_>>()
        })
    };
    for items in [GOOD, MIXED] {
        assert_eq!(seen("--no-pre-images", items), seen("", items));
    }
}

#[test]
fn a_run_that_ends_badly_tells_the_command_that_goes_back() {
    for kind in KINDS {
        for (flags, command) in [
            ("", "godwit undo 1"),
            ("--no-pre-images", "godwit backup restore "),
        ] {
            // Blocked by its quarantine, failed at its breaker, failed at the first item.
            for more in ["", "--max-failures 0", "--on-failure stop"] {
                let cli = of_kind(kind, MIXED, &["append-2-0-0"]);
                let digest = given(&cli, "godwit digest").out;
                let up = cli.run(&format!(
                    "godwit up {flags} {more} --batch-items 1 --threads 1"
                ));
                assert_eq!(up.code, Some(4), "{up}");
                let back = told(
                    &up.err[up.err.find("hint: ").expect("there is one")..],
                    command,
                );
                let status = cli.run("godwit status");
                assert!(
                    status.err.contains(&format!("`{back}`")),
                    "{back} is not in {status}"
                );
                let json = cli.run("godwit status --json").json();
                let restore = &json["unfinished"]["restore"];
                let json = cli.run("godwit up --json --max-failures 0").json();
                if flags.is_empty() {
                    assert!(restore.is_null(), "{restore}");
                } else {
                    assert_eq!(restore, back);
                    let run = json["runs"].get(0).map(|run| &run["run"]);
                    assert_eq!(run.unwrap_or(&json)["restore"], back, "{json}");
                    assert!(!up.err.contains("godwit undo"), "{up}");
                    assert!(!status.err.contains("godwit undo"), "{status}");
                }
                assert_ne!(
                    given(&cli, "godwit digest").out,
                    digest,
                    "something was changed"
                );
                given(&cli, back);
                assert_eq!(given(&cli, "godwit digest").out, digest, "{back}");
            }
        }
    }
}

/// Another run that has stopped meanwhile has a way back of its own, which is not that of the run that goes on.
#[test]
fn a_run_that_goes_on_and_fails_tells_its_own_way_back() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    let up = "godwit up --no-pre-images --on-failure stop --batch-items 1 --threads 1";
    assert_eq!(cli.run(up).code, Some(4));
    let other = cli.run("godwit up --id items/c --on-failure stop");
    assert_eq!(other.code, Some(4), "{other}");
    assert!(other.err.contains("`godwit undo 2` goes back"), "{other}");
    let again = cli.run(up);
    assert_eq!(again.code, Some(4), "{again}");
    assert!(again.err.contains("run 1 goes on"), "{again}");
    let restore = "` puts the whole store back as it was before run 1";
    assert!(again.err.contains(restore), "{again}");
    assert!(!again.err.contains("godwit undo"), "{again}");
}

#[test]
fn a_run_in_the_way_is_given_up_by_what_takes_it_back() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    cli.write("a.json", "{\"_id\":\"a\"}");
    let failed = cli.run("godwit up --no-pre-images --on-failure stop --quiet");
    assert_eq!(failed.code, Some(4), "{failed}");
    for line in [
        "put items a --version 1.0.0 a.json",
        "import --collection items --version 1.0.0 a.json",
    ] {
        let refused = cli.run(&format!("godwit {line}"));
        assert!(
            refused
                .err
                .contains("hint: `godwit up` goes on; `godwit backup restore "),
            "{refused}"
        );
        assert!(!refused.err.contains("godwit undo"), "{refused}");
    }
}

#[test]
fn what_cannot_be_undone_is_told_with_its_reason_everywhere() {
    let cli = with_items(MIXED, &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit up --no-pre-images --max-failures 100%",
        "godwit undo 1",
        "godwit undo 1 --json",
        "godwit prune 1",
        "godwit prune --keep 0",
        "godwit runs",
        "godwit runs 1",
        "godwit status",
        "godwit down --to 1.0.0",
        "godwit import --collection items --version 1.0.0 items.ndjson",
        "godwit up --pre-images --backup always --max-failures 100%",
        "godwit quarantine retry --quiet",
        "godwit undo 2",
    ]), @r#"
$ godwit up --no-pre-images --max-failures 100%
2> backup store.backups/[moment].godwit: 4 items of append 1.0.0 at [moment]; the run keeps no pre-images
2> run 1
2> append 2.0.0 append on items (4 items)
2> log error: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics
2> quarantine: b: refused: this item is bad
2> quarantine: c: trapped: panicked at plugins/guests/append/src/lib.rs:[line]: this item panics; it trapped: wasm `unreachable` instruction executed
2> append 2.0.0 append on items: 4 read, 2 updated, 2 failed in [time]
2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit backup restore [moment].godwit` puts the whole store back as it was before run 1
run 1: append 1.0.0 -> 2.0.0, blocked
  append 2.0.0 append on items: 4 read, 2 updated, 2 failed
  2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
  backup [moment].godwit
[exit 4]
$ godwit undo 1
2> error: run 1 cannot be undone: it kept no pre-images; `godwit backup restore [moment].godwit` puts the whole store back as it was before it
2> hint: `godwit runs` shows the states of the runs
[exit 2]
$ godwit undo 1 --json
2> error: run 1 cannot be undone: it kept no pre-images; `godwit backup restore [moment].godwit` puts the whole store back as it was before it
2> hint: `godwit runs` shows the states of the runs
{
  "error": "run 1 cannot be undone: it kept no pre-images; `godwit backup restore [moment].godwit` puts the whole store back as it was before it",
  "hint": "`godwit runs` shows the states of the runs"
}
[exit 2]
$ godwit prune 1
run 1 kept no pre-images: there is nothing to drop
$ godwit prune --keep 0
0 pre-images of 0 runs dropped
$ godwit runs
run  started               what  state    versions               can be undone
  1  [moment]  up    blocked  append 1.0.0 -> 2.0.0  no, backup [moment].godwit
run 1 is blocked: 2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
$ godwit runs 1
run 1: append 1.0.0 -> 2.0.0, blocked
  append 2.0.0 append on items: 4 read, 2 updated, 2 failed
  2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
  backup [moment].godwit
$ godwit status
2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit backup restore [moment].godwit` puts the whole store back as it was before run 1
lmdb:store, [size]
append is at 1.0.0; none may serve before run 1 is done
collection  app     version  items  quarantine  accepted  behind
items       append  2.0.0        4           2         0       0
run 1 is blocked: 2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
$ godwit down --to 1.0.0
2> error: append cannot go back to 1.0.0: run 1 is blocked: it must be finished first
2> hint: nothing was changed; `godwit runs` shows which runs can be undone, without the migrations' help
[exit 2]
$ godwit import --collection items --version 1.0.0 items.ndjson
2> error: run 1 of append is blocked, and must be finished or taken back first
2> hint: `godwit up` goes on once the items in quarantine were retried or accepted; `godwit backup restore [moment].godwit` puts the whole store back as it was before run 1. Until then, `--on-existing replace` takes the place of items in quarantine only
[exit 3]
$ godwit up --pre-images --backup always --max-failures 100%
2> warning: run 1 was begun without pre-images, and goes on without
2> run 1 goes on
2> hint: `godwit quarantine list` names the items; mend the migration and `godwit quarantine retry`, or `godwit quarantine accept` them; then `godwit up` goes on. `godwit backup restore [moment].godwit` puts the whole store back as it was before run 1
run 1: append 1.0.0 -> 2.0.0, blocked
  append 2.0.0 append on items: 4 read, 2 updated, 2 failed
  2 items of append are in quarantine, so that 2.0.0 (offline) is not applied
  backup [moment].godwit
[exit 4]
$ godwit quarantine retry --quiet
2 items left in quarantine
[exit 4]
$ godwit undo 2
run 2 is undone: 0 changes put back
"#);
    cli.write(
        "plugins/append-2-0-0.wasm",
        std::fs::read(godwit_tests::world::guest("append-3-0-0")).unwrap(),
    );
    let plan = cli.run("godwit plan");
    assert!(
        plan.err
            .contains("or give the run up: `godwit backup restore "),
        "{plan}"
    );
    assert!(!plan.err.contains("godwit undo"), "{plan}");
}

#[test]
fn a_backup_that_a_run_depends_on_is_kept_unless_it_is_forced() {
    for kind in KINDS {
        let cli = of_kind(kind, MIXED, &["append-2-0-0"]);
        given(&cli, "godwit backup create");
        assert_eq!(cli.run("godwit up --no-pre-images --quiet").code, Some(4));
        given(&cli, "godwit backup create");
        let [old, needed, new] = &backups(&cli)[..] else {
            panic!("there are three");
        };
        let pruned = given(&cli, "godwit backup prune --keep 1");
        let expected = format!(
            "removed store.backups/{old}\nkept store.backups/{needed}: run 1 is blocked and has no pre-images: nothing else \
             takes it back\n"
        );
        assert_eq!(pruned.out, expected);
        assert!(
            pruned.err.contains("`--force` removes them all the same"),
            "{pruned}"
        );
        assert_eq!(&backups(&cli), &[needed.clone(), new.clone()]);
        let pruned = given(&cli, "godwit backup prune --keep 0 --json").json();
        assert_eq!(pruned["kept"][0]["run"], 1, "{pruned}");
        assert_eq!(backups(&cli), std::slice::from_ref(needed));
        // Another store has nothing to say about them; where this one cannot be read, it cannot be told what is needed.
        let other = given(
            &cli,
            "godwit backup prune --keep 0 --backups store.backups --store lmdb:godwit.toml",
        );
        assert_eq!(other.out, "nothing to remove\n");
        std::fs::rename(cli.path("store"), cli.path("away")).unwrap();
        cli.write("store", "is no store");
        let unreadable = cli.run("godwit backup prune --keep 0");
        assert_ne!(unreadable.code, Some(0), "{unreadable}");
        assert!(unreadable.err.contains("cannot be told"), "{unreadable}");
        std::fs::remove_file(cli.path("store")).unwrap();
        std::fs::rename(cli.path("away"), cli.path("store")).unwrap();
        assert_eq!(backups(&cli), std::slice::from_ref(needed));
        // Once the run is done it is as old as others are.
        cli.prepare(&[
            "godwit quarantine accept --all --quiet",
            "godwit up --quiet",
        ]);
        let pruned = given(&cli, "godwit backup prune --keep 0");
        assert_eq!(pruned.out, format!("removed store.backups/{needed}\n"));
    }
    let cli = with_items(MIXED, &["append-2-0-0"]);
    assert_eq!(cli.run("godwit up --no-pre-images --quiet").code, Some(4));
    given(&cli, "godwit backup prune --keep 0 --force");
    assert!(backups(&cli).is_empty());
}

#[test]
fn the_backup_is_an_event_and_a_hook_and_the_run_tells_its_restore() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let config = cli.read("godwit.toml");
    cli.write(
        "godwit.toml",
        format!("{config}[hooks]\nbackup = \"cat > hooked.json\"\n"),
    );
    given(&cli, "godwit up --no-pre-images --events events.ndjson");
    let events = cli.read("events.ndjson");
    let events: Vec<serde_json::Value> = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let place = |name: &str| events.iter().position(|event| event["event"] == name);
    let place = |name: &str| place(name).unwrap_or_else(|| panic!("no {name} in {events:?}"));
    assert!(place("setting_up") < place("backup") && place("backup") < place("run_started"));
    let backup = &events[place("backup")];
    let [file] = &backups(&cli)[..] else {
        panic!("there is one");
    };
    assert_eq!(backup["file"], format!("store.backups/{file}"));
    assert_eq!(backup["why"], "the run keeps no pre-images");
    for name in ["run_started", "run_done"] {
        let event = &events[place(name)];
        assert_eq!(
            event["restore"],
            format!("godwit backup restore {file}"),
            "{event}"
        );
        assert_eq!(event["pre_images"], false);
    }
    let hooked: serde_json::Value = serde_json::from_str(&cli.read("hooked.json")).unwrap();
    assert_eq!(hooked, *backup);
    let runs = given(&cli, "godwit runs --json").json();
    assert_eq!(runs[0]["restore"], format!("godwit backup restore {file}"));
    assert_eq!(given(&cli, "godwit runs 1 --json").json()["run"], runs[0]);
    // Where none was made there is none to tell of.
    let cli = with_items(GOOD, &["append-2-0-0"]);
    given(&cli, "godwit up --events events.ndjson");
    let events = cli.read("events.ndjson");
    assert!(
        !events.contains("\"backup\"") && !events.contains("\"restore\""),
        "{events}"
    );
}

#[test]
fn no_run_is_started_where_the_backup_fails() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let digest = given(&cli, "godwit digest").out;
    cli.write("store.backups", "is no folder");
    insta::assert_snapshot!(cli.session(&[
        "godwit up --no-pre-images",
        "godwit up --backup always --json",
        "godwit up --no-pre-images --store memory:",
        "godwit runs",
        "godwit up --no-pre-images --id items/a",
        "godwit up --backup sometimes",
    ]), @r#"
$ godwit up --no-pre-images
2> error: the backup before the run cannot be made, so that no run was started: making the folder of store.backups/[moment].godwit failed: File exists (os error 17)
2> hint: check the path, and the room on its disk; or do without a backup: `--backup never`
[exit 6]
$ godwit up --backup always --json
2> error: the backup before the run cannot be made, so that no run was started: making the folder of store.backups/[moment].godwit failed: File exists (os error 17)
2> hint: check the path, and the room on its disk; or do without a backup: `--backup never`
{
  "error": "the backup before the run cannot be made, so that no run was started: making the folder of store.backups/[moment].godwit failed: File exists (os error 17)",
  "hint": "check the path, and the room on its disk; or do without a backup: `--backup never`"
}
[exit 6]
$ godwit up --no-pre-images --store memory:
2> error: a backup is to be made before the run (the run keeps no pre-images), and there is no folder for it
2> hint: name a folder: `backups` in godwit.toml; or do without a backup: `--backup never`
[exit 2]
$ godwit runs
there was no run yet
$ godwit up --no-pre-images --id items/a
2> error: the argument '--no-pre-images' cannot be used with '--id <COLLECTION/ID>'
2> 
2> Usage: godwit up --no-pre-images
2> 
2> For more information, try '--help'.
[exit 2]
$ godwit up --backup sometimes
2> error: invalid value 'sometimes' for '--backup <always|never|auto>': `sometimes` is neither `always`, `never` nor `auto`
2> 
2> For more information, try '--help'.
[exit 2]
"#);
    assert_eq!(given(&cli, "godwit digest").out, digest);
    let config = cli.read("godwit.toml");
    cli.write("godwit.toml", format!("backups = \"elsewhere\"\n{config}"));
    given(&cli, "godwit up --no-pre-images --store memory:");
    let up = given(&cli, "godwit up --no-pre-images");
    given(
        &cli,
        told(up.err.lines().last().unwrap(), "godwit backup restore "),
    );
    assert_eq!(given(&cli, "godwit digest").out, digest);
}

#[test]
fn the_configuration_says_what_is_kept_and_flags_override_it() {
    let cases = [
        ("pre-images = false", "", false, 1),
        ("pre-images = false", "--pre-images", true, 0),
        ("pre-images = false\nbackup = \"never\"", "", false, 0),
        (
            "pre-images = false\nbackup = \"never\"",
            "--backup auto",
            false,
            1,
        ),
        ("pre-images = true\nbackup = \"always\"", "", true, 1),
        ("backup = \"always\"", "--backup never", true, 0),
        ("backup = \"auto\"", "--no-pre-images", false, 1),
    ];
    for (config, flags, keeps, files) in cases {
        let cli = with_items(GOOD, &["append-2-0-0"]);
        let base = cli.read("godwit.toml");
        cli.write("godwit.toml", format!("{base}[run]\n{config}\n"));
        given(&cli, &format!("godwit up {flags}"));
        assert_eq!(backups(&cli).len(), files, "{config} {flags}");
        let run = &given(&cli, "godwit runs --json").json()[0];
        assert_eq!(run["has_pre_images"], keeps, "{config} {flags}");
        // A rehearsal, a dry run and a way back are what they always were.
        let before = backups(&cli);
        given(&cli, "godwit rehearse --quiet");
        given(&cli, "godwit up --dry-run");
        assert_eq!(backups(&cli), before);
    }
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let base = cli.read("godwit.toml");
    cli.write(
        "backup.toml",
        format!("{base}[run]\nbackup = \"sometimes\"\n"),
    );
    cli.write("kept.toml", format!("{base}[run]\npre-images = \"no\"\n"));
    let refused = cli.run("godwit --config backup.toml up");
    assert_eq!(refused.code, Some(2), "{refused}");
    let expected = "error: backup: `sometimes` is neither `always`, `never` nor `auto`\nhint: see [run] in godwit.toml\n";
    assert_eq!(refused.err, expected);
    assert_eq!(cli.run("godwit --config kept.toml up").code, Some(2));
}

#[test]
fn a_run_that_is_killed_goes_on_exactly_once_behind_one_backup() {
    for kind in KINDS {
        let cli = Cli::on(kind, &["append-2-0-0"]);
        cli.prepare(&[
            "godwit generate -c 20000 --size 100 -o items.ndjson --quiet",
            "godwit import --app append --collection items --version 1.0.0 items.ndjson --quiet",
        ]);
        let digest = given(&cli, "godwit digest").out;
        let mut up = cli.start("godwit up --no-pre-images --batch-items 10 --threads 2");
        up.wait_for("append on items (20,000 items)");
        up.child.kill().expect("it goes on");
        up.child.wait().expect("it was killed");
        let status = cli.run("godwit status");
        let back = told(&status.err, "godwit backup restore ").to_owned();
        given(&cli, "godwit up --no-pre-images --quiet");
        assert_eq!(backups(&cli).len(), 1, "it has its backup already");
        let exported = given(&cli, "godwit export --collection items").out;
        assert_eq!(exported.matches(r#""trail":["2.0.0"]"#).count(), 20_000);
        given(&cli, &back);
        assert_eq!(given(&cli, "godwit digest").out, digest);
    }
}

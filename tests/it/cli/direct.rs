//! Runs that are directed from another terminal.

use godwit_tests::cli::{Cli, Ended, Started};

use super::KINDS;

const ITEMS: u64 = 20_000;

/// A store of so many items that a slow run over them would take minutes.
fn large(kind: &str) -> Cli {
    let cli = Cli::on(kind, &["append-2-0-0"]);
    cli.prepare(&[
        &format!("godwit generate -c {ITEMS} --size 100 -o items.ndjson --quiet"),
        "godwit import --app append --collection items --version 1.0.0 items.ndjson --quiet",
    ]);
    cli
}

fn slow(cli: &Cli) -> Started {
    let mut up = cli.start("godwit up --items-per-second 100");
    up.wait_for("append on items (20,000 items)");
    up
}

fn read(progress: &Ended) -> u64 {
    progress.json()["read"].as_u64().unwrap()
}

#[test]
fn a_run_is_paused_resumed_and_let_go() {
    for kind in KINDS {
        let cli = large(kind);
        let mut up = slow(&cli);

        // How fast it is, is known after a while.
        let told = std::iter::repeat_with(|| cli.run("godwit progress --json"));
        let mut told = told.inspect(|told| assert_eq!(told.code, Some(0), "{told}"));
        let told = told.find(|told| !told.json()["items_per_second"].is_null());
        let told = told.unwrap().json();
        let (rate, left) = (&told["items_per_second"], &told["seconds_left"]);
        assert!(
            rate.as_f64() > Some(0.0) && left.as_f64() > Some(0.0),
            "{told}"
        );

        // From then on it is told to be no faster than it may be.
        cli.prepare(&["godwit throttle --items-per-second 20"]);
        let told = cli.run("godwit progress --json").json();
        assert!(told["items_per_second"].as_f64() <= Some(20.0), "{told}");
        cli.prepare(&["godwit throttle --items-per-second 100"]);

        let paused = cli.run("godwit pause");
        assert_eq!(paused.code, Some(0), "{paused}");
        assert!(paused.out.starts_with("up: it waits: paused\n"), "{paused}");
        up.wait_for("waiting: paused");
        let before = cli.run("godwit progress --json");
        assert_eq!(before.json()["waits_for"][0], "paused", "{before}");
        let after = cli.run("godwit progress --json");
        assert_eq!(read(&before), read(&after), "it does nothing");
        assert_eq!(before.json()["total"], ITEMS);
        assert!(read(&after) < ITEMS);

        let resumed = cli.run("godwit resume");
        assert!(resumed.out.starts_with("up: it goes on\n"), "{resumed}");
        up.wait_for("going on");
        let throttled = cli.run("godwit throttle --off");
        assert_eq!(throttled.code, Some(0), "{throttled}");
        let ended = up.finish();
        assert_eq!(ended.code, Some(0), "{ended}");
        assert!(ended.out.contains("20,000 read, 20,000 updated"), "{ended}");
        let nobody = cli.run("godwit progress");
        assert_eq!(nobody.out, "no run is under way, and none is unfinished\n");
    }
}

#[test]
fn a_run_is_cancelled_while_it_waits_and_goes_on_later() {
    for kind in KINDS {
        let cli = large(kind);
        let mut up = slow(&cli);
        cli.prepare(&["godwit pause"]);
        up.wait_for("waiting: paused");
        let cancelled = cli.run("godwit cancel");
        assert!(
            cancelled
                .out
                .starts_with("up: it stops after the batch in flight\n"),
            "{cancelled}"
        );
        let ended = up.finish();
        assert_eq!(ended.code, Some(130), "{ended}");
        assert!(ended.err.contains("hint: `godwit up` goes on"), "{ended}");
        let left = cli.run("godwit progress");
        assert!(left.out.starts_with("run 1 is stopped: "), "{left}");
        let rest = cli.run("godwit up");
        assert!(rest.out.contains("20,000 read, 20,000 updated"), "{rest}");
    }
}

#[test]
fn what_was_killed_listens_no_more_and_is_in_nobodys_way() {
    let cli = large("lmdb");
    let mut up = slow(&cli);
    let pid = up.child.id();
    let status = cli.run("godwit status");
    let by = format!(" (process {pid})\n");
    assert!(
        status.out.contains("\nrun 1 is under way by ") && status.out.ends_with(&by),
        "{status}"
    );
    assert_eq!(status.err, "hint: `godwit progress` tells how far it is\n");
    let alive = |json: &serde_json::Value| json["is_alive"].as_bool();
    let json = |verb: &str| cli.run(&format!("godwit {verb} --json")).json();
    assert_eq!(alive(&json("status")["unfinished"]), Some(true));
    assert_eq!(json("status")["busy"]["purpose"], "up");
    assert_eq!(alive(&json("progress")), Some(true));
    up.child.kill().unwrap();
    up.finish();
    let ended = "run 1 is not done, and its process has ended";
    for verb in ["status", "progress", "runs"] {
        let told = cli.run(&format!("godwit {verb}"));
        assert!(told.out.contains(ended), "{told}");
        let hint = if verb == "runs" {
            ""
        } else {
            "hint: `godwit up` goes on\n"
        };
        assert_eq!(told.err, hint, "{told}");
    }
    assert_eq!(alive(&json("status")["unfinished"]), Some(false));
    assert_eq!(alive(&json("progress")), Some(false));
    let nobody = cli.run("godwit pause");
    assert_eq!(nobody.code, Some(2), "{nobody}");
    assert!(
        nobody
            .err
            .starts_with("error: nobody works on the store in ")
            && nobody.err.contains("hint: "),
        "{nobody}"
    );
    let mut up = slow(&cli);
    cli.prepare(&["godwit cancel"]);
    assert!(up.said_to_the_end().contains("run 1 goes on"));
    assert_eq!(up.finish().code, Some(130));
}

#[test]
fn batches_become_as_large_as_is_said() {
    let cli = large("lmdb");
    let mut up = slow(&cli);
    let answered = cli.run("godwit batch --bytes 1");
    assert!(
        answered.out.contains("batches of [size]") || answered.out.contains("batches of 1 B"),
        "{answered}"
    );
    assert!(
        answered.out.contains("100 items a second at most"),
        "{answered}"
    );
    let answered = cli.run("godwit throttle --duty 99% --rest 1ms --json");
    let pacing = &answered.json()["pacing"];
    assert_eq!(
        (&pacing["duty"], &pacing["rest"], &pacing["batch_bytes"]),
        (&99.into(), &1.into(), &1.into())
    );
    assert!(pacing["items_per_second"].is_null(), "{answered}");
    cli.prepare(&["godwit batch --bytes 100000", "godwit throttle --off"]);
    up.wait_for("applied append 2.0.0");
    assert_eq!(up.finish().code, Some(0));
}

#[test]
fn an_import_is_paused_and_not_slowed_down() {
    use std::io::Write;
    let cli = Cli::on("lmdb", &[]);
    let mut import = cli.start("godwit import --app a --collection c --version 1.0.0");
    let mut stdin = import.child.stdin.take().expect("it is piped");
    let lines: String = (0..20_000).map(|n| format!("{{\"_id\":{n}}}\n")).collect();
    stdin.write_all(lines.as_bytes()).expect("it reads");
    while !cli.run("godwit status").out.contains("\nc ") {}
    let refused = cli.run("godwit throttle --items-per-second 5");
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(
        refused
            .err
            .contains("import can be paused and cancelled, and not slowed down"),
        "{refused}"
    );
    let paused = cli.run("godwit pause");
    assert!(
        paused.out.starts_with("import: it waits: paused\n"),
        "{paused}"
    );
    cli.prepare(&["godwit resume"]);
    drop(stdin);
    let ended = import.finish();
    assert_eq!(ended.code, Some(0), "{ended}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let cli = large("lmdb");
    for (line, part) in [
        ("godwit throttle", "nothing says how fast it may go"),
        ("godwit throttle --duty 0%", "`0%` is no share of the time"),
        ("godwit throttle --off --duty 5%", "cannot be used with"),
        (
            "godwit throttle --items-per-second 0",
            "it is 1 at least; `godwit pause` has a run wait",
        ),
        ("godwit batch --bytes 0", "invalid value '0'"),
        (
            "godwit pause --store memory:",
            "a store in memory belongs to one process",
        ),
        (
            "godwit cancel --store lmdb:nowhere",
            "nobody works on the store in nowhere",
        ),
        ("godwit progress --store lmdb:nowhere", "there is no store"),
    ] {
        let ended = cli.run(line);
        assert_eq!(ended.code, Some(2), "{ended}");
        assert!(ended.err.contains(part), "`{part}` is not in {ended}");
    }
}

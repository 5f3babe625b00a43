//! Events for programs, and hooks.

use godwit_tests::cli::{Cli, Ended};
use serde_json::Value;

fn desk() -> Cli {
    super::with_items(super::MIXED, &["append-2-0-0"])
}

fn events(text: &str) -> Vec<Value> {
    let parse =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(parse).collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect()
}

const NAMES: [&str; 5] = [
    "setting_up",
    "run_started",
    "step_started",
    "item_failed",
    "run_done",
];

#[test]
fn events_are_lines_of_json_behind_those_that_are_there() {
    let cli = desk();
    let ended = cli.run("godwit up --events events.ndjson --max-failures 100%");
    assert_eq!(ended.code, Some(4), "{ended}");
    let first = cli.read("events.ndjson");
    let told = events(&first);
    for name in NAMES {
        assert!(names(&told).contains(&name), "{name}: {first}");
    }
    assert!(
        told.iter()
            .all(|event| event["at"].as_u64() > Some(1_700_000_000_000))
    );
    assert!(!names(&told).contains(&"set_up"), "items are in quarantine");
    let failed = told
        .iter()
        .find(|event| event["event"] == "item_failed")
        .unwrap();
    assert_eq!(
        (&failed["step"]["version"], &failed["kind"]),
        (&"2.0.0".into(), &"refused".into()),
        "{failed}"
    );
    let done = told.last().unwrap();
    assert_eq!(
        (&done["run"], &done["state"]),
        (&1.into(), &"blocked".into())
    );

    cli.prepare(&["godwit quarantine accept --all --quiet"]);
    let ended = cli.run("godwit up --events events.ndjson");
    assert_eq!(ended.code, Some(0), "{ended}");
    let all = cli.read("events.ndjson");
    let more = events(all.strip_prefix(&first).expect("it is appended to"));
    assert_eq!(names(&more).last(), Some(&"set_up"), "{all}");
    let started = more
        .iter()
        .find(|event| event["event"] == "run_started")
        .unwrap();
    assert_eq!(started["resumed"], true);
}

#[test]
fn events_on_standard_output_are_alone_there() {
    let cli = desk();
    let ended = cli.run("godwit up --events - --max-failures 100% --quiet");
    let told = events(&ended.out);
    assert_eq!(names(&told).last(), Some(&"run_done"), "{ended}");
    // With --json the result is a line like any other... of several.
    cli.prepare(&["godwit quarantine accept --all --quiet"]);
    let nothing = cli.run("godwit up --events nowhere/events.ndjson");
    assert_eq!(nothing.code, Some(2), "{nothing}");
    assert!(
        nothing
            .err
            .contains("nowhere/events.ndjson cannot be written"),
        "{nothing}"
    );
}

fn with_hooks(hooks: &str) -> Cli {
    let cli = desk();
    let config = format!("store = \"lmdb:store\"\nplugins = \"plugins\"\n[hooks]\n{hooks}");
    cli.write("godwit.toml", config);
    cli
}

fn up(cli: &Cli) -> Ended {
    cli.run("godwit up --max-failures 100%")
}

#[test]
fn hooks_are_called_in_order_with_the_event() {
    let cli = with_hooks(
        "setting-up = \"cat > first.json\"\n\
         item-failed = [\"sh\", \"-c\", \"cat >> failed.ndjson; echo >> failed.ndjson\"]\n\
         run-done = \"cat > done.json\"\n",
    );
    let ended = up(&cli);
    assert_eq!(ended.code, Some(4), "{ended}");
    let first = events(&cli.read("first.json"));
    assert_eq!(names(&first), ["setting_up"]);
    assert_eq!(first[0]["stages"][0]["steps"][0], "append");
    let failed = events(&cli.read("failed.ndjson"));
    assert!(!failed.is_empty() && names(&failed).iter().all(|name| *name == "item_failed"));
    assert_eq!(events(&cli.read("done.json"))[0]["state"], "blocked");
}

#[test]
fn ways_back_are_told_like_runs() {
    let cli = with_hooks("run-done = \"cat >> done.ndjson; echo >> done.ndjson\"\n");
    assert_eq!(up(&cli).code, Some(4));
    let undone = cli.run("godwit undo 1 --events -");
    assert_eq!(undone.code, Some(0), "{undone}");
    assert_eq!(names(&events(&undone.out)), ["undo_started", "run_done"]);
    let done = events(&cli.read("done.ndjson"));
    let states: Vec<_> = done.iter().map(|event| &event["state"]).collect();
    assert_eq!(states, ["blocked", "undone"]);
}

#[test]
fn a_hook_that_fails_warns_or_stops_the_run() {
    let cli = with_hooks("run-started = \"echo no room >&2; exit 3\"\n");
    let ended = up(&cli);
    assert_eq!(ended.code, Some(4), "{ended}");
    let warned =
        "warning: the hook run-started (echo no room >&2; exit 3) failed: exit status: 3: no room";
    assert!(ended.err.contains(warned), "{ended}");

    let cli = with_hooks("on-failure = \"stop\"\nsetting-up = \"exit 3\"\n");
    let ended = up(&cli);
    assert_eq!(ended.code, Some(130), "{ended}");
    assert!(
        ended
            .err
            .contains("error: the hook setting-up (exit 3) failed: exit status: 3\n"),
        "{ended}"
    );
    assert!(
        ended
            .err
            .contains("hint: mend the hook, then the same command goes on"),
        "{ended}"
    );
    let left = cli.run("godwit progress");
    assert!(left.out.contains(": 0 of 4 items read"), "{left}");

    let cli = with_hooks("timeout = \"50ms\"\nrun-started = \"sleep 1000\"\n");
    let ended = up(&cli);
    assert!(
        ended
            .err
            .contains("it took longer than 50 ms and was ended"),
        "{ended}"
    );
}

#[test]
fn a_hook_that_fails_when_the_run_is_done_takes_nothing_from_it() {
    let cli = with_hooks("on-failure = \"stop\"\nrun-done = \"exit 3\"\n");
    let blocked = up(&cli);
    assert_eq!(blocked.code, Some(4), "{blocked}");
    let accepted = cli.run("godwit quarantine accept --all");
    assert_eq!(accepted.code, Some(0), "{accepted}");
    let ended = up(&cli);
    assert_eq!(ended.code, Some(0), "{ended}");
    let warned = "warning: the hook run-done (exit 3) failed: exit status: 3; it was too late to stop the run\n";
    assert!(ended.err.contains(warned), "{ended}");
}

#[test]
fn hooks_that_cannot_be_are_refused_before_anything_is_done() {
    for (hooks, part) in [
        (
            "run-begun = \"true\"\n",
            "hooks.run-begun: there is no such event; there are setting-up, ",
        ),
        ("run-done = \" \"\n", "hooks.run-done: it is empty"),
        ("run-done = []\n", "hooks.run-done: it names no program"),
        (
            "timeout = \"soon\"\nrun-done = \"true\"\n",
            "hooks.timeout: `soon` is no time",
        ),
        ("on-failure = \"cry\"\n", "unknown variant `cry`"),
    ] {
        let cli = with_hooks(hooks);
        let ended = up(&cli);
        assert_eq!(ended.code, Some(2), "{ended}");
        assert!(ended.err.contains(part), "`{part}` is not in {ended}");
    }
}

#[test]
fn a_url_gets_the_event_as_a_post() {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(found) = line.to_lowercase().strip_prefix("content-length:") {
                length = found.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head += &line;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            .unwrap();
        (head, String::from_utf8(body).unwrap())
    });
    let cli = with_hooks(&format!("run-done = \"http://127.0.0.1:{port}/done\"\n"));
    let ended = up(&cli);
    assert!(!ended.err.contains("warning"), "{ended}");
    let (head, body) = server.join().unwrap();
    assert!(head.starts_with("POST /done HTTP/1.1"), "{head}");
    assert_eq!(names(&events(&body)), ["run_done"]);
}

#[test]
fn a_run_waits_until_the_system_is_well_and_its_hour_has_come() {
    let cli = desk();
    let config = "store = \"lmdb:store\"\nplugins = \"plugins\"\n[run]\nmax-failures = \"100%\"\n\
                  health = \"test -f well || { echo too busy >&2; exit 1; }\"\nhealth-every = \"20 ms\"\n";
    cli.write("godwit.toml", config);
    let mut up = cli.start("godwit up");
    up.wait_for("waiting: not well: exit status: 1: too busy");
    let progress = cli.run("godwit progress");
    assert!(
        progress
            .out
            .contains("it waits: not well: exit status: 1: too busy"),
        "{progress}"
    );
    cli.write("well", "");
    up.wait_for("going on");
    let ended = up.finish();
    assert_eq!(ended.code, Some(4), "{ended}");

    // Hours that are never: they end when they begin.
    let cli = desk();
    let config = "store = \"lmdb:store\"\nplugins = \"plugins\"\n[run]\nhours = \"03:00-03:00\"\n";
    cli.write("godwit.toml", config);
    let mut up = cli.start("godwit up");
    up.wait_for("waiting: it is not 03:00-03:00 now");
    cli.prepare(&["godwit cancel"]);
    assert_eq!(up.finish().code, Some(130));
    cli.write("godwit.toml", config.replace("03:00-03:00", "at night"));
    let refused = cli.run("godwit up");
    assert!(
        refused
            .err
            .contains("hours: `at night` are no hours, as in 22:00-06:00"),
        "{refused}"
    );
}

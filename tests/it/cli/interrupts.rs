//! Ctrl-C.

use std::io::Write;

use godwit_tests::cli::Cli;
use godwit_tests::made::{Order, rewrite};

use super::KINDS;

const ITEMS: u64 = 20_000;

/// A store of so many items that nothing is done with them in the time of a system call.
fn large(kind: &str) -> Cli {
    let cli = Cli::on(kind, &["append-2-0-0"]);
    cli.prepare(&[
        &format!("godwit generate -c {ITEMS} --size 100 -o items.ndjson --quiet"),
        "godwit import --app append --collection items --version 1.0.0 items.ndjson --quiet",
    ]);
    cli
}

#[test]
fn up_commits_the_batch_in_flight_and_goes_on_later() {
    for kind in KINDS {
        let cli = large(kind);
        let mut up = cli.start("godwit up --batch-items 10 --threads 2");
        up.wait_for("append on items (20,000 items)");
        up.interrupt();
        let stopped = up.finish();
        assert_eq!(stopped.code, Some(130), "{stopped}");
        assert!(
            stopped.err.contains("stopping after the batch in flight"),
            "{stopped}"
        );
        assert!(
            stopped.err.contains("hint: `godwit up` goes on"),
            "{stopped}"
        );
        assert!(
            stopped
                .out
                .starts_with("run 1: append 1.0.0 -> 2.0.0, stopped\n"),
            "{stopped}"
        );

        let status = cli.run("godwit status");
        assert!(status.out.contains("\nrun 1 was stopped"), "{status}");
        assert!(status.err.contains("hint: `godwit up` goes on"), "{status}");
        let plan = cli.run("godwit plan");
        assert!(
            plan.out
                .starts_with("run 1 is unfinished; `godwit up` goes on with it\n"),
            "{plan}"
        );

        let rest = cli.run("godwit up");
        assert_eq!(rest.code, Some(0), "{rest}");
        // It `goes on` where a batch was committed before.
        assert!(rest.err.starts_with("run 1"), "{rest}");
        assert!(
            rest.out.contains("on items: 20,000 read, 20,000 updated\n"),
            "{rest}"
        );
        let exported = cli.run("godwit export --collection items").out;
        assert_eq!(
            exported.matches(r#""trail":["2.0.0"]"#).count() as u64,
            ITEMS
        );
    }
}

#[test]
fn as_json_the_state_is_stopped() {
    let cli = large("lmdb");
    let mut up = cli.start("godwit up --batch-items 10 --threads 2");
    up.wait_for("append on items");
    up.interrupt();
    up.finish();
    // A run of which nobody knows any more than that it was stopped goes on for programs, too.
    let rest = cli.run("godwit up --json");
    assert_eq!(rest.code, Some(0), "{rest}");
    let json = rest.json();
    assert_eq!(json["runs"][0]["run"]["state"], "completed");
    assert_eq!(json["runs"][0]["steps"][0]["counts"]["updated"], ITEMS);
}

/// Enough lines for more than one batch.
fn lines() -> String {
    (0..20_000).map(|n| format!("{{\"_id\":{n}}}\n")).collect()
}

#[test]
fn an_import_from_a_pipe_keeps_what_it_has() {
    let cli = Cli::on("lmdb", &[]);
    let mut import = cli.start("godwit import --app a --collection c --version 1.0.0");
    let mut stdin = import.child.stdin.take().expect("it is piped");
    stdin.write_all(lines().as_bytes()).expect("it reads");
    while !cli.run("godwit status").out.contains("\nc ") {}
    import.interrupt();
    import.wait_for("stopping after the batch in flight");
    // It reads on until the batch is full; then nobody reads any more.
    while stdin.write_all(b"\n{\"_id\":\"more\"}\n").is_ok() {}
    let stopped = import.finish();
    assert_eq!(stopped.code, Some(130), "{stopped}");
    assert!(
        stopped.err.contains("hint: import the same again: "),
        "{stopped}"
    );
    let again = cli
        .write("all.ndjson", lines())
        .run("godwit import --collection c --version 1.0.0 all.ndjson");
    assert_eq!(again.code, Some(0), "{again}");
    assert!(again.out.contains("20,000 documents: "), "{again}");
}

#[test]
fn an_import_of_a_file_goes_on_behind_its_last_line() {
    let cli = Cli::on("lmdb", &[]);
    cli.prepare(&["godwit generate -c 60000 -o items.ndjson --quiet"]);
    let line = "godwit import --app a --collection c --version 1.0.0 items.ndjson";
    let import = cli.start(line);
    while !cli.run("godwit status").out.contains("\nc ") {}
    import.interrupt();
    let stopped = import.finish();
    assert_eq!(stopped.code, Some(130), "{stopped}");
    assert!(
        stopped.err.ends_with("hint: the same command goes on\n"),
        "{stopped}"
    );
    let rest = cli.run(line);
    assert_eq!(rest.code, Some(0), "{rest}");
    assert!(rest.out.starts_with("went on behind line "), "{rest}");
    assert!(rest.out.contains("60,000 documents: 60,000 new"), "{rest}");
}

#[test]
fn an_import_that_migrates_may_be_killed_again_and_again() {
    let start = || {
        let cli = Cli::on("lmdb", &[]);
        cli.write("first.ndjson", "{\"_id\":\"first\"}\n");
        for version in ["2.0.0", "3.0.0"] {
            let order = Order::new("made", version).step(rewrite("apply", "c"));
            cli.write(
                &format!("plugins/{version}.wasm"),
                order.file("records-2-0-0"),
            );
        }
        cli.prepare(&[
            &format!("godwit generate -c {ITEMS} --size 100 -o items.ndjson --quiet"),
            "godwit import --app made --collection c --version 1.0.0 first.ndjson",
            "godwit up --quiet",
        ]);
        cli
    };
    let line = "godwit import --collection c --version 1.0.0 items.ndjson";
    let undisturbed = start();
    undisturbed.prepare(&[line]);
    let cli = start();
    let (mut seen, mut kills) = (String::new(), 0);
    for _ in 0..5 {
        let mut import = cli.start(line);
        // It is killed once it has come further, wherever it is then.
        let has_come_further = |seen: &mut String| {
            let status = cli.run("godwit status --json").out;
            let is_other = *seen != status;
            *seen = status;
            is_other
        };
        has_come_further(&mut seen);
        while import.child.try_wait().expect("it runs").is_none() {
            if has_come_further(&mut seen) {
                break;
            }
        }
        import.child.kill().expect("it may be killed");
        let status = import.child.wait().expect("it can be waited for");
        kills += u32::from(status.code().is_none());
    }
    assert!(kills > 0, "it came to its end each time");
    let rest = cli.run(line);
    assert_eq!(rest.code, Some(0), "{rest}");
    for question in ["digest", "verify", "export --collection c"] {
        let question = format!("godwit {question}");
        assert_eq!(cli.run(&question).out, undisturbed.run(&question).out);
    }
}

#[test]
fn the_second_time_ends_it_at_once() {
    let cli = Cli::on("lmdb", &[]);
    let mut import = cli.start("godwit import --app a --collection c --version 1.0.0");
    let mut stdin = import.child.stdin.take().expect("it is piped");
    stdin.write_all(lines().as_bytes()).expect("it reads");
    while !cli.run("godwit status").out.contains("\nc ") {}
    import.interrupt();
    import.wait_for("again to stop at once");
    import.interrupt();
    let status = import.child.wait().expect("it can be waited for");
    assert_eq!(status.code(), Some(130));
    drop(stdin);
    // Its lease is gone with it.
    assert_eq!(cli.run("godwit quarantine accept --all").code, Some(0));
}

#[test]
fn what_was_generated_so_far_is_thrown_away() {
    let cli = Cli::new();
    let generate = cli.start("godwit generate -c 100000000 -o items.ndjson");
    while std::fs::read_dir(cli.path("."))
        .expect("it is there")
        .count()
        == 0
    {}
    generate.interrupt();
    let stopped = generate.finish();
    assert_eq!(stopped.code, Some(130), "{stopped}");
    assert_eq!(
        std::fs::read_dir(cli.path("."))
            .expect("it is there")
            .count(),
        0
    );
}

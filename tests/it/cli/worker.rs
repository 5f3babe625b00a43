//! Workers of one store, and what directs them from anywhere.

use godwit_tests::cli::Cli;
use godwit_tests::made::{LAYOUTS, Order, rewrite};
use godwit_tests::postgres::Server;

/// Migrations whose steps several may carry out at once, put into a folder.
fn plugins(cli: &Cli) {
    for version in ["2.0.0", "3.0.0"] {
        let order = Order::new("made", version).step(rewrite("apply", "items"));
        cli.write(
            &format!("plugins/made-{version}.wasm"),
            order.file(LAYOUTS[0]),
        );
    }
}

/// A folder whose godwit.toml names a schema of a server.
fn on(server: &Server, schema: &str, with_plugins: bool) -> Cli {
    let cli = Cli::new();
    let named = if with_plugins {
        "plugins = \"plugins\"\n"
    } else {
        ""
    };
    let url = server.url_of(schema);
    let toml = format!("store = \"{url}\"\nbackups = \"backups\"\n{named}");
    cli.write("godwit.toml", toml);
    if with_plugins {
        plugins(&cli);
    }
    cli
}

fn import(cli: &Cli, count: u32) {
    cli.prepare(&[
        &format!("godwit generate -c {count} --size 200 -o items.ndjson --quiet"),
        "godwit import --app made --collection items --version 1.0.0 items.ndjson --quiet",
    ]);
}

#[test]
fn every_store_and_any_number_of_workers_lead_to_the_same_digest() {
    let server = Server::start();
    let mut digests = Vec::new();
    for kind in ["lmdb", "sled"] {
        let cli = Cli::on(kind, &[]);
        plugins(&cli);
        import(&cli, 3_000);
        cli.prepare(&["godwit up --quiet"]);
        digests.push((kind.to_owned(), cli.run("godwit digest --json").json()));
    }
    let alone = on(&server, "alone", true);
    import(&alone, 3_000);
    alone.prepare(&["godwit up --quiet"]);
    digests.push(("alone".to_owned(), alone.run("godwit digest --json").json()));
    for count in [1, 4] {
        let schema = format!("of_{count}");
        let first = on(&server, &schema, true);
        import(&first, 3_000);
        let line = "godwit worker --threads 1 --range-items 100 --batch-items 20 --json";
        // The first one puts the migrations into the store.
        let started = first.start(line);
        let others: Vec<_> = (1..count).map(|_| on(&server, &schema, false)).collect();
        let mut workers = vec![started];
        for other in &others {
            loop {
                let worker = other.start(line);
                // It may have been quicker than the first one.
                let shelved = server.psql(&format!(
                    "SELECT count(*) FROM {schema}.entries WHERE key = 'B'"
                ));
                if shelved == "1" {
                    workers.push(worker);
                    break;
                }
                worker.finish();
            }
        }
        for worker in workers {
            let ended = worker.finish();
            let is_too_soon = ended.err.contains("no worker has put migrations");
            assert!(ended.code == Some(0) || is_too_soon, "{ended}");
        }
        digests.push((schema, first.run("godwit digest --json").json()));
    }
    for (name, digest) in &digests {
        assert_eq!(*digest, digests[0].1, "{name}");
    }
}

#[test]
fn workers_are_directed_from_any_machine() {
    let server = Server::start();
    let cli = on(&server, "directed", true);
    import(&cli, 5_000);
    // Another folder, without plugins: another machine.
    let elsewhere = on(&server, "directed", false);
    let nobody = elsewhere.run("godwit pause");
    assert_eq!(nobody.code, Some(2), "{nobody}");
    assert!(
        nobody
            .err
            .contains("nobody works on the store in postgres://"),
        "{nobody}"
    );

    let line = "godwit worker --threads 1 --items-per-second 50 --range-items 100";
    let mut first = cli.start(line);
    first.wait_for("apply on items");
    let mut second = elsewhere.start(line);
    let told = std::iter::repeat_with(|| elsewhere.run("godwit progress --json"));
    let told = told
        .map(|told| told.json())
        .find(|told| !told["items_per_second"].is_null());
    let told = told.unwrap();
    assert_eq!(
        (&told["is_alive"], &told["state"]),
        (&true.into(), &"running".into()),
        "{told}"
    );

    let paused = elsewhere.run("godwit pause");
    assert_eq!(paused.code, Some(0), "{paused}");
    assert!(
        paused.out.starts_with("worker: it waits: paused\n"),
        "{paused}"
    );
    first.wait_for("waiting: paused");
    let resumed = elsewhere.run("godwit resume");
    assert!(resumed.out.starts_with("worker: it goes on\n"), "{resumed}");
    first.wait_for("going on");
    let throttled = elsewhere.run("godwit throttle --items-per-second 40");
    assert!(
        throttled.out.contains("40 items a second at most"),
        "{throttled}"
    );

    // One that is interrupted leaves the run to the other.
    first.interrupt();
    let left = first.finish();
    assert_eq!(left.code, Some(130), "{left}");
    assert!(left.err.contains("others go on with the run"), "{left}");
    let run = elsewhere.run("godwit runs --json").json();
    assert_eq!(run[0]["state"], "running", "{run}");

    let cancelled = elsewhere.run("godwit cancel");
    assert_eq!(
        cancelled.code,
        Some(0),
        "{cancelled}: {}",
        second.said_to_the_end()
    );
    assert!(
        cancelled.out.contains("it stops after the batch in flight"),
        "{cancelled}"
    );
    let ended = second.said_to_the_end();
    let run = elsewhere.run("godwit runs --json").json();
    assert_eq!(run[0]["state"], "stopped", "{run}: {ended}");

    // It goes on with what was ordered forgotten.
    let ended = cli.run("godwit up --quiet");
    assert_eq!(ended.code, Some(0), "{ended}");
    let state = cli.run("godwit verify");
    assert_eq!(state.code, Some(0), "{state}");
}

#[test]
fn what_cannot_be_worked_on_is_refused_with_a_way_out() {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    insta::assert_snapshot!(cli.session(&["godwit worker"]), @"
    $ godwit worker
    2> error: lmdb:store is a store of one machine, where one process migrates at a time
    2> hint: use `godwit up`, which works on all cores; workers share a store like postgres://HOST/DATABASE
    [exit 2]
    ");
    let server = Server::start();
    let cli = on(&server, "empty", false);
    let refused = cli.run("godwit worker");
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(
        refused
            .err
            .contains("no worker has put migrations into this store yet"),
        "{refused}"
    );
    assert!(refused.err.contains("--plugins FOLDER"), "{refused}");
    let short = cli.run("godwit worker --lease 10ms");
    assert!(short.err.contains("it is 1s at least"), "{short}");
    let cli = Cli::new();
    let port = godwit_tests::postgres::free_port();
    let gone = cli.run(&format!(
        "godwit status --store postgres://me:secret@127.0.0.1:{port}/db"
    ));
    assert_eq!(gone.code, Some(6), "{gone}");
    assert!(
        !gone.err.contains("secret") && gone.err.contains("refused"),
        "{gone}"
    );
    let missing = cli.run(&format!(
        "godwit status --store {}",
        server.url_of("nothing")
    ));
    assert_eq!(missing.code, Some(2), "{missing}");
    assert!(
        missing.err.contains("there is no store at postgres://"),
        "{missing}"
    );
}

#[test]
fn every_command_works_on_a_server() {
    let server = Server::start();
    let cli = on(&server, "all_of_it", true);
    import(&cli, 500);
    cli.write("new.json", r#"{"_id": "new"}"#);
    let before = cli.run("godwit export --collection items").out;
    cli.prepare(&[
        "godwit plan",
        "godwit up --dry-run",
        "godwit up --backup always",
        "godwit status",
        "godwit history",
        "godwit runs",
        "godwit verify",
        "godwit backup list",
        "godwit put items new new.json --version 3.0.0",
        "godwit get items new",
        "godwit delete items new",
    ]);
    let verified = cli.run("godwit digest");
    assert_eq!(verified.code, Some(0), "{verified}");
    cli.prepare(&["godwit undo 1", "godwit up --shadow", "godwit finalize"]);
    cli.prepare(&["godwit runs", "godwit prune --keep 0"]);
    // A backup becomes a store in a folder.
    let backup = cli.run("godwit backup list --json").json()[0]["file"]
        .as_str()
        .unwrap()
        .to_owned();
    cli.prepare(&[&format!(
        "godwit backup restore {backup} --store lmdb:restored"
    )]);
    assert_eq!(
        cli.run("godwit export --collection items --store lmdb:restored")
            .out,
        before
    );
    let told = cli.run(&format!("godwit backup restore {backup} --dry-run"));
    assert!(told.out.contains("would replace"), "{told}");
    let restored = cli.run(&format!("godwit backup restore {backup}"));
    assert_eq!(restored.code, Some(0), "{restored}");
    assert!(
        restored.err.contains("?schema=all_of_it_replaced_"),
        "{restored}"
    );
    assert_eq!(cli.run("godwit export --collection items").out, before);
    let elsewhere = server.url_of("elsewhere");
    cli.prepare(&[&format!(
        "godwit backup restore {backup} --store {elsewhere}"
    )]);
    let there = cli.run(&format!(
        "godwit export --collection items --store {elsewhere}"
    ));
    assert_eq!(there.out, before);
}

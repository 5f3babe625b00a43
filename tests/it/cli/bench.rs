//! `godwit bench`

use godwit_tests::cli::Cli;
use godwit_tests::made::{Order, derive, rewrite};

fn desk() -> Cli {
    let cli = Cli::new();
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    cli.write("made.wasm", order.file("columns-2-0-0"));
    cli
}

#[test]
fn each_part_is_measured_on_each_store() {
    let cli = desk();
    for (store, compression) in [("lmdb", "lz4"), ("sled", "none"), ("memory", "lz4")] {
        let line = format!(
            "godwit bench made.wasm --count 500 --size 300 --on {store} --rounds 2 --threads 2 --compression {compression} --chart c.svg --json"
        );
        let ended = cli.run(&line);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended}");
        let told = ended.json();
        assert_eq!(
            (&told["items"], &told["store"], &told["compression"]),
            (&500.into(), &store.into(), &compression.into())
        );
        for part in ["transform", "store", "without_plugin", "whole"] {
            let part = &told["parts"][part];
            let seconds = part["seconds"].as_f64().unwrap();
            assert!(seconds > 0.0 && part["items_per_second"].as_f64() == Some(500.0 / seconds));
        }
        let seconds = |part: &str| told["parts"][part]["seconds"].as_f64().unwrap();
        let slower = seconds("transform").max(seconds("store"));
        let ratio = told["ratios"]["whole_to_slower_part"].as_f64().unwrap();
        assert!((ratio - seconds("whole") / slower).abs() < 1e-9);
        let chart = cli.read("c.svg");
        assert!(
            chart.starts_with("<svg ") && chart.contains(">whole run</text>"),
            "{chart}"
        );
    }
    // Stores that were made are gone.
    let left: Vec<_> = std::fs::read_dir(cli.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn items_have_the_shape_that_is_asked_for() {
    let cli = desk();
    for shape in ["record", "flat", "nested", "list", "text"] {
        let line = format!(
            "godwit bench made.wasm --count 50 --shape {shape} --rounds 1 --on memory --json"
        );
        let ended = cli.run(&line);
        assert_eq!(ended.code, Some(0), "{ended}");
        assert_eq!(ended.json()["shape"], shape);
        let items = cli.run(&format!("godwit generate --count 3 --shape {shape}"));
        assert_eq!(items.out.lines().count(), 3, "{items}");
    }
    let ended = cli.run("godwit bench made.wasm --count 50 --shape list --rounds 1 --on memory");
    assert!(
        ended
            .out
            .starts_with("made 2.0.0 over 50 items of 1000 B (list) on memory, "),
        "{ended}"
    );
    for verb in ["bench made.wasm", "generate --count 1"] {
        let ended = cli.run(&format!("godwit {verb} --shape round"));
        assert_eq!(ended.code, Some(2), "{ended}");
        assert!(
            ended.err.contains("record, flat, nested, list or text"),
            "{ended}"
        );
    }
}

#[test]
fn documents_of_ones_own_are_taken_over_and_over() {
    let cli = desk();
    cli.write(
        "items.ndjson",
        "{\"_id\":\"a\",\"n\":1}\n\n{\"_id\":\"b\",\"n\":22}\n",
    );
    let ended = cli.run("godwit bench made.wasm --items items.ndjson --count 101 --rounds 1");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(
        ended
            .out
            .starts_with("made 2.0.0 over 101 items of 17 B on lmdb, "),
        "{ended}"
    );
    for part in [
        "transform alone",
        "store alone",
        "run without the plugin",
        "whole run",
    ] {
        assert!(
            ended.out.lines().any(|line| line.starts_with(part)),
            "{ended}"
        );
        assert!(
            ended.err.contains(&format!("round 1 of 1: {part}")),
            "{ended}"
        );
    }
}

#[test]
fn what_cannot_be_measured_says_why() {
    let cli = desk();
    let several = Order::new("made", "2.0.0")
        .step(rewrite("apply", "items"))
        .step(rewrite("again", "others"));
    let notes = Order::new("made", "2.0.0").step(derive("note", "items", "notes"));
    cli.write("several.wasm", several.file("columns-2-0-0"))
        .write("notes.wasm", notes.file("columns-2-0-0"))
        .write("empty.ndjson", "\n");
    for (arguments, part) in [
        ("several.wasm", "it has 2 steps, and not one"),
        (
            "notes.wasm",
            "its step does not just rewrite what it is fed",
        ),
        ("none.wasm", "none.wasm cannot be read"),
        (
            "made.wasm --items none.ndjson",
            "none.ndjson cannot be read",
        ),
        (
            "made.wasm --items empty.ndjson",
            "empty.ndjson has no documents",
        ),
    ] {
        let ended = cli.run(&format!("godwit bench {arguments}"));
        assert_eq!(ended.code, Some(2), "{ended}");
        assert!(ended.err.contains(part), "`{part}` is not in {ended}");
        assert!(ended.err.contains("hint: "), "{ended}");
    }
    for (arguments, part) in [
        (
            "--compression zip",
            "unknown variant `zip`, expected `none` or `lz4`",
        ),
        (
            "--batch-target fast",
            "`fast` is no time, as in 5s, 500ms or 2min",
        ),
    ] {
        let ended = cli.run(&format!("godwit bench made.wasm {arguments}"));
        assert_eq!(ended.code, Some(2), "{ended}");
        assert!(ended.err.contains(part), "`{part}` is not in {ended}");
    }
}

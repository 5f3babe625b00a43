//! Readers that go away.

use std::io::Read;

use godwit_tests::cli::Cli;

use super::{GOOD, with_items};

/// The exit code of a command whose reader goes away behind the first bytes, and what it said.
fn head(cli: &Cli, line: &str) -> (Option<i32>, String) {
    let mut started = cli.start(line);
    let mut stdout = started.child.stdout.take().expect("it is piped");
    stdout.read_exact(&mut [0; 4]).expect("it prints");
    drop(stdout);
    let said = started.said_to_the_end();
    let status = started.child.wait().expect("it can be waited for");
    (status.code(), said)
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let cli = Cli::on("lmdb", &["append-2-0-0"]);
    cli.prepare(&["godwit generate -c 20000 -o items.ndjson", super::IMPORT]);
    for line in [
        "godwit export --collection items",
        "godwit export --collection items --zstd",
        "godwit generate -c 100000",
        "godwit up --dry-run",
        "godwit up --dry-run --json",
    ] {
        let (code, said) = head(&cli, line);
        assert_eq!(code, Some(0), "{line}: {said}");
        assert!(!said.contains("panicked"), "{line}: {said}");
    }
}

#[test]
fn a_run_goes_on_when_nobody_listens_any_more() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let mut up = cli.command("godwit up");
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    up.stderr(writer.try_clone().expect("there are pipes"))
        .stdout(writer);
    let status = up.status().expect("the program starts");
    assert_eq!(status.code(), Some(0));
    insta::assert_snapshot!(cli.session(&["godwit up"]), @r#"
$ godwit up
nothing to do: everything is up to date
"#);
}

#[test]
fn nothing_is_coloured_where_nobody_sees_it() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    for line in [
        "godwit up",
        "godwit status",
        "godwit history",
        "godwit undo 9",
        "godwit --help",
    ] {
        let ended = cli.run(line);
        assert!(
            !format!("{}{}", ended.out, ended.err).contains('\u{1b}'),
            "{ended}"
        );
    }
}

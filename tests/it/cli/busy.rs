//! A store that somebody else works on.

use std::io::Write;

use godwit_tests::cli::{Cli, Started};

use super::{GOOD, IMPORT, with_items};

/// Starts an import that holds the lease for as long as its input goes on.
fn importing(cli: &Cli) -> Started {
    let mut import = cli.start("godwit import --app other --collection others --version 1.0.0");
    let stdin = import.child.stdin.as_mut().expect("it is piped");
    stdin.write_all(b"{\"_id\":1}\n").expect("it reads");
    import
}

#[test]
fn lmdb_may_be_read_while_another_process_holds_the_lease() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let import = importing(&cli);
    // The lease is taken when the process has opened the store.
    while cli.run("godwit quarantine accept --all").code != Some(5) {}
    insta::assert_snapshot!(cli.session(&[
        "godwit up",
        "godwit up --json",
        "godwit undo 1",
        "godwit baseline append 1.5.0",
        IMPORT,
        "godwit status",
        "godwit plan",
        "godwit get items a",
    ]), @"");
    let import = import.finish();
    assert_eq!(import.code, Some(0), "{import}");
    cli.prepare(&["godwit up"]);
}

#[test]
fn sled_belongs_to_the_process_that_opened_it() {
    let cli = super::of_kind("sled", GOOD, &["append-2-0-0"]);
    let import = importing(&cli);
    while cli.run("godwit status").code != Some(5) {}
    insta::assert_snapshot!(cli.session(&["godwit status", "godwit up", "godwit status --json"]), @"");
    let import = import.finish();
    assert_eq!(import.code, Some(0), "{import}");
    cli.prepare(&["godwit up"]);
}

#[test]
fn a_lease_does_not_outlive_its_holder() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let mut import = importing(&cli);
    while cli.run("godwit quarantine accept --all").code != Some(5) {}
    import.child.kill().expect("it is there");
    import.child.wait().expect("it can be waited for");
    cli.prepare(&["godwit up"]);
}

//! Folders of files, good and bad.

use std::path::{Path, PathBuf};

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::plan::{Choice, Goal, Kind, Severity};
use godwit_tests::made::{Order, rewrite};
use godwit_tests::world::{ENGINE, guest, memory_host};

use super::reason;

const SCHEMA: &str = r#"{"app": "bcd", "version": "1.1.0", "operations": [
    {"ensure_index": {"collection": "features", "pointer": "/a"}}]}"#;

fn read(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Catalogue) {
    let folder = tempfile::tempdir().expect("there is room");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("there is room");
    }
    let catalogue = Catalogue::read(&ENGINE, folder.path()).expect("the folder can be read");
    (folder, catalogue)
}

fn bytes(package: &str) -> Vec<u8> {
    std::fs::read(guest(package)).expect("guests can be read")
}

#[test]
fn migrations_are_ordered_by_app_and_version_whatever_their_files_are_called() {
    let made = |app: &str, version: &str| {
        Order::new(app, version)
            .step(rewrite("apply", "items"))
            .file("records-2-0-0")
    };
    let (nine, ten) = (made("zoo", "9.0.0"), made("zoo", "10.0.0"));
    let (early, other) = (made("zoo", "10.0.0-rc.1"), made("ant", "1.0.0"));
    let (folder, catalogue) = read(&[
        ("z.wasm", &nine),
        ("A name with spaces.WASM", &ten),
        ("\u{e9}\u{1f600}.wasm", &early),
        ("b.json", SCHEMA.as_bytes()),
        ("0.wasm", &other),
        ("README.md", b"left alone"),
        ("notes.txt", b"{}"),
        ("no-extension", b"\0asm"),
    ]);
    assert!(
        catalogue.rejected().is_empty(),
        "{:?}",
        catalogue.rejected()
    );
    let order = catalogue.migrations().iter();
    let order: Vec<_> = order
        .map(|found| format!("{} {}", found.app, found.version))
        .collect();
    assert_eq!(
        order,
        [
            "ant 1.0.0",
            "bcd 1.1.0",
            "zoo 9.0.0",
            "zoo 10.0.0-rc.1",
            "zoo 10.0.0"
        ]
    );
    for migration in catalogue.migrations() {
        assert!(migration.file.starts_with(folder.path()));
        assert!(catalogue.migration(&migration.digest).is_some());
    }
}

#[test]
fn damaged_components_are_refused_and_never_panic() {
    let good = bytes("records-2-0-0");
    assert_eq!(reason("empty.wasm", b""), "it is not WebAssembly");
    assert_eq!(reason("text.wasm", b"hello"), "it is not WebAssembly");
    for part in 1..16 {
        let cut = good.len() * part / 16;
        let reason = reason("cut.wasm", &good[..cut]);
        assert!(!reason.is_empty(), "cut at {cut}");
    }
    // A flipped bit may leave a component that works; it must never be worse than refused.
    let mut refused = 0;
    for n in 0..24 {
        let mut flipped = good.clone();
        let place = (good.len() - 1) * n / 24;
        flipped[place] ^= 1 << (n % 8);
        let mut catalogue = Catalogue::new();
        catalogue.add(&ENGINE, "flipped.wasm".into(), &flipped);
        assert_eq!(catalogue.rejected().len() + catalogue.migrations().len(), 1);
        refused += catalogue.rejected().len();
    }
    assert!(refused > 4, "{refused} of 24 were refused");
}

#[test]
fn schema_files_with_faults_are_refused_with_line_and_column() {
    for (text, expected) in [
        ("", "EOF while parsing"),
        ("{", "EOF while parsing an object at line 1 column 1"),
        (r#"{"app": "bcd"}"#, "missing field"),
        (
            &SCHEMA.replace("ensure_index", "make_index"),
            "unknown variant `make_index`",
        ),
        (
            &SCHEMA.replace("\"/a\"", "\"a\""),
            "`a` is not a JSON pointer",
        ),
        (&SCHEMA.replace("1.1.0", "1.1"), "line 1 column"),
        (
            r#"{"app": "bcd", "version": "1.0.0", "operations": []}"#,
            "has no operations",
        ),
    ] {
        let reason = reason("schema.json", text.as_bytes());
        assert!(
            reason.contains("schema.json") && reason.contains(expected),
            "{expected}: {reason}"
        );
    }
}

fn host_over(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Host) {
    let (folder, catalogue) = read(files);
    let host = memory_host(&std::sync::Arc::new(catalogue));
    (folder, host)
}

#[test]
fn a_bad_file_is_a_finding_that_refuses_the_plan_until_it_is_accepted() {
    let good = bytes("append-2-0-0");
    let (_folder, mut host) = host_over(&[
        ("good.wasm", &good),
        ("bad.wasm", b"oh"),
        ("bad.json", b"{"),
    ]);
    let planned = host.plan(&Goal::default()).expect("the store works");
    assert!(planned.is_refused());
    let found = planned
        .findings
        .iter()
        .filter(|finding| finding.kind() == Kind::InvalidFile);
    let found: Vec<_> = found.map(ToString::to_string).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    for (finding, parts) in found.iter().zip([
        ["bad.json", "line 1 column 1"],
        ["bad.wasm", "it is not WebAssembly"],
    ]) {
        assert!(parts.iter().all(|part| finding.contains(part)), "{finding}");
    }
    host.policy
        .choose(Kind::InvalidFile, Choice::Accept)
        .expect("it can be chosen");
    let planned = host.plan(&Goal::default()).expect("the store works");
    assert!(!planned.is_refused() && planned.plan.stages.len() == 1);
    assert!(
        planned
            .findings
            .iter()
            .all(|finding| finding.severity != Severity::Refused)
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let missing = PathBuf::from("there/is/no/such/folder");
    let error = Catalogue::read(&ENGINE, &missing).expect_err("there is none");
    assert!(
        error.to_string().contains("there/is/no/such/folder"),
        "{error}"
    );
    let (_folder, catalogue) = read(&[]);
    assert!(catalogue.migrations().is_empty() && catalogue.rejected().is_empty());
}

#[test]
fn a_folder_named_like_a_file_and_a_dangling_link_are_not_taken() {
    let folder = tempfile::tempdir().expect("there is room");
    std::fs::create_dir(folder.path().join("folder.wasm")).expect("there is room");
    std::os::unix::fs::symlink(Path::new("nowhere"), folder.path().join("link.wasm"))
        .expect("there is room");
    let catalogue = Catalogue::read(&ENGINE, folder.path()).expect("the folder can be read");
    assert!(catalogue.migrations().is_empty());
    let rejected: Vec<_> = catalogue
        .rejected()
        .iter()
        .map(|rejected| rejected.file.clone())
        .collect();
    assert_eq!(
        rejected,
        [folder.path().join("link.wasm")],
        "a link to nowhere is no silent skip"
    );
}

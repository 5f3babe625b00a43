//! `godwit inspect`

use godwit_tests::cli::Cli;

#[test]
fn a_plugin_says_what_it_is() {
    let cli = Cli::new();
    cli.guests(".", &["bcd-3-1-0", "todos-2-0-0"]);
    insta::assert_snapshot!(cli.session(&[
        "godwit inspect bcd-3-1-0.wasm",
        "godwit inspect bcd-3-1-0.wasm --json",
        "godwit inspect todos-2-0-0.wasm",
    ]), @"");
}

#[test]
fn a_schema_file_says_what_it_is() {
    let cli = Cli::new();
    cli.write(
        "schema.json",
        r#"{"app": "bcd", "version": "1.1.0", "requires": ">=1, <2",
        "summary": "finds what is deprecated", "depends_on": [{"app": "users", "versions": ">=2"}],
        "operations": [
            {"create_collection": {"collection": "blobs", "opaque": true}},
            {"ensure_index": {"collection": "features", "pointer": "/status/deprecated"}},
            {"drop_index": {"collection": "features", "pointer": ""}}]}"#,
    );
    insta::assert_snapshot!(cli.session(&[
        "godwit inspect schema.json",
        "godwit inspect schema.json --json",
    ]), @"");
}

#[test]
fn what_is_no_plugin_says_why() {
    let cli = Cli::new();
    cli.write("text.wasm", "not wasm")
        .write("core.wasm", b"\0asm\x01\0\0\0")
        .write("component.wasm", b"\0asm\x0d\0\x01\0")
        .write("cut.wasm", b"\0asm\x01\0\0\0\x01")
        .write(
            "bad.json",
            r#"{"app": "a", "version": "1.0.0", "operations": [{"rename": {}}]}"#,
        )
        .write("syntax.json", "{")
        .write("folder/file", "");
    insta::assert_snapshot!(cli.session(&[
        "godwit inspect text.wasm",
        "godwit inspect text.wasm --json",
        "godwit inspect core.wasm",
        "godwit inspect component.wasm",
        "godwit inspect bad.json",
        "godwit inspect syntax.json",
        "godwit inspect missing.wasm",
        "godwit inspect folder",
    ]), @"");
    let cut = cli.run("godwit inspect cut.wasm");
    assert_eq!(cut.code, Some(4), "{cut}");
    assert!(cut.err.starts_with("error: cut.wasm: "), "{cut}");
}

#[test]
fn a_component_cut_short_is_at_fault() {
    let cli = Cli::new();
    let whole = std::fs::read(godwit_tests::world::guest("append-2-0-0")).expect("it is built");
    cli.write("cut.wasm", &whole[..whole.len() / 2]);
    let ended = cli.run("godwit inspect cut.wasm");
    assert_eq!(ended.code, Some(4), "{ended}");
    assert!(ended.err.contains("\nhint: "), "{ended}");
}

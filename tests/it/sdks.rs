//! The SDKs' own tests, each with its language's own tools, as who mends an SDK runs them.
//!
//! Those of the SDK for Rust are the package's; those for C and C++ have no life outside of a sandbox, where the suite of
//! conformance tries them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

/// Runs a line in an SDK's folder, with `target/tools` in front of the path.
fn passes(sdk: &str, line: &[&str]) {
    let root = root();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = std::iter::once(root.join("target/tools/bin"));
    let path = std::env::join_paths(tools.chain(std::env::split_paths(&path))).unwrap();
    // What a language keeps of its work is none of the next run's.
    let kept = TempDir::new().unwrap();
    // Looked for in this path, not in the one that the test was started with.
    let output = Command::new("env")
        .args(line)
        .current_dir(root.join("plugins/sdk").join(sdk))
        .env("PATH", path)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("ZIG_LOCAL_CACHE_DIR", kept.path())
        .output()
        .unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(
        output.status.success(),
        "{sdk}: {line:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&said)
    );
}

#[test]
fn zig() {
    passes("zig", &["python3", "-m", "ziglang", "test", "test.zig"]);
}

#[test]
fn go() {
    passes("go", &["go", "vet", "./..."]);
    passes("go", &["go", "test", "./..."]);
}

#[test]
fn javascript() {
    passes("javascript", &["node", "--test", "test/sdk.test.js"]);
    let compiler = "../../examples/typescript/bcd-2-0-0/node_modules/.bin/tsc";
    passes("javascript", &[compiler, "-p", "test"]);
}

#[test]
fn python() {
    let test = ["python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"];
    passes("python", &test);
    let check = ["python3", "-m", "mypy", "--cache-dir", "/dev/null"];
    passes("python", &check);
}

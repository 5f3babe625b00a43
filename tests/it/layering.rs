//! The doors between the host's rooms: who may import whom, and where outside crates have their
//! home. Every path of the code is looked at, in macros too.

mod paths;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use paths::{Found, paths};

/// Each room with those below it that it may name. Everything above it, and its siblings, it may not.
const ROOMS: [(&str, &[&str]); 12] = [
    ("model", &[]),
    ("contract", &["model"]),
    ("sandbox", &["contract", "model"]),
    ("catalogue", &["sandbox", "model"]),
    ("plan", &["model"]),
    ("store", &["model"]),
    ("run", &["plan", "catalogue", "store", "sandbox", "model"]),
    ("transfer", &["run", "store", "model"]),
    (
        "host",
        &[
            "transfer",
            "run",
            "plan",
            "catalogue",
            "store",
            "sandbox",
            "contract",
            "model",
        ],
    ),
    (
        "embed",
        &[
            "host",
            "transfer",
            "run",
            "plan",
            "catalogue",
            "store",
            "sandbox",
            "model",
        ],
    ),
    ("serve", &["embed", "host", "run", "plan", "store", "model"]),
    (
        "kit",
        &[
            "host",
            "transfer",
            "run",
            "plan",
            "catalogue",
            "store",
            "sandbox",
            "contract",
            "model",
        ],
    ),
];

/// Outside crates with the only places that may name them, as the beginnings of paths.
const HOMES: [(&str, &[&str]); 44] = [
    ("wasmtime", &["contract/", "sandbox/"]),
    ("wasmparser", &["contract/", "kit/"]),
    ("wit_component", &["contract/", "kit/"]),
    ("wit_parser", &["kit/"]),
    ("wit_bindgen_c", &["kit/"]),
    ("wit_bindgen_core", &["kit/"]),
    ("wit_bindgen_go", &["kit/"]),
    ("wasm_encoder", &["kit/"]),
    ("wat", &["kit/"]),
    ("gherkin", &["kit/"]),
    ("jsonschema", &["kit/"]),
    ("sled", &["store/sled"]),
    ("heed", &["store/lmdb"]),
    ("lz4_flex", &["store/compressed"]),
    ("rustix", &["sandbox/", "host/backup", "bin/"]),
    ("tempfile", &["sandbox/", "store/backup", "bin/"]),
    ("clap", &["bin/"]),
    ("clap_complete", &["bin/"]),
    ("indicatif", &["bin/"]),
    ("jiff", &["host/backups", "bin/"]),
    ("flate2", &["bin/"]),
    ("ureq", &["bin/"]),
    ("zstd", &["store/backup", "bin/"]),
    ("tokio", &["embed/", "serve/", "store/postgres", "bin/"]),
    ("tokio_postgres", &["store/postgres"]),
    ("tokio_postgres_rustls", &["store/postgres"]),
    ("deadpool_postgres", &["store/postgres"]),
    ("rustls_native_certs", &["store/postgres"]),
    ("futures_executor", &["store/postgres"]),
    ("futures_util", &["embed/", "serve/", "store/postgres"]),
    ("axum", &["serve/"]),
    ("http_body_util", &["serve/"]),
    ("hyper", &["serve/listen"]),
    ("hyper_util", &["serve/listen"]),
    ("prometheus_client", &["serve/metrics"]),
    ("rustls", &["serve/listen", "store/postgres"]),
    ("tokio_io_timeout", &["serve/listen"]),
    ("tokio_rustls", &["serve/listen"]),
    ("subtle", &["serve/access"]),
    ("tower_http", &["serve/guard"]),
    ("utoipa_axum", &["serve/"]),
    ("toml", &["bin/"]),
    ("tracing_subscriber", &["bin/"]),
    ("getrandom", &["embed/system"]),
];

/// What the library is handed and never asks for, and where it never prints.
const NEVER: [&str; 9] = [
    "std::env",
    "std::process::id",
    "SystemTime::now",
    "Instant::now",
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src")
}

/// The sources below a folder, relative to the host's.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(source().join(folder)).expect("the sources can be read") {
        let entry = entry.expect("the sources can be read");
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What a file may not name, as lines `file:line: why`.
fn complaints(file: &Path, text: &str) -> Vec<String> {
    let shown = file.to_string_lossy().replace('\\', "/");
    let room = shown.split_once('/').map_or("", |(room, _)| room);
    let found = paths(file, text).unwrap_or_else(|error| panic!("{shown}: {error}"));
    let complain = |found: &Found| {
        let why = complaint(&shown, room, &found.path)?;
        Some(format!("host/src/{shown}:{}: {why}", found.line))
    };
    found.iter().filter_map(complain).collect()
}

fn complaint(file: &str, room: &str, path: &str) -> Option<String> {
    let first = path.split("::").next().unwrap_or(path);
    if let Some(inner) = path.strip_prefix("crate::") {
        let named = inner.split("::").next().unwrap_or(inner);
        let below = ROOMS.iter().find(|(name, _)| *name == room)?.1;
        let is_allowed = named == room || below.contains(&named);
        return (!is_allowed).then(|| format!("{room} may not name {path}"));
    }
    if let Some((name, homes)) = HOMES.iter().find(|(name, _)| *name == first) {
        let is_home = homes.iter().any(|home| file.starts_with(home));
        return (!is_home).then(|| format!("{name} is at home in {} only", homes.join(" and ")));
    }
    let is_never = NEVER
        .iter()
        .any(|never| path == *never || path.starts_with(&format!("{never}::")));
    let is_never = is_never
        || NEVER
            .iter()
            .any(|never| path.ends_with(&format!("::{never}")));
    // Who is to have a process's own is handed it from there.
    let is_exempt = room == "bin" || file == "embed/system.rs";
    (is_never && !is_exempt).then(|| format!("the library is handed what {path} would tell"))
}

#[test]
fn imports_point_down_and_outside_crates_have_one_home() {
    let mut report = String::new();
    let files = sources(Path::new(""));
    assert!(files.len() > 80, "{} files are too few", files.len());
    for file in files {
        let text = std::fs::read_to_string(source().join(&file)).expect("the sources can be read");
        for complaint in complaints(&file, &text) {
            let _ = writeln!(report, "{complaint}");
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn every_room_is_in_the_table() {
    let rooms = std::fs::read_dir(source()).expect("the sources can be read");
    for entry in rooms.map(|entry| entry.expect("the sources can be read")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_known = name == "bin" || ROOMS.iter().any(|(room, _)| *room == name);
        assert!(
            !entry.path().is_dir() || is_known,
            "{name} has no place in the table of rooms"
        );
    }
}

#[test]
fn planted_offences_are_found_with_their_lines() {
    for (file, text, expected) in [
        (
            "model/item.rs",
            "\nuse crate::store::Store;",
            "model/item.rs:2: model may not name crate::store",
        ),
        (
            "model/mod.rs",
            "use super::run::Run;",
            "mod.rs:1: model may not name crate::run",
        ),
        (
            "plan/up.rs",
            "use super::super::{model::Name, store};",
            "up.rs:1: plan may not name crate::store",
        ),
        (
            "plan/up.rs",
            "fn f() { mod a { use super::super::super::run; } }",
            "may not name crate::run",
        ),
        (
            "plan/up.rs",
            "fn f() {\n\n vec![crate::run::X] }",
            "up.rs:3: plan may not name crate::run",
        ),
        (
            "store/key.rs",
            "use crate::{model::Name, run::{A, B}};",
            "store may not name crate::run",
        ),
        (
            "store/key.rs",
            "use crate::Host;",
            "store may not name crate::Host",
        ),
        (
            "run/step.rs",
            "use crate::transfer::Importer;",
            "run may not name crate::transfer",
        ),
        (
            "run/step.rs",
            "fn f(e: wasmtime::Error) {}",
            "wasmtime is at home in contract/ and sandbox/",
        ),
        (
            "store/memory.rs",
            "use sled::Db;",
            "sled is at home in store/sled only",
        ),
        (
            "store/memory.rs",
            "fn f() { ::sled::open() }",
            "sled is at home in store/sled only",
        ),
        (
            "run/step.rs",
            "use std::{env, time};",
            "the library is handed what std::env would tell",
        ),
        (
            "run/step.rs",
            "fn f() { std::env::var(\"A\"); }",
            "std::env",
        ),
        (
            "run/step.rs",
            "fn f() { std::time::Instant::now(); }",
            "Instant::now",
        ),
        (
            "run/step.rs",
            "fn f() { SystemTime::now(); }",
            "SystemTime::now",
        ),
        ("run/step.rs", "fn f() { println!(\"a\"); }", "println!"),
    ] {
        let found = complaints(Path::new(file), text).join("\n");
        assert!(found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn what_is_allowed_is_let_pass() {
    for (file, text) in [
        (
            "run/step.rs",
            "use crate::{model::Name, store::Store}; use super::view;",
        ),
        ("store/mod.rs", "mod sled; pub use sled::Sled;"),
        (
            "store/sled.rs",
            "use sled::Db; mod files; use super::Backend;",
        ),
        (
            "bin/godwit/main.rs",
            "fn main() { println!(\"a\"); std::env::args(); }",
        ),
        (
            "bin/godwit/main.rs",
            "use crate::commands; use clap::Parser;",
        ),
        (
            "sandbox/engine.rs",
            "impl E { fn wasmtime(&self) -> &wasmtime::Engine { self.wasmtime() } }",
        ),
        ("lib.rs", "pub mod model; pub use host::Host;"),
        ("model/a.rs", "/// See [`crate::store::Store`].\nstruct A;"),
    ] {
        assert_eq!(complaints(Path::new(file), text), [""; 0], "{text}");
    }
}

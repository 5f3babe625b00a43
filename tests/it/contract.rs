//! The contract is frozen: what was built against it once works for ever.

use std::path::{Path, PathBuf};

use godwit::model::Digest;
use godwit::sandbox::{Speech, VERSION};

/// The digest of `wit/v1/migration.wit`.
///
/// Were it changed, plugins that people have built would no longer fit. What is to be different
/// goes into a new version beside it: `wit/v2/migration.wit`, with its own entry here, its own
/// bindings in `host/src/contract/v2.rs` and `v1` translated to it. Only functions that are added to
/// `log`, `documents` or `run` may come within a version: as 1.1.0, with `VERSION` in
/// `host/src/contract`, once 1.0.0 is released, and before that in 1.0.0 itself, since what was built
/// without them still fits. Then, and only then, a digest here is replaced.
const FROZEN: [(&str, &str); 1] = [(
    "wit/v1/migration.wit",
    "74011da351cffa7cb8e987682733a3814db95e59151d7185e3977f2e702395e6",
)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn a_published_contract_never_changes() {
    for (file, digest) in FROZEN {
        let text = std::fs::read(root().join(file)).expect("the contract can be read");
        assert_eq!(
            Digest::of(&text).to_string(),
            digest,
            "{file} was changed; put it back and write a new version beside it: see FROZEN"
        );
    }
    let versions = std::fs::read_dir(root().join("wit")).expect("the contracts can be read");
    assert_eq!(
        versions.count(),
        FROZEN.len(),
        "every version in wit/ is pinned here"
    );
}

#[test]
fn host_and_sdk_are_built_against_the_same_text() {
    let canonical = |path: &str| root().join(path).canonicalize().expect("it is there");
    for copy in [
        "host/wit/v1/migration.wit",
        "plugins/sdk/rust/wit/v1/migration.wit",
    ] {
        assert_eq!(canonical(copy), canonical("wit/v1/migration.wit"), "{copy}");
    }
}

#[test]
fn every_plugin_that_was_built_speaks_it() {
    let folder = root().join("target/plugins");
    let files = std::fs::read_dir(&folder).expect("plugins/build was called");
    let mut count = 0;
    for file in files.map(|entry| entry.expect("the folder can be read").path()) {
        if file.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        count += 1;
        let bytes = std::fs::read(&file).expect("plugins can be read");
        let component =
            Speech::component(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let speech =
            Speech::of(&component).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(speech.contract, VERSION, "{}", file.display());
        let is_contract = |item: &godwit::sandbox::WorldItem| item.is_contract;
        assert!(speech.imports.iter().all(is_contract), "{}", file.display());
    }
    assert!(count >= 8, "{count} plugins are too few: run plugins/build");
}

/// A core module becomes the same component each time; a component stays as it is.
#[test]
fn a_module_is_turned_into_a_component_once() {
    let module = std::fs::read(godwit_tests::world::guest("append-2-0-0")).expect("it is there");
    let component = Speech::component(&module)
        .expect("it can be turned")
        .into_owned();
    assert_ne!(component, module);
    assert_eq!(
        Speech::component(&module)
            .expect("it can be turned")
            .into_owned(),
        component
    );
    assert_eq!(
        Speech::component(&component)
            .expect("it is one")
            .into_owned(),
        component
    );
    let speech = Speech::of(&component).expect("it speaks");
    assert_eq!(speech, Speech::of(&component).expect("it speaks"));
}

//! All that was kept of fuzzing (`tests/fuzz`) is fed to the same functions again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use godwit_tests::fuzz;

/// The files of a folder of inputs, by name.
///
/// # Panics
/// When the folder is missing or empty.
fn inputs(kind: &str, target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(kind)
        .join(target);
    let entries = fs::read_dir(&folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// Feeds a target with everything that was kept of it. An input that fails is named.
fn replay<T>(target: &str, feed: impl Fn(&[u8]) -> T) -> Vec<T> {
    let mut files = inputs("corpus", target);
    files.extend(inputs("regressions", target));
    let fed = files.iter().map(|file| {
        let bytes = fs::read(file).expect("inputs can be read");
        let named = Named(file);
        let came = feed(&bytes);
        drop(named);
        came
    });
    fed.collect()
}

/// Tells the name of the input that is being fed when a panic passes by.
struct Named<'a>(&'a Path);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was fed {}", self.0.display());
        }
    }
}

#[test]
fn whatever_is_loaded_ends_well() {
    let ends: BTreeSet<fuzz::End> = replay("load", fuzz::end_of).into_iter().collect();
    let expected = BTreeSet::from([
        "cannot be compiled",
        "cannot be described",
        "cannot be instantiated",
        "cannot be linked",
        "contract version not supported",
        "described",
        "description not valid",
        "import not offered",
        "not a migration",
    ]);
    // Otherwise fuzzing begins further from the depths than it did.
    assert_eq!(ends, expected, "what was kept comes as far as it can");
}

#[test]
fn whatever_is_replied_matches_or_is_refused() {
    replay("reply", fuzz::reply);
}

#[test]
fn whatever_is_edited_says_what_an_edited_tree_says() {
    replay("edit", fuzz::edit::edit);
}

#[test]
fn whatever_is_said_can_be_shown() {
    replay("text", fuzz::text);
}

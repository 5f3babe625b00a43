//! Files become migrations, or findings with their names and reasons; none is skipped in silence.

mod descriptors;
mod folders;

use std::error::Error;
use std::path::PathBuf;

use godwit::catalogue::Catalogue;
use godwit_tests::world::ENGINE;

/// Why a file is rejected, with all causes.
fn reason(file: &str, bytes: &[u8]) -> String {
    let mut catalogue = Catalogue::new();
    catalogue.add(&ENGINE, PathBuf::from(file), bytes);
    let taken = catalogue.migrations();
    assert!(taken.is_empty(), "{file} was taken: {taken:?}");
    let [rejected] = catalogue.rejected() else {
        panic!("{file} left no trace")
    };
    assert_eq!(rejected.file, PathBuf::from(file));
    let first: &dyn Error = &rejected.reason;
    let causes = std::iter::successors(Some(first), |error: &&dyn Error| (*error).source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

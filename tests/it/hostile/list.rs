//! The list of guests is complete.

use std::collections::BTreeSet;
use std::path::Path;

use godwit_hostile::{GUESTS, Guest, Source};

#[test]
fn every_text_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/hostile/guests");
    let files = std::fs::read_dir(folder).expect("the guests can be read");
    let files: BTreeSet<_> = files
        .map(|file| file.expect("the guests can be read").file_name())
        .map(|file| file.to_string_lossy().trim_end_matches(".wat").to_owned())
        .collect();
    let is_written = |guest: &&Guest| matches!(guest.source, Source::Written(_));
    let listed = GUESTS.iter().filter(is_written);
    let listed: BTreeSet<_> = listed.map(|guest| guest.name.to_owned()).collect();
    assert_eq!(files, listed);
}

#[test]
fn every_guest_has_a_name_of_its_own() {
    let names: BTreeSet<_> = GUESTS.iter().map(|guest| guest.name).collect();
    assert_eq!(names.len(), GUESTS.len());
}

//! What items go through on their way into a collection, and what is in their way.

use super::world::{World, name, version};
use crate::plan::{Errand, way_in};

/// The way into the collection `notes` of the app `notes` that has come to a level, in lines: the steps, then the hurdles.
fn told(text: &str, level: &str) -> Vec<String> {
    way(Errand::Import, text, level)
}

/// The same for one errand or the other.
fn way(errand: Errand, text: &str, level: &str) -> Vec<String> {
    let World {
        catalogue,
        recorded,
        policy,
        ..
    } = World::read(text);
    let notes = name("notes");
    let level = version(level);
    let goal = (&notes, &notes, &level);
    let way = way_in(&catalogue, &recorded, errand, goal, &policy);
    let steps = way.steps.iter().map(|step| {
        let from = step.from.as_ref().map(ToString::to_string);
        let from = from.unwrap_or_else(|| "nothing".to_owned());
        format!("{} {} from {from}", step.version, step.name)
    });
    let hurdles = way.hurdles.iter().map(|hurdle| {
        let file = hurdle.file.as_deref().unwrap_or("no file");
        format!("! {} {file}: {}", hurdle.version, hurdle.reason)
    });
    steps.chain(hurdles).collect()
}

#[test]
fn the_way_is_what_is_applied_up_to_the_level() {
    let files = "file notes 1.0.0 [a]
        file notes 1.5.0 [late]
        file notes 2.0.0 [b@tags>sums c]
        file notes 3.0.0 [d i!]
        file notes 4.0.0 [e]
        baseline notes 1.0.0
        applied notes 2.0.0 offline
        applied notes 3.0.0 offline";
    let cases: [(&str, &[&str]); 3] = [
        (
            "3.0.0",
            &[
                "1.0.0 a from nothing",
                "2.0.0 c from 1.0.0",
                "3.0.0 d from 2.0.0",
            ],
        ),
        ("2.0.0", &["1.0.0 a from nothing", "2.0.0 c from 1.0.0"]),
        ("0.9.0", &[]),
    ];
    for (level, expected) in cases {
        assert_eq!(told(files, level), expected, "{level}");
    }
    assert_eq!(told("baseline notes 2.0.0", "2.0.0"), [""; 0]);
}

#[test]
fn what_is_in_the_way_is_named_once_for_each_migration() {
    let base = "file notes 2.0.0 [a]
        applied notes 2.0.0 offline
        applied notes 3.0.0 offline";
    let cases = [
        (
            "",
            vec![
                "2.0.0 a from nothing",
                "! 3.0.0 notes-3.0.0.wasm: its file is missing from the catalogue",
            ],
        ),
        (
            "remove notes 2.0.0",
            vec![
                "! 2.0.0 notes-2.0.0.wasm: its file is missing from the catalogue",
                "! 3.0.0 notes-3.0.0.wasm: its file is missing from the catalogue",
            ],
        ),
        (
            "file notes 3.0.0 [b>sums c>r-tags,sums]",
            vec![
                "2.0.0 a from nothing",
                "3.0.0 b from 2.0.0",
                "3.0.0 c from 2.0.0",
                "! 3.0.0 notes-3.0.0.wasm: its step b sees stored items of sums",
            ],
        ),
        (
            "file notes 3.0.0 [c>r-tags,sums]",
            vec![
                "2.0.0 a from nothing",
                "3.0.0 c from 2.0.0",
                "! 3.0.0 notes-3.0.0.wasm: its step c sees stored items of r-tags, sums",
            ],
        ),
        (
            "file notes 3.0.0 [c | d]",
            vec![
                "2.0.0 a from nothing",
                "3.0.0 c from 2.0.0",
                "3.0.0 d from 2.0.0",
                "! 3.0.0 notes-3.0.0.wasm: its step d (online) is still to come",
            ],
        ),
        (
            "file notes 3.0.0 [c | d@tags]",
            vec!["2.0.0 a from nothing", "3.0.0 c from 2.0.0"],
        ),
        (
            "file notes 3.0.0 [c]
             file notes 3.0.0 [d] name=x.wasm",
            vec![
                "2.0.0 a from nothing",
                "3.0.0 c from 2.0.0",
                "! 3.0.0 notes-3.0.0.wasm: x.wasm is for the same version",
            ],
        ),
        (
            "file notes 3.0.0 [c] #mended
             policy digest-drift=accept",
            vec!["2.0.0 a from nothing", "3.0.0 c from 2.0.0"],
        ),
    ];
    for (rest, expected) in cases {
        assert_eq!(
            told(&format!("{base}\n{rest}"), "3.0.0"),
            expected,
            "{rest}"
        );
    }
    let drift = told(&format!("{base}\nfile notes 3.0.0 [c] #mended"), "3.0.0");
    assert!(
        drift[2].starts_with("! 3.0.0 notes-3.0.0.wasm: "),
        "{drift:?}"
    );
    assert_eq!(drift.len(), 3);
}

#[test]
fn what_is_read_goes_through_what_is_to_come_and_skips_what_leaves_it_as_it_is() {
    let files = "file notes 1.0.0 [a]
        file notes 1.5.0 [late]
        file notes 2.0.0 [b@tags>sums c]
        file notes 3.0.0 [d i!]
        file notes 4.0.0 [e]
        baseline notes 1.0.0
        applied notes 2.0.0 offline";
    let read = way(Errand::Read, files, "4.0.0");
    assert_eq!(
        read,
        [
            "1.0.0 a from nothing",
            "2.0.0 c from 1.0.0",
            "3.0.0 d from 2.0.0",
            "4.0.0 e from 3.0.0"
        ]
    );
    let last = way(Errand::Read, files, "2.0.0");
    assert_eq!(last, read[..2]);
}

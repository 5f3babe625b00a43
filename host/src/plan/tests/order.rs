//! What is pending, in which order.

use super::check;
use super::world::World;

#[test]
fn pending_stages_come_in_order() {
    check(&[
        ("nothing to do", "policy gap=warn", ""),
        (
            "a fresh store goes through everything",
            "file notes 1.0.0 [a]
             file notes 2.0.0 [b c | d]
             file notes 3.0.0",
            "notes 1.0.0 offline [a]
             notes 2.0.0 offline [b c]
             notes 2.0.0 online [d@2]
             notes 3.0.0 offline []",
        ),
        (
            "versions are ordered by semver, not as text",
            "file notes 10.0.0 [c]
             file notes 9.0.0 [b]
             file notes 10.0.0-rc.1 [r]",
            "notes 9.0.0 offline [b]
             notes 10.0.0-rc.1 offline [r]
             notes 10.0.0 offline [c]",
        ),
        (
            "what is applied is left out",
            "file notes 1.0.0 [a]
             file notes 2.0.0 [b | c]
             applied notes 1.0.0 offline
             applied notes 2.0.0 offline online",
            "",
        ),
        (
            "phases are remembered apart",
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c]
             applied notes 1.0.0 offline",
            "notes 1.0.0 online [b@1]
             notes 2.0.0 offline [c]",
        ),
        (
            "what lies at or below the baseline is left out",
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c | d]
             file notes 3.0.0 [e]
             baseline notes 2.0.0",
            "notes 3.0.0 offline [e]",
        ),
        (
            "a migration without offline steps has an empty offline stage",
            "file notes 1.0.0 [ | a]",
            "notes 1.0.0 offline []
             notes 1.0.0 online [a]",
        ),
        (
            "up to a version",
            "file notes 1.0.0 [a]
             file notes 2.0.0 [b | c]
             file notes 3.0.0 [d]
             goal to=2.0.0",
            "notes 1.0.0 offline [a]
             notes 2.0.0 offline [b]
             notes 2.0.0 online [c@1]",
        ),
        (
            "up to the present version, of which an online stage is pending",
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c]
             applied notes 1.0.0 offline
             goal app=notes to=1.0.0",
            "notes 1.0.0 online [b@1]",
        ),
        (
            "a file that is missing does not matter when its version is the present one",
            "file notes 1.0.0 [a]
             file notes 3.0.0 [c]
             baseline notes 2.0.0
             goal to=2.0.0",
            "",
        ),
    ]);
}

#[test]
fn apps_come_by_dependencies_then_by_name() {
    check(&[
        (
            "by name",
            "file users 1.0.0
             file notes 1.0.0
             file notes 2.0.0",
            "notes 1.0.0 offline []
             notes 2.0.0 offline []
             users 1.0.0 offline []",
        ),
        (
            "the app that is depended on first",
            "file notes 1.0.0
             file notes 2.0.0 needs=users:>=1
             file users 1.0.0
             file users 1.1.0",
            "users 1.0.0 offline []
             users 1.1.0 offline []
             notes 1.0.0 offline []
             notes 2.0.0 offline []",
        ),
        (
            "before the other app leaves the versions that will do",
            "file notes 2.0.0 needs=users:>=1,<2
             file users 1.0.0
             file users 2.0.0",
            "users 1.0.0 offline []
             notes 2.0.0 offline []
             users 2.0.0 offline []",
        ),
        (
            "before anything of the other app, when the present version will do",
            "file notes 2.0.0 needs=users:<2
             file users 2.0.0
             applied users 1.0.0 offline
             policy gap=accept",
            "notes 2.0.0 offline []
             users 2.0.0 offline []
             ! gap users 1.0.0 accepted",
        ),
        (
            "apps that depend on each other, versions that do not",
            "file notes 1.0.0
             file notes 2.0.0 needs=users:>=2
             file users 2.0.0 needs=notes:1
             file users 3.0.0 needs=notes:2",
            "notes 1.0.0 offline []
             users 2.0.0 offline []
             notes 2.0.0 offline []
             users 3.0.0 offline []",
        ),
        (
            "three apps in a row",
            "file a 1.0.0 needs=b:1
             file b 1.0.0 needs=c:1
             file c 1.0.0",
            "c 1.0.0 offline []
             b 1.0.0 offline []
             a 1.0.0 offline []",
        ),
        (
            "a dependency on a version of the same app",
            "file a 1.0.0
             file a 2.0.0 needs=a:1
             file a 3.0.0 needs=a:<2",
            "! dependency a 3.0.0",
        ),
        (
            "dependencies are not asked again when the online stage comes later",
            "file notes 1.0.0 [a | b] needs=users:1
             applied notes 1.0.0 offline
             applied users 2.0.0 offline",
            "notes 1.0.0 online [b@1]",
        ),
        (
            "one app only",
            "file notes 1.0.0 needs=users:1
             file users 1.0.0
             goal app=users",
            "users 1.0.0 offline []",
        ),
    ]);
}

#[test]
fn stages_tell_the_version_before() {
    for (text, expected) in [
        (
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c | d]",
            vec![None, None, Some("1.0.0"), Some("1.0.0")],
        ),
        (
            "file notes 1.0.0 [a | b]
             file notes 2.0.0 [c | d]
             baseline notes 0.9.0
             applied notes 1.0.0 offline",
            vec![Some("0.9.0"), Some("1.0.0"), Some("1.0.0")],
        ),
        (
            // A late arrival starts from what there is.
            "file notes 1.5.0 [a | b]
             file notes 2.0.0 [c]
             file notes 3.0.0 [d]
             applied notes 2.0.0 offline
             policy late-arrival=accept",
            vec![Some("2.0.0"), Some("2.0.0"), Some("2.0.0")],
        ),
        (
            "file notes 1.0.0 [a]
             file notes 2.0.0 [b]
             file notes 3.0.0 [c]
             applied notes 1.0.0 offline
             applied notes 2.0.0 offline
             applied notes 3.0.0 offline
             collection notes of=notes behind=1 oldest=1.2.0",
            vec![Some("1.2.0"), Some("2.0.0")],
        ),
    ] {
        let answer = World::read(text).answer();
        let stages = answer.plan.stages.iter();
        let from: Vec<_> = stages
            .map(|stage| stage.from.as_ref().map(ToString::to_string))
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|version| version.map(str::to_owned))
            .collect();
        assert_eq!(from, expected, "{text}");
    }
}

#[test]
fn stages_tell_the_name_of_the_file_and_its_digest() {
    let world = World::read("file notes 1.0.0 [a] name=releases/1/notes.wasm");
    let answer = world.answer();
    assert_eq!(answer.plan.stages[0].file, "notes.wasm");
    assert_eq!(answer.plan.stages[0].digest, world.catalogue[0].digest);
}

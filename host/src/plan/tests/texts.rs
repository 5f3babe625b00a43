//! What people and programs read.

use super::world::World;
use crate::plan::{Finding, Kind, Policy};

/// A world whose first finding is of interest, what it says, and the way out.
const TEXTS: &[(&str, &str, &str)] = &[
    (
        "file notes 2.0.0\n applied notes 1.0.0 offline",
        "notes 1.0.0 (notes-1.0.0.wasm): its file is missing from the catalogue, and it was applied",
        "put notes-1.0.0.wasm back into the catalogue, or go on without: repeat the command with \
         `--accept gap`",
    ),
    (
        "file notes 1.0.0\n run failed 0\n remove notes 1.0.0\n file notes 2.0.0",
        "notes 1.0.0 (notes-1.0.0.wasm): its file is missing from the catalogue, and run 7 is not \
         done with it",
        "put notes-1.0.0.wasm back into the catalogue, then `godwit up`; or give the run up: \
         `godwit undo 7`",
    ),
    (
        "file notes 1.0.0 name=m/b.wasm\n file notes 1.0.0 name=m/a.wasm",
        "notes 1.0.0 (m/a.wasm): m/b.wasm is for the same version",
        "remove m/a.wasm or m/b.wasm from the catalogue",
    ),
    (
        "file notes 1.0.0 #new\n applied notes 1.0.0 offline",
        "notes 1.0.0 (notes-1.0.0.wasm): the file has digest NEW, it was applied with OLD",
        "put the notes-1.0.0.wasm back that was applied, or give the new one a version of its own; \
         or let it be: repeat the command with `--accept digest-drift`; or take it for the applied \
         one from now on: `godwit repair notes 1.0.0 --reason TEXT`",
    ),
    (
        "file notes 1.0.0\n run failed 0\n replace notes 1.0.0 #new",
        "notes 1.0.0 (notes-1.0.0.wasm): the file has digest NEW, run 7 is in progress with OLD",
        "put the notes-1.0.0.wasm back that the run began with, then `godwit up`; or start again \
         with the new one: `godwit undo 7`, then `godwit up`; or go on with the new one: `godwit \
         up --accept digest-drift`",
    ),
    (
        "file notes 1.0.0\n file notes 2.0.0\n applied notes 2.0.0 offline",
        "notes 1.0.0 (notes-1.0.0.wasm): is not applied, the newer 2.0.0 is",
        "give notes-1.0.0.wasm a version above 2.0.0, or apply it now: repeat the command with \
         `--accept late-arrival`",
    ),
    (
        "file notes 3.0.0 requires=>=2\n baseline notes 1.0.0",
        "notes 3.0.0 (notes-3.0.0.wasm): starts from >=2 only, and the app would be at 1.0.0",
        "add the migrations in between to the catalogue, or go on: repeat the command with `--accept \
         requires`",
    ),
    (
        "file notes 2.0.0 needs=users:>=3\n file users 1.0.0",
        "notes 2.0.0 (notes-2.0.0.wasm): depends on users >=3, and the app users would be at 1.0.0",
        "bring users there first: `godwit up --app users`; or go on without: repeat the command \
         with `--accept dependency`",
    ),
    (
        "file a 1.0.0 needs=b:1\n file b 1.0.0 needs=a:1",
        "a 1.0.0 (a-1.0.0.wasm): depends on itself by way of b 1.0.0 (b-1.0.0.wasm)",
        "loosen one of the dependencies; or take one app by itself: `godwit up --app a --accept \
         dependency`",
    ),
    (
        "file notes 1.0.0\n collection tags of=notes newest=2.0.0",
        "notes 2.0.0: the collection tags has items of it, the catalogue's newest is 1.0.0 \
         (notes-1.0.0.wasm)",
        "use a catalogue that goes up to notes 2.0.0, or replace or delete what has it in tags",
    ),
    (
        "file notes 1.0.0\n applied notes 1.0.0 offline\n file notes 2.0.0\n goal to=0.1.0",
        "notes 0.1.0: lies below the present version 1.0.0",
        "use `godwit down --app notes --to 0.1.0`, which goes back by the migrations' own `revert` and keeps what was changed \
         since; or use undo, which goes back run by run: `godwit undo 3`",
    ),
    (
        "file notes 1.0.0\n applied notes 1.0.0 offline\n goal to=0.1.0\n retreat 3 x.godwit",
        "notes 0.1.0: lies below the present version 1.0.0",
        "use `godwit down --app notes --to 0.1.0`, which goes back by the migrations' own `revert` and keeps what was changed \
         since; or put the whole store back as it was before the \
         run that led there: `godwit backup restore x.godwit`; run 3 has no pre-images that could be put back",
    ),
    (
        "file notes 1.0.0\n applied notes 1.0.0 offline\n goal to=0.1.0\n retreat 3",
        "notes 0.1.0: lies below the present version 1.0.0",
        "use `godwit down --app notes --to 0.1.0`, which goes back by the migrations' own `revert` and keeps what was changed \
         since; run 3 has no pre-images that could be put back",
    ),
    (
        "file notes 1.0.0\n run failed 0\n remove notes 1.0.0\n file notes 2.0.0\n retreat 7 x.godwit",
        "notes 1.0.0 (notes-1.0.0.wasm): its file is missing from the catalogue, and run 7 is not \
         done with it",
        "put notes-1.0.0.wasm back into the catalogue, then `godwit up`; or give the run up: \
         `godwit backup restore x.godwit`",
    ),
    (
        "file notes 1.0.0\n run failed 0\n replace notes 1.0.0 #new\n retreat 7",
        "notes 1.0.0 (notes-1.0.0.wasm): the file has digest NEW, run 7 is in progress with OLD",
        "put the notes-1.0.0.wasm back that the run began with, then `godwit up`; or go on with the new one: `godwit \
         up --accept digest-drift`",
    ),
    (
        "file notes 1.0.0\n run failed 0\n remove notes 1.0.0\n file notes 2.0.0\n retreat 7 reset",
        "notes 1.0.0 (notes-1.0.0.wasm): its file is missing from the catalogue, and run 7 is not \
         done with it",
        "put notes-1.0.0.wasm back into the catalogue, then the same command goes on; or give the run up: \
         `godwit reset`",
    ),
    (
        "file notes 1.0.0\n run failed 0\n replace notes 1.0.0 #new\n retreat 7 reset",
        "notes 1.0.0 (notes-1.0.0.wasm): the file has digest NEW, run 7 is in progress with OLD",
        "put the notes-1.0.0.wasm back that the run began with, then the same command goes on; or start again with the new \
         one: `godwit reset`, then `godwit up --shadow`; or go on with the new one: repeat the command with `--accept \
         digest-drift`",
    ),
    (
        "file users 1.0.0\n run failed 0\n file notes 1.0.0\n goal app=notes\n retreat 7 x.godwit",
        "users 1.0.0 (users-1.0.0.wasm): run 7 is failed, and this app was not asked for",
        "go on with it: `godwit up`; or give it up: `godwit backup restore x.godwit`",
    ),
    (
        "file notes 1.0.0\n file users 2.0.0\n goal to=2.0.0",
        "2.0.0: which app should have this version? There are notes, users",
        "name the app: `godwit up --app notes --to 2.0.0`",
    ),
    (
        "file notes 1.0.0\n goal to=2.0.0",
        "notes 2.0.0: is not in the catalogue",
        "choose one of 1.0.0",
    ),
    (
        "file notes 1.0.0 [a | b]\n file notes 2.0.0\n goal phase=offline",
        "notes 2.0.0 (notes-2.0.0.wasm): its offline stage comes after the online stage of 1.0.0",
        "first `godwit up --phase online`; or go ahead: repeat the command with `--accept \
         phase-order`",
    ),
    (
        "file notes 1.0.0 [a | b]\n goal phase=online",
        "notes 1.0.0 (notes-1.0.0.wasm): its online stage comes after the offline stage of 1.0.0",
        "first `godwit up --phase offline`",
    ),
    (
        "file notes 1.0.0\n goal app=nots",
        "nots: is not in the catalogue, which has notes",
        "check the app's name and the catalogue's folder",
    ),
    (
        "item tags/x version=1.0.0",
        "the collection tags belongs to no app",
        "check the collection's name: `godwit status` lists them",
    ),
    (
        "file notes 1.0.0 [a@tags]\n file users 1.0.0 [b@tags]",
        "users 1.0.0 (users-1.0.0.wasm): step b changes the collection tags of the app notes \
         (notes-1.0.0.wasm)",
        "leave tags to the migrations of notes; others may only read it",
    ),
    (
        "file users 1.0.0\n run failed 0\n file notes 1.0.0\n goal app=notes",
        "users 1.0.0 (users-1.0.0.wasm): run 7 is failed, and this app was not asked for",
        "go on with it: `godwit up`; or give it up: `godwit undo 7`",
    ),
];

#[test]
fn findings_name_the_file_and_the_way_out() {
    for (text, message, way_out) in TEXTS {
        let world = World::read(text);
        let answer = world.answer();
        let finding = answer.findings.first().expect(text);
        assert_eq!(with_digests_named(&finding.to_string(), &world), *message);
        assert_eq!(finding.way_out(), *way_out, "{message}");
    }
}

/// The text with `NEW` for the digest of the last file of the catalogue, `OLD` for the last one
/// that was applied or is in the run.
fn with_digests_named(text: &str, world: &World) -> String {
    let new = world.catalogue.last().map(|file| file.digest);
    let apps = world.recorded.apps.values();
    let applied = apps
        .flat_map(|app| app.applied.values())
        .flat_map(|one| &one.digests);
    let run = world
        .recorded
        .unfinished
        .iter()
        .flat_map(|run| &run.plan.stages);
    let old = applied.copied().chain(run.map(|stage| stage.digest)).last();
    let named = new.map_or(text.to_owned(), |new| text.replace(&new.short(), "NEW"));
    old.map_or(named.clone(), |old| named.replace(&old.short(), "OLD"))
}

#[test]
fn every_kind_has_its_text_above() {
    let told: std::collections::BTreeSet<Kind> = TEXTS
        .iter()
        .map(|(text, ..)| World::read(text).answer().findings[0].kind())
        .collect();
    // Planning sees neither files that are no migrations nor grants; the next tests have their texts.
    let others = [Kind::InvalidFile, Kind::Grant];
    let planned: Vec<_> = Kind::ALL
        .into_iter()
        .filter(|kind| !others.contains(kind))
        .collect();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), planned);
}

#[test]
fn files_that_are_no_migrations_are_findings_too() {
    let file = std::path::Path::new("m/notes.json");
    let reason = "it is not WebAssembly".to_owned();
    let finding = Finding::invalid_file(&Policy::default(), file, reason);
    let text = "m/notes.json: it is no valid migration: it is not WebAssembly";
    let way_out = "mend the file or take it out of the folder, or go on without it: repeat the \
                   command with `--accept invalid-file`";
    assert_eq!(
        (finding.to_string().as_str(), finding.way_out().as_str()),
        (text, way_out)
    );
}

#[test]
fn programs_read_the_kind_the_facts_and_the_texts() {
    let world = World::read("file notes 1.0.0\n file notes 2.0.0\n applied notes 2.0.0 offline");
    let finding = serde_json::to_value(world.answer()).unwrap()["findings"][0].clone();
    for (key, value) in [
        ("kind", "late-arrival"),
        ("severity", "refused"),
        ("app", "notes"),
        ("version", "1.0.0"),
        ("file", "notes-1.0.0.wasm"),
        ("current", "2.0.0"),
        (
            "message",
            "notes 1.0.0 (notes-1.0.0.wasm): is not applied, the newer 2.0.0 is",
        ),
    ] {
        assert_eq!(finding[key], value);
    }
    assert!(
        finding["way_out"]
            .as_str()
            .unwrap()
            .contains("--accept late-arrival")
    );
}

#[test]
fn json_has_the_name_that_policies_use() {
    for (text, ..) in TEXTS {
        for finding in World::read(text).answer().findings {
            let json = serde_json::to_value(&finding).unwrap();
            assert_eq!(json["kind"], finding.kind().name());
        }
    }
}

#[test]
fn a_policy_is_read_from_a_configuration_file() {
    let policy: Policy = serde_json::from_str(r#"{"gap": "warn"}"#).unwrap();
    assert_eq!(policy, "gap=warn".parse().unwrap());
}

//! Which version imported items have, and when an import is refused.

use godwit::model::{
    Apart, Counts, Digest, Event, Failure, Phase, Plan, Purpose, Run, RunId, RunState, Source,
    Stage, Timestamp,
};
use godwit::store::{Collection, Visit};
use godwit::transfer::{ImportError, ImportSettings, OnExisting};

use super::world::{World, name, settings};

const ONE: &str = "{\"_id\":\"one\"}\n";
const TWO: &str = "{\"_id\":\"two\"}\n";

fn collection(world: &World) -> Collection {
    world.store.collection(&name("notes")).unwrap().unwrap()
}

fn version(text: &str) -> godwit::model::Version {
    text.parse().unwrap()
}

#[test]
fn the_first_import_of_an_app_says_where_it_stands() {
    let mut world = World::new();
    world.import(&settings("1.2.0"), ONE);
    let record = collection(&world);
    assert_eq!(record, Collection::new(name("app"), Some(version("1.2.0"))));
    let history = world.store.history().unwrap().0;
    assert_eq!(history.len(), 1);
    assert_eq!(
        (&history[0].event, &history[0].version),
        (&Event::Baseline, &version("1.2.0"))
    );
    assert_eq!(world.versions("one"), ("1.2.0".into(), None));
    world.import(&settings("1.2.0"), TWO);
    assert_eq!(world.store.history().unwrap().0.len(), 1);
    assert_eq!(collection(&world), record);
}

#[test]
fn older_items_wait_and_newer_ones_stand_by_themselves() {
    let mut world = World::new();
    world.import(&settings("2.0.0"), ONE);
    world.import(&settings("1.5.0"), TWO);
    world.import(&settings("1.0.0"), "{\"_id\":\"three\"}");
    world.import(&settings("1.7.0"), "{\"_id\":\"four\"}");
    world.import(&settings("3.0.0"), "{\"_id\":\"five\"}");
    assert_eq!(world.versions("one"), ("2.0.0".into(), None));
    assert_eq!(
        world.versions("two"),
        ("1.5.0".into(), Some("1.5.0".into()))
    );
    assert_eq!(
        world.versions("three"),
        ("1.0.0".into(), Some("1.0.0".into()))
    );
    assert_eq!(world.versions("five"), ("3.0.0".into(), None));
    let tallies = world.tallies();
    assert_eq!((tallies.items, tallies.waiting), (5, 3));
    let record = collection(&world);
    assert_eq!(record.level, Some(version("2.0.0")));
    assert_eq!(record.newest, Some(version("3.0.0")));
    assert_eq!(record.oldest_waiting, Some(version("1.0.0")));
}

#[test]
fn a_new_collection_has_the_version_of_its_app() {
    let mut world = World::new();
    world.import(&settings("2.0.0"), ONE);
    let other = |version: &str| ImportSettings {
        collection: name("other"),
        ..settings(version)
    };
    world.import(&other("1.0.0"), ONE);
    world.import(&other("3.0.0"), TWO);
    let record = world.store.collection(&name("other")).unwrap().unwrap();
    assert_eq!(record.level, Some(version("2.0.0")));
    assert_eq!(record.newest, Some(version("3.0.0")));
    assert_eq!(world.store.tallies(&name("other")).unwrap().waiting, 1);
    assert_eq!(world.store.history().unwrap().0.len(), 1);
}

/// Settings for documents that say their version in `v`.
fn said(version: Option<&str>) -> ImportSettings {
    ImportSettings {
        version: version.map(self::version),
        version_at: Some("/v".parse().unwrap()),
        ..settings("9.9.9")
    }
}

#[test]
fn every_document_may_say_its_version() {
    let lines = [
        r#"{"_id":"one","v":"1.0.0"}"#,
        r#"{"_id":"none"}"#,
        r#"{"_id":"level", "v" : "2.0.0"}"#,
        r#"{"_id":"newer","v":"3.0.0"}"#,
        r#"{"_id":"bad","v":2}"#,
        r#"{"_id":"old","v":"0.9.0"}"#,
    ];
    for batch_lines in [1, 2, 100] {
        let mut world = World::new();
        let settings = ImportSettings {
            batch_lines,
            ..said(Some("2.0.0"))
        };
        let report = world.import(&settings, &lines.join("\n"));
        let bad: Vec<_> = report.bad_lines.iter().map(ToString::to_string).collect();
        let expected = r#"line 5: at `/v` is a number; a version is a text as in "1.2.3""#;
        assert_eq!(bad, [expected]);
        assert_eq!(report.counts.created, 5);
        for (id, has, apart) in [
            ("one", "1.0.0", Some("1.0.0")),
            ("none", "2.0.0", None),
            ("level", "2.0.0", None),
            ("newer", "3.0.0", None),
            ("old", "0.9.0", Some("0.9.0")),
        ] {
            assert_eq!(world.versions(id), (has.into(), apart.map(Into::into)));
        }
        let record = collection(&world);
        assert_eq!(record.level, Some(version("2.0.0")));
        assert_eq!(record.newest, Some(version("3.0.0")));
        assert_eq!(record.oldest_waiting, Some(version("0.9.0")));
        let body = world.store.body(&name("notes"), "level").unwrap().unwrap();
        assert_eq!(body, lines[2].as_bytes(), "it keeps its exact bytes");
        let again = world.import(&settings, &lines.join("\n"));
        assert_eq!((again.counts.present, again.counts.bad), (5, 1));
    }
}

#[test]
fn a_new_app_stands_at_a_version_that_is_given() {
    let mut world = World::new();
    let input = r#"{"_id":"one","v":"1.0.0"}"#;
    let error = world.try_import(&said(None), input).unwrap_err();
    let expected =
        "the app app has no version yet: a version must be given as the one that it stands at";
    assert_eq!(error.to_string(), expected);
    assert!(world.entries().iter().all(|(key, _)| key == b"F"));
    world.import(&settings("2.0.0"), ONE);
    // Documents say theirs from then on, in other collections, too.
    let other = ImportSettings {
        collection: name("other"),
        ..said(None)
    };
    world.import(&other, &input.replace("one", "two"));
    let record = world.store.collection(&name("other")).unwrap().unwrap();
    assert_eq!(record.level, Some(version("2.0.0")));
    assert_eq!(world.store.tallies(&name("other")).unwrap().waiting, 1);
    let report = world.import(&said(None), TWO);
    let bad = report.bad_lines[0].to_string();
    let nothing =
        "line 1: there is nothing at `/v`, where its version should be, and no other version";
    assert!(bad.starts_with(nothing), "{bad}");
}

#[test]
fn the_same_body_with_another_version_is_another_item() {
    let mut world = World::new();
    world.import(&settings("2.0.0"), ONE);
    let report = world.import(&settings("1.0.0"), ONE);
    let said = report.bad_lines[0].to_string();
    assert_eq!(
        said,
        "line 1: the item `one` is there already, with the same body and version 2.0.0"
    );
    // Nothing was written, so that nothing waits or is newer.
    world.import(&settings("3.0.0"), ONE);
    assert_eq!(
        collection(&world),
        Collection::new(name("app"), Some(version("2.0.0")))
    );
    assert_eq!(world.tallies().waiting, 0);
}

#[test]
fn replacing_an_item_replaces_where_it_stands() {
    let mut world = World::new();
    let replacing = |version: &str| ImportSettings {
        on_existing: OnExisting::Replace,
        ..settings(version)
    };
    world.import(&settings("2.0.0"), ONE);
    let steps = [
        ("1.0.0", Some("1.0.0")),
        ("1.5.0", Some("1.5.0")),
        ("2.0.0", None),
        ("3.0.0", None),
    ];
    for (version, apart) in steps {
        let report = world.import(&replacing(version), ONE);
        assert_eq!(report.counts.replaced, 1);
        assert_eq!(
            world.versions("one"),
            (version.into(), apart.map(Into::into))
        );
        assert_eq!(world.tallies().waiting, u64::from(apart.is_some()));
        let again = world.import(&replacing(version), ONE);
        assert_eq!((again.counts.present, again.counts.replaced), (1, 0));
    }
}

#[test]
fn replacing_an_item_takes_it_out_of_quarantine() {
    let mut world = World::new();
    world.import(&settings("2.0.0"), ONE);
    let failure = Failure {
        kind: "refused".into(),
        reason: "no".into(),
        migration: version("2.0.0"),
        step: name("step"),
        run: RunId(1),
        at: Timestamp(1),
        accepted: false,
    };
    let apart = Apart {
        version: version("1.0.0"),
        next: None,
        failure: Some(failure),
    };
    let mut write = world.store.write(RunId(0), None);
    write
        .set_apart(&name("notes"), "one", None, Some(&apart), Visit::Once)
        .unwrap();
    write.commit(&mut world.lease, Timestamp(1)).unwrap();
    assert_eq!(world.tallies().open, 1);
    let mended = "{\"_id\":\"one\",\"mended\":true}";
    let settings = ImportSettings {
        on_existing: OnExisting::Replace,
        ..settings("1.0.0")
    };
    world.import(&settings, mended);
    let tallies = world.tallies();
    assert_eq!((tallies.open, tallies.waiting), (0, 1));
    assert_eq!(
        world.versions("one"),
        ("1.0.0".into(), Some("1.0.0".into()))
    );
}

#[test]
fn the_collection_of_another_app_is_refused_with_its_owner() {
    let mut world = World::new();
    world.import(&settings("1.0.0"), ONE);
    let before = world.entries();
    let other = ImportSettings {
        app: name("other"),
        ..settings("1.0.0")
    };
    let error = world.try_import(&other, TWO).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the collection notes belongs to app, not to other"
    );
    assert_eq!(world.entries(), before);
}

#[test]
fn a_version_that_no_item_can_carry_is_refused() {
    let long = format!("1.0.0-{}", "a".repeat(200));
    let error = World::new().try_import(&settings(&long), ONE).unwrap_err();
    assert!(
        matches!(error, ImportError::VersionTooLong { bytes: 206, .. }),
        "{error}"
    );
}

fn run(app: &str, purpose: Purpose, state: RunState) -> Run {
    let stage = Stage {
        app: name(app),
        version: version("2.0.0"),
        from: None,
        phase: Phase::Offline,
        digest: Digest::of(b""),
        file: String::new(),
        first_step: 0,
        steps: Vec::new(),
        source: Source::Collection,
    };
    Run {
        id: RunId(7),
        purpose,
        state,
        reason: None,
        started_at: Timestamp(1),
        changed_at: Timestamp(1),
        seed: 0,
        plan: Plan {
            stages: vec![stage],
        },
        stages_done: 0,
        stages_begun: 0,
        has_pre_images: true,
        keeps_pre_images: true,
        backup: None,
    }
}

#[test]
fn a_run_that_must_be_finished_first_is_told() {
    use RunState::{Blocked, Completed, Failed, Running, Stopped, Undoing, Undone};
    let cases = [
        ("app", Purpose::Up, Running, true),
        ("app", Purpose::Up, Stopped, true),
        ("app", Purpose::Up, Failed, true),
        ("app", Purpose::Up, Blocked, true),
        ("app", Purpose::Down, Failed, true),
        ("app", Purpose::Up, Undoing, true),
        ("app", Purpose::Retry, Undoing, true),
        ("app", Purpose::Up, Completed, false),
        ("app", Purpose::Up, Undone, false),
        ("app", Purpose::Retry, Blocked, false),
        ("other", Purpose::Up, Running, false),
    ];
    for (app, purpose, state, is_in_the_way) in cases {
        let mut world = World::new();
        let there = run(app, purpose, state);
        let mut write = world.store.write(RunId(0), None);
        write.set_run(&there);
        write.commit(&mut world.lease, Timestamp(1)).unwrap();
        match world.try_import(&settings("1.0.0"), ONE) {
            Ok(report) => assert!(report.done && !is_in_the_way, "{app} {state}"),
            Err(ImportError::UnfinishedRun { app, run }) => {
                assert!(is_in_the_way, "{app} {state}");
                assert_eq!(*run, there, "whoever says the ways out asks it");
            }
            Err(error) => panic!("{app} {state}: {error}"),
        }
    }
    let _ = Counts::default();
}

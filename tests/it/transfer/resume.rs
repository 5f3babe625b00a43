//! An import that is stopped or killed goes on as if nothing had happened.

use std::cell::Cell;
use std::io::BufReader;
use std::sync::atomic::{AtomicU64, Ordering};

use godwit::model::{Digest, Timestamp};
use godwit::run::Control;
use godwit::transfer::{Generator, ImportError, ImportReport, ImportSettings, OnExisting};

use super::world::{Cut, World, lease, settings};

/// Some items with bad lines, duplicates and blank lines between them.
fn input() -> String {
    let mut lines = Vec::new();
    Generator::new(7, 200).lines(0..40, &mut lines);
    let lines = String::from_utf8(lines).unwrap();
    let mut input = String::from("\u{feff}");
    for (number, line) in lines.lines().enumerate() {
        input.push_str(line);
        input.push_str(if number % 3 == 0 { "\r\n" } else { "\n" });
        match number % 10 {
            3 => input.push_str("no JSON\n"),
            5 => input.push_str(&format!("{line}\n\n")),
            7 => input.push_str(&line.replace("item", "extra").replace("text", "t\\u0065xt")),
            8 => input.push_str("{\"_id\":\"item-000000000001\"}\n"),
            _ => {}
        }
    }
    input
}

fn batches(bytes: usize) -> ImportSettings {
    ImportSettings {
        source: Some(Digest::of(b"the source")),
        batch_bytes: bytes,
        on_existing: OnExisting::Replace,
        ..settings("1.2.3")
    }
}

fn undisturbed(settings: &ImportSettings) -> (World, ImportReport) {
    let mut world = World::new();
    let report = world.import(settings, &input());
    assert!(report.done && report.resumed_behind.is_none());
    (world, report)
}

/// What must be the same however often an import was interrupted.
fn assert_same(world: &World, report: &ImportReport, expected: &(World, ImportReport)) {
    assert!(report.done);
    assert_eq!(report.counts, expected.1.counts);
    assert_eq!(report.bad_lines, expected.1.bad_lines);
    assert_eq!(world.entries(), expected.0.entries());
}

#[test]
fn an_import_that_is_stopped_behind_every_batch_gives_the_same_store() {
    let settings = batches(1_000);
    let expected = undisturbed(&settings);
    for mut world in World::of_each_kind() {
        let (mut rounds, mut lines) = (0, 0);
        let report = loop {
            let control = Control::default();
            let report = world
                .import_with(&settings, &mut input().as_bytes(), &control, &|_| {
                    control.stop();
                })
                .unwrap();
            assert_eq!(report.resumed_behind, (rounds > 0).then_some(lines));
            rounds += 1;
            if report.done {
                break report;
            }
            assert!(report.can_resume && report.counts.lines > lines);
            lines = report.counts.lines;
            world.lease = lease(&world.store);
        };
        assert!(rounds > 5, "{rounds}");
        assert_same(&world, &report, &expected);
    }
}

#[test]
fn an_import_that_is_cut_off_anywhere_gives_the_same_store() {
    let settings = batches(700);
    let expected = undisturbed(&settings);
    let input = input();
    for end in (0..input.len()).step_by(301) {
        let mut world = World::new();
        let mut cut = BufReader::with_capacity(64, Cut(&input.as_bytes()[..end]));
        let error = world
            .import_with(&settings, &mut cut, &Control::default(), &|_| {})
            .unwrap_err();
        let ImportError::Read { report, .. } = error else {
            panic!("{error}")
        };
        let whole = input.as_bytes()[..end]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count() as u64;
        assert_eq!(report.counts.lines, whole, "every whole line was imported");
        assert!(!report.done && report.counts.bytes <= end as u64);
        let report = world.import(&settings, &input);
        assert_eq!(report.resumed_behind, (whole > 0).then_some(whole));
        assert_same(&world, &report, &expected);
    }
}

#[test]
fn an_import_without_a_source_may_be_repeated() {
    let settings = ImportSettings {
        source: None,
        on_existing: OnExisting::Keep,
        ..batches(1_000)
    };
    let mut expected = World::new();
    expected.import(&settings, &input());
    let mut world = World::new();
    let control = Control::default();
    let report = world
        .import_with(&settings, &mut input().as_bytes(), &control, &|_| {
            control.stop();
        })
        .unwrap();
    assert!(!report.done && !report.can_resume);
    let report = world.import(&settings, &input());
    assert!(report.done && report.resumed_behind.is_none());
    assert_eq!(world.entries(), expected.entries());
}

/// Imports the first batch only.
fn interrupted(settings: &ImportSettings) -> World {
    let mut world = World::new();
    let control = Control::default();
    let report = world
        .import_with(settings, &mut input().as_bytes(), &control, &|_| {
            control.stop();
        })
        .unwrap();
    assert!(!report.done && report.counts.lines > 1);
    world
}

#[test]
fn a_source_that_changed_is_not_gone_on_with_but_may_be_started_over() {
    let settings = batches(1_000);
    let changed = input().replacen("item-000000000000", "item-00000000000x", 1);
    for input in [changed.as_str(), ""] {
        let mut world = interrupted(&settings);
        let before = world.entries();
        let error = world.try_import(&settings, input).unwrap_err();
        assert!(
            matches!(error, ImportError::SourceChanged { lines } if lines > 1),
            "{error}"
        );
        assert_eq!(world.entries(), before);
        let again = ImportSettings {
            restart: true,
            ..settings.clone()
        };
        let report = world.import(&again, input);
        assert!(report.done && report.resumed_behind.is_none());
        assert_eq!(
            world.store.import(&Digest::of(b"the source")).unwrap(),
            None
        );
    }
}

#[test]
fn an_import_with_other_settings_starts_at_the_first_line() {
    let settings = batches(1_000);
    let others = [
        ImportSettings {
            on_existing: OnExisting::Keep,
            ..settings.clone()
        },
        ImportSettings {
            version: Some("1.2.4".parse().unwrap()),
            ..settings.clone()
        },
        ImportSettings {
            source: Some(Digest::of(b"another")),
            ..settings.clone()
        },
        ImportSettings {
            version_at: Some("/version".parse().unwrap()),
            ..settings.clone()
        },
    ];
    for other in others {
        let report = interrupted(&settings).import(&other, &input());
        assert!(report.done && report.resumed_behind.is_none());
    }
    let other_batches = ImportSettings {
        batch_bytes: 10,
        batch_lines: 2,
        ..settings.clone()
    };
    let report = interrupted(&settings).import(&other_batches, &input());
    assert!(report.resumed_behind.is_some());
}

#[test]
fn slow_input_does_not_keep_the_lease_from_being_renewed() {
    let settings = ImportSettings {
        batch_bytes: 1 << 20,
        ..batches(0)
    };
    let expected = undisturbed(&settings);
    let mut world = World::new();
    let time = AtomicU64::new(1);
    let clock = || Timestamp(time.fetch_add(1_000, Ordering::Relaxed));
    let commits = Cell::new(0);
    let report = world
        .import_at(
            &clock,
            &settings,
            &mut input().as_bytes(),
            &Control::default(),
            &|_| {
                commits.set(commits.get() + 1);
            },
        )
        .unwrap();
    assert!(commits.get() > 5, "{}", commits.get());
    assert_eq!(report.counts, expected.1.counts);
    assert_eq!(world.export(), expected.0.export());
}

//! Exports: page by page, from any id on.

use std::io::{self, Write};

use godwit::model::{RunId, Timestamp};
use godwit::run::Control;
use godwit::store::{Collection, Visit};
use godwit::transfer::{ExportError, Exporter, Generator, ImportSettings};

use super::world::{World, name, settings};

/// A store with 50 items, and its lines.
fn world() -> (World, String) {
    let mut lines = Vec::new();
    Generator::new(3, 400).lines(0..50, &mut lines);
    let lines = String::from_utf8(lines).unwrap();
    let mut world = World::new();
    world.import(&settings("1.0.0"), &lines);
    (world, lines)
}

#[test]
fn an_export_may_be_gone_on_with_behind_every_page() {
    let (world, expected) = world();
    let notes = name("notes");
    for page_bytes in [1, 1_000, 5_000, 1 << 20] {
        let (mut after, mut lines, mut items) = (None, Vec::new(), 0);
        loop {
            let exporter = Exporter::new(&world.store, &notes, after.clone()).unwrap();
            let mut exporter = exporter.with_page_bytes(page_bytes);
            let page = exporter.next_page(&mut lines).unwrap();
            assert_eq!(exporter.after().map(str::to_owned) == after, page == 0);
            after = exporter.after().map(str::to_owned);
            items += page;
            if page == 0 {
                break;
            }
        }
        assert_eq!((items, lines), (50, expected.clone().into_bytes()));
    }
}

#[test]
fn an_export_that_is_stopped_says_how_far_it_came() {
    let (world, expected) = world();
    let notes = name("notes");
    let mut lines = Vec::new();
    let control = Control::default();
    let mut exporter = Exporter::new(&world.store, &notes, None)
        .unwrap()
        .with_page_bytes(2_000);
    let first = exporter
        .write_to(&mut lines, &control, &|_| control.stop())
        .unwrap();
    assert!(!first.done && first.items > 0 && first.items < 50);
    let mut rest = Exporter::new(&world.store, &notes, first.after).unwrap();
    let second = rest
        .write_to(&mut lines, &Control::default(), &|_| {})
        .unwrap();
    assert!(second.done);
    assert_eq!(first.items + second.items, 50);
    assert_eq!(lines, expected.into_bytes());
}

#[test]
fn a_body_of_several_lines_becomes_one() {
    let mut world = World::new();
    world.import(&settings("1.0.0"), "{\"_id\":\"a\"}\n");
    let mut write = world.store.write(RunId(0), None);
    let body = b"{\r\n  \"_id\": \"b\",\n\"t\":\"\\n\"}\n";
    let version = "1.0.0".parse().unwrap();
    write
        .set_item(
            &name("notes"),
            "b",
            None,
            Some((&version, body[..].into())),
            Visit::Once,
        )
        .unwrap();
    write.commit(&mut world.lease, Timestamp(1)).unwrap();
    assert_eq!(
        world.export(),
        "{\"_id\":\"a\"}\n{    \"_id\": \"b\", \"t\":\"\\n\"} \n"
    );
    let mut other = World::new();
    assert_eq!(
        other
            .import(&settings("1.0.0"), &world.export())
            .counts
            .created,
        2
    );
}

#[test]
fn only_collections_of_json_are_exported() {
    let mut world = World::new();
    let error = Exporter::new(&world.store, &name("notes"), None).unwrap_err();
    assert!(matches!(error, ExportError::NoCollection { .. }), "{error}");
    let opaque = Collection {
        opaque: true,
        ..Collection::new(name("app"), None)
    };
    let mut write = world.store.write(RunId(0), None);
    write.set_collection(&name("notes"), opaque).unwrap();
    write.commit(&mut world.lease, Timestamp(1)).unwrap();
    let error = Exporter::new(&world.store, &name("notes"), None).unwrap_err();
    assert!(matches!(error, ExportError::Opaque { .. }), "{error}");
}

#[test]
fn an_empty_collection_is_no_lines() {
    let mut world = World::new();
    let source = ImportSettings {
        source: None,
        ..settings("1.0.0")
    };
    world.import(&source, "");
    assert_eq!(world.export(), "");
}

/// Takes so many bytes, then fails.
struct Broken(usize, io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(self.1)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is() {
    let (world, _) = world();
    let notes = name("notes");
    let export = |kind| {
        let exporter = Exporter::new(&world.store, &notes, None).unwrap();
        let mut out = Broken(5_000, kind);
        exporter
            .with_page_bytes(1_000)
            .write_to(&mut out, &Control::default(), &|_| {})
    };
    let report = export(io::ErrorKind::BrokenPipe).unwrap();
    assert!(!report.done && report.bytes <= 5_000);
    let error = export(io::ErrorKind::StorageFull).unwrap_err();
    let ExportError::Write { after, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*after, report.after);
}

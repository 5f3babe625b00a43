//! Backups: every change of one is noticed, and what is restored is what there was.

use std::ops::ControlFlow;
use std::sync::Arc;

use godwit::model::RunId;
use godwit::run::{ChangedItems, Control, Quiet};
use godwit::store::{Backend, Backup, BackupError, Memory};
use godwit_tests::world::{catalogue_with, dump, host, of_each_kind, seed, up_accepting};
use tempfile::TempDir;

fn migrated(backend: Arc<dyn Backend>) -> godwit::blocking::Host {
    let catalogue = catalogue_with(&["append-2-0-0"], &[]);
    let host = host(backend, &catalogue);
    let items: Vec<_> = (0..500)
        .map(|n| {
            let id = format!("{n:03}");
            let body = format!(
                r#"{{"_id":"{id}","n":{n},"text":"{}"}}"#,
                "bird ".repeat(n % 40)
            );
            (id, body)
        })
        .collect();
    seed(&host, "append", "items", &items);
    up_accepting(&host, &Quiet);
    host
}

#[test]
fn a_thousand_flips_and_cuts_are_all_noticed() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("whole");
    let host = migrated(Arc::new(Memory::new()));
    host.back_up(&file, &Control::default(), &mut |_| {})
        .unwrap();
    let whole = std::fs::read(&file).unwrap();
    assert!(whole.len() > 5_000, "{}", whole.len());
    let changed = folder.path().join("changed");
    let read = |bytes: &[u8]| {
        std::fs::write(&changed, bytes).unwrap();
        Backup::open(&changed)?.verify(&mut |_| ControlFlow::Continue(()))
    };
    read(&whole).expect("it is whole");
    // Knuth's MMIX generator: the same cases each time.
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for case in 0..1_000 {
        let mut bytes = whole.clone();
        let place = random(bytes.len());
        let what = match case % 3 {
            0 => {
                bytes[place] ^= 1 << random(8);
                "a bit is flipped"
            }
            1 => {
                bytes.truncate(place);
                "it is cut off"
            }
            _ => {
                bytes.insert(place, bytes[place].wrapping_add(1));
                "a byte is inserted"
            }
        };
        let error = read(&bytes).expect_err(what);
        assert!(
            matches!(error, BackupError::Damaged { .. }),
            "{what} at {place}: {error:?}"
        );
    }
}

#[test]
fn what_is_restored_is_what_there_was_on_every_kind_of_store() {
    let folder = TempDir::new().unwrap();
    for (number, (backend, _folder)) in of_each_kind().into_iter().enumerate() {
        let host = migrated(backend);
        let file = folder.path().join(format!("{number}"));
        host.back_up(&file, &Control::default(), &mut |_| {})
            .unwrap();
        let backup = Backup::open(&file).unwrap();
        for (copy, _folder) in of_each_kind() {
            backup
                .restore_into(&*copy, &mut |_| ControlFlow::Continue(()))
                .unwrap();
            assert_eq!(dump(&*copy), dump(host.store().backend()));
            let again = backup.restore_into(&*copy, &mut |_| ControlFlow::Continue(()));
            assert!(
                matches!(again, Err(BackupError::Store(_))),
                "it is not empty: {again:?}"
            );
            let there = migrated_host(copy);
            assert_eq!(there.digests(&[]).unwrap(), host.digests(&[]).unwrap());
            there
                .undo(RunId(1), ChangedItems::Refuse, &Control::default())
                .unwrap();
        }
    }
}

fn migrated_host(backend: Arc<dyn Backend>) -> godwit::blocking::Host {
    host(backend, &catalogue_with(&["append-2-0-0"], &[]))
}

#[test]
fn what_is_written_meanwhile_is_not_in_a_backup_of_one_moment() {
    let folder = TempDir::new().unwrap();
    for (backend, _folder) in of_each_kind() {
        if !backend.shows_one_moment() {
            continue;
        }
        let host = migrated(backend);
        let before = host.digests(&[]).unwrap();
        let file = folder.path().join("moment");
        std::fs::remove_file(&file).ok();
        host.back_up(&file, &Control::default(), &mut |_| {})
            .unwrap();
        host.undo(RunId(1), ChangedItems::Refuse, &Control::default())
            .unwrap();
        let copy: Arc<dyn Backend> = Arc::new(Memory::new());
        let backup = Backup::open(&file).unwrap();
        backup
            .restore_into(&*copy, &mut |_| ControlFlow::Continue(()))
            .unwrap();
        assert_eq!(migrated_host(copy).digests(&[]).unwrap(), before);
    }
}

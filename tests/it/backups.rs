//! Backups: every change of one is noticed, and what is restored is what there was.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use godwit::model::{RunId, Timestamp};
use godwit::run::{ChangedItems, Control, Quiet};
use godwit::store::{Backend, Backup, BackupError, BackupWriter, Memory};
use godwit::{ErrorKind, HostError, backups_in, new_backup};
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
                .undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default())
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
        host.undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default())
            .unwrap();
        let copy: Arc<dyn Backend> = Arc::new(Memory::new());
        let backup = Backup::open(&file).unwrap();
        backup
            .restore_into(&*copy, &mut |_| ControlFlow::Continue(()))
            .unwrap();
        assert_eq!(migrated_host(copy).digests(&[]).unwrap(), before);
    }
}

fn is_whole(file: &Path) {
    let backup = Backup::open(file).unwrap();
    backup.verify(&mut |_| ControlFlow::Continue(())).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn backups_of_one_moment_in_one_folder_are_all_whole() {
    let folder = TempDir::new().unwrap();
    let host = migrated(Arc::new(Memory::new()));
    let store = host.store();
    let (now, on) = (Timestamp(7), &mut |_: u64| ControlFlow::Continue(()));
    let file = new_backup(folder.path(), now);
    // All are begun before one is done.
    let begin = || BackupWriter::begin(&file, store, now).unwrap();
    let begin_new = || BackupWriter::begin_new(&file, store, now).unwrap();
    let (first, second, third, fourth) = (begin_new(), begin_new(), begin(), begin_new());
    let made = [first, second].map(|writer| writer.copy(store, on).unwrap().0);
    let bytes = std::fs::read(&file).unwrap();
    let refused = third.copy(store, on);
    assert!(
        matches!(&refused, Err(BackupError::Exists(there)) if *there == file),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), bytes, "it is not replaced");
    let last = fourth.copy_in_pages(store, &mut |_| Ok(())).unwrap().0;
    let moment = "1970-01-01T00-00-00.007Z";
    let expected = ["", "_2", "_3"].map(|more| format!("{moment}{more}.godwit"));
    assert_eq!(names(folder.path()), expected, "nothing else is left");
    let found = backups_in(folder.path(), None).unwrap();
    let found: Vec<_> = found.into_iter().map(|found| found.path).collect();
    assert_eq!(
        found,
        [&made[..], &[last]].concat(),
        "the newest one is last"
    );
    found.iter().for_each(|file| is_whole(file));
    // The same by the front door, by which time stands still in tests.
    let front = folder.path().join("front");
    for number in 1..4 {
        let back_up = host.back_up_in(&front, &Control::default(), &mut |_| {});
        is_whole(&back_up.unwrap().0);
        assert_eq!(names(&front).len(), number);
    }
}

#[test]
fn what_a_killed_backup_has_left_is_no_backup_and_goes_with_the_next_one() {
    let folder = TempDir::new().unwrap();
    let host = migrated(Arc::new(Memory::new()));
    let store = host.store();
    let now = Timestamp(7);
    let living = BackupWriter::begin_new(&new_backup(folder.path(), now), store, now).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(".godwit-killed.draft", "godwit backup 1\nand no more");
    write(".godwit-other.draft", "somebody else's");
    write(".letter.draft", "godwit backup 1\n");
    assert!(backups_in(folder.path(), None).unwrap().is_empty());
    let control = Control::default();
    let (made, _) = host
        .back_up_in(folder.path(), &control, &mut |_| {})
        .unwrap();
    let left = names(folder.path());
    assert!(
        !left.contains(&".godwit-killed.draft".to_owned()),
        "{left:?}"
    );
    for other in [".godwit-other.draft", ".letter.draft"] {
        assert!(left.contains(&other.to_owned()), "{left:?}");
    }
    assert_eq!(left.len(), 4, "{left:?}");
    // The one that is written is none that was left.
    let on = &mut |_: u64| ControlFlow::Continue(());
    let (late, _) = living.copy(store, on).unwrap();
    is_whole(&made);
    is_whole(&late);
    // One that is given up leaves nothing.
    let before = names(folder.path());
    drop(BackupWriter::begin_new(&new_backup(folder.path(), now), store, now).unwrap());
    assert_eq!(names(folder.path()), before);
}

#[test]
fn the_folder_of_a_file_that_is_named_is_not_made() {
    let folder = TempDir::new().unwrap();
    let none = folder.path().join("none");
    let control = Control::default();
    for (backend, _folder) in of_each_kind() {
        let host = migrated(backend);
        let refused = host.back_up(&none.join("x.godwit"), &control, &mut |_| {});
        let error = refused.expect_err("there is no folder");
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(
            matches!(&error, HostError::Backup(BackupError::NoFolder(missing)) if *missing == none),
            "{error:?}"
        );
        assert!(!none.exists());
    }
    let missing = Backup::open(&none.join("x.godwit"));
    assert!(
        matches!(missing, Err(BackupError::Missing(_))),
        "{missing:?}"
    );
}

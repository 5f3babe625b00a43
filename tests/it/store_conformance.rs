//! Every backend keeps the promises of the trait, and each its own.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use godwit::store::{Backend, Commit, Lmdb, Memory, OpenMode, Overlay, Sled, StoreError, StoreUrl};
use godwit_tests::store_conformance::{Dice, Entries, all, put, put_all, scan};
use tempfile::TempDir;

godwit_tests::store_conformance! {
    memory: Memory,
    sled: Sled,
    lmdb: Lmdb,
    postgres: Postgres,
    postgres_jsonb: PostgresJsonb,
    overlay_on_memory: OverlayOnMemory,
    overlay_on_lmdb: OverlayOnLmdb,
}

type Opens = fn(&Path, OpenMode) -> Result<Arc<dyn Backend>, StoreError>;

/// The backends that keep a store in a folder: the scheme, and how they open one.
const IN_FOLDERS: [(&str, Opens); 2] = [
    ("sled", |path, mode| Ok(Arc::new(Sled::open(path, mode)?))),
    ("lmdb", |path, mode| Ok(Arc::new(Lmdb::open(path, mode)?))),
];

#[test]
fn a_store_that_is_not_there_is_missing_and_stays_so() {
    for (_, open) in IN_FOLDERS {
        let folder = TempDir::new().unwrap();
        for path in [folder.path().join("a/b"), folder.path().to_owned()] {
            let error = open(&path, OpenMode::Existing).err().unwrap();
            assert!(matches!(error, StoreError::Missing { path: p } if p == path));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let path = folder.path().join("a/b");
        open(&path, OpenMode::Create).unwrap();
        open(&path, OpenMode::Existing).unwrap();
    }
}

#[test]
fn a_store_is_open_once_in_a_process() {
    for (_, open) in IN_FOLDERS {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path(), OpenMode::Create).unwrap();
        put(&*store, b"a", b"1");
        for mode in [OpenMode::Create, OpenMode::Existing] {
            let error = open(folder.path(), mode).err().unwrap();
            assert!(matches!(error, StoreError::InUse { .. }), "{error}");
        }
        put(&*store, b"b", b"2");
        for _ in 0..20 {
            let store = open(folder.path(), OpenMode::Existing);
            assert!(matches!(store, Err(StoreError::InUse { .. })));
        }
        drop(store);
        for _ in 0..5 {
            let store = open(folder.path(), OpenMode::Existing).unwrap();
            assert_eq!(all(&*store).len(), 2);
        }
    }
}

#[test]
fn a_folder_of_something_else_is_not_a_store() {
    for (_, open) in IN_FOLDERS {
        for name in ["notes.txt", "conf", "db", "snap.1"] {
            let folder = TempDir::new().unwrap();
            fs::write(folder.path().join(name), "mine").unwrap();
            for mode in [OpenMode::Create, OpenMode::Existing] {
                let error = open(folder.path(), mode).err().unwrap();
                let reason = format!("it holds `{name}`, which belongs to no store");
                assert!(matches!(error, StoreError::NotAStore { reason: r, .. } if r == reason));
            }
            assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"mine");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "mine").unwrap();
        let error = open(&file, OpenMode::Create).err().unwrap();
        assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");
    }
}

#[test]
fn a_url_opens_what_it_names_and_a_path_what_it_finds() {
    for (scheme, open) in IN_FOLDERS {
        let folder = TempDir::new().unwrap();
        put(&*open(folder.path(), OpenMode::Create).unwrap(), b"a", b"1");
        let path = folder.path().display();
        for url in [format!("{scheme}:{path}"), path.to_string()] {
            let url: StoreUrl = url.parse().unwrap();
            for mode in [OpenMode::Existing, OpenMode::Create] {
                let store = url.open(mode).unwrap();
                assert_eq!(store.get(b"a").unwrap().unwrap(), b"1");
                assert_eq!(store.url(), format!("{scheme}:{path}"));
            }
        }
        for (other, _) in IN_FOLDERS.iter().filter(|(other, _)| *other != scheme) {
            let url: StoreUrl = format!("{other}:{path}").parse().unwrap();
            let error = url.open(OpenMode::Create).err().unwrap();
            let reason = format!("it holds a store of {scheme}: open it as {scheme}:{path}");
            assert!(matches!(error, StoreError::NotAStore { reason: r, .. } if r == reason));
        }
    }
}

#[test]
fn a_path_without_a_store_becomes_one_of_lmdb() {
    let folder = TempDir::new().unwrap();
    let url = StoreUrl::Path(folder.path().join("new"));
    let error = url.open(OpenMode::Existing).err().unwrap();
    assert!(matches!(error, StoreError::Missing { .. }));
    assert!(
        url.open(OpenMode::Create)
            .unwrap()
            .url()
            .starts_with("lmdb:")
    );
    let memory = StoreUrl::Memory.open(OpenMode::Existing).unwrap();
    assert_eq!(memory.url(), "memory:");
}

#[test]
fn a_dropped_store_can_be_opened_at_once() {
    for (_, open) in IN_FOLDERS {
        let folder = TempDir::new().unwrap();
        for n in 0..30_u8 {
            let store = open(folder.path(), OpenMode::Create).unwrap();
            put(&*store, &[n], &[n; 5000]);
            assert_eq!(all(&*store).len(), usize::from(n) + 1);
        }
    }
}

#[test]
fn sled_opens_beside_a_half_written_snapshot() {
    let folder = TempDir::new().unwrap();
    let store = Sled::open(folder.path(), OpenMode::Create).unwrap();
    put(&store, b"a", b"1");
    drop(store);
    let snapshot = folder.path().join("snap.7FFFFFFFFFFFFFFF.generating");
    fs::write(&snapshot, vec![b'?'; 1000]).unwrap();
    let alone = ::sled::Config::new()
        .path(folder.path())
        .segment_size(8 << 20)
        .open();
    assert!(alone.is_err(), "sled has learnt to do without this cure");

    let store = Sled::open(folder.path(), OpenMode::Existing).unwrap();
    assert_eq!(store.get(b"a").unwrap().unwrap(), b"1");
    assert!(!snapshot.exists());

    // The snapshot that another process is writing is its own business.
    fs::write(&snapshot, "busy").unwrap();
    let error = Sled::open(folder.path(), OpenMode::Existing).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }));
    assert!(snapshot.exists());
}

#[test]
fn sled_finishes_what_a_killed_process_began_to_make() {
    let broken = "segment_size: 8388608\nuse_compression: false\nversion: 0";
    for (conf, db) in [
        (None, false),
        (Some(""), false),
        (Some(broken), false),
        (None, true),
    ] {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("blobs")).unwrap();
        if let Some(conf) = conf {
            fs::write(folder.path().join("conf"), conf).unwrap();
        }
        if db {
            fs::write(folder.path().join("db"), "").unwrap();
        }
        let error = Sled::open(folder.path(), OpenMode::Existing).unwrap_err();
        assert!(matches!(error, StoreError::Missing { .. }), "{error}");
        put(
            &Sled::open(folder.path(), OpenMode::Create).unwrap(),
            b"a",
            b"1",
        );
        assert_eq!(
            all(&Sled::open(folder.path(), OpenMode::Existing).unwrap()).len(),
            1
        );
    }
}

#[test]
fn sled_keeps_the_segments_of_a_store_that_it_did_not_make() {
    let folder = TempDir::new().unwrap();
    let made = ::sled::Config::new()
        .path(folder.path())
        .segment_size(1 << 19);
    made.open().unwrap().flush().unwrap();
    let mut values = Entries::new();
    while values.len() < 50 {
        // sled alone lets go of its lock some time after it was dropped.
        let Ok(store) = Sled::open(folder.path(), OpenMode::Existing) else {
            thread::yield_now();
            continue;
        };
        for _ in 0..10 {
            let n = values.len() as u8;
            values.insert(vec![n], vec![n; 100_000]);
            put_all(&store, &values);
        }
        assert!(all(&store).into_iter().eq(values.clone()));
    }
    // A page of twenty such values does not fit a quarter of these segments.
    assert!(fs::read_dir(folder.path().join("blobs")).unwrap().count() > 0);
}

#[test]
fn sled_refuses_a_commit_that_is_too_large_and_goes_on() {
    let folder = TempDir::new().unwrap();
    let store = Sled::open(folder.path(), OpenMode::Create).unwrap();
    let mut commit = Commit::new();
    commit.put(b"a", &[&vec![1; Sled::MAX_COMMIT_BYTES]]);
    let error = store.commit(&commit).unwrap_err();
    let (bytes, max) = (Sled::MAX_COMMIT_BYTES + 1, Sled::MAX_COMMIT_BYTES);
    assert!(
        matches!(error, StoreError::TooLarge { bytes: b, max: m, .. } if (b, m) == (bytes, max))
    );
    assert_eq!(all(&store), []);
    put(&store, b"a", b"1");
}

#[test]
fn sled_carries_out_the_largest_commits_at_once() {
    // Of one value, of values around the size that sled keeps in files, and of small ones.
    for size in [Sled::MAX_COMMIT_BYTES - 4, 2 << 20, 1 << 20, 16 << 10] {
        let folder = TempDir::new().unwrap();
        let store = Sled::open(folder.path(), OpenMode::Create).unwrap();
        let mut commit = Commit::new();
        let mut entries = Entries::new();
        while commit.len_bytes() + size + 4 <= Sled::MAX_COMMIT_BYTES {
            let key = (entries.len() as u32).to_be_bytes();
            commit.put(&key, &[&vec![entries.len() as u8; size]]);
            entries.insert(key.to_vec(), vec![entries.len() as u8; size]);
        }
        store.commit(&commit).unwrap();
        assert!(all(&store).into_iter().eq(entries.clone()), "{size}");
        drop(store);
        let store = Sled::open(folder.path(), OpenMode::Existing).unwrap();
        assert!(
            all(&store).into_iter().eq(entries),
            "{size} after opening again"
        );
    }
}

#[test]
fn sled_makes_no_files_of_large_pages_and_forgets_the_parts_of_old_values() {
    let folder = TempDir::new().unwrap();
    let store = Sled::open(folder.path(), OpenMode::Create).unwrap();
    for round in 0..3 {
        for n in 0..60_u8 {
            put(&store, &[n], &vec![round; 40_000 * usize::from(n % 10)]);
        }
        put(&store, b"larger", &vec![round; 8 << 20]);
    }
    assert_eq!(
        fs::read_dir(folder.path().join("blobs")).unwrap().count(),
        0
    );
    let mut commit = Commit::new();
    for (key, _) in all(&store) {
        commit.delete(&key);
        commit.put(&key, &[&[1; 100_000]]);
        commit.delete(&key);
    }
    store.commit(&commit).unwrap();
    assert_eq!(all(&store), []);
    drop(store);
    let bare = ::sled::Config::new()
        .path(folder.path())
        .segment_size(8 << 20)
        .open()
        .unwrap();
    assert!(bare.is_empty());
}

#[test]
fn sled_says_that_a_store_is_damaged_and_what_to_do() {
    let damages: [fn(&Path); 4] = [
        |folder| fs::remove_file(folder.join("conf")).unwrap(),
        |folder| fs::write(folder.join("conf"), "1234567890").unwrap(),
        |folder| overwrite(&snapshot(folder), 0, &[0xff; 8]),
        |folder| overwrite(&folder.join("db"), 0, &[0xff; 5000]),
    ];
    for (n, damage) in damages.iter().enumerate() {
        let folder = TempDir::new().unwrap();
        for _ in 0..2 {
            let store = Sled::open(folder.path(), OpenMode::Create).unwrap();
            put_all(&store, &(0..200).map(|n| (vec![n], vec![n; 100])).collect());
        }
        damage(folder.path());
        let error = Sled::open(folder.path(), OpenMode::Existing).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{n}: {error}");
        assert!(error.to_string().contains("restore a backup"), "{error}");
    }
}

#[test]
fn lmdb_grows_its_map_while_others_read() {
    let folder = TempDir::new().unwrap();
    let store = Lmdb::open_with_map_size(folder.path(), OpenMode::Create, 64 << 10).unwrap();
    let mut dice = Dice::new(1);
    put(&store, b"first", b"1");
    let done = AtomicBool::new(false);
    let mut model = Entries::from([(b"first".to_vec(), b"1".to_vec())]);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    assert_eq!(store.get(b"first").unwrap().unwrap(), b"1");
                    assert!(!scan(&store, b"a", b"z").is_empty());
                }
            });
        }
        // The last one needs several times what the map then has.
        for size in [1000, 50_000, 100_000, 200_000, 400_000, 8 << 20] {
            let (key, value) = (format!("of {size}").into_bytes(), dice.bytes(size));
            put(&store, &key, &value);
            model.insert(key, value);
        }
        done.store(true, Ordering::Release);
    });
    drop(store);
    let store = Lmdb::open_with_map_size(folder.path(), OpenMode::Existing, 64 << 10).unwrap();
    assert!(all(&store).into_iter().eq(model));
    put(&store, b"more", &dice.bytes(9 << 20));
}

#[test]
fn lmdb_follows_when_another_process_grows_the_map() {
    let folder = TempDir::new().unwrap();
    let store = Lmdb::open_with_map_size(folder.path(), OpenMode::Create, 64 << 10).unwrap();
    for round in 1..=2 {
        let mut other = Command::new(std::env::current_exe().unwrap());
        other.args(["store_conformance::lmdb_in_another_process", "--exact"]);
        other.env(OTHER_PROCESS, folder.path());
        assert!(other.status().unwrap().success());
        if round == 1 {
            assert_eq!(all(&store).len(), 100);
        }
        put(&store, b"here", b"1");
        assert_eq!(all(&store).len(), 100 * round + 1);
    }
}

/// Where the test below finds the store of the one above.
const OTHER_PROCESS: &str = "GODWIT_TEST_LMDB_IN_ANOTHER_PROCESS";

/// Writes to the store of the test above, and does nothing unless that has started it.
#[test]
fn lmdb_in_another_process() {
    let Some(path) = std::env::var_os(OTHER_PROCESS) else {
        return;
    };
    let store = Lmdb::open(Path::new(&path), OpenMode::Existing).unwrap();
    let first = scan(&store, b"\0", b"~").len();
    for n in first..first + 100 {
        put(&store, format!("other {n:04}").as_bytes(), &[7; 20_000]);
    }
}

#[test]
fn lmdb_makes_anew_what_was_never_finished() {
    for blank in [None, Some(0), Some(8192)] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("lock.mdb"), "").unwrap();
        if let Some(length) = blank {
            fs::write(folder.path().join("data.mdb"), vec![0; length]).unwrap();
        }
        let error = Lmdb::open(folder.path(), OpenMode::Existing).unwrap_err();
        assert!(matches!(error, StoreError::Missing { .. }), "{error}");
        put(
            &Lmdb::open(folder.path(), OpenMode::Create).unwrap(),
            b"a",
            b"1",
        );
        assert_eq!(
            all(&Lmdb::open(folder.path(), OpenMode::Existing).unwrap()).len(),
            1
        );
    }
}

#[test]
fn lmdb_refuses_files_that_are_not_its_own() {
    let folder = TempDir::new().unwrap();
    for length in [10, 100_000] {
        fs::write(folder.path().join("data.mdb"), vec![b'?'; length]).unwrap();
        for mode in [OpenMode::Create, OpenMode::Existing] {
            let error = Lmdb::open(folder.path(), mode).unwrap_err();
            assert!(matches!(&error, StoreError::NotAStore { reason, .. }
                if reason == "data.mdb is not a file of LMDB"));
        }
    }
}

#[test]
fn lmdb_says_that_a_file_was_cut_off_and_what_to_do() {
    let folder = TempDir::new().unwrap();
    let store = Lmdb::open(folder.path(), OpenMode::Create).unwrap();
    put(&store, b"a", &[1; 4 << 20]);
    drop(store);
    let data = OpenOptions::new()
        .write(true)
        .open(folder.path().join("data.mdb"))
        .unwrap();
    data.set_len(1 << 20).unwrap();
    let error = Lmdb::open(folder.path(), OpenMode::Existing).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("restore a backup"), "{error}");
}

#[test]
fn an_overlay_never_writes_its_base() {
    let base: Arc<dyn Backend> = Arc::new(Memory::new());
    put_all(&*base, &(0..50).map(|n| (vec![n], vec![n])).collect());
    let before = all(&*base);
    let overlay = Overlay::new(base.clone(), Memory::new());
    assert_eq!(all(&overlay), before);
    let mut commit = Commit::new();
    for n in 0..100 {
        match n % 3 {
            0 => commit.delete(&[n]),
            1 => commit.put(&[n], &[b"", b"new"]),
            _ => commit.expect(&[n], (n < 50).then_some(&[n])),
        }
    }
    overlay.commit(&commit).unwrap();
    assert_eq!(all(&*base), before);
    let expected: Vec<_> = (0..100_u8)
        .filter(|n| n % 3 == 1 || n % 3 == 2 && *n < 50)
        .map(|n| (vec![n], if n % 3 == 1 { b"new".to_vec() } else { vec![n] }))
        .collect();
    assert_eq!(all(&overlay), expected);
}

#[test]
fn an_overlay_scans_more_than_it_holds_in_memory() {
    let base: Arc<dyn Backend> = Arc::new(Memory::new());
    let number = |n: u32| n.to_be_bytes().to_vec();
    put_all(
        &*base,
        &(0..4000).step_by(3).map(|n| (number(n), vec![0])).collect(),
    );
    let overlay = Overlay::new(base, Memory::new());
    put_all(
        &overlay,
        &(0..4000).step_by(2).map(|n| (number(n), vec![1])).collect(),
    );
    // Enough bytes that a part of the scan ends before it has many entries.
    put_all(
        &overlay,
        &(1000..1010)
            .map(|n| (number(n), vec![1; 1 << 19]))
            .collect(),
    );
    let mut commit = Commit::new();
    (0..4000).step_by(6).for_each(|n| commit.delete(&number(n)));
    overlay.commit(&commit).unwrap();
    let expected =
        (0..4000).filter(|n| (n % 3 == 0 || n % 2 == 0 || (1000..1010).contains(n)) && n % 6 != 0);
    let found = all(&overlay).into_iter().map(|(key, _)| key);
    assert!(found.eq(expected.map(number)));
}

fn snapshot(folder: &Path) -> std::path::PathBuf {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let is_snapshot = |path: &std::path::PathBuf| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("snap.")
    };
    files
        .into_iter()
        .find(is_snapshot)
        .expect("opening sled again writes a snapshot")
}

fn overwrite(file: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

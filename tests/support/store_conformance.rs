//! What every backend promises: one function per promise, made into one test per backend by
//! [`store_conformance!`](macro@crate::store_conformance).
#![expect(missing_docs, reason = "the names of the promises are sentences")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use godwit::store::{
    Backend, Commit, Lmdb, MAX_KEY, Memory, OpenMode, Overlay, Postgres, Sled, StoreError,
};
use tempfile::TempDir;

use crate::postgres::Server;

/// Makes a module per backend with one test per promise.
#[macro_export]
macro_rules! store_conformance {
    ($($backend:ident: $kind:ident),+ $(,)?) => {
        $(mod $backend {
            $crate::store_conformance! { @each $kind
                a_new_store_is_empty
                what_was_put_is_read
                what_was_deleted_is_gone
                a_scan_is_ordered_and_within_its_bounds
                a_scan_ends_when_its_visitor_breaks
                bounds_of_any_length_are_taken
                values_of_any_size_are_kept
                keys_of_1_to_1024_bytes_are_kept
                other_keys_are_refused
                the_last_write_of_a_key_wins
                expectations_that_hold_let_a_commit_through
                a_failed_expectation_leaves_nothing_written
                expectations_see_what_was_before_the_commit
                a_commit_that_writes_nothing_is_still_checked
                a_read_after_another_never_shows_an_older_commit
                large_values_are_read_whole_while_they_are_replaced
                one_of_many_conditional_committers_wins_each_round
                scans_and_commits_go_on_side_by_side
                a_reopened_store_has_all_that_was_committed
                the_size_on_disk_is_that_of_the_files
                it_behaves_like_a_map
            }
        })+
    };
    (@each $kind:ident $($promise:ident)+) => {
        $(#[test]
        fn $promise() {
            use $crate::store_conformance::{Kind, promises};
            promises::$promise(Kind::$kind);
        })+
    };
}

/// The backends that are held to the promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A store in memory.
    Memory,
    /// A folder of sled.
    Sled,
    /// A folder of LMDB.
    Lmdb,
    /// A schema of a PostgreSQL server of its own.
    Postgres,
    /// One whose bodies others may read.
    PostgresJsonb,
    /// An overlay whose base and top are in memory.
    OverlayOnMemory,
    /// An overlay whose base and top are folders of LMDB.
    OverlayOnLmdb,
}

impl Kind {
    fn is_on_server(self) -> bool {
        matches!(self, Self::Postgres | Self::PostgresJsonb)
    }
}

/// A store under test, in a folder of its own.
pub struct Subject {
    kind: Kind,
    folder: TempDir,
    server: Option<Server>,
    backend: Option<Arc<dyn Backend>>,
}

impl Subject {
    /// Makes an empty store.
    pub fn new(kind: Kind) -> Self {
        Self::with(kind, &BTreeMap::new())
    }

    /// Makes a store that holds `entries`; of an overlay, the base holds them.
    pub fn with(kind: Kind, entries: &Entries) -> Self {
        let folder = TempDir::new().unwrap();
        let mut subject = Self {
            kind,
            folder,
            server: kind.is_on_server().then(Server::start),
            backend: None,
        };
        let base: Arc<dyn Backend> = match kind {
            Kind::Memory | Kind::OverlayOnMemory => Arc::new(Memory::new()),
            Kind::Sled => Arc::new(Sled::open(&subject.path("store"), OpenMode::Create).unwrap()),
            Kind::Lmdb => Arc::new(Lmdb::open(&subject.path("store"), OpenMode::Create).unwrap()),
            Kind::Postgres | Kind::PostgresJsonb => subject.postgres(OpenMode::Create),
            Kind::OverlayOnLmdb => {
                Arc::new(Lmdb::open(&subject.path("base"), OpenMode::Create).unwrap())
            }
        };
        put_all(&*base, entries);
        subject.backend = Some(subject.above(base));
        subject
    }

    /// Closes the store and opens it again, where it is one that outlives the process.
    pub fn reopen(&mut self) {
        let base: Arc<dyn Backend> = match self.kind {
            Kind::Memory | Kind::OverlayOnMemory => return,
            Kind::Sled => {
                self.close();
                Arc::new(Sled::open(&self.path("store"), OpenMode::Existing).unwrap())
            }
            Kind::Lmdb => {
                self.close();
                Arc::new(Lmdb::open(&self.path("store"), OpenMode::Existing).unwrap())
            }
            Kind::Postgres | Kind::PostgresJsonb => {
                self.close();
                self.postgres(OpenMode::Existing)
            }
            Kind::OverlayOnLmdb => {
                self.close();
                Arc::new(Lmdb::open(&self.path("base"), OpenMode::Existing).unwrap())
            }
        };
        self.backend = Some(self.above(base));
    }

    /// The store.
    pub fn backend(&self) -> &dyn Backend {
        &**self.backend.as_ref().expect("only reopen closes it")
    }

    fn above(&self, base: Arc<dyn Backend>) -> Arc<dyn Backend> {
        match self.kind {
            Kind::Memory | Kind::Sled | Kind::Lmdb | Kind::Postgres | Kind::PostgresJsonb => base,
            Kind::OverlayOnMemory => Arc::new(Overlay::new(base, Memory::new())),
            Kind::OverlayOnLmdb => {
                let top = Lmdb::open(&self.path("top"), OpenMode::Create).unwrap();
                Arc::new(Overlay::new(base, top))
            }
        }
    }

    fn postgres(&self, mode: OpenMode) -> Arc<dyn Backend> {
        let server = self.server.as_ref().expect("it was started");
        let url = match self.kind {
            Kind::PostgresJsonb => format!("{}?bodies=jsonb", server.url()),
            _ => server.url(),
        };
        Arc::new(Postgres::open(&url, mode).unwrap())
    }

    fn close(&mut self) {
        let backend = self.backend.take().expect("the store is open");
        assert_eq!(
            Arc::strong_count(&backend),
            1,
            "somebody still uses the store"
        );
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// What a store should hold.
pub type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// Everything that a store holds.
pub fn all(backend: &dyn Backend) -> Vec<(Vec<u8>, Vec<u8>)> {
    scan(backend, b"", &[0xff; MAX_KEY + 1])
}

/// Everything that a store holds within bounds.
pub fn scan(backend: &dyn Backend, from: &[u8], to: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    backend.scan(from, to, visit).unwrap();
    found
}

/// Writes one entry.
pub fn put(backend: &dyn Backend, key: &[u8], value: &[u8]) {
    let mut commit = Commit::new();
    commit.put(key, &[value]);
    backend.commit(&commit).unwrap();
}

/// Removes one entry.
pub fn delete(backend: &dyn Backend, key: &[u8]) {
    let mut commit = Commit::new();
    commit.delete(key);
    backend.commit(&commit).unwrap();
}

/// Writes all entries in one commit.
pub fn put_all(backend: &dyn Backend, entries: &Entries) {
    let mut commit = Commit::new();
    for (key, value) in entries {
        commit.put(key, &[value]);
    }
    backend.commit(&commit).unwrap();
}

/// A source of numbers that are the same in every run.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Makes a source from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        // xorshift64: even enough for choosing test cases.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    /// That many bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }
}

/// One function per promise.
pub mod promises {
    use super::*;

    pub fn a_new_store_is_empty(kind: Kind) {
        let mut subject = Subject::new(kind);
        for _ in 0..2 {
            assert_eq!(all(subject.backend()), []);
            assert_eq!(subject.backend().get(b"a").unwrap(), None);
            subject.reopen();
        }
    }

    pub fn what_was_put_is_read(kind: Kind) {
        let subject = Subject::new(kind);
        let store = subject.backend();
        let mut commit = Commit::new();
        commit.put(b"a", &[b"one"]);
        commit.put(b"b", &[b"in ", b"", b"parts"]);
        commit.put(b"\x00\xff", &[b"\x00"]);
        store.commit(&commit).unwrap();
        assert_eq!(store.get(b"a").unwrap().unwrap(), b"one");
        assert_eq!(store.get(b"b").unwrap().unwrap(), b"in parts");
        assert_eq!(store.get(b"\x00\xff").unwrap().unwrap(), b"\x00");
        put(store, b"a", b"two");
        assert_eq!(store.get(b"a").unwrap().unwrap(), b"two");
        assert_eq!(store.get(b"").unwrap(), None);
        assert_eq!(store.get(b"aa").unwrap(), None);
    }

    pub fn what_was_deleted_is_gone(kind: Kind) {
        let subject = Subject::with(kind, &entries(["a", "b", "c"]));
        let store = subject.backend();
        let mut commit = Commit::new();
        commit.delete(b"b");
        commit.delete(b"never there");
        store.commit(&commit).unwrap();
        assert_eq!(store.get(b"b").unwrap(), None);
        assert_eq!(keys(store, b"", b"z"), ["a", "c"]);
        put(store, b"b", b"again");
        assert_eq!(store.get(b"b").unwrap().unwrap(), b"again");
        assert_eq!(keys(store, b"", b"z"), ["a", "b", "c"]);
    }

    pub fn a_scan_is_ordered_and_within_its_bounds(kind: Kind) {
        let base = entries(["b", "a", "ab", "a\0", "d"]);
        let subject = Subject::with(kind, &base);
        let store = subject.backend();
        put_all(store, &entries(["c", "aa", "\u{7f}", "bb"]));
        let cases: [(&str, &str, &[&str]); 8] = [
            ("", "~", &["a", "a\0", "aa", "ab", "b", "bb", "c", "d"]),
            ("a\0", "ab", &["a\0", "aa"]),
            ("ab", "b", &["ab"]),
            ("ac", "b", &[]),
            ("b", "b", &[]),
            ("c", "b", &[]),
            ("d", "\u{7f}\u{7f}", &["d", "\u{7f}"]),
            ("e", "f", &[]),
        ];
        for (from, to, found) in cases {
            assert_eq!(
                keys(store, from.as_bytes(), to.as_bytes()),
                found,
                "{from:?} to {to:?}"
            );
        }
    }

    pub fn a_scan_ends_when_its_visitor_breaks(kind: Kind) {
        let subject = Subject::with(kind, &entries(["a", "c", "e"]));
        let store = subject.backend();
        put_all(store, &entries(["b", "d"]));
        for length in 1..=5 {
            let mut seen = Vec::new();
            let visit = &mut |key: &[u8], _: &[u8]| {
                seen.push(key.to_vec());
                match seen.len() < length {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            };
            store.scan(b"a", b"z", visit).unwrap();
            assert_eq!(seen.concat(), b"abcde"[..length]);
        }
    }

    pub fn bounds_of_any_length_are_taken(kind: Kind) {
        let longest = "b".repeat(MAX_KEY);
        let subject = Subject::with(kind, &entries(["a", longest.as_str(), "c"]));
        let store = subject.backend();
        assert_eq!(
            keys(store, longest.as_bytes(), b"z"),
            [longest.as_str(), "c"]
        );
        assert_eq!(keys(store, "b".repeat(MAX_KEY + 1).as_bytes(), b"z"), ["c"]);
        assert_eq!(keys(store, "b".repeat(9000).as_bytes(), b"z"), ["c"]);
        assert_eq!(
            keys(store, b"a", "b".repeat(9000).as_bytes()),
            ["a", longest.as_str()]
        );
        assert_eq!(store.get("b".repeat(9000).as_bytes()).unwrap(), None);
    }

    pub fn values_of_any_size_are_kept(kind: Kind) {
        let mut subject = Subject::new(kind);
        let mut dice = Dice::new(1);
        let sizes = [
            0,
            1,
            2,
            1023,
            1024,
            4095,
            4096,
            65_536,
            1 << 20,
            (2 << 20) - 60,
            8 << 20,
        ];
        let values: Entries = sizes
            .iter()
            .map(|size| (size.to_string().into_bytes(), dice.bytes(*size)))
            .collect();
        for (key, value) in &values {
            put(subject.backend(), key, value);
        }
        for _ in 0..2 {
            for (key, value) in &values {
                assert!(subject.backend().get(key).unwrap().as_ref() == Some(value));
            }
            assert!(all(subject.backend()).into_iter().eq(values.clone()));
            subject.reopen();
        }
        put(subject.backend(), b"8388608", b"small now");
        assert_eq!(
            subject.backend().get(b"8388608").unwrap().unwrap(),
            b"small now"
        );
    }

    pub fn keys_of_1_to_1024_bytes_are_kept(kind: Kind) {
        let mut subject = Subject::new(kind);
        let mut dice = Dice::new(2);
        let mut entries = Entries::new();
        for length in 1..=MAX_KEY {
            entries.insert(dice.bytes(length), length.to_be_bytes().to_vec());
            entries.insert(vec![7; length], length.to_be_bytes().to_vec());
        }
        put_all(subject.backend(), &entries);
        for _ in 0..2 {
            assert!(all(subject.backend()).into_iter().eq(entries.clone()));
            for (key, value) in &entries {
                assert_eq!(subject.backend().get(key).unwrap().as_ref(), Some(value));
            }
            subject.reopen();
        }
        let mut commit = Commit::new();
        for key in entries.keys() {
            commit.expect(key, Some(&entries[key]));
            commit.delete(key);
        }
        subject.backend().commit(&commit).unwrap();
        assert_eq!(all(subject.backend()), []);
    }

    pub fn other_keys_are_refused(kind: Kind) {
        let subject = Subject::new(kind);
        for length in [0, MAX_KEY + 1, 100_000] {
            for value in [Some(b"x"), None] {
                let mut commit = Commit::new();
                commit.put(b"a", &[b"x"]);
                match value {
                    Some(value) => commit.put(&vec![b'k'; length], &[value]),
                    None => commit.delete(&vec![b'k'; length]),
                }
                let error = subject.backend().commit(&commit).unwrap_err();
                assert!(matches!(error, StoreError::BadKey { length: l } if l == length));
            }
        }
        assert_eq!(all(subject.backend()), []);
        let mut commit = Commit::new();
        commit.expect(&[b'k'; MAX_KEY + 1], None);
        commit.expect(b"", None);
        commit.put(b"a", &[b"x"]);
        subject.backend().commit(&commit).unwrap();
    }

    pub fn the_last_write_of_a_key_wins(kind: Kind) {
        let subject = Subject::with(kind, &entries(["c", "d"]));
        let store = subject.backend();
        let mut commit = Commit::new();
        commit.put(b"a", &[b"1"]);
        commit.put(b"b", &[b"1"]);
        commit.delete(b"c");
        commit.put(b"a", &[b"2"]);
        commit.delete(b"b");
        commit.put(b"c", &[b"2"]);
        commit.put(b"d", &[b"2"]);
        commit.delete(b"d");
        store.commit(&commit).unwrap();
        let found = [
            (b"a".to_vec(), b"2".to_vec()),
            (b"c".to_vec(), b"2".to_vec()),
        ];
        assert_eq!(all(store), found);
    }

    pub fn expectations_that_hold_let_a_commit_through(kind: Kind) {
        let subject = Subject::with(kind, &entries(["base"]));
        let store = subject.backend();
        put(store, b"empty", b"");
        let mut commit = Commit::new();
        commit.expect(b"base", Some(b"base"));
        commit.expect(b"empty", Some(b""));
        commit.expect(b"absent", None);
        commit.put(b"done", &[b"yes"]);
        store.commit(&commit).unwrap();
        assert_eq!(store.get(b"done").unwrap().unwrap(), b"yes");
        let mut commit = Commit::new();
        commit.delete(b"base");
        store.commit(&commit).unwrap();
        let mut commit = Commit::new();
        commit.expect(b"base", None);
        commit.put(b"base", &[b"new"]);
        store.commit(&commit).unwrap();
        assert_eq!(store.get(b"base").unwrap().unwrap(), b"new");
    }

    pub fn a_failed_expectation_leaves_nothing_written(kind: Kind) {
        let subject = Subject::with(kind, &entries(["a"]));
        let store = subject.backend();
        put(store, b"empty", b"");
        let before = all(store);
        let cases: [(&[u8], Option<&[u8]>); 6] = [
            (b"a", Some(b"b")),
            (b"a", Some(b"")),
            (b"a", None),
            (b"empty", None),
            (b"absent", Some(b"")),
            (b"absent", Some(b"a")),
        ];
        for (key, value) in cases {
            let mut commit = Commit::new();
            commit.put(b"new", &[b"x"]);
            commit.delete(b"a");
            commit.expect(b"empty", Some(b""));
            commit.expect(key, value);
            let error = store.commit(&commit).unwrap_err();
            assert!(matches!(error, StoreError::Conflict { key: k } if k == key));
            assert_eq!(all(store), before);
        }
    }

    pub fn expectations_see_what_was_before_the_commit(kind: Kind) {
        let subject = Subject::with(kind, &entries(["a"]));
        let store = subject.backend();
        let mut commit = Commit::new();
        commit.put(b"a", &[b"2"]);
        commit.put(b"b", &[b"2"]);
        commit.expect(b"a", Some(b"a"));
        commit.expect(b"b", None);
        store.commit(&commit).unwrap();
        let again = store.commit(&commit).unwrap_err();
        assert!(matches!(again, StoreError::Conflict { .. }));
    }

    pub fn a_commit_that_writes_nothing_is_still_checked(kind: Kind) {
        let subject = Subject::with(kind, &entries(["a"]));
        let store = subject.backend();
        store.commit(&Commit::new()).unwrap();
        let mut commit = Commit::new();
        commit.expect(b"a", Some(b"a"));
        store.commit(&commit).unwrap();
        commit.expect(b"b", Some(b"b"));
        let error = store.commit(&commit).unwrap_err();
        assert!(matches!(error, StoreError::Conflict { key } if key == b"b"));
    }

    /// A read of several keys need not be of one moment, so this is all of a commit's atomicity that a
    /// reader can observe beside it: what was written together appears together.
    pub fn a_read_after_another_never_shows_an_older_commit(kind: Kind) {
        const COMMITS: u32 = 150;
        let subject = Subject::new(kind);
        let store = subject.backend();
        // Far enough apart that the keys do not share a page.
        let filler: Entries = (0..200)
            .map(|n| (format!("k{n:03}").into_bytes(), vec![0; 500]))
            .collect();
        put_all(store, &filler);
        let number = |key: &[u8]| -> u32 {
            let value = store.get(key).unwrap().unwrap_or_default();
            assert!(
                value.windows(4).step_by(4).all(|part| part == &value[..4]),
                "torn"
            );
            value
                .get(..4)
                .map_or(0, |part| u32::from_be_bytes(part.try_into().unwrap()))
        };
        thread::scope(|scope| {
            for (first, second) in [(b"a", b"z"), (b"z", b"a")] {
                scope.spawn(move || {
                    let mut last = 0;
                    while last < COMMITS {
                        let one = number(first);
                        let other = number(second);
                        assert!(last <= one && one <= other, "{last}, {one}, {other}");
                        last = other;
                    }
                });
            }
            for n in 1..=COMMITS {
                let value = n.to_be_bytes().repeat(300);
                let mut commit = Commit::new();
                commit.put(b"a", &[&value]);
                commit.put(b"z", &[&value]);
                store.commit(&commit).unwrap();
            }
        });
    }

    pub fn large_values_are_read_whole_while_they_are_replaced(kind: Kind) {
        let subject = Subject::new(kind);
        let store = subject.backend();
        let value = |n: u8| vec![n; 100_000 + usize::from(n) * 5000];
        put(store, b"a", &value(0));
        let done = AtomicBool::new(false);
        let check = |found: &[u8]| assert!(found == value(found[0]), "torn");
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    check(&store.get(b"a").unwrap().unwrap());
                }
            });
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    for (_, found) in all(store) {
                        check(&found);
                    }
                }
            });
            for n in 1..60 {
                put(store, b"a", &value(n));
                match n % 3 {
                    0 => put(store, b"b", &value(n)),
                    1 => delete(store, b"b"),
                    _ => {}
                }
            }
            done.store(true, Ordering::Release);
        });
        assert_eq!(all(store).len(), 1);
    }

    pub fn one_of_many_conditional_committers_wins_each_round(kind: Kind) {
        const COMMITTERS: usize = 4;
        const ROUNDS: usize = 25;
        let subject = Subject::with(kind, &entries(["round"]));
        let store = subject.backend();
        put(store, b"round", b"0");
        let start = Barrier::new(COMMITTERS);
        let win = |committer: usize, round: usize| {
            let mut commit = Commit::new();
            commit.expect(b"round", Some(round.to_string().as_bytes()));
            commit.put(b"round", &[(round + 1).to_string().as_bytes()]);
            commit.put(format!("won {round} {committer}").as_bytes(), &[b""]);
            start.wait();
            match store.commit(&commit) {
                Ok(()) => true,
                Err(StoreError::Conflict { key }) if key == b"round" => false,
                Err(error) => panic!("{error}"),
            }
        };
        let wins: usize = thread::scope(|scope| {
            let committers: Vec<_> = (0..COMMITTERS)
                .map(|committer| {
                    scope.spawn(move || (0..ROUNDS).filter(|round| win(committer, *round)).count())
                })
                .collect();
            committers
                .into_iter()
                .map(|committer| committer.join().unwrap())
                .sum()
        });
        assert_eq!(wins, ROUNDS);
        assert_eq!(
            store.get(b"round").unwrap().unwrap(),
            ROUNDS.to_string().as_bytes()
        );
        for round in 0..ROUNDS {
            let from = format!("won {round} ");
            let winners = scan(store, from.as_bytes(), format!("{from}~").as_bytes());
            assert_eq!(winners.len(), 1, "round {round}");
        }
    }

    pub fn scans_and_commits_go_on_side_by_side(kind: Kind) {
        let always = entries((0..300).map(|n| format!("{n:03}")));
        let subject = Subject::with(kind, &always);
        let store = subject.backend();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let scanners: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut scans = 0;
                        while scans < 5 || !done.load(Ordering::Acquire) {
                            let found = scan(store, b"", b"~");
                            assert!(found.is_sorted_by(|one, two| one.0 < two.0));
                            let kept = found.iter().filter(|(key, _)| key.len() == 3);
                            assert_eq!(kept.count(), always.len());
                            scans += 1;
                        }
                    })
                })
                .collect();
            let mut dice = Dice::new(3);
            for _ in 0..150 {
                let mut commit = Commit::new();
                for _ in 0..20 {
                    let key = format!("{:03} {}", dice.below(300), dice.below(3));
                    match dice.below(2) {
                        0 => commit.put(key.as_bytes(), &[&[1; 900]]),
                        _ => commit.delete(key.as_bytes()),
                    }
                }
                store.commit(&commit).unwrap();
            }
            done.store(true, Ordering::Release);
            for scanner in scanners {
                scanner.join().unwrap();
            }
        });
    }

    pub fn a_reopened_store_has_all_that_was_committed(kind: Kind) {
        let mut subject = Subject::new(kind);
        let mut model = Entries::new();
        let mut dice = Dice::new(4);
        for round in 0..6 {
            for n in 0..10 {
                let key = format!("{round} {n}").into_bytes();
                let value = dice.bytes(n * 500);
                put(subject.backend(), &key, &value);
                model.insert(key, value);
            }
            subject.reopen();
            assert!(all(subject.backend()).into_iter().eq(model.clone()));
        }
    }

    pub fn the_size_on_disk_is_that_of_the_files(kind: Kind) {
        let subject = Subject::new(kind);
        let values = Dice::new(5).bytes(3 << 20);
        put(subject.backend(), b"large", &values);
        let size = subject.backend().size_on_disk().unwrap();
        match kind {
            Kind::Memory | Kind::OverlayOnMemory => assert_eq!(size, None),
            Kind::Sled
            | Kind::Lmdb
            | Kind::Postgres
            | Kind::PostgresJsonb
            | Kind::OverlayOnLmdb => {
                let size = size.unwrap();
                assert!((3 << 20..32 << 20).contains(&size), "{size}");
            }
        }
    }

    pub fn it_behaves_like_a_map(kind: Kind) {
        for seed in 10..14 {
            let mut dice = Dice::new(seed);
            let mut model: Entries = (0..40)
                .map(|_| (random_key(&mut dice), random_value(&mut dice)))
                .collect();
            let mut subject = Subject::with(kind, &model);
            for step in 0..120 {
                random_commit(subject.backend(), &mut model, &mut dice);
                let (from, to) = (random_key(&mut dice), random_key(&mut dice));
                let expected = model.range(from.clone()..to.clone().max(from.clone()));
                let expected = expected.map(|(key, value)| (key.clone(), value.clone()));
                assert!(scan(subject.backend(), &from, &to).into_iter().eq(expected));
                assert_eq!(
                    subject.backend().get(&from).unwrap().as_ref(),
                    model.get(&from)
                );
                let some = [&*to, b"never there", &*from, &*to];
                let found = some.map(|key| model.get(key).cloned());
                assert_eq!(subject.backend().get_all(&some).unwrap(), found);
                if step % 40 == 39 {
                    subject.reopen();
                    assert!(
                        all(subject.backend()).into_iter().eq(model.clone()),
                        "seed {seed}"
                    );
                }
            }
        }
    }

    fn random_commit(store: &dyn Backend, model: &mut Entries, dice: &mut Dice) {
        let mut commit = Commit::new();
        let mut changed = model.clone();
        for _ in 0..dice.below(12) {
            let key = random_key(dice);
            if dice.below(3) == 0 {
                commit.delete(&key);
                changed.remove(&key);
            } else {
                let value = random_value(dice);
                commit.put(&key, &[&value]);
                changed.insert(key, value);
            }
        }
        let key = random_key(dice);
        let holds = dice.below(4) > 0;
        match (holds, model.get(&key)) {
            (true, value) => commit.expect(&key, value.map(Vec::as_slice)),
            (false, Some(_)) => commit.expect(&key, None),
            (false, None) => commit.expect(&key, Some(b"")),
        }
        match store.commit(&commit) {
            Ok(()) => assert!(holds),
            Err(StoreError::Conflict { key: k }) => assert!(!holds && k == key),
            Err(error) => panic!("{error}"),
        }
        if holds {
            *model = changed;
        }
    }

    // Few enough keys that they meet again, of lengths that share prefixes.
    fn random_key(dice: &mut Dice) -> Vec<u8> {
        let length = 1 + dice.below(3);
        let mut key: Vec<u8> = (0..length).map(|_| dice.below(5) as u8).collect();
        if dice.below(8) == 0 {
            key.resize(1 + dice.below(MAX_KEY), 4);
        }
        key
    }

    fn random_value(dice: &mut Dice) -> Vec<u8> {
        let length = match dice.below(20) {
            0 => 0,
            1 => dice.below(200_000),
            2..6 => dice.below(10_000),
            _ => dice.below(100),
        };
        dice.bytes(length)
    }

    fn entries<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Entries {
        let keys = keys.into_iter().map(|key| key.into().into_bytes());
        keys.map(|key| (key.clone(), key)).collect()
    }

    fn keys(store: &dyn Backend, from: &[u8], to: &[u8]) -> Vec<String> {
        let found = scan(store, from, to).into_iter();
        found
            .map(|(key, _)| String::from_utf8(key).unwrap())
            .collect()
    }
}

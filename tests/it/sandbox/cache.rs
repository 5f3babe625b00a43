//! Compiled components are kept, and nothing is loaded but what was written by us.

use std::fs;
use std::path::{Path, PathBuf};

use godwit::sandbox::{Cache, CacheError, Component, Engine, Limits};
use godwit_tests::world::guest;
use tempfile::TempDir;

struct Kept {
    folder: TempDir,
    bytes: Vec<u8>,
}

impl Kept {
    fn new() -> Self {
        Self {
            folder: TempDir::new().expect("there is room"),
            bytes: fs::read(guest("append-2-0-0")).expect("guests can be read"),
        }
    }

    fn cache(&self) -> Cache {
        Cache::open(&self.folder.path().join("cache")).expect("it can be used")
    }

    fn engine(&self, limits: Limits) -> Engine {
        Engine::new(limits).with_cache(self.cache())
    }

    fn load(&self, limits: Limits) {
        let component = Component::load(&self.engine(limits), &self.bytes).expect("it is valid");
        component.describe().expect("it says what it is");
    }

    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache().folder()).expect("it can be read");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        let mut found: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|found| found == ending))
            .collect();
        found.sort();
        found
    }

    /// The one entry's code.
    fn code(&self) -> PathBuf {
        let mut files = self.files("cwasm");
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }
}

/// Says of a file when it was used last.
fn set_used(file: &Path, when: std::time::SystemTime) {
    let file = fs::File::options().write(true).open(file);
    file.and_then(|file| file.set_modified(when))
        .expect("it is ours");
}

/// Which file a name leads to now.
fn inode(file: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(file).expect("it is there").ino()
}

#[test]
fn what_was_compiled_once_is_loaded_by_the_next_process() {
    let kept = Kept::new();
    kept.load(Limits::default());
    let first = inode(&kept.code());
    kept.load(Limits::default());
    assert_eq!(inode(&kept.code()), first, "it was not written again");
    assert_eq!(kept.cache().size().unwrap().entries, 1);
}

#[test]
fn other_settings_and_other_components_are_other_entries() {
    let mut kept = Kept::new();
    kept.load(Limits::default());
    let metered = Limits {
        fuel: Some(u64::MAX),
        ..Limits::default()
    };
    kept.load(metered.clone());
    assert_eq!(kept.files("cwasm").len(), 2);
    // Limits that are not compiled in make no difference.
    kept.load(Limits {
        memory_bytes: 64 << 20,
        ..metered
    });
    assert_eq!(kept.files("cwasm").len(), 2);
    kept.bytes = fs::read(guest("append-3-0-0")).expect("guests can be read");
    kept.load(Limits::default());
    assert_eq!(kept.files("cwasm").len(), 3);
}

#[test]
fn a_file_that_was_changed_is_not_loaded() {
    let kept = Kept::new();
    kept.load(Limits::default());
    let code = kept.code();
    let good = fs::read(&code).expect("it can be read");
    let middle = good.len() / 2;
    let mut flipped = good.clone();
    flipped[middle] ^= 1;
    for bad in [flipped, good[..middle].to_vec(), Vec::new(), vec![0; 4096]] {
        fs::write(&code, bad).expect("it can be written");
        kept.load(Limits::default());
        assert_eq!(
            fs::read(&code).expect("it can be read"),
            good,
            "it was compiled anew"
        );
    }
    // Without its note, or with another one's, it is nothing either.
    let note = kept.files("json").remove(0);
    for bad in [&b""[..], b"{}", b"not json"] {
        fs::write(&note, bad).expect("it can be written");
        kept.load(Limits::default());
        assert!(fs::metadata(&note).expect("it is there").len() > 10);
    }
}

#[test]
fn code_that_another_version_wrote_under_our_name_is_compiled_anew() {
    let kept = Kept::new();
    kept.load(Limits::default());
    let (code, note) = (kept.code(), kept.files("json").remove(0));
    let good = fs::read(&code).expect("it can be read");
    let text = fs::read_to_string(&note).expect("it can be read");
    // A digest that fits, over what is no code.
    let other = b"\x7fELF and nothing else".to_vec();
    let digest = |bytes: &[u8]| godwit::model::Digest::of(bytes).to_string();
    fs::write(&note, text.replace(&digest(&good), &digest(&other))).expect("it can be written");
    fs::write(&code, other).expect("it can be written");
    kept.load(Limits::default());
    assert_eq!(fs::read(&code).expect("it can be read"), good);
}

#[test]
fn files_are_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let kept = Kept::new();
    kept.load(Limits::default());
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(kept.cache().folder()), 0o700);
    for file in kept.files("cwasm").iter().chain(&kept.files("json")) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    for open in [0o777, 0o770, 0o702] {
        let cache = kept.cache();
        fs::set_permissions(cache.folder(), fs::Permissions::from_mode(open)).expect("it is ours");
        let error = Cache::open(cache.folder()).unwrap_err();
        assert!(
            matches!(error, CacheError::Open { .. }),
            "{open:o}: {error}"
        );
        fs::set_permissions(cache.folder(), fs::Permissions::from_mode(0o700)).expect("it is ours");
    }
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let mut kept = Kept::new();
    for name in ["append-3-0-0", "tattle-2-0-0", "append-2-0-0"] {
        kept.bytes = fs::read(guest(name)).expect("guests can be read");
        kept.load(Limits::default());
    }
    let size = kept.cache().size().unwrap();
    assert_eq!(size.entries, 3);
    let old = std::time::SystemTime::UNIX_EPOCH;
    let files = kept.files("cwasm");
    let used = inode(&files[1]);
    files.iter().for_each(|file| set_used(file, old));
    // Being loaded is being used.
    let names = ["append-3-0-0", "tattle-2-0-0", "append-2-0-0"];
    let reloaded = names.iter().find(|name| {
        kept.bytes = fs::read(guest(name)).expect("guests can be read");
        kept.load(Limits::default());
        let touched = fs::metadata(&files[1])
            .expect("it is there")
            .modified()
            .unwrap()
            > old;
        if !touched {
            files.iter().for_each(|file| set_used(file, old));
        }
        touched
    });
    assert!(reloaded.is_some());
    let small = kept.cache().with_most_bytes(size.bytes);
    kept.bytes = fs::read(guest("records-2-0-0")).expect("guests can be read");
    let engine = Engine::new(Limits::default()).with_cache(small);
    Component::load(&engine, &kept.bytes).expect("it is valid");
    let left = kept.files("cwasm");
    assert!(
        left.len() < 4 && left.iter().any(|file| inode(file) == used),
        "{left:?}"
    );
    assert!(kept.cache().size().unwrap().bytes <= size.bytes);
}

#[test]
fn clearing_removes_everything_that_is_ours() {
    let kept = Kept::new();
    kept.load(Limits::default());
    let cache = kept.cache();
    let foreign = cache.folder().join("readme.txt");
    fs::write(&foreign, "somebody's").expect("it can be written");
    fs::write(cache.folder().join(".new-abc"), "half").expect("it can be written");
    let removed = cache.clear().expect("it can be cleared");
    assert_eq!(removed.entries, 1);
    assert_eq!(cache.size().unwrap().bytes, 0);
    assert!(foreign.exists(), "what is not ours is left alone");
    kept.load(Limits::default());
    assert_eq!(cache.size().unwrap().entries, 1);
}

#[test]
fn many_may_use_it_at_once() {
    let kept = Kept::new();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| kept.load(Limits::default()));
        }
    });
    assert_eq!(kept.cache().size().unwrap().entries, 1);
}

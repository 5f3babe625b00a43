//! What the benchmarks share: stores in temporary folders, and made-up items.

use std::path::Path;
use std::sync::Arc;

use godwit::model::Batch;
use godwit::store::{Backend, Commit, OpenMode, StoreUrl};
use godwit_tests::world::features;

/// The stores that are measured, by the scheme of their URL.
pub const STORES: [&str; 2] = ["lmdb", "sled"];

/// A new store of a kind in an empty folder.
///
/// # Panics
/// When the store cannot be made.
pub fn store(kind: &str, folder: &Path) -> Arc<dyn Backend> {
    let url: StoreUrl = format!("{kind}:{}", folder.display())
        .parse()
        .expect("it is a URL");
    url.open(OpenMode::Create).expect("the store can be made")
}

/// As many real documents as a run feeds at once.
pub fn batch() -> Batch {
    let mut batch = Batch::default();
    for (id, body) in features() {
        if batch.bodies.len() + body.len() > 256 << 10 {
            break;
        }
        batch.push(&id, body.as_bytes());
    }
    batch
}

/// The id and the body, of about 1 KB, of the item number `n`.
pub fn item(n: usize) -> (String, String) {
    let id = format!("{n:08}");
    let text = "a document of about one kilobyte ".repeat(28);
    let body = format!(r#"{{"_id":"{id}","n":{n},"title":"item {n}","text":"{text}"}}"#);
    (id, body)
}

/// A commit that writes `count` items from number `first` on.
pub fn commit_of(first: usize, count: usize) -> Commit<'static> {
    let mut commit = Commit::new();
    for n in first..first + count {
        let (id, body) = item(n);
        commit.put(id.as_bytes(), &[body.as_bytes()]);
    }
    commit
}

//! The same migration of real documents, in every language.

use std::sync::LazyLock;

use godwit::kit::{Feeding, Subject, World};
use godwit_tests::world::{features, name, version};

use super::{ENGINE, plugin};

static FEATURES: LazyLock<World> = LazyLock::new(|| {
    let mut world = World::new();
    for (id, body) in features() {
        world
            .insert(&name("features"), &id, body.into_bytes())
            .unwrap();
    }
    world
});

fn migrated(language: &str) -> World {
    let subject = Subject::load(&ENGINE, [plugin(language, "bcd-2-0-0")]).unwrap();
    let feeding = Feeding {
        threads: 2,
        ..Feeding::default()
    };
    let trial = subject
        .run(&name("bcd"), &version("1.0.0"), None, &FEATURES, feeding)
        .unwrap();
    assert_eq!(trial.failed, []);
    trial.left
}

/// Checks that a language leaves what Rust leaves, byte by byte.
pub fn check(language: &str) {
    let (expected, found) = (migrated("rust"), migrated(language));
    assert_eq!(expected.len(), 20_968);
    for (collection, id, body) in expected.items() {
        let found = found.body(collection, id).map(String::from_utf8_lossy);
        assert_eq!(found, Some(String::from_utf8_lossy(body)), "{id}");
    }
    assert_eq!(expected, found);
}

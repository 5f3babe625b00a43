//! Files as the loader meets them: anything.

use std::error::Error;
use std::sync::LazyLock;
use std::time::Duration;

use godwit::sandbox::{Component, Engine, Limits, LoadError};

use super::is_printable;

/// The longest error that is no nuisance, in bytes: several times the longest that a person reads.
const MOST_TEXT: usize = 32 << 10;

/// An engine whose components may spend next to nothing. It is metered, so that a file has the same
/// end on every machine.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    Engine::new(Limits {
        memory_bytes: 2 << 20,
        memories: 2,
        table_elements: 1_000,
        tables: 4,
        instances: 10,
        handles: 10,
        component_bytes: 64 << 10,
        describe: Duration::from_millis(100),
        fuel: Some(100_000),
        hostcall_bytes: 1 << 20,
        ..Limits::default()
    })
});

/// How far a file comes: the kind of its error, or that it is a migration and says so.
pub type End = &'static str;

/// Loads bytes as a component and asks it what it is.
///
/// # Panics
/// When an error is not fit to be shown.
pub fn load(bytes: &[u8]) {
    end_of(bytes);
}

/// The same; says how far the bytes came.
///
/// # Panics
/// When an error is not fit to be shown.
pub fn end_of(bytes: &[u8]) -> End {
    let described = Component::load(&ENGINE, bytes).and_then(|component| component.describe());
    match described {
        Ok(descriptor) => {
            assert!(is_printable(&descriptor.summary), "{descriptor:?}");
            "described"
        }
        Err(error) => {
            check(&error);
            error.kind()
        }
    }
}

fn check(error: &LoadError) {
    assert!(!error.kind().is_empty(), "{error:?}");
    let first: &dyn Error = error;
    let causes = std::iter::successors(Some(first), |error: &&dyn Error| (*error).source());
    for text in causes.map(ToString::to_string) {
        assert!(is_printable(&text), "{}: {text:?}", error.kind());
        assert!(text.len() <= MOST_TEXT, "{}: {text}", error.kind());
    }
}

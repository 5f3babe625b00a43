//! Guests that misbehave in every way known: the host lives, other items are migrated, the one
//! concerned is kept as it was, texts can be shown, and a good migration works beside them.
//!
//! There is a test for every guest, which [`for_each_guest!`] makes: one without a test does not
//! compile. `cargo run -p godwit-tests --bin hostile` tries each in a process of its own.

#[path = "hostile/bytes.rs"]
mod bytes;
#[path = "hostile/list.rs"]
mod list;

use godwit_hostile::{Guest, for_each_guest};
use godwit_tests::hostile::{ENGINE, check, engine_for, good_works, trial};

/// Tries a guest, and a good one after it.
fn try_guest(name: &str) {
    let guest = Guest::named(name).expect("it is listed");
    let engine = engine_for(guest, &ENGINE);
    let seen = trial(&engine, &guest.file());
    let checked = seen.and_then(|seen| check(guest, &seen));
    checked
        .and_then(|()| good_works(&engine))
        .unwrap_or_else(|error| panic!("{name}: {error}"));
}

macro_rules! tests {
    ($($source:ident $name:ident: $expected:expr;)*) => {
        $(#[test]
        fn $name() {
            try_guest(stringify!($name));
        })*
    };
}

for_each_guest!(tests);

//! Migrations that misbehave: every way known in which a component could harm its host, an item
//! beside the one that it is about, or an operator's terminal.
//!
//! Most guests are WebAssembly text, one file each in `guests/`; [`text`] makes migrations of them.
//! What text cannot say well is made by [`built`]. [`for_each_guest!`] lists them with what a host
//! is expected to make of them.
//!
//! A guest behaves well as long as it is not fed an item with a `!` in its body, unless its misdeed
//! is about being loaded, started or described: so the host has to find the item.
//!
//! The contract has no resources, so that no handle of the host's can be hoarded. A component may
//! have resources of its own, whose handles the engine counts: `hoards_handles`.

pub mod built;
mod list;
pub mod text;

/// What a host makes of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is not taken as a migration: the kind of reason.
    Rejected(&'static str),
    /// It is taken, but nothing can be planned with it.
    Refused,
    /// The marked item goes into quarantine, and no other: the kind of fault.
    Quarantined(&'static str),
    /// All items are migrated.
    Harmless,
    /// No item fails, but what becomes of them depends on the size of batches: whoever feeds the
    /// same items in two sizes finds it.
    Unsteady,
}

/// A migration that misbehaves.
#[derive(Debug, Clone, Copy)]
pub struct Guest {
    /// What it is called: what it does.
    pub name: &'static str,
    /// What a host is expected to make of it.
    pub expected: Expected,
    /// The text in `guests/`, or how the file is made.
    pub source: Source,
}

/// Where a guest's file comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// A text, as [`text::Text`] takes it.
    Written(&'static str),
    /// A function of [`built`].
    Built(fn() -> Vec<u8>),
}

impl Guest {
    /// The file that a host is given.
    pub fn file(&self) -> Vec<u8> {
        match self.source {
            Source::Written(text) => text::Text::new(text).module(),
            Source::Built(build) => build(),
        }
    }

    /// The guest with a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        GUESTS.iter().find(|guest| guest.name == name)
    }
}

/// A migration that does nothing wrong: the prelude alone.
pub fn good() -> Vec<u8> {
    text::Text::new("").module()
}

macro_rules! guests {
    ($($source:ident $name:ident: $expected:expr;)*) => {
        /// All guests.
        pub const GUESTS: &[Guest] = &[$(Guest {
            name: stringify!($name),
            expected: $expected,
            source: source!($source $name),
        }),*];
    };
}

macro_rules! source {
    (written $name:ident) => {
        Source::Written(include_str!(concat!(
            "../guests/",
            stringify!($name),
            ".wat"
        )))
    };
    (built $name:ident) => {
        Source::Built(built::$name)
    };
}

use Expected::{Harmless, Quarantined, Refused, Rejected, Unsteady};

for_each_guest!(guests);

//! The ways in which an item fails a migration.

use std::fmt;

/// In which way an item failed a migration.
///
/// ```
/// use godwit::model::FailureKind;
///
/// let kind = FailureKind::named("timed out");
/// assert_eq!(kind, Some(FailureKind::TimedOut));
/// assert_eq!(FailureKind::OutOfFuel.name(), "out of fuel");
/// assert!(FailureKind::OutOfFuel.advice().contains("`fuel`"));
/// assert_eq!(FailureKind::named("fine"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// The migration itself said that it cannot migrate the item.
    Refused,
    /// The code trapped: a panic, a division by zero, an access out of bounds.
    Trapped,
    /// It took longer than it may.
    TimedOut,
    /// It used up its fuel.
    OutOfFuel,
    /// It asked for more memory than it may have.
    OutOfMemory,
    /// Its answer does not match what it was fed.
    BadReply,
    /// The new body is no JSON that may be stored.
    InvalidBody,
    /// A derive step changed what it was fed.
    DeriveChanged,
    /// It failed after it was denied documents that it asked for.
    DeniedAccess,
    /// A body, an answer or a call was too large.
    TooMuchOutput,
    /// The body is not UTF-8, and the migration takes text.
    NotText,
    /// It called an import that no migration is given.
    NotOffered,
    /// The host stopped the call for reasons of its own.
    Halted,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Refused,
        Self::Trapped,
        Self::TimedOut,
        Self::OutOfFuel,
        Self::OutOfMemory,
        Self::BadReply,
        Self::InvalidBody,
        Self::DeriveChanged,
        Self::DeniedAccess,
        Self::TooMuchOutput,
        Self::NotText,
        Self::NotOffered,
        Self::Halted,
    ];

    /// The name that the quarantine and JSON use, as in `timed out`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Trapped => "trapped",
            Self::TimedOut => "timed out",
            Self::OutOfFuel => "out of fuel",
            Self::OutOfMemory => "out of memory",
            Self::BadReply => "bad reply",
            Self::InvalidBody => "invalid body",
            Self::DeriveChanged => "derive step changed an item",
            Self::DeniedAccess => "denied access",
            Self::TooMuchOutput => "too much output",
            Self::NotText => "not text",
            Self::NotOffered => "import not offered",
            Self::Halted => "halted",
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What the migration's author, or the operator, can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Refused => {
                "the migration says so of this item: mend the item, or let the migration take it"
            }
            Self::Trapped => {
                "mend the code: the reason leads from where it stopped to where it was called, and a \
                 panic's message is in the log"
            }
            Self::TimedOut => {
                "look for a loop that does not end, or allow more: `batch-time` under [limits]"
            }
            Self::OutOfFuel => {
                "look for a loop that does not end, or allow more: `fuel` under [limits]"
            }
            Self::OutOfMemory => "let it hold less at once, or allow more: `memory` under [limits]",
            Self::BadReply => {
                "give one outcome for each item, in the same order; the SDKs do that by themselves"
            }
            Self::InvalidBody => {
                "make the new body JSON in UTF-8, or store the collection as opaque"
            }
            Self::DeriveChanged => {
                "answer `unchanged` in a derive step, and put what is derived into another \
                 collection; or make it a rewrite step"
            }
            Self::DeniedAccess => {
                "let the step ask for the collection in its description, and grant it: `--grant`, or \
                 [grants]"
            }
            Self::TooMuchOutput => {
                "make the body smaller, or allow more: `body-size`, `reply-size` or `call-size` under \
                 [limits]"
            }
            Self::NotText => {
                "use the layout of bytes for collections that hold other things than text"
            }
            Self::NotOffered => "build the migration without that import",
            Self::Halted => "try again",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in FailureKind::ALL {
            assert_eq!(FailureKind::named(kind.name()), Some(kind));
        }
        assert_eq!(FailureKind::named("fine"), None);
    }
}

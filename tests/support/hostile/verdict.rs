//! What became of a guest, compared with what is expected.

use std::fmt;

use godwit_hostile::{Expected, Guest};

use super::Seen;

/// What became of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was not taken as a migration.
    Rejected {
        /// The kind of reason.
        kind: String,
        /// The reason, as operators read it.
        reason: String,
    },
    /// Nothing can be planned with it.
    Refused {
        /// The findings.
        reason: String,
    },
    /// The marked item is in quarantine, all others are migrated.
    Quarantined {
        /// The kind of fault.
        kind: String,
        /// The reason, as operators read it.
        reason: String,
    },
    /// All items are migrated.
    Harmless,
    /// The items differ with the size of batches.
    Unsteady,
}

impl Verdict {
    fn meets(&self, expected: Expected) -> bool {
        match (self, expected) {
            (Self::Rejected { kind, .. }, Expected::Rejected(wanted))
            | (Self::Quarantined { kind, .. }, Expected::Quarantined(wanted)) => kind == wanted,
            (Self::Harmless, Expected::Harmless)
            | (Self::Unsteady, Expected::Unsteady)
            | (Self::Refused { .. }, Expected::Refused) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { kind, .. } => write!(f, "rejected: {kind}"),
            Self::Refused { .. } => f.write_str("refused"),
            Self::Quarantined { kind, .. } => write!(f, "quarantined: {kind}"),
            Self::Harmless => f.write_str("harmless"),
            Self::Unsteady => f.write_str("unsteady"),
        }
    }
}

/// Compares what was seen of a guest with what is expected of the host.
///
/// # Errors
/// What is wrong, in words.
pub fn check(guest: &Guest, seen: &Seen) -> Result<(), String> {
    if !seen.verdict.meets(guest.expected) {
        return Err(format!(
            "expected {:?}, got {:?}",
            guest.expected, seen.verdict
        ));
    }
    let most = Seen::most_log_bytes();
    if seen.log_bytes > most {
        let bytes = seen.log_bytes;
        return Err(format!(
            "{bytes} bytes of log were kept, {most} are the limit"
        ));
    }
    Ok(())
}

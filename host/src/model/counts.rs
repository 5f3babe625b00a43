//! What became of the items of a step.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// How many items were read, and what became of them.
///
/// `read` is always the sum of `unchanged`, `updated`, `removed` and `failed`.
///
/// ```
/// use godwit::model::Counts;
///
/// let mut total = Counts::default();
/// total += Counts {
///     read: 2,
///     updated: 2,
///     ..Counts::default()
/// };
/// assert_eq!((total.read, total.updated, total.failed), (2, 2, 0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Counts {
    /// Items fed to the migration.
    pub read: u64,
    /// Items that kept their bytes.
    pub unchanged: u64,
    /// Items with a new body.
    pub updated: u64,
    /// Items deleted.
    pub removed: u64,
    /// Items put into quarantine.
    pub failed: u64,
    /// Items created, replaced or deleted through `documents`, each counted once for a step.
    pub written: u64,
    /// Bytes of the bodies that were read.
    pub bytes: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.unchanged += other.unchanged;
        self.updated += other.updated;
        self.removed += other.removed;
        self.failed += other.failed;
        self.written += other.written;
        self.bytes += other.bytes;
    }
}

impl Counts {
    /// These without others that are among them.
    pub(crate) fn without(self, others: Self) -> Self {
        Self {
            read: self.read.saturating_sub(others.read),
            unchanged: self.unchanged.saturating_sub(others.unchanged),
            updated: self.updated.saturating_sub(others.updated),
            removed: self.removed.saturating_sub(others.removed),
            failed: self.failed.saturating_sub(others.failed),
            written: self.written.saturating_sub(others.written),
            bytes: self.bytes.saturating_sub(others.bytes),
        }
    }
}

/// A number with what it counts, in the singular or the plural.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    let what = if count == 1 { one } else { many };
    format!("{count} {what}")
}

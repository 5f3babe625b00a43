//! How far an import has come.

use serde::{Deserialize, Serialize};

use super::{BadLine, ImportCounts, ImportReport};
use crate::model::Digest;

/// How far an import has come, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The settings of the import.
    pub settings: Digest,
    /// The digest of the bytes that were read: `counts.bytes` of them.
    pub read: Digest,
    /// What became of the lines.
    pub counts: ImportCounts,
    /// The first bad lines.
    pub bad_lines: Vec<BadLine>,
}

impl Checkpoint {
    /// The start of an import.
    pub fn start(settings: Digest) -> Self {
        let counts = ImportCounts::default();
        Self {
            settings,
            read: Digest::of(b""),
            counts,
            bad_lines: Vec::new(),
        }
    }

    /// Reads a checkpoint; `None` where it is of no use with these settings. One that cannot be read
    /// is of no use either: starting over gives the same items.
    pub fn parse(record: &[u8], settings: Digest) -> Option<Self> {
        let checkpoint: Self = serde_json::from_slice(record).ok()?;
        (checkpoint.settings == settings).then_some(checkpoint)
    }

    /// The checkpoint as the store keeps it.
    pub fn record(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has no maps")
    }

    /// The checkpoint behind a further batch.
    pub fn behind(
        &self,
        counts: ImportCounts,
        mut bad: Vec<BadLine>,
        read: Digest,
        most: usize,
    ) -> Self {
        let mut next = self.clone();
        next.read = read;
        next.counts += counts;
        bad.sort_by_key(|line| line.line);
        next.bad_lines.extend(bad);
        next.bad_lines.truncate(most);
        next
    }

    /// What the import has done.
    pub fn report(&self, resumed_behind: Option<u64>, can_resume: bool) -> ImportReport {
        ImportReport {
            done: false,
            resumed_behind,
            can_resume,
            counts: self.counts,
            bad_lines: self.bad_lines.clone(),
        }
    }
}

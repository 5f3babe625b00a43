//! How far an import has come.

use serde::{Deserialize, Serialize};

use super::batch::Outcome;
use super::way_in::Tries;
use super::{BadLine, FailedOnTheWay, ImportCounts, ImportReport, Waiting};
use crate::model::{Digest, Timestamp};
use crate::run::Moment;

/// How far an import has come, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The settings of the import.
    pub settings: Digest,
    /// When the import was first started.
    #[serde(default)]
    pub started_at: Timestamp,
    /// The digest of the bytes that were read: `counts.bytes` of them.
    pub read: Digest,
    /// What became of the lines.
    pub counts: ImportCounts,
    /// The first bad lines.
    pub bad_lines: Vec<BadLine>,
    /// What items wait for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hurdles: Vec<Waiting>,
    /// The first items that failed on their way in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailedOnTheWay>,
    /// How those fared that went through migrations.
    #[serde(default)]
    pub tries: Tries,
}

impl Checkpoint {
    /// The start of an import.
    pub fn start(settings: Digest, now: Timestamp) -> Self {
        let counts = ImportCounts::default();
        Self {
            settings,
            started_at: now,
            read: Digest::of(b""),
            counts,
            bad_lines: Vec::new(),
            hurdles: Vec::new(),
            failures: Vec::new(),
            tries: Tries::default(),
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

    /// What migrations are told: the same however often the import is interrupted.
    pub fn moment(&self) -> Moment {
        let seed = self
            .settings
            .0
            .first_chunk()
            .map_or(0, |first| u64::from_be_bytes(*first));
        Moment {
            started_at: self.started_at,
            // 53 bits: some languages have no integers beyond.
            seed: seed & ((1 << 53) - 1),
        }
    }

    /// The checkpoint behind a further batch. So many bad lines, and failures, are kept.
    pub fn behind(&self, outcome: Outcome, read: Digest, most: usize) -> Self {
        let mut next = self.clone();
        next.read = read;
        let Outcome {
            counts,
            mut bad,
            hurdles,
            failures,
            tries,
        } = outcome;
        next.counts += counts;
        next.tries += tries;
        bad.sort_by_key(|line| line.line);
        next.bad_lines.extend(bad);
        next.bad_lines.truncate(most);
        next.failures.extend(failures);
        next.failures.truncate(most);
        for more in hurdles {
            Waiting::add(&mut next.hurdles, &more.hurdle, more.items);
        }
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
            hurdles: self.hurdles.clone(),
            failures: self.failures.clone(),
        }
    }
}

//! The table of the command `hostile`.

use std::time::Duration;

use godwit_hostile::{Expected, GUESTS, Guest};

use super::child::Ended;

/// The most memory that a trial may take, in KiB. The host with nothing to do has some 40 MiB, a
/// guest 32 MiB; the rest is the largest files, which are made in the same process. They are
/// compiled in another one.
const MOST_MEMORY: u64 = 512 << 10;

/// What became of all guests so far.
#[derive(Debug, Default)]
pub struct Table {
    tried: u64,
    failed: u64,
    took: Duration,
    peak: u64,
}

impl Table {
    /// An empty table; its head is printed.
    pub fn new() -> Self {
        println!(
            "{:width$}  {:42}  {:42}  {:>7}  {:>8}",
            "guest",
            "expected",
            "verdict",
            "ms",
            "peak MiB",
            width = width(),
        );
        Self::default()
    }

    /// Adds a row, and prints it.
    pub fn add(&mut self, guest: &Guest, ended: &Ended) {
        let complaint = ended.complaint.clone().or_else(|| too_much(ended.peak));
        println!(
            "{:width$}  {:42}  {:42}  {:>7}  {:>8}  {}",
            guest.name,
            said(guest.expected),
            ended.verdict,
            ended.took.as_millis(),
            ended.peak >> 10,
            match &complaint {
                Some(complaint) => format!("FAILED: {complaint}"),
                None => "ok".to_owned(),
            },
            width = width(),
        );
        self.tried += 1;
        self.failed += u64::from(complaint.is_some());
        self.took += ended.took;
        self.peak = self.peak.max(ended.peak);
    }

    /// Prints the totals; whether nothing failed.
    pub fn finish(&self) -> bool {
        println!(
            "{} tried, {} ok, {} FAILED; {} s in all, {} MiB at most",
            self.tried,
            self.tried - self.failed,
            self.failed,
            self.took.as_secs(),
            self.peak >> 10,
        );
        self.failed == 0
    }
}

fn width() -> usize {
    let lengths = GUESTS.iter().map(|guest| guest.name.len());
    lengths.max().unwrap_or_default()
}

fn said(expected: Expected) -> String {
    match expected {
        Expected::Rejected(kind) => format!("rejected: {kind}"),
        Expected::Quarantined(kind) => format!("quarantined: {kind}"),
        Expected::Refused => "refused".to_owned(),
        Expected::Harmless => "harmless".to_owned(),
        Expected::Unsteady => "unsteady".to_owned(),
    }
}

fn too_much(peak: u64) -> Option<String> {
    let (peak_mib, most) = (peak >> 10, MOST_MEMORY >> 10);
    (peak > MOST_MEMORY).then(|| format!("it took {peak_mib} MiB, more than {most}"))
}

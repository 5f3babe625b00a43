//! How a run is carried out.

use std::str::FromStr;
use std::time::Duration;

/// The target of the spans (crate `tracing`) that tell where the time of a run goes: `read`, `wait` and `commit`
/// (and in it `store`) on the thread that carries it out, `transform` (and in it `guest` and `judge`) on
/// those that transform.
///
/// ```
/// use godwit::run::TIMINGS;
///
/// let filter = format!("warn,{TIMINGS}=trace");
/// assert_eq!(filter, "warn,godwit::timings=trace");
/// ```
pub const TIMINGS: &str = "godwit::timings";

/// How a run is carried out. None of it changes the result.
///
/// ```
/// use godwit::run::{MaxFailures, Options};
///
/// let options = Options { threads: 4, max_failures: "2%".parse()?, ..Options::default() };
/// assert_eq!(options.max_failures, MaxFailures::Percent(2));
/// assert!(options.pre_images);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many threads transform.
    pub threads: usize,
    /// Bytes of bodies that are fed at once. The default, 256 KiB, is where batches of 1 KiB items
    /// were cheapest: larger ones leave the processor's caches.
    pub batch_bytes: usize,
    /// Items that are fed at once.
    pub batch_items: usize,
    /// How long a thread should be busy with a batch. Where it takes longer, fewer items are fed at once, so that a
    /// slow migration is seen to move, stops when it is asked to, and is not taken for one that hangs.
    pub batch_target: Duration,
    /// How many steps over one collection are carried out in one pass at most, where they may be; 1: each has a
    /// pass of its own. Every thread has an instance of each of their components.
    pub fused_steps: usize,
    /// What to do with an item that fails.
    pub on_failure: OnFailure,
    /// How many items of a step may fail before the run stops.
    pub max_failures: MaxFailures,
    /// Whether a run that brings apps to newer versions keeps what was there before it, so that it can be undone. Where it
    /// does not, every replaced body is written once instead of twice, and only a backup takes the run back. A run that has begun
    /// stays with what it began with; other runs keep pre-images in any case.
    pub pre_images: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 1,
            batch_bytes: 256 << 10,
            batch_items: 4_096,
            batch_target: Duration::from_millis(250),
            fused_steps: 8,
            on_failure: OnFailure::default(),
            max_failures: MaxFailures::default(),
            pre_images: true,
        }
    }
}

/// What to do with an item that fails.
///
/// ```
/// use godwit::run::{OnFailure, Options};
///
/// assert_eq!(Options::default().on_failure, OnFailure::Quarantine);
/// let strict = Options { on_failure: OnFailure::Stop, ..Options::default() };
/// assert_eq!(strict.on_failure, OnFailure::Stop);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Put it into quarantine and go on.
    #[default]
    Quarantine,
    /// Stop the run before it.
    Stop,
}

/// How many items of a step may fail before the run stops: the breaker.
///
/// ```
/// use godwit::run::MaxFailures;
///
/// let most: MaxFailures = "5%".parse()?;
/// assert_eq!(most, MaxFailures::Percent(5));
/// assert!(!most.is_exceeded(5, 100));
/// assert!(most.is_exceeded(6, 100));
/// assert!(MaxFailures::Count(0).is_exceeded(1, 1_000_000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxFailures {
    /// So many.
    Count(u64),
    /// So many of a hundred, once [`MaxFailures::SAMPLE`] items were read.
    Percent(u8),
}

impl MaxFailures {
    /// How many items must have been read before a share of them means anything.
    pub const SAMPLE: u64 = 100;

    /// Whether `failed` of `read` items are too many.
    pub fn is_exceeded(self, failed: u64, read: u64) -> bool {
        match self {
            Self::Count(most) => failed > most,
            Self::Percent(most) => {
                failed.saturating_mul(100) > read.max(Self::SAMPLE).saturating_mul(most.into())
            }
        }
    }
}

impl Default for MaxFailures {
    /// 10 %: some bad items are normal in old data, a tenth means a bad migration.
    fn default() -> Self {
        Self::Percent(10)
    }
}

impl FromStr for MaxFailures {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || format!("`{text}` is neither a count, as in 100, nor a share, as in 5%");
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse() {
                Ok(percent @ 0..=100) => Ok(Self::Percent(percent)),
                _ => Err(malformed()),
            },
            None => text.parse().map(Self::Count).map_err(|_| malformed()),
        }
    }
}

impl std::fmt::Display for MaxFailures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_breaker_counts_or_takes_shares() {
        let cases = [
            ("0", 0, 10, false),
            ("0", 1, 10, true),
            ("5", 5, 5, false),
            ("10%", 10, 20, false),
            ("10%", 11, 20, true),
            ("10%", 100, 1000, false),
            ("10%", 101, 1000, true),
            ("0%", 1, 1_000_000, true),
            ("100%", 1000, 1000, false),
        ];
        for (limit, failed, read, exceeded) in cases {
            let limit: MaxFailures = limit.parse().unwrap();
            assert_eq!(
                limit.is_exceeded(failed, read),
                exceeded,
                "{limit}: {failed} of {read}"
            );
        }
        for bad in ["", "-1", "101%", "many", "1.5%"] {
            assert!(bad.parse::<MaxFailures>().is_err(), "{bad}");
        }
    }
}

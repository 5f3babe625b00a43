//! Time, which the library is handed and never asks for.

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use godwit::model::Timestamp;
///
/// let start = Timestamp(1_700_000_000_000);
/// let end = start.plus(1_500);
/// assert_eq!(end.since(start), 1_500);
/// assert_eq!(start.since(end), 0);
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment `milliseconds` later.
    pub fn plus(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// How many milliseconds lie between `earlier` and this moment; 0 where it is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Tells the time. The command line hands in the system's clock, tests one of their own.
///
/// ```
/// use godwit::model::{Clock, Timestamp};
///
/// let stopped = || Timestamp(7);
/// assert_eq!(stopped.now(), Timestamp(7));
/// ```
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

impl<F: Fn() -> Timestamp + Send + Sync> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}

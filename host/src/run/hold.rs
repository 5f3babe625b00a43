//! What a step is carried out under: the lease of the store, or a range of it that others carry out, too.

use std::collections::BTreeSet;
use std::time::Duration;

use super::feed::Bound;
use super::pipeline::Between;
use super::{RunError, Runner};
use crate::model::{Clock, Counts, Name, Progress, RunId, Timestamp};
use crate::store::{
    Asked, Lease, LeaseError, RangeLease, Store, StoreError, Write, is_of_collection,
};

/// An owner looks so often whether others want something of him, in milliseconds.
const EVERY: u64 = 250;
/// Nobody looks for the middle of more than so many ranges of the least size.
const MOST_CUTS: usize = 64;
/// How often a commit that others were in the way of is made anew.
const TRIES: u32 = 200;

/// What a step, or several in one pass, are carried out under.
pub(super) enum Hold<'a> {
    /// The lease of the store.
    Whole(&'a mut Lease),
    /// A range of it, which others carry out, too.
    Range(Owned<'a>),
}

/// A range that is one's own.
pub(super) struct Owned<'a> {
    pub range: Box<RangeLease>,
    /// What others had done of each step when it was taken.
    pub counted_elsewhere: Vec<Counts>,
    /// When its owner last looked whether others want something.
    pub looked_at: Timestamp,
    /// The lease of the store, if he has that, too.
    pub main: Option<&'a mut Lease>,
}

impl Hold<'_> {
    pub(super) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    /// The lease of the store, for those who ask for no other.
    pub(super) fn whole(&mut self) -> &mut Lease {
        match self {
            Self::Whole(lease) => lease,
            Self::Range(_) => unreachable!("a range has one of its own, and asks for no other"),
        }
    }

    /// How far it is fed.
    pub(super) fn bound(&self) -> Bound {
        match self {
            Self::Whole(_) => Bound::default(),
            Self::Range(owned) => Bound::new(owned.range.upto()),
        }
    }

    /// How far each step has come: in the range, or as `whole` reads it of the steps themselves.
    pub(super) fn progress(
        &self,
        whole: impl FnOnce() -> Result<Vec<Progress>, StoreError>,
    ) -> Result<Vec<Progress>, StoreError> {
        match self {
            Self::Whole(_) => whole(),
            Self::Range(owned) => Ok(owned.range.progress()),
        }
    }

    /// Has a write be one beside others' where there are any.
    pub(super) fn write<'w>(&self, write: Write<'w>) -> Write<'w> {
        match self {
            Self::Whole(_) => write,
            Self::Range(_) => write.among_others(),
        }
    }

    /// Renews it, once that is due.
    pub(super) fn keep(&mut self, store: &Store, now: Timestamp) -> Result<(), LeaseError> {
        match self {
            Self::Whole(lease) => lease.keep(store, now),
            Self::Range(Owned { range, main, .. }) => {
                if let Some(main) = main {
                    main.keep(store, now)?;
                }
                range.keep(store, now)
            }
        }
    }

    /// Carries a write out, with how far each of its steps has come then. What is written of steps as a whole must be in it
    /// already.
    pub(super) fn commit(
        &mut self,
        store: &Store,
        write: Write<'_>,
        progress: &[Progress],
        now: Timestamp,
    ) -> Result<(), LeaseError> {
        match self {
            Self::Whole(lease) => write.commit(lease, now),
            Self::Range(Owned { range, main, .. }) => {
                if let Some(main) = main {
                    main.keep(store, now)?;
                }
                let (first, also) = progress.split_first().expect("there is at least one");
                let also = also.iter().map(|progress| progress.counts).collect();
                range.commit(store, write, (first, also), now)
            }
        }
    }

    /// What the application has written since this was asked last; `None`: too much to tell.
    pub(super) fn catch_up(
        &mut self,
        store: &Store,
    ) -> Result<Option<BTreeSet<(Name, String)>>, StoreError> {
        match self {
            Self::Whole(lease) => lease.catch_up(store),
            Self::Range(owned) => owned.range.catch_up(store),
        }
    }

    /// How long a batch should take at most.
    pub(super) fn batch_target(&self, wished: Duration) -> Duration {
        match self {
            Self::Whole(_) => wished,
            Self::Range(owned) => wished.min(Duration::from_millis(owned.range.duration() / 3)),
        }
    }

    /// What became of the items of a step as a whole, by its place, with these of a range.
    pub(super) fn counts_with(&self, place: usize, counts: Counts) -> Counts {
        match self {
            Self::Whole(_) => counts,
            Self::Range(owned) => {
                let elsewhere = owned.counted_elsewhere.get(place);
                let mut all = elsewhere.copied().unwrap_or_default();
                all += counts;
                all
            }
        }
    }

    /// Looks, now and then, whether others want something of whoever owns a range.
    pub(super) fn look_around(
        &mut self,
        work: &Runner<'_>,
        (run, step): (RunId, u32),
        (collection, after, bound): (&Name, Option<&str>, &Bound),
    ) -> Result<Between, RunError> {
        let Runner { store, clock, .. } = *work;
        let Self::Range(Owned {
            range, looked_at, ..
        }) = self
        else {
            return Ok(Between::GoOn);
        };
        let now = clock.now();
        if now.since(*looked_at) < EVERY && now >= *looked_at {
            return Ok(Between::GoOn);
        }
        *looked_at = now;
        match store.asked_of_owners(run, step)? {
            None => return Ok(Between::GoOn),
            Some(Asked::ToLeave) => return Ok(Between::Leave),
            Some(Asked::ToShare) => {}
        }
        let upto = range.upto().map(str::to_owned);
        let behind = (after, upto.as_deref());
        let keep = &mut || range.keep(store, clock.now());
        let cuts = store.every_id((work.least(), MOST_CUTS), collection, behind, keep)?;
        // As many as a range has at least stay on either side.
        if cuts.len() < 2 {
            return Ok(Between::GoOn);
        }
        let at = match cuts.len() {
            // There is so much more that nobody has counted it.
            MOST_CUTS => &cuts[MOST_CUTS - 1],
            count => &cuts[(count - 1) / 2],
        };
        match range.split(store, at, clock.now()) {
            Ok(()) => {
                bound.set(Some(at.clone()));
                Ok(Between::ReadAgain)
            }
            // Somebody else cut his at the same time: that is one more already.
            Err(LeaseError::Store(StoreError::Conflict { .. })) => Ok(Between::GoOn),
            Err(error) => Err(error.into()),
        }
    }
}

/// Makes a commit anew where others who own ranges have changed what it counts in meanwhile.
pub(super) fn insist<T>(
    clock: &dyn Clock,
    mut attempt: impl FnMut() -> Result<T, RunError>,
) -> Result<T, RunError> {
    let mut tries = 0;
    loop {
        match attempt() {
            Err(RunError::Store(StoreError::Conflict { key }))
                if tries < TRIES && is_of_collection(&key) =>
            {
                tries += 1;
                // Others do the same.
                let pause = u64::from(tries.min(20)) + (clock.now().0 & 7);
                std::thread::sleep(Duration::from_millis(pause));
            }
            done => return done,
        }
    }
}

//! The right to change a store.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::ranges::Disowned;
use super::{Commit, Store, StoreError, key, record};
use crate::model::{Clock, Name, Timestamp};

/// How many notes of writes are removed in one commit.
const PAGE: usize = 2_000;
/// What a lease under which others own ranges is taken for.
pub(crate) const WORKER: &str = "worker";

/// Who holds a lease.
///
/// ```
/// use godwit::store::Holder;
///
/// let holder = Holder {
///     name: format!("the importer, process {}", std::process::id()),
///     process: None,
/// };
/// println!("{} works on the store", holder.name);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// What it says of itself, for people: a host's name and a process id, say.
    pub name: String,
    /// What tells a process apart from every other one that ever ran, if the embedder knows: with
    /// it a holder that died is recognised before its lease expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
}

/// The right to change a store: it expires, is renewed by every commit, and is checked inside each.
///
/// It carries a number that only grows and a random nonce. A holder that was overtaken finds
/// another value where its own should be, and changes nothing. Dropping it without
/// [`Lease::release`] leaves it to expire.
///
/// ```
/// use godwit::model::Timestamp;
/// use godwit::store::Lease;
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// let lease = Lease::acquire(&store, &|| Timestamp(0), &claim)?;
/// assert!(Lease::acquire(&store, &|| Timestamp(0), &claim).is_err());
/// lease.release(&store)?;
/// assert!(Lease::acquire(&store, &|| Timestamp(0), &claim).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Lease {
    record: Record,
    /// The record as stored.
    bytes: Vec<u8>,
    /// While the application writes what the holder works on: what is known of its writes.
    written: Option<Written>,
}

/// What the holder of a lease knows of the application's writes.
#[derive(Debug, Default)]
struct Written {
    /// The number of the last one.
    last: u64,
    /// The number of the last one whose note is dropped; of those behind, up to `last`, the holder needs none any more.
    dropped: u64,
}

impl Written {
    /// Those whose notes the next commit drops.
    fn droppable(&self) -> RangeInclusive<u64> {
        self.dropped + 1..=self.last.min(self.dropped + PAGE as u64)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    number: u64,
    nonce: u64,
    holder: Holder,
    purpose: String,
    expires_at: Timestamp,
    /// Milliseconds from each renewal to expiry.
    duration: u64,
    released: bool,
    /// Whether the application may write meanwhile.
    #[serde(default, skip_serializing_if = "is_false")]
    shares: bool,
    /// Whether others may own ranges of the steps that are carried out under it.
    #[serde(default, skip_serializing_if = "is_false")]
    joint: bool,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Record {
    /// That somebody else cannot have it.
    fn held(&self, now: Timestamp) -> LeaseError {
        LeaseError::Held {
            holder: self.holder.clone(),
            purpose: self.purpose.clone(),
            expires_in: self.left(now),
        }
    }

    /// How many milliseconds are left.
    fn left(&self, now: Timestamp) -> u64 {
        left(self.expires_at, self.duration, now)
    }

    /// Whether it is held.
    fn is_live(&self, now: Timestamp, is_gone: &dyn Fn(&Holder) -> bool) -> bool {
        !self.released && self.left(now) > 0 && !is_gone(&self.holder)
    }
}

/// How many milliseconds are left of what was given for so many. Clocks of those who share a store differ a little, so that it
/// may look like more than was given; twice as much means that a clock was set back, and that nothing is left: whoever works
/// would have renewed it since.
pub(super) fn left(expires_at: Timestamp, duration: u64, now: Timestamp) -> u64 {
    match expires_at.since(now) {
        left if left > duration.saturating_mul(2) => 0,
        left => left.min(duration),
    }
}

/// A lease under which others may own ranges.
pub(super) struct Joint {
    /// Which one of the store's it is.
    pub number: u64,
    /// Its record as stored.
    pub bytes: Vec<u8>,
    /// Whether the application may write meanwhile.
    pub is_shared: bool,
}

/// What somebody finds of the lease who writes without one.
#[derive(Debug, Default)]
pub(super) struct PassedBy {
    /// Its record as it is stored, which must be so still when he writes.
    pub record: Option<Vec<u8>>,
    /// What he has to write in its place: a holder that let it expire must learn that.
    pub ended: Option<Vec<u8>>,
    /// What he has to write of ranges, so that owners who let them expire learn it, too.
    pub disowned: Commit<'static>,
    /// Whether somebody holds it who shares the store.
    pub is_shared: bool,
}

/// Why a lease is not to be had, or no longer held.
///
/// ```
/// use godwit::model::Timestamp;
/// use godwit::store::{Lease, LeaseError};
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
/// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
/// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
/// let error = Lease::acquire(&store, &|| Timestamp(1_000), &claim).unwrap_err();
/// assert!(matches!(error, LeaseError::Held { expires_in: 14_000, .. }));
/// assert_eq!(error.to_string(), "me is busy with up on this store");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// Occurs when somebody else holds it.
    #[error("{} is busy with {purpose} on this store", .holder.name)]
    Held {
        /// Who holds it.
        holder: Holder,
        /// For what.
        purpose: String,
        /// How many milliseconds it has left, unless it is renewed.
        expires_in: u64,
    },
    /// Occurs when a holder was overtaken: its lease expired, and somebody else took it.
    #[error("the lease on the store was lost to {}", .holder.as_ref().map_or("somebody else", |holder| &holder.name))]
    Lost {
        /// Who has it now.
        holder: Option<Holder>,
    },
    /// Occurs when the application wrote something meanwhile, so that what is to be committed may not be what it would be
    /// now: nothing was.
    #[error("the application has written meanwhile")]
    Written,
    /// Occurs when the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody who asks for a lease hands in.
///
/// ```
/// use godwit::model::Timestamp;
/// use godwit::store::{Claim, Holder, Lease};
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// let claim = Claim {
///     holder: Holder {
///         name: "me".to_owned(),
///         process: None,
///     },
///     purpose: "import",
///     duration: Lease::DURATION,
///     nonce: 7,
///     is_gone: &|_holder| false,
/// };
/// let lease = Lease::acquire(&store, &|| Timestamp(0), &claim)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Claim<'a> {
    /// Who asks.
    pub holder: Holder,
    /// What for, for people: `up`, `import`.
    pub purpose: &'a str,
    /// How long the lease holds without renewal, in milliseconds.
    pub duration: u64,
    /// A random number.
    pub nonce: u64,
    /// Whether a holder's process is known to have ended.
    pub is_gone: &'a dyn Fn(&Holder) -> bool,
}

impl Lease {
    /// How long a lease holds by default, in milliseconds: longer than any batch may take (5 s), so
    /// that a holder that works is never overtaken; short enough that people wait for it.
    pub const DURATION: u64 = 15_000;

    /// Takes the lease of a store.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::Lease;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// let lease = Lease::acquire(&store, &|| Timestamp(0), &claim)?;
    /// // It was not renewed.
    /// let later = Timestamp(claim.duration);
    /// assert!(Lease::acquire(&store, &|| later, &claim).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Held`] while somebody else holds it.
    pub fn acquire(
        store: &Store,
        clock: &dyn Clock,
        claim: &Claim<'_>,
    ) -> Result<Self, LeaseError> {
        Self::take(store, clock, claim, false)
    }

    /// Takes the lease of a store to carry a run out along with others, who own ranges of its steps: those go on whoever
    /// has it. Everybody else waits until nobody owns one any more.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::Lease;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "worker", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// let lease = Lease::acquire_joint(&store, &|| Timestamp(0), &claim)?;
    /// // One has it at a time.
    /// assert!(Lease::acquire_joint(&store, &|| Timestamp(0), &claim).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Held`] while somebody else holds it.
    pub fn acquire_joint(
        store: &Store,
        clock: &dyn Clock,
        claim: &Claim<'_>,
    ) -> Result<Self, LeaseError> {
        Self::take(store, clock, claim, true)
    }

    fn take(
        store: &Store,
        clock: &dyn Clock,
        claim: &Claim<'_>,
        joint: bool,
    ) -> Result<Self, LeaseError> {
        let now = clock.now();
        let old = store.backend().get(key::LEASE)?;
        let last: Option<Record> = old
            .as_deref()
            .map(|bytes| record::from_json(key::LEASE, bytes))
            .transpose()?;
        if let Some(last) = last
            .as_ref()
            .filter(|last| last.is_live(now, claim.is_gone))
        {
            return Err(last.held(now));
        }
        let mut commit = Commit::new();
        commit.expect(key::LEASE, old.as_deref());
        if !joint
            && let Disowned::Busy(holder, expires_in) =
                store.disown(&mut commit, now, claim.is_gone)?
        {
            return Err(LeaseError::Held {
                holder,
                purpose: WORKER.to_owned(),
                expires_in,
            });
        }
        // Owners of ranges have still to hear of what the application wrote, and it goes on.
        let goes_on = joint && store.has_ranges()?;
        let record = Record {
            number: last.as_ref().map_or(0, |last| last.number) + 1,
            nonce: claim.nonce,
            holder: claim.holder.clone(),
            purpose: claim.purpose.to_owned(),
            expires_at: now.plus(claim.duration),
            duration: claim.duration,
            released: false,
            shares: goes_on && last.as_ref().is_some_and(|last| last.shares),
            joint,
        };
        let bytes = record::to_json(&record);
        commit.put(key::LEASE, &[&bytes]);
        if last.is_none() {
            // Numbers begin anew: orders that came with a backup were for others.
            commit.delete(key::ORDERS);
        }
        // Somebody who shared the store ended before he could say so.
        let is_left = store.last_written()?.is_some()
            && !goes_on
            && !store.shadow()?.is_some_and(|shadow| shadow.is_open());
        match store.backend().commit(&commit) {
            Ok(()) => {
                let mut lease = Self {
                    record,
                    bytes,
                    written: None,
                };
                if is_left {
                    lease.drop_notes(store, clock)?;
                }
                Ok(lease)
            }
            // Somebody was faster: say who.
            Err(StoreError::Conflict { .. }) => Self::take(store, clock, claim, joint),
            Err(error) => Err(error.into()),
        }
    }

    /// The lease of a store, if it is held by somebody with whom others may work.
    pub(super) fn joint(
        store: &Store,
        now: Timestamp,
        is_gone: &dyn Fn(&Holder) -> bool,
    ) -> Result<Option<Joint>, StoreError> {
        let Some(bytes) = store.backend().get(key::LEASE)? else {
            return Ok(None);
        };
        let last: Record = record::from_json(key::LEASE, &bytes)?;
        let is_joint = last.joint && last.is_live(now, is_gone);
        Ok(is_joint.then_some(Joint {
            number: last.number,
            bytes,
            is_shared: last.shares,
        }))
    }

    /// The number of the last lease that was taken, whether it is held or not, and what for.
    pub(super) fn last(store: &Store) -> Result<Option<(u64, String)>, StoreError> {
        let last: Option<Record> = store.json(key::LEASE)?;
        Ok(last.map(|last| (last.number, last.purpose)))
    }

    /// A claim by its holder, for a range.
    pub(crate) fn claim(&self) -> Claim<'_> {
        Claim {
            holder: self.record.holder.clone(),
            purpose: &self.record.purpose,
            duration: self.record.duration,
            nonce: self.record.nonce,
            is_gone: &|_| false,
        }
    }

    /// The lease as one that lets its own holder own ranges.
    pub(super) fn as_joint(&self) -> Joint {
        Joint {
            number: self.record.number,
            bytes: self.bytes.clone(),
            is_shared: self.record.shares,
        }
    }

    /// Whether a third of the lease has gone by, so that it should be renewed.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// assert!(!lease.is_due(Timestamp(0)));
    /// assert!(lease.is_due(Timestamp(6_000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.record.left(now) < self.record.duration / 3 * 2
    }

    /// Renews the lease by a commit of its own.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// lease.renew(&store, Timestamp(6_000))?;
    /// assert!(!lease.is_due(Timestamp(6_000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when it was overtaken.
    pub fn renew(&mut self, store: &Store, now: Timestamp) -> Result<(), LeaseError> {
        self.commit(store, Commit::new(), now)
    }

    /// Renews the lease once that is due.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// for second in 0..60 {
    ///     lease.keep(&store, Timestamp(second * 1_000))?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when it was overtaken.
    pub fn keep(&mut self, store: &Store, now: Timestamp) -> Result<(), LeaseError> {
        match self.is_due(now) {
            true => self.renew(store, now),
            false => Ok(()),
        }
    }

    /// Lets the application write, or keeps it from that, from now on.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::Outside;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// lease.share(&store, Timestamp(0), true)?;
    /// assert!(Outside::begin(&store, Timestamp(0), &|_| false).is_ok());
    /// lease.share(&store, Timestamp(0), false)?;
    /// assert!(Outside::begin(&store, Timestamp(0), &|_| false).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when it was overtaken.
    pub fn share(&mut self, store: &Store, now: Timestamp, shares: bool) -> Result<(), LeaseError> {
        if self.record.shares == shares {
            return self.keep(store, now);
        }
        self.replace(store, Commit::new(), self.renewed(now, shares))
    }

    /// Which one of the store's it is.
    pub(crate) fn number(&self) -> u64 {
        self.record.number
    }

    /// Whether the application may write what the holder works on.
    pub(crate) fn shares(&self) -> bool {
        self.record.shares
    }

    /// Lets the application write what the holder works on, until [`Lease::close`]. From now on nothing is committed that is
    /// not based on all that was written: [`LeaseError::Written`] says that there is more, and [`Lease::catch_up`] what.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::Outside;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// lease.open(&store, Timestamp(0))?;
    /// let mut application = Outside::begin(&store, Timestamp(0), &|_| false)?;
    /// application.delete(&notes, "first")?;
    /// assert!(application.commit()?);
    /// assert_eq!(lease.catch_up(&store)?.map(|items| items.len()), Some(1));
    /// lease.close(&store, &|| Timestamp(0))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when it was overtaken.
    pub fn open(&mut self, store: &Store, now: Timestamp) -> Result<(), LeaseError> {
        let known = store.last_written()?.filter(|_| self.record.joint);
        // Whoever slept since somebody else counted knows a lower number, and hears that there is more.
        let last = known.unwrap_or(self.record.number << 32);
        let mut commit = Commit::new();
        if known.is_none() {
            commit.put(key::WRITTEN, &[&last.to_be_bytes()]);
        }
        self.replace(store, commit, self.renewed(now, true))?;
        // What others have still to hear of stays until the end.
        self.written = Some(Written {
            last,
            dropped: last,
        });
        Ok(())
    }

    /// Keeps the application from writing again.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::Outside;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// lease.open(&store, Timestamp(0))?;
    /// lease.close(&store, &|| Timestamp(0))?;
    /// assert!(Outside::begin(&store, Timestamp(0), &|_| false).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when it was overtaken.
    pub fn close(&mut self, store: &Store, clock: &dyn Clock) -> Result<(), LeaseError> {
        if self.written.take().is_none() {
            return Ok(());
        }
        self.replace(store, Commit::new(), self.renewed(clock.now(), false))?;
        self.drop_notes(store, clock)
    }

    /// Removes all notes of writes, and at last what says that there are any: otherwise whoever is killed meanwhile would
    /// leave some that nobody looks for.
    fn drop_notes(&mut self, store: &Store, clock: &dyn Clock) -> Result<(), LeaseError> {
        loop {
            let mut commit = Commit::new();
            store.each_note(PAGE, &mut |key| commit.delete(key))?;
            let is_last = commit.is_empty();
            if is_last {
                commit.delete(key::WRITTEN);
            }
            self.commit(store, commit, clock.now())?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// The record, renewed.
    fn renewed(&self, now: Timestamp, shares: bool) -> Record {
        Record {
            expires_at: now.plus(self.record.duration),
            shares,
            ..self.record.clone()
        }
    }

    /// The items that the application has written since it was asked last; `None` where they are so many that everything
    /// should be taken for written.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// lease.open(&store, Timestamp(0))?;
    /// match lease.catch_up(&store)? {
    ///     Some(items) => assert!(items.is_empty(), "nobody wrote"),
    ///     None => println!("everything is to be read again"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn catch_up(
        &mut self,
        store: &Store,
    ) -> Result<Option<BTreeSet<(Name, String)>>, StoreError> {
        let Some(written) = &mut self.written else {
            return Ok(Some(BTreeSet::new()));
        };
        let last = store.last_written()?.unwrap_or_default();
        let behind = std::mem::replace(&mut written.last, last);
        store.written_between(behind, last)
    }

    /// Gives the lease back. Nothing is lost when that fails: it expires.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::Lease;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// lease.release(&store)?;
    /// assert_eq!(Lease::held(&store, Timestamp(0), &|_| false)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when it was overtaken.
    pub fn release(mut self, store: &Store) -> Result<(), LeaseError> {
        let record = Record {
            released: true,
            ..self.record.clone()
        };
        self.replace(store, Commit::new(), record)
    }

    /// Keeps everybody from changing a store for a while, in milliseconds: it was replaced by another one, and those who
    /// have it open still should open that.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::Lease;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// lease.retire(&store, Timestamp(0), 60_000)?;
    /// assert!(Lease::acquire(&store, &|| Timestamp(59_000), &claim).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when it was overtaken.
    pub fn retire(mut self, store: &Store, now: Timestamp, time: u64) -> Result<(), LeaseError> {
        let record = Record {
            holder: Holder {
                name: "nobody: it was replaced by a backup, and whoever".to_owned(),
                process: None,
            },
            purpose: "it".to_owned(),
            joint: false,
            expires_at: now.plus(time),
            duration: time,
            ..self.record.clone()
        };
        self.replace(store, Commit::new(), record)
    }

    /// Carries out a commit that takes place only while the lease is held, and renews the lease
    /// where that is due.
    pub(super) fn commit(
        &mut self,
        store: &Store,
        mut commit: Commit,
        now: Timestamp,
    ) -> Result<(), LeaseError> {
        let writes = !commit.is_empty();
        if let Some(written) = self.written.as_ref().filter(|_| writes) {
            commit.expect(key::WRITTEN, Some(&written.last.to_be_bytes()));
            for number in written.droppable() {
                commit.delete(&key::written(number));
            }
        }
        if self.is_due(now) || !writes {
            let record = self.renewed(now, self.record.shares);
            self.replace(store, commit, record)?;
        } else {
            commit.expect(key::LEASE, Some(&self.bytes));
            let result = store.backend().commit(&commit);
            result.map_err(|error| Self::lost(store, error))?;
        }
        if let Some(written) = self.written.as_mut().filter(|_| writes) {
            written.dropped = *written.droppable().end();
        }
        Ok(())
    }

    /// Who holds the lease of a store, and what for; `None` where nobody does, where it has expired, or where the holder's
    /// process is known to have ended.
    ///
    /// ```
    /// use godwit::model::Timestamp;
    /// use godwit::store::Lease;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// let held = Lease::held(&store, Timestamp(0), &|_| false)?;
    /// let (holder, purpose) = held.ok_or("nobody works on the store")?;
    /// assert_eq!((holder.name.as_str(), purpose.as_str()), ("me", "up"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn held(
        store: &Store,
        now: Timestamp,
        is_gone: &dyn Fn(&Holder) -> bool,
    ) -> Result<Option<(Holder, String)>, StoreError> {
        let Some(bytes) = store.backend().get(key::LEASE)? else {
            return Ok(None);
        };
        let last: Record = record::from_json(key::LEASE, &bytes)?;
        if last.is_live(now, is_gone) {
            return Ok(Some((last.holder, last.purpose)));
        }
        if !last.joint {
            return Ok(None);
        }
        let owner = store.range_owner(now, is_gone)?;
        Ok(owner.map(|(holder, _)| (holder, WORKER.to_owned())))
    }

    /// What somebody finds of the lease who writes without one. While it is held, unless its holder shares the store, he must
    /// not.
    pub(super) fn passed_by(
        store: &Store,
        now: Timestamp,
        is_gone: &dyn Fn(&Holder) -> bool,
    ) -> Result<PassedBy, LeaseError> {
        let old = store.backend().get(key::LEASE)?;
        let Some(bytes) = old else {
            return Ok(PassedBy::default());
        };
        let last: Record = record::from_json(key::LEASE, &bytes)?;
        if last.is_live(now, is_gone) {
            return match last.shares {
                true => Ok(PassedBy {
                    record: Some(bytes),
                    is_shared: true,
                    ..PassedBy::default()
                }),
                false => Err(last.held(now)),
            };
        }
        let mut disowned = Commit::new();
        if last.joint
            && let Disowned::Busy(holder, expires_in) = store.disown(&mut disowned, now, is_gone)?
        {
            // Others go on without it.
            return match last.shares {
                true => Ok(PassedBy {
                    record: Some(bytes),
                    is_shared: true,
                    ..PassedBy::default()
                }),
                false => Err(LeaseError::Held {
                    holder,
                    purpose: WORKER.to_owned(),
                    expires_in,
                }),
            };
        }
        if last.released && disowned.is_empty() {
            return Ok(PassedBy {
                record: Some(bytes),
                ..PassedBy::default()
            });
        }
        let ended = Record {
            number: last.number + 1,
            holder: Holder {
                name: "an application, which found it expired".to_owned(),
                process: None,
            },
            released: true,
            shares: false,
            joint: false,
            ..last
        };
        Ok(PassedBy {
            record: Some(bytes),
            ended: Some(record::to_json(&ended)),
            disowned,
            is_shared: false,
        })
    }

    /// Has a commit take place only while the lease is held.
    pub(super) fn expect(&self, commit: &mut Commit<'_>) {
        commit.expect(key::LEASE, Some(&self.bytes));
    }

    /// Does as [`Lease::commit`] with keys as they are stored.
    pub(super) fn commit_stored(
        &mut self,
        store: &Store,
        mut commit: Commit,
        now: Timestamp,
    ) -> Result<(), LeaseError> {
        self.keep(store, now)?;
        self.expect(&mut commit);
        let result = store.stored().commit(&commit);
        result.map_err(|error| Self::lost(store, error))
    }

    fn replace(
        &mut self,
        store: &Store,
        mut commit: Commit,
        record: Record,
    ) -> Result<(), LeaseError> {
        let bytes = record::to_json(&record);
        commit.expect(key::LEASE, Some(&self.bytes));
        commit.put(key::LEASE, &[&bytes]);
        let result = store.backend().commit(&commit);
        result.map_err(|error| Self::lost(store, error))?;
        (self.record, self.bytes) = (record, bytes);
        Ok(())
    }

    pub(super) fn lost(store: &Store, error: StoreError) -> LeaseError {
        if matches!(&error, StoreError::Conflict { key } if key == key::WRITTEN) {
            return LeaseError::Written;
        }
        if !matches!(&error, StoreError::Conflict { key } if key == key::LEASE) {
            return error.into();
        }
        let held = store.backend().get(key::LEASE).ok().flatten();
        let held = held.and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        LeaseError::Lost {
            holder: held.map(|record| record.holder),
        }
    }
}

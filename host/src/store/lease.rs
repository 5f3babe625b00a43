//! The right to change a store.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{Commit, Store, StoreError, key, record};
use crate::model::{Clock, Name, Timestamp};

/// How many notes of writes are removed in one commit.
const PAGE: usize = 2_000;
/// Of more writes than these nobody wants to hear one by one.
const MANY: u64 = 10_000;

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
    /// The number of the last one whose note is dropped; of those behind, up to `last`, none is needed any more.
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
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Record {
    /// How many milliseconds are left. More than were ever given means that the clock was set back;
    /// whoever works would have renewed it since, so that nothing is.
    fn left(&self, now: Timestamp) -> u64 {
        let left = self.expires_at.since(now);
        if left > self.duration { 0 } else { left }
    }
}

/// What somebody finds of the lease who writes without one.
#[derive(Debug, Default)]
pub(super) struct PassedBy {
    /// Its record as it is stored, which must be so still when he writes.
    pub record: Option<Vec<u8>>,
    /// What he has to write in its place: a holder that let it expire must learn that.
    pub ended: Option<Vec<u8>>,
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
        let now = clock.now();
        let old = store.backend().get(key::LEASE)?;
        let last: Option<Record> = old
            .as_deref()
            .map(|bytes| record::from_json(key::LEASE, bytes))
            .transpose()?;
        if let Some(last) = &last {
            let expires_in = last.left(now);
            if !last.released && expires_in > 0 && !(claim.is_gone)(&last.holder) {
                let (holder, purpose) = (last.holder.clone(), last.purpose.clone());
                return Err(LeaseError::Held {
                    holder,
                    purpose,
                    expires_in,
                });
            }
        }
        let record = Record {
            number: last.map_or(0, |last| last.number) + 1,
            nonce: claim.nonce,
            holder: claim.holder.clone(),
            purpose: claim.purpose.to_owned(),
            expires_at: now.plus(claim.duration),
            duration: claim.duration,
            released: false,
            shares: false,
        };
        let bytes = record::to_json(&record);
        let mut commit = Commit::new();
        commit.expect(key::LEASE, old.as_deref());
        commit.put(key::LEASE, &[&bytes]);
        // Somebody who shared the store ended before he could say so.
        let is_left = store.last_written()?.is_some()
            && !store.shadow()?.is_some_and(|shadow| shadow.is_open());
        match store.backend().commit(&commit) {
            Ok(()) => {
                let mut lease = Self {
                    record,
                    bytes,
                    written: None,
                };
                if is_left {
                    lease.drop_notes(store, now)?;
                }
                Ok(lease)
            }
            // Somebody was faster: say who.
            Err(StoreError::Conflict { .. }) => Self::acquire(store, clock, claim),
            Err(error) => Err(error.into()),
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
    /// lease.close(&store, Timestamp(0))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when it was overtaken.
    pub fn open(&mut self, store: &Store, now: Timestamp) -> Result<(), LeaseError> {
        let mut commit = Commit::new();
        commit.put(key::WRITTEN, &[&0_u64.to_be_bytes()]);
        self.replace(store, commit, self.renewed(now, true))?;
        self.written = Some(Written::default());
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
    /// lease.close(&store, Timestamp(0))?;
    /// assert!(Outside::begin(&store, Timestamp(0), &|_| false).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when it was overtaken.
    pub fn close(&mut self, store: &Store, now: Timestamp) -> Result<(), LeaseError> {
        if self.written.take().is_none() {
            return Ok(());
        }
        self.replace(store, Commit::new(), self.renewed(now, false))?;
        self.drop_notes(store, now)
    }

    /// Removes all notes of writes, and at last what says that there are any: otherwise whoever is killed meanwhile would
    /// leave some that nobody looks for.
    fn drop_notes(&mut self, store: &Store, now: Timestamp) -> Result<(), LeaseError> {
        loop {
            let mut commit = Commit::new();
            store.each_note(PAGE, &mut |key| commit.delete(key))?;
            let is_last = commit.is_empty();
            if is_last {
                commit.delete(key::WRITTEN);
            }
            self.commit(store, commit, now)?;
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
        if last - behind > MANY {
            return Ok(None);
        }
        let found = store.written_behind(behind, last, usize::MAX)?;
        Ok(Some(found.into_iter().map(|note| note.item).collect()))
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
        let is_held = !last.released && last.left(now) > 0 && !is_gone(&last.holder);
        Ok(is_held.then_some((last.holder, last.purpose)))
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
        let expires_in = last.left(now);
        if last.released {
            return Ok(PassedBy {
                record: Some(bytes),
                ..PassedBy::default()
            });
        }
        if expires_in == 0 || is_gone(&last.holder) {
            let ended = Record {
                number: last.number + 1,
                holder: Holder {
                    name: "an application, which found it expired".to_owned(),
                    process: None,
                },
                released: true,
                shares: false,
                ..last
            };
            return Ok(PassedBy {
                record: Some(bytes),
                ended: Some(record::to_json(&ended)),
                is_shared: false,
            });
        }
        if last.shares {
            return Ok(PassedBy {
                record: Some(bytes),
                ended: None,
                is_shared: true,
            });
        }
        Err(LeaseError::Held {
            holder: last.holder,
            purpose: last.purpose,
            expires_in,
        })
    }

    /// Does as [`Lease::commit`] with keys as they are stored.
    pub(super) fn commit_stored(
        &mut self,
        store: &Store,
        mut commit: Commit,
        now: Timestamp,
    ) -> Result<(), LeaseError> {
        self.keep(store, now)?;
        commit.expect(key::LEASE, Some(&self.bytes));
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

    fn lost(store: &Store, error: StoreError) -> LeaseError {
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

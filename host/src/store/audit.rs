//! Who changed what by way of a server. Entries are added, never changed; the oldest go when there are many.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::key::{self, tag};
use super::{Commit, Store, StoreError, record};
use crate::model::Timestamp;

/// So many entries are kept.
const KEPT: u64 = 100_000;

/// A change that somebody asked for.
///
/// ```
/// use godwit::model::Timestamp;
/// use godwit::store::Audit;
///
/// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
/// let asked = Audit {
///     number: 0,
///     at: Timestamp(0),
///     who: "admin".to_owned(),
///     what: "POST /api/v1/up".to_owned(),
///     status: 0,
/// };
/// let number = store.add_audit(asked)?;
/// store.end_audit(number, 202)?;
/// assert_eq!(store.audits(None, 10)?[0].status, 202);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Audit {
    /// Its number, from 1.
    pub number: u64,
    /// When it was asked for.
    pub at: Timestamp,
    /// By whom.
    pub who: String,
    /// What was asked for.
    pub what: String,
    /// The status of the answer; 0 until there is one: it is being carried out, or the server ended in the middle.
    pub status: u16,
}

impl Store {
    /// Adds an entry, and gives the number that it has.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let at = godwit::model::Timestamp(0);
    /// # let (who, what) = ("admin".to_owned(), "POST /api/v1/up".to_owned());
    /// # let asked = godwit::store::Audit { number: 0, at, who, what, status: 0 };
    /// assert_eq!(store.add_audit(asked.clone())?, 1);
    /// assert_eq!(store.add_audit(asked)?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store failed.
    pub fn add_audit(&self, mut entry: Audit) -> Result<u64, StoreError> {
        loop {
            let last = self.backend().get(key::AUDIT)?;
            entry.number = number(last.as_deref())? + 1;
            let mut commit = Commit::new();
            commit.expect(key::AUDIT, last.as_deref());
            commit.put(key::AUDIT, &[&entry.number.to_be_bytes()]);
            commit.put(&key::audit(entry.number), &[&record::to_json(&entry)]);
            if let Some(oldest) = entry.number.checked_sub(KEPT) {
                commit.delete(&key::audit(oldest));
            }
            match self.backend().commit(&commit) {
                Err(StoreError::Conflict { .. }) => {}
                result => return result.map(|()| entry.number),
            }
        }
    }

    /// Notes how what an entry is of was answered.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let at = godwit::model::Timestamp(0);
    /// # let (who, what) = ("admin".to_owned(), "POST /api/v1/up".to_owned());
    /// # let asked = godwit::store::Audit { number: 0, at, who, what, status: 0 };
    /// let number = store.add_audit(asked)?;
    /// store.end_audit(number, 404)?;
    /// assert_eq!(store.audits(None, 1)?[0].status, 404);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store failed.
    pub fn end_audit(&self, number: u64, status: u16) -> Result<(), StoreError> {
        let key = key::audit(number);
        let Some(there) = self.backend().get(&key)? else {
            // So many came since that it is not kept any more.
            return Ok(());
        };
        let entry = Audit {
            status,
            ..record::from_json(&key, &there)?
        };
        let mut commit = Commit::new();
        commit.put(&key, &[&record::to_json(&entry)]);
        self.backend().commit(&commit)
    }

    /// The newest entries below a number, up to `limit` of them, the newest first.
    ///
    /// ```
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let at = godwit::model::Timestamp(0);
    /// # let (who, what) = ("admin".to_owned(), "POST /api/v1/up".to_owned());
    /// # let asked = godwit::store::Audit { number: 0, at, who, what, status: 0 };
    /// let number = store.add_audit(asked)?;
    /// assert_eq!(store.audits(None, 100)?.len(), 1);
    /// assert!(store.audits(Some(number), 100)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn audits(&self, below: Option<u64>, limit: usize) -> Result<Vec<Audit>, StoreError> {
        let last = number(self.backend().get(key::AUDIT)?.as_deref())?;
        let end = below.map_or(last + 1, |below| below.min(last + 1));
        let first = end.saturating_sub(limit as u64).max(1);
        let mut found = Vec::new();
        self.each(&(key::audit(first), key::audit(end)), &mut |key, entry| {
            found.push(record::from_json(key, entry)?);
            Ok(ControlFlow::Continue(()))
        })?;
        found.reverse();
        Ok(found)
    }
}

fn number(record: Option<&[u8]>) -> Result<u64, StoreError> {
    let Some(record) = record else {
        return Ok(0);
    };
    let number = record
        .try_into()
        .map_err(|_| super::typed::damaged(&[tag::AUDIT]))?;
    Ok(u64::from_be_bytes(number))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::Memory;

    #[test]
    fn entries_are_numbered_and_read_from_the_newest() {
        let store = Store::new(Arc::new(Memory::new())).unwrap();
        for n in 0..5 {
            let entry = Audit {
                number: 0,
                at: Timestamp(n),
                who: "admin".to_owned(),
                what: format!("change {n}"),
                status: 0,
            };
            assert_eq!(store.add_audit(entry).unwrap(), n + 1);
        }
        store.end_audit(5, 404).unwrap();
        let numbers = |below, limit| {
            let found = store.audits(below, limit).unwrap();
            found.iter().map(|entry| entry.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(None, 2), [5, 4]);
        assert_eq!(numbers(Some(4), 10), [3, 2, 1]);
        assert_eq!(numbers(Some(1), 10), [0; 0]);
        let last = store.audits(None, 1).unwrap().remove(0);
        assert_eq!((last.what.as_str(), last.status), ("change 4", 404));
    }
}

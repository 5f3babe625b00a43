//! The items that are fed at once, and what became of them, in columns.

use bytes::Bytes;

/// Items in order of their ids, laid out flat: the form in which they cross into a component.
///
/// ```
/// use godwit::model::Batch;
///
/// let mut batch = Batch::default();
/// batch.push("a", b"1");
/// batch.push("b", b"22");
/// assert_eq!((batch.len(), batch.id(0)), (2, "a"));
/// assert_eq!(batch.body(1), b"22");
/// assert_eq!(batch.find("b"), Some(1));
/// assert_eq!(batch.slice(1..2).id(0), "b");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The ids, one after another.
    pub ids: Vec<u8>,
    /// Where each id ends in `ids`.
    pub id_ends: Vec<u32>,
    /// The bodies, one after another.
    pub bodies: Vec<u8>,
    /// Where each body ends in `bodies`.
    pub body_ends: Vec<u32>,
}

impl Batch {
    /// How many items there are.
    pub fn len(&self) -> usize {
        self.id_ends.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.id_ends.is_empty()
    }

    /// Adds an item.
    ///
    /// # Panics
    /// When the columns grow beyond 4 GiB; batches are bounded far below.
    pub fn push(&mut self, id: &str, body: &[u8]) {
        self.ids.extend_from_slice(id.as_bytes());
        self.id_ends.push(end(&self.ids));
        self.bodies.extend_from_slice(body);
        self.body_ends.push(end(&self.bodies));
    }

    /// The id of the item at `index`.
    pub fn id(&self, index: usize) -> &str {
        let bytes = column(&self.ids, &self.id_ends, index);
        std::str::from_utf8(bytes).expect("ids are pushed as text")
    }

    /// The body of the item at `index`.
    pub fn body(&self, index: usize) -> &[u8] {
        column(&self.bodies, &self.body_ends, index)
    }

    /// The items as pairs of id and body.
    ///
    /// ```
    /// let mut batch = godwit::model::Batch::default();
    /// batch.push("a", b"1");
    /// let items: Vec<_> = batch.iter().collect();
    /// assert_eq!(items, [("a", b"1".as_slice())]);
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        (0..self.len()).map(|index| (self.id(index), self.body(index)))
    }

    /// The place of `id`, if it is in the batch.
    pub fn find(&self, id: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.id(middle).cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// A batch of the items whose places are in `range`.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        let mut part = Self::default();
        for index in range {
            part.push(self.id(index), self.body(index));
        }
        part
    }
}

/// What became of one item, as a component says.
///
/// ```
/// use godwit::model::{Kind, Reply};
///
/// let mut reply = Reply::default();
/// reply.push(Kind::Unchanged, b"");
/// reply.push(Kind::Failed, b"it has no title");
/// assert_eq!(reply.kind(0), Kind::Unchanged);
/// assert_eq!(reply.kind(1), Kind::Failed);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// It already has the shape that the step produces.
    Unchanged = 0,
    /// It has a new body.
    Updated = 1,
    /// It is to be deleted.
    Removed = 2,
    /// It cannot be migrated.
    Failed = 3,
}

impl Kind {
    /// The kind of a number that was checked.
    fn of(number: u8) -> Self {
        match number {
            0 => Self::Unchanged,
            1 => Self::Updated,
            2 => Self::Removed,
            _ => Self::Failed,
        }
    }
}

/// A component's answer to a batch, checked to match it in length and layout.
///
/// ```
/// use godwit::model::{Kind, Reply};
///
/// let mut reply = Reply::default();
/// reply.push(Kind::Updated, b"{}");
/// reply.push(Kind::Removed, b"");
/// assert_eq!((reply.len(), reply.payload_bytes()), (2, 2));
/// assert_eq!(reply.kind(1), Kind::Removed);
/// assert_eq!(reply.payload(0), b"{}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    kinds: Vec<u8>,
    payloads: Vec<u8>,
    payload_ends: Vec<u32>,
}

impl Reply {
    /// Bytes of all payloads: new bodies and failure texts.
    pub fn payload_bytes(&self) -> usize {
        self.payloads.len()
    }

    /// Checks the columns of an answer to a batch of `expected` items.
    ///
    /// ```
    /// use godwit::model::{Kind, Reply};
    ///
    /// // One item stays as it is, the other has a new body.
    /// let reply = Reply::from_columns(2, vec![0, 1], b"{}".to_vec(), vec![0, 2])?;
    /// assert_eq!(reply.kind(0), Kind::Unchanged);
    /// assert_eq!(reply.payload(1), b"{}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReplyError`] where they do not fit together.
    pub fn from_columns(
        expected: usize,
        kinds: Vec<u8>,
        payloads: Vec<u8>,
        payload_ends: Vec<u32>,
    ) -> Result<Self, ReplyError> {
        if kinds.len() != expected || payload_ends.len() != expected {
            let given = if kinds.len() == expected {
                payload_ends.len()
            } else {
                kinds.len()
            };
            return Err(ReplyError::Count { expected, given });
        }
        if let Some(index) = kinds.iter().position(|kind| *kind > Kind::Failed as u8) {
            return Err(ReplyError::Kind {
                index,
                kind: kinds[index],
            });
        }
        let mut start = 0;
        for (index, end) in payload_ends.iter().enumerate() {
            if *end < start || *end as usize > payloads.len() {
                return Err(ReplyError::PayloadEnd { index });
            }
            start = *end;
        }
        if start as usize != payloads.len() {
            return Err(ReplyError::Rest {
                bytes: payloads.len() - start as usize,
            });
        }
        Ok(Self {
            kinds,
            payloads,
            payload_ends,
        })
    }

    /// How many outcomes there are.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is no outcome.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Adds an outcome with its new body or failure text.
    pub fn push(&mut self, kind: Kind, payload: &[u8]) {
        self.kinds.push(kind as u8);
        self.payloads.extend_from_slice(payload);
        self.payload_ends.push(end(&self.payloads));
    }

    /// What became of the item at `index`.
    pub fn kind(&self, index: usize) -> Kind {
        Kind::of(self.kinds[index])
    }

    /// The new body or failure text of the item at `index`.
    pub fn payload(&self, index: usize) -> &[u8] {
        column(&self.payloads, &self.payload_ends, index)
    }

    /// The outcomes as pairs of kind and payload, which share one buffer.
    ///
    /// ```
    /// use godwit::model::{Kind, Reply};
    ///
    /// let mut reply = Reply::default();
    /// reply.push(Kind::Updated, b"{}");
    /// for (kind, body) in reply.into_outcomes() {
    ///     assert_eq!((kind, &body[..]), (Kind::Updated, b"{}".as_slice()));
    /// }
    /// ```
    pub fn into_outcomes(self) -> impl ExactSizeIterator<Item = (Kind, Bytes)> {
        let payloads = Bytes::from(self.payloads);
        let ends = self.payload_ends.into_iter();
        let mut start = 0;
        self.kinds.into_iter().zip(ends).map(move |(kind, end)| {
            let range = start..end as usize;
            start = end as usize;
            (Kind::of(kind), payloads.slice(range))
        })
    }

    /// The outcomes as pairs of kind and payload.
    ///
    /// ```
    /// use godwit::model::{Kind, Reply};
    ///
    /// let mut reply = Reply::default();
    /// reply.push(Kind::Failed, b"it has no title");
    /// let failed = reply.iter().filter(|(kind, _)| *kind == Kind::Failed);
    /// assert_eq!(failed.count(), 1);
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Kind, &[u8])> {
        (0..self.len()).map(|index| (self.kind(index), self.payload(index)))
    }
}

/// A way in which an answer does not match its batch.
///
/// ```
/// use godwit::model::{Reply, ReplyError};
///
/// let error = Reply::from_columns(2, vec![0], Vec::new(), vec![0]).unwrap_err();
/// let (expected, given) = (2, 1);
/// assert_eq!(error, ReplyError::Count { expected, given });
/// assert_eq!(error.to_string(), "1 outcomes for 2 items");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// Occurs when there are more or fewer outcomes than items.
    #[error("{given} outcomes for {expected} items")]
    Count {
        /// How many items were fed.
        expected: usize,
        /// How many outcomes came.
        given: usize,
    },
    /// Occurs when an outcome's kind is not one of the contract's.
    #[error("outcome {index} has the unknown kind {kind}")]
    Kind {
        /// The outcome's place, from 0.
        index: usize,
        /// The byte found.
        kind: u8,
    },
    /// Occurs when a payload ends before it starts or past the end.
    #[error("the payload of outcome {index} ends outside of the payloads")]
    PayloadEnd {
        /// The outcome's place, from 0.
        index: usize,
    },
    /// Occurs when bytes belong to no outcome.
    #[error("{bytes} bytes of payload belong to no outcome")]
    Rest {
        /// How many.
        bytes: usize,
    },
}

fn column<'a>(values: &'a [u8], ends: &[u32], index: usize) -> &'a [u8] {
    let start = index.checked_sub(1).map_or(0, |before| ends[before]);
    &values[start as usize..ends[index] as usize]
}

fn end(values: &[u8]) -> u32 {
    u32::try_from(values.len()).expect("a batch is far below 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_id_and_sliced() {
        let mut batch = Batch::default();
        for (id, body) in [("a", "1"), ("b", ""), ("d", "333")] {
            batch.push(id, body.as_bytes());
        }
        assert_eq!(batch.find("b"), Some(1));
        assert_eq!(batch.find("d"), Some(2));
        assert_eq!(batch.find("c"), None);
        assert_eq!(batch.body(2), b"333");
        let tail: Vec<_> = batch
            .slice(1..3)
            .iter()
            .map(|(id, _)| id.to_owned())
            .collect();
        assert_eq!(tail, ["b", "d"]);
    }

    #[test]
    fn replies_that_do_not_match_are_named() {
        let reply = |kinds: &[u8], payloads: &str, ends: &[u32]| {
            Reply::from_columns(2, kinds.to_vec(), payloads.into(), ends.to_vec())
        };
        assert!(reply(&[0, 1], "ab", &[0, 2]).is_ok());
        let count = |given| Err(ReplyError::Count { expected: 2, given });
        assert_eq!(reply(&[0], "", &[0]), count(1));
        assert_eq!(reply(&[0, 0, 0], "", &[0, 0, 0]), count(3));
        assert_eq!(reply(&[0, 0], "", &[0]), count(1));
        assert_eq!(
            reply(&[0, 4], "", &[0, 0]),
            Err(ReplyError::Kind { index: 1, kind: 4 })
        );
        assert_eq!(
            reply(&[1, 1], "ab", &[2, 1]),
            Err(ReplyError::PayloadEnd { index: 1 })
        );
        assert_eq!(
            reply(&[1, 1], "ab", &[1, 3]),
            Err(ReplyError::PayloadEnd { index: 1 })
        );
        assert_eq!(
            reply(&[1, 0], "ab", &[1, 1]),
            Err(ReplyError::Rest { bytes: 1 })
        );
    }
}

//! Bodies and pre-images that take less room: compressed one by one, where that is wished for.
//!
//! Each value says whether it is: an item's record by its layout, a pre-image by a bit of its flags. So what is wished for
//! may change at any time, and every store can be read.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};
use serde::{Deserialize, Serialize};

use super::key::tag;
use super::{Backend, Commit, Relational, StoreError, Value};
use crate::model::Timestamp;

/// The layout of an item's record that is compressed: this byte, the record's length (4 bytes, big-endian), and the
/// record as a block of LZ4.
pub(super) const ITEM: u8 = 2;
/// The bit of a pre-image's flags that says so: what follows them is a length and a block, as in an item.
pub(super) const FLAG: u8 = 4;
/// Values of fewer bytes are left as they are: there is too little in them that repeats.
const LEAST: usize = 256;
/// The longest record there may be: what says to be longer is damaged. A body has some MiB.
const MOST: usize = 1 << 30;
/// Bytes that say how long a record is.
const LENGTH: usize = 4;

/// How bodies and pre-images are written.
///
/// ```
/// use godwit::store::{Compression, Memory, Store};
///
/// assert_eq!(Compression::default(), Compression::None);
/// let store = Store::new(std::sync::Arc::new(Memory::new()))?.compressing(Compression::Lz4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// As blocks of LZ4, if that makes them smaller. It takes little time beside all else, and finds less than others:
    /// JSON of a kilobyte becomes half as large.
    Lz4,
}

/// A backend whose items and pre-images are read whether compressed or not, and written as is wished for.
pub(super) struct Compressed {
    inner: Arc<dyn Backend>,
    compression: Compression,
}

impl Compressed {
    pub(super) fn new(inner: Arc<dyn Backend>, compression: Compression) -> Self {
        Self { inner, compression }
    }
}

impl Compressed {
    /// As [`before`], but of what others read, which is left as it is.
    fn before(&self, key: &[u8]) -> Option<usize> {
        let relational = self.inner.relational();
        let is_read = relational.is_some_and(|relational| relational.is_read_by_others(key));
        before(key).filter(|_| !is_read)
    }

    /// A commit as it is carried out below. What is expected of records that may be compressed is looked up there, of heads
    /// only where `looks_at_heads` says so.
    fn below<'c>(
        &self,
        commit: &'c Commit<'_>,
        looks_at_heads: bool,
    ) -> Result<Commit<'c>, StoreError> {
        let mut below = Commit::new();
        for (key, value) in commit.expectations() {
            let stored = match value {
                Some(_) if self.before(key).is_some() => self.inner.get(key)?,
                _ => None,
            };
            let is_meant =
                |stored: &&Vec<u8>| plain(key, stored).is_ok_and(|stored| Some(&*stored) == value);
            below.expect(
                key,
                stored
                    .as_ref()
                    .filter(is_meant)
                    .map(Vec::as_slice)
                    .or(value),
            );
        }
        for (key, head) in commit.heads() {
            if !looks_at_heads {
                below.expect_head(key, head);
                continue;
            }
            let stored = self.inner.get(key)?;
            let is_meant =
                |stored: &&Vec<u8>| plain(key, stored).is_ok_and(|stored| stored.starts_with(head));
            match stored.as_ref().filter(is_meant) {
                Some(stored) => below.expect(key, Some(stored)),
                None => return Err(StoreError::Conflict { key: key.to_vec() }),
            }
        }
        for (key, value) in commit.writes() {
            let Some(value) = value else {
                below.delete(key);
                continue;
            };
            let compressed = match self.compression {
                Compression::None => None,
                _ if self.before(key).is_none() => None,
                _ => compressed(key, value),
            };
            match compressed {
                Some(compressed) => below.put_with(key, &[], Cow::Owned(compressed)),
                None => below.put_with(key, &[value.head], Cow::Borrowed(value.tail)),
            }
        }
        Ok(below)
    }
}

impl Backend for Compressed {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.inner.get(key)?;
        value.map(|value| owned_plain(key, value)).transpose()
    }

    fn get_all(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let found = self.inner.get_all(keys)?.into_iter();
        let found = found
            .zip(keys)
            .map(|(value, key)| value.map(|value| owned_plain(key, value)).transpose());
        found.collect()
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut failed = None;
        self.inner
            .scan(from, to, &mut |key, value| match plain(key, value) {
                Ok(plain) => visit(key, &plain),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            })?;
        failed.map_or(Ok(()), Err)
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<(), StoreError> {
        let is_as_it_was = |key: &[u8]| self.before(key).is_none();
        if self.compression == Compression::None
            && commit.heads().next().is_none()
            && commit.expectations().all(|(key, _)| is_as_it_was(key))
        {
            return self.inner.commit(commit);
        }
        match self.inner.commit(&self.below(commit, false)?) {
            // What is compressed begins otherwise.
            Err(StoreError::Conflict { key })
                if commit.heads().any(|(expected, _)| expected == key) =>
            {
                self.inner.commit(&self.below(commit, true)?)
            }
            done => done,
        }
    }

    fn url(&self) -> String {
        self.inner.url()
    }

    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        self.inner.size_on_disk()
    }

    fn shows_one_moment(&self) -> bool {
        self.inner.shows_one_moment()
    }

    fn nth(&self, n: u64, from: &[u8], to: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.nth(n, from, to)
    }

    fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.now()
    }

    fn relational(&self) -> Option<&dyn Relational> {
        self.inner.relational()
    }
}

/// How many bytes of a value stand before what is compressed of it, if it is one that may be.
fn before(key: &[u8]) -> Option<usize> {
    match key.first() {
        Some(&tag::ITEM) => Some(0),
        Some(&tag::PRE_IMAGE) => Some(1),
        _ => None,
    }
}

/// A value compressed, if it may be and that makes it smaller.
fn compressed(key: &[u8], value: Value<'_>) -> Option<Vec<u8>> {
    let before = before(key).filter(|_| value.len() >= LEAST)?;
    let whole = value.to_vec();
    let (kept, record) = whole.split_at(before);
    let mark = kept.first().map_or(ITEM, |flags| flags | FLAG);
    let start = 1 + LENGTH;
    let mut block = vec![0; start + get_maximum_output_size(record.len())];
    let length = u32::try_from(record.len()).ok()?;
    block[0] = mark;
    block[1..start].copy_from_slice(&length.to_be_bytes());
    let written = compress_into(record, &mut block[start..]).ok()?;
    block.truncate(start + written);
    (block.len() < whole.len()).then_some(block)
}

/// A value that was read, as it was before it was compressed, if it was.
fn owned_plain(key: &[u8], value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let plain = match plain(key, &value)? {
        Cow::Borrowed(_) => None,
        Cow::Owned(plain) => Some(plain),
    };
    Ok(plain.unwrap_or(value))
}

/// A value as it was before it was compressed, if it was.
fn plain<'v>(key: &[u8], value: &'v [u8]) -> Result<Cow<'v, [u8]>, StoreError> {
    let is_compressed = match (before(key), value.first()) {
        (Some(0), Some(layout)) => *layout == ITEM,
        (Some(_), Some(flags)) => flags & FLAG != 0,
        _ => false,
    };
    if !is_compressed {
        return Ok(Cow::Borrowed(value));
    }
    let damaged = |reason: &str| StoreError::Damaged {
        place: format!("the record {}", key.escape_ascii()),
        reason: reason.to_owned(),
    };
    let rest = &value[1..];
    let (length, block) = rest
        .split_first_chunk::<LENGTH>()
        .ok_or_else(|| damaged("it ends too early"))?;
    let length = u32::from_be_bytes(*length) as usize;
    if length > MOST {
        return Err(damaged("it is longer than any record"));
    }
    let kept = before(key).unwrap_or_default();
    let mut plain = vec![0; kept + length];
    plain[..kept].fill(value[0] & !FLAG);
    let read = decompress_into(block, &mut plain[kept..]);
    match read {
        Ok(read) if read == length => Ok(Cow::Owned(plain)),
        Ok(_) => Err(damaged("it is shorter than it says")),
        Err(error) => Err(damaged(&format!("it cannot be decompressed: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Memory;
    use super::*;

    const BODY: &str = r#"{"title":"the same again and again","text":"the same again and again"}"#;

    fn stores() -> (Arc<dyn Backend>, Compressed, Compressed) {
        let inner: Arc<dyn Backend> = Arc::new(Memory::new());
        let small = Compressed::new(inner.clone(), Compression::Lz4);
        let large = Compressed::new(inner.clone(), Compression::None);
        (inner, small, large)
    }

    fn record(mark: &[u8], times: usize) -> Vec<u8> {
        [mark, BODY.repeat(times).as_bytes()].concat()
    }

    #[test]
    fn items_and_pre_images_are_smaller_below_and_the_same_above() {
        let (inner, small, large) = stores();
        let entries = [
            (&b"Ditems\0a"[..], record(&[1, 0], 20)),
            (b"Zrun", record(&[3], 20)),
            (b"Zgone", vec![1]),
            (b"Ditems\0short", record(&[1, 0], 1)),
            (b"Ritems", record(b"{", 20)),
        ];
        let mut commit = Commit::new();
        for (key, value) in &entries {
            let (head, tail) = value.split_at(1);
            commit.put_with(key, &[head], Cow::Borrowed(tail));
        }
        small.commit(&commit).unwrap();
        for (key, value) in &entries {
            for store in [&small, &large] {
                assert_eq!(
                    store.get(key).unwrap().as_ref(),
                    Some(value),
                    "{}",
                    key.escape_ascii()
                );
            }
            let is_smaller = inner.get(key).unwrap().unwrap().len() < value.len() / 2;
            assert_eq!(
                is_smaller,
                value.len() > 1_000 && key[0] != b'R',
                "{}",
                key.escape_ascii()
            );
        }
        let mut seen = Vec::new();
        let mut see = |key: &[u8], value: &[u8]| {
            seen.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        };
        large.scan(b"A", b"a", &mut see).unwrap();
        assert_eq!(seen.len(), entries.len());
        for (key, value) in entries {
            assert!(
                seen.contains(&(key.to_vec(), value)),
                "{}",
                key.escape_ascii()
            );
        }
    }

    #[test]
    fn what_does_not_become_smaller_stays_as_it_is() {
        let (inner, small, _) = stores();
        let value: Vec<u8> = [1, 0]
            .into_iter()
            .chain((0..=255).rev().chain(0..=255))
            .collect();
        let mut commit = Commit::new();
        commit.put(b"Ditems\0a", &[&value]);
        small.commit(&commit).unwrap();
        assert_eq!(inner.get(b"Ditems\0a").unwrap().unwrap(), value);
    }

    #[test]
    fn damage_is_an_error_that_names_the_record() {
        let (inner, small, _) = stores();
        let mut commit = Commit::new();
        commit.put(b"Ditems\0a", &[&record(&[1, 0], 20)]);
        small.commit(&commit).unwrap();
        let whole = inner.get(b"Ditems\0a").unwrap().unwrap();
        let length = |length: u32| [&[ITEM][..], &length.to_be_bytes(), &whole[5..]].concat();
        let broken = [
            vec![ITEM, 0],
            whole[..whole.len() - 3].to_vec(),
            length(u32::MAX),
            length(10),
            length(100_000),
        ];
        for broken in broken {
            let mut commit = Commit::new();
            commit.put(b"Ditems\0a", &[&broken]);
            inner.commit(&commit).unwrap();
            let error = small.get(b"Ditems\0a").unwrap_err().to_string();
            assert!(error.contains("Ditems\\x00a"), "{error}");
            let error = small.scan(b"D", b"E", &mut |_, _| ControlFlow::Continue(()));
            assert!(matches!(error, Err(StoreError::Damaged { .. })));
        }
    }
}

//! How values lie in sled: whole, or in parts where they are large.
//!
//! sled moves a page of more than a quarter of a segment out of its log, into a file that it
//! neither syncs nor keeps until the page's next state is durable: in emulated power cuts every
//! fifth left items in a state that was long replaced. A page holds some twenty entries at most,
//! so that entries of [`PART`] bytes never make one that large.
//!
//! An entry's key is that of the store after [`ENTRY`]. Its value begins with [`WHOLE`], or with
//! [`PARTED`] and says which parts it has; their keys begin with [`PARTS`], the value's number
//! and theirs. No number is used again while a reader may still look for its parts.

use sled::{Batch, IVec, Tree};

use crate::store::Value;

/// The most bytes of a value that one entry of sled holds: thirty of them fit a page that stays
/// in the log, in segments of 8 MiB.
pub(super) const PART: usize = 64 << 10;

const ENTRY: u8 = 0;
const PARTS: u8 = 1;

const WHOLE: u8 = 0;
const PARTED: u8 = 1;

/// A value as an entry holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held<'a> {
    Whole(&'a [u8]),
    Parted(Parted),
}

/// Which parts a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parted {
    number: u64,
    count: u32,
}

/// The key under which an entry lies in sled.
pub(super) fn entry_key(key: &[u8]) -> Vec<u8> {
    [&[ENTRY], key].concat()
}

/// The key of an entry of sled, in the store.
pub(super) fn store_key(entry_key: &[u8]) -> &[u8] {
    &entry_key[1..]
}

/// Understands an entry's value; `None` if that was not written by [`put`].
pub(super) fn held(value: &[u8]) -> Option<Held<'_>> {
    match value.split_first()? {
        (&WHOLE, value) => Some(Held::Whole(value)),
        (&PARTED, rest) => {
            let (number, count) = rest.split_at_checked(8)?;
            Some(Held::Parted(Parted {
                number: u64::from_be_bytes(number.try_into().ok()?),
                count: u32::from_be_bytes(count.try_into().ok()?),
            }))
        }
        _ => None,
    }
}

/// Adds a value to a batch; one that has parts takes the next `number`.
pub(super) fn put(batch: &mut Batch, key: &[u8], value: Value<'_>, number: &mut u64) {
    if value.len() <= PART {
        let held = [&[WHOLE], value.head, value.tail].concat();
        batch.insert(entry_key(key), held);
        return;
    }
    let mut parted = Parted {
        number: *number,
        count: 0,
    };
    *number += 1;
    for part in value.to_vec().chunks(PART) {
        batch.insert(parted.key(parted.count).to_vec(), part);
        parted.count += 1;
    }
    let held = [
        &[PARTED],
        &parted.number.to_be_bytes()[..],
        &parted.count.to_be_bytes(),
    ];
    batch.insert(entry_key(key), held.concat());
}

/// Removes the parts of the value that an entry had.
pub(super) fn forget(batch: &mut Batch, old: &[u8]) {
    if let Some(Held::Parted(parted)) = held(old) {
        for part in 0..parted.count {
            batch.remove(parted.key(part).to_vec());
        }
    }
}

/// Puts a value together; `None` if a part is missing, because the value has been replaced.
pub(super) fn whole(tree: &Tree, parted: Parted) -> sled::Result<Option<Vec<u8>>> {
    let mut value = Vec::with_capacity(parted.count as usize * PART);
    for part in 0..parted.count {
        match tree.get(parted.key(part))? {
            Some(part) => value.extend_from_slice(&part),
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

/// The first number that no value has.
pub(super) fn next_number(tree: &Tree) -> sled::Result<u64> {
    let Some(last) = tree.range([PARTS]..[PARTS + 1]).next_back() else {
        return Ok(0);
    };
    let (key, _) = last?;
    Ok(number(&key).map_or(0, |number| number + 1))
}

fn number(part_key: &IVec) -> Option<u64> {
    Some(u64::from_be_bytes(part_key.get(1..9)?.try_into().ok()?))
}

impl Parted {
    fn key(self, part: u32) -> [u8; 13] {
        let mut key = [PARTS; 13];
        key[1..9].copy_from_slice(&self.number.to_be_bytes());
        key[9..].copy_from_slice(&part.to_be_bytes());
        key
    }
}

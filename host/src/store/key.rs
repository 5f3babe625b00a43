//! Keys at rest: a tag that names the kind of record, then its parts.
//!
//! Names hold no control characters, so that a zero byte ends one; ids come last and need no end.
//! Numbers are big-endian, so that keys are in their order. ARCHITECTURE.md lists the format.

use crate::model::{Digest, Name, RunId};

/// The format of everything below; written once, checked at every open.
pub const FORMAT: &[u8] = b"F";
/// The lease.
pub const LEASE: &[u8] = b"L";
/// The numbers given out last.
pub const NUMBERS: &[u8] = b"S";

/// The tags of records that there are many of.
pub mod tag {
    /// A change that a server was asked for.
    pub const AUDIT: u8 = b'A';
    /// A collection's record.
    pub const COLLECTION: u8 = b'C';
    /// A collection's tallies.
    pub const TALLIES: u8 = b'N';
    /// An item.
    pub const ITEM: u8 = b'D';
    /// An item's entry of being apart from its collection.
    pub const APART: u8 = b'X';
    /// An index entry.
    pub const INDEX: u8 = b'I';
    /// A fact of the history.
    pub const HISTORY: u8 = b'H';
    /// A run.
    pub const RUN: u8 = b'R';
    /// A step's progress.
    pub const PROGRESS: u8 = b'K';
    /// A pre-image.
    pub const PRE_IMAGE: u8 = b'Z';
    /// An import's checkpoint.
    pub const IMPORT: u8 = b'J';
    /// The generation of a collection that is live.
    pub const GENERATION: u8 = b'G';
    /// What a shadow run has of its own, below the key under which it would be live.
    pub const SHADOW: u8 = b'V';
    /// An item that was written while a shadow run was under way.
    pub const WRITTEN: u8 = b'W';
    /// What there is of a step in ranges.
    pub const RANGE: u8 = b'P';
    /// The bytes of migrations, for workers.
    pub const SHELF: u8 = b'B';
    /// What whoever works is asked for.
    pub const ORDERS: u8 = b'O';
}

/// The number of the last change that a server was asked for.
pub const AUDIT: &[u8] = &[tag::AUDIT];
/// The record of the shadow run.
pub const SHADOW: &[u8] = &[tag::SHADOW];
/// The number of the last write that a shadow run has still to follow; absent while there is nothing to follow.
pub const WRITTEN: &[u8] = &[tag::WRITTEN];

/// The list of what is on the shelf.
pub const SHELF: &[u8] = &[tag::SHELF];
/// What whoever works is asked for.
pub const ORDERS: &[u8] = &[tag::ORDERS];

/// A range of keys: from the first, to but without the second.
pub type KeyRange = (Vec<u8>, Vec<u8>);

/// All keys with a tag.
pub fn all(tag: u8) -> KeyRange {
    (vec![tag], vec![tag + 1])
}

/// The key of a record that there is one of for each name.
pub fn named(tag: u8, name: &Name) -> Vec<u8> {
    [&[tag], name.as_str().as_bytes()].concat()
}

/// The key of a record that there is one of for each item.
pub fn item(tag: u8, collection: &Name, id: &str) -> Vec<u8> {
    [&[tag], collection.as_str().as_bytes(), &[0], id.as_bytes()].concat()
}

/// The keys of a collection's records of a kind, behind `after`.
pub fn items(tag: u8, collection: &Name, after: Option<&str>) -> KeyRange {
    let mut from = item(tag, collection, after.unwrap_or(""));
    if after.is_some() {
        from.push(0); // the least key above that of `after`
    }
    (
        from,
        [&[tag], collection.as_str().as_bytes(), &[1]].concat(),
    )
}

/// The collection and the id in a key made by [`item`]; `None` where it is not one.
pub fn parse_item(key: &[u8]) -> Option<(Name, &str)> {
    let rest = key.get(1..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let collection = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    Some((collection, std::str::from_utf8(&rest[end + 1..]).ok()?))
}

/// The start of all entries of an index.
pub fn index(collection: &Name, number: u32) -> Vec<u8> {
    let mut key = item(tag::INDEX, collection, "");
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The least key above all that start with `prefix`.
pub fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while end.last() == Some(&255) {
        end.pop();
    }
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

/// The key of the history's fact `number`.
pub fn history(number: u64) -> Vec<u8> {
    [&[tag::HISTORY], &number.to_be_bytes()[..]].concat()
}

/// The key of a run.
pub fn run(id: RunId) -> Vec<u8> {
    [&[tag::RUN], &id.0.to_be_bytes()[..]].concat()
}

/// The key of a step's progress.
pub fn progress(run: RunId, step: u32) -> Vec<u8> {
    [
        &[tag::PROGRESS],
        &run.0.to_be_bytes()[..],
        &step.to_be_bytes(),
    ]
    .concat()
}

/// Bytes of the key of a step's division: the tag, the run, the step.
const DIVISION: usize = 1 + 8 + 4;
/// What follows in the keys of its ranges, of what says that somebody wants one, of why it cannot go on, and of which of
/// several steps cannot go on with the others.
const OF_RANGE: u8 = 1;
const OF_WANTED: u8 = 2;
const OF_FAILURE: u8 = 3;
const OF_UNFIT: u8 = 4;

/// The key of a step's division.
pub fn division(run: RunId, step: u32) -> Vec<u8> {
    let mut key = progress(run, step);
    key[0] = tag::RANGE;
    key
}

/// The step of a division, by its key; `None` where a key with the tag of ranges is that of something else.
pub fn division_step(key: &[u8]) -> Option<u32> {
    let step = key.get(DIVISION - 4..)?.try_into().ok()?;
    Some(u32::from_be_bytes(step))
}

/// All that there is of steps of a run in ranges.
pub fn divisions(run: RunId) -> KeyRange {
    let prefix = |id: u64| [&[tag::RANGE], &id.to_be_bytes()[..]].concat();
    (prefix(run.0), prefix(run.0 + 1))
}

/// The key of the range that begins behind an id.
pub fn range(run: RunId, step: u32, start: &str) -> Vec<u8> {
    [&division(run, step)[..], &[OF_RANGE], start.as_bytes()].concat()
}

/// The keys of a step's ranges.
pub fn ranges(run: RunId, step: u32) -> KeyRange {
    let division = division(run, step);
    (
        [&division[..], &[OF_RANGE]].concat(),
        [&division[..], &[OF_RANGE + 1]].concat(),
    )
}

/// Where the range begins that a key made by [`range`] is of; `None` where it is not one.
pub fn range_start(key: &[u8]) -> Option<&str> {
    match key.get(DIVISION..)?.split_first()? {
        (&OF_RANGE, start) => std::str::from_utf8(start).ok(),
        _ => None,
    }
}

/// The key of what says that somebody wants a range of a step.
pub fn wanted(run: RunId, step: u32) -> Vec<u8> {
    [&division(run, step)[..], &[OF_WANTED]].concat()
}

/// The key of why the ranges of a step cannot go on.
pub fn range_failure(run: RunId, step: u32) -> Vec<u8> {
    [&division(run, step)[..], &[OF_FAILURE]].concat()
}

/// The key of which of several steps cannot go on in one pass with the others.
pub fn unfit(run: RunId, step: u32) -> Vec<u8> {
    [&division(run, step)[..], &[OF_UNFIT]].concat()
}

/// The key under which a run's step keeps what was under `key`.
pub fn pre_image(run: RunId, step: u32, key: &[u8]) -> Vec<u8> {
    [
        &[tag::PRE_IMAGE],
        &run.0.to_be_bytes()[..],
        &step.to_be_bytes(),
        key,
    ]
    .concat()
}

/// The pre-images of a run.
pub fn pre_images(run: RunId) -> KeyRange {
    let prefix = |id: u64| [&[tag::PRE_IMAGE], &id.to_be_bytes()[..]].concat();
    (prefix(run.0), prefix(run.0 + 1))
}

/// The step and the key in a key made by [`pre_image`].
pub fn parse_pre_image(key: &[u8]) -> Option<(u32, &[u8])> {
    let step = key.get(9..13)?;
    Some((u32::from_be_bytes(step.try_into().ok()?), &key[13..]))
}

/// The key of the write `number` that a shadow run has still to follow.
pub fn written(number: u64) -> Vec<u8> {
    [WRITTEN, &number.to_be_bytes()].concat()
}

/// The key of the change `number` that a server was asked for.
pub fn audit(number: u64) -> Vec<u8> {
    [AUDIT, &number.to_be_bytes()].concat()
}

/// Where a shadow run keeps what would be under `key` if it were live.
pub fn shadow(key: &[u8]) -> Vec<u8> {
    [SHADOW, key].concat()
}

/// What comes between a collection's name and its end in the keys of what lies in a generation but the first one, 0: this
/// byte and the number in decimal digits. No name has it.
const OF_GENERATION: u8 = 1;

/// Whether there is one such record for each item of a collection, or more.
pub fn is_of_item(tag: u8) -> bool {
    matches!(tag, tag::ITEM | tag::APART | tag::INDEX)
}

/// The bytes of a collection's name in a key, or a bound, of what is there for its items.
pub fn name_in(key: &[u8]) -> &[u8] {
    let rest = key.get(1..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte <= OF_GENERATION);
    &rest[..end.unwrap_or(rest.len())]
}

/// A key, or a bound, of what is there for the items of a collection, in a generation of that.
pub fn in_generation(key: &[u8], generation: u64) -> Vec<u8> {
    if generation == 0 {
        return key.to_vec();
    }
    let (head, end) = key.split_at(1 + name_in(key).len());
    let number = generation.to_string();
    [head, &[OF_GENERATION], number.as_bytes(), end].concat()
}

/// Puts a key made by [`in_generation`] as it was before into `out`, and gives the generation; `None` where it is not one.
pub fn out_of_generation(key: &[u8], out: &mut Vec<u8>) -> Option<u64> {
    out.clear();
    let (head, rest) = key.split_at(1 + name_in(key).len());
    out.extend_from_slice(head);
    let Some((&OF_GENERATION, rest)) = rest.split_first() else {
        out.extend_from_slice(rest);
        return Some(0);
    };
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    out.extend_from_slice(&rest[digits..]);
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// The key of an import's checkpoint.
pub fn import(source: &Digest) -> Vec<u8> {
    [&[tag::IMPORT], &source.0[..]].concat()
}

/// The key of a part of a file on the shelf.
pub fn shelf(digest: &Digest, part: u32) -> Vec<u8> {
    [SHELF, &digest.0[..], &part.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_keys_are_ordered_by_collection_then_id_and_parse_back() {
        let (a, ab): (Name, Name) = ("a".parse().unwrap(), "ab".parse().unwrap());
        let keys = [
            item(b'D', &a, "1"),
            item(b'D', &a, "10"),
            item(b'D', &a, "2"),
            item(b'D', &ab, "0"),
        ];
        assert!(keys.is_sorted());
        assert_eq!(parse_item(&keys[1]), Some((a.clone(), "10")));
        let (from, to) = items(b'D', &a, Some("1"));
        let inside: Vec<_> = keys
            .iter()
            .filter(|key| **key >= from && **key < to)
            .collect();
        assert_eq!(inside, [&keys[1], &keys[2]]);
    }

    #[test]
    fn generations_of_a_collection_lie_beside_one_another() {
        let (a, ab): (Name, Name) = ("a".parse().unwrap(), "ab".parse().unwrap());
        let ids = ["", "\u{1}7", "x"];
        let keys: Vec<_> = [(&a, 0), (&a, 1), (&a, 10), (&a, 2), (&ab, 0), (&ab, 1)]
            .into_iter()
            .flat_map(|(name, generation)| {
                ids.map(|id| {
                    (
                        generation,
                        item(b'D', name, id),
                        in_generation(&item(b'D', name, id), generation),
                    )
                })
            })
            .collect();
        assert!(keys.is_sorted_by_key(|(_, _, key)| key), "{keys:?}");
        let mut plain = Vec::new();
        for (generation, before, key) in &keys {
            assert_eq!(out_of_generation(key, &mut plain), Some(*generation));
            assert_eq!(plain, *before);
        }
        let (from, to) = items(b'D', &a, None);
        let (from, to) = (in_generation(&from, 1), in_generation(&to, 1));
        let inside = keys
            .iter()
            .filter(|(_, _, key)| (&from..&to).contains(&key));
        assert_eq!(
            inside
                .map(|(generation, ..)| *generation)
                .collect::<Vec<_>>(),
            [1, 1, 1]
        );
    }

    #[test]
    fn the_longest_keys_fit() {
        let name: Name = "n".repeat(Name::MAX_BYTES).parse().unwrap();
        let id = "i".repeat(crate::model::item::MAX_ID_BYTES);
        let key = pre_image(RunId(u64::MAX - 1), u32::MAX, &item(b'D', &name, &id));
        assert!(key.len() <= super::super::MAX_KEY);
        assert_eq!(parse_pre_image(&key).unwrap().0, u32::MAX);
        let index = super::super::index::entry(&name, 0, &"i".repeat(512).into(), &id);
        assert!(in_generation(&index, u64::MAX).len() <= super::super::MAX_KEY);
    }
}

//! What a batch looked at, so that it can be told whether an earlier one changed it meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Name;

/// What was read: single items, and ids that were scanned.
#[derive(Debug, Default)]
pub(super) struct Reads {
    items: BTreeSet<(Name, String)>,
    /// Spans of each collection that do not touch each other, by where they begin.
    spans: BTreeMap<Name, Spans>,
}

/// Behind which id a span begins (`None`: with the first one), and the last one that it has (`None`: to
/// the end).
type Spans = BTreeMap<Option<String>, Option<String>>;

/// Ids of a collection that were scanned: behind `after`, to `upto` (`None`: the end).
#[derive(Debug)]
pub(super) struct Range {
    pub collection: Name,
    pub after: Option<String>,
    pub upto: Option<String>,
}

impl Range {
    pub(super) fn contains(&self, collection: &Name, id: &str) -> bool {
        *collection == self.collection
            && self.after.as_deref().is_none_or(|after| id > after)
            && self.upto.as_deref().is_none_or(|upto| id <= upto)
    }
}

impl Reads {
    /// Notes that an item was looked for.
    pub(super) fn add_item(&mut self, collection: Name, id: String) {
        self.items.insert((collection, id));
    }

    /// Notes that ids were scanned.
    pub(super) fn add_range(&mut self, range: Range) {
        let Range {
            collection,
            mut after,
            mut upto,
        } = range;
        let spans = self.spans.entry(collection).or_default();
        let before = spans.range(..=after.clone()).next_back();
        if let Some((begin, end)) = before.filter(|(_, end)| reaches(end.as_ref(), after.as_ref()))
        {
            after.clone_from(begin);
            upto = later(upto, end.clone());
        }
        let begin_within: Vec<_> = spans
            .range(after.clone()..)
            .map(|(begin, _)| begin.clone())
            .take_while(|begin| reaches(upto.as_ref(), begin.as_ref()))
            .collect();
        for begin in begin_within {
            let end = spans.remove(&begin).expect("it was just found");
            upto = later(upto, end);
        }
        spans.insert(after, upto);
    }

    /// Whether anything of `changed` was read.
    pub(super) fn touch(&self, changed: &BTreeSet<(Name, String)>) -> bool {
        changed.iter().any(|key| self.contains(key))
    }

    fn contains(&self, key: &(Name, String)) -> bool {
        let (collection, id) = key;
        let span = self.spans.get(collection).and_then(|spans| {
            let behind = spans.range(..Some(id.clone()));
            behind.map(|(_, end)| end).next_back()
        });
        let is_scanned = span.is_some_and(|end| end.as_ref().is_none_or(|end| id <= end));
        is_scanned || self.items.contains(key)
    }

    /// Adds what another part of the batch read.
    pub(super) fn append(&mut self, mut other: Self) {
        self.items.append(&mut other.items);
        for (collection, spans) in other.spans {
            for (after, upto) in spans {
                let collection = collection.clone();
                self.add_range(Range {
                    collection,
                    after,
                    upto,
                });
            }
        }
    }

    /// How many entries it has.
    pub(super) fn len(&self) -> usize {
        self.items.len() + self.spans.values().map(BTreeMap::len).sum::<usize>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether a span that ends at `end` leaves nothing out before one that begins behind `begin`.
fn reaches(end: Option<&String>, begin: Option<&String>) -> bool {
    end.is_none_or(|end| Some(end) >= begin)
}

/// The later one of two ends.
fn later(one: Option<String>, other: Option<String>) -> Option<String> {
    Some(one?.max(other?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> Name {
        "c".parse().unwrap()
    }

    fn id() -> impl Strategy<Value = Option<String>> {
        proptest::option::of("[a-f]{1,2}")
    }

    proptest! {
        #[test]
        fn spans_hold_what_was_scanned_and_nothing_else(
            scanned in proptest::collection::vec((id(), id()), 0..12),
            asked in proptest::collection::vec("[a-g]{1,3}", 1..20),
        ) {
            let mut reads = Reads::default();
            let mut ranges = Vec::new();
            for (after, upto) in scanned {
                // The end of a scan never lies before its beginning.
                let upto = upto.filter(|upto| Some(upto) >= after.as_ref());
                let range = || Range {
                    collection: name(),
                    after: after.clone(),
                    upto: upto.clone(),
                };
                ranges.push(range());
                reads.add_range(range());
            }
            for id in asked {
                let expected = ranges.iter().any(|range| range.contains(&name(), &id));
                let found = reads.touch(&BTreeSet::from([(name(), id.clone())]));
                prop_assert_eq!(found, expected, "{}: {:?}", id, reads);
            }
            // Spans do not touch each other.
            let spans: Vec<_> = reads.spans.values().flatten().collect();
            for pair in spans.windows(2) {
                prop_assert!(!reaches(pair[0].1.as_ref(), pair[1].0.as_ref()), "{:?}", reads);
            }
        }
    }
}

//! Items in flat columns, as they cross the boundary.

use std::ops::Range;

use crate::Item;

/// Items that are fed together, in order of their ids.
///
/// They lie in four columns, as the contract lays them out; an [`Item`] borrows from these and copies nothing.
///
/// ```
/// use godwit_plugin::{Batch, Item};
///
/// let batch: Batch = [Item::new("a", b"1"), Item::new("b", b"2")].into_iter().collect();
/// assert_eq!(batch.len(), 2);
/// assert_eq!(batch.iter().map(|item| item.id().to_owned()).collect::<Vec<_>>(), ["a", "b"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    ids: String,
    id_ends: Vec<u32>,
    bodies: Vec<u8>,
    body_ends: Vec<u32>,
}

impl Batch {
    #[cfg(any(target_arch = "wasm32", test))]
    /// Takes columns over as the host sent them.
    ///
    /// # Panics
    /// When they don't fit together; a host keeps its side of the contract, or nothing here can be trusted.
    pub(crate) fn from_columns(
        ids: Vec<u8>,
        id_ends: Vec<u32>,
        bodies: Vec<u8>,
        body_ends: Vec<u32>,
    ) -> Self {
        assert_eq!(id_ends.len(), body_ends.len(), "as many ids as bodies");
        Self {
            ids: String::from_utf8(ids).expect("the host sends ids in UTF-8"),
            id_ends,
            bodies,
            body_ends,
        }
    }

    /// How many items it has.
    pub fn len(&self) -> usize {
        self.id_ends.len()
    }

    /// Whether it has no items.
    pub fn is_empty(&self) -> bool {
        self.id_ends.is_empty()
    }

    /// The items, in order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Item<'_>> {
        (0..self.len()).map(|index| {
            Item::new(
                &self.ids[span(&self.id_ends, index)],
                &self.bodies[span(&self.body_ends, index)],
            )
        })
    }

    /// How many bytes the bodies take together.
    pub(crate) fn body_bytes(&self) -> usize {
        self.bodies.len()
    }
}

impl<'a> FromIterator<Item<'a>> for Batch {
    fn from_iter<I: IntoIterator<Item = Item<'a>>>(items: I) -> Self {
        let mut batch = Self::default();
        for item in items {
            batch.ids.push_str(item.id());
            batch.id_ends.push(end(batch.ids.len()));
            batch.bodies.extend_from_slice(item.bytes());
            batch.body_ends.push(end(batch.bodies.len()));
        }
        batch
    }
}

/// Where the entry lies whose end is `ends[index]`.
pub(crate) fn span(ends: &[u32], index: usize) -> Range<usize> {
    let start = if index == 0 { 0 } else { ends[index - 1] };
    start as usize..ends[index] as usize
}

/// A column's length as an end; a sandbox has 4 GiB at most, so that it always fits.
pub(crate) fn end(length: usize) -> u32 {
    u32::try_from(length).expect("a column holds less than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_cut_at_their_ends() {
        let batch = Batch::from_columns(
            "aäb".into(),
            vec![1, 1, 3, 4],
            b"12345".to_vec(),
            vec![0, 2, 2, 5],
        );
        let items: Vec<_> = batch.iter().collect();
        assert_eq!(items[0], Item::new("a", b""));
        assert_eq!(items[1], Item::new("", b"12"));
        assert_eq!(items[2], Item::new("ä", b""));
        assert_eq!(items[3], Item::new("b", b"345"));
        assert_eq!(items.into_iter().collect::<Batch>(), batch);
    }

    #[test]
    #[should_panic(expected = "as many ids as bodies")]
    fn columns_of_different_lengths_are_refused() {
        Batch::from_columns(Vec::new(), vec![0], Vec::new(), Vec::new());
    }
}

//! A graph of what comes before what, and its order.

use std::collections::BTreeSet;

/// What comes before what, by number.
pub(super) struct Graph {
    before: Vec<BTreeSet<usize>>,
}

impl Graph {
    /// `size` nodes that may come in any order.
    pub fn new(size: usize) -> Self {
        Self {
            before: vec![BTreeSet::new(); size],
        }
    }

    /// Demands that `first` comes before `second`.
    pub fn order(&mut self, first: usize, second: usize) {
        self.before[second].insert(first);
    }

    /// All nodes in order, the lowest number first wherever there is a choice.
    ///
    /// # Errors
    /// A circle: each node in it comes after the next one, the last after the first.
    pub fn sorted(&self) -> Result<Vec<usize>, Vec<usize>> {
        let mut left: BTreeSet<usize> = (0..self.before.len()).collect();
        let mut sorted = Vec::new();
        while !left.is_empty() {
            let is_ready = |node: &usize| self.before[*node].is_disjoint(&left);
            let Some(next) = left.iter().copied().find(is_ready) else {
                return Err(self.circle(&left));
            };
            left.remove(&next);
            sorted.push(next);
        }
        Ok(sorted)
    }

    /// Walks backwards among nodes that all wait for another of them, until one comes again.
    fn circle(&self, left: &BTreeSet<usize>) -> Vec<usize> {
        let mut path: Vec<usize> = left.first().copied().into_iter().collect();
        while let Some(&last) = path.last() {
            let before = self.before[last].intersection(left).next();
            let &next = before.expect("whatever is left waits for something that is left");
            if let Some(start) = path.iter().position(|node| *node == next) {
                path.drain(..start);
                break;
            }
            path.push(next);
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(size: usize, edges: &[(usize, usize)]) -> Result<Vec<usize>, Vec<usize>> {
        let mut graph = Graph::new(size);
        edges
            .iter()
            .for_each(|(first, second)| graph.order(*first, *second));
        graph.sorted()
    }

    #[test]
    fn the_lowest_comes_first_where_there_is_a_choice() {
        assert_eq!(sorted(3, &[]), Ok(vec![0, 1, 2]));
        assert_eq!(sorted(4, &[(3, 0), (0, 1)]), Ok(vec![2, 3, 0, 1]));
    }

    #[test]
    fn a_circle_is_told_without_what_waits_for_it() {
        assert_eq!(
            sorted(5, &[(0, 1), (1, 3), (3, 2), (2, 1), (3, 4)]),
            Err(vec![1, 2, 3])
        );
    }
}

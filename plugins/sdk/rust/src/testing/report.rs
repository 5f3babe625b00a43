//! What became of the items that were fed.

use std::fmt;

/// What became of each item that a migration was fed, in the order of feeding.
///
/// An update to a body that says the same as the old one counts as unchanged, as it does for the real host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    entries: Vec<(String, Became)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Became {
    Unchanged,
    Updated,
    Removed,
    Failed(String),
}

impl Report {
    /// The ids of items that were left as they were.
    pub fn unchanged(&self) -> Vec<&str> {
        self.ids_of(&Became::Unchanged)
    }

    /// The ids of items that got a new body.
    pub fn updated(&self) -> Vec<&str> {
        self.ids_of(&Became::Updated)
    }

    /// The ids of items that were deleted.
    pub fn removed(&self) -> Vec<&str> {
        self.ids_of(&Became::Removed)
    }

    /// The ids of items that failed, each with the reason.
    pub fn failed(&self) -> Vec<(&str, &str)> {
        self.entries
            .iter()
            .filter_map(|(id, became)| match became {
                Became::Failed(reason) => Some((id.as_str(), reason.as_str())),
                Became::Unchanged | Became::Updated | Became::Removed => None,
            })
            .collect()
    }

    pub(super) fn add(&mut self, id: &str, became: Became) {
        self.entries.push((id.to_owned(), became));
    }

    fn ids_of(&self, wanted: &Became) -> Vec<&str> {
        self.entries
            .iter()
            .filter(|(_, became)| became == wanted)
            .map(|(id, _)| id.as_str())
            .collect()
    }
}

/// Prints the counts.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} unchanged, {} updated, {} removed, {} failed",
            self.unchanged().len(),
            self.updated().len(),
            self.removed().len(),
            self.failed().len()
        )
    }
}

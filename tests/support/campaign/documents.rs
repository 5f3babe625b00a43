//! The documents of a campaign, and what has to become of each of them.

use std::fmt::Write;

use serde_json::Value;

use crate::store_conformance::Dice;

/// The versions that the two guests lead to, one after the other.
pub const VERSIONS: [&str; 2] = ["2.0.0", "3.0.0"];

/// Documents of about 1 KB: the same ones for the same seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Documents {
    /// What their texts are drawn from.
    pub seed: u64,
    /// How many there are.
    pub count: usize,
}

/// What becomes of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Each version is appended to its trail.
    Appended,
    /// It stays as it is.
    Kept,
    /// It is removed by the first version.
    Removed,
    /// It fails the first version.
    Failed,
}

impl Documents {
    /// The id of a document; ids are in the order of their numbers.
    pub fn id(number: usize) -> String {
        format!("document-{number:07}")
    }

    /// What becomes of a document. The numbers are prime, so that every combination with
    /// [`Documents::is_counted`] occurs.
    pub fn fate(number: usize) -> Fate {
        match number {
            _ if Self::is_bad(number) || Self::panics(number) => Fate::Failed,
            _ if number % 53 == 11 => Fate::Removed,
            _ if number % 41 == 5 => Fate::Kept,
            _ => Fate::Appended,
        }
    }

    /// Whether a document adds 1 to the tally when it is migrated.
    pub fn is_counted(number: usize) -> bool {
        number % 17 == 3
    }

    fn is_bad(number: usize) -> bool {
        number % 97 == 13
    }

    fn panics(number: usize) -> bool {
        number % 1009 == 500
    }

    /// A document as it is imported.
    pub fn body(&self, number: usize) -> String {
        let mut dice = Dice::new(self.seed ^ (number as u64) << 20);
        let mut body = format!("{{\"_id\":\"{}\",\"number\":{number}", Self::id(number));
        for (member, is_set) in [
            ("tally", Self::is_counted(number)),
            ("bad", Self::is_bad(number)),
            ("panic", Self::panics(number)),
            ("remove", number % 53 == 11),
            ("keep", number % 41 == 5),
        ] {
            if is_set {
                let _ = write!(body, ",\"{member}\":true");
            }
        }
        if number.is_multiple_of(3) {
            body.push_str(",\"trail\":[\"1.0.0\"]");
        }
        body.push_str(",\"text\":\"");
        for _ in 0..100 + dice.below(60) {
            let _ = write!(body, "{:06x} ", dice.below(1 << 24));
        }
        body + "\"}"
    }

    /// All documents, one a line.
    pub fn lines(&self) -> String {
        (0..self.count).fold(String::new(), |mut lines, number| {
            lines += &self.body(number);
            lines.push('\n');
            lines
        })
    }

    /// What a document is once `versions` of [`VERSIONS`] were applied to it; `None`: gone.
    pub fn after(&self, number: usize, versions: usize) -> Option<Value> {
        let mut body: Value = serde_json::from_str(&self.body(number)).expect("it is JSON");
        match Self::fate(number) {
            Fate::Removed if versions > 0 => return None,
            Fate::Removed | Fate::Failed | Fate::Kept => {}
            Fate::Appended => {
                let members = body.as_object_mut().expect("it is an object");
                if versions > 0 {
                    let trail = members
                        .entry("trail")
                        .or_insert_with(|| Value::Array(Vec::new()));
                    let trail = trail.as_array_mut().expect("it is a list");
                    trail.extend(
                        VERSIONS[..versions]
                            .iter()
                            .map(|version| Value::from(*version)),
                    );
                }
            }
        }
        Some(body)
    }

    /// By how much a document raises the tally when one of [`VERSIONS`] is applied to it.
    pub fn tally(number: usize, version: usize) -> u64 {
        let is_there = match Self::fate(number) {
            Fate::Appended | Fate::Kept => true,
            Fate::Removed => version == 0,
            Fate::Failed => false,
        };
        u64::from(Self::is_counted(number) && is_there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_fates_and_tallies_occurs() {
        for fate in [Fate::Appended, Fate::Kept, Fate::Removed, Fate::Failed] {
            for counted in [false, true] {
                let is_such = |number: &usize| {
                    Documents::fate(*number) == fate && Documents::is_counted(*number) == counted
                };
                assert!(
                    (0..2_000).any(|number| is_such(&number)),
                    "{fate:?} {counted}"
                );
            }
        }
    }

    #[test]
    fn versions_are_appended_to_the_trail_there_is() {
        let documents = Documents { seed: 1, count: 4 };
        let trail = |number, versions| documents.after(number, versions).unwrap()["trail"].clone();
        assert_eq!(trail(0, 2), serde_json::json!(["1.0.0", "2.0.0", "3.0.0"]));
        assert_eq!(trail(1, 1), serde_json::json!(["2.0.0"]));
        assert_eq!(documents.after(11, 1), None);
    }
}

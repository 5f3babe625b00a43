//! Everything that a store keeps, but for what may differ between two runs of the same work.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use godwit::store::Backend;
use serde_json::Value;

use super::Result;
use super::score::{Kind, Violation};

/// Members of records that hold times and random numbers. No document of a campaign has them.
const VARIABLE: [&str; 4] = ["\"at\":", "\"started_at\":", "\"changed_at\":", "\"seed\":"];

/// The key of the lease, which counts the commands that were given.
const LEASE: &[u8] = b"L";
/// The tags of keys, as ARCHITECTURE.md lists them.
const ITEM: u8 = b'D';
const PRE_IMAGE: u8 = b'Z';
const CONTENT: [u8; 5] = [b'C', ITEM, b'I', b'N', b'X'];

/// Everything that a store keeps, but for the lease, times and seeds: equal for two runs of the
/// same work, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome(BTreeMap<Vec<u8>, Vec<u8>>);

impl Outcome {
    /// Reads a store.
    pub fn read(backend: &dyn Backend) -> Result<Self> {
        let mut entries = BTreeMap::new();
        backend.scan(&[0], &[u8::MAX], &mut |key, value| {
            if key != LEASE {
                let is_item = key[0] == ITEM;
                let value = if is_item {
                    value.to_vec()
                } else {
                    without_variables(value)
                };
                entries.insert(key.to_vec(), value);
            }
            ControlFlow::Continue(())
        })?;
        Ok(Self(entries))
    }

    /// What the store holds, without what was done to it: collections, items, indexes, tallies and
    /// quarantine.
    pub fn content(&self) -> Self {
        let content = self.0.iter().filter(|(key, _)| CONTENT.contains(&key[0]));
        Self(
            content
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }

    /// How many pre-images there are.
    pub fn pre_images(&self) -> usize {
        self.0.keys().filter(|key| key[0] == PRE_IMAGE).count()
    }

    /// Writes it to a file, for another process.
    pub fn save(&self, file: &Path) -> Result<()> {
        let mut bytes = Vec::new();
        for part in self.0.iter().flat_map(|(key, value)| [key, value]) {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        Ok(std::fs::write(file, bytes)?)
    }

    /// Reads what [`Outcome::save`] wrote.
    pub fn load(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file)?;
        let (mut rest, mut parts) = (&bytes[..], Vec::new());
        while let Some((length, behind)) = rest.split_first_chunk::<8>() {
            let (part, behind) = behind.split_at(u64::from_be_bytes(*length) as usize);
            parts.push(part.to_vec());
            rest = behind;
        }
        let pairs = parts
            .chunks_exact(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()));
        Ok(Self(pairs.collect()))
    }

    /// What is otherwise than in `expected`; the first few of each kind are enough.
    pub fn compare(&self, expected: &Self) -> Vec<Violation> {
        let keys = self
            .0
            .keys()
            .chain(expected.0.keys().filter(|key| !self.0.contains_key(*key)));
        let mut found = Vec::new();
        for key in keys {
            let (here, there) = (self.0.get(key), expected.0.get(key));
            if here != there {
                found.push(difference(key, here, there));
            }
        }
        found.sort_by_key(|violation| violation.kind);
        found.truncate(12);
        found
    }
}

fn difference(key: &[u8], here: Option<&Vec<u8>>, there: Option<&Vec<u8>>) -> Violation {
    let kind = match (here, there) {
        _ if key[0] != ITEM => Kind::Different,
        (None, _) => Kind::Lost,
        (Some(here), Some(there)) if steps(here) > steps(there) => Kind::Doubled,
        (Some(here), Some(there)) if steps(here) < steps(there) => Kind::Lost,
        (Some(_), _) => Kind::Different,
    };
    let shown = |value: Option<&Vec<u8>>| {
        let text = value.map_or("nothing".to_owned(), |value| {
            value.escape_ascii().to_string()
        });
        text.chars().take(700).collect::<String>()
    };
    kind.because(format!(
        "{} is\n    {}\n  not\n    {}",
        key.escape_ascii(),
        shown(here),
        shown(there)
    ))
}

/// How often something was done to an item: what a version that is carried out twice raises.
fn steps(record: &[u8]) -> Option<usize> {
    let start = record.iter().position(|byte| *byte == b'{')?;
    let body: Value = serde_json::from_slice(&record[start..]).ok()?;
    match body.get("count").and_then(Value::as_u64) {
        Some(count) => usize::try_from(count).ok(),
        None => Some(
            body.get("trail")
                .and_then(Value::as_array)
                .map_or(0, Vec::len),
        ),
    }
}

fn without_variables(value: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(value.len());
    let mut rest = value;
    'bytes: while let Some((first, behind)) = rest.split_first() {
        for name in VARIABLE {
            if let Some(behind) = rest.strip_prefix(name.as_bytes()) {
                kept.extend_from_slice(name.as_bytes());
                let digits = behind
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                rest = &behind[digits..];
                continue 'bytes;
            }
        }
        kept.push(*first);
        rest = behind;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store_conformance::put;
    use godwit::store::Memory;

    fn outcome(entries: &[(&str, &str)]) -> Outcome {
        let memory = Memory::new();
        entries
            .iter()
            .for_each(|(key, value)| put(&memory, key.as_bytes(), value.as_bytes()));
        Outcome::read(&memory).unwrap()
    }

    #[test]
    fn times_seeds_and_the_lease_do_not_count() {
        let one = outcome(&[("L", "1"), ("R1", r#"{"seed":12,"started_at":3,"id":1}"#)]);
        let other = outcome(&[("L", "2"), ("R1", r#"{"seed":4,"started_at":567,"id":1}"#)]);
        assert_eq!(one.compare(&other), []);
        let third = outcome(&[("R1", r#"{"seed":4,"started_at":567,"id":2}"#)]);
        assert_eq!(one.compare(&third)[0].kind, Kind::Different);
    }

    #[test]
    fn what_is_lost_and_what_is_doubled_is_told_apart() {
        let expected = outcome(&[("Da", r#"x{"trail":["2"]}"#), ("Dt", r#"x{"count":2}"#)]);
        let lost = outcome(&[("Da", r#"x{"trail":["2"]}"#), ("Dt", r#"x{"count":1}"#)]);
        let doubled = outcome(&[("Da", r#"x{"trail":["2","2"]}"#), ("Dt", r#"x{"count":2}"#)]);
        let gone = outcome(&[("Dt", r#"x{"count":2}"#)]);
        assert_eq!(lost.compare(&expected)[0].kind, Kind::Lost);
        assert_eq!(doubled.compare(&expected)[0].kind, Kind::Doubled);
        assert_eq!(gone.compare(&expected)[0].kind, Kind::Lost);
    }

    #[test]
    fn an_outcome_is_loaded_as_it_was_saved() {
        let folder = tempfile::TempDir::new().unwrap();
        let saved = outcome(&[("Da", "1"), ("Db", ""), ("X", "3")]);
        saved.save(&folder.path().join("outcome")).unwrap();
        assert_eq!(
            Outcome::load(&folder.path().join("outcome")).unwrap(),
            saved
        );
    }
}

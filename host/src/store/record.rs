//! Records at rest. Items and pre-images are binary, everything else is JSON.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::StoreError;
use crate::model::{Name, RunId, Version};

/// The newest format that this build reads.
pub const FORMAT: u32 = 2;
/// The format of a store that never had a shadow run, which has no generations.
pub const PLAIN_FORMAT: u32 = 1;

/// The first byte of an item's record.
const ITEM_LAYOUT: u8 = 1;

/// What stands before an item's body: the layout (1 byte), the length of the version (1 byte), the
/// version as text, and the run that wrote the item last (8 bytes, big-endian; 0 is an import).
pub fn item_header(version: &Version, writer: RunId) -> Vec<u8> {
    let version = version.to_string();
    let length = u8::try_from(version.len()).expect("versions have at most 128 bytes");
    [
        &[ITEM_LAYOUT, length],
        version.as_bytes(),
        &writer.0.to_be_bytes(),
    ]
    .concat()
}

/// An item's record, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemRecord<'a> {
    /// Everything before the body.
    pub header: &'a [u8],
    /// The version that the item was written with, as text.
    pub version: &'a str,
    /// The run that wrote the item last.
    pub writer: RunId,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> ItemRecord<'a> {
    /// Takes a record apart.
    pub fn parse(record: &'a [u8]) -> Result<Self, StoreError> {
        Self::split(record).ok_or_else(|| StoreError::Damaged {
            place: "an item's record".to_owned(),
            reason: "its header cannot be read".to_owned(),
        })
    }

    fn split(record: &'a [u8]) -> Option<Self> {
        let (&[layout, length], rest) = record.split_first_chunk()?;
        let (version, rest) = rest.split_at_checked(length.into())?;
        let (writer, body) = rest.split_first_chunk()?;
        let header = &record[..record.len() - body.len()];
        let version = std::str::from_utf8(version).ok()?;
        let writer = RunId(u64::from_be_bytes(*writer));
        (layout == ITEM_LAYOUT).then_some(Self {
            header,
            version,
            writer,
            body,
        })
    }

    /// The version that the item was written with.
    pub fn stamp(&self) -> Result<Version, StoreError> {
        self.version
            .parse()
            .map_err(|error: semver::Error| StoreError::Damaged {
                place: "an item's record".to_owned(),
                reason: error.to_string(),
            })
    }
}

/// What a collection is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// The app that it belongs to.
    pub app: Name,
    /// The version that its items have, unless they say otherwise.
    pub level: Option<Version>,
    /// The highest version that any item was ever written with.
    pub newest: Option<Version>,
    /// The lowest version among the items that wait to be brought up to date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_waiting: Option<Version>,
    /// Whether bodies are bytes of any kind; otherwise they are JSON.
    #[serde(default)]
    pub opaque: bool,
    /// Its indexes.
    #[serde(default)]
    pub indexes: Vec<Index>,
    /// The number that the next index gets; numbers are not used again.
    #[serde(default)]
    pub next_index: u32,
    /// The rewrite steps that are under way; there are several where they are carried out in one pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub under_way: Vec<UnderWay>,
}

impl Collection {
    /// An empty collection.
    pub fn new(app: Name, level: Option<Version>) -> Self {
        Self {
            app,
            newest: level.clone(),
            level,
            oldest_waiting: None,
            opaque: false,
            indexes: Vec::new(),
            next_index: 0,
            under_way: Vec::new(),
        }
    }

    /// The version that an item has that is not apart from the collection: of its stamp, and of the steps under way that it
    /// has passed, those of a way back lead below the collection's level.
    pub fn version_of<'a>(
        &self,
        stamp: Version,
        passed: impl IntoIterator<Item = &'a Version>,
    ) -> Version {
        let level = self.level.as_ref();
        let version = level.map_or(&stamp, |level| level.max(&stamp)).clone();
        passed.into_iter().fold(version, |version, passed| {
            if level > Some(passed) {
                passed.clone()
            } else {
                version.max(passed.clone())
            }
        })
    }

    /// Notes versions of items that were written: the newest one, and the oldest of those that wait.
    pub fn note_versions(&mut self, newest: Option<Version>, waiting: Option<Version>) {
        self.newest = self.newest.take().max(newest);
        let waiting = [self.oldest_waiting.take(), waiting];
        self.oldest_waiting = waiting.into_iter().flatten().min();
    }

    /// Marks a rewrite step of a run, which leads to a version, as being under way.
    pub fn begin(&mut self, run: RunId, step: u32, version: &Version) {
        let under_way = UnderWay {
            run,
            step,
            version: version.clone(),
        };
        if !self.under_way.contains(&under_way) {
            self.under_way.push(under_way);
        }
    }

    /// Gives the collection the version that a rewrite step leads to, which is no longer under way.
    pub fn end(&mut self, run: RunId, step: u32, version: &Version) {
        self.under_way
            .retain(|under_way| (under_way.run, under_way.step) != (run, step));
        self.level = Some(version.clone());
        self.newest = self.newest.take().max(self.level.clone());
    }

    /// Gives the collection the older version that a way back leads to, which is no longer under way.
    pub fn lower(&mut self, run: RunId, step: u32, version: &Version) {
        self.under_way
            .retain(|under_way| (under_way.run, under_way.step) != (run, step));
        let lower = |known: Option<Version>| known.map(|known| known.min(version.clone()));
        self.level = lower(self.level.take());
        self.newest = lower(self.newest.take());
    }
}

/// An index on the value at a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its number within the collection.
    pub number: u32,
    /// The pointer.
    pub pointer: String,
    /// Whether every item has its entry, so that it may be queried.
    pub ready: bool,
}

/// A rewrite step under way over a whole collection: items up to its checkpoint have the version
/// that it leads to. That of a way back is below the collection's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderWay {
    /// The run.
    pub run: RunId,
    /// The step's number in the run.
    pub step: u32,
    /// The version that it leads to.
    pub version: Version,
}

/// How many items a collection has, and how many of them are apart from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Tallies {
    /// Items.
    pub items: u64,
    /// Items in quarantine that nobody has accepted.
    pub open: u64,
    /// Items in quarantine that were accepted by name.
    pub accepted: u64,
    /// Items that wait to be brought up to date.
    pub waiting: u64,
}

impl Tallies {
    /// Items that are apart from their collection.
    pub fn apart(&self) -> u64 {
        self.open + self.accepted + self.waiting
    }
}

/// What was under a key before a step of a run changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreImage<'a> {
    /// Whether the step left something under the key.
    pub left: bool,
    /// What was there; `None`: nothing.
    pub before: Option<&'a [u8]>,
}

impl<'a> PreImage<'a> {
    /// The byte that stands before the old value: bit 0, something was left; bit 1, something was
    /// there.
    pub fn flags(before: bool, left: bool) -> u8 {
        u8::from(left) | u8::from(before) << 1
    }

    /// Takes a record apart.
    pub fn parse(record: &'a [u8]) -> Result<Self, StoreError> {
        match record.split_first() {
            Some((flags @ 0..4, rest)) => Ok(Self {
                left: flags & 1 != 0,
                before: (flags & 2 != 0).then_some(rest),
            }),
            _ => Err(StoreError::Damaged {
                place: "a pre-image".to_owned(),
                reason: "its flags cannot be read".to_owned(),
            }),
        }
    }
}

/// The numbers given out last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Numbers {
    /// Of runs.
    pub run: u64,
    /// Of the history's facts.
    pub history: u64,
    /// Of the generations that shadow runs made.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Reads a JSON record.
pub fn from_json<T: DeserializeOwned>(key: &[u8], record: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(record).map_err(|error| StoreError::Damaged {
        place: format!("the record {}", key.escape_ascii()),
        reason: error.to_string(),
    })
}

/// Writes a JSON record.
pub fn to_json<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(record).expect("records have string keys and cannot fail to serialise")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_taken_apart_as_they_were_put_together() {
        let version = Version::parse("1.2.3-rc.1+x").unwrap();
        let record = [&item_header(&version, RunId(7))[..], b"{}"].concat();
        let parsed = ItemRecord::parse(&record).unwrap();
        assert_eq!(parsed.stamp().unwrap(), version);
        assert_eq!((parsed.writer, parsed.body), (RunId(7), &b"{}"[..]));
        for cut in 0..record.len() - 2 {
            assert!(ItemRecord::parse(&record[..cut]).is_err());
        }
    }
}

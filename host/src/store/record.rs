//! Records at rest. Items and pre-images are binary, everything else is JSON.

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _, Serialize};

use super::StoreError;
use crate::model::{Name, Purpose, Run, RunId, RunState, Version};

/// The newest format that this build reads.
pub const FORMAT: u32 = 2;
/// The format of a store that never had a shadow run, which has no generations.
pub const PLAIN_FORMAT: u32 = 1;

/// The first byte of an item's record.
const ITEM_LAYOUT: u8 = 1;

/// What stands before an item's body: the layout (1 byte), the length of the version (1 byte), the
/// version as text, and the run that wrote the item last (8 bytes, big-endian; 0 is an import).
pub fn item_header(version: &Version, writer: RunId) -> Vec<u8> {
    item_header_of(&version.to_string(), writer).expect("versions have at most 128 bytes")
}

/// The same of a version as text; `None` where that is too long.
pub fn item_header_of(version: &str, writer: RunId) -> Option<Vec<u8>> {
    let length = u8::try_from(version.len()).ok()?;
    let parts = [
        &[ITEM_LAYOUT, length],
        version.as_bytes(),
        &writer.0.to_be_bytes(),
    ];
    Some(parts.concat())
}

/// An item's record, taken apart.
///
/// ```
/// use godwit::model::{RunId, Version};
/// use godwit::store::ItemRecord;
///
/// let record = ItemRecord::parse(b"\x01\x051.2.0\0\0\0\0\0\0\0\x07{}")?;
/// assert_eq!(record.stamp()?, Version::new(1, 2, 0));
/// assert_eq!(record.writer, RunId(7));
/// assert_eq!(record.body, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    ///
    /// ```
    /// use godwit::store::ItemRecord;
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// # let holder = godwit::store::Holder { name: "me".to_owned(), process: None };
    /// # let claim = godwit::store::Claim { holder, purpose: "up", duration: 15_000, nonce: 7, is_gone: &|_| false };
    /// # let mut lease = godwit::store::Lease::acquire(&store, &|| godwit::model::Timestamp(0), &claim)?;
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// # let (version, body) = (godwit::model::Version::new(1, 0, 0), br#"{"done": false}"#);
    /// # let mut write = store.write(godwit::model::RunId(0), None);
    /// # write.set_collection(&notes, godwit::store::Collection::new("app".parse()?, None))?;
    /// # write.set_item(&notes, "first", None, Some((&version, body.into())), godwit::store::Visit::Once)?;
    /// # write.commit(&mut lease, godwit::model::Timestamp(0))?;
    /// let record = store.item_record(&notes, "first")?.ok_or("there is no item")?;
    /// assert_eq!(ItemRecord::parse(&record)?.version, "1.0.0");
    /// assert!(ItemRecord::parse(b"no record").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
///
/// ```
/// use godwit::store::Collection;
///
/// let notes = Collection::new("app".parse()?, Some("1.0.0".parse()?));
/// assert_eq!(notes.newest, notes.level);
/// assert!(!notes.opaque && notes.indexes.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    ///
    /// ```
    /// use godwit::model::Version;
    /// use godwit::store::Collection;
    ///
    /// let (old, new) = (Version::new(1, 0, 0), Version::new(2, 0, 0));
    /// let notes = Collection::new("app".parse()?, Some(old.clone()));
    /// assert_eq!(notes.version_of(old.clone(), []), old);
    /// assert_eq!(notes.version_of(old, [&new]), new);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    ///
    /// ```
    /// use godwit::model::Version;
    /// use godwit::store::Collection;
    ///
    /// let mut notes = Collection::new("app".parse()?, Some(Version::new(2, 0, 0)));
    /// let old = Version::new(1, 0, 0);
    /// notes.note_versions(Some(old.clone()), Some(old.clone()));
    /// assert_eq!(notes.newest, Some(Version::new(2, 0, 0)));
    /// assert_eq!(notes.oldest_waiting, Some(old));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn note_versions(&mut self, newest: Option<Version>, waiting: Option<Version>) {
        self.newest = self.newest.take().max(newest);
        let waiting = [self.oldest_waiting.take(), waiting];
        self.oldest_waiting = waiting.into_iter().flatten().min();
    }

    /// Marks a rewrite step of a run, which leads to a version, as being under way.
    ///
    /// ```
    /// use godwit::model::{RunId, Version};
    /// use godwit::store::Collection;
    ///
    /// let mut notes = Collection::new("app".parse()?, None);
    /// notes.begin(RunId(1), 0, &Version::new(1, 0, 0));
    /// notes.begin(RunId(1), 0, &Version::new(1, 0, 0));
    /// assert_eq!(notes.under_way.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn begin(&mut self, run: RunId, step: u32, version: &Version) {
        let is_meant = |other: &&mut UnderWay| (other.run, &other.version) == (run, version);
        match self.under_way.iter_mut().find(is_meant) {
            Some(under_way) => under_way.step = step,
            None => self.under_way.push(UnderWay {
                run,
                step,
                version: version.clone(),
            }),
        }
    }

    /// Gives the collection the version that a rewrite step leads to, which is no longer under way.
    ///
    /// ```
    /// use godwit::model::{RunId, Version};
    /// use godwit::store::Collection;
    ///
    /// let mut notes = Collection::new("app".parse()?, None);
    /// let version = Version::new(1, 0, 0);
    /// notes.begin(RunId(1), 0, &version);
    /// notes.end(RunId(1), 0, &version);
    /// assert_eq!(notes.level, Some(version));
    /// assert!(notes.under_way.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn end(&mut self, run: RunId, step: u32, version: &Version) {
        self.under_way
            .retain(|under_way| (under_way.run, under_way.step) != (run, step));
        self.level = Some(version.clone());
        self.newest = self.newest.take().max(self.level.clone());
    }

    /// Gives the collection the older version that a way back leads to, which is no longer under way.
    ///
    /// ```
    /// use godwit::model::{RunId, Version};
    /// use godwit::store::Collection;
    ///
    /// let mut notes = Collection::new("app".parse()?, Some(Version::new(2, 0, 0)));
    /// notes.lower(RunId(1), 0, &Version::new(1, 0, 0));
    /// assert_eq!(notes.level, Some(Version::new(1, 0, 0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lower(&mut self, run: RunId, step: u32, version: &Version) {
        self.under_way
            .retain(|under_way| (under_way.run, under_way.step) != (run, step));
        let lower = |known: Option<Version>| known.map(|known| known.min(version.clone()));
        self.level = lower(self.level.take());
        self.newest = lower(self.newest.take());
    }
}

/// An index on the value at a JSON pointer.
///
/// ```
/// use godwit::store::{Collection, Index};
///
/// let mut notes = Collection::new("app".parse()?, None);
/// notes.indexes.push(Index {
///     number: notes.next_index,
///     pointer: "/done".to_owned(),
///     ready: false,
/// });
/// notes.next_index += 1;
/// assert!(!notes.indexes[0].ready, "no item has its entry yet");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use godwit::model::{RunId, Version};
/// use godwit::store::{Collection, UnderWay};
///
/// let mut notes = Collection::new("app".parse()?, None);
/// notes.begin(RunId(1), 0, &Version::new(1, 0, 0));
/// let expected = UnderWay {
///     run: RunId(1),
///     step: 0,
///     version: Version::new(1, 0, 0),
/// };
/// assert_eq!(notes.under_way, [expected]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use godwit::store::Tallies;
///
/// let tallies = Tallies {
///     items: 5,
///     open: 1,
///     waiting: 2,
///     ..Tallies::default()
/// };
/// assert_eq!(tallies.apart(), 3);
/// ```
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
///
/// ```
/// use godwit::store::PreImage;
///
/// // Something was there, and nothing is left.
/// let flags = PreImage::flags(true, false);
/// let record = [&[flags][..], b"before"].concat();
/// let pre_image = PreImage::parse(&record)?;
/// assert!(!pre_image.left);
/// assert_eq!(pre_image.before, Some(&b"before"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

/// What a run's record begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunHead {
    /// Its number.
    pub id: RunId,
    /// What it is for.
    pub purpose: Purpose,
    /// How far it has come.
    pub state: RunState,
}

/// Reads what a run's record begins with, and nothing of its plan.
pub fn run_head(key: &[u8], record: &[u8]) -> Result<RunHead, StoreError> {
    let mut head = None;
    // It ends with the head, as an error: of the parser's answer nothing is to be known.
    let _ = serde_json::Deserializer::from_slice(record).deserialize_map(Head(&mut head));
    match head {
        Some(head) => Ok(head),
        // A record that begins otherwise is read whole.
        None => {
            let run: Run = from_json(key, record)?;
            Ok(RunHead {
                id: run.id,
                purpose: run.purpose,
                state: run.state,
            })
        }
    }
}

/// Finds the head of a run, and has the parser stop there.
struct Head<'h>(&'h mut Option<RunHead>);

impl<'de> Visitor<'de> for Head<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a run")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (mut id, mut purpose, mut state) = (None, None, None);
        for _ in 0..3 {
            match members.next_key::<&str>()? {
                Some("id") => id = Some(members.next_value()?),
                Some("purpose") => purpose = Some(members.next_value()?),
                Some("state") => state = Some(members.next_value()?),
                _ => break,
            }
        }
        if let (Some(id), Some(purpose), Some(state)) = (id, purpose, state) {
            *self.0 = Some(RunHead { id, purpose, state });
        }
        Err(A::Error::custom("the rest is left"))
    }
}

/// Writes a JSON record.
pub fn to_json<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(record).expect("records have string keys and cannot fail to serialise")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_run_is_that_of_the_run_wherever_it_stands() {
        let run = r#"{"id":7,"purpose":"up","state":"blocked","started_at":1,"changed_at":2,"seed":3,
            "plan":{"stages":[]},"stages_done":0,"has_pre_images":true}"#;
        let moved = run
            .replace(r#""id":7,"#, "")
            .replace("true}", r#"true,"id":7}"#);
        for record in [run, &moved] {
            let head = run_head(b"R", record.as_bytes()).unwrap();
            let whole: Run = from_json(b"R", record.as_bytes()).unwrap();
            assert_eq!(head.id, RunId(7));
            assert_eq!((head.purpose, head.state), (whole.purpose, whole.state));
        }
        for damaged in ["", "{}", r#"{"id":7,"purpose":"up"}"#, "[1]"] {
            assert!(run_head(b"R", damaged.as_bytes()).is_err(), "{damaged}");
        }
    }

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

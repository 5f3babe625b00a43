//! Items to try a migration on, and what it leaves of them.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::model::item::{IdError, check_id};
use crate::model::json::same_body;
use crate::model::{Difference, Name, diff, json_trouble};

/// Collections with their items, by id.
///
/// ```
/// use godwit::kit::World;
/// use godwit::model::Name;
///
/// let notes: Name = "notes".parse()?;
/// let mut world = World::new();
/// world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
/// assert_eq!(world.len(), 1);
/// assert!(world.body(&notes, "first").is_some());
/// assert!(world.body(&notes, "second").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World(BTreeMap<Name, BTreeMap<String, Vec<u8>>>);

/// A way in which a text is no items.
///
/// ```
/// use godwit::kit::{World, WorldError};
///
/// let lines = "{\"_id\": \"a\"}\n{\"_id\": \"a\"}\n";
/// let error = World::new().read_ndjson(&"notes".parse()?, lines).unwrap_err();
/// assert!(matches!(error, WorldError::Twice { line: 2, .. }));
/// assert_eq!(error.to_string(), "line 2: there is an item `a` already");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// Occurs when a line, or the whole text, is not JSON.
    #[error("line {line}, column {column}: it is not JSON: {message}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, in bytes from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// Occurs when an id cannot be one.
    #[error("line {line}: {error}")]
    Id {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        error: IdError,
    },
    /// Occurs when two items of a collection have the same id.
    #[error("line {line}: there is an item `{id}` already")]
    Twice {
        /// The line, from 1.
        line: usize,
        /// The id.
        id: String,
    },
}

/// How an item differs from what was expected.
///
/// ```
/// use godwit::kit::{Deviant, World};
///
/// let mut expected = World::new();
/// expected.insert(&"notes".parse()?, "first", b"{}".to_vec())?;
/// let deviations = World::new().deviations(&expected);
/// assert_eq!(deviations[0].what, Deviant::Missing);
/// assert_eq!(deviations[0].to_string(), "notes/first is missing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Deviation {
    /// Its collection.
    pub collection: Name,
    /// Its id.
    pub id: String,
    /// What is different.
    pub what: Deviant,
}

/// What is different about an item.
///
/// ```
/// use godwit::kit::{Deviant, World};
///
/// # let notes: godwit::model::Name = "notes".parse()?;
/// let (mut expected, mut found) = (World::new(), World::new());
/// expected.insert(&notes, "first", br#"{"done": false}"#.to_vec())?;
/// found.insert(&notes, "first", br#"{"done": true}"#.to_vec())?;
/// let deviations = found.deviations(&expected);
/// let Deviant::Members(members) = &deviations[0].what else {
///     panic!("both are JSON");
/// };
/// assert_eq!(members[0].pointer, "/done");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Deviant {
    /// It was expected and is not there.
    Missing,
    /// It is there and was not expected: its body.
    Unexpected(String),
    /// Its body says something else: the members that differ, with what was expected before and
    /// what was found after.
    Members(Vec<Difference>),
    /// Its body says something else, and one of the two is not JSON.
    Bytes {
        /// The expected body.
        expected: String,
        /// The body that was found.
        found: String,
    },
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            collection,
            id,
            what,
            ..
        } = self;
        write!(f, "{collection}/{id}")?;
        match what {
            Deviant::Missing => f.write_str(" is missing"),
            Deviant::Unexpected(body) => write!(f, " was not expected: {body}"),
            Deviant::Members(members) => {
                f.write_str(" is not as expected (- expected, + found)")?;
                for Difference {
                    pointer,
                    before,
                    after,
                } in members
                {
                    let pointer = if pointer.is_empty() {
                        "(body)"
                    } else {
                        pointer
                    };
                    if let Some(before) = before {
                        write!(f, "\n  - {pointer}: {before}")?;
                    }
                    if let Some(after) = after {
                        write!(f, "\n  + {pointer}: {after}")?;
                    }
                }
                Ok(())
            }
            Deviant::Bytes { expected, found } => {
                write!(f, " is {found}, not {expected}")
            }
        }
    }
}

impl World {
    /// No collection at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an item into a collection, in the place of the one that has its id.
    ///
    /// ```
    /// use godwit::kit::World;
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let mut world = World::new();
    /// world.insert(&notes, "first", b"1".to_vec())?;
    /// world.insert(&notes, "first", b"2".to_vec())?;
    /// assert_eq!(world.body(&notes, "first"), Some(&b"2"[..]));
    /// assert!(world.insert(&notes, "", b"3".to_vec()).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`IdError`] when the id cannot be one.
    pub fn insert(&mut self, collection: &Name, id: &str, body: Vec<u8>) -> Result<(), IdError> {
        check_id(id)?;
        self.collection(collection).insert(id.to_owned(), body);
        Ok(())
    }

    /// A collection, made empty where there is none.
    ///
    /// ```
    /// use godwit::kit::World;
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let mut world = World::new();
    /// let items = world.collection(&notes);
    /// assert!(items.is_empty());
    /// items.insert("first".to_owned(), b"{}".to_vec());
    /// assert_eq!(world.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn collection(&mut self, name: &Name) -> &mut BTreeMap<String, Vec<u8>> {
        self.0.entry(name.clone()).or_default()
    }

    /// The collections with their items.
    ///
    /// ```
    /// use godwit::kit::World;
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let mut world = World::new();
    /// world.insert(&notes, "first", b"{}".to_vec())?;
    /// for (name, items) in world.collections() {
    ///     assert_eq!((name.as_str(), items.len()), ("notes", 1));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn collections(&self) -> impl Iterator<Item = (&Name, &BTreeMap<String, Vec<u8>>)> {
        self.0.iter()
    }

    /// All items, with their collections.
    ///
    /// ```
    /// use godwit::kit::World;
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let mut world = World::new();
    /// world.insert(&notes, "second", b"{}".to_vec())?;
    /// world.insert(&notes, "first", b"{}".to_vec())?;
    /// let ids: Vec<_> = world.items().map(|(_, id, _)| id).collect();
    /// assert_eq!(ids, ["first", "second"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn items(&self) -> impl Iterator<Item = (&Name, &str, &[u8])> {
        self.0.iter().flat_map(|(collection, items)| {
            let items = items.iter();
            items.map(move |(id, body)| (collection, id.as_str(), body.as_slice()))
        })
    }

    /// The body of an item.
    pub fn body(&self, collection: &Name, id: &str) -> Option<&[u8]> {
        self.0.get(collection)?.get(id).map(Vec::as_slice)
    }

    /// The same world without some of its items.
    ///
    /// ```
    /// use godwit::kit::World;
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let mut world = World::new();
    /// world.insert(&notes, "first", b"{}".to_vec())?;
    /// assert!(world.without([(&notes, "first")]).is_empty());
    /// assert_eq!(world.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn without<'a>(&self, some: impl IntoIterator<Item = (&'a Name, &'a str)>) -> Self {
        let mut left = self.clone();
        for (collection, id) in some {
            if let Some(items) = left.0.get_mut(collection) {
                items.remove(id);
            }
        }
        left
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the document of a text, which may be spread over many lines. Its id is its member `_id`, or
    /// `id`, if that is a text; otherwise it is the one that is given.
    ///
    /// ```
    /// use godwit::kit::World;
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let mut world = World::new();
    /// world.read_json(&notes, "first", "{\n  \"title\": \"hello\"\n}\n")?;
    /// assert_eq!(world.body(&notes, "first"), Some(&br#"{"title":"hello"}"#[..]));
    /// world.read_json(&notes, "unused", r#"{"_id": "second"}"#)?;
    /// assert!(world.body(&notes, "second").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WorldError`] when the text is not JSON, or the id cannot be one.
    pub fn read_json(&mut self, collection: &Name, id: &str, text: &str) -> Result<(), WorldError> {
        let body = document(text.trim_end(), 1)?;
        let id = own_id(&body).unwrap_or(id);
        self.add(collection, id, compact(&body), 1)
    }

    /// Adds documents, one a line. Where one has no id of its own, the number of its line is its id; one that
    /// has no place for it may be written as `{"_id": ID, "_body": DOCUMENT}`.
    ///
    /// ```
    /// use godwit::kit::World;
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let mut world = World::new();
    /// let lines = r#"{"_id": "first", "title": "hello"}
    /// {"title": "without an id"}
    /// {"_id": "third", "_body": [1, 2]}"#;
    /// world.read_ndjson(&notes, lines)?;
    /// let ids: Vec<_> = world.items().map(|(_, id, _)| id).collect();
    /// assert_eq!(ids, ["000002", "first", "third"]);
    /// assert_eq!(world.body(&notes, "third"), Some(&b"[1,2]"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`WorldError`] when a line is not JSON, an id cannot be one, or two are the same.
    pub fn read_ndjson(&mut self, collection: &Name, text: &str) -> Result<(), WorldError> {
        self.collection(collection);
        for (number, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() {
                continue;
            }
            let body = document(text, number)?;
            let by_number = format!("{number:06}");
            let id = own_id(&body).unwrap_or(&by_number);
            match apart(&body) {
                Some((id, body)) => self.add(collection, id, compact(body), number)?,
                None => self.add(collection, id, text.trim().into(), number)?,
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        collection: &Name,
        id: &str,
        body: Vec<u8>,
        line: usize,
    ) -> Result<(), WorldError> {
        check_id(id).map_err(|error| WorldError::Id { line, error })?;
        match self.collection(collection).insert(id.to_owned(), body) {
            None => Ok(()),
            Some(_) => Err(WorldError::Twice {
                line,
                id: id.to_owned(),
            }),
        }
    }

    /// How this world differs from the one that is expected. Bodies are compared by what they say: the
    /// order of members and the spelling of numbers do not matter.
    ///
    /// ```
    /// use godwit::kit::World;
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let (mut expected, mut found) = (World::new(), World::new());
    /// expected.insert(&notes, "first", br#"{"a": 1, "b": 2}"#.to_vec())?;
    /// found.insert(&notes, "first", br#"{"b":2.0,"a":1}"#.to_vec())?;
    /// assert!(found.deviations(&expected).is_empty());
    /// found.insert(&notes, "second", b"{}".to_vec())?;
    /// assert_eq!(found.deviations(&expected)[0].to_string(), "notes/second was not expected: {}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deviations(&self, expected: &Self) -> Vec<Deviation> {
        let mut found = Vec::new();
        for (collection, id, body) in expected.items() {
            let what = match self.body(collection, id) {
                None => Some(Deviant::Missing),
                Some(left) => deviant(body, left),
            };
            found.extend(what.map(|what| deviation(collection, id, what)));
        }
        for (collection, id, body) in self.items() {
            if expected.body(collection, id).is_none() {
                let what = Deviant::Unexpected(String::from_utf8_lossy(body).into_owned());
                found.push(deviation(collection, id, what));
            }
        }
        found
    }
}

fn deviation(collection: &Name, id: &str, what: Deviant) -> Deviation {
    Deviation {
        collection: collection.clone(),
        id: id.to_owned(),
        what,
    }
}

fn deviant(expected: &[u8], found: &[u8]) -> Option<Deviant> {
    if same_body(expected, found) {
        return None;
    }
    let parse = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
    let members = parse(expected).zip(parse(found));
    let members = members.map(|(expected, found)| diff(&expected, &found));
    Some(match members.filter(|members| !members.is_empty()) {
        Some(members) => Deviant::Members(members),
        None => Deviant::Bytes {
            expected: String::from_utf8_lossy(expected).into_owned(),
            found: String::from_utf8_lossy(found).into_owned(),
        },
    })
}

fn document(text: &str, line: usize) -> Result<Value, WorldError> {
    serde_json::from_str(text).map_err(|error| WorldError::Json {
        line: line + error.line().saturating_sub(1),
        column: error.column(),
        message: json_trouble(&error),
    })
}

fn own_id(body: &Value) -> Option<&str> {
    let named = |name: &str| body.get(name).and_then(Value::as_str);
    named("_id").or_else(|| named("id"))
}

/// The id and the document of a line that tells them apart.
fn apart(body: &Value) -> Option<(&str, &Value)> {
    let members = body.as_object().filter(|members| members.len() == 2)?;
    Some((members.get("_id")?.as_str()?, members.get("_body")?))
}

/// A document as a line that [`World::read_ndjson`] reads with this id.
pub(super) fn line(id: &str, body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(value) if own_id(&value) != Some(id) => {
            let id = Value::from(id);
            format!("{{\"_id\":{id},\"_body\":{body}}}\n")
        }
        _ => format!("{body}\n"),
    }
}

/// A document on one line. Numbers keep their digits.
fn compact(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

//! Other items, read and written on the side.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host_side::{Connected, HostSide};
use crate::{BodyError, Item};

/// Reads and writes items beside the one that is being migrated.
///
/// Writes are held back and committed together with the batch, or not at all; reads see them. A step must have asked
/// for a collection with [`Step::reads`](crate::Step::reads) or [`Step::writes`](crate::Step::writes).
///
/// ```
/// # use godwit_plugin::{Context, Item, Outcome, Result, json};
/// fn count(item: &Item<'_>, context: &Context<'_>) -> Result {
///     let documents = context.documents();
///     let seen: u64 = documents.get_json("tallies", "total")?.unwrap_or(0);
///     documents.put_json("tallies", "total", &(seen + 1))?;
///     Ok(Outcome::Unchanged)
/// }
/// # #[cfg(not(target_arch = "wasm32"))] {
/// # let host = godwit_plugin::testing::Host::new();
/// # count(&Item::new("a", b"1"), &host.context()).unwrap();
/// # count(&Item::new("b", b"2"), &host.context()).unwrap();
/// # assert_eq!(host.get("tallies", "total"), Some(json!(2)));
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Documents<'a> {
    host: &'a Connected,
}

impl<'a> Documents<'a> {
    pub(crate) fn new(host: &'a Connected) -> Self {
        Self { host }
    }

    /// The body of one item, or nothing where there is none.
    pub fn get(&self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, DocumentsError> {
        self.host.get(collection, id)
    }

    /// The body of one item as JSON: as a [`Value`](crate::Value) or as a type of your own.
    pub fn get_json<T: DeserializeOwned>(
        &self,
        collection: &str,
        id: &str,
    ) -> Result<Option<T>, DocumentsError> {
        let Some(body) = self.get(collection, id)? else {
            return Ok(None);
        };
        let item = Item::new(id, body);
        match item.typed() {
            Ok(value) => Ok(Some(value)),
            Err(source) => Err(DocumentsError::Unreadable {
                collection: collection.to_owned(),
                id: id.to_owned(),
                source,
            }),
        }
    }

    /// The items of a collection in order of their ids, fetched page by page.
    pub fn scan<'b>(&self, collection: &'b str) -> Scan<'b>
    where
        'a: 'b,
    {
        Scan {
            documents: *self,
            collection,
            after: None,
            fetched: VecDeque::new(),
            ended: false,
        }
    }

    /// Creates or replaces one item. The one that is being migrated is changed by its outcome only.
    pub fn put(
        &self,
        collection: &str,
        id: &str,
        body: impl AsRef<[u8]>,
    ) -> Result<(), DocumentsError> {
        self.host.put(collection, id, body.as_ref())
    }

    /// Creates or replaces one item with a value printed as JSON.
    pub fn put_json(
        &self,
        collection: &str,
        id: &str,
        value: &impl Serialize,
    ) -> Result<(), DocumentsError> {
        let body = serde_json::to_vec(value)
            .map_err(|error| DocumentsError::Invalid(format!("not printable as JSON: {error}")))?;
        self.put(collection, id, body)
    }

    /// Deletes one item; deleting what is not there is no error.
    pub fn delete(&self, collection: &str, id: &str) -> Result<(), DocumentsError> {
        self.host.delete(collection, id)
    }
}

/// The items of a collection, one after another; made by [`Documents::scan`].
///
/// It ends after the first error.
pub struct Scan<'a> {
    documents: Documents<'a>,
    collection: &'a str,
    after: Option<String>,
    fetched: VecDeque<Item<'static>>,
    ended: bool,
}

impl Scan<'_> {
    /// Items asked for at once: enough to make crossings rare; the host bounds the bytes.
    const PAGE: u32 = 256;

    /// Begins with the first id after this one.
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Self {
        self.after = Some(id.into());
        self
    }

    fn fetch(&mut self) -> Result<(), DocumentsError> {
        let after = self.after.as_deref();
        let page = self
            .documents
            .host
            .scan(self.collection, after, Self::PAGE)?;
        match page.last() {
            Some(last) => self.after = Some(last.id().to_owned()),
            None => self.ended = true,
        }
        self.fetched = page.into();
        Ok(())
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<Item<'static>, DocumentsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.fetched.is_empty() && !self.ended {
            if let Err(error) = self.fetch() {
                self.ended = true;
                return Some(Err(error));
            }
        }
        self.fetched.pop_front().map(Ok)
    }
}

/// Why another item can't be read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum DocumentsError {
    /// Occurs when the step did not ask for the collection, or the operator did not grant it.
    Denied {
        /// The collection.
        collection: String,
    },
    /// Occurs when a limit of the sandbox is reached; the text names it.
    Limit(String),
    /// Occurs when the id, the collection's name or the body is not valid; the text says why.
    Invalid(String),
    /// Occurs when an item is there but is not JSON of the expected shape.
    Unreadable {
        /// The collection.
        collection: String,
        /// The item.
        id: String,
        /// What is wrong with it.
        source: BodyError,
    },
}

impl fmt::Display for DocumentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { collection } => {
                write!(f, "access to collection `{collection}` is denied")
            }
            Self::Limit(limit) => write!(f, "a limit of the sandbox is reached: {limit}"),
            Self::Invalid(reason) => write!(f, "not valid: {reason}"),
            Self::Unreadable { collection, id, .. } => {
                write!(f, "item `{id}` of collection `{collection}` can't be read")
            }
        }
    }
}

impl Error for DocumentsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Denied { .. } | Self::Limit(_) | Self::Invalid(_) => None,
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::json;
    use crate::testing::Host;

    #[test]
    fn what_is_put_can_be_read_and_deleted() {
        let host = Host::new();
        let documents = host.context().documents();
        assert_eq!(documents.get("c", "a").unwrap(), None);
        documents.put("c", "a", b"{}").unwrap();
        assert_eq!(documents.get("c", "a").unwrap().unwrap(), b"{}");
        documents.delete("c", "a").unwrap();
        documents.delete("c", "a").unwrap();
        assert_eq!(documents.get("c", "a").unwrap(), None);
    }

    #[test]
    fn a_scan_goes_over_many_pages_in_order() {
        let host = Host::new();
        let documents = host.context().documents();
        let ids: Vec<String> = (0..600).map(|n| format!("{n:03}")).collect();
        for id in ids.iter().rev() {
            documents.put_json("c", id, &json!({"_id": id})).unwrap();
        }
        let seen: Vec<String> = documents
            .scan("c")
            .map(|item| item.unwrap().id().to_owned())
            .collect();
        assert_eq!(seen, ids);
        assert_eq!(documents.scan("c").after("597").count(), 2);
        assert_eq!(documents.scan("empty").count(), 0);
    }

    #[test]
    fn an_unreadable_item_is_named() {
        let host = Host::new();
        let documents = host.context().documents();
        documents.put_json("c", "a", &"text").unwrap();
        let error = documents.get_json::<u64>("c", "a").unwrap_err();
        assert_eq!(
            error.to_string(),
            "item `a` of collection `c` can't be read"
        );
        assert!(error.source().is_some());
    }
}

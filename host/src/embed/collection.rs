//! A collection, as the application that owns it works with it.

use std::num::NonZeroUsize;

use serde_json::Value;

use super::Host;
use crate::host::{Document, HostError, Otherwise, Page, Reading, Shape};
use crate::model::{Name, Version};

/// The items of a collection, in the shape of the application's version. Cheap to clone.
///
/// Items that are older are brought up in memory while they are read, whether a run is under way or still to come; what is
/// written is stamped with the application's version, and a shadow run follows it.
///
/// ```
/// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
/// let todos = host.collection("todos".parse()?).at("2.0.0".parse()?);
/// todos.put("milk", br#"{"title": "buy milk", "done": false}"#).await?;
/// let milk = todos.get("milk").await?.ok_or("it was just put")?;
/// assert_eq!(milk.json::<serde_json::Value>()?["done"], false);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Collection {
    host: Host,
    name: Name,
    reading: Reading,
}

impl Collection {
    pub(super) fn new(host: Host, name: Name) -> Self {
        let reading = Reading::default();
        Self {
            host,
            name,
            reading,
        }
    }

    /// The same for an application of this version. By default it is the newest one that a migration leads to.
    #[must_use]
    pub fn at(mut self, version: Version) -> Self {
        self.reading.shape = Shape::Of(version);
        self
    }

    /// The same with another answer where an item cannot be brought up; by default that is an error.
    #[must_use]
    pub fn otherwise(mut self, otherwise: Otherwise) -> Self {
        self.reading.otherwise = otherwise;
        self
    }

    /// The same with what was brought up written back, once the app is at the application's version. An undo takes that for
    /// the application's own write.
    #[must_use]
    pub fn writing_back(mut self) -> Self {
        self.reading.write_back = true;
        self
    }

    /// An item; `None` where there is none.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::read`].
    pub async fn get(&self, id: impl Into<String>) -> Result<Option<Document>, HostError> {
        let (name, reading, id) = (self.name.clone(), self.reading.clone(), id.into());
        self.host
            .ask(move |host| host.read(&name, &id, &reading))
            .await
    }

    /// Puts an item in the place of whatever has its id.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::put_document`].
    pub async fn put(
        &self,
        id: impl Into<String>,
        body: impl Into<Vec<u8>>,
    ) -> Result<(), HostError> {
        let (name, reading) = (self.name.clone(), self.reading.clone());
        let (id, body) = (id.into(), body.into());
        let put = move |host: &crate::host::Host| host.put_document(&name, &id, &body, &reading);
        self.host.ask(put).await
    }

    /// Removes an item; gives whether there was one.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::delete_document`].
    pub async fn delete(&self, id: impl Into<String>) -> Result<bool, HostError> {
        let (name, reading, id) = (self.name.clone(), self.reading.clone(), id.into());
        let delete = move |host: &crate::host::Host| host.delete_document(&name, &id, &reading);
        self.host.ask(delete).await
    }

    /// Some items in order of their ids: those behind `after`, up to `limit` of them, and no more than some megabytes.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::read_page`].
    pub async fn scan(
        &self,
        after: Option<String>,
        limit: NonZeroUsize,
    ) -> Result<Page, HostError> {
        let (name, reading) = (self.name.clone(), self.reading.clone());
        let scan = move |host: &crate::host::Host| {
            host.read_page(&name, after.as_deref(), limit, &reading)
        };
        self.host.ask(scan).await
    }

    /// The items behind `after` that have a value at a JSON pointer as they are stored, up to `limit` of them, and no more
    /// than some megabytes; and whether an index was used, or every item looked at. A page may be empty and yet have a next
    /// one: so much is looked at in one call.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::read_where`].
    pub async fn find(
        &self,
        pointer: impl Into<String>,
        value: Value,
        after: Option<String>,
        limit: NonZeroUsize,
    ) -> Result<(Page, bool), HostError> {
        let (name, reading) = (self.name.clone(), self.reading.clone());
        let pointer = pointer.into();
        let find = move |host: &crate::host::Host| {
            let wanted = (pointer.as_str(), &value);
            host.read_where(&name, wanted, after.as_deref(), limit, &reading)
        };
        self.host.ask(find).await
    }
}

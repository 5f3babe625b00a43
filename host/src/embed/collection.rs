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

    /// The same for an application of this version. By default it is the newest one that a migration leads to, as is right for an
    /// application that comes with its migrations.
    ///
    /// ```
    /// # async fn example(todos: godwit::Collection) -> Result<(), Box<dyn std::error::Error>> {
    /// let old = todos.at("1.0.0".parse()?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn at(mut self, version: Version) -> Self {
        self.reading.shape = Shape::Of(version);
        self
    }

    /// The same with another answer where an item cannot be brought up; by default that is an error.
    ///
    /// ```
    /// # async fn example(todos: godwit::Collection) -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::Otherwise;
    ///
    /// let todos = todos.otherwise(Otherwise::AsStored);
    /// if let Some(milk) = todos.get("milk").await? {
    ///     println!("{}, {:?}", milk.version, milk.kept_back);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn otherwise(mut self, otherwise: Otherwise) -> Self {
        self.reading.otherwise = otherwise;
        self
    }

    /// The same with what was brought up written back, once the app is at the application's version. An undo takes that for
    /// the application's own write.
    ///
    /// ```
    /// # async fn example(todos: godwit::Collection) -> Result<(), Box<dyn std::error::Error>> {
    /// let milk = todos.writing_back().get("milk").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn writing_back(mut self) -> Self {
        self.reading.write_back = true;
        self
    }

    /// An item; `None` where there is none.
    ///
    /// ```
    /// # async fn example(todos: godwit::Collection) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Some(milk) = todos.get("milk").await? {
    ///     let milk: serde_json::Value = milk.json()?;
    ///     println!("{}", milk["title"]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`crate::blocking::Host::read`].
    pub async fn get(&self, id: impl Into<String>) -> Result<Option<Document>, HostError> {
        let (name, reading, id) = (self.name.clone(), self.reading.clone(), id.into());
        self.host
            .read(move |host| host.read(&name, &id, &reading))
            .await
    }

    /// Puts an item in the place of whatever has its id.
    ///
    /// ```
    /// # async fn example(todos: godwit::Collection) -> Result<(), Box<dyn std::error::Error>> {
    /// let milk = serde_json::json!({"title": "buy milk"});
    /// todos.put("milk", milk.to_string()).await?;
    /// # Ok(())
    /// # }
    /// ```
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
        self.host.change(put).await
    }

    /// Puts in the place of an item what `change` makes of it; `None`: it is removed, or stays away. Gives what was made of it.
    /// When somebody else writes the item meanwhile, `change` is asked again: of two who count, none counts for nothing.
    ///
    /// `change` is asked on a thread where it may block, and has a turn of those that write: it must not wait for other writes
    /// to this host.
    ///
    /// ```
    /// # async fn example(seen: godwit::Collection) -> Result<(), Box<dyn std::error::Error>> {
    /// let count = seen.update("front page", |page| {
    ///     let before: u64 = page.and_then(|page| page.json().ok()).unwrap_or_default();
    ///     Some((before + 1).to_string().into_bytes())
    /// });
    /// assert!(count.await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`crate::blocking::Host::update_document`].
    pub async fn update(
        &self,
        id: impl Into<String>,
        mut change: impl FnMut(Option<Document>) -> Option<Vec<u8>> + Send + 'static,
    ) -> Result<Option<Vec<u8>>, HostError> {
        let (name, reading, id) = (self.name.clone(), self.reading.clone(), id.into());
        let update =
            move |host: &crate::host::Host| host.update_document(&name, &id, &reading, &mut change);
        self.host.change(update).await
    }

    /// Removes an item; gives whether there was one.
    ///
    /// ```
    /// # async fn example(todos: godwit::Collection) -> Result<(), Box<dyn std::error::Error>> {
    /// let was_there = todos.delete("milk").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`crate::blocking::Host::delete_document`].
    pub async fn delete(&self, id: impl Into<String>) -> Result<bool, HostError> {
        let (name, reading, id) = (self.name.clone(), self.reading.clone(), id.into());
        let delete = move |host: &crate::host::Host| host.delete_document(&name, &id, &reading);
        self.host.change(delete).await
    }

    /// Some items in order of their ids: those behind `after`, up to `limit` of them, and no more than some megabytes.
    ///
    /// One item that cannot be brought up makes an error of the page, which names it; [`Otherwise::AsStored`] gives it as it is
    /// among the others, with the reason.
    ///
    /// ```
    /// # async fn example(todos: godwit::Collection) -> Result<(), Box<dyn std::error::Error>> {
    /// let hundred = std::num::NonZeroUsize::new(100).ok_or("it is not zero")?;
    /// let mut after = None;
    /// loop {
    ///     let page = todos.scan(after, hundred).await?;
    ///     println!("{} items", page.documents.len());
    ///     after = page.next;
    ///     if after.is_none() {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
        self.host.read(scan).await
    }

    /// The items behind `after` that have a value at a JSON pointer as they are stored, up to `limit` of them, and no more
    /// than some megabytes; and whether an index was used, or every item looked at. A page may be empty and yet have a next
    /// one: so much is looked at in one call.
    ///
    /// ```
    /// # async fn example(todos: godwit::Collection) -> Result<(), Box<dyn std::error::Error>> {
    /// let ten = std::num::NonZeroUsize::new(10).ok_or("it is not zero")?;
    /// let (page, by_index) = todos.find("/done", serde_json::json!(false), None, ten).await?;
    /// println!("{} items are open", page.documents.len());
    /// # Ok(())
    /// # }
    /// ```
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
        self.host.read(find).await
    }
}

//! Items that others reach without us: in SQL.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Commit, StoreError};
use crate::model::{Name, Version};

/// Where the items of a collection lie that is a table of the application's own.
///
/// ```
/// use godwit::store::Table;
///
/// let table = Table {
///     version: Some("doc_version".to_owned()),
///     ..Table::new("app.notes", "id", "doc")
/// };
/// assert_eq!(table.key, "id");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Table {
    /// The table, as `NAME` or `SCHEMA.NAME`.
    pub table: String,
    /// The column with the ids: unique, and of a type whose values have one text each, such as `text`, `bigint` or `uuid`.
    pub key: String,
    /// The column with the documents: `jsonb`, `json` or `text`. Rows that have none are no items.
    pub body: String,
    /// The column with the versions of documents, of type `text`, where there is one.
    #[serde(
        default,
        rename = "version-column",
        skip_serializing_if = "Option::is_none"
    )]
    pub version: Option<String>,
}

impl Table {
    /// A table without a column of versions.
    pub fn new(table: &str, key: &str, body: &str) -> Self {
        Self {
            table: table.to_owned(),
            key: key.to_owned(),
            body: body.to_owned(),
            version: None,
        }
    }
}

/// What can be asked of a store whose items others read or write without us.
///
/// ```
/// # fn example(store: &godwit::store::Store) -> Result<(), godwit::store::StoreError> {
/// use godwit::store::Backend;
///
/// if let Some(relational) = store.backend().relational() {
///     for (collection, table) in relational.attached()? {
///         println!("{collection}: {} rows in {}", relational.count(&collection)?, table.table);
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub trait Relational: Send + Sync {
    /// Whether others read what lies under a key, so that it has to lie there as it is.
    fn is_read_by_others(&self, key: &[u8]) -> bool;

    /// Whether others write what lies under a key: an item in a table of the application's own. No lease keeps them from it,
    /// so that whoever replaces it must expect what was read.
    fn is_written_by_others(&self, key: &[u8]) -> bool;

    /// Whether bodies of a collection have to be what `jsonb` can hold: it is a table with such a column.
    fn has_jsonb(&self, collection: &Name) -> bool;

    /// Whether a collection is a table with a column of versions.
    fn has_versions(&self, collection: &Name) -> bool;

    /// Has the items of a collection lie in a table from now on, those that are in it now with a version, and carries out a
    /// commit with that, if it is not so already.
    ///
    /// # Errors
    /// [`StoreError::Table`] when this table does not do.
    fn attach(
        &self,
        collection: &Name,
        table: &Table,
        version: &Version,
        commit: &Commit<'_>,
    ) -> Result<(), StoreError>;

    /// The collections that are tables.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn attached(&self) -> Result<Vec<(Name, Table)>, StoreError>;

    /// How many items there are of a collection that is a table.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn count(&self, collection: &Name) -> Result<u64, StoreError>;

    /// The ids behind `after` of rows of a collection whose column of versions says something else than these, with what it says,
    /// in order, up to so many; none where there is no such column. A row that says nothing has the version that rows had
    /// when the table was attached.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn other_versions(
        &self,
        collection: &Name,
        known: &[Version],
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError>;

    /// Makes an index of SQL on what the items of a collection have at a JSON pointer, if others read them. It may be made
    /// again.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be made.
    fn ensure_index(&self, collection: &Name, pointer: &str) -> Result<(), StoreError>;

    /// Drops an index that [`Relational::ensure_index`] made, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be dropped.
    fn drop_index(&self, collection: &Name, pointer: &str) -> Result<(), StoreError>;

    /// The ids behind `after` of the items of a collection that is a table which may have a value at a pointer, in order, up to
    /// so many: whoever asks compares what they have.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn find(
        &self,
        collection: &Name,
        wanted: (&str, &Value),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError>;
}

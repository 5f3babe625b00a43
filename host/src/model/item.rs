//! Items and their ids.

use super::Version;

/// A stored document with the app version that it has.
///
/// ```
/// use godwit::model::item::check_id;
/// use godwit::model::{Item, Version};
///
/// let item = Item {
///     id: "first".to_owned(),
///     version: Version::new(1, 0, 0),
///     body: br#"{"title": "hello"}"#.to_vec(),
/// };
/// assert!(check_id(&item.id).is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Names the item inside its collection.
    pub id: String,
    /// The app version whose shape the body has.
    pub version: Version,
    /// The bytes exactly as they came.
    pub body: Vec<u8>,
}

/// The longest id, in bytes (the contract says so).
pub const MAX_ID_BYTES: usize = 512;
/// The longest version of an item, in bytes.
pub const MAX_VERSION_BYTES: usize = 128;

/// Occurs when a text cannot be an item's id.
///
/// ```
/// use godwit::model::item::{IdError, check_id};
///
/// assert_eq!(check_id(""), Err(IdError { length: 0 }));
/// let error = check_id(&"x".repeat(513)).unwrap_err();
/// assert!(error.to_string().ends_with("this one has 513"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id has 1 to 512 bytes, this one has {length}")]
pub struct IdError {
    /// How many bytes it has.
    pub length: usize,
}

/// Checks that a text can be an item's id: 1 to 512 bytes.
///
/// ```
/// use godwit::model::item::{MAX_ID_BYTES, check_id};
///
/// assert!(check_id("first").is_ok());
/// assert!(check_id("").is_err());
/// assert!(check_id(&"x".repeat(MAX_ID_BYTES + 1)).is_err());
/// ```
///
/// # Errors
/// [`IdError`] when it is empty or longer.
pub fn check_id(id: &str) -> Result<(), IdError> {
    if (1..=MAX_ID_BYTES).contains(&id.len()) {
        Ok(())
    } else {
        Err(IdError { length: id.len() })
    }
}

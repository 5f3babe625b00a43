//! Names of apps, collections and steps.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of an app, a collection or a step: 1 to 64 bytes of UTF-8 without `/`, white space and
/// control characters. Cheap to clone.
///
/// ```
/// use godwit::model::Name;
///
/// let name: Name = "todo-search".parse()?;
/// assert_eq!(name.as_str(), "todo-search");
/// assert!("todo search".parse::<Name>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 64))]
pub struct Name(Arc<str>);

impl Name {
    /// The longest name, in bytes: long enough for every name seen in the field, short enough
    /// that a key of a store holds one beside an item's id.
    pub const MAX_BYTES: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Occurs when a text cannot be a name.
///
/// ```
/// use godwit::model::Name;
///
/// let error = "a/b".parse::<Name>().unwrap_err();
/// assert_eq!(error.text, "a/b");
/// assert!(error.to_string().starts_with("`a/b` is not a name"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a name: 1 to 64 bytes without `/`, white space and control characters", .text.escape_debug())]
pub struct NameError {
    /// What was given, cut to 80 characters.
    pub text: String,
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |c: char| c != '/' && !c.is_whitespace() && super::is_plain(c);
        if (1..=Self::MAX_BYTES).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.into()))
        } else {
            let text = text.chars().take(80).collect();
            Err(NameError { text })
        }
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "todo-search", "q_items.v2", "ünï", &"x".repeat(64)] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a/b",
            "a b",
            "a\n",
            "\u{1b}[31m",
            "a\0",
            "a\u{202e}b",
            "a\u{200b}",
            &"x".repeat(65),
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }
}

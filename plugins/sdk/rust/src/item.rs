//! A stored document, as a migration sees it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::{JsonText, SyntaxError};

/// A stored document: an id and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    id: Cow<'a, str>,
    body: Cow<'a, [u8]>,
}

impl<'a> Item<'a> {
    /// An item out of its parts.
    pub fn new(id: impl Into<Cow<'a, str>>, body: impl Into<Cow<'a, [u8]>>) -> Self {
        Self {
            id: id.into(),
            body: body.into(),
        }
    }

    /// The name of the item inside its collection.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The body, exactly as it is stored.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON, with all digits of its numbers and its members in their order.
    pub fn json(&self) -> Result<Value, BodyError> {
        self.typed()
    }

    /// The body as text, to be read in place and edited by splicing: what is not touched keeps every byte. It is the
    /// fastest way for a migration that changes a few members.
    ///
    /// ```
    /// use godwit_plugin::{Item, Outcome};
    ///
    /// let item = Item::new("a", br#"{"title":"Brot","weight":1.50}"#);
    /// let mut note = item.text()?;
    /// note.rename("/title", "name")?;
    /// assert_eq!(note.text(), r#"{"name":"Brot","weight":1.50}"#);
    /// let outcome: Outcome = note.into(); // unchanged if nothing was edited
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the body is not JSON, with the place where that is seen.
    pub fn text(&self) -> Result<JsonText<'_>, BodyError> {
        JsonText::parse(&self.body).map_err(|error| BodyError(Cause::Syntax(error)))
    }

    /// The body as a type of your own; it may borrow from the item.
    ///
    /// Members that the type doesn't name are dropped when it is written back. To keep them, gather them in a
    /// flattened map (they then follow the named ones):
    ///
    /// ```
    /// use godwit_plugin::{Item, Map, Value};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Deserialize, Serialize)]
    /// struct Todo {
    ///     title: String,
    ///     #[serde(flatten)]
    ///     others: Map<String, Value>,
    /// }
    ///
    /// let item = Item::new("a", br#"{"title":"Brot","weight":1.50}"#);
    /// let todo: Todo = item.typed()?;
    /// assert_eq!(todo.title, "Brot");
    /// assert_eq!(serde_json::to_string(&todo)?, r#"{"title":"Brot","weight":1.50}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn typed<'b, T: Deserialize<'b>>(&'b self) -> Result<T, BodyError> {
        serde_json::from_slice(&self.body).map_err(|error| BodyError(Cause::Tree(error)))
    }
}

/// Occurs when a body is not JSON, or not of the expected shape.
#[derive(Debug)]
pub struct BodyError(Cause);

#[derive(Debug)]
enum Cause {
    Tree(serde_json::Error),
    Syntax(SyntaxError),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_shape = matches!(&self.0, Cause::Tree(error) if error.is_data());
        f.write_str(match is_shape {
            true => "the body has another shape than expected",
            false => "the body is not JSON",
        })
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Cause::Tree(error) => Some(error),
            Cause::Syntax(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    #[test]
    fn untouched_numbers_and_members_keep_spelling_and_order() {
        let body = r#"{"z":1.10,"a":123456789012345678901234567890,"m":{"y":-0.0,"b":1.50e-7}}"#;
        let item = Item::new("x", body.as_bytes());
        assert_eq!(item.json().unwrap().to_string(), body);
    }

    #[test]
    fn an_exponent_is_spelled_in_one_way() {
        let item = Item::new("x", b"[1E5,1e05,1e+5]");
        assert_eq!(item.json().unwrap().to_string(), "[1e+5,1e+05,1e+5]");
    }

    #[test]
    fn a_flattened_rest_keeps_digits_too() {
        #[derive(serde::Deserialize, serde::Serialize)]
        struct Named {
            weight: f64,
            #[serde(flatten)]
            others: Map<String, Value>,
        }
        let item = Item::new(
            "x",
            br#"{"weight":1.5,"big":12345678901234567890123,"small":2.50}"#,
        );
        let named: Named = item.typed().unwrap();
        assert_eq!(named.weight, 1.5);
        assert_eq!(serde_json::to_vec(&named).unwrap(), item.bytes());
    }

    #[test]
    fn a_typed_item_may_borrow() {
        #[derive(serde::Deserialize)]
        struct Named<'a> {
            name: &'a str,
        }
        let item = Item::new("x", br#"{"name":"Ana"}"#);
        assert_eq!(item.typed::<Named<'_>>().unwrap().name, "Ana");
    }

    #[test]
    fn a_bad_body_says_which_way_it_is_bad() {
        let broken = Item::new("x", b"{").json().unwrap_err();
        assert_eq!(broken.to_string(), "the body is not JSON");
        let other = Item::new("x", b"[]").typed::<String>().unwrap_err();
        assert_eq!(
            other.to_string(),
            "the body has another shape than expected"
        );
        assert!(other.source().is_some());
    }
}

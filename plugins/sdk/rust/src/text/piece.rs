//! JSON that goes into a text.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::syntax::{SyntaxError, check};
use super::{JsonSlice, JsonText};

/// JSON that goes into a [`JsonText`]: made of a value of Rust's, or of text that is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPiece<'p>(Cow<'p, str>);

impl<'p> JsonPiece<'p> {
    /// `null`
    pub const NULL: Self = Self(Cow::Borrowed("null"));

    /// Finished JSON, which keeps its spelling: `JsonPiece::json("1.50")?`.
    ///
    /// # Errors
    /// [`SyntaxError`] when it is not JSON.
    pub fn json(text: &'p str) -> Result<Self, SyntaxError> {
        check::<true>(text.as_bytes()).map(|(text, _)| Self(text.trim().into()))
    }

    /// What a type of your own is written as.
    ///
    /// # Errors
    /// When it cannot be written as JSON, such as a map whose keys are no text.
    pub fn typed(value: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// A string with its quotes and with the escapes that JSON asks for.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    if text
        .bytes()
        .any(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
    {
        return serde_json::to_string(text).unwrap_or_default();
    }
    quoted.push('"');
    quoted.push_str(text);
    quoted.push('"');
    quoted
}

impl From<&str> for JsonPiece<'_> {
    fn from(text: &str) -> Self {
        Self(quoted(text).into())
    }
}

impl From<&String> for JsonPiece<'_> {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for JsonPiece<'_> {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Cow<'_, str>> for JsonPiece<'_> {
    fn from(text: Cow<'_, str>) -> Self {
        (&*text).into()
    }
}

impl From<bool> for JsonPiece<'_> {
    fn from(value: bool) -> Self {
        Self(if value { "true" } else { "false" }.into())
    }
}

impl From<&Value> for JsonPiece<'_> {
    fn from(value: &Value) -> Self {
        Self(value.to_string().into())
    }
}

impl From<Value> for JsonPiece<'_> {
    fn from(value: Value) -> Self {
        (&value).into()
    }
}

impl<'p> From<JsonSlice<'p>> for JsonPiece<'p> {
    fn from(slice: JsonSlice<'p>) -> Self {
        Self(slice.text().into())
    }
}

impl<'p> From<JsonText<'p>> for JsonPiece<'p> {
    fn from(text: JsonText<'p>) -> Self {
        // A value has no spaces around it.
        Self(match text.into_text() {
            Cow::Borrowed(text) => text.trim().into(),
            Cow::Owned(text) => text.trim().to_owned().into(),
        })
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for JsonPiece<'_> {
            fn from(number: $number) -> Self {
                Self(number.to_string().into())
            }
        }
    )*};
}

whole_numbers!(
    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

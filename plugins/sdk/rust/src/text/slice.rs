//! A value inside of a text that is known to be JSON.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::pointer::steps;
use super::walk::{Place, Places, is_name, unescaped};

/// The kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonKind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, of any size and with any number of digits.
    Number,
    /// Text in quotes.
    String,
    /// A list of values.
    Array,
    /// Members, each a name and a value.
    Object,
}

/// A value inside of a [`JsonText`](super::JsonText): its text, exactly as it stands there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct JsonSlice<'t> {
    text: &'t str,
}

impl<'t> JsonSlice<'t> {
    /// A value that begins at the text's start and ends at its end.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text }
    }

    /// The value's text.
    pub fn text(self) -> &'t str {
        self.text
    }

    /// What kind of value it is.
    pub fn kind(self) -> JsonKind {
        match self.text.as_bytes().first() {
            Some(b'{') => JsonKind::Object,
            Some(b'[') => JsonKind::Array,
            Some(b'"') => JsonKind::String,
            Some(b't' | b'f') => JsonKind::Bool,
            Some(b'n') => JsonKind::Null,
            _ => JsonKind::Number,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == JsonKind::Null
    }

    /// Whether it is an array.
    pub fn is_array(self) -> bool {
        self.kind() == JsonKind::Array
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.kind() == JsonKind::Object
    }

    /// Whether it is `true`; nothing if it is neither that nor `false`.
    pub fn as_bool(self) -> Option<bool> {
        self.text.parse().ok()
    }

    /// The text that a string stands for; borrowed where it has no escapes.
    pub fn as_str(self) -> Option<Cow<'t, str>> {
        (self.kind() == JsonKind::String).then(|| unescaped(self.text.as_bytes()))
    }

    /// A whole number that fits, spelled without fraction and exponent.
    pub fn as_i64(self) -> Option<i64> {
        self.number()?.parse().ok()
    }

    /// A whole number that fits, spelled without fraction and exponent.
    pub fn as_u64(self) -> Option<u64> {
        self.number()?.parse().ok()
    }

    /// The nearest `f64` of any number; what is too large is infinite.
    pub fn as_f64(self) -> Option<f64> {
        self.number()?.parse().ok()
    }

    fn number(self) -> Option<&'t str> {
        (self.kind() == JsonKind::Number).then_some(self.text)
    }

    /// The value as a tree.
    pub fn to_value(self) -> Value {
        serde_json::from_str(self.text).unwrap_or_default()
    }

    /// The value as a type of your own.
    ///
    /// # Errors
    /// When it has another shape.
    pub fn typed<T: Deserialize<'t>>(self) -> serde_json::Result<T> {
        serde_json::from_str(self.text)
    }

    /// The value at a JSON pointer (RFC 6901), as in `/people/0/name`; `""` is the value itself. Of several members
    /// with one name it is the last. Nothing where there is none, or where the pointer is not one.
    pub fn get(self, pointer: &str) -> Option<Self> {
        let mut found = self;
        for step in steps(pointer)? {
            found = found.step(&step)?;
        }
        Some(found)
    }

    fn step(self, step: &str) -> Option<Self> {
        let place = place(self.text.as_bytes(), 0, step)?;
        Some(Self::new(&self.text[place.value]))
    }

    /// The member of an object with a name; of several the last.
    pub fn member(self, name: &str) -> Option<Self> {
        self.is_object().then(|| self.step(name)).flatten()
    }

    /// The members of an object in their order; any other value has none.
    pub fn members(self) -> impl Iterator<Item = (Cow<'t, str>, Self)> {
        let places = self
            .is_object()
            .then(|| Places::of(self.text.as_bytes(), 0));
        places
            .into_iter()
            .flatten()
            .map(move |Place { name, value }| {
                let name = unescaped(self.text[name].as_bytes());
                (name, Self::new(&self.text[value]))
            })
    }

    /// The elements of an array in their order; any other value has none.
    pub fn elements(self) -> impl Iterator<Item = Self> {
        let places = self.is_array().then(|| Places::of(self.text.as_bytes(), 0));
        places
            .into_iter()
            .flatten()
            .map(move |place| Self::new(&self.text[place.value]))
    }
}

impl fmt::Debug for JsonSlice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Display for JsonSlice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// Where the member or element lies that a step of a pointer names, in the value that begins at a place.
pub(super) fn place(text: &[u8], at: usize, step: &str) -> Option<Place> {
    let mut places = Places::of(text, at);
    match text.get(at)? {
        b'{' => places
            .filter(|place| is_name(&text[place.name.clone()], step))
            .last(),
        b'[' => places.nth(index(step)?),
        _ => None,
    }
}

/// The number that names an element: decimal, without a sign and zeros in front.
pub(super) fn index(step: &str) -> Option<usize> {
    let is_plain = step == "0" || !step.starts_with(['0', '+']);
    step.parse().ok().filter(|_| is_plain)
}

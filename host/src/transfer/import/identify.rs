//! Finding an item's id in its body, and checking on the way that the body is JSON.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::bad::BadLineReason;
use crate::model::item::check_id;
use crate::model::json_trouble;
use crate::transfer::Pointer;

/// Why a line has no id, with the column (in bytes, from 1) where that is known.
pub(super) type Unidentified = (Option<u64>, BadLineReason);

/// The text of a body that is JSON in UTF-8, and its id.
pub(super) fn identify<'b>(
    body: &'b [u8],
    pointer: &Pointer,
) -> Result<(&'b str, String), Unidentified> {
    let text = std::str::from_utf8(body)
        .map_err(|error| (Some(error.valid_up_to() as u64 + 1), BadLineReason::NotUtf8))?;
    let value = find(text, pointer).map_err(|error| not_json(&error))?;
    let value = value.ok_or_else(|| (None, missing(text, pointer)))?;
    let id = as_id(value).map_err(|found| {
        let (pointer, found) = (pointer.to_string(), found.to_owned());
        (None, BadLineReason::NotAnId { pointer, found })
    })?;
    match check_id(&id) {
        Ok(()) => Ok((text, id)),
        Err(error) => Err((
            None,
            BadLineReason::IdLength {
                bytes: error.length as u64,
            },
        )),
    }
}

/// The text of the value at the pointer. Of members with the same name the last one counts, as for
/// nearly every other reader.
pub(super) fn find<'a>(text: &'a str, pointer: &Pointer) -> serde_json::Result<Option<&'a str>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = Seek(pointer.segments()).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(found)
}

fn as_id(value: &str) -> Result<String, &'static str> {
    match value.as_bytes().first() {
        Some(b'"') => serde_json::from_str(value).map_err(|_| "a string that is not Unicode"),
        Some(b'-' | b'0'..=b'9') if value.contains(['.', 'e', 'E']) => {
            Err("a number that is not written as an integer")
        }
        Some(b'-' | b'0'..=b'9') => Ok(value.to_owned()),
        _ => Err(kind(value)),
    }
}

/// What kind of value a text of JSON is.
pub(super) fn kind(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b'n') => "null",
        Some(b't' | b'f') => "true or false",
        _ => "a number",
    }
}

fn missing(text: &str, pointer: &Pointer) -> BadLineReason {
    let pointer = pointer.to_string();
    match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => BadLineReason::NoId { pointer },
        _ => BadLineReason::NotAnObject { pointer },
    }
}

fn not_json(error: &serde_json::Error) -> Unidentified {
    let message = json_trouble(error);
    (
        Some(error.column() as u64),
        BadLineReason::NotJson { message },
    )
}

/// Walks down to a value and passes over all others.
struct Seek<'p>(&'p [String]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<&'de str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            let value: &RawValue = serde::Deserialize::deserialize(deserializer)?;
            return Ok(Some(value.get()));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Is(&self.0[0]))? {
            if is_it {
                found = map.next_value_seed(Seek(&self.0[1..]))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let wanted = place(&self.0[0]);
        let mut found = None;
        for index in 0.. {
            let more = if wanted == Some(index) {
                let value = list.next_element_seed(Seek(&self.0[1..]))?;
                value.map(|value| found = value).is_some()
            } else {
                list.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(found)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// A place in a list: an integer without superfluous zeros.
fn place(segment: &str) -> Option<usize> {
    let is_plain = segment == "0" || !segment.starts_with(['0', '+']);
    segment.parse().ok().filter(|_| is_plain)
}

/// Whether a member's name is this one, however it is spelled.
struct Is<'p>(&'p str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(body: &str, pointer: &str) -> Result<String, Unidentified> {
        identify(body.as_bytes(), &pointer.parse().unwrap()).map(|(_, id)| id)
    }

    #[test]
    fn ids_are_found_wherever_the_pointer_leads() {
        let cases = [
            (r#"{"_id":"a"}"#, "/_id", "a"),
            (
                r#" { "x" : [1, {"_id": 2}], "_id" : "ü\n" } "#,
                "/_id",
                "ü\n",
            ),
            (r#"{"\u005fid":"\u0061"}"#, "/_id", "a"),
            (r#"{"_id":-12}"#, "/_id", "-12"),
            (
                r#"{"_id":123456789012345678901234567890}"#,
                "/_id",
                "123456789012345678901234567890",
            ),
            (r#"{"_id":"first","_id":"last"}"#, "/_id", "last"),
            (r#"{"a":{"b/c":[0,{"d":"deep"}]}}"#, "/a/b~1c/1/d", "deep"),
            (r#"["x",7]"#, "/1", "7"),
            (r#""alone""#, "", "alone"),
            ("5", "", "5"),
        ];
        for (body, pointer, expected) in cases {
            assert_eq!(id(body, pointer).as_deref(), Ok(expected), "{body}");
        }
    }

    #[test]
    fn bodies_without_an_id_say_why() {
        let long = format!(r#"{{"_id":"{}"}}"#, "x".repeat(513));
        let cases = [
            (r#"{"id":"a"}"#, "/_id", "there is nothing at `/_id`"),
            (r#"{"a":5}"#, "/a/b", "there is nothing at `/a/b`"),
            (r#"["a"]"#, "/01", "there is nothing at `/01`"),
            (
                "5",
                "/_id",
                "it is not an object, so that nothing is at `/_id`",
            ),
            (
                r#""a""#,
                "/_id",
                "it is not an object, so that nothing is at `/_id`",
            ),
            (
                r#"{"_id":1.0}"#,
                "/_id",
                "at `/_id` is a number that is not written as an integer",
            ),
            (r#"{"_id":null}"#, "/_id", "at `/_id` is null"),
            (
                r#"{"_id":"\ud800"}"#,
                "/_id",
                "at `/_id` is a string that is not Unicode",
            ),
            (r#"{"_id":{"$oid":"5"}}"#, "/_id", "at `/_id` is an object"),
            (
                r#"{"_id":""}"#,
                "/_id",
                "an id has 1 to 512 bytes, this one has 0",
            ),
            (&long, "/_id", "an id has 1 to 512 bytes, this one has 513"),
        ];
        for (body, pointer, expected) in cases {
            let (column, reason) = id(body, pointer).unwrap_err();
            assert!(reason.to_string().starts_with(expected), "{body}: {reason}");
            assert_eq!(column, None);
        }
    }

    #[test]
    fn what_is_not_json_is_named_with_its_column() {
        let cases: [(&[u8], u64, &str); 7] = [
            (
                br#"{"_id":"a""#,
                10,
                "it is not JSON: EOF while parsing an object",
            ),
            (
                br#"{"_id":"a"} x"#,
                13,
                "it is not JSON: trailing characters",
            ),
            (b"nonsense", 2, "it is not JSON: expected value"),
            (
                br#"{"_id":"a","x":NaN}"#,
                16,
                "it is not JSON: expected value",
            ),
            (
                br#"{"_id":"a","x":"\q"}"#,
                18,
                "it is not JSON: invalid escape",
            ),
            (
                b"{\"_id\":\"a\tb\"}",
                9,
                "it is not JSON: control character",
            ),
            (b"{\"_id\":\"\xff\"}", 9, "it is not UTF-8"),
        ];
        for (body, column, expected) in cases {
            let (found, reason) = identify(body, &"/_id".parse().unwrap()).unwrap_err();
            assert!(reason.to_string().starts_with(expected), "{reason}");
            assert_eq!(found, Some(column), "{reason}");
        }
    }
}

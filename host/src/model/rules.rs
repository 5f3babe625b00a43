//! What is asked of JSON that others made.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use super::fingerprint::fingerprint;
use super::json_trouble;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What is asked of a JSON text beside that it is one (RFC 8259), in UTF-8.
///
/// ```
/// use godwit::model::Rules;
///
/// let rules = Rules {
///     depth: 3,
///     duplicate_names: false,
/// };
/// assert!(rules.check(br#"{"a": [1]}"#).is_ok());
/// let wrong = rules.check(br#"{"a": 1, "a": 2}"#).unwrap_err();
/// assert!(wrong.starts_with("has two members `a` in one object"));
/// let wrong = rules.check(b"[1,]").unwrap_err();
/// assert!(wrong.starts_with("is not JSON: "));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How deep arrays and objects may be nested; at most 128, which is the parser's own limit.
    pub depth: usize,
    /// Whether an object may have several members of one name.
    pub duplicate_names: bool,
}

/// None but those of the parser.
impl Default for Rules {
    fn default() -> Self {
        Self {
            depth: 128,
            duplicate_names: true,
        }
    }
}

impl Rules {
    /// Checks a text; otherwise says what is wrong with it, as in "is not JSON: …".
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn check(self, body: &[u8]) -> Result<(), String> {
        match fingerprint(body, self) {
            Some(_) => Ok(()),
            None => self.read(body),
        }
    }

    /// Checks a text with a reader that knows all there is to say about one that is wrong.
    pub(super) fn read(self, body: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(body).map_err(|error| format!("is not UTF-8: {error}"))?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Check {
            rules: self,
            depth: self.depth,
        }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| match error.classify() {
            serde_json::error::Category::Data => error.to_string(),
            _ => {
                let (line, column) = (error.line(), error.column());
                let trouble = json_trouble(&error);
                format!("is not JSON: {trouble} at line {line} column {column}")
            }
        })
    }
}

/// A number comes as a map with this one member, whose value is its text.
const NUMBER: &str = "$serde_json::private::Number";

/// Walks through a value that may be nested `depth` levels deep.
#[derive(Clone, Copy)]
struct Check {
    rules: Rules,
    depth: usize,
}

impl Check {
    fn below<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| {
            E::custom(format_args!(
                "is nested more than {} levels deep",
                self.rules.depth
            ))
        })?;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = Names::default();
        while let Some(name) = map.next_key_seed(Name)? {
            let value = if name == NUMBER {
                // It is a text, unless a document has a member of this name: then anything.
                let depth = self.depth.saturating_sub(1);
                Self { depth, ..self }
            } else {
                self.below()?
            };
            map.next_value_seed(value)?;
            if !self.rules.duplicate_names
                && let Some(name) = names.insert(name)
            {
                return Err(A::Error::custom(format_args!(
                    "has two members `{}` in one object",
                    name.escape_debug()
                )));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while list.next_element_seed(below)?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The names of an object's members. Few are compared one by one, which is faster than hashing.
#[derive(Default)]
struct Names<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Names<'de> {
    const FEW: usize = 16;

    /// Adds a name; gives it back where it is there already.
    fn insert(&mut self, name: Cow<'de, str>) -> Option<Cow<'de, str>> {
        if self.few.contains(&name) || self.many.contains(&name) {
            return Some(name);
        }
        if self.few.len() < Self::FEW {
            self.few.push(name);
        } else {
            self.many.insert(name);
        }
        None
    }
}

/// A member's name, borrowed where nothing in it is escaped.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Rules = Rules {
        depth: 3,
        duplicate_names: false,
    };

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn json_is_json() {
        let good = [
            "1",
            "-0",
            "[[[1e400]]]",
            r#"{"$serde_json::private::Number":"x"}"#,
            r#"{"$serde_json::private::Number":[1]}"#,
            "123456789012345678901234567890.5",
            r#""\u0000""#,
            "[[[]]]",
            r#"{"a":{"a":{"a":1.5}},"b":1}"#,
        ];
        for text in good {
            assert_eq!(STRICT.check(text.as_bytes()), Ok(()), "{text}");
        }
        for text in [
            "",
            "NaN",
            "{",
            "[1,]",
            "1 2",
            "'a'",
            "\u{feff}1",
            "\"\u{1}\"",
        ] {
            let error = STRICT.check(text.as_bytes()).unwrap_err();
            assert!(error.starts_with("is not JSON: "), "{text}: {error}");
        }
        let error = STRICT.check(b"\"\xff\"").unwrap_err();
        assert!(error.starts_with("is not UTF-8: "), "{error}");
    }

    #[test]
    fn depth_is_bounded() {
        for (depth, text) in [(3, "[[[1]]]".to_owned()), (128, nested(127))] {
            let rules = Rules { depth, ..STRICT };
            assert_eq!(rules.check(text.as_bytes()), Ok(()), "{text}");
        }
        let error = STRICT.check(b"[[[[]]]]").unwrap_err();
        assert!(
            error.starts_with("is nested more than 3 levels deep"),
            "{error}"
        );
        let deepest = Rules {
            depth: usize::MAX,
            ..STRICT
        };
        let error = deepest.check(nested(100_000).as_bytes()).unwrap_err();
        assert!(error.starts_with("is not JSON: recursion limit"), "{error}");
    }

    #[test]
    fn names_are_told_apart_however_they_are_spelled() {
        let many: String = (0..40).map(|n| format!("\"{n}\":1,")).collect();
        let doubled = [
            r#"{"a":1,"b":2,"a":3}"#.to_owned(),
            r#"{"x":{"a":1,"\u0061":3}}"#.to_owned(),
            format!("{{{many}\"39\":2}}"),
        ];
        for text in doubled {
            let error = STRICT.check(text.as_bytes()).unwrap_err();
            assert!(error.starts_with("has two members `"), "{text}: {error}");
            let lenient = Rules {
                duplicate_names: true,
                ..STRICT
            };
            assert_eq!(lenient.check(text.as_bytes()), Ok(()));
        }
        let text = format!("{{{many}\"40\":2}}");
        assert_eq!(STRICT.check(text.as_bytes()), Ok(()));
    }
}

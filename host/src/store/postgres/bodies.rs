//! Bodies that others may read in SQL: beside each item's record, which stays as it is to the byte, lies its body as `jsonb`.

use tokio_postgres::types::{ToSql, Type};

use super::super::key::{self, tag};
use super::super::record::ItemRecord;
use crate::model::{Rules, fingerprint};

/// How bodies are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Bodies {
    /// As bytes.
    #[default]
    Bytea,
    /// As bytes, and as `jsonb` beside them.
    Jsonb,
}

impl Bodies {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bytea => "bytea",
            Self::Jsonb => "jsonb",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Bytea, Self::Jsonb]
            .into_iter()
            .find(|bodies| bodies.name() == name)
    }
}

/// What is told of entries beside their keys and values, by columns: of those that are no items, nothing.
#[derive(Default)]
pub(super) struct Shown {
    collections: Vec<Option<String>>,
    generations: Vec<i64>,
    ids: Vec<Option<String>>,
    /// Where the body begins in the value, counted from 1; 0 where there is none to be shown.
    starts: Vec<i32>,
}

impl Shown {
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        let mut plain = Vec::new();
        let shown = start_of_body(key, value).and_then(|start| {
            let generation = key::out_of_generation(key, &mut plain)?;
            let (collection, id) = key::parse_item(&plain)?;
            let is_text = !id.contains('\0');
            is_text.then(|| (collection.to_string(), generation, id.to_owned(), start))
        });
        let (collection, generation, id, start) = match shown {
            Some((collection, generation, id, start)) => {
                (Some(collection), generation, Some(id), start)
            }
            None => (None, 0, None, 0),
        };
        self.collections.push(collection);
        self.generations.push(generation.cast_signed());
        self.ids.push(id);
        self.starts.push(start);
    }

    /// Shows nothing.
    pub(super) fn hide(&mut self) {
        self.starts.fill(0);
    }

    pub(super) fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 4] {
        [
            (&self.collections, Type::TEXT_ARRAY),
            (&self.generations, Type::INT8_ARRAY),
            (&self.ids, Type::TEXT_ARRAY),
            (&self.starts, Type::INT4_ARRAY),
        ]
    }
}

/// Where the body of an item begins, counted from 1, if PostgreSQL can take it for `jsonb`.
fn start_of_body(key: &[u8], record: &[u8]) -> Option<i32> {
    if key.first() != Some(&tag::ITEM) {
        return None;
    }
    let parsed = ItemRecord::parse(record).ok()?;
    is_jsonb(parsed.body).then(|| i32::try_from(parsed.header.len() + 1).ok())?
}

/// Whether a body is JSON that `jsonb` has room for: no zero character, no lone surrogate, no number beyond its range.
fn is_jsonb(body: &[u8]) -> bool {
    let has_zero = body.windows(6).any(|part| part == b"\\u0000");
    !has_zero && fingerprint(body, Rules::default()).is_some() && !has_huge_number(body)
}

/// Whether there is an exponent of more than three digits. `numeric` ends at 131,072 digits before the point, and 16,383 behind.
fn has_huge_number(body: &[u8]) -> bool {
    let (mut is_text, mut is_escaped, mut digits) = (false, false, None);
    for byte in body {
        match (is_text, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => is_text = !is_text,
            (true, _) => {}
            // `true` and `false` have one, and no digits behind it.
            (false, b'e' | b'E') => digits = Some(0),
            (false, b'+' | b'-') => {}
            (false, b'0'..=b'9') => {
                digits = digits.map(|digits| digits + 1);
                if digits > Some(3) {
                    return true;
                }
            }
            (false, _) => digits = None,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jsonb_has_no_room_for_is_known() {
        for body in [
            r#"{"a": [1, -2.5e10, "x1e9999"], "b": null, "c": true}"#,
            r#""1e99999""#,
            r#"{"a\"1e9999": "\u00e9"}"#,
            "[false,1000,1e-300]",
        ] {
            assert!(is_jsonb(body.as_bytes()), "{body}");
        }
        for body in [
            "",
            "no JSON",
            r#"{"a": "\u0000"}"#,
            r#"{"a": "\ud800"}"#,
            "1e9999",
            "[-1E+99999]",
        ] {
            assert!(!is_jsonb(body.as_bytes()), "{body}");
        }
    }
}

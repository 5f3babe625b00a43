//! Bodies that others may read in SQL: beside each item's record, which stays as it is to the byte, lies its body as `jsonb`.

use tokio_postgres::types::{ToSql, Type};

use super::super::key::{self, tag};
use super::super::record::ItemRecord;
use crate::model::json::fits_jsonb;

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
    fits_jsonb(parsed.body).then(|| i32::try_from(parsed.header.len() + 1).ok())?
}

//! A commit, made ready to be carried out.

use std::collections::BTreeMap;

use tokio_postgres::types::{ToSql, Type};

use super::super::key::tag;
use super::super::{Commit, Value};
use super::bodies::{Bodies, Shown};
use super::failure::Failure;
use super::tables::{Attached, Rows, Tables};

/// A commit as statements are made of it. All keys are in order.
#[derive(Default)]
pub(super) struct Plan<'c> {
    pub expected: BTreeMap<&'c [u8], Option<&'c [u8]>>,
    /// Expected, and written.
    pub changed: Vec<&'c [u8]>,
    /// Expected, and not written.
    pub kept: Vec<&'c [u8]>,
    /// Expected to begin with something.
    pub heads: Entries<'c>,
    /// Expected to be absent.
    pub new: Entries<'c>,
    pub put: Entries<'c>,
    pub gone: Vec<&'c [u8]>,
    /// What has to do with rows of tables.
    pub rows: Vec<(&'c Attached, Rows<'c>)>,
    /// Whether any of it has to do with items.
    pub has_items: bool,
    /// Whether bodies are shown to others.
    pub shows: bool,
}

#[derive(Default)]
pub(super) struct Entries<'c> {
    pub keys: Vec<&'c [u8]>,
    pub values: Vec<Vec<u8>>,
    pub shown: Shown,
}

impl<'c> Entries<'c> {
    fn push(&mut self, key: &'c [u8], value: Vec<u8>) {
        self.keys.push(key);
        self.values.push(value);
    }

    /// Notes what others may read of the values.
    fn show(&mut self) {
        for (key, value) in self.keys.iter().zip(&self.values) {
            self.shown.push(key, value);
        }
    }

    pub(super) fn parameters(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        let mut parameters: Vec<(&(dyn ToSql + Sync), Type)> = vec![
            (&self.keys, Type::BYTEA_ARRAY),
            (&self.values, Type::BYTEA_ARRAY),
        ];
        parameters.extend(self.shown.parameters());
        parameters
    }
}

/// What a commit expects and writes: of entries, and of rows in tables.
#[derive(Default)]
struct Sorted<'c> {
    expected: BTreeMap<&'c [u8], Option<&'c [u8]>>,
    heads: BTreeMap<&'c [u8], &'c [u8]>,
    writes: BTreeMap<&'c [u8], Option<Value<'c>>>,
    rows: BTreeMap<&'c str, (&'c Attached, Rows<'c>)>,
}

impl<'c> Sorted<'c> {
    fn of(commit: &'c Commit<'_>, tables: &'c Tables) -> Result<Self, Failure> {
        let mut sorted = Self::default();
        for (key, value) in commit.expectations() {
            let before = match sorted.row(tables, key)? {
                Some((rows, id)) => rows.expected.insert(id, value),
                None => sorted.expected.insert(key, value),
            };
            if before.is_some_and(|before| before != value) {
                return Err(Failure::Conflict(key.to_vec()));
            }
        }
        for (key, head) in commit.heads() {
            match sorted.row(tables, key)? {
                Some((rows, id)) => rows.heads.insert(id, head),
                None => sorted.heads.insert(key, head),
            };
        }
        // Of several writes to one key the last one counts.
        for (key, value) in commit.writes() {
            match sorted.row(tables, key)? {
                Some((rows, id)) => rows.writes.insert(id, value),
                None => sorted.writes.insert(key, value),
            };
        }
        Ok(sorted)
    }

    /// Where what lies under a key belongs that is a row of a table, and its id.
    fn row(
        &mut self,
        tables: &'c Tables,
        key: &'c [u8],
    ) -> Result<Option<(&mut Rows<'c>, &'c str)>, Failure> {
        let Some(table) = tables.of(key) else {
            return Ok(None);
        };
        // There is no row whose key is no text.
        let id = table.id_in(key);
        let id = id.ok_or_else(|| Failure::Conflict(key.to_vec()))?;
        let (_, rows) = self
            .rows
            .entry(table.collection.as_str())
            .or_insert_with(|| (table, Rows::default()));
        Ok(Some((rows, id)))
    }

    fn has_items(&self) -> bool {
        let is_item = |key: &&[u8]| key.first() == Some(&tag::ITEM);
        !self.rows.is_empty()
            || self.expected.keys().any(is_item)
            || self.heads.keys().any(is_item)
            || self.writes.keys().any(is_item)
    }
}

impl<'c> Plan<'c> {
    /// Where one key is expected to be two things there is no plan, but a conflict.
    pub(super) fn of(
        commit: &'c Commit<'_>,
        tables: &'c Tables,
        bodies: Bodies,
    ) -> Result<Self, Failure> {
        let sorted = Sorted::of(commit, tables)?;
        let mut plan = Self {
            has_items: sorted.has_items(),
            shows: bodies == Bodies::Jsonb,
            rows: sorted.rows.into_values().collect(),
            ..Self::default()
        };
        for (key, head) in sorted.heads {
            plan.heads.push(key, head.to_vec());
        }
        for (key, value) in &sorted.expected {
            let written = sorted.writes.get(key);
            match written {
                Some(_) => plan.changed.push(key),
                None => plan.kept.push(key),
            }
            if value.is_some() {
                continue;
            }
            // It is inserted, so that nobody else can, and removed again.
            let written = written.copied().flatten();
            plan.new
                .push(key, written.map(|value| value.to_vec()).unwrap_or_default());
            if written.is_none() {
                plan.gone.push(key);
            }
        }
        for (key, value) in sorted.writes {
            match value {
                _ if sorted.expected.get(key) == Some(&None) => {}
                Some(value) => plan.put.push(key, value.to_vec()),
                None => plan.gone.push(key),
            }
        }
        plan.gone.sort_unstable();
        plan.expected = sorted.expected;
        if plan.shows {
            plan.new.show();
            plan.put.show();
        }
        Ok(plan)
    }

    /// Hides bodies: the server cannot take one of them.
    pub(super) fn hide(&mut self) {
        self.new.shown.hide();
        self.put.shown.hide();
    }
}

/// What inserts entries, and what writes them whether they are there or not.
pub(super) fn insertion(entries: &str, shows: bool) -> (String, String) {
    let insert = match shows {
        false => format!(
            "INSERT INTO {entries} (key, value)
            SELECT new.key, new.value FROM unnest($1::bytea[], $2::bytea[]) AS new (key, value)
            ORDER BY new.key"
        ),
        true => format!(
            "INSERT INTO {entries} (key, value, collection, generation, id, body)
            SELECT new.key, new.value, new.collection, new.generation, new.id,
                CASE WHEN new.start > 0
                    THEN convert_from(substring(new.value FROM new.start), 'UTF8')::jsonb END
            FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::int8[], $5::text[], $6::int4[])
                AS new (key, value, collection, generation, id, start)
            ORDER BY new.key"
        ),
    };
    let shown = match shows {
        false => "",
        true => {
            ", collection = excluded.collection, generation = excluded.generation,
            id = excluded.id, body = excluded.body"
        }
    };
    let upsert = format!("{insert} ON CONFLICT (key) DO UPDATE SET value = excluded.value{shown}");
    (insert, upsert)
}

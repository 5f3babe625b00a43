//! Collections that are tables of the application's own.
//!
//! A row is an item: its key as text is the id, its body as text the body. What else belongs to an item's record lies in a
//! table of ours, the stamps: which version and which run a body was written with, and the digest of that body. Where the
//! application has written another one since, the digest says so, and the stamp does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deadpool_postgres::Client;
use futures_util::future::{try_join, try_join5};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use super::super::key::{self, tag};
use super::super::record::{ItemRecord, item_header_of};
use super::super::{Table, Value};
use super::failure::Failure;
use super::{literal, name_for};
use crate::model::{Name, RunId, Version};

/// How long one waits for rows that the application holds, in a transaction.
const PATIENCE: &str = "SET LOCAL lock_timeout = 500";

/// What is noted of a table when it is attached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Definition {
    /// As it was given.
    pub given: Table,
    /// The table's schema and name, as they were found.
    pub schema: String,
    pub name: String,
    pub key_type: String,
    pub body_type: String,
    /// The version of rows that say nothing of one.
    pub version: Version,
}

/// A collection that is a table.
pub(super) struct Attached {
    pub collection: Name,
    /// What the keys of its items begin with.
    prefix: Vec<u8>,
    /// The least key behind them.
    end: Vec<u8>,
    definition: Definition,
    /// The table's name in SQL, and those of its columns.
    table: String,
    key: String,
    body: String,
    version: Option<String>,
    /// The id of a row of `t`, as it is compared.
    id: String,
    /// What is read of rows, and from where.
    select: String,
    stamps: String,
}

/// The collections that are tables, as far as this process knows.
#[derive(Default)]
pub(super) struct Tables(Vec<Arc<Attached>>);

/// A part of a range of keys.
pub(super) struct Segment<'t> {
    pub from: Vec<u8>,
    pub to: Vec<u8>,
    /// Where its rows are; `None`: among the entries.
    pub table: Option<&'t Attached>,
}

/// What is known of the `n`-th key of a range.
pub(super) enum Nth {
    /// It is this one, or there are fewer.
    Key(Option<Vec<u8>>),
    /// It has to be counted by reading.
    Unknown,
}

impl Tables {
    pub(super) async fn load(client: &Client, schema: &str) -> Result<Self, Failure> {
        let query = format!("SELECT collection, definition FROM {schema}.tables");
        let mut tables = Vec::new();
        for row in client.query_typed(&query, &[]).await? {
            let (collection, definition): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
            let read = || {
                let definition = serde_json::from_str(definition).ok()?;
                Some(Attached::new(collection.parse().ok()?, definition, schema))
            };
            let table = read().ok_or_else(|| {
                Failure::of_table(collection, "what is noted of it cannot be read".to_owned())
            })?;
            tables.push(Arc::new(table));
        }
        tables.sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix));
        Ok(Self(tables))
    }

    /// Whether there are as many as this process knows: none is ever detached.
    pub(super) async fn are_all(&self, client: &Client, schema: &str) -> Result<(), Failure> {
        let query = format!("SELECT count(*) FROM {schema}.tables");
        let row = client.query_typed_one(&query, &[]).await?;
        match usize::try_from(row.try_get::<_, i64>(0)?) {
            Ok(count) if count == self.0.len() => Ok(()),
            _ => Err(Failure::Unknown),
        }
    }

    pub(super) fn of_collection(&self, name: &Name) -> Option<&Attached> {
        let found = self.0.iter().find(|table| table.collection == *name);
        found.map(|table| &**table)
    }

    pub(super) fn all(&self) -> Vec<(Name, Table)> {
        let known =
            |table: &Arc<Attached>| (table.collection.clone(), table.definition.given.clone());
        self.0.iter().map(known).collect()
    }

    /// The table that has what lies under a key.
    pub(super) fn of(&self, key: &[u8]) -> Option<&Attached> {
        let before = self
            .0
            .partition_point(|table| table.prefix.as_slice() <= key);
        let table = self.0.get(before.checked_sub(1)?)?;
        key.starts_with(&table.prefix).then_some(table)
    }

    /// The parts of a range of keys, in order.
    pub(super) fn segments(&self, from: &[u8], to: &[u8]) -> Vec<Segment<'_>> {
        let mut segments = Vec::new();
        let mut at = from.to_vec();
        let mut push = |from: Vec<u8>, to: Vec<u8>, table| {
            if from < to {
                segments.push(Segment { from, to, table });
            }
        };
        for table in &self.0 {
            if table.end.as_slice() <= from || table.prefix.as_slice() >= to {
                continue;
            }
            let begin = table.prefix.as_slice().max(&at).to_vec();
            let end = table.end.as_slice().min(to).to_vec();
            push(at, begin.clone(), None);
            push(begin, end.clone(), Some(&**table));
            at = end;
        }
        push(at, to.to_vec(), None);
        segments
    }
}

/// What may be done to rows of one table in a commit, by their ids.
#[derive(Default)]
pub(super) struct Rows<'c> {
    pub expected: BTreeMap<&'c str, Option<&'c [u8]>>,
    pub heads: BTreeMap<&'c str, &'c [u8]>,
    pub writes: BTreeMap<&'c str, Option<Value<'c>>>,
}

impl Attached {
    pub(super) fn new(collection: Name, definition: Definition, schema: &str) -> Self {
        let Table {
            key, body, version, ..
        } = &definition.given;
        let [key, body] = [key, body].map(|column| quoted(column));
        let version = version.as_deref().map(quoted);
        let id = format!("(t.{key}::text COLLATE \"C\")");
        let given = match &version {
            Some(column) => format!("t.{column}::text"),
            None => "NULL::text".to_owned(),
        };
        let stamps = format!("{schema}.stamps");
        let table = format!(
            "{}.{}",
            quoted(&definition.schema),
            quoted(&definition.name)
        );
        let select = format!(
            "SELECT t.{key}::text, t.{body}::text, {given}, s.version, s.writer
            FROM {table} AS t LEFT JOIN {stamps} AS s ON s.collection = {collection} AND s.id = {id}
                AND s.digest = md5(t.{body}::text)
            WHERE t.{body} IS NOT NULL AND ",
            collection = literal(collection.as_str()),
        );
        let prefix = key::item(tag::ITEM, &collection, "");
        Self {
            end: key::end_of(&prefix),
            prefix,
            collection,
            definition,
            table,
            key,
            body,
            version,
            id,
            select,
            stamps,
        }
    }

    fn failure(&self, reason: String) -> Failure {
        Failure::of_table(self.collection.as_str(), reason)
    }

    /// The id in the key of one of its items.
    pub(super) fn id_in<'k>(&self, key: &'k [u8]) -> Option<&'k str> {
        std::str::from_utf8(key.strip_prefix(&*self.prefix)?).ok()
    }

    fn key_of(&self, id: &str) -> Vec<u8> {
        [&self.prefix, id.as_bytes()].concat()
    }

    /// A row as an entry: its key, and an item's record.
    pub(super) fn entry(&self, row: &Row) -> Result<(Vec<u8>, Vec<u8>), Failure> {
        let (id, body): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let given: Option<&str> = row.try_get(2)?;
        let (stamped, writer): (Option<&str>, Option<i64>) = (row.try_get(3)?, row.try_get(4)?);
        if crate::model::item::check_id(id).is_err() {
            return Err(self.failure(format!(
                "a key of {} bytes cannot be the id of an item (1 to 512)",
                id.len()
            )));
        }
        let registered = self.definition.version.to_string();
        let version = given.or(stamped).unwrap_or(&registered);
        let writer = RunId(writer.unwrap_or_default().cast_unsigned());
        let header = item_header_of(version, writer);
        let header = header.filter(|_| version.parse::<Version>().is_ok());
        let header = header.ok_or_else(|| {
            self.failure(format!(
                "the row `{id}` has the version `{}`, which is none",
                version.escape_debug()
            ))
        })?;
        Ok((self.key_of(id), [&header, body.as_bytes()].concat()))
    }

    pub(super) async fn get(&self, client: &Client, id: &str) -> Result<Option<Vec<u8>>, Failure> {
        let query = format!("{} {} = $1", self.select, self.id);
        let row = client.query_typed_opt(&query, &[(&id, Type::TEXT)]).await?;
        row.map(|row| Ok(self.entry(&row)?.1)).transpose()
    }

    /// The entries of some rows, by their ids.
    pub(super) async fn get_all(
        &self,
        client: &Client,
        ids: &[&str],
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Failure> {
        let query = format!("{} {} = ANY($1)", self.select, self.id);
        let parameters = [(&ids as _, Type::TEXT_ARRAY)];
        let rows = client.query_typed(&query, &parameters).await?;
        rows.iter().map(|row| self.entry(row)).collect()
    }

    /// What reads the rows of a part of a range, in order, up to so many: with the id behind which it begins, if one was seen
    /// already.
    pub(super) async fn page(
        &self,
        client: &Client,
        segment: &Segment<'_>,
        behind: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Row>, Failure> {
        let (condition, bounds) = self.bounds(segment, behind);
        let query = format!(
            "{} {condition} ORDER BY {id} LIMIT $1",
            self.select,
            id = self.id
        );
        Ok(client
            .query_typed(&query, &parameters(&limit, &bounds))
            .await?)
    }

    /// A condition that holds for all rows of a part of a range, and the texts of its parameters, from the second on. Bounds
    /// may be no texts, so that it may hold for others, too.
    fn bounds(&self, segment: &Segment<'_>, behind: Option<&str>) -> (String, Vec<String>) {
        let (mut conditions, mut bounds) = (vec!["true".to_owned()], Vec::new());
        let mut add = |operator: &str, bound: &str| {
            bounds.push(bound.to_owned());
            conditions.push(format!("{} {operator} ${}", self.id, bounds.len() + 1));
        };
        match (behind, segment.from.strip_prefix(&*self.prefix).map(cut)) {
            (Some(behind), _) => add(">", behind),
            (None, Some((from, Cut::AtZero))) => add(">", from),
            (None, Some((from, Cut::Nowhere | Cut::WithinText))) => add(">=", from),
            (None, None) => {}
        }
        match segment.to.strip_prefix(&*self.prefix).map(cut) {
            Some((to, Cut::AtZero)) => add("<=", to),
            Some((to, Cut::Nowhere)) => add("<", to),
            Some((_, Cut::WithinText)) | None => {}
        }
        (conditions.join(" AND "), bounds)
    }

    /// The `n`-th id of a part of a range.
    pub(super) async fn nth(
        &self,
        client: &Client,
        n: u64,
        segment: &Segment<'_>,
    ) -> Result<Nth, Failure> {
        let bounds = [&segment.from, &segment.to].map(|bound| bound.strip_prefix(&*self.prefix));
        let is_cut = |bound: &[u8]| matches!(cut(bound), (_, Cut::WithinText));
        // What is asked for by these finds others, too.
        if bounds.into_iter().flatten().any(is_cut) {
            return Ok(Nth::Unknown);
        }
        let (condition, bounds) = self.bounds(segment, None);
        let Self {
            table,
            key,
            body,
            id,
            ..
        } = self;
        let before = i64::try_from(n.max(1) - 1).unwrap_or(i64::MAX);
        let query = format!(
            "SELECT t.{key}::text FROM {table} AS t WHERE t.{body} IS NOT NULL AND {condition}
            ORDER BY {id} OFFSET $1 LIMIT 1",
        );
        let row = client
            .query_typed_opt(&query, &parameters(&before, &bounds))
            .await?;
        let key = row.map(|row| Ok::<_, Failure>(self.key_of(row.try_get(0)?)));
        Ok(Nth::Key(key.transpose()?))
    }

    pub(super) async fn count(&self, client: &Client) -> Result<u64, Failure> {
        let query = format!("SELECT count(t.{}) FROM {} AS t", self.body, self.table);
        let row = client.query_typed_one(&query, &[]).await?;
        Ok(u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or_default())
    }

    pub(super) async fn other_versions(
        &self,
        client: &Client,
        known: &[String],
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<(String, String)>, Failure> {
        let Self {
            table,
            key,
            body,
            id,
            ..
        } = self;
        let Some(column) = &self.version else {
            return Ok(Vec::new());
        };
        let query = format!(
            "SELECT t.{key}::text, coalesce(t.{column}::text, {registered}) FROM {table} AS t
            WHERE t.{body} IS NOT NULL AND coalesce(t.{column}::text, {registered}) <> ALL($1)
                AND {id} > $2
            ORDER BY {id} LIMIT $3",
            registered = literal(&self.definition.version.to_string()),
        );
        let after = after.unwrap_or_default();
        let parameters: [(&(dyn ToSql + Sync), Type); 3] = [
            (&known, Type::TEXT_ARRAY),
            (&after, Type::TEXT),
            (&limit, Type::INT8),
        ];
        let rows = client.query_typed(&query, &parameters).await?;
        let pairs = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        pairs.collect()
    }

    pub(super) async fn find(
        &self,
        client: &Client,
        (pointer, value): (&str, &str),
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<String>, Failure> {
        let query = format!(
            "SELECT t.{key}::text FROM {table} AS t
            WHERE {expression} = $1::text::jsonb AND {id} > $2 ORDER BY {id} LIMIT $3",
            key = self.key,
            table = self.table,
            expression = self.expression("t.", pointer),
            id = self.id,
        );
        let after = after.unwrap_or_default();
        let parameters: [(&(dyn ToSql + Sync), Type); 3] = [
            (&value, Type::TEXT),
            (&after, Type::TEXT),
            (&limit, Type::INT8),
        ];
        let rows = client.query_typed(&query, &parameters).await?;
        let ids = rows.iter().map(|row| Ok(row.try_get(0)?));
        ids.collect()
    }

    /// What a body has at a pointer, in SQL.
    fn expression(&self, row: &str, pointer: &str) -> String {
        format!("({row}{}::jsonb #> {})", self.body, path(pointer))
    }

    /// What an index is on that is on what bodies have at a pointer.
    pub(super) fn index(&self, pointer: &str) -> String {
        format!(
            "{} USING hash ({})",
            self.table,
            self.expression("", pointer)
        )
    }

    pub(super) fn has_versions(&self) -> bool {
        self.version.is_some()
    }

    pub(super) fn has_jsonb(&self) -> bool {
        self.definition.body_type == "jsonb"
    }

    /// The schema of the table.
    pub(super) fn schema(&self) -> &str {
        &self.definition.schema
    }

    /// Makes what orders the ids of a table: without it, each page that is read would have all rows sorted.
    pub(super) async fn make_order(&self, client: &Client) -> Result<(), Failure> {
        let Self { table, key, .. } = self;
        let on = format!("{table} (({key}::text) COLLATE \"C\")");
        let name = name_for(&[table, key]);
        make_index(client, self.schema(), &name, &on).await
    }

    /// Notes that the collection lies in the table.
    pub(super) async fn register(&self, client: &Client, schema: &str) -> Result<(), Failure> {
        let query = format!("INSERT INTO {schema}.tables (collection, definition) VALUES ($1, $2)");
        let definition = serde_json::to_string(&self.definition);
        let definition = definition.expect("its members have names");
        let parameters: [(&(dyn ToSql + Sync), Type); 2] = [
            (&self.collection.as_str(), Type::TEXT),
            (&definition, Type::TEXT),
        ];
        client.execute_typed(&query, &parameters).await?;
        Ok(())
    }

    /// Holds all rows that something is expected of or that are written, if they are as expected; gives which there are.
    pub(super) async fn hold(
        &self,
        client: &Client,
        rows: &Rows<'_>,
    ) -> Result<BTreeSet<String>, Failure> {
        let ids: BTreeSet<&str> = rows
            .expected
            .keys()
            .chain(rows.heads.keys())
            .chain(rows.writes.keys())
            .copied()
            .collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let query = format!(
            "{} {id} = ANY($1) ORDER BY {id} FOR UPDATE OF t",
            self.select,
            id = self.id
        );
        let ids = [(&ids as &(dyn ToSql + Sync), Type::TEXT_ARRAY)];
        let locked = try_join(
            client.batch_execute(PATIENCE),
            client.query_typed(&query, &ids),
        );
        let locked = match locked.await {
            Ok(((), locked)) => locked,
            // The application holds one of them: whoever wants it looks again, and keeps his lease meanwhile.
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                return Err(Failure::Conflict(self.key_of("")));
            }
            Err(error) => return Err(error.into()),
        };
        let mut found = BTreeMap::new();
        for row in locked {
            found.insert(row.try_get::<_, String>(0)?, self.entry(&row)?.1);
        }
        let conflict = |id: &str| Err(Failure::Conflict(self.key_of(id)));
        for (id, expected) in &rows.expected {
            if found.get(*id).map(Vec::as_slice) != *expected {
                return conflict(id);
            }
        }
        for (id, head) in &rows.heads {
            if !found
                .get(*id)
                .is_some_and(|record| record.starts_with(head))
            {
                return conflict(id);
            }
        }
        Ok(found.into_keys().collect())
    }

    /// Writes rows of which these are there.
    pub(super) async fn write(
        &self,
        client: &Client,
        rows: &Rows<'_>,
        there: &BTreeSet<String>,
    ) -> Result<(), Failure> {
        let there = &self.with_bodiless(client, rows, there).await?;
        let (mut changed, mut new, mut gone) = (Columns::default(), Columns::default(), Vec::new());
        for (id, value) in &rows.writes {
            match value {
                Some(value) if there.contains(*id) => self.push(&mut changed, id, value)?,
                Some(value) => self.push(&mut new, id, value)?,
                None => gone.push(*id),
            }
        }
        let (update, insert, delete) = (self.update(), self.insert(), self.delete());
        let (stamp, unstamp) = (self.stamp(), self.unstamp());
        let stamped = changed.and(&new);
        let gone = [(&gone as &(dyn ToSql + Sync), Type::TEXT_ARRAY)];
        let (changed_parameters, new_parameters) = (changed.parameters(), new.parameters());
        let parameters = stamped.stamps();
        // All of it is sent at once, and carried out in this order.
        let (updated, inserted, ..) = try_join5(
            client.execute_typed(&update, &changed_parameters),
            client.execute_typed(&insert, &new_parameters),
            client.execute_typed(&delete, &gone),
            client.execute_typed(&stamp, &parameters),
            client.execute_typed(&unstamp, &gone),
        )
        .await?;
        if inserted != new.ids.len() as u64 {
            return Err(self.failure(format!(
                "an id is not how a value of its key, {}, is written",
                self.definition.key_type
            )));
        }
        match updated == changed.ids.len() as u64 {
            true => Ok(()),
            // A trigger of the table's, or a policy for its rows, kept it.
            false => Err(self.failure(
                "rows that were to be changed are not: see its triggers and policies".to_owned(),
            )),
        }
    }

    /// The rows that are there, with those that have had no body so far, and get one.
    async fn with_bodiless(
        &self,
        client: &Client,
        rows: &Rows<'_>,
        there: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Failure> {
        let mut there = there.clone();
        let new = rows.writes.iter().filter(|(_, value)| value.is_some());
        let new: Vec<&str> = new
            .map(|(id, _)| *id)
            .filter(|id| !there.contains(*id))
            .collect();
        if new.is_empty() {
            return Ok(there);
        }
        let Self {
            table,
            key,
            body,
            id,
            ..
        } = self;
        let query = format!(
            "SELECT t.{key}::text FROM {table} AS t
            WHERE {id} = ANY($1) AND t.{body} IS NULL ORDER BY {id} FOR UPDATE OF t",
        );
        for row in client
            .query_typed(&query, &[(&new, Type::TEXT_ARRAY)])
            .await?
        {
            there.insert(row.try_get(0)?);
        }
        Ok(there)
    }

    fn push<'c>(
        &self,
        columns: &mut Columns<'c>,
        id: &'c str,
        value: &Value<'c>,
    ) -> Result<(), Failure> {
        let record = value.to_vec();
        let parsed = ItemRecord::parse(&record);
        let parsed = parsed.map_err(|error| self.failure(error.to_string()))?;
        let body = String::from_utf8(parsed.body.to_vec());
        let body = body.map_err(|_| self.failure(format!("the body of `{id}` is no text")))?;
        columns.ids.push(id);
        columns.bodies.push(body);
        columns.versions.push(parsed.version.to_owned());
        columns.writers.push(parsed.writer.0.cast_signed());
        Ok(())
    }

    fn update(&self) -> String {
        let Self {
            table, body, id, ..
        } = self;
        let version = self.version.as_ref();
        let version = version.map(|column| format!(", {column} = new.version"));
        format!(
            "UPDATE {table} AS t SET {body} = new.body::{body_type}{version}
            FROM unnest($1::text[], $2::text[], $3::text[]) AS new (id, body, version) WHERE {id} = new.id",
            body_type = self.definition.body_type,
            version = version.unwrap_or_default(),
        )
    }

    fn insert(&self) -> String {
        let Definition {
            key_type,
            body_type,
            ..
        } = &self.definition;
        let Self {
            table, key, body, ..
        } = self;
        let column = self.version.as_ref();
        let column = column.map(|column| format!(", {column}"));
        let value = column.as_ref().map_or("", |_| ", new.version");
        format!(
            "INSERT INTO {table} ({key}, {body}{column}) SELECT new.id::{key_type}, new.body::{body_type}{value}
            FROM unnest($1::text[], $2::text[], $3::text[]) AS new (id, body, version)
            WHERE (new.id::{key_type})::text = new.id",
            column = column.unwrap_or_default(),
        )
    }

    fn delete(&self) -> String {
        format!(
            "DELETE FROM {} AS t WHERE {} = ANY($1)",
            self.table, self.id
        )
    }

    fn stamp(&self) -> String {
        format!(
            "INSERT INTO {stamps} (collection, id, version, writer, digest)
            SELECT {collection}, new.id, new.version, new.writer, md5(t.{body}::text)
            FROM {table} AS t JOIN unnest($1::text[], $2::text[], $3::int8[]) AS new (id, version, writer)
                ON {id} = new.id ORDER BY new.id
            ON CONFLICT (collection, id) DO UPDATE
                SET version = excluded.version, writer = excluded.writer, digest = excluded.digest",
            stamps = self.stamps,
            collection = literal(self.collection.as_str()),
            body = self.body,
            table = self.table,
            id = self.id,
        )
    }

    fn unstamp(&self) -> String {
        format!(
            "DELETE FROM {} WHERE collection = {} AND id = ANY($1)",
            self.stamps,
            literal(self.collection.as_str())
        )
    }
}

/// Where a bound was cut to be a text.
enum Cut {
    /// It was not.
    Nowhere,
    /// At a zero byte: no text has one, so that all that begin with what is before it, and have more, come behind it.
    AtZero,
    /// Where it is none any more.
    WithinText,
}

/// The part of a bound that is a text.
fn cut(bound: &[u8]) -> (&str, Cut) {
    let zero = bound.iter().position(|byte| *byte == 0);
    let before = &bound[..zero.unwrap_or(bound.len())];
    match std::str::from_utf8(before) {
        Ok(text) if zero.is_some() => (text, Cut::AtZero),
        Ok(text) => (text, Cut::Nowhere),
        Err(error) => {
            let text = std::str::from_utf8(&before[..error.valid_up_to()]);
            (text.unwrap_or_default(), Cut::WithinText)
        }
    }
}

/// Rows to be written, by columns.
#[derive(Default)]
struct Columns<'c> {
    ids: Vec<&'c str>,
    bodies: Vec<String>,
    versions: Vec<String>,
    writers: Vec<i64>,
}

impl<'c> Columns<'c> {
    fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 3] {
        [
            (&self.ids, Type::TEXT_ARRAY),
            (&self.bodies, Type::TEXT_ARRAY),
            (&self.versions, Type::TEXT_ARRAY),
        ]
    }

    /// What is stamped of these and others.
    fn and(&self, others: &Self) -> Self {
        Self {
            ids: [&*self.ids, &*others.ids].concat(),
            bodies: Vec::new(),
            versions: [&*self.versions, &*others.versions].concat(),
            writers: [&*self.writers, &*others.writers].concat(),
        }
    }

    fn stamps(&self) -> [(&(dyn ToSql + Sync), Type); 3] {
        [
            (&self.ids, Type::TEXT_ARRAY),
            (&self.versions, Type::TEXT_ARRAY),
            (&self.writers, Type::INT8_ARRAY),
        ]
    }
}

/// Makes an index without keeping anybody from writing. One that could not be finished is made anew.
pub(super) async fn make_index(
    client: &Client,
    schema: &str,
    name: &str,
    on: &str,
) -> Result<(), Failure> {
    let query = "SELECT i.indisvalid FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relname = $1 AND n.nspname = $2";
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&name, Type::TEXT), (&schema, Type::TEXT)];
    let found = client.query_typed_opt(query, &parameters).await?;
    match found.map(|row| row.try_get(0)).transpose()? {
        Some(true) => return Ok(()),
        Some(false) => drop_index(client, schema, name).await?,
        None => {}
    }
    let statement = format!("CREATE INDEX CONCURRENTLY {name} ON {on}");
    match client.execute_typed(&statement, &[]).await {
        // Somebody else makes it.
        Err(error) if error.code() == Some(&SqlState::DUPLICATE_TABLE) => Ok(()),
        made => Ok(made.map(drop)?),
    }
}

pub(super) async fn drop_index(client: &Client, schema: &str, name: &str) -> Result<(), Failure> {
    let statement = format!(
        "DROP INDEX CONCURRENTLY IF EXISTS {}.{name}",
        quoted(schema)
    );
    client.execute_typed(&statement, &[]).await?;
    Ok(())
}

/// A JSON pointer as a path of SQL.
pub(super) fn path(pointer: &str) -> String {
    let steps = pointer.split('/').skip(1);
    let steps = steps.map(|step| literal(&step.replace("~1", "/").replace("~0", "~")));
    format!("ARRAY[{}]::text[]", steps.collect::<Vec<_>>().join(","))
}

/// A name in SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn parameters<'p>(first: &'p i64, texts: &'p [String]) -> Vec<(&'p (dyn ToSql + Sync), Type)> {
    let mut parameters: Vec<(&(dyn ToSql + Sync), Type)> = vec![(first, Type::INT8)];
    parameters.extend(texts.iter().map(|text| (text as _, Type::TEXT)));
    parameters
}

impl Failure {
    pub(super) fn of_table(collection: &str, reason: String) -> Self {
        Self::Table {
            collection: collection.to_owned(),
            reason,
        }
    }
}

//! Whether a table of the application's own can be a collection.

use std::collections::BTreeMap;

use deadpool_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::super::Table;
use super::failure::Failure;
use super::tables::{Attached, Definition};
use crate::model::{Name, Version};

/// Types of keys: each value of them has one text.
const KEYS: [&str; 6] = [
    "text",
    "character varying",
    "smallint",
    "integer",
    "bigint",
    "uuid",
];
/// Types of bodies.
const BODIES: [&str; 4] = ["jsonb", "json", "text", "character varying"];
/// Types of versions.
const VERSIONS: [&str; 2] = ["text", "character varying"];

/// What a collection is that is to lie in a table.
pub(super) async fn look_up(
    client: &Client,
    schema: &str,
    collection: &Name,
    (given, version): (&Table, &Version),
) -> Result<Attached, Failure> {
    match definition(client, given, version).await? {
        Ok(definition) => Ok(Attached::new(collection.clone(), definition, schema)),
        Err(reason) => Err(Failure::of_table(collection.as_str(), reason)),
    }
}

/// What has to be known of a table; or what is wrong with it.
async fn definition(
    client: &Client,
    given: &Table,
    version: &Version,
) -> Result<Result<Definition, String>, Failure> {
    let encoding = client.query_typed_one("SELECT current_setting('server_encoding')", &[]);
    let encoding: String = encoding.await?.try_get(0)?;
    if encoding != "UTF8" {
        return Ok(Err(format!(
            "the database has the encoding {encoding}; UTF8 is needed"
        )));
    }
    let Found { schema, name, oid } = match find(client, &given.table).await? {
        Ok(found) => found,
        Err(reason) => return Ok(Err(reason)),
    };
    let types = match types(client, given, oid).await? {
        Ok(types) => types,
        Err(reason) => return Ok(Err(reason)),
    };
    if !is_unique(client, oid, &given.key).await? {
        return Ok(Err(format!(
            "its column {} is not unique, or may be null; make it PRIMARY KEY",
            given.key
        )));
    }
    let [key_type, body_type] = types;
    Ok(Ok(Definition {
        given: given.clone(),
        schema,
        name,
        key_type,
        body_type,
        version: version.clone(),
    }))
}

/// A table as the server knows it.
struct Found {
    schema: String,
    name: String,
    oid: i64,
}

async fn find(client: &Client, table: &str) -> Result<Result<Found, String>, Failure> {
    let (schema, name) = match table.split_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, table),
    };
    let query = "SELECT n.nspname::text, c.oid::int8, c.relkind::text
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relname = $1
            AND (n.nspname = $2 OR $2 IS NULL AND n.nspname = ANY(current_schemas(false)))";
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&name, Type::TEXT), (&schema, Type::TEXT)];
    let found = client.query_typed(query, &parameters).await?;
    let [found] = &*found else {
        return Ok(Err(match found.len() {
            0 => format!("there is no table {table}"),
            _ => format!("several schemas have a table {name}; name it as SCHEMA.{name}"),
        }));
    };
    match found.try_get(2)? {
        "r" => {}
        // Its indexes cannot be made while others write.
        "p" => {
            return Ok(Err(format!(
                "{table} is in partitions; attach each of them"
            )));
        }
        _ => {
            return Ok(Err(format!(
                "{table} is no table of which rows can be locked"
            )));
        }
    }
    Ok(Ok(Found {
        schema: found.try_get(0)?,
        name: name.to_owned(),
        oid: found.try_get(1)?,
    }))
}

/// The types of a table's key and body.
async fn types(
    client: &Client,
    given: &Table,
    oid: i64,
) -> Result<Result<[String; 2], String>, Failure> {
    let query = "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
        WHERE attrelid = $1::int8::oid AND attnum > 0 AND NOT attisdropped";
    let rows = client.query_typed(query, &[(&oid, Type::INT8)]).await?;
    let mut columns = BTreeMap::new();
    for row in &rows {
        columns.insert(row.try_get::<_, &str>(0)?, row.try_get::<_, &str>(1)?);
    }
    let of = |name: &str, types: &[&str]| match columns.get(name) {
        Some(found) if types.contains(found) => Ok((*found).to_owned()),
        Some(found) => Err(format!(
            "its column {name} is of type {found}, and may be {}",
            types.join(", ")
        )),
        None => Err(format!("{} has no column {name}", given.table)),
    };
    let found = || {
        if let Some(version) = &given.version {
            of(version, &VERSIONS)?;
        }
        Ok([of(&given.key, &KEYS)?, of(&given.body, &BODIES)?])
    };
    Ok(found())
}

/// Whether no two rows have the same in a column, and none has nothing there.
async fn is_unique(client: &Client, oid: i64, column: &str) -> Result<bool, Failure> {
    let query = "SELECT 1 FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
        WHERE i.indrelid = $1::int8::oid AND i.indisunique AND i.indnatts = 1
            AND i.indpred IS NULL AND i.indisvalid AND a.attname = $2 AND a.attnotnull";
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&oid, Type::INT8), (&column, Type::TEXT)];
    Ok(!client.query_typed(query, &parameters).await?.is_empty())
}

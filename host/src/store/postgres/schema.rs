//! The tables of a store, which have versions of their own.

use deadpool_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::bodies::Bodies;
use super::failure::{Failure, said};

/// What makes a schema of one version more, from the first on. What has once been shipped is never changed: further
/// versions are added.
///
/// PostgreSQL orders `bytea` bytewise, whatever the collation of the database.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE {schema}.entries (
        key bytea PRIMARY KEY,
        value bytea NOT NULL
    );
",
    // What others may read of items, where they lie in entries; and items that lie in tables of the application's own.
    "
    ALTER TABLE {schema}.entries ADD COLUMN collection text;
    ALTER TABLE {schema}.entries ADD COLUMN generation int8;
    ALTER TABLE {schema}.entries ADD COLUMN id text;
    ALTER TABLE {schema}.entries ADD COLUMN body jsonb;
    CREATE VIEW {schema}.items AS
        SELECT item.collection, item.id, item.body
        FROM {schema}.entries AS item
        LEFT JOIN {schema}.entries AS live ON live.key = '\\x47'::bytea || convert_to(item.collection, 'UTF8')
        WHERE item.body IS NOT NULL AND item.generation =
            coalesce(('x' || encode(live.value, 'hex'))::bit(64)::int8, 0);
    CREATE TABLE {schema}.settings (
        name text PRIMARY KEY,
        value text NOT NULL
    );
    INSERT INTO {schema}.settings (name, value)
        SELECT 'bodies', 'bytea' WHERE EXISTS (SELECT 1 FROM {schema}.entries);
    CREATE TABLE {schema}.tables (
        collection text PRIMARY KEY,
        definition text NOT NULL
    );
    CREATE TABLE {schema}.stamps (
        collection text,
        id text COLLATE \"C\",
        version text NOT NULL,
        writer int8 NOT NULL,
        digest text NOT NULL,
        PRIMARY KEY (collection, id)
    );
"];

/// Whether there is a store in a schema.
pub(super) async fn exists(client: &Client, schema: &str) -> Result<bool, Failure> {
    let query = "SELECT 1 FROM information_schema.tables
        WHERE table_schema = $1::text AND table_name = 'godwit_schema'";
    let found = client.query_typed(query, &[(&schema, Type::TEXT)]).await?;
    Ok(!found.is_empty())
}

/// The schemas whose names begin so.
pub(super) async fn beginning_with(client: &Client, name: &str) -> Result<Vec<String>, Failure> {
    let query = "SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, $1::text) ORDER BY nspname";
    let found = client.query_typed(query, &[(&name, Type::TEXT)]).await?;
    found.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Makes a schema, or brings one up to the newest version. Several may do so at once.
pub(super) async fn bring_up(client: &Client, schema: &str) -> Result<(), Failure> {
    loop {
        let done = match version(client, schema).await? {
            None => create(client, schema).await,
            Some(version) if version == newest() => return Ok(()),
            Some(version) if version > newest() => {
                return Err(Failure::Newer {
                    found: u32::try_from(version).unwrap_or(u32::MAX),
                    supported: u32::try_from(newest()).unwrap_or(u32::MAX),
                });
            }
            Some(version) => migrate(client, schema, version).await,
        };
        match done {
            // Somebody else did the same, and was faster.
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {}
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_TABLE) => {
                return Err(Failure::Foreign(said(&error)));
            }
            done => done?,
        }
    }
}

fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).expect("they are few")
}

async fn version(client: &Client, schema: &str) -> Result<Option<i32>, Failure> {
    if !exists(client, schema).await? {
        return Ok(None);
    }
    let query = format!("SELECT coalesce(max(version), 0)::int4 FROM {schema}.godwit_schema");
    let row = client.query_typed_one(&query, &[]).await?;
    Ok(Some(row.try_get(0)?))
}

/// How the bodies of a store are kept: as was settled first, for which `wished` counts once.
pub(super) async fn bodies(
    client: &Client,
    schema: &str,
    wished: Option<Bodies>,
) -> Result<Bodies, Failure> {
    let insert = format!(
        "INSERT INTO {schema}.settings (name, value) VALUES ('bodies', $1) ON CONFLICT DO NOTHING"
    );
    let name = wished.unwrap_or_default().name();
    let select = format!("SELECT value FROM {schema}.settings WHERE name = 'bodies'");
    client
        .execute_typed(&insert, &[(&name, Type::TEXT)])
        .await?;
    let row = client.query_typed_one(&select, &[]).await?;
    let settled = Bodies::named(row.try_get(0)?).unwrap_or_default();
    match wished {
        Some(wished) if wished != settled => Err(Failure::OtherBodies { settled }),
        _ => Ok(settled),
    }
}

async fn create(client: &Client, schema: &str) -> Result<(), tokio_postgres::Error> {
    let script = format!(
        "BEGIN;
        CREATE SCHEMA IF NOT EXISTS {schema};
        CREATE TABLE IF NOT EXISTS {schema}.godwit_schema (version int4 PRIMARY KEY);
        COMMIT;"
    );
    carried_out(client, &script).await
}

/// One version more. Whoever inserts its number first carries it out; others wait for that, and are told that it is there.
async fn migrate(client: &Client, schema: &str, from: i32) -> Result<(), tokio_postgres::Error> {
    let index = usize::try_from(from).expect("it is below the newest");
    let statements = MIGRATIONS[index].replace("{schema}", schema);
    let script = format!(
        "BEGIN;
        INSERT INTO {schema}.godwit_schema (version) VALUES ({});
        {statements}
        COMMIT;",
        from + 1
    );
    carried_out(client, &script).await
}

async fn carried_out(client: &Client, script: &str) -> Result<(), tokio_postgres::Error> {
    let done = client.batch_execute(script).await;
    if done.is_err() {
        // What failed has left its transaction open.
        client.batch_execute("ROLLBACK").await?;
    }
    done
}

//! A store in a schema of PostgreSQL, for several processes on several machines.
//!
//! An entry is a row. A commit is one transaction of READ COMMITTED, in two round trips: the rows that it expects something
//! of are locked and compared, then everything is written. Rows that are written are locked FOR UPDATE, rows that only have
//! to stay as they are FOR SHARE, all in order of their keys; a key that must be absent is inserted, so that nobody else can,
//! and removed again unless it is written. So two commits of which one changes what the other expects come one after the
//! other, and no other isolation is needed. What the server gives up (a serialization failure, a deadlock, a lock that
//! took too long) is tried again.
//!
//! No session has a state that outlives a transaction, and no statement a name: it all works behind PgBouncer in transaction
//! mode. No advisory locks, no LISTEN, no arrays of rows in one statement that changes several tables: what CockroachDB,
//! YugabyteDB and Citus do not have is not used.
//!
//! The items of a collection may lie in a table of the application's own instead ([`Relational`]): what is under their keys is
//! read from its rows, and written to them, in the same transactions.

mod bodies;
mod connecting;
mod failure;
mod look_up;
mod plan;
mod schema;
mod tables;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use deadpool_postgres::{Client, Object, Pool};
use futures_util::future::{try_join, try_join3, try_join5};
use futures_util::{TryFutureExt, TryStreamExt};
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use self::bodies::Bodies;
use self::connecting::Address;
use self::failure::{Failure, said};
use self::plan::{Plan, insertion};
use self::tables::{Attached, Nth, Segment, Tables};
use super::backend::nth_of;
use super::key::tag;
use super::{Backend, Commit, MAX_KEY, OpenMode, Relational, StoreError, Table};
use crate::model::{Digest, Name, Timestamp, Version};

/// What the names of schemas have behind that of the one whose place they are to take, and before a number.
const DRAFT: &str = "restoring_";
/// Begins a commit. Whoever is stopped in the middle of one holds its locks no longer than this; nobody waits for a lock for
/// longer than a lease lasts.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET LOCAL idle_in_transaction_session_timeout = 1000; SET LOCAL lock_timeout = 5000;";
/// Begins a scan, which sees one moment.
const BEGIN_SCAN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// How often what the server gave up, or a connection that was cut, is tried again: with the times between, some three seconds.
const TRIES: u32 = 8;
/// How many rows a scan asks for first; then twice as many each time, up to so many, or so many bytes.
const PAGE: (i64, i64) = (64, 4_096);
const PAGE_BYTES: usize = 4 << 20;

/// A store in a schema of PostgreSQL.
///
/// Any number of processes may have it open. A commit is as durable as the server's `synchronous_commit` says.
///
/// ```no_run
/// use godwit::store::{Backend, OpenMode, Postgres};
///
/// let store = Postgres::open("postgres://me@db.example/app?schema=godwit", OpenMode::Create)?;
/// assert_eq!(store.url(), "postgres://...@db.example/app?schema=godwit");
/// # Ok::<(), godwit::store::StoreError>(())
/// ```
pub struct Postgres {
    address: Address,
    pool: Pool,
    bodies: Bodies,
    /// The collections that are tables, as they were read last.
    tables: RwLock<Arc<Tables>>,
    /// `None` only while the store is dropped.
    runtime: Option<Runtime>,
}

fn failed(
    action: &'static str,
    url: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Failed {
        action,
        path: PathBuf::from(url),
        source: Box::new(error),
    }
}

impl Postgres {
    /// The most bytes of keys and values that a commit may carry: a message of the protocol has less than 1 GiB.
    pub const MAX_COMMIT_BYTES: usize = 512 << 20;

    /// Opens the store that a URL names, or makes one if `mode` says so.
    ///
    /// The URL is that of libpq, with `?schema=` for the schema that has the store (`godwit`), `sslrootcert`, and, when a store is
    /// made, `bodies=jsonb` for bodies that others may read in SQL (`bytea`).
    ///
    /// ```
    /// use godwit::store::{OpenMode, Postgres, StoreError};
    ///
    /// let error = Postgres::open("postgres://h/d?schema=No", OpenMode::Create).err();
    /// assert!(matches!(error, Some(StoreError::BadUrl { .. })));
    /// ```
    pub fn open(url: &str, mode: OpenMode) -> Result<Self, StoreError> {
        let mut store = Self::at(Address::parse(url)?)?;
        store.set_up(mode)?;
        Ok(store)
    }

    fn at(address: Address) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("godwit-postgres")
            .enable_all()
            .build()
            .map_err(|error| failed("starting a thread", &address.shown, error))?;
        Ok(Self {
            pool: address.pool()?,
            bodies: Bodies::default(),
            tables: RwLock::default(),
            runtime: Some(runtime),
            address,
        })
    }

    /// A new store in a schema beside the one that a URL names, to be put in its place by [`Postgres::exchange`]. `number` tells
    /// it from those of others.
    pub(crate) fn draft(url: &str, number: u64) -> Result<Self, StoreError> {
        let mut address = Address::parse(url)?;
        if let Ok(there) = Self::open(url, OpenMode::Existing) {
            address.bodies = Some(there.bodies);
        }
        let least = u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default();
        address.move_to(&format!("{DRAFT}{least:08x}"))?;
        let mut store = Self::at(address)?;
        store.set_up(OpenMode::Create)?;
        Ok(store)
    }

    /// Removes what is left of drafts for the store that a URL names, made by processes that were killed: nobody else makes one
    /// now.
    pub(crate) fn drop_drafts(url: &str) -> Result<(), StoreError> {
        let store = Self::at(Address::parse(url)?)?;
        let drafts = format!("{}_{DRAFT}", store.address.schema);
        let is_number = |rest: &str| rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_hexdigit());
        store.tried("removing what is left", async |session: &mut Session| {
            let client = session.get();
            for schema in schema::beginning_with(client, &drafts).await? {
                if !schema.strip_prefix(&*drafts).is_some_and(is_number) {
                    continue;
                }
                let script = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
                client.batch_execute(&script).await?;
            }
            Ok(())
        })
    }

    /// Puts a store that was made by [`Postgres::draft`] in the place of the one that a URL names, in one step; gives where that
    /// is now, if there was one.
    pub(crate) fn exchange(self, url: &str, at: Timestamp) -> Result<Option<String>, StoreError> {
        let there = Address::parse(url)?;
        let mut aside = Address::parse(url)?;
        aside.move_to(&format!("replaced_{}", at.0))?;
        let (schema, draft) = (&there.schema, &self.address.schema);
        let is_replaced = self.tried("replacing the store", async |session: &mut Session| {
            let is_there = schema::exists(session.get(), schema).await?;
            let before = match is_there {
                true => format!("ALTER SCHEMA {schema} RENAME TO {};", aside.schema),
                false => String::new(),
            };
            let script =
                format!("BEGIN; {before} ALTER SCHEMA {draft} RENAME TO {schema}; COMMIT;");
            session.get().batch_execute(&script).await?;
            Ok(is_there)
        })?;
        Ok(is_replaced.then_some(aside.shown))
    }

    fn set_up(&mut self, mode: OpenMode) -> Result<(), StoreError> {
        let (schema, wished) = (&*self.address.schema, self.address.bodies);
        let found = self.tried("opening the store", async |client: &mut Session| {
            let client = client.get();
            if mode == OpenMode::Existing && !schema::exists(client, schema).await? {
                return Ok(None);
            }
            schema::bring_up(client, schema).await?;
            let bodies = schema::bodies(client, schema, wished).await?;
            Ok(Some((bodies, Tables::load(client, schema).await?)))
        })?;
        let Some((bodies, tables)) = found else {
            return Err(StoreError::Missing {
                path: PathBuf::from(&self.address.shown),
            });
        };
        (self.bodies, self.tables) = (bodies, RwLock::new(Arc::new(tables)));
        Ok(())
    }

    fn tables(&self) -> Arc<Tables> {
        let tables = self.tables.read();
        tables.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns which collections are tables by now.
    async fn learn(&self, client: &Client) -> Result<(), Failure> {
        let tables = Arc::new(Tables::load(client, &self.address.schema).await?);
        *self.tables.write().unwrap_or_else(PoisonError::into_inner) = tables;
        Ok(())
    }

    /// Makes sure that no collection is a table that this process does not know to be one, if keys have to do with items.
    async fn check(
        &self,
        client: &Client,
        tables: &Tables,
        has_items: bool,
    ) -> Result<(), Failure> {
        match has_items {
            true => tables.are_all(client, &self.address.schema).await,
            false => Ok(()),
        }
    }

    /// The table of entries.
    fn entries(&self) -> String {
        format!("{}.entries", self.address.schema)
    }

    /// Waits for what the runtime does, whichever thread this is.
    fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().expect("only drop takes it");
        let _entered = runtime.enter();
        futures_executor::block_on(work)
    }

    /// Does something with a connection, and again where that may help.
    fn tried<T>(
        &self,
        action: &'static str,
        mut work: impl AsyncFnMut(&mut Session) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.wait_for(async {
            let mut tries = 0;
            loop {
                let done = match self.session().await {
                    Ok(mut session) => {
                        let mut done = work(&mut session).await;
                        if matches!(done, Err(Failure::Unknown)) {
                            done = match self.again(&mut session).await {
                                Ok(()) => Err(Failure::Unknown),
                                Err(failure) => Err(failure),
                            };
                        }
                        // Of what was not as expected, the transaction was ended.
                        session.is_clean = matches!(done, Ok(_) | Err(Failure::Conflict(_)));
                        done
                    }
                    Err(failure) => Err(failure),
                };
                match done {
                    Err(failure) if failure.is_passing() && tries < TRIES => {
                        tracing::debug!(?failure, tries, "{action} is tried again");
                        tokio::time::sleep(Duration::from_millis(10 << tries)).await;
                        tries += 1;
                    }
                    done => return done.map_err(|failure| self.failure(action, failure)),
                }
            }
        })
    }

    /// Ends what was begun without knowing all tables, and learns of them.
    async fn again(&self, session: &mut Session) -> Result<(), Failure> {
        session.get().batch_execute("ROLLBACK").await?;
        self.learn(session.get()).await
    }

    async fn session(&self) -> Result<Session, Failure> {
        Ok(Session {
            client: Some(self.pool.get().await?),
            is_clean: false,
        })
    }

    fn failure(&self, action: &'static str, failure: Failure) -> StoreError {
        let (url, path) = (&*self.address.shown, PathBuf::from(&self.address.shown));
        match failure {
            Failure::Conflict(key) => StoreError::Conflict { key },
            Failure::Midway(failure) => self.failure(action, *failure),
            Failure::Newer { found, supported } => StoreError::NewerFormat { found, supported },
            Failure::Foreign(reason) => StoreError::NotAStore {
                path,
                reason: format!(
                    "its schema {} has tables of something else ({reason}); name another one with ?schema=",
                    self.address.schema
                ),
            },
            Failure::OtherBodies { settled } => StoreError::BadUrl {
                url: url.to_owned(),
                reason: format!(
                    "the store that is there was made with bodies={}",
                    settled.name()
                ),
            },
            Failure::Table { collection, reason } => StoreError::Table { collection, reason },
            Failure::Unknown => StoreError::InUse { path },
            Failure::Pool(error) => failed(action, url, error),
            Failure::Sql(error) | Failure::Committing(error) => match error.code() {
                Some(code) if *code == SqlState::DISK_FULL => StoreError::Full { path },
                _ => failed(action, url, error),
            },
        }
    }

    async fn carry_out(
        &self,
        session: &Session,
        tables: &Tables,
        plan: &Plan<'_>,
    ) -> Result<(), Failure> {
        let there = match self.hold(session, tables, plan).await {
            Ok(there) => there,
            Err(failure) => {
                if matches!(failure, Failure::Conflict(_)) {
                    session.get().batch_execute("ROLLBACK").await?;
                }
                return Err(failure);
            }
        };
        for ((table, rows), there) in plan.rows.iter().zip(&there) {
            table.write(session.get(), rows, there).await?;
        }
        self.finish(session, plan).await
    }

    /// Writes entries, and ends the transaction.
    async fn finish(&self, session: &Session, plan: &Plan<'_>) -> Result<(), Failure> {
        let (client, entries) = (session.get(), self.entries());
        let (insert, upsert) = insertion(&entries, plan.shows);
        let delete = format!("DELETE FROM {entries} WHERE key = ANY($1)");
        let columns = if plan.shows { 6 } else { 2 };
        let (new, put) = (plan.new.parameters(), plan.put.parameters());
        let (new, put) = (&new[..columns], &put[..columns]);
        let gone = [(&plan.gone as _, Type::BYTEA_ARRAY)];
        // All of it is sent at once.
        let write = try_join3(
            client.execute_typed(&insert, new),
            client.execute_typed(&upsert, put),
            client.execute_typed(&delete, &gone),
        );
        let done = try_join(write, client.batch_execute("COMMIT")).await;
        done.map(drop).map_err(Failure::Committing)
    }

    /// Begins a transaction, and holds all rows that something is expected of, if that is so. Gives which there are of those in
    /// each table.
    async fn hold(
        &self,
        session: &Session,
        tables: &Tables,
        plan: &Plan<'_>,
    ) -> Result<Vec<BTreeSet<String>>, Failure> {
        let (client, entries) = (session.get(), self.entries());
        let lock = |strength| {
            format!(
                "SELECT key, value FROM {entries} WHERE key = ANY($1) ORDER BY key FOR {strength}"
            )
        };
        let (for_update, for_share) = (lock("UPDATE"), lock("SHARE"));
        let with_heads = format!(
            "SELECT entries.key FROM {entries} AS entries
            JOIN unnest($1::bytea[], $2::bytea[]) AS expected (key, head) ON entries.key = expected.key
            WHERE substring(entries.value FROM 1 FOR length(expected.head)) = expected.head
            ORDER BY entries.key FOR UPDATE OF entries"
        );
        let to_be_written = [(&plan.changed as _, Type::BYTEA_ARRAY)];
        let to_stay = [(&plan.kept as _, Type::BYTEA_ARRAY)];
        // Sent at once, and carried out in this order.
        let heads = plan.heads.parameters();
        let ((), (), changed, kept, heads) = try_join5(
            client.batch_execute(BEGIN).map_err(Failure::from),
            self.check(client, tables, plan.has_items),
            client
                .query_typed(&for_update, &to_be_written)
                .map_err(Failure::from),
            client
                .query_typed(&for_share, &to_stay)
                .map_err(Failure::from),
            client
                .query_typed(&with_heads, &heads[..2])
                .map_err(Failure::from),
        )
        .await?;
        let mut found = BTreeMap::new();
        for row in changed.iter().chain(&kept) {
            found.insert(row.try_get::<_, &[u8]>(0)?, row.try_get::<_, &[u8]>(1)?);
        }
        for (key, expected) in &plan.expected {
            if found.get(key).copied() != *expected {
                return Err(Failure::Conflict(key.to_vec()));
            }
        }
        let mut held = BTreeSet::new();
        for row in &heads {
            held.insert(row.try_get::<_, &[u8]>(0)?);
        }
        if let Some(key) = plan.heads.keys.iter().find(|key| !held.contains(*key)) {
            return Err(Failure::Conflict(key.to_vec()));
        }
        let mut there = Vec::new();
        for (table, rows) in &plan.rows {
            there.push(table.hold(client, rows).await?);
        }
        Ok(there)
    }

    async fn scan_from(
        &self,
        session: &Session,
        guard: Option<(&[u8], Option<&[u8]>)>,
        (from, to): (&[u8], &[u8]),
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<bool, Failure> {
        let (client, tables) = (session.get(), self.tables());
        let has_items = from < &[tag::ITEM + 1][..] && to > &[tag::ITEM][..];
        try_join(
            client.batch_execute(BEGIN_SCAN).map_err(Failure::from),
            self.check(client, &tables, has_items),
        )
        .await?;
        if let Some((key, expected)) = guard {
            let query = format!("SELECT value FROM {} WHERE key = $1", self.entries());
            let found = client
                .query_typed_opt(&query, &[(&key, Type::BYTEA)])
                .await?;
            let found = found
                .as_ref()
                .map(|row| row.try_get::<_, &[u8]>(0))
                .transpose()?;
            if found != expected {
                client.batch_execute("ROLLBACK").await?;
                return Ok(false);
            }
        }
        for segment in tables.segments(from, to) {
            let flow = match segment.table {
                None => self.visit_entries(client, &segment, visit).await?,
                Some(table) => visit_rows(client, table, &segment, visit).await?,
            };
            if flow.is_break() {
                break;
            }
        }
        client.batch_execute("COMMIT").await?;
        Ok(true)
    }

    async fn visit_entries(
        &self,
        client: &Client,
        segment: &Segment<'_>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Failure> {
        let query = |operator| {
            format!(
                "SELECT key, value FROM {} WHERE key {operator} $1 AND key < $2 ORDER BY key LIMIT $3",
                self.entries()
            )
        };
        let (first, behind) = (query(">="), query(">"));
        let (mut query, mut last, mut paging) = (&first, segment.from.clone(), Paging::default());
        loop {
            let parameters: [(&(dyn ToSql + Sync), Type); 3] = [
                (&last, Type::BYTEA),
                (&segment.to, Type::BYTEA),
                (&paging.limit, Type::INT8),
            ];
            let rows = client.query_typed_raw(query, parameters).await?;
            let mut rows = pin!(rows);
            let mut key = Vec::new();
            while let Some(row) = rows.try_next().await? {
                let (found, value): (&[u8], &[u8]) = (row.try_get(0)?, row.try_get(1)?);
                paging.see(found.len() + value.len());
                key.clear();
                key.extend_from_slice(found);
                if visit(found, value).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if !paging.goes_on() {
                return Ok(ControlFlow::Continue(()));
            }
            (query, last) = (&behind, key);
        }
    }

    fn scanned(
        &self,
        guard: Option<(&[u8], Option<&[u8]>)>,
        (from, to): (&[u8], &[u8]),
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        let has_visited = Cell::new(false);
        let mut visit = |key: &[u8], value: &[u8]| {
            has_visited.set(true);
            visit(key, value)
        };
        self.tried("scanning", async |session: &mut Session| {
            let scanned = self.scan_from(session, guard, (from, to), &mut visit).await;
            match scanned {
                // What was seen is not seen again.
                Err(failure) if has_visited.get() => Err(Failure::Midway(Box::new(failure))),
                scanned => scanned,
            }
        })
    }
}

/// Visits the rows of a table that are items between two keys.
async fn visit_rows(
    client: &Client,
    table: &Attached,
    segment: &Segment<'_>,
    visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Failure> {
    let (mut last, mut paging) = (None::<String>, Paging::default());
    loop {
        let rows = table
            .page(client, segment, last.as_deref(), paging.limit)
            .await?;
        for row in &rows {
            let (key, record) = table.entry(row)?;
            paging.see(key.len() + record.len());
            let is_meant = (&segment.from..&segment.to).contains(&&key);
            if is_meant && visit(&key, &record).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let Some(row) = rows.last().filter(|_| paging.goes_on()) else {
            return Ok(ControlFlow::Continue(()));
        };
        last = Some(row.try_get(0)?);
    }
}

/// How many rows a scan asks for at once.
struct Paging {
    limit: i64,
    seen: i64,
    bytes: usize,
}

impl Default for Paging {
    fn default() -> Self {
        Self {
            limit: PAGE.0,
            seen: 0,
            bytes: 0,
        }
    }
}

impl Paging {
    fn see(&mut self, bytes: usize) {
        self.seen += 1;
        self.bytes += bytes;
    }

    /// Whether there may be a further page; goes on to that.
    fn goes_on(&mut self) -> bool {
        if self.seen < self.limit {
            return false;
        }
        let each = self.bytes / usize::try_from(self.seen).unwrap_or(1).max(1);
        let most = i64::try_from(PAGE_BYTES / each.max(1)).unwrap_or(PAGE.1);
        let limit = (self.limit * 2).min(PAGE.1).min(most).max(1);
        *self = Self {
            limit,
            ..Self::default()
        };
        true
    }
}

/// A name for an index that has to do with these words.
fn name_for(words: &[&str]) -> String {
    let digest = Digest::of(words.join("\n").as_bytes());
    format!("godwit_{}", digest.short())
}

/// A text in SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A connection in use. Unless what was done came to its end, it is closed, so that nothing of it stays.
struct Session {
    client: Option<Client>,
    is_clean: bool,
}

impl Session {
    fn get(&self) -> &Client {
        self.client.as_ref().expect("only drop takes it")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(client) = self.client.take().filter(|_| !self.is_clean) {
            drop(Object::take(client));
        }
    }
}

impl Backend for Postgres {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let query = format!("SELECT value FROM {} WHERE key = $1", self.entries());
        let is_item = key.first() == Some(&tag::ITEM);
        self.tried("reading", async |session: &mut Session| {
            let (client, tables) = (session.get(), self.tables());
            if let Some(table) = tables.of(key) {
                return match table.id_in(key) {
                    Some(id) => table.get(client, id).await,
                    None => Ok(None),
                };
            }
            let parameters = [(&key as _, Type::BYTEA)];
            let (row, ()) = try_join(
                client
                    .query_typed_opt(&query, &parameters)
                    .map_err(Failure::from),
                self.check(client, &tables, is_item),
            )
            .await?;
            Ok(row.map(|row| row.try_get(0)).transpose()?)
        })
    }

    fn get_all(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let query = format!(
            "SELECT key, value FROM {} WHERE key = ANY($1)",
            self.entries()
        );
        self.tried("reading", async |session: &mut Session| {
            let (client, tables) = (session.get(), self.tables());
            let (mut among_entries, mut rows) = (Vec::new(), BTreeMap::new());
            for key in keys {
                match tables.of(key) {
                    None => among_entries.push(*key),
                    Some(table) => {
                        let of_table = || (table, Vec::new());
                        let (_, ids) = rows.entry(&table.collection).or_insert_with(of_table);
                        ids.extend(table.id_in(key));
                    }
                }
            }
            let mut found = HashMap::new();
            if !among_entries.is_empty() {
                let has_items = among_entries
                    .iter()
                    .any(|key| key.starts_with(&[tag::ITEM]));
                let parameters = [(&among_entries as _, Type::BYTEA_ARRAY)];
                let (entries, ()) = try_join(
                    client
                        .query_typed(&query, &parameters)
                        .map_err(Failure::from),
                    self.check(client, &tables, has_items),
                )
                .await?;
                for row in entries {
                    found.insert(row.try_get(0)?, row.try_get(1)?);
                }
            }
            for (table, ids) in rows.into_values() {
                found.extend(table.get_all(client, &ids).await?);
            }
            let mut asked = HashMap::new();
            for key in keys {
                *asked.entry(*key).or_insert(0) += 1;
            }
            let mut take = |key: &[u8]| match asked.get_mut(key) {
                Some(times) if *times > 1 => {
                    *times -= 1;
                    found.get(key).cloned()
                }
                _ => found.remove(key),
            };
            Ok(keys.iter().map(|key| take(key)).collect())
        })
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        if from < to {
            self.scanned(None, (from, to), visit)?;
        }
        Ok(())
    }

    fn scan_guarded(
        &self,
        guard: (&[u8], Option<&[u8]>),
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        self.scanned(Some(guard), (from, to), visit)
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let (bytes, max) = (commit.len_bytes(), Self::MAX_COMMIT_BYTES);
        if bytes > max {
            let path = PathBuf::from(&self.address.shown);
            return Err(StoreError::TooLarge { path, bytes, max });
        }
        for (key, _) in commit.writes() {
            if key.is_empty() || key.len() > MAX_KEY {
                return Err(StoreError::BadKey { length: key.len() });
            }
        }
        self.tried("committing", async |session: &mut Session| {
            let tables = self.tables();
            let mut plan = Plan::of(commit, &tables, self.bodies)?;
            match self.carry_out(session, &tables, &plan).await {
                Err(failure) if plan.shows && failure.is_of_a_body() => {
                    session.get().batch_execute("ROLLBACK").await?;
                    plan.hide();
                    self.carry_out(session, &tables, &plan).await
                }
                done => done,
            }
        })
    }

    fn url(&self) -> String {
        self.address.shown.clone()
    }

    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        let entries = self.entries();
        let size = self.tried("measuring the store", async |session: &mut Session| {
            let query = "SELECT pg_total_relation_size($1::text::regclass)::int8";
            let parameters = [(&entries as _, Type::TEXT)];
            let row = session.get().query_typed_one(query, &parameters).await?;
            Ok(row.try_get::<_, i64>(0)?)
        })?;
        Ok(u64::try_from(size).ok())
    }

    fn shows_one_moment(&self) -> bool {
        true
    }

    fn nth(&self, n: u64, from: &[u8], to: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let query = format!(
            "SELECT key FROM {} WHERE key >= $1 AND key < $2 ORDER BY key OFFSET $3 LIMIT 1",
            self.entries()
        );
        let before = i64::try_from(n.max(1) - 1).unwrap_or(i64::MAX);
        let counted = self.tried("cutting a range", async |session: &mut Session| {
            let (client, tables) = (session.get(), self.tables());
            let segments = tables.segments(from, to);
            match &*segments {
                [segment] => {
                    if let Some(table) = segment.table {
                        return table.nth(client, n, segment).await;
                    }
                }
                [] => return Ok(Nth::Key(None)),
                _ => return Ok(Nth::Unknown),
            }
            let parameters: [(&(dyn ToSql + Sync), Type); 3] = [
                (&from, Type::BYTEA),
                (&to, Type::BYTEA),
                (&before, Type::INT8),
            ];
            let (row, ()) = try_join(
                client
                    .query_typed_opt(&query, &parameters)
                    .map_err(Failure::from),
                self.check(client, &tables, from.first() == Some(&tag::ITEM)),
            )
            .await?;
            Ok(Nth::Key(row.map(|row| row.try_get(0)).transpose()?))
        })?;
        match counted {
            Nth::Key(key) => Ok(key),
            Nth::Unknown => nth_of(n, |visit| self.scan(from, to, visit)),
        }
    }

    fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        let now = self.tried("asking for the time", async |session: &mut Session| {
            let query = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8";
            let row = session.get().query_typed_one(query, &[]).await?;
            Ok(row.try_get::<_, i64>(0)?)
        })?;
        Ok(u64::try_from(now).ok().map(Timestamp))
    }

    fn relational(&self) -> Option<&dyn Relational> {
        Some(self)
    }
}

impl Relational for Postgres {
    fn is_read_by_others(&self, key: &[u8]) -> bool {
        let is_shown = self.bodies == Bodies::Jsonb && key.first() == Some(&tag::ITEM);
        is_shown || self.is_written_by_others(key)
    }

    fn is_written_by_others(&self, key: &[u8]) -> bool {
        self.tables().of(key).is_some()
    }

    fn has_jsonb(&self, collection: &Name) -> bool {
        let tables = self.tables();
        let table = tables.of_collection(collection);
        table.is_some_and(Attached::has_jsonb)
    }

    fn has_versions(&self, collection: &Name) -> bool {
        let tables = self.tables();
        let table = tables.of_collection(collection);
        table.is_some_and(Attached::has_versions)
    }

    fn attach(
        &self,
        collection: &Name,
        table: &Table,
        version: &Version,
        commit: &Commit<'_>,
    ) -> Result<(), StoreError> {
        let schema = &*self.address.schema;
        self.tried("attaching a table", async |session: &mut Session| {
            let client = session.get();
            let tables = Tables::load(client, schema).await?;
            if tables.of_collection(collection).is_none() {
                let table = look_up::look_up(client, schema, collection, (table, version)).await?;
                table.make_order(client).await?;
                let plan = Plan::of(commit, &tables, self.bodies)?;
                self.register(session, &tables, &plan, &table).await?;
            }
            self.learn(client).await
        })
    }

    fn attached(&self) -> Result<Vec<(Name, Table)>, StoreError> {
        self.tried("reading", async |session: &mut Session| {
            self.learn(session.get()).await?;
            Ok(self.tables().all())
        })
    }

    fn count(&self, collection: &Name) -> Result<u64, StoreError> {
        self.tried("counting items", async |session: &mut Session| {
            match self.tables().of_collection(collection) {
                Some(table) => table.count(session.get()).await,
                None => Err(Failure::Unknown),
            }
        })
    }

    fn other_versions(
        &self,
        collection: &Name,
        known: &[Version],
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let known: Vec<String> = known.iter().map(Version::to_string).collect();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.tried(
            "looking for versions",
            async |session: &mut Session| match self.tables().of_collection(collection) {
                Some(table) => {
                    table
                        .other_versions(session.get(), &known, after, limit)
                        .await
                }
                None => Err(Failure::Unknown),
            },
        )
    }

    fn ensure_index(&self, collection: &Name, pointer: &str) -> Result<(), StoreError> {
        self.tried(
            "making an index",
            async |session: &mut Session| match self.index(&self.tables(), collection, pointer) {
                Some((schema, name, on)) => {
                    tables::make_index(session.get(), &schema, &name, &on).await
                }
                None => Ok(()),
            },
        )
    }

    fn drop_index(&self, collection: &Name, pointer: &str) -> Result<(), StoreError> {
        self.tried(
            "dropping an index",
            async |session: &mut Session| match self.index(&self.tables(), collection, pointer) {
                Some((schema, name, _)) => tables::drop_index(session.get(), &schema, &name).await,
                None => Ok(()),
            },
        )
    }

    fn find(
        &self,
        collection: &Name,
        (pointer, value): (&str, &serde_json::Value),
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let (value, limit) = (value.to_string(), i64::try_from(limit).unwrap_or(i64::MAX));
        self.tried("finding items", async |session: &mut Session| {
            match self.tables().of_collection(collection) {
                Some(table) => {
                    let wanted = (pointer, &*value);
                    table.find(session.get(), wanted, after, limit).await
                }
                None => Err(Failure::Unknown),
            }
        })
    }
}

impl Postgres {
    /// Notes that a collection is a table, if it is not one by then, and carries out a plan with that.
    async fn register(
        &self,
        session: &Session,
        tables: &Tables,
        plan: &Plan<'_>,
        table: &Attached,
    ) -> Result<(), Failure> {
        let registered = match self.hold(session, tables, plan).await {
            Ok(_) => table.register(session.get(), &self.address.schema).await,
            Err(failure) => Err(failure),
        };
        match registered {
            Ok(()) => self.finish(session, plan).await,
            Err(failure) => {
                session.get().batch_execute("ROLLBACK").await?;
                Err(failure)
            }
        }
    }

    /// The schema, the name and the rest of the statement of an index of SQL on what bodies have at a pointer, where others
    /// read them.
    fn index(
        &self,
        tables: &Tables,
        collection: &Name,
        pointer: &str,
    ) -> Option<(String, String, String)> {
        let schema = &*self.address.schema;
        let name = name_for(&[schema, collection.as_str(), pointer]);
        if let Some(table) = tables.of_collection(collection) {
            return Some((table.schema().to_owned(), name, table.index(pointer)));
        }
        let on = format!(
            "{} USING hash ((body #> {})) WHERE collection = {}",
            self.entries(),
            tables::path(pointer),
            literal(collection.as_str())
        );
        (self.bodies == Bodies::Jsonb).then(|| (schema.to_owned(), name, on))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // It may be dropped on a thread that must not wait.
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Postgres")
            .field(&self.address.shown)
            .finish()
    }
}

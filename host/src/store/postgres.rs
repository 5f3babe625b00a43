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

mod connecting;
mod schema;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::{Client, Object, Pool, PoolError};
use futures_util::TryStreamExt;
use futures_util::future::{try_join, try_join3};
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use self::connecting::Address;
use super::{Backend, Commit, MAX_KEY, OpenMode, StoreError};
use crate::model::Timestamp;

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
    /// `None` only while the store is dropped.
    runtime: Option<Runtime>,
}

/// Why something was not done.
#[derive(Debug)]
enum Failure {
    /// The connection, or the server, failed.
    Sql(tokio_postgres::Error),
    /// It failed while it was asked to commit.
    Committing(tokio_postgres::Error),
    /// There is no connection.
    Pool(PoolError),
    /// It failed when something of it had been seen already.
    Midway(Box<Failure>),
    /// An expectation did not hold.
    Conflict(Vec<u8>),
    /// The schema is of a newer version.
    Newer { found: u32, supported: u32 },
    /// The schema has something else.
    Foreign(String),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Sql(error),
            error => Self::Pool(error),
        }
    }
}

impl Failure {
    /// Whether nothing was done, and the same may be done when it is tried again.
    fn is_passing(&self) -> bool {
        match self {
            Self::Sql(error) => match error.code() {
                Some(code) => is_given_up(code) || is_outage(code),
                None => is_cut(error),
            },
            // The server says what became of it, or nothing is known.
            Self::Committing(error) => error.code().is_some_and(is_given_up),
            Self::Pool(_)
            | Self::Midway(_)
            | Self::Conflict(_)
            | Self::Newer { .. }
            | Self::Foreign(_) => false,
        }
    }
}

/// Whether the server rolled a transaction back for the sake of others. A key that was absent and is there all the same is
/// seen by the next try.
fn is_given_up(code: &SqlState) -> bool {
    [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::UNIQUE_VIOLATION,
    ]
    .contains(code)
}

/// Whether the server is not to be had now, or ended the session.
fn is_outage(code: &SqlState) -> bool {
    let class = code.code();
    // 08: connection exceptions; 57P: shut down, or the session was ended; 53300: too many connections. 25006: it is a standby.
    class.starts_with("08")
        || class.starts_with("57P")
        || ["53300", "25006", "25P03"].contains(&class)
}

/// Whether a connection ended, or was not made.
fn is_cut(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || error
            .source()
            .is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// An error with its causes: what the server said is one.
fn said(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
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
    /// The URL is that of libpq, with `?schema=` for the schema that has the store (`godwit`), and `sslrootcert`.
    ///
    /// ```
    /// use godwit::store::{OpenMode, Postgres, StoreError};
    ///
    /// let error = Postgres::open("postgres://h/d?schema=No", OpenMode::Create).err();
    /// assert!(matches!(error, Some(StoreError::BadUrl { .. })));
    /// ```
    pub fn open(url: &str, mode: OpenMode) -> Result<Self, StoreError> {
        let store = Self::at(Address::parse(url)?)?;
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
            runtime: Some(runtime),
            address,
        })
    }

    /// A new store in a schema beside the one that a URL names, to be put in its place by [`Postgres::exchange`]. `number` tells
    /// it from those of others.
    pub(crate) fn draft(url: &str, number: u64) -> Result<Self, StoreError> {
        let mut address = Address::parse(url)?;
        let least = u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default();
        address.move_to(&format!("restoring_{least:08x}"))?;
        let store = Self::at(address)?;
        store.set_up(OpenMode::Create)?;
        Ok(store)
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

    fn set_up(&self, mode: OpenMode) -> Result<(), StoreError> {
        let schema = &*self.address.schema;
        let is_there = self.tried("opening the store", async |client: &mut Session| {
            if mode == OpenMode::Existing && !schema::exists(client.get(), schema).await? {
                return Ok(false);
            }
            schema::bring_up(client.get(), schema).await?;
            Ok(true)
        })?;
        match is_there {
            true => Ok(()),
            false => Err(StoreError::Missing {
                path: PathBuf::from(&self.address.shown),
            }),
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
                        let done = work(&mut session).await;
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
            Failure::Pool(error) => failed(action, url, error),
            Failure::Sql(error) | Failure::Committing(error) => match error.code() {
                Some(code) if *code == SqlState::DISK_FULL => StoreError::Full { path },
                _ => failed(action, url, error),
            },
        }
    }

    async fn carry_out(&self, session: &Session, plan: &Plan<'_>) -> Result<(), Failure> {
        if let Err(failure) = self.hold(session, plan).await {
            if matches!(failure, Failure::Conflict(_)) {
                session.get().batch_execute("ROLLBACK").await?;
            }
            return Err(failure);
        }
        let (client, entries) = (session.get(), self.entries());
        let insert = format!(
            "INSERT INTO {entries} (key, value)
            SELECT new.key, new.value FROM unnest($1::bytea[], $2::bytea[]) AS new (key, value) ORDER BY new.key"
        );
        let upsert = format!("{insert} ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        let delete = format!("DELETE FROM {entries} WHERE key = ANY($1)");
        let (new, put) = (plan.new.parameters(), plan.put.parameters());
        let gone = [(&plan.gone as _, Type::BYTEA_ARRAY)];
        // All of it is sent at once.
        let write = try_join3(
            client.execute_typed(&insert, &new),
            client.execute_typed(&upsert, &put),
            client.execute_typed(&delete, &gone),
        );
        let done = try_join(write, client.batch_execute("COMMIT")).await;
        done.map(drop).map_err(Failure::Committing)
    }

    /// Begins a transaction, and holds all rows that something is expected of, if that is so.
    async fn hold(&self, session: &Session, plan: &Plan<'_>) -> Result<(), Failure> {
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
        let (_, (changed, kept, heads)) = try_join(
            client.batch_execute(BEGIN),
            try_join3(
                client.query_typed(&for_update, &to_be_written),
                client.query_typed(&for_share, &to_stay),
                client.query_typed(&with_heads, &plan.heads.parameters()),
            ),
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
        match plan.heads.keys.iter().find(|key| !held.contains(*key)) {
            Some(key) => Err(Failure::Conflict(key.to_vec())),
            None => Ok(()),
        }
    }

    async fn scan_from(
        &self,
        session: &Session,
        guard: Option<(&[u8], Option<&[u8]>)>,
        (from, to): (&[u8], &[u8]),
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<bool, Failure> {
        let (client, entries) = (session.get(), self.entries());
        client.batch_execute(BEGIN_SCAN).await?;
        if let Some((key, expected)) = guard {
            let query = format!("SELECT value FROM {entries} WHERE key = $1");
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
        let (first, behind) = (
            format!(
                "SELECT key, value FROM {entries} WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3"
            ),
            format!(
                "SELECT key, value FROM {entries} WHERE key > $1 AND key < $2 ORDER BY key LIMIT $3"
            ),
        );
        let (mut query, mut last, mut limit) = (&first, from.to_vec(), PAGE.0);
        loop {
            let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] = [
                (&last, Type::BYTEA),
                (&to, Type::BYTEA),
                (&limit, Type::INT8),
            ];
            let rows = client.query_typed_raw(query, parameters).await?;
            let mut rows = pin!(rows);
            let (mut seen, mut bytes, mut key) = (0, 0, Vec::new());
            let mut flow = ControlFlow::Continue(());
            while let Some(row) = rows.try_next().await? {
                let (found, value): (&[u8], &[u8]) = (row.try_get(0)?, row.try_get(1)?);
                seen += 1;
                bytes += found.len() + value.len();
                key.clear();
                key.extend_from_slice(found);
                flow = visit(found, value);
                if flow.is_break() {
                    break;
                }
            }
            if flow.is_break() || seen < limit {
                break;
            }
            let each = bytes / usize::try_from(seen).unwrap_or(1).max(1);
            let most = i64::try_from(PAGE_BYTES / each.max(1)).unwrap_or(PAGE.1);
            limit = (limit * 2).min(PAGE.1).min(most).max(1);
            (query, last) = (&behind, key);
        }
        client.batch_execute("COMMIT").await?;
        Ok(true)
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

/// A commit as statements are made of it. All keys are in order.
struct Plan<'c> {
    expected: BTreeMap<&'c [u8], Option<&'c [u8]>>,
    /// Expected, and written.
    changed: Vec<&'c [u8]>,
    /// Expected, and not written.
    kept: Vec<&'c [u8]>,
    /// Expected to begin with something.
    heads: Entries<'c>,
    /// Expected to be absent.
    new: Entries<'c>,
    put: Entries<'c>,
    gone: Vec<&'c [u8]>,
}

#[derive(Default)]
struct Entries<'c> {
    keys: Vec<&'c [u8]>,
    values: Vec<Vec<u8>>,
}

impl<'c> Entries<'c> {
    fn push(&mut self, key: &'c [u8], value: Vec<u8>) {
        self.keys.push(key);
        self.values.push(value);
    }

    fn parameters(&self) -> [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] {
        [
            (&self.keys, Type::BYTEA_ARRAY),
            (&self.values, Type::BYTEA_ARRAY),
        ]
    }
}

impl<'c> Plan<'c> {
    /// Where one key is expected to be two things there is no plan, but a conflict.
    fn of(commit: &'c Commit<'_>) -> Result<Self, StoreError> {
        let mut expected = BTreeMap::new();
        for (key, value) in commit.expectations() {
            if expected
                .insert(key, value)
                .is_some_and(|other| other != value)
            {
                return Err(StoreError::Conflict { key: key.to_vec() });
            }
        }
        // Of several writes to one key the last one counts.
        let writes: BTreeMap<_, _> = commit.writes().collect();
        let absent: BTreeSet<_> = expected
            .iter()
            .filter_map(|(key, value)| value.is_none().then_some(*key))
            .collect();
        let (changed, kept) = expected.keys().partition(|key| writes.contains_key(*key));
        let mut plan = Self {
            changed,
            kept,
            heads: Entries::default(),
            new: Entries::default(),
            put: Entries::default(),
            gone: Vec::new(),
            expected,
        };
        for (key, head) in commit.heads().collect::<BTreeMap<_, _>>() {
            plan.heads.push(key, head.to_vec());
        }
        for key in &absent {
            let value = writes.get(key).copied().flatten();
            plan.new
                .push(key, value.map(|value| value.to_vec()).unwrap_or_default());
            if value.is_none() {
                plan.gone.push(key);
            }
        }
        for (key, value) in writes {
            match value {
                _ if absent.contains(key) => {}
                Some(value) => plan.put.push(key, value.to_vec()),
                None => plan.gone.push(key),
            }
        }
        plan.gone.sort_unstable();
        Ok(plan)
    }
}

impl Backend for Postgres {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let query = format!("SELECT value FROM {} WHERE key = $1", self.entries());
        self.tried("reading", async |session: &mut Session| {
            let parameters = [(&key as _, Type::BYTEA)];
            let row = session.get().query_typed_opt(&query, &parameters).await?;
            Ok(row.map(|row| row.try_get(0)).transpose()?)
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
        let plan = Plan::of(commit)?;
        self.tried("committing", async |session: &mut Session| {
            self.carry_out(session, &plan).await
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
        self.tried("cutting a range", async |session: &mut Session| {
            let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] = [
                (&from, Type::BYTEA),
                (&to, Type::BYTEA),
                (&before, Type::INT8),
            ];
            let row = session.get().query_typed_opt(&query, &parameters).await?;
            Ok(row.map(|row| row.try_get(0)).transpose()?)
        })
    }

    fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        let now = self.tried("asking for the time", async |session: &mut Session| {
            let query = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8";
            let row = session.get().query_typed_one(query, &[]).await?;
            Ok(row.try_get::<_, i64>(0)?)
        })?;
        Ok(u64::try_from(now).ok().map(Timestamp))
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

//! What a host is made of.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Host;
use crate::catalogue::{Catalogue, FolderError};
use crate::host::{self, Attachment, BackupFirst, HostError, Surroundings};
use crate::model::{Grants, Name};
use crate::plan::Policy;
use crate::run::{Options, Pacing, STACK_BYTES};
use crate::sandbox::{Cache, CacheError, Compiler, Engine, Limits};
use crate::store::{Backend, Compression, OpenLock, OpenMode, Store, StoreError, StoreUrl};

/// A lease is not held for less: that it is there still is asked twice a second.
const SHORTEST_LEASE: Duration = Duration::from_secs(3);

/// What a [`Host`] is made of; [`Host::builder`] makes one.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let host = godwit::Host::builder()
///     .store("data")
///     .plugins("migrations")
///     .options(|options| options.max_failures = "1%".parse().unwrap_or_default())
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use = "`open` makes a host of it"]
pub struct HostBuilder {
    store: Place,
    mode: Option<OpenMode>,
    compression: Compression,
    tables: Vec<(Name, Attachment)>,
    folder: Option<PathBuf>,
    plugins: Vec<(PathBuf, Vec<u8>)>,
    limits: Limits,
    compiler: Option<Compiler>,
    cache: Option<PathBuf>,
    policy: Policy,
    grants: Grants,
    options: Option<Options>,
    pacing: Pacing,
    backup_first: BackupFirst,
    patience: Option<Duration>,
    lease_duration: Option<Duration>,
    has_no_control_socket: bool,
    surroundings: Option<Surroundings>,
}

/// Where the store is.
#[derive(Default)]
enum Place {
    #[default]
    Nowhere,
    Url(String),
    Folder(PathBuf),
    Backend(Arc<dyn Backend>),
}

/// Why a host cannot be opened.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let opened = godwit::Host::builder().open().await;
/// assert!(matches!(opened, Err(godwit::OpenError::NoStore)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Occurs when no store was named.
    #[error("no store was named: `HostBuilder::store` takes a folder, `HostBuilder::url` a URL")]
    NoStore,
    /// Occurs when the store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Occurs when the folder of plugins cannot be read. A file that is no valid plugin is none: planning reports it.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Occurs when the folder for compiled plugins cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Occurs when a collection cannot be a table.
    #[error(transparent)]
    Table(HostError),
    /// Occurs when no thread can be started.
    #[error("no thread can be started")]
    Thread(#[source] std::io::Error),
}

impl HostBuilder {
    /// The store is in a folder: an LMDB store where it is new, else whatever it is.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let host = godwit::Host::builder().store("data").open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn store(mut self, folder: impl Into<PathBuf>) -> Self {
        self.store = Place::Folder(folder.into());
        self
    }

    /// The store is what a URL names, as in `lmdb:data`.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let host = godwit::Host::builder().url("sled:data").open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.store = Place::Url(url.into());
        self
    }

    /// The store's bytes are kept by a backend that is there already.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let backend = std::sync::Arc::new(godwit::store::Memory::new());
    /// let host = godwit::Host::builder().backend(backend).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.store = Place::Backend(backend);
        self
    }

    /// Whether the store may be made where there is none; it may by default.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::store::OpenMode;
    ///
    /// let host = godwit::Host::builder().store("data").mode(OpenMode::Existing).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn mode(mut self, mode: OpenMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// How bodies are kept from now on; as they are by default.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::store::Compression;
    ///
    /// let host = godwit::Host::builder().store("data").compression(Compression::Lz4).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// A collection is a table of the application's own, in a store of PostgreSQL: its documents are migrated where they are.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::Attachment;
    /// use godwit::store::Table;
    ///
    /// let attachment = Attachment {
    ///     app: "notes".parse()?,
    ///     version: "1.0.0".parse()?,
    ///     table: Table::new("app.notes", "id", "doc"),
    /// };
    /// let url = "postgres://me@db.example/app";
    /// let host = godwit::Host::builder().url(url).table("notes".parse()?, attachment).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn table(mut self, collection: Name, attachment: Attachment) -> Self {
        self.tables.push((collection, attachment));
        self
    }

    /// The migrations are the files of a folder.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let host = godwit::Host::builder().store("data").plugins("migrations").open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn plugins(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// A migration whose bytes are at hand, in a binary for instance. Its name is for people; it ends as a file's would:
    /// `.wasm` or `.json`.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let schema = r#"{"app": "notes", "version": "1.0.0",
    ///     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// let host = godwit::Host::builder().store("data").plugin("notes.json", schema).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn plugin(mut self, name: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Self {
        self.plugins.push((name.into(), bytes.into()));
        self
    }

    /// What plugins may spend.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::sandbox::Limits;
    ///
    /// let limits = Limits { body_bytes: 1 << 20, ..Limits::default() };
    /// let host = godwit::Host::builder().store("data").limits(limits).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How plugins are compiled: in this process by default, so take that only for plugins that are trusted not to make
    /// the compiler fail or hoard memory.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::sandbox::Compiler;
    ///
    /// let host = godwit::Host::builder().store("data").compiler(Compiler::InProcess).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn compiler(mut self, compiler: Compiler) -> Self {
        self.compiler = Some(compiler);
        self
    }

    /// Compiled plugins are kept in a folder, so that each is compiled once. By default none are.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let host = godwit::Host::builder().store("data").plugins("migrations").cache("compiled").open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// What is done about each kind of finding.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let policy = serde_json::from_str(r#"{"drift": "warn"}"#)?;
    /// let host = godwit::Host::builder().store("data").policy(policy).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// What migrations may reach beside what they are fed.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::model::Grants;
    ///
    /// let host = godwit::Host::builder().store("data").grants(Grants::default()).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// Changes how runs are carried out: by default as [`Options::default`] says, but with as many threads as there are cores.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let host = godwit::Host::builder()
    ///     .store("data")
    ///     .options(|options| options.pre_images = false)
    ///     .open()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(self.options.get_or_insert_with(options));
        self
    }

    /// How fast works may go when they begin.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::run::Pacing;
    ///
    /// let gentle = Pacing { duty: Some(50), ..Pacing::default() };
    /// let host = godwit::Host::builder().store("data").pacing(gentle).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// Whether the store is backed up before a run.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::{BackupFirst, BackupWhen};
    ///
    /// let always = BackupFirst { when: BackupWhen::Always, folder: Some("backups".into()), ..BackupFirst::default() };
    /// let host = godwit::Host::builder().store("data").backup_first(always).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn backup_first(mut self, backup_first: BackupFirst) -> Self {
        self.backup_first = backup_first;
        self
    }

    /// For how long a write waits where somebody has the store to himself: 5 s by default. Where more of them wait than have a turn,
    /// it may have waited as long for its own.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// // Whoever wants to write while an offline step goes on is told so at once.
    /// let host = godwit::Host::builder().store("data").patience(Duration::ZERO).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// How long a lease holds that is not renewed: 15 s by default, 3 s at least. So long others wait for one who died on another
    /// machine.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let host = godwit::Host::builder().store("data").lease_duration(Duration::from_secs(60)).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lease_duration(mut self, duration: Duration) -> Self {
        self.lease_duration = Some(duration.max(SHORTEST_LEASE));
        self
    }

    /// Whether others on this machine may direct what goes on, by a socket in the store's folder that only its owner can use
    /// (`godwit pause`, `godwit throttle`): they may by default.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let host = godwit::Host::builder().store("data").control_socket(false).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn control_socket(mut self, is_there: bool) -> Self {
        self.has_no_control_socket = !is_there;
        self
    }

    /// The time, randomness and name that the host goes by: those of this process by default.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use godwit::Surroundings;
    /// use godwit::model::Timestamp;
    ///
    /// let mut surroundings = Surroundings::of_this_process();
    /// surroundings.clock = Arc::new(|| Timestamp(1_700_000_000_000));
    /// let host = godwit::Host::builder().store("data").surroundings(surroundings).open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn surroundings(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = Some(surroundings);
        self
    }

    /// Opens the store, reads and describes the migrations, and makes a host of them. As long as that is there, no restore puts
    /// another store in the place of one in a folder ([`OpenLock`]).
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let host = godwit::Host::builder().store("data").open().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`OpenError`] when the store or a folder cannot be opened.
    pub async fn open(self) -> Result<Host, OpenError> {
        let (sender, opened) = oneshot::channel();
        // Migrations say what they are on a stack like those on which they work.
        let thread = Builder::new().stack_size(STACK_BYTES).spawn(move || {
            let opened = catch_unwind(AssertUnwindSafe(|| self.open_blocking()));
            // Whoever waited for it may have gone.
            let _ = sender.send(opened);
        });
        thread.map_err(OpenError::Thread)?;
        match opened.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => unreachable!("it is sent, whatever happens"),
        }
    }

    /// Does as [`HostBuilder::open`], for code that may block: on a thread whose stack is twice as large as what the limits give to
    /// migrations.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let host = godwit::Host::builder().store("data").open_blocking()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`HostBuilder::open`].
    pub fn open_blocking(self) -> Result<Host, OpenError> {
        let mode = self.mode.unwrap_or(OpenMode::Create);
        let body_bytes = self.limits.body_bytes;
        let (backend, folder, open) = self.store.open(mode)?;
        let store = Store::new(backend)?.compressing(self.compression);
        let mut engine = Engine::new(self.limits);
        if let Some(compiler) = self.compiler {
            engine = engine.with_compiler(compiler);
        }
        if let Some(folder) = &self.cache {
            engine = engine.with_cache(Cache::open(folder)?);
        }
        let mut catalogue = match &self.folder {
            Some(folder) => Catalogue::read(&engine, folder)?,
            None => Catalogue::new(),
        };
        for (name, bytes) in self.plugins {
            catalogue.add(&engine, name, &bytes);
        }
        let surroundings = self
            .surroundings
            .unwrap_or_else(Surroundings::of_this_process);
        let mut host = host::Host::new(store, catalogue, surroundings);
        host.policy = self.policy;
        host.grants = self.grants;
        host.options = self.options.unwrap_or_else(options);
        host.body_bytes = body_bytes;
        host.backup_first = self.backup_first;
        host.patience = self.patience.unwrap_or(host.patience);
        if let Some(duration) = self.lease_duration {
            host.lease_duration = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        }
        for (collection, attachment) in &self.tables {
            let attached = host.attach(collection, attachment);
            attached.map_err(OpenError::Table)?;
        }
        host.control_folder = folder.filter(|_| !self.has_no_control_socket);
        Ok(Host::keeping(host, self.pacing, open))
    }
}

fn options() -> Options {
    Options {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        ..Options::default()
    }
}

type Opened = (Arc<dyn Backend>, Option<PathBuf>, Option<OpenLock>);

impl Place {
    /// Opens the store, and gives the folder that it is in, if it is in one, and what keeps it from being replaced.
    fn open(self, mode: OpenMode) -> Result<Opened, OpenError> {
        let url = match self {
            Self::Nowhere => return Err(OpenError::NoStore),
            Self::Backend(backend) => return Ok((backend, None, None)),
            Self::Url(url) => url.parse::<StoreUrl>()?,
            Self::Folder(folder) => StoreUrl::Path(folder),
        };
        let folder = url.folder().map(Path::to_owned);
        let (backend, open) = OpenLock::open(&url, mode)?;
        Ok((backend, folder, open))
    }
}

impl std::fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostBuilder")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

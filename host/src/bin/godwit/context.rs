//! What a command works with: the store, the plugins, the settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use godwit::Surroundings;
use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::run::{Control, OnFailure, Options, Pacing};
use godwit::sandbox::{Cache, CacheError, Compiler, CompilerProcess, Engine};
use godwit::store::{Backend, OpenMode, Store, StoreUrl};

use crate::cli::Shared;
use crate::commands::direct::parse_percent;
use crate::config::Config;
use crate::exit::{Code, Failure};
use crate::limits;
use crate::output;
use crate::surroundings;
use crate::watch::{Health, Hold, Hours, Watch};

/// More threads than any machine has cores for are a slip.
pub const MAX_THREADS: usize = 512;
/// Every thread has an instance for each of them.
const MAX_FUSED_STEPS: usize = 64;
/// What is fed at once lies in a component's memory several times.
pub const MAX_BATCH_BYTES: usize = Pacing::MAX_BATCH_BYTES;

/// What a command works with.
pub struct Context {
    pub json: bool,
    pub quiet: bool,
    pub config: Config,
    pub surroundings: Surroundings,
    pub control: Control,
    store: Option<String>,
    plugins: Option<PathBuf>,
    cache: Option<PathBuf>,
}

/// How often it is asked whether the system is well.
const HEALTH_EVERY: Duration = Duration::from_secs(10);

/// Says that compiled components are not kept.
pub const NO_CACHE: &str = "none";

impl Context {
    pub fn new(shared: &Shared) -> Result<Self, Failure> {
        let config = Config::read(shared.config.as_deref())?;
        Ok(Self {
            json: shared.json,
            quiet: shared.quiet,
            store: shared
                .store
                .clone()
                .filter(|url| !url.is_empty())
                .or_else(|| config.store.clone()),
            plugins: shared.plugins.clone().or_else(|| config.plugins.clone()),
            cache: surroundings::named_cache()
                .or_else(|| config.cache.clone())
                .or_else(surroundings::users_cache),
            config,
            surroundings: Surroundings::of_this_process(),
            control: Control::default(),
        })
    }

    /// Tells of work that takes a while, to those who watch.
    pub fn remark(&self, text: &str) {
        if !self.quiet && !self.json {
            output::note(text);
        }
    }

    /// The folder of the store, if it is kept in one.
    pub fn store_folder(&self) -> Result<Option<PathBuf>, Failure> {
        Ok(self.store_url()?.folder().map(Path::to_owned))
    }

    /// Opens the store's bytes.
    pub fn backend(&self, mode: OpenMode) -> Result<Arc<dyn Backend>, Failure> {
        Ok(self.store_url()?.open(self.with_tables_in(mode))?)
    }

    /// How a store is opened: where there are tables with documents, there is something to be seen before there is a store.
    fn with_tables_in(&self, mode: OpenMode) -> OpenMode {
        match self.config.tables.is_empty() {
            true => mode,
            false => OpenMode::Create,
        }
    }

    /// The store that was named.
    pub fn store_url(&self) -> Result<StoreUrl, Failure> {
        let url = self.store.as_deref().ok_or_else(|| {
            let message = "no store was named";
            Failure::input(
                message,
                "use --store URL, GODWIT_STORE, or `store` in godwit.toml",
            )
        })?;
        Ok(url.parse()?)
    }

    /// Opens the store.
    pub fn store(&self, mode: OpenMode) -> Result<Store, Failure> {
        let store = Store::new(self.backend(mode)?)?;
        self.with_tables(store.compressing(self.config.compression))
    }

    /// Has the collections that `[tables]` names be tables, if they are not so yet.
    fn with_tables(&self, store: Store) -> Result<Store, Failure> {
        for (collection, table) in &self.config.tables {
            let host = self.wire(store.clone(), Catalogue::new());
            if host.attach(collection, &table.attachment())? {
                let table = &table.attachment().table.table;
                self.remark(&format!(
                    "{collection} lies in the table {table} from here on"
                ));
            }
        }
        Ok(store)
    }

    /// Opens the store by its whole path, which backups of it tell then: in a folder that several stores share they are told
    /// apart, wherever commands are given.
    pub fn store_to_back_up(&self, mode: OpenMode) -> Result<Store, Failure> {
        let url = self.store_url()?;
        let whole = url.folder().and_then(|folder| folder.canonicalize().ok());
        let url = match (url, whole) {
            (StoreUrl::Sled(_), Some(folder)) => StoreUrl::Sled(folder),
            (StoreUrl::Lmdb(_), Some(folder)) => StoreUrl::Lmdb(folder),
            (StoreUrl::Path(_), Some(folder)) => StoreUrl::Path(folder),
            (url, _) => url,
        };
        let mode = self.with_tables_in(mode);
        let backend = self.saying_if_new(&url, || Ok(url.open(mode)?))?;
        self.with_tables(Store::new(backend)?.compressing(self.config.compression))
    }

    /// Opens a store somehow, and says so if it was made: whoever mistyped a path should see that.
    pub fn saying_if_new<T>(
        &self,
        url: &StoreUrl,
        open: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let is_new = url.folder().is_some_and(|folder| !folder.exists());
        let opened = open()?;
        if is_new {
            self.remark(&format!("there was no store at {url}: a new one was made"));
        }
        Ok(opened)
    }

    /// Where compiled components are kept, unless they are not to be.
    pub fn cache(&self) -> Result<Option<Cache>, CacheError> {
        let folder = self.cache.as_deref();
        let folder = folder.filter(|folder| folder.as_os_str() != NO_CACHE);
        folder.map(Cache::open).transpose()
    }

    /// An engine that compiles in a process of its own, and keeps what it has compiled.
    pub fn engine(&self) -> Result<Engine, Failure> {
        let mut engine = Engine::new(self.config.limits());
        match std::env::current_exe() {
            Ok(program) => {
                engine = engine.with_compiler(Compiler::Child(CompilerProcess {
                    program,
                    arguments: vec!["compiler".into()],
                }));
            }
            Err(error) => {
                let message = format!("this program cannot be found to start it again: {error}");
                return Err(Failure::other(
                    Code::Internal,
                    message,
                    "call it by its path",
                ));
            }
        }
        match self.cache() {
            Ok(Some(cache)) => engine = engine.with_cache(cache),
            Ok(None) => {}
            Err(error) => output::warning(&godwit::with_causes(&error)),
        }
        Ok(engine)
    }

    /// The engine for one plugin, with limits of its own if it has such.
    pub fn engine_for(&self, engine: &Engine, file: &Path) -> Engine {
        engine.limited(self.config.limits_of(file, engine.limits()))
    }

    /// A host without migrations, for verbs that need none.
    pub fn host_without_plugins(&self, mode: OpenMode) -> Result<Host, Failure> {
        let store = self.store(mode)?;
        Ok(self.wire(store, Catalogue::new()))
    }

    /// A host with the migrations of the plugin folder.
    pub fn host(&self, mode: OpenMode) -> Result<Host, Failure> {
        let store = self.store(mode)?;
        Ok(self.wire(store, self.catalogue()?))
    }

    /// Whether a plugin folder was named.
    pub fn has_plugins(&self) -> bool {
        self.plugins.is_some()
    }

    /// A host with these migrations.
    pub fn wire(&self, store: Store, catalogue: Catalogue) -> Host {
        let mut host = Host::new(store, catalogue, self.surroundings.clone());
        host.policy = self.config.policy.clone();
        host.grants = self.config.grants.grants();
        host.body_bytes = self.config.limits().body_bytes;
        host.control_folder = self
            .store_url()
            .ok()
            .and_then(|url| Some(url.folder()?.to_owned()));
        host
    }

    /// The migrations of the plugin folder.
    pub fn catalogue(&self) -> Result<Catalogue, Failure> {
        let folder = self.plugins.as_deref().ok_or_else(|| {
            let message = "no plugin folder was named";
            Failure::input(
                message,
                "use --plugins FOLDER, GODWIT_PLUGINS, or `plugins` in godwit.toml",
            )
        })?;
        let catalogue = self.read(folder)?;
        if catalogue.migrations().is_empty() && catalogue.rejected().is_empty() {
            output::warning(&format!("there are no migrations in {}", folder.display()));
        }
        Ok(catalogue)
    }

    /// The migrations that are there already: none where there is no folder of plugins yet.
    pub fn catalogue_so_far(&self) -> Result<Catalogue, Failure> {
        let folder = self.plugins.as_deref();
        match folder.filter(|folder| folder.exists()) {
            Some(folder) => self.read(folder),
            None => Ok(Catalogue::new()),
        }
    }

    fn read(&self, folder: &Path) -> Result<Catalogue, Failure> {
        let engine = self.engine()?;
        let engine_for = |file: &Path| self.engine_for(&engine, file);
        Ok(Catalogue::read_each(folder, &engine_for).map_err(godwit::HostError::from)?)
    }

    /// The migrations in these files.
    pub fn catalogue_of(&self, files: &[(String, Vec<u8>)]) -> Result<Catalogue, Failure> {
        let engine = self.engine()?;
        let mut catalogue = Catalogue::new();
        for (file, bytes) in files {
            let file = PathBuf::from(file);
            catalogue.add(&self.engine_for(&engine, &file), file, bytes);
        }
        Ok(catalogue)
    }

    /// How runs are carried out: the defaults, what godwit.toml says, on as many threads as there
    /// are cores.
    pub fn options(&self) -> Result<Options, Failure> {
        let run = &self.config.run;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Options {
            threads: cores,
            ..Options::default()
        };
        let malformed = |message: String| Failure::input(message, "see [run] in godwit.toml");
        let within = |name: &str, number: usize, most: usize| match number {
            0 => Err(malformed(format!("{name} is 1 at least"))),
            _ if number > most => Err(malformed(format!("{name} is {most} at most"))),
            _ => Ok(number),
        };
        if let Some(threads) = run.threads {
            options.threads = within("threads", threads, MAX_THREADS)?;
        }
        if let Some(bytes) = run.batch_bytes {
            options.batch_bytes = within("batch-bytes", bytes, MAX_BATCH_BYTES)?;
        }
        if let Some(time) = &run.batch_target {
            options.batch_target = limits::parse_time(time)
                .map_err(|error| malformed(format!("batch-target: {error}")))?;
        }
        if let Some(steps) = run.fused_steps {
            options.fused_steps = within("fused-steps", steps, MAX_FUSED_STEPS)?;
        }
        if let Some(limit) = &run.max_failures {
            options.max_failures = limit.parse().map_err(malformed)?;
        }
        options.on_failure = match run.on_failure.as_deref() {
            None => options.on_failure,
            Some("quarantine") => OnFailure::Quarantine,
            Some("stop") => OnFailure::Stop,
            Some(other) => {
                return Err(malformed(format!(
                    "`{other}` is neither `quarantine` nor `stop`"
                )));
            }
        };
        Ok(options)
    }

    /// How fast runs may go, as godwit.toml says.
    pub fn pacing(&self) -> Result<Pacing, Failure> {
        let run = &self.config.run;
        let malformed = |name: &str, message: String| {
            Failure::input(format!("{name}: {message}"), "see [run] in godwit.toml")
        };
        let duty = run.duty.as_deref().map(parse_percent).transpose();
        let rest = run.rest.as_deref().map(limits::parse_time).transpose();
        Ok(Pacing {
            items_per_second: run.items_per_second,
            duty: duty.map_err(|error| malformed("duty", error))?,
            rest: rest
                .map_err(|error| malformed("rest", error))?
                .unwrap_or_default(),
            ..Pacing::default()
        })
    }

    /// Holds the run while it may not work, as godwit.toml says.
    pub fn watch(&self) -> Result<Watch, Failure> {
        self.watch_over(&self.control)
    }

    /// Holds something while runs may not work, as godwit.toml says.
    pub fn watch_over(&self, held: &impl Hold) -> Result<Watch, Failure> {
        let run = &self.config.run;
        let malformed = |name: &str, message: String| {
            Failure::input(format!("{name}: {message}"), "see [run] in godwit.toml")
        };
        let hours = run.hours.as_deref().map(Hours::parse).transpose();
        let hours = hours.map_err(|error| malformed("hours", error))?;
        let every = run.health_every.as_deref().map(limits::parse_time);
        let every = every.transpose();
        let every = every.map_err(|error| malformed("health-every", error))?;
        let health = run.health.clone();
        if let Some(health) = &health {
            health.check().map_err(|error| malformed("health", error))?;
        }
        let health = health.map(|signal| Health {
            signal,
            every: every.unwrap_or(HEALTH_EVERY),
        });
        let clock = &self.surroundings.clock;
        Ok(Watch::start(hours, health, clock, held))
    }

    /// Lets Ctrl-C ask for a stop instead of ending the process; a second one ends it at once,
    /// which loses nothing either.
    pub fn catch_interrupts(&self) -> Result<(), Failure> {
        let mut asked = Box::pin(tokio::signal::ctrl_c());
        let runtime = signals()?;
        // Signals are caught from the first poll on: this one, rather than whenever the task begins.
        let first = std::future::poll_fn(|context| Poll::Ready(asked.as_mut().poll(context)));
        drop(runtime.block_on(first));
        let control = self.control.clone();
        runtime.spawn(async move {
            while asked.await.is_ok() {
                stop(&control);
                asked = Box::pin(tokio::signal::ctrl_c());
            }
        });
        // It lives as long as the process.
        std::mem::forget(runtime);
        Ok(())
    }

    /// Lets SIGTERM ask for a stop as Ctrl-C does: it is how services are ended.
    pub fn catch_termination(&self) -> Result<(), Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let runtime = signals()?;
            let caught = runtime.block_on(async { signal(SignalKind::terminate()) });
            let mut caught = caught.map_err(|error| unwatched(&error))?;
            let control = self.control.clone();
            runtime.spawn(async move {
                while caught.recv().await.is_some() {
                    stop(&control);
                }
            });
            std::mem::forget(runtime);
        }
        Ok(())
    }
}

fn stop(control: &Control) {
    if control.is_stopped() {
        std::process::exit(130);
    }
    output::note("stopping after the batch in flight; again to stop at once");
    control.stop();
}

/// What waits for signals.
fn signals() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| unwatched(&error))
}

fn unwatched(error: &std::io::Error) -> Failure {
    let message = format!("signals cannot be watched: {error}");
    Failure::other(Code::Internal, message, "try again")
}

//! wasmtime, narrowed to what migrations need.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Cache, Compiler, Limits};

/// How often the clock of time limits ticks: fine enough for limits of seconds, too seldom to cost
/// anything.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// The compiler and the clock that all components of a host share, and the limits that components
/// loaded with it obey. Cheap to clone.
///
/// ```
/// use godwit::sandbox::{Engine, Limits};
///
/// let engine = Engine::new(Limits::default());
/// assert_eq!(engine.limits(), &Limits::default());
/// assert_eq!(engine.peak_memory(), 0, "nothing has run yet");
/// ```
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    limits: Arc<Limits>,
    compiler: Arc<Compiler>,
    cache: Option<Arc<Cache>>,
    peak_memory: Arc<AtomicUsize>,
    /// In ticks.
    longest_batch: Arc<AtomicU64>,
}

struct Shared {
    wasmtime: wasmtime::Engine,
    // Dropped with the last engine, which ends the thread.
    ticker: Ticker,
}

impl Engine {
    /// Makes an engine whose components obey `limits`, and are compiled in this process.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use godwit::sandbox::{Engine, Limits};
    ///
    /// let batch = Duration::from_secs(1);
    /// let engine = Engine::new(Limits { batch, ..Limits::default() });
    /// assert_eq!(engine.limits().batch, batch);
    /// ```
    ///
    /// # Panics
    /// When the machine cannot run wasmtime at all: an unsupported processor, or no thread to be
    /// had.
    pub fn new(limits: Limits) -> Self {
        let stack_bytes = limits.stack_bytes.min(Limits::MAX_STACK_BYTES);
        let limits = Limits {
            stack_bytes,
            ..limits
        };
        Self::with_config(&config(&limits), limits)
    }

    /// An engine whose components are never interrupted, for measuring what that costs.
    #[doc(hidden)]
    pub fn without_clock(limits: Limits) -> Self {
        Self::with_config(config(&limits).epoch_interruption(false), limits)
    }

    fn with_config(config: &wasmtime::Config, limits: Limits) -> Self {
        let wasmtime = wasmtime::Engine::new(config).expect("the settings are valid");
        let ticker = Ticker::start(wasmtime.clone());
        Self {
            shared: Arc::new(Shared { wasmtime, ticker }),
            limits: Arc::new(limits),
            compiler: Arc::new(Compiler::InProcess),
            cache: None,
            peak_memory: Arc::default(),
            longest_batch: Arc::default(),
        }
    }

    /// The same engine for components that obey other limits. What is compiled in stays as it is: the
    /// size of the stack, and whether fuel is metered.
    ///
    /// ```
    /// use godwit::sandbox::{Engine, Limits};
    ///
    /// let engine = Engine::new(Limits::default());
    /// let limits = Limits { memory_bytes: 16 << 20, ..Limits::default() };
    /// assert_eq!(engine.limited(limits).limits().memory_bytes, 16 << 20);
    /// ```
    pub fn limited(&self, limits: Limits) -> Self {
        let fuel = self.limits.fuel.map(|fuel| limits.fuel.unwrap_or(fuel));
        let limits = Limits {
            stack_bytes: self.limits.stack_bytes,
            fuel,
            ..limits
        };
        Self {
            limits: Arc::new(limits),
            peak_memory: Arc::default(),
            longest_batch: Arc::default(),
            ..self.clone()
        }
    }

    /// The same engine, which compiles elsewhere.
    ///
    /// ```
    /// use godwit::sandbox::{Compiler, Engine, Limits};
    ///
    /// let engine = Engine::new(Limits::default()).with_compiler(Compiler::InProcess);
    /// ```
    pub fn with_compiler(self, compiler: Compiler) -> Self {
        Self {
            compiler: Arc::new(compiler),
            ..self
        }
    }

    /// The same engine, which keeps what it has compiled.
    ///
    /// ```
    /// use godwit::sandbox::{Cache, Engine, Limits};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path().join("compiled");
    /// let engine = Engine::new(Limits::default()).with_cache(Cache::open(&folder)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_cache(self, cache: Cache) -> Self {
        Self {
            cache: Some(Arc::new(cache)),
            ..self
        }
    }

    /// The limits that components of this engine obey.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The most bytes of linear memory that an instance of this engine's components had so far.
    ///
    /// ```
    /// use godwit::sandbox::{Engine, Limits};
    ///
    /// let engine = Engine::new(Limits::default());
    /// println!("{} MiB at most", engine.peak_memory() >> 20);
    /// ```
    pub fn peak_memory(&self) -> usize {
        self.peak_memory.load(Ordering::Relaxed)
    }

    /// The longest that an instance of this engine's components took for a batch so far, to a hundredth of a second.
    ///
    /// ```
    /// use godwit::sandbox::{Engine, Limits};
    ///
    /// let engine = Engine::new(Limits::default());
    /// assert!(engine.longest_batch().is_zero(), "there was none yet");
    /// ```
    pub fn longest_batch(&self) -> Duration {
        let ticks = self.longest_batch.load(Ordering::Relaxed);
        TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    pub(super) fn longest(&self) -> Arc<AtomicU64> {
        self.longest_batch.clone()
    }

    pub(super) fn peak(&self) -> Arc<AtomicUsize> {
        self.peak_memory.clone()
    }

    pub(super) fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    pub(super) fn cache(&self) -> Option<&Cache> {
        self.cache.as_deref()
    }

    pub(super) fn clock(&self) -> &Arc<Clock> {
        &self.shared.ticker.clock
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.shared.wasmtime
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("limits", self.limits())
            .finish_non_exhaustive()
    }
}

/// The settings that decide what is compiled; whoever changes them need not care for caches, whose
/// keys they are part of.
pub(super) fn config(limits: &Limits) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .wasm_component_model(true)
        // Plain calls cost half without the machinery of async components.
        .concurrency_support(false)
        .epoch_interruption(true)
        .consume_fuel(limits.fuel.is_some())
        .max_wasm_stack(limits.stack_bytes)
        // The same bytes on every machine: NaNs have one pattern, relaxed SIMD one meaning.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_relaxed_simd(true);
    config
}

/// A thread that advances the engine's epoch while components are called. In between it sleeps: a host that waits costs
/// nothing.
struct Ticker {
    clock: Arc<Clock>,
    thread: Option<JoinHandle<()>>,
}

/// What decides whether the clock ticks.
#[derive(Debug, Default)]
pub(super) struct Clock {
    calls: Mutex<Calls>,
    changed: Condvar,
    /// How often it has ticked.
    ticks: AtomicU64,
}

#[derive(Debug, Default)]
struct Calls {
    under_way: usize,
    is_over: bool,
}

/// The clock ticks until it is dropped.
#[derive(Debug)]
pub(super) struct Ticking {
    clock: Arc<Clock>,
    /// How often it had ticked before.
    since: u64,
}

impl Clock {
    /// Has the clock tick for a call.
    pub(super) fn ticking(self: &Arc<Self>) -> Ticking {
        let mut calls = self.calls();
        calls.under_way += 1;
        if calls.under_way == 1 {
            self.changed.notify_all();
        }
        Ticking {
            clock: self.clone(),
            since: self.ticks.load(Ordering::Relaxed),
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ticks whenever there is a call, until it is over.
    fn run(&self, tick: impl Fn()) {
        let mut calls = self.calls();
        while !calls.is_over {
            if calls.under_way == 0 {
                let woken = self.changed.wait(calls);
                calls = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self
                .changed
                .wait_timeout_while(calls, TICK, |calls| !calls.is_over);
            (calls, _) = waited.unwrap_or_else(PoisonError::into_inner);
            self.ticks.fetch_add(1, Ordering::Relaxed);
            tick();
        }
    }
}

impl Ticking {
    /// How often it has ticked for the call so far.
    pub(super) fn ticks(&self) -> u64 {
        self.clock.ticks.load(Ordering::Relaxed) - self.since
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.clock.calls().under_way -= 1;
    }
}

impl Ticker {
    fn start(engine: wasmtime::Engine) -> Self {
        let clock = Arc::new(Clock::default());
        let ticking = clock.clone();
        let thread = std::thread::Builder::new()
            .name("godwit-ticker".to_owned())
            .spawn(move || ticking.run(|| engine.increment_epoch()))
            .expect("a thread can be started");
        Self {
            clock,
            thread: Some(thread),
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.clock.calls().is_over = true;
        self.clock.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // The ticker never panics; were it to, there is nobody to tell.
            let _ = thread.join();
        }
    }
}

//! wasmtime, narrowed to what migrations need.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Limits;

/// How often the clock of time limits ticks: fine enough for limits of seconds, too seldom to cost
/// anything.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// The compiler and the clock that all components of a host share. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    wasmtime: wasmtime::Engine,
    limits: Limits,
    // Dropped with the last engine, which ends the thread.
    _ticker: Ticker,
}

impl Engine {
    /// Makes an engine whose components obey `limits`.
    ///
    /// # Panics
    /// When the machine cannot run wasmtime at all: an unsupported processor, or no thread to be
    /// had.
    pub fn new(limits: Limits) -> Self {
        let wasmtime = wasmtime::Engine::new(&config(&limits)).expect("the settings are valid");
        let ticker = Ticker::start(wasmtime.clone());
        Self {
            shared: Arc::new(Shared {
                wasmtime,
                limits,
                _ticker: ticker,
            }),
        }
    }

    /// The limits that components of this engine obey.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
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

fn config(limits: &Limits) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .wasm_component_model(true)
        // Plain calls cost half without the machinery of async components.
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack_bytes)
        // The same bytes on every machine: NaNs have one pattern, relaxed SIMD one meaning.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_relaxed_simd(true);
    config
}

/// A thread that advances the engine's epoch.
struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: wasmtime::Engine) -> Self {
        let (stop, stopped) = channel();
        let tick = move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new()
            .name("godwit-ticker".to_owned())
            .spawn(tick)
            .expect("a thread can be started");
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The ticker never panics; were it to, there is nobody to tell.
            let _ = thread.join();
        }
    }
}

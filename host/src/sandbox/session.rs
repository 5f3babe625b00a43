//! One live instance of a component.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::Linker;

use super::engine::TICK;
use super::fault::Circumstances;
use super::state::State;
use super::{Component, Context, Documents, Fault, LoadError, LogLine};
use crate::contract::{self, AnswerError, Guest, RawDescriptor};
use crate::model::{Batch, Reply};

/// A live instance of a component. After a [`Fault`] it is dead: every further call fails, and the
/// caller starts another one.
pub struct Session<D: Documents> {
    store: Store<State<D>>,
    guest: Guest,
}

/// What came of feeding a batch.
#[derive(Debug)]
pub struct Attempt<D> {
    /// The component's answer, or how it failed.
    pub reply: Result<Reply, Fault>,
    /// What was handed in to answer `documents`, with what it has gathered.
    pub documents: D,
    /// The lines that the component wrote.
    pub log: Vec<LogLine>,
    /// How many further lines were dropped.
    pub log_dropped: u64,
}

impl<D: Documents> Session<D> {
    /// Instantiates a component.
    ///
    /// # Errors
    /// [`LoadError::Link`] or [`LoadError::Instantiate`].
    pub fn start(component: &Component) -> Result<Self, LoadError> {
        let engine = &component.engine;
        let link = |error: wasmtime::Error| LoadError::Link(format!("{error:#}"));
        let mut linker = Linker::new(engine.wasmtime());
        contract::add_to_linker::<State<D>>(&mut linker).map_err(link)?;
        let pre = linker.instantiate_pre(&component.compiled).map_err(link)?;

        let limits = engine.limits().clone();
        let (time, hostcall) = (limits.describe, limits.hostcall_bytes);
        let mut store = Store::new(engine.wasmtime(), State::new(limits));
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(hostcall);
        // Before instantiation: a start function may loop, too.
        store.set_epoch_deadline(ticks(time));
        let guest = Guest::instantiate(&pre, component.speech().layout, &mut store);
        match guest {
            Ok(guest) => Ok(Self { store, guest }),
            Err(error) => {
                let fault = circumstances(&store, time).fault(AnswerError::Call(error));
                Err(LoadError::Instantiate(fault))
            }
        }
    }

    /// Asks the component what it is.
    pub(super) fn describe(&mut self, context: Context) -> Result<RawDescriptor, Fault> {
        let time = self.store.data().limits.describe;
        self.store.data_mut().context = context;
        self.store.set_epoch_deadline(ticks(time));
        let described = self.guest.describe(&mut self.store);
        described.map_err(|error| circumstances(&self.store, time).fault(AnswerError::Call(error)))
    }

    /// Feeds a batch; `documents` answers the component's calls meanwhile and comes back.
    pub fn migrate(
        &mut self,
        step: &str,
        batch: &Batch,
        context: Context,
        documents: D,
    ) -> Attempt<D> {
        let time = self.store.data().limits.batch;
        self.store.data_mut().start(batch.len(), context, documents);
        self.store.set_epoch_deadline(ticks(time));
        let answer = self.guest.migrate(&mut self.store, step, batch);
        let reply = answer.map_err(|error| circumstances(&self.store, time).fault(error));
        let state = self.store.data_mut();
        Attempt {
            reply,
            documents: state.documents.take().expect("nobody else takes it"),
            log: std::mem::take(&mut state.log),
            log_dropped: state.log_dropped,
        }
    }
}

impl<D: Documents> std::fmt::Debug for Session<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// The deadline in ticks from now; one more, since the current tick is partly over.
fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX - 1) + 1
}

fn circumstances<D: Documents>(store: &Store<State<D>>, time: Duration) -> Circumstances {
    let state = store.data();
    Circumstances {
        memory_refused: state.memory.refused,
        memory: state.limits.memory_bytes,
        time,
        hostcall: state.limits.hostcall_bytes,
    }
}

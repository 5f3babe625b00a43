//! One live instance of a component.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::Linker;

use super::component::cause;
use super::engine::{Clock, TICK};
use super::fault::Circumstances;
use super::state::State;
use super::{Call, Component, Context, Documents, Fault, Limits, LoadError, LogLine, closed};
use crate::contract::{self, AnswerError, Guest, RawDescriptor, StartError};
use crate::model::{Batch, Reply};

/// A live instance of a component. After a [`Fault`] it is dead: every further call fails, and the
/// caller starts another one.
///
/// ```
/// # fn example(component: &godwit::sandbox::Component) -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::model::Batch;
/// use godwit::sandbox::{Context, NoDocuments, Session};
///
/// let mut batch = Batch::default();
/// batch.push("first", br#"{"title": "hello"}"#);
/// let mut session = Session::<NoDocuments>::start(component)?;
/// let attempt = session.migrate("split-titles", &batch, Context::default(), NoDocuments);
/// assert_eq!(attempt.reply?.len(), batch.len());
/// # Ok(())
/// # }
/// ```
pub struct Session<D: Documents> {
    store: Store<State<D>>,
    guest: Guest,
    clock: Arc<Clock>,
    /// The most ticks that a batch of its engine's components took.
    longest: Arc<AtomicU64>,
    /// How many batches it was fed.
    calls: u64,
}

/// What came of feeding a batch.
///
/// ```
/// # fn example(attempt: godwit::sandbox::Attempt<godwit::sandbox::NoDocuments>) {
/// for line in &attempt.log {
///     println!("{line}");
/// }
/// match attempt.reply {
///     Ok(reply) => println!("{} outcomes", reply.len()),
///     Err(fault) => println!("{}: {fault}", fault.kind()),
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Attempt<D> {
    /// The component's answer, or how it failed.
    pub reply: Result<Reply, Fault>,
    /// What was handed in to answer `documents`, with what it has gathered.
    pub documents: D,
    /// What was asked of `documents` and denied, as in "read `users`".
    pub denied: Vec<String>,
    /// The lines that the component wrote.
    pub log: Vec<LogLine>,
    /// How many further lines were dropped.
    pub log_dropped: u64,
}

impl<D> Attempt<D> {
    /// What came of asking native code.
    pub(crate) fn native(reply: Reply, documents: D) -> Self {
        Self {
            reply: Ok(reply),
            documents,
            denied: Vec::new(),
            log: Vec::new(),
            log_dropped: 0,
        }
    }
}

impl<D: Documents> Session<D> {
    /// Instantiates a component.
    ///
    /// ```
    /// # fn example(component: &godwit::sandbox::Component) -> Result<(), godwit::sandbox::LoadError> {
    /// use godwit::sandbox::{NoDocuments, Session};
    ///
    /// let session = Session::<NoDocuments>::start(component)?;
    /// assert!(!session.is_used());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`LoadError::Link`] or [`LoadError::Instantiate`].
    pub fn start(component: &Component) -> Result<Self, LoadError> {
        let engine = &component.engine;
        let link = |error: wasmtime::Error| LoadError::Link(cause(&error));
        let mut linker = Linker::new(engine.wasmtime());
        contract::add_to_linker::<State<D>>(&mut linker).map_err(link)?;
        closed::close(&mut linker, &component.compiled, component.speech()).map_err(link)?;
        let pre = linker.instantiate_pre(&component.compiled).map_err(link)?;

        let limits = engine.limits().clone();
        let (time, hostcall) = (limits.time(limits.describe), limits.hostcall_bytes);
        let (handles, fuel) = (limits.handles, limits.fuel);
        let mut store = Store::new(engine.wasmtime(), State::new(limits, engine.peak()));
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(hostcall);
        store.set_max_component_handles(handles);
        refuel(&mut store, fuel);
        let clock = engine.clock().clone();
        let _ticking = clock.ticking();
        // Before instantiation: a start function may loop, too.
        store.set_epoch_deadline(ticks(time));
        let guest = Guest::instantiate(&pre, component.speech(), &mut store);
        match guest {
            Ok(guest) => Ok(Self {
                store,
                guest,
                clock: engine.clock().clone(),
                longest: engine.longest(),
                calls: 0,
            }),
            Err(StartError::Exports(error)) => Err(link(error)),
            Err(StartError::Start(error)) => {
                let fault = circumstances(&store, time).fault(AnswerError::Call(error));
                Err(LoadError::Instantiate(fault))
            }
        }
    }

    /// Asks the component what it is, in the time that is left from when it was started.
    pub(super) fn describe(&mut self, context: Context) -> Result<RawDescriptor, Fault> {
        let time = self.limits().time(self.limits().describe);
        self.store.data_mut().context = context;
        let _ticking = self.clock.ticking();
        let described = self.guest.describe(&mut self.store);
        described.map_err(|error| circumstances(&self.store, time).fault(AnswerError::Call(error)))
    }

    /// Feeds a batch to `migrate`; `documents` answers the component's calls meanwhile and comes back.
    ///
    /// ```
    /// # use godwit::model::Batch;
    /// # use godwit::sandbox::{Fault, NoDocuments, Session};
    /// # fn example(session: &mut Session<NoDocuments>, batch: &Batch) -> Result<(), Fault> {
    /// use godwit::model::Version;
    /// use godwit::sandbox::Context;
    ///
    /// let context = Context {
    ///     from_version: Some(Version::new(1, 0, 0)),
    ///     ..Context::default()
    /// };
    /// let attempt = session.migrate("split-titles", batch, context, NoDocuments);
    /// for (kind, payload) in attempt.reply?.iter() {
    ///     println!("{kind:?}, {} bytes", payload.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn migrate(
        &mut self,
        step: &str,
        batch: &Batch,
        context: Context,
        documents: D,
    ) -> Attempt<D> {
        self.call(Call::Migrate, step, batch, context, documents)
    }

    /// Feeds a batch to an export; `documents` answers the component's calls meanwhile and comes back.
    ///
    /// ```
    /// # use godwit::model::Batch;
    /// # use godwit::sandbox::{Component, Fault, NoDocuments, Session};
    /// # fn example(component: &Component, session: &mut Session<NoDocuments>, batch: &Batch) -> Result<(), Fault> {
    /// use godwit::sandbox::{Call, Context};
    ///
    /// if component.speech().has(Call::Verify) {
    ///     let context = Context::default();
    ///     let attempt = session.call(Call::Verify, "split-titles", batch, context, NoDocuments);
    ///     println!("{} items were looked at", attempt.reply?.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn call(
        &mut self,
        call: Call,
        step: &str,
        batch: &Batch,
        context: Context,
        documents: D,
    ) -> Attempt<D> {
        let time = self.set_out(self.limits().batch);
        self.calls += 1;
        self.store.data_mut().start(batch.len(), context, documents);
        let answer = {
            let ticking = self.clock.ticking();
            let answer = self.guest.call(call, &mut self.store, step, batch);
            self.longest.fetch_max(ticking.ticks(), Ordering::Relaxed);
            answer
        };
        let limit = self.limits().reply_bytes;
        let reply = match answer {
            Ok(reply) if reply.payload_bytes() > limit => Err(Fault::TooMuchOutput { limit }),
            Ok(reply) => Ok(reply),
            Err(error) => Err(circumstances(&self.store, time).fault(error)),
        };
        let state = self.store.data_mut();
        Attempt {
            reply,
            documents: state.documents.take().expect("nobody else takes it"),
            denied: std::mem::take(&mut state.denied),
            log: state.end_log(),
            log_dropped: state.log_dropped,
        }
    }

    /// Whether it has been fed a batch.
    pub fn is_used(&self) -> bool {
        self.calls > 0
    }

    /// Whether its memory has grown so much that it should make room for a fresh one: what a component
    /// leaks from batch to batch is no fault of the item that it is fed last.
    ///
    /// ```
    /// # use godwit::sandbox::{Component, LoadError, NoDocuments, Session};
    /// # fn example(component: &Component, mut session: Session<NoDocuments>) -> Result<(), LoadError> {
    /// if session.is_worn() {
    ///     session = Session::start(component)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_worn(&self) -> bool {
        let memory = &self.store.data().memory;
        memory.used() > memory.limit() / 2
    }

    fn limits(&self) -> &Limits {
        &self.store.data().limits
    }

    /// Winds up the clock for a call, and fills the tank where there is one.
    fn set_out(&mut self, time: Duration) -> Duration {
        let time = self.limits().time(time);
        let fuel = self.limits().fuel;
        self.store.set_epoch_deadline(ticks(time));
        refuel(&mut self.store, fuel);
        time
    }
}

fn refuel<T>(store: &mut Store<T>, fuel: Option<u64>) {
    if let Some(fuel) = fuel {
        let filled = store.set_fuel(fuel);
        filled.expect("an engine whose limits name fuel is metered");
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
        fuel: state.limits.fuel,
        time,
        hostcall: state.limits.hostcall_bytes,
    }
}

//! Work that goes on on a thread of its own, and the handle to direct it by.

use std::collections::{BTreeMap, BTreeSet};
use std::future::IntoFuture;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use tokio::sync::{oneshot, watch};

use super::events::{Event, Events, Log, MayHappen, Writer};
use crate::host::{self, HostError};
use crate::run::{Control, Observer, Pacing, RunError};

/// Whoever is told what happens.
type Observers = Vec<Arc<dyn Observer + Send>>;

/// The works of a host.
pub(super) struct Works {
    pub log: Arc<Log>,
    /// Whoever else is told what happens, by the works themselves.
    observers: Mutex<Observers>,
    /// The number of the last one.
    last: AtomicU64,
    going_on: Mutex<BTreeMap<u64, (Control, JoinHandle<()>)>>,
    /// Why everything waits that is begun.
    holds: Mutex<BTreeSet<String>>,
    /// Each work has it, too; `None`: no more is begun.
    open: Mutex<Option<Arc<MayHappen>>>,
}

impl Works {
    pub(super) fn new() -> Self {
        let log = Arc::new(Log::default());
        Self {
            open: Mutex::new(Some(Arc::new(MayHappen(log.clone())))),
            log,
            observers: Mutex::default(),
            last: AtomicU64::default(),
            going_on: Mutex::default(),
            holds: Mutex::default(),
        }
    }

    fn observers(&self) -> MutexGuard<'_, Observers> {
        self.observers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Has somebody told what happens in works that are begun from now on.
    pub(super) fn observe(&self, observer: Arc<dyn Observer + Send>) {
        self.observers().push(observer);
    }

    fn open(&self) -> MutexGuard<'_, Option<Arc<MayHappen>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn going_on(&self) -> MutexGuard<'_, BTreeMap<u64, (Control, JoinHandle<()>)>> {
        self.going_on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks everything that goes on to stop; no more is begun.
    pub(super) fn close(&self) {
        let open = self.open().take();
        self.cancel();
        drop(open);
    }

    /// Asks everything that goes on to stop.
    pub(super) fn cancel(&self) {
        for (control, _) in self.going_on().values() {
            control.stop();
        }
    }

    fn holds(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has everything wait for a reason, also what is begun later.
    pub(super) fn hold(&self, reason: &str) {
        let mut holds = self.holds();
        holds.insert(reason.to_owned());
        for (control, _) in self.going_on().values() {
            control.hold(reason);
        }
    }

    /// Takes back a reason to wait.
    pub(super) fn release(&self, reason: &str) {
        let mut holds = self.holds();
        holds.remove(reason);
        for (control, _) in self.going_on().values() {
            control.release(reason);
        }
    }

    /// Waits until nothing goes on any more.
    pub(super) fn wait(&self) {
        loop {
            let Some((_, (_, thread))) = self.going_on().pop_first() else {
                return;
            };
            // One that panicked has told whoever waits for it.
            let _ = thread.join();
        }
    }

    /// Begins a work.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        host: &Arc<host::Host>,
        control: Control,
        work: impl FnOnce(&host::Host, &dyn Observer, &Control) -> Result<T, HostError> + Send + 'static,
    ) -> Work<T> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let events = self.log.read(self.log.last(), Some(number));
        let (sender, result) = oneshot::channel();
        let (going_on_still, ended) = watch::channel(());
        let (host, log, own) = (host.clone(), self.log.clone(), control.clone());
        let also = self.observers().clone();
        // What is traced in it belongs to whoever began it.
        let span = tracing::info_span!("work", number);
        let carry_out = move || {
            let _entered = span.enter();
            let observer = Writer {
                log: &log,
                work: number,
                clock: &*host.surroundings().clock,
                also: &also,
            };
            let done = || work(&host, &observer, &own);
            // A fault of ours is told to whoever waits, as any error is.
            let done = std::panic::catch_unwind(AssertUnwindSafe(done));
            let done = done.unwrap_or_else(|_| {
                let fault = "the thread that carried it out panicked".to_owned();
                Err(HostError::Run(RunError::Worker(fault)))
            });
            // Whoever waited for it may have gone.
            let _ = sender.send(done);
            drop(going_on_still);
        };
        // In this order everywhere, so that no hold is missed.
        let holds = self.holds();
        let mut going_on = self.going_on();
        holds.iter().for_each(|reason| control.hold(reason));
        going_on.retain(|_, (_, thread)| !thread.is_finished());
        if let Some(may_happen) = self.open().clone() {
            let builder = Builder::new().name(format!("godwit-work-{number}"));
            let thread = builder.spawn(move || {
                let _may_happen = may_happen;
                carry_out();
            });
            let thread = thread.expect("a thread can be started");
            going_on.insert(number, (control.clone(), thread));
        }
        Work {
            number,
            control,
            events,
            result,
            ended,
        }
    }
}

/// Something that a host does on a thread of its own: a run, an undo, a backup.
///
/// It goes on whether anybody holds this or not; awaiting it gives the result. What it has committed stays, however it ends.
#[derive(Debug)]
#[must_use = "it goes on all the same; await it for its result, or call `detach`"]
pub struct Work<T> {
    number: u64,
    control: Control,
    events: Events,
    result: oneshot::Receiver<Result<T, HostError>>,
    /// Its sender is gone once it has ended.
    ended: watch::Receiver<()>,
}

impl<T> Work<T> {
    /// Its number, from 1, among those of its host.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What directs it.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Has it wait after the batch in flight, and keep its lease.
    pub fn pause(&self) {
        self.control.pause();
    }

    /// Ends [`Work::pause`].
    pub fn resume(&self) {
        self.control.resume();
    }

    /// Has it stop after the batch in flight. A run goes on with the next [`super::Host::up`].
    pub fn cancel(&self) {
        self.control.stop();
    }

    /// Changes how fast it may go.
    pub fn throttle(&self, change: impl FnOnce(&mut Pacing)) {
        self.control.pace(change);
    }

    /// The next thing that happens in it; `None` once it has ended and everything was told.
    pub async fn next_event(&mut self) -> Option<Arc<Event>> {
        loop {
            if let Some(event) = self.events.try_next() {
                return Some(event);
            }
            if self.has_ended() {
                return self.events.try_next();
            }
            tokio::select! {
                event = self.events.next() => return event,
                _ = self.ended.changed() => {}
            }
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.ended.has_changed().is_err()
    }

    /// Lets it go on by itself.
    pub fn detach(self) {}
}

impl<T: Send + 'static> IntoFuture for Work<T> {
    type Output = Result<T, HostError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.result.await.unwrap_or(Err(HostError::ShutDown)) })
    }
}

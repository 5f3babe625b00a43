//! Work that goes on on a thread of its own, and the handle to direct it by.

use std::collections::{BTreeMap, BTreeSet};
use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Builder;

use tokio::sync::{oneshot, watch};

use super::events::{Event, Events, Log, MayHappen, Writer};
use super::{Handles, Opened};
use crate::host::{self, ErrorKind, HostError};
use crate::run::{Control, Observer, Pacing, RunError, RunEvent};

/// Whoever is told what happens.
type Observers = Vec<Arc<dyn Observer + Send>>;

/// So many works go on at once, most of which wait for the lease.
const WORKS: usize = 128;

/// What directs each work that goes on, and a mark that is gone once it has ended.
type GoingOn = BTreeMap<u64, (Control, Weak<()>)>;

/// The works of a host.
pub(super) struct Works {
    pub log: Arc<Log>,
    /// Whoever else is told what happens, by the works themselves.
    observers: Mutex<Observers>,
    /// The number of the last one.
    last: AtomicU64,
    going_on: Mutex<GoingOn>,
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
        let open = self.open();
        // Of what was shut down nobody would take it away again.
        if open.is_some() {
            self.observers().push(observer);
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<Arc<MayHappen>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn going_on(&self) -> MutexGuard<'_, GoingOn> {
        self.going_on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks everything that goes on to stop; no more is begun.
    pub(super) fn close(&self) {
        let open = self.open().take();
        self.cancel();
        drop(open);
        // Works that go on have them. One may have a handle of the host.
        let observers = std::mem::take(&mut *self.observers());
        drop(observers);
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

    /// Begins a work. `handles` are those of its host.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        host: &Arc<Opened>,
        handles: Arc<Handles>,
        control: Control,
        work: impl FnOnce(&host::Host, &dyn Observer, &Control) -> Result<T, HostError> + Send + 'static,
    ) -> Work<T> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let events = self.log.read(self.log.last(), Some(number));
        let (sender, result) = oneshot::channel();
        let (going_on_still, ended) = watch::channel(());
        let events = events.until(ended.clone());
        let (host, own) = (host.clone(), control.clone());
        let writer = Writer {
            log: self.log.clone(),
            work: number,
            clock: host.surroundings().clock.clone(),
            also: self.observers().clone(),
        };
        // Where it cannot be begun, nobody is called on the thread that asked for it.
        let told = Writer {
            also: Vec::new(),
            ..writer.clone()
        };
        // What is traced in it belongs to whoever began it.
        let span = tracing::info_span!("work", number, store = %host.store().backend().url());
        let own_span = span.clone();
        let carry_out = move || {
            let done = own_span.in_scope(|| carried_out(work, &host, &writer, &own));
            // Whoever waits for the end may open the store anew.
            drop(host);
            // Whoever waited for it may have gone.
            let _ = sender.send(done);
            drop(going_on_still);
        };
        // In this order everywhere, so that no hold is missed.
        let holds = self.holds();
        let mut going_on = self.going_on();
        holds.iter().for_each(|reason| control.hold(reason));
        going_on.retain(|_, (_, goes_on)| goes_on.strong_count() > 0);
        let mut failure = None;
        if going_on.len() >= WORKS {
            failure = Some(HostError::Overloaded);
        } else if let Some(may_happen) = self.open().clone() {
            let mark = Arc::new(());
            going_on.insert(number, (control.clone(), Arc::downgrade(&mark)));
            let builder = Builder::new().name(format!("godwit-work-{number}"));
            let started = builder.spawn(move || {
                let _until_the_end = (mark, may_happen);
                carry_out();
            });
            failure = started
                .err()
                .map(|error| fault(&format!("no thread can be started: {error}")));
        }
        drop((holds, going_on));
        if let Some(failure) = &failure {
            span.in_scope(|| tell_failure(failure, &told));
        }
        Work {
            number,
            control,
            events,
            result,
            failure,
            ended,
            handles,
        }
    }
}

/// Carries a work out, and tells of it where it cannot be done: nobody may wait for it.
fn carried_out<T>(
    work: impl FnOnce(&host::Host, &dyn Observer, &Control) -> Result<T, HostError>,
    host: &host::Host,
    writer: &Writer,
    control: &Control,
) -> Result<T, HostError> {
    // A fault of ours is told as any error is.
    let done = catch_unwind(AssertUnwindSafe(|| work(host, writer, control)));
    let done = done.unwrap_or_else(|_| Err(fault("the thread that carried it out panicked")));
    done.inspect_err(|error| tell_failure(error, writer))
}

/// Tells of a work that cannot be done, in its events and its trace.
fn tell_failure(error: &HostError, writer: &Writer) {
    let reason = host::with_causes(error);
    match error.kind() {
        // Somebody asked for it.
        ErrorKind::Stopped => return,
        ErrorKind::Store | ErrorKind::Internal => tracing::error!(reason, "a work failed"),
        _ => tracing::warn!(reason, "a work cannot be done"),
    }
    writer.tell_all(&RunEvent::WorkFailed { reason });
}

fn fault(what: &str) -> HostError {
    HostError::Run(RunError::Worker(what.to_owned()))
}

/// Something that a host does on a thread of its own: a run, an undo, a backup.
///
/// It goes on whether anybody polls this or not, for as long as there is this or a handle of its host; awaiting it gives the
/// result. What it has committed stays, however it ends.
///
/// Waiting may be given up at any point, as in a `select!`: nothing is lost by it but the result, where it was the work itself
/// that was awaited. [`Work::ended`] waits and keeps that.
///
/// ```
/// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::plan::Goal;
/// use std::time::Duration;
///
/// let mut work = host.up(Goal::default());
/// if tokio::time::timeout(Duration::from_secs(60), work.ended()).await.is_err() {
///     // It takes long: leave half of the time to others.
///     work.throttle(|pacing| pacing.duty = Some(50));
/// }
/// let reports = work.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it goes on all the same; await it for its result, or call `detach`"]
pub struct Work<T> {
    number: u64,
    control: Control,
    events: Events,
    result: oneshot::Receiver<Result<T, HostError>>,
    /// Why it could not be begun.
    failure: Option<HostError>,
    /// Its sender is gone once it has ended.
    ended: watch::Receiver<()>,
    handles: Arc<Handles>,
}

impl<T> Work<T> {
    /// Its number, from 1, among those of its host.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let work = host.up(godwit::plan::Goal::default());
    /// println!("activity {}", work.number());
    /// # Ok(())
    /// # }
    /// ```
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What directs it.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let work = host.up(godwit::plan::Goal::default());
    /// let control = work.control().clone();
    /// // Another task may stop it, while this one waits.
    /// tokio::spawn(async move { control.stop() });
    /// let reports = work.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Has it wait after the batch in flight, and keep its lease.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let work = host.up(godwit::plan::Goal::default());
    /// work.pause();
    /// work.resume();
    /// # Ok(())
    /// # }
    /// ```
    pub fn pause(&self) {
        self.control.pause();
    }

    /// Ends [`Work::pause`].
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let work = host.up(godwit::plan::Goal::default());
    /// work.pause();
    /// work.resume();
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume(&self) {
        self.control.resume();
    }

    /// Has it stop after the batch in flight. A run goes on with the next [`super::Host::up`].
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let work = host.up(godwit::plan::Goal::default());
    /// work.cancel();
    /// let reports = work.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(&self) {
        self.control.stop();
    }

    /// Changes how fast it may go.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let work = host.up(godwit::plan::Goal::default());
    /// work.throttle(|pacing| pacing.items_per_second = std::num::NonZeroU32::new(500));
    /// # Ok(())
    /// # }
    /// ```
    pub fn throttle(&self, change: impl FnOnce(&mut Pacing)) {
        self.control.pace(change);
    }

    /// What happens in it, to its end, for another task: behind what was read by [`Work::next_event`].
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let work = host.up(godwit::plan::Goal::default());
    /// let mut events = work.events();
    /// tokio::spawn(async move {
    ///     while let Some(event) = events.next().await {
    ///         println!("{:?}", event.event);
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(&self) -> Events {
        self.events.clone()
    }

    /// Waits until it has ended, however.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut work = host.up(godwit::plan::Goal::default());
    /// work.ended().await;
    /// let reports = work.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ended(&mut self) {
        while self.ended.changed().await.is_ok() {}
    }

    /// The next thing that happens in it; `None` once it has ended and everything was told.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut work = host.up(godwit::plan::Goal::default());
    /// while let Some(event) = work.next_event().await {
    ///     println!("{:?}", event.event);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_event(&mut self) -> Option<Arc<Event>> {
        self.events.next().await
    }

    /// Whether it has ended.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let work = host.up(godwit::plan::Goal::default());
    /// if work.has_ended() {
    ///     let reports = work.await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn has_ended(&self) -> bool {
        self.ended.has_changed().is_err()
    }

    /// Lets it go on by itself, for as long as there is a handle of its host.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let work = host.up(godwit::plan::Goal::default());
    /// work.detach();
    /// # Ok(())
    /// # }
    /// ```
    pub fn detach(self) {}
}

impl<T: Send + 'static> IntoFuture for Work<T> {
    type Output = Result<T, HostError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let _handles = self.handles;
            match self.result.await {
                Ok(result) => result,
                Err(_) => Err(self.failure.unwrap_or(HostError::ShutDown)),
            }
        })
    }
}

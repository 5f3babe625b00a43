//! The front door for servers: everything of [`crate::blocking::Host`] for tasks of tokio.
//!
//! What takes long is a [`Work`] on a thread of its own, with events to read and ways to direct it; what is short is done on
//! the runtime's threads for blocking work. The runtime itself never waits for a store or a plugin. Nothing is printed, no
//! signal is caught, and nothing is global: two hosts on two stores know nothing of each other.

mod builder;
mod collection;
mod events;
mod system;
mod work;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use builder::{HostBuilder, OpenError};
pub use collection::Collection;
pub use events::{Event, Events};
pub use work::Work;

use crate::host::{self, DownGoal, HostError, Readiness, ShadowReport, ShadowStats, Status};
use crate::model::{Name, RunId, Version};
use crate::plan::{Goal, Planned};
use crate::run::{ChangedItems, Control, Observer, Pacing, Report, RunProgress, UndoReport};
use work::Works;

/// Brings the items of a store to the versions of a catalogue, beside everything else that a server does. Cheap to clone.
///
/// ```
/// # async fn example(folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::Host;
/// use godwit::plan::Goal;
///
/// let host = Host::builder().store(folder.join("data")).plugins("migrations").open().await?;
/// let mut work = host.up(Goal::default());
/// while let Some(event) = work.next_event().await {
///     tracing::info!(?event.event);
/// }
/// let reports = work.await?;
/// host.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
    /// Dropped with the last handle.
    _handles: Arc<Handles>,
}

/// So many questions are answered at once: what takes long on the threads for blocking work takes no more of them than this,
/// also where nobody waits for its answer any more.
const QUESTIONS: usize = 64;

struct Inner {
    host: Arc<host::Host>,
    works: Works,
    questions: Arc<Semaphore>,
    /// How fast works may go that are begun.
    pacing: Pacing,
}

/// Stops everything when nobody is there any more to do so.
struct Handles(Arc<Inner>);

impl Drop for Handles {
    fn drop(&mut self) {
        self.0.works.close();
    }
}

impl Host {
    /// What a host is made of.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// A host around one that blocks.
    pub fn new(host: host::Host, pacing: Pacing) -> Self {
        let inner = Arc::new(Inner {
            host: Arc::new(host),
            works: Works::new(),
            questions: Arc::new(Semaphore::new(QUESTIONS)),
            pacing,
        });
        Self {
            _handles: Arc::new(Handles(inner.clone())),
            inner,
        }
    }

    /// The same host for code that may block.
    pub fn blocking(&self) -> &host::Host {
        &self.inner.host
    }

    /// Does something short on a thread where that may block. So many of these are done at once; one more waits. What was
    /// begun is carried through, also where nobody waits for its answer any more.
    ///
    /// # Errors
    /// What it says.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&host::Host) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        let (host, questions) = (self.inner.host.clone(), self.inner.questions.clone());
        let turn = questions.acquire_owned().await;
        let span = tracing::Span::current();
        let answer = tokio::task::spawn_blocking(move || {
            // It ends with the answer, not with whoever waits for that.
            let _turn = turn;
            span.in_scope(|| question(&host))
        });
        match answer.await {
            Ok(answer) => answer,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is being shut down.
            Err(_) => Err(HostError::ShutDown),
        }
    }

    /// Begins something that takes long, on a thread of its own.
    pub fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce(&host::Host, &dyn Observer, &Control) -> Result<T, HostError> + Send + 'static,
    ) -> Work<T> {
        let control = Control::default();
        control.pace(|pacing| *pacing = self.inner.pacing);
        self.inner.works.begin(&self.inner.host, control, work)
    }

    /// Plans how to reach a goal.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::plan`].
    pub async fn plan(&self, goal: Goal) -> Result<Planned, HostError> {
        self.ask(move |host| host.plan(&goal)).await
    }

    /// What there is, at a glance.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::status`].
    pub async fn status(&self) -> Result<Status, HostError> {
        self.ask(host::Host::status).await
    }

    /// Whether the application may serve: everything that must be done before is done.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::readiness`].
    pub async fn readiness(&self) -> Result<Readiness, HostError> {
        self.ask(host::Host::readiness).await
    }

    /// How far the run is that is under way or unfinished.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::progress`].
    pub async fn progress(&self) -> Result<Option<RunProgress>, HostError> {
        self.ask(host::Host::progress).await
    }

    /// Reaches a goal: goes on with the unfinished run, then carries out what is pending.
    pub fn up(&self, goal: Goal) -> Work<Vec<Report>> {
        self.begin(move |host, observer, control| host.up(&goal, observer, control))
    }

    /// Brings one item up to date, ahead of its collection if need be.
    pub fn up_item(
        &self,
        collection: Name,
        id: String,
        to: Option<Version>,
    ) -> Work<Option<Report>> {
        self.begin(move |host, observer, control| {
            host.up_item(&collection, &id, to.as_ref(), observer, control)
        })
    }

    /// Begins a shadow run, or goes on with it.
    pub fn up_shadow(&self, goal: Goal) -> Work<ShadowReport> {
        self.begin(move |host, observer, control| host.up_shadow(&goal, observer, control))
    }

    /// Makes what a shadow run made live.
    pub fn finalize(&self) -> Work<ShadowReport> {
        self.begin(|host, observer, control| host.finalize(observer, control))
    }

    /// Drops the shadow run; gives whether there was one.
    pub fn reset(&self) -> Work<bool> {
        self.begin(|host, _, control| host.reset(control))
    }

    /// How far the shadow run is, if there is one.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::shadow`].
    pub async fn shadow(&self) -> Result<Option<ShadowStats>, HostError> {
        self.ask(host::Host::shadow).await
    }

    /// Puts back what a run changed.
    pub fn undo(&self, run: RunId, changed: ChangedItems) -> Work<UndoReport> {
        self.begin(move |host, _, control| host.undo(run, changed, control))
    }

    /// Brings an app back to an older version by its migrations' own ways back.
    pub fn down(&self, goal: DownGoal) -> Work<Option<Report>> {
        self.begin(move |host, observer, control| host.down(&goal, observer, control))
    }

    /// Tries items in quarantine again: those named, or all.
    pub fn retry(&self, items: Option<Vec<(Name, String)>>) -> Work<Vec<Report>> {
        self.begin(move |host, observer, control| host.retry(items.as_deref(), observer, control))
    }

    /// Accepts by name that items stay in quarantine; gives how many were accepted anew.
    ///
    /// # Errors
    /// As [`crate::blocking::Host::accept`].
    pub async fn accept(&self, items: Vec<(Name, String)>) -> Result<u64, HostError> {
        self.ask(move |host| host.accept(&items)).await
    }

    /// The items of a collection, for the application. `None` of its settings is asked for until it is used.
    pub fn collection(&self, name: Name) -> Collection {
        Collection::new(self.clone(), name)
    }

    /// What happens from now on, in all works.
    pub fn events(&self) -> Events {
        self.inner.works.log.read(self.inner.works.log.last(), None)
    }

    /// Has somebody told what happens in all works that are begun from now on, on their own threads: each waits for it.
    pub fn observe(&self, observer: Arc<dyn Observer + Send>) {
        self.inner.works.observe(observer);
    }

    /// The number of the last event; 0: there was none.
    pub fn last_event(&self) -> u64 {
        self.inner.works.log.last()
    }

    /// What happened behind the event of a number, as far as it is kept, and what happens from now on.
    pub fn events_behind(&self, number: u64) -> Events {
        self.inner.works.log.read(number, None)
    }

    /// Has all works wait for a reason after the batch in flight, also those that are begun later, until that is released.
    pub fn hold(&self, reason: &str) {
        self.inner.works.hold(reason);
    }

    /// Takes back a reason to wait.
    pub fn release(&self, reason: &str) {
        self.inner.works.release(reason);
    }

    /// Has all works stop after the batch in flight. What was begun goes on when it is begun again.
    pub fn cancel(&self) {
        self.inner.works.cancel();
    }

    /// Stops what goes on after the batch in flight, waits for its end, and begins nothing any more. Runs that were stopped
    /// go on with the next [`Host::up`] of whoever opens the store.
    pub async fn shutdown(&self) {
        let inner = self.inner.clone();
        inner.works.close();
        // When the runtime is being shut down, whoever does so waits for its threads.
        let _ = tokio::task::spawn_blocking(move || inner.works.wait()).await;
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("store", self.inner.host.store())
            .finish_non_exhaustive()
    }
}

//! The front door for servers: everything of [`crate::blocking::Host`] for tasks of tokio.
//!
//! What takes long is a [`Work`] on a thread of its own, with events to read and ways to direct it; what is short is done on
//! the runtime's threads for blocking work. The runtime itself never waits for a store or a plugin. Nothing is printed, no
//! request to end is caught, and nothing is global but wasmtime's handlers of faults (SIGSEGV, SIGILL, SIGFPE), which pass on
//! those that are not of a component: two hosts on two stores know nothing of each other.

mod builder;
mod collection;
mod events;
mod system;
mod turns;
mod work;

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::watch;

pub use builder::{HostBuilder, OpenError};
pub use collection::Collection;
pub use events::{Event, Events};
pub use work::Work;

use crate::host::{
    self, DownGoal, HostError, Readiness, ShadowReport, ShadowStats, Status, WorkOptions, Worked,
};
use crate::model::{Apart, Name, RunId, Version};
use crate::plan::{Goal, Planned};
use crate::run::{ChangedItems, Control, Observer, Pacing, Report, RunProgress, UndoReport};
use crate::store::OpenLock;
use turns::Turns;
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
    /// Dropped with the last handle, and the last work.
    handles: Arc<Handles>,
    /// Behind those: whoever waits until nobody uses the store may close it.
    user: watch::Receiver<()>,
}

struct Inner {
    host: Arc<Opened>,
    works: Arc<Works>,
    /// Questions that are answered by the store itself.
    questions: Turns,
    /// Items that are read are counted apart: migrations may take long for them.
    reads: Turns,
    /// Changes are, too: they may have to wait for others.
    changes: Turns,
    /// How fast works may go that are begun.
    pacing: Pacing,
    /// Everybody who uses the store has a receiver.
    users: watch::Sender<()>,
}

/// A store that is open, with what is done to it.
struct Opened {
    host: host::Host,
    /// Behind the host: the store is closed first.
    _open: Option<OpenLock>,
    /// Gone once all of that is.
    closed: watch::Sender<()>,
}

impl std::ops::Deref for Opened {
    type Target = host::Host;

    fn deref(&self) -> &host::Host {
        &self.host
    }
}

/// Stops everything when nobody is there any more to do so.
struct Handles(Arc<Works>);

impl std::fmt::Debug for Handles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handles")
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Host {
    /// What a host is made of.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let host = godwit::Host::builder().store("data").plugins("migrations").open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// A host around one that blocks. Whoever opens its store by [`OpenLock::open`], and keeps the lock, is not left with a store
    /// that a restore has replaced.
    ///
    /// ```
    /// # async fn example(host: godwit::blocking::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::run::Pacing;
    ///
    /// let slow = Pacing { duty: Some(25), ..Pacing::default() };
    /// let host = godwit::Host::new(host, slow);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(host: host::Host, pacing: Pacing) -> Self {
        Self::keeping(host, pacing, None)
    }

    fn keeping(host: host::Host, pacing: Pacing, open: Option<OpenLock>) -> Self {
        let inner = Arc::new(Inner {
            host: Arc::new(Opened {
                host,
                _open: open,
                closed: watch::Sender::new(()),
            }),
            works: Arc::new(Works::new()),
            questions: Turns::new(),
            reads: Turns::new(),
            changes: Turns::new(),
            pacing,
            users: watch::Sender::new(()),
        });
        Self {
            handles: Arc::new(Handles(inner.works.clone())),
            user: inner.users.subscribe(),
            inner,
        }
    }

    /// The same host for code that may block.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let threads = host.blocking().options.threads;
    /// println!("runs have {threads} threads");
    /// # Ok(())
    /// # }
    /// ```
    pub fn blocking(&self) -> &host::Host {
        &self.inner.host
    }

    /// Does something short on a thread where that may block, for which no migration has to work: items are read by [`Host::read`].
    /// 64 of these are done at once, and 4,096 more wait. What was begun is carried through, also where nobody waits for its
    /// answer any more; it must not wait for others that are asked for so.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let collections = host.ask(|host| Ok(host.store().collections()?)).await?;
    /// for (name, collection) in collections {
    ///     println!("{name} belongs to {}", collection.app);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What it says; [`HostError::Overloaded`].
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&host::Host) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        self.take_turn(&self.inner.questions, question).await
    }

    /// Does as [`Host::ask`], for something that changes the store and may have to wait for others who do. Whoever has waited for
    /// his turn for as long as the host's patience is turned away where he would have to wait on.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::ItemWrite;
    ///
    /// let (list, body) = ("lists".parse()?, br#"{"title": "groceries"}"#);
    /// let version = "2.0.0".parse()?;
    /// let list = ItemWrite { collection: list, id: "1".to_owned(), item: Some((version, body)) };
    /// let removed = host.change(move |host| host.write(&[list])).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What it says; [`HostError::Overloaded`].
    pub async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&host::Host) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        let asked_at = self.blocking().surroundings().clock.now();
        let patient = move |host: &host::Host| {
            let now = host.surroundings().clock.now();
            if u128::from(now.since(asked_at)) >= host.patience.as_millis() {
                host.check_free()?;
            }
            change(host)
        };
        self.take_turn(&self.inner.changes, patient).await
    }

    /// Does as [`Host::ask`], for something that reads items, so that migrations may have to work for it, and take long.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::Reading;
    ///
    /// let both = host.read(|host| {
    ///     let (lists, reading) = ("lists".parse().expect("it is a name"), Reading::default());
    ///     Ok((host.read(&lists, "1", &reading)?, host.read(&lists, "2", &reading)?))
    /// });
    /// let (first, second) = both.await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What it says; [`HostError::Overloaded`].
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&host::Host) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        self.take_turn(&self.inner.reads, read).await
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        turns: &Turns,
        question: impl FnOnce(&host::Host) -> Result<T, HostError> + Send + 'static,
    ) -> Result<T, HostError> {
        let turn = turns.take().await?;
        let (user, host) = (self.user.clone(), self.inner.host.clone());
        let span = tracing::Span::current();
        let answer = tokio::task::spawn_blocking(move || {
            // The turn ends with the answer, not with whoever waits for that, and behind the host.
            let (_user, _turn, host) = (user, turn, host);
            span.in_scope(|| question(&host))
        });
        match answer.await {
            Ok(answer) => answer,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is being shut down.
            Err(_) => Err(HostError::ShutDown),
        }
    }

    /// Begins something that takes long, on a thread of its own. 128 of these go on at once; one more fails as
    /// [`HostError::Overloaded`].
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let verified = host.begin(|host, _, control| host.verify(&[], &|_, _| None, &mut |_| {}, control));
    /// println!("{} flaws", verified.await?.flaws);
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce(&host::Host, &dyn Observer, &Control) -> Result<T, HostError> + Send + 'static,
    ) -> Work<T> {
        let control = Control::default();
        control.pace(|pacing| *pacing = self.inner.pacing);
        let (host, handles) = (&self.inner.host, self.handles.clone());
        self.inner.works.begin(host, handles, control, work)
    }

    /// Plans how to reach a goal.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::plan::Goal;
    ///
    /// let planned = host.plan(Goal::default()).await?;
    /// for stage in &planned.plan.stages {
    ///     println!("{} {} is to come", stage.app, stage.version);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`crate::blocking::Host::plan`].
    pub async fn plan(&self, goal: Goal) -> Result<Planned, HostError> {
        self.ask(move |host| host.plan(&goal)).await
    }

    /// What there is, at a glance.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// for app in host.status().await?.apps {
    ///     println!("{} is at {:?}", app.app, app.version);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`crate::blocking::Host::status`].
    pub async fn status(&self) -> Result<Status, HostError> {
        self.ask(host::Host::status).await
    }

    /// Whether the application may serve: everything that must be done before is done.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let readiness = host.readiness().await?;
    /// if !readiness.is_ready {
    ///     return Err(readiness.reasons.join("; ").into());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`crate::blocking::Host::readiness`].
    pub async fn readiness(&self) -> Result<Readiness, HostError> {
        self.ask(host::Host::readiness).await
    }

    /// How far the run is that is under way or unfinished.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Some(progress) = host.progress().await? {
    ///     println!("{} of {} items", progress.read, progress.total);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`crate::blocking::Host::progress`].
    pub async fn progress(&self) -> Result<Option<RunProgress>, HostError> {
        self.ask(host::Host::progress).await
    }

    /// Reaches a goal: goes on with the unfinished run, then carries out what is pending.
    ///
    /// It gives what each run did, also where one was stopped, or ended with items in quarantine: the goal is reached if
    /// [`Report::is_completed`] of all of them.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::plan::Goal;
    /// use godwit::model::Phase;
    ///
    /// let offline = Goal { phase: Some(Phase::Offline), ..Goal::default() };
    /// let reports = host.up(offline).await?;
    /// assert!(reports.iter().all(|report| report.is_completed()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn up(&self, goal: Goal) -> Work<Vec<Report>> {
        self.begin(move |host, observer, control| host.up(&goal, observer, control))
    }

    /// Carries out runs along with other processes that share the store, as one of any number of workers: one of PostgreSQL.
    ///
    /// ```no_run
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::WorkOptions;
    ///
    /// let worked = host.work(Default::default(), WorkOptions::default()).await?;
    /// println!("{} ranges", worked.ranges);
    /// # Ok(())
    /// # }
    /// ```
    pub fn work(&self, goal: Goal, options: WorkOptions) -> Work<Worked> {
        self.begin(move |host, observer, control| host.work(&goal, &options, observer, control))
    }

    /// Brings one item up to date, ahead of its collection if need be.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let report = host.up_item("todos".parse()?, "milk".to_owned(), None).await?;
    /// println!("it was {}", if report.is_some() { "brought up" } else { "up to date" });
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::plan::Goal;
    ///
    /// let report = host.up_shadow(Goal::default()).await?;
    /// if report.stats.is_some_and(|stats| stats.is_ready) {
    ///     assert!(host.finalize().await?.is_live);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn up_shadow(&self, goal: Goal) -> Work<ShadowReport> {
        self.begin(move |host, observer, control| host.up_shadow(&goal, observer, control))
    }

    /// Makes what a shadow run made live.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let report = host.finalize().await?;
    /// println!("live: {}", report.is_live);
    /// # Ok(())
    /// # }
    /// ```
    pub fn finalize(&self) -> Work<ShadowReport> {
        self.begin(|host, observer, control| host.finalize(observer, control))
    }

    /// Drops the shadow run; gives whether there was one.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let was_there = host.reset().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset(&self) -> Work<bool> {
        self.begin(|host, observer, control| host.reset(observer, control))
    }

    /// How far the shadow run is, if there is one.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Some(stats) = host.shadow().await? {
    ///     println!("{} writes wait", stats.waiting);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`crate::blocking::Host::shadow`].
    pub async fn shadow(&self) -> Result<Option<ShadowStats>, HostError> {
        self.ask(host::Host::shadow).await
    }

    /// Puts back what a run changed.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::model::RunId;
    /// use godwit::run::ChangedItems;
    ///
    /// let report = host.undo(RunId(7), ChangedItems::Refuse).await?;
    /// println!("{} items are as they were", report.restored);
    /// # Ok(())
    /// # }
    /// ```
    pub fn undo(&self, run: RunId, changed: ChangedItems) -> Work<UndoReport> {
        self.begin(move |host, observer, control| host.undo(run, changed, observer, control))
    }

    /// Brings an app back to an older version by its migrations' own ways back.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use godwit::DownGoal;
    ///
    /// let goal = DownGoal { app: "todos".parse()?, to: "1.0.0".parse()? };
    /// let report = host.down(goal).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn down(&self, goal: DownGoal) -> Work<Option<Report>> {
        self.begin(move |host, observer, control| host.down(&goal, observer, control))
    }

    /// Tries items in quarantine again: those named, or all.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let milk = ("todos".parse()?, "milk".to_owned());
    /// let reports = host.retry(Some(vec![milk])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn retry(&self, items: Option<Vec<(Name, String)>>) -> Work<Vec<Report>> {
        self.begin(move |host, observer, control| host.retry(items.as_deref(), observer, control))
    }

    /// Some items in quarantine that nobody has accepted, by collection and id, with why each failed: those behind `after`, up
    /// to `limit` of them.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let fifty = std::num::NonZeroUsize::new(50).ok_or("it is not zero")?;
    /// for (collection, id, apart) in host.quarantine(None, fifty).await? {
    ///     let reason = apart.failure.map(|failure| failure.reason);
    ///     println!("{collection}/{id}: {reason:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`crate::blocking::Host::quarantine_page`].
    pub async fn quarantine(
        &self,
        after: Option<(Name, String)>,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Name, String, Apart)>, HostError> {
        self.ask(move |host| {
            let after = after.as_ref().map(|(name, id)| (name, id.as_str()));
            host.quarantine_page(None, false, after, limit)
        })
        .await
    }

    /// Accepts by name that items stay in quarantine; gives how many were accepted anew.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let milk = ("todos".parse()?, "milk".to_owned());
    /// let accepted = host.accept(vec![milk]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`crate::blocking::Host::accept`].
    pub async fn accept(&self, items: Vec<(Name, String)>) -> Result<u64, HostError> {
        self.change(move |host| host.accept(&items)).await
    }

    /// The items of a collection, for the application. `None` of its settings is asked for until it is used.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let todos = host.collection("todos".parse()?).at("2.0.0".parse()?);
    /// let milk = todos.get("milk").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn collection(&self, name: Name) -> Collection {
        Collection::new(self.clone(), name)
    }

    /// What happens from now on, in all works.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    ///
    /// let mut events = host.events().into_stream();
    /// while let Some(event) = events.next().await {
    ///     println!("{}: {:?}", event.number, event.event);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(&self) -> Events {
        self.inner.works.log.read(self.inner.works.log.last(), None)
    }

    /// Has somebody told what happens in all works that are begun from now on, on their own threads: each waits for it, and
    /// fails where it panics. It is kept until [`Host::shutdown`], and may have a handle of the host: the host goes on until then.
    /// Works that cannot even be begun are told in [`Host::events`] alone.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use godwit::run::{Observer, RunEvent};
    ///
    /// struct Count(std::sync::atomic::AtomicU64);
    ///
    /// impl Observer for Count {
    ///     fn event(&self, event: &RunEvent) {
    ///         if let RunEvent::Failed { .. } = event {
    ///             self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    ///         }
    ///     }
    /// }
    ///
    /// host.observe(Arc::new(Count(0.into())));
    /// # Ok(())
    /// # }
    /// ```
    pub fn observe(&self, observer: Arc<dyn Observer + Send>) {
        self.inner.works.observe(observer);
    }

    /// The number of the oldest event that is kept; 0: none is.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let seen = 7;
    /// let has_missed = seen + 1 < host.oldest_event();
    /// # Ok(())
    /// # }
    /// ```
    pub fn oldest_event(&self) -> u64 {
        self.inner.works.log.oldest()
    }

    /// The number of the last event; 0: there was none.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let seen = host.last_event();
    /// // Some other time:
    /// let mut since = host.events_behind(seen);
    /// # Ok(())
    /// # }
    /// ```
    pub fn last_event(&self) -> u64 {
        self.inner.works.log.last()
    }

    /// What happened behind the event of a number, as far as it is kept, and what happens from now on.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut all = host.events_behind(0);
    /// while let Some(event) = all.try_next() {
    ///     println!("{:?}", event.event);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn events_behind(&self, number: u64) -> Events {
        self.inner.works.log.read(number, None)
    }

    /// Has all works wait for a reason after the batch in flight, also those that are begun later, until that is released. A
    /// reason goes by its text: what two callers hold for the same one is released by either.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// host.hold("a sale is on");
    /// // When it is over:
    /// host.release("a sale is on");
    /// # Ok(())
    /// # }
    /// ```
    pub fn hold(&self, reason: &str) {
        self.inner.works.hold(reason);
    }

    /// Takes back a reason to wait.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// host.hold("the disk is busy");
    /// host.release("the disk is busy");
    /// # Ok(())
    /// # }
    /// ```
    pub fn release(&self, reason: &str) {
        self.inner.works.release(reason);
    }

    /// Has all works stop after the batch in flight. What was begun goes on when it is begun again.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut work = host.up(godwit::plan::Goal::default());
    /// host.cancel();
    /// work.ended().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(&self) {
        self.inner.works.cancel();
    }

    /// Stops what goes on after the batch in flight, waits for its end, and begins no work any more. Runs that were stopped go
    /// on with the next [`Host::up`] of whoever opens the store. Items are read and written until the last handle is dropped.
    ///
    /// Waiting may be given up, and begun again.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// host.shutdown().await;
    /// // What was stopped is known to whoever comes next.
    /// let unfinished = host.status().await?.unfinished;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown(&self) {
        self.inner.works.close();
        self.inner.works.log.over().await;
    }

    /// Does as [`Host::shutdown`], waits until this is the last handle and nothing is read or written any more, also where nobody
    /// waits for its answer, and closes the store, without having the runtime wait for that: when it ends the same store can be
    /// opened again. Without this it is closed where the last handle is dropped, which on sled takes a while.
    ///
    /// Handles are this one's clones, and what has one: a [`Collection`], a router, an observer. Works are not, nor are their events:
    /// a work that is kept has ended. Several may be closed at the same time.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// host.close().await;
    /// let again = godwit::Host::builder().store("data").open().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(self) {
        self.shutdown().await;
        let Self {
            inner,
            handles,
            user,
        } = self;
        drop((handles, user));
        inner.users.closed().await;
        let mut closed = inner.host.closed.subscribe();
        // When the runtime is being shut down, whoever does so waits for its threads.
        let _ = tokio::task::spawn_blocking(move || drop(inner)).await;
        // Another handle that is closed now, too, may have been the last one: nothing is ever sent.
        let _ = closed.changed().await;
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("store", self.inner.host.store())
            .finish_non_exhaustive()
    }
}

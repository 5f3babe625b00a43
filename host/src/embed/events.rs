//! What happens in the works of a host, for tasks that read it when they like.
//!
//! Whoever works never waits for whoever reads: the last events are kept, and a reader that is too slow finds a gap in
//! their numbers.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::Stream;
use tokio::sync::watch;

use crate::model::{Clock, Timestamp};
use crate::run::{Observer, RunEvent};

/// So many events are kept.
const KEPT: usize = 4_096;

/// Something that happened.
///
/// ```
/// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
/// let mut events = host.events();
/// if let Some(event) = events.next().await {
///     println!("{} in work {} at {}", event.number, event.work, event.at.0);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// Its number, from 1, among all of its host.
    pub number: u64,
    /// The number of the work in which it happened.
    pub work: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: RunEvent,
}

/// The last events of a host.
#[derive(Default)]
pub(super) struct Log {
    kept: Mutex<VecDeque<Arc<Event>>>,
    told: watch::Sender<Told>,
}

/// How far a log is.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// The number of the last event.
    last: u64,
    /// Whether there will be no more.
    is_over: bool,
}

/// Held by everything that may still happen: with the last of it the log is over.
pub(super) struct MayHappen(pub Arc<Log>);

impl Drop for MayHappen {
    fn drop(&mut self) {
        self.0.told.send_modify(|told| told.is_over = true);
    }
}

impl Log {
    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, work: u64, at: Timestamp, event: RunEvent) {
        let mut kept = self.kept();
        let number = self.last() + 1;
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Arc::new(Event {
            number,
            work,
            at,
            event,
        }));
        // Within the lock, so that numbers come in order.
        self.told.send_modify(|told| told.last = number);
    }

    /// The next event behind a number that is still kept, how many behind it are not, and how far was looked.
    fn behind(&self, number: u64, work: Option<u64>) -> (Option<Arc<Event>>, u64, u64) {
        let kept = self.kept();
        let oldest = kept.front().map_or(0, |event| event.number);
        let missed = oldest.saturating_sub(number + 1);
        let first = kept.partition_point(|event| event.number <= number);
        let mut later = kept.iter().skip(first);
        let is_meant = |event: &&Arc<Event>| work.is_none_or(|work| work == event.work);
        let event = later.find(is_meant).cloned();
        let last = event.as_ref().or(kept.back());
        let looked = last.map_or(number, |last| last.number.max(number));
        (event, missed, looked)
    }

    /// The number of the oldest event that is kept.
    pub(super) fn oldest(&self) -> u64 {
        self.kept().front().map_or(0, |event| event.number)
    }

    /// Waits until nothing can happen any more.
    pub(super) async fn over(&self) {
        let mut told = self.told.subscribe();
        // The sender is not gone: it is kept here.
        let _ = told.wait_for(|told| told.is_over).await;
    }

    /// The number of the last event.
    pub(super) fn last(&self) -> u64 {
        self.told.borrow().last
    }

    /// Events behind a number: of all works, or of one.
    pub(super) fn read(self: &Arc<Self>, behind: u64, work: Option<u64>) -> Events {
        Events {
            told: self.told.subscribe(),
            log: self.clone(),
            // What did not happen yet is not behind anything.
            read: behind.min(self.last()),
            missed: 0,
            work,
            ended: None,
        }
    }
}

/// Events as they happen: all but those that come with every batch ([`RunEvent::name`] has none for them), of which
/// [`Host::progress`](super::Host::progress) tells.
///
/// The last 4,096 events of a host are kept; whoever reads more slowly than they come misses some ([`Events::missed`]).
/// Waiting for one may be given up at any point: none is lost by it.
///
/// ```
/// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
/// let mut events = host.events();
/// while let Some(event) = events.next().await {
///     println!("{:?}", event.event);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Events {
    log: Arc<Log>,
    told: watch::Receiver<Told>,
    /// The number of the last one that was read.
    read: u64,
    missed: u64,
    work: Option<u64>,
    /// Its sender is gone once the work has ended, if they are those of one.
    ended: Option<watch::Receiver<()>>,
}

impl Events {
    /// The same, to their end with that of their work.
    pub(super) fn until(mut self, ended: watch::Receiver<()>) -> Self {
        self.ended = Some(ended);
        self
    }

    /// The next event, as soon as there is one; `None` once there will be no more and everything was told: where they are those
    /// of a work, when that has ended, and else once the host was shut down and its works have ended.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut events = host.events();
    /// let first = events.next().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        loop {
            // What happens from here on is not missed.
            let is_over = self.told.borrow_and_update().is_over;
            let has_ended = |ended: &watch::Receiver<()>| ended.has_changed().is_err();
            let is_over = is_over || self.ended.as_ref().is_some_and(has_ended);
            match self.try_next() {
                Some(event) => return Some(event),
                None if is_over => return None,
                None => {}
            }
            match &mut self.ended {
                None => self.told.changed().await.ok()?,
                Some(ended) => tokio::select! {
                    told = self.told.changed() => told.ok()?,
                    _ = ended.changed() => {}
                },
            }
        }
    }

    /// The next event, if there is one already.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut events = host.events_behind(0);
    /// let oldest = events.try_next();
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_next(&mut self) -> Option<Arc<Event>> {
        let (event, missed, looked) = self.log.behind(self.read, self.work);
        self.missed += missed;
        self.read = looked;
        event
    }

    /// How many events were not kept for as long as it took to read them, of any work.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut events = host.events_behind(0);
    /// let oldest = events.try_next();
    /// println!("{} before it are forgotten", events.missed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The events as a stream, which ends as [`Events::next`] does.
    ///
    /// ```
    /// # async fn example(host: godwit::Host) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    ///
    /// let names = host.events().into_stream().filter_map(async |event| event.event.name());
    /// let mut names = std::pin::pin!(names);
    /// println!("first came {:?}", names.next().await);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_stream(self) -> impl Stream<Item = Arc<Event>> + Send + Unpin {
        Box::pin(futures_util::stream::unfold(self, |mut events| async {
            let event = events.next().await?;
            Some((event, events))
        }))
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events")
            .field("read", &self.read)
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}

/// Writes to the log what happens in a work, but for what comes with every batch.
#[derive(Clone)]
pub(super) struct Writer {
    pub log: Arc<Log>,
    pub work: u64,
    pub clock: Arc<dyn Clock>,
    /// Whoever is told everything.
    pub also: Vec<Arc<dyn Observer + Send>>,
}

impl Writer {
    /// Tells everybody, also where one of them panics.
    pub(super) fn tell_all(&self, event: &RunEvent) {
        self.note(event);
        for also in &self.also {
            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| also.event(event)));
        }
    }

    fn note(&self, event: &RunEvent) {
        if let Some(name) = event.name() {
            tracing::info!(name, ?event);
            self.log.add(self.work, self.clock.now(), event.clone());
        }
    }
}

impl Observer for Writer {
    fn event(&self, event: &RunEvent) {
        self.note(event);
        self.also.iter().for_each(|also| also.event(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(works: &[u64]) -> Arc<Log> {
        let log = Arc::new(Log::default());
        for work in works {
            log.add(*work, Timestamp(0), RunEvent::GoesOn);
        }
        log
    }

    #[test]
    fn events_are_read_in_order_of_one_work_or_of_all() {
        let log = log(&[1, 2, 1]);
        let read = |work| {
            let mut events = log.read(0, work);
            let numbers = std::iter::from_fn(|| Some(events.try_next()?.number));
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(read(None), [1, 2, 3]);
        assert_eq!(read(Some(1)), [1, 3]);
        assert_eq!(read(Some(3)), [0; 0]);
    }

    #[test]
    fn a_slow_reader_finds_a_gap_and_nobody_waits_for_him() {
        let log = log(&[]);
        let mut slow = log.read(0, None);
        for _ in 0..KEPT + 10 {
            log.add(1, Timestamp(0), RunEvent::GoesOn);
        }
        assert_eq!(slow.try_next().map(|event| event.number), Some(11));
        assert_eq!(slow.missed(), 10);
        assert_eq!(log.last(), KEPT as u64 + 10);
    }

    #[test]
    fn a_reader_is_woken_by_the_next_event() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let log = log(&[]);
        let mut events = log.read(0, None);
        let adding = {
            let log = log.clone();
            std::thread::spawn(move || log.add(7, Timestamp(1), RunEvent::SetUp))
        };
        let event = runtime.expect("there is a runtime").block_on(events.next());
        adding.join().expect("it was added");
        let event = event.expect("the log is not over");
        assert_eq!((event.work, &event.event), (7, &RunEvent::SetUp));
    }

    #[test]
    fn a_log_is_over_with_the_last_thing_that_may_happen_and_is_read_to_its_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("there is a runtime");
        let log = log(&[1, 2]);
        let both = Arc::new(MayHappen(log.clone()));
        let other = both.clone();
        let mut events = log.read(0, None);
        drop(both);
        runtime.block_on(async {
            assert!(events.next().await.is_some());
            assert!(events.next().await.is_some());
        });
        let ending = std::thread::spawn(move || drop(other));
        assert_eq!(runtime.block_on(events.next()), None);
        ending.join().expect("it was dropped");
        assert_eq!(runtime.block_on(events.next()), None);
    }
}

//! What happens in the works of a host, for tasks that read it when they like.
//!
//! Whoever works never waits for whoever reads: the last events are kept, and a reader that is too slow finds a gap in
//! their numbers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::Stream;
use tokio::sync::watch;

use crate::model::{Clock, Timestamp};
use crate::run::{Observer, RunEvent};

/// So many events are kept.
const KEPT: usize = 4_096;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
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

    /// The next event behind a number that is still kept.
    fn behind(&self, number: u64, work: Option<u64>) -> Option<Arc<Event>> {
        let kept = self.kept();
        let first = kept.partition_point(|event| event.number <= number);
        let mut later = kept.iter().skip(first);
        let is_meant = |event: &&Arc<Event>| work.is_none_or(|work| work == event.work);
        later.find(is_meant).cloned()
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
            read: behind,
            work,
        }
    }
}

/// Events as they happen.
pub struct Events {
    log: Arc<Log>,
    told: watch::Receiver<Told>,
    /// The number of the last one that was read.
    read: u64,
    work: Option<u64>,
}

impl Events {
    /// The next event, as soon as there is one; `None` once the host was shut down, its works have ended, and everything was
    /// told.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        loop {
            // What happens from here on is not missed.
            let is_over = self.told.borrow_and_update().is_over;
            match self.try_next() {
                Some(event) => return Some(event),
                None if is_over => return None,
                None => self.told.changed().await.ok()?,
            }
        }
    }

    /// The next event, if there is one already.
    pub fn try_next(&mut self) -> Option<Arc<Event>> {
        let event = self.log.behind(self.read, self.work)?;
        self.read = event.number;
        Some(event)
    }

    /// The events as a stream, which ends as [`Events::next`] does.
    pub fn into_stream(self) -> impl Stream<Item = Arc<Event>> + Send {
        futures_util::stream::unfold(self, |mut events| async move {
            let event = events.next().await?;
            Some((event, events))
        })
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
pub(super) struct Writer<'a> {
    pub log: &'a Log,
    pub work: u64,
    pub clock: &'a dyn Clock,
    /// Whoever is told everything.
    pub also: &'a [Arc<dyn Observer + Send>],
}

impl Observer for Writer<'_> {
    fn event(&self, event: &RunEvent) {
        if event.name().is_some() {
            self.log.add(self.work, self.clock.now(), event.clone());
        }
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

//! The threads of a pass: one reads batches ahead, the others transform them, each in a session of its own.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, Scope};
use std::time::Duration;

use super::ahead::Ahead;
use super::feed::Feed;
use super::pipeline::Pass;
use super::runner::Runner;
use super::transform::{Abort, Judged};
use super::{timed, window};

/// Native stack of a transforming thread: what wasm code may use, and ample room for the host's
/// own frames below it.
pub(crate) const STACK_BYTES: usize = 8 << 20;

/// What a thread does to a batch of which so many items may fail.
pub(super) type Worker = dyn FnMut(&Feed, u64) -> Result<Judged, Abort> + Send;

/// What is known of a batch from when it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    pub number: u64,
    /// How many commits there had been.
    pub read_at: u64,
    /// How often it was halved, to take less time.
    pub halvings: u32,
}

/// A batch on its way to a thread.
pub(super) struct Job {
    pub ticket: Ticket,
    pub feed: Feed,
    pub budget: u64,
}

/// A batch on its way back.
pub(super) struct Outcome {
    pub ticket: Ticket,
    pub feed: Feed,
    pub result: Result<Judged, Abort>,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// That of a batch that no thread was given.
    pub(super) fn untouched(ticket: Ticket, feed: Feed, result: Result<Judged, Abort>) -> Self {
        Self {
            ticket,
            feed,
            result,
            took: Duration::ZERO,
        }
    }
}

/// The threads of a pass. They end when it is dropped.
pub(super) struct Threads<'a> {
    pub ahead: &'a Ahead,
    pub jobs: SyncSender<Job>,
    pub outcomes: Receiver<Outcome>,
}

impl<'a> Threads<'a> {
    pub(super) fn start<'scope, 'r: 'scope>(
        scope: &'scope Scope<'scope, '_>,
        pass: &impl Pass<'r>,
        ahead: &'a Ahead,
    ) -> Self
    where
        'a: 'scope,
    {
        let Runner { options, clock, .. } = *pass.runner();
        let (jobs, queue) = sync_channel::<Job>(window::limit(options));
        let (results, outcomes) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..options.threads.max(1) {
            let (queue, results) = (queue.clone(), results.clone());
            let mut work_on = pass.worker();
            let span = tracing::Span::current();
            let work = move || {
                let _entered = span.enter();
                // The lock is held while waiting: whoever has it gets the next batch.
                while let Some(job) = queue.lock().ok().and_then(|queue| queue.recv().ok()) {
                    let Job {
                        ticket,
                        feed,
                        budget,
                    } = job;
                    if !ahead.is_wanted(&ticket) {
                        continue;
                    }
                    let started = clock.now();
                    let result = {
                        let _timed = timed!("transform");
                        work_on(&feed, budget)
                    };
                    let outcome = Outcome {
                        ticket,
                        feed,
                        result,
                        took: Duration::from_millis(clock.now().since(started)),
                    };
                    if results.send(outcome).is_err() {
                        return;
                    }
                }
            };
            let builder = Builder::new().name(format!("godwit-transform-{number}"));
            let started = builder.stack_size(STACK_BYTES).spawn_scoped(scope, work);
            started.expect("a thread can be started");
        }
        let (mut read, budget, to) = (pass.reader(), pass.budget(), jobs.clone());
        let span = tracing::Span::current();
        let read = move || span.in_scope(|| ahead.run(&mut *read, &*budget, &to, &results));
        let started = Builder::new()
            .name("godwit-read".to_owned())
            .spawn_scoped(scope, read);
        started.expect("a thread can be started");
        Self {
            ahead,
            jobs,
            outcomes,
        }
    }
}

impl Drop for Threads<'_> {
    fn drop(&mut self) {
        self.ahead.close();
    }
}

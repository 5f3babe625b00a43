//! The threads that transform batches, each in a session of its own.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::Scope;

use super::feed::Feed;
use super::pipeline::Pass;
use super::transform::{Abort, Judged};
use super::{timed, window};

/// Native stack of a transforming thread: what wasm code may use, and ample room for the host's
/// own frames below it.
pub(super) const STACK_BYTES: usize = 8 << 20;

/// What a thread does to a batch of which so many items may fail.
pub(super) type Worker = dyn FnMut(&Feed, u64) -> Result<Judged, Abort> + Send;

/// A batch on its way to a thread.
pub(super) struct Job {
    pub number: u64,
    pub feed: Feed,
    pub budget: u64,
}

/// A batch on its way back.
pub(super) struct Outcome {
    pub number: u64,
    pub feed: Feed,
    pub result: Result<Judged, Abort>,
}

/// The threads that transform. They end when it is dropped.
pub(super) struct Threads {
    pub jobs: SyncSender<Job>,
    pub outcomes: Receiver<Outcome>,
}

impl Threads {
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>, pass: &impl Pass) -> Self {
        let options = pass.runner().options;
        let (jobs, queue) = sync_channel::<Job>(window::limit(options));
        let (results, outcomes) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..options.threads.max(1) {
            let (queue, results) = (queue.clone(), results.clone());
            let mut work_on = pass.worker();
            let work = move || {
                // The lock is held while waiting: whoever has it gets the next batch.
                while let Some(job) = queue.lock().ok().and_then(|queue| queue.recv().ok()) {
                    let Job {
                        number,
                        feed,
                        budget,
                    } = job;
                    let result = {
                        let _timed = timed!("transform");
                        work_on(&feed, budget)
                    };
                    if results
                        .send(Outcome {
                            number,
                            feed,
                            result,
                        })
                        .is_err()
                    {
                        return;
                    }
                }
            };
            std::thread::Builder::new()
                .name(format!("godwit-transform-{number}"))
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, work)
                .expect("a thread can be started");
        }
        Self { jobs, outcomes }
    }
}

//! Threads that put batches through steps, for work that has no pass of its own.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::catch_up::{Ladder, Moment};
use super::chain::Chain;
use super::options::Options;
use super::threads::STACK_BYTES;
use super::transform::{Abort, Judged};
use crate::model::{Batch, Version};

/// Each thread keeps the instances of so many ladders.
const KEPT: usize = 8;

/// Threads that wait for batches, each with instances of its own that it keeps from one to the next. They end when it is
/// dropped.
///
/// ```
/// use godwit::run::{Crew, Options};
///
/// let options = Options { threads: 4, ..Options::default() };
/// let crew = Crew::of(&options, 3);
/// assert_eq!(format!("{crew:?}"), "Crew { threads: 4, .. }");
/// ```
pub struct Crew {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// A batch on its way up.
pub(super) struct Job {
    pub ladder: Arc<Ladder>,
    /// The version of its items.
    pub version: Version,
    pub batch: Batch,
    pub moment: Moment,
    /// Its place among those that are waited for.
    pub place: usize,
    pub reply: Sender<(usize, Passed)>,
    /// Whom what is traced belongs to.
    pub span: tracing::Span,
}

/// What a thread made of a batch, or which step gave it up and why.
pub(super) type Passed = Result<Judged, (usize, Abort)>;

impl Crew {
    /// So many threads, one at least.
    ///
    /// ```
    /// use godwit::run::Crew;
    ///
    /// assert_eq!(format!("{:?}", Crew::new(0)), "Crew { threads: 1, .. }");
    /// ```
    ///
    /// # Panics
    /// When the system starts no thread.
    pub fn new(threads: usize) -> Self {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let start = |number| {
            let queue = queue.clone();
            let builder = Builder::new().name(format!("godwit-catch-up-{number}"));
            let started = builder.stack_size(STACK_BYTES).spawn(move || work(&queue));
            started.expect("a thread can be started")
        };
        Self {
            jobs: Some(jobs),
            threads: (0..threads.max(1)).map(start).collect(),
        }
    }

    /// As many threads as are worth it for so many steps: there are no more instances in all than of as many steps as a run
    /// carries out in one pass, or one of each.
    ///
    /// ```
    /// use godwit::run::{Crew, Options};
    ///
    /// let options = Options { threads: 4, fused_steps: 8, ..Options::default() };
    /// let crew = Crew::of(&options, 16);
    /// assert_eq!(format!("{crew:?}"), "Crew { threads: 2, .. }");
    /// ```
    pub fn of(options: &Options, steps: usize) -> Self {
        let threads = options.threads.max(1);
        let instances = threads * options.fused_steps.max(1);
        Self::new((instances / steps.max(1)).clamp(1, threads))
    }

    /// How many threads there are.
    pub(super) fn len(&self) -> usize {
        self.threads.len()
    }

    /// Hands over a batch. Where there is nobody left to take it, its reply never comes: whoever waits for it sees that.
    pub(super) fn give(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // One that panicked has said so, and whoever waited for it knows.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crew")
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    // The one that was used last stands first.
    let mut kept: Vec<(Arc<Ladder>, Chain)> = Vec::new();
    // The lock is held while waiting: whoever has it gets the next batch.
    let next = || {
        let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.recv().ok()
    };
    while let Some(job) = next() {
        let _entered = job.span.enter();
        let known = kept
            .iter()
            .position(|(ladder, _)| Arc::ptr_eq(ladder, &job.ladder));
        let entry = match known {
            Some(place) => kept.remove(place),
            None => (job.ladder.clone(), job.ladder.chain()),
        };
        kept.insert(0, entry);
        kept.truncate(KEPT);
        let (ladder, chain) = &mut kept[0];
        chain.tell(|number| ladder.context(number, &job.version, job.moment));
        let passed = chain.transform_from(&job.version, &job.batch);
        // Whoever waits for it may have given up.
        let _ = job.reply.send((job.place, passed));
    }
}

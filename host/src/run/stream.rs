//! Items that lie in no store: they come from somewhere, are transformed, and go on in the same order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::Control;
use super::judge::{Failed, Verdict};
use super::threads::STACK_BYTES;
use super::transform::{Abort, Judged, Transformer};
use super::view::Grants;
use crate::model::{Batch, FailureKind, Mode, Name, Step, StepWork};
use crate::sandbox::{Call, Component, Context, LoadError, LogLine};
use crate::store::{Store, StoreError};

/// How many batches are in flight for each thread.
const AHEAD: usize = 2;

/// A step that items are passed through.
///
/// ```
/// # fn example(
/// #     component: godwit::sandbox::Component,
/// #     documents: godwit::store::Store,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// use std::ops::ControlFlow;
/// use godwit::model::Batch;
/// use godwit::run::{Control, Stream};
/// use godwit::sandbox::Context;
///
/// let (descriptor, control) = (component.describe()?, Control::default());
/// let step = &descriptor.steps[0];
/// let stream = Stream::new(&component, step, documents, Context::default(), 4, &control)?;
/// let mut batch = Batch::default();
/// batch.push("first", br#"{"title": "hello"}"#);
/// stream.pass(std::iter::once(batch), &mut |passed| {
///     println!("{:?}", passed.became);
///     ControlFlow::Continue(())
/// })?;
/// # Ok(())
/// # }
/// ```
pub struct Stream {
    transforming: Transforming,
    threads: usize,
}

/// What every thread needs.
#[derive(Clone)]
struct Transforming {
    component: Component,
    call: Call,
    documents: Store,
    step: Name,
    context: Context,
    grants: Arc<Grants>,
    control: Control,
}

/// A batch that was passed through.
///
/// ```
/// use godwit::model::Batch;
/// use godwit::run::{Became, Passed};
///
/// let mut batch = Batch::default();
/// batch.push("first", b"{}");
/// let passed = Passed { batch, became: vec![Became::Unchanged], log: Vec::new(), log_dropped: 0 };
/// for ((id, body), became) in passed.batch.iter().zip(&passed.became) {
///     println!("{id}, of {} bytes: {became:?}", body.len());
///     assert_eq!(*became, Became::Unchanged);
/// }
/// ```
#[derive(Debug)]
pub struct Passed {
    /// The items as they came.
    pub batch: Batch,
    /// What became of each.
    pub became: Vec<Became>,
    /// What the migration wrote for the operator.
    pub log: Vec<LogLine>,
    /// How many further lines were dropped.
    pub log_dropped: u64,
}

/// What became of an item.
///
/// ```
/// use godwit::model::FailureKind;
/// use godwit::run::Became;
///
/// let became = Became::Failed { kind: FailureKind::Refused, reason: "it has no title".to_owned() };
/// let text = match &became {
///     Became::Unchanged => "as it was".to_owned(),
///     Became::Updated(body) => format!("{} bytes", body.len()),
///     Became::Removed => "gone".to_owned(),
///     Became::Failed { kind, reason } => format!("{kind}: {reason}"),
/// };
/// assert_eq!(text, "refused: it has no title");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It says what it said before.
    Unchanged,
    /// It has a new body.
    Updated(Bytes),
    /// It is removed.
    Removed,
    /// It failed.
    Failed {
        /// In which way.
        kind: FailureKind,
        /// What was said.
        reason: String,
    },
}

/// A way in which items cannot be passed through a step.
///
/// ```
/// use godwit::run::StreamError;
///
/// let error = StreamError::Schema("ensure-index-1".parse()?);
/// assert_eq!(error.to_string(), "the step `ensure-index-1` is fed no items");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Occurs when a step does not change what it is fed.
    #[error("the step `{0}` derives: what it does goes to other collections, not to its items")]
    Derives(Name),
    /// Occurs when a step asks to write documents, for which there is no store.
    #[error("the step `{0}` writes documents, and there is no store to keep them")]
    Writes(Name),
    /// Occurs when a step is carried out by the engine itself.
    #[error("the step `{0}` is fed no items")]
    Schema(Name),
    /// Occurs when the component cannot be instantiated.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Occurs when the documents that it reads cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Stream {
    /// A way through a step of a component. `documents` are what it may read, if it asks for them.
    ///
    /// # Errors
    /// [`StreamError`] when the step does not make new items of old ones.
    pub fn new(
        component: &Component,
        step: &Step,
        documents: Store,
        context: Context,
        threads: usize,
        control: &Control,
    ) -> Result<Self, StreamError> {
        let StepWork::Transform {
            mode,
            collection,
            reads,
            writes,
        } = &step.work
        else {
            return Err(StreamError::Schema(step.name.clone()));
        };
        if *mode == Mode::Derive {
            return Err(StreamError::Derives(step.name.clone()));
        }
        if !writes.is_empty() {
            return Err(StreamError::Writes(step.name.clone()));
        }
        let grants = Grants {
            reads: reads.iter().cloned().collect(),
            ..Grants::pure(*mode, collection, component.limits())
        };
        Ok(Self {
            transforming: Transforming {
                component: component.clone(),
                call: Call::Migrate,
                documents,
                step: step.name.clone(),
                context,
                grants: Arc::new(grants),
                control: control.clone(),
            },
            threads: threads.max(1),
        })
    }

    /// The same for the component's `verify`: what is right comes back unchanged, everything else as failed. It may read
    /// the collections named.
    ///
    /// # Errors
    /// [`StreamError`] when the step is fed no items.
    pub(crate) fn verifying(
        component: &Component,
        step: &Step,
        reads: BTreeSet<Name>,
        documents: Store,
        context: Context,
        threads: usize,
        control: &Control,
    ) -> Result<Self, StreamError> {
        let StepWork::Transform { collection, .. } = &step.work else {
            return Err(StreamError::Schema(step.name.clone()));
        };
        let grants = Grants {
            reads,
            ..Grants::pure(Mode::Derive, collection, component.limits())
        };
        Ok(Self {
            transforming: Transforming {
                component: component.clone(),
                call: Call::Verify,
                documents,
                step: step.name.clone(),
                context,
                grants: Arc::new(grants),
                control: control.clone(),
            },
            threads: threads.max(1),
        })
    }

    /// Passes batches through, and hands them on in the order in which they came, until there are no more
    /// or `sink` breaks. Batches are taken on a thread of its own, a few ahead; it ends with the next
    /// batch that comes.
    ///
    /// # Errors
    /// [`StreamError`] when the component cannot be instantiated or documents cannot be read.
    pub fn pass(
        &self,
        source: impl Iterator<Item = Batch> + Send + 'static,
        sink: &mut dyn FnMut(Passed) -> ControlFlow<()>,
    ) -> Result<(), StreamError> {
        let (results, tickets) = self.start(source);
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (number, batch, result) in results {
            waiting.insert(number, (batch, result));
            while let Some((batch, result)) = waiting.remove(&next) {
                next += 1;
                let judged = match result {
                    Ok(judged) => judged,
                    Err(Abort::Load(error)) => return Err(error.into()),
                    Err(Abort::Store(error)) => return Err(error.into()),
                    // There is no limit to how many may fail, and one step only.
                    Err(Abort::Stopped | Abort::TooManyFailures { .. } | Abort::Unfit(_)) => {
                        return Ok(());
                    }
                };
                if sink(passed(batch, judged)).is_break() {
                    return Ok(());
                }
                // Whoever reads may have gone on to the end.
                let _ = tickets.send(());
            }
            if self.transforming.control.is_stopped() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Starts the threads. As many batches are in flight as there are tickets: what is slow to come back
    /// holds up what is read, not memory.
    fn start(&self, source: impl Iterator<Item = Batch> + Send + 'static) -> Started {
        let flight = self.threads * AHEAD;
        let (tickets, has_ticket) = sync_channel(flight);
        for _ in 0..flight {
            tickets.send(()).expect("there is room for all of them");
        }
        let (jobs, queue) = sync_channel(flight);
        let (outcomes, results) = channel();
        spawn("godwit-read", move || {
            let mut source = (0..).zip(source);
            while has_ticket.recv().is_ok() {
                let Some(job) = source.next() else { return };
                if jobs.send(job).is_err() {
                    return;
                }
            }
        });
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..self.threads {
            let (queue, outcomes) = (queue.clone(), outcomes.clone());
            let mut transformer = self.transforming.transformer();
            spawn("godwit-transform", move || {
                while let Some((number, batch)) =
                    queue.lock().ok().and_then(|queue| queue.recv().ok())
                {
                    let result = whole(&mut transformer, &batch);
                    if outcomes.send((number, batch, result)).is_err() {
                        return;
                    }
                }
            });
        }
        (results, tickets)
    }
}

/// A batch with its number, on its way back.
type Outcome = (u64, Batch, Result<Judged, Abort>);
type Started = (Receiver<Outcome>, SyncSender<()>);

/// Transforms a batch to its end, in parts where it holds too much for one.
fn whole(transformer: &mut Transformer, batch: &Batch) -> Result<Judged, Abort> {
    let mut judged = transformer.transform(batch, &[], u64::MAX)?;
    while judged.verdicts.len() < batch.len() {
        let rest = batch.slice(judged.verdicts.len()..batch.len());
        let more = transformer.transform(&rest, &[], u64::MAX)?;
        judged.verdicts.extend(more.verdicts);
        judged.log.extend(more.log);
        judged.log_dropped += more.log_dropped;
    }
    Ok(judged)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .expect("a thread can be started");
}

impl Transforming {
    fn transformer(&self) -> Transformer {
        Transformer {
            call: self.call,
            ..Transformer::new(
                &self.component,
                &self.step,
                &self.grants,
                &self.context,
                &self.documents,
                &self.control,
            )
        }
    }
}

fn passed(batch: Batch, judged: Judged) -> Passed {
    let became = judged.verdicts.into_iter().map(|verdict| match verdict {
        Verdict::Unchanged => Became::Unchanged,
        Verdict::Updated(body) => Became::Updated(body),
        Verdict::Removed => Became::Removed,
        Verdict::Failed(Failed { kind, reason }) => Became::Failed { kind, reason },
    });
    Passed {
        became: became.collect(),
        batch,
        log: judged.log,
        log_dropped: judged.log_dropped,
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("step", &self.transforming.step)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

//! Items that lie in no store yet through the steps that they are behind by.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use bytes::Bytes;

use super::chain::{Chain, MayFail};
use super::control::LEASE_CHECK;
use super::judge::{Failed, Verdict};
use super::runner::opaque;
use super::threads::STACK_BYTES;
use super::transform::{Abort, Judged, Transformer};
use super::view::Grants;
use super::{Control, Options, RunError};
use crate::model::{Batch, FailureKind, Mode, Name, Timestamp, Version};
use crate::sandbox::{Component, Context};
use crate::store::{Store, StoreError};

/// So few items are not worth a thread of their own.
const LEAST_ITEMS: usize = 16;

/// Puts items through rewrite steps over their collection that see nothing else: those of the versions above their own, one
/// behind the other. It does so in memory, on several threads; items that fail are narrowed down as in a run.
pub struct CatchUp {
    app: Name,
    steps: Vec<CatchUpStep>,
    /// One for each thread.
    chains: Mutex<Vec<Chain>>,
}

/// A step that items may be behind by.
#[derive(Debug, Clone)]
pub struct CatchUpStep {
    /// The version that it leads to.
    pub version: Version,
    /// The version that the app had before.
    pub from: Option<Version>,
    /// Its name.
    pub name: Name,
    /// What it is carried out by.
    pub component: Component,
}

/// What a migration is told of the work that it is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// When it was first started.
    pub started_at: Timestamp,
    /// A number of 53 bits.
    pub seed: u64,
}

/// What became of an item on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaughtUp {
    /// No step changed it.
    Unchanged,
    /// It has a new body.
    Updated {
        /// The version of the last step that changed it.
        version: Version,
        /// The body.
        body: Bytes,
    },
    /// A step removed it.
    Removed,
    /// A step failed it; what the steps before made of it is dropped.
    Failed {
        /// The version that the step leads to.
        version: Version,
        /// The step.
        step: Name,
        /// In which way it failed.
        kind: FailureKind,
        /// What was said.
        reason: String,
    },
    /// Too much was made of the items before it: it was not carried through.
    Left,
}

impl CatchUp {
    /// A way through these steps, in order of their versions, of items of a collection of an app. A store is named for those
    /// components that ask for documents all the same; they are denied them.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn new(
        app: &Name,
        collection: &Name,
        steps: Vec<CatchUpStep>,
        store: &Store,
        options: &Options,
        control: &Control,
    ) -> Result<Self, StoreError> {
        let opaque = opaque(store)?;
        let context = Context {
            from_version: None,
            started_at: 0,
            seed: 0,
        };
        let link = |step: &CatchUpStep| {
            let grants = Grants {
                opaque: opaque.clone(),
                ..Grants::pure(Mode::Rewrite, collection, step.component.limits())
            };
            let grants = Arc::new(grants);
            let CatchUpStep {
                component, name, ..
            } = step;
            let transformer = Transformer::new(component, name, &grants, &context, store, control);
            (step.version.clone(), transformer)
        };
        let chain = |_| Chain::new(steps.iter().map(link), MayFail::Anything);
        let chains = (0..threads(options, steps.len())).map(chain).collect();
        Ok(Self {
            app: app.clone(),
            chains: Mutex::new(chains),
            steps,
        })
    }

    /// Puts items of one version through what is above it; gives what became of each, or nothing where it was asked to stop.
    /// `meanwhile` is called now and then.
    ///
    /// # Errors
    /// [`RunError`] when a component cannot be started, or what `meanwhile` says.
    pub fn pass(
        &self,
        version: &Version,
        batch: &Batch,
        moment: Moment,
        meanwhile: &mut dyn FnMut() -> Result<(), RunError>,
    ) -> Result<Option<Vec<CaughtUp>>, RunError> {
        if self.steps.iter().all(|step| step.version <= *version) {
            return Ok(Some(vec![CaughtUp::Unchanged; batch.len()]));
        }
        let mut chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        let size = batch.len().div_ceil(chains.len()).max(LEAST_ITEMS);
        let parts = (0..batch.len()).step_by(size);
        let parts: Vec<Batch> = parts
            .map(|start| batch.slice(start..batch.len().min(start + size)))
            .collect();
        let mut results: Vec<Option<Passed>> = parts.iter().map(|_| None).collect();
        std::thread::scope(|scope| {
            let (sender, finished) = channel();
            for ((place, part), chain) in parts.iter().enumerate().zip(&mut *chains) {
                chain.tell(|number| self.context(number, version, moment));
                let sender = sender.clone();
                let work = move || {
                    // Whoever waits for it may have given up.
                    let _ = sender.send((place, chain.transform_from(version, part)));
                };
                let builder = Builder::new().name(format!("godwit-catch-up-{place}"));
                let started = builder.stack_size(STACK_BYTES).spawn_scoped(scope, work);
                started.expect("a thread can be started");
            }
            drop(sender);
            loop {
                match finished.recv_timeout(LEASE_CHECK) {
                    Ok((place, result)) => results[place] = Some(result),
                    Err(RecvTimeoutError::Timeout) => meanwhile()?,
                    Err(RecvTimeoutError::Disconnected) => return Ok::<_, RunError>(()),
                }
            }
        })?;
        let mut became = Vec::with_capacity(batch.len());
        for (part, result) in parts.iter().zip(results) {
            let judged = match result.expect("its thread has ended") {
                Ok(judged) => judged,
                Err((_, Abort::Stopped)) => return Ok(None),
                Err((number, abort)) => return Err(self.error(number, abort)),
            };
            became.extend(self.told(part.len(), judged));
        }
        Ok(Some(became))
    }

    fn context(&self, number: usize, version: &Version, moment: Moment) -> Context {
        Context {
            from_version: Some(version).max(self.steps[number].from.as_ref()).cloned(),
            started_at: moment.started_at.0,
            seed: moment.seed,
        }
    }

    fn told(&self, items: usize, judged: Judged) -> impl Iterator<Item = CaughtUp> {
        for (step, link) in self.steps.iter().zip(&judged.links) {
            for line in &link.log {
                tracing::info!(app = %self.app, version = %step.version, step = %step.name, "{line}");
            }
        }
        let left = items - judged.verdicts.len();
        let verdicts = judged.verdicts.into_iter().zip(judged.changed_by);
        let became = verdicts.map(|(verdict, number)| match verdict {
            Verdict::Unchanged => CaughtUp::Unchanged,
            Verdict::Updated(body) => CaughtUp::Updated {
                version: self.steps[number].version.clone(),
                body,
            },
            Verdict::Removed => CaughtUp::Removed,
            Verdict::Failed(Failed { kind, reason }) => CaughtUp::Failed {
                version: self.steps[number].version.clone(),
                step: self.steps[number].name.clone(),
                kind,
                reason,
            },
        });
        became.chain(std::iter::repeat_n(CaughtUp::Left, left))
    }

    fn error(&self, number: usize, abort: Abort) -> RunError {
        match abort {
            Abort::Store(error) => RunError::Store(error),
            Abort::Load(source) => RunError::Load {
                app: self.app.clone(),
                version: self.steps[number].version.clone(),
                source,
            },
            abort => RunError::Worker(format!("a batch was given up: {abort:?}")),
        }
    }
}

/// What a thread made of its part.
type Passed = Result<Judged, (usize, Abort)>;

/// On how many threads: there are no more instances in all than of as many steps as a run carries out in one pass, or one
/// of each.
fn threads(options: &Options, steps: usize) -> usize {
    let instances = options.threads.max(1) * options.fused_steps.max(1);
    (instances / steps.max(1)).clamp(1, options.threads.max(1))
}

impl std::fmt::Debug for CatchUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CatchUp")
            .field("app", &self.app)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

//! Items through the steps that they are behind by, in memory.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};

use bytes::Bytes;

use super::chain::{Chain, MayFail};
use super::control::LEASE_CHECK;
use super::crew::{Crew, Job, Passed};
use super::judge::{Failed, Verdict};
use super::transform::{Abort, Judged, Transformer};
use super::view::{Bodies, Grants};
use super::{Control, RunError};
use crate::model::{Batch, FailureKind, Mode, Name, Timestamp, Version};
use crate::sandbox::{Component, Context};
use crate::store::{Store, StoreError};

/// So few items are not worth a thread of their own.
const LEAST_ITEMS: usize = 16;

/// Puts items through rewrite steps over their collection that see nothing else: those of the versions above their own, one
/// behind the other. It does so in memory, on several threads; items that fail are narrowed down as in a run.
///
/// ```
/// use std::sync::Arc;
/// use godwit::model::{Batch, Name, Timestamp, Version};
/// use godwit::run::{CatchUp, CaughtUp, Control, Crew, Moment};
/// # use godwit::store::{Memory, Store};
///
/// # let store = Store::new(Arc::new(Memory::new()))?;
/// let notes: Name = "notes".parse()?;
/// let (steps, crew) = (Vec::new(), Arc::new(Crew::new(2)));
/// let way = CatchUp::new(&notes, &notes, steps, &store, &Control::default(), crew)?;
/// let mut batch = Batch::default();
/// batch.push("first", b"{}");
/// let moment = Moment { started_at: Timestamp(0), seed: 42 };
/// let became = way.pass(&Version::new(1, 0, 0), &batch, moment, &mut || Ok(()))?;
/// assert_eq!(became, Some(vec![CaughtUp::Unchanged]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct CatchUp {
    ladder: Arc<Ladder>,
    crew: Arc<Crew>,
}

/// The steps, and what instances of their components are made of.
pub(super) struct Ladder {
    app: Name,
    collection: Name,
    steps: Vec<CatchUpStep>,
    /// Collections whose bodies are not what they are elsewhere.
    bodies: Bodies,
    store: Store,
    control: Control,
}

/// A step that items may be behind by.
///
/// ```
/// # fn example(component: godwit::sandbox::Component) -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::run::CatchUpStep;
///
/// let step = CatchUpStep {
///     version: "2.0.0".parse()?,
///     from: Some("1.0.0".parse()?),
///     name: "rename-title".parse()?,
///     component,
/// };
/// assert!(step.from.as_ref() < Some(&step.version));
/// # Ok(())
/// # }
/// ```
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
///
/// ```
/// use godwit::model::Timestamp;
/// use godwit::run::Moment;
///
/// let moment = Moment { started_at: Timestamp(1_700_000_000_000), seed: 42 };
/// assert!(moment.seed < 1 << 53);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// When it was first started.
    pub started_at: Timestamp,
    /// A number of 53 bits.
    pub seed: u64,
}

/// What became of an item on its way.
///
/// ```
/// use godwit::run::CaughtUp;
///
/// let became = CaughtUp::Updated { version: "2.0.0".parse()?, body: "{}".into() };
/// let new = match &became {
///     CaughtUp::Updated { body, .. } => Some(&body[..]),
///     CaughtUp::Unchanged | CaughtUp::Removed | CaughtUp::Failed { .. } | CaughtUp::Left => None,
/// };
/// assert_eq!(new, Some(&b"{}"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

impl Ladder {
    /// Instances of all steps, for one thread.
    pub(super) fn chain(&self) -> Chain {
        let context = Context {
            from_version: None,
            started_at: 0,
            seed: 0,
        };
        let link = |step: &CatchUpStep| {
            let CatchUpStep {
                component, name, ..
            } = step;
            let grants = Grants {
                bodies: self.bodies.clone(),
                ..Grants::pure(Mode::Rewrite, &self.collection, component.limits())
            };
            let (store, control) = (&self.store, &self.control);
            let grants = Arc::new(grants);
            let transformer = Transformer::new(component, name, &grants, &context, store, control);
            (step.version.clone(), transformer)
        };
        Chain::new(self.steps.iter().map(link), MayFail::Anything)
    }

    /// What a step is told of the work that it is part of.
    pub(super) fn context(&self, number: usize, version: &Version, moment: Moment) -> Context {
        Context {
            from_version: Some(version).max(self.steps[number].from.as_ref()).cloned(),
            started_at: moment.started_at.0,
            seed: moment.seed,
        }
    }

    fn told(&self, items: usize, judged: Judged) -> impl Iterator<Item = CaughtUp> {
        for (step, link) in self.steps.iter().zip(&judged.links) {
            for line in &link.log {
                tracing::debug!(app = %self.app, version = %step.version, step = %step.name, "{line}");
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

impl CatchUp {
    /// A way through these steps, in order of their versions, of items of a collection of an app, on the threads of a crew. A
    /// store is named for those components that ask for documents all the same; they are denied them.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn new(
        app: &Name,
        collection: &Name,
        steps: Vec<CatchUpStep>,
        store: &Store,
        control: &Control,
        crew: Arc<Crew>,
    ) -> Result<Self, StoreError> {
        let ladder = Ladder {
            app: app.clone(),
            collection: collection.clone(),
            bodies: Bodies::of(store)?,
            store: store.clone(),
            control: control.clone(),
            steps,
        };
        let ladder = Arc::new(ladder);
        Ok(Self { ladder, crew })
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
        if self
            .ladder
            .steps
            .iter()
            .all(|step| step.version <= *version)
        {
            return Ok(Some(vec![CaughtUp::Unchanged; batch.len()]));
        }
        let size = batch.len().div_ceil(self.crew.len()).max(LEAST_ITEMS);
        let parts = (0..batch.len()).step_by(size);
        let parts = parts.map(|start| start..batch.len().min(start + size));
        let (reply, replies) = channel();
        let mut sizes = Vec::new();
        for (place, part) in parts.enumerate() {
            sizes.push(part.len());
            self.crew.give(Job {
                ladder: self.ladder.clone(),
                version: version.clone(),
                batch: batch.slice(part),
                moment,
                place,
                reply: reply.clone(),
                span: tracing::Span::current(),
            });
        }
        drop(reply);
        let mut results: Vec<Option<Passed>> = sizes.iter().map(|_| None).collect();
        loop {
            match replies.recv_timeout(LEASE_CHECK) {
                Ok((place, result)) => results[place] = Some(result),
                Err(RecvTimeoutError::Timeout) => meanwhile()?,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let mut became = Vec::with_capacity(batch.len());
        for (size, result) in sizes.into_iter().zip(results) {
            let ended = || RunError::Worker("its thread ended".to_owned());
            let judged = match result.ok_or_else(ended)? {
                Ok(judged) => judged,
                Err((_, Abort::Stopped)) => return Ok(None),
                Err((number, abort)) => return Err(self.ladder.error(number, abort)),
            };
            became.extend(self.ladder.told(size, judged));
        }
        Ok(Some(became))
    }
}

impl std::fmt::Debug for Ladder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ladder")
            .field("app", &self.app)
            .field("collection", &self.collection)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

//! Items of older versions, brought up to their collection before they are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::batch::{Batch, Form, Pending};
use super::place::Place;
use super::target::Target;
use super::{ImportError, ImportSettings};
use crate::model::{self, Name, Version};
use crate::run::{CaughtUp, Moment, OnFailure, RunError};

/// What brings items of older versions up to the level of their collection before they are written.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// use godwit::model::{Batch, Timestamp, Version};
/// use godwit::run::{CaughtUp, Control, Moment};
/// use godwit::transfer::WayIn;
///
/// let way = host.way_in(&notes, &notes, &Control::default())?.ok_or("it has no version")?;
/// let old = Version::new(0, 9, 0);
/// assert!(way.hurdle(&old).is_none());
/// let mut items = Batch::default();
/// items.push("first", b"{}");
/// let moment = Moment { started_at: Timestamp(0), seed: 42 };
/// let became = way.bring_up(&old, &items, moment, &mut || Ok(()))?;
/// assert_eq!(became, Some(vec![CaughtUp::Unchanged]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait WayIn {
    /// What keeps items of a version from it; `None`: nothing.
    fn hurdle(&self, from: &Version) -> Option<Arc<Hurdle>>;

    /// Brings items of one version up; gives what became of each, or nothing where it was asked to stop. `meanwhile` is called
    /// now and then.
    ///
    /// # Errors
    /// [`RunError`] when a migration cannot be started, or what `meanwhile` says.
    fn bring_up(
        &self,
        from: &Version,
        items: &model::Batch,
        moment: Moment,
        meanwhile: &mut dyn FnMut() -> Result<(), RunError>,
    ) -> Result<Option<Vec<CaughtUp>>, RunError>;
}

/// Why items wait for `godwit up` that could have been brought up on their way in.
///
/// ```
/// use godwit::transfer::Hurdle;
///
/// let hurdle = Hurdle {
///     version: "2.0.0".parse()?,
///     file: Some("notes-2.wasm".to_owned()),
///     reason: "its file is missing".to_owned(),
/// };
/// assert_eq!(hurdle.to_string(), "2.0.0 (notes-2.wasm): its file is missing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hurdle {
    /// The version whose migration they wait for.
    pub version: Version,
    /// Its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why, as in "its file is missing".
    pub reason: String,
}

impl std::fmt::Display for Hurdle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            version,
            file,
            reason,
        } = self;
        match file {
            Some(file) => write!(f, "{version} ({file}): {reason}"),
            None => write!(f, "{version}: {reason}"),
        }
    }
}

/// A hurdle, with how many items wait because of it.
///
/// ```
/// use godwit::transfer::{Hurdle, Waiting};
///
/// let reason = "its file is missing".to_owned();
/// let hurdle = Hurdle { version: "2.0.0".parse()?, file: None, reason };
/// let waiting = Waiting { hurdle, items: 3 };
/// let text = format!("{} items wait: {}", waiting.items, waiting.hurdle);
/// assert_eq!(text, "3 items wait: 2.0.0: its file is missing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The hurdle: of several on an item's way the first one.
    #[serde(flatten)]
    pub hurdle: Hurdle,
    /// How many items wait.
    pub items: u64,
}

impl Waiting {
    /// Notes in a list, which has each hurdle once, that more items wait.
    pub(super) fn add(list: &mut Vec<Self>, hurdle: &Hurdle, items: u64) {
        match list.iter_mut().find(|known| known.hurdle == *hurdle) {
            Some(known) => known.items += items,
            None => list.push(Self {
                hurdle: hurdle.clone(),
                items,
            }),
        }
    }
}

/// An item that failed a migration on its way in: it waits as it came.
///
/// ```
/// use godwit::transfer::FailedOnTheWay;
///
/// let failed = FailedOnTheWay {
///     line: 3,
///     id: "first".to_owned(),
///     version: "2.0.0".parse()?,
///     step: "rename-title".parse()?,
///     kind: "refused".to_owned(),
///     reason: "it has no title".to_owned(),
/// };
/// assert!(failed.to_string().starts_with("line 3: the item `first` fails step rename-title"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedOnTheWay {
    /// The number of its line.
    pub line: u64,
    /// Its id.
    pub id: String,
    /// The version whose migration it failed.
    pub version: Version,
    /// The step of it.
    pub step: Name,
    /// The name of a [`model::FailureKind`].
    pub kind: String,
    /// What was said.
    pub reason: String,
}

impl std::fmt::Display for FailedOnTheWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            line,
            id,
            version,
            step,
            kind,
            reason,
        } = self;
        let id = id.escape_debug();
        write!(
            f,
            "line {line}: the item `{id}` fails step {step} of {version}: {kind}: {reason}"
        )
    }
}

/// How many items went through migrations on their way in, and how many of them failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Tries {
    tried: u64,
    failed: u64,
}

impl std::ops::AddAssign for Tries {
    fn add_assign(&mut self, other: Self) {
        self.tried += other.tried;
        self.failed += other.failed;
    }
}

/// So many items are fed at first, and after others have failed: a migration that hangs is found out before it has cost its time
/// for many.
const FIRST: usize = 16;
/// So many are fed at once at most, for the same reason.
const MOST: usize = 256;
/// So many bytes are made of a batch and held before it is committed, but for what comes of a single line.
const HELD: usize = 16 << 20;

/// What has come of bringing up a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brought {
    /// Every item that is behind has its form.
    Everything,
    /// More would have to be held than is: the batch must become smaller, and nothing of this counts.
    TooMuch,
    /// It was asked to stop, and nothing of this counts.
    Stopped,
}

/// The way of a batch's items.
pub(super) struct Passage<'a> {
    pub way: &'a dyn WayIn,
    pub settings: &'a ImportSettings,
    pub target: &'a Target<'a>,
    pub moment: Moment,
    /// How those fared that came before.
    pub before: Tries,
}

impl Passage<'_> {
    /// Brings those items of a batch up that are behind their collection.
    ///
    /// An item that waits in the store as it comes is there already and is let be.
    pub fn bring_up(
        &self,
        places: &BTreeMap<String, Place>,
        batch: &mut Batch,
        meanwhile: &mut dyn FnMut() -> Result<(), RunError>,
    ) -> Result<Brought, ImportError> {
        let mut behind: BTreeMap<Version, Vec<usize>> = BTreeMap::new();
        for (index, item) in batch.items.iter().enumerate() {
            let is_behind = self.target.may_be_brought_up(&item.version);
            if is_behind && !places[&item.id].waits_as(batch, item) {
                behind.entry(item.version.clone()).or_default().push(index);
            }
        }
        let (mut most, mut held) = (FIRST, 0);
        for (from, mut items) in behind {
            if let Some(hurdle) = self.way.hurdle(&from) {
                for index in items {
                    batch.items[index].form = Form::Held(hurdle.clone());
                }
                continue;
            }
            while !items.is_empty() {
                let (round, rest) = next_round(batch, &items, most);
                let Some(left) = self.feed(&from, &round, batch, &mut held, meanwhile)? else {
                    return Ok(Brought::Stopped);
                };
                if held > HELD && batch.lines() > 1 {
                    return Ok(Brought::TooMuch);
                }
                let failed = self.check(&round, batch)?;
                most = if failed { FIRST } else { MOST.min(2 * most) };
                items = [left, rest].concat();
            }
        }
        Ok(Brought::Everything)
    }

    /// Feeds some items; gives those that are to be fed again, since too much was made of those before them, or nothing where it
    /// was asked to stop.
    fn feed(
        &self,
        from: &Version,
        round: &[usize],
        batch: &mut Batch,
        held: &mut usize,
        meanwhile: &mut dyn FnMut() -> Result<(), RunError>,
    ) -> Result<Option<Vec<usize>>, ImportError> {
        let mut fed = model::Batch::default();
        for index in round {
            let item = &batch.items[*index];
            fed.push(&item.id, batch.came(item));
        }
        let became = self.way.bring_up(from, &fed, self.moment, meanwhile);
        let Some(became) = became.map_err(ImportError::from)? else {
            return Ok(None);
        };
        let goes_on = became.iter().any(|became| *became != CaughtUp::Left);
        let mut left = Vec::new();
        for (index, became) in round.iter().zip(became) {
            if became == CaughtUp::Left && goes_on {
                left.push(*index);
                continue;
            }
            if let CaughtUp::Updated { body, .. } = &became {
                *held += body.len();
            }
            let item = &mut batch.items[*index];
            item.form = form(became, item, self.target);
            let failed = u64::from(matches!(item.form, Form::Failed(_)));
            batch.outcome.tries += Tries { tried: 1, failed };
        }
        Ok(Some(left))
    }

    /// Stops the import where more items have failed than may; gives whether some of these have.
    fn check(&self, round: &[usize], batch: &Batch) -> Result<bool, ImportError> {
        let failed = round
            .iter()
            .filter_map(|index| match &batch.items[*index].form {
                Form::Failed(failed) => Some(failed),
                _ => None,
            });
        let in_order: BTreeMap<_, _> = failed.map(|failed| (failed.line, failed)).collect();
        let (Some((_, first)), Some((_, last))) =
            (in_order.first_key_value(), in_order.last_key_value())
        else {
            return Ok(false);
        };
        if self.settings.on_failure == OnFailure::Stop {
            return Err(ImportError::ItemFailed((*first).clone()));
        }
        let mut tries = self.before;
        tries += batch.outcome.tries;
        let (Tries { tried, failed }, limit) = (tries, self.settings.max_failures);
        if limit.is_exceeded(failed, tried) {
            return Err(ImportError::TooManyFailures {
                failed,
                tried,
                limit,
                last: (*last).clone(),
            });
        }
        Ok(true)
    }
}

/// Those of some items that are fed at once, in order of their ids, each of which comes once; and the others.
fn next_round(batch: &Batch, items: &[usize], most: usize) -> (Vec<usize>, Vec<usize>) {
    let (mut round, mut rest) = (BTreeMap::new(), Vec::new());
    for index in items {
        let id = batch.items[*index].id.as_str();
        if round.len() == most || round.contains_key(id) {
            rest.push(*index);
        } else {
            round.insert(id, *index);
        }
    }
    (round.into_values().collect(), rest)
}

fn form(became: CaughtUp, item: &Pending, target: &Target<'_>) -> Form {
    match became {
        CaughtUp::Unchanged => Form::BroughtUp(None),
        CaughtUp::Updated { version, body } => Form::BroughtUp(Some((version, body))),
        CaughtUp::Removed => Form::Removed,
        CaughtUp::Failed {
            version,
            step,
            kind,
            reason,
        } => Form::Failed(Box::new(FailedOnTheWay {
            line: item.line,
            id: item.id.clone(),
            version,
            step,
            kind: kind.name().to_owned(),
            reason,
        })),
        CaughtUp::Left => Form::Held(Arc::new(target.too_much())),
    }
}

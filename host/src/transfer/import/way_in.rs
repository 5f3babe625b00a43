//! Items of older versions, brought up to their collection before they are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ImportError;
use super::batch::{Batch, Form, Pending};
use super::place::Place;
use super::target::Target;
use crate::model::{self, Name, Version};
use crate::run::{CaughtUp, Moment, RunError};

/// What brings items of older versions up to the level of their collection before they are written.
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

/// Brings those items of a batch up that are behind their collection; gives whether it came to the end, which it does not when
/// it is asked to stop: then nothing of the batch counts.
///
/// An item that waits in the store as it comes is there already and is let be.
pub(super) fn bring_up(
    way: &dyn WayIn,
    target: &Target<'_>,
    places: &BTreeMap<String, Place>,
    batch: &mut Batch,
    moment: Moment,
    meanwhile: &mut dyn FnMut() -> Result<(), RunError>,
) -> Result<bool, ImportError> {
    let mut behind: BTreeMap<Version, Vec<usize>> = BTreeMap::new();
    for (index, item) in batch.items.iter().enumerate() {
        if target.may_be_brought_up(&item.version) && !places[&item.id].waits_as(batch, item) {
            behind.entry(item.version.clone()).or_default().push(index);
        }
    }
    for (from, mut items) in behind {
        if let Some(hurdle) = way.hurdle(&from) {
            for index in items {
                batch.items[index].form = Form::Held(hurdle.clone());
            }
            continue;
        }
        while !items.is_empty() {
            let (round, rest) = next_round(batch, &items);
            items = rest;
            let mut fed = model::Batch::default();
            for index in &round {
                let item = &batch.items[*index];
                fed.push(&item.id, batch.came(item));
            }
            let became = way.bring_up(&from, &fed, moment, meanwhile);
            let Some(became) = became.map_err(ImportError::from)? else {
                return Ok(false);
            };
            for (index, became) in round.into_iter().zip(became) {
                let item = &mut batch.items[index];
                item.form = form(became, item, target);
            }
        }
    }
    Ok(true)
}

/// Those of some items that are fed at once, in order of their ids, each of which comes once; and the others.
fn next_round(batch: &Batch, items: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let (mut round, mut rest) = (BTreeMap::new(), Vec::new());
    for index in items {
        let id = batch.items[*index].id.as_str();
        if round.contains_key(id) {
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

//! A batch through the components of several steps, one behind the other.

use std::borrow::Cow;

use bytes::Bytes;

use super::feed::Feed;
use super::judge::{Failed, Verdict};
use super::transform::{Abort, Judged, Link, Transformer};
use crate::model::{Batch, Rules, Version};
use crate::sandbox::Context;
use crate::store::{ItemRecord, StoreError};

/// Feeds batches to several components on one thread. An item goes into the first step whose version is
/// above its own, and from there through all that follow.
pub(super) struct Chain {
    links: Vec<(Version, Transformer)>,
    may_fail: MayFail,
}

/// Which items of a batch may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MayFail {
    /// None: the chain gives up on a batch in which one does, or of which anything is left.
    Nothing,
    /// None: the chain stops at the first one that does, and names it.
    NothingNamed,
    /// Any: the others go on.
    Anything,
}

/// Where an item of a batch is.
struct Place {
    /// The first step that it is due for.
    enters_at: usize,
    /// Its body, once a step has changed it.
    body: Option<Bytes>,
    /// The rules that the body was held to.
    rules: Option<Rules>,
    /// The last step that changed it.
    changed_by: usize,
    is_removed: bool,
    /// Why it failed the step that `changed_by` tells.
    failed: Option<Failed>,
}

impl Place {
    fn new(enters_at: usize) -> Self {
        Self {
            enters_at,
            body: None,
            rules: None,
            changed_by: 0,
            is_removed: false,
            failed: None,
        }
    }
}

impl Chain {
    pub(super) fn new(
        links: impl Iterator<Item = (Version, Transformer)>,
        may_fail: MayFail,
    ) -> Self {
        Self {
            links: links.collect(),
            may_fail,
        }
    }

    /// Has the components told another thing of what goes on, by their places.
    pub(super) fn tell(&mut self, context: impl Fn(usize) -> Context) {
        for (number, (_, transformer)) in self.links.iter_mut().enumerate() {
            transformer.context = context(number);
        }
    }

    /// Transforms a batch, or says which step gave up on it: then none of it counts.
    pub(super) fn transform(&mut self, feed: &Feed) -> Result<Judged, Abort> {
        let places = self.places(feed).map_err(Abort::Store)?;
        let judged = self.carry(&feed.batch, places);
        judged.map_err(|(number, abort)| match abort {
            Abort::Store(_) | Abort::Stopped => abort,
            _ => Abort::Unfit(number),
        })
    }

    /// Transforms a batch whose items all have this version, or says which step gave up on it, and why. There is no verdict
    /// on the last ones where the others leave as much behind as one call may.
    pub(super) fn transform_from(
        &mut self,
        version: &Version,
        batch: &Batch,
    ) -> Result<Judged, (usize, Abort)> {
        self.carry_all(batch, self.entrance(version))
    }

    /// The same with items that are all due for the first step.
    pub(super) fn transform_all(&mut self, batch: &Batch) -> Result<Judged, (usize, Abort)> {
        self.carry_all(batch, 0)
    }

    fn carry_all(&mut self, batch: &Batch, enters_at: usize) -> Result<Judged, (usize, Abort)> {
        let places = (0..batch.len()).map(|_| Place::new(enters_at));
        self.carry(batch, places.collect())
    }

    fn carry(&mut self, batch: &Batch, mut places: Vec<Place>) -> Result<Judged, (usize, Abort)> {
        let mut links = Vec::new();
        for (number, (_, transformer)) in self.links.iter_mut().enumerate() {
            let link = pass(transformer, number, batch, &mut places, self.may_fail);
            links.push(link.map_err(|abort| (number, abort))?);
        }
        let changed_by = places.iter().map(|place| place.changed_by).collect();
        let verdicts = places
            .into_iter()
            .map(|place| match (place.failed, place.body) {
                _ if place.is_removed => Verdict::Removed,
                (Some(failed), _) => Verdict::Failed(failed),
                (None, Some(body)) => Verdict::Updated(body),
                (None, None) => Verdict::Unchanged,
            });
        Ok(Judged {
            verdicts: verdicts.collect(),
            changed_by,
            links,
            ..Judged::default()
        })
    }

    /// The place of the first step that items of a version are due for.
    fn entrance(&self, stamp: &Version) -> usize {
        let due = self.links.iter().position(|(version, _)| stamp < version);
        due.unwrap_or(self.links.len())
    }

    fn places(&self, feed: &Feed) -> Result<Vec<Place>, StoreError> {
        let mut places: Vec<Place> = Vec::with_capacity(feed.headers.len());
        for (index, header) in feed.headers.iter().enumerate() {
            // Items of a batch mostly have the same version.
            let same = index
                .checked_sub(1)
                .filter(|before| feed.headers[*before] == *header);
            let enters_at = match same {
                Some(before) => places[before].enters_at,
                None => self.entrance(&ItemRecord::parse(header)?.stamp()?),
            };
            places.push(Place::new(enters_at));
        }
        Ok(places)
    }
}

/// The items at some places of a batch, with their new bodies if they have any. It is the batch itself where that comes to
/// the same, so that nothing is copied.
fn batch_of<'b, 'n>(
    batch: &'b Batch,
    places: &[usize],
    new: impl Fn(usize) -> Option<&'n [u8]>,
) -> Cow<'b, Batch> {
    if places.len() == batch.len() && places.iter().all(|index| new(*index).is_none()) {
        return Cow::Borrowed(batch);
    }
    let mut made = Batch::default();
    for index in places {
        let body = new(*index).unwrap_or_else(|| batch.body(*index));
        made.push(batch.id(*index), body);
    }
    Cow::Owned(made)
}

/// Takes those whose turn it is through one step.
fn pass(
    transformer: &mut Transformer,
    number: usize,
    batch: &Batch,
    places: &mut Vec<Place>,
    may_fail: MayFail,
) -> Result<Link, Abort> {
    let is_fed =
        |place: &Place| place.enters_at <= number && !place.is_removed && place.failed.is_none();
    let fed: Vec<usize> = (0..places.len())
        .filter(|index| is_fed(&places[*index]))
        .collect();
    let mut link = Link::default();
    if fed.is_empty() {
        return Ok(link);
    }
    let is_sound = |index: &usize| places[*index].rules == Some(transformer.grants.json);
    let sound: Vec<bool> = fed.iter().map(is_sound).collect();
    let batch = batch_of(batch, &fed, |index| places[index].body.as_deref());
    let budget = match may_fail {
        MayFail::Nothing | MayFail::NothingNamed => 0,
        MayFail::Anything => u64::MAX,
    };
    let judged = transformer.transform(&batch, &sound, budget);
    let judged = judged.map_err(|abort| match abort {
        Abort::TooManyFailures { failed, place, why } => Abort::TooManyFailures {
            failed,
            place: fed[place],
            why,
        },
        abort => abort,
    })?;
    if let Some(left) = fed.get(judged.verdicts.len()) {
        if may_fail == MayFail::Nothing {
            return Err(Abort::Unfit(number));
        }
        places.truncate(*left);
    }
    link.counts.read = judged.verdicts.len() as u64;
    link.counts.bytes = batch.bodies.len() as u64;
    for (index, verdict) in fed.into_iter().zip(judged.verdicts) {
        let place = &mut places[index];
        match verdict {
            Verdict::Unchanged => link.counts.unchanged += 1,
            Verdict::Updated(body) => {
                link.counts.updated += 1;
                (place.body, place.changed_by) = (Some(body), number);
                place.rules = Some(transformer.grants.json);
            }
            Verdict::Removed => {
                link.counts.removed += 1;
                place.is_removed = true;
            }
            Verdict::Failed(_) if may_fail == MayFail::Nothing => {
                return Err(Abort::Unfit(number));
            }
            Verdict::Failed(failed) => {
                link.counts.failed += 1;
                (place.failed, place.changed_by) = (Some(failed), number);
            }
        }
    }
    (link.log, link.log_dropped) = (judged.log, judged.log_dropped);
    link.denied = judged.denied;
    Ok(link)
}

//! A batch through the components of several steps, one behind the other.

use std::borrow::Cow;

use bytes::Bytes;

use super::feed::Feed;
use super::judge::Verdict;
use super::transform::{Abort, Judged, Link, Transformer};
use crate::model::{Batch, Rules, Version};
use crate::store::{ItemRecord, StoreError};

/// Feeds batches to several components on one thread. An item goes into the first step whose version is
/// above its own, and from there through all that follow.
pub(super) struct Chain(Vec<(Version, Transformer)>);

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
}

impl Chain {
    pub(super) fn new(links: impl Iterator<Item = (Version, Transformer)>) -> Self {
        Self(links.collect())
    }

    /// Transforms a batch, or says which step gave up on it: then none of it counts.
    pub(super) fn transform(&mut self, feed: &Feed) -> Result<Judged, Abort> {
        let mut places = self.places(feed).map_err(Abort::Store)?;
        let mut links = Vec::new();
        for (number, (_, transformer)) in self.0.iter_mut().enumerate() {
            let link = pass(transformer, number, feed, &mut places);
            links.push(link.map_err(|abort| match abort {
                Abort::Store(_) | Abort::Stopped => abort,
                _ => Abort::Unfit(number),
            })?);
        }
        let changed_by = places.iter().map(|place| place.changed_by).collect();
        let verdicts = places.into_iter().map(|place| match place.body {
            _ if place.is_removed => Verdict::Removed,
            Some(body) => Verdict::Updated(body),
            None => Verdict::Unchanged,
        });
        Ok(Judged {
            verdicts: verdicts.collect(),
            changed_by,
            links,
            ..Judged::default()
        })
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
                None => {
                    let stamp = ItemRecord::parse(header)?.stamp()?;
                    let due = self.0.iter().position(|(version, _)| stamp < *version);
                    due.unwrap_or(self.0.len())
                }
            };
            places.push(Place {
                enters_at,
                body: None,
                rules: None,
                changed_by: 0,
                is_removed: false,
            });
        }
        Ok(places)
    }
}

/// The items at some places of a batch, with their new bodies if they have any. It is the batch itself where that comes to
/// the same, so that nothing is copied.
pub(super) fn batch_of<'b, 'n>(
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
    feed: &Feed,
    places: &mut [Place],
) -> Result<Link, Abort> {
    let is_fed = |place: &Place| place.enters_at <= number && !place.is_removed;
    let fed: Vec<usize> = (0..places.len())
        .filter(|index| is_fed(&places[*index]))
        .collect();
    let mut link = Link::default();
    if fed.is_empty() {
        return Ok(link);
    }
    let is_sound = |index: &usize| places[*index].rules == Some(transformer.grants.json);
    let sound: Vec<bool> = fed.iter().map(is_sound).collect();
    let batch = batch_of(&feed.batch, &fed, |index| places[index].body.as_deref());
    // Nothing may fail.
    let judged = transformer.transform(&batch, &sound, 0)?;
    if judged.verdicts.len() < fed.len() {
        return Err(Abort::Unfit(number));
    }
    link.counts.read = fed.len() as u64;
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
            Verdict::Failed(_) => return Err(Abort::Unfit(number)),
        }
    }
    (link.log, link.log_dropped) = (judged.log, judged.log_dropped);
    link.denied = judged.denied;
    Ok(link)
}

//! What a step leaves of an item: a body, or none; an entry of its own, or none.

use super::RunError;
use super::feed::Feed;
use super::judge::Verdict;
use super::step::TransformStep;
use crate::model::{Apart, Counts, Mode, Name, Position, Version};
use crate::store::{Collection, ItemRecord, StoreError, Stored, Visit, Write, parse_apart};

impl TransformStep<'_> {
    pub(super) fn write_verdict<'w>(
        &self,
        write: &mut Write<'w>,
        feed: &'w Feed,
        index: usize,
        verdict: &'w Verdict,
        counts: &mut Counts,
    ) -> Result<(), RunError> {
        let id = feed.batch.id(index);
        match verdict {
            Verdict::Unchanged => {
                counts.unchanged += 1;
                let stamp = ItemRecord::parse(&feed.headers[index])?.stamp()?;
                let version = self.version_after(stamp);
                let version = (self.mode == Mode::Rewrite).then_some(&version);
                write.leave_item(self.collection, id, feed.record(index), version)?;
            }
            Verdict::Updated(body) => {
                counts.updated += 1;
                let old = Some(feed.record(index));
                let stamp = ItemRecord::parse(&feed.headers[index])?.stamp()?;
                let version = self.version_after(stamp);
                let new = Some((&version, body[..].into()));
                write.set_item(self.collection, id, old, new, self.visit())?;
            }
            Verdict::Removed => {
                counts.removed += 1;
                let old = Some(feed.record(index));
                write.set_item(self.collection, id, old, None, self.visit())?;
            }
            Verdict::Failed(_) => {
                counts.failed += 1;
                write.leave_item(self.collection, id, feed.record(index), None)?;
            }
        }
        let old = feed.aparts[index].as_deref();
        let new = self.apart_after(feed, index, verdict)?;
        if old.is_some() || new.is_some() {
            write.set_apart(self.collection, id, old, new.as_ref(), self.visit())?;
        }
        Ok(())
    }

    /// The entry that an item is left with: quarantine, or its place on a way of its own.
    fn apart_after(
        &self,
        feed: &Feed,
        index: usize,
        verdict: &Verdict,
    ) -> Result<Option<Apart>, StoreError> {
        let old: Option<Apart> = match &feed.aparts[index] {
            Some(record) => Some(parse_apart(record)?),
            None => None,
        };
        let next = |step| {
            Some(Position {
                version: self.stage.version.clone(),
                step,
            })
        };
        Ok(match (verdict, old) {
            (Verdict::Failed(failed), old) => {
                let version = match old {
                    Some(old) => old.version,
                    None => self.version_before(feed, index)?,
                };
                let (version_to, step) = (&self.stage.version, &self.step.name);
                let now = self.work.clock.now();
                let failure = Some(failed.at_step(version_to, step, self.run, now));
                Some(Apart {
                    version,
                    next: next(self.index),
                    failure,
                })
            }
            (Verdict::Removed, _) | (_, None) => None,
            (Verdict::Unchanged | Verdict::Updated(_), Some(old)) => {
                let version = match self.mode {
                    Mode::Rewrite => self.stage.version.clone(),
                    Mode::Derive => old.version,
                };
                Some(Apart {
                    version,
                    next: next(self.index + 1),
                    failure: None,
                })
            }
        })
    }

    /// The version that an item without an entry has before this step.
    fn version_before(&self, feed: &Feed, index: usize) -> Result<Version, StoreError> {
        let stamp = ItemRecord::parse(&feed.headers[index])?.stamp()?;
        let level = self
            .work
            .store
            .collection(self.collection)?
            .and_then(|record| record.level);
        Ok(level.map_or(stamp.clone(), |level| level.max(stamp)))
    }

    /// Writes what a batch left of an item of any collection, and returns by how much the number of
    /// items that the step has written grows.
    pub(super) fn write_document<'w>(
        &self,
        write: &mut Write<'w>,
        collection: &Name,
        id: &str,
        body: Option<&'w [u8]>,
    ) -> Result<i64, RunError> {
        let (app, version) = (&self.stage.app, &self.stage.version);
        match write.collection(collection)? {
            None => {
                let record = Collection::new(app.clone(), Some(version.clone()));
                write.set_collection(collection, record)?;
            }
            Some(record) if record.app != *app => {
                let (step, owner) = (self.step.name.clone(), record.app.clone());
                let collection = collection.clone();
                return Err(RunError::ForeignCollection {
                    step,
                    collection,
                    owner,
                });
            }
            Some(_) => {}
        }
        let old = self.work.store.item_record(collection, id)?;
        if old.is_none() && body.is_none() {
            return Ok(0);
        }
        let new = body.map(|body| (version, body.into()));
        let growth = write.set_item(collection, id, old.map(Stored::from), new, Visit::Again)?;
        // Whatever was wrong with the item before, it is another one now.
        if let Some(apart) = self.work.store.apart_record(collection, id)? {
            write.set_apart(collection, id, Some(&apart), None, Visit::Again)?;
        }
        Ok(growth)
    }
}

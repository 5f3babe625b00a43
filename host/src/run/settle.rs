//! Ending the ways of their own of items that are where their collection is.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::runner::{STAGE_END, step_number};
use super::{RunError, Runner};
use crate::model::{Apart, Name, Phase, Position, Run, Source, Stage, Version};
use crate::store::{Collection, Keeper, Lease, StoreError, Visit};

/// How many entries are removed in one commit.
const PAGE: usize = 1_000;

impl Runner<'_> {
    /// Ends the ways of their own of items that the stage has caught up with.
    pub(super) fn settle_app(
        &self,
        lease: &mut Lease,
        run: &Run,
        stage: &Stage,
    ) -> Result<(), RunError> {
        let number = step_number(run.stages_done as usize, STAGE_END);
        let keeper = Keeper::of(run, number);
        for (name, record) in self.store.collections()? {
            if record.app != stage.app || self.store.tallies(&name)?.waiting == 0 {
                continue;
            }
            let to_come = self.to_come(&stage.app, &name, Some(stage))?;
            settle(self, lease, keeper, &name, |apart| {
                let has_passed = apart
                    .next
                    .as_ref()
                    .is_some_and(|next| next.version >= stage.version);
                let last = stage.position(stage.steps.len()).step;
                has_passed
                    && apart.version <= stage.version
                    && !apart.is_due(&stage.version, last.saturating_sub(1))
                    && !is_ahead(apart, &to_come)
            })?;
        }
        Ok(())
    }

    /// The steps over a collection that its app has still to go through, but for those of `stage`.
    ///
    /// Items that have passed one already must stay out of its way.
    fn to_come(
        &self,
        app: &Name,
        collection: &Name,
        stage: Option<&Stage>,
    ) -> Result<Vec<Position>, StoreError> {
        let apps = self.store.history()?.apps();
        let state = apps.get(app).cloned().unwrap_or_default();
        let mut found = Vec::new();
        for migration in self.catalogue.migrations() {
            let version = &migration.version;
            // What arrived late and was not applied is not to come.
            let is_begun = state.has(version, Phase::Offline) || Some(version) > state.version();
            if migration.app != *app || !is_begun {
                continue;
            }
            for (step, place) in migration.steps.iter().zip(0..) {
                let is_now = stage
                    .is_some_and(|stage| (&stage.version, stage.phase) == (version, step.phase));
                let is_over = is_now || state.has(version, step.phase);
                if !is_over && step.work.collection() == collection {
                    let version = version.clone();
                    found.push(Position {
                        version,
                        step: place,
                    });
                }
            }
        }
        Ok(found)
    }

    /// Ends the ways of their own of items that the whole plan has brought up to their collection.
    pub(super) fn settle_plan(&self, lease: &mut Lease, run: &Run) -> Result<(), RunError> {
        let alone = run
            .plan
            .stages
            .iter()
            .filter(|stage| stage.source != Source::Collection);
        let steps: Vec<_> = alone.flat_map(steps_of).collect();
        let collections: BTreeSet<_> = steps.iter().map(|(collection, ..)| *collection).collect();
        let number = step_number(run.plan.stages.len(), STAGE_END);
        let keeper = Keeper::of(run, number);
        for collection in collections {
            let Some(record) = self.store.collection(collection)? else {
                continue;
            };
            let to_come = self.to_come(&record.app, collection, None)?;
            settle(self, lease, keeper, collection, |apart| {
                let is_due = steps.iter().any(|(name, version, place)| {
                    *name == collection && apart.is_due(version, *place)
                });
                apart.next.is_some()
                    && !is_due
                    && Some(&apart.version) <= record.level.as_ref()
                    && !is_ahead(apart, &to_come)
            })?;
        }
        Ok(())
    }
}

/// Whether an item has passed one of the steps that its collection has still to go through.
fn is_ahead(apart: &Apart, to_come: &[Position]) -> bool {
    to_come
        .iter()
        .any(|position| !apart.is_due(&position.version, position.step))
}

/// The steps of a stage as collection, version and place in the migration.
fn steps_of(stage: &Stage) -> impl Iterator<Item = (&Name, &Version, u32)> {
    let places = stage.first_step..;
    let steps = stage.steps.iter().zip(places);
    steps.map(|(step, place)| (step.work.collection(), &stage.version, place))
}

/// Removes the entries, other than of quarantine, of a collection's items that are `done`.
///
/// It may be repeated, so that it needs no checkpoint.
fn settle(
    runner: &Runner<'_>,
    lease: &mut Lease,
    keeper: Keeper,
    collection: &Name,
    done: impl Fn(&Apart) -> bool,
) -> Result<(), RunError> {
    let mut after: Option<String> = None;
    loop {
        let mut page = Vec::new();
        runner
            .store
            .each_apart(collection, after.as_deref(), &mut |id, apart| {
                if apart.failure.is_none() && done(&apart) {
                    page.push(id.to_owned());
                }
                if page.len() < PAGE {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
        let mut write = runner.store.write(keeper.run, Some(keeper));
        for id in &page {
            let old = runner.store.apart_record(collection, id)?;
            write.set_apart(collection, id, old.as_deref(), None, Visit::Again)?;
        }
        let is_last = page.len() < PAGE;
        if is_last
            && let Some(record) = write.collection(collection)?.cloned()
            && record.oldest_waiting.is_some()
            && runner.store.tallies(collection)?.waiting == page.len() as u64
        {
            write.set_collection(
                collection,
                Collection {
                    oldest_waiting: None,
                    ..record
                },
            )?;
        }
        write.commit(lease, runner.clock.now())?;
        if is_last {
            return Ok(());
        }
        after = page.pop();
    }
}

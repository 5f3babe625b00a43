//! The way back of an app: what migrations do in their `revert`, from the newest applied version to an older one.
//!
//! Each collection is one pass: every item goes through the ways back of all versions above the one that is wanted, the newest
//! first, and is written once, with that version. Collections that no migration rewrote go along, so that nothing keeps a
//! newer version's stamp. The history says at the end, in one fact for each phase, what is taken back.
//!
//! An item that has no way back stops the run before it. Where items that fail may pass, as in a dry run, each is named.

use std::sync::Arc;

use super::ahead::{Budget, Read};
use super::chain::{Chain, MayFail};
use super::feed::{Bound, Feed, Feeder};
use super::hold::Hold;
use super::judge::{Failed, Verdict};
use super::pipeline::{self, Ending, Pass};
use super::report::StepName;
use super::runner::{Runner, step_number};
use super::step::Told;
use super::threads::Worker;
use super::transform::{Abort, Judged, Transformer};
use super::view::{Bodies, Grants};
use super::{OnFailure, RunError, RunEvent, timed};
use crate::model::{
    Apart, Counts, Event, Migration, Mode, Name, Phase, Progress, Run, RunState, Stage, Step,
    StepWork, Version, counted,
};
use crate::sandbox::{Call, Component, Context};
use crate::store::{ItemRecord, Keeper, Lease, StoreError, Visit, Write};

impl Runner<'_> {
    /// Brings the collections of the plan's only stage back to its version.
    pub(super) fn down(
        &self,
        lease: &mut Lease,
        run: &mut Run,
    ) -> Result<(RunState, Option<String>), RunError> {
        let Some(stage) = run.plan.stages.get(run.stages_done as usize).cloned() else {
            return Ok((RunState::Completed, None));
        };
        let links = self.ways_back(&stage)?;
        let bodies = Bodies::of(self.store)?;
        let mut failed = 0;
        for (place, step) in stage.steps.iter().enumerate() {
            let number = step_number(run.stages_done as usize, place);
            let collection = step.work.collection();
            let links = links.iter().filter(|link| link.collection == *collection);
            let links = links.map(|link| {
                let grants = Grants {
                    bodies: bodies.clone(),
                    ..Grants::pure(Mode::Rewrite, collection, link.component.limits())
                };
                (link.clone(), Arc::new(grants))
            });
            let mut pass = Down {
                work: self,
                hold: Hold::Whole(&mut *lease),
                run: &*run,
                stage: &stage,
                step,
                collection,
                number,
                links: links.collect(),
                progress: self.store.progress(run.id, number)?,
                told: Told::default(),
            };
            if pass.carry_out()? == Ending::Stopped {
                return Ok((RunState::Stopped, None));
            }
            failed += pass.progress.counts.failed;
        }
        if failed > 0 {
            let items = counted(failed, "item has", "items have");
            return Ok((RunState::Blocked, Some(format!("{items} no way back"))));
        }
        self.finish_down(lease, run, &stage)?;
        Ok((RunState::Completed, None))
    }

    /// What rewrote the app's items since the stage's version, the last thing first.
    fn ways_back(&self, stage: &Stage) -> Result<Vec<Link>, RunError> {
        let mut links = Vec::new();
        for (migration, phases) in self.applied_above(&stage.app, &stage.version)? {
            let component = self.catalogue.component(&migration.digest);
            let steps = migration.steps.iter().rev();
            for step in steps.filter(|step| phases.contains(&step.phase)) {
                let StepWork::Transform { collection, .. } = &step.work else {
                    continue;
                };
                links.push(Link {
                    version: migration.version.clone(),
                    step: step.name.clone(),
                    collection: collection.clone(),
                    component: component.expect("only components are fed").clone(),
                });
            }
        }
        Ok(links)
    }

    /// The migrations of an app that are applied above a version, the newest first, each with its phases.
    fn applied_above(
        &self,
        app: &Name,
        version: &Version,
    ) -> Result<Vec<(&Migration, Vec<Phase>)>, RunError> {
        let apps = self.store.history()?.apps();
        let state = apps.get(app).into_iter();
        let above = state.flat_map(|state| state.applied_above(version));
        let found = above.map(|(version, applied)| {
            let migration =
                self.catalogue
                    .applied(applied)
                    .ok_or_else(|| RunError::MissingMigration {
                        app: app.clone(),
                        version: version.clone(),
                        file: applied.file.clone(),
                    })?;
            Ok((migration, applied.phases.keys().copied().collect()))
        });
        found.collect()
    }

    /// Records what is taken back.
    fn finish_down(&self, lease: &mut Lease, run: &mut Run, stage: &Stage) -> Result<(), RunError> {
        let now = self.clock.now();
        run.stages_done += 1;
        let mut write = self.store.write(run.id, None);
        for (migration, phases) in self.applied_above(&stage.app, &stage.version)? {
            for phase in phases.into_iter().rev() {
                let event = Event::Reverted { phase, run: run.id };
                write.add_history(now, &stage.app, &migration.version, event)?;
            }
        }
        write.set_run(run);
        Ok(write.commit(lease, now)?)
    }
}

/// The way back of one step.
#[derive(Clone)]
struct Link {
    /// The version that its migration leads to.
    version: Version,
    step: Name,
    collection: Name,
    component: Component,
}

/// One collection on its way back.
struct Down<'a> {
    work: &'a Runner<'a>,
    hold: Hold<'a>,
    run: &'a Run,
    stage: &'a Stage,
    step: &'a Step,
    collection: &'a Name,
    /// The number of the pass in the run.
    number: u32,
    links: Vec<(Link, Arc<Grants>)>,
    progress: Progress,
    told: Told,
}

impl<'a> Down<'a> {
    fn carry_out(&mut self) -> Result<Ending, RunError> {
        if self.progress.done {
            return Ok(Ending::Done);
        }
        self.begin()?;
        let observer = self.work.observer;
        observer.event(&RunEvent::StepStarted {
            step: self.name(),
            total: self.feeder().total()?,
            counts: self.progress.counts,
        });
        let ending = pipeline::run(self)?;
        if ending == Ending::Done {
            observer.event(&RunEvent::StepDone {
                step: self.name(),
                counts: self.progress.counts,
            });
        }
        Ok(ending)
    }

    fn name(&self) -> StepName {
        StepName::of(self.stage, self.step, self.collection)
    }

    /// The version that the way back leads away from.
    fn from(&self) -> &Version {
        self.stage.from.as_ref().unwrap_or(&self.stage.version)
    }

    fn feeder(&self) -> Feeder {
        Feeder {
            store: self.work.store.clone(),
            run: self.run.id,
            collection: self.collection.clone(),
            source: self.stage.source.clone(),
            version: self.stage.version.clone(),
            index: 0,
            previous: None,
            mode: Mode::Rewrite,
            // Whatever version an item was written with, it has gone through what is taken back.
            is_late: true,
            feeds_apart: true,
            options: self.work.options.clone(),
            bound: Bound::default(),
        }
    }

    fn write(&self) -> Write<'a> {
        let keeper = Keeper::of(self.run, self.number);
        self.work.store.write(self.run.id, Some(keeper))
    }

    /// Marks the collection as being on its way back, so that the version of each item can be told at any time.
    fn begin(&mut self) -> Result<(), RunError> {
        let mut write = self.write();
        let has_begun = write.change_collection(self.collection, |collection| {
            collection.begin(self.run.id, self.number, &self.stage.version);
        })?;
        if !has_begun {
            return Ok(());
        }
        Ok(write.commit(self.hold.whole(), self.work.clock.now())?)
    }

    /// Gives the collection the version that the way back leads to.
    fn lower(&self, write: &mut Write<'_>) -> Result<(), StoreError> {
        write.change_collection(self.collection, |collection| {
            collection.lower(self.run.id, self.number, &self.stage.version);
        })?;
        Ok(())
    }

    /// What is to be in the store of an item.
    fn write_verdict<'w>(
        &self,
        write: &mut Write<'w>,
        feed: &'w Feed,
        judged: &'w Judged,
        index: usize,
        counts: &mut Counts,
    ) -> Result<(), StoreError> {
        let version = &self.stage.version;
        let id = feed.batch.id(index);
        let stamp = ItemRecord::parse(&feed.headers[index])?.stamp()?;
        let new = match &judged.verdicts[index] {
            Verdict::Updated(body) => {
                counts.updated += 1;
                Some((version, body[..].into()))
            }
            // It says the same as before, and has the older version from now on.
            Verdict::Unchanged => {
                counts.unchanged += 1;
                if stamp <= *version {
                    return Ok(());
                }
                Some((version, feed.batch.body(index).into()))
            }
            Verdict::Removed => {
                counts.removed += 1;
                None
            }
            Verdict::Failed(failed) => {
                counts.failed += 1;
                let (link, _) = &self.links[judged.changed_by[index]];
                let now = self.work.clock.now();
                let failure = failed.at_step(&link.version, &link.step, self.run.id, now);
                let apart = Apart {
                    version: self.from().clone(),
                    next: None,
                    failure: Some(failure),
                };
                return write.set_apart(self.collection, id, None, Some(&apart), Visit::Once);
            }
        };
        let old = Some(feed.record(index));
        write.set_item(self.collection, id, old, new, Visit::Once)?;
        Ok(())
    }

    fn tell(&mut self, feed: &Feed, judged: &Judged) {
        let (observer, step) = (self.work.observer, self.name());
        let links = self.links.iter();
        let most = links.map(|(link, _)| link.component.limits().log_step_bytes);
        let most = most.max().unwrap_or(0);
        for link in &judged.links {
            let (log, dropped) = (&link.log, link.log_dropped);
            self.told.log(observer, &step, most, log, dropped);
            self.told.denied(observer, &step, &link.denied);
        }
        let counts = self.progress.counts;
        self.told.batch(observer, &step, feed, judged, counts);
    }
}

impl<'a> Pass<'a> for Down<'a> {
    fn runner(&self) -> &'a Runner<'a> {
        self.work
    }

    fn collection(&self) -> &Name {
        self.collection
    }

    fn checkpoint(&self) -> &Progress {
        &self.progress
    }

    fn is_pure(&self) -> bool {
        true
    }

    fn reader(&self) -> Box<Read> {
        let feeder = self.feeder();
        Box::new(move |after, portion| feeder.read(after, portion))
    }

    fn budget(&self) -> Box<Budget> {
        let all_may_fail = self.work.options.on_failure == OnFailure::Quarantine;
        Box::new(move |_, batch| if all_may_fail { batch as u64 } else { 0 })
    }

    fn worker(&self) -> Box<Worker> {
        let links = self.links.iter().map(|(link, grants)| {
            let context = Context {
                from_version: Some(link.version.clone()),
                started_at: self.run.started_at.0,
                seed: self.run.seed,
            };
            let Runner { store, control, .. } = *self.work;
            let transformer = Transformer::new(
                &link.component,
                &link.step,
                grants,
                &context,
                store,
                control,
            );
            let transformer = Transformer {
                call: Call::Revert,
                ..transformer
            };
            (link.version.clone(), transformer)
        });
        let may_fail = match self.work.options.on_failure {
            OnFailure::Quarantine => MayFail::Anything,
            OnFailure::Stop => MayFail::NothingNamed,
        };
        let mut chain = Chain::new(links, may_fail);
        let versions = self.links.iter().map(|(link, _)| link.version.clone());
        let versions: Vec<Version> = versions.collect();
        Box::new(move |feed, _| {
            let judged = chain.transform_all(&feed.batch);
            let mut judged = judged.map_err(|(number, abort)| match abort {
                Abort::TooManyFailures { failed, place, why } => Abort::TooManyFailures {
                    failed,
                    place,
                    why: located(&versions[number], why),
                },
                abort => abort,
            })?;
            for (verdict, number) in judged.verdicts.iter_mut().zip(&judged.changed_by) {
                if let Verdict::Failed(failed) = verdict {
                    *failed = located(&versions[*number], failed.clone());
                }
            }
            Ok(judged)
        })
    }

    fn commit(&mut self, group: &[(Feed, Judged)]) -> Result<(), RunError> {
        let mut write = self.write();
        let mut progress = self.progress.clone();
        let mut counts = Vec::new();
        for (feed, judged) in group {
            progress.counts.read += judged.verdicts.len() as u64;
            progress.counts.bytes += feed.batch.bodies.len() as u64;
            for index in 0..judged.verdicts.len() {
                self.write_verdict(&mut write, feed, judged, index, &mut progress.counts)?;
            }
            progress.after = feed.upto.clone().or(progress.after);
            progress.done = feed.is_last;
            counts.push(progress.counts);
        }
        write.set_progress(self.run.id, self.number, &progress);
        if progress.done && progress.counts.failed == 0 {
            self.lower(&mut write)?;
        }
        {
            let _timed = timed!("store");
            write.commit(self.hold.whole(), self.work.clock.now())?;
        }
        for ((feed, judged), counts) in group.iter().zip(counts) {
            self.progress.counts = counts;
            self.tell(feed, judged);
        }
        self.progress = progress;
        Ok(())
    }

    fn check(&self, _: &Feed, _: &Judged) -> Result<(), RunError> {
        Ok(())
    }

    fn hold(&mut self) -> &mut Hold<'a> {
        &mut self.hold
    }

    fn item_failed(&self, id: &str, failed: &Failed) -> RunError {
        RunError::NoWayBack {
            collection: self.collection.clone(),
            id: id.to_owned(),
            reason: failed.reason.clone(),
        }
    }

    fn error(&self, feed: &Feed, abort: Abort) -> RunError {
        match abort {
            Abort::Store(error) => RunError::Store(error),
            Abort::Load(source) => RunError::Load {
                app: self.stage.app.clone(),
                version: self.from().clone(),
                source,
            },
            Abort::TooManyFailures { place, why, .. } => {
                self.item_failed(feed.batch.id(place), &why)
            }
            Abort::Stopped | Abort::Unfit(_) => RunError::Worker("a batch was given up".to_owned()),
        }
    }
}

/// What failed a way back, with the version that it leads away from.
fn located(version: &Version, failed: Failed) -> Failed {
    Failed {
        reason: format!("from {version}: {}", failed.reason),
        ..failed
    }
}

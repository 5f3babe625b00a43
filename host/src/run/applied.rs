//! The end of a stage: what the history says of it, and what its collections are.

use std::collections::BTreeSet;

use super::report::RunEvent;
use super::runner::{STAGE_END, step_number};
use super::{RunError, Runner};
use crate::model::{
    Counts, Event, Mode, Name, Phase, Purpose, Run, Source, Stage, StepWork, counted,
};
use crate::store::{Keeper, Lease, Store, StoreError, Write};

impl Runner<'_> {
    /// Records that a stage is done, unless its quarantine forbids it: then says why.
    pub(super) fn finish_stage(
        &self,
        lease: &mut Lease,
        run: &mut Run,
        stage: &Stage,
    ) -> Result<Option<String>, RunError> {
        let (open, accepted) = self.open(&stage.app)?;
        let whole = stage.source == Source::Collection;
        if whole && open > 0 {
            return Ok(Some(blocked_by(open, stage)));
        }
        if whole {
            self.settle_app(lease, run, stage)?;
        }
        let now = self.clock.now();
        let number = run.stages_done as usize;
        run.stages_done += 1;
        let keeper = Keeper::of(run, step_number(number, STAGE_END));
        let mut write = self.store.write(run.id, Some(keeper));
        if whole {
            self.level_app(&mut write, stage)?;
            let event = self.applied(run, stage, number, accepted)?;
            write.add_history(now, &stage.app, &stage.version, event)?;
        } else if self.is_mended(run, stage)? {
            let event = Event::Mended {
                digest: stage.digest,
                run: run.id,
            };
            write.add_history(now, &stage.app, &stage.version, event)?;
        }
        write.set_run(run);
        write.commit(lease, now)?;
        if whole {
            let Stage {
                app,
                version,
                phase,
                ..
            } = stage;
            self.observer.event(&RunEvent::Applied {
                app: app.clone(),
                version: version.clone(),
                phase: *phase,
            });
        }
        Ok(None)
    }

    fn applied(
        &self,
        run: &Run,
        stage: &Stage,
        number: usize,
        accepted: u64,
    ) -> Result<Event, StoreError> {
        let mut counts = Counts::default();
        for place in 0..stage.steps.len() {
            counts += self
                .store
                .progress(run.id, step_number(number, place))?
                .counts;
        }
        Ok(Event::Applied {
            phase: stage.phase,
            from: stage.from.clone(),
            digest: stage.digest,
            file: stage.file.clone(),
            run: run.id,
            counts,
            accepted,
        })
    }

    /// Whether a retry used another file than the one that was applied.
    fn is_mended(&self, run: &Run, stage: &Stage) -> Result<bool, StoreError> {
        let apps = self.store.history()?.apps();
        let applied = apps
            .get(&stage.app)
            .and_then(|app| app.applied.get(&stage.version));
        Ok(run.purpose == Purpose::Retry
            && applied.is_some_and(|applied| !applied.digests.contains(&stage.digest)))
    }

    /// Gives the app's collections the stage's version, but for those that its migration rewrites
    /// in a later phase.
    fn level_app(&self, write: &mut Write<'_>, stage: &Stage) -> Result<(), StoreError> {
        let later = self.rewritten_later(stage);
        for (name, mut record) in self.store.collections()? {
            let is_lower = record.level.as_ref() < Some(&stage.version);
            if record.app == stage.app && is_lower && !later.contains(&name) {
                record.level = Some(stage.version.clone());
                record.newest = record.newest.max(record.level.clone());
                write.set_collection(&name, record)?;
            }
        }
        Ok(())
    }

    fn rewritten_later(&self, stage: &Stage) -> BTreeSet<Name> {
        let migration = self.catalogue.migration(&stage.digest);
        let steps = migration.map_or(&[][..], |migration| &migration.steps);
        let later = steps.iter().filter(|step| {
            let rewrites = matches!(
                &step.work,
                StepWork::Transform {
                    mode: Mode::Rewrite,
                    ..
                }
            );
            rewrites && stage.phase == Phase::Offline && step.phase == Phase::Online
        });
        later.map(|step| step.work.collection().clone()).collect()
    }

    /// How many items of an app are in quarantine: open and accepted.
    pub(super) fn open(&self, app: &Name) -> Result<(u64, u64), StoreError> {
        open(self.store, app)
    }
}

/// How many items of an app are in quarantine: open and accepted.
pub(crate) fn open(store: &Store, app: &Name) -> Result<(u64, u64), StoreError> {
    let (mut open, mut accepted) = (0, 0);
    for (name, record) in store.collections()? {
        if record.app == *app {
            let tallies = store.tallies(&name)?;
            open += tallies.open;
            accepted += tallies.accepted;
        }
    }
    Ok((open, accepted))
}

/// Why a run is blocked at a stage, for people, while so many items of its app are in quarantine.
pub(crate) fn blocked_by(open: u64, stage: &Stage) -> String {
    let Stage {
        app,
        version,
        phase,
        ..
    } = stage;
    let items = counted(open, "item", "items");
    match open {
        0 => format!(
            "nothing of {app} is in quarantine any more, so that {version} ({phase}) can be applied"
        ),
        1 => {
            format!("{items} of {app} is in quarantine, so that {version} ({phase}) is not applied")
        }
        _ => {
            format!(
                "{items} of {app} are in quarantine, so that {version} ({phase}) is not applied"
            )
        }
    }
}

//! One phase of one migration that is due, and the stages that it makes.

use crate::model::{Migration, Phase, Source, Stage, Step, StepWork, Version};

/// One phase of a migration, and the version that it starts from.
#[derive(Debug, Clone)]
pub(super) struct Due<'a> {
    /// The migration.
    pub migration: &'a Migration,
    /// The phase.
    pub phase: Phase,
    /// The app's version before the migration.
    pub from: Option<Version>,
}

/// The phases that a migration has: always the offline one, which sets the app's version, and the
/// online one if it has steps.
pub(super) fn phases(migration: &Migration) -> impl Iterator<Item = Phase> {
    let has_online = migration
        .steps
        .iter()
        .any(|step| step.phase == Phase::Online);
    [Phase::Offline]
        .into_iter()
        .chain(has_online.then_some(Phase::Online))
}

impl<'a> Due<'a> {
    /// All of it, on every item.
    pub fn whole(&self) -> Stage {
        let mut steps = self.steps().peekable();
        let first = steps.peek().map_or(0, |(place, _)| *place);
        let steps = steps.map(|(_, step)| step.clone()).collect();
        self.stage(first, steps, Source::Collection)
    }

    /// Those of its steps that feed on items and are wanted, on other items than whole
    /// collections. A stage's steps stand next to each other in the migration, so there may be
    /// several stages, or none.
    pub fn parts(&self, source: &Source, wanted: impl Fn(u32, &Step) -> bool) -> Vec<Stage> {
        let mut parts: Vec<Stage> = Vec::new();
        for (place, step) in self.steps() {
            if matches!(step.work, StepWork::Schema(_)) || !wanted(place, step) {
                continue;
            }
            match parts.last_mut() {
                Some(last) if end(last) == place => last.steps.push(step.clone()),
                _ => parts.push(self.stage(place, vec![step.clone()], source.clone())),
            }
        }
        parts
    }

    fn steps(&self) -> impl Iterator<Item = (u32, &'a Step)> {
        let phase = self.phase;
        (0..)
            .zip(&self.migration.steps)
            .filter(move |(_, step)| step.phase == phase)
    }

    fn stage(&self, first_step: u32, steps: Vec<Step>, source: Source) -> Stage {
        let Migration {
            app,
            version,
            digest,
            file,
            ..
        } = self.migration;
        let name = file.file_name().unwrap_or(file.as_os_str());
        Stage {
            app: app.clone(),
            version: version.clone(),
            from: self.from.clone(),
            phase: self.phase,
            digest: *digest,
            file: name.to_string_lossy().into_owned(),
            first_step,
            steps,
            source,
        }
    }
}

/// The place after a stage's last step.
fn end(stage: &Stage) -> u32 {
    (stage.first_step..)
        .nth(stage.steps.len())
        .unwrap_or(u32::MAX)
}

//! How what a run has done is taken back.

use std::fmt;

use super::{Purpose, Run, RunId, RunState};

/// How what a run has done is taken back as a whole. As text it is the command.
///
/// ```
/// use godwit::model::{Retreat, RunId};
///
/// let restore = Retreat::Restore("x.godwit".to_owned());
/// let both = Retreat::InOrder(vec![restore, Retreat::Undo(RunId(3))]);
/// let commands = "godwit backup restore x.godwit && godwit undo 3";
/// assert_eq!(both.to_string(), commands);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retreat {
    /// By its pre-images, which put back every byte that it has changed.
    Undo(RunId),
    /// By the backup that was made before it, named by its file. What came after the run goes with it.
    Restore(String),
    /// By dropping the shadow run that it is part of; nothing of it is live yet.
    Reset,
    /// By several of these, in this order: the runs that came after it are taken back first.
    InOrder(Vec<Retreat>),
}

impl Run {
    /// How what it has done is taken back once nothing came after it ([`Run::retreat_among`]); `None` where nothing does, or it
    /// is undone.
    ///
    /// ```
    /// use godwit::model::{Retreat, Run, RunId};
    ///
    /// # let text = r#"{"id": 7, "purpose": "up", "state": "completed", "started_at": 0, "changed_at": 0, "seed": 0,
    /// #     "plan": {"stages": []}, "stages_done": 0, "has_pre_images": true}"#;
    /// # let mut run: Run = serde_json::from_str(text)?;
    /// // A run that is completed and has pre-images:
    /// assert_eq!(run.retreat(), Some(Retreat::Undo(RunId(7))));
    /// run.has_pre_images = false;
    /// assert_eq!(run.retreat(), None);
    /// run.backup = Some("x.godwit".to_owned());
    /// let restore = Retreat::Restore("x.godwit".to_owned());
    /// assert_eq!(run.retreat(), Some(restore));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retreat(&self) -> Option<Retreat> {
        match &self.backup {
            _ if self.state == RunState::Undone => None,
            _ if self.purpose == Purpose::Shadow && self.state.is_unfinished() => {
                Some(Retreat::Reset)
            }
            _ if self.has_pre_images => Some(Retreat::Undo(self.id)),
            Some(file) => Some(Retreat::Restore(file.clone())),
            None => None,
        }
    }

    /// Whether another run cannot be undone before this one is taken back: this one came later, and both are about some app.
    ///
    /// ```
    /// use godwit::model::{Run, RunId};
    ///
    /// # use godwit::model::{Digest, Phase, Source, Stage, Version};
    /// # let text = r#"{"id": 7, "purpose": "up", "state": "completed", "started_at": 0, "changed_at": 0, "seed": 0,
    /// #     "plan": {"stages": []}, "stages_done": 0, "has_pre_images": true}"#;
    /// # let mut run: Run = serde_json::from_str(text)?;
    /// # run.plan.stages.push(Stage {
    /// #     app: "notes".parse()?,
    /// #     version: Version::new(2, 0, 0),
    /// #     from: None,
    /// #     phase: Phase::Offline,
    /// #     digest: Digest::of(b"the file"),
    /// #     file: String::new(),
    /// #     first_step: 0,
    /// #     steps: Vec::new(),
    /// #     source: Source::Collection,
    /// # });
    /// // Run 7 is about the app `notes`, and so is the one that comes later.
    /// let mut later = run.clone();
    /// later.id = RunId(8);
    /// assert!(later.is_behind(&run));
    /// assert!(!run.is_behind(&later));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_behind(&self, other: &Self) -> bool {
        let mut stages = self.plan.stages.iter();
        let is_shared = |app: &super::Name| other.plan.stages.iter().any(|stage| stage.app == *app);
        self.id > other.id
            && self.state != RunState::Undone
            && stages.any(|stage| is_shared(&stage.app))
    }

    /// How what it has done is taken back, with all that has to be taken back before; `None` where nothing does. `runs` are
    /// all runs of the store, in order.
    ///
    /// ```
    /// use godwit::model::{Run, RunId};
    ///
    /// # use godwit::model::{Digest, Phase, Source, Stage, Version};
    /// # let text = r#"{"id": 7, "purpose": "up", "state": "completed", "started_at": 0, "changed_at": 0, "seed": 0,
    /// #     "plan": {"stages": []}, "stages_done": 0, "has_pre_images": true}"#;
    /// # let mut run: Run = serde_json::from_str(text)?;
    /// # run.plan.stages.push(Stage {
    /// #     app: "notes".parse()?,
    /// #     version: Version::new(2, 0, 0),
    /// #     from: None,
    /// #     phase: Phase::Offline,
    /// #     digest: Digest::of(b"the file"),
    /// #     file: String::new(),
    /// #     first_step: 0,
    /// #     steps: Vec::new(),
    /// #     source: Source::Collection,
    /// # });
    /// // Run 7 is about the app `notes`, and so is the one that comes later.
    /// let mut later = run.clone();
    /// later.id = RunId(8);
    /// let runs = [run, later];
    /// let way = runs[0].retreat_among(&runs).map(|way| way.to_string());
    /// assert_eq!(way.as_deref(), Some("godwit undo 8 && godwit undo 7"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retreat_among(&self, runs: &[Self]) -> Option<Retreat> {
        let own = self.retreat()?;
        if !matches!(own, Retreat::Undo(_)) {
            return Some(own);
        }
        let mut behind = vec![self];
        for run in runs {
            if behind.iter().any(|other| run.is_behind(other)) {
                behind.push(run);
            }
        }
        let mut ways = Vec::new();
        for run in behind.into_iter().rev() {
            match run.retreat()? {
                // What came after that run goes with it.
                restore @ Retreat::Restore(_) => ways = vec![restore],
                way => ways.push(way),
            }
        }
        match ways.len() {
            1 => ways.pop(),
            _ => Some(Retreat::InOrder(ways)),
        }
    }

    /// The command that puts the backup that was made before it in the store's place, if one was.
    ///
    /// ```
    /// use godwit::model::Run;
    ///
    /// # let text = r#"{"id": 7, "purpose": "up", "state": "completed", "started_at": 0, "changed_at": 0, "seed": 0,
    /// #     "plan": {"stages": []}, "stages_done": 0, "has_pre_images": true}"#;
    /// # let mut run: Run = serde_json::from_str(text)?;
    /// assert_eq!(run.restore(), None);
    /// run.backup = Some("x.godwit".to_owned());
    /// let command = run.restore();
    /// assert_eq!(command.as_deref(), Some("godwit backup restore x.godwit"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore(&self) -> Option<String> {
        let backup = self.backup.clone();
        backup.map(|file| Retreat::Restore(file).to_string())
    }

    /// Whether the backup that was made before it is all that takes it back from where it has stopped.
    ///
    /// ```
    /// use godwit::model::{Run, RunState};
    ///
    /// # let text = r#"{"id": 7, "purpose": "up", "state": "completed", "started_at": 0, "changed_at": 0, "seed": 0,
    /// #     "plan": {"stages": []}, "stages_done": 0, "has_pre_images": true}"#;
    /// # let mut run: Run = serde_json::from_str(text)?;
    /// assert!(!run.needs_backup());
    /// run.state = RunState::Failed;
    /// run.has_pre_images = false;
    /// run.backup = Some("x.godwit".to_owned());
    /// assert!(run.needs_backup());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn needs_backup(&self) -> bool {
        self.state.is_unfinished() && !self.has_pre_images && self.backup.is_some()
    }
}

impl fmt::Display for Retreat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undo(run) => write!(f, "godwit undo {run}"),
            Self::Restore(file) => write!(f, "godwit backup restore {}", quoted(file)),
            Self::Reset => f.write_str("godwit reset"),
            Self::InOrder(ways) => {
                let commands: Vec<_> = ways.iter().map(Self::to_string).collect();
                f.write_str(&commands.join(" && "))
            }
        }
    }
}

/// A word of a command line, in quotes where a shell would take it for something else.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:+=@%,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Digest, Phase, Plan, Source, Stage, Timestamp, Version};

    /// A run on some apps that is completed and has pre-images.
    fn run_on(id: u64, apps: &[&str]) -> Run {
        let stages = apps.iter().map(|app| Stage {
            app: app.parse().expect("it is a name"),
            version: Version::new(2, 0, 0),
            from: None,
            phase: Phase::Offline,
            digest: Digest([0; 32]),
            file: String::new(),
            first_step: 0,
            steps: Vec::new(),
            source: Source::Collection,
        });
        Run {
            id: RunId(id),
            purpose: Purpose::Up,
            state: RunState::Completed,
            reason: None,
            started_at: Timestamp(1),
            changed_at: Timestamp(1),
            seed: 0,
            plan: Plan {
                stages: stages.collect(),
            },
            stages_done: 1,
            stages_begun: 0,
            has_pre_images: true,
            keeps_pre_images: true,
            backup: None,
        }
    }

    #[test]
    fn what_came_later_is_taken_back_first() {
        let mut runs = [
            run_on(1, &["a"]),
            run_on(2, &["b"]),
            run_on(3, &["a", "c"]),
            run_on(4, &["c"]),
        ];
        let way = |runs: &[Run]| runs[0].retreat_among(runs).map(|way| way.to_string());
        let all = "godwit undo 4 && godwit undo 3 && godwit undo 1";
        assert_eq!(
            way(&runs).as_deref(),
            Some(all),
            "3 is behind 1, 4 behind 3"
        );
        assert_eq!(runs[1].retreat_among(&runs), Some(Retreat::Undo(RunId(2))));
        runs[3].state = RunState::Undone;
        assert_eq!(
            way(&runs).as_deref(),
            Some("godwit undo 3 && godwit undo 1")
        );
        (runs[2].has_pre_images, runs[2].backup) = (false, Some("x.godwit".to_owned()));
        let restore = "godwit backup restore x.godwit && godwit undo 1";
        assert_eq!(way(&runs).as_deref(), Some(restore));
        runs[2].backup = None;
        assert_eq!(way(&runs), None);
        runs[2].state = RunState::Undone;
        assert_eq!(way(&runs).as_deref(), Some("godwit undo 1"));
    }

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        assert_eq!(Retreat::Undo(RunId(3)).to_string(), "godwit undo 3");
        let restore = |file: &str| Retreat::Restore(file.to_owned()).to_string();
        let plain = "2026-11-27T14-00-00.000Z.godwit";
        assert_eq!(restore(plain), format!("godwit backup restore {plain}"));
        assert_eq!(restore("it's a b"), r"godwit backup restore 'it'\''s a b'");
    }

    #[test]
    fn what_a_shadow_run_has_made_is_dropped_until_it_is_live() {
        let run = |state| Run {
            purpose: Purpose::Shadow,
            state,
            ..run_on(3, &[])
        };
        for state in [
            RunState::Running,
            RunState::Stopped,
            RunState::Failed,
            RunState::Blocked,
        ] {
            assert_eq!(run(state).retreat(), Some(Retreat::Reset));
        }
        assert_eq!(
            run(RunState::Completed).retreat(),
            Some(Retreat::Undo(RunId(3)))
        );
        assert_eq!(run(RunState::Undone).retreat(), None);
        assert_eq!(Retreat::Reset.to_string(), "godwit reset");
    }
}

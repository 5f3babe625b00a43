//! How what a run has done is taken back.

use std::fmt;

use super::{Purpose, Run, RunId, RunState};

/// How what a run has done is taken back as a whole. As text it is the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retreat {
    /// By its pre-images, which put back every byte that it has changed.
    Undo(RunId),
    /// By the backup that was made before it, named by its file. What came after the run goes with it.
    Restore(String),
    /// By dropping the shadow run that it is part of; nothing of it is live yet.
    Reset,
}

impl Run {
    /// How what it has done is taken back; `None` where nothing does, or it is undone.
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

    /// The command that puts the backup that was made before it in the store's place, if one was.
    pub fn restore(&self) -> Option<String> {
        let backup = self.backup.clone();
        backup.map(|file| Retreat::Restore(file).to_string())
    }

    /// Whether the backup that was made before it is all that takes it back from where it has stopped.
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
    use crate::model::{Plan, Timestamp};

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
            id: RunId(3),
            purpose: Purpose::Shadow,
            state,
            reason: None,
            started_at: Timestamp(1),
            changed_at: Timestamp(1),
            seed: 0,
            plan: Plan::default(),
            stages_done: 0,
            stages_begun: 0,
            has_pre_images: true,
            keeps_pre_images: true,
            backup: None,
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

//! The commands of a cycle of kills, and how often and at which moments they are killed.

use std::fmt;
use std::time::Duration;

use super::process::{Ended, Moment};
use crate::store_conformance::Dice;

/// A command that is given in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Imports the documents into a new store.
    Import,
    /// Migrates until items in quarantine block the run.
    Up,
    /// Accepts them.
    Accept,
    /// Finishes the run.
    UpAgain,
    /// Puts everything back.
    Undo,
}

impl Order {
    /// All of them, in the order in which they are given.
    pub const ALL: [Self; 5] = [
        Self::Import,
        Self::Up,
        Self::Accept,
        Self::UpAgain,
        Self::Undo,
    ];

    /// The exit code that it ends with once it has done everything.
    pub fn code(self) -> i32 {
        match self {
            // Items in quarantine block the run.
            Self::Up => 4,
            Self::Import | Self::Accept | Self::UpAgain | Self::Undo => 0,
        }
    }

    /// What is typed.
    pub fn arguments(self, documents: &str, batch_bytes: &str) -> Vec<String> {
        let typed = match self {
            Self::Import => "import --app append --collection items --version 1.0.0",
            Self::Up | Self::UpAgain => "up --max-failures 1000 --batch-bytes",
            Self::Accept => "quarantine accept --all",
            Self::Undo => "undo 1",
        };
        let last = match self {
            Self::Import => Some(documents),
            Self::Up | Self::UpAgain => Some(batch_bytes),
            Self::Accept | Self::Undo => None,
        };
        typed.split(' ').chain(last).map(str::to_owned).collect()
    }
}

/// How often a command is killed before it is left alone, so that every cycle ends.
const KILLS_OF_ONE_COMMAND: u32 = 8;

/// A command that is killed again and again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target {
    /// How long it takes when it is not disturbed.
    pace: Pace,
    /// How long what is left of it takes, after the kills of this cycle.
    left: Pace,
    killed: u64,
}

impl Target {
    /// One that was carried out once without disturbance.
    pub fn of(ended: &Ended) -> Self {
        let pace = Pace::of(ended);
        Self {
            pace,
            left: pace,
            killed: 0,
        }
    }

    /// How long it takes when it is not disturbed.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// How often it was killed.
    pub fn killed(&self) -> u64 {
        self.killed
    }

    /// When the next attempt of a cycle is killed, the first of which is 0. Of ten, nine are; fewer where there were
    /// enough kills, so that a campaign ends soon.
    pub fn moment(&mut self, attempt: u32, enough: u64, dice: &mut Dice) -> Moment {
        if attempt == 0 {
            self.left = self.pace;
        }
        let of_ten = match self.killed >= enough {
            true => 1,
            false => 9,
        };
        if attempt < KILLS_OF_ONE_COMMAND && dice.below(10) < of_ten {
            self.left.moment(dice)
        } else {
            Moment::Never
        }
    }

    /// Takes down how an attempt ended.
    pub fn ended(&mut self, attempt: u32, ended: &Ended) {
        if ended.code.is_none() {
            self.killed += 1;
            self.left = self.left.without(ended);
        } else if attempt == 0 {
            // The first time of all took longer: nothing was in memory.
            self.pace = self.pace.towards(Pace::of(ended));
        }
    }
}

/// How long a command takes when it is not disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    took: Duration,
    /// From the first line that it says.
    worked: Duration,
}

impl Pace {
    /// That of a command that was not disturbed.
    fn of(ended: &Ended) -> Self {
        Self {
            took: ended.took,
            worked: ended.worked,
        }
    }

    /// What is left of it about, after it was killed.
    fn without(self, killed: &Ended) -> Self {
        let Self { took, worked } = self;
        if self.speaks() {
            let left = worked.saturating_sub(killed.worked).max(worked / 4);
            Self {
                took: took - worked + left,
                worked: left,
            }
        } else {
            let took = took.saturating_sub(killed.took).max(took / 2);
            Self { took, worked }
        }
    }

    /// Half way to another.
    fn towards(self, other: Self) -> Self {
        Self {
            took: (self.took + other.took) / 2,
            worked: (self.worked + other.worked) / 2,
        }
    }

    /// Whether it says when its work begins.
    fn speaks(self) -> bool {
        self.worked > Duration::from_millis(3)
    }

    /// A moment in the life of such a command: while it starts, while it works, or when it ends.
    ///
    /// Most of a short run goes by before the work on the store begins, which it says in its first
    /// line: what happens then is killed more often than its share of the time.
    fn moment(self, dice: &mut Dice) -> Moment {
        let Self { took, worked } = self;
        let speaks = self.speaks();
        match dice.below(10) {
            0 | 1 => Moment::AfterStart(share(took, dice, 0, 1_000)),
            2..=4 if speaks => Moment::AfterFirstLine(share(worked, dice, 700, 1_100)),
            _ if speaks => Moment::AfterFirstLine(share(worked, dice, 0, 1_000)),
            _ => Moment::AfterStart(share(took, dice, 0, 1_100)),
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { took, worked } = self;
        write!(
            f,
            "{} ms ({} of work)",
            took.as_millis(),
            worked.as_millis()
        )
    }
}

/// A random share of a duration, between two thousandths of it.
fn share(of: Duration, dice: &mut Dice, from: usize, to: usize) -> Duration {
    let thousandths = from + dice.below(to - from);
    of.mul_f64(thousandths as f64 / 1_000.0)
}

//! What a campaign counts: each of it has to be 0 in the end.

use std::fmt;

/// What was found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Of what kind it is.
    pub kind: Kind,
    /// What was found, for people.
    pub what: String,
}

/// Kinds of violations, as columns of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something that was done, or acknowledged, is not there.
    Lost,
    /// Something was done twice.
    Doubled,
    /// Anything else that an undisturbed run would have left otherwise.
    Different,
    /// The store cannot be opened.
    Unopenable,
    /// A command found a lease, or a lock, whose holder was dead.
    StuckLease,
    /// The next command did not go on by itself.
    ManualCommand,
}

impl Kind {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::Lost,
        Self::Doubled,
        Self::Different,
        Self::Unopenable,
        Self::StuckLease,
        Self::ManualCommand,
    ];

    fn heading(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::Different => "different",
            Self::Unopenable => "un-openable",
            Self::StuckLease => "stuck leases",
            Self::ManualCommand => "manual commands",
        }
    }

    /// What it means that a command ended with a code that an undisturbed one does not end with.
    pub fn of_exit(code: i32) -> Self {
        match code {
            5 => Self::StuckLease,
            6 => Self::Unopenable,
            _ => Self::ManualCommand,
        }
    }

    /// The violation of this kind.
    pub fn because(self, what: impl Into<String>) -> Violation {
        Violation {
            kind: self,
            what: what.into(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.heading())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.what)
    }
}

/// What a campaign did, and what it found.
#[derive(Debug, Clone, Default)]
pub struct Score {
    /// What was done to the runs, as columns: a heading and how often.
    pub done: Vec<(&'static str, u64)>,
    /// What was found.
    pub violations: Vec<Violation>,
}

impl Score {
    /// Counts something that was done.
    pub fn count(&mut self, heading: &'static str) {
        match self.done.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, count)) => *count += 1,
            None => self.done.push((heading, 1)),
        }
    }

    /// How often something was done.
    pub fn counted(&self, heading: &str) -> u64 {
        let known = self.done.iter().find(|(known, _)| *known == heading);
        known.map_or(0, |(_, count)| *count)
    }

    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// The table that a campaign ends with.
    pub fn table(&self, title: &str) -> String {
        let found = Kind::ALL.map(|kind| {
            let of_kind = self
                .violations
                .iter()
                .filter(|violation| violation.kind == kind);
            (kind.heading(), of_kind.count() as u64)
        });
        let cells: Vec<_> = self.done.iter().copied().chain(found).collect();
        let widths: Vec<_> = cells
            .iter()
            .map(|(heading, _)| heading.len().max(6))
            .collect();
        let (mut head, mut row) = (format!("{:<8}", "store"), format!("{title:<8}"));
        for ((heading, count), width) in cells.iter().zip(widths) {
            head += &format!("  {heading:>width$}");
            row += &format!("  {count:>width$}");
        }
        format!("{head}\n{row}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_column() {
        let mut score = Score::default();
        score.count("kills");
        score.count("kills");
        score.violations.push(Kind::Doubled.because("twice"));
        let table = score.table("lmdb");
        let (head, row) = table.split_once('\n').unwrap();
        assert!(head.contains("kills") && head.ends_with("manual commands"));
        let cells: Vec<_> = row.split_whitespace().collect();
        assert_eq!(cells, ["lmdb", "2", "0", "1", "0", "0", "0", "0"]);
    }
}

//! The lines of one commit.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::bad::{BadLine, BadLineReason};
use super::identify::identify;
use super::lines::{Line, Position};
use super::versions::version_of;
use super::way_in::{FailedOnTheWay, Hurdle, Tries, Waiting};
use super::{ImportCounts, ImportSettings};
use crate::model::{Digest, Version};

/// Lines that were read and are not committed yet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// What has become of the lines so far.
    pub outcome: Outcome,
    /// The items, in the order of their lines.
    pub items: Vec<Pending>,
    bodies: Vec<u8>,
    /// How many lines, and bytes, were imported before.
    before: (u64, u64),
    /// Where each line ends.
    ends: Vec<Position>,
    /// The numbers of the lines with nothing on them.
    blank: Vec<u64>,
}

/// What has become of lines.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// How many there were of each kind.
    pub counts: ImportCounts,
    /// The bad ones.
    pub bad: Vec<BadLine>,
    /// What items wait for.
    pub hurdles: Vec<Waiting>,
    /// Those that failed on their way in.
    pub failures: Vec<FailedOnTheWay>,
    /// How those fared that went through migrations.
    pub tries: Tries,
}

/// An item that was read.
#[derive(Debug)]
pub(super) struct Pending {
    /// The number of its line.
    pub line: u64,
    /// Its id.
    pub id: String,
    /// The version whose shape it came in.
    pub version: Version,
    /// What is to be written of it.
    pub form: Form,
    body: Range<usize>,
}

/// What is to be written of an item.
#[derive(Debug, Default)]
pub(super) enum Form {
    /// The item as it came.
    #[default]
    AsItCame,
    /// The same: something keeps it from being brought up to its collection.
    Held(Arc<Hurdle>),
    /// The same: it failed on its way.
    Failed(Box<FailedOnTheWay>),
    /// It was brought up to its collection, and changed on the way, if so, by the version that is told.
    BroughtUp(Option<(Version, Bytes)>),
    /// Nothing: it was removed on its way.
    Removed,
}

impl Pending {
    /// The version that it is written with: where it was brought up that of the last step that changed it, so that one that
    /// was not changed is as it was before.
    pub fn stamp(&self) -> &Version {
        match &self.form {
            Form::BroughtUp(Some((version, _))) => version,
            _ => &self.version,
        }
    }

    /// Whether it has the version of its collection now.
    pub fn is_brought_up(&self) -> bool {
        matches!(self.form, Form::BroughtUp(_))
    }

    /// Whether nothing of it is to be written.
    pub fn is_removed(&self) -> bool {
        matches!(self.form, Form::Removed)
    }
}

impl Batch {
    /// The body that an item came with.
    pub fn came(&self, item: &Pending) -> &[u8] {
        &self.bodies[item.body.clone()]
    }

    /// The body that is to be written of an item.
    pub fn body<'b>(&'b self, item: &'b Pending) -> &'b [u8] {
        match &item.form {
            Form::BroughtUp(Some((_, body))) => body,
            _ => self.came(item),
        }
    }

    /// No lines, behind what was imported before.
    pub fn behind(counts: &ImportCounts) -> Self {
        Self {
            before: (counts.lines, counts.bytes),
            ..Self::default()
        }
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes its lines have.
    pub fn bytes(&self) -> u64 {
        let end = self.ends.last();
        end.map_or(0, |end| end.offset - self.before.1)
    }

    /// The digest of all that was read up to its end; `None` where it has no line.
    pub fn read(&self) -> Option<Digest> {
        self.ends.last().map(Position::digest)
    }

    /// Adds the next line. What is behind it is told by [`Batch::end_line`].
    pub fn push(&mut self, line: &Line<'_>, settings: &ImportSettings) {
        let number = self.before.0 + 1 + self.lines() as u64;
        let text = match line {
            Line::Text(text) => text,
            Line::TooLong(bytes) => {
                let limit = settings.body_bytes as u64;
                return self.refuse(
                    number,
                    None,
                    BadLineReason::TooLong {
                        bytes: *bytes,
                        limit,
                    },
                );
            }
        };
        if text.trim_ascii().is_empty() {
            self.blank.push(number);
            return;
        }
        let found = identify(text, &settings.id).and_then(|(body, id)| {
            Ok((id, version_of(body, settings).map_err(|why| (None, why))?))
        });
        match found {
            Ok((id, version)) => {
                let start = self.bodies.len();
                self.bodies.extend_from_slice(text);
                self.items.push(Pending {
                    line: number,
                    id,
                    version,
                    form: Form::default(),
                    body: start..self.bodies.len(),
                });
            }
            Err((column, reason)) => self.refuse(number, column, reason),
        }
    }

    /// Notes where the line that was added last ends.
    pub fn end_line(&mut self, end: Position) {
        self.ends.push(end);
    }

    /// Begins to count what becomes of its lines: so far that is known of bad and of blank ones.
    pub fn count(&mut self) {
        let bad = std::mem::take(&mut self.outcome.bad);
        self.outcome = Outcome::default();
        self.outcome.counts = ImportCounts {
            lines: self.lines() as u64,
            bytes: self.bytes(),
            blank: self.blank.len() as u64,
            bad: bad.len() as u64,
            ..ImportCounts::default()
        };
        self.outcome.bad = bad;
    }

    /// Keeps so many lines, of which nothing has become yet, and gives the others.
    pub fn split_off(&mut self, lines: usize) -> Self {
        let ends = self.ends.split_off(lines);
        let before = (self.before.0 + lines as u64, self.before.1 + self.bytes());
        let first = before.0 + 1;
        let at = self.items.partition_point(|item| item.line < first);
        let mut items = self.items.split_off(at);
        let from = items
            .first()
            .map_or(self.bodies.len(), |item| item.body.start);
        let bodies = self.bodies.split_off(from);
        for item in &mut items {
            item.body = item.body.start - from..item.body.end - from;
        }
        for item in items.iter_mut().chain(&mut self.items) {
            item.form = Form::default();
        }
        let at = self.outcome.bad.partition_point(|bad| bad.line < first);
        let bad = self.outcome.bad.split_off(at);
        let at = self.blank.partition_point(|line| *line < first);
        Self {
            outcome: Outcome {
                bad,
                ..Outcome::default()
            },
            items,
            bodies,
            before,
            ends,
            blank: self.blank.split_off(at),
        }
    }

    /// Notes a bad line.
    pub fn refuse(&mut self, line: u64, column: Option<u64>, reason: BadLineReason) {
        self.outcome.counts.bad += 1;
        self.outcome.bad.push(BadLine {
            line,
            column,
            reason,
        });
    }

    /// Notes of an item that is written where it stands: brought up, or waiting, and why.
    pub fn note_form(&mut self, index: usize, waits: bool) {
        let item = &self.items[index];
        let outcome = &mut self.outcome;
        outcome.counts.migrated += u64::from(item.is_brought_up());
        outcome.counts.waiting += u64::from(waits);
        match &item.form {
            Form::Held(hurdle) => Waiting::add(&mut outcome.hurdles, hurdle, 1),
            Form::Failed(failed) => {
                outcome.counts.failed += 1;
                outcome.failures.push(FailedOnTheWay::clone(failed));
            }
            Form::AsItCame | Form::BroughtUp(_) | Form::Removed => {}
        }
    }
}

//! The lines of one commit.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::bad::{BadLine, BadLineReason};
use super::identify::identify;
use super::lines::Line;
use super::versions::version_of;
use super::way_in::{FailedOnTheWay, Hurdle, Waiting};
use super::{ImportCounts, ImportSettings};
use crate::model::Version;

/// Lines that were read and are not committed yet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// What has become of the lines so far.
    pub outcome: Outcome,
    /// The items, in the order of their lines.
    pub items: Vec<Pending>,
    bodies: Vec<u8>,
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

    /// Adds the line with this number.
    pub fn push(&mut self, number: u64, line: &Line<'_>, settings: &ImportSettings) {
        self.outcome.counts.lines += 1;
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
            self.outcome.counts.blank += 1;
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

//! The lines of one commit.

use std::ops::Range;

use super::bad::{BadLine, BadLineReason};
use super::identify::identify;
use super::lines::Line;
use super::versions::version_of;
use super::{ImportCounts, ImportSettings};
use crate::model::Version;

/// Lines that were read and are not committed yet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// What has become of the lines so far.
    pub counts: ImportCounts,
    /// The bad ones.
    pub bad: Vec<BadLine>,
    /// The items, in the order of their lines.
    pub items: Vec<Pending>,
    bodies: Vec<u8>,
}

/// An item that was read.
#[derive(Debug)]
pub(super) struct Pending {
    /// The number of its line.
    pub line: u64,
    /// Its id.
    pub id: String,
    /// The version whose shape it has.
    pub version: Version,
    body: Range<usize>,
}

impl Batch {
    /// The body of an item.
    pub fn body(&self, item: &Pending) -> &[u8] {
        &self.bodies[item.body.clone()]
    }

    /// Adds the line with this number.
    pub fn push(&mut self, number: u64, line: &Line<'_>, settings: &ImportSettings) {
        self.counts.lines += 1;
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
            self.counts.blank += 1;
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
                    body: start..self.bodies.len(),
                });
            }
            Err((column, reason)) => self.refuse(number, column, reason),
        }
    }

    /// Notes a bad line.
    pub fn refuse(&mut self, line: u64, column: Option<u64>, reason: BadLineReason) {
        self.counts.bad += 1;
        self.bad.push(BadLine {
            line,
            column,
            reason,
        });
    }
}

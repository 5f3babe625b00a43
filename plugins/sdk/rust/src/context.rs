//! What a migration may ask of its host.

use std::fmt::Display;

use crate::host_side::{Connected, HostSide};
use crate::{Documents, Item};

/// Gives a migration what it may use beside the item itself: other documents, a log, facts about the run.
///
/// There is nothing else: no files, no network, no clock. In a test, [`testing::Host`](crate::testing::Host) makes one.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    host: &'a Connected,
    item: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// A context that is about no item yet.
    pub(crate) fn new(host: &'a Connected) -> Self {
        Self { host, item: None }
    }

    /// The same, about one item: what is logged names it.
    ///
    /// The context that [`migrate`](crate::Migration::migrate) gets is about its item already.
    pub fn about<'b>(&'b self, item: &'b Item<'_>) -> Context<'b> {
        Context {
            host: self.host,
            item: Some(item.id()),
        }
    }

    /// The same, about no item: what is logged names none.
    pub fn alone(&self) -> Self {
        Self {
            host: self.host,
            item: None,
        }
    }

    /// Other items, as far as the step asked for them and the operator granted it.
    pub fn documents(&self) -> Documents<'a> {
        Documents::new(self.host)
    }

    /// Facts about the run that this call belongs to.
    pub fn run(&self) -> Run {
        self.host.run()
    }

    /// Writes a line for those who look for a fault.
    pub fn debug(&self, message: impl Display) {
        self.log(Level::Debug, message);
    }

    /// Writes a line that is worth knowing.
    pub fn info(&self, message: impl Display) {
        self.log(Level::Info, message);
    }

    /// Writes a line about something that somebody should look at.
    pub fn warn(&self, message: impl Display) {
        self.log(Level::Warn, message);
    }

    /// Writes a line about something that went wrong.
    pub fn error(&self, message: impl Display) {
        self.log(Level::Error, message);
    }

    /// Writes a line for the operator; the host limits their rate and length.
    pub fn log(&self, level: Level, message: impl Display) {
        self.host.log(level, &message.to_string(), self.item);
    }
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For those who look for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// Somebody should look at it.
    Warn,
    /// Something went wrong.
    Error,
}

/// Facts about a run, the same for every batch of it and for every retry.
///
/// A migration that uses nothing else gives the same result each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The version that the application had before this migration; absent on a fresh store.
    pub from_version: Option<String>,
    /// Milliseconds since 1970-01-01T00:00:00Z at the moment when the run was first started.
    pub started_at: u64,
    /// Differs from run to run.
    pub seed: u64,
}

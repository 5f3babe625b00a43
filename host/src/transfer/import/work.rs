//! An import from its checkpoint to its end.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use super::batch::Batch;
use super::checkpoint::Checkpoint;
use super::lines::Lines;
use super::place::{self, Place};
use super::target::Target;
use super::way_in::{Brought, Passage};
use super::{ImportError, ImportReport, Importer};
use crate::model::{Digest, RunId};
use crate::run::RunError;
use crate::store::Lease;

/// An import under way.
pub(super) struct Work<'a> {
    importer: &'a Importer<'a>,
    lease: &'a mut Lease,
    lines: Lines<'a>,
    target: Target<'a>,
    /// Under what the checkpoint is kept.
    key: Option<Digest>,
    checkpoint: Checkpoint,
    resumed_behind: Option<u64>,
}

/// Why a batch has no further line.
enum Ending {
    Full,
    EndOfInput,
    Failed(io::Error),
}

impl<'a> Work<'a> {
    /// Checks that the import may take place, and finds out how far it has come.
    pub fn start(
        importer: &'a Importer<'a>,
        lease: &'a mut Lease,
        input: &'a mut dyn BufRead,
    ) -> Result<Self, ImportError> {
        let Importer {
            store, settings, ..
        } = *importer;
        let target = Target::find(store, settings)?;
        let key = settings.checkpoint_key();
        let record = match key.filter(|_| !settings.restart) {
            Some(key) => store.import(&key)?,
            None => None,
        };
        let digest = settings.digest();
        let found = record.and_then(|record| Checkpoint::parse(&record, digest));
        Ok(Self {
            importer,
            lease,
            lines: Lines::new(input, settings.body_bytes),
            target,
            key,
            resumed_behind: found.as_ref().map(|checkpoint| checkpoint.counts.lines),
            checkpoint: found.unwrap_or_else(|| Checkpoint::start(digest, importer.clock.now())),
        })
    }

    /// Imports what is left.
    pub fn carry_out(mut self) -> Result<ImportReport, ImportError> {
        if !self.skip_to_checkpoint()? {
            return Ok(self.report());
        }
        loop {
            let (batch, ending) = self.gather();
            if !self.put(batch, matches!(ending, Ending::EndOfInput))? {
                return Ok(self.report());
            }
            match ending {
                Ending::EndOfInput => {
                    return Ok(ImportReport {
                        done: true,
                        can_resume: false,
                        ..self.report()
                    });
                }
                Ending::Full if !self.proceed()? => return Ok(self.report()),
                Ending::Full => {}
                Ending::Failed(source) => return Err(self.unreadable(source)),
            }
        }
    }

    /// Waits while it is held; gives whether to go on.
    fn proceed(&mut self) -> Result<bool, ImportError> {
        let Importer {
            store,
            clock,
            control,
            ..
        } = *self.importer;
        Ok(control.proceed(|_| self.lease.keep(store, clock.now()))?)
    }

    fn report(&self) -> ImportReport {
        self.checkpoint
            .report(self.resumed_behind, self.key.is_some())
    }

    fn unreadable(&self, source: io::Error) -> ImportError {
        ImportError::Read {
            report: Box::new(self.report()),
            source,
        }
    }

    /// Reads over what was imported before, unless asked to stop; checks that it is the same.
    fn skip_to_checkpoint(&mut self) -> Result<bool, ImportError> {
        let end = self.checkpoint.counts.bytes;
        let Importer {
            store,
            clock,
            control,
            ..
        } = *self.importer;
        while self
            .lines
            .skip_towards(end)
            .map_err(|source| self.unreadable(source))?
        {
            if control.is_stopped() {
                return Ok(false);
            }
            self.lease.keep(store, clock.now())?;
        }
        if self.lines.digest() != self.checkpoint.read {
            return Err(ImportError::SourceChanged {
                lines: self.checkpoint.counts.lines,
            });
        }
        Ok(true)
    }

    /// Reads the lines of the next commit: until there are many, the end is reached, somebody asks
    /// to stop, or the lease is due, which slow input does not keep from being renewed.
    fn gather(&mut self) -> (Batch, Ending) {
        let Importer {
            settings,
            clock,
            control,
            ..
        } = *self.importer;
        let mut batch = Batch::behind(&self.checkpoint.counts);
        let ending = loop {
            match self.lines.next() {
                Ok(Some(line)) => batch.push(&line, settings),
                Ok(None) => break Ending::EndOfInput,
                Err(error) => break Ending::Failed(error),
            }
            batch.end_line(self.lines.position());
            let is_full = batch.lines() >= settings.batch_lines
                || batch.bytes() >= settings.batch_bytes as u64;
            if is_full || control.is_stopped() || self.lease.is_due(clock.now()) {
                break Ending::Full;
            }
        };
        (batch, ending)
    }

    /// Commits a batch, in parts where more becomes of it than is held at once. Gives whether it did, which it does not when it
    /// was asked to stop while items were brought up to their collection.
    fn put(&mut self, batch: Batch, is_last: bool) -> Result<bool, ImportError> {
        if batch.lines() == 0 && !is_last {
            return Ok(true);
        }
        let Importer {
            store, settings, ..
        } = *self.importer;
        let mut parts = vec![batch];
        while let Some(mut batch) = parts.pop() {
            batch.count();
            let places = place::places(store, settings, &batch)?;
            match self.bring_up(&places, &mut batch)? {
                Brought::Everything => {
                    self.commit(batch, places, is_last && parts.is_empty())?;
                    if !parts.is_empty() && !self.proceed()? {
                        return Ok(false);
                    }
                }
                Brought::TooMuch => {
                    let half = batch.lines().div_ceil(2);
                    parts.push(batch.split_off(half));
                    parts.push(batch);
                }
                Brought::Stopped => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Commits a batch with the checkpoint behind it; at the end the checkpoint is removed.
    fn commit(
        &mut self,
        mut batch: Batch,
        mut places: BTreeMap<String, Place>,
        is_last: bool,
    ) -> Result<(), ImportError> {
        let Importer {
            store,
            settings,
            clock,
            ..
        } = *self.importer;
        let now = clock.now();
        let mut write = store.write(RunId(0), None);
        // Lines of which none is good leave no collection behind; no lines at all do.
        let bad = self.checkpoint.counts.bad + batch.outcome.counts.bad;
        if !batch.items.is_empty() || (is_last && bad == 0) {
            self.target.ensure(&mut write, now)?;
        }
        place::decide_all(store, settings, &self.target, &mut batch, &mut places)?;
        let outcome = std::mem::take(&mut batch.outcome);
        let placed = place::put(settings, &self.target, &batch, places, &mut write)?;
        if placed.newest.is_some() {
            self.target.note_versions(&mut write, placed)?;
        }
        let read = batch.read().unwrap_or(self.checkpoint.read);
        let next = self.checkpoint.behind(outcome, read, settings.bad_lines);
        if let Some(key) = &self.key {
            let record = (!is_last).then(|| next.record());
            write.set_import(key, record.as_deref());
        }
        write.commit(self.lease, now)?;
        self.checkpoint = next;
        (self.importer.observer)(&self.checkpoint.counts);
        Ok(())
    }

    /// Brings items that are behind up to their collection, if there is a way.
    fn bring_up(
        &mut self,
        places: &BTreeMap<String, Place>,
        batch: &mut Batch,
    ) -> Result<Brought, ImportError> {
        let Importer {
            store,
            settings,
            clock,
            way_in: Some(way),
            ..
        } = *self.importer
        else {
            return Ok(Brought::Everything);
        };
        let passage = Passage {
            way,
            settings,
            target: &self.target,
            moment: self.checkpoint.moment(),
            before: self.checkpoint.tries,
        };
        let lease = &mut *self.lease;
        let mut keep_lease = || lease.keep(store, clock.now()).map_err(RunError::from);
        passage.bring_up(places, batch, &mut keep_lease)
    }
}

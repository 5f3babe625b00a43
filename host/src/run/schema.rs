//! Schema steps: what collections and indexes there are. Each may be repeated.

use super::pipeline::Ending;
use super::reads::Range;
use super::{RunError, Runner, index};
use crate::model::{Name, Operation, Phase, Progress, Stage};
use crate::store::{Collection, Index, Keeper, Lease, LeaseError, Write};

/// Carries out one operation from wherever it stands.
pub(super) fn carry_out(
    runner: &Runner<'_>,
    lease: &mut Lease,
    stage: &Stage,
    operation: &Operation,
    keeper: Keeper,
    progress: Progress,
) -> Result<Ending, RunError> {
    let mut step = SchemaStep {
        runner,
        lease,
        stage,
        keeper,
        progress,
    };
    match operation {
        Operation::CreateCollection { collection, opaque } => {
            let mut write = step.write();
            step.ensure_collection(&mut write, collection, *opaque)?;
            step.commit(write, true)?;
            Ok(Ending::Done)
        }
        Operation::EnsureIndex {
            collection,
            pointer,
        } => step.ensure_index(collection, pointer),
        Operation::DropIndex {
            collection,
            pointer,
        } => step.drop_index(collection, pointer),
    }
}

struct SchemaStep<'a> {
    runner: &'a Runner<'a>,
    lease: &'a mut Lease,
    stage: &'a Stage,
    keeper: Keeper,
    progress: Progress,
}

impl<'a> SchemaStep<'a> {
    fn write(&self) -> Write<'a> {
        self.runner.store.write(self.keeper.run, Some(self.keeper))
    }

    fn commit(&mut self, mut write: Write<'_>, done: bool) -> Result<(), RunError> {
        self.progress.done = done;
        let Keeper { run, step, .. } = self.keeper;
        write.set_progress(run, step, &self.progress);
        Ok(write.commit(self.lease, self.runner.clock.now())?)
    }

    /// The collection's record, which is created where there is none.
    fn ensure_collection(
        &self,
        write: &mut Write<'_>,
        collection: &Name,
        opaque: bool,
    ) -> Result<Collection, RunError> {
        if let Some(record) = write.collection(collection)? {
            if record.app != self.stage.app {
                return Err(RunError::ForeignCollection {
                    step: "create-collection".parse().expect("it is a name"),
                    collection: collection.clone(),
                    owner: record.app.clone(),
                });
            }
            return Ok(record.clone());
        }
        let version = Some(self.stage.version.clone());
        let record = Collection {
            opaque,
            ..Collection::new(self.stage.app.clone(), version)
        };
        write.set_collection(collection, record.clone())?;
        Ok(record)
    }

    fn ensure_index(&mut self, collection: &Name, pointer: &str) -> Result<Ending, RunError> {
        let mut write = self.write();
        let mut record = self.ensure_collection(&mut write, collection, false)?;
        let index = index::define(&mut record, pointer);
        if index.ready {
            self.commit(write, true)?;
            return Ok(Ending::Done);
        }
        write.set_collection(collection, record)?;
        self.commit(write, false)?;
        let Runner { store, clock, .. } = self.runner;
        index::beside(store, self.lease, *clock, &|relational| {
            relational.ensure_index(collection, pointer)
        })?;
        if store.is_attached(collection) {
            let mut write = self.write();
            write.change_collection(collection, |record| {
                index::set_ready(record, index.number, true);
            })?;
            self.commit(write, true)?;
            return Ok(Ending::Done);
        }
        // As in `Runner::shared`.
        if self.stage.phase == Phase::Online && !store.is_shadow() {
            self.lease.open(store, clock.now())?;
        }
        let ending = self.build(collection, &index);
        let closed = self.lease.close(store, *clock);
        let ending = ending?;
        closed?;
        Ok(ending)
    }

    /// Writes the entries of an index, page by page.
    fn build(&mut self, collection: &Name, index: &Index) -> Result<Ending, RunError> {
        let mut size = index::PAGE;
        while !self.progress.done {
            let lease = &mut *self.lease;
            let keep_lease = || Ok(self.runner.keep_lease(lease)?);
            if !self.runner.proceed(keep_lease)? {
                return Ok(Ending::Stopped);
            }
            let after = self.progress.after.as_deref();
            let page = index::entries_behind(self.runner.store, collection, index, after, size)?;
            // The fewer items, the sooner there is a moment in which nobody writes one of them.
            size = match self.commit_page(collection, index, &page)? {
                true => index::PAGE.min(size * 2),
                false => (size / 2).max(1),
            };
        }
        Ok(Ending::Done)
    }

    /// Commits a page of entries; `false` where the application has written one of its items meanwhile, so that it is to be
    /// read again.
    fn commit_page(
        &mut self,
        collection: &Name,
        index: &Index,
        page: &index::Page,
    ) -> Result<bool, RunError> {
        let before = self.progress.clone();
        loop {
            let mut write = self.write();
            let entries = page.entries.iter();
            entries.for_each(|entry| write.add_index_entry(entry));
            self.progress.counts.written += page.entries.len() as u64;
            self.progress.after.clone_from(&page.after);
            if page.is_last
                && let Some(mut record) = write.collection(collection)?.cloned()
            {
                index::set_ready(&mut record, index.number, true);
                write.set_collection(collection, record)?;
            }
            match self.commit(write, page.is_last) {
                Err(RunError::Lease(LeaseError::Written)) => {}
                result => return result.map(|()| true),
            }
            self.progress.clone_from(&before);
            let fed = Range {
                collection: collection.clone(),
                after: before.after.clone(),
                upto: page.after.clone().filter(|_| !page.is_last),
            };
            let changed = self.lease.catch_up(self.runner.store)?;
            let is_touched = |(name, id): &(Name, String)| fed.contains(name, id);
            if changed.is_none_or(|changed| changed.iter().any(is_touched)) {
                return Ok(false);
            }
        }
    }

    fn drop_index(&mut self, collection: &Name, pointer: &str) -> Result<Ending, RunError> {
        let mut write = self.write();
        let record = write.collection(collection)?.cloned();
        let found = record.and_then(|record| {
            let index = record
                .indexes
                .iter()
                .find(|index| index.pointer == pointer)?
                .clone();
            Some((record, index))
        });
        let Some((mut record, index)) = found else {
            self.commit(write, true)?;
            return Ok(Ending::Done);
        };
        // Nobody may query it while its entries disappear.
        index::set_ready(&mut record, index.number, false);
        write.set_collection(collection, record)?;
        self.commit(write, false)?;
        let Runner { store, clock, .. } = self.runner;
        index::beside(store, self.lease, *clock, &|relational| {
            relational.drop_index(collection, pointer)
        })?;
        let is_online = self.stage.phase == Phase::Online && !store.is_shadow();
        // The application may write meanwhile, and the entries that it makes are cleared at last.
        for shares in [is_online, false] {
            self.lease.share(store, clock.now(), shares)?;
            index::clear(store, self.lease, *clock, collection, index.number)?;
        }
        let mut write = self.write();
        if let Some(mut record) = write.collection(collection)?.cloned() {
            record.indexes.retain(|other| other.number != index.number);
            write.set_collection(collection, record)?;
        }
        self.commit(write, true)?;
        Ok(Ending::Done)
    }
}

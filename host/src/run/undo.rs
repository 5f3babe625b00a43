//! The way back: what was there before a run.
//!
//! Steps are undone in reverse order. Putting an item back and forgetting its pre-image is one
//! commit, so that what is left to do is always what pre-images are left.

mod check;
mod collections;

use std::ops::ControlFlow;

use serde::Serialize;

use super::runner::{STAGE_END, step_number};
use super::{Control, Observer, RunError, RunEvent};
use crate::model::{Clock, Event, Name, Purpose, Run, RunId, RunState, Timestamp};
use crate::store::{
    ItemRecord, Lease, LeaseError, Store, StoreError, Write, is_of_item, key, parse_apart,
};
use check::check;

/// How many pre-images are put back in one commit.
const PAGE_ITEMS: usize = 1_000;
/// How many bytes of pre-images are put back in one commit, but for a larger one alone.
const PAGE_BYTES: usize = 256 << 10;
/// What is there now is read of so many keys at once, at first and at most, and of so many bytes where the last ones tell what
/// the next ones are like.
const AT_ONCE: (usize, usize) = (8, 200);
const AT_ONCE_BYTES: usize = 2 << 20;
/// How many changed items an error names.
const NAMED: usize = 10;
/// How much was put back is told so often, in milliseconds.
const TOLD_EVERY: u64 = 1_000;

/// What an undo did.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// use godwit::model::RunId;
/// use godwit::run::{ChangedItems, Control, Quiet};
///
/// let report = host.undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default())?;
/// assert!(report.done);
/// assert_eq!((report.restored, report.left), (0, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct UndoReport {
    /// Items put back, or deleted where the run had created them.
    pub restored: u64,
    /// Items left as they are since they were changed after the run.
    pub left: u64,
    /// Whether everything is put back; otherwise it was asked to stop, and `undo` goes on.
    pub done: bool,
}

/// What to do about items that were changed after the run.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// use godwit::model::RunId;
/// use godwit::run::{ChangedItems, Control, Quiet};
///
/// assert_eq!(ChangedItems::default(), ChangedItems::Refuse);
/// let report = host.undo(RunId(1), ChangedItems::Leave, &Quiet, &Control::default())?;
/// println!("{} items stay as they are", report.left);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChangedItems {
    /// Change nothing at all and name them.
    #[default]
    Refuse,
    /// Leave them as they are and put back the others.
    Leave,
}

/// Puts back what a run changed, byte for byte, or goes on doing so.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// use godwit::model::RunId;
/// use godwit::run::{ChangedItems, Control, Quiet, undo};
///
/// let mut lease = host.lease("undo")?;
/// let (store, clock, control) = (host.store(), &*host.surroundings().clock, Control::default());
/// let report = undo(store, &mut lease, clock, &Quiet, &control, RunId(1), ChangedItems::Refuse)?;
/// assert!(report.done);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`RunError::ChangedSince`] when items were changed after the run, [`RunError::NotUndoable`] when
/// something else forbids it. Nothing was changed then.
pub fn undo(
    store: &Store,
    lease: &mut Lease,
    clock: &dyn Clock,
    observer: &dyn Observer,
    control: &Control,
    id: RunId,
    changed: ChangedItems,
) -> Result<UndoReport, RunError> {
    let mut run = store.run(id)?.ok_or(RunError::NoRun(id))?;
    if run.state == RunState::Undone {
        // Perhaps the process that did so died before it could say.
        return Ok(UndoReport {
            done: true,
            ..UndoReport::default()
        });
    }
    let resumed = run.state == RunState::Undoing;
    if !resumed {
        check(store, &run, changed)?;
        run.state = RunState::Undoing;
        (run.reason, run.changed_at) = (None, clock.now());
        let mut write = store.write(id, None);
        write.set_run(&run);
        write.commit(lease, clock.now())?;
    }
    observer.event(&RunEvent::UndoStarted {
        run: run.clone(),
        resumed,
    });
    let mut undo = Undo {
        store,
        lease,
        clock,
        observer,
        control,
        run,
        report: UndoReport::default(),
        told: clock.now(),
    };
    undo.carry_out()?;
    observer.event(&RunEvent::Ended { run: undo.run });
    Ok(undo.report)
}

/// Forgets the pre-images of a run, which can then no longer be undone. Of one that keeps none there is nothing to forget.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// use godwit::model::RunId;
/// use godwit::run::prune;
///
/// let mut lease = host.lease("prune")?;
/// let (store, clock) = (host.store(), &*host.surroundings().clock);
/// let dropped = prune(store, &mut lease, clock, RunId(1))?;
/// println!("{dropped} pre-images are gone");
/// assert!(store.run(RunId(1))?.is_some_and(|run| !run.has_pre_images));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`RunError`] when there is no such run, or it is unfinished.
pub fn prune(
    store: &Store,
    lease: &mut Lease,
    clock: &dyn Clock,
    id: RunId,
) -> Result<u64, RunError> {
    let mut run = store.run(id)?.ok_or(RunError::NoRun(id))?;
    if !run.keeps_pre_images {
        return Ok(0);
    }
    if run.state.is_unfinished() || run.state == RunState::Undoing {
        return Err(RunError::NotPrunable(Box::new(run)));
    }
    if run.has_pre_images {
        run.has_pre_images = false;
        let mut write = store.write(id, None);
        write.set_run(&run);
        write.commit(lease, clock.now())?;
    }
    drop_pre_images(store, lease, clock, id)
}

/// Drops what is under the keys of a run's pre-images; gives how many there were. It may be repeated.
pub(super) fn drop_pre_images(
    store: &Store,
    lease: &mut Lease,
    clock: &dyn Clock,
    id: RunId,
) -> Result<u64, RunError> {
    let mut dropped = 0;
    loop {
        let page = page(store, &key::pre_images(id))?;
        if page.is_empty() {
            return Ok(dropped);
        }
        let mut write = store.write(id, None);
        page.iter()
            .for_each(|kept| write.drop_pre_image(&kept.place));
        write.commit(lease, clock.now())?;
        dropped += page.len() as u64;
    }
}

/// A pre-image, read.
struct Kept {
    /// Its own key.
    place: Vec<u8>,
    /// The key that was changed.
    key: Vec<u8>,
    before: Option<Vec<u8>>,
    /// Whether the step left something.
    left: bool,
}

fn page(store: &Store, range: &key::KeyRange) -> Result<Vec<Kept>, StoreError> {
    let (mut page, mut bytes) = (Vec::new(), 0);
    store.each_pre_image(range, &mut |place, _, key, kept| {
        bytes += kept.before.map_or(0, <[u8]>::len);
        if !page.is_empty() && (bytes > PAGE_BYTES || page.len() == PAGE_ITEMS) {
            return ControlFlow::Break(());
        }
        let before = kept.before.map(<[u8]>::to_vec);
        page.push(Kept {
            place: place.to_vec(),
            key: key.to_vec(),
            before,
            left: kept.left,
        });
        ControlFlow::Continue(())
    })?;
    Ok(page)
}

/// Visits pre-images with what there is now under their keys.
fn each_with_current(
    store: &Store,
    page: &[Kept],
    mut visit: impl FnMut(&Kept, Option<&[u8]>) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let (mut rest, mut most) = (page, AT_ONCE.0);
    while !rest.is_empty() {
        let (some, behind) = rest.split_at(most.min(rest.len()));
        let keys: Vec<_> = some.iter().map(|kept| kept.key.as_slice()).collect();
        let mut bytes = 0;
        for (kept, current) in some.iter().zip(store.backend().get_all(&keys)?) {
            bytes += current.as_ref().map_or(0, Vec::len);
            visit(kept, current.as_deref())?;
        }
        let each = (bytes / some.len()).max(1);
        most = (most * 2).min(AT_ONCE.1).min(AT_ONCE_BYTES / each).max(1);
        rest = behind;
    }
    Ok(())
}

/// Whether no earlier step of the run changed the same key: an item is counted once.
fn is_first(store: &Store, run: &Run, kept: &Kept) -> Result<bool, StoreError> {
    for number in step_numbers(run) {
        let place = key::pre_image(run.id, number, &kept.key);
        if store.backend().get(&place)?.is_some() {
            return Ok(place == kept.place);
        }
    }
    Ok(true)
}

/// The number under which a run keeps what it found before its first step.
pub(super) const BEFORE: u32 = u32::MAX;

/// The numbers under which a run may have kept pre-images, in order.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet, step_number, step_numbers};
///
/// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
/// let numbers = step_numbers(&reports[0].run);
/// assert!(numbers.contains(&step_number(0, 0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn step_numbers(run: &Run) -> Vec<u32> {
    let stages = run.plan.stages.iter().enumerate();
    let steps = stages.flat_map(|(number, stage)| {
        let steps = (0..stage.steps.len()).map(move |place| step_number(number, place));
        steps.chain([step_number(number, STAGE_END)])
    });
    let end = step_number(run.plan.stages.len(), STAGE_END);
    [BEFORE].into_iter().chain(steps).chain([end]).collect()
}

struct Undo<'a> {
    store: &'a Store,
    lease: &'a mut Lease,
    clock: &'a dyn Clock,
    observer: &'a dyn Observer,
    control: &'a Control,
    run: Run,
    report: UndoReport,
    /// When it was told how much was put back.
    told: Timestamp,
}

impl Undo<'_> {
    fn carry_out(&mut self) -> Result<(), RunError> {
        for number in step_numbers(&self.run).into_iter().rev() {
            // Items first, so that collections that the run created are empty when it is their turn.
            for tags in [
                (key::tag::COLLECTION + 1, u8::MAX),
                (0, key::tag::COLLECTION + 1),
            ] {
                let from = key::pre_image(self.run.id, number, &[tags.0]);
                let range = (from, key::pre_image(self.run.id, number, &[tags.1]));
                if !self.step(&range)? {
                    return Ok(());
                }
            }
        }
        self.finish()
    }

    /// Puts back the pre-images of a range; `false` when it was asked to stop.
    fn step(&mut self, range: &key::KeyRange) -> Result<bool, RunError> {
        loop {
            let keep_lease = || self.lease.keep(self.store, self.clock.now());
            if !self.control.proceed_telling(self.observer, keep_lease)? {
                return Ok(false);
            }
            let page = page(self.store, range)?;
            if page.is_empty() {
                return Ok(true);
            }
            let before = self.report.clone();
            let mut write = self.store.write(self.run.id, None);
            each_with_current(self.store, &page, |kept, current| {
                self.restore(&mut write, kept, current)?;
                write.drop_pre_image(&kept.place);
                Ok(())
            })?;
            match write.commit(self.lease, self.clock.now()) {
                // The application has written a row of its table meanwhile: that is somebody else's now.
                Err(LeaseError::Store(StoreError::Conflict { key })) if is_of_item(&key) => {
                    self.report = before;
                    continue;
                }
                done => done?,
            }
            self.tell();
        }
    }

    /// Tells how much was put back, if that was not told of late.
    fn tell(&mut self) {
        let now = self.clock.now();
        if now.since(self.told) < TOLD_EVERY {
            return;
        }
        self.told = now;
        self.observer.event(&RunEvent::PutBack {
            run: self.run.id,
            restored: self.report.restored,
            left: self.report.left,
        });
    }

    fn restore(
        &mut self,
        write: &mut Write<'_>,
        kept: &Kept,
        current: Option<&[u8]>,
    ) -> Result<(), RunError> {
        let before = kept.before.as_deref();
        match kept.key[0] {
            key::tag::ITEM => {
                let Some((collection, id)) = key::parse_item(&kept.key) else {
                    return Ok(());
                };
                // A row that the step left, and that is gone, is gone by the application's own wish.
                let is_gone = kept.left && current.is_none() && self.store.is_attached(&collection);
                if is_gone || self.is_foreign(current)? {
                    self.report.left += u64::from(is_first(self.store, &self.run, kept)?);
                    return Ok(());
                }
                self.report.restored += 1;
                Ok(write.restore_item(&collection, id, current, before)?)
            }
            key::tag::APART => {
                let Some((collection, id)) = key::parse_item(&kept.key) else {
                    return Ok(());
                };
                if self.is_outdated(&collection, id, before)? {
                    return Ok(());
                }
                Ok(write.restore_apart(&collection, id, current, before)?)
            }
            key::tag::COLLECTION => self.restore_collection(write, kept),
            _ => Ok(()),
        }
    }

    /// Whether an entry says of an item that it is older than it is by now: somebody else replaced
    /// it after the run.
    fn is_outdated(
        &self,
        collection: &Name,
        id: &str,
        apart: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        let item = self.store.item_record(collection, id)?;
        let (Some(item), Some(apart)) = (item, apart) else {
            return Ok(false);
        };
        let (item, apart) = (ItemRecord::parse(&item)?, parse_apart(apart)?);
        Ok(item.writer != self.run.id && item.stamp()? > apart.version)
    }

    /// Whether an item was written by somebody else after the run.
    fn is_foreign(&self, current: Option<&[u8]>) -> Result<bool, StoreError> {
        let Some(current) = current else {
            return Ok(false);
        };
        Ok(ItemRecord::parse(current)?.writer != self.run.id)
    }

    /// Has applied again what a way back had taken back.
    fn reinstate(&self, write: &mut Write<'_>, now: Timestamp) -> Result<(), StoreError> {
        let facts = self.store.history()?.0;
        for fact in facts.iter().rev() {
            let Event::Reverted { phase, run } = fact.event else {
                continue;
            };
            if run == self.run.id {
                let event = Event::Reinstated { phase, run };
                write.add_history(now, &fact.app, &fact.version, event)?;
            }
        }
        Ok(())
    }

    /// Takes the run's facts back, the last one first.
    fn finish(&mut self) -> Result<(), RunError> {
        let now: Timestamp = self.clock.now();
        let mut write = self.store.write(self.run.id, None);
        let apps = self.store.history()?.apps();
        if self.run.purpose == Purpose::Down {
            self.reinstate(&mut write, now)?;
        }
        for stage in self.run.plan.stages.iter().rev() {
            let applied = apps
                .get(&stage.app)
                .and_then(|app| app.applied.get(&stage.version));
            let by = applied.and_then(|applied| applied.phases.get(&stage.phase));
            if by == Some(&self.run.id) {
                let event = Event::Undone {
                    phase: stage.phase,
                    run: self.run.id,
                };
                write.add_history(now, &stage.app, &stage.version, event)?;
            }
        }
        self.run.state = RunState::Undone;
        (self.run.changed_at, self.run.has_pre_images) = (now, false);
        write.set_run(&self.run);
        self.store.drop_ranges(&mut write, self.run.id)?;
        write.commit(self.lease, now)?;
        self.report.done = true;
        Ok(())
    }
}

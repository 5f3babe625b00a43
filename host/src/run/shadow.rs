//! What comes before and beside the steps of a shadow run: collections are copied into its generation, and what the
//! application writes to the live ones meanwhile is brought there, to be migrated like everything else.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use super::control::LEASE_CHECK;
use super::pace::{Done, Round};
use super::undo::{BEFORE, step_numbers};
use super::{Control, Observer, RunError, RunEvent};
use crate::model::{Apart, Clock, Name, Run, RunId, Version};
use crate::store::{ItemRecord, Lease, Note, Shadow, Store, Write, apart_record, parse_apart};

/// How many items, and bytes of them, are copied in one commit.
const COPIED: (usize, usize) = (2_000, 4 << 20);
/// How many writes are followed in one commit.
const FOLLOWED: usize = 500;

/// Brings a shadow run's generation up to the live one.
///
/// ```
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// # host.up(&godwit::plan::Goal::default(), &godwit::run::Quiet, &godwit::run::Control::default())?;
/// # let notes: godwit::model::Name = "notes".parse()?;
/// # host.put(&notes, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
/// use godwit::run::{Control, Follower, Quiet};
///
/// let mut lease = host.lease("up --shadow")?;
/// let (live, clock) = (host.store(), &*host.surroundings().clock);
/// let mut shadow = live.begin_shadow(&mut lease, clock.now(), (None, None), vec![notes])?;
/// let follower = Follower {
///     live,
///     own: &live.shadowed(),
///     clock,
///     observer: &Quiet,
///     control: &Control::default(),
/// };
/// assert!(follower.copy(&mut lease, &mut shadow)?);
/// assert_eq!(shadow.collections[0].items, 1);
/// assert_eq!(follower.follow(&mut lease, &mut shadow)?, Some(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Follower<'a> {
    /// The store, as the application sees it.
    pub live: &'a Store,
    /// The same, as the shadow run does.
    pub own: &'a Store,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Who is told what happens.
    pub observer: &'a dyn Observer,
    /// How it is asked to stop.
    pub control: &'a Control,
}

impl Follower<'_> {
    /// Copies what is left to be copied of the collections; `false` when it was asked to stop.
    ///
    /// # Errors
    /// [`RunError`] when the lease or the store is lost.
    pub fn copy(&self, lease: &mut Lease, shadow: &mut Shadow) -> Result<bool, RunError> {
        for place in 0..shadow.collections.len() {
            let name = shadow.collections[place].name.clone();
            let (mut rest, mut pages) = (None, 0);
            while !shadow.collections[place].done {
                if !self.proceed(lease)? {
                    return Ok(false);
                }
                let before = Done::new(shadow.collections[place].items, pages);
                // A page is a round.
                let round = Round::new(rest, self.clock.now(), before, 0);
                self.copy_page(lease, shadow, place)?;
                pages += 1;
                let copied = &shadow.collections[place];
                self.observer.event(&RunEvent::Copied {
                    collection: name.clone(),
                    items: copied.items,
                    total: self.live.tallies(&name)?.items.max(copied.items),
                    done: copied.done,
                });
                let (pacing, after) = (self.control.pacing(), Done::new(copied.items, pages));
                let due = round.end(&pacing, self.clock.now(), after);
                self.rest(lease, due.left)?;
                rest = Some(due);
            }
        }
        Ok(true)
    }

    fn copy_page(
        &self,
        lease: &mut Lease,
        shadow: &mut Shadow,
        place: usize,
    ) -> Result<(), RunError> {
        let copied = &mut shadow.collections[place];
        let name = copied.name.clone();
        let (mut page, mut bytes, mut is_last) = (Vec::new(), 0, true);
        let after = copied.after.take();
        self.live
            .each_item(&name, after.as_deref(), &mut |id, record| {
                let more = record.header.len() + record.body.len();
                if !page.is_empty() && (page.len() == COPIED.0 || bytes + more > COPIED.1) {
                    is_last = false;
                    return ControlFlow::Break(());
                }
                bytes += more;
                page.push((id.to_owned(), [record.header, record.body].concat()));
                ControlFlow::Continue(())
            })?;
        let has_aparts = self.live.tallies(&name)?.apart() > 0;
        copied.items += page.len() as u64;
        copied.done = is_last;
        copied.after = page.last().map(|(id, _)| id.clone()).or(after);
        let mut write = self.own.write(RunId(0), None);
        for (id, record) in page {
            if has_aparts && let Some(apart) = self.live.apart_record(&name, &id)? {
                write.restore_apart(&name, &id, None, Some(&apart))?;
            }
            write.copy_item(&name, &id, record)?;
        }
        write.set_shadow(shadow);
        Ok(write.commit(lease, self.clock.now())?)
    }

    /// Brings every item that the application wrote to the generation: as it is in the live one, to wait for being brought up
    /// to date. What runs of the shadow did to it before is forgotten, so that an undo gives the application's own word back.
    /// Gives how many writes that were; `None` when it was asked to stop.
    ///
    /// # Errors
    /// [`RunError`] when the lease or the store is lost.
    pub fn follow(&self, lease: &mut Lease, shadow: &mut Shadow) -> Result<Option<u64>, RunError> {
        let runs = self.own.runs()?.into_iter();
        let runs: Vec<_> = runs.filter(|run| shadow.is_own(run.id)).collect();
        let runs: Vec<_> = runs.iter().map(|run| (run, step_numbers(run))).collect();
        // What comes while this goes on is left to the next time: otherwise it might never end.
        let last = self.live.last_written()?.unwrap_or_default();
        let before = shadow.followed;
        while shadow.followed < last {
            if !self.proceed(lease)? {
                return Ok(None);
            }
            let page = self.live.written_behind(shadow.followed, last, FOLLOWED)?;
            let mut write = self.own.write(RunId(0), None);
            let (mut items, mut bytes) = (BTreeSet::new(), 0);
            for Note { number, item } in page {
                if bytes > COPIED.1 {
                    break;
                }
                let (collection, id) = &item;
                if shadow.has(collection) && !items.contains(&item) {
                    bytes += self.bring(&mut write, &runs, collection, id)?;
                }
                items.insert(item);
                write.forget_written(number);
                shadow.followed = number;
            }
            write.set_shadow(shadow);
            write.commit(lease, self.clock.now())?;
        }
        let followed = shadow.followed - before;
        if followed > 0 {
            let event = RunEvent::Followed { writes: followed };
            self.observer.event(&event);
        }
        Ok(Some(followed))
    }

    /// Makes an item in the generation what it is in the live one, and gives its bytes.
    fn bring(
        &self,
        write: &mut Write<'_>,
        runs: &[(&Run, Vec<u32>)],
        collection: &Name,
        id: &str,
    ) -> Result<usize, RunError> {
        let read = |store: &Store| {
            let item = store.item_record(collection, id)?;
            Ok::<_, RunError>((item, store.apart_record(collection, id)?))
        };
        let ((new, new_apart), (old, old_apart)) = (read(self.live)?, read(self.own)?);
        if new.is_some() && (&new, &new_apart) == (&old, &old_apart) {
            // It was written before it was copied, and nothing came of it or nothing was done yet. What is known of its
            // collection was noted when the copy began.
            note_versions(write, collection, new.as_deref(), new_apart.as_deref())?;
            return Ok(0);
        }
        for (run, steps) in runs {
            write.forget_pre_images(run, steps, collection, id);
        }
        write.restore_item(collection, id, old.as_deref(), new.as_deref())?;
        let waits = match (&new, &new_apart) {
            (Some(new), None) => self.waiting(write, collection, id, new)?,
            (Some(_), Some(_)) | (None, _) => None,
        };
        let entry = waits.as_ref().map(apart_record);
        let entry = entry.or(new_apart);
        if entry.is_some() || old_apart.is_some() {
            write.restore_apart(collection, id, old_apart.as_deref(), entry.as_deref())?;
        }
        if let (Some(_), Some((run, _))) = (&waits, runs.first()) {
            write.keep_no_apart(run, BEFORE, collection, id);
        }
        note_versions(write, collection, new.as_deref(), entry.as_deref())?;
        Ok(new.map_or(0, |new| new.len()))
    }

    /// The entry of an item that is older than what its collection is in the generation, or is on the way to.
    fn waiting(
        &self,
        write: &mut Write<'_>,
        collection: &Name,
        id: &str,
        record: &[u8],
    ) -> Result<Option<Apart>, RunError> {
        let stamp = ItemRecord::parse(record)?.stamp()?;
        let version = self.live.version_of(collection, id, stamp)?;
        let Some(known) = write.collection(collection)? else {
            return Ok(None);
        };
        let on_the_way = known.under_way.iter().map(|under_way| &under_way.version);
        let highest: Option<&Version> = on_the_way.chain(known.level.as_ref()).max();
        let waits = highest.is_some_and(|highest| version < *highest);
        Ok(waits.then_some(Apart {
            version,
            next: None,
            failure: None,
        }))
    }

    fn proceed(&self, lease: &mut Lease) -> Result<bool, RunError> {
        Ok(self
            .control
            .proceed(|_| lease.keep(self.live, self.clock.now()))?)
    }

    fn rest(&self, lease: &mut Lease, mut left: Duration) -> Result<(), RunError> {
        while !left.is_zero() {
            let time = left.min(LEASE_CHECK);
            if !self.control.rest(time) {
                break;
            }
            left -= time;
            lease.keep(self.live, self.clock.now())?;
        }
        Ok(())
    }
}

/// Has a collection know of an item's version, if there is one, and whether the item waits.
fn note_versions(
    write: &mut Write<'_>,
    collection: &Name,
    item: Option<&[u8]>,
    apart: Option<&[u8]>,
) -> Result<(), RunError> {
    let Some(item) = item else {
        return Ok(());
    };
    let stamp = ItemRecord::parse(item)?.stamp()?;
    let apart = apart.map(parse_apart).transpose()?;
    let waits = apart.filter(|apart| apart.failure.is_none());
    write.change_collection(collection, |known| {
        known.note_versions(Some(stamp), waits.map(|apart| apart.version));
    })?;
    Ok(())
}

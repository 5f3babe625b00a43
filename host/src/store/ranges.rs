//! Steps that several workers carry out: a collection in ranges of ids, each with a checkpoint and an owner of its own.
//!
//! A step that is in ranges has a [`Division`], which lists where they begin, and a record for each. They follow each other
//! without a gap: each goes from where it begins (exclusive) to where the next one does (inclusive), the last one to the
//! end. Steps that are carried out in one pass have one division, that of the first of them, and one checkpoint in each range.
//!
//! Whoever owns a range commits its items together with its record, and only if that is as he left it: it has a number that grows
//! with every owner, and his random nonce. It expires by the store's clock, and is renewed with every commit.
//!
//! Owners hold no lease of the store, but own ranges only of a run that is carried out under a lease that says so
//! ([`Lease::acquire_joint`]). Whoever takes that lease for anything else waits for them to end, or disowns those that have expired,
//! in the same commit.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::key::{self, tag};
use super::lease::{Claim, Holder, Lease, LeaseError, left};
use super::{Commit, Store, StoreError, Write, record};
use crate::model::{Clock, Counts, Digest, Name, Progress, RunId, Timestamp};

/// How often somebody who was overtaken by others tries to take a range.
const TRIES: u32 = 20;

/// What must be the same of all who carry a step out, so that they do the same to items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Engine {
    /// The component: that of the run's plan.
    pub component: Digest,
    /// What carries it out, within which limits, and what it may see.
    pub host: String,
}

/// What a step in ranges is for, and where its ranges begin.
///
/// Ids have at least one byte, so that an empty one stands for the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Division {
    /// Raised when somebody who works alone has disowned all ranges.
    epoch: u64,
    /// What must be the same of all who carry it out, for each of its steps.
    engines: Vec<Engine>,
    /// The number of the lease whose holder has said so: nobody else takes a range before the present one has.
    lease: u64,
    /// Whether the application writes meanwhile: then nobody takes a range before that is noted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    online: bool,
    /// The steps that are carried out in the same pass, behind the one whose division it is, by their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<u32>,
    /// Where they begin, in order: behind these ids.
    pub starts: Vec<String>,
}

/// How ranges are carried out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    /// What must be the same of all who carry them out, for each of the steps.
    pub engines: &'a [Engine],
    /// The number of the lease under which they are.
    pub lease: u64,
    /// Whether the application writes meanwhile.
    pub online: bool,
}

/// A range, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Range {
    /// How many owners it has had, and has been taken from.
    number: u64,
    /// The last id that belongs to it; `None`: the last one there is.
    upto: Option<String>,
    progress: Progress,
    /// What became of items in the steps that are carried out in the same pass, behind the first one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    also: Vec<Counts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    nonce: u64,
    holder: Holder,
    expires_at: Timestamp,
    duration: u64,
}

impl Owner {
    /// How many milliseconds are left; 0 where its process is known to have ended.
    fn left(&self, now: Timestamp, is_gone: &dyn Fn(&Holder) -> bool) -> u64 {
        match left(self.expires_at, self.duration, now) {
            0 => 0,
            _ if is_gone(&self.holder) => 0,
            left => left,
        }
    }
}

/// What somebody finds who wants a range.
#[derive(Debug)]
pub(crate) enum Taken {
    /// One that nobody else had.
    Range(Box<RangeLease>),
    /// All that are not done are others'.
    NoneFree,
    /// All are done.
    AllDone,
    /// Who carries it out has these, and others might come to other results.
    OtherEngines(Vec<Engine>),
    /// The step is not in ranges, or nobody carries its run out.
    Closed,
}

/// Why a step cannot go on in ranges.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Why<'a> {
    /// It failed.
    Failed(&'a str),
    /// Of several in one pass, that of this place has to go on alone.
    Unfit(usize),
}

/// The right to carry out a step over a range.
#[derive(Debug)]
pub(crate) struct RangeLease {
    run: RunId,
    step: u32,
    /// The steps that are carried out in the same pass.
    also: Vec<u32>,
    start: String,
    nonce: u64,
    range: Range,
    /// The record as stored.
    bytes: Vec<u8>,
    /// While the application writes what the step is fed: the number of the last write that is known.
    written: Option<u64>,
    /// Whether somebody else was found to have it.
    is_lost: bool,
}

/// What is asked of those who own ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To give them back: the step cannot go on.
    ToLeave,
    /// To give a part away.
    ToShare,
}

/// Who owned ranges that somebody else wants to have for himself.
#[derive(Debug)]
pub(crate) enum Disowned {
    /// Somebody who is at work.
    Busy(Holder, u64),
    /// Nobody, by now.
    Done,
}

impl Store {
    /// The division of a step, if it is in ranges.
    pub(crate) fn division(&self, run: RunId, step: u32) -> Result<Option<Division>, StoreError> {
        self.json(&key::division(run, step))
    }

    /// What says whether a step has passed an id: keys with what is there, read once, the checkpoint of the step first and that of
    /// the range that the id belongs to last, if it is in ranges.
    pub(super) fn places(
        &self,
        run: RunId,
        step: u32,
        id: &str,
    ) -> Result<Vec<(Vec<u8>, Option<Vec<u8>>)>, StoreError> {
        let read = |place: Vec<u8>| {
            let found = self.backend().get(&place)?;
            Ok::<_, StoreError>((place, found))
        };
        let mut places = vec![read(key::progress(run, step))?];
        let (place, division) = read(key::division(run, step))?;
        places.push((place.clone(), division.clone()));
        if let Some(division) = division {
            let division: Division = record::from_json(&place, &division)?;
            places.push(read(key::range(run, step, division.start_of(id)))?);
        }
        Ok(places)
    }

    /// The checkpoint of a step, and that of the range that an id belongs to, as stored.
    pub(super) fn checkpoints(
        &self,
        run: RunId,
        step: u32,
        id: &str,
    ) -> Result<[Option<Vec<u8>>; 2], StoreError> {
        Ok(checkpoints(&self.places(run, step, id)?))
    }

    /// Whether a step has passed an id.
    pub(crate) fn has_passed(&self, run: RunId, step: u32, id: &str) -> Result<bool, StoreError> {
        has_passed(&self.checkpoints(run, step, id)?, id)
    }

    /// Whether any step is in ranges.
    pub(super) fn has_ranges(&self) -> Result<bool, StoreError> {
        let mut found = false;
        self.each(&key::all(tag::RANGE), &mut |_, _| {
            found = true;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// How far a step has come: its checkpoint, and what its ranges have counted, if it is in ranges.
    ///
    /// ```
    /// use godwit::model::{Progress, RunId};
    ///
    /// # let store = godwit::store::Store::new(std::sync::Arc::new(godwit::store::Memory::new()))?;
    /// assert_eq!(store.progress_in_all(RunId(1), 0)?, Progress::default());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn progress_in_all(&self, run: RunId, step: u32) -> Result<Progress, StoreError> {
        let mut progress = self.progress(run, step)?;
        if !progress.done {
            progress.counts += self.counted_in_ranges(run, step)?;
        }
        Ok(progress)
    }

    /// What became of items of a step in the ranges that there are.
    fn counted_in_ranges(&self, run: RunId, step: u32) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        // Where the step is among those of the division that the ranges behind it belong to.
        let mut place = None;
        self.each(&key::divisions(run), &mut |at, bytes| {
            if let Some(first) = key::division_step(at) {
                let division: Division = record::from_json(at, bytes)?;
                place = division.steps(first).position(|other| other == step);
            } else if let Some(place) = place.filter(|_| key::range_start(at).is_some()) {
                let range: Range = record::from_json(at, bytes)?;
                counts += range.counts().nth(place).unwrap_or_default();
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(counts)
    }

    /// Whether anybody owns a range of a step now.
    pub(crate) fn has_owners(
        &self,
        run: RunId,
        step: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut found = false;
        self.each_range(run, step, |_, range| {
            let owner = range.owner.as_ref();
            found |= owner.is_some_and(|owner| owner.left(now, &|_| false) > 0);
        })?;
        Ok(found)
    }

    /// Why a step cannot go on, if one of its workers says so.
    pub(crate) fn range_failure(
        &self,
        run: RunId,
        step: u32,
    ) -> Result<Option<String>, StoreError> {
        self.json(&key::range_failure(run, step))
    }

    /// Which of several steps cannot go on in one pass with the others, if one of their workers says so.
    pub(crate) fn unfit_step(&self, run: RunId, step: u32) -> Result<Option<usize>, StoreError> {
        self.json(&key::unfit(run, step))
    }

    /// What is asked of those who own ranges of a step.
    pub(crate) fn asked_of_owners(
        &self,
        run: RunId,
        step: u32,
    ) -> Result<Option<Asked>, StoreError> {
        let is_there = |key: Vec<u8>| Ok::<_, StoreError>(self.backend().get(&key)?.is_some());
        if is_there(key::range_failure(run, step))? || is_there(key::unfit(run, step))? {
            return Ok(Some(Asked::ToLeave));
        }
        Ok(is_there(key::wanted(run, step))?.then_some(Asked::ToShare))
    }

    /// Every `n`-th id of a collection behind `after`, up to `upto`: so many at most. `meanwhile` is called between them, since a
    /// large collection takes a while.
    pub(crate) fn every_id(
        &self,
        (n, most): (u64, usize),
        collection: &Name,
        (after, upto): (Option<&str>, Option<&str>),
        meanwhile: &mut dyn FnMut() -> Result<(), LeaseError>,
    ) -> Result<Vec<String>, LeaseError> {
        let (mut from, mut to) = key::items(tag::ITEM, collection, after);
        if let Some(upto) = upto {
            to = key::item(tag::ITEM, collection, upto);
            to.push(0);
        }
        let mut found = Vec::new();
        while found.len() < most
            && let Some(key) = self.backend().nth(n, &from, &to)?
        {
            found.push(super::typed::id_of(&key)?.to_owned());
            from = key;
            from.push(0);
            meanwhile()?;
        }
        Ok(found)
    }

    /// Says that somebody has nothing to do, so that whoever has much left gives a part of it away.
    pub(crate) fn want_range(&self, run: RunId, step: u32) -> Result<(), StoreError> {
        let (division, place) = (key::division(run, step), key::wanted(run, step));
        let known = self.backend().get(&division)?;
        if known.is_none() || self.backend().get(&place)?.is_some() {
            return Ok(());
        }
        let mut commit = Commit::new();
        commit.expect(&division, known.as_deref());
        commit.put(&place, &[b"true"]);
        settled(self.backend().commit(&commit))
    }

    /// Has a write say which of several steps cannot go on in one pass with the others.
    pub(crate) fn say_unfit(&self, write: &mut Write<'_>, run: RunId, step: u32, at: usize) {
        write.put(&key::unfit(run, step), Some(&record::to_json(&at)));
    }

    /// Has a write put a step, or several that are carried out in one pass, into ranges that begin at their checkpoint and at
    /// these ids. Where the first one is in ranges already, they are left as they are, what was said of their failure before is
    /// forgotten, and they go on with other engines as [`Store::hand_over`] says.
    pub(crate) fn divide(
        &self,
        write: &mut Write<'_>,
        now: Timestamp,
        (run, steps): (RunId, &[u32]),
        at: &[String],
        way: Way<'_>,
    ) -> Result<(), StoreError> {
        let Some((&step, also)) = steps.split_first() else {
            return Ok(());
        };
        for sign in signs(run, step) {
            write.put(&sign, None);
        }
        let place = key::division(run, step);
        if self.backend().get(&place)?.is_some() {
            self.hand_over(write, now, (run, step), way)?;
            return Ok(());
        }
        let first = self.progress(run, step)?.after;
        let behind = |id: &&String| first.as_ref().is_none_or(|first| *id > first);
        let mut starts = vec![first.clone().unwrap_or_default()];
        starts.extend(at.iter().filter(behind).cloned());
        for (place, start) in starts.iter().enumerate() {
            let range = Range::new(start, starts.get(place + 1).cloned(), also.len());
            let range = record::to_json(&range);
            write.put(&key::range(run, step, start), Some(&range));
        }
        let division = Division {
            epoch: 0,
            engines: way.engines.to_vec(),
            lease: way.lease,
            online: way.online,
            also: also.to_vec(),
            starts,
        };
        write.put(&place, Some(&record::to_json(&division)));
        Ok(())
    }

    /// Has a write say with which engines a step in ranges goes on: with others than it was begun with only once nobody is at
    /// work with those; gives whether there is anything to be written.
    pub(crate) fn hand_over(
        &self,
        write: &mut Write<'_>,
        now: Timestamp,
        (run, step): (RunId, u32),
        Way { engines, lease, .. }: Way<'_>,
    ) -> Result<bool, StoreError> {
        let place = key::division(run, step);
        let Some(known) = self.backend().get(&place)? else {
            return Ok(false);
        };
        let division: Division = record::from_json(&place, &known)?;
        let is_same = division.engines == engines;
        if is_same && division.lease == lease || !is_same && self.has_owners(run, step, now)? {
            return Ok(false);
        }
        let division = Division {
            epoch: division.epoch + 1,
            engines: engines.to_vec(),
            lease,
            ..division
        };
        write.expect(&place, Some(&known));
        write.put(&place, Some(&record::to_json(&division)));
        if is_same {
            return Ok(true);
        }
        // Whoever takes one meanwhile has the old ones, and so has he who comes back to one.
        self.each(&key::ranges(run, step), &mut |place, bytes| {
            let range: Range = record::from_json(place, bytes)?;
            if !range.progress.done {
                write.expect(place, Some(bytes));
            }
            if range.owner.is_some() {
                let disowned = Range {
                    number: range.number + 1,
                    owner: None,
                    ..range
                };
                write.put(place, Some(&record::to_json(&disowned)));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(true)
    }

    /// Has a write end the ranges of steps, all of which must be done; gives what became of all items in each, and the last id.
    pub(crate) fn join_ranges(
        &self,
        write: &mut Write<'_>,
        run: RunId,
        steps: &[u32],
    ) -> Result<Vec<Progress>, StoreError> {
        let before = steps.iter().map(|step| self.progress(run, *step));
        let mut progress = before.collect::<Result<Vec<_>, _>>()?;
        let step = steps.first().copied().unwrap_or_default();
        let (mut is_done, mut places) = (true, vec![]);
        self.each(&key::ranges(run, step), &mut |place, bytes| {
            let range: Range = record::from_json(place, bytes)?;
            is_done &= range.progress.done && range.owner.is_none();
            for (progress, counts) in progress.iter_mut().zip(range.counts()) {
                progress.counts += counts;
                progress.after = progress.after.take().max(range.progress.after.clone());
            }
            places.push((place.to_vec(), bytes.to_vec()));
            Ok(ControlFlow::Continue(()))
        })?;
        for progress in &mut progress {
            progress.done = is_done;
        }
        let division = key::division(run, step);
        let known = self.backend().get(&division)?;
        write.expect(&division, known.as_deref());
        write.put(&division, None);
        for (place, bytes) in places {
            write.expect(&place, Some(&bytes));
            write.put(&place, None);
        }
        for sign in signs(run, step) {
            write.put(&sign, None);
        }
        write.expect(&key::range_failure(run, step), None);
        Ok(progress)
    }

    /// Has a write forget why steps of a run could not go on: it is tried again.
    pub(crate) fn forget_failures(
        &self,
        write: &mut Write<'_>,
        run: RunId,
    ) -> Result<(), StoreError> {
        self.each(&key::divisions(run), &mut |place, _| {
            if let Some(step) = key::division_step(place) {
                write.put(&key::range_failure(run, step), None);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Has a write put steps into ranges of their own that have been carried out in one pass with those before them: from the
    /// one at a place on, each range from where it is. Whoever owns one finds that he has lost it. Gives the steps that are left
    /// with the first one, and the others.
    pub(crate) fn part_steps(
        &self,
        write: &mut Write<'_>,
        (run, step): (RunId, u32),
        at: usize,
    ) -> Result<(Vec<u32>, Vec<u32>), StoreError> {
        let place = key::division(run, step);
        let Some(known) = self.backend().get(&place)? else {
            return Ok((vec![step], Vec::new()));
        };
        let first: Division = record::from_json(&place, &known)?;
        let mut left: Vec<u32> = first.steps(step).collect();
        let others = left.split_off(at.clamp(1, left.len()));
        for sign in signs(run, step) {
            write.put(&sign, None);
        }
        let Some((&other, also)) = others.split_first() else {
            return Ok((left, others));
        };
        let mut engines = first.engines.clone();
        let second = Division {
            engines: engines.split_off(left.len().min(engines.len())),
            also: also.to_vec(),
            ..first.clone()
        };
        let first = Division {
            epoch: first.epoch + 1,
            engines,
            also: left[1..].to_vec(),
            ..first
        };
        write.expect(&place, Some(&known));
        write.put(&place, Some(&record::to_json(&first)));
        write.put(&key::division(run, other), Some(&record::to_json(&second)));
        self.each(&key::ranges(run, step), &mut |place, bytes| {
            let start = key::range_start(place).ok_or_else(|| super::typed::damaged(place))?;
            let mut range: Range = record::from_json(place, bytes)?;
            let counts = range.also.split_off(left.len() - 1);
            (range.number, range.owner) = (range.number + 1, None);
            let second = Range {
                number: 0,
                progress: Progress {
                    counts: counts.first().copied().unwrap_or_default(),
                    ..range.progress.clone()
                },
                also: counts.into_iter().skip(1).collect(),
                ..range.clone()
            };
            write.expect(place, Some(bytes));
            write.put(place, Some(&record::to_json(&range)));
            let other = key::range(run, other, start);
            write.put(&other, Some(&record::to_json(&second)));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((left, others))
    }

    /// Has a write drop all that there is of ranges of a run, which is not carried out any more.
    pub(crate) fn drop_ranges(&self, write: &mut Write<'_>, run: RunId) -> Result<(), StoreError> {
        self.each(&key::divisions(run), &mut |place, _| {
            write.put(place, None);
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Takes a range of a step that nobody has, for the lease's holder (`own`), or for whoever works along with that.
    pub(crate) fn take_range(
        &self,
        clock: &dyn Clock,
        claim: &Claim<'_>,
        (run, step): (RunId, u32),
        own: Option<&Lease>,
        engines: &[Engine],
    ) -> Result<Taken, StoreError> {
        for _ in 0..TRIES {
            match self.try_take(clock.now(), claim, (run, step), own, engines) {
                // Somebody was faster.
                Err(StoreError::Conflict { .. }) => {}
                taken => return taken,
            }
        }
        Ok(Taken::NoneFree)
    }

    fn try_take(
        &self,
        now: Timestamp,
        claim: &Claim<'_>,
        (run, step): (RunId, u32),
        own: Option<&Lease>,
        engines: &[Engine],
    ) -> Result<Taken, StoreError> {
        let lease = match own {
            Some(own) => Some(own.as_joint()),
            None => Lease::joint(self, now, claim.is_gone)?,
        };
        let place = key::division(run, step);
        let Some((lease, division)) = lease.zip(self.backend().get(&place)?) else {
            return Ok(Taken::Closed);
        };
        let known: Division = record::from_json(&place, &division)?;
        if own.is_none() && known.lease != lease.number {
            return Ok(Taken::NoneFree);
        }
        if known.engines != engines {
            return Ok(Taken::OtherEngines(known.engines));
        }
        let is_over = self.asked_of_owners(run, step)? == Some(Asked::ToLeave);
        if is_over || known.online && !lease.is_shared {
            return Ok(Taken::NoneFree);
        }
        let mut free = match self.free_ranges(now, claim, (run, step))? {
            None => return Ok(Taken::AllDone),
            Some(free) if free.is_empty() => return Ok(Taken::NoneFree),
            Some(free) => free,
        };
        // Those who look at the same moment take different ones.
        let chosen = usize::try_from(claim.nonce % free.len() as u64).unwrap_or_default();
        let (at, old, range) = free.swap_remove(chosen);
        let start = key::range_start(&at)
            .ok_or_else(|| super::typed::damaged(&at))?
            .to_owned();
        let range = Range {
            number: range.number + 1,
            owner: Some(Owner {
                nonce: claim.nonce,
                holder: claim.holder.clone(),
                expires_at: now.plus(claim.duration),
                duration: claim.duration,
            }),
            ..range
        };
        let bytes = record::to_json(&range);
        let mut commit = Commit::new();
        commit.expect(key::LEASE, Some(&lease.bytes));
        commit.expect(&place, Some(&division));
        commit.expect(&at, Some(&old));
        commit.put(&at, &[&bytes]);
        self.backend().commit(&commit)?;
        Ok(Taken::Range(Box::new(RangeLease {
            run,
            step,
            also: known.also,
            start,
            nonce: claim.nonce,
            range,
            bytes,
            // What was written before is seen by what is read from now on.
            written: match lease.is_shared {
                true => Some(self.last_written()?.unwrap_or_default()),
                false => None,
            },
            is_lost: false,
        })))
    }

    /// The ranges of a step that nobody has, as they are stored; `None` where all are done.
    fn free_ranges(
        &self,
        now: Timestamp,
        claim: &Claim<'_>,
        (run, step): (RunId, u32),
    ) -> Result<Option<Vec<(Vec<u8>, Vec<u8>, Range)>>, StoreError> {
        let mut free = Vec::new();
        let mut is_done = true;
        self.each(&key::ranges(run, step), &mut |place, bytes| {
            let range: Range = record::from_json(place, bytes)?;
            if !range.progress.done {
                is_done = false;
                let owner = range.owner.as_ref();
                if owner.is_none_or(|owner| owner.left(now, claim.is_gone) == 0) {
                    free.push((place.to_vec(), bytes.to_vec(), range));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok((!is_done).then_some(free))
    }

    fn each_range(
        &self,
        run: RunId,
        step: u32,
        mut visit: impl FnMut(&[u8], Range),
    ) -> Result<(), StoreError> {
        self.each(&key::ranges(run, step), &mut |place, bytes| {
            visit(place, record::from_json(place, bytes)?);
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Has a commit take all ranges from their owners, unless one of those is at work.
    pub(super) fn disown(
        &self,
        commit: &mut Commit<'_>,
        now: Timestamp,
        is_gone: &dyn Fn(&Holder) -> bool,
    ) -> Result<Disowned, StoreError> {
        let mut busy = None;
        self.each(&key::all(tag::RANGE), &mut |place, bytes| {
            let changed = match key::range_start(place) {
                Some(_) => {
                    let range: Range = record::from_json(place, bytes)?;
                    let Some(owner) = &range.owner else {
                        return Ok(ControlFlow::Continue(()));
                    };
                    let left = owner.left(now, is_gone);
                    if left > 0 {
                        busy = Some(Disowned::Busy(owner.holder.clone(), left));
                        return Ok(ControlFlow::Break(()));
                    }
                    record::to_json(&Range {
                        number: range.number + 1,
                        owner: None,
                        ..range
                    })
                }
                None if key::division_step(place).is_some() => {
                    let division: Division = record::from_json(place, bytes)?;
                    record::to_json(&Division {
                        epoch: division.epoch + 1,
                        ..division
                    })
                }
                None => return Ok(ControlFlow::Continue(())),
            };
            commit.expect(place, Some(bytes));
            commit.put(place, &[&changed]);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(busy.unwrap_or(Disowned::Done))
    }

    /// How many own ranges now.
    pub(crate) fn workers(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut names = BTreeSet::new();
        self.each(&key::all(tag::RANGE), &mut |place, bytes| {
            if key::range_start(place).is_some() {
                let range: Range = record::from_json(place, bytes)?;
                let owner = range.owner.filter(|owner| owner.left(now, &|_| false) > 0);
                names.extend(owner.map(|owner| owner.holder.name));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(names.len())
    }

    /// Somebody who owns a range, and for how many milliseconds at least.
    pub(super) fn range_owner(
        &self,
        now: Timestamp,
        is_gone: &dyn Fn(&Holder) -> bool,
    ) -> Result<Option<(Holder, u64)>, StoreError> {
        match self.disown(&mut Commit::new(), now, is_gone)? {
            Disowned::Busy(holder, left) => Ok(Some((holder, left))),
            Disowned::Done => Ok(None),
        }
    }
}

/// Whether a key is that of a collection's record, or of its tallies: several owners of ranges change them.
pub(crate) fn is_of_collection(key: &[u8]) -> bool {
    matches!(key.first(), Some(&tag::COLLECTION | &tag::TALLIES))
}

/// Whether a key is that of an item, or of its entry of being apart.
pub(crate) fn is_of_item(key: &[u8]) -> bool {
    matches!(key.first(), Some(&tag::ITEM | &tag::APART))
}

/// Whether a key is that of a step in ranges, or of one of them.
pub(crate) fn is_of_ranges(key: &[u8]) -> bool {
    key.first() == Some(&tag::RANGE)
}

/// The checkpoints among what [`Store::places`] gives.
pub(super) fn checkpoints(places: &[(Vec<u8>, Option<Vec<u8>>)]) -> [Option<Vec<u8>>; 2] {
    let found = |place: usize| places.get(place).and_then(|(_, found)| found.clone());
    [found(0), found(2)]
}

/// Whether a step with these checkpoints has passed an id.
pub(super) fn has_passed(
    [whole, range]: &[Option<Vec<u8>>; 2],
    id: &str,
) -> Result<bool, StoreError> {
    let whole = whole
        .as_deref()
        .map(|bytes| record::from_json::<Progress>(b"K", bytes));
    let range = range
        .as_deref()
        .map(|bytes| record::from_json::<Range>(b"P", bytes));
    let range = range.transpose()?.map(|range| range.progress);
    // What comes into a range that is done is not read any more.
    if range.as_ref().is_some_and(|progress| progress.done) {
        return Ok(true);
    }
    let after = [whole.transpose()?, range].map(|progress| progress?.after);
    Ok(after
        .into_iter()
        .flatten()
        .any(|after| id <= after.as_str()))
}

/// Where is said what those who own ranges of a step are asked for.
fn signs(run: RunId, step: u32) -> [Vec<u8>; 2] {
    [key::wanted(run, step), key::unfit(run, step)]
}

/// What somebody else did first is done.
fn settled(result: Result<(), StoreError>) -> Result<(), StoreError> {
    match result {
        Err(StoreError::Conflict { .. }) => Ok(()),
        result => result,
    }
}

impl Division {
    /// The steps that are carried out in one pass, of a division of this one.
    pub fn steps(&self, first: u32) -> impl Iterator<Item = u32> {
        [first].into_iter().chain(self.also.iter().copied())
    }

    /// Where the range begins that an id belongs to.
    pub(super) fn start_of(&self, id: &str) -> &str {
        let behind = self.starts.partition_point(|start| start.as_str() < id);
        self.starts
            .get(behind.saturating_sub(1))
            .map_or("", String::as_str)
    }
}

impl Range {
    /// A range of a step, and of so many more in the same pass.
    fn new(start: &str, upto: Option<String>, also: usize) -> Self {
        Self {
            number: 0,
            upto,
            progress: Progress {
                after: Some(start.to_owned()).filter(|start| !start.is_empty()),
                ..Progress::default()
            },
            also: vec![Counts::default(); also],
            owner: None,
        }
    }

    /// What became of items in each of its steps.
    fn counts(&self) -> impl Iterator<Item = Counts> {
        [self.progress.counts]
            .into_iter()
            .chain(self.also.iter().copied())
    }
}

impl RangeLease {
    /// The last id that belongs to it; `None`: the last one there is.
    pub fn upto(&self) -> Option<&str> {
        self.range.upto.as_deref()
    }

    /// The steps that it is a range of: one, or several that are carried out in one pass.
    pub fn steps(&self) -> Vec<u32> {
        [&[self.step], &*self.also].concat()
    }

    /// How far each of them has come in it.
    pub fn progress(&self) -> Vec<Progress> {
        let progress = |counts| Progress {
            counts,
            ..self.range.progress.clone()
        };
        self.range.counts().map(progress).collect()
    }

    fn place(&self) -> Vec<u8> {
        key::range(self.run, self.step, &self.start)
    }

    /// Carries a write out with what has become of the range in each of its steps, and renews it.
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when somebody else has it by now; nothing was written then.
    pub fn commit(
        &mut self,
        store: &Store,
        write: Write<'_>,
        (progress, also): (&Progress, Vec<Counts>),
        now: Timestamp,
    ) -> Result<(), LeaseError> {
        let mut commit = write.finished();
        if let Some(written) = self.written {
            commit.expect(key::WRITTEN, Some(&written.to_be_bytes()));
        }
        let renewed = self.renewed(now);
        let range = Range {
            progress: progress.clone(),
            also,
            // Nobody needs it any more.
            owner: renewed.owner.filter(|_| !progress.done),
            ..renewed
        };
        self.replace(store, commit, range)
    }

    /// Whether there is nothing left to do in it, and it was given back.
    pub fn is_over(&self) -> bool {
        self.range.owner.is_none()
    }

    /// Whether somebody else was found to have it.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// For how many milliseconds it is one's own without renewal.
    pub fn duration(&self) -> u64 {
        self.range.owner.as_ref().map_or(0, |owner| owner.duration)
    }

    /// Renews it once a third of its time has gone by.
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when somebody else has it by now.
    pub fn keep(&mut self, store: &Store, now: Timestamp) -> Result<(), LeaseError> {
        let is_due = |owner: &Owner| owner.left(now, &|_| false) < owner.duration / 3 * 2;
        match self.range.owner.as_ref().is_some_and(is_due) {
            true => self.replace(store, Commit::new(), self.renewed(now)),
            false => Ok(()),
        }
    }

    /// Gives it back, to be taken by whoever likes, or because it is done.
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when somebody else has it by now.
    pub fn release(mut self, store: &Store) -> Result<(), LeaseError> {
        let range = Range {
            owner: None,
            ..self.range.clone()
        };
        self.replace(store, Commit::new(), range)
    }

    /// Gives it back, and says to all who own ranges of the step why that cannot go on. Of several who do so, one is heard.
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when somebody else has it by now: what he finds is his to say.
    pub fn give_up(mut self, store: &Store, why: Why<'_>) -> Result<(), LeaseError> {
        let (place, why) = match why {
            Why::Failed(why) => (
                key::range_failure(self.run, self.step),
                record::to_json(&why),
            ),
            Why::Unfit(place) => (key::unfit(self.run, self.step), record::to_json(&place)),
        };
        let mut commit = Commit::new();
        if store.backend().get(&place)?.is_none() {
            commit.put(&place, &[&why]);
        }
        let range = Range {
            owner: None,
            ..self.range.clone()
        };
        self.replace(store, commit, range)
    }

    /// Gives away what is behind an id, which must be within it and not be passed.
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when somebody else has it by now. [`StoreError::Conflict`] when other ranges were cut at the
    /// same time.
    pub fn split(&mut self, store: &Store, at: &str, now: Timestamp) -> Result<(), LeaseError> {
        let place = key::division(self.run, self.step);
        let is_left = self
            .range
            .progress
            .after
            .as_deref()
            .is_none_or(|after| at > after);
        if !is_left || self.upto().is_some_and(|upto| at >= upto) {
            return Err(StoreError::Conflict { key: place }.into());
        }
        let Some(known) = store.backend().get(&place)? else {
            return Err(self.lost(None));
        };
        let mut division: Division = record::from_json(&place, &known)?;
        let behind = division.starts.partition_point(|start| start.as_str() < at);
        division.starts.insert(behind, at.to_owned());
        let rest = Range::new(at, self.range.upto.clone(), self.also.len());
        let mut commit = Commit::new();
        commit.expect(&place, Some(&known));
        commit.put(&place, &[&record::to_json(&division)]);
        let new = key::range(self.run, self.step, at);
        commit.expect(&new, None);
        commit.put(&new, &[&record::to_json(&rest)]);
        commit.delete(&key::wanted(self.run, self.step));
        let range = Range {
            upto: Some(at.to_owned()),
            ..self.renewed(now)
        };
        self.replace(store, commit, range)
    }

    /// The items that the application has written since it was asked last; `None` where they are so many that everything
    /// should be taken for written.
    pub fn catch_up(
        &mut self,
        store: &Store,
    ) -> Result<Option<BTreeSet<(Name, String)>>, StoreError> {
        let Some(written) = &mut self.written else {
            return Ok(Some(BTreeSet::new()));
        };
        let last = store.last_written()?.unwrap_or_default();
        let behind = std::mem::replace(written, last);
        store.written_between(behind, last)
    }

    fn renewed(&self, now: Timestamp) -> Range {
        let renewed = |owner: &Owner| Owner {
            expires_at: now.plus(owner.duration),
            ..owner.clone()
        };
        Range {
            owner: self.range.owner.as_ref().map(renewed),
            ..self.range.clone()
        }
    }

    fn replace(
        &mut self,
        store: &Store,
        mut commit: Commit<'_>,
        range: Range,
    ) -> Result<(), LeaseError> {
        let (place, bytes) = (self.place(), record::to_json(&range));
        commit.expect(&place, Some(&self.bytes));
        commit.put(&place, &[&bytes]);
        match store.backend().commit(&commit) {
            Ok(()) => {
                (self.range, self.bytes) = (range, bytes);
                Ok(())
            }
            Err(StoreError::Conflict { key }) if key == key::WRITTEN => {
                match store.last_written()? {
                    Some(_) => Err(LeaseError::Written),
                    // Nobody notes writes any more: somebody else has ended the step.
                    None => Err(self.lost(None)),
                }
            }
            Err(StoreError::Conflict { key }) if key == place => {
                let found = store.backend().get(&place).ok().flatten();
                Err(self.lost(found.as_deref()))
            }
            // The server, or the way to it, failed: what became of the commit, the record says.
            Err(error @ StoreError::Failed { .. }) => match store.backend().get(&place) {
                Ok(Some(found)) if found == bytes => {
                    (self.range, self.bytes) = (range, bytes);
                    Ok(())
                }
                Ok(found) if found.as_ref() != Some(&self.bytes) => {
                    Err(self.lost(found.as_deref()))
                }
                Ok(_) | Err(_) => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// That somebody else has it, who left this in its place.
    fn lost(&mut self, found: Option<&[u8]>) -> LeaseError {
        self.is_lost = true;
        tracing::info!(
            number = self.range.number,
            nonce = self.nonce,
            "the range was lost: nothing was written"
        );
        let found: Option<Range> = found.and_then(|bytes| serde_json::from_slice(bytes).ok());
        LeaseError::Lost {
            holder: found
                .and_then(|range| range.owner)
                .map(|owner| owner.holder),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::{Dice, Version};
    use crate::store::{Backend, Collection, Memory, Outside, Visit};

    const RUN: RunId = RunId(1);
    const ITEMS: u64 = 40;
    const DURATION: u64 = 100;

    /// What happens to ranges when many have them, lose them and cut them, in any order.
    struct World {
        dice: Dice,
        backend: Arc<Memory>,
        store: Store,
        /// How many steps are carried out in one pass, at first.
        steps: u32,
        notes: Name,
        now: u64,
        nonce: u64,
        /// The lease, and whether it is one that others may own ranges under.
        lead: Option<(Lease, bool)>,
        workers: Vec<RangeLease>,
        /// Those that were stopped for a while, and come back.
        asleep: Vec<RangeLease>,
        /// How often each item was done in each step.
        done: BTreeMap<(u32, u64), u32>,
    }

    fn id(number: u64) -> String {
        format!("{number:03}")
    }

    /// What all carry these steps out with.
    fn engines(steps: &[u32]) -> Vec<Engine> {
        let engine = |step: &u32| Engine {
            component: Digest::of(&step.to_be_bytes()),
            host: "the same".to_owned(),
        };
        steps.iter().map(engine).collect()
    }

    fn never(_: &Holder) -> bool {
        false
    }

    impl World {
        fn new(seed: u64) -> Self {
            let backend = Arc::new(Memory::new());
            let store = Store::new(backend.clone()).unwrap();
            let notes: Name = "notes".parse().unwrap();
            let mut dice = Dice::new(seed);
            let mut this = Self {
                steps: [1, 3][usize::try_from(dice.below(2)).unwrap()],
                dice,
                backend,
                store,
                notes,
                now: 1,
                nonce: 1,
                lead: None,
                workers: Vec::new(),
                asleep: Vec::new(),
                done: BTreeMap::new(),
            };
            let (clock, claim) = (this.clock(), this.claim());
            let mut lease = Lease::acquire(&this.store, &clock, &claim).unwrap();
            let version = Version::new(1, 0, 0);
            let mut write = this.store.write(RunId(0), None);
            let collection = Collection::new("app".parse().unwrap(), None);
            write.set_collection(&this.notes, collection).unwrap();
            for number in 0..ITEMS {
                let new = Some((&version, b"{}".into()));
                write
                    .set_item(&this.notes, &id(number), None, new, Visit::Once)
                    .unwrap();
            }
            write.commit(&mut lease, Timestamp(this.now)).unwrap();
            lease.release(&this.store).unwrap();
            this
        }

        fn clock(&self) -> impl Clock + use<> {
            let now = Timestamp(self.now);
            move || now
        }

        fn claim(&mut self) -> Claim<'static> {
            self.nonce += 1;
            Claim {
                holder: Holder {
                    name: format!("worker {}", self.nonce),
                    process: None,
                },
                purpose: "worker",
                duration: DURATION,
                nonce: self.nonce,
                is_gone: &never,
            }
        }

        fn below(&mut self, end: u64) -> u64 {
            self.dice.below(end)
        }

        /// Does something, whatever it is.
        fn act(&mut self) {
            match self.below(14) {
                12 => self.part(),
                13 => self.give_up(),
                0 => self.now += self.dice.below(DURATION / 2),
                1 if self.below(4) == 0 => self.now += DURATION + 1,
                1 | 2 => self.lead(),
                3 => self.take(),
                4 => self.split(),
                // One dies, sleeps, or comes back.
                5 if !self.workers.is_empty() => {
                    let place = self.place();
                    let worker = self.workers.swap_remove(place);
                    match self.below(3) {
                        0 => self.asleep.push(worker),
                        1 => drop(worker),
                        _ => drop(worker.release(&self.store)),
                    }
                }
                6 => self.workers.append(&mut self.asleep),
                _ => self.work(),
            }
            self.check();
        }

        fn place(&mut self) -> usize {
            let count = self.workers.len() as u64;
            usize::try_from(self.below(count)).unwrap()
        }

        /// Somebody takes the lease, for this or for something else, or gives it back.
        fn lead(&mut self) {
            if let Some((lease, _)) = self.lead.take() {
                match self.below(3) {
                    0 => drop(lease.release(&self.store)),
                    1 => drop(lease),
                    _ => self.lead = Some((lease, true)),
                }
                return;
            }
            let joint = self.below(4) > 0;
            let (clock, claim) = (self.clock(), self.claim());
            let lease = match joint {
                true => Lease::acquire_joint(&self.store, &clock, &claim),
                false => Lease::acquire(&self.store, &clock, &claim),
            };
            let Ok(mut lease) = lease else {
                return;
            };
            if !joint {
                // Whoever works alone finds nobody at work.
                let owner = self.store.range_owner(Timestamp(self.now), &never).unwrap();
                assert!(
                    owner.is_none(),
                    "somebody owns a range beside one who works alone"
                );
                lease.release(&self.store).unwrap();
                return;
            }
            let mut cuts: Vec<_> = (0..self.below(6))
                .map(|_| id(self.dice.below(ITEMS)))
                .collect();
            cuts.sort();
            cuts.dedup();
            let steps = self.steps();
            if self.divide(&mut lease, &steps, &cuts).is_ok() {
                self.lead = Some((lease, true));
            }
        }

        fn divide(
            &self,
            lease: &mut Lease,
            steps: &[u32],
            cuts: &[String],
        ) -> Result<(), LeaseError> {
            let now = Timestamp(self.now);
            let mut write = self.store.write(RUN, None);
            let engines = engines(steps);
            let way = way(lease, &engines);
            self.store
                .divide(&mut write, now, (RUN, steps), cuts, way)?;
            write.commit(lease, now)
        }

        /// Somebody, who may not own his range any more, finds that one of several steps has to go on alone.
        fn give_up(&mut self) {
            let is_several = |range: &RangeLease| range.steps().len() > 1;
            if let Some(place) = self.workers.iter().position(is_several) {
                let worker = self.workers.swap_remove(place);
                let at = usize::try_from(self.below(3)).unwrap();
                let _ = worker.give_up(&self.store, Why::Unfit(at));
            }
        }

        /// The steps that are carried out now.
        fn steps(&self) -> Vec<u32> {
            let mut divided = (0..self.steps).filter_map(|step| {
                let division = self.store.division(RUN, step).unwrap()?;
                Some(division.steps(step).collect())
            });
            divided.next().unwrap_or_else(|| (0..self.steps).collect())
        }

        /// Whoever has the lease has the steps go on one by one, from some place on.
        fn part(&mut self) {
            let now = Timestamp(self.now);
            let first = self.steps()[0];
            let is_owned = self.store.has_owners(RUN, first, now).unwrap();
            let at = self.store.unfit_step(RUN, first).unwrap();
            let lead = self.lead.as_mut().filter(|_| !is_owned);
            let Some(((lease, _), at)) = lead.zip(at) else {
                return;
            };
            let mut write = self.store.write(RUN, None);
            let place = (RUN, first);
            self.store.part_steps(&mut write, place, at).unwrap();
            // It may be somebody else's by now.
            let _ = write.commit(lease, now);
        }

        fn take(&mut self) {
            let (clock, claim) = (self.clock(), self.claim());
            let steps = self.steps();
            let (at, engines) = ((RUN, steps[0]), engines(&steps));
            let taken = self.store.take_range(&clock, &claim, at, None, &engines);
            match taken.unwrap() {
                Taken::Range(range) => self.workers.push(*range),
                Taken::OtherEngines(other) => panic!("{other:?}"),
                _ => {}
            }
        }

        fn split(&mut self) {
            if self.workers.is_empty() {
                return;
            }
            let (place, at) = (self.place(), id(self.dice.below(ITEMS)));
            let now = Timestamp(self.now);
            let worker = &mut self.workers[place];
            // It may be somebody else's, or there may be nothing to be cut off.
            let _ = worker.split(&self.store, &at, now);
        }

        /// Somebody does some items of his range, or finds that it is not his any more.
        fn work(&mut self) {
            if self.workers.is_empty() {
                return;
            }
            let (place, count) = (self.place(), self.below(4));
            let worker = &mut self.workers[place];
            let (steps, mut all) = (worker.steps(), worker.progress());
            let mut progress = all[0].clone();
            let first = match &progress.after {
                Some(after) => after.parse::<u64>().unwrap() + 1,
                None => 0,
            };
            let last = match worker.upto() {
                Some(upto) => upto.parse::<u64>().unwrap(),
                None => ITEMS - 1,
            };
            let end = (first + count).min(last + 1);
            progress.after = end.checked_sub(1).map(id).or(progress.after);
            progress.done = end > last;
            for progress in all.iter_mut().chain([&mut progress]) {
                progress.counts.read += end.saturating_sub(first);
            }
            let also = all.iter().skip(1).map(|progress| progress.counts);
            let became = (&progress, also.collect());
            let write = self.store.write(RUN, None).among_others();
            match worker.commit(&self.store, write, became, Timestamp(self.now)) {
                Ok(()) => {
                    for done in steps
                        .iter()
                        .flat_map(|step| (first..end).map(|n| (*step, n)))
                    {
                        *self.done.entry(done).or_default() += 1;
                    }
                    if worker.is_over() {
                        self.workers.swap_remove(place);
                    }
                }
                Err(LeaseError::Lost { .. }) => drop(self.workers.swap_remove(place)),
                Err(error) => panic!("{error}"),
            }
        }

        /// The ranges tile the ids, and know what was done.
        fn check(&self) {
            for step in 0..self.steps {
                if let Some(division) = self.store.division(RUN, step).unwrap() {
                    self.check_division(step, &division);
                }
            }
        }

        fn check_division(&self, first: u32, division: &Division) {
            // A step that goes on alone is never said to be unfit for the others.
            let unfit = self.store.unfit_step(RUN, first).unwrap();
            assert!(unfit.is_none() || !division.also.is_empty());
            let starts = &division.starts;
            assert!(starts.is_sorted() && !starts.is_empty(), "{starts:?}");
            let mut found = Vec::new();
            self.store
                .each_range(RUN, first, |key, range| {
                    found.push((key::range_start(key).unwrap().to_owned(), range.upto));
                })
                .unwrap();
            let ends = starts.iter().skip(1).cloned().map(Some).chain([None]);
            let expected: Vec<_> = starts.iter().cloned().zip(ends).collect();
            assert_eq!(found, expected, "there is a gap, or ranges overlap");
            assert!(
                self.done.values().all(|times| *times == 1),
                "{:?}",
                self.done
            );
            for step in division.steps(first) {
                let counted = self.store.progress_in_all(RUN, step).unwrap();
                let done = self.done.range((step, 0)..(step + 1, 0)).count();
                assert_eq!(
                    counted.counts.read, done as u64,
                    "what is done is not what is counted"
                );
                for number in 0..ITEMS {
                    let passed = self.store.has_passed(RUN, first, &id(number)).unwrap();
                    assert_eq!(passed, self.done.contains_key(&(step, number)), "{number}");
                }
            }
        }

        /// Has the steps end, by somebody who works alone.
        fn end(mut self) {
            self.lead = None;
            self.now += 10 * DURATION;
            let (clock, claim) = (self.clock(), self.claim());
            let mut lease = Lease::acquire(&self.store, &clock, &claim).unwrap();
            loop {
                let (now, steps) = (Timestamp(self.now), self.steps());
                self.divide(&mut lease, &steps, &[]).unwrap();
                self.finish(&lease, steps[0]);
                let mut write = self.store.write(RUN, None);
                let progress = self.store.join_ranges(&mut write, RUN, &steps).unwrap();
                for (step, progress) in steps.iter().zip(progress) {
                    assert!(progress.done);
                    assert_eq!(progress.counts.read, ITEMS);
                    write.set_progress(RUN, *step, &progress);
                }
                write.commit(&mut lease, now).unwrap();
                if steps.last() == Some(&(self.steps - 1)) {
                    break;
                }
            }
            // Those who come back now find nothing of theirs.
            self.workers.append(&mut self.asleep);
            while !self.workers.is_empty() {
                self.work();
            }
            let done = self.done.len() as u64;
            assert_eq!(done, ITEMS * u64::from(self.steps), "{:?}", self.done);
            assert!(self.backend.nth(1, b"P", b"Q").unwrap().is_none());
        }

        /// Does what is left in the ranges of a step.
        fn finish(&mut self, lease: &Lease, step: u32) {
            let clock = self.clock();
            loop {
                let (claim, at) = (self.claim(), (RUN, step));
                let engines = engines(&self.steps());
                let taken = self
                    .store
                    .take_range(&clock, &claim, at, Some(lease), &engines);
                match taken.unwrap() {
                    Taken::Range(range) => self.workers.insert(0, *range),
                    Taken::AllDone => return,
                    other => panic!("{other:?}"),
                }
                while !self.workers.is_empty() {
                    self.work();
                    self.check();
                }
            }
        }
    }

    /// How somebody carries ranges out with these engines.
    fn way<'a>(lease: &Lease, engines: &'a [Engine]) -> Way<'a> {
        Way {
            engines,
            lease: lease.number(),
            online: false,
        }
    }

    /// Somebody's range of an online step, under a lease that the step was opened under, with a write of the application behind
    /// it that he has not heard of.
    fn online_range(world: &mut World) -> (Lease, RangeLease) {
        let lease = reopened(world);
        world.take();
        write_outside(world);
        let mut range = world.workers.pop().unwrap();
        let heard = range.catch_up(&world.store).unwrap();
        assert_eq!(heard.map(|items| items.len()), Some(1));
        (lease, range)
    }

    fn reopened(world: &mut World) -> Lease {
        let (clock, claim) = (world.clock(), world.claim());
        let mut lease = Lease::acquire_joint(&world.store, &clock, &claim).unwrap();
        world.divide(&mut lease, &[0], &[]).unwrap();
        lease.open(&world.store, Timestamp(world.now)).unwrap();
        lease
    }

    /// The application writes an item.
    fn write_outside(world: &World) {
        let now = Timestamp(world.now);
        let mut application = Outside::begin(&world.store, now, &never).unwrap();
        let version = Version::new(1, 0, 0);
        application
            .put(&world.notes, &id(3), &version, b"{}")
            .unwrap();
        assert!(application.commit().unwrap());
    }

    #[test]
    fn who_slept_while_writes_were_counted_anew_hears_that_he_has_missed_some() {
        for writes in 0..3 {
            let mut world = World::new(1);
            let (mut lease, mut sleeper) = online_range(&mut world);
            // The run stops, and is gone on with; nobody has taken the range.
            world.now += 2 * DURATION;
            let clock = world.clock();
            lease.close(&world.store, &clock).unwrap();
            lease.release(&world.store).unwrap();
            let _lease = reopened(&mut world);
            for _ in 0..writes {
                write_outside(&world);
            }
            let mut progress = sleeper.progress().swap_remove(0);
            progress.after = Some(id(9));
            let write = world.store.write(RUN, None).among_others();
            let became = (&progress, Vec::new());
            let committed = sleeper.commit(&world.store, write, became, Timestamp(world.now));
            assert!(
                matches!(committed, Err(LeaseError::Written)),
                "{committed:?}"
            );
            let heard = sleeper.catch_up(&world.store).unwrap();
            assert!(heard.is_none(), "{writes}: {heard:?}");
        }
    }

    #[test]
    fn another_component_carries_out_what_nobody_carries_out_with_the_first() {
        let mut world = World::new(1);
        let (clock, claim) = (world.clock(), world.claim());
        let mut lease = Lease::acquire_joint(&world.store, &clock, &claim).unwrap();
        world.divide(&mut lease, &[0], &[id(20)]).unwrap();
        world.take();
        let others = engines(&[7]);
        let take = |world: &mut World| {
            let (clock, claim) = (world.clock(), world.claim());
            let taken = world
                .store
                .take_range(&clock, &claim, (RUN, 0), None, &others);
            taken.unwrap()
        };
        let hand_over = |world: &World, lease: &mut Lease| {
            let (now, way) = (Timestamp(world.now), way(lease, &others));
            let mut write = world.store.write(RUN, None);
            let done = world.store.hand_over(&mut write, now, (RUN, 0), way);
            done.unwrap();
            write.commit(lease, now).unwrap();
        };
        hand_over(&world, &mut lease);
        let taken = take(&mut world);
        assert!(
            matches!(&taken, Taken::OtherEngines(known) if *known == engines(&[0])),
            "{taken:?}"
        );
        let owner = world.workers.pop().unwrap();
        owner.release(&world.store).unwrap();
        world.take();
        let sleeper = world.workers.pop().unwrap();
        world.now += 2 * DURATION;
        hand_over(&world, &mut lease);
        let came_back = sleeper.release(&world.store);
        assert!(
            matches!(came_back, Err(LeaseError::Lost { .. })),
            "{came_back:?}"
        );
        let taken = take(&mut world);
        assert!(matches!(taken, Taken::Range(_)), "{taken:?}");
    }

    #[test]
    fn nobody_takes_a_range_before_whoever_has_the_lease_has_said_with_what() {
        let mut world = World::new(1);
        let (clock, claim) = (world.clock(), world.claim());
        let mut lease = Lease::acquire_joint(&world.store, &clock, &claim).unwrap();
        world.divide(&mut lease, &[0], &[]).unwrap();
        lease.release(&world.store).unwrap();
        let (clock, claim) = (world.clock(), world.claim());
        let mut lease = Lease::acquire_joint(&world.store, &clock, &claim).unwrap();
        world.take();
        assert!(world.workers.is_empty());
        world.divide(&mut lease, &[0], &[]).unwrap();
        world.take();
        assert_eq!(world.workers.len(), 1);
    }

    #[test]
    fn who_takes_a_range_while_it_is_handed_over_keeps_it_and_it_is_not() {
        let mut world = World::new(1);
        let (clock, claim) = (world.clock(), world.claim());
        let mut lease = Lease::acquire_joint(&world.store, &clock, &claim).unwrap();
        world.divide(&mut lease, &[0], &[]).unwrap();
        let (now, others) = (Timestamp(world.now), engines(&[7]));
        let way = way(&lease, &others);
        let store = world.store.clone();
        let mut write = store.write(RUN, None);
        store.hand_over(&mut write, now, (RUN, 0), way).unwrap();
        world.take();
        let handed_over = write.commit(&mut lease, now);
        assert!(
            matches!(&handed_over, Err(LeaseError::Store(StoreError::Conflict { key })) if is_of_ranges(key)),
            "{handed_over:?}"
        );
        let owner = world.workers.pop().unwrap();
        owner.release(&world.store).unwrap();
    }

    fn simulate(seeds: std::ops::Range<u64>) {
        for seed in seeds {
            let mut world = World::new(seed);
            let run = std::panic::AssertUnwindSafe(|| {
                for _ in 0..60 {
                    world.act();
                }
                world.end();
            });
            if let Err(error) = std::panic::catch_unwind(run) {
                let said = error.downcast_ref::<String>();
                panic!("seed {seed}: {said:?}");
            }
        }
    }

    #[test]
    fn whatever_happens_ranges_tile_the_ids_and_each_item_is_done_once() {
        simulate(0..300);
    }

    /// `cargo test --release -p godwit-host --lib 100_000 -- --ignored`
    #[test]
    #[ignore = "it takes minutes"]
    fn for_100_000_seeds_ranges_tile_the_ids_and_each_item_is_done_once() {
        simulate(0..100_000);
    }
}

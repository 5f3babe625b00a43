//! A batch through a component, narrowed down to the items that fail.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::judge::{Failed, Verdict, is_failed, judge};
use super::reads::Reads;
use super::view::{Earlier, Grants, Halt, View, Writes};
use super::{Control, timed};
use crate::model::{Batch, Counts, Name};
use crate::sandbox::{Attempt, Call, Component, Context, LoadError, LogLine, Session};
use crate::store::{Store, StoreError};

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// One for each item, or for the first ones where these leave so much behind that the others
    /// are better fed once it is committed.
    pub verdicts: Vec<Verdict>,
    /// What was written through `documents`.
    pub writes: Writes,
    /// What was read through `documents`.
    pub reads: Reads,
    pub log: Vec<LogLine>,
    pub log_dropped: u64,
    /// What was asked of `documents` and denied.
    pub denied: BTreeSet<String>,
    /// Where several steps were carried out, what each did; the log and what was denied are theirs then.
    pub links: Vec<Link>,
    /// And which of them changed each item last.
    pub changed_by: Vec<usize>,
}

impl Judged {
    /// What the step of a place, of several, did. An empty batch went through none of them.
    pub(super) fn counts_of(&self, place: usize) -> Counts {
        let link = self.links.get(place);
        link.map_or_else(Counts::default, |link| link.counts)
    }
}

/// What one of several steps did to a batch.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub counts: Counts,
    pub log: Vec<LogLine>,
    pub log_dropped: u64,
    pub denied: BTreeSet<String>,
}

/// Why a batch has no result.
#[derive(Debug)]
pub(super) enum Abort {
    /// The store failed.
    Store(StoreError),
    /// The component cannot be instantiated.
    Load(LoadError),
    /// More items failed than may; the place of the last one, and why it failed.
    TooManyFailures {
        failed: u64,
        place: usize,
        why: Failed,
    },
    /// Somebody asked to stop while a fault was narrowed down.
    Stopped,
    /// Of several steps, that of this place does what a pass of its own must see to.
    Unfit(usize),
}

/// Feeds batches to one component on one thread.
pub(super) struct Transformer {
    pub component: Component,
    /// Which of its exports is fed.
    pub call: Call,
    pub store: Store,
    pub step: Name,
    pub context: Context,
    pub grants: Arc<Grants>,
    /// How many bytes of a failure's text are kept.
    pub reason_bytes: usize,
    pub control: Control,
    /// Kept from batch to batch, dropped after a fault.
    pub session: Option<Session<View>>,
}

impl Transformer {
    pub(super) fn new(
        component: &Component,
        step: &Name,
        grants: &Arc<Grants>,
        context: &Context,
        store: &Store,
        control: &Control,
    ) -> Self {
        Self {
            component: component.clone(),
            call: Call::Migrate,
            store: store.clone(),
            step: step.clone(),
            context: context.clone(),
            grants: grants.clone(),
            reason_bytes: component.limits().failure_bytes,
            control: control.clone(),
            session: None,
        }
    }

    /// Transforms a batch of which at most `budget` items may fail. `sound` says of each body whether it is known to be
    /// JSON that meets the rules; of those beyond its end nothing is known.
    pub(super) fn transform(
        &mut self,
        batch: &Batch,
        sound: &[bool],
        budget: u64,
    ) -> Result<Judged, Abort> {
        let mut narrowing = Narrowing {
            transformer: self,
            batch,
            sound,
            budget,
            failures: 0,
            verdicts: vec![None; batch.len()],
            earlier: Arc::default(),
            reads: Reads::default(),
            log: Vec::new(),
            log_dropped: 0,
            denied: BTreeSet::new(),
            held: 0,
        };
        let all: Vec<_> = (0..batch.len()).collect();
        narrowing.part(&all)?;
        let Narrowing {
            verdicts,
            earlier,
            reads,
            log,
            log_dropped,
            denied,
            ..
        } = narrowing;
        let verdicts = verdicts.into_iter().map_while(|verdict| verdict);
        let earlier = Arc::into_inner(earlier).expect("no session keeps it");
        Ok(Judged {
            verdicts: verdicts.collect(),
            writes: earlier.writes,
            reads,
            log,
            log_dropped,
            denied,
            ..Judged::default()
        })
    }

    /// Feeds a part of a batch. What earlier batches left behind in a session is not held against an
    /// item that is alone: it fails by a fault only in a fresh one.
    fn attempt(&mut self, part: &Batch, earlier: &Arc<Earlier>) -> Result<Attempt<View>, Abort> {
        let was_used = self.session.as_ref().is_some_and(Session::is_used);
        let attempt = self.feed(part, earlier)?;
        let is_fault = attempt.reply.is_err() && !attempt.documents.is_halted();
        if is_fault && was_used && part.len() == 1 {
            drop(attempt);
            return self.feed(part, earlier);
        }
        Ok(attempt)
    }

    fn feed(&mut self, part: &Batch, earlier: &Arc<Earlier>) -> Result<Attempt<View>, Abort> {
        if let Some(answer) = self.component.native_code() {
            let _timed = timed!("guest");
            let (store, grants) = (self.store.clone(), self.grants.clone());
            let view = View::new(store, grants, part, earlier.clone());
            return Ok(Attempt::native(answer(part), view));
        }
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(Session::start(&self.component).map_err(Abort::Load)?),
        };
        let view = View::new(
            self.store.clone(),
            self.grants.clone(),
            part,
            earlier.clone(),
        );
        let attempt = {
            let _timed = timed!("guest");
            session.call(
                self.call,
                self.step.as_str(),
                part,
                self.context.clone(),
                view,
            )
        };
        if attempt.reply.is_err() || session.is_worn() {
            self.session = None;
        }
        Ok(attempt)
    }
}

/// What a part of a batch left behind beside its answer.
struct Left {
    documents: View,
    denied: Vec<String>,
    log: Vec<LogLine>,
    log_dropped: u64,
}

/// The way from a batch to a verdict for each of its items.
///
/// The result is that of feeding the items one after another: parts are fed in order, later ones
/// see what earlier ones did, and items that fail leave no trace.
struct Narrowing<'a> {
    transformer: &'a mut Transformer,
    batch: &'a Batch,
    sound: &'a [bool],
    budget: u64,
    failures: u64,
    verdicts: Vec<Option<Verdict>>,
    earlier: Arc<Earlier>,
    reads: Reads,
    log: Vec<LogLine>,
    log_dropped: u64,
    denied: BTreeSet<String>,
    /// Bytes of what the parts judged so far leave behind.
    held: u64,
}

impl Narrowing<'_> {
    /// Judges the items at `places`.
    fn part(&mut self, places: &[usize]) -> Result<(), Abort> {
        if places.is_empty() {
            return Ok(());
        }
        let narrowed;
        let part = if places.len() == self.batch.len() {
            self.batch
        } else {
            if self.transformer.control.is_stopped() {
                return Err(Abort::Stopped);
            }
            narrowed = self.pick(places);
            &narrowed
        };
        let attempt = self.transformer.attempt(part, &self.earlier)?;
        let Attempt {
            reply,
            mut documents,
            denied,
            log,
            log_dropped,
        } = attempt;
        let fault = match reply {
            Ok(reply) => {
                let Transformer {
                    grants,
                    reason_bytes,
                    ..
                } = &*self.transformer;
                let is_sound = |index: usize| self.sound.get(places[index]) == Some(&true);
                let verdicts = {
                    let _timed = timed!("judge");
                    judge(part, is_sound, reply, grants, *reason_bytes)
                };
                let left = Left {
                    documents,
                    denied,
                    log,
                    log_dropped,
                };
                return self.judged(places, verdicts, left);
            }
            Err(fault) => fault,
        };
        let halt = documents.take_halt();
        // Views share what earlier parts did; it can be added to once they are gone.
        let (_, reads) = documents.finish();
        match halt {
            Some(Halt::Store(error)) => Err(Abort::Store(error)),
            None if places.len() == 1 => {
                self.reads.append(reads);
                let failed = Failed {
                    kind: fault.kind(),
                    reason: fault.told(&log),
                };
                self.keep_log(log);
                let failed = failed.having_been_denied(&denied);
                self.denied.extend(denied);
                self.fail(places[0], failed)
            }
            _ => self.halves(places),
        }
    }

    fn pick(&self, places: &[usize]) -> Batch {
        let mut part = Batch::default();
        for place in places {
            part.push(self.batch.id(*place), self.batch.body(*place));
        }
        part
    }

    fn halves(&mut self, places: &[usize]) -> Result<(), Abort> {
        let (first, second) = places.split_at(places.len() / 2);
        self.part(first)?;
        if self.is_full() {
            return Ok(());
        }
        self.part(second)
    }

    fn keep_log(&mut self, log: Vec<LogLine>) {
        let bytes: usize = log.iter().map(LogLine::len_bytes).sum();
        self.held += bytes as u64;
        self.log.extend(log);
    }

    /// Whether the parts judged so far leave as much behind as one call may: each could, and there
    /// are as many as items.
    fn is_full(&self) -> bool {
        let reads = self.reads.len() as u64;
        let limits = self.transformer.component.limits();
        self.held > limits.document_bytes || reads > limits.document_calls
    }

    fn judged(
        &mut self,
        places: &[usize],
        mut verdicts: Vec<Verdict>,
        left: Left,
    ) -> Result<(), Abort> {
        if !left.denied.is_empty() && verdicts.iter().any(is_failed) {
            // Which of them was denied something is seen once each is alone.
            if places.len() > 1 {
                drop(left);
                return self.halves(places);
            }
            verdicts = verdicts
                .into_iter()
                .map(|verdict| verdict.having_been_denied(&left.denied))
                .collect();
        }
        self.denied.extend(left.denied.iter().cloned());
        if !left.documents.has_written() || !verdicts.iter().any(is_failed) {
            return self.keep(places, verdicts, left);
        }
        // What was written may be the failed items' doing, and what failed may have read it.
        let has_read = left.documents.has_read();
        if places.len() > 1 && has_read {
            drop(left);
            return self.halves(places);
        }
        let (_, reads) = left.documents.finish();
        self.reads.append(reads);
        if places.len() == 1 {
            self.keep_log(left.log);
        }
        let mut others = Vec::new();
        for (place, verdict) in places.iter().zip(verdicts) {
            match verdict {
                Verdict::Failed(failed) => self.fail(*place, failed)?,
                _ => others.push(*place),
            }
        }
        self.part(&others)
    }

    fn keep(&mut self, places: &[usize], verdicts: Vec<Verdict>, left: Left) -> Result<(), Abort> {
        let (writes, reads) = left.documents.finish();
        self.reads.append(reads);
        self.held += written_bytes(&writes) + updated_bytes(&verdicts);
        self.keep_log(left.log);
        self.log_dropped += left.log_dropped;
        let is_inward = self.transformer.grants.is_inward();
        let earlier = Arc::get_mut(&mut self.earlier).expect("no view is left");
        earlier.writes.extend(writes);
        for (place, verdict) in places.iter().zip(verdicts) {
            let body = match &verdict {
                Verdict::Updated(body) => Some(Some(body.clone())),
                Verdict::Removed => Some(None),
                Verdict::Unchanged => None,
                Verdict::Failed(failed) => {
                    let failed = failed.clone();
                    self.fail(*place, failed)?;
                    continue;
                }
            };
            if let Some(body) = body.filter(|_| is_inward) {
                let earlier = Arc::get_mut(&mut self.earlier).expect("no view is left");
                earlier
                    .outcomes
                    .insert(self.batch.id(*place).to_owned(), body.map(Vec::from));
            }
            self.verdicts[*place] = Some(verdict);
        }
        Ok(())
    }

    fn fail(&mut self, place: usize, failed: Failed) -> Result<(), Abort> {
        self.failures += 1;
        if self.failures > self.budget {
            return Err(Abort::TooManyFailures {
                failed: self.failures,
                place,
                why: failed,
            });
        }
        self.verdicts[place] = Some(Verdict::Failed(failed));
        Ok(())
    }
}

/// Bytes of new bodies.
fn updated_bytes(verdicts: &[Verdict]) -> u64 {
    let bytes = |verdict: &Verdict| match verdict {
        Verdict::Updated(body) => body.len() as u64,
        Verdict::Unchanged | Verdict::Removed | Verdict::Failed(_) => 0,
    };
    verdicts.iter().map(bytes).sum()
}

/// Bytes that writes take, roughly.
fn written_bytes(writes: &Writes) -> u64 {
    let write = |((_, id), body): (&(Name, String), &Option<Vec<u8>>)| {
        id.len() + body.as_ref().map_or(0, Vec::len)
    };
    writes.iter().map(write).sum::<usize>() as u64
}

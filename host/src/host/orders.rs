//! Directing work on a store that has no folder: by a record in the store, from any machine that reaches it.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::socket::{Answer, Request, SocketError};
use super::undirected::UNDIRECTED;
use super::{Busy, Host, HostError};
use crate::model::{Purpose, Run, RunState};
use crate::run::{Control, Pacing};
use crate::store::{Orders, StoreError, WORKER, Whose};

/// Whoever works looks so often.
const EVERY: Duration = Duration::from_millis(300);
/// How long it is watched how fast a run is.
const SAMPLE: Duration = Duration::from_secs(1);
/// So often it is looked again for somebody who goes on with what nobody seems to have.
const TRIES: u32 = 10;

impl Host {
    /// Directs whoever works on the store, wherever that is, by a record in it; on stores in a folder a process of the same
    /// machine is asked by [`Request::send`]. It takes effect within a second, between two batches. Where a run was left, and
    /// nobody seems to go on with it, three seconds are waited for somebody who does.
    ///
    /// ```
    /// use godwit::{Request, SocketError};
    ///
    /// # let host = godwit::Host::builder().backend(std::sync::Arc::new(godwit::store::Memory::new())).open_blocking()?;
    /// # let host = host.blocking();
    /// let answer = host.direct(Request::Pause)?;
    /// assert!(matches!(answer, Err(SocketError::Nobody(_))), "nobody works on it");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store failed. Why the request is refused is part of the answer.
    pub fn direct(&self, request: Request) -> Result<Result<Answer, SocketError>, HostError> {
        let Some(busy) = self.whoever_works()? else {
            let place = PathBuf::from(self.store.backend().url());
            return Ok(Err(SocketError::Nobody(place)));
        };
        let is_heard = request == Request::Progress || !UNDIRECTED.contains(&busy.purpose.as_str());
        let refused = match is_heard {
            true => request.check(&busy.purpose).err(),
            false => Some(format!("{} ends by itself, unasked", busy.purpose)),
        };
        if let Some(reason) = refused {
            return Ok(Err(SocketError::Refused(reason)));
        }
        let whose = || self.whose(&busy.purpose);
        let change = |orders: &mut Orders<Pace>| match request {
            Request::Progress => {}
            Request::Pause => orders.paused = true,
            Request::Resume => orders.paused = false,
            Request::Cancel => orders.cancelled = true,
            Request::Throttle { .. } | Request::Batch { .. } => {
                orders.pacing.get_or_insert_default().ask(request);
            }
        };
        let orders = match request {
            Request::Progress => self.store.orders_for(whose()?)?,
            _ => self.store.order(&whose, &change)?,
        };
        let holds = if orders.paused {
            vec!["paused".to_owned()]
        } else {
            Vec::new()
        };
        let mut progress = self.progress()?;
        if request == Request::Progress
            && !orders.paused
            && let Some(before) = &progress
        {
            let started = self.clock().now();
            std::thread::sleep(SAMPLE);
            let (read, total, state) = (before.read, before.total, before.state);
            let now = self.progress()?.filter(|now| now.run == before.run);
            if let Some(mut now) = now.filter(|_| state == RunState::Running) {
                let seconds = self.clock().now().since(started).max(1) as f64 / 1_000.0;
                let rate = now.read.saturating_sub(read) as f64 / seconds;
                now.items_per_second = (rate > 0.0).then_some(rate);
                let left = total.max(now.total) - now.read;
                now.seconds_left = now.items_per_second.map(|rate| left as f64 / rate);
                progress = Some(now);
            }
        }
        if let Some(progress) = &mut progress {
            progress.waits_for.clone_from(&holds);
        }
        Ok(Ok(Answer {
            purpose: busy.purpose,
            is_stopping: orders.cancelled,
            holds,
            pacing: orders.pacing.unwrap_or_default().on(Pacing::default()),
            progress,
        }))
    }

    /// Who works on the store. A worker has nothing for a moment between two ranges, or before he takes the lease that another one
    /// has given back.
    fn whoever_works(&self) -> Result<Option<Busy>, HostError> {
        for _ in 0..TRIES {
            let busy = self.busy()?;
            if busy.is_some() || self.store.last_run(&may_have_workers)?.is_none() {
                return Ok(busy);
            }
            std::thread::sleep(EVERY);
        }
        self.busy()
    }

    /// Whom orders are for that are given now to those who are at work for a purpose.
    fn whose(&self, purpose: &str) -> Result<Whose, StoreError> {
        if purpose == WORKER
            && let Some(run) = self.store.last_run(&may_have_workers)?
        {
            return Ok(Whose::Run(run.id));
        }
        let last = self.store.last_lease()?.filter(|(_, of)| of == purpose);
        // No lease has that number: where others have taken the store meanwhile, nobody is meant.
        Ok(Whose::Lease(last.map_or(0, |(number, _)| number)))
    }

    /// Does something that obeys the orders in the store; `is_cancelled` is set when one of them is to stop.
    pub(super) fn obeying<T>(
        &self,
        purpose: &str,
        control: &Control,
        is_cancelled: &AtomicBool,
        work: impl FnOnce() -> T,
    ) -> T {
        let is_over = AtomicBool::new(false);
        let (waits, wakes) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let over = &is_over;
            let watch = move || self.obey(purpose, control, is_cancelled, over, &wakes);
            let started = std::thread::Builder::new()
                .name("godwit-orders".to_owned())
                .spawn_scoped(scope, watch);
            if let Err(error) = &started {
                tracing::warn!(%error, purpose, "nobody can direct this from elsewhere");
            }
            let ended = Ended(&is_over, Some(waits));
            let done = work();
            drop(ended);
            done
        })
    }

    fn obey(
        &self,
        purpose: &str,
        control: &Control,
        is_cancelled: &AtomicBool,
        is_over: &AtomicBool,
        wakes: &std::sync::mpsc::Receiver<()>,
    ) {
        let (mut obeyed, mut paced) = (None, Paced::default());
        // What was ordered to a holder before is not for this one; it is where he is still at the same work.
        let begun = self.store.orders::<Pace>().ok().flatten();
        let is_at_work = || matches!(self.busy(), Ok(Some(busy)) if busy.purpose == purpose);
        let stale = begun.filter(|orders| matches!(orders.whose, Whose::Lease(_)) && !is_at_work());
        while !is_over.load(Ordering::SeqCst) {
            let asked = self.meant(purpose, stale.as_ref());
            let Ok((orders, pace)) = asked.and_then(|orders| self.with_share(orders)) else {
                // What was ordered before holds until the store can be asked again.
                let _ = wakes.recv_timeout(EVERY);
                continue;
            };
            paced.obey(control, pace);
            let is = |asks: fn(&Orders<Pace>) -> bool| orders.as_ref().is_some_and(asks);
            let now = (is(|orders| orders.paused), is(|orders| orders.cancelled));
            if obeyed.replace(now) != Some(now) {
                control.pause_with_all(now.0);
                if now.1 {
                    is_cancelled.store(true, Ordering::SeqCst);
                    control.stop();
                }
            }
            // It ends at once when the work does.
            let _ = wakes.recv_timeout(EVERY);
        }
        paced.obey(control, None);
        control.pause_with_all(false);
    }

    /// Orders with the pace that they ask for, and one's own share of that.
    fn with_share(&self, orders: Option<Orders<Pace>>) -> Result<Asked, HostError> {
        let pace = orders.as_ref().and_then(|orders| orders.pacing);
        let shared = pace.map(|pace| Ok::<_, HostError>((pace, self.share_of(pace)?)));
        Ok((orders, shared.transpose()?))
    }

    /// What of a pace is one's own, where several work: a number of items is for all of them together.
    fn share_of(&self, mut pace: Pace) -> Result<Pace, StoreError> {
        if let Some(Request::Throttle {
            items_per_second: Some(items),
            ..
        }) = &mut pace.throttle
        {
            let workers = self.store.workers(self.clock().now())?.max(1);
            let workers = u32::try_from(workers).unwrap_or(u32::MAX);
            *items = NonZeroU32::new(items.get() / workers).unwrap_or(NonZeroU32::MIN);
        }
        Ok(pace)
    }

    /// The orders that are for those who work now for a purpose.
    pub(super) fn meant(
        &self,
        purpose: &str,
        stale: Option<&Orders<Pace>>,
    ) -> Result<Option<Orders<Pace>>, HostError> {
        loop {
            let found = self.store.orders::<Pace>()?;
            let Some(orders) = found.filter(|found| stale != Some(found)) else {
                return Ok(None);
            };
            let is_meant = self.is_meant(purpose, orders.whose)?;
            // A run that goes on has dropped those that were given before; others may have been given meanwhile.
            if self.store.orders()?.as_ref() == Some(&orders) {
                return Ok(Some(orders).filter(|_| is_meant));
            }
        }
    }

    /// What is ordered to others, who may have the store before or beside this work, is not.
    fn is_meant(&self, purpose: &str, whose: Whose) -> Result<bool, HostError> {
        Ok(match whose {
            Whose::Run(id) => {
                // Where nobody ever had a lease, orders came with a backup.
                let is_mine = purpose == WORKER && self.store.last_lease()?.is_some();
                let run = self.store.run(id)?.filter(|_| is_mine);
                run.is_some_and(|Run { purpose, state, .. }| may_have_workers(purpose, state))
            }
            Whose::Lease(number) => {
                let last = self.store.last_lease()?;
                last.is_some_and(|(last, of)| last == number && of == purpose)
            }
        })
    }
}

/// Whether workers may carry a run out, or go on with it.
pub(super) fn may_have_workers(purpose: Purpose, state: RunState) -> bool {
    purpose == Purpose::Up && state == RunState::Running
}

/// Orders, and the pace that they ask for with one's own share of it.
type Asked = (Option<Orders<Pace>>, Option<(Pace, Pace)>);

/// How fast work is to go, of what somebody has said something about: the last request of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Pace {
    #[serde(skip_serializing_if = "Option::is_none")]
    throttle: Option<Request>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<Request>,
    /// How many there were: the same one may be said again.
    count: u64,
}

impl Pace {
    fn ask(&mut self, request: Request) {
        self.count += 1;
        match request {
            Request::Batch { .. } => self.batch = Some(request),
            _ => self.throttle = Some(request),
        }
    }

    /// The pace of work that went otherwise before.
    fn on(self, mut pacing: Pacing) -> Pacing {
        for request in [self.throttle, self.batch].into_iter().flatten() {
            request.pace(&mut pacing);
        }
        pacing
    }
}

/// How fast work was ordered to go.
#[derive(Debug, Default)]
struct Paced {
    ordered: Option<Pace>,
    /// How it went before, and how since.
    of_control: Option<(Pacing, Pacing)>,
}

impl Paced {
    /// Has it go as is ordered now, by its own share of that, and as before where nothing is any more: an order ends with what
    /// it was given for.
    fn obey(&mut self, control: &Control, asked: Option<(Pace, Pace)>) {
        let ordered = asked.map(|(ordered, _)| ordered);
        let is_new = self.ordered != ordered;
        // Where somebody has changed it otherwise, that holds until there is another order.
        let is_kept = |&(_, since): &(Pacing, Pacing)| control.pacing() == since;
        if !is_new && !self.of_control.as_ref().is_some_and(is_kept) {
            return;
        }
        self.ordered = ordered;
        let known = self.of_control.take();
        if let Some((_, share)) = asked {
            let before = known.map_or_else(|| control.pacing(), |(before, _)| before);
            let shared = share.on(before);
            if control.pacing() != shared {
                control.pace(|pacing| *pacing = shared);
            }
            self.of_control = Some((before, control.pacing()));
        } else if let Some((before, _)) = known.filter(is_kept) {
            control.pace(|pacing| *pacing = before);
        }
    }
}

/// Says that work is over, however it ends.
struct Ended<'a>(&'a AtomicBool, Option<std::sync::mpsc::Sender<()>>);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        self.1.take();
    }
}

#[cfg(test)]
mod tests {
    use super::super::of_notes;
    use super::*;
    use crate::plan::Goal;
    use crate::run::Quiet;
    use crate::store::{Commit, key};

    #[test]
    fn nobody_means_what_came_with_a_backup() {
        let host = of_notes();
        let plan = host.plan(&Goal::default()).unwrap().plan;
        let control = Control::default();
        let runner = host.runner(&Quiet, &control);
        let mut lease = host.lease(WORKER).unwrap();
        host.start(&runner, &mut lease, Purpose::Up, plan, None)
            .unwrap();
        host.direct(Request::Cancel).unwrap().unwrap();
        let is_cancelled = || {
            let meant = host.meant(WORKER, None).unwrap();
            meant.is_some_and(|orders| orders.cancelled)
        };
        assert!(is_cancelled());
        // A backup has no lease.
        let mut restored = Commit::new();
        restored.delete(key::LEASE);
        host.store.backend().commit(&restored).unwrap();
        assert!(!is_cancelled());
    }

    /// So many items a second.
    fn throttle(items: u32) -> Pace {
        let items_per_second = NonZeroU32::new(items);
        Pace {
            throttle: Some(Request::Throttle {
                items_per_second,
                duty: None,
                rest: 0,
            }),
            ..Pace::default()
        }
    }

    fn rate_of(control: &Control) -> Option<u32> {
        control.pacing().items_per_second.map(NonZeroU32::get)
    }

    #[test]
    fn a_share_follows_how_many_there_are_until_somebody_says_otherwise() {
        let (control, mut paced) = (Control::default(), Paced::default());
        let ordered = throttle(1_000);
        paced.obey(&control, Some((ordered, throttle(250))));
        assert_eq!(rate_of(&control), Some(250));
        paced.obey(&control, Some((ordered, throttle(200))));
        assert_eq!(rate_of(&control), Some(200));
        control.pace(|pacing| pacing.items_per_second = NonZeroU32::new(10));
        paced.obey(&control, Some((ordered, throttle(250))));
        assert_eq!(rate_of(&control), Some(10), "it was said later");
        let mut again = throttle(1_000);
        again.ask(again.throttle.unwrap());
        paced.obey(&control, Some((again, throttle(250))));
        assert_eq!(rate_of(&control), Some(250), "so was this");
        paced.obey(&control, None);
        assert_eq!(rate_of(&control), None);
    }

    #[test]
    fn what_somebody_has_said_otherwise_outlasts_an_order() {
        let (control, mut paced) = (Control::default(), Paced::default());
        paced.obey(&control, Some((throttle(1_000), throttle(1_000))));
        control.pace(|pacing| pacing.items_per_second = NonZeroU32::new(10));
        paced.obey(&control, None);
        assert_eq!(rate_of(&control), Some(10));
    }
}

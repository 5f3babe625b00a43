//! Directing work while it goes on.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pace::Rest;
use super::report::{Observer, RunEvent};

/// How often whoever waits looks after its lease.
pub(super) const LEASE_CHECK: Duration = Duration::from_millis(500);

/// What [`Control::pause`] gives as its reason.
const PAUSED: &str = "paused";

/// Directs work while it goes on: it can be stopped, held and paced. Clones direct the same work.
///
/// Everything takes effect between two batches. Nothing of it changes the result.
///
/// ```
/// use godwit::run::Control;
///
/// let control = Control::default();
/// let elsewhere = control.clone();
/// elsewhere.hold("it is day");
/// assert_eq!(control.holds(), ["it is day"]);
/// elsewhere.release("it is day");
/// elsewhere.stop();
/// assert!(control.is_stopped());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Control(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_stopped: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    holds: BTreeSet<String>,
    /// Whether all who carry the run out are to wait.
    is_paused_for_all: bool,
    pacing: Pacing,
    /// What is to be rested before the next range is begun.
    rest: Option<Rest>,
}

impl State {
    fn all_holds(&self) -> Vec<String> {
        let for_all = self.is_paused_for_all.then(|| PAUSED.to_owned());
        let holds: BTreeSet<_> = self.holds.iter().cloned().chain(for_all).collect();
        holds.into_iter().collect()
    }
}

/// How fast work may go.
///
/// ```
/// use godwit::run::Pacing;
///
/// let gentle = Pacing { duty: Some(25), ..Pacing::default() };
/// assert!(gentle.rests());
/// assert!(!Pacing::default().rests());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pacing {
    /// So many items a second at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items_per_second: Option<NonZeroU32>,
    /// Work takes so many percent of the time at most, and rests for the others: from 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duty: Option<u8>,
    /// How long to rest after each batch of each thread.
    #[serde(skip_serializing_if = "Duration::is_zero", with = "millis")]
    pub rest: Duration,
    /// Bytes of bodies that are fed at once, instead of what [`Options`](super::Options) say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_bytes: Option<usize>,
}

impl Pacing {
    /// What is fed at once lies in a component's memory several times: more bytes it may not be.
    pub const MAX_BATCH_BYTES: usize = 16 << 20;

    /// The same, as far as it can be.
    fn within_bounds(self) -> Self {
        Self {
            duty: self.duty.map(|duty| duty.clamp(1, 100)),
            batch_bytes: self
                .batch_bytes
                .map(|bytes| bytes.clamp(1, Self::MAX_BATCH_BYTES)),
            ..self
        }
    }

    /// Whether work ever rests.
    pub fn rests(&self) -> bool {
        let is_part = self.duty.is_some_and(|duty| duty < 100);
        self.items_per_second.is_some() || is_part || !self.rest.is_zero()
    }
}

impl Control {
    /// Asks work to stop: it commits the batch whose turn it is, drops those behind it, and says how to go on.
    pub fn stop(&self) {
        let _state = self.state();
        self.0.is_stopped.store(true, Ordering::Relaxed);
        self.0.changed.notify_all();
    }

    /// Whether somebody asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.0.is_stopped.load(Ordering::Relaxed)
    }

    /// Holds work until [`Control::resume`]: it waits, and keeps its lease.
    ///
    /// ```
    /// use godwit::run::Control;
    ///
    /// let control = Control::default();
    /// control.pause();
    /// assert_eq!(control.holds(), ["paused"]);
    /// control.resume();
    /// assert!(control.holds().is_empty());
    /// ```
    pub fn pause(&self) {
        self.hold(PAUSED);
    }

    /// Ends [`Control::pause`]; other holds stay.
    ///
    /// ```
    /// use godwit::run::Control;
    ///
    /// let control = Control::default();
    /// control.hold("it is day");
    /// control.pause();
    /// control.resume();
    /// assert_eq!(control.holds(), ["it is day"]);
    /// ```
    pub fn resume(&self) {
        self.release(PAUSED);
    }

    /// Holds work for a reason, until that is released. It waits for as long as there is any.
    pub fn hold(&self, reason: &str) {
        self.state().holds.insert(reason.to_owned());
        self.0.changed.notify_all();
    }

    /// Takes back a reason to hold work.
    pub fn release(&self, reason: &str) {
        self.state().holds.remove(reason);
        self.0.changed.notify_all();
    }

    /// Why work is held; empty where it is not.
    pub fn holds(&self) -> Vec<String> {
        self.state().all_holds()
    }

    /// Holds work, or releases it, because all who carry the run out are to wait, or to go on.
    pub(crate) fn pause_with_all(&self, is_paused: bool) {
        self.state().is_paused_for_all = is_paused;
        self.0.changed.notify_all();
    }

    /// Whether work is held for a reason that others who carry the run out may not have.
    pub(crate) fn is_held_itself(&self) -> bool {
        !self.state().holds.is_empty()
    }

    /// How fast work may go.
    pub fn pacing(&self) -> Pacing {
        self.state().pacing
    }

    /// Changes how fast work may go. What cannot be is brought to the nearest that can.
    ///
    /// ```
    /// use godwit::run::{Control, Pacing};
    ///
    /// let control = Control::default();
    /// control.pace(|pacing| pacing.batch_bytes = Some(usize::MAX));
    /// assert_eq!(control.pacing().batch_bytes, Some(Pacing::MAX_BATCH_BYTES));
    /// ```
    pub fn pace(&self, change: impl FnOnce(&mut Pacing)) {
        let mut pacing = self.pacing();
        // Not under the lock: it is not ours.
        change(&mut pacing);
        let pacing = pacing.within_bounds();
        let mut state = self.state();
        if pacing != state.pacing {
            state.rest = state.rest.map(Rest::for_items);
        }
        state.pacing = pacing;
        self.0.changed.notify_all();
    }

    /// Waits while work is held, and calls `meanwhile` with the reasons now and then; gives whether to go on, which is
    /// not so once it is stopped.
    ///
    /// # Errors
    /// What `meanwhile` says.
    pub(crate) fn proceed<E>(
        &self,
        mut meanwhile: impl FnMut(&[String]) -> Result<(), E>,
    ) -> Result<bool, E> {
        loop {
            if self.is_stopped() {
                return Ok(false);
            }
            let holds = self.holds();
            if holds.is_empty() {
                return Ok(true);
            }
            meanwhile(&holds)?;
            self.wait(LEASE_CHECK, |state| state.all_holds() == holds);
        }
    }

    /// Does as [`Control::proceed`], and tells an observer while it waits, and when that is over.
    pub(crate) fn proceed_telling<E>(
        &self,
        observer: &dyn Observer,
        mut meanwhile: impl FnMut() -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut told = Vec::new();
        let goes_on = self.proceed(|reasons| {
            if told != reasons {
                told = reasons.to_vec();
                let reasons = reasons.to_vec();
                observer.event(&RunEvent::Waiting { reasons });
            }
            meanwhile()
        })?;
        if goes_on && !told.is_empty() {
            observer.event(&RunEvent::GoesOn);
        }
        Ok(goes_on)
    }

    /// Leaves to the next range what is still to be rested, as work was paced so.
    pub(super) fn leave_rest(&self, rest: Rest, pacing: Pacing) {
        let mut state = self.state();
        let is_same = pacing == state.pacing;
        state.rest = Some(if is_same { rest } else { rest.for_items() });
    }

    /// Forgets what was left to be rested: something else begins.
    pub(crate) fn forget_rest(&self) {
        self.state().rest = None;
    }

    /// Takes over what was left to be rested, and gives how work is paced since.
    pub(super) fn take_rest(&self) -> (Option<Rest>, Pacing) {
        let mut state = self.state();
        (state.rest.take(), state.pacing)
    }

    /// Rests for a while, unless it is stopped or paced otherwise; gives whether it was for as long.
    pub(crate) fn rest(&self, time: Duration) -> bool {
        let pacing = self.pacing();
        self.wait(time, |state| state.pacing == pacing)
    }

    /// Waits as long as nothing but time changes; gives whether the time has passed.
    fn wait(&self, time: Duration, is_same: impl Fn(&State) -> bool) -> bool {
        let state = self.state();
        let is_same = |state: &mut State| is_same(state) && !self.is_stopped();
        let waited = self.0.changed.wait_timeout_while(state, time, is_same);
        let (_state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        waited.timed_out()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Times as milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        u64::try_from(time.as_millis())
            .unwrap_or(u64::MAX)
            .serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_waits_for_every_hold_and_ends_when_it_is_stopped() {
        let control = Control::default();
        control.pause();
        control.hold("it is day");
        let other = control.clone();
        let mut seen = Vec::new();
        let goes_on = control.proceed(|holds| {
            seen.push(holds.to_vec());
            match seen.len() {
                1 => other.resume(),
                _ => other.release("it is day"),
            }
            Ok::<(), ()>(())
        });
        assert_eq!(goes_on, Ok(true));
        assert_eq!(seen, [vec!["it is day", PAUSED], vec!["it is day"]]);
        control.pause();
        let goes_on = control.proceed(|_| {
            other.stop();
            Ok::<(), ()>(())
        });
        assert_eq!(goes_on, Ok(false));
        assert!(
            !control.rest(Duration::from_secs(3600)),
            "nobody rests who is to stop"
        );
    }
}

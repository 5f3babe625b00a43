//! Carrying runs out along with others, from any machine that reaches the store.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::orders::may_have_workers;
use super::{Held, Host, HostError};
use crate::model::{Purpose, Run, RunId, RunState};
use crate::plan::Goal;
use crate::run::{Control, Helped, Observer, Report, RunError, RunEvent, Runner, Together};
use crate::store::{Claim, Lease, LeaseError, StoreError, WORKER};

/// How long a worker that finds nothing to do waits before it looks again.
const PAUSE: Duration = Duration::from_millis(100);
/// How long one waits that has no work for now, or no store.
const REST: Duration = Duration::from_secs(1);
/// So often in a row a worker looks for a store that cannot be reached, once a second: longer than a standby takes to become
/// the primary.
const TRIES: u32 = 120;

/// How a worker works.
///
/// ```
/// use godwit::WorkOptions;
/// use godwit::run::Together;
///
/// let options = WorkOptions::default();
/// assert!(!options.stays);
/// assert_eq!(options.range_items, Together::RANGE_ITEMS);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct WorkOptions {
    /// Whether to wait for further runs when everything is up to date, until it is asked to stop.
    pub stays: bool,
    /// How many items a range has at least when it is cut.
    pub range_items: u64,
}

impl Default for WorkOptions {
    fn default() -> Self {
        Self {
            stays: false,
            range_items: Together::RANGE_ITEMS,
        }
    }
}

/// What a worker has done.
///
/// ```
/// use godwit::WorkOptions;
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
///
/// # let schema = r#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let backend = std::sync::Arc::new(godwit::store::Memory::new());
/// # let builder = godwit::Host::builder().backend(backend).plugin("notes.json", schema);
/// # let host = builder.open_blocking()?;
/// # let host = host.blocking();
/// let options = WorkOptions::default();
/// let worked = host.work(&Goal::default(), &options, &Quiet, &Control::default())?;
/// assert!(worked.reports[0].is_completed());
/// assert_eq!((worked.ranges, worked.is_left), (0, false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Worked {
    /// The runs whose ends it saw, as they stood then.
    pub reports: Vec<Report>,
    /// How many ranges it took for those who carried the runs out.
    pub ranges: u64,
    /// Whether it was asked to stop, and left a run to others.
    pub is_left: bool,
    /// Whether it was asked to stop before it was there for any run, while there is something to be done, or may be.
    pub is_stopped: bool,
}

/// What a worker is to do next.
enum Next {
    /// Look again at once.
    Again,
    /// Look again after a while.
    Rest(Duration),
    /// Nothing.
    End,
}

/// A worker at work.
struct Worker<'a> {
    host: &'a Host,
    runner: Runner<'a>,
    goal: &'a Goal,
    stays: bool,
    worked: Worked,
    /// The run that it was there for: how that ends is not its own to mend.
    seen: Option<RunId>,
    /// Why it takes nothing, as was told.
    held_by: Vec<String>,
    /// Whether there was nothing to be done when it looked last.
    is_up_to_date: bool,
}

impl Host {
    /// Reaches a goal along with whoever else calls this on the same store: one of them at a time carries the run out,
    /// the others take ranges of its steps. They may come and go; when one dies its part is somebody else's once its lease has
    /// expired. The result is that of [`Host::up`].
    ///
    /// Whoever is asked to stop leaves; the run stops when it is directed to ([`Host::direct`]).
    ///
    /// ```
    /// use godwit::WorkOptions;
    /// use godwit::plan::Goal;
    /// use godwit::run::{Control, Quiet};
    ///
    /// # let host = godwit::Host::builder().backend(std::sync::Arc::new(godwit::store::Memory::new())).open_blocking()?;
    /// # let host = host.blocking();
    /// let options = WorkOptions::default();
    /// let worked = host.work(&Goal::default(), &options, &Quiet, &Control::default())?;
    /// assert!(worked.reports.is_empty(), "everything is up to date");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Host::up`]; [`RunError::OtherEngine`] when others began a step with another Godwit, other limits or other grants.
    pub fn work(
        &self,
        goal: &Goal,
        options: &WorkOptions,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Worked, HostError> {
        let observer = &self.metered(observer);
        match self.notice_rows() {
            // Somebody is at work already.
            Err(HostError::Lease(LeaseError::Held { .. })) => {}
            noticed => noticed?,
        }
        control.forget_rest();
        let together = self.together(options);
        let is_cancelled = together.is_cancelled.clone();
        let mut worker = Worker {
            host: self,
            runner: Runner {
                together: Some(together),
                ..self.runner(observer, control)
            },
            goal,
            stays: options.stays,
            worked: Worked::default(),
            seen: None,
            held_by: Vec::new(),
            is_up_to_date: false,
        };
        self.obeying(WORKER, control, &is_cancelled, || worker.work())?;
        Ok(worker.worked)
    }

    fn together(&self, options: &WorkOptions) -> Together {
        Together {
            holder: self.surroundings.holder.clone(),
            duration: self.lease_duration,
            random: self.surroundings.random.clone(),
            is_gone: self.surroundings.is_gone.clone(),
            range_items: options.range_items,
            is_cancelled: Arc::new(AtomicBool::new(false)),
        }
    }

    fn joint_lease(&self) -> Result<Lease, HostError> {
        self.check_no_shadow()?;
        let claim = Claim {
            holder: self.surroundings.holder.clone(),
            purpose: WORKER,
            duration: self.lease_duration,
            nonce: (self.surroundings.random)(),
            is_gone: &*self.surroundings.is_gone,
        };
        Ok(Lease::acquire_joint(&self.store, self.clock(), &claim)?)
    }
}

impl Worker<'_> {
    fn work(&mut self) -> Result<(), HostError> {
        let mut tries = 0;
        loop {
            if self.runner.control.is_stopped() {
                self.stop_run()?;
                return self.note_stop();
            }
            let next = match self.turn() {
                Err(error) if is_outage(&error) && tries < TRIES => {
                    tries += 1;
                    tracing::warn!(
                        error = super::with_causes(&error),
                        "the store cannot be reached"
                    );
                    Next::Rest(REST)
                }
                // Somebody else has taken over, and goes on.
                Err(HostError::Lease(LeaseError::Lost { holder })) => {
                    self.runner.fenced("lease", holder);
                    Next::Rest(PAUSE)
                }
                next => {
                    tries = 0;
                    next?
                }
            };
            match next {
                Next::Again => {}
                Next::Rest(time) => {
                    self.runner.control.rest(time);
                }
                Next::End if self.stays => {
                    self.runner.control.rest(REST);
                }
                Next::End => return Ok(()),
            }
        }
    }

    /// Sees to it that a run is stopped that was cancelled, where whoever carried it out has left.
    fn stop_run(&mut self) -> Result<(), HostError> {
        while self.runner.is_cancelled() && self.is_cancelled_still()? {
            let run = self.host.store.last_run(&may_have_workers)?;
            // One that began since was not cancelled.
            let Some(run) = run.filter(|run| self.seen.is_none_or(|seen| seen == run.id)) else {
                return Ok(());
            };
            match self.host.joint_lease() {
                Ok(mut lease) => {
                    let stopped = self.runner.stop(&mut lease, run);
                    lease.release(&self.host.store)?;
                    self.end(stopped?)?;
                    return Ok(());
                }
                // He does.
                Err(HostError::Lease(LeaseError::Held { .. })) => std::thread::sleep(PAUSE),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the run is to stop by now: somebody who resumes one has the orders forgotten.
    fn is_cancelled_still(&self) -> Result<bool, HostError> {
        let orders = self.host.meant(WORKER, None)?;
        Ok(orders.is_some_and(|orders| orders.cancelled))
    }

    /// Notes what becomes of the run that it was there for, as far as can be known.
    fn note_stop(&mut self) -> Result<(), HostError> {
        let run = self.seen.map(|id| self.host.store.run(id));
        match run {
            None => {
                self.worked.is_stopped = !self.is_up_to_date && self.worked.reports.is_empty();
            }
            Some(Ok(Some(run))) if run.state != RunState::Running => {
                self.end(self.runner.report(run)?)?;
            }
            Some(_) => self.worked.is_left = true,
        }
        Ok(())
    }

    /// Does one thing that there is to do.
    fn turn(&mut self) -> Result<Next, HostError> {
        match self.host.busy()? {
            Some(busy) if busy.purpose == WORKER => self.help(),
            Some(_) => Ok(Next::Rest(PAUSE)),
            None => self.lead(),
        }
    }

    /// Takes a range of the run that another worker carries out.
    fn help(&mut self) -> Result<Next, HostError> {
        let Some(run) = self.host.store.last_run(&may_have_workers)? else {
            return Ok(Next::Rest(PAUSE));
        };
        (self.seen, self.is_up_to_date) = (Some(run.id), false);
        let control = self.runner.control;
        self.tell_of_holds(control.holds());
        match self.runner.help(&run)? {
            Helped::Worked => {
                self.worked.ranges += 1;
                Ok(Next::Again)
            }
            // Others may not be held. Where the run is paused for all, somebody has its lease, and hears when it is to go on.
            Helped::Waits if control.is_held_itself() => Ok(Next::Rest(REST)),
            // It may be nobody's by now.
            Helped::Waits => match self.host.joint_lease() {
                Ok(lease) => self.carry_out(lease),
                Err(HostError::Lease(LeaseError::Held { .. })) => Ok(Next::Rest(PAUSE)),
                Err(error) => Err(error),
            },
        }
    }

    /// Tells what keeps this worker from taking anything, where that has changed.
    fn tell_of_holds(&mut self, reasons: Vec<String>) {
        if self.held_by == reasons {
            return;
        }
        self.held_by.clone_from(&reasons);
        self.runner.observer.event(&match reasons.is_empty() {
            true => RunEvent::GoesOn,
            false => RunEvent::Waiting { reasons },
        });
    }

    /// What became of the run that it was there for, if that is over and was not completed: what comes then is not its to begin.
    fn ended_badly(&self) -> Result<Option<Report>, HostError> {
        let Some(run) = self.seen.map(|id| self.host.store.run(id)).transpose()? else {
            return Ok(None);
        };
        let goes_on = |run: &Run| match run.state {
            RunState::Running | RunState::Completed => true,
            // It waits for the next run.
            RunState::Undone => self.stays,
            _ => false,
        };
        let ended = run.filter(|run| !goes_on(run));
        Ok(ended.map(|run| self.runner.report(run)).transpose()?)
    }

    /// Carries out what there is to be done, if there is anything and nobody else does.
    fn lead(&mut self) -> Result<Next, HostError> {
        let planned = self.host.accepted(self.host.plan(self.goal)?)?;
        if planned.plan.is_empty() {
            self.note_end()?;
            return Ok(Next::End);
        }
        self.is_up_to_date = false;
        if let Some(report) = self.ended_badly()? {
            return self.end(report);
        }
        let control = self.runner.control;
        let (holds, waits) = (control.holds(), control.is_held_itself());
        if waits || holds.is_empty() {
            self.tell_of_holds(holds);
        }
        if waits {
            return Ok(Next::Rest(REST));
        }
        match self.host.joint_lease() {
            Ok(lease) => self.carry_out(lease),
            Err(HostError::Lease(LeaseError::Held { .. })) => Ok(Next::Rest(PAUSE)),
            Err(error) => Err(error),
        }
    }

    fn carry_out(&mut self, lease: Lease) -> Result<Next, HostError> {
        let mut held = Held {
            lease: Some(lease),
            store: &self.host.store,
        };
        let lease = held.lease.as_mut().expect("it is given back in the end");
        let next = self.under(lease);
        if !matches!(&next, Err(HostError::Lease(LeaseError::Lost { .. })))
            && let Some(lease) = held.lease.take()
            && let Err(LeaseError::Lost { holder }) = lease.release(&self.host.store)
        {
            self.runner.fenced("lease", holder);
        }
        next
    }

    /// Carries out what there is to be done, under the lease.
    fn under(&mut self, lease: &mut Lease) -> Result<Next, HostError> {
        let host = self.host;
        host.notice_rows_under(lease)?;
        // It may have been done before the lease was had.
        let planned = host.accepted(host.plan(self.goal)?)?;
        if planned.plan.is_empty() {
            self.note_end()?;
            return Ok(Next::End);
        }
        let plan = planned.plan.clone();
        let report = match planned.resumes {
            Some(id) => {
                let run = host.store.run(id)?.ok_or(HostError::NoRun(id))?;
                if run.state != RunState::Running && self.seen == Some(id) {
                    return self.end(self.runner.report(run)?);
                }
                self.seen = Some(id);
                self.runner.go_on(lease, Run { plan, ..run })?
            }
            None => {
                let (observer, control) = (self.runner.observer, self.runner.control);
                let backup = host.back_up_first(lease, observer, control)?;
                let run = host.start(&self.runner, lease, Purpose::Up, plan, backup)?;
                self.seen = Some(run.id);
                self.runner.carry_out(lease, run)?
            }
        };
        match report.run.state {
            RunState::Running => {
                self.worked.is_left = true;
                Ok(Next::End)
            }
            // There may be more to do.
            RunState::Completed => {
                self.worked.reports.push(report);
                self.seen = None;
                Ok(Next::Again)
            }
            _ => self.end(report),
        }
    }

    /// Notes how the run ended that it has helped with.
    fn note_end(&mut self) -> Result<(), HostError> {
        if let Some(id) = self.seen.take()
            && let Some(run) = self.host.store.run(id)?
        {
            self.worked.reports.push(self.runner.report(run)?);
        }
        self.is_up_to_date = true;
        self.runner.observer.event(&RunEvent::SetUp);
        Ok(())
    }

    /// Ends with a run that is not completed: somebody has to look at it.
    fn end(&mut self, report: Report) -> Result<Next, HostError> {
        let is_known = self.worked.reports.last() == Some(&report);
        if !is_known {
            self.worked.reports.push(report);
        }
        Ok(Next::End)
    }
}

/// Whether the store may be reached again after a while.
fn is_outage(error: &HostError) -> bool {
    let is_failed = |error: &StoreError| matches!(error, StoreError::Failed { .. });
    match error {
        HostError::Store(error) | HostError::Run(RunError::Store(error)) => is_failed(error),
        HostError::Lease(LeaseError::Store(error)) => is_failed(error),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Request, of_notes};
    use super::*;
    use crate::run::Quiet;
    use crate::store::{Commit, key};

    #[test]
    fn whoever_was_cancelled_stops_no_other_run() {
        let host = &of_notes();
        let (control, goal) = (Control::default(), Goal::default());
        let plan = host.plan(&goal).unwrap().plan;
        let runner = host.runner(&Quiet, &control);
        let mut lease = host.joint_lease().unwrap();
        let run = host
            .start(&runner, &mut lease, Purpose::Up, plan, None)
            .unwrap();
        host.direct(Request::Cancel).unwrap().unwrap();
        let orders = host.store.backend().get(key::ORDERS).unwrap().unwrap();
        lease.release(&host.store).unwrap();
        let mut worker = Worker {
            host,
            runner: Runner {
                together: Some(host.together(&WorkOptions::default())),
                ..runner
            },
            goal: &goal,
            stays: false,
            worked: Worked::default(),
            seen: None,
            held_by: Vec::new(),
            is_up_to_date: false,
        };
        let together = worker.runner.together.as_ref().unwrap();
        together
            .is_cancelled
            .store(true, std::sync::atomic::Ordering::Relaxed);
        let mut state_when_there_for = |seen, orders: &[u8]| {
            let mut ordered = Commit::new();
            ordered.put(key::ORDERS, &[orders]);
            host.store.backend().commit(&ordered).unwrap();
            worker.seen = seen;
            worker.stop_run().unwrap();
            host.store.run(run.id).unwrap().unwrap().state
        };
        let other = RunId(run.id.0 + 1);
        let forgotten = br#"{"whose": {"run": 0}}"#;
        assert_eq!(
            state_when_there_for(Some(other), &orders),
            RunState::Running
        );
        assert_eq!(
            state_when_there_for(Some(run.id), forgotten),
            RunState::Running
        );
        assert_eq!(
            state_when_there_for(Some(run.id), &orders),
            RunState::Stopped
        );
    }
}

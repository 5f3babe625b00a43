//! What the server does for those who asked: each a work of the host, looked after until it ends and for a while behind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use super::problem::Problem;
use super::wire::{Activity, ActivityState, Pace};
use crate::embed::{Host, Work};
use crate::host::HostError;
use crate::model::{RunId, Timestamp};
use crate::run::{Control, RunEvent};

/// So many that have ended are kept.
const KEPT: usize = 100;
/// Whoever begins one is told how it began, if that is soon.
const SOON: Duration = Duration::from_secs(1);

/// Everything that was begun.
pub(super) struct Activities {
    host: Host,
    known: Arc<Mutex<BTreeMap<u64, Arc<Known>>>>,
}

/// Something that was begun.
pub(super) struct Known {
    pub number: u64,
    pub purpose: &'static str,
    started_at: Timestamp,
    pub control: Control,
    told: watch::Sender<Told>,
}

/// What is known of it.
#[derive(Debug, Clone, Default)]
struct Told {
    run: Option<RunId>,
    ended: Option<Ended>,
}

#[derive(Debug, Clone)]
struct Ended {
    at: Timestamp,
    result: Result<Value, Problem>,
}

impl Activities {
    pub(super) fn new(host: Host) -> Self {
        Self {
            host,
            known: Arc::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks after a work until it ends; gives it once there is something to tell of it: its run, its end, or that it takes
    /// a while.
    pub(super) async fn begin<T: Serialize + Send + 'static>(
        &self,
        purpose: &'static str,
        work: Work<T>,
    ) -> Arc<Known> {
        let clock = self.host.blocking().surroundings().clock.clone();
        let known = Arc::new(Known {
            number: work.number(),
            purpose,
            started_at: clock.now(),
            control: work.control().clone(),
            told: watch::Sender::default(),
        });
        {
            let mut all = self.known();
            all.insert(known.number, known.clone());
            while all.len() > KEPT {
                let ended = all.iter().find(|(_, known)| known.has_ended());
                let Some(oldest) = ended.map(|(number, _)| *number) else {
                    break;
                };
                all.remove(&oldest);
            }
        }
        let watched = known.clone();
        tokio::spawn(async move {
            let result = watch_over(work, &watched.told).await;
            let at = clock.now();
            watched
                .told
                .send_modify(|told| told.ended = Some(Ended { at, result }));
        });
        let mut told = known.told.subscribe();
        let is_told = told.wait_for(|told| told.run.is_some() || told.ended.is_some());
        // It is the same whether that is soon or not.
        let _ = tokio::time::timeout(SOON, is_told).await;
        known
    }

    /// The one of a number.
    pub(super) fn get(&self, number: u64) -> Option<Arc<Known>> {
        self.known().get(&number).cloned()
    }

    /// The one that goes on, or else ended last.
    pub(super) fn current(&self) -> Option<Arc<Known>> {
        self.current_of(|_| true)
    }

    /// The one that goes on, or else ended last, of those for certain purposes. What has a run comes before a backup beside it.
    pub(super) fn current_of(&self, is_meant: impl Fn(&str) -> bool) -> Option<Arc<Known>> {
        current_among(&self.known(), is_meant).cloned()
    }

    /// The one that carries a run out.
    pub(super) fn of_run(&self, run: RunId) -> Option<Arc<Known>> {
        let known = self.known();
        let mut going_on = known.values().rev().filter(|known| !known.has_ended());
        going_on
            .find(|known| known.told.borrow().run == Some(run))
            .cloned()
    }

    /// What there is to tell of one.
    pub(super) async fn told(&self, known: &Known) -> Result<Activity, Problem> {
        let told = known.told.borrow().clone();
        let progress = match told.ended {
            Some(_) => None,
            // Another one may be under way beside a backup.
            None => {
                let progress = self.host.progress().await?;
                progress.filter(|progress| Some(progress.run) == told.run)
            }
        };
        let (state, error, result, ended_at) = match told.ended {
            None => (ActivityState::Working, None, None, None),
            Some(Ended {
                at,
                result: Ok(result),
            }) => (ActivityState::Done, None, Some(result), Some(at)),
            Some(Ended {
                at,
                result: Err(problem),
            }) => (ActivityState::Failed, Some(problem), None, Some(at)),
        };
        let is_over = state != ActivityState::Working;
        Ok(Activity {
            number: known.number,
            purpose: known.purpose.to_owned(),
            state,
            started_at: Some(known.started_at),
            ended_at,
            run: told.run,
            directed: !is_over,
            holds: match is_over {
                true => Vec::new(),
                false => known.control.holds(),
            },
            is_stopping: !is_over && known.control.is_stopped(),
            pacing: (!is_over).then(|| Pace::from(known.control.pacing())),
            progress,
            error,
            reports: reports(result.as_ref()),
            result,
        })
    }
}

impl Known {
    pub(super) fn has_ended(&self) -> bool {
        self.told.borrow().ended.is_some()
    }

    fn ended_at(&self) -> Option<Timestamp> {
        self.told.borrow().ended.as_ref().map(|ended| ended.at)
    }

    /// The problem that it ended with, if it has.
    pub(super) fn failure(&self) -> Option<Problem> {
        let told = self.told.borrow();
        told.ended
            .as_ref()
            .and_then(|ended| ended.result.clone().err())
    }

    /// Waits for its end.
    pub(super) async fn end(&self) -> Result<Value, Problem> {
        let mut told = self.told.subscribe();
        // Its sender is kept here.
        let ended = told.wait_for(|told| told.ended.is_some()).await;
        let ended = ended.ok().and_then(|told| told.ended.clone());
        ended.map_or(Ok(Value::Null), |ended| ended.result)
    }
}

async fn watch_over<T: Serialize + Send + 'static>(
    mut work: Work<T>,
    told: &watch::Sender<Told>,
) -> Result<Value, Problem> {
    while let Some(event) = work.next_event().await {
        if let RunEvent::Started { run, .. } | RunEvent::UndoStarted { run, .. } = &event.event {
            told.send_modify(|told| told.run = Some(run.id));
        }
    }
    let result: Result<T, HostError> = work.await;
    let result = serde_json::to_value(result?);
    result.map_err(|error| {
        let fault = format!("the result cannot be told: {error}");
        Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, fault)
    })
}

/// The reports of runs in a result, if it has some.
fn reports(result: Option<&Value>) -> Option<Vec<Value>> {
    let is_report = |value: &&Value| value.get("run").is_some() && value.get("steps").is_some();
    let reports: Vec<Value> = match result? {
        Value::Array(all) => all.iter().filter(is_report).cloned().collect(),
        one => Some(one).filter(is_report).cloned().into_iter().collect(),
    };
    (!reports.is_empty()).then_some(reports)
}

fn current_among(
    known: &BTreeMap<u64, Arc<Known>>,
    is_meant: impl Fn(&str) -> bool,
) -> Option<&Arc<Known>> {
    let meant = || known.values().filter(|known| is_meant(known.purpose));
    let going_on = || meant().rev().filter(|known| !known.has_ended());
    let backs_up = |known: &&Arc<Known>| known.purpose.starts_with("backup");
    let first = going_on().find(|known| !backs_up(known));
    let last = || meant().max_by_key(|known| known.ended_at());
    first.or_else(|| going_on().next()).or_else(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(purposes: &[(&'static str, Option<u64>)]) -> BTreeMap<u64, Arc<Known>> {
        let known = purposes.iter().zip(1..).map(|((purpose, ended), number)| {
            let ended = ended.map(|at| Ended {
                at: Timestamp(at),
                result: Ok(Value::Null),
            });
            let told = Told { run: None, ended };
            let known = Known {
                number,
                purpose,
                started_at: Timestamp(0),
                control: Control::default(),
                told: watch::Sender::new(told),
            };
            (number, Arc::new(known))
        });
        known.collect()
    }

    #[test]
    fn what_goes_on_comes_first_and_backups_come_behind_what_they_stand_beside() {
        let current = |purposes: &[(&'static str, Option<u64>)]| {
            let known = known(purposes);
            current_among(&known, |_| true).map(|known| known.number)
        };
        assert_eq!(current(&[]), None);
        assert_eq!(current(&[("up", None), ("backup", None)]), Some(1));
        assert_eq!(current(&[("up", Some(5)), ("backup", None)]), Some(2));
        assert_eq!(
            current(&[("undo", Some(9)), ("up", Some(5)), ("backup", Some(7))]),
            Some(1)
        );
        let known = known(&[("up", None), ("backup", None)]);
        let backup = current_among(&known, |purpose| purpose == "backup");
        assert_eq!(backup.map(|known| known.number), Some(2));
    }
}

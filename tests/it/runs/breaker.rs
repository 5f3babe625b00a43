//! Many failures stop a run; so does the first one, where that is wanted.

use std::sync::Arc;

use godwit::HostError;
use godwit::blocking::Host;
use godwit::model::RunState;
use godwit::plan::Goal;
use godwit::run::{ChangedItems, Control, OnFailure, Quiet, RunError};
use godwit::store::{Backend, Memory};
use godwit_tests::made::{Order, doing, made, plain, rewrite};
use godwit_tests::world::{data, host, items, seed, small_batches, up, up_accepting};
use serde_json::json;

const SIZES: [usize; 4] = [1, 3, 17, 4_096];

fn order() -> Order {
    Order::new("made", "2.0.0").step(rewrite("apply", "items"))
}

/// Items `000`, `001`, ... of which some fail.
fn some(count: usize, is_bad: impl Fn(usize) -> bool) -> Vec<(String, String)> {
    let item = |n| {
        let id = format!("{n:03}");
        let fail = || doing(&id, "2.0.0/apply", json!([["fail", "bad"]]));
        if is_bad(n) { fail() } else { plain(&id) }
    };
    (0..count).map(item).collect()
}

struct Trial {
    backend: Arc<dyn Backend>,
    host: Host,
}

impl Trial {
    fn new(all: &[(String, String)], size: usize, threads: usize) -> Self {
        let backend: Arc<dyn Backend> = Arc::new(Memory::new());
        let mut host = host(backend.clone(), &made(&[order()]));
        host.options = small_batches(size, threads);
        seed(&host, "made", "items", all);
        Self { backend, host }
    }

    fn failure(&self) -> RunError {
        match self.host.up(&Goal::default(), &Quiet, &Control::default()) {
            Err(HostError::Run(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    /// How many items have the new version; they must be the first ones.
    fn migrated(&self) -> usize {
        let lines = items(self.host.store(), "items");
        let failed = |line: &&String| line.contains("\"fail\"");
        let good: Vec<_> = lines.iter().filter(|line| !failed(line)).collect();
        let count = good.iter().filter(|line| line.contains(" 2.0.0 {")).count();
        assert!(
            good[..count].iter().all(|line| line.contains(" 2.0.0 {")),
            "{lines:?}"
        );
        count
    }
}

#[test]
fn a_run_with_too_many_failures_stops_and_can_go_on() {
    let all = some(60, |n| n % 10 == 4);
    let undisturbed = Trial::new(&all, 7, 1);
    up_accepting(&undisturbed.host, &Quiet);
    for size in SIZES {
        let mut trial = Trial::new(&all, size, 2);
        trial.host.options.max_failures = "3".parse().unwrap();
        let error = trial.failure();
        let RunError::TooManyFailures {
            failed, ref reason, ..
        } = error
        else {
            panic!("{error}")
        };
        assert!(failed > 3 && reason == "refused: bad", "{error}");
        let run = &trial.host.store().runs().unwrap()[0];
        assert_eq!(run.state, RunState::Failed);
        assert_eq!(run.reason.as_deref(), Some(error.to_string().as_str()));
        assert!(trial.migrated() < 54, "batches of {size}");
        // As long as the cause is there, it fails again; then it goes on.
        trial.failure();
        trial.host.options.max_failures = "6".parse().unwrap();
        let reports = up_accepting(&trial.host, &Quiet);
        assert!(reports.iter().all(|report| report.run.id.0 == 1));
        assert_eq!(trial.migrated(), 54);
        assert_eq!(
            data(&*trial.backend),
            data(&*undisturbed.backend),
            "batches of {size}"
        );
    }
}

#[test]
fn as_many_failures_as_may_be_stop_nobody() {
    for size in SIZES {
        let mut trial = Trial::new(&some(60, |n| n % 10 == 4), size, 1);
        trial.host.options.max_failures = "6".parse().unwrap();
        assert_eq!(
            up(&trial.host)[0].run.state,
            RunState::Blocked,
            "batches of {size}"
        );
    }
}

#[test]
fn a_share_means_something_once_a_hundred_items_were_read() {
    for size in SIZES {
        // The first nine fail, and no other: less than a tenth of all.
        let trial = Trial::new(&some(200, |n| n < 9), size, 2);
        assert_eq!(
            up(&trial.host)[0].run.state,
            RunState::Blocked,
            "batches of {size}"
        );
        // Every fourth one fails.
        let trial = Trial::new(&some(200, |n| n % 4 == 0), size, 2);
        let error = trial.failure();
        assert!(matches!(error, RunError::TooManyFailures { .. }), "{error}");
    }
}

#[test]
fn a_run_that_failed_can_be_undone() {
    for size in SIZES {
        let all = some(60, |n| n % 10 == 4);
        let mut trial = Trial::new(&all, size, 2);
        let before = data(&*trial.backend);
        trial.host.options.max_failures = "3".parse().unwrap();
        trial.failure();
        let run = trial.host.store().runs().unwrap()[0].id;
        let report = trial
            .host
            .undo(run, ChangedItems::Refuse, &Quiet, &Control::default())
            .unwrap();
        assert!(report.done);
        assert_eq!(data(&*trial.backend), before, "batches of {size}");
    }
}

#[test]
fn the_first_failure_stops_a_run_where_that_is_wanted() {
    for (all, first) in [
        (some(60, |n| n == 37), 37),
        (some(60, |n| n >= 37), 37),
        (some(60, |n| n % 2 == 1), 1),
        (some(60, |_| true), 0),
    ] {
        for size in SIZES {
            for threads in [1, 3] {
                let mut trial = Trial::new(&all, size, threads);
                trial.host.options.on_failure = OnFailure::Stop;
                let RunError::ItemFailed {
                    id, kind, reason, ..
                } = trial.failure()
                else {
                    panic!("it stops at {first}")
                };
                let found = (id.as_str(), kind.as_str(), reason.as_str());
                assert_eq!(found, (format!("{first:03}").as_str(), "refused", "bad"));
                let good = all[..first]
                    .iter()
                    .filter(|(_, body)| !body.contains("fail"));
                assert_eq!(trial.migrated(), good.count(), "batches of {size}");
                let tallies = trial
                    .host
                    .store()
                    .tallies(&"items".parse().unwrap())
                    .unwrap();
                assert_eq!(tallies.apart(), 0, "nothing goes into quarantine");
            }
        }
    }
}

#[test]
fn a_run_that_stopped_at_a_failure_goes_on_with_a_mended_migration() {
    for size in SIZES {
        let mut trial = Trial::new(&some(60, |n| n % 7 == 6), size, 2);
        trial.host.options.on_failure = OnFailure::Stop;
        trial.failure();
        let mut mended = host(trial.backend.clone(), &made(&[order().mended()]));
        let refused = mended.up(&Goal::default(), &Quiet, &Control::default());
        assert!(matches!(refused, Err(HostError::Refused(_))), "{refused:?}");
        mended.policy = "digest-drift=accept".parse().unwrap();
        let report = up(&mended).remove(0);
        assert_eq!(
            (report.run.id.0, report.run.state),
            (1, RunState::Completed)
        );
        for line in items(mended.store(), "items") {
            assert!(line.ends_with(r#""trail":["2.0.0/apply"]}"#), "{line}");
        }
        assert!(up(&mended).is_empty());
    }
}

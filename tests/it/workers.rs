//! Several workers on one store leave what one leaves, however they come and go.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Purpose, RunId, RunState, Timestamp};
use godwit::plan::Goal;
use godwit::run::{
    ChangedItems, Control, MaxFailures, Observer, OnFailure, Options, Pacing, Quiet, Report,
    RunError, RunEvent, Runner, Together,
};
use godwit::sandbox::{Engine, Limits};
use godwit::store::{Backend, Commit, Holder, LeaseError, Memory, OpenMode, Postgres, Store};
use godwit::{HostError, ItemWrite, Request, SocketError, Surroundings, WorkOptions, Worked};
use godwit_tests::made::{
    LAYOUTS, Order, derive, doing, doing_all, made, made_for, plain, rewrite,
};
use godwit_tests::postgres::Server;
use godwit_tests::store_conformance::Dice;
use godwit_tests::world::{
    Told, data, host, items, name, quarantined, seed, small_batches, up_accepting, wait_until,
};
use serde_json::json;

use crate::online::{self, Over};

const VERSIONS: [&str; 3] = ["2.0.0", "3.0.0", "4.0.0"];

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    let order = |version: &&str| Order::new("made", version).step(rewrite("apply", "items"));
    let orders: Vec<_> = VERSIONS.iter().map(order).collect();
    made(&orders)
});

/// Items most of which are changed by every step, some go, some fail.
fn some_items(count: usize) -> Vec<(String, String)> {
    let item = |n: usize| {
        let id = format!("{n:04}");
        match n % 40 {
            3 => doing_all(&id, json!({"2.0.0/apply": [["remove"]]})),
            7 => doing_all(&id, json!({"3.0.0/apply": [["keep"]]})),
            11 => doing_all(&id, json!({"3.0.0/apply": [["fail", "it will not do"]]})),
            _ => plain(&id),
        }
    };
    (0..count).map(item).collect()
}

/// What a worker on a machine of its own has: nobody can see whether its process lives.
fn surroundings(number: usize) -> Surroundings {
    Surroundings {
        holder: Holder {
            name: format!("worker {number}"),
            process: None,
        },
        is_gone: Arc::new(|_| false),
        ..Surroundings::of_this_process()
    }
}

fn worker(backend: &Arc<dyn Backend>, number: usize) -> Host {
    worker_with(backend, number, &CATALOGUE)
}

fn worker_with(backend: &Arc<dyn Backend>, number: usize, catalogue: &Arc<Catalogue>) -> Host {
    let store = Store::new(backend.clone()).unwrap();
    let mut host = Host::new(store, catalogue.clone(), surroundings(number));
    host.options = small_batches(5, 1);
    host
}

const OPTIONS: WorkOptions = WorkOptions {
    stays: false,
    range_items: 20,
};
/// The same for one who waits for more.
const STAYS: WorkOptions = WorkOptions {
    stays: true,
    ..OPTIONS
};

fn work(host: &Host, control: &Control) -> Result<Worked, HostError> {
    host.work(&Goal::default(), &OPTIONS, &Quiet, control)
}

/// Has so many workers work until nothing is left to be done, and accepts whatever fails.
fn work_accepting(backend: &Arc<dyn Backend>, count: usize, catalogue: &Arc<Catalogue>) {
    work_told(backend, count, catalogue, &Quiet);
}

/// The same, telling what happens; gives how many ranges were taken for others.
fn work_told(
    backend: &Arc<dyn Backend>,
    count: usize,
    catalogue: &Arc<Catalogue>,
    observer: &dyn Observer,
) -> u64 {
    let mut ranges = 0;
    loop {
        let worked: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..count)
                .map(|number| {
                    let host = worker_with(backend, number, catalogue);
                    scope.spawn(move || {
                        let control = Control::default();
                        let worked = host.work(&Goal::default(), &OPTIONS, observer, &control);
                        worked.unwrap()
                    })
                })
                .collect();
            let ended = workers.into_iter().map(|worker| worker.join().unwrap());
            ended.collect()
        });
        ranges += worked.iter().map(|worked| worked.ranges).sum::<u64>();
        let host = worker_with(backend, 0, catalogue);
        let failed = quarantined(&host);
        if failed.is_empty() {
            return ranges;
        }
        host.accept(&failed).unwrap();
    }
}

/// What must be equal: items with version and body, those apart, indexes, tallies, pre-images, counts and history, but for
/// times.
fn outcome(host: &Host) -> Vec<String> {
    let mut lines: Vec<_> = data(host.store().backend());
    // When an item failed is not the same.
    lines.retain(|line| !line.starts_with(['X', 'Z']));
    lines.extend(items(host.store(), "items"));
    for run in host.store().runs().unwrap() {
        lines.push(format!("{} {:?}", run.id, run.state));
        for step in host.report(run).unwrap().steps {
            lines.push(format!(
                "{} {:?} {:?}",
                step.version, step.done, step.counts
            ));
        }
    }
    for entry in host.store().history().unwrap().0 {
        lines.push(format!("{} {} {:?}", entry.app, entry.version, entry.event));
    }
    let collection = host.store().collection(&name("items")).unwrap();
    lines.push(format!("{collection:?}"));
    lines
}

/// What one process leaves that goes step by step.
fn expected(all: &[(String, String)], catalogue: &Arc<Catalogue>) -> Vec<String> {
    let mut host = host(Arc::new(Memory::new()), catalogue);
    host.options = Options {
        fused_steps: 1,
        ..small_batches(5, 1)
    };
    seed(&host, "made", "items", all);
    up_accepting(&host, &Quiet);
    outcome(&host)
}

/// A store in memory, and one of PostgreSQL.
fn stores() -> Vec<(Arc<dyn Backend>, Option<Server>)> {
    let server = Server::start();
    let postgres = Postgres::open(&server.url(), OpenMode::Create).unwrap();
    vec![
        (Arc::new(Memory::new()), None),
        (Arc::new(postgres), Some(server)),
    ]
}

/// Has whoever committed a batch wait until somebody else did, so that none does everything before others are there.
#[derive(Default)]
struct Meet(Mutex<HashSet<ThreadId>>, Condvar);

impl Observer for Meet {
    fn event(&self, event: &RunEvent) {
        if matches!(event, RunEvent::Batch { .. }) {
            let mut met = self.0.lock().unwrap();
            met.insert(std::thread::current().id());
            self.1.notify_all();
            drop(self.1.wait_while(met, |met| met.len() < 2).unwrap());
        }
    }
}

#[test]
fn several_leave_what_one_leaves() {
    let all = some_items(400);
    let expected = expected(&all, &CATALOGUE);
    for (backend, _server) in stores() {
        let host = worker(&backend, 0);
        seed(&host, "made", "items", &all);
        let ranges = work_told(&backend, 4, &CATALOGUE, &Meet::default());
        assert_eq!(outcome(&host), expected);
        assert!(ranges > 0, "the others had nothing to do");
        assert!(no_ranges(&host), "something of ranges is left");
    }
}

/// Items that are changed by every step, but for some that go or are kept.
fn good_items(count: usize) -> Vec<(String, String)> {
    let mut all = some_items(count);
    let fails = |n: &usize| n % 40 == 11;
    for n in (0..count).filter(fails) {
        all[n] = plain(&format!("{n:04}"));
    }
    all
}

#[test]
fn steps_of_several_versions_are_carried_out_in_one_pass() {
    let all = good_items(400);
    let expected = expected(&all, &CATALOGUE);
    for (backend, _server) in stores() {
        let host = worker(&backend, 0);
        seed(&host, "made", "items", &all);
        work_accepting(&backend, 4, &CATALOGUE);
        assert_eq!(outcome(&host), expected);
        let lines = data(&*backend);
        let pre_images = lines.iter().filter(|line| line.starts_with('Z'));
        // Each item was written once, and not by every step.
        let of_items = pre_images.filter(|line| line.contains("Ditems")).count();
        assert_eq!(of_items, all.len());
    }
}

#[test]
fn in_one_pass_or_many_alone_or_with_others_the_end_is_the_same() {
    for (seed_of_dice, all) in [(7, good_items(300)), (8, some_items(300))] {
        let expected = expected(&all, &CATALOGUE);
        let backend: Arc<dyn Backend> = Arc::new(Memory::new());
        let first = worker(&backend, 0);
        seed(&first, "made", "items", &all);
        let mut dice = Dice::new(seed_of_dice);
        for number in 0..40 {
            let mut host = worker(&backend, number);
            host.options.fused_steps = [1, 2, 8][dice.below(3)];
            let leaves = LeaveAfter(AtomicU64::new(dice.below(9) as u64), Control::default());
            let control = leaves.1.clone();
            match dice.below(2) {
                0 => drop(host.up(&Goal::default(), &leaves, &control).unwrap()),
                _ => drop(
                    host.work(&Goal::default(), &OPTIONS, &leaves, &control)
                        .unwrap(),
                ),
            }
            let run = host.store().runs().unwrap().pop().unwrap();
            if run.state == RunState::Blocked && dice.below(3) == 0 {
                host.accept(&quarantined(&host)).unwrap();
            }
        }
        up_accepting(&first, &Quiet);
        assert_eq!(outcome(&first), expected);
        assert!(no_ranges(&first));
    }
}

/// Whether nothing of ranges is left.
fn no_ranges(host: &Host) -> bool {
    let backend = host.store().backend();
    backend.nth(1, b"P", b"Q").unwrap().is_none()
}

/// What there is of steps in ranges, as it stands in keys behind the run and the step.
const OF_RANGE: u8 = 1;
const OF_WANTED: u8 = 2;
const OF_FAILURE: u8 = 3;

/// How many of these there are.
fn count_of(kind: u8, host: &Host) -> usize {
    let mut count = 0;
    let backend = host.store().backend();
    let scanned = backend.scan(b"P", b"Q", &mut |key, _| {
        count += usize::from(key.get(13) == Some(&kind));
        ControlFlow::Continue(())
    });
    scanned.unwrap();
    count
}

/// Stops its worker once it has committed so many batches.
struct LeaveAfter(AtomicU64, Control);

impl Observer for LeaveAfter {
    fn event(&self, event: &RunEvent) {
        if matches!(event, RunEvent::Batch { .. }) && self.0.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.1.stop();
        }
    }
}

#[test]
fn workers_that_come_and_go_leave_the_run_to_others() {
    let all = some_items(300);
    let expected = expected(&all, &CATALOGUE);
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let first = worker(&backend, 0);
    seed(&first, "made", "items", &all);
    for number in 0..20 {
        let host = worker(&backend, number);
        let leaves = LeaveAfter(AtomicU64::new(number as u64 % 5 + 1), Control::default());
        let control = leaves.1.clone();
        let worked = host
            .work(&Goal::default(), &OPTIONS, &leaves, &control)
            .unwrap();
        if worked.is_left {
            let run = host.store().runs().unwrap().pop().unwrap();
            assert_eq!(run.state, RunState::Running, "others may go on with it");
        }
    }
    // One that works alone goes on with the ranges, too.
    up_accepting(&first, &Quiet);
    assert_eq!(outcome(&first), expected);
    assert!(no_ranges(&first));
}

#[test]
fn nobody_else_works_while_somebody_owns_a_range() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = worker(&backend, 0);
    seed(&host, "made", "items", &some_items(200));
    let other = worker(&backend, 1);
    let tried = AtomicU64::new(0);
    let watch = |event: &RunEvent| {
        if matches!(event, RunEvent::Batch { .. }) {
            tried.fetch_add(1, Ordering::Relaxed);
            let error = other.lease("undo").unwrap_err();
            assert!(
                matches!(error, HostError::Lease(LeaseError::Held { .. })),
                "{error}"
            );
            let write = ItemWrite {
                collection: name("items"),
                id: "new".to_owned(),
                item: None,
            };
            let mut writer = worker(&backend, 2);
            writer.patience = Duration::from_millis(1);
            assert!(writer.write(&[write]).is_err(), "an offline step goes on");
        }
    };
    host.work(
        &Goal::default(),
        &OPTIONS,
        &Told(watch),
        &Control::default(),
    )
    .unwrap();
    assert!(tried.load(Ordering::Relaxed) > 10);
}

#[test]
fn a_run_that_is_cancelled_stops_all_and_goes_on_or_back_later() {
    for back in [false, true] {
        for (backend, _server) in stores() {
            let all = some_items(1_200);
            let host = worker(&backend, 0);
            seed(&host, "made", "items", &all);
            let before = items(host.store(), "items");
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..3)
                    .map(|number| {
                        let host = worker(&backend, number);
                        scope.spawn(move || work(&host, &Control::default()).unwrap())
                    })
                    .collect();
                while host.direct(Request::Cancel).unwrap().is_err() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                for worker in workers {
                    worker.join().unwrap();
                }
            });
            let run = host.store().runs().unwrap().pop().unwrap();
            // It may have been over before they heard of it.
            assert!(
                matches!(run.state, RunState::Stopped | RunState::Blocked),
                "{run:?}"
            );
            if back {
                let undone = host.undo(run.id, ChangedItems::Refuse, &Quiet, &Control::default());
                assert!(undone.unwrap().done);
                assert_eq!(items(host.store(), "items"), before);
                assert!(no_ranges(&host));
            } else {
                up_accepting(&host, &Quiet);
                assert_eq!(outcome(&host), expected(&all, &CATALOGUE));
            }
        }
    }
}

#[test]
fn steps_that_see_more_than_they_are_fed_are_carried_out_in_order() {
    let catalogue = made(&[
        Order::new("made", "2.0.0").step(derive("sum", "items", "sums")),
        Order::new("made", "3.0.0").step(rewrite("apply", "items")),
    ]);
    let item = |n: usize| {
        doing(
            &format!("{n:04}"),
            "2.0.0/sum",
            json!([["count", "sums", "all"]]),
        )
    };
    let all: Vec<_> = (0..150).map(item).collect();
    let expected = expected(&all, &catalogue);
    for (backend, _server) in stores() {
        let host = worker_with(&backend, 0, &catalogue);
        seed(&host, "made", "items", &all);
        work_accepting(&backend, 3, &catalogue);
        assert_eq!(outcome(&host), expected);
    }
}

#[test]
fn too_many_failures_end_the_run_for_all() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = worker(&backend, 0);
    let item = |n: usize| {
        let id = format!("{n:04}");
        match n % 2 {
            0 => doing(&id, "2.0.0/apply", json!([["fail", "no"]])),
            _ => plain(&id),
        }
    };
    let all: Vec<_> = (0..1_000).map(item).collect();
    seed(&host, "made", "items", &all);
    let results: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|number| {
                let host = worker(&backend, number);
                scope.spawn(move || work(&host, &Control::default()))
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect()
    });
    assert!(results.iter().any(Result::is_err), "{results:?}");
    let runs = host.store().runs().unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].state, RunState::Failed, "{:?}", runs[0].reason);
    let reason = runs[0].reason.as_deref().unwrap();
    assert!(
        reason.contains("items failed step apply of 2.0.0"),
        "{reason}"
    );
}

#[test]
fn a_worker_with_another_engine_is_refused_before_it_takes_anything() {
    let limits = Limits {
        memory_bytes: 200 << 20,
        ..Limits::default()
    };
    let order = |version: &&str| Order::new("made", version).step(rewrite("apply", "items"));
    let orders: Vec<_> = VERSIONS.iter().map(order).collect();
    let others = made_for(&Engine::new(limits), LAYOUTS[0], &orders);
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = worker(&backend, 0);
    seed(&host, "made", "items", &some_items(300));
    let refused = Mutex::new(None);
    let once = AtomicBool::new(false);
    let watch = |event: &RunEvent| {
        if matches!(event, RunEvent::Batch { .. }) && !once.swap(true, Ordering::Relaxed) {
            let other = worker_with(&backend, 1, &others);
            *refused.lock().unwrap() = Some(work(&other, &Control::default()));
        }
    };
    host.work(
        &Goal::default(),
        &OPTIONS,
        &Told(watch),
        &Control::default(),
    )
    .unwrap();
    let refused = refused.into_inner().unwrap().unwrap();
    let is_refused =
        |error: &HostError| matches!(error, HostError::Run(RunError::OtherEngine { .. }));
    assert!(refused.as_ref().is_err_and(is_refused), "{refused:?}");
}

#[test]
fn what_an_application_writes_at_random_beside_workers_is_not_lost() {
    let step = json!({"name": "apply", "collection": "items", "online": true});
    let order = |version: &&str| Order::new("made", version).step(step.clone());
    let catalogue = made(&VERSIONS.each_ref().map(order));
    for (backend, _server) in stores() {
        let host = worker_with(&backend, 0, &catalogue);
        seed(&host, "made", "items", &online::some_items(400));
        let is_over = AtomicBool::new(false);
        let written = std::thread::scope(|scope| {
            let over = Over(&is_over);
            let writer = scope.spawn(|| {
                let mut application = worker_with(&backend, 9, &catalogue);
                application.patience = Duration::from_secs(60);
                online::write_at_random(&application, 5, &is_over)
            });
            let workers: Vec<_> = (0..3)
                .map(|number| {
                    let host = worker_with(&backend, number, &catalogue);
                    scope.spawn(move || work(&host, &Control::default()).unwrap())
                })
                .collect();
            for worker in workers {
                worker.join().unwrap();
            }
            drop(over);
            writer.join().unwrap()
        });
        online::check_items(&host, written, &VERSIONS);
    }
}

#[test]
fn a_run_that_waits_goes_on_when_it_is_told_to() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = worker(&backend, 0);
    seed(&host, "made", "items", &some_items(2_000));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|number| {
                let host = worker(&backend, number);
                let control = Control::default();
                control.pace(|pacing| pacing.rest = Duration::from_millis(15));
                scope.spawn(move || work(&host, &control).unwrap())
            })
            .collect();
        while host.direct(Request::Pause).unwrap().is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        wait_until(|| host.store().run(RunId(1)).unwrap().is_some());
        let read = || {
            host.progress_of(host.store().run(RunId(1)).unwrap().unwrap())
                .unwrap()
                .read
        };
        // Within a second both wait.
        let mut before = read();
        let mut same = 0;
        for _ in 0..200 {
            std::thread::sleep(Duration::from_millis(50));
            let now = read();
            same = if now == before { same + 1 } else { 0 };
            before = now;
            if same == 12 {
                break;
            }
        }
        assert_eq!(same, 12, "it does not wait");
        let state = host.store().run(RunId(1)).unwrap().unwrap().state;
        assert_eq!(state, RunState::Running, "it ended before it could wait");
        let answer = host.direct(Request::Resume).unwrap().unwrap();
        assert_eq!(answer.purpose, "worker");
        for worker in workers {
            worker.join().unwrap();
        }
    });
    assert!(quarantined(&host).len() > 1);
}

#[test]
fn a_step_goes_on_with_another_engine_once_nobody_works_with_the_first() {
    let limits = Limits {
        memory_bytes: 200 << 20,
        ..Limits::default()
    };
    let order = |version: &&str| Order::new("made", version).step(rewrite("apply", "items"));
    let orders: Vec<_> = VERSIONS.iter().map(order).collect();
    let others = made_for(&Engine::new(limits), LAYOUTS[0], &orders);
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let first = worker(&backend, 0);
    let all = some_items(300);
    seed(&first, "made", "items", &all);
    let leaves = LeaveAfter(AtomicU64::new(7), Control::default());
    let control = leaves.1.clone();
    let worked = first.work(&Goal::default(), &OPTIONS, &leaves, &control);
    assert!(worked.unwrap().is_left);
    let host = worker_with(&backend, 1, &others);
    work_accepting(&backend, 2, &others);
    assert_eq!(outcome(&host), expected(&all, &CATALOGUE));
}

/// Has a helper be held by himself, and nobody else, once he has done a batch; then something is done. Gives the store's host, and
/// what the leader and the helper saw.
fn with_a_held_helper(then: impl Fn(&Host) + Sync) -> (Host, [Vec<Report>; 2]) {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let leader = worker(&backend, 0);
    seed(&leader, "made", "items", &good_items(600));
    let (control, held) = (Control::default(), Control::default());
    control.pace(|pacing| pacing.rest = Duration::from_millis(15));
    let goal = Goal::default();
    let reports = std::thread::scope(|scope| {
        let (begin, has_begun) = channel();
        let hold = |event: &RunEvent| {
            if matches!(event, RunEvent::Batch { .. }) {
                held.hold("it is day");
            }
        };
        let helper = scope.spawn({
            let (backend, goal, hold, held) = (&backend, &goal, Told(hold), &held);
            move || {
                has_begun.recv().unwrap();
                worker(backend, 1).work(goal, &OPTIONS, &hold, held)
            }
        });
        let once = AtomicBool::new(false);
        let watch = |event: &RunEvent| {
            if matches!(event, RunEvent::Batch { .. }) && !once.swap(true, Ordering::Relaxed) {
                begin.send(()).unwrap();
                wait_until(|| !held.holds().is_empty());
                then(&leader);
            }
        };
        let led = leader.work(&goal, &OPTIONS, &Told(watch), &control);
        [led, helper.join().unwrap()].map(|worked| worked.unwrap().reports)
    });
    (leader, reports)
}

#[test]
fn who_is_held_gives_his_range_back_so_that_others_end_the_run() {
    let (_, [led, helped]) = with_a_held_helper(|_| {});
    assert_eq!(led.last().unwrap().run.state, RunState::Completed);
    // It is day still: what is over has nobody waiting.
    assert_eq!(helped[0].run.state, RunState::Completed);
}

#[test]
fn who_is_held_ends_with_the_run_that_he_was_there_for() {
    let cancel = |leader: &Host| assert!(leader.direct(Request::Cancel).unwrap().is_ok());
    let (leader, [led, helped]) = with_a_held_helper(cancel);
    assert_eq!(led[0].run.state, RunState::Stopped);
    assert_eq!(helped[0].run.state, RunState::Stopped, "{helped:?}");
    assert_eq!(leader.store().runs().unwrap().len(), 1);
}

#[test]
fn who_is_held_from_the_beginning_begins_nothing() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let all = good_items(100);
    let host = worker(&backend, 0);
    seed(&host, "made", "items", &all);
    let held = Control::default();
    held.hold("it is day");
    let (told, waits) = channel();
    let watch = |event: &RunEvent| {
        if matches!(event, RunEvent::Waiting { .. } | RunEvent::Started { .. }) {
            told.send(event.clone()).unwrap();
        }
    };
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let held_host = worker(&backend, 1);
            held_host.work(&Goal::default(), &OPTIONS, &Told(watch), &held)
        });
        let first = waits.recv().unwrap();
        assert!(matches!(first, RunEvent::Waiting { .. }), "{first:?}");
        assert!(host.store().runs().unwrap().is_empty());
        assert!(host.busy().unwrap().is_none(), "the application may write");
        assert_eq!(
            work(&host, &Control::default()).unwrap().reports[0]
                .run
                .state,
            RunState::Completed
        );
        // There is nothing left that it could do in its hours.
        worker.join().unwrap().unwrap();
        assert!(
            waits
                .try_iter()
                .all(|event| !matches!(event, RunEvent::Started { .. }))
        );
    });
    assert_eq!(outcome(&host), expected(&all, &CATALOGUE));
}

/// Where each range of 20 items has one that fails, behind others that do not.
fn failing_items() -> Vec<(String, String)> {
    let item = |n: usize| {
        let id = format!("{n:04}");
        match n % 20 {
            15 => doing(&id, "2.0.0/apply", json!([["fail", "no"]])),
            _ => plain(&id),
        }
    };
    (0..300).map(item).collect()
}

/// One who takes the first range that is free, or the one behind it, and keeps it for as long as he likes.
fn in_order(backend: &Arc<dyn Backend>, number: u64) -> Host {
    in_order_with(backend, number, one_step())
}

fn in_order_with(backend: &Arc<dyn Backend>, number: u64, catalogue: Arc<Catalogue>) -> Host {
    let store = Store::new(backend.clone()).unwrap();
    let surroundings = Surroundings {
        random: Arc::new(move || number),
        ..surroundings(number as usize)
    };
    let mut host = Host::new(store, catalogue, surroundings);
    host.options = small_batches(5, 1);
    host.lease_duration = 3_600_000;
    host
}

/// A plugin of one step.
fn one_step() -> Arc<Catalogue> {
    made(&[Order::new("made", "2.0.0").step(rewrite("apply", "items"))])
}

fn wait_for(flag: &AtomicBool) {
    wait_until(|| flag.load(Ordering::Relaxed));
}

/// Has a leader meet something that he cannot go on from while a helper sleeps over a range, and be stopped then; the helper, who
/// may be, too, wakes up. Gives what he found.
fn left_to_a_sleeper([leader, helper]: [&Host; 2], is_stopped: bool) -> Result<Worked, HostError> {
    let (control, helper_control) = (Control::default(), Control::default());
    // Batches are committed one by one: his range is not over with the first.
    helper_control.pace(|pacing| pacing.rest = Duration::from_millis(1));
    let flag = || AtomicBool::new(false);
    let (has_begun, is_asleep, is_awake) = (flag(), flag(), flag());
    let (goal, is_batch) = (Goal::default(), |event: &RunEvent| {
        matches!(event, RunEvent::Batch { .. })
    });
    std::thread::scope(|scope| {
        let helped = scope.spawn(|| {
            let sleep = |event: &RunEvent| {
                if is_batch(event) {
                    is_asleep.store(true, Ordering::Relaxed);
                    wait_for(&is_awake);
                }
            };
            wait_for(&has_begun);
            helper.work(&goal, &OPTIONS, &Told(sleep), &helper_control)
        });
        let led = scope.spawn(|| {
            let watch = |event: &RunEvent| {
                if is_batch(event) {
                    has_begun.store(true, Ordering::Relaxed);
                    wait_for(&is_asleep);
                }
            };
            leader.work(&goal, &OPTIONS, &Told(watch), &control)
        });
        wait_until(|| count_of(OF_FAILURE, leader) > 0 || led.is_finished());
        control.stop();
        let led = led.join().unwrap();
        if is_stopped {
            helper_control.stop();
        }
        is_awake.store(true, Ordering::Relaxed);
        assert!(led.as_ref().is_ok_and(|led| led.is_left), "{led:?}");
        helped.join().unwrap()
    })
}

/// Stops whoever works in the end, however that comes.
struct Stops<'a>(&'a Control);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Has a worker who is asked for something begin a run, and leave it.
fn leave_asked(backend: &Arc<dyn Backend>, request: Request) {
    let host = in_order(backend, 0);
    seed(&host, "made", "items", &good_items(5));
    let mut lease = host.lease("worker").unwrap();
    host.direct(request).unwrap().unwrap();
    let runner = Runner {
        store: host.store(),
        catalogue: host.catalogue(),
        clock: &*host.surroundings().clock,
        options: &host.options,
        grants: &host.grants,
        observer: &Quiet,
        control: &Control::default(),
        together: Some(Together {
            holder: host.surroundings().holder.clone(),
            duration: host.lease_duration,
            random: host.surroundings().random.clone(),
            is_gone: host.surroundings().is_gone.clone(),
            range_items: OPTIONS.range_items,
            is_cancelled: Arc::default(),
        }),
    };
    let plan = host.plan(&Goal::default()).unwrap().plan;
    runner
        .start(&mut lease, Purpose::Up, plan, 42, None)
        .unwrap();
    lease.release(host.store()).unwrap();
}

#[test]
fn what_was_ordered_before_the_run_began_is_for_whoever_carries_it_out() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    leave_asked(&backend, Request::Pause);
    let ordered = |host: &Host| host.direct(Request::Progress).unwrap().unwrap();
    let next = in_order(&backend, 1);
    let lease = next.lease("worker").unwrap();
    assert_eq!(ordered(&next).holds, ["paused"]);
    let answer = next.direct(Request::Resume).unwrap().unwrap();
    assert!(answer.holds.is_empty());
    lease.release(next.store()).unwrap();
}

#[test]
fn what_others_were_asked_for_before_a_restore_is_not_heard() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    leave_asked(&backend, Request::Cancel);
    // A backup has no lease.
    let mut restored = Commit::new();
    restored.delete(b"L");
    assert!(backend.get(b"L").unwrap().is_some());
    backend.commit(&restored).unwrap();
    let worked = work(&in_order(&backend, 1), &Control::default()).unwrap();
    assert_eq!(worked.reports[0].run.state, RunState::Completed);
}

#[test]
fn who_is_about_to_take_over_is_directed() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    leave_asked(&backend, Request::Progress);
    let [host, next] = [0, 1].map(|number| in_order(&backend, number));
    let nobody = host.direct(Request::Pause).unwrap().unwrap_err();
    assert!(matches!(nobody, SocketError::Nobody(_)), "{nobody}");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            next.lease("worker").unwrap()
        });
        let answer = host.direct(Request::Pause).unwrap().unwrap();
        assert_eq!(answer.holds, ["paused"]);
    });
}

#[test]
fn who_hears_nothing_is_not_directed() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = in_order(&backend, 0);
    let lease = host.lease("prune").unwrap();
    assert!(host.direct(Request::Progress).unwrap().is_ok());
    let refused = host.direct(Request::Cancel).unwrap().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "it was refused: prune ends by itself, unasked"
    );
    lease.release(host.store()).unwrap();
}

#[test]
fn what_workers_were_asked_for_is_over_when_somebody_goes_on_alone() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    leave_asked(&backend, Request::Pause);
    let orders = || backend.get(b"O").unwrap();
    assert!(orders().is_some());
    let host = in_order(&backend, 1);
    let reports = host.up(&Goal::default(), &Quiet, &Control::default());
    assert_eq!(reports.unwrap()[0].run.state, RunState::Completed);
    assert_eq!(orders(), None);
}

#[test]
fn who_waits_for_work_does_not_hear_what_others_are_asked_for() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = in_order(&backend, 0);
    seed(&host, "made", "items", &good_items(5));
    let control = Control::default();
    let (goal, is_set_up) = (Goal::default(), AtomicBool::new(false));
    let watch = |event: &RunEvent| {
        if matches!(event, RunEvent::SetUp) {
            is_set_up.store(true, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let _stops = Stops(&control);
        let worked = scope.spawn(|| host.work(&goal, &STAYS, &Told(watch), &control));
        wait_for(&is_set_up);
        let other = in_order(&backend, 1);
        wait_until(|| other.busy().unwrap().is_none());
        let lease = other.lease("import");
        other.direct(Request::Cancel).unwrap().unwrap();
        // Whoever works looks twice or more.
        std::thread::sleep(Duration::from_millis(700));
        assert!(!control.is_stopped());
        lease.unwrap().release(other.store()).unwrap();
        control.stop();
        let worked = worked.join().unwrap().unwrap();
        assert!(!worked.is_left && !worked.is_stopped, "{worked:?}");
    });
}

#[test]
fn a_pace_that_is_ordered_ends_with_the_run() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = in_order(&backend, 0);
    let mut all = good_items(100);
    all[99] = doing("0099", "2.0.0/apply", json!([["fail", "no"]]));
    seed(&host, "made", "items", &all);
    let control = Control::default();
    control.pace(|pacing| pacing.batch_bytes = Some(1 << 20));
    let (goal, own) = (Goal::default(), control.pacing());
    let slow = Request::Throttle {
        items_per_second: None,
        duty: None,
        rest: 1,
    };
    let was_slow = AtomicBool::new(false);
    let order = |event: &RunEvent| {
        if matches!(event, RunEvent::Batch { .. }) && !was_slow.load(Ordering::Relaxed) {
            assert!(host.direct(slow).unwrap().is_ok());
            // What was not spoken of stays.
            let rest = Duration::from_millis(1);
            wait_until(|| control.pacing() == Pacing { rest, ..own });
            was_slow.store(true, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let _stops = Stops(&control);
        let worked = scope.spawn(|| host.work(&goal, &STAYS, &Told(order), &control));
        wait_for(&was_slow);
        wait_until(|| control.pacing() == own || worked.is_finished());
        let state = host.store().runs().unwrap()[0].state;
        control.stop();
        let worked = worked.join().unwrap().unwrap();
        assert!(!worked.is_left);
        assert_eq!((state, control.pacing()), (RunState::Blocked, own));
    });
}

#[test]
fn who_waits_for_others_after_a_failure_can_be_stopped() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = |number| {
        let mut host = in_order(&backend, number);
        host.options.on_failure = OnFailure::Stop;
        host
    };
    let leader = host(0);
    seed(&leader, "made", "items", &failing_items());
    let helped = left_to_a_sleeper([&leader, &host(1)], true);
    assert!(helped.unwrap().is_left);
    // Whoever comes next hears of it, and whoever tries again finds the same.
    for is_heard in [true, false] {
        let failed = work(&host(2), &Control::default()).unwrap_err();
        let text = godwit::with_causes(&failed);
        assert!(text.contains("failed step apply of 2.0.0"), "{text}");
        let is_elsewhere = matches!(failed, HostError::Run(RunError::Elsewhere(_)));
        assert_eq!(is_elsewhere, is_heard, "{text}");
    }
}

#[test]
fn a_step_in_ranges_may_not_see_more_than_when_it_was_put_into_them() {
    let step = json!({"name": "apply", "collection": "items", "reads": ["users"]});
    let catalogue = made(&[Order::new("made", "2.0.0").step(step)]);
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = |number: usize, grant: Option<&str>| {
        let mut host = worker_with(&backend, number, &catalogue);
        host.policy = "grant=accept".parse().unwrap();
        if let Some(grant) = grant {
            host.grants.add(grant.parse().unwrap());
        }
        host
    };
    let first = host(0, None);
    seed(&first, "people", "users", &[plain("ann")]);
    seed(&first, "made", "items", &good_items(300));
    let granted = || host(1, Some("made:users:read"));
    let refused = Mutex::new(None);
    let count = AtomicU64::new(0);
    let control = Control::default();
    let watch = |event: &RunEvent| {
        if matches!(event, RunEvent::Batch { .. }) {
            match count.fetch_add(1, Ordering::Relaxed) {
                1 => *refused.lock().unwrap() = Some(work(&granted(), &Control::default())),
                4 => control.stop(),
                _ => {}
            }
        }
    };
    let worked = first.work(&Goal::default(), &OPTIONS, &Told(watch), &control);
    assert!(worked.unwrap().is_left);
    let refused = refused.into_inner().unwrap().unwrap().unwrap_err();
    assert!(
        matches!(&refused, HostError::Run(RunError::OtherEngine { engine, .. }) if engine.ends_with("users may be read")),
        "{refused}"
    );
    let refused = work(&granted(), &Control::default()).unwrap_err();
    assert!(
        matches!(refused, HostError::Run(RunError::SeesMore { .. })),
        "{refused}"
    );
    let run = first.store().run(RunId(1)).unwrap().unwrap();
    assert_eq!(run.state, RunState::Running, "the others may go on");
    let worked = work(&host(2, None), &Control::default()).unwrap();
    assert_eq!(worked.reports[0].run.state, RunState::Completed);
}

#[test]
fn a_paused_run_can_be_resumed_after_whoever_carried_it_out_has_gone() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let leader = worker(&backend, 0);
    let all = good_items(600);
    seed(&leader, "made", "items", &all);
    let (control, helper_control) = (Control::default(), Control::default());
    control.pace(|pacing| pacing.rest = Duration::from_millis(15));
    let (once, has_left) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watch = |event: &RunEvent| {
            if matches!(event, RunEvent::Batch { .. }) && !once.swap(true, Ordering::Relaxed) {
                // It is heard of before the other one begins.
                assert!(leader.direct(Request::Pause).unwrap().is_ok());
                let (helper, control) = (worker(&backend, 1), &helper_control);
                scope.spawn(move || {
                    let worked = work(&helper, control).unwrap();
                    let run = &worked.reports.last().unwrap().run;
                    assert_eq!(run.state, RunState::Completed);
                });
            }
        };
        scope.spawn(|| {
            while control.holds().is_empty() && !has_left.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            control.stop();
        });
        let worked = leader.work(&Goal::default(), &OPTIONS, &Told(watch), &control);
        has_left.store(true, Ordering::Relaxed);
        assert!(worked.unwrap().is_left);
        let answer = leader.direct(Request::Resume).unwrap();
        assert!(answer.is_ok(), "nobody can be told to go on");
    });
    assert_eq!(outcome(&leader), expected(&all, &CATALOGUE));
}

#[test]
fn ranges_are_cut_in_the_middle_of_what_is_done_between_two_rests() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let all = good_items(2_000);
    let time = Arc::new(AtomicU64::new(1_700_000_000_000));
    let host = |number: usize| {
        let store = Store::new(backend.clone()).unwrap();
        let time = time.clone();
        let surroundings = Surroundings {
            // Whoever owns a range looks around every few batches.
            clock: Arc::new(move || Timestamp(time.fetch_add(20, Ordering::Relaxed))),
            // Of the first ranges, which are whole ones, each has one.
            random: Arc::new(move || number as u64),
            ..surroundings(number)
        };
        let mut host = Host::new(store, CATALOGUE.clone(), surroundings);
        host.options = small_batches(5, 2);
        // Nobody is late, however fast that clock goes.
        host.lease_duration = 3_600_000;
        host
    };
    let first = host(0);
    seed(&first, "made", "items", &all);
    let (most, once) = (AtomicUsize::new(0), AtomicBool::new(false));
    let watch = |event: &RunEvent| {
        if matches!(event, RunEvent::Batch { .. }) {
            // The first one is slow: the others are done before him, and want something of what he has.
            let is_first = !once.swap(true, Ordering::Relaxed);
            wait_until(|| !is_first || count_of(OF_WANTED, &first) > 0);
            most.fetch_max(count_of(OF_RANGE, &first), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for number in 0..3 {
            let (host, watch) = (host(number), Told(watch));
            scope.spawn(move || {
                let control = Control::default();
                control.pace(|pacing| pacing.rest = Duration::from_millis(1));
                host.work(&Goal::default(), &OPTIONS, &watch, &control)
                    .unwrap();
            });
        }
    });
    // Of 2,000 / 32 items.
    assert!(most.into_inner() > 33, "nothing was cut");
    assert_eq!(outcome(&first), expected(&all, &CATALOGUE));
}

/// What is found of a hundred items by one who rests for an hour between rounds, and to whom something is done in his rest.
fn resting_for_an_hour(mut host: Host, options: Options, in_rest: fn(&Control)) -> Worked {
    host.options = options;
    seed(&host, "made", "items", &good_items(100));
    let control = Control::default();
    control.pace(|pacing| pacing.rest = Duration::from_secs(3_600));
    let after = |millis| {
        let control = control.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(millis));
            in_rest(&control);
        });
    };
    let watch = |event: &RunEvent| {
        if matches!(event, RunEvent::Batch { .. }) {
            after(200);
        }
    };
    let goal = Goal::default();
    std::thread::scope(|scope| {
        // It fails the test when nobody says anything in the rest.
        let _stops = Stops(&control);
        let worked = scope.spawn(|| host.work(&goal, &OPTIONS, &Told(watch), &control));
        wait_until(|| worked.is_finished());
        worked.join().unwrap().unwrap()
    })
}

#[test]
fn who_rests_between_rounds_rests_between_ranges_too() {
    // Whichever is the first, that behind the last item, too: there is nothing to rest for.
    for first in 0..6 {
        let backend: Arc<dyn Backend> = Arc::new(Memory::new());
        let host = in_order_with(&backend, first, CATALOGUE.clone());
        let worked = resting_for_an_hour(host, Options::default(), Control::stop);
        assert!(worked.is_left, "all ranges were done at once");
    }
}

#[test]
fn nobody_rests_behind_the_last_range() {
    let fails = doing("0004", "2.0.0/apply", json!([["fail", "no"]]));
    for (last, state) in [
        (fails, RunState::Blocked),
        (plain("0004"), RunState::Completed),
    ] {
        let control = Control::default();
        control.pace(|pacing| pacing.rest = Duration::from_secs(3_600));
        let backend: Arc<dyn Backend> = Arc::new(Memory::new());
        let host = worker_with(&backend, 0, &one_step());
        let mut all = good_items(4);
        all.push(last);
        seed(&host, "made", "items", &all);
        let reports = work(&host, &control).unwrap().reports;
        assert_eq!(reports[0].run.state, state);
    }
}

#[test]
fn who_rests_for_an_hour_hears_that_he_need_not_and_goes_on_so_in_the_next_range() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = worker_with(&backend, 0, &one_step());
    let batch = small_batches(OPTIONS.range_items as usize, 1);
    let hurry = |control: &Control| control.pace(|pacing| pacing.rest = Duration::from_millis(1));
    let worked = resting_for_an_hour(host, batch, hurry);
    assert_eq!(worked.reports[0].run.state, RunState::Completed);
}

/// What a worker finds of 1,000 items of which some fail, a tenth of which at most may.
fn work_on_failing(failing: std::ops::Range<usize>) -> (Host, Result<Worked, HostError>) {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let mut host = in_order(&backend, 0);
    host.options.max_failures = MaxFailures::Percent(10);
    let item = |n: usize| {
        let id = format!("{n:04}");
        match failing.contains(&n) {
            true => doing(&id, "2.0.0/apply", json!([["fail", "no"]])),
            false => plain(&id),
        }
    };
    let all: Vec<_> = (0..1_000).map(item).collect();
    seed(&host, "made", "items", &all);
    let worked = work(&host, &Control::default());
    (host, worked)
}

#[test]
fn failures_that_lie_close_together_are_a_share_of_all_items() {
    let (host, worked) = work_on_failing(960..980);
    assert_eq!(worked.unwrap().reports[0].run.state, RunState::Blocked);
    assert_eq!(quarantined(&host).len(), 20);
}

#[test]
fn what_the_breaker_said_is_heard_by_whoever_leads_next() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = |number| {
        let mut host = in_order(&backend, number);
        host.options.max_failures = MaxFailures::Count(1);
        host
    };
    let mut all = good_items(300);
    // Behind the last one there is nothing more to be found.
    for at in [0, 299] {
        all[at] = doing(&all[at].0, "2.0.0/apply", json!([["fail", "no"]]));
    }
    let leader = host(0);
    seed(&leader, "made", "items", &all);
    let error = left_to_a_sleeper([&leader, &host(1)], false).unwrap_err();
    let text = godwit::with_causes(&error);
    assert!(text.contains("another worker gave up: 2 of"), "{text}");
    assert_eq!(leader.store().runs().unwrap()[0].state, RunState::Failed);
    // Whoever is told to try again is told by nobody that it failed before.
    leader.accept(&quarantined(&leader)).unwrap();
    up_accepting(&leader, &Quiet);
    assert_eq!(leader.store().runs().unwrap()[0].state, RunState::Completed);
}

#[test]
fn the_breaker_is_asked_behind_the_very_last_items_too() {
    let (host, worked) = work_on_failing(899..1_000);
    let error = worked.unwrap_err();
    let text = godwit::with_causes(&error);
    assert!(text.contains("101 of 1000 items failed"), "{text}");
    assert_eq!(host.store().runs().unwrap()[0].state, RunState::Failed);
    assert_eq!(quarantined(&host).len(), 101);
}

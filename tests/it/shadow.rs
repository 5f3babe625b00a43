//! Shadow runs: the application goes on reading and writing while its collections are migrated beside it, and whatever
//! happens on the way, in the end all is as if everything had been written first and migrated then.

mod edges;
mod model;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{RunId, RunState};
use godwit::plan::Goal;
use godwit::run::{ChangedItems, Control, Observer, Pacing, Quiet, RunEvent};
use godwit::store::{Backend, Memory, OpenMode, Postgres, ShadowState, Store};
use godwit::{HostError, Request, ShadowReport, Surroundings};
use godwit_tests::made::{LAYOUTS, Order, derive, made, plain, rewrite};
use godwit_tests::postgres::Server;
use godwit_tests::world::{
    ENGINE, StopAfter, Told, dump, host, of_each_kind, quarantined, seed, small_batches, up,
    up_accepting, version, wait_until,
};
use serde_json::json;

use crate::every_k::{every_k, every_k_seen};
use model::{Step, logical, name, random_steps};

const INDEX: &str = r#"{"app": "made", "version": "2.5.0", "operations": [
    {"ensure_index": {"collection": "items", "pointer": "/written"}},
    {"create_collection": {"collection": "empty"}}]}"#;

/// Two versions that rewrite each item on its own, with an index between them.
fn alone() -> Arc<Catalogue> {
    static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
        let mut catalogue = Catalogue::new();
        for version in ["2.0.0", "3.0.0"] {
            let order = Order::new("made", version).step(rewrite("apply", "items"));
            let file = format!("made-{version}.wasm");
            catalogue.add(&ENGINE, file.into(), &order.file(LAYOUTS[0]));
        }
        catalogue.add(&ENGINE, "index.json".into(), INDEX.as_bytes());
        assert!(
            catalogue.rejected().is_empty(),
            "{:?}",
            catalogue.rejected()
        );
        Arc::new(catalogue)
    });
    CATALOGUE.clone()
}

/// The same and a version behind that derives documents.
fn deriving() -> Arc<Catalogue> {
    made(&[
        Order::new("made", "2.0.0").step(rewrite("apply", "items")),
        Order::new("made", "3.0.0").step(derive("look", "items", "notes")),
        Order::new("made", "4.0.0").step(rewrite("apply", "items")),
    ])
}

fn some_items() -> Vec<(String, String)> {
    let item = |n: usize| {
        let id = format!("{n:02}");
        let action = match n % 10 {
            3 => json!({"2.0.0/apply": [["keep"]], "3.0.0/apply": [["keep"]]}),
            5 => json!({"3.0.0/apply": [["remove"]]}),
            7 => json!({"3.0.0/look": [["count", "notes", "seven"]]}),
            _ => json!({}),
        };
        let body = json!({"_id": id, "n": n, "do": action}).to_string();
        (id, body)
    };
    (0..40).map(item).collect()
}

fn trial(backend: Arc<dyn Backend>, catalogue: &Arc<Catalogue>) -> Host {
    let mut host = host(backend, catalogue);
    host.options = small_batches(3, 2);
    host.patience = Duration::ZERO;
    host
}

fn seeded(backend: Arc<dyn Backend>, catalogue: &Arc<Catalogue>) -> Host {
    let host = trial(backend, catalogue);
    seed(&host, "made", "items", &some_items());
    host
}

fn up_shadow(host: &Host) -> ShadowReport {
    up_shadow_told(host, &Quiet, &Control::default()).unwrap()
}

fn up_shadow_told(
    host: &Host,
    observer: &dyn Observer,
    control: &Control,
) -> Result<ShadowReport, HostError> {
    host.up_shadow(&Goal::default(), observer, control)
}

fn finalize(host: &Host) -> ShadowReport {
    host.finalize(&Quiet, &Control::default()).unwrap()
}

/// What an equal store has once the same was written to it and migrated then.
fn expected(catalogue: &Arc<Catalogue>, steps: &[Step]) -> Vec<String> {
    let host = seeded(Arc::new(Memory::new()), catalogue);
    steps.iter().for_each(|step| step.carry_out(&host));
    up_accepting(&host, &Quiet);
    logical(&host)
}

#[test]
fn it_ends_as_a_run_does_on_every_store_and_can_be_undone() {
    for catalogue in [alone(), deriving()] {
        for (backend, _folder) in of_each_kind() {
            let host = seeded(backend.clone(), &catalogue);
            let before = logical(&host);
            let report = up_shadow(&host);
            let stats = report.stats.unwrap();
            assert!(stats.is_ready && !report.is_live, "{stats:?}");
            assert_eq!((stats.copied, stats.waiting), ((40, 40), 0));
            assert_eq!(logical(&host), before, "nothing is live yet");
            let report = finalize(&host);
            assert!(report.is_live && report.stats.is_none());
            assert_eq!(report.run, Some((RunId(1), RunState::Completed)));
            assert_eq!(
                logical(&host),
                expected(&catalogue, &[]),
                "{}",
                backend.url()
            );
            let left = dump(&*backend).into_iter();
            let left: Vec<_> = left
                .filter(|line| line.starts_with(['V', 'W']) || line.starts_with(r"Ditems\x00"))
                .collect();
            assert!(left.is_empty(), "{left:?}");
            assert!(host.plan(&Goal::default()).unwrap().plan.is_empty());
            let undone = host.undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default());
            assert!(undone.unwrap().done);
            assert_eq!(logical(&host), before, "{}", backend.url());
            // A second one has a generation of its own.
            up_shadow(&host);
            finalize(&host);
            assert_eq!(logical(&host), expected(&catalogue, &[]));
        }
    }
}

#[test]
fn what_is_written_at_any_time_is_migrated() {
    let catalogue = alone();
    for seed in 0..12 {
        for (backend, _folder) in of_each_kind() {
            let host = seeded(backend, &catalogue);
            let steps = random_steps(seed, 60, 40);
            let mut at = 0;
            let mut write = |count: usize| {
                steps[at..at + count]
                    .iter()
                    .for_each(|step| step.carry_out(&host));
                at += count;
            };
            write(10);
            for batches in [1, 3, 8] {
                let stop = StopAfter::new(batches + seed);
                up_shadow_told(&host, &stop, &stop.control).unwrap();
                write(10);
            }
            up_shadow(&host);
            write(10);
            up_shadow(&host);
            write(10);
            // What was removed that was not there is no write.
            let waiting = host.shadow().unwrap().unwrap().waiting;
            assert!((1..=10).contains(&waiting), "{waiting}");
            let written: Vec<_> = logical(&host);
            finalize(&host);
            assert_eq!(logical(&host), expected(&catalogue, &steps), "seed {seed}");
            // An undo gives back what the application wrote last.
            let undone = host.undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default());
            assert!(undone.unwrap().done);
            assert_eq!(logical(&host), written, "seed {seed}");
        }
    }
}

#[test]
fn reset_leaves_what_is_live_whatever_was_done() {
    let catalogue = alone();
    for batches in [1, 4, 9, u64::MAX] {
        let backend = Arc::new(Memory::new());
        let host = seeded(backend.clone(), &catalogue);
        let stop = StopAfter::new(batches);
        up_shadow_told(&host, &stop, &stop.control).unwrap();
        random_steps(batches, 20, 40)
            .iter()
            .for_each(|step| step.carry_out(&host));
        let before = logical(&host);
        let told = Names::default();
        assert!(host.reset(&told, &Control::default()).unwrap());
        assert_eq!(told.0.into_inner().unwrap(), ["run_done"]);
        assert!(!host.reset(&Quiet, &Control::default()).unwrap());
        assert_eq!(logical(&host), before);
        let left = dump(&*backend).into_iter();
        let left: Vec<_> = left
            .filter(|line| line.starts_with(['V', 'W', 'Z', 'G']) || line.contains(r"items\x01"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(
            host.store().history().unwrap().apps()["made"]
                .applied
                .is_empty()
        );
        // Everything is possible again.
        up(&host);
        let undone = host.undo(RunId(2), ChangedItems::Refuse, &Quiet, &Control::default());
        assert!(undone.unwrap().done);
        assert_eq!(logical(&host), before);
    }
}

/// Everything that an operator and an application do, from wherever it stands.
fn operate(host: &Host, steps: &[Step]) -> Result<(), HostError> {
    let is_new = host.store().collection(&name("items"))?.unwrap().level == Some(version("1.0.0"));
    let state = host.store().shadow()?.map(|shadow| shadow.state);
    if is_new && state != Some(ShadowState::Finalizing) {
        up_shadow_told(host, &Quiet, &Control::default())?;
        for step in steps {
            if !step.is_done(host)? {
                step.try_out(host)?;
            }
        }
    }
    match host.finalize(&Quiet, &Control::default()) {
        Ok(_) | Err(HostError::NoShadow) => Ok(()),
        Err(error) => Err(error),
    }
}

#[test]
fn it_ends_the_same_whichever_operation_fails() {
    ends_the_same(&alone());
}

#[test]
fn it_ends_the_same_whichever_operation_fails_where_steps_are_left_to_the_end() {
    ends_the_same(&deriving());
}

fn ends_the_same(catalogue: &Arc<Catalogue>) {
    // One for each item, so that those that were done can be told.
    let mut steps = random_steps(5, 12, 40);
    let mut ids = BTreeSet::new();
    steps.retain(|step| ids.insert(step.id().to_owned()));
    let work = |backend: Arc<dyn Backend>| operate(&trial_on(backend, catalogue)?, &steps);
    let start = || {
        let backend = Arc::new(Memory::new());
        seeded(backend.clone(), catalogue);
        backend
    };
    // In how many rounds what was written is followed depends on what fails, and with it the last checkpoints.
    let operations = every_k_seen(work, start, 1, |line| !line.starts_with('K'));
    assert!(operations > 300, "{operations}");
}

#[test]
fn a_reset_ends_the_same_whichever_operation_fails() {
    let catalogue = alone();
    let work = |backend: Arc<dyn Backend>| {
        let host = trial_on(backend, &catalogue)?;
        host.reset(&Quiet, &Control::default()).map(drop)
    };
    let start = || {
        let backend = Arc::new(Memory::new());
        let host = seeded(backend.clone(), &catalogue);
        up_shadow(&host);
        random_steps(7, 6, 40)
            .iter()
            .for_each(|step| step.carry_out(&host));
        backend
    };
    let operations = every_k(work, start, 1);
    assert!(operations > 10, "{operations}");
}

fn trial_on(backend: Arc<dyn Backend>, catalogue: &Arc<Catalogue>) -> Result<Host, HostError> {
    let store = Store::new(backend)?;
    let mut host = Host::new(
        store,
        catalogue.clone(),
        godwit_tests::world::surroundings(),
    );
    host.options = small_batches(7, 1);
    Ok(host)
}

#[test]
fn a_bad_item_keeps_it_from_being_live_until_it_is_mended_accepted_or_written_anew() {
    let catalogue = alone();
    let bad = json!({"_id": "07", "do": {"3.0.0/apply": [["fail", "it will not do"]]}}).to_string();
    let with_bad = || {
        let host = seeded(Arc::new(Memory::new()), &catalogue);
        host.put(&name("items"), "07", &version("1.0.0"), bad.as_bytes())
            .unwrap();
        let report = up_shadow(&host);
        assert_eq!(report.run, Some((RunId(1), RunState::Blocked)));
        assert_eq!(report.stats.unwrap().open, 1);
        assert!(quarantined(&host).is_empty(), "what is live is as it was");
        assert_eq!(quarantined(&host.in_shadow().unwrap()).len(), 1);
        let report = finalize(&host);
        assert!(!report.is_live);
        assert_eq!(report.run, Some((RunId(1), RunState::Blocked)));
        host
    };
    let host = with_bad();
    let good = json!({"_id": "07", "good": true}).to_string();
    host.put(&name("items"), "07", &version("1.0.0"), good.as_bytes())
        .unwrap();
    assert!(finalize(&host).is_live);
    let item = host.store().item(&name("items"), "07").unwrap().unwrap();
    assert_eq!(item.version, version("3.0.0"));

    let host = with_bad();
    let shadow = host.in_shadow().unwrap();
    shadow.accept(&quarantined(&shadow)).unwrap();
    assert!(finalize(&host).is_live);
    let item = host.store().item(&name("items"), "07").unwrap().unwrap();
    assert_eq!(
        (item.version, item.body),
        (version("2.5.0"), bad_after_two(&bad))
    );
}

fn bad_after_two(bad: &str) -> Vec<u8> {
    let mut body: serde_json::Value = serde_json::from_str(bad).unwrap();
    body["trail"] = json!(["2.0.0/apply"]);
    body.to_string().into_bytes()
}

#[test]
fn steps_that_see_others_are_left_to_the_end_and_the_application_waits_for_them() {
    let catalogue = deriving();
    let host = seeded(Arc::new(Memory::new()), &catalogue);
    let stats = up_shadow(&host).stats.unwrap();
    assert!(stats.is_ready);
    let deferred = [
        ("made 3.0.0: look".to_owned(), 40),
        ("made 4.0.0: apply".to_owned(), 40),
    ];
    assert_eq!(stats.deferred, deferred);
    let steps = random_steps(3, 20, 40);
    steps.iter().for_each(|step| step.carry_out(&host));
    // A finalization that is interrupted among them.
    let stop = StopAfter::new(9);
    let report = host.finalize(&stop, &stop.control).unwrap();
    assert!(!report.is_live);
    assert_eq!(report.stats.unwrap().state, ShadowState::Finalizing);
    let refused = host.put(&name("items"), "03", &version("1.0.0"), b"{}");
    assert!(
        matches!(refused, Err(HostError::ShadowUnderWay)),
        "{refused:?}"
    );
    let refused = up_shadow_told(&host, &Quiet, &Control::default());
    assert!(
        matches!(refused, Err(HostError::ShadowUnderWay)),
        "{refused:?}"
    );
    assert!(finalize(&host).is_live);
    assert_eq!(logical(&host), expected(&catalogue, &steps));

    // Given up instead, the application writes again.
    let host = seeded(Arc::new(Memory::new()), &catalogue);
    up_shadow(&host);
    let stop = StopAfter::new(2);
    host.finalize(&stop, &stop.control).unwrap();
    assert!(host.reset(&Quiet, &Control::default()).unwrap());
    host.put(&name("items"), "03", &version("1.0.0"), b"{}")
        .unwrap();
}

#[test]
fn nothing_else_changes_the_store_meanwhile() {
    let host = seeded(Arc::new(Memory::new()), &alone());
    up_shadow(&host);
    let refused = [
        host.up(&Goal::default(), &Quiet, &Control::default())
            .map(drop),
        host.undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default())
            .map(drop),
        host.prune(&[RunId(1)]).map(drop),
        host.baseline(&name("made"), &version("2.0.0")),
        host.lease("import").map(drop),
    ];
    for refused in refused {
        assert!(
            matches!(refused, Err(HostError::ShadowUnderWay)),
            "{refused:?}"
        );
    }
    let other = Goal {
        to: Some(version("2.0.0")),
        ..Goal::default()
    };
    let refused = host.up_shadow(&other, &Quiet, &Control::default());
    assert!(
        matches!(refused, Err(HostError::OtherShadow { .. })),
        "{refused:?}"
    );
    assert_eq!(host.status().unwrap().shadow, Some(ShadowState::Following));
    assert!(host.status().unwrap().unfinished.is_none());
    finalize(&host);
    assert_eq!(host.status().unwrap().shadow, None);
    let refused = host.finalize(&Quiet, &Control::default());
    assert!(matches!(refused, Err(HostError::NoShadow)), "{refused:?}");
    assert!(matches!(host.in_shadow(), Err(HostError::NoShadow)));
    // Nothing is pending: no shadow run is begun.
    let report = up_shadow(&host);
    assert!(report.stats.is_none() && report.report.is_none());
}

#[test]
fn one_version_of_several_may_be_wanted_and_other_apps_are_left_alone() {
    let catalogue = made(&[
        Order::new("made", "2.0.0").step(rewrite("apply", "items")),
        Order::new("made", "3.0.0").step(rewrite("apply", "items")),
        Order::new("other", "2.0.0").step(rewrite("apply", "things")),
    ]);
    let backend = Arc::new(Memory::new());
    let host = seeded(backend.clone(), &catalogue);
    seed(&host, "other", "things", &[plain("a"), plain("b")]);
    let goal = Goal {
        app: Some(name("made")),
        to: Some(version("2.0.0")),
        phase: None,
    };
    host.up_shadow(&goal, &Quiet, &Control::default()).unwrap();
    host.put(&name("things"), "a", &version("1.0.0"), b"{\"new\":1}")
        .unwrap();
    finalize(&host);
    let apps = host.store().history().unwrap().apps();
    assert_eq!(apps["made"].version(), Some(&version("2.0.0")));
    assert_eq!(apps["other"].version(), Some(&version("1.0.0")));
    let things = dump(&*backend).into_iter();
    let things: Vec<_> = things.filter(|line| line.starts_with("Dthings")).collect();
    assert_eq!(things.len(), 2, "{things:?}");
    assert!(
        things[0].contains(r"\x01\x051.0.0") && things[0].contains(r#"{\"new\":1}"#),
        "{things:?}"
    );
    up(&host);
    assert_eq!(
        host.store().history().unwrap().apps()["other"].version(),
        Some(&version("2.0.0"))
    );
}

/// Collects the names of events.
#[derive(Default)]
struct Names(Mutex<Vec<String>>);

impl Observer for Names {
    fn event(&self, event: &RunEvent) {
        if let Some(name) = event.name() {
            self.0.lock().unwrap().push(name.to_owned());
        }
    }
}

#[test]
fn what_happens_is_told() {
    let host = seeded(Arc::new(Memory::new()), &alone());
    let names = Names::default();
    up_shadow_told(&host, &names, &Control::default()).unwrap();
    host.put(&name("items"), "00", &version("1.0.0"), b"{}")
        .unwrap();
    host.finalize(&names, &Control::default()).unwrap();
    let names = names.0.into_inner().unwrap();
    let mut told: Vec<_> = names
        .iter()
        .filter(|name| !name.starts_with("step_"))
        .collect();
    told.dedup();
    assert_eq!(
        told,
        [
            "copied",
            "run_started",
            "applied",
            "run_done",
            "followed",
            "run_started",
            "run_done",
            "switched"
        ]
    );
}

#[test]
fn a_copy_of_the_store_has_nothing_of_it() {
    let catalogue = alone();
    let backend = Arc::new(Memory::new());
    let host = seeded(backend.clone(), &catalogue);
    let copied = |host: &Host| {
        let copy = Memory::new();
        godwit::copy(host.store(), &copy, false).unwrap();
        let mut lines = dump(&copy);
        // The format and the numbers that were given out.
        lines.retain(|line| !line.starts_with(['F', 'S']));
        lines
    };
    let before = copied(&host);
    let stop = StopAfter::new(5);
    up_shadow_told(&host, &stop, &stop.control).unwrap();
    host.put(&name("items"), "00", &version("1.0.0"), b"{}")
        .unwrap();
    host.put(
        &name("items"),
        "00",
        &version("1.0.0"),
        some_items()[0].1.as_bytes(),
    )
    .unwrap();
    assert_eq!(copied(&host), before);
    finalize(&host);
    let copy = Arc::new(Memory::new());
    godwit::copy(host.store(), &*copy, false).unwrap();
    assert_eq!(logical(&trial(copy, &catalogue)), logical(&host));
}

#[test]
fn it_is_ready_where_everything_is_left_to_the_end() {
    let orders = [
        Order::new("made", "2.0.0").step(derive("look", "items", "notes")),
        Order::new("made", "3.0.0").step(rewrite("apply", "items")),
    ];
    let host = seeded(Arc::new(Memory::new()), &made(&orders));
    let stopped = Control::default();
    stopped.stop();
    let stats = up_shadow_told(&host, &Quiet, &stopped).unwrap().stats;
    assert!(!stats.unwrap().is_ready, "nothing is copied yet");
    let stats = up_shadow(&host).stats.unwrap();
    assert!(stats.is_ready && stats.run.is_none(), "{stats:?}");
    assert_eq!(stats.deferred.len(), 2, "{stats:?}");
    assert!(finalize(&host).is_live);
}

#[test]
fn what_is_ordered_is_for_one_command_all_of_its_rounds_and_no_other() {
    let server = Server::start();
    let backend = Postgres::open(&server.url(), OpenMode::Create).unwrap();
    let store = Store::new(Arc::new(backend)).unwrap();
    let mut host = Host::new(store, alone(), Surroundings::of_this_process());
    host.options = small_batches(3, 2);
    seed(&host, "made", "items", &some_items());
    let rest = Duration::from_millis(1);
    let slow = Request::Throttle {
        items_per_second: None,
        duty: None,
        rest: 1,
    };
    // Ordered during its first round; the next one finds what was written meanwhile.
    let (control, rounds) = (Control::default(), Mutex::new(Vec::new()));
    let order = |event: &RunEvent| match event {
        RunEvent::Batch { .. } if rounds.lock().unwrap().is_empty() => {
            host.direct(slow).unwrap().unwrap();
            wait_until(|| control.pacing().rest == rest);
            let written = Step::Put("50".to_owned(), plain("50").1);
            written.carry_out(&host);
            rounds.lock().unwrap().push(control.pacing().rest);
        }
        RunEvent::Ended { .. } => {
            // Whoever works looks twice or more.
            std::thread::sleep(Duration::from_millis(700));
            rounds.lock().unwrap().push(control.pacing().rest);
            let answer = host.direct(Request::Progress).unwrap().unwrap();
            assert_eq!(answer.pacing.rest, rest, "it is told");
        }
        _ => {}
    };
    up_shadow_told(&host, &Told(order), &control).unwrap();
    let rounds = rounds.into_inner().unwrap();
    assert!(rounds.len() > 2, "{rounds:?}");
    assert!(rounds.iter().all(|round| *round == rest), "{rounds:?}");

    let written = Step::Put("51".to_owned(), plain("51").1);
    written.carry_out(&host);
    let (control, batches) = (Control::default(), AtomicUsize::new(0));
    let look = |event: &RunEvent| {
        if matches!(event, RunEvent::Batch { .. }) {
            batches.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(700));
            assert_eq!(control.pacing(), Pacing::default());
        }
    };
    let report = host.finalize(&Told(look), &control).unwrap();
    assert!(report.is_live && batches.into_inner() > 0);
}

//! The door for servers: work on threads of its own, directed and watched by tasks, and items for the application.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::time::Duration;

use godwit::model::{Phase, RunId, RunState};
use godwit::plan::Goal;
use godwit::run::{ChangedItems, Observer, Report, RunEvent};
use godwit::sandbox::Limits;
use godwit::store::{Backend, Claim, Commit, Holder, Lease, LeaseError, Memory, Store, StoreError};
use godwit::{Host, HostBuilder, HostError, OpenError, Otherwise, Request};
use godwit_tests::made::{LAYOUTS, Order, rewrite};
use godwit_tests::world::{name, small_batches, version};
use serde_json::json;

const ITEMS: u64 = 400;

const SCHEMA: &str = r#"{"app": "made", "version": "1.0.0", "operations": [
    {"create_collection": {"collection": "items"}},
    {"ensure_index": {"collection": "items", "pointer": "/kind"}}]}"#;

/// What each test begins with: a migration's bytes, and a schema's.
pub(crate) fn builder(backend: Arc<dyn Backend>) -> HostBuilder {
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    Host::builder()
        .backend(backend)
        .plugin("made-1.0.0.json", SCHEMA)
        .plugin("made-2.0.0.wasm", order.file(LAYOUTS[0]))
        .options(|options| *options = small_batches(4, 2))
}

fn to(version: &str) -> Goal {
    Goal {
        to: Some(godwit_tests::world::version(version)),
        ..Goal::default()
    }
}

/// A host on a store at 1.0.0 with some items.
async fn begun(backend: Arc<dyn Backend>) -> Host {
    let host = builder(backend).open().await.unwrap();
    host.up(to("1.0.0")).await.unwrap();
    let items = host.collection(name("items")).at(version("1.0.0"));
    for n in 0..ITEMS {
        let body = json!({"_id": n, "kind": n % 4}).to_string();
        items.put(format!("{n:03}"), body).await.unwrap();
    }
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_events_is_told_the_last_one_and_then_that_it_was() {
    let host = begun(Arc::new(Memory::new())).await;
    let mut events = host.events();
    let told = tokio::spawn(async move {
        let mut names = Vec::new();
        while let Some(event) = events.next().await {
            names.extend(event.event.name());
        }
        names
    });
    let mut work = host.up(Goal::default());
    while let Some(event) = work.next_event().await {
        if event.event.name() == Some("step_started") {
            break;
        }
    }
    host.shutdown().await;
    assert_eq!(told.await.unwrap().last(), Some(&"run_done"));
    assert!(host.events().next().await.is_none());
    let late = host.up(Goal::default()).await;
    assert!(matches!(late, Err(HostError::ShutDown)), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_serves_and_is_started_again_while_online_steps_are_left() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    drop(begun(backend.clone()).await);
    let mut step = rewrite("apply", "items");
    step["online"] = json!(true);
    let order = Order::new("made", "2.0.0").step(step).file(LAYOUTS[0]);
    let offline = Goal {
        phase: Some(Phase::Offline),
        ..Goal::default()
    };
    let open = || {
        let builder = Host::builder().backend(backend.clone());
        let builder = builder.plugin("made-1.0.0.json", SCHEMA);
        builder.plugin("made-2.0.0.wasm", order.clone()).open()
    };
    let host = open().await.unwrap();
    assert!(!host.readiness().await.unwrap().is_ready);
    host.up(offline.clone()).await.unwrap();
    let mut work = host.up(Goal::default());
    work.throttle(|pacing| pacing.items_per_second = Some(1.try_into().unwrap()));
    while let Some(event) = work.next_event().await {
        if event.event.name() == Some("step_started") {
            break;
        }
    }
    // Also while the run has the lease.
    for host in [host.clone(), open().await.unwrap()] {
        let readiness = host.readiness().await.unwrap();
        assert!(readiness.is_ready, "{:?}", readiness.reasons);
        assert!(host.up(offline.clone()).await.unwrap().is_empty());
    }
    host.close().await;
    let host = open().await.unwrap();
    assert_eq!(
        host.status().await.unwrap().unfinished.map(|run| run.state),
        Some(RunState::Stopped)
    );
    assert!(host.readiness().await.unwrap().is_ready);
    assert!(host.up(offline).await.unwrap().is_empty());
    let reports = host.up(Goal::default()).await.unwrap();
    assert!(reports.iter().all(Report::is_completed));
    assert_eq!(reports[0].steps[0].counts.read, ITEMS);
}

/// Holds every work up until it is let go.
struct Gate {
    told: Mutex<Vec<&'static str>>,
    open: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Observer for Gate {
    fn event(&self, event: &RunEvent) {
        self.told.lock().unwrap().extend(event.name());
        if let RunEvent::SettingUp { .. } = event {
            self.open.lock().unwrap().recv().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn works_wait_for_observers_and_tell_them_everything() {
    let host = begun(Arc::new(Memory::new())).await;
    let (let_go, open) = std::sync::mpsc::channel();
    let gate = Arc::new(Gate {
        told: Mutex::default(),
        open: Mutex::new(open),
    });
    host.observe(gate.clone());
    let mut work = host.up(Goal::default());
    let first = work.next_event().await.unwrap();
    assert_eq!(first.event.name(), Some("setting_up"));
    let item = host.collection(name("items")).at(version("1.0.0"));
    assert_eq!(
        item.get("001").await.unwrap().unwrap().version,
        version("1.0.0")
    );
    assert_eq!(*gate.told.lock().unwrap(), ["setting_up"]);
    let_go.send(()).unwrap();
    work.await.unwrap();
    let told = gate.told.lock().unwrap();
    assert_eq!(told.last(), Some(&"set_up"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_watched_paused_and_taken_to_its_end() {
    let host = begun(Arc::new(Memory::new())).await;
    let mut work = host.up(Goal::default());
    let mut names = Vec::new();
    let mut numbers = Vec::new();
    while let Some(event) = work.next_event().await {
        assert_eq!(event.work, work.number());
        numbers.push(event.number);
        names.extend(event.event.name());
        if let RunEvent::StepStarted { .. } = event.event {
            work.pause();
        }
        if let RunEvent::Waiting { reasons } = &event.event {
            assert_eq!(reasons, &["paused"]);
            assert!(!work.has_ended());
            work.resume();
        }
    }
    assert!(work.has_ended());
    assert!(numbers.is_sorted());
    let told: Vec<_> = names
        .iter()
        .copied()
        .filter(|name| *name != "batch_committed")
        .collect();
    let expected = [
        "setting_up",
        "run_started",
        "step_started",
        "paused",
        "resumed",
        "step_done",
        "applied",
        "run_done",
        "set_up",
    ];
    assert_eq!(told, expected);
    let reports = work.await.unwrap();
    assert_eq!(reports[0].run.state, RunState::Completed);
    assert_eq!(reports[0].steps[0].counts.updated, ITEMS);
    let status = host.status().await.unwrap();
    assert_eq!(status.apps[0].serves, Some(version("2.0.0")));
    // Whoever comes later reads what is kept.
    let mut behind = host.events_behind(numbers[1] - 1);
    assert_eq!(behind.try_next().unwrap().number, numbers[1]);
    assert!(host.events().try_next().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_or_shut_down_goes_on_later() {
    let backend = Arc::new(Memory::new());
    let host = begun(backend.clone()).await;
    let mut work = host.up(Goal::default());
    work.throttle(|pacing| pacing.items_per_second = Some(1.try_into().unwrap()));
    while let Some(event) = work.next_event().await {
        if let RunEvent::StepStarted { .. } = event.event {
            work.cancel();
        }
    }
    let reports = work.await.unwrap();
    assert_eq!(reports[0].run.state, RunState::Stopped);

    let mut work = host.up(Goal::default());
    work.throttle(|pacing| pacing.items_per_second = Some(1.try_into().unwrap()));
    let busy = loop {
        let event = work.next_event().await.unwrap();
        if let RunEvent::StepStarted { .. } = event.event {
            break host.up(Goal::default()).await;
        }
    };
    assert!(matches!(busy, Err(HostError::Lease(_))), "{busy:?}");
    host.shutdown().await;
    assert!(work.has_ended());
    assert_eq!(work.await.unwrap()[0].run.state, RunState::Stopped);
    let refused = host.up(Goal::default()).await;
    assert!(matches!(refused, Err(HostError::ShutDown)), "{refused:?}");
    drop(host);

    let host = builder(backend).open().await.unwrap();
    let readiness = host.readiness().await.unwrap();
    assert!(!readiness.is_ready);
    let reports = host.up(Goal::default()).await.unwrap();
    assert_eq!(reports[0].run.id, RunId(2), "it is the same run");
    assert_eq!(reports[0].steps[0].counts.updated, ITEMS);
    assert!(host.readiness().await.unwrap().is_ready);
    let undone = host.undo(RunId(2), ChangedItems::Refuse).await.unwrap();
    assert!(undone.done);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_on_once_nobody_holds_the_host() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = begun(backend.clone()).await;
    let mut work = host.up(Goal::default());
    work.throttle(|pacing| pacing.items_per_second = Some(1.try_into().unwrap()));
    work.next_event().await.unwrap();
    let mut events = work.events();
    drop(host);
    // Whoever awaits it keeps it going.
    let waited = tokio::time::timeout(Duration::from_millis(50), work.ended()).await;
    assert!(waited.is_err());
    work.detach();
    let mut last = None;
    while let Some(event) = events.next().await {
        last = event.event.name();
    }
    assert_eq!(last, Some("run_done"));
    let host = builder(backend).open().await.unwrap();
    let unfinished = host.status().await.unwrap().unfinished;
    assert_eq!(unfinished.map(|run| run.state), Some(RunState::Stopped));
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_that_is_given_up_and_begun_again_waits_all_the_same() {
    let host = begun(Arc::new(Memory::new())).await;
    let (let_go, open) = std::sync::mpsc::channel();
    let gate = Gate {
        told: Mutex::default(),
        open: Mutex::new(open),
    };
    host.observe(Arc::new(gate));
    let mut work = host.up(Goal::default());
    work.next_event().await.unwrap();
    for _ in 0..2 {
        let waited = tokio::time::timeout(Duration::from_millis(50), host.shutdown()).await;
        assert!(waited.is_err());
    }
    let_go.send(()).unwrap();
    host.shutdown().await;
    assert!(work.has_ended());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_waited_for_a_run_is_behind_when_it_ends() {
    let host = begun(Arc::new(Memory::new())).await;
    host.hold("the test is not there yet");
    let mut work = host.up(Goal::default());
    // From here on it has the store to itself.
    while work.next_event().await.unwrap().event.name() != Some("step_started") {}
    let old = host.collection(name("items")).at(version("1.0.0"));
    let put = tokio::spawn({
        let old = old.clone();
        async move { old.put("001", "{}").await }
    });
    let delete = tokio::spawn(async move { old.delete("002").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!put.is_finished() && !delete.is_finished());
    host.release("the test is not there yet");
    assert!(work.await.unwrap()[0].is_completed());
    let refused = put.await.unwrap();
    assert!(
        matches!(refused, Err(HostError::ApplicationBehind { .. })),
        "{refused:?}"
    );
    let refused = delete.await.unwrap();
    assert!(
        matches!(refused, Err(HostError::ApplicationBehind { .. })),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_item_is_written_that_migrations_cannot_be_fed() {
    let limits = Limits {
        body_bytes: 100,
        ..Limits::default()
    };
    let host = builder(Arc::new(Memory::new())).limits(limits).open();
    let host = host.await.unwrap();
    host.up(to("1.0.0")).await.unwrap();
    let items = host.collection(name("items"));
    let long = json!({"text": "x".repeat(100)}).to_string();
    let refused = items.put("long", long).await;
    assert!(
        matches!(refused, Err(HostError::BadItem { .. })),
        "{refused:?}"
    );
    items.put("short", "{}").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_update_one_item_at_once_all_count() {
    let host = begun(Arc::new(Memory::new())).await;
    let items = host.collection(name("items"));
    let update = |_| {
        let items = items.clone();
        tokio::spawn(async move {
            let change = |item: Option<godwit::Document>| {
                let mut body: serde_json::Value = item?.json().ok()?;
                // It was brought up before it was changed.
                assert_eq!(body["trail"][0], "2.0.0/apply");
                body["kind"] = json!(body["kind"].as_u64()? + 1);
                Some(body.to_string().into_bytes())
            };
            items.update("001", change).await
        })
    };
    for updated in (0..40).map(update).collect::<Vec<_>>() {
        assert!(updated.await.unwrap().unwrap().is_some());
    }
    let there = items.get("001").await.unwrap().unwrap();
    assert_eq!(there.json::<serde_json::Value>().unwrap()["kind"], 41);
    assert_eq!(items.update("001", |_| None).await.unwrap(), None);
    assert!(items.get("001").await.unwrap().is_none());
    let made = items.update("new", |item| item.is_none().then(|| b"{}".to_vec()));
    assert_eq!(made.await.unwrap().as_deref(), Some(b"{}".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_wait_for_others_keep_nobody_from_reading() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = begun(backend.clone()).await;
    let held = Store::new(backend).unwrap();
    let surroundings = host.blocking().surroundings();
    let claim = Claim {
        holder: Holder {
            name: "somebody else".to_owned(),
            process: None,
        },
        purpose: "up",
        duration: Lease::DURATION,
        nonce: 7,
        is_gone: &|_| false,
    };
    let lease = Lease::acquire(&held, &*surroundings.clock, &claim).unwrap();
    let items = host.collection(name("items")).at(version("1.0.0"));
    let mut waiting = Vec::new();
    for n in 0..200 {
        let items = items.clone();
        waiting.push(tokio::spawn(async move {
            items.put(format!("new-{n}"), "{}").await
        }));
    }
    // Far more of them than there are turns, and nobody has any.
    for _ in 0..100 {
        assert!(items.get("001").await.unwrap().is_some());
    }
    assert!(waiting.iter().all(|put| !put.is_finished()));
    lease.release(&held).unwrap();
    for put in waiting {
        put.await.unwrap().unwrap();
    }
}

/// A store that is slow with items, or full, when it is told to be.
#[derive(Default)]
struct Moody {
    inner: Memory,
    is_slow: Mutex<bool>,
    is_quick: Condvar,
    /// How many wait for an item.
    waiting: AtomicUsize,
    is_full: AtomicBool,
}

impl Moody {
    fn slow_down(&self, is_slow: bool) {
        *self.is_slow.lock().unwrap() = is_slow;
        self.is_quick.notify_all();
    }
}

impl Backend for Moody {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if key.starts_with(b"D") {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let is_slow = self.is_slow.lock().unwrap();
            drop(self.is_quick.wait_while(is_slow, |is_slow| *is_slow));
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        self.inner.get(key)
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.inner.scan(from, to, visit)
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        match self.is_full.load(Ordering::SeqCst) {
            true => Err(StoreError::Failed {
                action: "write",
                path: "moody".into(),
                source: "it is full".into(),
            }),
            false => self.inner.commit(commit),
        }
    }

    fn url(&self) -> String {
        self.inner.url()
    }

    fn size_on_disk(&self) -> Result<Option<u64>, StoreError> {
        self.inner.size_on_disk()
    }

    fn shows_one_moment(&self) -> bool {
        self.inner.shows_one_moment()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_take_long_keep_nobody_from_asking_and_are_waited_for_in_the_end() {
    let backend = Arc::new(Moody::default());
    let host = begun(backend.clone()).await;
    backend.slow_down(true);
    let items = host.collection(name("items")).at(version("1.0.0"));
    let mut reading = Vec::new();
    for n in 0..ITEMS {
        let items = items.clone();
        reading.push(tokio::spawn(
            async move { items.get(format!("{n:03}")).await },
        ));
    }
    while backend.waiting.load(Ordering::SeqCst) < 64 {
        tokio::task::yield_now().await;
    }
    // All turns at reading are taken, and far more wait for one.
    assert!(!host.readiness().await.unwrap().is_ready);
    assert!(host.status().await.unwrap().unfinished.is_none());
    for reading in &reading {
        reading.abort();
    }
    for reading in reading {
        assert!(reading.await.unwrap_err().is_cancelled());
    }
    drop(items);
    let mut closing = std::pin::pin!(host.close());
    let early = tokio::time::timeout(Duration::from_millis(50), closing.as_mut()).await;
    assert!(early.is_err(), "it waits for what is being read");
    backend.slow_down(false);
    closing.await;
    assert_eq!(Arc::strong_count(&backend), 1, "somebody still has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_told_also_where_nobody_waits_for_it() {
    let backend = Arc::new(Moody::default());
    let host = begun(backend.clone()).await;
    let mut events = host.events();
    host.undo(RunId(99), ChangedItems::Refuse).detach();
    let event = events.next().await.unwrap();
    let RunEvent::WorkFailed { reason } = &event.event else {
        panic!("{event:?}");
    };
    assert_eq!(reason, "there is no run 99");

    backend.is_full.store(true, Ordering::SeqCst);
    let mut work = host.up(Goal::default());
    let mut of_it = work.events();
    work.ended().await;
    let mut last = None;
    // They end with the work, not with the host.
    while let Some(event) = of_it.next().await {
        last = Some(event);
    }
    let last = last.unwrap();
    assert!(
        matches!(&last.event, RunEvent::WorkFailed { reason } if reason.contains("it is full")),
        "{last:?}"
    );
    assert!(matches!(work.await, Err(HostError::Store(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_read_from_a_store_that_is_full() {
    let backend = Arc::new(Moody::default());
    let host = begun(backend.clone()).await;
    host.up(Goal::default()).await.unwrap();
    let late = host.ask(|host| host.put(&name("items"), "late", &version("1.0.0"), b"{}"));
    late.await.unwrap();
    backend.is_full.store(true, Ordering::SeqCst);
    let items = host.collection(name("items")).at(version("2.0.0"));
    let late = items.clone().writing_back().get("late").await.unwrap();
    assert_eq!(late.unwrap().version, version("2.0.0"));
    assert!(matches!(
        items.put("late", "{}").await,
        Err(HostError::Store(_))
    ));
    backend.is_full.store(false, Ordering::SeqCst);
    let late = items.writing_back().get("late").await.unwrap();
    let stored = host.blocking().store().body(&name("items"), "late");
    assert_eq!(stored.unwrap(), late.map(|late| late.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_as_patient_and_as_open_to_others_as_its_builder_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("store");
    for is_open in [true, false] {
        let builder = Host::builder().store(&data).plugin("made.json", SCHEMA);
        let builder = builder
            .patience(Duration::ZERO)
            .lease_duration(Duration::from_secs(600))
            .control_socket(is_open);
        let host = builder.open().await.unwrap();
        host.up(Goal::default()).await.unwrap();
        let (held, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (is_held, may_go_on) = (held.clone(), go_on.clone());
        let work = host.begin(move |host, _, control| {
            let lease = host.lease("up")?;
            host.directed("up", control, || {
                is_held.wait();
                may_go_on.wait();
            });
            Ok(lease.release(host.store())?)
        });
        tokio::task::spawn_blocking(move || held.wait())
            .await
            .unwrap();
        let put = host.collection(name("items")).put("one", "{}").await;
        let Err(HostError::Lease(LeaseError::Held { expires_in, .. })) = put else {
            panic!("{put:?}");
        };
        assert!((15_001..=600_000).contains(&expires_in), "{expires_in}");
        let asked = Request::Progress.send(&data);
        assert_eq!(asked.is_ok(), is_open, "{asked:?}");
        tokio::task::spawn_blocking(move || go_on.wait())
            .await
            .unwrap();
        work.await.unwrap();
        host.close().await;
    }
}

/// One who holds works when something fails, and knows the host for that.
struct Knows(Host);

impl Observer for Knows {
    fn event(&self, event: &RunEvent) {
        match event {
            RunEvent::Started { .. } => panic!("it cannot bear that"),
            RunEvent::WorkFailed { .. } => self.0.hold("something failed"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_that_panics_holds_nothing_and_one_that_knows_the_host_keeps_it_no_longer() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = begun(backend.clone()).await;
    host.observe(Arc::new(Knows(host.clone())));
    let mut events = host.events();
    let failed = host.up(Goal::default()).await;
    assert!(matches!(failed, Err(HostError::Run(_))), "{failed:?}");
    let mut names = Vec::new();
    while names.last() != Some(&"work_failed") {
        names.extend(events.next().await.unwrap().event.name());
    }
    // Nobody has the store to himself any more; the run waits for whoever goes on with it.
    assert_eq!(host.ask(godwit::blocking::Host::busy).await.unwrap(), None);
    let unfinished = host.status().await.unwrap().unfinished;
    assert_eq!(unfinished.map(|run| run.state), Some(RunState::Running));
    host.close().await;
    assert_eq!(Arc::strong_count(&backend), 1, "somebody still has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_other_handles() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = begun(backend.clone()).await;
    let items = host.collection(name("items")).at(version("1.0.0"));
    let mut closing = std::pin::pin!(host.close());
    let early = tokio::time::timeout(Duration::from_millis(50), closing.as_mut()).await;
    assert!(early.is_err(), "there is another handle");
    assert!(items.get("001").await.unwrap().is_some());
    drop(items);
    closing.await;
    assert_eq!(Arc::strong_count(&backend), 1, "somebody still has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_that_are_closed_at_the_same_time_all_wait_for_the_end() {
    let folder = tempfile::tempdir().unwrap();
    // sled lets one process open a store once.
    let url = format!("sled:{}", folder.path().join("store").display());
    let builder = || Host::builder().url(&url).plugin("made.json", SCHEMA);
    let host = builder().open().await.unwrap();
    host.up(Goal::default()).await.unwrap();
    let mut closing: tokio::task::JoinSet<_> = [host.clone(), host.clone(), host]
        .map(Host::close)
        .into_iter()
        .collect();
    closing.join_next().await.unwrap().unwrap();
    let again = builder().open().await;
    again.expect("it was closed").close().await;
    closing.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_works_go_on_at_once_and_one_more_says_so() {
    let host = begun(Arc::new(Memory::new())).await;
    let works: Vec<_> = (0..128)
        .map(|_| {
            host.begin(|_, _, control| {
                while !control.is_stopped() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Ok(())
            })
        })
        .collect();
    let mut one_more = host.up(Goal::default());
    let event = one_more.next_event().await.unwrap();
    assert_eq!(event.event.name(), Some("work_failed"));
    assert!(one_more.next_event().await.is_none());
    assert!(matches!(one_more.await, Err(HostError::Overloaded)));
    host.cancel();
    for work in works {
        work.await.unwrap();
    }
    assert_eq!(host.up(Goal::default()).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_reads_and_writes_before_in_and_after_a_run() {
    let host = begun(Arc::new(Memory::new())).await;
    let items = host.collection(name("items"));
    let trail = |document: &godwit::Document| {
        document.json::<serde_json::Value>().unwrap()["trail"].clone()
    };
    let before = items.get("007").await.unwrap().unwrap();
    assert_eq!(trail(&before), json!(["2.0.0/apply"]));
    let ten = NonZeroUsize::new(10).unwrap();
    let page = items.scan(None, ten).await.unwrap();
    assert_eq!(
        (page.documents.len(), page.next.as_deref()),
        (10, Some("009"))
    );
    let found = items.find("/kind", json!(3), None, ten).await;
    let (page, indexed) = found.unwrap();
    assert!(indexed && page.documents.len() == 10);
    assert!(
        items
            .clone()
            .otherwise(Otherwise::AsStored)
            .get("nobody")
            .await
            .unwrap()
            .is_none()
    );
    host.up(Goal::default()).await.unwrap();
    assert_eq!(items.get("007").await.unwrap().unwrap(), before);
    let behind = items.clone().at(version("1.0.0"));
    let refused = behind.put("007", "{}").await;
    assert!(
        matches!(refused, Err(HostError::ApplicationBehind { .. })),
        "{refused:?}"
    );
    items.put("007", r#"{"new": true}"#).await.unwrap();
    assert!(items.delete("008").await.unwrap());
    assert!(!items.delete("008").await.unwrap());
    let found = items.get("007").await.unwrap().unwrap();
    assert_eq!(
        (found.version, found.body),
        (version("2.0.0"), br#"{"new": true}"#.to_vec())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn shadow_runs_quarantine_and_ways_back_are_work_like_any_other() {
    let host = begun(Arc::new(Memory::new())).await;
    let items = host.collection(name("items")).at(version("1.0.0"));
    let bad = json!({"do": {"2.0.0/apply": [["fail", "no"]]}});
    items.put("000", bad.to_string()).await.unwrap();
    let report = host.up_shadow(Goal::default()).await.unwrap();
    assert_eq!(report.stats.unwrap().open, 1);
    assert!(host.shadow().await.unwrap().is_some());
    assert!(host.reset().await.unwrap());
    let reports = host.up(Goal::default()).await.unwrap();
    assert_eq!(reports[0].run.state, RunState::Blocked);
    let retried = host.retry(None).await.unwrap();
    assert_eq!(retried[0].open, 1);
    let item = (name("items"), "000".to_owned());
    assert_eq!(host.accept(vec![item]).await.unwrap(), 1);
    let reports = host.up(Goal::default()).await.unwrap();
    assert_eq!(reports[0].run.state, RunState::Completed);
    let one = host
        .up_item(name("items"), "001".to_owned(), None)
        .await
        .unwrap();
    assert!(one.is_none(), "it is up to date");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_needs_a_store_and_folders_that_can_be_read() {
    let none = Host::builder().open().await.unwrap_err();
    assert!(matches!(none, OpenError::NoStore), "{none}");
    let url = Host::builder().url("ftp:there").open().await.unwrap_err();
    assert!(matches!(url, OpenError::Store(_)), "{url}");
    let folder = tempfile::tempdir().unwrap();
    let missing = Host::builder()
        .store(folder.path().join("store"))
        .plugins(folder.path().join("nothing"))
        .open()
        .await
        .unwrap_err();
    assert!(matches!(missing, OpenError::Folder(_)), "{missing}");
    // A file that is no migration is a finding of every plan.
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    std::fs::write(plugins.join("bad.wasm"), b"no").unwrap();
    let host = Host::builder()
        .store(Path::new(folder.path()).join("store"))
        .plugins(plugins)
        .open()
        .await
        .unwrap();
    assert!(host.plan(Goal::default()).await.unwrap().is_refused());
    assert!(!host.readiness().await.unwrap().is_ready);
}

/// What README tells those to write who embed the host.
async fn of_readme(
    data: std::path::PathBuf,
    migrations: std::path::PathBuf,
) -> Result<Option<godwit::Document>, Box<dyn std::error::Error>> {
    // README: begin
    let host = Host::builder()
        .store(data)
        .plugins(migrations)
        .open()
        .await?; // the migrations that this release comes with
    let runs = host.up(Goal::default()).await?; // on threads of its own; the runtime never waits for it
    let is_done = runs.iter().all(Report::is_completed); // if not, `godwit quarantine list` says which items failed

    let todos = host.collection("todos".parse()?);
    todos.put("milk", r#"{"title": "buy milk"}"#).await?;
    let milk = todos.get("milk").await?; // in the shape of their newest version, whatever runs have made of it by then
    // README: end
    assert!(is_done);
    Ok(milk)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_readme_tells_those_who_embed_it_works_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let migrations = folder.path().join("migrations");
    std::fs::create_dir(&migrations).unwrap();
    let schema = r#"{"app": "todos", "version": "1.0.0",
        "operations": [{"create_collection": {"collection": "todos"}}]}"#;
    std::fs::write(migrations.join("todos.json"), schema).unwrap();
    let open = |schema: Option<&str>| {
        if let Some(schema) = schema {
            std::fs::write(migrations.join("todos-2.json"), schema).unwrap();
        }
        of_readme(folder.path().join("data"), migrations.clone())
    };
    let milk = open(None).await.unwrap().unwrap();
    assert_eq!(milk.version, version("1.0.0"));
    // Its next release.
    let schema = r#"{"app": "todos", "version": "2.0.0",
        "operations": [{"ensure_index": {"collection": "todos", "pointer": "/title"}}]}"#;
    let milk = open(Some(schema)).await.unwrap().unwrap();
    assert_eq!(milk.version, version("2.0.0"));

    let own = include_str!("embed.rs");
    let (_, own) = own.split_once("// README: begin\n").unwrap();
    let (own, _) = own.split_once("// README: end").unwrap();
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let readme = include_str!("../../README.md");
    assert!(
        squeezed(readme).contains(&squeezed(own)),
        "README says something else"
    );
}

//! What happens between a store's server and those who work on it: cuts, failures that are to be tried again, clocks that
//! differ, a standby that becomes the primary.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Name, RunId, RunState, Timestamp};
use godwit::plan::Goal;
use godwit::run::{Control, Observer, Quiet, RunEvent};
use godwit::store::{
    Claim, Holder, Lease, LeaseError, Memory, OpenMode, Postgres, Store, StoreError,
};
use godwit::{Surroundings, WorkOptions, Worked};
use godwit_tests::made::{Order, made, plain, rewrite};
use godwit_tests::postgres::{Bouncer, Proxy, Server, free_port};
use godwit_tests::world::{host, items, name, seed, small_batches, up};

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    let order = |version: &&str| Order::new("made", version).step(rewrite("apply", "items"));
    let orders: Vec<_> = ["2.0.0", "3.0.0"].iter().map(order).collect();
    made(&orders)
});

const ITEMS: usize = 600;

fn all() -> Vec<(String, String)> {
    (0..ITEMS).map(|n| plain(&format!("{n:04}"))).collect()
}

/// What is there when nobody disturbs it.
static EXPECTED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let host = host(Arc::new(Memory::new()), &CATALOGUE);
    seed(&host, "made", "items", &all());
    up(&host);
    items(host.store(), "items")
});

fn store(url: &str) -> Store {
    Store::new(Arc::new(Postgres::open(url, OpenMode::Create).unwrap())).unwrap()
}

/// A worker whose clock is wrong by so many milliseconds.
fn worker(url: &str, number: i64, wrong: i64) -> Host {
    let right = Surroundings::of_this_process();
    let clock = right.clock.clone();
    let surroundings = Surroundings {
        holder: Holder {
            name: format!("worker {number}"),
            process: None,
        },
        is_gone: Arc::new(|_| false),
        clock: Arc::new(move || {
            let now = i64::try_from(clock.now().0).unwrap();
            Timestamp(u64::try_from(now + wrong).unwrap())
        }),
        ..right
    };
    let mut host = Host::new(store(url), CATALOGUE.clone(), surroundings);
    host.options = small_batches(5, 1);
    host.lease_duration = 2_000;
    host
}

fn prepared(url: &str) {
    seed(&worker(url, 0, 0), "made", "items", &all());
}

/// Has workers work that are told where the store is, and how wrong their clocks are; gives how often they were overtaken.
fn work(workers: &[(&str, i64)], disturb: impl FnOnce(&AtomicBool) + Send) -> u64 {
    let fenced = Fenced::default();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let disturbing = scope.spawn(|| disturb(&is_over));
        let working: Vec<_> = workers
            .iter()
            .zip(0..)
            .map(|((url, wrong), number)| {
                let fenced = &fenced;
                scope.spawn(move || {
                    let host = worker(url, number, *wrong);
                    let options = WorkOptions {
                        stays: false,
                        range_items: 20,
                    };
                    let control = Control::default();
                    control.pace(|pacing| pacing.rest = Duration::from_millis(3));
                    host.work(&Goal::default(), &options, fenced, &control)
                })
            })
            .collect();
        for worker in working {
            let worked: Worked = worker.join().unwrap().unwrap();
            assert!(!worked.is_left);
        }
        is_over.store(true, Ordering::SeqCst);
        disturbing.join().unwrap();
    });
    fenced.0.load(Ordering::SeqCst)
}

#[derive(Default)]
struct Fenced(AtomicU64);

impl Observer for Fenced {
    fn event(&self, event: &RunEvent) {
        if matches!(event, RunEvent::Fenced { .. }) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn check(url: &str) {
    let store = store(url);
    assert_eq!(items(&store, "items"), *EXPECTED);
    let run = store.runs().unwrap().pop().unwrap();
    assert_eq!(run.state, RunState::Completed, "{run:?}");
    for stage in 0..2 {
        let step = godwit::run::step_number(stage, 0);
        assert_eq!(
            store.progress(run.id, step).unwrap().counts.updated,
            ITEMS as u64
        );
    }
}

#[test]
fn connections_may_be_cut_at_any_moment() {
    let server = Server::start();
    let url = server.url_of("cuts");
    prepared(&url);
    let proxy = Proxy::to(server.port());
    let by_way = proxy.url_of("cuts");
    work(&[(&by_way, 0), (&by_way, 0), (&url, 0)], |is_over| {
        let mut pause = 7;
        while !is_over.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20 + pause));
            pause = pause * 31 % 97;
            proxy.cut();
        }
    });
    check(&url);
}

#[test]
fn what_the_server_gives_up_is_tried_again() {
    let server = Server::start();
    let url = server.url_of("again");
    prepared(&url);
    server.psql(
        "CREATE FUNCTION again.give_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF random() < 0.1 THEN RAISE EXCEPTION 'as if' USING ERRCODE = '40001'; END IF;
            IF random() < 0.1 THEN RAISE EXCEPTION 'as if' USING ERRCODE = '40P01'; END IF;
            RETURN NULL; END $$;
        CREATE TRIGGER give_up AFTER INSERT OR UPDATE ON again.entries
            FOR EACH STATEMENT EXECUTE FUNCTION again.give_up();",
    );
    work(&[(&url, 0), (&url, 0)], |_| {});
    check(&url);
}

#[test]
fn clocks_that_are_an_hour_wrong_take_nothing_from_anybody() {
    let server = Server::start();
    let url = server.url_of("clocks");
    prepared(&url);
    let hour = 3_600_000;
    let fenced = work(&[(&url, 0), (&url, hour), (&url, -hour)], |_| {});
    assert_eq!(fenced, 0, "somebody was overtaken who had not stopped");
    check(&url);
}

#[test]
fn sessions_may_be_shared_by_a_pool_that_changes_hands_with_every_transaction() {
    let server = Server::start();
    let bouncer = Bouncer::before(&server);
    let url = bouncer.url_of("pooled");
    prepared(&url);
    work(&[(&url, 0), (&url, 0), (&url, 0), (&url, 0)], |_| {});
    check(&url);
}

/// Both servers, for those who look for the primary.
fn either(primary: &Server, standby: &Server) -> String {
    let (first, second) = (primary.port(), standby.port());
    format!(
        "postgres://godwit@127.0.0.1:{first},127.0.0.1:{second}/postgres?schema=failover&target_session_attrs=read-write"
    )
}

/// How many items of the run are read, as the store says.
fn read(store: &Store) -> u64 {
    let steps = (0..2).map(|stage| godwit::run::step_number(stage, 0));
    let counts = steps.map(|step| store.progress_in_all(RunId(1), step).unwrap().counts.read);
    counts.sum()
}

/// Has the primary end in the middle of a run, and the standby go on. Gives how many items were known to be done before, and how
/// many are when the standby begins.
fn failover(is_synchronous: bool) -> (u64, u64) {
    let waits = match is_synchronous {
        true => "synchronous_standby_names=standby",
        false => "synchronous_commit=local",
    };
    let mut primary = Server::start_with(&["fsync=off", "wal_keep_size=256MB", waits]);
    let standby = primary.standby("standby");
    let url = either(&primary, &standby);
    prepared(&url);
    let mut known = (0, 0);
    work(&[(&url, 0), (&url, 0)], |_| {
        let there = store(&primary.url_of("failover"));
        // What is read back was committed, and on the synchronous standby, too.
        let before = loop {
            let before = read(&there);
            if before > ITEMS as u64 / 3 {
                break before;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        primary.kill();
        standby.promote();
        known = (before, read(&store(&standby.url_of("failover"))));
    });
    check(&standby.url_of("failover"));
    known
}

#[test]
fn a_synchronous_standby_goes_on_with_everything_that_was_done() {
    let (before, after) = failover(true);
    assert!(after >= before, "{before} were done, and {after} are");
}

#[test]
fn an_asynchronous_standby_goes_on_with_what_it_has() {
    failover(false);
}

#[test]
fn a_number_that_is_given_out_again_after_a_failover_is_no_right() {
    let mut primary = Server::start();
    let url = primary.url_of("tokens");
    prepared(&url);
    let proxy = Proxy::to(primary.port());
    let old = store(&proxy.url_of("tokens"));
    let claim = |nonce| Claim {
        holder: Holder {
            name: format!("holder {nonce}"),
            process: None,
        },
        purpose: "up",
        duration: 60_000,
        nonce,
        is_gone: &|_| false,
    };
    // It is not told to the copy any more that somebody takes the lease.
    let cable = Proxy::to(primary.port());
    let copy = Server::following("copy", cable.port());
    cable.switch(free_port());
    let clock = || Timestamp(1_700_000_000_000);
    let mut stale = Lease::acquire(&old, &clock, &claim(1)).unwrap();
    primary.kill();
    copy.promote();
    let new = store(&copy.url_of("tokens"));
    let fresh = Lease::acquire(&new, &clock, &claim(2)).unwrap();
    proxy.switch(copy.port());
    let notes: Name = name("items");
    for _ in 0..20 {
        let mut write = old.write(RunId(1), None);
        write
            .change_collection(&notes, |record| record.opaque = true)
            .unwrap();
        let refused = write.commit(&mut stale, clock());
        assert!(
            matches!(refused, Err(LeaseError::Lost { .. })),
            "{refused:?}"
        );
    }
    assert!(!new.collection(&notes).unwrap().unwrap().opaque);
    fresh.release(&new).unwrap();
}

#[test]
fn a_server_that_is_gone_is_said_to_be() {
    let mut server = Server::start();
    let url = server.url_of("gone");
    prepared(&url);
    let host = worker(&url, 0, 0);
    server.kill();
    let error = host
        .up(&Goal::default(), &Quiet, &Control::default())
        .unwrap_err();
    let text = godwit::with_causes(&error);
    assert!(
        text.contains("failed for the store at postgres://"),
        "{text}"
    );
    assert!(
        matches!(error, godwit::HostError::Store(StoreError::Failed { .. })),
        "{text}"
    );
    server.restart();
    host.up(&Goal::default(), &Quiet, &Control::default())
        .unwrap();
    check(&url);
}

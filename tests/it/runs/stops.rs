//! Whoever asks a run to stop loses nothing; it goes on where it was.

use std::sync::{Arc, LazyLock};

use godwit::catalogue::Catalogue;
use godwit::model::RunState;
use godwit::plan::Goal;
use godwit::run::{ChangedItems, Control, Quiet};
use godwit::store::{Backend, Memory};
use godwit_tests::world::{
    StopAfter, catalogue_with, data, dump, host, of_each_kind, seed, small_batches, up_accepting,
};

const INDEX: &str = r#"{"app": "append", "version": "2.5.0", "operations": [
    {"ensure_index": {"collection": "items", "pointer": "/n"}}]}"#;

fn some_items() -> Vec<(String, String)> {
    let kind = |n: usize| match n % 11 {
        3 => r#","remove":true"#,
        5 => r#","tally":true"#,
        7 if n.is_multiple_of(2) => r#","panic":true,"tally":true"#,
        _ => "",
    };
    let item = |n: usize| {
        let id = format!("{n:03}");
        let body = format!(r#"{{"_id":"{id}","n":{}{}}}"#, n % 5, kind(n));
        (id, body)
    };
    (0..90).map(item).collect()
}

static CATALOGUE: LazyLock<Arc<Catalogue>> =
    LazyLock::new(|| catalogue_with(&["append-2-0-0", "append-3-0-0"], &[INDEX]));

fn operate(backend: &Arc<dyn Backend>, stop_after: Option<u64>, threads: usize) -> u32 {
    let mut host = host(backend.clone(), &CATALOGUE);
    host.options = small_batches(8, threads);
    seed(&host, "append", "items", &some_items());
    let mut stopped = 0;
    while let Some(after) = stop_after {
        let observer = StopAfter::new(after);
        let before = stopped;
        let report = host
            .up(&Goal::default(), &observer, &observer.control)
            .unwrap()
            .pop();
        if report.is_some_and(|report| report.run.state == RunState::Stopped) {
            stopped += 1;
            assert!(stopped < 100, "it does not come to an end");
        }
        if stopped == before {
            break;
        }
    }
    up_accepting(&host, &Quiet);
    stopped
}

#[test]
fn a_run_that_is_stopped_again_and_again_ends_the_same() {
    let undisturbed: Arc<dyn Backend> = Arc::new(Memory::new());
    assert_eq!(operate(&undisturbed, None, 1), 0);
    for (after, threads) in [(1, 1), (1, 4), (2, 2), (5, 1), (5, 3)] {
        let backend: Arc<dyn Backend> = Arc::new(Memory::new());
        let stopped = operate(&backend, Some(after), threads);
        assert!(stopped >= 2, "it was stopped {stopped} times");
        assert_eq!(
            dump(&*backend),
            dump(&*undisturbed),
            "after {after} batches, {threads} threads"
        );
    }
}

#[test]
fn a_run_that_is_asked_to_stop_before_it_starts_does_nothing() {
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let host = host(backend.clone(), &CATALOGUE);
    seed(&host, "append", "items", &some_items());
    let before = data(&*backend);
    let control = Control::default();
    control.stop();
    let reports = host.up(&Goal::default(), &Quiet, &control).unwrap();
    assert_eq!(reports[0].run.state, RunState::Stopped);
    let mut after = data(&*backend);
    // The collection's mark of being rewritten is there already.
    after.retain(|line| !line.starts_with('Z'));
    assert_eq!(after, before);
}

#[test]
fn every_store_holds_the_same_after_a_stop_and_after_the_way_back() {
    let mut expected: Option<[Vec<String>; 3]> = None;
    for (backend, _folder) in of_each_kind() {
        let mut host = host(backend.clone(), &CATALOGUE);
        host.options = small_batches(8, 1);
        seed(&host, "append", "items", &some_items());
        let before = data(&*backend);
        let observer = StopAfter::new(4);
        host.up(&Goal::default(), &observer, &observer.control)
            .unwrap();
        let stopped = data(&*backend);
        up_accepting(&host, &Quiet);
        let done = dump(&*backend);
        let run = host.store().runs().unwrap()[0].id;
        host.undo(run, ChangedItems::Refuse, &Quiet, &Control::default())
            .unwrap();
        assert_eq!(data(&*backend), before);
        let found = [stopped, done, dump(&*backend)];
        let expected = expected.get_or_insert_with(|| found.clone());
        assert_eq!(found, *expected, "{}", backend.url());
    }
}

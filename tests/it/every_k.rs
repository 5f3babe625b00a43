//! Exactly once: whatever operation of the store fails, once or from then on, with or without effect,
//! also while a run goes on after a failure, the end is that of a run that was never disturbed. The
//! guest is not idempotent: it appends to a list, and counts in a document of another collection.

use std::sync::Arc;

use godwit::HostError;
use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::plan::Goal;
use godwit::run::{ChangedItems, Control, Quiet};
use godwit::store::{Backend, Memory};
use godwit_tests::faulty::{Failing, Faulty, Outcome};
use godwit_tests::world::{catalogue_with, dump, host, name, seed, small_batches, version};

const INDEX: &str = r#"{"app": "append", "version": "2.5.0", "operations": [
    {"ensure_index": {"collection": "items", "pointer": "/n"}},
    {"create_collection": {"collection": "empty"}}]}"#;

/// Some hundred items of every kind: most are appended to, some fail, trap, are removed, kept, or
/// counted.
fn some_items() -> Vec<(String, String)> {
    let kind = |n: usize| match n % 20 {
        3 => r#","bad":true"#,
        7 => r#","remove":true"#,
        11 => r#","keep":true"#,
        13 | 17 => r#","tally":true"#,
        19 if n.is_multiple_of(3) => r#","tally":true,"bad":true"#,
        _ => "",
    };
    let item = |n: usize| {
        (
            format!("{n:04}"),
            format!(r#"{{"_id":"{n:04}","n":{}{}}}"#, n % 7, kind(n)),
        )
    };
    (0..120).map(item).collect()
}

struct Trial {
    catalogue: Arc<Catalogue>,
    batch: usize,
}

impl Trial {
    fn new(batch: usize) -> Self {
        Self {
            catalogue: catalogue_with(&["append-2-0-0", "append-3-0-0"], &[INDEX]),
            batch,
        }
    }

    fn host(&self, backend: Arc<dyn Backend>) -> Result<Host, HostError> {
        let store = godwit::store::Store::new(backend)?;
        let surroundings = godwit_tests::world::surroundings();
        let mut host = Host::new(store, self.catalogue.clone(), surroundings);
        host.options = small_batches(self.batch, 1);
        host.options.max_failures = "50%".parse().expect("it is a share");
        Ok(host)
    }

    fn seeded(&self) -> Arc<Memory> {
        let backend = Arc::new(Memory::new());
        seed(
            &host(backend.clone(), &self.catalogue),
            "append",
            "items",
            &some_items(),
        );
        backend
    }

    fn operate(&self, backend: Arc<dyn Backend>) -> Result<(), HostError> {
        operate(&self.host(backend)?)
    }

    fn undo(&self, backend: Arc<dyn Backend>) -> Result<(), HostError> {
        let host = self.host(backend)?;
        let run = godwit::model::RunId(1);
        host.undo(run, ChangedItems::Refuse, &Quiet, &Control::default())
            .map(|_| ())
    }
}

/// Everything that an operator does until the apps are up to date: up, accept what failed, and again.
pub(crate) fn operate(host: &Host) -> Result<(), HostError> {
    loop {
        let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
        if reports.last().is_none_or(|report| report.open == 0) {
            return Ok(());
        }
        let mut open = Vec::new();
        host.quarantine(false, &mut |collection, id, _| {
            open.push((collection.clone(), id.to_owned()));
        })?;
        host.accept(&open)?;
    }
}

/// Goes on after a failure, in a new host over the same store, until nothing fails any more.
fn insist(mut attempt: impl FnMut(u32) -> Result<(), HostError>) {
    for number in 0..10 {
        match attempt(number) {
            Ok(()) => return,
            Err(HostError::Store(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it does not come to an end");
}

pub(crate) fn every_k(
    work: impl Fn(Arc<dyn Backend>) -> Result<(), HostError>,
    start: impl Fn() -> Arc<Memory>,
    step: usize,
) -> u64 {
    every_k_seen(work, start, step, |_| true)
}

/// The same, where not every line of the dump is the same whatever happens.
pub(crate) fn every_k_seen(
    work: impl Fn(Arc<dyn Backend>) -> Result<(), HostError>,
    start: impl Fn() -> Arc<Memory>,
    step: usize,
    is_seen: impl Fn(&str) -> bool,
) -> u64 {
    let dump = |backend: &Memory| {
        let mut lines = dump(backend);
        lines.retain(|line| is_seen(line));
        lines
    };
    let undisturbed = start();
    let counter = Arc::new(Faulty::new(
        undisturbed.clone(),
        u64::MAX,
        Failing::Once,
        Outcome::Nothing,
    ));
    work(counter.clone()).expect("nothing fails");
    let expected = dump(&undisturbed);
    let operations = counter.operations();
    let modes = [
        (Failing::Once, Outcome::Nothing),
        (Failing::Once, Outcome::Everything),
        (Failing::FromThenOn, Outcome::Nothing),
        (Failing::FromThenOn, Outcome::Everything),
    ];
    for k in (0..operations).step_by(step) {
        for (failing, outcome) in modes {
            let backend = start();
            // The first attempt fails at the k-th operation, the second one, which goes on, at
            // another one; the third one is left alone.
            insist(|attempt| {
                let at = match attempt {
                    0 => k,
                    1 => (k * 7 + 3) % 40,
                    _ => u64::MAX,
                };
                work(Arc::new(Faulty::new(backend.clone(), at, failing, outcome)))
            });
            let found = dump(&backend);
            let only = |these: &[String], those: &[String]| {
                let only = these.iter().filter(|line| !those.contains(line));
                only.cloned().collect::<Vec<_>>()
            };
            let (more, fewer) = (only(&found, &expected), only(&expected, &found));
            assert!(
                found == expected,
                "k = {k}, {failing:?}, {outcome:?}: there is {more:#?} instead of {fewer:#?}"
            );
        }
    }
    operations
}

#[test]
fn a_run_ends_the_same_whichever_operation_fails() {
    let trial = Trial::new(13);
    let operations = every_k(|backend| trial.operate(backend), || trial.seeded(), 1);
    assert!(
        operations > 300,
        "{operations} operations are too few to mean anything"
    );
}

#[test]
fn an_undo_ends_the_same_whichever_operation_fails() {
    let trial = Trial::new(50);
    let migrated = || {
        let backend = trial.seeded();
        trial.operate(backend.clone()).expect("nothing fails");
        backend
    };
    let operations = every_k(|backend| trial.undo(backend), migrated, 1);
    assert!(
        operations > 20,
        "{operations} operations are too few to mean anything"
    );
}

#[test]
fn an_undo_puts_everything_back() {
    let trial = Trial::new(13);
    let backend = trial.seeded();
    let is_data = |line: &String| line.starts_with(['D', 'I', 'N', 'X', 'Z']);
    let data = |backend: &Memory| {
        dump(backend)
            .into_iter()
            .filter(is_data)
            .collect::<Vec<_>>()
    };
    let before = data(&backend);
    trial.operate(backend.clone()).expect("nothing fails");
    assert_ne!(data(&backend), before);
    trial.undo(backend.clone()).expect("it can be undone");
    // Tallies of collections that are gone are gone, too.
    assert_eq!(data(&backend), before);
    let host = trial.host(backend).expect("the store works");
    let collections = host.store().collections().expect("the store works");
    assert_eq!(collections.keys().collect::<Vec<_>>(), [&name("items")]);
    assert_eq!(collections["items"].level, Some(version("1.0.0")));
    assert!(collections["items"].indexes.is_empty());
}

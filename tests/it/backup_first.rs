//! Runs without pre-images, and the backup that is made before them: the result is that of any other run, whatever fails on
//! the way, and the backup leads back to where it began.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Purpose, Retreat, Run, RunId, RunState};
use godwit::plan::{Goal, Kind};
use godwit::run::{ChangedItems, Control, Observer, Options, Quiet, Report, RunEvent, prune};
use godwit::store::{Backend, Backup, BackupError, Memory, Store};
use godwit::{BackupFirst, BackupWhen, DownGoal, DryGoal, HostError};
use godwit_tests::faulty::{Failing, Faulty, Outcome};
use godwit_tests::made::{Order, derive, doing, doing_all, made, made_for, plain, rewrite};
use godwit_tests::world::{
    ENGINE, Listener, StopAfter, catalogue_with, data, dump, host, items, name, of_each_kind,
    quarantined, seed, small_batches, surroundings, up, up_accepting, version,
};
use serde_json::json;
use tempfile::TempDir;

use crate::every_k::{every_k, operate};

const WHEN: [BackupWhen; 3] = [BackupWhen::Auto, BackupWhen::Always, BackupWhen::Never];

/// Steps that may go in one pass, one that derives, and one that writes its own collection.
fn orders() -> Vec<Order> {
    let order = |version: &str| Order::new("made", version).step(rewrite("apply", "items"));
    vec![
        order("2.0.0"),
        order("3.0.0"),
        order("4.0.0").step(derive("look", "items", "notes")),
    ]
}

/// Items of every kind. Several count in one document; others make documents, half of which go again.
fn some_items() -> Vec<(String, String)> {
    let item = |n: usize| {
        let id = format!("{n:03}");
        let count = json!([["count", "notes", "total"]]);
        match n % 10 {
            1 => doing(&id, "2.0.0/apply", json!([["remove"]])),
            2 => doing(&id, "3.0.0/apply", json!([["keep"]])),
            3 | 4 => doing(&id, "4.0.0/look", count),
            5 => doing(
                &id,
                "4.0.0/look",
                json!([["put", "notes", id, {"_id": id}]]),
            ),
            8 => doing(
                &id,
                "4.0.0/look",
                json!([["delete", "notes", format!("{:03}", n - 3)]]),
            ),
            6 if n > 30 => doing(&id, "3.0.0/apply", json!([["fail", "bad"]])),
            7 if n > 50 => doing_all(&id, json!({"4.0.0/look": [["panic"]]})),
            _ => plain(&id),
        }
    };
    (0..80).map(item).collect()
}

fn catalogue() -> Arc<Catalogue> {
    made(&orders())
}

fn options(pre_images: bool) -> Options {
    Options {
        pre_images,
        max_failures: "50%".parse().expect("it is a share"),
        ..small_batches(7, 2)
    }
}

fn seeded(backend: Arc<dyn Backend>, pre_images: bool) -> Host {
    let mut host = host(backend, &catalogue());
    host.options = options(pre_images);
    seed(&host, "made", "items", &some_items());
    host
}

fn first(when: BackupWhen, file: PathBuf) -> BackupFirst {
    BackupFirst {
        when,
        file: Some(file),
        folder: None,
    }
}

fn carried_out(host: &Host) -> Result<Vec<Report>, HostError> {
    host.up(&Goal::default(), &Quiet, &Control::default())
}

fn runs(host: &Host) -> Vec<Run> {
    host.store().runs().expect("the store works")
}

fn restored(file: &Path) -> Arc<Memory> {
    let copy = Arc::new(Memory::new());
    let backup = Backup::open(file).expect("it is a backup");
    let restored = backup.restore_into(&*copy, &mut |_| ControlFlow::Continue(()));
    restored.expect("it is whole");
    copy
}

/// Lines of some kinds of keys.
fn lines(backend: &dyn Backend, kinds: &[char]) -> Vec<String> {
    let mut lines = dump(backend);
    lines.retain(|line| line.starts_with(kinds));
    lines
}

/// Everything but pre-images, and but for what a run's record says of them.
fn result(host: &Host) -> Vec<String> {
    let mut result = lines(host.store().backend(), &['C', 'D', 'H', 'I', 'K', 'N', 'X']);
    result.extend(items(host.store(), "items"));
    result.extend(items(host.store(), "notes"));
    result
}

#[test]
fn a_backup_is_made_where_it_is_asked_for_or_nothing_else_takes_the_run_back() {
    let folder = TempDir::new().unwrap();
    for (place, when) in WHEN.into_iter().enumerate() {
        for pre_images in [true, false] {
            for (kind, (backend, _folder)) in of_each_kind().into_iter().enumerate() {
                let mut host = seeded(backend.clone(), pre_images);
                let file = folder.path().join(format!("{place}-{pre_images}-{kind}"));
                host.backup_first = first(when, file.clone());
                let (before, digests) = (dump(&*backend), host.digests(&[]).unwrap());
                let listener = Listener::default();
                up_accepting(&host, &listener);

                let expected = match (when, pre_images) {
                    (BackupWhen::Always, _) | (BackupWhen::Auto, false) => true,
                    (BackupWhen::Auto, true) | (BackupWhen::Never, _) => false,
                };
                assert_eq!(file.exists(), expected, "{when:?}, {pre_images}");
                let run = &runs(&host)[0];
                assert_eq!(run.state, RunState::Completed);
                assert_eq!(run.backup.is_some(), expected);
                let kept = (run.keeps_pre_images, run.has_pre_images);
                assert_eq!(kept, (pre_images, pre_images));
                let retreat = match (pre_images, &run.backup) {
                    (true, _) => Some(Retreat::Undo(RunId(1))),
                    (false, Some(file)) => Some(Retreat::Restore(file.clone())),
                    (false, None) => None,
                };
                assert_eq!(run.retreat(), retreat);
                let said = listener.said();
                let at = |kind: &str| said.iter().position(|event| event.starts_with(kind));
                assert_eq!(at("BackedUp").is_some(), expected);
                if expected {
                    assert!(at("BackedUp") < at("Started"), "{said:?}");
                    let copy = restored(&file);
                    assert_eq!(dump(&*copy), before, "it is of before the run");
                    let copy = self::host(copy, &catalogue());
                    assert_eq!(copy.digests(&[]).unwrap(), digests);
                }
                let kept = lines(&*backend, &['Z']);
                assert_eq!(kept.is_empty(), !pre_images, "{} are kept", kept.len());
            }
        }
    }
}

#[test]
fn the_result_is_that_of_a_run_with_pre_images() {
    let trial = |pre_images: bool, fused_steps: usize, batch: usize, threads: usize| {
        let mut host = seeded(Arc::new(Memory::new()), pre_images);
        host.options = Options {
            fused_steps,
            batch_items: batch,
            threads,
            ..options(pre_images)
        };
        host.backup_first.when = BackupWhen::Never;
        let reports = up_accepting(&host, &Quiet);
        let steps = reports.last().expect("there is a run").steps.clone();
        assert!(steps.iter().any(|step| step.counts.written > 0));
        assert!(steps.iter().any(|step| step.counts.failed > 0));
        (result(&host), steps)
    };
    for (fused_steps, batch, threads) in [(1, 1, 1), (1, 7, 2), (8, 7, 1), (8, 3, 3), (8, 200, 2)] {
        let found = trial(false, fused_steps, batch, threads);
        let expected = trial(true, fused_steps, batch, threads);
        assert_eq!(found, expected, "{fused_steps}, {batch}, {threads}");
    }
}

/// A guest that is not idempotent, with an index, a document that many count in, and a collection of its own.
fn appending() -> Arc<Catalogue> {
    let index = r#"{"app": "append", "version": "2.5.0", "operations": [
        {"ensure_index": {"collection": "items", "pointer": "/n"}},
        {"create_collection": {"collection": "empty"}}]}"#;
    catalogue_with(&["append-2-0-0", "append-3-0-0"], &[index])
}

fn to_append() -> Vec<(String, String)> {
    let item = |n: usize| {
        let kind = match n % 10 {
            3 => r#","bad":true"#,
            5 => r#","remove":true"#,
            7 | 9 => r#","tally":true"#,
            _ => "",
        };
        (
            format!("{n:03}"),
            format!(r#"{{"_id":"{n:03}","n":{}{kind}}}"#, n % 7),
        )
    };
    (0..60).map(item).collect()
}

#[test]
fn a_run_ends_the_same_whichever_operation_fails() {
    let folder = TempDir::new().unwrap();
    let attempts = AtomicU64::new(0);
    let catalogue = appending();
    let start = || {
        let backend = Arc::new(Memory::new());
        seed(
            &host(backend.clone(), &catalogue),
            "append",
            "items",
            &to_append(),
        );
        backend
    };
    let work = |backend: Arc<dyn Backend>| -> Result<(), HostError> {
        let mut host = Host::new(Store::new(backend)?, catalogue.clone(), surroundings());
        host.options = Options {
            batch_items: 13,
            threads: 1,
            ..options(false)
        };
        // The run notes the name, which is the same in every attempt.
        let attempt = attempts.fetch_add(1, Ordering::Relaxed).to_string();
        host.backup_first = BackupFirst {
            when: BackupWhen::Auto,
            file: None,
            folder: Some(folder.path().join(attempt)),
        };
        operate(&host)
    };
    let operations = every_k(work, start, 1);
    assert!(operations > 150, "{operations} operations are too few");
    let with = start();
    let mut host = host(with.clone(), &catalogue);
    host.options = options(true);
    operate(&host).unwrap();
    let without = start();
    work(without.clone()).unwrap();
    let kinds = ['C', 'D', 'H', 'I', 'K', 'N', 'X'];
    assert_eq!(lines(&*without, &kinds), lines(&*with, &kinds));
    assert!(lines(&*without, &['Z']).is_empty());
}

#[test]
fn steps_in_one_pass_end_the_same_whichever_operation_fails() {
    let start = || {
        let backend = Arc::new(Memory::new());
        seed(
            &host(backend.clone(), &catalogue()),
            "made",
            "items",
            &some_items(),
        );
        backend
    };
    let work = |backend: Arc<dyn Backend>| -> Result<(), HostError> {
        let mut host = Host::new(Store::new(backend)?, catalogue(), surroundings());
        host.options = Options {
            batch_items: 13,
            threads: 1,
            ..options(false)
        };
        host.backup_first.when = BackupWhen::Never;
        operate(&host)
    };
    let operations = every_k(work, start, 3);
    assert!(operations > 100, "{operations} operations are too few");
}

#[test]
fn whoever_is_killed_behind_the_backup_leaves_the_backup_alone() {
    let folder = TempDir::new().unwrap();
    let mut alone = 0;
    for k in 0..80 {
        let backend = Arc::new(Memory::new());
        seeded(backend.clone(), false);
        let before = dump(&*backend);
        let file = folder.path().join(format!("{k}"));
        let faulty = Faulty::new(backend.clone(), k, Failing::FromThenOn, Outcome::Nothing);
        let Ok(store) = Store::new(Arc::new(faulty)) else {
            continue;
        };
        let mut host = Host::new(store, catalogue(), surroundings());
        host.options = options(false);
        host.backup_first = first(BackupWhen::Auto, file.clone());
        let error = carried_out(&host).expect_err("the store fails");
        assert!(matches!(error, HostError::Store(_)), "{error}");
        let host = self::host(backend.clone(), &catalogue());
        if file.exists() && runs(&host).is_empty() {
            alone += 1;
            assert_eq!(dump(&*backend), before);
            assert_eq!(dump(&*restored(&file)), before);
        } else if !file.exists() {
            assert!(
                runs(&host).is_empty(),
                "no run is started without its backup"
            );
        }
        let drafts = std::fs::read_dir(folder.path()).unwrap();
        let drafts = drafts.map(|entry| entry.unwrap().file_name());
        let drafts = drafts.filter(|name| name.to_string_lossy().starts_with('.'));
        assert_eq!(drafts.count(), 0, "half a backup is of no use");
    }
    assert!(alone > 0, "none was killed in between");
}

#[test]
fn a_run_that_goes_on_makes_no_other_backup() {
    let folder = TempDir::new().unwrap();
    let mut host = seeded(Arc::new(Memory::new()), false);
    host.backup_first = first(BackupWhen::Auto, folder.path().join("one"));
    let observer = StopAfter::new(2);
    let stopped = host.up(&Goal::default(), &observer, &observer.control);
    assert_eq!(stopped.unwrap()[0].run.state, RunState::Stopped);
    // Whatever is wished for by now: the run stays with what it began with.
    for (when, pre_images) in [(BackupWhen::Always, true), (BackupWhen::Auto, false)] {
        host.options.pre_images = pre_images;
        host.backup_first = first(when, folder.path().join("two"));
        up_accepting(&host, &Quiet);
    }
    assert!(!folder.path().join("two").exists());
    let [run] = &runs(&host)[..] else {
        panic!("there is one run");
    };
    assert_eq!(run.backup.as_deref(), Some("one"));
    assert!(!run.keeps_pre_images && lines(host.store().backend(), &['Z']).is_empty());
    // And one that began with pre-images keeps them.
    let mut host = seeded(Arc::new(Memory::new()), true);
    let observer = StopAfter::new(2);
    let before = data(host.store().backend());
    host.up(&Goal::default(), &observer, &observer.control)
        .unwrap();
    host.options.pre_images = false;
    host.backup_first = first(BackupWhen::Auto, folder.path().join("three"));
    up_accepting(&host, &Quiet);
    assert!(!folder.path().join("three").exists());
    let undone = host.undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default());
    assert!(undone.unwrap().done);
    assert_eq!(data(host.store().backend()), before);
}

/// While a run goes on, it is noted which documents a step has written, so that they are counted once; not what they were.
#[test]
fn what_is_noted_to_count_by_has_no_bodies_and_goes_in_the_end() {
    let mut host = seeded(Arc::new(Memory::new()), false);
    host.backup_first.when = BackupWhen::Never;
    let blocked = carried_out(&host).unwrap();
    assert_eq!(blocked[0].run.state, RunState::Blocked);
    while carried_out(&host)
        .unwrap()
        .last()
        .is_some_and(|report| report.open > 0)
    {
        let noted = lines(host.store().backend(), &['Z']);
        assert!(
            noted.iter().all(|line| line.contains("Dnotes")),
            "{noted:?}"
        );
        assert!(noted.iter().all(|line| !line.contains('{')), "{noted:?}");
        let run = runs(&host).pop().unwrap();
        let mut lease = host.lease("prune").unwrap();
        let clock = &*host.surroundings().clock;
        assert_eq!(prune(host.store(), &mut lease, clock, run.id).unwrap(), 0);
        lease.release(host.store()).unwrap();
        assert_eq!(lines(host.store().backend(), &['Z']), noted, "it is needed");
        host.accept(&quarantined(&host)).unwrap();
    }
    assert!(lines(host.store().backend(), &['Z']).is_empty());
}

#[test]
fn an_undo_is_refused_with_the_command_that_leads_back() {
    let folder = TempDir::new().unwrap();
    let undo = |host: &Host, run: u64| {
        let before = dump(host.store().backend());
        let undone = host.undo(
            RunId(run),
            ChangedItems::Refuse,
            &Quiet,
            &Control::default(),
        );
        let error = undone.expect_err("there are no pre-images").to_string();
        assert_eq!(dump(host.store().backend()), before, "nothing was changed");
        error
    };
    let to = |host: &Host, to: &str| {
        let goal = Goal {
            app: Some(name("append")),
            to: Some(version(to)),
            phase: None,
        };
        host.up(&goal, &Quiet, &Control::default()).unwrap();
    };
    let good = vec![("a".to_owned(), r#"{"_id":"a","n":1}"#.to_owned())];
    for when in [BackupWhen::Auto, BackupWhen::Never] {
        let mut host = host(Arc::new(Memory::new()), &appending());
        seed(&host, "append", "items", &good);
        to(&host, "2.0.0");
        host.options.pre_images = false;
        host.backup_first = first(when, folder.path().join("two.godwit"));
        to(&host, "2.5.0");
        let (own, later) = match when {
            BackupWhen::Auto => (
                "run 2 cannot be undone: it kept no pre-images; `godwit backup restore two.godwit` puts the whole \
                 store back as it was before it",
                "run 1 cannot be undone: run 2 came after it, and has no pre-images; `godwit backup restore two.godwit` \
                 puts the whole store back as it was before that one",
            ),
            _ => (
                "run 2 cannot be undone: it kept no pre-images",
                "run 1 cannot be undone: run 2 came after it, and has neither pre-images nor a backup",
            ),
        };
        assert_eq!(undo(&host, 2), own);
        assert_eq!(undo(&host, 1), later);
        assert_eq!(host.prune(&[RunId(2)]).unwrap(), 0);
        // What was planned says so, too.
        let goal = Goal {
            app: Some(name("append")),
            to: Some(version("2.0.0")),
            phase: None,
        };
        let planned = host.plan(&goal).unwrap();
        let below = planned
            .findings
            .iter()
            .find(|found| found.kind() == Kind::Target);
        let way_out = below.expect("it lies below").way_out();
        assert!(!way_out.contains("godwit undo"), "{way_out}");
        let restores = way_out.contains("godwit backup restore two.godwit");
        assert_eq!(restores, when == BackupWhen::Auto, "{way_out}");
    }
}

#[test]
fn retries_single_items_and_ways_back_keep_pre_images_in_any_case() {
    let mut host = seeded(Arc::new(Memory::new()), false);
    host.backup_first.when = BackupWhen::Never;
    carried_out(&host).unwrap();
    let before = data(host.store().backend());
    let retried = host.retry(None, &Quiet, &Control::default()).unwrap();
    assert!(retried[0].run.keeps_pre_images && retried[0].run.backup.is_none());
    let undone = host.undo(
        retried[0].run.id,
        ChangedItems::Refuse,
        &Quiet,
        &Control::default(),
    );
    assert!(undone.unwrap().done);
    assert_eq!(data(host.store().backend()), before);

    let mut host = seeded(Arc::new(Memory::new()), false);
    host.backup_first.when = BackupWhen::Never;
    let one = host.up_item(&name("items"), "000", None, &Quiet, &Control::default());
    let run = one.unwrap().expect("it is behind").run;
    assert!(run.keeps_pre_images && run.purpose == Purpose::Item);

    let both_ways = made_for(
        &ENGINE,
        "both-ways-2-0-0",
        &[Order::new("made", "2.0.0").step(rewrite("apply", "items"))],
    );
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let mut host = self::host(backend, &both_ways);
    host.options.pre_images = false;
    host.backup_first.when = BackupWhen::Never;
    seed(&host, "made", "items", &[plain("a"), plain("b")]);
    up(&host);
    let before = data(host.store().backend());
    let goal = DownGoal {
        app: name("made"),
        to: version("1.0.0"),
    };
    let down = host
        .down(&goal, &Quiet, &Control::default())
        .unwrap()
        .expect("it goes down");
    assert!(down.run.keeps_pre_images);
    let undone = host.undo(
        down.run.id,
        ChangedItems::Refuse,
        &Quiet,
        &Control::default(),
    );
    assert!(undone.unwrap().done);
    assert_eq!(data(host.store().backend()), before);
}

#[test]
fn a_dry_run_shows_the_same_changes_and_makes_no_backup() {
    let folder = TempDir::new().unwrap();
    let changes = |pre_images: bool| {
        let mut host = seeded(Arc::new(Memory::new()), pre_images);
        host.backup_first = first(BackupWhen::Always, folder.path().join("none"));
        let scratch: Arc<dyn Backend> = Arc::new(Memory::new());
        let goal = DryGoal::Apps(Goal::default());
        let dry = host
            .dry_run(scratch, &goal, &Quiet, &Control::default())
            .unwrap();
        let mut changes = Vec::new();
        dry.each_change(&mut |change| {
            changes.push(change.clone());
            ControlFlow::Continue(())
        })
        .unwrap();
        changes
    };
    assert!(changes(true).len() > 20);
    assert_eq!(changes(false), changes(true));
    assert!(!folder.path().join("none").exists());
}

#[test]
fn no_run_is_started_without_the_backup_that_it_needs() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "is no folder").unwrap();
    let backend: Arc<dyn Backend> = Arc::new(Memory::new());
    let mut host = seeded(backend.clone(), false);
    let before = dump(&*backend);
    let none = folder.path().join("none");
    let cases = [
        (None, Some(file.join("backups")), "failed"),
        (Some(file), None, "exists"),
        (Some(none.join("backup")), None, "no folder"),
        (None, None, "no place"),
    ];
    for (file, folder, what) in cases {
        (host.backup_first.file, host.backup_first.folder) = (file, folder);
        let error = carried_out(&host).expect_err(what);
        let is_expected = match what {
            "failed" => matches!(error, HostError::BackupFirst(BackupError::Failed { .. })),
            "exists" => matches!(error, HostError::BackupFirst(BackupError::Exists(_))),
            "no folder" => matches!(error, HostError::BackupFirst(BackupError::NoFolder(_))),
            _ => matches!(error, HostError::NoPlaceForBackup { .. }),
        };
        assert!(is_expected, "{what}: {error:?}");
        assert_eq!(dump(&*backend), before, "{what}: nothing was changed");
        assert!(!none.exists(), "{what}");
    }
}

/// A host that lives for long starts many runs, and time stands still here.
#[test]
fn each_run_has_a_backup_of_its_own_in_a_folder() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("made");
    let mut names = Vec::new();
    for _ in 0..2 {
        let mut host = seeded(Arc::new(Memory::new()), false);
        host.backup_first.folder = Some(place.clone());
        let before = dump(host.store().backend());
        up_accepting(&host, &Quiet);
        let name = runs(&host)[0].backup.clone().expect("it is noted");
        assert_eq!(dump(&*restored(&place.join(&name))), before);
        names.push(name);
    }
    assert_eq!(names[0].replace(".godwit", "_2.godwit"), names[1]);
}

/// Asks to stop once the store is being backed up.
struct StopInBackup(Control);

impl Observer for StopInBackup {
    fn event(&self, event: &RunEvent) {
        if matches!(event, RunEvent::BackingUp { .. }) {
            self.0.stop();
        }
    }
}

#[test]
fn a_backup_that_is_stopped_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let mut host = seeded(Arc::new(Memory::new()), false);
    host.backup_first = first(BackupWhen::Auto, folder.path().join("stopped"));
    let before = dump(host.store().backend());
    let observer = StopInBackup(Control::default());
    let error = host.up(&Goal::default(), &observer, &observer.0);
    let error = error.expect_err("it was stopped");
    assert!(
        matches!(error, HostError::Backup(BackupError::Stopped)),
        "{error:?}"
    );
    assert_eq!(dump(host.store().backend()), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A store that an older Godwit has written says nothing of what came later.
#[test]
fn runs_of_before_this_could_be_chosen_keep_pre_images() {
    let host = seeded(Arc::new(Memory::new()), true);
    up_accepting(&host, &Quiet);
    let [run] = &runs(&host)[..] else {
        panic!("there is one run");
    };
    let mut record = serde_json::to_value(run).unwrap();
    let record = record.as_object_mut().unwrap();
    for member in ["keeps_pre_images", "backup"] {
        assert!(
            !record.contains_key(member),
            "what is as it was says nothing"
        );
    }
    let read: Run = serde_json::from_value(record.clone().into()).unwrap();
    assert_eq!(read, *run);
}

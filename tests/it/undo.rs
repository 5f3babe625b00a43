//! The way back: what a run changed is put back byte for byte, and nothing else is touched.

mod indexes;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use godwit::blocking::Host;
use godwit::model::{RunId, RunState, Timestamp};
use godwit::plan::{Goal, Kind};
use godwit::run::{ChangedItems, Control, Observer, Quiet, RunError, RunEvent};
use godwit::store::{Backend, Memory, Store};
use godwit::{HostError, Surroundings};
use godwit_tests::made::{Order, derive, doing, doing_all, made, plain, rewrite};
use godwit_tests::world::{
    StopAfter, catalogue, data, dump, features, host, import, items, name, of_each_kind, seed,
    small_batches, surroundings, up, up_accepting, version,
};
use serde_json::json;

fn orders() -> [Order; 2] {
    let order = |version: &str| {
        Order::new("made", version)
            .step(rewrite("apply", "items"))
            .step(derive("look", "items", "notes"))
    };
    [order("2.0.0"), order("3.0.0")]
}

fn some_items() -> Vec<(String, String)> {
    let count = json!([["count", "notes", "total"]]);
    let counting = || json!({"2.0.0/look": count, "3.0.0/look": count});
    vec![
        plain("appended"),
        doing("removed", "2.0.0/apply", json!([["remove"]])),
        doing("removed later", "3.0.0/apply", json!([["remove"]])),
        doing("kept", "2.0.0/apply", json!([["keep"]])),
        doing_all("counted", counting()),
        doing_all("counted too", counting()),
        doing("failed", "2.0.0/apply", json!([["fail", "bad"]])),
    ]
}

struct Trial {
    backend: Arc<dyn Backend>,
    host: Host,
}

impl Trial {
    fn new() -> Self {
        let backend: Arc<dyn Backend> = Arc::new(Memory::new());
        let mut host = host(backend.clone(), &made(&orders()));
        host.options = small_batches(3, 2);
        seed(&host, "made", "items", &some_items());
        Self { backend, host }
    }

    fn migrated() -> Self {
        let trial = Self::new();
        up_accepting(&trial.host, &Quiet);
        trial
    }

    fn undo(&self, run: u64, changed: ChangedItems) -> Result<godwit::run::UndoReport, RunError> {
        self.host
            .undo(RunId(run), changed, &Quiet, &Control::default())
            .map_err(|error| match error {
                HostError::Run(error) => error,
                HostError::NoRun(run) => RunError::NoRun(run),
                other => panic!("{other}"),
            })
    }

    fn to(&self, to: &str) {
        let goal = Goal {
            app: Some(name("made")),
            to: Some(version(to)),
            phase: None,
        };
        loop {
            let reports = self
                .host
                .up(&goal, &Quiet, &Control::default())
                .expect("up works");
            if reports.last().is_none_or(|report| report.open == 0) {
                return;
            }
            let open = godwit_tests::world::quarantined(&self.host);
            self.host.accept(&open).expect("it is in quarantine");
        }
    }
}

#[test]
fn real_documents_come_back_byte_for_byte_on_every_store() {
    let catalogue = catalogue(&["bcd-2-0-0", "bcd-3-0-0", "bcd-3-1-0"]);
    let all: Vec<_> = features().step_by(50).collect();
    for (backend, _folder) in of_each_kind() {
        let host = host(backend.clone(), &catalogue);
        seed(&host, "bcd", "features", &all);
        let before = data(&*backend);
        let migrated = |host: &Host| {
            [
                items(host.store(), "features"),
                items(host.store(), "stats"),
            ]
        };
        up(&host);
        let first = migrated(&host);
        let report = host
            .undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default())
            .unwrap();
        assert!(
            report.done && report.left == 0 && report.restored > 400,
            "{report:?}"
        );
        assert_eq!(data(&*backend), before, "{}", backend.url());
        let again = host
            .undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default())
            .unwrap();
        assert!(
            again.done && again.restored == 0,
            "a second undo has nothing to do"
        );
        let reports = up(&host);
        assert_eq!(
            reports[0].run.id,
            RunId(2),
            "what was undone is done by another run"
        );
        assert_eq!(migrated(&host), first);
    }
}

#[test]
fn runs_are_undone_in_reverse_order() {
    let trial = Trial::new();
    let one = data(&*trial.backend);
    trial.to("2.0.0");
    let mut two = data(&*trial.backend);
    trial.to("3.0.0");
    let error = trial
        .undo(1, ChangedItems::Refuse)
        .expect_err("run 2 came later");
    assert!(
        error
            .to_string()
            .contains("run 2 came after it; undo that one first"),
        "{error}"
    );
    assert!(trial.undo(2, ChangedItems::Refuse).unwrap().done);
    let store = trial.host.store();
    assert_eq!(
        store.history().unwrap().apps()["made"].version(),
        Some(&version("2.0.0"))
    );
    let mut after = data(&*trial.backend);
    two.retain(|line| !line.starts_with('Z'));
    after.retain(|line| !line.starts_with('Z'));
    assert_eq!(after, two);
    assert!(trial.undo(1, ChangedItems::Refuse).unwrap().done);
    assert_eq!(data(&*trial.backend), one);
    assert_eq!(
        store.history().unwrap().apps()["made"].version(),
        Some(&version("1.0.0"))
    );
    let error = trial
        .undo(9, ChangedItems::Refuse)
        .expect_err("there is none");
    assert!(matches!(error, RunError::NoRun(RunId(9))), "{error}");
}

#[test]
fn items_that_were_changed_since_are_named_and_not_lost() {
    let trial = Trial::migrated();
    let (changed, again) = (
        r#"{"_id":"counted","new":1}"#,
        r#"{"_id":"removed","new":2}"#,
    );
    let newer = [("counted", changed), ("removed", again)];
    let newer = newer.map(|(id, body)| (id.to_owned(), body.to_owned()));
    import(&trial.host, "made", "items", "3.0.0", &newer);
    let before = dump(&*trial.backend);
    let error = trial
        .undo(1, ChangedItems::Refuse)
        .expect_err("two items were changed");
    let RunError::ChangedSince {
        count,
        items: named,
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(
        (count, named),
        (
            2,
            vec!["items/counted".to_owned(), "items/removed".to_owned()]
        )
    );
    assert_eq!(dump(&*trial.backend), before, "nothing was changed");

    let report = trial.undo(1, ChangedItems::Leave).unwrap();
    assert!(report.done);
    assert_eq!(report.left, 2);
    let store = trial.host.store();
    for (id, body) in some_items() {
        let item = store
            .item(&name("items"), &id)
            .unwrap()
            .expect("it is back");
        let expected = match id.as_str() {
            "counted" => (changed, "3.0.0"),
            "removed" => (again, "3.0.0"),
            _ => (body.as_str(), "1.0.0"),
        };
        let found = (
            std::str::from_utf8(&item.body).unwrap(),
            item.version.to_string(),
        );
        assert_eq!((found.0, found.1.as_str()), expected, "{id}");
    }
    assert_eq!(store.tallies(&name("items")).unwrap().items, 7);
    assert!(
        store.collection(&name("notes")).unwrap().is_none(),
        "what it derived is gone"
    );
    // Those that were left alone are at the new version already; the others get there again.
    up_accepting(&trial.host, &Quiet);
    let lines = items(store, "items");
    assert!(
        lines.contains(&format!("counted 3.0.0 {changed}")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("appended 3.0.0 {")),
        "{lines:?}"
    );
}

/// An item that waited for a run and was replaced after it has nothing to wait for any more.
#[test]
fn items_that_were_replaced_since_keep_what_they_are_now() {
    for replaced in ["2.0.0", "3.0.0"] {
        for fails in [false, true] {
            let trial = Trial::migrated();
            let late = match fails {
                true => doing("late", "2.0.0/apply", json!([["fail", "bad"]])),
                false => plain("late"),
            };
            import(&trial.host, "made", "items", "1.0.0", &[late]);
            up_accepting(&trial.host, &Quiet);
            let newest = trial.host.store().runs().unwrap().pop().unwrap().id;
            import(&trial.host, "made", "items", replaced, &[plain("late")]);
            let before = items(trial.host.store(), "items");
            assert!(
                before.contains(&format!(r#"late {replaced} {{"_id":"late"}}"#)),
                "{before:?}"
            );
            assert!(trial.undo(newest.0, ChangedItems::Leave).unwrap().done);
            assert_eq!(
                items(trial.host.store(), "items"),
                before,
                "{replaced}, {fails}"
            );
        }
    }
}

#[test]
fn an_unfinished_run_is_undone_like_any_other() {
    for committed in 1..6 {
        let trial = Trial::new();
        let before = data(&*trial.backend);
        let stop = StopAfter::new(committed);
        let reports = trial
            .host
            .up(&Goal::default(), &stop, &stop.control)
            .unwrap();
        assert!(
            reports[0].run.state.is_unfinished(),
            "{}",
            reports[0].run.state
        );
        assert!(trial.undo(1, ChangedItems::Refuse).unwrap().done);
        assert_eq!(data(&*trial.backend), before, "after {committed} batches");
        assert!(trial.host.recorded().unwrap().unfinished.is_none());
    }
}

#[test]
fn an_undo_that_is_stopped_must_be_ended_before_anything_else() {
    let trial = Trial::migrated();
    let control = Control::default();
    control.stop();
    let report = trial
        .host
        .undo(RunId(1), ChangedItems::Refuse, &Quiet, &control)
        .unwrap();
    assert!(!report.done);
    assert_eq!(
        trial.host.store().runs().unwrap()[0].state,
        RunState::Undoing
    );
    let refused = trial.host.up(&Goal::default(), &Quiet, &Control::default());
    let Err(HostError::Refused(findings)) = refused else {
        panic!("{refused:?}")
    };
    let found = findings
        .iter()
        .find(|finding| finding.kind() == Kind::UnfinishedRun);
    assert!(
        found
            .expect("it is told")
            .way_out()
            .contains("godwit undo 1")
    );
    assert!(trial.host.prune(&[RunId(1)]).is_err());
    assert!(trial.undo(1, ChangedItems::Refuse).unwrap().done);
    up_accepting(&trial.host, &Quiet);
}

/// Notes what is told, and stops with the first changes that are put back, if it is to.
struct Told {
    events: Mutex<Vec<RunEvent>>,
    control: Control,
    stops: bool,
}

impl Observer for Told {
    fn event(&self, event: &RunEvent) {
        if self.stops && matches!(event, RunEvent::PutBack { restored: 1.., .. }) {
            self.control.stop();
        }
        self.events.lock().unwrap().push(event.clone());
    }
}

#[test]
fn what_an_undo_does_is_told_at_most_once_a_second() {
    let (backend, still) = (Trial::migrated().backend, Trial::migrated().backend);
    // So many milliseconds pass whenever somebody looks.
    let host = |backend, pass| {
        let surroundings = surroundings();
        let now = AtomicU64::new(surroundings.clock.now().0);
        let clock = Arc::new(move || Timestamp(now.fetch_add(pass, Ordering::Relaxed)));
        let surroundings = Surroundings {
            clock,
            ..surroundings
        };
        Host::new(Store::new(backend).unwrap(), made(&orders()), surroundings)
    };
    let undo = |host: &Host, stops| {
        let told = Told {
            events: Mutex::default(),
            control: Control::default(),
            stops,
        };
        let report = host
            .undo(RunId(1), ChangedItems::Refuse, &told, &told.control)
            .unwrap();
        (report, told.events.into_inner().unwrap())
    };
    let (report, events) = undo(&host(still, 0), false);
    assert!(report.done && report.restored > 0);
    let names: Vec<_> = events.iter().filter_map(RunEvent::name).collect();
    assert_eq!(names, ["undo_started", "run_done"], "no second has passed");
    let host = host(backend, 500);
    for stops in [true, false] {
        let (report, events) = undo(&host, stops);
        let [
            RunEvent::UndoStarted { resumed, .. },
            between @ ..,
            RunEvent::Ended { run },
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!((*resumed, report.done), (!stops, !stops));
        let state = if stops {
            RunState::Undoing
        } else {
            RunState::Undone
        };
        assert_eq!(run.state, state);
        let restored = between.iter().map(|event| match event {
            RunEvent::PutBack { restored, .. } => *restored,
            other => panic!("{other:?}"),
        });
        let restored: Vec<_> = restored.collect();
        assert!(restored.is_sorted(), "{restored:?}");
        let last = restored.last().copied();
        assert!(last.is_some_and(|last| 0 < last && last <= report.restored));
    }
}

#[test]
fn behind_a_baseline_nothing_is_put_back() {
    let trial = Trial::new();
    trial.to("2.0.0");
    trial
        .host
        .baseline(&name("made"), &version("2.1.0"))
        .unwrap();
    trial.to("3.0.0");
    let refused = trial.undo(1, ChangedItems::Refuse).unwrap_err();
    assert!(
        refused.to_string().contains(" declared after it "),
        "{refused}"
    );
    assert!(trial.undo(2, ChangedItems::Refuse).unwrap().done);
    let before = data(&*trial.backend);
    let refused = trial.undo(1, ChangedItems::Refuse).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "run 1 cannot be undone: it was declared after it that what made has is of 2.1.0; what an undo would put back is not"
    );
    assert_eq!(data(&*trial.backend), before);
}

#[test]
fn without_its_pre_images_a_run_cannot_be_undone() {
    let trial = Trial::migrated();
    let kept = |backend: &dyn Backend| {
        dump(backend)
            .iter()
            .filter(|line| line.starts_with('Z'))
            .count()
    };
    let before = kept(&*trial.backend);
    assert!(
        trial.host.prune(&[RunId(7)]).is_err(),
        "there is no such run"
    );
    assert_eq!(trial.host.prune(&[RunId(1)]).unwrap(), before as u64);
    assert_eq!(kept(&*trial.backend), 0);
    assert_eq!(trial.host.prune(&[RunId(1)]).unwrap(), 0);
    let error = trial
        .undo(1, ChangedItems::Refuse)
        .expect_err("they are gone");
    assert!(
        error.to_string().contains("pre-images were pruned"),
        "{error}"
    );
    let blocked = Trial::new();
    up(&blocked.host);
    let error = blocked
        .host
        .prune(&[RunId(1)])
        .expect_err("it is unfinished");
    assert!(error.to_string().contains("while it is blocked"), "{error}");
}

/// Items that came after the run and are older than all that waited for it go through every version above their own.
#[test]
fn items_that_wait_since_miss_no_version() {
    let versions = ["1.2.0", "1.5.0", "2.0.0"];
    let orders =
        versions.map(|version| Order::new("made", version).step(rewrite("apply", "items")));
    let host = host(Arc::new(Memory::new()), &made(&orders));
    seed(&host, "made", "items", &[plain("first")]);
    up(&host);
    import(&host, "made", "items", "1.5.0", &[plain("a")]);
    let run = up(&host)[0].run.id;
    import(&host, "made", "items", "1.0.0", &[plain("b")]);
    let undone = host.undo(run, ChangedItems::Refuse, &Quiet, &Control::default());
    assert!(undone.unwrap().done);
    let record = host.store().collection(&name("items")).unwrap().unwrap();
    assert_eq!(record.oldest_waiting, Some(version("1.0.0")));
    up(&host);
    let found = items(host.store(), "items");
    assert_eq!(found[0], r#"a 2.0.0 {"_id":"a","trail":["2.0.0/apply"]}"#);
    let trail = r#""trail":["1.2.0/apply","1.5.0/apply","2.0.0/apply"]"#;
    assert!(
        found[1].starts_with("b 2.0.0 ") && found[1].contains(trail),
        "{found:?}"
    );
}

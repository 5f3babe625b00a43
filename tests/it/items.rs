//! Single items, ahead of their collection or behind it: each goes through every version once.

use std::sync::Arc;

use godwit::HostError;
use godwit::blocking::Host;
use godwit::model::{Phase, Position, RunState};
use godwit::plan::{Goal, Kind};
use godwit::run::{ChangedItems, Control, Quiet, Report};
use godwit::store::{Backend, Memory, Store};
use godwit_tests::faulty::{Failing, Faulty, Outcome};
use godwit_tests::made::{Order, doing_all, made, rewrite};
use godwit_tests::world::{
    StopAfter, data, host, import, items, name, seed, small_batches, surroundings, up,
    up_accepting, version,
};
use serde_json::{Value, json};

/// Rewrites items, then counts them by a derive step, which must see each of them once.
fn order(version: &str) -> Order {
    let look = json!({"name": "look", "collection": "items", "derive": true, "writes": ["notes"]});
    Order::new("made", version)
        .step(rewrite("apply", "items"))
        .step(look)
}

fn orders() -> [Order; 2] {
    [order("2.0.0"), order("3.0.0")]
}

const TRAIL: &str = r#""trail":["2.0.0/apply","3.0.0/apply"]}"#;

/// An item that counts itself in every version, and fails where it is told to.
fn item(id: &str, fails: Option<&str>) -> (String, String) {
    let mut steps = json!({});
    for version in ["2.0.0", "3.0.0"] {
        steps[format!("{version}/look")] = json!([["count", "notes", version]]);
    }
    if let Some(step) = fails {
        steps[step] = json!([["fail", "bad"]]);
    }
    doing_all(id, steps)
}

fn ids() -> Vec<String> {
    (0..20).map(|n| format!("{n:02}")).collect()
}

struct Trial {
    backend: Arc<dyn Backend>,
    host: Host,
}

impl Trial {
    fn new(all: &[(String, String)]) -> Self {
        let trial = Self::over(Arc::new(Memory::new()));
        seed(&trial.host, "made", "items", all);
        trial
    }

    fn over(backend: Arc<dyn Backend>) -> Self {
        let mut host = host(backend.clone(), &made(&orders()));
        host.options = small_batches(3, 2);
        host.options.max_failures = "100%".parse().unwrap();
        Self { backend, host }
    }

    fn plain() -> Self {
        Self::new(&ids().iter().map(|id| item(id, None)).collect::<Vec<_>>())
    }

    fn up_item(&self, id: &str, to: Option<&str>) -> Option<Report> {
        let to = to.map(version);
        let found = self
            .host
            .up_item(&name("items"), id, to.as_ref(), &Quiet, &Control::default());
        found.expect("it can be brought up to date")
    }

    fn line(&self, id: &str) -> String {
        let lines = items(self.host.store(), "items");
        lines
            .into_iter()
            .find(|line| line.starts_with(id))
            .expect("it is there")
    }

    /// Checks that every item went through every version, and was counted, once.
    fn assert_done(&self, count: u64) {
        for line in items(self.host.store(), "items") {
            assert!(line.contains(" 3.0.0 {") && line.ends_with(TRAIL), "{line}");
        }
        for version in ["2.0.0", "3.0.0"] {
            let body = self
                .host
                .store()
                .body(&name("notes"), version)
                .unwrap()
                .unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["count"], json!(count), "{version}");
        }
        assert_eq!(
            self.host.store().tallies(&name("items")).unwrap().apart(),
            0
        );
        assert!(up(&self.host).is_empty());
    }
}

#[test]
fn an_item_ahead_of_its_collection_is_left_alone_by_the_run() {
    let trial = Trial::plain();
    let report = trial.up_item("07", None).expect("there is something to do");
    assert_eq!(report.run.state, RunState::Completed);
    assert!(trial.line("07").contains(" 3.0.0 {") && trial.line("07").ends_with(TRAIL));
    assert!(trial.line("06").contains(" 1.0.0 {"));
    assert!(trial.up_item("07", None).is_none(), "it is up to date");
    up(&trial.host);
    trial.assert_done(20);
    assert!(trial.up_item("08", None).is_none());
}

#[test]
fn an_item_can_stop_half_way() {
    for id in ["00", "07", "19"] {
        let trial = Trial::plain();
        trial
            .up_item(id, Some("2.0.0"))
            .expect("there is something to do");
        let line = trial.line(id);
        assert!(
            line.contains(" 2.0.0 {") && line.ends_with(r#""trail":["2.0.0/apply"]}"#),
            "{line}"
        );
        up(&trial.host);
        trial.assert_done(20);
    }
}

#[test]
fn an_item_whose_process_died_on_its_way_goes_along_with_its_collection() {
    for k in 0.. {
        for outcome in [Outcome::Nothing, Outcome::Everything] {
            let Trial { backend, host: _ } = Trial::plain();
            let faulty = Faulty::new(backend.clone(), k, Failing::FromThenOn, outcome);
            let faulty: Arc<dyn Backend> = Arc::new(faulty);
            let died = Store::new(faulty).is_ok_and(|store| {
                let host = Host::new(store, made(&orders()), surroundings());
                let found = host.up_item(&name("items"), "07", None, &Quiet, &Control::default());
                found.is_err()
            });
            let trial = Trial::over(backend);
            up(&trial.host);
            trial.assert_done(20);
            if !died && k > 10 {
                return;
            }
        }
    }
}

#[test]
fn an_item_can_be_brought_ahead_while_a_run_has_stopped_anywhere() {
    for batches in 1..28 {
        let trial = Trial::plain();
        let observer = StopAfter::new(batches);
        let report = trial
            .host
            .up(&Goal::default(), &observer, &observer.control)
            .unwrap()
            .remove(0);
        for id in ["01", "10", "18"] {
            trial.up_item(id, None);
            assert!(trial.line(id).ends_with(TRAIL), "{}", trial.line(id));
        }
        if report.run.state != RunState::Completed {
            up(&trial.host);
        }
        trial.assert_done(20);
    }
}

#[test]
fn an_item_that_has_passed_an_online_phase_is_not_fed_to_it_again() {
    let online = |version: &str| {
        let look = json!({
            "name": "look", "collection": "items", "derive": true, "writes": ["notes"], "online": true,
        });
        Order::new("made", version)
            .step(rewrite("apply", "items"))
            .step(look)
    };
    let phase = |phase: Phase| Goal {
        phase: Some(phase),
        ..Goal::default()
    };
    for before in [true, false] {
        let Trial { backend, host: _ } = Trial::plain();
        let host = host(backend.clone(), &made(&[online("2.0.0"), online("3.0.0")]));
        let trial = Trial { backend, host };
        let up = |goal: &Goal| trial.host.up(goal, &Quiet, &Control::default()).unwrap();
        if before {
            trial.up_item("07", None);
        }
        let goal = Goal {
            app: Some(name("made")),
            to: Some(version("2.0.0")),
            ..phase(Phase::Offline)
        };
        up(&goal);
        trial.up_item("09", None);
        up(&Goal {
            phase: Some(Phase::Online),
            ..goal
        });
        trial.up_item("11", None);
        up(&phase(Phase::Offline));
        trial.up_item("13", None);
        up(&phase(Phase::Online));
        trial.assert_done(20);
    }
}

#[test]
fn an_item_in_quarantine_gets_on_once_its_migration_is_mended() {
    for step in ["2.0.0/apply", "2.0.0/look", "3.0.0/apply", "3.0.0/look"] {
        let all: Vec<_> = ids()
            .iter()
            .map(|id| item(id, Some(step).filter(|_| id == "07")))
            .collect();
        let trial = Trial::new(&all);
        up_accepting(&trial.host, &Quiet);
        let report = trial.up_item("07", None).expect("it is tried again");
        assert_eq!(
            report
                .steps
                .iter()
                .map(|step| step.counts.failed)
                .sum::<u64>(),
            1,
            "{step}"
        );
        let mended = orders().map(Order::mended);
        let backend = trial.backend.clone();
        let mut host = host(backend.clone(), &made(&mended));
        host.policy = "digest-drift=accept".parse().unwrap();
        let trial = Trial { backend, host };
        trial.up_item("07", None).expect("it is tried again");
        // A derive step that failed before it counted has counted by now.
        for line in items(trial.host.store(), "items") {
            assert!(
                line.contains(" 3.0.0 {") && line.ends_with(TRAIL),
                "{step}: {line}"
            );
        }
        assert_eq!(
            trial.host.store().tallies(&name("items")).unwrap().open,
            0,
            "{step}"
        );
        assert!(up(&trial.host).is_empty(), "{step}");
    }
}

#[test]
fn items_that_come_late_with_an_older_version_catch_up() {
    let trial = Trial::plain();
    up(&trial.host);
    let old = [item("03a", None), item("99", None)];
    import(&trial.host, "made", "items", "1.0.0", &old);
    let trail = r#","trail":["2.0.0/apply"]}"#;
    let (id, body) = item("04b", None);
    let newer = [(id, body.trim_end_matches('}').to_owned() + "}" + trail)];
    import(&trial.host, "made", "items", "2.0.0", &newer);
    let current = [("05c".to_owned(), format!(r#"{{"_id":"05c",{TRAIL}"#))];
    import(&trial.host, "made", "items", "3.0.0", &current);
    assert!(trial.line("03a").contains(" 1.0.0 {") && trial.line("04b").contains(" 2.0.0 {"));
    assert_eq!(
        trial.host.store().tallies(&name("items")).unwrap().waiting,
        3
    );
    // One of them on its own, then the others.
    trial.up_item("99", None).expect("it is behind");
    assert!(trial.line("99").contains(" 3.0.0 {") && trial.line("99").ends_with(TRAIL));
    let reports = up(&trial.host);
    assert_eq!(
        reports.last().map(|report| report.run.state),
        Some(RunState::Completed)
    );
    for line in items(trial.host.store(), "items") {
        assert!(line.contains(" 3.0.0 {") && line.ends_with(TRAIL), "{line}");
    }
    let count = |version: &str| {
        let body = trial
            .host
            .store()
            .body(&name("notes"), version)
            .unwrap()
            .unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()["count"].as_u64()
    };
    assert_eq!((count("2.0.0"), count("3.0.0")), (Some(22), Some(23)));
    assert_eq!(
        trial.host.store().tallies(&name("items")).unwrap().apart(),
        0
    );
    assert!(up(&trial.host).is_empty());
}

#[test]
fn items_that_come_late_may_fail_like_any_other() {
    let trial = Trial::plain();
    up(&trial.host);
    import(
        &trial.host,
        "made",
        "items",
        "1.0.0",
        &[item("50", Some("3.0.0/apply")), item("51", None)],
    );
    up_accepting(&trial.host, &Quiet);
    assert!(
        trial.line("50").contains(" 2.0.0 {"),
        "{}",
        trial.line("50")
    );
    assert!(trial.line("51").contains(" 3.0.0 {"));
    let apart = trial
        .host
        .store()
        .apart(&name("items"), "50")
        .unwrap()
        .expect("it failed");
    assert_eq!(
        apart.next,
        Some(Position {
            version: version("3.0.0"),
            step: 0
        })
    );
    assert!(up(&trial.host).is_empty());
}

#[test]
fn what_was_done_to_one_item_can_be_undone() {
    let trial = Trial::plain();
    let before = data(&*trial.backend);
    let run = trial
        .up_item("07", None)
        .expect("there is something to do")
        .run
        .id;
    trial
        .host
        .undo(run, ChangedItems::Refuse, &Quiet, &Control::default())
        .unwrap();
    assert_eq!(data(&*trial.backend), before);
    assert!(trial.line("07").contains(" 1.0.0 {"));
    up(&trial.host);
    trial.assert_done(20);
}

#[test]
fn items_that_are_not_there_are_named() {
    let trial = Trial::plain();
    for (collection, id) in [("items", "nobody"), ("nowhere", "07")] {
        let found = trial
            .host
            .up_item(&name(collection), id, None, &Quiet, &Control::default());
        let Err(HostError::NoItem { id: named, .. }) = found else {
            panic!("{found:?}")
        };
        assert_eq!(named, id);
    }
}

/// What was never migrated to a version above all files keeps nobody from anything once it is gone.
#[test]
fn items_that_are_newer_than_every_migration_are_in_the_way_only_while_they_are_there() {
    let trial = Trial::plain();
    up(&trial.host);
    let host = &trial.host;
    let items = name("items");
    let put = |version: &str| host.put(&items, "z", &self::version(version), b"{}");
    let refused = put("9.0.0").unwrap_err();
    assert!(
        matches!(&refused, HostError::TooNew { highest, .. } if *highest == version("3.0.0")),
        "{refused}"
    );
    put("3.0.0").unwrap();
    import(
        host,
        "made",
        "items",
        "9.0.0",
        &[("z".to_owned(), r#"{"_id":"z"}"#.to_owned())],
    );
    let planned = || host.plan(&Goal::default()).unwrap();
    assert_eq!(planned().findings[0].kind(), Kind::NewerStore);
    assert!(planned().is_refused());
    put("3.0.0").unwrap();
    assert!(!planned().is_refused(), "it was replaced");
    import(
        host,
        "made",
        "items",
        "9.0.0",
        &[("z".to_owned(), r#"{"_id":"z"}"#.to_owned())],
    );
    assert!(planned().is_refused());
    host.delete(&items, "z").unwrap();
    assert!(!planned().is_refused(), "it was deleted");
    assert!(up(host).is_empty());
    assert!(trial.up_item("00", None).is_none(), "it is up to date");
}

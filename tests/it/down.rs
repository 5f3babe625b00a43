//! The way back by migrations' own `revert`: what was changed since is kept, every item has the older version in the end, and
//! whatever happens on the way, it goes on or is undone.

use std::sync::Arc;

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Event, RunId, RunState};
use godwit::plan::{Goal, Kind};
use godwit::run::{ChangedItems, Control, OnFailure, Quiet, Report};
use godwit::store::{Backend, Memory};
use godwit::{DownGoal, DryGoal, HostError};
use godwit_tests::made::{Order, derive, made_for, rewrite};
use godwit_tests::world::{
    ENGINE, StopAfter, data, host, import, items, name, of_each_kind, quarantined, seed,
    small_batches, up, version,
};
use serde_json::json;

use crate::every_k::every_k;

fn order(version: &str) -> Order {
    Order::new("made", version).step(rewrite("apply", "items"))
}

/// Three versions of two ways each; the last one goes over the items twice.
fn both_ways() -> Arc<Catalogue> {
    let orders = [
        order("2.0.0"),
        order("3.0.0"),
        Order::new("made", "4.0.0")
            .step(rewrite("more", "others"))
            .step(rewrite("apply", "items")),
    ];
    made_for(&ENGINE, "both-ways-2-0-0", &orders)
}

fn some_items() -> Vec<(String, String)> {
    let item = |n: usize| {
        let id = format!("{n:02}");
        let body = json!({"_id": id, "n": n}).to_string();
        (id, body)
    };
    (0..40).map(item).collect()
}

fn trial(backend: Arc<dyn Backend>, catalogue: &Arc<Catalogue>) -> Host {
    let mut host = host(backend, catalogue);
    host.options = small_batches(3, 2);
    host
}

fn seeded(backend: Arc<dyn Backend>, catalogue: &Arc<Catalogue>) -> Host {
    let host = trial(backend, catalogue);
    seed(&host, "made", "items", &some_items());
    seed(&host, "made", "others", &some_items()[..5]);
    host
}

fn goal(to: &str) -> DownGoal {
    DownGoal {
        app: name("made"),
        to: version(to),
    }
}

fn down(host: &Host, to: &str) -> Result<Option<Report>, HostError> {
    host.down(&goal(to), &Quiet, &Control::default())
}

fn reasons(host: &Host, to: &str) -> Vec<String> {
    match down(host, to) {
        Err(HostError::Down { reasons, .. }) => reasons,
        other => panic!("{other:?}"),
    }
}

fn versions(host: &Host) -> Vec<String> {
    let mut found = Vec::new();
    for collection in ["items", "others"] {
        let collection = name(collection);
        let mut ids = Vec::new();
        host.store()
            .each_item(&collection, None, &mut |id, _| {
                ids.push(id.to_owned());
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        for id in ids {
            let item = host.store().item(&collection, &id).unwrap().unwrap();
            found.push(item.version.to_string());
        }
    }
    found.dedup();
    found
}

#[test]
fn what_was_changed_since_is_kept_on_every_store() {
    let catalogue = both_ways();
    for (backend, _folder) in of_each_kind() {
        let host = seeded(backend.clone(), &catalogue);
        let before = items(host.store(), "items");
        up(&host);
        let changed = [(
            "07".to_owned(),
            json!({"_id": "07", "n": 700, "trail": ["2.0.0/apply", "3.0.0/apply", "4.0.0/apply"]})
                .to_string(),
        )];
        let came = json!({"_id": "99", "n": 99, "trail": ["4.0.0/apply"]}).to_string();
        import(
            &host,
            "made",
            "items",
            "4.0.0",
            &[changed[0].clone(), ("99".to_owned(), came)],
        );
        let report = down(&host, "1.0.0").unwrap().unwrap();
        assert_eq!(report.run.state, RunState::Completed, "{report:?}");
        assert_eq!(report.steps.len(), 2);
        assert_eq!(report.steps[0].counts.updated, 41);
        let mut expected = before;
        expected[7] = expected[7].replace("\"n\":7", "\"n\":700");
        let mut found = items(host.store(), "items");
        let last = found.pop().unwrap();
        assert!(
            last.contains("\"n\":99") && !last.contains("trail"),
            "{last}"
        );
        assert_eq!(found, expected, "{}", backend.url());
        assert_eq!(versions(&host), ["1.0.0"]);
        let mut flaws = Vec::new();
        let control = Control::default();
        host.verify(&[], &|_, _| None, &mut |flaw| flaws.push(flaw), &control)
            .unwrap();
        assert!(flaws.is_empty(), "{flaws:?}");
        // And up again.
        assert!(down(&host, "1.0.0").unwrap().is_none());
        up(&host);
        assert_eq!(versions(&host), ["4.0.0"]);
    }
}

#[test]
fn only_what_is_above_the_version_is_taken_back() {
    let host = seeded(Arc::new(Memory::new()), &both_ways());
    up(&host);
    down(&host, "3.0.0").unwrap();
    assert_eq!(versions(&host), ["3.0.0"]);
    let first = &items(host.store(), "items")[0];
    assert!(
        first.contains(r#""trail":["2.0.0/apply","3.0.0/apply"]"#),
        "{first}"
    );
    let facts = host.store().history().unwrap().0;
    let taken_back = |event: &Event| matches!(event, Event::Reverted { run: RunId(2), .. });
    let taken_back = facts.iter().filter(|fact| taken_back(&fact.event));
    let taken_back: Vec<_> = taken_back.map(|fact| fact.version.to_string()).collect();
    assert_eq!(taken_back, ["4.0.0"]);
    // A second way back starts where the first one ended.
    down(&host, "1.0.0").unwrap();
    assert_eq!(versions(&host), ["1.0.0"]);
}

#[test]
fn stopped_anywhere_it_goes_on_and_the_version_of_each_item_is_told() {
    let catalogue = both_ways();
    let expected = {
        let host = seeded(Arc::new(Memory::new()), &catalogue);
        up(&host);
        down(&host, "1.0.0").unwrap();
        items(host.store(), "items")
    };
    for batches in 1..14 {
        let backend = Arc::new(Memory::new());
        let host = seeded(backend.clone(), &catalogue);
        up(&host);
        let stop = StopAfter::new(batches);
        let report = host
            .down(&goal("1.0.0"), &stop, &stop.control)
            .unwrap()
            .unwrap();
        assert_eq!(report.run.state, RunState::Stopped, "{batches}");
        for (index, body) in items(host.store(), "items").iter().enumerate() {
            let id = format!("{index:02}");
            let item = host.store().item(&name("items"), &id).unwrap().unwrap();
            let is_back = !body.contains("trail");
            assert_eq!(item.version == version("1.0.0"), is_back, "{id} {body}");
        }
        // Nothing else may be done meanwhile.
        let refused = host.up(&Goal::default(), &Quiet, &Control::default());
        let Err(HostError::Refused(findings)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(findings[0].matter.kind(), Kind::UnfinishedRun);
        assert!(reasons(&host, "2.0.0")[0].contains("run 2 is stopped"));
        let report = down(&host, "1.0.0").unwrap().unwrap();
        assert_eq!(
            (report.run.id, report.run.state),
            (RunId(2), RunState::Completed)
        );
        assert_eq!(items(host.store(), "items"), expected);
    }
}

#[test]
fn undone_it_is_as_if_it_had_not_been() {
    let catalogue = both_ways();
    for batches in [2, 9, u64::MAX] {
        let backend = Arc::new(Memory::new());
        let host = seeded(backend.clone(), &catalogue);
        up(&host);
        let (before, state) = (data(&*backend), host.store().history().unwrap().apps());
        let stop = StopAfter::new(batches);
        host.down(&goal("1.0.0"), &stop, &stop.control).unwrap();
        let undone = host.undo(RunId(2), ChangedItems::Refuse, &Quiet, &Control::default());
        assert!(undone.unwrap().done);
        assert_eq!(data(&*backend), before);
        assert_eq!(host.store().history().unwrap().apps(), state);
        assert_eq!(versions(&host), ["4.0.0"]);
        assert!(host.plan(&Goal::default()).unwrap().plan.is_empty());
        // The run before it can be undone, too.
        let undone = host.undo(RunId(1), ChangedItems::Refuse, &Quiet, &Control::default());
        assert!(undone.unwrap().done);
        assert_eq!(versions(&host), ["1.0.0"]);
    }
}

#[test]
fn an_item_without_a_way_back_stops_the_run_and_a_dry_run_names_each() {
    let catalogue = both_ways();
    let backend = Arc::new(Memory::new());
    let host = trial(backend.clone(), &catalogue);
    let mut stuck = some_items();
    for n in [5, 21] {
        stuck[n].1 = json!({"_id": stuck[n].0, "stuck": true}).to_string();
    }
    seed(&host, "made", "items", &stuck);
    up(&host);
    let before = data(&*backend);
    let mut dry = trial(backend.clone(), &catalogue);
    dry.options.on_failure = OnFailure::Quarantine;
    let scratch = Arc::new(Memory::new());
    let dry = dry
        .dry_run(
            scratch,
            &DryGoal::Down(goal("1.0.0")),
            &Quiet,
            &Control::default(),
        )
        .unwrap();
    let mut named = Vec::new();
    dry.each_failure(&mut |_, id, apart| {
        named.push((
            id.to_owned(),
            apart.failure.as_ref().unwrap().reason.clone(),
        ));
    })
    .unwrap();
    let reason = "from 4.0.0: there is no way back".to_owned();
    assert_eq!(
        named,
        [("05".to_owned(), reason.clone()), ("21".to_owned(), reason)]
    );
    assert_eq!(dry.reports[0].run.state, RunState::Blocked);
    assert_eq!(data(&*backend), before);

    let error = down(&host, "1.0.0").unwrap_err();
    assert_eq!(
        error.to_string(),
        "items/05 has no way back from 4.0.0: there is no way back"
    );
    assert!(quarantined(&host).is_empty());
    let undone = host.undo(RunId(2), ChangedItems::Refuse, &Quiet, &Control::default());
    assert!(undone.unwrap().done);
    assert_eq!(data(&*backend), before);
}

#[test]
fn every_reason_against_a_way_back_is_named() {
    let host = seeded(Arc::new(Memory::new()), &both_ways());
    assert_eq!(
        reasons(&host, "0.9.0"),
        ["it is at 1.0.0, and no version below is known"]
    );
    up(&host);
    assert_eq!(
        reasons(&host, "2.5.0"),
        ["it is at 4.0.0, and has been at 1.0.0, 2.0.0, 3.0.0"]
    );
    import(
        &host,
        "made",
        "items",
        "2.0.0",
        &[("98".to_owned(), r#"{"_id":"98"}"#.to_owned())],
    );
    import(
        &host,
        "made",
        "others",
        "5.0.0",
        &[("98".to_owned(), r#"{"_id":"98"}"#.to_owned())],
    );
    assert_eq!(
        reasons(&host, "2.0.0"),
        [
            "1 item of items wait or are in quarantine",
            "others has items of 5.0.0, which is newer than the app"
        ]
    );

    let orders = [
        order("2.0.0"),
        Order::new("made", "3.0.0")
            .step(rewrite("apply", "items"))
            .step(derive("look", "items", "notes")),
    ];
    let backend = Arc::new(Memory::new());
    let host = seeded(backend.clone(), &godwit_tests::made::made(&orders));
    up(&host);
    assert_eq!(
        reasons(&host, "1.0.0"),
        [
            "step look of made 3.0.0 derives items, which `revert` cannot take back",
            "made 3.0.0 has no `revert`",
            "made 2.0.0 has no `revert`",
        ]
    );
    let empty = trial(backend, &Arc::new(Catalogue::new()));
    assert!(reasons(&empty, "2.0.0")[0].contains("is not among the plugins"));
    let nobody = DownGoal {
        app: name("nobody"),
        to: version("1.0.0"),
    };
    let error = host.down(&nobody, &Quiet, &Control::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "nobody cannot go back to 1.0.0: nothing is applied to nobody"
    );
}

#[test]
fn whatever_operation_of_the_store_fails_the_end_is_the_same() {
    let catalogue = both_ways();
    let start = || {
        let backend = Arc::new(Memory::new());
        let host = seeded(backend.clone(), &catalogue);
        up(&host);
        backend
    };
    let work = |backend: Arc<dyn Backend>| {
        let store = godwit::store::Store::new(backend)?;
        let surroundings = godwit_tests::world::surroundings();
        let mut host = Host::new(store, catalogue.clone(), surroundings);
        host.options = small_batches(8, 1);
        down(&host, "1.0.0").map(|_| ())
    };
    let operations = every_k(work, start, 3);
    assert!(operations > 30, "{operations}");
}

#[test]
fn items_that_are_newer_are_in_its_way_only_while_they_are_there() {
    let host = seeded(Arc::new(Memory::new()), &both_ways());
    up(&host);
    let newer = ("zz".to_owned(), r#"{"_id":"zz"}"#.to_owned());
    import(&host, "made", "items", "9.0.0", &[newer]);
    assert_eq!(
        reasons(&host, "1.0.0"),
        ["items has items of 9.0.0, which is newer than the app"]
    );
    host.delete(&name("items"), "zz").unwrap();
    assert!(down(&host, "1.0.0").unwrap().is_some());
}

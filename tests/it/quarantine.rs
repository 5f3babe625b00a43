//! One bad item stops nobody: it is found, kept as it was, and shown with its reason; the others are
//! migrated. There is always a way on.

use std::sync::Arc;
use std::time::Duration;

use godwit::HostError;
use godwit::blocking::Host;
use godwit::model::{Event, RunState};
use godwit::run::{Control, Quiet};
use godwit::sandbox::{Engine, Limits};
use godwit::store::Memory;
use godwit_tests::made::{Order, doing, doing_all, made, made_for, plain};
use godwit_tests::world::{
    host, import, import_some, items, name, quarantined, seed, small_batches, up, up_accepting,
    version,
};
use serde_json::{Value, json};

/// Rewrites items, then derives from them; both may write notes.
fn order(version: &str) -> Order {
    let step = |name: &str, derive: bool| json!({"name": name, "collection": "items", "derive": derive, "writes": ["notes"]});
    Order::new("made", version)
        .step(step("apply", false))
        .step(step("look", true))
}

fn tight() -> Engine {
    Engine::new(Limits {
        batch: Duration::from_millis(400),
        memory_bytes: 32 << 20,
        body_bytes: 20_000,
        ..Limits::default()
    })
}

/// A host over items, in memory.
fn host_with(
    catalogue: &Arc<godwit::catalogue::Catalogue>,
    all: &[(String, String)],
) -> (Arc<Memory>, Host) {
    let backend = Arc::new(Memory::new());
    let mut host = host(backend.clone(), catalogue);
    host.options = small_batches(16, 2);
    host.options.max_failures = "100%".parse().unwrap();
    seed(&host, "made", "items", all);
    (backend, host)
}

/// What items do that fail, the kind of fault, and what the reason says.
fn faults() -> Vec<(
    &'static str,
    &'static str,
    Value,
    &'static str,
    &'static str,
)> {
    vec![
        (
            "refuses",
            "apply",
            json!(["fail", "for a reason"]),
            "refused",
            "for a reason",
        ),
        (
            "panics",
            "apply",
            json!(["panic"]),
            "trapped",
            "unreachable",
        ),
        (
            "loops",
            "apply",
            json!(["loop"]),
            "timed out",
            "longer than 400 ms",
        ),
        (
            "hoards",
            "apply",
            json!(["hoard"]),
            "out of memory",
            "more than 32 MiB",
        ),
        (
            "says no JSON",
            "apply",
            json!(["text", "{"]),
            "invalid body",
            "the new body is not JSON",
        ),
        (
            "grows",
            "apply",
            json!(["large", 20_001]),
            "too much output",
            "20001 bytes",
        ),
        (
            "is short",
            "apply",
            json!(["lie", "short"]),
            "bad reply",
            "0 outcomes for 1 items",
        ),
        (
            "is long",
            "apply",
            json!(["lie", "long"]),
            "bad reply",
            "2 outcomes for 1 items",
        ),
        (
            "changes",
            "look",
            json!(["text", "{}"]),
            "derive step changed an item",
            "updated",
        ),
        (
            "vanishes",
            "look",
            json!(["remove"]),
            "derive step changed an item",
            "removed",
        ),
        (
            "looks and refuses",
            "look",
            json!(["fail", "no"]),
            "refused",
            "no",
        ),
    ]
}

/// Items of which every eighth or so misbehaves, leaving a note behind first.
fn some_bad() -> Vec<(String, String)> {
    let mut all: Vec<_> = (0..70)
        .map(|n| {
            let id = format!("good {n:02}");
            let note = json!([["put", "notes", id, {"_id": id}]]);
            if n % 3 == 0 {
                doing(&id, "2.0.0/look", note)
            } else {
                plain(&id)
            }
        })
        .collect();
    for (id, step, misdeed, ..) in faults() {
        let trace = format!("trace of {id}");
        let commands = json!([["put", "notes", trace, {}], misdeed]);
        all.push(doing(
            &format!("good 3{id}"),
            &format!("2.0.0/{step}"),
            commands,
        ));
    }
    all
}

#[test]
fn every_fault_is_narrowed_down_to_its_item() {
    let catalogue = made_for(&tight(), "records-2-0-0", &[order("2.0.0")]);
    let all = some_bad();
    let (_, host) = host_with(&catalogue, &all);
    let report = up(&host).remove(0);
    assert_eq!(report.run.state, RunState::Blocked);
    assert_eq!(report.open, faults().len() as u64);
    let reason = report.run.reason.expect("it says why");
    assert!(
        reason.contains("11 items of made are in quarantine"),
        "{reason}"
    );

    let store = host.store();
    let body = |id: &str| all.iter().find(|(found, _)| found == id).unwrap().1.clone();
    for (id, step, _, kind, said) in faults() {
        let id = format!("good 3{id}");
        let apart = store
            .apart(&name("items"), &id)
            .unwrap()
            .expect("it is in quarantine");
        let failure = apart.failure.expect("it failed");
        assert_eq!(
            (failure.kind.as_str(), failure.step.as_str()),
            (kind, step),
            "{id}"
        );
        assert!(failure.reason.contains(said), "{id}: {}", failure.reason);
        assert_eq!(
            (failure.migration.to_string(), failure.run),
            ("2.0.0".to_owned(), report.run.id)
        );
        let item = store
            .item(&name("items"), &id)
            .unwrap()
            .expect("it is still there");
        if step == "apply" {
            assert_eq!(
                String::from_utf8_lossy(&item.body),
                body(&id),
                "{id} keeps its body"
            );
            assert_eq!(item.version, version("1.0.0"), "{id} keeps its version");
        }
    }
    let good = items(store, "items")
        .into_iter()
        .filter(|line| !line.starts_with("good 3") || line.as_bytes()[6].is_ascii_digit());
    for line in good {
        assert!(
            line.contains(" 2.0.0 {") && line.ends_with(r#""trail":["2.0.0/apply"]}"#),
            "{line}"
        );
    }
    let notes = items(store, "notes");
    assert_eq!(notes.len(), 24, "{notes:?}");
    assert!(
        notes.iter().all(|line| line.starts_with("good")),
        "failed items leave no trace"
    );
    let applied = store.history().unwrap().apps()["made"].applied.len();
    assert_eq!(
        applied, 0,
        "the version is not applied while its quarantine is open"
    );
}

fn bad(id: &str) -> (String, String) {
    doing(id, "2.0.0/apply", json!([["fail", "bad"]]))
}

fn few() -> Vec<(String, String)> {
    vec![plain("a"), bad("b"), plain("c"), bad("d"), plain("e")]
}

fn named(ids: &[&str]) -> Vec<(godwit::model::Name, String)> {
    let named = ids.iter().map(|id| (name("items"), (*id).to_owned()));
    named.collect()
}

#[test]
fn a_retry_without_names_leaves_alone_what_was_accepted() {
    let (_, host) = host_with(&made(&[order("2.0.0")]), &few());
    up(&host);
    host.accept(&named(&["b"])).unwrap();
    let retry = |ids: Option<&[_]>| host.retry(ids, &Quiet, &Control::default()).unwrap();
    let tallies = || {
        let tallies = host.store().tallies(&name("items")).unwrap();
        (tallies.open, tallies.accepted)
    };
    let reports = retry(None);
    assert_eq!(reports[0].steps[0].counts.read, 1, "the other one");
    assert_eq!(tallies(), (1, 1));
    host.accept(&named(&["d"])).unwrap();
    assert!(retry(None).is_empty());
    assert_eq!(tallies(), (0, 2));
    // Who is named is tried, and has to be accepted anew.
    retry(Some(&named(&["b"])));
    assert_eq!(tallies(), (1, 1));
}

#[test]
fn accepted_items_stay_as_they_are_and_the_run_completes() {
    let (_, host) = host_with(&made(&[order("2.0.0")]), &few());
    assert_eq!(up(&host)[0].run.state, RunState::Blocked);
    // Again, as long as nobody has dealt with it.
    assert_eq!(up(&host)[0].run.state, RunState::Blocked);
    let unknown = (name("items"), "c".to_owned());
    let mut named = quarantined(&host);
    named.push(unknown);
    assert!(host.accept(&named).is_err(), "c is not in quarantine");
    assert_eq!(quarantined(&host).len(), 2, "so that nothing was accepted");
    assert_eq!(host.accept(&quarantined(&host)).unwrap(), 2);
    let report = up(&host).remove(0);
    assert_eq!(
        (report.run.state, report.run.id.0, report.open),
        (RunState::Completed, 1, 0)
    );
    assert!(up(&host).is_empty());
    let versions: Vec<_> = items(host.store(), "items")
        .iter()
        .map(|line| line[2..7].to_owned())
        .collect();
    assert_eq!(versions, ["2.0.0", "1.0.0", "2.0.0", "1.0.0", "2.0.0"]);
    let history = host.store().history().unwrap();
    let Event::Applied {
        accepted, counts, ..
    } = &history.0.last().unwrap().event
    else {
        panic!("{history:?}")
    };
    assert_eq!((*accepted, counts.failed, counts.updated), (2, 2, 3));
}

#[test]
fn a_mended_migration_takes_the_items_that_the_old_one_could_not() {
    let (backend, blocked) = host_with(&made(&[order("2.0.0")]), &few());
    up(&blocked);
    // Without mending, a retry is as much use as the first try.
    let reports = blocked.retry(None, &Quiet, &Control::default()).unwrap();
    assert_eq!((reports.len(), reports[0].open), (1, 2));
    let mended = made(&[order("2.0.0").mended()]);
    let host = host(backend, &mended);
    let error = host
        .up(&godwit::plan::Goal::default(), &Quiet, &Control::default())
        .unwrap_err();
    assert!(
        matches!(error, HostError::Refused(_)),
        "another file is not used in silence: {error}"
    );
    let named = [(name("items"), "b".to_owned())];
    let reports = host
        .retry(Some(&named), &Quiet, &Control::default())
        .unwrap();
    assert_eq!(
        (reports[0].run.state, reports[0].open),
        (RunState::Completed, 1)
    );
    let reports = host.retry(None, &Quiet, &Control::default()).unwrap();
    assert_eq!(reports[0].open, 0);
    assert_eq!(up(&host)[0].run.state, RunState::Completed);
    assert!(up(&host).is_empty());
    for line in items(host.store(), "items") {
        assert!(
            line.contains(" 2.0.0 {") && line.ends_with(r#""trail":["2.0.0/apply"]}"#),
            "{line}"
        );
    }
    let digest = mended.migrations()[0].digest;
    let apps = host.store().history().unwrap().apps();
    assert_eq!(apps["made"].applied[&version("2.0.0")].digests, [digest]);
}

#[test]
fn a_mended_item_takes_the_place_of_one_in_quarantine_and_the_run_goes_on() {
    let backend = {
        let (backend, host) = host_with(&made(&[order("2.0.0"), order("3.0.0")]), &few());
        up(&host);
        backend
    };
    let host = host(backend, &made(&[order("2.0.0"), order("3.0.0")]));
    let lines = [plain("a"), plain("b"), plain("z"), bad("d")];
    let report = import_some(&host, "made", "items", "1.0.0", &lines);
    assert_eq!(
        (
            report.counts.replaced,
            report.counts.present,
            report.counts.bad
        ),
        (1, 1, 2),
        "what the run has passed, or will yet come by, stays as it is: {report:?}"
    );
    let reasons: Vec<_> = report.bad_lines.iter().map(ToString::to_string).collect();
    assert_eq!(
        reasons[0],
        "line 1: run 1 is blocked, and the item `a` is not in quarantine"
    );
    assert_eq!(quarantined(&host), [(name("items"), "d".to_owned())]);
    let counts = import(&host, "made", "items", "1.0.0", &[plain("d")]);
    assert_eq!(counts.replaced, 1);
    up(&host);
    assert!(up(&host).is_empty(), "one `up` does it all");
    for line in items(host.store(), "items") {
        assert!(
            line.contains(" 3.0.0 {")
                && line.ends_with(r#""trail":["2.0.0/apply","3.0.0/apply"]}"#),
            "{line}"
        );
    }
    assert_eq!(host.store().tallies(&name("items")).unwrap().apart(), 0);
}

#[test]
fn an_item_that_was_migrated_by_hand_is_not_migrated_again() {
    let (_, host) = host_with(&made(&[order("2.0.0"), order("3.0.0")]), &few());
    up(&host);
    import(&host, "made", "items", "2.0.0", &[plain("b")]);
    import(&host, "made", "items", "0.9.0", &[plain("d")]);
    up(&host);
    let lines = items(host.store(), "items");
    assert!(
        lines[1].ends_with(r#""trail":["3.0.0/apply"]}"#),
        "{lines:?}"
    );
    assert!(
        lines[3].ends_with(r#""trail":["2.0.0/apply","3.0.0/apply"]}"#),
        "{lines:?}"
    );
    assert!(lines.iter().all(|line| line.contains(" 3.0.0 {")));
    assert!(up(&host).is_empty());
}

#[test]
fn accepted_items_can_be_mended_long_after() {
    let (backend, host_before) = host_with(&made(&[order("2.0.0")]), &few());
    up_accepting(&host_before, &Quiet);
    let mended = made(&[order("2.0.0").mended()]);
    let host = host(backend, &mended);
    let reports = host.retry(None, &Quiet, &Control::default()).unwrap();
    assert!(reports.is_empty(), "they were accepted");
    let named = named(&["b", "d"]);
    let reports = host
        .retry(Some(&named), &Quiet, &Control::default())
        .unwrap();
    assert_eq!(
        (reports[0].run.state, reports[0].open),
        (RunState::Completed, 0)
    );
    assert!(
        items(host.store(), "items")
            .iter()
            .all(|line| line.contains(" 2.0.0 {"))
    );
    let history = host.store().history().unwrap();
    let digest = mended.migrations()[0].digest;
    let last = &history.0.last().unwrap().event;
    assert!(
        matches!(last, Event::Mended { digest: found, .. } if *found == digest),
        "{last:?}"
    );
    assert!(up(&host).is_empty(), "the mended file is no drift");
}

#[test]
fn a_retry_leads_an_item_through_every_version_that_it_missed() {
    let counting = |step: &str| (step.to_owned(), json!([["count", "notes", step]]));
    let commands = |bad: bool| {
        let mut steps: serde_json::Map<_, _> = ["2.0.0/look", "3.0.0/look"]
            .into_iter()
            .map(counting)
            .collect();
        if bad {
            steps.insert("2.0.0/apply".to_owned(), json!([["fail", "bad"]]));
        }
        json!(steps)
    };
    let orders = |mended: bool| {
        let two = order("2.0.0");
        [if mended { two.mended() } else { two }, order("3.0.0")]
    };
    let all = ["a", "b", "c", "d"].map(|id| doing_all(id, commands(id == "b" || id == "d")));
    let (backend, before) = host_with(&made(&orders(false)), &all);
    up_accepting(&before, &Quiet);
    let count = |host: &Host, step: &str| {
        let body = host.store().body(&name("notes"), step).unwrap().unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()["count"].clone()
    };
    assert_eq!(
        (count(&before, "2.0.0/look"), count(&before, "3.0.0/look")),
        (json!(2), json!(2))
    );
    let host = host(backend, &made(&orders(true)));
    let named = named(&["b", "d"]);
    let reports = host
        .retry(Some(&named), &Quiet, &Control::default())
        .unwrap();
    assert_eq!(
        (reports[0].run.state, reports[0].open),
        (RunState::Completed, 0)
    );
    assert_eq!(
        (count(&host, "2.0.0/look"), count(&host, "3.0.0/look")),
        (json!(4), json!(4))
    );
    for line in items(host.store(), "items") {
        let is_there = line.contains(" 3.0.0 {");
        assert!(
            is_there && line.ends_with(r#""trail":["2.0.0/apply","3.0.0/apply"]}"#),
            "{line}"
        );
    }
    assert_eq!(host.store().tallies(&name("items")).unwrap().apart(), 0);
    assert!(up(&host).is_empty());
}

#[test]
fn an_item_that_is_not_in_quarantine_cannot_be_retried() {
    let (_, host) = host_with(&made(&[order("2.0.0")]), &few());
    up(&host);
    for id in ["a", "nowhere"] {
        let named = [(name("items"), id.to_owned())];
        let error = host
            .retry(Some(&named), &Quiet, &Control::default())
            .unwrap_err();
        assert!(
            matches!(error, HostError::NotInQuarantine { .. }),
            "{error}"
        );
    }
}

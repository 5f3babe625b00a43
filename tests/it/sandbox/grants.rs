//! Documents take two keys: a step asks, the operator grants.

use std::sync::{Arc, Mutex};

use godwit::HostError;
use godwit::blocking::Host;
use godwit::model::{DefaultGrant, RunState};
use godwit::plan::Goal;
use godwit::run::{Control, Observer, RunEvent};
use godwit::store::Memory;
use godwit_tests::made::{Order, doing, made, plain};
use godwit_tests::world::{host, items, name, quarantined, seed, small_batches};
use serde_json::{Value, json};

/// Asks to read `users`, which belong to another app, and to write `notes`.
fn order() -> Order {
    let step =
        json!({"name": "apply", "collection": "items", "reads": ["users"], "writes": ["notes"]});
    Order::new("made", "2.0.0").step(step)
}

/// Keeps what a run says of what was denied.
#[derive(Default)]
struct Denials(Mutex<Vec<String>>);

impl Observer for Denials {
    fn event(&self, event: &RunEvent) {
        if let RunEvent::Denied { what, .. } = event {
            self.0.lock().unwrap().push(what.clone());
        }
    }
}

fn world(commands: Value) -> Host {
    let mut host = host(Arc::new(Memory::new()), &made(&[order()]));
    host.options = small_batches(4, 2);
    host.options.max_failures = "100%".parse().unwrap();
    seed(&host, "people", "users", &[plain("ann")]);
    let mut all: Vec<_> = (0..10).map(|n| plain(&format!("{n}"))).collect();
    all.insert(7, doing("6a", "2.0.0/apply", commands.clone()));
    all.insert(8, doing("6b", "2.0.0/apply", commands));
    seed(&host, "made", "items", &all);
    host
}

fn up(host: &Host) -> (Result<RunState, HostError>, Vec<String>) {
    let denials = Denials::default();
    let reports = host.up(&Goal::default(), &denials, &Control::default());
    let state = reports.map(|reports| reports[0].run.state);
    (state, denials.0.into_inner().unwrap())
}

#[test]
fn another_apps_collection_is_not_read_unless_it_is_granted() {
    let mut host = world(json!([["get", "users", "ann"]]));
    let (error, _) = up(&host);
    let error = error.unwrap_err();
    assert!(
        matches!(&error, HostError::Refused(findings) if findings[0].kind().name() == "grant"),
        "{error}"
    );
    host.grants.add("made:users:read".parse().unwrap());
    let (state, denials) = up(&host);
    assert_eq!((state.unwrap(), denials), (RunState::Completed, vec![]));
    assert!(items(host.store(), "items")[7].contains(r#""saw":[{"_id":"ann"}]"#));
}

#[test]
fn a_step_that_runs_without_a_grant_is_denied_and_others_are_told() {
    let mut host = world(json!([["get", "users", "ann"], ["scan", "users", null, 5]]));
    host.policy = "grant=accept".parse().unwrap();
    let (state, denials) = up(&host);
    assert_eq!(
        state.unwrap(),
        RunState::Completed,
        "it copes with being denied"
    );
    assert_eq!(denials, ["read `users`"], "told once");
    let line = items(host.store(), "items").remove(7);
    assert!(
        line.contains(r#""saw":[{"denied":true},{"denied":true}]"#),
        "{line}"
    );
}

#[test]
fn an_item_that_fails_after_it_was_denied_something_says_so() {
    for (last, said) in [
        (json!(["fail", "no user"]), "refused: no user"),
        (json!(["panic"]), "trapped: it trapped"),
    ] {
        let mut host = world(json!([
            ["get", "users", "ann"],
            ["put", "secrets", "a", {}],
            last
        ]));
        host.policy = "grant=accept".parse().unwrap();
        let (state, denials) = up(&host);
        assert_eq!(state.unwrap(), RunState::Blocked);
        assert_eq!(denials, ["read `users`", "write `secrets`"]);
        let failed = quarantined(&host);
        assert_eq!(failed.len(), 2, "the others are migrated: {failed:?}");
        for (collection, id) in failed {
            let apart = host.store().apart(&collection, &id).unwrap().unwrap();
            let failure = apart.failure.unwrap();
            assert_eq!(failure.kind, "denied access");
            let expected = format!("it may not read `users`, write `secrets`; {said}");
            assert!(failure.reason.starts_with(&expected), "{}", failure.reason);
        }
    }
}

#[test]
fn an_apps_own_collections_can_be_withheld_too() {
    let commands = json!([["put", "notes", "a", {}]]);
    let mut host = world(commands);
    host.grants.add("made:users".parse().unwrap());
    host.grants.default = DefaultGrant::Nothing;
    let (error, _) = up(&host);
    assert!(matches!(error, Err(HostError::Refused(_))));
    host.policy = "grant=warn".parse().unwrap();
    let (state, denials) = up(&host);
    assert_eq!(state.unwrap(), RunState::Completed);
    assert_eq!(denials, ["write `notes`"]);
    assert!(host.store().collection(&name("notes")).unwrap().is_none());
}

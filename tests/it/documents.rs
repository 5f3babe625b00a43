//! Items as an application reads them: in the shape of its version, whatever runs have made of them by then.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{RunId, RunState, Version};
use godwit::plan::Goal;
use godwit::run::{ChangedItems, Control, Observer, Quiet, RunEvent};
use godwit::store::{Backend, Memory, Store};
use godwit::{Document, HostError, Otherwise, Reading, Shape, with_causes};
use godwit_tests::made::{Order, derive, doing, made, plain, rewrite};
use godwit_tests::store_conformance::Dice;
use godwit_tests::world::{
    catalogue, features, host, name, of_each_kind, seed, small_batches, up, version,
};
use serde_json::{Value, json};

fn reading(at: &str) -> Reading {
    Reading {
        shape: Shape::Of(version(at)),
        ..Reading::default()
    }
}

fn read(host: &Host, id: &str, reading: &Reading) -> Result<Option<Document>, HostError> {
    host.read(&name("items"), id, reading)
}

fn body(document: &Document) -> Value {
    document.json().unwrap()
}

/// All items of a collection as an application reads them, by id.
fn all(host: &Host, collection: &str, reading: &Reading) -> BTreeMap<String, (Version, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let (mut after, limit) = (None, NonZeroUsize::new(1_000).unwrap());
    loop {
        let page = host
            .read_page(&name(collection), after.as_deref(), limit, reading)
            .unwrap();
        for document in page.documents {
            assert_eq!(document.kept_back, None, "{}", document.id);
            found.insert(document.id, (document.version, document.body));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

/// Reads everything in the middle of each step.
struct InBetween<'a> {
    host: &'a Host,
    batches: AtomicU64,
    expected: &'a BTreeMap<String, (Version, Vec<u8>)>,
}

impl Observer for InBetween<'_> {
    fn event(&self, event: &RunEvent) {
        let is_batch = matches!(event, RunEvent::Batch { .. });
        if is_batch && self.batches.fetch_add(1, Ordering::Relaxed) % 40 == 7 {
            let found = all(self.host, "features", &Reading::default());
            assert!(found == *self.expected, "what is read in a run differs");
        }
    }
}

#[test]
fn real_documents_are_read_as_a_run_makes_them_before_in_and_after_it() {
    let mut host = host(
        Arc::new(Memory::new()),
        &catalogue(&["bcd-2-0-0", "bcd-3-0-0", "bcd-3-1-0"]),
    );
    host.options = small_batches(200, 2);
    seed(&host, "bcd", "features", &features().collect::<Vec<_>>());
    let before = all(&host, "features", &Reading::default());
    assert_eq!(before.len(), 20_968);
    assert!(before.values().all(|(at, _)| *at == version("3.1.0")));
    let in_between = InBetween {
        host: &host,
        batches: AtomicU64::new(0),
        expected: &before,
    };
    let reports = host.up(&Goal::default(), &in_between, &Control::default());
    assert_eq!(reports.unwrap()[0].run.state, RunState::Completed);
    assert!(in_between.batches.into_inner() > 100);
    assert!(all(&host, "features", &Reading::default()) == before);
    for (id, (_, body)) in &before {
        let stored = host.store().body(&name("features"), id).unwrap();
        assert_eq!(stored.as_ref(), Some(body), "{id}");
    }
}

fn two_versions() -> Arc<Catalogue> {
    made(&[
        Order::new("made", "2.0.0").step(rewrite("apply", "items")),
        Order::new("made", "3.0.0").step(rewrite("apply", "items")),
    ])
}

#[test]
fn each_item_is_read_in_the_version_that_was_asked_for() {
    let host = host(Arc::new(Memory::new()), &two_versions());
    let removed = doing("gone", "3.0.0/apply", json!([["remove"]]));
    seed(&host, "made", "items", &[plain("a"), removed]);
    let trail = |at: &str| body(&read(&host, "a", &reading(at)).unwrap().unwrap())["trail"].clone();
    assert_eq!(trail("1.0.0"), Value::Null);
    assert_eq!(trail("2.0.0"), json!(["2.0.0/apply"]));
    assert_eq!(trail("3.0.0"), json!(["2.0.0/apply", "3.0.0/apply"]));
    let newest = read(&host, "a", &Reading::default()).unwrap().unwrap();
    assert_eq!(newest.version, version("3.0.0"));
    assert!(read(&host, "gone", &reading("2.0.0")).unwrap().is_some());
    assert!(read(&host, "gone", &reading("3.0.0")).unwrap().is_none());
    assert!(
        read(&host, "nobody", &Reading::default())
            .unwrap()
            .is_none()
    );
    let missing = host.read(&name("nothing"), "a", &Reading::default());
    assert!(
        matches!(missing, Err(HostError::NoCollection(_))),
        "{missing:?}"
    );
    // No version is vouched for that no migration leads to.
    let told = |at: &str| {
        let read = read(&host, "a", &reading(at)).unwrap().unwrap();
        (read.version.to_string(), body(&read)["trail"].clone())
    };
    assert_eq!(told("1.7.0"), ("1.0.0".to_owned(), Value::Null));
    assert_eq!(told("2.7.0"), ("2.0.0".to_owned(), trail("2.0.0")));
    assert_eq!(told("77.0.0"), ("3.0.0".to_owned(), trail("3.0.0")));
    let older = read(&host, "a", &reading("0.9.0")).unwrap_err();
    assert!(matches!(older, HostError::NotBroughtUp { .. }), "{older}");
    // Nor does anybody who asks for many have any of them kept for good.
    for n in 0..200 {
        assert_eq!(told(&format!("1.0.{n}")).0, "1.0.0");
    }
    // Nothing of it was written.
    assert_eq!(
        host.store().body(&name("items"), "a").unwrap().unwrap(),
        plain("a").1.as_bytes()
    );
    up(&host);
    let newer = read(&host, "a", &reading("2.0.0")).unwrap_err();
    assert_eq!(
        newer.to_string(),
        "items/a has version 3.0.0 and cannot be read as 2.0.0: it is newer"
    );
}

#[test]
fn items_that_cannot_be_brought_up_are_refused_or_given_as_they_are_with_the_reason() {
    let catalogue = made(&[
        Order::new("made", "2.0.0").step(rewrite("apply", "items")),
        Order::new("made", "3.0.0")
            .step(derive("look", "items", "notes"))
            .step(json!({"name": "apply", "collection": "items", "reads": ["notes"]})),
    ]);
    let host = host(Arc::new(Memory::new()), &catalogue);
    let items = [
        plain("a"),
        doing("bad", "2.0.0/apply", json!([["fail", "it will not do"]])),
        doing("trap", "2.0.0/apply", json!([["panic"]])),
    ];
    seed(&host, "made", "items", &items);
    let why = |id: &str, at: &str| {
        let refused = read(&host, id, &reading(at)).unwrap_err();
        let lenient = Reading {
            otherwise: Otherwise::AsStored,
            ..reading(at)
        };
        let given = read(&host, id, &lenient).unwrap().unwrap();
        assert_eq!(given.version, version("1.0.0"));
        let reason = given.kept_back.unwrap();
        assert!(with_causes(&refused).ends_with(&reason), "{refused}");
        reason
    };
    assert_eq!(
        why("bad", "2.0.0"),
        "it fails apply of 2.0.0 (refused): it will not do"
    );
    assert!(why("trap", "2.0.0").starts_with("it fails apply of 2.0.0 (trapped): "));
    assert_eq!(
        why("a", "3.0.0"),
        "the way through 3.0.0 is closed: its step apply sees stored items of notes"
    );
    // What failed is known, as long as nobody writes it anew.
    host.put(&name("items"), "bad", &version("1.0.0"), br#"{"good":1}"#)
        .unwrap();
    assert!(read(&host, "bad", &reading("2.0.0")).unwrap().is_some());
    let to = Goal {
        to: Some(version("2.0.0")),
        ..Goal::default()
    };
    host.up(&to, &Quiet, &Control::default()).unwrap();
    let reason = why("trap", "2.0.0");
    assert!(
        reason.starts_with("it is in quarantine since it failed apply of 2.0.0: "),
        "{reason}"
    );
}

#[test]
fn pages_and_queries_give_what_single_reads_give() {
    let backend = Arc::new(Memory::new());
    let index = r#"{"app": "made", "version": "1.5.0", "operations": [
        {"ensure_index": {"collection": "items", "pointer": "/kind"}}]}"#;
    let mut catalogue = Catalogue::new();
    let engine = &*godwit_tests::world::ENGINE;
    catalogue.add(engine, "index.json".into(), index.as_bytes());
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    let file = order.file(godwit_tests::made::LAYOUTS[0]);
    catalogue.add(engine, "made.wasm".into(), &file);
    let host = host(backend, &Arc::new(catalogue));
    let item = |n: usize| {
        let id = format!("{n:02}");
        let body = json!({"_id": id, "kind": n % 3}).to_string();
        (id, body)
    };
    seed(
        &host,
        "made",
        "items",
        &(0..30).map(item).collect::<Vec<_>>(),
    );
    let find = |limit| {
        let limit = NonZeroUsize::new(limit).unwrap();
        let wanted = ("/kind", &json!(1));
        let all = Reading::default();
        let found = host.read_where(&name("items"), wanted, None, limit, &all);
        let (mut page, indexed) = found.unwrap();
        while let Some(next) = page.next.take() {
            let behind = host.read_where(&name("items"), wanted, Some(&next), limit, &all);
            let behind = behind.unwrap().0;
            page.documents.extend(behind.documents);
            page.next = behind.next;
        }
        let documents = page.documents;
        for document in &documents {
            let single = read(&host, &document.id, &Reading::default()).unwrap();
            assert_eq!(Some(document), single.as_ref());
            assert_eq!(body(document)["trail"], json!(["2.0.0/apply"]));
        }
        (documents.len(), indexed)
    };
    assert_eq!(find(100), (10, false));
    let schema = Goal {
        to: Some(version("1.5.0")),
        ..Goal::default()
    };
    host.up(&schema, &Quiet, &Control::default()).unwrap();
    assert_eq!(find(100), (10, true));
    assert_eq!(find(4), (10, true));
    let page = |after: Option<&str>, limit| {
        let limit = NonZeroUsize::new(limit).unwrap();
        let page = host.read_page(&name("items"), after, limit, &Reading::default());
        let page = page.unwrap();
        let ids: Vec<_> = page.documents.into_iter().map(|found| found.id).collect();
        (ids.join(" "), page.next)
    };
    assert_eq!(
        page(None, 3),
        ("00 01 02".to_owned(), Some("02".to_owned()))
    );
    assert_eq!(page(Some("27"), 2), ("28 29".to_owned(), None));
    assert_eq!(page(Some("29"), 2), (String::new(), None));
}

#[test]
fn what_was_brought_up_is_written_back_once_the_app_is_there() {
    let online = json!({"name": "apply", "collection": "items", "online": true});
    let catalogue = made(&[Order::new("made", "2.0.0").step(online)]);
    let backend = Arc::new(Memory::new());
    let host = host(backend, &catalogue);
    seed(&host, "made", "items", &[plain("a"), plain("b")]);
    let back = Reading {
        write_back: true,
        ..Reading::default()
    };
    let stored = |id: &str| {
        let item = host.store().item(&name("items"), id).unwrap().unwrap();
        (
            item.version.to_string(),
            String::from_utf8(item.body).unwrap(),
        )
    };
    let new = r#"{"_id":"a","trail":["2.0.0/apply"]}"#;
    let got = read(&host, "a", &back).unwrap().unwrap();
    assert_eq!(got.body, new.as_bytes());
    assert_eq!(stored("a").0, "1.0.0", "the app is at 1.0.0 still");
    let offline = Goal {
        phase: Some(godwit::model::Phase::Offline),
        ..Goal::default()
    };
    host.up(&offline, &Quiet, &Control::default()).unwrap();
    read(&host, "a", &back).unwrap().unwrap();
    assert_eq!(stored("a"), ("2.0.0".to_owned(), new.to_owned()));
    read(&host, "b", &Reading::default()).unwrap().unwrap();
    assert_eq!(stored("b").0, "1.0.0");
    // The online step leaves alone what is done, and an undo takes it for the application's own write.
    let reports = up(&host);
    assert_eq!(reports[0].steps[0].counts.read, 1);
    host.undo(RunId(2), ChangedItems::Refuse, &Quiet, &Control::default())
        .unwrap();
    assert_eq!(
        (stored("a").0.as_str(), stored("b").0.as_str()),
        ("2.0.0", "1.0.0")
    );
}

#[test]
fn an_application_that_is_behind_writes_nothing() {
    let host = host(Arc::new(Memory::new()), &two_versions());
    seed(&host, "made", "items", &[plain("a")]);
    let put = |at: &str| host.put_document(&name("items"), "new", b"{}", &reading(at));
    put("1.0.0").unwrap();
    up(&host);
    for refused in [
        put("2.0.0"),
        host.delete_document(&name("items"), "a", &reading("2.0.0"))
            .map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "made is at 3.0.0 in the store, and what is written is for 2.0.0"
        );
    }
    put("3.0.0").unwrap();
    let stamped = host.store().item(&name("items"), "new").unwrap().unwrap();
    assert_eq!(stamped.version, version("3.0.0"));
    assert!(
        host.delete_document(&name("items"), "a", &Reading::default())
            .unwrap()
    );
}

/// A host beside which others read and write at the same time.
fn shared(backend: Arc<dyn Backend>, catalogue: Arc<Catalogue>) -> Host {
    let store = Store::new(backend).unwrap();
    let mut host = Host::new(store, catalogue, crate::online::surroundings());
    host.options = small_batches(8, 2);
    host.patience = std::time::Duration::from_secs(60);
    host
}

#[test]
fn readers_see_the_new_shape_and_the_last_word_while_others_write_and_a_run_goes_on() {
    let online = |version: &str| {
        let step = json!({"name": "apply", "collection": "items", "online": true});
        Order::new("made", version).step(step)
    };
    let catalogue = made(&[online("2.0.0"), online("3.0.0")]);
    for (backend, _folder) in of_each_kind() {
        let host = shared(backend, catalogue.clone());
        let item = |n: u64| plain(&format!("{n:03}"));
        seed(
            &host,
            "made",
            "items",
            &(0..300).map(item).collect::<Vec<_>>(),
        );
        let last: Vec<AtomicU64> = (0..300).map(|_| AtomicU64::new(0)).collect();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut dice = Dice::new(3);
                for n in 1..400 {
                    let place = dice.below(300);
                    let id = format!("{place:03}");
                    let body = json!({"_id": id, "n": n}).to_string();
                    host.put(&name("items"), &id, &version("1.0.0"), body.as_bytes())
                        .unwrap();
                    last[place].store(n, Ordering::SeqCst);
                }
                is_over.store(true, Ordering::SeqCst);
            });
            scope.spawn(|| {
                let mut dice = Dice::new(5);
                while !is_over.load(Ordering::SeqCst) {
                    let place = dice.below(300);
                    let known = last[place].load(Ordering::SeqCst);
                    let found = read(&host, &format!("{place:03}"), &Reading::default());
                    let found = body(&found.unwrap().unwrap());
                    assert_eq!(found["trail"], json!(["2.0.0/apply", "3.0.0/apply"]));
                    assert!(found["n"].as_u64().unwrap_or(0) >= known, "{found} {known}");
                }
            });
            while !is_over.load(Ordering::SeqCst) {
                up(&host);
            }
        });
    }
}

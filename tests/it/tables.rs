//! Documents in tables of the application's own are migrated where they are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::RunState;
use godwit::plan::Goal;
use godwit::run::{ChangedItems, Control, Observer, Quiet, RunEvent};
use godwit::store::{Backend, Compression, Memory, OpenMode, Postgres, Store, Table};
use godwit::{Attachment, ErrorKind, HostError, ItemWrite, Surroundings, WorkOptions};
use godwit_tests::made::{LAYOUTS, Order, derive, doing, doing_all, made, plain, rewrite};
use godwit_tests::postgres::Server;
use godwit_tests::store_conformance::Dice;
use godwit_tests::world::{
    ENGINE, catalogue_with, host, items, name, quarantined, seed, small_batches, up, up_accepting,
    version,
};
use serde_json::{Value, json};

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    let order = |version: &&str| Order::new("made", version).step(rewrite("apply", "items"));
    let orders: Vec<_> = ["2.0.0", "3.0.0"].iter().map(order).collect();
    made(&orders)
});

fn some_items(count: usize) -> Vec<(String, String)> {
    let item = |n: usize| {
        let id = format!("{n:04}");
        match n % 20 {
            3 => doing(&id, "2.0.0/apply", json!([["remove"]])),
            7 => doing(&id, "3.0.0/apply", json!([["keep"]])),
            11 => doing(&id, "3.0.0/apply", json!([["fail", "it will not do"]])),
            _ => plain(&id),
        }
    };
    (0..count).map(item).collect()
}

/// What makes a table with documents.
fn table_of(server: &Server, columns: &str, all: &[(String, String)]) {
    server.psql(&format!(
        "CREATE SCHEMA app; CREATE TABLE app.notes ({columns})"
    ));
    for some in all.chunks(200) {
        let rows: Vec<_> = some
            .iter()
            .map(|(id, body)| format!("('{id}', '{}')", body.replace('\'', "''")))
            .collect();
        server.psql(&format!(
            "INSERT INTO app.notes (id, doc) VALUES {}",
            rows.join(",")
        ));
    }
}

const COLUMNS: &str = "id text PRIMARY KEY, doc jsonb, owner text NOT NULL DEFAULT 'me'";

fn notes() -> Attachment {
    Attachment {
        app: name("made"),
        version: version("1.0.0"),
        table: Table::new("app.notes", "id", "doc"),
    }
}

fn store(server: &Server) -> Store {
    let backend = Postgres::open(&server.url(), OpenMode::Create).unwrap();
    Store::new(Arc::new(backend)).unwrap()
}

fn host_on(server: &Server, catalogue: &Arc<Catalogue>) -> Host {
    let mut host = Host::new(
        store(server),
        catalogue.clone(),
        Surroundings::of_this_process(),
    );
    host.options = small_batches(5, 1);
    host
}

fn attached(server: &Server, catalogue: &Arc<Catalogue>) -> Host {
    let host = host_on(server, catalogue);
    assert!(host.attach(&name("items"), &notes()).unwrap());
    host
}

/// What the application sees.
fn rows(server: &Server) -> BTreeMap<String, Value> {
    let rows = server.psql("SELECT id, doc FROM app.notes WHERE doc IS NOT NULL ORDER BY id");
    let row = |line: &str| {
        let (id, doc) = line.split_once('|').unwrap();
        (id.to_owned(), serde_json::from_str(doc).unwrap())
    };
    rows.lines().map(row).collect()
}

/// What a store that has the items itself makes of them.
fn expected(all: &[(String, String)]) -> (BTreeMap<String, Value>, Vec<String>) {
    let mut host = host(Arc::new(Memory::new()), &CATALOGUE);
    host.options = small_batches(5, 1);
    seed(&host, "made", "items", all);
    up_accepting(&host, &Quiet);
    let mut bodies = BTreeMap::new();
    let heads = items(host.store(), "items")
        .iter()
        .map(|line| {
            let (head, body) = line.split_once(" {").unwrap();
            let id = head.split(' ').next().unwrap().to_owned();
            bodies.insert(id, serde_json::from_str(&format!("{{{body}")).unwrap());
            head.to_owned()
        })
        .collect();
    (bodies, heads)
}

/// Has workers bring a store up to date.
fn work_together(server: &Server, catalogue: &Arc<Catalogue>, workers: usize) {
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let host = host_on(server, catalogue);
            let options = WorkOptions {
                stays: false,
                range_items: 30,
            };
            scope.spawn(move || {
                host.work(&Goal::default(), &options, &Quiet, &Control::default())
                    .unwrap()
            });
        }
    });
}

/// Nothing of a store is found to be wrong.
fn check_is_sound(host: &Host) {
    let mut tell = |flaw: godwit::Flaw| panic!("{}", flaw.what);
    let verified = host.verify(&[], &|_, _| None, &mut tell, &Control::default());
    assert!(verified.unwrap().done);
}

/// Ids and versions of items.
fn heads(host: &Host) -> Vec<String> {
    let head = |line: String| line.split_once(" {").unwrap().0.to_owned();
    items(host.store(), "items").into_iter().map(head).collect()
}

#[test]
fn a_table_is_migrated_where_it_is_and_back_whoever_works() {
    let all = some_items(300);
    let (bodies, expected_heads) = expected(&all);
    for workers in [0, 1, 3] {
        let server = Server::start();
        table_of(&server, COLUMNS, &all);
        server.psql("INSERT INTO app.notes (id, doc) VALUES ('nothing', NULL)");
        let before = rows(&server);
        let host = attached(&server, &CATALOGUE);
        assert!(!host.attach(&name("items"), &notes()).unwrap());
        let status = host.status().unwrap();
        assert_eq!(status.collections[0].tallies.items, 300);
        let mut runs = Vec::new();
        while runs.is_empty() || !quarantined(&host).is_empty() {
            host.accept(&quarantined(&host)).unwrap();
            if workers == 0 {
                host.up(&Goal::default(), &Quiet, &Control::default())
                    .unwrap();
            }
            work_together(&server, &CATALOGUE, workers);
            runs = host.store().runs().unwrap();
        }
        assert_eq!(rows(&server), bodies, "{workers}");
        assert_eq!(heads(&host), expected_heads);
        let entries = "SELECT count(*) FROM godwit.entries WHERE substring(key FROM 1 FOR 1) = 'D'";
        assert_eq!(server.psql(entries), "0", "items lie in the table only");
        check_is_sound(&host);
        for run in runs.iter().rev() {
            if run.state == RunState::Completed {
                host.undo(run.id, ChangedItems::Refuse, &Quiet, &Control::default())
                    .unwrap();
            }
        }
        assert_eq!(rows(&server), before);
        let owners = "SELECT DISTINCT owner FROM app.notes";
        assert_eq!(server.psql(owners), "me", "what is no document stays");
        assert_eq!(
            server.psql("SELECT doc IS NULL FROM app.notes WHERE id = 'nothing'"),
            "t"
        );
    }
}

#[test]
fn what_the_application_writes_in_sql_meanwhile_is_not_overwritten() {
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    let catalogue = made(&[order]);
    for workers in [0, 3] {
        let server = Server::start();
        let all: Vec<_> = (0..400).map(|n| plain(&format!("{n:04}"))).collect();
        table_of(&server, COLUMNS, &all);
        let host = attached(&server, &catalogue);
        let is_over = AtomicBool::new(false);
        let written = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let (mut dice, mut last, mut number) = (Dice::new(7), BTreeMap::new(), 0);
                while (!is_over.load(Ordering::Relaxed) && number < 300) || number < 20 {
                    number += 1;
                    let id = format!("{:04}", dice.below(400));
                    let gone = dice.below(8) == 0;
                    server.psql(&match gone {
                        true => format!("DELETE FROM app.notes WHERE id = '{id}'"),
                        false => format!(
                            "UPDATE app.notes SET doc = jsonb_set(doc, '{{written}}', '{number}')
                            WHERE id = '{id}'"
                        ),
                    });
                    let is_gone = last.get(&id) == Some(&None);
                    if !is_gone {
                        last.insert(id, (!gone).then_some(number));
                    }
                }
                last
            });
            if workers == 0 {
                host.up(&Goal::default(), &Quiet, &Control::default())
                    .unwrap();
            }
            let workers: Vec<_> = (0..workers)
                .map(|_| {
                    let host = host_on(&server, &catalogue);
                    let options = WorkOptions {
                        stays: false,
                        range_items: 20,
                    };
                    scope.spawn(move || {
                        host.work(&Goal::default(), &options, &Quiet, &Control::default())
                            .unwrap()
                    })
                })
                .collect();
            workers
                .into_iter()
                .for_each(|worker| drop(worker.join().unwrap()));
            is_over.store(true, Ordering::Relaxed);
            writer.join().unwrap()
        });
        let found = rows(&server);
        for (id, _) in &all {
            let Some(expected) = written.get(id).copied().unwrap_or(Some(0)) else {
                assert!(!found.contains_key(id), "{id} came back");
                continue;
            };
            let doc = &found[id];
            assert_eq!(doc["trail"], json!(["2.0.0/apply"]), "{id}: {doc}");
            assert_eq!(
                doc["written"].as_i64().unwrap_or(0),
                expected,
                "{id}: {doc}"
            );
        }
        assert!(quarantined(&host).is_empty());
        up(&host);
    }
}

#[test]
fn keys_of_every_type_are_ids_and_versions_are_told() {
    let server = Server::start();
    let uuid = |n: usize| format!("00000000-0000-4000-8000-{n:012}");
    for (number, (key, id)) in [
        (
            "bigint",
            (&|n: usize| n.to_string()) as &dyn Fn(usize) -> String,
        ),
        ("uuid", &uuid),
        ("varchar(40)", &|n: usize| format!("Ä{n}")),
        // One whose order is not that of bytes.
        ("text COLLATE \"und-x-icu\"", &|n: usize| {
            format!("{}{n}", ["a", "B", "ä", "-", "Z"][n % 5])
        }),
    ]
    .into_iter()
    .enumerate()
    {
        for body in ["jsonb", "json", "text"] {
            server.psql("DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA IF EXISTS godwit CASCADE");
            let columns =
                format!("id {key} UNIQUE NOT NULL, doc {body} NOT NULL, \"Version\" text");
            let all: Vec<_> = (1..=60).map(|n| plain(&id(n))).collect();
            table_of(&server, &columns, &all);
            server.psql(&format!(
                "UPDATE app.notes SET \"Version\" = '2.0.0' WHERE id = '{}'",
                id(5)
            ));
            let host = host_on(&server, &CATALOGUE);
            let mut attachment = notes();
            attachment.table.version = Some("Version".to_owned());
            host.attach(&name("items"), &attachment).unwrap();
            up(&host);
            let versions = "SELECT \"Version\", count(*) FROM app.notes GROUP BY 1";
            assert_eq!(server.psql(versions), "3.0.0|60", "{key} {body}");
            let all = rows(&server);
            assert_eq!(all.len(), 60);
            for (found, doc) in &all {
                let is_newer = *found == id(5);
                let trail: &[&str] = match is_newer {
                    true => &["3.0.0/apply"],
                    false => &["2.0.0/apply", "3.0.0/apply"],
                };
                assert_eq!(doc["trail"], json!(trail), "{key} {body} {number}");
            }
            // The application writes through the library, too.
            let new = id(99);
            let write = |id: &str| {
                host.write(&[ItemWrite {
                    collection: name("items"),
                    id: id.to_owned(),
                    item: Some((version("3.0.0"), br#"{"new":true}"#)),
                }])
            };
            write(&new).unwrap();
            assert_eq!(rows(&server)[&new], json!({"new": true}));
            if key == "bigint" {
                let error = write("007").unwrap_err().to_string();
                assert!(
                    error.contains("how a value of its key, bigint, is written"),
                    "{error}"
                );
                assert_eq!(rows(&server).len(), 61);
            }
        }
    }
}

#[test]
fn rows_that_the_application_writes_with_an_older_version_are_brought_up_to_date() {
    let server = Server::start();
    let columns = "id text PRIMARY KEY, doc jsonb, v text DEFAULT '1.0.0'";
    table_of(&server, columns, &[plain("a"), plain("b")]);
    let host = host_on(&server, &CATALOGUE);
    let mut attachment = notes();
    attachment.table.version = Some("v".to_owned());
    host.attach(&name("items"), &attachment).unwrap();
    up(&host);
    // An application of an older version is still there.
    server.psql(
        r#"INSERT INTO app.notes (id, doc) VALUES ('0', '{"_id": "0"}');
        UPDATE app.notes SET doc = '{"_id": "b"}', v = '2.0.0' WHERE id = 'b'"#,
    );
    up(&host);
    let found = rows(&server);
    assert_eq!(found["0"]["trail"], json!(["2.0.0/apply", "3.0.0/apply"]));
    assert_eq!(found["a"]["trail"], json!(["2.0.0/apply", "3.0.0/apply"]));
    assert_eq!(found["b"]["trail"], json!(["3.0.0/apply"]));
    assert_eq!(server.psql("SELECT DISTINCT v FROM app.notes"), "3.0.0");
    assert!(up(&host).is_empty(), "nothing is left");
    // A worker notices, too.
    server.psql(r#"INSERT INTO app.notes (id, doc) VALUES ('1', '{"_id": "1"}')"#);
    host.work(
        &Goal::default(),
        &WorkOptions::default(),
        &Quiet,
        &Control::default(),
    )
    .unwrap();
    let trail = &rows(&server)["1"]["trail"];
    assert_eq!(*trail, json!(["2.0.0/apply", "3.0.0/apply"]));
}

/// An application that adds a row once a step is done.
struct AddsBehind<'a>(&'a Server);

impl Observer for AddsBehind<'_> {
    fn event(&self, event: &RunEvent) {
        if let RunEvent::StepDone { step, .. } = event
            && step.version == version("2.0.0")
        {
            self.0
                .psql(r#"INSERT INTO app.notes (id, doc) VALUES ('z', '{"_id": "z"}')"#);
        }
    }
}

#[test]
fn rows_that_are_added_behind_a_step_are_not_fed_to_the_next_before_they_have_gone_through_it() {
    let server = Server::start();
    let columns = "id text PRIMARY KEY, doc jsonb, v text DEFAULT '1.0.0'";
    table_of(&server, columns, &[plain("a"), plain("b")]);
    let mut host = host_on(&server, &CATALOGUE);
    host.options.fused_steps = 1;
    let mut attachment = notes();
    attachment.table.version = Some("v".to_owned());
    host.attach(&name("items"), &attachment).unwrap();
    host.up(&Goal::default(), &AddsBehind(&server), &Control::default())
        .unwrap();
    assert_eq!(rows(&server)["z"], json!({"_id": "z"}));
    assert_eq!(
        server.psql("SELECT v FROM app.notes WHERE id = 'z'"),
        "1.0.0"
    );
    up(&host);
    let found = rows(&server);
    for id in ["a", "b", "z"] {
        assert_eq!(found[id]["trail"], json!(["2.0.0/apply", "3.0.0/apply"]));
    }
    assert_eq!(server.psql("SELECT DISTINCT v FROM app.notes"), "3.0.0");
}

#[test]
fn an_index_is_one_of_sql_and_finds_what_the_application_has_just_written() {
    let server = Server::start();
    let all: Vec<_> = (0..50)
        .map(|n| {
            (
                format!("{n:02}"),
                json!({"tag": n % 5, "a/b": {"c": [n]}}).to_string(),
            )
        })
        .collect();
    table_of(&server, COLUMNS, &all);
    let schema = |version: &str, operations: Value| {
        json!({"app": "made", "version": version, "operations": operations}).to_string()
    };
    let ensure = json!([
        {"ensure_index": {"collection": "items", "pointer": "/tag"}},
        {"ensure_index": {"collection": "items", "pointer": "/a~1b/c/0"}},
    ]);
    let drop = json!([{"drop_index": {"collection": "items", "pointer": "/tag"}}]);
    let (ensure, drop) = (schema("2.0.0", ensure), schema("3.0.0", drop));
    let host = host_on(&server, &catalogue_with(&[], &[&ensure]));
    host.attach(&name("items"), &notes()).unwrap();
    up(&host);
    let count = || {
        server.psql(
            "SELECT count(*) FROM pg_indexes WHERE schemaname = 'app' AND indexdef LIKE '%hash%'",
        )
    };
    assert_eq!(count(), "2");
    let find = |pointer: &str, value: Value| {
        host.store()
            .find(&name("items"), (pointer, &value), None, 100)
            .unwrap()
    };
    let found = find("/tag", json!(3.0));
    assert!(found.by_index);
    assert_eq!(found.ids.len(), 10);
    assert_eq!(find("/a~1b/c/0", json!(17)).ids, ["17"]);
    server.psql("INSERT INTO app.notes (id, doc) VALUES ('new', '{\"tag\": 3}'); DELETE FROM app.notes WHERE id = '03'");
    let found = find("/tag", json!(3));
    assert_eq!(
        found.ids,
        ["08", "13", "18", "23", "28", "33", "38", "43", "48", "new"]
    );
    // A long text is no matter for it.
    let long = "x".repeat(100_000);
    server.psql(&format!(
        "INSERT INTO app.notes (id, doc) VALUES ('long', '{{\"tag\": \"{long}\"}}')"
    ));
    assert_eq!(find("/tag", json!(long)).ids, ["long"]);
    check_is_sound(&host);
    let host = host_on(&server, &catalogue_with(&[], &[&ensure, &drop]));
    up(&host);
    assert_eq!(count(), "1");
    let last = host.store().runs().unwrap().pop().unwrap();
    host.undo(last.id, ChangedItems::Refuse, &Quiet, &Control::default())
        .unwrap();
    assert_eq!(count(), "2", "an undo has made it again");
}

#[test]
fn keys_of_rows_are_in_order_whatever_the_bounds_are() {
    let server = Server::start();
    let ids = ["a", "a1", "b", "ba", "é", "z"];
    table_of(&server, COLUMNS, &ids.map(plain));
    let host = attached(&server, &CATALOGUE);
    seed(&host, "made", "before", &[plain("x")]);
    seed(&host, "made", "zz", &[plain("y")]);
    let backend = host.store().backend();
    let scan = |from: &[u8], to: &[u8]| {
        let mut keys = Vec::new();
        let see = &mut |key: &[u8], _: &[u8]| {
            keys.push(key.to_vec());
            std::ops::ControlFlow::Continue(())
        };
        backend.scan(from, to, see).unwrap();
        keys
    };
    let all = scan(b"D", b"E");
    assert_eq!(all.len(), 8);
    assert!(all.is_sorted());
    let mut bounds = vec![b"D".to_vec(), b"E".to_vec(), b"Ditems\0".to_vec()];
    for key in &all {
        let mut cut = key.clone();
        cut.pop();
        bounds.extend([
            key.clone(),
            [key, &b"\0"[..]].concat(),
            [key, &b"\0x"[..]].concat(),
            cut,
        ]);
    }
    for from in &bounds {
        for to in &bounds {
            let inside = |key: &&Vec<u8>| *key >= from && *key < to;
            let expected: Vec<_> = all.iter().filter(inside).cloned().collect();
            assert_eq!(scan(from, to), expected, "{}", from.escape_ascii());
            for n in 1..4 {
                let found = backend.nth(n, from, to).unwrap();
                let at = usize::try_from(n).unwrap() - 1;
                assert_eq!(found.as_ref(), expected.get(at), "{}", from.escape_ascii());
            }
        }
    }
}

#[test]
fn a_process_that_was_there_before_learns_of_the_table() {
    let server = Server::start();
    table_of(&server, COLUMNS, &some_items(40));
    let before = host_on(&server, &CATALOGUE);
    assert_eq!(before.status().unwrap().collections.len(), 0);
    attached(&server, &CATALOGUE);
    assert_eq!(heads(&before).len(), 40);
    let another = host_on(&server, &CATALOGUE);
    let stays = store(&server);
    up_accepting(&another, &Quiet);
    assert!(stays.item(&name("items"), "0001").unwrap().is_some());
}

#[test]
fn what_does_not_do_is_refused_and_nothing_is_changed() {
    let server = Server::start();
    table_of(
        &server,
        "id text, doc jsonb, n numeric PRIMARY KEY DEFAULT random(), b bytea",
        &[],
    );
    server.psql("CREATE TABLE app.twins (id text PRIMARY KEY, doc jsonb); CREATE VIEW app.seen AS SELECT * FROM app.twins; CREATE TABLE app.parts (id text PRIMARY KEY, doc jsonb) PARTITION BY HASH (id)");
    let host = host_on(&server, &CATALOGUE);
    let refused = |table: Table| {
        let attachment = Attachment { table, ..notes() };
        let error = host.attach(&name("items"), &attachment).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
        error.to_string()
    };
    for (table, reason) in [
        (
            Table::new("app.nowhere", "id", "doc"),
            "there is no table app.nowhere",
        ),
        (Table::new("notes", "id", "doc"), "there is no table notes"),
        (
            Table::new("app.notes", "id", "doc"),
            "its column id is not unique",
        ),
        (
            Table::new("app.notes", "n", "doc"),
            "its column n is of type numeric",
        ),
        (
            Table::new("app.notes", "id", "b"),
            "its column b is of type bytea, and may be jsonb",
        ),
        (
            Table::new("app.notes", "no", "doc"),
            "app.notes has no column no",
        ),
        (
            Table::new("app.parts", "id", "doc"),
            "app.parts is in partitions",
        ),
        (
            Table::new("app.seen", "id", "doc"),
            "is no table of which rows can be locked",
        ),
    ] {
        let error = refused(table);
        assert!(error.contains(reason), "{error}");
    }
    assert!(host.store().collections().unwrap().is_empty());
    let twins = Attachment {
        table: Table::new("app.twins", "id", "doc"),
        ..notes()
    };
    host.attach(&name("items"), &twins).unwrap();
    let error = refused(Table::new("app.notes", "id", "doc"));
    assert!(
        error.contains("it lies in app.twins (key id, body doc) already"),
        "{error}"
    );

    let newer = Attachment {
        version: version("2.0.0"),
        ..notes()
    };
    let error = host
        .attach(&name("others"), &newer)
        .unwrap_err()
        .to_string();
    assert!(error.contains("made is at 1.0.0 by now"), "{error}");

    seed(&host, "made", "others", &some_items(3));
    let error = host
        .attach(&name("others"), &notes())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("there is a collection of this name already"),
        "{error}"
    );
    let shadow = host.up_shadow(&Goal::default(), &Quiet, &Control::default());
    let error = shadow.err().unwrap().to_string();
    assert!(error.contains("has no shadow"), "{error}");

    let memory = godwit_tests::world::memory_host(&CATALOGUE);
    let error = memory.attach(&name("items"), &notes()).unwrap_err();
    assert!(matches!(error, HostError::Store(_)), "{error}");
}

#[test]
fn a_commit_of_the_table_and_the_rest_is_one() {
    let server = Server::start();
    table_of(
        &server,
        "id text PRIMARY KEY, doc jsonb CHECK (NOT doc ? 'bad')",
        &[plain("a")],
    );
    let host = attached(&server, &CATALOGUE);
    let write = |id: &str, body: &'static [u8]| ItemWrite {
        collection: name("items"),
        id: id.to_owned(),
        item: Some((version("1.0.0"), body)),
    };
    let before = godwit_tests::world::dump(host.store().backend());
    let error = host
        .write(&[write("a", b"{\"good\":1}"), write("b", b"{\"bad\":1}")])
        .unwrap_err();
    let told = godwit::with_causes(&error);
    assert!(told.contains("notes_doc_check"), "{told}");
    assert_eq!(godwit_tests::world::dump(host.store().backend()), before);
    host.write(&[write("a", b"{\"good\":1}"), write("b", b"{\"good\":2}")])
        .unwrap();
    assert_eq!(rows(&server).len(), 2);
}

#[tokio::test]
async fn an_application_that_embeds_the_host_attaches_a_table_and_works_along() {
    let server = Server::start();
    table_of(&server, COLUMNS, &some_items(30));
    let mut builder = godwit::Host::builder()
        .url(server.url())
        .table(name("items"), notes());
    for version in ["2.0.0", "3.0.0"] {
        let order = Order::new("made", version).step(rewrite("apply", "items"));
        builder = builder.plugin(format!("made-{version}.wasm"), order.file(LAYOUTS[0]));
    }
    let host = builder.open().await.unwrap();
    let worked = host
        .work(Goal::default(), WorkOptions::default())
        .await
        .unwrap();
    assert_eq!(worked.reports.len(), 1);
    assert_eq!(rows(&server)["0001"]["trail"][0], "2.0.0/apply");
    host.shutdown().await;
    let url = server.url();
    let other = Attachment {
        app: name("other"),
        table: Table::new("app.others", "id", "doc"),
        ..notes()
    };
    let refused = godwit::Host::builder()
        .url(url)
        .table(name("others"), other)
        .open()
        .await;
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("there is no table app.others"), "{error}");
}

#[test]
fn what_a_column_has_no_room_for_goes_into_quarantine() {
    let server = Server::start();
    let zero = doing(
        "a",
        "2.0.0/apply",
        json!([["text", r#"{"zero":"\u0000"}"#]]),
    );
    table_of(&server, COLUMNS, &[zero, plain("b")]);
    let host = attached(&server, &CATALOGUE);
    up(&host);
    assert_eq!(quarantined(&host), [(name("items"), "a".to_owned())]);
    let apart = host.store().apart(&name("items"), "a").unwrap().unwrap();
    let reason = apart.failure.unwrap().reason;
    assert!(reason.contains("is not what jsonb can hold"), "{reason}");
    assert_eq!(rows(&server)["b"]["trail"], json!(["2.0.0/apply"]));
}

#[test]
fn compressed_stores_leave_tables_as_they_are() {
    let server = Server::start();
    let long = json!({"_id": "a", "text": "again and ".repeat(200)}).to_string();
    table_of(&server, COLUMNS, &[("a".to_owned(), long)]);
    attached(&server, &CATALOGUE);
    let store = store(&server).compressing(Compression::Lz4);
    let host = Host::new(store, CATALOGUE.clone(), Surroundings::of_this_process());
    up(&host);
    assert_eq!(
        rows(&server)["a"]["trail"],
        json!(["2.0.0/apply", "3.0.0/apply"])
    );
}

#[test]
fn bodies_as_jsonb_are_there_for_others_and_stay_as_they_were_to_the_byte() {
    let server = Server::start();
    let url = format!("{}?bodies=jsonb", server.url());
    let backend: Arc<dyn Backend> = Arc::new(Postgres::open(&url, OpenMode::Create).unwrap());
    let mut host = host(backend, &CATALOGUE);
    host.options = small_batches(5, 1);
    let mut all = some_items(60);
    // What `jsonb` has no room for is there all the same, and only hidden.
    let odd = [
        ("x1", r#"{ "b" : 1.0 , "a":[1e2, -0], "b2":"é\/" }"#),
        ("x2", r#"{"zero":"\u0000"}"#),
        ("x3", r#"{"huge":1e999999}"#),
        ("x4", r#"{"twice":1,"twice":2}"#),
    ];
    all.extend(odd.map(|(id, body)| (id.to_owned(), body.to_owned())));
    seed(&host, "made", "items", &all);
    for (id, body) in odd {
        let found = host.store().body(&name("items"), id).unwrap().unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), body);
    }
    let hidden = "SELECT 64 - count(*) FROM godwit.items WHERE collection = 'items'";
    assert_eq!(server.psql(hidden), "3");
    assert_eq!(
        server.psql("SELECT body ->> 'b' FROM godwit.items WHERE id = 'x1'"),
        "1.0"
    );
    let memory = godwit_tests::world::memory_host(&CATALOGUE);
    seed(&memory, "made", "items", &all);
    let digest = |host: &Host| host.digests(&[]).unwrap()[0].digest;
    assert_eq!(digest(&host), digest(&memory));
    up_accepting(&host, &Quiet);
    up_accepting(&memory, &Quiet);
    assert_eq!(digest(&host), digest(&memory));
    let shown =
        server.psql("SELECT count(*) FROM godwit.items WHERE body -> 'trail' ? '3.0.0/apply'");
    assert!(shown.parse::<u32>().unwrap() > 40, "{shown}");

    // An index is there for those who ask in SQL, as well.
    let schema = json!({"app": "made", "version": "4.0.0", "operations":
        [{"ensure_index": {"collection": "items", "pointer": "/_id"}}]});
    let mut catalogue = Catalogue::new();
    for version in ["2.0.0", "3.0.0"] {
        let order = Order::new("made", version).step(rewrite("apply", "items"));
        let file = format!("made-{version}.wasm");
        catalogue.add(&ENGINE, file.into(), &order.file(LAYOUTS[0]));
    }
    catalogue.add(&ENGINE, "index.json".into(), schema.to_string().as_bytes());
    let store = host.store().clone();
    let host = Host::new(store, catalogue, Surroundings::of_this_process());
    up(&host);
    let indexes =
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'godwit' AND indexdef LIKE '%hash%'";
    assert!(server.psql(indexes).contains("_id"));
    let value = json!("0005");
    let found = host
        .store()
        .find(&name("items"), ("/_id", &value), None, 10)
        .unwrap();
    assert_eq!((found.ids, found.by_index), (vec!["0005".to_owned()], true));

    // The choice is the store's, and is made once.
    assert!(Postgres::open(&server.url(), OpenMode::Existing).is_ok());
    let other = format!("{}?bodies=bytea", server.url());
    let error = Postgres::open(&other, OpenMode::Existing).err().unwrap();
    assert!(
        error.to_string().contains("made with bodies=jsonb"),
        "{error}"
    );
    let unknown = format!("{}?bodies=xml", server.url());
    let error = Postgres::open(&unknown, OpenMode::Create).err().unwrap();
    assert!(
        error.to_string().contains("bytea or jsonb, not `xml`"),
        "{error}"
    );
}

#[test]
fn rows_that_no_step_changes_have_the_version_all_the_same() {
    for workers in [0, 2] {
        let server = Server::start();
        let keep = json!({"2.0.0/apply": [["keep"]], "3.0.0/apply": [["keep"]]});
        let mut all: Vec<_> = (0..40).map(|n| plain(&format!("{n:02}"))).collect();
        for n in (0..40).step_by(3) {
            let id = format!("{n:02}");
            all[n] = doing_all(&id, keep.clone());
        }
        let columns = "id text PRIMARY KEY, doc jsonb, v text";
        table_of(&server, columns, &all);
        let host = host_on(&server, &CATALOGUE);
        let mut attachment = notes();
        attachment.table.version = Some("v".to_owned());
        host.attach(&name("items"), &attachment).unwrap();
        let before = rows(&server);
        match workers {
            0 => drop(up(&host)),
            _ => work_together(&server, &CATALOGUE, workers),
        }
        assert_eq!(server.psql("SELECT DISTINCT v FROM app.notes"), "3.0.0");
        assert_eq!(rows(&server)["03"], before["03"]);
        assert!(up(&host).is_empty(), "nothing is behind");
        let last = host.store().runs().unwrap().pop().unwrap();
        host.undo(last.id, ChangedItems::Refuse, &Quiet, &Control::default())
            .unwrap();
        assert_eq!(rows(&server), before);
    }
}

#[test]
fn rows_that_are_gone_are_forgotten_and_stay_gone() {
    let server = Server::start();
    let failing = doing("a", "2.0.0/apply", json!([["fail", "it will not do"]]));
    table_of(&server, COLUMNS, &[failing, plain("b"), plain("c")]);
    let host = attached(&server, &CATALOGUE);
    up(&host);
    assert_eq!(quarantined(&host).len(), 1);
    server.psql("DELETE FROM app.notes WHERE id = 'a'");
    up(&host);
    assert!(quarantined(&host).is_empty());
    assert_eq!(
        rows(&server)["b"]["trail"],
        json!(["2.0.0/apply", "3.0.0/apply"])
    );
    // An undo brings nothing back that the application has done away with.
    server.psql("DELETE FROM app.notes WHERE id = 'b'");
    for run in host.store().runs().unwrap().iter().rev() {
        host.undo(run.id, ChangedItems::Leave, &Quiet, &Control::default())
            .unwrap();
    }
    let left = rows(&server);
    assert_eq!(left.keys().collect::<Vec<_>>(), ["c"]);
    assert_eq!(left["c"], json!({"_id": "c"}));
    // A row without a document gets one.
    server.psql("INSERT INTO app.notes (id, doc, owner) VALUES ('d', NULL, 'somebody')");
    host.write(&[ItemWrite {
        collection: name("items"),
        id: "d".to_owned(),
        item: Some((version("1.0.0"), b"{}")),
    }])
    .unwrap();
    let owner = "SELECT doc, owner FROM app.notes WHERE id = 'd'";
    assert_eq!(server.psql(owner), "{}|somebody");
}

#[test]
fn rows_that_the_application_holds_are_waited_for() {
    let server = Server::start();
    let all: Vec<_> = (0..20).map(|n| plain(&format!("{n:02}"))).collect();
    table_of(&server, COLUMNS, &all);
    let mut host = attached(&server, &CATALOGUE);
    host.lease_duration = 1_000;
    std::thread::scope(|scope| {
        let holding = scope.spawn(|| {
            server.psql(
                "BEGIN; UPDATE app.notes SET doc = jsonb_set(doc, '{held}', 'true') WHERE id = '07';
                SELECT pg_sleep(3); COMMIT",
            )
        });
        let is_held = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3)%'
            AND wait_event = 'PgSleep'";
        while server.psql(is_held) == "0" {}
        up(&host);
        holding.join().unwrap();
    });
    let found = rows(&server);
    let trail = json!(["2.0.0/apply", "3.0.0/apply"]);
    assert!(found.values().all(|doc| doc["trail"] == trail));
    assert_eq!(found["07"]["held"], json!(true));
}

#[test]
fn what_a_step_is_not_fed_is_not_written_to_a_table() {
    let server = Server::start();
    table_of(&server, COLUMNS, &[plain("a")]);
    let derives = Order::new("made", "2.0.0").step(derive("derive", "others", "items"));
    let host = attached(&server, &made(&[derives]));
    seed(&host, "made", "others", &[plain("x")]);
    let error = host
        .up(&Goal::default(), &Quiet, &Control::default())
        .unwrap_err();
    let told = godwit::with_causes(&error);
    assert!(
        told.contains("would write its rows by `documents`"),
        "{told}"
    );
}

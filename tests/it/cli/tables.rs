//! Tables of an application's own, named in godwit.toml.

use std::collections::BTreeMap;

use godwit_tests::cli::{Cli, Ended};
use godwit_tests::postgres::Server;
use godwit_tests::world::fixture;
use serde_json::Value;

const GUESTS: [&str; 2] = ["bcd-2-0-0", "bcd-3-0-0"];

/// A folder whose godwit.toml names a server, and a table on it.
fn folder(server: &Server, table: &str) -> Cli {
    let cli = Cli::new();
    let toml = format!(
        "store = \"{}\"\nplugins = \"plugins\"\n
        [tables.items]\napp = \"bcd\"\nversion = \"1.0.0\"\ntable = \"{table}\"\nkey = \"path\"\nbody = \"feature\"\n",
        server.url()
    );
    cli.write("godwit.toml", toml);
    cli.guests("plugins", &GUESTS);
    cli
}

/// Documents by their ids.
fn exported(ended: &Ended) -> BTreeMap<String, Value> {
    let lines = ended.out.lines();
    let documents = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    documents
        .map(|document| (document["_id"].as_str().unwrap().to_owned(), document))
        .collect()
}

#[test]
fn documents_of_an_application_are_migrated_where_they_are() {
    let server = Server::start();
    server.psql("CREATE TABLE features (path varchar(300) PRIMARY KEY, feature json NOT NULL)");
    let documents = fixture("bcd-2-0-0", "items.before");
    let mut lines = String::new();
    for (id, body) in &documents {
        server.psql(&format!(
            "INSERT INTO features VALUES ('{id}', $body${body}$body$)"
        ));
        lines.push_str(body);
        lines.push('\n');
    }
    let local = Cli::on("lmdb", &GUESTS);
    local.write("documents.ndjson", &lines);
    local.prepare(&[
        "godwit import --app bcd --collection items --version 1.0.0 documents.ndjson --quiet",
        "godwit up --quiet",
    ]);
    let expected = exported(&local.run("godwit export --collection items --quiet"));
    assert!(expected.len() > 5);

    let cli = folder(&server, "features");
    let status = cli.run("godwit status");
    assert_eq!(status.code, Some(0), "{status}");
    assert!(
        status
            .err
            .contains("items lies in the table features from here on"),
        "{status}"
    );
    assert!(status.out.contains("bcd"), "{status}");
    let before = server.psql("SELECT path, feature FROM features ORDER BY path");
    let rehearsed = cli.run("godwit up --dry-run");
    assert!(rehearsed.code == Some(0), "{rehearsed}");
    assert_eq!(
        server.psql("SELECT path, feature FROM features ORDER BY path"),
        before
    );
    cli.prepare(&["godwit up --quiet", "godwit verify --quiet"]);
    assert_eq!(
        exported(&cli.run("godwit export --collection items --quiet")),
        expected
    );
    let first = &documents[0].0;
    let row: Value = serde_json::from_str(&server.psql(&format!(
        "SELECT feature FROM features WHERE path = '{first}'"
    )))
    .unwrap();
    assert_eq!(row, expected[first]);

    // Whoever only has the URL sees the same, and the way back leads to the same rows.
    let elsewhere = Cli::new();
    elsewhere.write("godwit.toml", format!("store = \"{}\"\n", server.url()));
    assert_eq!(
        exported(&elsewhere.run("godwit export --collection items --quiet")),
        expected
    );
    cli.prepare(&["godwit undo 1 --quiet"]);
    assert_eq!(
        server.psql("SELECT path, feature FROM features ORDER BY path"),
        before
    );
}

#[test]
fn the_table_of_readme_is_understood() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let blocks = readme
        .split("```toml\n")
        .map(|rest| rest.split("```").next().unwrap());
    let block = blocks
        .last()
        .filter(|block| block.contains("[tables.notes]"))
        .unwrap();
    let server = Server::start();
    server.psql("CREATE TABLE notes (id bigint PRIMARY KEY, doc jsonb, version text)");
    server.psql(r#"INSERT INTO notes VALUES (7, '{"title": "hello"}')"#);
    let cli = Cli::new();
    let toml = block.replace("postgres://godwit@db.example/app", &server.url());
    cli.write("godwit.toml", toml);
    let body = cli.run("godwit get notes 7");
    assert_eq!(body.out.trim(), r#"{"title": "hello"}"#, "{body}");
}

#[test]
fn tables_that_do_not_do_are_said_to() {
    let server = Server::start();
    let cli = folder(&server, "features");
    let ended = cli.run("godwit status");
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(
        ended
            .err
            .contains("the table of items: there is no table features"),
        "{ended}"
    );
    assert!(
        ended
            .err
            .contains("change the table, or [tables] in godwit.toml"),
        "{ended}"
    );
    server.psql("CREATE TABLE features (path text PRIMARY KEY, feature jsonb)");
    cli.prepare(&["godwit status"]);
    let nowhere = cli.run("godwit backup create --quiet");
    assert!(
        nowhere
            .err
            .contains("a store on a server has no folder beside it"),
        "{nowhere}"
    );
    let backup = cli.run("godwit backup create --backups backups --quiet");
    assert_eq!(backup.code, Some(0), "{backup}");
    let file = std::fs::read_dir(cli.path("backups"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let file = file.path().display().to_string();
    let restored = cli.run(&format!("godwit backup restore {file}"));
    assert_eq!(restored.code, Some(2), "{restored}");
    assert!(
        restored.err.contains("which no backup is restored to"),
        "{restored}"
    );
    let local = Cli::on("lmdb", &[]);
    let toml = cli.read("godwit.toml").replace(&server.url(), "lmdb:store");
    local.write("godwit.toml", toml);
    let ended = local.run("godwit up");
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(
        ended.err.contains("has no tables; PostgreSQL has"),
        "{ended}"
    );
}

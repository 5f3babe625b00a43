//! Backups that are made, read and removed by way of the server.

use std::sync::Arc;

use godwit::server::Connections;
use godwit::store::{OpenMode, Sled};
use serde_json::json;

use super::world::{ADMIN, Server};
use crate::embed::builder;

#[test]
fn backups_are_made_read_and_removed_by_those_who_saw_them() {
    let folder = tempfile::tempdir().unwrap();
    let backups = folder.path().to_owned();
    let change = move |settings: &mut godwit::server::Settings| settings.backups = Some(backups);
    let server = Server::with(change, Connections::default());
    assert_eq!(server.get("/api/v1/backups"), json!({"items": []}));
    let made = server.call("POST", "/api/v1/backups", None);
    let made = server.end_of(&made.body);
    assert_eq!(made["state"], "done", "{made}");
    let listed = server.get("/api/v1/backups")["items"][0].clone();
    assert_eq!(listed["name"], made["result"]["name"]);
    assert_eq!(listed["digest"], made["result"]["digest"]);
    let path = format!("/api/v1/backups/{}", listed["name"].as_str().unwrap());
    let one = server.call("GET", &path, None);
    assert_eq!(one.body, listed);
    let verify = || server.call("POST", &format!("{path}/verify"), None);
    let whole = verify();
    assert_eq!(whole.status, 202, "{whole:?}");
    assert_eq!(server.end_of(&whole.body)["state"], "done");
    let file = folder.path().join(listed["name"].as_str().unwrap());
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let damaged = verify();
    assert_eq!(damaged.status, 409, "{damaged:?}");
    assert!(
        damaged.body["detail"]
            .as_str()
            .unwrap()
            .contains("is not a whole backup")
    );
    let delete = |tag: &[(&str, &str)]| server.call_as(ADMIN, "DELETE", &path, None, tag).status;
    assert_eq!(delete(&[]), 428);
    assert_eq!(delete(&[("if-match", "\"other\"")]), 412);
    assert_eq!(delete(&[("if-match", one.etag())]), 204);
    assert_eq!(delete(&[("if-match", one.etag())]), 404);
    for name in ["..", "%2e%2e%2fpasswd", "nothing.godwit"] {
        let answer = server.call("GET", &format!("/api/v1/backups/{name}"), None);
        assert_eq!(answer.status, 404, "{name}");
    }
    let without = Server::start();
    assert_eq!(without.call("POST", "/api/v1/backups", None).status, 409);
}

#[test]
fn one_backup_is_made_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let backups = folder.path().join("backups");
    // A backup of sled waits where it is held.
    let store = Sled::open(&folder.path().join("store"), OpenMode::Create).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let host = runtime.block_on(builder(Arc::new(store)).open()).unwrap();
    let place = backups.clone();
    let server = Server::over(
        runtime,
        host,
        |settings| settings.backups = Some(place),
        Connections::default(),
    );
    let create = || server.call("POST", "/api/v1/backups", None);
    server.host.hold("the test");
    let first = create();
    assert_eq!(first.status, 202, "{first:?}");
    let second = create();
    assert_eq!(second.status, 409, "{second:?}");
    assert_eq!(second.body["detail"], "a backup is being made already");
    assert_eq!(
        second.header("content-type"),
        Some("application/problem+json")
    );
    server.host.release("the test");
    assert_eq!(server.end_of(&first.body)["state"], "done");
    let third = create();
    assert_eq!(server.end_of(&third.body)["state"], "done", "{third:?}");
    let listed = server.get("/api/v1/backups");
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");
}

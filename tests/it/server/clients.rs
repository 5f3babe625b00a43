//! The clients of other systems.

use godwit::server::Connections;
use serde_json::{Value, json};

use super::world::{ADMIN, ITEMS, READ, Server};

fn count(answer: &Value, list: &str) -> usize {
    answer[list]
        .as_array()
        .unwrap_or_else(|| panic!("{list} in {answer}"))
        .len()
}

#[test]
fn those_of_q_migrate_all_items_or_one_and_are_told_the_ids() {
    let server = Server::start();
    let by_get = server.call("GET", "/admin/migration/items", None);
    assert_eq!(by_get.status, 405, "{by_get:?}");
    let one = server.call("POST", "/admin/migration/items/01", None);
    assert_eq!(
        (one.status, &one.body),
        (200, &json!({"status": "updated"}))
    );
    let again = server.call("POST", "/admin/migration/items/01", None);
    assert_eq!(again.body, json!({"status": "notUpdated"}));
    let failed = server.call("POST", "/admin/migration/items/07", None);
    assert_eq!(failed.body["status"], "failed");
    assert_eq!(failed.body["reason"], "it will not do");
    let all = server.call("POST", "/admin/migration/items", None);
    assert_eq!(all.status, 200, "{all:?}");
    assert_eq!(count(&all.body, "updated"), ITEMS as usize - 3);
    assert_eq!(all.body["notUpdated"], json!(["01", "08"]));
    assert_eq!(
        all.body["failed"],
        json!([{"id": "07", "reason": "it will not do"}])
    );
    let again = server.call("POST", "/admin/migration/items", None);
    assert_eq!(
        (
            count(&again.body, "updated"),
            count(&again.body, "notUpdated")
        ),
        (0, ITEMS as usize - 1)
    );
    assert_eq!(
        server.call("POST", "/admin/migration/nothing", None).status,
        404
    );
    assert_eq!(
        server
            .call("POST", "/admin/migration/items/nobody", None)
            .status,
        404
    );
}

#[test]
fn those_of_q_may_migrate_by_get_where_that_is_switched_on_and_only_as_admins() {
    let server = Server::with(|settings| settings.q_gets = true, Connections::default());
    for method in ["GET", "HEAD"] {
        let looking = server.call_as(READ, method, "/admin/migration/items/01", None, &[]);
        assert_eq!(looking.status, 403, "{method}");
    }
    let one = server.call_as(ADMIN, "GET", "/admin/migration/items/01", None, &[]);
    assert_eq!(
        (one.status, &one.body),
        (200, &json!({"status": "updated"}))
    );
    assert_eq!(
        server.get("/api/v1/audit")["items"][0]["what"],
        "GET /admin/migration/items/01"
    );
}

#[test]
fn those_of_openslides_migrate_finalize_and_ask_where_everything_is() {
    let server = Server::start();
    let path = "/api/v1/collections/items/items/07?version=1.0.0";
    let put = server.call_as(ADMIN, "PUT", path, Some(json!({})), &[("if-match", "*")]);
    assert_eq!(put.status, 204);
    let command = |cmd: &str| {
        let answer = server.call(
            "POST",
            "/system/migrations",
            Some(json!({"cmd": cmd, "verbose": true})),
        );
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    };
    let until = |wanted: &str| loop {
        let told = command("progress");
        if told["status"] == wanted {
            return told;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    // What others do is none of the commands.
    server.host.hold("the test looks");
    let others = server.call("POST", "/api/v1/quarantine/retry", Some(json!({})));
    assert_eq!(others.status, 202, "{others:?}");
    assert_eq!(command("stats")["status"], "migration_required");
    server.host.release("the test looks");
    server.end_of(&others.body);
    let stats = command("stats");
    assert_eq!(stats["status"], "migration_required");
    assert_eq!(
        stats["stats"]["current_migration_index"],
        json!({"made": "1.0.0"})
    );
    assert_eq!(
        stats["stats"]["target_migration_index"],
        json!({"made": "2.0.0"})
    );
    assert_eq!(command("migrate")["success"], true);
    until("finalization_required");
    command("reset");
    assert_eq!(command("stats")["status"], "migration_required");
    command("finalize");
    until("finalized");
    assert_eq!(
        command("stats")["stats"]["current_migration_index"],
        json!({"made": "2.0.0"})
    );
    let unknown = server.call(
        "POST",
        "/system/migrations",
        Some(json!({"cmd": "explode"})),
    );
    assert_eq!(unknown.status, 422);
}

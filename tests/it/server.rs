//! The server, called as its clients call it, on a real port.

mod attacks;
mod backups;
mod clients;
mod openapi;
mod world;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use world::{ADMIN, ITEMS, READ, Server};

#[test]
fn what_there_is_is_told_to_those_who_show_a_token() {
    let server = Server::start();
    let session = server.get("/api/v1/session");
    assert_eq!(session["role"], "admin");
    let reader = server.call_as(READ, "GET", "/api/v1/session", None, &[]);
    assert_eq!(reader.body["role"], "read");
    let status = server.get("/api/v1/status");
    assert_eq!(status["apps"][0]["serves"], "1.0.0");
    assert_eq!(status["collections"][0]["items"], ITEMS);
    let migrations = server.get("/api/v1/migrations");
    assert_eq!(migrations["items"][1]["steps"][0]["kind"], "rewrite");
    assert_eq!(migrations["items"][0]["applied"], json!(["offline"]));
    assert_eq!(migrations["items"][1]["reverts"], false);
    let plan = server.get("/api/v1/plan?app=made");
    assert_eq!(plan["plan"]["stages"][0]["version"], "2.0.0");
    let refused = server.get("/api/v1/plan?app=nobody");
    assert_eq!(refused["findings"][0]["severity"], "refused");
    assert_eq!(server.get("/healthz"), json!({"status": "ok"}));
    let ready = server.call_as("", "GET", "/readyz", None, &[]);
    assert_eq!(ready.status, 503);
    assert_eq!(
        ready.body["reasons"],
        json!(["made 2.0.0 has offline steps to come"])
    );
}

#[test]
fn a_run_is_begun_watched_and_undone() {
    let server = Server::start();
    let mut events = server.events(None);
    assert_eq!(events.next().1, "hello");
    let begun = server.call("POST", "/api/v1/runs", Some(json!({"purpose": "up"})));
    assert_eq!(begun.status, 202, "{begun:?}");
    let number = begun.body["number"].clone();
    assert_eq!(
        begun.header("location"),
        Some(format!("/api/v1/activities/{number}").as_str())
    );
    let ended = server.end_of(&begun.body);
    assert_eq!(ended["state"], "done");
    assert_eq!(ended["reports"][0]["run"]["state"], "blocked");
    let (id, started) = events.until("run_started");
    assert_eq!(
        (&started["run"], &started["activity"]),
        (&json!(2), &number)
    );
    events.until("run_done");
    // Whoever comes back hears what he has missed.
    let mut again = server.events(Some(&id));
    let (_, event, hello) = again.next();
    assert_eq!((event.as_str(), &hello["resumed"]), ("hello", &json!(true)));
    assert_eq!(again.next().1, "step_started");

    let run = server.call("GET", "/api/v1/runs/2", None);
    assert_eq!(run.body["report"]["steps"][0]["counts"]["failed"], 1);
    assert_eq!(run.body["retreat"], "godwit undo 2");
    let runs = server.get("/api/v1/runs?limit=1");
    assert_eq!(
        (&runs["items"][0]["id"], &runs["next"]),
        (&json!(2), &json!("2"))
    );
    assert_eq!(
        server.get("/api/v1/runs?limit=1&after=2")["items"][0]["id"],
        1
    );
    assert_eq!(server.get("/api/v1/runs?after=1")["items"], json!([]));

    let undo = |tag: &[(&str, &str)]| {
        server.call_as(ADMIN, "POST", "/api/v1/runs/2/undo", Some(json!({})), tag)
    };
    assert_eq!(undo(&[]).status, 428);
    assert_eq!(undo(&[("if-match", "\"other\"")]).status, 412);
    let undone = undo(&[("if-match", run.etag())]);
    assert_eq!(undone.status, 202, "{undone:?}");
    assert_eq!(server.end_of(&undone.body)["result"]["done"], true);
    assert_eq!(server.get("/api/v1/status")["apps"][0]["version"], "1.0.0");
    let history = server.get("/api/v1/history");
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
    let audit = server.get("/api/v1/audit");
    let told: Vec<_> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["what"].as_str().unwrap(),
                entry["who"].as_str().unwrap(),
                entry["status"].as_u64().unwrap(),
            )
        })
        .collect();
    let undo = "POST /api/v1/runs/2/undo";
    assert_eq!(
        told,
        [
            (undo, "admin", 202),
            (undo, "admin", 412),
            (undo, "admin", 428),
            (r#"POST /api/v1/runs {"purpose":"up"}"#, "admin", 202)
        ]
    );
}

#[test]
fn a_run_is_slowed_paused_and_cancelled_and_goes_on() {
    let server = Server::start();
    server.host.hold("the test is not there yet");
    let begun = server.call("POST", "/api/v1/runs", Some(json!({})));
    assert_eq!(begun.body["run"], 2, "{begun:?}");
    let direct = |what: &str, body: Option<Value>| {
        let answer = server.call("POST", &format!("/api/v1/runs/2/{what}"), body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    };
    let slowed = direct("throttle", Some(json!({"items_per_second": 1, "duty": 50})));
    assert_eq!(
        slowed["pacing"],
        json!({"items_per_second": 1, "duty": 50, "rest": 0, "batch_bytes": null})
    );
    let paused = direct("pause", None);
    assert_eq!(
        paused["holds"],
        json!(["paused", "the test is not there yet"])
    );
    server.host.release("the test is not there yet");
    assert_eq!(direct("resume", None)["holds"], json!([]));
    let current = server.get("/api/v1/activity");
    assert_eq!(current["activity"]["progress"]["run"], 2);
    let busy = server.call("POST", "/api/v1/runs", Some(json!({})));
    assert_eq!(busy.status, 409, "{busy:?}");
    let cancelled = direct("cancel", None);
    // It may have stopped already.
    assert!(
        cancelled["is_stopping"] == true || cancelled["state"] != "working",
        "{cancelled}"
    );
    let ended = server.end_of(&begun.body);
    assert_eq!(ended["reports"][0]["run"]["state"], "stopped");
    let nobody = server.call("POST", "/api/v1/runs/2/pause", None);
    assert_eq!(nobody.status, 409, "{nobody:?}");
    assert!(nobody.text.contains("nobody works on run 2"), "{nobody:?}");
    let host = server.host.blocking();
    let lease = host.lease("up").unwrap();
    let elsewhere = server.call("POST", "/api/v1/runs/2/pause", None);
    assert_eq!(elsewhere.status, 409, "{elsewhere:?}");
    assert!(
        elsewhere.text.contains("up goes on elsewhere"),
        "{elsewhere:?}"
    );
    lease.release(host.store()).unwrap();
    for bad in [
        json!({"duty": 0}),
        json!({"rest": 4_000_000}),
        json!({"items_per_second": 0}),
        json!({"speed": 1}),
    ] {
        let refused = server.call("POST", "/api/v1/runs/2/throttle", Some(bad.clone()));
        assert_eq!(refused.status, 422, "{bad}: {refused:?}");
    }
    let goes_on = server.run(json!({}));
    assert_eq!(goes_on["reports"][0]["run"]["id"], 2);
    assert_eq!(goes_on["reports"][0]["run"]["state"], "blocked");
}

#[test]
fn what_somebody_else_does_is_told_as_far_as_it_is_known() {
    let server = Server::start();
    assert_eq!(server.get("/api/v1/activity"), json!({"activity": null}));
    let host = server.host.blocking();
    let lease = host.lease("import").unwrap();
    let other = server.get("/api/v1/activity");
    let told =
        ["purpose", "state", "directed", "run", "progress"].map(|name| &other["activity"][name]);
    let expected = [
        json!("import"),
        json!("working"),
        json!(false),
        Value::Null,
        Value::Null,
    ];
    assert_eq!(told, expected.each_ref());
    lease.release(host.store()).unwrap();
    assert_eq!(server.get("/api/v1/activity"), json!({"activity": null}));
}

#[test]
fn a_run_comes_before_a_backup_beside_it_and_an_undo_has_no_pace() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with(
        |settings| settings.backups = Some(folder.path().to_owned()),
        godwit::server::Connections::default(),
    );
    server.host.hold("the test is not there yet");
    let run = server.call("POST", "/api/v1/runs", Some(json!({})));
    let backup = server.call("POST", "/api/v1/backups", None);
    assert_eq!(
        (run.status, backup.status),
        (202, 202),
        "{run:?} {backup:?}"
    );
    let current = server.get("/api/v1/activity")["activity"].clone();
    assert_eq!(
        (&current["purpose"], &current["directed"]),
        (&json!("up"), &json!(true))
    );
    server.host.release("the test is not there yet");
    server.end_of(&backup.body);
    let ended = server.end_of(&run.body);
    assert_eq!(ended["directed"], false);

    server.host.hold("the test is not there yet");
    let tag = server.call("GET", "/api/v1/runs/2", None);
    let condition = [("if-match", tag.etag())];
    let undo = json!({});
    let undo = server.call_as(ADMIN, "POST", "/api/v1/runs/2/undo", Some(undo), &condition);
    assert_eq!(undo.status, 202, "{undo:?}");
    let place = format!("/api/v1/activities/{}", undo.body["number"]);
    while server.get(&place)["run"].is_null() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let pace = json!({"items_per_second": 1});
    let slowed = server.call("POST", "/api/v1/runs/2/throttle", Some(pace));
    assert_eq!(slowed.status, 409, "{slowed:?}");
    assert!(slowed.text.contains("not slowed down"), "{slowed:?}");
    server.host.release("the test is not there yet");
    assert_eq!(server.end_of(&undo.body)["result"]["done"], true);
}

#[test]
fn items_that_failed_are_looked_at_tried_again_and_accepted() {
    let server = Server::start();
    server.run(json!({}));
    let list = server.get("/api/v1/quarantine");
    assert_eq!(list["items"][0]["id"], "07");
    assert_eq!(list["items"][0]["failure"]["reason"], "it will not do");
    assert_eq!(
        server.get("/api/v1/quarantine?collection=items&limit=1")["next"],
        Value::Null
    );
    let item = server.get("/api/v1/quarantine/items/07");
    assert_eq!(item["body"]["kind"], 3);
    assert!(item["text"].as_str().unwrap().starts_with('{'));
    assert_eq!(
        (&item["diff"], &item["diff_omitted"]),
        (&json!([]), &json!(false))
    );
    assert_eq!(
        server
            .call("GET", "/api/v1/quarantine/items/08", None)
            .status,
        404
    );
    let named = json!({"items": [{"collection": "items", "id": "07"}]});
    let retried = server.call("POST", "/api/v1/quarantine/retry", Some(named.clone()));
    assert_eq!(server.end_of(&retried.body)["reports"][0]["open"], 1);
    let accepted = server.call("POST", "/api/v1/quarantine/accept", Some(named));
    assert_eq!(
        (accepted.status, &accepted.body),
        (200, &json!({"accepted": 1}))
    );
    assert_eq!(server.get("/api/v1/quarantine")["items"], json!([]));
    assert_eq!(
        server.get("/api/v1/quarantine?accepted=true")["items"][0]["failure"]["accepted"],
        true
    );
    let done = server.run(json!({}));
    assert_eq!(done["reports"][0]["run"]["state"], "completed");
    assert_eq!(server.call_as("", "GET", "/readyz", None, &[]).status, 200);
}

#[test]
fn items_are_read_written_and_removed_by_those_who_say_what_is_there() {
    let server = Server::start();
    let page = server.get("/api/v1/collections/items/items?limit=2");
    assert_eq!(
        (&page["items"][0]["version"], &page["next"]),
        (&json!("1.0.0"), &json!("01"))
    );
    let new = server.get("/api/v1/collections/items/items?limit=1&version=2.0.0&after=00");
    assert_eq!(new["items"][0]["body"]["trail"], json!(["2.0.0/apply"]));
    let found = server.get("/api/v1/collections/items/items?pointer=/kind&value=3&limit=3");
    assert_eq!(found["items"].as_array().unwrap().len(), 3);
    let behind = server.get("/api/v1/collections/items/items/07?version=2.0.0");
    assert!(
        behind["kept_back"]
            .as_str()
            .unwrap()
            .contains("it will not do"),
        "{behind}"
    );
    let path = "/api/v1/collections/items/items/new%2Fone";
    assert_eq!(server.call("GET", path, None).status, 404);
    let put = |body: Value, headers: &[(&str, &str)]| {
        server
            .call_as(ADMIN, "PUT", path, Some(body), headers)
            .status
    };
    assert_eq!(put(json!({"a": 1}), &[("if-match", "\"x\"")]), 412);
    assert_eq!(put(json!({"a": 1}), &[("if-none-match", "*")]), 201);
    assert_eq!(put(json!({"a": 2}), &[("if-none-match", "*")]), 412);
    assert_eq!(put(json!({"a": 2}), &[]), 428);
    let there = server.call("GET", path, None);
    assert_eq!(there.body["id"], "new/one");
    assert_eq!(put(json!({"a": 2}), &[("if-match", there.etag())]), 204);
    let delete =
        |headers: &[(&str, &str)]| server.call_as(ADMIN, "DELETE", path, None, headers).status;
    assert_eq!(delete(&[("if-match", there.etag())]), 412);
    assert_eq!(delete(&[]), 428);
    assert_eq!(delete(&[("if-match", "*")]), 204);
    assert_eq!(delete(&[("if-match", "*")]), 404);
    let old = server.call_as(
        ADMIN,
        "PUT",
        &format!("{path}?version=0.5.0"),
        Some(json!({})),
        &[],
    );
    assert_eq!(old.status, 409, "{old:?}");
    assert_eq!(
        server
            .call("GET", "/api/v1/collections/nothing/items", None)
            .status,
        404
    );
}

#[test]
fn shadow_runs_are_begun_finalized_and_reset() {
    let server = Server::start();
    let accept = json!({"2.0.0/apply": []});
    let there = server.call("GET", "/api/v1/collections/items/items/07", None);
    let path = "/api/v1/collections/items/items/07?version=1.0.0";
    let put = server.call_as(
        ADMIN,
        "PUT",
        path,
        Some(json!({"do": accept})),
        &[("if-match", there.etag())],
    );
    assert_eq!(put.status, 204, "{put:?}");
    assert_eq!(server.get("/api/v1/shadow"), json!({"shadow": null}));
    server.run(json!({"purpose": "shadow"}));
    assert_eq!(server.get("/api/v1/shadow")["shadow"]["is_ready"], true);
    let refused = server.call("POST", "/api/v1/runs", Some(json!({"purpose": "up"})));
    assert_eq!(refused.status, 409);
    assert_eq!(server.run(json!({"purpose": "reset"}))["result"], true);
    server.run(json!({"purpose": "shadow"}));
    assert_eq!(
        server.run(json!({"purpose": "finalize"}))["result"]["is_live"],
        true
    );
    assert_eq!(server.get("/api/v1/status")["apps"][0]["version"], "2.0.0");
}

#[test]
fn figures_are_told_in_the_format_of_openmetrics() {
    let server = Server::start();
    server.run(json!({}));
    let metrics = server.call_as(READ, "GET", "/metrics", None, &[]);
    assert!(
        metrics
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    for line in [
        "godwit_items{collection=\"items\",kind=\"All\"} 60",
        "godwit_items{collection=\"items\",kind=\"Quarantined\"} 1",
        "godwit_ready 0",
        "godwit_http_requests_total{method=\"POST\",status=\"202\"} 1",
        "# EOF",
    ] {
        assert!(
            metrics.text.lines().any(|there| there == line),
            "{line}\n{}",
            metrics.text
        );
    }
}

#[test]
fn the_page_is_there_without_a_token_and_may_do_nothing_but_call_its_server() {
    let server = Server::start();
    for (path, kind) in [
        ("/", "text/html"),
        ("/app.js", "text/javascript"),
        ("/app.css", "text/css"),
    ] {
        let file = server.call_as("", "GET", path, None, &[]);
        assert_eq!(file.status, 200, "{path}");
        assert!(
            file.header("content-type").unwrap().starts_with(kind),
            "{path}"
        );
        assert!(
            file.header("content-security-policy")
                .unwrap()
                .starts_with("default-src 'none'")
        );
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
    }
    let none = Server::with(
        |settings| settings.page = false,
        godwit::server::Connections::default(),
    );
    assert_eq!(none.call_as("", "GET", "/", None, &[]).status, 404);
}

#[test]
fn an_application_serves_the_routes_beside_its_own() {
    let merge = |routes: Router| {
        Router::new()
            .route("/", get(async || "the application's page"))
            .route("/api/v1/own", get(async || "the application's own"))
            .route("/healthz", get(async || "the application lives"))
            .merge(routes)
            .fallback(async || "the application knows nothing of that")
    };
    let server = Server::among(merge);
    // What is not Godwit's is not guarded by it: neither by token nor by name.
    for (path, text) in [
        ("/", "the application's page"),
        ("/api/v1/own", "the application's own"),
        ("/healthz", "the application lives"),
        ("/api/v1/nothing", "the application knows nothing of that"),
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n");
        let answer = server.raw(request.as_bytes());
        assert_eq!((answer.status, answer.text.as_str()), (200, text), "{path}");
        assert_eq!(answer.header("x-frame-options"), None);
    }
    assert_eq!(
        server
            .call_as("", "GET", "/api/v1/status", None, &[])
            .status,
        401
    );
    assert_eq!(server.call("DELETE", "/api/v1/status", None).status, 405);
    assert_eq!(server.get("/api/v1/status")["apps"][0]["app"], "made");
}

#[test]
fn streams_of_events_end_when_the_host_is_shut_down() {
    let mut server = Server::start();
    let mut events = server.events(None);
    assert_eq!(events.next().1, "hello");
    server.end();
    assert_eq!(events.rest().trim(), "");
}

#[test]
fn an_app_goes_back_by_what_its_migrations_do_to_go_back() {
    let server = Server::start();
    for (body, status) in [
        (json!({"purpose": "down"}), 422),
        (json!({"purpose": "down", "app": "made"}), 422),
        (
            json!({"purpose": "down", "app": "made", "to": "1.0.0", "phase": "online"}),
            422,
        ),
    ] {
        let refused = server.call("POST", "/api/v1/runs", Some(body.clone()));
        assert_eq!(refused.status, status, "{body}: {refused:?}");
    }
    server.run(json!({}));
    let items = json!({"items": [{"collection": "items", "id": "07"}]});
    let accepted = server.call("POST", "/api/v1/quarantine/accept", Some(items));
    assert_eq!(accepted.status, 200, "{accepted:?}");
    server.run(json!({}));
    let down = json!({"purpose": "down", "app": "made", "to": "1.0.0"});
    let refused = server.call("POST", "/api/v1/runs", Some(down));
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.text.contains("revert"), "{refused:?}");
}

#[test]
fn what_failed_in_a_shadow_run_is_looked_at_and_accepted_there() {
    let server = Server::start();
    let none = server.call("GET", "/api/v1/quarantine?shadow=true", None);
    assert_eq!(none.status, 409, "{none:?}");
    server.run(json!({"purpose": "shadow"}));
    assert_eq!(server.get("/api/v1/quarantine")["items"], json!([]));
    let failed = server.get("/api/v1/quarantine?shadow=true");
    assert_eq!(failed["items"][0]["id"], "07");
    let path = "/api/v1/quarantine/items/07";
    assert_eq!(server.call("GET", path, None).status, 404);
    let one = server.get(&format!("{path}?shadow=true"));
    assert_eq!(one["failure"]["reason"], "it will not do");
    let items = json!([{"collection": "items", "id": "07"}]);
    let retry = json!({"items": items, "shadow": true});
    let retried = server.call("POST", "/api/v1/quarantine/retry", Some(retry));
    assert_eq!(retried.status, 202, "{retried:?}");
    assert_eq!(server.end_of(&retried.body)["state"], "done");
    let accept = json!({"items": items, "shadow": true});
    let accepted = server.call("POST", "/api/v1/quarantine/accept", Some(accept));
    assert_eq!(accepted.body, json!({"accepted": 1}), "{accepted:?}");
}

#[test]
fn what_is_asked_for_is_told_by_name_and_nothing_is_taken_for_it() {
    let server = Server::start();
    let runs = "/api/v1/runs";
    for (body, status) in [("", 400), ("[]", 422), ("null", 422), ("\"up\"", 422)] {
        let head = format!(
            "POST {runs} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {ADMIN}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = server.raw(head.as_bytes());
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    assert_eq!(server.get(runs)["items"].as_array().unwrap().len(), 1);
    for path in [
        "/api/v1/runs?limt=1",
        "/api/v1/collections/items/items?verison=1.0.0",
        "/api/v1/collections/items/items/00?verison=1.0.0",
        "/api/v1/quarantine?shadows=true",
    ] {
        assert_eq!(server.call("GET", path, None).status, 400, "{path}");
    }
    let path = "/api/v1/collections/items/items/new?verison=1.0.0";
    assert_eq!(server.call("PUT", path, Some(json!({}))).status, 400);
    for what in ["pause", "resume", "cancel"] {
        let path = format!("/api/v1/runs/99/{what}");
        assert_eq!(server.call("POST", &path, None).status, 404, "{what}");
    }
}

#[test]
fn a_run_is_as_fast_as_is_said_when_it_is_begun() {
    let server = Server::start();
    server.host.hold("the test looks");
    let pace = json!({"items_per_second": 1, "duty": 50});
    let begun = server.call("POST", "/api/v1/runs", Some(json!({"pace": pace})));
    assert_eq!(begun.status, 202, "{begun:?}");
    assert_eq!(begun.body["pacing"]["items_per_second"], 1);
    assert_eq!(begun.body["pacing"]["duty"], 50);
    let cancel = server.call("POST", "/api/v1/runs/2/cancel", None);
    assert_eq!(cancel.status, 200, "{cancel:?}");
    server.host.release("the test looks");
    server.end_of(&begun.body);
    let fast = json!({"pace": {"duty": 101}});
    assert_eq!(server.call("POST", "/api/v1/runs", Some(fast)).status, 422);
}

#[test]
fn what_is_changed_is_written_down_with_what_was_asked() {
    let server = Server::start();
    let accept = json!({"items": [{"collection": "items", "id": "07"}]});
    server.run(json!({}));
    let accepted = server.call("POST", "/api/v1/quarantine/accept", Some(accept));
    assert_eq!(accepted.status, 200, "{accepted:?}");
    for cmd in ["stats", "progress"] {
        let asked = server.call("POST", "/system/migrations", Some(json!({"cmd": cmd})));
        assert_eq!(asked.status, 200);
    }
    let path = "/api/v1/collections/items/items/secret?version=2.0.0";
    let put = server.call("PUT", path, Some(json!({"password": "x"})));
    let audit = server.get("/api/v1/audit");
    let told: Vec<_> = audit["items"].as_array().unwrap().iter().collect();
    let told: Vec<_> = told
        .iter()
        .map(|entry| (entry["what"].as_str().unwrap(), entry["status"].as_u64()))
        .collect();
    let accept = r#"POST /api/v1/quarantine/accept {"items":[{"collection":"items","id":"07"}]}"#;
    assert_eq!(
        told,
        [
            (format!("PUT {path}").as_str(), Some(put.status.into())),
            (accept, Some(200)),
            ("POST /api/v1/runs", Some(202)),
        ]
    );
}

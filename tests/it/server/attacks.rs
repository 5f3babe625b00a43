//! Those who mean no good: each is turned away with the right status, and a good call is still answered.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use godwit::server::Connections;
use serde_json::json;

use super::world::{ADMIN, READ, Server};

/// A server that is quick to lose patience.
fn impatient() -> Server {
    let mut connections = Connections::default();
    connections.head_time = Duration::from_millis(300);
    let change = |settings: &mut godwit::server::Settings| {
        settings.body_bytes = 10_000;
        settings.request_time = Duration::from_millis(500);
    };
    Server::with(change, connections)
}

#[test]
fn each_is_turned_away_with_its_status() {
    let server = impatient();
    let address = server.address.to_string();
    let call = |token: &str, method: &str, path: &str, headers: &[(&str, &str)]| {
        server.call_as(token, method, path, None, headers).status
    };
    let status = "/api/v1/status";
    // Tokens.
    assert_eq!(call("", "GET", status, &[]), 401);
    assert_eq!(call("wrong", "GET", status, &[]), 401);
    assert_eq!(call(&ADMIN[1..], "GET", status, &[]), 401);
    assert_eq!(call(READ, "POST", "/api/v1/runs", &[]), 403);
    assert_eq!(
        call(READ, "DELETE", "/api/v1/collections/items/items/00", &[]),
        403
    );
    for path in [
        "/metrics",
        "/openapi.json",
        "/admin/migration/items",
        "/api/v1/nothing",
    ] {
        assert_eq!(call("", "GET", path, &[]), 401, "{path}");
    }
    // Other pages.
    assert_eq!(
        call(
            ADMIN,
            "POST",
            "/api/v1/runs",
            &[("origin", "http://evil.example")]
        ),
        403
    );
    assert_eq!(call(ADMIN, "GET", status, &[("origin", "null")]), 403);
    assert_eq!(
        call(ADMIN, "GET", status, &[("sec-fetch-site", "cross-site")]),
        403
    );
    assert_eq!(
        call(
            ADMIN,
            "GET",
            status,
            &[("origin", &format!("http://{address}"))]
        ),
        200
    );
    let link = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    assert_eq!(call("", "GET", "/", &link), 200);
    assert_eq!(call(ADMIN, "GET", status, &link), 403);
    // Other names.
    let named = |host: &str| {
        let request = format!(
            "GET {status} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nauthorization: Bearer {ADMIN}\r\n\r\n"
        );
        server.raw(request.as_bytes()).status
    };
    assert_eq!(named("evil.example"), 421);
    assert_eq!(
        named(&format!("evil.example:{}", server.address.port())),
        421
    );
    assert_eq!(named("localhost"), 200);
    assert_eq!(named("localhost\r\nhost: localhost"), 421);
    assert_eq!(
        named(&format!("localhost\r\nauthorization: Bearer {ADMIN}")),
        401
    );
    let elsewhere = format!(
        "GET http://evil.example{status} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {ADMIN}\r\n\r\n"
    );
    assert_eq!(server.raw(elsewhere.as_bytes()).status, 421);
    let everything = "OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let everything = server.raw(everything.as_bytes());
    assert_eq!(everything.status, 404);
    assert_eq!(everything.header("x-frame-options"), Some("DENY"));
    // Paths.
    for path in [
        "/api/v1/../v1/status",
        "/api/v1/%2e%2e/status",
        "//api/v1/status",
        "/api/v1/status/",
        "/app.js/..",
        "/../../etc/passwd",
        "/api/v1/runs/99999999999999999999",
        "/api/v1/runs/x",
    ] {
        assert!(
            [401, 404].contains(&call(ADMIN, "GET", path, &[])),
            "{path}"
        );
    }
    assert_eq!(call(ADMIN, "PATCH", status, &[]), 405);
    assert_eq!(call(ADMIN, "GET", "/api/v1/runs?limit=0", &[]), 400);
    assert_eq!(call(ADMIN, "GET", "/api/v1/runs?after=x", &[]), 400);
    assert_eq!(server.call("GET", status, None).status, 200);
    let cors = server.call_as(
        "",
        "OPTIONS",
        status,
        None,
        &[("origin", "http://evil.example")],
    );
    assert!(
        cors.header("access-control-allow-origin").is_none(),
        "{cors:?}"
    );
}

#[test]
fn what_is_sent_is_json_of_some_length_and_comes_in_time() {
    let server = impatient();
    let head = |more: &str| {
        format!(
            "POST /api/v1/runs HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {ADMIN}\r\n{more}\r\n",
            server.address
        )
    };
    let sent = |more: &str, body: &str| {
        server
            .raw(format!("{}{body}", head(more)).as_bytes())
            .status
    };
    let form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 10\r\n";
    assert_eq!(sent(form, "purpose=up"), 415);
    assert_eq!(
        sent("content-type: text/plain\r\ncontent-length: 2\r\n", "{}"),
        415
    );
    assert_eq!(sent("content-length: 2\r\n", "{}"), 415);
    let json = "content-type: application/json\r\n";
    assert_eq!(sent(&format!("{json}content-length: 1\r\n"), "{"), 400);
    assert_eq!(
        sent(&format!("{json}content-length: 13\r\n"), r#"{"purpose":1}"#),
        422
    );
    assert_eq!(
        sent(
            &format!("{json}content-length: 20000\r\n"),
            &"x".repeat(20_000)
        ),
        413
    );
    // Chunk by chunk, without saying how much it will be.
    let chunks = "1000\r\n".to_owned() + &"x".repeat(0x1000) + "\r\n";
    assert_eq!(
        sent(
            &format!("{json}transfer-encoding: chunked\r\n"),
            &chunks.repeat(8)
        ),
        413
    );
    // A body that never comes, and the connection is not kept for it.
    let mut slow = server.connect();
    let request = head(&format!("{json}content-length: 10\r\n")) + "{";
    slow.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(server.call("GET", "/api/v1/status", None).status, 200);
}

#[test]
fn heads_are_of_some_size_and_come_in_time() {
    let server = impatient();
    let many: String = (0..10_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let request = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{many}\r\n");
    assert_eq!(server.raw(request.as_bytes()).status, 431);
    let long = format!(
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "y".repeat(100_000)
    );
    assert_eq!(server.raw(long.as_bytes()).status, 431);
    assert_eq!(
        server
            .raw(b"\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n")
            .status,
        400
    );
    // Somebody who says nothing, and many of them.
    let mut silent: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for stream in &mut silent {
        stream.write_all(b"GET / HT").unwrap();
    }
    assert_eq!(server.call("GET", "/api/v1/status", None).status, 200);
    for mut stream in silent {
        let mut rest = Vec::new();
        // Closed, with an answer or without.
        let _ = stream.read_to_end(&mut rest);
    }
}

#[test]
fn there_are_so_many_streams_of_events_and_no_more() {
    let server = Server::with(|settings| settings.streams = 2, Connections::default());
    let mut open: Vec<_> = (0..2).map(|_| server.events(None)).collect();
    for stream in &mut open {
        assert_eq!(stream.next().1, "hello");
    }
    let one_more = server.call("GET", "/api/v1/events", None);
    assert_eq!(one_more.status, 503);
    assert_eq!(one_more.header("retry-after"), Some("1"));
    drop(open);
    // Once the server has noticed that they are gone.
    server.run(json!({}));
    loop {
        let mut stream = server.connect();
        let request = format!(
            "GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {READ}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        if &head == b"HTTP/1.1 200" {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn whoever_sends_slowly_takes_nobodys_place() {
    let change = |settings: &mut godwit::server::Settings| settings.concurrent = 1;
    let server = Server::with(change, Connections::default());
    let request = format!(
        "PUT /api/v1/collections/items/items/slow HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n1"
    );
    let slow: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(server.call("GET", "/api/v1/status", None).status, 200);
    drop(slow);
}

#[test]
fn whoever_does_not_read_his_answer_is_left() {
    let mut connections = Connections::default();
    // Nobody else is served before he is gone.
    connections.most = 1;
    connections.write_time = Duration::from_millis(300);
    let server = Server::with(|_| {}, connections);
    let large = json!({"text": "x".repeat(4 << 20)});
    let path = "/api/v1/collections/items/items/large?version=1.0.0";
    assert_eq!(server.call("PUT", path, Some(large)).status, 201);
    let mut greedy = server.connect();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN}\r\n\r\n");
    // More than what any system keeps of it on its way.
    for _ in 0..8 {
        greedy.write_all(request.as_bytes()).unwrap();
    }
    assert_eq!(server.call("GET", "/api/v1/status", None).status, 200);
    let mut rest = Vec::new();
    // Cut off, with what was on its way.
    let _ = greedy.read_to_end(&mut rest);
    assert!(rest.len() < 8 * (4 << 20), "{}", rest.len());
}

#[test]
fn pages_that_are_allowed_are_told_so() {
    let change = |settings: &mut godwit::server::Settings| {
        settings.access.origins = vec!["https://admin.example".to_owned()];
    };
    let server = Server::with(change, Connections::default());
    let origin = [("origin", "https://admin.example")];
    let asked = server.call_as("", "OPTIONS", "/api/v1/status", None, &origin);
    assert_eq!(asked.status, 204, "{asked:?}");
    assert_eq!(
        asked.header("access-control-allow-origin"),
        Some("https://admin.example")
    );
    let called = server.call_as(ADMIN, "GET", "/api/v1/status", None, &origin);
    assert_eq!(called.status, 200);
    assert_eq!(called.header("vary"), Some("Origin"));
}

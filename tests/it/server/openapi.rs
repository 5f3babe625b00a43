//! The OpenAPI document describes what is there, and what is there is as it is described.

use serde_json::{Value, json};

use super::world::Server;

/// Every operation: path, method, and what is said of it.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "delete"] {
            if let Some(operation) = item.get(method) {
                found.push((path.clone(), method.to_uppercase(), operation.clone()));
            }
        }
    }
    found
}

#[test]
fn every_operation_is_there_and_described() {
    let server = Server::start();
    let document = server.get("/openapi.json");
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let operations = operations(&document);
    assert!(operations.len() > 30, "{}", operations.len());
    let mut ids = std::collections::BTreeSet::new();
    for (path, method, operation) in &operations {
        assert!(operation["summary"].is_string(), "{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap()),
            "{operation}"
        );
        let real = path
            .replace("{collection}", "items")
            .replace("{id}", "00")
            .replace("{run}", "77")
            .replace("{name}", "77")
            .replace("{number}", "77");
        if path == "/api/v1/events" {
            continue;
        }
        let answer = server.call(method, &real, None);
        let expected = operation["responses"].get(answer.status.to_string());
        assert!(
            expected.is_some(),
            "{method} {real}: {} is not described",
            answer.status
        );
    }
    let text = document.to_string();
    assert!(!text.contains("```"), "an example for those who write Rust");
    for reference in references(&document) {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members
                .get("$ref")
                .and_then(Value::as_str)
                .map(str::to_owned);
            own.into_iter()
                .chain(members.values().flat_map(references))
                .collect()
        }
        Value::Array(elements) => elements.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn answers_are_as_they_are_described() {
    let server = Server::start();
    server.run(json!({}));
    let document = server.get("/openapi.json");
    for (path, real) in [
        ("/api/v1/session", "/api/v1/session"),
        ("/api/v1/status", "/api/v1/status"),
        ("/api/v1/migrations", "/api/v1/migrations"),
        ("/api/v1/plan", "/api/v1/plan"),
        ("/api/v1/activity", "/api/v1/activity"),
        ("/api/v1/activities/{number}", "/api/v1/activities/2"),
        ("/api/v1/runs", "/api/v1/runs"),
        ("/api/v1/runs/{run}", "/api/v1/runs/2"),
        ("/api/v1/history", "/api/v1/history"),
        ("/api/v1/audit", "/api/v1/audit"),
        ("/api/v1/quarantine", "/api/v1/quarantine"),
        (
            "/api/v1/quarantine/{collection}/{id}",
            "/api/v1/quarantine/items/07",
        ),
        ("/api/v1/collections", "/api/v1/collections"),
        (
            "/api/v1/collections/{collection}/items",
            "/api/v1/collections/items/items",
        ),
        (
            "/api/v1/collections/{collection}/items/{id}",
            "/api/v1/collections/items/items/00",
        ),
        ("/api/v1/shadow", "/api/v1/shadow"),
    ] {
        let answer = server.get(real);
        let mut schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"].clone();
        assert!(schema.is_object(), "{path}");
        schema["components"] = document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let wrong: Vec<_> = validator
            .iter_errors(&answer)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{path}: {wrong:#?}\n{answer:#}");
    }
}

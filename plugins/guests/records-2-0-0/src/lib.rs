//! Does what its items say, item by item: the contract without an SDK. See the package `scripted`.

#![cfg(target_arch = "wasm32")]

use bindings::godwit::migration::{documents, log, run, types};
use scripted::{Denied, Order, Outcome, Port, SIZE};
use serde_json::{Value, json};

mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/v1",
        world: "migration",
    });
}

static ORDER: [u8; SIZE] = scripted::order(
    r#"{"app": "records", "version": "2.0.0", "requires": ">=1, <2", "summary": "does what its items say",
        "steps": [{"name": "apply", "collection": "items"}]}"#,
);

struct Scripted;

bindings::export!(Scripted with_types_in bindings);

impl bindings::exports::godwit::migration::description::Guest for Scripted {
    fn describe() -> types::Descriptor {
        let order = Order::read(&ORDER);
        let dependency = |(app, versions)| types::Dependency { app, versions };
        types::Descriptor {
            app: order.app,
            version: order.version,
            requires: order.requires,
            depends_on: order.depends_on.into_iter().map(dependency).collect(),
            summary: order.summary,
            steps: order.steps.into_iter().map(step).collect(),
        }
    }
}

fn step(step: scripted::Step) -> types::Step {
    types::Step {
        name: step.name,
        phase: if step.online {
            types::Phase::Online
        } else {
            types::Phase::Offline
        },
        mode: if step.derive {
            types::Mode::Derive
        } else {
            types::Mode::Rewrite
        },
        collection: step.collection,
        reads: step.reads,
        writes: step.writes,
    }
}

impl bindings::exports::godwit::migration::transform::Guest for Scripted {
    fn migrate(step: String, batch: Vec<types::Item>) -> Vec<types::Outcome> {
        let items = batch
            .iter()
            .map(|item| (item.id.as_str(), item.body.as_slice()));
        let outcomes = scripted::migrate(&Order::read(&ORDER), &step, items, &Imports);
        outcomes.into_iter().map(outcome).collect()
    }
}

fn outcome(outcome: Outcome) -> types::Outcome {
    match outcome {
        Outcome::Kept => types::Outcome::Unchanged,
        Outcome::Body(body) => types::Outcome::Updated(body.into_bytes()),
        Outcome::Removed => types::Outcome::Removed,
        Outcome::Failed(reason) => types::Outcome::Failed(reason),
    }
}

struct Imports;

impl Port for Imports {
    fn log(&self, level: &str, text: &str, item: Option<&str>) {
        let level = match level {
            "debug" => log::Level::Debug,
            "info" => log::Level::Info,
            "warn" => log::Level::Warn,
            _ => log::Level::Error,
        };
        log::log(level, text, item);
    }

    fn get(&self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, Denied> {
        documents::get(collection, id).map_err(denied)
    }

    fn scan(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Value>, Denied> {
        let found = documents::scan(collection, after, limit).map_err(denied)?;
        let shown = |item: types::Item| json!([item.id, String::from_utf8_lossy(&item.body)]);
        Ok(found.into_iter().map(shown).collect())
    }

    fn put(&self, collection: &str, id: &str, body: &[u8]) -> Result<(), Denied> {
        documents::put(collection, id, body).map_err(denied)
    }

    fn delete(&self, collection: &str, id: &str) -> Result<(), Denied> {
        documents::delete(collection, id).map_err(denied)
    }

    fn run(&self) -> (Option<String>, u64, u64) {
        let run = run::current();
        (run.from_version, run.started_at, run.seed)
    }
}

fn denied(error: documents::AccessError) -> Denied {
    Denied(match error {
        documents::AccessError::Denied => json!({"denied": true}),
        documents::AccessError::Limit(limit) => json!({ "limit": limit }),
        documents::AccessError::Invalid(reason) => json!({ "invalid": reason }),
    })
}

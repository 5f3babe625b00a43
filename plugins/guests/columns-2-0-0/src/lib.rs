//! Does what its items say, on columns, with the SDK. See the package `scripted`.

#![cfg(target_arch = "wasm32")]

use godwit_plugin::{
    Batch, Context, Descriptor, DocumentsError, Item, Level, Migration, Outcomes, Result, export,
    json,
};
use scripted::{Denied, Order, Outcome, Port, SIZE};
use serde_json::Value;

static ORDER: [u8; SIZE] = scripted::order(
    r#"{"app": "columns", "version": "2.0.0", "requires": ">=1, <2", "summary": "does what its items say",
        "steps": [{"name": "apply", "collection": "items"}]}"#,
);

struct Scripted;

export!(Scripted);

impl Migration for Scripted {
    fn describe() -> Descriptor {
        let order = Order::read(&ORDER);
        let mut descriptor = Descriptor::new(order.app, order.version).summary(order.summary);
        descriptor.requires = order.requires;
        for (app, versions) in order.depends_on {
            descriptor = descriptor.depends_on(app, versions);
        }
        descriptor.steps = order.steps.into_iter().map(step).collect();
        descriptor
    }

    // The context of a batch, unlike that of an item, is about no item until it is told so.
    fn migrate_batch(step: &str, batch: &Batch, context: &Context<'_>) -> Outcomes {
        let order = Order::read(&ORDER);
        let items = batch.iter();
        items
            .map(|item| migrate(&order, step, &item, context))
            .collect()
    }

    fn migrate(step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
        migrate(&Order::read(&ORDER), step, item, context)
    }
}

fn migrate(order: &Order, step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
    let asked = scripted::migrate_one(order, step, item.id(), item.bytes(), &Asking(context));
    match asked.outcome {
        Outcome::Kept => Ok(godwit_plugin::Outcome::Unchanged),
        Outcome::Body(body) => Ok(godwit_plugin::Outcome::updated(body)),
        Outcome::Removed => Ok(godwit_plugin::Outcome::Removed),
        Outcome::Failed(reason) => Err(reason.into()),
    }
}

fn step(step: scripted::Step) -> godwit_plugin::Step {
    let mut made = match step.derive {
        true => godwit_plugin::Step::derive(step.name, step.collection),
        false => godwit_plugin::Step::rewrite(step.name, step.collection),
    };
    if step.online {
        made = made.online();
    }
    (made.reads, made.writes) = (step.reads, step.writes);
    made
}

struct Asking<'a>(&'a Context<'a>);

impl Port for Asking<'_> {
    fn log(&self, level: &str, text: &str, item: Option<&str>) {
        let level = match level {
            "debug" => Level::Debug,
            "info" => Level::Info,
            "warn" => Level::Warn,
            _ => Level::Error,
        };
        match item {
            Some(id) => self.0.about(&Item::new(id, &[])).log(level, text),
            None => self.0.log(level, text),
        }
    }

    fn get(&self, collection: &str, id: &str) -> Result<Option<Vec<u8>>, Denied> {
        self.0.documents().get(collection, id).map_err(denied)
    }

    fn scan(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Value>, Denied> {
        let mut found = self.0.documents().scan(collection);
        if let Some(after) = after {
            found = found.after(after);
        }
        let shown = |item: Item<'_>| json!([item.id(), String::from_utf8_lossy(item.bytes())]);
        found
            .take(limit as usize)
            .map(|item| item.map(shown).map_err(denied))
            .collect()
    }

    fn put(&self, collection: &str, id: &str, body: &[u8]) -> Result<(), Denied> {
        self.0.documents().put(collection, id, body).map_err(denied)
    }

    fn delete(&self, collection: &str, id: &str) -> Result<(), Denied> {
        self.0.documents().delete(collection, id).map_err(denied)
    }

    fn run(&self) -> (Option<String>, u64, u64) {
        let run = self.0.run();
        (run.from_version, run.started_at, run.seed)
    }
}

fn denied(error: DocumentsError) -> Denied {
    Denied(match error {
        DocumentsError::Denied { .. } => json!({"denied": true}),
        DocumentsError::Limit(limit) => json!({ "limit": limit }),
        DocumentsError::Invalid(reason) => json!({ "invalid": reason }),
        other => json!({ "other": other.to_string() }),
    })
}

//! Migrations made to order: other apps, versions and steps without a compiler.
//!
//! The guests `records-2-0-0`, `text-2-0-0` and `columns-2-0-0` keep what they are in text of a
//! fixed length inside their files; what happens to an item is said in the item. The package
//! `scripted` beside them tells what can be said.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use godwit::catalogue::Catalogue;
use godwit::sandbox::Engine;
use serde_json::{Value, json};

use crate::world::{ENGINE, guest};

const MARK: &[u8] = b"made to order: ";
const SIZE: usize = 4096;

/// The guests that can be made to order, one for each layout.
pub const LAYOUTS: [&str; 3] = ["records-2-0-0", "text-2-0-0", "columns-2-0-0"];

/// What a migration is to be.
#[derive(Debug, Clone)]
pub struct Order(Value);

impl Order {
    /// A migration of an app to a version, without steps.
    pub fn new(app: &str, version: &str) -> Self {
        Self(json!({"app": app, "version": version, "summary": "made to order", "steps": []}))
    }

    /// Anything, valid or not.
    pub fn raw(order: Value) -> Self {
        Self(order)
    }

    /// Adds a step.
    pub fn step(mut self, step: Value) -> Self {
        self.0["steps"]
            .as_array_mut()
            .expect("there is a list")
            .push(step);
        self
    }

    /// Sets a member.
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.0[member] = value;
        self
    }

    /// Lets no item make it misbehave any more.
    pub fn mended(self) -> Self {
        self.with("mended", json!(true))
    }

    /// The file that a guest becomes by it.
    ///
    /// # Panics
    /// When the guest was not built, or the order is too long.
    pub fn file(&self, package: &str) -> Vec<u8> {
        let mut bytes = std::fs::read(guest(package)).expect("guests can be read");
        let marked = [MARK, b"{"].concat();
        let found = bytes
            .windows(marked.len())
            .position(|window| window == marked);
        let place = found.expect("the guest can be made to order") + MARK.len();
        let text = self.0.to_string();
        let room = &mut bytes[place..place + SIZE - MARK.len()];
        assert!(text.len() <= room.len(), "an order of {} bytes", text.len());
        room.fill(b' ');
        room[..text.len()].copy_from_slice(text.as_bytes());
        bytes
    }
}

/// An offline step that rewrites a collection.
pub fn rewrite(name: &str, collection: &str) -> Value {
    json!({"name": name, "collection": collection})
}

/// An offline step that derives from a collection and writes another one.
pub fn derive(name: &str, collection: &str, into: &str) -> Value {
    json!({"name": name, "collection": collection, "derive": true, "writes": [into]})
}

/// A catalogue of migrations that work item by item; the same ones are compiled once.
pub fn made(orders: &[Order]) -> Arc<Catalogue> {
    static COMPILED: Mutex<BTreeMap<String, Arc<Catalogue>>> = Mutex::new(BTreeMap::new());
    let key = format!("{orders:?}");
    let known = COMPILED.lock().expect("nobody panicked").get(&key).cloned();
    known.unwrap_or_else(|| {
        let catalogue = made_for(&ENGINE, LAYOUTS[0], orders);
        let mut compiled = COMPILED.lock().expect("nobody panicked");
        compiled.insert(key, catalogue.clone());
        catalogue
    })
}

/// A catalogue of migrations in a layout, compiled with an engine.
///
/// # Panics
/// When one of them is rejected.
pub fn made_for(engine: &Engine, package: &str, orders: &[Order]) -> Arc<Catalogue> {
    let mut catalogue = Catalogue::new();
    for (number, order) in orders.iter().enumerate() {
        catalogue.add(
            engine,
            format!("made-{number}.wasm").into(),
            &order.file(package),
        );
    }
    if let Some(rejected) = catalogue.rejected().first() {
        panic!(
            "{} was rejected: {:?}",
            rejected.file.display(),
            rejected.reason
        );
    }
    Arc::new(catalogue)
}

/// An item that does something in a step, as in `2.0.0/apply`.
pub fn doing(id: &str, step: &str, commands: Value) -> (String, String) {
    doing_all(id, json!({ step: commands }))
}

/// An item that does something in each of several steps.
pub fn doing_all(id: &str, steps: Value) -> (String, String) {
    (id.to_owned(), json!({"_id": id, "do": steps}).to_string())
}

/// An item that does nothing in particular.
pub fn plain(id: &str) -> (String, String) {
    (id.to_owned(), json!({ "_id": id }).to_string())
}

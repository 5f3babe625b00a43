//! What a guest is, in text of a fixed length.

use std::hint::black_box;

use serde_json::Value;

/// How many bytes an order has in a guest's file.
pub const SIZE: usize = 4096;

/// What stands before the text; whoever changes the order looks for it.
const MARK: &[u8] = b"made to order: ";

/// An order as it stands in a guest's file: filled up with spaces.
pub const fn order(text: &str) -> [u8; SIZE] {
    let mut padded = [b' '; SIZE];
    let (mut place, text) = (0, text.as_bytes());
    while place < MARK.len() {
        padded[place] = MARK[place];
        place += 1;
    }
    let mut from = 0;
    while from < text.len() {
        padded[place + from] = text[from];
        from += 1;
    }
    padded
}

/// What a guest is.
#[derive(Debug)]
pub struct Order {
    /// Its app.
    pub app: String,
    /// The version that it brings.
    pub version: String,
    /// The versions that it starts from.
    pub requires: Option<String>,
    /// Pairs of app and versions.
    pub depends_on: Vec<(String, String)>,
    /// What it is for.
    pub summary: String,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Whether items no longer make it misbehave.
    pub mended: bool,
    /// What happens to items that do not say so themselves, by id.
    pub scripts: Value,
}

/// A step of an order.
#[derive(Debug)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Whether it is online.
    pub online: bool,
    /// Whether it derives.
    pub derive: bool,
    /// The collection that it is fed from.
    pub collection: String,
    /// The collections that it reads.
    pub reads: Vec<String>,
    /// The collections that it writes.
    pub writes: Vec<String>,
}

impl Order {
    /// Reads the order of a guest.
    ///
    /// # Panics
    /// When the text in the file is not JSON.
    pub fn read(text: &'static [u8; SIZE]) -> Self {
        // The compiler must not take the text that it saw for the one that is there.
        let text = &black_box(text)[MARK.len()..];
        let order: Value = serde_json::from_slice(text).expect("an order is JSON");
        let pair = |pair: &Value| (string(&pair[0]), string(&pair[1]));
        Self {
            app: string(&order["app"]),
            version: string(&order["version"]),
            requires: order["requires"].as_str().map(str::to_owned),
            depends_on: each(&order["depends_on"]).map(pair).collect(),
            summary: string(&order["summary"]),
            steps: each(&order["steps"]).map(step).collect(),
            mended: order["mended"] == true,
            scripts: order["scripts"].clone(),
        }
    }

    pub(crate) fn is_derive(&self, name: &str) -> bool {
        self.steps
            .iter()
            .any(|step| step.name == name && step.derive)
    }
}

fn step(step: &Value) -> Step {
    Step {
        name: string(&step["name"]),
        online: step["online"] == true,
        derive: step["derive"] == true,
        collection: string(&step["collection"]),
        reads: each(&step["reads"]).map(string).collect(),
        writes: each(&step["writes"]).map(string).collect(),
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

//! Renames one member of a document and adds one, in two ways: as a tree and as text. The functions are there natively,
//! too, so that benchmarks can hold the sandbox against the same code without it.

use godwit_plugin::serde_json;
use godwit_plugin::{Context, Descriptor, Item, Migration, Outcome, Result, Step, export, json};

/// App `members`, version 2.0.0.
pub struct Members;

/// Says which version it is: in the file, where benchmarks put another one, so that there is a chain of them.
static VERSION: &[u8; 24] = b"version of members 2.0.0";

fn version() -> String {
    let text = std::hint::black_box(VERSION);
    String::from_utf8_lossy(&text[text.len() - 5..]).into_owned()
}

impl Migration for Members {
    fn describe() -> Descriptor {
        let version = version();
        let members = Descriptor::new("members", &version)
            .requires(">=1")
            .summary("renames a member and adds one");
        match &*version {
            "2.0.0" => members
                .step(Step::rewrite("tree", "trees"))
                .step(Step::rewrite("text", "texts")),
            _ => members.step(Step::rewrite("link", "chained")),
        }
    }

    fn migrate(step: &str, item: &Item<'_>, _context: &Context<'_>) -> Result {
        match step {
            "tree" => as_tree(item),
            "text" => as_text(item),
            _ => as_link(item),
        }
    }
}

export!(Members);

/// Reads a tree, changes it, and prints it: `serde_json`, with the features that keep digits and the order of members.
///
/// # Errors
/// When the item is no object.
pub fn as_tree(item: &Item<'_>) -> Result {
    let mut document = item.json()?;
    let members = document.as_object_mut().ok_or("an item is an object")?;
    if let Some(description) = members.shift_remove("description") {
        members.insert("summary".to_owned(), description);
    }
    members.insert("tags".to_owned(), json!([]));
    Ok(Outcome::updated(serde_json::to_vec(&document)?))
}

/// Edits the text.
///
/// # Errors
/// When the item is no object, or has a `summary` already.
pub fn as_text(item: &Item<'_>) -> Result {
    let mut document = item.text()?;
    document.rename("/description", "summary")?;
    document.set("/tags", json!([]))?;
    Ok(document.into())
}

/// Edits the text as one version of a chain does.
fn as_link(item: &Item<'_>) -> Result {
    let mut document = item.text()?;
    document.rename("/description", "summary")?;
    document.set("/version", version())?;
    Ok(document.into())
}

//! The change that every peer makes, as a plugin of Extism: as a tree, and by Godwit's editor of text.

use extism_pdk::{Error, FnResult, plugin_fn};
use godwit_plugin::{JsonText, json};

/// As a tree.
#[plugin_fn]
pub fn tree(document: Vec<u8>) -> FnResult<Vec<u8>> {
    let mut document: godwit_plugin::Value = godwit_plugin::serde_json::from_slice(&document)?;
    let members = document.as_object_mut().ok_or_else(|| Error::msg("a document is an object"))?;
    if let Some(description) = members.shift_remove("description") {
        members.insert("summary".to_owned(), description);
    }
    members.insert("tags".to_owned(), json!([]));
    Ok(godwit_plugin::serde_json::to_vec(&document)?)
}

/// By the editor of Godwit's SDK: what is left is the cost of a call for each document.
#[plugin_fn]
pub fn text(document: Vec<u8>) -> FnResult<Vec<u8>> {
    let mut text = JsonText::parse(&document)?;
    text.rename("/description", "summary")?;
    text.set("/tags", json!([]))?;
    Ok(text.into_text().into_owned().into_bytes())
}

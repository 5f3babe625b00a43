//! JSON Schemas by collection and version, from a folder.

use std::collections::BTreeMap;
use std::path::Path;

use godwit::kit::Schema;
use godwit::model::{Item, Name, Version};

use crate::commands::read_text;
use crate::exit::Failure;

/// The schemas of a folder.
#[derive(Debug, Default)]
pub struct Schemas(BTreeMap<(Name, Option<Version>), Schema>);

impl Schemas {
    /// Reads all files of a folder that are named `COLLECTION.json` or `COLLECTION@VERSION.json`.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| {
            let message = format!(
                "the schemas in {} cannot be read: {error}",
                folder.display()
            );
            Failure::input(message, "check the path given by --schemas")
        };
        let mut schemas = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let key = key(&path).ok_or_else(|| {
                let message = format!("{} is not named after a collection", path.display());
                let hint = "name it as in features.json or features@2.0.0.json";
                Failure::input(message, hint)
            })?;
            let text = read_text(&path, "check the path given by --schemas")?;
            let schema = Schema::new(&text).map_err(|error| {
                let message = format!("{} is no schema: {error}", path.display());
                let hint = "a JSON Schema is JSON, and needs nothing from the network";
                Failure::input(message, hint)
            })?;
            schemas.insert(key, schema);
        }
        Ok(Self(schemas))
    }

    /// What is wrong with an item; `None`: there is no schema for it.
    pub fn findings(&self, collection: &Name, item: &Item) -> Option<Vec<String>> {
        let find = |version: Option<&Version>| {
            let key = (collection.clone(), version.cloned());
            self.0.get(&key)
        };
        let schema = find(Some(&item.version)).or_else(|| find(None))?;
        Some(schema.wrong(&item.body))
    }
}

fn key(path: &Path) -> Option<(Name, Option<Version>)> {
    let name = path.file_stem()?.to_str()?;
    match name.split_once('@') {
        Some((name, version)) => Some((name.parse().ok()?, Some(version.parse().ok()?))),
        None => Some((name.parse().ok()?, None)),
    }
}

//! Bodies against JSON Schemas.

use jsonschema::Validator;
use serde_json::Value;

use super::World;
use crate::model::Name;

/// A JSON Schema that bodies are held to.
///
/// ```
/// use godwit::kit::Schema;
///
/// let schema = Schema::new(r#"{"properties": {"title": {"type": "string"}}}"#)?;
/// assert!(schema.wrong(br#"{"title": "hello"}"#).is_empty());
/// assert_eq!(schema.wrong(br#"{"title": 1}"#), [r#"/title: 1 is not of type "string""#]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Schema(Validator);

/// Occurs when a schema is none.
///
/// ```
/// use godwit::kit::Schema;
///
/// let error = Schema::new(r#"{"type": 1}"#).unwrap_err();
/// assert!(error.to_string().starts_with("it is not a JSON Schema: "));
/// ```
#[derive(Debug, thiserror::Error)]
#[error("it is not a JSON Schema: {0}")]
pub struct SchemaError(String);

impl Schema {
    /// Takes a schema; its `$schema` says which draft it is written in, 2020-12 if it says nothing. It
    /// must be whole: nothing is fetched.
    ///
    /// # Errors
    /// [`SchemaError`] when the text is not JSON or no schema.
    pub fn new(text: &str) -> Result<Self, SchemaError> {
        let schema: Value =
            serde_json::from_str(text).map_err(|error| SchemaError(error.to_string()))?;
        let validator = jsonschema::validator_for(&schema);
        validator
            .map(Self)
            .map_err(|error| SchemaError(error.to_string()))
    }

    /// What is wrong with the items of a collection, in words.
    ///
    /// ```
    /// use godwit::kit::{Schema, World};
    ///
    /// # let notes: godwit::model::Name = "notes".parse()?;
    /// let schema = Schema::new(r#"{"required": ["title"]}"#)?;
    /// let mut world = World::new();
    /// world.insert(&notes, "first", br#"{"title": "hello"}"#.to_vec())?;
    /// world.insert(&notes, "second", b"no JSON".to_vec())?;
    /// assert_eq!(schema.findings(&world, &notes), ["notes/second is not JSON"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn findings(&self, world: &World, collection: &Name) -> Vec<String> {
        let items = world.items().filter(|(name, ..)| *name == collection);
        let mut findings = Vec::new();
        for (_, id, body) in items {
            let Ok(body) = serde_json::from_slice::<Value>(body) else {
                findings.push(format!("{collection}/{id} is not JSON"));
                continue;
            };
            let errors = self.errors(&body);
            findings
                .extend(errors.map(|(place, error)| format!("{collection}/{id}{place}: {error}")));
        }
        findings
    }

    /// What is wrong with a body, in words.
    pub fn wrong(&self, body: &[u8]) -> Vec<String> {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return vec!["it is not JSON".to_owned()];
        };
        let errors = self.errors(&body);
        errors
            .map(|(place, error)| match &*place {
                "" => error,
                place => format!("{place}: {error}"),
            })
            .collect()
    }

    /// What is wrong, and where.
    fn errors<'a>(&'a self, body: &'a Value) -> impl Iterator<Item = (String, String)> + 'a {
        let errors = self.0.iter_errors(body);
        errors.map(|error| (error.instance_path().to_string(), error.to_string()))
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").finish_non_exhaustive()
    }
}

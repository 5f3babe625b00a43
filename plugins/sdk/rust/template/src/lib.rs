//! Version {{version}} of {{app}}: every item has tags.

use godwit_plugin::{Context, Descriptor, Item, Migration, Outcome, Result, Step, export, json};

/// Gives every item a list of tags.
pub struct Tags;

impl Migration for Tags {
    fn describe() -> Descriptor {
        Descriptor::new("{{app}}", "{{version}}")
            .requires("{{requires}}")
            .summary("gives every item a list of tags")
            .step(Step::rewrite("tags", "{{collection}}"))
    }

    fn migrate(_step: &str, item: &Item<'_>, _context: &Context<'_>) -> Result {
        let mut item = item.json()?;
        let members = item.as_object_mut().ok_or("an item is an object")?;
        if members.contains_key("tags") {
            return Ok(Outcome::Unchanged);
        }
        members.insert("tags".into(), json!([]));
        Ok(Outcome::updated(item))
    }
}

export!(Tags);

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_plugin::testing::Host;

    #[test]
    fn an_item_without_tags_gets_none() {
        let mut host = Host::new().with("{{collection}}", r#"{"_id":"a","text":"Grüezi"}"#);
        host.migrate::<Tags>();
        host.assert_holds("{{collection}}", r#"{"_id":"a","text":"Grüezi","tags":[]}"#);
    }
}

//! Todos, version 2.0.0: the app can search, so an index is filled while it is serving already.
//!
//! The offline step looks at every todo and finds that all have the shape of 2.0.0; the online step fills
//! `todo-search` and leaves the todos as they are.

use std::collections::BTreeSet;

use godwit_plugin::{Context, Descriptor, Item, Migration, Outcome, Result, Step, export};
use serde::{Deserialize, Serialize};

/// Prepares todos for being searched.
pub struct Search;

impl Migration for Search {
    fn describe() -> Descriptor {
        Descriptor::new("todos", "2.0.0")
            .requires(">=1, <2")
            .summary("fills an index of the words in titles")
            .step(Step::rewrite("shape", "todos"))
            .step(
                Step::derive("search", "todos")
                    .online()
                    .writes("todo-search"),
            )
    }

    fn migrate(step: &str, item: &Item<'_>, context: &Context<'_>) -> Result {
        if step == "search" {
            let todo: Todo = item.typed()?;
            let entry = Entry {
                _id: item.id(),
                words: words(&todo.title),
            };
            context
                .documents()
                .put_json("todo-search", item.id(), &entry)?;
        }
        Ok(Outcome::Unchanged)
    }
}

export!(Search);

/// What is read of a todo; it is never written, so that naming one member is enough.
#[derive(Deserialize)]
struct Todo {
    title: String,
}

/// What the index holds of a todo.
#[derive(Serialize)]
struct Entry<'a> {
    _id: &'a str,
    words: BTreeSet<String>,
}

/// The words of a text, in lower case, each once, sorted.
fn words(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_plugin::testing::Host;

    const BEFORE: &str = include_str!("../items.before.ndjson");

    #[test]
    fn before_becomes_after() {
        let mut host = Host::new().with("todos", BEFORE);
        let report = host.migrate::<Search>();
        assert_eq!(report.failed(), []);
        host.assert_holds("todos", include_str!("../items.after.ndjson"));
        host.assert_holds("todo-search", include_str!("../todo-search.after.ndjson"));
    }

    #[test]
    fn the_offline_step_leaves_everything_as_it_is() {
        let mut host = Host::new().with("todos", BEFORE);
        let report = host.migrate_step::<Search>("shape");
        assert_eq!(report.unchanged().len(), BEFORE.lines().count());
        assert_eq!(host.lines("todo-search"), "");
    }

    #[test]
    fn words_are_lower_case_sorted_and_unique() {
        let found: Vec<_> = words("Öl, Äpfel & öl — 2×!").into_iter().collect();
        assert_eq!(found, ["2", "äpfel", "öl"]);
    }
}

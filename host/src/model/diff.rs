//! How two JSON bodies differ, member by member.

use std::fmt;

use serde_json::Value;

use super::json::same_value;

/// One difference between two bodies.
///
/// ```
/// use godwit::model::{Difference, diff};
/// use serde_json::json;
///
/// let found = diff(&json!({"done": false}), &json!({"done": true}));
/// let expected = Difference {
///     pointer: "/done".to_owned(),
///     before: Some(json!(false)),
///     after: Some(json!(true)),
/// };
/// assert_eq!(found, [expected]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where: a JSON pointer (RFC 6901); empty for the whole body.
    pub pointer: String,
    /// What was there; `None`: nothing.
    pub before: Option<Value>,
    /// What is there now; `None`: nothing.
    pub after: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() {
            "(body)"
        } else {
            &self.pointer
        };
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "+ {pointer}: {after}"),
            (Some(before), None) => write!(f, "- {pointer}: {before}"),
            (Some(before), Some(after)) => write!(f, "~ {pointer}: {before} -> {after}"),
            (None, None) => Ok(()),
        }
    }
}

/// How `after` differs from `before`. Members are compared by name, the elements of lists by place.
///
/// ```
/// use godwit::model::diff;
/// use serde_json::json;
///
/// let before = json!({"title": "milk", "done": false});
/// let after = json!({"title": "milk", "done": true, "by": "me"});
/// let found = diff(&before, &after);
/// assert_eq!(found[0].to_string(), "~ /done: false -> true");
/// assert_eq!(found[1].to_string(), r#"+ /by: "me""#);
/// ```
pub fn diff(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(before), Some(after), &mut found);
    found
}

fn compare(
    pointer: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let added = after.keys().filter(|name| !before.contains_key(*name));
            for name in before.keys().chain(added) {
                let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                compare(&place, before.get(name), after.get(name), found);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for index in 0..before.len().max(after.len()) {
                let place = format!("{pointer}/{index}");
                compare(&place, before.get(index), after.get(index), found);
            }
        }
        (Some(before), Some(after)) if same_value(before, after) => {}
        (before, after) => found.push(Difference {
            pointer: pointer.to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_named_by_pointer() {
        let before = json!({"a": 1, "b": {"c/d": [1, 2]}, "e": 1.0});
        let after = json!({"b": {"c/d": [1, 3, 4]}, "e": 1, "f": null});
        let lines: Vec<_> = diff(&before, &after)
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected = [
            "- /a: 1",
            "~ /b/c~1d/1: 2 -> 3",
            "+ /b/c~1d/2: 4",
            "+ /f: null",
        ];
        assert_eq!(lines, expected);
    }
}

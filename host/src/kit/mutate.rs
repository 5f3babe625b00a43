//! Items that are bent out of shape, to see what a migration makes of them.

use serde_json::{Map, Number, Value, json};

use crate::model::Dice;

/// Bends items: the same ones in the same way for the same seed.
#[derive(Debug)]
pub(super) struct Mutator {
    dice: Dice,
}

/// An item that was bent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mutation {
    /// What was done, as in "`/name` removed".
    pub what: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Texts at the edge of what texts are.
const TEXTS: [&str; 8] = [
    "",
    " ",
    "\u{0}",
    "🐦\u{200d}👩\u{200d}👧",
    "e\u{301}\u{327}",
    "\u{202e}שלום",
    "\u{feff}a\u{2028}b",
    "\"\\/\r\n\t",
];

/// Numbers at the edge of what numbers are.
const NUMBERS: [&str; 10] = [
    "0",
    "-0",
    "-1",
    "1.10",
    "9007199254740993",
    "-9223372036854775808",
    "18446744073709551616",
    "1e400",
    "1e-400",
    "0.1234567890123456789012345678901",
];

impl Mutator {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
        }
    }

    /// Bends one value of a body: the whole, or something inside of it.
    pub(super) fn mutate(&mut self, body: &Value) -> Mutation {
        let mut body = body.clone();
        let places = places(&body);
        let place = self.dice.below(places.len() as u64) as usize;
        let pointer = &places[place];
        let shown = if pointer.is_empty() {
            "the body"
        } else {
            pointer
        };
        let target = body.pointer_mut(pointer);
        let target = target.expect("the places are those of the body");
        let what = match self.dice.below(8) {
            0 if !pointer.is_empty() => return self.removed(body, pointer),
            1 => self.nested(target, shown),
            2 => self.lengthened(target, shown),
            3 => self.renamed(target, shown),
            4 => self.retexted(target, shown),
            5 => self.renumbered(target, shown),
            _ => self.retyped(target, shown),
        };
        Mutation {
            what,
            body: body.to_string().into_bytes(),
        }
    }

    fn removed(&mut self, mut body: Value, pointer: &str) -> Mutation {
        let (parent, last) = pointer.rsplit_once('/').expect("it is not the whole body");
        match body.pointer_mut(parent) {
            Some(Value::Object(members)) => {
                members.shift_remove(&last.replace("~1", "/").replace("~0", "~"));
            }
            Some(Value::Array(elements)) => {
                if let Ok(place) = last.parse::<usize>() {
                    elements.remove(place);
                }
            }
            _ => {}
        }
        Mutation {
            what: format!("{pointer} removed"),
            body: body.to_string().into_bytes(),
        }
    }

    /// Another type.
    fn retyped(&mut self, target: &mut Value, shown: &str) -> String {
        let others = [
            json!(null),
            json!(true),
            json!(1),
            json!("text"),
            json!([]),
            json!({}),
            json!([target]),
            json!({ "in": target }),
        ];
        let differing: Vec<&Value> = others.iter().filter(|other| *other != target).collect();
        let other = self.dice.pick(&differing).clone();
        let what = format!("{shown} made {}", kind(&other));
        *target = other;
        what
    }

    /// Deep inside of lists or objects.
    fn nested(&mut self, target: &mut Value, shown: &str) -> String {
        let depth = 1 + self.dice.below(60);
        let in_lists = self.dice.below(2) == 0;
        let mut inner = target.take();
        for _ in 0..depth {
            inner = if in_lists {
                json!([inner])
            } else {
                json!({ "in": inner })
            };
        }
        *target = inner;
        format!("{shown} nested {depth} deep")
    }

    /// Far longer.
    fn lengthened(&mut self, target: &mut Value, shown: &str) -> String {
        let times = 1_000 + self.dice.below(9_000) as usize;
        match target {
            Value::Array(elements) => {
                let element = elements.first().cloned().unwrap_or_default();
                elements.extend(std::iter::repeat_n(element, times.min(1_000)));
                format!("{shown} made a long list")
            }
            Value::Object(members) => {
                for number in 0..times.min(1_000) {
                    members.insert(format!("more-{number}"), Value::Null);
                }
                format!("{shown} given many members")
            }
            other => {
                *other = json!("ü".repeat(times));
                format!("{shown} made a long text")
            }
        }
    }

    /// A member with another name.
    fn renamed(&mut self, target: &mut Value, shown: &str) -> String {
        let Value::Object(members) = target else {
            return self.retyped(target, shown);
        };
        if members.is_empty() {
            members.insert(self.dice.pick(&TEXTS).to_owned(), Value::Null);
            return format!("{shown} given a member with a strange name");
        }
        let place = self.dice.below(members.len() as u64) as usize;
        let name = self.dice.pick(&TEXTS);
        let old = members.keys().nth(place).cloned().unwrap_or_default();
        let renamed = std::mem::take(members).into_iter().enumerate();
        let renamed: Map<_, _> = renamed
            .map(|(at, (old, value))| {
                if at == place {
                    (name.to_owned(), value)
                } else {
                    (old, value)
                }
            })
            .collect();
        *members = renamed;
        format!("the member `{old}` of {shown} renamed to {name:?}")
    }

    fn retexted(&mut self, target: &mut Value, shown: &str) -> String {
        let text = self.dice.pick(&TEXTS);
        *target = json!(text);
        format!("{shown} made the text {text:?}")
    }

    fn renumbered(&mut self, target: &mut Value, shown: &str) -> String {
        let number = self.dice.pick(&NUMBERS);
        *target = Value::Number(Number::from_string_unchecked(number.to_owned()));
        format!("{shown} made the number {number}")
    }
}

/// The pointers of all values of a body, the whole first.
fn places(body: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut next = 0;
    while let Some(pointer) = found.get(next).cloned() {
        match body.pointer(&pointer) {
            Some(Value::Object(members)) => {
                found.extend(members.keys().map(|name| {
                    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
                }));
            }
            Some(Value::Array(elements)) => {
                found.extend((0..elements.len()).map(|place| format!("{pointer}/{place}")));
            }
            _ => {}
        }
        next += 1;
    }
    found
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_bent_in_many_ways_and_always_the_same() {
        let body = json!({"_id": "a", "a/b": {"c": [1, "two", null]}, "n": 1.5});
        let all = |seed| {
            let mut mutator = Mutator::new(seed);
            let some: Vec<_> = (0..500).map(|_| mutator.mutate(&body)).collect();
            some
        };
        let first = all(1);
        assert_eq!(first, all(1));
        assert_ne!(first, all(2));
        let original = body.to_string();
        for Mutation { what, body } in &first {
            assert!(serde_json::from_slice::<Value>(body).is_ok(), "{what}");
            // A member that is renamed or retyped may end up as it was; most do not.
        }
        let same = first
            .iter()
            .filter(|bent| bent.body == original.as_bytes())
            .count();
        assert!(same < 10, "{same} are as they were");
        for part in [
            "removed",
            "nested",
            "long",
            "renamed",
            "text",
            "number",
            "made null",
        ] {
            assert!(
                first.iter().any(|bent| bent.what.contains(part)),
                "none is {part}"
            );
        }
        assert!(first.iter().any(|bent| bent.what.starts_with("/a~1b/c/2")));
    }
}

//! Documents that are edited as text, beside trees that are edited in the same way.

use std::collections::HashSet;

use godwit_plugin::text::checked_both_ways;
use godwit_plugin::{EditError, JsonSlice, JsonText, Value, json};

/// Edits a text and a tree. The first byte is the number of edits; each has three bytes: what is done, and with which of
/// the places that there are; the others are the text.
///
/// # Panics
/// When the scanners differ, from each other or from serde's reader, or the edited text says something else than the
/// edited tree.
pub fn edit(bytes: &[u8]) {
    let Some((count, rest)) = bytes.split_first() else {
        return;
    };
    let Some((edits, text)) = rest.split_at_checked(usize::from(count % 8) * 3) else {
        return;
    };
    // Edits put names into objects; of members with one name a tree has one.
    let is_good = is_json(text);
    let Some(mut tree) = serde_json::from_slice::<Value>(text)
        .ok()
        .filter(|_| is_good)
    else {
        return;
    };
    let mut text = JsonText::parse(text).expect("it was JSON before");
    if has_twins(text.root()) {
        return;
    }
    for edit in edits.chunks_exact(3) {
        let places = places(&tree);
        let at = |byte: u8| &places[usize::from(byte) % places.len()];
        edit_both(&mut text, &mut tree, edit[0] % 7, at(edit[1]), at(edit[2]));
    }
}

/// Whether an object has two members of one name.
fn has_twins(value: JsonSlice<'_>) -> bool {
    let mut names = HashSet::new();
    let mut members = value.members();
    members.any(|(name, value)| !names.insert(name) || has_twins(value))
        || value.elements().any(has_twins)
}

/// Whether bytes are JSON.
///
/// # Panics
/// When the scanners with and without SIMD differ, or the text's reader and serde's.
pub fn is_json(bytes: &[u8]) -> bool {
    let checked = checked_both_ways(bytes);
    let is_json = checked.is_ok();
    let by_serde = serde_json::from_slice::<Value>(bytes);
    let shown = String::from_utf8_lossy(bytes);
    if matches!(&by_serde, Err(error) if error.to_string().starts_with("recursion limit")) {
        // Serde's reader gives up one level earlier.
        return false;
    }
    if shown.contains("$serde_json::private::") {
        // A tree of serde's reads a member of such a name as something else.
        return false;
    }
    assert_eq!(
        is_json,
        by_serde.is_ok(),
        "{shown}: {checked:?} {by_serde:?}"
    );
    if let Err(error) = checked {
        assert!(error.offset() <= bytes.len(), "{shown}: {error}");
    }
    is_json
}

/// A text as a tree; serde's reader is as strict as RFC 8259.
///
/// # Panics
/// When it is not JSON.
pub fn tree(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A text that is edited as text.
///
/// # Panics
/// When it is not JSON.
pub fn parse(text: &str) -> JsonText<'_> {
    JsonText::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Pointers to everything that there is in a tree, to what may be added, and to what cannot be there.
pub fn places(tree: &Value) -> Vec<String> {
    let mut places = Vec::new();
    pointers(tree, "", &mut places);
    let inside = |place: &String| ["n", "-", "0", "renamed"].map(|step| format!("{place}/{step}"));
    let more: Vec<_> = places.iter().flat_map(inside).collect();
    places.extend(more);
    places
}

/// Adds the pointers of everything that there is in a tree.
pub fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    let mut inside = |step: &str, value: &Value| {
        let step = step.replace('~', "~0").replace('/', "~1");
        pointers(value, &format!("{here}/{step}"), found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| inside(name, value)),
        Value::Array(elements) => {
            let numbered = (0..).map(|number: usize| number.to_string()).zip(elements);
            numbered.for_each(|(number, value)| inside(&number, value));
        }
        _ => {}
    }
}

/// The pointer to where a value is, and its name there.
fn split(pointer: &str) -> (&str, String) {
    let (parent, step) = pointer
        .rsplit_once('/')
        .expect("it is not that to the whole");
    (parent, step.replace("~1", "/").replace("~0", "~"))
}

fn remove(tree: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, step) = split(pointer);
    match tree.pointer_mut(parent)? {
        Value::Object(members) => members.shift_remove(&step),
        Value::Array(elements) => {
            let place = step.parse().ok().filter(|place| *place < elements.len());
            place.map(|place: usize| elements.remove(place))
        }
        _ => None,
    }
}

fn set(tree: &mut Value, pointer: &str, value: Value) -> bool {
    if let Some(found) = tree.pointer_mut(pointer) {
        *found = value;
        return true;
    }
    let (parent, step) = split(pointer);
    match tree.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.insert(step, value);
            true
        }
        Some(Value::Array(elements)) if step == "-" || step == elements.len().to_string() => {
            elements.push(value);
            true
        }
        _ => false,
    }
}

/// Gives a member the name `renamed`; whether there was one, or nothing where another has the name.
fn rename(tree: &mut Value, pointer: &str) -> Option<bool> {
    let (parent, step) = split(pointer);
    let Some(Value::Object(members)) = tree.pointer_mut(parent) else {
        return Some(false);
    };
    if members.contains_key(&step) && members.contains_key("renamed") && step != "renamed" {
        return None;
    }
    let is_there = members.contains_key(&step);
    let old = std::mem::take(members).into_iter();
    *members = old
        .map(|(name, value)| match name == step {
            true => ("renamed".to_owned(), value),
            false => (name, value),
        })
        .collect();
    Some(is_there)
}

fn insert(tree: &mut Value, pointer: &str, value: Value) -> bool {
    let (parent, step) = split(pointer);
    let place = step.parse::<usize>().ok();
    match (tree.pointer_mut(parent), place) {
        (Some(Value::Array(elements)), Some(place)) if place <= elements.len() => {
            elements.insert(place, value);
            true
        }
        _ => set(tree, pointer, value),
    }
}

/// Moves a value; whether there was one, or nothing where it cannot be.
fn move_to(tree: &mut Value, from: &str, to: &str) -> Option<bool> {
    if to
        .strip_prefix(from)
        .is_some_and(|rest| rest.starts_with('/'))
    {
        return None;
    }
    let mut moved = tree.clone();
    let Some(value) = remove(&mut moved, from) else {
        return Some(false);
    };
    if from != to {
        if !set(&mut moved, to, value) {
            return None;
        }
        *tree = moved;
    }
    Some(true)
}

/// Marks every object that an array or an object has; how many there were.
fn mark_each(tree: &mut Value, pointer: &str) -> usize {
    let mark = |value: &mut Value| {
        let Some(members) = value.as_object_mut() else {
            return 0;
        };
        members.insert("each".to_owned(), 1.into());
        1
    };
    match tree.pointer_mut(pointer) {
        Some(Value::Object(members)) => members.values_mut().map(mark).sum(),
        Some(Value::Array(elements)) => elements.iter_mut().map(mark).sum(),
        _ => 0,
    }
}

/// Removes every `null` that an array or an object has; how many there were.
fn remove_nulls(tree: &mut Value, pointer: &str) -> usize {
    match tree.pointer_mut(pointer) {
        Some(Value::Object(members)) => {
            let before = members.len();
            members.retain(|_, value| !value.is_null());
            before - members.len()
        }
        Some(Value::Array(elements)) => {
            let before = elements.len();
            elements.retain(|value| !value.is_null());
            before - elements.len()
        }
        _ => 0,
    }
}

/// Makes one edit of a text and the same of a tree, and holds them against each other.
///
/// # Panics
/// When they say something else afterwards.
pub fn edit_both(text: &mut JsonText<'_>, tree: &mut Value, what: u8, pointer: &str, other: &str) {
    let value = json!({"new": ["\u{e9}", 1]});
    let named = format!("{text}: {what} {pointer} {other}");
    let is_whole = pointer.is_empty() || what == 4 && other.is_empty();
    match what {
        0 => assert_eq!(
            text.set(pointer, &value).is_ok(),
            set(tree, pointer, value),
            "{named}"
        ),
        5 => {
            let edited = text.each(pointer, |element| {
                if element.root().is_object() {
                    element.set("/each", 1)?;
                }
                Ok(())
            });
            assert_eq!(edited.unwrap(), mark_each(tree, pointer), "{named}");
        }
        6 => {
            let removed = text.retain(pointer, |value| !value.is_null());
            assert_eq!(removed, Ok(remove_nulls(tree, pointer)), "{named}");
        }
        _ if is_whole => {}
        1 => assert_eq!(
            text.remove(pointer),
            Ok(remove(tree, pointer).is_some()),
            "{named}"
        ),
        2 => match (text.rename(pointer, "renamed"), rename(tree, pointer)) {
            // What is no member of an object has no name.
            (Err(EditError::NotAMember(_)), Some(false)) => {}
            (renamed, expected) => assert_eq!(renamed.ok(), expected, "{named}"),
        },
        3 => assert_eq!(
            text.insert(pointer, &value).is_ok(),
            insert(tree, pointer, value),
            "{named}"
        ),
        _ => assert_eq!(
            text.move_to(pointer, other).ok(),
            move_to(tree, pointer, other),
            "{named}"
        ),
    }
    let after = serde_json::from_str::<Value>(text.text());
    let after = after.unwrap_or_else(|error| panic!("{named}: {text}: {error}"));
    // Members in their order, too.
    assert_eq!(after.to_string(), tree.to_string(), "{named}");
    checked_both_ways(text.text().as_bytes()).unwrap();
    assert_eq!(
        text.root().to_value().to_string(),
        tree.to_string(),
        "{named}"
    );
}

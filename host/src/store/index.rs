//! Secondary indexes: which items have a value at a JSON pointer.
//!
//! An entry's key holds the value in an order-preserving form and the item's id. Long strings are
//! cut, arrays and objects are digested: an index finds candidates, and whoever asks compares the
//! values themselves. `null` is a value, a missing member is none.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::key;
use crate::model::Name;

/// How many bytes of a string an entry holds; with a collection, an id and the ends, a key stays
/// below the longest that stores take.
const STRING_BYTES: usize = 96;

/// The value at a pointer of a body; `None` where there is none, or the body is not JSON.
pub fn value_at(body: &[u8], pointer: &str) -> Option<Value> {
    let value: Value = serde_json::from_slice(body).ok()?;
    value.pointer(pointer).cloned()
}

/// The start of the keys of all entries for `value`.
pub fn prefix(collection: &Name, number: u32, value: &Value) -> Vec<u8> {
    let mut key = key::index(collection, number);
    encode(value, &mut key);
    key
}

/// The key of the entry of one item.
pub fn entry(collection: &Name, number: u32, value: &Value, id: &str) -> Vec<u8> {
    let mut key = prefix(collection, number, value);
    key.extend_from_slice(id.as_bytes());
    key
}

/// The id in an entry's key, behind the prefix that it was found by.
pub fn id<'a>(entry: &'a [u8], prefix: &[u8]) -> Option<&'a str> {
    std::str::from_utf8(entry.strip_prefix(prefix)?).ok()
}

fn encode(value: &Value, key: &mut Vec<u8>) {
    match value {
        Value::Null => key.push(1),
        Value::Bool(false) => key.push(2),
        Value::Bool(true) => key.push(3),
        Value::Number(number) => {
            key.push(4);
            key.extend_from_slice(&ordered(number.as_f64().unwrap_or(f64::MAX)));
        }
        Value::String(text) => {
            key.push(5);
            encode_text(text, key);
        }
        Value::Array(_) | Value::Object(_) => {
            key.push(6);
            key.extend_from_slice(&Sha256::digest(canonical(value))[..16]);
        }
    }
}

/// The bits of a number, so that their order as bytes is that of the numbers.
fn ordered(number: f64) -> [u8; 8] {
    // -0 and 0 are one value.
    let bits = if number == 0.0 { 0 } else { number.to_bits() };
    let flipped = if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    };
    flipped.to_be_bytes()
}

/// A string, each zero byte followed by 255, ended by two zero bytes, so that a string comes before
/// the ones that it starts.
fn encode_text(text: &str, key: &mut Vec<u8>) {
    let mut left = STRING_BYTES;
    for byte in text.bytes() {
        let width = if byte == 0 { 2 } else { 1 };
        if left < width {
            break;
        }
        left -= width;
        key.push(byte);
        if byte == 0 {
            key.push(255);
        }
    }
    key.extend_from_slice(&[0, 0]);
}

/// JSON with members in order and numbers by value, so that equal values have equal text.
fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(values) => {
            out.push(b'[');
            for value in values {
                write_canonical(value, out);
                out.push(b',');
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push(b'{');
            for (name, value) in members {
                out.extend_from_slice(Value::from(name.as_str()).to_string().as_bytes());
                out.push(b':');
                write_canonical(value, out);
            }
            out.push(b'}');
        }
        Value::Number(number) => {
            out.extend_from_slice(&ordered(number.as_f64().unwrap_or(f64::MAX)));
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {
            out.extend_from_slice(value.to_string().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key_of(value: &Value) -> Vec<u8> {
        prefix(&"c".parse().unwrap(), 0, value)
    }

    #[test]
    fn keys_are_in_the_order_of_values() {
        let values = [
            json!(null),
            json!(false),
            json!(true),
            json!(-1e300),
            json!(-2),
            json!(-1.5),
            json!(0),
            json!(0.5),
            json!(1),
            json!(10),
            json!(1e300),
            json!(""),
            json!("a"),
            json!("a\0b"),
            json!("ab"),
            json!("b"),
        ];
        let keys: Vec<_> = values.iter().map(key_of).collect();
        assert!(keys.is_sorted());
    }

    #[test]
    fn equal_values_have_equal_keys() {
        let pairs = [
            (json!(1), json!(1.0)),
            (json!(0.0), json!(-0.0)),
            (json!({"a": 1, "b": [2]}), json!({"b": [2.0], "a": 1})),
        ];
        for (a, b) in pairs {
            assert_eq!(key_of(&a), key_of(&b));
        }
    }

    #[test]
    fn long_strings_stay_below_the_longest_key() {
        let name: Name = "n".repeat(64).parse().unwrap();
        let long = json!("x".repeat(10_000));
        assert!(entry(&name, 0, &long, &"i".repeat(512)).len() <= super::super::MAX_KEY);
    }
}

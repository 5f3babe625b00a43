//! When two JSON texts say the same.

use serde_json::{Number, Value};

use super::{Rules, fingerprint};

/// Whether two bodies say the same: equal bytes, or equal JSON values. A re-serialisation with
/// other white space, member order or spelling of numbers and strings changes nothing.
///
/// ```
/// use godwit::model::json::same_body;
///
/// assert!(same_body(br#"{"a": 1, "b": 2}"#, br#"{"b":2.0,"a":1}"#));
/// assert!(!same_body(b"[1, 2]", b"[2, 1]"));
/// ```
pub fn same_body(a: &[u8], b: &[u8]) -> bool {
    if a == b {
        return true;
    }
    if has_private_name(a) || has_private_name(b) {
        return false;
    }
    let parse = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
    parse(a)
        .zip(parse(b))
        .is_some_and(|(a, b)| same_value(&a, &b))
}

/// Whether a text may have a member with one of the names by which serde_json's values tell themselves
/// that an object is a number or a text as it stands. It takes an object with such a member for what the
/// member says, so that values of such texts say nothing about them.
///
/// ```
/// use godwit::model::json::has_private_name;
///
/// let body = br#"{"$serde_json::private::Number": "1"}"#;
/// assert!(has_private_name(body));
/// assert!(!has_private_name(br#"{"price": "$5"}"#));
/// ```
pub fn has_private_name(body: &[u8]) -> bool {
    // All of them begin with a dollar sign, however that is spelled.
    if !body.contains(&b'$') && !body.contains(&b'\\') {
        return false;
    }
    let text = String::from_utf8_lossy(body);
    let mut plain = String::with_capacity(text.len());
    for (place, part) in text.split("\\u").enumerate() {
        let code = part.get(..4).filter(|_| place > 0);
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        match code.and_then(char::from_u32) {
            Some(c) => {
                plain.push(c);
                plain.push_str(&part[4..]);
            }
            None => plain.push_str(part),
        }
    }
    plain.contains("$serde_json::private::")
}

/// Whether two values are the same: members in any order, numbers by their exact value.
///
/// ```
/// use godwit::model::json::same_value;
/// use serde_json::json;
///
/// let (a, b) = (json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1.0}));
/// assert!(same_value(&a, &b));
/// assert!(!same_value(&a, &json!({"a": 1})));
/// ```
pub fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, a)| b.get(name).is_some_and(|b| same_value(a, b)))
        }
        (a, b) => a == b,
    }
}

fn same_number(a: &Number, b: &Number) -> bool {
    let (a, b) = (a.as_str(), b.as_str());
    a == b || Decimal::parse(a).is_some_and(|a| Decimal::parse(b) == Some(a))
}

/// A number's exact value: digits without zeros at either end, and where the point is.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i128,
}

impl Decimal {
    /// Parses a JSON number; `None` where its exponent is beyond measure.
    fn parse(text: &str) -> Option<Self> {
        let (negative, text) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut exponent = i128::from(exponent.parse::<i64>().ok()?) - fraction.len() as i128;
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent += 1;
        }
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        Some(Self {
            negative,
            digits,
            exponent,
        })
    }
}

/// Whether a body is JSON that PostgreSQL's `jsonb` has room for: no zero character, no lone surrogate, no two members of one
/// name, no number beyond its range.
pub(crate) fn fits_jsonb(body: &[u8]) -> bool {
    let rules = Rules {
        duplicate_names: false,
        ..Rules::default()
    };
    fingerprint(body, rules).is_some() && !is_too_much(body)
}

/// Whether JSON has a zero character, or an exponent of more than three digits: `numeric` ends at 131,072 digits before the point,
/// and 16,383 behind it.
fn is_too_much(body: &[u8]) -> bool {
    let (mut is_text, mut is_escaped, mut digits) = (false, false, None);
    for (place, byte) in body.iter().enumerate() {
        match (is_text, byte) {
            (true, b'u') if is_escaped && body[place + 1..].starts_with(b"0000") => return true,
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => is_text = !is_text,
            (true, _) => {}
            // `true` and `false` have one, and no digits behind it.
            (false, b'e' | b'E') => digits = Some(0),
            (false, b'+' | b'-') => {}
            (false, b'0'..=b'9') => {
                digits = digits.map(|digits| digits + 1);
                if digits > Some(3) {
                    return true;
                }
            }
            (false, _) => digits = None,
        }
    }
    false
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Texts that say the same.
    pub(in super::super) const SAME: [(&str, &str); 8] = [
        (
            r#"{"a": 1, "b": [true, null]}"#,
            r#"{"b":[true,null],"a":1}"#,
        ),
        ("1.0", "1"),
        ("1e2", "100"),
        ("-0", "0"),
        ("0.00", "0e9"),
        ("120e-1", "12"),
        (r#""\u00e9""#, "\"é\""),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890.0",
        ),
    ];

    #[test]
    fn a_re_serialisation_says_the_same() {
        for (a, b) in SAME {
            assert!(same_body(a.as_bytes(), b.as_bytes()), "{a} and {b}");
        }
    }

    #[test]
    fn escapes_alone_are_no_private_names() {
        for text in [r#"{"a":"$5 \u00e9 \n"}"#, r#"{"serde_json":1}"#, "[]"] {
            assert!(!has_private_name(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_change_is_a_change() {
        let pairs = [
            ("1", "2"),
            ("1", "-1"),
            ("1", "10"),
            ("9007199254740993", "9007199254740992"),
            ("1e400", "1e401"),
            ("null", "0"),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            ("[1,2]", "[2,1]"),
            ("not json", "not  json"),
            (r#"{"$serde_json::private::RawValue":"[1]"}"#, "[1]"),
            (r#"{"$serde_json::private::Number":"1"}"#, "1"),
            (r#"{"\u0024serde_json::private::Numbe\u0072":"1"}"#, "1"),
            ("1", "not json"),
        ];
        for (a, b) in pairs {
            assert!(!same_body(a.as_bytes(), b.as_bytes()), "{a} and {b}");
        }
    }

    #[test]
    fn what_jsonb_has_no_room_for_is_known() {
        for body in [
            r#"{"a": [1, -2.5e10, "x1e9999"], "b": null, "c": true}"#,
            r#""1e99999""#,
            r#""a\\u0000""#,
            r#"{"a\"1e9999": "\u00e9"}"#,
            "[false,1000,1e-300]",
        ] {
            assert!(fits_jsonb(body.as_bytes()), "{body}");
        }
        for body in [
            "",
            "no JSON",
            r#"{"a": "\u0000"}"#,
            r#""\\\u0000""#,
            r#"{"a": 1, "a": 2}"#,
            r#"{"a": "\ud800"}"#,
            "1e9999",
            "[-1E+99999]",
        ] {
            assert!(!fits_jsonb(body.as_bytes()), "{body}");
        }
    }
}

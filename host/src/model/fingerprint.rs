//! Reads a JSON text once, without building anything of it.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use super::Rules;

/// The deepest nesting that `serde_json` reads.
const MOST_DEPTH: usize = 127;
/// Up to so many members of an object, names are compared one by one; more are sorted.
const FEW_NAMES: usize = 16;

/// A number that bodies which say the same have in common, of a body that meets the rules.
///
/// Members may come in any order; numbers count by their exact value, texts by what they say once unescaped. Two
/// bodies of different fingerprints say different things; two of the same one most likely, but not
/// certainly, say the same.
///
/// `None` says nothing: the body may break the rules, or it has something that is left to a slower reader, such as two
/// members of one name.
pub fn fingerprint(body: &[u8], rules: Rules) -> Option<u64> {
    std::str::from_utf8(body).ok()?;
    let mut reader = Reader {
        body,
        at: 0,
        names: Vec::new(),
    };
    let print = reader.value(rules.depth.min(MOST_DEPTH))?;
    reader.space();
    (reader.at == body.len()).then_some(print)
}

/// Reads UTF-8. Every method stands before what it reads and leaves the reader behind it.
struct Reader<'a> {
    body: &'a [u8],
    at: usize,
    /// The names of the members of all objects that are open, hashed.
    names: Vec<u64>,
}

/// What kind of value a hash is of.
mod kind {
    pub(super) const TEXT: u64 = 1;
    pub(super) const NUMBER: u64 = 2;
    pub(super) const ARRAY: u64 = 3;
    pub(super) const OBJECT: u64 = 4;
    pub(super) const NULL: u64 = 5;
    pub(super) const FALSE: u64 = 6;
    pub(super) const TRUE: u64 = 7;
}

impl Reader<'_> {
    /// A value that may be nested `depth` levels deep.
    fn value(&mut self, depth: usize) -> Option<u64> {
        self.space();
        match *self.body.get(self.at)? {
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b'"' => self.text(),
            b'-' | b'0'..=b'9' => self.number(),
            b'n' => self.literal(b"null", kind::NULL),
            b'f' => self.literal(b"false", kind::FALSE),
            b't' => self.literal(b"true", kind::TRUE),
            _ => None,
        }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.body.get(self.at) {
            self.at += 1;
        }
    }

    /// Whether the next byte behind white space is this one; takes it if so.
    fn takes(&mut self, byte: u8) -> bool {
        self.space();
        let is_it = self.body.get(self.at) == Some(&byte);
        self.at += usize::from(is_it);
        is_it
    }

    fn literal(&mut self, literal: &[u8], kind: u64) -> Option<u64> {
        let rest = self.body[self.at..].strip_prefix(literal)?;
        self.at = self.body.len() - rest.len();
        Some(mixed(kind))
    }

    fn array(&mut self, depth: usize) -> Option<u64> {
        self.at += 1;
        let mut print = kind::ARRAY;
        if self.takes(b']') {
            return Some(mixed(print));
        }
        loop {
            print = mixed(print ^ self.value(depth)?);
            if self.takes(b']') {
                return Some(mixed(print));
            }
            if !self.takes(b',') {
                return None;
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<u64> {
        self.at += 1;
        let mut print = kind::OBJECT;
        if self.takes(b'}') {
            return Some(mixed(print));
        }
        let first = self.names.len();
        loop {
            self.space();
            if self.body.get(self.at) != Some(&b'"') {
                return None;
            }
            let name = self.text()?;
            self.names.push(name);
            if !self.takes(b':') {
                return None;
            }
            // Added up, they may come in any order.
            print = print.wrapping_add(mixed(name.rotate_left(17) ^ self.value(depth)?));
            if self.takes(b'}') {
                break;
            }
            if !self.takes(b',') {
                return None;
            }
        }
        let has_doubled = has_doubled(&mut self.names[first..]);
        self.names.truncate(first);
        (!has_doubled).then(|| mixed(print))
    }

    fn text(&mut self) -> Option<u64> {
        let start = self.at;
        self.at += 1;
        let mut is_plain = true;
        loop {
            self.at += plain_bytes(self.body.get(self.at..)?);
            match *self.body.get(self.at)? {
                b'"' => break,
                // Whatever is escaped, a quote or half of a pair, it is not the end.
                b'\\' => {
                    is_plain = false;
                    self.at += 2;
                }
                _ => return None,
            }
        }
        self.at += 1;
        let quoted = &self.body[start..self.at];
        if is_plain {
            return Some(text_print(&quoted[1..quoted.len() - 1]));
        }
        let text: String = serde_json::from_slice(quoted).ok()?;
        Some(text_print(text.as_bytes()))
    }

    /// A number by its exact value: its digits without zeros at either end, and where the point is.
    fn number(&mut self) -> Option<u64> {
        let is_negative = self.body[self.at] == b'-';
        self.at += usize::from(is_negative);
        let mut digits = Digits::default();
        if let (b'0', 2..) = self.digits(&mut digits)? {
            return None;
        }
        let mut exponent = 0;
        if self.body.get(self.at) == Some(&b'.') {
            self.at += 1;
            let (_, fraction) = self.digits(&mut digits)?;
            exponent -= fraction as i64;
        }
        if let Some(b'e' | b'E') = self.body.get(self.at) {
            self.at += 1;
            exponent = self.exponent()?.checked_add(exponent)?;
        }
        let Digits { print, zeros } = digits;
        if print == 0 {
            return Some(mixed(kind::NUMBER));
        }
        let exponent = exponent.checked_add(zeros as i64)?;
        Some(mixed(
            kind::NUMBER
                ^ mixed(print ^ u64::from(is_negative))
                ^ mixed(exponent as u64).rotate_left(1),
        ))
    }

    /// Takes digits, of which there is at least one; gives the first one and how many there are.
    fn digits(&mut self, digits: &mut Digits) -> Option<(u8, usize)> {
        let start = self.at;
        while let Some(digit @ b'0'..=b'9') = self.body.get(self.at) {
            digits.push(digit - b'0');
            self.at += 1;
        }
        let count = self.at - start;
        (count > 0).then(|| (self.body[start], count))
    }

    fn exponent(&mut self) -> Option<i64> {
        let sign = self.body.get(self.at).copied();
        self.at += usize::from(matches!(sign, Some(b'+' | b'-')));
        let start = self.at;
        let mut exponent = 0_i64;
        while let Some(digit @ b'0'..=b'9') = self.body.get(self.at) {
            // One that is beyond measure is left to others.
            exponent = exponent
                .checked_mul(10)?
                .checked_add(i64::from(digit - b'0'))?;
            self.at += 1;
        }
        let exponent = if sign == Some(b'-') {
            -exponent
        } else {
            exponent
        };
        (self.at > start).then_some(exponent)
    }
}

/// The digits of a number, hashed without zeros at either end.
#[derive(Default)]
struct Digits {
    /// 0: there was none but zeros.
    print: u64,
    /// The zeros at the end so far.
    zeros: usize,
}

impl Digits {
    fn push(&mut self, digit: u8) {
        if digit == 0 {
            self.zeros += usize::from(self.print != 0);
            return;
        }
        for _ in 0..std::mem::take(&mut self.zeros) {
            self.print = stretched(self.print, 0);
        }
        self.print = stretched(self.print, digit);
    }
}

/// A hash of digits with one more. It is never 0.
fn stretched(print: u64, digit: u8) -> u64 {
    let print = print.wrapping_add(u64::from(digit) + 1);
    print.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) | 1
}

fn text_print(text: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text);
    mixed(kind::TEXT ^ hasher.finish())
}

/// The finaliser of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Whether a name is there twice, or most likely so.
fn has_doubled(names: &mut [u64]) -> bool {
    if names.len() > FEW_NAMES {
        names.sort_unstable();
        return names.windows(2).any(|pair| pair[0] == pair[1]);
    }
    let mut behind = names.iter().enumerate();
    behind.any(|(place, name)| names[..place].contains(name))
}

/// How many bytes come before the first that a text has no room for as it is: a quote, a backslash, a control
/// character. Eight are looked at at once (the method of "Bit Twiddling Hacks", S. E. Anderson).
fn plain_bytes(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let below = |chunk: u64, least: u8| chunk.wrapping_sub(ONES * u64::from(least)) & !chunk & HIGH;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (place, chunk) in chunks.iter().enumerate() {
        let chunk = u64::from_le_bytes(*chunk);
        let quote = below(chunk ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(chunk ^ (ONES * u64::from(b'\\')), 1);
        // The lowest bit that is set is exact; those above may be borrowed.
        let found = quote | backslash | below(chunk, b' ');
        if found != 0 {
            return place * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let is_plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    bytes.len() - rest.len() + rest.iter().take_while(|byte| is_plain(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::super::json::{same_value, tests::SAME};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::{Map, Number, Value};

    const RULES: Rules = Rules {
        depth: 128,
        duplicate_names: false,
    };

    fn print(text: &str) -> Option<u64> {
        fingerprint(text.as_bytes(), RULES)
    }

    #[test]
    fn what_says_the_same_has_the_same_fingerprint() {
        let others = [
            ("-1.050E+2", "-105"),
            ("10002000", "1.0002e7"),
            (r#""\u00e9\n""#, "\"é\\u000a\""),
            (r#"{"\u0061":[]}"#, "{\"a\":[ ]}"),
            ("{ }\n", "{}"),
        ];
        for (a, b) in SAME.into_iter().chain(others) {
            assert_eq!(print(a), print(b), "{a} and {b}");
            assert!(print(a).is_some(), "{a}");
        }
    }

    #[test]
    fn what_says_something_else_has_another_one() {
        let all = [
            "1",
            "-1",
            "10",
            "0",
            "0.1",
            "0.01",
            "1e400",
            "1e401",
            "1001",
            "11",
            "101",
            "null",
            "false",
            "true",
            "\"\"",
            "\"1\"",
            "\"null\"",
            "[]",
            "{}",
            "[[]]",
            "[{}]",
            "[1,2]",
            "[2,1]",
            "[1]",
            "[[1],2]",
            "[[1,2]]",
            r#"{"a":1}"#,
            r#"{"b":1}"#,
            r#"{"a":2}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":{"b":1},"c":2}"#,
            r#"{"a":{"b":1,"c":2}}"#,
            r#"["a",1]"#,
            r#"{"1":"a"}"#,
            r#"{"a":"1"}"#,
        ];
        for (place, a) in all.iter().enumerate() {
            assert!(print(a).is_some(), "{a}");
            for b in &all[..place] {
                assert_ne!(print(a), print(b), "{a} and {b}");
            }
        }
    }

    #[test]
    fn what_is_no_json_or_breaks_a_rule_has_none() {
        let none = [
            "",
            " ",
            "nul",
            "nulll",
            "NaN",
            "+1",
            "01",
            "-",
            "1.",
            ".1",
            "1e",
            "1e+",
            "--1",
            "1 2",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\":1 \"b\":2}",
            "'a'",
            "\"\u{1}\"",
            "\"a",
            "\"\\\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\u{feff}1",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "[}",
            "{]",
            "1e99999999999999999999",
        ];
        for text in none {
            assert_eq!(print(text), None, "{text}");
        }
        assert_eq!(fingerprint(b"\"\xff\"", RULES), None);
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(print(&nested(MOST_DEPTH)).is_some());
        assert_eq!(print(&nested(MOST_DEPTH + 1)), None);
        let shallow = Rules { depth: 2, ..RULES };
        assert!(fingerprint(b"[[1]]", shallow).is_some());
        assert_eq!(fingerprint(b"[[[]]]", shallow), None);
    }

    #[test]
    fn many_names_are_compared_too() {
        let names = |count: usize| {
            let members: Vec<_> = (0..count).map(|n| format!("\"{n}\":0")).collect();
            members.join(",")
        };
        for count in [2, FEW_NAMES, FEW_NAMES + 1, 1_000] {
            assert!(print(&format!("{{{}}}", names(count))).is_some(), "{count}");
            let doubled = format!("{{{},\"{}\":1}}", names(count), count / 2);
            assert_eq!(print(&doubled), None, "{count}");
        }
    }

    fn number() -> impl Strategy<Value = Value> {
        let parts = (any::<bool>(), 0..3_000_u32, 0..1_000_u32, -5..5_i32);
        parts.prop_map(|(negative, whole, fraction, exponent)| {
            let sign = if negative { "-" } else { "" };
            let text = format!("{sign}{whole}.{fraction:03}e{exponent}");
            Value::Number(Number::from_string_unchecked(text))
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number(),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::from),
                vec(("[a-e\"\\\\é]{0,3}", inner), 0..6)
                    .prop_map(|members| Value::Object(Map::from_iter(members))),
            ]
        })
    }

    /// A value spelled in another way: members the other way round, numbers and texts with other letters.
    fn respelled(value: &Value) -> String {
        match value {
            Value::Number(number) => {
                let text = number.as_str();
                let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
                let point = if mantissa.contains('.') { "0" } else { ".0" };
                format!("{mantissa}{point}E{exponent}")
            }
            Value::String(text) => spelled(text),
            Value::Array(elements) => {
                let elements: Vec<_> = elements.iter().map(respelled).collect();
                format!("[ {} ]", elements.join(" ,\n"))
            }
            Value::Object(members) => {
                let members = members.iter().rev();
                let members: Vec<_> = members
                    .map(|(name, value)| format!("{} : {}", spelled(name), respelled(value)))
                    .collect();
                format!("{{\t{}}}", members.join(","))
            }
            other => format!(" {other} "),
        }
    }

    fn spelled(text: &str) -> String {
        let units = text.encode_utf16();
        let units: String = units.map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{units}\"")
    }

    proptest! {
        #[test]
        fn the_spelling_of_a_value_does_not_matter(value in value()) {
            let plain = print(&value.to_string());
            prop_assert!(plain.is_some(), "{value}");
            prop_assert_eq!(print(&respelled(&value)), plain);
        }

        #[test]
        fn other_values_have_other_fingerprints(a in value(), b in value()) {
            let is_same = print(&a.to_string()) == print(&b.to_string());
            prop_assert_eq!(is_same, same_value(&a, &b), "{} and {}", a, b);
        }

        #[test]
        fn what_has_one_meets_the_rules(value in value(), place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in 0..3_usize) {
            let mut body = value.to_string().into_bytes();
            let at = place.index(body.len());
            body.splice(at..(at + cut).min(body.len()), [byte]);
            let strict = serde_json::from_slice::<Value>(&body);
            let found = fingerprint(&body, RULES);
            prop_assert!(found.is_none() || RULES.read(&body).is_ok(), "{}", body.escape_ascii());
            // What is well-formed has one, unless a name is doubled.
            if RULES.read(&body).is_ok() && strict.is_ok() {
                prop_assert!(found.is_some(), "{}", body.escape_ascii());
            }
        }
    }
}

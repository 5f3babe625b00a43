//! Reads a JSON text once, without building anything of it.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use super::Rules;
use super::lanes::{TEXT, ends_text};

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
///
/// ```
/// use godwit::model::{Rules, fingerprint};
///
/// let print = |body: &str| fingerprint(body.as_bytes(), Rules::default());
/// assert_eq!(print(r#"{"a": 1, "b": 2}"#), print(r#"{"b":2.0,"a":1}"#));
/// assert_ne!(print("1"), print("2"));
/// assert_eq!(print("no JSON"), None);
/// ```
pub fn fingerprint(body: &[u8], rules: Rules) -> Option<u64> {
    std::str::from_utf8(body).ok()?;
    let mut reader = Reader {
        body,
        at: 0,
        names: Vec::new(),
    };
    let print = reader.whole(rules.depth.min(MOST_DEPTH))?;
    reader.space();
    (reader.at == body.len()).then_some(print)
}

/// Reads UTF-8. Every method stands before what it reads and leaves the reader behind it. What is small goes into its
/// caller, which takes a tenth of the time off.
struct Reader<'a> {
    body: &'a [u8],
    at: usize,
    /// The names of the members of all objects that are open, hashed.
    names: Vec<u64>,
}

/// An array or an object that is open.
#[derive(Default)]
struct Level {
    is_object: bool,
    /// What was read of it, hashed.
    print: u64,
    /// The name, hashed, of the member that is being read.
    name: u64,
    /// Where its names begin.
    first: usize,
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
    fn whole(&mut self, depth: usize) -> Option<u64> {
        // The innermost one, and those around it.
        let mut level = Level::default();
        let mut around: Vec<Level> = Vec::new();
        self.space();
        'value: loop {
            let mut print = match self.byte()? {
                b'"' => self.text()?,
                open @ (b'{' | b'[') => {
                    if around.len() == depth {
                        return None;
                    }
                    let (inner, is_empty) = self.open(open)?;
                    if !is_empty {
                        around.push(std::mem::replace(&mut level, inner));
                        continue 'value;
                    }
                    mixed(inner.print)
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b'n' => self.literal(b"null", kind::NULL)?,
                b'f' => self.literal(b"false", kind::FALSE)?,
                b't' => self.literal(b"true", kind::TRUE)?,
                _ => return None,
            };
            // Behind a value.
            loop {
                if around.is_empty() {
                    return Some(print);
                }
                level.add(print);
                self.space();
                match self.byte()? {
                    b',' => {
                        self.at += 1;
                        self.space();
                        if level.is_object {
                            level.name = self.name()?;
                        }
                        continue 'value;
                    }
                    b'}' if level.is_object => {
                        if has_doubled(&mut self.names[level.first..]) {
                            return None;
                        }
                        self.names.truncate(level.first);
                    }
                    b']' if !level.is_object => {}
                    _ => return None,
                }
                self.at += 1;
                print = mixed(level.print);
                level = around.pop()?;
            }
        }
    }

    /// Goes into what a bracket opens, up to its first value; if it is empty, behind it.
    #[inline(always)]
    fn open(&mut self, bracket: u8) -> Option<(Level, bool)> {
        self.at += 1;
        self.space();
        let is_object = bracket == b'{';
        let mut level = Level {
            is_object,
            print: if is_object { kind::OBJECT } else { kind::ARRAY },
            name: 0,
            first: self.names.len(),
        };
        // A closing bracket comes two behind the one that opens.
        let is_empty = self.byte()? == bracket + 2;
        if is_empty {
            self.at += 1;
        } else if is_object {
            level.name = self.name()?;
        }
        Some((level, is_empty))
    }

    fn byte(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    #[inline(always)]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.body.get(self.at) {
            self.at += 1;
        }
    }

    /// A member's name and the colon, with the spaces behind them.
    #[inline(always)]
    fn name(&mut self) -> Option<u64> {
        if self.byte()? != b'"' {
            return None;
        }
        let name = self.text()?;
        self.names.push(name);
        self.space();
        if self.byte()? != b':' {
            return None;
        }
        self.at += 1;
        self.space();
        Some(name)
    }

    fn literal(&mut self, literal: &[u8], kind: u64) -> Option<u64> {
        let rest = self.body[self.at..].strip_prefix(literal)?;
        self.at = self.body.len() - rest.len();
        Some(mixed(kind))
    }

    #[inline(always)]
    fn text(&mut self) -> Option<u64> {
        let start = self.at + 1;
        let end = plain_end(self.body, start);
        match *self.body.get(end)? {
            b'"' => {
                self.at = end + 1;
                Some(text_print(&self.body[start..end]))
            }
            b'\\' => self.escaped(end),
            _ => None,
        }
    }

    /// A text that has an escape at a place.
    #[cold]
    fn escaped(&mut self, mut end: usize) -> Option<u64> {
        loop {
            match *self.body.get(end)? {
                b'"' => break,
                // Whatever is escaped, a quote or half of a pair, it is not the end.
                b'\\' => end = plain_end(self.body, end + 2),
                _ => return None,
            }
        }
        let quoted = &self.body[self.at..=end];
        self.at = end + 1;
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
    hasher.finish() ^ kind::TEXT
}

/// The finaliser of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Level {
    /// Adds a value to what was read.
    fn add(&mut self, print: u64) {
        if self.is_object {
            // Added up, they may come in any order.
            let member = mixed(self.name.rotate_left(17) ^ print);
            self.print = self.print.wrapping_add(member);
        } else {
            self.print = mixed(self.print ^ print);
        }
    }
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

/// Where plain text inside of a string ends, from a place on: at a quote, a backslash or a control character, or at the
/// end of all.
#[inline(always)]
fn plain_end(body: &[u8], mut at: usize) -> usize {
    while let Some(bytes) = body.get(at..).and_then(|rest| rest.first_chunk()) {
        let found = ends_text(bytes);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += TEXT;
    }
    let rest = body.get(at..).unwrap_or_default();
    let is_plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    at + rest.iter().take_while(|byte| is_plain(byte)).count()
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

//! What a look at the bytes of two JSON texts tells, without reading either.

use super::lanes::{BLOCK, places};

/// The longest escape, as in `\u00e9`.
const ESCAPE: usize = 6;

/// What is certain of two texts, if each of them is JSON without two members of one name in an object.
///
/// ```
/// use godwit::model::{Glance, glance};
///
/// let old = br#"{"title": "milk"}"#;
/// let new = br#"{"title": "milk", "done": true}"#;
/// assert_eq!(glance(old, new), Glance::OtherMembers);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glance {
    /// They have different numbers of members, so that they say different things.
    OtherMembers,
    /// All that differs is what one text in it says, which is no member's name. So they say different things; and if one
    /// of them is JSON that meets some rules, so is the other.
    OneText,
    /// Nothing is certain.
    Nothing,
}

/// Looks at two texts from both ends to where they differ.
///
/// ```
/// use godwit::model::{Glance, glance};
///
/// let old = br#"{"title": "milk"}"#;
/// let new = br#"{"title": "bread"}"#;
/// assert_eq!(glance(old, new), Glance::OneText);
/// assert_eq!(glance(b"1", b"2"), Glance::Nothing);
/// ```
pub fn glance(old: &[u8], new: &[u8]) -> Glance {
    let mut start = common(old, new);
    let rest = (&old[start..], &new[start..]);
    let behind = common_end(rest.0, rest.1);
    // What follows a backslash belongs to it.
    while start > 0 && old[start - 1] == b'\\' {
        start -= 1;
    }
    let mut before = Strings::default();
    before.colons(&old[..start]);
    let (gone, come) = (
        &old[start..old.len() - behind],
        &new[start..new.len() - behind],
    );
    let [mut in_gone, mut in_come] = [before; 2];
    if in_gone.colons(gone) != in_come.colons(come) {
        return Glance::OtherMembers;
    }
    let is_plain = |part: &[u8]| {
        !part
            .iter()
            .any(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
    };
    let escape = &old[start.saturating_sub(ESCAPE)..start];
    let is_one = before.is_inside() && !escape.contains(&b'\\') && is_plain(gone) && is_plain(come);
    let end = new.len() - behind;
    if is_one && !is_name(&new[end..]) && std::str::from_utf8(new).is_ok() {
        return Glance::OneText;
    }
    Glance::Nothing
}

/// Whether a string, of which this is the end and what follows, is a member's name.
fn is_name(mut end: &[u8]) -> bool {
    loop {
        match end {
            [b'\\', _, rest @ ..] => end = rest,
            [b'"', rest @ ..] => {
                let next = rest.iter().find(|byte| !byte.is_ascii_whitespace());
                return next == Some(&b':');
            }
            [_, rest @ ..] => end = rest,
            // It does not end: whatever it is, nothing is certain.
            [] => return true,
        }
    }
}

/// How many bytes two texts have in common from the first one on.
fn common(a: &[u8], b: &[u8]) -> usize {
    let chunks = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
    let same = 8 * chunks.take_while(|(a, b)| a == b).count();
    let rest = a[same..].iter().zip(&b[same..]);
    same + rest.take_while(|(a, b)| a == b).count()
}

/// How many bytes two texts have in common up to the last one.
fn common_end(a: &[u8], b: &[u8]) -> usize {
    let chunks = a.as_rchunks::<8>().1.iter().rev();
    let chunks = chunks.zip(b.as_rchunks::<8>().1.iter().rev());
    let same = 8 * chunks.take_while(|(a, b)| a == b).count();
    let rest = a[..a.len() - same].iter().rev();
    let rest = rest.zip(b[..b.len() - same].iter().rev());
    same + rest.take_while(|(a, b)| a == b).count()
}

/// Where in a text one is: inside of a string or not. Between two pieces of a text no escape is cut in two.
///
/// Sixty-four bytes at a time: which of them are inside of strings is the running parity of the quotes, as in simdjson
/// (Langdale and Lemire, Parsing Gigabytes of JSON per Second, 2019).
#[derive(Debug, Clone, Copy, Default)]
struct Strings {
    /// All bits: a string is open.
    open: u64,
    /// Whether the next byte belongs to a backslash.
    is_escaped: bool,
}

impl Strings {
    fn is_inside(self) -> bool {
        self.open != 0
    }

    /// Goes over a piece, and counts the colons that are in no string.
    fn colons(&mut self, piece: &[u8]) -> u32 {
        let (chunks, rest) = piece.as_chunks::<BLOCK>();
        let mut count = 0;
        for chunk in chunks {
            count += self.colons_of(chunk);
        }
        if !rest.is_empty() {
            let mut last = [b' '; BLOCK];
            last[..rest.len()].copy_from_slice(rest);
            count += self.colons_of(&last);
        }
        count
    }

    fn colons_of(&mut self, chunk: &[u8; BLOCK]) -> u32 {
        let mut quotes = places(chunk, b'"');
        let backslashes = places(chunk, b'\\');
        if backslashes != 0 || self.is_escaped {
            quotes &= !self.escaped(backslashes);
        }
        let inside = parity(quotes) ^ self.open;
        self.open = ((inside as i64) >> (BLOCK - 1)) as u64;
        (places(chunk, b':') & !inside).count_ones()
    }

    /// The bytes that belong to a backslash before them.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        let mut escaped = u64::from(std::mem::take(&mut self.is_escaped));
        let mut left = backslashes & !escaped;
        while left != 0 {
            let place = left.trailing_zeros() as usize;
            if place == BLOCK - 1 {
                self.is_escaped = true;
                break;
            }
            escaped |= 0b10 << place;
            left &= !(0b11 << place);
        }
        escaped
    }
}

/// For each bit the parity of those up to it.
fn parity(bits: u64) -> u64 {
    let steps = [1, 2, 4, 8, 16, 32];
    steps.iter().fold(bits, |bits, step| bits ^ bits << step)
}

#[cfg(test)]
mod tests {
    use super::super::json::same_body;
    use super::super::{Rules, fingerprint};
    use super::*;
    use proptest::prelude::*;

    fn look(old: &str, new: &str) -> Glance {
        glance(old.as_bytes(), new.as_bytes())
    }

    #[test]
    fn what_is_certain_is_seen() {
        use Glance::{Nothing, OneText, OtherMembers};
        let long = "x".repeat(100);
        let cases = [
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, OtherMembers),
            (r#"{"a":1,"b":{"c":2}}"#, r#"{"a":1,"b":{}}"#, OtherMembers),
            (r#"{"a":"x:y"}"#, r#"{"a":"x:z"}"#, OneText),
            (r#"{"a":"1:2:3","b":1}"#, r#"{"a":"1","b":1}"#, OneText),
            (r#"{"a":"\"x"}"#, r#"{"a":"\":x"}"#, Nothing),
            (r#"{"a":"\\","b":"c"}"#, r#"{"a":"\\","b":"d"}"#, OneText),
            (r#""é""#, r#""è""#, OneText),
            (r#"["a","b"]"#, r#"["a","c"]"#, OneText),
            // A name, a number, what an escape says, two things at once.
            (r#"{"a":1}"#, r#"{"b":1}"#, Nothing),
            (r#"{"a" : 1}"#, r#"{"b" : 1}"#, Nothing),
            ("[1]", "[1.0]", Nothing),
            (r#""\u00e9""#, r#""\u00E9""#, Nothing),
            (r#""\n""#, r#""\t""#, Nothing),
            (r#"{"a":"x","b":"y"}"#, r#"{"b":"y","a":"x"}"#, Nothing),
            (r#"{"a":"x"}"#, r#"{"a": "x"}"#, Nothing),
            (r#"{"a":"x"}"#, r#"{"a":null}"#, Nothing),
            ("\"a\"", "\"a\nb\"", Nothing),
            ("\"a", "\"b", Nothing),
        ];
        for (old, new, expected) in cases {
            assert_eq!(look(old, new), expected, "{old} and {new}");
            // Wherever it stands.
            let within = |text: &str| format!("[\"{long}\",{text}]");
            assert_eq!(
                look(&within(old), &within(new)),
                expected,
                "{old} and {new}"
            );
        }
    }

    #[test]
    fn all_there_is_in_common_is_found() {
        for (a, b, before, behind) in [
            ("", "", 0, 0),
            ("", "a", 0, 0),
            ("abcdefghij", "abcdefghij", 10, 10),
            ("abcdefghij", "abcdefghiJ", 9, 0),
            ("Abcdefghij", "abcdefghij", 0, 9),
            ("abcdefghijklmnopqrst", "abcdefghij", 10, 0),
            ("klmnopqrstabcdefghij", "abcdefghij", 0, 10),
        ] {
            assert_eq!(common(a.as_bytes(), b.as_bytes()), before, "{a} {b}");
            assert_eq!(common_end(a.as_bytes(), b.as_bytes()), behind, "{a} {b}");
        }
    }

    /// JSON in which every kind of byte that matters is frequent.
    fn text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("1".to_owned()),
            Just("1.0".to_owned()),
            Just("null".to_owned()),
            r#"(a|b|:|,|\{|é|\\"|\\\\|\\n|\\u0061){0,9}"#.prop_map(|inner| format!("\"{inner}\"")),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let name = r#"(a|b|:|\\")(c|d)?"#;
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4)
                    .prop_map(|values| format!("[{}]", values.join(","))),
                proptest::collection::vec((name, inner), 0..4).prop_map(|members| {
                    let members: Vec<_> = members
                        .iter()
                        .map(|(name, value)| format!("\"{name}\":{value}"))
                        .collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_is_certain_is_true(
            old in text(),
            other in text(),
            at in any::<prop::sample::Index>(),
            cut in 0..4_usize,
            piece in r#"(a|b|:|"|\\|\{|\}|,|é|1|"a":1){0,3}"#,
        ) {
            let mut spliced = old.clone();
            let places: Vec<_> = (0..=old.len()).filter(|at| old.is_char_boundary(*at)).collect();
            let start = *at.get(&places);
            let end = places.iter().copied().find(|end| *end >= start + cut).unwrap_or(old.len());
            spliced.replace_range(start..end, &piece);
            let rules = Rules::default();
            for new in [spliced, other] {
                let found = look(&old, &new);
                let (old, new) = (old.as_bytes(), new.as_bytes());
                let is_sound = |body| fingerprint(body, rules).is_some();
                if found == Glance::OneText {
                    prop_assert_eq!(is_sound(old), is_sound(new), "{} {}", old.escape_ascii(), new.escape_ascii());
                }
                if found != Glance::Nothing && is_sound(old) && is_sound(new) {
                    prop_assert!(!same_body(old, new), "{} {}", old.escape_ascii(), new.escape_ascii());
                }
            }
        }
    }
}

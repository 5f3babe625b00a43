//! What each language's JSON keeps: what stands in plugins/README.md.

use godwit::kit::Feeding;
use godwit_tests::world::name;

use super::{ENGINE, conformance, run};

/// What a language makes of a value, where it does not keep it as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kept {
    As(&'static str),
    /// The item fails.
    Not,
}

use Kept::{As, Not};

/// The three builds of JavaScript.
const JS: [&str; 3] = ["javascript", "starlingmonkey", "typescript"];

/// Values, and what languages make of them that do not keep them.
const VALUES: &[(&str, &[(&[&str], Kept)])] = &[
    ("9007199254740993", &[]),
    ("18446744073709551616", &[(&["cpp"], Not)]),
    ("123456789012345678901234567890", &[(&["cpp"], Not)]),
    ("1e400", &[(&["rust"], As("1e+400")), (&["cpp"], Not)]),
    ("1e-400", &[(&["cpp"], Not)]),
    ("-0", &[(&JS, As("0")), (&["python", "cpp"], As("0"))]),
    ("-0.0", &[(&JS, As("0"))]),
    ("1.0", &[(&JS, As("1"))]),
    ("1.10", &[(&JS, As("1.1")), (&["cpp"], As("1.1"))]),
    (
        "1E5",
        &[
            (&["rust"], As("1e+5")),
            (&JS, As("100000")),
            (&["cpp"], As("100000.0")),
        ],
    ),
    ("0.1234567890123456789012345", &[(&["cpp"], Not)]),
    (
        r#"{"b":1,"a":2,"10":3,"9":4}"#,
        &[(&JS, As(r#"{"9":4,"10":3,"b":1,"a":2}"#))],
    ),
    (r#""é/🐦""#, &[]),
    (
        r#"{"a":1,"a":2}"#,
        &[
            (&["rust", "python", "cpp"], As(r#"{"a":2}"#)),
            (&JS, As(r#"{"a":2}"#)),
            (&["zig", "go"], Not),
        ],
    ),
];

/// Texts that all languages spell in the same way, and how.
const TEXTS: [(&str, Kept); 3] = [
    (r#""\u00e9\/\ud83d\udc26""#, As("\"é/🐦\"")),
    (r#""\u0000\u001f\u2028""#, As("\"\\u0000\\u001f\u{2028}\"")),
    (r#""\ud800""#, Not),
];

/// Checks what becomes of each value.
pub fn check(language: &str) {
    let subject = conformance(&ENGINE, language);
    let kept = |value: &str| {
        let item = format!(r#"{{"do":[["replace",{{"v":{value}}}]]}}"#);
        let trial = run(&subject, &[("a".to_owned(), item)], Feeding::default());
        let body = trial.left.body(&name("items"), "a")?;
        let body = std::str::from_utf8(body).ok()?;
        let value = body.strip_prefix(r#"{"v":"#)?.strip_suffix('}')?;
        Some(value.to_owned()).filter(|_| trial.failed.is_empty())
    };
    let mut wrong = Vec::new();
    let mut compare = |value: &str, expected: Kept| {
        let found = kept(value);
        let is_right = match expected {
            As(expected) => found.as_deref() == Some(expected),
            Not => found.is_none(),
        };
        if !is_right {
            wrong.push(format!("{value}: expected {expected:?}, got {found:?}"));
        }
    };
    for (value, others) in VALUES {
        let other = others.iter().find(|(names, _)| names.contains(&language));
        compare(value, other.map_or(As(value), |(_, kept)| *kept));
    }
    for (value, expected) in TEXTS {
        compare(value, expected);
    }
    assert_eq!(wrong, [""; 0], "{language}");
}

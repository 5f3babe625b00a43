//! What each language's JSON keeps: what stands in plugins/README.md.

use godwit::kit::Feeding;
use godwit_tests::world::name;

use super::{ENGINE, conformance, run};

/// Values, and what each language makes of them: its own spelling, or nothing where the item fails.
/// Languages that are not named keep the value as it is.
const VALUES: &[(&str, &[(&str, Option<&str>)])] = &[
    ("9007199254740993", &[]),
    ("18446744073709551616", &[]),
    ("123456789012345678901234567890", &[]),
    ("1e400", &[]),
    ("1e-400", &[]),
    ("-0", &[]),
    ("-0.0", &[]),
    ("1.0", &[]),
    ("1.10", &[]),
    ("1E5", &[]),
    ("0.1234567890123456789012345", &[]),
    (r#"{"b":1,"a":2,"10":3,"9":4}"#, &[]),
    (r#""\u00e9\/\ud83d\udc26""#, &[]),
    (r#""\u0000\u001f\u2028""#, &[]),
    (r#"{"a":1,"a":2}"#, &[]),
    (r#""\ud800""#, &[]),
];

/// Checks what becomes of each value.
pub fn check(language: &str) {
    let subject = conformance(&ENGINE, language);
    for (value, others) in VALUES {
        let item = format!(r#"{{"do":[["replace",{{"v":{value}}}]]}}"#);
        let trial = run(&subject, &[("a".to_owned(), item)], Feeding::default());
        let found = trial
            .left
            .body(&name("items"), "a")
            .map(String::from_utf8_lossy);
        let found = trial.failed.is_empty().then_some(found).flatten();
        let found = found.and_then(|body| {
            let value = body.strip_prefix(r#"{"v":"#)?.strip_suffix('}')?;
            Some(value.to_owned())
        });
        let other = others.iter().find(|(name, _)| *name == language);
        let expected = other.map_or(Some(*value), |(_, expected)| *expected);
        assert_eq!(found.as_deref(), expected, "{language} {value}");
    }
}

//! The sandbox's limits by the names that `godwit.toml` and `godwit inspect` use.

use std::time::Duration;

use godwit::sandbox::{DuplicateNames, Limits};
use toml::{Table, Value};

use crate::output;

/// One limit: its name, what it is for people, and how it is set.
pub struct Limit {
    pub name: &'static str,
    pub show: fn(&Limits) -> String,
    /// The same for programs: bytes, counts, milliseconds.
    pub json: fn(&Limits) -> serde_json::Value,
    set: fn(&mut Limits, &Value) -> Result<(), String>,
}

/// Says how a member of [`Limits`] is shown and set.
macro_rules! limit {
    ($name:literal, $member:ident, $show:expr, $parse:expr) => {
        Limit {
            name: $name,
            show: |limits| $show(limits.$member),
            json: |limits| limits.$member.json(),
            set: |limits, value| {
                limits.$member = $parse(value)?;
                Ok(())
            },
        }
    };
}

/// All of them, in the order in which they are shown.
pub const LIMITS: [Limit; 24] = [
    limit!("memory", memory_bytes, size, bytes),
    limit!("memories", memories, plain, count),
    limit!("tables", tables, plain, count),
    limit!("table-elements", table_elements, plain, count),
    limit!("instances", instances, plain, count),
    limit!("handles", handles, plain, count),
    limit!("stack", stack_bytes, size, stack),
    limit!("component-size", component_bytes, size, bytes),
    limit!("compile-time", compile, duration, time),
    limit!("compile-memory", compile_bytes, size, bytes),
    limit!("describe-time", describe, duration, time),
    limit!("batch-time", batch, duration, time),
    limit!("fuel", fuel, fuel, some_count),
    limit!("call-size", hostcall_bytes, size, bytes),
    limit!("reply-size", reply_bytes, size, bytes),
    limit!("body-size", body_bytes, size, bytes),
    limit!("json-depth", json_depth, plain, depth),
    limit!("duplicate-names", duplicate_names, names, duplicate_names),
    limit!("failure-size", failure_bytes, size, bytes),
    limit!("log-line-size", log_line_bytes, size, bytes),
    limit!("log-batch-size", log_batch_bytes, size, bytes),
    limit!("log-step-size", log_step_bytes, size, bytes),
    limit!("document-calls", document_calls, plain, count),
    limit!("document-size", document_bytes, size, bytes),
];

/// What is compiled in holds for all plugins alike.
const OF_THE_ENGINE: [&str; 2] = ["stack", "fuel"];

/// Sets every limit that a table names.
pub fn set(limits: &mut Limits, table: &Table) -> Result<(), String> {
    for (name, value) in table {
        let limit = LIMITS.iter().find(|limit| limit.name == name);
        let limit = limit.ok_or_else(|| unknown(name))?;
        (limit.set)(limits, value).map_err(|error| format!("limits.{name}: {error}"))?;
    }
    Ok(())
}

/// Sets every limit that the table of one plugin names.
pub fn set_for_plugin(limits: &mut Limits, table: &Table) -> Result<(), String> {
    if let Some(name) = OF_THE_ENGINE.iter().find(|name| table.contains_key(**name)) {
        return Err(format!(
            "limits.{name} holds for all plugins: set it under [limits]"
        ));
    }
    set(limits, table)
}

/// What a limit is for programs.
trait Json {
    fn json(self) -> serde_json::Value;
}

impl Json for usize {
    fn json(self) -> serde_json::Value {
        self.into()
    }
}

impl Json for u64 {
    fn json(self) -> serde_json::Value {
        self.into()
    }
}

impl Json for Option<u64> {
    fn json(self) -> serde_json::Value {
        self.into()
    }
}

impl Json for Duration {
    fn json(self) -> serde_json::Value {
        u64::try_from(self.as_millis()).unwrap_or(u64::MAX).into()
    }
}

impl Json for DuplicateNames {
    fn json(self) -> serde_json::Value {
        match self {
            Self::Refuse => "refuse".into(),
            Self::Keep => "keep".into(),
        }
    }
}

fn unknown(name: &str) -> String {
    let names: Vec<_> = LIMITS.iter().map(|limit| limit.name).collect();
    format!("there is no limit `{name}`; there are {}", names.join(", "))
}

fn size(bytes: impl TryInto<u64>) -> String {
    output::bytes(bytes.try_into().unwrap_or(u64::MAX))
}

fn plain(count: impl TryInto<u64>) -> String {
    output::count(count.try_into().unwrap_or(u64::MAX))
}

fn duration(time: Duration) -> String {
    output::duration(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn fuel(fuel: Option<u64>) -> String {
    fuel.map_or_else(|| "not metered".to_owned(), output::count)
}

fn names(duplicates: DuplicateNames) -> String {
    match duplicates {
        DuplicateNames::Refuse => "refused".to_owned(),
        DuplicateNames::Keep => "kept".to_owned(),
    }
}

/// A whole number of 1 at least.
fn count<T: TryFrom<i64>>(value: &Value) -> Result<T, String> {
    let number = value.as_integer().filter(|number| *number > 0);
    let number = number.and_then(|number| number.try_into().ok());
    number.ok_or_else(|| format!("{value} is no whole number of 1 at least"))
}

fn some_count(value: &Value) -> Result<Option<u64>, String> {
    count(value).map(Some)
}

fn depth(value: &Value) -> Result<usize, String> {
    match count(value)? {
        depth if depth > Limits::MAX_JSON_DEPTH => {
            Err(format!("{depth} is more than {}", Limits::MAX_JSON_DEPTH))
        }
        depth => Ok(depth),
    }
}

fn stack(value: &Value) -> Result<usize, String> {
    match bytes(value)? {
        stack if stack > Limits::MAX_STACK_BYTES => {
            let most = output::bytes(Limits::MAX_STACK_BYTES as u64);
            Err(format!("{value} is more than {most}"))
        }
        stack => Ok(stack),
    }
}

fn duplicate_names(value: &Value) -> Result<DuplicateNames, String> {
    match value.as_str() {
        Some("refuse") => Ok(DuplicateNames::Refuse),
        Some("keep") => Ok(DuplicateNames::Keep),
        _ => Err(format!("{value} is neither \"refuse\" nor \"keep\"")),
    }
}

/// Bytes: a whole number, or a text as in `64 MiB`.
fn bytes<T: TryFrom<i64>>(value: &Value) -> Result<T, String> {
    let units = [
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
        ("B", 1),
    ];
    let malformed = || format!("{value} is no size, as in \"64 MiB\", \"512 KiB\" or 4096");
    match value.as_str() {
        Some(text) => in_units(text, &units).ok_or_else(malformed),
        None => count(value).map_err(|_| malformed()),
    }
}

/// A time as in `5 s`.
fn time(value: &Value) -> Result<Duration, String> {
    let no_time = || format!("{value} is no time, as in \"5 s\", \"500 ms\" or \"2 min\"");
    value
        .as_str()
        .and_then(|text| parse_time(text).ok())
        .ok_or_else(no_time)
}

/// A time as in `5 s`.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("min", 60_000), ("s", 1_000)];
    let no_time = || format!("`{text}` is no time, as in 5s, 500ms or 2min");
    in_units(text, &units)
        .map(Duration::from_millis)
        .ok_or_else(no_time)
}

/// A whole number of 1 at least in one of several units.
fn in_units<T: TryFrom<i64>>(text: &str, units: &[(&str, i64)]) -> Option<T> {
    let (number, factor) = units
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let number: i64 = number.trim_end().parse().ok()?;
    let product = number.checked_mul(*factor).filter(|product| *product > 0)?;
    product.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Limits, String> {
        let mut limits = Limits::default();
        set(&mut limits, &toml::from_str(text).unwrap()).map(|()| limits)
    }

    #[test]
    fn limits_are_set_in_units_that_people_use() {
        let limits = parsed(
            "memory = \"1 GiB\"\nbody-size = 4096\nbatch-time = \"500ms\"\nfuel = 1000\n\
             duplicate-names = \"keep\"\njson-depth = 64\ndocument-calls = 7",
        )
        .unwrap();
        assert_eq!(
            limits,
            Limits {
                memory_bytes: 1 << 30,
                body_bytes: 4096,
                batch: Duration::from_millis(500),
                fuel: Some(1000),
                duplicate_names: DuplicateNames::Keep,
                json_depth: 64,
                document_calls: 7,
                ..Limits::default()
            }
        );
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, said) in [
            ("memroy = 1", "there is no limit `memroy`"),
            ("memory = 0", "limits.memory: 0 is no size"),
            ("memory = \"lots\"", "limits.memory: \"lots\" is no size"),
            ("memory = \"-1 MiB\"", "is no size"),
            ("memory = \"9999999999 GiB\"", "is no size"),
            ("batch-time = 5", "limits.batch-time: 5 is no time"),
            ("json-depth = 129", "129 is more than 128"),
            ("stack = \"5 MiB\"", "\"5 MiB\" is more than 4.00 MiB"),
            ("tables = 1.5", "1.5 is no whole number"),
            ("duplicate-names = \"drop\"", "neither"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        let table = toml::from_str("stack = 1").unwrap();
        let error = set_for_plugin(&mut Limits::default(), &table).unwrap_err();
        assert!(error.contains("holds for all plugins"), "{error}");
    }

    #[test]
    fn every_limit_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = LIMITS.iter().map(|limit| limit.name).collect();
        assert_eq!(names.len(), LIMITS.len());
    }
}

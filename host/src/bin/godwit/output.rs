//! What is printed, and how.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use godwit::model::{Counts, Timestamp, is_plain};
use godwit::plan::{Finding, Severity};
use indicatif::HumanCount;
use serde::Serialize;

/// Whether colours are wanted on a stream: a terminal, and `NO_COLOR` is not set.
fn is_coloured(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn painted(text: &str, colour: &str, terminal: bool) -> String {
    if is_coloured(terminal) {
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// Whether the reader of results has seen enough, as `head` does.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Prints a line of results. Once nobody reads them any more, the work goes on without.
pub fn line(text: impl AsRef<str>) {
    raw_line(text.as_ref().as_bytes());
}

/// Prints bytes and a line's end.
pub fn raw_line(bytes: &[u8]) {
    if more().is_break() {
        return;
    }
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.write_all(b"\n"));
    if written.is_err() {
        IS_CLOSED.store(true, Ordering::Relaxed);
    }
}

/// Breaks once nobody reads results any more.
pub fn more() -> ControlFlow<()> {
    match IS_CLOSED.load(Ordering::Relaxed) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    }
}

/// Prints one value as JSON.
pub fn json(value: &impl Serialize) {
    line(serde_json::to_string_pretty(value).expect("results have string keys"));
}

/// Prints one value as JSON on one line.
pub fn json_line(value: &impl Serialize) {
    line(serde_json::to_string(value).expect("results have string keys"));
}

/// Prints a remark on standard error. Where nobody reads it any more, the work goes on without.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints what went wrong.
pub fn error(text: &str) {
    titled("error:", "1;31", text);
}

/// Prints what may be wrong.
pub fn warning(text: &str) {
    titled("warning:", "1;33", text);
}

/// Prints what to do next.
pub fn hint(text: &str) {
    if !text.is_empty() {
        titled("hint:", "1;36", text);
    }
}

fn titled(title: &str, colour: &str, text: &str) {
    let title = painted(title, colour, io::stderr().is_terminal());
    note(&format!("{title} {text}"));
}

/// Prints a finding and the way out.
pub fn finding(finding: &Finding) {
    let text = format!("{finding} [{}]", finding.kind());
    match finding.severity {
        Severity::Refused => error(&text),
        Severity::Warned => warning(&text),
        Severity::Accepted => note(&format!("accepted: {text}")),
        Severity::Info => note(&format!("note: {text}")),
    }
    if finding.severity < Severity::Accepted {
        hint(&finding.way_out());
    }
}

/// Prints a table: the first row is its head. Columns of numbers are aligned to the right.
pub fn table(rows: &[Vec<String>]) {
    let Some(head) = rows.first() else { return };
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let is_number = |column: usize| {
        let digits = |text: &String| {
            text.chars().all(|c| c.is_ascii_digit() || c == ',') && !text.is_empty()
        };
        rows.len() > 1 && rows[1..].iter().all(|row| digits(&row[column]))
    };
    let right: Vec<_> = (0..head.len()).map(is_number).collect();
    for (place, row) in rows.iter().enumerate() {
        let cells = row.iter().enumerate().map(|(column, text)| {
            let space = " ".repeat(widths[column] - text.chars().count());
            if right[column] {
                space + text
            } else {
                format!("{text}{space}")
            }
        });
        let text = cells.collect::<Vec<_>>().join("  ");
        let text = text.trim_end();
        line(if place == 0 {
            painted(text, "1", io::stdout().is_terminal())
        } else {
            text.to_owned()
        });
    }
}

/// A count with separators.
pub fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// `1 item`, `2 items`.
pub fn counted(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

/// A duration for people.
pub fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{:.1} s", milliseconds as f64 / 1_000.0),
        60_000..3_600_000 => {
            format!(
                "{} min {} s",
                milliseconds / 60_000,
                milliseconds / 1_000 % 60
            )
        }
        _ => format!(
            "{} h {} min",
            milliseconds / 3_600_000,
            milliseconds / 60_000 % 60
        ),
    }
}

/// A number of bytes for people.
pub fn bytes(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A moment as RFC 3339 in UTC.
pub fn time(at: Timestamp) -> String {
    let at = i64::try_from(at.0)
        .ok()
        .and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map_or_else(|| "?".to_owned(), |at| format!("{at:.0}"))
}

/// What became of items, leaving out what did not happen.
pub fn counts(counts: &Counts) -> String {
    let parts = [
        (counts.read, "read"),
        (counts.updated, "updated"),
        (counts.unchanged, "unchanged"),
        (counts.removed, "removed"),
        (counts.failed, "failed"),
        (counts.written, "written elsewhere"),
    ];
    let said = parts
        .iter()
        .enumerate()
        .filter(|(place, (number, _))| *place == 0 || *number > 0);
    let said = said.map(|(_, (number, what))| format!("{} {what}", count(*number)));
    said.collect::<Vec<_>>().join(", ")
}

/// Why an item failed, on one line: of a trap what it was, without the frames that led there, which
/// `godwit quarantine show` prints.
pub fn reason(text: &str, most: usize) -> String {
    one_line(&without_frames(text), most)
}

/// A message in which a trap of a component, which ends it, is told without its frames.
pub fn without_frames(text: &str) -> String {
    let cause = text.split_once(godwit::sandbox::BACKTRACE);
    cause.map_or(text, |(cause, _)| cause).to_owned()
}

/// Text from a plugin or a document on one line, without control characters.
pub fn one_line(text: &str, most: usize) -> String {
    let fits = |c: char| is_plain(c) && !c.is_control();
    let clean = |c: char| if fits(c) { c } else { ' ' };
    let mut line: String = text.chars().map(clean).take(most).collect();
    if text.chars().count() > most {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trap_is_told_without_its_frames() {
        let text = "it trapped: integer divide by zero; wasm backtrace:\n    0: 0x1 - a.wasm!f\n    \
                    1: 0x2 - a.wasm!x@1.0.0#g";
        assert_eq!(reason(text, 100), "it trapped: integer divide by zero");
        assert_eq!(reason("no `n`\nhere", 100), "no `n` here");
    }

    #[test]
    fn long_text_is_cut_and_control_characters_do_nothing() {
        assert_eq!(one_line("a\u{1b}[2Jb", 100), "a [2Jb");
        assert_eq!(one_line("abcd", 3), "abc…");
    }
}

//! The table of what Godwit aims at: rows, and how they come into the pages that show them.

use std::path::Path;

/// A row of the table.
pub(crate) struct Row {
    /// What is measured; no other row says the same.
    pub what: &'static str,
    /// What it should be.
    pub target: Target,
    /// What it is.
    pub found: f64,
    /// The unit of both: `x` for a ratio.
    pub unit: &'static str,
    /// What it was made of.
    pub of: String,
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// It stands there to be compared with others.
    None,
}

const BEGIN: &str = "<!-- targets:begin -->\n";
const END: &str = "<!-- targets:end -->";
const HEAD: &str =
    "| what | target | measured | of | | on |\n| --- | --- | --- | --- | --- | --- |\n";

impl Row {
    /// The row as a line of Markdown, with the day.
    pub(crate) fn line(&self, day: &str) -> String {
        let Self {
            what,
            target,
            found,
            unit,
            of,
        } = self;
        let (target, verdict) = match target {
            Target::AtMost(most) => (format!("<= {most} {unit}"), met(found <= most)),
            Target::AtLeast(least) => (format!(">= {least} {unit}"), met(found >= least)),
            Target::None => (String::new(), ""),
        };
        format!("| {what} | {target} | {found:.2} {unit} | {of} | {verdict} | {day} |")
    }
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

/// Puts lines into the table of a page: instead of those that say the same, else behind the others.
///
/// # Panics
/// When the page cannot be read or written, or has no table.
pub(crate) fn write(page: &Path, lines: &[String]) {
    let text = std::fs::read_to_string(page).expect("the page can be read");
    std::fs::write(page, with(&text, lines)).expect("the page can be written");
}

fn with(text: &str, lines: &[String]) -> String {
    let (before, rest) = text.split_once(BEGIN).expect("the page has the mark");
    let (old, after) = rest.split_once(END).expect("the page has the mark");
    let rows = old.lines().filter(|line| line.starts_with('|')).skip(2);
    let mut rows: Vec<_> = rows.map(str::to_owned).collect();
    for line in lines {
        match rows.iter_mut().find(|row| what(row) == what(line)) {
            Some(row) => row.clone_from(line),
            None => rows.push(line.clone()),
        }
    }
    format!("{before}{BEGIN}\n{HEAD}{}\n\n{END}{after}", rows.join("\n"))
}

fn what(line: &str) -> Option<&str> {
    line.split('|').nth(1).map(str::trim)
}

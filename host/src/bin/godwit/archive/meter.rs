//! How far along a transfer is: a bar on a terminal, plain lines elsewhere.

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// How often a plain line is written.
const PLAIN_LINES: Duration = Duration::from_secs(5);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Items,
    Bytes,
}

/// Shows how far along a transfer is.
pub struct Meter {
    label: String,
    total: Option<u64>,
    unit: Unit,
    bar: Option<ProgressBar>,
    quiet: bool,
    started: Instant,
    spoken: Cell<Instant>,
}

impl Meter {
    /// Counts up to `total`, where that is known.
    pub fn new(label: String, total: Option<u64>, unit: Unit, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let bar = terminal.then(|| bar(total, unit));
        let (started, spoken) = (Instant::now(), Cell::new(Instant::now()));
        Self {
            label,
            total,
            unit,
            bar,
            quiet,
            started,
            spoken,
        }
    }

    /// So many units are done; `items` is how many items that is.
    pub fn at(&self, position: u64, items: u64) {
        self.at_with(position, items, "");
    }

    /// The same, with something to be said of the items.
    pub fn at_with(&self, position: u64, items: u64, remark: &str) {
        let items = format!("{}{remark}", output::counted(items, "item"));
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            bar.set_message(format!("{}: {items}", self.label));
        } else if !self.quiet && self.spoken.get().elapsed() >= PLAIN_LINES {
            self.spoken.set(Instant::now());
            output::note(&self.plain(position, &items));
        }
    }

    /// Takes the bar away; returns how long it all took, in milliseconds.
    pub fn finish(&self) -> u64 {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn plain(&self, position: u64, items: &str) -> String {
        let of = |total| match self.unit {
            Unit::Items => format!(" of {}", output::count(total)),
            Unit::Bytes => format!(", {} of {}", output::bytes(position), output::bytes(total)),
        };
        let of = self.total.map(of).unwrap_or_default();
        format!("{}: {items}{of}", self.label)
    }
}

fn bar(total: Option<u64>, unit: Unit) -> ProgressBar {
    let template = match (total, unit) {
        (Some(_), Unit::Items) => "{msg} [{bar:30}] of {human_len}, {per_sec}, {eta} left",
        (Some(_), Unit::Bytes) => {
            "{msg} [{bar:30}] {bytes}/{total_bytes}, {binary_bytes_per_sec}, {eta} left"
        }
        (None, _) => "{msg} {spinner} {elapsed}",
    };
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    bar.set_style(style.progress_chars("=> "));
    bar
}

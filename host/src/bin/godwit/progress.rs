//! Progress while a run goes on: a bar on a terminal, plain lines elsewhere.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use godwit::model::Counts;
use godwit::run::{Observer, RunEvent, StepName};
use godwit::sandbox::LogLevel;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::output;

/// How often a plain line says how far a step is.
const PLAIN_LINES: Duration = Duration::from_secs(5);
/// How many failed items are named while a run goes on.
const NAMED_FAILURES: u64 = 10;

/// Shows the progress of runs.
pub struct Progress {
    dry: bool,
    quiet: bool,
    terminal: bool,
    state: Mutex<State>,
}

struct State {
    bar: ProgressBar,
    total: Option<u64>,
    started: Instant,
    read_before: u64,
    spoken: Instant,
    failures: u64,
}

impl Progress {
    /// Tells of a run.
    pub fn new(quiet: bool) -> Self {
        Self::of(quiet, false)
    }

    /// Tells of what a run would do, as it is tried.
    pub fn of_dry_run(quiet: bool) -> Self {
        Self::of(quiet, true)
    }

    fn of(quiet: bool, dry: bool) -> Self {
        Self {
            dry,
            quiet,
            terminal: std::io::stderr().is_terminal() && !quiet,
            state: Mutex::new(State {
                bar: ProgressBar::hidden(),
                total: None,
                started: Instant::now(),
                read_before: 0,
                spoken: Instant::now(),
                failures: 0,
            }),
        }
    }

    fn say(&self, state: &State, text: &str) {
        if self.terminal {
            state.bar.suspend(|| output::note(text));
        } else if !self.quiet {
            output::note(text);
        }
    }

    fn step_started(&self, step: StepName<'_>, total: Option<u64>, counts: Counts) {
        let mut state = self.state();
        state.bar.finish_and_clear();
        state.bar = if self.terminal {
            bar(total)
        } else {
            ProgressBar::hidden()
        };
        state.bar.set_message(label(step));
        state.bar.set_position(counts.read);
        state.bar.reset_eta();
        (state.total, state.read_before) = (total, counts.read);
        (state.started, state.spoken) = (Instant::now(), Instant::now());
        if !self.terminal {
            let going_on = if counts.read > 0 {
                format!(", going on behind {}", output::counted(counts.read, "item"))
            } else {
                String::new()
            };
            let total = total.map_or_else(String::new, |total| {
                format!(" ({})", output::counted(total, "item"))
            });
            self.say(&state, &format!("{}{total}{going_on}", label(step)));
        }
    }

    fn batch(&self, step: StepName<'_>, counts: Counts) {
        let mut state = self.state();
        state.bar.set_position(counts.read);
        if counts.failed > 0 {
            state.bar.set_message(format!(
                "{}, {} failed",
                label(step),
                output::count(counts.failed)
            ));
        }
        if !self.terminal && state.spoken.elapsed() >= PLAIN_LINES {
            state.spoken = Instant::now();
            let rate = rate(&state, counts);
            let of = state.total.map_or_else(String::new, |total| {
                format!(" of {}", output::count(total.max(counts.read)))
            });
            let text = format!(
                "{}: {}{of}, {rate}/s",
                label(step),
                output::count(counts.read)
            );
            self.say(&state, &text);
        }
    }

    fn step_done(&self, step: StepName<'_>, counts: Counts) {
        let state = self.state();
        state.bar.finish_and_clear();
        let took = u64::try_from(state.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let text = format!(
            "{}: {} in {}",
            label(step),
            output::counts(&counts),
            output::duration(took)
        );
        self.say(&state, &text);
    }

    fn failed(&self, id: &str, kind: &str, reason: &str) {
        let mut state = self.state();
        state.failures += 1;
        let id = output::one_line(id, 100);
        if state.failures <= NAMED_FAILURES {
            self.say(
                &state,
                &format!("quarantine: {id}: {kind}: {}", output::reason(reason, 200)),
            );
        } else if state.failures == NAMED_FAILURES + 1 {
            self.say(
                &state,
                "quarantine: more; `godwit quarantine list` names them all",
            );
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn event(&self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Started { .. } if self.dry => {
                self.say(&self.state(), "dry run: nothing is written");
            }
            RunEvent::Started { run, resumed } => {
                let going_on = if *resumed { " goes on" } else { "" };
                self.say(&self.state(), &format!("run {}{going_on}", run.id));
            }
            RunEvent::StepStarted {
                step,
                total,
                counts,
            } => {
                self.step_started(*step, *total, *counts);
            }
            RunEvent::Batch { step, counts } => self.batch(*step, *counts),
            RunEvent::Failed {
                id, kind, reason, ..
            } => self.failed(id, kind, reason),
            RunEvent::Log { lines, dropped, .. } => {
                let state = self.state();
                for line in lines.iter().filter(|line| line.level >= LogLevel::Info) {
                    let item = line
                        .item
                        .as_ref()
                        .map_or_else(String::new, |id| format!("{id}: "));
                    let text = output::one_line(&format!("{item}{}", line.message), 400);
                    self.say(&state, &format!("log {}: {text}", level(line.level)));
                }
                if *dropped > 0 {
                    self.say(
                        &state,
                        &format!("log: {} dropped", output::counted(*dropped, "further line")),
                    );
                }
            }
            RunEvent::Denied { step, what } => {
                let text = format!("{} {}: it may not {what}", step.app, step.version);
                self.say(&self.state(), &text);
            }
            RunEvent::StepDone { step, counts } => self.step_done(*step, *counts),
            RunEvent::Applied {
                app,
                version,
                phase,
            } => {
                let would_be = if self.dry { "would be " } else { "" };
                let text = format!("{would_be}applied {app} {version} ({phase})");
                self.say(&self.state(), &text);
            }
        }
    }
}

fn label(step: StepName<'_>) -> String {
    format!(
        "{} {} {} on {}",
        step.app, step.version, step.step, step.collection
    )
}

fn rate(state: &State, counts: Counts) -> String {
    let seconds = state.started.elapsed().as_secs_f64().max(0.001);
    let items = counts.read.saturating_sub(state.read_before) as f64;
    output::count((items / seconds) as u64)
}

fn level(level: LogLevel) -> String {
    format!("{level:?}").to_lowercase()
}

fn bar(total: Option<u64>) -> ProgressBar {
    let template = "{msg} [{bar:30}] {human_pos}/{human_len}, {rate}/s, {eta} left";
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    let style = style.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
        // A line that cannot be drawn is nothing to stop for.
        let _ = out.write_str(&output::count(state.per_sec() as u64));
    });
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    bar.set_style(style.progress_chars("=> "));
    bar
}

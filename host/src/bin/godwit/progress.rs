//! Progress while a run goes on: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use godwit::model::{Counts, Name};
use godwit::run::{Observer, RunEvent, RunProgress, StepName};
use godwit::sandbox::{LogLevel, LogLine};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::commands::progress::{rate, seconds_text, time_left};
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
    started: Instant,
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
                started: Instant::now(),
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

    fn step_started(&self, step: &StepName, total: Option<u64>, counts: Counts) {
        let mut state = self.state();
        state.bar.finish_and_clear();
        state.bar = if self.terminal {
            bar(total)
        } else {
            ProgressBar::hidden()
        };
        state.bar.set_message(label(step));
        state.bar.set_position(counts.read);
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

    fn copied(&self, collection: &Name, items: u64, total: u64, done: bool) {
        let mut state = self.state();
        let is_due = state.spoken.elapsed() >= PLAIN_LINES;
        let text = match done {
            true => format!("copied {} of {collection}", output::counted(items, "item")),
            false => format!(
                "copying {collection}: {} of {}",
                output::count(items),
                output::count(total)
            ),
        };
        if done || is_due {
            state.spoken = Instant::now();
            self.say(&state, &text);
        }
    }

    fn put_back(&self, restored: u64) {
        let mut state = self.state();
        if state.spoken.elapsed() >= PLAIN_LINES {
            state.spoken = Instant::now();
            let restored = output::counted(restored, "change");
            self.say(&state, &format!("{restored} put back"));
        }
    }

    /// Tells what a shadow run does beside its steps.
    fn shadow(&self, event: &RunEvent) {
        match event {
            RunEvent::Copied {
                collection,
                items,
                total,
                done,
            } => self.copied(collection, *items, *total, *done),
            RunEvent::Followed { writes } => {
                let text = format!("followed {}", output::counted(*writes, "write"));
                self.say(&self.state(), &text);
            }
            RunEvent::Switched { collections } => {
                let names: Vec<_> = collections.iter().map(Name::as_str).collect();
                self.say(&self.state(), &format!("switched {}", names.join(", ")));
            }
            _ => {}
        }
    }

    fn batch(&self, step: &StepName, counts: Counts) {
        let state = self.state();
        state.bar.set_position(counts.read);
        if counts.failed > 0 {
            state.bar.set_message(format!(
                "{}, {} failed",
                label(step),
                output::count(counts.failed)
            ));
        }
    }

    /// Tells how fast the run is, and how long it will take.
    fn progress(&self, progress: &RunProgress) {
        let mut state = self.state();
        let Some(step) = progress.steps.iter().find(|step| !step.done) else {
            return;
        };
        let rate = rate(progress.items_per_second);
        let left = time_left(step.seconds_left);
        let is_last = progress.total - progress.read == step.total - step.counts.read;
        let in_all = match progress.seconds_left {
            Some(seconds) if !is_last => format!(", {} in all", seconds_text(seconds)),
            _ => String::new(),
        };
        let pace = format!("{rate}{left}{in_all}");
        if self.terminal {
            state.bar.set_prefix(pace);
        } else if state.spoken.elapsed() >= PLAIN_LINES {
            state.spoken = Instant::now();
            let text = format!(
                "{} {} {} on {}: {} of {}{pace}",
                step.app,
                step.version,
                step.step,
                step.collection,
                output::count(step.counts.read),
                output::count(step.total),
            );
            self.say(&state, &text);
        }
    }

    fn step_done(&self, step: &StepName, counts: Counts) {
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

    fn log(&self, lines: &[LogLine], dropped: u64) {
        let state = self.state();
        for line in lines.iter().filter(|line| line.level >= LogLevel::Info) {
            let item = line
                .item
                .as_ref()
                .map_or_else(String::new, |id| format!("{id}: "));
            let text = output::one_line(&format!("{item}{}", line.message), 400);
            self.say(&state, &format!("log {}: {text}", level(line.level)));
        }
        if dropped > 0 {
            self.say(
                &state,
                &format!("log: {} dropped", output::counted(dropped, "further line")),
            );
        }
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
    fn event(&self, event: &RunEvent) {
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
                self.step_started(step, *total, *counts);
            }
            RunEvent::Copied { .. } | RunEvent::Followed { .. } | RunEvent::Switched { .. } => {
                self.shadow(event);
            }
            RunEvent::Batch { step, counts } => self.batch(step, *counts),
            RunEvent::Progress { progress } => self.progress(progress),
            RunEvent::Waiting { reasons } => {
                let text = format!("waiting: {}", reasons.join(", "));
                self.say(&self.state(), &text);
            }
            RunEvent::GoesOn => self.say(&self.state(), "going on"),
            RunEvent::Failed {
                id, kind, reason, ..
            } => self.failed(id, kind, reason),
            RunEvent::Log { lines, dropped, .. } => self.log(lines, *dropped),
            RunEvent::Denied { step, what } => {
                let text = format!("{} {}: it may not {what}", step.app, step.version);
                self.say(&self.state(), &text);
            }
            RunEvent::StepDone { step, counts } => self.step_done(step, *counts),
            RunEvent::Applied {
                app,
                version,
                phase,
            } => {
                let would_be = if self.dry { "would be " } else { "" };
                let text = format!("{would_be}applied {app} {version} ({phase})");
                self.say(&self.state(), &text);
            }
            RunEvent::PutBack { restored, .. } => self.put_back(*restored),
            // Of the rest, beginnings, ends and backups, `up` tells by itself.
            _ => {}
        }
    }
}

fn label(step: &StepName) -> String {
    format!(
        "{} {} {} on {}",
        step.app, step.version, step.step, step.collection
    )
}

fn level(level: LogLevel) -> String {
    format!("{level:?}").to_lowercase()
}

fn bar(total: Option<u64>) -> ProgressBar {
    let template = "{msg} [{bar:30}] {human_pos}/{human_len}{prefix}";
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    bar.set_style(style.progress_chars("=> "));
    bar
}

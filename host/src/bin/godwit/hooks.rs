//! Hooks: what an operator has us call when something happens in a run.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use godwit::model::{Clock, RunState};
use godwit::run::{Observer, RunEvent};
use serde::Deserialize;

use crate::exit::{Code, Failure};
use crate::limits;
use crate::output;
use crate::outside::Outside;

/// What `[hooks]` may say.
#[derive(Debug, Default, Deserialize)]
pub struct HooksConfig {
    /// How long a hook may take; 10 seconds unless it says otherwise.
    timeout: Option<String>,
    /// What a failing hook means.
    #[serde(default, rename = "on-failure")]
    on_failure: OnHookFailure,
    /// What is called, by the name of the event with `-` for `_`.
    #[serde(flatten)]
    hooks: BTreeMap<String, Outside>,
}

/// What a failing hook means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnHookFailure {
    /// A warning.
    #[default]
    Warn,
    /// The run is stopped.
    Stop,
}

/// How long a hook may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// So many events wait for slow hooks at most; what happens beyond is not passed on.
const WAITING: usize = 1_000;

impl HooksConfig {
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        for (name, outside) in &self.hooks {
            if !RunEvent::NAMES.contains(&&*name.replace('-', "_")) {
                let names = RunEvent::NAMES.iter().map(|name| name.replace('_', "-"));
                let names: Vec<_> = names.collect();
                return Err(format!(
                    "hooks.{name}: there is no such event; there are {}",
                    names.join(", ")
                ));
            }
            outside
                .check()
                .map_err(|error| format!("hooks.{name}: {error}"))?;
        }
        self.timeout().map(drop)
    }

    fn timeout(&self) -> Result<Duration, String> {
        let timeout = self.timeout.as_deref().map(limits::parse_time);
        let timeout = timeout.transpose();
        Ok(timeout
            .map_err(|error| format!("hooks.timeout: {error}"))?
            .unwrap_or(TIMEOUT))
    }
}

/// Calls hooks, one after another, on a thread of its own, so that a slow one holds nobody up. Only before work begins
/// and when it has ended they are waited for.
pub struct Hooks {
    names: Vec<String>,
    clock: Arc<dyn Clock>,
    calls: Mutex<Option<Sender<Call>>>,
    done: Arc<Done>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What was called, and what of it failed.
#[derive(Default)]
struct Done {
    state: Mutex<DoneState>,
    changed: std::sync::Condvar,
}

#[derive(Default)]
struct DoneState {
    waiting: usize,
    left_out: u64,
    /// What failed and has stopped a run.
    failed: Option<String>,
    /// Whether all that was begun has ended, in a state that a stop does not lead to.
    is_over: bool,
}

struct Call {
    name: String,
    text: String,
}

impl Hooks {
    /// Starts the thread, if there are hooks; `stop` is called where one fails that is to stop runs.
    pub fn start(
        config: &HooksConfig,
        clock: Arc<dyn Clock>,
        stop: impl Fn() + Send + 'static,
    ) -> Option<Self> {
        if config.hooks.is_empty() {
            return None;
        }
        let (sender, receiver) = channel();
        let done = Arc::new(Done::default());
        let caller = Caller {
            hooks: config.hooks.clone(),
            timeout: config.timeout().unwrap_or(TIMEOUT),
            on_failure: config.on_failure,
            stop: Box::new(stop),
            done: done.clone(),
        };
        let thread = std::thread::spawn(move || caller.work(&receiver));
        Some(Self {
            names: config.hooks.keys().cloned().collect(),
            clock,
            calls: Mutex::new(Some(sender)),
            done,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Waits until everything is called.
    ///
    /// # Errors
    /// When a hook failed, and that has stopped a run. Where it came too late for that, it is a warning.
    pub fn finish(&self) -> Result<(), Failure> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let thread = self.thread.lock();
        let thread = thread.unwrap_or_else(PoisonError::into_inner).take();
        let _ = thread.map(JoinHandle::join);
        let state = self.done.state();
        if state.left_out > 0 {
            let left_out = output::counted(state.left_out, "event");
            output::warning(&format!(
                "{left_out} came too fast for the hooks and were not passed on"
            ));
        }
        match &state.failed {
            None => Ok(()),
            Some(message) => {
                let hint = "mend the hook, then the same command goes on; `on-failure = \"warn\"` in [hooks] lets runs go on";
                Err(Failure::other(Code::Stopped, message.clone(), hint))
            }
        }
    }
}

impl Done {
    fn state(&self) -> std::sync::MutexGuard<'_, DoneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what has an effect on what a stop would do.
    fn note(&self, event: &RunEvent) {
        let is_over = match event {
            RunEvent::SettingUp { .. }
            | RunEvent::Started { .. }
            | RunEvent::UndoStarted { .. } => false,
            RunEvent::Ended { run } => {
                use RunState::{Blocked, Completed, Failed, Undone};
                matches!(run.state, Blocked | Completed | Failed | Undone)
            }
            RunEvent::SetUp => true,
            _ => return,
        };
        let mut state = self.state();
        state.is_over = is_over;
        // It was stopped too late.
        if let Some(message) = state.failed.take_if(|_| is_over) {
            too_late(&message);
        }
    }

    fn wait(&self) {
        let state = self.state();
        let is_busy = |state: &mut DoneState| state.waiting > 0;
        drop(self.changed.wait_while(state, is_busy));
    }
}

impl Observer for Hooks {
    fn event(&self, event: &RunEvent) {
        self.done.note(event);
        let Some(name) = event.name().map(|name| name.replace('_', "-")) else {
            return;
        };
        if !self.names.contains(&name) {
            return;
        }
        let text = event.to_json(self.clock.now()).unwrap_or_default();
        let text = text.to_string();
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = &*calls else {
            // It has finished.
            return;
        };
        {
            let mut state = self.done.state();
            if state.waiting == WAITING {
                state.left_out += 1;
                return;
            }
            state.waiting += 1;
        }
        // The thread lives until the sender is gone.
        let _ = sender.send(Call { name, text });
        drop(calls);
        if matches!(event, RunEvent::SettingUp { .. }) {
            self.done.wait();
        }
    }
}

fn too_late(message: &str) {
    output::warning(&format!("{message}; it was too late to stop the run"));
}

/// The thread that calls.
struct Caller {
    hooks: BTreeMap<String, Outside>,
    timeout: Duration,
    on_failure: OnHookFailure,
    stop: Box<dyn Fn() + Send>,
    done: Arc<Done>,
}

impl Caller {
    fn work(&self, calls: &Receiver<Call>) {
        while let Ok(Call { name, text }) = calls.recv() {
            let result = self.hooks[&name].call(Some(&text), self.timeout);
            let mut state = self.done.state();
            state.waiting -= 1;
            if let Err(error) = result {
                let message = format!("the hook {name} ({}) failed: {error}", self.hooks[&name]);
                match self.on_failure {
                    OnHookFailure::Warn => output::warning(&message),
                    OnHookFailure::Stop if state.is_over => too_late(&message),
                    OnHookFailure::Stop => {
                        (self.stop)();
                        state.failed.get_or_insert(message);
                    }
                }
            }
            self.done.changed.notify_all();
        }
    }
}

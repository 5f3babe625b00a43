//! How a component fails.

use std::time::Duration;

use super::{LogLevel, LogLine, NotOffered};
use crate::contract::{AnswerError, Denial, printable};
use crate::model::{FailureKind, ReplyError};

/// A way in which a component failed a call. Its instance is gone.
///
/// A component that says `failed` of an item is not at fault; that is an outcome.
///
/// ```
/// use std::time::Duration;
///
/// use godwit::model::FailureKind;
/// use godwit::sandbox::Fault;
///
/// let limit = Duration::from_secs(5);
/// let fault = Fault::TimedOut { limit };
/// assert_eq!(fault.kind(), FailureKind::TimedOut);
/// assert_eq!(fault.to_string(), "it took longer than 5000 ms");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Occurs when the code trapped: a panic, a division by zero, an access out of bounds.
    #[error("it trapped: {cause}{}", .backtrace.as_ref().map(|frames| format!("{BACKTRACE}\n{frames}")).unwrap_or_default())]
    Trapped {
        /// What wasmtime says.
        cause: String,
        /// The wasm frames that have names, the innermost first; where none has, the innermost.
        backtrace: Option<String>,
    },
    /// Occurs when a call took longer than its limit.
    #[error("it took longer than {} ms", .limit.as_millis())]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// Occurs when a call used up its fuel.
    #[error("it used more than {limit} units of fuel")]
    OutOfFuel {
        /// The limit.
        limit: u64,
    },
    /// Occurs when the code asked for more memory than its limit and then gave up.
    #[error("it asked for more than {} MiB of memory", .limit >> 20)]
    OutOfMemory {
        /// The limit in bytes.
        limit: usize,
    },
    /// Occurs when the answer does not match the batch.
    #[error("its reply does not match the batch: {0}")]
    BadReply(#[from] ReplyError),
    /// Occurs when the answer, or what it passed to a host call, is larger than the limit.
    #[error("it passed more than {} MiB to the host at once", .limit >> 20)]
    TooMuchOutput {
        /// The limit in bytes.
        limit: usize,
    },
    /// Occurs when it called an import that it is not given.
    #[error(transparent)]
    NotOffered(#[from] NotOffered),
    /// Occurs when a text layout is fed a body that is not UTF-8.
    #[error("the body is not UTF-8, and the migration takes text")]
    NotText,
    /// Occurs when whoever answers `documents` stopped the call; it knows why.
    #[error("the host stopped the call")]
    Halted,
}

/// What stands between a trap's cause and its frames in the text of a [`Fault`].
///
/// ```
/// use godwit::sandbox::{BACKTRACE, Fault};
///
/// let fault = Fault::Trapped {
///     cause: "wasm `unreachable` instruction executed".to_owned(),
///     backtrace: Some("0: main".to_owned()),
/// };
/// let text = fault.to_string();
/// let (_cause, frames) = text.split_once(BACKTRACE).ok_or("there are no frames")?;
/// assert_eq!(frames.trim(), "0: main");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const BACKTRACE: &str = "; wasm backtrace:";

/// The most bytes of a trap's cause, and of its frames, that are kept: names come from the component.
const TRAP_BYTES: (usize, usize) = (1 << 10, 8 << 10);

impl Fault {
    /// In which way an item fails by it.
    ///
    /// ```
    /// use godwit::model::FailureKind;
    /// use godwit::sandbox::Fault;
    ///
    /// assert_eq!(Fault::NotText.kind(), FailureKind::NotText);
    /// assert_eq!(Fault::Halted.kind().advice(), "try again");
    /// ```
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Trapped { .. } => FailureKind::Trapped,
            Self::TimedOut { .. } => FailureKind::TimedOut,
            Self::OutOfFuel { .. } => FailureKind::OutOfFuel,
            Self::NotOffered(_) => FailureKind::NotOffered,
            Self::OutOfMemory { .. } => FailureKind::OutOfMemory,
            Self::BadReply(_) => FailureKind::BadReply,
            Self::TooMuchOutput { .. } => FailureKind::TooMuchOutput,
            Self::NotText => FailureKind::NotText,
            Self::Halted => FailureKind::Halted,
        }
    }

    /// What is told of it, with the component's last words: a panic is logged as an error before it traps, and
    /// says what happened where the trap says only that something did.
    pub(crate) fn told(&self, log: &[LogLine]) -> String {
        match (self, last_words(log)) {
            (Self::Trapped { .. }, Some(words)) => format!("{words}; {self}"),
            _ => self.to_string(),
        }
    }
}

/// The error that was logged last; of what was printed at the end the first line, as the others tell of frames.
fn last_words(log: &[LogLine]) -> Option<&str> {
    let is_error = |line: &&LogLine| line.level == LogLevel::Error;
    let last = log.last().filter(is_error)?;
    let printed = log.iter().rev();
    let printed = printed.take_while(|line| line.is_printed && is_error(line));
    Some(&printed.last().unwrap_or(last).message)
}

/// What the sandbox knows of a call that failed.
pub(super) struct Circumstances {
    /// Memory was refused during the call.
    pub memory_refused: bool,
    /// The memory limit in bytes.
    pub memory: usize,
    /// The fuel of the call.
    pub fuel: Option<u64>,
    /// The time limit of the call.
    pub time: Duration,
    /// The limit of bytes passed at once.
    pub hostcall: usize,
}

impl Circumstances {
    /// Names the fault behind a failed call.
    pub(super) fn fault(&self, error: AnswerError) -> Fault {
        match error {
            AnswerError::Reply(error) => Fault::BadReply(error),
            AnswerError::NotText => Fault::NotText,
            AnswerError::Call(error) => self.of_call(&error),
        }
    }

    fn of_call(&self, error: &wasmtime::Error) -> Fault {
        if error.downcast_ref::<Denial>().is_some() {
            return Fault::Halted;
        }
        if let Some(call) = error.downcast_ref::<NotOffered>() {
            return call.clone().into();
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::Interrupt) => return Fault::TimedOut { limit: self.time },
            Some(wasmtime::Trap::OutOfFuel) => {
                let limit = self.fuel.unwrap_or_default();
                return Fault::OutOfFuel { limit };
            }
            // What gives up after it was refused memory aborts, and that is an unreachable
            // instruction; memory that is there from the start is refused without a trap.
            Some(wasmtime::Trap::UnreachableCodeReached) | None if self.memory_refused => {
                return Fault::OutOfMemory { limit: self.memory };
            }
            _ => {}
        }
        let cause = cause(error);
        if cause.contains("fuel allocated for hostcalls has been exhausted") {
            return Fault::TooMuchOutput {
                limit: self.hostcall,
            };
        }
        Fault::Trapped {
            cause: printable(&cause, TRAP_BYTES.0),
            backtrace: backtrace(error),
        }
    }
}

/// What wasmtime says, from the outermost to the root, without the frames.
fn cause(error: &wasmtime::Error) -> String {
    let texts = error.chain().map(ToString::to_string);
    let texts: Vec<_> = texts.filter(|text| !text.starts_with(FRAMES)).collect();
    let cause = texts.join(": ");
    cause
        .strip_prefix("wasm trap: ")
        .map_or(cause.clone(), str::to_owned)
}

/// How wasmtime begins to tell frames.
const FRAMES: &str = "error while executing at wasm backtrace:\n";

fn backtrace(error: &wasmtime::Error) -> Option<String> {
    let backtrace = error.downcast_ref::<wasmtime::WasmBacktrace>()?.to_string();
    let frames = backtrace.strip_prefix(FRAMES)?;
    Some(printable(&named(frames), TRAP_BYTES.1))
}

/// The frames that say where something was: those with a name or a place in the source, or else the innermost.
fn named(frames: &str) -> String {
    let is_nameless = |frame: &&str| frame.contains("!<wasm function ") && frame.ends_with('>');
    let mut named: Vec<_> = frames.lines().filter(|line| !is_nameless(line)).collect();
    if named.is_empty() {
        named.extend(frames.lines().next());
    }
    named.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_without_a_name_are_left_out() {
        let frames = "    0:     0x1f - <unknown>!<wasm function 3>\n    1:     0x2f - a.wasm!migrate\n      \
                      2:     0x3f - main\n                    at main.c:3:1\n    3:     0x4f - a.wasm!<wasm \
                      function 9>";
        let expected = "    1:     0x2f - a.wasm!migrate\n      2:     0x3f - main\n                    at \
                        main.c:3:1";
        assert_eq!(named(frames), expected);
        let nameless = "    0: 0x1f - <unknown>!<wasm function 3>";
        assert_eq!(named(&format!("{nameless}\n{nameless}")), nameless);
    }

    #[test]
    fn the_last_words_before_a_trap_are_told() {
        let line = |level, message: &str| LogLine {
            level,
            message: message.to_owned(),
            item: None,
            is_printed: false,
        };
        let trapped = Fault::Trapped {
            cause: "wasm `unreachable` instruction executed".to_owned(),
            backtrace: None,
        };
        let panic = [
            line(LogLevel::Info, "begun"),
            line(LogLevel::Error, "panicked at src/lib.rs:3: no title"),
        ];
        assert_eq!(
            trapped.told(&panic),
            "panicked at src/lib.rs:3: no title; it trapped: wasm `unreachable` instruction executed"
        );
        assert_eq!(trapped.told(&panic[..1]), trapped.to_string());
        let report = [
            "panic: no title",
            "goroutine 7 [running]:",
            "main.tags(0x20)",
        ];
        let printed = report.map(|message| LogLine {
            is_printed: true,
            ..line(LogLevel::Error, message)
        });
        assert_eq!(
            trapped.told(&[&panic[..1], &printed].concat()),
            "panic: no title; it trapped: wasm `unreachable` instruction executed"
        );
        let slow = Fault::TimedOut {
            limit: Duration::from_secs(5),
        };
        assert_eq!(slow.told(&panic), slow.to_string());
    }
}

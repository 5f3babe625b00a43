//! From a file's bytes to machine code, in this process or in one of its own.
//!
//! To compile what a stranger wrote may take any time and memory; wasmtime promises nothing about
//! that. So it is best done in a process that has little to lose: it gets the bytes on its standard
//! input, answers on its standard output, and its memory and time are bounded.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::component::cause;
use super::{Engine, Limits, LoadError};
use crate::contract::{Speech, SpeechError};

/// Where components are compiled.
///
/// ```
/// use godwit::sandbox::{Compiler, Engine, Limits};
///
/// assert_eq!(Compiler::default(), Compiler::InProcess);
/// let engine = Engine::new(Limits::default()).with_compiler(Compiler::InProcess);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Compiler {
    /// In this process, whatever it takes: for components that are trusted that far, and for tests.
    #[default]
    InProcess,
    /// In a process of its own.
    Child(CompilerProcess),
}

/// A program that calls [`serve_compiler`] with its standard input and output when it is started with
/// these arguments.
///
/// ```
/// use godwit::sandbox::{Compiler, CompilerProcess, Engine, Limits};
///
/// let process = CompilerProcess {
///     program: "godwit".into(),
///     arguments: vec!["compiler".into()],
/// };
/// let engine = Engine::new(Limits::default()).with_compiler(Compiler::Child(process));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompilerProcess {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// What the process is told before it gets the component.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    stack_bytes: usize,
    is_metered: bool,
    memory_bytes: u64,
    seconds: u64,
}

/// What it says before it hands over the code.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Compiled {
        speech: Speech,
        /// How many bytes of code follow.
        bytes: usize,
    },
    NoMigration(SpeechError),
    NoCode(String),
}

/// Machine code, and what the component speaks.
pub(super) struct Compiled {
    pub code: Vec<u8>,
    pub speech: Speech,
}

/// Reads what a component speaks, and compiles it.
pub(super) fn compile(engine: &wasmtime::Engine, bytes: &[u8]) -> Result<Compiled, LoadError> {
    let component = Speech::component(bytes)?;
    let speech = Speech::of(&component)?;
    let code = engine.precompile_component(&component);
    let code = code.map_err(|error| LoadError::Compile(cause(&error)))?;
    Ok(Compiled { code, speech })
}

/// What a compiler process does: takes a component, answers with its code, and obeys the limits that it
/// is told.
///
/// ```
/// # fn example() -> std::io::Result<()> {
/// use std::io::{stdin, stdout};
///
/// use godwit::sandbox::serve_compiler;
///
/// serve_compiler(&mut stdin().lock(), &mut stdout().lock())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When it cannot read or write, or its limits cannot be set.
pub fn serve_compiler(input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<()> {
    let mut request = String::new();
    input.read_line(&mut request)?;
    let request: Request = serde_json::from_str(&request)?;
    confine(&request)?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let limits = Limits {
        stack_bytes: request.stack_bytes,
        fuel: request.is_metered.then_some(0),
        ..Limits::default()
    };
    let engine = wasmtime::Engine::new(&super::engine::config(&limits));
    let engine = engine.map_err(|error| io::Error::other(format!("{error:#}")))?;
    let (answer, code) = match compile(&engine, &bytes) {
        Ok(Compiled { code, speech }) => {
            let bytes = code.len();
            (Answer::Compiled { speech, bytes }, code)
        }
        Err(LoadError::Speech(error)) => (Answer::NoMigration(error), Vec::new()),
        Err(LoadError::Compile(cause)) => (Answer::NoCode(cause), Vec::new()),
        Err(error) => (Answer::NoCode(error.to_string()), Vec::new()),
    };
    serde_json::to_writer(&mut *output, &answer)?;
    output.write_all(b"\n")?;
    output.write_all(&code)?;
    output.flush()
}

#[cfg(unix)]
fn confine(request: &Request) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let most = |limit| Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    setrlimit(Resource::As, most(request.memory_bytes))?;
    setrlimit(Resource::Cpu, most(request.seconds))?;
    setrlimit(Resource::Core, most(0))?;
    setrlimit(Resource::Fsize, most(0))?;
    Ok(())
}

#[cfg(not(unix))]
fn confine(_: &Request) -> io::Result<()> {
    Ok(())
}

impl CompilerProcess {
    /// Has a component compiled.
    pub(super) fn compile(&self, engine: &Engine, bytes: &[u8]) -> Result<Compiled, LoadError> {
        let limits = engine.limits();
        let failed = |what: &str, error: io::Error| {
            LoadError::Compile(format!("the compiler process {what}: {error}"))
        };
        let mut child = self
            .start()
            .map_err(|error| failed("cannot be started", error))?;
        let answered = self.ask(&mut child, limits, bytes);
        // It may still be at work on what nobody waits for.
        let _ = child.kill();
        let status = child.wait().map_err(|error| failed("was lost", error))?;
        let (answer, complaint) = answered;
        let Some(answer) = answer else {
            return Err(LoadError::Compile(format!(
                "it took longer than {} s to compile",
                limits.compile.as_secs()
            )));
        };
        read_answer(&answer)
            .ok_or_else(|| LoadError::Compile(why_ended(status, &complaint, limits)))?
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            // It needs nothing of what the environment may tell.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    /// What the process answered, unless it took too long, and the end of what it complained about.
    fn ask(&self, child: &mut Child, limits: &Limits, bytes: &[u8]) -> (Option<Vec<u8>>, String) {
        let request = Request {
            stack_bytes: limits.stack_bytes,
            is_metered: limits.fuel.is_some(),
            memory_bytes: limits.compile_bytes,
            seconds: limits.compile.as_secs().max(1),
        };
        let mut request = serde_json::to_vec(&request).expect("it has no maps");
        request.push(b'\n');
        let mut input = child.stdin.take().expect("it is a pipe");
        let mut output = child.stdout.take().expect("it is a pipe");
        let mut errors = child.stderr.take().expect("it is a pipe");
        let (done, answer) = channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // A process that ended early does not read to the end; why it did is told below.
                let _ = input
                    .write_all(&request)
                    .and_then(|()| input.write_all(bytes));
            });
            let complaint = scope.spawn(move || read_some(&mut errors));
            scope.spawn(move || {
                let mut answer = Vec::new();
                let _ = output.read_to_end(&mut answer);
                // Nobody may be waiting any more.
                let _ = done.send(answer);
            });
            let answer = answer
                .recv_timeout(limits.compile * OTHER_WORK + GRACE)
                .ok();
            // The threads end with it.
            let _ = child.kill();
            (answer, complaint.join().unwrap_or_default())
        })
    }
}

/// How many times longer than its time of the processor the process may take on the clock, and how much
/// longer: it starts first.
const OTHER_WORK: u32 = 4;
const GRACE: Duration = Duration::from_secs(1);

/// The most of what a compiler process complains about that is kept.
const COMPLAINT_BYTES: u64 = 4 << 10;

fn read_some(errors: &mut dyn Read) -> String {
    let mut complaint = Vec::new();
    let _ = errors.take(COMPLAINT_BYTES).read_to_end(&mut complaint);
    // The rest is read so that the process is not held up, and dropped.
    let _ = io::copy(errors, &mut io::sink());
    String::from_utf8_lossy(&complaint).into_owned()
}

/// Understands an answer; `None` where the process ended before it was whole.
fn read_answer(answer: &[u8]) -> Option<Result<Compiled, LoadError>> {
    let mut answer = BufReader::new(answer);
    let mut line = Vec::new();
    answer.read_until(b'\n', &mut line).ok()?;
    let said: Answer = serde_json::from_slice(&line).ok()?;
    Some(match said {
        Answer::Compiled { speech, bytes } => {
            let mut code = Vec::new();
            answer.read_to_end(&mut code).ok()?;
            (code.len() == bytes).then_some(Ok(Compiled { code, speech }))?
        }
        Answer::NoMigration(error) => Err(error.into()),
        Answer::NoCode(error) => Err(LoadError::Compile(error)),
    })
}

/// Why a compiler process ended without an answer.
fn why_ended(status: ExitStatus, complaint: &str, limits: &Limits) -> String {
    if complaint.contains("memory allocation of") || complaint.contains("out of memory") {
        let most = limits.compile_bytes >> 20;
        return format!("it took more than {most} MiB of memory to compile");
    }
    if is_out_of_time(status) {
        let most = limits.compile.as_secs();
        return format!("it took longer than {most} s to compile");
    }
    let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
    let last = super::printable(last.unwrap_or("it said nothing"), 400);
    format!("the compiler process ended with {status}: {last}")
}

#[cfg(unix)]
fn is_out_of_time(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    let signals = [rustix::process::Signal::XCPU, rustix::process::Signal::KILL];
    signals
        .iter()
        .any(|signal| status.signal() == Some(signal.as_raw()))
}

#[cfg(not(unix))]
fn is_out_of_time(_: ExitStatus) -> bool {
    false
}

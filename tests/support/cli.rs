//! The command line, as it is typed: what it prints, and how it ends.
//!
//! A [`Cli`] is a folder of its own, in which lines like `godwit up --dry-run` are run. What they
//! print becomes a transcript that does not depend on the time, the machine or the compiler.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::SystemTime;

use insta::internals::SettingsBindDropGuard;
use tempfile::TempDir;

use crate::world;

/// What differs from one run to the next, and what stands for it.
const FILTERS: &[(&str, &str)] = &[
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[moment]"),
    (r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z", "[moment]"),
    (
        r#""(started_at|changed_at|at)":( ?)\d{13}"#,
        r#""$1":$2"[moment]""#,
    ),
    (r#""seed":( ?)\d+"#, r#""seed":$1"[seed]""#),
    (r"in \d+ min \d+ s\b", "in [time]"),
    (r"in \d+(\.\d+)? (ms|s)\b", "in [time]"),
    (r"[\d,]+/s\b", "[rate]"),
    (r"\d+(\.\d+)? (B|KiB|MiB|GiB)\b", "[size]"),
    (r#"^(  "(file_)?bytes":) \d+"#, "$1 \"[size]\""),
    (r"\b[0-9a-f]{64}\b", "[digest]"),
    (r" [0-9a-f]{12}\b", " [digest]"),
    (r#"[^\s"]+ \(process \d+\)"#, "[host] (process [pid])"),
    (r"(\w+\.rs):\d+:\d+", "$1:[line]"),
    (
        r#"; wasm backtrace:((\\n|\n) +\d+: +0x[^\n\\"]*)+"#,
        "; wasm backtrace: [frames]",
    ),
];

/// A folder in which commands are given.
pub struct Cli {
    folder: TempDir,
    program: PathBuf,
    _filters: SettingsBindDropGuard,
}

impl Cli {
    /// An empty folder.
    ///
    /// # Panics
    /// When the program is not built, or older than its sources.
    pub fn new() -> Self {
        let folder = TempDir::new().expect("there is room for a folder");
        Self {
            program: program(),
            _filters: filters(folder.path()),
            folder,
        }
    }

    /// A folder with a `godwit.toml` that names a store of a kind, `store`, and the folder
    /// `plugins` with some guests.
    pub fn on(kind: &str, guests: &[&str]) -> Self {
        let this = Self::new();
        let config = format!("store = \"{kind}:store\"\nplugins = \"plugins\"\n");
        this.write("godwit.toml", &config);
        this.guests("plugins", guests);
        this
    }

    /// The path of something in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder, and the folders above it.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it is in the folder"))
            .expect("there is room");
        std::fs::write(path, bytes).expect("there is room");
        self
    }

    /// The text of a file in the folder.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("the file is there")
    }

    /// Copies guests into a folder in the folder.
    ///
    /// # Panics
    /// When they are not built.
    pub fn guests(&self, folder: &str, guests: &[&str]) -> &Self {
        std::fs::create_dir_all(self.path(folder)).expect("there is room");
        for guest in guests {
            let bytes = std::fs::read(world::guest(guest)).expect("guests can be read");
            self.write(&format!("{folder}/{guest}.wasm"), bytes);
        }
        self
    }

    /// A command that is not started yet. A line is `[NAME=VALUE...] godwit ARGUMENT... [< FILE]`,
    /// with single quotes around what has spaces.
    ///
    /// # Panics
    /// When the line is not of that form.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(self.folder.path()).env_clear();
        // Compiled components are shared by all tests; that it makes no difference is tested, too.
        command.env(
            "GODWIT_CACHE",
            self.program.with_file_name("cache-of-tests"),
        );
        command.stdin(Stdio::null());
        let mut words = words(line).into_iter();
        for word in words.by_ref().take_while(|word| word != "godwit") {
            let (name, value) = word.split_once('=').expect("a variable or `godwit`");
            command.env(name, value);
        }
        while let Some(word) = words.next() {
            if word == "<" {
                let name = words.next().expect("a file is named");
                command.stdin(File::open(self.path(&name)).expect("the file is there"));
            } else {
                command.arg(word);
            }
        }
        command
    }

    /// Gives a command and waits for its end.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run(&self, line: &str) -> Ended {
        let output = self.command(line).output().expect("the program starts");
        Ended::new(line, output)
    }

    /// Gives commands one after another; what is seen of them.
    pub fn session(&self, lines: &[&str]) -> String {
        let seen = lines.iter().map(|line| self.run(line).to_string());
        seen.collect::<Vec<_>>().join("\n")
    }

    /// Gives commands that have to succeed, of which nothing is to be seen.
    ///
    /// # Panics
    /// When one fails.
    pub fn prepare(&self, lines: &[&str]) -> &Self {
        for line in lines {
            let ended = self.run(line);
            assert_eq!(ended.code, Some(0), "{ended}");
        }
        self
    }

    /// Starts a command that goes on while others are given.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, line: &str) -> Started {
        let mut command = self.command(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program starts");
        let stderr = child.stderr.take().expect("it is piped");
        Started {
            line: line.to_owned(),
            said: Vec::new(),
            lines: BufReader::new(stderr).lines(),
            child,
        }
    }
}

impl Default for Cli {
    fn default() -> Self {
        Self::new()
    }
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// What was typed.
    pub line: String,
    /// What it printed on standard output.
    pub out: String,
    /// What it printed on standard error.
    pub err: String,
    /// The exit code; `None`: a signal ended it.
    pub code: Option<i32>,
}

impl Ended {
    fn new(line: &str, output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self {
            line: line.to_owned(),
            out: text(output.stdout),
            err: text(output.stderr),
            code: output.status.code(),
        }
    }

    /// Standard output as one JSON value.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

/// The line, what was printed on standard error (behind `2>`) and standard output, and the exit code
/// where it is not 0.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$ {}", self.line)?;
        for line in self.err.lines() {
            write!(f, "\n2> {line}")?;
        }
        for line in self.out.lines() {
            write!(f, "\n{line}")?;
        }
        match self.code {
            Some(0) => Ok(()),
            Some(code) => write!(f, "\n[exit {code}]"),
            None => write!(f, "\n[ended by a signal]"),
        }
    }
}

/// A command that goes on while others are given.
pub struct Started {
    /// The process; its standard input is a pipe.
    pub child: Child,
    line: String,
    said: Vec<String>,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Started {
    /// Waits until a line on standard error has a text in it.
    ///
    /// # Panics
    /// When the process ends before.
    pub fn wait_for(&mut self, text: &str) {
        loop {
            let line = self.lines.next().and_then(Result::ok);
            let line = line.unwrap_or_else(|| panic!("`{text}` was not said: {:?}", self.said));
            self.said.push(line);
            if self.said.last().is_some_and(|line| line.contains(text)) {
                return;
            }
        }
    }

    /// All that it says on standard error.
    pub fn said_to_the_end(&mut self) -> String {
        self.said.extend(self.lines.by_ref().map_while(Result::ok));
        self.said.join("\n")
    }

    /// Presses Ctrl-C.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn interrupt(&self) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("a process id is a pid_t");
        // SAFETY: a plain system call; the child is not waited for yet, so the number is its own.
        let result = unsafe { libc::kill(pid, libc::SIGINT) };
        assert_eq!(result, 0, "the process is there");
    }

    /// Ends its standard input and waits for its end.
    ///
    /// # Panics
    /// When its output is not text.
    pub fn finish(mut self) -> Ended {
        drop(self.child.stdin.take());
        let stdout = self.child.stdout.take().expect("it is piped");
        let out = std::io::read_to_string(stdout).expect("it prints UTF-8");
        self.said.extend(self.lines.map_while(Result::ok));
        let status = self.child.wait().expect("it can be waited for");
        let err: String = self.said.iter().map(|line| format!("{line}\n")).collect();
        Ended {
            line: self.line,
            out,
            err,
            code: status.code(),
        }
    }
}

/// The words of a line; single quotes keep spaces together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The program that was built beside this test. One that is older than the sources that the test was
/// built from would be another program than the one under test.
fn program() -> PathBuf {
    let program = crate::campaign::process::program("godwit").unwrap_or_else(|error| {
        panic!("{error} (`cargo build -p godwit-host`; `tests/run` does it)")
    });
    let this = std::env::current_exe().expect("this is a program");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src");
    if let Some(newer) = changed_between(&sources, modified(&program), modified(&this)) {
        let (program, newer) = (program.display(), newer.display());
        panic!("{program} is older than {newer}: run `cargo build -p godwit-host`");
    }
    program
}

fn changed_between(path: &Path, from: SystemTime, to: SystemTime) -> Option<PathBuf> {
    if !path.is_dir() {
        let changed = modified(path);
        return (changed > from && changed <= to).then(|| path.to_owned());
    }
    let entries = std::fs::read_dir(path).expect("sources can be read");
    let mut paths = entries.map(|entry| entry.expect("sources can be read").path());
    paths.find_map(|path| changed_between(&path, from, to))
}

fn modified(path: &Path) -> SystemTime {
    let metadata = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    metadata.expect("files have a time")
}

/// Lets snapshots of this thread be compared without what differs from one run to the next.
fn filters(folder: &Path) -> SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(&folder.to_string_lossy().replace('.', r"\."), "[folder]");
    for (pattern, replacement) in FILTERS {
        settings.add_filter(&format!("(?m){pattern}"), *replacement);
    }
    settings.bind_to_scope()
}

//! What an operator has us call: a command, or a URL.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;

use crate::output;

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Outside {
    /// A line for the shell, or where it begins with `http://` or `https://`, a URL.
    Line(String),
    /// A program and its arguments.
    Program(Vec<String>),
}

/// How often a program that runs is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How much of what a program says on standard error is told when it fails.
const TOLD: u64 = 2_000;

impl Outside {
    /// What is wrong with it as it is written.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Line(line) if line.trim().is_empty() => Err("it is empty".to_owned()),
            Self::Program(words) if words.is_empty() => Err("it names no program".to_owned()),
            _ => Ok(()),
        }
    }

    /// Calls it: a program gets `text` as its input, a URL as the body of a POST, or where there is no text, a GET. It
    /// succeeds with exit code 0, or a status of 2xx.
    pub fn call(&self, text: Option<&str>, timeout: Duration) -> Result<(), String> {
        match self {
            Self::Line(url) if is_url(url) => fetch(url, text, timeout),
            Self::Line(line) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", line]);
                execute(shell, text, timeout)
            }
            Self::Program(words) => {
                let mut program = Command::new(&words[0]);
                program.args(&words[1..]);
                execute(program, text, timeout)
            }
        }
    }
}

impl std::fmt::Display for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => f.write_str(line),
            Self::Program(words) => f.write_str(&words.join(" ")),
        }
    }
}

fn is_url(line: &str) -> bool {
    line.starts_with("http://") || line.starts_with("https://")
}

fn fetch(url: &str, text: Option<&str>, timeout: Duration) -> Result<(), String> {
    let config = ureq::Agent::config_builder().timeout_global(Some(timeout));
    let agent: ureq::Agent = config.build().into();
    let answer = match text {
        Some(text) => agent
            .post(url)
            .header("content-type", "application/json")
            .send(text),
        None => agent.get(url).call(),
    };
    answer.map(drop).map_err(|error| error.to_string())
}

fn execute(mut command: Command, text: Option<&str>, timeout: Duration) -> Result<(), String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // What it starts ends with it.
        .process_group(0);
    let mut child = command
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let (mut input, mut errors) = (child.stdin.take(), child.stderr.take());
    let text = text.unwrap_or_default().to_owned();
    let writer = thread::spawn(move || {
        // A program may well not read what it is told.
        let _ = input
            .take()
            .map(|mut input| input.write_all(text.as_bytes()));
    });
    let reader = thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(errors) = &mut errors {
            let _ = errors.by_ref().take(TOLD).read_to_end(&mut said);
            // Read on, so that it is not stopped by a full pipe.
            let _ = std::io::copy(errors, &mut std::io::sink());
        }
        String::from_utf8_lossy(&said).into_owned()
    });
    let ended = wait(&mut child, timeout);
    if ended.is_none() {
        kill(&mut child);
    }
    let _ = writer.join();
    let said = reader.join().unwrap_or_default();
    let told = match said.trim() {
        "" => String::new(),
        said => format!(": {}", output::one_line(said, 300)),
    };
    match ended {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{status}{told}")),
        None => {
            let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            let time = output::duration(millis);
            Err(format!("it took longer than {time} and was ended{told}"))
        }
    }
}

/// How it ended; `None`: it has not, in all the time there was.
fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let started = Instant::now();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if started.elapsed() >= timeout {
            return None;
        }
        thread::sleep(LOOK);
    }
}

fn kill(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // Whoever is gone already need not be ended.
    let _ = group.map(|group| kill_process_group(group, Signal::KILL));
    let _ = child.wait();
}

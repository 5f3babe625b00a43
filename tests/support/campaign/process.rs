//! Child processes that are killed at a chosen moment.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::Result;

/// When a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Never.
    Never,
    /// So long after it was started.
    AfterStart(Duration),
    /// So long after it said the first thing, which is when the work on the store begins.
    AfterFirstLine(Duration),
}

/// How a process ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The exit code; `None`: it was killed.
    pub code: Option<i32>,
    /// What it said on standard error.
    pub said: String,
    /// How long it took.
    pub took: Duration,
    /// How long it took from the first line on.
    pub worked: Duration,
}

/// Starts a process, kills it when the moment has come, and waits for its end.
///
/// # Errors
/// When it cannot be started.
pub fn run(command: &mut Command, moment: Moment) -> Result<Ended> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let lines = listen(&mut child);
    let first = kill_at(&mut child, &lines, moment, start)?;
    let status = child.wait()?;
    let end = Instant::now();
    let mut said: Vec<String> = first.iter().map(|(_, line)| line.clone()).collect();
    said.extend(lines.iter());
    if let Some(signal) = status.signal().filter(|signal| *signal != libc::SIGKILL) {
        said.push(format!("ended by signal {signal}"));
    }
    let is_killed = status.signal() == Some(libc::SIGKILL) && moment != Moment::Never;
    Ok(Ended {
        code: (!is_killed).then(|| status.code().unwrap_or(-1)),
        said: said.join("\n"),
        took: end - start,
        worked: first.map_or(Duration::ZERO, |(at, _)| end - at),
    })
}

/// The lines of a child's standard error, as they come; the channel ends with them.
fn listen(child: &mut Child) -> Receiver<String> {
    let (send, lines) = channel();
    let stderr = child.stderr.take().expect("it is piped");
    thread::spawn(move || {
        let lines = BufReader::new(stderr)
            .lines()
            .map_while(std::io::Result::ok);
        lines
            .take_while(|line| send.send(line.clone()).is_ok())
            .for_each(drop);
    });
    lines
}

/// Returns when the child said its first line, and that line.
fn kill_at(
    child: &mut Child,
    lines: &Receiver<String>,
    moment: Moment,
    start: Instant,
) -> Result<Option<(Instant, String)>> {
    let mut first = None;
    if let Moment::AfterStart(delay) = moment {
        kill_after(child, start + delay)?;
    }
    if let Ok(line) = lines.recv() {
        let now = Instant::now();
        first = Some((now, line));
        if let Moment::AfterFirstLine(delay) = moment {
            kill_after(child, now + delay)?;
        }
    }
    Ok(first)
}

/// Sleeps in small steps, so that no time is lost on a process that has ended.
fn kill_after(child: &mut Child, when: Instant) -> Result<()> {
    const STEP: Duration = Duration::from_millis(1);
    loop {
        let left = when.saturating_duration_since(Instant::now());
        if left > STEP {
            thread::sleep(STEP);
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            continue;
        }
        thread::sleep(left);
        return Ok(child.kill()?);
    }
}

/// A program of this workspace, built beside the one that runs.
///
/// # Errors
/// When it is not built.
pub fn program(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let mut folders = this
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name));
    let missing = || {
        format!(
            "`{name}` is not built beside {}: run `cargo build` first",
            this.display()
        )
    };
    Ok(folders.find(|file| file.is_file()).ok_or_else(missing)?)
}

/// Copies a folder with its subfolders; what is in `to` already is replaced.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// What a command prints on standard output, which has to succeed.
///
/// # Errors
/// When it cannot be started, or fails.
pub fn output(command: &mut Command) -> Result<String> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut text = String::new();
    child
        .stdout
        .take()
        .expect("it is piped")
        .read_to_string(&mut text)?;
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(text)
}

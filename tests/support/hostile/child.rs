//! A guest in a process of its own: whatever becomes of it, it is told.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use godwit::sandbox::Cache;
use godwit_hostile::Guest;

use super::{ENGINE, check, engine_for, good_works, trial};
use crate::campaign::Result;

/// How long a process may take before it counts as hanging: generous, the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// What became of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What became of the guest, or of the process.
    pub verdict: String,
    /// What is wrong; nothing where all is well.
    pub complaint: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// The most memory that was resident, in KiB.
    pub peak: u64,
}

/// Tries a guest in this process, with what is compiled already in a folder, and prints what became of it: the verdict, the peak of memory,
/// and what is wrong, each on a line.
///
/// # Errors
/// When the process cannot be measured.
pub fn try_here(guest: &Guest, cache: &Path) -> Result<()> {
    let engine = ENGINE.clone().with_cache(Cache::open(cache)?);
    let engine = engine_for(guest, &engine);
    let seen = trial(&engine, &guest.file());
    let verdict = seen
        .as_ref()
        .map_or("harmful".to_owned(), |seen| seen.verdict.to_string());
    let checked = seen.and_then(|seen| check(guest, &seen));
    let complaint = checked.and_then(|()| good_works(&engine)).err();
    println!("{verdict}\n{}", peak("self")?);
    println!("{}", complaint.unwrap_or_default().escape_debug());
    Ok(())
}

/// Starts this program again for one guest, and waits for its end.
///
/// # Errors
/// When it cannot be started at all.
pub fn try_apart(guest: &Guest, cache: &Path) -> Result<Ended> {
    let start = Instant::now();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--here", guest.name]).arg(cache);
    command.stdin(Stdio::null());
    command.env("RUST_BACKTRACE", "0");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    // A pipe that nobody reads would let the process wait for ever.
    let (out, err, watched) = thread::scope(|scope| {
        let out = scope.spawn(move || read(&mut out));
        let err = scope.spawn(move || read(&mut err));
        let watched = watch(&mut child, start);
        (out.join(), err.join(), watched)
    });
    let (status, peak) = watched?;
    let text = |read: thread::Result<Vec<u8>>| {
        String::from_utf8_lossy(&read.unwrap_or_default()).into_owned()
    };
    let ended = Ended {
        verdict: status.map_or("hung".to_owned(), |status| status.to_string()),
        complaint: Some(last_line(&text(err))),
        took: start.elapsed(),
        peak,
    };
    if status.is_some_and(|status| status.success()) {
        ended.said(&text(out))
    } else {
        Ok(ended)
    }
}

impl Ended {
    /// What a process that came to its end said itself; see [`try_here`].
    fn said(self, text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let mut line = || lines.next().unwrap_or_default().to_owned();
        let (verdict, peak, complaint) = (line(), line(), line());
        Ok(Self {
            verdict,
            peak: peak.parse()?,
            complaint: Some(complaint).filter(|text| !text.is_empty()),
            ..self
        })
    }
}

/// Everything that a process prints; what cannot be read is not there.
fn read(pipe: &mut Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.read_to_end(&mut bytes);
    }
    bytes
}

/// Waits for the end of a process, and ends it when it hangs; the most memory that it was seen with.
fn watch(child: &mut Child, start: Instant) -> Result<(Option<ExitStatus>, u64)> {
    let mut most = 0;
    loop {
        most = most.max(peak(&child.id().to_string()).unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            return Ok((Some(status), most));
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok((None, most));
        }
        thread::sleep(PAUSE);
    }
}

/// The peak of resident memory of a process, in KiB.
fn peak(process: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let line = line.ok_or("the process has ended")?;
    Ok(line.trim_end_matches("kB").trim().parse()?)
}

fn last_line(text: &str) -> String {
    let is_said = |line: &&str| !line.trim().is_empty() && !line.starts_with("note: ");
    let last = text.lines().rfind(is_said);
    let last = last.unwrap_or("it said nothing");
    last.chars().take(200).collect()
}

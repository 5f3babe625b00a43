//! What a process has: the only place of the library that asks for it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::host::Surroundings;
use crate::model::Timestamp;
use crate::store::Holder;

impl Surroundings {
    /// The system's clock, the system's randomness, and this process: a lease that it leaves behind when it dies is
    /// taken over at once by other processes of the machine.
    pub fn of_this_process() -> Self {
        let host = read("/proc/sys/kernel/hostname").unwrap_or_else(|| "this machine".to_owned());
        let pid = std::process::id();
        Self {
            clock: Arc::new(now),
            random: Arc::new(random),
            holder: Holder {
                name: format!("{host} (process {pid})"),
                process: Process::of(pid).map(|process| process.to_string()),
            },
            is_gone: Arc::new(is_gone),
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn random() -> u64 {
    getrandom::u64().expect("the operating system gives random numbers")
}

fn read(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
}

/// What tells a process apart from every other one: the boot, the namespace that its number is of,
/// the number, and when it was started, since numbers are used again.
struct Process {
    boot: String,
    namespace: String,
    pid: u32,
    started: String,
}

impl Process {
    fn of(pid: u32) -> Option<Self> {
        let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
        Some(Self {
            boot: read("/proc/sys/kernel/random/boot_id")?,
            namespace: namespace.to_string_lossy().into_owned(),
            pid,
            started: started(pid)?,
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ').map(str::to_owned);
        let (boot, namespace, pid, started) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            boot,
            namespace,
            pid: pid.parse().ok()?,
            started,
        })
    }
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.boot, self.namespace, self.pid, self.started
        )
    }
}

/// When a process was started, in ticks since the boot: field 22 of proc(5)'s stat, counted behind
/// the name, which may hold anything. A zombie does nothing any more and counts as gone.
fn started(pid: u32) -> Option<String> {
    let stat = read(&format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    (state != "Z" && state != "X").then(|| fields.nth(18).map(str::to_owned))?
}

/// Whether a holder's process is known to have ended. Processes of other machines, boots apart, and
/// of other namespaces cannot be seen from here.
fn is_gone(holder: &Holder) -> bool {
    let Some(known) = holder.process.as_deref().and_then(Process::parse) else {
        return false;
    };
    let Some(this) = Process::of(std::process::id()) else {
        return false;
    };
    known.boot == this.boot
        && known.namespace == this.namespace
        && started(known.pid).as_ref() != Some(&known.started)
}

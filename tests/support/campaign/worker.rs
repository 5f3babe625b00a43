//! What the process that is killed, stopped or loses its disk does, where the command line cannot:
//! it tells what was acknowledged, in a file outside of the store.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use godwit::blocking::Host;
use godwit::catalogue::Catalogue;
use godwit::model::{Digest, Timestamp};
use godwit::plan::Goal;
use godwit::run::{Control, MaxFailures, Observer, Options, RunEvent};
use godwit::sandbox::{Engine, Limits};
use godwit::store::{Holder, Lease, OpenMode, Store, StoreUrl};
use godwit::transfer::{ImportSettings, Importer};
use godwit::{ErrorKind, HostError, Surroundings};

use super::Result;
use super::score::Kind;

/// The exit code of a worker that found a store other than it should be.
pub const DIFFERENT: u8 = 9;

/// The kind of violation that a line of a worker names.
pub fn kind_of(line: &str) -> Option<Kind> {
    let (kind, _) = line.split_once(": ")?;
    Kind::ALL
        .into_iter()
        .find(|known| known.to_string() == kind)
}

/// Takes part in a race for the lease of a store, round by round, as it is told on standard input:
/// at `go` it tries to take it and says `won`, or what stood in its way; at `release` it gives it
/// back and says `released`.
///
/// # Errors
/// When the store fails, or nobody listens.
pub fn race(store: &Store, name: &str) -> Result<u8> {
    let host = Host::new(store.clone(), no_plugins(), surroundings(name));
    let mut lease = None;
    for line in std::io::stdin().lines() {
        let answer = match (line?.as_str(), lease.take()) {
            ("go", None) => match host.lease(name) {
                Ok(won) => {
                    lease = Some(won);
                    "won".to_owned()
                }
                Err(error) => error.to_string(),
            },
            ("release", Some(won)) => {
                Lease::release(won, store)?;
                "released".to_owned()
            }
            (other, _) => return Err(format!("`{other}` makes no sense now").into()),
        };
        println!("{answer}");
    }
    Ok(0)
}

/// The system's clock and this process, under a name; holders are gone when their process is.
pub fn surroundings(name: &str) -> Surroundings {
    let pid = std::process::id();
    Surroundings {
        clock: Arc::new(now),
        random: Arc::new(move || now().0 << 20 ^ u64::from(pid)),
        holder: Holder {
            name: name.to_owned(),
            process: Some(pid.to_string()),
        },
        is_gone: Arc::new(is_gone),
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(since.as_millis() as u64)
}

fn is_gone(holder: &Holder) -> bool {
    let pid = holder.process.as_deref();
    pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists())
}

/// Opens a store.
///
/// # Errors
/// When it cannot be opened, or made if `mode` asks for that.
pub fn open(url: &str, mode: OpenMode) -> Result<Store, HostError> {
    let url: StoreUrl = url.parse()?;
    Ok(Store::new(url.open(mode)?)?)
}

/// A host over a store, on two threads, with room for the documents that fail.
///
/// # Errors
/// When the store or the plugins cannot be opened.
pub fn host(url: &str, plugins: &Path, name: &str) -> Result<Host, HostError> {
    let store = open(url, OpenMode::Existing)?;
    let catalogue = Catalogue::read(&Engine::new(Limits::default()), plugins)?;
    let mut host = Host::new(store, catalogue, surroundings(name));
    host.options = Options {
        threads: 2,
        max_failures: MaxFailures::Count(1_000),
        ..Options::default()
    };
    Ok(host)
}

/// Writes a line for everything that was acknowledged, and stops itself after so many batches if
/// that is asked for.
#[derive(Debug)]
pub struct Acknowledged {
    file: Mutex<File>,
    pause_after: Option<u64>,
    batches: Mutex<u64>,
    has_begun: AtomicBool,
}

impl Acknowledged {
    /// Writes to the end of a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn to(file: &Path, pause_after: Option<u64>) -> Result<Self> {
        let file = Mutex::new(OpenOptions::new().create(true).append(true).open(file)?);
        Ok(Self {
            file,
            pause_after,
            batches: Mutex::new(0),
            has_begun: AtomicBool::new(false),
        })
    }

    fn line(&self, line: &str) {
        let mut file = self.file.lock().expect("nobody panicked");
        if !self.has_begun.swap(true, Ordering::Relaxed) {
            eprintln!("the work has begun");
        }
        file.write_all(format!("{line}\n").as_bytes())
            .expect("the file takes lines");
    }

    fn pause(&self) {
        let mut batches = self.batches.lock().expect("nobody panicked");
        *batches += 1;
        if self.pause_after == Some(*batches) {
            // SAFETY: raise has no conditions; the process stops until it is sent SIGCONT.
            unsafe { libc::raise(libc::SIGSTOP) };
        }
    }
}

impl Observer for Acknowledged {
    fn event(&self, event: &RunEvent) {
        if let RunEvent::Batch { step, counts } = event {
            self.line(&format!("{} {}", step.version, counts.read));
            self.pause();
        }
    }
}

impl Acknowledged {
    /// So many lines of an import were acknowledged.
    pub fn lines(&self, lines: u64) {
        self.line(&lines.to_string());
        self.pause();
    }
}

/// How many lines of an import a file of [`Acknowledged`] says were acknowledged.
///
/// # Errors
/// When it cannot be read. A file that is not there acknowledges nothing.
pub fn acknowledged_lines(file: &Path) -> Result<u64> {
    let text = if file.exists() {
        std::fs::read_to_string(file)?
    } else {
        String::new()
    };
    Ok(text.lines().last().map_or(Ok(0), str::parse)?)
}

/// What a file of [`Acknowledged`] says at last: how many items of each version were acknowledged.
///
/// # Errors
/// When it cannot be read. A file that is not there acknowledges nothing.
pub fn acknowledged(file: &Path) -> Result<[u64; 2]> {
    let mut last = [0; 2];
    let text = if file.exists() {
        std::fs::read_to_string(file)?
    } else {
        String::new()
    };
    for line in text.lines() {
        let (version, read) = line
            .split_once(' ')
            .ok_or("an acknowledgement has two parts")?;
        let place = super::documents::VERSIONS
            .iter()
            .position(|known| *known == version);
        last[place.ok_or("an acknowledgement names one of the versions")?] = read.parse()?;
    }
    Ok(last)
}

/// Brings a store up to date; the exit code is that of the command line.
///
/// # Errors
/// What stopped it.
pub fn up(host: &Host, observer: &dyn Observer) -> Result<u8, HostError> {
    let reports = host.up(&Goal::default(), observer, &Control::default())?;
    let is_done = reports.iter().all(|report| report.open == 0);
    Ok(if is_done { 0 } else { 4 })
}

/// Brings a store up to date, whatever is in quarantine.
///
/// # Errors
/// What stopped it.
pub fn finish(host: &Host, observer: &dyn Observer) -> Result<(), HostError> {
    while up(host, observer)? != 0 {
        let mut items = Vec::new();
        host.quarantine(false, &mut |collection, id, _| {
            items.push((collection.clone(), id.to_owned()));
        })?;
        host.accept(&items)?;
    }
    Ok(())
}

/// Imports lines of version 1.0.0 into `items` of the app `append`.
///
/// # Errors
/// What stopped it.
pub fn import(
    url: &str,
    lines: &Path,
    batch_bytes: usize,
    acknowledge: &dyn Fn(u64),
) -> Result<()> {
    let host = Host::new(
        open(url, OpenMode::Create)?,
        no_plugins(),
        surroundings("import"),
    );
    let mut settings =
        ImportSettings::new("append".parse()?, "items".parse()?, Some("1.0.0".parse()?));
    settings.source = Some(Digest::of(lines.to_string_lossy().as_bytes()));
    settings.batch_bytes = batch_bytes;
    let mut lease = host.lease("import")?;
    let importer = Importer {
        store: host.store(),
        clock: &*host.surroundings().clock,
        settings: &settings,
        way_in: None,
        control: &Control::default(),
        observer: &|counts| acknowledge(counts.lines),
    };
    let report = importer.import(&mut lease, &mut BufReader::new(File::open(lines)?))?;
    lease.release(host.store())?;
    if report.counts.bad > 0 {
        Err("lines were bad".into())
    } else {
        Ok(())
    }
}

fn no_plugins() -> Catalogue {
    Catalogue::new()
}

/// The exit code of an error, as the command line has it.
pub fn exit_code(error: &HostError) -> u8 {
    match error.kind() {
        ErrorKind::Input => 2,
        ErrorKind::Findings => 3,
        ErrorKind::Plugin => 4,
        ErrorKind::Busy => 5,
        ErrorKind::Store => 6,
        ErrorKind::Stopped => 130,
        _ => 1,
    }
}

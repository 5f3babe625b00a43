//! How much memory a run takes: the peak must not grow with the number of items.
//!
//! The real command line imports made-up items and brings them up to date, or passes them through a pipe. While it does, the
//! anonymous memory of its process (`RssAnon`) is read every ten milliseconds; the high-water mark
//! of all that is resident (`VmHWM`) is printed beside it, which for LMDB is mostly its map: pages of
//! the disk's cache, which the kernel takes back whenever it needs them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use godwit::transfer::Generator;
use tempfile::TempDir;

use super::Result;
use super::godwit::Godwit;
use crate::made::{Order, rewrite};

/// How often memory is read.
const SAMPLE: Duration = Duration::from_millis(10);
/// About how many bytes an item has.
const ITEM_BYTES: u32 = 1_000;

/// What a process took at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Peak {
    /// Anonymous memory, in KiB.
    pub anonymous: u64,
    /// Everything that was resident, in KiB.
    pub resident: u64,
    /// How long it took.
    pub took: Duration,
    /// How often memory was read.
    pub samples: u64,
}

/// What an import and an `up` took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Peaks {
    /// The import.
    pub import: Peak,
    /// The run.
    pub up: Peak,
}

/// Imports so many items into a new store of a kind, and brings them up to date.
///
/// # Errors
/// When one of the commands fails.
pub fn measure(scheme: &str, items: u64) -> Result<Peaks> {
    let folder = TempDir::with_prefix("godwit-memory-")?;
    let godwit = Godwit::copy_to(folder.path(), &["append-2-0-0"])?;
    let lines = folder.path().join("items.ndjson");
    generate(&lines, items)?;
    let store = format!("{scheme}:{}", folder.path().join("store").display());
    let file = lines.to_string_lossy();
    let import = [
        "import",
        &file,
        "--collection",
        "items",
        "--app",
        "append",
        "--version",
        "1.0.0",
    ];
    let import = watch(&godwit, &store, &import)?;
    std::fs::remove_file(&lines)?;
    let up = watch(&godwit, &store, &["up"])?;
    Ok(Peaks { import, up })
}

/// Passes so many items through a migration, out of a file and into nothing.
///
/// # Errors
/// When the command fails.
pub fn measure_transform(items: u64) -> Result<Peak> {
    let folder = TempDir::with_prefix("godwit-memory-")?;
    let godwit = Godwit::copy_to(folder.path(), &[])?;
    let lines = folder.path().join("items.ndjson");
    generate(&lines, items)?;
    let order = Order::new("made", "2.0.0").step(rewrite("apply", "items"));
    let plugin = folder.path().join("made.wasm");
    std::fs::write(&plugin, order.file("columns-2-0-0"))?;
    let arguments = [
        "transform",
        &plugin.to_string_lossy(),
        &lines.to_string_lossy(),
    ];
    watch(&godwit, "memory:", &arguments)
}

fn generate(file: &Path, items: u64) -> Result<()> {
    const PAGE: u64 = 1_000;
    let generator = Generator::new(1, ITEM_BYTES);
    let mut out = BufWriter::new(File::create(file)?);
    let mut lines = Vec::new();
    for start in (0..items).step_by(PAGE as usize) {
        lines.clear();
        generator.lines(start..items.min(start + PAGE), &mut lines);
        out.write_all(&lines)?;
    }
    Ok(out.flush()?)
}

fn watch(godwit: &Godwit, store: &str, arguments: &[&str]) -> Result<Peak> {
    let start = Instant::now();
    let mut command = godwit.command(store, arguments);
    let mut child = command.arg("--quiet").stdin(Stdio::null()).spawn()?;
    let mut peak = Peak::default();
    let status = loop {
        sample(&child, &mut peak);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(SAMPLE);
    };
    peak.took = start.elapsed();
    if status.success() {
        Ok(peak)
    } else {
        Err(format!("{command:?} ended with {status}").into())
    }
}

/// Reads what a process takes now; one that has ended takes nothing.
fn sample(child: &Child, peak: &mut Peak) {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", child.id())) else {
        return;
    };
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_end_matches("kB").trim().parse::<u64>().ok()
    };
    peak.anonymous = peak.anonymous.max(kib("RssAnon:").unwrap_or(0));
    peak.resident = peak.resident.max(kib("VmHWM:").unwrap_or(0));
    peak.samples += 1;
}

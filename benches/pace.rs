//! Whether a run keeps the pace that it is told to keep, and what a paused one costs. Prints; asserts nothing.
//!
//! `cargo run --release -p godwit-benches --bin pace`

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use godwit::Request;
use godwit_tests::campaign::process::program;
use godwit_tests::world::guest;
use tempfile::TempDir;

/// Measure whether a run keeps its pace.
#[derive(Debug, Parser)]
struct Args {
    /// Look at each pace for so many seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Keep to so many items a second.
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
}

type Result<T> = godwit_tests::campaign::Result<T>;

/// The share of the time that a run is told to work.
const DUTY: u8 = 25;
/// Ticks of the processor's time in a second, as proc(5) counts them.
const TICKS: f64 = 100.0;

fn main() -> Result<()> {
    let Args { seconds, rate } = Args::parse();
    let folder = TempDir::with_prefix("godwit-pace-")?;
    let time = Duration::from_secs(seconds);
    let items = u64::from(rate) * (seconds + 30);
    let run = Run::start(folder.path(), items.max(400_000), rate)?;

    let (before, began) = (run.read()?, Instant::now());
    std::thread::sleep(time);
    let (read, took) = (run.read()? - before, began.elapsed().as_secs_f64());
    let found = read as f64 / took;
    let ratio = found / f64::from(rate);
    println!(
        "{rate} items a second asked for, {found:.0} kept: {ratio:.3} of it, over {took:.0} s"
    );

    run.ask(Request::Pause)?;
    std::thread::sleep(Duration::from_secs(1));
    let before = run.read()?;
    let share = run.share(time)?;
    let read = run.read()? - before;
    println!(
        "paused: {:.2} % of a core, {read} items read, over {seconds} s",
        share * 100.0
    );

    run.ask(Request::Resume)?;
    run.ask(Request::Throttle {
        items_per_second: None,
        duty: Some(DUTY),
        rest: 0,
    })?;
    let busy = run.share(time.min(Duration::from_secs(5)))?;
    println!(
        "at work for {DUTY} % of the time, on as many threads as cores: {:.0} % of a core",
        busy * 100.0
    );
    // It may have come to its end by now.
    let _ = run.ask(Request::Cancel);
    Ok(())
}

/// A run that is under way.
struct Run {
    child: Child,
    store: std::path::PathBuf,
}

impl Run {
    fn start(folder: &Path, items: u64, rate: u32) -> Result<Self> {
        let godwit = program("godwit")?;
        let (store, plugins) = (folder.join("store"), folder.join("plugins"));
        std::fs::create_dir(&plugins)?;
        std::fs::copy(guest("append-2-0-0"), plugins.join("append.wasm"))?;
        let lines = folder.join("items.ndjson");
        let url = format!("lmdb:{}", store.display());
        let command = |arguments: &[&str]| {
            let mut command = Command::new(&godwit);
            command
                .args(arguments)
                .args(["--quiet", "--store", &url, "--plugins"])
                .arg(&plugins)
                .env_remove("GODWIT_CONFIG")
                .stdout(Stdio::null());
            command
        };
        let file = lines.display().to_string();
        let count = items.to_string();
        let made = command(&["generate", "-c", &count, "--size", "300", "-o", &file]).status()?;
        let import = [
            "import",
            "--app",
            "append",
            "--collection",
            "items",
            "--version",
            "1.0.0",
            &file,
        ];
        let imported = command(&import).status()?;
        if !made.success() || !imported.success() {
            return Err("the store cannot be made".into());
        }
        let rate = rate.to_string();
        let child = command(&["up", "--items-per-second", &rate]).spawn()?;
        let run = Self { child, store };
        // Until it listens.
        while run.ask(Request::Progress).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_secs(2));
        Ok(run)
    }

    fn ask(&self, request: Request) -> Result<godwit::Answer> {
        Ok(request.send(&self.store)?)
    }

    fn read(&self) -> Result<u64> {
        let progress = self.ask(Request::Progress)?.progress;
        Ok(progress.ok_or("it is at its end")?.read)
    }

    /// How much of one core it takes over a while.
    fn share(&self, time: Duration) -> Result<f64> {
        let (before, began) = (self.ticks()?, Instant::now());
        std::thread::sleep(time);
        let ticks = self.ticks()? - before;
        Ok(ticks as f64 / TICKS / began.elapsed().as_secs_f64())
    }

    /// The processor's time that it has taken, user's and system's: fields 14 and 15 of proc(5)'s stat.
    fn ticks(&self) -> Result<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, rest) = stat.rsplit_once(") ").ok_or("it has no name")?;
        let mut fields = rest.split(' ').skip(11);
        let mut next = || fields.next().and_then(|field| field.parse::<u64>().ok());
        Ok(next().unwrap_or_default() + next().unwrap_or_default())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

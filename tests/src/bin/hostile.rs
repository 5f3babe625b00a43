//! Runs every hostile guest in a process of its own, and prints what became of each; see
//! `godwit_tests::hostile`.
//!
//! `cargo run -p godwit-tests --bin hostile -- --rounds 10`; exits with 1 if the host did not do
//! what is expected of it, or did not live, or took too much memory.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use godwit_hostile::{GUESTS, Guest};
use godwit_tests::campaign::Result;
use godwit_tests::hostile::child::{try_apart, try_here};
use godwit_tests::hostile::table::Table;

/// Run every hostile guest in a process of its own.
#[derive(Debug, Parser)]
struct Args {
    /// How often each is run.
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    /// How many are run at the same time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// Only guests with this in their names.
    #[arg(long, default_value = "")]
    only: String,
    /// Write the guests' files into this folder instead of running them.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Run one guest in this process, with this cache: what each process is started with.
    #[arg(long, hide = true, num_args = 2, value_names = ["GUEST", "CACHE"])]
    here: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<bool> {
    if let [name, cache] = &args.here[..] {
        let guest = Guest::named(name).ok_or("there is no such guest")?;
        try_here(guest, Path::new(cache))?;
        return Ok(true);
    }
    let guests = GUESTS
        .iter()
        .filter(|guest| guest.name.contains(&args.only));
    let guests: Vec<_> = guests.collect();
    if guests.is_empty() {
        return Err(format!("no guest has `{}` in its name", args.only).into());
    }
    if let Some(folder) = &args.write {
        for guest in guests {
            std::fs::write(folder.join(guest.name).with_extension("wasm"), guest.file())?;
        }
        return Ok(true);
    }
    run_rounds(args, &guests)
}

/// Runs every guest in every round, several at the same time. What compiles is compiled once.
fn run_rounds(args: &Args, guests: &[&Guest]) -> Result<bool> {
    let cache = tempfile::TempDir::with_prefix("godwit-hostile-")?;
    let rounds = (0..args.rounds).flat_map(|_| guests);
    let (queue, table) = (Mutex::new(rounds), Mutex::new(Table::new()));
    let work = || -> Result<()> {
        while let Some(guest) = next(&queue) {
            let ended = try_apart(guest, cache.path())?;
            table.lock().expect("nobody panicked").add(guest, &ended);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..args.jobs).map(|_| scope.spawn(work)).collect();
        jobs.into_iter()
            .try_for_each(|job| job.join().expect("nobody panicked"))
    })?;
    Ok(table.into_inner().expect("nobody panicked").finish())
}

fn next<'g>(queue: &Mutex<impl Iterator<Item = &'g &'g Guest>>) -> Option<&'g Guest> {
    queue.lock().expect("nobody panicked").next().copied()
}

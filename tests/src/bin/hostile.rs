//! Runs every hostile guest in a process of its own, and prints what became of each; see
//! `godwit_tests::hostile`.
//!
//! `cargo run -p godwit-tests --bin hostile -- --rounds 10`; exits with 1 if the host did not do
//! what is expected of it, or did not live, or took too much memory.

use std::path::PathBuf;
use std::process::ExitCode;

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
    /// Only guests with this in their names.
    #[arg(long, default_value = "")]
    only: String,
    /// Write the guests' files into this folder instead of running them.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Run one guest in this process: what each process is started with.
    #[arg(long, hide = true)]
    here: Option<String>,
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
    if let Some(name) = &args.here {
        let guest = Guest::named(name).ok_or("there is no such guest")?;
        try_here(guest)?;
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
    let mut table = Table::new();
    for _ in 0..args.rounds {
        for guest in &guests {
            table.add(guest, &try_apart(guest)?);
        }
    }
    Ok(table.finish())
}

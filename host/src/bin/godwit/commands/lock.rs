//! `godwit lock`

use std::path::{Path, PathBuf};

use godwit::catalogue::{Catalogue, Lock};

use super::pack::write;
use super::read_text;
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

/// Write down which migrations there are, so that `godwit up --locked` takes these and no others.
///
/// The lock names app, version, SHA-256 and contract of each, and the Godwit that was used. Keep it beside the migrations
/// once they are tested; `godwit rehearse --lock` writes it when a rehearsal went well.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit lock --plugins migrations
  godwit lock --check")]
pub struct Args {
    /// Write to, or read from, this file.
    #[arg(long, value_name = "FILE", default_value = NAME)]
    file: PathBuf,
    /// Write nothing: say in which ways the migrations are not what was locked.
    #[arg(long)]
    check: bool,
}

/// The file that is meant where none is named.
pub const NAME: &str = "godwit.lock";

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let catalogue = context.catalogue()?;
    if let Some(rejected) = catalogue.rejected().first() {
        let reason = godwit::with_causes(&rejected.reason);
        let message = format!("{} is no migration: {reason}", rejected.file.display());
        return Err(Failure::input(
            message,
            "mend it, or take it out of the folder",
        ));
    }
    if args.check {
        check(&args.file, &catalogue)?;
        if !context.json {
            output::line("the migrations are those of the lock");
        }
        return Ok(Code::Done);
    }
    let lock = write_lock(&args.file, &catalogue)?;
    if context.json {
        output::json(&lock);
    } else {
        let migrations = output::counted(lock.migrations.len() as u64, "migration");
        output::line(format!("{}: {migrations}", args.file.display()));
    }
    Ok(Code::Done)
}

/// Locks the migrations.
pub fn write_lock(file: &Path, catalogue: &Catalogue) -> Result<Lock, Failure> {
    let lock = Lock::of(catalogue);
    let text = toml::to_string(&lock).expect("locks have string keys");
    let text = format!(
        "# Written by `godwit lock`; `godwit up --locked` takes these migrations and no others.\n{text}"
    );
    write(file, text.as_bytes())?;
    Ok(lock)
}

/// Holds the migrations to a lock.
///
/// # Errors
/// With what is different.
pub fn check(file: &Path, catalogue: &Catalogue) -> Result<(), Failure> {
    let text = read_text(file, "`godwit lock` writes one")?;
    let lock: Lock = toml::from_str(&text).map_err(|error| {
        let message = format!("{} is no lock: {error}", file.display());
        Failure::input(message.trim_end(), "`godwit lock` writes one anew")
    })?;
    let findings = lock.check(catalogue);
    if findings.is_empty() {
        return Ok(());
    }
    let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let hint = "run what was tested; or test what is there, with `godwit rehearse --lock`";
    Err(Failure::other(Code::Findings, told.join("; "), hint))
}

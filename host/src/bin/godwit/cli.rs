//! What can be typed.

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Args, Parser, Subcommand};

use crate::commands;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    a fault of Godwit itself
  2    bad input: a flag, a file, a name, a version
  3    nothing was planned: a finding has to be decided first
  4    a migration failed items, or is at fault itself; lines of an import were bad
  5    somebody else works on the store
  6    the store failed: its disk, its files, its format
  130  stopped on request; nothing is lost, the same command goes on

`godwit.toml` in the current folder (or --config FILE) may name the store and the plugins;
GODWIT_STORE and GODWIT_PLUGINS override it, flags override both. Compiled plugins are kept in the
user's cache folder, or where GODWIT_CACHE says (`none`: nowhere). GODWIT_LOG=debug traces what
happens inside to standard error.";

/// Bring stored documents from one version of an application to the next.
#[derive(Debug, Parser)]
#[command(name = "godwit", version, styles = STYLES, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub shared: Shared,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Shared {
    /// Use this store: lmdb:PATH, sled:PATH, postgres://HOST/DATABASE, memory:, or a PATH (what it is; new ones are LMDB).
    #[arg(long, global = true, env = "GODWIT_STORE", value_name = "URL")]
    pub store: Option<String>,
    /// Take the migrations (.wasm and .json) from this folder.
    #[arg(long, global = true, env = "GODWIT_PLUGINS", value_name = "FOLDER")]
    pub plugins: Option<PathBuf>,
    /// Read this configuration file instead of ./godwit.toml.
    #[arg(long, global = true, env = "GODWIT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print results only, no progress.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

// What each does stands at its arguments, since a line here would hide the help there.
#[derive(Debug, Subcommand)]
pub enum Command {
    Import(commands::import::Args),
    Export(commands::export::Args),
    Inspect(commands::inspect::Args),
    Plan(commands::plan::Args),
    Up(commands::up::Args),
    Worker(commands::worker::Args),
    Status(commands::status::Args),
    Progress(commands::progress::Args),
    Pause(commands::direct::Pause),
    Resume(commands::direct::Resume),
    Cancel(commands::direct::Cancel),
    Throttle(commands::direct::Throttle),
    Batch(commands::direct::Batch),
    History(commands::history::Args),
    Runs(commands::runs::Args),
    Get(commands::get::Args),
    Put(commands::put::Put),
    Delete(commands::put::Delete),
    /// Deal with items that failed.
    #[command(subcommand)]
    Quarantine(commands::quarantine::Verb),
    Undo(commands::undo::Args),
    Down(commands::down::Args),
    Stats(commands::shadow::Stats),
    Finalize(commands::shadow::Finalize),
    Reset(commands::shadow::Reset),
    /// Make backups of the store, and put them in its place.
    #[command(subcommand)]
    Backup(commands::backup::Verb),
    Verify(commands::verify::Args),
    Digest(commands::digest::Args),
    Prune(commands::prune::Args),
    Baseline(commands::baseline::Args),
    Repair(commands::repair::Args),
    Rehearse(commands::rehearse::Args),
    Lock(commands::lock::Args),
    /// Look after the compiled components that are kept.
    #[command(subcommand)]
    Cache(commands::cache::Verb),
    New(commands::new::Args),
    Build(commands::build::Args),
    Test(commands::test::Args),
    Check(commands::check::Args),
    Pack(commands::pack::Args),
    Transform(commands::transform::Args),
    Bindgen(commands::bindgen::Args),
    Bench(commands::bench::Args),
    Serve(commands::serve::Args),
    Generate(commands::generate::Args),
    Completions(commands::completions::Args),
    /// Compile a component for the process that started this one.
    #[command(hide = true)]
    Compiler,
}

impl Command {
    /// Whether it is to tell where time goes.
    pub fn has_timings(&self) -> bool {
        matches!(self, Self::Up(args) if args.timings)
    }
}

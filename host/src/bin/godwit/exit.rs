//! How a command ends: its exit code, and what an error says.

use std::process::ExitCode;

use godwit::model::{Purpose, Run};
use godwit::plan::{Finding, Severity};
use godwit::run::RunError;
use godwit::store::{BackupError, LeaseError, OpenMode, StoreError};
use godwit::{ErrorKind, HostError};

use crate::commands::up::{safety::goes_back, way_past};
use crate::context::Context;
use crate::output;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    Done,
    Internal,
    Input,
    Findings,
    Migration,
    Busy,
    Store,
    Stopped,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(match code {
            Code::Done => 0,
            Code::Internal => 1,
            Code::Input => 2,
            Code::Findings => 3,
            Code::Migration => 4,
            Code::Busy => 5,
            Code::Store => 6,
            Code::Stopped => 130,
        })
    }
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The library could not do it.
    Host(HostError),
    /// The library could not carry out a run, or not to its end.
    Run {
        /// Why.
        error: HostError,
        /// The run, as the store has it.
        run: Box<Run>,
        /// All runs: others may have to be taken back before it.
        runs: Vec<Run>,
    },
    /// A run is in the way; the hint says what leads past it.
    InTheWay { error: HostError, hint: String },
    /// What was typed or named makes no sense; what is wrong, and what to do.
    Input { message: String, hint: String },
    /// Something of the command's own failed.
    Other {
        code: Code,
        message: String,
        hint: String,
    },
}

impl Failure {
    /// Bad input, with what to do about it.
    pub fn input(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Input {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// A failure of the command's own.
    pub fn other(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Other {
            code,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The same; where a run is in the way, with what the store says of all runs: others may have to be taken back before it.
    pub fn among_runs(self, context: &Context) -> Self {
        let Self::Host(error) = self else { return self };
        let Some(run) = run_in_the_way(&error) else {
            return Self::Host(error);
        };
        let runs = context.store(OpenMode::Existing).ok();
        // A store that cannot be read any more says nothing of its runs.
        let runs = runs.and_then(|store| store.runs().ok()).unwrap_or_default();
        let hint = way_past(run, &runs);
        Self::InTheWay { error, hint }
    }

    pub fn code(&self) -> Code {
        match self {
            Self::Host(error) | Self::Run { error, .. } | Self::InTheWay { error, .. } => {
                match error.kind() {
                    ErrorKind::Input => Code::Input,
                    ErrorKind::Findings => Code::Findings,
                    ErrorKind::Plugin => Code::Migration,
                    ErrorKind::Busy => Code::Busy,
                    ErrorKind::Store => Code::Store,
                    ErrorKind::Stopped => Code::Stopped,
                    // Internal, or a kind that came later.
                    _ => Code::Internal,
                }
            }
            Self::Input { .. } => Code::Input,
            Self::Other { code, .. } => *code,
        }
    }

    /// Says on standard error what went wrong, and what to do next.
    pub fn report(&self) {
        match self {
            Self::Host(HostError::Refused(findings)) => report_findings(findings),
            Self::Host(error) => {
                output::error(&chain(error));
                output::hint(&hint(error));
            }
            Self::Run { error, run, runs } => {
                output::error(&chain(error));
                output::hint(&hint_of(error, run));
                if let Some(back) = goes_back(run, runs) {
                    output::hint(&back);
                }
            }
            Self::InTheWay { error, hint } => {
                output::error(&chain(error));
                output::hint(hint);
            }
            Self::Input { message, hint } | Self::Other { message, hint, .. } => {
                output::error(message);
                output::hint(hint);
            }
        }
    }

    /// What went wrong, in a line.
    pub fn message(&self) -> String {
        match self {
            Self::Host(error) | Self::Run { error, .. } | Self::InTheWay { error, .. } => {
                chain(error)
            }
            Self::Input { message, .. } | Self::Other { message, .. } => message.clone(),
        }
    }

    /// Says on standard output, for programs, what went wrong.
    pub fn report_json(&self) {
        let value = match self {
            Self::Host(HostError::Refused(findings)) => {
                serde_json::json!({ "error": "nothing was planned", "findings": findings })
            }
            Self::Host(error) => serde_json::json!({ "error": chain(error), "hint": hint(error) }),
            Self::InTheWay { error, hint } => {
                serde_json::json!({ "error": chain(error), "hint": hint })
            }
            Self::Run { error, run, runs } => {
                let retreat = run.retreat_among(runs).map(|way| way.to_string());
                let mut told = serde_json::json!({
                    "error": chain(error),
                    "hint": hint_of(error, run),
                    "run": run.id,
                    "retreat": retreat,
                });
                if let Some(restore) = run.restore() {
                    told["restore"] = restore.into();
                }
                told
            }
            Self::Input { message, hint } | Self::Other { message, hint, .. } => {
                serde_json::json!({ "error": message, "hint": hint })
            }
        };
        output::json(&value);
    }
}

impl<E: Into<HostError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Host(error.into())
    }
}

/// An error and its causes on one line, for people.
pub fn chain(error: &dyn std::error::Error) -> String {
    output::without_frames(&godwit::with_causes(error))
}

/// Says on standard error which findings have to be decided.
pub fn report_findings(findings: &[Finding]) {
    for finding in findings {
        output::finding(finding);
    }
    let refused = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Refused)
        .count();
    output::error(&match refused {
        0 => "nothing was planned: what is pending waits for the other phase".to_owned(),
        1 => "nothing was planned: 1 finding to decide first".to_owned(),
        _ => format!("nothing was planned: {refused} findings to decide first"),
    });
}

/// What to do about an error that has no hint of its own yet.
const AGAIN: &str = "give the same command again; if it fails the same way, please report it";

/// What to do about an error.
fn hint(error: &HostError) -> String {
    match error {
        HostError::Refused(_) => String::new(),
        HostError::Lease(error) => of_lease(error),
        HostError::Store(error) => of_store(error),
        HostError::Run(error) => of_run(error),
        HostError::Folder(_) => "check the path given by --plugins".to_owned(),
        HostError::NoRun(_) => "`godwit runs` lists the runs".to_owned(),
        HostError::NoItem { .. } => "check the collection and the id".to_owned(),
        HostError::Backup(error) => of_backup(error),
        HostError::BackupFirst(error) => format!(
            "{}; or do without a backup: `--backup never`",
            of_backup(error)
        ),
        HostError::NoPlaceForBackup { .. } => {
            "name a folder: `backups` in godwit.toml; or do without a backup: `--backup never`"
                .to_owned()
        }
        HostError::Repair { .. } => "`godwit history` shows what was applied".to_owned(),
        HostError::NoCollection(_) => "`godwit status` lists the collections".to_owned(),
        HostError::Verify { .. } => "mend the plugin; `godwit inspect FILE` shows more".to_owned(),
        HostError::NotInQuarantine { .. } => "`godwit quarantine list` lists the items".to_owned(),
        HostError::Down { .. } => {
            "nothing was changed; `godwit runs` shows which runs can be undone, without the \
             migrations' help"
                .to_owned()
        }
        HostError::ShadowUnderWay => "`godwit stats` tells how far it is".to_owned(),
        HostError::NoShadow => "`godwit status` tells what there is".to_owned(),
        HostError::OtherShadow { .. } => "`godwit stats` tells what it is for".to_owned(),
        HostError::ShutDown => "give the same command again".to_owned(),
        HostError::OutsideShadow { .. } => "take its file away until the shadow run is live, or begin \
             again: `godwit reset`, then `godwit up --shadow`"
            .to_owned(),
        HostError::NotBroughtUp { .. } => "`godwit up` brings items up to date; `godwit quarantine \
             list` names those that failed"
            .to_owned(),
        HostError::ApplicationBehind { .. } => {
            "nothing was written; use a newer version of the application".to_owned()
        }
        HostError::Unfinished(run) => way_past(run, &[]),
        HostError::RunInTheWay { run, .. } => way_past(run, &[]),
        HostError::BadItem { .. } => "nothing was written; mend it and try again".to_owned(),
        HostError::TooNew { .. } => "nothing was written; give the version whose shape it has, or add the \
             migrations that lead there to the plugins; `--as-is` takes it all the same, and `godwit \
             up` refuses then until it is replaced or deleted"
            .to_owned(),
        HostError::Baseline { .. } => "`godwit status` shows the versions of the apps".to_owned(),
        _ => AGAIN.to_owned(),
    }
}

/// The run that keeps something from being done.
fn run_in_the_way(error: &HostError) -> Option<&Run> {
    match error {
        HostError::Unfinished(run)
        | HostError::RunInTheWay { run, .. }
        | HostError::Run(RunError::NotPrunable(run)) => Some(run),
        _ => None,
    }
}

/// What to do about an error that a run has ended with.
fn hint_of(error: &HostError, run: &Run) -> String {
    let hint = hint(error);
    match error {
        // Nothing is tried out while a shadow run is under way.
        HostError::Run(RunError::TooManyFailures { .. }) if run.purpose != Purpose::Shadow => {
            format!("`godwit up --dry-run` names every item that would fail; {hint}")
        }
        _ => hint,
    }
}

fn of_lease(error: &LeaseError) -> String {
    match error {
        LeaseError::Held { expires_in, .. } => format!(
            "wait until it is done; if it died on another machine, its lease ends by itself in {}",
            output::duration(*expires_in)
        ),
        LeaseError::Lost { .. } | LeaseError::Written => {
            "nothing of this batch was changed; once the other is done, the same command goes on"
                .to_owned()
        }
        LeaseError::Store(error) => of_store(error),
        _ => AGAIN.to_owned(),
    }
}

fn of_backup(error: &BackupError) -> String {
    match error {
        BackupError::Damaged { .. } => {
            "use another backup; `godwit backup list` names them".to_owned()
        }
        BackupError::NewerFormat { .. } => "use the Godwit that made it, or a newer one".to_owned(),
        BackupError::Failed { .. } => "check the path, and the room on its disk".to_owned(),
        BackupError::Exists(_) => "name another file".to_owned(),
        BackupError::Missing(_) => {
            "check the path; `godwit backup list` names the backups in the folder of backups"
                .to_owned()
        }
        BackupError::NoFolder(_) => "make the folder first, or name another one".to_owned(),
        BackupError::StoreOpen(_) => {
            "a server, or an application with Godwit in it, would go on with what was \
             there before"
                .to_owned()
        }
        BackupError::Stopped => "nothing was left behind; give the same command again".to_owned(),
        BackupError::Lease(error) => of_lease(error),
        BackupError::Store(error) => of_store(error),
        _ => AGAIN.to_owned(),
    }
}

fn of_store(error: &StoreError) -> String {
    match error {
        StoreError::Conflict { .. } | StoreError::Switched { .. } => "try again".to_owned(),
        StoreError::Missing { .. } => {
            "check the path; `godwit import --store PATH …` makes a new store".to_owned()
        }
        StoreError::NotAStore { .. } => "name the folder of a store, or a new folder".to_owned(),
        StoreError::BadUrl { .. } => {
            "use lmdb:PATH, sled:PATH, postgres://…, memory: or a PATH".to_owned()
        }
        StoreError::Table { .. } => "change the table, or [tables] in godwit.toml".to_owned(),
        StoreError::InUse { .. } => "wait until the other process is done with it".to_owned(),
        StoreError::NewerFormat { .. } => "use the Godwit that wrote it, or a newer one".to_owned(),
        StoreError::Damaged { .. } => {
            "restore the store from a backup, and keep this one".to_owned()
        }
        StoreError::Full { .. } => "make room on the disk; the same command goes on".to_owned(),
        StoreError::BadKey { .. } => "use shorter ids".to_owned(),
        StoreError::TooLarge { .. } => {
            "use an LMDB store, which takes larger ones, or make the documents smaller".to_owned()
        }
        StoreError::Failed { .. } | StoreError::Poisoned { .. } => {
            "look after the disk, or the server; then give the same command again: it goes on"
                .to_owned()
        }
        _ => AGAIN.to_owned(),
    }
}

fn of_run(error: &RunError) -> String {
    match error {
        RunError::Lease(error) => of_lease(error),
        RunError::Store(error) => of_store(error),
        RunError::MissingMigration { .. } => {
            "put the file back among the plugins, then the same command goes on".to_owned()
        }
        RunError::Load { .. } => "mend the plugin; `godwit inspect FILE` shows more".to_owned(),
        RunError::TooManyFailures { .. } => {
            "mend the migration and begin again from before the run, or allow more: the same \
             command with `--max-failures N` goes on"
                .to_owned()
        }
        RunError::ItemFailed { .. } => "mend the migration or the item, then the same command \
             goes on; `--on-failure quarantine` leaves such items aside"
            .to_owned(),
        RunError::NoWayBack { .. } => {
            "`godwit down --dry-run` names every item that has none. Mend it and `godwit down` \
             again goes on"
                .to_owned()
        }
        RunError::ForeignCollection { .. } => {
            "let the migration write a collection of its own app".to_owned()
        }
        RunError::NoRun(_) => "`godwit runs` lists the runs".to_owned(),
        RunError::NotUndoable { .. } => "`godwit runs` shows the states of the runs".to_owned(),
        RunError::NotPrunable(run) => way_past(run, &[]),
        RunError::ChangedSince { run, .. } => format!(
            "nothing was undone; `godwit undo {run} --leave-changed` leaves these items as they are"
        ),
        RunError::NotInQuarantine { .. } => "`godwit quarantine list` lists the items".to_owned(),
        RunError::Worker(_) => "this is a fault of Godwit: please report it".to_owned(),
        _ => AGAIN.to_owned(),
    }
}

//! What takes back a run: its pre-images, a backup that is made first. What is asked for, and what is told of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use godwit::blocking::Host;
use godwit::model::{Purpose, Retreat, Run, RunId};
use godwit::run::{Observer, RunEvent};
use godwit::{BackupFirst, BackupWhen, HostError};

use crate::archive::{Meter, Unit};
use crate::commands::backup;
use crate::context::Context;
use crate::exit::Failure;
use crate::output;

/// What is to take back a run.
#[derive(Debug, clap::Args)]
pub struct SafetyArgs {
    /// Back up the store before the run. `auto` does so where nothing else would take it back: without pre-images. [default:
    /// auto]
    #[arg(long, value_name = "always|never|auto")]
    backup: Option<BackupWhen>,
    /// Keep no pre-images: every replaced document is written once instead of twice, and the run cannot be undone.
    #[arg(long, overrides_with = "pre_images")]
    no_pre_images: bool,
    /// Keep pre-images, whatever godwit.toml says.
    #[arg(long, overrides_with = "no_pre_images")]
    pre_images: bool,
}

impl SafetyArgs {
    /// Sets what is to take back the run that is about to begin.
    pub fn apply(&self, host: &mut Host, context: &Context) -> Result<(), Failure> {
        let config = &context.config.run;
        host.options.pre_images = match (self.no_pre_images, self.pre_images) {
            (true, _) => false,
            (_, true) => true,
            _ => config.pre_images.unwrap_or(true),
        };
        let configured = config.backup.as_deref().map(str::parse).transpose();
        let configured = configured.map_err(|error: String| {
            Failure::input(format!("backup: {error}"), "see [run] in godwit.toml")
        })?;
        // A store in memory may have no folder for it; that is said where one is needed.
        host.backup_first = BackupFirst {
            when: self.backup.or(configured).unwrap_or_default(),
            file: None,
            folder: backup::folder(context).ok(),
        };
        Ok(())
    }

    /// Says what cannot be had any more of a run that was begun before.
    pub fn remark(&self, run: &Run) {
        let id = run.id;
        if self.no_pre_images && run.keeps_pre_images {
            output::warning(&format!(
                "run {id} was begun with pre-images, and goes on with them"
            ));
        }
        if self.pre_images && !run.keeps_pre_images {
            output::warning(&format!(
                "run {id} was begun without pre-images, and goes on without"
            ));
        }
        if self.backup == Some(BackupWhen::Always) && run.backup.is_none() {
            output::warning(&format!(
                "run {id} was begun without a backup, and none is made while it goes on"
            ));
        }
    }
}

/// Tells of the backup before a run, or why there is none.
pub struct Safety {
    /// There while a backup is made.
    meter: Mutex<Option<Meter>>,
    quiet: bool,
}

impl Safety {
    pub fn new(quiet: bool) -> Self {
        let meter = Mutex::default();
        Self { meter, quiet }
    }

    fn meter(&self) -> MutexGuard<'_, Option<Meter>> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            output::note(text);
        }
    }
}

impl Observer for Safety {
    fn event(&self, event: &RunEvent) {
        match event {
            RunEvent::BackingUp { entries, .. } => {
                let begin = || Meter::new("backup".to_owned(), None, Unit::Items, self.quiet);
                self.meter()
                    .get_or_insert_with(begin)
                    .at(*entries, *entries);
            }
            RunEvent::BackedUp {
                file,
                manifest,
                why,
            } => {
                if let Some(meter) = self.meter().take() {
                    meter.finish();
                }
                let (file, summary) = (file.display(), backup::summary(manifest));
                self.say(&format!("backup {file}: {summary}; {why}"));
            }
            RunEvent::Started {
                run,
                resumed: false,
            } if run.purpose == Purpose::Up && run.backup.is_none() => match run.retreat() {
                Some(way) => {
                    let id = run.id;
                    self.say(&format!(
                        "no backup: run {id} keeps pre-images, `{way}` puts everything back"
                    ));
                }
                None => output::warning(&format!(
                    "run {} keeps no pre-images, and no backup was made: nothing takes it back",
                    run.id
                )),
            },
            _ => {}
        }
    }
}

/// What goes back to before a run, for people: the one command, where there are these runs.
pub fn goes_back(run: &Run, runs: &[Run]) -> Option<String> {
    Some(match run.retreat_among(runs)? {
        undo @ (Retreat::Undo(_) | Retreat::InOrder(_)) => format!("`{undo}` goes back"),
        restore @ Retreat::Restore(_) => format!(
            "`{restore}` puts the whole store back as it was before run {}",
            run.id
        ),
        reset @ Retreat::Reset => format!("`{reset}` drops it; what is live stays as it is"),
    })
}

/// Remembers which run was started, or gone on with, last.
#[derive(Default)]
pub struct Begun(Mutex<Option<RunId>>);

impl Observer for Begun {
    fn event(&self, event: &RunEvent) {
        if let RunEvent::Started { run, .. } = event {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.id);
        }
    }
}

/// The failure of a run, with what takes it back from where it has stopped; where none was begun, of anything else.
pub fn failed(host: &Host, error: HostError, begun: &Begun) -> Failure {
    let begun = *begun.0.lock().unwrap_or_else(PoisonError::into_inner);
    let is_of_run = matches!(error, HostError::Run(_) | HostError::Store(_));
    // Where the store cannot be read, what it has recorded cannot be told.
    let runs = begun.filter(|_| is_of_run);
    let runs = runs.and_then(|_| host.store().runs().ok());
    let runs = runs.unwrap_or_default();
    let run = runs.iter().find(|run| Some(run.id) == begun);
    match run.filter(|run| run.state.is_unfinished()) {
        Some(run) => Failure::Run {
            error,
            run: Box::new(run.clone()),
            runs,
        },
        None => error.into(),
    }
}

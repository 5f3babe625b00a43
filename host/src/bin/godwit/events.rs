//! What happens in a run, for programs: a line of JSON for each event.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use godwit::model::Clock;
use godwit::run::{Observer, RunEvent};

use crate::exit::Failure;
use crate::output;

/// Writes events, each as soon as it happens.
pub struct Events {
    clock: Arc<dyn Clock>,
    out: Mutex<Out>,
}

enum Out {
    Stdout,
    File(File, PathBuf),
    /// It could not be written to; that was said.
    Lost,
}

impl Events {
    /// Appends to a file, or where it is `-`, to standard output.
    pub fn open(file: &Path, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let out = if is_stdout(file) {
            Out::Stdout
        } else {
            let opened = OpenOptions::new().append(true).create(true).open(file);
            let opened = opened.map_err(|error| {
                let message = format!("{} cannot be written: {error}", file.display());
                Failure::input(message, "check the path given by --events")
            })?;
            Out::File(opened, file.to_owned())
        };
        let out = Mutex::new(out);
        Ok(Self { clock, out })
    }
}

/// Whether events have standard output for themselves, so that nothing is told to people there. What `--json` tells is for
/// programs, as they are.
pub fn are_alone(file: Option<&Path>, json: bool) -> bool {
    !json && file.is_some_and(is_stdout)
}

fn is_stdout(file: &Path) -> bool {
    file.as_os_str() == "-"
}

impl Observer for Events {
    fn event(&self, event: &RunEvent) {
        let Some(told) = event.to_json(self.clock.now()) else {
            return;
        };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *out {
            Out::Stdout => output::json_line(&told),
            Out::File(file, path) => {
                if let Err(error) = file.write_all(format!("{told}\n").as_bytes()) {
                    output::warning(&format!(
                        "{} cannot be written any more ({error}); the run goes on",
                        path.display()
                    ));
                    *out = Out::Lost;
                }
            }
            Out::Lost => {}
        }
    }
}

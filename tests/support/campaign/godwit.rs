//! The real command line, as a campaign gives commands.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Result;
use super::process::{self, Ended, Moment};
use crate::world;

/// The kinds of stores that lie in a folder.
pub const SCHEMES: [&str; 2] = ["lmdb", "sled"];

/// A copy of the program and of two guests that append their version, which nobody rebuilds while a
/// campaign goes on.
#[derive(Debug, Clone)]
pub struct Godwit {
    program: PathBuf,
    plugins: PathBuf,
}

impl Godwit {
    /// Copies what is needed into a folder, and has the guests compiled: how long commands take is measured soon.
    ///
    /// # Errors
    /// When something is not built.
    pub fn copy_to(folder: &Path, guests: &[&str]) -> Result<Self> {
        let this = Self {
            program: folder.join("godwit"),
            plugins: folder.join("plugins"),
        };
        std::fs::copy(process::program("godwit")?, &this.program)?;
        std::fs::create_dir_all(&this.plugins)?;
        for guest in guests {
            std::fs::copy(
                world::guest(guest),
                this.plugins.join(format!("{guest}.wasm")),
            )?;
        }
        let ended = this.run("memory:", &["plan"], Moment::Never)?;
        match ended.code {
            Some(0) => Ok(this),
            code => Err(format!(
                "the guests cannot be planned with: {code:?}: {}",
                ended.said
            )
            .into()),
        }
    }

    /// The folder of the guests.
    pub fn plugins(&self) -> &Path {
        &self.plugins
    }

    /// A command on a store.
    pub fn command(&self, store: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .args(["--store", store])
            .arg("--plugins")
            .arg(&self.plugins);
        for variable in ["GODWIT_STORE", "GODWIT_PLUGINS", "GODWIT_CONFIG"] {
            command.env_remove(variable);
        }
        command.env("GODWIT_CACHE", self.plugins.with_file_name("cache"));
        command.stdout(Stdio::null());
        command
    }

    /// Gives a command, and kills it when the moment has come.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, store: &str, arguments: &[&str], moment: Moment) -> Result<Ended> {
        process::run(&mut self.command(store, arguments), moment)
    }
}

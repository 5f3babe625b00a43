//! The programs that build: found, started, heard.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process;

use crate::exit::{Code, Failure};
use crate::output;
use crate::project::Project;

/// A program with its arguments.
#[derive(Debug, Clone)]
pub struct Command {
    program: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    removed: Vec<&'static str>,
    hint: Option<&'static str>,
}

impl Command {
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            variables: Vec::new(),
            removed: Vec::new(),
            hint: None,
        }
    }

    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub fn arguments<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter();
        self.arguments
            .extend(arguments.map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Leaves a variable of the environment out.
    pub fn without(mut self, name: &'static str) -> Self {
        self.removed.push(name);
        self
    }

    /// Says what its failure often means.
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    fn process(&self, folder: &Path) -> process::Command {
        let mut process = process::Command::new(&self.program);
        process
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(process::Stdio::null());
        for name in &self.removed {
            process.env_remove(name);
        }
        process
    }

    /// Runs it; what it says is shown if it fails.
    pub fn run_in(&self, folder: &Path) -> Result<(), Failure> {
        let output = self.process(folder).output().map_err(|error| {
            let message = format!("{} cannot be started: {error}", self.shown());
            Failure::input(message, "check that it is installed and in PATH")
        })?;
        if output.status.success() {
            return Ok(());
        }
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said);
        let message = format!("the build failed ({}):\n{}", output.status, said.trim_end());
        let what = self.hint.unwrap_or("mend what it says");
        let hint = format!("{what}; this was {}", self.shown());
        Err(Failure::other(Code::Migration, message, hint))
    }

    /// What it writes to standard output; nothing if it is not there or fails.
    pub fn ask(&self) -> Option<String> {
        self.answer().ok()
    }

    /// What it writes to standard output, or, if it is not there or fails, why.
    pub fn answer(&self) -> Result<String, String> {
        let output = self.process(Path::new(".")).output();
        let output = output.map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }

    fn shown(&self) -> String {
        let arguments = self.arguments.iter();
        let words = std::iter::once(&self.program).chain(arguments);
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        format!("`{}`", output::one_line(&words.join(" "), 200))
    }
}

/// The first of several programs that is in PATH.
pub fn find(programs: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let found = programs
        .iter()
        .flat_map(|program| folders.iter().map(move |folder| folder.join(program)));
    found.into_iter().find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file)
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// The Pythons that may have packages: the project's own environment, and those in PATH.
pub fn pythons(project: &Project) -> impl Iterator<Item = PathBuf> {
    let own = std::path::absolute(project.folder.join("build/venv/bin/python"));
    let own = own.ok().filter(|python| is_program(python));
    let others = ["python3", "python"]
        .into_iter()
        .filter_map(|name| find(&[name]));
    own.into_iter().chain(others)
}

/// Says that a tool is missing, and how to get it.
pub fn missing(what: &str, how: &str) -> Failure {
    let message = format!("{what} is missing");
    Failure::input(message, format!("install it: {how}"))
}

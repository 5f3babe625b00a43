//! Projects of Q's migration scripts, which stay as they are.
//!
//! A tool of Q has CommonJS modules `migration-scripts/to-vX.Y.Z.js` that export `migrate(item)`, which
//! gives back `{ isChanged, item }`. Each becomes a project, for its version.

use std::path::{Path, PathBuf};

use godwit::model::Version;

use super::kit::{FROM_Q, JAVASCRIPT};
use super::{Args, Values, tell, write_all};
use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;

pub fn run(args: &Args, folder: &Path, context: &Context) -> Result<Code, Failure> {
    let (scripts, misnamed) = scripts(folder)?;
    for file in misnamed {
        output::warning(&format!(
            "{} is taken for no migration: its name is not to-vX.Y.Z.js",
            file.display()
        ));
    }
    let name = args
        .folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let app = match &args.app {
        Some(app) => app.to_string(),
        None => name.clone().into_owned(),
    };
    let collection = args
        .collection
        .as_ref()
        .map_or("items", |name| name.as_str());
    let mut before = None;
    let neighbours = neighbours(folder)?;
    for version in &scripts {
        let Version {
            major,
            minor,
            patch,
            ..
        } = version;
        let project = format!("{app}-{major}-{minor}-{patch}");
        let requires = match &before {
            None => format!("<{version}"),
            Some(before) => format!(">={before}, <{version}"),
        };
        let values = Values {
            name: &project,
            app: &app,
            version: &version.to_string(),
            requires: &requires,
            collection,
            source: "",
        };
        let own = FROM_Q
            .iter()
            .map(|(path, text)| ((*path).to_owned(), values.fill(text).into_bytes()));
        let mut files: Vec<_> = own.collect();
        // The whole folder: scripts may require what lies beside them.
        files.extend(neighbours.iter().cloned());
        files.extend(
            JAVASCRIPT
                .iter()
                .map(|(path, text)| (format!("sdk/{path}"), text.as_bytes().to_vec())),
        );
        let project = args.folder.join(&project);
        write_all(&project, &files)?;
        tell(&project, context);
        before = Some(version.clone());
    }
    Ok(Code::Done)
}

/// The folder that has the scripts: the one that is named, or its `migration-scripts`.
fn scripts_of(folder: &Path) -> PathBuf {
    let inner = folder.join("migration-scripts");
    if inner.is_dir() {
        inner
    } else {
        folder.to_owned()
    }
}

/// The versions that there are scripts for, in order, and the files that look like scripts but say no version.
fn scripts(folder: &Path) -> Result<(Vec<Version>, Vec<PathBuf>), Failure> {
    let folder = scripts_of(folder);
    let entries = std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
    let (mut versions, mut misnamed) = (Vec::new(), Vec::new());
    for entry in entries.flatten() {
        let name = entry.file_name();
        match version_of(&entry.path()) {
            Some(version) => versions.push(version),
            None if name.to_string_lossy().starts_with("to-") => misnamed.push(entry.path()),
            None => {}
        }
    }
    versions.sort();
    misnamed.sort();
    if versions.is_empty() {
        let message = format!("there is no script to-vX.Y.Z.js in {}", folder.display());
        return Err(Failure::input(message, HINT));
    }
    Ok((versions, misnamed))
}

const HINT: &str = "name the folder of a tool of Q, or of its migration scripts";

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::input(format!("{} cannot be read: {error}", path.display()), HINT)
}

/// All files below the folder of the scripts, but packages that npm installed.
fn neighbours(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let scripts = scripts_of(folder);
    let (mut files, mut folders) = (Vec::new(), vec![scripts.clone()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                if entry.file_name() != "node_modules" {
                    folders.push(path);
                }
                continue;
            }
            let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
            let inside = path.strip_prefix(&scripts).unwrap_or(&path);
            files.push((format!("migration-scripts/{}", inside.display()), bytes));
        }
    }
    files.sort();
    Ok(files)
}

/// The version that a file's name says, as in `to-v2.0.0.js`.
fn version_of(file: &Path) -> Option<Version> {
    let name = file.file_name()?.to_str()?;
    let version = name.strip_prefix("to-v")?.strip_suffix(".js")?;
    version.parse().ok()
}

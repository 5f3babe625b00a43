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

pub fn run(args: &Args, folder: &Path, context: &Context) -> Result<Code, Failure> {
    let scripts = scripts(folder)?;
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
    for (version, file) in &scripts {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let message = format!("{} cannot be read: {error}", file.display());
            Failure::input(message, "a script is a text in UTF-8")
        })?;
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
            from: "",
            requires: &requires,
            collection,
            source: "",
        };
        let own = FROM_Q
            .iter()
            .map(|(path, text)| ((*path).to_owned(), values.fill(text)));
        let mut files: Vec<_> = own.collect();
        let script = format!("migration-scripts/to-v{version}.js");
        files.push((script, text));
        files.extend(
            JAVASCRIPT
                .iter()
                .map(|(path, text)| (format!("sdk/{path}"), (*text).to_owned())),
        );
        let project = args.folder.join(&project);
        write_all(&project, &files)?;
        tell(&project, context);
        before = Some(version.clone());
    }
    Ok(Code::Done)
}

/// The scripts of a folder, or of its `migration-scripts`, by version.
fn scripts(folder: &Path) -> Result<Vec<(Version, PathBuf)>, Failure> {
    let inner = folder.join("migration-scripts");
    let folder = if inner.is_dir() { &inner } else { folder };
    let entries = std::fs::read_dir(folder).map_err(|error| {
        let message = format!("{} cannot be read: {error}", folder.display());
        Failure::input(
            message,
            "name the folder of a tool of Q, or of its migration scripts",
        )
    })?;
    let mut scripts: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((version_of(&entry.path())?, entry.path())))
        .collect();
    scripts.sort();
    if scripts.is_empty() {
        let message = format!("there is no script to-vX.Y.Z.js in {}", folder.display());
        let hint = "name the folder of a tool of Q, or of its migration scripts";
        return Err(Failure::input(message, hint));
    }
    Ok(scripts)
}

/// The version that a file's name says, as in `to-v2.0.0.js`.
fn version_of(file: &Path) -> Option<Version> {
    let name = file.file_name()?.to_str()?;
    let version = name.strip_prefix("to-v")?.strip_suffix(".js")?;
    version.parse().ok()
}

//! `godwit new`

mod from_q;
mod kit;

use std::path::{Path, PathBuf};

use godwit::model::{Name, Version, VersionReq};
use serde_json::json;

use crate::context::Context;
use crate::exit::{Code, Failure};
use crate::output;
use crate::project::{self, Language, MANIFEST};
use kit::Kit;

/// Make a project for a migration: it builds, and passes its tests.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit new notes-2-0-0 --lang typescript
  godwit new tagging --lang go --app notes --to 2.1.0 --collection notes
  godwit new migrations --from-q tools/q-choropleth --app q-choropleth --collection items")]
pub struct Args {
    /// The project's folder. A name like notes-2-0-0 says the app and the version, too.
    folder: PathBuf,
    /// What it is written in.
    #[arg(
        long,
        alias = "language",
        value_name = "LANGUAGE",
        required_unless_present = "from_q"
    )]
    lang: Option<Language>,
    /// The app whose versions are counted.
    #[arg(long, value_name = "APP")]
    app: Option<Name>,
    /// The version that it leads to.
    #[arg(long, value_name = "VERSION", value_parser = super::parse_version)]
    to: Option<Version>,
    /// The versions that it starts from. [default: those since the one before]
    #[arg(long, value_name = "REQUIREMENT")]
    requires: Option<VersionReq>,
    /// The collection that it is fed. [default: the app's name]
    #[arg(long, value_name = "NAME")]
    collection: Option<Name>,
    /// Make a project of each script to-vX.Y.Z.js in this folder (or in its migration-scripts/), unchanged.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["lang", "to", "requires"])]
    from_q: Option<PathBuf>,
}

pub fn run(args: &Args, context: &Context) -> Result<Code, Failure> {
    let folder = &args.folder;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    project::check_name(&name)?;
    if let Some(scripts) = &args.from_q {
        return from_q::run(args, scripts, context);
    }
    let (said_app, said_version) = said(&name);
    let app = match &args.app {
        Some(app) => app.clone(),
        None => said_app.parse().map_err(|error| {
            Failure::input(format!("{error}"), "use --app NAME to name the app")
        })?,
    };
    let version = args
        .to
        .clone()
        .or(said_version)
        .unwrap_or(Version::new(2, 0, 0));
    let requires = match &args.requires {
        Some(requires) => requires.to_string(),
        None => since_before(&version),
    };
    let collection = args.collection.clone().unwrap_or_else(|| app.clone());
    let language = args.lang.expect("clap asks for it");
    let kit = Kit::of(language);
    let values = Values {
        name: &name,
        app: app.as_str(),
        version: &version.to_string(),
        requires: &requires,
        collection: collection.as_str(),
        source: kit.source,
    };
    let mut files = Vec::new();
    for (path, text) in kit::COMMON {
        files.push(((*path).to_owned(), values.fill(text)));
    }
    for (path, text) in kit.template {
        files.push(((*path).to_owned(), values.fill(text)));
    }
    for (path, text) in kit.sdk.iter().copied().flatten() {
        files.push((format!("sdk/{path}"), (*text).to_owned()));
    }
    let files = files.into_iter();
    let files: Vec<_> = files
        .map(|(path, text)| (path, text.into_bytes()))
        .collect();
    write_all(folder, &files)?;
    tell(folder, context);
    Ok(Code::Done)
}

/// What the placeholders of a template stand for.
struct Values<'a> {
    name: &'a str,
    app: &'a str,
    version: &'a str,
    requires: &'a str,
    collection: &'a str,
    source: &'a str,
}

impl Values<'_> {
    fn fill(&self, text: &str) -> String {
        let pairs = [
            ("{{name}}", self.name),
            ("{{app}}", self.app),
            ("{{version}}", self.version),
            ("{{requires}}", self.requires),
            ("{{collection}}", self.collection),
            ("{{source}}", self.source),
        ];
        pairs
            .iter()
            .fold(text.to_owned(), |text, (placeholder, value)| {
                text.replace(placeholder, value)
            })
    }
}

/// The app and the version that a name like notes-2-0-0 says.
fn said(name: &str) -> (&str, Option<Version>) {
    let mut parts = name.rsplitn(4, '-');
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (patch, minor, major) = (number(), number(), number());
    match (major, minor, patch, parts.next()) {
        (Some(major), Some(minor), Some(patch), Some(app)) if !app.is_empty() => {
            (app, Some(Version::new(major, minor, patch)))
        }
        _ => (name, None),
    }
}

/// The requirement that a version's migration starts from what comes before it.
fn since_before(version: &Version) -> String {
    let Version {
        major,
        minor,
        patch,
        ..
    } = *version;
    match (major, minor, patch) {
        (0, 0, _) => format!("<{version}"),
        (0, minor, 0) => format!("<0.{minor}"),
        (major, 0, 0) => format!(">={}, <{major}", major - 1),
        (major, minor, 0) => format!(">={major}, <{major}.{minor}"),
        (major, minor, _) => format!(">={major}.{minor}, <{version}"),
    }
}

/// Writes a project, unless there is one.
fn write_all(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    if folder.join(MANIFEST).exists() {
        let message = format!("{} is a project already", folder.display());
        return Err(Failure::input(message, "name another folder"));
    }
    let unwritable = |path: &Path, error: std::io::Error| {
        let message = format!("{} cannot be written: {error}", path.display());
        Failure::input(message, "check that the folder may be written to")
    };
    if let Some((path, _)) = files.iter().find(|(path, _)| folder.join(path).exists()) {
        let message = format!("{} is there already", folder.join(path).display());
        return Err(Failure::input(
            message,
            "name an empty folder, or a new one",
        ));
    }
    for (path, text) in files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|error| unwritable(parent, error))?;
        std::fs::write(&path, text).map_err(|error| unwritable(&path, error))?;
    }
    Ok(())
}

fn tell(folder: &Path, context: &Context) {
    if context.json {
        output::json(&json!({ "project": folder }));
        return;
    }
    let folder = folder.display();
    output::line(format!("made {folder}"));
    if !context.quiet {
        output::note(&format!("next: godwit test {folder}"));
    }
}

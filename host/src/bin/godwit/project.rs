//! A project: the folder in which a migration is written.

use std::path::{Path, PathBuf};

use godwit::model::Version;
use serde::Deserialize;

use crate::exit::Failure;

/// The file that makes a folder a project.
pub const MANIFEST: &str = "migration.toml";

/// A folder in which a migration is written.
#[derive(Debug)]
pub struct Project {
    pub folder: PathBuf,
    pub manifest: Manifest,
}

/// What `migration.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// What the plugin is called: `build/NAME.wasm`.
    pub name: String,
    /// What it is written in.
    pub language: Language,
    #[serde(default)]
    pub build: Build,
    #[serde(default)]
    pub test: Test,
}

/// How it is built.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Build {
    /// Where the language's SDK lies; `sdk` if nothing is said.
    pub sdk: Option<PathBuf>,
    /// The file of JavaScript or TypeScript that the migration is in, if not `migration.js` or `migration.ts`.
    pub main: Option<PathBuf>,
    /// Which engine JavaScript runs in.
    #[serde(default)]
    pub engine: Engine,
    /// In which layout Python is fed.
    #[serde(default)]
    pub layout: PythonLayout,
    /// Instead of the language's own steps: a program with its arguments, started in the project's folder.
    pub command: Option<Vec<String>>,
    /// What the command leaves: a core module or a component.
    pub artifact: Option<PathBuf>,
}

/// The layouts of Python's SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PythonLayout {
    /// Which leaks nothing; bodies are UTF-8.
    #[default]
    Text,
    /// For opaque collections, whose bodies are bytes of any kind.
    Records,
}

/// An engine of JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Small, and quick to load.
    #[default]
    #[value(name = "quickjs")]
    QuickJs,
    /// The faster one, and the larger one.
    #[value(name = "starlingmonkey")]
    StarlingMonkey,
}

/// How it is tested.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Test {
    /// The version that items have before; otherwise the lowest one that the migration requires.
    pub from: Option<Version>,
    /// Whether a second pass that changes something is an error.
    pub idempotent: Strictness,
    /// How many items are bent out of shape.
    pub mutations: usize,
    /// In which way they are bent.
    pub seed: u64,
    /// A JSON Schema of the items before, if not `schemas/before.json`.
    pub schema_before: Option<PathBuf>,
    /// A JSON Schema of the items afterwards, if not `schemas/after.json`.
    pub schema_after: Option<PathBuf>,
    /// Other plugins that features need: those of the versions before.
    pub plugins: Vec<PathBuf>,
}

impl Default for Test {
    fn default() -> Self {
        Self {
            from: None,
            idempotent: Strictness::default(),
            mutations: 200,
            seed: 1,
            schema_before: None,
            schema_after: None,
            plugins: Vec::new(),
        }
    }
}

/// How severe it is when a check finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strictness {
    Error,
    #[default]
    Warn,
    Off,
}

/// What a migration is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Rust,
    C,
    Cpp,
    Zig,
    Go,
    #[value(name = "javascript", alias = "js")]
    JavaScript,
    #[value(name = "typescript", alias = "ts")]
    TypeScript,
    #[value(alias = "py")]
    Python,
    /// Another one: the manifest says how it is built.
    #[value(skip)]
    Other,
}

impl Language {
    /// Its name, as manifests and flags spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Zig => "zig",
            Self::Go => "go",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Python => "python",
            Self::Other => "other",
        }
    }
}

impl Project {
    /// Opens the project in a folder.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join(MANIFEST);
        let text = std::fs::read_to_string(&file).map_err(|error| {
            let message = format!("{} cannot be read: {error}", file.display());
            let hint = "a project is a folder with a migration.toml; `godwit new` makes one";
            Failure::input(message, hint)
        })?;
        let manifest: Manifest = toml::from_str(&text).map_err(|error| {
            let message = format!("{}: {error}", file.display());
            Failure::input(message, "plugins/README.md lists what a manifest may say")
        })?;
        check_name(&manifest.name)?;
        Ok(Self {
            folder: folder.to_owned(),
            manifest,
        })
    }

    /// A path of the manifest, from here.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The plugin that it is built into.
    pub fn plugin(&self) -> PathBuf {
        let name = format!("{}.wasm", self.manifest.name);
        self.folder.join("build").join(name)
    }

    /// What a compiler leaves on the way. It does not lie beside the plugin, whose folder may be that of an
    /// operator's plugins.
    pub fn core(&self) -> PathBuf {
        self.work().join("core.wasm")
    }

    /// A folder for what is made on the way.
    pub fn work(&self) -> PathBuf {
        self.folder.join("build").join("work")
    }

    /// Where the SDK lies.
    pub fn sdk(&self) -> PathBuf {
        let sdk = self.manifest.build.sdk.as_deref();
        self.path(sdk.unwrap_or(Path::new("sdk")))
    }
}

/// Checks that a text can be a project's name, and so a part of a file's.
pub fn check_name(name: &str) -> Result<(), Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_plain) {
        return Ok(());
    }
    let hint = "use letters, digits, `-`, `_` and `.`, as in notes-2-0-0";
    Err(Failure::input(
        format!("`{name}` cannot be a project's name"),
        hint,
    ))
}

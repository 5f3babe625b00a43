//! The configuration file, `godwit.toml`.

use std::path::{Path, PathBuf};

use godwit::plan::Policy;
use serde::Deserialize;

use crate::exit::Failure;

/// What `godwit.toml` may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The store's URL; a relative path counts from the file's folder.
    pub store: Option<String>,
    /// The folder of migrations; a relative path counts from the file's folder.
    pub plugins: Option<PathBuf>,
    /// What is done about each kind of finding.
    #[serde(default)]
    pub policy: Policy,
    /// How runs are carried out.
    #[serde(default)]
    pub run: RunConfig,
}

/// How runs are carried out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunConfig {
    /// As `--threads`.
    pub threads: Option<usize>,
    /// As `--batch-bytes`.
    pub batch_bytes: Option<usize>,
    /// As `--max-failures`.
    pub max_failures: Option<String>,
    /// As `--on-failure`.
    pub on_failure: Option<String>,
}

/// The file that is read when none is named.
const DEFAULT: &str = "godwit.toml";

impl Config {
    /// Reads the named file, or `godwit.toml` where there is one.
    pub fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let file = named.unwrap_or(Path::new(DEFAULT));
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                let message = format!(
                    "the configuration {} cannot be read: {error}",
                    file.display()
                );
                return Err(Failure::input(message, "check the path given by --config"));
            }
        };
        let parsed: Result<Self, _> = toml::from_str(&text);
        let config = parsed.map_err(|error| {
            let message = format!("{} is not valid: {error}", file.display());
            let message = message.trim_end();
            Failure::input(message, "README.md shows what it may say")
        })?;
        Ok(config.relative_to(file.parent().unwrap_or(Path::new(""))))
    }

    fn relative_to(mut self, folder: &Path) -> Self {
        self.plugins = self.plugins.map(|plugins| folder.join(plugins));
        self.store = self.store.map(|url| match url.split_once(':') {
            Some((scheme @ ("lmdb" | "sled"), path)) => {
                format!("{scheme}:{}", folder.join(path).display())
            }
            Some(_) => url,
            None => folder.join(&url).display().to_string(),
        });
        self
    }
}

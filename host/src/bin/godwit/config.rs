//! The configuration file, `godwit.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use godwit::Attachment;
use godwit::model::{DefaultGrant, Granted, Grants, Name, Version};
use godwit::plan::Policy;
use godwit::sandbox::Limits;
use godwit::store::{Compression, Table};
use serde::Deserialize;

use crate::exit::Failure;
use crate::hooks::HooksConfig;
use crate::limits;
use crate::outside::Outside;

/// What `godwit.toml` may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The store's URL; a relative path counts from the file's folder.
    pub store: Option<String>,
    /// The folder of migrations; a relative path counts from the file's folder.
    pub plugins: Option<PathBuf>,
    /// How bodies and pre-images are written to the store: `none` or `lz4`.
    #[serde(default)]
    pub compression: Compression,
    /// What is done about each kind of finding.
    #[serde(default)]
    pub policy: Policy,
    /// How runs are carried out.
    #[serde(default)]
    pub run: RunConfig,
    /// What components may use at most; `limits.plugin.FILE` holds for one of them.
    #[serde(default)]
    limits: toml::Table,
    /// Which collections migrations may reach beside what they are fed.
    #[serde(default)]
    pub grants: GrantsConfig,
    /// What is called when something happens in a run.
    #[serde(default)]
    pub hooks: HooksConfig,
    /// The folder of the store's backups; a relative path counts from the file's folder.
    pub backups: Option<PathBuf>,
    /// The folder of the JSON Schemas that `verify` holds items to; a relative path counts from the file's folder.
    pub schemas: Option<PathBuf>,
    /// Collections that are tables of the application's own, in a store of PostgreSQL.
    #[serde(default)]
    pub tables: BTreeMap<Name, TableConfig>,
    /// The folder of compiled components, or `none`; a relative path counts from the file's folder.
    pub cache: Option<PathBuf>,
}

/// Which collections migrations may reach: what each of them gets, and what those of an app get.
#[derive(Debug, Default, Deserialize)]
pub struct GrantsConfig {
    #[serde(default)]
    default: DefaultGrant,
    #[serde(flatten)]
    apps: BTreeMap<Name, GrantedConfig>,
}

/// What the migrations of an app get.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum GrantedConfig {
    /// Collections that they may read and write.
    ReadAndWrite(BTreeSet<Name>),
    /// Some that they may only read.
    Apart(ReadOrWrite),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadOrWrite {
    #[serde(default)]
    read: BTreeSet<Name>,
    #[serde(default)]
    write: BTreeSet<Name>,
}

impl GrantsConfig {
    /// As the library takes them.
    pub fn grants(&self) -> Grants {
        let granted = |config: &GrantedConfig| match config {
            GrantedConfig::ReadAndWrite(write) => Granted {
                write: write.clone(),
                ..Granted::default()
            },
            GrantedConfig::Apart(ReadOrWrite { read, write }) => Granted {
                read: read.clone(),
                write: write.clone(),
            },
        };
        let apps = self.apps.iter();
        Grants {
            default: self.default,
            apps: apps
                .map(|(app, config)| (app.clone(), granted(config)))
                .collect(),
        }
    }
}

/// A collection that is a table of the application's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TableConfig {
    app: Name,
    /// The version that the rows have when the table is attached.
    version: Version,
    table: String,
    key: String,
    body: String,
    version_column: Option<String>,
}

impl TableConfig {
    /// As the library takes it.
    pub fn attachment(&self) -> Attachment {
        Attachment {
            app: self.app.clone(),
            version: self.version.clone(),
            table: Table {
                version: self.version_column.clone(),
                ..Table::new(&self.table, &self.key, &self.body)
            },
        }
    }
}

/// How runs are carried out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunConfig {
    /// As `--threads`.
    pub threads: Option<usize>,
    /// As `--batch-bytes`.
    pub batch_bytes: Option<usize>,
    /// As `--batch-target`.
    pub batch_target: Option<String>,
    /// As `--items-per-second`.
    pub items_per_second: Option<NonZeroU32>,
    /// As `--duty`.
    pub duty: Option<String>,
    /// As `--rest`.
    pub rest: Option<String>,
    /// The hours of the day in which runs may work, as in `22:00-06:00 Europe/Berlin`.
    pub hours: Option<String>,
    /// What says whether the system is well: a command or a URL.
    pub health: Option<Outside>,
    /// How often that is asked.
    pub health_every: Option<String>,
    /// How many steps over one collection are carried out in one pass at most; 1: each has its own.
    pub fused_steps: Option<usize>,
    /// As `--max-failures`.
    pub max_failures: Option<String>,
    /// As `--on-failure`.
    pub on_failure: Option<String>,
    /// As `--backup`.
    pub backup: Option<String>,
    /// Whether runs of `up` keep pre-images; `false` is as `--no-pre-images`.
    pub pre_images: Option<bool>,
}

/// The file that is read when none is named.
const DEFAULT: &str = "godwit.toml";

/// The member of `[limits]` that holds the limits of single plugins.
const PLUGIN: &str = "plugin";

impl Config {
    /// What every component may use.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits::set(&mut limits, &self.common_limits()).expect("it was checked when it was read");
        limits
    }

    /// What the component in a file may use, given what every one may.
    pub fn limits_of(&self, file: &Path, common: &Limits) -> Limits {
        let mut limits = common.clone();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let plugins = self.limits.get(PLUGIN).and_then(toml::Value::as_table);
        let table = plugins.and_then(|plugins| plugins.get(&*name)?.as_table());
        if let Some(table) = table {
            limits::set_for_plugin(&mut limits, table).expect("it was checked when it was read");
        }
        limits
    }

    fn common_limits(&self) -> toml::Table {
        let mut table = self.limits.clone();
        table.remove(PLUGIN);
        table
    }

    fn check_limits(&self) -> Result<(), String> {
        limits::set(&mut Limits::default(), &self.common_limits())?;
        let Some(plugins) = self.limits.get(PLUGIN) else {
            return Ok(());
        };
        let no_table = "limits.plugin holds a table for each file".to_owned();
        for (file, table) in plugins.as_table().ok_or(no_table.clone())? {
            let table = table.as_table().ok_or(no_table.clone())?;
            limits::set_for_plugin(&mut Limits::default(), table)
                .map_err(|error| format!("of the plugin {file}: {error}"))?;
        }
        Ok(())
    }

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
        config.check_limits().map_err(|error| {
            let message = format!("{} is not valid: {error}", file.display());
            Failure::input(
                message,
                "`godwit inspect PLUGIN` shows every limit with its name",
            )
        })?;
        config.hooks.check().map_err(|error| {
            let message = format!("{} is not valid: {error}", file.display());
            Failure::input(message, "README.md shows what it may say")
        })?;
        Ok(config.relative_to(file.parent().unwrap_or(Path::new(""))))
    }

    fn relative_to(mut self, folder: &Path) -> Self {
        self.plugins = self.plugins.map(|plugins| folder.join(plugins));
        self.backups = self.backups.map(|backups| folder.join(backups));
        self.schemas = self.schemas.map(|schemas| folder.join(schemas));
        let is_none = |cache: &PathBuf| cache.as_os_str() == crate::context::NO_CACHE;
        self.cache = self.cache.map(|cache| {
            if is_none(&cache) {
                cache
            } else {
                folder.join(cache)
            }
        });
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

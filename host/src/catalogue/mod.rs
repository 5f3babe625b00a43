//! What we have: the migrations of a folder, described, digested and ordered.
//!
//! Components are compiled and asked, in the sandbox, what they are; schema files are parsed. A file
//! that is no valid migration is kept with its reason ([`Rejected`]), never skipped in silence.

mod lock;
mod schema;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::{Applied, Body, Digest, Migration, Name, Version};
use crate::sandbox::{Component, Engine, LoadError, NativeCode};
pub use lock::{Lock, LockFinding, Locked};
pub use schema::SchemaError;

/// The migrations that are to be had.
///
/// ```
/// use godwit::catalogue::Catalogue;
/// use godwit::sandbox::{Engine, Limits};
///
/// let schema = br#"{"app": "notes", "version": "1.0.0",
///     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// let mut catalogue = Catalogue::new();
/// catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), schema);
/// assert_eq!(catalogue.migrations().len(), 1);
/// assert!(catalogue.rejected().is_empty());
/// ```
#[derive(Debug, Default)]
pub struct Catalogue {
    migrations: Vec<Migration>,
    components: BTreeMap<Digest, Component>,
    rejected: Vec<Rejected>,
}

/// A file that looks like a migration and is none.
///
/// ```
/// use godwit::catalogue::Catalogue;
/// use godwit::sandbox::{Engine, Limits};
///
/// let mut catalogue = Catalogue::new();
/// catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), b"{}");
/// let rejected = catalogue.into_rejected();
/// assert_eq!(rejected[0].file, std::path::Path::new("notes.json"));
/// assert_eq!(rejected[0].reason.to_string(), "notes.json is not a schema file");
/// ```
#[derive(Debug)]
pub struct Rejected {
    /// The file.
    pub file: PathBuf,
    /// Why it is not taken.
    pub reason: RejectedError,
}

/// Why a file is not a migration.
///
/// ```
/// use godwit::catalogue::{Catalogue, RejectedError};
/// use godwit::sandbox::{Engine, Limits};
///
/// let mut catalogue = Catalogue::new();
/// catalogue.add(&Engine::new(Limits::default()), "notes.wasm".into(), b"no component");
/// let reason = &catalogue.rejected()[0].reason;
/// assert!(matches!(reason, RejectedError::Component(_)));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum RejectedError {
    /// Occurs when a file cannot be read.
    #[error("it cannot be read")]
    Read(#[source] std::io::Error),
    /// Occurs when a `.wasm` file is not a component that this host can run.
    #[error(transparent)]
    Component(#[from] LoadError),
    /// Occurs when a `.json` file is not a schema migration.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// Occurs when the folder of migrations cannot be read.
///
/// ```
/// use godwit::catalogue::Catalogue;
/// use godwit::sandbox::{Engine, Limits};
///
/// let folder = tempfile::tempdir()?;
/// let missing = folder.path().join("migrations");
/// let error = Catalogue::read(&Engine::new(Limits::default()), &missing).unwrap_err();
/// assert_eq!(error.folder, missing);
/// assert_eq!(error.source.kind(), std::io::ErrorKind::NotFound);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error("the plugin folder {folder} cannot be read")]
pub struct FolderError {
    /// The folder.
    pub folder: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: std::io::Error,
}

impl Catalogue {
    /// An empty catalogue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads every `.wasm` and `.json` file of a folder, whatever its name; other files and
    /// subfolders are left alone.
    ///
    /// ```
    /// use godwit::catalogue::Catalogue;
    /// use godwit::sandbox::{Engine, Limits};
    ///
    /// let folder = tempfile::tempdir()?;
    /// std::fs::write(folder.path().join("notes.json"), "{}")?;
    /// std::fs::write(folder.path().join("README.md"), "What notes were before.")?;
    /// let catalogue = Catalogue::read(&Engine::new(Limits::default()), folder.path())?;
    /// assert!(catalogue.migrations().is_empty());
    /// assert_eq!(catalogue.rejected().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FolderError`] when the folder itself cannot be read; a bad file is [`Rejected`].
    pub fn read(engine: &Engine, folder: &Path) -> Result<Self, FolderError> {
        Self::read_each(folder, &|_| engine.clone())
    }

    /// The same, with an engine for each file, which decides about its limits.
    ///
    /// ```
    /// use godwit::catalogue::Catalogue;
    /// use godwit::sandbox::{Engine, Limits};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let engine = Engine::new(Limits::default());
    /// let roomy = engine.limited(Limits { memory_bytes: 1 << 30, ..Limits::default() });
    /// let catalogue = Catalogue::read_each(folder.path(), &|file| match file.ends_with("large.wasm") {
    ///     true => roomy.clone(),
    ///     false => engine.clone(),
    /// })?;
    /// assert!(catalogue.migrations().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Catalogue::read`].
    pub fn read_each(
        folder: &Path,
        engine_for: &dyn Fn(&Path) -> Engine,
    ) -> Result<Self, FolderError> {
        let failed = |source| FolderError {
            folder: folder.to_owned(),
            source,
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            // What cannot be looked at, as a link to nowhere, is rejected when it is read.
            let is_file = std::fs::metadata(&path).map_or(true, |found| found.is_file());
            if kind(&path).is_some() && is_file {
                files.push(path);
            }
        }
        files.sort();
        let mut catalogue = Self::new();
        for file in files {
            let engine = engine_for(&file);
            match read_file(&file, engine.limits().component_bytes) {
                Ok(bytes) => catalogue.add(&engine, file, &bytes),
                Err(reason) => catalogue.rejected.push(Rejected { file, reason }),
            }
        }
        Ok(catalogue)
    }

    /// Adds one file, or rejects it. A component obeys the engine's limits.
    pub fn add(&mut self, engine: &Engine, file: PathBuf, bytes: &[u8]) {
        let added = match kind(&file) {
            Some(Kind::Schema) => schema::parse(&file, bytes).map_err(RejectedError::from),
            Some(Kind::Component) | None => self.component_of(engine, &file, bytes),
        };
        match added {
            Ok(migration) => {
                let order = |m: &Migration| (m.app.clone(), m.version.clone(), m.file.clone());
                let key = order(&migration);
                let place = self.migrations.partition_point(|other| order(other) < key);
                self.migrations.insert(place, migration);
            }
            Err(reason) => self.rejected.push(Rejected { file, reason }),
        }
    }

    fn component_of(
        &mut self,
        engine: &Engine,
        file: &Path,
        bytes: &[u8],
    ) -> Result<Migration, RejectedError> {
        let digest = Digest::of(bytes);
        let (component, migration) = describe(engine, file, bytes)?;
        self.components.insert(digest, component);
        Ok(migration)
    }

    /// The migrations, by app and version.
    pub fn migrations(&self) -> &[Migration] {
        &self.migrations
    }

    /// The newest version of an app that a migration leads to.
    ///
    /// ```
    /// # use godwit::catalogue::Catalogue;
    /// # use godwit::sandbox::{Engine, Limits};
    /// use godwit::model::Version;
    ///
    /// # let engine = Engine::new(Limits::default());
    /// # let mut catalogue = Catalogue::new();
    /// let operations = r#"[{"create_collection": {"collection": "notes"}}]"#;
    /// for version in ["1.0.0", "2.0.0"] {
    ///     let schema = format!(
    ///         r#"{{"app": "notes", "version": "{version}", "operations": {operations}}}"#
    ///     );
    ///     catalogue.add(&engine, format!("notes-{version}.json").into(), schema.as_bytes());
    /// }
    /// assert_eq!(catalogue.newest(&"notes".parse()?), Some(&Version::new(2, 0, 0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn newest(&self, app: &Name) -> Option<&Version> {
        let of_app = self.migrations.iter().filter(|known| known.app == *app);
        of_app.map(|known| &known.version).max()
    }

    /// The files that look like migrations and are none.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// The same, to keep.
    pub fn into_rejected(self) -> Vec<Rejected> {
        self.rejected
    }

    /// The migration with a digest.
    ///
    /// ```
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = godwit::catalogue::Catalogue::new();
    /// # catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), schema);
    /// use godwit::model::Digest;
    ///
    /// let migration = catalogue.migration(&Digest::of(schema)).ok_or("it was just added")?;
    /// assert_eq!(migration.app.as_str(), "notes");
    /// assert!(catalogue.migration(&Digest::of(b"something else")).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn migration(&self, digest: &Digest) -> Option<&Migration> {
        self.migrations
            .iter()
            .find(|migration| migration.digest == *digest)
    }

    /// The migration that was applied, if its file, or one that was taken for it since, is there.
    ///
    /// ```
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = godwit::catalogue::Catalogue::new();
    /// # catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), schema);
    /// use godwit::model::{Applied, Digest};
    ///
    /// let applied = Applied { digests: vec![Digest::of(schema)], ..Applied::default() };
    /// assert_eq!(catalogue.applied(&applied), catalogue.migrations().first());
    /// assert_eq!(catalogue.applied(&Applied::default()), None);
    /// ```
    pub fn applied(&self, applied: &Applied) -> Option<&Migration> {
        let mut digests = applied.digests.iter().rev();
        digests.find_map(|digest| self.migration(digest))
    }

    /// Lets native code answer in the place of a component, as [`Component::in_native_code`] says.
    ///
    /// ```
    /// # fn example(catalogue: &mut godwit::catalogue::Catalogue, digest: godwit::model::Digest) {
    /// use std::sync::Arc;
    /// use godwit::model::{Batch, Kind, Reply};
    ///
    /// let unchanged = |batch: &Batch| {
    ///     let mut reply = Reply::default();
    ///     batch.iter().for_each(|_| reply.push(Kind::Unchanged, b""));
    ///     reply
    /// };
    /// catalogue.replace_code(&digest, Arc::new(unchanged));
    /// # }
    /// ```
    pub fn replace_code(&mut self, digest: &Digest, code: NativeCode) {
        if let Some(component) = self.components.remove(digest) {
            self.components
                .insert(*digest, component.in_native_code(code));
        }
    }

    /// The component with a digest; schema migrations have none.
    ///
    /// ```
    /// # use godwit::sandbox::{Engine, Limits};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = godwit::catalogue::Catalogue::new();
    /// # catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), schema);
    /// use godwit::model::Digest;
    ///
    /// assert!(catalogue.migration(&Digest::of(schema)).is_some());
    /// assert!(catalogue.component(&Digest::of(schema)).is_none());
    /// ```
    pub fn component(&self, digest: &Digest) -> Option<&Component> {
        self.components.get(digest)
    }
}

/// Reads a file that has not more than so many bytes.
fn read_file(file: &Path, limit: usize) -> Result<Vec<u8>, RejectedError> {
    let found = std::fs::metadata(file).map_err(RejectedError::Read)?;
    let bytes = usize::try_from(found.len()).unwrap_or(usize::MAX);
    if bytes > limit {
        return Err(LoadError::TooLarge { bytes, limit }.into());
    }
    std::fs::read(file).map_err(RejectedError::Read)
}

/// Compiles one component and asks it what it is.
///
/// ```
/// # fn example(file: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
/// use godwit::catalogue::describe;
/// use godwit::sandbox::{Engine, Limits};
///
/// let bytes = std::fs::read(file)?;
/// let (component, migration) = describe(&Engine::new(Limits::default()), file, &bytes)?;
/// println!("{} {}: {}", migration.app, migration.version, migration.summary);
/// println!("it speaks contract {}", component.speech().contract);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`LoadError`] when it is not a migration that this host can run.
pub fn describe(
    engine: &Engine,
    file: &Path,
    bytes: &[u8],
) -> Result<(Component, Migration), LoadError> {
    let component = Component::load(engine, bytes)?;
    let descriptor = component.describe()?;
    let speech = component.speech();
    let migration = Migration {
        app: descriptor.app,
        version: descriptor.version,
        requires: descriptor.requires,
        depends_on: descriptor.depends_on,
        summary: descriptor.summary,
        steps: descriptor.steps,
        digest: Digest::of(bytes),
        file: file.to_owned(),
        body: Body::Component {
            contract: speech.contract.clone(),
            layout: speech.layout,
        },
    };
    Ok((component, migration))
}

enum Kind {
    Component,
    Schema,
}

fn kind(file: &Path) -> Option<Kind> {
    let extension = file.extension()?.to_str()?;
    if extension.eq_ignore_ascii_case("wasm") {
        Some(Kind::Component)
    } else if extension.eq_ignore_ascii_case("json") {
        Some(Kind::Schema)
    } else {
        None
    }
}

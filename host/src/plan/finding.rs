//! Findings: what an operator should know before anything is done.

use std::fmt;
use std::path::Path;

use serde::{Serialize, Serializer};

use crate::model::{Migration, Name, Retreat, Stage, Version};

use super::{Kind, Matter, Policy};

/// Something that an operator should know: on what, what, and the way out.
///
/// Its text names the app, the version and the file. As JSON it has `kind`, `severity`, the facts,
/// the text as `message`, and `way_out`.
///
/// ```
/// use std::path::Path;
///
/// use godwit::plan::{Finding, Kind, Policy, Severity};
///
/// let reason = "it is empty".to_owned();
/// let finding = Finding::invalid_file(&Policy::default(), Path::new("a.wasm"), reason);
/// assert_eq!(finding.kind(), Kind::InvalidFile);
/// assert_eq!(finding.severity, Severity::Refused);
/// assert!(finding.way_out().contains("--accept invalid-file"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What follows from it.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// What it says.
    pub matter: Matter,
    /// How what the run that it names has done is taken back, if it names one and there is a way.
    pub retreat: Option<Retreat>,
}

impl Finding {
    /// Reports a file of the catalogue's folder that is no valid migration.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use godwit::plan::{Finding, Policy, Severity};
    ///
    /// let policy: Policy = "invalid-file=accept".parse()?;
    /// let finding = Finding::invalid_file(&policy, Path::new("a.wasm"), "it is empty".to_owned());
    /// assert_eq!(finding.severity, Severity::Accepted);
    /// let text = "a.wasm: it is no valid migration: it is empty";
    /// assert_eq!(finding.to_string(), text);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn invalid_file(policy: &Policy, file: &Path, reason: String) -> Self {
        let matter = Matter::InvalidFile { reason };
        let severity = matter.severity(policy);
        let file = Some(file.display().to_string());
        let subject = Subject {
            file,
            ..Subject::default()
        };
        Self {
            severity,
            subject,
            matter,
            retreat: None,
        }
    }

    /// The kind, by which a policy chooses what is to be done about it.
    pub fn kind(&self) -> Kind {
        self.matter.kind()
    }
}

/// What follows from a finding.
///
/// ```
/// use godwit::plan::Severity;
///
/// let all = [Severity::Info, Severity::Refused, Severity::Warned];
/// assert_eq!(all.iter().min(), Some(&Severity::Refused));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Severity {
    /// Nothing is planned.
    Refused,
    /// Planning goes on, and people should see it.
    Warned,
    /// The policy accepts it.
    Accepted,
    /// There is nothing to decide.
    Info,
}

/// What a finding is about.
///
/// ```
/// use godwit::plan::Subject;
///
/// let subject = Subject {
///     app: Some("notes".parse()?),
///     version: Some("2.0.0".parse()?),
///     file: Some("notes.wasm".to_owned()),
/// };
/// assert_eq!(subject.to_string(), "notes 2.0.0 (notes.wasm)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Subject {
    /// The app.
    pub app: Option<Name>,
    /// The version.
    pub version: Option<Version>,
    /// The migration's file: where it is, or the name it had when it was used.
    pub file: Option<String>,
}

impl Subject {
    /// An app.
    pub(super) fn app(app: &Name) -> Self {
        Self {
            app: Some(app.clone()),
            ..Self::default()
        }
    }

    /// A version of an app, with the name of a file unless that is empty.
    pub(super) fn version(app: &Name, version: &Version, file: &str) -> Self {
        Self {
            app: Some(app.clone()),
            version: Some(version.clone()),
            file: (!file.is_empty()).then(|| file.to_owned()),
        }
    }
}

impl From<&Migration> for Subject {
    fn from(migration: &Migration) -> Self {
        let file = migration.file.display().to_string();
        Self::version(&migration.app, &migration.version, &file)
    }
}

impl From<&Stage> for Subject {
    fn from(stage: &Stage) -> Self {
        Self::version(&stage.app, &stage.version, &stage.file)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.app, &self.version) {
            (Some(app), Some(version)) => write!(f, "{app} {version}")?,
            (Some(app), None) => write!(f, "{app}")?,
            (None, Some(version)) => write!(f, "{version}")?,
            (None, None) => return self.file.iter().try_for_each(|file| write!(f, "{file}")),
        }
        self.file.iter().try_for_each(|file| write!(f, " ({file})"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.subject != Subject::default() {
            write!(f, "{}: ", self.subject)?;
        }
        self.matter.fmt(f)
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            #[serde(flatten)]
            matter: &'a Matter,
            severity: Severity,
            #[serde(flatten)]
            subject: &'a Subject,
            message: String,
            way_out: String,
        }
        let (message, way_out) = (self.to_string(), self.way_out());
        let Self {
            severity,
            subject,
            matter,
            retreat: _,
        } = self;
        Shown {
            matter,
            severity: *severity,
            subject,
            message,
            way_out,
        }
        .serialize(serializer)
    }
}

//! Schema files: migrations that change what collections and indexes there are, written as JSON.
//!
//! ```json
//! {
//!   "app": "bcd",
//!   "version": "1.1.0",
//!   "requires": ">=1, <2",
//!   "depends_on": [{ "app": "users", "versions": ">=2" }],
//!   "summary": "finds deprecated features quickly",
//!   "phase": "offline",
//!   "operations": [
//!     { "create_collection": { "collection": "features", "opaque": false } },
//!     { "ensure_index": { "collection": "features", "pointer": "/status/deprecated" } },
//!     { "drop_index": { "collection": "features", "pointer": "/status/experimental" } }
//!   ]
//! }
//! ```
//!
//! Only `app`, `version` and `operations` must be there. Each operation is a step, named after its
//! kind and its place, as in `ensure-index-2`.

use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::model::{
    Body, Dependency, Digest, Migration, Name, Operation, Phase, Step, StepWork, Version,
    VersionReq,
};

/// Occurs when a schema file cannot be read as a migration.
///
/// ```
/// use godwit::catalogue::{Catalogue, RejectedError, SchemaError};
/// use godwit::sandbox::{Engine, Limits};
///
/// let mut catalogue = Catalogue::new();
/// let schema = br#"{"app": "notes", "version": "1.0.0", "operations": []}"#;
/// catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), schema);
/// let reason = &catalogue.rejected()[0].reason;
/// assert!(matches!(reason, RejectedError::Schema(SchemaError::NoOperations { .. })));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Occurs when it is not JSON, or says something that a schema file cannot say; the source
    /// tells the line, the column and what is allowed there.
    #[error("{file} is not a schema file")]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, and where.
        #[source]
        source: serde_json::Error,
    },
    /// Occurs when it has no operation.
    #[error("{file} has no operations: there must be one at least")]
    NoOperations {
        /// The file.
        file: PathBuf,
    },
}

/// Reads the schema file `file`, of which `bytes` is the content.
///
/// # Errors
/// [`SchemaError`] when it is no such file; nothing in it is ignored.
pub fn parse(file: &Path, bytes: &[u8]) -> Result<Migration, SchemaError> {
    let malformed = |source| SchemaError::Malformed {
        file: file.to_owned(),
        source,
    };
    let schema: Schema = serde_json::from_slice(bytes).map_err(malformed)?;
    if schema.operations.is_empty() {
        return Err(SchemaError::NoOperations {
            file: file.to_owned(),
        });
    }
    Ok(schema.into_migration(file, Digest::of(bytes)))
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    app: Name,
    version: Version,
    #[serde(default)]
    requires: Option<VersionReq>,
    #[serde(default)]
    depends_on: Vec<WrittenDependency>,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    phase: Phase,
    operations: Vec<WrittenOperation>,
}

/// A dependency as it is written: nothing unknown is let pass.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDependency {
    app: Name,
    versions: VersionReq,
}

/// An operation as it is written: its pointer is checked while the line and column are known.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WrittenOperation {
    CreateCollection {
        collection: Name,
        #[serde(default)]
        opaque: bool,
    },
    EnsureIndex {
        collection: Name,
        pointer: Pointer,
    },
    DropIndex {
        collection: Name,
        pointer: Pointer,
    },
}

/// A JSON pointer (RFC 6901).
struct Pointer(String);

impl Schema {
    fn into_migration(self, file: &Path, digest: Digest) -> Migration {
        let phase = self.phase;
        let operations = (1..).zip(self.operations);
        let steps = operations.map(|(place, operation)| operation.into_step(place, phase));
        Migration {
            app: self.app,
            version: self.version,
            requires: self.requires,
            depends_on: self.depends_on.into_iter().map(Dependency::from).collect(),
            summary: self.summary,
            steps: steps.collect(),
            digest,
            file: file.to_owned(),
            body: Body::Schema,
        }
    }
}

impl From<WrittenDependency> for Dependency {
    fn from(written: WrittenDependency) -> Self {
        let WrittenDependency { app, versions } = written;
        Self { app, versions }
    }
}

impl WrittenOperation {
    fn into_step(self, place: u32, phase: Phase) -> Step {
        let name = format!("{}-{place}", self.kind());
        let name = name
            .parse()
            .expect("a kind and a number are a short and plain name");
        Step {
            name,
            phase,
            work: StepWork::Schema(self.into()),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::CreateCollection { .. } => "create-collection",
            Self::EnsureIndex { .. } => "ensure-index",
            Self::DropIndex { .. } => "drop-index",
        }
    }
}

impl From<WrittenOperation> for Operation {
    fn from(written: WrittenOperation) -> Self {
        match written {
            WrittenOperation::CreateCollection { collection, opaque } => {
                Self::CreateCollection { collection, opaque }
            }
            WrittenOperation::EnsureIndex {
                collection,
                pointer,
            } => Self::EnsureIndex {
                collection,
                pointer: pointer.0,
            },
            WrittenOperation::DropIndex {
                collection,
                pointer,
            } => Self::DropIndex {
                collection,
                pointer: pointer.0,
            },
        }
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if is_pointer(&text) {
            return Ok(Self(text));
        }
        Err(D::Error::custom(format_args!(
            "`{}` is not a JSON pointer: empty or beginning with `/`, with `~` as `~0` and `/` as \
             `~1` inside a name",
            text.escape_debug()
        )))
    }
}

/// Whether a text is a JSON pointer: empty or beginning with `/`, and `~` before 0 or 1 only.
fn is_pointer(text: &str) -> bool {
    let is_escape = |rest: &str| rest.starts_with(['0', '1']);
    let is_rooted = text.is_empty() || text.starts_with('/');
    is_rooted && text.split('~').skip(1).all(is_escape)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn read(text: &str) -> Result<Migration, SchemaError> {
        parse(Path::new("bcd-1.1.0.json"), text.as_bytes())
    }

    fn with_operations(operations: &str) -> String {
        format!(r#"{{"app": "bcd", "version": "1.1.0", "operations": [{operations}]}}"#)
    }

    fn complaint(text: &str) -> String {
        let error = read(text).expect_err(text);
        error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string)
    }

    #[test]
    fn everything_that_a_file_can_say() {
        let text = r#"{
            "app": "bcd", "version": "1.1.0", "requires": ">=1, <2", "summary": "indexes",
            "depends_on": [{"app": "users", "versions": ">=2"}], "phase": "online",
            "operations": [
                {"create_collection": {"collection": "blobs", "opaque": true}},
                {"ensure_index": {"collection": "features", "pointer": "/status/a~1b"}},
                {"drop_index": {"collection": "features", "pointer": ""}}
            ]
        }"#;
        let migration = read(text).unwrap();
        assert_eq!(migration.version, Version::new(1, 1, 0));
        assert_eq!(migration.requires, Some(">=1, <2".parse().unwrap()));
        assert_eq!(migration.depends_on[0].app.as_str(), "users");
        assert_eq!(migration.digest, Digest::of(text.as_bytes()));
        assert_eq!(migration.file, Path::new("bcd-1.1.0.json"));
        assert_eq!(migration.body, Body::Schema);
        let names: Vec<_> = migration
            .steps
            .iter()
            .map(|step| step.name.as_str())
            .collect();
        assert_eq!(
            names,
            ["create-collection-1", "ensure-index-2", "drop-index-3"]
        );
        assert!(
            migration
                .steps
                .iter()
                .all(|step| step.phase == Phase::Online)
        );
        let blobs = "blobs".parse().unwrap();
        let created = Operation::CreateCollection {
            collection: blobs,
            opaque: true,
        };
        assert_eq!(migration.steps[0].work, StepWork::Schema(created));
    }

    #[test]
    fn little_must_be_said() {
        let text = with_operations(r#"{"create_collection": {"collection": "features"}}"#);
        let migration = read(&text).unwrap();
        assert_eq!((migration.requires, migration.summary.as_str()), (None, ""));
        assert_eq!(migration.steps[0].phase, Phase::Offline);
    }

    #[test]
    fn complaints_say_where_and_what_is_allowed() {
        let index = |pointer: &str| {
            with_operations(&format!(
                r#"{{"ensure_index": {{"collection": "features", "pointer": "{pointer}"}}}}"#
            ))
        };
        for (text, parts) in [
            ("", &["EOF", "line 1 column 0"][..]),
            (
                "{\n  \"ap\": 1}",
                &["unknown field `ap`", "`app`, `version`", "line 2 column 6"],
            ),
            (
                r#"{"app": "bcd", "app": "bcd"}"#,
                &["duplicate field `app`", "line 1 column 20"],
            ),
            (
                r#"{"app": "b c"}"#,
                &["`b c` is not a name", "line 1 column"],
            ),
            (
                r#"{"app": "bcd", "version": "1"}"#,
                &["unexpected end of input", "line 1 column 29"],
            ),
            (
                r#"{"app": "bcd", "phase": "early"}"#,
                &["unknown variant `early`", "`offline`"],
            ),
            (
                r#"{"app": "bcd", "version": "1.0.0"}"#,
                &["missing field `operations`"],
            ),
            (&with_operations(""), &["bcd-1.1.0.json has no operations"]),
            (
                &with_operations(r#"{"rename": {}}"#),
                &["unknown variant `rename`", "`drop_index`"],
            ),
            (
                &with_operations(r#"{"drop_index": {"collection": "features"}}"#),
                &["missing field `pointer`"],
            ),
            (
                &with_operations(r#"{"create_collection": {"collection": "a", "pointer": ""}}"#),
                &["unknown field `pointer`", "`collection` or `opaque`"],
            ),
            (
                &index("status"),
                &["`status` is not a JSON pointer", "line 1 column"],
            ),
            (&index("/a~2"), &["`/a~2` is not a JSON pointer"]),
            (&index("/a~"), &["`/a~` is not a JSON pointer"]),
            (&(index("/a") + "}"), &["trailing characters"]),
            (
                r#"{"app": "bcd", "depends_on": [{"app": "a", "versions": "*", "if": 1}]}"#,
                &["unknown field `if`"],
            ),
        ] {
            let complaint = complaint(text);
            let is_told = parts.iter().all(|part| complaint.contains(part));
            assert!(is_told, "{text}\n{complaint}\n{parts:?}");
        }
    }

    #[test]
    fn pointers_are_rooted_and_escaped() {
        for good in ["", "/", "/a", "/a/0", "/~0~1", "/a b/é", "//"] {
            assert!(is_pointer(good), "{good}");
        }
        for bad in ["a", "~0", "/~", "/~2", "/a~/b", "#/a"] {
            assert!(!is_pointer(bad), "{bad}");
        }
    }
}

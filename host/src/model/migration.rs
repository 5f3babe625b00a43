//! Migrations and their steps, whatever they are written in.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Digest, Name, Position, Version, VersionReq};

/// What brings an app to one version: a component or a schema file, as the catalogue found it.
///
/// ```
/// use godwit::catalogue::Catalogue;
/// use godwit::model::Body;
/// use godwit::sandbox::{Engine, Limits};
///
/// let schema = br#"{"app": "notes", "version": "1.0.0",
///     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// let (mut catalogue, engine) = (Catalogue::new(), Engine::new(Limits::default()));
/// catalogue.add(&engine, "notes.json".into(), schema);
/// let migration = &catalogue.migrations()[0];
/// assert_eq!(migration.app.as_str(), "notes");
/// assert_eq!(migration.body, Body::Schema);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The app whose versions are counted.
    pub app: Name,
    /// The version that the app's items have once this migration is applied.
    pub version: Version,
    /// The versions it can start from; `None`: any earlier one, or none at all.
    pub requires: Option<VersionReq>,
    /// Other apps that must have reached a version first.
    pub depends_on: Vec<Dependency>,
    /// One line for people.
    pub summary: String,
    /// The steps in order, the offline ones before the online ones.
    pub steps: Vec<Step>,
    /// Of the file's bytes.
    pub digest: Digest,
    /// The file it was found in.
    pub file: PathBuf,
    /// What the file is.
    pub body: Body,
}

impl Migration {
    /// The collections that its steps are fed, in their order; one that several are fed comes as often.
    ///
    /// ```
    /// # use godwit::model::*;
    /// # let migration = Migration {
    /// #     app: "notes".parse()?,
    /// #     version: Version::new(2, 0, 0),
    /// #     requires: None,
    /// #     depends_on: Vec::new(),
    /// #     summary: String::new(),
    /// #     steps: vec![Step {
    /// #         name: "fill".parse()?,
    /// #         phase: Phase::Offline,
    /// #         work: StepWork::Transform {
    /// #             mode: Mode::Rewrite,
    /// #             collection: "notes".parse()?,
    /// #             reads: Vec::new(),
    /// #             writes: Vec::new(),
    /// #         },
    /// #     }],
    /// #     digest: Digest::of(b"the file"),
    /// #     file: "notes.wasm".into(),
    /// #     body: Body::Component {
    /// #         contract: Version::new(1, 0, 0),
    /// #         layout: Layout::Columns,
    /// #     },
    /// # };
    /// // The migration has one step, which is fed `notes`.
    /// let fed: Vec<_> = migration.fed().map(|name| name.as_str()).collect();
    /// assert_eq!(fed, ["notes"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fed(&self) -> impl Iterator<Item = &Name> {
        self.steps.iter().filter_map(|step| match &step.work {
            StepWork::Transform { collection, .. } => Some(collection),
            StepWork::Schema(_) => None,
        })
    }

    /// The places of the steps that feed on a collection, in order.
    ///
    /// ```
    /// use godwit::model::Name;
    ///
    /// # use godwit::model::*;
    /// # let migration = Migration {
    /// #     app: "notes".parse()?,
    /// #     version: Version::new(2, 0, 0),
    /// #     requires: None,
    /// #     depends_on: Vec::new(),
    /// #     summary: String::new(),
    /// #     steps: vec![Step {
    /// #         name: "fill".parse()?,
    /// #         phase: Phase::Offline,
    /// #         work: StepWork::Transform {
    /// #             mode: Mode::Rewrite,
    /// #             collection: "notes".parse()?,
    /// #             reads: Vec::new(),
    /// #             writes: Vec::new(),
    /// #         },
    /// #     }],
    /// #     digest: Digest::of(b"the file"),
    /// #     file: "notes.wasm".into(),
    /// #     body: Body::Component {
    /// #         contract: Version::new(1, 0, 0),
    /// #         layout: Layout::Columns,
    /// #     },
    /// # };
    /// // The migration to 2.0.0 has one step, which is fed `notes`.
    /// let notes: Name = "notes".parse()?;
    /// let positions: Vec<_> = migration.positions_over(&notes).collect();
    /// assert_eq!(positions.len(), 1);
    /// assert_eq!((positions[0].version.major, positions[0].step), (2, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn positions_over(&self, collection: &Name) -> impl Iterator<Item = Position> {
        let steps = (0..).zip(&self.steps);
        let over = steps.filter(move |(_, step)| {
            matches!(&step.work, StepWork::Transform { collection: fed, .. } if fed == collection)
        });
        over.map(|(step, _)| Position {
            version: self.version.clone(),
            step,
        })
    }
}

/// What kind of file a migration is.
///
/// ```
/// use godwit::model::{Body, Layout, Version};
///
/// let body = Body::Component {
///     contract: Version::new(1, 0, 0),
///     layout: Layout::Columns,
/// };
/// assert_ne!(body, Body::Schema);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A WebAssembly component of the named contract version.
    Component {
        /// The version of `godwit:migration` that it was built for.
        contract: Version,
        /// How its work is laid out.
        layout: Layout,
    },
    /// A schema file, carried out by the engine itself.
    Schema,
}

/// The layout in which a component takes its batches.
///
/// ```
/// use godwit::model::Layout;
///
/// let layout: Layout = serde_json::from_str("\"columns\"")?;
/// assert_eq!(layout, Layout::Columns);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `transform-columns`: flat.
    Columns,
    /// `transform-text`: one record an item, bodies as strings.
    Text,
    /// `transform`: one record an item, bodies as bytes.
    Records,
}

/// Another app that must have reached a version first.
///
/// ```
/// use godwit::model::{Dependency, Version};
///
/// let users = Dependency {
///     app: "users".parse()?,
///     versions: ">=2, <3".parse()?,
/// };
/// assert!(users.versions.matches(&Version::new(2, 1, 0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The other app.
    pub app: Name,
    /// The versions of it that will do.
    pub versions: VersionReq,
}

/// One pass of a migration.
///
/// ```
/// use godwit::model::{Operation, Phase, Step, StepWork};
///
/// let operation = Operation::CreateCollection {
///     collection: "notes".parse()?,
///     opaque: false,
/// };
/// let step = Step {
///     name: "create".parse()?,
///     phase: Phase::Offline,
///     work: StepWork::Schema(operation),
/// };
/// assert_eq!(step.work.collection().as_str(), "notes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Step {
    /// Unique within the migration.
    pub name: Name,
    /// When it runs.
    pub phase: Phase,
    /// What it does.
    #[serde(flatten)]
    pub work: StepWork,
}

/// What a step does.
///
/// ```
/// use godwit::model::{Mode, StepWork};
///
/// let work = StepWork::Transform {
///     mode: Mode::Rewrite,
///     collection: "notes".parse()?,
///     reads: vec!["tags".parse()?],
///     writes: Vec::new(),
/// };
/// assert_eq!(work.collection().as_str(), "notes");
/// assert_eq!(work.reads()[0].as_str(), "tags");
/// assert!(!work.is_pure_rewrite());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum StepWork {
    /// Feeds a collection to a component.
    Transform {
        /// What it may do to the items it is fed.
        mode: Mode,
        /// The collection it is fed from.
        collection: Name,
        /// Collections that it asks to read.
        reads: Vec<Name>,
        /// Collections that it asks to write.
        writes: Vec<Name>,
    },
    /// Changes what collections and indexes there are.
    Schema(Operation),
}

impl StepWork {
    /// The collection that the step is about.
    pub fn collection(&self) -> &Name {
        match self {
            Self::Transform { collection, .. } => collection,
            Self::Schema(operation) => operation.collection(),
        }
    }

    /// Whether it makes new items of those that it is fed, and sees nothing else.
    pub fn is_pure_rewrite(&self) -> bool {
        matches!(
            self,
            Self::Transform { mode: Mode::Rewrite, reads, writes, .. }
                if reads.is_empty() && writes.is_empty()
        )
    }

    /// The collections that it asks to read, beside its own.
    pub fn reads(&self) -> &[Name] {
        match self {
            Self::Transform { reads, .. } => reads,
            Self::Schema(_) => &[],
        }
    }
}

/// A change of what collections and indexes there are. Each is idempotent.
///
/// ```
/// use godwit::model::Operation;
///
/// let text = r#"{"ensure_index": {"collection": "notes", "pointer": "/tags"}}"#;
/// let operation: Operation = serde_json::from_str(text)?;
/// assert_eq!(operation.collection().as_str(), "notes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Operation {
    /// Creates an empty collection where there is none.
    CreateCollection {
        /// Its name.
        collection: Name,
        /// Bodies are bytes of any kind; otherwise they are checked to be JSON.
        #[serde(default)]
        opaque: bool,
    },
    /// Keeps an index on the value at a JSON pointer (RFC 6901), building it where there is none.
    EnsureIndex {
        /// The collection.
        collection: Name,
        /// Where the value is in a body, as in `/status/deprecated`.
        pointer: String,
    },
    /// Drops an index where there is one.
    DropIndex {
        /// The collection.
        collection: Name,
        /// The pointer that the index was made on.
        pointer: String,
    },
}

impl Operation {
    /// The collection that is changed.
    pub fn collection(&self) -> &Name {
        match self {
            Self::CreateCollection { collection, .. }
            | Self::EnsureIndex { collection, .. }
            | Self::DropIndex { collection, .. } => collection,
        }
    }
}

/// When a step runs, seen from the application that owns the data.
///
/// ```
/// use godwit::model::Phase;
///
/// assert!(Phase::Offline < Phase::Online);
/// assert_eq!(Phase::Online.to_string(), "online");
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Phase {
    /// Before the new version takes traffic.
    #[default]
    Offline,
    /// While the new version is serving.
    Online,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Offline => "offline",
            Self::Online => "online",
        })
    }
}

/// What a step may do to the items that it is fed.
///
/// ```
/// use godwit::model::Mode;
///
/// let mode: Mode = serde_json::from_str("\"derive\"")?;
/// assert_eq!(mode, Mode::Derive);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Mode {
    /// Each item may be updated or removed, and then has the migration's version.
    Rewrite,
    /// Each item is only read.
    Derive,
}

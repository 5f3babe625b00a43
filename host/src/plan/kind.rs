//! The kinds of findings, by the names that policies and JSON use.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a finding is about.
///
/// ```
/// use godwit::plan::Kind;
///
/// let kind: Kind = "digest-drift".parse()?;
/// assert_eq!(kind, Kind::DigestDrift);
/// assert!(kind.is_choosable());
/// assert!(!Kind::Cycle.is_choosable());
/// assert_eq!(Kind::Cycle.name(), "cycle");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Kind {
    /// A file of the catalogue's folder is no valid migration.
    InvalidFile,
    /// A file that is needed, or was used, is missing from the catalogue.
    Gap,
    /// Two files are for the same version of the same app.
    Duplicate,
    /// A file differs from the one that was applied.
    DigestDrift,
    /// A migration arrived after a newer one was applied.
    LateArrival,
    /// A migration cannot start from the version that the app would have.
    Requires,
    /// Another app does not have the version that a migration depends on.
    Dependency,
    /// Migrations depend on each other in a circle.
    Cycle,
    /// The store was written by newer migrations than the catalogue has.
    NewerStore,
    /// The version asked for cannot be reached.
    Target,
    /// A phase asked for has to wait for the other one.
    PhaseOrder,
    /// The app asked for is not in the catalogue.
    AppUnknown,
    /// The collection asked for belongs to no app.
    CollectionUnknown,
    /// A migration changes a collection of another app.
    ForeignCollection,
    /// A step asks for a collection that is not granted.
    Grant,
    /// A run has to be finished or undone first.
    UnfinishedRun,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 16] = [
        Self::InvalidFile,
        Self::Gap,
        Self::Duplicate,
        Self::DigestDrift,
        Self::LateArrival,
        Self::Requires,
        Self::Dependency,
        Self::Cycle,
        Self::NewerStore,
        Self::Target,
        Self::PhaseOrder,
        Self::AppUnknown,
        Self::CollectionUnknown,
        Self::ForeignCollection,
        Self::Grant,
        Self::UnfinishedRun,
    ];

    /// The name that policies and JSON use, as in `digest-drift`.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidFile => "invalid-file",
            Self::Gap => "gap",
            Self::Duplicate => "duplicate",
            Self::DigestDrift => "digest-drift",
            Self::LateArrival => "late-arrival",
            Self::Requires => "requires",
            Self::Dependency => "dependency",
            Self::Cycle => "cycle",
            Self::NewerStore => "newer-store",
            Self::Target => "target",
            Self::PhaseOrder => "phase-order",
            Self::AppUnknown => "app-unknown",
            Self::CollectionUnknown => "collection-unknown",
            Self::ForeignCollection => "foreign-collection",
            Self::Grant => "grant",
            Self::UnfinishedRun => "unfinished-run",
        }
    }

    /// Whether a policy may choose what to do about it. The others are always refused, because
    /// going on would have no meaning or would lose data.
    pub fn is_choosable(self) -> bool {
        match self {
            Self::InvalidFile
            | Self::Gap
            | Self::DigestDrift
            | Self::LateArrival
            | Self::Requires
            | Self::Dependency
            | Self::PhaseOrder
            | Self::Grant => true,
            Self::Duplicate
            | Self::Cycle
            | Self::NewerStore
            | Self::Target
            | Self::AppUnknown
            | Self::CollectionUnknown
            | Self::ForeignCollection
            | Self::UnfinishedRun => false,
        }
    }

    /// The names of the kinds that a policy may choose, for messages.
    pub(super) fn choosable_names() -> String {
        let choosable = Self::ALL.iter().filter(|kind| kind.is_choosable());
        choosable
            .map(|kind| kind.name())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<Kind> for &'static str {
    fn from(kind: Kind) -> Self {
        kind.name()
    }
}

/// Occurs when a text does not name a kind of finding.
///
/// ```
/// use godwit::plan::Kind;
///
/// let error = "hole".parse::<Kind>().unwrap_err();
/// assert_eq!(error.name, "hole");
/// assert!(error.to_string().starts_with("`hole` is no kind"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no kind of finding that a policy can choose: {}",
    Kind::choosable_names()
)]
pub struct UnknownKind {
    /// What was given.
    pub name: String,
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownKind {
            name: name.to_owned(),
        })
    }
}

impl TryFrom<String> for Kind {
    type Error = UnknownKind;

    fn try_from(name: String) -> Result<Self, UnknownKind> {
        name.parse()
    }
}

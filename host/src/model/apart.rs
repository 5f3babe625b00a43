//! Items that have another version than their collection says.

use serde::{Deserialize, Serialize};

use super::{Name, RunId, Timestamp, Version};

/// The entry of an item that is apart from its collection: it failed a step and is in quarantine,
/// it was imported with an older version and waits to be brought up to date, or it was brought
/// ahead on its own.
///
/// Items without an entry have the version of their collection, or a newer one by their stamp.
/// Passes over a whole collection leave items with an entry out; they have passes of their own.
///
/// ```
/// use godwit::model::{Apart, Version};
///
/// let waits = Apart {
///     version: Version::new(1, 0, 0),
///     next: None,
///     failure: None,
/// };
/// assert!(waits.is_due(&Version::new(2, 0, 0), 0));
/// assert!(!waits.is_due(&Version::new(1, 0, 0), 0));
/// assert!(!waits.is_open());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apart {
    /// The version whose shape the item has.
    pub version: Version,
    /// The next step that the item is due for; `None`: the first one after `version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Position>,
    /// Why it is in quarantine; `None`: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Apart {
    /// Whether the item is due for step `step` of the migration to `version`.
    pub fn is_due(&self, version: &Version, step: u32) -> bool {
        match &self.next {
            Some(next) => (&next.version, next.step) <= (version, step),
            None => self.version < *version,
        }
    }

    /// Whether the item is in quarantine and nobody has accepted that.
    pub fn is_open(&self) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|failure| !failure.accepted)
    }
}

/// A step of a migration.
///
/// ```
/// use godwit::model::{Position, Version};
///
/// let at = |version, step| Position { version, step };
/// let last = at(Version::new(1, 0, 0), 3);
/// assert!(last < at(Version::new(2, 0, 0), 0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Position {
    /// The migration's version.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub version: Version,
    /// The step's place in the migration, from 0.
    pub step: u32,
}

/// Why an item is in quarantine.
///
/// ```
/// use godwit::model::{Failure, FailureKind};
///
/// let text = r#"{"kind": "refused", "reason": "it has no title", "migration": "2.0.0", "step": "fill",
///     "run": 3, "at": 1700000000000}"#;
/// let failure: Failure = serde_json::from_str(text)?;
/// let kind = FailureKind::named(&failure.kind);
/// assert_eq!(kind, Some(FailureKind::Refused));
/// assert!(!failure.accepted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Failure {
    /// The name of a [`super::FailureKind`], as in `refused`, `trapped`, `timed out`.
    pub kind: String,
    /// What the migration or the sandbox said.
    pub reason: String,
    /// The migration that the item failed.
    #[cfg_attr(feature = "server", schema(value_type = String))]
    pub migration: Version,
    /// The step that it failed.
    pub step: Name,
    /// The run in which it failed last.
    pub run: RunId,
    /// When it failed last.
    pub at: Timestamp,
    /// An operator accepted by name that the item stays as it is.
    #[serde(default)]
    pub accepted: bool,
}

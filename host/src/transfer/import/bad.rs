//! Lines that are not imported.

use serde::{Deserialize, Serialize};

use crate::model::{RunId, RunState, Version};

/// A line that was not imported.
///
/// ```
/// use godwit::transfer::{BadLine, BadLineReason};
///
/// let bad = BadLine { line: 3, column: Some(8), reason: BadLineReason::NotUtf8 };
/// assert_eq!(bad.to_string(), "line 3, column 8: it is not UTF-8");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// Where in the line, in bytes from 1; `None` where that is not known or the whole line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// Why.
    #[serde(flatten)]
    pub reason: BadLineReason,
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}

/// Why a line was not imported.
///
/// ```
/// use godwit::transfer::{BadLineReason, Pointer, identify};
///
/// let pointer: Pointer = "/_id".parse()?;
/// let reason = identify(b"{}", &pointer).unwrap_err();
/// assert_eq!(reason, BadLineReason::NoId { pointer: "/_id".to_owned() });
/// assert!(reason.is_json());
/// assert!(!BadLineReason::NotUtf8.is_json());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum BadLineReason {
    /// Occurs when it is longer than a body may be.
    #[error("it has {bytes} bytes, a body has {limit} at most")]
    TooLong {
        /// Its length without the line ending.
        bytes: u64,
        /// The longest body.
        limit: u64,
    },
    /// Occurs when its bytes are no text.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Occurs when its text is not one JSON value.
    #[error("it is not JSON: {message}")]
    NotJson {
        /// What is wrong with it.
        message: String,
    },
    /// Occurs when the pointer leads into a value that holds no others.
    #[error("it is not an object, so that nothing is at `{pointer}`")]
    NotAnObject {
        /// Where the id was looked for.
        pointer: String,
    },
    /// Occurs when there is no id.
    #[error("there is nothing at `{pointer}`, where its id should be")]
    NoId {
        /// Where the id was looked for.
        pointer: String,
    },
    /// Occurs when the id is neither a string nor an integer.
    #[error("at `{pointer}` is {found}; an id is a string or an integer")]
    NotAnId {
        /// Where the id was looked for.
        pointer: String,
        /// What was there.
        found: String,
    },
    /// Occurs when the id is empty or too long.
    #[error("an id has 1 to {max} bytes, this one has {bytes}", max = crate::model::item::MAX_ID_BYTES)]
    IdLength {
        /// How many bytes it has.
        bytes: u64,
    },
    /// Occurs when nothing says which version it has.
    #[error(
        "there is nothing at `{pointer}`, where its version should be, and no other version was given"
    )]
    NoVersion {
        /// Where the version was looked for.
        pointer: String,
    },
    /// Occurs when what should be its version is none.
    #[error("at `{pointer}` is {found}; a version is a text as in \"1.2.3\"")]
    NotAVersion {
        /// Where the version was looked for.
        pointer: String,
        /// What was there.
        found: String,
    },
    /// Occurs when its version is longer than a version may be.
    #[error("a version has {limit} bytes at most, that at `{pointer}` has {bytes}")]
    VersionTooLong {
        /// Where the version was found.
        pointer: String,
        /// How long it is.
        bytes: u64,
        /// The longest version.
        limit: u64,
    },
    /// Occurs when its version is above the highest one that an item may have.
    #[error("its version {version} is above {highest}, and no migration leads there")]
    TooNew {
        /// The version.
        version: Version,
        /// The highest one.
        highest: Version,
    },
    /// Occurs when there is an item with this id already, and such were to be refused.
    #[error("the item `{}` is there already, with {difference}", .id.escape_debug())]
    Exists {
        /// The id.
        id: String,
        /// In what it differs from the line.
        difference: Difference,
    },
    /// Occurs when a run has to be finished or undone first, and the item is not in quarantine.
    #[error("run {run} is {state}, and the item `{}` is not in quarantine", .id.escape_debug())]
    RunInTheWay {
        /// The id.
        id: String,
        /// The run.
        run: RunId,
        /// How far it has come.
        state: RunState,
    },
}

impl BadLineReason {
    /// Whether the line is a JSON document all the same: only its id or its version is missing or of no use.
    pub fn is_json(&self) -> bool {
        !matches!(
            self,
            Self::TooLong { .. } | Self::NotUtf8 | Self::NotJson { .. }
        )
    }
}

/// How an item that is there differs from one that comes.
///
/// ```
/// use godwit::transfer::{BadLineReason, Difference};
///
/// let exists = BadLineReason::Exists { id: "first".to_owned(), difference: Difference::Body };
/// assert_eq!(exists.to_string(), "the item `first` is there already, with another body");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// It has another body.
    #[error("another body")]
    Body,
    /// It has a body, and a migration removes the one that comes.
    #[error("a body, where a migration leaves none of this one")]
    Removed,
    /// It has the same body and this version.
    #[error("the same body and version {0}")]
    Version(Version),
}

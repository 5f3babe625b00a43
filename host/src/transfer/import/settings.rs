//! What is imported, and how.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::model::{Digest, Name, Version};
use crate::run::{MaxFailures, OnFailure};
use crate::transfer::Pointer;

/// What is imported, and how. The limits of batches do not change the result.
///
/// ```
/// use godwit::transfer::{ImportSettings, OnExisting};
///
/// let settings = ImportSettings {
///     on_existing: OnExisting::Replace,
///     ..ImportSettings::new("notes".parse()?, "notes".parse()?, None)
/// };
/// assert_eq!(settings.id.to_string(), "/_id");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportSettings {
    /// The app that the items belong to.
    pub app: Name,
    /// The collection that they come into.
    pub collection: Name,
    /// The app version whose shape they have, but for those that say another one at `version_at`. A new app stands at it,
    /// so that it cannot be left out there.
    pub version: Option<Version>,
    /// Where in its body an item may say the version whose shape it has; `None`: nowhere.
    pub version_at: Option<Pointer>,
    /// The highest version that an item may have; with newer ones nothing could be planned. `None`: any.
    pub highest: Option<Version>,
    /// Where an item's id is in its body.
    pub id: Pointer,
    /// What becomes of an item whose id is there already with another body or version.
    pub on_existing: OnExisting,
    /// What tells the source apart from others: a digest of its first bytes and its length, say.
    /// With it an import that was interrupted can be gone on with.
    pub source: Option<Digest>,
    /// Whether to start at the first line even if an import of the same source was interrupted.
    pub restart: bool,
    /// The longest body, in bytes. The default is that of [`crate::sandbox::Limits::body_bytes`]:
    /// no migration could be fed a longer one.
    pub body_bytes: usize,
    /// How many of the lines that are not imported are kept with their reasons.
    pub bad_lines: usize,
    /// What is done with an item that fails a migration on its way in: it waits as it came, or the import stops.
    pub on_failure: OnFailure,
    /// How many of those that go through migrations may fail before the import stops. The default is that of
    /// runs.
    pub max_failures: MaxFailures,
    /// Bytes that are read for one commit; one line may go beyond. The default is 256 KiB, like
    /// that of a run's batches.
    pub batch_bytes: usize,
    /// Lines that are read for one commit.
    pub batch_lines: usize,
}

impl ImportSettings {
    /// Imports into a collection of an app, items of one version if it is given; ids are at `/_id`, items that are there
    /// already are refused.
    pub fn new(app: Name, collection: Name, version: Option<Version>) -> Self {
        Self {
            app,
            collection,
            version,
            version_at: None,
            highest: None,
            id: "/_id".parse().expect("it is a pointer"),
            on_existing: OnExisting::default(),
            source: None,
            restart: false,
            body_bytes: 8 << 20,
            bad_lines: 100,
            on_failure: OnFailure::default(),
            max_failures: MaxFailures::default(),
            batch_bytes: 256 << 10,
            batch_lines: 4_096,
        }
    }

    /// Under what the import's checkpoint is kept.
    pub(super) fn checkpoint_key(&self) -> Option<Digest> {
        let key = |source: Digest| Digest::of(format!("{}\0{source}", self.collection).as_bytes());
        self.source.map(key)
    }

    /// A digest of all that the result depends on but the source: a checkpoint of an import with
    /// other settings is of no use.
    pub(super) fn digest(&self) -> Digest {
        let Self {
            app,
            collection,
            version,
            version_at,
            highest,
            id,
            on_existing,
            body_bytes,
            ..
        } = self;
        let shown =
            |part: Option<&dyn Display>| part.map_or_else(String::new, |it| format!("={it}"));
        let version = shown(version.as_ref().map(|it| it as _));
        let version_at = shown(version_at.as_ref().map(|it| it as _));
        let highest = highest
            .as_ref()
            .map_or_else(String::new, |it| format!("\0{it}"));
        let parts = format!(
            "{app}\0{collection}\0{version}\0{version_at}\0{on_existing:?}\0{body_bytes}\0{id}{highest}"
        );
        Digest::of(parts.as_bytes())
    }
}

/// What becomes of an item whose id is there already with another body or version.
///
/// ```
/// use godwit::transfer::OnExisting;
///
/// assert_eq!(OnExisting::default(), OnExisting::Refuse);
/// assert_eq!(serde_json::to_string(&OnExisting::Keep)?, r#""keep""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExisting {
    /// Its line is a bad one.
    #[default]
    Refuse,
    /// It gets the line's body and version.
    Replace,
    /// It stays as it is.
    Keep,
}

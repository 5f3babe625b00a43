//! The lock: which migrations were tested, so that no others run.

use serde::{Deserialize, Serialize};

use super::Catalogue;
use crate::model::{Body, Digest, Migration, Name, Version};

/// The format of a lock that this build writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// The migrations that were tested, and with what.
///
/// ```
/// # use godwit::sandbox::{Engine, Limits};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = godwit::catalogue::Catalogue::new();
/// # catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), schema);
/// use godwit::catalogue::{Catalogue, Lock};
///
/// let lock = Lock::of(&catalogue);
/// assert_eq!(lock.engine, Lock::ENGINE);
/// assert!(lock.check(&catalogue).is_empty());
/// assert_eq!(lock.check(&Catalogue::new()).len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The format of the lock.
    pub format: u32,
    /// What carried them out.
    pub engine: String,
    /// The migrations, by app and version.
    #[serde(default, rename = "migration")]
    pub migrations: Vec<Locked>,
}

/// A migration that was tested.
///
/// ```
/// # use godwit::sandbox::{Engine, Limits};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = godwit::catalogue::Catalogue::new();
/// # catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), schema);
/// use godwit::catalogue::Lock;
/// use godwit::model::Digest;
///
/// let lock = Lock::of(&catalogue);
/// let locked = &lock.migrations[0];
/// assert_eq!(locked.file, "notes.json");
/// assert_eq!(locked.sha256, Digest::of(schema));
/// assert_eq!(locked.contract, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The app.
    pub app: Name,
    /// The version that it leads to.
    pub version: Version,
    /// The name of its file, for people.
    pub file: String,
    /// The SHA-256 of its file.
    pub sha256: Digest,
    /// The version of the contract that it speaks; `None` where it is a schema file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Version>,
}

/// A way in which what is there is not what was locked.
///
/// ```
/// # use godwit::sandbox::{Engine, Limits};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = godwit::catalogue::Catalogue::new();
/// # catalogue.add(&Engine::new(Limits::default()), "notes.json".into(), schema);
/// use godwit::catalogue::{Catalogue, Lock, LockFinding};
///
/// let findings = Lock::of(&Catalogue::new()).check(&catalogue);
/// assert!(matches!(&findings[..], [LockFinding::Unknown { .. }]));
/// assert_eq!(findings[0].to_string(), "notes 1.0.0 (notes.json) is not in the lock");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockFinding {
    /// Occurs when a newer Godwit wrote the lock.
    #[error("the lock has format {0}; this Godwit reads up to {FORMAT}")]
    NewerFormat(u32),
    /// Occurs when the host is another one than the tested one.
    #[error("the lock was written with {locked}, and this is {found}")]
    Engine {
        /// What the lock says.
        locked: String,
        /// What is there.
        found: String,
    },
    /// Occurs when a migration is not in the lock.
    #[error("{app} {version} ({file}) is not in the lock")]
    Unknown {
        /// The app.
        app: Name,
        /// The version.
        version: Version,
        /// The file.
        file: String,
    },
    /// Occurs when a migration has other bytes than the tested one.
    #[error("{app} {version} ({file}) is another one than in the lock: {found} instead of {locked}", found = .found.short(), locked = .locked.short())]
    Differs {
        /// The app.
        app: Name,
        /// The version.
        version: Version,
        /// The file.
        file: String,
        /// The digest in the lock.
        locked: Digest,
        /// The digest of the file.
        found: Digest,
    },
    /// Occurs when a locked migration is not there.
    #[error("{app} {version} ({file}) is in the lock, and not among the plugins")]
    Missing {
        /// The app.
        app: Name,
        /// The version.
        version: Version,
        /// The file that it had.
        file: String,
    },
}

impl Lock {
    /// What carries migrations out: this library in its version.
    pub const ENGINE: &'static str = concat!("godwit ", env!("CARGO_PKG_VERSION"));

    /// Locks what a catalogue has.
    pub fn of(catalogue: &Catalogue) -> Self {
        Self {
            format: FORMAT,
            engine: Self::ENGINE.to_owned(),
            migrations: catalogue.migrations().iter().map(locked).collect(),
        }
    }

    /// In which ways a catalogue is not what was locked.
    pub fn check(&self, catalogue: &Catalogue) -> Vec<LockFinding> {
        if self.format > FORMAT {
            return vec![LockFinding::NewerFormat(self.format)];
        }
        let mut findings = Vec::new();
        if self.engine != Self::ENGINE {
            findings.push(LockFinding::Engine {
                locked: self.engine.clone(),
                found: Self::ENGINE.to_owned(),
            });
        }
        let found: Vec<_> = catalogue.migrations().iter().map(locked).collect();
        let same = |a: &Locked, b: &Locked| (&a.app, &a.version) == (&b.app, &b.version);
        for there in &found {
            let Locked {
                app, version, file, ..
            } = there.clone();
            match self.migrations.iter().find(|locked| same(locked, there)) {
                None => findings.push(LockFinding::Unknown { app, version, file }),
                Some(locked) if locked.sha256 != there.sha256 => {
                    findings.push(LockFinding::Differs {
                        app,
                        version,
                        file,
                        locked: locked.sha256,
                        found: there.sha256,
                    });
                }
                Some(_) => {}
            }
        }
        for locked in &self.migrations {
            if !found.iter().any(|there| same(there, locked)) {
                let Locked {
                    app, version, file, ..
                } = locked.clone();
                findings.push(LockFinding::Missing { app, version, file });
            }
        }
        findings
    }
}

fn locked(migration: &Migration) -> Locked {
    let file = migration.file.file_name().unwrap_or_default();
    Locked {
        app: migration.app.clone(),
        version: migration.version.clone(),
        file: file.to_string_lossy().into_owned(),
        sha256: migration.digest,
        contract: match &migration.body {
            Body::Component { contract, .. } => Some(contract.clone()),
            Body::Schema => None,
        },
    }
}

//! What a migration says about itself.

/// Describes a migration: the application, the version that it brings, and its steps.
///
/// ```
/// use godwit_plugin::{Descriptor, Step};
///
/// Descriptor::new("shop", "3.0.0")
///     .requires(">=2, <3")
///     .depends_on("billing", ">=1.4")
///     .summary("splits addresses off orders")
///     .step(Step::rewrite("split", "orders").writes("addresses"))
///     .step(Step::derive("index", "orders").online().writes("orders-by-city"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Descriptor {
    /// The application whose versions are counted: 1 to 64 bytes.
    pub app: String,
    /// The version (semver) that the application's items have afterwards.
    pub version: String,
    /// The versions of `app` that it can start from; absent: any earlier one, or none at all.
    pub requires: Option<String>,
    /// Versions of other applications that must be applied before.
    pub depends_on: Vec<Dependency>,
    /// One line for people.
    pub summary: String,
    /// Carried out in this order, the offline ones before the online ones.
    pub steps: Vec<Step>,
}

impl Descriptor {
    /// A migration that brings `app` to `version` and has no steps yet.
    pub fn new(app: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            version: version.into(),
            requires: None,
            depends_on: Vec::new(),
            summary: String::new(),
            steps: Vec::new(),
        }
    }

    /// Names the versions of the application that it can start from, as a semver requirement like `>=1, <2`.
    pub fn requires(mut self, versions: impl Into<String>) -> Self {
        self.requires = Some(versions.into());
        self
    }

    /// Names another application that must have reached one of `versions` before.
    pub fn depends_on(mut self, app: impl Into<String>, versions: impl Into<String>) -> Self {
        self.depends_on.push(Dependency {
            app: app.into(),
            versions: versions.into(),
        });
        self
    }

    /// Says in one line what it does.
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }

    /// Adds a step after those that are there.
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// Another application that must have reached a version first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The other application.
    pub app: String,
    /// A semver requirement, as in `>=2.1, <4`.
    pub versions: String,
}

/// One pass over one collection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step {
    /// Unique within the migration: 1 to 64 bytes.
    pub name: String,
    /// When it runs.
    pub phase: Phase,
    /// What it may do to the items that it is fed.
    pub mode: Mode,
    /// The collection whose items it is fed.
    pub collection: String,
    /// Other collections that it asks to read.
    pub reads: Vec<String>,
    /// Other collections that it asks to write; it may read them too.
    pub writes: Vec<String>,
}

impl Step {
    /// An offline step that may update or remove the items of `collection`.
    pub fn rewrite(name: impl Into<String>, collection: impl Into<String>) -> Self {
        Self::new(Mode::Rewrite, name.into(), collection.into())
    }

    /// An offline step that reads the items of `collection` and writes to others through
    /// [`Documents`](crate::Documents).
    pub fn derive(name: impl Into<String>, collection: impl Into<String>) -> Self {
        Self::new(Mode::Derive, name.into(), collection.into())
    }

    fn new(mode: Mode, name: String, collection: String) -> Self {
        Self {
            name,
            phase: Phase::Offline,
            mode,
            collection,
            reads: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// Lets it run while the new version is serving.
    pub fn online(mut self) -> Self {
        self.phase = Phase::Online;
        self
    }

    /// Asks to read a collection.
    pub fn reads(mut self, collection: impl Into<String>) -> Self {
        self.reads.push(collection.into());
        self
    }

    /// Asks to write a collection, and to read it.
    pub fn writes(mut self, collection: impl Into<String>) -> Self {
        self.writes.push(collection.into());
        self
    }
}

/// When a step runs, seen from the application that owns the items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the new version takes traffic; nothing else writes meanwhile.
    Offline,
    /// While the new version is serving.
    Online,
}

/// What a step may do to the items that it is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each item may be updated or removed.
    Rewrite,
    /// Each item is only read.
    Derive,
}

//! What there is, at a glance.

use serde::Serialize;

use super::{Busy, Host, HostError};
use crate::model::{Name, Phase, Run, RunState, Stage, Version};
use crate::plan::{Finding, Goal, Kind, Severity};
use crate::run::{Control, Quiet, Report};
use crate::store::{ShadowState, Tallies};

/// What a store has, and where its apps are.
///
/// ```
/// # fn example(host: &godwit::blocking::Host) -> Result<(), Box<dyn std::error::Error>> {
/// let status = host.status()?;
/// println!("{}: {} items have failed", status.store, status.open());
/// println!("{} were accepted", status.accepted());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Status {
    /// The store's URL.
    pub store: String,
    /// The bytes that it takes on disk.
    pub bytes: Option<u64>,
    /// The apps.
    pub apps: Vec<AppStatus>,
    /// The collections.
    pub collections: Vec<CollectionStatus>,
    /// The run that has to be finished or undone first, [as it is now](Host::as_of_now).
    pub unfinished: Option<Run>,
    /// Who works on the store now; `None`: nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy: Option<Busy>,
    /// How far the shadow run is, if there is one; [`Host::shadow`] tells more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowState>,
}

/// Where an app is.
///
/// ```
/// # fn example(host: &godwit::blocking::Host) -> Result<(), Box<dyn std::error::Error>> {
/// for app in host.status()?.apps {
///     println!("{} is at {:?} and serves {:?}", app.app, app.version, app.serves);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct AppStatus {
    /// The app.
    pub app: Name,
    /// Its version: the highest whose offline phase is applied.
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub version: Option<Version>,
    /// The version that may serve now; `None` while items are between two versions, or have none.
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub serves: Option<Version>,
    /// The version that existing items were declared to have.
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub baseline: Option<Version>,
    /// The versions applied, with their phases.
    #[cfg_attr(feature = "server", schema(value_type = Vec<(String, Vec<Phase>)>))]
    pub applied: Vec<(Version, Vec<Phase>)>,
}

/// How a collection is.
///
/// ```
/// # fn example(host: &godwit::blocking::Host) -> Result<(), Box<dyn std::error::Error>> {
/// for found in host.status()?.collections {
///     println!("{} of {} has {} items", found.collection, found.app, found.tallies.items);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct CollectionStatus {
    /// Its name.
    pub collection: Name,
    /// The app that it belongs to.
    pub app: Name,
    /// The version that its items have, unless they say otherwise.
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub level: Option<Version>,
    /// The pointers that it has an index on.
    pub indexes: Vec<String>,
    /// How many items it has.
    #[serde(flatten)]
    pub tallies: Tallies,
}

impl Status {
    /// How many items are in quarantine that nobody has accepted.
    pub fn open(&self) -> u64 {
        self.collections
            .iter()
            .map(|found| found.tallies.open)
            .sum()
    }

    /// How many items are in quarantine and accepted.
    pub fn accepted(&self) -> u64 {
        let accepted = self.collections.iter().map(|found| found.tallies.accepted);
        accepted.sum()
    }
}

impl Host {
    /// What a run has done so far, as it is now.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
    /// for run in host.store().runs()? {
    ///     let report = host.report(run)?;
    ///     assert!(report.is_completed());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn report(&self, run: Run) -> Result<Report, HostError> {
        let run = self.as_of_now(run)?;
        Ok(self.runner(&Quiet, &Control::default()).report(run)?)
    }

    /// What there is, at a glance. Its cost does not grow with the number of items.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// # host.up(&Default::default(), &godwit::run::Quiet, &Default::default())?;
    /// # host.put(&"notes".parse()?, "first", &"1.0.0".parse()?, br#"{"title": "hello"}"#)?;
    /// use godwit::model::Version;
    ///
    /// let status = host.status()?;
    /// assert_eq!(status.apps[0].version, Some(Version::new(1, 0, 0)));
    /// assert_eq!(status.apps[0].serves, status.apps[0].version);
    /// assert_eq!(status.collections[0].tallies.items, 1);
    /// assert!(status.unfinished.is_none() && status.busy.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn status(&self) -> Result<Status, HostError> {
        let mut collections = Vec::new();
        for (collection, record) in self.store.collections()? {
            collections.push(CollectionStatus {
                tallies: Tallies {
                    items: self.store.count_items(&collection)?,
                    ..self.store.tallies(&collection)?
                },
                collection,
                app: record.app,
                level: record.level,
                indexes: record
                    .indexes
                    .into_iter()
                    .map(|index| index.pointer)
                    .collect(),
            });
        }
        let apps = self.store.history()?.apps();
        let unfinished = self.unfinished()?;
        let apps = apps.into_iter().map(|(app, state)| AppStatus {
            serves: match &unfinished {
                Some(run) if is_between(run, &app) => None,
                _ => state.version().cloned(),
            },
            app,
            version: state.version().cloned(),
            baseline: state.baseline,
            applied: state
                .applied
                .into_iter()
                .map(|(version, applied)| (version, applied.phases.into_keys().collect()))
                .collect(),
        });
        Ok(Status {
            store: self.store.backend().url(),
            bytes: self.store.backend().size_on_disk()?,
            apps: apps.collect(),
            collections,
            unfinished: unfinished.map(|run| self.as_of_now(run)).transpose()?,
            busy: self.busy()?,
            shadow: self.store.shadow()?.map(|shadow| shadow.state),
        })
    }
}

/// Whether an application may serve.
///
/// ```
/// # fn example(host: &godwit::blocking::Host) -> Result<(), Box<dyn std::error::Error>> {
/// let readiness = host.readiness()?;
/// if !readiness.is_ready {
///     println!("not yet: {}", readiness.reasons.join("; "));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Readiness {
    /// Whether it may.
    pub is_ready: bool,
    /// What keeps it from that, for people; empty where nothing does.
    pub reasons: Vec<String>,
}

impl Host {
    /// Whether the application may serve: every app of the catalogue is at its newest version, as far as offline steps go,
    /// and no run has left it between two versions.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// use godwit::plan::Goal;
    /// use godwit::run::{Control, Quiet};
    ///
    /// let readiness = host.readiness()?;
    /// assert_eq!(readiness.reasons, ["notes 1.0.0 has offline steps to come"]);
    /// host.up(&Goal::default(), &Quiet, &Control::default())?;
    /// assert!(host.readiness()?.is_ready);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn readiness(&self) -> Result<Readiness, HostError> {
        let mut reasons = Vec::new();
        let offline = Goal {
            phase: Some(Phase::Offline),
            ..Goal::default()
        };
        let planned = self.plan(&offline)?;
        let is_held_up = |finding: &&Finding| match finding.severity {
            Severity::Refused => true,
            // An offline stage comes after an online one that is still to come.
            Severity::Warned => finding.kind() == Kind::PhaseOrder,
            Severity::Accepted | Severity::Info => false,
        };
        let held_up = planned.findings.iter().filter(is_held_up);
        reasons.extend(held_up.map(ToString::to_string));
        let is_offline = |stage: &&Stage| stage.phase == Phase::Offline;
        reasons.extend(planned.plan.stages.iter().filter(is_offline).map(|stage| {
            let Stage { app, version, .. } = stage;
            format!("{app} {version} has offline steps to come")
        }));
        for app in self.status()?.apps {
            if app.version.is_some() && app.serves.is_none() && reasons.is_empty() {
                reasons.push(format!("a run has left {} between two versions", app.app));
            }
        }
        Ok(Readiness {
            is_ready: reasons.is_empty(),
            reasons,
        })
    }
}

/// Whether an unfinished run has left items of an app between two versions, as far as its offline steps go: online ones are
/// made for a version that serves.
fn is_between(run: &Run, app: &Name) -> bool {
    let done = match run.state {
        // What was done is being taken back.
        RunState::Undoing => 0,
        _ => run.stages_done as usize,
    };
    let mut left = run.plan.stages.iter().skip(done);
    left.any(|stage| stage.app == *app && stage.phase == Phase::Offline)
}

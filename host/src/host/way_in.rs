//! Bringing items up that are older than they should be: before an import writes them, or while they are read.

use std::sync::Arc;

use super::{Host, HostError};
use crate::model::{Batch, Name, Version};
use crate::plan::{self, Errand};
use crate::run::{CatchUp, CatchUpStep, CaughtUp, Control, Crew, Moment, RunError};
use crate::transfer::{self, Hurdle};

/// The way of an import's items into a collection: through the migrations that are applied above their versions, in memory,
/// as far as these see nothing but the items themselves.
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
/// use godwit::run::Control;
/// use godwit::transfer::WayIn as _;
///
/// let (notes, control) = ("notes".parse()?, Control::default());
/// let way = host.way_in(&notes, &notes, &control)?.ok_or("it has a version")?;
/// // Nothing keeps items of this version from being brought up.
/// assert!(way.hurdle(&"0.9.0".parse()?).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WayIn {
    app: Name,
    level: Version,
    /// The versions whose migrations are applied and there.
    versions: Vec<Version>,
    hurdles: Vec<Arc<Hurdle>>,
    chain: CatchUp,
}

impl Host {
    /// The way of items into a collection of an app, as it stands now: whoever imports with it holds the lease already.
    /// `None` where the collection has no version that they could be brought up to.
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
    /// use godwit::run::Control;
    ///
    /// let app = "notes".parse()?;
    /// let way = host.way_in(&app, &"notes".parse()?, &Control::default())?;
    /// assert!(way.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn way_in(
        &self,
        app: &Name,
        collection: &Name,
        control: &Control,
    ) -> Result<Option<WayIn>, HostError> {
        let Some(level) = transfer::level(&self.store, app, collection)? else {
            return Ok(None);
        };
        let crew = |steps| Arc::new(Crew::of(&self.options, steps));
        let goal = (app, collection, &level);
        Ok(Some(self.way_up(Errand::Import, goal, control, crew)?))
    }

    /// The way of items of a collection of an app up to a version, on the threads of a crew for so many steps.
    pub(super) fn way_up(
        &self,
        errand: Errand,
        (app, collection, level): (&Name, &Name, &Version),
        control: &Control,
        crew: impl FnOnce(usize) -> Arc<Crew>,
    ) -> Result<WayIn, HostError> {
        let store = &self.store;
        let migrations = self.catalogue.migrations();
        let recorded = self.recorded()?;
        let goal = (app, collection, level);
        let way = plan::way_in(migrations, &recorded, errand, goal, &self.policy);
        // Nobody gets past the last hurdle who does not start behind it.
        let last = way.hurdles.last().map(|hurdle| &hurdle.version);
        let open = way.steps.iter().filter(|step| Some(&step.version) > last);
        let steps = open.map(|step| {
            let component = self.catalogue.component(&step.digest);
            CatchUpStep {
                version: step.version.clone(),
                from: step.from.clone(),
                name: step.name.clone(),
                component: component.expect("steps over items have components").clone(),
            }
        });
        let steps: Vec<_> = steps.collect();
        let crew = crew(steps.len());
        let chain = CatchUp::new(app, collection, steps, store, control, crew)?;
        let hurdle = |hurdle: plan::Hurdle| {
            Arc::new(Hurdle {
                version: hurdle.version,
                file: hurdle.file,
                reason: hurdle.reason,
            })
        };
        Ok(WayIn {
            app: app.clone(),
            level: level.clone(),
            versions: way.versions,
            hurdles: way.hurdles.into_iter().map(hurdle).collect(),
            chain,
        })
    }
}

impl WayIn {
    /// What keeps items of a version from being brought up.
    fn first_hurdle(&self, from: &Version) -> Option<&Arc<Hurdle>> {
        self.hurdles.iter().find(|hurdle| hurdle.version > *from)
    }

    /// Brings up items of one version that somebody waits for.
    pub(super) fn pass(
        &self,
        from: &Version,
        items: &Batch,
        moment: Moment,
    ) -> Result<Vec<CaughtUp>, HostError> {
        let passed = self.chain.pass(from, items, moment, &mut || Ok(()))?;
        Ok(passed.expect("nobody asks it to stop"))
    }
}

impl transfer::WayIn for WayIn {
    fn hurdle(&self, from: &Version) -> Option<Arc<Hurdle>> {
        if let Some(hurdle) = self.first_hurdle(from) {
            return Some(hurdle.clone());
        }
        if self.versions.iter().any(|version| version > from) {
            return None;
        }
        let app = &self.app;
        Some(Arc::new(Hurdle {
            version: self.level.clone(),
            file: None,
            reason: format!("no migration of {app} among the plugins leads to it"),
        }))
    }

    fn bring_up(
        &self,
        from: &Version,
        items: &Batch,
        moment: Moment,
        meanwhile: &mut dyn FnMut() -> Result<(), RunError>,
    ) -> Result<Option<Vec<CaughtUp>>, RunError> {
        self.chain.pass(from, items, moment, meanwhile)
    }
}

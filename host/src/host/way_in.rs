//! Bringing items of older versions up to their collection before an import writes them.

use std::sync::Arc;

use super::{Host, HostError};
use crate::model::{Batch, Name, Version};
use crate::plan;
use crate::run::{CatchUp, CatchUpStep, CaughtUp, Control, Moment, RunError};
use crate::transfer::{self, Hurdle};

/// The way of an import's items into a collection: through the migrations that are applied above their versions, in memory,
/// as far as these see nothing but the items themselves.
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
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn way_in(
        &self,
        app: &Name,
        collection: &Name,
        control: &Control,
    ) -> Result<Option<WayIn>, HostError> {
        let store = &self.store;
        let Some(level) = transfer::level(store, app, collection)? else {
            return Ok(None);
        };
        let migrations = self.catalogue.migrations();
        let recorded = self.recorded()?;
        let way = plan::way_in(migrations, &recorded, app, collection, &level, &self.policy);
        // Nobody gets past the last hurdle who does not start behind it.
        let last = way.hurdles.last().map(|hurdle| &hurdle.version);
        let open = way.steps.iter().filter(|step| Some(&step.version) > last);
        let steps = open.filter_map(|step| {
            Some(CatchUpStep {
                version: step.version.clone(),
                from: step.from.clone(),
                name: step.name.clone(),
                component: self.catalogue.component(&step.digest)?.clone(),
            })
        });
        let steps = steps.collect();
        let chain = CatchUp::new(app, collection, steps, store, &self.options, control)?;
        let hurdle = |hurdle: plan::Hurdle| {
            Arc::new(Hurdle {
                version: hurdle.version,
                file: hurdle.file,
                reason: hurdle.reason,
            })
        };
        Ok(Some(WayIn {
            app: app.clone(),
            level,
            versions: way.versions,
            hurdles: way.hurdles.into_iter().map(hurdle).collect(),
            chain,
        }))
    }
}

impl transfer::WayIn for WayIn {
    fn hurdle(&self, from: &Version) -> Option<Arc<Hurdle>> {
        if let Some(hurdle) = self.hurdles.iter().find(|hurdle| hurdle.version > *from) {
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

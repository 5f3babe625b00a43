//! How far a shadow run is, and what its end would take.

use serde::Serialize;

use super::{ahead, names};
use crate::host::{Host, HostError};
use crate::model::{Name, Plan, RunId, RunState, Stage, Version};
use crate::store::{Shadow, ShadowState};

/// What the lease is taken for by whoever works on a shadow run.
const WORKS: [&str; 3] = ["up --shadow", "finalize", "reset"];

/// How far a shadow run is.
///
/// ```
/// # fn example(host: &godwit::blocking::Host) -> Result<(), Box<dyn std::error::Error>> {
/// if let Some(stats) = host.shadow()? {
///     println!("{} writes wait, {} items failed", stats.waiting, stats.open);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct ShadowStats {
    /// How far it has come.
    pub state: ShadowState,
    /// Whether somebody works on it now.
    pub is_alive: bool,
    /// The app that it brings up to date; `None`: all.
    pub app: Option<Name>,
    /// The version that is wanted; `None`: the newest one.
    #[cfg_attr(feature = "server", schema(value_type = Option<String>))]
    pub to: Option<Version>,
    /// Its run, once all is copied and there is something to be done before the end.
    pub run: Option<(RunId, RunState)>,
    /// Items that were copied, and that there were about.
    pub copied: (u64, u64),
    /// Its collections.
    pub collections: Vec<Name>,
    /// How many writes of the application it has still to follow.
    pub waiting: u64,
    /// Items that failed and that nobody has accepted: it cannot be finalized until that is done.
    pub open: u64,
    /// Items that are left to the end, because their steps see or write others: `app version: step`, each with how many.
    pub deferred: Vec<(String, u64)>,
    /// Whether everything that can be done before the end is done, but for what is written meanwhile.
    pub is_ready: bool,
    /// For how many milliseconds the application would have to wait for a finalization, by the pace so far; `None`: nobody
    /// knows.
    pub blocks_for: Option<u64>,
}

impl Host {
    /// How far the shadow run is, if there is one.
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
    /// assert!(host.shadow()?.is_none());
    /// host.up_shadow(&Goal::default(), &Quiet, &Control::default())?;
    /// assert!(host.shadow()?.is_some_and(|stats| stats.is_ready));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn shadow(&self) -> Result<Option<ShadowStats>, HostError> {
        let shadow = self.store.shadow()?;
        shadow.map(|shadow| self.stats_of(&shadow)).transpose()
    }

    fn stats_of(&self, shadow: &Shadow) -> Result<ShadowStats, HostError> {
        let own = self.on_shadow();
        let run = self.run_of(shadow)?;
        let mut copied = (0, 0);
        let mut open = 0;
        for collection in &shadow.collections {
            copied.0 += collection.items;
            copied.1 += match collection.done {
                true => collection.items,
                false => self
                    .store
                    .tallies(&collection.name)?
                    .items
                    .max(collection.items),
            };
            open += own.store.tallies(&collection.name)?.open;
        }
        let last = self.store.last_written()?.unwrap_or(shadow.followed);
        let waiting = last.saturating_sub(shadow.followed);
        let is_copied = shadow.collections.iter().all(|collection| collection.done);
        // There is none where everything is left to the end.
        let is_completed = run
            .as_ref()
            .is_none_or(|run| run.state == RunState::Completed);
        let planned = match shadow.is_open() {
            true => own.plan_left(shadow)?.plan,
            false => Plan::default(),
        };
        let ahead = ahead(&planned.stages);
        let deferred = own.items_of(&planned.stages[ahead..])?;
        let left: u64 = deferred.iter().map(|(_, items)| items).sum();
        let spent = shadow.spent;
        let per_item = (spent.items > 0).then(|| spent.time as f64 / spent.items as f64);
        Ok(ShadowStats {
            state: shadow.state,
            is_alive: self
                .busy()?
                .is_some_and(|busy| WORKS.contains(&&*busy.purpose)),
            app: shadow.app.clone(),
            to: shadow.to.clone(),
            run: run.map(|run| (run.id, run.state)),
            collections: names(shadow),
            copied,
            waiting,
            open,
            is_ready: shadow.is_open() && is_copied && is_completed && ahead == 0 && open == 0,
            deferred,
            blocks_for: per_item.map(|time| ((waiting + left) as f64 * time).ceil() as u64),
        })
    }

    /// The steps of some stages, each with how many items its collection has.
    fn items_of(&self, stages: &[Stage]) -> Result<Vec<(String, u64)>, HostError> {
        let mut found = Vec::new();
        for stage in stages {
            for step in &stage.steps {
                let name = format!("{} {}: {}", stage.app, stage.version, step.name);
                let items = self.store.tallies(step.work.collection())?.items;
                found.push((name, items));
            }
        }
        Ok(found)
    }
}

//! How new items may be, and how new they are.

use std::ops::ControlFlow;

use super::{Host, HostError};
use crate::model::{Name, Version};
use crate::plan::{Matter, Planned, Recorded};
use crate::store::Collection;

impl Host {
    /// The highest version that items of an app may have: that of its newest migration, or that of the app itself where it is
    /// higher. With newer ones nothing could be planned. `None`: no migration of the app is known.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// use godwit::model::Version;
    ///
    /// assert_eq!(host.highest(&"notes".parse()?)?, Some(Version::new(1, 0, 0)));
    /// assert_eq!(host.highest(&"todos".parse()?)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn highest(&self, app: &Name) -> Result<Option<Version>, HostError> {
        let Some(newest) = self.catalogue.newest(app) else {
            return Ok(None);
        };
        let apps = self.store.history()?.apps();
        let current = apps.get(app).and_then(|state| state.version());
        Ok(current.max(Some(newest)).cloned())
    }

    /// Refuses an item of a version that no migration knows.
    pub(super) fn check_not_newer(
        &self,
        app: &Name,
        (collection, id): (&Name, &str),
        version: &Version,
    ) -> Result<(), HostError> {
        // Of most items that is known without a look at the history.
        if self
            .catalogue
            .newest(app)
            .is_none_or(|newest| version <= newest)
        {
            return Ok(());
        }
        match self.highest(app)? {
            Some(highest) if *version > highest => Err(HostError::TooNew {
                collection: collection.clone(),
                id: id.to_owned(),
                version: version.clone(),
                highest,
            }),
            _ => Ok(()),
        }
    }

    /// Plans. Where a collection is said to have items that are newer than the catalogue, it does so once more with what is
    /// really there: such items may have been deleted or replaced since, which nobody notes.
    pub(super) fn planned(
        &self,
        plan: impl Fn(&Recorded) -> Planned,
    ) -> Result<Planned, HostError> {
        let mut recorded = self.recorded()?;
        let mut planned = plan(&recorded);
        let newer = planned
            .findings
            .iter()
            .filter_map(|finding| match &finding.matter {
                Matter::NewerStore {
                    collection: Some(collection),
                    newest,
                    ..
                } => Some((collection.clone(), newest.clone())),
                _ => None,
            });
        let newer: Vec<_> = newer.collect();
        for (name, newest) in &newer {
            if let Some(record) = self.store.collection(name)?
                && let Some(state) = recorded.collections.get_mut(name)
            {
                state.newest = self.newest_there(name, &record, newest)?;
            }
        }
        if !newer.is_empty() {
            planned = plan(&recorded);
        }
        Ok(self.judged(planned, &recorded))
    }

    /// The highest version of what a collection has; or the first one that was found above `limit`.
    pub(super) fn newest_there(
        &self,
        name: &Name,
        record: &Collection,
        limit: &Version,
    ) -> Result<Option<Version>, HostError> {
        let under_way = record.under_way.iter().map(|step| &step.version);
        let mut newest = under_way.chain(&record.level).max().cloned();
        let is_above = |newest: &Option<Version>| newest.as_ref() > Some(limit);
        if is_above(&newest) {
            return Ok(newest);
        }
        let (mut last, mut damaged) = (String::new(), None);
        self.store.each_item(name, None, &mut |_, record| {
            if record.version == last {
                return ControlFlow::Continue(());
            }
            record.version.clone_into(&mut last);
            match record.stamp() {
                Ok(stamp) => newest = newest.take().max(Some(stamp)),
                Err(error) => damaged = Some(error),
            }
            match damaged.is_some() || is_above(&newest) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        if let Some(error) = damaged {
            return Err(error.into());
        }
        // One that is ahead and was not changed has an older stamp.
        self.store.each_apart(name, None, &mut |_, apart| {
            newest = newest.take().max(Some(apart.version));
            match is_above(&newest) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        Ok(newest)
    }
}

//! A run that changes nothing: carried out for real, on an overlay.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::Serialize;

use super::{Host, HostError};
use crate::model::{Apart, Difference, Name, RunId, diff};
use crate::plan::Goal;
use crate::run::{Control, Observer, Report};
use crate::store::{Backend, ItemRecord, Overlay, Store, key};

/// What a run would do. It lives in an overlay; the store itself was only read.
pub struct DryRun {
    /// What the run would report. None where there is nothing to do.
    pub reports: Vec<Report>,
    overlay: Host,
}

/// How a dry run would change an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The collection.
    pub collection: Name,
    /// The item's id.
    pub id: String,
    /// The body before; `None`: the item is created.
    pub before: Option<Vec<u8>>,
    /// The body after; `None`: the item is removed.
    pub after: Option<Vec<u8>>,
}

impl Change {
    /// How the body changes, member by member. Nothing where it appears or disappears as a whole.
    pub fn diff(&self) -> Vec<Difference> {
        let parse = |body: &Option<Vec<u8>>| {
            body.as_deref()
                .and_then(|body| serde_json::from_slice(body).ok())
        };
        let (before, after) = (parse(&self.before), parse(&self.after));
        before
            .zip(after)
            .map_or_else(Vec::new, |(before, after)| diff(&before, &after))
    }
}

impl Host {
    /// Carries out on an overlay what [`Host::up`] would do. What would be written goes to
    /// `scratch`, an empty backend that may be thrown away afterwards.
    ///
    /// # Errors
    /// As for [`Host::up`].
    pub fn dry_run(
        self,
        scratch: Arc<dyn Backend>,
        goal: &DryGoal,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<DryRun, HostError> {
        let overlay = Overlay::new(self.store.shared_backend(), scratch);
        let overlay = Self {
            store: Store::new(Arc::new(overlay))?,
            // Somebody else may work on the store itself.
            control_folder: None,
            ..self
        };
        let reports = match goal {
            DryGoal::Apps(goal) => overlay.up(goal, observer, control)?,
            DryGoal::Item { collection, id, to } => overlay
                .up_item(collection, id, to.as_ref(), observer, control)?
                .into_iter()
                .collect(),
        };
        Ok(DryRun { reports, overlay })
    }
}

/// What is tried.
#[derive(Debug, Clone)]
pub enum DryGoal {
    /// Everything that is pending.
    Apps(Goal),
    /// One item.
    Item {
        /// Its collection.
        collection: Name,
        /// Its id.
        id: String,
        /// The last version that is wanted.
        to: Option<crate::model::Version>,
    },
}

impl DryRun {
    /// Visits every item that would change, by collection and id, until `visit` breaks.
    ///
    /// # Errors
    /// [`HostError::Store`] when the store or the overlay cannot be read.
    pub fn each_change(
        &self,
        visit: &mut dyn FnMut(&Change) -> ControlFlow<()>,
    ) -> Result<(), HostError> {
        for report in &self.reports {
            if self.changes_of(report.run.id, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Visits every item that would be in quarantine.
    ///
    /// # Errors
    /// [`HostError::Store`] when the overlay cannot be read.
    pub fn each_failure(
        &self,
        visit: &mut dyn FnMut(&Name, &str, &Apart),
    ) -> Result<(), HostError> {
        self.overlay.quarantine(false, visit)
    }

    fn changes_of(
        &self,
        run: RunId,
        visit: &mut dyn FnMut(&Change) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, HostError> {
        let store = self.overlay.store();
        let (mut from, to) = key::pre_images(run);
        loop {
            let mut page = Vec::new();
            store.each_pre_image(
                &(from.clone(), to.clone()),
                &mut |place, step, key, kept| {
                    let before = kept.before.map(<[u8]>::to_vec);
                    page.push((place.to_vec(), step, key.to_vec(), before));
                    if page.len() < 256 {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                },
            )?;
            let Some(last) = page.last() else {
                return Ok(ControlFlow::Continue(()));
            };
            from = [&last.0[..], &[0]].concat();
            for (_, step, changed, before) in page {
                if let Some(change) = self.change(run, step, &changed, before)?
                    && visit(&change).is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }

    /// The change of an item, at the first step of the run that changed it.
    fn change(
        &self,
        run: RunId,
        step: u32,
        changed: &[u8],
        before: Option<Vec<u8>>,
    ) -> Result<Option<Change>, HostError> {
        let store = self.overlay.store();
        let Some((collection, id)) =
            key::parse_item(changed).filter(|_| changed[0] == key::tag::ITEM)
        else {
            return Ok(None);
        };
        let steps = self.reports.iter().filter(|report| report.run.id == run);
        let mut earlier = steps.flat_map(|report| crate::run::step_numbers(&report.run));
        if earlier.try_fold(false, |found, number| {
            if number >= step || found {
                return Ok::<_, HostError>(found);
            }
            Ok(store
                .backend()
                .get(&key::pre_image(run, number, changed))?
                .is_some())
        })? {
            return Ok(None);
        }
        let body = |record: Vec<u8>| -> Result<Vec<u8>, HostError> {
            Ok(ItemRecord::parse(&record)?.body.to_vec())
        };
        let before = before.map(body).transpose()?;
        let after = store.item_record(&collection, id)?.map(body).transpose()?;
        if before == after {
            return Ok(None);
        }
        Ok(Some(Change {
            collection,
            id: id.to_owned(),
            before,
            after,
        }))
    }
}

impl std::fmt::Debug for DryRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DryRun")
            .field("reports", &self.reports)
            .finish_non_exhaustive()
    }
}

//! What runs have changed, item by item, told from their pre-images.

use std::ops::ControlFlow;

use super::{Change, Host, HostError};
use crate::model::{Name, Run, RunId};
use crate::run::{Report, step_numbers};
use crate::store::{ItemRecord, PreImage, key};

impl Host {
    /// Visits every item that runs have changed, by run, step, collection and id, until `visit` breaks.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
    /// use std::ops::ControlFlow;
    /// use godwit::plan::Goal;
    /// use godwit::run::{Control, Quiet};
    ///
    /// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
    /// let mut changed = 0;
    /// host.each_change(&reports, &mut |change| {
    ///     println!("{}/{}", change.collection, change.id);
    ///     changed += 1;
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(changed, 0, "a schema file changes no items");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn each_change(
        &self,
        reports: &[Report],
        visit: &mut dyn FnMut(&Change) -> ControlFlow<()>,
    ) -> Result<(), HostError> {
        for report in reports {
            if self.changes_of(&report.run, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// What a run found of an item, before any of its steps changed it, as far as that is kept.
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
    /// use godwit::model::RunId;
    ///
    /// match host.before(RunId(1), &"notes".parse()?, "first")? {
    ///     Some(body) => println!("it was {}", String::from_utf8_lossy(&body)),
    ///     None => println!("the run did not find it, or left it as it was"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn before(
        &self,
        run: RunId,
        collection: &Name,
        id: &str,
    ) -> Result<Option<Vec<u8>>, HostError> {
        let Some(run) = self.store.run(run)? else {
            return Ok(None);
        };
        let item = key::item(key::tag::ITEM, collection, id);
        for step in step_numbers(&run) {
            let kept = self
                .store
                .backend()
                .get(&key::pre_image(run.id, step, &item))?;
            if let Some(kept) = kept {
                let before = PreImage::parse(&kept)?.before;
                let body = before.map(|record| Ok(ItemRecord::parse(record)?.body.to_vec()));
                return body.transpose();
            }
        }
        Ok(None)
    }

    fn changes_of(
        &self,
        run: &Run,
        visit: &mut dyn FnMut(&Change) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, HostError> {
        let store = &self.store;
        let (mut from, to) = key::pre_images(run.id);
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
        run: &Run,
        step: u32,
        changed: &[u8],
        before: Option<Vec<u8>>,
    ) -> Result<Option<Change>, HostError> {
        let store = &self.store;
        let Some((collection, id)) =
            key::parse_item(changed).filter(|_| changed[0] == key::tag::ITEM)
        else {
            return Ok(None);
        };
        let mut earlier = step_numbers(run).into_iter();
        if earlier.try_fold(false, |found, number| {
            if number >= step || found {
                return Ok::<_, HostError>(found);
            }
            Ok(store
                .backend()
                .get(&key::pre_image(run.id, number, changed))?
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

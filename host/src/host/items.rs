//! Single items: brought up to date by id, tried again, accepted in quarantine.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use super::{Host, HostError, undirected};
use crate::model::{Apart, Name, Phase, Position, Purpose, Run, RunState, Source, Version};
use crate::plan::{self, ItemGoal, Planned, RetryGoal};
use crate::run::{Control, MaxFailures, Observer, Options, Report, Runner, accept, step_number};
use crate::store::{ItemRecord, Keeper, Lease, Visit};

/// A step's place in its migration.
fn place(index: usize) -> u32 {
    u32::try_from(index).expect("migrations have at most 1,000 steps")
}

impl Host {
    /// Brings one item up to date, ahead of its collection if need be.
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
    /// use godwit::run::{Control, Quiet};
    ///
    /// let notes = "notes".parse()?;
    /// let report = host.up_item(&notes, "first", None, &Quiet, &Control::default())?;
    /// assert!(report.is_none(), "it is up to date");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::NoItem`] when there is no such item, [`HostError::Refused`] when nothing can be
    /// planned for it.
    pub fn up_item(
        &self,
        collection: &Name,
        id: &str,
        to: Option<&Version>,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Option<Report>, HostError> {
        let observer = &self.metered(observer);
        self.directed_lease("up of one item", control, |lease| {
            let planned = self.accepted(self.plan_item(collection, id, to)?)?;
            if planned.plan.is_empty() {
                return Ok(None);
            }
            let apart = self.apart_of(collection, id)?;
            let runner = self.runner(observer, control);
            let run = self.start(&runner, lease, Purpose::Item, planned.plan, None)?;
            self.set_apart(lease, &run, collection, id, apart)?;
            Ok(Some(runner.carry_out(lease, run)?))
        })
    }

    /// Plans how to bring one item up to date.
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
    /// let planned = host.plan_item(&"notes".parse()?, "first", None)?;
    /// assert!(planned.plan.is_empty(), "it is up to date");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::NoItem`] when there is no such item.
    pub fn plan_item(
        &self,
        collection: &Name,
        id: &str,
        to: Option<&Version>,
    ) -> Result<Planned, HostError> {
        let missing = || HostError::NoItem {
            collection: collection.clone(),
            id: id.to_owned(),
        };
        let item = self.store.item(collection, id)?.ok_or_else(missing)?;
        let next = self.next_step(collection, id)?;
        let goal = ItemGoal {
            collection: collection.clone(),
            id: id.to_owned(),
            version: item.version,
            next,
            to: to.cloned(),
        };
        let migrations = self.catalogue.migrations();
        self.planned(|recorded| plan::plan_item(migrations, recorded, &goal, &self.policy))
    }

    /// The step that an item is due for, where that is not the first one after its version: it says so
    /// itself, or the run under way has fed it to some steps of a version already, or an online
    /// phase is still to come.
    fn next_step(&self, collection: &Name, id: &str) -> Result<Option<Position>, HostError> {
        if let Some(apart) = self.store.apart(collection, id)? {
            return Ok(apart.next);
        }
        if let Some(run) = self.unfinished()?
            && let Some(next) = self.passed(&run, collection, id)?
        {
            return Ok(Some(next));
        }
        let Some(record) = self.store.collection(collection)? else {
            return Ok(None);
        };
        let apps = self.store.history()?.apps();
        let Some(state) = apps.get(&record.app) else {
            return Ok(None);
        };
        let pending = self.catalogue.migrations().iter().find_map(|migration| {
            let is_begun = migration.app == record.app
                && state.has(&migration.version, Phase::Offline)
                && !state.has(&migration.version, Phase::Online);
            let online = migration
                .steps
                .iter()
                .position(|step| step.phase == Phase::Online)?;
            let version = migration.version.clone();
            is_begun.then(|| Position {
                version,
                step: place(online),
            })
        });
        Ok(pending)
    }

    /// The step behind the last one of the run's present stage that an item was fed to.
    fn passed(
        &self,
        run: &Run,
        collection: &Name,
        id: &str,
    ) -> Result<Option<Position>, HostError> {
        let number = run.stages_done as usize;
        let stage = run.plan.stages.get(number);
        let Some(stage) = stage.filter(|stage| stage.source == Source::Collection) else {
            return Ok(None);
        };
        let mut next = None;
        for (index, step) in stage.steps.iter().enumerate() {
            let progress = self.store.progress(run.id, step_number(number, index))?;
            let is_passed =
                progress.done || progress.after.as_deref().is_some_and(|after| id <= after);
            if is_passed && step.work.collection() == collection {
                next = Some(stage.position(index + 1));
            }
        }
        Ok(next)
    }

    /// The entry that an item without one is to have; `None` where it has one.
    fn apart_of(&self, collection: &Name, id: &str) -> Result<Option<Apart>, HostError> {
        if self.store.apart(collection, id)?.is_some() {
            return Ok(None);
        }
        let Some(record) = self.store.item_record(collection, id)? else {
            return Ok(None);
        };
        let stamp = ItemRecord::parse(&record)?.stamp()?;
        Ok(Some(Apart {
            version: self.store.version_of(collection, id, stamp)?,
            next: self.next_step(collection, id)?,
            failure: None,
        }))
    }

    /// Gives an item an entry of its own, so that passes over the whole collection leave it out. It
    /// goes again when the run is undone, as the last thing: otherwise the item would stay behind.
    fn set_apart(
        &self,
        lease: &mut Lease,
        run: &Run,
        collection: &Name,
        id: &str,
        apart: Option<Apart>,
    ) -> Result<(), HostError> {
        let Some(apart) = apart else {
            return Ok(());
        };
        let mut write = self.store.write(run.id, Some(Keeper::of(run, 0)));
        write.set_apart(collection, id, None, Some(&apart), Visit::Again)?;
        Ok(write.commit(lease, self.clock().now())?)
    }

    /// Tries items in quarantine again, with the migrations as they are now: those named, or all that nobody has accepted. One
    /// that was accepted, is named and fails again, is accepted no more.
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
    /// use godwit::run::{Control, Quiet};
    ///
    /// let reports = host.retry(None, &Quiet, &Control::default())?;
    /// assert!(reports.is_empty(), "nothing is in quarantine");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::NotInQuarantine`] when a named item is not there.
    pub fn retry(
        &self,
        selection: Option<&[(Name, String)]>,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Vec<Report>, HostError> {
        let observer = &self.metered(observer);
        self.directed_lease("quarantine retry", control, |lease| {
            let mut reports = Vec::new();
            for goal in self.retry_goals(selection)? {
                let migrations = self.catalogue.migrations();
                let plan =
                    |recorded: &_| plan::plan_retry(migrations, recorded, &goal, &self.policy);
                let planned = self.accepted(self.planned(plan)?)?;
                if planned.plan.is_empty() {
                    continue;
                }
                // All of these items failed before: that they do so again is no reason to stop.
                let max_failures = MaxFailures::Percent(100);
                let options = Options {
                    max_failures,
                    ..self.options.clone()
                };
                let runner = Runner {
                    options: &options,
                    ..self.runner(observer, control)
                };
                let run = self.start(&runner, lease, Purpose::Retry, planned.plan, None)?;
                let report = runner.carry_out(lease, run)?;
                if report.run.state == RunState::Completed {
                    self.adopt(lease, &report)?;
                }
                reports.push(report);
            }
            Ok(reports)
        })
    }

    /// Lets the unfinished run go on with the mended file of the stage that it is at: the items that
    /// the old one could not migrate were migrated by the new one, on purpose.
    fn adopt(&self, lease: &mut Lease, report: &Report) -> Result<(), HostError> {
        let Some(mut run) = self.unfinished()? else {
            return Ok(());
        };
        let Some(stage) = run.plan.stages.get_mut(run.stages_done as usize) else {
            return Ok(());
        };
        let mended = report.run.plan.stages.iter().find(|mended| {
            (&mended.app, &mended.version, mended.phase)
                == (&stage.app, &stage.version, stage.phase)
        });
        let Some(mended) = mended.filter(|mended| mended.digest != stage.digest) else {
            return Ok(());
        };
        stage.digest = mended.digest;
        stage.file.clone_from(&mended.file);
        let mut write = self.store.write(run.id, None);
        write.set_run(&run);
        Ok(write.commit(lease, self.clock().now())?)
    }

    /// A goal for each app that has chosen items in quarantine.
    fn retry_goals(
        &self,
        selection: Option<&[(Name, String)]>,
    ) -> Result<Vec<RetryGoal>, HostError> {
        let mut goals: Vec<RetryGoal> = Vec::new();
        let mut add = |app: &Name, from: Version, item: Option<(Name, String)>| {
            let place = goals
                .iter()
                .position(|goal| goal.app == *app)
                .unwrap_or_else(|| {
                    let selection = item.as_ref().map(|_| Vec::new());
                    goals.push(RetryGoal {
                        app: app.clone(),
                        from: from.clone(),
                        selection,
                    });
                    goals.len() - 1
                });
            let goal = &mut goals[place];
            goal.from = from.min(goal.from.clone());
            if let Some((items, item)) = goal.selection.as_mut().zip(item) {
                items.push(item);
            }
        };
        let collections = self.store.collections()?;
        match selection {
            Some(items) => {
                for (collection, id) in items {
                    let failure = self.failed_at(collection, id)?;
                    let app = &collections[collection].app;
                    add(app, failure, Some((collection.clone(), id.clone())));
                }
            }
            None => {
                for (collection, record) in &collections {
                    self.store.each_apart(collection, None, &mut |_, apart| {
                        if let Some(failure) = apart.failure.filter(|failure| !failure.accepted) {
                            add(&record.app, failure.migration, None);
                        }
                        ControlFlow::Continue(())
                    })?;
                }
            }
        }
        Ok(goals)
    }

    fn failed_at(&self, collection: &Name, id: &str) -> Result<Version, HostError> {
        let failure = self
            .store
            .apart(collection, id)?
            .and_then(|apart| apart.failure);
        failure
            .map(|failure| failure.migration)
            .ok_or_else(|| HostError::NotInQuarantine {
                collection: collection.clone(),
                id: id.to_owned(),
            })
    }

    /// Accepts by name that items stay in quarantine. Returns how many were accepted anew.
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
    /// use godwit::HostError;
    ///
    /// let first = ("notes".parse()?, "first".to_owned());
    /// match host.accept(&[first]) {
    ///     Err(HostError::NotInQuarantine { id, .. }) => assert_eq!(id, "first"),
    ///     accepted => println!("{} items stay as they are", accepted?),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Run`] when one of them is not in quarantine; nothing was accepted then.
    pub fn accept(&self, items: &[(Name, String)]) -> Result<u64, HostError> {
        self.leased(undirected::QUARANTINE_ACCEPT, |lease| {
            Ok(accept(&self.store, lease, self.clock(), items)?)
        })
    }

    /// Some items in quarantine, by collection and id: those behind `after`, of one collection or of all, up to `limit` of
    /// them; those that somebody has accepted only if asked for.
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
    /// let fifty = std::num::NonZeroUsize::new(50).ok_or("it is not zero")?;
    /// let page = host.quarantine_page(None, false, None, fifty)?;
    /// assert!(page.is_empty(), "nothing has failed");
    /// for (collection, id, apart) in page {
    ///     let reason = apart.failure.map(|failure| failure.reason);
    ///     println!("{collection}/{id}: {reason:?}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::NoCollection`] when there is no such collection.
    pub fn quarantine_page(
        &self,
        collection: Option<&Name>,
        accepted: bool,
        after: Option<(&Name, &str)>,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Name, String, Apart)>, HostError> {
        let collections = self.store.collections()?;
        if let Some(unknown) = collection.filter(|name| !collections.contains_key(*name)) {
            return Err(HostError::NoCollection(unknown.clone()));
        }
        let mut found = Vec::new();
        for name in collections.keys() {
            let is_chosen = collection.is_none_or(|chosen| chosen == name);
            let is_behind = after.is_none_or(|(begun, _)| name >= begun);
            if !is_chosen || !is_behind || found.len() == limit.get() {
                continue;
            }
            let after = after.filter(|(begun, _)| *begun == name);
            let after = after.map(|(_, id)| id);
            self.store.each_apart(name, after, &mut |id, apart| {
                if is_meant(&apart, accepted) {
                    found.push((name.clone(), id.to_owned(), apart));
                }
                match found.len() < limit.get() {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            })?;
        }
        Ok(found)
    }

    /// Every item in quarantine, by collection and id: those that nobody has accepted, and the
    /// others if asked for.
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
    /// let mut open = 0;
    /// host.quarantine(false, &mut |collection, id, _| {
    ///     println!("{collection}/{id}");
    ///     open += 1;
    /// })?;
    /// assert_eq!(open, host.status()?.open());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn quarantine(
        &self,
        accepted: bool,
        visit: &mut dyn FnMut(&Name, &str, &Apart),
    ) -> Result<(), HostError> {
        for (collection, _) in self.store.collections()? {
            if self.store.tallies(&collection)?.apart() == 0 {
                continue;
            }
            self.store.each_apart(&collection, None, &mut |id, apart| {
                if is_meant(&apart, accepted) {
                    visit(&collection, id, &apart);
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(())
    }
}

/// Whether an item is in quarantine, and meant by those who want to see accepted ones, or not.
fn is_meant(apart: &Apart, accepted: bool) -> bool {
    let failure = apart.failure.as_ref();
    failure.is_some_and(|failure| accepted || !failure.accepted)
}

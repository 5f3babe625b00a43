//! Collections that are tables of the application's own.

use super::{Host, HostError, undirected};
use crate::model::{Event, Name, RunId, Version};
use crate::store::{ItemRecord, Lease, LeaseError, StoreError, Table, Write, is_of_collection};

/// So many rows are looked at at once.
const ROWS: usize = 500;

/// A collection whose items lie in a table of the application's own, which reads and writes it in SQL.
///
/// ```
/// use godwit::Attachment;
/// use godwit::store::Table;
///
/// let notes = Attachment {
///     app: "notes".parse()?,
///     version: "1.0.0".parse()?,
///     table: Table::new("app.notes", "id", "doc"),
/// };
/// assert_eq!(notes.table.body, "doc");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The app that it belongs to.
    pub app: Name,
    /// The version of the rows that are in it when it is attached.
    pub version: Version,
    /// The table.
    pub table: Table,
}

impl Host {
    /// Has a collection be a table of the application's own from now on: its documents are migrated where they are. Gives
    /// whether it was not so before. Where the app has no version yet, it gets that of the rows; where it has, that must be
    /// the one of the rows.
    ///
    /// ```
    /// # use godwit::{catalogue::*, store::*};
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, Catalogue::new(), godwit::Surroundings::of_this_process());
    /// use godwit::Attachment;
    ///
    /// let attachment = Attachment {
    ///     app: "notes".parse()?,
    ///     version: "1.0.0".parse()?,
    ///     table: Table::new("app.notes", "id", "doc"),
    /// };
    /// let error = host.attach(&"notes".parse()?, &attachment).unwrap_err();
    /// assert!(error.to_string().contains("memory: has no tables"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the table does not do, or the collection lies elsewhere already.
    pub fn attach(&self, collection: &Name, attachment: &Attachment) -> Result<bool, HostError> {
        let Attachment {
            app,
            version,
            table,
        } = attachment;
        if self.is_attached_to(collection, table)? {
            return Ok(false);
        }
        self.leased(undirected::ATTACH, |lease| {
            if self.is_attached_to(collection, table)? {
                return Ok(false);
            }
            let now = self.clock().now();
            let mut write = self.store.write(RunId(0), None);
            let apps = self.store.history()?.apps();
            match apps.get(app).and_then(|state| state.version()) {
                None => write.add_history(now, app, version, Event::Baseline)?,
                Some(current) if current == version => {}
                // Nothing would ever bring the rows to where the app is.
                Some(current) => {
                    return Err(refused(
                        collection,
                        format!("{app} is at {current} by now, and its rows would be at {version}"),
                    ));
                }
            }
            write.attach((collection, table), (app, version), lease, now)?;
            let mut write = self.store.write(RunId(0), None);
            write.recount(collection)?;
            write.commit(lease, now)?;
            Ok(true)
        })
    }

    /// Takes note of what the application has done to its tables since, if there is anything to be noted. Before a plan is made.
    pub(super) fn notice_rows(&self) -> Result<(), HostError> {
        for (collection, _) in self.store.attached()? {
            let is_apart = self.store.tallies(&collection)?.apart() > 0;
            if is_apart || !self.older_rows(&collection, &mut None)?.is_empty() {
                return self.leased(undirected::NOTING_ROWS, |lease| {
                    self.notice_rows_under(lease)
                });
            }
        }
        Ok(())
    }

    /// Has rows wait to be brought up to date that the application has written with an older version than their collection has
    /// (only tables with a column of versions say so), and forgets those that were apart and are gone.
    pub(super) fn notice_rows_under(&self, lease: &mut Lease) -> Result<(), HostError> {
        for (collection, _) in self.store.attached()? {
            self.have_rows_wait(&collection, lease)?;
            self.forget_rows(&collection, lease)?;
        }
        Ok(())
    }

    fn forget_rows(&self, collection: &Name, lease: &mut Lease) -> Result<(), HostError> {
        let mut after = None;
        loop {
            let page = self.store.aparts(collection, after.as_deref(), ROWS)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            for (id, _) in page {
                let apart = self.store.apart_record(collection, &id)?;
                if let Some(apart) = apart
                    && self.store.item_record(collection, &id)?.is_none()
                {
                    self.noted(lease, |write| write.forget_item(collection, &id, &apart))?;
                }
            }
        }
    }

    /// Commits what is noted of a row, unless the application has written it again: the next one to look sees that. Others who
    /// own ranges may change what is counted of the collection; then it is noted anew.
    fn noted(
        &self,
        lease: &mut Lease,
        note: impl Fn(&mut Write<'_>) -> Result<(), StoreError>,
    ) -> Result<(), HostError> {
        loop {
            let mut write = self.store.write(RunId(0), None).among_others();
            note(&mut write)?;
            match write.commit(lease, self.clock().now()) {
                Err(LeaseError::Store(StoreError::Conflict { key })) if is_of_collection(&key) => {}
                Err(LeaseError::Store(StoreError::Conflict { .. })) => return Ok(()),
                done => return Ok(done?),
            }
        }
    }

    fn have_rows_wait(&self, collection: &Name, lease: &mut Lease) -> Result<(), HostError> {
        let mut after = None;
        loop {
            let page = self.older_rows(collection, &mut after)?;
            if page.is_empty() {
                return Ok(());
            }
            for (id, version) in page {
                let Some(record) = self.store.item_record(collection, &id)? else {
                    continue;
                };
                if ItemRecord::parse(&record)?.stamp()? != version {
                    continue;
                }
                self.noted(lease, |write| {
                    write.await_item(collection, &id, &record, &version)
                })?;
            }
        }
    }

    /// The next rows behind an id that are older than their collection, and do not wait yet.
    fn older_rows(
        &self,
        collection: &Name,
        after: &mut Option<String>,
    ) -> Result<Vec<(String, Version)>, HostError> {
        let record = self.store.collection(collection)?;
        let relational = self.store.backend().relational();
        let Some(((record, level), relational)) = record
            .and_then(|record| Some((record.clone(), record.level?)))
            .zip(relational)
        else {
            return Ok(Vec::new());
        };
        let under_way = record.under_way.into_iter().map(|step| step.version);
        let known: Vec<Version> = under_way.chain([level.clone()]).collect();
        loop {
            let page = relational.other_versions(collection, &known, after.as_deref(), ROWS)?;
            let Some((last, _)) = page.last() else {
                return Ok(Vec::new());
            };
            *after = Some(last.clone());
            let mut older = Vec::new();
            for (id, version) in page {
                // What is no version is told when it is read.
                let version = version
                    .parse::<Version>()
                    .ok()
                    .filter(|version| *version < level);
                if let Some(version) = version
                    && self.store.apart(collection, &id)?.is_none()
                {
                    older.push((id, version));
                }
            }
            if !older.is_empty() {
                return Ok(older);
            }
        }
    }

    /// Whether a collection lies in this table.
    fn is_attached_to(&self, collection: &Name, table: &Table) -> Result<bool, HostError> {
        let attached = self.store.attached()?;
        match attached.iter().find(|(known, _)| known == collection) {
            Some((_, known)) if known == table => Ok(true),
            Some((_, known)) => Err(refused(
                collection,
                format!(
                    "it lies in {} (key {}, body {}) already, and cannot be moved",
                    known.table, known.key, known.body,
                ),
            )),
            None if self.store.collection(collection)?.is_some() => Err(refused(
                collection,
                "there is a collection of this name already, whose items lie in the store",
            )),
            None => Ok(false),
        }
    }
}

fn refused(collection: &Name, reason: impl Into<String>) -> HostError {
    HostError::Store(StoreError::table(collection, reason))
}

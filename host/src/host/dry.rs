//! A run that changes nothing: carried out for real, on an overlay.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::Serialize;

use super::{BackupFirst, DownGoal, Host, HostError};
use crate::model::{Apart, Difference, Name, diff};
use crate::plan::Goal;
use crate::run::{Control, Observer, Options, Report};
use crate::store::Backend;

/// What a run would do. It lives in an overlay; the store itself was only read.
///
/// ```
/// # use godwit::{catalogue::*, sandbox::*, store::*};
/// # let schema = br#"{"app": "notes", "version": "1.0.0",
/// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
/// # let mut catalogue = Catalogue::new();
/// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
/// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
/// # let host = godwit::blocking::Host::new(store, catalogue, godwit::Surroundings::of_this_process());
/// use std::sync::Arc;
/// use godwit::DryGoal;
/// use godwit::plan::Goal;
/// use godwit::run::{Control, Quiet};
/// use godwit::store::Memory;
///
/// let (scratch, goal) = (Arc::new(Memory::new()), DryGoal::Apps(Goal::default()));
/// let dry = host.dry_run(scratch, &goal, &Quiet, &Control::default())?;
/// assert!(dry.reports[0].is_completed());
/// let mut failed = 0;
/// dry.each_failure(&mut |_, _, _| failed += 1)?;
/// assert_eq!(failed, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DryRun {
    /// What the run would report. None where there is nothing to do.
    pub reports: Vec<Report>,
    overlay: Host,
}

/// How a dry run would change an item.
///
/// ```
/// use godwit::Change;
///
/// let change = Change {
///     collection: "todos".parse()?,
///     id: "milk".to_owned(),
///     before: None,
///     after: Some(br#"{"title": "buy milk"}"#.to_vec()),
/// };
/// assert!(change.diff().is_empty(), "it is created as a whole");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    ///
    /// ```
    /// use godwit::Change;
    ///
    /// let change = Change {
    ///     collection: "todos".parse()?,
    ///     id: "milk".to_owned(),
    ///     before: Some(br#"{"title": "buy milk", "done": "no"}"#.to_vec()),
    ///     after: Some(br#"{"title": "buy milk", "done": false}"#.to_vec()),
    /// };
    /// assert_eq!(change.diff()[0].to_string(), r#"~ /done: "no" -> false"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// Carries out on an overlay what [`Host::up`] or [`Host::down`] would do. What would be written goes to
    /// `scratch`, an empty backend that may be thrown away afterwards.
    ///
    /// ```
    /// # use godwit::{catalogue::*, sandbox::*, store::*};
    /// # let schema = br#"{"app": "notes", "version": "1.0.0",
    /// #     "operations": [{"create_collection": {"collection": "notes"}}]}"#;
    /// # let mut catalogue = Catalogue::new();
    /// # catalogue.add(&Engine::new(Default::default()), "notes.json".into(), schema);
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store.clone(), catalogue, godwit::Surroundings::of_this_process());
    /// use std::sync::Arc;
    /// use godwit::DryGoal;
    /// use godwit::plan::Goal;
    /// use godwit::run::{Control, Quiet};
    /// use godwit::store::Memory;
    ///
    /// let (scratch, goal) = (Arc::new(Memory::new()), DryGoal::Apps(Goal::default()));
    /// let dry = host.dry_run(scratch, &goal, &Quiet, &Control::default())?;
    /// assert!(dry.reports[0].is_completed());
    /// assert!(store.collections()?.is_empty(), "the store is as it was");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
        let overlay = Self {
            store: self.store.overlaid(scratch),
            // What would change is told from pre-images, and what is thrown away needs no backup.
            options: Options {
                pre_images: true,
                ..self.options
            },
            backup_first: BackupFirst::default(),
            // Somebody else may work on the store itself.
            control_folder: None,
            is_remote: false,
            ..self
        };
        let reports = match goal {
            DryGoal::Apps(goal) => overlay.up(goal, observer, control)?,
            DryGoal::Item { collection, id, to } => overlay
                .up_item(collection, id, to.as_ref(), observer, control)?
                .into_iter()
                .collect(),
            DryGoal::Down(goal) => {
                let on_failure = overlay.options.on_failure;
                let report = overlay.go_down(goal, on_failure, observer, control)?;
                report.into_iter().collect()
            }
        };
        Ok(DryRun { reports, overlay })
    }
}

/// What is tried.
///
/// ```
/// use godwit::{DownGoal, DryGoal};
/// use godwit::plan::Goal;
///
/// let everything = DryGoal::Apps(Goal::default());
/// let back = DryGoal::Down(DownGoal { app: "todos".parse()?, to: "1.0.0".parse()? });
/// let milk = DryGoal::Item { collection: "todos".parse()?, id: "milk".to_owned(), to: None };
/// assert!(matches!(milk, DryGoal::Item { to: None, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub enum DryGoal {
    /// Everything that is pending.
    Apps(Goal),
    /// The way back to an older version.
    Down(DownGoal),
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
    /// ```
    /// # fn example(dry: &godwit::DryRun) -> Result<(), godwit::HostError> {
    /// use std::ops::ControlFlow;
    ///
    /// dry.each_change(&mut |change| {
    ///     println!("{}/{}", change.collection, change.id);
    ///     change.diff().iter().for_each(|difference| println!("  {difference}"));
    ///     ControlFlow::Continue(())
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store or the overlay cannot be read.
    pub fn each_change(
        &self,
        visit: &mut dyn FnMut(&Change) -> ControlFlow<()>,
    ) -> Result<(), HostError> {
        self.overlay.each_change(&self.reports, visit)
    }

    /// Visits every item that would be in quarantine.
    ///
    /// ```
    /// # fn example(dry: &godwit::DryRun) -> Result<(), godwit::HostError> {
    /// dry.each_failure(&mut |collection, id, apart| {
    ///     let reason = apart.failure.as_ref().map(|failure| &failure.reason);
    ///     println!("{collection}/{id}: {reason:?}");
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the overlay cannot be read.
    pub fn each_failure(
        &self,
        visit: &mut dyn FnMut(&Name, &str, &Apart),
    ) -> Result<(), HostError> {
        self.overlay.quarantine(false, visit)
    }
}

impl std::fmt::Debug for DryRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DryRun")
            .field("reports", &self.reports)
            .finish_non_exhaustive()
    }
}

//! Who works on a store now, and what of its runs is so still.

use serde::Serialize;

use super::{Host, HostError};
use crate::model::{Purpose, Run, RunState};
use crate::run::{blocked_by, open};
use crate::store::{Lease, WORKER};

/// Who works on a store now.
///
/// ```
/// # fn example(host: &godwit::blocking::Host) -> Result<(), Box<dyn std::error::Error>> {
/// if let Some(busy) = host.busy()? {
///     println!("{} is busy with {}", busy.holder, busy.purpose);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Busy {
    /// Who holds the lease, for people: a host's name and a process id, say.
    pub holder: String,
    /// What for, as in `up`.
    pub purpose: String,
}

impl Busy {
    /// Whether that is carrying a run out, or undoing it.
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
    /// let reports = host.up(&Goal::default(), &Quiet, &Control::default())?;
    /// let lease = host.lease("spring cleaning")?;
    /// let busy = host.busy()?.ok_or("somebody holds the lease")?;
    /// assert!(!busy.is_about(&reports[0].run));
    /// lease.release(host.store())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_about(&self, run: &Run) -> bool {
        is_about(&self.purpose, run)
    }
}

/// Whether what a lease is held for is a run.
pub(crate) fn is_about(purpose: &str, run: &Run) -> bool {
    let purposes: &[&str] = match run.purpose {
        _ if run.state == RunState::Undoing => &["undo"],
        Purpose::Up => &["up", WORKER],
        Purpose::Retry => &["quarantine retry"],
        Purpose::Item => &["up of one item"],
        Purpose::Down => &["down"],
        Purpose::Shadow => &["up --shadow", "finalize"],
    };
    purposes.contains(&purpose)
}

impl Host {
    /// Who works on the store now; `None`: nobody, also where a process that did so is known to have ended, or has left its
    /// lease to expire.
    ///
    /// ```
    /// # use godwit::{catalogue::*, store::*};
    /// # let store = Store::new(std::sync::Arc::new(Memory::new()))?;
    /// # let host = godwit::blocking::Host::new(store, Catalogue::new(), godwit::Surroundings::of_this_process());
    /// let lease = host.lease("spring cleaning")?;
    /// let busy = host.busy()?.ok_or("somebody holds the lease")?;
    /// assert_eq!(busy.purpose, "spring cleaning");
    /// lease.release(host.store())?;
    /// assert!(host.busy()?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn busy(&self) -> Result<Option<Busy>, HostError> {
        let is_gone = &*self.surroundings.is_gone;
        let held = Lease::held(&self.store, self.clock().now(), is_gone)?;
        Ok(held.map(|(holder, purpose)| Busy {
            holder: holder.name,
            purpose,
        }))
    }

    /// Whether a run is being carried out, or undone, now. One that is running and is not has lost its process.
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
    ///     assert!(!host.is_alive(&run)?, "run {} is {}", run.id, run.state);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn is_alive(&self, run: &Run) -> Result<bool, HostError> {
        if !matches!(run.state, RunState::Running | RunState::Undoing) {
            return Ok(false);
        }
        Ok(self.busy()?.is_some_and(|busy| busy.is_about(run)))
    }

    /// A run with the reason why it is in its state as that is now: what blocks one is told by what is in quarantine by now,
    /// which may be less than when it stopped, or nothing.
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
    ///     let run = host.as_of_now(run)?;
    ///     println!("run {} is {}", run.id, run.state);
    ///     assert_eq!(run.reason, None);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`HostError::Store`] when the store cannot be read.
    pub fn as_of_now(&self, mut run: Run) -> Result<Run, HostError> {
        let stage = run.plan.stages.get(run.stages_done as usize);
        let Some(stage) = stage.filter(|_| run.state == RunState::Blocked) else {
            return Ok(run);
        };
        // Items without a way back have another reason.
        if run.purpose != Purpose::Down {
            let open = match run.purpose {
                Purpose::Shadow => open(&self.store.shadowed(), &stage.app)?.0,
                _ => open(&self.store, &stage.app)?.0,
            };
            run.reason = Some(blocked_by(open, stage));
        }
        Ok(run)
    }
}
